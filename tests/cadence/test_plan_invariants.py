"""What no plan may break, whatever the cadence, the pace, the policy and the facts between."""

import random
from datetime import timedelta
from itertools import pairwise

import attrs
from examples import examples
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from plan_cases import (
    CALM,
    DAY,
    ENGAGING,
    NEUTRAL,
    SILENT,
    TICK,
    cases,
    days,
    facts,
    other_cadences,
)
from plan_judges import downtimes, dues, goes, over_cap, play, told, too_near

from crmkit import codec
from crmkit.cadence import PlanStatus
from crmkit.model import Interaction, Relationship
from crmkit.permission import permission

HOUR = timedelta(hours=1)


def one_more(data, case, kinds):
    return data.draw(facts(case.cadence, case.run, kinds), label="one more")


class TestDistance:
    @given(cases(), days())
    @settings(deadline=None, max_examples=examples(200))
    def test_no_two_touches_come_nearer_than_the_least_gap(self, case, day):
        """Neither those by hand nor the late ones, on the person's wall clock."""
        now = case.at(day)
        calendar = case.plan(now, through=case.at(900))
        assert [] == list(too_near(case, calendar))

    @given(cases(kinds=CALM, max_size=3), st.floats(0, 13), st.integers(0, 12), st.data())
    @settings(deadline=None, max_examples=examples(200))
    def test_one_that_is_late_keeps_away_from_one_done_before_its_turn(self, case, late, ago, data):
        """Whatever was done lately, in whatever order, nothing goes too soon after it."""
        missed, done = (
            data.draw(st.sampled_from(case.cadence.touches), label=label)
            for label in ("missed", "done")
        )
        now = case.at(missed.days + late)
        of_it = {"enrollment_id": case.run.id, "touch": done.key, "rotation": 0}
        case = case.with_facts(case.fact("sent", now - ago * DAY, **of_it))
        assert [] == list(too_near(case, case.plan(now, through=case.at(900))))

    @given(cases(), days())
    @settings(deadline=None, max_examples=examples(200))
    def test_no_touch_ahead_is_one_message_too_many(self, case, day):
        """Any window that ends with a touch ahead holds no more than the cap."""
        calendar = case.plan(case.at(day), through=case.at(900))
        assert [] == list(over_cap(case, calendar))

    @given(cases(), days(), st.data())
    @settings(deadline=None, max_examples=examples(150))
    def test_two_cadences_together_keep_the_cap(self, case, day, data):
        """The less important one is planned around the other."""
        cadence, run = data.draw(other_cadences(case), label="other")
        now, through = case.at(day), case.at(900)
        first = case.plan(now, through=through)
        other = attrs.evolve(case, cadence=cadence, run=run)
        second = other.plan(now, through=through, beside=[first])
        assert [] == list(over_cap(case, first, second))


class TestPermission:
    @given(cases(), days())
    @settings(deadline=None, max_examples=examples(200))
    def test_every_touch_is_allowed_at_its_instant_or_says_why_not(self, case, day):
        """The arbiter says the same at that instant (now, when it is overdue)."""
        now = case.at(day)
        calendar = case.plan(now, through=case.at(900))
        known = case.relationship.upto(now)
        for each in calendar.ahead:
            at = max(now, each.due_at)
            answer = permission(known, now=at, channel=each.channel, policy=case.policy)
            said = (each.refused, each.permission.rule)
            assert (not answer, answer.rule) == said, (each, answer)

    @given(cases(), days())
    @settings(deadline=None, max_examples=examples(150))
    def test_what_is_ahead_keeps_the_hours(self, case, day):
        """On the channel it takes; the clocks there show its local time."""
        calendar = case.plan(case.at(day), through=case.at(900))
        hours = case.policy.hours
        holidays = hours.calendar_of(case.candidate)
        for each in calendar.touches:
            zone = hours.zone_of(case.candidate)[0]
            assert each.local == each.due_at.astimezone(zone).replace(tzinfo=None, fold=0)
            if not each.done:
                assert hours.is_open(each.local, each.channel, holidays)

    @given(cases(kinds=CALM), st.integers(0, 400), st.integers(1, 300), st.data())
    @settings(deadline=None, max_examples=examples(150))
    def test_a_snooze_is_slept_through(self, case, day, length, data):
        """Nothing falls due between an out-of-office, or "in six months", and its end."""
        start, end = case.at(day), case.at(day + length)
        kind = data.draw(st.sampled_from(["paused", "auto_replied", "replied"]))
        lifting = ("resumed", "reactivated", "replied")
        assume(not any(fact.kind in lifting and fact.at >= start for fact in case.log))
        snoozed = case.with_facts(case.fact(kind, start, properties={"until": end}))
        calendar = snoozed.plan(start + data.draw(st.floats(0, 1)) * (end - start))
        for each in calendar.ahead:
            assert not start < each.due_at < end


class TestFacts:
    @given(cases(), days(), st.randoms(use_true_random=False))
    @settings(deadline=None, max_examples=examples(120))
    def test_order_and_duplication_do_not_matter(self, case, day, dice):
        """The same facts give the same plan."""
        again = [*case.log, *case.log]
        random.Random(dice.random()).shuffle(again)
        shuffled = attrs.evolve(case, log=tuple(again))
        assert case.plan(case.at(day)) == shuffled.plan(case.at(day))

    @given(cases(), days())
    @settings(deadline=None, max_examples=examples(80))
    def test_facts_that_went_through_json_give_the_same_plan(self, case, day):
        """So do the cadence, the enrolment and the person."""
        texts = [codec.dumps(fact) for fact in case.log]
        again = attrs.evolve(
            case,
            log=tuple(codec.loads(Interaction, text) for text in texts),
            cadence=codec.loads(type(case.cadence), codec.dumps(case.cadence)),
            run=codec.loads(type(case.run), codec.dumps(case.run)),
            candidate=codec.loads(type(case.candidate), codec.dumps(case.candidate)),
        )
        assert told(case.plan(case.at(day))) == told(again.plan(case.at(day)))

    @given(cases(), days(), st.data())
    @settings(deadline=None, max_examples=examples(200))
    def test_a_neutral_fact_moves_nothing(self, case, day, data):
        """Nor does an open that a machine may have made, nor anything else about the plan."""
        kinds = [*NEUTRAL, "opened"]
        fact = one_more(data, case, kinds)
        assume(fact.kind != "opened" or fact.automated is not False)
        # A verified address may be one that had bounced.
        assume(fact.kind != "verified" or not any(each.kind == "bounced" for each in case.log))
        now, through = case.at(day), case.at(900)
        before = case.plan(now, through=through)
        assert told(before) == told(case.with_facts(fact).plan(now, through=through))

    @given(cases(), days(), st.data())
    @settings(deadline=None, max_examples=examples(200))
    def test_engagement_never_delays(self, case, day, data):
        """Every touch that was ahead is still there, and not a microsecond later."""
        fact = one_more(data, case, [*ENGAGING, "opened"])
        fact = case.fact("opened", fact.at, automated=False) if fact.kind == "opened" else fact
        now, through = case.at(day), case.at(900)
        before = case.plan(now, through=through)
        after = dues(case.with_facts(fact).plan(now, through=through).touches)
        for key, due in dues(before.ahead).items():
            assert after[key] <= due

    @given(cases(), days(), st.data())
    @settings(deadline=None, max_examples=examples(200))
    def test_silence_never_advances(self, case, day, data):
        """One more message without an answer brings no touch forward, and none back."""
        fact = one_more(data, case, SILENT)
        # One that was opened or clicked may be the last of enough in a row.
        assume(
            not any(each.kind in {"opened", "clicked"} and each.at >= fact.at for each in case.log)
        )
        now, through = case.at(day), case.at(900)
        before = dues(case.plan(now, through=through).touches)
        after = case.with_facts(fact).plan(now, through=through)
        for key, due in dues(after.ahead).items():
            # What the cap puts off beyond the end of the returns asked for is not seen before.
            assert key in before
            assert before[key] <= due

    @given(cases(), days(), st.integers(0, 1500))
    @settings(deadline=None, max_examples=examples(100))
    def test_looking_further_only_adds(self, case, day, more):
        """What is shown through an instant is shown through a later one."""
        near, far = case.at(400), case.at(400 + more)
        now = case.at(day)
        calendar = case.plan(now, through=near)
        further = case.plan(now, through=far)
        assert calendar.touches == further.touches[: len(calendar.touches)]
        assert all(each.due_at > near for each in further.ahead[len(calendar.ahead) :])

    @given(cases(), days(), days())
    @settings(deadline=None, max_examples=examples(200))
    def test_two_instants_agree_on_what_is_ahead(self, case, day, other):
        """With no fact between them, nothing that is ahead of both moves, comes or goes."""
        first, second = sorted([case.at(day), case.at(other)])
        assume(not any(first < fact.at <= second for fact in case.log))
        plans = [case.plan(now, through=case.at(900)) for now in (first, second)]
        ahead = [
            {
                each.key: (each.due_at, each.channel)
                for each in calendar.touches
                if not each.done and each.due_at > second
            }
            for calendar in plans
        ]
        assert ahead[0] == ahead[1]


class TestUntil:
    @given(cases(), days(), st.floats(0, 1))
    @settings(deadline=None, max_examples=examples(200))
    def test_until_is_sound(self, case, day, part):
        """At every instant before it, the plan says the same."""
        first = case.plan(case.at(day))
        end = first.until or first.now + 900 * DAY
        for now in (first.now + part * (end - first.now), end - TICK):
            if first.now < now < end:
                assert told(first) == told(case.plan(now))

    @given(cases(), days(), st.floats(0, 1), st.data())
    @settings(deadline=None, max_examples=examples(150))
    def test_two_cadences_hold_until_the_first_of_them_turns(self, case, day, part, data):
        """Beside another, a plan holds as long as the other does, too."""
        cadence, run = data.draw(other_cadences(case), label="other")
        other = attrs.evolve(case, cadence=cadence, run=run)

        def both(now):
            first = case.plan(now)
            return first, other.plan(now, beside=[first])

        plans = both(case.at(day))
        end = min((each.until for each in plans if each.until), default=case.at(900))
        for now in (case.at(day) + part * (end - case.at(day)), end - TICK):
            if case.at(day) < now < end:
                assert [told(each) for each in plans] == [told(each) for each in both(now)]


class TestJobs:
    @given(cases(kinds=(), even=True))
    @settings(deadline=None, max_examples=examples(150))
    def test_the_first_calendar_is_what_happens(self, case):
        """At an even pace a job that is never down sends each touch at the instant first shown.

        A call is a contact, so that retention may end later than the first plan knew.
        """
        first = case.plan(case.run.enrolled_at, through=case.at(520))
        sent = {planned.key: fact.at for planned, fact in play(case, last=500).sent}
        expected = {
            each.key: each.due_at
            for each in first.touches
            if each.key in sent or (goes(each) and each.due_at < case.at(500))
        }
        assert expected == sent

    @given(cases(kinds=CALM), downtimes)
    @settings(deadline=None, max_examples=examples(120))
    def test_downtime_loses_and_repeats_nothing(self, case, down):
        """Each touch goes once; what did not was refused, or late by its deadline."""
        played = play(case, down=down)
        keys = [planned.key for planned, _ in played.sent]
        assert len(keys) == len(set(keys))
        end = played.case.plan(case.at(500), through=case.at(500))
        for each in end.touches:
            if each.done or each.due_at > end.now or each.refused:
                assert not each.expired
                continue
            # It was overdue: at every look at it in its time, something stood against it.
            assert each.expired or end.status is not PlanStatus.ACTIVE
            looks = [
                (calendar.status, mine)
                for calendar in played.asked
                for mine in calendar.due
                if mine.key == each.key
            ]
            for status, mine in looks:
                others = [fact for _, fact in played.sent if fact.at == mine.frame.now]
                assert status is not PlanStatus.ACTIVE or mine.refused or others

    @given(cases(kinds=CALM), downtimes)
    @settings(deadline=None, max_examples=examples(120))
    def test_what_a_job_sends_keeps_gap_caps_and_hours(self, case, down):
        """Read off the log in the end, all that others sent with it; no piece comes twice."""
        played = play(case, down=down)
        gap, policy = case.cadence.pace.least_gap, case.policy
        for (_, sooner), (_, later) in pairwise(played.sent):
            assert case.wall(later.at) - case.wall(sooner.at) >= gap
        facts = [fact for _, fact in played.sent]
        for index, (planned, fact) in enumerate(played.sent):
            known = [each for each in played.case.log if each not in facts[index:]]
            before = Relationship(case.candidate, known)
            assert permission(before, now=fact.at, channel=planned.channel, policy=policy)
            assert planned.due_at <= fact.at
            assert planned.expires_at is None or fact.at < planned.expires_at
        pieces = [planned.piece for planned, _ in played.sent if planned.piece]
        assert len(pieces) == len(set(pieces))

    @given(cases(kinds=CALM, max_size=4), st.integers(0, 23), st.sets(st.integers(0, 120)))
    @settings(deadline=None, max_examples=examples(40))
    def test_a_missed_day_loses_and_repeats_nothing(self, case, hour, missed):
        """A daily job sends each touch once, on the first day it runs on on which it may go."""
        policy = attrs.evolve(case.policy, hours=type(case.policy.hours)())
        case, log = attrs.evolve(case, policy=policy), {}
        for day in range(150):
            now = case.at(day) + hour * HOUR
            if day in missed:
                continue
            while True:
                calendar = case.plan(now)
                due = [each for each in calendar.due if goes(each)]
                if not due or calendar.status is not PlanStatus.ACTIVE:
                    break
                key, rotation = due[0].key
                assert (key, rotation) not in log
                log[key, rotation] = now
                sent = case.fact("sent", now, enrollment_id=case.run.id, touch=key)
                case = case.with_facts(attrs.evolve(sent, rotation=rotation))
        for each in case.plan(case.at(150)).touches:
            if each.expired:
                runs = [case.at(day) + hour * HOUR for day in range(150) if day not in missed]
                seen = [now for now in runs if each.due_at <= now < each.expires_at]
                assert all(_stood(case, each, now) for now in seen)


def _stood(case, planned, now):
    """Say whether something stood against the touch then, by what the log said at the time."""
    before = attrs.evolve(case, log=tuple(fact for fact in case.log if fact.at < now))
    calendar = before.plan(now)
    mine = next((each for each in calendar.due if each.key == planned.key), None)
    sent_today = any(fact.at == now and fact.touch for fact in case.log)
    return mine is None or mine.refused or sent_today or calendar.status is not PlanStatus.ACTIVE
