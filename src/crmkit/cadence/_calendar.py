"""The calendar as it is handed out: planned touches, and the plan that holds them."""

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from html import escape

import attrs

from crmkit._time import plural
from crmkit.cadence._cadence import Cadence, Enrollment, Touch
from crmkit.cadence._stops import PlanStatus
from crmkit.model import Reason
from crmkit.permission import Permission

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@attrs.frozen
class Shift:
    """What moved a touch from its plain week: the clock ran otherwise between two wall times."""

    start: datetime
    end: datetime
    factor: float | None
    """What the gap was multiplied by meanwhile; None if the clock stood still."""
    why: str

    def __str__(self) -> str:
        span = f"{self.start:%Y-%m-%d} to {self.end:%Y-%m-%d}"
        if self.factor is None:
            return f"clock stood still {span}: {self.why}"
        verb = "stretched" if self.factor > 1 else "hastened"
        return f"{verb} × {self.factor:.3g} {span}: {self.why}"


@attrs.frozen(kw_only=True, repr=False)
class PlannedTouch:
    """One touch in the calendar: when it is due, what clocks show there then, and why."""

    touch: Touch
    rotation: int
    due_at: datetime
    local: datetime
    """What clocks in the person's zone show at ``due_at``."""
    enrolled: datetime
    """What they showed at the enrolment."""
    planned_for: datetime
    """The wall time by the plain weeks (or years), before anything moved it."""
    shifts: tuple[Shift, ...] = ()
    spacing: str | None = None
    """The distance to an earlier touch, if it had to be put off to keep it."""
    done_at: datetime | None = None
    done_by: str | None = None
    """The kind of the fact that shows it done."""
    permission: Permission | None = None
    """Whether it may go out then (now, if it is overdue), as far as is known; None once done."""

    @property
    def done(self) -> bool:
        """Whether it has happened."""
        return self.done_at is not None

    @property
    def refused(self) -> bool:
        """Whether it may not go out then, as far as is known."""
        return self.permission is not None and not self.permission

    @property
    def because(self) -> Reason:
        """The plain week, and everything that moved or may stop it."""
        yearly = f" and {plural(self.rotation, 'year')}" if self.rotation else ""
        start = f"week {self.touch.week} from {self.enrolled:%Y-%m-%d}{yearly}"
        text = f"{start} → {self.planned_for:%Y-%m-%d}"
        if self._moved:
            text += f", moved to {self.local:%Y-%m-%d}"
        return Reason(text, parts=tuple(self._parts()))

    @property
    def _moved(self) -> bool:
        return self.local.date() != self.planned_for.date()

    def _parts(self) -> Iterator[Reason]:
        for shift in self.shifts:
            yield Reason(str(shift))
        if self.spacing:
            yield Reason(self.spacing)
        elif self._moved and not self.shifts:
            yield Reason("the touch before it moved")
        if self.local.time() != self.planned_for.time():
            yield Reason(f"no clock shows {self.planned_for:%H:%M} there that day")
        if self.done_at:
            yield Reason(f"done {self.done_at:%Y-%m-%d %H:%M} UTC ({self.done_by})")
        if self.permission is not None and not self.permission:
            rule = self.permission.because.parts[-1]
            text = f"{self.permission.rule}: {rule.text}"
            if start := self.permission.next_allowed:
                text += f"; allowed from {start:%Y-%m-%d %H:%M} UTC"
            yield Reason(text, holds=False, found=rule.found)

    def __repr__(self) -> str:
        state = "done" if self.done else "planned"
        return f"<PlannedTouch {self.touch.key} {state}, due {self.due_at:%Y-%m-%d %H:%M} UTC>"


@attrs.frozen(kw_only=True, repr=False)
class Plan:
    """The touches done and those ahead; ``print`` it to see the calendar.

    ✓ stands for done, ! for due now, · for ahead, and ✗ for what is not allowed as far as is
    known. The plan is the same up to ``until`` unless a new fact arrives: then a touch falls due,
    a pause ends, or a permission turns. A touch that was missed keeps its date: it is overdue.
    While the clock stands still for nobody knows how long, no touch after that has a date.
    """

    cadence: Cadence
    enrollment: Enrollment
    now: datetime
    zone: tzinfo
    status: PlanStatus
    because: Reason
    touches: tuple[PlannedTouch, ...]
    until: datetime | None = None
    stopped_at: datetime | None = None
    """The instant of the fact that stopped it; None while it runs, or when a rule archives."""

    @property
    def ahead(self) -> tuple[PlannedTouch, ...]:
        """The touches that are not done."""
        return tuple(planned for planned in self.touches if not planned.done)

    @property
    def due(self) -> tuple[PlannedTouch, ...]:
        """The touches that are due and not done."""
        return tuple(planned for planned in self.ahead if planned.due_at <= self.now)

    @property
    def undated(self) -> tuple[Touch, ...]:
        """The touches of the sequence that have no date while the clock stands still."""
        if self.status in {PlanStatus.ARCHIVED, PlanStatus.COMPLETED}:
            return ()
        dated = {planned.touch.key for planned in self.touches}
        return tuple(touch for touch in self.cadence.touches if touch.key not in dated)

    def is_done(self, key: str, rotation: int = 0) -> bool:
        """Return whether this touch has happened."""
        return any(
            planned.done
            for planned in self.touches
            if (planned.touch.key, planned.rotation) == (key, rotation)
        )

    def __repr__(self) -> str:
        who = f"{self.enrollment.candidate_id} in {self.cadence.name}"
        return f"<Plan of {who}: {self.status}, {len(self.ahead)} touches ahead>"

    def __str__(self) -> str:
        rows = [(*row, str(why).splitlines()) for *row, why in self._rows()]
        width = max((len(key) for _, _, key, _ in rows), default=0)
        lines = []
        for mark, when, key, (first, *rest) in rows:
            head = f"{mark} {when}  {key:<{width}}  "
            lines += [head + first, *(" " * len(head) + line for line in rest)]
        return "\n".join([*self._heads(), *lines, *self._feet()])

    def _heads(self) -> list[str]:
        zone = "UTC" if self.zone is UTC else str(self.zone)
        until = f"until {self.until:%Y-%m-%d %H:%M} UTC" if self.until else "no clock changes it"
        first, *rest = str(self.because).splitlines()
        title = f"{self.cadence.name} for {self.enrollment.candidate_id}, times in {zone}"
        return [title, f"{first}; {until}", *rest]

    def _feet(self) -> list[str]:
        keys = ", ".join(touch.key for touch in self.undated)
        return [f"without a date until the clock goes on: {keys}"] if keys else []

    def _rows(self) -> Iterator[tuple[str, str, str, Reason]]:
        for planned in self.touches:
            mark = "·" if planned.due_at > self.now else "!"
            mark = "✓" if planned.done else "✗" if planned.refused else mark
            when = f"{_DAYS[planned.local.weekday()]} {planned.local:%Y-%m-%d %H:%M}"
            key = f"{planned.touch.key}{' (by hand)' if planned.touch.by_hand else ''}"
            yield mark, when, key, planned.because

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{mark}</td><td>{when}</td><td>{escape(key)}</td>"
            f"<td>{because._repr_html_()}</td></tr>"
            for mark, when, key, because in self._rows()
        )
        heads = "<br>".join(map(escape, self._heads()))
        feet = "".join(f"<p>{escape(line)}</p>" for line in self._feet())
        return (
            f"<table><caption>{heads}</caption>"
            "<thead><tr><th></th><th>when</th><th>touch</th><th>why</th></tr></thead>"
            f"<tbody>{rows}</tbody></table>{feet}"
        )
