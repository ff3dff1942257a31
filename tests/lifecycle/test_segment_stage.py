"""Segment: who entered and who left, why, and when the clock alone moves somebody."""

from datetime import UTC, datetime, timedelta

import attrs
import pytest

from crmkit import CRM
from crmkit.model import Candidate, Interaction, Relationship
from crmkit.protocols import BATCH
from crmkit.segmentation import Segment, event, everyone, field
from crmkit.senders import MemorySender
from crmkit.stores import MemoryStore

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
READERS = Segment("readers", event("clicked").within(days=30))
GOPHERS = Segment("gophers", field.skills.has_any("go"))


def fact(who, kind, days_ago, **more):
    return Interaction(candidate_id=who, kind=kind, at=NOW - days_ago * DAY, **more)


@pytest.fixture
def crm(store):
    return CRM(store, MemorySender(), segments=[READERS, GOPHERS])


class StrictStore(MemoryStore):
    """A store that takes at most as many ids as the protocol says."""

    def interactions(self, candidate_ids):
        assert len(candidate_ids) <= BATCH
        return super().interactions(candidate_ids)

    def memberships(self, candidate_ids=None):
        assert len(candidate_ids) <= BATCH
        return super().memberships(candidate_ids)

    def enrollments(self, candidate_ids=None):
        assert len(candidate_ids) <= BATCH
        return super().enrollments(candidate_ids)

    def touches(self, candidate_ids=None):
        assert len(candidate_ids) <= BATCH
        return super().touches(candidate_ids)

    def find_candidates(self, keys):
        assert len(keys) <= BATCH
        return super().find_candidates(keys)


def moves(run):
    return [(move.candidate_id, move.segment, move.entered) for move in run.transitions]


class TestSegment:
    def test_says_who_entered_and_why(self, crm, store):
        """A transition carries the instant and the reason; the membership the same."""
        crm.capture(Candidate(id="a", skills=["go"]), [fact("a", "clicked", 10)])
        crm.capture(Candidate(id="b"))
        run = crm.segment(now=NOW)
        assert moves(run) == [("a", "readers", True), ("a", "gophers", True)]
        assert {move.at for move in run.transitions} == {NOW}
        assert str(run.entered[0].because) == (
            "✓ clicked within the last 30 days (found 1, last on 2026-02-20), "
            "until 2026-03-22 09:00 UTC"
        )
        assert dict(run.sizes) == {"readers": 1, "gophers": 1}
        kept = {each.segment: each for each in store.memberships(["a"])}
        assert kept["readers"].next_change == NOW + 20 * DAY
        assert (kept["gophers"].since, kept["gophers"].next_change) == (NOW, None)
        assert run.next_change == NOW + 20 * DAY

    def test_time_alone_moves_people_out(self, crm, store):
        """At `next_change` and not before, without a new fact, the person leaves."""
        crm.capture(Candidate(id="a"), [fact("a", "clicked", 10)])
        turn = crm.segment(now=NOW).next_change
        assert moves(crm.segment(now=turn - timedelta(microseconds=1))) == []
        run = crm.segment(now=turn)
        assert moves(run) == [("a", "readers", False)]
        assert (run.left[0].because.holds, run.entered) == (False, ())
        assert list(store.memberships()) == []

    def test_twice_changes_nothing(self, crm, store, dump):
        """A second run at the same instant moves nobody and writes nothing."""
        for key in "abc":
            crm.capture(Candidate(id=key, skills=["go"]), [fact(key, "clicked", 3)])
        first = crm.segment(now=NOW)
        before = dump(store)
        second = crm.segment(now=NOW)
        assert (second.transitions, second.sizes) == ((), first.sizes)
        assert dump(store) == before

    def test_who_stays_keeps_since_and_gets_new_reasons(self, crm, store):
        """A membership that goes on is renewed in its reasons, not in its beginning."""
        crm.capture(Candidate(id="a"), [fact("a", "clicked", 10)])
        crm.segment(now=NOW)
        crm.record([Interaction(candidate_id="a", kind="clicked", at=NOW + DAY)], now=NOW + DAY)
        assert crm.segment(now=NOW + 2 * DAY).transitions == ()
        kept = store.memberships(["a"])[0]
        assert (kept.since, kept.next_change) == (NOW, NOW + 31 * DAY)

    def test_a_segment_no_longer_defined_ends_its_memberships(self, crm, store):
        """What nobody asks any more has no members."""
        crm.capture(Candidate(id="a", skills=["go"]))
        crm.segment(now=NOW)
        run = CRM(store, segments=[READERS]).segment(now=NOW + DAY)
        assert moves(run) == [("a", "gophers", False)]
        assert run.left[0].because.text.startswith("no longer asked: ")
        assert list(store.memberships()) == []
        assert dict(run.sizes) == {"readers": 0}

    def test_the_erased_leave(self, crm, store):
        """Who was erased is in no segment, not even in that of everyone."""
        store_all = CRM(store, segments=[Segment("all", everyone())])
        store_all.capture(Candidate(id="a", emails=["x@y.org"]))
        store_all.segment(now=NOW)
        run = store_all.capture(Candidate(id="a", erased=True), now=NOW + DAY)
        assert moves(run) == [("a", "all", False)]
        assert dict(store_all.segment(now=NOW + DAY).sizes) == {"all": 0}

    def test_memberships_of_a_merged_record_end(self, crm, store):
        """A host that merges in its own table leaves no membership behind."""
        crm.capture_all([Relationship(Candidate(id=key, skills=["go"])) for key in "ab"])
        crm.segment(now=NOW)
        store.delete_candidates(["b"])
        store.put_candidates([Candidate(id="a", skills=["go"], aliases=["b"])])
        run = crm.segment(now=NOW + DAY)
        assert moves(run) == [("b", "gophers", False)]
        assert run.left[0].because.text == "merged into a"

    def test_coming_back_never_deletes_an_enrolment(self, store):
        """Who leaves and re-enters a segment goes on in the cadence they are in."""
        crm = CRM(store, MemorySender(), segments=[READERS])
        known = Candidate(id="a", emails=["a@x.org"])
        crm.capture(known, [fact("a", "captured", 20), fact("a", "clicked", 10)])
        crm.segment(now=NOW)
        crm.engage(now=NOW)
        before = list(store.enrollments()), list(store.touches())
        assert len(crm.segment(now=NOW + 25 * DAY).left) == 1
        crm.record([Interaction(candidate_id="a", kind="clicked", at=NOW + 26 * DAY)])
        assert len(crm.segment(now=NOW + 27 * DAY).entered) == 1
        assert (list(store.enrollments()), list(store.touches())) == before
        assert crm.engage(now=NOW + 27 * DAY).enrolled == ()

    def test_facts_of_the_future_do_not_exist_yet(self, crm):
        """A fact dated later counts from its own instant on, which is the next change."""
        crm.capture(Candidate(id="a"), [fact("a", "clicked", -5)])
        run = crm.segment(now=NOW)
        assert (run.transitions, run.next_change) == ((), NOW + 5 * DAY)
        assert moves(crm.segment(now=NOW + 5 * DAY)) == [("a", "readers", True)]

    def test_prints_sizes_and_reprs_counts(self, crm):
        """The summary has every segment; neither names a person."""
        crm.capture(Candidate(id="a", name="Canary", skills=["go"]))
        run = crm.segment(now=NOW)
        assert repr(run) == "<SegmentRun: 1 entered, 0 left>"
        assert str(run).splitlines() == [
            "1 entered and 0 left at 2026-03-02",
            "  readers       0",
            "  gophers       1",
        ]
        assert "<td>gophers</td><td>1</td>" in run._repr_html_()
        assert str(attrs.evolve(run, sizes={})) == "1 entered and 0 left at 2026-03-02"

    def test_no_call_is_given_more_ids_than_the_protocol_says(self):
        """People with very many aliases are read in parts, and wholly."""
        crm = CRM(StrictStore(), MemorySender(), segments=[GOPHERS])
        aliases = [f"old{i}" for i in range(1200)]
        known = Candidate(id="a", skills=["go"], aliases=aliases, emails=["a@x.org"])
        crm.capture(known, [fact("old1199", "captured", 3)])
        assert len(crm.segment(now=NOW).entered) == 1
        assert len(crm.engage(now=NOW).sent) == 1
        assert (crm.tasks(now=NOW), len(crm.explain("old7", now=NOW).plans)) == ((), 1)

    def test_progress_is_told_how_many_are_done(self, crm):
        """The total is unknown: a store is read as it goes."""
        crm.capture_all(Relationship(Candidate(id=f"p{i:03}")) for i in range(300))
        told = []
        crm.segment(now=NOW, progress=lambda done, total: told.append((done, total)))
        assert told == [(125, None), (250, None), (300, None)]
