"""A store in an SQL database: SQLite by default, PostgreSQL for more (``crmkit[sql]``)."""

from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Self

try:
    import sqlalchemy as sa
except ModuleNotFoundError:
    from crmkit.errors import MissingExtra

    raise MissingExtra("sql", "SQLStore") from None

from crmkit.protocols import Store
from crmkit.stores._sql_agenda import Agenda
from crmkit.stores._sql_cadences import Cadences
from crmkit.stores._sql_connection import Database
from crmkit.stores._sql_people import People
from crmkit.stores._sql_schema import metadata
from crmkit.stores._sql_segments import Segments
from crmkit.stores._sql_setup import prepare
from crmkit.stores._sql_suppression import KeepsNoMore

__all__ = ["SQLStore", "metadata"]


class SQLStore(People, Segments, Cadences, Agenda, KeepsNoMore, Store):
    """Keeps everything in tables named ``crmkit_…``.

    *target* is a database URL (``sqlite:///talent.db``; ``sqlite://`` for one in memory), or an
    SQLAlchemy engine or connection of the host. On a connection that the host hands in, nothing
    is committed: the host does, and a call that fails takes back only itself. With
    ``create=False`` the tables of `metadata` must be there already, made by the host's migrations.
    *timeout* is how many seconds to wait for somebody else's lock on an SQLite file, *idle* how
    many a transaction may stand still before PostgreSQL ends it and frees what it has locked;
    ``durable=False`` leaves it to the system when that file is written to the disk, quicker, for
    simulations: a process that dies loses nothing, a power failure may.

    Threads may share a store; so may processes, each with its own on the same database.
    Every fault of the database is a `StoreError` that names it, without the password.

    >>> from crmkit.model import Candidate
    >>> with SQLStore("sqlite://") as store:
    ...     store.put_candidates([Candidate(id="ada", skills=["python"])])
    ...     store.get_candidates(["ada", "bob"])
    {'ada': Candidate(id='ada')}
    """

    def __init__(
        self,
        target: str | sa.URL | sa.Engine | sa.Connection,
        *,
        create: bool = True,
        timeout: float = 30.0,
        idle: float = 60.0,
        durable: bool = True,
    ) -> None:
        self._database = Database(target, timeout=timeout, idle=idle, durable=durable)
        try:
            prepare(self._database, create=create)
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        return f"SQLStore({self._database.name!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def commits(self) -> bool:
        """Whether what is changed is committed here; False on a connection of the host."""
        return self._database.commits

    def close(self) -> None:
        """Close the connections that the store opened; those of the host stay open."""
        self._database.close()

    def transaction(self) -> AbstractContextManager[Any]:
        """Make all calls of this thread inside the block land together, or none of them.

        Inside another one it is a part of it, which can fail by itself. An SQLite file is locked
        for other writers from its beginning to its end.
        """
        return self._database.transaction()
