"""The cache of plans in which nothing is due: it changes no answer, only the work."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit import CRM, Candidate, Interaction, Relationship
from crmkit.cadence import SEVEN_TOUCH, plan
from crmkit.cadence._plan import plan as planned
from crmkit.lifecycle import _rest, _tasks
from crmkit.senders import MemorySender
from crmkit.stores import MemoryStore
from crmkit.testing import strategies as some

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def met(who):
    return Interaction(candidate_id=who, kind="met", at=NOW - DAY)


@pytest.fixture
def plans(monkeypatch):
    """Count how often a plan is made."""
    made = []

    def counting(*given, **more):
        made.append(more["now"])
        return planned(*given, **more)

    monkeypatch.setattr(_tasks, "plan", counting)
    return made


def test_a_plan_that_holds_is_not_made_again(plans):
    """Between two touches, nobody is planned for anew until a fact arrives or a touch is due."""
    crm = CRM(MemoryStore(), MemorySender())
    crm.capture(Candidate(id="ada", emails=["ada@example.org"]), [met("ada")])
    crm.engage(now=NOW)
    first = crm.engage(now=NOW + DAY)
    known = len(plans)
    again = crm.engage(now=NOW + 2 * DAY)
    assert len(plans) == known
    assert again.next_due == first.next_due == NOW + 14 * DAY
    crm.record([met("ada"), Interaction(candidate_id="ada", kind="noted", at=NOW + DAY)])
    crm.engage(now=NOW + 3 * DAY)
    assert len(plans) == known + 1
    assert len(crm.engage(now=NOW + 14 * DAY).sent) == 1


def test_an_earlier_instant_is_asked_anew(plans):
    """A plan says nothing about the time before it was made."""
    crm = CRM(MemoryStore(), MemorySender())
    crm.capture(Candidate(id="ada", emails=["ada@example.org"]), [met("ada")])
    crm.engage(now=NOW)
    crm.engage(now=NOW + 2 * DAY)
    known = len(plans)
    crm.engage(now=NOW + DAY)
    assert len(plans) == known + 1


def test_memory_is_bounded(monkeypatch):
    """Past the bound, what is remembered is let go and found anew."""
    monkeypatch.setattr(_rest, "_MOST", 2)
    rest = _rest.Rest()
    for who in "abc":
        relationship = Relationship(Candidate(id=who), [met(who)])
        calendar = plan(SEVEN_TOUCH, relationship, enrolled_at=NOW, now=NOW)
        rest.keep(relationship, [calendar.enrollment], calendar)
        assert rest.until(relationship, [calendar.enrollment], NOW) == (True, calendar.until)
    forgotten = Relationship(Candidate(id="a"), [met("a")])
    assert rest.until(forgotten, [], NOW) == (False, None)


@given(st.data())
def test_with_and_without_the_cache_is_the_same(data):
    """Day after day, with facts in between, a CRM that remembers does what a new one does."""
    person = data.draw(some.candidates("ada"))
    remembering, forgetting = MemoryStore(), MemoryStore()
    senders = MemorySender(), MemorySender()
    crm = CRM(remembering, senders[0])
    for each in (crm, CRM(forgetting, senders[1])):
        each.capture(person, [met("ada")], now=NOW)
    now = NOW
    for _ in range(data.draw(st.integers(2, 6))):
        now += data.draw(st.sampled_from([timedelta(0), DAY, 6 * DAY, 15 * DAY, 40 * DAY]))
        facts = data.draw(st.lists(some.interactions("ada", at=st.just(now)), max_size=1))
        fresh = CRM(forgetting, senders[1])
        crm.record(facts)
        fresh.record(facts)
        remembered, anew = crm.engage(now=now), fresh.engage(now=now)
        assert (remembered.outcomes, remembered.tasks) == (anew.outcomes, anew.tasks)
        assert remembered.next_due == anew.next_due
    assert senders[0].messages == senders[1].messages
