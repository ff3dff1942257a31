"""Rules in English: the words that reasons and descriptions are made of."""

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

from crmkit._time import describe_span, plural
from crmkit.segmentation._nodes import (
    AllOf,
    AnyOf,
    EventAfter,
    EventAge,
    EventCount,
    Events,
    EventStands,
    FieldAge,
    FieldTest,
    Not,
    Rule,
    ScoreTest,
    TemperatureTest,
)

_SHOWN = 6


def describe(rule: Rule) -> str:
    """Return a rule as an English sentence.

    >>> from crmkit.segmentation import event, field
    >>> describe((field.source == "sourced") & ~event("applied").within(days=180))
    "Source is 'sourced', and not applied within the last 180 days."
    """
    clause = phrase(rule)
    return f"{clause[0].upper()}{clause[1:]}."


@lru_cache(maxsize=4096)
def phrase(rule: Rule) -> str:
    """Return a rule as a clause, without capital and stop."""
    if isinstance(rule, AllOf | AnyOf):
        joint = ", and " if isinstance(rule, AllOf) else ", or "
        return joint.join(_bracketed(part) for part in rule.parts)
    holds = not isinstance(rule, Not)
    part = rule.part if isinstance(rule, Not) else rule
    if isinstance(part, AllOf | AnyOf | Not):
        return f"not ({phrase(part)})"
    word = _WORDS.get(type(part))
    if word is None:
        return "everyone" if holds else "nobody"
    return word(part, holds)


def _bracketed(rule: Rule) -> str:
    return f"({phrase(rule)})" if isinstance(rule, AllOf | AnyOf) else phrase(rule)


def value_text(value: object) -> str:
    """Return one found or wanted value as text; a long list is cut."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, StrEnum):
        return f"'{value}'"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, tuple):
        more = f" and {len(value) - _SHOWN} more" if len(value) > _SHOWN else ""
        return ", ".join(map(value_text, value[:_SHOWN])) + more
    return repr(value)


def _any(values: Iterable[object], joint: str = "or") -> str:
    *most, last = map(value_text, values)
    return f"{', '.join(most)} {joint} {last}" if most else last


_COMPARED = {  # of a number, an instant, a rank; the second of each pair is the opposite
    "<": (("less than", "not less than"), ("before", "not before"), ("below", "not below")),
    "<=": (("at most", "not at most"), ("not after", "after"), ("at most", "not at most")),
    ">": (("more than", "not more than"), ("after", "not after"), ("above", "not above")),
    ">=": (("at least", "not at least"), ("not before", "before"), ("at least", "not at least")),
}

_TEXTUAL = {
    "contains": ("contains", "does not contain"),
    "starts_with": ("starts with", "does not start with"),
    "ends_with": ("ends with", "does not end with"),
}


def _field_test(node: FieldTest, holds: bool) -> str:  # noqa: FBT001
    name = " ".join(node.path).replace("_", " ")
    value: Any = node.value
    if node.op == "known":
        return f"{name} is {'known' if holds else 'unknown'}"
    if node.op in _COMPARED:
        which = 1 if isinstance(value, datetime) else 2 if isinstance(value, str) else 0
        return f"{name} is {_COMPARED[node.op][which][not holds]} {value_text(value)}"
    is_ = "is" if holds else "is not"
    match node.op:
        case "==":
            return f"{name} {is_} {value_text(value)}"
        case "between":
            return f"{name} {is_} between {_any(value, 'and')}"
        case "in":
            return f"{name} {is_} {_any(value)}"
        case "has_any" if len(value) > 1 and not holds:
            return f"{name} include neither {_any(value, 'nor')}"
        case "has_any" | "has_all":
            joint = "or" if node.op == "has_any" else "and"
            return f"{name} {'' if holds else 'do not '}include {_any(value, joint)}"
    return f"{name} {_TEXTUAL[node.op][not holds]} {value_text(value)}"


def _field_age(node: FieldAge, holds: bool) -> str:  # noqa: FBT001
    name = " ".join(node.path).replace("_", " ")
    is_ = "is" if holds else "is not"
    if node.op == "within":
        return f"{name} {is_} within the last {describe_span(node.span)}"
    return f"{name} {is_} {describe_span(node.span)} ago or earlier"


_WHO: dict[tuple[bool | None, ...], str] = {
    (True,): " by a machine",
    (False,): " by a person for certain",
}


def events_text(events: Events) -> str:
    """Return which interactions these are: ``replied with outcome 'positive'``."""
    *most, last = (kind.replace("_", " ") for kind in events.kinds)
    kinds = f"{', '.join(most)} or {last}" if most else last
    where = " and ".join(f"{name.replace('_', ' ')} {_any(of)}" for name, of in events.where)
    who = _WHO.get(events.automated, "")
    return f"{kinds}{' with ' + where if where else ''}{who}"


def _event_count(node: EventCount, holds: bool) -> str:  # noqa: FBT001
    what = events_text(node.events)
    when = f" within the last {describe_span(node.within)}" if node.within else ""
    low, high = node.at_least, node.at_most
    if (low, high) in {(1, None), (0, 0)}:
        if holds is (high is None):
            return f"{what}{when}" if when else f"ever {what}"
        return f"{'not' if when else 'never'} {what}{when}"
    if high is None:
        times = f"at least {_times(low)}" if holds else f"fewer than {_times(low)}"
    elif low == 0:
        times = f"at most {_times(high)}" if holds else f"more than {_times(high)}"
    else:
        exact = _times(low) if low == high else f"{low} to {_times(high)}"
        times = f"exactly {exact}" if holds else f"not exactly {exact}"
    return f"{what} {times}{when}"


def _times(number: int) -> str:
    return plural(number, "time")


def _event_age(node: EventAge, holds: bool) -> str:  # noqa: FBT001
    no = "" if holds else "not "
    return f"{no}{events_text(node.events)} {describe_span(node.span)} ago or earlier"


def _event_after(node: EventAfter, holds: bool) -> str:  # noqa: FBT001
    never = "" if holds else "never "
    within = f"within {describe_span(node.within)} " if node.within else ""
    return f"{never}{events_text(node.events)} {within}after {events_text(node.other)}"


def _event_stands(node: EventStands, holds: bool) -> str:  # noqa: FBT001
    what, other = events_text(node.events), events_text(node.other)
    return f"{what} and not {other} since" if holds else f"not ({what} and not {other} since)"


def _score_test(node: ScoreTest, holds: bool) -> str:  # noqa: FBT001
    return f"score is {_COMPARED[node.op][0][not holds]} {node.value:g}"


def _temperature_test(node: TemperatureTest, holds: bool) -> str:  # noqa: FBT001
    return f"temperature {'is' if holds else 'is not'} {_any(node.among)}"


_WORDS: dict[type[Rule], Callable[[Any, bool], str]] = {
    FieldTest: _field_test,
    FieldAge: _field_age,
    EventCount: _event_count,
    EventAge: _event_age,
    EventAfter: _event_after,
    EventStands: _event_stands,
    ScoreTest: _score_test,
    TemperatureTest: _temperature_test,
}
