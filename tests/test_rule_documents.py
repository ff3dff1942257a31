"""Rules as documents: what is written, what is read, and where a fault is."""

import json
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_rules import random_relationship, random_rule

from crmkit.codec import dumps, from_dict, loads, to_dict
from crmkit.codec._nodes import POLICIES, keys
from crmkit.engagement import WEIGHTS, EngagementPolicy
from crmkit.errors import InvalidDocument, InvalidRecord, UnknownName
from crmkit.model import CalendarSpan, Candidate, Relationship
from crmkit.permission import ContactPolicy, Hours, Retention, SendWindow
from crmkit.segmentation import (
    CATALOGUE,
    Fields,
    Rule,
    Segment,
    Segmenter,
    event,
    everyone,
    field,
    held,
    listed,
    member,
    permitted,
    score,
)
from crmkit.segmentation._nodes import NODES, EventCount, Events, Where, each

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
MET = {"kinds": ["met"]}
EVERYONE = {"op": "everyone"}
SEEDS = st.integers(0, 2**32)


def writable(seed: int) -> Rule:
    """Return a random rule that asks for nothing infinite, which JSON has not."""
    rng = Random(seed)
    while True:
        rule = random_rule(rng, 4, members=("b", "c"))
        try:
            to_dict(rule)
        except InvalidRecord:
            continue
        return rule


def rule_of(document: Any) -> Rule:
    return from_dict(Rule, {"version": 1, "rule": document})


def fault(document: Any, cls: type = Rule) -> str:
    """Return what is wrong with a document."""
    with pytest.raises(InvalidDocument) as caught:
        from_dict(cls, {"version": 1, "rule": document} if cls is Rule else document)
    return str(caught.value)


@given(SEEDS)
def test_every_rule_survives(seed):
    """A rule, its digest and its text are the same after a trip through JSON."""
    rule = writable(seed)
    segment = Segment("n", rule, "why", on_leave="end")
    text = dumps(segment)
    again = loads(Segment, text)
    assert (again, again.digest, dumps(again)) == (segment, segment.digest, text)
    assert from_dict(Rule, to_dict(rule)) == loads(type(rule), dumps(rule)) == rule


@given(SEEDS)
def test_a_rule_answers_as_before(seed):
    """What was read gives the verdict, and the reasons, of what was written."""
    rule, someone = writable(seed), random_relationship(Random(seed))
    segment = Segment("a", rule)
    others = [Segment("b", ~field.city.is_known()), Segment("c", everyone())]
    both = [Segmenter([*others, one]) for one in (segment, loads(Segment, dumps(segment)))]
    found, wanted = (segments.check(someone, now=NOW)["a"] for segments in both)
    assert found == wanted


def test_every_kind_of_rule_has_been_tried():
    """The random rules are of every kind that documents have."""
    found = {type(node) for seed in range(300) for node in each(writable(seed))}
    assert found == set(NODES.values())


def test_many_segments_survive():
    """Segments that refer to each other are one document, with the version once."""
    ours = Segmenter([*CATALOGUE, Segment("back", member("alumni"), on_leave="pause")])
    document = to_dict(ours)
    assert loads(Segmenter, dumps(ours)) == ours
    assert list(document) == ["version", "segments"]
    assert document["segments"][-1] == {
        "name": "back",
        "rule": {"op": "member", "segment": "alumni"},
        "on_leave": "pause",
    }


def test_no_segments_are_a_document():
    """An empty set of segments can be written and read."""
    assert loads(Segmenter, dumps(Segmenter(()))) == Segmenter(())


def test_a_list_of_segments():
    """In a list every segment is a document of its own, and a fault has its place in the list."""
    assert loads(list[Segment], dumps(list(CATALOGUE))) == list(CATALOGUE)
    with pytest.raises(InvalidDocument, match=r"^\[1\]\.rule\.op: 'all' is not a rule"):
        from_dict(
            list[Segment],
            [to_dict(CATALOGUE[0]), {"version": 1, "name": "n", "rule": {"op": "all"}}],
        )


@pytest.mark.parametrize("value", [True, 1, 1.0, "1", NOW, 2**60, -0.5, "é", "$instant"])
def test_values_keep_their_types(value):
    """What a host's own field is compared with comes back as it was, type and all."""
    for rule in (field.custom["x"] == value, event("met", x=[value]).ever()):
        again = loads(Rule, dumps(rule))
        assert again == rule
        assert hash(again) == hash(rule)


def test_what_is_written():
    """A document has one key for each field that says something, spans as ISO durations."""
    rule = held(
        event("met", outcome="positive").within(CalendarSpan(months=6, zone="Europe/Paris"))
        & (field.custom["at"] > NOW),
        at_least=timedelta(days=5),
    )
    assert to_dict(rule) == {
        "version": 1,
        "rule": {
            "op": "held",
            "part": {
                "op": "all_of",
                "parts": [
                    {
                        "op": "event_count",
                        "events": {
                            "kinds": ["met"],
                            "where": [{"name": "outcome", "is": "in", "value": ["positive"]}],
                        },
                        "at_least": 1,
                        "within": "P6M[Europe/Paris]",
                    },
                    {
                        "op": "field",
                        "path": ["custom", "at"],
                        "is": ">",
                        "value": {"$instant": "2026-03-02T09:00:00.000000+00:00"},
                    },
                ],
            },
            "span": "P5D",
        },
    }


def test_defaults_of_version_1():
    """A default that documents leave out is version 1's for good; another needs version 2."""
    found = {
        (cls.__name__, key.name): key.default
        for cls in (*NODES.values(), Events, Where, Segment)
        for key in keys(cls)
        if isinstance(key.default, str | int | float | tuple | timedelta)
    }
    assert found == {
        ("FieldAnniversary", "before"): timedelta(0),
        ("FieldAnniversary", "after"): timedelta(days=1),
        ("EventAnniversary", "before"): timedelta(0),
        ("EventAnniversary", "after"): timedelta(days=1),
        ("EventCount", "at_least"): 0,
        ("Permitted", "channel"): "email",
        ("Permitted", "purpose"): "nurture",
        ("Consented", "purpose"): "nurture",
        ("Suppressed", "channel"): "email",
        ("Bucket", "at_least"): 0.0,
        ("Bucket", "below"): 1.0,
        ("Events", "where"): (),
        ("Events", "automated"): (False, None),
        ("Where", "holds"): True,
        ("Segment", "description"): "",
        ("Segment", "on_leave"): "continue",
    }


def test_policies_are_written_in_full():
    """Another default of a policy does not change what is stored."""
    asked = [to_dict(rule)["rule"]["policy"] for rule in (score() > 1, permitted())]
    wanted = [{key.name for key in keys(cls)} for cls in POLICIES]
    assert [set(policy) for policy in asked] == wanted[:2]
    assert all(set(entry) == wanted[2] for entry in asked[1]["retention"].values())
    assert asked[0]["weights"] == dict(WEIGHTS)


def test_the_tables_of_a_written_policy_are_complete():
    """A kind that a document leaves out weighs nothing; a country has the document's default."""
    scored: Any = rule_of({"op": "score", "is": ">", "value": 1, "policy": {"weights": {"met": 2}}})
    assert {kind for kind, weight in scored.policy.weights.items() if weight} == {"met"}
    spans = {"retention": {"de": {"span": "P1M"}}, "default_retention": {"span": "P9D"}}
    asked: Any = rule_of({"op": "permitted", "policy": spans})
    nine = Retention(timedelta(days=9))
    assert dict(asked.policy.retention) == {
        "AT": nine,
        "DE": Retention(CalendarSpan(months=1)),
        "FR": nine,
    }
    bare: Any = rule_of({"op": "permitted", "policy": {"retention": {}}})
    default = ContactPolicy().default_retention
    assert set(dict(bare.policy.retention).values()) == {default}


@pytest.mark.parametrize(
    "hours",
    [
        Hours(),
        Hours.office(zones={"DE": "Europe/Berlin"}, spread=timedelta(hours=2)),
        Hours(unknown_zone=None, zone_needed=()),
        Hours(
            unknown_zone="Asia/Tokyo",
            windows={"web": SendWindow(start="00:30", end="12:00:00.5", on_holidays=True)},
        ),
    ],
)
def test_hours_come_back_as_they_were(hours):
    """Windows, zones, spread, and what is done where the zone is not known."""
    rule = permitted(policy=ContactPolicy(hours=hours))
    assert loads(Rule, dumps(rule)) == rule


def test_a_holiday_calendar_has_no_form():
    """It may be any object of the host's; a document neither holds nor makes one."""
    rule = permitted(policy=ContactPolicy(hours=Hours(holidays={"DE": ["2026-12-25"]})))
    with pytest.raises(InvalidRecord, match="a holiday calendar has no JSON form") as caught:
        dumps(rule)
    assert caught.value.path == "rule.policy.hours.holidays.DE"
    with pytest.raises(InvalidDocument, match="a holiday calendar has no JSON form"):
        rule_of({"op": "permitted", "policy": {"hours": {"holidays": {"DE": []}}}})


def test_a_policy_may_be_left_out():
    """A rule written by hand gets the policy that is the default today."""
    assert rule_of({"op": "score", "is": ">=", "value": 5}) == (score() >= 5)
    assert rule_of({"op": "score", "is": ">=", "value": 5, "policy": {"hot": 9}}) == (
        score(EngagementPolicy(hot=9)) >= 5
    )
    capped = rule_of({"op": "permitted", "policy": {"cap": 5}})
    assert capped == permitted(policy=ContactPolicy(cap=5))


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (5, "rule: expected an object, got a number"),
        ({}, "rule.op: missing, and needed"),
        ({"op": 5}, "rule.op: expected text, got a number"),
        ({"op": "fild"}, "rule.op: 'fild' is not a rule; did you mean 'field'?"),
        ({"op": "not"}, "rule.part: missing, and needed"),
        ({"op": "not", "prat": EVERYONE}, "rule.prat: not a field of the rule 'not'; did you mean"),
        ({"op": "everyone", "odd key": 1}, "rule['odd key']: not a field of the rule 'everyone'"),
        ({"op": "all_of", "parts": []}, "rule.parts: needs at least one rule"),
        ({"op": "all_of", "parts": EVERYONE}, "rule.parts: expected a list, got an object"),
        (
            {"op": "any_of", "parts": [EVERYONE, {"op": "not", "part": {"op": "x"}}]},
            "rule.parts[1].part.op: 'x' is not a rule",
        ),
        (
            {"op": "field", "path": ["skils"], "is": "known"},
            "rule.path: 'skils' is not a field of a candidate; did you mean 'skills'?",
        ),
        ({"op": "field", "path": [], "is": "known"}, "rule.path: expected the names that lead"),
        ({"op": "field", "path": [1], "is": "known"}, "rule.path[0]: expected text, got a number"),
        ({"op": "field", "path": ["city"], "is": "~"}, "rule.is: expected one of "),
        (
            {"op": "field", "path": ["salary"], "is": "contains", "value": "1"},
            "rule.is: field.salary is a number, which 'contains' does not suit",
        ),
        (
            {"op": "field", "path": ["source"], "is": "==", "value": "sorced"},
            "rule.value: field.source: 'sorced' is not a source; did you mean 'sourced'?",
        ),
        ({"op": "field", "path": ["city"], "is": "=="}, "rule.value: field.city: None is not"),
        (
            {"op": "field", "path": ["custom", "x"], "is": "==", "value": {"$instant": "x"}},
            "rule.value['$instant']: expected an ISO 8601 instant",
        ),
        (
            {"op": "event_count", "events": {**MET, "where": [{"name": "x", "is": "in"}]}},
            "rule.events.where[0].value: x: None is not a value",
        ),
        ({"op": "event_count", "events": {"kinds": ["mett"]}}, "rule.events.kinds: 'mett' is not"),
        ({"op": "event_count", "events": MET, "at_least": -1}, "rule.at_least: expected a whole"),
        ({"op": "event_count", "events": MET, "at_least": 1.0}, "rule.at_least: expected a whole"),
        ({"op": "event_count", "events": MET, "within": "5d"}, "rule.within: expected an ISO 8601"),
        ({"op": "event_count", "events": MET, "within": "P0D"}, "rule.within: expected a span lo"),
        (
            {"op": "event_count", "events": {**MET, "since": "2026-01-01"}},
            "rule.events.since: 2026-01-01T00:00:00 has no time zone",
        ),
        (
            {"op": "field_anniversary", "path": ["interested_from"], "zone": "Europe/Pariss"},
            "rule.zone: 'Europe/Pariss' is not an IANA time zone; did you mean 'Europe/Paris'?",
        ),
        ({"op": "suppressed", "channel": "emial"}, "rule.channel: 'emial' is not a Channel"),
        ({"op": "temperature", "among": ["hot", "wrm"]}, "rule.among[1]: 'wrm' is not a Temp"),
        ({"op": "bucket", "pilot": "p", "below": 2}, "rule: expected 0 <= at_least < below <= 1"),
        ({"op": "score", "is": ">", "value": 1, "policy": {"hot": 1}}, "rule.policy.hot: expected"),
        (
            {"op": "score", "is": ">", "value": 1, "policy": {"weights": {"mett": 1}}},
            "rule.policy.weights['mett']: 'mett' is not an interaction kind",
        ),
        (
            {"op": "permitted", "policy": {"retention": {"XXX": {"span": "P1D"}}}},
            "rule.policy.retention['XXX']: expected a two-letter ISO 3166-1 code",
        ),
    ],
)
def test_a_fault_is_told_by_its_path(document, told):
    """Each error says where it is, what was expected, and near names where there are any."""
    assert fault(document).startswith(told)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ([], "expected an object, got a list"),
        ({"name": "n", "rule": EVERYONE}, "version: missing, and needed"),
        ({"version": 2, "name": "n", "rule": EVERYONE}, "version: expected 1, the only one that"),
        ({"version": True}, "version: expected a whole number, got true or false"),
        ({"version": 1, "name": "n"}, "rule: missing, and needed"),
        ({"version": 1, "name": " ", "rule": EVERYONE}, "name: expected text, got nothing"),
        ({"version": 1, "name": "n", "rul": EVERYONE}, "rul: not a field of Segment; did you mean"),
        (
            {"version": 1, "name": "n", "rule": EVERYONE, "on_leave": "stop"},
            "on_leave: 'stop' is not an OnLeave",
        ),
    ],
)
def test_a_faulty_segment_is_told(document, told):
    """The version and the fields around the rule are checked alike."""
    assert fault(document, Segment).startswith(told)


@pytest.mark.parametrize(
    ("segments", "told"),
    [
        ({}, "segments: expected a list, got an object"),
        ([to_dict(CATALOGUE[0])], "segments[0].version: not a field of Segment"),
        ([{"name": "a", "rule": {"op": "member", "segment": "b"}}], "segments[0]: 'b' is not one"),
        ([{"name": "a", "rule": EVERYONE}] * 2, "segments[1].name: 'a' is there already"),
        (
            [
                {"name": "a", "rule": {"op": "member", "segment": "b"}},
                {"name": "b", "rule": {"op": "member", "segment": "a"}},
            ],
            "segments refer to each other in a cycle: a → b → a",
        ),
    ],
)
def test_faulty_segments_are_told(segments, told):
    """Names twice, unknown references and cycles are faults of the document."""
    assert fault({"version": 1, "segments": segments}, Segmenter).startswith(told)


def test_a_bare_rule_of_another_kind():
    """Whoever asks for one kind of rule gets no other; and the document has no other keys."""
    with pytest.raises(InvalidDocument, match=r"rule\.op: expected EventCount, got Everyone"):
        from_dict(EventCount, {"version": 1, "rule": EVERYONE})
    with pytest.raises(InvalidDocument, match="rules: not a field of a rule's document"):
        from_dict(Rule, {"version": 1, "rules": EVERYONE})
    with pytest.raises(InvalidDocument, match="rule: missing, and needed"):
        from_dict(Rule, {"version": 1})


def test_a_rule_of_somebody_elses_kind():
    """A subclass that is no rule of ours has no form."""

    class Mine(Rule):
        __slots__ = ()

    with pytest.raises(TypeError, match="no JSON form of"):
        dumps(Mine())


def test_where_the_document_is():
    """The path of the greater document comes first."""
    with pytest.raises(InvalidDocument, match=r"^files\[2\]\.rule\.op: missing"):
        from_dict(Rule, {"version": 1, "rule": {}}, path="files[2]")


def test_registered_types_are_the_second_step():
    """A document knows nothing of a host's types; `Fields.check` asks for them."""
    rule = rule_of({"op": "field", "path": ["custom", "vsia"], "is": "known"})
    with pytest.raises(UnknownName, match="did you mean 'visa'"):
        Fields(custom={"visa": str}).check(rule)


def test_a_dunder_key_is_a_key():
    """A host's own field of any name is looked up, never an attribute."""
    rule = rule_of({"op": "field", "path": ["custom", "__class__"], "is": "known"})
    people = [Candidate(id="a"), Candidate(id="b", custom={"__class__": 1})]
    found = [Segment("n", rule).check(Relationship(who), now=NOW).value for who in people]
    assert found == [False, True]


def test_an_infinite_number_is_not_written():
    """JSON has no infinity; the error says where it stands."""
    with pytest.raises(InvalidRecord, match=r"^rule\.parts\[1\]\.value: expected a finite number"):
        dumps(listed("a") | (score() < float("inf")))


@given(SEEDS, st.data())
def test_mutated_documents_are_refused_or_read(seed, data):
    """Whatever is dropped, replaced or swapped: a typed error, or a record that survives."""
    document = deepcopy(to_dict(Segment("n", writable(seed))))
    spots: list[tuple[Any, Any]] = []

    def walk(value: Any) -> None:
        for key, item in list(value.items() if isinstance(value, dict) else enumerate(value)):
            spots.append((value, key))
            if isinstance(item, dict | list):
                walk(item)

    walk(document)
    where, key = data.draw(st.sampled_from(spots))
    other, its = data.draw(st.sampled_from(spots))
    junk = st.sampled_from([None, True, -1, 1.5, "x", "P1D", [], {}, {"op": "not"}, other[its]])
    if data.draw(st.booleans()):
        where[key] = deepcopy(data.draw(junk))
    else:
        del where[key]
    survives(json.dumps(document))


@given(SEEDS, st.floats(0, 1))
def test_documents_cut_short_are_refused(seed, share):
    """A text that ends anywhere but at its end is a typed error."""
    text = dumps(writable(seed))
    with pytest.raises(InvalidDocument):
        loads(Rule, text[: int(share * (len(text) - 1))])


def survives(text: str) -> None:
    try:
        found = loads(Segment, text)
    except InvalidDocument as error:
        assert error.problem  # noqa: PT017 - either way is fine
    else:
        assert loads(Segment, dumps(found)) == found
