"""What if: a pool that lives through cadences, under assumptions that are written down."""

from crmkit.simulation._behaviour import Assumption, Behaviour
from crmkit.simulation._compare import Comparison, Difference
from crmkit.simulation._measures import Measure
from crmkit.simulation._simulate import simulate
from crmkit.simulation._simulation import Simulation

__all__ = [
    "Assumption",
    "Behaviour",
    "Comparison",
    "Difference",
    "Measure",
    "Simulation",
    "simulate",
]
