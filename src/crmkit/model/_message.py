"""What a sender is given, and what it answers."""

from enum import StrEnum

import attrs

from crmkit.model import _fields as fields
from crmkit.model._names import Channel


@attrs.frozen(kw_only=True, field_transformer=fields.paths, repr=False)
class Message:
    """One message to one person; ``key`` is the same at every attempt to send it."""

    key: str = attrs.field(converter=fields.text)
    candidate_id: str = attrs.field(converter=fields.text)
    to: str = attrs.field(converter=fields.text)
    subject: str = attrs.field(default="", converter=fields.text_or_blank)
    body: str = attrs.field(default="", converter=fields.lines)
    channel: Channel = attrs.field(default=Channel.EMAIL, converter=fields.channel)
    thread: str | None = attrs.field(default=None, converter=fields.optional_text)
    """What it belongs to (an enrolment's id): becomes the mail's ``List-Id``."""
    headers: fields.FrozenMap = attrs.field(default=fields.EMPTY, converter=fields.text_map)

    def __repr__(self) -> str:
        return f"Message(key={self.key!r}, candidate_id={self.candidate_id!r})"


class Delivery(StrEnum):
    """What became of one attempt to send."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    """For good: the same message will never be taken."""
    LATER = "later"
    """Nothing left; trying again is safe."""
    UNKNOWN = "unknown"
    """It may have left, or not."""


@attrs.frozen(kw_only=True)
class Receipt:
    """A sender's answer: what became of the message, its id there, and why."""

    delivery: Delivery = attrs.field(converter=Delivery)
    provider_id: str | None = None
    detail: str | None = None
