"""Instants, zones and spans: the only place where crmkit touches time arithmetic.

Every instant is aware and kept in UTC. Hours, days and weeks are exact (`timedelta`); months and
years are calendar spans in a stated zone, computed from the anchor and never chained.
Nothing here reads a clock.
"""

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, available_timezones

import attrs

from crmkit.errors import InvalidRecord, NaiveInstant, UnknownName, suggest

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
_YEARS = 9999


def to_instant(value: object, path: str = "") -> datetime:
    """Return *value* as an aware instant in UTC; accepts a `datetime` or an ISO 8601 text.

    >>> to_instant("2026-03-02T10:00+01:00", "at")
    datetime.datetime(2026, 3, 2, 9, 0, tzinfo=datetime.timezone.utc)
    >>> to_instant(datetime(2026, 3, 2, 9), "at")
    Traceback (most recent call last):
        ...
    crmkit.errors.NaiveInstant: at: 2026-03-02T09:00:00 has no time zone; say which, for example \
datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise InvalidRecord(
                path, f"expected an ISO 8601 instant such as '2026-03-02T09:00Z', got {value!r}"
            ) from None
    if not isinstance(value, datetime):
        raise InvalidRecord(path, f"expected a datetime, got {type(value).__name__}")
    if value.utcoffset() is None:
        example = f"datetime({value.year}, {value.month}, {value.day}, {value.hour}, "
        raise NaiveInstant(
            path,
            f"{value.isoformat()} has no time zone; say which, for example "
            f"{example}{value.minute}, tzinfo=UTC)",
        )
    if value.tzinfo is UTC:
        return value
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise InvalidRecord(path, f"{value.isoformat()} is outside years 1 to 9999") from None


def to_zone(value: object, path: str = "timezone") -> ZoneInfo:
    """Return the IANA zone that *value* names.

    >>> to_zone("Asia/Tokio")
    Traceback (most recent call last):
        ...
    crmkit.errors.UnknownName: timezone: 'Asia/Tokio' is not an IANA time zone; did you mean \
'Asia/Tokyo'?
    """
    if isinstance(value, ZoneInfo):
        return value
    if not isinstance(value, str):
        raise InvalidRecord(path, f"expected an IANA zone name, got {type(value).__name__}")
    try:
        return ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        zones = available_timezones()
        if not zones:
            raise InvalidRecord(
                path, "this system has no time-zone data; pip install tzdata"
            ) from None
        hint = suggest(value, zones)
        raise UnknownName(path, f"{value!r} is not an IANA time zone; {hint}") from None


def to_micros(span: timedelta) -> int:
    """Return a span in whole microseconds; a third of the time of ``span // MICROSECOND``."""
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds


def micros(instant: datetime) -> int:
    """Whole microseconds since 1970 in UTC; exact, unlike `datetime.timestamp`."""
    return to_micros(instant - EPOCH)


def from_micros(value: int) -> datetime:
    """Return the instant *value* microseconds after 1970, the inverse of `micros`."""
    return EPOCH + timedelta(microseconds=value)


def to_wall(instant: datetime, zone: tzinfo) -> datetime:
    """Return the naive wall time that clocks in *zone* show at *instant*."""
    local = instant.astimezone(zone)
    wall = datetime.combine(local.date(), local.time())
    return wall.replace(fold=0) if wall.fold else wall


def from_wall(wall: datetime, zone: tzinfo) -> datetime:
    """Return the instant at which clocks in *zone* show *wall*.

    In a gap (clocks go forward) the time moves forward by the length of the gap; in a fold
    (clocks go back) it is the first of the two.

    >>> from_wall(datetime(2026, 3, 29, 2, 30), ZoneInfo("Europe/Berlin")).isoformat()
    '2026-03-29T01:30:00+00:00'
    """
    return wall.replace(tzinfo=UTC, fold=0) - offset_at(wall, zone)


def offset_at(wall: datetime, zone: tzinfo) -> timedelta:
    """Return what *zone* is ahead of UTC when its clocks show *wall*.

    Of a time that comes twice the first is meant; in a gap, it is the offset before it.
    """
    offset = zone.utcoffset(wall.replace(fold=0) if wall.fold else wall)
    assert offset is not None  # noqa: S101 - every zone has one
    return offset


@attrs.frozen
class CalendarSpan:
    """Months and years, as a calendar in *zone* counts them (UTC when None).

    Clipped at a month's end: 31 January + 1 month is the end of February, and the n-th
    repetition is always counted from the anchor: + 2 months is 31 March, not 28.

    >>> CalendarSpan(months=1).after(datetime(2026, 1, 31, 9, tzinfo=UTC)).isoformat()
    '2026-02-28T09:00:00+00:00'
    """

    years: int = attrs.field(default=0, kw_only=True)
    months: int = attrs.field(default=0, kw_only=True)
    zone: ZoneInfo | None = attrs.field(
        default=None, converter=attrs.converters.optional(to_zone), kw_only=True
    )

    def __attrs_post_init__(self) -> None:
        for name in ("years", "months"):
            if type(getattr(self, name)) is not int:
                raise InvalidRecord(name, f"expected a whole number, got {getattr(self, name)!r}")
        if self.years * 12 + self.months <= 0:
            raise InvalidRecord("months", "a calendar span must be longer than nothing")
        if max(abs(self.years), abs(self.months) // 12) > _YEARS:
            raise InvalidRecord("years", f"a calendar span has at most {_YEARS} years")

    def __str__(self) -> str:
        parts = [plural(self.years, "year"), plural(self.months, "month")]
        return " ".join(part for part in parts if not part.startswith("0"))

    def after(self, anchor: datetime, times: int = 1) -> datetime:
        """Return the instant *times* spans after *anchor* (before it, when negative)."""
        zone = self.zone or UTC
        return from_wall(self.after_wall(to_wall(anchor, zone), times), zone)

    def after_wall(self, wall: datetime, times: int = 1) -> datetime:
        """Return the naive wall time *times* spans after *wall*."""
        from dateutil.relativedelta import relativedelta

        return wall + relativedelta(years=self.years * times, months=self.months * times)


Span = timedelta | CalendarSpan


def after(anchor: datetime, span: Span) -> datetime:
    """Return *anchor* + *span*, exact or by the calendar."""
    return span.after(anchor) if isinstance(span, CalendarSpan) else anchor + span


def later(anchor: datetime, span: timedelta) -> datetime | None:
    """Return *anchor* + *span*; None beyond the calendar's end."""
    try:
        return anchor + span
    except OverflowError:
        return None


def plural(number: int, noun: str) -> str:
    """Return ``1 day`` or ``2 days``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


_UNITS = ((DAY, "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute"))


def describe_span(span: Span) -> str:
    """Return a span in words.

    >>> describe_span(timedelta(days=14)), describe_span(timedelta(hours=36))
    ('14 days', '36 hours')
    """
    if isinstance(span, CalendarSpan):
        return str(span)
    for unit, noun in _UNITS:
        if span and span % unit == timedelta(0):
            return plural(span // unit, noun)
    seconds, rest = divmod(span, timedelta(seconds=1))
    return f"{span.total_seconds():.6f} seconds" if rest else plural(seconds, "second")


def earliest(*instants: datetime | None) -> datetime | None:
    """Return the least of the instants given, leaving out ``None`` (never)."""
    known = [instant for instant in instants if instant is not None]
    return min(known) if known else None
