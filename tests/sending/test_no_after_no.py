"""No call of the sender starts for somebody after a no of theirs is committed."""

import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from itertools import count

import pytest
from examples import examples
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from scene import START, WEEK, crm_over, people, weekly

from crmkit import CRM
from crmkit.model import Delivery, Interaction, Receipt
from crmkit.protocols import Sender
from crmkit.stores import MemoryStore, SQLStore

COUNT = 4
CADENCE = weekly(30)
NOES = {
    "unsubscribed": {},
    "withdrew_consent": {},
    "replied": {"outcome": "positive"},
    "bounced": {"outcome": "hard"},
    "complained": {},
}
VERBS = [*NOES, *(["erase"] if hasattr(CRM, "erase") else [])]


def stamped(base):
    """Return a store class that notes when each thread's last transaction was to be committed."""

    class Stamped(base):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.last = threading.local()

        @contextmanager
        def transaction(self):
            inside = getattr(self.last, "depth", 0)
            with super().transaction():
                self.last.depth = inside + 1
                try:
                    yield
                finally:
                    self.last.depth = inside
                if not inside:
                    self.last.at = time.monotonic_ns()

    return Stamped


class Noting(Sender):
    """Notes when the transaction that let each call start was about to be committed."""

    def __init__(self, store, calls):
        self.store, self.calls = store, calls

    def send(self, message):
        self.calls.append((message.candidate_id, message.key, self.store.last.at))
        return Receipt(delivery=Delivery.ACCEPTED)


class Races(RuleBasedStateMachine):
    """Lets runs race against people who say no."""

    base = MemoryStore

    @initialize()
    def open(self):
        self.store = self.make()
        self.calls, self.noes, self.week, self.numbers = [], {}, 0, count()
        CRM(self.store).capture_all(people(COUNT), now=START)
        crm_over(self.store, Noting(self.store, []), CADENCE).engage(now=START - WEEK / 2)

    def make(self):
        return stamped(MemoryStore)()

    @property
    def left(self):
        return [f"p{n:05}" for n in range(COUNT) if f"p{n:05}" not in self.noes]

    @rule(workers=st.integers(1, 3))
    def send(self, workers):
        """Let a week go by, and workers run; nobody says anything."""
        self._race(workers, [])

    @precondition(lambda self: self.left)
    @rule(
        data=st.data(),
        workers=st.integers(1, 3),
        pause=st.sampled_from([0, 0, 0.001, 0.003, 0.01]),
    )
    def refuse(self, data, workers, pause):
        """Let a week go by, and one or two people say no while workers run."""
        people = data.draw(
            st.lists(
                st.tuples(st.sampled_from(self.left), st.sampled_from(VERBS)),
                min_size=1,
                max_size=2,
                unique_by=lambda pair: pair[0],
            )
        )
        self._race(workers, people, pause)

    def _race(self, workers, noes, pause=0):
        self.week += 1
        now, failed = START + self.week * WEEK, []
        start = threading.Barrier(workers + len(noes))

        def guarded(call, *arguments):
            start.wait()
            try:
                call(*arguments)
            except BaseException as error:  # noqa: BLE001 - raised again by the test's own thread
                failed.append(error)

        def engage():
            crm_over(self.store, Noting(self.store, self.calls), CADENCE).engage(now=now)

        def refuse(who, verb):
            time.sleep(pause)
            crm = crm_over(self.store, None, CADENCE)
            if verb == "erase":
                crm.erase(who, now=now)
            else:
                key = f"no-{next(self.numbers)}"
                more = NOES[verb]
                if verb == "bounced":
                    more = more | {"properties": {"address": f"{who}@x.org"}}
                at = now - timedelta(seconds=1)
                fact = Interaction(candidate_id=who, kind=verb, at=at, id=key, **more)
                crm.record([fact], now=now)
            self.noes[who] = (verb, time.monotonic_ns())

        threads = [threading.Thread(target=guarded, args=(engage,)) for _ in range(workers)]
        threads += [threading.Thread(target=guarded, args=(refuse, *pair)) for pair in noes]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        if failed:
            raise failed[0]

    @invariant()
    def nothing_after_a_no(self):
        """No call was let go after that person's no was acknowledged."""
        for who, key, at in self.calls:
            verb, said = self.noes.get(who, ("", at))
            assert at <= said, f"{key} was let go {(at - said) / 1e6} ms after {verb}"

    @invariant()
    def each_goes_once(self):
        """However many ran, each message went once."""
        keys = [key for _, key, _ in self.calls]
        assert len(keys) == len(set(keys))

    def teardown(self):
        """Whoever said nothing was written to every week: the races are about something."""
        if hasattr(self, "store"):
            for who in self.left:
                assert sum(each == who for each, _, _ in self.calls) == self.week
        self.close()

    def close(self):
        pass


class RacesOnFile(Races):
    """The same, on an SQLite file."""

    folder = None
    names = count()

    def make(self):
        return stamped(SQLStore)(f"sqlite:///{self.folder / f'{next(self.names)}.db'}")

    def close(self):
        if hasattr(self, "store"):
            self.store.close()


class RacesOnPostgres(RacesOnFile):
    """The same, on PostgreSQL."""

    server = None

    def make(self):
        self.url = self.server.database(ready=True)
        return stamped(SQLStore)(self.url)

    def close(self):
        super().close()
        if hasattr(self, "url"):
            self.server.drop(self.url)


@pytest.mark.parametrize(
    ("machine", "number"), [(Races, 40), (RacesOnFile, 12), (RacesOnPostgres, 12)]
)
def test_no_after_no(machine, number, request, tmp_path):
    """Withdrawals, replies, bounces, complaints and erasures race against runs, on every store."""
    if machine is RacesOnFile:
        machine.folder = tmp_path
    if machine is RacesOnPostgres:
        machine.server = request.getfixturevalue("postgres")
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=examples(number), stateful_step_count=8, deadline=None),
    )
