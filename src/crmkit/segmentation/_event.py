"""The words ``event``, ``score`` and ``temperature``: what somebody did, and how they stand."""

import math
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import attrs

from crmkit.engagement import DEFAULT, EngagementPolicy, Temperature
from crmkit.errors import InvalidRecord, NaiveInstant, RuleError, UnknownName
from crmkit.model import Interaction, to_kind
from crmkit.segmentation._nodes import (
    ATTRIBUTES,
    EventAfter,
    EventAge,
    EventCount,
    Events,
    EventStands,
    Not,
    Rule,
    ScoreTest,
    TemperatureTest,
    Value,
)
from crmkit.segmentation._paths import plain
from crmkit.segmentation._words import Unfinished, spread, to_span


class Event(Unfinished):
    """Some interactions, waiting for how many, when, or after what."""

    __slots__ = ("_events",)
    _unfinished = "say how often or when, as in event('replied').ever() or .within(days=90)"

    def __init__(self, events: Events) -> None:
        self._events = events

    def __repr__(self) -> str:
        return f"event({', '.join(map(repr, self._events.kinds))})"

    def ever(self) -> Rule:
        """Hold for at least one, up to now."""
        return EventCount(self._events, at_least=1)

    def never(self) -> Rule:
        """Hold for none, up to now; somebody about whom nothing is known never did."""
        return EventCount(self._events, at_most=0)

    def within(
        self,
        span: timedelta | None = None,
        *,
        days: float | None = None,
        weeks: float | None = None,
        hours: float | None = None,
    ) -> Rule:
        """Hold for at least one at *t* with now - span < t <= now."""
        return self.at_least(1, within=to_span(span, days, weeks, hours))

    def at_least(self, count: int, *, within: timedelta | None = None) -> Rule:
        """Hold for *count* or more, ever or within the span."""
        return EventCount(self._events, at_least=count, within=within)

    def at_most(self, count: int, *, within: timedelta | None = None) -> Rule:
        """Hold for *count* or fewer, none included."""
        return EventCount(self._events, at_most=count, within=within)

    def exactly(self, count: int, *, within: timedelta | None = None) -> Rule:
        """Hold for just *count*; 0 is a count."""
        return EventCount(self._events, at_least=count, at_most=count, within=within)

    def older_than(
        self,
        span: timedelta | None = None,
        *,
        days: float | None = None,
        weeks: float | None = None,
        hours: float | None = None,
    ) -> Rule:
        """Hold when the first is that long ago, or longer: t <= now - span."""
        return EventAge(self._events, to_span(span, days, weeks, hours))

    def after(self, other: "Event", *, within: timedelta | None = None) -> Rule:
        """Hold when one came later than one of *other*, and less than *within* after it.

        At the same instant is not after. Once it holds, it holds for good.
        """
        return EventAfter(self._events, _events(other), within)

    def not_followed_by(self, other: "Event") -> Rule:
        """Hold when it happened and no *other* has come since; at the same instant is since."""
        return EventStands(self._events, _events(other))


def _events(other: object) -> Events:
    if isinstance(other, Event):
        return other._events
    raise RuleError(
        f"expected an event such as event('sent'), without .ever() or .within(), got "
        f"{type(other).__name__}"
    )


def event(*kinds: str, **properties: object) -> Event:
    """Name interactions by kind and by what else is known of them.

    ``channel outcome automated role_id enrollment_id touch rotation`` are the attributes of
    `Interaction`; any other name is a key of its ``properties``. A list of values means any of
    them. Interactions known to be automated are left out, unless ``automated=True`` asks for
    them alone, or ``automated=None`` takes either.

    >>> from crmkit.segmentation import describe
    >>> describe(event("replied", outcome="positive").within(days=90))
    "Replied with outcome 'positive' within the last 90 days."
    """
    known = tuple(dict.fromkeys(to_kind(kind) for kind in kinds))
    automated: tuple[bool | None, ...] = (False, None)
    if "automated" in properties:
        wanted = properties.pop("automated")
        if wanted is not None and not isinstance(wanted, bool):
            raise RuleError(f"automated: expected True, False or None, got {wanted!r}")
        automated = (True, False, None) if wanted is None else (wanted,)
    where = tuple((name, _where(name, value)) for name, value in sorted(properties.items()))
    return Event(Events(known, where, automated))


def _where(name: str, value: object) -> tuple[Value, ...]:
    items = spread((value,))
    if not items:
        raise RuleError(f"{name}: expected at least one value")
    found = []
    for item in items:
        if item is None:
            raise RuleError(f"{name}: None is not a value that an interaction can be asked for")
        try:
            found.append(plain(_attribute(name, item)))
        except (UnknownName, NaiveInstant):
            raise
        except InvalidRecord as error:
            raise RuleError(f"{name}: {error.problem}") from None
    return tuple(found)


def _attribute(name: str, value: object) -> object:
    if name not in ATTRIBUTES:
        return value
    convert = attrs.fields_dict(Interaction)[name].converter
    return cast("Callable[[object], object]", convert)(value)


class Score(Unfinished):
    """The engagement score, waiting for a number."""

    __slots__ = ("_policy",)
    _unfinished = "compare the score, as in score() >= 5"

    def __init__(self, policy: EngagementPolicy) -> None:
        self._policy = policy

    def _test(self, op: str, value: object) -> Rule:
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
            raise RuleError(f"a score compares with a number, got {value!r}")
        return ScoreTest(op, float(value), self._policy)

    def __lt__(self, value: float) -> Rule:
        return self._test("<", value)

    def __le__(self, value: float) -> Rule:
        return self._test("<=", value)

    def __gt__(self, value: float) -> Rule:
        return self._test(">", value)

    def __ge__(self, value: float) -> Rule:
        return self._test(">=", value)

    def _inexact(self, _value: object) -> Any:
        raise RuleError("a decaying score is exactly a number only in passing; use >= or <")

    __eq__ = __ne__ = _inexact
    __hash__ = None  # type: ignore[assignment]


def score(policy: EngagementPolicy = DEFAULT) -> Score:
    """Ask for the engagement score, which decays: ``score() >= 5``."""
    return Score(policy)


class TemperatureIs(Unfinished):
    """The temperature, waiting for one to compare with."""

    __slots__ = ("_policy",)
    _unfinished = "compare the temperature, as in temperature() == 'cold'"

    def __init__(self, policy: EngagementPolicy) -> None:
        self._policy = policy

    def __eq__(self, value: object) -> Rule:  # type: ignore[override]
        return self.is_in(value)

    def __ne__(self, value: object) -> Rule:  # type: ignore[override]
        return Not(self.is_in(value))

    __hash__ = None  # type: ignore[assignment]

    def is_in(self, *values: object) -> Rule:
        """Hold for one of these; *unknown* is a temperature too."""
        return TemperatureTest(tuple(map(_temperature, spread(values))), self._policy)


def _temperature(value: object) -> Temperature:
    try:
        return Temperature(str(value))
    except ValueError:
        known = list(Temperature)
        raise UnknownName.among("temperature", value, known, what="a temperature") from None


def temperature(policy: EngagementPolicy = DEFAULT) -> TemperatureIs:
    """Ask for the temperature: ``temperature() == "cold"``, ``temperature().is_in(...)``."""
    return TemperatureIs(policy)
