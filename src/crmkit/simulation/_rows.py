"""What a simulation leaves behind: one record a touch, one record a person."""

from datetime import datetime
from typing import Any

import attrs


@attrs.define(kw_only=True)
class TouchRow:
    """What became of one touch; the columns of `Simulation.rows`, in order."""

    candidate_id: str
    label: str
    cadence: str
    version: int
    touch: str
    rotation: int
    level: int
    channel: str
    week: int
    due_at: datetime
    sent_at: datetime | None
    by_hand: bool
    temperature: str | None
    factor: float
    pressure: int | None
    opened_at: datetime | None = None
    clicked_at: datetime | None = None
    replied_at: datetime | None = None
    unsubscribed_at: datetime | None = None
    applied_at: datetime | None = None
    bounced_at: datetime | None = None
    state: str
    rule: str | None = None


@attrs.define(kw_only=True)
class PersonRow:
    """What became of one person; the columns of `Simulation.people`, in order."""

    candidate_id: str
    label: str
    enrolled: bool
    rule: str | None = None
    status: str | None = None
    messages: int = 0
    mailed: int = 0
    tasks: int = 0
    opens: int = 0
    clicks: int = 0
    replies: int = 0
    first_reply_days: float | None = None
    applied: bool = False
    hired: bool = False
    unsubscribed: bool = False
    bounced: bool = False
    archived: bool = False
    plans: int = 0


COLUMNS = tuple(field.name for field in attrs.fields(TouchRow))
PERSON_COLUMNS = tuple(field.name for field in attrs.fields(PersonRow))


def as_dict(row: TouchRow | PersonRow, columns: tuple[str, ...]) -> dict[str, Any]:
    """Return the row by column, its columns in order."""
    return {column: getattr(row, column) for column in columns}
