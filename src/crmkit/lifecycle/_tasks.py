"""What people have to do: level-5 touches, with what to remember and a draft."""

from datetime import datetime

import attrs

from crmkit.cadence import Enrollment, Plan, TouchRecord, TouchState, plan
from crmkit.errors import NotFound, RenderError
from crmkit.lifecycle._brief import Brief, brief
from crmkit.lifecycle._workspace import Workspace
from crmkit.model import Relationship
from crmkit.permission import permission


@attrs.frozen(kw_only=True)
class Task:
    """Something for a person to do (a level-5 touch): the draft is a suggestion, never sent.

    It is done when a ``called``, ``met`` or ``messaged`` fact names its enrolment, touch and
    rotation.
    """

    key: str
    candidate_id: str
    enrollment_id: str
    touch: str
    rotation: int
    due_at: datetime
    brief: Brief
    draft: str | None = attrs.field(default=None, repr=False)

    def __str__(self) -> str:
        return f"{self.touch} for {self.candidate_id}, due {self.due_at:%Y-%m-%d}"


def plan_for(
    work: Workspace, relationship: Relationship, enrollment: Enrollment, now: datetime
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
    )


def task_of(
    work: Workspace, relationship: Relationship, record: TouchRecord, calendar: Plan, now: datetime
) -> Task:
    """Return the task that a ledger record stands for, with the brief and a draft."""
    touch = calendar.cadence.touch(record.touch)
    try:
        draft = work.renderer.render(touch, relationship, now=now).body
    except RenderError:
        draft = None
    return Task(
        key=record.key,
        candidate_id=relationship.id,
        enrollment_id=record.enrollment_id,
        touch=record.touch,
        rotation=record.rotation,
        due_at=record.due_at,
        brief=brief(relationship, now=now),
        draft=draft,
    )


def open_tasks(work: Workspace, now: datetime) -> tuple[Task, ...]:
    """Return the tasks handed over by *now* that wait to be done, the longest due first."""
    found: list[Task] = []
    for batch in work.batches():
        people = {key: each for each in batch for key in each.candidate.ids}
        records = [
            record
            for record in work.about((each.candidate for each in batch), work.store.touches)
            if record.state is TouchState.TASK and record.at <= now
        ]
        if not records:
            continue
        concerned = {people[record.candidate_id].candidate for record in records}
        runs = {run.id: run for run in work.about(concerned, work.store.enrollments)}
        for record in records:
            found += _open(work, people[record.candidate_id], record, runs, now)
    return tuple(sorted(found, key=lambda task: (task.due_at, task.candidate_id, task.key)))


def _open(
    work: Workspace,
    relationship: Relationship,
    record: TouchRecord,
    runs: dict[str, Enrollment],
    now: datetime,
) -> list[Task]:
    try:
        calendar = plan_for(work, relationship, runs[record.enrollment_id], now)
    except NotFound:
        return []  # its cadence was taken out of the playbook
    if calendar.is_done(record.touch, record.rotation):
        return []
    channel = calendar.cadence.touch(record.touch).channel
    if not permission(relationship, now=now, channel=channel, policy=work.policy):
        return []
    return [task_of(work, relationship, record, calendar, now)]
