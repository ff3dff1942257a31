"""What moves, waits and is told at the edges where several rules meet."""

from datetime import date, time

import attrs
from one_run import DAY, START, TICK, ask, consent, days, fact, person, sent, sequence

from crmkit.cadence import PlanStatus
from crmkit.model import Channel
from crmkit.permission import ContactPolicy, Hours, SendWindow

EARLY = SendWindow(start=time(6), end=time(7))


class Always:
    """A calendar on which every day is a holiday."""

    def __contains__(self, day):
        return isinstance(day, date)


class TestCapsAndHours:
    """Together they put a touch to the first slot that both leave free."""

    policy = ContactPolicy(cap=1, cap_window=5 * DAY, hours=Hours(windows={Channel.EMAIL: EARLY}))

    def test_the_slot_at_which_the_cap_ends_is_taken(self):
        """The morning after the day, as any other touch: at 6 o'clock, not a day later."""
        cadence = sequence(0, 5, pace=attrs.evolve(sequence(0).pace, least_gap=0 * DAY))
        log = [sent("t0", 0.875), fact("sent", 0.875)]
        calendar = ask(cadence, person(*log, timezone="UTC"), 1, policy=self.policy)
        assert 5.875 == days(calendar)["t5"]
        assert START + 5.875 * DAY == calendar.touches[1].due_at

    def test_whoever_is_sooner_is_not_put_behind(self):
        """The later the day that the clock reaches, the later the slot, whatever was sent."""
        found = []
        for day in (3, 4, 5, 6):
            cadence = sequence(0, day, pace=attrs.evolve(sequence(0).pace, least_gap=DAY))
            log = [sent("t0", 0.875)]
            calendar = ask(cadence, person(*log, timezone="UTC"), 1, policy=self.policy)
            found.append(days(calendar)[f"t{day}"])
        assert [5.875, 5.875, 5.875, 6.875] == found


class TestQuietAfterAnother:
    """What is overdue waits the least gap after another touch that went."""

    def test_it_says_for_how_long_and_why(self):
        """Nothing is due meanwhile."""
        relationship = person(sent("t7", 7))
        calendar = ask(sequence(0, 7), relationship, 8)
        line = "what is overdue waits until 2026-03-14 09:00 UTC, 5 days after the last touch"
        assert line in str(calendar)
        assert () == calendar.due
        assert "waits" not in str(ask(sequence(0, 7), relationship, 12))

    def test_the_plan_holds_until_a_permission_turns_meanwhile(self):
        """The hours close at 18 o'clock, and what may go now may not then."""
        office = ContactPolicy(hours=Hours.office())
        relationship = person(sent("t7", 7), timezone="UTC")
        calendar = ask(sequence(0, 7), relationship, 8, policy=office)
        assert calendar.quiet_until == START + 12 * DAY
        assert calendar.until == START + 8.375 * DAY
        before, after = (
            ask(sequence(0, 7), relationship, 8.375 - step, policy=office).touches[0].refused
            for step in (TICK / DAY, 0)
        )
        assert (False, True) == (before, after)


class TestHolidaysEveryDay:
    """No day is open, which is said; what was done is told all the same."""

    policy = ContactPolicy(hours=Hours(holidays={"DE": Always()}))

    def test_what_was_done_stays(self):
        """The calendar may be newer than the touch."""
        relationship = person(sent("t0", 0), country="DE")
        calendar = ask(sequence(0, 7, 14), relationship, 1, policy=self.policy)
        assert [("t0", True)] == [(each.touch.key, each.done) for each in calendar.touches]
        assert PlanStatus.ACTIVE is calendar.status
        assert "t7 has no date: no day within a year is open for email" in str(calendar)
        assert "nor have those after it: t14" in str(calendar)


class TestConsentThatEnds:
    """A plan whose consent ends before a touch says so."""

    def test_the_reason_names_the_consent_and_its_end(self):
        """Rather than that there is none."""
        agreed = consent(-10)
        ends = {"purpose": "nurture", "expires_at": (START + 3 * DAY).isoformat()}
        agreed = attrs.evolve(agreed, properties=ends)
        calendar = ask(sequence(0, 7), person(agreed, country="FR"))
        assert [False, True] == [each.refused for each in calendar.touches]
        told = "no consent since that of 2026-02-20 ended on 2026-03-05, which FR asks for"
        assert told in str(calendar)
