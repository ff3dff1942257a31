"""What the tests of live membership share: rules of every sort, facts, and a plain rebuild."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from crmkit.model import Interaction
from crmkit.segmentation import (
    Segment,
    Segmenter,
    event,
    everyone,
    field,
    member,
    score,
    temperature,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)

PEOPLE = ("a", "b", "c")
NAMES = ("one", "two", "three", "four")
PLAIN = (
    event("clicked").within(days=10),
    ~event("replied").within(days=7),
    event("met").at_least(2, within=timedelta(days=20)) & field.skills.has_any("go"),
    event("clicked").never(),
    score() >= 1,
    temperature() == "cold",
    event("replied").after(event("clicked"), within=timedelta(days=5)),
    event("paused").within(days=3),
    event("resumed").ever() & ~event("paused").within(days=2),
    event("sent").within(days=30) | event("enrolled").within(days=1),
    everyone(),
)
"""Rules that stand by themselves; two of them see what a leave policy writes."""


def rules(others=()):
    """Return rules; some refer to *others*."""
    plain = st.sampled_from(PLAIN)
    if not others:
        return plain
    refer = st.sampled_from(others).map(member)
    return (
        plain
        | refer
        | refer.map(lambda rule: ~rule)
        | st.tuples(refer, plain | refer).map(lambda pair: pair[0] & ~pair[1])
        | st.tuples(refer, plain | refer).map(lambda pair: pair[0] | pair[1])
    )


policies = st.sampled_from(["continue", "pause", "end"])


@st.composite
def segments(draw):
    """Draw segments of which each may refer to those before it."""
    found = []
    for name in NAMES[: draw(st.integers(1, len(NAMES)))]:
        rule = draw(rules([each.name for each in found]))
        found.append(Segment(name, rule, on_leave=draw(policies)))
    return found


KINDS = ("clicked", "replied", "met", "sent", "delivered")
offsets = st.tuples(st.integers(-25, 10), st.sampled_from([0, 0, -1, 1])).map(
    lambda pair: pair[0] * DAY + pair[1] * TICK
)


def facts(people=PEOPLE):
    """Return offsets with what happened then; few enough that some come twice."""
    return st.tuples(st.sampled_from(people), st.sampled_from(KINDS), offsets)


def fact(who, kind, at):
    return Interaction(candidate_id=who, kind=kind, at=at)


def rebuilt(crm, now):
    """Return who is in what by asking everyone, with nothing stored."""
    segmenter = Segmenter(crm.segments)
    return {
        (each.id, name)
        for each in crm.relationships()
        if not each.candidate.erased
        for name, verdict in segmenter.check(each, now=now).items()
        if verdict
    }


def inside(store):
    """Return who is in what as it is stored."""
    return {(row.candidate_id, row.segment) for row in store.memberships()}


def unsound(crm, store, now):
    """Return the stored instants before which somebody would move after all."""
    segmenter = Segmenter(crm.segments)
    rows = {(r.candidate_id, r.segment): r for r in [*store.memberships(), *store.watches()]}
    found = []
    for each in crm.relationships():
        if each.candidate.erased:
            continue
        for name in [segment.name for segment in crm.segments]:
            row = rows.get((each.id, name))
            end = row.next_change if row and row.next_change else now + 4000 * DAY
            for at in (now + (end - now) / 2, end - TICK):
                value = segmenter.check(each, now=at, only=[name])[name]
                if at >= now and bool(value) != bool(row and row.inside):
                    found.append((each.id, name, at))
    return found
