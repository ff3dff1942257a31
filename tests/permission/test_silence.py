"""What a history says against addresses, what takes it back, and what a silent address means."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from permission_cases import ADA, DAY, START, ask, fact, person, rule

from crmkit.model import Channel, Consent, History, Suppression, address_digest
from crmkit.permission import usable_address
from crmkit.permission._silence import said_no, silent, taken_back

NOW = START + 30 * DAY
FIRST, SECOND = ADA.emails
PHONE, LINK = ADA.phones[0], ADA.links[1]


def consent(day, **more):
    return Consent(at=START + day * DAY, **more).given_by("ada")


def bounced(address, day=1.0, **more):
    return fact("bounced", day, properties={"address": address}, **more)


def against(*facts, now=NOW):
    """Return which addresses the history speaks against, and why."""
    channels = {FIRST: "email", SECOND: "email", PHONE: "phone", LINK: "linkedin"}
    names = {address_digest(each, Channel(channel)): each for each, channel in channels.items()}
    return {(names[each.digest], each.reason.value) for each in said_no(person(*facts), now)}


class TestWhatAHistorySays:
    @pytest.mark.parametrize("kind", ["unsubscribed", "withdrew_consent"])
    def test_who_unsubscribes_does_so_for_every_e_mail_address(self, kind):
        """And not for the phone."""
        expected = {(FIRST, "unsubscribed"), (SECOND, "unsubscribed")}
        assert against(fact(kind, 1)) == expected

    def test_withdrawing_another_purpose_says_nothing_against_nurture(self):
        """Only nurture, or everything."""
        purposes = ["assessment", "nurture"]
        found = [
            bool(against(fact("withdrew_consent", 1, properties={"purpose": purpose})))
            for purpose in purposes
        ]
        assert found == [False, True]

    @pytest.mark.parametrize(
        ("channel", "expected"),
        [
            (None, {FIRST, SECOND}),
            ("email", {FIRST, SECOND}),
            ("text", {PHONE}),
            ("linkedin", {LINK}),
            ("in_person", set()),
        ],
    )
    def test_a_complaint_is_about_the_addresses_of_its_channel(self, channel, expected):
        """Without a channel, about e-mail."""
        found = against(fact("complained", 1, channel=channel))
        assert found == {(address, "complained") for address in expected}

    @pytest.mark.parametrize(
        ("facts", "expected"),
        [
            ([bounced(f" {FIRST.upper()} ")], {FIRST}),
            ([fact("bounced", 1)], {FIRST, SECOND}),
            ([fact("bounced", 1, outcome="soft")], set()),
            ([fact("bounced", 1, channel="text")], {PHONE}),
            ([fact("bounced", 1, channel="web", properties={"address": "x"})], set()),
            ([bounced(FIRST), fact("verified", 2, properties={"address": FIRST})], set()),
            ([bounced(FIRST, 2), fact("verified", 2, properties={"address": FIRST})], {FIRST}),
            ([bounced(FIRST), fact("verified", 2, properties={"address": SECOND})], {FIRST}),
            ([bounced(FIRST), consent(2)], {FIRST}),
            ([bounced(FIRST), fact("verified", 31, properties={"address": FIRST})], {FIRST}),
        ],
    )
    def test_a_bounce_is_about_its_address(self, facts, expected):
        """Or all of the channel; only a later `verified` takes it back, and no consent does."""
        assert against(*facts) == {(address, "bounced") for address in expected}

    def test_an_address_that_the_profile_has_no_more_is_silent_too(self):
        """Somebody else may come with it."""
        (entry,) = said_no(person(bounced("old@example.org")), NOW)
        assert entry.digest == address_digest("old@example.org")

    @pytest.mark.parametrize("kind", ["unsubscribed", "complained"])
    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            (consent(2), False),
            (consent(1), True),
            (consent(0.5), True),
            (consent(2, purpose="assessment"), True),
            (consent(31), True),
            (fact("consented", 2, properties={"expires_at": 7}), True),
        ],
    )
    def test_only_a_later_consent_to_nurture_takes_it_back(self, kind, given, expected):
        """One that has come and can be read."""
        assert bool(against(fact(kind, 1), given)) is expected


def held(*entries):
    found = {}
    for address, reason, day in entries:
        channel = {PHONE: "phone", LINK: "linkedin"}.get(address, "email")
        digest = address_digest(address, Channel(channel))
        entry = Suppression(digest=digest, reason=reason, at=START + day * DAY)
        found[digest] = (*found.get(digest, ()), entry)
    return found


class TestWhatTakesItBack:
    @pytest.mark.parametrize(
        ("reason", "lifting"),
        [
            ("unsubscribed", "consented"),
            ("complained", "consented"),
            ("erased", "consented"),
            ("listed", "consented"),
            ("bounced", "verified"),
        ],
    )
    @pytest.mark.parametrize(
        "given", [consent(5), fact("verified", 5, properties={"address": FIRST})]
    )
    @pytest.mark.parametrize("day", [4, 5, 6])
    def test_each_reason_has_its_own(self, reason, lifting, given, day):
        """Dated after it."""
        kept = held((FIRST, reason, day))
        expected = day < 5 and given.kind == lifting
        assert bool(taken_back(person(given), kept, NOW)) is expected

    def test_what_is_still_said_is_not_taken_back(self):
        """A consent between two unsubscriptions lifts nothing."""
        kept = held((FIRST, "unsubscribed", 1))
        known = person(fact("unsubscribed", 1), consent(2), fact("unsubscribed", 3))
        assert taken_back(known, kept, NOW) == []

    def test_the_addresses_are_the_person_s(self):
        """Nobody agrees for others."""
        assert taken_back(person(consent(5)), held(("eve@example.org", "listed", 1)), NOW) == []


class TestSilence:
    def test_what_the_history_says_itself_is_left_to_it(self):
        """It knows purposes and instants; the entry speaks for what it does not say."""
        stop = fact("unsubscribed", 1)
        for kept, expected in [
            (held((FIRST, "unsubscribed", 1)), set()),
            (held((FIRST, "unsubscribed", 2)), {FIRST}),
            (held((FIRST, "complained", 1)), {FIRST}),
            (held((FIRST, "erased", 1), (PHONE, "listed", 1)), {FIRST, PHONE}),
        ]:
            assert silent(ADA, History([stop]), kept) == expected

    def test_a_bounce_speaks_for_its_own_address(self):
        """Another one that bounced for somebody else stays silent."""
        kept = held((FIRST, "bounced", 1), (SECOND, "bounced", 1))
        assert silent(ADA, History([bounced(FIRST, 1)]), kept) == {SECOND}
        soft = fact("bounced", 1, outcome="soft")
        assert silent(ADA, History([soft]), kept) == {FIRST, SECOND}
        assert silent(ADA, History([fact("bounced", 1)]), kept) == set()

    def test_the_rule_names_how_many_and_never_which(self):
        """The address rule refuses, and waiting does not help."""
        known = attrs.evolve(person(emails=[FIRST]), suppressed={FIRST})
        refused = ask(known)
        assert (refused.rule, refused.next_allowed, refused.until) == ("address", None, None)
        assert "✗ an address for email that works (found 1 of 1 suppressed)" in str(refused)
        assert "example.org" not in str(refused) + repr(refused) + str(refused.to_dict())

    def test_another_address_is_used(self):
        """In the order of the profile; with a bounce beside it, there may be none left."""
        known = attrs.evolve(person(), suppressed={FIRST})
        assert [rule(known), usable_address(known, now=NOW)] == [None, SECOND]
        gone = attrs.evolve(person(bounced(SECOND, 0)), suppressed={FIRST})
        refused = ask(gone)
        assert [refused.rule, usable_address(gone, now=NOW)] == ["address", None]
        assert "(found 1 of 2 suppressed, 1 bounced)" in str(refused)

    def test_a_number_is_silent_for_texts_and_calls(self):
        """It is one address."""
        known = attrs.evolve(person(consent(0)), suppressed={PHONE})
        channels = [Channel.TEXT, Channel.PHONE, Channel.EMAIL]
        assert [rule(known, channel=each) for each in channels] == ["address", "address", None]

    def test_a_consent_in_the_log_does_not_lift_by_itself(self):
        """What is suppressed after it stays so; the store lifts what came before."""
        known = attrs.evolve(person(consent(0), emails=[FIRST]), suppressed={FIRST})
        assert rule(known) == "address"


KINDS = ["unsubscribed", "withdrew_consent", "complained", "bounced", "consented", "verified"]
FACTS = st.builds(
    lambda kind, day, address, outcome: fact(
        kind, day, outcome=outcome, properties={"address": address} if address else {}
    ),
    st.sampled_from(KINDS),
    st.integers(0, 6),
    st.sampled_from([None, FIRST, SECOND]),
    st.sampled_from([None, "soft", "hard"]),
)


@given(st.lists(FACTS, max_size=6))
def test_what_a_history_says_is_what_the_arbiter_finds(facts):
    """A usable e-mail address is one that no complaint and no bounce speaks against."""
    known = person(*facts)
    entries = {(each.digest, each.reason.value) for each in said_no(known, NOW)}
    expected = [
        address
        for address in ADA.emails
        if not {(address_digest(address), reason) for reason in ("complained", "bounced")} & entries
    ]
    assert usable_address(known, now=NOW) == next(iter(expected), None)


@given(st.lists(FACTS, max_size=6))
def test_nobody_is_silenced_by_what_they_say_themselves(facts):
    """Entries made from a history change nothing for the person whose history it is."""
    known = person(*facts)
    kept = {}
    for entry in said_no(known, NOW):
        kept[entry.digest] = (*kept.get(entry.digest, ()), entry)
    assert silent(known.candidate, known.history, kept) == set()
    assert taken_back(known, kept, NOW) == []


@given(st.lists(FACTS, max_size=6), st.sampled_from(["listed", "erased"]), st.integers(0, 6))
def test_who_has_agreed_since_is_heard_again(facts, reason, day):
    """A consent dated after the entry takes it back, whatever else was said."""
    known = person(*facts)
    agreed = any(each.kind == "consented" and each.at > START + day * DAY for each in facts)
    kept = held((FIRST, reason, day))
    assert bool(taken_back(known, kept, NOW)) is agreed
    lifted = {} if agreed else kept
    expected = set() if agreed else {FIRST}
    assert silent(known.candidate, known.history, lifted) == expected
