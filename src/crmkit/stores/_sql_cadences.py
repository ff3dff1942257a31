"""Who runs through which cadence, and what became of each touch, in SQL."""

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Any

import sqlalchemy as sa

from crmkit.cadence import Enrollment, TouchRecord, TouchState
from crmkit.codec import dumps
from crmkit.protocols import FINAL, REOPENED, batched
from crmkit.stores import _sql_schema as tables
from crmkit.stores._sql_base import Tables
from crmkit.stores._sql_write import insert, insert_new


class Cadences(Tables):
    """Enrolments, and the ledger of touches."""

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
        """Take the touch in one statement and return None, or return who is there already."""
        with self._database.writing() as connection:
            claimed = connection.execute(_claim(connection.dialect.name), _touch_row(record))
            if claimed.first() is not None:
                return None
            return self._records(TouchRecord, _there(record))[0]

    def settle_touch(self, record: TouchRecord) -> bool:
        """Replace the record unless it is final or was claimed again; return whether it was."""
        values = {
            "e_": record.enrollment_id,
            "r_": record.rotation,
            "t_": record.touch,
            "n_": record.attempt,
            "state": record.state.value,
            "due_at": record.due_at,
            "occurred_at": record.at,
            "document": dumps(record),
        }
        with self._database.writing() as connection:
            return bool(connection.execute(_SETTLE, values).rowcount)

    def touches(
        self,
        candidate_ids: Collection[str] | None = None,
        *,
        states: Collection[TouchState] | None = None,
    ) -> list[TouchRecord]:
        """Return the records (of these people, in these states), ordered by instant and key."""
        order = ("occurred_at", "enrollment_id", "rotation", "touch")
        values = None if states is None else [TouchState(state).value for state in states]
        wanted = [] if values is None else [tables.touches.c.state.in_(values)]
        return self._about(TouchRecord, tables.touches, candidate_ids, order, *wanted)

    def find_touches(self, keys: Collection[str]) -> dict[str, TouchRecord]:
        """Return the records with these keys, by key; unknown keys are left out."""
        columns, found = tables.touches.c, list[TouchRecord]()
        for some in batched(sorted(set(keys))):
            statement = sa.select(columns.document, columns.candidate_id)
            found += self._records(TouchRecord, statement.where(columns.key.in_(some)))
        return {record.key: record for record in found}


@cache
def _claim(dialect: str) -> Any:
    """Return the statement that inserts a touch, or puts it in the place of one that is open."""
    statement = insert(dialect, tables.touches)
    columns, coming = tables.touches.c, statement.excluded
    key = {"enrollment_id", "rotation", "touch"}
    return statement.on_conflict_do_update(
        index_elements=sorted(key),
        set_={name: coming[name] for name in columns.keys() if name not in key},  # noqa: SIM118 - a column collection
        where=sa.and_(
            sa.or_(*(columns.state == state.value for state in REOPENED)),
            columns.attempt == coming.attempt - 1,
        ),
    ).returning(columns.attempt)


_SETTLE = (
    tables.touches.update()
    .where(
        tables.touches.c.enrollment_id == sa.bindparam("e_"),
        tables.touches.c.rotation == sa.bindparam("r_"),
        tables.touches.c.touch == sa.bindparam("t_"),
        tables.touches.c.attempt == sa.bindparam("n_"),
        # Not as a list, which would be written out again for every call.
        *(tables.touches.c.state != state.value for state in FINAL),
    )
    .values({name: sa.bindparam(name) for name in ("state", "due_at", "occurred_at", "document")})
)


def _there(record: TouchRecord) -> sa.Select[Any]:
    columns = tables.touches.c
    return sa.select(columns.document, columns.candidate_id).where(
        columns.enrollment_id == record.enrollment_id,
        columns.rotation == record.rotation,
        columns.touch == record.touch,
    )


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
        "key": record.key,
        "candidate_id": record.candidate_id,
        "state": record.state.value,
        "attempt": record.attempt,
        "due_at": record.due_at,
        "occurred_at": record.at,
        "document": dumps(record),
    }
