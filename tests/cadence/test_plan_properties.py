"""What holds for every plan, whoever the person is and whatever they and we have done."""

import random
from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise
from zoneinfo import ZoneInfo

import attrs
from examples import examples
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crmkit.cadence import SEVEN_TOUCH, Cadence, Enrollment, Pace, PlanStatus, Touch, plan
from crmkit.engagement import EngagementPolicy
from crmkit.model import CalendarSpan, Candidate, Interaction, Relationship
from crmkit.testing.strategies import zones

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
RUN = Enrollment(candidate_id="ada", cadence="seven-touch", enrolled_at=START)
WEEKS = [0, 2, 6, 12, 18, 26, 36]
THROUGH = START + 1200 * DAY
PLACES = [ZoneInfo(name) for name in ("UTC", "Europe/London", "America/New_York", "Asia/Tokyo")]
ENGAGING = ["clicked", "visited", "attended", "signed_up", "consented", "met", "called"]
STOPS = ["replied", "messaged", "paused", "resumed", "applied", "rejected", "hired", "left"]
STOPS += ["archived", "reactivated", "converted", "returned"]
MESSAGES = ["sent", "sent", "sent", "delivered", "bounced", "opened", "noted", "auto_replied"]


def fact(kind, day=0.0, **more):
    return Interaction(candidate_id="ada", kind=kind, at=START + day * DAY, **more)


def when(first=-60, last=700):
    return st.integers(first, last) | st.floats(first, last)


def facts_of(*kinds, first=-60):
    return st.builds(
        fact,
        st.sampled_from([*kinds]),
        when(first),
        automated=st.sampled_from([False, None, None, True]),
        role_id=st.sampled_from([None, "r"]),
        properties=st.sampled_from([{}, {}, {"until": START + 90 * DAY}]),
    )


done = st.builds(
    lambda touch, day, kind: fact(kind, day, enrollment_id=RUN.id, touch=touch, rotation=0),
    st.sampled_from([touch.key for touch in SEVEN_TOUCH.touches]),
    when(0),
    st.sampled_from(["sent", "sent", "called"]),
)
logs = st.lists(facts_of(*MESSAGES, *ENGAGING, *STOPS) | done, max_size=14)
calm_logs = st.lists(facts_of(*MESSAGES, *ENGAGING) | done, max_size=14)
places = st.sampled_from(PLACES)


def person(log, zone=None, **changes):
    ada = Candidate(id="ada", emails=["ada@example.org"], timezone=zone, **changes)
    return Relationship(ada, [fact("captured", -60), *log])


def ask(log, day, zone=None, cadence=SEVEN_TOUCH, **more):
    now = day if isinstance(day, datetime) else START + day * DAY
    return plan(cadence, person(log, zone), enrollment=RUN, now=now, **more)


def dues(touches):
    return {(each.touch.key, each.rotation): each.due_at for each in touches}


class TestCalendarTruth:
    @given(
        st.datetimes(datetime(1990, 1, 1), datetime(2080, 1, 1)),  # noqa: DTZ001
        zones(),
        st.integers(1, 6),
    )
    @settings(deadline=None, max_examples=examples(400))
    def test_a_neutral_plan_keeps_its_wall_time_everywhere(self, start, zone, years):
        """Weeks 0, 2, 6, 12, 18, 26, 36 and yearly, from any instant in any zone."""
        start = start.replace(tzinfo=UTC)
        ada = Relationship(Candidate(id="ada", timezone=zone))
        wall = start.astimezone(zone).replace(tzinfo=None, fold=0)
        last = wall + timedelta(weeks=36)
        expected = [wall + timedelta(weeks=week) for week in WEEKS]
        for year in range(last.year + 1, last.year + 1 + years):
            leap = (last.month, last.day) == (2, 29) and year % 4
            expected.append(last.replace(year=year, day=28) if leap else last.replace(year=year))
        end = expected[-1].replace(tzinfo=UTC) + 2 * DAY
        calendar = plan(SEVEN_TOUCH, ada, enrolled_at=start, now=start, through=end)

        assert len(expected) == len(calendar.touches)
        for planned, time in zip(calendar.touches, expected, strict=True):
            due = time.replace(tzinfo=zone, fold=0).astimezone(UTC)
            shown = due.astimezone(zone).replace(tzinfo=None, fold=0)
            assert (due, shown, time) == (planned.due_at, planned.local, planned.planned_for)
            assert UTC is planned.due_at.tzinfo
            # A time that exists is shown; one in a gap moves forward.
            other = time.replace(tzinfo=zone, fold=1).astimezone(UTC)
            assert (shown == time) if other >= due else (shown > time)

    @given(when(0, 1200), places)
    @settings(deadline=None)
    def test_asking_later_moves_nothing(self, day, zone):
        """A plan is the same on any day on which nothing has happened."""
        asked = {"through": THROUGH}
        assert dues(ask([], 0, zone, **asked).touches) == dues(ask([], day, zone, **asked).touches)


class TestInvariants:
    @given(logs, when(), places, st.randoms(use_true_random=False))
    @settings(deadline=None)
    def test_order_and_duplication_do_not_matter(self, log, day, zone, dice):
        """The same facts give the same plan."""
        again = [*log, *log]
        random.Random(dice.random()).shuffle(again)
        assert ask(log, day, zone) == ask(again, day, zone)

    @given(logs, when(), places, st.sampled_from(["noted", "opened", "updated", "x-lunch"]), when())
    @settings(deadline=None)
    def test_a_neutral_fact_moves_nothing(self, log, day, zone, kind, at):
        """Nor does it change whether the cadence runs."""
        before, after = ask(log, day, zone), ask([*log, fact(kind, at)], day, zone)
        assert dues(before.touches) == dues(after.touches)
        assert (before.status, before.because) == (after.status, after.because)

    @given(logs, when(0), places, st.sampled_from(ENGAGING), when())
    @settings(deadline=None, max_examples=examples(200))
    def test_engagement_never_delays(self, log, day, zone, kind, at):
        """Every touch that was ahead is still there, and not a microsecond later."""
        before = ask(log, day, zone, through=THROUGH)
        after = dues(ask([*log, fact(kind, at)], day, zone, through=THROUGH).touches)
        for key, due in dues(before.ahead).items():
            assert after[key] <= due

    @given(logs, when(0), places, st.sampled_from(["sent", "delivered"]), when())
    @settings(deadline=None, max_examples=examples(200))
    def test_silence_never_hastens(self, log, day, zone, kind, at):
        """One more message without an answer brings no touch forward, and none back."""
        before = dues(ask(log, day, zone, through=THROUGH).touches)
        after = ask([*log, fact(kind, at)], day, zone, through=THROUGH)
        for key, due in dues(after.ahead).items():
            assert before.get(key, after.now.max.replace(tzinfo=UTC)) <= due

    @given(calm_logs, places, st.sampled_from([*ENGAGING, "sent", "replied", "paused"]), when(0))
    @settings(deadline=None)
    def test_a_change_leaves_what_was_due_before_it(self, log, zone, kind, at):
        """It changes the rest of the gap it falls into, never the past."""
        change = fact(kind, at)
        before, after = ask(log, 700, zone), ask([*log, change], 700, zone)
        assume(PlanStatus.ARCHIVED not in {before.status, after.status})
        past = {key: due for key, due in dues(before.touches).items() if due < change.at}
        later = dues(after.touches)
        assert past == {key: later[key] for key in past}

    @given(logs, when(-60, 800), places, st.floats(0, 1))
    @settings(deadline=None, max_examples=examples(200))
    def test_until_is_sound(self, log, day, zone, part):
        """At every instant before it, the plan is the same; so is what is due."""
        first = ask(log, day, zone)
        end = first.until or first.now + 900 * DAY
        for now in (first.now + part * (end - first.now), end - TICK):
            if first.now <= now < end:
                again = ask(log, now, zone)
                assert _told(first) == _told(again)

    @given(logs, when(), when(), places)
    @settings(deadline=None, max_examples=examples(200))
    def test_two_instants_agree_on_what_is_ahead(self, log, day, other, zone):
        """With no fact between them, nothing moves; what was overdue may have expired."""
        first, second = sorted([START + day * DAY, START + other * DAY])
        assume(not any(first < each.at <= second for each in log))
        before, after = (ask(log, now, zone, through=THROUGH) for now in (first, second))
        if before.status is after.status:
            left = [each for each in before.ahead if each.expires_at > second]
            assert dues(left) == dues(after.ahead)

    @given(logs, when(), places)
    @settings(deadline=None)
    def test_what_is_dated_later_does_not_exist_yet(self, log, day, zone):
        """A plan with facts still to come is the plan without them, but for its until."""
        now = START + day * DAY
        past = [each for each in log if each.at <= now]
        with_future, without = ask(log, day, zone), ask(past, day, zone)
        assert attrs.evolve(without, turning=with_future.turning) == with_future

    @given(
        logs,
        when(),
        places,
        st.integers(0, 40),
        st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=1, max_size=8),
    )
    @settings(deadline=None, max_examples=examples(200))
    def test_no_two_touches_come_nearer_than_the_least_gap(self, log, day, zone, least, gaps):
        """Those by hand and the late ones included, on the person's wall clock."""
        nearest = max(1, -(-least // 7))
        weeks = accumulate(nearest + more for more, _ in gaps)
        touches = [
            Touch(key=f"t{week}", week=week - nearest, purpose="p", level=5 if by_hand else 2)
            for week, (_, by_hand) in zip(weeks, gaps, strict=True)
        ]
        renamed = {old.key: new.key for old, new in zip(SEVEN_TOUCH.touches, touches, strict=False)}
        log = [attrs.evolve(each, touch=renamed.get(each.touch)) for each in log]
        pace = Pace(least_gap=least * DAY, hot=0.2)
        cadence = Cadence(
            name="seven-touch", touches=touches, every=CalendarSpan(years=1), pace=pace
        )
        calendar = ask(log, day, zone, cadence, through=THROUGH)
        times = [
            (each.done, _wall(each.done_at, zone) if each.done_at else each.local)
            for each in calendar.touches
        ]
        for index, (is_done, time) in enumerate(times):
            if not is_done:
                assert all(time - other >= least * DAY for _, other in times[:index])

    @given(logs, when(), places)
    @settings(deadline=None)
    def test_every_touch_ahead_has_its_permission_and_its_reasons(self, log, day, zone):
        """And everything that moved says what moved it."""
        calendar = ask(log, day, zone)
        for planned in calendar.touches:
            assert (planned.done or planned.expired) == (planned.permission is None)
            assert planned.local == planned.planned_for or planned.because.parts
        assert str(calendar)
        assert repr(calendar)

    @given(logs, when(), places, st.sampled_from(["DE", "FR", None]))
    @settings(deadline=None)
    def test_permission_is_as_if_it_were_asked_for_each(self, log, day, zone, country):
        """One answer stands for many touches only while it holds."""
        now = START + day * DAY
        ada = person(log, zone, country=country)
        calendar = plan(SEVEN_TOUCH, ada, enrollment=RUN, now=now, through=THROUGH)
        for planned in calendar.ahead:
            alone = plan(SEVEN_TOUCH, ada.upto(now), enrollment=RUN, now=max(now, planned.due_at))
            asked = [
                each.permission
                for each in alone.ahead
                if (each.touch.key, each.due_at) == (planned.touch.key, planned.due_at)
            ]
            assert all(_answer(planned.permission) == _answer(each) for each in asked)


class TestJobs:
    @given(st.sets(st.integers(0, 420), max_size=200))
    @settings(deadline=None, max_examples=examples(50))
    def test_a_missed_day_loses_and_repeats_nothing(self, missed):
        """A daily job, down on some days and asleep until the plan's until, sends each once."""
        even = Pace(**dict.fromkeys(["hot", "warm", "unknown", "cooling", "cold"], 1))
        cadence = attrs.evolve(SEVEN_TOUCH, pace=even)
        log, quiet = [], START
        for day in range(460):
            if day in missed or START + day * DAY < quiet:
                continue
            calendar = ask(log, day, cadence=cadence)
            waiting = [each for each in calendar.due if not each.touch.by_hand]
            if not waiting:
                quiet = calendar.until
            for planned in waiting[:1]:
                key = {"touch": planned.touch.key, "rotation": planned.rotation}
                log.append(fact("sent", day, enrollment_id=RUN.id, **key))
        expected = ["welcome", "value", "update", "insight", "opportunity", "annual"]
        assert expected == [each.touch for each in log]
        gaps = [later.at - sooner.at for sooner, later in pairwise(log)]
        assert all(gap >= even.least_gap for gap in gaps)

    @given(st.sampled_from([0.5, 1.0, 2.0]), places)
    @settings(deadline=None)
    def test_warmth_is_bounded_by_the_plain_weeks(self, half_life, zone):
        """Whoever is hot hears no later than by the plain weeks, and no nearer than allowed."""
        policy = EngagementPolicy(half_life=half_life * 365 * DAY)
        log = [fact("met", day / 10) for day in range(5)]
        hot = dues(ask(log, 1, zone, engagement=policy).touches)
        plain = dues(ask([], 1, zone).touches)
        assert all(hot[key] <= plain[key] for key in plain)
        assert hot["annual", 0] < plain["annual", 0]


def _wall(instant, zone):
    return instant.astimezone(zone).replace(tzinfo=None)


def _answer(permission):
    return permission.value, permission.rule, permission.next_allowed


def _told(calendar):
    """Return all that a plan says, but for when it was asked."""
    touches = [
        (each, each.expired, each.permission and _answer(each.permission))
        for each in calendar.touches
    ]
    due = [(each.touch.key, each.rotation) for each in calendar.due]
    return calendar.status, calendar.because, calendar.stopped_at, touches, due
