"""Unsubscribed, complained, withdrawn: all of it ends, until they consent again."""

import pytest
from one_run import DAY, START, TICK, ask, consent, days, fact, person, sent, sequence, whys

from crmkit.cadence import PlanStatus

ACTIVE, ENDED = PlanStatus.ACTIVE, PlanStatus.ENDED
CADENCE = sequence(0, 14, 42)
KINDS = ["unsubscribed", "complained", "withdrew_consent"]


def status(*facts, day=20.0):
    return ask(CADENCE, person(*facts), day).status


class TestEnding:
    @pytest.mark.parametrize("kind", KINDS)
    def test_their_no_ends_everything(self, kind):
        """Nothing is ahead, nothing waits for a date, and no clock changes that."""
        calendar = ask(CADENCE, person(sent("t0"), fact(kind, 5)), 10)
        assert (ENDED, START + 5 * DAY, None) == (
            calendar.status,
            calendar.stopped_at,
            calendar.until,
        )
        assert f"ended: {kind.replace('_', ' ')} on 2026-03-07" == calendar.because.text
        assert ((), ()) == (calendar.ahead, calendar.undated)
        assert ["t0"] == [each.touch.key for each in calendar.touches]

    @pytest.mark.parametrize("kind", KINDS)
    def test_to_the_microsecond(self, kind):
        """A moment before it has not happened, and the plan holds until it does."""
        before = ask(CADENCE, person(sent("t0"), fact(kind, 5)), 5 - TICK / DAY)
        assert (ACTIVE, START + 5 * DAY) == (before.status, before.until)
        assert ENDED is status(fact(kind, 5), day=5)

    @pytest.mark.parametrize("kind", KINDS)
    def test_one_from_before_the_enrolment_counts(self, kind):
        """Nobody is enrolled into what they left."""
        calendar = ask(CADENCE, person(fact(kind, -0.5)), 0)
        assert (ENDED, ()) == (calendar.status, calendar.touches)

    def test_it_is_about_the_person_not_the_run(self):
        """Whichever cadence's message they answered so."""
        assert ENDED is status(fact("unsubscribed", 5, enrollment_id="another"))

    @pytest.mark.parametrize(
        "later",
        [
            fact("resumed", 8),
            fact("reactivated", 8),
            fact("replied", 8),
            fact("clicked", 8),
            fact("called", 8),
            fact("applied", 8),
            fact("paused", 8),
            fact("archived", 8),
        ],
    )
    def test_nothing_but_consent_lifts_it(self, later):
        """Neither what we do nor what they do."""
        assert ENDED is status(fact("unsubscribed", 5), later)

    def test_the_first_one_ended_it(self):
        """A complaint on top changes neither the date nor the reason."""
        calendar = ask(CADENCE, person(fact("unsubscribed", 5), fact("complained", 8)), 10)
        assert "ended: unsubscribed on 2026-03-07" == calendar.because.text

    def test_what_was_completed_is_completed(self):
        """The run was over before."""
        assert PlanStatus.COMPLETED is status(fact("completed", 4), fact("unsubscribed", 5))

    @pytest.mark.parametrize(
        ("purpose", "expected"),
        [("nurture", ENDED), ("assessment", ACTIVE), (None, ENDED), (7, ENDED)],
    )
    def test_a_withdrawal_counts_for_its_purpose(self, purpose, expected):
        """One that names none is about all of them."""
        withdrawn = fact("withdrew_consent", 5, properties={"purpose": purpose})
        assert expected is status(withdrawn)


class TestLifting:
    @pytest.mark.parametrize("kind", KINDS)
    def test_a_later_consent_lifts_it(self, kind):
        """The clock stood still meanwhile: it goes on where it was."""
        calendar = ask(CADENCE, person(sent("t0"), fact(kind, 5), consent(15)), 20)
        assert (ACTIVE, [0, 24, 52]) == (calendar.status, [*days(calendar).values()])
        said = f"{kind.replace('_', ' ')} on 2026-03-07"
        assert [f"clock stood still 2026-03-07 to 2026-03-17: {said}"] == whys(calendar.touches[1])

    def test_also_one_from_before_the_enrolment(self):
        """They unsubscribed, came back, and were enrolled."""
        assert ACTIVE is status(fact("unsubscribed", -5), consent(-3))

    @pytest.mark.parametrize(
        "other",
        [
            consent(4),
            consent(5),
            consent(8, purpose="assessment"),
            fact("consented", 8, properties={"purpose": 7}),
        ],
    )
    def test_no_other_does(self, other):
        """Not an earlier one, nor one at that instant, nor for another purpose, nor unreadable."""
        assert ENDED is status(fact("unsubscribed", 5), other)

    def test_a_consent_without_a_purpose_is_one_to_keeping_in_touch(self):
        """As the arbiter reads it."""
        assert ACTIVE is status(fact("unsubscribed", 5), fact("consented", 8))

    def test_it_may_end_again(self):
        """By the newer no."""
        facts = [fact("unsubscribed", 5), consent(8), fact("complained", 11)]
        assert START + 11 * DAY == ask(CADENCE, person(*facts), 12).stopped_at
