"""Many segments together: names, references, order, what could change, and definitions."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import attrs
import pytest

from crmkit.engagement import EngagementPolicy
from crmkit.errors import InvalidRecord, NotFound, RuleError, UnknownName
from crmkit.model import Candidate, Interaction, Relationship
from crmkit.permission import ContactPolicy
from crmkit.segmentation import (
    CATALOGUE,
    OnLeave,
    Segment,
    Segmenter,
    compare,
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
ADA = Relationship(
    Candidate(id="ada", skills=["python", "ml"], source="sourced"),
    [
        Interaction(candidate_id="ada", kind="sourced", at="2026-01-05T09:00Z"),
        Interaction(candidate_id="ada", kind="replied", at="2026-01-09T09:00Z", outcome="positive"),
        Interaction(candidate_id="ada", kind="applied", at="2026-02-01T09:00Z"),
    ],
)
WARM = Segment("warm", event("replied", outcome="positive").within(days=90))
MET = Segment("met", event("met").ever())
EITHER = Segment("either", member("warm") | member("met"))
NEITHER = Segment("neither", ~member("either"))
BOTH = Segment("both", member("warm") & member("met") & event("called").never())
FIVE = (NEITHER, EITHER, BOTH, MET, WARM)


def test_segmenter_answers_like_each_segment_alone():
    """The segmenter gives every segment's own verdict, by name and in order."""
    segmenter = Segmenter([WARM, *CATALOGUE])
    verdicts = segmenter.check(ADA, now=NOW)
    expected = {one.name: one.check(ADA, now=NOW) for one in (WARM, *CATALOGUE)}
    assert list(expected.items()) == list(verdicts.items())


def test_segmenter_knows_the_kinds_its_rules_see():
    """Kinds come from every event rule, and from what the score and the temperature weigh."""
    policy = EngagementPolicy(weights={"x-lunch": 1, "clicked": 0})
    fields_only = Segment("f", field.source == "event")
    rule = event("replied").after(event("sent")) | event("met").first.within(days=1)
    sequence = Segment("a", rule)
    scored = Segment("s", score(policy) > 1)
    assert frozenset() == fields_only.kinds
    assert {"replied", "sent", "met"} == Segmenter([fields_only, sequence]).kinds
    assert {"sent"} == Segment("n", ~event("sent").ever()).kinds
    assert "x-lunch" in scored.kinds
    assert "clicked" not in scored.kinds
    assert "sent" not in scored.kinds
    assert {"bounced", "sent", "replied"} <= Segment("t", temperature() == "cold").kinds


@pytest.mark.parametrize(
    ("segments", "message"),
    [
        ([WARM, WARM], "segments[1].name: 'warm' is there already"),
        ([WARM, "x"], "segments[1]: expected a Segment, got str"),
        (5, "segments: expected segments, got int"),
    ],
)
def test_segmenter_refuses_what_is_not_segments_with_unique_names(segments, message):
    """The error says which segment is at fault."""
    with pytest.raises(InvalidRecord) as caught:
        Segmenter(segments)
    assert message == str(caught.value)


def test_references_are_answered_by_the_segment_they_name():
    """A reference has the value, the until and the reasons of the other; NOT keeps working."""
    verdicts = Segmenter(FIVE).check(ADA, now=NOW)
    expected = {"neither": False, "either": True, "both": False, "met": False, "warm": True}
    assert expected == {name: bool(verdict) for name, verdict in verdicts.items()}
    assert list(expected) == list(verdicts)
    assert verdicts["warm"].until == verdicts["either"].until == verdicts["neither"].until
    reference = verdicts["neither"].because
    assert ("not in segment 'either'", False) == (reference.text, reference.holds)
    assert "any of" == reference.parts[0].text


def test_negation_survives_a_reference():
    """Bug 3 of the field: who is not in a segment is in the one that says so."""
    nobody = Relationship(Candidate(id="bob"))
    segmenter = Segmenter(FIVE)
    assert segmenter.check(nobody, now=NOW)["neither"]
    assert not segmenter.check(ADA, now=segmenter.check(ADA, now=NOW)["warm"].until)["either"]


def test_order_has_those_referred_to_first():
    """Whatever the order they are given in, a segment comes after all that it needs."""
    for given in (FIVE, FIVE[::-1]):
        order = Segmenter(given).order
        assert sorted(order) == sorted(one.name for one in given)
        for segment in given:
            assert all(order.index(need) < order.index(segment.name) for need in segment.needs)


def test_diamond_is_no_cycle():
    """Bug 3 of the field: two ways to one segment are fine."""
    top = Segment("top", member("either") & ~member("both"))
    assert Segmenter([top, *FIVE]).check(ADA, now=NOW)["top"]


@pytest.mark.parametrize(
    ("needs", "message"),
    [
        ({"a": "a"}, "a → a"),
        ({"a": "b", "b": "a"}, "a → b → a"),
        ({"d": "c", "c": "b", "b": "a", "a": "c"}, "c → b → a → c"),
    ],
)
def test_cycle_is_an_error_that_prints_it(needs, message):
    """Bug 3 of the field: segments that refer to each other are refused, and shown."""
    segments = [Segment(name, ~member(need)) for name, need in needs.items()]
    with pytest.raises(RuleError, match="segments refer to each other in a cycle: ") as caught:
        Segmenter(segments)
    around = str(caught.value).split(": ")[1].split(" → ")
    assert around[0] == around[-1]
    assert sorted(set(around)) == sorted(set(message.split(" → ")))
    assert all(needs[one] == other for one, other in pairwise(around))


def test_unknown_reference_suggests_a_near_name():
    """A reference to nobody's segment says whose it is and what may be meant."""
    with pytest.raises(UnknownName, match=r"segments\[1\]: 'wram' .* did you mean 'warm'"):
        Segmenter([WARM, Segment("x", member("wram"))])


def test_reference_without_a_segmenter_is_an_error():
    """A segment alone does not know the others."""
    with pytest.raises(RuleError, match="put both into one Segmenter"):
        EITHER.check(ADA, now=NOW)


def test_held_may_be_about_another_segment():
    """A reference is asked at past instants too."""
    kept = Segment("kept", held(member("warm"), at_least=timedelta(days=30)))
    verdict = Segmenter([kept, WARM]).check(ADA, now=NOW)["kept"]
    assert (True, datetime(2026, 4, 9, 9, tzinfo=UTC)) == (verdict.value, verdict.until)


def test_long_chain_of_references_is_answered_and_its_reasons_stay_short():
    """Segments are asked one by one, and show the reasons of those they name themselves."""
    chain = [Segment("s0", event("replied").ever())]
    chain += [Segment(f"s{one}", ~member(f"s{one - 1}")) for one in range(1, 1001)]
    segmenter = Segmenter(chain[::-1])
    verdict = segmenter.check(ADA, now=NOW, only=["s1000"])["s1000"]
    expected = [
        "<Verdict True, until no clock changes it>",
        "✓ not in segment 's999'",
        "  ✗ not in segment 's998'",
    ]
    assert expected == str(verdict).splitlines()
    assert not segmenter.check(ADA, now=NOW)["s999"]


def test_reasons_of_a_ladder_of_diamonds_stay_short():
    """Two to the hundredth ways lead down; each segment shows its own and those just below."""
    ladder = [Segment("s0", event("replied").ever())]
    for step in range(1, 101):
        below = member(f"s{step - 1}")
        ladder.append(Segment(f"s{step}", (below & everyone()) | held(below, at_least=DAY)))
    top = Segmenter(ladder).check(ADA, now=NOW, only=["s100"])["s100"]
    assert top
    assert 20 > len(str(top).splitlines())


def test_only_asks_those_named():
    """The answer is that of all, for those asked; a name that is not there is left out."""
    segmenter = Segmenter(FIVE)
    whole = segmenter.check(ADA, now=NOW)
    found = segmenter.check(ADA, now=NOW, only={"warm", "either", "nobody"})
    assert {name: whole[name] for name in ("either", "warm")} == found
    assert {} == segmenter.check(ADA, now=NOW, only=())


@pytest.mark.parametrize(
    "ask",
    [
        lambda one: WARM.check(one, now=NOW),
        lambda one: Segmenter(FIVE).check(one, now=NOW),
        lambda one: Segmenter(FIVE).index([one]),
        lambda one: compare(WARM, [one], now=NOW),
    ],
)
def test_only_relationships_are_asked_about(ask):
    """A candidate without a history is an error that says what is missing."""
    with pytest.raises(InvalidRecord) as caught:
        ask(Candidate(id="ada"))
    expected = "relationship: expected a Relationship(candidate, interactions), got Candidate"
    assert expected == str(caught.value)


def test_one_name_is_not_a_list_of_names_and_a_rule_is_no_segment():
    """What would be taken for something else is refused; segments in a list are fine."""
    assert not compare(WARM, [ADA], now=NOW, among=FIVE)
    with pytest.raises(InvalidRecord, match="only: expected a list of names, got the text 'warm'"):
        Segmenter(FIVE).check(ADA, now=NOW, only="warm")
    with pytest.raises(InvalidRecord, match="segment: expected a Segment, got Everyone"):
        Segmenter(FIVE).replacing(everyone())


def test_segments_are_found_by_name():
    """A name that is not there is `NotFound`."""
    segmenter = Segmenter(FIVE)
    assert WARM == segmenter["warm"]
    assert ["warm" in segmenter, "x" in segmenter] == [True, False]
    assert "<Segmenter of 5 segments>" == repr(segmenter)
    with pytest.raises(NotFound):
        segmenter["wram"]


def test_fact_affects_those_that_see_it_through_others_too():
    """A reply may change whoever refers to `warm`; a visit nobody."""
    segmenter = Segmenter(FIVE)
    assert {"warm", "either", "neither", "both"} == segmenter.affected(["replied"])
    assert {"met", "either", "neither", "both"} == segmenter.affected({"met", "visited"})
    assert {"both"} == segmenter.affected(["called"])
    assert frozenset() == segmenter.affected(["visited"])
    assert {"replied", "met", "called"} == segmenter.kinds


def test_who_needs_whom():
    """Those that refer to a segment themselves, and all that do through others."""
    segmenter = Segmenter(FIVE)
    assert ("either", "both") == segmenter.needed_by("warm")
    assert () == segmenter.needed_by("neither")
    assert {"warm", "either", "both", "neither"} == set(segmenter.needing("warm"))
    assert "warm" == segmenter.needing("warm")[0]
    assert ("neither",) == segmenter.needing("neither")
    assert frozenset({"warm", "met"}) == EITHER.needs


def test_including_and_excluding_are_whatever_the_rule_says():
    """People are put in and taken out by hand; the later word counts, and the rule stays."""
    nobody = Segment("pilot", ~everyone())
    added = nobody.including("ada", "bob")
    assert added.check(ADA, now=NOW)
    assert not added.excluding("ada").check(ADA, now=NOW)
    assert added.excluding("ada").including("ada").check(ADA, now=NOW)
    assert not Segment("all", everyone()).excluding("ada").check(ADA, now=NOW)
    assert added == nobody.including("bob").including("ada")
    assert (listed("ada", "bob"), "pilot") == (added.rule.parts[1], added.name)


def test_names_of_leave_policies_are_checked():
    """The policy is one of three words."""
    segment = Segment("s", everyone(), on_leave="pause")
    assert OnLeave.PAUSE is segment.on_leave
    assert OnLeave.CONTINUE is WARM.on_leave
    with pytest.raises(UnknownName, match=r"on_leave: 'stop' is not a leave policy"):
        Segment("s", everyone(), on_leave="stop")


def test_digest_changes_with_the_rule_and_the_leave_policy_alone():
    """A new description is no new definition; 1, 1.0 and true are three."""
    rules = [field.custom["x"] == value for value in (1, 1.0, True, "1")]
    rules += [everyone(), permitted(), permitted(policy=ContactPolicy.consent_only())]
    rules += [score(EngagementPolicy(hot=9)) > 1, score() > 1, event("met").within(days=1)]
    rules += [event("met").within(months=1), event("met").within(months=1, zone="Europe/Berlin")]
    digests = {Segment("s", rule).digest for rule in rules}
    assert len(rules) == len(digests)
    assert WARM.digest == attrs.evolve(WARM, name="x", description="y").digest
    assert WARM.digest != attrs.evolve(WARM, on_leave="end").digest


def test_digest_is_the_same_in_every_process():
    """No hash of a process gets into it, though policies hold sets."""
    program = (
        "from crmkit.segmentation import Segment, permitted, score;"
        "print(Segment('s', permitted('text') & (score() > 2)).digest)"
    )
    here = Segment("s", permitted("text") & (score() > 2)).digest
    for seed in ("1", "2"):
        command = [sys.executable, "-c", program]
        done = subprocess.run(
            command, env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        )
        assert here == done.stdout.strip()


def test_segment_that_others_need_cannot_be_taken_out():
    """Who needs it is named; once nobody does, it goes, and a new definition takes its place."""
    segmenter = Segmenter(FIVE)
    with pytest.raises(RuleError, match="segment 'met' is needed by 'either', 'both'"):
        segmenter.without("met")
    with pytest.raises(NotFound):
        segmenter.without("nobody")
    assert Segmenter((EITHER, BOTH, MET, WARM)) == segmenter.without("neither")
    alone = Segment("either", everyone())
    assert Segmenter((NEITHER, alone, BOTH, MET, WARM)) == segmenter.replacing(alone)
    assert "new" == segmenter.replacing(Segment("new", everyone())).segments[-1].name
