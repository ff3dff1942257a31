"""Many workers on one database."""

import os

import pytest
from examples import examples

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the workers are forked")


def test_each_touch_is_started_once(url, report):
    """Of many due touches each is started by one worker, by the provider's own count.

    A worker that is stopped past its lease changes nothing when it goes on.
    """
    touches = examples(800)
    workers = 6 if url.startswith("sqlite") else 8
    found = report("crowd.py", "--url", url, "--touches", touches, "--workers", workers)
    assert found["faults"] == []
    assert found["stopped"] == 1
    # Whoever was stopped in its call may have sent it or not.
    assert found["states"].get("unknown", 0) <= 1
    assert sum(found["states"].values()) == touches
    assert found["started"] in {touches - 1, touches}
    assert sum(share > 0 for share in found["shares"]) > 1
