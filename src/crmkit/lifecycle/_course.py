"""One person's way through a pass of engage: all that can be done for them now."""

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

import attrs

from crmkit._time import MICROSECOND, from_wall, to_wall
from crmkit.cadence import (
    Cadence,
    Enrollment,
    Plan,
    PlannedTouch,
    PlanStatus,
    TouchRecord,
    TouchState,
)
from crmkit.cadence._ask import refusals
from crmkit.cadence._cadence import AUTOMATIC
from crmkit.errors import NotFound
from crmkit.lifecycle._calendars import calendars
from crmkit.lifecycle._deliver import OPEN, Call, Case, Refusal, call_for
from crmkit.lifecycle._live import move_by
from crmkit.lifecycle._outcomes import Outcome
from crmkit.lifecycle._person import is_completed
from crmkit.lifecycle._recover import Found, closed, recover
from crmkit.lifecycle._tasks import Task, answer_of, answer_record, may_answer, task_of
from crmkit.lifecycle._visit import Lost, Moved, Unasked, Visit
from crmkit.lifecycle._workspace import Workspace, by_candidate
from crmkit.model import Interaction, Relationship
from crmkit.permission import permission

RENDER_AGAIN = timedelta(days=1)
"""When a text that could not be made is tried again: whoever renders may know more by then."""

Answer = TouchState | Moved | Lost | None
"""What became of a call: a state, that it was not made on old facts, or that nobody made it."""
Course = Generator[Call, Answer, None]


@attrs.define
class Pass:
    """What one pass has found and done so far."""

    work: Workspace
    now: datetime
    enrolled: list[Enrollment] = attrs.field(factory=list)
    not_enrolled: Counter[str] = attrs.field(factory=Counter)
    outcomes: dict[tuple[str, str], Outcome] = attrs.field(factory=dict)
    tasks: list[Task] = attrs.field(factory=list)
    held: int = 0

    def course(self, visit: Visit) -> Course:
        """Do all that can be done for one person now, so that a second call finds nothing.

        Yields the calls of the sender that it asks for, and is told what became of each.
        """
        try:
            again, moved = True, 0
            while again:
                try:
                    again = yield from self._go_through(visit)
                    if not (again or visit.stays):
                        self._leave_in_doubt(visit)
                except Unasked:
                    self.move([visit])
                    again = True
                except Moved:
                    visit.stale, moved = True, moved + 1
                    again = moved < _PATIENCE
                    if not again:  # somebody writes all the time: next time, then
                        visit.begin()
                        visit.stays = True
        except (NotFound, Lost) as news:  # deleted, or merged into somebody else, or taken over
            visit.begin()
            visit.stays = isinstance(news, Lost)

    def move(self, here: Sequence[Visit]) -> list[Visit]:
        """Move people by what was logged of them; return of whom all has to be read again."""
        concerned = [visit for visit in here if visit.unasked]
        if not concerned:
            return []
        with self.work.store.transaction():
            moved = move_by(self.work, WRITTEN, self.now, known=lambda: self._sure(concerned))
        for visit in concerned:
            visit.unasked = False
            visit.stale = visit.stale or visit.id in moved
        return [visit for visit in concerned if visit.id in moved]

    def _sure(self, here: Iterable[Visit]) -> Iterator[Relationship]:
        """Yield what is known of people, read again where it is not what it was."""
        for visit in sorted(here, key=lambda visit: visit.id):
            try:
                visit.make_sure(self.work)
                yield visit.relationship
            except Lost:
                continue  # who has them now asks
            except Moved:
                with suppress(NotFound):  # deleted, or merged away: they move no more
                    yield self.work.relationship(visit.id)

    def _go_through(self, visit: Visit) -> Generator[Call, Answer, bool]:
        """Do the first thing after which all has to be planned anew, or say that there is none."""
        visit.begin()
        if visit.stale:
            visit.refresh(self.work)
        self._recover(visit)
        found = calendars(self.work, visit.relationship, visit.runs, self.now)
        for run, error in found.lost:
            self._say(run.candidate_id, run.id, "-", "refused", f"cadence: {error}", rule="cadence")
        for calendar in (*found.live, *found.ended):
            self._expire(visit, calendar)
        runs = [each.enrollment for each in found.live] + [run for run, _ in found.lost]
        occasion = self.work.playbook.is_occasion
        room = self.most - sum(not occasion(run.cadence) for run in runs)
        chosen = self.chosen(visit, room) if room > 0 else []
        if chosen:
            self._may_act(visit)
            self.enroll([(visit, chosen)])
            return True
        for calendar in found.live:
            if (yield from self._go_on(visit, calendar)):
                return True
        coming = visit.relationship.history.after(self.now)[:1]
        visit.wait(self.now, *(fact.at for fact in coming), *(each.until for each in found.live))
        return False

    @property
    def most(self) -> int:
        """How many cadences of the playbook one person may be in."""
        return self.work.playbook.most

    # --- who may begin a cadence

    def chosen(self, visit: Visit, room: int) -> list[Enrollment]:
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

    def enroll(self, chosen: Iterable[tuple[Visit, list[Enrollment]]]) -> None:
        """Enrol people in what was chosen for them."""
        wanted = sorted(
            ((visit, runs) for visit, runs in chosen if runs), key=lambda each: each[0].id
        )
        if not wanted:
            return
        store, new, facts = self.work.store, [], []
        with store.transaction():
            for visit, runs in wanted:
                try:
                    visit.make_sure(self.work)
                except (Moved, Lost):
                    visit.stale = True  # it finds out for itself which
                    continue
                new.append((visit, runs))
                facts += [run.fact("enrolled", self.now) for run in runs]
            store.put_enrollments(run for _, runs in new for run in runs)
            store.append_interactions(facts)
        of = by_candidate(facts)
        for visit, runs in new:
            self.enrolled += runs
            visit.runs += runs
            visit.grow(self.work, of[visit.id])

    # --- what is due

    def _go_on(self, visit: Visit, calendar: Plan) -> Generator[Call, Answer, bool]:
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
            if self._by_hand(case.planned):
                self._hand_over(visit, case)
        due = [each for each in cases if not self._by_hand(each.planned)]
        return (yield from self._send_due(visit, calendar, due))

    def _by_hand(self, planned: PlannedTouch) -> bool:
        """Say whether a person has to do it: always, unless the policy lets drafts go by mail."""
        goes = self.work.policy.send_drafts and planned.channel in AUTOMATIC
        return planned.by_hand and not goes

    def _cases(self, visit: Visit, calendar: Plan) -> Iterator[Case]:
        for planned in calendar.due:
            record = visit.recorded(calendar, planned)
            if record is None or record.state in OPEN:
                name = record.touch if record else planned.touch.key
                yield Case(visit.relationship, calendar, planned, name, record)

    def _expire(self, visit: Visit, calendar: Plan) -> None:
        """Put into the ledger what is too late to go, or to be done by a person."""
        for planned in calendar.touches:
            record = visit.recorded(calendar, planned) if planned.expired else None
            if not planned.expired or (record and record.state not in _MAY_EXPIRE):
                continue
            name = record.touch if record else planned.touch.key
            case = Case(visit.relationship, calendar, planned, name, record)
            why = f"its deadline passed on {planned.expires_at:%Y-%m-%d}"
            expired = case.record(TouchState.EXPIRED, why)
            if record and record.state is TouchState.SENDING:
                why = "a call was cut off; it may have left, and now it is too late to ask again"
                expired = case.record(TouchState.UNKNOWN, why)
            self._write(visit, expired, why)

    def _write(self, visit: Visit, record: TouchRecord, why: str) -> None:
        """Put into the ledger what became of a touch without a call."""
        with self._unmoved(visit):
            there = None
            if record.key in visit.ledger:
                self.work.store.settle_touch(record)
            else:
                there = self.work.store.claim_touch(record)
        visit.ledger[record.key] = there or record
        if there is None:
            self.note(record, why)

    def _tell(self, visit: Visit, calendar: Plan, kind: str, why: str) -> bool:
        """Log what became of a run, unless it is known; return whether it was not."""
        fact = calendar.enrollment.fact(kind, self.now)
        if any(fact.id == known.id for known in visit.relationship.history.of(kind)):
            visit.wait(self.now, self.now + MICROSECOND)
            return False
        with self._unmoved(visit):
            self.work.store.append_interactions([fact])
        visit.grow(self.work, [fact])
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
            self._refuse(visit, case, Refusal(str(allowed.rule), why, allowed.next_allowed))
        return bool(allowed)

    def _hand_over(self, visit: Visit, case: Case) -> None:
        if not self._allowed(visit, case):
            return
        record = case.claim(TouchState.TASK)
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

    def _send_due(
        self, visit: Visit, calendar: Plan, cases: Sequence[Case]
    ) -> Generator[Call, Answer, bool]:
        """Send what is due in one plan, up to the first that left; return whether one may have."""
        if visit.stays or visit.waits or not cases:
            return False
        if quiet := _quiet_until(calendar, visit, self.now):
            visit.wait(self.now, quiet)
            return False
        for case in cases:
            if case.key in visit.asked or (case.there and _is_put_off(case.there, self.now)):
                self._put_off(visit, case)
                return False
            call = self._call(visit, case)
            if call is None:
                continue
            self._may_act(visit)
            answer = yield call
            if isinstance(answer, Moved | Lost):
                raise answer
            if answer in {TouchState.SENT, TouchState.UNKNOWN}:
                return True
            if answer is not TouchState.REJECTED:
                self._put_off(visit, case)
                return False
        return False

    def _put_off(self, visit: Visit, case: Case) -> None:
        """Have a message tried again when it may be, and no other one go before it."""
        record = visit.ledger.get(case.key)
        visit.waits = True
        if record and record.state is TouchState.FAILED and record.next_at:
            visit.wait(self.now, record.next_at)
        else:
            visit.stays = True

    def _call(self, visit: Visit, case: Case) -> Call | None:
        if not self._allowed(visit, case):
            return None
        call = call_for(self.work, visit, case)
        if isinstance(call, Refusal):
            self._refuse(visit, case, attrs.evolve(call, next_at=self.now + RENDER_AGAIN))
            return None
        return call

    # --- what is in doubt

    def _recover(self, visit: Visit) -> None:
        """Find out what became of calls that were cut off."""
        for known in [each for each in visit.ledger.values() if each.state is TouchState.SENDING]:
            found = recover(self.work, visit.relationship, known, self.now)
            if found is not None:
                self._keep(visit, found)

    def _keep(self, visit: Visit, found: Found) -> None:
        record, facts = found
        with self._unmoved(visit):
            if not self.work.store.settle_touch(record):
                raise Moved  # it was only slow, and has settled it by itself
            self.work.store.append_interactions(facts)
        visit.ledger[record.key] = record
        visit.grow(self.work, facts)
        self.note(record, record.detail or record.state.value)

    def _leave_in_doubt(self, visit: Visit) -> None:
        """Close what was cut off, and could be given to the sender again, but may not go now."""
        cut_off = [
            each
            for each in visit.ledger.values()
            if each.state is TouchState.SENDING and each.key not in visit.asked
        ]
        for known in cut_off:
            why = "a call was cut off; it may have left, and nothing may go now"
            if known.key in visit.doubts:
                why += f" ({visit.doubts[known.key]})"
            self._keep(visit, closed(self.work, known, why))

    @contextmanager
    def _unmoved(self, visit: Visit) -> Iterator[None]:
        """Write in one transaction with a last look, so that nothing starts on old facts."""
        self._may_act(visit)
        with self.work.store.transaction():
            visit.make_sure(self.work)
            yield

    def _may_act(self, visit: Visit) -> None:
        if visit.unasked:
            raise Unasked

    # --- what is said

    def _refuse(self, visit: Visit, case: Case, refusal: Refusal) -> None:
        visit.wait(self.now, refusal.next_at)
        why = f"{refusal.rule}: {refusal.why}"
        self._say(
            visit.id,
            case.key,
            case.touch.key,
            "refused",
            why,
            rule=refusal.rule,
            next_at=refusal.next_at,
        )
        there = case.there
        if there and there.state is TouchState.SENDING:
            visit.doubts[case.key] = why
            return
        record = attrs.evolve(
            case.record(TouchState.REFUSED, refusal.why),
            rule=refusal.rule,
            next_at=refusal.next_at,
        )
        same = there and (there.rule, there.next_at) == (record.rule, record.next_at)
        if not (there and there.state is TouchState.REFUSED and same):
            visit.refused[record.key] = record

    def note(self, record: TouchRecord, why: str) -> None:
        """Take up what became of a touch."""
        self._say(record.candidate_id, record.key, record.touch, record.state.value, why)

    def _say(
        self,
        who: str,
        key: str,
        touch: str,
        state: str,
        why: str,
        *,
        rule: str | None = None,
        next_at: datetime | None = None,
    ) -> None:
        outcome = Outcome(
            candidate_id=who, touch=touch, state=state, why=why, rule=rule, next_at=next_at
        )
        self.outcomes[who, key] = outcome


WRITTEN = frozenset({"enrolled", "sent", "archived", "reactivated"})
"""The kinds of fact that engage logs."""

_PATIENCE = 10
"""How often one call plans anew because something new is known of a person."""

_MAY_EXPIRE = OPEN | {TouchState.TASK}


def _is_put_off(record: TouchRecord, now: datetime) -> bool:
    return record.state is TouchState.FAILED and record.next_at is not None and now < record.next_at


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
