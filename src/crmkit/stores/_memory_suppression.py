"""What the store in memory must not keep any more: silent addresses, and records made empty."""

from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from crmkit.cadence import TouchRecord
from crmkit.model import Interaction, Suppression, SuppressionReason
from crmkit.protocols import Transactional
from crmkit.segmentation import Transition
from crmkit.stores._memory_tables import Table, Undo

Suppressions = Table[tuple[str, SuppressionReason], Suppression]


class KeepsNoMore(Transactional):
    """The part of the store for suppression and erasure."""

    _lock: AbstractContextManager[Any]
    _interactions: Table[str, Interaction]
    _transitions: Table[tuple[str, str, datetime, bool], Transition]
    _touches: Table[tuple[str, int, str], TouchRecord]
    _suppressions: Suppressions

    def suppress(self, entries: Iterable[Suppression]) -> int:
        """Keep those whose digest and reason are new; return how many were."""
        batch = list(entries)
        with self.transaction():
            before = len(self._suppressions.rows)
            for entry in batch:
                if (entry.digest, entry.reason) not in self._suppressions.rows:
                    self._suppressions.put((entry.digest, entry.reason), entry)
            return len(self._suppressions.rows) - before

    def suppressions(self, digests: Collection[str]) -> dict[str, tuple[Suppression, ...]]:
        """Return for each digest that any is kept of, all that are, ordered by reason."""
        found: dict[str, tuple[Suppression, ...]] = {}
        with self._lock:
            kept = self._suppressions.of(digests) if self._suppressions.rows else []
        for entry in sorted(kept, key=lambda entry: entry.reason):
            found[entry.digest] = (*found.get(entry.digest, ()), entry)
        return found

    def lift(self, digests: Collection[str], reasons: Collection[SuppressionReason]) -> None:
        """Forget what is kept of these digests for these reasons; unknown ones are ignored."""
        with self.transaction():
            for entry in self._suppressions.of(digests):
                if entry.reason in reasons:
                    self._suppressions.discard((entry.digest, entry.reason))

    def redact_interactions(self, interactions: Iterable[Interaction]) -> None:
        """Put these in the place of those that are stored, by id; unknown ids are ignored."""
        batch = list(interactions)
        with self.transaction():
            for fact in batch:
                if fact.id in self._interactions.rows:
                    self._interactions.put(fact.id, fact)

    def redact_transitions(self, transitions: Iterable[Transition]) -> None:
        """Put these in the place of those of the log with the same keys; others are ignored."""
        batch = list(transitions)
        with self.transaction():
            for move in batch:
                key = (move.candidate_id, move.segment, move.at, move.entered)
                if key in self._transitions.rows:
                    self._transitions.put(key, move)

    def redact_touches(self, records: Iterable[TouchRecord]) -> None:
        """Put these in the place of those with the same keys; others are ignored."""
        batch = list(records)
        with self.transaction():
            for record in batch:
                key = (record.enrollment_id, record.rotation, record.touch)
                if key in self._touches.rows:
                    self._touches.put(key, record)


def suppression_table(undo: Undo) -> Suppressions:
    """Return an empty table of silent addresses."""
    return Table(undo, lambda entry: entry.digest)
