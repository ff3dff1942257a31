"""The five stages: capture, segment, engage, convert, measure; and `CRM`, which joins them."""

from crmkit._progress import Progress
from crmkit.lifecycle._capture import Captured, merge
from crmkit.lifecycle._crm import CRM
from crmkit.lifecycle._enroll import Enrolled
from crmkit.lifecycle._erase import Erased
from crmkit.lifecycle._explain import Explanation
from crmkit.lifecycle._fit import Fit, FitWeights, Shortlist, fit, shortlist
from crmkit.lifecycle._lint import Finding
from crmkit.lifecycle._migrate import CadenceChange
from crmkit.lifecycle._moves import Moves, Recorded
from crmkit.lifecycle._outcomes import Outcome, RunReport
from crmkit.lifecycle._recover import InDoubt
from crmkit.lifecycle._render import TemplateRenderer
from crmkit.lifecycle._segment import SegmentRun
from crmkit.lifecycle._tasks import Task
from crmkit.lifecycle._unsubscribe import UnsubscribeLinks
from crmkit.lifecycle._workspace import DEFAULT_PLAYBOOK, FIELD_PLAYBOOK, SystemClock
from crmkit.model import Brief, brief

__all__ = [
    "CRM",
    "DEFAULT_PLAYBOOK",
    "FIELD_PLAYBOOK",
    "Brief",
    "CadenceChange",
    "Captured",
    "Enrolled",
    "Erased",
    "Explanation",
    "Finding",
    "Fit",
    "FitWeights",
    "InDoubt",
    "Moves",
    "Outcome",
    "Progress",
    "Recorded",
    "RunReport",
    "SegmentRun",
    "Shortlist",
    "SystemClock",
    "Task",
    "TemplateRenderer",
    "UnsubscribeLinks",
    "brief",
    "fit",
    "merge",
    "shortlist",
]
