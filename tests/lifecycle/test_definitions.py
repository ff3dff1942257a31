"""Definitions that change while people are in them, and who was in them before."""

import attrs
import pytest
from live_cases import DAY, NOW, fact, inside, rebuilt

from crmkit import CRM
from crmkit.cadence import SEVEN_TOUCH, Enrollment, Playbook
from crmkit.errors import NaiveInstant, NotFound, RuleError, StoreError, UnknownName
from crmkit.model import Candidate, Relationship
from crmkit.protocols import CandidateStore
from crmkit.segmentation import Segment, Segmenter, event, everyone, field, member
from crmkit.stores import MemoryStore

READERS = Segment("readers", event("clicked").within(days=30))
SILENT = Segment("silent", ~event("replied").within(days=90))
GOPHERS = Segment("gophers", field.skills.has_any("go"))
FANS = Segment("fans", member("readers") & member("gophers"))


def told(found):
    return [(move.candidate_id, move.segment, move.entered) for move in found]


@pytest.fixture
def crm(start):
    """Return a CRM with two people, segmented."""
    found = start(
        Relationship(Candidate(id="a", skills=["go"]), [fact("a", "clicked", NOW - 20 * DAY)]),
        Relationship(Candidate(id="b", skills=["go"]), [fact("b", "replied", NOW)]),
        segments=[READERS, SILENT, GOPHERS, FANS],
        playbook=Playbook([("silent", SEVEN_TOUCH)]),
    )
    found.segment(now=NOW)
    return found


class TestRecord:
    def test_says_how_many_facts_were_new_and_who_moved(self, crm):
        """The record of a recording counts, and names nobody in its repr."""
        run = crm.record([fact("b", "clicked", NOW)], now=NOW)
        assert told(run.transitions) == [("b", "readers", True), ("b", "fans", True)]
        assert (run.interactions, len(run.entered), run.left) == (1, 2, ())
        assert str(run) == "1 new interactions, 2 entered and 0 left a segment"
        assert repr(run) == f"<Recorded: {run}>"
        assert crm.record([fact("b", "clicked", NOW)], now=NOW).interactions == 0


class TestDefine:
    def test_a_changed_definition_moves_people_at_once(self, crm, store):
        """It and those that refer to it, over everyone; it is in force from then on."""
        run = crm.define(Segment("readers", event("clicked").within(days=10)), now=NOW)
        assert told(run.transitions) == [("a", "readers", False), ("a", "fans", False)]
        assert dict(run.sizes) == {"readers": 0, "silent": 1, "gophers": 2, "fans": 0}
        assert [each.name for each in crm.segments] == ["readers", "silent", "gophers", "fans"]
        assert crm.segment(now=NOW).transitions == ()
        crm.record([fact("b", "clicked", NOW)], now=NOW)
        assert crm.members("fans") == ("b",)

    def test_only_those_concerned_are_asked(self, crm, monkeypatch):
        """The others are not asked again, but for whom the clock has moved."""
        asked = []
        check = Segmenter.check

        def noting(self, relationship, *, now, only=None):
            asked.append((relationship.id, sorted(only)))
            return check(self, relationship, now=now, only=only)

        monkeypatch.setattr(Segmenter, "check", noting)
        run = crm.define(attrs.evolve(GOPHERS, rule=everyone()), now=NOW + 12 * DAY)
        assert asked == [
            ("a", ["readers"]),
            ("a", ["fans", "gophers"]),
            ("b", ["fans", "gophers"]),
        ]
        assert told(run.transitions) == [("a", "readers", False), ("a", "fans", False)]

    def test_nobody_moves_by_it_before_it_was_defined(self, start, store):
        """What the clock did before may write facts that it sees: it is asked about them now."""
        pausing = attrs.evolve(READERS, on_leave="pause")
        click = fact("a", "clicked", NOW)
        crm = start(Relationship(Candidate(id="a"), [click]), segments=[pausing])
        crm.segment(now=NOW)
        run = Enrollment(candidate_id="a", cadence="c", enrolled_at=NOW, segment="readers")
        store.put_enrollments([run])
        found = crm.define(Segment("paused", event("paused").ever()), now=NOW + 50 * DAY)
        assert [(move.segment, move.entered, move.at) for move in found.transitions] == [
            ("readers", False, NOW + 30 * DAY),
            ("paused", True, NOW + 50 * DAY),
        ]

    def test_a_new_one_is_added(self, crm):
        """Everyone is asked about it."""
        run = crm.define(Segment("all", everyone()), now=NOW)
        assert told(run.entered) == [("a", "all", True), ("b", "all", True)]

    @pytest.mark.parametrize(
        ("rule", "error"),
        [(member("fans"), RuleError), (member("reader"), UnknownName)],
    )
    def test_what_does_not_fit_changes_nothing(self, crm, store, dump, rule, error):
        """A cycle, or a reference to nobody, is refused before anything is written."""
        before = dump(store), crm.segments, store.definitions()
        with pytest.raises(error):
            crm.define(Segment("readers", rule), now=NOW)
        assert (dump(store), crm.segments, store.definitions()) == before

    def test_before_the_first_pass_it_is_the_first_pass(self, start):
        """Nobody was asked before, so everything is."""
        crm = start(Relationship(Candidate(id="a", skills=["go"])), segments=[SILENT])
        assert told(crm.define(GOPHERS, now=NOW).entered) == [
            ("a", "silent", True),
            ("a", "gophers", True),
        ]

    def test_a_definition_that_breaks_off_leaves_the_old_one_in_force(self, crm, store):
        """The next advance puts right what was half done."""

        def stop(done, total):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            crm.define(attrs.evolve(READERS, rule=~everyone()), now=NOW, progress=stop)
        assert inside(store) != rebuilt(crm, NOW)
        assert told(crm.advance(now=NOW).transitions) == [
            ("a", "readers", True),
            ("a", "fans", True),
        ]
        assert inside(store) == rebuilt(crm, NOW)


class TestPreview:
    def test_says_who_would_move_and_changes_nothing(self, crm, store, dump):
        """The same people as define moves; the erased are not among them."""
        crm.capture(Candidate(id="z", erased=True), now=NOW)
        new, before = Segment("readers", event("replied").ever()), dump(store)
        diff = crm.preview(new, now=NOW, examples=1)
        assert (diff.entering, diff.leaving, diff.staying) == (("b",), ("a",), 0)
        assert len(diff.examples) == 2
        assert (dump(store), crm.segments[0]) == (before, READERS)
        moved = [each for each in crm.define(new, now=NOW).transitions if each.segment == "readers"]
        assert told(moved) == [("a", "readers", False), ("b", "readers", True)]

    def test_a_cycle_is_refused(self, crm):
        """What could not be defined is not previewed."""
        with pytest.raises(RuleError, match="cycle"):
            crm.preview(Segment("readers", member("fans")), now=NOW)


class TestDrop:
    def test_everybody_leaves(self, crm, store):
        """With the reason; nobody watches over it any more, and nobody else is moved."""
        crm = CRM(store, segments=crm.segments, playbook=Playbook())
        watched = {row.segment for row in store.watches()}
        left = crm.drop("silent", now=NOW + DAY)
        assert (told(left), left[0].because.text) == (
            [("a", "silent", False)],
            "the segment was dropped",
        )
        assert (watched, {row.segment for row in store.watches()}) == ({"silent"}, set())
        assert [each.name for each in crm.segments] == ["readers", "gophers", "fans"]
        assert crm.segment(now=NOW + DAY).transitions == ()

    def test_refused_while_somebody_needs_it(self, crm):
        """The error lists the segments and the entries of the playbook."""
        with pytest.raises(RuleError) as refused:
            crm.drop("gophers", now=NOW)
        assert str(refused.value) == (
            "segment 'gophers' is needed by segment 'fans'; change these first"
        )
        with pytest.raises(RuleError, match=r"the playbook \(entry 0, cadence 'seven-touch'\)"):
            crm.drop("silent", now=NOW)
        assert len(crm.segments) == 4

    def test_an_unknown_name(self, crm):
        """Near names are suggested."""
        with pytest.raises(NotFound, match="did you mean 'gophers'"):
            crm.drop("gopher", now=NOW)

    def test_before_the_first_pass(self, start, store):
        """Nothing is stored, so nobody leaves, and it does not count as a first pass."""
        crm = start(Relationship(Candidate(id="a")), segments=[READERS, SILENT])
        crm = CRM(store, segments=crm.segments, playbook=Playbook())
        assert (crm.drop("readers", now=NOW), store.definitions()) == ((), {})
        assert told(crm.advance(now=NOW).entered) == [("a", "silent", True)]


class TestMembers:
    def test_as_stored_and_as_of(self, crm):
        """The present ones; or those whom the rule finds in what had happened by then."""
        assert crm.members("gophers") == ("a", "b")
        assert crm.members("readers") == ("a",)
        assert crm.members("readers", as_of=NOW - 21 * DAY) == ()
        assert crm.members("readers", as_of=NOW + 11 * DAY) == ()
        assert crm.members("silent") == ("a",)
        assert crm.members("silent", as_of=NOW - DAY) == ("a", "b")
        assert crm.members("fans", as_of=NOW - 20 * DAY) == ("a",)

    def test_the_erased_were_never_there(self, crm):
        """Nothing is said of who was erased, at any instant."""
        crm.capture(Candidate(id="a", erased=True), now=NOW)
        assert (crm.members("readers"), crm.members("readers", as_of=NOW)) == ((), ())

    def test_bad_questions(self, crm):
        """An unknown name suggests near ones; an instant has a zone."""
        with pytest.raises(NotFound, match="did you mean 'readers'"):
            crm.members("reader")
        with pytest.raises(NotFound, match="no segment 3; known: 'readers'"):
            crm.members(3)
        with pytest.raises(NaiveInstant, match="as_of"):
            crm.members("readers", as_of=NOW.replace(tzinfo=None))


class TestRollback:
    def test_what_fails_in_the_middle_leaves_nothing(self, make_store):
        """Neither the fact nor the memberships, whichever write fails."""
        store = make_store()

        class Failing(type(store)):
            def change_memberships(self, keep, transitions):
                super().change_memberships(keep, transitions)
                raise StoreError("disk full")

        crm = CRM(store, segments=[READERS, SILENT])
        crm.capture(Candidate(id="a"), now=NOW)
        crm.segment(now=NOW)
        before = [store.memberships(), store.transitions(), store.watches()]
        store.__class__ = Failing
        for act in (
            lambda: crm.record([fact("a", "clicked", NOW)], now=NOW),
            lambda: crm.capture(Candidate(id="b"), now=NOW),
            lambda: crm.capture(Candidate(id="a", erased=True), now=NOW),
        ):
            with pytest.raises(StoreError):
                act()
        assert [store.memberships(), store.transitions(), store.watches()] == before
        assert (store.interactions(["b"]), store.get_candidates(["b"])) == ([], {})
        assert [each.kind for each in store.interactions(["a"])] == ["captured"]
        store.__class__ = type(store).__mro__[1]
        assert crm.record([fact("a", "clicked", NOW)], now=NOW).interactions == 1

    def test_a_host_table_that_fails_takes_the_moves_back(self, store):
        """A host's own table is written last: if it refuses, nobody has moved."""

        class Refusing(MemoryStore, CandidateStore):
            def put_candidates(self, candidates):
                raise StoreError("read-only")

        own = Refusing()
        crm = CRM(store, candidates=own, segments=[Segment("all", everyone())])
        crm.segment(now=NOW)
        with pytest.raises(StoreError):
            crm.capture(Candidate(id="a"), now=NOW)
        assert (store.memberships(), store.transitions()) == ([], [])

    def test_a_full_pass_sees_what_a_host_changed_by_itself(self, store):
        """A host's own table changes behind crmkit's back: the next segment sees it."""
        own = MemoryStore()
        crm = CRM(store, candidates=own, segments=[GOPHERS])
        crm.capture(Candidate(id="a"), now=NOW)
        crm.segment(now=NOW)
        own.put_candidates([Candidate(id="a", skills=["go"])])
        assert crm.advance(now=NOW + DAY).transitions == ()
        assert told(crm.segment(now=NOW + DAY).transitions) == [("a", "gophers", True)]
