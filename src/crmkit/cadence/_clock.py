"""A cadence's own clock: weeks that pass faster for the engaged and stop while somebody waits.

All of it is counted on the wall clock of the person's zone, in whole microseconds since the
enrolment, so that daylight saving moves no touch to another hour, and rounding none to another day.
"""

from collections.abc import Iterator
from datetime import datetime, tzinfo
from fractions import Fraction
from functools import lru_cache
from itertools import groupby
from operator import itemgetter

import attrs

from crmkit._time import to_micros, to_wall
from crmkit.cadence._cadence import Enrollment, Pace
from crmkit.cadence._stops import PlanStatus, Stop, stops
from crmkit.engagement import EngagementPolicy, Temperature, temperatures
from crmkit.model import History, Relationship

_PLAIN = (1, 1)


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
    history = relationship.history
    course = temperatures(relationship, since=begin, policy=policy)
    halts = stops(history, enrollment, relationship.candidate, policy)
    eager = _eager(history, pace.eager_after)
    if not halts and not eager and len(course) == 1 and course[0][2] < pace.archive_after:
        _, value, _ = course[0]
        return (Phase(begin, 0, _ratio(pace.factor(value)), value.value),)
    anchor = to_wall(begin, zone)
    found: list[Phase] = []
    state = _State(pace, course[0][1])
    news: list[_News] = [(at, (value, silent)) for at, value, silent in course]
    news += halts
    news += eager
    for turn, several in groupby(sorted(news, key=itemgetter(0)), key=itemgetter(0)):
        for at, item in several:
            state.hear(at, item)
        if turn < begin:
            continue
        stop = state.stop or _archived_by(pace, state.silent, turn, found)
        rate, why = (None, stop.why) if stop else state.rate()
        if not found:
            found.append(Phase(turn, 0, rate, why, stop))
        elif rate == _PLAIN == found[-1].ratio:
            continue  # warm or unknown, weeks are weeks
        elif (rate, why, stop) != (found[-1].ratio, found[-1].why, found[-1].stop):
            # Clocks go back in autumn: a later instant may show an earlier wall time.
            start = max(_offset(turn, begin, anchor, zone), found[-1].start)
            found.append(Phase(turn, start, rate, why, stop))
    return tuple(found)


_News = tuple[datetime, tuple[Temperature, int] | Stop | bool | None]
"""From when on: a temperature and how many messages are unanswered; a stop, or None for its end;
whether somebody opens everything."""


class _State:
    """What the clock goes by at one instant."""

    __slots__ = ("eager", "pace", "silent", "stop", "value", "why")

    def __init__(self, pace: Pace, value: Temperature) -> None:
        self.pace, self.value, self.why = pace, value, value.value
        self.stop: Stop | None = None
        self.silent, self.eager = 0, False

    def hear(self, at: datetime, item: tuple[Temperature, int] | Stop | bool | None) -> None:  # noqa: FBT001
        if isinstance(item, tuple):
            value, self.silent = item
            if value is not self.value:
                self.value, self.why = value, f"{value} since {at.date()}"
        elif isinstance(item, bool):
            self.eager = item
        else:
            self.stop = item

    def rate(self) -> tuple[tuple[int, int], str]:
        pace, factor = self.pace, self.pace.factor(self.value)
        if self.eager and pace.hot < factor:
            return _ratio(pace.hot), f"opened or clicked {pace.eager_after} in a row"
        return _ratio(factor), self.why


def _eager(history: History, least: int) -> list[tuple[datetime, bool]]:
    """Return from when on *least* messages in a row were opened or clicked, and from when not.

    Each between its sending and the next one's. Machines open and click by themselves: an open
    counts when it is known to be a person's, a click unless it is known to be a machine's.
    """
    signs = [fact for fact in history.of("clicked") if fact.automated is not True]
    signs += [fact for fact in history.of("opened") if fact.automated is False]
    if len(signs) < least:
        return []
    found: list[tuple[datetime, bool]] = []
    row, answered = 0, True
    course = [(fact.at, 0) for fact in history.of("sent")] + [(fact.at, 1) for fact in signs]
    for at, sign in sorted(course):
        if sign:
            row += not answered
            answered = True
        else:
            row, answered = (row if answered else 0), False
        if (row >= least) != (bool(found) and found[-1][1]):
            found.append((at, row >= least))
    return found


def _offset(turn: datetime, begin: datetime, anchor: datetime, zone: tzinfo) -> int:
    try:
        return to_micros(to_wall(turn, zone) - anchor)
    except OverflowError:  # a pause "until" the last instant there is
        return to_micros(turn - begin)


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
