"""Consent in force, and suppression: the two questions of the arbiter that rules ask alone."""

from random import Random

import attrs
import pytest
from permission_cases import DAY, START, TICK, fact, person
from random_rules import PURPOSES, random_now, random_relationship
from rule_oracle import consented, suppressed

from crmkit.errors import NaiveInstant
from crmkit.model import KINDS, Channel
from crmkit.permission import (
    ARBITER_KINDS,
    CONSENT_KINDS,
    SUPPRESSION_KINDS,
    consent_in_force,
    permission,
    suppression,
)


def consent(day=0.0, purpose="nurture", **more):
    stated = {"purpose": purpose, "wording": "1", **more}
    return fact("consented", day, properties=stated)


def in_force(*facts, day=1.0, **more):
    return consent_in_force(person(*facts), now=START + day * DAY, **more)


def stopped(*facts, day=1.0, channel="email", **changes):
    return suppression(person(*facts, **changes), now=START + day * DAY, channel=channel)


def test_consent_is_in_force_from_its_instant_until_it_expires():
    """Given and not expired; from the instant of its end on, it is not."""
    given = consent(expires_at=START + 9 * DAY)
    assert not in_force(given, day=-TICK / DAY)
    assert in_force(given, day=0)
    assert in_force(given).until == START + 9 * DAY
    assert "of 2026-01-01" == in_force(given).because.found
    ended = in_force(given, day=9)
    assert (False, None, "none") == (ended.value, ended.until, ended.because.found)


@pytest.mark.parametrize("kind", ["withdrew_consent", "unsubscribed"])
@pytest.mark.parametrize(("day", "expected"), [(-1, True), (0, False), (0.5, False), (2, True)])
def test_withdrawal_with_or_after_the_consent_ends_it(kind, day, expected):
    """At one instant the withdrawal counts; before, or not come yet, it does not."""
    assert expected is in_force(consent(), fact(kind, day)).value


def test_withdrawal_ends_its_own_purpose():
    """A withdrawal that names another purpose ends that one; one that names none, all."""
    other = fact("withdrew_consent", 0.5, properties={"purpose": "parties"})
    assert in_force(consent(), other)
    assert not in_force(consent(purpose="parties"), other, purpose="parties")
    assert not in_force(consent(), fact("withdrew_consent", 0.5, properties={"purpose": 5}))


def test_consent_is_to_its_purpose():
    """Who consented to one thing did not consent to another."""
    assert not in_force(consent(purpose="parties"))
    assert in_force(consent(purpose="parties"), purpose="parties")


def test_newest_consent_counts_and_what_cannot_be_read_is_none():
    """A newer consent replaces the older, also with its end; nobody can prove a broken one."""
    older = consent()
    assert not in_force(older, consent(0.5, expires_at=START + 0.7 * DAY))
    assert in_force(older, consent(0.5, expires_at="soon"))
    assert not in_force(consent(expires_at="soon"))


def test_facts_to_come_bound_until():
    """A withdrawal in the log that is dated later arrives at its own instant."""
    verdict = in_force(consent(expires_at=START + 9 * DAY), fact("unsubscribed", 3))
    assert (True, START + 3 * DAY) == (verdict.value, verdict.until)
    assert START + 3 * DAY == stopped(fact("complained", 3)).until


@pytest.mark.parametrize(
    ("facts", "changes", "found"),
    [
        ((), {}, "nothing against it"),
        ((), {"erased": True}, "erased"),
        ((), {"do_not_contact": True}, "do-not-contact"),
        ((fact("unsubscribed", 0.5),), {}, "unsubscribed on 2026-01-01"),
        ((fact("withdrew_consent", 0.5),), {}, "withdrew_consent on 2026-01-01"),
        ((fact("complained", 0.5),), {}, "complained on 2026-01-01"),
        ((fact("complained", 0.5, channel="text"),), {}, "nothing against it"),
        ((fact("bounced", 0.5),), {}, "nothing against it"),
        ((fact("unsubscribed", 0.5), consent(0.7)), {}, "nothing against it"),
        ((fact("unsubscribed", 0.5), consent(0.5)), {}, "unsubscribed on 2026-01-01"),
        ((fact("complained", 0.5), consent(0.7)), {}, "nothing against it"),
        ((fact("complained", 0.5), consent(0.5)), {}, "complained on 2026-01-01"),
        ((consent(), fact("complained", 0.5)), {}, "complained on 2026-01-01"),
    ],
)
def test_suppression_says_what_is_against_it(facts, changes, found):
    """Each ground by itself; a later consent ends an unsubscription and a complaint."""
    verdict = stopped(*facts, **changes)
    assert (found != "nothing against it", found) == (verdict.value, verdict.because.found)


def test_complaint_is_about_its_channel():
    """Who complained about texts may still be written to."""
    complaint = fact("complained", 0.5, channel="text")
    assert [bool(stopped(complaint, channel=channel)) for channel in ("text", "email")] == [
        True,
        False,
    ]


def test_end_of_the_consent_that_ended_an_unsubscription_brings_it_back():
    """The unsubscription stands again when the later consent expires."""
    facts = fact("unsubscribed", 0.2), consent(0.5, expires_at=START + 9 * DAY)
    verdict = stopped(*facts)
    assert (False, START + 9 * DAY) == (verdict.value, verdict.until)
    assert stopped(*facts, day=9)


def test_erased_and_marked_people_stay_suppressed_whatever_comes():
    """No clock and no consent changes that."""
    for changes in ({"erased": True}, {"do_not_contact": True}):
        verdict = stopped(consent(), fact("complained", 3), **changes)
        assert (True, None) == (verdict.value, verdict.until)


def test_answers_are_those_of_the_definitions():
    """Both agree with their plain definitions on many histories, at many instants."""
    rng = Random("state")
    found = set()
    for _ in range(1500):
        who = random_relationship(rng)
        now = random_now(rng, who)
        for purpose in set(PURPOSES):
            value = consent_in_force(who, now=now, purpose=purpose).value
            assert consented(who, purpose, now) is value
            found.add(("consented", value))
        for channel in Channel:
            value = suppression(who, now=now, channel=channel).value
            assert suppressed(who, channel, now) is value
            found.add(("suppressed", value))
    assert 4 == len(found)


def test_suppressed_people_are_never_permitted():
    """What suppresses, the arbiter refuses on the same channel too."""
    rng = Random("both")
    met = 0
    for _ in range(1500):
        who = random_relationship(rng)
        now = random_now(rng, who)
        if suppression(who, now=now):
            met += 1
            assert not permission(who, now=now)
    assert met > 50


def test_kinds_are_those_that_the_log_knows():
    """The kinds are known, and the arbiter sees all that the two see."""
    assert ARBITER_KINDS <= KINDS.keys()
    assert CONSENT_KINDS | SUPPRESSION_KINDS <= ARBITER_KINDS


def test_naive_now_and_unknown_channel_are_refused():
    """Bad questions are typed errors."""
    who = person()
    naive = attrs.evolve(fact("met")).at.replace(tzinfo=None)
    for ask in (consent_in_force, suppression):
        with pytest.raises(NaiveInstant, match="now: "):
            ask(who, now=naive)
    with pytest.raises(ValueError, match="did you mean 'email'"):
        suppression(who, now=START, channel="emial")
