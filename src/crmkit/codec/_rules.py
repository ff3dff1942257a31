"""The documents of rules: a rule, a segment, or many segments, each with its version."""

from collections.abc import Mapping
from typing import Any, TypeGuard

from crmkit.codec import _limits as limits
from crmkit.codec import _values as values
from crmkit.codec._forms import at
from crmkit.codec._nodes import form, read_record, write_record
from crmkit.codec._text import DEEP
from crmkit.errors import InvalidRecord
from crmkit.segmentation import Rule, Segment, Segmenter

VERSION = 1
DOCUMENTS = (Rule, Segment, Segmenter)

_SHOWN = 400


def is_rules(cls: Any) -> TypeGuard[type]:
    """Whether *cls* is written as a document of rules."""
    return isinstance(cls, type) and issubclass(cls, DOCUMENTS)


def check_text(cls: type, text: str | bytes) -> None:
    """Raise `InvalidRecord` when *text* is too long for a document of *cls*."""
    limits.check_text(text, limits.LONGEST_SET if cls is Segmenter else limits.LONGEST)


def write(record: Rule | Segment | Segmenter) -> dict[str, Any]:
    """Return the document of *record*; raise `InvalidRecord` where it could not be read again."""
    bare = isinstance(record, Rule)
    found = {"rule": at("rule", form(Rule).write, record)} if bare else write_record(record)
    document = {"version": VERSION, **found}
    _measure(type(record), document)
    return document


def read(value: object, cls: type) -> Any:
    """Return the record of *cls* in the document; raise `InvalidRecord` if there is none."""
    try:
        return _read(values.mapping(value), cls)
    except InvalidRecord as error:
        problem = error.problem
        if len(problem) <= _SHOWN:
            raise
        shown = f"{problem[: _SHOWN // 2]} … {problem[-_SHOWN // 2 :]}"
        raise InvalidRecord(error.path, shown) from None
    except RecursionError:
        raise InvalidRecord("", DEEP) from None


def _read(items: Mapping[str, Any], cls: type) -> Any:
    _check_version(items)
    _measure(cls, items)
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


def _check_version(items: Mapping[str, Any]) -> None:
    if "version" not in items:
        raise InvalidRecord("version", "missing, and needed")
    version = at("version", values.read_whole, items["version"])
    if version != VERSION:
        raise InvalidRecord("version", f"expected {VERSION}, the only one that this crmkit knows")


def _measure(cls: type, items: Mapping[str, Any]) -> None:
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
