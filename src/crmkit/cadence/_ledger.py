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
    DONE = "done"
    """A person has done it."""
    REFUSED = "refused"
    """A rule stands against it; it goes when the rule lets it, up to its deadline."""
    FAILED = "failed"
    """Nothing left; it is tried again, up to its deadline."""
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


def _attempt(value: object) -> int:
    return fields.whole(value, 1)


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
    """When the state was reached; for what was sent, when the call started."""
    attempt: int = attrs.field(default=1, converter=_attempt)
    """Which call of the sender, from 1; whoever made an earlier one has no say any more."""
    rule: str | None = None
    """For what was refused: which rule, a `ContactRule` or ``address``, ``render``."""
    next_at: datetime | None = attrs.field(default=None, converter=fields.optional_instant)
    """For what was refused or failed: when it may go; None: not before something new is known."""
    digest: str | None = None
    """What the message was, so that no other one goes under its key."""
    provider_id: str | None = None
    detail: str | None = None
    """Why, without names and addresses."""

    @property
    def key(self) -> str:
        """The same at every attempt to send: the sender's idempotency key."""
        return touch_key(self.enrollment_id, self.rotation, self.touch)


def touch_key(enrollment_id: str, rotation: int, touch: str) -> str:
    """Return the key of a touch of a run, as the ledger and the sender know it."""
    return f"{enrollment_id}.{rotation}.{touch}"
