"""Cadences: sequences of touches, and the calendar of one person's run through them."""

from crmkit.cadence._cadence import Cadence, Enrollment, Pace, Touch
from crmkit.cadence._ledger import TouchRecord, TouchState

__all__ = ["Cadence", "Enrollment", "Pace", "Touch", "TouchRecord", "TouchState"]
