"""A run that is cut off anywhere, and started again, ends as if it had not been."""

from collections import Counter
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import attrs
import pytest

from crmkit import CRM
from crmkit.cadence import SEVEN_TOUCH, Playbook, TouchState
from crmkit.errors import SenderError
from crmkit.model import Candidate, Delivery, Interaction, Receipt, Relationship
from crmkit.protocols import Sender
from crmkit.senders import MemorySender
from crmkit.stores import MemoryStore

pytestmark = pytest.mark.postgres

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
WEEK = timedelta(weeks=1)
LATE = START + 13 * WEEK


PLAYBOOK = Playbook(
    otherwise=attrs.evolve(
        SEVEN_TOUCH,
        touches=[
            attrs.evolve(each, deadline=None) if each.key == "value" else each
            for each in SEVEN_TOUCH.touches
        ],
    )
)


class Crash(BaseException):
    """The process ends here."""


class Fuse:
    """Counts the edges that a run passes, and burns through at one of them."""

    def __init__(self):
        self.edges = []
        self.burns_at = None
        self.live = False

    def __call__(self, edge):
        if not self.live:
            return
        self.edges.append(edge)
        if len(self.edges) - 1 == self.burns_at:
            self.live = False
            raise Crash(edge)


def fused(base):
    """Return a store class whose writes may end the process before or after."""

    class FusedStore(base):
        fuse = Fuse()
        depth = 0
        later = timedelta(0)

        def now(self):
            return super().now() + self.later

        @contextmanager
        def transaction(self):
            self.depth += 1
            try:
                with super().transaction():
                    yield
            finally:
                self.depth -= 1
            if not self.depth:
                self.fuse("after commit")

        def claim_touch(self, record):
            self.fuse("before claim")
            found = super().claim_touch(record)
            self.fuse("after claim")
            return found

        def settle_touch(self, record):
            self.fuse("before settle")
            did = super().settle_touch(record)
            self.fuse("after settle")
            return did

        def put_enrollments(self, enrollments):
            self.fuse("before enrol")
            super().put_enrollments(enrollments)
            self.fuse("after enrol")

        def put_off(self, entries):
            self.fuse("before put off")
            super().put_off(entries)
            self.fuse("after put off")

        def append_interactions(self, interactions):
            self.fuse("before append")
            count = super().append_interactions(interactions)
            self.fuse("after append")
            return count

    return FusedStore


class FusedSender(MemorySender):
    """Deduplicates, and may end the process before or after a message has left."""

    def __init__(self, fuse, **options):
        super().__init__(**options)
        self.fuse = fuse

    def send(self, message):
        self.fuse("before send")
        receipt = super().send(message)
        self.fuse("after send")
        return receipt


class FusedPlainSender(Sender):
    """Every call is a message: it does not deduplicate."""

    def __init__(self, fuse):
        self.fuse = fuse
        self.calls = []

    def send(self, message):
        self.fuse("before send")
        self.calls.append(message.key)
        self.fuse("after send")
        return Receipt(delivery=Delivery.ACCEPTED, provider_id=f"p:{message.key}")


def pool():
    for key, country in (("ada", "GB"), ("bob", "US"), ("new", "GB")):
        captured = Interaction(candidate_id=key, kind="captured", at=START - WEEK)
        known = Candidate(id=key, emails=[f"{key}@x.org"], country=country, company="C")
        yield Relationship(known, [captured])


def prepare(base, make_sender):
    """Return a store, a sender and a fuse: ada with a backlog, bob up to his task, one new.

    Of ada's backlog one touch may still go, and one has expired.
    """
    fuse = Fuse()
    store_class = fused(base)
    store_class.fuse = fuse
    store, sender = store_class(), make_sender(fuse)
    crm = CRM(store, sender, playbook=PLAYBOOK)
    ada, bob, new = pool()
    crm.capture_all([ada, bob])
    crm.engage(now=START)
    store.put_candidates([Candidate(id="ada", emails=["ada@x.org"], do_not_contact=True)])
    for weeks in (2, 6):
        crm.record(
            [Interaction(candidate_id="bob", kind="clicked", at=START + weeks * WEEK - WEEK)]
        )
        crm.engage(now=START + weeks * WEEK)
    store.put_candidates([ada.candidate])
    store.wake(["ada"])
    crm.capture_all([new])
    fuse.live = True
    return store, sender, fuse


def edges(make_sender):
    store, sender, fuse = prepare(MemoryStore, make_sender)
    CRM(store, sender, playbook=PLAYBOOK).engage(now=LATE)
    return fuse.edges


def everywhere(make_sender):
    found = edges(make_sender)
    return [pytest.param(i, id=f"{i} {edge}") for i, edge in enumerate(found)]


def run_with_crash(make_sender, burns_at):
    store, sender, fuse = prepare(MemoryStore, make_sender)
    fuse.burns_at = burns_at
    with pytest.raises(Crash):
        CRM(store, sender, playbook=PLAYBOOK).engage(now=LATE)
    store.later = timedelta(minutes=1)  # the leases of the process that died are over
    CRM(store, sender, playbook=PLAYBOOK).engage(now=LATE)
    return store, sender


def without_attempts(dump):
    """Return all that a store holds, but how often the sender was called."""
    return {**dump, "touches": [attrs.evolve(each, attempt=1) for each in dump["touches"]]}


class TestCutOff:
    def test_the_run_passes_every_edge(self):
        """What is tried below is a whole run: an enrolment, tasks, messages, an expiry."""
        found = Counter(edges(FusedSender))
        assert found["before send"] == found["after send"] == 2
        assert found["before claim"] == 4
        assert set(found) == {
            *(f"{when} {what}" for when in ("before", "after") for what in ("claim", "settle")),
            *(f"{when} {what}" for when in ("before", "after") for what in ("enrol", "append")),
            *("before put off", "after put off"),
            *("before send", "after send", "after commit"),
        }

    @pytest.mark.parametrize("burns_at", everywhere(FusedSender))
    def test_a_deduplicating_sender_ends_in_the_same_state(self, burns_at, dump):
        """Wherever the process ended, the next run completes it: nothing twice, nothing lost."""
        store, sender, _ = prepare(MemoryStore, FusedSender)
        CRM(store, sender, playbook=PLAYBOOK).engage(now=LATE)
        got_store, got_sender = run_with_crash(FusedSender, burns_at)
        assert without_attempts(dump(got_store)) == without_attempts(dump(store))
        assert got_sender.messages == sender.messages

    @pytest.mark.parametrize("burns_at", everywhere(FusedPlainSender))
    def test_any_other_sender_is_never_called_twice(self, burns_at, dump):
        """What may have left is unknown and stays so; all else is as if nothing had happened."""
        store, sender, _ = prepare(MemoryStore, FusedPlainSender)
        CRM(store, sender, playbook=PLAYBOOK).engage(now=LATE)
        got_store, got_sender = run_with_crash(FusedPlainSender, burns_at)
        assert max(Counter(got_sender.calls).values()) == 1
        states = {record.key: record.state for record in got_store.touches()}
        assert states.keys() == {record.key for record in store.touches()}
        unknown = [key for key, state in states.items() if state is TouchState.UNKNOWN]
        assert len(unknown) <= 1
        assert TouchState.SENDING not in states.values()
        assert set(sender.calls) - set(got_sender.calls) <= set(unknown)
        before = dump(got_store)
        CRM(got_store, got_sender, playbook=PLAYBOOK).engage(now=LATE)
        assert (dump(got_store), max(Counter(got_sender.calls).values())) == (before, 1)


def cut_off_in_call(store, sender):
    """Leave a message of which nobody knows whether it left, and return its run."""
    crm = CRM(store, sender, playbook=PLAYBOOK)
    crm.capture_all(list(pool())[:1])
    with pytest.raises(Crash):
        crm.engage(now=START)
    return crm


class Dying(Sender):
    """Dies in the first call; answers as told from then on."""

    def __init__(self, answer=Delivery.ACCEPTED, *, deduplicates=False):
        self.calls = 0
        self.answer = answer
        self.deduplication_window = timedelta.max if deduplicates else timedelta(0)

    def send(self, message):
        self.calls += 1
        if self.calls == 1:
            raise Crash
        if isinstance(self.answer, Exception):
            raise self.answer
        return Receipt(delivery=self.answer)


class TestNobodyKnows:
    def test_unknown_says_so(self, store):
        """The outcome says why the message is not sent again, once."""
        sender = Dying()
        crm = cut_off_in_call(store, sender)
        assert [record.state.value for record in store.touches()] == ["sending"]
        run = crm.engage(now=START)
        assert [(each.state, each.why) for each in run.outcomes] == [
            ("unknown", "a call was cut off; it may have left, so it is not sent again")
        ]
        assert (crm.engage(now=START).outcomes, sender.calls) == ((), 1)
        assert [each.touch for each in crm.engage(now=START + 2 * WEEK).sent] == ["value"]

    def test_unknown_is_settled_even_if_nothing_is_due(self, store):
        """Also of somebody who has unsubscribed since, the ledger tells what is known."""
        crm = cut_off_in_call(store, Dying())
        crm.record([Interaction(candidate_id="ada", kind="unsubscribed", at=START)])
        crm.engage(now=START + WEEK)
        assert [record.state.value for record in store.touches()] == ["unknown"]

    def test_a_sender_that_deduplicates_is_asked_again(self, store):
        """The second call has the same key, so that it may be sent once in all."""
        sender = Dying(deduplicates=True)
        crm = cut_off_in_call(store, sender)
        assert (len(crm.engage(now=START).sent), sender.calls) == (1, 2)

    @pytest.mark.parametrize("answer", [Delivery.LATER, SenderError("full")])
    def test_that_nothing_left_now_does_not_undo_the_doubt(self, store, answer):
        """The first call may have left: without deduplication the touch is never sent again."""
        sender = Dying(answer, deduplicates=True)
        crm = cut_off_in_call(store, sender)
        with suppress(SenderError):
            assert len(crm.engage(now=START).of("sending")) == 1
        assert [record.state.value for record in store.touches()] == ["sending"]
        sender.answer, sender.deduplication_window = Delivery.ACCEPTED, timedelta(0)
        assert len(crm.engage(now=START).of("unknown")) == 1
        assert sender.calls == 2

    def test_a_worker_that_was_only_slow_may_settle_it(self, store):
        """What was taken for cut off, and was not, is settled by the call that was made."""
        crm = cut_off_in_call(store, Dying())
        (sending,) = store.touches()
        crm.engage(now=START)
        assert [record.state.value for record in store.touches()] == ["unknown"]
        assert store.settle_touch(attrs.evolve(sending, state="sent"))
        assert crm.in_doubt() == ()
