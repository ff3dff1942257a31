"""Metrics: numbers that carry their definition, what they were counted from, and until when."""

from crmkit.metrics._costs import Costs
from crmkit.metrics._definitions import NAMES
from crmkit.metrics._metric import (
    ENOUGH,
    Benchmark,
    Exclusion,
    Group,
    Metric,
    MetricVerdict,
    Unit,
)
from crmkit.metrics._scorecard import Scorecard
from crmkit.metrics._scoring import YEAR, scorecard

__all__ = [
    "ENOUGH",
    "NAMES",
    "YEAR",
    "Benchmark",
    "Costs",
    "Exclusion",
    "Group",
    "Metric",
    "MetricVerdict",
    "Scorecard",
    "Unit",
    "scorecard",
]
