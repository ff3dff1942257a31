"""What people have to do: the touches by hand, and replies to answer; with what to remember."""

from collections.abc import Iterator
from datetime import datetime

import attrs

from crmkit.cadence import Plan, PlannedTouch, PlanStatus, TouchRecord, TouchState
from crmkit.errors import NotFound, RenderError, UnknownName
from crmkit.lifecycle._calendars import calendars
from crmkit.lifecycle._deliver import draft
from crmkit.lifecycle._live import log
from crmkit.lifecycle._workspace import Workspace, by_candidate
from crmkit.model import Brief, Channel, Interaction, Relationship, brief
from crmkit.permission import ContactRule, permission

DONE_KINDS = ("called", "met", "messaged")
"""The kinds of fact that show a task as done."""

ANSWER = "answer"
"""What stands for the touch in a task that asks for an answer to a reply."""


@attrs.frozen(kw_only=True)
class Task:
    """Something for a person to do: a touch by hand, or a reply to answer.

    A touch is done when a ``called``, ``met`` or ``messaged`` fact names its enrolment, touch and
    rotation; a reply (``touch`` is "answer") is answered by any such fact about the person. The
    draft is a suggestion, never sent.
    """

    key: str
    candidate_id: str
    enrollment_id: str
    touch: str
    rotation: int
    due_at: datetime
    brief: Brief
    why: str = ""
    """What it is for."""
    draft: str | None = attrs.field(default=None, repr=False)

    def __str__(self) -> str:
        return f"{self.touch} for {self.candidate_id}, due {self.due_at:%Y-%m-%d}"


def task_of(
    work: Workspace,
    relationship: Relationship,
    record: TouchRecord,
    planned: PlannedTouch,
    now: datetime,
) -> Task:
    """Return the task that a ledger record stands for, with the brief and a draft."""
    try:
        text = draft(work, relationship, planned, now).body
    except RenderError:
        text = None
    return Task(
        key=record.key,
        candidate_id=relationship.id,
        enrollment_id=record.enrollment_id,
        touch=planned.touch.key,
        rotation=record.rotation,
        due_at=record.due_at,
        brief=brief(relationship, now=now),
        why=planned.touch.purpose,
        draft=text,
    )


def answer_record(calendar: Plan) -> TouchRecord:
    """Return the ledger record that hands over the reply on which a plan waits."""
    assert calendar.stopped_at is not None  # noqa: S101 - a reply stopped it
    return TouchRecord(
        enrollment_id=calendar.enrollment.id,
        rotation=0,
        touch=f"{ANSWER} {calendar.stopped_at.isoformat(timespec='microseconds')}",
        candidate_id=calendar.enrollment.candidate_id,
        state=TouchState.TASK,
        due_at=calendar.stopped_at,
        at=calendar.now,
    )


def answer_of(relationship: Relationship, record: TouchRecord, calendar: Plan) -> Task:
    """Return the task to answer a reply."""
    return Task(
        key=record.key,
        candidate_id=relationship.id,
        enrollment_id=record.enrollment_id,
        touch=ANSWER,
        rotation=record.rotation,
        due_at=record.due_at,
        brief=brief(relationship, now=calendar.now),
        why=f"they replied on {record.due_at:%Y-%m-%d}",
    )


def may_answer(work: Workspace, relationship: Relationship, now: datetime) -> bool:
    """Say whether a reply may be answered: unless they are not to be contacted at all."""
    rule = permission(relationship, now=now, policy=work.policy).rule
    return rule not in {ContactRule.ERASED, ContactRule.DO_NOT_CONTACT}


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
        concerned: dict[str, list[TouchRecord]] = {}
        for record in records:
            concerned.setdefault(people[record.candidate_id].id, []).append(record)
        candidates = [people[key].candidate for key in concerned]
        runs = by_candidate(work.about(candidates, work.store.enrollments))
        for key, theirs in concerned.items():
            mine = [run for each in people[key].candidate.ids for run in runs.get(each, ())]
            plans = calendars(work, people[key], mine, now).live
            found += _open(work, people[key], theirs, plans, now)
    return tuple(sorted(found, key=lambda task: (task.due_at, task.candidate_id, task.key)))


def _open(
    work: Workspace,
    relationship: Relationship,
    records: list[TouchRecord],
    plans: tuple[Plan, ...],
    now: datetime,
) -> Iterator[Task]:
    """Yield those of one person's tasks that one of their plans still asks for."""
    by_run = {calendar.enrollment.id: calendar for calendar in plans}
    for record in records:
        calendar = by_run.get(record.enrollment_id)
        if calendar is None:
            continue  # it has ended, or its cadence was taken out of the playbook
        if record.touch.startswith(f"{ANSWER} "):
            waits = calendar.status is PlanStatus.WAITING
            same = waits and answer_record(calendar).key == record.key
            if same and may_answer(work, relationship, now):
                yield answer_of(relationship, record, calendar)
            continue
        planned = _planned(calendar, record)
        if planned is None or planned.done or planned.expired:
            continue
        if permission(relationship, now=now, channel=planned.channel, policy=work.policy):
            yield task_of(work, relationship, record, planned, now)


def _planned(calendar: Plan, record: TouchRecord) -> PlannedTouch | None:
    """Return the touch that a record is about, if the plan (still) has it."""
    for planned in calendar.touches:
        names = (planned.touch.key, *planned.touch.was)
        if planned.rotation == record.rotation and record.touch in names:
            return planned
    return None


def complete(
    work: Workspace,
    key: str,
    now: datetime,
    *,
    kind: str,
    channel: Channel | None,
    outcome: str | None,
    said: str | None,
    by: str | None,
) -> Interaction:
    """Log that a person has done a task, and close it; all of it, or nothing."""
    if kind not in DONE_KINDS:
        raise UnknownName.among("kind", kind, DONE_KINDS, what="what a person does about a task")
    record = work.store.find_touches([key]).get(key)
    if record is None or record.state not in {TouchState.TASK, TouchState.DONE}:
        raise NotFound("task", key)
    told = {"said": said, "by": by}
    answer = record.touch.startswith(f"{ANSWER} ")
    fact = Interaction(
        candidate_id=record.candidate_id,
        kind=kind,
        at=now,
        channel=channel,
        outcome=outcome,
        enrollment_id=record.enrollment_id,
        touch=None if answer else record.touch,
        rotation=None if answer else record.rotation,
        properties={name: value for name, value in told.items() if value is not None},
    )
    with work.store.transaction():
        work.store.hold([record.candidate_id])
        done = attrs.evolve(record, state=TouchState.DONE, at=now, detail=f"{kind} by a person")
        if work.store.settle_touch(done):
            log(work, [fact], now)
    return fact
