"""The calendar of one person's run through a cadence, with the reason for every date."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from html import escape

import attrs

from crmkit._time import CalendarSpan, describe_span, earliest, from_wall, to_wall
from crmkit.cadence._cadence import Cadence, Enrollment, Touch
from crmkit.cadence._clock import Phase, PlanStatus, phases, run, shifts, stop_at
from crmkit.engagement import EngagementPolicy, unanswered
from crmkit.errors import InvalidRecord
from crmkit.model import History, Interaction, Reason, Relationship
from crmkit.permission import ContactPolicy, Permission, permission

DONE_BY = ("sent", "called", "met", "messaged")
"""The kinds that show a touch as done, when they name its enrolment and key."""

_YEAR = CalendarSpan(years=1)


@attrs.frozen(kw_only=True, repr=False)
class PlannedTouch:
    """One touch in the calendar: when it is due, what clocks show there then, and why."""

    touch: Touch
    rotation: int
    due_at: datetime
    local: datetime
    """What clocks in the person's zone show at ``due_at``."""
    because: Reason
    done_at: datetime | None = None
    permission: Permission | None = None
    """Whether it may go out then, as far as is known now; None once it is done."""

    @property
    def done(self) -> bool:
        """Whether it has happened."""
        return self.done_at is not None

    def __repr__(self) -> str:
        state = "done" if self.done else "planned"
        return f"<PlannedTouch {self.touch.key} {state}, due {self.due_at:%Y-%m-%d %H:%M} UTC>"


@attrs.frozen(kw_only=True, repr=False)
class Plan:
    """The touches done and those ahead; ``print`` it to see the calendar.

    ``until`` is the instant at which the next touch falls due; unless a new fact arrives, the
    plan is the same up to then. A touch that was missed keeps its date: it is overdue.
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
        rows = [
            (*row, str(planned.because).replace("\n", "\n" + " " * 36))
            for row, planned in zip(self._rows(), self.touches, strict=True)
        ]
        lines = [f"{when:<17} {mark} {key:<12} {why}" for when, mark, key, why in rows]
        zone = self.zone if self.zone is not UTC else "UTC"
        head = f"{self.cadence.name} of {self.enrollment.candidate_id}, {zone} ({self.status})"
        return "\n".join([head, str(self.because), *lines])

    def _rows(self) -> Iterator[tuple[str, str, str]]:
        for planned in self.touches:
            refused = planned.permission is not None and not planned.permission
            mark = "✓" if planned.done else "✗" if refused else "·"
            yield f"{planned.local:%a %Y-%m-%d %H:%M}"[4:], mark, planned.touch.key

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{when}</td><td>{mark}</td><td>{escape(key)}</td>"
            f"<td>{planned.because._repr_html_()}</td></tr>"
            for (when, mark, key), planned in zip(self._rows(), self.touches, strict=True)
        )
        return (
            f"<table><caption>{escape(self.cadence.name)}: {self.status}</caption>"
            "<thead><tr><th>when</th><th></th><th>touch</th><th>why</th></tr></thead>"
            f"<tbody>{rows}</tbody></table>"
        )


def plan(
    cadence: Cadence,
    relationship: Relationship,
    *,
    now: datetime,
    enrolled_at: datetime | None = None,
    enrollment: Enrollment | None = None,
    through: datetime | None = None,
    policy: ContactPolicy | None = None,
    engagement: EngagementPolicy | None = None,
) -> Plan:
    """Return the whole calendar of a cadence for one person: done, due and ahead.

    Say when they were enrolled, or give the `Enrollment`. The cadence keeps the wall time of
    the enrolment in the person's zone (UTC when it is unknown). Its clock counts weeks, faster
    for the hot and slower for the cold (`Pace`), and stands still while they are paused, wait
    for an answer or are in a process. The touches of one sequence are shown, and a yearly one's
    next return; ``through`` shows all that fall up to an instant.

    The same facts give the same plan, in whatever order they came, and a plan asked for at two
    instants with no fact between agrees on what is ahead. Every touch ahead carries the
    `Permission` for its instant.

    >>> from datetime import datetime, UTC
    >>> from crmkit.model import Candidate
    >>> from crmkit.cadence import SEVEN_TOUCH
    >>> monday = datetime(2026, 3, 2, 9, tzinfo=UTC)
    >>> calendar = plan(
    ...     SEVEN_TOUCH, Relationship(Candidate(id="ada")), enrolled_at=monday, now=monday)
    >>> [(each.due_at - monday).days // 7 for each in calendar.touches]
    [0, 2, 6, 12, 18, 26, 36]
    """
    enrollment = _enrollment(cadence, relationship, enrolled_at, enrollment)
    policy = policy or ContactPolicy()
    engagement = engagement or EngagementPolicy()
    known = relationship.upto(now)
    zone = relationship.candidate.timezone or UTC
    clock = phases(known, enrollment, zone, cadence.pace, engagement)
    status, because = _status(cadence, known, enrollment, now, engagement)
    touches = []
    over = status in {PlanStatus.ARCHIVED, PlanStatus.COMPLETED}
    for planned in _calendar(cadence, known.history, enrollment, clock, zone):
        if planned.done:
            touches.append(planned)
        elif planned.rotation and (over or not _wanted(planned, touches, through)):
            break
        elif not over:
            touches.append(_permitted(planned, known, policy))
    ahead = [planned for planned in touches if not planned.done]
    if status is PlanStatus.ACTIVE and not ahead:
        status, because = PlanStatus.COMPLETED, Reason("every touch is done")
    stop = stop_at(known.history, enrollment, now)
    return Plan(
        cadence=cadence,
        enrollment=enrollment,
        now=now,
        zone=zone,
        status=status,
        because=because,
        touches=tuple(touches),
        stopped_at=stop.since if stop else None,
        until=earliest(
            *(planned.due_at for planned in ahead if planned.due_at > now),
            *(fact.at for fact in relationship.history.after(now)[:1]),
            stop.until if stop else None,
        ),
    )


def _enrollment(
    cadence: Cadence,
    relationship: Relationship,
    enrolled_at: datetime | None,
    enrollment: Enrollment | None,
) -> Enrollment:
    if (enrolled_at is None) == (enrollment is None):
        raise InvalidRecord("enrolled_at", "give either enrolled_at or an enrollment")
    if enrolled_at is not None:
        return Enrollment(
            candidate_id=relationship.id,
            cadence=cadence.name,
            version=cadence.version,
            enrolled_at=enrolled_at,
        )
    assert enrollment is not None  # noqa: S101 - told to the type checker
    if enrollment.cadence != cadence.name or enrollment.version != cadence.version:
        raise InvalidRecord(
            "enrollment.cadence",
            f"expected {cadence.name!r} version {cadence.version}, "
            f"got {enrollment.cadence!r} version {enrollment.version}",
        )
    if enrollment.candidate_id not in relationship.candidate.ids:
        raise InvalidRecord(
            "enrollment.candidate_id",
            f"expected {relationship.id!r}, got {enrollment.candidate_id!r}",
        )
    return enrollment


def _status(
    cadence: Cadence,
    known: Relationship,
    enrollment: Enrollment,
    now: datetime,
    engagement: EngagementPolicy,
) -> tuple[PlanStatus, Reason]:
    stop = stop_at(known.history, enrollment, now)
    if stop:
        why = f"{stop.why} on {stop.since:%Y-%m-%d}"
        return stop.status, Reason(f"{stop.status}: {why}", until=stop.until)
    silent = unanswered(known, now=now, policy=engagement)
    if silent >= cadence.pace.archive_after:
        why = f"{silent} messages without an answer, {cadence.pace.archive_after} archive"
        return PlanStatus.ARCHIVED, Reason(f"archived: {why}")
    return PlanStatus.ACTIVE, Reason(f"active since {enrollment.enrolled_at:%Y-%m-%d}")


def _wanted(planned: PlannedTouch, before: list[PlannedTouch], through: datetime | None) -> bool:
    if through is not None:
        return planned.due_at <= through
    return not before or before[-1].done


def _permitted(planned: PlannedTouch, known: Relationship, policy: ContactPolicy) -> PlannedTouch:
    verdict = permission(known, now=planned.due_at, channel=planned.touch.channel, policy=policy)
    if verdict:
        return attrs.evolve(planned, permission=verdict)
    rule = next((part for part in reversed(verdict.because.parts)), verdict.because)
    refusal = Reason(f"not allowed then ({verdict.rule}): {rule.text}", found=rule.found)
    because = attrs.evolve(planned.because, parts=(*planned.because.parts, refusal))
    return attrs.evolve(planned, permission=verdict, because=because)


def _calendar(
    cadence: Cadence,
    history: History,
    enrollment: Enrollment,
    clock: tuple[Phase, ...],
    zone: tzinfo,
) -> Iterator[PlannedTouch]:
    """Yield every touch in order, without end for a yearly cadence, until the clock stops."""
    done = _done(history, enrollment)
    anchor = to_wall(enrollment.enrolled_at, zone)
    nominal = clock_at = anchor
    earlier: tuple[str, datetime] | None = None
    for touch, rotation, planned_for in _nominal(cadence, anchor):
        gap = planned_for - nominal
        since, reached = clock_at, _reach(cadence, clock, clock_at, gap, yearly=rotation > 0)
        if reached is None:
            return
        nominal, clock_at = planned_for, reached
        wall = _at_time_of(anchor, clock_at)
        reasons = [Reason(text) for text in shifts(clock, since, clock_at)] if not rotation else []
        if earlier and not touch.by_hand:
            spaced = _at_time_of(anchor, earlier[1] + cadence.pace.least_gap)
            if spaced > wall:
                least = describe_span(cadence.pace.least_gap)
                reasons.append(Reason(f"moved to {spaced:%Y-%m-%d}: {least} after {earlier[0]}"))
                wall = spaced
        due_at = from_wall(wall, zone)
        fact = done.get((touch.key, rotation))
        if fact:
            reasons.append(Reason(f"done {fact.at:%Y-%m-%d %H:%M} UTC ({fact.kind})"))
        local = to_wall(due_at, zone)
        every = f" and yearly, {rotation}" if rotation else ""
        start = f"week {touch.week}{every} from {anchor:%Y-%m-%d} → {local:%Y-%m-%d %H:%M}"
        yield PlannedTouch(
            touch=touch,
            rotation=rotation,
            due_at=due_at,
            local=local,
            because=Reason(start, parts=tuple(reasons)),
            done_at=fact.at if fact else None,
        )
        if not touch.by_hand:
            earlier = touch.key, to_wall(fact.at, zone) if fact else wall


def _nominal(cadence: Cadence, anchor: datetime) -> Iterator[tuple[Touch, int, datetime]]:
    last = anchor
    for touch in cadence.touches:
        last = anchor + timedelta(weeks=touch.week)
        yield touch, 0, last
    rotation = 0
    while cadence.yearly:
        rotation += 1
        try:
            yield cadence.touches[-1], rotation, _YEAR.after_wall(last, rotation)
        except (OverflowError, ValueError):
            return  # the calendar ends with the year 9999


def _reach(
    cadence: Cadence, clock: tuple[Phase, ...], start: datetime, gap: timedelta, *, yearly: bool
) -> datetime | None:
    """Return when *gap* of the clock has passed; a yearly return is a year, hot or cold."""
    if not gap:
        return run(clock, start, gap, least=1, greatest=1)
    pace = cadence.pace
    least = 1.0 if yearly else min(1.0, pace.least_gap / gap)
    greatest = 1.0 if yearly else max(1.0, pace.greatest_gap / gap)
    return run(clock, start, gap, least=least, greatest=greatest)


def _done(history: History, enrollment: Enrollment) -> dict[tuple[str, int], Interaction]:
    found: dict[tuple[str, int], Interaction] = {}
    for fact in history.of(*DONE_BY):
        if fact.enrollment_id == enrollment.id and fact.touch is not None:
            found.setdefault((fact.touch, fact.rotation or 0), fact)
    return found


def _at_time_of(anchor: datetime, wall: datetime) -> datetime:
    """Return the first wall time from *wall* on that shows the anchor's time of day."""
    moved = datetime.combine(wall.date(), anchor.time())
    return moved if moved >= wall else moved + timedelta(days=1)
