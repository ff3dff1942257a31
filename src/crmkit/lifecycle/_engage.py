"""Engage: plan, ask permission, send what is due, and hand people's work to people."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from email.utils import format_datetime
from typing import TypeVar

import attrs

from crmkit.cadence import (
    Enrollment,
    PlannedTouch,
    PlanStatus,
    Touch,
    TouchRecord,
    TouchState,
)
from crmkit.errors import RenderError, SenderError
from crmkit.lifecycle._tasks import Task, plan_for, task_of
from crmkit.lifecycle._workspace import Progress, Workspace
from crmkit.model import Delivery, Interaction, Message, Relationship
from crmkit.permission import Permission, permission, usable_address

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Outcome:
    """What became of one due touch: ``state`` in a word, ``why`` in a sentence."""

    candidate_id: str
    touch: str
    state: str
    why: str


@attrs.frozen(kw_only=True, repr=False)
class EngageRun:
    """Who was enrolled, what was sent, what was refused and why, what people have to do."""

    now: datetime
    enrolled: tuple[Enrollment, ...]
    outcomes: tuple[Outcome, ...]
    tasks: tuple[Task, ...]
    next_due: datetime | None
    """The first instant at which another touch falls due."""

    def of(self, state: str) -> tuple[Outcome, ...]:
        """Return the outcomes in one state: ``sent``, ``refused``, ``failed``, ``unknown``…"""
        return tuple(outcome for outcome in self.outcomes if outcome.state == state)

    @property
    def sent(self) -> tuple[Outcome, ...]:
        """The touches that were sent."""
        return self.of("sent")

    @property
    def refused(self) -> tuple[Outcome, ...]:
        """The touches that permission, or a missing value, kept back."""
        return self.of("refused")

    def __repr__(self) -> str:
        return (
            f"<EngageRun: {len(self.enrolled)} enrolled, {len(self.sent)} sent, "
            f"{len(self.refused)} refused, {len(self.tasks)} tasks>"
        )

    def __str__(self) -> str:
        other = [each for each in self.outcomes if each.state != "sent"]
        lines = [f"  {each.candidate_id} {each.touch}: {each.state}, {each.why}" for each in other]
        return "\n".join([f"{self!r} at {self.now:%Y-%m-%d}", *lines])


def engage(
    work: Workspace, now: datetime, *, limit: int | None = None, progress: Progress | None = None
) -> EngageRun:
    """Enrol who is not in a cadence, and do what is due, in one pass over the people."""
    run = _Run(work, now, limit)
    for batch in work.batches(progress):
        run.engage(batch)
    return EngageRun(
        now=now,
        enrolled=tuple(run.enrolled),
        outcomes=tuple(run.outcomes),
        tasks=tuple(run.tasks),
        next_due=min(run.dues, default=None),
    )


@attrs.frozen
class _Case:
    """One due touch of one person."""

    relationship: Relationship
    enrollment: Enrollment
    planned: PlannedTouch

    def record(self, state: TouchState, now: datetime) -> TouchRecord:
        return TouchRecord(
            enrollment_id=self.enrollment.id,
            rotation=self.planned.rotation,
            touch=self.planned.touch.key,
            candidate_id=self.enrollment.candidate_id,
            state=state,
            due_at=self.planned.due_at,
            at=now,
        )


@attrs.define
class _Run:
    """One pass: what it may still do, and what it has done."""

    work: Workspace
    now: datetime
    budget: int | None
    enrolled: list[Enrollment] = attrs.field(factory=list)
    outcomes: list[Outcome] = attrs.field(factory=list)
    tasks: list[Task] = attrs.field(factory=list)
    dues: list[datetime] = attrs.field(factory=list)

    def engage(self, batch: Sequence[Relationship]) -> None:
        ids = [key for each in batch for key in each.candidate.ids]
        store = self.work.store
        segments = _by_person((each.candidate_id, each.segment) for each in store.memberships(ids))
        runs = _by_person((each.candidate_id, each) for each in store.enrollments(ids))
        ledger = {record.key: record for record in store.touches(ids)}
        new = [
            enrollment
            for each in batch
            if not any(key in runs for key in each.candidate.ids)
            if (enrollment := self._enroll(each, segments.get(each.id, [])))
        ]
        if new:
            with store.transaction():
                store.put_enrollments(new)
                store.append_interactions(self._fact(each, "enrolled") for each in new)
            self.enrolled += new
            runs |= {each.candidate_id: [each] for each in new}
        for relationship in batch:
            mine = [run for key in relationship.candidate.ids for run in runs.get(key, [])]
            if mine:
                # Two records that were merged may each bring a run; the older one goes on.
                first = min(mine, key=lambda run: (run.enrolled_at, run.id))
                self._advance(relationship, first, ledger)

    def _enroll(self, relationship: Relationship, segments: Collection[str]) -> Enrollment | None:
        chosen = self.work.playbook.choose(segments)
        if chosen is None:
            return None
        segment, cadence = chosen
        if not self._allowed(relationship, cadence.touches[0]):
            return None
        return Enrollment(
            candidate_id=relationship.id,
            cadence=cadence.name,
            version=cadence.version,
            enrolled_at=self.now,
            segment=segment,
        )

    def _allowed(self, relationship: Relationship, touch: Touch) -> Permission:
        return permission(
            relationship, now=self.now, channel=touch.channel, policy=self.work.policy
        )

    def _fact(self, enrollment: Enrollment, kind: str) -> Interaction:
        return Interaction(
            candidate_id=enrollment.candidate_id,
            kind=kind,
            at=self.now,
            enrollment_id=enrollment.id,
            properties={"cadence": enrollment.cadence, "version": enrollment.version},
        )

    def _advance(
        self, relationship: Relationship, enrollment: Enrollment, ledger: dict[str, TouchRecord]
    ) -> None:
        calendar = plan_for(self.work, relationship, enrollment, self.now)
        if calendar.until:
            self.dues.append(calendar.until)
        if calendar.status is PlanStatus.ARCHIVED and calendar.stopped_at is None:
            self.work.store.append_interactions([self._fact(enrollment, "archived")])
            self._note(relationship.id, "-", "archived", calendar.because.text)
        if calendar.status is not PlanStatus.ACTIVE:
            return
        for planned in calendar.due:
            case = _Case(relationship, enrollment, planned)
            there = ledger.get(case.record(TouchState.SENDING, self.now).key)
            if there and there.state not in _OPEN:
                continue
            if self.budget == 0 or self._act(case):
                return  # the next touch keeps its distance to this one

    def _act(self, case: _Case) -> bool:
        """Do one due touch; return whether a message may have left."""
        relationship, touch = case.relationship, case.planned.touch
        allowed = self._allowed(relationship, touch)
        if not allowed:
            why = str(allowed.because.parts[-1]).removeprefix("✗ ")
            self._note(relationship.id, touch.key, "refused", f"{allowed.rule}: {why}")
            return False
        if touch.by_hand:
            record = case.record(TouchState.TASK, self.now)
            if self.work.store.claim_touch(record) is None:
                self.tasks.append(task_of(self.work, relationship, record, touch))
            return False
        message = self._message(case)
        if message is None or not self._claim(case):
            return False
        self._send(case, message)
        return True

    def _message(self, case: _Case) -> Message | None:
        relationship, touch = case.relationship, case.planned.touch
        address = usable_address(relationship, now=self.now, channel=touch.channel)
        if address is None:
            why = f"no address for {touch.channel.value}"
            self._note(relationship.id, touch.key, "refused", why)
            return None
        try:
            text = self.work.renderer.render(touch, relationship, now=self.now)
        except RenderError as error:
            self._note(relationship.id, touch.key, "refused", str(error))
            return None
        return Message(
            key=case.record(TouchState.SENDING, self.now).key,
            candidate_id=relationship.id,
            to=address,
            subject=text.subject,
            body=text.body,
            channel=touch.channel,
            thread=case.enrollment.id,
            headers={"Date": format_datetime(self.now)} if touch.channel == "email" else {},
        )

    def _claim(self, case: _Case) -> bool:
        """Commit that a provider call may start; False when somebody else's call may have."""
        record = case.record(TouchState.SENDING, self.now)
        there = self.work.store.claim_touch(record)
        if there is None:
            return True
        if there.state is TouchState.FAILED:
            self.work.store.settle_touch(record)
            return True
        if there.state is TouchState.SENDING:
            if getattr(self.work.sender, "deduplicates", False):
                return True
            detail = "a call was cut off; it may have left, so it is not sent again"
            settled = attrs.evolve(there, state=TouchState.UNKNOWN, detail=detail)
            self.work.store.settle_touch(settled)
            self._note(case.relationship.id, case.planned.touch.key, "unknown", detail)
        return False

    def _send(self, case: _Case, message: Message) -> None:
        if self.work.sender is None:
            raise SenderError("nothing can be sent without a sender: CRM(store, sender)")
        try:
            receipt = self.work.sender.send(message)
        except SenderError as error:
            # The sender says that it cannot take messages at all: nothing left.
            failed = case.record(TouchState.FAILED, self.now)
            self.work.store.settle_touch(attrs.evolve(failed, detail=str(error)))
            raise
        state = _STATES[receipt.delivery]
        record = attrs.evolve(
            case.record(state, self.now),
            provider_id=receipt.provider_id,
            detail=receipt.detail,
        )
        with self.work.store.transaction():
            self.work.store.settle_touch(record)
            if state is TouchState.SENT:
                self.work.store.append_interactions([_sent(record, message)])
        if self.budget is not None:
            self.budget -= 1
        why = receipt.detail or receipt.provider_id or receipt.delivery.value
        self._note(message.candidate_id, record.touch, state.value, why)

    def _note(self, who: str, touch: str, state: str, why: str) -> None:
        self.outcomes.append(Outcome(candidate_id=who, touch=touch, state=state, why=why))


_OPEN = frozenset({TouchState.SENDING, TouchState.FAILED})
"""States in which something may still be done about a touch."""

_STATES = {
    Delivery.ACCEPTED: TouchState.SENT,
    Delivery.REJECTED: TouchState.REJECTED,
    Delivery.LATER: TouchState.FAILED,
    Delivery.UNKNOWN: TouchState.UNKNOWN,
}


def _by_person(pairs: Iterable[tuple[str, T]]) -> dict[str, list[T]]:
    found: dict[str, list[T]] = {}
    for person, item in pairs:
        found.setdefault(person, []).append(item)
    return found


def _sent(record: TouchRecord, message: Message) -> Interaction:
    return Interaction(
        candidate_id=record.candidate_id,
        kind="sent",
        at=record.at,
        channel=message.channel,
        enrollment_id=record.enrollment_id,
        touch=record.touch,
        rotation=record.rotation,
    )
