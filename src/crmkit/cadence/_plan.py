"""The planner: from facts to the calendar of one person's run through a cadence."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, tzinfo

from crmkit._time import earliest, from_wall, to_instant, to_wall
from crmkit.cadence._ask import Arbiter
from crmkit.cadence._cadence import SPOKEN, Cadence, Enrollment
from crmkit.cadence._calendar import Frame, Plan, PlannedTouch
from crmkit.cadence._caps import Planned, caps
from crmkit.cadence._clock import Phase, phases
from crmkit.cadence._library import Library
from crmkit.cadence._stops import OVER, PlanStatus
from crmkit.cadence._walk import Walk, done_facts
from crmkit.engagement import EngagementPolicy
from crmkit.errors import InvalidRecord
from crmkit.model import FrozenMap, Reason, Relationship
from crmkit.model import _fields as fields
from crmkit.permission import ContactPolicy

_POLICY = ContactPolicy()
_ENGAGEMENT = EngagementPolicy()


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
    library: Library | None = None,
    beside: Iterable[Plan] = (),
) -> Plan:
    """Return the whole calendar of a cadence for one person: done, due and ahead.

    Say when they were enrolled, or give the `Enrollment`. The cadence keeps the wall time of
    the enrolment in the person's zone (UTC when it is unknown; a time that clocks skip moves
    forward). Its clock counts weeks, faster for the hot and slower for the cold (`Pace`), and
    stands still while they are snoozed or paused, wait for an answer, are in a process, archived
    or have said no. The touches of one sequence are shown, and the next return; ``through`` shows
    all returns that fall up to an instant. A return keeps half of its distance from the touch
    before, if that was late.

    The policy's hours and holidays, its caps, and the least gap put touches off, each with its
    reason; none of it adds up to drift. ``beside`` are the plans of this person's more important
    cadences: the caps hold for all together, and this plan gives way. With a ``library``, touches
    that want content say which piece they bring.

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
    policy = _POLICY if policy is None else fields.of_kind(policy, ContactPolicy, path="policy")
    library = None if library is None else fields.of_kind(library, Library, path="library")
    beside = tuple(fields.of_kind(each, Plan, path="beside") for each in beside) if beside else ()
    hours, candidate, known = policy.hours, relationship.candidate, relationship.upto(now)
    zone, assumed = hours.zone_of(candidate)
    anchor = _anchor(enrollment, zone)
    clock = phases(known, enrollment, zone, cadence.pace, engagement or _ENGAGEMENT)
    phase = _at(clock, now)
    status = phase.stop.status if phase.stop else PlanStatus.ACTIVE
    spread = hours.offset_of(enrollment.id)
    frame = Frame(
        anchor=anchor,
        spread=spread,
        base=(anchor + spread).replace(tzinfo=UTC),
        zone=zone,
        enrollment=enrollment,
        arbiter=Arbiter(known, policy, now),
        preferred=candidate.preferred_channel,
    )
    walk = Walk(
        cadence=cadence,
        clock=clock,
        frame=frame,
        hours=hours,
        calendar=hours.calendar_of(candidate),
        done=done_facts(known.history, enrollment),
        caps=caps(known.history, policy, _instants(beside)),
        library=library,
        over=status in OVER,
        through=None if through is None else to_instant(through, "through"),
    )
    touches = tuple(walk.touches())
    ahead = [each for each in touches if not each.fact and (each.due_at > now or not each.expired)]
    because = _because(phase, enrollment)
    if status is PlanStatus.ACTIVE and not ahead and not walk.unplaced:
        status, because = PlanStatus.COMPLETED, Reason("completed: every touch is done or expired")
    return Plan(
        cadence=cadence,
        enrollment=enrollment,
        now=now,
        zone=zone,
        assumed=assumed,
        status=status,
        because=because,
        touches=touches,
        unplaced=FrozenMap(walk.unplaced),
        stopped_at=phase.stop.since if phase.stop and not phase.stop.by_rule else None,
        turning=_turning(relationship, now, clock, phase, ahead),
        quiet_until=_quiet_until(walk, ahead) if walk.done else None,
        beside=beside,
    )


def _instants(beside: Iterable[Plan]) -> Iterator[Planned]:
    """Yield when the messages of other plans are to go, as far as they may, whose and how."""
    for other in beside:
        for planned in other.touches:
            if planned.fact or planned.channel in SPOKEN:
                continue
            if planned.frame.arbiter.foresee(planned.due_at, planned.channel):
                yield planned.due_at, other.cadence.name, planned.channel


def _quiet_until(walk: Walk, ahead: Sequence[PlannedTouch]) -> datetime | None:
    """Return until when what is overdue keeps its distance from the last touch that went."""
    last = max(fact.at for fact in walk.done.values())
    if not any(planned.due_at <= last for planned in ahead):
        return None
    zone = walk.frame.zone
    return from_wall(to_wall(last, zone) + walk.cadence.pace.least_gap, zone)


def _turning(
    relationship: Relationship,
    now: datetime,
    clock: tuple[Phase, ...],
    phase: Phase,
    ahead: Sequence[PlannedTouch],
) -> datetime | None:
    """Return when the plan turns for what no permission says."""
    turning: list[datetime | None] = []
    for planned in ahead:
        if planned.due_at > now:
            turning.append(planned.due_at)  # they come in order
            break
        turning.append(planned.expires_at)
        turning += [planned.pick.until] if planned.pick is not None else []
    turning += [fact.at for fact in relationship.history.after(now)[:1]]
    if len(clock) > 1:
        turning += [each.since for each in clock if each.since > now and each.stop != phase.stop]
    return earliest(*turning)


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
        return Reason(f"active since {enrollment.enrolled_at.date()}")
    todo = ", a person is to answer" if phase.stop.status is PlanStatus.WAITING else ""
    return Reason(f"{phase.stop.status}: {phase.stop.why}{todo}", until=phase.stop.until)
