"""What the tests of the five stages share: both stores, and everything that one holds."""

import pytest

from crmkit import CRM
from crmkit.senders import MemorySender
from crmkit.stores import MemoryStore


@pytest.fixture(params=["memory", "sql"])
def make_store(request):
    """Return a function that makes an empty store of one kind."""
    if request.param == "memory":
        yield MemoryStore
        return
    pytest.importorskip("sqlalchemy")
    from crmkit.stores import SQLStore

    made = []

    def make():
        made.append(SQLStore("sqlite://"))
        return made[-1]

    yield make
    for store in made:
        store.close()


@pytest.fixture
def store(make_store):
    """Return an empty store."""
    return make_store()


def everything(store):
    """Return all that a store holds."""
    people = list(store.candidates())
    ids = [key for person in people for key in person.ids]
    return {
        "candidates": people,
        "interactions": [fact for key in ids for fact in store.interactions([key])],
        "roles": list(store.roles()),
        "memberships": list(store.memberships()),
        "transitions": list(store.transitions()),
        "enrollments": list(store.enrollments()),
        "touches": list(store.touches()),
    }


@pytest.fixture(scope="session")
def dump():
    """Return the function that says all that a store holds."""
    return everything


@pytest.fixture
def sender():
    return MemorySender()


@pytest.fixture
def start(store, sender):
    """Return a function that makes a CRM over the store, with people captured."""

    def make(*people, **options):
        crm = CRM(store, options.pop("sender", sender), **options)
        crm.capture_all(people)
        return crm

    return make
