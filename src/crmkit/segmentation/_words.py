"""What all the words that rules are written in share, and the words that join rules."""

from datetime import timedelta
from typing import Any

from crmkit.errors import RuleError
from crmkit.segmentation._nodes import AllOf, AnyOf, Everyone, Rule, to_rule


class Unfinished:
    """Half a rule: not yet anything that ``&``, ``|``, ``~`` or ``if`` could work on."""

    __slots__ = ()
    _unfinished = "it is only half a rule"

    def _refuse(self, _other: object = None) -> Any:
        raise RuleError(
            f"{self._unfinished}; put each comparison in parentheses before combining it with "
            "&, | or ~"
        )

    __and__ = __rand__ = __or__ = __ror__ = __invert__ = __bool__ = _refuse


def everyone() -> Rule:
    """Return the rule that always holds."""
    return Everyone()


def all_of(*rules: Rule) -> Rule:
    """Return the rule that holds when every one of these does."""
    return AllOf(tuple(map(to_rule, rules))) if len(rules) != 1 else to_rule(rules[0])


def any_of(*rules: Rule) -> Rule:
    """Return the rule that holds when at least one of these does."""
    return AnyOf(tuple(map(to_rule, rules))) if len(rules) != 1 else to_rule(rules[0])


def none_of(*rules: Rule) -> Rule:
    """Return the rule that holds when not one of these does."""
    return ~any_of(*rules)


def spread(values: tuple[object, ...]) -> tuple[object, ...]:
    """Return the values, whether they came one by one or as one list; a set is sorted."""
    if len(values) != 1 or not isinstance(values[0], list | tuple | set | frozenset):
        return values
    items = values[0]
    return tuple(sorted(items, key=str) if isinstance(items, set | frozenset) else items)


def to_span(
    span: timedelta | None,
    days: float | None = None,
    weeks: float | None = None,
    hours: float | None = None,
) -> timedelta:
    """Return the one exact span that was given."""
    named = {"days": days, "weeks": weeks, "hours": hours}
    given = {name: number for name, number in named.items() if number is not None}
    if (span is None) == (not given):
        raise RuleError("expected a span: days=, weeks=, hours=, or a timedelta in their place")
    if span is None:
        try:
            return timedelta(**given)
        except (OverflowError, ValueError, TypeError):
            raise RuleError(f"not a span of time: {given}") from None
    if not isinstance(span, timedelta):
        raise RuleError(f"expected a timedelta or days=…, got {span!r}")
    return span
