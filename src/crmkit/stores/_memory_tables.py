"""The tables of the store in memory: changes that can be taken back, and what the clock brings."""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable
from datetime import datetime
from heapq import heapify, heappop, heappush
from typing import Any, Generic, TypeVar

from crmkit.protocols import BATCH

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")

Undo = list[Callable[[], object]]


class Table(Generic[K, R]):
    """Records by key and by owner; every change writes into the undo list how to take it back."""

    def __init__(self, undo: Undo, owner: Callable[[R], str]) -> None:
        self.rows: dict[K, R] = {}
        self._owned: defaultdict[str, dict[K, None]] = defaultdict(dict)
        self._owner = owner
        self._undo = undo

    def put(self, key: K, record: R) -> None:
        self.discard(key)
        self._insert(key, record)
        self._undo.append(lambda: self._remove(key))

    def discard(self, key: K) -> None:
        if key in self.rows:
            record = self._remove(key)
            self._undo.append(lambda: self._insert(key, record))

    def of(self, owners: Collection[str] | None) -> list[R]:
        """Return the records of these owners, or of all."""
        if owners is None:
            return list(self.rows.values())
        return [self.rows[key] for owner in set(owners) for key in self._owned.get(owner, ())]

    def _insert(self, key: K, record: R) -> None:
        self.rows[key] = record
        self._owned[self._owner(record)][key] = None

    def _remove(self, key: K) -> R:
        record = self.rows.pop(key)
        owner = self._owner(record)
        del self._owned[owner][key]
        if not self._owned[owner]:
            del self._owned[owner]
        return record


class Timetable(Table[K, R]):
    """Records whose instant comes one day, and beside them a heap of these instants.

    The heap is never searched: a record that is replaced or removed leaves its entry behind,
    which is dropped when it comes to the top. So nothing has to be taken back in it, either.
    """

    def __init__(
        self, undo: Undo, owner: Callable[[R], str], when: Callable[[R], datetime | None]
    ) -> None:
        super().__init__(undo, owner)
        self._when = when
        self._heap: list[tuple[datetime, Any]] = []

    def come(
        self,
        now: datetime,
        limit: int | None = None,
        wanted: Callable[[R], bool] = lambda record: True,  # noqa: ARG005
    ) -> list[R]:
        """Return up to *limit* wanted records whose instant has come, by instant, then key."""
        seen: list[tuple[datetime, Any]] = []
        found: list[R] = []
        while self._heap and self._heap[0][0] <= now and limit != len(found):
            entry = heappop(self._heap)
            if self._stands(entry) and entry not in seen[-1:]:
                seen.append(entry)
                if wanted(self.rows[entry[1]]):
                    found.append(self.rows[entry[1]])
        for entry in seen:
            heappush(self._heap, entry)
        return found

    def next_after(self, now: datetime) -> datetime | None:
        """Return the first instant after *now*."""
        come = []
        while self._heap and (self._heap[0][0] <= now or not self._stands(self._heap[0])):
            entry = heappop(self._heap)
            if self._stands(entry):
                come.append(entry)
        first = self._heap[0][0] if self._heap else None
        for entry in come:
            heappush(self._heap, entry)
        return first

    def _stands(self, entry: tuple[datetime, Any]) -> bool:
        record = self.rows.get(entry[1])
        return record is not None and self._when(record) == entry[0]

    def _insert(self, key: K, record: R) -> None:
        super()._insert(key, record)
        if at := self._when(record):
            heappush(self._heap, (at, key))
        if len(self._heap) > 2 * len(self.rows) + BATCH:
            self._heap = [(at, key) for key, row in self.rows.items() if (at := self._when(row))]
            heapify(self._heap)
