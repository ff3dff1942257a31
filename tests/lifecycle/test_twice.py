"""Running any step twice at the same instant changes nothing the second time."""

from contextlib import closing
from datetime import timedelta

import attrs
import pytest
from examples import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmkit import CRM
from crmkit.cadence import Cadence, Pace, Playbook, Touch
from crmkit.engagement import EngagementPolicy
from crmkit.errors import AmbiguousIdentity
from crmkit.model import CalendarSpan, Delivery, Interaction, Receipt
from crmkit.protocols import Sender
from crmkit.segmentation import CATALOGUE
from crmkit.senders import MemorySender
from crmkit.stores import MemoryStore
from crmkit.testing import strategies as some

DAY = timedelta(days=1)
WEEKLY = Cadence(
    name="weekly",
    every=CalendarSpan(years=1),
    pace=Pace(least_gap=timedelta(days=2), archive_after=3),
    touches=[
        Touch(
            key=f"t{week}",
            week=week,
            purpose="p",
            level=5 if week == 2 else 2,
            subject="Hello",
            bodies=["At $company"] if week == 1 else ["Hello"],
        )
        for week in range(5)
    ],
)


class Answering(Sender):
    """Answers by the message, the same every time, and is never asked again what it settled."""

    def __init__(self, *, deduplicates):
        self.deduplication_window = timedelta.max if deduplicates else timedelta(0)
        self.settled = set()

    def send(self, message):
        assert message.key not in self.settled
        answer = self.answer(message)
        if answer is not Delivery.LATER:
            self.settled.add(message.key)
        return Receipt(delivery=answer)

    def answer(self, message):
        touch, who = message.key.rpartition(".")[2], message.candidate_id
        if touch == "t3":
            return Delivery.UNKNOWN
        if who == "bob" and touch == "t0":
            return Delivery.REJECTED
        return Delivery.LATER if who == "c-3" else Delivery.ACCEPTED


PEOPLE = {
    key: some.relationships(some.candidates(key), max_size=6) for key in ("ada", "bob", "c-3")
}


@st.composite
def pools(draw):
    """Return up to three people; most of them may be written to."""
    people = []
    for key in draw(st.lists(st.sampled_from(sorted(PEOPLE)), min_size=1, unique=True)):
        person = draw(PEOPLE[key])
        if draw(st.sampled_from([True, True, False])):
            known = attrs.evolve(person.candidate, erased=False, do_not_contact=False, aliases=())
            since = Interaction(candidate_id=key, kind="captured", at=some.NOW - DAY)
            mine = [fact for fact in person.history if fact.candidate_id == key]
            person = attrs.evolve(person, candidate=known, history=[*mine, since])
        people.append(person)
    return people


VERBS = {
    "segment": lambda crm, now: crm.segment(now=now),
    "engage": lambda crm, now: crm.engage(now=now),
    "measure": lambda crm, now: crm.measure(now=now),
    "tasks": lambda crm, now: crm.tasks(now=now),
}


@pytest.mark.parametrize("kind", ["memory", "sql"])
@settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    people=pools(),
    role=some.roles(),
    steps=st.lists(
        st.tuples(st.sampled_from(sorted(VERBS)), st.integers(0, 40)), min_size=1, max_size=8
    ),
    deduplicates=st.booleans(),
    plain=st.booleans(),
)
def test_twice_changes_nothing(kind, dump, *, people, role, steps, deduplicates, plain):
    """After each verb, the same again at the same instant finds everything as it is."""
    if kind == "sql":
        pytest.importorskip("sqlalchemy")
        from crmkit.stores import SQLStore

        store = SQLStore("sqlite://")
    else:
        store = MemoryStore()
    sender = MemorySender() if plain else Answering(deduplicates=deduplicates)
    crm = CRM(
        store,
        sender,
        playbook=Playbook([(CATALOGUE[0].name, WEEKLY)], otherwise=WEEKLY),
        engagement=EngagementPolicy(cooling_after=1, cold_after=2),
    )
    with closing(store) if kind == "sql" else store.transaction():
        try:
            crm.capture_all(people)
        except AmbiguousIdentity:
            assert dump(store)["candidates"] == []
            return
        before = dump(store)
        crm.capture_all(people)
        assert dump(store) == before
        now = some.NOW
        for verb, days in steps:
            now += days * DAY
            first = VERBS[verb](crm, now)
            before, fits = dump(store), crm.convert(role, now=now)
            again = VERBS[verb](crm, now)
            assert dump(store) == before | {"roles": [role]}
            assert crm.convert(role, now=now) == fits
            if verb == "engage":
                assert (again.enrolled, again.tasks, again.sent) == ((), (), ())
                assert again.checked <= first.checked
                again = crm.engage(now=now, everyone=True)
                assert (again.enrolled, again.tasks, again.sent) == ((), (), ())
                assert dump(store) == before | {"roles": [role]}
