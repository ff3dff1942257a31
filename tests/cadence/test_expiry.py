"""What is too late to go, and what was done under another name."""

from datetime import timedelta

import attrs
import pytest
from one_run import DAY, EVEN, START, TICK, ask, days, fact, person, sent, sequence, whys

from crmkit.cadence import Cadence, PlanStatus, Touch
from crmkit.model import CalendarSpan

CADENCE = sequence(0, 7, 42)
HOUR = timedelta(hours=1)


class TestExpiry:
    def test_two_weeks_late_is_too_late(self):
        """To the microsecond: a moment before, it may still go."""
        before = ask(CADENCE, person(), 14 - TICK / DAY)
        assert (["t0", "t7"], START + 14 * DAY) == (
            [each.touch.key for each in before.due],
            before.until,
        )
        after = ask(CADENCE, person(), 14)
        assert (["t7"], START + 21 * DAY) == ([each.touch.key for each in after.due], after.until)

    def test_it_stays_in_the_calendar_and_says_so(self):
        """On its date, neither ahead nor due, and nobody is asked whether it may go."""
        calendar = ask(CADENCE, person(), 14)
        late = calendar.touches[0]
        assert (True, False, False, None) == (
            late.expired,
            late.done,
            late.refused,
            late.permission,
        )
        assert (START, START + 14 * DAY) == (late.due_at, late.expires_at)
        assert ["expired 2026-03-16 09:00 UTC, too late to go"] == whys(late)
        assert "<PlannedTouch t0 expired, due 2026-03-02 09:00 UTC>" == repr(late)
        assert ["t7", "t42"] == [each.touch.key for each in calendar.ahead]
        assert "– Mon 2026-03-02 09:00  t0" in str(calendar)

    def test_it_moves_nothing(self):
        """Nothing else depends on whether it went, while nobody did it."""
        assert [days(ask(CADENCE, person(), 0))] * 3 == [
            days(ask(CADENCE, person(), day)) for day in (14, 21, 60)
        ]

    def test_none_is_never_too_late(self):
        """A call that may wait for years."""
        patient = ask(sequence(0, deadline=None), person(), 3000)
        assert (["t0"], None) == (
            [each.touch.key for each in patient.due],
            patient.touches[0].expires_at,
        )

    def test_each_touch_has_its_own_deadline(self):
        """An invitation is worth an hour."""
        first, *rest = CADENCE.touches
        hasty = attrs.evolve(CADENCE, touches=[attrs.evolve(first, deadline=HOUR), *rest])
        assert START + HOUR == ask(hasty, person()).until
        assert ask(hasty, person(), HOUR / DAY).touches[0].expired

    def test_what_was_done_too_late_is_done(self):
        """Facts go before deadlines."""
        late = ask(CADENCE, person(sent("t0", 20)), 21).touches[0]
        assert (True, False) == (late.done, late.expired)

    def test_a_stop_does_not_keep_it(self):
        """What was due before it grows old meanwhile."""
        waiting = ask(CADENCE, person(fact("replied", 1)), 14)
        assert (PlanStatus.WAITING, [True]) == (
            waiting.status,
            [each.expired for each in waiting.touches],
        )

    def test_when_all_have_expired_it_is_completed(self):
        """Nothing is ahead, for good."""
        calendar = ask(CADENCE, person(), 56)
        assert (PlanStatus.COMPLETED, (), None) == (
            calendar.status,
            calendar.ahead,
            calendar.until,
        )
        assert "completed: every touch is done or expired" == calendar.because.text
        assert PlanStatus.ACTIVE is ask(CADENCE, person(), 56 - TICK / DAY).status

    def test_a_return_goes_on_when_the_last_has_expired(self):
        """One missed year is not the end."""
        yearly = attrs.evolve(CADENCE, every=CalendarSpan(years=1))
        assert "t42" == ask(yearly, person(), 55).touches[-1].touch.key
        again = ask(yearly, person(), 56).touches[-1]
        assert (("t42", 1), START + (42 + 365) * DAY) == (again.key, again.due_at)
        twice = ask(yearly, person(), 42 + 365 + 14)
        assert [("t42", 0), ("t42", 1), ("t42", 2)] == [each.key for each in twice.touches[2:]]


class TestDay:
    def test_days_come_after_the_week(self):
        """The reason says both."""
        calendar = ask(sequence(0, 10), person())
        assert {"t0": 0, "t10": 10} == days(calendar)
        expected = "week 1 and 3 days from 2026-03-02 → 2026-03-12"
        assert expected == calendar.touches[1].because.text

    def test_one_day_is_one(self):
        """In plain English."""
        text = ask(sequence(0, 8), person()).touches[1].because.text
        assert text.startswith("week 1 and 1 day from")


class TestFormerKeys:
    CADENCE = Cadence(
        name="c",
        pace=EVEN,
        every=CalendarSpan(years=1),
        touches=[
            Touch(key="hello", week=0, purpose="p", level=2, was=["welcome", "hi"]),
            Touch(key="news", week=4, purpose="p", level=2, was=["update"]),
        ],
    )

    @pytest.mark.parametrize("key", ["hello", "welcome", "hi"])
    def test_done_under_an_earlier_key_is_done(self, key):
        """Nobody is welcomed twice because somebody renamed the welcome."""
        calendar = ask(self.CADENCE, person(sent(key, 1)), 2)
        assert (True, False) == (calendar.is_done("hello"), calendar.is_done("news"))
        assert START + DAY == calendar.touches[0].done_at

    def test_the_key_of_now_goes_first(self):
        """Then the earlier ones, in the order given."""
        facts = [sent("hi", 1), sent("welcome", 2), sent("hello", 3)]
        done = [
            ask(self.CADENCE, person(*facts[:count]), 4).touches[0].done_at for count in (1, 2, 3)
        ]
        assert [START + day * DAY for day in (1, 2, 3)] == done

    def test_a_return_too(self):
        """Each under its own rotation."""
        calendar = ask(self.CADENCE, person(sent("news", 28), sent("update", 393, rotation=1)), 394)
        assert [("news", 0, True), ("news", 1, True), ("news", 2, False)] == [
            (*each.key, each.done) for each in calendar.touches[1:]
        ]

    @pytest.mark.parametrize(
        ("day", "expected"), [(8, 14), (12, 17), (14, 19), (14.5, 20), (19, 14)]
    )
    def test_what_an_earlier_version_sent_keeps_its_distance(self, day, expected):
        """Its touch is in this version no more; one that came long after the date moves nothing."""
        calendar = ask(sequence(0, 14), person(sent("gone", day)), day)
        assert {"t0": 0, "t14": expected} == days(calendar)
        moved = ["at least 5 days after gone"] if expected > 14 else []
        assert moved == [why for why in whys(calendar.touches[1]) if why.startswith("at least")]
