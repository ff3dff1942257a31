"""The seeded generator: reproducible, marked, and the same in whatever windows one asks."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.datasets import (
    Assumptions,
    simulate_contacts,
    simulate_people,
    simulate_responses,
)
from crmkit.datasets._responses import HORIZON
from crmkit.errors import InvalidRecord, NaiveInstant
from crmkit.model import Candidate, Interaction, Interest, Relationship, Source

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
WEEKS = (0, 2, 6, 12, 18, 26, 36)
YEAR = timedelta(days=365)


def _person(number, interest="open", weeks=WEEKS, years=8, **sent_fields):
    who = f"so2019-{number}"
    sent = [
        Interaction(
            candidate_id=who,
            kind="sent",
            at=AT + timedelta(weeks=week),
            channel="email",
            touch=f"week-{week}",
            enrollment_id="e",
            **sent_fields,
        )
        for week in weeks
    ]
    return Relationship(Candidate(id=who, interest=interest, years_experience=years), sent)


def _all(person, seed=1, **options):
    return simulate_responses(person, seed=seed, since=AT, now=AT + 2 * YEAR, **options)


POOL = [_person(number) for number in range(600)]
RESPONSES = {person.id: _all(person) for person in POOL}


@given(
    number=st.integers(0, 10_000),
    seed=st.integers(0, 5),
    interest=st.sampled_from([*Interest, None]),
    hours=st.lists(st.integers(-100, 9000), min_size=3, max_size=3).map(sorted),
)
def test_windows_add_up(number, seed, interest, hours):
    """What happened in (a, b] and in (b, c] is what happened in (a, c]."""
    person = _person(number, interest)
    a, b, c = (AT + timedelta(hours=hour) for hour in hours)
    first = simulate_responses(person, seed=seed, since=a, now=b)
    second = simulate_responses(person, seed=seed, since=b, now=c)
    assert first + second == simulate_responses(person, seed=seed, since=a, now=c)


@settings(max_examples=examples(20))
@given(number=st.integers(0, 10_000), seed=st.integers(0, 5))
def test_a_year_in_weekly_steps_is_the_year_at_once(number, seed):
    """Stepping along, with only what was known at each step, gives the same facts."""
    person = _person(number, "active")
    facts, found = list(person.history), []
    for week in range(105):
        now = AT + timedelta(weeks=week)
        known = [fact for fact in facts if fact.at <= now] + found
        step = Relationship(person.candidate, known)
        found += simulate_responses(step, seed=seed, since=now - timedelta(weeks=1), now=now)
    whole = simulate_responses(person, seed=seed, since=AT, now=AT + timedelta(weeks=104))
    assert tuple(found) == whole


def test_every_response_is_marked_and_follows_its_message():
    """Each fact says it was simulated, belongs to the person and comes within the horizon."""
    facts = [fact for found in RESPONSES.values() for fact in found]
    last_sent = AT + timedelta(weeks=36)
    assert all(fact.properties["simulated"] is True for fact in facts)
    assert all(AT < fact.at < last_sent + HORIZON for fact in facts)
    assert {fact.candidate_id for fact in facts} <= {person.id for person in POOL}
    answers = [fact for fact in facts if fact.kind in {"opened", "clicked", "replied", "bounced"}]
    assert all(fact.touch and fact.enrollment_id == "e" for fact in answers)


def test_each_message_is_answered_within_the_horizon():
    """No consequence of a message is so late that a window could miss it."""
    slowest = timedelta(0)
    for number in range(400):
        person = _person(number, "active", weeks=(0,))
        for fact in _all(person, assumptions=Assumptions(applies=1.0, apply_at=(1.0,))):
            slowest = max(slowest, fact.at - AT)
    assert timedelta(days=30) < slowest < HORIZON


def test_the_rates_are_those_of_the_field():
    """Over a sequence about 32 % answer, half of them at once, and 5 to 15 % apply."""
    people = Counter(kind for found in RESPONSES.values() for kind in {f.kind for f in found})
    replies = [f.touch for found in RESPONSES.values() for f in found if f.kind == "replied"]
    opened = sum(
        fact.kind == "opened" and not fact.automated
        for found in RESPONSES.values()
        for fact in found
    )
    assert 0.28 < people["replied"] / len(POOL) < 0.48
    assert 0.40 < replies.count("week-0") / len(replies) < 0.60
    assert 0.05 < people["applied"] / len(POOL) < 0.16
    assert 0.20 < opened / (len(POOL) * len(WEEKS)) < 0.35
    assert people["hired"] > 0
    assert people["unsubscribed"] > 0
    assert people["bounced"] > 0


def test_interest_makes_answers_likelier():
    """The same people, keener: more answers and more applications."""

    def count(interest, kind):
        found = [_all(_person(number, interest)) for number in range(200)]
        return sum(any(fact.kind == kind for fact in facts) for facts in found)

    assert (
        count("active", "replied") > count("open", "replied") > count("not_interested", "replied")
    )
    assert count("active", "applied") > count("not_interested", "applied")


def test_experience_makes_answers_likelier():
    """The same people, with more years: whoever answered still does, and some more."""

    def answered(years):
        found = {n: _all(_person(n, years=years)) for n in range(300)}
        return {n for n, facts in found.items() if any(fact.kind == "replied" for fact in facts)}

    assert answered(2) == answered(None)
    assert answered(2) < answered(8)


def test_applications_end_and_name_a_role():
    """Who applies is screened, and hired, rejected or withdrawn, all for one role."""
    ends = Counter()
    for person in POOL:
        facts = [fact for fact in _all(person, role_ids=["r-1", "r-2"]) if fact.role_id]
        if facts:
            kinds = [fact.kind for fact in facts]
            assert kinds[:2] == ["applied", "screened"]
            assert len({fact.role_id for fact in facts}) == 1
            assert facts[0].role_id in {"r-1", "r-2"}
            ends[kinds[-1]] += 1
    assert set(ends) == {"hired", "rejected", "withdrew"}
    own = [fact for n in range(100) for fact in _all(_person(n, role_id="r-9"))]
    assert {fact.role_id for fact in own if fact.kind == "applied"} == {"r-9"}


def test_without_messages_nothing_happens():
    """People answer only what they were sent, and not before."""
    person = _person(1)
    early = AT - timedelta(days=1)
    assert simulate_responses(person, seed=1, since=early - YEAR, now=early) == ()
    assert _all(Relationship(person.candidate)) == ()
    with pytest.raises(InvalidRecord, match="expected at least one role"):
        _all(person, role_ids=[])
    with pytest.raises(NaiveInstant, match="since"):
        simulate_responses(person, seed=1, since=datetime(2026, 1, 1), now=AT)  # noqa: DTZ001


def test_contacts_are_given_what_a_survey_lacks():
    """Address, source, zone and a past in the year before, all marked and reproducible."""
    pool = [Relationship(Candidate(id=f"so2019-{n}", country="DE")) for n in range(400)]
    found = simulate_contacts(pool, seed=1, at=AT)
    assert found == simulate_contacts(pool, seed=1, at=AT)
    assert found != simulate_contacts(pool, seed=2, at=AT)
    assert found[17].candidate.emails == ("so2019-17@example.invalid",)
    assert {person.candidate.source for person in found} == set(Source)
    for person in found:
        assert person.candidate.timezone.key == "Europe/Berlin"
        assert person.candidate.custom == {"simulated_address": True, "simulated_source": True}
        assert len(person.history) > 0
        for fact in person.history:
            assert fact.properties["simulated"] is True
            assert AT - YEAR < fact.at < AT or fact.kind == "hired"
    kinds = {
        source: {
            fact.kind
            for person in found
            if person.candidate.source is source
            for fact in person.history
        }
        for source in Source
    }
    assert kinds[Source.SILVER_MEDALIST] == {"applied", "screened", "interviewed", "rejected"}
    assert kinds[Source.SOURCED] == {"sourced", "messaged", "replied"}
    assert kinds[Source.EVENT] == {"attended", "consented"}
    assert kinds[Source.ALUMNI] == {"hired", "left"}


def test_contacts_keep_what_is_known():
    """A real address, source and zone stay; the past goes with the real source."""
    known = Candidate(
        id="Ada Byron",
        emails=["ada@example.org"],
        source="alumni",
        timezone="Europe/London",
        country="US",
    )
    (kept,) = simulate_contacts([Relationship(known)], seed=1, at=AT)
    assert kept.candidate == known
    assert [fact.kind for fact in kept.history] == ["hired", "left"]
    odd = Relationship(Candidate(id="Ada Byron", country="US"))
    odder = Relationship(Candidate(id="ada-byron", country="US"))
    oddest = Relationship(Candidate(id="李"))
    found = [person.candidate for person in simulate_contacts([odd, odder, oddest], seed=1, at=AT)]
    assert len({person.emails for person in found}) == 3
    assert {person.timezone for person in found} == {None}


def test_people_come_from_nothing_but_the_seed():
    """Synthetic people are reproducible, marked, and have a dozen facts before the instant."""
    people = simulate_people(50, seed=1)
    assert people == simulate_people(50, seed=1)
    assert people[:10] == simulate_people(10, seed=1)
    assert {person.candidate.custom["simulated"] for person in people} == {True}
    assert {len(person.history) for person in people} == {13}
    later = simulate_people(5, seed=1, at=AT)
    assert all(fact.at <= AT for person in later for fact in person.history)
    with pytest.raises(InvalidRecord, match="expected a whole number from 0"):
        simulate_people(-1, seed=1)
