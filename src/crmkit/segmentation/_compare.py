"""How a found value is compared with a wanted one, for fields and for properties alike."""

import math
import operator
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from crmkit._time import to_instant
from crmkit.errors import InvalidRecord, NaiveInstant, RuleError

Value = str | int | float | bool | datetime
Compare = Callable[[Any, Any], bool]

MANY = ("in", "between", "has_any", "has_all")
"""Tests whose wanted value is a tuple."""


def comparable(value: object) -> str | None:
    """Return the group of values that *value* may be compared with, None when there is none."""
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "text"
    return "instant" if isinstance(value, datetime) else None


def same(found: object, wanted: object) -> bool:
    """Whether two values are equal and of one kind: 1 is not True."""
    return bool(found == wanted) and comparable(found) == comparable(wanted)


def plain(value: object) -> Value:
    """Accept one value as properties and custom fields hold it: text, number, flag or instant."""
    if isinstance(value, datetime):
        return to_instant(value)
    if isinstance(value, float) and math.isnan(value):
        raise InvalidRecord("", "NaN equals nothing, not even itself")
    if isinstance(value, str | int | float):
        return value
    raise InvalidRecord("", f"expected a text, number, flag or instant, got {value!r}")


def _ordered(compare: Compare) -> Compare:
    return lambda found, wanted: comparable(found) == comparable(wanted) and compare(found, wanted)


def _textual(compare: Compare) -> Compare:
    return lambda found, wanted: isinstance(found, str) and compare(found, wanted)


def _item(found: object, wanted: Any) -> bool:
    return any(same(found, one) for one in wanted)


def _between(found: Any, bounds: Any) -> bool:
    return bool(bounds[0] <= found <= bounds[1])


STRICT: Mapping[str, Compare] = MappingProxyType(
    {
        "==": operator.eq,
        "<": operator.lt,
        "<=": operator.le,
        ">": operator.gt,
        ">=": operator.ge,
        "between": _between,
        "in": lambda found, wanted: found in wanted,
        "contains": operator.contains,
        "starts_with": str.startswith,
        "ends_with": str.endswith,
        "has_any": lambda found, wanted: any(one in found for one in wanted),
        "has_all": lambda found, wanted: all(one in found for one in wanted),
        "known": lambda *_: True,
    }
)
"""For a field whose type is known; the value is there."""

# A host's own value may be anything: one of another type is simply not the one asked for.
LOOSE: Mapping[str, Compare] = MappingProxyType(
    {
        "==": same,
        **{op: _ordered(STRICT[op]) for op in ("<", "<=", ">", ">=")},
        "between": lambda found, bounds: (
            comparable(found) == comparable(bounds[0]) and _between(found, bounds)
        ),
        "in": _item,
        **{op: _textual(STRICT[op]) for op in ("starts_with", "ends_with")},
        "contains": lambda found, wanted: (
            _item(wanted, found)
            if isinstance(found, tuple)
            else isinstance(found, str) and wanted in found
        ),
        "has_any": lambda found, wanted: (
            isinstance(found, tuple) and any(_item(one, found) for one in wanted)
        ),
        "has_all": lambda found, wanted: (
            isinstance(found, tuple) and all(_item(one, found) for one in wanted)
        ),
        "known": lambda *_: True,
    }
)
"""For custom fields and properties, which may hold any JSON value or instant."""


def ordered(values: tuple[Value, ...], where: str) -> None:
    """Check the bounds of ``between``: two values of one kind, the lower one first."""
    if len(values) != 2 or comparable(values[0]) != comparable(values[1]):
        raise RuleError(f"{where}: between needs two values of one type")
    if isinstance(values[0], bool):
        raise RuleError(f"{where}: true and false have no order; use ==")
    if values[0] > values[1]:  # type: ignore[operator]
        raise RuleError(f"{where}: between needs the lower value first")


def named(error: InvalidRecord, where: str) -> Exception:
    """Return the error of a value as the rule's: with *where*, and typed for the caller."""
    if isinstance(error, NaiveInstant) or type(error) is not InvalidRecord:
        return type(error)(where, error.problem)
    return RuleError(f"{where}: {error.problem}")
