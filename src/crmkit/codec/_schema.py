"""The JSON Schema of documents, made from the records themselves."""

from typing import Any, cast

import attrs

from crmkit.cadence import Cadence, ContentChoice, Library, Pace, Piece, Playbook, Touch, Variant
from crmkit.codec import _limits as limits
from crmkit.codec._cadences import CadenceDocument, Entry, PlaybookDocument, Reference, most
from crmkit.codec._documents import VERSION
from crmkit.codec._nodes import OP, POLICIES, Key, keys
from crmkit.model import KINDS, Candidate
from crmkit.segmentation import Rule, Segment, Segmenter
from crmkit.segmentation._nodes import NODES, Events, Where

Schema = dict[str, Any]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_OF_CADENCE = (Cadence, Pace, Touch, ContentChoice, Variant)
_OF_CADENCES: dict[type, tuple[type, ...]] = {
    Cadence: (CadenceDocument, *_OF_CADENCE),
    Playbook: (PlaybookDocument, Entry, Reference, *_OF_CADENCE),
    Library: (Library, Piece),
}
"""What is asked for → the record that its document is, and those inside."""
_LIMITED = frozenset(part for parts in _OF_CADENCES.values() for part in parts)

_PARTS: tuple[type, ...] = (Events, Where, *POLICIES)
_VERSION = {"const": VERSION}
_KIND = {"anyOf": [{"enum": list(KINDS)}, {"type": "string", "pattern": "^x-."}]}
_PATH = [{"enum": [each.name for each in attrs.fields(Candidate)]}, {"type": "string"}]


def schema(cls: type | None = None) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of documents of *cls*.

    That is `Segment`, `Segmenter`, `Rule`, `Cadence`, `Playbook` or `Library`; without *cls*, any
    of the first three. Every document that we write is valid under it. Not every valid one can be
    read: a schema cannot say the limits, which test suits which field, which values a field may
    have, that zones exist, that segments do not refer to each other in a cycle, or that the
    touches of a cadence follow each other.

    >>> from crmkit.segmentation import Segment
    >>> schema(Segment)["required"]
    ['version', 'name', 'rule']
    """
    if cls is not None and cls in _OF_CADENCES:
        document, *parts = _OF_CADENCES[cls]
        return {
            "$schema": _DIALECT,
            **_record(document, {"version": _VERSION}),
            "$defs": {part.__name__: _record(part, {}) for part in parts},
        }
    if cls is not None and cls not in _DOCUMENTS:
        known = ", ".join(each.__name__ for each in (*_DOCUMENTS, *_OF_CADENCES))
        raise TypeError(f"there is no JSON Schema of {cls!r}; ask for one of {known}")
    return {
        "$schema": _DIALECT,
        **(_any() if cls is None else _DOCUMENTS[cls]),
        "$defs": _definitions(),
    }


def _any() -> Schema:
    return {
        "title": "crmkit rules",
        "description": "A rule, a segment, or many segments, with the version of the format.",
        "type": "object",
        "if": {"required": ["segments"]},
        "then": _DOCUMENTS[Segmenter],
        "else": {
            "if": {"required": ["name"]},
            "then": _DOCUMENTS[Segment],
            "else": _DOCUMENTS[Rule],
        },
    }


def _record(cls: type, first: Schema) -> Schema:
    properties = {**first, **{key.name: _property(cls, key) for key in keys(cls)}}
    needed = [*first, *(key.name for key in keys(cls) if key.default is attrs.NOTHING)]
    return _closed(cls, properties, needed)


def _closed(cls: type, properties: Schema, needed: list[str]) -> Schema:
    said = (cls.__doc__ or "").partition(">>>")[0].strip()
    return {
        "description": "\n".join(line.strip() for line in said.splitlines()),
        "type": "object",
        "properties": properties,
        "required": needed,
        "additionalProperties": False,
    }


def _property(cls: type, key: Key) -> Schema:
    found: Schema = {"enum": list(key.options)} if key.options else {**key.form.schema}
    # A list may be empty where it is so by default, and in policies.
    if found.get("type") == "array" and key.default != () and cls not in (*POLICIES, Segmenter):
        found["minItems"] = 1
    if cls in _LIMITED and found.get("type") == "array":
        found["maxItems"] = most(key.name)
    if cls is Events and key.name == "kinds":
        found["items"] = _KIND
    elif key.name == "path":
        found |= {"prefixItems": _PATH, "maxItems": 2}
    elif key.name == "segments":
        found["maxItems"] = limits.MOST_SEGMENTS
    if key.default is not attrs.NOTHING and key.default is not None:
        found["default"] = key.form.write(key.default)
    return found


def _definitions() -> Schema:
    chosen = [
        {
            "if": {"properties": {OP: {"const": op}}, "required": [OP]},
            "then": {"$ref": f"#/$defs/{op}"},
        }
        for op in NODES
    ]
    # One branch for each, taken by its op alone: oneOf would try them all, level by level.
    rule = {
        "description": (cast("str", Rule.__doc__)).partition(";")[0] + ".",
        "type": "object",
        "properties": {OP: {"enum": list(NODES)}},
        "required": [OP],
        "allOf": chosen,
    }
    nodes = {op: _record(cls, {OP: {"const": op}}) for op, cls in NODES.items()}
    parts = {cls.__name__: _record(cls, {}) for cls in (*_PARTS, Segment)}
    return {"rule": rule, **nodes, **parts}


_DOCUMENTS: dict[type, Schema] = {
    Rule: _closed(
        Rule, {"version": _VERSION, "rule": {"$ref": "#/$defs/rule"}}, ["version", "rule"]
    ),
    Segment: _record(Segment, {"version": _VERSION}),
    Segmenter: _record(Segmenter, {"version": _VERSION}),
}
