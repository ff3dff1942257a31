"""What a rule could see: interaction kinds, and other segments."""

from collections.abc import Iterable

from crmkit.engagement import MESSAGES
from crmkit.permission import ARBITER_KINDS, CONSENT_KINDS, SUPPRESSION_KINDS
from crmkit.segmentation._nodes import (
    Consented,
    Events,
    Member,
    Permitted,
    Rule,
    ScoreTest,
    Suppressed,
    TemperatureTest,
    each,
)


def seen(rule: Rule) -> frozenset[str]:
    """Return the interaction kinds that could change the answer, without those of references."""
    return frozenset(kind for node in each(rule) for kind in _kinds(node))


def referred(rule: Rule) -> frozenset[str]:
    """Return the names of the segments that the rule refers to itself."""
    return frozenset(node.segment for node in each(rule) if isinstance(node, Member))


def _kinds(node: Rule) -> Iterable[str]:
    match node:
        case ScoreTest() | TemperatureTest():
            weighing = [kind for kind, weight in node.policy.weights.items() if weight > 0]
            silent = MESSAGES if isinstance(node, TemperatureTest) else ()
            return (*weighing, *silent)
        case Permitted():
            return ARBITER_KINDS
        case Consented():
            return CONSENT_KINDS
        case Suppressed():
            return SUPPRESSION_KINDS
    events = (getattr(node, name, None) for name in ("events", "other"))
    return [kind for each in events if isinstance(each, Events) for kind in each.kinds]
