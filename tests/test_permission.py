"""The arbiter: each rule, their order, and what waiting helps."""

import pickle
from datetime import UTC, datetime, timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.errors import InvalidRecord, NaiveInstant
from crmkit.model import (
    NURTURE,
    CalendarSpan,
    Candidate,
    Channel,
    Consent,
    Interaction,
    Relationship,
    Source,
)
from crmkit.permission import (
    ASSESSMENT,
    RETENTION,
    ContactPolicy,
    ContactRule,
    Permission,
    Retention,
    permission,
    retention_ends,
    usable_address,
)

START = datetime(2026, 1, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
ADA = Candidate(
    id="ada",
    emails=["ada@example.org", "byron@example.org"],
    phones=["+44 20 7946 0000"],
    links=["https://example.org/ada", "https://www.linkedin.com/in/ada"],
)


def fact(kind, day=0.0, **more):
    return Interaction(candidate_id="ada", kind=kind, at=START + day * DAY, **more)


def person(*facts, captured=True, **changes):
    known = [fact("captured")] if captured else []
    return Relationship(attrs.evolve(ADA, **changes), [*known, *facts])


def ask(relationship, day=1.0, **more):
    return permission(relationship, now=START + day * DAY, **more)


def rule(relationship, day=1.0, **more):
    return ask(relationship, day, **more).rule


class TestOrder:
    def test_the_careful_default_allows_email_for_every_source(self):
        """Legitimate interest carries e-mail, whatever the capture source."""
        found = [bool(ask(person(source=source))) for source in Source]
        assert found == [True] * 8

    def test_the_first_rule_in_order_is_named(self):
        """With every reason to refuse at once, taking the first away names the next."""
        facts = [
            *(fact("sent"), fact("sent", 0.5)),
            fact("paused"),
            fact("applied"),
            fact("complained"),
            fact("unsubscribed"),
        ]
        log = list(facts)
        found = [rule(person(*log, erased=True, do_not_contact=True))]
        found.append(rule(person(*log, do_not_contact=True)))
        found.append(rule(person(*log)))
        log.remove(facts[5])
        found.append(rule(person(*log), 731))
        for gone in (facts[4], facts[3], facts[2]):
            found.append(rule(person(*log)))
            log.remove(gone)
        found.append(rule(person(*log)))
        assert found == list(ContactRule)

    def test_reasons_are_listed_up_to_the_refusal(self):
        """Each rule that was asked is there with what was found, the refusing one last."""
        verdict = ask(person(fact("applied", 0.5, role_id="be-1")))
        assert str(verdict.because).split("\n") == [
            "✗ may contact for nurture by email",
            "  ✓ not erased",
            "  ✓ not marked do-not-contact",
            "  ✓ a legal basis for nurture by email (found legitimate interest)",
            "  ✓ kept no longer than 2 years after the last contact (found applied on 2026-01-01), "
            "until 2028-01-01 21:00 UTC",
            "  ✓ an address for email that works (found all 2 work)",
            "  ✗ not in an active process, nor employed here "
            "(found applied on 2026-01-01 for role be-1)",
        ]

    def test_no_reason_holds_an_address(self):
        """Addresses are personal data and stay out of texts."""
        known = person(fact("bounced", properties={"address": "ada@example.org"}))
        texts = [str(ask(known, channel=channel)) for channel in Channel]
        assert not any("@" in text or "7946" in text or "/in/" in text for text in texts)

    def test_is_a_verdict_with_its_rule(self):
        """Truthy as its value, named by class, and JSON values in `to_dict`."""
        refused = ask(person(fact("sent"), fact("sent", 0.5)))
        told = refused.to_dict()
        assert repr(refused) == "<Permission False, until 2026-01-08 09:00:00 UTC>"
        assert (told["value"], told["rule"]) == (False, "cap")
        assert told["next_allowed"] == "2026-01-08T09:00:00+00:00"
        assert ask(person()).to_dict()["rule"] is None
        assert isinstance(refused, Permission)

    def test_a_naive_now_and_an_unknown_channel_are_refused(self):
        """What cannot be meant ends in a typed error."""
        with pytest.raises(NaiveInstant):
            permission(person(), now=datetime(2026, 1, 1))  # noqa: DTZ001
        with pytest.raises(InvalidRecord):
            permission(person(), now=START, channel="pigeon")


class TestBasis:
    @pytest.mark.parametrize(
        ("channel", "allowed"),
        [
            ("email", True),
            ("linkedin", True),
            ("phone", True),
            ("in_person", True),
            ("text", False),
            ("web", False),
        ],
    )
    def test_texts_need_consent(self, channel, allowed):
        """Legitimate interest covers all channels but text (and web), consent covers all."""
        consented = person(Consent(at=START).given_by("ada"))
        assert bool(ask(person(), channel=Channel(channel))) is allowed
        assert bool(ask(consented, channel=Channel(channel))) is True

    @pytest.mark.parametrize("purpose", [ASSESSMENT, "newsletter of a friend"])
    def test_another_purpose_needs_its_own_consent(self, purpose):
        """Consent to keeping in touch is none to an assessment."""
        nurture = person(Consent(at=START).given_by("ada"))
        own = person(Consent(at=START, purpose=purpose).given_by("ada"))
        found = [rule(each, purpose=purpose) for each in (person(), nurture, own)]
        assert found == ["no_basis", "no_basis", None]

    def test_consent_only_refuses_without_and_after_consent(self):
        """Under the strict policy consent opens and its expiry closes."""
        strict = ContactPolicy.consent_only()
        agreed = person(Consent(at=START, expires_at=START + 9 * DAY).given_by("ada"))
        found = [rule(each, day, policy=strict) for each, day in [(person(), 1), (agreed, 1)]]
        assert [*found, rule(agreed, 9, policy=strict)] == ["no_basis", None, "no_basis"]
        assert ask(agreed, policy=strict).until == START + 9 * DAY
        assert ask(agreed, 9).rule is None

    @pytest.mark.parametrize("kind", ["unsubscribed", "withdrew_consent"])
    def test_a_withdrawal_holds_until_a_later_consent(self, kind):
        """Unsubscribed or withdrawn stops every channel; consent at the same instant is no help."""
        stopped = person(fact(kind, 1), fact("consented", 1), fact("consented", 3))
        found = [rule(stopped, day) for day in (0.5, 1, 2.9, 3)]
        assert found == [None, "no_basis", "no_basis", None]
        assert rule(stopped, 2, channel=Channel.PHONE) == "no_basis"

    def test_when_a_consent_after_unsubscribing_expires_the_stop_is_back(self):
        """An expired consent does not bring legitimate interest back."""
        again = Consent(at=START + DAY, expires_at=START + 5 * DAY).given_by("ada")
        stopped = person(fact("unsubscribed"), again)
        assert [rule(stopped, day) for day in (2, 5)] == [None, "no_basis"]

    def test_a_withdrawal_for_another_purpose_is_no_stop(self):
        """Withdrawing from assessments does not end the contact; without a purpose it does."""
        other = person(fact("withdrew_consent", properties={"purpose": ASSESSMENT}))
        every = person(fact("withdrew_consent", properties={"purpose": 7}))
        assert [rule(other), rule(every)] == [None, "no_basis"]

    def test_the_newest_consent_replaces_those_before(self):
        """A renewed consent with an end is not outlived by the older one without."""
        old = Consent(at=START).given_by("ada")
        new = Consent(at=START + DAY, expires_at=START + 2 * DAY).given_by("ada")
        strict = ContactPolicy.consent_only()
        assert rule(person(old, new), 3, policy=strict) == "no_basis"

    @pytest.mark.parametrize("wrong", [{"expires_at": "soon"}, {"purpose": 7}])
    def test_a_consent_that_cannot_be_read_is_none(self, wrong):
        """What cannot be read cannot be proved; nothing crashes."""
        strict = ContactPolicy.consent_only()
        assert rule(person(fact("consented", properties=wrong)), policy=strict) == "no_basis"


class TestRetention:
    def at(self, *facts, country, **more):
        return retention_ends(person(*facts, country=country), now=START + DAY, **more)

    def test_the_table_is_the_fields(self):
        """France two years with consent, Germany six months unless consent, Austria seven."""
        found = {
            country: (str(kept.span), kept.consent_needed) for country, kept in RETENTION.items()
        }
        assert found == {
            "FR": ("2 years", True),
            "DE": ("6 months", False),
            "AT": ("7 months", False),
        }

    @pytest.mark.parametrize(
        ("country", "end"),
        [("DE", "2026-07-01"), ("AT", "2026-08-01"), ("FR", "2028-01-01"), (None, "2028-01-01")],
    )
    def test_counts_from_the_last_contact_by_the_calendar(self, country, end):
        """Without consent people are kept for the country's span, else for two years."""
        assert f"{self.at(country=country):%Y-%m-%d}" == end

    def test_refuses_from_the_end_on(self):
        """Touch 7, 36 weeks after enrolment, outlives Germany's six months."""
        german = person(country="DE")
        verdict = ask(german)
        before, at = (
            permission(german, now=instant).rule
            for instant in (verdict.until - TICK, verdict.until)
        )
        assert (before, at) == (None, "retention")
        assert (rule(german, 36 * 7), ask(german, 36 * 7).next_allowed) == ("retention", None)

    def test_consent_extends_german_and_austrian_retention(self):
        """With consent they may stay, at most until it expires, and never less than without."""
        bare = Consent(at=START).given_by("ada")
        brief, long = (
            Consent(at=START, expires_at=START + days * DAY).given_by("ada") for days in (9, 900)
        )
        assert self.at(bare, country="DE") is None
        assert self.at(long, country="AT") == START + 900 * DAY
        assert self.at(brief, country="DE") == datetime(2026, 7, 1, 9, tzinfo=UTC)
        assert ask(person(bare, country="DE")).until is None

    def test_france_needs_consent_and_two_years_end_it(self):
        """French consent is needed from the first day, and does not carry beyond two years."""
        agreed = person(fact("consented"), country="FR")
        found = [rule(person(country="FR")), rule(agreed), rule(agreed, 731)]
        assert found == ["no_basis", None, "retention"]

    def test_our_own_messages_and_machines_do_not_extend_it(self):
        """Sends, opens, notes and automated clicks are no contact; replies and meetings are."""
        ours = [fact(kind, 0.5) for kind in ("sent", "opened", "noted", "messaged", "auto_replied")]
        machine = fact("clicked", 0.5, automated=True)
        same = datetime(2026, 7, 1, 9, tzinfo=UTC)
        assert self.at(*ours, machine, country="DE") == same
        assert self.at(fact("clicked", 0.5), machine, country="DE") == same + DAY / 2

    def test_without_any_contact_it_cannot_be_shown_to_be_within(self):
        """A person with an empty log is refused, and the reason says what to log."""
        nobody = person(captured=False)
        refused = ask(nobody)
        assert (refused.rule, retention_ends(nobody, now=START)) == ("retention", None)
        assert "log when they were captured" in str(refused.because)

    def test_a_contact_to_come_is_where_the_refusal_ends(self):
        """A meeting dated tomorrow bounds the refusal, and is the next allowed instant."""
        verdict = ask(person(fact("met", 2), captured=False))
        assert (verdict.until, verdict.next_allowed) == (START + 2 * DAY, START + 2 * DAY)

    def test_a_host_extends_the_table(self):
        """Countries given lie over the table; a bare span will do."""
        policy = ContactPolicy(
            retention={"es": timedelta(days=3), "fr": Retention(CalendarSpan(years=1))},
            default_retention=Retention(CalendarSpan(months=1)),
        )
        found = [self.at(country=country, policy=policy) for country in ("ES", "FR", "DE", "US")]
        days = ["2026-01-04", "2027-01-01", "2026-07-01", "2026-02-01"]
        assert [f"{end:%Y-%m-%d}" for end in found] == days
        assert rule(person(country="FR"), policy=policy) is None

    def test_the_end_of_the_calendar_is_no_end(self):
        """Two years after 9999 are never."""
        met = Interaction(candidate_id="ada", kind="met", at="9999-01-01T00:00Z")
        late = datetime(9999, 6, 1, tzinfo=UTC)
        assert permission(person(met), now=late).until is None


class TestAddress:
    def test_no_address_is_refused(self):
        """A channel that needs an address is refused without one; being there needs none."""
        bare = person(emails=[], phones=[], links=["https://example.org"], captured=True)
        found = [rule(bare, channel=Channel(name)) for name in ("email", "phone", "linkedin")]
        assert [*found, rule(bare, channel=Channel.IN_PERSON)] == ["address"] * 3 + [None]

    @pytest.mark.parametrize(
        ("channel", "expected"),
        [
            ("email", "ada@example.org"),
            ("text", "+44 20 7946 0000"),
            ("phone", "+44 20 7946 0000"),
            ("linkedin", "https://www.linkedin.com/in/ada"),
            ("in_person", None),
            ("web", None),
        ],
    )
    def test_each_channel_has_its_addresses(self, channel, expected):
        """E-mail, phones for text and phone, LinkedIn links; none for the rest."""
        assert usable_address(person(), now=START, channel=Channel(channel)) == expected

    def test_a_hard_bounce_falls_to_the_next_address(self):
        """The address that bounced is out, in any case of letters; a soft bounce is none."""
        hard = fact("bounced", properties={"address": "Ada@Example.org"})
        soft = fact("bounced", outcome="Soft")
        both = [hard, fact("bounced", properties={"address": "byron@example.org"})]
        found = [usable_address(person(*log), now=START) for log in ([hard], [soft], both)]
        assert found == ["byron@example.org", "ada@example.org", None]
        assert [rule(person(hard)), rule(person(*both))] == [None, "address"]

    def test_a_bounce_without_an_address_takes_out_the_channel(self):
        """Nobody knows which it was, so none is used; other channels stay."""
        bounced = person(fact("bounced"))
        assert [rule(bounced), rule(bounced, channel=Channel.PHONE)] == ["address", None]

    def test_a_later_verification_brings_an_address_back(self):
        """Only a verified fact that names the address, later than the bounce, does."""
        verified = {"address": "byron@example.org"}
        log = [fact("bounced", 1), fact("verified", 1, properties=verified), fact("verified", 2)]
        found = [usable_address(person(*log), now=START + 3 * DAY)]
        log.append(fact("verified", 2.5, properties=verified))
        found.append(usable_address(person(*log), now=START + 3 * DAY))
        assert found == [None, "byron@example.org"]

    def test_a_complaint_takes_out_the_channel_until_consent(self):
        """Who calls us spam is not written to at the next address either."""
        log = [fact("complained", 1, properties={"address": "ada@example.org"})]
        found = [rule(person(*log), 2), rule(person(*log), 2, channel=Channel.LINKEDIN)]
        assert [*found, rule(person(*log, fact("consented", 1)), 2)] == ["address", None, "address"]
        assert rule(person(*log, fact("consented", 1.5)), 2) is None


class TestProcess:
    def test_nobody_in_a_process_or_employed_is_nurtured(self):
        """An application closes the door, a rejection opens it, a hiring closes it again."""
        log = person(fact("applied", 1), fact("rejected", 2), fact("hired", 3), fact("left", 4))
        found = [rule(log, day) for day in (0.5, 1, 2, 3, 4)]
        assert found == [None, "in_process", None, "in_process", None]

    def test_what_belongs_to_the_process_goes_on(self):
        """An assessment with consent is not refused for the process that asks for it."""
        agreed = Consent(at=START, purpose=ASSESSMENT).given_by("ada")
        assert rule(person(agreed, fact("applied")), purpose=ASSESSMENT) is None


class TestSnooze:
    def test_interested_later_waits_until_then(self):
        """Interested in six months: refused up to that instant, which is the next allowed."""
        later = person(interest="later", interested_from=START + 9 * DAY)
        verdict = ask(later)
        assert (verdict.rule, verdict.next_allowed) == ("snoozed", START + 9 * DAY)
        assert [rule(later, 9), rule(person(interest="later"))] == [None, None]

    def test_not_interested_now_is_no_objection(self):
        """Those who declined are nurtured for the long term."""
        assert rule(person(interest="not_interested")) is None

    def test_a_pause_holds_until_its_instant(self):
        """An ISO text will do; the newest pause counts."""
        log = [
            fact("paused", properties={"until": START + 90 * DAY}),
            fact("paused", 1, properties={"until": "2026-01-04T09:00Z"}),
        ]
        assert [rule(person(*log), day) for day in (0.5, 2.9, 3)] == ["snoozed", "snoozed", None]

    @pytest.mark.parametrize("properties", [{}, {"until": "spring"}, {"until": 7}])
    def test_a_pause_without_an_end_holds_until_resumed(self, properties):
        """Also one whose end cannot be read; a resumption at the same instant does not lift it."""
        paused = fact("paused", 1, properties=properties)
        same, later = (person(paused, fact("resumed", day)) for day in (1, 2))
        assert [rule(same, 9), rule(later, 1.5), rule(later, 2)] == ["snoozed", "snoozed", None]
        assert ask(person(paused), 9).until is None

    def test_pausing_one_enrolment_is_not_snoozing(self):
        """A pause that names an enrolment is the cadence's matter."""
        assert rule(person(fact("paused", enrollment_id="e1"))) is None

    def test_both_snoozes_must_end(self):
        """With two, the later end counts; without an end for one, none is in sight."""
        later = {"interest": "later", "interested_from": START + 9 * DAY}
        both = person(fact("paused", properties={"until": START + 5 * DAY}), **later)
        assert [ask(both).until, ask(person(fact("paused"), **later)).until] == [
            START + 9 * DAY,
            None,
        ]


class TestCap:
    def test_the_second_of_a_week_fills_it(self):
        """Two messages in seven days are enough; it lifts when the older leaves the window."""
        log = person(fact("sent", 1), fact("delivered", 1), fact("sent", 3), fact("sent", 4))
        verdict = ask(log, 5)
        assert (verdict.rule, verdict.until) == ("cap", START + 10 * DAY)
        assert [rule(log, day) for day in (2, 9.9, 10)] == [None, "cap", None]

    def test_a_recruiters_own_message_counts(self):
        """Two people writing to one person are two messages."""
        assert rule(person(fact("sent"), fact("messaged"))) == "cap"

    def test_the_host_sets_it(self):
        """Cap and window are the policy's."""
        policy = ContactPolicy(cap=1, cap_window=timedelta(hours=1))
        sent = person(fact("sent", 1))
        assert [rule(sent, day, policy=policy) for day in (1, 1 + 1 / 24)] == ["cap", None]

    def test_the_end_of_the_calendar_never_lifts_it(self):
        """A window beyond the year 9999 has no end."""
        sent = [
            Interaction(candidate_id="ada", kind="sent", at=f"9999-12-3{day}T00:00Z")
            for day in "01"
        ]
        contact = Interaction(candidate_id="ada", kind="met", at="9999-12-01T00:00Z")
        refused = permission(person(contact, *sent), now=datetime(9999, 12, 31, tzinfo=UTC))
        assert (refused.rule, refused.until, refused.next_allowed) == ("cap", None, None)


class TestPolicy:
    @pytest.mark.parametrize(
        ("wrong", "path"),
        [
            ({"cap": 0}, "cap"),
            ({"cap_window": timedelta(0)}, "cap_window"),
            ({"interest_channels": ["pigeon"]}, "interest_channels"),
            ({"interest_purposes": "nurture"}, "interest_purposes"),
            ({"retention": [1]}, "retention"),
            ({"retention": {"DEU": CalendarSpan(months=6)}}, "retention['DEU']"),
            ({"retention": {"DE": timedelta(0)}}, "retention['DE'].span"),
            ({"retention": {"DE": 180}}, "retention['DE'].span"),
            ({"retention": {1: CalendarSpan(months=6)}}, "retention[1]"),
        ],
    )
    def test_nonsense_is_refused_at_its_field(self, wrong, path):
        """A policy that cannot mean anything ends in an error that names the field."""
        with pytest.raises(InvalidRecord) as caught:
            ContactPolicy(**wrong)
        assert caught.value.path == path

    def test_can_be_a_key_and_travel(self):
        """Policies hash, pickle and evolve."""
        policy = ContactPolicy(retention={"es": CalendarSpan(years=1)})
        assert {pickle.loads(pickle.dumps(policy)), attrs.evolve(policy)} == {policy}


def properties(kind):
    day = st.integers(0, 40).map(lambda days: START + days * DAY)
    if kind == "consented":
        return st.fixed_dictionaries(
            {}, optional={"expires_at": day, "purpose": st.sampled_from([NURTURE, ASSESSMENT])}
        )
    if kind in {"bounced", "verified"}:
        return st.fixed_dictionaries({}, optional={"address": st.sampled_from(ADA.emails)})
    if kind == "paused":
        return st.fixed_dictionaries({}, optional={"until": day})
    return st.just({})


KINDS = [
    *("captured", "met", "clicked", "consented", "withdrew_consent", "unsubscribed"),
    *("bounced", "verified", "complained", "applied", "rejected", "hired", "left"),
    *("paused", "resumed", "sent", "delivered"),
]
facts = st.sampled_from(KINDS).flatmap(
    lambda kind: st.builds(
        lambda day, stated: fact(kind, day, properties=stated),
        st.integers(0, 40) | st.floats(0, 40),
        properties(kind),
    )
)
people = st.builds(
    lambda found, country, later: person(
        *found,
        captured=False,
        country=country,
        interest="later" if later else None,
        interested_from=START + later * DAY if later else None,
    ),
    st.lists(facts, max_size=9),
    st.sampled_from(["DE", "FR", None]),
    st.sampled_from([None, None, 5, 30]),
)
# Short spans, so that ends fall among the facts.
policies = st.sampled_from(
    [
        ContactPolicy(),
        ContactPolicy.consent_only(),
        ContactPolicy(
            retention={"DE": timedelta(days=9), "FR": CalendarSpan(months=1)},
            default_retention=Retention(timedelta(days=12), consent_extends=False),
        ),
    ]
)


def turns(relationship):
    """Every instant at which anything could turn, and its neighbours."""
    spans = [timedelta(days=days) for days in (0, 7, 9, 12)]
    found = {each.at + span for each in relationship.history for span in spans}
    found |= {CalendarSpan(months=1).after(each.at) for each in relationship.history}
    found |= {START + days * DAY for days in range(60)}
    return sorted(at + step for at in found for step in (-TICK, timedelta(0)))


class TestClock:
    @pytest.mark.parametrize(
        "kind",
        ["unsubscribed", "withdrew_consent", "bounced", "complained", "applied", "hired", "paused"],
    )
    @pytest.mark.parametrize("consented", [[], [Consent(at=START).given_by("ada")]])
    def test_a_fact_to_come_ends_the_permission(self, kind, consented):
        """What the log dates later than now counts as arriving at its own instant."""
        log = person(*consented, fact(kind, 5))
        assert (bool(ask(log)), ask(log).until) == (True, START + 5 * DAY)
        assert not ask(log, 5)

    @given(people, st.integers(0, 40), policies, st.sampled_from([Channel.EMAIL, Channel.TEXT]))
    def test_holds_until_it_says_and_opens_when_it_says(self, ada, day, policy, channel):
        """A sweep finds no turn before `until`, and the first yes at `next_allowed`."""
        now = START + day * DAY
        verdict = permission(ada, now=now, policy=policy, channel=channel)
        opened = None
        for instant in (at for at in turns(ada) if at >= now):
            value = bool(permission(ada, now=instant, policy=policy, channel=channel))
            assert value is bool(verdict) or (verdict.until and instant >= verdict.until)
            opened = instant if value and opened is None else opened
        assert verdict.next_allowed == (None if verdict else opened)
        assert (verdict.rule is None) is bool(verdict)
        assert verdict.until is None or verdict.until > now
