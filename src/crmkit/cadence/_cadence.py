"""A cadence as data: its touches, its pace, and one person's run through it."""

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from html import escape
from itertools import pairwise

import attrs

from crmkit._time import CalendarSpan, describe_span, plural
from crmkit.cadence._content import ContentChoice
from crmkit.cadence._variants import Variant, assign, bodies, variants
from crmkit.engagement import Temperature
from crmkit.errors import InvalidRecord, NotFound
from crmkit.model import Channel, Interaction
from crmkit.model import _fields as fields

_LONGEST = 5200
"""Weeks: a century."""


def _week(value: object) -> int:
    return fields.whole(value, 0, _LONGEST)


def _day(value: object) -> int:
    return fields.whole(value, 0, 6)


def _level(value: object) -> int:
    return fields.whole(value, 1, 5)


def _version(value: object) -> int:
    return fields.whole(value, 1, 10**9)


def _channels(value: object) -> tuple[Channel, ...]:
    return tuple(map(fields.channel, fields.texts(value)))


def _deadline(value: object) -> timedelta | None:
    if value is None:
        return None
    if isinstance(value, timedelta) and timedelta(0) < value <= timedelta(weeks=_LONGEST):
        return value
    raise InvalidRecord("", f"expected None or a timedelta above 0, got {value!r}")


def _content(value: object) -> ContentChoice | None:
    if value is None or isinstance(value, ContentChoice):
        return value
    raise InvalidRecord("", f"expected a ContentChoice or None, got {type(value).__name__}")


AUTOMATIC = frozenset({Channel.EMAIL, Channel.TEXT})
"""The channels on which messages may go out by themselves; on all others a person writes."""

SPOKEN = frozenset({Channel.PHONE, Channel.IN_PERSON})
"""The channels on which nothing is written, so that no cap of messages counts it."""

_TWO_WEEKS = timedelta(weeks=2)


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
    day: int = attrs.field(default=0, converter=_day)
    """Days after that, from 0 to 6."""
    purpose: str = attrs.field(converter=fields.text)
    level: int = attrs.field(converter=_level)
    channel: Channel = attrs.field(default=Channel.EMAIL, converter=fields.channel)
    fallback: tuple[Channel, ...] = attrs.field(default=(), converter=_channels)
    """Where to, in this order, when the channel has no address that works, or is not allowed.

    The first is taken whose address works and on which a legal basis covers it; of these
    channels, the one that the person prefers comes before all others.
    """
    deadline: timedelta | None = attrs.field(default=_TWO_WEEKS, converter=_deadline)
    """How late it may still go; after that it expires. None: however late.

    Two weeks is a convention: the shortest gap of the field's sequence.
    """
    was: tuple[str, ...] = attrs.field(default=(), converter=fields.texts)
    """Keys that it had in earlier versions, oldest first: done under one of them, it is done."""
    subject: str = attrs.field(default="", converter=fields.text_or_blank)
    """A `string.Template`."""
    bodies: tuple[str, ...] = attrs.field(default=(), converter=bodies)
    """`string.Template` texts, most personal first; the first whose values are all known goes."""
    content: ContentChoice | None = attrs.field(default=None, converter=_content)
    """Which piece of a `Library` it carries; None: none."""
    variants: tuple[Variant, ...] = attrs.field(default=(), converter=variants)
    """Other ways to write it, of which each run gets one; without any, it is as it stands here."""

    def __attrs_post_init__(self) -> None:
        if self.channel in self.fallback:
            raise InvalidRecord("fallback", f"{self.channel} is the touch's channel already")

    @property
    def by_hand(self) -> bool:
        """Whether a person does it: level 5, or a channel on which only people write."""
        return self.level == 5 or self.channel not in AUTOMATIC

    @property
    def days(self) -> int:
        """Days after enrolment."""
        return self.week * 7 + self.day

    def variant_for(self, enrollment_id: str) -> Variant | None:
        """Return the variant that a run gets, always the same (see `assign`); None without any.

        The touch's key is the salt, so each touch of a run draws for itself.
        """
        if not self.variants:
            return None
        weights = {variant.name: variant.weight for variant in self.variants}
        name = assign(enrollment_id, weights, salt=self.key)
        return next(variant for variant in self.variants if variant.name == name)

    def as_variant(self, variant: Variant | None) -> "Touch":
        """Return the touch as it is written in *variant*; what that leaves empty stays.

        >>> touch = Touch(key="t", week=0, purpose="p", level=2, subject="Hello", bodies=["Long."])
        >>> short = touch.as_variant(Variant(name="short", bodies=["Hi."]))
        >>> short.subject, short.bodies
        ('Hello', ('Hi.',))
        """
        if variant is None:
            return self
        return attrs.evolve(
            self,
            subject=variant.subject or self.subject,
            bodies=variant.bodies or self.bodies,
        )


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
    return fields.whole(value, 1, 10**9)


@attrs.frozen(kw_only=True, field_transformer=fields.paths)
class Pace:
    """How a person's temperature stretches or shortens the gaps between touches.

    The factors multiply the time between touches. All are conventions, not measured optima. Who
    is hot hears a quarter sooner, while they still think of it. Who is cooling waits a quarter
    longer, who is cold half as long again: somebody who never answers hears the sequence within a
    year rather than within eight months. ``archive_after`` messages without an answer, a
    sequence's worth, end it.

    Who opened or clicked ``eager_after`` messages in a row, each before the next one came, hears
    as soon as the hot do, whatever the score: three, since two may be chance. An open counts
    only when it is known to be a person's (``automated=False``), for machines open mail.

    ``least_gap`` keeps any two touches apart, a working week, even when one was late. No gap is
    stretched beyond ``greatest_gap``, half a year, after which people have forgotten who is
    writing; one that is longer by itself is not stretched, and a return after more than that (a
    yearly one) is not hastened either. Both count on the person's wall clock.

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
    eager_after: int = attrs.field(default=3, converter=_messages)

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
        if index and touch.days <= value[index - 1].days:
            raise InvalidRecord(
                f"[{index}].week", f"{_when(touch)} is not after {_when(value[index - 1])}"
            )
        for key in (touch.key, *touch.was):
            if key in {old for earlier in value[:index] for old in (earlier.key, *earlier.was)}:
                raise InvalidRecord(f"[{index}].key", f"{key!r} is there already")
    return tuple(value)


def _when(touch: Touch) -> str:
    return f"{touch.week}" + (f" and {plural(touch.day, 'day')}" if touch.day else "")


def _span(span: CalendarSpan) -> str:
    """Return ``year`` rather than ``1 year``."""
    return str(span).removeprefix("1 ")


def _every(value: object) -> CalendarSpan | None:
    if value is None or (isinstance(value, CalendarSpan) and value.zone is None):
        return value
    raise InvalidRecord("", f"expected None or a CalendarSpan without a zone, got {value!r}")


def _repeat(value: object) -> int:
    return fields.whole(value, 1, 10**6)


def _pace(value: object) -> Pace:
    if isinstance(value, Pace):
        return value
    raise InvalidRecord("", f"expected a Pace, got {type(value).__name__}")


@attrs.frozen(kw_only=True, field_transformer=fields.paths, repr=False)
class Cadence:
    """A sequence of touches; with ``every``, the last ones come back, counted from the enrolment.

    The person's own zone counts the months and years. Touches that ``pace.least_gap`` would push
    apart are refused: such weeks could not be kept.

    >>> hello = Touch(key="hello", week=0, purpose="welcome", level=2)
    >>> Cadence(name="post-event", touches=[hello, hello])
    Traceback (most recent call last):
        ...
    crmkit.errors.InvalidRecord: touches[1].week: 0 is not after 0
    """

    name: str = attrs.field(converter=fields.text)
    version: int = attrs.field(default=1, converter=_version)
    touches: tuple[Touch, ...] = attrs.field(converter=_touches)
    every: CalendarSpan | None = attrs.field(default=None, converter=_every)
    """After which span the last touches come back, again and again; None: never."""
    repeat: int = attrs.field(default=1, converter=_repeat)
    """How many of the last touches come back."""
    pace: Pace = attrs.field(default=Pace(), converter=_pace)

    def __attrs_post_init__(self) -> None:
        least = self.pace.least_gap
        for index, (before, touch) in enumerate(pairwise(self.touches), 1):
            days = touch.days - before.days
            if timedelta(days=days) < least:
                problem = f"{plural(days, 'day')} after {before.key!r}, nearer than the least gap, "
                raise InvalidRecord(f"touches[{index}].week", problem + describe_span(least))
        if self.repeat > len(self.touches):
            problem = f"expected at most {len(self.touches)}, one for each touch"
            raise InvalidRecord("repeat", f"{problem}, got {self.repeat}")
        if self.every:
            years, months = divmod(self.every.years * 12 + self.every.months, 12)
            days = years * 365 + months * 28  # the shortest month has 28
            taken = self.touches[-1].days - self.touches[-self.repeat].days
            if timedelta(days=taken) + least > timedelta(days=days):
                problem = f"{self.every} is too short for touches {plural(taken, 'day')} apart"
                raise InvalidRecord("every", f"{problem} and a least gap of {describe_span(least)}")

    def touch(self, key: str) -> Touch:
        """Return the touch with this key, or raise `NotFound`."""
        for touch in self.touches:
            if touch.key == key:
                return touch
        raise NotFound("touch", key, [touch.key for touch in self.touches])

    def __repr__(self) -> str:
        return f"<Cadence {self._title()}>"

    def __str__(self) -> str:
        rows = [*self._rows()]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
        return "\n".join([self._title(), *lines])

    def _title(self) -> str:
        returns = ""
        if self.every:
            which = "all" if self.repeat == len(self.touches) else f"the last {self.repeat}"
            which = "the last" if self.repeat == 1 else which
            returns = f", {which} again every {_span(self.every)}"
        count = f"{len(self.touches)} touch{'es' * (len(self.touches) > 1)}"
        return f"{self.name} version {self.version}: {count}{returns}"

    def _rows(self) -> Iterator[tuple[str, ...]]:
        for touch in self.touches:
            level = f"level {touch.level}, {'by hand' if touch.by_hand else touch.channel}"
            yield f"week {_when(touch)}", touch.key, level, touch.purpose

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>"
            for row in self._rows()
        )
        heads = "".join(f'<th scope="col">{head}</th>' for head in _HEADS)
        return (
            f"<table><caption>{escape(self._title())}</caption>"
            f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
        )


_HEADS = ("when", "touch", "how", "what for")


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

    def fact(self, kind: str, at: datetime, *, role_id: str | None = None) -> Interaction:
        """Return the fact that something became of this run: enrolled, archived, reactivated."""
        return Interaction(
            candidate_id=self.candidate_id,
            kind=kind,
            at=at,
            role_id=role_id,
            enrollment_id=self.id,
            properties={"cadence": self.cadence, "version": self.version},
        )

    def __repr__(self) -> str:
        who = f"candidate_id={self.candidate_id!r}, cadence={self.cadence!r}"
        return f"Enrollment({who}, enrolled_at={self.enrolled_at.isoformat()!r})"
