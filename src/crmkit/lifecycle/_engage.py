"""Engage: plan, ask permission, send what is due, and hand people's work to people."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

import attrs

from crmkit._progress import Progress
from crmkit._time import MICROSECOND, from_wall, to_wall
from crmkit.cadence import Cadence, Enrollment, Plan, PlanStatus, TouchRecord, TouchState
from crmkit.cadence._ask import refusals
from crmkit.errors import InvalidRecord, NotFound
from crmkit.lifecycle._agenda import prepare
from crmkit.lifecycle._calendars import calendars
from crmkit.lifecycle._deliver import OPEN, Case, Claim, claim, close, deliver, message_for
from crmkit.lifecycle._live import log
from crmkit.lifecycle._outcomes import Outcome, RunReport
from crmkit.lifecycle._person import is_completed
from crmkit.lifecycle._tasks import Task, answer_of, answer_record, may_answer, task_of
from crmkit.lifecycle._visit import Visit, visits
from crmkit.lifecycle._workspace import Workspace, by_candidate
from crmkit.model import FrozenMap, Interaction, Message
from crmkit.permission import permission
from crmkit.protocols import BATCH, AgendaEntry, batched

RETRY = timedelta(days=1)
"""When a text that could not be made is tried again: whoever renders may know more by then."""


def engage(
    work: Workspace,
    now: datetime,
    *,
    limit: int | None = None,
    everyone: bool = False,
    progress: Progress | None = None,
) -> RunReport:
    """Enrol who is not in a cadence, and do what is due, for those whom the agenda names."""
    if limit is not None and limit < 0:
        raise InvalidRecord("limit", f"expected at least 0, got {limit}")
    prepare(work, everyone=everyone)
    run = _Run(work, now, limit)
    for entries in batched(work.store.agenda(now), BATCH // 4):
        run.engage(entries)
        if progress:
            progress(run.checked, None)
    return RunReport(
        now=now,
        enrolled=tuple(run.enrolled),
        not_enrolled=FrozenMap(sorted(run.not_enrolled.items())),
        outcomes=tuple(run.outcomes.values()),
        tasks=tuple(run.tasks),
        held=run.held,
        checked=run.checked,
        next_due=work.store.next_look(now),
    )


class _Moved(Exception):  # noqa: N818 - no error: somebody was quicker
    """Something new is known of the person: what was planned on the old facts is not done."""


@attrs.define
class _Run:
    """One pass: what it may still do, and what it has done."""

    work: Workspace
    now: datetime
    budget: int | None
    enrolled: list[Enrollment] = attrs.field(factory=list)
    not_enrolled: Counter[str] = attrs.field(factory=Counter)
    outcomes: dict[tuple[str, str], Outcome] = attrs.field(factory=dict)
    tasks: list[Task] = attrs.field(factory=list)
    held: int = 0
    checked: int = 0

    def engage(self, entries: Sequence[AgendaEntry]) -> None:
        here = visits(self.work, entries)
        self._enroll((each, self._chosen(each, self._most)) for each in here if not each.runs)
        done = {entry.candidate_id: attrs.evolve(entry, at=None) for entry in entries}
        for visit in here:
            self._look_at(visit)
            done[visit.id] = attrs.evolve(visit.entry, at=visit.until)
            if visit.stays:
                del done[visit.id]
        self.checked += len(entries)
        with self.work.store.transaction():
            # A process with other definitions may have begun: it has to look for itself.
            if self.work.store.agenda_basis() == self.work.basis:
                self.work.store.put_off(done.values())

    @property
    def _most(self) -> int:
        return self.work.playbook.most

    def _look_at(self, visit: Visit) -> None:
        """Do all that can be done for one person now, so that a second call finds nothing."""
        try:
            self._close(visit)
            again = True
            while again:
                try:
                    again = self._go_through(visit)
                except _Moved:
                    visit.stale = True
        except NotFound:  # deleted, or merged into somebody else, while the pass was running
            visit.begin()
        self.held += visit.held
        if visit.outside and not visit.runs:
            self.not_enrolled[visit.outside] += 1

    def _close(self, visit: Visit) -> None:
        for cut_off in [each for each in visit.ledger.values() if each.state is TouchState.SENDING]:
            if closed := close(self.work, cut_off):
                visit.ledger[closed.key] = closed
                self._note(closed, closed.detail or closed.state.value)

    def _go_through(self, visit: Visit) -> bool:
        """Do the first thing after which all has to be planned anew, or say that there is none."""
        visit.begin()
        if visit.stale:
            visit.refresh(self.work)
        found = calendars(self.work, visit.relationship, visit.runs, self.now)
        for run, error in found.lost:
            self._say(run.candidate_id, run.id, "-", "refused", f"cadence: {error}")
        coming = visit.relationship.history.after(self.now)[:1]
        visit.wait(self.now, *(fact.at for fact in coming), *(each.until for each in found.live))
        for calendar in (*found.live, *found.ended):
            self._expire(visit, calendar)
        runs = [each.enrollment for each in found.live] + [run for run, _ in found.lost]
        occasion = self.work.playbook.is_occasion
        room = self._most - sum(not occasion(run.cadence) for run in runs)
        if room > 0 and self._enroll([(visit, self._chosen(visit, room))]):
            return True
        return any(self._go_on(visit, calendar) for calendar in found.live)

    # --- who may begin a cadence

    def _chosen(self, visit: Visit, room: int) -> list[Enrollment]:
        """Return what the playbook has for them, and they have not been through."""
        chosen = self.work.playbook.choose(visit.segments)
        visit.outside = None if chosen else "playbook"
        history = visit.relationship.history.upto(self.now)
        found: list[Enrollment] = []
        for segment, cadence in chosen:
            before = [run for run in visit.runs if run.cadence == cadence.name]
            # Who left the segment that it was for, and is back, begins anew.
            if not all(is_completed(history, run, by_leaving=True) for run in before):
                continue
            if rule := self._refusal(visit, cadence):
                visit.outside = visit.outside or rule
                continue
            run = Enrollment(
                candidate_id=visit.id,
                cadence=cadence.name,
                version=cadence.version,
                enrolled_at=self.now,
                segment=segment,
            )
            if run.id in {each.id for each in before}:
                visit.wait(self.now, self.now + MICROSECOND)  # left and back at one instant
            else:
                found.append(run)
        return found[:room]

    def _refusal(self, visit: Visit, cadence: Cadence) -> str | None:
        """Return the rule by which the first touch may not go, on whichever of its channels."""
        found = refusals(cadence, visit.relationship, now=self.now, policy=self.work.policy)
        visit.wait(self.now, *(answer.next_allowed for answer in found))
        return str(found[0].rule) if found else None

    def _enroll(self, chosen: Iterable[tuple[Visit, list[Enrollment]]]) -> bool:
        """Enrol people in what was chosen for them; return whether anything is new by it."""
        wanted = [(visit, runs) for visit, runs in chosen if runs]
        if not wanted:
            return False
        store, new, facts = self.work.store, [], []
        with store.transaction():
            # Another process may have enrolled some of them since they were read.
            people = (visit.relationship.candidate for visit, _ in wanted)
            there = {run.id: run for run in self.work.about(people, store.enrollments)}
            held = by_candidate(there.values())
            for visit, runs in wanted:
                ids = visit.relationship.candidate.ids
                now = {run.id for key in ids for run in held.get(key, ())}
                visit.stale = now != {run.id for run in visit.runs}
                if not visit.stale:
                    new.append((visit, runs))
                    facts += [run.fact("enrolled", self.now) for run in runs]
            store.put_enrollments(run for _, runs in new for run in runs)
            door = log(self.work, facts, self.now, waking=False)
        of = by_candidate(facts)
        moved = {move.candidate_id for move in door.moves}
        for visit, runs in new:
            self.enrolled += runs
            visit.runs += runs
            visit.grow(of[visit.id])
            visit.stale = visit.id in moved
        return True

    # --- what is due

    def _go_on(self, visit: Visit, calendar: Plan) -> bool:
        """Do what one plan asks for; return whether all has to be planned anew after it."""
        if calendar.status is PlanStatus.ARCHIVED and calendar.stopped_at is None:
            return self._tell(visit, calendar, "archived", calendar.because.text)
        if calendar.status is PlanStatus.WAITING:
            self._ask_for_an_answer(visit, calendar)
        if calendar.status is not PlanStatus.ACTIVE:
            return False
        if archived := _archived_before(visit, calendar):
            why = f"archived on {archived.at:%Y-%m-%d}, and they have engaged since"
            if self._tell(visit, calendar, "reactivated", why):
                return True
        cases = list(self._cases(visit, calendar))
        for case in cases:
            if case.planned.by_hand:
                self._hand_over(visit, case)
        return self._send_due(visit, calendar, [each for each in cases if not each.planned.by_hand])

    def _cases(self, visit: Visit, calendar: Plan) -> Iterator[Case]:
        for planned in calendar.due:
            record = visit.recorded(calendar, planned)
            if record is None or record.state in OPEN:
                name = record.touch if record else planned.touch.key
                yield Case(visit.relationship, calendar, planned, name)

    def _expire(self, visit: Visit, calendar: Plan) -> None:
        """Put into the ledger what is too late to go, or to be done by a person."""
        for planned in calendar.touches:
            record = visit.recorded(calendar, planned) if planned.expired else None
            if not planned.expired or (record and record.state not in _MAY_EXPIRE):
                continue
            name = record.touch if record else planned.touch.key
            case = Case(visit.relationship, calendar, planned, name)
            why = f"its deadline passed on {planned.expires_at:%Y-%m-%d}"
            expired = case.record(TouchState.EXPIRED, why)
            if record and record.state is TouchState.SENDING:
                why = "a call was cut off; it may have left, and now it is too late to ask again"
                expired = case.record(TouchState.UNKNOWN, why)
            there = None
            with self._unmoved(visit):
                if record is None or record.state is TouchState.FAILED:
                    there = self.work.store.claim_touch(expired)
                else:
                    self.work.store.settle_touch(expired)
            visit.ledger[expired.key] = there or expired
            if there is None:
                self._note(expired, why)

    def _tell(self, visit: Visit, calendar: Plan, kind: str, why: str) -> bool:
        """Log what became of a run, unless it is known; return whether it was not."""
        fact = calendar.enrollment.fact(kind, self.now)
        if any(fact.id == known.id for known in visit.relationship.history.of(kind)):
            visit.wait(self.now, self.now + MICROSECOND)
            return False
        with self._unmoved(visit):
            door = log(self.work, [fact], self.now, waking=False)
        visit.grow([fact])
        visit.stale = bool(door.moves)
        self._say(visit.id, f"{calendar.enrollment.id}.{kind}", "-", kind, why)
        return True

    def _allowed(self, visit: Visit, case: Case) -> bool:
        allowed = permission(
            visit.relationship,
            now=self.now,
            channel=case.planned.channel,
            policy=self.work.policy,
        )
        if not allowed:
            why = str(allowed.because.parts[-1]).removeprefix("✗ ")
            self._refuse(visit, case, f"{allowed.rule}: {why}")
            visit.wait(self.now, allowed.next_allowed)
        return bool(allowed)

    def _hand_over(self, visit: Visit, case: Case) -> None:
        if not self._allowed(visit, case):
            return
        record = case.record(TouchState.TASK)
        if self._claim_task(visit, record):
            task = task_of(self.work, visit.relationship, record, case.planned, self.now)
            self.tasks.append(task)

    def _ask_for_an_answer(self, visit: Visit, calendar: Plan) -> None:
        """Hand their reply over to a person, once, whichever runs it stops."""
        record = answer_record(calendar)
        if any(record.touch == known.touch for known in visit.ledger.values()):
            return
        if not may_answer(self.work, visit.relationship, self.now):
            return
        if self._claim_task(visit, record):
            self.tasks.append(answer_of(visit.relationship, record, calendar))

    def _claim_task(self, visit: Visit, record: TouchRecord) -> bool:
        with self._unmoved(visit):
            there = self.work.store.claim_touch(record)
        visit.ledger[record.key] = there or record
        return there is None

    def _send_due(self, visit: Visit, calendar: Plan, cases: Sequence[Case]) -> bool:
        """Send what is due in one plan, up to the first that left; return whether one may have."""
        if visit.stays or not cases:
            return False
        if quiet := _quiet_until(calendar, visit, self.now):
            visit.wait(self.now, quiet)
            return False
        for case in cases:
            message = self._message(visit, case)
            if message is None:
                continue
            state = self._send(visit, case, message)
            if state in {TouchState.SENT, TouchState.UNKNOWN}:
                return True
            if state is not TouchState.REJECTED:
                visit.stays = True
                return False
        return False

    def _send(self, visit: Visit, case: Case, message: Message) -> TouchState | None:
        """Send one touch; return what became of it, None if no call was made."""
        if self.budget == 0:
            visit.held = True
            return None
        with self._unmoved(visit):
            claimed = claim(self.work, case)
        if claimed is Claim.TAKEN:
            return None  # another process has it in hand
        if self.budget is not None:
            self.budget -= 1
        result = deliver(self.work, case, message, claimed)
        visit.ledger[case.key] = result.record
        visit.grow(result.facts)
        visit.stale = result.moved
        self._note(result.record, result.why)
        return result.record.state

    def _message(self, visit: Visit, case: Case) -> Message | None:
        if not self._allowed(visit, case):
            return None
        message = message_for(self.work, case)
        if isinstance(message, str):
            self._refuse(visit, case, message)
            visit.wait(self.now, self.now + RETRY)
            return None
        return message

    @contextmanager
    def _unmoved(self, visit: Visit) -> Iterator[None]:
        """Write in one transaction with a last look, so that nothing starts on old facts."""
        with self.work.store.transaction():
            fresh = self.work.relationship(visit.id)
            if fresh.id != visit.id:
                raise NotFound("candidate", visit.id)
            if fresh != visit.relationship:
                raise _Moved
            yield

    def _refuse(self, visit: Visit, case: Case, why: str) -> None:
        self._say(visit.id, case.key, case.touch.key, "refused", why)

    def _note(self, record: TouchRecord, why: str) -> None:
        self._say(record.candidate_id, record.key, record.touch, record.state.value, why)

    def _say(self, who: str, key: str, touch: str, state: str, why: str) -> None:
        outcome = Outcome(candidate_id=who, touch=touch, state=state, why=why)
        self.outcomes[who, key] = outcome


_MAY_EXPIRE = frozenset({TouchState.FAILED, TouchState.TASK, TouchState.SENDING})


def _archived_before(visit: Visit, calendar: Plan) -> Interaction | None:
    """Return the fact that archived the run, if none has set it going again since."""
    newest: Interaction | None = None
    run, history = calendar.enrollment, visit.relationship.history.upto(calendar.now)
    for fact in history.of("archived", "reactivated", "resumed"):
        if fact.enrollment_id not in {None, run.id} or fact.at < run.enrolled_at:
            continue
        if isinstance(fact.properties.get("segment"), str):
            continue  # they came back into a segment, which revives nobody
        if newest is None or fact.at > newest.at or newest.kind == "archived":
            newest = fact
    return newest if newest and newest.kind == "archived" else None


def _quiet_until(calendar: Plan, visit: Visit, now: datetime) -> datetime | None:
    """Return until when nothing may be written, if a message left (or may have) just before.

    The plan keeps its touches apart by the same gap, but it knows nothing of a message of which
    nobody knows whether it left, nor of another run through the same cadence, which a merged
    record brought.
    """
    others = {run.id for run in visit.runs if run.cadence == calendar.cadence.name}
    others.discard(calendar.enrollment.id)
    past = visit.relationship.history.upto(now)
    wrote = [fact.at for fact in past.of("sent") if fact.enrollment_id in others]
    wrote += [each.at for each in visit.ledger.values() if each.state is TouchState.UNKNOWN]
    if not wrote:
        return None
    last = max(to_wall(at, calendar.zone) for at in wrote)
    quiet = from_wall(last + calendar.cadence.pace.least_gap, calendar.zone)
    return quiet if now < quiet else None
