"""What a sender is given, and what it answers."""

from datetime import timedelta
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
    html: str | None = attrs.field(default=None, converter=fields.optional_lines)
    """The same as a page, for clients that show one; the text goes with it all the same."""
    channel: Channel = attrs.field(default=Channel.EMAIL, converter=fields.channel)
    thread: str | None = attrs.field(default=None, converter=fields.optional_text)
    """What it belongs to: an enrolment's id."""
    replies_to: tuple[str, ...] = attrs.field(default=(), converter=fields.texts)
    """The keys of the messages of the thread that went before, oldest first."""
    list_id: str | None = attrs.field(default=None, converter=fields.optional_text)
    """Which of our lists it comes from (a cadence): becomes the mail's ``List-Id``."""
    unsubscribe: str | None = attrs.field(default=None, converter=fields.optional_text)
    """An HTTPS URL that stops it with one click (RFC 8058)."""
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
    """Why, without names and addresses: it is kept and shown."""
    retry_after: timedelta | None = None
    """For ``later``: how long the provider asks to wait, if it says so."""
