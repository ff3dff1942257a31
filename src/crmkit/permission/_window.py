"""The hours of the week at which messages may go out on a channel."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

import attrs

from crmkit.errors import InvalidRecord, UnknownName
from crmkit.model import _fields as fields

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MIDNIGHT = time()
_WEEK = frozenset(range(7))


def weekday(day: date) -> str:
    """Return the name of a day of the week, whatever the locale."""
    return _DAYS[day.weekday()]


def _moment(value: object) -> time:
    if isinstance(value, str):
        try:
            value = time.fromisoformat(value)
        except ValueError:
            raise InvalidRecord("", f"expected a time such as '08:00', got {value!r}") from None
    if not isinstance(value, time):
        raise InvalidRecord("", f"expected a time of day, got {type(value).__name__}")
    if value.tzinfo is not None:
        raise InvalidRecord("", "expected a time without a zone; it is the recipient's")
    return value.replace(fold=0)


def _optional_moment(value: object) -> time | None:
    return None if value is None else _moment(value)


def _day(value: object) -> int:
    if isinstance(value, str):
        for number, name in enumerate(_DAYS):
            if value.casefold() in {name.casefold(), name[:3].casefold()}:
                return number
        raise UnknownName.among("", value, _DAYS, what="a day of the week")
    if type(value) is int and value in _WEEK:
        return value
    raise InvalidRecord("", f"expected 0 (Monday) to 6 (Sunday) or a name, got {value!r}")


def _days(value: object) -> frozenset[int]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise InvalidRecord("", f"expected a list of days, got {type(value).__name__}")
    found = set()
    for index, item in enumerate(value):
        try:
            found.add(_day(item))
        except InvalidRecord as error:
            raise error.under(f"[{index}]") from None
    if not found:
        raise InvalidRecord("", "expected at least one day of the week")
    return frozenset(found)


@attrs.frozen(kw_only=True, field_transformer=fields.paths)
class SendWindow:
    """From when to when messages may go out, on which days, by the recipient's clock.

    From ``start`` up to, not including, ``end`` (None: midnight). ``days`` are numbers from 0
    (Monday) to 6, or names in English. Holidays are closed unless ``on_holidays``.

    >>> print(SendWindow(start="08:00", end="18:00", days=["mon", "tue", "wed", "sat"]))
    Mon–Wed, Sat 08:00–18:00
    >>> SendWindow(start="21:00", end="08:00")
    Traceback (most recent call last):
        ...
    crmkit.errors.InvalidRecord: end: expected later than start, 21:00, got 08:00; a window ends \
by midnight, which is None
    """

    start: time = attrs.field(default=_MIDNIGHT, converter=_moment)
    end: time | None = attrs.field(default=None, converter=_optional_moment)
    days: frozenset[int] = attrs.field(default=_WEEK, converter=_days)
    on_holidays: bool = attrs.field(default=False, converter=fields.flag)

    def __attrs_post_init__(self) -> None:
        if self.end is not None and self.end <= self.start:
            problem = f"expected later than start, {self.start:%H:%M}, got {self.end:%H:%M}"
            raise InvalidRecord("end", f"{problem}; a window ends by midnight, which is None")

    def __str__(self) -> str:
        end = f"{self.end:%H:%M}" if self.end else "24:00"
        return f"{_told(self.days)} {self.start:%H:%M}–{end}"

    @property
    def whole(self) -> bool:
        """Whether its days are open from midnight to midnight."""
        return self.end is None and self.start == _MIDNIGHT

    @property
    def always(self) -> bool:
        """Whether it is open at every hour of every day (but holidays, perhaps)."""
        return self.whole and len(self.days) == 7

    def covers(self, moment: time) -> bool:
        """Say whether a time of day is inside."""
        return self.start <= moment and (self.end is None or moment < self.end)

    def opening(self, offset: timedelta) -> time:
        """Return the time of day *offset* after the start; one longer than the window wraps."""
        start = datetime.combine(date.min, self.start)
        end = datetime.combine(date.min, self.end) if self.end else datetime(1, 1, 2)  # noqa: DTZ001
        return (start + offset % (end - start)).time()

    def edges(self, *, closed: bool) -> tuple[tuple[time, bool], ...]:
        """Return the times of a day at which it may open or close, and whether it is open then."""
        if closed:
            return ((_MIDNIGHT, False),)
        start = ((_MIDNIGHT, self.start == _MIDNIGHT), (self.start, True))
        return start if self.end is None else (*start, (self.end, False))


ANY_TIME = SendWindow()
"""Every hour of every day that is no holiday."""


def _told(days: frozenset[int]) -> str:
    """Return days as runs: ``Mon–Wed, Sat``."""
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ", ".join("–".join(_DAYS[day][:3] for day in sorted({run[0], run[-1]})) for run in runs)
