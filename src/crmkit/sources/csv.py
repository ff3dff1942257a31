r"""People from a CSV file, by a mapping that the user writes.

>>> from pathlib import Path
>>> from tempfile import TemporaryDirectory
>>> mapping = CSVMapping(
...     fields={"id": "No", "country": Column("Land", values={"Germany": "DE"})},
...     captured=Fact(kind="attended", fields={"at": Column("Scanned", timezone="Europe/Berlin")}),
... )
>>> with TemporaryDirectory() as folder:
...     file = Path(folder, "fair.csv")
...     _ = file.write_text("No,Land,Scanned\n7,Germany,2026-03-02\n8,Germny,2026-03-02\n")
...     imported = read(file, mapping, on_error="collect")
>>> imported
<Imported: 1 relationship, 1 rejected>
>>> imported.relationships[0].history.last("attended")
Interaction(candidate_id='7', kind='attended', at='2026-03-01T23:00:00+00:00')
>>> imported.rejected[0].row, imported.rejected[0].column, imported.rejected[0].reason
(3, 'Land', "'Germny' is not in the mapping's values; did you mean 'Germany'?")
"""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from crmkit._progress import Progress
from crmkit._time import to_instant
from crmkit.errors import InvalidRecord, SourceError, suggest
from crmkit.model import Candidate, Interaction, Relationship
from crmkit.sources._cells import Reader
from crmkit.sources._files import File, Lines, Unreadable, label, open_binary, text_encoding
from crmkit.sources._imported import Collector, Imported, OnError, Rejected
from crmkit.sources._mapping import Column, CSVMapping, Fact

__all__ = ["CSVMapping", "Column", "Fact", "read"]


def read(
    path: File,
    mapping: CSVMapping,
    *,
    on_error: OnError = "raise",
    encoding: str | None = None,
    captured_at: datetime | None = None,
    progress: Progress | None = None,
) -> Imported:
    """Read the people in a CSV file, in one pass; each row is one `Relationship`.

    ``encoding`` is UTF-8, with or without a byte-order mark, when not given. ``captured_at``
    stands in for the instant of the mapping's ``captured`` fact. ``progress`` is called with the
    bytes read and the bytes there are (None if unknown).

    Rows are numbered as a spreadsheet numbers them: the header is row 1, a blank row is passed
    over but counts, and a row whose cells hold line breaks counts once. A row's first fault is
    the one told. Cells that a spreadsheet may run as a formula are refused, never altered;
    nothing is read from columns that the mapping does not name.

    Raises `SourceError`. A file without rows, with a wrong encoding, a missing or twice-named
    column or a quote that never closes raises whatever ``on_error`` says.
    """
    name = label(path)
    collector = Collector(on_error)
    at = None if captured_at is None else to_instant(captured_at, "captured_at")
    codec = text_encoding(encoding, name)
    with open_binary(path) as handle:
        rows = _Rows(Lines(handle, codec, progress), mapping.delimiter, name)
        header = rows.header()
        converter = _Converter(mapping, header, name, at)
        for number, cells, fault in rows:
            try:
                collector.add(converter.convert(cells, fault), f"row {number}")
            except InvalidRecord as error:
                reason, column = error.problem, converter.column(error.path)
                collector.reject(
                    Rejected(reason=reason, file=name, row=number, column=column, raw=cells)
                )
    if not rows.filled:
        raise SourceError("has a header, but no rows", file=name)
    return collector.result(header)


class _Rows:
    """The rows of a file as (number, cells, what is wrong with the row as such)."""

    def __init__(self, lines: Lines, delimiter: str, file: str) -> None:
        self._lines = lines
        self._reader = csv.reader(lines, delimiter=delimiter, strict=True)
        self._file = file
        self._width = 0
        self.number = 0
        self.filled = 0

    def header(self) -> tuple[str, ...]:
        """Return the names of the columns."""
        cells, fault = self._next()
        if cells is None:
            raise SourceError("is empty; expected a header and rows", file=self._file)
        names = tuple(cell.strip() for cell in cells)
        twice = [name for name, times in Counter(names).items() if times > 1 and name]
        if twice:
            problem = (
                f"{len(twice)} column names are there twice"
                if len(twice) > 1
                else ("the column is there twice")
            )
            raise SourceError(problem, file=self._file, row=1, column=", ".join(twice))
        if not any(names):
            fault = fault or "expected a header, got a blank row"
        if fault:
            raise SourceError(fault, file=self._file, row=1)
        self._width = len(names)
        return names

    def __iter__(self) -> Iterator[tuple[int, tuple[str, ...], str | None]]:
        while True:
            cells, fault = self._next()
            if cells is None:
                return
            if fault or any(cell.strip() for cell in cells):
                self.filled += 1
                yield self.number, cells, fault or self._shape(cells)

    def _shape(self, cells: Sequence[str]) -> str | None:
        if len(cells) == self._width:
            return None
        many = "many" if len(cells) > self._width else "few"
        return f"too {many} cells: expected {self._width}, got {len(cells)}"

    def _next(self) -> tuple[tuple[str, ...] | None, str | None]:
        """Return the next row's cells and its fault; no cells at the end of the file."""
        self._lines.recent.clear()
        self.number += 1
        try:
            cells = tuple(next(self._reader))
        except StopIteration:
            self.number -= 1
            return None, None
        except Unreadable as error:
            raise SourceError(str(error), file=self._file, row=self.number) from None
        except csv.Error as error:
            if "unexpected end" in str(error) or "field limit" in str(error):
                problem = "a quote opens here and never closes"
                raise SourceError(problem, file=self._file, row=self.number) from None
            raw = "".join(self._lines.recent).rstrip("\r\n")
            return (raw,), f"the quotes are not balanced ({error})"
        if any("\0" in cell for cell in cells):
            return cells, "holds a NUL character"
        return cells, None


class _Converter:
    """From a row's cells to a relationship."""

    def __init__(
        self,
        mapping: CSVMapping,
        header: Sequence[str],
        file: str,
        captured_at: datetime | None,
    ) -> None:
        _check_columns(mapping, header, file)
        places = {name: index for index, name in enumerate(header)}

        def readers(specs: Any) -> list[Reader]:
            return [Reader(key, spec, places, mapping.missing) for key, spec in specs.items()]

        self._candidate = readers(mapping.fields)
        captured = mapping.captured or Fact(kind="captured", fields={"at": _at(captured_at, file)})
        self._captured_at = captured_at
        self._facts = [
            (fact.kind, readers(fact.fields), fact is captured)
            for fact in (captured, *mapping.facts)
        ]
        self._column = ""

    def column(self, path: str) -> str | None:
        """Return the column behind the path of a fault."""
        if not path:
            return None
        if path == "cell":
            return self._column
        named = {reader.name: reader.column for reader in self._candidate}
        root = path.partition("[")[0]
        return named.get(root) or named.get(root.partition(".")[0])

    def convert(self, cells: Sequence[str], fault: str | None) -> Relationship:
        """Return the relationship that a row tells of, unless the row as such has a *fault*."""
        if fault:
            raise InvalidRecord("", fault)
        found = self._read(self._candidate, cells)
        if "id" not in found:
            raise InvalidRecord("id", "expected the person's id, got nothing")
        candidate = Candidate(**_nested(found, ("custom", "external_ids")))
        facts = [
            fact
            for kind, readers, first in self._facts
            if (fact := self._fact(kind, readers, cells, candidate.id, first=first))
        ]
        return Relationship(candidate, facts)

    def _read(self, readers: Sequence[Reader], cells: Sequence[str]) -> dict[str, Any]:
        found = {}
        for reader in readers:
            try:
                value = reader.read(cells)
            except InvalidRecord as error:
                self._column = reader.column or ""
                raise InvalidRecord("cell", error.problem) from None
            if value is not None:
                found[reader.name] = value
        return found

    def _fact(
        self, kind: str, readers: Sequence[Reader], cells: Sequence[str], who: str, *, first: bool
    ) -> Interaction | None:
        if first and self._captured_at is not None:
            readers = [reader for reader in readers if reader.name != "at"]
        found = self._read(readers, cells)
        if first and self._captured_at is not None:
            found["at"] = self._captured_at
        if "at" not in found:
            if first:
                self._column = next(r.column or "" for r in readers if r.name == "at")
                raise InvalidRecord("cell", "no date: when were they captured?")
            return None
        try:
            return Interaction(candidate_id=who, kind=kind, **_nested(found, ("properties",)))
        except InvalidRecord as error:
            named = {reader.name: reader.column for reader in readers}
            self._column = named.get(error.path) or ""
            raise InvalidRecord("cell", error.problem) from None


def _at(captured_at: datetime | None, file: str) -> Column:
    if captured_at is None:
        problem = (
            "nobody says when these people were captured; add [captured] to the mapping, "
            "or pass captured_at"
        )
        raise SourceError(problem, file=file)
    return Column(constant=captured_at)


def _nested(found: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return ``{"custom.visa": 1}`` as ``{"custom": {"visa": 1}}``."""
    nested: dict[str, Any] = {}
    for key, value in found.items():
        head, dot, rest = key.partition(".")
        if dot and head in names:
            nested.setdefault(head, {})[rest] = value
        else:
            nested[key] = value
    return nested


def _check_columns(mapping: CSVMapping, header: Sequence[str], file: str) -> None:
    absent = [name for name in mapping.columns if name not in header]
    if not absent:
        return
    if len(header) == 1:
        other = next((char for char in ";\t|," if char in header[0]), None)
        if other and other != mapping.delimiter:
            problem = f"the cells seem to be separated by {other!r}: say delimiter = {other!r}"
            raise SourceError(f"{problem} in the mapping", file=file, row=1)
    hints = "; ".join(f"{name!r} ({suggest(name, header)})" for name in absent)
    noun = "column" if len(absent) == 1 else "columns"
    raise SourceError(f"has no {noun} {hints}", file=file, row=1, column=", ".join(absent))
