"""Rules about what happened: which interactions, how many, when, in which order."""

from datetime import datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import attrs

from crmkit._time import Span, to_instant
from crmkit.errors import InvalidRecord, RuleError
from crmkit.model import Interaction, to_kind
from crmkit.segmentation._compare import MANY, Value, comparable, named, plain
from crmkit.segmentation._person import to_window_zone, window
from crmkit.segmentation._rule import Instance, OneOf, Rule, count, span, text, typed

ATTRIBUTES = ("channel", "outcome", "role_id", "enrollment_id", "touch", "rotation")
"""What an event rule may ask of an `Interaction` itself; other names are its ``properties``."""

_ORDERS = ("<", "<=", ">", ">=")
_TEXTS = ("contains", "starts_with", "ends_with")


@attrs.frozen(cache_hash=True)
class Where:
    """One attribute or property of an interaction compared with a value (itself no rule).

    False where it is missing; with ``holds=False`` the opposite is asked for, so that one where
    it is missing passes.
    """

    name: str = attrs.field(validator=text)
    op: str = attrs.field(validator=OneOf(("in", *_ORDERS, *_TEXTS, "known")))
    value: Value | tuple[Value, ...] | None = attrs.field(default=None, eq=typed)
    """A tuple for ``in``; None for ``known``."""
    holds: bool = True

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "value", self._checked())

    def _checked(self) -> Value | tuple[Value, ...] | None:
        if self.op == "known":
            if self.value is not None:
                raise RuleError(f"{self.name}: known needs no value, got {self.value!r}")
            return None
        if self.op in MANY:
            items = self.value if isinstance(self.value, tuple | list) else (self.value,)
            if not items:
                raise RuleError(f"{self.name}: expected at least one value")
            return tuple(map(self._one, items))
        one = self._one(self.value)
        if self.op in _TEXTS and not (isinstance(one, str) and one):
            raise RuleError(f"{self.name}: {self.op} needs a text, got {one!r}")
        if self.op in _ORDERS and isinstance(one, bool):
            raise RuleError(f"{self.name}: true and false have no order; use ==")
        if self.op in _ORDERS and self.name in ATTRIBUTES and comparable(one) == "text":
            raise RuleError(f"{self.name} is a name without order; use == or in")
        return one

    def _one(self, value: object) -> Value:
        if value is None:
            raise RuleError(
                f"{self.name}: None is not a value that an interaction can be asked for; use the "
                "test 'known' or 'unknown'"
            )
        try:
            if self.name in ATTRIBUTES:
                convert = attrs.fields_dict(Interaction)[self.name].converter
                value = cast("Any", convert)(value)
            return plain(value)
        except InvalidRecord as error:
            raise named(error, self.name) from None


def _kinds(value: object) -> tuple[str, ...]:
    if not isinstance(value, tuple | list) or not value:
        raise RuleError("event() needs at least one interaction kind")
    return tuple(dict.fromkeys(map(to_kind, value)))


def _tests(value: object) -> tuple[Where, ...]:
    if not isinstance(value, tuple | list):
        raise RuleError(f"where: expected tests, got {value!r}")
    for item in value:
        if not isinstance(item, Where):
            raise RuleError(f"where: expected tests, got {item!r}")
    return tuple(value)


def _authors(value: object) -> tuple[bool | None, ...]:
    if not isinstance(value, tuple | list) or not value:
        raise RuleError(f"automated: expected some of true, false and null, got {value!r}")
    for item in value:
        if item is not None and not isinstance(item, bool):
            raise RuleError(f"automated: expected true, false or null, got {item!r}")
    return tuple(one for one in (True, False, None) if one in value)


def _since(value: object) -> datetime | None:
    return None if value is None else to_instant(value, "since")


def _before(value: object) -> datetime | None:
    return None if value is None else to_instant(value, "before")


@attrs.frozen(cache_hash=True)
class Events:
    """Which interactions an event rule looks at (itself no rule).

    Of these ``kinds``; with ``automated`` one of those given; passing every test in ``where``;
    and dated since <= t < before, where these are given.
    """

    kinds: tuple[str, ...] = attrs.field(converter=_kinds)
    where: tuple[Where, ...] = attrs.field(default=(), converter=_tests)
    automated: tuple[bool | None, ...] = attrs.field(default=(False, None), converter=_authors)
    since: datetime | None = attrs.field(default=None, converter=_since)
    before: datetime | None = attrs.field(default=None, converter=_before)

    def __attrs_post_init__(self) -> None:
        if self.since and self.before and self.before <= self.since:
            raise RuleError(f"before: expected an instant later than {self.since}, the start")


_EVENTS = Instance(Events)


@attrs.frozen(cache_hash=True)
class EventCount(Rule):
    """So many of these interactions; none is a count too.

    Ever, or within a span of now: t <= now < t + within. With ``lag`` as it was that long ago:
    t + lag takes the place of t.
    """

    events: Events = attrs.field(validator=_EVENTS)
    at_least: int = attrs.field(default=0, validator=count)
    at_most: int | None = attrs.field(default=None, validator=attrs.validators.optional(count))
    within: Span | None = attrs.field(default=None, validator=attrs.validators.optional(span))
    lag: Span | None = attrs.field(default=None, validator=attrs.validators.optional(span))

    def __attrs_post_init__(self) -> None:
        if self.at_most is not None and self.at_most < self.at_least:
            raise RuleError(f"at_most: expected at least {self.at_least}, got {self.at_most}")


_WHICH = OneOf(("first", "last"))


@attrs.frozen(cache_hash=True)
class EventAge(Rule):
    """The first or last of these interactions is ``within`` or ``older_than`` a span of now.

    Within: t <= now < t + span. Older than: t + span <= now.
    """

    events: Events = attrs.field(validator=_EVENTS)
    which: str = attrs.field(validator=_WHICH)
    op: str = attrs.field(validator=OneOf(("within", "older_than")))
    span: Span = attrs.field(validator=span)


@attrs.frozen(cache_hash=True)
class EventAnniversary(Rule):
    """A yearly return *a* of the first or last is near: a - before <= now < a + after."""

    events: Events = attrs.field(validator=_EVENTS)
    which: str = attrs.field(validator=_WHICH)
    before: timedelta = timedelta(0)
    after: timedelta = timedelta(days=1)
    zone: ZoneInfo | None = attrs.field(default=None, converter=to_window_zone)

    def __attrs_post_init__(self) -> None:
        window(self.before, self.after)


@attrs.frozen(cache_hash=True)
class EventWhere(Rule):
    """The first or last of these interactions passes a test."""

    events: Events = attrs.field(validator=_EVENTS)
    which: str = attrs.field(validator=_WHICH)
    test: Where = attrs.field(validator=Instance(Where))


@attrs.frozen(cache_hash=True)
class EventAfter(Rule):
    """Some interaction at *s* came after one of ``other`` at *r*: r < s < r + within."""

    events: Events = attrs.field(validator=_EVENTS)
    other: Events = attrs.field(validator=_EVENTS)
    within: Span | None = attrs.field(default=None, validator=attrs.validators.optional(span))


@attrs.frozen(cache_hash=True)
class EventStands(Rule):
    """The newest interaction is newer than every one of ``other``: nothing undid it."""

    events: Events = attrs.field(validator=_EVENTS)
    other: Events = attrs.field(validator=_EVENTS)


@attrs.frozen(cache_hash=True)
class EventRegular(Rule):
    """At least one in so many of the last periods, which end now.

    The i-th of them, from 0, has those with t + i * every <= now < t + (i + 1) * every.
    """

    events: Events = attrs.field(validator=_EVENTS)
    at_least: int = attrs.field()
    periods: int = attrs.field()
    every: Span = attrs.field(validator=span)

    def __attrs_post_init__(self) -> None:
        for name in ("at_least", "periods"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int):
                raise RuleError(f"{name}: expected a whole number, got {value!r}")
        if not 1 <= self.at_least <= self.periods <= _MOST_PERIODS:
            got = f"got {self.at_least} of {self.periods}"
            raise RuleError(f"expected 1 <= at_least <= periods <= {_MOST_PERIODS}, {got}")


_MOST_PERIODS = 366


@attrs.frozen(cache_hash=True)
class EventRestarted(Rule):
    """One came within a span of now, after a gap without any since the one before it.

    Neighbours *p* and *s* with p + gap <= s and s <= now < s + within. The first ever restarts
    nothing.
    """

    events: Events = attrs.field(validator=_EVENTS)
    gap: Span = attrs.field(validator=span)
    within: Span = attrs.field(validator=span)
