"""The root of every rule, and the rules that join others.

Nodes are immutable records that check themselves, however they were made, and compare by value.
The words that build them are in `_field` and `_event`, the walk that answers them in `_walk`.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, ClassVar

import attrs

from crmkit._time import CalendarSpan, Span
from crmkit.errors import RuleError

DEEPEST = 100
"""How deep rules may be nested: deeper than anybody reads, and never too deep to walk."""


class Rule:
    """A question about a relationship at an instant; combine rules with ``&``, ``|`` and ``~``."""

    __slots__ = ()
    depth: ClassVar[int] = 1

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


def _rules(value: object) -> tuple[Rule, ...]:
    if not isinstance(value, Iterable) or isinstance(value, str):
        raise RuleError(f"expected rules, got {type(value).__name__}")
    found = tuple(map(to_rule, value))
    if not found:
        raise RuleError("needs at least one rule; everyone() is the rule that always holds")
    return found


def _above(parts: Iterable[Rule]) -> int:
    depth = 1 + max(part.depth for part in parts)
    if depth > DEEPEST:
        raise RuleError(f"rules are nested more than {DEEPEST} deep")
    return depth


def typed(value: object) -> object:
    """Return what makes a value of a node equal: True == 1 == 1.0, but they ask differently."""
    if isinstance(value, tuple):
        return tuple(typed(item) for item in value)
    return type(value), value


def count(_node: object, field: "attrs.Attribute[Any]", value: object) -> None:
    """Check a whole number from 0."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise RuleError(f"{field.name}: expected a whole number from 0, got {value!r}")


def text(_node: object, field: "attrs.Attribute[Any]", value: object) -> None:
    """Check a text that says something."""
    if not isinstance(value, str) or not value:
        raise RuleError(f"{field.name}: expected a text, got {value!r}")


@attrs.frozen
class OneOf:
    """Checks that a text is one of the few that it may be."""

    options: tuple[str, ...]

    def __call__(self, _node: object, field: "attrs.Attribute[Any]", value: object) -> None:
        if value not in self.options:
            known = ", ".join(self.options)
            raise RuleError(f"{field.name}: expected one of {known}, got {value!r}")


@attrs.frozen
class Instance:
    """Checks that a value is of a class."""

    of: type

    def __call__(self, _node: object, field: "attrs.Attribute[Any]", value: object) -> None:
        if not isinstance(value, self.of):
            raise RuleError(f"{field.name}: expected {self.of.__name__}, got {value!r}")


def exact(_node: object, field: "attrs.Attribute[Any]", value: object) -> None:
    """Check an exact span that is longer than nothing."""
    if not isinstance(value, timedelta):
        raise RuleError(f"{field.name}: expected a timedelta, got {value!r}")
    if value <= timedelta(0):
        raise RuleError(f"{field.name}: expected a span longer than nothing, got {value}")


def span(_node: object, field: "attrs.Attribute[Any]", value: Span) -> None:
    """Check a span, exact or by the calendar."""
    if not isinstance(value, CalendarSpan):
        exact(_node, field, value)


@attrs.frozen(cache_hash=True)
class Everyone(Rule):
    """Always holds."""


@attrs.frozen
class _Joint(Rule):
    parts: tuple[Rule, ...] = attrs.field(converter=_rules)
    depth: int = attrs.field(init=False, eq=False, repr=False)  # type: ignore[misc]

    @depth.default
    def _depth(self) -> int:
        return _above(self.parts)


@attrs.frozen(cache_hash=True)
class AllOf(_Joint):
    """Holds when every part does."""


@attrs.frozen(cache_hash=True)
class AnyOf(_Joint):
    """Holds when some part does."""


@attrs.frozen(cache_hash=True)
class Not(Rule):
    """Holds when its part does not: also where the part's data is missing."""

    part: Rule = attrs.field(converter=to_rule)
    depth: int = attrs.field(init=False, eq=False, repr=False)  # type: ignore[misc]

    @depth.default
    def _depth(self) -> int:
        return _above((self.part,))

    def __invert__(self) -> Rule:
        return self.part


@attrs.frozen(cache_hash=True)
class Held(Rule):
    """Its part has been true at every instant from a span ago up to now.

    By the calendar: some stretch in which it is true began at *s*, lasts, and s + span <= now.
    Fields are taken as they are now, since only events have a history.
    """

    part: Rule = attrs.field(converter=to_rule)
    span: Span = attrs.field(validator=span)
    depth: int = attrs.field(init=False, eq=False, repr=False)  # type: ignore[misc]

    @depth.default
    def _depth(self) -> int:
        return _above((self.part,))


@attrs.frozen(cache_hash=True)
class Member(Rule):
    """The person belongs to another segment, by its rule."""

    segment: str = attrs.field(validator=text)
