"""The people, their log and the openings, in SQL."""

from collections.abc import Collection, Iterable, Iterator

import sqlalchemy as sa

from crmkit.codec import dumps
from crmkit.model import Candidate, Interaction, Role, identity_keys
from crmkit.protocols import BATCH, batched
from crmkit.stores import _sql_schema as tables
from crmkit.stores._sql_base import Tables
from crmkit.stores._sql_write import insert_new, insert_or_replace


class People(Tables):
    """Who is known, what happened, and which roles are open."""

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

    def put_roles(self, roles: Iterable[Role]) -> None:
        """Insert or replace by id."""
        rows = [{"id": role.id, "document": dumps(role)} for role in roles]
        with self._database.writing() as connection:
            insert_or_replace(connection, tables.roles, rows)

    def roles(self) -> list[Role]:
        """Return every role, ordered by id."""
        return self._read(Role, tables.roles, tables.roles.c.id, None, ("id",))
