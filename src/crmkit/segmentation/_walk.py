"""The reference: a plain walk over a rule that gives value, reasons and until.

A fact at *t* exists from *t* on. Each leaf knows when the clock next changes it; the instant of
the next fact it could see, if the log has one dated after now, bounds that. ``until`` of an AND
that holds is the least of its parts', of one that does not hold the greatest among the parts
that do not; OR is the mirror image; NOT keeps it.
"""

import math
import operator
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from crmkit._time import earliest
from crmkit.engagement import score, score_crosses, temperature
from crmkit.model import Interaction, Reason, Relationship
from crmkit.segmentation._nodes import (
    ATTRIBUTES,
    AllOf,
    AnyOf,
    EventAfter,
    EventAge,
    EventCount,
    Events,
    EventStands,
    Everyone,
    FieldAge,
    FieldTest,
    Not,
    Rule,
    ScoreTest,
    TemperatureTest,
)
from crmkit.segmentation._paths import Type, comparable, reader, type_of
from crmkit.segmentation._sentences import phrase, value_text

_FIRST = datetime.min.replace(tzinfo=UTC)
_NEVER = datetime.max.replace(tzinfo=UTC)


class Look:
    """One look at one relationship at one instant; what several rules ask is found once."""

    __slots__ = ("_times", "by_kind", "candidate", "now", "relationship")

    def __init__(self, relationship: Relationship, now: datetime) -> None:
        self.relationship = relationship
        self.candidate = relationship.candidate
        self.by_kind = relationship.history.by_kind
        self.now = now
        self._times: dict[Events, tuple[list[datetime], datetime | None]] = {}

    def times(self, events: Events) -> tuple[list[datetime], datetime | None]:
        """Return when these happened up to now, oldest first, and when the next one will."""
        found = self._times.get(events)
        if found is None:
            times = [
                fact.at
                for kind in events.kinds
                for fact in self.by_kind.get(kind, ())
                if fact.automated in events.automated and _matches(fact, events)
            ]
            if len(events.kinds) > 1:
                times.sort()
            split = bisect_right(times, self.now)
            found = times[:split], times[split] if split < len(times) else None
            self._times[events] = found
        return found


def _matches(fact: Interaction, events: Events) -> bool:
    for name, wanted in events.where:
        found = getattr(fact, name) if name in ATTRIBUTES else fact.properties.get(name)
        if not any(_same(found, one) for one in wanted):
            return False
    return True


def answer(rule: Rule, look: Look) -> Reason:
    """Return the reason tree of *rule*: its ``holds`` is the value, its ``until`` the instant."""
    return _ANSWERS[type(rule)](rule, look)


def _everyone(node: Everyone, _look: Look) -> Reason:
    return Reason(phrase(node), holds=True)


def _all_of(node: AllOf, look: Look) -> Reason:
    parts = tuple([answer(part, look) for part in node.parts])
    failing = [part.until for part in parts if not part.holds]
    until = _greatest(failing) if failing else earliest(*[part.until for part in parts])
    return Reason("all of", holds=not failing, until=until, parts=parts)


def _any_of(node: AnyOf, look: Look) -> Reason:
    parts = tuple([answer(part, look) for part in node.parts])
    holding = [part.until for part in parts if part.holds]
    until = _greatest(holding) if holding else earliest(*[part.until for part in parts])
    return Reason("any of", holds=bool(holding), until=until, parts=parts)


def _greatest(instants: list[datetime | None]) -> datetime | None:
    found = max(instant or _NEVER for instant in instants)
    return None if None in instants else found


_NEGATED = {"all of": "not all of", "any of": "none of"}


def _not(node: Not, look: Look) -> Reason:
    inner = answer(node.part, look)
    composite = isinstance(node.part, AllOf | AnyOf)
    return Reason(
        _NEGATED[inner.text] if composite else phrase(node),
        holds=not inner.holds,
        found=inner.found,
        until=inner.until,
        parts=inner.parts,
    )


def _field_test(node: FieldTest, look: Look) -> Reason:
    found = reader(node.path)(look.candidate)
    if found is None:
        return Reason(phrase(node), holds=False, found="unknown")
    if node.op == "known":
        holds = True
    elif type_of(node.path) is Type.ANY:
        holds = _LOOSE[node.op](found, node.value)
    else:
        holds = _STRICT[node.op](found, node.value)
    return Reason(phrase(node), holds=holds, found=value_text(found))


def _same(found: object, wanted: object) -> bool:
    return found == wanted and comparable(found) == comparable(wanted)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda found, wanted: comparable(found) == comparable(wanted) and compare(found, wanted)


def _textual(compare: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    return lambda found, wanted: isinstance(found, str) and compare(found, wanted)


def _item(found: object, wanted: Any) -> bool:
    return any(_same(found, one) for one in wanted)


def _between(found: Any, bounds: Any) -> bool:
    return bool(bounds[0] <= found <= bounds[1])


_STRICT: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "between": _between,
    "in": lambda found, wanted: found in wanted,
    "contains": operator.contains,
    "starts_with": str.startswith,
    "ends_with": str.endswith,
    "has_any": lambda found, wanted: any(one in found for one in wanted),
    "has_all": lambda found, wanted: all(one in found for one in wanted),
}
# A host's own field may hold anything: a value of another type is simply not the one asked for.
_LOOSE: dict[str, Callable[[Any, Any], bool]] = {
    "==": _same,
    **{op: _ordered(_STRICT[op]) for op in ("<", "<=", ">", ">=")},
    "between": lambda found, bounds: (
        comparable(found) == comparable(bounds[0]) and _between(found, bounds)
    ),
    "in": _item,
    **{op: _textual(_STRICT[op]) for op in ("contains", "starts_with", "ends_with")},
    "has_any": lambda found, wanted: (
        isinstance(found, tuple) and any(_item(one, found) for one in wanted)
    ),
    "has_all": lambda found, wanted: (
        isinstance(found, tuple) and all(_item(one, found) for one in wanted)
    ),
}


def _field_age(node: FieldAge, look: Look) -> Reason:
    found = reader(node.path)(look.candidate)
    if not isinstance(found, datetime):
        text = "unknown" if found is None else value_text(found)
        return Reason(phrase(node), holds=False, found=text)
    end = _plus(found, node.span)
    if node.op == "older_than":
        holds = look.now - found >= node.span
        until = None if holds else end
    else:
        holds = found <= look.now and look.now - found < node.span
        until = end if holds else found if found > look.now else None
    return Reason(phrase(node), holds=holds, found=value_text(found), until=until)


def _plus(instant: datetime, span: timedelta) -> datetime | None:
    try:
        return instant + span
    except OverflowError:
        return None


def _event_count(node: EventCount, look: Look) -> Reason:
    times, coming = look.times(node.events)
    first, fades = 0, None
    if node.within is not None:
        try:
            start = look.now - node.within
        except OverflowError:
            start = _FIRST
        first = bisect_right(times, start)
        fades = _fades(node, times, first)
    count = len(times) - first
    return Reason(
        phrase(node),
        holds=_counts(node, count),
        found=f"{count}, last on {times[-1].date()}" if count else "none",
        until=earliest(fades, coming),
    )


def _counts(node: EventCount, count: int) -> bool:
    return node.at_least <= count and (node.at_most is None or count <= node.at_most)


def _fades(node: EventCount, times: list[datetime], first: int) -> datetime | None:
    """Return when the count changes sides as those from *first* on leave the window."""
    count = len(times) - first
    if _counts(node, count):
        if node.at_least == 0:
            return None
        leaving = count - node.at_least
    elif node.at_most is not None and count > node.at_most:
        leaving = count - node.at_most - 1
    else:
        return None
    last = times[first + leaving]
    # Several at one instant leave together, and may take the count past the range asked for.
    left = len(times) - bisect_right(times, last)
    if _counts(node, count) == _counts(node, left):
        return None
    return _plus(last, node.within or timedelta(0))


def _event_age(node: EventAge, look: Look) -> Reason:
    times, coming = look.times(node.events)
    if not times:
        return Reason(phrase(node), holds=False, found="none", until=coming)
    holds = look.now - times[0] >= node.span
    return Reason(
        phrase(node),
        holds=holds,
        found=f"first on {times[0].date()}",
        until=coming if holds else earliest(coming, _plus(times[0], node.span)),
    )


def _event_after(node: EventAfter, look: Look) -> Reason:
    times, coming = look.times(node.events)
    others, others_coming = look.times(node.other)
    found = next(
        (
            time
            for time in reversed(times)
            if (before := bisect_left(others, time))
            and (node.within is None or time - others[before - 1] < node.within)
        ),
        None,
    )
    return Reason(
        phrase(node),
        holds=found is not None,
        found="none" if found is None else f"on {found.date()}",
        until=earliest(coming, others_coming),
    )


def _event_stands(node: EventStands, look: Look) -> Reason:
    times, coming = look.times(node.events)
    others, others_coming = look.times(node.other)
    undone = f", undone on {others[-1].date()}" if times and others else ""
    holds = bool(times) and (not others or others[-1] < times[-1])
    return Reason(
        phrase(node),
        holds=holds,
        found=f"on {times[-1].date()}{'' if holds else undone}" if times else "none",
        until=earliest(coming, others_coming),
    )


def _score_test(node: ScoreTest, look: Look) -> Reason:
    found = score(look.relationship, now=look.now, policy=node.policy)
    # Above x is at least the next float after x, so one crossing serves all four comparisons.
    threshold = node.value if node.op in {">=", "<"} else math.nextafter(node.value, math.inf)
    reached = found >= threshold
    return Reason(
        phrase(node),
        holds=reached is (node.op in {">=", ">"}),
        found=f"{found:.3g}",
        until=score_crosses(
            look.relationship, now=look.now, threshold=threshold, policy=node.policy
        ),
    )


def _temperature_test(node: TemperatureTest, look: Look) -> Reason:
    verdict = temperature(look.relationship, now=look.now, policy=node.policy)
    return Reason(
        phrase(node),
        holds=verdict.value in node.among,
        found=value_text(verdict.value),
        until=verdict.until,
        parts=verdict.because.parts,
    )


_ANSWERS: dict[type[Rule], Callable[[Any, Look], Reason]] = {
    Everyone: _everyone,
    AllOf: _all_of,
    AnyOf: _any_of,
    Not: _not,
    FieldTest: _field_test,
    FieldAge: _field_age,
    EventCount: _event_count,
    EventAge: _event_age,
    EventAfter: _event_after,
    EventStands: _event_stands,
    ScoreTest: _score_test,
    TemperatureTest: _temperature_test,
}
