"""Walking a JSON document that others wrote, with the path to every fault."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, TypeVar

import attrs

from crmkit.errors import InvalidRecord, join_path
from crmkit.model import _fields as fields

R = TypeVar("R")
_NAMES = {str: "text", int: "a number", float: "a number", bool: "true or false", dict: "an object"}


@attrs.frozen(repr=False)
class Node:
    """A value in a document and where it is; what is absent or null is an empty node."""

    value: Any
    path: str = ""

    def __bool__(self) -> bool:
        return self.value is not None

    def __getitem__(self, key: str) -> "Node":
        """Return what an object holds under *key*; this must be an object, or absent."""
        if self.value is None:
            return Node(None, join_path(self.path, key))
        return Node(self.object().get(key), join_path(self.path, key))

    def object(self) -> dict[str, Any]:
        """Return the object, empty when absent."""
        return self._checked(dict, {})

    def items(self) -> list["Node"]:
        """Return the entries of a list, none when absent."""
        found = self._checked(list, [], "a list")
        return [Node(item, f"{self.path}[{index}]") for index, item in enumerate(found)]

    def _checked(self, kind: type[R], absent: R, what: str | None = None) -> R:
        if self.value is None:
            return absent
        if not isinstance(self.value, kind):
            raise self.fault(f"expected {what or _NAMES[kind]}, got {type(self.value).__name__}")
        return self.value

    def text(self) -> str | None:
        """Return one line of text; blank is absent."""
        return self.to(fields.optional_text)

    def flag(self) -> bool | None:
        """Return true, false or absent."""
        return self.to(fields.optional_flag)

    def paragraph(self) -> str | None:
        """Return a text with its line breaks as spaces, for a record that holds one line."""
        text = self._checked(str, "")
        return Node(" ".join(text.split()), self.path).text()

    def identifier(self) -> str | None:
        """Return a number or a text that names something."""
        if isinstance(self.value, int) and not isinstance(self.value, bool):
            return str(self.value)
        return self.text()

    def instant(self) -> datetime | None:
        """Return an aware instant written in ISO 8601."""
        return self.to(fields.instant) if self.text() else None

    def to(self, convert: Callable[[Any], R]) -> R:
        """Return the value converted; a fault names this place."""
        try:
            return convert(self.value)
        except InvalidRecord as error:
            raise error.under(self.path) from None

    def fault(self, problem: str) -> InvalidRecord:
        """Return the error that says what is wrong here."""
        return InvalidRecord(self.path, problem)


def day_of(node: Node, *formats: str) -> date | None:
    """Return the date at *node*, in ISO 8601 (its day, for an instant) or one of *formats*."""
    text = node.text()
    if text is None:
        return None
    for form in formats:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC).date()
        except ValueError:
            continue
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        raise node.fault(f"expected a date such as '2026-03-02', got {text!r}") from None
