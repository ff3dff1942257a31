"""From the text in a cell to the value of a field."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from crmkit._time import from_wall
from crmkit.errors import InvalidRecord, suggest
from crmkit.sources._imported import FORMULA_STARTS
from crmkit.sources._mapping import FLAGS, INSTANTS, LISTS, NUMBERS, Column

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_SIGNED = re.compile(
    r"[+-]\s?\(?\d[\d\s().\-/]*([eE][+-]?\d+)?(\s*(x|ext\.?)\s*\d+)?", re.ASCII | re.IGNORECASE
)
_TRUE = frozenset({"true", "yes", "y", "1"})
_FALSE = frozenset({"false", "no", "n", "0"})


class Reader:
    """Reads one field out of a row's cells: None where the answer is missing."""

    def __init__(
        self, name: str, spec: Column, places: dict[str, int], missing: Sequence[str]
    ) -> None:
        self.name = name
        self.spec = spec
        self.column = ", ".join(spec.column) or None
        self._indices = [places[column] for column in spec.column]
        self._missing = frozenset(missing) | frozenset(spec.missing)
        self._phrases = dict(spec.values)
        self._ranks = {phrase: rank for rank, phrase in enumerate(spec.values)}
        self._type = _type_of(name, spec)

    def read(self, row: Sequence[str]) -> Any:
        """Return the field's value, or raise an `InvalidRecord` without a path."""
        if not self.spec.column:
            return self.spec.constant
        found = [value for index in self._indices for value in self._values(row[index])]
        if self._type == "list":
            return found
        if self.spec.separator and not self.spec.first and self.name.startswith("custom."):
            return found or None
        if self.spec.first or len(found) == 1:
            return found[0] if found else None
        if not found:
            return None
        if self._type != "text":
            raise InvalidRecord("", f"expected one value, got {len(found)}")
        return " ".join(map(str, found))

    def _values(self, cell: str) -> list[Any]:
        if cell.strip() in self._missing:
            return []
        pieces = cell.split(self.spec.separator) if self.spec.separator else [cell]
        known = [piece for piece in pieces if piece.strip() not in self._missing]
        if self.spec.first:
            known = sorted(known, key=self._order)[:1]
        found = [self._value(piece) for piece in known]
        return [value for value in found if value != ""]

    def _order(self, piece: str) -> int:
        # Unknown phrases come first, so that they are told and not passed over.
        return self._ranks.get(piece.strip(), -1)

    def _value(self, text: str) -> Any:
        spec = self.spec
        phrase = text.strip()
        value: Any = text
        if phrase in self._phrases:
            value = self._phrases[phrase]
            if not spec.bands:
                return value
        elif self._phrases and not self._numeric:
            if spec.otherwise is None:
                hint = suggest(phrase, spec.values)
                raise InvalidRecord("", f"{phrase!r} is not in the mapping's values; {hint}")
            return spec.otherwise
        elif self._numeric and spec.otherwise is not None and not _NUMBER.fullmatch(phrase):
            return spec.otherwise
        if isinstance(value, str):
            value = self._parse(value)
        if spec.bands:
            return self._band(value)
        return f"{spec.prefix}{value}" if spec.prefix else value

    @property
    def _numeric(self) -> bool:
        return bool(self.spec.bands) or self._type == "number"

    def _parse(self, text: str) -> Any:
        if self._numeric:
            return _number(text.strip())
        if self._type == "flag":
            return _flag(text.strip())
        if self._type == "instant":
            return _instant(text.strip(), self.spec)
        return _safe(text)

    def _band(self, number: Any) -> Any:
        fitting = [value for least, value in self.spec.bands if number >= least]
        if not fitting:
            least = self.spec.bands[0][0]
            raise InvalidRecord(
                "", f"{number:g} is below the first band, which begins at {least:g}"
            )
        return fitting[-1]


def _type_of(name: str, spec: Column) -> str:
    if name in LISTS:
        return "list"
    if name in NUMBERS:
        return "number"
    if name in FLAGS:
        return "flag"
    if name in INSTANTS:
        return "instant"
    return spec.type or "text"


def _safe(text: str) -> str:
    """Refuse what a spreadsheet would run: the record may be exported to one some day."""
    bare = text.strip()
    # Every white space is stripped in the end, but only a leading tab or CR is itself a danger.
    start = next((char for char in text.lstrip(" ")[:1] if char in "\t\r"), bare[:1])
    if start and start in FORMULA_STARTS and not _SIGNED.fullmatch(bare):
        shown = {"\t": "a tab", "\r": "a carriage return"}.get(start, repr(start))
        raise InvalidRecord(
            "", f"begins with {shown}, which a spreadsheet may run as a formula; change the cell"
        )
    return bare


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise InvalidRecord("", f"expected a number such as 52000 or 1.5, got {text!r}")
    return float(text)


def _flag(text: str) -> bool:
    word = text.casefold()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise InvalidRecord("", f"expected yes or no, got {text!r}")


def _instant(text: str, spec: Column) -> datetime:
    try:
        if spec.format:
            found = datetime.strptime(text, spec.format)  # noqa: DTZ007 - the zone comes below
        else:
            found = datetime.fromisoformat(text)
    except ValueError:
        how = (
            f"written as {spec.format}"
            if spec.format
            else "such as 2026-03-02 or 2026-03-02T09:00Z"
        )
        raise InvalidRecord("", f"expected a date {how}, got {text!r}") from None
    if found.tzinfo is not None:
        return found
    if spec.timezone is None:
        problem = "has no time zone; say which in the mapping: timezone = 'Europe/Berlin'"
        raise InvalidRecord("", f"{text!r} {problem}")
    return from_wall(found, spec.timezone)
