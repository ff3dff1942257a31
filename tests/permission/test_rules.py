"""The arbiter: each rule, their order, and what waiting helps."""

from datetime import UTC, datetime, timedelta

import pytest
from permission_cases import DAY, START, TICK, ask, fact, person, rule

from crmkit.errors import InvalidRecord, NaiveInstant
from crmkit.model import (
    CalendarSpan,
    Channel,
    Consent,
    Interaction,
    Source,
)
from crmkit.permission import (
    ASSESSMENT,
    RETENTION,
    ContactPolicy,
    ContactRule,
    Hours,
    Permission,
    Retention,
    permission,
    retention_ends,
)


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
        policy = ContactPolicy(hours=Hours(unknown_zone=None))
        found = [rule(person(*log, erased=True, do_not_contact=True), policy=policy)]
        found.append(rule(person(*log, do_not_contact=True), policy=policy))
        found.append(rule(person(*log), policy=policy))
        log.remove(facts[5])
        found.append(rule(person(*log), 731, policy=policy))
        for gone in (facts[4], facts[3], facts[2], facts[1]):
            found.append(rule(person(*log), policy=policy))
            log.remove(gone)
        found.append(rule(person(*log), policy=policy))
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
        consented = person(Consent(at=START).given_by("ada"), timezone="Europe/London")
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
