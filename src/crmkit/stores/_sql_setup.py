"""Creating the tables, and making sure that they are the right ones."""

from contextlib import suppress

from sqlalchemy import Connection, Table, func, inspect, select
from sqlalchemy.exc import OperationalError

from crmkit.errors import StoreError
from crmkit.stores._sql_connection import Database
from crmkit.stores._sql_schema import SCHEMA_VERSION, meta, metadata

_SETTING_UP = 0x63726D6B6975
"""The advisory lock under which tables are made: the one beside that of captures."""


def prepare(database: Database, *, create: bool) -> None:
    """Make sure that the tables are there and are those of this crmkit, or raise `StoreError`."""
    with database.reading() as connection:
        missing = _missing(connection, database.name)
        _check_version(connection, database.name, missing)
    if not missing:
        return
    if not create:
        raise StoreError(
            f"{database.name}: no table {missing[0].name}; open it once with create=True, or "
            "create crmkit.stores.sql.metadata in a migration"
        )
    if database.owned and database.dialect == "sqlite":
        _write_ahead(database)
    with database.writing() as connection:
        if database.dialect == "postgresql":  # there, IF NOT EXISTS races with itself
            connection.execute(select(func.pg_advisory_xact_lock(_SETTING_UP)))
        metadata.create_all(connection)
        if connection.execute(select(meta.c.value).where(meta.c.key == "schema")).first() is None:
            connection.execute(meta.insert(), {"key": "schema", "value": SCHEMA_VERSION})


def _missing(connection: Connection, name: str) -> list[Table]:
    """Return the tables that are not there; one that is there must have all our columns."""
    inspector = inspect(connection)
    there = set(inspector.get_table_names())
    for table in metadata.sorted_tables:
        if table.name in there:
            columns = {column["name"] for column in inspector.get_columns(table.name)}
            if absent := sorted(set(table.c.keys()) - columns):
                raise StoreError(
                    f"{name}: table {table.name} has no column {absent[0]!r}, so it was not made "
                    "by this crmkit; migrate it, or name another database"
                )
    return [table for table in metadata.sorted_tables if table.name not in there]


def _check_version(connection: Connection, name: str, missing: list[Table]) -> None:
    """Refuse tables of another version; hosts that migrate by themselves may state none."""
    if meta in missing:
        return
    found = connection.execute(select(meta.c.value).where(meta.c.key == "schema")).scalar()
    if found not in {None, SCHEMA_VERSION}:
        raise StoreError(
            f"{name}: its tables have schema version {found}, this crmkit needs "
            f"{SCHEMA_VERSION}; migrate them, or install the crmkit that made them"
        )


def _write_ahead(database: Database) -> None:
    """Switch a new SQLite file to its write-ahead log, so that readers never wait for a writer."""
    # Somebody else who opens the same new file is doing it, then.
    with database.reading() as connection, suppress(OperationalError):
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
