"""At which hours and on which days people are written to, where they are."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, time, timedelta, tzinfo
from hashlib import blake2b
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo

import attrs

from crmkit._time import DAY, to_wall, to_zone
from crmkit.errors import InvalidRecord
from crmkit.model import Candidate, Channel, FrozenMap
from crmkit.model import _fields as fields
from crmkit.permission._days import YEAR, HolidayCalendar, closed, next_jump, next_open
from crmkit.permission._window import ANY_TIME, SendWindow, weekday

T = TypeVar("T")

_NOTHING = timedelta(0)
_SECOND = timedelta(seconds=1)


def _calendar(value: object) -> HolidayCalendar:
    if isinstance(value, set | frozenset | list | tuple):
        return frozenset(day for day in map(fields.optional_date, value) if day)
    if type(value) is dict:
        named = {fields.optional_date(day): fields.text(name) for day, name in value.items()}
        return FrozenMap(cast("dict[str, str]", named))
    if isinstance(value, HolidayCalendar) and not isinstance(value, str | bytes):
        return value
    problem = f"expected a calendar that answers `date in calendar`, got {type(value).__name__}"
    raise InvalidRecord("", problem)


def _country(value: object) -> str:
    return str(fields.optional_country(fields.text(value)))


def _place(value: object) -> str:
    if isinstance(value, str):
        country, _, region = value.partition("-")
    elif isinstance(value, tuple) and len(value) == 2:
        country, region = value
    else:
        raise InvalidRecord("", "expected a country such as 'DE', or 'DE-BY', or ('DE', 'Bavaria')")
    if not region:
        return _country(country)
    return f"{_country(country)}-{fields.text(region)}"


def _pairs(
    value: object, key: Callable[[object], str], item: Callable[[object], T]
) -> tuple[tuple[str, T], ...]:
    """Return a mapping, or its pairs, as sorted pairs; an error names the key."""
    if not isinstance(value, Mapping | tuple):
        raise InvalidRecord("", f"expected a mapping, got {type(value).__name__}")
    pairs: Iterable[Any] = value.items() if isinstance(value, Mapping) else value
    found = {}
    for pair in pairs:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise InvalidRecord("", f"expected pairs, got {type(pair).__name__}")
        name, each = pair
        try:
            found[key(name)] = item(each)
        except InvalidRecord as error:
            told = str(name) if isinstance(name, str) else name
            raise error.under(f"[{told!r}]") from None
    return tuple(sorted(found.items(), key=lambda pair: pair[0]))


def _holidays(value: object) -> tuple[tuple[str, HolidayCalendar], ...]:
    return _pairs(value, _place, _calendar)


def _zones(value: object) -> tuple[tuple[str, ZoneInfo], ...]:
    return _pairs(value, _country, lambda zone: to_zone(zone, ""))


WINDOWS = FrozenMap([(Channel.TEXT, SendWindow(start=time(8), end=time(21)))])
"""The hours that are kept unless said otherwise: texts from 8 to 21 o'clock at the recipient's,
as the TCPA of the United States has it."""

_OFFICE: Mapping[str, SendWindow] = {
    **dict.fromkeys(
        (Channel.EMAIL, Channel.LINKEDIN),
        SendWindow(start=time(8), end=time(18), days=frozenset(range(5))),
    ),
    Channel.PHONE: SendWindow(start=time(9), end=time(18), days=frozenset(range(5))),
}


def _window(value: object) -> SendWindow:
    if isinstance(value, SendWindow):
        return value
    raise InvalidRecord("", f"expected a SendWindow, got {type(value).__name__}")


def _given_windows(value: object) -> dict[str, SendWindow]:
    return dict(_pairs(value, fields.channel, _window))


def _windows(value: object) -> tuple[tuple[str, SendWindow], ...]:
    return tuple(sorted({**WINDOWS, **_given_windows(value)}.items()))


def _optional_zone(value: object) -> tzinfo | None:
    if value is None:
        return None
    if value is UTC:
        return UTC
    zone = to_zone(value, "")
    return UTC if zone.key == "UTC" else zone


def _spread(value: object) -> timedelta:
    if isinstance(value, timedelta) and _NOTHING <= value <= DAY:
        return value
    raise InvalidRecord("", f"expected a timedelta from 0 to 1 day, got {value!r}")


def _channels(value: object) -> frozenset[Channel]:
    return frozenset(map(fields.channel, fields.texts(value)))


@attrs.frozen(kw_only=True, field_transformer=fields.paths)
class Hours:
    """When people are written to, by channel, in their own time: windows, holidays and zones.

    The default keeps texts between 8 and 21 o'clock at the recipient's, and writes none to
    whose time zone is not known. All else may go at any hour of any day.

    >>> from datetime import date
    >>> hours = Hours(windows={"email": SendWindow(start="08:00", end="18:00", days=["mon"])})
    >>> friday = datetime(2026, 5, 22, 9)
    >>> hours.fit(friday, Channel.EMAIL, None, offset=timedelta(0))
    (datetime.datetime(2026, 5, 25, 9, 0), ('Friday → Monday',))
    >>> hours.fit(friday, Channel.EMAIL, {date(2026, 5, 25)}, offset=timedelta(0))[1]
    ('Friday → Monday', 'holiday → Tuesday', 'Tuesday → Monday')
    """

    windows: tuple[tuple[str, SendWindow], ...] = attrs.field(default=WINDOWS, converter=_windows)
    """Given as a mapping from channel to `SendWindow`, kept as pairs.

    Channels left out keep theirs of `WINDOWS`; without any, every hour but those of holidays.
    """
    holidays: tuple[tuple[str, HolidayCalendar], ...] = attrs.field(
        default=(), converter=_holidays, hash=False
    )
    """Given as a mapping from ``"DE"``, ``"DE-BY"`` or ``("DE", "Bavaria")`` to the calendar there.

    The region is what `Candidate.region` says, in any case of letters; it goes before the country.
    """
    zones: tuple[tuple[str, ZoneInfo], ...] = attrs.field(default=(), converter=_zones)
    """Given as a mapping from country to the zone to assume where no more is known."""
    unknown_zone: tzinfo | None = attrs.field(default=UTC, converter=_optional_zone)
    """What to assume where not even that is known; None: then nobody is written to."""
    zone_needed: frozenset[Channel] = attrs.field(
        default=frozenset({Channel.TEXT}), converter=_channels
    )
    """The channels on which nobody is written to on a zone that is only assumed."""
    spread: timedelta = attrs.field(default=_NOTHING, converter=_spread)
    """Over how much of the day those who are due at one time are spread; at most one day."""

    _by_channel: dict[str, SendWindow] = attrs.field(init=False, eq=False, repr=False)
    _by_place: dict[str, HolidayCalendar] = attrs.field(init=False, eq=False, repr=False)
    _by_country: dict[str, ZoneInfo] = attrs.field(init=False, eq=False, repr=False)

    @_by_channel.default
    def _index_windows(self) -> dict[str, SendWindow]:
        return dict(self.windows)

    @_by_place.default
    def _index_holidays(self) -> dict[str, HolidayCalendar]:
        return {place.casefold(): calendar for place, calendar in self.holidays}

    @_by_country.default
    def _index_zones(self) -> dict[str, ZoneInfo]:
        return dict(self.zones)

    @classmethod
    def office(cls, **overrides: Any) -> "Hours":
        """Return office hours; each is a convention, and *overrides* are fields of your own.

        E-mail and LinkedIn Monday to Friday 8–18, when mail is read at work; calls Monday to
        Friday 9–18; texts every day 8–21. Windows given go over these.

        >>> print(Hours.office().window(Channel.PHONE))
        Mon–Fri 09:00–18:00
        """
        windows = {**_OFFICE, **_given_windows(overrides.pop("windows", ()))}
        return cls(windows=windows, **overrides)

    def window(self, channel: Channel) -> SendWindow:
        """Return the hours kept on a channel; every hour, if none are."""
        return self._by_channel.get(channel, ANY_TIME)

    def zone_of(self, candidate: Candidate) -> tuple[tzinfo, str | None]:
        """Return the zone in which a person lives, and, if it is only assumed, why that one."""
        if candidate.timezone is not None:
            return candidate.timezone, None
        if zone := self._by_country.get(candidate.country or ""):
            return zone, f"zone of {candidate.country} assumed"
        zone_or_utc = self.unknown_zone or UTC
        return zone_or_utc, f"zone unknown, {zone_or_utc} assumed"

    def zone_missing(self, candidate: Candidate, channel: Channel) -> bool:
        """Say whether too little is known of a person's zone to write to them on a channel."""
        if candidate.timezone is not None:
            return False
        if channel in self.zone_needed:
            return True
        return self.unknown_zone is None and (candidate.country or "") not in self._by_country

    def calendar_of(self, candidate: Candidate) -> HolidayCalendar | None:
        """Return the holidays where a person lives: of their region, else of their country."""
        country, region = candidate.country, candidate.region
        if not self._by_place or country is None:
            return None
        place = country.casefold()
        if region:
            key = region.casefold().removeprefix(f"{place}-")
            # One that works out its days when asked is empty at first.
            if (calendar := self._by_place.get(f"{place}-{key}")) is not None:
                return calendar
        return self._by_place.get(place)

    def free(self, channel: Channel, calendar: HolidayCalendar | None) -> bool:
        """Say whether every hour of every day will do, so that there is nothing to look at."""
        window = self._by_channel.get(channel, ANY_TIME)
        return window.always and (calendar is None or window.on_holidays)

    def is_open(self, wall: datetime, channel: Channel, calendar: HolidayCalendar | None) -> bool:
        """Say whether people are written to when their clocks show *wall*."""
        window = self.window(channel)
        return window.covers(wall.time()) and not closed(wall.date(), window, calendar)

    def fit(
        self,
        wall: datetime,
        channel: Channel,
        calendar: HolidayCalendar | None,
        *,
        offset: timedelta,
    ) -> tuple[datetime, tuple[str, ...]] | None:
        """Return the first wall time not before *wall* that will do, and what moved it there.

        A day that is closed moves it to the next that is not, at the same time of day. What is
        too early waits for the opening and what is too late for the next day's, plus *offset*
        (`offset_of`), which stays inside the window. A later day at the same time of day is
        never moved to before where an earlier one is. None when no day within a year is open.
        """
        window = self.window(channel)
        day, moment = wall.date(), wall.time()
        reasons: list[str] = []
        try:
            if window.end is not None and moment >= window.end:
                day, moment = day + DAY, window.opening(offset)
                late = f"{weekday(day)[:3]} {moment:%H:%M}"
                reasons.append(f"quiet after {window.end:%H:%M} → {late}")
            found = next_open(day, window, calendar)
        except OverflowError:
            return None  # the calendar ends with the year 9999
        if found is None:
            return None
        day, causes = found
        reasons += causes
        if moment < window.start:
            moment = window.opening(offset)
            spread = f", spread to {moment:%H:%M}" if moment != window.start else ""
            reasons.append(f"quiet until {window.start:%H:%M}{spread}")
        return datetime.combine(day, moment), tuple(reasons)

    def turns(
        self, wall: datetime, channel: Channel, calendar: HolidayCalendar | None
    ) -> datetime | None:
        """Return the next wall time at which `is_open` turns; None if not within a year.

        A calendar that names no holiday for a year is taken to name none after it.
        """
        window, is_open = self.window(channel), self.is_open(wall, channel, calendar)
        if self.free(channel, calendar):
            return None
        try:
            for step in range(YEAR + 1):
                day = wall.date() + step * DAY
                shut = closed(day, window, calendar)
                if window.whole and shut is not is_open:
                    continue  # like the day before it
                for moment, opens in window.edges(closed=shut):
                    turn = datetime.combine(day, moment)
                    if turn > wall and opens is not is_open:
                        return turn
        except OverflowError:
            return None  # the calendar ends with the year 9999
        return None

    def turns_at(
        self, now: datetime, zone: tzinfo, channel: Channel, calendar: HolidayCalendar | None
    ) -> datetime | None:
        """Return the instant at which `is_open` turns for somebody in *zone*; None if never.

        Clocks that jump may open or close a window at that instant, or put off its end.
        """
        try:
            is_open = self.is_open(to_wall(now, zone), channel, calendar)
            while True:
                wall = to_wall(now, zone)
                turn = self.turns(wall, channel, calendar)
                # After a year of nothing only clocks that go back past midnight could matter.
                end = now + (turn - wall if turn else DAY)
                jump = next_jump(zone, now, end)
                if jump is None:
                    return end if turn else None
                if self.is_open(to_wall(jump, zone), channel, calendar) is not is_open:
                    return jump
                now = jump
        except OverflowError:
            return None  # the calendar ends with the year 9999

    def offset_of(self, id: str) -> timedelta:  # noqa: A002 - it is one
        """Return how long after the first somebody is due: from 0 up to, not including, `spread`.

        By the id alone, in whole seconds, so that it is the same wherever and whenever asked.
        """
        seconds = self.spread // _SECOND
        if not seconds:
            return _NOTHING
        digest = blake2b(id.encode(), digest_size=8).digest()
        return int.from_bytes(digest) % seconds * _SECOND
