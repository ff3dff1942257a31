"""The store in a PostgreSQL that runs."""

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import attrs
import pytest
import sqlalchemy as sa

from crmkit.cadence import TouchRecord
from crmkit.model import Candidate
from crmkit.stores import SQLStore
from crmkit.testing import check_store

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
TOUCH = TouchRecord(
    enrollment_id="e", rotation=0, touch="t", candidate_id="c", state="sending", due_at=AT, at=AT
)


@pytest.fixture
def opened(postgres_database):  # which drops the databases, after the stores are closed
    stores = []
    yield lambda *args, **options: stores.append(SQLStore(*args, **options)) or stores[-1]
    for store in stores:
        store.close()


@pytest.fixture
def engine(postgres_url):
    engine = sa.create_engine(postgres_url)
    yield engine
    engine.dispose()


def ids(store):
    return [candidate.id for candidate in store.candidates()]


def test_it_is_a_store(postgres_database, opened):
    """A store in PostgreSQL does all that is asked of a store."""
    check_store(lambda: opened(postgres_database()))


def test_a_hosts_connection_is_a_store(postgres_database):
    """So does a store on a connection that the host opened."""
    engines, connections = [], []

    def make():
        engines.append(sa.create_engine(postgres_database(ready=True)))
        connections.append(engines[-1].connect())
        return SQLStore(connections[-1])

    check_store(make)
    for connection, engine in zip(connections, engines, strict=True):
        connection.close()
        engine.dispose()


def test_a_hosts_connection_is_the_hosts(engine):
    """On a host's connection nothing is committed before the host does."""
    with engine.connect() as connection:
        store = SQLStore(connection)
        connection.commit()
        store.put_candidates([Candidate(id="ada")])
        connection.rollback()
        rolled_back = ids(store)
        connection.exec_driver_sql("create table host (n integer)")
        assert store.settle_touch(TOUCH) is False
        store.put_candidates([Candidate(id="eve")])
        connection.commit()
        connection.rollback()
        left = ids(store)
    assert (rolled_back, left) == ([], ["eve"])
    assert sa.inspect(engine).has_table("host")


def test_two_stores_race(postgres_url, opened):
    """Of eight threads on two stores, exactly one wins each touch."""
    stores = [opened(postgres_url), opened(postgres_url)]
    start = threading.Barrier(8)

    def claim(number):
        start.wait()
        mine = [attrs.evolve(TOUCH, touch=f"t{n}", detail=str(number)) for n in range(50)]
        return [record.touch for record in mine if stores[number % 2].claim_touch(record) is None]

    with ThreadPoolExecutor(8) as pool:
        won = list(itertools.chain.from_iterable(pool.map(claim, range(8))))
    assert sorted(won) == sorted(f"t{n}" for n in range(50))
    assert len(stores[0].touches()) == 50


def test_two_stores_open_a_new_database_at_once(postgres_url):
    """Eight threads that open the same new database find or make the same tables."""
    start = threading.Barrier(8)

    def use(number):
        start.wait()
        with SQLStore(postgres_url) as store:
            store.put_candidates([Candidate(id=str(number))])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(use, range(8)))
    with SQLStore(postgres_url) as store:
        assert ids(store) == [str(number) for number in range(8)]


def test_readers_do_not_wait(postgres_url, opened):
    """While one thread is in a transaction, another reads what was there before it."""
    store = opened(postgres_url)
    store.put_candidates([Candidate(id="ada")])
    with store.transaction(), ThreadPoolExecutor(1) as pool:
        store.put_candidates([Candidate(id="bob")])
        elsewhere = pool.submit(ids, store).result(timeout=5)
        here = ids(store)
    assert (elsewhere, here) == (["ada"], ["ada", "bob"])


def test_another_thread_is_not_in_my_transaction(postgres_url, opened):
    """What another thread writes meanwhile is not taken back with a transaction that fails."""
    store = opened(postgres_url)
    done = threading.Event()

    def write():
        store.put_candidates([Candidate(id="bob")])
        done.set()

    other = threading.Thread(target=write)
    with pytest.raises(ZeroDivisionError), store.transaction():  # noqa: PT012
        store.put_candidates([Candidate(id="ada")])
        other.start()
        done.wait(5)
        raise ZeroDivisionError
    other.join()
    assert ids(store) == ["bob"]


@pytest.mark.parametrize(
    ("name", "index"),
    [("due", "crmkit_memberships_next_change"), ("agenda", "crmkit_agenda_due")],
)
def test_what_is_due_is_found_by_an_index(name, index, engine):
    """What is due can be read in order from an index: nothing is sorted."""
    store, told = SQLStore(engine), []
    sa.event.listen(engine, "before_cursor_execute", lambda *call: told.append(call[2:4]))
    assert list(getattr(store, name)(AT)) == []
    statement, values = next(each for each in told if each[0].startswith("SELECT"))
    with engine.connect() as connection:
        # An empty table is quicker to read than any index.
        connection.exec_driver_sql("SET enable_seqscan = off; SET enable_bitmapscan = off")
        plan = connection.exec_driver_sql(f"EXPLAIN {statement}", values).scalars().all()
    shown = "\n".join(plan)
    assert f"using {index}" in shown
    assert "Sort" not in shown


def test_texts_sort_by_code_point(postgres_url, opened):
    """People come in the same order as from the other stores, whatever the server's locale."""
    store = opened(postgres_url)
    store.put_candidates([Candidate(id=key) for key in ("é", "b", "a", "B", "Z", "_")])
    assert ids(store) == ["B", "Z", "_", "a", "b", "é"]
