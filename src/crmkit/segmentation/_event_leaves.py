"""The leaves about what happened: value, reason, and when the clock changes it."""

import heapq
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from crmkit._time import CalendarSpan, Span, earliest
from crmkit.model import Reason
from crmkit.segmentation._leaves import anniversary
from crmkit.segmentation._look import Look, later, passes, value_of
from crmkit.segmentation._nodes import (
    EventAfter,
    EventAge,
    EventAnniversary,
    EventCount,
    EventRegular,
    EventRestarted,
    EventStands,
    EventWhere,
    Rule,
)
from crmkit.segmentation._sentences import phrase, value_text


def _event_count(node: EventCount, look: Look) -> Reason:
    times, coming = look.times(node.events)
    inside, until = times, coming
    if node.within is not None or node.lag is not None:
        inside, turns = _window(node, times, look.now)
        until = earliest(_turn(node, len(inside), turns), coming)
    count = len(inside)
    # With none inside, the newest outside says how far off it is.
    last = f", last on {(inside or times)[-1].date()}" if times else ""
    return Reason(
        phrase(node),
        holds=_counts(node, count),
        found=f"{count or 'none'}{last}",
        until=until,
    )


def _counts(node: EventCount, count: int) -> bool:
    return node.at_least <= count and (node.at_most is None or count <= node.at_most)


def _window(
    node: EventCount, times: list[datetime], now: datetime
) -> tuple[list[datetime], list[tuple[datetime, int]]]:
    """Return those inside the window, and how many enter or leave it when."""
    inside, turns = [], []
    for time in times:
        enters = later(time, node.lag)
        if enters is None:
            continue
        leaves = later(enters, node.within) if node.within is not None else None
        if enters > now:
            turns.append((enters, 1))
        elif leaves is None or leaves > now:
            inside.append(time)
        if leaves is not None and leaves > now:
            turns.append((leaves, -1))
    return inside, sorted(turns)


def _turn(node: EventCount, count: int, turns: list[tuple[datetime, int]]) -> datetime | None:
    """Return the first turn at which the count is on the other side."""
    holds = _counts(node, count)
    # Several at one instant enter and leave together.
    for index, (at, move) in enumerate(turns):
        count += move
        if at == (turns[index + 1][0] if index + 1 < len(turns) else None):
            continue
        if _counts(node, count) is not holds:
            return at
    return None


def _one(which: str, items: list[Any]) -> Any:
    return items[0] if which == "first" else items[-1]


def _event_age(node: EventAge, look: Look) -> Reason:
    times, coming = look.times(node.events)
    if not times:
        return Reason(phrase(node), holds=False, found="none", until=coming)
    time = _one(node.which, times)
    end = later(time, node.span)
    passed = end is not None and end <= look.now
    return Reason(
        phrase(node),
        holds=passed is (node.op == "older_than"),
        found=f"{node.which} on {time.date()}",
        until=coming if passed else earliest(coming, end),
    )


def _event_anniversary(node: EventAnniversary, look: Look) -> Reason:
    times, coming = look.times(node.events)
    if not times:
        return Reason(phrase(node), holds=False, found="none", until=coming)
    time = _one(node.which, times)
    holds, turn = anniversary(time, look.now, node.before, node.after, node.zone)
    found = f"{node.which} on {time.date()}"
    return Reason(phrase(node), holds=holds, found=found, until=earliest(coming, turn))


def _event_where(node: EventWhere, look: Look) -> Reason:
    facts, coming = look.facts(node.events)
    if not facts:
        return Reason(phrase(node), holds=False, found="none", until=coming)
    fact = _one(node.which, facts)
    value = value_of(fact, node.test.name)
    found = f"{'unknown' if value is None else value_text(value)} on {fact.at.date()}"
    return Reason(phrase(node), holds=passes(fact, node.test), found=found, until=coming)


def _event_after(node: EventAfter, look: Look) -> Reason:
    times, coming = look.times(node.events)
    others, others_coming = look.times(node.other)
    found = follows(times, others, node.within)
    return Reason(
        phrase(node),
        holds=found is not None,
        found="none" if found is None else f"on {found.date()}",
        until=earliest(coming, others_coming),
    )


def follows(times: list[datetime], others: list[datetime], within: Span | None) -> datetime | None:
    """Return the newest of *times* that came after one of *others*, and soon enough."""
    # By the calendar a later start may end earlier, at the end of a month; four days settle it.
    reach = timedelta(days=4) if isinstance(within, CalendarSpan) else timedelta(0)
    for time in reversed(times):
        before = bisect_left(others, time)
        for other in reversed(others[:before]):
            end = later(other, within) if within is not None else None
            if end is None or time < end:
                return time
            if others[before - 1] - other > reach:
                break
    return None


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


def _event_regular(node: EventRegular, look: Look) -> Reason:
    times, coming = look.times(node.events)
    places = [elapsed(time, node.every, look.now) for time in times]
    full = Counter(place for place in places if place < node.periods)
    holds = len(full) >= node.at_least
    return Reason(
        phrase(node),
        holds=holds,
        found=f"in {len(full)} of {node.periods}",
        until=earliest(coming, _slide(node, times, places, holds=holds)),
    )


def elapsed(time: datetime, every: Span, now: datetime) -> int:
    """Return how many whole periods have passed since *time*: the greatest n, time + n <= now."""
    if isinstance(every, timedelta):
        return (now - time) // every
    days = (every.years * 12 + every.months) * 30.4375
    passed = max(0, int((now - time).days / days) - 1)
    while (end := _nth(time, every, passed + 1)) is not None and end <= now:
        passed += 1
    return passed


def _nth(time: datetime, every: Span, times: int) -> datetime | None:
    try:
        if isinstance(every, CalendarSpan):
            return every.after(time, times)
        return time + every * times
    except (OverflowError, ValueError):
        return None


def _slide(
    node: EventRegular, times: list[datetime], places: list[int], *, holds: bool
) -> datetime | None:
    """Return when, as periods slide over what happened, the answer changes."""
    coming: list[tuple[datetime, int, datetime]] = []
    full = Counter(place for place in places if place < node.periods)
    filled = len(full)
    for time, place in zip(times, places, strict=True):
        if place < node.periods and (turn := _nth(time, node.every, place + 1)):
            heapq.heappush(coming, (turn, place, time))
    while coming:
        now = coming[0][0]
        while coming and coming[0][0] == now:
            _, place, time = heapq.heappop(coming)
            full[place] -= 1
            filled -= not full[place]
            if place + 1 < node.periods:
                filled += not full[place + 1]
                full[place + 1] += 1
                if turn := _nth(time, node.every, place + 2):
                    heapq.heappush(coming, (turn, place + 1, time))
        if (filled >= node.at_least) is not holds:
            return now
    return None


def _event_restarted(node: EventRestarted, look: Look) -> Reason:
    times, coming = look.times(node.events)
    ends = []
    found = None
    for before, time in pairwise(times):
        gap, end = later(before, node.gap), later(time, node.within)
        if gap is not None and gap <= time and (end is None or end > look.now):
            found = time
            ends.append(end)
    last = None if None in ends else max(ends, default=None)  # type: ignore[type-var]
    return Reason(
        phrase(node),
        holds=found is not None,
        found="none" if found is None else f"on {found.date()}",
        until=earliest(coming, last),
    )


EVENT_LEAVES: dict[type[Rule], Callable[[Any, Look], Reason]] = {
    EventCount: _event_count,
    EventAge: _event_age,
    EventAnniversary: _event_anniversary,
    EventWhere: _event_where,
    EventAfter: _event_after,
    EventStands: _event_stands,
    EventRegular: _event_regular,
    EventRestarted: _event_restarted,
}
