"""Several runs at once, what ends or revives one, and what the ledger keeps of it."""

from datetime import timedelta

import attrs
import pytest
from live_cases import DAY, NOW, fact

from crmkit import CRM
from crmkit.cadence import (
    Cadence,
    ContentChoice,
    Library,
    Pace,
    Piece,
    Playbook,
    Touch,
    TouchRecord,
    Variant,
)
from crmkit.model import Candidate, Delivery, Interaction, Receipt, Relationship
from crmkit.permission import ContactPolicy
from crmkit.protocols import Sender
from crmkit.segmentation import Segment, event
from crmkit.senders import MemorySender

pytestmark = pytest.mark.postgres

WEEK = 7 * DAY


def touch(key, week, level=2, **more):
    more = {"subject": "s", "bodies": ["b"], "purpose": "p", "deadline": None} | more
    return Touch(key=key, week=week, level=level, **more)


def person(key, *facts, **known):
    known = {"emails": [f"{key}@x.org"]} | known
    captured = fact(key, "captured", NOW - DAY)
    return Relationship(Candidate(id=key, **known), [captured, *facts])


def playing(*touches, **more):
    return {"playbook": Playbook(otherwise=Cadence(name="short", touches=touches, **more))}


def states(store):
    return {each.touch: each.state.value for each in store.touches()}


class Plain(Sender):
    """Answers as told, every time."""

    def __init__(self, answer, *, deduplicates=False):
        self.answer, self.keys = answer, []
        self.deduplication_window = timedelta.max if deduplicates else timedelta(0)

    def send(self, message):
        self.keys.append(message.key)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return Receipt(delivery=self.answer)


class TestSeveralCadences:
    FIRST = Cadence(name="first", touches=[touch("a", 0), touch("b", 1)])
    SECOND = Cadence(name="second", touches=[touch("a", 0), touch("z", 2)])
    MET = Segment("met", event("met").ever())
    CLICKED = Segment("clicked", event("clicked").ever())

    def begin(self, start, *facts, most=2, **options):
        playbook = Playbook(
            [("met", self.FIRST), ("clicked", self.SECOND)], otherwise=None, most=most
        )
        crm = start(
            person("ada", *facts),
            segments=[self.MET, self.CLICKED],
            playbook=playbook,
            **options,
        )
        crm.segment(now=NOW)
        return crm

    def both(self):
        return [fact("ada", "met", NOW - DAY), fact("ada", "clicked", NOW - DAY)]

    def test_as_many_as_the_playbook_lets(self, start):
        """The most important first; what is due of both goes, within the caps."""
        crm = self.begin(start, *self.both())
        run = crm.engage(now=NOW)
        assert [each.cadence for each in run.enrolled] == ["first", "second"]
        assert len(run.sent) == 2
        plans = crm.explain("ada", now=NOW).plans
        assert {plan.cadence.name for plan in plans} == {"first", "second"}
        assert crm.engage(now=NOW, everyone=True).outcomes == ()

    def test_the_less_important_gives_way(self, start, store):
        """Where the cap leaves room for one, it is the first cadence's."""
        crm = self.begin(start, *self.both(), policy=ContactPolicy(cap=1))
        sent = {
            days: [each.candidate_id and each.why for each in run.sent]
            for days in range(40)
            if (run := crm.engage(now=NOW + days * DAY)).sent
        }
        first, second = (run.id for run in crm._work.store.enrollments())
        cadences = {run.id: run.cadence for run in store.enrollments()}
        order = [cadences[each.enrollment_id] for each in store.touches()]
        assert {first, second} == cadences.keys()
        assert all(len(those) == 1 for those in sent.values())
        assert order[:2] == ["first", "first"]
        assert order[2:] == ["second", "second"]

    def test_one_at_a_time(self, start):
        """With room for one, the next cadence begins when the first has ended."""
        crm = self.begin(start, *self.both(), most=1)
        assert [each.cadence for each in crm.engage(now=NOW).enrolled] == ["first"]
        assert crm.engage(now=NOW + WEEK).enrolled == ()
        crm.define(attrs.evolve(self.MET, rule=event("met").never()), now=NOW + WEEK)
        run = crm.engage(now=NOW + WEEK)
        assert [each.cadence for each in run.enrolled] == ["second"]

    def test_a_segment_entered_later_brings_its_cadence(self, start):
        """Also beside one that is running; and never the same cadence twice."""
        crm = self.begin(start, fact("ada", "met", NOW - DAY))
        assert [each.cadence for each in crm.engage(now=NOW).enrolled] == ["first"]
        crm.record([fact("ada", "clicked", NOW + DAY)], now=NOW + DAY)
        assert [each.cadence for each in crm.engage(now=NOW + DAY).enrolled] == ["second"]
        crm.record([fact("ada", "clicked", NOW + 2 * DAY)], now=NOW + 2 * DAY)
        assert crm.engage(now=NOW + 2 * DAY).enrolled == ()

    def test_a_message_that_moves_them_brings_the_next_at_once(self, start):
        """What engage logs itself is looked at in the same pass."""
        crm = self.begin(start, fact("ada", "met", NOW - DAY))
        crm.define(attrs.evolve(self.CLICKED, rule=event("sent").ever()), now=NOW)
        run = crm.engage(now=NOW)
        assert [each.cadence for each in run.enrolled] == ["first", "second"]
        assert crm.engage(now=NOW, everyone=True).enrolled == ()

    def test_one_task_for_a_reply_that_stops_two(self, start, store):
        """A person is asked once to answer; when they have, nothing is open."""
        crm = self.begin(start, *self.both())
        crm.engage(now=NOW)
        crm.record([fact("ada", "replied", NOW + DAY)], now=NOW + DAY)
        (task,) = crm.engage(now=NOW + DAY).tasks
        assert (task.touch, task.due_at, str(task)) == (
            "answer",
            NOW + DAY,
            "answer for ada, due 2026-03-03",
        )
        assert task.why == "they replied on 2026-03-03"
        assert crm.tasks(now=NOW + 2 * DAY)[0].key == task.key
        assert crm.engage(now=NOW + 2 * DAY, everyone=True).tasks == ()
        crm.record([fact("ada", "messaged", NOW + 2 * DAY)], now=NOW + 2 * DAY)
        assert crm.tasks(now=NOW + 2 * DAY) == ()
        crm.record([fact("ada", "replied", NOW + 3 * DAY)], now=NOW + 3 * DAY)
        assert len(crm.engage(now=NOW + 3 * DAY).tasks) == 1
        crm.capture(Candidate(id="ada", do_not_contact=True), now=NOW + 3 * DAY)
        assert crm.tasks(now=NOW + 3 * DAY) == ()

    def test_nobody_is_asked_to_answer_who_must_not_be_contacted(self, start):
        """The wish counts for recruiters, too."""
        crm = self.begin(start, *self.both())
        crm.engage(now=NOW)
        crm.record([fact("ada", "replied", NOW + DAY)], now=NOW + DAY)
        crm.capture(Candidate(id="ada", do_not_contact=True), now=NOW + DAY)
        assert crm.engage(now=NOW + DAY).tasks == ()


class TestReactivated:
    def test_who_engages_after_being_archived(self, start, store):
        """It is logged once, and the cadence goes on."""
        crm = start(
            person("ada"),
            **playing(*(touch(f"t{week}", week) for week in range(9)), pace=Pace(archive_after=1)),
        )
        assert [each.state for each in crm.engage(now=NOW).outcomes] == ["sent", "archived"]
        crm.record([fact("ada", "clicked", NOW + 30 * DAY)], now=NOW + 30 * DAY)
        run = crm.engage(now=NOW + 30 * DAY)
        assert [(each.state, each.why) for each in run.of("reactivated")] == [
            ("reactivated", "archived on 2026-03-02, and they have engaged since")
        ]
        assert crm.engage(now=NOW + 30 * DAY, everyone=True).of("reactivated") == ()
        kinds = [each.kind for each in crm.relationship("ada").history]
        assert (kinds.count("archived"), kinds.count("reactivated")) == (1, 1)

    def test_who_was_set_going_by_hand(self, start):
        """A resumed fact says it already."""
        crm = start(
            person("ada"),
            **playing(*(touch(f"t{week}", week) for week in range(9)), pace=Pace(archive_after=1)),
        )
        crm.engage(now=NOW)
        crm.record(
            [fact("ada", "clicked", NOW + DAY), fact("ada", "resumed", NOW + 2 * DAY)],
            now=NOW + 2 * DAY,
        )
        assert crm.engage(now=NOW + 2 * DAY).of("reactivated") == ()

    def test_coming_back_into_a_segment_is_not_it(self, start, store):
        """That ends a pause of the segment's, and revives nobody."""
        crm = start(
            person("ada"),
            **playing(*(touch(f"t{week}", week) for week in range(9)), pace=Pace(archive_after=1)),
        )
        crm.engage(now=NOW)
        back = Interaction(
            candidate_id="ada", kind="resumed", at=NOW + DAY, properties={"segment": "s"}
        )
        crm.record([back, fact("ada", "clicked", NOW + DAY)], now=NOW + DAY)
        assert len(crm.engage(now=NOW + DAY).of("reactivated")) == 1


class TestExpired:
    def test_too_late_is_kept_and_said_once(self, start, store):
        """Nothing due is lost: the ledger and an outcome say what became of it."""
        crm = start(person("ada"), **playing(touch("a", 0), touch("b", 1, deadline=DAY)))
        crm.engage(now=NOW)
        run = crm.engage(now=NOW + 9 * DAY)
        assert [(each.touch, each.state, each.why) for each in run.outcomes] == [
            ("b", "expired", "its deadline passed on 2026-03-10")
        ]
        assert states(store) == {"a": "sent", "b": "expired"}
        assert crm.engage(now=NOW + 9 * DAY, everyone=True).outcomes == ()

    def test_a_job_that_runs_at_the_deadline(self, start):
        """The agenda knows when it passes."""
        crm = start(person("ada", emails=[]), **playing(touch("a", 0), touch("b", 1, deadline=DAY)))
        crm.capture(Candidate(id="ada", emails=["ada@x.org"]), now=NOW)
        crm.engage(now=NOW)
        crm.record([fact("ada", "bounced", NOW + DAY)], now=NOW + DAY)
        assert crm.engage(now=NOW + WEEK).next_due == NOW + 8 * DAY
        assert len(crm.engage(now=NOW + 8 * DAY).of("expired")) == 1

    def test_a_failure_that_was_never_made_good(self, start, store):
        """What left nothing and is too late by now is expired, not failed."""
        sender = Plain(Delivery.LATER)
        crm = start(person("ada"), sender=sender, **playing(touch("a", 0, deadline=DAY)))
        crm.engage(now=NOW)
        assert len(crm.engage(now=NOW + DAY).of("expired")) == 1
        assert (states(store), len(sender.keys)) == ({"a": "expired"}, 1)

    def test_a_task_that_nobody_did(self, start, store):
        """It is asked for no more."""
        crm = start(person("ada"), **playing(touch("a", 0, 5, deadline=DAY), touch("b", 9)))
        assert len(crm.engage(now=NOW).tasks) == 1
        assert crm.tasks(now=NOW + DAY) == ()
        assert [each.touch for each in crm.engage(now=NOW + DAY).of("expired")] == ["a"]

    def test_a_call_that_was_cut_off_and_is_too_late_to_ask_again(self, start, store):
        """It may have left, so it is unknown, though the sender deduplicates."""
        sender = Plain(KeyboardInterrupt(), deduplicates=True)
        crm = start(person("ada"), sender=sender, **playing(touch("a", 0, deadline=DAY)))
        with pytest.raises(KeyboardInterrupt):
            crm.engage(now=NOW)
        assert [each.state for each in crm.engage(now=NOW + DAY).outcomes] == ["unknown"]
        assert (states(store), len(sender.keys)) == ({"a": "unknown"}, 1)

    def test_another_process_was_quicker(self, make_store, sender):
        """What it settled meanwhile stands."""
        store = make_store()

        class Blind(type(store)):
            def touches(self, candidate_ids=None):
                return []

        crm = CRM(store, sender, **playing(touch("a", 0), touch("b", 1, deadline=DAY)))
        crm.capture_all([person("ada")])
        crm.engage(now=NOW)
        crm.engage(now=NOW + 9 * DAY)
        usual, store.__class__ = type(store), Blind
        assert crm.engage(now=NOW + 9 * DAY, everyone=True).outcomes == ()
        store.__class__ = usual

    def test_a_reply_that_comes_in_meanwhile(self, store):
        """It is looked at before anything is written."""

        class Replying(type(store)):
            told = False

            def touches(self, candidate_ids=None, *, states=None):
                if not self.told:
                    self.told = True
                    self.append_interactions([fact("ada", "replied", NOW + 8 * DAY)])
                    self.wake(["ada"])
                return super().touches(candidate_ids, states=states)

        crm = CRM(store, MemorySender(), **playing(touch("a", 0), touch("b", 1, deadline=DAY)))
        crm.capture_all([person("ada")])
        crm.engage(now=NOW)
        usual, store.__class__ = type(store), Replying
        run = crm.engage(now=NOW + 9 * DAY)
        store.__class__ = usual
        assert [task.touch for task in run.tasks] == ["answer"]


class TestWhatGoes:
    def test_the_channel_that_works(self, start, store, sender):
        """Of a touch with fallbacks, the message goes where an address is, and says so."""
        policy = ContactPolicy(interest_channels=["email", "text"])
        crm = start(
            person("ada", emails=[], phones=["+44 20 7946 0000"], timezone="Europe/London"),
            policy=policy,
            **playing(touch("a", 0, fallback=["text"])),
        )
        assert len(crm.engage(now=NOW).sent) == 1
        assert [message.channel.value for message in sender.messages] == ["text"]
        assert crm.relationship("ada").history.last("sent").channel.value == "text"

    def test_a_channel_on_which_only_people_write(self, start, store, sender):
        """A fallback to it makes the touch a person's work."""
        crm = start(
            person("ada", emails=[], links=["https://www.linkedin.com/in/ada"]),
            **playing(touch("a", 0, fallback=["linkedin"])),
        )
        assert (len(crm.engage(now=NOW).tasks), sender.messages) == (1, [])

    def test_what_was_sent_is_remembered(self, start, sender):
        """The fact names the piece of content and the variant."""
        piece = Piece(id="p", title="On Go", topics=["go"])
        wants = touch(
            "a",
            0,
            level=4,
            content=ContentChoice(),
            bodies=["Read $piece_title"],
            variants=[Variant(name="plain")],
        )
        crm = start(person("ada", topics=["go"]), library=Library([piece]), **playing(wants))
        crm.engage(now=NOW)
        sent = crm.relationship("ada").history.last("sent")
        assert dict(sent.properties) == {"piece": "p", "variant": "plain"}
        assert sender.messages[0].body.startswith("Read On Go")

    def test_without_either_nothing_is_said(self, start):
        """The fact of a plain touch has no properties."""
        crm = start(person("ada"), **playing(touch("a", 0)))
        crm.engage(now=NOW)
        assert dict(crm.relationship("ada").history.last("sent").properties) == {}


class TestRenamed:
    """A touch that had another key in an earlier version is the same touch."""

    OLD = touch("a", 0), touch("b", 4)
    NEW = touch("hello", 0, was=["a"]), touch("b", 4)

    def again(self, store, sender):
        """Return a CRM with the new version under the number of the old one."""
        return CRM(store, sender, **playing(*self.NEW))

    @pytest.mark.parametrize("answer", [Delivery.UNKNOWN, Delivery.REJECTED])
    def test_what_was_settled_is_not_sent_again(self, start, store, answer):
        """The ledger knows it by its old key."""
        sender = Plain(answer)
        start(person("ada"), sender=sender, **playing(*self.OLD)).engage(now=NOW)
        assert self.again(store, sender).engage(now=NOW + DAY).outcomes == ()
        assert len(sender.keys) == 1

    def test_what_may_go_again_goes_under_its_old_key(self, start, store):
        """So a sender that deduplicates knows it, and so does the plan."""
        sender = Plain(KeyboardInterrupt(), deduplicates=True)
        crm = start(person("ada"), sender=sender, **playing(*self.OLD))
        with pytest.raises(KeyboardInterrupt):
            crm.engage(now=NOW)
        sender.answer = Delivery.ACCEPTED
        crm = self.again(store, sender)
        assert [each.touch for each in crm.engage(now=NOW).sent] == ["a"]
        assert len(set(sender.keys)) == 1
        assert crm.engage(now=NOW, everyone=True).outcomes == ()

    def test_an_open_task_keeps_its_key(self, start, store):
        """It is closed by a call that names either."""
        old = playing(touch("a", 0, 5))
        start(person("ada"), **old).engage(now=NOW)
        crm = CRM(store, MemorySender(), **playing(touch("hello", 0, 5, was=["a"])))
        (task,) = crm.tasks(now=NOW + DAY)
        assert (task.key.rpartition(".")[2], task.touch) == ("a", "hello")
        done = fact("ada", "called", NOW + DAY)
        done = attrs.evolve(done, enrollment_id=task.enrollment_id, touch="hello", rotation=0)
        crm.record([attrs.evolve(done, id="call")], now=NOW + DAY)
        assert crm.tasks(now=NOW + DAY) == ()

    def test_a_task_that_the_cadence_does_not_have_any_more(self, start, store):
        """Nobody is asked to do it."""
        start(person("ada"), **playing(touch("a", 0, 5), touch("b", 1))).engage(now=NOW)
        crm = CRM(store, MemorySender(), **playing(touch("b", 1)))
        assert [isinstance(each, TouchRecord) for each in store.touches()] == [True]
        assert crm.tasks(now=NOW + DAY) == ()
