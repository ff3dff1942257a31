"""What became of each touch: the record that makes sending twice impossible."""

from datetime import datetime
from enum import StrEnum

import attrs


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
    UNKNOWN = "unknown"
    """It may have left, or not; it is not sent again."""


@attrs.frozen(kw_only=True)
class TouchRecord:
    """One touch of one enrolment; unique by (enrolment, rotation, touch)."""

    enrollment_id: str
    rotation: int
    touch: str
    candidate_id: str
    state: TouchState = attrs.field(converter=TouchState)
    due_at: datetime
    at: datetime
    """When the state was reached."""
    provider_id: str | None = None
    detail: str | None = None

    @property
    def key(self) -> str:
        """The same at every attempt to send: the sender's idempotency key."""
        return f"{self.enrollment_id}.{self.rotation}.{self.touch}"
