"""Candidate relationship management: every answer says why, and until when.

The records and the facade are here; each room has its own package: `crmkit.segmentation`,
`crmkit.cadence`, `crmkit.metrics`, `crmkit.stores`, `crmkit.senders`, `crmkit.sources`.
"""

from typing import TYPE_CHECKING, Any

from crmkit.errors import CrmkitError
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

if TYPE_CHECKING:
    from crmkit.lifecycle import CRM

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


def __getattr__(name: str) -> Any:
    # The facade brings every room with it; who only wants the records need not wait for them.
    if name == "CRM":
        from crmkit.lifecycle import CRM

        return CRM
    raise AttributeError(f"module 'crmkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
