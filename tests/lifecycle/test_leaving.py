"""What leaving a segment does to the cadence that it was for: go on, stand still, or end."""

import attrs
import pytest
from live_cases import DAY, NOW, TICK, fact, inside, rebuilt

from crmkit import CRM
from crmkit.cadence import SEVEN_TOUCH, Enrollment, PlanStatus, Playbook
from crmkit.model import Candidate, Interaction, Relationship
from crmkit.segmentation import Segment, event
from crmkit.senders import MemorySender

ADA = Candidate(id="ada", emails=["ada@example.org"])
READERS = Segment("readers", event("clicked").within(days=10), on_leave="pause")
ENDING = attrs.evolve(READERS, on_leave="end")
PLAYBOOK = Playbook([("readers", SEVEN_TOUCH)], otherwise=None)


@pytest.fixture
def begin(store):
    """Return a function that makes a CRM with ada, a reader, enrolled and welcomed."""

    def make(*segments, playbook=PLAYBOOK, **options):
        crm = CRM(store, MemorySender(), segments=segments, playbook=playbook, **options)
        history = [fact("ada", "captured", NOW - 20 * DAY), fact("ada", "clicked", NOW)]
        crm.capture(ADA, history, now=NOW)
        crm.segment(now=NOW)
        assert [each.touch for each in crm.engage(now=NOW).sent] == ["welcome"]
        return crm

    return make


def said(crm):
    """Return what a leave policy has written about ada."""
    return [
        (each.kind, each.at)
        for each in crm.relationship("ada").history
        if each.properties.get("segment") and each.enrollment_id
    ]


def status(crm, now):
    return [calendar.status for calendar in crm.explain("ada", now=now).plans]


class TestPause:
    def test_the_cadence_stands_still_outside_and_goes_on_when_back(self, begin, store):
        """Nothing is sent meanwhile, nothing scheduled is lost, and the clock goes on."""
        crm = begin(READERS)
        before = list(store.enrollments()), list(store.touches())
        crm.advance(now=NOW + 30 * DAY)
        assert said(crm) == [("paused", NOW + 10 * DAY)]
        calendar = crm.explain("ada", now=NOW + 30 * DAY).plans[0]
        assert calendar.status is PlanStatus.PAUSED
        assert calendar.because.text == "paused: left segment 'readers' on 2026-03-12"
        assert crm.engage(now=NOW + 30 * DAY).sent == ()
        crm.record([fact("ada", "clicked", NOW + 40 * DAY)], now=NOW + 40 * DAY)
        assert crm.segment(now=NOW + 40 * DAY).transitions == ()
        assert said(crm)[1:] == [("resumed", NOW + 40 * DAY)]
        assert (list(store.enrollments()), list(store.touches())) == before
        assert crm.engage(now=NOW + 40 * DAY).sent == ()
        second = crm.explain("ada", now=NOW + 40 * DAY).plans[0].touches[1]
        assert (second.touch.key, second.due_at >= NOW + 43 * DAY) == ("value", True)
        assert [each.touch for each in crm.engage(now=NOW + 45 * DAY).sent] == ["value"]

    def test_leaving_and_coming_back_at_one_instant(self, begin):
        """The later one counts: they are back, so the cadence runs a microsecond later."""
        hidden = Segment(
            "readers", event("clicked").ever() & ~event("noted").within(days=5), on_leave="pause"
        )
        crm = begin(Segment("readers", hidden.rule | event("met").ever(), on_leave="pause"))
        at = NOW + DAY
        assert crm.record([fact("ada", "noted", at)], now=at).left
        assert crm.record([fact("ada", "met", at)], now=at).entered
        assert said(crm) == [("paused", at), ("resumed", at + TICK)]
        assert status(crm, at + TICK) == [PlanStatus.ACTIVE]

    def test_late_enrolment_is_paused_from_its_beginning(self, store):
        """Enrolled on a membership that had lapsed: the pause is no older than the run."""
        crm = CRM(store, MemorySender(), segments=[READERS], playbook=PLAYBOOK)
        crm.capture(ADA, [fact("ada", "clicked", NOW)], now=NOW)
        crm.segment(now=NOW)
        crm.engage(now=NOW + 15 * DAY)
        crm.advance(now=NOW + 20 * DAY)
        assert said(crm)[0][0] == "paused"
        assert status(crm, NOW + 20 * DAY) == [PlanStatus.PAUSED]

    def test_a_run_of_another_segment_goes_on(self, begin, store):
        """Only what the segment brought about stands still."""
        crm = begin(READERS)
        other = Enrollment(
            candidate_id="ada", cadence="seven-touch", enrolled_at=NOW + DAY, segment="other"
        )
        store.put_enrollments([other])
        crm.advance(now=NOW + 30 * DAY)
        assert status(crm, NOW + 30 * DAY) == [PlanStatus.PAUSED, PlanStatus.ACTIVE]

    def test_a_rule_that_sees_the_pause_moves_at_once(self, begin):
        """What leaving writes is a fact like any other, at the same instant."""
        noticing = Segment("noticing", event("paused").within(days=3))
        crm = begin(READERS, noticing)
        moved = [
            (move.segment, move.entered, move.at)
            for move in crm.advance(now=NOW + 30 * DAY).transitions
        ]
        assert moved == [
            ("readers", False, NOW + 10 * DAY),
            ("noticing", True, NOW + 10 * DAY),
            ("noticing", False, NOW + 13 * DAY),
        ]

    def test_a_rule_that_sees_its_own_pause_comes_to_an_end(self, begin, store):
        """Leaving lets them back in, and back in they leave: each is written once."""
        liar = Segment(
            "readers",
            event("clicked").within(days=10)
            | event("paused").after(event("clicked")) & ~event("resumed").ever(),
            on_leave="pause",
        )
        crm = begin(liar)
        crm.advance(now=NOW + 30 * DAY)
        assert said(crm) == [("paused", NOW + 10 * DAY), ("resumed", NOW + 10 * DAY)]
        assert inside(store) == rebuilt(crm, NOW + 30 * DAY) == set()

    def test_a_policy_that_was_changed_still_lets_them_back(self, begin):
        """Who was paused by the old policy goes on when they come back."""
        crm = begin(READERS)
        crm.advance(now=NOW + 20 * DAY)
        crm.define(attrs.evolve(READERS, on_leave="continue"), now=NOW + 20 * DAY)
        crm.record([fact("ada", "clicked", NOW + 21 * DAY)], now=NOW + 21 * DAY)
        assert status(crm, NOW + 21 * DAY) == [PlanStatus.ACTIVE]

    def test_who_is_finished_is_not_paused(self, begin, store):
        """A run that a fact completed is left alone."""
        crm = begin(READERS)
        run = store.enrollments()[0]
        done = Interaction(candidate_id="ada", kind="completed", at=NOW + DAY, enrollment_id=run.id)
        crm.record([done], now=NOW + DAY)
        crm.advance(now=NOW + 20 * DAY)
        assert said(crm) == []


class TestEnd:
    def test_the_run_is_completed(self, begin, store):
        """It ends at the instant of leaving, and what was done stays known."""
        crm = begin(ENDING)
        before = list(store.touches())
        crm.advance(now=NOW + 12 * DAY)
        assert said(crm) == [("completed", NOW + 10 * DAY)]
        assert status(crm, NOW + 12 * DAY) == [PlanStatus.COMPLETED]
        assert list(store.touches()) == before
        assert crm.engage(now=NOW + 12 * DAY).enrolled == ()

    def test_who_comes_back_may_be_enrolled_anew(self, begin, store):
        """A new run, from its beginning; the ended one stays ended."""
        crm = begin(ENDING)
        crm.record([fact("ada", "clicked", NOW + 40 * DAY)], now=NOW + 40 * DAY)
        run = crm.engage(now=NOW + 40 * DAY)
        assert [each.segment for each in run.enrolled] == ["readers"]
        assert status(crm, NOW + 40 * DAY) == [PlanStatus.COMPLETED, PlanStatus.ACTIVE]
        assert [each.touch for each in run.sent] == ["welcome"]
        assert crm.engage(now=NOW + 40 * DAY).enrolled == ()

    def test_not_twice_at_one_instant(self, begin, store):
        """A run that ended at the instant at which it began does not begin again then."""
        crm = begin(Segment("readers", event("clicked").ever(), on_leave="end"))
        crm.define(Segment("readers", event("met").ever(), on_leave="end"), now=NOW)
        crm.record([fact("ada", "met", NOW)], now=NOW)
        assert crm.members("readers") == ("ada",)
        assert crm.engage(now=NOW).enrolled == ()
        assert len(crm.engage(now=NOW + DAY).enrolled) == 1


class TestContinue:
    def test_leaving_changes_nothing(self, begin):
        """The default: the cadence goes on for who has left."""
        crm = begin(attrs.evolve(READERS, on_leave="continue"))
        crm.advance(now=NOW + 30 * DAY)
        assert (said(crm), status(crm, NOW + 30 * DAY)) == ([], [PlanStatus.ACTIVE])

    @pytest.mark.parametrize("policy", ["pause", "end"])
    def test_dropping_the_segment_ends_nobodys_cadence(self, begin, policy):
        """The policy goes with the definition."""
        crm = begin(attrs.evolve(READERS, on_leave=policy), playbook=Playbook())
        crm.drop("readers", now=NOW + DAY)
        assert (said(crm), status(crm, NOW + DAY)) == ([], [PlanStatus.ACTIVE])


class TestMerge:
    def test_the_run_of_the_merged_record_stands_still(self, begin, store):
        """They belonged; the one person that they are now does not."""
        rule = event("clicked").within(days=10) & ~event("replied").within(days=5)
        crm = begin(Segment("readers", rule, on_leave="pause"))
        crm.capture(Candidate(id="bob"), [fact("bob", "replied", NOW)], now=NOW)
        kept = crm.merge("bob", "ada", now=NOW + DAY)
        assert kept.ids == ("bob", "ada")
        assert said(crm) == [("paused", NOW + DAY)]
        crm.advance(now=NOW + 6 * DAY)
        assert said(crm)[1:] == [("resumed", NOW + 5 * DAY)]

    def test_the_run_goes_on_for_who_belongs(self, begin):
        """The one person belongs, so nothing stands still."""
        crm = begin(READERS)
        crm.capture_all([Relationship(Candidate(id="bob"), [fact("bob", "clicked", NOW)])], now=NOW)
        crm.merge("bob", "ada", now=NOW + DAY)
        assert (said(crm), crm.members("readers")) == ([], ("bob",))


def test_what_engage_logs_moves_people(store):
    """A message that makes somebody leave pauses their run in the same pass."""
    fresh = Segment("fresh", event("sent").never(), on_leave="pause")
    crm = CRM(
        store,
        MemorySender(),
        segments=[fresh, Segment("written to", event("sent", "enrolled").at_least(2))],
        playbook=Playbook([("fresh", SEVEN_TOUCH)], otherwise=None),
    )
    crm.capture(ADA, [fact("ada", "captured", NOW - DAY)], now=NOW)
    crm.segment(now=NOW)
    assert len(crm.engage(now=NOW).sent) == 1
    assert (crm.members("fresh"), crm.members("written to")) == ((), ("ada",))
    assert status(crm, NOW) == [PlanStatus.PAUSED]
    assert crm.segment(now=NOW).transitions == ()
