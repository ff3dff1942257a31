"""The five stages: capture, segment, engage, convert, measure; and `CRM`, which joins them."""

from crmkit._progress import Progress
from crmkit.lifecycle._brief import Brief, brief
from crmkit.lifecycle._capture import Captured, merge
from crmkit.lifecycle._crm import CRM, SystemClock
from crmkit.lifecycle._enroll import Enrolled
from crmkit.lifecycle._explain import Explanation
from crmkit.lifecycle._fit import Fit, FitWeights, Shortlist, fit, shortlist
from crmkit.lifecycle._migrate import CadenceChange
from crmkit.lifecycle._moves import Moves, Recorded
from crmkit.lifecycle._outcomes import EngageRun, Outcome
from crmkit.lifecycle._render import TemplateRenderer
from crmkit.lifecycle._segment import SegmentRun
from crmkit.lifecycle._tasks import Task
from crmkit.lifecycle._workspace import DEFAULT_PLAYBOOK, FIELD_PLAYBOOK

__all__ = [
    "CRM",
    "DEFAULT_PLAYBOOK",
    "FIELD_PLAYBOOK",
    "Brief",
    "CadenceChange",
    "Captured",
    "EngageRun",
    "Enrolled",
    "Explanation",
    "Fit",
    "FitWeights",
    "Moves",
    "Outcome",
    "Progress",
    "Recorded",
    "SegmentRun",
    "Shortlist",
    "SystemClock",
    "Task",
    "TemplateRenderer",
    "brief",
    "fit",
    "merge",
    "shortlist",
]
