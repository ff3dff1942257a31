"""Sending: every answer of a sender, the last look before a call, and merged people."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import attrs
import pytest

from crmkit import CRM
from crmkit.cadence import SEVEN_TOUCH, Cadence, Pace, Playbook, Touch, TouchRecord
from crmkit.errors import RenderError, SenderError
from crmkit.lifecycle import TemplateRenderer
from crmkit.model import Candidate, Delivery, Interaction, Receipt, Relationship
from crmkit.protocols import Sender

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


PATIENT = Playbook(
    otherwise=attrs.evolve(
        SEVEN_TOUCH, touches=[attrs.evolve(each, deadline=None) for each in SEVEN_TOUCH.touches]
    )
)


class PlainSender(Sender):
    """A sender without deduplication: every call is a message."""

    def __init__(self, answer=Delivery.ACCEPTED):
        self.calls = []
        self.answer = answer

    def send(self, message):
        self.calls.append(message.key)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return Receipt(delivery=self.answer, detail="so it was")


def states(store):
    return {(each.candidate_id, each.touch): each.state.value for each in store.touches()}


class TestAnswers:
    def test_later_is_tried_again(self, start, store, dump):
        """Nothing left, so the next call tries again; the same instant changes nothing."""
        sender = PlainSender(Delivery.LATER)
        crm = start(person("ada"), sender=sender)
        run = crm.engage(now=NOW)
        assert [(each.state, each.why) for each in run.outcomes] == [("failed", "so it was")]
        before = dump(store)
        crm.engage(now=NOW)
        assert dump(store) == before
        sender.answer = Delivery.ACCEPTED
        assert len(crm.engage(now=NOW + DAY).sent) == 1
        assert states(store) == {("ada", "welcome"): "sent"}

    def test_rejected_is_never_tried_again(self, start, store, dump):
        """The provider will not take it; the next touch has its own chance."""
        sender = PlainSender(Delivery.REJECTED)
        crm = start(person("ada"), sender=sender)
        assert len(crm.engage(now=NOW).of("rejected")) == 1
        before = dump(store)
        assert crm.engage(now=NOW).outcomes == ()
        assert dump(store) == before
        sender.answer = Delivery.ACCEPTED
        assert [each.touch for each in crm.engage(now=NOW + 2 * WEEK).sent] == ["value"]
        assert [key.rpartition(".")[2] for key in sender.calls] == ["welcome", "value"]

    def test_rejections_of_one_day_come_in_one_run(self, start, store, dump):
        """What is overdue after a rejection is tried in the same run, not in the next."""
        sender = PlainSender(Delivery.REJECTED)
        crm = start(person("ada"), sender=sender, playbook=PATIENT)
        crm.engage(now=NOW)
        run = crm.engage(now=NOW + 8 * WEEK)
        assert [each.touch for each in run.of("rejected")] == ["value", "update"]
        before = dump(store)
        crm.engage(now=NOW + 8 * WEEK)
        assert dump(store) == before

    def test_a_rejection_holds_up_nothing_of_the_same_run(self, start, dump, store):
        """Without a least gap, what comes after a rejected touch all goes in one run."""

        class Picky(PlainSender):
            def send(self, message):
                self.calls.append(message.key)
                rejected = message.key.endswith("t1")
                return Receipt(delivery="rejected" if rejected else "accepted", detail="x")

        options = playing(*(touch(f"t{week}", week) for week in range(4)))
        gapless = attrs.evolve(
            options["playbook"].otherwise, pace=Pace(least_gap=timedelta(0), archive_after=99)
        )
        crm = start(person("ada"), sender=Picky(), playbook=Playbook(otherwise=gapless))
        crm.engage(now=NOW)
        run = crm.engage(now=NOW + 9 * WEEK)
        assert [(each.touch, each.state) for each in run.outcomes] == [
            ("t1", "rejected"),
            ("t2", "sent"),
            ("t3", "sent"),
        ]
        before = dump(store)
        crm.engage(now=NOW + 9 * WEEK)
        assert dump(store) == before

    def test_unknown_is_never_sent_again_and_keeps_its_distance(self, start, store, dump):
        """What may have left counts as written when the next touch is spaced."""
        sender = PlainSender(Delivery.UNKNOWN)
        crm = start(person("ada"), sender=sender, playbook=PATIENT)
        crm.engage(now=NOW)
        late = NOW + 8 * WEEK
        assert [each.touch for each in crm.engage(now=late).of("unknown")] == ["value"]
        before = dump(store)
        again = crm.engage(now=late)
        assert (again.outcomes, again.next_due) == ((), late + 5 * DAY)
        assert dump(store) == before
        assert [each.touch for each in crm.engage(now=late + 5 * DAY).outcomes] == ["update"]
        assert max(Counter(sender.calls).values()) == 1

    def test_a_sender_that_cannot_send_at_all(self, start, store):
        """The error comes out, nothing left, and the next call goes on where it stopped."""
        sender = PlainSender(SenderError("the outbox is full"))
        crm = start(person("ada"), person("bob"), sender=sender)
        with pytest.raises(SenderError, match="full"):
            crm.engage(now=NOW)
        assert states(store) == {("ada", "welcome"): "failed"}
        sender.answer = Delivery.ACCEPTED
        assert len(crm.engage(now=NOW).sent) == 2
        assert len(sender.calls) == 3

    def test_without_a_sender_nothing_is_claimed(self, store):
        """What cannot be sent has not been tried, so that a sender can send it later."""
        crm = CRM(store)
        crm.capture_all([person("ada")])
        with pytest.raises(SenderError, match="without a sender"):
            crm.engage(now=NOW)
        assert list(store.touches()) == []
        assert len(CRM(store, PlainSender()).engage(now=NOW).sent) == 1

    def test_without_a_sender_people_still_get_their_work(self, store):
        """A cadence of tasks needs none."""
        crm = CRM(store, **playing(touch("t", 0, 5)))
        crm.capture_all([person("ada")])
        assert len(crm.engage(now=NOW).tasks) == 1


class TestLastLook:
    """What was committed after the plan was made, and before the send starts, counts."""

    def meddle(self, store, sender, *facts, **changes):
        """Return a CRM in which something is committed while the first text is rendered."""
        meddled = []

        class Meddling(TemplateRenderer):
            def render(self, touch, relationship, *, now, piece=None):
                if not meddled:
                    meddled.append(True)
                    store.append_interactions(facts)
                    known = store.get_candidates(["ada"])["ada"]
                    store.put_candidates([attrs.evolve(known, **changes)])
                    store.wake(["ada"])
                return super().render(touch, relationship, now=now, piece=piece)

        return CRM(store, sender, renderer=Meddling())

    @pytest.mark.parametrize(("kind", "rules"), [("unsubscribed", []), ("bounced", ["address"])])
    def test_a_withdrawal_between_plan_and_send(self, store, sender, kind, rules):
        """An unsubscribe or a bounce that comes in meanwhile stops the send."""
        crm = self.meddle(store, sender, fact("ada", kind, NOW))
        crm.capture_all([person("ada")])
        run = crm.engage(now=NOW)
        assert sender.messages == []
        assert [each.rule for each in store.touches()] == rules
        assert [each.why.partition(":")[0] for each in run.refused] == rules

    def test_a_reply_between_plan_and_send(self, store, sender):
        """Who has just replied is not sent the next message."""
        crm = self.meddle(store, sender, fact("ada", "replied", NOW))
        crm.capture_all([person("ada")])
        assert (crm.engage(now=NOW).outcomes, sender.messages) == ((), [])

    def test_an_erasure_between_plan_and_send(self, store, sender):
        """Who was erased meanwhile hears nothing."""
        crm = self.meddle(store, sender, erased=True)
        crm.capture_all([person("ada")])
        assert [each.why for each in crm.engage(now=NOW).refused] == ["erased: not erased"]
        assert sender.messages == []

    def test_a_new_address_between_plan_and_send(self, store, sender):
        """What is known now is what is written to."""
        crm = self.meddle(store, sender, emails=["new@x.org"])
        crm.capture_all([person("ada")])
        crm.engage(now=NOW)
        assert [message.to for message in sender.messages] == ["new@x.org"]

    @pytest.mark.parametrize("absorbed", [True, False])
    def test_somebody_gone_between_plan_and_send(self, store, sender, absorbed):
        """A record that was deleted or merged away meanwhile is left alone."""

        class Removing(TemplateRenderer):
            def render(self, touch, relationship, *, now, piece=None):
                if store.get_candidates(["bob"]):
                    store.delete_candidates(["bob"])
                    store.wake(["bob"])
                    if absorbed:
                        ada = store.get_candidates(["ada"])["ada"]
                        store.put_candidates([attrs.evolve(ada, aliases=["bob"])])
                return super().render(touch, relationship, now=now, piece=piece)

        crm = CRM(store, sender, renderer=Removing(), **playing(touch("a", 0)))
        crm.capture_all([person("ada"), person("bob")])
        store.delete_candidates(["ada"]) if not absorbed else None
        crm.engage(now=NOW)
        assert [message.to for message in sender.messages] == ["ada@x.org"] * absorbed

    def test_another_process_has_sent_it(self, store, sender):
        """What another run sent, after this one's lease was over, is not sent again."""

        class Rival(TemplateRenderer):
            def render(self, touch, relationship, *, now, piece=None):
                if not store.touches():
                    CRM(store, sender).engage(now=now)
                return super().render(touch, relationship, now=now, piece=piece)

        plain = PlainSender()
        crm = CRM(store, plain, renderer=Rival(), lease=timedelta(0))
        crm.capture_all([person("ada")])
        crm.engage(now=NOW)
        run = crm.engage(now=NOW)
        assert (run.sent, plain.calls) == ((), [])
        CRM(store, plain).engage(now=NOW)
        assert len(sender.messages) + len(plain.calls) == 1

    def test_another_process_has_it_in_hand(self, store):
        """A touch that somebody else has claimed meanwhile is theirs."""

        class Rival(TemplateRenderer):
            def render(self, touch, relationship, *, now, piece=None):
                run = store.enrollments(["ada"])[0]
                record = TouchRecord(
                    enrollment_id=run.id,
                    rotation=0,
                    touch=touch.key,
                    candidate_id="ada",
                    state="sending",
                    due_at=now,
                    at=now,
                )
                store.claim_touch(record)
                return super().render(touch, relationship, now=now, piece=piece)

        plain = PlainSender()
        crm = CRM(store, plain, renderer=Rival())
        crm.capture_all([person("ada")])
        assert (crm.engage(now=NOW).outcomes, plain.calls) == ((), [])


class TestMerged:
    def test_a_run_of_the_absorbed_goes_on(self, start, store, sender):
        """It is not started again for the record that was kept."""
        crm = start(person("bob"))
        crm.engage(now=NOW)
        crm.capture_all([person("ada", do_not_contact=False)])
        crm.merge("ada", "bob", now=NOW + DAY)
        assert crm.engage(now=NOW + DAY).enrolled == ()
        run = crm.engage(now=NOW + 2 * WEEK)
        assert [(each.candidate_id, each.touch) for each in run.sent] == [("bob", "value")]
        assert [message.to for message in sender.messages] == ["bob@x.org"] * 2
        assert len(crm.explain("ada", now=NOW + 2 * WEEK).plans) == 1

    def test_of_two_runs_the_older_goes_on(self, start, store):
        """Two people in a cadence, found to be one, get one sequence from then on."""
        crm = start(person("bob"))
        crm.engage(now=NOW)
        crm.capture_all([person("ada")])
        crm.engage(now=NOW + WEEK)
        crm.merge("ada", "bob", now=NOW + WEEK)
        sent = [each for day in range(8, 45) for each in crm.engage(now=NOW + day * DAY).sent]
        assert {each.candidate_id for each in sent} == {"bob"}

    def test_a_run_that_has_ended_leaves_the_field(self, start, store):
        """The younger run goes on when the older one is completed."""
        options = playing(touch("a", 0), touch("b", 2))
        crm = start(person("bob"), **options)
        crm.engage(now=NOW)
        crm.engage(now=NOW + 2 * WEEK)
        crm.capture_all([person("ada")])
        crm.engage(now=NOW + 2 * WEEK)
        crm.merge("ada", "bob", now=NOW + 2 * WEEK)
        run = crm.engage(now=NOW + 6 * WEEK)
        assert [(each.candidate_id, each.touch) for each in run.sent] == [("ada", "b")]


class TestPrivacy:
    def test_reprs_and_texts_hold_ids_only(self, start):
        """No name and no address is in what is printed or logged of a run."""
        crm = start(
            person("ada", name="Canary", emails=["canary@x.org"]),
            person("bob", name="Canary", emails=["canary2@x.org"], do_not_contact=True),
        )
        run = crm.engage(now=NOW)
        crm.record([fact("ada", "unsubscribed", NOW + DAY)])
        late = crm.engage(now=NOW + 13 * WEEK)
        texts = [repr(crm), repr(crm.tasks(now=NOW))]
        for each in (run, late):
            texts += [repr(each), str(each), repr(each.outcomes), repr(each.enrolled)]
            texts += [repr(each.tasks), each._repr_html_()]
        assert not [text for text in texts if "canary" in text.lower()]
        assert repr(run) == "<RunReport: 1 enrolled, 1 sent, 0 refused, 0 tasks>"

    def test_errors_hold_ids_only(self, store):
        """What is raised can be logged."""
        crm = CRM(store)
        crm.capture_all([person("ada", name="Canary", emails=["canary@x.org"])])
        crm.capture_all([person("bob", name="Canary", emails=["canary2@x.org"])])
        both = Candidate(id="c", emails=["canary@x.org", "canary2@x.org"])
        raised = []
        for act in (
            lambda: crm.capture(both),
            lambda: crm.engage(now=NOW),
            lambda: crm.relationship("nobody"),
            lambda: TemplateRenderer().render(
                touch("t", 0, bodies=["$title"]), crm.relationship("ada"), now=NOW
            ),
        ):
            with pytest.raises((LookupError, SenderError, RenderError)) as caught:
                act()
            raised.append(str(caught.value) + repr(caught.value))
        assert not [text for text in raised if "canary" in text.lower()]
