"""Values in and out of JSON: each type has one form, and an error for what is not that form.

Errors carry the path inside the value; the record around it adds its own.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from crmkit._time import CalendarSpan, Span, to_instant
from crmkit.errors import InvalidRecord, UnknownName
from crmkit.model import FrozenMap


class Repeated(dict[str, Any]):
    """An object of a document in which one key stands twice."""

    key = ""


def mapping(value: object) -> Mapping[str, Any]:
    """Accept an object without repeated keys."""
    if not isinstance(value, Mapping):
        raise InvalidRecord("", f"expected an object, got {kind_of(value)}")
    if isinstance(value, Repeated):
        raise InvalidRecord(step(value.key), "the key stands there twice")
    return value


def kind_of(value: object) -> str:
    """Name the kind of a JSON value."""
    names: dict[type, str] = {
        type(None): "null",
        bool: "true or false",
        str: "text",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "an object",
        Repeated: "an object",
    }
    return names.get(type(value), type(value).__name__)


def step(key: object) -> str:
    """Return *key* as a step of a path: ``name`` or ``['odd name']``."""
    if isinstance(key, str) and key.isidentifier():
        return key
    text = repr(key)
    return f"[{text if len(text) <= 60 else text[:57] + '...'}]"


def finite(value: float) -> float:
    """Accept a number that JSON has."""
    if not math.isfinite(value):
        raise InvalidRecord("", f"expected a finite number, got {value}")
    return value


def write_instant(value: datetime) -> str:
    """Return an instant in UTC with microseconds."""
    return to_instant(value).isoformat(timespec="microseconds")


def write_zone(zone: ZoneInfo) -> str:
    """Return the name of a zone."""
    if zone.key is None:
        raise InvalidRecord("", "the zone has no IANA name")
    return zone.key


def write_value(value: Any) -> Any:
    """Return a JSON value; instants are tagged, and mappings that look like a tag."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return finite(value)
    if isinstance(value, datetime):
        return {"$instant": write_instant(value)}
    if isinstance(value, Mapping):
        items = write_map(value)
        return {"$map": items} if len(items) == 1 and next(iter(items))[:1] == "$" else items
    if isinstance(value, list | tuple):
        return [_at(f"[{index}]", write_value, item) for index, item in enumerate(value)]
    raise InvalidRecord("", f"expected a JSON value or an instant, got {type(value).__name__}")


def write_map(value: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a mapping of names to JSON values and instants."""
    for key in value:
        if not isinstance(key, str):
            raise InvalidRecord(step(key), "expected a name as key")
    return {key: _at(step(key), write_value, item) for key, item in value.items()}


def read_value(value: Any, _: Any = None) -> Any:
    """Return what `write_value` wrote."""
    if value is None or isinstance(value, str | int | datetime | FrozenMap):
        return value
    if isinstance(value, float):
        return finite(value)
    if isinstance(value, list | tuple):
        return tuple(_at(f"[{index}]", read_value, item) for index, item in enumerate(value))
    items = mapping(value)
    if len(items) == 1:
        if "$instant" in items:
            return _at(step("$instant"), to_instant, items["$instant"])
        if "$map" in items:
            return _at(step("$map"), read_map, items["$map"])
    return read_map(items)


def read_map(value: Any, _: Any = None) -> FrozenMap:
    """Return what `write_map` wrote."""
    items = mapping(value).items()
    return FrozenMap([(key, _at(step(key), read_value, item)) for key, item in items])


def _at(where: str, convert: Callable[[Any], Any], value: Any) -> Any:
    try:
        return convert(value)
    except InvalidRecord as error:
        raise error.under(where) from None


_EXACT = re.compile(
    r"(-)?P(?=.)(?:([0-9]+)D)?"
    r"(?:T(?=.)(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+)(?:\.([0-9]{1,6}))?S)?)?"
)
_CALENDAR = re.compile(r"P(?=[^\[])(?:(-?[0-9]+)Y)?(?:(-?[0-9]+)M)?(?:\[([^\]]+)\])?")


def write_exact(span: timedelta) -> str:
    """Return an exact span as an ISO 8601 duration, to the microsecond."""
    sign, span = ("-", -span) if span < timedelta(0) else ("", span)
    minutes, seconds = divmod(span.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days = f"{span.days}D" if span.days else ""
    clock = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "")
    if span.microseconds:
        clock += f"{seconds}.{span.microseconds:06}S"
    elif seconds or not (days or clock):
        clock += f"{seconds}S"
    return f"{sign}P{days}" + (f"T{clock}" if clock else "")


def write_calendar(span: CalendarSpan) -> str:
    """Return a calendar span as an ISO 8601 duration, with its zone in brackets."""
    years = f"{span.years}Y" if span.years else ""
    months = f"{span.months}M" if span.months else ""
    return f"P{years}{months}" + (f"[{write_zone(span.zone)}]" if span.zone else "")


def read_span(value: Any, wanted: Any) -> Span:
    """Return the span of the kind that is *wanted*, or of either."""
    text = read_text(value)
    try:
        if wanted is not timedelta and (found := _CALENDAR.fullmatch(text)):
            years, months, zone = found.groups()
            return CalendarSpan(years=int(years or 0), months=int(months or 0), zone=zone)
        if wanted is not CalendarSpan and (found := _EXACT.fullmatch(text)):
            sign, days, hours, minutes, seconds, fraction = found.groups(default="0")
            span = timedelta(
                days=int(days),
                hours=int(hours),
                minutes=int(minutes),
                seconds=int(seconds),
                microseconds=int(fraction.ljust(6, "0")),
            )
            return -span if sign == "-" else span
    except InvalidRecord as error:
        raise InvalidRecord("", error.problem) from None
    except (OverflowError, ValueError):
        raise InvalidRecord("", "the span is too long") from None
    example = "P6M" if wanted is CalendarSpan else "P5D"
    raise InvalidRecord("", f"expected an ISO 8601 duration such as {example!r}, got {text[:60]!r}")


def read_text(value: Any, _: Any = None) -> str:
    """Accept text."""
    if isinstance(value, str):
        return value
    raise InvalidRecord("", f"expected text, got {kind_of(value)}")


def read_flag(value: Any, _: Any = None) -> bool:
    """Accept true or false."""
    if isinstance(value, bool):
        return value
    raise InvalidRecord("", f"expected true or false, got {kind_of(value)}")


def read_whole(value: Any, _: Any = None) -> int:
    """Accept a whole number; 1.0 is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    found = str(value) if isinstance(value, float) else kind_of(value)
    raise InvalidRecord("", f"expected a whole number, got {found}")


def read_number(value: Any, _: Any = None) -> float:
    """Accept a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidRecord("", f"expected a number, got {kind_of(value)}")
    try:
        return finite(float(value))
    except OverflowError:
        raise InvalidRecord("", "the number is too great") from None


def read_date(value: Any, _: Any = None) -> date:
    """Accept an ISO 8601 date."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    text = read_text(value)
    try:
        return date.fromisoformat(text)
    except ValueError:
        problem = f"expected a date such as '2026-03-02', got {text!r}"
        raise InvalidRecord("", problem) from None


def read_member(value: Any, vocabulary: type[StrEnum]) -> StrEnum:
    """Accept a word of a vocabulary."""
    text = read_text(value)
    try:
        return vocabulary(text)
    except ValueError:
        name = vocabulary.__name__
        what = f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"
        raise UnknownName.among("", text, list(vocabulary), what=what) from None
