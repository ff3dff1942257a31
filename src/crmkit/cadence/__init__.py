"""Cadences: sequences of touches, and the calendar of one person's run through them."""

from crmkit.cadence._cadence import Cadence, Enrollment, Pace, Touch
from crmkit.cadence._calendar import Plan, PlannedTouch, Shift
from crmkit.cadence._catalogue import (
    ALUMNI,
    CADENCES,
    LONG_TERM,
    POST_EVENT,
    QUARTERLY,
    SEVEN_TOUCH,
    SILVER_MEDALIST,
    WARM_PASSIVE,
)
from crmkit.cadence._content import ContentChoice, Piece
from crmkit.cadence._diff import CadenceDiff, FieldChange, TouchChange, compare_cadences
from crmkit.cadence._ledger import TouchRecord, TouchState
from crmkit.cadence._library import Library
from crmkit.cadence._plan import plan
from crmkit.cadence._plan_diff import DateChange, Fate, PlanDiff, compare_plans
from crmkit.cadence._playbook import Playbook
from crmkit.cadence._stops import PlanStatus
from crmkit.cadence._variants import Variant, assign
from crmkit.cadence._weeks import plot_pool, touches_per_week

__all__ = [
    "ALUMNI",
    "CADENCES",
    "LONG_TERM",
    "POST_EVENT",
    "QUARTERLY",
    "SEVEN_TOUCH",
    "SILVER_MEDALIST",
    "WARM_PASSIVE",
    "Cadence",
    "CadenceDiff",
    "ContentChoice",
    "DateChange",
    "Enrollment",
    "Fate",
    "FieldChange",
    "Library",
    "Pace",
    "Piece",
    "Plan",
    "PlanDiff",
    "PlanStatus",
    "PlannedTouch",
    "Playbook",
    "Shift",
    "Touch",
    "TouchChange",
    "TouchRecord",
    "TouchState",
    "Variant",
    "assign",
    "compare_cadences",
    "compare_plans",
    "plan",
    "plot_pool",
    "touches_per_week",
]
