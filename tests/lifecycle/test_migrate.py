"""Migrate: people inside a cadence go over to another version of it, and nothing is done twice."""

from datetime import UTC, datetime, timedelta

import attrs
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit import CRM
from crmkit.cadence import Cadence, PlanStatus, Playbook, Touch, TouchState, plan
from crmkit.errors import InvalidRecord, NotFound
from crmkit.model import Candidate, Delivery, Interaction, Relationship
from crmkit.segmentation import Segment, everyone
from crmkit.senders import MemorySender
from crmkit.stores import MemoryStore

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
LATER = NOW + 2 * WEEK


def touch(key, week, level=2, **more):
    return Touch(
        key=key, week=week, purpose="p", level=level, **{"subject": "s", "bodies": ["b"]} | more
    )


OLD = Cadence(name="short", touches=[touch("hello", 0), touch("news", 4), touch("bye", 12)])
NEW = Cadence(
    name="short",
    version=2,
    touches=[touch("hello", 0), touch("update", 1, was=["news"]), touch("bye", 12)],
)
BEFORE = Playbook(otherwise=OLD)
AFTER = Playbook(otherwise=NEW, also=[OLD])


def person(key, *facts, **known):
    known = {"emails": [f"{key}@x.org"]} | known
    return Relationship(
        Candidate(id=key, **known),
        [Interaction(candidate_id=key, kind="captured", at=NOW - DAY), *facts],
    )


def versions(store):
    return {run.candidate_id: run.version for run in store.enrollments()}


@pytest.fixture
def inside(start, store, sender):
    """Return a function that makes a CRM in which people have begun the old version."""

    def make(*people, playbook=AFTER, before=BEFORE, **options):
        start(*people, playbook=before, **options).engage(now=NOW)
        return CRM(store, sender, playbook=playbook, **options)

    return make


def did(crm, store, who, key):
    """Record that a touch was done by a person."""
    (run,) = (run for run in store.enrollments() if run.candidate_id == who)
    tell(crm, who, "called", touch=key, enrollment_id=run.id)


def tell(crm, who, kind, at=LATER - DAY, **more):
    crm.record([Interaction(candidate_id=who, kind=kind, at=at, **more)], now=LATER)


class TestPreview:
    def test_says_what_migrate_would_do_and_changes_nothing(self, inside, store, dump):
        """The two give the same answer."""
        crm = inside(person("ada"), person("bob"))
        before = dump(store)
        change = crm.preview_cadence(NEW, now=LATER)
        said = "<CadenceChange to short 2: 2 people, of whom 2 due at once, 0 expired at once"
        assert repr(change).startswith(said)
        assert before == dump(store)
        assert change == crm.migrate(NEW, now=LATER)

    def test_counts_people_by_what_it_does_to_them(self, inside, store):
        """Who goes over, to whom it is due, whom it misses, whose date it moves."""
        crm = inside(*map(person, ["ada", "bob", "cy", "dee"]), playbook=BEFORE)
        did(crm, store, "bob", "news")
        tell(crm, "cy", "paused", at=NOW + DAY)
        new = attrs.evolve(NEW, touches=[*NEW.touches[:2], touch("bye", 13)])
        change = crm.preview_cadence(new, now=LATER)
        assert ("ada", "bob", "cy", "dee") == change.people
        assert (("ada", "dee"), (), ("ada", "bob", "dee"), ("cy",)) == (
            change.due,
            change.expired,
            change.moved,
            change.unchanged,
        )
        late = crm.preview_cadence(new, now=NOW + 3.5 * WEEK)
        assert (("ada", "dee"), ("short", 2)) == (late.expired, (late.cadence, late.version))

    def test_shows_some_of_each_sort(self, inside, store):
        """First those with a touch that is due by it, with the dates and why."""
        crm = inside(*(person(f"p{number}") for number in range(5)), playbook=BEFORE)
        for key in ("p0", "p4"):
            did(crm, store, key, "news")
        new = attrs.evolve(NEW, touches=[*NEW.touches[:2], touch("bye", 13)])
        change = crm.preview_cadence(new, now=LATER, examples=2)
        assert ["p1", "p2", "p0", "p4"] == [each.candidate_id for each in change.examples]
        expected = [
            "short 2: 5 people, of whom 3 due at once, 0 expired at once, 5 moved, 0 unchanged",
            "",
            "p1 in short: 1 due, 1 moved",
            "  update  due, Mon 2026-03-30 09:00 → Mon 2026-03-09 09:00",
            "    week 1 from 2026-03-02 → 2026-03-09",
            "  bye     moved, Mon 2026-05-25 09:00 → Mon 2026-06-01 09:00",
            "    week 13 from 2026-03-02 → 2026-06-01",
        ]
        assert expected == str(change).splitlines()[:7]
        assert () == crm.preview_cadence(new, now=LATER, examples=0).examples

    def test_another_status_is_a_change(self, start):
        """Without the touch of which nobody knows whether it left, the run is completed."""
        old = attrs.evolve(OLD, touches=[touch("hello", 0), touch("bye", 1)])
        unknown = MemorySender(outcomes=lambda _: Delivery.UNKNOWN)
        crm = start(person("ada"), sender=unknown, playbook=Playbook(otherwise=old))
        crm.engage(now=NOW)
        crm.engage(now=NOW + WEEK)
        change = crm.preview_cadence(
            attrs.evolve(NEW, touches=NEW.touches[:1]), now=NOW + 2.5 * WEEK
        )
        assert (("ada",), ()) == (change.moved, change.unchanged)
        assert "active → completed: every touch" in str(change)

    def test_a_task_that_is_taken_away_is_a_change(self, start):
        """Somebody has it on their list."""
        old = attrs.evolve(OLD, touches=[touch("call", 0, level=5), touch("bye", 12)])
        crm = start(person("ada"), playbook=Playbook(otherwise=old))
        crm.engage(now=NOW)
        without = attrs.evolve(old, version=2, touches=old.touches[1:])
        (diff,) = crm.preview_cadence(without, now=NOW + DAY).examples
        assert ["call: removed"] == [f"{each.key}: {each.fate}" for each in diff.touches]

    def test_how_many_examples_is_not_negative(self, inside):
        """A slip of the keyboard."""
        with pytest.raises(InvalidRecord, match=r"^examples: expected at least 0, got -1"):
            inside().preview_cadence(NEW, now=LATER, examples=-1)

    def test_can_be_asked_before_the_playbook_knows_it(self, inside):
        """To look first is the point of it."""
        crm = inside(person("ada"), playbook=BEFORE)
        assert ("ada",) == crm.preview_cadence(NEW, now=LATER).people

    def test_a_table_in_a_notebook(self, inside):
        """The head, and each example."""
        crm = inside(person("ada"))
        html = crm.preview_cadence(NEW, now=LATER)._repr_html_()
        assert "<div>short 2: 1 person, of whom 1 due at once" in html
        assert "<caption>ada in short: 1 due</caption>" in html


class TestMigrate:
    def test_the_run_goes_on_in_the_new_version(self, inside, store):
        """It is the same run: only its version is another; a fact says so."""
        crm = inside(person("ada"))
        (before,) = store.enrollments()
        assert crm.migrate(NEW, now=LATER)
        assert [attrs.evolve(before, version=2)] == list(store.enrollments())
        *_, fact = store.interactions(["ada"])
        assert ("enrolled", LATER, before.id) == (fact.kind, fact.at, fact.enrollment_id)
        assert {"cadence": "short", "version": 2, "from_version": 1} == dict(fact.properties)

    def test_twice_changes_nothing_more(self, inside, store, dump):
        """Nobody is in another version then."""
        crm = inside(person("ada"))
        crm.migrate(NEW, now=LATER)
        before = dump(store)
        again = crm.migrate(NEW, now=LATER + DAY)
        assert (False, "short 2: nobody goes over") == (bool(again), str(again))
        assert before == dump(store)

    def test_engage_goes_by_it_at_once(self, inside, sender):
        """People are looked at again, though nothing was due for weeks; what is done stays so."""
        crm = inside(person("ada"))
        crm.engage(now=LATER - DAY)
        crm.migrate(NEW, now=LATER)
        assert ["update"] == [each.touch for each in crm.engage(now=LATER).sent]
        assert ["hello", "update"] == [each.key.split(".")[2] for each in sender.messages]

    def test_there_is_a_way_back(self, inside, store):
        """A third version that knows both names; the first one would not know what went."""
        crm = inside(person("ada"))
        crm.migrate(NEW, now=LATER)
        with pytest.raises(InvalidRecord, match="expected 'update', too"):
            crm.migrate(OLD, now=LATER + DAY)
        touches = [touch("hello", 0), touch("news", 4, was=["update"]), touch("bye", 12)]
        third = attrs.evolve(OLD, version=3, touches=touches)
        crm = CRM(store, MemorySender(), playbook=Playbook(otherwise=third, also=[OLD, NEW]))
        back = crm.migrate(third, now=LATER + DAY)
        assert (("ada",), {"ada": 3}) == (back.people, versions(store))

    def test_what_may_have_left_is_not_sent_again_under_another_name(self, inside, store, sender):
        """The ledger holds it under the name that it had."""
        quick = attrs.evolve(OLD, touches=[touch("news", 0, deadline=None), touch("bye", 12)])
        newer = attrs.evolve(NEW, touches=[touch("update", 1, was=["news"]), touch("bye", 12)])
        unknown = MemorySender(outcomes=lambda _: Delivery.UNKNOWN)
        crm = CRM(store, unknown, playbook=Playbook(otherwise=quick))
        crm.capture_all([person("ada")])
        crm.engage(now=NOW)
        crm = CRM(store, sender, playbook=Playbook(otherwise=newer, also=[quick]))
        change = crm.migrate(newer, now=LATER)
        assert (("ada",), ()) == (change.unchanged, change.due)
        crm.engage(now=LATER)
        assert ([], {("news", "unknown")}) == (
            sender.messages,
            {(each.touch, each.state.value) for each in store.touches()},
        )

    def test_a_task_stays_the_same_task(self, inside, store):
        """What was handed over to a person is not handed over again under another name."""
        old = attrs.evolve(OLD, touches=[touch("call", 0, level=5), touch("bye", 12)])
        new = attrs.evolve(
            old, version=2, touches=[touch("ring", 0, 5, was=["call"]), old.touches[1]]
        )
        crm = inside(
            person("ada"),
            before=Playbook(otherwise=old),
            playbook=Playbook(otherwise=new, also=[old]),
        )
        before = [task.key for task in crm.tasks(now=NOW + DAY)]
        assert not crm.migrate(new, now=NOW + DAY).due
        assert () == crm.engage(now=NOW + DAY).tasks
        assert (1, before) == (len(before), [task.key for task in crm.tasks(now=NOW + DAY)])

    def test_who_has_finished_stays(self, inside, store):
        """Completed, unsubscribed, or through all touches: a new version begins nothing again."""
        crm = inside(person("ada"), person("bob"), person("cy"), person("dee"))
        tell(crm, "ada", "completed")
        tell(crm, "bob", "unsubscribed")
        did(crm, store, "cy", "news")
        did(crm, store, "cy", "bye")
        longer = attrs.evolve(NEW, touches=[*NEW.touches, touch("more", 20)])
        crm = CRM(store, playbook=Playbook(otherwise=longer, also=[OLD]))
        assert ("dee",) == crm.migrate(longer, now=LATER).people
        assert {"ada": 1, "bob": 1, "cy": 1, "dee": 2} == versions(store)

    def test_who_waits_or_is_archived_goes_over(self, inside, store):
        """They may come back."""
        crm = inside(person("ada"), person("bob"))
        tell(crm, "ada", "replied")
        tell(crm, "bob", "archived")
        assert ("ada", "bob") == crm.migrate(NEW, now=LATER).people

    def test_a_version_that_nobody_knows(self, inside, store):
        """They stay and are named, unless somebody says what it was."""
        crm = inside(person("ada"), person("bob"), playbook=Playbook(otherwise=NEW))
        tell(crm, "bob", "completed")
        change = crm.migrate(NEW, now=LATER)
        assert (["ada"], False) == ([run.candidate_id for run in change.unknown], bool(change))
        expected = "1 run through a version that is not known any more: 1"
        assert expected == str(change).splitlines()[1]
        assert ("ada",) == crm.preview_cadence(NEW, now=LATER, old=[OLD]).people
        assert ("ada",) == crm.migrate(NEW, now=LATER, old=[OLD]).people
        assert {"ada": 2, "bob": 1} == versions(store)

    def test_only_some(self, inside, store):
        """By id, also by one that was merged into theirs."""
        crm = inside(person("ada"), person("bob"), person("cy"))
        crm.merge("cy", "bob", now=LATER)
        assert ("cy",) == crm.migrate(NEW, now=LATER, only=["bob", "cy"]).people
        assert {"ada": 1, "bob": 2, "cy": 2} == versions(store)

    def test_an_unknown_id_is_not_found(self, inside, store, dump):
        """Nobody has gone over then."""
        crm = inside(person("ada"))
        before = dump(store)
        with pytest.raises(NotFound, match=r"no candidate 'eve'"):
            crm.migrate(NEW, now=LATER, only=["ada", "eve"])
        assert before == dump(store)

    def test_nobody_is_nobody(self, inside, store):
        """An empty list does not mean everyone."""
        assert not inside(person("ada")).migrate(NEW, now=LATER, only=[])
        assert {"ada": 1} == versions(store)

    @pytest.mark.parametrize(
        ("given", "problem"),
        [
            ((BEFORE,), "cadence: 'short' 2 is not in the playbook, where engage looks for it"),
            (
                (Playbook(otherwise=attrs.evolve(NEW, touches=OLD.touches), also=[OLD]),),
                "cadence.version: 'short' 2 is another one; give what changes another version",
            ),
            ((AFTER, attrs.evolve(OLD, name="x")), "old[0].name: expected 'short', got 'x'"),
            (
                (AFTER, OLD, attrs.evolve(OLD, touches=NEW.touches)),
                "old[1].version: 'short' 1 is another one in the playbook",
            ),
            (
                (
                    AFTER,
                    attrs.evolve(NEW, version=3, touches=[touch("update", 1, was=["x", "news"])]),
                ),
                "cadence.touches[1].was: expected 'x', too, a key that 'update' had before",
            ),
        ],
    )
    def test_what_cannot_be_is_refused(self, inside, store, dump, given, problem):
        """With the path, before anybody has gone over."""
        playbook, *old = given
        crm = inside(person("ada"), playbook=playbook)
        before = dump(store)
        with pytest.raises(InvalidRecord) as caught:
            crm.migrate(NEW, now=LATER, old=old)
        assert str(caught.value).startswith(problem)
        assert before == dump(store)

    def test_one_who_is_erased_is_left_alone(self, inside, store):
        """Nothing is written about them."""
        crm = inside(person("ada"), person("bob"))
        store.put_candidates([attrs.evolve(store.get_candidates(["ada"])["ada"], erased=True)])
        assert ("bob",) == crm.migrate(NEW, now=LATER).people

    def test_other_cadences_go_on_as_they_were(self, inside, store):
        """Of several, only the one named changes; the more important one still comes first."""
        main = Cadence(name="main", touches=[touch("first", 0), touch("second", 4)])
        entries = [("everyone", main), ("all", OLD)]
        segments = [Segment("everyone", everyone()), Segment("all", everyone())]
        before = Playbook(entries, otherwise=None, most=2)
        after = Playbook([entries[0], ("all", NEW)], otherwise=None, most=2, also=[OLD])
        crm = CRM(store, MemorySender(), playbook=before, segments=segments)
        crm.capture_all([person("ada")])
        crm.segment(now=NOW)
        crm.engage(now=NOW)
        crm = CRM(store, MemorySender(), playbook=after, segments=segments)
        change = crm.migrate(NEW, now=LATER)
        assert ("ada",) == change.people
        assert {("main", 1), ("short", 2)} == {
            (run.cadence, run.version) for run in store.enrollments()
        }

    def test_who_begins_now_begins_the_new_version(self, inside, store):
        """As the playbook says."""
        crm = inside(person("ada"))
        crm.migrate(NEW, now=LATER)
        crm.capture_all([person("bob")])
        crm.engage(now=LATER)
        assert {"ada": 2, "bob": 2} == versions(store)

    def test_says_how_far_it_is(self, inside):
        """How many are done; of how many, if they were named."""
        crm = inside(*(person(f"p{number:03}") for number in range(130)))
        seen = []
        crm.migrate(NEW, now=LATER, only=["p000"], progress=lambda *told: seen.append(told))
        crm.migrate(NEW, now=LATER, progress=lambda *told: seen.append(told))
        assert [(1, 1), (125, None), (130, None)] == seen

    def test_cut_off_it_goes_on(self, dump):
        """What was moved together landed together; the next call brings the others."""

        class Breaks(MemoryStore):
            broken = False

            def wake(self, ids):
                if self.broken and "p129" in ids:
                    raise RuntimeError
                super().wake(ids)

        store, people = Breaks(), [person(f"p{number:03}") for number in range(130)]
        crm = CRM(store, MemorySender(), playbook=Playbook(otherwise=NEW, also=[OLD]))
        CRM(store, MemorySender(), playbook=BEFORE).capture_all(people)
        CRM(store, MemorySender(), playbook=BEFORE).engage(now=NOW)
        store.broken = True
        with pytest.raises(RuntimeError):
            crm.migrate(NEW, now=LATER)
        assert [2] * 125 + [1] * 5 == [version for _, version in sorted(versions(store).items())]
        assert 260 - 5 == sum(
            fact.kind == "enrolled" for each in people for fact in store.interactions([each.id])
        )
        store.broken = False
        assert 5 == len(crm.migrate(NEW, now=LATER).people)


# --- any change of any cadence, at any time

EDITS = st.sampled_from(["keep", "rename", "rename", "move", "remove", "by hand"])


@st.composite
def changes(draw):
    """Draw a cadence, and what became of it: touches renamed, moved, added and taken out."""
    weeks = sorted(draw(st.sets(st.integers(0, 12), min_size=1, max_size=5)))
    deadlines = st.sampled_from([None, None, DAY, 2 * WEEK])
    touches = [touch(f"t{week}", week, deadline=draw(deadlines)) for week in weeks]
    new, free = [], set(range(14)).difference(weeks)
    for each in touches:
        edit = draw(EDITS)
        if edit == "rename":
            each = attrs.evolve(each, key=f"n{each.week}", was=[each.key])  # noqa: PLW2901
        elif edit == "by hand":
            each = attrs.evolve(each, level=5)  # noqa: PLW2901
        elif edit == "move":
            week = draw(st.sampled_from(sorted(free)))
            free.discard(week)
            each = attrs.evolve(each, week=week)  # noqa: PLW2901
        if edit != "remove":
            new.append(each)
    more = draw(st.sets(st.sampled_from(sorted(free)), max_size=2))
    new += [touch(f"a{week}", week) for week in more]
    new = sorted(new, key=lambda each: each.week) or [touch("only", 3)]
    return Cadence(name="c", touches=touches), Cadence(name="c", version=2, touches=new)


KINDS = st.sampled_from(["replied", "paused", "resumed", "clicked", "unsubscribed", "completed"])
ANSWERS = st.sampled_from([None, Delivery.UNKNOWN, Delivery.LATER, Delivery.REJECTED])


@settings(max_examples=examples(60), deadline=None)
@given(
    changes(),
    st.integers(0, 14),
    st.lists(ANSWERS, min_size=4, max_size=8),
    st.lists(st.tuples(KINDS, st.integers(0, 14)), max_size=2),
)
def test_nothing_done_is_undone_and_nothing_goes_twice(change, when, answers, happened):
    """Whatever the change, whenever it comes, whatever was sent, failed or was said before."""
    (old, new), answer = change, iter(answers)
    facts = [
        Interaction(candidate_id="ada", kind=kind, at=NOW + week * WEEK + DAY)
        for kind, week in happened
    ]
    store, sender = MemoryStore(), MemorySender(outcomes=lambda _: next(answer, None))
    crm = CRM(store, sender, playbook=Playbook(otherwise=old))
    crm.capture_all([person("ada", *facts)])
    for week in range(when + 1):
        crm.engage(now=NOW + week * WEEK)
    now = NOW + when * WEEK + 2 * DAY
    (run,) = store.enrollments()
    before = plan(old, crm.relationship("ada"), enrollment=run, now=now)
    held = {each.touch for each in store.touches() if each.state is not TouchState.FAILED}
    sent = len(sender.messages)

    crm = CRM(store, sender, playbook=Playbook(otherwise=new, also=[old]))
    preview = crm.preview_cadence(new, now=now)
    assert preview == crm.migrate(new, now=now)
    goes = before.status not in {PlanStatus.COMPLETED, PlanStatus.ENDED}
    (moved,) = store.enrollments()
    assert (goes, attrs.evolve(run, version=2 if goes else 1)) == (bool(preview), moved)
    if not goes:
        return

    names = {key: each.key for each in new.touches for key in (each.key, *each.was)}
    after = plan(new, crm.relationship("ada"), enrollment=moved, now=now)
    done = {names.get(each.touch.key) for each in before.touches if each.done} - {None}
    assert done == {each.touch.key for each in after.touches if each.done}
    for week in range(16):
        crm.engage(now=now + week * WEEK)
    went = [message.key.split(".")[2] for message in sender.messages]
    assert len(went) == len({names.get(key, key) for key in went})
    assert {names.get(key, key) for key in held}.isdisjoint(names[key] for key in went[sent:])
