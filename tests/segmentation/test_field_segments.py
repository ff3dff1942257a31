"""The segments of the field: who belongs, who does not, and when that changes."""

from datetime import UTC, datetime, timedelta

import pytest

from crmkit.errors import RuleError, UnknownName
from crmkit.model import Candidate, Interaction, Relationship
from crmkit.segmentation import (
    ALUMNI,
    CATALOGUE,
    COLD_PASSIVE,
    EVENT_LEADS,
    SILVER_MEDALISTS,
    WARM_PASSIVE,
    Segmenter,
    by_location,
    by_seniority,
    by_skill,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def person(*log, **known):
    facts = [
        Interaction(candidate_id="ada", kind=kind, at=NOW - timedelta(days=days), **more)
        for kind, days, more in log
    ]
    return Relationship(Candidate(id="ada", **known), facts)


FINAL = {"properties": {"stage": "final"}}
YES, LATER, NO = {"outcome": "positive"}, {"outcome": "later"}, {"outcome": "negative"}
MACHINE = {"automated": True}

CASES = [
    (SILVER_MEDALISTS, True, person(source="silver_medalist")),
    (SILVER_MEDALISTS, True, person(("applied", 90, {}), ("rejected", 30, FINAL))),
    (SILVER_MEDALISTS, False, person(("rejected", 30, {"properties": {"stage": "screen"}}))),
    (SILVER_MEDALISTS, False, person(("rejected", 30, {}))),
    (SILVER_MEDALISTS, False, person(("rejected", 30, FINAL), ("hired", 10, {}))),
    (SILVER_MEDALISTS, False, person(("hired", 300, {}), ("rejected", 30, FINAL))),
    (
        SILVER_MEDALISTS,
        True,
        person(("hired", 300, {}), ("left", 90, {}), ("rejected", 30, FINAL)),
    ),
    (SILVER_MEDALISTS, False, person(("hired", 10, {}), source="silver_medalist")),
    (WARM_PASSIVE, True, person(("replied", 40, YES), source="sourced")),
    (WARM_PASSIVE, True, person(("sourced", 90, {}), ("replied", 40, LATER))),
    (WARM_PASSIVE, True, person(("referred", 90, {}), ("called", 40, YES))),
    (WARM_PASSIVE, False, person(("replied", 40, YES), source="inbound")),
    (WARM_PASSIVE, False, person(("replied", 40, {}), source="sourced")),
    (WARM_PASSIVE, False, person(("replied", 40, YES | MACHINE), source="sourced")),
    (WARM_PASSIVE, False, person(("auto_replied", 40, {}), source="sourced")),
    (WARM_PASSIVE, False, person(("replied", 40, YES), ("replied", 9, NO), source="sourced")),
    (WARM_PASSIVE, True, person(("replied", 40, NO), ("replied", 9, YES), source="sourced")),
    (WARM_PASSIVE, False, person(("replied", 40, YES), ("applied", 9, {}), source="sourced")),
    (WARM_PASSIVE, True, person(("applied", 181, {}), ("replied", 40, YES), source="sourced")),
    (WARM_PASSIVE, False, person(("replied", 40, YES), ("hired", 9, {}), source="sourced")),
    (COLD_PASSIVE, True, person(("sent", 20, {}), source="sourced")),
    (COLD_PASSIVE, True, person(("sent", 20, MACHINE), ("opened", 19, {}), source="prospect")),
    (COLD_PASSIVE, True, person(("sourced", 30, {}), ("sent", 20, {}), ("auto_replied", 20, {}))),
    (COLD_PASSIVE, False, person(("sent", 13, {}), source="sourced")),
    (COLD_PASSIVE, False, person(source="sourced")),
    (COLD_PASSIVE, False, person(("sent", 20, {}), ("replied", 2, {}), source="sourced")),
    (COLD_PASSIVE, True, person(("sent", 20, {}), ("replied", 2, NO), source="sourced")),
    (COLD_PASSIVE, False, person(("sent", 20, {}), source="inbound")),
    (COLD_PASSIVE, False, person(("sent", 20, {}), ("applied", 2, {}), source="sourced")),
    (ALUMNI, True, person(("hired", 900, {}), ("left", 90, {}))),
    (ALUMNI, True, person(("left", 90, {}))),
    (ALUMNI, True, person(source="alumni")),
    (ALUMNI, False, person(("hired", 900, {}), ("left", 90, {}), ("hired", 9, {}))),
    (ALUMNI, False, person(("hired", 9, {}), source="alumni")),
    (ALUMNI, False, person(("hired", 900, {}))),
    (EVENT_LEADS, True, person(("attended", 30, {}))),
    (EVENT_LEADS, True, person(source="event")),
    (EVENT_LEADS, False, person(("attended", 30, {}), ("applied", 300, {}))),
    (EVENT_LEADS, False, person(("attended", 30, {}), ("hired", 300, {}))),
    (EVENT_LEADS, False, person()),
    (by_skill("Go", "rust"), True, person(skills=["GO"])),
    (by_skill("Go", "rust"), False, person(skills=["python"])),
    (by_seniority("senior", "lead"), True, person(seniority="lead")),
    (by_seniority("senior", "lead"), False, person()),
    (by_location(country="de", city="Berlin"), True, person(country="DE", city="Berlin")),
    (by_location(country="de", city="Berlin"), False, person(country="DE")),
    (by_location(region="Bavaria"), True, person(region="Bavaria")),
]


@pytest.mark.parametrize(("segment", "expected", "relationship"), CASES)
def test_the_right_people_belong(segment, expected, relationship):
    """Each segment of the field holds the people it names, and no others."""
    verdict = segment.check(relationship, now=NOW)
    assert expected is verdict.value, str(verdict)


def test_silence_makes_cold_when_its_two_weeks_are_over():
    """The clock alone moves people: until is the instant at which the first message is old."""
    relationship = person(("sent", 13, {}), source="sourced")
    verdict = COLD_PASSIVE.check(relationship, now=NOW)
    assert (False, NOW + timedelta(days=1)) == (verdict.value, verdict.until)
    assert COLD_PASSIVE.check(relationship, now=verdict.until)


def test_old_application_lets_warm_people_return():
    """180 days after an application that came to nothing, the person is warm again."""
    relationship = person(("replied", 40, YES), ("applied", 9, {}), source="sourced")
    verdict = WARM_PASSIVE.check(relationship, now=NOW)
    assert (False, NOW + timedelta(days=171)) == (verdict.value, verdict.until)
    assert WARM_PASSIVE.check(relationship, now=verdict.until)


def test_catalogue_holds_the_five_by_behaviour():
    """The catalogue's names are the field's, and each says what it is for."""
    expected = ["silver medalists", "warm passive", "cold passive", "alumni", "event leads"]
    assert expected == [segment.name for segment in Segmenter(CATALOGUE).segments]
    assert all(segment.description for segment in CATALOGUE)


def test_constructors_name_their_segments():
    """Names carry the normalised values."""
    made = (
        by_skill("Python", "Go"),
        by_skill(["ml"]),
        by_seniority("senior"),
        by_location(country="de", region="Bavaria", city="Munich"),
    )
    assert [segment.name for segment in made] == [
        "skill: python, go",
        "skill: ml",
        "seniority: senior",
        "location: DE, Bavaria, Munich",
    ]


def test_constructors_refuse_nothing_and_unknown_names():
    """A place that is none and a level that nobody knows are errors."""
    with pytest.raises(RuleError, match="a country, a region or a city"):
        by_location()
    with pytest.raises(UnknownName, match="did you mean 'senior'"):
        by_seniority("seniour")
