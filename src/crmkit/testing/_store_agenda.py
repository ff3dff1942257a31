"""The store contract for the agenda, clause by clause."""

from collections.abc import Callable
from datetime import datetime, timedelta

import attrs

from crmkit.protocols import AT_ONCE, BATCH, AgendaEntry, AgendaStore
from crmkit.testing._store_samples import START, TICK, same, together

_EVER = START + timedelta(days=365)


_LEASE = timedelta(minutes=10)


def _entry(
    candidate_id: str, at: datetime | None, turn: int = 1, *, token: int = 0, back: int = 0
) -> AgendaEntry:
    return AgendaEntry(candidate_id=candidate_id, at=at, turn=turn, token=token, back=back)


def check_waking(make_store: Callable[[], AgendaStore]) -> None:
    """Check that who is woken comes at once, whatever the instant, with another turn."""
    store = make_store()
    same(list(store.agenda(_EVER)), [], "at first the agenda is empty")
    store.wake(["bob", "ada", "bob"])
    entries = [_entry("ada", AT_ONCE), _entry("bob", AT_ONCE)]
    same(list(store.agenda(AT_ONCE)), entries, "wake() puts each id on the agenda at once")
    store.put_off([_entry("ada", _EVER), _entry("bob", None)])
    same(list(store.agenda(START)), [], "who was put off does not come before")
    store.wake(["bob"])
    store.wake(["ada", "bob"])
    store.wake([])
    entries = [_entry("ada", AT_ONCE, 2), _entry("bob", AT_ONCE, 3)]
    same(list(store.agenda(_EVER)), entries, "every wake() counts, wherever the entry stood")


def check_agenda_comes_in_order(make_store: Callable[[], AgendaStore]) -> None:
    """Check that entries come by instant, then id, up to the instant; none is taken away."""
    store = make_store()
    store.wake(["d", "c", "b", "a", "e"])
    first, second, third = _entry("d", START - TICK), _entry("b", START), _entry("c", START)
    store.put_off([third, second, first, _entry("a", START + TICK), _entry("e", None)])
    for _ in range(2):
        same(list(store.agenda(START)), [first, second, third], "agenda() is ordered, and stays")
    same(store.next_look(START), START + TICK, "next_look() is the first instant after")
    same(store.next_look(START - TICK), START, "next_look() does not count what has come")
    same(store.next_look(START + TICK), None, "next_look() after the last is none")
    store.put_off([_entry("b", None), _entry("a", START)])
    got = [entry.candidate_id for entry in store.agenda(START)]
    same(got, ["d", "a", "c"], "agenda() sees what was put off to another instant")


def check_put_off_leaves_the_woken(make_store: Callable[[], AgendaStore]) -> None:
    """Check that an entry that was woken since it was read stays, and that nobody is added."""
    store = make_store()
    store.wake(["ada", "bob"])
    seen = list(store.agenda(START))
    store.wake(["ada"])
    store.put_off(attrs.evolve(entry, at=START) for entry in seen)
    store.put_off([_entry("eve", START)])
    got = list(store.agenda(START))
    entries = [_entry("ada", AT_ONCE, 2), _entry("bob", START)]
    same(got, entries, "put_off() changes those alone that nobody has woken since")


def check_writing_while_the_agenda_is_read(make_store: Callable[[], AgendaStore]) -> None:
    """Check that of many who come each comes once, though they are put off meanwhile."""
    store = make_store()
    ids = [f"p{number:04}" for number in range(2 * BATCH + 10)]
    store.wake(ids)
    got = []
    for number, entry in enumerate(store.agenda(START)):
        got.append(entry.candidate_id)
        if number % 3:
            store.put_off([attrs.evolve(entry, at=_EVER)])
    same(got, ids, "agenda() may be written to while it is read")
    left = [entry.candidate_id for entry in store.agenda(START)]
    same(left, ids[::3], "who was not put off comes again")


def check_racing_wakes(make_store: Callable[[], AgendaStore]) -> None:
    """Check that of the wakes of several threads none is lost."""
    store = make_store()

    def wake(_: int) -> None:
        for _ in range(25):
            store.wake(["ada"])

    together(4, wake)
    same(list(store.agenda(START)), [_entry("ada", AT_ONCE, 100)], "every wake() is counted")


def check_leases_are_exclusive(make_store: Callable[[], AgendaStore]) -> None:
    """Check that who is taken is nobody else's, comes in order, and is given back."""
    store = make_store()
    store.wake(["c", "a", "b", "d"])
    store.put_off([_entry("d", START + TICK)])
    first = list(store.take(START, lease=_LEASE, limit=2))
    expected = [_entry("a", AT_ONCE, token=1), _entry("b", AT_ONCE, token=1)]
    same(first, expected, "take() returns the first that have come, under a new token")
    second = list(store.take(START, lease=_LEASE))
    same(second, [_entry("c", AT_ONCE, token=1)], "take() leaves those alone that are taken")
    same(list(store.take(START, lease=_LEASE)), [], "take() finds nobody when all are taken")
    same(store.keep(first[0], lease=_LEASE), first[0], "keep() returns the entry as it is")
    store.wake(["a"])
    woken = attrs.evolve(first[0], turn=2)
    same(store.keep(first[0], lease=_LEASE), woken, "keep() returns how often they were woken")
    store.put_off([attrs.evolve(entry, at=_EVER) for entry in (*first, *second)])
    same(store.keep(first[1], lease=_LEASE), None, "who was given back is not kept")
    again = list(store.take(START, lease=_LEASE))
    taken = attrs.evolve(woken, token=2, back=1)
    same(again, [taken], "put_off() gives back, and keeps the instant unless they were woken")
    same(
        list(store.take(_EVER, lease=_LEASE, after=taken)),
        [
            _entry("d", START + TICK, token=1),
            *(_entry(key, _EVER, token=2, back=1) for key in "bc"),
        ],
        "take(after=…) goes on behind an entry",
    )


def check_leases_end(make_store: Callable[[], AgendaStore]) -> None:
    """Check that a lease which is over is free for others, and nothing that its holder does."""
    store = make_store()
    store.wake(["ada"])
    (old,) = store.take(START, lease=timedelta(0))
    same(store.keep(old, lease=_LEASE), None, "keep() of a lease that is over returns None")
    (new,) = store.take(START, lease=_LEASE)
    same(new, attrs.evolve(old, token=2), "take() takes whose lease is over, under a new token")
    same([old.taken_over, new.taken_over], [False, True], "taken_over says who never gave back")
    same(store.keep(old, lease=_LEASE), None, "keep() with an older token returns None")
    store.put_off([attrs.evolve(old, at=None)])
    same(store.keep(new, lease=_LEASE), new, "put_off() with an older token does nothing")
    store.end_leases()
    same(store.keep(new, lease=_LEASE), None, "end_leases() ends every lease")
    (again,) = store.take(START, lease=_LEASE)
    same(again, attrs.evolve(new, token=4), "end_leases() raises the token, and frees everybody")
    for ids in (["ada", "nobody"], [], None):
        store.hold(ids)


def check_racing_leases(make_store: Callable[[], AgendaStore]) -> None:
    """Check that of several threads that take people, each person goes to one."""
    store = make_store()
    ids = [f"p{number:03}" for number in range(120)]
    store.wake(ids)

    def take(_: int) -> list[str]:
        found: list[str] = []
        while taken := store.take(START, lease=_LEASE, limit=7):
            found += [entry.candidate_id for entry in taken]
        return found

    won = sorted(key for keys in together(4, take) for key in keys)
    same(won, ids, "take() gives each person to one caller")


def check_the_basis_is_kept(make_store: Callable[[], AgendaStore]) -> None:
    """Check that the digest last given is kept."""
    store = make_store()
    same(store.agenda_basis(), "", "at first the agenda is made with nothing")
    store.set_agenda_basis("one")
    store.set_agenda_basis("two")
    same(store.agenda_basis(), "two", "agenda_basis() is the one last given")
