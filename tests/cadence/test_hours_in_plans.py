"""Windows, quiet hours, holidays, zones and the spread, as they move a plan."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import attrs
import pytest
from one_run import DAY, EVEN, START, TICK, ask, days, fact, person, sent, sequence, snooze, whys

from crmkit.cadence import Enrollment, PlanStatus, plan
from crmkit.model import Candidate, Channel, Relationship
from crmkit.permission import ContactPolicy, ContactRule, Hours, SendWindow

OFFICE = ContactPolicy(hours=Hours.office())
BERLIN = {"timezone": "Europe/Berlin", "country": "DE", "region": "Bavaria"}
READY = {"phones": ["+44 20 7946 0000"], "timezone": "America/New_York"}
WHIT_MONDAY = {date(2026, 5, 25): "Whit Monday"}
DAILY = attrs.evolve(EVEN, least_gap=DAY)


def policy(**changes):
    return ContactPolicy(hours=Hours(**changes))


def enrolled(text, cadence, relationship=None, policy=OFFICE, **more):
    """Return the plan of somebody enrolled, and asked about, at an instant."""
    now = datetime.fromisoformat(text).replace(tzinfo=UTC)
    relationship = relationship or person()
    return plan(cadence, relationship, enrolled_at=now, now=now, policy=policy, **more)


def locals_of(calendar):
    return [f"{each.local:%a %m-%d %H:%M}" for each in calendar.touches]


class TestWindows:
    def test_a_day_that_is_closed_waits_for_the_next_that_is_not(self):
        """Enrolled on Saturday: every touch on Monday, at its hour, and says why."""
        calendar = enrolled("2026-03-07T10:00", sequence(0, 14))
        assert ["Mon 03-09 10:00", "Mon 03-23 10:00"] == locals_of(calendar)
        assert [["Saturday → Monday"]] * 2 == [whys(each) for each in calendar.touches]

    def test_too_early_waits_for_the_opening_and_too_late_for_the_next_day(self):
        """Office hours are from 8 to 18 o'clock."""
        early = enrolled("2026-03-02T05:30", sequence(0)).touches[0]
        late = enrolled("2026-03-02T18:00", sequence(0)).touches[0]
        assert (time(8), ["quiet until 08:00"]) == (early.local.time(), whys(early))
        assert (datetime(2026, 3, 3, 8), ["quiet after 18:00 → Tue 08:00"]) == (  # noqa: DTZ001
            late.local,
            whys(late),
        )

    def test_weekends_do_not_add_up_to_drift(self):
        """Each touch is moved from its own plain day, not from where the last one went."""
        calendar = enrolled("2026-03-07T10:00", sequence(0, 7, 16, 21, pace=DAILY))
        expected = ["Mon 03-09 10:00", "Mon 03-16 10:00", "Mon 03-23 10:00", "Mon 03-30 10:00"]
        assert expected == locals_of(calendar)

    def test_the_hours_are_those_of_the_channel_it_takes(self):
        """Calls begin at nine; mail fell back on the phone."""
        cadence = sequence(0, fallback=["phone"])
        reachable = person(fact("bounced", -1), phones=["+44 20 7946 0000"])
        touch = enrolled("2026-03-02T05:30", cadence, reachable).touches[0]
        assert (Channel.PHONE, time(9)) == (touch.channel, touch.local.time())

    def test_without_windows_mail_may_go_at_any_hour(self):
        """The default keeps quiet hours for texts alone."""
        assert ["Sat 03-07 03:00"] == locals_of(
            enrolled("2026-03-07T03:00", sequence(0), policy=None)
        )

    def test_the_least_gap_counts_from_where_the_hours_have_put_it(self):
        """Five days after Monday is Saturday, and so Monday."""
        calendar = enrolled("2026-03-07T10:00", sequence(0, 5))
        assert ["Mon 03-09 10:00", "Mon 03-16 10:00"] == locals_of(calendar)
        moves = ["at least 5 days after t0", "Saturday → Monday"]
        assert moves == whys(calendar.touches[1])

    def test_a_day_that_the_cap_frees_may_be_closed(self):
        """And so moves on; both reasons are there, in order."""
        facts = [fact("sent", 5, id="a"), fact("sent", 6)]
        calendar = ask(sequence(0, 10), person(*facts), 9.5, policy=OFFICE)
        # Day 10 is Thursday; the cap frees day 12, Saturday.
        assert {"t0": 0, "t10": 14} == days(calendar)
        cap = "at most 2 messages within 7 days"
        assert [cap, "Saturday → Monday"] == whys(calendar.touches[1])

    def test_it_expires_by_the_day_it_was_moved_to(self):
        """Two weeks after Monday."""
        touch = enrolled("2026-03-07T10:00", sequence(0)).touches[0]
        assert datetime(2026, 3, 23, 10, tzinfo=UTC) == touch.expires_at


class TestQuiet:
    TEXT = sequence(0, channel="text")

    def person(self, **changes):
        consent = fact("consented", -1, properties={"purpose": "nurture"})
        return person(consent, **{**READY, **changes})

    @pytest.mark.parametrize(
        ("start", "expected"),
        [
            ("2026-03-02T12:59", "Mon 03-02 08:00"),
            ("2026-03-02T13:00", "Mon 03-02 08:00"),
            ("2026-03-03T01:59", "Mon 03-02 20:59"),
            ("2026-03-03T02:00", "Tue 03-03 08:00"),
            ("2026-03-08T12:30", "Sun 03-08 08:30"),
        ],
    )
    def test_texts_go_from_8_to_21_at_the_recipient_s(self, start, expected):
        """In New York, also on the Sunday on which clocks go forward."""
        calendar = enrolled(start, self.TEXT, self.person(), policy=None)
        assert [expected] == locals_of(calendar)
        assert not calendar.touches[0].refused

    def test_who_lives_nobody_knows_where_gets_no_text(self):
        """It has its date, and the rule that refuses it."""
        touch = enrolled("2026-03-02T05:00", self.TEXT, self.person(timezone=None), None).touches[0]
        assert ("Mon 03-02 08:00", ContactRule.QUIET) == (
            f"{touch.local:%a %m-%d %H:%M}",
            touch.permission.rule,
        )

    def test_an_overdue_one_waits_for_the_morning(self):
        """Asked at night: not now, and from when on."""
        cadence = sequence(0, channel="text")
        night = datetime(2026, 3, 4, 3, tzinfo=UTC)
        calendar = plan(cadence, self.person(), enrolled_at=START + 5 * DAY / 24, now=night)
        answer = calendar.due[0].permission
        assert (ContactRule.QUIET, datetime(2026, 3, 4, 13, tzinfo=UTC)) == (
            answer.rule,
            answer.next_allowed,
        )
        assert answer.next_allowed == calendar.until


class TestHolidays:
    BAVARIA = policy(
        windows={"email": SendWindow(start=time(8), end=time(18), days=range(5))},
        holidays={("DE", "Bavaria"): WHIT_MONDAY},
    )

    def test_a_holiday_where_they_live_waits_for_the_day_after(self):
        """Week 12 from 2 March is Whit Monday."""
        cadence = sequence(0, 84)
        calendar = ask(cadence, person(**BERLIN), policy=self.BAVARIA)
        assert ["Mon 03-02 10:00", "Tue 05-26 10:00"] == locals_of(calendar)
        assert ["Whit Monday → Tuesday"] == whys(calendar.touches[1])

    @pytest.mark.parametrize(
        "changes", [{"country": "AT"}, {"region": "Berlin"}, {"country": None}]
    )
    def test_elsewhere_it_is_a_day_like_any_other(self, changes):
        """Another country, another region, or nobody knows."""
        calendar = ask(sequence(0, 84), person(**{**BERLIN, **changes}), policy=self.BAVARIA)
        assert ["Mon 03-02 10:00", "Mon 05-25 10:00"] == locals_of(calendar)

    def test_holidays_alone_are_kept_too(self):
        """At any hour of the other days."""
        calendar = ask(
            sequence(84), person(country="DE"), policy=policy(holidays={"DE": WHIT_MONDAY})
        )
        assert ["Tue 05-26 09:00"] == locals_of(calendar)

    def test_holidays_on_every_day_leave_no_date_and_say_so(self):
        """The plan is empty, and tells why; it is not completed."""

        class Always:
            def __contains__(self, day):
                return True

        calendar = ask(
            sequence(0, 14, 42), person(country="DE"), policy=policy(holidays={"DE": Always()})
        )
        assert (PlanStatus.ACTIVE, (), {"t0"}) == (
            calendar.status,
            calendar.touches,
            set(calendar.unplaced),
        )
        feet = [
            "t0 has no date: no day within a year is open for email",
            "nor have those after it: t14, t42",
        ]
        assert feet == str(calendar).splitlines()[-2:]
        assert "<p>t0 has no date: no day within a year is open for email</p>" in (
            calendar._repr_html_()
        )


class TestClocks:
    def test_where_clocks_skip_the_whole_window_it_waits_for_the_next_day(self):
        """Half past two does not exist, half past three is quiet."""
        night = policy(windows={"email": SendWindow(start=time(2), end=time(3))})
        berlin = person(timezone="Europe/Berlin")
        calendar = enrolled("2026-03-15T01:30", sequence(0, 14), berlin, night)
        assert ["Sun 03-15 02:30", "Mon 03-30 02:00"] == locals_of(calendar)
        assert ["quiet after 03:00 → Mon 02:00"] == whys(calendar.touches[1])

    def test_where_the_window_is_wider_it_is_an_hour_later(self):
        """Half past three is inside."""
        night = policy(windows={"email": SendWindow(start=time(2), end=time(4))})
        berlin = person(timezone="Europe/Berlin")
        calendar = enrolled("2026-03-15T01:30", sequence(0, 14), berlin, night)
        assert ["Sun 03-15 02:30", "Sun 03-29 03:30"] == locals_of(calendar)
        assert ["no clock shows 02:30 there that day"] == whys(calendar.touches[1])

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("Asia/Calcutta", "Asia/Kolkata"),
            ("US/Pacific", "America/Los_Angeles"),
            ("Europe/Kiev", "Europe/Kyiv"),
        ],
    )
    def test_retired_names_of_zones_are_zones(self, old, new):
        """The same dates, under the name that was given."""
        calendars = [ask(sequence(0, 14, 42), person(timezone=name)) for name in (old, new)]
        dues = [[each.due_at for each in calendar.touches] for calendar in calendars]
        assert dues[0] == dues[1]
        assert f"c for ada, times in {old}" == str(calendars[0]).splitlines()[0]


class TestZones:
    def test_a_zone_that_is_assumed_is_said_to_be(self):
        """Nobody knows where they are."""
        calendar = ask(sequence(0), person())
        assert (UTC, "zone unknown, UTC assumed") == (calendar.zone, calendar.assumed)
        first = str(calendar).splitlines()[0]
        assert "c for ada, times in UTC (zone unknown, UTC assumed)" == first

    def test_the_country_s_zone_is_assumed_if_the_host_says_so(self):
        """Nine in Berlin, in summer too."""
        hours = policy(zones={"DE": "Europe/Berlin"})
        calendar = ask(sequence(0, 42), person(country="DE"), policy=hours)
        assert (ZoneInfo("Europe/Berlin"), "zone of DE assumed") == (
            calendar.zone,
            calendar.assumed,
        )
        assert [9, 8] == [each.due_at.hour for each in calendar.touches]

    def test_the_person_s_own_goes_before_it(self):
        """And nothing is assumed."""
        hours = policy(zones={"DE": "Europe/Berlin"}, unknown_zone="Asia/Tokyo")
        calendar = ask(sequence(0), person(country="DE", timezone="Europe/London"), policy=hours)
        assert (ZoneInfo("Europe/London"), None) == (calendar.zone, calendar.assumed)

    def test_the_policy_says_what_to_assume(self):
        """Tokyo, or nothing: then nobody of whom nothing is known is written to."""
        calendar = ask(sequence(0), person(), policy=policy(unknown_zone="Asia/Tokyo"))
        assert ZoneInfo("Asia/Tokyo") == calendar.zone
        nobody = ask(sequence(0, 14), person(), policy=policy(unknown_zone=None))
        assert {ContactRule.QUIET} == {each.permission.rule for each in nobody.ahead}
        assert "nothing of this may go out, as far as is known" in str(nobody)


class TestSpread:
    TWO_HOURS = policy(spread=timedelta(hours=2))

    def test_everybody_has_their_own_moment_of_it_for_good(self):
        """All touches of a run by the same, the days as without; the reason says by how much."""
        calendar = ask(sequence(0, 14), person(), policy=self.TWO_HOURS)
        offset = calendar.touches[0].due_at - START
        assert timedelta(0) < offset < timedelta(hours=2)
        assert [START + offset, START + 14 * DAY + offset] == [
            each.due_at for each in calendar.touches
        ]
        assert all("spread over the day: " in whys(each)[0] for each in calendar.touches)
        assert calendar.touches == ask(sequence(0, 14), person(), policy=self.TWO_HOURS).touches

    def test_a_thousand_do_not_leave_in_one_second(self):
        """In no minute of the two hours more than thirty, where even ones would be eight."""
        minutes = []
        for number in range(1000):
            run = Enrollment(candidate_id=f"p{number}", cadence="c", enrolled_at=START)
            relationship = Relationship(Candidate(id=f"p{number}"))
            calendar = plan(
                sequence(0), relationship, enrollment=run, now=START, policy=self.TWO_HOURS
            )
            minutes.append((calendar.touches[0].due_at - START) // timedelta(minutes=1))
        assert (True, True) == (
            max(map(minutes.count, minutes)) <= 30,
            set(minutes) <= {*range(120)},
        )

    def test_who_waits_for_the_opening_is_spread_after_it(self):
        """Not all at eight."""
        hours = Hours.office(spread=timedelta(hours=2))
        touch = enrolled(
            "2026-03-02T03:00", sequence(0), policy=ContactPolicy(hours=hours)
        ).touches[0]
        assert time(8) < touch.local.time() < time(10)
        assert f"quiet until 08:00, spread to {touch.local:%H:%M}" == whys(touch)[0]


class TestStandstills:
    """What is put off may not land where the clock stands still."""

    def test_what_is_moved_into_a_snooze_goes_when_that_is_over(self):
        """Due on Saturday, so on Monday; but they are away from Sunday to Thursday."""
        away = snooze("auto_replied", 13, 17)
        calendar = ask(sequence(0, 12), person(sent("t0"), away), 13.5, policy=OFFICE)
        assert {"t0": 0, "t12": 17} == days(calendar)
        why = "away, as an automatic reply said on 2026-03-15"
        assert ["Saturday → Monday", why] == whys(calendar.touches[1])

    def test_from_its_first_instant_to_its_last(self):
        """Monday is the end, or the day after the beginning."""
        for since, until, expected in ((13, 14, 14), (14, 17, 17), (14 + TICK / DAY, 17, 14)):
            away = snooze("auto_replied", since, until)
            calendar = ask(sequence(12), person(away), since, policy=OFFICE)
            assert {"t12": expected} == days(calendar)

    def test_what_is_moved_into_a_pause_without_an_end_has_no_date(self):
        """Nor have those after it."""
        calendar = ask(
            sequence(0, 12, 26), person(sent("t0"), fact("paused", 13)), 13.5, policy=OFFICE
        )
        assert {"t0": 0} == days(calendar)
        assert ["t12", "t26"] == [touch.key for touch in calendar.undated]
        last = "without a date until the clock goes on: t12, t26"
        assert last == str(calendar).splitlines()[-1]
