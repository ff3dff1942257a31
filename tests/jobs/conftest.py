"""What the job frameworks are asked in common: a folder with a page's files, and people."""

import os
import sys
import threading
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crmkit.model import Candidate, Interaction, Relationship
from crmkit.senders import MaildirSender


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder of which one can import, with nothing imported from it at the end."""
    place, known, home = tmp_path_factory.mktemp("jobs"), set(sys.modules), Path.cwd()
    sys.path.insert(0, str(place))
    os.chdir(place)
    yield place
    os.chdir(home)
    sys.path.remove(str(place))
    for name in set(sys.modules) - known:
        if name.partition(".")[0] in {"talent", "talent_jobs"}:
            del sys.modules[name]


@pytest.fixture
def people():
    """Return more people than two workers take at first."""
    return [
        Relationship(
            Candidate(id=key, emails=[f"{key}@example.org"]),
            [Interaction(candidate_id=key, kind="captured", at=datetime.now(UTC))],
        )
        for key in (f"p{number}" for number in range(70))
    ]


@pytest.fixture
def meeting():
    """Return a Maildir that counts calls, and in which two workers meet before either sends."""
    counter, meeting_point, here = Counter(), threading.Barrier(2), threading.local()

    class Meeting(MaildirSender):
        calls = counter
        barrier = meeting_point

        def send(self, message):
            if not hasattr(here, "met"):
                here.met = meeting_point.wait(20)  # else a quick worker might do it all
            counter[message.key] += 1
            return super().send(message)

    return Meeting
