"""Measure: what the workspace adds to the log, segments and levels, as of any instant."""

from datetime import UTC, datetime, timedelta

import attrs
import pytest

from crmkit import CRM
from crmkit.errors import NaiveInstant
from crmkit.lifecycle import DEFAULT_PLAYBOOK
from crmkit.metrics import scorecard
from crmkit.model import Candidate, FrozenMap, Interaction, Relationship
from crmkit.segmentation import Segment, field
from crmkit.senders import MemorySender
from crmkit.stores import MemoryStore

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def crm() -> CRM:
    """Return six people of whom one moves from Paris to London after a fortnight."""
    segments = [Segment("London", field.city == "London"), Segment("Paris", field.city == "Paris")]
    crm = CRM(MemoryStore(), MemorySender(), segments=segments)
    for number in range(6):
        key = f"p{number}"
        crm.capture(
            Candidate(
                id=key,
                emails=[f"{key}@example.org"],
                country="GB",
                city="London" if number else "Paris",
                source="inbound",
            ),
            interactions=[
                Interaction(candidate_id=key, kind="signed_up", at=START - DAY),
            ],
            now=START,
        )
    crm.segment(now=START)
    crm.engage(now=START)
    return crm


def test_messages_are_parted_by_the_cadence_and_its_levels(crm: CRM) -> None:
    """The cadence is what the enrolment says; the level is the playbook's."""
    card = crm.measure(now=START + DAY)
    rows = card.responses("cadence", "touch", "level").to_dicts()
    sent = {touch for row in rows for touch in [row["touch"]]}
    assert sum(row["messages"] for row in rows) == 6
    assert sent <= {touch.key for cadence in DEFAULT_PLAYBOOK.cadences for touch in cadence.touches}
    assert "not stated" not in {row["level"] for row in rows} | {row["cadence"] for row in rows}


def test_segments_are_those_of_the_instant_asked(crm: CRM) -> None:
    """Who has moved since is still counted where they were."""
    mover = attrs.evolve(crm.relationship("p0").candidate, city="London")
    crm.capture(mover, now=START + 14 * DAY)
    before, after = (crm.measure(now=START + days * DAY) for days in (7, 21))
    assert [row[:2] for row in before.table("segments")] == [("London", 5), ("Paris", 1)]
    assert [row[:2] for row in after.table("segments")] == [("London", 6)]


def test_segment_sizes_follow_the_log_of_who_moved(crm: CRM) -> None:
    """At any instants, in the order asked; before the first pass nobody is anywhere."""
    mover = attrs.evolve(crm.relationship("p0").candidate, city="London")
    crm.capture(mover, now=START + 14 * DAY)
    later, first, never = START + 21 * DAY, START, START - DAY
    assert crm.segment_sizes([later, first, never]) == (
        (later, FrozenMap({"London": 6, "Paris": 0})),
        (first, FrozenMap({"London": 5, "Paris": 1})),
        (never, FrozenMap({"London": 0, "Paris": 0})),
    )
    with pytest.raises(NaiveInstant, match=r"instants\[0\]"):
        crm.segment_sizes([datetime(2026, 3, 2)])  # noqa: DTZ001


def test_what_the_store_keeps_measures_like_what_it_was_given(crm: CRM) -> None:
    """The scorecard is a function of the log: from the store or from a list, it is one."""
    stored = crm.measure(now=START + DAY)
    people: list[Relationship] = list(crm.relationships())
    assert scorecard(people, now=START + DAY) == stored
