"""No touch ahead is one message too many, counting those that went and those to come."""

import attrs
import pytest
from one_run import DAY, START, TICK, ask, days, fact, person, sent, sequence, whys

from crmkit.permission import ContactPolicy, ContactRule

CADENCE = sequence(0, 14, 42)
WHY = "at most 2 messages within 7 days"
DAILY = attrs.evolve(CADENCE.pace, least_gap=DAY)


def due(*facts, **more):
    """Return on which day the touch of week 2 is due, asked the day before."""
    return days(ask(CADENCE, person(*facts), 13, **more))["t14"]


class TestWhatWent:
    def test_a_full_week_puts_it_off_until_one_has_left(self):
        """The older of the two is a week old on day 18; the plan says what moved it."""
        calendar = ask(CADENCE, person(fact("sent", 11), fact("sent", 12)), 13)
        assert {"t0": 0, "t14": 18, "t42": 42} == days(calendar)
        assert [WHY] == whys(calendar.touches[1])

    def test_it_keeps_its_hour(self):
        """Free from noon on, it goes the next morning."""
        assert 19 == due(fact("sent", 11.125), fact("sent", 12))

    def test_one_that_is_a_week_old_has_left(self):
        """To the microsecond."""
        assert 14 == due(fact("sent", 7), fact("sent", 12))
        assert 15 == due(fact("sent", 7 + TICK / DAY), fact("sent", 12))

    def test_one_message_logged_twice_is_one(self):
        """As sent by us and as delivered by the provider; whichever counts more counts."""
        assert 14 == due(fact("sent", 11), fact("delivered", 11.01))
        assert 18 == due(fact("sent", 11), fact("delivered", 11.01), fact("sent", 12))
        assert 18 == due(fact("sent", 10), fact("delivered", 11), fact("delivered", 12))

    def test_a_recruiter_s_own_message_is_one_more(self):
        """A call is none."""
        assert 18 == due(fact("sent", 11), fact("messaged", 12))
        assert 14 == due(fact("sent", 11), fact("called", 12))

    def test_the_touches_of_this_run_count_too(self):
        """A touch done late is a message."""
        assert 15 == due(sent("t0", 8), fact("sent", 12))

    def test_one_more_may_follow_another(self):
        """Put off from one full week into the next full one."""
        facts = [fact("sent", day) for day in (11, 12, 13)]
        assert 19 == due(*facts)

    def test_what_is_still_to_come_is_not_counted(self):
        """It does not exist yet."""
        assert 14 == due(fact("sent", 12), fact("sent", 13.5))

    def test_an_overdue_touch_keeps_its_date_and_is_refused(self):
        """What went after its date is the arbiter's, who says from when on."""
        calendar = ask(CADENCE, person(fact("sent", 14.5), fact("sent", 15)), 16)
        touch = calendar.due[-1]
        assert (START + 14 * DAY, ContactRule.CAP) == (touch.due_at, touch.permission.rule)


class TestWhatIsPlanned:
    def test_touches_of_one_cadence_keep_the_cap_among_themselves(self):
        """Two a week, whatever the days say."""
        calendar = ask(sequence(0, 1, 2, 3, 4, pace=DAILY), person())
        assert [0, 1, 7, 8, 14] == [*days(calendar).values()]
        apart = "at least 1 day after"
        assert [[], [], [WHY], [f"{apart} t2"], [f"{apart} t3", WHY]] == [
            whys(each) for each in calendar.touches
        ]

    def test_those_that_went_and_those_ahead_add_up(self):
        """One went on day 0, one goes on day 3: the third waits for the first to leave."""
        cadence = sequence(3, 5, 9, pace=DAILY)
        calendar = ask(cadence, person(fact("sent", 0)), 1)
        assert {"t3": 3, "t5": 7, "t9": 10} == days(calendar)

    @pytest.mark.parametrize(
        ("cap", "window", "expected"),
        [
            (1, 7, [0, 7, 14, 21]),
            (3, 7, [0, 2, 4, 7]),
            (2, 3, [0, 2, 4, 6]),
            (1, 30, [0, 30, 60, 90]),
        ],
    )
    def test_the_cap_is_the_policy_s(self, cap, window, expected):
        """How many, and within how long."""
        policy = ContactPolicy(cap=cap, cap_window=window * DAY)
        calendar = ask(sequence(0, 2, 4, 6, pace=DAILY), person(), policy=policy)
        assert expected == [*days(calendar).values()]

    def test_least_gap_and_cap_hold_together(self):
        """The least gap counts from where the cap has put the one before."""
        policy = ContactPolicy(cap=1, cap_window=9 * DAY)
        calendar = ask(sequence(0, 5, 10), person(), policy=policy)
        assert {"t0": 0, "t5": 9, "t10": 18} == days(calendar)

    def test_a_touch_that_the_cap_moves_leaves_its_plain_date_to_be_seen(self):
        """The reason begins with it."""
        calendar = ask(sequence(0, 1, 2, pace=DAILY), person())
        text = "week 0 and 2 days from 2026-03-02 → 2026-03-04, moved to 2026-03-09"
        assert text == calendar.touches[2].because.text

    def test_what_was_done_is_never_moved(self):
        """Nobody takes back a message."""
        cadence = sequence(0, 1, 2, pace=DAILY)
        calendar = ask(cadence, person(*(sent(f"t{day}", day) for day in range(3))), 3)
        assert {"t0": 0, "t1": 1, "t2": 2} == days(calendar)

    def test_asking_a_week_later_moves_nothing(self):
        """What was planned and did not go keeps its place for those after it."""
        cadence = sequence(0, 1, 2, 3, pace=DAILY)
        assert days(ask(cadence, person())) == days(ask(cadence, person(), 7.5))
