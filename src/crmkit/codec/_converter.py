"""The cattrs converter that knows every record, and where in a document a fault is."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_args, get_origin
from zoneinfo import ZoneInfo

import attrs

from crmkit._time import CalendarSpan, Span, to_instant, to_zone
from crmkit.codec import _documents as documents
from crmkit.codec import _values as values
from crmkit.codec._text import DEEP
from crmkit.errors import InvalidDocument, InvalidRecord, join_path, suggest
from crmkit.model import FrozenMap, History, Interaction

if TYPE_CHECKING:
    from cattrs import Converter

T = TypeVar("T")

_RENAMED = {"history": "interactions"}
_EMPTY: tuple[Any, ...] = (None, False, "", (), FrozenMap(), attrs.Factory(History), frozenset())


def structure(cls: type[T], document: object, path: str) -> T:
    """Return the record of *cls* in *document*."""
    from cattrs.errors import StructureHandlerNotFoundError

    if documents.is_document(cls):
        try:
            return cast("T", documents.read(document, cls))
        except InvalidRecord as error:
            raise InvalidDocument(join_path(path, error.path), error.problem) from None
    try:
        return _converter(detailed=False).structure(document, cls)
    except StructureHandlerNotFoundError:
        raise TypeError(f"crmkit has no JSON form of {cls!r}") from None
    except _faults():
        pass
    # Only the detailed converter knows the path to a fault; it is slower, so it comes second.
    try:
        return _converter(detailed=True).structure(document, cls)
    except _faults() as error:
        where, problem = _locate(error)
        raise InvalidDocument(join_path(path, where), problem) from None


def unstructure(record: object) -> Any:
    """Return *record* as JSON values."""
    try:
        return _converter(detailed=False).unstructure(record)
    except InvalidRecord:
        _trace(record, "")
        raise
    except RecursionError:
        raise InvalidRecord("", DEEP) from None


def _trace(value: Any, path: str) -> None:
    """Write part by part, and raise the error with the path of the part that has none."""
    if attrs.has(type(value)) and not isinstance(value, (CalendarSpan, *documents.DOCUMENTS)):
        for field in attrs.fields(type(value)):
            name = _RENAMED.get(field.name, field.name)
            _trace(getattr(value, field.name), join_path(path, name))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _trace(item, join_path(path, f"[{index}]"))
    else:
        try:
            _converter(detailed=False).unstructure(value)
        except InvalidRecord as error:
            raise error.under(path) from None


@cache
def _faults() -> tuple[type[Exception], ...]:
    """Return what a faulty document makes the converter raise."""
    from cattrs.errors import BaseValidationError, ForbiddenExtraKeysError

    cattrs = (BaseValidationError, ForbiddenExtraKeysError)
    return (*cattrs, InvalidRecord, KeyError, RecursionError, TypeError, ValueError)


def _locate(error: BaseException) -> tuple[str, str]:
    """Return the path to the first fault, and what it is."""
    from cattrs.errors import ClassValidationError, ForbiddenExtraKeysError

    if isinstance(error, ClassValidationError):
        named, others = error.group_exceptions()
        unknown = [other for other in others if isinstance(other, ForbiddenExtraKeysError)]
        if unknown or not named:
            return _locate((unknown or others)[0])
        inner, note = named[0]
        path, problem = _locate(inner)
        return join_path(_RENAMED.get(note.name, note.name), path), problem
    if isinstance(error, ForbiddenExtraKeysError):
        known = [_RENAMED.get(field.name, field.name) for field in attrs.fields(error.cl)]
        key = min(error.extra_fields, key=str)
        hint = suggest(str(key), known)
        return values.step(key), f"not a field of {error.cl.__name__}; {hint}"
    if isinstance(error, InvalidRecord):
        return error.path, error.problem
    if isinstance(error, KeyError):
        return "", "missing, and needed"
    return "", DEEP if isinstance(error, RecursionError) else str(error)


@cache
def _converter(*, detailed: bool) -> "Converter":
    from cattrs import Converter

    made = Converter(detailed_validation=detailed, forbid_extra_keys=True)
    made.register_structure_hook_factory(attrs.has, partial(_record_reader, made))
    made.register_structure_hook_factory(_is_list, partial(_list_reader, made))
    made.register_structure_hook_func(_is_span, values.read_span)
    made.register_structure_hook(str, values.read_text)
    made.register_structure_hook(StrEnum, values.read_member)
    made.register_structure_hook(bool, values.read_flag)
    made.register_structure_hook(int, values.read_whole)
    made.register_structure_hook(float, values.read_number)
    made.register_structure_hook(date, values.read_date)
    made.register_structure_hook(datetime, lambda value, _: to_instant(value))
    made.register_structure_hook(ZoneInfo, lambda value, _: to_zone(value, ""))
    made.register_structure_hook(FrozenMap, values.read_map)
    made.register_structure_hook(
        History, lambda value, _: History(made.structure(value, tuple[Interaction, ...]))
    )
    made.register_unstructure_hook_factory(attrs.has, partial(_record_writer, made))
    made.register_unstructure_hook(float, values.finite)
    made.register_unstructure_hook(date, date.isoformat)
    made.register_unstructure_hook(datetime, values.write_instant)
    made.register_unstructure_hook(ZoneInfo, values.write_zone)
    made.register_unstructure_hook(FrozenMap, values.write_map)
    made.register_unstructure_hook(timedelta, values.write_exact)
    made.register_unstructure_hook(History, lambda history: made.unstructure(list(history)))
    made.register_unstructure_hook_func(_is_set, sorted)
    made.register_structure_hook_func(documents.is_document, documents.read)
    made.register_unstructure_hook_func(documents.is_document, documents.write)
    made.register_unstructure_hook_func(lambda kind: kind is CalendarSpan, values.write_calendar)
    return made


def _is_span(kind: Any) -> bool:
    return kind is timedelta or kind is CalendarSpan or kind == Span


def _is_list(kind: Any) -> bool:
    return get_origin(kind) in {tuple, list, frozenset}


def _is_set(kind: Any) -> bool:
    return get_origin(kind) is frozenset


def _record_reader(made: "Converter", cls: Any) -> Callable[[Any, Any], Any]:
    from cattrs.gen import make_dict_structure_fn, override

    overrides: dict[str, Any] = {}
    for field in attrs.fields(get_origin(cls) or cls):
        if field.name in _RENAMED:
            overrides[field.name] = override(rename=_RENAMED[field.name])
        elif isinstance(field.type, TypeVar):
            overrides[field.name] = override(struct_hook=values.read_value)
    read = make_dict_structure_fn(cls, made, **overrides)
    return lambda value, kind: read(values.mapping(value), kind)


def _record_writer(made: "Converter", cls: Any) -> Callable[[Any], dict[str, Any]]:
    from cattrs.gen import make_dict_unstructure_fn, override

    overrides: dict[str, Any] = {
        field.name: override(
            rename=_RENAMED.get(field.name),
            # By type too: False == 0, and 0 is worth writing.
            omit_if_default=any(
                type(field.default) is type(empty) and field.default == empty for empty in _EMPTY
            ),
            unstruct_hook=values.write_value if isinstance(field.type, TypeVar) else None,
        )
        for field in attrs.fields(get_origin(cls) or cls)
    }
    return make_dict_unstructure_fn(cls, made, **overrides)


def _list_reader(made: "Converter", kind: Any) -> Callable[[Any, Any], Any]:
    make, item_type = get_origin(kind), get_args(kind)[0]
    read = made.get_structure_hook(item_type)

    def reader(value: Any, _: Any) -> Any:
        if not isinstance(value, list | tuple):
            raise InvalidRecord("", f"expected a list, got {values.kind_of(value)}")
        found = []
        for index, item in enumerate(value):
            try:
                found.append(read(item, item_type))
            except _faults() as error:
                path, problem = _locate(error)
                raise InvalidRecord(join_path(f"[{index}]", path), problem) from None
        return make(found)

    return reader
