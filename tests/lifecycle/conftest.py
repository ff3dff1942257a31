"""What the tests of the five stages share: the stores, and everything that one holds."""

import pytest

from crmkit import CRM
from crmkit.senders import MemorySender
from crmkit.stores import MemoryStore


def pytest_generate_tests(metafunc):
    """Ask every test of the stores in memory and SQLite, and the marked ones of PostgreSQL."""
    if "make_store" in metafunc.fixturenames:
        kinds = ["memory", "sql"]
        if metafunc.definition.get_closest_marker("postgres"):
            kinds.append("postgres")
        metafunc.parametrize("make_store", kinds, indirect=True)


@pytest.fixture
def make_store(request):
    """Return a function that makes an empty store of one kind."""
    if request.param == "memory":
        yield MemoryStore
        return
    pytest.importorskip("sqlalchemy")
    from crmkit.stores import SQLStore

    on_postgres = request.param == "postgres"
    database = request.getfixturevalue("postgres_database") if on_postgres else None
    made = []

    def make():
        made.append(SQLStore(database(ready=True) if database else "sqlite://"))
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
