"""The planner: from facts to the calendar of one person's run through a cadence."""

from datetime import UTC, datetime, tzinfo

from crmkit._time import earliest, to_instant, to_wall
from crmkit.cadence._cadence import Cadence, Enrollment
from crmkit.cadence._calendar import Plan
from crmkit.cadence._clock import Phase, phases
from crmkit.cadence._stops import PlanStatus
from crmkit.cadence._walk import Arbiter, Walk, done_facts, turns
from crmkit.engagement import EngagementPolicy
from crmkit.errors import InvalidRecord
from crmkit.model import Reason, Relationship
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
) -> Plan:
    """Return the whole calendar of a cadence for one person: done, due and ahead.

    Say when they were enrolled, or give the `Enrollment`. The cadence keeps the wall time of
    the enrolment in the person's zone (UTC when it is unknown; a time that clocks skip moves
    forward). Its clock counts weeks, faster for the hot and slower for the cold (`Pace`), and
    stands still while they are paused, wait for an answer, are in a process or archived. The
    touches of one sequence are shown, and a yearly one's next return; ``through`` shows all
    returns that fall up to an instant. A return keeps half a year from the last one, if that was
    late.

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
    walk = Walk(
        cadence=cadence,
        clock=clock,
        anchor=anchor,
        zone=zone,
        done=done_facts(known.history, enrollment),
        arbiter=Arbiter(known, policy or _POLICY, now),
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
            *(turns(planned.permission) for planned in ahead if planned.due_at <= now),
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
