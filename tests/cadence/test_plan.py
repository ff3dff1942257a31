"""The plan by example: its weeks, its pace, its distances, its permissions."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import attrs
import pytest

from crmkit.cadence import SEVEN_TOUCH, Cadence, Enrollment, Pace, PlanStatus, Touch, plan
from crmkit.engagement import EngagementPolicy
from crmkit.errors import InvalidRecord, NaiveInstant
from crmkit.model import CalendarSpan, Candidate, Interaction, Relationship
from crmkit.permission import ContactPolicy, ContactRule, Hours

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
ADA = Candidate(id="ada", emails=["ada@example.org"])
RUN = Enrollment(candidate_id="ada", cadence="seven-touch", enrolled_at=START)
WEEKS = [0, 2, 6, 12, 18, 26, 36]
EVEN = Pace(**dict.fromkeys(["hot", "warm", "unknown", "cooling", "cold"], 1))


def fact(kind, day=0.0, **more):
    return Interaction(candidate_id="ada", kind=kind, at=START + day * DAY, **more)


def sent(key, day, rotation=0, kind="sent"):
    return fact(kind, day, enrollment_id=RUN.id, touch=key, rotation=rotation)


def person(*facts, **changes):
    return Relationship(attrs.evolve(ADA, **changes), [fact("captured", -1), *facts])


def ask(relationship, day=0.0, cadence=SEVEN_TOUCH, **more):
    return plan(cadence, relationship, enrollment=RUN, now=START + day * DAY, **more)


def days(calendar):
    """Return touch → days after the enrolment."""
    return {each.touch.key: (each.due_at - START) / DAY for each in calendar.touches}


def sequence(*weeks, pace=EVEN, yearly=False, level=2):
    touches = [Touch(key=f"t{week}", week=week, purpose="p", level=level) for week in weeks]
    return Cadence(
        name="seven-touch",
        touches=touches,
        every=CalendarSpan(years=1) if yearly else None,
        pace=pace,
    )


def sequence_of_days(*days):
    touches = [
        Touch(key=f"t{day}", week=day // 7, day=day % 7, purpose="p", level=2) for day in days
    ]
    return Cadence(name="seven-touch", touches=touches, pace=EVEN)


class TestWeeks:
    def test_nobody_in_particular_gets_the_plain_weeks(self):
        """Seven touches, at the field's weeks, and nothing moved them."""
        calendar = ask(person())
        assert [7.0 * week for week in WEEKS] == list(days(calendar).values())
        assert [()] * 7 == [each.because.parts for each in calendar.touches]

    def test_the_hour_is_kept_when_clocks_change(self):
        """Nine in the morning in London is nine in the morning there, winter and summer."""
        calendar = ask(person(timezone="Europe/London"))
        assert {9} == {each.local.hour for each in calendar.touches}
        assert {9, 8} == {each.due_at.hour for each in calendar.touches}

    def test_a_time_that_clocks_skip_moves_forward(self):
        """Half past two on the night that clocks go forward is half past three, and says so."""
        start = datetime(2026, 3, 15, 1, 30, tzinfo=UTC)
        berlin = person(timezone="Europe/Berlin")
        value = plan(SEVEN_TOUCH, berlin, enrolled_at=start, now=start).touches[1]
        assert datetime(2026, 3, 29, 3, 30) == value.local  # noqa: DTZ001
        assert datetime(2026, 3, 29, 1, 30, tzinfo=UTC) == value.due_at
        assert ["no clock shows 02:30 there that day"] == [
            each.text for each in value.because.parts
        ]

    def test_a_time_that_clocks_show_twice_is_the_first(self):
        """Half past two on the night that clocks go back is the one in summer time."""
        start = datetime(2026, 10, 11, 0, 30, tzinfo=UTC)
        berlin = person(timezone="Europe/Berlin")
        value = plan(SEVEN_TOUCH, berlin, enrolled_at=start, now=start).touches[1]
        assert datetime(2026, 10, 25, 0, 30, tzinfo=UTC) == value.due_at

    def test_the_last_touch_returns_on_its_date_every_year(self):
        """From week 36's date, not a multiple of 52 weeks; the sequence is not repeated."""
        calendar = ask(person(), through=START + 365 * 4 * DAY)
        returns = [each for each in calendar.touches if each.touch.key == "annual"]
        assert [0, 1, 2, 3] == [each.rotation for each in returns]
        dates = [f"{each.due_at:%Y-%m-%d %H:%M}" for each in returns]
        assert [f"{year}-11-09 09:00" for year in (2026, 2027, 2028, 2029)] == dates

    def test_the_29th_of_february_is_counted_from_the_anchor(self):
        """It returns on the 28th, and on the 29th where there is one."""
        leap = datetime(2024, 2, 29, 9, tzinfo=UTC)
        start = leap - 36 * 7 * DAY
        calendar = plan(
            SEVEN_TOUCH, person(), enrolled_at=start, now=start, through=leap + 1500 * DAY
        )
        dates = [f"{each.due_at:%Y-%m-%d}" for each in calendar.touches[6:]]
        expected = ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]
        assert expected == dates

    def test_the_next_return_shows_once_the_last_is_done(self):
        """Without ``through`` the calendar is one sequence, then one return at a time."""
        assert 7 == len(ask(person(sent("annual", 252)), 251).touches)
        calendar = ask(person(sent("annual", 252)), 252)
        assert ("annual", 1) == (calendar.touches[-1].touch.key, calendar.touches[-1].rotation)
        assert START + (252 + 365) * DAY == calendar.touches[-1].due_at

    def test_a_late_return_keeps_the_next_one_away(self):
        """Nobody is asked twice in half a year whether they are still interested."""
        calendar = ask(person(sent("annual", 600)), 601)
        again = calendar.touches[-1]
        assert (1, 600 + 182) == (again.rotation, (again.due_at - START) // DAY)
        assert "at least 182 days after annual" in [part.text for part in again.because.parts]

    def test_a_cadence_that_is_not_yearly_ends(self):
        """When all is done it is completed; nothing is ahead and no clock changes that."""
        calendar = ask(person(sent("t0", 0), sent("t2", 14)), 15, sequence(0, 2))
        assert (PlanStatus.COMPLETED, ()) == (calendar.status, calendar.ahead)
        assert (None, None) == (calendar.until, calendar.stopped_at)
        assert "completed: every touch is done or expired" == calendar.because.text

    def test_the_calendar_ends_with_the_year_9999(self):
        """Touches that no date can hold are left out."""
        start = datetime(9999, 11, 1, 9, tzinfo=UTC)
        calendar = plan(SEVEN_TOUCH, person(), enrolled_at=start, now=start)
        assert ["welcome", "value", "update"] == [each.touch.key for each in calendar.touches]
        start = datetime(9998, 11, 1, 9, tzinfo=UTC)
        calendar = plan(
            SEVEN_TOUCH,
            person(),
            enrolled_at=start,
            now=start,
            through=datetime.max.replace(tzinfo=UTC),
        )
        assert (7, "annual") == (len(calendar.touches), calendar.touches[-1].touch.key)

    def test_an_enrolment_may_be_still_to_come(self):
        """What would happen if we began on Monday?"""
        calendar = ask(Relationship(ADA), -30)
        assert (PlanStatus.ACTIVE, START) == (calendar.status, calendar.until)
        assert [7.0 * week for week in WEEKS] == list(days(calendar).values())


class TestDone:
    @pytest.mark.parametrize("kind", ["sent", "called", "met", "messaged"])
    def test_a_fact_that_names_enrolment_and_touch_shows_it_done(self, kind):
        """The first one counts, and keeps its place in the calendar."""
        calendar = ask(person(sent("welcome", 1, kind=kind), sent("welcome", 3, kind=kind)), 4)
        welcome = calendar.touches[0]
        assert (True, START + DAY, kind) == (welcome.done, welcome.done_at, welcome.done_by)
        assert (True, False) == (calendar.is_done("welcome"), calendar.is_done("value"))
        assert (True, False) == (calendar.is_done("welcome", 0), calendar.is_done("welcome", 1))

    @pytest.mark.parametrize(
        "other",
        [
            fact("sent", 1, touch="welcome"),
            fact("sent", 1, enrollment_id="another", touch="welcome"),
            fact("sent", 1, enrollment_id=RUN.id),
            fact("opened", 1, enrollment_id=RUN.id, touch="welcome"),
        ],
    )
    def test_other_facts_do_not(self, other):
        """Another run's message is not this one's; nor is an open a message."""
        assert not ask(person(other), 2).is_done("welcome")

    def test_a_missed_touch_keeps_its_date(self):
        """It is overdue, not moved."""
        calendar = ask(person(), 13, sequence(0, 1, 2))
        assert ["t0", "t1"] == [each.touch.key for each in calendar.due]
        assert [START, START + 7 * DAY] == [each.due_at for each in calendar.due]

    def test_what_was_done_stays_in_the_calendar_when_the_clock_stops_before(self):
        """A call that was logged late, or against a stopped clock, is done all the same."""
        calendar = ask(person(fact("replied", 1), sent("check-in", 2, kind="messaged")), 3)
        assert calendar.is_done("check-in")
        stopped = ask(person(fact("applied", 1), sent("annual", 6)), 7)
        assert (["welcome", "annual"], True) == (list(days(stopped)), stopped.is_done("annual"))


class TestPace:
    def test_somebody_hot_hears_sooner(self):
        """From the moment on: two weeks of the gap passed at the plain rate, four at the hot."""
        policy = EngagementPolicy(half_life=timedelta(days=3650))
        hot = [fact("clicked", 56 + number / 100) for number in range(5)]
        calendar = ask(person(*hot), 57, engagement=policy)
        assert [0, 14, 42] == list(days(calendar).values())[:3]
        # Hot from 56.03 on: 42 + 14.03 + 27.97 * 0.75 = 77.01, and the hour of day.
        assert 78 == days(calendar)["check-in"]

    def test_somebody_cold_hears_later(self):
        """Cooling after the second message without an answer, cold after the third."""
        facts = [sent("welcome", 0), sent("value", 14), sent("update", 49)]
        found = days(ask(person(*facts), 50))
        # 4 weeks * 1.25, then 6 weeks * 1.5.
        assert [0, 14, 14 + 35, 49 + 63] == [found[key] for key in list(found)[:4]]

    def test_who_never_answers_hears_the_sequence_within_a_year(self):
        """The pace's own claim: each touch sent on its day, and silence."""
        facts, found = [], []
        for key in ["welcome", "value", "update", "insight", "opportunity", "annual"]:
            due = days(ask(person(*facts), 365))[key]
            facts.append(sent(key, due))
            found.append(due / 7)
        assert [0, 2, 7, 25, 37, 52] == found

    def test_a_change_in_mid_gap_changes_the_rest_of_the_gap_only(self):
        """Cooling for a week of the gap stretches that week, and only that one, by a quarter."""
        facts = [fact("sent", 50), fact("sent", 50.5), fact("clicked", 57.5)]
        calendar = ask(person(*facts), 58)
        # Cooling from 50.5 to 57.5: seven days of the calendar are 5.6 of the clock.
        assert {"update": 42, "check-in": 86, "insight": 128} == {
            key: days(calendar)[key] for key in ("update", "check-in", "insight")
        }
        parts = calendar.touches[3].because.parts
        assert ["stretched × 1.25 2026-04-21 to 2026-04-28: cooling since 2026-04-21"] == [
            part.text for part in parts
        ]

    def test_warmth_fades_by_the_clock(self):
        """The plan of somebody hot today counts on their cooling, if nothing new happens."""
        hot = [fact("replied", 0.5), fact("met", 1), fact("called", 1)]
        shifts = ask(person(*hot), 2).touches[1].shifts
        assert ["hot since 2026-03-03"] == [shift.why for shift in shifts if shift.factor]
        assert shifts[-1].end - shifts[-1].start < 14 * DAY

    def test_no_gap_is_stretched_beyond_the_greatest(self):
        """Twenty weeks times one and a half would be thirty; half a year is the most."""
        facts = [fact("sent", 0), fact("sent", 0.1), fact("sent", 0.2)]
        calendar = ask(person(*facts), 1, sequence(1, 21, pace=Pace()))
        first, second = days(calendar).values()
        assert 26 * 7 == second - first
        assert 1.3 == calendar.touches[1].shifts[0].factor

    def test_a_gap_that_is_longer_by_itself_is_left_as_it_is(self):
        """Nobody's plain weeks are shortened by a bound."""
        assert {"t0": 0, "t40": 280} == days(ask(person(), 0, sequence(0, 40, pace=Pace())))

    def test_who_is_hot_hears_sooner_after_a_long_gap_too(self):
        """The bound is for what is stretched; only returns are kept on their date."""
        hot = [fact("met", -0.1), fact("replied", -0.1), fact("called", -0.1)]
        policy = EngagementPolicy(half_life=timedelta(days=3650))
        calendar = ask(person(*hot), 0, sequence(0, 40, pace=Pace()), engagement=policy)
        assert {"t0": 0, "t40": 210} == days(calendar)

    def test_no_gap_is_hastened_below_the_least(self):
        """Two weeks at a quarter would be three and a half days; five is the least."""
        pace = attrs.evolve(Pace(), hot=0.25)
        hot = [fact("met", 0), fact("replied", 0), fact("called", 0.01)]
        policy = EngagementPolicy(half_life=timedelta(days=3650))
        calendar = ask(person(*hot), 1, sequence(1, 3, pace=pace), engagement=policy)
        assert {"t1": 5, "t3": 10} == days(calendar)

    def test_an_hour_that_clocks_show_twice_is_not_counted_twice(self):
        """Paused at 02:30 in summer time, resumed at 02:10 in winter time: nothing is hastened."""
        facts = [
            Interaction(candidate_id="ada", kind=kind, at=f"2026-10-25T{time}Z")
            for kind, time in (("paused", "00:30"), ("resumed", "01:10"))
        ]
        calendar = ask(person(*facts, timezone="Europe/Berlin"), 240)
        assert 252 == days(calendar)["annual"]
        assert [timedelta(0)] == [
            shift.end - shift.start for each in calendar.touches for shift in each.shifts
        ]

    def test_a_yearly_return_is_a_year_hot_or_cold(self):
        """Only a stop moves it."""
        facts = [sent("annual", 252), fact("sent", 253), fact("sent", 254)]
        again = ask(person(*facts), 255).touches[-1]
        assert (START + (252 + 365) * DAY, ()) == (again.due_at, again.shifts)
        stopped = ask(person(*facts, fact("paused", 300), fact("resumed", 310)), 311).touches[-1]
        assert START + (252 + 365 + 10) * DAY == stopped.due_at

    def test_factors_are_what_was_typed(self):
        """0.8 is four fifths: no microsecond of rounding moves a touch to the next day."""
        pace = Pace(hot=0.7, warm=0.8, unknown=0.8)
        calendar = ask(person(), 0, sequence(0, 5, 10, 15, pace=pace))
        assert [0, 28, 56, 84] == list(days(calendar).values())

    def test_later_touches_say_that_an_earlier_one_moved(self):
        """No date without a reason."""
        facts = [sent("welcome", 0), sent("value", 14), sent("update", 42), fact("replied", 50)]
        calendar = ask(person(*facts, fact("called", 53)), 54)
        moved = [each for each in calendar.touches if each.local != each.planned_for]
        assert moved
        for each in moved:
            assert each.because.parts


class TestDistance:
    def test_a_late_touch_keeps_the_next_one_away(self):
        """Sent ten days late: the next waits for the least gap, and says so."""
        calendar = ask(person(sent("t0", 0), sent("t1", 12)), 13, sequence(0, 1, 2))
        assert 17 == days(calendar)["t2"]
        assert [
            "at least 5 days after t1",
        ] == [part.text for part in calendar.touches[2].because.parts]

    def test_what_a_person_does_keeps_its_distance_too(self):
        """A call the day after a message is one thing too many."""
        touches = [*sequence(0, 1).touches, Touch(key="call", week=2, purpose="p", level=5)]
        cadence = Cadence(name="seven-touch", touches=touches, pace=EVEN)
        assert 18 == days(ask(person(sent("t1", 13)), 13, cadence))["call"]

    def test_delays_do_not_add_up(self):
        """One late touch moves only those that would come too near."""
        calendar = ask(person(sent("t0", 0), sent("t1", 13)), 13, sequence(0, 1, 2, 3))
        assert {"t2": 18, "t3": 23} == {key: days(calendar)[key] for key in ("t2", "t3")}
        calendar = ask(person(sent("t0", 0), sent("t1", 12)), 13, sequence(0, 1, 2, 4))
        assert {"t2": 17, "t4": 28} == {key: days(calendar)[key] for key in ("t2", "t4")}


class TestPermission:
    def test_every_touch_ahead_has_its_permission_and_none_that_is_done(self):
        """As far as is known now."""
        calendar = ask(person(sent("welcome", 0)), 1)
        assert [None, *[True] * 6] == [
            each.permission and each.permission.value for each in calendar.touches
        ]

    def test_touch_seven_outlives_the_german_six_months(self):
        """Without consent, week 26 is the last that retention allows; the plan says so."""
        calendar = ask(person(fact("met", 0), country="DE"))
        refused = [each for each in calendar.touches if each.refused]
        assert [("annual", ContactRule.RETENTION)] == [
            (each.touch.key, each.permission.rule) for each in refused
        ]
        assert "retention: kept no longer than 6 months" in str(refused[0].because)
        consent = fact("consented", 0, properties={"purpose": "nurture"})
        allowed = ask(person(fact("met", 0), consent, country="DE"))
        assert not any(each.refused for each in allowed.touches)

    def test_one_that_falls_on_the_end_of_retention_is_refused(self):
        """Six months from the enrolment, to the microsecond; the one before is not."""
        german = {"country": "DE", "timezone": "UTC"}
        for tick, expected in ((0 * DAY, [False, False, True]), (TICK, [False, False, False])):
            met = attrs.evolve(fact("met"), at=START + tick)
            calendar = ask(person(met, **german), 1, sequence_of_days(2, 177, 184))
            assert expected == [each.refused for each in calendar.touches]

    def test_a_refusal_names_the_next_allowed_instant(self):
        """Waiting may help."""
        capped = ask(person(fact("sent", 14.5), fact("sent", 15)), 16)
        parts = [part.text for part in capped.due[0].because.parts]
        cap = "cap: fewer than 2 messages within 7 days; allowed from 2026-03-23 21:00 UTC"
        assert [cap] == parts

    def test_an_overdue_touch_is_judged_as_of_now(self):
        """It was allowed on its day; the address has failed since."""
        relationship = person(fact("bounced", 15))
        assert not ask(relationship, 14).due[0].refused
        late = ask(relationship, 20).due[0]
        assert ("value", ContactRule.ADDRESS) == (late.touch.key, late.permission.rule)

    def test_each_channel_is_asked_for_itself(self):
        """A text needs consent where a mail does not."""
        mail, text = sequence(0, 2).touches
        cadence = Cadence(
            name="seven-touch", touches=[mail, attrs.evolve(text, channel="text")], pace=EVEN
        )
        calendar = ask(person(phones=["+44 20 7946 0000"]), 0, cadence)
        assert [False, True] == [each.refused for each in calendar.touches]

    def test_the_policy_is_the_host_s(self):
        """Under consent only, nobody without it is written to."""
        calendar = ask(person(), policy=ContactPolicy.consent_only())
        assert all(each.refused for each in calendar.touches)


class TestUntil:
    def test_it_is_the_next_touch_that_falls_due(self):
        """At that instant it is due; once it is done, the one after it counts."""
        assert START + 14 * DAY == ask(person()).until
        assert START + 42 * DAY == ask(person(sent("value", 14)), 14).until

    def test_an_overdue_touch_expires(self):
        """It may go for two weeks, and not from then on."""
        assert START + 28 * DAY == ask(person(), 14).until

    def test_a_fact_still_to_come_ends_it(self):
        """It does not exist yet; the plan is made anew when it does."""
        calendar = ask(person(fact("replied", 3)), 1)
        assert (PlanStatus.ACTIVE, START + 3 * DAY) == (calendar.status, calendar.until)
        assert PlanStatus.WAITING is ask(person(fact("replied", 3)), 3).status

    def test_the_turn_of_an_overdue_touch_s_permission_ends_it(self):
        """Capped today, allowed on Thursday."""
        calendar = ask(person(fact("sent", 14.5), fact("sent", 15)), 16)
        due = calendar.due[-1]
        assert (ContactRule.CAP, calendar.until) == (due.permission.rule, START + 21.5 * DAY)


class TestArguments:
    def test_either_an_instant_or_an_enrolment(self):
        """Not both, and not neither."""
        for given in ({}, {"enrolled_at": START, "enrollment": RUN}):
            with pytest.raises(InvalidRecord, match=r"^enrolled_at: give either"):
                plan(SEVEN_TOUCH, person(), now=START, **given)

    def test_an_instant_makes_the_enrolment(self):
        """The same one that a store would hold."""
        assert RUN == plan(SEVEN_TOUCH, person(), enrolled_at=START, now=START).enrollment

    def test_another_cadence_s_enrolment_is_refused(self):
        """Or another version's: its touches would be counted as these."""
        for changes in ({"cadence": "other"}, {"version": 2}):
            with pytest.raises(InvalidRecord, match=r"^enrollment.cadence: expected 'seven-touch'"):
                plan(SEVEN_TOUCH, person(), enrollment=attrs.evolve(RUN, **changes), now=START)

    def test_somebody_else_s_enrolment_is_refused(self):
        """But that of a record merged into theirs is theirs."""
        bob = attrs.evolve(RUN, candidate_id="bob")
        with pytest.raises(InvalidRecord, match=r"^enrollment.candidate_id: expected 'ada'"):
            plan(SEVEN_TOUCH, person(), enrollment=bob, now=START)
        assert plan(SEVEN_TOUCH, person(aliases=["bob"]), enrollment=bob, now=START).touches

    @pytest.mark.parametrize("name", ["now", "enrolled_at", "through"])
    def test_a_naive_instant_is_refused(self, name):
        """The error names the argument."""
        given = {"now": START, "enrolled_at": START, name: datetime(2026, 3, 2)}  # noqa: DTZ001
        with pytest.raises(NaiveInstant, match=f"^{name}: "):
            plan(SEVEN_TOUCH, person(), **given)

    def test_an_instant_that_no_clock_there_shows_is_refused(self):
        """The last hour of 9999 has passed in Kiritimati before it comes."""
        last = datetime(9999, 12, 31, 23, tzinfo=UTC)
        with pytest.raises(InvalidRecord, match=r"^enrolled_at: .* outside years 1 to 9999 there"):
            plan(SEVEN_TOUCH, person(timezone="Pacific/Kiritimati"), enrolled_at=last, now=last)

    def test_the_zone_is_the_person_s_or_utc(self):
        """And the plan says which."""
        assert UTC is ask(person()).zone
        assert ZoneInfo("Asia/Tokyo") == ask(person(timezone="Asia/Tokyo")).zone


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"policy": Hours()}, "policy: expected a ContactPolicy, got Hours"),
        ({"library": []}, "library: expected a Library, got list"),
        ({"beside": [SEVEN_TOUCH]}, "beside: expected a Plan, got Cadence"),
    ],
)
def test_what_is_given_has_to_be_of_its_kind(given, told):
    """A slip is told at once, by its name."""
    with pytest.raises(InvalidRecord) as caught:
        plan(SEVEN_TOUCH, person(), enrolled_at=START, now=START, **given)
    assert told == str(caught.value)
