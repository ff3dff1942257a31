"""The tables: each record is a JSON document, beside the columns searched or sorted by."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Index,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)
from sqlalchemy.types import TypeEngine

from crmkit._time import to_instant

SCHEMA_VERSION = "2"

metadata = MetaData()
"""Every table of crmkit, for hosts that run their own migrations."""


class Instant(TypeDecorator[datetime]):
    """An aware instant, to the microsecond.

    SQLite has no such type: there it is text in UTC, always of the same width, so that it sorts.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the column type: text in SQLite, a timestamp with time zone elsewhere."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(32))
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Return what the database is given."""
        if value is None:
            return None
        instant = to_instant(value)
        return instant.isoformat(timespec="microseconds") if dialect.name == "sqlite" else instant

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return the instant in UTC."""
        if value is None:
            return None
        found = datetime.fromisoformat(value) if dialect.name == "sqlite" else value
        return found.astimezone(UTC)


def _key() -> String:
    # By code point everywhere, as SQLite and Python do; PostgreSQL would follow the locale.
    return String().with_variant(String(collation="C"), "postgresql")


meta = Table(
    "crmkit_meta",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", String(255), nullable=False),
)
candidates = Table(
    "crmkit_candidates",
    metadata,
    Column("id", _key(), primary_key=True),
    Column("document", Text, nullable=False),
)
identity_keys = Table(
    "crmkit_identity_keys",
    metadata,
    Column("key", _key(), primary_key=True),
    Column("candidate_id", _key(), primary_key=True),
    Index("crmkit_identity_keys_candidate", "candidate_id"),
)
interactions = Table(
    "crmkit_interactions",
    metadata,
    Column("id", _key(), primary_key=True),
    Column("candidate_id", _key(), nullable=False),
    Column("kind", _key(), nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("document", Text, nullable=False),
    Index("crmkit_interactions_candidate", "candidate_id", "occurred_at"),
    Index("crmkit_interactions_kind", "kind", "occurred_at"),
)
roles = Table(
    "crmkit_roles",
    metadata,
    Column("id", _key(), primary_key=True),
    Column("document", Text, nullable=False),
)
memberships = Table(
    "crmkit_memberships",
    metadata,
    Column("candidate_id", _key(), primary_key=True),
    Column("segment", _key(), primary_key=True),
    Column("inside", Boolean, nullable=False),
    Column("since", Instant, nullable=False),
    Column("next_change", Instant),
    Column("document", Text, nullable=False),
    Index("crmkit_memberships_segment", "segment"),
    Index("crmkit_memberships_next_change", "next_change", "candidate_id", "segment"),
)
definitions = Table(
    "crmkit_definitions",
    metadata,
    Column("segment", _key(), primary_key=True),
    Column("digest", _key(), nullable=False),
)
transitions = Table(
    "crmkit_transitions",
    metadata,
    Column("candidate_id", _key(), primary_key=True),
    Column("segment", _key(), primary_key=True),
    Column("occurred_at", Instant, primary_key=True),
    Column("entered", Boolean, primary_key=True),
    Column("document", Text, nullable=False),
    Index("crmkit_transitions_segment", "segment", "occurred_at"),
)
enrollments = Table(
    "crmkit_enrollments",
    metadata,
    Column("id", _key(), primary_key=True),
    Column("candidate_id", _key(), nullable=False),
    Column("cadence", _key(), nullable=False),
    Column("enrolled_at", Instant, nullable=False),
    Column("document", Text, nullable=False),
    Index("crmkit_enrollments_candidate", "candidate_id"),
)
touches = Table(
    "crmkit_touches",
    metadata,
    Column("enrollment_id", _key(), primary_key=True),
    Column("rotation", BigInteger, primary_key=True, autoincrement=False),
    Column("touch", _key(), primary_key=True),
    Column("key", _key(), nullable=False),
    Column("candidate_id", _key(), nullable=False),
    Column("state", _key(), nullable=False),
    Column("attempt", BigInteger, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("document", Text, nullable=False),
    Index("crmkit_touches_key", "key"),
    Index("crmkit_touches_candidate", "candidate_id"),
    Index("crmkit_touches_state", "state", "due_at"),
)
agenda = Table(
    "crmkit_agenda",
    metadata,
    Column("candidate_id", _key(), primary_key=True),
    Column("due_at", Instant),
    Column("turn", BigInteger, nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("back", BigInteger, nullable=False),
    Column("leased_at", Instant),
    Column("leased_until", Instant),
    Index("crmkit_agenda_due", "due_at", "candidate_id"),
)
suppressions = Table(
    "crmkit_suppressions",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("reason", _key(), primary_key=True),
    Column("since", Instant, nullable=False),
)
