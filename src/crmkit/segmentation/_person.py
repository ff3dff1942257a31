"""Rules about the person: fields, score and temperature, permission, lists and pilots."""

import hashlib
import math
from datetime import timedelta
from zoneinfo import ZoneInfo

import attrs

from crmkit._time import CalendarSpan, Span, to_zone
from crmkit.engagement import DEFAULT, EngagementPolicy, Temperature
from crmkit.errors import RuleError, UnknownName
from crmkit.model import NURTURE, Channel
from crmkit.model import _fields as fields
from crmkit.permission import ContactPolicy
from crmkit.segmentation import _paths as paths
from crmkit.segmentation._compare import Value
from crmkit.segmentation._rule import Instance, OneOf, Rule, typed

_LONGEST = timedelta(days=364)


def _path(value: object) -> paths.Path:
    names: list[object] = list(value) if isinstance(value, list | tuple) else []
    if not all(isinstance(name, str) for name in names) or not names:
        raise RuleError(f"path: expected the names that lead to a field, got {value!r}")
    path = tuple(map(str, names))
    paths.type_of(path)
    return path


@attrs.frozen(cache_hash=True)
class FieldTest(Rule):
    """A field compared with a value; false where the field is unknown."""

    path: paths.Path = attrs.field(converter=_path)
    """``("source",)``, ``("custom", "visa")``, ``("employments", "company")``."""
    op: str = attrs.field(validator=OneOf(paths.TESTS))
    value: Value | tuple[Value, ...] | None = attrs.field(default=None, eq=typed)
    """A tuple for ``between``, ``in``, ``has_any``, ``has_all``; None for ``known``."""

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "value", paths.checked(self.path, self.op, self.value))


@attrs.frozen(cache_hash=True)
class FieldAge(Rule):
    """A field's instant *t* is ``within`` or ``older_than`` a span of now.

    Within: t <= now < t + span. Older than: t + span <= now.
    """

    path: paths.Path = attrs.field(converter=_path)
    op: str = attrs.field(validator=OneOf(("within", "older_than")))
    span: Span

    def __attrs_post_init__(self) -> None:
        paths.suited(self.path, self.op)
        if isinstance(self.span, CalendarSpan):
            return
        if not isinstance(self.span, timedelta):
            raise RuleError(f"span: expected a timedelta, got {self.span!r}")
        least = timedelta(0) if self.op == "older_than" else timedelta.resolution
        if self.span < least:
            where = f"field.{paths.show(self.path)}"
            raise RuleError(f"{where}: expected a span longer than nothing, got {self.span}")


def window(before: timedelta, after: timedelta) -> None:
    """Check how near an anniversary must be."""
    spans: tuple[tuple[str, object], ...] = (("before", before), ("after", after))
    for name, value in spans:
        if not isinstance(value, timedelta) or value < timedelta(0):
            raise RuleError(f"{name}: expected a timedelta from nothing on, got {value!r}")
    if not timedelta(0) < before + after <= _LONGEST:
        raise RuleError(
            f"expected before and after to be together longer than nothing and at most "
            f"{_LONGEST.days} days, got {before + after}"
        )


def to_window_zone(value: object) -> ZoneInfo | None:
    """Return the zone whose calendar counts the years."""
    return None if value is None else to_zone(value, "zone")


@attrs.frozen(cache_hash=True)
class FieldAnniversary(Rule):
    """A yearly return *a* of a field's instant is near: a - before <= now < a + after.

    Years are counted by the calendar of the zone (UTC when None), from the instant itself:
    29 February returns on the 28th in common years. The instant itself is no anniversary.
    """

    path: paths.Path = attrs.field(converter=_path)
    before: timedelta = timedelta(0)
    after: timedelta = timedelta(days=1)
    zone: ZoneInfo | None = attrs.field(default=None, converter=to_window_zone)

    def __attrs_post_init__(self) -> None:
        paths.suited(self.path, "within")
        window(self.before, self.after)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        raise RuleError(f"a score compares with a number, got {value!r}")
    return float(value)


@attrs.frozen(cache_hash=True)
class ScoreTest(Rule):
    """The engagement score compared with a number."""

    op: str = attrs.field(validator=OneOf(("<", "<=", ">", ">=")))
    value: float = attrs.field(converter=_number)
    policy: EngagementPolicy = attrs.field(default=DEFAULT, validator=Instance(EngagementPolicy))


def _temperatures(value: object) -> tuple[Temperature, ...]:
    if not isinstance(value, list | tuple) or not value:
        raise RuleError(f"among: expected temperatures, got {value!r}")
    return tuple(map(_temperature, value))


def _temperature(value: object) -> Temperature:
    try:
        return Temperature(str(value))
    except ValueError:
        known = list(Temperature)
        raise UnknownName.among("temperature", value, known, what="a temperature") from None


@attrs.frozen(cache_hash=True)
class TemperatureTest(Rule):
    """The temperature is one of these."""

    among: tuple[Temperature, ...] = attrs.field(converter=_temperatures)
    policy: EngagementPolicy = attrs.field(default=DEFAULT, validator=Instance(EngagementPolicy))


@attrs.frozen(cache_hash=True)
class Permitted(Rule):
    """The arbiter lets us contact the person on this channel, for this purpose."""

    channel: Channel = attrs.field(default=Channel.EMAIL, converter=fields.channel)
    purpose: str = attrs.field(default=NURTURE, converter=fields.text)
    policy: ContactPolicy = attrs.field(factory=ContactPolicy, validator=Instance(ContactPolicy))


@attrs.frozen(cache_hash=True)
class Consented(Rule):
    """A consent to the purpose is in force: given, not withdrawn since, not expired."""

    purpose: str = attrs.field(default=NURTURE, converter=fields.text)


@attrs.frozen(cache_hash=True)
class Suppressed(Rule):
    """The person must not be contacted at all: erased, do-not-contact, unsubscribed, complained.

    A consent after an unsubscription or complaint ends it.
    """

    channel: Channel = attrs.field(default=Channel.EMAIL, converter=fields.channel)


def _ids(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple | set | frozenset) or not value:
        raise RuleError("needs at least one candidate id")
    for item in value:
        if not isinstance(item, str) or not item:
            raise RuleError(f"expected candidate ids, got {item!r}")
    return tuple(sorted(set(value)))


@attrs.frozen(cache_hash=True)
class Listed(Rule):
    """The person is one of these, chosen by hand; also by the id of a record merged into theirs."""

    ids: tuple[str, ...] = attrs.field(converter=_ids)


@attrs.frozen(cache_hash=True)
class Bucket(Rule):
    """The person's place in a pilot, from 0 to 1, is in a range: at_least <= place < below.

    The place is drawn once and for all from the pilot's name and the candidate's id by SHA-256,
    so that it is the same everywhere, and independent between pilots.
    """

    pilot: str = attrs.field(converter=fields.text)
    at_least: float = 0.0
    below: float = 1.0

    def __attrs_post_init__(self) -> None:
        for name in ("at_least", "below"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise RuleError(f"{name}: expected a share from 0 to 1, got {value!r}")
        if not 0 <= self.at_least < self.below <= 1:
            got = f"got {self.at_least} and {self.below}"
            raise RuleError(f"expected 0 <= at_least < below <= 1, {got}")

    def place(self, candidate_id: str) -> float:
        """Return the person's place, from 0 (included) to 1 (not included)."""
        text = f"{len(self.pilot)}:{self.pilot}:{candidate_id}"
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(digest[:6], "big") / 2**48
