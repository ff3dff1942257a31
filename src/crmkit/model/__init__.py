"""The records: people, facts, openings, verdicts, messages."""

from crmkit._time import CalendarSpan, Span
from crmkit.model._brief import Brief, brief
from crmkit.model._candidate import Candidate, Employment, identity_keys
from crmkit.model._consent import NURTURE, Consent
from crmkit.model._fields import FrozenMap
from crmkit.model._history import History, Relationship
from crmkit.model._interaction import Interaction
from crmkit.model._message import Delivery, Message, Receipt
from crmkit.model._names import (
    KINDS,
    Channel,
    Interest,
    Seniority,
    Source,
    Stage,
    stage_of,
    to_kind,
)
from crmkit.model._process import employed_since, open_processes, processes, until_of
from crmkit.model._role import Role
from crmkit.model._suppression import (
    Suppression,
    SuppressionReason,
    address_digest,
    address_digests,
)
from crmkit.model._verdict import Reason, Verdict

__all__ = [
    "KINDS",
    "NURTURE",
    "Brief",
    "CalendarSpan",
    "Candidate",
    "Channel",
    "Consent",
    "Delivery",
    "Employment",
    "FrozenMap",
    "History",
    "Interaction",
    "Interest",
    "Message",
    "Reason",
    "Receipt",
    "Relationship",
    "Role",
    "Seniority",
    "Source",
    "Span",
    "Stage",
    "Suppression",
    "SuppressionReason",
    "Verdict",
    "address_digest",
    "address_digests",
    "brief",
    "employed_since",
    "identity_keys",
    "open_processes",
    "processes",
    "stage_of",
    "to_kind",
    "until_of",
]
