"""Capture: recognising people, merging them, and all or nobody."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit import CRM
from crmkit.errors import AmbiguousIdentity, InvalidRecord, NotFound, StoreError
from crmkit.lifecycle import merge
from crmkit.model import Candidate, Interaction, Interest, Relationship, identity_keys
from crmkit.permission import permission
from crmkit.protocols import CandidateStore
from crmkit.segmentation import Segment, everyone
from crmkit.senders import MemorySender
from crmkit.stores import MemoryStore
from crmkit.testing import strategies as some

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def fact(who, kind="met", day=1, **more):
    return Interaction(candidate_id=who, kind=kind, at=datetime(2026, 1, day, tzinfo=UTC), **more)


def person(key, *facts, **known):
    return Relationship(Candidate(id=key, **known), facts)


@pytest.fixture
def crm(store):
    return CRM(store, MemorySender())


class TestRecognition:
    def test_new_people_are_created_with_their_facts(self, crm):
        """Everyone unknown is new, and their facts are in the log."""
        done = crm.capture_all([person("a", fact("a")), person("b", fact("b"))])
        assert (done.created, done.updated, done.interactions) == (("a", "b"), (), 2)
        assert list(crm.relationship("a").history) == [fact("a")]

    def test_who_comes_without_a_history_was_captured_now(self, crm):
        """Retention needs a start: it is the capture, once, of somebody new."""
        done = crm.capture_all([person("a", fact("a")), person("b")], now=NOW)
        assert (done.created, done.interactions) == (("a", "b"), 2)
        (captured,) = crm.relationship("b").history
        assert (captured.kind, captured.at) == ("captured", NOW)
        assert permission(crm.relationship("b"), now=NOW).rule != "retention"
        again = crm.capture(Candidate(id="b"), now=NOW + timedelta(days=1))
        assert (again.created, again.updated, again.interactions) == ((), (), 0)

    def test_of_the_erased_no_arrival_is_logged(self, crm):
        """A tombstone that is captured stays without facts."""
        crm.capture(Candidate(id="a", erased=True), now=NOW)
        assert len(crm.relationship("a").history) == 0

    def test_one_address_in_any_case_is_one_person(self, crm):
        """An e-mail address is compared without case; the spelling that was known first stays."""
        crm.capture(Candidate(id="a", emails=["Ada@Example.org"]))
        done = crm.capture(Candidate(id="b", emails=["aDA@example.ORG"]))
        assert (done.created, done.updated, done.merged) == ((), ("a",), {"b": "a"})
        assert crm.relationship("a").candidate.emails == ("Ada@example.org",)

    def test_one_external_id_is_one_person(self, crm):
        """The same id in the same system is the same person, in another system it is not."""
        crm.capture(Candidate(id="a", external_ids={"ats": "7"}))
        crm.capture(Candidate(id="b", external_ids={"ats": "7", "lever": "x"}))
        crm.capture(Candidate(id="c", external_ids={"lever": "7"}))
        assert [each.id for each in crm.relationships()] == ["a", "c"]
        assert crm.relationship("b").candidate.external_ids == {"ats": "7", "lever": "x"}

    def test_a_merge_keeps_both_histories(self, crm):
        """Facts under the id that was merged away are found under both ids."""
        crm.capture(Candidate(id="a", emails=["x@y.org"]), [fact("a", day=2)])
        crm.capture(Candidate(id="b", emails=["x@y.org"]), [fact("b", day=1)])
        assert [each.candidate_id for each in crm.relationship("a").history] == ["b", "a"]
        assert crm.relationship("b") == crm.relationship("a")
        assert crm.record([fact("b", "replied", 3)]).interactions == 1
        assert crm.relationship("a").history.last() == fact("b", "replied", 3)

    def test_two_of_one_call_may_be_one_person(self, crm):
        """People are recognised among those that come with them."""
        done = crm.capture_all(
            [
                person("a", fact("a"), emails=["x@y.org"]),
                person("b", fact("b"), emails=["X@y.org"], external_ids={"ats": "1"}),
                person("c", fact("c"), external_ids={"ats": "1"}),
            ]
        )
        assert (done.created, done.merged) == (("a",), {"b": "a", "c": "a"})
        assert len(crm.relationship("c").history) == 3

    def test_an_id_decides_over_an_address(self, crm):
        """A record that is known by its id stays who it is when it takes on an address."""
        crm.capture_all([person("a", emails=["a@x.org"]), person("b", emails=["b@x.org"])])
        crm.capture(Candidate(id="a", emails=["b@x.org"]))
        assert [each.id for each in crm.relationships()] == ["a", "b"]
        with pytest.raises(AmbiguousIdentity):
            crm.capture(Candidate(id="c", emails=["b@x.org"]))

    def test_a_shared_address_is_ambiguous_in_one_call_as_in_two(self, crm):
        """Who owns an address does not depend on how the people were handed in."""
        crm.capture_all([person("a", emails=["a@x.org"]), person("b", emails=["b@x.org"])])
        with pytest.raises(AmbiguousIdentity) as caught:
            crm.capture_all([person("a", emails=["b@x.org"]), person("c", emails=["b@x.org"])])
        assert caught.value.matches == ("a", "b")

    def test_an_alias_that_somebody_else_is_known_by_is_ambiguous(self, crm):
        """Ids never make two people share a history without a merge."""
        crm.capture_all([person("a"), person("b")])
        with pytest.raises(AmbiguousIdentity):
            crm.capture(Candidate(id="a", aliases=["b"]))

    def test_nobody_is_their_own_alias(self, crm):
        """An id that a record gives as its alias too says nothing new."""
        crm.capture(Candidate(id="a", aliases=["a", "b"]))
        assert crm.relationship("b").candidate.aliases == ("b",)

    def test_an_alias_leads_home(self, crm):
        """A record whose alias is known is that person."""
        crm.capture(Candidate(id="a"))
        assert crm.capture(Candidate(id="b", aliases=["a"])).merged == {"b": "a"}


class TestAllOrNobody:
    def test_ambiguity_writes_nothing(self, crm, store, dump):
        """In the middle of a hundred, one that could be two people leaves the store as it was."""
        crm.capture_all([person("a", emails=["a@x.org"]), person("b", emails=["b@x.org"])])
        before = dump(store)
        many = [person(f"n{i:03}", fact(f"n{i:03}")) for i in range(100)]
        many.insert(60, person("z", emails=["A@x.org", "B@x.org"]))
        with pytest.raises(AmbiguousIdentity) as caught:
            crm.capture_all(many)
        assert (caught.value.candidate_id, caught.value.matches) == ("z", ("a", "b"))
        assert "crm.merge" in str(caught.value)
        assert dump(store) == before
        assert not list(store.interactions(["n000"]))

    def test_twice_changes_nothing(self, crm, store, dump):
        """Capturing the same people again finds nothing new, also those who were merged."""
        people = [person(f"n{i:03}", fact(f"n{i:03}")) for i in range(120)]
        people += [person("x", fact("x"), emails=["n@x.org"], company="X")]
        people += [person("y", emails=["N@x.org"], company="Y", skills=["go"])]
        crm.capture_all(people)
        before = dump(store)
        again = crm.capture_all(people)
        assert (again.created, again.updated, again.interactions) == ((), (), 0)
        assert dump(store) == before

    def test_progress_counts_up_to_all(self, crm):
        """Progress is told how many are done, and of how many."""
        told = []
        people = [person(f"n{i:04}") for i in range(700)]
        crm.capture_all(people, progress=lambda done, total: told.append((done, total)))
        assert told == [(500, 700), (700, 700)]

    def test_prints_and_reprs(self, crm):
        """The result says how many, and no more."""
        done = crm.capture(Candidate(id="a", name="Canary"), [fact("a")])
        assert str(done) == "1 new, 0 updated, 0 merged, 1 new interactions"
        assert repr(done) == f"<Captured: {done}>"


class TestBadInput:
    @pytest.mark.parametrize(
        ("people", "message"),
        [
            ([Candidate(id="a")], "relationships[0]: expected Relationship, got Candidate"),
            (Candidate(id="a"), "relationships: expected a list of them, got Candidate"),
        ],
    )
    def test_what_is_no_relationship_is_named(self, crm, people, message):
        """A typed error says where it is, and what it is instead."""
        with pytest.raises(InvalidRecord) as caught:
            crm.capture_all(people)
        assert str(caught.value) == message

    @pytest.mark.parametrize(
        ("facts", "message"),
        [
            ([fact("a"), "met"], "interactions[1]: expected Interaction, got str"),
            (fact("a"), "interactions: expected a list of them, got Interaction"),
        ],
    )
    def test_what_is_no_interaction_is_named(self, crm, store, facts, message):
        """A typed error says where it is, and nothing is logged."""
        crm.capture(Candidate(id="a"))
        before = list(store.interactions(["a"]))
        with pytest.raises(InvalidRecord) as caught:
            crm.record(facts)
        assert (str(caught.value), list(store.interactions(["a"]))) == (message, before)


class TestMerge:
    def test_what_comes_in_wins_and_unknown_keeps(self):
        """Newer knowledge replaces older; what the newer record does not know stays."""
        known = Candidate(id="a", name="Ada", company="Old", title="Engineer", salary=5)
        got = merge(known, Candidate(id="b", company="New", salary=0))
        assert (got.id, got.name, got.company, got.title) == ("a", "Ada", "New", "Engineer")
        assert (got.salary, got.aliases) == (0, ("b",))

    def test_lists_and_mappings_are_united(self):
        """Nothing of a list is lost, and of a mapping the newer value counts."""
        known = Candidate(id="a", skills=["go"], custom={"x": 1, "y": 1}, emails=["A@x.org"])
        more = Candidate(
            id="b", skills=["sql", "go"], custom={"y": 2}, emails=["a@x.org", "b@x.org"]
        )
        got = merge(known, more)
        assert (got.skills, dict(got.custom)) == (("go", "sql"), {"x": 1, "y": 2})
        assert got.emails == ("A@x.org", "b@x.org")

    def test_what_they_say_about_timing_is_one_statement(self):
        """Another interest brings its own date or none; the same one keeps the date."""
        known = Candidate(id="a", interest="later", interested_from=NOW)
        assert merge(known, Candidate(id="b", interest="open")).interested_from is None
        again = merge(known, Candidate(id="b", interest="later"))
        assert (again.interest, again.interested_from) == (Interest.LATER, NOW)
        assert merge(known, Candidate(id="b")).interested_from == NOW
        lone = Candidate(id="b", interested_from=datetime(2030, 1, 1, tzinfo=UTC))
        assert merge(known, lone).interested_from == NOW

    @given(some.candidates("a"), some.candidates("b"))
    def test_wishes_are_never_undone(self, known, incoming):
        """Do-not-contact and erased survive every merge, on whichever side they were."""
        got = merge(known, incoming)
        if not known.erased:
            assert got.do_not_contact == (known.do_not_contact or incoming.do_not_contact)
        assert got.erased == (known.erased or incoming.erased)

    @given(some.candidates("a"), some.candidates("b"))
    def test_merging_again_changes_nothing(self, known, incoming):
        """A merge is idempotent, keeps the id, and is recognised by every key of both."""
        once = merge(known, incoming)
        assert merge(once, incoming) == once
        assert once.id == "a"
        assert "b" in once.aliases
        if not known.erased:
            keys = identity_keys(known) | identity_keys(attrs.evolve(incoming, external_ids={}))
            lost = {key for key in keys - identity_keys(once) if not key.startswith("external:")}
            assert not lost

    def test_of_the_erased_nothing_new_is_kept(self, crm, store):
        """Neither data nor facts of somebody who asked to be forgotten come back."""
        crm.capture(Candidate(id="a", external_ids={"ats": "1"}, erased=True))
        back = Candidate(id="b", external_ids={"ats": "1"}, name="Canary", emails=["c@x.org"])
        assert crm.capture(back, [fact("b")]).interactions == 0
        kept = crm.relationship("b")
        assert (kept.id, kept.candidate.name, kept.candidate.emails) == ("a", "", ())
        assert (kept.candidate.erased, len(kept.history)) == (True, 0)

    def test_do_not_contact_survives_a_later_import(self, crm):
        """An import that knows nothing of the wish does not undo it."""
        crm.capture(Candidate(id="a", emails=["x@y.org"], do_not_contact=True))
        crm.capture(Candidate(id="b", emails=["x@y.org"]))
        assert crm.relationship("a").candidate.do_not_contact is True


class TestOrder:
    def test_lists_and_histories_do_not_depend_on_the_order(self, make_store):
        """Whoever comes first gives the id; what is known in all is the same."""
        people = [
            person("a", fact("a"), emails=["1@x.org"], skills=["go"]),
            person("b", fact("b"), emails=["1@x.org", "2@x.org"], skills=["sql"]),
            person("c", fact("c"), emails=["2@x.org"], country="DE"),
            person("d", fact("d"), emails=["3@x.org"]),
        ]
        found = set()
        for some_order in permutations(people):
            order = [each.id for each in some_order]
            if order.index("b") > max(order.index("a"), order.index("c")):
                continue  # then b could be either of two people who are known apart
            crm = CRM(make_store())
            crm.capture_all(some_order)
            groups = [
                (
                    frozenset(each.candidate.ids),
                    frozenset(each.candidate.emails),
                    frozenset(each.candidate.skills),
                    each.candidate.country,
                    frozenset(each.history),
                )
                for each in crm.relationships()
            ]
            found.add(frozenset(groups))
        assert len(found) == 1

    @given(st.permutations([f"p{i}" for i in range(6)]))
    def test_strangers_may_come_in_any_order(self, order):
        """People who share nothing are the same pool in whatever order they come."""
        store = MemoryStore()
        done = CRM(store).capture_all(person(key, fact(key), emails=[f"{key}@x"]) for key in order)
        assert done.created == tuple(order)
        assert [each.id for each in store.candidates()] == sorted(order)


class TestRecord:
    def test_of_the_unknown_nothing_is_recorded(self, crm, store):
        """A fact about nobody is refused by id, with all that came with it."""
        crm.capture(Candidate(id="a"), [fact("a")])
        with pytest.raises(NotFound, match="no candidate 'b'"):
            crm.record([fact("a", day=2), fact("b")])
        assert list(crm.relationship("a").history) == [fact("a")]

    def test_a_fact_counts_once(self, crm):
        """Only facts that are not in the log yet are counted."""
        crm.capture(Candidate(id="a"), [fact("a")])
        assert crm.record([fact("a"), fact("a", day=2)]).interactions == 1
        assert crm.record([]).interactions == 0


class TestAbsorb:
    def test_keeps_the_knowledge_of_the_one_kept(self, crm):
        """What the kept record knows wins, and both histories are its own."""
        crm.capture(Candidate(id="a", company="A", emails=["a@x"]), [fact("a")])
        crm.capture(Candidate(id="b", company="B", title="T", emails=["b@x"]), [fact("b")])
        kept = crm.merge("a", "b", now=NOW)
        assert (kept.id, kept.company, kept.title, kept.aliases) == ("a", "A", "T", ("b",))
        assert [each.id for each in crm.relationships()] == ["a"]
        assert len(crm.relationship("b").history) == 2
        assert crm.capture(Candidate(id="c", emails=["B@x"])).merged == {"c": "a"}

    def test_twice_changes_nothing(self, crm, store, dump):
        """Merging again what was merged already returns the same record."""
        crm.capture_all([person("a"), person("b")])
        first = crm.merge("a", "b", now=NOW)
        before = dump(store)
        assert crm.merge("a", "b", now=NOW) == first
        assert dump(store) == before

    def test_memberships_of_the_absorbed_end_now(self, store):
        """The absorbed record leaves its segments, at the instant of the merge."""
        crm = CRM(store, segments=[Segment("all", everyone())])
        crm.capture_all([person("a"), person("b")])
        crm.segment(now=NOW)
        later = datetime(2026, 4, 1, tzinfo=UTC)
        crm.merge("a", "b", now=later)
        assert [each.candidate_id for each in store.memberships()] == ["a"]
        left = [move for move in store.transitions() if not move.entered]
        assert [(move.candidate_id, move.at) for move in left] == [("b", later)]
        assert left[0].because.text == "merged into a"

    @pytest.mark.parametrize(("keep", "other"), [("a", "x"), ("x", "a")])
    def test_both_must_be_known(self, crm, keep, other):
        """Who is not stored is named."""
        crm.capture(Candidate(id="a"))
        with pytest.raises(NotFound, match="'x'"):
            crm.merge(keep, other)

    def test_nobody_absorbs_themselves(self, crm):
        """One id given twice is a mistake."""
        with pytest.raises(InvalidRecord, match="expected two people"):
            crm.merge("a", "a")

    def test_the_erased_absorb_nothing(self, crm):
        """A tombstone that absorbs a record stays a tombstone; absorbed, it makes one."""
        crm.capture_all([person("a", erased=True), person("b", name="Canary")])
        kept = crm.merge("a", "b")
        assert (kept.erased, kept.name, kept.aliases) == (True, "", ("b",))
        crm.capture(Candidate(id="c", name="Canary"))
        absorbed = crm.merge("c", "a")
        assert (absorbed.id, absorbed.erased, absorbed.name) == ("c", True, "")
        assert absorbed.aliases == ("a", "b")


class HostTable(CandidateStore):
    """A candidate table that a host keeps for itself; truthiness as that of any collection."""

    def __init__(self):
        self.rows = {}
        self.broken = False

    def __len__(self):
        return len(self.rows)

    def put_candidates(self, candidates):
        if self.broken:
            raise StoreError("the host's table is read-only")
        self.rows |= {candidate.id: candidate for candidate in candidates}

    def get_candidates(self, ids):
        return {key: self.rows[key] for key in ids if key in self.rows}

    def find_candidates(self, keys):
        found = {}
        for candidate in self.rows.values():
            for key in identity_keys(candidate) & set(keys):
                found.setdefault(key, set()).add(candidate.id)
        return {key: frozenset(ids) for key, ids in found.items()}

    def candidates(self):
        yield from [self.rows[key] for key in sorted(self.rows)]

    def delete_candidates(self, ids):
        for key in ids:
            self.rows.pop(key, None)


class TestHostTable:
    def test_people_live_in_the_hosts_table(self, store):
        """With a table of the host's, an empty one too, no person is in our store."""
        table = HostTable()
        crm = CRM(store, MemorySender(), candidates=table)
        known = {"emails": ["ada@x.org"]}
        crm.capture(Candidate(id="ada", **known), [fact("ada", "captured")])
        crm.capture(Candidate(id="b", **known), [fact("b")])
        assert (list(table.rows), list(store.candidates())) == (["ada"], [])
        assert len(crm.relationship("b").history) == 2
        assert len(crm.engage(now=NOW).sent) == 1

    def test_when_the_table_fails_no_fact_is_kept(self, store):
        """The facts are taken back when the people cannot be stored."""
        table = HostTable()
        table.broken = True
        with pytest.raises(StoreError, match="read-only"):
            CRM(store, candidates=table).capture(Candidate(id="a"), [fact("a")])
        assert list(store.interactions(["a"])) == []

    def test_a_failed_merge_loses_nobody(self, store):
        """A table that fails in a merge still has both people."""
        table = HostTable()
        crm = CRM(store, candidates=table)
        crm.capture_all([person("a"), person("b")])
        table.broken = True
        with pytest.raises(StoreError):
            crm.merge("a", "b")
        assert sorted(table.rows) == ["a", "b"]
