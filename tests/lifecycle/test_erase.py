"""Erasure: nothing that a person said or is stays, and their no does."""

import pickle
import sqlite3
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmkit import CRM
from crmkit.cadence import Cadence, Playbook, Touch
from crmkit.errors import NotFound, StoreError
from crmkit.lifecycle import Erased
from crmkit.model import (
    Candidate,
    Channel,
    Consent,
    Delivery,
    Employment,
    Interaction,
    Receipt,
    Relationship,
    address_digest,
)
from crmkit.protocols import Sender
from crmkit.segmentation import Segment, event, everyone, field
from crmkit.stores import MemoryStore

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
CANARY = "c4n4ry"
ADDRESS = f"{CANARY}@example.org"
TOUCHES = [
    Touch(key=key, week=week, purpose="p", level=2, subject="Hello {name}", bodies=["b {company}"])
    for key, week in (("hello", 0), ("again", 2))
]
BOOK = Playbook(otherwise=Cadence(name="short", touches=TOUCHES))
SEGMENTS = [
    Segment("there", field.company.contains(CANARY) & everyone()),
    Segment("met", event("met").within(days=30)),
    Segment("python", field.skills.has_any("python", CANARY)),
]


class Chatty(Sender):
    """A provider that repeats what it was given."""

    def send(self, message):
        return Receipt(
            delivery=Delivery.ACCEPTED, provider_id=f"{message.to}-7", detail=f"to {message.to}"
        )


def ada(key="ada", **more):
    """Return somebody of whom every text is a canary."""
    return Candidate(
        id=key,
        name=f"Ada {CANARY}",
        emails=[ADDRESS, f"second.{ADDRESS}"],
        phones=[f"+44 {CANARY} 20"],
        links=[f"https://linkedin.com/in/{CANARY}"],
        company=f"{CANARY} Engines",
        title=CANARY,
        skills=["python", CANARY],
        topics=[CANARY],
        summary=f"worked at {CANARY}",
        employments=[Employment(company=CANARY, since="2020-01-01")],
        city=CANARY,
        region=CANARY,
        external_ids={CANARY: CANARY},
        custom={CANARY: {"deep": [CANARY]}},
        **more,
    )


def fact(kind, day=-1.0, who="ada", **more):
    return Interaction(candidate_id=who, kind=kind, at=NOW + day * DAY, **more)


def told(kind, day=-1.0, **more):
    """Return a fact that says much."""
    said = {"said": f"I am {CANARY}", "address": ADDRESS, CANARY: [{"deep": CANARY}]}
    return fact(kind, day, **({"outcome": f"{CANARY}!", "properties": said} | more))


def kept(store):
    """Return all that the store in memory holds, as bytes."""
    tables = [vars(table) for table in vars(store).values() if hasattr(table, "rows")]
    return pickle.dumps([[table["rows"], table.get("_heap")] for table in tables]) + pickle.dumps(
        len(store._undo)
    )


def lived(store, facts):
    """Let somebody live through segments and a cadence; return the CRM."""
    crm = CRM(store, Chatty(), segments=SEGMENTS, playbook=BOOK)
    crm.capture_all(
        [
            Relationship(ada(), [fact("captured", -9), told("met", -2), *facts]),
            Relationship(Candidate(id="bob", emails=["bob@example.org"]), [fact("met", who="bob")]),
        ],
        now=NOW,
    )
    crm.segment(now=NOW)
    crm.engage(now=NOW)
    return crm


KINDS = st.sampled_from(
    ["met", "noted", "replied", "consented", "unsubscribed", "bounced", "complained", "x-own"]
)
FACTS = st.lists(st.builds(told, KINDS, st.integers(-8, 1)), max_size=5)


class TestCanaries:
    @given(FACTS)
    def test_nothing_is_left_in_memory(self, facts):
        """No text of theirs is in any table, whatever was told of them."""
        store = MemoryStore()
        crm = lived(store, facts)
        assert CANARY.encode() in kept(store)
        crm.erase("ada", now=NOW)
        assert CANARY.encode() not in kept(store)

    @pytest.mark.skipif(find_spec("sqlalchemy") is None, reason="needs SQLAlchemy")
    @settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(FACTS)
    def test_nothing_is_left_in_the_file(self, tmp_path_factory, facts):
        """Neither in a row nor in what was freed, once the file is closed."""
        from crmkit.stores import SQLStore

        path = tmp_path_factory.mktemp("erase") / "talent.db"
        with SQLStore(f"sqlite:///{path}") as store:
            lived(store, facts).erase("ada", now=NOW)
        with sqlite3.connect(path) as raw:
            names = [row[0] for row in raw.execute("SELECT name FROM sqlite_master")]
            dump = "\n".join(raw.iterdump())
        raw.close()
        assert "crmkit_suppressions" in names
        assert CANARY not in dump
        assert CANARY.encode() not in path.read_bytes()

    def test_what_comes_in_later_is_made_empty(self):
        """A webhook, an import of the same record, a merge: the tombstone keeps ids and counts."""
        store = MemoryStore()
        crm = lived(store, [])
        crm.erase("ada", now=NOW)
        crm.record([told("replied", 1)], now=NOW + DAY)
        crm.capture(ada(), [told("met", 1)], now=NOW + DAY)
        crm.capture(ada("new-id", aliases=["ada"]), [], now=NOW + DAY)
        eve = Candidate(id="eve", name=CANARY)
        crm.capture(eve, [told("met", 1, who="eve")], now=NOW + DAY)
        crm.merge("eve", "ada", now=NOW + DAY)
        assert CANARY.encode() not in kept(store)
        found = crm.relationship("ada")
        assert (found.candidate.erased, set(found.candidate.ids)) == (
            True,
            {"eve", "ada", "new-id"},
        )
        assert "replied" in {each.kind for each in found.history}

    def test_merging_the_erased_into_somebody_forgets_both(self):
        """They are one person, who asked to be forgotten; their other address is silent, too."""
        store = MemoryStore()
        crm = lived(store, [])
        crm.erase("ada", now=NOW)
        eve = Candidate(id="eve", name=CANARY, emails=[f"eve.{ADDRESS}"])
        crm.capture(eve, [told("met", who="eve")], now=NOW)
        crm.merge("eve", "ada", now=NOW)
        assert CANARY.encode() not in kept(store)
        assert store.suppressions([address_digest(f"eve.{ADDRESS}")])


@pytest.fixture
def crm(store):
    return lived(store, [told("replied", -3, outcome="Positive"), told("bounced", -3)])


class TestWhatStays:
    def test_it_says_what_it_did(self, crm):
        """Counts, and no text of theirs."""
        done = crm.erase("ada", now=NOW)
        expected = {
            "candidate_id": "ada",
            "record": True,
            "interactions": 4,
            "transitions": 6,
            "touches": 1,
            "memberships": 3,
            "addresses": 4,
        }
        assert attrs.asdict(done) == expected
        assert str(done) == (
            "ada erased: the record, 4 interactions, 6 transitions, 1 ledger record; "
            "3 memberships ended, 4 addresses suppressed"
        )
        assert CANARY not in repr(done)

    def test_twice_changes_nothing(self, crm, store, dump):
        """Also under an alias, and nobody is woken for it."""
        crm.erase("ada", now=NOW)
        before, woken = dump(store), list(store.agenda(NOW))
        assert crm.erase("ada", now=NOW + DAY) == Erased(candidate_id="ada")
        assert (dump(store), list(store.agenda(NOW))) == (before, woken)

    def test_the_tombstone_is_ids_alone(self, crm):
        """An alias finds it."""
        crm.capture(ada("other"), now=NOW)
        crm.erase("other", now=NOW)
        expected = Candidate(id="ada", aliases=["other"], erased=True)
        assert crm.relationship("other").candidate == expected

    def test_facts_keep_what_is_counted(self, crm):
        """Kind, instant, channel, what they belong to, and outcomes in one word of the field."""
        before = {each.id: each for each in crm.relationship("ada").history}
        crm.erase("ada", now=NOW)
        after = {each.id: each for each in crm.relationship("ada").history}
        assert after.keys() == before.keys()
        for key, was in before.items():
            positive = was.outcome if was.outcome == "Positive" else None
            assert after[key] == attrs.evolve(was, properties={}, outcome=positive)
        assert [each.outcome for each in after.values() if each.kind == "replied"] == ["Positive"]

    def test_moves_keep_who_when_and_which(self, crm, store):
        """They leave every segment; the reasons are gone."""
        before = list(store.transitions(["ada"]))
        crm.erase("ada", now=NOW)
        after = list(store.transitions(["ada"]))
        assert [*store.memberships(["ada"]), *store.watches(["ada"])] == []
        entered = [each for each in after if each.entered]
        assert [(each.segment, each.at) for each in entered] == [
            (each.segment, each.at) for each in before
        ]
        assert {(each.segment, each.at) for each in after if not each.entered} == {
            (segment.name, NOW) for segment in SEGMENTS
        }
        assert {(each.because.text, each.because.found) for each in after} == {("erased", None)}

    def test_counts_of_runs_stay(self, crm, store):
        """Enrolments as they were; the ledger without its details."""
        runs, (record,) = list(store.enrollments(["ada"])), store.touches(["ada"])
        assert CANARY in record.provider_id
        crm.erase("ada", now=NOW)
        assert list(store.enrollments(["ada"])) == runs
        expected = attrs.evolve(record, provider_id=None, detail=None)
        assert list(store.touches(["ada"])) == [expected]

    def test_others_are_left_alone(self, crm):
        """Nothing of anybody else changes."""
        before = crm.export("bob", now=NOW)
        crm.erase("ada", now=NOW)
        assert crm.export("bob", now=NOW) == before

    def test_nobody_is_written_to(self, crm, store):
        """They are looked at at once, and no touch goes any more."""
        crm.erase("ada", now=NOW)
        assert "ada" in {each.candidate_id for each in store.agenda(NOW)}
        report = crm.engage(now=NOW + 14 * DAY)
        assert [each.candidate_id for each in report.sent] == ["bob"]
        assert crm.may_contact("ada", now=NOW).rule == "erased"
        assert crm.segment(now=NOW + 14 * DAY).entered == () or "ada" not in {
            each.candidate_id for each in crm.segment(now=NOW + 15 * DAY).entered
        }

    def test_somebody_unknown_is_an_error(self, crm):
        """There is nobody to forget."""
        with pytest.raises(NotFound):
            crm.erase("eve", now=NOW)


class TestTheAddressAfterwards:
    def test_it_is_silent_under_a_new_id_until_they_agree_anew(self, crm):
        """An old consent that is imported again is none."""
        crm.record([fact("verified", -1, properties={"address": ADDRESS})], now=NOW)
        crm.erase("ada", now=NOW)
        old = Consent(at=NOW - DAY).given_by("again")
        done = crm.capture(Candidate(id="again", emails=[ADDRESS]), [old], now=NOW + DAY)
        assert done.created == ("again",)
        assert crm.may_contact("again", now=NOW + DAY).rule == "address"
        crm.record([Consent(at=NOW + DAY).given_by("again")], now=NOW + DAY)
        assert crm.may_contact("again", now=NOW + DAY)

    def test_every_address_is_silent(self, crm, store):
        """E-mail, phone and link."""
        crm.erase("ada", now=NOW)
        person = ada()
        digests = [
            *map(address_digest, person.emails),
            address_digest(person.phones[0], Channel.PHONE),
            address_digest(person.links[0], Channel.LINKEDIN),
        ]
        reasons = {
            digest: {each.reason for each in store.suppressions([digest])[digest]}
            for digest in digests
        }
        assert all("erased" in found for found in reasons.values())
        assert "bounced" in reasons[digests[0]]


class Broken(MemoryStore):
    """A candidate table that cannot be written any more."""

    def put_candidates(self, candidates):
        raise StoreError("the disk is full")


def test_it_is_all_or_nothing(store, dump):
    """A host's candidate table that fails takes everything back."""
    crm = lived(store, [])
    table = Broken()
    for person in store.candidates():
        MemoryStore.put_candidates(table, [person])
    before, agenda = dump(store), list(store.agenda(NOW))
    with pytest.raises(StoreError):
        CRM(store, candidates=table).erase("ada", now=NOW)
    assert (dump(store), list(store.agenda(NOW))) == (before, agenda)
    assert store.suppressions([address_digest(ADDRESS)]) == {}
    assert crm.may_contact("ada", now=NOW).rule != "erased"
