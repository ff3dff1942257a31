"""The word ``field``: its attributes are the fields of `Candidate`, its comparisons rules.

Every mistake that can be seen in a rule alone is raised where the rule is written, not when
somebody is asked about.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import attrs

from crmkit._time import to_instant
from crmkit.errors import InvalidRecord, NaiveInstant, RuleError, UnknownName
from crmkit.model import Candidate
from crmkit.segmentation import _paths
from crmkit.segmentation._nodes import FieldTest, Not, Rule
from crmkit.segmentation._words import Unfinished, spread, to_span


class UnknownField(UnknownName, AttributeError):  # noqa: N818 - as its parent
    """No such field or test; an `AttributeError` too, so that `hasattr` and `getattr` work."""


def _found(path: tuple[str, ...]) -> "Field":
    try:
        return Field(path)
    except UnknownName as error:
        raise UnknownField(error.path, error.problem) from None


class Field(Unfinished):
    """A field of `Candidate`, waiting for a comparison.

    A positive test of an unknown field is false; ``!=`` and ``has_none`` are the opposite of
    their positive, so they hold where the field is unknown. Texts are compared as typed; skills
    and topics in any case. ``between`` includes both ends.
    """

    __slots__ = ("_path",)
    _unfinished = "compare the field, as in field.source == 'sourced' or field.source.is_known()"

    def __init__(self, path: tuple[str, ...]) -> None:
        _paths.type_of(path)
        self._path = path

    def __getattr__(self, name: str) -> "Field":
        if name.startswith("_"):
            raise AttributeError(name)
        kind = _paths.type_of(self._path)
        if kind is _paths.Type.RECORDS and len(self._path) == 1:
            return _found((*self._path, name))
        if kind is _paths.Type.MAP:
            raise UnknownField(repr(self), f"no {name!r}; entries are written {self!r}[{name!r}]")
        words = [word for word in vars(Field) if not word.startswith("_")]
        raise UnknownField.among(repr(self), name, words, what="a test of a field")

    def __getitem__(self, key: str) -> "Field":
        if _paths.type_of(self._path) is not _paths.Type.MAP:
            raise RuleError(f"{self!r} has no entries; only custom and external_ids have")
        if not isinstance(key, str):
            raise RuleError(f"{self!r}: expected the entry's name, got {key!r}")
        return Field((*self._path, key))

    def __contains__(self, item: object) -> bool:
        raise RuleError(f"use {self!r}.contains({item!r}) instead of 'in'")

    __iter__ = None

    def __repr__(self) -> str:
        return f"field.{_paths.show(self._path)}"

    def __eq__(self, value: object) -> Rule:  # type: ignore[override]
        return _paths.field_test(self._path, "==", value)

    def __ne__(self, value: object) -> Rule:  # type: ignore[override]
        return Not(_paths.field_test(self._path, "==", value))

    __hash__ = None  # type: ignore[assignment]

    def __lt__(self, value: object) -> Rule:
        return _paths.field_test(self._path, "<", value)

    def __le__(self, value: object) -> Rule:
        return _paths.field_test(self._path, "<=", value)

    def __gt__(self, value: object) -> Rule:
        return _paths.field_test(self._path, ">", value)

    def __ge__(self, value: object) -> Rule:
        return _paths.field_test(self._path, ">=", value)

    def between(self, low: object, high: object) -> Rule:
        """Hold from *low* to *high*, both included."""
        return _paths.field_test(self._path, "between", (low, high))

    def is_in(self, *values: object) -> Rule:
        """Hold for one of these values; a list may stand for them."""
        return _paths.field_test(self._path, "in", spread(values))

    def contains(self, value: object) -> Rule:
        """Hold for a text with *value* somewhere in it, or a list with *value* as an item."""
        if _paths.type_of(self._path) is _paths.Type.TEXTS:
            return self.has_any(value)
        return _paths.field_test(self._path, "contains", value)

    def starts_with(self, value: str) -> Rule:
        """Hold for a text that begins so."""
        return _paths.field_test(self._path, "starts_with", value)

    def ends_with(self, value: str) -> Rule:
        """Hold for a text that ends so."""
        return _paths.field_test(self._path, "ends_with", value)

    def has_any(self, *values: object) -> Rule:
        """Hold for a list with at least one of these; a list may stand for them."""
        return _paths.field_test(self._path, "has_any", spread(values))

    def has_all(self, *values: object) -> Rule:
        """Hold for a list with every one of these."""
        return _paths.field_test(self._path, "has_all", spread(values))

    def has_none(self, *values: object) -> Rule:
        """Negate `has_any`: an empty list has none too."""
        return Not(self.has_any(*values))

    def is_known(self) -> Rule:
        """Hold when there is anything: an empty text or list is unknown."""
        return FieldTest(self._path, "known")

    def is_unknown(self) -> Rule:
        """Negate `is_known`."""
        return Not(FieldTest(self._path, "known"))

    def before(self, instant: datetime | str) -> Rule:
        """Hold for an instant earlier than *instant*."""
        return _paths.field_test(self._path, "<", self._instant(instant))

    def after(self, instant: datetime | str) -> Rule:
        """Hold for an instant later than *instant*."""
        return _paths.field_test(self._path, ">", self._instant(instant))

    def _instant(self, value: object) -> datetime:
        _paths.suited(self._path, "within")
        try:
            return to_instant(value, repr(self))
        except NaiveInstant:
            raise
        except InvalidRecord as error:
            raise RuleError(str(error)) from None

    def within(
        self,
        span: timedelta | None = None,
        *,
        days: float | None = None,
        weeks: float | None = None,
        hours: float | None = None,
    ) -> Rule:
        """Hold for an instant *t* with now - span < t <= now; one in the future is not within."""
        return _paths.field_age(self._path, "within", to_span(span, days, weeks, hours))

    def older_than(
        self,
        span: timedelta | None = None,
        *,
        days: float | None = None,
        weeks: float | None = None,
        hours: float | None = None,
    ) -> Rule:
        """Hold for an instant *t* with t <= now - span; with ``days=0``: it has come."""
        return _paths.field_age(self._path, "older_than", to_span(span, days, weeks, hours))


class Fields:
    """What `field` is: its attributes are the fields of `Candidate`.

    >>> field.skills.has_any("Python")
    FieldTest(path=('skills',), op='has_any', value=('python',))
    >>> field.source == "sorced"
    Traceback (most recent call last):
        ...
    crmkit.errors.UnknownName: field.source: 'sorced' is not a source; did you mean 'sourced'?
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Field:
        if name.startswith("_"):
            raise AttributeError(name)
        return _found((name,))

    def __dir__(self) -> Iterable[str]:
        return list(attrs.fields_dict(Candidate))

    def __repr__(self) -> str:
        return "field"


field = Fields()
