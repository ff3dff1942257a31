"""Away until then, or asked for later: the clock stands still up to an instant that is known."""

from datetime import UTC, datetime

import attrs
import pytest
from one_run import (
    DAY,
    RUN,
    START,
    TICK,
    ask,
    consent,
    days,
    fact,
    person,
    sent,
    sequence,
    snooze,
    whys,
)

from crmkit.cadence import PlanStatus
from crmkit.model import Interest

ACTIVE, WAITING, SNOOZED, PAUSED = list(PlanStatus)[:4]
CADENCE = sequence(0, 14, 42)
PLAIN = [0, 14, 42]
IN_JUNE = {"interest": Interest.LATER, "interested_from": START + 100 * DAY}


def status(*facts, day=10.0, **changes):
    return ask(CADENCE, person(*facts, **changes), day).status


def dates(*facts, day=10.0, **changes):
    return [*days(ask(CADENCE, person(*facts, **changes), day)).values()]


class TestAway:
    AWAY = snooze("auto_replied", 5, 30, automated=True)

    def test_an_automatic_reply_with_a_date_of_return_snoozes(self):
        """Nothing is due until then, and what comes after moves by as much."""
        calendar = ask(CADENCE, person(sent("t0"), self.AWAY), 10)
        assert (SNOOZED, START + 30 * DAY) == (calendar.status, calendar.until)
        because = calendar.because
        why = "snoozed: away, as an automatic reply said on 2026-03-07"
        assert (why, START + 30 * DAY) == (because.text, because.until)
        assert [0, 39, 67] == [*days(calendar).values()]
        stood = "clock stood still 2026-03-07 to 2026-04-01: away, as an automatic reply said"
        assert [f"{stood} on 2026-03-07"] == whys(calendar.touches[1])

    def test_it_ends_by_itself(self):
        """At that instant, to the microsecond."""
        assert (SNOOZED, ACTIVE) == (
            status(self.AWAY, day=30 - TICK / DAY),
            status(self.AWAY, day=30),
        )

    def test_a_bare_date_is_its_beginning(self):
        """As an import has it."""
        away = fact("auto_replied", 5, properties={"until": "2026-04-01"})
        calendar = ask(CADENCE, person(sent("t0"), away), 10)
        assert (SNOOZED, datetime(2026, 4, 1, tzinfo=UTC)) == (calendar.status, calendar.until)

    @pytest.mark.parametrize("until", [None, "in spring", 7])
    def test_without_an_instant_it_changes_nothing(self, until):
        """Nobody knows for how long; a day without an hour and a zone is no instant."""
        away = fact("auto_replied", 5, properties={"until": until})
        assert (ACTIVE, PLAIN) == (status(away), dates(away))

    def test_a_date_of_return_that_has_passed_changes_nothing(self):
        """They were back when the reply came."""
        assert PLAIN == dates(snooze("auto_replied", 5, 4))

    def test_of_two_the_later_return_counts(self):
        """Whichever reply came first."""
        longer = snooze("auto_replied", 5, 30)
        assert [0, 39, 67] == dates(longer, snooze("auto_replied", 8, 20))
        assert [0, 40, 68] == dates(snooze("auto_replied", 4, 20), longer)

    def test_one_from_before_the_enrolment_still_counts(self):
        """They are away all the same."""
        assert [30, 44, 72] == dates(snooze("auto_replied", -3, 30))

    def test_who_writes_themselves_is_back(self):
        """A person's reply ends the absence, and waits for its answer."""
        assert WAITING is status(self.AWAY, fact("replied", 8))
        assert ACTIVE is status(self.AWAY, fact("replied", 8), fact("called", 9))

    def test_it_answers_no_reply(self):
        """A machine's word leaves what they wrote waiting."""
        assert WAITING is status(fact("replied", 4), self.AWAY)

    def test_somebody_may_end_it(self):
        """The clock stood still for three days."""
        facts = [self.AWAY, fact("resumed", 8)]
        assert (ACTIVE, [0, 17, 45]) == (status(*facts), dates(*facts))

    @pytest.mark.parametrize(
        "other", [fact("resumed", 8, enrollment_id=RUN.id), fact("reactivated", 8)]
    )
    def test_what_is_about_a_run_does_not_bring_the_person_back(self, other):
        """They are away for all cadences, and for the arbiter."""
        assert SNOOZED is status(self.AWAY, other)

    def test_a_reply_that_a_machine_wrote_is_an_automatic_one(self):
        """Whatever the provider calls it."""
        assert [0, 39, 67] == dates(snooze("replied", 5, 30, automated=True))


class TestLater:
    LATER = snooze("replied", 5, 185, automated=False)

    def test_in_six_months_snoozes_to_then(self):
        """Nobody is to answer first; the plan goes on where it stood."""
        calendar = ask(CADENCE, person(sent("t0"), self.LATER), 10)
        assert (SNOOZED, START + 185 * DAY) == (calendar.status, calendar.because.until)
        assert "snoozed: they asked for later on 2026-03-07" == calendar.because.text
        assert [0, 185 + 9, 185 + 37] == [*days(calendar).values()]

    def test_it_says_what_an_earlier_reply_meant(self):
        """Who writes again, with a date, is not waited for."""
        assert SNOOZED is status(fact("replied", 4), self.LATER)

    def test_a_reply_without_a_date_after_it_waits(self):
        """They changed their mind, or ask for something."""
        assert WAITING is status(self.LATER, fact("replied", 6))

    def test_the_newest_date_counts(self):
        """Sooner or later than the one before."""
        assert ACTIVE is status(self.LATER, snooze("replied", 6, 9))

    def test_one_from_before_the_enrolment_still_counts(self):
        """Whoever asked for later is not enrolled into something sooner."""
        assert [30, 44, 72] == dates(snooze("replied", -3, 30))

    def test_it_revives_the_archived(self):
        """From then on."""
        archived = fact("archived", 3, enrollment_id=RUN.id)
        assert (SNOOZED, ACTIVE) == tuple(
            status(archived, self.LATER, day=day) for day in (10, 185)
        )


class TestTogether:
    def test_a_pause_and_an_absence_last_as_long_as_the_longer(self):
        """And the reason names that one."""
        pause, away = snooze("paused", 5, 20), snooze("auto_replied", 6, 30)
        calendar = ask(CADENCE, person(pause, away), 10)
        assert "away, as an automatic reply said" in calendar.because.text
        assert [0, 39, 67] == [*days(calendar).values()]
        calendar = ask(CADENCE, person(attrs.evolve(pause, properties={}), away), 10)
        assert (PAUSED, "paused: paused on 2026-03-07") == (calendar.status, calendar.because.text)

    def test_when_the_shorter_ends_the_longer_goes_on(self):
        """Either way round."""
        for kinds in (("paused", "auto_replied"), ("auto_replied", "paused")):
            facts = [snooze(kinds[0], 5, 20), snooze(kinds[1], 6, 30)]
            assert [SNOOZED, SNOOZED, ACTIVE] == [status(*facts, day=day) for day in (19, 20, 30)]

    def test_two_that_end_at_one_instant(self):
        """End both."""
        assert [0, 39, 67] == dates(snooze("paused", 5, 30), snooze("auto_replied", 5, 30))

    def test_an_end_between_two_facts_is_kept(self):
        """The clock runs from the end on, not from the next fact."""
        facts = [snooze("auto_replied", 5, 8), consent(11), fact("paused", 12), fact("resumed", 13)]
        assert [0, 18, 46] == dates(*facts, day=13)


class TestInterest:
    def test_interested_from_then_is_planned_for_then(self):
        """The record says so: nothing before, and everything from then on."""
        calendar = ask(CADENCE, person(**IN_JUNE), 10)
        assert (SNOOZED, START + 100 * DAY) == (calendar.status, calendar.until)
        assert "snoozed: interested from 2026-06-10" == calendar.because.text
        assert [100, 114, 142] == [*days(calendar).values()]
        assert not any(each.refused for each in calendar.touches)

    def test_from_then_on_it_is_active(self):
        """And the dates are the same."""
        assert ACTIVE is status(day=100, **IN_JUNE)
        assert [100, 114, 142] == dates(day=100, **IN_JUNE)

    def test_what_is_done_is_not_taken_back(self):
        """The clock stands still from when the last touch was done."""
        assert [0, 14, 128] == dates(sent("t0", 0.1), sent("t14", 14), day=20, **IN_JUNE)
        assert [0, 114, 142] == dates(sent("t0", 0.1), **IN_JUNE)

    def test_another_reason_goes_first_while_it_lasts(self):
        """A reply is waited for, and a longer pause is slept through."""
        assert WAITING is status(fact("replied", 5), **IN_JUNE)
        pause = snooze("paused", 5, 120)
        assert [120, 134, 162] == dates(pause, **IN_JUNE)
        calendar = ask(CADENCE, person(snooze("paused", 5, 50), **IN_JUNE), 60)
        assert "snoozed: interested from 2026-06-10" == calendar.because.text

    @pytest.mark.parametrize(
        "changes",
        [
            {"interest": Interest.LATER, "interested_from": None},
            {"interest": Interest.LATER, "interested_from": START},
            {"interest": Interest.LATER, "interested_from": START - DAY},
            {"interest": Interest.OPEN, "interested_from": START + 100 * DAY},
        ],
    )
    def test_no_date_to_come_is_none(self, changes):
        """Nor is a date of whoever is interested already."""
        assert (ACTIVE, PLAIN) == (status(**changes), dates(**changes))

    def test_what_is_done_after_it_does_not_make_it_forgotten(self):
        """The weeks that were slept through do not come all at once."""
        assert [0, 114, 142] == dates(sent("t0", 0.1), sent("t14", 114), day=115, **IN_JUNE)
