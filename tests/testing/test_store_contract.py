"""The contract suite lets good stores pass and catches bad ones."""

import threading
from contextlib import contextmanager, suppress

import attrs
import pytest

import crmkit.testing
from crmkit.model import identity_keys
from crmkit.protocols import REOPENED
from crmkit.stores import MemoryStore
from crmkit.testing import (
    check_agenda_store,
    check_candidate_store,
    check_enrollment_store,
    check_interaction_store,
    check_membership_store,
    check_role_store,
    check_store,
    check_transactions,
)


class OwnCandidates:
    """A host's own candidate table, in small."""

    def __init__(self):
        self.rows = {}

    def put_candidates(self, candidates):
        self.rows.update({candidate.id: candidate for candidate in list(candidates)})

    def get_candidates(self, ids):
        return {key: self.rows[key] for key in ids if key in self.rows}

    def find_candidates(self, keys):
        found = {}
        for candidate in self.rows.values():
            for key in identity_keys(candidate) & set(keys):
                found.setdefault(key, set()).add(candidate.id)
        return {key: frozenset(ids) for key, ids in found.items()}

    def candidates(self):
        return iter([self.rows[key] for key in sorted(self.rows)])

    def delete_candidates(self, ids):
        for key in ids:
            self.rows.pop(key, None)


def test_a_host_checks_its_own_candidate_table():
    """A host that keeps only its candidates runs only that part."""
    check_candidate_store(OwnCandidates)


class ForgetsToReplaceKeys(MemoryStore):
    def find_candidates(self, keys):
        self.seen = getattr(self, "seen", {})
        for candidate in self.candidates():
            for key in identity_keys(candidate):
                self.seen.setdefault(key, set()).add(candidate.id)
        return {key: frozenset(self.seen[key]) for key in keys if key in self.seen}

    def put_candidates(self, candidates):
        super().put_candidates(candidates)
        self.find_candidates([])


class KeepsTheFirstRecord(MemoryStore):
    def put_candidates(self, candidates):
        super().put_candidates(
            [candidate for candidate in candidates if not self.get_candidates([candidate.id])]
        )


class YieldsAsPut(MemoryStore):
    def candidates(self):
        return iter(list(self._candidates.rows.values()))


class TripsOverWriting(MemoryStore):
    def candidates(self):
        for key in self._candidates.rows:
            yield self._candidates.rows[key]


class DeletesNothing(MemoryStore):
    def delete_candidates(self, ids):
        pass


class PutsOneByOne(MemoryStore):
    def put_candidates(self, candidates):
        for candidate in candidates:
            super().put_candidates([candidate])


class AppendsTwice(MemoryStore):
    def append_interactions(self, interactions):
        self.log = [*getattr(self, "log", []), *interactions]
        return len(interactions)

    def interactions(self, candidate_ids):
        return [fact for fact in getattr(self, "log", []) if fact.candidate_id in candidate_ids]


class CountsAll(MemoryStore):
    def append_interactions(self, interactions):
        batch = list(interactions)
        super().append_interactions(batch)
        return len(batch)


class ReplacesFacts(MemoryStore):
    def append_interactions(self, interactions):
        batch = list(interactions)
        new = super().append_interactions(batch)
        for fact in batch:
            self._interactions.put(fact.id, fact)
        return new


class AppendsOneByOne(MemoryStore):
    def append_interactions(self, interactions):
        return sum(
            super(AppendsOneByOne, self).append_interactions([fact]) for fact in interactions
        )


class Unordered(MemoryStore):
    def interactions(self, candidate_ids):
        return self._interactions.of(candidate_ids)

    def roles(self):
        return list(self._roles.rows.values())

    def memberships(self, candidate_ids=None, *, segment=None):
        return self._memberships.of(candidate_ids)

    def enrollments(self, candidate_ids=None):
        return self._enrollments.of(candidate_ids)


class NobodyLeaves(MemoryStore):
    def change_memberships(self, keep, transitions):
        members = {(one.candidate_id, one.segment): one for one in self.memberships()}
        super().change_memberships([], transitions)
        super().change_memberships([*members.values(), *keep], [])


class LeavingWins(MemoryStore):
    def change_memberships(self, keep, transitions):
        super().change_memberships(keep, [])
        super().change_memberships([], transitions)


class NobodyMeansEverybody(MemoryStore):
    def memberships(self, candidate_ids=None, *, segment=None):
        return super().memberships(candidate_ids or None, segment=segment)


class ForgetsTheSegment(MemoryStore):
    def memberships(self, candidate_ids=None, *, segment=None):
        return super().memberships(candidate_ids)


class WatchesAreMembers(MemoryStore):
    def memberships(self, candidate_ids=None, *, segment=None):
        found = self._memberships.of(candidate_ids)
        wanted = [each for each in found if segment in {None, each.segment}]
        return sorted(wanted, key=lambda one: (one.candidate_id, one.segment))


class KeepsEmptyWatches(MemoryStore):
    def change_memberships(self, keep, transitions):
        batch = list(keep)
        super().change_memberships([each for each in batch if each.next_change], transitions)
        for each in batch:
            self._memberships.put((each.candidate_id, each.segment), each)


class WatchesForEver(MemoryStore):
    """Leaving ends a membership, but no watch."""

    def change_memberships(self, keep, transitions):
        held = self.watches()
        super().change_memberships([], transitions)
        super().change_memberships([*held, *keep], [])


class TracksMembersOnly(MemoryStore):
    def tracked(self):
        return sorted({each.candidate_id for each in self.memberships()})


class DueIsLate(MemoryStore):
    def due(self, now, limit=500):
        return [each for each in super().due(now, limit) if each.next_change < now]


class DueWithoutLimit(MemoryStore):
    def due(self, now, limit=500):
        return super().due(now, 10**6)


class DueWithoutDefaultLimit(MemoryStore):
    def due(self, now, limit=10**6):
        return super().due(now, limit)


class DueOnce(MemoryStore):
    """Takes what is due off its list."""

    def due(self, now, limit=500):
        found = super().due(now, limit)
        self._memberships._heap.clear()
        return found


class DueByPerson(MemoryStore):
    def due(self, now, limit=500):
        return sorted(super().due(now, limit), key=lambda one: (one.candidate_id, one.segment))


class DueIsNotToldOfChanges(MemoryStore):
    def due(self, now, limit=500):
        first = not hasattr(self, "old")
        self.old = super().due(now, 10**6) if first else self.old
        return [each for each in self.old if each.next_change <= now][:limit]


class AddsDefinitions(MemoryStore):
    def set_definitions(self, definitions):
        super().set_definitions(self.definitions() | definitions)


class LeaksDefinitions(MemoryStore):
    def set_definitions(self, definitions):
        self.held = dict(definitions)

    def definitions(self):
        return dict(getattr(self, "held", {}))


class LogsTwice(MemoryStore):
    def change_memberships(self, keep, transitions):
        batch = list(transitions)
        super().change_memberships(keep, batch)
        self.log = [*getattr(self, "log", []), *batch]

    def transitions(self, candidate_ids=None):
        wanted = [
            one for one in self.log if candidate_ids is None or one.candidate_id in candidate_ids
        ]
        return sorted(wanted, key=lambda one: (one.at, one.candidate_id, one.segment))


class ReplacesEnrollments(MemoryStore):
    def put_enrollments(self, enrollments):
        for enrollment in enrollments:
            self._enrollments.put(enrollment.id, enrollment)


class MovesNoEnrollment(MemoryStore):
    def move_enrollments(self, enrollments):
        pass


class AddsWhomItMoves(MemoryStore):
    def move_enrollments(self, enrollments):
        batch = list(enrollments)
        super().move_enrollments(batch)
        self.put_enrollments(batch)


class LetsTwoThrough(MemoryStore):
    """Looks first and writes later, as a careless store does."""

    def __init__(self):
        super().__init__()
        self.both = threading.Barrier(2)

    def claim_touch(self, record):
        key = (record.enrollment_id, record.rotation, record.touch)
        known = self._touches.rows.get(key)
        if known and known.state in REOPENED and known.attempt == record.attempt - 1:
            known = None
        if threading.current_thread() is not threading.main_thread():
            with suppress(threading.BrokenBarrierError):
                self.both.wait(timeout=0.2)
        if known is None:
            with self._lock:
                self._touches.put(key, record)
                self._touch_keys.put(record.key, key)
        return known


class KeepsFailures(MemoryStore):
    """Holds a touch that failed as taken for ever."""

    def claim_touch(self, record):
        there = [each for each in self.touches() if each.key == record.key]
        return there[0] if there else super().claim_touch(record)


class ClaimsAlways(MemoryStore):
    def claim_touch(self, record):
        super().claim_touch(record)


class SettlesNothing(MemoryStore):
    def settle_touch(self, record):
        pass


class SettlesAnyAttempt(MemoryStore):
    def settle_touch(self, record):
        key = (record.enrollment_id, record.rotation, record.touch)
        known = self._touches.rows.get(key)
        return known is not None and super().settle_touch(
            attrs.evolve(record, attempt=known.attempt)
        )


class FindsNothing(MemoryStore):
    def find_touches(self, keys):
        return {}


class TakesWhomOthersHave(MemoryStore):
    def _is_held(self, candidate_id, clock):
        return False


class HoldsForEver(MemoryStore):
    def _is_held(self, candidate_id, clock):
        return candidate_id in self._leases.rows


class KeepsForAnybody(MemoryStore):
    def keep(self, entry, *, lease):
        return self._agenda.rows.get(entry.candidate_id)


class TakesBackForAnybody(MemoryStore):
    def put_off(self, entries):
        known = self._agenda.rows
        super().put_off(
            attrs.evolve(each, token=known[each.candidate_id].token)
            for each in entries
            if each.candidate_id in known
        )


class Leaks(MemoryStore):
    @contextmanager
    def transaction(self):
        yield


class SwallowsErrors(MemoryStore):
    @contextmanager
    def transaction(self):
        try:
            with super().transaction():
                yield
        except Exception:  # noqa: BLE001
            return


class LeaksTheInner(MemoryStore):
    """An inner transaction commits what the outer one takes back."""

    depth = 0

    @contextmanager
    def transaction(self):
        self.depth += 1
        try:
            if self.depth == 1:
                with super().transaction():
                    yield
            else:
                yield
        finally:
            self.depth -= 1


@pytest.mark.parametrize(
    ("check", "broken", "clause"),
    [
        (check_candidate_store, ForgetsToReplaceKeys, "identity keys of a replaced record"),
        (check_candidate_store, KeepsTheFirstRecord, "the record put last replaces"),
        (check_candidate_store, YieldsAsPut, "ordered by id"),
        (check_candidate_store, DeletesNothing, "a deleted record is gone"),
        (check_candidate_store, PutsOneByOne, "a put_candidates() that fails stores nothing"),
        (check_interaction_store, AppendsTwice, "returns how many ids were new"),
        (check_interaction_store, CountsAll, "returns how many ids were new"),
        (check_interaction_store, ReplacesFacts, "a fact never changes"),
        (check_interaction_store, AppendsOneByOne, "that fails stores nothing"),
        (check_interaction_store, Unordered, "ordered by instant, then id"),
        (check_role_store, Unordered, "ordered by id"),
        (check_membership_store, Unordered, "memberships() are ordered"),
        (check_membership_store, NobodyLeaves, "ends that membership"),
        (check_membership_store, LeavingWins, "ends that membership and no other"),
        (check_membership_store, NobodyMeansEverybody, "memberships() of nobody are none"),
        (check_membership_store, LogsTwice, "logged once"),
        (check_membership_store, ForgetsTheSegment, "memberships(segment=…) are its alone"),
        (check_membership_store, WatchesAreMembers, "who is only watched is no member"),
        (check_membership_store, KeepsEmptyWatches, "takes away the one there"),
        (check_membership_store, WatchesForEver, "ends a watch, too"),
        (check_membership_store, TracksMembersOnly, "tracked() are all with a record"),
        (check_membership_store, DueIsLate, "whose next_change has come"),
        (check_membership_store, DueWithoutLimit, "due(limit) are the first"),
        (check_membership_store, DueWithoutDefaultLimit, "at most 500 unless it is told"),
        (check_membership_store, DueOnce, "due() takes nothing away"),
        (check_membership_store, DueByPerson, "first to last"),
        (check_membership_store, DueIsNotToldOfChanges, "was replaced, ended and taken away"),
        (check_membership_store, AddsDefinitions, "definitions() are those last given"),
        (check_transactions, LeaksDefinitions, "leaves nothing behind"),
        (check_enrollment_store, Unordered, "enrollments() are ordered"),
        (check_enrollment_store, ReplacesEnrollments, "the first of an id stands"),
        (check_enrollment_store, MovesNoEnrollment, "move_enrollments() replaces"),
        (check_enrollment_store, AddsWhomItMoves, "move_enrollments() replaces"),
        (check_enrollment_store, LetsTwoThrough, "exactly one gets None"),
        (check_enrollment_store, KeepsFailures, "a failed touch returns None"),
        (check_enrollment_store, ClaimsAlways, "returns its record"),
        (check_enrollment_store, SettlesNothing, "settle_touch() replaces"),
        (check_transactions, Leaks, "leaves nothing behind"),
        (check_transactions, SwallowsErrors, "passes on the error"),
        (check_transactions, LeaksTheInner, "falls alone"),
        (check_store, KeepsTheFirstRecord, "the record put last replaces"),
        (check_enrollment_store, SettlesAnyAttempt, "an earlier attempt"),
        (check_enrollment_store, FindsNothing, "returns those there are, by key"),
        (check_agenda_store, TakesWhomOthersHave, "leaves those alone that are taken"),
        (check_agenda_store, HoldsForEver, "a lease that is over"),
        (check_agenda_store, KeepsForAnybody, "is not kept"),
        (check_agenda_store, TakesBackForAnybody, "put_off() with an older token does nothing"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_broken_store_is_caught(check, broken, clause):
    """A store that breaks one clause fails with a sentence about that clause."""
    with pytest.raises(AssertionError) as caught:
        check(broken)
    assert clause in str(caught.value)


def test_writing_while_reading_is_tried():
    """A store that cannot be written to while it is read fails, in its own words."""
    with pytest.raises((AssertionError, RuntimeError)):
        check_candidate_store(TripsOverWriting)


def test_failures_are_short():
    """A failure over a thousand records does not print them all."""
    with pytest.raises(AssertionError) as caught:
        check_candidate_store(YieldsAsPut)
    assert len(str(caught.value)) < 1000


def test_what_is_published():
    """The suite for each protocol can be called by itself."""
    published = {name for name in crmkit.testing.__all__ if name.startswith("check_")}
    assert published >= {
        "check_agenda_store",
        "check_candidate_store",
        "check_enrollment_store",
        "check_interaction_store",
        "check_membership_store",
        "check_role_store",
        "check_store",
        "check_transactions",
    }
