"""Score and temperature of a relationship."""

from enum import StrEnum


class Temperature(StrEnum):
    """How a relationship stands: hot, warm, cooling, cold, or unknown."""

    HOT = "hot"
    WARM = "warm"
    COOLING = "cooling"
    COLD = "cold"
    UNKNOWN = "unknown"
