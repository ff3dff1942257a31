"""Every kind of rule, in one place."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from crmkit.segmentation._happened import (
    ATTRIBUTES,
    EventAfter,
    EventAge,
    EventAnniversary,
    EventCount,
    EventRegular,
    EventRestarted,
    Events,
    EventStands,
    EventWhere,
    Where,
)
from crmkit.segmentation._person import (
    Bucket,
    Consented,
    FieldAge,
    FieldAnniversary,
    FieldTest,
    Listed,
    Permitted,
    ScoreTest,
    Suppressed,
    TemperatureTest,
)
from crmkit.segmentation._rule import AllOf, AnyOf, Everyone, Held, Member, Not, Rule

__all__ = [
    "ATTRIBUTES",
    "NODES",
    "AllOf",
    "AnyOf",
    "Bucket",
    "Consented",
    "EventAfter",
    "EventAge",
    "EventAnniversary",
    "EventCount",
    "EventRegular",
    "EventRestarted",
    "EventStands",
    "EventWhere",
    "Events",
    "Everyone",
    "FieldAge",
    "FieldAnniversary",
    "FieldTest",
    "Held",
    "Listed",
    "Member",
    "Not",
    "Permitted",
    "Rule",
    "ScoreTest",
    "Suppressed",
    "TemperatureTest",
    "Where",
    "each",
]

NODES: Mapping[str, type[Rule]] = MappingProxyType(
    {
        "everyone": Everyone,
        "all_of": AllOf,
        "any_of": AnyOf,
        "not": Not,
        "field": FieldTest,
        "field_age": FieldAge,
        "field_anniversary": FieldAnniversary,
        "event_count": EventCount,
        "event_age": EventAge,
        "event_anniversary": EventAnniversary,
        "event_where": EventWhere,
        "event_after": EventAfter,
        "event_stands": EventStands,
        "event_regular": EventRegular,
        "event_restarted": EventRestarted,
        "score": ScoreTest,
        "temperature": TemperatureTest,
        "member": Member,
        "held": Held,
        "permitted": Permitted,
        "consented": Consented,
        "suppressed": Suppressed,
        "listed": Listed,
        "bucket": Bucket,
    }
)
"""Every kind of rule under the name that documents give it."""


def each(rule: Rule) -> Iterator[Rule]:
    """Yield the rule and every rule inside it."""
    yield rule
    if isinstance(rule, AllOf | AnyOf):
        for part in rule.parts:
            yield from each(part)
    elif isinstance(rule, Not | Held):
        yield from each(rule.part)
