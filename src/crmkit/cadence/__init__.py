"""Cadences: sequences of touches, and the calendar of one person's run through them."""

from crmkit.cadence._cadence import Cadence, Enrollment, Pace, Touch
from crmkit.cadence._calendar import Plan, PlannedTouch, Shift
from crmkit.cadence._catalogue import SEVEN_TOUCH
from crmkit.cadence._ledger import TouchRecord, TouchState
from crmkit.cadence._plan import plan
from crmkit.cadence._playbook import Playbook
from crmkit.cadence._stops import PlanStatus

__all__ = [
    "SEVEN_TOUCH",
    "Cadence",
    "Enrollment",
    "Pace",
    "Plan",
    "PlanStatus",
    "PlannedTouch",
    "Playbook",
    "Shift",
    "Touch",
    "TouchRecord",
    "TouchState",
    "plan",
]
