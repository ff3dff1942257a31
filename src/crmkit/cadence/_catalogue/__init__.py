"""The cadences of the field, by name."""

from collections.abc import Mapping
from types import MappingProxyType

from crmkit.cadence._cadence import Cadence
from crmkit.cadence._catalogue._occasions import POST_EVENT, SILVER_MEDALIST
from crmkit.cadence._catalogue._returning import ALUMNI, LONG_TERM, QUARTERLY, WARM_PASSIVE
from crmkit.cadence._catalogue._seven_touch import SEVEN_TOUCH

CADENCES: Mapping[str, Cadence] = MappingProxyType(
    {
        cadence.name: cadence
        for cadence in (
            SEVEN_TOUCH,
            QUARTERLY,
            POST_EVENT,
            SILVER_MEDALIST,
            ALUMNI,
            WARM_PASSIVE,
            LONG_TERM,
        )
    }
)
"""The field's cadences: name → `Cadence`."""

__all__ = [
    "ALUMNI",
    "CADENCES",
    "LONG_TERM",
    "POST_EVENT",
    "QUARTERLY",
    "SEVEN_TOUCH",
    "SILVER_MEDALIST",
    "WARM_PASSIVE",
]
