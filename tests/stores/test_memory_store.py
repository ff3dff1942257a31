"""The store in memory."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

import crmkit.stores
from crmkit.cadence import TouchRecord
from crmkit.model import Candidate, Interaction, Reason
from crmkit.segmentation import Membership
from crmkit.stores import MemoryStore
from crmkit.testing import check_store

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)


def test_it_is_a_store():
    """The store in memory does all that is asked of a store."""
    check_store(MemoryStore)


def test_its_repr_counts():
    """The repr says how much is in it, and nothing about anybody."""
    store = MemoryStore()
    store.put_candidates([Candidate(id="ada", name="Ada")])
    store.append_interactions([Interaction(candidate_id="ada", kind="met", at=AT)])
    assert repr(store) == "<MemoryStore: 1 candidates, 1 interactions>"


def test_settling_what_nobody_claimed():
    """What was never claimed cannot be settled."""
    record = TouchRecord(
        enrollment_id="e", rotation=0, touch="t", candidate_id="c", state="sent", due_at=AT, at=AT
    )
    assert MemoryStore().settle_touch(record) is False


def test_what_is_replaced_again_and_again_takes_no_room():
    """The list of what is due grows with the memberships, not with the writes."""
    store = MemoryStore()
    for minutes in range(5000):
        due = AT + timedelta(minutes=minutes)
        row = Membership(
            segment="s", candidate_id="a", since=AT, because=Reason("r"), next_change=due
        )
        store.change_memberships([row], [])
    assert len(store._memberships._heap) < 1000
    assert store.due(AT + timedelta(days=9)) == [row]


def test_people_who_go_while_everyone_is_read():
    """Somebody who is deleted in the meantime is left out."""
    store = MemoryStore()
    store.put_candidates([Candidate(id=key) for key in "abc"])
    everyone = store.candidates()
    first = next(everyone)
    store.delete_candidates(["b"])
    assert [first.id, *(candidate.id for candidate in everyone)] == ["a", "c"]


def test_other_threads_wait_for_a_transaction():
    """What another thread writes is not taken back with a transaction that fails."""
    store = MemoryStore()
    started = threading.Event()

    def write() -> None:
        started.set()
        store.put_candidates([Candidate(id="bob")])

    other = threading.Thread(target=write)
    with pytest.raises(ZeroDivisionError), store.transaction():  # noqa: PT012
        other.start()
        started.wait()
        store.put_candidates([Candidate(id="ada")])
        raise ZeroDivisionError
    other.join()
    assert [candidate.id for candidate in store.candidates()] == ["bob"]


def test_the_package_names_what_it_has():
    """The package lists both stores, and an unknown name is the usual error."""
    assert "SQLStore" in dir(crmkit.stores)
    with pytest.raises(AttributeError, match="no attribute 'RedisStore'"):
        crmkit.stores.RedisStore  # noqa: B018
