"""A cadence as data: its touches, its pace, and one person's run through it."""

import hashlib
from datetime import datetime, timedelta
from itertools import pairwise

import attrs

from crmkit.engagement import Temperature
from crmkit.errors import InvalidRecord, NotFound
from crmkit.model import Channel
from crmkit.model import _fields as fields

_LONGEST = 5200
"""Weeks: a century."""


def _count(value: object, least: int, most: int) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return value
    raise InvalidRecord("", f"expected a whole number from {least} to {most}, got {value!r}")


def _week(value: object) -> int:
    return _count(value, 0, _LONGEST)


def _level(value: object) -> int:
    return _count(value, 1, 5)


def _version(value: object) -> int:
    return _count(value, 1, 10**9)


def _bodies(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise InvalidRecord("", f"expected a list of texts, got {type(value).__name__}")
    found = []
    for index, item in enumerate(value):
        try:
            found.append(fields.lines(item))
        except InvalidRecord as error:
            raise error.under(f"[{index}]") from None
    return tuple(found)


@attrs.frozen(kw_only=True, field_transformer=fields.paths)
class Touch:
    """One step of a cadence: when, what for, and how personal.

    ``level`` is the field's hierarchy, least to most effective: 1 generic newsletter, 2 company
    update, 3 role-specific alert, 4 personalised value, 5 one-to-one by a recruiter. Levels 1 to
    4 may go out by themselves; 5 is a task for a person, never an automatic send.

    >>> Touch(key="call", week=12, purpose="how are things?", level=5).by_hand
    True
    >>> Touch(key="news", week=-1, purpose="what we shipped", level=2)
    Traceback (most recent call last):
        ...
    crmkit.errors.InvalidRecord: week: expected a whole number from 0 to 5200, got -1
    """

    key: str = attrs.field(converter=fields.text)
    week: int = attrs.field(converter=_week)
    """Weeks after enrolment."""
    purpose: str = attrs.field(converter=fields.text)
    level: int = attrs.field(converter=_level)
    channel: Channel = attrs.field(default=Channel.EMAIL, converter=fields.channel)
    subject: str = attrs.field(default="", converter=fields.text_or_blank)
    """A `string.Template`."""
    bodies: tuple[str, ...] = attrs.field(default=(), converter=_bodies)
    """`string.Template` texts, most personal first; the first whose values are all known goes."""

    @property
    def by_hand(self) -> bool:
        """Whether a person does it (level 5)."""
        return self.level == 5


def _factor(value: object) -> float:
    factor = fields.optional_amount(value)
    if factor is None or not 0.01 <= factor <= 100:
        raise InvalidRecord("", f"expected a number from 0.01 to 100, got {value!r}")
    return factor


def _gap(value: object) -> timedelta:
    if not isinstance(value, timedelta) or not timedelta(0) <= value <= timedelta(weeks=_LONGEST):
        raise InvalidRecord("", f"expected a timedelta from 0 to a century, got {value!r}")
    return value


def _messages(value: object) -> int:
    return _count(value, 1, 10**9)


@attrs.frozen(kw_only=True, field_transformer=fields.paths)
class Pace:
    """How a person's temperature stretches or shortens the gaps between touches.

    The factors multiply the time between touches. All are conventions, not measured optima. Who
    is hot hears a quarter sooner, while they still think of it. Who is cooling waits a quarter
    longer, who is cold half as long again: somebody who never answers hears the sequence within a
    year rather than within eight months. ``archive_after`` messages without an answer, a
    sequence's worth, end it.

    ``least_gap`` keeps any two touches that go out by themselves apart, a working week, even when
    one was late. No gap is stretched beyond ``greatest_gap``, half a year, after which people
    have forgotten who is writing; one that is longer by itself is left as it is. Both count on
    the person's wall clock. A yearly return is a year, hot or cold.

    The factors rise from hot to cold, so that engagement never delays and silence never hastens.

    >>> Pace(cooling=2)
    Traceback (most recent call last):
        ...
    crmkit.errors.InvalidRecord: cold: expected hot <= warm <= unknown <= cooling <= cold, \
got 1.5 after 2.0
    """

    hot: float = attrs.field(default=0.75, converter=_factor)
    warm: float = attrs.field(default=1.0, converter=_factor)
    unknown: float = attrs.field(default=1.0, converter=_factor)
    cooling: float = attrs.field(default=1.25, converter=_factor)
    cold: float = attrs.field(default=1.5, converter=_factor)
    least_gap: timedelta = attrs.field(default=timedelta(days=5), converter=_gap)
    greatest_gap: timedelta = attrs.field(default=timedelta(weeks=26), converter=_gap)
    archive_after: int = attrs.field(default=7, converter=_messages)

    def __attrs_post_init__(self) -> None:
        order = [Temperature.HOT, Temperature.WARM, Temperature.UNKNOWN]
        order += [Temperature.COOLING, Temperature.COLD]
        for before, after in pairwise(order):
            if self.factor(before) > self.factor(after):
                got = f"got {self.factor(after)} after {self.factor(before)}"
                problem = f"expected {' <= '.join(order)}, {got}"
                raise InvalidRecord(after.value, problem)
        if self.least_gap >= self.greatest_gap:
            got = f"got {self.least_gap} and {self.greatest_gap}"
            raise InvalidRecord("least_gap", f"expected less than greatest_gap, {got}")

    def factor(self, temperature: Temperature) -> float:
        """Return what the time between touches is multiplied by."""
        return float(getattr(self, temperature.value))


def _touches(value: object) -> tuple[Touch, ...]:
    if not isinstance(value, list | tuple):
        raise InvalidRecord("", f"expected a list of touches, got {type(value).__name__}")
    if not value:
        raise InvalidRecord("", "a cadence needs at least one touch")
    for index, touch in enumerate(value):
        if not isinstance(touch, Touch):
            raise InvalidRecord(f"[{index}]", f"expected a Touch, got {type(touch).__name__}")
        if index and touch.week <= value[index - 1].week:
            raise InvalidRecord(
                f"[{index}].week", f"{touch.week} is not after {value[index - 1].week}"
            )
        if touch.key in {earlier.key for earlier in value[:index]}:
            raise InvalidRecord(f"[{index}].key", f"{touch.key!r} is there already")
    return tuple(value)


def _pace(value: object) -> Pace:
    if isinstance(value, Pace):
        return value
    raise InvalidRecord("", f"expected a Pace, got {type(value).__name__}")


@attrs.frozen(kw_only=True, field_transformer=fields.paths)
class Cadence:
    """A sequence of touches; with ``yearly``, the last one comes back every year.

    >>> hello = Touch(key="hello", week=0, purpose="welcome", level=2)
    >>> Cadence(name="post-event", touches=[hello, hello])
    Traceback (most recent call last):
        ...
    crmkit.errors.InvalidRecord: touches[1].week: 0 is not after 0
    """

    name: str = attrs.field(converter=fields.text)
    version: int = attrs.field(default=1, converter=_version)
    touches: tuple[Touch, ...] = attrs.field(converter=_touches)
    yearly: bool = attrs.field(default=False, converter=fields.flag)
    pace: Pace = attrs.field(default=Pace(), converter=_pace)

    def touch(self, key: str) -> Touch:
        """Return the touch with this key, or raise `NotFound`."""
        for touch in self.touches:
            if touch.key == key:
                return touch
        raise NotFound("touch", key, [touch.key for touch in self.touches])


@attrs.frozen(kw_only=True, field_transformer=fields.paths, repr=False)
class Enrollment:
    """One person's run through one version of a cadence.

    >>> Enrollment(candidate_id="ada", cadence="seven-touch", enrolled_at="2026-03-02T09:00Z")
    Enrollment(candidate_id='ada', cadence='seven-touch', enrolled_at='2026-03-02T09:00:00+00:00')
    """

    candidate_id: str = attrs.field(converter=fields.text)
    cadence: str = attrs.field(converter=fields.text)
    version: int = attrs.field(default=1, converter=_version)
    enrolled_at: datetime = attrs.field(converter=fields.instant)
    segment: str | None = attrs.field(default=None, converter=fields.optional_text)
    """Which segment brought them here."""
    id: str = attrs.field(converter=fields.text)

    @id.default
    def _digest(self) -> str:
        content = fields.canonical([self.candidate_id, self.cadence, self.enrolled_at])
        return hashlib.sha256(content.encode()).hexdigest()[:32]

    def __repr__(self) -> str:
        who = f"candidate_id={self.candidate_id!r}, cadence={self.cadence!r}"
        return f"Enrollment({who}, enrolled_at={self.enrolled_at.isoformat()!r})"
