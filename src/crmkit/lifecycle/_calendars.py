"""The plans of one person's runs through their cadences, under the definitions in force."""

from collections.abc import Iterable
from datetime import datetime

import attrs

from crmkit.cadence import Enrollment, Plan, PlanStatus, plan
from crmkit.errors import NotFound
from crmkit.lifecycle._workspace import Workspace
from crmkit.model import Relationship


@attrs.frozen
class Calendars:
    """The plans of one person: those that go on, those that have ended, and the lost runs."""

    live: tuple[Plan, ...]
    """The most important first; each was made beside those before it."""
    ended: tuple[Plan, ...]
    aside: tuple[Plan, ...]
    """Those that stand still for want of room, or as a second run through the same cadence."""
    lost: tuple[tuple[Enrollment, NotFound], ...]
    """Runs through a cadence that the playbook does not have any more."""


def calendars(
    work: Workspace, relationship: Relationship, runs: Iterable[Enrollment], now: datetime
) -> Calendars:
    """Return the plans of all that goes on: of each cadence one run, as many as the playbook lets.

    Those that an occasion began count for themselves. Records that were merged may each bring a
    run: the oldest that has not ended goes on.
    """
    live: list[Plan] = []
    ended: list[Plan] = []
    aside: list[Plan] = []
    lost: list[tuple[Enrollment, NotFound]] = []
    rank, room = work.playbook.rank, work.playbook.most
    for run in sorted(runs, key=lambda run: (rank(run.cadence), run.enrolled_at, run.id)):
        try:
            calendar = plan_for(work, relationship, run, now, beside=live)
        except NotFound as error:
            lost.append((run, error))
            continue
        if calendar.status is PlanStatus.COMPLETED:
            ended.append(calendar)
        elif any(run.cadence == other.cadence.name for other in live):
            aside.append(calendar)
        elif work.playbook.is_occasion(run.cadence) or room > 0:
            room -= not work.playbook.is_occasion(run.cadence)
            live.append(calendar)
        else:
            aside.append(calendar)
    return Calendars(tuple(live), tuple(ended), tuple(aside), tuple(lost))


def plan_for(
    work: Workspace,
    relationship: Relationship,
    enrollment: Enrollment,
    now: datetime,
    *,
    beside: Iterable[Plan] = (),
) -> Plan:
    """Return the plan of a stored enrolment under the policies in force.

    Raises `NotFound` when the playbook does not have its cadence and version any more.
    """
    return plan(
        work.playbook.cadence(enrollment.cadence, enrollment.version),
        relationship,
        now=now,
        enrollment=enrollment,
        policy=work.policy,
        engagement=work.engagement,
        library=work.library,
        beside=tuple(beside),
    )
