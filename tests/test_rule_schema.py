"""The JSON Schema of rule documents."""

import json
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

pytest.importorskip("jsonschema")

from jsonschema import Draft202012Validator
from random_rules import random_rule

from crmkit.codec import from_dict, schema, to_dict
from crmkit.errors import InvalidDocument, InvalidRecord
from crmkit.segmentation import CATALOGUE, Rule, Segment, Segmenter, event, permitted, score
from crmkit.segmentation._nodes import NODES, Not

FILE = Path(__file__).parents[1] / "docs" / "reference" / "rule.schema.json"
VALID = Draft202012Validator(schema())


def documents(many: int) -> list[Any]:
    """Return documents of random rules, segments and sets of segments."""
    found: list[Any] = []
    for seed in range(many):
        rule = random_rule(Random(seed), 4)
        try:
            found.append(to_dict((rule, Segment("n", rule, "why", on_leave="end"))[seed % 2]))
        except InvalidRecord:  # infinity
            continue
    return [*found, to_dict(Segmenter(CATALOGUE)), to_dict(permitted() & (score() > 1))]


def test_the_schema_is_one():
    """It is valid under the schema of schemas."""
    for cls in (None, Rule, Segment, Segmenter):
        Draft202012Validator.check_schema(schema(cls))


def test_the_published_file_is_up_to_date():
    """docs/reference/rule.schema.json is what schema() returns."""
    text = json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
    assert FILE.read_text(encoding="utf-8") == text


def test_every_rule_is_in_it():
    """Each kind of rule is described, closed, and chosen by its op."""
    defs = schema(Rule)["$defs"]
    for op, cls in NODES.items():
        assert defs[op]["properties"]["op"] == {"const": op}
        assert defs[op]["additionalProperties"] is False
        assert defs[op]["description"].split()[0] == cls.__doc__.split()[0]


def test_what_a_rule_says():
    """Types, choices, defaults and what is needed come from the fields of the record."""
    defs = schema(Segment)["$defs"]
    assert defs["event_age"]["required"] == ["op", "events", "which", "is", "span"]
    assert defs["event_age"]["properties"]["which"] == {"enum": ["first", "last"]}
    assert defs["field_anniversary"]["properties"]["after"]["default"] == "P1D"
    assert defs["all_of"]["properties"]["parts"]["minItems"] == 1
    assert "minItems" not in defs["Events"]["properties"]["where"]


def test_every_document_that_we_write_is_valid():
    """Under the schema of all, and under the one of its kind."""
    kinds = {"segments": Segmenter, "name": Segment, "rule": Rule}
    each = {cls: Draft202012Validator(schema(cls)) for cls in kinds.values()}
    for document in documents(80):
        cls = next(kinds[key] for key in kinds if key in document)
        assert list(VALID.iter_errors(document)) == []
        assert list(each[cls].iter_errors(document)) == []


def test_the_deepest_rule_is_checked_in_no_time():
    """Only one branch is looked at on each level, not all."""
    rule = event("met").ever()
    for _ in range(15):
        rule = Not(rule & event("met").within(timedelta(days=1)))
    assert list(VALID.iter_errors(to_dict(rule))) == []


@pytest.mark.parametrize(
    "document",
    [
        {"rule": {"op": "everyone"}},
        {"version": 2, "rule": {"op": "everyone"}},
        {"version": 1, "rule": {"op": "evryone"}},
        {"version": 1, "rule": {"op": "everyone", "x": 1}},
        {"version": 1, "rule": {"op": "not"}},
        {"version": 1, "rule": {"op": "any_of", "parts": []}},
        {"version": 1, "rule": {"op": "any_of", "parts": [{"op": "member"}]}},
        {"version": 1, "rule": {"op": "field", "path": ["skils"], "is": "known"}},
        {"version": 1, "rule": {"op": "field", "path": ["city"], "is": "~"}},
        {"version": 1, "rule": {"op": "event_count", "events": {"kinds": ["mett"]}}},
        {"version": 1, "rule": {"op": "held", "part": {"op": "everyone"}, "span": "5 days"}},
        {"version": 1, "name": "n", "rule": {"op": "everyone"}, "on_leave": "stop"},
        {"version": 1, "segments": [{"name": "n", "rule": {"op": "everyone"}, "version": 1}]},
        [],
    ],
)
def test_what_is_wrong_for_us_is_wrong_under_it(document):
    """Unknown versions, rules, fields, kinds, choices and keys are invalid in both."""
    found = document if isinstance(document, dict) else {}
    cls = Segmenter if "segments" in found else Segment if "name" in found else Rule
    with pytest.raises(InvalidDocument):
        from_dict(cls, document)
    assert not VALID.is_valid(document)


def test_most_mutated_documents_are_wrong_in_both():
    """What the schema refuses we refuse; and it refuses nine of ten that we do."""
    refused = agreed = 0
    junk = [None, True, -1, "x", [], {}, {"op": "not"}]
    for number, document in enumerate(documents(200)[:-2]):
        rng = Random(number)
        broken = deepcopy(document)
        where: Any = broken
        while isinstance(where, dict | list) and where:
            key = rng.choice(list(where) if isinstance(where, dict) else range(len(where)))
            if not isinstance(where[key], dict | list) or not where[key] or rng.random() < 0.2:
                where[key] = rng.choice(junk)
                break
            where = where[key]
        cls = Segment if "name" in document else Rule
        try:
            from_dict(cls, broken)
        except InvalidDocument:
            refused += 1
            agreed += not VALID.is_valid(broken)
        else:
            assert VALID.is_valid(broken)
    assert refused > 100
    assert agreed > 0.8 * refused


def test_other_records_have_none():
    """There is a schema of rule documents only."""
    with pytest.raises(TypeError, match="there is no JSON Schema of <class 'int'>"):
        schema(int)
