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

__all__ = [
    "ASSESSMENT",
    "RETENTION",
    "ContactPolicy",
    "ContactRule",
    "Permission",
    "Retention",
    "permission",
    "retention_ends",
    "usable_address",
]
