"""A cadence as data: its touches, its pace, and one person's run through it."""

import hashlib
from datetime import datetime, timedelta

import attrs

from crmkit.engagement import Temperature
from crmkit.errors import InvalidRecord
from crmkit.model import Channel
from crmkit.model import _fields as fields


def _week(value: object) -> int:
    week = fields.optional_count(value)
    if week is None:
        raise InvalidRecord("", "expected a whole number of weeks, got nothing")
    return week


def _level(value: object) -> int:
    if value not in {1, 2, 3, 4, 5} or isinstance(value, bool):
        raise InvalidRecord("", f"expected a level from 1 to 5, got {value!r}")
    return int(str(value))


def _bodies(value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, list | tuple):
        raise InvalidRecord("", f"expected a list of texts, got {type(value).__name__}")
    return tuple(str(item) for item in value)


@attrs.frozen(kw_only=True, field_transformer=fields.paths)
class Touch:
    """One step of a cadence: when, what for, and how personal.

    ``level`` is the field's hierarchy, least to most effective: 1 generic newsletter, 2 company
    update, 3 role-specific alert, 4 personalised value, 5 one-to-one by a recruiter. Levels 1 to
    4 may go out by themselves; 5 is a task for a person, never an automatic send.
    """

    key: str = attrs.field(converter=fields.text)
    week: int = attrs.field(converter=_week)
    """Weeks after enrolment."""
    purpose: str = attrs.field(converter=fields.text)
    level: int = attrs.field(converter=_level)
    channel: Channel = attrs.field(default=Channel.EMAIL, converter=fields.channel)
    subject: str = ""
    """A `string.Template`."""
    bodies: tuple[str, ...] = attrs.field(default=(), converter=_bodies)
    """`string.Template` texts, most personal first; the first whose values are all known goes."""

    @property
    def by_hand(self) -> bool:
        """Whether a person does it (level 5)."""
        return self.level == 5


@attrs.frozen(kw_only=True)
class Pace:
    """How a person's temperature stretches or shortens the gaps between touches.

    The factors multiply the time between touches. All are conventions, not measured optima: a
    hot person hears a quarter sooner; a cold one waits half as long again, so that six
    unanswered messages spread over nine months rather than six; ``archive_after`` messages
    without an answer (one whole sequence of seven) end the cadence. No two touches come closer
    than ``least_gap``; no gap is stretched beyond ``greatest_gap``, half a year, after which
    people have forgotten who is writing.
    """

    hot: float = 0.75
    warm: float = 1.0
    unknown: float = 1.0
    cooling: float = 1.25
    cold: float = 1.5
    least_gap: timedelta = timedelta(days=5)
    greatest_gap: timedelta = timedelta(weeks=26)
    archive_after: int = 7

    def __attrs_post_init__(self) -> None:
        factors = [self.hot, self.warm, self.cooling, self.cold]
        if factors != sorted(factors) or not 0 < self.hot <= self.unknown <= self.cold:
            raise InvalidRecord(
                "pace",
                "expected 0 < hot <= warm <= cooling <= cold, and unknown between hot and cold",
            )
        if not timedelta(0) <= self.least_gap < self.greatest_gap:
            raise InvalidRecord("pace.least_gap", "expected 0 <= least_gap < greatest_gap")
        if self.archive_after < 1:
            raise InvalidRecord("pace.archive_after", "expected at least 1")

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


@attrs.frozen(kw_only=True, field_transformer=fields.paths)
class Cadence:
    """A sequence of touches; with ``yearly``, the last one comes back every year."""

    name: str = attrs.field(converter=fields.text)
    version: int = 1
    touches: tuple[Touch, ...] = attrs.field(converter=_touches)
    yearly: bool = attrs.field(default=False, converter=fields.flag)
    pace: Pace = Pace()

    def touch(self, key: str) -> Touch:
        """Return the touch with this key."""
        return next(touch for touch in self.touches if touch.key == key)


@attrs.frozen(kw_only=True, field_transformer=fields.paths, repr=False)
class Enrollment:
    """One person's run through one version of a cadence."""

    candidate_id: str = attrs.field(converter=fields.text)
    cadence: str = attrs.field(converter=fields.text)
    version: int = 1
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
