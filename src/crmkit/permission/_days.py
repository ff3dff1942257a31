"""Which days are open: weekdays, holidays, and what clocks do on them."""

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Protocol, runtime_checkable

from crmkit._time import DAY
from crmkit.permission._window import SendWindow, weekday

YEAR = 366
"""How many days ahead an open one is looked for."""

_SECOND = timedelta(seconds=1)


@runtime_checkable
class HolidayCalendar(Protocol):
    """**Protocol:** whether a day is a holiday: ``date in calendar``.

    A set of dates will do. Two more are used where they are there: ``get(day)`` returns the
    day's name or None, and ``name`` says where it is a holiday ("Bavaria").
    """

    def __contains__(self, day: object, /) -> bool: ...


def holiday_name(day: date, calendar: HolidayCalendar) -> str:
    """Return what to call a holiday: its name and where, as far as the calendar knows."""
    get = getattr(calendar, "get", None)
    name, where = get(day) if get else None, getattr(calendar, "name", None)
    return f"{name or 'holiday'} in {where}" if where else str(name or "holiday")


def closed(day: date, window: SendWindow, calendar: HolidayCalendar | None) -> bool:
    """Say whether a day is closed: by its weekday or as a holiday."""
    if day.weekday() not in window.days:
        return True
    return calendar is not None and not window.on_holidays and day in calendar


def next_open(
    day: date, window: SendWindow, calendar: HolidayCalendar | None
) -> tuple[date, list[str]] | None:
    """Return the first open day from one on, and each cause that closed those before it.

    None if there is none within a year.
    """
    runs: list[tuple[str, str, date]] = []
    for _ in range(YEAR + 1):
        if not closed(day, window, calendar):
            ends = [*(begin for _, _, begin in runs), day][1:]
            return day, [
                f"{name} → {_named(end, begin)}"
                for (_, name, begin), end in zip(runs, ends, strict=True)
            ]
        if calendar is None or day.weekday() not in window.days:
            cause, name = "", weekday(day)
        else:
            cause = name = holiday_name(day, calendar)
        if not runs or runs[-1][0] != cause:
            runs.append((cause, name, day))
        day += DAY
    return None


def _named(day: date, since: date) -> str:
    name = weekday(day)
    return name if (day - since).days < 7 else f"{name} {day}"


def next_jump(zone: tzinfo, begin: datetime, end: datetime) -> datetime | None:
    """Return the first instant after *begin* and not after *end* at which clocks jump."""
    if zone is UTC:
        return None
    low, before = begin, begin.astimezone(zone).utcoffset()
    while low < end:
        high = min(low + DAY, end)
        if high.astimezone(zone).utcoffset() != before:
            # Clocks jump at whole seconds.
            low, high = low.replace(microsecond=0), _ceiled(high)
            while high - low > _SECOND:
                middle = low + (high - low) // (2 * _SECOND) * _SECOND
                if middle.astimezone(zone).utcoffset() == before:
                    low = middle
                else:
                    high = middle
            return low + _SECOND
        low = high
    return None


def _ceiled(instant: datetime) -> datetime:
    return instant + -timedelta(microseconds=instant.microsecond) % _SECOND
