"""A table of numbers: as text, for a page, as rows, and as CSV that no spreadsheet runs."""

import csv
import io
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from enum import StrEnum
from html import escape
from pathlib import Path
from typing import Any

import attrs

FEW = 5
"""The least group that gets a rate of its own in a table: a convention."""

_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What makes a spreadsheet take a text for a formula, full-width signs as well (OWASP, CSV
Injection)."""


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    COUNT = "count"
    SHARE = "share"
    """From 0 to 1."""
    DAYS = "days"
    NUMBER = "number"


@attrs.frozen
class Column:
    """One column: its name, and what it holds."""

    name: str
    kind: Kind = Kind.COUNT

    @property
    def is_number(self) -> bool:
        """Whether it is set flush right."""
        return self.kind is not Kind.TEXT

    def show(self, value: object) -> str:
        """Return one value in words; an em dash for what is not there."""
        if value is None:
            return "—"
        if isinstance(value, str):
            return value
        assert isinstance(value, int | float)  # noqa: S101 - rows are made here
        match self.kind:
            case Kind.SHARE:
                return f"{value * 100:.2f} %" if 0 < value < 0.01 else f"{value * 100:.1f} %"
            case Kind.DAYS | Kind.NUMBER:
                return f"{value:,.1f}"
        return f"{value:,}"


Row = tuple[object, ...]


@attrs.frozen(kw_only=True, repr=False)
class Table:
    """Rows of numbers with a title, and notes that say how to read them.

    Iterate it for rows; `print` it, show it in a notebook, or hand `to_dicts` to pandas or polars.
    None in a row is a number that is not there: nothing was counted, or too little.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"<Table {self.name}: {len(self.rows)} rows>"

    @property
    def shown(self) -> tuple[tuple[str, ...], ...]:
        """The rows in words."""
        return tuple(
            tuple(column.show(value) for column, value in zip(self.columns, row, strict=True))
            for row in self.rows
        )

    def __str__(self) -> str:
        if not self.rows:
            return "\n".join([self.title, "  nothing to show", *self.notes])
        right = [place for place, column in enumerate(self.columns) if column.is_number]
        grid = [[column.name for column in self.columns], *self.shown]
        return "\n".join([self.title, *aligned(grid, right=right), *self.notes])

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{escape(column.name)}</th>' for column in self.columns)
        body = "".join(
            "<tr>"
            + "".join(
                f'<th scope="row">{escape(cell)}</th>' if place == 0 else f"<td>{escape(cell)}</td>"
                for place, cell in enumerate(row)
            )
            + "</tr>"
            for row in self.shown
        )
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        return (
            f"<table><caption>{escape(self.title)}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{body}</tbody></table>{notes}"
        )

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return one flat row of JSON values for each row, by column name."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]

    def to_csv(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return the rows as CSV (RFC 4180), and write them to *path*, if one is given.

        A text that a spreadsheet would run as a formula gets an apostrophe before it.
        """
        text = to_csv([column.name for column in self.columns], self.rows)
        if path is not None:
            write_csv(text, path)
        return text


def aligned(rows: Sequence[Sequence[str]], *, right: Collection[int] = ()) -> Iterator[str]:
    """Yield rows of words as lines of columns, the first of them, the header, underlined.

    *right* are the columns that are set flush right.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for index, row in enumerate(rows):
        cells = (
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()
        if not index:
            yield "  ".join("-" * width for width in widths)


def to_csv(names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a header and rows as CSV, every text of it harmless to a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([harmless(name) for name in names])
    writer.writerows([harmless(value) for value in row] for row in rows)
    return out.getvalue()


def write_csv(text: str, path: str | os.PathLike[str]) -> None:
    """Write CSV to a file as spreadsheets expect it: UTF-8, with its mark."""
    Path(path).write_text(text, encoding="utf-8-sig", newline="")


def harmless(value: object) -> object:
    """Return a value that no spreadsheet takes for a formula; numbers stay numbers.

    >>> harmless("=HYPERLINK(...)"), harmless(-0.25), harmless(" @SUM(A1)")
    ("'=HYPERLINK(...)", -0.25, "' @SUM(A1)")
    """
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULAS):
        return f"'{value}"
    return value
