"""Value and until of random rules, against the definitions and a sweep of the clock."""

from datetime import UTC, datetime, timedelta

from examples import examples
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rule_oracle import holds, times_of

from crmkit.model import Candidate, Interaction, Relationship
from crmkit.segmentation import (
    Segment,
    all_of,
    any_of,
    event,
    everyone,
    field,
    none_of,
    score,
    temperature,
)
from crmkit.segmentation import _nodes as nodes

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TICK = timedelta(microseconds=1)
DAYS = (1, 2, 7, 14)
WINDOWS = tuple(timedelta(days=days) for days in DAYS)
KINDS = ("sent", "opened", "replied", "x-lunch")

windows = st.sampled_from(WINDOWS)
offsets = st.builds(
    lambda days, ticks: timedelta(days=days) + ticks * TICK,
    st.integers(-16, 9),
    st.integers(-1, 1),
)
instants = offsets.map(lambda offset: NOW + offset)

facts = st.builds(
    Interaction,
    candidate_id=st.just("ada"),
    kind=st.sampled_from(KINDS),
    at=instants,
    outcome=st.sampled_from((None, "positive", "negative")),
    automated=st.sampled_from((None, None, True, False)),
    properties=st.sampled_from(({}, {"stage": 1}, {"stage": True}, {"stage": "1"})),
)
people = st.builds(
    Candidate,
    id=st.just("ada"),
    source=st.sampled_from((None, "sourced", "event")),
    seniority=st.sampled_from((None, "junior", "senior")),
    salary=st.sampled_from((None, 0, 100, 1e6)),
    skills=st.sampled_from(((), ("python",), ("python", "go"))),
    interested_from=st.one_of(st.none(), instants),
    custom=st.one_of(
        st.just({}),
        st.builds(
            lambda value: {"visa": value},
            st.one_of(st.sampled_from((None, True, 1, "1", "", float("nan"), (1, "a"))), instants),
        ),
    ),
)
relationships = st.builds(Relationship, people, st.lists(facts, max_size=8))

events = st.builds(
    lambda kinds, where: event(*kinds, **where),
    st.lists(st.sampled_from(KINDS), min_size=1, max_size=2),
    st.sampled_from(
        (
            {},
            {"outcome": "positive"},
            {"automated": None},
            {"automated": True},
            {"automated": False},
            {"stage": 1},
            {"stage": [True, "1"]},
        )
    ),
)
maybe_windows = st.one_of(st.none(), windows)
event_leaves = st.one_of(
    st.builds(lambda of: of.never(), events),
    st.builds(lambda of, n, w: of.at_least(n, within=w), events, st.integers(0, 3), maybe_windows),
    st.builds(lambda of, n, w: of.at_most(n, within=w), events, st.integers(0, 3), maybe_windows),
    st.builds(lambda of, n, w: of.exactly(n, within=w), events, st.integers(0, 3), maybe_windows),
    st.builds(
        lambda of, which, op, w: getattr(getattr(of, which), op)(w),
        events,
        st.sampled_from(("first", "last")),
        st.sampled_from(("within", "older_than")),
        windows,
    ),
    st.builds(
        lambda of, n, every: of.regular(n, of=3, every=every), events, st.integers(1, 3), windows
    ),
    st.builds(lambda of, gap, w: of.restarted(gap, within=w), events, windows, windows),
    st.builds(lambda of: of.last.where("outcome", "!=", "positive"), events),
    st.builds(lambda of, other, w: of.after(other, within=w), events, events, maybe_windows),
    st.builds(lambda of, other: of.not_followed_by(other), events, events),
)
field_leaves = st.one_of(
    st.builds(field.interested_from.within, windows),
    st.builds(field.interested_from.older_than, windows),
    st.builds(field.custom["visa"].within, windows),
    st.just(field.interested_from.older_than(days=0)),
    st.builds(field.interested_from.before, instants),
    st.sampled_from(
        (
            field.source == "sourced",
            field.source != "sourced",
            field.salary > 50,
            field.seniority <= "mid",
            field.skills.has_any("go", "rust"),
            field.skills.has_all("go", "python"),
            field.skills.has_none("go"),
            field.custom["visa"] == True,  # noqa: E712 - the builder's word
            field.custom["visa"] == 1,
            field.custom["visa"] < 2,
            field.custom["visa"].has_any("a"),
            field.custom["visa"].is_unknown(),
            everyone(),
        )
    ),
)
score_leaves = st.one_of(
    st.builds(
        lambda op, x: getattr(score(), f"__{op}__")(x),
        st.sampled_from(("lt", "le", "gt", "ge")),
        st.sampled_from((0, 1.5, 2, 5, 7.5)),
    ),
    st.sampled_from((temperature() == "warm", temperature().is_in("unknown", "hot"))),
)
leaves = st.one_of(event_leaves, event_leaves, field_leaves, score_leaves)
rules = st.recursive(
    leaves,
    lambda inner: st.one_of(
        inner.map(lambda rule: ~rule),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: all_of(*parts)),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: any_of(*parts)),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: none_of(*parts)),
    ),
    max_leaves=6,
)


def check(rule, relationship, now=NOW):
    return Segment("s", rule).check(relationship, now=now)


def moments(relationship):
    """Every instant at which a rule of ours could change, but for scores, and its neighbours."""
    person = relationship.candidate
    known = [fact.at for fact in relationship.history]
    known += [at for at in (person.interested_from, person.custom.get("visa")) if at is not None]
    anchors = [NOW, *(at for at in known if isinstance(at, datetime))]
    spans = (timedelta(0), *WINDOWS)
    found = {at + span + tick * TICK for at in anchors for span in spans for tick in (-1, 0, 1)}
    steps = {NOW + timedelta(hours=17) * step for step in range(60)}
    return sorted(at for at in found | steps if at >= NOW)


@settings(max_examples=examples(150), deadline=None)
@given(rules, relationships)
def test_walk_agrees_with_definitions(rule, relationship):
    """The walk gives the value that the definitions give, at every interesting instant."""
    sweep = moments(relationship)[::7]
    expected = [holds(rule, relationship, at) for at in sweep]
    assert expected == [check(rule, relationship, at).value for at in sweep]


@settings(max_examples=examples(150), deadline=None)
@given(rules, relationships)
def test_until_is_sound(rule, relationship):
    """No instant before until has another value, whatever the log holds for the future."""
    verdict = check(rule, relationship)
    sweep = moments(relationship)
    if verdict.until is not None:
        assert verdict.until > NOW
        sweep = [at for at in (*sweep, verdict.until - TICK) if at < verdict.until]
    assert [at for at in sweep if check(rule, relationship, at).value != verdict.value] == []


@settings(max_examples=examples(150), deadline=None)
@given(st.one_of(event_leaves, field_leaves, score_leaves), relationships)
def test_until_of_a_leaf_is_exact(rule, relationship):
    """A leaf's value flips at its until, unless a future fact that it sees bounds it."""
    past = Relationship(relationship.candidate, relationship.history.upto(NOW))
    verdict = check(rule, past)
    if verdict.until is None:
        values = {check(rule, past, at).value for at in moments(past)}
        assert {verdict.value} == values
    elif not isinstance(rule, nodes.TemperatureTest):
        assert (not verdict.value) == check(rule, past, verdict.until).value


dense = st.lists(
    st.builds(
        lambda kind, days, touch: Interaction(
            candidate_id="ada", kind=kind, at=NOW - timedelta(days=days), touch=touch
        ),
        st.sampled_from(("sent", "sent", "opened")),
        st.integers(0, 8),
        st.sampled_from("ab"),
    ),
    max_size=7,
)
counts = st.builds(
    lambda word, number, within: getattr(event("sent"), word)(number, within=within),
    st.sampled_from(("at_least", "at_most", "exactly")),
    st.integers(0, 3),
    windows,
)


@settings(max_examples=examples(150), deadline=None)
@given(counts, dense)
def test_until_of_a_count_is_exact_in_a_crowd(rule, log):
    """Where many facts leave the window one by one or together, until is the first flip."""
    relationship = Relationship(Candidate(id="ada"), log)
    verdict = check(rule, relationship)
    flips = [
        at for at in moments(relationship) if check(rule, relationship, at).value != verdict.value
    ]
    assert verdict.until == min(flips, default=None)


@given(event_leaves, relationships)
@example(event("sent").exactly(1, within=WINDOWS[0]), Relationship(Candidate(id="ada")))
def test_until_is_never_past_a_future_fact_that_a_leaf_sees(rule, relationship):
    """A fact dated after now bounds until at its own instant."""
    seen = [rule.events, *([rule.other] if hasattr(rule, "other") else [])]
    far = NOW + timedelta(days=100)
    coming = [at for of in seen for at in times_of(of, relationship, far) if at > NOW]
    until = check(rule, relationship).until
    assert not coming or (until is not None and until <= min(coming))


@given(rules, relationships)
def test_reasons_carry_value_and_until_of_the_whole(rule, relationship):
    """The root of the reason tree says what the verdict says."""
    verdict = check(rule, relationship)
    assert (verdict.value, verdict.until) == (verdict.because.holds, verdict.because.until)


def test_one_of_two_at_one_instant_never_makes_exactly_one():
    """Two facts that leave the window together take the count from 2 to 0, never through 1."""
    at = NOW - timedelta(hours=1)
    twins = [
        Interaction(candidate_id="ada", kind="sent", at=at, touch=touch) for touch in ("a", "b")
    ]
    relationship = Relationship(Candidate(id="ada"), twins)
    verdict = check(event("sent").exactly(1, within=WINDOWS[0]), relationship)
    assert (verdict.value, verdict.until) == (False, None)


def test_third_newest_of_three_decides_when_at_least_three_ends():
    """At least three of four in the window: it ends when the second-oldest leaves."""
    days = (6, 4, 3, 1)
    log = [
        Interaction(candidate_id="ada", kind="opened", at=NOW - timedelta(days=day)) for day in days
    ]
    rule = event("opened").at_least(3, within=timedelta(days=7))
    assert NOW + timedelta(days=3) == check(rule, Relationship(Candidate(id="ada"), log)).until


def test_and_or_take_the_least_or_the_greatest():
    """What one part decides lasts as long as the most lasting such part, else as the least."""
    log = [Interaction(candidate_id="ada", kind="sent", at=NOW - timedelta(days=1))]
    relationship = Relationship(Candidate(id="ada"), log)
    soon = ~event("sent").within(days=2)
    late = ~event("sent").within(days=9)
    assert NOW + timedelta(days=8) == check(soon & late, relationship).until
    assert None is check(soon & event("replied").ever(), relationship).until
    assert NOW + timedelta(days=1) == check(~soon & ~late, relationship).until
    assert NOW + timedelta(days=8) == check(~soon | ~late, relationship).until
    assert None is check(~soon | everyone(), relationship).until
    assert NOW + timedelta(days=1) == check(soon | late, relationship).until


def test_ends_of_the_calendar_do_not_overflow():
    """A window longer than the calendar, and an instant at its end, are no error."""
    last = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)
    ada = Candidate(id="ada", interested_from=last)
    log = [Interaction(candidate_id="ada", kind="sent", at=NOW)]
    ages = timedelta(days=900_000)
    long = check(event("sent").within(ages), Relationship(ada, log))
    assert (True, NOW + ages) == (long.value, long.until)
    later = check(field.interested_from.older_than(days=2), Relationship(ada))
    assert (later.value, later.until) == (False, None)
    assert (
        None is check(event("sent").within(timedelta(days=3_000_000)), Relationship(ada, log)).until
    )
