"""What people are assumed to do, number by number, each with where it is from."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import attrs

from crmkit._time import describe_span
from crmkit.engagement import Temperature
from crmkit.errors import InvalidRecord, UnknownName
from crmkit.model import FrozenMap
from crmkit.model import _fields as fields

_GUESS = "assumption"
_MOST = 100.0


def _from(source: str) -> dict[str, str]:
    return {"source": source}


def _guess(why: str) -> dict[str, str]:
    return {"source": f"{_GUESS}: {why}"}


def _number(value: object, least: float, most: float) -> float:
    number = fields.optional_amount(value)
    if number is None or not least <= number <= most:
        raise InvalidRecord("", f"expected a number from {least:g} to {most:g}, got {value!r}")
    return number


def _share(value: object) -> float:
    return _number(value, 0, 1)


def _factor(value: object) -> float:
    return _number(value, 0.01, _MOST)


def _shares(value: object) -> tuple[float, ...]:
    if isinstance(value, str) or not isinstance(value, list | tuple) or not value:
        raise InvalidRecord("", f"expected a list of at least one number, got {value!r}")
    found = []
    for place, item in enumerate(value):
        try:
            found.append(_share(item))
        except InvalidRecord as error:
            raise error.under(f"[{place}]") from None
    return tuple(found)


def _factors(value: object) -> FrozenMap:
    if not isinstance(value, Mapping):
        raise InvalidRecord("", f"expected a mapping to factors, got {type(value).__name__}")
    found = {}
    for key, item in value.items():
        try:
            found[fields.text(key)] = _factor(item)
        except InvalidRecord as error:
            raise error.under(f"[{key!r}]") from None
    return FrozenMap(found)


LEVELS = MappingProxyType({1: 0.8, 2: 1.0, 3: 1.1, 4: 1.2, 5: 1.5})
TEMPERATURES = MappingProxyType(
    {
        Temperature.HOT: 1.6,
        Temperature.WARM: 1.25,
        Temperature.UNKNOWN: 1.0,
        Temperature.COOLING: 0.85,
        Temperature.COLD: 0.7,
    }
)


def _levels(value: object) -> FrozenMap:
    if isinstance(value, Mapping):
        value = {str(level): factor for level, factor in value.items()}
    found, known = _factors(value), {str(level): factor for level, factor in LEVELS.items()}
    if odd := next((level for level in found if level not in known), None):
        raise InvalidRecord(f"[{odd}]", "expected a level from 1 to 5")
    return FrozenMap({**known, **found})


def _temperatures(value: object) -> FrozenMap:
    found = _factors(value)
    for name in found:
        if name not in TEMPERATURES:
            raise UnknownName.among(f"[{name!r}]", name, TEMPERATURES, what="a temperature")
    return FrozenMap({**{each.value: TEMPERATURES[each] for each in TEMPERATURES}, **found})


def _count(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 10**6:
        return value
    raise InvalidRecord("", f"expected a whole number from 0, got {value!r}")


def _within(value: object) -> timedelta:
    if isinstance(value, timedelta) and timedelta(0) <= value <= timedelta(days=3650):
        return value
    raise InvalidRecord("", f"expected a timedelta from 0 to ten years, got {value!r}")


@attrs.frozen
class Assumption:
    """One number of a `Behaviour`, and where it is from."""

    name: str
    value: Any
    source: str

    @property
    def is_guess(self) -> bool:
        """Whether nothing that the field has measured stands behind it."""
        return self.source.startswith(_GUESS)

    def __str__(self) -> str:
        return f"{self.name} = {_shown(self.value)}: {self.source}"


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} × {item:g}" for key, item in value.items()) or "none"
    if isinstance(value, tuple):
        return ", ".join(f"{item:g}" for item in value)
    return describe_span(value) if isinstance(value, timedelta) else str(value)


@attrs.frozen(kw_only=True, field_transformer=fields.paths)
class Behaviour:
    """What people do about a message, as probabilities; every number is an assumption to change.

    The chance to open, to click (once opened), to reply and to apply is the base rate times the
    factor of the touch's level, of the person's temperature, of the touch (``touches``, by key),
    and of pressure: ``fatigue`` for each message of the last ``pressure_weeks`` above
    ``bearable``. The chance to unsubscribe or complain is *divided* by the first three, and
    multiplied by ``annoyance`` for each message above. No chance exceeds 1. Who replies or applies
    has opened; who applies has clicked. Opens and clicks are of e-mail only; what a person does
    by hand is replied to, applied upon or declined, but not seen to be opened.

    What takes time takes an even share of the span named: ``opens_within`` two days means after
    one day on average. How recruiters' hours fall is not modelled.

    `assumptions` lists every number with its source.

    >>> Behaviour(replies=[0.1, 0.05]).replies
    (0.1, 0.05)
    >>> Behaviour(opens=70)
    Traceback (most recent call last):
        ...
    crmkit.errors.InvalidRecord: opens: expected a number from 0 to 1, got 70
    """

    readers: float = attrs.field(
        default=0.25,
        converter=_share,
        metadata=_from("of people, who read such mail at all: the field's open rates of 20–35 %"),
    )
    opens: float = attrs.field(
        default=0.7,
        converter=_share,
        metadata=_guess("of the messages to a reader, opened"),
    )
    stray_opens: float = attrs.field(
        default=0.04,
        converter=_share,
        metadata=_guess("of the messages to anybody else, opened"),
    )
    machine_opens: float = attrs.field(
        default=0.15,
        converter=_share,
        metadata=_guess("of e-mails, opened by a mail proxy, whoever reads them"),
    )
    scanner_clicks: float = attrs.field(
        default=0.02, converter=_share, metadata=_guess("of e-mails, clicked by a scanner")
    )
    clicks: float = attrs.field(
        default=0.15, converter=_share, metadata=_guess("of opened e-mails, clicked")
    )
    replies: tuple[float, ...] = attrs.field(
        default=(0.16, 0.133, 0.033, 0.034, 0.01),
        converter=_shares,
        metadata=_from(
            "by the message's place, the last for all after it: 32 % reply over four (Gem), half "
            "of the answers after message 1, 85 % by message 2 (Lever); from the fifth on an "
            "assumption"
        ),
    )
    auto_replies: float = attrs.field(
        default=0.04, converter=_share, metadata=_guess("of messages, while the person is away")
    )
    later: float = attrs.field(
        default=0.2,
        converter=_share,
        metadata=_guess("of replies, 'ask me again then'"),
    )
    positive: float = attrs.field(
        default=0.5, converter=_share, metadata=_guess("of all other replies; the rest decline")
    )
    applies: float = attrs.field(
        default=0.016,
        converter=_share,
        metadata=_from("of messages: 5–15 % of nurtured people apply, over some eight messages"),
    )
    unsubscribes: float = attrs.field(
        default=0.004, converter=_share, metadata=_guess("of messages")
    )
    complaints: float = attrs.field(
        default=0.0004,
        converter=_share,
        metadata=_guess("of messages; mailbox providers want less than 0.1 %"),
    )
    bounces: float = attrs.field(
        default=0.004,
        converter=_share,
        metadata=_guess("of e-mails, for good: contact details rot"),
    )
    levels: FrozenMap = attrs.field(
        default=FrozenMap(),
        converter=_levels,
        metadata=_guess("factors; that they rise is the field's hierarchy, how much is a guess"),
    )
    temperatures: FrozenMap = attrs.field(
        default=FrozenMap(),
        converter=_temperatures,
        metadata=_guess("factors; who took part lately does so again"),
    )
    touches: FrozenMap = attrs.field(
        default=FrozenMap(),
        converter=_factors,
        metadata=_guess("factors by the touch's key, for what you know of your own"),
    )
    pressure_weeks: int = attrs.field(
        default=8, converter=_count, metadata=_guess("how long a message is felt")
    )
    bearable: int = attrs.field(
        default=2, converter=_count, metadata=_guess("messages within that, before it")
    )
    fatigue: float = attrs.field(
        default=0.85,
        converter=_share,
        metadata=_guess("factor on answers for each message more"),
    )
    annoyance: float = attrs.field(
        default=1.4,
        converter=_factor,
        metadata=_guess("factor on leaving for each message more"),
    )
    re_engages: float = attrs.field(
        default=0.002,
        converter=_share,
        metadata=_from(
            "a week, of the archived, who visit by themselves: 8–15 % of the cold re-engage with a "
            "campaign; spread over a year, an assumption"
        ),
    )
    tasks_done: float = attrs.field(
        default=0.85, converter=_share, metadata=_guess("of tasks, that a recruiter gets done")
    )
    hired: float = attrs.field(default=0.15, converter=_share, metadata=_guess("of applications"))
    withdrew: float = attrs.field(
        default=0.10, converter=_share, metadata=_guess("of applications; the rest are rejected")
    )
    opens_within: timedelta = attrs.field(
        default=timedelta(days=2), converter=_within, metadata=_guess("after the message")
    )
    clicks_within: timedelta = attrs.field(
        default=timedelta(minutes=10), converter=_within, metadata=_guess("after the opening")
    )
    replies_within: timedelta = attrs.field(
        default=timedelta(days=3), converter=_within, metadata=_guess("after the opening")
    )
    applies_within: timedelta = attrs.field(
        default=timedelta(days=8), converter=_within, metadata=_guess("after the click")
    )
    away_within: timedelta = attrs.field(
        default=timedelta(days=14),
        converter=_within,
        metadata=_guess("how long who is away still is, as their automatic reply says"),
    )
    later_after: timedelta = attrs.field(
        default=timedelta(weeks=26),
        converter=_within,
        metadata=_from("'interested in 6 months'"),
    )
    answered_within: timedelta = attrs.field(
        default=timedelta(days=2),
        converter=_within,
        metadata=_guess("a recruiter's answer to a reply"),
    )
    tasks_within: timedelta = attrs.field(
        default=timedelta(days=4),
        converter=_within,
        metadata=_guess("after they are due, if done at all"),
    )
    process: timedelta = attrs.field(
        default=timedelta(weeks=6),
        converter=_within,
        metadata=_guess("from application to decision"),
    )

    def __attrs_post_init__(self) -> None:
        if self.hired + self.withdrew > 1:
            got = f"got {self.hired} and {self.withdrew}"
            raise InvalidRecord("withdrew", f"expected at most 1 together with hired, {got}")

    def assumptions(self) -> tuple[Assumption, ...]:
        """Return every number with its source, in the order of the fields.

        >>> for each in Behaviour().assumptions()[:2]:
        ...     print(each)
        readers = 0.25: of people, who read such mail at all: the field's open rates of 20–35 %
        opens = 0.7: assumption: of the messages to a reader, opened
        """
        return tuple(
            Assumption(field.name, getattr(self, field.name), field.metadata["source"])
            for field in attrs.fields(type(self))
        )

    def liking(self, level: int, temperature: Temperature, touch: str) -> float:
        """Return what level, temperature and touch multiply the chance of an answer by."""
        factor = self.levels[str(level)] * self.temperatures[temperature.value]
        return float(factor * self.touches.get(touch, 1.0))

    def excess(self, pressure: int) -> int:
        """Return how many of the messages of the last weeks are above what is bearable."""
        return max(0, pressure - self.bearable)

    def pressure(self, messages: list[datetime], now: datetime) -> int:
        """Return how many of *messages* came within the last ``pressure_weeks``."""
        since = now - timedelta(weeks=self.pressure_weeks)
        return sum(since < at <= now for at in messages)
