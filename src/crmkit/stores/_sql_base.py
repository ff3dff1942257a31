"""What all parts of the store read with: records kept as documents."""

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any, TypeVar, cast

import sqlalchemy as sa

from crmkit.codec import loads
from crmkit.errors import InvalidDocument, StoreError
from crmkit.stores._sql_connection import Database

R = TypeVar("R")


class Tables:
    """A database, and reading records from it."""

    _database: Database

    def _rows(self, statement: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        with self._database.reading() as connection:
            return connection.execute(statement).all()

    def _about(
        self,
        cls: type[R],
        table: sa.Table,
        candidate_ids: Collection[str] | None,
        order: tuple[str, ...],
        *wanted: sa.ColumnElement[bool],
    ) -> list[R]:
        return self._read(cls, table, table.c.candidate_id, candidate_ids, order, *wanted)

    def _read(
        self,
        cls: type[R],
        table: sa.Table,
        owner: sa.Column[Any],
        owners: Collection[str] | None,
        order: tuple[str, ...] = (),
        *wanted: sa.ColumnElement[bool],
    ) -> list[R]:
        statement = sa.select(table.c.document, owner).where(*wanted)
        statement = statement.order_by(*(table.c[name] for name in order))
        if owners is not None:
            statement = statement.where(owner.in_(set(owners)))
        return self._records(cls, statement)

    def _records(self, cls: type[R], statement: sa.Select[Any]) -> list[R]:
        with self._database.reading() as connection:
            rows = connection.execute(statement).all()
        found, kind = [], cast("Any", cls)
        for document, owner in rows:
            try:
                found.append(_decoded(kind, document))
            except InvalidDocument as error:
                raise StoreError(
                    f"{self._database.name}: a {cls.__name__} kept for {owner!r} is damaged "
                    f"({error}); restore a backup"
                ) from None
        return found


@lru_cache(maxsize=2**15)
def _decoded(cls: Any, document: str) -> Any:
    """Read one record; one that was read on the last pass over the people need not be again."""
    return loads(cls, document)
