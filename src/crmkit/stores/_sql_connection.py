"""Connections and transactions: the store's own, or those of the host."""

import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any

from sqlalchemy import URL, Connection, Engine, Transaction, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from crmkit.errors import StoreError
from crmkit.stores._sql_faults import translated

DIALECTS = ("sqlite", "postgresql")
_LIBPQ = frozenset({"postgresql", "postgresql+psycopg", "postgresql+psycopg2"})
"""The drivers that hand options on to the server."""


class Database:
    """One database, given as a URL, an engine or a connection.

    An engine or a connection stays the host's: it is not configured and not closed, and on a
    connection nothing is committed.
    """

    def __init__(
        self,
        target: str | URL | Engine | Connection,
        *,
        timeout: float,
        idle: float,
        durable: bool = True,
    ) -> None:
        self.owned = not isinstance(target, Engine | Connection)
        self._host = target if isinstance(target, Connection) else None
        self._engine = (
            target.engine
            if isinstance(target, Engine | Connection)
            else _open(target, timeout, idle)
        )
        if self.owned and not durable:
            event.listen(self._engine, "connect", _leave_the_disk_to_the_system)
        if self.owned:
            event.listen(self._engine, "connect", _overwrite_what_is_deleted)
        self.name = self._engine.url.render_as_string(hide_password=True)
        self.dialect = self._engine.dialect.name
        self._closed = False
        self._thread = threading.local()
        # One connection for all threads: they take turns.
        shared = self._host is not None or isinstance(self._engine.pool, StaticPool)
        self._turn: AbstractContextManager[Any] = threading.RLock() if shared else nullcontext()
        if self.dialect not in DIALECTS:
            known = " and ".join(DIALECTS)
            raise StoreError(f"{self.name}: crmkit knows {known}, not {self.dialect}")
        # A store that nobody closed would leave open files behind.
        self._finalizer = weakref.finalize(self, self._engine.dispose) if self.owned else None

    @property
    def commits(self) -> bool:
        """Whether what a transaction changed is kept when it ends; a host's is for it to commit."""
        return self._host is None

    def close(self) -> None:
        """Close what this store opened; harmless when repeated."""
        self._closed = True
        if self._finalizer:
            self._finalizer()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection to read from."""
        with self._turn, translated(self.name), ExitStack() as stack:
            yield self._inside() or stack.enter_context(self._engine.connect())

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection for one change, which lands whole or not at all.

        Inside a transaction of this store it lands, or falls, with that one.
        """
        if pinned := getattr(self._thread, "connection", None):
            with translated(self.name):
                yield pinned
            return
        with self.transaction() as connection, translated(self.name):
            yield connection

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Pin this thread to one connection; what it changes lands together, or not at all.

        Inside another transaction it is a savepoint. Errors of the block are passed on as they
        are: they need not be this database's.
        """
        with self._turn:
            inside = self._inside()
            if inside is not None:
                with translated(self.name):
                    _begin(inside)
                with self._part(inside, inside.begin_nested):
                    yield inside
                return
            with translated(self.name):
                connection = self._engine.connect()
            try:
                with self._part(connection, connection.begin):
                    with translated(self.name):
                        _begin(connection)
                    self._thread.connection = connection
                    yield connection
            finally:
                self._thread.connection = None
                with translated(self.name):
                    connection.close()

    @contextmanager
    def _part(self, connection: Connection, begin: Callable[[], Transaction]) -> Iterator[None]:
        """Begin a transaction or a savepoint; keep what the block does, or take it back."""
        with translated(self.name):
            part = begin()
        try:
            yield
        except BaseException:
            # The error of the block is the one that counts. A database whose disk is full has
            # undone more than its savepoint by itself: then the connection is of no use any
            # more, or the rest of the outer block would land alone.
            try:
                part.rollback()
            except SQLAlchemyError:
                if not self._host:
                    connection.invalidate()
            raise
        with translated(self.name):
            part.commit()

    def _inside(self) -> Connection | None:
        if self._closed:
            raise StoreError(f"{self.name}: this store was closed; open another")
        return self._host or getattr(self._thread, "connection", None)


def _begin(connection: Connection) -> None:
    """Take SQLite's write lock now, unless the host began a transaction.

    Python's sqlite3 begins by itself only at the first change: what was read before could be
    stale by then, and a savepoint would be committed when it is released.
    """
    raw: Any = connection.connection.dbapi_connection
    if isinstance(raw, sqlite3.Connection) and not raw.in_transaction:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _overwrite_what_is_deleted(raw: Any, _: object) -> None:
    # Some builds of SQLite do, others leave what was erased in the free parts of the file.
    if isinstance(raw, sqlite3.Connection):
        raw.execute("PRAGMA secure_delete=ON")


def _leave_the_disk_to_the_system(raw: Any, _: object) -> None:
    if isinstance(raw, sqlite3.Connection):
        raw.execute("PRAGMA synchronous=OFF")


def _open(target: object, timeout: float, idle: float) -> Engine:
    if not isinstance(target, str | URL):
        kinds = "a database URL, an SQLAlchemy Engine or a Connection"
        raise StoreError(f"expected {kinds}, got {type(target).__name__}")
    try:
        url = make_url(target)
    except (ArgumentError, ValueError):
        raise StoreError(
            "expected a database URL such as 'sqlite:///talent.db', got something else"
        ) from None
    options: dict[str, Any] = {"hide_parameters": True}
    if url.get_backend_name() == "sqlite":
        options["connect_args"] = {"timeout": timeout, "check_same_thread": False}
        if url.database in {None, "", ":memory:"} or url.query.get("mode") == "memory":
            options["poolclass"] = StaticPool
    elif url.drivername in _LIBPQ and "options" not in url.query:
        # Else a worker that is stopped in mid-transaction would keep its locks for as long.
        setting = f"-c idle_in_transaction_session_timeout={int(idle * 1000)}"
        options["connect_args"] = {"options": setting}
    name = url.render_as_string(hide_password=True)
    try:
        return create_engine(url, **options)
    except ModuleNotFoundError as error:
        raise StoreError(f"{name}: its driver is missing; pip install {error.name}") from None
    except NoSuchModuleError:
        raise StoreError(f"{name}: SQLAlchemy knows no such kind of database") from None
    except (SQLAlchemyError, TypeError, ValueError) as error:
        raise StoreError(f"{name}: {type(error).__name__} for its options") from None
