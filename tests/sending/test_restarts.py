"""A database server that is stopped and started while workers send."""

import os

import pytest
from examples import examples

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the workers are forked")


def test_nothing_is_stranded(postgres, report):
    """Stopped in turn gently and as by a crash, all that was due is settled soon afterwards."""
    touches = examples(300)
    found = report("restarts.py", "--touches", touches)
    assert found["faults"] == []
    assert found["fast"] >= 2
    assert found["immediate"] >= 2
    assert sum(found["states"].values()) == touches
    assert set(found["states"]) <= {"sent", "unknown"}
