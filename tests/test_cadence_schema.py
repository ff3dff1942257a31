"""The JSON Schema of cadences, playbooks and libraries."""

import json
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import pytest

pytest.importorskip("jsonschema")

from cadence_strategies import cadences, libraries, playbooks
from examples import examples
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from crmkit.cadence import ALUMNI, CADENCES, Cadence, Library, Piece, Playbook
from crmkit.codec import from_dict, schema, to_dict
from crmkit.errors import InvalidDocument

FILE = Path(__file__).parents[1] / "docs" / "reference" / "cadence.schema.json"
VALID = {cls: Draft202012Validator(schema(cls)) for cls in (Cadence, Playbook, Library)}
RECORDS = [
    *CADENCES.values(),
    Playbook([("alumni", ALUMNI)]),
    Library([Piece(id="a", title="A", topics=["ml"], until="2026-12-31")]),
]


def faults(record):
    return list(VALID[type(record)].iter_errors(to_dict(record)))


def test_the_schemas_are_some():
    """They are valid under the schema of schemas, and every part that they name is there."""
    for cls in VALID:
        Draft202012Validator.check_schema(schema(cls))
        text = json.dumps(schema(cls))
        named = {part.partition('"')[0] for part in text.split("#/$defs/")[1:]}
        assert named <= set(schema(cls)["$defs"])


def test_the_published_file_is_up_to_date():
    """docs/reference/cadence.schema.json is what schema(Cadence) returns."""
    text = json.dumps(schema(Cadence), indent=2, ensure_ascii=False) + "\n"
    assert FILE.read_text(encoding="utf-8") == text


def test_what_a_cadence_says():
    """Types, choices, defaults, limits and what is needed come from the fields of the record."""
    defs = schema(Cadence)["$defs"]
    assert set(defs) == {"Cadence", "ContentChoice", "Pace", "Touch", "Variant"}
    assert defs["Touch"]["required"] == ["key", "week", "purpose", "level"]
    assert defs["Touch"]["properties"]["deadline"]["default"] == "P14D"
    assert defs["Touch"]["properties"]["channel"]["enum"][0] == "email"
    assert defs["Cadence"]["properties"]["touches"] == {
        "type": "array",
        "items": {"$ref": "#/$defs/Touch"},
        "minItems": 1,
        "maxItems": 200,
    }
    assert schema(Library)["properties"]["pieces"]["maxItems"] == 5000


@settings(max_examples=examples(50))
@given(cadences())
def test_every_cadence_that_we_write_is_valid(record):
    """Under the schema of cadences."""
    assert faults(record) == []


@settings(max_examples=examples(20))
@given(playbooks())
def test_every_playbook_that_we_write_is_valid(record):
    """Under the schema of playbooks."""
    assert faults(record) == []


@settings(max_examples=examples(50))
@given(libraries())
def test_every_library_that_we_write_is_valid(record):
    """Under the schema of libraries."""
    assert faults(record) == []


def test_most_mutated_documents_are_wrong_in_both():
    """What the schema refuses we refuse; and it refuses most that we do."""
    refused = agreed = 0
    junk = [None, True, -1, "x", [], {}, {"x": 1}]
    for number in range(300):
        rng = Random(number)
        record = rng.choice(RECORDS)
        broken = deepcopy(to_dict(record))
        where: Any = broken
        while True:
            key = rng.choice(list(where) if isinstance(where, dict) else range(len(where)))
            if not isinstance(where[key], dict | list) or not where[key] or rng.random() < 0.2:
                where[key] = rng.choice(junk)
                break
            where = where[key]
        valid = VALID[type(record)].is_valid(broken)
        try:
            from_dict(type(record), broken)
        except InvalidDocument:
            refused += 1
            agreed += not valid
        else:
            assert valid
    assert refused > 100
    assert agreed > 0.8 * refused


def test_other_records_have_none():
    """The error says of what there is one."""
    with pytest.raises(TypeError, match=r"there is no JSON Schema of .*; ask for one of Rule, Seg"):
        schema(int)
