"""Send windows: what they accept, how they read, and what they cover."""

from datetime import UTC, date, time, timedelta

import pytest

from crmkit.errors import InvalidRecord, UnknownName
from crmkit.permission import SendWindow
from crmkit.permission._window import weekday


def test_is_open_all_day_every_day_but_holidays():
    """Without anything said there is nothing to keep but holidays."""
    window = SendWindow()
    assert (time(0), None, frozenset(range(7)), False) == (
        window.start,
        window.end,
        window.days,
        window.on_holidays,
    )
    assert window.always


@pytest.mark.parametrize(
    "more", [{"start": "00:01"}, {"end": "23:59"}, {"days": range(6)}, {"days": ["sun"]}]
)
def test_anything_said_is_something_to_keep(more):
    """A start, an end or a day off."""
    assert not SendWindow(**more).always


@pytest.mark.parametrize(
    "days",
    [
        [0, 2],
        ["mon", "WED"],
        ["Monday", "wednesday", 0],
        frozenset({0, 2}),
        iter((2, 0)),
    ],
)
def test_days_are_numbers_or_names(days):
    """In any order and case, more than once, as any collection."""
    assert frozenset({0, 2}) == SendWindow(days=days).days


@pytest.mark.parametrize(
    ("window", "text"),
    [
        (SendWindow(), "Mon–Sun 00:00–24:00"),
        (SendWindow(start="08:00", end="18:00", days=range(5)), "Mon–Fri 08:00–18:00"),
        (SendWindow(end=time(12), days=["sun", "tue", "wed"]), "Tue–Wed, Sun 00:00–12:00"),
        (SendWindow(start="20:30", days=[5]), "Sat 20:30–24:00"),
    ],
)
def test_reads_as_people_write_hours(window, text):
    """Runs of days, then from when to when."""
    assert text == str(window)


@pytest.mark.parametrize(
    ("wrong", "path", "problem"),
    [
        ({"start": "8 am"}, "start", "expected a time such as '08:00', got '8 am'"),
        ({"start": 8}, "start", "expected a time of day, got int"),
        ({"end": time(8, tzinfo=UTC)}, "end", "without a zone"),
        ({"start": "08:00", "end": "08:00"}, "end", "expected later than start, 08:00, got 08:00"),
        ({"start": "21:00", "end": time(8)}, "end", "ends by midnight, which is None"),
        ({"days": []}, "days", "at least one day"),
        ({"days": "monday"}, "days", "expected a list of days, got str"),
        ({"days": 3}, "days", "expected a list of days, got int"),
        ({"days": [0, 7]}, "days[1]", "expected 0 (Monday) to 6 (Sunday) or a name, got 7"),
        ({"days": [True]}, "days[0]", "got True"),
        ({"on_holidays": 1}, "on_holidays", "expected true or false, got int"),
    ],
)
def test_nonsense_is_refused_at_its_field(wrong, path, problem):
    """The error names the field, what was expected and what was got."""
    with pytest.raises(InvalidRecord) as caught:
        SendWindow(**wrong)
    assert path == caught.value.path
    assert problem in caught.value.problem


def test_an_unknown_day_suggests_a_near_one():
    """A slip of the pen is met with the name that was meant."""
    with pytest.raises(UnknownName, match="did you mean 'Wednesday'"):
        SendWindow(days=["mon", "wensday"])


def test_covers_from_the_start_up_to_but_not_at_the_end():
    """Half open, to the microsecond; without an end, to midnight."""
    window = SendWindow(start="08:00", end="21:00")
    moments = [time(7, 59, 59, 999999), time(8), time(20, 59, 59, 999999), time(21)]
    assert [False, True, True, False] == [window.covers(moment) for moment in moments]
    assert SendWindow(start="08:00").covers(time.max)


@pytest.mark.parametrize(
    ("window", "minutes", "expected"),
    [
        (SendWindow(start="08:00", end="10:00"), 0, time(8)),
        (SendWindow(start="08:00", end="10:00"), 119, time(9, 59)),
        (SendWindow(start="08:00", end="10:00"), 120, time(8)),
        (SendWindow(start="08:00", end="10:00"), 1439, time(9, 59)),
        (SendWindow(start="22:00"), 121, time(22, 1)),
        (SendWindow(), 1439, time(23, 59)),
    ],
)
def test_opening_keeps_an_offset_inside(window, minutes, expected):
    """One that is longer than the window goes round it."""
    assert expected == window.opening(timedelta(minutes=minutes))


def test_days_are_named_in_english():
    """The locale has no say."""
    assert ["Friday", "Saturday"] == [weekday(date(2026, 5, day)) for day in (22, 23)]
