"""One address, several people: whoever has it is heard and silent as a simple count says."""

from datetime import UTC, datetime, timedelta
from importlib.util import find_spec

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit import CRM
from crmkit.model import Candidate, Consent, Interaction
from crmkit.stores import MemoryStore

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
ADDRESS = "shared@example.org"
PEOPLE = ["ada", "bob", "eve"]
LIFTED_BY = {
    "consented": {"unsubscribed", "complained", "erased", "listed"},
    "verified": {"bounced"},
}
SAID = ["unsubscribed", "complained", "bounced", "soft", "consented", "verified", "other"]
DONE = ["listed", "erased"]
STEPS = st.lists(st.tuples(st.sampled_from([*SAID, *DONE]), st.sampled_from(PEOPLE)), max_size=9)


def fact(what, who, at):
    """Return what is recorded: a consent, an outcome, an address, where there is one."""
    if what in {"consented", "other"}:
        purpose = "nurture" if what == "consented" else "assessment"
        return Consent(at=at, purpose=purpose).given_by(who)
    properties = {"address": ADDRESS} if what == "verified" else {}
    kind, outcome = ("bounced", "soft") if what == "soft" else (what, None)
    return Interaction(candidate_id=who, kind=kind, at=at, outcome=outcome, properties=properties)


def agree(store, steps):
    """Do step by step, and compare after each."""
    crm = CRM(store)
    people = [Candidate(id=key, emails=[ADDRESS]) for key in PEOPLE]
    store.put_candidates(people)
    store.append_interactions(fact("captured", key, NOW) for key in PEOPLE)
    address, own, gone = set(), {key: set() for key in PEOPLE}, set()
    for number, (what, who) in enumerate(steps, 1):
        at = NOW + number * HOUR
        if what == "listed":
            crm.suppress([ADDRESS], now=at)
            address.add(what)
        elif what == "erased":
            crm.erase(who, now=at)
            if who not in gone:
                address.add(what)
            gone.add(who)
        else:
            crm.record([fact(what, who, at)], now=at)
            if what in {"unsubscribed", "complained", "bounced"} and who not in gone:
                address.add(what)
                own[who].add(what)
            elif who not in gone:
                address -= LIFTED_BY.get(what, set())
                own[who] -= LIFTED_BY.get(what, set())
        for key in PEOPLE:
            expected = not (address or own[key] or key in gone)
            assert bool(crm.may_contact(key, now=at)) is expected, (number, key)


@given(STEPS)
def test_a_no_of_one_is_a_no_for_all_until_one_agrees(steps):
    """What somebody said of themselves only they take back; of the address, whoever has it."""
    agree(MemoryStore(), steps)


@pytest.mark.skipif(find_spec("sqlalchemy") is None, reason="needs SQLAlchemy")
@given(STEPS)
def test_it_is_the_same_in_a_database(steps):
    """Every step, and every answer."""
    from crmkit.stores import SQLStore

    with SQLStore("sqlite://") as store:
        agree(store, steps)
