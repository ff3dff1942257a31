"""Segments and the segmenter: verdicts, reasons, sentences."""

from datetime import UTC, datetime, timedelta

import pytest

import crmkit.segmentation
from crmkit.engagement import EngagementPolicy
from crmkit.errors import InvalidRecord, NaiveInstant
from crmkit.model import Candidate, Interaction, Relationship
from crmkit.segmentation import (
    CATALOGUE,
    Membership,
    Segment,
    Segmenter,
    Transition,
    all_of,
    describe,
    event,
    everyone,
    field,
    none_of,
    score,
    temperature,
)
from crmkit.segmentation._nodes import Not

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
        "ALUMNI CATALOGUE COLD_PASSIVE EVENT_LEADS SILVER_MEDALISTS WARM_PASSIVE Membership Rule "
        "Segment Segmenter Transition all_of any_of by_location by_seniority by_skill describe "
        "event everyone field none_of score temperature"
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
        for rule in (hired, undone, after, ~after, event("sourced").older_than(days=9))
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


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (everyone(), "Everyone."),
        (~everyone(), "Nobody."),
        (field.source != "event", "Source is not 'event'."),
        (field.source.is_in("event", "alumni"), "Source is 'event' or 'alumni'."),
        (~field.source.is_in("event", "alumni"), "Source is not 'event' or 'alumni'."),
        (field.do_not_contact == True, "Do not contact is true."),  # noqa: E712
        (field.do_not_contact == False, "Do not contact is false."),  # noqa: E712
        (field.salary >= 50_000, "Salary is at least 50000."),
        (~(field.salary < 50_000.5), "Salary is not less than 50000.5."),
        (field.salary.between(1, 2), "Salary is between 1 and 2."),
        (field.seniority > "mid", "Seniority is above 'mid'."),
        (field.interested_from.before(NOW), "Interested from is before 2026-03-02 09:00 UTC."),
        (~field.interested_from.after(NOW), "Interested from is not after 2026-03-02 09:00 UTC."),
        (field.interested_from.older_than(days=9), "Interested from is 9 days ago or earlier."),
        (~field.interested_from.within(hours=5), "Interested from is not within the last 5 hours."),
        (field.title.contains("x"), "Title contains 'x'."),
        (~field.title.starts_with("x"), "Title does not start with 'x'."),
        (field.title.ends_with("x"), "Title ends with 'x'."),
        (field.skills.has_none("go"), "Skills do not include 'go'."),
        (field.skills.has_none("go", "c", "ml"), "Skills include neither 'go', 'c' nor 'ml'."),
        (field.skills.has_all("go", "c"), "Skills include 'go' and 'c'."),
        (~field.skills.has_all("go", "c"), "Skills do not include 'go' and 'c'."),
        (field.source.is_unknown(), "Source is unknown."),
        (field.years_experience.is_known(), "Years experience is known."),
        (event("opened").ever(), "Ever opened."),
        (event("opened").never(), "Never opened."),
        (~event("opened").never(), "Ever opened."),
        (event("opened").within(weeks=2), "Opened within the last 14 days."),
        (~event("opened").within(days=9), "Not opened within the last 9 days."),
        (event("opened").at_least(2), "Opened at least 2 times."),
        (~event("opened").at_least(2), "Opened fewer than 2 times."),
        (event("opened").at_most(1), "Opened at most 1 time."),
        (~event("opened").at_most(2), "Opened more than 2 times."),
        (event("opened").exactly(2), "Opened exactly 2 times."),
        (~event("opened").exactly(2), "Opened not exactly 2 times."),
        (event("auto_replied", "x-lunch", "met").ever(), "Ever auto replied, x-lunch or met."),
        (event("clicked", automated=True).ever(), "Ever clicked by a machine."),
        (event("clicked", automated=False).ever(), "Ever clicked by a person for certain."),
        (
            event("rejected", stage="final", role_id=["a", "b"]).ever(),
            "Ever rejected with role id 'a' or 'b' and stage 'final'.",
        ),
        (event("sent").older_than(days=14), "Sent 14 days ago or earlier."),
        (~event("sent").older_than(days=14), "Not sent 14 days ago or earlier."),
        (event("replied").after(event("sent")), "Replied after sent."),
        (
            ~event("replied").after(event("sent"), within=timedelta(days=7)),
            "Never replied within 7 days after sent.",
        ),
        (event("hired").not_followed_by(event("left")), "Hired and not left since."),
        (~event("hired").not_followed_by(event("left")), "Not (hired and not left since)."),
        (score() >= 5, "Score is at least 5."),
        (~(score() > 5), "Score is not more than 5."),
        (temperature().is_in("cold", "cooling"), "Temperature is 'cold' or 'cooling'."),
        (temperature() != "cold", "Temperature is not 'cold'."),
        (none_of(everyone(), score() > 1), "Not (everyone, or score is more than 1)."),
        (Not(Not(everyone())), "Not (nobody)."),
        (
            (score() > 1) & (event("met").ever() | event("called").ever()),
            "Score is more than 1, and (ever met, or ever called).",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_rules_read_as_english(rule, sentence):
    """A rule is one English sentence, its nesting in parentheses."""
    assert sentence == describe(rule)


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


def test_segmenter_answers_like_each_segment_alone():
    """The segmenter gives every segment's own verdict, by name and in order."""
    segmenter = Segmenter([WARM, *CATALOGUE])
    verdicts = segmenter.check(RELATIONSHIP, now=NOW)
    expected = {one.name: one.check(RELATIONSHIP, now=NOW) for one in (WARM, *CATALOGUE)}
    assert list(expected.items()) == list(verdicts.items())


def test_segmenter_knows_the_kinds_its_rules_see():
    """Kinds come from every event rule, and from what the score and the temperature weigh."""
    policy = EngagementPolicy(weights={"x-lunch": 1, "clicked": 0})
    fields_only = Segment("f", field.source == "event")
    sequence = Segment("a", event("replied").after(event("sent")) | event("met").older_than(days=1))
    scored = Segment("s", score(policy) > 1)
    assert frozenset() == fields_only.kinds
    assert {"replied", "sent", "met"} == Segmenter([fields_only, sequence]).kinds
    assert {"sent"} == Segment("n", ~event("sent").ever()).kinds
    assert "x-lunch" in scored.kinds
    assert "clicked" not in scored.kinds
    assert "sent" not in scored.kinds
    assert {"bounced", "sent", "replied"} <= Segment("t", temperature() == "cold").kinds


@pytest.mark.parametrize(
    ("segments", "message"),
    [
        ([WARM, WARM], "segments[1].name: 'warm-python' is there already"),
        ([WARM, "x"], "segments[1]: expected a Segment, got str"),
        (5, "segments: expected segments, got int"),
    ],
)
def test_segmenter_refuses_what_is_not_segments_with_unique_names(segments, message):
    """The error says which segment is at fault."""
    with pytest.raises(InvalidRecord) as caught:
        Segmenter(segments)
    assert message == str(caught.value)


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
