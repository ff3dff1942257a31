"""A cadence's own clock: weeks that pass faster for the engaged and stop while somebody waits.

All of it is counted on the wall clock of the person's zone, so that daylight saving moves no
touch to another hour.
"""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

import attrs

from crmkit._time import earliest, to_wall
from crmkit.cadence._cadence import Enrollment, Pace
from crmkit.engagement import EngagementPolicy, temperature
from crmkit.model import History, Interaction, Relationship, employed_since, open_processes

_ANSWERS = ("called", "met", "messaged")
_STATES = frozenset({"paused", "resumed", "archived", "reactivated", "completed", "replied"})
_PROCESS = frozenset(
    {"applied", "screened", "assessed", "interviewed", "offered"}
    | {"rejected", "withdrew", "hired", "left"}
)
_RELEVANT = _STATES | _PROCESS | set(_ANSWERS)


class PlanStatus(StrEnum):
    """Whether a cadence runs, and if not, what for."""

    ACTIVE = "active"
    WAITING = "waiting"
    """They replied; a person is to answer."""
    PAUSED = "paused"
    CONVERTED = "converted"
    """In an active process, or hired; wrong timing brings them back."""
    ARCHIVED = "archived"
    """Nothing was answered for a whole sequence."""
    COMPLETED = "completed"


@attrs.frozen
class Stop:
    """While it lasts, the cadence's clock stands still."""

    status: PlanStatus
    why: str
    since: datetime
    until: datetime | None = None


def stop_at(history: History, enrollment: Enrollment, now: datetime) -> Stop | None:
    """Return what stops this enrolment's clock at *now*, judged by the facts up to then."""
    past = history.upto(now)
    if hired := employed_since(past):
        return Stop(PlanStatus.CONVERTED, "they were hired", hired.at)
    if running := open_processes(past):
        began = min(running.values(), key=lambda fact: fact.at)
        return Stop(PlanStatus.CONVERTED, f"in an active process ({began.kind})", began.at)
    return _stop_by_state(past, enrollment, now)


def _stop_by_state(past: History, enrollment: Enrollment, now: datetime) -> Stop | None:
    stop: Stop | None = None
    for fact in past.of(*_STATES, *_ANSWERS):
        if fact.at < enrollment.enrolled_at or not _concerns(fact, enrollment):
            continue
        match fact.kind:
            case "completed":
                return Stop(PlanStatus.COMPLETED, "the cadence was completed", fact.at)
            case "archived":
                stop = Stop(PlanStatus.ARCHIVED, "archived", fact.at)
            case "paused":
                until = fact.properties.get("until")
                until = until if isinstance(until, datetime) else None
                stop = Stop(PlanStatus.PAUSED, "paused", fact.at, until)
            case "replied" if fact.automated is not True and _heard(stop):
                stop = Stop(PlanStatus.WAITING, "they replied, nobody has answered yet", fact.at)
            case "resumed" | "reactivated":
                stop = None
            case "called" | "met" | "messaged" if stop and stop.status is PlanStatus.WAITING:
                stop = None
    return None if stop and stop.until and stop.until <= now else stop


def _heard(stop: Stop | None) -> bool:
    """Whether a reply makes the cadence wait: also for the archived, not for the paused."""
    return stop is None or stop.status is PlanStatus.ARCHIVED


def _concerns(fact: Interaction, enrollment: Enrollment) -> bool:
    return fact.enrollment_id in {None, enrollment.id}


@attrs.frozen
class Phase:
    """From ``start`` on (wall time) the clock runs at one rate, or stands still."""

    start: datetime
    factor: float | None
    """What gaps are multiplied by; None while the clock stands still."""
    why: str


def phases(
    relationship: Relationship,
    enrollment: Enrollment,
    zone: tzinfo,
    pace: Pace,
    policy: EngagementPolicy,
) -> tuple[Phase, ...]:
    """Return how the clock runs from the enrolment on, if nothing happens but what is known."""
    changes = sorted({fact.at for fact in relationship.history.of(*_RELEVANT)})
    found: list[Phase] = []
    instant: datetime | None = enrollment.enrolled_at
    while instant is not None:
        verdict = temperature(relationship, now=instant, policy=policy)
        stop = stop_at(relationship.history, enrollment, instant)
        start = to_wall(instant, zone)
        if found:
            # Clocks go back in autumn: a later instant may show an earlier wall time.
            start = max(start, found[-1].start)
        if stop:
            phase = Phase(start, None, f"{stop.why} on {stop.since:%Y-%m-%d}")
        else:
            phase = Phase(start, pace.factor(verdict.value), verdict.value.value)
        if not found or (phase.factor, phase.why) != (found[-1].factor, found[-1].why):
            found.append(phase)
        following = bisect_right(changes, instant)
        instant = earliest(
            verdict.until,
            changes[following] if following < len(changes) else None,
            stop.until if stop else None,
        )
    return tuple(found)


def run(
    clock: tuple[Phase, ...], start: datetime, gap: timedelta, *, least: float, greatest: float
) -> datetime | None:
    """Return the wall time at which *gap* of the clock's time has passed since *start*.

    Factors are kept between *least* and *greatest*; None when the clock stops for good before.
    """
    left = gap
    for begin, end, factor in _pieces(clock, start):
        if factor is None:
            continue
        factor = min(max(factor, least), greatest)  # noqa: PLW2901 - the bounded one is meant
        if end is None or left * factor <= end - begin:
            return begin + left * factor
        left -= (end - begin) / factor
    return None


def _pieces(
    clock: tuple[Phase, ...], start: datetime
) -> Iterator[tuple[datetime, datetime | None, float | None]]:
    for index, phase in enumerate(clock):
        end = clock[index + 1].start if index + 1 < len(clock) else None
        if end is None or end > start:
            yield max(phase.start, start), end, phase.factor


def shifts(clock: tuple[Phase, ...], start: datetime, end: datetime) -> Iterator[str]:
    """Say in words what made the clock run otherwise between two wall times."""
    for begin, until, factor in _pieces(clock, start):
        if begin >= end:
            return
        why = clock[bisect_right([phase.start for phase in clock], begin) - 1].why
        if factor is None:
            upto = f"to {min(until, end):%Y-%m-%d}" if until else "from then on"
            yield f"clock stopped {begin:%Y-%m-%d} {upto}: {why}"
        elif factor != 1:
            verb = "stretched" if factor > 1 else "hastened"
            yield f"{verb} × {factor:g} from {begin:%Y-%m-%d}: {why}"
