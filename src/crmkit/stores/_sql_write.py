"""Inserting many rows, with the two answers to those that are there already."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

Rows = Sequence[Mapping[str, Any]]


def insert_new(connection: Connection, table: Table, rows: Rows) -> int:
    """Insert the rows whose key is new; return how many were."""
    if not rows:
        return 0
    statement = insert(connection.dialect.name, table).on_conflict_do_nothing()
    if connection.dialect.name == "sqlite":
        options = {"preserve_rowcount": True}
        return connection.execute(statement, rows, execution_options=options).rowcount
    return insert_returning(connection, table, statement, rows)


def insert_returning(connection: Connection, table: Table, statement: Any, rows: Rows) -> int:
    """Count by what comes back: not every driver adds up the rows of many statements."""
    returning = statement.returning(*table.primary_key.columns)
    return len(connection.execute(returning, rows).all())


def insert_or_replace(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert the rows; one whose key is there already takes its place."""
    if not rows:
        return
    statement = insert(connection.dialect.name, table)
    key = {column.name for column in table.primary_key.columns}
    others = {name: statement.excluded[name] for name in table.c.keys() if name not in key}  # noqa: SIM118 - a column collection
    connection.execute(
        statement.on_conflict_do_update(index_elements=sorted(key), set_=others), rows
    )


def insert_or_count(
    connection: Connection, table: Table, rows: Rows, counter: str, *, keep: Collection[str] = ()
) -> None:
    """Insert the rows; one whose key is there takes its place, and adds 1 to its *counter*.

    What is in the columns *keep* stays.
    """
    if not rows:
        return
    statement = insert(connection.dialect.name, table)
    key = {column.name for column in table.primary_key.columns}
    stays = {*key, *keep}
    others: dict[str, Any] = {
        name: statement.excluded[name] for name in rows[0] if name not in stays
    }
    others[counter] = table.c[counter] + 1
    connection.execute(
        statement.on_conflict_do_update(index_elements=sorted(key), set_=others), rows
    )


def insert(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return the insertion that knows what to do about rows that are there already."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
