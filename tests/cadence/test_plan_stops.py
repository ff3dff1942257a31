"""What makes the clock stand still, what sets it going again, and who has to act."""

from datetime import UTC, datetime, timedelta

import attrs
import pytest

from crmkit.cadence import SEVEN_TOUCH, Enrollment, PlanStatus, plan
from crmkit.model import Candidate, Interaction, Relationship

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
ADA = Candidate(id="ada", emails=["ada@example.org"])
RUN = Enrollment(candidate_id="ada", cadence="seven-touch", enrolled_at=START)
ACTIVE, WAITING, SNOOZED, PAUSED, CONVERTED, ARCHIVED, ENDED, COMPLETED = PlanStatus
PLAIN = [0, 14, 42, 84, 126, 182, 252]


def fact(kind, day=0.0, **more):
    return Interaction(candidate_id="ada", kind=kind, at=START + day * DAY, **more)


def ask(*facts, day=20.0, **changes):
    person = Relationship(attrs.evolve(ADA, **changes), [fact("captured", -1), *facts])
    return plan(SEVEN_TOUCH, person, enrollment=RUN, now=START + day * DAY)


def status(*facts, day=20.0):
    return ask(*facts, day=day).status


def days(calendar):
    return [(each.due_at - START) / DAY for each in calendar.touches]


def done(key, day=0.0):
    return fact("sent", day, enrollment_id=RUN.id, touch=key, rotation=0)


def paused(day, until=None, **more):
    properties = {} if until is None else {"until": START + until * DAY}
    return fact("paused", day, properties=properties, **more)


class TestReplies:
    def test_a_reply_waits_for_a_person(self):
        """What was due before stays due; nothing after it has a date."""
        calendar = ask(fact("replied", 5))
        assert (WAITING, START + 5 * DAY) == (calendar.status, calendar.stopped_at)
        assert "waiting: they replied on 2026-03-07, a person is to answer" == calendar.because.text
        assert [0] == days(calendar)
        assert [touch.key for touch in SEVEN_TOUCH.touches[1:]] == [
            touch.key for touch in calendar.undated
        ]

    @pytest.mark.parametrize("kind", ["called", "met", "messaged", "resumed", "reactivated"])
    def test_an_answer_sets_it_going_again(self, kind):
        """It goes on where it was: the clock stood still for three days."""
        calendar = ask(fact("replied", 5, outcome="negative"), fact(kind, 8))
        assert (ACTIVE, None) == (calendar.status, calendar.stopped_at)
        stood = [shift for shift in calendar.touches[1].shifts if shift.factor is None]
        assert [3 * DAY] == [shift.end - shift.start for shift in stood]

    @pytest.mark.parametrize(
        "other",
        [
            fact("auto_replied", 5),
            fact("replied", 5, automated=True),
            fact("replied", -0.5),
            fact("noted", 5),
            fact("opened", 5),
        ],
    )
    def test_what_is_no_human_reply_changes_nothing(self, other):
        """Out of office, a machine's reply, one from before the enrolment."""
        assert (ACTIVE, PLAIN) == (status(other), days(ask(other, day=0)))

    def test_an_auto_reply_moves_nothing_after_it_either(self):
        """Asked once it is there."""
        assert PLAIN == days(ask(fact("auto_replied", 5)))

    def test_the_first_unanswered_reply_is_the_one_that_waits(self):
        """A second one does not start the waiting anew."""
        assert START + 5 * DAY == ask(fact("replied", 5), fact("replied", 9)).stopped_at

    def test_a_reply_to_another_cadence_is_a_reply(self):
        """They wrote to us; whichever message they answered, nothing automatic follows."""
        assert WAITING is status(fact("replied", 5, enrollment_id="another"))

    def test_a_reply_and_its_answer_on_one_day_leave_nobody_waiting(self):
        """Imports often know only the day."""
        assert ACTIVE is status(fact("replied", 5), fact("called", 5))

    def test_a_reply_after_a_pause_is_over_waits(self):
        """The end of the pause is no answer to what they wrote later."""
        assert WAITING is status(paused(1, 4), fact("replied", 6))

    def test_the_clock_runs_between_two_stops(self):
        """From the pause's end to the reply, and from the answer on."""
        calendar = ask(paused(1, 4), fact("replied", 6), fact("called", 7))
        shifts = calendar.touches[1].shifts
        assert [3 * DAY, DAY] == [each.end - each.start for each in shifts if not each.factor]

    def test_a_reply_during_a_pause_waits_too(self):
        """Also when the pause has ended since; once answered, the pause goes on."""
        facts = [paused(1, 30), fact("replied", 6)]
        assert WAITING is status(*facts)
        assert WAITING is status(*facts, day=40)
        assert (SNOOZED, ACTIVE) == tuple(
            status(*facts, fact("called", 7), day=day) for day in (8, 30)
        )

    def test_a_pause_answers_a_reply(self):
        """They wrote "in six months", and somebody wrote that down."""
        facts = [fact("replied", 5), paused(6, 30)]
        assert (SNOOZED, ACTIVE) == (status(*facts), status(*facts, day=30))
        machine = attrs.evolve(facts[1], automated=True)
        assert WAITING is status(facts[0], machine)


class TestPauses:
    def test_the_clock_stands_still_until_resumed(self):
        """And goes on where it was."""
        assert (PAUSED, [0]) == (status(paused(5)), days(ask(paused(5))))
        calendar = ask(paused(5), fact("resumed", 15))
        assert (ACTIVE, [0, *(day + 10 for day in PLAIN[1:])]) == (
            calendar.status,
            days(calendar),
        )

    def test_an_end_that_is_known_is_planned_with(self):
        """The dates after it are there, and the plan holds until then."""
        calendar = ask(paused(5, 100))
        assert (SNOOZED, START + 100 * DAY) == (calendar.status, calendar.until)
        assert START + 100 * DAY == calendar.because.until
        assert [0, *(day + 95 for day in PLAIN[1:])] == days(calendar)
        assert ACTIVE is status(paused(5, 100), day=100)

    def test_an_end_as_a_text_is_an_end(self):
        """As permission reads it; what cannot be read is no end."""
        readable = fact("paused", 5, properties={"until": "2026-03-20T09:00Z"})
        broken = fact("paused", 5, properties={"until": "in spring"})
        assert START + 18 * DAY == ask(readable, day=6).because.until
        assert (PAUSED, None) == (status(broken), ask(broken).because.until)

    def test_an_end_before_its_beginning_is_no_pause(self):
        """Nothing stands still for less than nothing."""
        calendar = ask(paused(5, 2))
        assert (ACTIVE, PLAIN) == (calendar.status, days(calendar))

    def test_a_later_pause_replaces_the_one_before(self):
        """Until the later one's end, be it sooner."""
        assert (SNOOZED, ACTIVE) == tuple(
            status(paused(5, 100), paused(6, 15), day=day) for day in (14, 15)
        )

    def test_one_from_before_the_enrolment_still_counts(self):
        """They asked not to be written to; permission thinks so too."""
        calendar = ask(paused(-10, 30))
        assert (SNOOZED, [day + 30 for day in PLAIN]) == (calendar.status, days(calendar))
        assert ACTIVE is status(paused(-10), fact("resumed", -5))

    def test_another_enrolment_s_pause_is_its_own(self):
        """One that names no enrolment is about the person."""
        assert ACTIVE is status(paused(5, enrollment_id="another"))
        assert PAUSED is status(paused(5, enrollment_id=RUN.id))

    def test_at_one_instant_the_pause_counts(self):
        """As for permission."""
        assert PAUSED is status(fact("resumed", 5), paused(5))

    def test_a_pause_until_the_end_of_time_is_a_pause(self):
        """Also where clocks show the year 10000 by then."""
        forever = fact("paused", 5, properties={"until": datetime.max.replace(tzinfo=UTC)})
        calendar = ask(forever, timezone="Pacific/Kiritimati")
        assert (SNOOZED, 1) == (calendar.status, len(calendar.touches))


class TestProcesses:
    @pytest.mark.parametrize("kind", ["applied", "screened", "assessed", "interviewed", "offered"])
    def test_a_process_converts(self, kind):
        """The cadence hands over; it says since when."""
        calendar = ask(fact(kind, 5, role_id="r"))
        assert (CONVERTED, START + 5 * DAY) == (calendar.status, calendar.stopped_at)
        assert f"converted: in an active process ({kind} on 2026-03-07)" == calendar.because.text

    @pytest.mark.parametrize("kind", ["rejected", "withdrew"])
    def test_wrong_timing_brings_them_back_where_they_were(self, kind):
        """The clock stood still: the touches ahead have moved by just that, or less if warm."""
        calendar = ask(fact("applied", 5, role_id="r"), fact(kind, 15, role_id="r"))
        stood = [shift for shift in calendar.touches[1].shifts if shift.factor is None]
        assert (ACTIVE, [10 * DAY]) == (
            calendar.status,
            [shift.end - shift.start for shift in stood],
        )
        assert [0, 24, 52, 94, 136, 192, 262] == days(calendar)

    def test_another_process_goes_on(self):
        """One of two has ended."""
        facts = [fact("applied", 5, role_id="r"), fact("applied", 6, role_id="s")]
        assert CONVERTED is status(*facts, fact("rejected", 7, role_id="r"))

    def test_one_open_at_the_enrolment_counts(self):
        """Nothing is due before it ends."""
        assert (CONVERTED, []) == (status(fact("applied", -5)), days(ask(fact("applied", -5))))

    def test_who_was_hired_has_arrived_and_who_left_comes_back(self):
        """As one of the alumni."""
        hired = [fact("applied", 2), fact("hired", 5)]
        assert "converted: hired on 2026-03-07" == ask(*hired).because.text
        assert ACTIVE is status(*hired, fact("left", 15))

    def test_a_host_may_say_so_itself(self):
        """Who keeps processes elsewhere logs ``converted``, and ``returned`` or the end."""
        assert CONVERTED is status(fact("converted", 5))
        for kind in ("returned", "rejected", "withdrew"):
            assert ACTIVE is status(fact("converted", 5), fact(kind, 9))


class TestArchive:
    SEVEN = tuple(fact("sent", day) for day in range(1, 8))

    def test_seven_without_an_answer_archive(self):
        """By rule: no fact stopped it, nothing is ahead, and the reason says so."""
        calendar = ask(*self.SEVEN)
        assert (ARCHIVED, None, ()) == (calendar.status, calendar.stopped_at, calendar.ahead)
        text = "archived: 7 messages without an answer, 7 archive"
        assert (text, None) == (calendar.because.text, calendar.until)
        assert ACTIVE is status(*self.SEVEN[:6])

    def test_it_counts_on_when_there_are_more(self):
        """The eighth changes the number, not the state."""
        calendar = ask(*self.SEVEN, fact("sent", 9))
        assert "archived: 8 messages without an answer, 7 archive" == calendar.because.text

    def test_an_act_of_theirs_revives(self):
        """The clock stood still meanwhile: no heap of touches is overdue."""
        calendar = ask(*self.SEVEN, fact("clicked", 150), day=151)
        ahead = [each.touch.key for each in calendar.ahead]
        assert (ACTIVE, (), "value") == (calendar.status, calendar.due, ahead[0])

    def test_a_reply_revives_and_waits(self):
        """Whether the rule archived or a fact did."""
        for stop in ((), (fact("archived", 8),)):
            facts = [*self.SEVEN, *stop, fact("replied", 10)]
            assert (WAITING, ACTIVE) == (status(*facts), status(*facts, fact("called", 11)))

    def test_a_fact_archives(self):
        """And is named by its instant."""
        calendar = ask(fact("archived", 5, enrollment_id=RUN.id))
        assert (ARCHIVED, START + 5 * DAY) == (calendar.status, calendar.stopped_at)
        assert (ACTIVE, ACTIVE) == (
            status(fact("archived", 5), fact("reactivated", 6)),
            status(fact("archived", 5, enrollment_id="another")),
        )

    def test_touches_that_were_done_stay_to_be_seen(self):
        """The calendar of the archived is their past."""
        calendar = ask(done("welcome"), fact("archived", 5))
        assert (["welcome"], ()) == (
            [each.touch.key for each in calendar.touches],
            calendar.undated,
        )

    def test_completed_ends_it_for_good(self):
        """Whatever comes after; an earlier one's end is not this one's."""
        facts = [fact("completed", 5), fact("resumed", 6), fact("replied", 7), fact("applied", 8)]
        calendar = ask(*facts)
        assert (COMPLETED, ()) == (calendar.status, calendar.ahead)
        assert ACTIVE is status(fact("completed", -5))
        assert START + 5 * DAY == ask(*facts, fact("completed", 9)).stopped_at


def left(day, segment="warm"):
    return fact("paused", day, enrollment_id=RUN.id, properties={"segment": segment})


def back(day, segment="warm"):
    return fact("resumed", day, enrollment_id=RUN.id, properties={"segment": segment})


class TestLeavingTheSegment:
    def test_it_stands_still_until_they_are_back(self):
        """The reason names the segment; the clock goes on where it stood."""
        outside = ask(left(5))
        assert (PAUSED, START + 5 * DAY, None) == (
            outside.status,
            outside.stopped_at,
            outside.because.until,
        )
        assert "paused: left segment 'warm' on 2026-03-07" == outside.because.text
        assert [0, *(day + 3 for day in PLAIN[1:])] == days(ask(left(5), back(8), day=9))

    @pytest.mark.parametrize("kind", ["resumed", "reactivated", "called"])
    def test_nothing_else_ends_it(self, kind):
        """Neither an answer nor the end of another pause brings them back in."""
        assert PAUSED is status(left(5), fact(kind, 6))

    def test_coming_back_clears_nothing_else(self):
        """A reply waits for its answer, and a pause by a person goes on."""
        assert WAITING is status(fact("replied", 4), left(5), back(8))
        assert PAUSED is status(paused(4), left(5), back(8))
        assert ARCHIVED is status(fact("archived", 4), left(5), back(8))

    def test_leaving_answers_no_reply(self):
        """A person is to answer, wherever they are."""
        assert WAITING is status(fact("replied", 4), left(5))

    def test_two_segments_are_two_reasons(self):
        """Being back in one is not being back in the other."""
        assert PAUSED is status(left(4), left(5, "other"), back(8))
        assert ACTIVE is status(left(4), left(5, "other"), back(8), back(9, "other"))

    def test_a_pause_that_ends_leaves_the_other_standing(self):
        """When the snooze is over they are still outside."""
        assert "left segment" in ask(left(4), paused(5, until=10), day=11).because.text
        assert "left segment" not in ask(left(4), paused(5, until=10), day=9).because.text

    def test_of_another_run_or_no_text(self):
        """It is about the run that it names; a segment that is no text names none."""
        other = fact("paused", 5, enrollment_id="other", properties={"segment": "warm"})
        assert ACTIVE is status(other)
        assert ACTIVE is status(fact("paused", 5, properties={"segment": 7}), fact("resumed", 6))
