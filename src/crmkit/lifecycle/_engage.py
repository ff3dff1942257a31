"""Engage: plan, ask permission, send what is due, and hand people's work to people."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

import attrs

from crmkit._time import earliest, from_wall, to_wall
from crmkit.cadence import Enrollment, Plan, PlanStatus, TouchRecord, TouchState
from crmkit.engagement import unanswered
from crmkit.errors import InvalidRecord, NotFound
from crmkit.lifecycle._deliver import OPEN, Case, Claim, claim, close, deliver, message_for
from crmkit.lifecycle._live import log
from crmkit.lifecycle._outcomes import EngageRun, Outcome
from crmkit.lifecycle._person import is_completed
from crmkit.lifecycle._tasks import Task, plan_for, task_of
from crmkit.lifecycle._workspace import Progress, Workspace, by_candidate
from crmkit.model import FrozenMap, Interaction, Message, Relationship
from crmkit.permission import permission

T = TypeVar("T")

Ledger = dict[str, TouchRecord]


def engage(
    work: Workspace, now: datetime, *, limit: int | None = None, progress: Progress | None = None
) -> EngageRun:
    """Enrol who is not in a cadence, and do what is due, in one pass over the people."""
    if limit is not None and limit < 0:
        raise InvalidRecord("limit", f"expected at least 0, got {limit}")
    run = _Run(work, now, limit)
    for batch in work.batches(progress):
        run.engage(batch)
    return EngageRun(
        now=now,
        enrolled=tuple(run.enrolled),
        not_enrolled=FrozenMap(sorted(run.not_enrolled.items())),
        outcomes=tuple(run.outcomes.values()),
        tasks=tuple(run.tasks),
        held=run.held,
        next_due=run.next_due,
    )


class _Moved(Exception):  # noqa: N818 - no error: somebody was quicker
    """Something new is known of the person: what was planned on the old facts is not done."""

    def __init__(self, fresh: Relationship) -> None:
        self.fresh = fresh


@attrs.define
class _Run:
    """One pass: what it may still do, and what it has done."""

    work: Workspace
    now: datetime
    budget: int | None
    enrolled: list[Enrollment] = attrs.field(factory=list)
    not_enrolled: Counter[str] = attrs.field(factory=Counter)
    outcomes: dict[tuple[str, str, int], Outcome] = attrs.field(factory=dict)
    tasks: list[Task] = attrs.field(factory=list)
    held: int = 0
    next_due: datetime | None = None

    def engage(self, batch: Sequence[Relationship]) -> None:
        people = [each.candidate for each in batch]
        runs = by_candidate(self.work.about(people, self.work.store.enrollments))
        ledger = by_candidate(self.work.about(people, self.work.store.touches))
        grown = self._enroll([each for each in batch if _free(each, _of(each, runs))])
        runs |= by_candidate(self.enrolled[len(self.enrolled) - len(grown) :])
        for each in batch:
            mine = {record.key: record for record in _of(each, ledger)}
            self._advance(grown.get(each.id, each), _of(each, runs), mine)

    # --- who is in no cadence yet

    def _enroll(self, people: Sequence[Relationship]) -> dict[str, Relationship]:
        """Enrol whom the playbook has a cadence for; return them with the fact in their log."""
        store = self.work.store
        segments = by_candidate(
            self.work.about((each.candidate for each in people), store.memberships)
        )
        chosen = []
        for each in people:
            names = {membership.segment for membership in segments.get(each.id, ())}
            if enrollment := self._choose(each, names):
                chosen.append((each, enrollment))
        if not chosen:
            return {}
        with store.transaction():
            # Another process may have enrolled some of them since they were read.
            there = by_candidate(
                self.work.about((each.candidate for each, _ in chosen), store.enrollments)
            )
            new = [
                (each, run)
                for each, run in chosen
                if _free(each, held := _of(each, there)) and run.id not in {old.id for old in held}
            ]
            facts = {run.candidate_id: self._fact(run, "enrolled") for _, run in new}
            store.put_enrollments(run for _, run in new)
            log(self.work, facts.values(), self.now)
        self.enrolled += [run for _, run in new]
        return {each.id: _grown(each, facts[each.id]) for each, _ in new}

    def _choose(self, relationship: Relationship, segments: Collection[str]) -> Enrollment | None:
        chosen = self.work.playbook.choose(segments)
        if chosen is None:
            self.not_enrolled["playbook"] += 1
            return None
        segment, cadence = chosen
        allowed = permission(
            relationship,
            now=self.now,
            channel=cadence.touches[0].channel,
            policy=self.work.policy,
        )
        if not allowed:
            self.not_enrolled[str(allowed.rule)] += 1
            self._wake(allowed.next_allowed)
            return None
        return Enrollment(
            candidate_id=relationship.id,
            cadence=cadence.name,
            version=cadence.version,
            enrolled_at=self.now,
            segment=segment,
        )

    def _fact(self, enrollment: Enrollment, kind: str) -> Interaction:
        return Interaction(
            candidate_id=enrollment.candidate_id,
            kind=kind,
            at=self.now,
            enrollment_id=enrollment.id,
            properties={"cadence": enrollment.cadence, "version": enrollment.version},
        )

    # --- what is due

    def _advance(
        self, relationship: Relationship, runs: Sequence[Enrollment], ledger: Ledger
    ) -> None:
        """Do all that can be done for one person now, so that a second call finds nothing."""
        for cut_off in [each for each in ledger.values() if each.state is TouchState.SENDING]:
            if closed := close(self.work, cut_off):
                ledger[closed.key] = closed
                self._note(closed, closed.detail or closed.state.value)
        rests, until = self.work.rest.until(relationship, runs, self.now)
        if rests:
            self._wake(until)
            return
        again = True
        while again:
            try:
                again, relationship = self._step(relationship, runs, ledger)
            except _Moved as moved:
                relationship = moved.fresh
            except NotFound:
                return  # deleted, or merged into somebody else, while the pass was running

    def _step(
        self, relationship: Relationship, runs: Sequence[Enrollment], ledger: Ledger
    ) -> tuple[bool, Relationship]:
        found = self._calendar(relationship, runs)
        if found is None:
            return False, relationship
        calendar, cases = found
        if calendar.status is PlanStatus.ARCHIVED and calendar.stopped_at is None:
            fact = self._fact(calendar.enrollment, "archived")
            with self._unmoved(relationship):
                log(self.work, [fact], self.now)
            self._say(relationship.id, "-", "archived", calendar.because.text)
            return False, _grown(relationship, fact)
        if calendar.status is not PlanStatus.ACTIVE:
            return False, relationship
        cases = [case for case in cases if case.key not in ledger or ledger[case.key].state in OPEN]
        for case in cases:
            if case.touch.by_hand:
                self._hand_over(case, ledger)
        mail = [case for case in cases if not case.touch.by_hand]
        if mail and (quiet := _quiet_until(calendar, ledger, self.now)):
            self._wake(quiet)
            return False, relationship
        for place, case in enumerate(mail):
            stop, sent = self._send(case, ledger)
            if sent is not None:
                relationship = _grown(relationship, sent)
                silent = unanswered(relationship, now=self.now, policy=self.work.engagement)
                ends = silent >= calendar.cadence.pace.archive_after
                return ends or place + 1 < len(mail), relationship
            if stop:
                break
        return False, relationship

    def _calendar(
        self, relationship: Relationship, runs: Sequence[Enrollment]
    ) -> tuple[Plan, list[Case]] | None:
        """Return the plan that goes on, and what is due in it.

        Records that were merged may each bring a run: the oldest that has not ended goes on.
        """
        calendar: Plan | None = None
        for run in sorted(runs, key=lambda run: (run.enrolled_at, run.id)):
            try:
                calendar = plan_for(self.work, relationship, run, self.now)
            except NotFound as error:
                self._say(relationship.id, "-", "refused", f"cadence: {error}")
                continue
            if calendar.status is not PlanStatus.COMPLETED:
                break
        if calendar is None:
            return None
        self._wake(calendar.until)
        rule_archives = calendar.status is PlanStatus.ARCHIVED and calendar.stopped_at is None
        if len(runs) == 1 and not calendar.due and not rule_archives:
            self.work.rest.keep(relationship, runs, calendar)
        return calendar, [Case(relationship, calendar, planned) for planned in calendar.due]

    def _allowed(self, case: Case) -> bool:
        allowed = permission(
            case.relationship,
            now=self.now,
            channel=case.touch.channel,
            policy=self.work.policy,
        )
        if not allowed:
            why = str(allowed.because.parts[-1]).removeprefix("✗ ")
            self._refuse(case, f"{allowed.rule}: {why}")
            self._wake(allowed.next_allowed)
        return bool(allowed)

    def _hand_over(self, case: Case, ledger: Ledger) -> None:
        if not self._allowed(case):
            return
        record = case.record(TouchState.TASK)
        with self._unmoved(case.relationship):
            there = self.work.store.claim_touch(record)
        ledger[case.key] = there or record
        if there is None:
            task = task_of(self.work, case.relationship, record, case.calendar, self.now)
            self.tasks.append(task)

    def _send(self, case: Case, ledger: Ledger) -> tuple[bool, Interaction | None]:
        """Send one touch; return whether no other may follow, and the fact if it was sent."""
        message = self._message(case)
        if message is None:
            return False, None
        if self.budget == 0:
            self.held += 1
            return True, None
        with self._unmoved(case.relationship):
            claimed = claim(self.work, case)
        if claimed is Claim.TAKEN:
            return True, None  # another process has it in hand
        if self.budget is not None:
            self.budget -= 1
        result = deliver(self.work, case, message, claimed)
        ledger[case.key] = result.record
        self._note(result.record, result.why)
        return result.record.state is not TouchState.REJECTED, result.fact

    def _message(self, case: Case) -> Message | None:
        if not self._allowed(case):
            return None
        message = message_for(self.work, case)
        if isinstance(message, str):
            self._refuse(case, message)
            return None
        return message

    @contextmanager
    def _unmoved(self, relationship: Relationship) -> Iterator[None]:
        """Write in one transaction with a last look, so that nothing starts on old facts."""
        with self.work.store.transaction():
            fresh = self.work.relationship(relationship.id)
            if fresh.id != relationship.id:
                raise NotFound("candidate", relationship.id)
            if fresh != relationship:
                raise _Moved(fresh)
            yield

    def _refuse(self, case: Case, why: str) -> None:
        self._say(case.relationship.id, case.touch.key, "refused", why, case.planned.rotation)

    def _note(self, record: TouchRecord, why: str) -> None:
        self._say(record.candidate_id, record.touch, record.state.value, why, record.rotation)

    def _say(self, who: str, touch: str, state: str, why: str, rotation: int = 0) -> None:
        outcome = Outcome(candidate_id=who, touch=touch, state=state, why=why)
        self.outcomes[who, touch, rotation] = outcome

    def _wake(self, at: datetime | None) -> None:
        if at and at > self.now:
            self.next_due = earliest(self.next_due, at)


def _of(relationship: Relationship, found: dict[str, list[T]]) -> list[T]:
    return [item for key in relationship.candidate.ids for item in found.get(key, ())]


def _free(relationship: Relationship, runs: Sequence[Enrollment]) -> bool:
    """Say whether somebody is in no cadence: never was, or left the segment that it was for."""
    history = relationship.history
    return all(is_completed(history, run, by_leaving=True) for run in runs)


def _grown(relationship: Relationship, fact: Interaction) -> Relationship:
    return Relationship(relationship.candidate, relationship.history | [fact])


def _quiet_until(calendar: Plan, ledger: Ledger, now: datetime) -> datetime | None:
    """Return until when nothing may be written, if a message left (or may have) just before.

    The plan keeps its touches apart by the same gap, but of a message of which nobody knows
    whether it left it knows nothing, nor of an overdue touch that another one overtook.
    """
    touches = (planned for planned in calendar.touches if not planned.touch.by_hand)
    wrote = [planned.done_at for planned in touches if planned.done_at]
    wrote += [record.at for record in ledger.values() if record.state is TouchState.UNKNOWN]
    if not wrote:
        return None
    last = max(to_wall(at, calendar.zone) for at in wrote)
    gap = calendar.cadence.pace.least_gap
    return (
        from_wall(last + gap, calendar.zone) if to_wall(now, calendar.zone) - last < gap else None
    )
