"""A pool of people like each other, and behaviours in which one thing is sure."""

from datetime import UTC, datetime

import attrs
import pytest

from crmkit.model import Candidate, Interaction, Relationship
from crmkit.simulation import Behaviour

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
_NOTHING = {
    field.name: 0.0
    for field in attrs.fields(Behaviour)
    if field.type is float and field.name not in {"annoyance", "fatigue", "tasks_done"}
}


@pytest.fixture(scope="session")
def neutral():
    """Return a maker of people who were sourced a month ago and of whom nothing else is known."""

    def make(count, **changes):
        people = []
        for number in range(count):
            who = f"p{number}"
            fields = {"emails": [f"{who}@example.org"], "timezone": "Europe/London", **changes}
            sourced = Interaction(candidate_id=who, kind="sourced", at="2026-02-01T09:00Z")
            people.append(Relationship(Candidate(id=who, **fields), [sourced]))
        return people

    return make


@pytest.fixture(scope="session")
def silent():
    """Return a maker of behaviours in which nobody does anything but what is named."""

    def make(**changes):
        level = dict.fromkeys(range(1, 6), 1)
        flat = dict.fromkeys(["hot", "warm", "unknown", "cooling", "cold"], 1)
        sure = {"replies": [0.0], "levels": level, "temperatures": flat, "fatigue": 1}
        return Behaviour(**{**_NOTHING, **sure, "tasks_done": 1, **changes})

    return make
