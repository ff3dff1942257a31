"""The contract of the agenda lets good stores pass and catches bad ones."""

import threading
import time
from datetime import UTC, datetime

import attrs
import pytest

from crmkit.protocols import AT_ONCE, AgendaEntry
from crmkit.stores import MemoryStore
from crmkit.testing import check_agenda_store, check_transactions


def test_the_store_in_memory_keeps_an_agenda():
    """A host that keeps only the agenda runs only that part."""
    check_agenda_store(MemoryStore)


class WakesInTime(MemoryStore):
    """Who was put off is not woken any sooner."""

    def wake(self, ids):
        there = {each.candidate_id: each for each in self.agenda(datetime.max.replace(tzinfo=UTC))}
        super().wake(ids)
        super().put_off(
            attrs.evolve(there[key], turn=there[key].turn + 1) for key in ids if key in there
        )


class WakesOnce(MemoryStore):
    def wake(self, ids):
        there = {each.candidate_id for each in self.agenda(AT_ONCE)}
        super().wake([key for key in ids if key not in there])


class AgendaByPerson(MemoryStore):
    def agenda(self, now):
        return iter(sorted(super().agenda(now), key=lambda entry: entry.candidate_id))


class AgendaIsLate(MemoryStore):
    def agenda(self, now):
        return (entry for entry in super().agenda(now) if entry.at < now or now == AT_ONCE)


class AgendaOnce(MemoryStore):
    def agenda(self, now):
        found = list(super().agenda(now))
        super().put_off(attrs.evolve(entry, at=None) for entry in found)
        return iter(found)


class LooksAtThePast(MemoryStore):
    def next_look(self, now):
        return super().next_look(AT_ONCE)


class PutsOffTheWoken(MemoryStore):
    def put_off(self, entries):
        turns = {each.candidate_id: each.turn for each in self._agenda.rows.values()}
        super().put_off(
            attrs.evolve(entry, turn=turns.get(entry.candidate_id, 0)) for entry in entries
        )


class PutsOnWhomNobodyWoke(MemoryStore):
    def put_off(self, entries):
        batch = list(entries)
        self.wake([each.candidate_id for each in batch if each.candidate_id == "eve"])
        super().put_off(batch)


class ReadsByPlace(MemoryStore):
    """Counts how many it has yielded, as a careless page by page does."""

    def agenda(self, now):
        place = 0
        while page := list(super().agenda(now))[place : place + 100]:
            yield from page
            place += 100


class LosesWakes(MemoryStore):
    """Looks first and writes later."""

    def wake(self, ids):
        turns = {key: entry.turn for key, entry in self._agenda.rows.items()}
        if threading.current_thread() is not threading.main_thread():
            time.sleep(0.0001)
        with self.transaction():
            for key in ids:
                turn = turns.get(key, 0) + 1
                self._agenda.put(key, AgendaEntry(candidate_id=key, at=AT_ONCE, turn=turn))


class KeepsTheFirstBasis(MemoryStore):
    def set_agenda_basis(self, digest):
        super().set_agenda_basis(self.agenda_basis() or digest)


class LeaksTheAgenda(MemoryStore):
    """Whoever is woken stays woken."""

    def __init__(self):
        super().__init__()
        self._agenda._undo = []


@pytest.mark.parametrize(
    ("check", "broken", "clause"),
    [
        (check_agenda_store, WakesInTime, "every wake() counts"),
        (check_agenda_store, WakesOnce, "every wake() counts"),
        (check_agenda_store, AgendaByPerson, "agenda() is ordered"),
        (check_agenda_store, AgendaIsLate, "agenda() is ordered"),
        (check_agenda_store, AgendaOnce, "is ordered, and stays"),
        (check_agenda_store, LooksAtThePast, "next_look() is the first instant after"),
        (check_agenda_store, PutsOffTheWoken, "that nobody has woken since"),
        (check_agenda_store, PutsOnWhomNobodyWoke, "that nobody has woken since"),
        (check_agenda_store, ReadsByPlace, "may be written to while it is read"),
        (check_agenda_store, LosesWakes, "every wake() is counted"),
        (check_agenda_store, KeepsTheFirstBasis, "is the one last given"),
        (check_transactions, LeaksTheAgenda, "leaves nothing behind"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_broken_agenda_is_caught(check, broken, clause):
    """A store that breaks one clause fails with a sentence about that clause."""
    with pytest.raises(AssertionError) as caught:
        check(broken)
    assert clause in str(caught.value)
