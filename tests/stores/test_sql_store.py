"""The store in an SQL database."""

import gc
import itertools
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import attrs
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateTable

from crmkit.cadence import TouchRecord
from crmkit.model import Candidate, Interaction, Reason
from crmkit.segmentation import Membership
from crmkit.stores import SQLStore, _sql_schema, _sql_write
from crmkit.stores.sql import metadata
from crmkit.testing import check_store

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
TOUCH = TouchRecord(
    enrollment_id="e", rotation=0, touch="t", candidate_id="c", state="sending", due_at=AT, at=AT
)


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'talent.db'}"


@pytest.fixture
def opened():
    stores = []
    yield lambda *args, **options: stores.append(SQLStore(*args, **options)) or stores[-1]
    for store in stores:
        store.close()


@pytest.fixture
def engine(url):
    engine = sa.create_engine(url)
    yield engine
    engine.dispose()


def ids(store):
    return [candidate.id for candidate in store.candidates()]


def test_a_file_is_a_store(tmp_path, opened):
    """A store in an SQLite file does all that is asked of a store."""
    numbers = itertools.count()
    check_store(lambda: opened(f"sqlite:///{tmp_path / f'{next(numbers)}.db'}"))


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_memory_is_a_store(url, opened):
    """A store in SQLite's memory does, too, with all threads on one connection."""
    check_store(lambda: opened(url))


def test_a_hosts_engine_is_a_store(tmp_path):
    """So does a store on an engine that the host made."""
    engines = []

    def make():
        engines.append(sa.create_engine(f"sqlite:///{tmp_path / f'{len(engines)}.db'}"))
        return SQLStore(engines[-1])

    check_store(make)
    for engine in engines:
        engine.dispose()


def test_a_hosts_connection_is_a_store(tmp_path):
    """So does a store on a connection that the host opened."""
    engines, connections = [], []

    def make():
        path = tmp_path / f"{len(engines)}.db"
        options = {"connect_args": {"check_same_thread": False}}
        engines.append(sa.create_engine(f"sqlite:///{path}", **options))
        connections.append(engines[-1].connect())
        return SQLStore(connections[-1])

    check_store(make)
    for connection, engine in zip(connections, engines, strict=True):
        connection.close()
        engine.dispose()


def test_what_was_put_is_there_next_time(url):
    """A file keeps what was put into it, and is opened again without create."""
    with SQLStore(url) as store:
        store.put_candidates([Candidate(id="ada")])
    with SQLStore(url, create=False) as store:
        assert ids(store) == ["ada"]


def test_a_hosts_connection_is_the_hosts(engine):
    """On a host's connection nothing is committed before the host does, and it stays open."""
    with engine.connect() as connection:
        store = SQLStore(connection)
        connection.commit()
        store.put_candidates([Candidate(id="ada")])
        with store.transaction():
            store.put_candidates([Candidate(id="bob")])
        connection.rollback()
        rolled_back = ids(store)
        store.put_candidates([Candidate(id="eve")])
        connection.commit()
        connection.rollback()
        store.close()
        left = connection.execute(sa.select(_sql_schema.candidates.c.id)).scalars().all()
    assert (rolled_back, left) == ([], ["eve"])


class Break(Exception):  # noqa: N818
    """Raised to take a transaction back."""


def test_a_host_can_put_our_changes_into_its_transaction(engine):
    """What the host did in its transaction stays when a call of ours fails."""
    with engine.begin() as connection:
        store = SQLStore(connection)
        connection.exec_driver_sql("create table host (n integer)")
        connection.exec_driver_sql("insert into host values (1)")
        with suppress(Break), store.transaction():
            store.put_candidates([Candidate(id="bob")])
            raise Break
        store.put_candidates([Candidate(id="ada")])
    with engine.connect() as connection:
        assert connection.exec_driver_sql("select n from host").scalars().all() == [1]
        assert ids(SQLStore(connection)) == ["ada"]


def test_a_hosts_engine_stays_open(engine):
    """Closing the store leaves the host's engine as it is."""
    store = SQLStore(engine)
    store.close()
    with engine.connect() as connection:
        assert sa.inspect(connection).has_table("crmkit_candidates")


def test_a_host_runs_the_migrations(engine):
    """Tables made from the published metadata are enough, also without a stated version."""
    metadata.create_all(engine)
    with SQLStore(engine, create=False) as store:
        store.put_candidates([Candidate(id="ada")])
        assert ids(store) == ["ada"]


def test_every_table_has_our_prefix():
    """The host's own tables and ours cannot meet."""
    assert {name[:7] for name in metadata.tables} == {"crmkit_"}


def test_columns_can_be_searched(url):
    """What is searched and sorted by stands in columns, instants in UTC to the microsecond."""
    at = datetime(2026, 1, 5, 9, 0, 0, 7, tzinfo=UTC)
    member = Membership(
        segment="warm", candidate_id="ada", since=at, because=Reason("r"), next_change=None
    )
    with SQLStore(url) as store:
        store.change_memberships([member, attrs.evolve(member, segment="x", next_change=at)], [])
    engine = sa.create_engine(url)
    columns = _sql_schema.memberships.c
    due = sa.select(columns.since, columns.next_change).order_by(columns.segment)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(due)]
        raw = connection.exec_driver_sql("select since from crmkit_memberships").scalars().all()
    engine.dispose()
    assert found == [(at, None), (at, at)]
    assert set(raw) == {"2026-01-05T09:00:00.000007+00:00"}


def test_what_is_due_is_found_by_an_index(url):
    """What is due is read in order from an index: nothing else is looked at, nothing sorted."""
    with SQLStore(url) as store:
        engine, told = sa.create_engine(url), []
        sa.event.listen(
            store._database._engine,
            "before_cursor_execute",
            lambda *call: told.append(call[2:4]),
        )
        assert store.due(AT, 7) == []
    [(statement, values)] = [each for each in told if "next_change <=" in each[0]]
    with engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
    engine.dispose()
    assert [row[-1] for row in plan] == [
        "SEARCH crmkit_memberships USING INDEX crmkit_memberships_next_change (next_change<?)"
    ]


def test_instants_elsewhere():
    """Databases with a type for instants are given and give instants."""
    kind, dialect = _sql_schema.Instant(), postgresql.dialect()
    there = AT.astimezone(datetime.strptime("+0530", "%z").tzinfo)
    assert kind.process_bind_param(AT, dialect) == AT
    assert kind.process_result_value(there, dialect).isoformat() == AT.isoformat()
    assert kind.load_dialect_impl(dialect).timezone


def test_tables_in_postgresql():
    """Tables sort by code point and keep instants as such in PostgreSQL."""
    dialect = postgresql.dialect()
    created = str(CreateTable(_sql_schema.interactions).compile(dialect=dialect))
    assert 'id VARCHAR COLLATE "C" NOT NULL' in created
    assert "occurred_at TIMESTAMP WITH TIME ZONE NOT NULL" in created


class Recorder:
    """A connection that only notes what PostgreSQL would be told."""

    dialect = postgresql.dialect()

    def __init__(self):
        self.told = []

    def execute(self, statement, rows):
        self.told.append(" ".join(str(statement.compile(dialect=self.dialect)).split()))
        return sa.engine.IteratorResult(sa.engine.result.SimpleResultMetaData(["id"]), iter(rows))


def test_what_postgresql_is_told():
    """PostgreSQL is told to say which rows are new, and to replace by the whole key."""
    connection = Recorder()
    row = {"id": "a", "document": "{}"}
    counted = _sql_write.insert_new(connection, _sql_schema.roles, [row])
    _sql_write.insert_or_replace(connection, _sql_schema.roles, [row])
    assert counted == 1
    assert connection.told[0].endswith("ON CONFLICT DO NOTHING RETURNING crmkit_roles.id")
    assert connection.told[1].endswith(
        "ON CONFLICT (id) DO UPDATE SET document = excluded.document"
    )


@pytest.mark.skipif(sqlite3.sqlite_version_info < (3, 35), reason="needs RETURNING")
def test_counting_by_what_comes_back():
    """The way of counting new rows that PostgreSQL takes counts rightly."""
    engine = sa.create_engine("sqlite://")
    statement = sqlite.insert(_sql_schema.roles).on_conflict_do_nothing()
    rows = [{"id": key, "document": "{}"} for key in "aab"]
    with engine.begin() as connection:
        metadata.create_all(connection)
        counted = [
            _sql_write.insert_returning(connection, _sql_schema.roles, statement, rows)
            for _ in range(2)
        ]
    engine.dispose()
    assert counted == [2, 0]


def test_settling_what_nobody_claimed(opened):
    """What was never claimed cannot be settled."""
    assert opened("sqlite://").settle_touch(TOUCH) is False


def test_two_stores_on_one_file_race(url, opened):
    """Of eight threads on two stores that share a file, exactly one wins each touch."""
    stores = [opened(url), opened(url)]
    start = threading.Barrier(8)

    def claim(number):
        start.wait()
        mine = [attrs.evolve(TOUCH, touch=f"t{n}", detail=str(number)) for n in range(50)]
        return [record.touch for record in mine if stores[number % 2].claim_touch(record) is None]

    with ThreadPoolExecutor(8) as pool:
        won = list(itertools.chain.from_iterable(pool.map(claim, range(8))))
    assert sorted(won) == sorted(f"t{n}" for n in range(50))
    assert len(stores[0].touches()) == 50


def test_two_stores_open_a_new_file_at_once(url):
    """Eight threads that open the same new file find or make the same tables."""
    start = threading.Barrier(8)

    def use(number):
        start.wait()
        with SQLStore(url) as store:
            store.put_candidates([Candidate(id=str(number))])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(use, range(8)))
    with SQLStore(url) as store:
        assert ids(store) == [str(number) for number in range(8)]


def test_readers_do_not_wait(url, opened):
    """While one thread is in a transaction, another reads what was there before it."""
    store = opened(url)
    store.put_candidates([Candidate(id="ada")])
    with store.transaction(), ThreadPoolExecutor(1) as pool:
        store.put_candidates([Candidate(id="bob")])
        elsewhere = pool.submit(ids, store).result(timeout=5)
        here = ids(store)
    assert (elsewhere, here) == (["ada"], ["ada", "bob"])


@pytest.mark.parametrize("place", ["file", "memory"])
def test_another_thread_is_not_in_my_transaction(place, url, opened):
    """What another thread writes meanwhile is not taken back with a transaction that fails."""
    store = opened(url if place == "file" else "sqlite://")
    started = threading.Event()

    def write():
        started.set()
        store.put_candidates([Candidate(id="bob")])

    other = threading.Thread(target=write)
    with pytest.raises(ZeroDivisionError), store.transaction():  # noqa: PT012
        store.put_candidates([Candidate(id="ada")])
        other.start()
        started.wait()
        raise ZeroDivisionError
    other.join()
    assert ids(store) == ["bob"]


def test_many_people_at_once(opened):
    """A call may be given more than a batch of people; reading pages through them."""
    store = opened("sqlite://")
    many = [Candidate(id=f"{n:05}", emails=[f"{n}@example.org"]) for n in range(1201)]
    store.put_candidates(many)
    store.put_candidates(many)
    facts = [
        Interaction(candidate_id="00000", kind="met", at=AT + timedelta(seconds=n))
        for n in range(1201)
    ]
    assert (store.append_interactions(facts), store.append_interactions(facts)) == (1201, 0)
    assert list(store.candidates()) == many
    assert store.find_candidates(["email:7@example.org"]) == {
        "email:7@example.org": frozenset({"00007"})
    }


def test_its_repr_hides_the_password(engine):
    """The repr names the database."""
    shown = repr(SQLStore(engine))
    assert shown.startswith("SQLStore('sqlite:///")


def test_a_store_that_nobody_closed(url):
    """A store that is dropped closes its files: no warning about open ones."""
    store = SQLStore(url)
    store.put_candidates([Candidate(id="ada")])
    del store
    gc.collect()
    with SQLStore(url) as store:
        store.close()
        store.close()


def run(code):
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    return done.stdout.strip() or done.stderr


def test_sqlalchemy_is_imported_late():
    """The package of stores can be imported without SQLAlchemy."""
    assert run("import crmkit.stores, sys; print('sqlalchemy' in sys.modules)") == "False"


@pytest.mark.parametrize("module", ["crmkit.stores", "crmkit.stores.sql"])
def test_a_missing_sqlalchemy_is_named(module):
    """Without SQLAlchemy the error is the command that installs it."""
    code = f"""
import sys
sys.modules["sqlalchemy"] = None
from crmkit.errors import MissingExtra
try:
    from {module} import SQLStore
except MissingExtra as error:
    print(error)
"""
    assert run(code) == "SQLStore needs an extra: pip install 'crmkit[sql]'"
