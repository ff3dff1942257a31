"""The documents of cadences: a cadence, a playbook, or a library of content."""

from collections.abc import Mapping
from typing import Any

import attrs

from crmkit.cadence import Cadence, Library, Playbook
from crmkit.codec import _limits as limits
from crmkit.codec import _values as values
from crmkit.codec._forms import at
from crmkit.codec._nodes import read_record, write_record
from crmkit.errors import InvalidRecord, suggest

LONGEST = {Cadence: 256 * 1024, Playbook: limits.LONGEST_SET, Library: 4 * 1024 * 1024}
"""The kinds of documents, and how many bytes each may have."""
_MOST = {"touches": 200, "bodies": 20, "variants": 20, "pieces": 5000, "entries": 1000}


@attrs.frozen(kw_only=True)
class Reference:
    """Which cadence of the document is meant."""

    name: str
    version: int = 1


@attrs.frozen(kw_only=True)
class Entry:
    """Which cadence a segment gets."""

    segment: str
    cadence: Reference


@attrs.frozen(kw_only=True)
class CadenceDocument:
    """A cadence."""

    cadence: Cadence


@attrs.frozen(kw_only=True)
class PlaybookDocument:
    """Cadences, and which segment gets which, the most important first.

    ``otherwise`` is what the others get, ``most`` how many cadences one person goes through at
    once, ``occasions`` those that begin with one, ``also`` those that people may still be inside.
    """

    cadences: tuple[Cadence, ...] = ()
    entries: tuple[Entry, ...] = ()
    otherwise: Reference | None = None
    most: int = 1
    occasions: tuple[Reference, ...] = ()
    also: tuple[Reference, ...] = ()


def write(record: Cadence | Playbook | Library) -> dict[str, Any]:
    """Return what stands in the document of *record* beside the version."""
    if isinstance(record, Cadence):
        return write_record(CadenceDocument(cadence=record))
    if isinstance(record, Library):
        return write_record(record)
    entries = [Entry(segment=name, cadence=_reference(each)) for name, each in record.entries]
    return write_record(
        PlaybookDocument(
            cadences=record.cadences,
            entries=tuple(entries),
            otherwise=_reference(record.otherwise) if record.otherwise else None,
            most=record.most,
            occasions=tuple(map(_reference, record.occasions)),
            also=tuple(map(_reference, record.also)),
        )
    )


def read(cls: type, items: Mapping[str, Any]) -> Any:
    """Return the record of *cls* in a document that was measured."""
    if issubclass(cls, Cadence):
        return read_record(CadenceDocument, items, "version").cadence
    if issubclass(cls, Library):
        return read_record(cls, items, "version")
    return _playbook(read_record(PlaybookDocument, items, "version"))


def measure(cls: type, items: Mapping[str, Any]) -> None:
    """Raise `InvalidRecord` when the document holds too much."""
    limits.measure(items, next(LONGEST[each] for each in cls.__mro__ if each in LONGEST))
    _count(items)


def _count(value: Any) -> None:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(item, list | tuple) and len(item) > most(key):
                raise InvalidRecord(values.step(key), f"more than {most(key)}")
            at(values.step(key), _count, item)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            at(f"[{index}]", _count, item)


def most(name: str) -> int:
    """Return how many items the list under a key may have."""
    return _MOST.get(name, 100)


def _reference(cadence: Cadence) -> Reference:
    return Reference(name=cadence.name, version=cadence.version)


def _playbook(document: PlaybookDocument) -> Playbook:
    known: dict[Reference, Cadence] = {}
    for index, cadence in enumerate(document.cadences):
        if known.setdefault(_reference(cadence), cadence) is not cadence:
            named = f"{cadence.name!r} {cadence.version}"
            raise InvalidRecord(f"cadences[{index}].name", f"{named} is there already")

    def of(reference: Reference) -> Cadence:
        if reference in known:
            return known[reference]
        names = [f"{each.name} {each.version}" for each in known]
        wanted = f"{reference.name} {reference.version}"
        hint = suggest(wanted[:60], names) if names else "it has none"
        raise InvalidRecord("", f"{wanted[:60]!r} is not a cadence of the document; {hint}")

    entries = [
        (entry.segment, at(f"entries[{index}].cadence", of, entry.cadence))
        for index, entry in enumerate(document.entries)
    ]
    otherwise = at("otherwise", of, document.otherwise) if document.otherwise else None
    lists = {
        name: [at(f"{name}[{index}]", of, each) for index, each in enumerate(references)]
        for name, references in (("occasions", document.occasions), ("also", document.also))
    }
    return Playbook(entries, otherwise=otherwise, most=document.most, **lists)
