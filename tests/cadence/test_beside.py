"""Several cadences at once: the less important one gives way to the caps of all together."""

import attrs
from one_run import DAY, EVEN, START, ask, days, fact, person, sent, sequence, whys

from crmkit.cadence import plan
from crmkit.permission import ContactPolicy

DAILY = attrs.evolve(EVEN, least_gap=DAY)
WHY = "at most 2 messages within 7 days, with those of first"


def first(*on, relationship=None, day=0.0, **more):
    """Return the plan of a more important cadence, with touches on these days."""
    cadence = attrs.evolve(sequence(*on, pace=DAILY), name="first")
    now = START + day * DAY
    return plan(cadence, relationship or person(), enrolled_at=START, now=now, **more)


def second(*on, beside, relationship=None, day=0.0, **more):
    """Return the plan of a less important one."""
    cadence = sequence(*on, pace=DAILY)
    return ask(cadence, relationship or person(), day, beside=beside, **more)


class TestGivingWay:
    def test_without_others_it_keeps_its_days(self):
        """Nothing beside it."""
        assert {"t14": 14} == days(second(14, beside=[]))

    def test_it_waits_until_a_message_of_the_other_has_left_the_window(self):
        """Two of the other's within a week before it; the reason is the cap."""
        calendar = second(14, beside=[first(10, 12)])
        assert {"t14": 17} == days(calendar)
        assert [WHY] == whys(calendar.touches[0])

    def test_it_is_not_put_where_the_other_s_next_would_be_one_too_many(self):
        """The other's come on days 15 and 17: on day 14 it would be the third within a week."""
        calendar = second(14, beside=[first(15, 17)])
        # Day 15 + 7 is the first on which one of them has left.
        assert {"t14": 22} == days(calendar)
        assert [WHY] == whys(calendar.touches[0])

    def test_one_of_the_other_s_leaves_room_for_one(self):
        """Two a week, whosever they are."""
        assert {"t14": 14} == days(second(14, beside=[first(15)]))

    def test_one_that_is_a_week_away_leaves_room(self):
        """Before it or after it."""
        assert {"t14": 14} == days(second(14, beside=[first(6, 7)]))
        assert {"t14": 14} == days(second(14, beside=[first(20, 22)]))
        assert {"t14": 24} == days(second(14, beside=[first(15, 17, 20)], day=0))
        one = ContactPolicy(cap=1)
        assert {"t7": 7} == days(second(7, beside=[first(14)], policy=one))
        assert {"t8": 21} == days(second(8, beside=[first(14)], policy=one))

    def test_what_went_counts_with_what_is_to_come(self):
        """One message yesterday, one of the other's tomorrow."""
        relationship = person(fact("sent", 13))
        other = first(16, relationship=relationship, day=13.5)
        assert {"t14": 20} == days(second(14, beside=[other], relationship=relationship, day=13.5))

    def test_its_own_messages_count_towards_the_other_s_cap(self):
        """On day 12 it would be its second, and make the other's the third of the week."""
        assert {"t10": 10, "t12": 17} == days(second(10, 12, beside=[first(13)]))

    def test_several_others_count_together(self):
        """In whatever order they are given."""
        others = [first(13), first(15)]
        assert {"t14": 20} == days(second(14, beside=others))
        assert second(14, beside=others).touches == second(14, beside=others[::-1]).touches

    def test_the_cap_is_the_policy_s(self):
        """Three a week leave room for all."""
        policy = ContactPolicy(cap=3)
        assert {"t14": 14} == days(second(14, beside=[first(15, 17)], policy=policy))


class TestWhatCounts:
    def test_what_the_other_has_done_is_in_the_log_already(self):
        """It counts once."""
        run = first(12).enrollment
        done = attrs.evolve(sent("t12", 12), enrollment_id=run.id, id="done")
        relationship = person(done)
        other = first(12, relationship=relationship, day=13)
        assert {"t14": 14} == days(second(14, beside=[other], relationship=relationship, day=13))

    def test_what_may_not_go_does_not_count(self):
        """Their address for mail has failed; a call to them may go."""
        relationship = person(fact("bounced", 0), phones=["+44 20 7946 0000"])
        other = first(12, 13, relationship=relationship)
        assert all(each.refused for each in other.ahead)
        cadence = sequence(14, pace=DAILY, channel="phone")
        calendar = ask(cadence, relationship, beside=[other])
        assert {"t14": 14} == days(calendar)

    def test_what_has_expired_keeps_its_place(self):
        """Else the plan would move though nothing has happened."""
        hasty = attrs.evolve(sequence(12, 13, pace=DAILY, deadline=DAY / 24), name="first")
        for day in (0, 13.5):
            other = plan(hasty, person(), enrolled_at=START, now=START + day * DAY)
            assert {"t14": 19} == days(second(14, beside=[other], day=day))

    def test_the_plan_lasts_no_longer_than_the_others(self):
        """What they send next is a reason to plan anew."""
        assert START + 14 * DAY == second(14, beside=[]).until
        assert START + 3 * DAY == second(14, beside=[first(3), first(5)]).until
