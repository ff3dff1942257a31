"""Rules, cadences and the records inside them, in and out of JSON: by the types of their fields."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any, cast

import attrs

from crmkit._time import CalendarSpan
from crmkit.cadence import Cadence, ContentChoice, Pace, Piece, Touch, Variant
from crmkit.codec import _forms as forms
from crmkit.codec import _values as values
from crmkit.codec._forms import Form, at
from crmkit.engagement import WEIGHTS, EngagementPolicy
from crmkit.errors import CrmkitError, InvalidRecord, RuleError, UnknownName, join_path, suggest
from crmkit.model import FrozenMap
from crmkit.permission import RETENTION, ContactPolicy, Hours, Retention, SendWindow
from crmkit.segmentation._nodes import NODES, FieldTest, Rule
from crmkit.segmentation._paths import suited

OP = "op"
"""The key that says which rule an object is."""
POLICIES = (EngagementPolicy, ContactPolicy, Retention, Hours, SendWindow)
"""Written with all that they say, so that other defaults do not change them."""
PARTS = (Cadence, Pace, Touch, ContentChoice, Variant, Piece)
"""Written with all that is not empty, for the same reason."""

_OPS = {cls: op for op, cls in NODES.items()}
_RENAMED = {OP: "is"}
_VALUE = attrs.fields(FieldTest).value.type
_FAULTS = (CrmkitError, TypeError, ValueError)


@attrs.frozen
class Key:
    """One key of the object that a record is written as."""

    name: str
    attribute: str
    form: Form
    default: Any
    """`attrs.NOTHING` where the key is needed."""
    options: tuple[str, ...]
    """The texts that it may be, where only some are."""
    checks: tuple[Callable[[Any], Any], ...]
    """What the record does with the value, for the path of its error."""


@cache
def keys(cls: type) -> tuple[Key, ...]:
    """Return the keys of the object that a record of *cls* is written as."""
    return tuple(_key(field) for field in attrs.fields(cast("Any", cls)) if field.init)


def _key(field: "attrs.Attribute[Any]") -> Key:
    converter, validator = cast("Any", field.converter), cast("Any", field.validator)
    default = cast("Any", field.default)
    if hasattr(default, "factory"):
        default = default.factory()
    if default is not attrs.NOTHING and converter:
        default = converter(default)
    # No validator of a node looks at the rest of its record.
    checks = [converter, validator and (lambda value: validator(None, field, value))]
    return Key(
        name=_RENAMED.get(field.name, field.name),
        attribute=field.name,
        form=form(field.type),
        default=default,
        options=tuple(getattr(validator, "options", ())),
        checks=tuple(filter(None, checks)),
    )


def form(kind: Any) -> Form:
    """Return how values of a type are read, written and told in JSON Schema."""
    if kind is Rule:
        return Form(read_rule, write_rule, {"$ref": "#/$defs/rule"})
    if kind == _VALUE:
        return forms.VALUE
    if kind is FrozenMap:
        return forms.WEIGHTS
    if isinstance(kind, type) and attrs.has(kind) and kind is not CalendarSpan:
        return Form(partial(read_record, kind), write_record, {"$ref": f"#/$defs/{kind.__name__}"})
    return forms.simple(kind) or forms.compound(kind, form)


def write_rule(rule: Rule) -> dict[str, Any]:
    """Return a rule as an object."""
    if type(rule) not in _OPS:
        raise TypeError(f"crmkit has no JSON form of {type(rule)!r}")
    return {OP: _OPS[type(rule)], **write_record(rule)}


def write_record(record: object) -> dict[str, Any]:
    """Return a record as an object, without what is as it is by default (see `POLICIES`)."""
    cls: type = type(record)
    found = {}
    for key in keys(cls):
        value = getattr(record, key.attribute)
        if value != key.default or _is_kept(record, value):
            found[key.name] = at(key.name, key.form.write, value)
    return found


def _is_kept(record: object, default: object) -> bool:
    """Whether a default is written, too."""
    if isinstance(record, PARTS):
        return default is not None and default is not False and default not in ("", ())
    return isinstance(record, POLICIES) or isinstance(default, POLICIES)


def read_rule(value: object) -> Rule:
    """Return the rule that an object holds."""
    items = values.mapping(value)
    if OP not in items:
        raise InvalidRecord(OP, "missing, and needed")
    op = at(OP, values.read_text, items[OP])
    if op not in NODES:
        raise UnknownName.among(OP, op[:60], NODES, what="a rule")
    return cast("Rule", _read(NODES[op], items, f"the rule {op!r}", OP))


def read_record(cls: type, value: object, *extra: str) -> Any:
    """Return the record of *cls* that an object holds; the keys in *extra* are not its own."""
    return _read(cls, values.mapping(value), cls.__name__, *extra)


def _read(cls: type, items: Mapping[str, Any], what: str, *extra: str) -> Any:
    known = keys(cls)
    if unknown := items.keys() - {key.name for key in known} - {*extra}:
        name = min(unknown)
        hint = suggest(name[:60], [*extra, *(key.name for key in known)])
        raise InvalidRecord(values.step(name), f"not a field of {what}; {hint}")
    found = {}
    for key in known:
        if key.name in items:
            found[key.attribute] = at(key.name, key.form.read, items[key.name])
        elif key.default is attrs.NOTHING:
            raise InvalidRecord(key.name, "missing, and needed")
    if cls in _COMPLETED:
        _COMPLETED[cls](found)
    try:
        return cls(**found)
    except _FAULTS as error:
        raise _blamed(cls, found, error) from None


def _blamed(cls: type, found: Mapping[str, Any], error: Exception) -> InvalidRecord:
    """Return the error of a record with the path to the part that is at fault."""
    for key in keys(cls):
        if key.attribute not in found:
            continue
        value = found[key.attribute]
        if key.options and value not in key.options:
            what = f"one of {', '.join(key.options)}"
            return InvalidRecord(key.name, f"expected {what}, got {value[:60]!r}")
        for check in key.checks:
            try:
                check(value)
            except _FAULTS as fault:
                return _under(key, fault)
    name = "value" if any(key.name == "value" for key in keys(cls)) else ""
    if cls is FieldTest:
        try:
            suited(found["path"], found["op"])
        except RuleError:
            name = _RENAMED[OP]
    located = isinstance(error, InvalidRecord) and error.path[:1].isalpha() and not name
    return cast("InvalidRecord", error) if located else InvalidRecord(name, str(error))


def _under(key: Key, fault: Exception) -> InvalidRecord:
    if not isinstance(fault, InvalidRecord):
        return InvalidRecord(key.name, str(fault).removeprefix(f"{key.attribute}: "))
    inner = fault.path.removeprefix(key.attribute)
    return InvalidRecord(
        join_path(key.name, inner) if inner[:1] in {"[", "."} else key.name, fault.problem
    )


def _complete_engagement(found: dict[str, Any]) -> None:
    """Let the kinds that a document leaves out weigh nothing, also those of later versions."""
    if "weights" in found:
        found["weights"] = {**dict.fromkeys(WEIGHTS, 0.0), **found["weights"]}


def _complete_contact(found: dict[str, Any]) -> None:
    """Give the countries that a document leaves out the default of the document."""
    if "retention" in found:
        (default,) = (key.default for key in keys(ContactPolicy) if key.name == "default_retention")
        given = {country.upper(): entry for country, entry in found["retention"].items()}
        default = found.get("default_retention", default)
        found["retention"] = {**dict.fromkeys(RETENTION, default), **given}


_COMPLETED: dict[type, Callable[[dict[str, Any]], None]] = {
    EngagementPolicy: _complete_engagement,
    ContactPolicy: _complete_contact,
}
