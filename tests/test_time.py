# ruff: noqa: DTZ001 - wall times are naive on purpose
import calendar
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from crmkit._time import (
    CalendarSpan,
    after,
    describe_span,
    earliest,
    from_micros,
    from_wall,
    micros,
    plural,
    to_instant,
    to_wall,
    to_zone,
)
from crmkit.errors import InvalidRecord, NaiveInstant, UnknownName
from crmkit.testing import strategies

walls = st.datetimes(datetime(1890, 1, 1), datetime(2100, 1, 1))
spans = st.builds(
    CalendarSpan,
    years=st.integers(0, 30),
    months=st.integers(1, 30),
    zone=st.none() | strategies.zones(),
)
BERLIN = ZoneInfo("Europe/Berlin")


@given(walls, strategies.zones())
def test_instants_keep_the_moment(wall, zone):
    """Any aware datetime becomes the same moment in UTC, typed or as ISO text."""
    aware = wall.replace(tzinfo=zone)
    instant = to_instant(aware)
    assert instant.tzinfo is UTC
    assert aware.astimezone(UTC) == instant
    assert instant == to_instant(instant.isoformat())


@given(walls)
def test_naive_instants_are_refused(wall):
    """Without a zone nobody can say when it was: the error has the field and an example."""
    for value in (wall, wall.isoformat()):
        with pytest.raises(NaiveInstant, match=r"at: .* has no time zone; say which") as caught:
            to_instant(value, "at")
        assert caught.value.path == "at"


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("yesterday", "ISO 8601"),
        ("", "ISO 8601"),
        ("2026-02-30T09:00Z", "ISO 8601"),
        ("2026-03-02T09:00:60Z", "ISO 8601"),
        ("\ud800", "ISO 8601"),
        (None, "expected a datetime, got NoneType"),
        (1_772_442_000, "expected a datetime, got int"),
        (date(2026, 3, 2), "expected a datetime, got date"),
        (datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))), "outside years 1 to 9999"),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=1))), "outside years 1 to 9999"),
    ],
)
def test_what_is_no_instant_is_refused(value, problem):
    """Text that is no instant, another type, or a moment outside the calendar is typed error."""
    with pytest.raises(InvalidRecord, match=problem) as caught:
        to_instant(value, "at")
    assert caught.value.path == "at"


@given(strategies.zones())
def test_every_zone_is_known_by_name(zone):
    """A zone or its name give the same zone."""
    assert zone is to_zone(zone)
    assert zone == to_zone(zone.key)


@pytest.mark.parametrize(
    "value", ["Asia/Tokio", "", "../etc/passwd", "Europe", "a\0b", "\ud800", "x" * 5_000, "UTC+1"]
)
def test_unknown_zones_are_refused(value):
    """Whatever was typed ends in an UnknownName, never in an error of the file system."""
    with pytest.raises(UnknownName, match="is not an IANA time zone") as caught:
        to_zone(value)
    assert caught.value.path == "timezone"


def test_a_zone_that_is_no_text_is_refused():
    """A number is not a zone."""
    with pytest.raises(InvalidRecord, match="expected an IANA zone name, got int"):
        to_zone(1)


def test_a_system_without_zones_says_what_to_install(monkeypatch):
    """Where there is no time-zone data, the error says so and not that the name is wrong."""
    monkeypatch.setattr("crmkit._time.available_timezones", set)
    with pytest.raises(InvalidRecord, match="pip install tzdata"):
        to_zone("Nowhere/City")


@given(st.datetimes(timezones=st.just(UTC)))
@example(datetime.min.replace(tzinfo=UTC))
@example(datetime.max.replace(tzinfo=UTC))
@example(datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC))
def test_micros_are_exact(instant):
    """Every instant is a whole number of microseconds, there and back."""
    assert instant == from_micros(micros(instant))


@given(strategies.instants(), strategies.instants())
def test_micros_keep_the_order(one, other):
    """Numbers compare as the instants do."""
    assert (one < other) == (micros(one) < micros(other))


@given(walls, strategies.zones())
@example(datetime(2026, 3, 29, 2, 30), BERLIN)
@example(datetime(2026, 10, 25, 2, 30), BERLIN)
@example(datetime(2011, 12, 30, 12), ZoneInfo("Pacific/Apia"))
@example(datetime(2026, 4, 5, 1, 45), ZoneInfo("Australia/Lord_Howe"))
def test_a_wall_time_is_found_again_or_moves_forward(wall, zone):
    """Clocks show the wall time asked for; in a gap a later one, later by the gap's length."""
    instant = from_wall(wall, zone)
    shown = to_wall(instant, zone)
    before = wall.replace(tzinfo=zone, fold=0).utcoffset()
    behind = wall.replace(tzinfo=zone, fold=1).utcoffset()
    gap = max(behind - before, timedelta(0))
    assert wall + gap == shown


@given(walls, strategies.zones())
@example(datetime(2026, 10, 25, 2, 30), BERLIN)
def test_a_wall_time_that_comes_twice_is_the_first(wall, zone):
    """In a fold no earlier instant shows the same wall time."""
    instant = from_wall(wall, zone)
    assume(to_wall(instant, zone) == wall)
    second = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    assert instant <= second
    assert instant == from_wall(wall.replace(fold=1), zone)


def test_spring_and_autumn_in_berlin():
    """The two nights that everybody gets wrong, by hand."""
    in_the_gap = from_wall(datetime(2026, 3, 29, 2, 30), BERLIN)
    in_the_fold = from_wall(datetime(2026, 10, 25, 2, 30), BERLIN)
    assert datetime(2026, 3, 29, 1, 30, tzinfo=UTC) == in_the_gap
    assert datetime(2026, 10, 25, 0, 30, tzinfo=UTC) == in_the_fold


@given(strategies.instants(), strategies.zones())
def test_every_instant_has_a_wall_time(instant, zone):
    """The wall time is naive and never carries a fold."""
    wall = to_wall(instant, zone)
    assert (wall.tzinfo, wall.fold) == (None, 0)
    assert instant.astimezone(zone).replace(tzinfo=None) == wall


@given(walls, spans, st.integers(-40, 40))
def test_calendar_spans_clip_and_count_from_the_anchor(wall, span, times):
    """The n-th repetition is n times the months after the anchor, clipped to the month's end."""
    months = wall.year * 12 + wall.month - 1 + (span.years * 12 + span.months) * times
    year, month = divmod(months, 12)
    assume(1 <= year <= 9999)
    last = calendar.monthrange(year, month + 1)[1]
    expected = wall.replace(year=year, month=month + 1, day=min(wall.day, last))
    assert expected == span.after_wall(wall, times)


@given(st.datetimes(datetime(1950, 1, 1), datetime(2050, 1, 1), timezones=st.just(UTC)), spans)
def test_calendar_spans_keep_the_wall_time(anchor, span):
    """In its zone a span leads to the same time of day, unless that falls into a gap."""
    zone = span.zone or UTC
    expected = from_wall(span.after_wall(to_wall(anchor, zone)), zone)
    assert expected == span.after(anchor) == after(anchor, span)
    assert span.after(anchor) > anchor


def test_months_are_not_chained():
    """31 January, monthly: the end of February, then 31 March again."""
    anchor = datetime(2026, 1, 31, 9, tzinfo=UTC)
    month = CalendarSpan(months=1)
    assert [(month.after(anchor, n).month, month.after(anchor, n).day) for n in (1, 2, 3)] == [
        (2, 28),
        (3, 31),
        (4, 30),
    ]
    assert datetime(2025, 12, 31, 9, tzinfo=UTC) == month.after(anchor, -1)


def test_a_leap_day_comes_back_in_a_leap_year():
    """29 February, yearly: 28, 28, 28, and 29 in the fourth year."""
    year = CalendarSpan(years=1)
    anchor = datetime(2024, 2, 29, tzinfo=UTC)
    assert [year.after(anchor, n).day for n in (1, 2, 3, 4)] == [28, 28, 28, 29]


def test_exact_spans_are_added():
    """A timedelta is exact, whatever clocks do that night."""
    anchor = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert datetime(2026, 3, 29, 12, tzinfo=UTC) == after(anchor, timedelta(days=1))


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({}, "months"),
        ({"months": 0}, "months"),
        ({"months": -1}, "months"),
        ({"years": 1, "months": -12}, "months"),
        ({"months": 1.5}, "months"),
        ({"months": "1"}, "months"),
        ({"years": True}, "years"),
        ({"months": 1, "zone": "Nowhere"}, "timezone"),
    ],
)
def test_spans_that_are_none_are_refused(options, path):
    """A span is a whole number of months in a real zone, and longer than nothing."""
    with pytest.raises(InvalidRecord) as caught:
        CalendarSpan(**options)
    assert path == caught.value.path


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(days=1), "1 day"),
        (timedelta(weeks=2), "14 days"),
        (timedelta(hours=36), "36 hours"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(seconds=90), "90 seconds"),
        (timedelta(days=100, seconds=1), "8640001 seconds"),
        (timedelta(microseconds=1), "0.000001 seconds"),
        (timedelta(0), "0 seconds"),
        (CalendarSpan(months=1), "1 month"),
        (CalendarSpan(years=2, months=6), "2 years 6 months"),
        (CalendarSpan(years=10), "10 years"),
    ],
)
def test_spans_in_words(span, text):
    """A span is written in its largest whole unit, without losing any of it."""
    assert text == describe_span(span)


@given(st.lists(st.none() | strategies.instants()))
def test_the_earliest_leaves_out_never(instants):
    """None means never, so it is the earliest only of nothing else."""
    known = sorted(instant for instant in instants if instant)
    assert (known[0] if known else None) == earliest(*instants)


def test_plurals():
    """One day, two days, no days."""
    assert [plural(n, "day") for n in (1, 2, 0)] == ["1 day", "2 days", "0 days"]
