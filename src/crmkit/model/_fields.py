"""Converters and validators of record fields; every rule about a field's value is here.

They raise without a path; `paths` gives each fault the name of its field.
"""

import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any, TypeVar

import attrs

from crmkit._time import to_instant, to_zone
from crmkit.errors import InvalidRecord, UnknownName
from crmkit.model._names import Channel, Interest, Seniority, Source

E = TypeVar("E", bound=StrEnum)
R = TypeVar("R")


def paths(_cls: type, fields: list["attrs.Attribute[Any]"]) -> list["attrs.Attribute[Any]"]:
    """Make every converter's and validator's error name its field (an attrs field transformer)."""
    return [
        field.evolve(converter=_named(field.converter, field.name)) if field.converter else field
        for field in fields
    ]


def _named(convert: Any, name: str) -> Callable[[Any], Any]:
    def converter(value: Any) -> Any:
        try:
            return convert(value)
        except InvalidRecord as error:
            raise error.under(name) from None

    return converter


class FrozenMap(Mapping[str, Any]):
    """An immutable mapping, hashable when its values are; its repr shows only the keys."""

    __slots__ = ("_hash", "_items")

    def __init__(self, items: Mapping[str, Any] | Iterable[tuple[str, Any]] = ()) -> None:
        self._items: dict[str, Any] = dict(items)
        self._hash: int | None = None

    def __getitem__(self, key: str) -> Any:
        return self._items[key]

    def get(self, key: str, default: Any = None) -> Any:
        # `Mapping` would raise and catch; most facts do not say what is asked of them.
        return self._items.get(key, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, FrozenMap):
            return self._items == other._items
        if isinstance(other, Mapping):
            return self._items == dict(other)
        return NotImplemented

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(frozenset(self._items.items()))
        return self._hash

    def __repr__(self) -> str:
        return f"<{', '.join(sorted(self._items))}>"

    def __reduce__(self) -> tuple[type["FrozenMap"], tuple[dict[str, Any]]]:
        return FrozenMap, (self._items,)


EMPTY = FrozenMap()


def has_control(text: str) -> bool:
    """Whether *text* has a control character or breaks the line; mail libraries let some through.

    The line and paragraph separators of Unicode break lines too: `str.splitlines` says so.
    """
    return not text.isprintable() and any(
        unicodedata.category(char) in {"Cc", "Zl", "Zp"} for char in text
    )


_HTTPS = re.compile(
    r"https://(?:[A-Za-z0-9-]+\.)*[A-Za-z0-9-]+(?::\d{1,5})?(?:[/?][A-Za-z0-9._~:/?#\[\]@!$&'()*+;=%-]*)?"
)


def is_https_url(text: str) -> bool:
    """Whether *text* is an https URL that can stand in a header and in a link as it is.

    So without spaces, quotes, angle brackets and commas, without a user's name, and without
    ``=?``, which mail programs read as the start of an encoded word.
    """
    return len(text) <= 900 and "=?" not in text and _HTTPS.fullmatch(text) is not None


def optional_text(value: object) -> str | None:
    """Accept one line of text; blank means unknown."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidRecord("", f"expected text, got {type(value).__name__}")
    if not value.isprintable():
        if has_control(value):
            raise InvalidRecord("", "expected one line of text without control characters")
        _check_encodable(value)
    return value.strip() or None


def _check_encodable(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidRecord("", "expected text that UTF-8 can hold (a lone surrogate)") from None


def text(value: object) -> str:
    """Accept one line of text that is not blank."""
    if converted := optional_text(value):
        return converted
    raise InvalidRecord("", "expected text, got nothing")


def text_or_blank(value: object) -> str:
    """Accept one line of text, or nothing."""
    return optional_text(value) or ""


def _each(value: object, convert: Callable[[object], str]) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise InvalidRecord("", f"expected a list of texts, got {type(value).__name__}")
    found: dict[str, None] = {}
    for index, item in enumerate(value):
        try:
            found[convert(item)] = None
        except InvalidRecord as error:
            raise error.under(f"[{index}]") from None
    return tuple(found)


def texts(value: object) -> tuple[str, ...]:
    """Accept a list of texts; repeats are dropped, the order is kept."""
    return _each(value, text)


def tags(value: object) -> tuple[str, ...]:
    """Accept a list of words that mean the same in any case: kept casefolded, without repeats."""
    return _each(value, lambda item: text(item).casefold())


def lines(value: object) -> str:
    """Accept a text of any number of lines, as it is."""
    if isinstance(value, str):
        return value
    raise InvalidRecord("", f"expected text, got {type(value).__name__}")


def optional_lines(value: object) -> str | None:
    """Accept a text of any number of lines, as it is, or none."""
    return None if value is None else lines(value)


def email(value: object) -> str:
    """Accept an address as typed: one ``@`` with something on both sides and no spaces."""
    address = text(value)
    local, at, domain = address.rpartition("@")
    if not (local and at and domain) or "@" in local or any(char.isspace() for char in address):
        raise InvalidRecord("", "expected an e-mail address like name@host")
    return f"{local}@{domain.lower()}"


def emails(value: object) -> tuple[str, ...]:
    """Accept a list of e-mail addresses."""
    return _each(value, email)


def flag(value: object) -> bool:
    """Accept exactly True or False."""
    if isinstance(value, bool):
        return value
    raise InvalidRecord("", f"expected true or false, got {type(value).__name__}")


def optional_flag(value: object) -> bool | None:
    """Accept True, False, or None for unknown."""
    return None if value is None else flag(value)


def optional_amount(value: object) -> float | None:
    """Accept a number that is not negative; NaN means unknown."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidRecord("", f"expected a number, got {type(value).__name__}")
    try:
        amount = float(value)
    except OverflowError:
        amount = math.inf
    if math.isnan(amount):
        return None
    if amount < 0 or math.isinf(amount):
        raise InvalidRecord("", f"expected a finite number from 0, got {amount}")
    return amount


def whole(value: object, least: int, most: int | None = None, *, path: str = "") -> int:
    """Accept a whole number from *least* (to *most*)."""
    if isinstance(value, int) and not isinstance(value, bool):
        within = least <= value and (most is None or value <= most)
        if within:
            return value
    upto = "" if most is None else f" to {most}"
    raise InvalidRecord(path, f"expected a whole number from {least}{upto}, got {value!r}")


def optional_count(value: object) -> int | None:
    """Accept a whole number from 0."""
    return None if value is None else whole(value, 0)


def of_kind(value: object, kind: type[R], *, path: str = "") -> R:
    """Accept what is a *kind* already."""
    if isinstance(value, kind):
        return value
    raise InvalidRecord(path, f"expected a {kind.__name__}, got {type(value).__name__}")


def records(
    value: object, kind: type[R], what: str, *, path: str = "", unique: str | None = None
) -> tuple[R, ...]:
    """Accept a list of *kind*s; each has a value of its own in the field *unique*."""
    if not isinstance(value, list | tuple):
        raise InvalidRecord(path, f"expected a list of {what}, got {type(value).__name__}")
    seen: set[object] = set()
    for index, item in enumerate(value):
        of_kind(item, kind, path=f"{path}[{index}]")
        if unique is not None:
            name = getattr(item, unique)
            if name in seen:
                raise InvalidRecord(f"{path}[{index}].{unique}", f"{name!r} is there already")
            seen.add(name)
    return tuple(value)


def optional_country(value: object) -> str | None:
    """Accept an ISO 3166-1 alpha-2 code in any case."""
    code = optional_text(value)
    if code is None:
        return None
    if len(code) != 2 or not code.isascii() or not code.isalpha():
        raise InvalidRecord("", f"expected a two-letter ISO 3166-1 code such as 'DE', got {code!r}")
    return code.upper()


def optional_date(value: object) -> date | None:
    """Accept a date, or an ISO 8601 text of one."""
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            problem = f"expected a date such as '2026-03-02', got {value!r}"
            raise InvalidRecord("", problem) from None
    if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    raise InvalidRecord("", f"expected a date, got {type(value).__name__}")


def instant(value: object) -> datetime:
    """Accept an aware instant, or an ISO 8601 text of one."""
    return to_instant(value)


def optional_instant(value: object) -> datetime | None:
    """Accept an aware instant, an ISO 8601 text of one, or nothing."""
    return None if value is None else to_instant(value)


def optional_zone(value: object) -> Any:
    """Accept an IANA zone or its name."""
    return None if value is None else to_zone(value, "")


def _member(value: object, enum: type[E], what: str) -> E | None:
    if value is None:
        return None
    if isinstance(value, str):
        try:
            return enum(value)
        except ValueError:
            raise UnknownName.among("", value, list(enum), what=what) from None
    raise InvalidRecord("", f"expected {what}, got {type(value).__name__}")


def optional_source(value: object) -> Source | None:
    """Accept a capture source or its name."""
    return _member(value, Source, "a source")


def optional_interest(value: object) -> Interest | None:
    """Accept an interest or its name."""
    return _member(value, Interest, "an interest")


def optional_seniority(value: object) -> Seniority | None:
    """Accept a seniority or its name."""
    return _member(value, Seniority, "a seniority")


def optional_channel(value: object) -> Channel | None:
    """Accept a channel or its name."""
    return _member(value, Channel, "a channel")


def channel(value: object) -> Channel:
    """Accept a channel or its name, but not nothing."""
    if found := optional_channel(value):
        return found
    raise InvalidRecord("", "expected a channel, got nothing")


def text_map(value: object) -> FrozenMap:
    """Accept a mapping of text to text, such as external ids by system."""
    return FrozenMap({key: text(item) for key, item in _items(value, text)})


def values(value: object) -> FrozenMap:
    """Accept a mapping of names to JSON values and instants, frozen all the way down."""
    items = _items(value, _freeze)
    return FrozenMap(items) if items else EMPTY


def _items(value: object, convert: Callable[[object], Any]) -> list[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        raise InvalidRecord("", f"expected a mapping, got {type(value).__name__}")
    items = []
    for key, item in value.items():
        if not isinstance(key, str):
            raise InvalidRecord("", f"expected names as keys, got {type(key).__name__}")
        _check_encodable(key)
        try:
            items.append((key, convert(item)))
        except InvalidRecord as error:
            raise error.under(key if key.isidentifier() else f"[{key!r}]") from None
    return items


def _freeze(value: object) -> Any:
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, str):
        _check_encodable(value)
        return value
    if isinstance(value, float):
        return _finite(value)
    if isinstance(value, datetime):
        return to_instant(value)
    if isinstance(value, Mapping):
        return FrozenMap(_items(value, _freeze))
    if isinstance(value, list | tuple):
        return tuple(_freeze_at(index, item) for index, item in enumerate(value))
    raise InvalidRecord("", f"expected a JSON value or an instant, got {type(value).__name__}")


def _finite(value: float) -> float | None:
    if math.isinf(value):
        raise InvalidRecord("", f"expected a finite number, got {value}")
    return None if math.isnan(value) else value


def _freeze_at(index: int, item: object) -> Any:
    try:
        return _freeze(item)
    except InvalidRecord as error:
        raise error.under(f"[{index}]") from None


def canonical(value: object) -> str:
    """Return one text for one value, whatever order its keys came in; what digests are made of."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        # Marked, or an instant and the text that writes it would make one digest of two facts.
        return {"$instant": value.isoformat()}
    return dict(value) if isinstance(value, Mapping) else str(value)
