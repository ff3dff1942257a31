"""A store in memory: the reference for what a store does, and enough for tests and notebooks."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import RLock

import attrs

from crmkit.cadence import Enrollment, TouchRecord, TouchState
from crmkit.model import Candidate, Interaction, Role, identity_keys
from crmkit.protocols import AT_ONCE, BATCH, CLOCK_SET_BACK, FINAL, REOPENED, AgendaEntry, Store
from crmkit.segmentation import Membership, Transition
from crmkit.stores._memory_suppression import KeepsNoMore, suppression_table
from crmkit.stores._memory_tables import Table, Timetable, Undo

__all__ = ["MemoryStore"]


class MemoryStore(KeepsNoMore, Store):
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
        self._candidates = Table[str, Candidate](self._undo, lambda record: record.id)
        self._keys = Table[tuple[str, str], str](self._undo, lambda key: key)
        self._interactions = Table[str, Interaction](self._undo, _candidate_id)
        self._roles = Table[str, Role](self._undo, lambda record: record.id)
        self._memberships = Timetable[tuple[str, str], Membership](
            self._undo, _candidate_id, lambda record: record.next_change
        )
        self._definitions = Table[str, tuple[str, str]](self._undo, lambda pair: pair[0])
        self._transitions = Table[tuple[str, str, datetime, bool], Transition](
            self._undo, _candidate_id
        )
        self._enrollments = Table[str, Enrollment](self._undo, _candidate_id)
        self._touches = Table[tuple[str, int, str], TouchRecord](self._undo, _candidate_id)
        self._agenda = Timetable[str, AgendaEntry](
            self._undo, _candidate_id, lambda entry: entry.at
        )
        self._leases = Table[str, tuple[str, datetime, datetime]](
            self._undo, lambda lease: lease[0]
        )
        self._basis = Table[str, str](self._undo, lambda digest: digest)
        self._suppressions = suppression_table(self._undo)

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
            return self._memberships.come(now, limit)

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

    def move_enrollments(self, enrollments: Iterable[Enrollment]) -> None:
        """Replace those that are stored, by id; unknown ids are ignored."""
        batch = list(enrollments)
        with self.transaction():
            for enrollment in batch:
                if enrollment.id in self._enrollments.rows:
                    self._enrollments.put(enrollment.id, enrollment)

    def enrollments(self, candidate_ids: Collection[str] | None = None) -> list[Enrollment]:
        """Return the enrolments (of these people), ordered by candidate id, instant, id."""
        with self._lock:
            found = self._enrollments.of(candidate_ids)
        return sorted(found, key=lambda run: (run.candidate_id, run.enrolled_at, run.id))

    def claim_touch(self, record: TouchRecord) -> TouchRecord | None:
        """Take the touch and return None, or return who is there already."""
        key = _touch_key(record)
        with self.transaction():
            known = self._touches.rows.get(key)
            if known and (known.state not in REOPENED or known.attempt != record.attempt - 1):
                return known
            self._touches.put(key, record)
            return None

    def settle_touch(self, record: TouchRecord) -> bool:
        """Replace the record unless it is final or was claimed again; return whether it was."""
        key = _touch_key(record)
        with self.transaction():
            known = self._touches.rows.get(key)
            if known is None or known.state in FINAL or known.attempt != record.attempt:
                return False
            self._touches.put(key, record)
            return True

    def touches(
        self,
        candidate_ids: Collection[str] | None = None,
        *,
        states: Collection[TouchState] | None = None,
    ) -> list[TouchRecord]:
        """Return the records (of these people, in these states), ordered by instant and key."""
        with self._lock:
            found = self._touches.of(candidate_ids)
        wanted = [record for record in found if states is None or record.state in states]
        return sorted(wanted, key=lambda record: (record.at, *_touch_key(record)))

    def find_touches(self, keys: Collection[str]) -> dict[str, TouchRecord]:
        """Return the records with these keys, by key; unknown keys are left out."""
        with self._lock:
            found = self._touches.of(None)
        return {record.key: record for record in found if record.key in keys}

    def agenda(self, now: datetime) -> Iterator[AgendaEntry]:
        """Yield the entries whose instant has come, by instant, then id."""
        with self._lock:
            found = self._agenda.come(now)
        yield from found

    def next_look(self, now: datetime) -> datetime | None:
        """Return the first instant after *now* at which an entry comes."""
        with self._lock:
            return self._agenda.next_after(now)

    def wake(self, ids: Collection[str]) -> None:
        """Put these on the agenda `AT_ONCE`, and add 1 to their turns; a new one has turn 1."""
        with self.transaction():
            for key in set(ids):
                known = self._agenda.rows.get(key)
                new = AgendaEntry(candidate_id=key, at=AT_ONCE, turn=1)
                if known:
                    new = attrs.evolve(known, at=AT_ONCE, turn=known.turn + 1)
                self._agenda.put(key, new)

    def take(
        self,
        now: datetime,
        *,
        lease: timedelta,
        limit: int = BATCH,
        after: AgendaEntry | None = None,
    ) -> list[AgendaEntry]:
        """Lease up to *limit* entries that have come and that nobody holds."""
        with self.transaction():
            clock = self.now()

            def is_free(entry: AgendaEntry) -> bool:
                further = after is None or _place(entry) > _place(after)
                return further and not self._is_held(entry.candidate_id, clock)

            come = self._agenda.come(now, limit, is_free)
            taken = [attrs.evolve(entry, token=entry.token + 1) for entry in come]
            for entry in taken:
                self._agenda.put(entry.candidate_id, entry)
                self._leases.put(entry.candidate_id, (entry.candidate_id, clock, clock + lease))
            return taken

    def keep(self, entry: AgendaEntry, *, lease: timedelta) -> AgendaEntry | None:
        """Extend a lease that still stands, and return the entry as it is now; else None."""
        key = entry.candidate_id
        with self.transaction():
            clock = self.now()
            known = self._agenda.rows.get(key)
            if known is None or known.token != entry.token or not self._is_held(key, clock):
                return None
            self._leases.put(key, (key, self._leases.rows[key][1], clock + lease))
            return known

    def put_off(self, entries: Iterable[AgendaEntry]) -> None:
        """End the leases, and keep the instants of those whom nobody has woken since."""
        batch = list(entries)
        with self.transaction():
            for entry in batch:
                known = self._agenda.rows.get(entry.candidate_id)
                if known and known.token == entry.token:
                    self._leases.discard(entry.candidate_id)
                    at = entry.at if known.turn == entry.turn else known.at
                    back = attrs.evolve(known, at=at, back=known.token)
                    self._agenda.put(entry.candidate_id, back)

    def end_leases(self) -> None:
        """Take everybody back; who goes on has lost them."""
        with self.transaction():
            for key in list(self._leases.rows):
                known = self._agenda.rows[key]
                self._agenda.put(key, attrs.evolve(known, token=known.token + 1))
                self._leases.discard(key)

    def hold(self, ids: Collection[str] | None) -> None:
        """Do nothing: while a thread is in a transaction, the others wait."""

    def now(self) -> datetime:
        """Return what time it is by the clock of the machine."""
        return datetime.now(UTC)

    def _is_held(self, candidate_id: str, clock: datetime) -> bool:
        lease = self._leases.rows.get(candidate_id)
        return lease is not None and lease[1] <= clock + CLOCK_SET_BACK and clock < lease[2]

    def agenda_basis(self) -> str:
        """Return what `set_agenda_basis` was last given; at first nothing."""
        with self._lock:
            return self._basis.rows.get("agenda", "")

    def set_agenda_basis(self, digest: str) -> None:
        """Keep the digest of the definitions that the agenda is made with."""
        with self.transaction():
            self._basis.put("agenda", digest)


_Owned = Interaction | Membership | Transition | Enrollment | TouchRecord | AgendaEntry


def _candidate_id(record: _Owned) -> str:
    return record.candidate_id


def _place(entry: AgendaEntry) -> tuple[datetime, str]:
    return entry.at or AT_ONCE, entry.candidate_id


def _who(record: Membership) -> tuple[str, str]:
    return record.candidate_id, record.segment


def _touch_key(record: TouchRecord) -> tuple[str, int, str]:
    return record.enrollment_id, record.rotation, record.touch
