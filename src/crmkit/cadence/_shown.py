"""What a picture shows of a plan: where each touch stands, its state, and why, in few words."""

from collections.abc import Iterator
from datetime import datetime

import attrs

from crmkit._time import plural, to_wall
from crmkit.cadence._calendar import Plan, PlannedTouch, Shift
from crmkit.cadence._stops import PlanStatus
from crmkit.permission import ContactRule, Permission

STATES = ("done", "due", "ahead", "not allowed", "expired")

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def day(wall: datetime) -> str:
    """Return the date as on a label, whatever the locale: ``2 Mar``."""
    return f"{wall.day} {_MONTHS[wall.month - 1]}"


def weekday(wall: datetime) -> str:
    """Return the date with its weekday: ``Mon 2 Mar``."""
    return f"{_DAYS[wall.weekday()]} {day(wall)}"


def where(plan: Plan, planned: PlannedTouch) -> datetime:
    """Return the wall time at which it went, or is to go."""
    return to_wall(planned.done_at, plan.zone) if planned.done_at else planned.local


def state(plan: Plan, planned: PlannedTouch) -> str:
    """Return which of `STATES` it is in."""
    if planned.done:
        return "done"
    if planned.expired:
        return "expired"
    if planned.refused:
        return "not allowed"
    return "due" if planned.due_at <= plan.now else "ahead"


def days_off(plan: Plan, planned: PlannedTouch) -> int:
    """Return how many days it is from its plain week."""
    return (where(plan, planned).date() - planned.planned_for.date()).days


def why_moved(plan: Plan, planned: PlannedTouch) -> tuple[str, list[str]]:
    """Return by how much it is off its plain week, and what made it so, reason by reason."""
    moved = days_off(plan, planned)
    reasons = list(dict.fromkeys(_verb(shift) for shift in planned.shifts))
    reasons += planned.moves
    late = (where(plan, planned).date() - planned.local.date()).days
    if late:
        reasons.append(f"done {plural(abs(late), 'day')} {'late' if late > 0 else 'early'}")
    sign = "+" if moved > 0 else "-"
    return f"{sign}{plural(abs(moved), 'day')}", reasons or ["follows the one before"]


def _verb(shift: Shift) -> str:
    if shift.factor is None:
        return "clock stood still"
    return "stretched" if shift.factor > 1 else "hastened"


def why_refused(answer: Permission) -> tuple[str, list[str]]:
    """Return the rule that does not allow it, and what the rule says."""
    rule = str(answer.rule).replace("_", " ")
    return f"not allowed: {rule}", [answer.because.parts[-1].text]


def retention_end(plan: Plan) -> datetime | None:
    """Return when retention ends, if that is what stands against a touch."""
    refused = {
        planned.permission.because.parts[-1].text
        for planned in plan.ahead
        if planned.permission is not None and planned.permission.rule is ContactRule.RETENTION
    }
    ends = [
        part.until
        for planned in plan.ahead
        if planned.permission
        for part in planned.permission.because.parts
        if part.text in refused and part.until
    ]
    return min(ends, default=None)


def notes(plan: Plan) -> Iterator[str]:
    """Yield what stands below the title: the zone, the status and why, what has no date."""
    title, status, *more = plan._heads()
    who = f"{plan.cadence.name} for {plan.enrollment.candidate_id}, "
    yield f"{status}; {title.removeprefix(who)}"
    yield from more
    yield from plan._feet()


@attrs.frozen
class Band:
    """Between two wall times the cadence's clock did not run at its plain rate."""

    start: datetime
    end: datetime | None
    """None: nobody knows how long."""
    factor: float | None
    """What gaps are multiplied by meanwhile; None while the clock stands still."""
    caption: str


def bands(plan: Plan) -> list[Band]:
    """Return where the clock stood still or ran at another rate, in order."""
    found: list[Band] = []
    for shift in (shift for planned in plan.touches for shift in planned.shifts):
        caption = f"gaps × {shift.factor:.3g}, {shift.why}" if shift.factor else shift.why
        last = found[-1] if found else None
        if last and last.end and last.end >= shift.start and last.caption == caption:
            found[-1] = attrs.evolve(last, end=max(last.end, shift.end))
        else:
            found.append(Band(shift.start, shift.end, shift.factor, caption))
    now = to_wall(plan.now, plan.zone)
    shown = any(band.factor is None and band.end and band.end > now for band in found)
    if plan.status is not PlanStatus.ACTIVE and not shown:
        since = to_wall(plan.stopped_at, plan.zone) if plan.stopped_at else now
        found.append(Band(since, None, None, plan.because.text))
    return found
