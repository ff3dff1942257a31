"""The agenda: who is looked at, what wakes people, and when everyone is looked at again."""

from datetime import timedelta

import attrs
import pytest
from live_cases import DAY, NOW, fact

from crmkit import CRM
from crmkit.cadence import Cadence, Playbook, Touch
from crmkit.errors import RenderError, StoreError
from crmkit.lifecycle import TemplateRenderer
from crmkit.model import Candidate, Delivery, Interaction, Receipt, Relationship
from crmkit.permission import ContactPolicy, Hours
from crmkit.protocols import AT_ONCE, AgendaEntry, Sender
from crmkit.segmentation import Segment, event, field
from crmkit.senders import MemorySender
from crmkit.stores import MemoryStore

pytestmark = pytest.mark.postgres

WEEK = 7 * DAY


def touch(key, week, level=2, **more):
    more = {"subject": "s", "bodies": ["b"], "purpose": "p", "deadline": None} | more
    return Touch(key=key, week=week, level=level, **more)


SHORT = Cadence(name="short", touches=[touch("a", 0), touch("b", 2), touch("c", 6)])
PLAYBOOK = Playbook(otherwise=SHORT)
READERS = Segment("readers", event("clicked").within(days=10), on_leave="pause")


def person(key, *facts, **known):
    known = {"emails": [f"{key}@x.org"]} | known
    captured = fact(key, "captured", NOW - DAY)
    return Relationship(Candidate(id=key, **known), [captured, *facts])


@pytest.fixture
def crm(start):
    """Return a CRM with ada and bob, both engaged and with nothing to do for two weeks."""
    crm = start(person("ada"), person("bob"), segments=[READERS], playbook=PLAYBOOK)
    crm.segment(now=NOW)
    assert crm.engage(now=NOW).checked == 2
    return crm


def come(store, now=NOW):
    return [entry.candidate_id for entry in store.agenda(now)]


class TestWhoIsLookedAt:
    def test_nobody_before_their_time(self, crm, store):
        """Between two touches nobody is; when one is due, those whose it is."""
        assert [crm.engage(now=NOW + day * DAY).checked for day in (0, 1, 13)] == [0, 0, 0]
        run = crm.engage(now=NOW + 14 * DAY)
        assert (run.checked, len(run.sent), come(store, NOW + 14 * DAY)) == (2, 2, [])

    def test_next_due_is_that_of_everyone(self, crm):
        """Also of those who were not looked at."""
        crm.capture_all([person("eve")], now=NOW + DAY)
        run = crm.engage(now=NOW + DAY)
        assert (run.checked, run.next_due) == (1, NOW + 14 * DAY)

    def test_a_fact_of_the_future_is_waited_for(self, crm):
        """It arrives at its own instant, and may change the plan then."""
        crm.record([fact("ada", "replied", NOW + 3 * DAY)], now=NOW)
        assert crm.engage(now=NOW).next_due == NOW + 3 * DAY
        run = crm.engage(now=NOW + 3 * DAY)
        assert [task.touch for task in run.tasks] == ["answer"]

    def test_who_is_gone_is_taken_off(self, crm, store):
        """A deleted record is looked for once."""
        store.delete_candidates(["ada"])
        assert crm.engage(now=NOW + 14 * DAY).checked == 2
        assert [entry.candidate_id for entry in store.agenda(NOW + 99 * DAY)] == ["bob"]

    def test_who_may_be_written_to_again_out_of_hours_begins_then(self, start):
        """A snooze that ends on a Saturday keeps them out up to that, not up to Monday."""
        saturday = NOW + 5 * DAY
        snoozed = Interaction(
            candidate_id="ada", kind="paused", at=NOW, properties={"until": saturday}
        )
        crm = start(
            person("ada", snoozed), playbook=PLAYBOOK, policy=ContactPolicy(hours=Hours.office())
        )
        assert (crm.engage(now=NOW).next_due, saturday.weekday()) == (saturday, 5)
        assert len(crm.engage(now=saturday).enrolled) == 1

    def test_who_waits_for_the_limit_stays(self, start, store):
        """Held people come again at the next call, whatever its instant."""
        crm = start(*map(person, "abc"), playbook=PLAYBOOK)
        assert crm.engage(now=NOW, limit=1).held == 2
        assert come(store) == ["b", "c"]
        assert len(crm.engage(now=NOW).sent) == 2

    def test_what_left_nothing_is_tried_half_an_hour_later(self, start, store):
        """The sender said later: mail asks to wait at least so long, and longer each time."""

        class Later(Sender):
            def send(self, message):
                return Receipt(delivery=Delivery.LATER)

        crm = start(person("ada"), sender=Later(), playbook=PLAYBOOK)
        minutes = [0, 29, 30, 89, 90, 209, 210]
        tried = [len(crm.engage(now=NOW + timedelta(minutes=at)).of("failed")) for at in minutes]
        assert tried == [1, 0, 1, 0, 1, 0, 1]
        assert [record.attempt for record in store.touches()] == [4]

    def test_a_text_that_could_not_be_made_is_tried_a_day_later(self, start):
        """Whoever renders may know more by then, though nothing new is known of the person."""

        class Down(TemplateRenderer):
            up = False

            def render(self, touch, relationship, *, now, piece=None):
                if not type(self).up:
                    raise RenderError(touch.key, ["its template"])
                return super().render(touch, relationship, now=now, piece=piece)

        crm = start(person("ada"), renderer=Down(), playbook=PLAYBOOK)
        run = crm.engage(now=NOW)
        assert (len(run.refused), run.next_due) == (1, NOW + DAY)
        Down.up = True
        assert len(crm.engage(now=NOW + DAY).sent) == 1

    def test_what_is_refused_is_said_once(self, start):
        """Who may not be written to is looked at again when that may change, and only then."""
        crm = start(person("ada"), person("bob", emails=[]), playbook=PLAYBOOK)
        crm.engage(now=NOW)
        crm.record([fact("ada", "bounced", NOW + DAY)], now=NOW + DAY)
        runs = [crm.engage(now=NOW + days * DAY) for days in (14, 15, 16)]
        assert [len(run.refused) for run in runs] == [1, 0, 0]
        assert [dict(run.not_enrolled) for run in runs] == [{}, {}, {}]
        everyone = crm.engage(now=NOW + 16 * DAY, everyone=True)
        assert (len(everyone.refused), dict(everyone.not_enrolled)) == (1, {"address": 1})


class TestWaking:
    """Whatever may change what is to be done puts people back on the agenda."""

    @pytest.mark.parametrize(
        ("act", "woken"),
        [
            (lambda crm: crm.record([fact("ada", "noted", NOW)], now=NOW), ["ada"]),
            (lambda crm: crm.capture(Candidate(id="ada", skills=["go"]), now=NOW), ["ada"]),
            (lambda crm: crm.capture(Candidate(id="new"), now=NOW), ["new"]),
            (lambda crm: crm.capture(Candidate(id="ada"), now=NOW), []),
            (
                lambda crm: crm.capture(Candidate(id="bob"), [fact("bob", "met", NOW)], now=NOW),
                ["bob"],
            ),
            (lambda crm: crm.merge("ada", "bob", now=NOW), ["ada", "bob"]),
            (lambda crm: crm.define(attrs.evolve(READERS, rule=~READERS.rule), now=NOW), "ab"),
            (lambda crm: crm.define(Segment("other", event("met").ever()), now=NOW), []),
            (lambda crm: crm.segment(now=NOW), []),
            (lambda crm: crm.advance(now=NOW + 99 * DAY), []),
        ],
    )
    def test_what_wakes_whom(self, crm, store, act, woken):
        """A fact, another record, a move; not what changes nothing."""
        act(crm)
        assert come(store) == [{"a": "ada", "b": "bob"}.get(key, key) for key in woken]

    def test_moving_by_the_clock(self, crm, store):
        """Leaving a segment may pause a run; the segment's end may end one."""
        crm.record([fact("ada", "clicked", NOW)], now=NOW)
        crm.engage(now=NOW)
        assert come(store) == []
        crm.advance(now=NOW + 10 * DAY)
        assert come(store) == ["ada"]
        crm.engage(now=NOW + 10 * DAY)
        crm.record([fact("bob", "clicked", NOW + 10 * DAY)], now=NOW + 10 * DAY)
        crm.engage(now=NOW + 10 * DAY)
        crm.drop("readers", now=NOW + 11 * DAY)
        assert come(store) == ["bob"]

    def test_what_is_told_of_a_merged_record(self, crm, store):
        """It is the person's whose record it is now."""
        crm.merge("ada", "bob", now=NOW)
        crm.engage(now=NOW)
        crm.record([fact("bob", "noted", NOW)], now=NOW)
        assert come(store) == ["ada"]

    def test_the_same_fact_again_wakes_nobody(self, crm, store):
        """It was known."""
        crm.record([fact("ada", "captured", NOW - DAY)], now=NOW)
        assert come(store) == []

    def test_what_fails_wakes_nobody(self, crm, store):
        """The agenda is part of the transaction."""

        class Failing(type(store)):
            def wake(self, ids):
                super().wake(ids)
                raise StoreError("disk full")

        usual, store.__class__ = type(store), Failing
        with pytest.raises(StoreError):
            crm.record([fact("ada", "noted", NOW)], now=NOW)
        store.__class__ = usual
        assert (come(store), len(crm.relationship("ada").history.of("noted"))) == ([], 0)

    def test_who_is_woken_while_being_looked_at_stays(self, store, sender):
        """What another process tells after the last look is looked at by the next call."""

        class Told(MemorySender):
            def send(self, message):
                CRM(store, playbook=PLAYBOOK).record([fact("ada", "replied", NOW)], now=NOW)
                return super().send(message)

        crm = CRM(store, Told(), playbook=PLAYBOOK)
        crm.capture_all([person("ada")])
        crm.engage(now=NOW)
        assert [(entry.candidate_id, entry.at) for entry in store.agenda(NOW)] == [("ada", AT_ONCE)]
        assert len(crm.engage(now=NOW).tasks) == 1
        assert come(store) == []


class TestEveryone:
    """The agenda is a cache, made with definitions."""

    def test_the_same_definitions_in_another_process(self, crm, store, sender):
        """The agenda goes on."""
        again = CRM(store, sender, segments=[READERS], playbook=Playbook(otherwise=SHORT))
        assert again.engage(now=NOW + DAY).checked == 0

    @pytest.mark.parametrize(
        "other",
        [
            {"playbook": Playbook(otherwise=attrs.evolve(SHORT, version=2))},
            {"playbook": Playbook([("readers", SHORT)], otherwise=None)},
            {"playbook": PLAYBOOK, "policy": ContactPolicy(cap=1)},
            {"playbook": PLAYBOOK, "policy": ContactPolicy(hours=Hours.office())},
        ],
    )
    def test_other_definitions_look_at_everyone_once(self, crm, store, sender, other):
        """Another plan, or another permission, may make something due now."""
        changed = CRM(store, sender, segments=[READERS], **other)
        assert [changed.engage(now=NOW + DAY).checked for _ in range(2)] == [2, 0]
        assert CRM(store, sender, playbook=PLAYBOOK).engage(now=NOW + DAY).checked == 2

    def test_a_calendar_without_a_text_is_another_one_in_each_process(self, crm, store, sender):
        """Nobody knows whether it is the same: safe, and slow."""

        class Closed:
            def __contains__(self, day):
                return False

        class Named(Closed):
            def __repr__(self):
                return "Named()"

        for calendar, later in ((Closed(), 2), (Named(), 0)):
            policy = ContactPolicy(hours=Hours(holidays={"DE": calendar}))
            worlds = [CRM(store, sender, playbook=PLAYBOOK, policy=policy) for _ in range(2)]
            assert [each.engage(now=NOW + DAY).checked for each in worlds] == [2, later]
            assert worlds[1].engage(now=NOW + DAY).checked == 0

    def test_what_an_older_process_puts_off_is_looked_at_again(self, store):
        """It cannot know what the definitions that came after its own find to do, and when."""
        newer = Playbook(otherwise=attrs.evolve(SHORT, version=2))
        changed = CRM(store, MemorySender(), playbook=newer)

        class Deploying(type(store)):
            def take(self, now, **options):
                self.__class__ = usual
                changed.engage(now=now, limit=0)
                return self.take(now, **options)

        crm = CRM(store, MemorySender(), playbook=PLAYBOOK)
        crm.capture_all([person("ada")])
        usual, store.__class__ = type(store), Deploying
        assert crm.engage(now=NOW).checked == 1
        assert len(changed.engage(now=NOW).sent) == 1

    def test_a_full_pass_that_is_cut_off_is_made_again(self, crm, store, sender):
        """Nobody counts as looked at because a process ended in the middle."""

        class Cut(type(store)):
            def wake(self, ids):
                super().wake(ids)
                raise KeyboardInterrupt

        changed = CRM(store, sender, playbook=Playbook(otherwise=attrs.evolve(SHORT, version=2)))
        usual, store.__class__ = type(store), Cut
        with pytest.raises(KeyboardInterrupt):
            changed.engage(now=NOW + DAY)
        store.__class__ = usual
        store.put_off([AgendaEntry(candidate_id="ada", at=None, turn=1)])
        assert changed.engage(now=NOW + DAY).checked == 2

    def test_what_a_host_changed_by_itself_is_seen_by_everyone(self, store, sender):
        """Its own table changes behind crmkit's back."""
        own = MemoryStore()
        crm = CRM(store, sender, candidates=own, playbook=PLAYBOOK)
        crm.capture_all([person("ada", emails=[])])
        crm.engage(now=NOW)
        own.put_candidates([Candidate(id="ada", emails=["ada@x.org"])])
        assert crm.engage(now=NOW).checked == 0
        assert len(crm.engage(now=NOW, everyone=True).sent) == 1

    def test_progress_counts_who_was_looked_at(self, crm):
        """As everywhere: how many are done, of nobody knows how many."""
        said = []
        crm.engage(now=NOW, everyone=True, progress=lambda *counts: said.append(counts))
        assert said == [(2, None)]


def test_leaving_and_coming_back_at_one_instant_is_looked_at_again(store):
    """Their new run would be the old one by its id, so it begins a moment later."""
    gophers = Segment("gophers", field.skills.has_any("go"), on_leave="end")
    crm = CRM(store, MemorySender(), segments=[gophers], playbook=Playbook([("gophers", SHORT)]))
    crm.capture_all([person("ada", skills=["go"])], now=NOW)
    crm.segment(now=NOW)
    crm.engage(now=NOW)
    run = store.enrollments()[0]
    ended = Interaction(
        candidate_id="ada",
        kind="completed",
        at=NOW,
        enrollment_id=run.id,
        properties={"segment": "gophers"},
    )
    crm.record([ended], now=NOW)
    again = crm.engage(now=NOW)
    assert (again.enrolled, again.next_due) == ((), NOW + DAY / 86_400_000_000)
    assert len(crm.engage(now=NOW + DAY).enrolled) == 1
