"""How much a document may hold; checked before anything is made of it.

A document may come from anybody, and as parsed objects too: those may be cyclic, or share their
parts so often that they would be endless as text.
"""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from crmkit.codec import _values as values
from crmkit.codec._text import DEEP
from crmkit.errors import InvalidRecord

LONGEST = 64 * 1024
"""Bytes of one rule or segment."""
LONGEST_SET = 1024 * 1024
"""Bytes of many segments together."""
DEEPEST = 32
"""Rules inside each other, the outermost counted."""
MOST_RULES = 1000
"""Rules inside the outermost one."""
DEEPEST_HELD = 4
"""``held`` rules inside each other: each one about doubles the work of an answer."""
MOST_SEGMENTS = 1000
MOST_ZONES = 64
"""Different time zones of one rule or segment: each is a file to read."""

_NESTED = 80
"""Objects and lists inside each other: the deepest rule with the deepest value needs 70."""


def check_text(text: str | bytes, most: int) -> None:
    """Raise `InvalidRecord` when *text* has more bytes than *most*."""
    size = len(text)
    if isinstance(text, str) and size <= most:
        size = len(text.encode("utf-8", "surrogatepass"))
    if size > most:
        raise _too_long(most)


def check_total(size: int) -> None:
    """Raise `InvalidRecord` when so many bytes are too many for one set of segments."""
    if size > LONGEST_SET:
        raise _too_long(LONGEST_SET)


def _too_long(most: int) -> InvalidRecord:
    return InvalidRecord("", f"more than {most // 1024} KB of text")


def measure(document: object, most: int = LONGEST) -> int:
    """Return about how many bytes *document* takes as text; raise `InvalidRecord` past a limit."""
    meter = _Meter(most)
    meter.take(document, 0, 0, 0)
    return meter.size


class _Meter:
    """Counts what it is shown, part by part."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.size = 0
        self.rules = 0
        self.zones: set[str] = set()

    def take(self, value: Any, nested: int, depth: int, held: int) -> None:
        if isinstance(value, str):
            self._text(value)
            if value[:1] == "P" and value[-1] == "]":
                self._zone(value.partition("[")[2][:-1])
        elif isinstance(value, Mapping):
            self._object(values.mapping(value), nested + 1, depth, held)
        elif isinstance(value, list | tuple):
            self._enter(nested + 1)
            for index, item in enumerate(value):
                try:
                    self.take(item, nested + 1, depth, held)
                except InvalidRecord as error:
                    raise error.under(f"[{index}]") from None
                self._add(1)
        else:
            self._scalar(value)

    def _object(self, items: Mapping[Any, Any], nested: int, depth: int, held: int) -> None:
        self._enter(nested)
        if "op" in items:
            depth += 1
            held += items["op"] == "held"
            self.rules += 1
            if depth > DEEPEST:
                raise InvalidRecord("", f"rules are nested more than {DEEPEST} deep")
            if held > DEEPEST_HELD:
                raise InvalidRecord("", f"held is nested more than {DEEPEST_HELD} deep")
            if self.rules > MOST_RULES + 1:
                raise InvalidRecord("", f"more than {MOST_RULES} rules inside the outermost one")
        for key, item in items.items():
            if not isinstance(key, str):
                raise InvalidRecord("", f"expected names as keys, got {type(key).__name__}")
            self._text(key)
            if key == "zone" and isinstance(item, str):
                self._zone(item)
            try:
                self.take(item, nested, depth, held)
            except InvalidRecord as error:
                raise error.under(values.step(key)) from None
            self._add(2)

    def _zone(self, name: str) -> None:
        self.zones.add(name)
        if len(self.zones) > MOST_ZONES:
            raise InvalidRecord("", f"more than {MOST_ZONES} different time zones")

    def _enter(self, nested: int) -> None:
        if nested > _NESTED:
            raise InvalidRecord("", DEEP)
        self._add(1)

    def _text(self, value: str) -> None:
        self._add(len(value) + 2)
        if not value.isascii():
            try:
                self._add(len(value.encode()) - len(value))
            except UnicodeEncodeError:
                problem = "expected text that UTF-8 can hold (a lone surrogate)"
                raise InvalidRecord("", problem) from None

    def _scalar(self, value: object) -> None:
        if value is None or isinstance(value, bool | datetime):
            return self._add(4)
        if not isinstance(value, int | float):
            raise InvalidRecord("", f"expected a JSON value, got {type(value).__name__}")
        try:
            finite = math.isfinite(value)
        except OverflowError:
            raise InvalidRecord("", "the number is too great") from None
        if not finite:
            raise InvalidRecord("", f"expected a finite number, got {value}")
        return self._add(len(repr(value)))

    def _add(self, size: int) -> None:
        self.size += size
        if self.size > self.most:
            raise _too_long(self.most)
