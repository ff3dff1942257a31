"""A store in memory: the reference for what a store does, and enough for tests and notebooks."""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from heapq import heapify, heappop, heappush
from threading import RLock
from typing import Generic, TypeVar

from crmkit.cadence import Enrollment, TouchRecord, TouchState
from crmkit.errors import NotFound
from crmkit.model import Candidate, Interaction, Role, identity_keys
from crmkit.protocols import BATCH, Store
from crmkit.segmentation import Membership, Transition

__all__ = ["MemoryStore"]

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")

Undo = list[Callable[[], object]]


class _Table(Generic[K, R]):
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


Due = tuple[datetime, str, str]


class _Memberships(_Table[tuple[str, str], Membership]):
    """Memberships and watches, and beside them a heap of when the clock may change them.

    The heap is never searched: a record that is replaced or removed leaves its entry behind,
    which is dropped when it comes to the top. So nothing has to be taken back in it, either.
    """

    def __init__(self, undo: Undo) -> None:
        super().__init__(undo, _candidate_id)
        self._heap: list[Due] = []

    def due(self, now: datetime, limit: int) -> list[Membership]:
        """Return up to *limit* records whose instant has come, the first first."""
        found: list[Due] = []
        while self._heap and self._heap[0][0] <= now and len(found) < limit:
            entry = heappop(self._heap)
            if self._stands(entry) and entry not in found[-1:]:
                found.append(entry)
        for entry in found:
            heappush(self._heap, entry)
        return [self.rows[entry[1:]] for entry in found]

    def _stands(self, entry: Due) -> bool:
        record = self.rows.get(entry[1:])
        return record is not None and record.next_change == entry[0]

    def _insert(self, key: tuple[str, str], record: Membership) -> None:
        super()._insert(key, record)
        if record.next_change:
            heappush(self._heap, (record.next_change, *key))
        if len(self._heap) > 2 * len(self.rows) + BATCH:
            self._heap = [
                (each.next_change, *key) for key, each in self.rows.items() if each.next_change
            ]
            heapify(self._heap)


class MemoryStore(Store):
    """Keeps everything in dictionaries, for as long as the process runs.

    Threads may share it; while one is in a `transaction`, the others wait.

    >>> store = MemoryStore()
    >>> store.put_candidates([Candidate(id="ada", emails=["ada@example.org"])])
    >>> store.find_candidates(["email:ada@example.org"])
    {'email:ada@example.org': frozenset({'ada'})}
    """

    def __init__(self) -> None:
        self._lock = RLock()
        self._undo: Undo = []
        self._depth = 0
        self._candidates = _Table[str, Candidate](self._undo, lambda record: record.id)
        self._keys = _Table[tuple[str, str], str](self._undo, lambda key: key)
        self._interactions = _Table[str, Interaction](self._undo, _candidate_id)
        self._roles = _Table[str, Role](self._undo, lambda record: record.id)
        self._memberships = _Memberships(self._undo)
        self._definitions = _Table[str, tuple[str, str]](self._undo, lambda pair: pair[0])
        self._transitions = _Table[tuple[str, str, datetime, bool], Transition](
            self._undo, _candidate_id
        )
        self._enrollments = _Table[str, Enrollment](self._undo, _candidate_id)
        self._touches = _Table[tuple[str, int, str], TouchRecord](self._undo, _candidate_id)

    def __repr__(self) -> str:
        people, facts = len(self._candidates.rows), len(self._interactions.rows)
        return f"<MemoryStore: {people} candidates, {facts} interactions>"

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make all calls inside the block land together, or none of them; it may be nested."""
        with self._lock:
            start = len(self._undo)
            self._depth += 1
            try:
                yield
            except BaseException:
                while len(self._undo) > start:
                    self._undo.pop()()
                raise
            finally:
                self._depth -= 1
                if not self._depth:
                    self._undo.clear()

    def put_candidates(self, candidates: Iterable[Candidate]) -> None:
        """Insert or replace by id, and index their `identity_keys`."""
        batch = list(candidates)
        with self.transaction():
            self._forget({candidate.id for candidate in batch})
            for candidate in {candidate.id: candidate for candidate in batch}.values():
                self._candidates.put(candidate.id, candidate)
                for key in identity_keys(candidate):
                    self._keys.put((key, candidate.id), key)

    def get_candidates(self, ids: Collection[str]) -> dict[str, Candidate]:
        """Return those that are stored, by id; unknown ids are left out."""
        with self._lock:
            return {record.id: record for record in self._candidates.of(ids)}

    def find_candidates(self, keys: Collection[str]) -> dict[str, frozenset[str]]:
        """Return for each identity key that anybody has the ids of those who have it."""
        with self._lock:
            found = {key: self._keys._owned.get(key, {}) for key in keys}
            return {
                key: frozenset(candidate_id for _, candidate_id in pairs)
                for key, pairs in found.items()
                if pairs
            }

    def candidates(self) -> Iterator[Candidate]:
        """Yield everyone, ordered by id; writing while it runs is allowed."""
        with self._lock:
            ids = sorted(self._candidates.rows)
        for key in ids:
            with self._lock:
                candidate = self._candidates.rows.get(key)
            if candidate:
                yield candidate

    def delete_candidates(self, ids: Collection[str]) -> None:
        """Forget the records (not their interactions); unknown ids are ignored."""
        with self.transaction():
            self._forget(ids)

    def _forget(self, ids: Collection[str]) -> None:
        for candidate in self._candidates.of(ids):
            self._candidates.discard(candidate.id)
            for key in identity_keys(candidate):
                self._keys.discard((key, candidate.id))

    def append_interactions(self, interactions: Iterable[Interaction]) -> int:
        """Append those whose id is new; return how many were."""
        batch = list(interactions)
        with self.transaction():
            before = len(self._interactions.rows)
            for fact in batch:
                if fact.id not in self._interactions.rows:
                    self._interactions.put(fact.id, fact)
            return len(self._interactions.rows) - before

    def interactions(self, candidate_ids: Collection[str]) -> list[Interaction]:
        """Return everything about these candidate ids, ordered by instant, then id."""
        with self._lock:
            found = self._interactions.of(candidate_ids)
        return sorted(found, key=lambda fact: (fact.at, fact.id))

    def put_roles(self, roles: Iterable[Role]) -> None:
        """Insert or replace by id."""
        batch = list(roles)
        with self.transaction():
            for role in batch:
                self._roles.put(role.id, role)

    def roles(self) -> list[Role]:
        """Return every role, ordered by id."""
        with self._lock:
            return [role for _, role in sorted(self._roles.rows.items(), key=lambda item: item[0])]

    def memberships(
        self, candidate_ids: Collection[str] | None = None, *, segment: str | None = None
    ) -> list[Membership]:
        """Return who is inside (of these people, of this segment), by candidate id, segment."""
        with self._lock:
            found = self._memberships.of(candidate_ids)
        wanted = [each for each in found if each.inside and segment in {None, each.segment}]
        return sorted(wanted, key=_who)

    def watches(self, candidate_ids: Collection[str] | None = None) -> list[Membership]:
        """Return the watches (over these people), ordered by candidate id, segment."""
        with self._lock:
            found = self._memberships.of(candidate_ids)
        return sorted((each for each in found if not each.inside), key=_who)

    def due(self, now: datetime, limit: int = BATCH) -> list[Membership]:
        """Return memberships and watches whose ``next_change`` has come, at most *limit*."""
        with self._lock:
            return self._memberships.due(now, limit)

    def tracked(self) -> list[str]:
        """Return the ids of all who have a membership or a watch, once each, in order."""
        with self._lock:
            return sorted({candidate_id for candidate_id, _ in self._memberships.rows})

    def change_memberships(
        self, keep: Iterable[Membership], transitions: Iterable[Transition]
    ) -> None:
        """Log ``transitions``, end the records of who left, then insert or replace ``keep``."""
        kept, moved = list(keep), list(transitions)
        with self.transaction():
            for transition in moved:
                who = transition.candidate_id, transition.segment
                if not transition.entered:
                    self._memberships.discard(who)
                key = (*who, transition.at, transition.entered)
                if key not in self._transitions.rows:
                    self._transitions.put(key, transition)
            for member in kept:
                if member.inside or member.next_change:
                    self._memberships.put(_who(member), member)
                else:
                    self._memberships.discard(_who(member))

    def definitions(self) -> dict[str, str]:
        """Return what `set_definitions` was last given; at first nothing."""
        with self._lock:
            return dict(self._definitions.rows.values())

    def set_definitions(self, definitions: Mapping[str, str]) -> None:
        """Keep the definitions that the memberships are found with: name → digest."""
        with self.transaction():
            for name in list(self._definitions.rows):
                self._definitions.discard(name)
            for name, digest in definitions.items():
                self._definitions.put(name, (name, digest))

    def transitions(self, candidate_ids: Collection[str] | None = None) -> list[Transition]:
        """Return the log (of these people), ordered by instant, candidate id, segment."""
        with self._lock:
            found = self._transitions.of(candidate_ids)
        return sorted(
            found, key=lambda move: (move.at, move.candidate_id, move.segment, move.entered)
        )

    def put_enrollments(self, enrollments: Iterable[Enrollment]) -> None:
        """Insert those whose id is new."""
        batch = list(enrollments)
        with self.transaction():
            for enrollment in batch:
                if enrollment.id not in self._enrollments.rows:
                    self._enrollments.put(enrollment.id, enrollment)

    def enrollments(self, candidate_ids: Collection[str] | None = None) -> list[Enrollment]:
        """Return the enrolments (of these people), ordered by candidate id, instant, id."""
        with self._lock:
            found = self._enrollments.of(candidate_ids)
        return sorted(found, key=lambda run: (run.candidate_id, run.enrolled_at, run.id))

    def claim_touch(self, record: TouchRecord) -> TouchRecord | None:
        """Insert the record, or put it in the place of a failed one; else return who is there."""
        key = _touch_key(record)
        with self.transaction():
            known = self._touches.rows.get(key)
            if known and known.state is not TouchState.FAILED:
                return known
            self._touches.put(key, record)
            return None

    def settle_touch(self, record: TouchRecord) -> None:
        """Replace the claimed record by what became of it; `NotFound` if nobody claimed it."""
        key = _touch_key(record)
        with self.transaction():
            if key not in self._touches.rows:
                raise NotFound("claimed touch", record.key)
            self._touches.put(key, record)

    def touches(self, candidate_ids: Collection[str] | None = None) -> list[TouchRecord]:
        """Return the records (of these people), ordered by instant, enrolment, rotation, touch."""
        with self._lock:
            found = self._touches.of(candidate_ids)
        return sorted(found, key=lambda record: (record.at, *_touch_key(record)))


def _candidate_id(record: Interaction | Membership | Transition | Enrollment | TouchRecord) -> str:
    return record.candidate_id


def _who(record: Membership) -> tuple[str, str]:
    return record.candidate_id, record.segment


def _touch_key(record: TouchRecord) -> tuple[str, int, str]:
    return record.enrollment_id, record.rotation, record.touch
