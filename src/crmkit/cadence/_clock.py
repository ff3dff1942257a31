"""A cadence's own clock: weeks that pass faster for the engaged and stop while somebody waits.

All of it is counted on the wall clock of the person's zone, in whole microseconds since the
enrolment, so that daylight saving moves no touch to another hour, and rounding none to another day.
"""

from collections.abc import Iterator
from datetime import datetime, tzinfo
from fractions import Fraction
from functools import lru_cache

import attrs

from crmkit._time import MICROSECOND, to_wall
from crmkit.cadence._cadence import Enrollment, Pace
from crmkit.cadence._stops import PlanStatus, Stop, stops
from crmkit.engagement import EngagementPolicy, temperatures
from crmkit.model import Relationship


@attrs.frozen
class Phase:
    """From ``start`` on (microseconds of wall time) the clock runs at one rate, or stands still."""

    since: datetime
    start: int
    ratio: tuple[int, int] | None
    """What gaps are multiplied by, as a fraction; None while the clock stands still."""
    why: str
    stop: Stop | None = None


@attrs.frozen
class Leg:
    """A part of the way to a touch on which the clock did not run at its plain rate."""

    start: int
    end: int
    factor: float | None
    why: str


def phases(
    relationship: Relationship,
    enrollment: Enrollment,
    zone: tzinfo,
    pace: Pace,
    policy: EngagementPolicy,
) -> tuple[Phase, ...]:
    """Return how the clock runs from the enrolment on, if nothing happens but what is known."""
    begin = enrollment.enrolled_at
    anchor = to_wall(begin, zone)
    course = temperatures(relationship, since=begin, policy=policy)
    halts = stops(relationship.history, enrollment)
    found: list[Phase] = []
    turns = {at for at, _, _ in course} | {at for at, _ in halts if at > begin}
    stop: Stop | None = None
    step = halt = 0
    for turn in sorted(turns):
        while step < len(course) and course[step][0] <= turn:
            _, value, silent = course[step]
            step += 1
        while halt < len(halts) and halts[halt][0] <= turn:
            _, stop = halts[halt]
            halt += 1
        start = _offset(turn, begin, anchor, zone)
        # Clocks go back in autumn: a later instant may show an earlier wall time.
        start = max(start, found[-1].start) if found else 0
        standing = stop or _archived_by(pace, silent, turn, found)
        ratio = None if standing else _ratio(pace.factor(value))
        why = standing.why if standing else value.value
        if not found or (ratio, why, standing) != (found[-1].ratio, found[-1].why, found[-1].stop):
            found.append(Phase(turn, start, ratio, why, standing))
    return tuple(found)


def _offset(turn: datetime, begin: datetime, anchor: datetime, zone: tzinfo) -> int:
    try:
        return (to_wall(turn, zone) - anchor) // MICROSECOND
    except OverflowError:  # a pause "until" the last instant there is
        return (turn - begin) // MICROSECOND


def _archived_by(pace: Pace, silent: int, turn: datetime, before: list[Phase]) -> Stop | None:
    if silent < pace.archive_after:
        return None
    last = before[-1].stop if before else None
    since = last.since if last and last.by_rule else turn
    why = f"{silent} messages without an answer, {pace.archive_after} archive"
    return Stop(PlanStatus.ARCHIVED, why, since, by_rule=True)


@lru_cache(maxsize=256)
def _ratio(factor: float) -> tuple[int, int]:
    # By its decimal digits: 0.8 is 4/5, which the binary number is not quite.
    return Fraction(repr(factor)).as_integer_ratio()


def run(
    clock: tuple[Phase, ...], start: int, gap: int, *, least: int, greatest: int
) -> tuple[int, tuple[Leg, ...]] | None:
    """Return when *gap* of the clock's time has passed since *start*, and what made it so.

    The factors are bounded so that a whole gap takes from *least* to *greatest*. None when the
    clock stops for good before. In integers, so that two ways to one instant never differ.
    """
    left, scale = gap, 1
    legs: list[Leg] = []
    for begin, end, phase in _pieces(clock, start):
        if phase.ratio is None:
            if end is None:
                break
            legs.append(Leg(begin, end, None, phase.why))
            continue
        times, over = _bounded(phase.ratio, gap, least, greatest)
        reached = begin - -left * times // (scale * over)
        there = end is None or reached <= end
        upto = reached if end is None else min(reached, end)
        if times != over and upto > begin:
            legs.append(Leg(begin, upto, times / over, phase.why))
        if there:
            return reached, tuple(legs)
        left, scale = left * times - (upto - begin) * over * scale, scale * times
    return None


def _bounded(ratio: tuple[int, int], gap: int, least: int, greatest: int) -> tuple[int, int]:
    times, over = ratio
    if times * gap < least * over:
        return least, gap
    return (greatest, gap) if times * gap > greatest * over else ratio


def _pieces(clock: tuple[Phase, ...], start: int) -> Iterator[tuple[int, int | None, Phase]]:
    for index, phase in enumerate(clock):
        end = clock[index + 1].start if index + 1 < len(clock) else None
        if end is None or end > start:
            yield max(phase.start, start), end, phase
