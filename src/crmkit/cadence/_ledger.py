"""What became of each touch: the record that makes sending twice impossible."""

from datetime import datetime
from enum import StrEnum

import attrs

from crmkit.errors import UnknownName
from crmkit.model import _fields as fields


class TouchState(StrEnum):
    """What became of one touch."""

    SENDING = "sending"
    """A provider call may have started; after a crash nobody knows."""
    SENT = "sent"
    TASK = "task"
    """A person has been asked to do it."""
    FAILED = "failed"
    """Nothing left; it may be tried again."""
    REJECTED = "rejected"
    """The provider will never take it."""
    EXPIRED = "expired"
    """It was not sent by its deadline, and will not be."""
    UNKNOWN = "unknown"
    """It may have left, or not; it is not sent again."""


def _state(value: object) -> TouchState:
    try:
        return TouchState(value)  # type: ignore[arg-type]
    except ValueError:
        raise UnknownName.among("", value, TouchState, what="a state of a touch") from None


def _rotation(value: object) -> int:
    return fields.whole(value, 0)


@attrs.frozen(kw_only=True, field_transformer=fields.paths)
class TouchRecord:
    """One touch of one enrolment; unique by (enrolment, rotation, touch)."""

    enrollment_id: str = attrs.field(converter=fields.text)
    rotation: int = attrs.field(converter=_rotation)
    touch: str = attrs.field(converter=fields.text)
    candidate_id: str = attrs.field(converter=fields.text)
    state: TouchState = attrs.field(converter=_state)
    due_at: datetime = attrs.field(converter=fields.instant)
    at: datetime = attrs.field(converter=fields.instant)
    """When the state was reached."""
    provider_id: str | None = None
    detail: str | None = None

    @property
    def key(self) -> str:
        """The same at every attempt to send: the sender's idempotency key."""
        return f"{self.enrollment_id}.{self.rotation}.{self.touch}"
