"""What another version of its cadence would do to one person's calendar."""

from collections.abc import Collection, Iterator
from enum import StrEnum
from html import escape

import attrs

from crmkit.cadence._cadence import Touch
from crmkit.cadence._calendar import Plan, PlannedTouch
from crmkit.cadence._stops import PlanStatus
from crmkit.errors import InvalidRecord
from crmkit.model import Reason

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class Fate(StrEnum):
    """What another version of its cadence does to one touch of a calendar."""

    DUE = "due"
    """It would go at once."""
    EXPIRED = "expired"
    """It would be too late at once."""
    MOVED = "moved"
    """It would have another date, or none while the clock stands still."""
    ADDED = "added"
    REMOVED = "removed"


@attrs.frozen(kw_only=True, repr=False)
class DateChange:
    """One touch of a calendar before and after; None: not there, or without a date yet."""

    key: str
    """The touch's key, the new one if it has another."""
    rotation: int
    fate: Fate
    before: PlannedTouch | None
    after: PlannedTouch | None

    @property
    def because(self) -> Reason | None:
        """Why its date is what it would be; of one that is removed, what it was."""
        shown = self.after or self.before
        return shown.because if shown else None

    def __repr__(self) -> str:
        return f"<DateChange of {self.key}: {self}>"

    def __str__(self) -> str:
        dates = f"{_date(self.before)} → {_date(self.after)}"
        if self.fate is Fate.ADDED:
            dates = _date(self.after)
        elif self.after is None and self.fate is Fate.REMOVED:
            dates = _date(self.before)
        return f"{self.fate}, {dates}"


def _date(planned: PlannedTouch | None) -> str:
    if planned is None:
        return "no date"
    date = f"{_DAYS[planned.local.weekday()]} {planned.local:%Y-%m-%d %H:%M}"
    state = "done" if planned.done else "expired" if planned.expired else ""
    return f"{date} ({state})" if state else date


@attrs.frozen(kw_only=True, repr=False)
class PlanDiff:
    """What another version of its cadence would do to one person's calendar; false if nothing."""

    before: Plan
    after: Plan
    touches: tuple[DateChange, ...]
    """Those not done whose date would be another: in the new order, then the removed."""

    def of(self, fate: Fate) -> tuple[DateChange, ...]:
        """Return the touches of one fate."""
        return tuple(change for change in self.touches if change.fate is fate)

    @property
    def candidate_id(self) -> str:
        """Whose calendar it is."""
        return self.after.enrollment.candidate_id

    def __bool__(self) -> bool:
        return bool(self.touches) or self.before.status is not self.after.status

    def __repr__(self) -> str:
        return f"<PlanDiff of {self._head()}>"

    def _head(self) -> str:
        counts = [f"{len(found)} {fate}" for fate in Fate if (found := self.of(fate))]
        return f"{self.candidate_id} in {self.after.cadence.name}: {', '.join(counts) or 'same'}"

    def __str__(self) -> str:
        width = max((len(change.key) for change in self.touches), default=0)
        lines = [self._head(), *self._status()]
        for change in self.touches:
            lines.append(f"  {change.key:<{width}}  {change}")
            lines += [f"    {line}" for line in str(change.because or "").splitlines()]
        return "\n".join(lines)

    def _status(self) -> Iterator[str]:
        if self.before.status is not self.after.status:
            yield f"  {self.before.status} → {str(self.after.because).splitlines()[0]}"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(change.key)}</td><td>{change.fate}</td>"
            f"<td>{_date(change.before)}</td><td>{_date(change.after)}</td>"
            f"<td>{change.because._repr_html_() if change.because else ''}</td></tr>"
            for change in self.touches
        )
        head = "<br>".join(map(escape, [self._head(), *self._status()]))
        return (
            f"<table><caption>{head}</caption><thead><tr><th>touch</th><th></th>"
            f"<th>before</th><th>after</th><th>why</th></tr></thead><tbody>{rows}</tbody></table>"
        )


def compare_plans(
    before: Plan, after: Plan, *, taken: Collection[tuple[str, int]] = ()
) -> PlanDiff:
    """Say what becomes of each touch that is not done when *after* takes the place of *before*.

    Both are plans of one enrolment at one instant; else raises `InvalidRecord`. *taken* are the
    touches, as (key, rotation), that the ledger holds: their dates matter no more.

    >>> from datetime import datetime, UTC
    >>> from crmkit.cadence import Cadence, plan
    >>> from crmkit.model import Candidate, Relationship
    >>> ada, monday = Relationship(Candidate(id="ada")), datetime(2026, 3, 2, 9, tzinfo=UTC)
    >>> news = Touch(key="news", week=8, purpose="what we shipped", level=2)
    >>> old = plan(Cadence(name="short", touches=[news]), ada, enrolled_at=monday, now=monday)
    >>> sooner = Cadence(name="short", version=2, touches=[attrs.evolve(news, week=6)])
    >>> new = plan(sooner, ada, enrolled_at=monday, now=monday)
    >>> compare_plans(old, new).touches
    (<DateChange of news: moved, Mon 2026-04-27 09:00 → Mon 2026-04-13 09:00>,)
    """
    if before.enrollment.id != after.enrollment.id:
        problem = f"expected {before.enrollment.id!r}, got {after.enrollment.id!r}"
        raise InvalidRecord("after.enrollment.id", problem)
    if before.now != after.now:
        problem = f"expected {before.now.isoformat()}, got {after.now.isoformat()}"
        raise InvalidRecord("after.now", problem)
    held = set(taken)
    old, new = _calendar(before), _calendar(after)
    changes: list[DateChange] = []
    for (key, rotation), (touch, planned) in new.items():
        names = [(name, rotation) for name in (key, *touch.was)]
        known = next((old.pop(name) for name in names if name in old), None)
        if not held.isdisjoint(names):
            continue
        was = known[1] if known else None
        fate = _fate(was, planned, after, new=known is None)
        if fate:
            changes.append(
                DateChange(key=key, rotation=rotation, fate=fate, before=was, after=planned)
            )
    for (key, rotation), (_, planned) in old.items():
        if (key, rotation) not in held and not (planned and (planned.done or planned.expired)):
            gone = DateChange(
                key=key, rotation=rotation, fate=Fate.REMOVED, before=planned, after=None
            )
            changes.append(gone)
    return PlanDiff(before=before, after=after, touches=tuple(changes))


def _calendar(plan: Plan) -> dict[tuple[str, int], tuple[Touch, PlannedTouch | None]]:
    found: dict[tuple[str, int], tuple[Touch, PlannedTouch | None]] = {
        planned.key: (planned.touch, planned) for planned in plan.touches
    }
    return found | {(touch.key, 0): (touch, None) for touch in plan.undated}


def _fate(
    was: PlannedTouch | None, planned: PlannedTouch | None, after: Plan, *, new: bool
) -> Fate | None:
    over = was is not None and (was.done or was.expired)
    if planned is not None and planned.done:
        return None if new or over else Fate.REMOVED
    if planned is not None and planned.expired:
        return None if was is not None and was.expired else Fate.EXPIRED
    if planned is not None and _goes(planned, after):
        return None if was is not None and not over and _goes(was, after) else Fate.DUE
    if new or (was is not None and was.done):
        return Fate.ADDED
    same = (was and was.due_at) == (planned and planned.due_at) and not over
    return None if same else Fate.MOVED


def _goes(planned: PlannedTouch, after: Plan) -> bool:
    return planned.due_at <= after.now and after.status is PlanStatus.ACTIVE
