"""A candidate table of the host's own, whose changes nobody tells of."""

from datetime import UTC, datetime, timedelta

import attrs
import pytest

from crmkit import CRM
from crmkit.lifecycle import TemplateRenderer
from crmkit.model import Candidate, Interaction
from crmkit.stores import MemoryStore

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "written_to"),
    [
        ({"do_not_contact": True}, []),
        ({"erased": True}, []),
        ({"emails": ["b@x.org"]}, ["b@x.org"]),
    ],
    ids=["do not contact", "erased", "another address"],
)
def test_it_is_read_again_before_a_call_starts(store, sender, changes, written_to):
    """What the host commits after the plan was made counts, though nobody was woken."""
    table = MemoryStore()

    class Meddling(TemplateRenderer):
        def render(self, touch, relationship, **options):
            known = table.get_candidates(["ada"])["ada"]
            table.put_candidates([attrs.evolve(known, **changes)])
            return super().render(touch, relationship, **options)

    crm = CRM(store, sender, candidates=table, renderer=Meddling())
    met = Interaction(candidate_id="ada", kind="met", at=NOW - timedelta(days=9))
    crm.capture(Candidate(id="ada", emails=["a@x.org"]), [met], now=NOW)
    crm.engage(now=NOW)
    assert [message.to for message in sender.messages] == written_to


def test_who_was_deleted_there_is_not_written_to(store, sender):
    """A row that is gone is nobody's."""
    table = MemoryStore()

    class Deleting(TemplateRenderer):
        def render(self, touch, relationship, **options):
            table.delete_candidates(["ada"])
            return super().render(touch, relationship, **options)

    crm = CRM(store, sender, candidates=table, renderer=Deleting())
    met = Interaction(candidate_id="ada", kind="met", at=NOW - timedelta(days=9))
    crm.capture(Candidate(id="ada", emails=["a@x.org"]), [met], now=NOW)
    crm.engage(now=NOW)
    assert sender.messages == []
