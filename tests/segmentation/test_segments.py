"""Segments and the segmenter: verdicts, reasons, sentences."""

from datetime import UTC, datetime, timedelta

import pytest

import crmkit.segmentation
from crmkit.errors import InvalidRecord, NaiveInstant
from crmkit.model import Candidate, Interaction, Relationship
from crmkit.segmentation import (
    Membership,
    Segment,
    Segmenter,
    Transition,
    all_of,
    event,
    everyone,
    field,
    none_of,
    temperature,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ADA = Candidate(id="ada", skills=["python", "ml"], source="sourced")
RELATIONSHIP = Relationship(
    ADA,
    [
        Interaction(candidate_id="ada", kind="sourced", at="2026-01-05T09:00Z"),
        Interaction(candidate_id="ada", kind="replied", at="2026-01-09T09:00Z", outcome="positive"),
        Interaction(candidate_id="ada", kind="applied", at="2026-02-01T09:00Z"),
    ],
)
WARM = Segment(
    "warm-python",
    (field.source == "sourced")
    & field.skills.has_any("python", "go")
    & event("replied", outcome="positive").ever()
    & ~event("applied").within(days=180),
)


def test_public_names_are_pinned():
    """The public names of the package are these and no others."""
    expected = (
        "ALUMNI CATALOGUE COLD_PASSIVE EVENT_LEADS SILVER_MEDALISTS WARM_PASSIVE Example Fields "
        "Index Membership OnLeave Rule Segment SegmentDiff Segmenter Transition all_of any_of "
        "bucket by_location by_seniority by_skill compare consented describe event everyone "
        "field held listed member none_of outline permitted score suppressed temperature "
        "unopened"
    )
    assert expected.split() == crmkit.segmentation.__all__


def test_reasons_show_what_was_asked_and_found():
    """Every leaf shows what was asked, what was found, and its until."""
    verdict = WARM.check(RELATIONSHIP, now=NOW)
    assert not verdict
    expected = [
        "✗ all of, until 2026-07-31 09:00 UTC",
        "  ✓ source is 'sourced' (found 'sourced')",
        "  ✓ skills include 'python' or 'go' (found 'python', 'ml')",
        "  ✓ ever replied with outcome 'positive' (found 1, last on 2026-01-09)",
        "  ✗ not applied within the last 180 days (found 1, last on 2026-02-01), "
        "until 2026-07-31 09:00 UTC",
    ]
    assert expected == str(verdict.because).splitlines()
    assert WARM.check(RELATIONSHIP, now=verdict.until)


def test_reasons_say_unknown_where_data_is_missing():
    """A leaf about a field that nobody filled says so."""
    rule = none_of(field.country == "DE", field.interested_from.within(days=9)) & ~all_of(
        field.custom["visa"].has_any("EU"), field.salary > 5
    )
    verdict = Segment("s", rule).check(RELATIONSHIP, now=NOW)
    expected = [
        "✓ all of",
        "  ✓ none of",
        "    ✗ country is 'DE' (found unknown)",
        "    ✗ interested from is within the last 9 days (found unknown)",
        "  ✓ not all of",
        "    ✗ custom visa include 'EU' (found unknown)",
        "    ✗ salary is more than 5 (found unknown)",
    ]
    assert expected == str(verdict.because).splitlines()


def test_reason_of_undone_and_followed_events_names_the_days():
    """Sequences say which day decided."""
    hired = event("applied").not_followed_by(event("replied"))
    undone = event("sourced").not_followed_by(event("replied"))
    after = event("replied").after(event("sourced"))
    found = [
        Segment("s", rule).check(RELATIONSHIP, now=NOW).because.found
        for rule in (hired, undone, after, ~after, event("sourced").first.older_than(days=9))
    ]
    assert found == [
        "on 2026-02-01",
        "on 2026-01-05, undone on 2026-01-09",
        "on 2026-01-09",
        "on 2026-01-09",
        "first on 2026-01-05",
    ]


def test_temperature_reason_keeps_the_reasons_below_it():
    """The temperature's own reasons hang below the leaf."""
    because = Segment("s", temperature() == "warm").check(RELATIONSHIP, now=NOW).because
    assert because.text == "temperature is 'warm'"
    assert because.parts


def test_segment_prints_its_name_and_sentence():
    """Str says the rule, repr the name."""
    segment = Segment("readers", event("clicked").ever(), "who reads")
    assert str(segment) == "readers: Ever clicked."
    assert (segment.describe(), repr(segment)) == ("Ever clicked.", "<Segment 'readers'>")


def test_long_lists_are_cut_in_what_was_found():
    """A list of many values shows the first six and how many more there are."""
    many = Relationship(Candidate(id="ada", skills=[f"s{number}" for number in range(9)]))
    found = Segment("s", field.skills.has_any("s1")).check(many, now=NOW).because.found
    assert found == "'s0', 's1', 's2', 's3', 's4', 's5' and 3 more"


def test_found_values_of_every_type_are_shown():
    """Flags, numbers and instants are shown as values."""
    person = Candidate(id="ada", salary=5, interested_from=NOW, custom={"x": 3, "y": "it's"})
    rules = [
        field.do_not_contact == False,  # noqa: E712
        field.salary > 1,
        field.interested_from.is_known(),
        field.custom["x"] == 3,
        field.custom["y"].within(days=1),
    ]
    found = [
        Segment("s", rule).check(Relationship(person), now=NOW).because.found for rule in rules
    ]
    assert found == ["false", "5", "2026-03-02 09:00 UTC", "3", '"it\'s"']


def test_segment_needs_a_name_and_segmenter_an_aware_instant():
    """A blank name and a naive now are refused."""
    with pytest.raises(InvalidRecord, match="name: expected text"):
        Segment(" ", everyone())
    with pytest.raises(NaiveInstant):
        Segmenter([WARM]).check(RELATIONSHIP, now=datetime(2026, 3, 2))  # noqa: DTZ001


def test_future_facts_do_not_exist_yet_but_bound_until():
    """A fact dated after now is not seen before its instant."""
    coming = Interaction(candidate_id="ada", kind="met", at=NOW + timedelta(days=3))
    verdict = Segment("s", event("met").never()).check(Relationship(ADA, [coming]), now=NOW)
    assert (True, coming.at) == (verdict.value, verdict.until)


def test_memberships_and_transitions_show_ids_only():
    """The records that a store keeps are recognisable, and carry ids, no names."""
    because = WARM.check(RELATIONSHIP, now=NOW).because
    who = {"segment": "warm", "candidate_id": "ada", "because": because}
    expected = "Membership(segment='warm', candidate_id='ada')"
    assert expected == repr(Membership(since=NOW, **who))
    moves = [Transition(entered=entered, at=NOW, **who) for entered in (True, False)]
    assert [repr(move) for move in moves] == [
        "<ada entered warm at 2026-03-02 09:00 UTC>",
        "<ada left warm at 2026-03-02 09:00 UTC>",
    ]
