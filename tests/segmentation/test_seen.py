"""What a rule could see: facts of other kinds never change its answer."""

from datetime import timedelta
from random import Random

import pytest
from random_rules import LEAVES, random_fact, random_now, random_relationship, random_rule

from crmkit.model import KINDS, Relationship
from crmkit.segmentation import event, field, member, permitted, score, temperature
from crmkit.segmentation._look import Look
from crmkit.segmentation._seen import referred, seen
from crmkit.segmentation._walk import answer


def same_without_the_rest(rng, rule):
    """Ask with every fact, without those of kinds that are not seen, and with more of these."""
    kinds = seen(rule)
    who = random_relationship(rng)
    now = random_now(rng, who, rule)
    known = [fact for fact in who.history if fact.kind in kinds]
    noise = [random_fact(rng, who.id, now + rng.choice((-1, 0, 1)) * timedelta(1)) for _ in "abcd"]
    known_and_more = [*who.history, *(fact for fact in noise if fact.kind not in kinds)]
    whole = answer(rule, Look(who, now))
    return all(
        (whole.holds, whole.until) == (other.holds, other.until)
        for other in (
            answer(rule, Look(Relationship(who.candidate, facts), now))
            for facts in (known, known_and_more)
        )
    )


@pytest.mark.parametrize("kind", LEAVES, ids=lambda kind: kind.__name__)
def test_facts_that_a_leaf_does_not_see_change_nothing(kind):
    """Neither value nor until of a leaf depends on facts of other kinds."""
    rng = Random(f"seen {kind.__name__}")
    for _ in range(250):
        rule = LEAVES[kind](rng)
        assert same_without_the_rest(rng, rule), rule


def test_facts_that_a_tree_does_not_see_change_nothing():
    """Nor do those of a whole rule."""
    rng = Random("seen")
    for _ in range(500):
        rule = random_rule(rng, 3)
        assert same_without_the_rest(rng, rule), rule


def test_kinds_of_a_rule_are_those_of_its_parts():
    """Fields see nothing, events their kinds, and the arbiter what may refuse."""
    assert frozenset() == seen((field.source == "event") & field.interested_from.within(days=1))
    assert {"met", "sent", "left"} == seen(
        ~event("met", "sent").ever() | event("met").not_followed_by(event("left"))
    )
    assert {"replied", "met"} <= seen(score() > 1)
    assert "sent" not in seen(score() > 1)
    assert {"sent", "bounced"} <= seen(temperature() == "cold")
    assert {"sent", "consented", "paused", "hired", "bounced"} <= seen(permitted())
    assert seen(permitted()) <= KINDS.keys()


def test_references_are_named_apart():
    """The kinds of another segment are not the rule's own; its name is."""
    rule = member("a") & ~(member("b") | event("met").ever())
    assert ({"met"}, {"a", "b"}) == (seen(rule), referred(rule))
