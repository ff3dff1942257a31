"""Advance: the clock moves people at the very instant, and nobody else is looked at."""

from datetime import timedelta

import attrs
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from live_cases import DAY, NOW, PEOPLE, TICK, fact, facts, inside, rebuilt, segments

from crmkit import CRM
from crmkit.cadence import Enrollment
from crmkit.model import Candidate, Relationship
from crmkit.segmentation import Segment, Segmenter, event, everyone, field, member
from crmkit.stores import MemoryStore

READERS = Segment("readers", event("clicked").within(days=30))
SILENT = Segment("silent", ~event("replied").within(days=90))
GOPHERS = Segment("gophers", field.skills.has_any("go"))


def moves(run):
    return [(move.candidate_id, move.segment, move.entered, move.at) for move in run.transitions]


def told(found):
    return [(move.candidate_id, move.segment, move.entered) for move in found]


class Spy(MemoryStore):
    """Notes whose history was read."""

    def __init__(self):
        super().__init__()
        self.read = []

    def interactions(self, candidate_ids):
        self.read += candidate_ids
        return super().interactions(candidate_ids)


class TestClock:
    def test_who_leaves_leaves_at_the_instant(self, start, store):
        """A month late, the transition still carries the instant, the reason, and until when."""
        crm = start(
            Relationship(Candidate(id="a"), [fact("a", "clicked", NOW - 10 * DAY)]),
            segments=[READERS, SILENT],
        )
        assert crm.segment(now=NOW).entered[0].until == NOW + 20 * DAY
        run = crm.advance(now=NOW + 50 * DAY)
        assert moves(run) == [("a", "readers", False, NOW + 20 * DAY)]
        assert run.left[0].because.text == "clicked within the last 30 days"
        assert (run.checked, run.next_change) == (1, None)
        assert crm.members("readers") == ()

    def test_a_negative_rule_lets_somebody_in(self, start, store):
        """Nothing happens, and at the instant at which the reply is 90 days old they belong."""
        reply = fact("a", "replied", NOW - 10 * DAY)
        crm = start(Relationship(Candidate(id="a"), [reply]), segments=[SILENT])
        crm.segment(now=NOW)
        watch = store.watches()[0]
        assert (watch.inside, watch.since, watch.next_change) == (False, NOW, NOW + 80 * DAY)
        assert crm.advance(now=NOW + 80 * DAY - TICK).transitions == ()
        run = crm.advance(now=NOW + 80 * DAY)
        assert moves(run) == [("a", "silent", True, NOW + 80 * DAY)]
        assert (list(store.watches()), crm.members("silent")) == ([], ("a",))

    def test_who_never_did_anything_belongs_to_a_negative_rule(self, start):
        """Somebody without a single fact is silent, and needs no watch."""
        crm = start(segments=[SILENT])
        crm.segment(now=NOW)
        captured = crm.capture(Candidate(id="new"), now=NOW)
        assert told(captured.transitions) == [("new", "silent", True)]
        assert crm.advance(now=NOW + 400 * DAY).next_change is None

    def test_a_fact_of_the_future_arrives(self, start):
        """What was recorded ahead of its time counts from its own instant on."""
        crm = start(Relationship(Candidate(id="a")), segments=[READERS])
        crm.segment(now=NOW)
        recorded = crm.record([fact("a", "clicked", NOW + 5 * DAY)], now=NOW)
        assert recorded.transitions == ()
        assert moves(crm.advance(now=NOW + 40 * DAY)) == [
            ("a", "readers", True, NOW + 5 * DAY),
            ("a", "readers", False, NOW + 35 * DAY),
        ]

    def test_one_jump_is_two_moves_of_many_people_in_order(self, start):
        """The transitions of a call come by instant."""
        people = [
            Relationship(Candidate(id=key), [fact(key, "clicked", NOW - days * DAY)])
            for key, days in (("a", 1), ("b", 3), ("c", 2))
        ]
        crm = start(*people, segments=[READERS])
        crm.segment(now=NOW)
        assert [move.candidate_id for move in crm.advance(now=NOW + 60 * DAY).left] == list("bca")

    def test_the_clock_comes_before_what_is_told(self, start):
        """A fact told late moves them now; what the clock did before has its own instant."""
        crm = start(
            Relationship(Candidate(id="a"), [fact("a", "clicked", NOW)]), segments=[READERS]
        )
        crm.segment(now=NOW)
        at = NOW + 50 * DAY
        told_late = [fact("a", "clicked", at - 5 * DAY)]
        assert moves(crm.record(told_late, now=at)) == [
            ("a", "readers", False, NOW + 30 * DAY),
            ("a", "readers", True, at),
        ]
        corrected = crm.capture(Candidate(id="a", skills=["go"]), now=NOW + 90 * DAY)
        assert moves(corrected) == [("a", "readers", False, NOW + 75 * DAY)]

    def test_nobody_leaves_before_they_entered(self, start, store):
        """Told with a clock that went back, the log still says that they are outside."""
        never = Segment("never", event("clicked").never())
        crm = start(Relationship(Candidate(id="a")), segments=[never, GOPHERS])
        crm.capture(Candidate(id="b", skills=["go"]), [fact("b", "clicked", NOW)], now=NOW)
        crm.segment(now=NOW)
        told = crm.record([fact("a", "clicked", NOW - 5 * DAY)], now=NOW - 5 * DAY)
        assert moves(told) == [("a", "never", False, NOW)]
        erased = crm.capture(Candidate(id="b", erased=True), now=NOW - 5 * DAY)
        assert moves(erased) == [("b", "gophers", False, NOW)]
        assert (inside(store), crm.segment(now=NOW).transitions) == (set(), ())

    def test_says_when_to_call_again(self, start):
        """The next change is the first of all, and a call before it looks at nobody."""
        people = [
            Relationship(Candidate(id=key), [fact(key, "clicked", NOW - days * DAY)])
            for key, days in (("a", 1), ("b", 3))
        ]
        crm = start(*people, segments=[READERS])
        crm.segment(now=NOW)
        early = crm.advance(now=NOW + DAY)
        assert (early.checked, early.next_change) == (0, NOW + 27 * DAY)
        assert crm.advance(now=early.next_change).next_change == NOW + 29 * DAY

    def test_only_whose_time_has_come_are_read(self):
        """Of many people only the one who is due is loaded."""
        store = Spy()
        crm = CRM(store, segments=[READERS, SILENT])
        crm.capture_all(
            Relationship(Candidate(id=f"p{day}"), [fact(f"p{day}", "clicked", NOW - day * DAY)])
            for day in range(20)
        )
        crm.segment(now=NOW)
        store.read.clear()
        assert len(crm.advance(now=NOW + 11 * DAY).left) == 1
        assert store.read == ["p19"]

    def test_more_people_than_one_batch(self, start):
        """However many are due, all of them move, and progress is told."""
        people = [
            Relationship(Candidate(id=f"p{number:03}"), [fact(f"p{number:03}", "clicked", NOW)])
            for number in range(300)
        ]
        crm, heard = start(*people, segments=[READERS]), []
        crm.segment(now=NOW)
        run = crm.advance(
            now=NOW + 30 * DAY, progress=lambda done, total: heard.append((done, total))
        )
        assert (len(run.left), run.checked) == (300, 300)
        assert heard == [(125, None), (250, None), (300, None)]

    def test_prints_counts_and_no_people(self, start):
        """The summary says how many moved in which segment, and when to come back."""
        crm = start(
            Relationship(Candidate(id="a", name="Canary"), [fact("a", "clicked", NOW)]),
            segments=[READERS],
        )
        crm.segment(now=NOW)
        run = crm.advance(now=NOW + 31 * DAY)
        assert repr(run) == "<Moves: 0 entered, 1 left>"
        assert str(run).splitlines() == [
            "0 entered and 1 left by 2026-04-02; no clock changes more",
            "  readers: 0 entered, 1 left",
        ]
        assert "<td>readers</td><td>0 entered, 1 left</td>" in run._repr_html_()
        ahead = attrs.evolve(run, next_change=NOW)
        assert str(ahead).startswith("0 entered and 1 left by 2026-04-02; next change: 2026-03-02")


class TestFirstPass:
    def test_before_the_first_pass_nobody_is_moved(self, start, store):
        """Until then capture and record cost what they did: nothing is asked."""
        crm = start(segments=[READERS])
        assert crm.capture(Candidate(id="a"), [fact("a", "clicked", NOW)], now=NOW).entered == ()
        assert crm.record([fact("a", "clicked", NOW + DAY)], now=NOW).transitions == ()
        assert (store.definitions(), list(store.memberships())) == ({}, [])

    def test_advance_makes_the_first_pass(self, start, store):
        """A store that was never segmented is, at the first call."""
        crm = start(
            Relationship(Candidate(id="a"), [fact("a", "clicked", NOW)]), segments=[READERS]
        )
        run = crm.advance(now=NOW)
        assert (moves(run), run.checked) == ([("a", "readers", True, NOW)], 1)
        assert list(store.definitions()) == ["readers"]

    def test_stale_definitions_are_never_built_upon(self, start, store):
        """Whoever comes with other definitions marks the rest as stale; advance starts anew."""
        one = start(Relationship(Candidate(id="a")), segments=[READERS])
        one.segment(now=NOW)
        other = CRM(store, segments=[Segment("readers", everyone())])
        assert other.record([fact("a", "clicked", NOW)], now=NOW).transitions == ()
        assert store.definitions() == {}
        assert moves(one.advance(now=NOW)) == [("a", "readers", True, NOW)]
        assert moves(other.advance(now=NOW + DAY)) == []
        assert other.members("readers") == ("a",)

    def test_a_restart_with_a_change_loses_no_move_of_the_others(self, start, store):
        """What is as it was moves at its instant; what refers to a change is asked now."""
        clicked = [fact("a", "clicked", NOW), fact("a", "clicked", NOW + 40 * DAY)]
        fans = Segment("fans", member("gophers") & event("clicked").within(days=30))
        start(
            Relationship(Candidate(id="a", skills=["go"]), clicked),
            segments=[READERS, GOPHERS, fans],
        ).segment(now=NOW)
        crm = CRM(store, segments=[READERS, Segment("gophers", ~everyone()), fans])
        assert sorted(moves(crm.advance(now=NOW + 50 * DAY))) == [
            ("a", "fans", False, NOW + 50 * DAY),
            ("a", "gophers", False, NOW + 50 * DAY),
            ("a", "readers", False, NOW + 30 * DAY),
            ("a", "readers", True, NOW + 40 * DAY),
        ]

    def test_a_pass_that_was_cut_off_is_made_again(self, make_store):
        """Half a pass is not taken for a whole one; what is captured meanwhile is moved."""
        store = make_store()
        crm = CRM(store, segments=[READERS])
        crm.capture_all(
            Relationship(Candidate(id=f"p{number:03}"), [fact(f"p{number:03}", "clicked", NOW)])
            for number in range(130)
        )

        def stop(done, total):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            crm.segment(now=NOW, progress=stop)
        assert len(list(store.memberships())) == 125
        assert crm.capture(Candidate(id="z"), [fact("z", "clicked", NOW)], now=NOW).entered
        assert len(crm.advance(now=NOW).entered) == 5

    def test_two_definitions_in_two_processes_do_not_pass_for_one(self, make_store):
        """A pass during which somebody else had other definitions is not held for finished."""
        store = make_store()
        one = CRM(store, segments=[READERS])
        other = CRM(store, segments=[SILENT])
        one.capture_all(
            Relationship(Candidate(id=f"p{number:03}"), [fact(f"p{number:03}", "clicked", NOW)])
            for number in range(130)
        )

        def meanwhile(done, total):
            if done == 125:
                other.segment(now=NOW)

        one.segment(now=NOW, progress=meanwhile)
        assert store.definitions() == {}
        assert (len(one.advance(now=NOW).entered), len(one.members("readers"))) == (125, 130)


class TestRebuild:
    def test_dropping_what_is_stored_and_segmenting_again(self, make_store):
        """Who is inside, why and until when is the same, since when comes from the log."""
        segments = [READERS, SILENT, GOPHERS]
        crm = CRM(make_store(), segments=segments)
        crm.capture(Candidate(id="a", skills=["go"]), [fact("a", "clicked", NOW)], now=NOW)
        crm.capture(Candidate(id="b"), [fact("b", "replied", NOW - 80 * DAY)], now=NOW)
        crm.capture(Candidate(id="c"), [fact("c", "replied", NOW)], now=NOW)
        crm.segment(now=NOW)
        crm.advance(now=NOW + 20 * DAY)
        crm.record([fact("c", "clicked", NOW + 20 * DAY)], now=NOW + 20 * DAY)
        later = NOW + 35 * DAY
        crm.advance(now=later)
        crm.segment(now=later)
        before, fresh = crm._work.store, make_store()
        fresh.put_candidates(before.candidates())
        fresh.append_interactions(before.interactions(["a", "b", "c"]))
        fresh.change_memberships([], before.transitions())
        again = CRM(fresh, segments=segments)
        assert again.segment(now=later).transitions == ()
        assert fresh.memberships() == before.memberships()
        assert [attrs.evolve(row, since=NOW) for row in fresh.watches()] == [
            attrs.evolve(row, since=NOW) for row in before.watches()
        ]

    def test_what_the_log_alone_says(self, make_store):
        """Who is not inside any more leaves now; who left and came at one instant enters anew."""
        store = make_store()
        crm = CRM(store, segments=[READERS])
        crm.capture_all(
            [Relationship(Candidate(id=key), [fact(key, "clicked", NOW)]) for key in "ab"], now=NOW
        )
        crm.capture(Candidate(id="c"), now=NOW)
        entered = crm.segment(now=NOW).transitions[0]
        logged = [
            attrs.evolve(entered, candidate_id=who, entered=into, at=NOW + days * DAY)
            for who, into, days in [
                *(("a", True, 0), ("a", False, 1), ("a", True, 1)),
                ("b", True, 0),
                ("c", True, 0),
            ]
        ]
        fresh = make_store()
        fresh.put_candidates(store.candidates())
        fresh.append_interactions(store.interactions(["a", "b"]))
        fresh.change_memberships([], logged)
        again = CRM(fresh, segments=[READERS]).segment(now=NOW + 2 * DAY)
        assert told(again.transitions) == [("a", "readers", True), ("c", "readers", False)]
        assert [row.since for row in fresh.memberships()] == [NOW + 2 * DAY, NOW]

    def test_a_full_pass_moves_people_at_their_instant(self, start):
        """What segment finds late is dated as advance would have dated it."""
        crm = start(
            Relationship(Candidate(id="a"), [fact("a", "clicked", NOW)]), segments=[READERS]
        )
        crm.segment(now=NOW)
        assert moves(crm.segment(now=NOW + 50 * DAY)) == [("a", "readers", False, NOW + 30 * DAY)]


class TestGone:
    def test_who_is_deleted_leaves_when_their_time_comes(self, start, store):
        """A host that deletes behind crmkit's back: advance drops them, with the reason."""
        crm = start(
            Relationship(Candidate(id="a"), [fact("a", "clicked", NOW), fact("a", "replied", NOW)]),
            segments=[READERS, SILENT],
        )
        crm.segment(now=NOW)
        store.delete_candidates(["a"])
        run = crm.advance(now=NOW + 30 * DAY)
        assert moves(run) == [("a", "readers", False, NOW + 30 * DAY)]
        assert run.left[0].because.text == "not stored any more"
        assert (list(store.memberships()), list(store.watches())) == ([], [])

    def test_a_full_pass_drops_who_is_deleted(self, start, store):
        """Even those whom no clock moves."""
        crm = start(Relationship(Candidate(id="a", skills=["go"])), segments=[GOPHERS])
        crm.segment(now=NOW)
        store.delete_candidates(["a"])
        assert told(crm.segment(now=NOW).transitions) == [("a", "gophers", False)]

    def test_who_was_merged_or_erased_behind_our_back(self, start, store):
        """Advance says into whom, or that they were erased."""
        people = [Relationship(Candidate(id=key), [fact(key, "clicked", NOW)]) for key in "abc"]
        crm = start(*people, segments=[READERS])
        crm.segment(now=NOW)
        store.delete_candidates(["b"])
        store.put_candidates([Candidate(id="a", aliases=["b"]), Candidate(id="c", erased=True)])
        found = {move.candidate_id: move for move in crm.advance(now=NOW + 30 * DAY).left}
        assert found["b"].because.text == "merged into a"
        assert found["c"].because.text.startswith("erased: ")
        assert list(store.memberships()) == []


@settings(max_examples=examples(60), deadline=None)
@given(
    defined=segments(),
    known=st.lists(facts(), max_size=12),
    runs=st.lists(st.tuples(st.sampled_from(PEOPLE), st.sampled_from(["one", "two"]))),
    steps=st.lists(st.integers(1, 40), min_size=1, max_size=12),
    tick=st.sampled_from([0, 1, -1]),
)
def test_one_jump_is_many_steps(defined, known, runs, steps, tick):
    """A year in one call gives the transitions, reasons, facts and members of small steps."""

    def begin():
        crm = CRM(MemoryStore(), segments=defined)
        people = [
            Relationship(
                Candidate(id=key),
                [fact(key, kind, NOW + after) for who, kind, after in known if who == key],
            )
            for key in PEOPLE
        ]
        crm.capture_all(people, now=NOW)
        crm._work.store.put_enrollments(
            Enrollment(candidate_id=who, cadence="seven-touch", enrolled_at=NOW, segment=name)
            for who, name in runs
        )
        crm.segment(now=NOW)
        return crm

    jump, walk = begin(), begin()
    end = NOW + sum(steps) * DAY + timedelta(microseconds=tick)
    jump.advance(now=end)
    at = NOW
    for step in steps:
        at = min(at + step * DAY, end)
        walk.advance(now=at)
    walk.advance(now=end)
    for read in ("memberships", "watches", "transitions"):
        one, other = (getattr(crm._work.store, read)() for crm in (jump, walk))
        assert one == other
    assert list(jump.relationships()) == list(walk.relationships())
    assert inside(jump._work.store) == rebuilt(jump, end)


class TestReferences:
    def test_a_diamond_moves_once(self, start):
        """Two ways to one segment are one answer, and all four move at one instant."""
        crm = start(
            Relationship(Candidate(id="a"), [fact("a", "clicked", NOW)]),
            segments=[
                Segment("top", member("left") & member("right")),
                Segment("left", member("base")),
                Segment("right", member("base") | event("met").ever()),
                Segment("base", event("clicked").within(days=3)),
            ],
        )
        assert len(crm.segment(now=NOW).entered) == 4
        left = crm.advance(now=NOW + 9 * DAY).left
        assert {move.at for move in left} == {NOW + 3 * DAY}
        assert sorted(move.segment for move in left) == ["base", "left", "right", "top"]

    def test_a_fact_is_asked_of_those_that_see_it(self, start, monkeypatch):
        """Only segments that could see the kind are asked, through references, too."""
        asked = []
        check = Segmenter.check

        def noting(self, relationship, *, now, only=None):
            asked.append((relationship.id, sorted(only)))
            return check(self, relationship, now=now, only=only)

        crm = start(
            Relationship(Candidate(id="a")),
            Relationship(Candidate(id="b")),
            segments=[READERS, SILENT, Segment("not silent", ~member("silent"))],
        )
        crm.segment(now=NOW)
        monkeypatch.setattr(Segmenter, "check", noting)
        crm.record([fact("a", "replied", NOW)], now=NOW)
        crm.record([fact("a", "replied", NOW)], now=NOW)
        crm.record([fact("b", "noted", NOW)], now=NOW)
        assert asked == [("a", ["not silent", "silent"])]
