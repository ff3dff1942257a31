"""Engage: take people whose time has come, do what is due for them, and give them back."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from time import monotonic

import attrs

from crmkit._progress import Progress
from crmkit.cadence import TouchState
from crmkit.errors import InvalidRecord, SenderError, StoreError
from crmkit.lifecycle._agenda import prepare
from crmkit.lifecycle._course import Answer, Course, Pass
from crmkit.lifecycle._deliver import Call, sent_fact, settled
from crmkit.lifecycle._outcomes import RunReport
from crmkit.lifecycle._visit import Lost, Moved, Visit, visits
from crmkit.lifecycle._workspace import Workspace, by_candidate
from crmkit.model import Delivery, FrozenMap, Interaction, Message, Receipt
from crmkit.protocols import AgendaEntry

TAKEN = 32
"""How many people a worker takes at once: few, so that others find some, too."""


def engage(
    work: Workspace,
    clock: Callable[[], datetime],
    *,
    limit: int | None = None,
    everyone: bool = False,
    progress: Progress | None = None,
) -> RunReport:
    """Enrol who is not in a cadence, and do what is due, for those whom the agenda names.

    *clock* is asked again for every few people, so that nobody is written to on an old hour.
    """
    if limit is not None and limit < 0:
        raise InvalidRecord("limit", f"expected at least 0, got {limit}")
    if work.sender is not None and not getattr(work.store, "commits", True):
        raise StoreError(
            f"{work.store!r} works on a connection of the host, so no claim is committed before "
            "the sender is called; give engage a store on the URL or the engine"
        )
    prepare(work, everyone=everyone)
    run = _Run(Pass(work, clock()), limit)
    start, last = run.done.now, None
    while entries := work.store.take(run.done.now, lease=work.lease, limit=TAKEN, after=last):
        last = entries[-1]
        run.engage(entries)
        if progress:
            progress(run.checked, None)
        run.done.now = clock()
    done = run.done
    return RunReport(
        now=start,
        enrolled=tuple(done.enrolled),
        not_enrolled=FrozenMap(sorted(done.not_enrolled.items())),
        outcomes=tuple(done.outcomes.values()),
        tasks=tuple(done.tasks),
        held=done.held,
        checked=run.checked,
        next_due=work.store.next_look(start),
    )


@attrs.define
class _Run:
    """One worker's run: what it may still do, and what it has done."""

    done: Pass
    budget: int | None
    checked: int = 0
    _heard: float = attrs.field(factory=monotonic)
    """When the people in hand were last taken or kept."""

    @property
    def work(self) -> Workspace:
        return self.done.work

    def engage(self, entries: Sequence[AgendaEntry]) -> None:
        """Do what is due for those whom this worker has taken, and give them back."""
        self._heard = monotonic()
        taken, done = {entry.candidate_id: entry for entry in entries}, self.done
        here: list[Visit] = []
        try:
            here = visits(self.work, entries)
            done.enroll((each, done.chosen(each, done.most)) for each in here if not each.runs)
            size = getattr(self.work.sender, "batch_size", 1)
            waiting = here
            while waiting:
                self._follow([(each, done.course(each)) for each in waiting], max(size, 1))
                waiting = done.move(waiting)
            for visit in here:
                done.held += visit.held
                if visit.outside and not visit.runs:
                    done.not_enrolled[visit.outside] += 1
            self._give_back(taken, here)
        except BaseException:
            # Whoever goes on need not wait for the lease; if the store is at fault, they do.
            with suppress(StoreError):
                done.move(here)
                self.work.store.put_off(taken.values())
            raise
        self.checked += len(entries)

    def _give_back(self, taken: Mapping[str, AgendaEntry], here: Iterable[Visit]) -> None:
        """Say when they are to be looked at again, and put into the ledger what was refused."""
        store, visited = self.work.store, {visit.id: visit for visit in here}
        with store.transaction():
            store.hold(taken)  # all at once, in the order in which everybody locks
            # A process with other definitions may have begun: it has to look for itself.
            ours = store.agenda_basis() == self.work.basis
            back = []
            for key in sorted(taken):
                visit = visited.get(key)
                if visit is None:  # who is not stored has nothing to come
                    back.append(attrs.evolve(taken[key], at=None))
                    continue
                self._refuse(visit)
                stays = visit.stays or not ours
                back.append(visit.entry if stays else attrs.evolve(visit.entry, at=visit.until))
            store.put_off(back)

    def _refuse(self, visit: Visit) -> None:
        if not visit.refused:
            return
        with suppress(Moved, Lost):
            visit.make_sure(self.work)
            for record in visit.refused.values():
                if record.key in visit.ledger:
                    self.work.store.settle_touch(record)
                else:
                    self.work.store.claim_touch(record)

    # --- calling the sender

    def _follow(self, courses: list[tuple[Visit, Course]], size: int) -> None:
        """Go through the courses, up to *size* at a time, and make the calls that they ask for."""
        while courses:
            answers: list[tuple[Course, Answer]] = [(course, None) for _, course in courses[:size]]
            courses = courses[size:]
            self._keep([visit for visit, _ in courses])
            while answers:
                asked: list[tuple[Course, Call]] = []
                for course, answer in answers:
                    with suppress(StopIteration):
                        asked.append((course, course.send(answer)))
                made = self._make([call for _, call in asked])
                answers = list(zip([course for course, _ in asked], made, strict=True))

    def _keep(self, waiting: Sequence[Visit]) -> None:
        """Extend the leases on who waits, in time."""
        if monotonic() - self._heard < self.work.lease.total_seconds() / 3:
            return
        self._heard = monotonic()
        with self.work.store.transaction():
            for visit in sorted(waiting, key=lambda visit: visit.id):
                self.work.store.keep(visit.entry, lease=self.work.lease)

    def _make(self, calls: Sequence[Call]) -> list[Answer]:
        """Start the calls that may be, in one transaction; make them; settle what came of them."""
        answers: dict[int, Answer] = {}
        started: list[int] = []
        if calls:
            with self.work.store.transaction():
                for place in sorted(range(len(calls)), key=lambda place: calls[place].visit.id):
                    answers[place] = self._start(calls[place])
                    if answers[place] is TouchState.SENDING:
                        started.append(place)
        if started:
            began = monotonic()
            going = [calls[place] for place in started]
            receipts = self._send(going)
            late = monotonic() - began >= self.work.lease.total_seconds()
            answers |= zip(started, self._settle(going, receipts, late=late), strict=True)
        return [answers[place] for place in range(len(calls))]

    def _start(self, call: Call) -> Answer:
        """Claim the touch for a call; return ``sending`` if it was."""
        visit = call.visit
        if self.budget == 0:
            visit.stays = visit.held = True
            return None
        try:
            visit.make_sure(self.work)
        except (Moved, Lost) as news:
            return news
        there = self.work.store.claim_touch(call.record)
        if there is not None:
            visit.ledger[there.key] = there
            return None  # somebody else has had it in hand
        if self.budget is not None:
            self.budget -= 1
        if call.again:
            visit.asked.add(call.record.key)
        return TouchState.SENDING

    def _send(self, calls: Sequence[Call]) -> Sequence[Receipt]:
        """Call the sender, outside of any transaction."""
        sender = self.work.sender
        assert sender is not None  # noqa: S101 - there is no call without one
        messages: list[Message] = [call.message for call in calls]
        try:
            if getattr(sender, "batch_size", 1) > 1:
                receipts: Sequence[Receipt] = sender.send_batch(messages)  # type: ignore[attr-defined]
                if len(receipts) != len(messages):
                    problem = f"{len(messages)} messages, and {len(receipts)} receipts for them"
                    raise TypeError(problem)
                return receipts
            return [sender.send(message) for message in messages]
        except SenderError as error:
            # The sender says that it cannot take messages at all: nothing left.
            # After any other one nobody knows; the next call finds out what can be found.
            receipt = Receipt(delivery=Delivery.LATER, detail=str(error))
            for call in calls:
                record = settled(call, receipt, self.done.now)
                if record is not None:
                    self.work.store.settle_touch(attrs.evolve(record, next_at=None))
            raise

    def _settle(
        self, calls: Sequence[Call], receipts: Sequence[Receipt], *, late: bool
    ) -> list[Answer]:
        """Keep what became of calls, all in one transaction."""
        now, answers = self.done.now, list[Answer]()
        facts: list[Interaction] = []
        with self.work.store.transaction():
            for call, receipt in zip(calls, receipts, strict=True):
                record = settled(call, receipt, now)
                answers.append(None if record is None else record.state)
                if record is None:
                    record = call.record
                elif not self.work.store.settle_touch(record):
                    # Somebody else has found out, or goes on, since this lease was over.
                    record = self.work.store.find_touches([record.key])[record.key]
                elif record.state is TouchState.SENT:
                    facts.append(sent_fact(record, call.message.channel, call.case.planned))
                call.visit.ledger[record.key] = record
                why = receipt.detail or receipt.provider_id or receipt.delivery.value
                self.done.note(record, why)
            self.work.store.append_interactions(facts)
            if late:  # whoever has them by now must learn of it
                self.work.store.wake({call.visit.id for call in calls})
        of = by_candidate(facts)
        for call in calls:
            ids = call.visit.relationship.candidate.ids
            call.visit.grow(self.work, [fact for key in ids for fact in of.get(key, ())])
        return answers
