"""Where a touch goes: its channel, the one they prefer, or the next whose address works."""

import attrs
import pytest
from one_run import DAY, START, ask, consent, days, fact, person, sent, sequence, whys

from crmkit.cadence import Cadence
from crmkit.model import Channel
from crmkit.permission import ContactRule

EMAIL, TEXT, PHONE, LINKEDIN = Channel.EMAIL, Channel.TEXT, Channel.PHONE, Channel.LINKEDIN
MAIL = sequence(0, 14)
REACHABLE = {
    "emails": ["ada@example.org"],
    "phones": ["+44 20 7946 0000"],
    "links": ["https://www.linkedin.com/in/ada"],
}
BOUNCED = fact("bounced", 2)


def by(*channels, **more):
    """Return a cadence that goes by the first of the channels, and falls back on the rest."""
    return sequence(0, 14, channel=channels[0], fallback=channels[1:], **more)


def value(cadence, *facts, **changes):
    """Return the touch of week 2, asked on day 3."""
    return ask(cadence, person(*facts, **{**REACHABLE, **changes}), 3).touches[1]


class TestFallback:
    def test_while_the_address_works_it_goes_there(self):
        """And there is nothing to say."""
        touch = value(by(EMAIL, PHONE))
        assert (EMAIL, [], False) == (touch.channel, whys(touch), touch.by_hand)

    def test_after_a_hard_bounce_it_goes_to_the_next_that_works(self):
        """On the same day, and says so; what only people write is by hand there."""
        touch = value(by(EMAIL, PHONE), BOUNCED)
        assert (PHONE, True) == (touch.channel, touch.by_hand)
        assert ["by phone, for no address for email works"] == whys(touch)
        assert START + 14 * DAY == touch.due_at
        assert not touch.refused

    def test_what_goes_by_itself_elsewhere_too_is_not_by_hand(self):
        """A text for a mail."""
        touch = value(by(LINKEDIN, EMAIL), links=[])
        assert (EMAIL, False) == (touch.channel, touch.by_hand)

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({}, LINKEDIN),
            ({"links": []}, PHONE),
            ({"links": [], "phones": []}, Channel.IN_PERSON),
        ],
    )
    def test_the_order_is_the_touch_s(self, changes, expected):
        """The first whose address works; to meet in person one needs none."""
        cadence = by(EMAIL, LINKEDIN, PHONE, Channel.IN_PERSON)
        assert expected is value(cadence, BOUNCED, **changes).channel

    @pytest.mark.parametrize(
        "facts",
        [
            [fact("bounced", 2, outcome="soft")],
            [fact("bounced", 2, channel="text")],
            [fact("bounced", 2, properties={"address": "old@example.org"})],
            [
                fact("bounced", 1, properties={"address": "ada@example.org"}),
                fact("verified", 2, properties={"address": "ada@example.org"}),
            ],
            [fact("bounced", 4)],
        ],
        ids=["soft", "another channel", "another address", "verified since", "to come"],
    )
    def test_an_address_that_works_again_or_still_is_used(self, facts):
        """Only what failed for good is left."""
        assert EMAIL is value(by(EMAIL, PHONE), *facts).channel

    def test_who_has_two_addresses_is_written_to_at_the_other(self):
        """One of them bounced."""
        bounced = fact("bounced", 2, properties={"address": "ada@example.org"})
        emails = ["ada@example.org", "ada@example.net"]
        assert EMAIL is value(by(EMAIL, PHONE), bounced, emails=emails).channel
        assert PHONE is value(by(EMAIL, PHONE), bounced).channel

    def test_without_a_fallback_it_stays_and_is_refused(self):
        """The rule is named."""
        touch = value(MAIL, BOUNCED)
        assert (EMAIL, ContactRule.ADDRESS) == (touch.channel, touch.permission.rule)

    def test_when_none_works_it_stays_and_is_refused(self):
        """There is nowhere else."""
        touch = value(by(EMAIL, LINKEDIN), BOUNCED, links=[])
        assert (EMAIL, ContactRule.ADDRESS) == (touch.channel, touch.permission.rule)

    def test_the_permission_is_that_of_the_channel_taken(self):
        """A text needs a consent that a mail does not."""
        touch = value(by(EMAIL, TEXT), BOUNCED, timezone="Europe/London")
        assert (TEXT, ContactRule.NO_BASIS) == (touch.channel, touch.permission.rule)

    def test_what_went_is_told_as_it_went(self):
        """The mail was a mail, though the address has failed since."""
        mail = sent("t14", 2, channel="email")
        touch = value(by(EMAIL, PHONE), mail, fact("bounced", 2.5))
        assert (EMAIL, ["done 2026-03-04 09:00 UTC (sent)"]) == (touch.channel, whys(touch))
        told = attrs.evolve(mail, channel=None)
        assert EMAIL is value(by(EMAIL, PHONE), told, fact("bounced", 2.5)).channel
        call = sent("t14", 2, kind="called", channel="phone")
        assert PHONE is value(MAIL, call).channel

    def test_each_touch_falls_back_for_itself(self):
        """One without a fallback has none, whatever the others have."""
        first, second = MAIL.touches
        touches = [first, attrs.evolve(second, fallback=[PHONE])]
        calendar = ask(
            attrs.evolve(MAIL, touches=touches), person(fact("bounced", -1), **REACHABLE)
        )
        assert [EMAIL, PHONE] == [each.channel for each in calendar.touches]
        assert [True, False] == [each.refused for each in calendar.touches]


class TestAllowed:
    """Of the channels that work, the first on which they may be written to."""

    ZONE = {"timezone": "Europe/London"}  # noqa: RUF012

    def test_what_no_basis_covers_is_passed_over(self):
        """A text needs consent, a call none."""
        touch = value(by(EMAIL, TEXT, PHONE), BOUNCED, **self.ZONE)
        assert (PHONE, False) == (touch.channel, touch.refused)
        assert TEXT is value(by(EMAIL, TEXT, PHONE), BOUNCED, consent(1), **self.ZONE).channel

    def test_it_is_passed_over_though_they_prefer_it(self):
        """Until they consent."""
        touch = value(by(EMAIL, TEXT), preferred_channel=TEXT, **self.ZONE)
        assert (EMAIL, []) == (touch.channel, whys(touch))
        agreed = value(by(EMAIL, TEXT), consent(1), preferred_channel=TEXT, **self.ZONE)
        assert (TEXT, ["by text, which they prefer"]) == (agreed.channel, whys(agreed))

    def test_a_channel_whose_hours_nobody_can_keep_is_passed_over(self):
        """Nobody knows what their clocks show."""
        touch = value(by(TEXT, EMAIL), consent(1))
        assert (EMAIL, ["by email, for text is not allowed"]) == (touch.channel, whys(touch))

    def test_a_no_to_all_moves_nothing(self):
        """The first that works is named, and refused."""
        touch = value(by(EMAIL, PHONE), do_not_contact=True)
        assert (EMAIL, ContactRule.DO_NOT_CONTACT) == (touch.channel, touch.permission.rule)


class TestPreferred:
    def test_what_they_prefer_comes_first(self):
        """If it is one of the touch's channels; the reason names their choice."""
        touch = value(by(EMAIL, PHONE, LINKEDIN), preferred_channel=LINKEDIN)
        assert (LINKEDIN, ["by linkedin, which they prefer"]) == (touch.channel, whys(touch))

    def test_what_the_touch_does_not_offer_is_not_taken(self):
        """A mail is not sung on the phone."""
        assert EMAIL is value(by(EMAIL, LINKEDIN), preferred_channel=PHONE).channel
        assert EMAIL is value(MAIL, preferred_channel=PHONE).channel

    def test_what_they_prefer_and_cannot_be_reached_by_is_left(self):
        """The rest keep their order."""
        cadence = by(EMAIL, PHONE, LINKEDIN)
        assert EMAIL is value(cadence, preferred_channel=LINKEDIN, links=[]).channel
        touch = value(cadence, BOUNCED, preferred_channel=LINKEDIN, links=[])
        assert (PHONE, ["by phone, for no address for email works"]) == (touch.channel, whys(touch))

    def test_the_touch_s_own_channel_needs_no_reason(self):
        """They prefer what it is."""
        assert [] == whys(value(by(EMAIL, PHONE), preferred_channel=EMAIL))


class TestNowhere:
    def test_a_plan_that_may_not_go_anywhere_says_so(self):
        """All dates are there, each refused, and the last line sums it up."""
        calendar = ask(MAIL, person(emails=[]))
        assert {ContactRule.ADDRESS} == {each.permission.rule for each in calendar.ahead}
        assert {"t0": 0, "t14": 14} == days(calendar)
        assert "nothing of this may go out, as far as is known" == str(calendar).splitlines()[-1]

    def test_one_that_may_go_somewhere_does_not(self):
        """A single touch is something."""
        last = "nothing of this may go out, as far as is known"
        assert last not in str(ask(MAIL, person()))
        mixed = Cadence(
            name="c", touches=[MAIL.touches[0], *by(EMAIL, PHONE).touches[1:]], pace=MAIL.pace
        )
        assert last not in str(ask(mixed, person(fact("bounced", -1), **REACHABLE)))

    def test_a_consent_that_ends_before_the_first_touch_leaves_nothing(self):
        """In France the pool needs consent: a plan, every date, and why none may go."""
        expiring = fact(
            "consented", -1, properties={"purpose": "nurture", "expires_at": START - DAY / 2}
        )
        calendar = ask(MAIL, person(expiring, country="FR"))
        assert {ContactRule.NO_BASIS} == {each.permission.rule for each in calendar.ahead}
        assert "nothing of this may go out, as far as is known" == str(calendar).splitlines()[-1]
