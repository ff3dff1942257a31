"""Several workers share people by leases; whoever is late changes nothing."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import attrs
import pytest

from crmkit import CRM
from crmkit.cadence import Cadence, Playbook, Touch
from crmkit.errors import SenderError, StoreError
from crmkit.lifecycle import TemplateRenderer
from crmkit.model import Candidate, Delivery, Interaction, Receipt, Relationship
from crmkit.protocols import Sender
from crmkit.stores import MemoryStore

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
PLAYBOOK = Playbook(
    otherwise=Cadence(
        name="short",
        touches=[Touch(key="a", week=0, purpose="p", level=2, subject="Hi", bodies=["Hello."])],
    )
)


def people(count):
    return [
        Relationship(
            Candidate(id=f"p{number:03}", emails=[f"p{number}@x.org"]),
            [Interaction(candidate_id=f"p{number:03}", kind="captured", at=NOW - DAY)],
        )
        for number in range(count)
    ]


class Counting(Sender):
    """Counts its calls, and runs something in the middle of the first."""

    def __init__(self, meanwhile=None):
        self.keys = []
        self.meanwhile = meanwhile

    def send(self, message):
        self.keys.append(message.key)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()
        return Receipt(delivery=Delivery.ACCEPTED, provider_id="x")


def crm_over(store, sender, **options):
    return CRM(store, sender, playbook=PLAYBOOK, **options)


class TestWhoHasWhom:
    def test_two_workers_share_the_people(self, store):
        """Whom one has taken, the other leaves alone; together they send to each once."""
        other = Counting()
        first = Counting(lambda: crm_over(store, other).engage(now=NOW))
        crm = crm_over(store, first)
        crm.capture_all(people(80))
        crm.engage(now=NOW)
        assert other.keys
        assert len(first.keys) + len(other.keys) == 80
        assert len({*first.keys, *other.keys}) == 80

    def test_who_was_given_back_is_free_at_once(self, store):
        """A run that breaks gives its people back: nobody waits for the lease to end."""

        class Full(Sender):
            def send(self, message):
                raise SenderError("full")

        crm = crm_over(store, Full())
        crm.capture_all(people(3))
        with pytest.raises(SenderError):
            crm.engage(now=NOW)
        sender = Counting()
        assert len(crm_over(store, sender).engage(now=NOW).sent) == 3

    def test_a_lease_that_is_over_stops_the_worker(self, store):
        """Who has lost somebody does not send to them, though they were planned already."""
        other = Counting()

        class Slow(TemplateRenderer):
            def render(self, touch, relationship, *, now, piece=None):
                store.end_leases()  # as if the lease had run out meanwhile
                crm_over(store, other).engage(now=NOW)
                return super().render(touch, relationship, now=now, piece=piece)

        slow = Counting()
        crm = crm_over(store, slow, renderer=Slow())
        crm.capture_all(people(3))
        run = crm.engage(now=NOW)
        assert (run.sent, slow.keys, len(other.keys)) == ((), [], 3)

    def test_a_stopped_worker_that_goes_on_changes_nothing_of_a_later_attempt(self, store):
        """Its call was taken for cut off, and a person says that it never left: a new one goes."""
        other = Counting()

        def meanwhile():
            store.end_leases()
            rival = crm_over(store, other)
            rival.engage(now=NOW)
            (doubt,) = rival.in_doubt()
            rival.resolve(doubt.key, sent=False, now=NOW)
            rival.engage(now=NOW + DAY)

        stopped = Counting(meanwhile)
        crm = crm_over(store, stopped)
        crm.capture_all(people(1))
        run = crm.engage(now=NOW)
        assert [len(stopped.keys), len(other.keys)] == [1, 1]
        (record,) = store.touches()
        assert (record.state.value, record.attempt, record.at) == ("sent", 2, NOW + DAY)
        assert [each.state for each in run.outcomes] == ["sent"]
        facts = [fact for fact in store.interactions(["p000"]) if fact.kind == "sent"]
        assert [fact.at for fact in facts] == [NOW + DAY]

    def test_leases_run_on_the_clock_of_the_store(self, store):
        """An instant that is handed in moves no lease: a worker keeps its people for 30 s."""
        store.wake(["p000"])
        (taken,) = store.take(NOW + 400 * DAY, lease=timedelta(seconds=30))
        assert list(store.take(NOW + 800 * DAY, lease=timedelta(seconds=30))) == []
        assert store.keep(taken, lease=timedelta(seconds=30)) == taken

    def test_a_clock_that_was_set_back_strands_nobody(self):
        """A lease from the clock's own future is none."""

        class Jumping(MemoryStore):
            jump = timedelta(0)

            def now(self):
                return super().now() + self.jump

        store = Jumping()
        store.wake(["ada"])
        store.jump = 400 * DAY
        (taken,) = store.take(NOW, lease=timedelta(seconds=30))
        store.jump = timedelta(0)
        assert store.keep(taken, lease=timedelta(seconds=30)) is None
        assert [each.token for each in store.take(NOW, lease=timedelta(seconds=30))] == [2]

    def test_who_waits_is_kept_while_a_slow_sender_is_called(self, store, monkeypatch):
        """The leases on those whose turn has not come are extended in time."""
        from crmkit.lifecycle import _engage

        clock = iter(range(0, 10_000, 15))
        monkeypatch.setattr(_engage, "monotonic", lambda: next(clock))
        kept = []

        class Watching(type(store)):
            def keep(self, entry, *, lease):
                kept.append(entry.candidate_id)
                return super().keep(entry, lease=lease)

        store.__class__ = Watching
        crm = crm_over(store, Counting())
        crm.capture_all(people(4))
        assert len(crm.engage(now=NOW).sent) == 4
        assert kept.count("p003") > kept.count("p000")


class TestTheClock:
    def test_the_stores_clock_says_what_is_due(self, store):
        """A worker whose own clock is ahead sends nothing early: the store's clock counts."""
        future = store.now() + DAY
        later = Playbook(
            otherwise=attrs.evolve(
                PLAYBOOK.otherwise,
                touches=[attrs.evolve(PLAYBOOK.otherwise.touches[0], day=1)],
            )
        )
        sender = Counting()
        crm = CRM(store, sender, playbook=later)
        crm.capture_all(people(1), now=store.now())
        run = crm.engage()
        assert (len(run.enrolled), sender.keys) == (1, [])
        assert abs(run.now - store.now()) < timedelta(minutes=1)
        assert run.next_due > future - timedelta(minutes=1)

    def test_the_clock_is_asked_again_during_a_long_run(self, store):
        """Permission is asked for the instant of sending, not for that of the call."""
        asked = []

        class Ticking:
            def now(self):
                asked.append(len(asked))
                return NOW + timedelta(hours=len(asked))

        crm = crm_over(store, Counting(), clock=Ticking())
        crm.capture_all(people(70), now=NOW)
        crm.engage()
        sent = {fact.at for each in crm.relationships() for fact in each.history.of("sent")}
        assert len(sent) == 3


class TestBatches:
    class Batching(Counting):
        batch_size = 10

        def __init__(self, answer=Delivery.ACCEPTED):
            super().__init__()
            self.calls = []
            self.answer = answer

        def send_batch(self, messages):
            self.calls.append(len(messages))
            self.keys += [message.key for message in messages]
            if isinstance(self.answer, BaseException):
                raise self.answer
            return [Receipt(delivery=self.answer, detail="d") for _ in messages]

    def test_many_messages_go_in_one_call(self, store):
        """A sender that takes batches is called once for up to so many people."""
        sender = self.Batching()
        crm = crm_over(store, sender)
        crm.capture_all(people(25))
        assert len(crm.engage(now=NOW).sent) == 25
        assert (sender.calls, len(set(sender.keys))) == ([10, 10, 5], 25)

    def test_the_limit_counts_messages(self, store):
        """A limit in the middle of a batch holds the rest back."""
        sender = self.Batching()
        crm = crm_over(store, sender)
        crm.capture_all(people(25))
        run = crm.engage(now=NOW, limit=13)
        assert (len(run.sent), run.held, sender.calls) == (13, 12, [10, 3])

    def test_a_batch_that_cannot_be_sent(self, store):
        """Nothing left: all of it is tried again at the next call."""
        sender = self.Batching(SenderError("down"))
        crm = crm_over(store, sender)
        crm.capture_all(people(3))
        with pytest.raises(SenderError):
            crm.engage(now=NOW)
        assert {record.state.value for record in store.touches()} == {"failed"}
        sender.answer = Delivery.ACCEPTED
        assert len(crm.engage(now=NOW).sent) == 3

    def test_a_batch_that_is_cut_off(self, store):
        """Whatever was in the call is in doubt, and nothing else."""
        sender = self.Batching(KeyboardInterrupt())
        crm = crm_over(store, sender)
        crm.capture_all(people(12))
        with suppress(KeyboardInterrupt):
            crm.engage(now=NOW)
        sender.answer = Delivery.ACCEPTED
        run = crm.engage(now=NOW)
        assert (len(run.of("unknown")), len(run.sent)) == (10, 2)

    def test_somebody_of_a_batch_moves_meanwhile(self, store):
        """Who says no while the batch is put together is left out of it; the others go."""

        class Meddling(TemplateRenderer):
            def render(self, touch, relationship, *, now, piece=None):
                no = Interaction(candidate_id="p001", kind="unsubscribed", at=now)
                CRM(store).record([no], now=now)
                return super().render(touch, relationship, now=now, piece=piece)

        sender = self.Batching()
        crm = crm_over(store, sender, renderer=Meddling())
        crm.capture_all(people(3))
        assert sorted(each.candidate_id for each in crm.engage(now=NOW).sent) == ["p000", "p002"]


def test_a_connection_of_the_host_is_refused(tmp_path):
    """No claim would be committed before the sender is called, so that none would protect."""
    sa = pytest.importorskip("sqlalchemy")
    from crmkit.stores import SQLStore

    engine = sa.create_engine(f"sqlite:///{tmp_path / 'host.db'}")
    with engine.connect() as connection:
        sender = Counting()
        crm = crm_over(SQLStore(connection), sender)
        crm.capture_all(people(1))
        with pytest.raises(StoreError, match="give engage a store on the URL or the engine"):
            crm.engage(now=NOW)
        assert sender.keys == []
        CRM(SQLStore(connection), playbook=PLAYBOOK).segment(now=NOW)
    engine.dispose()
