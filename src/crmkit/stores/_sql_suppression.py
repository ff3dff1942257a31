"""What an SQL database must not keep any more: silent addresses, and records made empty."""

from collections.abc import Collection, Iterable

import sqlalchemy as sa

from crmkit.cadence import TouchRecord
from crmkit.codec import dumps
from crmkit.model import Interaction, Suppression, SuppressionReason
from crmkit.segmentation import Transition
from crmkit.stores import _sql_schema as tables
from crmkit.stores._sql_base import Tables
from crmkit.stores._sql_write import Rows, insert_new

_BY_ID = ("id",)
_BY_MOVE = ("candidate_id", "segment", "occurred_at", "entered")
_BY_TOUCH = ("enrollment_id", "rotation", "touch")


class KeepsNoMore(Tables):
    """The part of the store for suppression and erasure."""

    def suppress(self, entries: Iterable[Suppression]) -> int:
        """Keep those whose digest and reason are new; return how many were."""
        rows = [
            {"digest": entry.digest, "reason": entry.reason.value, "since": entry.at}
            for entry in entries
        ]
        with self._database.writing() as connection:
            return insert_new(connection, tables.suppressions, rows)

    def suppressions(self, digests: Collection[str]) -> dict[str, tuple[Suppression, ...]]:
        """Return for each digest that any is kept of, all that are, ordered by reason."""
        columns = tables.suppressions.c
        wanted = sa.select(tables.suppressions).where(columns.digest.in_(set(digests)))
        found: dict[str, tuple[Suppression, ...]] = {}
        with self._database.reading() as connection:
            for row in connection.execute(wanted.order_by(columns.digest, columns.reason)):
                entry = Suppression(digest=row.digest, reason=row.reason, at=row.since)
                found[entry.digest] = (*found.get(entry.digest, ()), entry)
        return found

    def lift(self, digests: Collection[str], reasons: Collection[SuppressionReason]) -> None:
        """Forget what is kept of these digests for these reasons; unknown ones are ignored."""
        columns = tables.suppressions.c
        gone = tables.suppressions.delete().where(
            columns.digest.in_(set(digests)),
            columns.reason.in_({reason.value for reason in reasons}),
        )
        with self._database.writing() as connection:
            connection.execute(gone)

    def redact_interactions(self, interactions: Iterable[Interaction]) -> None:
        """Put these in the place of those that are stored, by id; unknown ids are ignored."""
        rows = [{"the_id": fact.id, "text": dumps(fact)} for fact in interactions]
        self._redact(tables.interactions, _BY_ID, rows)

    def redact_transitions(self, transitions: Iterable[Transition]) -> None:
        """Put these in the place of those of the log with the same keys; others are ignored."""
        rows = [
            {
                "the_candidate_id": move.candidate_id,
                "the_segment": move.segment,
                "the_occurred_at": move.at,
                "the_entered": move.entered,
                "text": dumps(move),
            }
            for move in transitions
        ]
        self._redact(tables.transitions, _BY_MOVE, rows)

    def redact_touches(self, records: Iterable[TouchRecord]) -> None:
        """Put these in the place of those with the same keys; others are ignored."""
        rows = [
            {
                "the_enrollment_id": record.enrollment_id,
                "the_rotation": record.rotation,
                "the_touch": record.touch,
                "text": dumps(record),
            }
            for record in records
        ]
        self._redact(tables.touches, _BY_TOUCH, rows)

    def _redact(self, table: sa.Table, key: tuple[str, ...], rows: Rows) -> None:
        """Replace the documents of rows; what is searched and sorted by stays."""
        if not rows:
            return
        same = [
            table.c[name] == sa.bindparam(f"the_{name}", type_=table.c[name].type) for name in key
        ]
        statement = table.update().where(*same).values(document=sa.bindparam("text"))
        with self._database.writing() as connection:
            connection.execute(statement, rows)
