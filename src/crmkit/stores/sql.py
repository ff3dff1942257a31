"""A store in an SQL database: SQLite by default, PostgreSQL for more (``crmkit[sql]``)."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from types import TracebackType
from typing import Any, Self, TypeVar, cast

try:
    import sqlalchemy as sa
except ModuleNotFoundError:
    from crmkit.errors import MissingExtra

    raise MissingExtra("sql", "SQLStore") from None

from crmkit.cadence import Enrollment, TouchRecord, TouchState
from crmkit.codec import dumps, loads
from crmkit.errors import InvalidDocument, NotFound, StoreError
from crmkit.model import Candidate, Interaction, Role, identity_keys
from crmkit.protocols import AT_ONCE, BATCH, AgendaEntry, Store, batched
from crmkit.segmentation import Membership, Transition
from crmkit.stores import _sql_schema as tables
from crmkit.stores._sql_connection import Database
from crmkit.stores._sql_schema import metadata
from crmkit.stores._sql_setup import prepare
from crmkit.stores._sql_suppression import KeepsNoMore
from crmkit.stores._sql_write import insert_new, insert_or_count, insert_or_replace

__all__ = ["SQLStore", "metadata"]

R = TypeVar("R")


class SQLStore(KeepsNoMore, Store):
    """Keeps everything in tables named ``crmkit_…``.

    *target* is a database URL (``sqlite:///talent.db``; ``sqlite://`` for one in memory), or an
    SQLAlchemy engine or connection of the host. On a connection that the host hands in, nothing
    is committed: the host does, and a call that fails takes back only itself. With
    ``create=False`` the tables of `metadata` must be there already, made by the host's migrations.
    *timeout* is how many seconds to wait for somebody else's lock on an SQLite file;
    ``durable=False`` leaves it to the system when that file is written to the disk, quicker, for
    simulations: a process that dies loses nothing, a power failure may.

    Threads may share a store; so may processes, each with its own on the same database.
    Every fault of the database is a `StoreError` that names it, without the password.

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
        timeout: float = 10.0,
        durable: bool = True,
    ) -> None:
        self._database = Database(target, timeout=timeout, durable=durable)
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

    def close(self) -> None:
        """Close the connections that the store opened; those of the host stay open."""
        self._database.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make all calls of this thread inside the block land together, or none of them.

        Inside another one it is a part of it, which can fail by itself. An SQLite file is locked
        for other writers from its beginning to its end.
        """
        with self._database.transaction():
            yield

    # --- people

    def put_candidates(self, candidates: Iterable[Candidate]) -> None:
        """Insert or replace by id, and index their `identity_keys`."""
        batch = {candidate.id: candidate for candidate in candidates}
        rows = [{"id": key, "document": dumps(record)} for key, record in batch.items()]
        keys = [
            {"key": key, "candidate_id": record.id}
            for record in batch.values()
            for key in sorted(identity_keys(record))
        ]
        known = tables.identity_keys.c.candidate_id
        with self._database.writing() as connection:
            insert_or_replace(connection, tables.candidates, rows)
            for ids in batched(batch):
                connection.execute(tables.identity_keys.delete().where(known.in_(ids)))
            insert_new(connection, tables.identity_keys, keys)

    def get_candidates(self, ids: Collection[str]) -> dict[str, Candidate]:
        """Return those that are stored, by id; unknown ids are left out."""
        found = self._read(Candidate, tables.candidates, tables.candidates.c.id, ids)
        return {candidate.id: candidate for candidate in found}

    def find_candidates(self, keys: Collection[str]) -> dict[str, frozenset[str]]:
        """Return for each identity key that anybody has the ids of those who have it."""
        columns = tables.identity_keys.c
        statement = sa.select(columns.key, columns.candidate_id).where(columns.key.in_(set(keys)))
        found: dict[str, set[str]] = {}
        with self._database.reading() as connection:
            for key, candidate_id in connection.execute(statement):
                found.setdefault(key, set()).add(candidate_id)
        return {key: frozenset(ids) for key, ids in found.items()}

    def candidates(self) -> Iterator[Candidate]:
        """Yield everyone, ordered by id; writing while it runs is allowed."""
        columns = tables.candidates.c
        page, last = sa.select(columns.document, columns.id).order_by(columns.id).limit(BATCH), ""
        # Page by page from the last id on: no cursor stays open while the caller writes.
        while found := self._records(Candidate, page.where(columns.id > last)):
            yield from found
            last = found[-1].id

    def delete_candidates(self, ids: Collection[str]) -> None:
        """Forget the records (not their interactions); unknown ids are ignored."""
        gone, keys = tables.candidates, tables.identity_keys
        with self._database.writing() as connection:
            connection.execute(gone.delete().where(gone.c.id.in_(set(ids))))
            connection.execute(keys.delete().where(keys.c.candidate_id.in_(set(ids))))

    # --- the log

    def append_interactions(self, interactions: Iterable[Interaction]) -> int:
        """Append those whose id is new; return how many were."""
        rows = [
            {
                "id": fact.id,
                "candidate_id": fact.candidate_id,
                "kind": fact.kind,
                "occurred_at": fact.at,
                "document": dumps(fact),
            }
            for fact in interactions
        ]
        with self._database.writing() as connection:
            return insert_new(connection, tables.interactions, rows)

    def interactions(self, candidate_ids: Collection[str]) -> list[Interaction]:
        """Return everything about these candidate ids, ordered by instant, then id."""
        order = ("occurred_at", "id")
        return self._about(Interaction, tables.interactions, candidate_ids, order)

    # --- openings

    def put_roles(self, roles: Iterable[Role]) -> None:
        """Insert or replace by id."""
        rows = [{"id": role.id, "document": dumps(role)} for role in roles]
        with self._database.writing() as connection:
            insert_or_replace(connection, tables.roles, rows)

    def roles(self) -> list[Role]:
        """Return every role, ordered by id."""
        return self._read(Role, tables.roles, tables.roles.c.id, None, ("id",))

    # --- segments

    def memberships(
        self, candidate_ids: Collection[str] | None = None, *, segment: str | None = None
    ) -> list[Membership]:
        """Return who is inside (of these people, of this segment), by candidate id, segment."""
        wanted = [] if segment is None else [tables.memberships.c.segment == segment]
        return self._members(candidate_ids, tables.memberships.c.inside, *wanted)

    def watches(self, candidate_ids: Collection[str] | None = None) -> list[Membership]:
        """Return the watches (over these people), ordered by candidate id, segment."""
        return self._members(candidate_ids, ~tables.memberships.c.inside)

    def _members(
        self, candidate_ids: Collection[str] | None, *wanted: sa.ColumnElement[bool]
    ) -> list[Membership]:
        order = ("candidate_id", "segment")
        return self._about(Membership, tables.memberships, candidate_ids, order, *wanted)

    def due(self, now: datetime, limit: int = BATCH) -> list[Membership]:
        """Return memberships and watches whose ``next_change`` has come, at most *limit*."""
        columns = tables.memberships.c
        statement = (
            sa.select(columns.document, columns.candidate_id)
            .where(columns.next_change <= now)
            .order_by(columns.next_change, columns.candidate_id, columns.segment)
            .limit(limit)
        )
        return self._records(Membership, statement)

    def tracked(self) -> list[str]:
        """Return the ids of all who have a membership or a watch, once each, in order."""
        column = tables.memberships.c.candidate_id
        with self._database.reading() as connection:
            return list(connection.execute(sa.select(column).distinct().order_by(column)).scalars())

    def change_memberships(
        self, keep: Iterable[Membership], transitions: Iterable[Transition]
    ) -> None:
        """Log ``transitions``, end the records of who left, then insert or replace ``keep``."""
        last = {(member.candidate_id, member.segment): member for member in keep}
        kept = [
            {
                "candidate_id": member.candidate_id,
                "segment": member.segment,
                "inside": member.inside,
                "since": member.since,
                "next_change": member.next_change,
                "document": dumps(member),
            }
            for member in last.values()
            if member.inside or member.next_change
        ]
        moved = [
            {
                "candidate_id": move.candidate_id,
                "segment": move.segment,
                "occurred_at": move.at,
                "entered": move.entered,
                "document": dumps(move),
            }
            for move in transitions
        ]
        left = [
            {"who": row["candidate_id"], "where": row["segment"]}
            for row in moved
            if not row["entered"]
        ]
        left += [
            {"who": member.candidate_id, "where": member.segment}
            for member in last.values()
            if not (member.inside or member.next_change)
        ]
        columns = tables.memberships.c
        ended = tables.memberships.delete().where(
            columns.candidate_id == sa.bindparam("who"), columns.segment == sa.bindparam("where")
        )
        with self._database.writing() as connection:
            insert_new(connection, tables.transitions, moved)
            if left:
                connection.execute(ended, left)
            insert_or_replace(connection, tables.memberships, kept)

    def definitions(self) -> dict[str, str]:
        """Return what `set_definitions` was last given; at first nothing."""
        columns = tables.definitions.c
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(columns.segment, columns.digest))
            return {row.segment: row.digest for row in rows}

    def set_definitions(self, definitions: Mapping[str, str]) -> None:
        """Keep the definitions that the memberships are found with: name → digest."""
        rows = [{"segment": name, "digest": digest} for name, digest in definitions.items()]
        with self._database.writing() as connection:
            connection.execute(tables.definitions.delete())
            insert_new(connection, tables.definitions, rows)

    def transitions(self, candidate_ids: Collection[str] | None = None) -> list[Transition]:
        """Return the log (of these people), ordered by instant, candidate id, segment."""
        order = ("occurred_at", "candidate_id", "segment", "entered")
        return self._about(Transition, tables.transitions, candidate_ids, order)

    # --- cadences

    def put_enrollments(self, enrollments: Iterable[Enrollment]) -> None:
        """Insert those whose id is new."""
        rows = [_enrollment_row(run) for run in enrollments]
        with self._database.writing() as connection:
            insert_new(connection, tables.enrollments, rows)

    def move_enrollments(self, enrollments: Iterable[Enrollment]) -> None:
        """Replace those that are stored, by id; unknown ids are ignored."""
        rows = [{**_enrollment_row(run), "old": run.id} for run in enrollments]
        known = tables.enrollments.c.id == sa.bindparam("old")
        if rows:
            with self._database.writing() as connection:
                connection.execute(tables.enrollments.update().where(known), rows)

    def enrollments(self, candidate_ids: Collection[str] | None = None) -> list[Enrollment]:
        """Return the enrolments (of these people), ordered by candidate id, instant, id."""
        order = ("candidate_id", "enrolled_at", "id")
        return self._about(Enrollment, tables.enrollments, candidate_ids, order)

    def claim_touch(self, record: TouchRecord) -> TouchRecord | None:
        """Insert the record, or put it in the place of a failed one; else return who is there."""
        columns, row = tables.touches.c, _touch_row(record)
        failed = sa.and_(_is_touch(record), columns.state == TouchState.FAILED.value)
        with self._database.writing() as connection:
            if insert_new(connection, tables.touches, [row]):
                return None
            if connection.execute(tables.touches.update().where(failed).values(row)).rowcount:
                return None
            known = sa.select(columns.document, columns.candidate_id).where(_is_touch(record))
            return self._records(TouchRecord, known)[0]

    def settle_touch(self, record: TouchRecord) -> None:
        """Replace the claimed record by what became of it; `NotFound` if nobody claimed it."""
        statement = tables.touches.update().where(_is_touch(record)).values(_touch_row(record))
        with self._database.writing() as connection:
            if not connection.execute(statement).rowcount:
                raise NotFound("claimed touch", record.key)

    def touches(self, candidate_ids: Collection[str] | None = None) -> list[TouchRecord]:
        """Return the records (of these people), ordered by instant, enrolment, rotation, touch."""
        order = ("occurred_at", "enrollment_id", "rotation", "touch")
        return self._about(TouchRecord, tables.touches, candidate_ids, order)

    # --- whom to look at, and when

    def agenda(self, now: datetime) -> Iterator[AgendaEntry]:
        """Yield the entries whose instant has come, by instant, then id."""
        order = tables.agenda.c.due_at, tables.agenda.c.candidate_id
        page = sa.select(tables.agenda).where(order[0] <= now).order_by(*order).limit(BATCH)
        rows = self._rows(page)
        while rows:
            for row in rows:
                yield AgendaEntry(candidate_id=row.candidate_id, at=row.due_at, turn=row.turn)
            last = sa.tuple_(
                sa.literal(row.due_at, order[0].type), sa.literal(row.candidate_id, order[1].type)
            )
            rows = self._rows(page.where(sa.tuple_(*order) > last))

    def next_look(self, now: datetime) -> datetime | None:
        """Return the first instant after *now* at which an entry comes."""
        instant = tables.agenda.c.due_at
        first = sa.select(instant).where(instant > now).order_by(instant).limit(1)
        return next((row.due_at for row in self._rows(first)), None)

    def wake(self, ids: Collection[str]) -> None:
        """Put these on the agenda `AT_ONCE`, and add 1 to their turns; a new one has turn 1."""
        rows = [{"candidate_id": key, "due_at": AT_ONCE, "turn": 1} for key in sorted(set(ids))]
        with self._database.writing() as connection:
            insert_or_count(connection, tables.agenda, rows, "turn")

    def put_off(self, entries: Iterable[AgendaEntry]) -> None:
        """Keep the instants of those whose turn is still the entry's; the others were woken."""
        rows = [{"who": each.candidate_id, "seen": each.turn, "when": each.at} for each in entries]
        columns = tables.agenda.c
        statement = (
            tables.agenda.update()
            .where(columns.candidate_id == sa.bindparam("who"))
            .where(columns.turn == sa.bindparam("seen"))
            .values(due_at=sa.bindparam("when"))
        )
        if rows:
            with self._database.writing() as connection:
                connection.execute(statement, rows)

    def agenda_basis(self) -> str:
        """Return what `set_agenda_basis` was last given; at first nothing."""
        value = sa.select(tables.meta.c.value).where(tables.meta.c.key == "agenda")
        return next((row.value for row in self._rows(value)), "")

    def set_agenda_basis(self, digest: str) -> None:
        """Keep the digest of the definitions that the agenda is made with."""
        with self._database.writing() as connection:
            insert_or_replace(connection, tables.meta, [{"key": "agenda", "value": digest}])

    # --- reading

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


def _enrollment_row(run: Enrollment) -> Mapping[str, Any]:
    return {
        "id": run.id,
        "candidate_id": run.candidate_id,
        "cadence": run.cadence,
        "enrolled_at": run.enrolled_at,
        "document": dumps(run),
    }


def _touch_row(record: TouchRecord) -> Mapping[str, Any]:
    return {
        "enrollment_id": record.enrollment_id,
        "rotation": record.rotation,
        "touch": record.touch,
        "candidate_id": record.candidate_id,
        "state": record.state.value,
        "due_at": record.due_at,
        "occurred_at": record.at,
        "document": dumps(record),
    }


def _is_touch(record: TouchRecord) -> sa.ColumnElement[bool]:
    columns = tables.touches.c
    return sa.and_(
        columns.enrollment_id == record.enrollment_id,
        columns.rotation == record.rotation,
        columns.touch == record.touch,
    )
