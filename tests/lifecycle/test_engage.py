"""Engage: who is enrolled, what is sent, what is not and why; nothing twice."""

from datetime import UTC, datetime, timedelta

import attrs
import pytest

from crmkit import CRM
from crmkit.cadence import SEVEN_TOUCH, Cadence, Pace, Playbook, Touch, TouchState
from crmkit.engagement import EngagementPolicy
from crmkit.errors import InvalidRecord
from crmkit.lifecycle import Outcome
from crmkit.model import Candidate, Interaction, Relationship
from crmkit.permission import ContactPolicy
from crmkit.protocols import Rendered, Renderer
from crmkit.stores import MemoryStore

pytestmark = pytest.mark.postgres

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)


def fact(who, kind, at=NOW - DAY, **more):
    return Interaction(candidate_id=who, kind=kind, at=at, **more)


def person(key, *facts, **known):
    known = {"emails": [f"{key}@x.org"]} | known
    return Relationship(Candidate(id=key, **known), [fact(key, "captured"), *facts])


def touch(key, week, level=2, **more):
    more = {"subject": "s", "bodies": ["b"], "deadline": None} | more
    return Touch(key=key, week=week, purpose="p", level=level, **more)


def cadence(*touches, **more):
    return Cadence(name="short", touches=list(touches), **more)


def playing(*touches, **more):
    return {"playbook": Playbook(otherwise=cadence(*touches, **more))}


def states(store):
    return {(each.candidate_id, each.touch): each.state.value for each in store.touches()}


PATIENT = attrs.evolve(
    SEVEN_TOUCH, touches=[attrs.evolve(each, deadline=None) for each in SEVEN_TOUCH.touches]
)


class TestEnrol:
    def test_enrols_once_and_sends_week_zero(self, start, store, sender):
        """A new person is in the cadence, with a fact, and has its first message."""
        run = start(person("ada", name="Ada Byron")).engage(now=NOW)
        assert [each.candidate_id for each in run.enrolled] == ["ada"]
        assert [(each.to, each.subject) for each in sender.messages] == [
            ("ada@x.org", "Good to be in touch")
        ]
        kinds = [each.kind for each in store.interactions(["ada"])]
        assert sorted(kinds) == ["captured", "enrolled", "sent"]
        assert states(store) == {("ada", "welcome"): "sent"}
        assert run.sent == (
            Outcome(
                candidate_id="ada",
                touch="welcome",
                state="sent",
                why=f"memory:{run.enrolled[0].id}.0.welcome",
            ),
        )
        assert run.next_due == NOW + 2 * WEEK

    def test_twice_changes_nothing(self, start, store, sender, dump):
        """A second run at the same instant enrols nobody, sends nothing and writes nothing."""
        crm = start(person("ada"), person("bob"))
        crm.engage(now=NOW)
        before = dump(store)
        again = crm.engage(now=NOW)
        assert (again.enrolled, again.outcomes, again.tasks) == ((), (), ())
        assert (dump(store), len(sender.messages)) == (before, 2)

    def test_the_playbook_chooses_by_segment(self, start, store):
        """The first segment of the playbook decides, and is noted."""
        known = person("ada", fact("ada", "attended"), source="event")
        special = cadence(touch("hello", 0))
        crm = start(known, playbook=Playbook([("event leads", special)], otherwise=None))
        assert dict(crm.engage(now=NOW).not_enrolled) == {"playbook": 1}
        crm.segment(now=NOW)
        run = crm.engage(now=NOW)
        assert (run.enrolled[0].segment, run.enrolled[0].cadence) == ("event leads", "short")
        assert dict(run.not_enrolled) == {}

    def test_says_why_people_are_not_enrolled(self, start):
        """Who may not be written to is in no cadence, and counted by the rule that refused."""
        people = [
            person("process", fact("process", "applied")),
            person("process2", fact("process2", "interviewed")),
            person("address", emails=[]),
            Relationship(Candidate(id="retention", emails=["r@x.org"])),
            person("wish", do_not_contact=True),
            person("erased", erased=True),
            person("stop", fact("stop", "unsubscribed")),
            person("fine"),
        ]
        run = start(*people).engage(now=NOW)
        assert dict(run.not_enrolled) == {
            "address": 1,
            "do_not_contact": 1,
            "erased": 1,
            "in_process": 2,
            "no_basis": 1,
            "retention": 1,
        }
        assert [each.candidate_id for each in run.enrolled] == ["fine"]
        assert "  not enrolled, in_process: 2" in str(run).splitlines()
        assert "<li>not enrolled, in_process: 2</li>" in run._repr_html_()

    def test_a_snooze_says_when_to_come_back(self, start):
        """Where waiting helps, the next instant to look at is that of the permission."""
        later = NOW + 40 * DAY
        run = start(person("ada", interest="later", interested_from=later)).engage(now=NOW)
        assert (dict(run.not_enrolled), run.next_due) == ({"snoozed": 1}, later)

    def test_another_process_may_be_quicker(self, sender):
        """Who is in one worker's hands is enrolled by that one, and not by another."""

        class Rivalled(MemoryStore):
            """Lets another process run just before the segments are read."""

            rival = False

            def memberships(self, candidate_ids=None):
                if not self.rival:
                    self.rival = True
                    CRM(self, sender).engage(now=NOW - timedelta(hours=1))
                return super().memberships(candidate_ids)

        store = Rivalled()
        crm = CRM(store, sender)
        crm.capture_all([person("ada")])
        run = crm.engage(now=NOW)
        assert (len(run.enrolled), len(store.enrollments()), len(sender.messages)) == (1, 1, 1)


class TestWeeks:
    def test_the_whole_sequence(self, start, store, sender):
        """Looked at daily, a neutral person's touches go at their weeks; the check-in is a task."""
        neutral = EngagementPolicy(cooling_after=90, cold_after=99)
        crm = start(person("ada"), engagement=neutral)
        asked = []
        for day in range(37 * 7):
            asked += [(each.touch, day // 7) for each in crm.engage(now=NOW + day * DAY).tasks]
        found = [(each.touch, (each.at - NOW) // WEEK, each.state) for each in store.touches()]
        sent = [(each.key, each.week, TouchState.SENT) for each in SEVEN_TOUCH.touches]
        sent[3] = ("check-in", 18, TouchState.EXPIRED)  # nobody called within six weeks
        assert (found, asked) == (sent, [("check-in", 12)])
        assert len(sender.messages) == 6

    def test_after_a_long_silence_one_message_goes_at_a_time(self, start, store):
        """What is overdue is not sent at once: the least gap is kept, and next_due says when."""
        crm = start(person("ada"), playbook=Playbook(otherwise=PATIENT))
        crm.engage(now=NOW)
        late = NOW + 20 * WEEK
        first = crm.engage(now=late)
        assert [each.touch for each in first.sent] == ["value"]
        assert [each.touch for each in first.tasks] == ["check-in"]
        assert first.next_due == late + 5 * DAY
        assert crm.engage(now=late + 5 * DAY - timedelta(seconds=1)).sent == ()
        assert [each.touch for each in crm.engage(now=late + 5 * DAY).sent] == ["update"]

    def test_silence_archives_at_the_seventh_message(self, start, store, dump):
        """After the last message without an answer the run is archived, at once and once."""
        pace = Pace(archive_after=2)
        options = playing(*(touch(f"t{week}", week) for week in range(5)), pace=pace)
        crm = start(person("ada"), **options)
        crm.engage(now=NOW)
        run = crm.engage(now=NOW + WEEK)
        assert [each.state for each in run.outcomes] == ["sent", "archived"]
        before = dump(store)
        assert crm.engage(now=NOW + WEEK).outcomes == ()
        assert crm.engage(now=NOW + 30 * WEEK).outcomes == ()
        assert dump(store) == before
        assert [each.kind for each in store.interactions(["ada"])].count("archived") == 1

    def test_a_reply_pauses_and_an_answer_resumes(self, start, store):
        """Who replied hears nothing from a machine until a person has answered."""
        crm = start(person("ada"))
        crm.engage(now=NOW)
        crm.record([fact("ada", "replied", NOW + DAY)])
        assert crm.engage(now=NOW + 3 * WEEK).outcomes == ()
        crm.record([fact("ada", "called", NOW + 3 * WEEK)])
        sent = [crm.engage(now=NOW + (22 + day) * DAY).sent for day in range(30)]
        assert [each[0].touch for each in sent if each][:1] == ["value"]

    def test_without_a_least_gap_all_that_is_due_goes(self, start, store, sender, dump):
        """A gap of nothing keeps nothing apart, but the cap still holds."""
        pace = Pace(least_gap=timedelta(0), archive_after=99)
        options = playing(*(touch(f"t{week}", week) for week in range(5)), pace=pace)
        crm = start(person("ada"), **options)
        crm.engage(now=NOW)
        late = NOW + 20 * WEEK
        run = crm.engage(now=late)
        assert [(each.touch, each.state) for each in run.outcomes] == [
            ("t1", "sent"),
            ("t2", "sent"),
        ]
        assert run.next_due == late + WEEK
        before = dump(store)
        crm.engage(now=late)
        assert dump(store) == before


class TestRefusals:
    def test_names_the_rule_and_says_it_in_a_sentence(self, start):
        """A refusal gives the rule, and what was found."""
        crm = start(person("ada"))
        crm.engage(now=NOW)
        crm.record([fact("ada", "bounced", NOW + DAY)])
        run = crm.engage(now=NOW + 3 * WEEK)
        why = "address: an address for email that works (found 0 of 1, the rest bounced)"
        assert [(each.touch, each.state, each.why) for each in run.refused] == [
            ("value", "refused", why)
        ]
        assert f"  ada value: refused, {why}" in str(run).splitlines()

    def test_who_unsubscribes_hears_nothing_more(self, start, sender):
        """The plan has ended: nothing is due that could be refused."""
        crm = start(person("ada"))
        crm.engage(now=NOW)
        crm.record([fact("ada", "unsubscribed", NOW + DAY)])
        assert crm.engage(now=NOW + 3 * WEEK).outcomes == ()
        assert len(sender.messages) == 1

    def test_a_missing_value_refuses(self, start, store):
        """A text with a hole is not sent, and the next touch is not held up by it."""
        options = playing(touch("a", 0, bodies=["$company"]), touch("b", 1))
        crm = start(person("ada"), **options)
        run = crm.engage(now=NOW)
        assert [each.why for each in run.refused] == [
            "render: a.bodies[0] needs $company, which is not known; add a body that does without"
        ]
        run = crm.engage(now=NOW + WEEK)
        assert [(each.touch, each.state) for each in run.outcomes] == [
            ("a", "refused"),
            ("b", "sent"),
        ]

    def test_what_was_overtaken_keeps_its_distance(self, start, store):
        """A touch that can be rendered at last does not follow another on its heels."""
        options = playing(touch("a", 0, bodies=["$company"]), touch("b", 1))
        crm = start(person("ada"), **options)
        crm.engage(now=NOW)
        crm.engage(now=NOW + WEEK)
        crm.capture(Candidate(id="ada", company="C"))
        run = crm.engage(now=NOW + 8 * DAY)
        assert (run.outcomes, run.next_due) == ((), NOW + 12 * DAY)
        assert [each.touch for each in crm.engage(now=NOW + 12 * DAY).sent] == ["a"]

    def test_a_subject_that_no_message_takes_refuses(self, start):
        """What a renderer of the host's returns is checked before anything goes out."""

        class Careless(Renderer):
            def render(self, touch, relationship, *, now, piece=None):
                return Rendered("two\nlines", "body")

        run = start(person("ada"), renderer=Careless()).engage(now=NOW)
        assert [each.why for each in run.refused] == [
            "render: subject: expected one line of text without control characters"
        ]

    def test_a_channel_without_an_address_refuses(self, start):
        """An automatic touch needs somewhere to go."""
        policy = ContactPolicy(interest_channels=["email", "text"])
        options = playing(touch("a", 0), touch("b", 1, channel="text"))
        crm = start(person("ada"), policy=policy, **options)
        crm.engage(now=NOW)
        assert [each.why.partition(":")[0] for each in crm.engage(now=NOW + WEEK).refused] == [
            "address"
        ]

    def test_a_cadence_that_is_gone_refuses(self, start, store, sender):
        """A run whose cadence the playbook has no more stops nobody else's."""
        start(person("ada"), **playing(touch("a", 0), touch("b", 1))).engage(now=NOW)
        crm = CRM(store, sender, playbook=Playbook())
        crm.capture_all([person("bob")])
        run = crm.engage(now=NOW + WEEK)
        assert [each.candidate_id for each in run.sent] == ["bob"]
        assert [each.why for each in run.refused] == [
            "cadence: no cadence 'short 1'; known: 'seven-touch 1'"
        ]

    def test_thin_data_is_no_reason_to_refuse(self, start, sender):
        """Of somebody known by their address alone, the plainer text goes out."""
        crm = start(person("ada"))
        crm.engage(now=NOW)
        crm.engage(now=NOW + 2 * WEEK)
        assert [message.body.splitlines()[0] for message in sender.messages] == ["Hello,"] * 2

    def test_the_policy_in_force_decides(self, start):
        """The strict policy writes to nobody without consent."""
        policy = ContactPolicy.consent_only()
        people = person("a"), person("b", fact("b", "consented"))
        run = start(*people, policy=policy).engage(now=NOW)
        assert [each.candidate_id for each in run.sent] == ["b"]


class TestTasks:
    def test_level_five_is_a_task_and_never_a_message(self, start, store, sender):
        """A person is asked, with what to remember and a draft; the sender is not called."""
        crm = start(person("ada", fact("ada", "met"), company="C"), **playing(touch("t", 0, 5)))
        run = crm.engage(now=NOW)
        assert (sender.messages, states(store)) == ([], {("ada", "t"): "task"})
        task = run.tasks[0]
        assert (task.candidate_id, task.due_at, task.draft.splitlines()[0]) == ("ada", NOW, "b")
        assert (task.brief.spoke_by, str(task)) == ("met", "t for ada, due 2026-03-02")
        assert crm.tasks(now=NOW) == run.tasks

    def test_a_task_is_open_until_it_is_done(self, start, store):
        """A call that names its touch closes it; the brief is that of the day one looks."""
        crm = start(person("ada"), **playing(touch("t", 0, 5)))
        task = crm.engage(now=NOW).tasks[0]
        run = store.enrollments(["ada"])[0]
        crm.record([fact("ada", "noted", NOW + DAY)])
        crm.record([fact("ada", "called", NOW + DAY)])
        assert [each.key for each in crm.tasks(now=NOW + 2 * DAY)] == [task.key]
        assert crm.tasks(now=NOW + 2 * DAY)[0].brief.spoke_by == "called"
        done = fact("ada", "called", NOW + 3 * DAY, enrollment_id=run.id, touch="t", rotation=0)
        crm.record([done])
        assert len(crm.tasks(now=NOW + 2 * DAY)) == 1
        assert crm.tasks(now=NOW + 3 * DAY) == ()
        assert crm.tasks(now=NOW - DAY) == ()

    @pytest.mark.parametrize("known", [{"erased": True}, {"do_not_contact": True}])
    def test_nobody_is_asked_to_call_who_must_not_be_called(self, start, known):
        """A task is gone when permission is."""
        crm = start(person("ada"), **playing(touch("t", 0, 5)))
        crm.engage(now=NOW)
        crm.capture(Candidate(id="ada", **known))
        assert crm.tasks(now=NOW + DAY) == ()

    def test_permission_is_asked_before_a_task_too(self, start, store):
        """Whom one may not contact, no person is asked to contact."""
        crm = start(person("ada"), **playing(touch("a", 0), touch("t", 1, 5)))
        crm.engage(now=NOW)
        crm.record([fact("ada", "bounced", NOW + DAY)])
        run = crm.engage(now=NOW + WEEK)
        assert (run.tasks, [each.touch for each in run.refused]) == ((), ["t"])

    def test_a_draft_with_a_hole_is_no_draft(self, start, store, sender):
        """The task stands without it; so it does not when its cadence is gone."""
        options = playing(touch("t", 0, 5, bodies=["$company"]))
        crm = start(person("ada"), person("bob"), **options)
        assert [each.draft for each in crm.engage(now=NOW).tasks] == [None, None]
        assert CRM(store, sender).tasks(now=NOW) == ()

    def test_a_task_is_handed_over_once(self, sender):
        """Of two processes that find it due, one hands it over."""

        class Blind(MemoryStore):
            """Reads the ledger too early to see anything."""

            def touches(self, candidate_ids=None):
                return []

        crm = CRM(Blind(), sender, **playing(touch("t", 0, 5)))
        crm.capture_all([person("ada")])
        assert [len(crm.engage(now=NOW).tasks) for _ in range(2)] == [1, 0]

    def test_tasks_and_messages_of_one_day_both_happen(self, start, store):
        """A message does not put off what a person has to do, nor the other way round."""
        crm = start(person("ada"), **playing(touch("a", 0), touch("t", 1, 5), touch("b", 2)))
        run = crm.engage(now=NOW)
        run = crm.engage(now=NOW + 2 * WEEK)
        assert ([each.touch for each in run.tasks], [each.touch for each in run.sent]) == (
            ["t"],
            ["b"],
        )


class TestLimit:
    def test_no_more_calls_than_the_limit(self, start, store, sender):
        """The rest is held back, said so, and goes with the next calls."""
        crm = start(*(person(f"p{i}") for i in range(5)))
        first = crm.engage(now=NOW, limit=2)
        assert (len(first.enrolled), len(first.sent), first.held) == (5, 2, 3)
        assert "  held back by the limit: 3" in str(first).splitlines()
        counts = [len(crm.engage(now=NOW, limit=2).sent) for _ in range(3)]
        assert counts == [2, 1, 0]
        assert len(sender.messages) == 5

    def test_the_limit_holds_back_no_task(self, start, store):
        """A limit of nothing still hands people their work, and says what is refused."""
        people = person("a"), person("b")
        options = playing(touch("t", 0, 5), touch("m", 1))
        crm = start(*people, **options)
        assert len(crm.engage(now=NOW, limit=0).tasks) == 2
        crm.record([fact("b", "bounced", NOW + DAY)])
        run = crm.engage(now=NOW + WEEK, limit=0)
        assert (run.held, [each.candidate_id for each in run.refused]) == (1, ["b"])

    def test_a_limit_below_nothing_is_a_mistake(self, start):
        """It is refused before anything happens."""
        with pytest.raises(InvalidRecord, match="limit"):
            start(person("a")).engage(now=NOW, limit=-1)
