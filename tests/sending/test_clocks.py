"""Clocks that jump by an hour or by 400 days, and workers whose clocks do not agree."""

from collections import Counter
from datetime import timedelta
from itertools import pairwise

import attrs
import pytest
from examples import examples
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scene import START, crm_over, people, weekly

from crmkit import CRM
from crmkit.model import Delivery, Receipt
from crmkit.protocols import Clock, Sender
from crmkit.stores import MemoryStore, SQLStore

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SKEWS = (timedelta(0), 2 * HOUR, -3 * DAY)
"""By how much the clock of each worker is wrong."""

CADENCE = weekly(8)
FADING = attrs.evolve(
    CADENCE, touches=[attrs.evolve(each, deadline=14 * DAY) for each in CADENCE.touches]
)


@attrs.define
class Skewed(Clock):
    """A clock that the test sets, as one worker sees it."""

    skew: timedelta
    at = START

    def now(self):
        return Skewed.at + self.skew


class Noting(Sender):
    """Notes each call, with the caller's time."""

    def __init__(self, clock, calls):
        self.clock, self.calls = clock, calls

    def send(self, message):
        self.calls.append((message.key, message.candidate_id, self.clock.now()))
        return Receipt(delivery=Delivery.ACCEPTED)


jumps = st.lists(
    st.tuples(
        st.sampled_from([HOUR, -HOUR, 400 * DAY, -400 * DAY, DAY, 7 * DAY, 7 * DAY]),
        st.integers(0, len(SKEWS) - 1),
    ),
    min_size=1,
    max_size=14,
)


def run(store, cadence, steps):
    """Let workers with skewed clocks engage in turn, with a jump before each; return the calls."""
    Skewed.at, calls = START, []
    CRM(store).capture_all(people(2), now=START)
    clocks = [Skewed(skew) for skew in SKEWS]
    crms = [crm_over(store, Noting(each, calls), cadence, clock=each) for each in clocks]
    for jump, worker in steps:
        Skewed.at += jump
        crms[worker].engage()
    return calls


def judge(store, cadence, calls):
    """Assert that nothing went twice, early or in a burst."""
    assert max(Counter(key for key, _, _ in calls).values(), default=1) == 1
    records = {record.key: record for record in store.touches()}
    for key, _, at in calls:
        assert records[key].state.value == "sent"
        assert records[key].due_at <= at, f"early: {key}"
    for who in {who for _, who, _ in calls}:
        times = sorted(at for _, each, at in calls if each == who)
        assert all(b - a >= cadence.pace.least_gap for a, b in pairwise(times)), times
    # At one instant, nobody finds anything left to do.
    assert len(calls) == sum(record.state == "sent" for record in records.values())


FORTH_AND_BACK = [(7 * DAY, 0), (400 * DAY, 1), (-400 * DAY, 2), (HOUR, 0), (7 * DAY, 0)]


@pytest.mark.parametrize("cadence", [CADENCE, FADING], ids=["patient", "fading"])
@pytest.mark.parametrize("kind", ["memory", "sql"])
def test_nothing_early_twice_or_in_a_burst(kind, cadence):
    """However clocks jump, each message goes once, not before it is due, and not in a burst."""

    @settings(max_examples=examples(60 if kind == "memory" else 25))
    @given(jumps)
    @example(FORTH_AND_BACK)
    @example([(HOUR, 0), (400 * DAY, 0), (-HOUR, 0), (DAY, 0)])
    @example([(HOUR, 0), (400 * DAY, 1), (-HOUR, 2), (HOUR, 0), (DAY, 0)])
    def check(steps):
        store = MemoryStore() if kind == "memory" else SQLStore("sqlite://")
        try:
            judge(store, cadence, run(store, cadence, steps))
        finally:
            if kind == "sql":
                store.close()

    check()


def test_after_400_days_what_is_overdue_does_not_come_at_once():
    """A clock that was far behind finds weeks of touches overdue: one goes, the rest spread."""
    store = MemoryStore()
    calls = run(store, CADENCE, [(HOUR, 0), (400 * DAY, 0), (HOUR, 0), (HOUR, 1), (HOUR, 2)])
    assert Counter(at - START > DAY for _, _, at in calls) == {False: 2, True: 2}


def test_after_400_days_what_was_to_go_by_then_expires():
    """What has a deadline is not sent when a clock has jumped past it."""
    store = MemoryStore()
    calls = run(store, FADING, [(HOUR, 0), (400 * DAY, 0)])
    assert len(calls) == 2
    states = Counter(record.state.value for record in store.touches())
    assert states == {"sent": 2, "expired": 14}


def test_a_clock_that_goes_back_does_not_strand_anybody():
    """When a clock was a year ahead for a moment, people get the rest at its right time."""
    store = MemoryStore()
    calls = run(store, CADENCE, [*FORTH_AND_BACK, *[(7 * DAY, 0)] * 75])
    assert Counter(who for _, who, _ in calls) == {"p00000": 8, "p00001": 8}
