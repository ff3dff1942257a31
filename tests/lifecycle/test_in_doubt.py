"""What nobody knows is listed, explained, and settled by who knows; what was refused is kept."""

from datetime import UTC, datetime, timedelta

import attrs
import pytest

from crmkit import CRM
from crmkit.cadence import Cadence, Playbook, Touch
from crmkit.errors import InvalidRecord, NotFound, SenderError, UnknownName
from crmkit.model import Candidate, Delivery, Interaction, Receipt, Relationship
from crmkit.permission import ContactPolicy
from crmkit.protocols import Rendered, Sender
from crmkit.segmentation import Segment, event
from crmkit.senders import MemorySender

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def touch(key, week, level=2, **options):
    return Touch(
        key=key,
        week=week,
        purpose=f"about {key}",
        level=level,
        subject="Hi",
        bodies=["Hello there."],
        **options,
    )


def playing(*touches):
    return {"playbook": Playbook(otherwise=Cadence(name="c", touches=touches))}


ADA = Relationship(
    Candidate(id="ada", emails=["ada@x.org"], company="Old"),
    [Interaction(candidate_id="ada", kind="captured", at=NOW - DAY)],
)


class Crash(BaseException):
    """The process ends here."""


class Cut(Sender):
    """Is cut off in the first call; later it may be asked what it has taken."""

    def __init__(self, found=None, window=timedelta(0)):
        self.messages = []
        self.asked = []
        self.deduplication_window = window
        if found is not None:
            self.find = lambda key: (self.asked.append(key), found)[1]

    def send(self, message):
        self.messages.append(message)
        if len(self.messages) == 1:
            raise Crash
        return Receipt(delivery=Delivery.ACCEPTED, provider_id="p-2")


def cut_off(store, sender, **options):
    crm = CRM(store, sender, **(options or playing(touch("a", 0), touch("b", 2))))
    crm.capture_all([ADA])
    with pytest.raises(Crash):
        crm.engage(now=NOW)
    return crm


def states(store):
    return [(each.touch, each.state.value) for each in store.touches()]


def sent_facts(store):
    return [fact for fact in store.interactions(["ada"]) if fact.kind == "sent"]


class TestListed:
    def test_it_says_why_and_what_to_do(self, store):
        """It prints the key to look for at the provider, and the call that settles it."""
        crm = cut_off(store, Cut())
        crm.engage(now=NOW)
        (doubt,) = crm.in_doubt()
        assert (doubt.candidate_id, doubt.touch, doubt.since) == ("ada", "a", NOW)
        assert str(doubt) == (
            "ada a: unknown since 2026-03-02 09:00 UTC, a call was cut off; it may have left, so "
            f"it is not sent again; look for {doubt.key} at the provider, then "
            "crm.resolve(key, sent=…)"
        )

    def test_a_person_says_that_it_left(self, store):
        """It is sent, as of then; the plan knows, and nothing is sent again."""
        crm = cut_off(store, Cut())
        crm.engage(now=NOW)
        key = crm.in_doubt()[0].key
        record = crm.resolve(key, sent=True, provider_id="p-1", now=NOW + DAY)
        assert (record.state.value, record.provider_id, record.at) == ("sent", "p-1", NOW)
        assert [fact.at for fact in sent_facts(store)] == [NOW]
        assert crm.resolve(key, sent=False, now=NOW + DAY) == record
        assert crm.in_doubt() == ()
        assert [each.touch for each in crm.engage(now=NOW + 14 * DAY).sent] == ["b"]

    def test_a_person_says_that_it_never_left(self, store):
        """It is tried again at the next call, under the next attempt."""
        sender = Cut()
        crm = cut_off(store, sender)
        crm.engage(now=NOW)
        crm.resolve(crm.in_doubt()[0].key, sent=False, now=NOW + DAY)
        assert states(store) == [("a", "failed")]
        assert len(crm.engage(now=NOW + DAY).sent) == 1
        (record,) = store.touches()
        assert (record.state.value, record.attempt) == ("sent", 2)

    def test_nobody_knows_such_a_key(self, store):
        """A mistyped key is an error, not a silent success."""
        with pytest.raises(NotFound, match="no touch 'e\\.0\\.x'"):
            CRM(store).resolve("e.0.x", sent=True)

    def test_a_sender_that_cannot_be_asked(self, store):
        """Without an answer of a person's, somebody has to know."""
        crm = cut_off(store, Cut())
        crm.engage(now=NOW)
        with pytest.raises(InvalidRecord, match="sent: expected True or False"):
            crm.resolve(crm.in_doubt()[0].key)


class TestFacts:
    @pytest.mark.parametrize("kind", ["delivered", "opened", "clicked", "replied", "bounced"])
    def test_a_webhook_that_names_it_shows_that_it_left(self, store, kind):
        """What came back from the provider, or from them, settles it."""
        crm = cut_off(store, Cut())
        crm.engage(now=NOW)
        run = store.enrollments(["ada"])[0].id
        about = {"enrollment_id": run, "touch": "a", "rotation": 0}
        crm.record([Interaction(candidate_id="ada", kind=kind, at=NOW + DAY, **about)], now=NOW)
        assert states(store) == [("a", "sent")]
        assert [fact.at for fact in sent_facts(store)] == [NOW]
        assert crm.in_doubt() == ()

    def test_a_host_that_logs_it_as_sent(self, store):
        """It is settled by that fact, and no second one is logged beside it."""
        crm = cut_off(store, Cut())
        crm.engage(now=NOW)
        run = store.enrollments(["ada"])[0].id
        about = {"enrollment_id": run, "touch": "a", "properties": {"by": "the provider's log"}}
        crm.record([Interaction(candidate_id="ada", kind="sent", at=NOW, **about)], now=NOW)
        assert (states(store), len(sent_facts(store))) == ([("a", "sent")], 1)

    def test_a_fact_about_another_touch_shows_nothing(self, store):
        """It stays in doubt."""
        crm = cut_off(store, Cut())
        crm.engage(now=NOW)
        run = store.enrollments(["ada"])[0].id
        about = {"enrollment_id": run, "touch": "b"}
        crm.record([Interaction(candidate_id="ada", kind="opened", at=NOW, **about)], now=NOW)
        assert states(store) == [("a", "unknown")]

    def test_a_fact_that_came_before_the_next_call(self, store):
        """A call that was cut off is settled by the log at once, never unknown."""
        crm = cut_off(store, Cut())
        run = store.enrollments(["ada"])[0].id
        about = {"enrollment_id": run, "touch": "a"}
        crm.record([Interaction(candidate_id="ada", kind="delivered", at=NOW, **about)], now=NOW)
        assert [each.state for each in crm.engage(now=NOW).outcomes] == ["sent"]
        assert len(sent_facts(store)) == 1


class TestTheProvider:
    @pytest.mark.parametrize(
        ("answer", "state"),
        [
            (Receipt(delivery="accepted", provider_id="p-1"), "sent"),
            (Receipt(delivery="rejected", detail="gone"), "rejected"),
            (Receipt(delivery="unknown"), "unknown"),
        ],
    )
    def test_it_is_asked_about_what_was_cut_off(self, store, answer, state):
        """What it says settles the touch; if it cannot say, nobody knows."""
        sender = Cut(answer)
        crm = cut_off(store, sender)
        crm.engage(now=NOW)
        (record,) = store.touches()
        assert (record.state.value, record.provider_id) == (state, answer.provider_id)
        assert (len(sender.messages), sender.asked) == (1, [record.key])
        assert len(sent_facts(store)) == (state == "sent")

    def test_what_it_never_took_goes_in_the_same_run(self, store):
        """It is sure that nothing left, so the touch is free."""
        sender = Cut(Receipt(delivery="later"))
        crm = cut_off(store, sender)
        assert [each.state for each in crm.engage(now=NOW).outcomes] == ["sent"]
        assert len(sender.messages) == 2

    def test_a_person_has_it_asked(self, store):
        """Without saying themselves what they found."""
        sender = Cut()
        crm = cut_off(store, sender)
        crm.engage(now=NOW)
        sender.find = lambda key: Receipt(delivery="accepted", provider_id="p-1")
        assert crm.resolve(crm.in_doubt()[0].key).state.value == "sent"


class TestTheWindow:
    def test_within_it_the_same_bytes_go_again(self, store):
        """The message is the very same, to its date, under the same key."""
        sender = Cut(window=DAY)
        crm = cut_off(store, sender)
        crm.engage(now=NOW + timedelta(hours=23))
        first, second = sender.messages
        assert first == second
        (record,) = store.touches()
        assert (record.state.value, record.at, record.attempt) == ("sent", NOW, 2)

    def test_after_it_nothing_goes(self, store):
        """The provider may have forgotten the key."""
        sender = Cut(window=DAY)
        crm = cut_off(store, sender)
        crm.engage(now=NOW + DAY)
        assert (states(store), len(sender.messages)) == ([("a", "unknown")], 1)

    def test_a_clock_that_was_set_back_opens_no_window(self, store):
        """Nobody knows how long ago the call was."""
        sender = Cut(window=DAY)
        crm = cut_off(store, sender)
        crm.engage(now=NOW - timedelta(minutes=1), everyone=True)
        assert (states(store), len(sender.messages)) == ([("a", "unknown")], 1)

    def test_another_message_does_not_go_under_the_key(self, store):
        """What is known of them has changed, and so would the text: it stays in doubt."""
        body = Touch(
            key="a", week=0, purpose="p", level=2, subject="Hi", bodies=["How is $company?"]
        )
        sender = Cut(window=DAY)
        crm = cut_off(store, sender, **playing(body))
        crm.capture(Candidate(id="ada", company="New"), now=NOW)
        crm.engage(now=NOW)
        assert (states(store), len(sender.messages)) == ([("a", "unknown")], 1)
        assert "its message would be another one now" in crm.in_doubt()[0].why

    def test_a_withdrawal_after_the_cut_stops_the_second_call(self, store):
        """The first may have left; a no counts for the second all the same."""
        sender = Cut(window=DAY)
        crm = cut_off(store, sender)
        no = Interaction(candidate_id="ada", kind="unsubscribed", at=NOW)
        crm.record([no], now=NOW)
        crm.engage(now=NOW)
        assert (states(store), len(sender.messages)) == ([("a", "unknown")], 1)


class TestAfterADeath:
    def dead(self, store):
        """Have a worker die with somebody in hand: it neither settles nor gives them back."""
        sender = Cut(window=DAY)
        crm = cut_off(store, sender)
        assert store.take(NOW, lease=DAY)
        store.end_leases()
        return crm, sender

    @pytest.mark.parametrize("live", [True, False])
    def test_what_may_not_go_again_is_in_doubt(self, store, live):
        """Whoever takes over closes it, though it has to ask the segments first."""
        crm, sender = self.dead(store)
        if live:
            crm.segment(now=NOW)
        no = Interaction(candidate_id="ada", kind="unsubscribed", at=NOW)
        crm.record([no], now=NOW)
        crm.engage(now=NOW)
        assert (states(store), len(sender.messages)) == ([("a", "unknown")], 1)

    def test_memberships_are_what_a_new_look_finds(self, store):
        """What it had logged and not yet shown to the segments is shown to them."""
        crm, _ = self.dead(store)
        written = Segment("written to", event("sent").ever())
        crm = CRM(store, MemorySender(), segments=[written], **playing(touch("a", 0)))
        crm.segment(now=NOW)
        store.append_interactions([Interaction(candidate_id="ada", kind="sent", at=NOW)])
        assert store.take(NOW, lease=DAY)
        store.end_leases()
        crm.engage(now=NOW)
        assert crm.members("written to") == ("ada",)


class TestRefused:
    def test_the_ledger_says_by_which_rule_and_until_when(self, store, sender):
        """A refusal is kept with its rule, its reason and the next allowed instant."""
        crm = CRM(store, sender, **playing(touch("a", 0), touch("b", 2, deadline=None)))
        crm.capture_all([ADA])
        crm.engage(now=NOW)
        at = NOW + 16 * DAY
        more = [
            Interaction(candidate_id="ada", kind="messaged", at=at - each * DAY) for each in (1, 0)
        ]
        crm.record(more, now=at)
        (outcome,) = crm.engage(now=at).refused
        assert (outcome.rule, outcome.next_at) == ("cap", at + 6 * DAY)
        record = store.touches()[-1]
        assert (record.state.value, record.rule, record.next_at) == ("refused", "cap", at + 6 * DAY)
        crm.engage(now=at + 6 * DAY)
        assert states(store) == [("a", "sent"), ("b", "sent")]

    def test_it_is_written_once(self, store, sender):
        """The same refusal found again changes nothing."""
        crm = CRM(store, sender, **playing(touch("a", 0)))
        crm.capture_all([ADA])
        crm.engage(now=NOW, limit=0)
        no = Interaction(candidate_id="ada", kind="bounced", at=NOW)
        crm.record([no], now=NOW)
        crm.engage(now=NOW)
        (record,) = store.touches()
        crm.engage(now=NOW + DAY, everyone=True)
        assert (record.state.value, record.rule, list(store.touches())) == (
            "refused",
            "address",
            [record],
        )

    def test_it_expires_by_its_deadline(self, store, sender):
        """What no rule let go in time is expired, not lost."""
        crm = CRM(store, sender, **playing(touch("a", 0), touch("b", 30)))
        crm.capture_all([ADA])
        crm.engage(now=NOW, limit=0)
        crm.record([Interaction(candidate_id="ada", kind="bounced", at=NOW)], now=NOW)
        crm.engage(now=NOW)
        crm.engage(now=NOW + 14 * DAY)
        assert states(store) == [("a", "expired")]


class TestByHand:
    def handed_over(self, store, **options):
        crm = CRM(store, MemorySender(), **playing(touch("call", 0, level=5)), **options)
        crm.capture_all([ADA])
        return crm, crm.engage(now=NOW).tasks[0]

    def test_done_records_the_interaction(self, store):
        """The fact names the touch and what they said; the ledger says done; the brief knows."""
        crm, task = self.handed_over(store)
        fact = crm.complete(
            task.key, "called", said="after the summer", outcome="later", by="sam", now=NOW + DAY
        )
        assert (fact.kind, fact.touch, fact.rotation) == ("called", "call", 0)
        assert fact.properties == {"said": "after the summer", "by": "sam"}
        assert (states(store), crm.tasks(now=NOW + DAY)) == ([("call", "done")], ())
        assert crm.explain("ada", now=NOW + DAY).brief.said == "after the summer"

    def test_twice_changes_nothing(self, store, dump):
        """A second click on done is one done."""
        crm, task = self.handed_over(store)
        crm.complete(task.key, "called", now=NOW + DAY)
        before = dump(store)
        crm.complete(task.key, "called", now=NOW + 2 * DAY)
        assert dump(store) == before

    def test_a_reply_is_answered(self, store):
        """The task to answer a reply is done by any word to them."""
        crm = CRM(store, MemorySender(), **playing(touch("a", 0), touch("b", 9)))
        crm.capture_all([ADA])
        crm.engage(now=NOW)
        crm.record([Interaction(candidate_id="ada", kind="replied", at=NOW + DAY)], now=NOW + DAY)
        (task,) = crm.engage(now=NOW + DAY).tasks
        fact = crm.complete(task.key, now=NOW + 2 * DAY)
        assert (fact.kind, fact.touch, crm.tasks(now=NOW + 2 * DAY)) == ("messaged", None, ())

    def test_what_is_no_task(self, store):
        """An unknown key, a message that went by itself, and another kind are errors."""
        crm, task = self.handed_over(store)
        with pytest.raises(NotFound):
            crm.complete("e.0.x")
        with pytest.raises(UnknownName, match="kind: 'sent' is not what a person does"):
            crm.complete(task.key, "sent")

    def test_the_hosts_drafter_writes_the_draft(self, store):
        """It is given the touch, the person and the brief; the draft is not sent."""
        seen = []

        def drafter(touch, relationship, *, brief, now):
            seen.append((touch.key, relationship.id, brief.company_now, now))
            return Rendered("Hello", "A draft.")

        crm, task = self.handed_over(store, drafter=drafter)
        assert (task.draft, seen) == ("A draft.", [("call", "ada", "Old", NOW)])
        assert crm._work.sender.messages == []

    def test_the_policy_lets_drafts_go(self, store):
        """Where the policy says so, the draft goes by mail, under the same guarantee."""

        def drafter(touch, relationship, *, brief, now):
            return Rendered("Hello", "A draft.")

        crm = CRM(
            store,
            MemorySender(),
            **playing(touch("call", 0, level=5)),
            drafter=drafter,
            policy=ContactPolicy(send_drafts=True),
        )
        crm.capture_all([ADA])
        run = crm.engage(now=NOW)
        assert ([each.touch for each in run.sent], run.tasks) == (["call"], ())
        assert [message.body for message in crm._work.sender.messages] == ["A draft."]


def test_a_sender_that_breaks_is_found_out_by_the_next_call(store):
    """An error that is none of crmkit's comes out; what it may have sent is unknown, once."""

    class Broken(Sender):
        calls = 0

        def send(self, message):
            self.calls += 1
            raise ZeroDivisionError

    sender = Broken()
    crm = CRM(store, sender, **playing(touch("a", 0)))
    crm.capture_all([ADA, attrs.evolve(ADA, candidate=Candidate(id="bob"), history=[])])
    with pytest.raises(ZeroDivisionError):
        crm.engage(now=NOW)
    crm.engage(now=NOW)
    assert (states(store), sender.calls) == ([("a", "unknown")], 1)


def test_the_provider_names_when_to_try_again(store):
    """Its own word counts more than the usual half an hour."""

    class Busy(Sender):
        def send(self, message):
            return Receipt(delivery="later", retry_after=timedelta(hours=3))

    crm = CRM(store, Busy(), **playing(touch("a", 0)))
    crm.capture_all([ADA])
    assert crm.engage(now=NOW).next_due == NOW + timedelta(hours=3)
    assert store.touches()[0].next_at == NOW + timedelta(hours=3)


def test_a_sender_that_cannot_send_is_tried_at_the_next_call(store):
    """That it was down says nothing about the touch: nothing waits for half an hour."""

    class Down(Sender):
        def send(self, message):
            raise SenderError("down")

    crm = CRM(store, Down(), **playing(touch("a", 0)))
    crm.capture_all([ADA])
    for _ in range(2):
        with pytest.raises(SenderError):
            crm.engage(now=NOW)
    assert [(each.state.value, each.next_at) for each in store.touches()] == [("failed", None)]
