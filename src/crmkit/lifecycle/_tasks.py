"""What people have to do: level-5 touches, with what to remember and a draft."""

from datetime import datetime

import attrs

from crmkit.cadence import Enrollment, Plan, Touch, TouchRecord, TouchState, plan
from crmkit.errors import RenderError
from crmkit.lifecycle._brief import Brief, brief
from crmkit.lifecycle._workspace import Workspace
from crmkit.model import Relationship


@attrs.frozen(kw_only=True)
class Task:
    """Something for a person to do (a level-5 touch): the draft is a suggestion, never sent."""

    key: str
    candidate_id: str
    touch: str
    due_at: datetime
    brief: Brief
    draft: str | None = attrs.field(default=None, repr=False)


def plan_for(
    work: Workspace, relationship: Relationship, enrollment: Enrollment, now: datetime
) -> Plan:
    """Return the plan of a stored enrolment under the policies in force."""
    return plan(
        work.playbook.cadence(enrollment.cadence, enrollment.version),
        relationship,
        now=now,
        enrollment=enrollment,
        policy=work.policy,
        engagement=work.engagement,
    )


def task_of(work: Workspace, relationship: Relationship, record: TouchRecord, touch: Touch) -> Task:
    """Return the task that a ledger record stands for, with the brief and a draft."""
    try:
        draft = work.renderer.render(touch, relationship, now=record.at).body
    except RenderError:
        draft = None
    return Task(
        key=record.key,
        candidate_id=relationship.id,
        touch=record.touch,
        due_at=record.due_at,
        brief=brief(relationship, now=record.at),
        draft=draft,
    )


def open_tasks(work: Workspace, now: datetime) -> tuple[Task, ...]:
    """Return the tasks handed over by *now* that nobody has done, the longest due first."""
    found = []
    for batch in work.batches():
        people = {key: each for each in batch for key in each.candidate.ids}
        runs = {run.id: run for run in work.store.enrollments(list(people))}
        for record in work.store.touches(list(people)):
            if record.state is not TouchState.TASK or record.at > now:
                continue
            person = people[record.candidate_id]
            calendar = plan_for(work, person, runs[record.enrollment_id], now)
            if not calendar.is_done(record.touch, record.rotation):
                touch = calendar.cadence.touch(record.touch)
                found.append(task_of(work, person, record, touch))
    return tuple(sorted(found, key=lambda task: (task.due_at, task.candidate_id)))
