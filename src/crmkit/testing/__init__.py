"""Contract suites for those who bring a store or sender of their own."""

from crmkit.testing._senders import Delivered, check_sender
from crmkit.testing._store_people import check_role_store
from crmkit.testing._stores import (
    check_agenda_store,
    check_candidate_store,
    check_enrollment_store,
    check_interaction_store,
    check_membership_store,
    check_store,
    check_suppression_store,
    check_transactions,
)

__all__ = [
    "Delivered",
    "check_agenda_store",
    "check_candidate_store",
    "check_enrollment_store",
    "check_interaction_store",
    "check_membership_store",
    "check_role_store",
    "check_sender",
    "check_store",
    "check_suppression_store",
    "check_transactions",
]
