"""What the arbiter answers, and the rules that it names."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import attrs

from crmkit.model import Verdict


class ContactRule(StrEnum):
    """The rules that may refuse a contact, in the order in which they are asked."""

    ERASED = "erased"
    DO_NOT_CONTACT = "do_not_contact"
    NO_BASIS = "no_basis"
    """Unsubscribed, consent withdrawn, or no legal basis for the purpose and channel."""
    RETENTION = "retention"
    ADDRESS = "address"
    """No address for the channel, or every one bounced for good or is suppressed; or the person
    complained."""
    IN_PROCESS = "in_process"
    SNOOZED = "snoozed"
    CAP = "cap"
    QUIET = "quiet"
    """Outside the hours kept on the channel, or a holiday, where they are."""


@attrs.frozen(repr=False)
class Permission(Verdict[bool]):
    """The answer: whether, why, until when; which rule refused, and from when on it would not.

    ``rule`` is None when allowed. ``next_allowed`` is the first instant at which, nothing new
    happening, the contact would be allowed by every rule; None when waiting does not help.
    """

    rule: ContactRule | None = None
    next_allowed: datetime | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return value, reasons, instants and rule as JSON values."""
        return {
            **super().to_dict(),
            "rule": self.rule and self.rule.value,
            "next_allowed": self.next_allowed and self.next_allowed.isoformat(),
        }
