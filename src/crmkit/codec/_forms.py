"""How a value of each type is read, written, and told in JSON Schema: the three in one place."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from functools import partial
from types import UnionType
from typing import Any, get_args, get_origin
from zoneinfo import ZoneInfo

import attrs

from crmkit._time import CalendarSpan, Span, to_instant, to_zone
from crmkit.codec import _values as values
from crmkit.errors import InvalidRecord
from crmkit.permission import HolidayCalendar

Schema = dict[str, Any]


@attrs.frozen
class Form:
    """How values of one type stand in a document."""

    read: Callable[[Any], Any]
    write: Callable[[Any], Any]
    schema: Schema


def at(where: str, convert: Callable[[Any], Any], value: Any) -> Any:
    """Convert *value*; an error of it says where it stands."""
    try:
        return convert(value)
    except InvalidRecord as error:
        raise error.under(where) from None


def compound(kind: Any, form: Callable[[Any], Form]) -> Form:
    """Return the form of a type that is made of others, whose forms *form* returns."""
    if isinstance(kind, UnionType):
        return _optional(form(_without_none(kind)))
    items = get_args(kind)
    if get_origin(kind) is frozenset:
        return _list(form(items[0]), ordered=False)
    pair = get_args(items[0])
    if pair and pair[-1] is not type(None):
        return _pairs(form(pair[1]))
    return _list(form(items[0]))


def _without_none(kind: Any) -> Any:
    options = [option for option in get_args(kind) if option is not type(None)]
    return Span if len(options) > 1 else options[0]


def _optional(inner: Form) -> Form:
    return Form(
        lambda value: None if value is None else inner.read(value),
        lambda value: None if value is None else inner.write(value),
        {"anyOf": [inner.schema, {"type": "null"}]},
    )


def _list(item: Form, *, ordered: bool = True) -> Form:
    def read(value: Any) -> Any:
        if not isinstance(value, list | tuple):
            raise InvalidRecord("", f"expected a list, got {values.kind_of(value)}")
        return tuple([at(f"[{index}]", item.read, each) for index, each in enumerate(value)])

    def write(value: Any) -> Any:
        kept = value if ordered else sorted(value)
        return [at(f"[{index}]", item.write, each) for index, each in enumerate(kept)]

    return Form(read, write, {"type": "array", "items": item.schema})


def _pairs(item: Form) -> Form:
    """Pairs of a name and a record: an object."""
    return Form(
        lambda value: _mapped(item.read, values.mapping(value)),
        lambda value: _mapped(item.write, dict(value)),
        {"type": "object", "additionalProperties": item.schema},
    )


def _mapped(convert: Callable[[Any], Any], items: Mapping[str, Any]) -> dict[str, Any]:
    return {key: at(values.step(key), convert, item) for key, item in sorted(items.items())}


def _member(vocabulary: type[StrEnum]) -> Form:
    read = partial(values.read_member, vocabulary=vocabulary)
    return Form(
        read, lambda member: str(member.value), {"enum": [str(each) for each in vocabulary]}
    )


def _zone(value: Any) -> ZoneInfo:
    return to_zone(values.read_text(value), "")


def _zone_or_utc(value: Any) -> tzinfo:
    zone = _zone(value)
    return UTC if zone.key == "UTC" else zone


def _write_zone(zone: Any) -> str:
    return "UTC" if zone is UTC else values.write_zone(zone)


def _no_calendar(_value: Any) -> Any:
    raise InvalidRecord("", "a holiday calendar has no JSON form; add it to the policy in code")


def _number(value: Any) -> Any:
    """Accept a number; a whole one stays as it is."""
    values.read_number(value)
    return value


def _tests(value: Any) -> Any:
    """Write what a field or property is compared with; a member of a vocabulary is its text."""
    if isinstance(value, tuple):
        return [at(f"[{index}]", _tests, item) for index, item in enumerate(value)]
    return values.write_value(str(value) if isinstance(value, str) else value)


_INSTANT = {"type": "string", "format": "date-time"}
_TIME = r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{6})?)?"
_NUMBER: Schema = {"type": "number"}
_ONE = [
    {"type": ["string", "number", "boolean"]},
    {
        "type": "object",
        "properties": {"$instant": _INSTANT},
        "required": ["$instant"],
        "additionalProperties": False,
    },
]
_EXACT = r"-?P(?=.)([0-9]+D)?(T(?=.)([0-9]+H)?([0-9]+M)?([0-9]+(\.[0-9]{1,6})?S)?)?"
_CALENDAR = r"P(?=[^\[])(-?[0-9]+Y)?(-?[0-9]+M)?(\[[^\]]+\])?"

VALUE = Form(
    values.read_value,
    _tests,
    {"anyOf": [*_ONE, {"type": "array", "items": {"anyOf": _ONE}}, {"type": "null"}]},
)
"""What a field or property is compared with: one value, or a list of them."""

WEIGHTS = Form(
    lambda value: _mapped(_number, values.mapping(value)),
    lambda value: _mapped(_number, value),
    {"type": "object", "additionalProperties": {**_NUMBER, "minimum": 0, "maximum": 1000}},
)


def simple(kind: Any) -> Form | None:
    """Return the form of a type that is made of no others; None when it is."""
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return _member(kind)
    return _SIMPLE.get(kind)


_SIMPLE: dict[Any, Form] = {
    str: Form(values.read_text, str, {"type": "string"}),
    bool: Form(values.read_flag, bool, {"type": "boolean"}),
    int: Form(values.read_whole, int, {"type": "integer"}),
    float: Form(_number, _number, _NUMBER),
    date: Form(values.read_date, date.isoformat, {"type": "string", "format": "date"}),
    datetime: Form(to_instant, values.write_instant, _INSTANT),
    time: Form(values.read_text, time.isoformat, {"type": "string", "pattern": f"^{_TIME}$"}),
    tzinfo: Form(_zone_or_utc, _write_zone, {"type": "string"}),
    HolidayCalendar: Form(_no_calendar, _no_calendar, {"not": {}}),
    ZoneInfo: Form(_zone, values.write_zone, {"type": "string"}),
    timedelta: Form(
        lambda value: values.read_span(value, timedelta),
        values.write_exact,
        {"type": "string", "pattern": f"^{_EXACT}$"},
    ),
    CalendarSpan: Form(
        lambda value: values.read_span(value, CalendarSpan),
        values.write_calendar,
        {"type": "string", "pattern": f"^{_CALENDAR}$"},
    ),
    Span: Form(
        lambda value: values.read_span(value, Span),
        lambda span: (
            values.write_calendar(span)
            if isinstance(span, CalendarSpan)
            else values.write_exact(span)
        ),
        {"type": "string", "pattern": f"^({_EXACT}|{_CALENDAR})$"},
    ),
}
