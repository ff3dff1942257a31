"""Who is in which segment, in SQL."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

import sqlalchemy as sa

from crmkit.codec import dumps
from crmkit.protocols import BATCH
from crmkit.segmentation import Membership, Transition
from crmkit.stores import _sql_schema as tables
from crmkit.stores._sql_base import Tables
from crmkit.stores._sql_write import insert_new, insert_or_replace


class Segments(Tables):
    """Memberships, watches, the log of moves, and the definitions they were found with."""

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
