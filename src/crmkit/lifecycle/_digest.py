"""A digest of definitions, to know whether they are those that something was found with."""

import hashlib
import secrets
from datetime import date, time, timedelta
from enum import Enum
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import attrs

from crmkit.model import FrozenMap

_PLAIN = (bool, int, float, str, date, time, timedelta, type(None))


def digest(*definitions: object) -> str:
    """Return a digest of definitions: the same in every process, as far as they have a text.

    >>> digest({"b": 1, "a": timedelta(days=1)}) == digest({"a": timedelta(hours=24), "b": 1})
    True
    >>> digest(object()) == digest(object())
    False
    """
    return hashlib.sha256(_text(definitions).encode()).hexdigest()


def _text(value: Any) -> str:
    # By the very type: a mapping or a set of the host's own may be a calendar without an end.
    cls = type(value)
    if isinstance(value, Enum):
        return f"{cls.__qualname__}.{value.name}"
    if isinstance(value, _PLAIN):
        return repr(value)
    if isinstance(value, ZoneInfo):
        return f"zone {value}"
    if cls in {dict, FrozenMap, MappingProxyType}:
        return _braced(cls, sorted(f"{_text(key)}: {_text(of)}" for key, of in value.items()))
    if cls in {set, frozenset}:
        return _braced(cls, sorted(map(_text, value)))
    if cls in {tuple, list}:
        return _braced(cls, [_text(item) for item in value])
    if attrs.has(cls):
        names = [field.name for field in attrs.fields(cls) if field.eq]
        return _braced(cls, [f"{name}={_text(getattr(value, name))}" for name in names])
    text = repr(value)
    # An object that says only where it lies in memory may be another one in the next process.
    return f"{cls.__qualname__} {secrets.token_hex() if ' at 0x' in text else text}"


def _braced(cls: type, parts: list[str]) -> str:
    return f"{cls.__qualname__}({', '.join(parts)})"
