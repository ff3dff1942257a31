"""A store in memory: the reference for what a store does, and enough for tests and notebooks."""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import RLock
from typing import Generic, TypeVar

from crmkit.cadence import Enrollment, TouchRecord, TouchState
from crmkit.errors import NotFound
from crmkit.model import Candidate, Interaction, Role, identity_keys
from crmkit.protocols import Store
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
        self._memberships = _Table[tuple[str, str], Membership](self._undo, _candidate_id)
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

    def memberships(self, candidate_ids: Collection[str] | None = None) -> list[Membership]:
        """Return the present memberships (of these people), ordered by candidate id, segment."""
        with self._lock:
            found = self._memberships.of(candidate_ids)
        return sorted(found, key=lambda member: (member.candidate_id, member.segment))

    def change_memberships(
        self, keep: Iterable[Membership], transitions: Iterable[Transition]
    ) -> None:
        """Log ``transitions``, end the memberships of who left, insert or replace ``keep``."""
        kept, moved = list(keep), list(transitions)
        with self.transaction():
            for transition in moved:
                who = (transition.candidate_id, transition.segment)
                if not transition.entered:
                    self._memberships.discard(who)
                key = (*who, transition.at, transition.entered)
                if key not in self._transitions.rows:
                    self._transitions.put(key, transition)
            for member in kept:
                self._memberships.put((member.candidate_id, member.segment), member)

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


def _touch_key(record: TouchRecord) -> tuple[str, int, str]:
    return record.enrollment_id, record.rotation, record.touch
