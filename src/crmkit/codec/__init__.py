"""JSON in and out: every record, lossless on the way out, strict on the way in.

========================  ==================================================================
in the record             in the document
========================  ==================================================================
instant                   ISO 8601 in UTC with microseconds
date                      ISO 8601
zone                      its IANA name
`timedelta`               ISO 8601 duration, exact: ``P5D``, ``PT1H30M``, ``PT0.000001S``
`CalendarSpan`            ISO 8601 duration and zone: ``P6M``, ``P2Y[Europe/Paris]``
tuple                     list
instant in `custom` and   ``{"$instant": "…"}``; a host's own mapping that looks like that is
`properties`              kept apart as ``{"$map": {…}}``
========================  ==================================================================

Fields that are empty (None, false, no text, no items) are left out. Every other field is written,
also where it has the default value: a later change of a default does not change what is stored.
A `Rule`, `Segment`, `Segmenter`, `Cadence`, `Playbook` or `Library` is a document with a version,
limits and a `schema`; those of rules leave out what is as version 1 of the format has it by
default.
Unknown keys, wrong types, repeated keys, NaN and infinity are errors that name the path.
"""

from typing import Any, TypeVar

from crmkit.codec._converter import structure, unstructure
from crmkit.codec._documents import check_text, is_document
from crmkit.codec._schema import schema
from crmkit.codec._text import parse, write
from crmkit.errors import InvalidDocument, InvalidRecord

__all__ = ["dumps", "from_dict", "loads", "schema", "to_dict"]

T = TypeVar("T")


def to_dict(record: object) -> dict[str, Any]:
    """Return *record* as JSON values; raise `InvalidRecord` for what JSON cannot hold.

    >>> from crmkit.model import Candidate
    >>> to_dict(Candidate(id="ada", skills=["Python"], timezone="Europe/London"))
    {'id': 'ada', 'skills': ['python'], 'timezone': 'Europe/London'}
    """
    document = unstructure(record)
    if not isinstance(document, dict):
        raise TypeError(f"{type(record).__name__} is not a record; dumps() writes it as JSON")
    return document


def from_dict(cls: type[T], document: object, *, path: str = "") -> T:
    """Return the record of *cls* that *document* holds; raise `InvalidDocument` if it holds none.

    *path* says where in a greater document this one is, for the error.

    >>> from crmkit.model import Candidate
    >>> from_dict(Candidate, {"id": "ada", "emials": []}, path="candidates[3]")
    Traceback (most recent call last):
        ...
    crmkit.errors.InvalidDocument: candidates[3].emials: not a field of Candidate; did you mean \
'emails'?
    """
    return structure(cls, document, path)


def dumps(record: object) -> str:
    """Return *record* (or a list of records) as one line of JSON.

    >>> from crmkit.model import Interaction
    >>> print(dumps(Interaction(candidate_id="ada", kind="met", at="2026-01-05T09:00Z", id="1")))
    {"candidate_id":"ada","kind":"met","at":"2026-01-05T09:00:00.000000+00:00","id":"1"}
    """
    text = write(unstructure(record))
    if is_document(type(record)):
        check_text(type(record), text)
    return text


def loads(cls: type[T], text: str | bytes, *, path: str = "") -> T:
    """Return the record of *cls* that the JSON *text* holds; raise `InvalidDocument` if none.

    >>> from crmkit.model import Interaction
    >>> loads(Interaction, '{"candidate_id": "ada"')
    Traceback (most recent call last):
        ...
    crmkit.errors.InvalidDocument: line 1, column 23: the document ends too early
    """
    if is_document(cls):
        try:
            check_text(cls, text)
        except InvalidRecord as error:
            raise InvalidDocument(path, error.problem) from None
    return structure(cls, parse(text, path), path)
