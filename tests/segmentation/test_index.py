"""The index of a segmenter: who belongs at an instant, and where each leaf turns."""

from datetime import UTC, datetime, timedelta

import pytest

from crmkit._time import CalendarSpan
from crmkit.errors import NaiveInstant
from crmkit.model import Candidate, Interaction, Relationship
from crmkit.segmentation import (
    Segment,
    Segmenter,
    all_of,
    bucket,
    consented,
    event,
    everyone,
    field,
    held,
    listed,
    member,
    permitted,
    score,
    suppressed,
    temperature,
)
from crmkit.segmentation import _nodes as nodes

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
MONTH = CalendarSpan(months=1)
PLACE = nodes.Bucket("pilot").place("ada")


def fact(kind, at=NOW, **known):
    return Interaction(candidate_id="ada", kind=kind, at=at, **known)


def ada(*facts, **known):
    return Relationship(Candidate(id="ada", **known), facts)


def sent(*days):
    return ada(*[fact("sent", NOW + day * DAY) for day in days])


def holds(rule, relationship, *instants):
    index = Segmenter([Segment("s", rule)]).index([relationship])
    return [bool(index.members(now=now)["s"]) for now in instants]


of = event("sent")
twice = event("sent").at_least(2, within=7 * DAY)
dated = ada(interested_from=NOW)
custom = ada(custom={"visa": NOW})
twins = ada(fact("sent", touch="a"), fact("sent", touch="b"))
consent = fact("consented", properties={"purpose": "nurture", "expires_at": NOW + 9 * DAY})

clipped = ada(fact("sent", NOW - 31 * DAY + HOUR), fact("sent", NOW - 30 * DAY))
"""On 30 and 31 January: the earlier one is the later one a month on, on 28 February."""

TURNS = {
    "within begins": (of.within(days=7), sent(0), NOW, True),
    "within ends": (of.within(days=7), sent(0), NOW + 7 * DAY, False),
    "within a month ends": (of.at_least(1, within=MONTH), sent(0), NOW + 31 * DAY, False),
    "within a month, at its end": (of.within(months=1), clipped, NOW - 2 * DAY + HOUR, False),
    "not within begins again": (~of.within(days=7), sent(0), NOW + 7 * DAY, True),
    "ever": (of.ever(), sent(0), NOW, True),
    "never": (of.never(), sent(0), NOW, False),
    "the second makes two": (twice, sent(0, 2), NOW + 2 * DAY, True),
    "the second-newest ends two": (twice, sent(0, 2, 3), NOW + 9 * DAY, False),
    "twins leave together": (twice, twins, NOW + 7 * DAY, False),
    "at most one ends": (of.at_most(1, within=7 * DAY), sent(0, 2), NOW + 2 * DAY, False),
    "at most one begins": (of.at_most(1, within=7 * DAY), sent(0, 2), NOW + 7 * DAY, True),
    "exactly one ends": (of.exactly(1, within=7 * DAY), sent(0), NOW + 7 * DAY, False),
    "exactly one begins": (of.exactly(1, within=7 * DAY), sent(0, 2), NOW + 7 * DAY, True),
    "none within a month": (of.at_most(0, within=MONTH), sent(0), NOW + 31 * DAY, True),
    "lag begins": (nodes.EventCount(of._events, 1, lag=DAY), sent(0), NOW + DAY, True),
    "lag of a month": (nodes.EventCount(of._events, 1, lag=MONTH), sent(0), NOW + 31 * DAY, True),
    "at most none, long ago": (
        nodes.EventCount(of._events, at_most=0, lag=DAY),
        sent(0),
        NOW + DAY,
        False,
    ),
    "stopped": (of.stopped(7 * DAY), sent(0), NOW + 7 * DAY, True),
    "stopped, of late": (of.stopped(7 * DAY, active=DAY), sent(0), NOW + 8 * DAY, False),
    "first older than": (of.first.older_than(days=3), sent(0, 2), NOW + 3 * DAY, True),
    "last older than": (of.last.older_than(days=3), sent(0, 2), NOW + 5 * DAY, True),
    "first within": (of.first.within(days=3), sent(0, 2), NOW + 3 * DAY, False),
    "last within": (of.last.within(days=3), sent(0, 2), NOW + 5 * DAY, False),
    "last a month ago": (of.last.older_than(months=1), sent(0), NOW + 31 * DAY, True),
    "first within a month": (of.first.within(months=1), sent(0), NOW + 31 * DAY, False),
    "anniversary begins": (of.last.anniversary(before=DAY), sent(0), NOW + 364 * DAY, True),
    "anniversary ends": (of.last.anniversary(), sent(0), NOW + 366 * DAY, False),
    "after": (of.after(event("met")), ada(fact("met"), fact("sent", NOW + DAY)), NOW + DAY, True),
    "undone": (
        of.not_followed_by(event("met")),
        ada(fact("sent", NOW - DAY), fact("met")),
        NOW,
        False,
    ),
    "regular": (of.regular(2, of=2, every=DAY), sent(0, 1), NOW + DAY, True),
    "no longer regular": (of.regular(1, of=2, every=DAY), sent(0), NOW + 2 * DAY, False),
    "restarted": (of.restarted(5 * DAY, within=DAY), sent(0, 5), NOW + 5 * DAY, True),
    "restart forgotten": (of.restarted(5 * DAY, within=DAY), sent(0, 5), NOW + 6 * DAY, False),
    "last is of the touch": (
        of.last.where("touch", "==", "b"),
        ada(fact("sent", NOW - DAY, touch="a"), fact("sent", touch="b")),
        NOW,
        True,
    ),
    "field come": (field.interested_from.within(days=2), dated, NOW, True),
    "field gone": (field.interested_from.within(days=2), dated, NOW + 2 * DAY, False),
    "field old": (field.interested_from.older_than(days=2), dated, NOW + 2 * DAY, True),
    "field of a host": (field.custom["visa"].older_than(days=2), custom, NOW + 2 * DAY, True),
    "field a month old": (field.interested_from.older_than(months=1), dated, NOW + 31 * DAY, True),
    "field within a month": (field.interested_from.within(months=1), dated, NOW + 31 * DAY, False),
    "field returns": (field.interested_from.anniversary(), dated, NOW + 365 * DAY, True),
    "score rises": (score() >= 5, ada(fact("replied")), NOW, True),
    "score halves": (score() < 2.5, ada(fact("replied")), NOW + 30 * DAY + TICK, True),
    "score above": (score() > 2.5, ada(fact("replied")), NOW + 30 * DAY, False),
    "score of nothing": (score() <= 0, ada(fact("clicked")), NOW, False),
    "hot": (temperature() == "hot", ada(fact("replied"), fact("met")), NOW, True),
    "not warm": (temperature() != "warm", ada(fact("replied")), NOW, False),
    "cold": (temperature() == "cold", sent(-3, -2, 0), NOW, True),
    "held": (held(of.ever(), at_least=5 * DAY), sent(0), NOW + 5 * DAY, True),
    "consent runs out": (consented(), ada(consent), NOW + 9 * DAY, False),
    "suppressed": (suppressed(), ada(fact("unsubscribed")), NOW, True),
}


@pytest.mark.parametrize(("rule", "relationship", "turn", "value"), TURNS.values(), ids=TURNS)
def test_each_leaf_turns_at_its_instant(rule, relationship, turn, value):
    """One microsecond before the instant it is the other way round, and the walk says so too."""
    instants = (turn - TICK, turn)
    assert [not value, value] == holds(rule, relationship, *instants)
    assert [not value, value] == [
        Segment("s", rule).check(relationship, now=now).value for now in instants
    ]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (of.within(days=7), False),
        (of.at_most(2, within=7 * DAY), True),
        (of.at_least(0, within=7 * DAY), True),
        (nodes.EventCount(of._events, 0, lag=DAY), True),
        (of.first.older_than(days=1), False),
        (of.first.older_than(months=1), False),
        (of.last.within(days=1), False),
        (of.last.where("touch", "unknown"), False),
        (of.after(event("met")), False),
        (of.not_followed_by(event("met")), False),
        (of.restarted(DAY, within=DAY), False),
        (field.interested_from.within(days=1), False),
        (field.interested_from.older_than(days=0), False),
        (field.custom["visa"].older_than(days=0), False),
        (~(field.salary > 100_000) & ~of.within(days=90), True),
        (field.salary != 5, True),
        (score() >= 0, True),
        (score() > 0, False),
        (score() >= float("inf"), False),
        (temperature() == "unknown", True),
        (everyone(), True),
        (listed("ada"), True),
        (listed("bob"), False),
        (bucket("pilot", at_least=PLACE), True),
        (bucket("pilot", below=PLACE), False),
        (permitted("text"), False),
    ],
)
def test_nothing_known_is_answered(rule, expected):
    """A person without history or fields fails positive tests and passes their negations."""
    assert [expected, not expected] == [*holds(rule, ada(), NOW), *holds(~rule, ada(), NOW)]


def test_ends_of_the_calendar_are_instants_like_others():
    """Windows longer than all calendars never end, and facts of the first and last year count."""
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    long = timedelta(days=4_000_000)
    person = ada(fact("sent", first), fact("sent", last))
    assert [True, True] == holds(of.at_least(1, within=long), person, first, last)
    assert [False, True] == holds(of.at_least(2, within=long), person, last - TICK, last)
    assert [False, False] == holds(of.first.older_than(long), person, first, last)
    assert [False, False] == holds(of.last.older_than(months=1), person, first, last)
    assert [True, True] == holds(score() < 1e-300, person, first, last)


def test_members_keep_the_order_of_people_and_segments():
    """Ids come in the order of the people, segments in that of the segmenter."""
    people = [Relationship(Candidate(id=who, skills=["go"])) for who in ("c", "a", "b")]
    goers = Segment("go", field.skills.has_any("go"))
    segmenter = Segmenter([Segment("most", member("go") & ~listed("a")), goers])
    index = segmenter.index(iter(people))
    members = index.members(now=NOW)
    assert [("most", ["c", "b"]), ("go", ["c", "a", "b"])] == [*members.items()]
    assert {"most": 2, "go": 3} == index.sizes(now=NOW)
    assert (3, "<Index of 3 people for 2 segments>") == (len(index), repr(index))


def test_facts_dated_after_now_do_not_exist_yet():
    """The past is answered without what came later, and the future with it, in any order."""
    people = [sent(-1), sent(1, 5), sent()]
    people = [
        Relationship(Candidate(id=f"{place}", aliases=["ada"]), each.history)
        for place, each in enumerate(people)
    ]
    index = Segmenter([Segment("s", of.within(days=3)), Segment("n", of.never())]).index(people)
    for _ in range(2):
        assert {"s": ["0"], "n": ["1", "2"]} == index.members(now=NOW)
        assert {"s": ["1"], "n": ["2"]} == index.members(now=NOW + 6 * DAY)
        assert {"s": [], "n": ["0", "1", "2"]} == index.members(now=NOW - 9 * DAY)


def test_a_leaf_of_the_walk_is_asked_again_when_its_answer_has_ended():
    """What it answered lasts until its ``until``, forwards and backwards in time."""
    index = Segmenter([Segment("s", held(of.within(days=3), at_least=DAY))]).index([sent(0)])
    days = (0, 1, 2, 3, 2, 1, 0, 2, 9, 1)
    found = [bool(index.members(now=NOW + day * DAY)["s"]) for day in days]
    assert [day in {1, 2} for day in days] == found


def test_progress_says_how_many_are_indexed():
    """It is called every few hundred people, and at the end with the number of all."""
    calls = []
    people = [Relationship(Candidate(id=f"p{number}")) for number in range(600)]
    Segmenter([Segment("all", everyone())]).index(people, progress=lambda *how: calls.append(how))
    assert [(256, None), (512, None), (600, 600)] == calls


def test_naive_now_is_refused():
    """An instant without a zone is an error, as everywhere."""
    index = Segmenter([Segment("all", everyone())]).index([ada()])
    with pytest.raises(NaiveInstant, match="now"):
        index.members(now=datetime(2026, 3, 2))  # noqa: DTZ001


def test_cheap_parts_are_asked_before_dear_ones():
    """A leaf that is asked of the walk comes last, whatever order it was written in."""
    rule = all_of(permitted("text"), of.within(days=3), field.owner == "x")
    body = Segmenter([Segment("s", rule)])._compiled.source.splitlines()[4]
    assert "        if x2 and x1 > n0 and a0(x0, p, at): g0(i)" == body
