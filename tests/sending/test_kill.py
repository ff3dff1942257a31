"""Workers that are killed, at random and at every edge, against a provider's own account."""

import os

import pytest
from examples import examples

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the workers are forked")


def test_kills_at_random(url, report):
    """After 150 kills nothing was started twice or lost, and each unknown has its kill."""
    kills = examples(150)
    found = report("kills.py", "--url", url, "--kills", kills)
    assert found["faults"] == []
    assert found["kills"] == kills
    assert found["hits"] > kills / 4
    assert sum(found["states"].values()) == found["due"]
    assert found["states"]["unknown"] <= found["kills"]
    assert set(found["states"]) <= {"sent", "unknown"}


@pytest.mark.parametrize("kind", ["plain", "deduplicates", "finds"])
def test_a_kill_at_every_edge(url, kind, report):
    """Killed before or after any commit or call, the next run ends as if nothing had happened.

    Only what was cut off in its call is unknown, and only where the sender cannot help.
    """
    found = report("edges.py", "--url", url, "--kind", kind)
    assert found["faults"] == []
    assert found["states"] == {"sent": 3, "task": 1, "expired": 1}
    names = [edge.rpartition(" ")[0] for edge in found["edges"]]
    assert names.count("before call") == names.count("after call") == 2
    assert names.count("before commit") == names.count("after commit") >= 6
