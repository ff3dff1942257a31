"""The contract of suppression and erasure lets good stores pass and catches bad ones."""

import attrs
import pytest

from crmkit.stores import MemoryStore
from crmkit.testing import (
    check_enrollment_store,
    check_interaction_store,
    check_membership_store,
    check_suppression_store,
    check_transactions,
)


def test_the_store_in_memory_keeps_suppressions():
    """A host that keeps only the silent addresses runs only that part."""
    check_suppression_store(MemoryStore)


class LastStands(MemoryStore):
    def suppress(self, entries):
        entries = list(entries)
        new = super().suppress(entries)
        for each in entries:
            self._suppressions.put((each.digest, each.reason), each)
        return new


class CountsAll(MemoryStore):
    def suppress(self, entries):
        entries = list(entries)
        super().suppress(entries)
        return len(entries)


class OneReason(MemoryStore):
    """Keeps a digest once, whatever the reason."""

    def suppress(self, entries):
        return super().suppress(
            each for each in list(entries) if not self.suppressions([each.digest])
        )


class NamesTheUnknown(MemoryStore):
    def suppressions(self, digests):
        return {
            digest: super(NamesTheUnknown, self).suppressions([digest]).get(digest, ())
            for digest in digests
        }


class Unordered(MemoryStore):
    def suppressions(self, digests):
        return {key: each[::-1] for key, each in super().suppressions(digests).items()}


class LiftsAll(MemoryStore):
    def lift(self, digests, reasons):
        super().lift(digests, list(type(next(iter(reasons)))) if reasons else [])


class LiftsNothing(MemoryStore):
    def lift(self, digests, reasons):
        pass


class AddsFacts(MemoryStore):
    def redact_interactions(self, interactions):
        interactions = list(interactions)
        super().redact_interactions(interactions)
        self.append_interactions(interactions)


class KeepsFacts(MemoryStore):
    def redact_interactions(self, interactions):
        pass


class KeepsTransitions(MemoryStore):
    def redact_transitions(self, transitions):
        pass


class AddsTransitions(MemoryStore):
    def redact_transitions(self, transitions):
        transitions = list(transitions)
        super().redact_transitions(transitions)
        self.change_memberships([], transitions)


class KeepsTouches(MemoryStore):
    def redact_touches(self, records):
        pass


class FreesTouches(MemoryStore):
    def redact_touches(self, records):
        super().redact_touches(attrs.evolve(each, state="failed") for each in list(records))


class Leaks(MemoryStore):
    """What was suppressed in a transaction that raised stays."""

    def __init__(self):
        super().__init__()
        self._suppressions._undo = []


@pytest.mark.parametrize(
    ("check", "broken", "clause"),
    [
        (check_suppression_store, LastStands, "the first"),
        (check_suppression_store, CountsAll, "how many were new"),
        (check_suppression_store, OneReason, "counts only what was new"),
        (check_suppression_store, NamesTheUnknown, "at first nothing is suppressed"),
        (check_suppression_store, Unordered, "suppressions() come by reason"),
        (check_suppression_store, LiftsAll, "only what it names"),
        (check_suppression_store, LiftsNothing, "only what it names"),
        (check_interaction_store, AddsFacts, "and adds nothing"),
        (check_interaction_store, KeepsFacts, "replaces by id"),
        (check_membership_store, KeepsTransitions, "replaces what is logged"),
        (check_membership_store, AddsTransitions, "adds nothing"),
        (check_enrollment_store, KeepsTouches, "redact_touches() replaces"),
        (check_enrollment_store, FreesTouches, "redact_touches() replaces"),
        (check_transactions, Leaks, "leaves nothing behind"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_broken_store_is_caught(check, broken, clause):
    """A store that breaks one clause fails with a sentence about that clause."""
    with pytest.raises(AssertionError) as caught:
        check(broken)
    assert clause in str(caught.value)
