"""Every refusal carries its rule, its reason and the next allowed instant; consent is provable."""

import pytest
from permission_cases import DAY, START, ask, fact, person

from crmkit.codec import dumps, loads
from crmkit.model import Channel, Consent, Interaction
from crmkit.permission import ContactPolicy, ContactRule, Hours, SendWindow, consent_in_force

FULL = Consent(
    at=START, purpose="nurture", wording="2026-01", source="career page", expires_at=START + 9 * DAY
)
NIGHT = ContactPolicy(hours=Hours(windows={"email": SendWindow(start="10:00")}))
AWAY = {"until": START + 4 * DAY}

REFUSALS = {
    "erased": ({"erased": True}, [], {}, "not erased", None),
    "do_not_contact": ({"do_not_contact": True}, [], {}, "not marked do-not-contact", None),
    "no_basis": (
        {},
        [fact("unsubscribed", 0.5), fact("consented", 3)],
        {},
        "unsubscribed on 2026-01-01, and no consent since",
        3,
    ),
    "retention": (
        {"country": "DE"},
        [fact("met", 400)],
        {"day": 300},
        "kept no longer than 6 months after the last contact (found captured on 2026-01-01)",
        400,
    ),
    "address": (
        {},
        [fact("complained", 0.5), fact("consented", 2)],
        {},
        "(found complained on 2026-01-01)",
        2,
    ),
    "in_process": (
        {},
        [fact("interviewed", 0.5, role_id="r"), fact("rejected", 6, role_id="r")],
        {},
        "(found interviewed on 2026-01-01 for role r)",
        6,
    ),
    "snoozed": ({}, [fact("paused", 0.5, properties=AWAY)], {}, "(found paused on 2026-01-01)", 4),
    "cap": ({}, [fact("sent", 0.5), fact("messaged", 0.75)], {}, "(found 2)", 7.5),
    "quiet": ({}, [], {"policy": NIGHT}, "found Fri 2026-01-02 09:00", 1 + 1 / 24),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_says_which_rule_why_and_from_when_on(name):
    """Where a fact to come lifts it, that is the next allowed instant; else time, or never."""
    changes, facts, more, why, day = REFUSALS[name]
    refused = ask(person(*facts, **changes), **more)
    assert refused.rule is ContactRule(name)
    assert why in str(refused.because.parts[-1])
    assert refused.next_allowed == (None if day is None else START + day * DAY)
    if day is not None:
        more = {**more, "day": day}
        assert ask(person(*facts, **changes), **more)


def test_every_rule_is_among_them():
    """None is forgotten."""
    assert set(REFUSALS) == {rule.value for rule in ContactRule}


def test_what_was_agreed_to_stays_provable():
    """Purpose, wording, time, source and end come back from what is stored."""
    stored = loads(Interaction, dumps(FULL.given_by("ada")))
    assert Consent.of(stored) == FULL


def test_the_reason_says_which_wording_was_agreed_to():
    """Where it is known; its source is a text of the host's, and stays in the log."""
    found = [
        str(ask(person(consent.given_by("ada"))).because.parts[2])
        for consent in (FULL, Consent(at=START))
    ]
    assert "(found consent of 2026-01-01 to wording '2026-01')" in found[0]
    assert "(found consent of 2026-01-01)" in found[1]


def test_a_consent_ends_when_it_says_so():
    """On the channel that needs it; up to, not including, that instant."""
    known = person(FULL.given_by("ada"), timezone="UTC")
    found = [ask(known, day, channel=Channel.TEXT).rule for day in (0, 8.99, 9, 10)]
    assert found == [None, None, "no_basis", "no_basis"]
    assert consent_in_force(known, now=START).until == START + 9 * DAY


@pytest.mark.parametrize(
    ("withdrawn", "nurture", "assessment"),
    [
        ({}, "no_basis", "no_basis"),
        ({"purpose": "nurture"}, "no_basis", None),
        ({"purpose": "assessment"}, None, "no_basis"),
    ],
)
def test_a_withdrawal_ends_its_purpose(withdrawn, nurture, assessment):
    """Without a purpose it ends all; consents of other purposes stay."""
    consents = [
        Consent(at=START, purpose=purpose).given_by("ada") for purpose in ("nurture", "assessment")
    ]
    known = person(*consents, fact("withdrew_consent", 0.5, properties=withdrawn))
    found = [ask(known, purpose=purpose).rule for purpose in ("nurture", "assessment")]
    assert found == [nurture, assessment]


@pytest.mark.parametrize("purpose", ["nurture", "assessment"])
def test_a_consent_to_one_purpose_is_none_to_the_other(purpose):
    """Under the policy by which nothing goes without consent."""
    policy = ContactPolicy.consent_only()
    known = person(Consent(at=START, purpose=purpose).given_by("ada"))
    allowed = [
        each for each in ("nurture", "assessment") if ask(known, purpose=each, policy=policy)
    ]
    assert allowed == [purpose]
