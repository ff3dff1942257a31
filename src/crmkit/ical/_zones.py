"""Time zones as iCalendar describes them: what its readers need to know about clocks there."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import attrs

from crmkit._time import DAY

if TYPE_CHECKING:
    from icalendar import Calendar

_SECOND = timedelta(seconds=1)
_YEARS = 10
"""For how many years a zone has to keep a yearly rule, for it to be written as one."""


@attrs.frozen
class _Change:
    """At ``wall``, by the offset before, clocks in a zone go over to another offset."""

    wall: datetime
    before: timedelta
    after: timedelta
    name: str


@attrs.frozen
class _Observance:
    """A part of a zone's description: one change, or with ``rule`` one of every year."""

    change: _Change
    rule: tuple[int, str] | None = None
    """The month, and the weekday as in ``-1SU``, the last Sunday."""


def add_zones(calendar: "Calendar", used: Mapping[tzinfo, tuple[int, int]]) -> None:
    """Describe each zone for the years, first and last, in which it is used."""
    from icalendar import Timezone, TimezoneDaylight, TimezoneStandard

    for zone in sorted(used, key=str):
        described = Timezone()
        described.add("tzid", str(zone))
        for each in _observances(zone, *used[zone]):
            change = each.change
            forward = change.after > change.before
            part = TimezoneDaylight() if forward else TimezoneStandard()
            part.add("dtstart", change.wall)
            part.add("tzoffsetfrom", change.before)
            part.add("tzoffsetto", change.after)
            part.add("tzname", change.name)
            if each.rule:
                month, day = each.rule
                part.add("rrule", {"FREQ": "YEARLY", "BYMONTH": month, "BYDAY": day})
            described.add_component(part)
        calendar.add_component(described)


@lru_cache(maxsize=1024)
def _observances(zone: tzinfo, first: int, last: int) -> tuple[_Observance, ...]:
    """Return what describes the zone from the year *first* to *last*.

    From a year before: readers know no offset before the first observance. As yearly rules where
    the zone has them, for Outlook reads nothing else well; else change by change (Ramadan moves
    the clocks of Casablanca).
    """
    first, last = max(first - 1, 2), min(last, 9998)
    years = range(first, min(max(last + 1, first + _YEARS), 9999))
    changes = _changes(zone, years)
    if rules := _rules(changes, years):
        return rules
    start = datetime(first, 1, 1)  # noqa: DTZ001 - wall time
    offset = start.replace(tzinfo=zone).utcoffset() or timedelta(0)
    begin = _Change(start, offset, offset, start.replace(tzinfo=zone).tzname() or str(zone))
    return (
        _Observance(begin),
        *(_Observance(change) for change in changes if change.wall.year <= last),
    )


def _changes(zone: tzinfo, years: range) -> tuple[_Change, ...]:
    """Return the changes of offset in these years, oldest first."""
    start = datetime(years.start, 1, 1, tzinfo=UTC)
    days = (date(years.stop, 1, 1) - start.date()).days
    offsets = [(at, _offset(at, zone)) for at in (start + DAY * day for day in range(days + 1))]
    return tuple(
        _change(zone, early, late)
        for (early, before), (late, after) in pairwise(offsets)
        if before != after
    )


def _offset(at: datetime, zone: tzinfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta(0)


def _change(zone: tzinfo, early: datetime, late: datetime) -> _Change:
    before = _offset(early, zone)
    while late - early > _SECOND:
        middle = early + (late - early) // _SECOND // 2 * _SECOND
        early, late = (middle, late) if _offset(middle, zone) == before else (early, middle)
    local = late.astimezone(zone)
    wall = (late + before).replace(tzinfo=None)
    return _Change(wall, before, _offset(late, zone), local.tzname() or str(zone))


def _rules(changes: tuple[_Change, ...], years: range) -> tuple[_Observance, ...]:
    """Return the changes as two yearly rules, or nothing where they keep none."""
    found = []
    for forward in (True, False):
        group = [change for change in changes if (change.after > change.before) is forward]
        kinds = {(each.wall.time(), each.wall.month, each.before, each.after) for each in group}
        day = _weekday([change.wall.date() for change in group])
        if len(kinds) != 1 or [each.wall.year for each in group] != [*years] or day is None:
            return ()
        found.append(_Observance(group[0], (group[0].wall.month, day)))
    return tuple(found)


def _weekday(days: list[date]) -> str | None:
    """Return which weekday of its month each of the days is, as in ``2SU`` or ``-1SU``."""
    weekdays = {day.weekday() for day in days}
    ranks = {(day.day - 1) // 7 + 1 for day in days}
    if len(weekdays) != 1:
        return None
    name = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")[weekdays.pop()]
    if all((day + 7 * DAY).month != day.month for day in days):
        return f"-1{name}"
    return f"{ranks.pop()}{name}" if len(ranks) == 1 else None
