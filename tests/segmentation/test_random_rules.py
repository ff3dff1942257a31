"""Value and until of random rules of every kind, against their definitions and a sweep."""

from collections import Counter
from random import Random

import pytest
from clock_sweep import composite, sweep, yearly
from examples import examples
from random_rules import CALENDAR, EXACT, LEAVES, random_now, random_relationship, random_rule
from rule_oracle import holds

from crmkit.segmentation import _nodes as nodes
from crmkit.segmentation._look import Look
from crmkit.segmentation._walk import answer

KINDS_OF_LEAVES = tuple(LEAVES)
BY_NAME = pytest.mark.parametrize("kind", KINDS_OF_LEAVES, ids=lambda kind: kind.__name__)
SPANS = (*EXACT, *CALENDAR)
SEGMENTS = {"a": random_rule(Random(1)), "b": random_rule(Random(7)) | nodes.Member("a")}


def cases(rng, rule, people, nows):
    """Yield people and instants to ask *rule* about."""
    for _ in range(people):
        who = random_relationship(rng)
        for _ in range(nows):
            yield who, random_now(rng, who, rule)


def test_random_rules_are_of_every_kind_and_come_from_their_seed_alone():
    """No kind of rule is left out, and one seed always gives the same cases."""
    found = Counter()
    for seed in range(300):
        rule = random_rule(Random(seed), members=("a", "b"))
        assert rule == random_rule(Random(seed), members=("a", "b"))
        found.update(type(node) for node in nodes.each(rule))
    assert set(nodes.NODES.values()) == set(found)
    assert random_relationship(Random(5)) == random_relationship(Random(5))


@BY_NAME
def test_leaf_agrees_with_its_definition(kind):
    """The walk gives the value that the definition gives, and both values occur."""
    rng = Random(kind.__name__)
    values = Counter()
    for _ in range(300):
        rule = LEAVES[kind](rng)
        for who, now in cases(rng, rule, 2, 3):
            expected = holds(rule, who, now)
            assert expected is answer(rule, Look(who, now)).holds, (rule, who.history, now)
            values[expected] += 1
    assert values[True] > 5
    assert values[False] > 5 or kind is nodes.Everyone


@BY_NAME
def test_until_of_a_leaf_is_sound_and_exact(kind):
    """Nothing changes before until, and at until the value does, or a fact that it sees comes."""
    rng = Random(f"until {kind.__name__}")
    for _ in range(examples(60)):
        rule = LEAVES[kind](rng)
        for who, now in cases(rng, rule, 2, 2):
            found = sweep(rule, who, now, rng)
            assert ((), True) == (found.wrong, found.exact), (rule, now)


@pytest.mark.parametrize("seed", range(8))
def test_tree_agrees_with_its_definition(seed):
    """The walk gives the value that the definitions give, references and `held` included."""
    rng = Random(seed)
    for _ in range(examples(150)):
        rule = random_rule(rng, 4, members=("a", "b"))
        for who, now in cases(rng, rule, 1, 2):
            expected = holds(rule, who, now, SEGMENTS)
            assert expected is answer(rule, Look(who, now, SEGMENTS)).holds, (rule, now)


@pytest.mark.parametrize("seed", range(8))
def test_until_of_a_tree_is_sound(seed):
    """Nothing changes before until, whatever the log holds for the future."""
    rng = Random(f"until {seed}")
    for _ in range(examples(120)):
        rule = random_rule(rng, 4, members=("a", "b"))
        for who, now in cases(rng, rule, 1, 2):
            found = sweep(rule, who, now, rng, segments=SEGMENTS)
            assert () == found.wrong, (rule, now)
            assert composite(rule) or found.exact, (rule, now)


@pytest.mark.parametrize("nested", [0, 1])
@pytest.mark.parametrize("seed", range(2))
def test_until_of_held_is_exact(seed, nested):
    """Held looks over the turns of its part to its own flip, unless they go on for ever."""
    rng = Random(f"held {seed}")
    flips = 0
    for _ in range(80):
        rule = nodes.Held(random_rule(rng, 3, held=nested), rng.choice(SPANS))
        if nested and yearly(rule):
            continue
        for who, now in cases(rng, rule, 1, 3):
            found = sweep(rule, who, now, rng)
            assert () == found.wrong, (rule, now)
            assert found.exact or yearly(rule), (rule, now)
            flips += found.flips
    assert flips > 2
