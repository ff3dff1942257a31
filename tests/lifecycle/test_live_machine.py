"""Live is rebuilt: whatever is done, who is stored as inside is who a plain walk finds."""

from contextlib import suppress

import pytest
from examples import examples
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from live_cases import (
    DAY,
    NAMES,
    NOW,
    PEOPLE,
    TICK,
    fact,
    facts,
    inside,
    policies,
    rebuilt,
    rules,
    segments,
    unsound,
)

from crmkit import CRM
from crmkit.cadence import SEVEN_TOUCH, Enrollment, Playbook
from crmkit.errors import InvalidRecord, NotFound, RuleError
from crmkit.model import Candidate, Relationship
from crmkit.segmentation import Segment
from crmkit.senders import MemorySender
from crmkit.stores import MemoryStore

people = st.sampled_from(PEOPLE)
skills = st.sampled_from([[], ["go"], ["python", "go"]])


class Live(RuleBasedStateMachine):
    """Does what a host does, in any order, and looks after every step."""

    @initialize(defined=segments(), told=st.lists(facts(), max_size=8))
    def begin(self, defined, told):
        self.now = NOW
        self.store = self.make_store()
        self.crm = CRM(
            self.store,
            MemorySender(),
            segments=defined,
            playbook=Playbook([("one", SEVEN_TOUCH)], otherwise=None),
        )
        self.crm.capture_all(
            [
                Relationship(
                    Candidate(id=key, emails=[f"{key}@x.org"]),
                    [fact(key, kind, NOW + after) for who, kind, after in told if who == key],
                )
                for key in PEOPLE
            ],
            now=NOW,
        )
        self.crm.segment(now=NOW)

    def make_store(self):
        return MemoryStore()

    def alive(self):
        return [each.id for each in self.crm.relationships()]

    @rule(told=st.lists(facts(), min_size=1, max_size=4), twice=st.booleans())
    def record(self, told, twice):
        """Tell facts in any order: old ones, coming ones, the same again."""
        those = [fact(who, kind, self.now + after) for who, kind, after in told]
        self.crm.record(those, now=self.now)
        if twice:
            assert self.crm.record(those, now=self.now).interactions == 0

    @rule(who=people, skills=skills, do_not_contact=st.booleans())
    def correct(self, who, skills, do_not_contact):
        """Capture somebody again, or for the first time under that id."""
        changed = Candidate(id=who, skills=skills, do_not_contact=do_not_contact)
        self.crm.capture(changed, now=self.now)

    @rule(who=people, told=facts())
    def capture_with_history(self, who, told):
        """Capture somebody with what happened to them."""
        _, kind, after = told
        self.crm.capture(Candidate(id=who), [fact(who, kind, self.now + after)], now=self.now)

    @rule(who=people)
    def erase(self, who):
        """Forget somebody."""
        self.crm.capture(Candidate(id=who, erased=True), now=self.now)

    @rule(keep=people, other=people)
    def merge(self, keep, other):
        """Make two people one; it need not be possible."""
        with suppress(NotFound, InvalidRecord):
            self.crm.merge(keep, other, now=self.now)

    @rule(days=st.integers(0, 40), tick=st.sampled_from([0, 0, -1, 1]))
    def advance(self, days, tick):
        """Let time pass, however long."""
        self.now += max(days * DAY + tick * TICK, 0 * DAY)
        moves = self.crm.advance(now=self.now)
        assert all(move.at <= self.now for move in moves.transitions)
        assert moves.next_change is None or moves.next_change > self.now

    @rule(days=st.integers(1, 20), told=facts())
    def record_late(self, days, told):
        """Tell something before anybody looked at the clock."""
        self.now += days * DAY
        who, kind, after = told
        self.crm.record([fact(who, kind, self.now + after)], now=self.now)
        self.crm.advance(now=self.now)

    @rule(name=st.sampled_from(NAMES), data=st.data(), on_leave=policies)
    def define(self, name, data, on_leave):
        """Add or change a definition; a cycle is refused and changes nothing."""
        known = [segment.name for segment in self.crm.segments if segment.name != name]
        new = Segment(name, data.draw(rules(known)), on_leave=on_leave)
        before = self.crm.segments
        try:
            self.crm.define(new, now=self.now)
        except RuleError:
            assert self.crm.segments == before

    @precondition(lambda self: len(self.crm.segments) > 1)
    @rule(data=st.data())
    def drop(self, data):
        """Drop a definition, unless somebody needs it."""
        names = [segment.name for segment in self.crm.segments]
        name = data.draw(st.sampled_from(names))
        with suppress(RuleError):
            self.crm.drop(name, now=self.now)
            assert name not in {segment.name for segment in self.crm.segments}

    @rule(who=people, name=st.sampled_from(NAMES))
    def enroll(self, who, name):
        """Have somebody in a cadence because of a segment."""
        run = Enrollment(
            candidate_id=who, cadence="seven-touch", enrolled_at=self.now, segment=name
        )
        self.store.put_enrollments([run])

    @rule()
    def engage(self):
        """Enrol and send: what that logs moves people, too."""
        self.crm.engage(now=self.now)

    @rule()
    def segment(self):
        """Look at everyone: there is nobody to move."""
        assert self.crm.segment(now=self.now).transitions == ()

    @invariant()
    def stored_is_rebuilt(self):
        """Who is stored as inside is who belongs now, up to when it is stored."""
        assert inside(self.store) == rebuilt(self.crm, self.now)
        assert unsound(self.crm, self.store, self.now) == []
        names = {segment.name for segment in self.crm.segments}
        assert {row.segment for row in self.store.watches()} <= names
        assert list(self.store.due(self.now)) == []


class LiveInSql(Live):
    """The same over SQLite."""

    def make_store(self):
        from crmkit.stores import SQLStore

        return SQLStore("sqlite://")

    def teardown(self):
        if hasattr(self, "store"):
            self.store.close()


Live.TestCase.settings = settings(max_examples=examples(60), stateful_step_count=20, deadline=None)
LiveInSql.TestCase.settings = settings(
    max_examples=examples(20), stateful_step_count=15, deadline=None
)
TestLive = Live.TestCase


class TestLiveInSql(LiveInSql.TestCase):
    """Only where SQLAlchemy is."""

    def setUp(self):
        pytest.importorskip("sqlalchemy")
        super().setUp()
