"""The fields that a rule may ask about: their types, their values, and which tests suit them.

All of it is derived from the attrs fields of `Candidate`, whose converters also check and
normalise a rule's values, so that ``field.country == "de"`` and ``field.skills.has_any("Python")``
find what the record keeps.
"""

import math
from collections.abc import Callable, Iterable
from datetime import datetime
from enum import Enum, StrEnum
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, get_args, get_origin
from zoneinfo import ZoneInfo

import attrs

from crmkit.errors import InvalidRecord, RuleError, UnknownName
from crmkit.model import Candidate, FrozenMap
from crmkit.segmentation._compare import MANY, Value, named, ordered, plain

Path = tuple[str, ...]


class Type(Enum):
    """What kind of value a field holds; the value says it in words."""

    TEXT = "text"
    NUMBER = "a number"
    FLAG = "true or false"
    INSTANT = "an instant"
    NAME = "a name without order"
    RANK = "a name with an order"
    ZONE = "a time zone"
    TEXTS = "a list"
    RECORDS = "a list of records"
    MAP = "a mapping"
    ANY = "a host's own"


_SCALARS = {Type.TEXT, Type.NUMBER, Type.FLAG, Type.INSTANT, Type.NAME, Type.RANK, Type.ZONE}
_ORDERED = {Type.NUMBER, Type.INSTANT, Type.RANK, Type.ANY}
_SUITS = {
    op: types
    for ops, types in (
        ("== in", _SCALARS | {Type.ANY}),
        ("< <= > >= between", _ORDERED),
        ("contains starts_with ends_with", {Type.TEXT, Type.ANY}),
        ("has_any has_all", {Type.TEXTS, Type.ANY}),
        ("within older_than", {Type.INSTANT, Type.ANY}),
        ("known", set(Type)),
    )
    for op in ops.split()
}
_INSTEAD = {
    Type.TEXT: "use ==, .is_in, .contains, .starts_with or .ends_with",
    Type.NUMBER: "use == < <= > >=, .between or .is_in",
    Type.FLAG: "use == True or == False",
    Type.INSTANT: "use .before, .after, .between, .within or .older_than",
    Type.NAME: "use == or .is_in",
    Type.RANK: "use == < <= > >=, .between or .is_in",
    Type.ZONE: "use == or .is_in",
    Type.TEXTS: "use .has_any, .has_all, .has_none or .contains",
    Type.RECORDS: "ask about one of the records' fields, or .is_known()",
    Type.MAP: "say which entry, as in field.custom['visa']",
}
TESTS = tuple(op for op in _SUITS if op not in {"within", "older_than"})
"""What a field may be compared by; ``within`` and ``older_than`` ask for its age."""


def show(path: Path) -> str:
    """Return a path as one writes it: ``custom['visa']``."""
    name, *inner = path
    if not inner:
        return name
    of_map = type_of((name,)) is Type.MAP
    return f"{name}[{inner[0]!r}]" if of_map else f"{name}.{inner[0]}"


@lru_cache(maxsize=256)  # a path may name any entry of a mapping
def type_of(path: Path) -> Type:
    """Return the type of the field at *path*, or raise `UnknownName` with the nearest name."""
    known = attrs.fields_dict(Candidate)
    name, *inner = path
    if name not in known:
        raise UnknownName.among("field", name, known, what="a field of a candidate")
    found, item = _classify(known[name].type)
    if not inner:
        return found
    if found is Type.MAP and len(inner) == 1:
        return Type.ANY if name == "custom" else Type.TEXT
    if found is Type.RECORDS and len(inner) == 1:
        below = attrs.fields_dict(item)
        if inner[0] not in below:
            what = f"a field of an {item.__name__}"
            raise UnknownName.among(f"field.{name}", inner[0], below, what=what)
        one, _ = _classify(below[inner[0]].type)
        return Type.TEXTS if one is Type.TEXT else Type.RECORDS
    raise RuleError(f"field.{'.'.join(path[:-1])} is {found.value}; it has nothing inside")


def _classify(annotation: Any) -> tuple[Type, Any]:
    if isinstance(annotation, UnionType):
        (annotation,) = (one for one in get_args(annotation) if one is not NoneType)
    if get_origin(annotation) is tuple:
        item = get_args(annotation)[0]
        return (Type.RECORDS if attrs.has(item) else Type.TEXTS), item
    found = next((kind for base, kind in _BASES if issubclass(annotation, base)), Type.RECORDS)
    if found is Type.NAME and hasattr(annotation, "rank"):
        found = Type.RANK
    return found, annotation


_BASES: tuple[tuple[type, Type], ...] = (
    (StrEnum, Type.NAME),
    (str, Type.TEXT),
    (bool, Type.FLAG),
    (float, Type.NUMBER),
    (datetime, Type.INSTANT),
    (ZoneInfo, Type.ZONE),
    (FrozenMap, Type.MAP),
)


def checked(path: Path, op: str, value: object) -> Value | tuple[Value, ...] | None:
    """Return what a test compares the field with, checked and normalised as the field is."""
    kind = suited(path, op)
    where = f"field.{show(path)}"
    if op == "known":
        if value is not None:
            raise RuleError(f"{where}: known needs no value, got {value!r}")
        return None
    if op in MANY:
        items = tuple(value) if isinstance(value, tuple | list) else (value,)
        if not items:
            raise RuleError(f"{where}: {op} needs at least one value")
        found = tuple(_value(path, kind, item) for item in items)
        if op == "between":
            ordered(found, where)
        return found
    if op in {"contains", "starts_with", "ends_with"}:
        if not isinstance(value, str) or not value:
            raise RuleError(f"{where}: {op} needs a text, got {value!r}")
        return value
    one = _value(path, kind, value)
    if op != "==" and isinstance(one, bool):
        raise RuleError(f"{where}: true and false have no order; use ==")
    return one


def suited(path: Path, op: str) -> Type:
    """Return the type of the field at *path*, or raise `RuleError` if *op* does not suit it."""
    kind = type_of(path)
    suits(kind, op, f"field.{show(path)}")
    return kind


def suits(kind: Type, op: str, where: str) -> None:
    """Raise `RuleError` if *op* does not suit the type."""
    if kind not in _SUITS[op]:
        raise RuleError(f"{where} is {kind.value}, which {op!r} does not suit; {_INSTEAD[kind]}")


def _value(path: Path, kind: Type, value: object) -> Value:
    where = f"field.{show(path)}"
    if value is None:
        raise RuleError(f"{where}: None is not a value; ask .is_unknown() or .is_known()")
    try:
        if kind is Type.ANY:
            return plain(value)
        found = _converter(path)([value] if kind is Type.TEXTS and len(path) == 1 else value)
    except InvalidRecord as error:
        raise named(error, where) from None
    if found is None:
        raise RuleError(f"{where}: {value!r} means unknown; ask .is_unknown()")
    if kind is Type.TEXTS and len(path) == 1:
        (found,) = found
    return found.key if isinstance(found, ZoneInfo) else found


def _converter(path: Path) -> Callable[[Any], Any]:
    name, *inner = path
    field = attrs.fields_dict(Candidate)[name]
    kind, item = _classify(field.type)
    if inner and kind is Type.RECORDS:
        field = attrs.fields_dict(item)[inner[0]]
    elif inner:
        return lambda value: field.converter({inner[0]: value})[inner[0]]  # type: ignore[misc, operator]
    return field.converter  # type: ignore[return-value]


@lru_cache(maxsize=256)  # a path may name any entry of a mapping
def reader(path: Path) -> Callable[[Candidate], Any]:
    """Return the function that reads the field at *path*: its value, or None where unknown."""
    name, *inner = path
    if not inner:
        return lambda candidate: _known(getattr(candidate, name))
    key = inner[0]
    if type_of((name,)) is Type.MAP:
        return lambda candidate: _known(getattr(candidate, name).get(key))

    def read(candidate: Candidate) -> Any:
        items: Iterable[object] = (getattr(record, key) for record in getattr(candidate, name))
        return tuple(item for item in items if item is not None) or None

    return read


def _known(value: Any) -> Any:
    if isinstance(value, ZoneInfo):
        return value.key
    if isinstance(value, str | tuple | FrozenMap) and not value:
        return None
    return None if isinstance(value, float) and math.isnan(value) else value
