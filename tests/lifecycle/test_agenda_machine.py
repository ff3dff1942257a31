"""Engaging by the agenda is engaging everyone: the same is sent, logged and kept, at every call."""

from contextlib import suppress
from datetime import timedelta

import pytest
from examples import examples
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from live_cases import DAY, NAMES, NOW, PEOPLE, PLAIN, TICK, fact, policies, rules, segments

from crmkit import CRM
from crmkit.cadence import Cadence, Pace, Playbook, Touch
from crmkit.engagement import EngagementPolicy
from crmkit.errors import InvalidRecord, NotFound, RuleError
from crmkit.model import CalendarSpan, Candidate, Delivery, Interaction, Receipt
from crmkit.permission import ContactPolicy, Hours
from crmkit.protocols import Sender
from crmkit.segmentation import Segment
from crmkit.stores import MemoryStore


def touch(key, week, level=2, **more):
    more = {"subject": "Hello", "bodies": ["Hello"], "purpose": "p"} | more
    return Touch(key=key, week=week, level=level, **more)


WEEKLY = Cadence(
    name="weekly",
    every=CalendarSpan(months=6),
    pace=Pace(least_gap=timedelta(days=2), archive_after=4),
    touches=[
        touch("a", 0),
        touch("b", 1, bodies=["At $company"]),
        touch("c", 2, level=5, deadline=3 * DAY),
        touch("d", 3, deadline=DAY),
        touch("e", 5, deadline=None),
    ],
)
SHORT = Cadence(
    name="short",
    pace=Pace(least_gap=timedelta(0), archive_after=4),
    touches=[touch("a", 0, channel="text", fallback=["email"]), touch("late", 1, deadline=None)],
)
PLAYBOOKS = st.builds(
    Playbook,
    st.permutations([("one", SHORT), ("two", WEEKLY)]).map(lambda entries: entries[:2]),
    otherwise=st.sampled_from([None, WEEKLY]),
    most=st.integers(1, 2),
)
CONTACT = st.sampled_from(
    [
        ContactPolicy(),
        ContactPolicy(hours=Hours.office()),
        ContactPolicy(cap=1, interest_channels=["email", "text"]),
    ]
)
ENGAGEMENT = EngagementPolicy(cooling_after=1, cold_after=2)

KINDS = ("clicked", "replied", "messaged", "delivered", "bounced", "applied", "rejected", "visited")
RARE = ("unsubscribed", "consented", "archived", "resumed", "paused", "complained", "completed")
kinds = st.sampled_from(KINDS) | st.sampled_from(RARE)
offsets = st.tuples(st.integers(-9, 9), st.sampled_from([0, 0, -1, 1]))
people = st.sampled_from(PEOPLE)


@st.composite
def told(draw):
    """Draw what happened to somebody, and when, in days and ticks from now."""
    kind = draw(kinds | st.sampled_from(["paused", "auto_replied", "replied"]))
    until = draw(st.none() | st.integers(1, 30)) if kind in {"paused", "auto_replied"} else None
    return draw(people), kind, draw(offsets), until


class Answering(Sender):
    """Answers by the message and by the mood that it is in: the same in both worlds."""

    deduplication_window = timedelta(0)

    def __init__(self):
        self.mood = Delivery.ACCEPTED
        self.messages = []

    def send(self, message):
        answer = self.mood
        if message.key.endswith(".d"):
            answer = Delivery.UNKNOWN
        elif message.candidate_id == "b" and message.key.endswith(".a"):
            answer = Delivery.REJECTED
        if answer is Delivery.ACCEPTED:
            self.messages.append(message)
        return Receipt(delivery=answer)


def held(store):
    """Return all that engage and the segments keep, in one order."""
    return {
        "people": list(store.candidates()),
        "facts": list(store.interactions(PEOPLE)),
        "memberships": list(store.memberships()),
        "transitions": list(store.transitions()),
        "enrollments": list(store.enrollments()),
        "touches": sorted(store.touches(), key=lambda record: record.key),
    }


def said_by(run):
    """Return the outcomes of a run; of refusals the rule, since what was found is of the day."""
    return {
        (each.candidate_id, each.touch, each.state, each.why.partition(":")[0])
        for each in run.outcomes
    }


class Agenda(RuleBasedStateMachine):
    """Does the same in two worlds, of which one looks at everyone at every call."""

    @initialize(
        defined=segments(), playbook=PLAYBOOKS, policy=CONTACT, live=st.booleans(), hour=offsets
    )
    def begin(self, defined, playbook, policy, live, hour):
        self.now = NOW + hour[0] * timedelta(hours=1)
        self.refused = set()
        names = {segment.name for segment in defined}
        options = {
            "segments": [
                *defined,
                *(Segment(n, PLAIN[0]) for n in ("one", "two") if n not in names),
            ],
            "playbook": playbook,
            "policy": policy,
            "engagement": ENGAGEMENT,
        }
        stores = [self.make_store(), self.make_store()]
        self.worlds = [CRM(store, Answering(), **options) for store in stores]
        self.stores, self.senders = stores, [crm._work.sender for crm in self.worlds]
        self.options = options
        for crm in self.worlds:
            for key in PEOPLE:
                known = Candidate(id=key, emails=[f"{key}@x.org"], timezone="Europe/Paris")
                crm.capture(known, [fact(key, "captured", NOW - DAY)], now=self.now)
            if live:
                crm.segment(now=self.now)

    def make_store(self):
        return MemoryStore()

    def each(self, act):
        """Do it in both worlds; return what came of it, which is the same."""
        answers = []
        for crm in self.worlds:
            try:
                answers.append(act(crm))
            except (NotFound, InvalidRecord, RuleError) as error:
                answers.append(str(error))
        return answers

    @rule(facts=st.lists(told(), min_size=1, max_size=3))
    def record(self, facts):
        """Tell facts in any order: old ones, and coming ones."""
        those = [
            Interaction(
                candidate_id=who,
                kind=kind,
                at=self.now + days * DAY + ticks * TICK,
                properties={"until": self.now + (days + until) * DAY} if until else {},
            )
            for who, kind, (days, ticks), until in facts
        ]
        self.each(lambda crm: crm.record(those, now=self.now))

    @rule(
        who=people,
        known=st.fixed_dictionaries(
            {},
            optional={
                "company": st.just("C"),
                "skills": st.just(["go"]),
                "phones": st.just(["+33123456789"]),
                "do_not_contact": st.sampled_from([False] * 7 + [True]),
                "country": st.sampled_from(["DE", "FR"]),
                "preferred_channel": st.just("email"),
            },
        ),
        later=st.none() | st.integers(0, 40),
    )
    def capture(self, who, known, later):
        """Learn something about somebody, or capture them for the first time."""
        if later is not None:
            known |= {"interest": "later", "interested_from": self.now + later * DAY}
        self.each(lambda crm: crm.capture(Candidate(id=who, **known), now=self.now))

    @rule(keep=people, other=people)
    def merge(self, keep, other):
        """Make two people one; it need not be possible."""
        self.each(lambda crm: crm.merge(keep, other, now=self.now))

    @rule(name=st.sampled_from(NAMES), data=st.data(), on_leave=policies)
    def define(self, name, data, on_leave):
        """Change a definition; who is moved by it may begin or end a cadence."""
        others = [each.name for each in self.worlds[0].segments if each.name != name]
        new = Segment(name, data.draw(rules(others)), on_leave=on_leave)
        self.each(lambda crm: crm.define(new, now=self.now))

    @rule()
    def advance(self):
        """Let the clock move people."""
        self.each(lambda crm: crm.advance(now=self.now))

    @rule(
        hours=st.integers(1, 30), mood=st.sampled_from([Delivery.ACCEPTED] * 4 + [Delivery.LATER])
    )
    def wait(self, hours, mood):
        """Let time pass, without a job."""
        self.now += hours * timedelta(hours=1)
        for sender in self.senders:
            sender.mood = mood

    @rule(days=st.integers(0, 3) | st.integers(0, 40), advance=st.booleans())
    def engage(self, days, advance):
        """Engage, after days on which no job ran."""
        self._engage(days, advance=advance)

    def _engage(self, days, *, advance):
        self.now += days * DAY
        if advance:
            self.each(lambda crm: crm.advance(now=self.now))
        run = self.worlds[0].engage(now=self.now)
        whole = self.worlds[1].engage(now=self.now, everyone=True)
        assert sorted(run.enrolled, key=str) == sorted(whole.enrolled, key=str)
        assert sorted(map(str, run.tasks)) == sorted(map(str, whole.tasks))
        said, all_said = map(said_by, (run, whole))
        refused = {each for each in all_said if "refused" in each}
        assert said <= all_said
        # What was refused the last time, and is still, is not said again.
        assert all_said - said <= refused & self.refused
        self.refused = refused

    @rule(days=st.integers(2, 15), advance=st.booleans())
    def daily(self, days, advance):
        """Engage day after day, as a job does."""
        for _ in range(days):
            self._engage(1, advance=advance)

    @rule()
    def restart(self):
        """Begin a new process with the same definitions: the agenda still holds."""
        self.worlds = [
            CRM(store, sender, **self.options | {"segments": crm.segments})
            for store, sender, crm in zip(self.stores, self.senders, self.worlds, strict=True)
        ]

    @invariant()
    def the_same(self):
        """Compare all that both hold, and who got what."""
        if not hasattr(self, "worlds"):
            return
        by_agenda, everyone = map(held, self.stores)
        for part, found in by_agenda.items():
            assert found == everyone[part], part
        sent = [sorted(sender.messages, key=lambda each: each.key) for sender in self.senders]
        assert sent[0] == sent[1]

    def teardown(self):
        for store in getattr(self, "stores", ()):
            with suppress(AttributeError):
                store.close()


class AgendaInSql(Agenda):
    """The same over SQLite."""

    def make_store(self):
        from crmkit.stores import SQLStore

        return SQLStore("sqlite://")


Agenda.TestCase.settings = settings(
    max_examples=examples(60), stateful_step_count=25, deadline=None
)
AgendaInSql.TestCase.settings = settings(
    max_examples=examples(15), stateful_step_count=20, deadline=None
)
TestAgenda = Agenda.TestCase


class TestAgendaInSql(AgendaInSql.TestCase):
    """Only where SQLAlchemy is."""

    def setUp(self):
        pytest.importorskip("sqlalchemy")
        super().setUp()
