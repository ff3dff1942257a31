"""Reasons: every leaf says what was asked, what was found, and unknown where data was missing."""

import json
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from random_rules import LEAVES, random_now, random_relationship, random_rule

from crmkit.model import Candidate, Interaction, Relationship
from crmkit.segmentation import (
    Segment,
    Segmenter,
    bucket,
    consented,
    event,
    everyone,
    field,
    held,
    listed,
    member,
    permitted,
    score,
    suppressed,
    temperature,
)
from crmkit.segmentation import _nodes as nodes
from crmkit.segmentation._sentences import phrase

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
NOBODY = Relationship(Candidate(id="ada"))
MET, OPENED = event("met"), event("opened")


def check(rule, relationship=NOBODY):
    return Segment("s", rule).check(relationship, now=NOW)


def log(*facts, **known):
    return Relationship(
        Candidate(id="ada", **known),
        [
            Interaction(candidate_id="ada", kind=kind, at=NOW - days * DAY, **more)
            for kind, days, more in facts
        ],
    )


ADA = log(
    ("captured", 50, {}),
    ("met", 40, {}),
    ("opened", 30, {}),
    ("opened", 9, {}),
    ("replied", 5, {"outcome": "later", "properties": {"minutes": 5}}),
    ("consented", 3, {"properties": {"purpose": "nurture"}}),
    emails=["ada@example.org"],
    interested_from="2025-03-03T09:00Z",
    aliases=["old"],
)


@pytest.mark.parametrize(
    ("rule", "found", "missing"),
    [
        (everyone(), None, None),
        (field.source == "event", "unknown", "unknown"),
        (field.salary.is_known(), "unknown", "unknown"),
        (field.interested_from.within(days=1), "2025-03-03 09:00 UTC", "unknown"),
        (field.interested_from.anniversary(), "2025-03-03 09:00 UTC", "unknown"),
        (OPENED.at_least(2), "2, last on 2026-02-21", "none"),
        (OPENED.within(days=7), "none, last on 2026-02-21", "none"),
        (MET.stopped(70 * DAY).parts[0], "none, last on 2026-01-21", "none"),
        (OPENED.first.within(days=7), "first on 2026-01-31", "none"),
        (OPENED.last.older_than(days=7), "last on 2026-02-21", "none"),
        (MET.last.anniversary(), "last on 2026-01-21", "none"),
        (event("replied").last.where("minutes", ">", 1), "5 on 2026-02-25", "none"),
        (event("replied").last.where("note", "known"), "unknown on 2026-02-25", "none"),
        (event("replied").after(MET), "on 2026-02-25", "none"),
        (MET.not_followed_by(OPENED), "on 2026-01-21, undone on 2026-02-21", "none"),
        (OPENED.not_followed_by(MET), "on 2026-02-21", "none"),
        (OPENED.regular(2, of=4, every=7 * DAY), "in 1 of 4", "in 0 of 4"),
        (OPENED.restarted(7 * DAY, within=14 * DAY), "on 2026-02-21", "none"),
        (OPENED.restarted(70 * DAY, within=14 * DAY), "none", "none"),
        (score() >= 5, "9.24", "0"),
        (temperature() == "cold", "'hot'", "'unknown'"),
        (permitted(), None, "refused: retention"),
        (consented(), "of 2026-02-27", "none"),
        (suppressed(), "nothing against it", "nothing against it"),
        (listed("old"), "'ada', 'old'", "'ada'"),
        (bucket("new", below=0.5), "place 0.8659", "place 0.8659"),
        (held(MET.ever(), at_least=9 * DAY), "for longer", "not so now"),
        (held(MET.ever(), at_least=41 * DAY), "since 2026-01-21", "not so now"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_leaf_says_what_it_asked_and_what_it_found(rule, found, missing):
    """The text is the rule's own clause; nothing found and nothing known are said so."""
    for who, expected in ((ADA, found), (NOBODY, missing)):
        for asked in (rule, ~rule):
            because = check(asked, who).because
            assert (phrase(asked), expected) == (because.text, because.found)


def test_arbiter_and_temperature_hang_their_own_reasons_below():
    """What the arbiter asked, rule by rule up to the one that refused, is below its leaf."""
    refused = check(permitted(), NOBODY).because
    assert [part.holds for part in refused.parts] == [True, True, True, False]
    assert check(temperature() == "hot", ADA).because.parts
    assert check(held(MET.ever(), at_least=DAY), ADA).because.parts[0].text == "ever met"


def test_reasons_of_a_reference_are_those_of_the_segment():
    """What the other segment rests on is shown below the reference."""
    segmenter = Segmenter([Segment("a", ~member("b")), Segment("b", MET.ever())])
    verdicts = segmenter.check(ADA, now=NOW)
    assert verdicts["b"].because == verdicts["a"].because.parts[0]


def test_forms_of_a_verdict_are_text_dict_and_notebook():
    """All three show the same tree; the dict is JSON, and the notebook's form is escaped."""
    who = log(title="<script>alert(1)</script>")
    verdict = check((field.title == "<b>") & ~MET.ever(), who)
    text, html = str(verdict), verdict._repr_html_()
    assert "✗ title is '<b>' (found '<script>alert(1)</script>')" in text
    assert "<script>" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    shown = json.loads(json.dumps(verdict.to_dict()))
    assert {"value": False, "until": None} == {key: shown[key] for key in ("value", "until")}
    assert ["title is '<b>'", "never met"] == [part["text"] for part in shown["because"]["parts"]]


def test_every_verdict_has_its_three_forms():
    """No rule, person or instant breaks a form."""
    rng = Random(11)
    for _ in range(400):
        rule, who = random_rule(rng), random_relationship(rng)
        verdict = Segment("s", rule).check(who, now=random_now(rng, who, rule))
        assert str(verdict).count("\n") == json.dumps(verdict.to_dict()).count('"text"')
        assert verdict._repr_html_().count("<li>") == str(verdict).count("\n")


def test_every_leaf_but_everyone_says_what_it_found():
    """No kind of leaf is silent about what was there."""
    rng = Random(12)
    for kind, make in LEAVES.items():
        for _ in range(20):
            who = random_relationship(rng)
            rule = make(rng)
            leaves = rule.parts if isinstance(rule, nodes.AllOf) else (rule,)
            for leaf in leaves:
                because = Segment("s", leaf).check(who, now=random_now(rng, who, leaf)).because
                said = because.found or because.parts
                assert bool(said) is (kind is not nodes.Everyone)
