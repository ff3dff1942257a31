"""What goes wrong with databases, and what the store says then."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, InvalidRequestError, OperationalError
from sqlalchemy.pool import StaticPool

from crmkit.errors import InvalidRecord, StoreError
from crmkit.model import Candidate, Interaction, Reason
from crmkit.segmentation import Membership
from crmkit.stores import SQLStore
from crmkit.stores._sql_faults import translated

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "talent.db"


@pytest.fixture
def made(path):
    with SQLStore(f"sqlite:///{path}") as store:
        store.put_candidates([Candidate(id="ada")])
    return path


def fault(target, **options):
    with pytest.raises(StoreError) as caught:
        SQLStore(target, **options)
    return str(caught.value)


def alter(path, *statements):
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_file_that_is_no_database(path):
    """A file of another kind is named as such, and left as it is."""
    path.write_bytes(b"id,name\n" * 200)
    message = fault(f"sqlite:///{path}")
    assert f"{path}: it is not an SQLite database, or it is damaged" in message
    assert path.read_bytes() == b"id,name\n" * 200


def test_a_damaged_database(made):
    """A file that was cut in half is damaged."""
    data = made.read_bytes()
    made.write_bytes(data[: len(data) // 2 // 4096 * 4096] + b"\xff" * 5000)
    message = ""
    try:
        with SQLStore(f"sqlite:///{made}") as store:
            store.put_candidates([Candidate(id=str(n)) for n in range(500)])
            store.transitions()
    except StoreError as error:
        message = str(error)
    assert "damaged" in message


def test_a_missing_directory(tmp_path):
    """The advice is to create the directory."""
    message = fault(f"sqlite:///{tmp_path / 'nowhere' / 'talent.db'}")
    assert "it cannot be opened; create its directory first" in message


def test_a_locked_database(made):
    """Somebody else's lock is waited for, then named."""
    other = sqlite3.connect(made, isolation_level=None)
    with SQLStore(f"sqlite:///{made}", timeout=0.05) as store:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another program is writing to it; close") as caught:
            store.put_candidates([Candidate(id="bob", name="Robert")])
        other.execute("ROLLBACK")
        store.put_candidates([Candidate(id="bob")])
        assert [candidate.id for candidate in store.candidates()] == ["ada", "bob"]
    other.close()
    assert "Robert" not in repr(caught.value) + repr(caught.value.__cause__)


def test_a_locked_new_database(path):
    """A lock on a file that has no tables yet is named, too."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    message = fault(f"sqlite:///{path}", timeout=0.05)
    other.close()
    assert "another program is writing to it" in message


def test_a_read_only_database(made):
    """A read-only database can be read; writing says what to do."""
    with SQLStore(f"sqlite:///file:{made}?mode=ro&uri=true") as store:
        assert [candidate.id for candidate in store.candidates()] == ["ada"]
        with pytest.raises(StoreError, match="it cannot be written; give yourself write perm"):
            store.put_candidates([Candidate(id="bob")])


def test_a_read_only_database_without_tables(path):
    """Tables cannot be made in a read-only database."""
    alter(path, "create table other (n integer)")
    assert "it cannot be written" in fault(f"sqlite:///file:{path}?mode=ro&uri=true")


def test_a_full_disk(path):
    """When the disk is full, the call is taken back and the store goes on working."""
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=StaticPool)
    store = SQLStore(engine)
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreError, match="the disk is full; make room"):
        store.put_candidates([Candidate(id=str(n), summary="x" * 900) for n in range(100)])
    assert list(store.candidates()) == []
    store.put_candidates([Candidate(id="ada")])
    assert [candidate.id for candidate in store.candidates()] == ["ada"]
    engine.dispose()


def test_another_schema_version(made):
    """Tables of another version are refused, whichever way the store is opened."""
    alter(made, "update crmkit_meta set value = '7' where key = 'schema'")
    message = fault(f"sqlite:///{made}")
    assert "its tables have schema version 7, this crmkit needs 2" in message
    assert message == fault(f"sqlite:///{made}", create=False)


def test_a_missing_column(made):
    """A table of ours that lacks a column was not made by us."""
    alter(made, "alter table crmkit_roles rename column document to text")
    assert "table crmkit_roles has no column 'document'" in fault(f"sqlite:///{made}")


def test_missing_tables(path):
    """With create=False nothing is made; the error says how to."""
    message = fault(f"sqlite:///{path}", create=False)
    assert "no table crmkit_" in message
    assert "create=True" in message
    assert "crmkit.stores.sql.metadata" in message


def test_one_missing_table_is_made_again(made):
    """With create=True a table that is missing is made, and the others are kept."""
    alter(made, "drop table crmkit_touches")
    with SQLStore(f"sqlite:///{made}") as store:
        assert [candidate.id for candidate in store.candidates()] == ["ada"]
        assert store.touches() == []


def test_tables_that_vanish(path):
    """Tables that somebody drops later are missed in words."""
    with SQLStore(f"sqlite:///{path}") as store:
        alter(path, "drop table crmkit_roles")
        with pytest.raises(StoreError, match="its tables are not those of this crmkit"):
            store.roles()


def test_a_damaged_record(made):
    """A record that somebody edited is named by its owner and the path to the fault."""
    alter(made, """update crmkit_candidates set document = '{"id":"ada","emails":["x"]}'""")
    with (
        SQLStore(f"sqlite:///{made}") as store,
        pytest.raises(StoreError, match=r"a Candidate kept for 'ada' is damaged \(emails\[0\]: "),
    ):
        store.get_candidates(["ada"])


def test_a_closed_store(path):
    """A closed store says so, rather than opening an empty one."""
    store = SQLStore("sqlite://")
    store.close()
    with pytest.raises(StoreError, match="sqlite://: this store was closed; open another"):
        store.roles()
    with pytest.raises(StoreError, match="closed"), store.transaction():
        pass


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("talent.db", "expected a database URL such as 'sqlite:///talent.db'"),
        ("postgresql://ada:secret@host:port/db", "expected a database URL"),
        ("nosuch://ada:secret@host/db", "nosuch://ada:***@host/db: SQLAlchemy knows no such kind"),
        (Path("talent.db"), "expected a database URL, an SQLAlchemy Engine or a Connection, got"),
    ],
)
def test_targets_that_are_none(target, message):
    """What is not a database is said without its password."""
    said = fault(target)
    assert message in said
    assert "secret" not in said


def test_a_missing_driver():
    """The command that installs the driver is in the message."""
    message = fault("mysql+aiomysql://ada:secret@host/db")
    assert message == (
        "mysql+aiomysql://ada:***@host/db: its driver is missing; pip install aiomysql"
    )


def test_options_that_the_driver_does_not_know(path):
    """A nonsense option in the URL is said to be one."""
    message = fault(f"sqlite:///{path}?timeout=soon")
    assert f"{path}" in message


def test_another_kind_of_database():
    """Databases that crmkit was not written for are refused before anything is done."""
    engine = sa.create_engine("mysql://host/db", module=sqlite3)
    assert "crmkit knows sqlite and postgresql, not mysql" in fault(engine)


def test_records_that_json_cannot_hold(path):
    """Such a record is refused before anything is stored."""
    odd = Interaction(candidate_id="ada", kind="met", at=AT, id="odd", properties={"n": 10**5000})
    good = Interaction(candidate_id="ada", kind="met", at=AT)
    with SQLStore(f"sqlite:///{path}") as store:
        with pytest.raises(InvalidRecord, match="digits"):
            store.append_interactions([good, odd])
        assert store.interactions(["ada"]) == []


def test_texts_that_utf8_cannot_hold(path):
    """A lone surrogate in a key is a fault in words."""
    member = Membership(segment="\ud800", candidate_id="ada", since=AT, because=Reason("r"))
    with (
        SQLStore(f"sqlite:///{path}") as store,
        pytest.raises(StoreError, match="characters that UTF-8 cannot"),
    ):
        store.change_memberships([member], [])


@pytest.mark.parametrize(
    ("complaint", "advice"),
    [
        ("disk I/O error", "the disk cannot be read or written"),
        ("connection failed: Connection refused\nmore", "its server does not answer"),
        ("something new\nwith DETAIL", "something new"),
        ("", "the driver gives no reason"),
    ],
)
def test_what_drivers_say(complaint, advice):
    """A driver's complaint becomes advice, or at least its first line."""
    with pytest.raises(StoreError) as caught, translated("sqlite:///x.db"):
        raise OperationalError("select 1", {"name": "Ada"}, sqlite3.OperationalError(complaint))
    said = str(caught.value)
    assert said.startswith(f"sqlite:///x.db: {advice}")
    assert not {"more", "DETAIL", "Ada"} & set(said.split())


def test_what_sqlalchemy_says():
    """A fault in SQLAlchemy itself is one of the store."""
    said = pytest.raises(StoreError, match="InvalidRequestError in the database driver")
    with said, translated("sqlite:///x.db"):
        raise InvalidRequestError("about Ada")


def test_the_hosts_own_errors_pass(path):
    """An error of the host's own database inside a transaction is not called ours."""
    theirs = DBAPIError("select", None, sqlite3.OperationalError("database is locked"))
    with SQLStore(f"sqlite:///{path}") as store:
        with pytest.raises(DBAPIError), store.transaction():  # noqa: PT012
            store.put_candidates([Candidate(id="ada")])
            raise theirs
        assert list(store.candidates()) == []
