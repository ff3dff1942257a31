"""What a rule is made of: an immutable tree of plain records.

Nodes check their fields and compare by value; the words that build them are in `_field` and
`_event`, the walk that answers them in `_walk`.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import attrs

from crmkit.engagement import DEFAULT, EngagementPolicy, Temperature
from crmkit.errors import RuleError
from crmkit.model import to_kind

Value = str | int | float | bool | datetime

ATTRIBUTES = frozenset({"channel", "outcome", "role_id", "enrollment_id", "touch", "rotation"})
"""What an event rule may ask of an `Interaction` itself; other names are its ``properties``."""


class Rule:
    """A question about a relationship at an instant; combine rules with ``&``, ``|`` and ``~``."""

    __slots__ = ()

    def __and__(self, other: object) -> "Rule":
        return AllOf((*_parts(self, AllOf), *_parts(to_rule(other), AllOf)))

    def __or__(self, other: object) -> "Rule":
        return AnyOf((*_parts(self, AnyOf), *_parts(to_rule(other), AnyOf)))

    def __invert__(self) -> "Rule":
        return Not(self)

    def __bool__(self) -> bool:
        raise RuleError(
            "a rule is neither true nor false before it is asked about somebody; use & instead of "
            "'and', | instead of 'or', ~ instead of 'not', .between(low, high) instead of "
            "low <= field <= high"
        )


def to_rule(value: object) -> Rule:
    """Return *value* if it is a rule, or raise `RuleError` with what it lacks."""
    if isinstance(value, Rule):
        return value
    problem = f"expected a rule, got {type(value).__name__}"
    hint = getattr(value, "_unfinished", None)
    raise RuleError(f"{problem}; {hint}" if hint else problem)


def _parts(rule: Rule, of: "type[AllOf | AnyOf]") -> tuple[Rule, ...]:
    return rule.parts if isinstance(rule, of) else (rule,)


def _typed(value: object) -> object:
    # True == 1 == 1.0 in Python, but they are three different questions.
    if isinstance(value, tuple):
        return tuple(_typed(item) for item in value)
    return type(value), value


def _rules(_node: object, _field: object, value: object) -> None:
    if not isinstance(value, tuple) or not value:
        raise RuleError("needs at least one rule; everyone() is the rule that always holds")
    for part in value:
        to_rule(part)


def _count(_node: object, field: "attrs.Attribute[Any]", value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise RuleError(f"{field.name}: expected a whole number from 0, got {value!r}")


def _span(_node: object, field: "attrs.Attribute[Any]", value: object) -> None:
    if not isinstance(value, timedelta):
        raise RuleError(f"{field.name}: expected a timedelta, got {value!r}")
    if value <= timedelta(0):
        raise RuleError(f"{field.name}: expected a span longer than nothing, got {value}")


def _age(_node: object, field: "attrs.Attribute[Any]", value: object) -> None:
    if value != timedelta(0):
        _span(_node, field, value)


def _kinds(_node: object, _field: object, value: tuple[str, ...]) -> None:
    if not value:
        raise RuleError("event() needs at least one interaction kind")
    for kind in value:
        to_kind(kind)


@attrs.frozen(cache_hash=True)
class Everyone(Rule):
    """Always holds."""


@attrs.frozen(cache_hash=True)
class AllOf(Rule):
    """Holds when every part does."""

    parts: tuple[Rule, ...] = attrs.field(validator=_rules)


@attrs.frozen(cache_hash=True)
class AnyOf(Rule):
    """Holds when some part does."""

    parts: tuple[Rule, ...] = attrs.field(validator=_rules)


@attrs.frozen(cache_hash=True)
class Not(Rule):
    """Holds when its part does not: also where the part's data is missing."""

    part: Rule = attrs.field(converter=to_rule)

    def __invert__(self) -> Rule:
        return self.part


@attrs.frozen(cache_hash=True)
class FieldTest(Rule):
    """A field compared with a value; false where the field is unknown."""

    path: tuple[str, ...]
    """``("source",)``, ``("custom", "visa")``, ``("employments", "company")``."""
    op: str = attrs.field(
        validator=attrs.validators.in_(
            (
                *("==", "<", "<=", ">", ">=", "between", "in", "contains", "starts_with"),
                *("ends_with", "has_any", "has_all", "known"),
            )
        )
    )
    value: Value | tuple[Value, ...] | None = attrs.field(default=None, eq=_typed)
    """A tuple for ``between``, ``in``, ``has_any``, ``has_all``; None for ``known``."""


@attrs.frozen(cache_hash=True)
class FieldAge(Rule):
    """A field's instant *t* is ``within`` or ``older_than`` a span of now.

    Within: now - span < t <= now. Older than: t <= now - span.
    """

    path: tuple[str, ...]
    op: str = attrs.field(validator=attrs.validators.in_(("within", "older_than")))
    span: timedelta = attrs.field(validator=_age)


@attrs.frozen(cache_hash=True)
class Events:
    """Which interactions an event rule looks at (itself no rule).

    Of these ``kinds``; with ``automated`` one of those given; and for each name in ``where`` one
    of its values.
    """

    kinds: tuple[str, ...] = attrs.field(validator=_kinds)
    where: tuple[tuple[str, tuple[Value, ...]], ...] = attrs.field(default=(), eq=_typed)
    automated: tuple[bool | None, ...] = (False, None)


@attrs.frozen(cache_hash=True)
class EventCount(Rule):
    """So many of these interactions, ever or within a span of now; none is a count too."""

    events: Events
    at_least: int = attrs.field(default=0, validator=_count)
    at_most: int | None = attrs.field(default=None, validator=attrs.validators.optional(_count))
    within: timedelta | None = attrs.field(default=None, validator=attrs.validators.optional(_span))


@attrs.frozen(cache_hash=True)
class EventAge(Rule):
    """The first of these interactions is at least a span old: t <= now - span."""

    events: Events
    span: timedelta = attrs.field(validator=_span)


@attrs.frozen(cache_hash=True)
class EventAfter(Rule):
    """Some interaction at *s* came after one of ``other`` at *r*: r < s, and s - r < within."""

    events: Events
    other: Events
    within: timedelta | None = attrs.field(default=None, validator=attrs.validators.optional(_span))


@attrs.frozen(cache_hash=True)
class EventStands(Rule):
    """The newest interaction is newer than every one of ``other``: nothing undid it."""

    events: Events
    other: Events


@attrs.frozen(cache_hash=True)
class ScoreTest(Rule):
    """The engagement score compared with a number."""

    op: str = attrs.field(validator=attrs.validators.in_(("<", "<=", ">", ">=")))
    value: float
    policy: EngagementPolicy = DEFAULT


@attrs.frozen(cache_hash=True)
class TemperatureTest(Rule):
    """The temperature is one of these."""

    among: tuple[Temperature, ...]
    policy: EngagementPolicy = DEFAULT


def each(rule: Rule) -> Iterator[Rule]:
    """Yield the rule and every rule inside it."""
    yield rule
    if isinstance(rule, AllOf | AnyOf):
        for part in rule.parts:
            yield from each(part)
    elif isinstance(rule, Not):
        yield from each(rule.part)
