"""Silence by address: across people, new ids, lists of the host, and the way back."""

from datetime import UTC, datetime, timedelta

import pytest

from crmkit import CRM
from crmkit.cadence import Cadence, Playbook, Touch
from crmkit.errors import InvalidRecord, NotFound, UnknownName
from crmkit.model import Candidate, Channel, Consent, Interaction, Relationship, address_digest
from crmkit.permission import ContactPolicy
from crmkit.segmentation import Segment, permitted

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
ADDRESS = "shared@example.org"


def fact(who, kind, day=-1.0, **more):
    return Interaction(candidate_id=who, kind=kind, at=NOW + day * DAY, **more)


def person(key, *facts, email=ADDRESS, **more):
    known = Candidate(id=key, emails=[email] if email else [], **more)
    return Relationship(known, [fact(key, "captured", -9), *facts])


def playbook():
    touch = Touch(key="hello", week=0, purpose="p", level=2, subject="s", bodies=["b"])
    return Playbook(otherwise=Cadence(name="short", touches=[touch]))


@pytest.fixture
def two(start):
    """Return a CRM with two records of one address; the second came from a host's import."""

    def make(*facts):
        crm = start(person("one"))
        crm.record(facts, now=NOW)
        crm._work.candidates.put_candidates([Candidate(id="two", emails=["Shared@Example.org"])])
        crm.record([fact("two", "captured", -9)], now=NOW)
        return crm

    return make


def rules(crm, *ids, day=0, **more):
    return [crm.may_contact(key, now=NOW + day * DAY, **more).rule for key in ids]


class TestAcrossPeople:
    @pytest.mark.parametrize(
        ("kind", "more", "own"),
        [
            ("unsubscribed", {}, "no_basis"),
            ("withdrew_consent", {}, "no_basis"),
            ("complained", {}, "address"),
            ("bounced", {}, "address"),
            ("bounced", {"properties": {"address": ADDRESS.upper()}}, "address"),
            ("bounced", {"outcome": "soft"}, None),
            ("complained", {"channel": "text"}, None),
        ],
    )
    def test_what_one_says_holds_for_the_address(self, two, kind, more, own):
        """The record that said it is judged by its log, every other one by the address."""
        crm = two(fact("one", kind, **more))
        assert rules(crm, "one", "two") == [own, "address" if own else None]

    def test_it_comes_with_a_capture_too(self, start):
        """A history that is imported is heard like one that is recorded."""
        crm = start(person("one", fact("one", "unsubscribed")))
        crm._work.candidates.put_candidates([Candidate(id="two", emails=[ADDRESS])])
        crm.record([fact("two", "captured", -9)], now=NOW)
        assert rules(crm, "two") == ["address"]

    def test_facts_of_a_merged_record_speak_for_the_person(self, start):
        """Facts come in under an old id."""
        crm = start(person("one"), person("old", email="old@example.org"))
        crm.merge("one", "old", now=NOW)
        crm.record([fact("old", "unsubscribed")], now=NOW)
        crm._work.candidates.put_candidates([Candidate(id="two", emails=["old@example.org"])])
        crm.record([fact("two", "captured", -9)], now=NOW)
        assert rules(crm, "one", "two") == ["no_basis", "address"]

    def test_nothing_lands_if_the_facts_do_not(self, start, store):
        """The address is suppressed in the transaction of the facts."""
        crm = start(person("one"))
        with pytest.raises(NotFound):
            crm.record([fact("one", "unsubscribed"), fact("nobody", "met")], now=NOW)
        assert store.suppressions([address_digest(ADDRESS)]) == {}

    def test_no_address_is_kept(self, start, store):
        """Only what it digests to."""
        start(person("one", fact("one", "unsubscribed")))
        assert ADDRESS not in repr(store.suppressions([address_digest(ADDRESS)]))


class TestTheWayBack:
    def test_a_later_consent_to_nurture_lifts_it(self, two):
        """Of either of them; one that is older than the no lifts nothing."""
        crm = two(fact("one", "unsubscribed", -3))
        crm.record([Consent(at=NOW - 4 * DAY).given_by("two")], now=NOW)
        assert rules(crm, "two") == ["address"]
        crm.record([Consent(at=NOW - 2 * DAY).given_by("two")], now=NOW)
        assert rules(crm, "one", "two") == ["no_basis", None]

    def test_facts_that_come_in_late_are_heard_in_their_order(self, two):
        """An unsubscription from before the consent is none any more."""
        crm = two(Consent(at=NOW - 2 * DAY).given_by("one"))
        crm.record([fact("one", "unsubscribed", -3)], now=NOW)
        assert rules(crm, "one", "two") == [None, None]

    def test_only_verifying_lifts_a_bounce(self, two):
        """A consent does not make an address exist."""
        crm = two(fact("one", "bounced", -3))
        crm.record([Consent(at=NOW - 2 * DAY).given_by("two")], now=NOW)
        assert rules(crm, "two") == ["address"]
        verified = fact("two", "verified", -1, properties={"address": ADDRESS})
        crm.record([verified], now=NOW)
        assert rules(crm, "two") == [None]

    def test_a_consent_to_something_else_lifts_nothing(self, two):
        """And who has withdrawn may still agree to an assessment, at their own address."""
        crm = two(fact("one", "unsubscribed", -3))
        agreed = [
            Consent(at=NOW - DAY, purpose="assessment").given_by(key) for key in ("one", "two")
        ]
        crm.record(agreed, now=NOW)
        assert rules(crm, "one", "two", purpose="assessment") == [None, "address"]


class TestListsOfTheHost:
    def test_a_list_holds_for_who_is_there_and_who_comes(self, start):
        """It says how many were new; repeats and other cases are one address."""
        crm = start(person("one"))
        listed = [ADDRESS, "SHARED@example.org", "later@example.org"]
        assert [crm.suppress(listed, now=NOW), crm.suppress(listed, now=NOW)] == [2, 0]
        crm.capture_all([person("late", email="later@example.org")], now=NOW)
        assert rules(crm, "one", "late") == ["address", "address"]

    def test_numbers_and_links_are_listed_by_their_channel(self, start):
        """A number for texts and calls."""
        crm = start(
            person(
                "one",
                Consent(at=NOW - DAY).given_by("one"),
                phones=["+44 20 1"],
                links=["https://linkedin.com/in/one"],
            )
        )
        assert crm.suppress(["+44 (20) 1"], channel=Channel.TEXT, now=NOW) == 1
        assert crm.suppress(["linkedin.com/in/one/"], channel=Channel.LINKEDIN, now=NOW) == 1
        channels = [Channel.TEXT, Channel.PHONE, Channel.LINKEDIN, Channel.EMAIL]
        found = [
            crm.may_contact("one", channel=each, now=NOW + 3 * DAY / 24).rule for each in channels
        ]
        assert found == ["address", "address", "address", None]

    @pytest.mark.parametrize(
        ("addresses", "more", "error", "path"),
        [
            (["ada@x.org", "secret"], {}, InvalidRecord, "addresses[1]"),
            ("ada@x.org", {}, InvalidRecord, "addresses"),
            (["ada@x.org"], {"reason": "liste"}, UnknownName, ""),
            (["ada@x.org"], {"channel": "web"}, InvalidRecord, "channel"),
        ],
    )
    def test_a_faulty_list_changes_nothing(self, start, addresses, more, error, path):
        """The error leads to the fault, and shows no address."""
        crm = start()
        store = crm._work.store
        with pytest.raises(error) as caught:
            crm.suppress(addresses, now=NOW, **more)
        assert caught.value.path == path
        assert "secret" not in str(caught.value)
        assert store.suppressions([address_digest("ada@x.org")]) == {}

    def test_who_has_the_address_moves_at_once(self, start):
        """A segment that asks for permission hears of it."""
        may = Segment("may", permitted())
        crm = start(person("one"), segments=[may])
        crm.segment(now=NOW)
        assert crm.members("may") == ("one",)
        crm.suppress([ADDRESS], now=NOW)
        assert crm.members("may") == ()
        crm.record([Consent(at=NOW + DAY).given_by("one")], now=NOW + DAY)
        assert crm.members("may") == ("one",)

    def test_what_another_says_moves_who_has_the_address(self, two, store):
        """In the same call."""
        may = Segment("may", permitted())
        two()
        crm = CRM(store, segments=[may])
        crm.segment(now=NOW)
        assert crm.members("may") == ("one", "two")
        crm.record([fact("one", "unsubscribed", 0)], now=NOW)
        assert crm.members("may") == ()

    def test_so_it_does_if_a_fact_about_them_comes_too(self, two, store):
        """One that no segment reads."""
        two()
        crm = CRM(store, segments=[Segment("may", permitted())])
        crm.segment(now=NOW)
        crm.record([fact("one", "complained", 0), fact("two", "x-seen", 0)], now=NOW)
        assert crm.members("may") == ()


class TestSending:
    def test_nothing_goes_to_a_silent_address(self, start, sender):
        """A new id, the same address: refused, and sent once they have agreed."""
        crm = start(person("one"), playbook=playbook())
        crm.suppress([ADDRESS], now=NOW)
        report = crm.engage(now=NOW)
        assert (len(report.sent), len(sender.messages)) == (0, 0)
        crm.record([Consent(at=NOW + DAY).given_by("one")], now=NOW + DAY)
        assert len(crm.engage(now=NOW + DAY).sent) == 1

    def test_who_waits_for_a_touch_is_looked_at_again(self, start, sender):
        """Enrolled before, silent when it is due."""
        touches = [
            Touch(key=key, week=week, purpose="p", level=2, subject="s", bodies=["b"])
            for key, week in (("hello", 0), ("again", 2))
        ]
        book = Playbook(otherwise=Cadence(name="two", touches=touches))
        crm = start(person("one"), playbook=book)
        crm.engage(now=NOW)
        crm.suppress([ADDRESS], now=NOW + DAY)
        assert crm.engage(now=NOW + DAY).checked == 1
        crm.engage(now=NOW + 15 * DAY)
        assert len(sender.messages) == 1

    def test_may_contact_is_the_arbiter_of_the_policy(self, start):
        """Channel, purpose and policy count; who is not known is an error."""
        crm = start(person("one"), policy=ContactPolicy(cap=1))
        assert crm.may_contact("one", now=NOW)
        crm.record([fact("one", "messaged", 0)], now=NOW)
        capped = crm.may_contact("one", now=NOW)
        assert (capped.rule, capped.next_allowed) == ("cap", NOW + 7 * DAY)
        assert crm.may_contact("one", channel=Channel.TEXT, now=NOW).rule == "no_basis"
        with pytest.raises(NotFound):
            crm.may_contact("eve", now=NOW)
