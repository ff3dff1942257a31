"""May we contact this person, on this channel, for this purpose, now: the one arbiter.

Every cadence, campaign and recruiter asks here, when planning and again at the moment of sending.
The rules are asked in one order, and the first that refuses is named. This library is no lawyer:
a `ContactPolicy` is where a host writes down what theirs says.
"""

from crmkit.permission._arbiter import (
    ContactRule,
    Permission,
    permission,
    retention_ends,
    usable_address,
)
from crmkit.permission._policy import ASSESSMENT, RETENTION, ContactPolicy, Retention
from crmkit.permission._state import (
    ARBITER_KINDS,
    CONSENT_KINDS,
    SUPPRESSION_KINDS,
    consent_in_force,
    suppression,
)

__all__ = [
    "ARBITER_KINDS",
    "ASSESSMENT",
    "CONSENT_KINDS",
    "RETENTION",
    "SUPPRESSION_KINDS",
    "ContactPolicy",
    "ContactRule",
    "Permission",
    "Retention",
    "consent_in_force",
    "permission",
    "retention_ends",
    "suppression",
    "usable_address",
]
