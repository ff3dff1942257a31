"""Hours: zones, holidays, and where a wall time is moved to."""

import pickle
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from permission_cases import ADA

from crmkit.errors import InvalidRecord, UnknownName
from crmkit.model import Channel
from crmkit.permission import WINDOWS, HolidayCalendar, Hours, SendWindow

EMAIL, TEXT = Channel.EMAIL, Channel.TEXT
DAY = timedelta(days=1)
NONE = timedelta(0)
FRIDAY = datetime(2026, 5, 22, 10)  # noqa: DTZ001
WHIT_MONDAY = date(2026, 5, 25)


class Bavaria:
    """A calendar of a host's own, with names."""

    name = "Bavaria"

    def __contains__(self, day):
        return day == WHIT_MONDAY

    def get(self, day):
        return {WHIT_MONDAY: "Whit Monday"}.get(day)


def at(day, hour=0, minute=0):
    """Return a wall time in May 2026, whose 22nd is a Friday."""
    return datetime(2026, 5, day, hour, minute)  # noqa: DTZ001


def ada(**changes):
    return attrs.evolve(ADA, **changes)


def office(**more):
    return Hours.office(**more)


class TestDefault:
    def test_texts_are_kept_between_eight_and_nine(self):
        """The TCPA's hours, on every day; the zone must be known, and nothing is spread."""
        hours = Hours()
        assert "Mon–Sun 08:00–21:00" == str(hours.window(TEXT))
        assert [not hours.free(channel, None) for channel in Channel] == [
            channel is TEXT for channel in Channel
        ]
        assert (UTC, frozenset({TEXT}), NONE) == (
            hours.unknown_zone,
            hours.zone_needed,
            hours.spread,
        )

    def test_office_hours_are_conventions_that_give_way(self):
        """Windows given go over those of the office, all else is as given."""
        hours = office(windows={"phone": SendWindow(start="10:00")}, spread=DAY)
        assert {
            "email": "Mon–Fri 08:00–18:00",
            "linkedin": "Mon–Fri 08:00–18:00",
            "phone": "Mon–Sun 10:00–24:00",
            "text": "Mon–Sun 08:00–21:00",
        } == {channel: str(window) for channel, window in hours.windows}
        assert DAY == hours.spread
        assert "Mon–Fri 09:00–18:00" == str(office().window(Channel.PHONE))

    def test_texts_keep_theirs_unless_said_otherwise(self):
        """Saying when to write e-mail does not let texts out at night; saying so does."""
        assert WINDOWS[TEXT] == Hours(windows={"email": SendWindow(end="12:00")}).window(TEXT)
        assert Hours(windows={"text": SendWindow()}).free(TEXT, None)

    def test_can_be_a_key_and_travel(self):
        """Hours hash, pickle, evolve, and are equal whatever order they were written in."""
        pairs = {"DE": [date(2026, 12, 25)], "AT": {"2026-12-25", "2026-01-06"}}
        hours = Hours(holidays=pairs, zones={"de": "Europe/Berlin"})
        again = Hours(holidays=dict(reversed(pairs.items())), zones={"DE": "Europe/Berlin"})
        assert {pickle.loads(pickle.dumps(hours)), attrs.evolve(hours)} == {again}
        assert hours != Hours(holidays={"DE": []}, zones={"DE": "Europe/Berlin"})

    @pytest.mark.parametrize(
        ("wrong", "path"),
        [
            ({"windows": [1]}, "windows"),
            ({"windows": (1,)}, "windows"),
            ({"windows": {"email": "8–18"}}, "windows['email']"),
            ({"windows": {"emial": SendWindow()}}, "windows['emial']"),
            ({"windows": {EMAIL: 8}}, "windows['email']"),
            ({"holidays": {"DEU": []}}, "holidays['DEU']"),
            ({"holidays": {7: []}}, "holidays[7]"),
            ({"holidays": {("DE", "BY", "x"): []}}, "holidays[('DE', 'BY', 'x')]"),
            ({"holidays": {"DE": "2026-12-25"}}, "holidays['DE']"),
            ({"holidays": {"DE": 7}}, "holidays['DE']"),
            ({"holidays": {"DE": ["Christmas"]}}, "holidays['DE']"),
            ({"zones": {"DE": "Berlin"}}, "zones['DE']"),
            ({"zones": {"Germany": "Europe/Berlin"}}, "zones['Germany']"),
            ({"unknown_zone": "US/Centrall"}, "unknown_zone"),
            ({"zone_needed": ["pigeon"]}, "zone_needed[0]"),
            ({"zone_needed": "text"}, "zone_needed"),
            ({"spread": 3600}, "spread"),
            ({"spread": timedelta(seconds=-1)}, "spread"),
            ({"spread": DAY + timedelta(seconds=1)}, "spread"),
        ],
    )
    def test_nonsense_is_refused_at_its_field(self, wrong, path):
        """A calendar, zone, window or spread that cannot mean anything names its field."""
        with pytest.raises(InvalidRecord) as caught:
            Hours(**wrong)
        assert path.removesuffix("[0]") == caught.value.path.removesuffix("[0]")

    def test_a_retired_zone_name_is_a_known_one(self):
        """Names that IANA renamed still work; one that never was suggests a near one."""
        assert "Asia/Calcutta" == str(dict(Hours(zones={"IN": "Asia/Calcutta"}).zones)["IN"])
        with pytest.raises(UnknownName, match="did you mean 'Asia/Kolkata'"):
            Hours(zones={"IN": "Asia/Kolkatta"})


class TestZone:
    def test_their_own_then_the_countrys_then_the_assumed_one(self):
        """An assumed zone says why it was assumed."""
        berlin, tokyo = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Tokyo")
        hours = Hours(zones={"DE": berlin}, unknown_zone="Asia/Tokyo")
        german = ada(country="DE")
        assert [
            (tokyo, None),
            (berlin, "zone of DE assumed"),
            (tokyo, "zone unknown, Asia/Tokyo assumed"),
        ] == [hours.zone_of(each) for each in (ada(timezone="Asia/Tokyo"), german, ada())]
        assert (UTC, "zone unknown, UTC assumed") == Hours().zone_of(german)
        assert UTC is Hours(unknown_zone="UTC").unknown_zone

    def test_where_it_is_needed_an_assumed_one_will_not_do(self):
        """Nor will none, where none is assumed."""
        hours = Hours(zones={"DE": "Europe/Berlin"}, unknown_zone=None)
        people = [ada(timezone="Europe/Berlin"), ada(country="DE"), ada(country="AT"), ada()]
        assert [False, True, True, True] == [hours.zone_missing(who, TEXT) for who in people]
        assert [False, False, True, True] == [hours.zone_missing(who, EMAIL) for who in people]
        assert not any(Hours().zone_missing(who, EMAIL) for who in people)
        assert (UTC, "zone unknown, UTC assumed") == hours.zone_of(ada())


class TestHolidays:
    @pytest.mark.parametrize(
        ("country", "region", "expected"),
        [
            ("DE", "BY", "bavaria"),
            ("DE", "by", "bavaria"),
            ("DE", "DE-BY", "bavaria"),
            ("DE", "Hesse", "hesse"),
            ("DE", "hesse", "hesse"),
            ("DE", "SN", "germany"),
            ("DE", None, "germany"),
            ("AT", "BY", None),
            ("AT", None, None),
            (None, "BY", None),
        ],
    )
    def test_the_region_goes_before_the_country(self, country, region, expected):
        """In any case of letters, and where a region has none of its own, the country's."""
        calendars = {
            "germany": frozenset({date(2026, 10, 3)}),
            "bavaria": Bavaria(),
            "hesse": frozenset({date(2026, 6, 4)}),
        }
        hours = Hours(
            holidays={
                "DE": calendars["germany"],
                "DE-BY": calendars["bavaria"],
                ("de", "Hesse"): calendars["hesse"],
            }
        )
        found = hours.calendar_of(ada(country=country, region=region))
        assert calendars.get(expected) == found

    def test_one_that_is_empty_still_goes_before_the_country(self):
        """One that works out its days when it is asked is empty at first."""

        class Lazy(dict):
            def __contains__(self, day):
                return day == WHIT_MONDAY

        hours = Hours(holidays={"DE": [WHIT_MONDAY], "DE-BY": Lazy(), "DE-SN": []})
        found = [hours.calendar_of(ada(country="DE", region=region)) for region in ("BY", "SN")]
        assert [True, False] == [WHIT_MONDAY in calendar for calendar in found]
        assert found[0] == {}

    def test_without_any_there_is_none(self):
        """The default has no holidays."""
        assert Hours().calendar_of(ada(country="DE")) is None

    @pytest.mark.parametrize(
        "days",
        [
            ["2026-05-25"],
            (WHIT_MONDAY,),
            {WHIT_MONDAY},
            {"2026-05-25": "Whit Monday"},
            {WHIT_MONDAY: "Whit Monday"},
        ],
    )
    def test_dates_or_their_texts_will_do(self, days):
        """As any collection, or with a name for each."""
        ((_, calendar),) = Hours(holidays={"DE": days}).holidays
        assert isinstance(calendar, HolidayCalendar)
        assert [True, False] == [day in calendar for day in (WHIT_MONDAY, WHIT_MONDAY + DAY)]

    def test_some_windows_are_open_on_them(self):
        """A holiday closes a channel without hours of its own, too, unless it says otherwise."""
        hours = Hours(windows={"linkedin": SendWindow(on_holidays=True)})
        calendar = {WHIT_MONDAY}
        assert [False, True] == [
            hours.is_open(at(25, 12), channel, calendar) for channel in (EMAIL, Channel.LINKEDIN)
        ]
        assert [False, True] == [
            hours.free(channel, calendar) for channel in (EMAIL, Channel.LINKEDIN)
        ]

    def test_a_calendar_that_raises_is_the_hosts_fault(self):
        """It is not hidden behind an answer."""

        class Broken(Bavaria):
            def __contains__(self, day):
                raise KeyError(day)

        with pytest.raises(KeyError):
            office().fit(at(25, 10), EMAIL, Broken(), offset=NONE)


class TestFit:
    @pytest.mark.parametrize(
        ("wall", "expected", "reasons"),
        [
            (at(22, 10), at(22, 10), ()),
            (at(22, 8), at(22, 8), ()),
            (at(22, 7, 59), at(22, 8), ("quiet until 08:00",)),
            (at(21, 18), at(22, 8), ("quiet after 18:00 → Fri 08:00",)),
            (at(23, 10), at(26, 10), ("Saturday → Monday", "Whit Monday in Bavaria → Tuesday")),
            (at(24, 10), at(26, 10), ("Sunday → Monday", "Whit Monday in Bavaria → Tuesday")),
            (at(25, 10), at(26, 10), ("Whit Monday in Bavaria → Tuesday",)),
            (at(30, 7), datetime(2026, 6, 1, 8), ("Saturday → Monday", "quiet until 08:00")),  # noqa: DTZ001
            (
                at(22, 18),
                at(26, 8),
                (
                    "quiet after 18:00 → Sat 08:00",
                    "Saturday → Monday",
                    "Whit Monday in Bavaria → Tuesday",
                ),
            ),
            (
                at(24, 22),
                at(26, 8),
                ("quiet after 18:00 → Mon 08:00", "Whit Monday in Bavaria → Tuesday"),
            ),
        ],
    )
    def test_moves_day_by_day_then_to_the_opening(self, wall, expected, reasons):
        """Closed days keep the time of day; what is early or late waits for the opening."""
        assert (expected, reasons) == office().fit(wall, EMAIL, Bavaria(), offset=NONE)

    def test_days_off_of_one_cause_are_one_reason(self):
        """Each holiday with a name is a cause of its own; those without are one."""
        named = {
            date(2026, 5, 25): "First",
            date(2026, 5, 26): "Second",
            date(2026, 5, 27): "Second",
        }
        bare = set(named)
        found = [office().fit(at(25, 9), EMAIL, days, offset=NONE)[1] for days in (named, bare)]
        assert [("First → Tuesday", "Second → Thursday"), ("holiday → Thursday",)] == found

    def test_a_day_more_than_a_week_off_is_named_with_its_date(self):
        """Else nobody would know which Monday."""
        closed = {date(2026, 5, 18) + step * DAY for step in range(8)}
        assert ("holiday → Tuesday 2026-05-26",) == Hours().fit(
            at(18, 9), EMAIL, closed, offset=NONE
        )[1]

    def test_an_offset_spreads_what_waits_for_the_opening(self):
        """It goes round the window and says so; who is in time already is not moved by it."""
        hours, offset = office(), timedelta(hours=11, minutes=5)
        assert (at(22, 9, 5), ("quiet until 08:00, spread to 09:05",)) == hours.fit(
            at(22, 6), EMAIL, None, offset=offset
        )
        assert (at(22, 9, 5), ("quiet after 18:00 → Fri 09:05",)) == hours.fit(
            at(21, 20), EMAIL, None, offset=offset
        )
        assert (at(22, 8, 1), ()) == hours.fit(at(22, 8, 1), EMAIL, None, offset=offset)

    def test_no_open_day_within_a_year_is_none(self):
        """Holidays on every day, or on every day that the window is open."""

        class Always:
            def __contains__(self, day):
                return True

        mondays = Hours(windows={"email": SendWindow(days=[0])})
        calendar = {at(4).date() + week * 7 * DAY for week in range(60)}
        assert None is Hours().fit(FRIDAY, EMAIL, Always(), offset=NONE)
        assert None is mondays.fit(FRIDAY, EMAIL, calendar, offset=NONE)
        assert None is Hours().turns(FRIDAY, EMAIL, Always())

    def test_what_is_always_open_never_turns(self):
        """Nothing is looked at where there is nothing to keep."""
        assert None is Hours().turns(FRIDAY, EMAIL, None)
        assert (FRIDAY, ()) == Hours().fit(FRIDAY, EMAIL, None, offset=DAY / 2)

    def test_the_last_day_of_the_calendar_has_no_next(self):
        """The year 9999 ends without an error."""
        last = datetime(9999, 12, 31, 22)  # noqa: DTZ001
        assert None is Hours().fit(last, TEXT, None, offset=NONE)
        assert None is Hours().fit(last, EMAIL, {last.date()}, offset=NONE)
        assert None is Hours().turns(last, TEXT, None)
        end = datetime(9999, 12, 31, 20, tzinfo=UTC)
        assert None is Hours().turns_at(end, ZoneInfo("Asia/Tokyo"), TEXT, None)


windows = st.builds(
    lambda low, high, days, on: SendWindow(
        start=time(low // 60, low % 60),
        end=None if high >= 1440 else time(high // 60, high % 60),
        days=days,
        on_holidays=on,
    ),
    st.integers(0, 719),
    st.integers(720, 1500),
    st.frozensets(st.integers(0, 6), min_size=1),
    st.booleans(),
)
calendars = st.none() | st.frozensets(
    st.integers(0, 40).map(lambda step: FRIDAY.date() + step * DAY), max_size=20
)
walls = st.integers(0, 30 * 1440).map(lambda minutes: at(22) + timedelta(minutes=minutes))
offsets = st.integers(0, 86_399).map(lambda seconds: timedelta(seconds=seconds))


class TestProperties:
    @given(windows, calendars, walls, offsets)
    def test_fit_is_the_first_that_will_do(self, window, calendar, wall, offset):
        """It is open, not before, and no earlier day was open at the same time of day."""
        hours = Hours(windows={"email": window})
        fitted, reasons = hours.fit(wall, EMAIL, calendar, offset=offset)
        assert hours.is_open(fitted, EMAIL, calendar)
        assert fitted >= wall
        assert bool(reasons) is (fitted != wall)
        assert (fitted, ()) == hours.fit(fitted, EMAIL, calendar, offset=offset)
        day = wall.date()
        while day < fitted.date():
            moment = wall if day == wall.date() else datetime.combine(day, fitted.time())
            assert not hours.is_open(moment, EMAIL, calendar)
            assert not hours.is_open(datetime.combine(day, wall.time()), EMAIL, calendar)
            day += DAY
        assert wall.time() == fitted.time() or not window.covers(wall.time())

    @given(windows, calendars, walls, offsets, st.integers(0, 30))
    def test_fit_is_monotone_in_the_day(self, window, calendar, wall, offset, days):
        """A later day at the same time of day is never moved to before an earlier one."""
        hours = Hours(windows={"email": window})
        first, second = (
            hours.fit(each, EMAIL, calendar, offset=offset)[0] for each in (wall, wall + days * DAY)
        )
        assert first <= second

    @given(windows, calendars, walls)
    def test_turns_is_the_next_change(self, window, calendar, wall):
        """Nothing turns before it, minute by minute; it turns there, and never where it is None."""
        hours = Hours(windows={"email": window})
        turn = hours.turns(wall, EMAIL, calendar)
        is_open = hours.is_open(wall, EMAIL, calendar)
        end = turn or wall + 3 * DAY
        assert end > wall
        steps = (end - wall) // timedelta(minutes=1)
        for step in range(0, steps, max(1, steps // 500)):
            assert is_open is hours.is_open(wall + timedelta(minutes=step), EMAIL, calendar)
        before = end - timedelta(microseconds=1)
        assert is_open is hours.is_open(before, EMAIL, calendar)
        assert turn is None or is_open is not hours.is_open(turn, EMAIL, calendar)

    @given(
        st.sampled_from(["Europe/Berlin", "Australia/Lord_Howe", "America/Nuuk", "Asia/Kolkata"]),
        st.sampled_from(
            [
                SendWindow(start="01:00", end="02:30"),
                SendWindow(start="02:30", end="03:15"),
                SendWindow(start="02:45"),
                SendWindow(start="22:15", end="23:30"),
                SendWindow(days=[6]),
                SendWindow(days=[5]),
            ]
        ),
        st.sampled_from(
            [date(2026, 3, 28), date(2026, 4, 4), date(2026, 10, 3), date(2026, 10, 24)]
        ),
        st.integers(0, 3 * 288),
    )
    def test_turns_at_holds_in_gaps_and_folds(self, name, window, day, step):
        """Five minutes by five over nights on which clocks jump: never late, never at once."""
        hours, zone = Hours(windows={"email": window}), ZoneInfo(name)
        five = timedelta(minutes=5)
        now = datetime.combine(day, time(), UTC) + step * five

        def is_open(instant):
            return hours.is_open(instant.astimezone(zone).replace(tzinfo=None), EMAIL, None)

        turn = hours.turns_at(now, zone, EMAIL, None)
        assert turn > now
        here = now
        while here < min(turn, now + 8 * DAY):
            assert is_open(now) is is_open(here)
            here += five
        assert is_open(now) is not is_open(turn)

    def test_turns_at_a_fold_that_opens_the_window_again(self):
        """In Berlin, from 2:00 to 2:30 is there twice on 25 October 2026."""
        hours = Hours(windows={"email": SendWindow(start="01:00", end="02:30")})
        now = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)
        found = []
        for _ in range(4):
            now = hours.turns_at(now, ZoneInfo("Europe/Berlin"), EMAIL, None)
            found.append(f"{now:%d %H:%M}")
        assert ["25 00:30", "25 01:00", "25 01:30", "26 00:00"] == found

    def test_clocks_that_go_back_past_midnight_open_yesterday_again(self):
        """After the last holiday that the calendar knows, too."""
        hours, calendar = Hours(), {date(2026, 10, 24)}
        zone = ZoneInfo("America/Nuuk")
        jump = datetime(2026, 10, 25, 1, tzinfo=UTC)
        before = jump - timedelta(minutes=90)
        assert jump + timedelta(hours=1) == hours.turns_at(before, zone, EMAIL, calendar)


class TestSpread:
    def test_nobody_waits_where_nothing_is_spread(self):
        """Nor where it is spread over less than a second."""
        assert [NONE, NONE] == [
            Hours(spread=spread).offset_of("ada") for spread in (NONE, timedelta(milliseconds=9))
        ]

    @given(st.text(max_size=9), st.integers(1, 86_400))
    def test_is_the_same_each_time_and_inside(self, who, seconds):
        """Whole seconds, by the id alone."""
        spread = timedelta(seconds=seconds)
        offset = Hours(spread=spread).offset_of(who)
        assert NONE <= offset < spread
        assert 0 == offset.microseconds
        assert offset == Hours.office(spread=spread).offset_of(who)

    def test_a_thousand_do_not_leave_at_once(self):
        """Over an hour they are spread about evenly: no minute has many more than another."""
        hours = Hours(spread=timedelta(hours=1))
        minutes = [hours.offset_of(f"e{index}") // timedelta(minutes=1) for index in range(6000)]
        counts = [minutes.count(minute) for minute in range(60)]
        assert 60 < min(counts) <= max(counts) < 140

    def test_an_id_has_the_place_it_had(self):
        """A later release does not move everybody: the digest is part of the promise."""
        assert timedelta(seconds=19_751) == Hours(spread=DAY).offset_of("ada")
