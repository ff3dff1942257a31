"""May we contact this person, on this channel, for this purpose, now: the one arbiter.

Every cadence, campaign and recruiter asks here, when planning and again at the moment of sending.
The rules are asked in one order, and the first that refuses is named. This library is no lawyer:
a `ContactPolicy` is where a host writes down what theirs says.
"""

from crmkit.permission._answer import ContactRule, Permission
from crmkit.permission._arbiter import permission, retention_ends, standing, usable_address
from crmkit.permission._case import MESSAGES, NO_ADDRESS
from crmkit.permission._days import HolidayCalendar
from crmkit.permission._hours import WINDOWS, Hours
from crmkit.permission._policy import ASSESSMENT, RETENTION, ContactPolicy, Retention
from crmkit.permission._state import (
    ARBITER_KINDS,
    CONSENT_KINDS,
    SUPPRESSION_KINDS,
    consent_in_force,
    suppression,
)
from crmkit.permission._window import SendWindow

__all__ = [
    "ARBITER_KINDS",
    "ASSESSMENT",
    "CONSENT_KINDS",
    "MESSAGES",
    "NO_ADDRESS",
    "RETENTION",
    "SUPPRESSION_KINDS",
    "WINDOWS",
    "ContactPolicy",
    "ContactRule",
    "HolidayCalendar",
    "Hours",
    "Permission",
    "Retention",
    "SendWindow",
    "consent_in_force",
    "permission",
    "retention_ends",
    "standing",
    "suppression",
    "usable_address",
]
