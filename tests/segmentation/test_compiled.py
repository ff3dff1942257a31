"""The compiled function against the walk, and what its source is made of."""

import io
import keyword
import re
import tokenize
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from agreement import cases
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from random_rules import LEAVES, random_now, random_relationship

from crmkit.engagement import EngagementPolicy, score_crosses
from crmkit.model import Candidate, Interaction, Relationship
from crmkit.segmentation import (
    CATALOGUE,
    Segment,
    Segmenter,
    all_of,
    any_of,
    by_skill,
    event,
    everyone,
    field,
    held,
    listed,
    member,
    permitted,
    score,
    temperature,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)


def fact(kind, days=0.0, **known):
    return Interaction(candidate_id="ada", kind=kind, at=NOW - timedelta(days=days), **known)


def ada(*facts, **known):
    return Relationship(Candidate(id="ada", **known), facts)


def both(segmenter, relationship, now=NOW):
    """Return the names of the segments that hold, by the walk and by the function."""
    walked = segmenter.check(relationship, now=now)
    found = segmenter.index([relationship]).members(now=now)
    return [name for name, verdict in walked.items() if verdict], [
        name for name, ids in found.items() if ids
    ]


def source(*rules, names=None):
    names = names or [f"s{place}" for place in range(len(rules))]
    segments = [Segment(name, rule) for name, rule in zip(names, rules, strict=True)]
    return Segmenter(segments)._compiled.source


@pytest.mark.parametrize("seed", range(4))
def test_walk_and_function_agree(seed):
    """Both give the same value on 200,000 random cases in all, and neither is always one."""
    found = list(cases(examples(50_000), seed=seed))
    assert [case for case in found if not case.agrees] == []
    assert 0.2 < sum(case.walked for case in found) / len(found) < 0.8


@pytest.mark.parametrize("kind", LEAVES, ids=lambda kind: kind.__name__)
def test_each_leaf_agrees_alone(kind):
    """Every kind of leaf gives the walk's value, asked in no order of instants."""
    rng = Random(kind.__name__)
    seen = set()
    for _ in range(40):
        segmenter = Segmenter([Segment(str(place), LEAVES[kind](rng)) for place in range(8)])
        for _ in range(3):
            person = random_relationship(rng)
            index = segmenter.index([person])
            rules = [segment.rule for segment in segmenter.segments]
            for now in [random_now(rng, person, rng.choice(rules)) for _ in range(4)]:
                walked = segmenter.check(person, now=now)
                expected = {name: ["x"] * verdict.value for name, verdict in walked.items()}
                members = index.members(now=now)
                assert expected == {name: ["x"] * len(ids) for name, ids in members.items()}
                seen |= {verdict.value for verdict in walked.values()}
    assert seen == ({True} if kind.__name__ == "Everyone" else {True, False})


half_lives = st.sampled_from((TICK, timedelta(seconds=1), DAY, 30 * DAY, 3650 * DAY))
thresholds = st.one_of(
    st.floats(5e-324, 50),
    st.sampled_from((0.25, 0.5, 1.0, 2.0, 2.5, 3.0, 5.0, 7.0, -1.0, 0.0, float("inf"))),
    st.integers(1, 40).map(lambda units: units * 5e-324),
    st.sampled_from((1e-310, 2.0**-961, 2.0**-959, 1e-9, 1e300)),
)
ages = st.lists(st.tuples(st.sampled_from((0, 0, 0.5, 1, 3)), st.integers(0, 3)), max_size=4)
bases = st.sampled_from((NOW, datetime(9000, 1, 1, tzinfo=UTC), datetime(2, 1, 1, tzinfo=UTC)))


@settings(max_examples=examples(400), deadline=None)
@given(half_lives, thresholds, ages, st.sampled_from(("ge", "gt", "le", "lt")), bases)
def test_scores_agree_to_the_microsecond(half_life, threshold, ages, op, base):
    """Beside the instant at which a score crosses a threshold, both turn at the same one."""
    policy = EngagementPolicy(half_life=half_life)
    kinds = ("clicked", "replied", "attended", "applied")
    person = ada(
        *[
            Interaction(candidate_id="ada", kind=kind, at=base - lives * half_life - ticks * TICK)
            for kind, (lives, ticks) in zip(kinds, ages, strict=False)
            if lives * half_life < 300 * DAY
        ]
    )
    segmenter = Segmenter([Segment("s", getattr(score(policy), f"__{op}__")(threshold))])
    index = segmenter.index([person])
    turn = score_crosses(person, now=base, threshold=threshold, policy=policy)
    instants = [base, base + 400 * DAY, datetime.max.replace(tzinfo=UTC)]
    if turn is not None:
        instants += [turn + ticks * TICK for ticks in (-2, -1, 0, 1)]
    for now in instants:
        expected = segmenter.check(person, now=now)["s"].value
        assert expected == bool(index.members(now=now)["s"])


@given(
    st.lists(st.sampled_from(("sent", "delivered", "bounced", "clicked", "replied")), max_size=9),
    st.sets(st.sampled_from(("hot", "warm", "cooling", "cold", "unknown")), min_size=1),
)
def test_temperatures_agree(kinds, among):
    """Any choice of temperatures holds for the same people, as they cool down."""
    person = ada(*[fact(kind, len(kinds) - place) for place, kind in enumerate(kinds)])
    segmenter = Segmenter([Segment("s", temperature().is_in(*among))])
    index = segmenter.index([person])
    for days in (0, 5, 12, 20, 40, 60, 90):
        now = NOW + days * DAY
        expected = segmenter.check(person, now=now)["s"].value
        assert expected == bool(index.members(now=now)["s"])


HOSTILE = '\'; import os #\n"""{x0}%s\\ __class__ p or i'
PLAIN = "plain"


def asked_with(text):
    """Return rules of many kinds with *text* wherever one may put a text."""
    line = text.replace("\n", " ")
    return [
        field.custom[text] == text,
        field.title.contains(text),
        field.skills.has_any(line),
        field.custom["a"].is_in(text, 1),
        event("x-lunch", **{text: text}).within(days=3),
        event("x-lunch").where(text, "contains", text).at_most(2, within=3 * DAY),
        event("met").last.where(text, "==", text),
        event("met", outcome=line).last.older_than(days=2),
        listed(text),
        permitted(purpose=line),
        field.custom[text].within(days=9),
        field.custom[text].anniversary(),
        score(EngagementPolicy(weights={"x-lunch": 3})) >= 2,
    ]


def test_no_text_of_a_rule_reaches_the_source():
    """Texts, values, names and numbers change nothing: the source depends on the shape alone."""
    hostile, plain = asked_with(HOSTILE), asked_with(PLAIN)
    names = [f"{HOSTILE} {place}".replace("\n", " ") for place in range(len(hostile))]
    assert source(*plain) == source(*hostile, names=names)


def test_source_is_made_of_numbered_names_and_fixed_words():
    """Nothing but keywords, numbered names and the few names of the template is in it."""
    nested = [
        ~(rule & event("sent").within(days=4)) | score().__lt__(3) for rule in asked_with("a")
    ]
    text = source(*nested, *[segment.rule for segment in CATALOGUE])
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    words = {token.string for token in tokens if token.type == tokenize.NAME}
    own = {word for word in words if not keyword.iskeyword(word)}
    assert {word for word in own if not re.fullmatch(r"[agnvx][0-9]+", word)} <= {
        *("run", "rows", "now", "at", "cuts", "members", "i", "p")
    }
    kinds = {token.type for token in tokens}
    assert kinds.isdisjoint({tokenize.STRING, tokenize.NUMBER, tokenize.COMMENT})


@pytest.mark.parametrize(
    "term",
    [lambda n: field.custom["n"] == n, lambda n: event("sent").at_least(n, within=n * DAY)],
    ids=["settled", "clocked"],
)
def test_thousand_terms_compile_and_run(term):
    """An OR of a thousand different terms is one flat expression."""
    rule = any_of(*[term(number) for number in range(1, 1001)])
    segmenter = Segmenter([Segment("any", rule), Segment("none", ~rule)])
    last = ada(*[fact("sent", 0.1)] * 2, fact("sent", 0.2), custom={"n": 1000})
    assert both(segmenter, last) == (["any"], ["any"])
    assert both(segmenter, ada()) == (["none"], ["none"])


@pytest.mark.parametrize("leaf", [event("sent").ever(), event("sent").within(days=3)])
def test_rules_nested_a_hundred_deep_compile_and_run(leaf):
    """Python's own limits on nesting are not met."""
    rule = leaf
    while rule.depth <= 97:
        rule = ~all_of(any_of(rule, field.owner == "x"), event("met").at_most(1, within=DAY))
    assert rule.depth == 100
    segmenter = Segmenter([Segment("deep", rule), Segment("not", ~rule)])
    for person in (
        ada(),
        ada(fact("sent", 1)),
        ada(fact("sent", 9), fact("met"), fact("met", 0.5)),
    ):
        walked, compiled = both(segmenter, person)
        assert walked == compiled


@pytest.mark.parametrize("leaf", [event("sent").ever(), event("sent").within(days=3)])
def test_references_are_answered_once_each(leaf):
    """A ladder of diamonds, which has two to the hundredth paths, is answered at once."""
    segments = [Segment("s0", leaf)]
    for step in range(1, 101):
        under = member(f"s{step - 1}")
        segments.append(Segment(f"s{step}", (under & everyone()) | (under & (field.owner == "x"))))
    segmenter = Segmenter(reversed(segments))
    members = segmenter.index([ada(fact("sent", 1))]).members(now=NOW)
    assert [segment.name for segment in segmenter.segments] == [*members]
    assert {name: ["ada"] for name in members} == members


def test_references_inside_held_are_known():
    """A leaf that is asked of the walk may refer to other segments."""
    recent = Segment("recent", event("sent").within(days=9))
    lasting = Segment("lasting", held(member("recent"), at_least=2 * DAY))
    segmenter = Segmenter([lasting, recent])
    assert both(segmenter, ada(fact("sent", 3))) == (["lasting", "recent"],) * 2
    assert both(segmenter, ada(fact("sent", 1))) == (["recent"],) * 2


def test_a_segmenter_compiles_once():
    """The function is made when it is first needed, and kept."""
    segmenter = Segmenter([by_skill("go")])
    assert segmenter._compiled is segmenter._compiled
    assert segmenter == Segmenter([by_skill("go")])


def test_what_the_clock_cannot_change_is_settled():
    """Rules without a clock in them, however nested, are one kept answer each."""
    rule = ~((field.owner == "x") | event("sent").ever()) & event("met").after(event("sent"))
    assert source(rule) == (
        "def run(rows, now, at, cuts, members):\n"
        "    [] = cuts\n"
        "    [g0] = members\n"
        "    for [i, p, x0] in rows:\n"
        "        if x0: g0(i)\n"
        "        pass\n"
    )


def test_no_segments_and_no_people():
    """An index of nothing has nothing in it."""
    assert {} == Segmenter([]).index([ada()]).members(now=NOW)
    assert {"s": []} == Segmenter([Segment("s", everyone())]).index([]).members(now=NOW)
