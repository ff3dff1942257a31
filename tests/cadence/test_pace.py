"""Who answers message after message hears sooner, and who engages again goes on where they were."""

import attrs
import pytest
from one_run import DAY, EVEN, RUN, START, TICK, ask, days, fact, person, sent, sequence, whys

from crmkit.cadence import SEVEN_TOUCH, Pace, PlanStatus
from crmkit.engagement import EngagementPolicy

EAGER = attrs.evolve(EVEN, hot=0.75)
EIGHT_WEEKS = sequence(0, 56, pace=EAGER)
WEIGHTLESS = EngagementPolicy(weights={"clicked": 0})
"""A click does not make hot by itself."""


def opened(day, kind="opened", automated=False):
    return fact(kind, day, automated=automated)


def due(*facts, cadence=EIGHT_WEEKS, engagement=WEIGHTLESS):
    """Return on which day the touch of week 8 is due."""
    return days(ask(cadence, person(*facts), 30, engagement=engagement))["t56"]


def row(*messages):
    """Return messages, each opened the day after."""
    return [each for day in messages for each in (fact("sent", day), opened(day + 1))]


class TestEager:
    def test_three_messages_in_a_row_that_they_open_hasten(self):
        """From the third sign on, at the rate of the hot, and the plan says why."""
        calendar = ask(EIGHT_WEEKS, person(*row(0, 5, 10)), 11)
        # 11 days at the plain rate, then 45 * 0.75 = 33.75, and the hour of day.
        assert 45 == days(calendar)["t56"]
        why = "hastened × 0.75 2026-03-13 to 2026-04-16: opened or clicked 3 in a row"
        assert [why] == whys(calendar.touches[1])

    def test_two_may_be_chance(self):
        """The plain weeks."""
        assert 56 == due(*row(0, 5))

    @pytest.mark.parametrize(
        ("kind", "automated"), [("opened", False), ("clicked", False), ("clicked", None)]
    )
    def test_an_open_known_to_be_human_or_any_click_is_a_sign(self, kind, automated):
        """Whatever it weighs for the temperature."""
        signs = [opened(day, kind, automated) for day in (1, 6, 11)]
        assert 45 == due(*(fact("sent", day) for day in (0, 5, 10)), *signs)

    @pytest.mark.parametrize(
        ("kind", "automated"), [("opened", True), ("opened", None), ("clicked", True)]
    )
    def test_what_a_machine_did_or_may_have_done_is_none(self, kind, automated):
        """Mail is opened by scanners, and links are clicked by them."""
        signs = [opened(day, kind, automated) for day in (1, 6, 11)]
        assert 56 == due(*(fact("sent", day) for day in (0, 5, 10)), *signs)

    def test_a_missed_one_begins_a_new_row(self):
        """Opened, missed, opened, opened: two; with one more, three."""
        facts = [*row(0), fact("sent", 5), *row(10, 15)]
        assert 56 == due(*facts)
        # 21 + 35 * 0.75 = 47.25
        assert 48 == due(*facts, *row(20))

    def test_it_ends_when_the_next_comes_and_the_last_was_missed(self):
        """Not before: until then there is time to open it."""
        missed = [*row(0, 5, 10), fact("sent", 15)]
        assert 45 == due(*missed)
        # From day 11 to 20 they are eager: 9 / 0.75 = 12 days of the clock, then 33 more.
        assert 53 == due(*missed, fact("sent", 20))

    def test_a_late_sign_counts_for_the_message_that_came_before_it(self):
        """Opened after the next one was sent, it says nothing of the one before."""
        facts = [fact("sent", 0), fact("sent", 5), opened(6), opened(7), *row(10)]
        assert 56 == due(*facts)
        assert 48 == due(*facts, *row(20))

    def test_many_signs_of_one_message_are_one(self):
        """Whoever opens the same mail three times reads one mail."""
        assert 56 == due(fact("sent", 0), opened(1), opened(2), opened(3))

    def test_opened_at_the_instant_of_sending_is_opened(self):
        """Imports often know only the day."""
        facts = [fact(kind, day, automated=False) for day in (0, 5, 10) for kind in KINDS]
        # 10 + 46 * 0.75 = 44.5
        assert 45 == due(*facts)

    def test_messages_of_before_the_enrolment_count(self):
        """They opened everything of the last cadence."""
        assert 42 == due(*row(-20, -15, -10))

    def test_how_many_is_the_pace_s(self):
        """One is enough for some hosts."""
        cadence = sequence(0, 56, pace=attrs.evolve(EAGER, eager_after=1))
        # 1 + 55 * 0.75 = 42.25
        assert 43 == due(*row(0), cadence=cadence)

    def test_who_is_hot_is_not_hastened_twice(self):
        """The reason is the temperature, and the rate the same."""
        hot = [fact("met", 0.1), fact("met", 0.2)]
        policy = EngagementPolicy(half_life=3650 * DAY)
        both = ask(EIGHT_WEEKS, person(*hot, *row(1, 4, 7)), 11, engagement=policy)
        alone = ask(EIGHT_WEEKS, person(*hot), 11, engagement=policy)
        assert ["hot since 2026-03-02"] == [shift.why for shift in both.touches[1].shifts]
        assert days(alone) == days(both)

    def test_who_opens_everything_hears_sooner_though_they_never_answer(self):
        """Three unanswered messages make cold; three that they opened make eager all the same."""
        cadence = sequence(0, 56, pace=Pace())
        # Cooling from day 5 on, 6 days * 0.8 = 4.8, so 9.8 on day 11: 11 + 46.2 * 0.75 = 45.65
        assert 46 == due(*row(0, 5, 10), cadence=cadence)

    def test_a_stop_goes_before_it(self):
        """However eager they are, a pause is a pause."""
        calendar = ask(EIGHT_WEEKS, person(*row(0, 5, 10), fact("paused", 20)), 30)
        assert (PlanStatus.PAUSED, ["t0"]) == (calendar.status, list(days(calendar)))


KINDS = ("opened", "sent")


class TestReactivation:
    CADENCE = attrs.evolve(SEVEN_TOUCH, name="c", pace=EVEN)
    PAST = (sent("welcome", 0), sent("value", 14), fact("archived", 20, enrollment_id=RUN.id))

    def plan(self, *facts, day=80):
        return ask(self.CADENCE, person(*self.PAST, *facts), day)

    def test_an_archived_run_stands_until_they_engage(self):
        """What was done is all there is to see."""
        calendar = self.plan()
        assert (PlanStatus.ARCHIVED, ["welcome", "value"]) == (calendar.status, [*days(calendar)])

    @pytest.mark.parametrize("kind", ["clicked", "visited", "attended", "signed_up", "consented"])
    def test_what_they_do_revives_it(self, kind):
        """It goes on where it stood, with the third touch; it never starts again from the first."""
        calendar = self.plan(fact(kind, 60))
        assert (PlanStatus.ACTIVE, "update") == (calendar.status, calendar.ahead[0].touch.key)
        # Archived on day 20 of the clock, which stood still for 40.
        assert {"update": 82, "check-in": 124} == {
            key: days(calendar)[key] for key in ("update", "check-in")
        }
        why = "clock stood still 2026-03-22 to 2026-05-01: archived on 2026-03-22"
        assert [why] == whys(calendar.ahead[0])

    def test_to_the_microsecond(self):
        """A moment before, it is archived."""
        relationship = person(*self.PAST, fact("clicked", 60))
        calendar = ask(self.CADENCE, relationship, 60 - TICK / DAY)
        assert (PlanStatus.ARCHIVED, START + 60 * DAY) == (calendar.status, calendar.until)
        assert PlanStatus.ACTIVE is ask(self.CADENCE, relationship, 60).status

    @pytest.mark.parametrize(
        "other",
        [
            fact("clicked", 60, automated=True),
            fact("opened", 60, automated=False),
            fact("auto_replied", 60),
            fact("clicked", 19),
            fact("sent", 60),
        ],
    )
    def test_what_is_no_engagement_does_not(self, other):
        """A machine's click, an open, what came before, what we do."""
        assert PlanStatus.ARCHIVED is self.plan(other).status

    def test_silence_after_it_archives_again(self):
        """By the rule of the pace, counted from their last act."""
        again = [fact("sent", day) for day in range(61, 68)]
        assert PlanStatus.ACTIVE is self.plan(fact("clicked", 60), *again[:6]).status
        assert PlanStatus.ARCHIVED is self.plan(fact("clicked", 60), *again).status
