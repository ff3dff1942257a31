"""Whom to look at, when, and which worker has them, in SQL."""

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa

from crmkit.protocols import AT_ONCE, BATCH, CLOCK_SET_BACK, AgendaEntry
from crmkit.stores import _sql_schema as tables
from crmkit.stores._sql_base import Tables
from crmkit.stores._sql_write import insert_or_count, insert_or_replace

_COLUMNS = tables.agenda.c
_ORDER = (_COLUMNS.due_at, _COLUMNS.candidate_id)
_CAPTURES = 0x63726D6B6974
"""The advisory lock of PostgreSQL that captures take in turn: "crmkit" in ASCII."""


class Agenda(Tables):
    """The agenda, and the leases on it."""

    def agenda(self, now: datetime) -> Iterator[AgendaEntry]:
        """Yield the entries whose instant has come, by instant, then id."""
        page = sa.select(tables.agenda).where(_ORDER[0] <= now).order_by(*_ORDER).limit(BATCH)
        rows = self._rows(page)
        while rows:
            for row in rows:
                yield _entry(row)
            last = (row.due_at, tables.Instant), (row.candidate_id, _COLUMNS.candidate_id.type)
            rows = self._rows(page.where(_after(*(sa.literal(*each) for each in last))))

    def next_look(self, now: datetime) -> datetime | None:
        """Return the first instant after *now* at which an entry comes."""
        first = sa.select(_ORDER[0]).where(_ORDER[0] > now).order_by(_ORDER[0]).limit(1)
        return next((row.due_at for row in self._rows(first)), None)

    def wake(self, ids: Collection[str]) -> None:
        """Put these on the agenda `AT_ONCE`, and add 1 to their turns; a new one has turn 1."""
        rows = [
            {"candidate_id": key, "due_at": AT_ONCE, "turn": 1, "token": 0, "back": 0}
            for key in sorted(set(ids))
        ]
        with self._database.writing() as connection:
            insert_or_count(connection, tables.agenda, rows, "turn", keep=("token", "back"))

    def take(
        self,
        now: datetime,
        *,
        lease: timedelta,
        limit: int = BATCH,
        after: AgendaEntry | None = None,
    ) -> list[AgendaEntry]:
        """Lease up to *limit* entries that have come and that nobody holds, in one statement."""
        values: dict[str, Any] = {"now": now, "limit": limit}
        if after is not None:
            values |= {"after_at": after.at, "after_id": after.candidate_id}
        statement = _take(self._database.dialect, after is not None)
        with self._database.writing() as connection:
            rows = connection.execute(statement, values | self._lease(lease)).all()
        return sorted(map(_entry, rows), key=lambda entry: (entry.at, entry.candidate_id))

    def keep(self, entry: AgendaEntry, *, lease: timedelta) -> AgendaEntry | None:
        """Extend a lease that still stands, and return the entry as it is now; else None."""
        values = {"id": entry.candidate_id, "held": entry.token}
        with self._database.writing() as connection:
            values |= self._lease(lease)
            row = connection.execute(_keep(self._database.dialect), values).first()
        return None if row is None else _entry(row)

    def put_off(self, entries: Iterable[AgendaEntry]) -> None:
        """End the leases, and keep the instants of those whom nobody has woken since."""
        rows = [
            {
                "who": each.candidate_id,
                "held": each.token,
                "seen": each.turn,
                "when": each.at,
            }
            for each in sorted(entries, key=lambda each: each.candidate_id)
        ]
        if rows:
            with self._database.writing() as connection:
                connection.execute(_PUT_OFF, rows)

    def end_leases(self) -> None:
        """Take everybody back; who goes on has lost them."""
        taken = tables.agenda.update().where(_COLUMNS.leased_until.is_not(None))
        ended = taken.values(token=_COLUMNS.token + 1, leased_at=None, leased_until=None)
        with self._database.writing() as connection:
            connection.execute(ended)

    def hold(self, ids: Collection[str] | None) -> None:
        """Keep others from changing what is known of these people, to the transaction's end."""
        # A transaction of SQLite is alone already.
        if self._database.dialect == "sqlite":
            return
        with self._database.writing() as connection:
            if ids is None:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_CAPTURES)))
            elif ids:
                columns = tables.agenda.c
                locked = sa.select(columns.candidate_id).where(columns.candidate_id.in_(set(ids)))
                connection.execute(locked.order_by(columns.candidate_id).with_for_update()).all()

    def now(self) -> datetime:
        """Return what time it is for this store: by the server's clock, where there is one."""
        if self._database.dialect == "sqlite":
            return datetime.now(UTC)
        clock = sa.select(sa.func.clock_timestamp(type_=tables.Instant))
        (row,) = self._rows(clock)
        now: datetime = row[0]
        return now

    def agenda_basis(self) -> str:
        """Return what `set_agenda_basis` was last given; at first nothing."""
        value = sa.select(tables.meta.c.value).where(tables.meta.c.key == "agenda")
        return next((row.value for row in self._rows(value)), "")

    def set_agenda_basis(self, digest: str) -> None:
        """Keep the digest of the definitions that the agenda is made with."""
        with self._database.writing() as connection:
            insert_or_replace(connection, tables.meta, [{"key": "agenda", "value": digest}])

    def _lease(self, lease: timedelta) -> dict[str, Any]:
        """Return the values of a lease, while nobody else can make one.

        Where the server has a clock, they are only spans.
        """
        if self._database.dialect == "sqlite":
            clock = self.now()
            return {"clock": clock, "ends": clock + lease, "ahead": clock + CLOCK_SET_BACK}
        return {"lease": lease, "ahead": CLOCK_SET_BACK}


def _clock(dialect: str) -> tuple[Any, ...]:
    """Return the present, the end of a lease that begins now, and where the future begins.

    By the store's own clock, which may have been set back: a lease from its future is none.
    """
    if dialect == "sqlite":
        names = ("clock", "ends", "ahead")
        return tuple(sa.bindparam(name, type_=tables.Instant) for name in names)
    clock = sa.func.clock_timestamp(type_=tables.Instant)
    spans = (sa.bindparam(name, type_=sa.Interval) for name in ("lease", "ahead"))
    return clock, *(clock + span for span in spans)


@cache
def _take(dialect: str, further: bool) -> Any:  # noqa: FBT001 - for the cache
    clock, ends, ahead = _clock(dialect)
    free = sa.or_(
        _COLUMNS.leased_until.is_(None), _COLUMNS.leased_until <= clock, _COLUMNS.leased_at > ahead
    )
    come = (
        sa.select(_COLUMNS.candidate_id)
        .where(_COLUMNS.due_at <= sa.bindparam("now", type_=tables.Instant), free)
        .order_by(*_ORDER)
        .limit(sa.bindparam("limit", type_=sa.Integer))
    )
    if further:
        come = come.where(
            _after(sa.bindparam("after_at", type_=tables.Instant), sa.bindparam("after_id"))
        )
    taken = tables.agenda.update().values(
        token=_COLUMNS.token + 1, leased_at=clock, leased_until=ends
    )
    if dialect == "sqlite":
        taken = taken.where(_COLUMNS.candidate_id.in_(come))
    else:
        # As a list made once: a subquery might be asked again for every row, and lock more.
        locked = come.with_for_update(skip_locked=True).cte("come").prefix_with("MATERIALIZED")
        taken = taken.where(_COLUMNS.candidate_id == locked.c.candidate_id)
    return taken.returning(*_COLUMNS)


@cache
def _keep(dialect: str) -> Any:
    clock, ends, ahead = _clock(dialect)
    stands = (
        _COLUMNS.candidate_id == sa.bindparam("id"),
        _COLUMNS.token == sa.bindparam("held"),
        _COLUMNS.leased_at <= ahead,
        _COLUMNS.leased_until > clock,
    )
    return tables.agenda.update().where(*stands).values(leased_until=ends).returning(*_COLUMNS)


_PUT_OFF = (
    tables.agenda.update()
    .where(
        _COLUMNS.candidate_id == sa.bindparam("who"),
        _COLUMNS.token == sa.bindparam("held"),
    )
    .values(
        leased_at=None,
        leased_until=None,
        back=_COLUMNS.token,
        due_at=sa.case(
            (
                _COLUMNS.turn == sa.bindparam("seen"),
                sa.bindparam("when", type_=tables.Instant),
            ),
            else_=_COLUMNS.due_at,
        ),
    )
)


def _after(at: Any, candidate_id: Any) -> sa.ColumnElement[bool]:
    return sa.tuple_(*_ORDER) > sa.tuple_(at, candidate_id)


def _entry(row: Any) -> AgendaEntry:
    return AgendaEntry(
        candidate_id=row.candidate_id,
        at=row.due_at,
        turn=row.turn,
        token=row.token,
        back=row.back,
    )
