"""The documents of rules: a rule, a segment, or many segments."""

from collections.abc import Mapping
from typing import Any

from crmkit.codec import _limits as limits
from crmkit.codec import _values as values
from crmkit.codec._forms import at
from crmkit.codec._nodes import form, read_record, write_record
from crmkit.errors import InvalidRecord
from crmkit.segmentation import Rule, Segment, Segmenter

LONGEST = {Rule: limits.LONGEST, Segment: limits.LONGEST, Segmenter: limits.LONGEST_SET}
"""The kinds of documents, and how many bytes each may have."""


def write(record: Rule | Segment | Segmenter) -> dict[str, Any]:
    """Return what stands in the document of *record* beside the version."""
    bare = isinstance(record, Rule)
    return {"rule": at("rule", form(Rule).write, record)} if bare else write_record(record)


def read(cls: type, items: Mapping[str, Any]) -> Any:
    """Return the record of *cls* in a document that was measured."""
    if not issubclass(cls, Rule):
        return read_record(cls, items, "version")
    unknown = sorted(items.keys() - {"version", "rule"})
    if unknown:
        problem = "not a field of a rule's document; known: 'version', 'rule'"
        raise InvalidRecord(values.step(unknown[0]), problem)
    if "rule" not in items:
        raise InvalidRecord("rule", "missing, and needed")
    rule = at("rule", form(Rule).read, items["rule"])
    if not isinstance(rule, cls):
        raise InvalidRecord("rule.op", f"expected {cls.__name__}, got {type(rule).__name__}")
    return rule


def measure(cls: type, items: Mapping[str, Any]) -> None:
    """Raise `InvalidRecord` when the document holds too much."""
    segments = items.get("segments")
    if cls is not Segmenter or not isinstance(segments, list | tuple):
        limits.measure(items)
    elif len(segments) > limits.MOST_SEGMENTS:
        raise InvalidRecord("segments", f"more than {limits.MOST_SEGMENTS} segments")
    else:
        total = limits.measure({key: item for key, item in items.items() if key != "segments"})
        for index, segment in enumerate(segments):
            total += at(f"segments[{index}]", limits.measure, segment)
            limits.check_total(total)
