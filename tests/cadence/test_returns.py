"""The last touches come back by the calendar, each counted from its own first date."""

from datetime import UTC, datetime

import pytest
from one_run import DAY, EVEN, RUN, START, ask, days, fact, person, sent, sequence, whys

from crmkit.cadence import QUARTERLY, Pace, plan
from crmkit.engagement import EngagementPolicy
from crmkit.model import CalendarSpan

QUARTER, YEAR = CalendarSpan(months=3), CalendarSpan(years=1)


def instant(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def dates(cadence, start, through, zone=None):
    """Return each touch with its rotation and its date, up to the end of a day."""
    calendar = plan(
        cadence,
        person(timezone=zone),
        enrolled_at=instant(start),
        now=instant(start),
        through=instant(through),
    )
    return [(*each.key, f"{each.local:%Y-%m-%d}") for each in calendar.touches]


class TestDates:
    def test_all_of_a_sequence_may_come_back(self):
        """A quarter after the first date of each."""
        cadence = sequence(0, 28, every=QUARTER, repeat=2)
        assert [
            ("t0", 0, "2026-03-02"),
            ("t28", 0, "2026-03-30"),
            ("t0", 1, "2026-06-02"),
            ("t28", 1, "2026-06-30"),
            ("t0", 2, "2026-09-02"),
            ("t28", 2, "2026-09-30"),
        ] == dates(cadence, "2026-03-02T09:00", "2026-10-01T09:00")

    def test_or_the_last_ones_only(self):
        """The rest are for the first time round."""
        cadence = sequence(0, 28, 56, every=QUARTER, repeat=2)
        found = dates(cadence, "2026-03-02T09:00", "2026-08-01T09:00")
        assert [("t28", 1, "2026-06-30"), ("t56", 1, "2026-07-27")] == found[3:]

    def test_the_end_of_a_month_is_counted_from_the_anchor(self):
        """Thirty days in February are 28; the months after it have theirs again."""
        cadence = sequence(0, every=QUARTER)
        expected = ["2025-11-30", "2026-02-28", "2026-05-30", "2026-08-30", "2026-11-30"]
        found = dates(cadence, "2025-11-30T09:00", "2026-12-31T09:00")
        assert expected == [date for _, _, date in found]

    def test_a_month_of_31_days_clips_at_each_shorter_one(self):
        """Not at the shortest one before."""
        cadence = sequence(0, every=CalendarSpan(months=1))
        expected = ["01-31", "02-28", "03-31", "04-30", "05-31"]
        found = dates(cadence, "2026-01-31T09:00", "2026-06-15T09:00")
        assert [f"2026-{date}" for date in expected] == [date for _, _, date in found]

    def test_a_leap_day_comes_back_in_leap_years(self):
        """And is the 28th in the others."""
        expected = ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]
        found = dates(sequence(0, every=YEAR), "2024-02-29T09:00", "2028-03-01T09:00")
        assert expected == [date for _, _, date in found]

    def test_the_months_are_those_of_their_zone(self):
        """The last of January in Auckland is the day before in UTC."""
        cadence = sequence(0, every=CalendarSpan(months=1))
        found = dates(cadence, "2026-01-30T12:00", "2026-03-31T09:00", "Pacific/Auckland")
        assert ["2026-01-31", "2026-02-28", "2026-03-31"] == [date for _, _, date in found]

    def test_the_hour_is_kept_when_clocks_change(self):
        """Nine in London, winter and summer."""
        cadence = sequence(0, every=QUARTER)
        calendar = ask(cadence, person(timezone="Europe/London"), through=START + 300 * DAY)
        assert [(9, 9), (9, 8), (9, 8), (9, 9)] == [
            (each.local.hour, each.due_at.hour) for each in calendar.touches
        ]

    def test_through_is_the_last_instant_shown(self):
        """That very instant belongs to it."""
        cadence, back = sequence(0, every=QUARTER), instant("2026-06-02T09:00")
        shown = [
            len(
                ask(cadence, person(), through=back - microseconds * (DAY / 86_400_000_000)).touches
            )
            for microseconds in (0, 1)
        ]
        assert [2, 1] == shown

    def test_which_return_it_is_stands_in_the_reason(self):
        """From the week and the day of the first time."""
        calendar = ask(sequence(0, 28, every=QUARTER), person(), through=START + 200 * DAY)
        assert "week 4 from 2026-03-02, return 1 → 2026-06-30" == calendar.touches[2].because.text

    def test_the_field_s_quarterly_comes_every_quarter(self):
        """Each of its touches, on its date."""
        calendar = plan(
            QUARTERLY, person(), enrolled_at=START, now=START, through=START + 400 * DAY
        )
        firsts = [each for each in calendar.touches if each.touch is QUARTERLY.touches[0]]
        assert [0, 1, 2, 3, 4] == [each.rotation for each in firsts]
        expected = ["2026-03-02", "2026-06-02", "2026-09-02", "2026-12-02", "2027-03-02"]
        assert expected == [f"{each.planned_for:%Y-%m-%d}" for each in firsts]


class TestDone:
    def test_each_return_is_done_for_itself(self):
        """By its rotation; then the next one shows."""
        cadence = sequence(0, 28, every=QUARTER, repeat=2)
        facts = [sent("t0"), sent("t28", 28), sent("t0", 92, rotation=1)]
        calendar = ask(cadence, person(*facts), 93)
        assert [("t0", 0), ("t28", 0), ("t0", 1), ("t28", 1)] == [
            each.key for each in calendar.touches
        ]
        assert [True, True, True, False] == [each.done for each in calendar.touches]

    def test_a_late_one_keeps_the_next_return_half_its_distance_away(self):
        """46 days of a quarter's 92; the return after that is on its date again."""
        cadence = sequence(0, every=QUARTER)
        calendar = ask(cadence, person(sent("t0", 70)), 71, through=START + 200 * DAY)
        assert [70 + 46, 184] == [(each.due_at - START) / DAY for each in calendar.touches[1:]]
        assert ["at least 46 days after t0"] == whys(calendar.touches[1])

    def test_one_that_is_not_so_late_moves_nothing(self):
        """Half the distance is still there."""
        calendar = ask(sequence(0, every=QUARTER), person(sent("t0", 46)), 47)
        assert [0, 92] == [(each.due_at - START) / DAY for each in calendar.touches]


class TestPace:
    HOT = tuple(fact(kind, 0.1) for kind in ("met", "replied", "called"))
    LASTING = EngagementPolicy(half_life=3650 * DAY)

    @pytest.mark.parametrize(
        ("every", "expected"), [(QUARTER, 70), (YEAR, 365)], ids=["quarterly", "yearly"]
    )
    def test_a_quarter_may_come_sooner_and_a_year_may_not(self, every, expected):
        """No return after more than the greatest gap is hastened."""
        # 0.1 + 91.9 * 0.75 = 69.03, and the hour of day
        cadence = sequence(0, every=every, pace=Pace())
        facts = [sent("t0"), *self.HOT]
        calendar = ask(cadence, person(*facts), 1, engagement=self.LASTING)
        assert expected == (calendar.touches[1].due_at - START) / DAY

    def test_who_is_cold_waits_longer_up_to_the_greatest_gap(self):
        """A quarter becomes half as much again; half a year stays what it is."""
        facts = [sent("t0"), *(fact("sent", day / 10) for day in range(3))]
        found = []
        for months in (3, 6):
            cadence = sequence(0, every=CalendarSpan(months=months), pace=Pace())
            again = ask(cadence, person(*facts), 1).touches[1]
            found.append((again.due_at - START) / DAY)
        # Cooling after a tenth of a day, cold after two; half a year has 184 days.
        assert [138, 184] == found

    def test_a_stop_moves_all_returns(self):
        """By as long as it lasted."""
        facts = [sent("t0"), fact("paused", 10), fact("resumed", 30)]
        calendar = ask(sequence(0, every=QUARTER), person(*facts), 31, through=START + 250 * DAY)
        assert [112, 204] == [(each.due_at - START) / DAY for each in calendar.touches[1:]]
        assert EVEN == calendar.cadence.pace

    def test_an_archived_run_has_no_returns(self):
        """Only what was done."""
        facts = [sent("t0"), fact("archived", 10, enrollment_id=RUN.id)]
        calendar = ask(sequence(0, every=QUARTER), person(*facts), 11, through=START + 250 * DAY)
        assert {"t0": 0} == days(calendar)
