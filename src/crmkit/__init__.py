"""Candidate relationship management: every answer says why, and until when.

The records and the facade are here; each room has its own package: `crmkit.segmentation`,
`crmkit.cadence`, `crmkit.metrics`, `crmkit.stores`, `crmkit.senders`, `crmkit.sources`.
"""

from crmkit.errors import CrmkitError
from crmkit.lifecycle import CRM
from crmkit.model import (
    Candidate,
    Consent,
    Employment,
    History,
    Interaction,
    Reason,
    Relationship,
    Role,
    Verdict,
)

__version__ = "0.1.0"

__all__ = [
    "CRM",
    "Candidate",
    "Consent",
    "CrmkitError",
    "Employment",
    "History",
    "Interaction",
    "Reason",
    "Relationship",
    "Role",
    "Verdict",
    "__version__",
]
