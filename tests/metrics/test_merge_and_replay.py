"""Parts add up to the whole, a past instant stays what it was, and numbers stay until they say."""

from collections import Counter
from functools import reduce
from operator import add
from random import Random

import attrs
import pytest
from examples import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from metric_pools import (
    COSTS,
    DAY,
    LEVELS,
    NOW,
    POLICIES,
    TICK,
    WINDOW,
    WINDOWS,
    pools,
    questions,
    seeded_pool,
)

from crmkit.engagement import EngagementPolicy
from crmkit.errors import InvalidRecord
from crmkit.metrics import Attribution, count, scorecard

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
YEAR = 365 * DAY
TOOLS = ("gem", "greenhouse", "ashby", "lever")


def counts_of(people, pool, **asked):
    return count(people, **{"now": NOW, "window": WINDOW, "segments": pool.segments} | asked)


def card_of(counts, pool):
    return scorecard(counts, roles=pool.roles, costs=COSTS, ratings=pool.ratings, levels=LEVELS)


def fields_of(counts):
    """Return everything that was counted; hires in no order."""
    found = {field.name: getattr(counts, field.name) for field in attrs.fields(type(counts))}
    return found | {"hires": Counter(counts.hires.rows)}


def numbers(metric):
    """Return everything that ``until`` speaks of."""
    return metric.value, metric.numerator, metric.denominator, metric.counted, metric.verdict


# Parts and the whole.


@settings(max_examples=examples(80), suppress_health_check=SLOW)
@given(
    pool=pools(people=7, most=10),
    asked=questions,
    number=st.integers(1, 4),
    random=st.randoms(use_true_random=False),
)
def test_parts_add_up_to_the_whole(pool, asked, number, random):
    """However people are parted, and in whatever order the parts are added, every field agrees."""
    shards = [[] for _ in range(number)]
    for one in pool.people:
        random.choice(shards).append(one)
    whole = counts_of(pool.people, pool, **asked)
    counted = [counts_of(shard, pool, **asked) for shard in shards]
    before = [fields_of(part) for part in counted]
    random.shuffle(counted)
    total = reduce(add, counted)
    assert fields_of(whole) == fields_of(total)
    assert fields_of(whole) == fields_of(reduce(lambda one, other: other + one, counted))
    assert card_of(whole, pool) == card_of(total, pool)
    assert card_of(whole, pool).tables == card_of(total, pool).tables
    assert all(fields_of(part) in before for part in counted)


@pytest.mark.parametrize("shards", [2, 7, 300])
def test_parts_of_a_large_pool_add_up_to_the_whole(shards):
    """The same of three hundred people, down to one person a part."""
    pool = seeded_pool(shards, people=300)
    shuffled = Random(shards).sample(pool.people, len(pool.people))
    parts = [counts_of(shuffled[place::shards], pool) for place in range(shards)]
    total = reduce(add, parts)
    assert fields_of(counts_of(pool.people, pool)) == fields_of(total)
    assert pool.measure() == card_of(total, pool)
    assert pool.measure().tables == card_of(total, pool).tables


def test_nobody_adds_nothing():
    """The counts of no people are neutral."""
    pool = seeded_pool(1, people=20)
    whole, nobody = counts_of(pool.people, pool), counts_of([], pool)
    assert fields_of(whole) == fields_of(whole + nobody) == fields_of(nobody + whole)


@pytest.mark.parametrize(
    ("other", "path"),
    [
        ({"now": NOW + TICK}, "now"),
        ({"window": WINDOW + TICK}, "window"),
        ({"policy": EngagementPolicy(cold_after=4)}, "policy"),
        ({"attribution": Attribution(rule="last")}, "attribution"),
        ({"attribution": Attribution(span=DAY)}, "attribution"),
    ],
)
def test_parts_that_were_counted_otherwise_are_refused(other, path):
    """Counts of another instant, window, policy or attribution say what differs."""
    told = {"now": NOW, "window": WINDOW}
    one, two = count([], **told), count([], **told | other)
    for left, right in ((one, two), (two, one)):
        with pytest.raises(InvalidRecord) as caught:
            left + right
        assert caught.value.path == path


def test_counts_add_to_counts_alone():
    """A number is no counts."""
    with pytest.raises(TypeError):
        count([], now=NOW) + 0


# A past instant.


def as_it_was(pool, then):
    """Return the pool as it was known at an instant."""
    people = [one.upto(then) for one in pool.people]
    roles = [role for role in pool.roles if role.opened_at is None or role.opened_at <= then]
    return attrs.evolve(
        pool,
        people=tuple(
            now
            for one, now in zip(pool.people, people, strict=True)
            if now.history or not one.history
        ),
        roles=tuple(
            attrs.evolve(role, closed_at=None) if role.closed_at and role.closed_at > then else role
            for role in roles
        ),
    )


def replayed(pool, then, **asked):
    """Compare the scorecard of the whole log as of an instant with what was recorded then."""
    asked |= {"now": then}
    card, recorded = pool.measure(**asked), as_it_was(pool, then).measure(**asked)
    # Whoever comes later is left out of the one, and unknown to the other.
    later = "people first heard of later"
    for metric in card:
        once = recorded[metric.name]
        assert (numbers(once), once.groups) == (numbers(metric), metric.groups)
        left_out = tuple(each for each in metric.exclusions if each.what != later)
        assert once.exclusions == left_out
    assert recorded.tables == card.tables
    assert (recorded.waiting, recorded.to_refresh) == (card.waiting, card.to_refresh)
    assert recorded.simulated == card.simulated


@settings(max_examples=examples(80), suppress_health_check=SLOW)
@given(pool=pools(people=4), asked=questions, data=st.data())
def test_a_replay_finds_what_was_recorded_then(pool, asked, data):
    """Facts, people and roles that came later change nothing as of any instant of the log."""
    instants = sorted({fact.at for one in pool.people for fact in one.history} | {NOW})
    then = data.draw(st.sampled_from(instants)) + data.draw(st.sampled_from([0, 0, 1, -1])) * TICK
    replayed(pool, then, **asked)


def test_a_replay_of_a_large_pool_finds_what_was_recorded_then():
    """The same at random instants of three hundred people's log."""
    pool = seeded_pool(9, people=300)
    random = Random(9)
    instants = sorted({fact.at for one in pool.people for fact in one.history})
    for then in random.sample(instants, examples(12)):
        replayed(pool, then)


# How long numbers stay.


def corners(pool, window=WINDOW):
    """Return every instant after now at which the clock may change anything."""
    facts = [fact for one in pool.people for fact in one.history]
    at = {fact.at for fact in facts}
    ends = {fact.properties.get("expires_at") for fact in facts}
    roles = {instant for role in pool.roles for instant in (role.opened_at, role.closed_at)}
    found = (at | ends | roles) - {None}
    spans = (window, 14 * DAY, 91 * DAY, YEAR, window + YEAR)
    found |= {instant + span for instant in found for span in spans}
    # A day more since the contact.
    found |= {instant + ((NOW - instant) // DAY + 1) * DAY for instant in at if instant <= NOW}
    # What still lasts comes to where another one ended.
    hired = {fact.at for fact in facts if fact.kind == "hired"}
    left = {fact.at for fact in facts if fact.kind == "left"}
    begun = {role.opened_at for role in pool.roles} - {None}
    found |= {one + (end - other) for one in begun for other in begun for end in hired}
    found |= {one + (end - other) for one in hired for other in hired for end in left}
    return sorted(instant for instant in found if instant >= NOW)


def check_until(pool, card, then, **asked):
    """Compare every metric that says that it holds until later than *then*."""
    other = pool.measure(now=then, **asked)
    for metric in card:
        if metric.until is None or then < metric.until:
            assert numbers(metric) == numbers(other[metric.name]), (metric.name, then, metric.until)
    for tool in TOOLS:
        for rate in card.rates(tool):
            if rate.until is None or then < rate.until:
                assert numbers(rate) == numbers(other.rate(rate.name, tool))


def check_untils(pool, others=(), **asked):
    """Sweep the last instant of every ``until``, a late one, and *others*."""
    card = pool.measure(**asked)
    assert all(metric.until is None or metric.until > NOW for metric in card)
    lasts = {metric.until - TICK for metric in card if metric.until}
    for then in sorted({*lasts, NOW + 9 * YEAR, *others}):
        check_until(pool, card, then, **asked)


@settings(max_examples=examples(100), suppress_health_check=SLOW)
@given(pool=pools(people=4, most=12), asked=questions)
def test_a_number_stays_up_to_the_last_instant_that_it_says(pool, asked):
    """Just before ``until``, and long after if there is none, it is what it was."""
    check_untils(pool, **asked)


@settings(max_examples=examples(25), suppress_health_check=SLOW)
@given(pool=pools(people=3, most=7), asked=questions)
def test_a_number_stays_at_every_instant_until_it_says(pool, asked):
    """Swept over every instant at which the clock may change anything, and just beside it."""
    sweep = {at + step * TICK for at in corners(pool, asked["window"]) for step in (-1, 0, 1)}
    check_untils(pool, (at for at in sweep if at >= NOW), **asked)


@pytest.mark.parametrize("window", WINDOWS)
def test_a_number_stays_until_it_says_in_fuller_pools(window):
    """The same over pools from a seed, at the last instants and some of the corners."""
    for seed in range(examples(20)):
        random = Random(seed)
        pool = seeded_pool(seed, seed % 3 + 1, 3 + seed % 8, roles=3)
        found = corners(pool, window)
        some = random.sample(found, min(8, len(found)))
        check_untils(pool, some, window=window, policy=random.choice(POLICIES))
