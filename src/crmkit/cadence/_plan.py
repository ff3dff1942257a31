"""The planner: from facts to the calendar of one person's run through a cadence."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo

import attrs

from crmkit._time import (
    MICROSECOND,
    CalendarSpan,
    describe_span,
    earliest,
    from_wall,
    to_instant,
    to_wall,
)
from crmkit.cadence._cadence import Cadence, Enrollment, Touch
from crmkit.cadence._calendar import Plan, PlannedTouch, Shift
from crmkit.cadence._clock import Leg, Phase, phases, run
from crmkit.cadence._stops import PlanStatus
from crmkit.engagement import EngagementPolicy
from crmkit.errors import InvalidRecord
from crmkit.model import Channel, History, Interaction, Reason, Relationship
from crmkit.permission import ContactPolicy, Permission, permission

DONE_BY = ("sent", "called", "met", "messaged")
"""The kinds that show a touch as done, when they name its enrolment and key."""

_POLICY = ContactPolicy()
_ENGAGEMENT = EngagementPolicy()
_YEAR = CalendarSpan(years=1)
_DAY = timedelta(days=1) // MICROSECOND
_WEEK = 7 * _DAY
_HALF_YEAR = timedelta(weeks=26)


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
    the enrolment in the person's zone (UTC when it is unknown; a time that clocks skip moves
    forward). Its clock counts weeks, faster for the hot and slower for the cold (`Pace`), and
    stands still while they are paused, wait for an answer, are in a process or archived. The
    touches of one sequence are shown, and a yearly one's next return; ``through`` shows all
    returns that fall up to an instant. A return within half a year of the last is left out.

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
    now = to_instant(now, "now")
    enrollment = _enrollment(cadence, relationship, enrolled_at, enrollment)
    known = relationship.upto(now)
    zone = relationship.candidate.timezone or UTC
    anchor = _anchor(enrollment, zone)
    clock = phases(known, enrollment, zone, cadence.pace, engagement or _ENGAGEMENT)
    phase = _at(clock, now)
    status = phase.stop.status if phase.stop else PlanStatus.ACTIVE
    walk = _Walk(
        cadence=cadence,
        clock=clock,
        anchor=anchor,
        zone=zone,
        done=_done(known.history, enrollment),
        arbiter=_Arbiter(known, policy or _POLICY, now),
        over=status in {PlanStatus.ARCHIVED, PlanStatus.COMPLETED},
        through=None if through is None else to_instant(through, "through"),
    )
    touches = tuple(walk.touches())
    ahead = [planned for planned in touches if not planned.done]
    because = _because(phase, enrollment)
    if status is PlanStatus.ACTIVE and not ahead:
        status, because = PlanStatus.COMPLETED, Reason("completed: every touch is done")
    return Plan(
        cadence=cadence,
        enrollment=enrollment,
        now=now,
        zone=zone,
        status=status,
        because=because,
        touches=touches,
        stopped_at=phase.stop.since if phase.stop and not phase.stop.by_rule else None,
        until=earliest(
            *(planned.due_at for planned in ahead if planned.due_at > now),
            *(_turns(planned.permission) for planned in ahead if planned.due_at <= now),
            *(fact.at for fact in relationship.history.after(now)[:1]),
            *(each.since for each in clock if each.since > now and each.stop != phase.stop),
        ),
    )


def _anchor(enrollment: Enrollment, zone: tzinfo) -> datetime:
    try:
        return to_wall(enrollment.enrolled_at, zone)
    except OverflowError:
        problem = f"{enrollment.enrolled_at.isoformat()} is outside years 1 to 9999 there"
        raise InvalidRecord("enrolled_at", problem) from None


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


def _at(clock: tuple[Phase, ...], now: datetime) -> Phase:
    """Return the phase at *now*; the first, if the enrolment is still to come."""
    return next((phase for phase in reversed(clock) if phase.since <= now), clock[0])


def _because(phase: Phase, enrollment: Enrollment) -> Reason:
    if phase.stop is None:
        return Reason(f"active since {enrollment.enrolled_at:%Y-%m-%d}")
    todo = ", a person is to answer" if phase.stop.status is PlanStatus.WAITING else ""
    return Reason(f"{phase.stop.status}: {phase.stop.why}{todo}", until=phase.stop.until)


class _Arbiter:
    """Asks for permission once, and again only from where the answer may turn."""

    def __init__(self, known: Relationship, policy: ContactPolicy, now: datetime) -> None:
        self.known, self.policy, self.now = known, policy, now
        self.answers: dict[Channel, tuple[datetime, datetime | None, Permission]] = {}

    def ask(self, due_at: datetime, channel: Channel) -> Permission:
        at = max(due_at, self.now)
        if channel in self.answers:
            asked, turns, answer = self.answers[channel]
            if asked <= at and (turns is None or at < turns):
                return answer
        answer = permission(self.known, now=at, channel=channel, policy=self.policy)
        self.answers[channel] = at, _turns(answer), answer
        return answer


def _turns(answer: Permission | None) -> datetime | None:
    """Return from when on any rule that was asked may answer otherwise."""
    return earliest(*(part.until for part in answer.because.parts)) if answer else None


@attrs.frozen(kw_only=True)
class _Walk:
    """One way through a cadence, touch by touch, in microseconds of wall time since the anchor."""

    cadence: Cadence
    clock: tuple[Phase, ...]
    anchor: datetime
    zone: tzinfo
    done: dict[tuple[str, int], Interaction]
    arbiter: _Arbiter
    over: bool
    """Whether nothing more is to come."""
    through: datetime | None

    def touches(self) -> Iterator[PlannedTouch]:
        """Yield every touch in order, and the returns asked for, until the clock stops for good."""
        nominal = reached = 0
        by_itself: tuple[int, str] | None = None
        last: tuple[int, str] | None = None
        for touch, rotation, week in self._nominal():
            way = self._reach(reached, week - nominal, yearly=rotation > 0)
            if way is None:
                return
            nominal, (reached, legs) = week, way
            due, spacing = _whole_days(reached), None
            if by_itself and not touch.by_hand:
                due, spacing = _spaced(due, spacing, by_itself, self.cadence.pace.least_gap)
            if rotation and last:
                due, spacing = _spaced(due, spacing, last, _HALF_YEAR)
            fact = self.done.get((touch.key, rotation))
            planned = self._planned(touch, rotation, week, due, legs, spacing, fact)
            if planned is None or (rotation and not fact and not self._wanted(planned)):
                return
            if fact or not self.over:
                yield planned
            if touch is self.cadence.touches[-1] and not fact and self.through is None:
                return
            went = self._offset(fact.at) if fact else due
            last = went, touch.key
            if not touch.by_hand:
                by_itself = max(last, by_itself or last)

    def _nominal(self) -> Iterator[tuple[Touch, int, int]]:
        """Yield each touch, and the last one's returns, by the plain weeks and years."""
        week = 0
        for touch in self.cadence.touches:
            week = touch.week * _WEEK
            yield touch, 0, week
        rotation = 0
        while self.cadence.yearly:
            rotation += 1
            try:
                wall = _YEAR.after_wall(self.anchor + week * MICROSECOND, rotation)
            except (OverflowError, ValueError):
                return  # the calendar ends with the year 9999
            yield self.cadence.touches[-1], rotation, (wall - self.anchor) // MICROSECOND

    def _reach(self, start: int, gap: int, *, yearly: bool) -> tuple[int, tuple[Leg, ...]] | None:
        pace = self.cadence.pace
        least = gap if yearly else min(gap, pace.least_gap // MICROSECOND)
        greatest = gap if yearly else max(gap, pace.greatest_gap // MICROSECOND)
        return run(self.clock, start, gap, least=least, greatest=greatest)

    def _wanted(self, planned: PlannedTouch) -> bool:
        return not self.over and (self.through is None or planned.due_at <= self.through)

    def _planned(
        self,
        touch: Touch,
        rotation: int,
        week: int,
        due: int,
        legs: tuple[Leg, ...],
        spacing: str | None,
        fact: Interaction | None,
    ) -> PlannedTouch | None:
        try:
            due_at = from_wall(self._wall(due), self.zone)
            local = to_wall(due_at, self.zone)
        except OverflowError:
            return None  # the calendar ends with the year 9999
        ask = not (fact or self.over)
        return PlannedTouch(
            touch=touch,
            rotation=rotation,
            due_at=due_at,
            local=local,
            enrolled=self.anchor,
            planned_for=self._wall(week),
            shifts=tuple(
                Shift(self._wall(leg.start), self._wall(leg.end), leg.factor, leg.why)
                for leg in legs
            ),
            spacing=spacing,
            done_at=fact.at if fact else None,
            done_by=fact.kind if fact else None,
            permission=self.arbiter.ask(due_at, touch.channel) if ask else None,
        )

    def _wall(self, offset: int) -> datetime:
        return self.anchor + offset * MICROSECOND

    def _offset(self, instant: datetime) -> int:
        return (to_wall(instant, self.zone) - self.anchor) // MICROSECOND


def _whole_days(offset: int) -> int:
    """Return the first offset from *offset* on that shows the anchor's time of day."""
    return -(-offset // _DAY) * _DAY


def _spaced(
    due: int, spacing: str | None, before: tuple[int, str], gap: timedelta
) -> tuple[int, str | None]:
    """Return the date, put off to keep *gap* from the touch before, and the reason if it was."""
    went, key = before
    first = _whole_days(went + gap // MICROSECOND)
    return (first, f"at least {describe_span(gap)} after {key}") if first > due else (due, spacing)


def _done(history: History, enrollment: Enrollment) -> dict[tuple[str, int], Interaction]:
    found: dict[tuple[str, int], Interaction] = {}
    for fact in history.of(*DONE_BY):
        if fact.enrollment_id == enrollment.id and fact.touch is not None:
            found.setdefault((fact.touch, fact.rotation or 0), fact)
    return found
