"""Cadences: sequences of touches, and the calendar of one person's run through them."""

from crmkit.cadence._cadence import Cadence, Enrollment, Pace, Touch
from crmkit.cadence._catalogue import SEVEN_TOUCH
from crmkit.cadence._clock import PlanStatus
from crmkit.cadence._ledger import TouchRecord, TouchState
from crmkit.cadence._plan import Plan, PlannedTouch, plan
from crmkit.cadence._playbook import Playbook

__all__ = [
    "SEVEN_TOUCH",
    "Cadence",
    "Enrollment",
    "Pace",
    "Plan",
    "PlanStatus",
    "PlannedTouch",
    "Playbook",
    "Touch",
    "TouchRecord",
    "TouchState",
    "plan",
]
