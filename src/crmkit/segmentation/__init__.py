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
from crmkit.segmentation._diff import Example, SegmentDiff, compare
from crmkit.segmentation._event import event, score, temperature, unopened
from crmkit.segmentation._field import Fields, field
from crmkit.segmentation._index import Index
from crmkit.segmentation._membership import Membership, Transition
from crmkit.segmentation._nodes import Rule
from crmkit.segmentation._outline import outline
from crmkit.segmentation._segment import OnLeave, Segment, Segmenter
from crmkit.segmentation._sentences import describe
from crmkit.segmentation._words import (
    all_of,
    any_of,
    bucket,
    consented,
    everyone,
    held,
    listed,
    member,
    none_of,
    permitted,
    suppressed,
)

__all__ = [
    "ALUMNI",
    "CATALOGUE",
    "COLD_PASSIVE",
    "EVENT_LEADS",
    "SILVER_MEDALISTS",
    "WARM_PASSIVE",
    "Example",
    "Fields",
    "Index",
    "Membership",
    "OnLeave",
    "Rule",
    "Segment",
    "SegmentDiff",
    "Segmenter",
    "Transition",
    "all_of",
    "any_of",
    "bucket",
    "by_location",
    "by_seniority",
    "by_skill",
    "compare",
    "consented",
    "describe",
    "event",
    "everyone",
    "field",
    "held",
    "listed",
    "member",
    "none_of",
    "outline",
    "permitted",
    "score",
    "suppressed",
    "temperature",
    "unopened",
]
