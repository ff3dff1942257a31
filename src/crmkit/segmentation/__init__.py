"""Segments: rules over a relationship that say who belongs, why, and until when."""

from crmkit.segmentation._catalogue import (
    ALUMNI,
    CATALOGUE,
    COLD_PASSIVE,
    EVENT_LEADS,
    SILVER_MEDALISTS,
    WARM_PASSIVE,
    by_location,
    by_seniority,
    by_skill,
)
from crmkit.segmentation._event import event, score, temperature
from crmkit.segmentation._field import field
from crmkit.segmentation._membership import Membership, Transition
from crmkit.segmentation._nodes import Rule
from crmkit.segmentation._segment import Segment, Segmenter
from crmkit.segmentation._sentences import describe
from crmkit.segmentation._words import all_of, any_of, everyone, none_of

__all__ = [
    "ALUMNI",
    "CATALOGUE",
    "COLD_PASSIVE",
    "EVENT_LEADS",
    "SILVER_MEDALISTS",
    "WARM_PASSIVE",
    "Membership",
    "Rule",
    "Segment",
    "Segmenter",
    "Transition",
    "all_of",
    "any_of",
    "by_location",
    "by_seniority",
    "by_skill",
    "describe",
    "event",
    "everyone",
    "field",
    "none_of",
    "score",
    "temperature",
]
