"""The words ``event``, ``score`` and ``temperature``: what somebody did, and how they stand."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Unpack
from zoneinfo import ZoneInfo

import attrs

from crmkit._time import Span
from crmkit.engagement import DEFAULT, EngagementPolicy
from crmkit.errors import RuleError
from crmkit.segmentation._nodes import (
    EventAfter,
    EventAge,
    EventAnniversary,
    EventCount,
    EventRegular,
    EventRestarted,
    Events,
    EventStands,
    EventWhere,
    Not,
    Rule,
    ScoreTest,
    TemperatureTest,
    Where,
)
from crmkit.segmentation._words import Parts, Unfinished, spread, to_span

_OPS: Mapping[str, tuple[str, bool]] = MappingProxyType(
    {
        "==": ("in", True),
        "!=": ("in", False),
        "in": ("in", True),
        "not in": ("in", False),
        "unknown": ("known", False),
        **{op: (op, True) for op in ("<", "<=", ">", ">=")},
        **{op: (op, True) for op in ("contains", "starts_with", "ends_with", "known")},
    }
)


def _where(name: str, op: str, value: object) -> Where:
    if op not in _OPS:
        raise RuleError(f"{name}: {op!r} is no test; known: {', '.join(_OPS)}")
    kind, holds = _OPS[op]
    wanted: Any = spread((value,)) if kind == "in" else value
    return Where(name, kind, wanted, holds)


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

    def within(self, span: Span | None = None, **parts: Unpack[Parts]) -> Rule:
        """Hold for at least one at *t* with t <= now < t + span."""
        return self.at_least(1, within=to_span(span, parts))

    def at_least(self, count: int, *, within: Span | None = None) -> Rule:
        """Hold for *count* or more, ever or within the span."""
        return EventCount(self._events, at_least=count, within=within)

    def at_most(self, count: int, *, within: Span | None = None) -> Rule:
        """Hold for *count* or fewer, none included."""
        return EventCount(self._events, at_most=count, within=within)

    def exactly(self, count: int, *, within: Span | None = None) -> Rule:
        """Hold for just *count*; 0 is a count."""
        return EventCount(self._events, at_least=count, at_most=count, within=within)

    def regular(self, at_least: int, *, of: int, every: Span) -> Rule:
        """Hold when at least one came in *at_least* of the last *of* periods that end now."""
        return EventRegular(self._events, at_least=at_least, periods=of, every=every)

    def stopped(self, quiet: Span, *, active: Span | None = None, at_least: int = 1) -> Rule:
        """Hold when there were *at_least* so many, but none within the span *quiet*.

        With *active*, those of the past that count are of that span before the quiet one.
        """
        before = EventCount(self._events, at_least=at_least, within=active, lag=quiet)
        return before & self.at_most(0, within=quiet)

    def restarted(self, gap: Span, *, within: Span) -> Rule:
        """Hold when one came within the span after a *gap* without any."""
        return EventRestarted(self._events, gap, within)

    def where(self, name: str, op: str, value: object = None) -> "Event":
        """Narrow down by an attribute or property: ``.where("minutes", ">=", 5)``.

        The tests are ``== != < <= > >= in``, ``not in``, ``contains``, ``starts_with``,
        ``ends_with``, ``known`` and ``unknown``. A negative one takes those where it is missing.
        """
        test = _where(name, op, value)
        return Event(attrs.evolve(self._events, where=(*self._events.where, test)))

    def dated(
        self, *, since: datetime | str | None = None, before: datetime | str | None = None
    ) -> "Event":
        """Narrow down to those at *t* with since <= t < before."""
        return Event(attrs.evolve(self._events, since=since, before=before))

    @property
    def first(self) -> "Occurrence":
        """The first of them: ``event("met").first.older_than(days=365)``."""
        return Occurrence(self._events, "first")

    @property
    def last(self) -> "Occurrence":
        """The last of them: ``event("replied").last.where("outcome", "==", "positive")``."""
        return Occurrence(self._events, "last")

    def after(self, other: "Event", *, within: Span | None = None) -> Rule:
        """Hold when one came later than one of *other*, and less than *within* after it.

        At the same instant is not after. Once it holds, it holds for good.
        """
        return EventAfter(self._events, _events(other), within)

    def since(self, other: "Event") -> Rule:
        """Hold when one came later than the newest of *other*, of which there was one.

        "Promoted since we spoke" is ``event("promoted").since(event("called", "met"))``.
        """
        return self.not_followed_by(other) & other.ever()

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


class Occurrence(Unfinished):
    """The first or the last of some interactions, waiting for what is asked of it."""

    __slots__ = ("_events", "_which")
    _unfinished = "say what of it, as in event('met').last.older_than(days=90)"

    def __init__(self, events: Events, which: str) -> None:
        self._events = events
        self._which = which

    def __repr__(self) -> str:
        return f"{Event(self._events)!r}.{self._which}"

    def within(self, span: Span | None = None, **parts: Unpack[Parts]) -> Rule:
        """Hold when it was at *t* with t <= now < t + span."""
        return EventAge(self._events, self._which, "within", to_span(span, parts))

    def older_than(self, span: Span | None = None, **parts: Unpack[Parts]) -> Rule:
        """Hold when it was that long ago, or longer: t + span <= now."""
        return EventAge(self._events, self._which, "older_than", to_span(span, parts))

    def anniversary(
        self,
        *,
        before: timedelta = timedelta(0),
        after: timedelta = timedelta(days=1),
        zone: ZoneInfo | str | None = None,
    ) -> Rule:
        """Hold when a yearly return *a* of it is near: a - before <= now < a + after."""
        return EventAnniversary(self._events, self._which, before, after, zone)

    def where(self, name: str, op: str, value: object = None) -> Rule:
        """Hold when it passes a test of an attribute or property, as in `Event.where`."""
        return EventWhere(self._events, self._which, _where(name, op, value))


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
    automated: tuple[bool | None, ...] = (False, None)
    if "automated" in properties:
        wanted = properties.pop("automated")
        if wanted is not None and not isinstance(wanted, bool):
            raise RuleError(f"automated: expected True, False or None, got {wanted!r}")
        automated = (True, False, None) if wanted is None else (wanted,)
    where = tuple(_where(name, "in", value) for name, value in sorted(properties.items()))
    return Event(Events(kinds, where, automated))


def unopened(touch: str, *, after: timedelta | None = None) -> Rule:
    """Return the rule for those who were sent a touch and have not opened it.

    With *after* they are given so long first. Mail proxies open by themselves, and some people
    read without any trace: an open known to be a machine's does not count, and silence proves
    little.

    >>> from crmkit.segmentation import describe
    >>> describe(unopened("welcome", after=timedelta(days=7)))
    "First sent with touch 'welcome' 7 days ago or earlier, and never opened with touch 'welcome'."
    """
    sent = event("sent", touch=touch, automated=None)
    asked = sent.first.older_than(after) if after is not None else sent.ever()
    return asked & event("opened", touch=touch).never()


class Score(Unfinished):
    """The engagement score, waiting for a number."""

    __slots__ = ("_policy",)
    _unfinished = "compare the score, as in score() >= 5"

    def __init__(self, policy: EngagementPolicy) -> None:
        self._policy = policy

    def _test(self, op: str, value: float) -> Rule:
        return ScoreTest(op, value, self._policy)

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
        return TemperatureTest(spread(values), self._policy)


def temperature(policy: EngagementPolicy = DEFAULT) -> TemperatureIs:
    """Ask for the temperature: ``temperature() == "cold"``, ``temperature().is_in(...)``."""
    return TemperatureIs(policy)
