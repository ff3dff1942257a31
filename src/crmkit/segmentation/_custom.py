"""The types of a host's own fields, told so that rules about them are checked when made."""

from collections.abc import Mapping
from datetime import datetime

import attrs

from crmkit.errors import InvalidRecord, RuleError, UnknownName
from crmkit.segmentation import _paths
from crmkit.segmentation._compare import MANY, Value, comparable, named, ordered, plain
from crmkit.segmentation._paths import Type

Values = Value | tuple[Value, ...] | None

_TYPES = {
    str: Type.TEXT,
    float: Type.NUMBER,
    int: Type.NUMBER,
    bool: Type.FLAG,
    datetime: Type.INSTANT,
    list: Type.TEXTS,
    tuple: Type.TEXTS,
}
_GROUPS = {Type.NUMBER: "number", Type.FLAG: "flag", Type.INSTANT: "instant"}


@attrs.frozen
class Custom:
    """What one custom field holds; ``names`` are those it may hold, in order if that has one."""

    type: Type
    names: tuple[str, ...] = ()

    def suited(self, where: str, op: str) -> None:
        """Raise `RuleError` if *op* does not suit the type."""
        _paths.suits(self.type, op, where)

    def checked(self, where: str, op: str, value: object) -> tuple[str, Values]:
        """Return the test and its value, checked; a comparison of ranks becomes a choice."""
        self.suited(where, op)
        if op in {"known", "within", "older_than"}:
            return op, None
        many = isinstance(value, list | tuple)
        items = tuple(value) if isinstance(value, list | tuple) else (value,)
        found = tuple(self._one(where, item) for item in items)
        if self.type is Type.RANK and op not in {"==", "in"}:
            return "in", self._ranked(where, op, found)
        if op == "between":
            ordered(found, where)
        return op, found if many or op in MANY else found[0]

    def _one(self, where: str, value: object) -> Value:
        if value is None:
            raise RuleError(f"{where}: None is not a value; ask .is_unknown() or .is_known()")
        try:
            one = plain(value)
        except InvalidRecord as error:
            raise named(error, where) from None
        if comparable(one) != _GROUPS.get(self.type, "text"):
            raise RuleError(f"{where} is {self.type.value}, got {value!r}")
        if self.names and one not in self.names:
            raise UnknownName.among(where, one, self.names, what="one of its names")
        return one

    def _ranked(self, where: str, op: str, wanted: tuple[Value, ...]) -> tuple[str, ...]:
        places = [self.names.index(str(one)) for one in wanted]
        if op == "between":
            if len(places) != 2 or places[0] > places[1]:
                raise RuleError(f"{where}: between needs two values, the lower one first")
            return self.names[places[0] : places[1] + 1]
        (place,) = places
        low, high = {
            "<": (0, place),
            "<=": (0, place + 1),
            ">": (place + 1, None),
            ">=": (place, None),
        }[op]
        found = self.names[low:high]
        if not found:
            raise RuleError(f"{where}: nothing is {op} {wanted[0]!r}")
        return found


def custom_types(told: Mapping[str, object]) -> Mapping[str, Custom]:
    """Return the types that a host told, by name of the field."""
    if not isinstance(told, Mapping):
        raise RuleError(f"custom: expected a mapping of names to types, got {told!r}")
    return {name: _type(name, spec) for name, spec in told.items()}


def _type(name: str, spec: object) -> Custom:
    if isinstance(spec, type) and spec in _TYPES:
        return Custom(_TYPES[spec])
    names: tuple[object, ...] = ()
    kind = Type.RANK
    if isinstance(spec, set | frozenset):
        names, kind = tuple(sorted(spec, key=str)), Type.NAME
    elif isinstance(spec, list | tuple):
        names = tuple(spec)
    if names and all(isinstance(one, str) and one for one in names):
        return Custom(kind, tuple(map(str, names)))
    raise RuleError(
        f"custom[{name!r}]: expected str, float, bool, datetime, list, a set of names, or a list "
        f"of names from least to greatest, got {spec!r}"
    )
