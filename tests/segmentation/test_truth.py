"""What rules say where data is missing, and the bugs of other systems."""

from datetime import UTC, datetime, timedelta

import pytest

from crmkit.errors import NaiveInstant
from crmkit.model import Candidate, Employment, Interaction, Relationship
from crmkit.segmentation import Segment, event, everyone, field, score, temperature

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
NOBODY = Relationship(Candidate(id="ada"))
FULL = Candidate(
    id="ada",
    name="Ada Byron",
    source="sourced",
    seniority="senior",
    salary=90_000,
    skills=["Python", "ML"],
    country="gb",
    timezone="Europe/London",
    interested_from="2026-02-20T09:00Z",
    external_ids={"greenhouse": "7"},
    employments=[Employment(company="Acme", since="2020-01-01"), Employment(company="Initech")],
    custom={"visa": "EU", "level": 3, "flag": True, "tags": ["a", 1], "seen": NOW, "empty": ""},
)


def holds(rule, relationship=NOBODY, now=NOW):
    return Segment("s", rule).check(relationship, now=now).value


def fact(kind, days_ago=0, **more):
    return Interaction(candidate_id="ada", kind=kind, at=NOW - timedelta(days=days_ago), **more)


def log(*facts):
    return Relationship(Candidate(id="ada"), facts)


POSITIVE = [
    field.salary > 100,
    field.salary < 100,
    field.salary >= 0,
    field.salary <= 100,
    field.salary == 5,
    field.salary.between(0, 10),
    field.source == "sourced",
    field.source.is_in("sourced", "event"),
    field.title.contains("x"),
    field.title.starts_with("x"),
    field.title.ends_with("x"),
    field.skills.has_any("go"),
    field.skills.has_all("go"),
    field.skills.contains("go"),
    field.seniority < "lead",
    field.timezone == "Europe/London",
    field.interested_from.before(NOW),
    field.interested_from.after(NOW),
    field.interested_from.within(days=9),
    field.interested_from.older_than(days=9),
    field.employments.company.has_any("Acme"),
    field.external_ids["greenhouse"] == "7",
    field.custom["visa"] == "EU",
    field.custom["visa"] < "EU",
    field.custom["visa"].within(days=9),
    field.source.is_known(),
    event("opened").ever(),
    event("opened").within(days=9),
    event("opened").at_least(1),
    event("opened").exactly(1),
    event("opened").first.older_than(days=9),
    event("opened").after(event("sent")),
    event("opened").not_followed_by(event("sent")),
    score() > 0,
    temperature() == "cold",
]


@pytest.mark.parametrize("rule", POSITIVE, ids=str)
def test_positive_test_of_missing_data_is_false(rule):
    """A positive test of nothing is false, and its opposite true."""
    assert (holds(rule), holds(~rule)) == (False, True)


@pytest.mark.parametrize(
    "rule",
    [
        field.salary != 5,
        ~(field.salary > 100_000),
        field.skills.has_none("go"),
        field.source.is_unknown(),
        field.custom["visa"] != "EU",
        event("opened").never(),
        event("opened").at_most(0),
        event("opened").at_most(1, within=timedelta(days=9)),
        event("opened").exactly(0),
        event("opened").at_least(0),
        score() < 1,
        score() >= 0,
        temperature() != "cold",
        temperature() == "unknown",
        everyone(),
    ],
    ids=str,
)
def test_negative_test_of_missing_data_is_true(rule):
    """Every negative operator is the opposite of its positive; a count of none is a count."""
    assert (holds(rule), holds(~rule)) == (True, False)


@pytest.mark.parametrize(
    "rule",
    [
        field.country == "gb",
        field.country != "DE",
        field.skills.has_any("PYTHON"),
        field.skills.has_all(["python", "Ml"]),
        field.skills.contains("ml"),
        field.skills.has_none("go", "rust"),
        field.name.contains("Byr"),
        field.name.starts_with("Ada"),
        field.name.ends_with("Byron"),
        field.seniority > "mid",
        field.seniority.between("mid", "lead"),
        field.seniority.is_in({"senior", "lead"}),
        field.salary.between(90_000, 90_000),
        field.timezone == "Europe/London",
        field.timezone.is_in("Europe/Berlin", "Europe/London"),
        field.do_not_contact == False,  # noqa: E712 - the builder's word
        field.interested_from.before("2026-02-20T10:00+00:30"),
        field.interested_from.after("2026-02-20T08:59Z"),
        field.interested_from.within(weeks=2),
        field.interested_from.older_than(hours=24),
        field.interested_from.between("2026-02-20T09:00Z", NOW),
        field.external_ids["greenhouse"] == "7",
        field.external_ids.is_known(),
        field.employments.company.has_any("Initech"),
        field.employments.since.is_known(),
        field.employments.title.is_unknown(),
        field.employments.is_known(),
        field.custom["visa"].is_in("EU", 7),
        field.custom["visa"].starts_with("E"),
        field.custom["level"] >= 3,
        field.custom["level"].between(2.5, 3),
        field.custom["tags"].has_any("z", 1),
        field.custom["tags"].has_all("a", 1),
        field.custom["tags"].contains("a"),
        field.custom["seen"].after(MARCH),
        field.custom["seen"].within(days=1),
        field.custom["empty"].is_unknown(),
    ],
    ids=str,
)
def test_field_rules_hold_for_a_person_they_describe(rule):
    """Values are normalised as the record's are, and compared by the field's own order."""
    assert (holds(rule, Relationship(FULL)), holds(~rule, Relationship(FULL))) == (True, False)


@pytest.mark.parametrize(
    "rule",
    [
        field.custom["level"] == True,  # noqa: E712 - the builder's word
        field.custom["flag"] == 1,
        field.custom["level"] == "3",
        field.custom["visa"] > 3,
        field.custom["visa"].between(1, 2),
        field.custom["level"].contains("3"),
        field.custom["tags"].contains("1"),
        field.custom["visa"].has_any("E"),
        field.custom["visa"].has_all("E"),
        field.custom["tags"].has_any(True),
        field.custom["visa"].within(days=9),
        field.custom["seen"].starts_with("2026"),
    ],
    ids=str,
)
def test_custom_value_of_another_type_is_not_the_one_asked_for(rule):
    """Custom fields may hold anything; a value of another type fails the test, never raises."""
    assert not holds(rule, Relationship(FULL))


def test_not_opened_in_180_days_leaves_out_recent_readers():
    """Bug 1 of the field: recent readers are out, old ones and those who never did are in."""
    rule = ~event("opened").within(days=180)
    assert not holds(rule, log(fact("opened", 5)))
    assert not holds(rule, log(fact("opened", 500), fact("opened", 5)))
    assert holds(rule, log(fact("opened", 500)))
    assert holds(rule, log(fact("sent", 5)))
    assert holds(rule, NOBODY)


def test_count_of_zero_matches_those_who_never_did():
    """Bug 1 of the field: a count of zero matches people."""
    rule = event("opened").exactly(0)
    assert (holds(rule), holds(rule, log(fact("opened")))) == (True, False)


def test_unknown_is_not_less_than_anything():
    """Bug 14 of the field: nothing is less than 15 because it is missing."""
    assert not holds(field.years_experience < 15)
    assert not holds(field.custom["score"] < 15)
    assert not holds(
        field.custom["score"] < 15,
        Relationship(Candidate(id="ada", custom={"score": float("nan")})),
    )


def test_naive_now_is_refused():
    """Bug 14 of the field: a naive instant is a typed error at the edge."""
    with pytest.raises(NaiveInstant, match="now: "):
        Segment("s", everyone()).check(NOBODY, now=datetime(2026, 3, 2))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(0), True),
        (timedelta(days=7) - timedelta(microseconds=1), True),
        (timedelta(days=7), False),
        (-timedelta(microseconds=1), False),
    ],
    ids=str,
)
def test_window_has_its_newer_edge_and_not_its_older_one(age, expected):
    """An event at t is within w of now iff now - w < t <= now; a future one does not exist."""
    relationship = log(Interaction(candidate_id="ada", kind="sent", at=NOW - age))
    assert expected is holds(event("sent").within(days=7), relationship)


def test_machine_events_count_only_when_asked_for():
    """Events known to be automated are left out, asked for alone, or taken with the rest."""
    machine = log(fact("clicked", automated=True))
    unknown = log(fact("clicked"))
    human = log(fact("clicked", automated=False))
    for word, expected in (
        ({}, [False, True, True]),
        ({"automated": True}, [True, False, False]),
        ({"automated": False}, [False, False, True]),
        ({"automated": None}, [True, True, True]),
    ):
        rule = event("clicked", **word).ever()
        assert expected == [holds(rule, who) for who in (machine, unknown, human)]


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"channel": "email"}, True),
        ({"channel": ["text", "email"]}, True),
        ({"channel": "text"}, False),
        ({"outcome": "positive", "role_id": "be-1", "enrollment_id": "e"}, True),
        ({"touch": "welcome", "rotation": 0}, True),
        ({"rotation": 1}, False),
        ({"stage": "final"}, True),
        ({"stage": "first"}, False),
        ({"round": 3}, True),
        ({"round": True}, False),
        ({"missing": "x"}, False),
    ],
    ids=str,
)
def test_event_filters_look_at_attributes_and_properties(properties, expected):
    """A filter looks at the interaction's attributes, and else at its properties."""
    replied = fact(
        "replied",
        channel="email",
        outcome="positive",
        role_id="be-1",
        enrollment_id="e",
        touch="welcome",
        rotation=0,
        properties={"stage": "final", "round": 3},
    )
    assert expected is holds(event("replied", **properties).ever(), log(replied))


def test_after_is_strictly_later_and_within_its_span():
    """At the same instant is not after; the span's own length is too long."""
    sent, replied = fact("sent", 9), fact("replied", 2)
    week = timedelta(days=7)
    rule = event("replied").after(event("sent"))
    within = event("replied").after(event("sent"), within=week)
    longer = event("replied").after(event("sent"), within=week + timedelta(microseconds=1))
    both = log(sent, replied)
    assert [holds(one, both) for one in (rule, within, longer)] == [True, False, True]
    assert not holds(rule, log(fact("sent", 2), replied))
    assert not holds(rule, log(fact("sent", 1), replied))
    assert holds(within, log(sent, fact("sent", 4), replied))


def test_not_followed_by_looks_at_the_newest_of_both():
    """Hired and not left since: true again after a second hire, false at the same instant."""
    rule = event("hired").not_followed_by(event("left"))
    assert holds(rule, log(fact("hired", 9)))
    assert not holds(rule, log(fact("hired", 9), fact("left", 5)))
    assert holds(rule, log(fact("hired", 9), fact("left", 5), fact("hired", 1)))
    assert not holds(rule, log(fact("hired", 5), fact("left", 5)))


def test_score_comparisons_part_at_the_number_itself():
    """At exactly the number, >= and <= hold, > and < do not."""
    relationship = log(fact("replied"))
    rules = (score() >= 5, score() <= 5, score() > 5, score() < 5)
    assert [holds(rule, relationship) for rule in rules] == [True, True, False, False]
