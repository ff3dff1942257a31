"""The word ``field``: its attributes are the fields of `Candidate`, its comparisons rules.

Every mistake that can be seen in a rule alone is raised where the rule is written, not when
somebody is asked about.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Unpack
from zoneinfo import ZoneInfo

import attrs

from crmkit._time import Span, from_wall, to_instant, to_zone
from crmkit.errors import InvalidRecord, RuleError, UnknownName
from crmkit.model import Candidate
from crmkit.segmentation import _paths
from crmkit.segmentation._compare import named
from crmkit.segmentation._custom import Custom, custom_types
from crmkit.segmentation._nodes import FieldAge, FieldAnniversary, FieldTest, Not, Rule, each
from crmkit.segmentation._words import Parts, Unfinished, spread, to_span

Customs = Mapping[str, Custom] | None


class UnknownField(UnknownName, AttributeError):  # noqa: N818 - as its parent
    """No such field or test; an `AttributeError` too, so that `hasattr` and `getattr` work."""


def _found(path: tuple[str, ...], customs: Customs) -> "Field":
    try:
        return Field(path, customs)
    except UnknownName as error:
        raise UnknownField(error.path, error.problem) from None


class Field(Unfinished):
    """A field of `Candidate`, waiting for a comparison.

    A positive test of an unknown field is false; ``!=`` and ``has_none`` are the opposite of
    their positive, so they hold where the field is unknown. Texts are compared as typed; skills
    and topics in any case. ``between`` includes both ends.
    """

    __slots__ = ("_customs", "_path", "_type")
    _unfinished = "compare the field, as in field.source == 'sourced' or field.source.is_known()"

    def __init__(self, path: tuple[str, ...], customs: Customs = None) -> None:
        self._path = path
        self._customs = customs
        self._type = _paths.type_of(path)

    @property
    def _custom(self) -> Custom | None:
        """The type that the host registered for its own field, if it did."""
        if self._customs is None or self._path[0] != "custom" or len(self._path) != 2:
            return None
        return self._customs[self._path[1]]

    def __getattr__(self, name: str) -> "Field":
        if name.startswith("_"):
            raise AttributeError(name)
        if self._type is _paths.Type.RECORDS and len(self._path) == 1:
            return _found((*self._path, name), self._customs)
        if self._type is _paths.Type.MAP:
            raise UnknownField(repr(self), f"no {name!r}; entries are written {self!r}[{name!r}]")
        words = [word for word in vars(Field) if not word.startswith("_")]
        raise UnknownField.among(repr(self), name, words, what="a test of a field")

    def __getitem__(self, key: str) -> "Field":
        if self._type is not _paths.Type.MAP:
            raise RuleError(f"{self!r} has no entries; only custom and external_ids have")
        if not isinstance(key, str):
            raise RuleError(f"{self!r}: expected the entry's name, got {key!r}")
        if self._path == ("custom",) and self._customs is not None and key not in self._customs:
            raise UnknownField.among("field.custom", key, self._customs, what="a registered field")
        return Field((*self._path, key), self._customs)

    def __contains__(self, item: object) -> bool:
        raise RuleError(f"use {self!r}.contains({item!r}) instead of 'in'")

    __iter__ = None

    def __repr__(self) -> str:
        return f"field.{_paths.show(self._path)}"

    def _test(self, op: str, value: object) -> Rule:
        custom = self._custom
        if custom is None:
            return FieldTest(self._path, op, value)  # type: ignore[arg-type]
        return FieldTest(self._path, *custom.checked(repr(self), op, value))

    def __eq__(self, value: object) -> Rule:  # type: ignore[override]
        return self._test("==", value)

    def __ne__(self, value: object) -> Rule:  # type: ignore[override]
        return Not(self._test("==", value))

    __hash__ = None  # type: ignore[assignment]

    def __lt__(self, value: object) -> Rule:
        return self._test("<", value)

    def __le__(self, value: object) -> Rule:
        return self._test("<=", value)

    def __gt__(self, value: object) -> Rule:
        return self._test(">", value)

    def __ge__(self, value: object) -> Rule:
        return self._test(">=", value)

    def between(self, low: object, high: object) -> Rule:
        """Hold from *low* to *high*, both included."""
        return self._test("between", (low, high))

    def is_in(self, *values: object) -> Rule:
        """Hold for one of these values; a list may stand for them."""
        return self._test("in", spread(values))

    def contains(self, value: object) -> Rule:
        """Hold for a text with *value* somewhere in it, or a list with *value* as an item."""
        kind = self._custom.type if self._custom else self._type
        return self.has_any(value) if kind is _paths.Type.TEXTS else self._test("contains", value)

    def starts_with(self, value: str) -> Rule:
        """Hold for a text that begins so."""
        return self._test("starts_with", value)

    def ends_with(self, value: str) -> Rule:
        """Hold for a text that ends so."""
        return self._test("ends_with", value)

    def has_any(self, *values: object) -> Rule:
        """Hold for a list with at least one of these; a list may stand for them."""
        return self._test("has_any", spread(values))

    def has_all(self, *values: object) -> Rule:
        """Hold for a list with every one of these."""
        return self._test("has_all", spread(values))

    def has_none(self, *values: object) -> Rule:
        """Negate `has_any`: an empty list has none too."""
        return Not(self.has_any(*values))

    def is_known(self) -> Rule:
        """Hold when there is anything: an empty text or list is unknown."""
        return FieldTest(self._path, "known")

    def is_unknown(self) -> Rule:
        """Negate `is_known`."""
        return Not(self.is_known())

    def before(self, instant: datetime | str) -> Rule:
        """Hold for an instant earlier than *instant*."""
        return self._test("<", self._instant(instant))

    def after(self, instant: datetime | str) -> Rule:
        """Hold for an instant later than *instant*."""
        return self._test(">", self._instant(instant))

    def on(self, day: date, zone: ZoneInfo | str = "UTC") -> Rule:
        """Hold for an instant on this day by the calendar of *zone*."""
        where = to_zone(zone, "zone")
        if isinstance(day, datetime) or not isinstance(day, date):
            raise RuleError(f"{self!r}.on: expected a date, got {day!r}")
        start = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - a wall time
        try:
            first, after = from_wall(start, where), from_wall(start + timedelta(days=1), where)
        except OverflowError:
            raise RuleError(f"{self!r}.on: {day} is at the end of the calendar") from None
        return self._test(">=", self._instant(first)) & self._test("<", after)

    def _instant(self, value: object) -> datetime:
        _paths.suited(self._path, "within")
        try:
            return to_instant(value)
        except InvalidRecord as error:
            raise named(error, repr(self)) from None

    def _aged(self) -> tuple[str, ...]:
        if self._custom:
            self._custom.suited(repr(self), "within")
        return self._path

    def within(self, span: Span | None = None, **parts: Unpack[Parts]) -> Rule:
        """Hold for an instant *t* with t <= now < t + span; one in the future is not within."""
        return FieldAge(self._aged(), "within", to_span(span, parts))

    def older_than(self, span: Span | None = None, **parts: Unpack[Parts]) -> Rule:
        """Hold for an instant *t* with t + span <= now; with ``days=0``: it has come."""
        return FieldAge(self._aged(), "older_than", to_span(span, parts))

    def anniversary(
        self,
        *,
        before: timedelta = timedelta(0),
        after: timedelta = timedelta(days=1),
        zone: ZoneInfo | str | None = None,
    ) -> Rule:
        """Hold when a yearly return *a* of the instant is near: a - before <= now < a + after."""
        return FieldAnniversary(self._aged(), before, after, zone)


class Fields:
    """What `field` is: its attributes are the fields of `Candidate`.

    >>> field.skills.has_any("Python")
    FieldTest(path=('skills',), op='has_any', value=('python',))
    >>> field.source == "sorced"
    Traceback (most recent call last):
        ...
    crmkit.errors.UnknownName: field.source: 'sorced' is not a source; did you mean 'sourced'?

    A host that tells the types of its own fields has them checked like all others. A type is
    ``str``, ``float`` (or ``int``), ``bool``, ``datetime``, ``list`` (of texts), a set of names,
    or a list of names from least to greatest:

    >>> field = Fields(custom={"visa": {"none", "h1b"}, "level": ["l1", "l2", "l3"]})
    >>> field.custom["level"] >= "l2"
    FieldTest(path=('custom', 'level'), op='in', value=('l2', 'l3'))
    >>> field.custom["vsia"] == "h1b"
    Traceback (most recent call last):
        ...
    crmkit.segmentation._field.UnknownField: field.custom: 'vsia' is not a registered field; did \
you mean 'visa'?
    """

    __slots__ = ("_customs",)

    def __init__(self, custom: Mapping[str, object] | None = None) -> None:
        self._customs = None if custom is None else custom_types(custom)

    def __getattr__(self, name: str) -> Field:
        if name.startswith("_"):
            raise AttributeError(name)
        return _found((name,), self._customs)

    def __dir__(self) -> Iterable[str]:
        return list(attrs.fields_dict(Candidate))

    def __repr__(self) -> str:
        return "field"

    def check(self, rule: Rule) -> None:
        """Raise `UnknownName` or `RuleError` for a host's own field that *rule* asks amiss.

        A rule that was read from a document knows no registered types; this asks for them.
        """
        for node in each(rule):
            path: tuple[str, ...] = getattr(node, "path", ())
            if path[:1] == ("custom",) and len(path) == 2:
                asked = self.custom[path[1]]
                op = getattr(node, "op", "within")
                if asked._custom:
                    asked._custom.checked(repr(asked), op, getattr(node, "value", None))


field = Fields()
