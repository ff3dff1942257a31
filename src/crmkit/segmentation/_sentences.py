"""Rules in English: the words that reasons and descriptions are made of."""

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

from crmkit._time import Span, describe_span, plural
from crmkit.segmentation._nodes import (
    AllOf,
    AnyOf,
    Bucket,
    Consented,
    EventAfter,
    EventAge,
    EventAnniversary,
    EventCount,
    EventRegular,
    EventRestarted,
    Events,
    EventStands,
    EventWhere,
    FieldAge,
    FieldAnniversary,
    FieldTest,
    Held,
    Listed,
    Member,
    Not,
    Permitted,
    Rule,
    ScoreTest,
    Suppressed,
    TemperatureTest,
    Where,
)
from crmkit.segmentation._rule import to_rule

_SHOWN = 6


def describe(rule: Rule) -> str:
    """Return a rule as an English sentence.

    >>> from crmkit.segmentation import event, field
    >>> describe((field.source == "sourced") & ~event("applied").within(days=180))
    "Source is 'sourced', and not applied within the last 180 days."
    """
    clause = phrase(to_rule(rule))
    return f"{clause[0].upper()}{clause[1:]}."


def phrase(rule: Rule) -> str:
    """Return a rule as a clause, without capital and stop."""
    if isinstance(rule, AllOf | AnyOf):
        joint = ", and " if isinstance(rule, AllOf) else ", or "
        return joint.join(_bracketed(part) for part in rule.parts)
    holds = not isinstance(rule, Not)
    part = rule.part if isinstance(rule, Not) else rule
    if isinstance(part, AllOf | AnyOf | Not):
        return f"not ({phrase(part)})"
    if isinstance(part, Held):
        clause = f"for at least {span_text(part.span)}: {phrase(part.part)}"
        return clause if holds else f"not {clause}"
    return _clause(part, holds=holds)


@lru_cache(maxsize=1024)
def _clause(leaf: Rule, *, holds: bool) -> str:
    word = _WORDS.get(type(leaf))
    if word is None:
        return "everyone" if holds else "nobody"
    return word(leaf, holds)


def _bracketed(rule: Rule) -> str:
    inner = rule.part if isinstance(rule, Not) else rule
    joined = isinstance(rule, AllOf | AnyOf) or isinstance(inner, Held)
    return f"({phrase(rule)})" if joined else phrase(rule)


def span_text(span: Span) -> str:
    """Return a span in words, with the zone whose calendar counts it."""
    zone = getattr(span, "zone", None)
    return f"{describe_span(span)} ({zone.key})" if zone else describe_span(span)


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


def _plain(*names: str) -> str:
    # A host's own name may be any text; one with line breaks must not look like several clauses.
    return " ".join(name.replace("_", " ") if name.isprintable() else repr(name) for name in names)


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
    name = _plain(*node.path)
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
    name = _plain(*node.path)
    is_ = "is" if holds else "is not"
    if not node.span:
        return f"{name} {'has' if holds else 'has not'} come"
    if node.op == "within":
        return f"{name} {is_} within the last {span_text(node.span)}"
    return f"{name} {is_} {span_text(node.span)} ago or earlier"


_WHO: dict[tuple[bool | None, ...], str] = {
    (True,): " by a machine",
    (False,): " by a person for certain",
}


def _anniversary(node: FieldAnniversary | EventAnniversary, what: str, holds: bool) -> str:  # noqa: FBT001
    zone = f" ({node.zone.key})" if node.zone else ""
    spans = [
        f"{describe_span(span)} {word}"
        for span, word in ((node.before, "before"), (node.after, "after"))
        if span
    ]
    near = f"within {' or '.join(spans)} an anniversary of {what}{zone}"
    return near if holds else f"not {near}"


def _field_anniversary(node: FieldAnniversary, holds: bool) -> str:  # noqa: FBT001
    return _anniversary(node, _plain(*node.path), holds)


def _event_anniversary(node: EventAnniversary, holds: bool) -> str:  # noqa: FBT001
    return _anniversary(node, f"the {node.which} {events_text(node.events)}", holds)


def _where(test: Where) -> str:
    name, value = _plain(test.name), test.value
    if test.op == "known":
        return f"{name} {'known' if test.holds else 'unknown'}"
    if test.op == "in":
        return f"{name} {'' if test.holds else 'not '}{_any(value)}"  # type: ignore[arg-type]
    if test.op in _COMPARED:
        which = 1 if isinstance(value, datetime) else 0
        return f"{name} {_COMPARED[test.op][which][not test.holds]} {value_text(value)}"
    words = {"contains": "containing", "starts_with": "starting with", "ends_with": "ending with"}
    return f"{name} {'' if test.holds else 'not '}{words[test.op]} {value_text(value)}"


def events_text(events: Events) -> str:
    """Return which interactions these are: ``replied with outcome 'positive'``."""
    *most, last = (kind.replace("_", " ") for kind in events.kinds)
    kinds = f"{', '.join(most)} or {last}" if most else last
    where = " and ".join(map(_where, events.where))
    dated = [
        f"{word} {value_text(instant)}"
        for word, instant in (("since", events.since), ("before", events.before))
        if instant
    ]
    when = f" {' and '.join(dated)}" if dated else ""
    who = _WHO.get(events.automated, "")
    return f"{kinds}{' with ' + where if where else ''}{who}{when}"


def _event_count(node: EventCount, holds: bool) -> str:  # noqa: FBT001
    what = events_text(node.events)
    when = f" within the last {span_text(node.within)}" if node.within else ""
    if node.lag:
        within = f"within the {span_text(node.within)} " if node.within else ""
        when = f" {within}before {span_text(node.lag)} ago"
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
    return "once" if number == 1 else plural(number, "time")


def _event_age(node: EventAge, holds: bool) -> str:  # noqa: FBT001
    what = f"{'' if holds else 'not '}{node.which} {events_text(node.events)}"
    if node.op == "within":
        return f"{what} within the last {span_text(node.span)}"
    return f"{what} {span_text(node.span)} ago or earlier"


def _event_where(node: EventWhere, holds: bool) -> str:  # noqa: FBT001
    what = f"the {node.which} {events_text(node.events)} has {_where(node.test)}"
    return what if holds else f"not ({what})"


def _event_regular(node: EventRegular, holds: bool) -> str:  # noqa: FBT001
    periods = f"{node.at_least} of the last {node.periods} periods of {span_text(node.every)}"
    return f"{events_text(node.events)} in {'at least' if holds else 'fewer than'} {periods}"


def _event_restarted(node: EventRestarted, holds: bool) -> str:  # noqa: FBT001
    what = f"{events_text(node.events)} within the last {span_text(node.within)}"
    gap = f"after {span_text(node.gap)} without"
    return f"{what}, {gap}" if holds else f"not ({what}, {gap})"


def _event_after(node: EventAfter, holds: bool) -> str:  # noqa: FBT001
    never = "" if holds else "never "
    within = f"within {span_text(node.within)} " if node.within else ""
    return f"{never}{events_text(node.events)} {within}after {events_text(node.other)}"


def _event_stands(node: EventStands, holds: bool) -> str:  # noqa: FBT001
    what, other = events_text(node.events), events_text(node.other)
    return f"{what} and not {other} since" if holds else f"not ({what} and not {other} since)"


def _score_test(node: ScoreTest, holds: bool) -> str:  # noqa: FBT001
    return f"score is {_COMPARED[node.op][0][not holds]} {node.value:g}"


def _temperature_test(node: TemperatureTest, holds: bool) -> str:  # noqa: FBT001
    return f"temperature {'is' if holds else 'is not'} {_any(node.among)}"


def _member(node: Member, holds: bool) -> str:  # noqa: FBT001
    return f"{'in' if holds else 'not in'} segment {node.segment!r}"


def _permitted(node: Permitted, holds: bool) -> str:  # noqa: FBT001
    return f"{'may' if holds else 'may not'} be contacted for {node.purpose} by {node.channel}"


def _consented(node: Consented, holds: bool) -> str:  # noqa: FBT001
    return f"{'has' if holds else 'has not'} consented to {node.purpose}"


def _suppressed(node: Suppressed, holds: bool) -> str:  # noqa: FBT001
    return f"{'' if holds else 'not '}suppressed for {node.channel}"


def _listed(node: Listed, holds: bool) -> str:  # noqa: FBT001
    return f"{'' if holds else 'not '}listed by hand ({value_text(node.ids)})"


def _bucket(node: Bucket, holds: bool) -> str:  # noqa: FBT001
    share = f"from {node.at_least:g} to {node.below:g} of pilot {node.pilot!r}"
    return f"{'' if holds else 'not '}in bucket {share}"


_WORDS: dict[type[Rule], Callable[[Any, bool], str]] = {
    FieldTest: _field_test,
    FieldAge: _field_age,
    FieldAnniversary: _field_anniversary,
    EventCount: _event_count,
    EventAge: _event_age,
    EventAnniversary: _event_anniversary,
    EventWhere: _event_where,
    EventAfter: _event_after,
    EventStands: _event_stands,
    EventRegular: _event_regular,
    EventRestarted: _event_restarted,
    ScoreTest: _score_test,
    TemperatureTest: _temperature_test,
    Member: _member,
    Permitted: _permitted,
    Consented: _consented,
    Suppressed: _suppressed,
    Listed: _listed,
    Bucket: _bucket,
}
