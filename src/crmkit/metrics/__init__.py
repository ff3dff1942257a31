"""Metrics: numbers that carry their definition, what they were counted from, and until when."""

from crmkit.metrics._attribution import Attribution, AttributionRule
from crmkit.metrics._benchmark import ENOUGH, Benchmark, MetricVerdict, Unit
from crmkit.metrics._compare import Change, Comparison
from crmkit.metrics._conventions import Convention
from crmkit.metrics._costs import Costs
from crmkit.metrics._counts import YEAR, Counts, count
from crmkit.metrics._definitions import DEFINITIONS, NAMES, Definition, Ids
from crmkit.metrics._fairness import ImpactCounts, count_impact, impact
from crmkit.metrics._impact import ImpactBasis, ImpactRow, ImpactStage, ImpactState
from crmkit.metrics._impact_report import Impact
from crmkit.metrics._metric import Exclusion, Group, Metric
from crmkit.metrics._plot_lines import plot_sizes
from crmkit.metrics._scorecard import Scorecard
from crmkit.metrics._scoring import scorecard
from crmkit.metrics._survival import Point, Survival, log_rank
from crmkit.metrics._table import Column, Table

__all__ = [
    "DEFINITIONS",
    "ENOUGH",
    "NAMES",
    "YEAR",
    "Attribution",
    "AttributionRule",
    "Benchmark",
    "Change",
    "Column",
    "Comparison",
    "Convention",
    "Costs",
    "Counts",
    "Definition",
    "Exclusion",
    "Group",
    "Ids",
    "Impact",
    "ImpactBasis",
    "ImpactCounts",
    "ImpactRow",
    "ImpactStage",
    "ImpactState",
    "Metric",
    "MetricVerdict",
    "Point",
    "Scorecard",
    "Survival",
    "Table",
    "Unit",
    "count",
    "count_impact",
    "impact",
    "log_rank",
    "plot_sizes",
    "scorecard",
]
