"""What came out of a file: the good records, and the rejected ones with their reasons."""

import csv
import io
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import attrs

from crmkit.errors import InvalidRecord, SourceError
from crmkit.model import Relationship

OnError = Literal["raise", "collect"]

FORMULA_STARTS = "=+-@\t\r\uff1d\uff0b\uff0d\uff20"
"""What a spreadsheet may take for a formula, with the full-width forms that some accept."""


@attrs.frozen(kw_only=True, repr=False)
class Rejected:
    """One record that was not imported: where it is, why, and what it was.

    ``row`` and ``column`` are a CSV file's (the header is row 1), ``path`` a JSON document's.
    ``raw`` is the row's cells, or the JSON value; the repr leaves it out.
    """

    reason: str
    file: str
    row: int | None = None
    column: str | None = None
    path: str | None = None
    raw: Any = None

    def __str__(self) -> str:
        return str(self.error())

    def __repr__(self) -> str:
        return f"<Rejected: {self}>"

    def error(self) -> SourceError:
        """Return the fault as the error that ``on_error="raise"`` raises."""
        where = {"row": self.row, "column": self.column, "path": self.path}
        return SourceError(self.reason, file=self.file, **where)  # type: ignore[arg-type]


@attrs.frozen(kw_only=True, repr=False)
class Imported:
    """The good records of a file and the rejected ones.

    ``columns`` is a CSV file's header, empty for JSON.

    >>> Imported(relationships=(), rejected=(Rejected(reason="no id", file="pool.csv", row=3),))
    <Imported: 0 relationships, 1 rejected>
    """

    relationships: tuple[Relationship, ...]
    rejected: tuple[Rejected, ...] = ()
    columns: tuple[str, ...] = ()

    def __repr__(self) -> str:
        noun = "relationship" if len(self.relationships) == 1 else "relationships"
        return f"<Imported: {len(self.relationships)} {noun}, {len(self.rejected)} rejected>"


class Collector:
    """Gathers what a reader finds, and raises at the first fault unless it is to go on."""

    def __init__(self, on_error: OnError) -> None:
        if on_error not in {"raise", "collect"}:
            raise InvalidRecord("on_error", f"expected 'raise' or 'collect', got {on_error!r}")
        self._raise = on_error == "raise"
        self._found: list[Relationship] = []
        self._rejected: list[Rejected] = []
        self._places: dict[str, str] = {}

    def add(self, relationship: Relationship, place: str) -> None:
        """Keep a good record; one whose id came earlier is a fault."""
        earlier = self._places.setdefault(relationship.id, place)
        if earlier != place:
            problem = f"{relationship.id!r} is a duplicate: it is there already, at {earlier}"
            raise InvalidRecord("id", problem)
        self._found.append(relationship)

    def reject(self, rejected: Rejected) -> None:
        """Keep a faulty record, or raise."""
        if self._raise:
            raise rejected.error() from None
        self._rejected.append(rejected)

    def result(self, columns: Iterable[str] = ()) -> Imported:
        """Return what was gathered."""
        return Imported(
            relationships=tuple(self._found),
            rejected=tuple(self._rejected),
            columns=tuple(columns),
        )


def write_rejected(imported: Imported, path: str | os.PathLike[str]) -> int:
    """Write the rejected records with their reasons; return how many there were.

    Those of a CSV file are written as CSV: the original columns, then ``row``, ``column`` and
    ``reason``, then whatever cells the row had too many. A cell that a spreadsheet could take for
    a formula gets a leading apostrophe. Those of JSON documents are written as a JSON list. The
    file is replaced as a whole or not at all.
    """
    target = Path(path)
    text = _as_csv(imported) if imported.columns else _as_json(imported)
    beside = target.with_name(target.name + ".part")
    try:
        beside.write_text(text, encoding="utf-8", newline="")
        beside.replace(target)
    except OSError as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        problem = f"cannot be written: {error.strerror}"
        raise SourceError(problem, file=str(path)) from error
    return len(imported.rejected)


def _as_csv(imported: Imported) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    width = len(imported.columns)
    writer.writerow(map(_harmless, [*imported.columns, "row", "column", "reason"]))
    for rejected in imported.rejected:
        cells = list(rejected.raw)
        known, surplus = cells[:width], cells[width:]
        padded = known + [""] * (width - len(known))
        why = [str(rejected.row), rejected.column or "", rejected.reason]
        writer.writerow(map(_harmless, [*padded, *why, *surplus]))
    return out.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.lstrip(" ").startswith(tuple(FORMULA_STARTS)) else cell


def _as_json(imported: Imported) -> str:
    found = [
        {
            "file": rejected.file,
            "path": rejected.path,
            "reason": rejected.reason,
            "record": rejected.raw,
        }
        for rejected in imported.rejected
    ]
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"
