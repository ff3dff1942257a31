"""Which column of a CSV file fills which field, as records that a user writes."""

import tomllib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import attrs

from crmkit._time import to_zone
from crmkit.errors import InvalidRecord, SourceError, UnknownName, join_path
from crmkit.model import Candidate, FrozenMap, to_kind
from crmkit.model import _fields as fields
from crmkit.sources._files import File, label, open_binary

LISTS = frozenset({"emails", "phones", "links", "skills", "topics"})
NUMBERS = frozenset({"years_experience", "salary"})
FLAGS = frozenset({"do_not_contact"})
INSTANTS = frozenset({"interested_from", "at"})
_NESTED = ("custom", "external_ids")
# A CSV row says nothing about merges and erasures, and holds no lists of jobs.
_SETTABLE = sorted(
    {field.name for field in attrs.fields(Candidate)}
    - {"aliases", "erased", "employments", *_NESTED}
)
_OF_FACT = ["at", "channel", "outcome", "role_id"]
_TYPES = ("text", "number", "flag", "instant")
R = TypeVar("R")


def _names(value: object) -> tuple[str, ...]:
    return fields.texts([value] if isinstance(value, str) else value)


def _words(value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, list | tuple):
        raise InvalidRecord("", f"expected a list of texts, got {type(value).__name__}")
    return tuple(str(item) for item in value)


def _table(value: object) -> FrozenMap:
    if not isinstance(value, Mapping):
        raise InvalidRecord("", f"expected a table, got {type(value).__name__}")
    return FrozenMap({str(key): item for key, item in value.items()})


def _bands(value: object) -> tuple[tuple[float, Any], ...]:
    pairs: list[tuple[float, Any]] = []
    for index, pair in enumerate(value if isinstance(value, list | tuple) else [value]):
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise InvalidRecord(f"[{index}]", "expected a pair: least number, value")
        least, band = pair
        if isinstance(least, bool) or not isinstance(least, int | float):
            raise InvalidRecord(f"[{index}][0]", f"expected a number, got {least!r}")
        if pairs and least <= pairs[-1][0]:
            raise InvalidRecord(f"[{index}][0]", f"{least} is not above {pairs[-1][0]:g}")
        pairs.append((float(least), band))
    return tuple(pairs)


def _type(value: object) -> str | None:
    if value is not None and value not in _TYPES:
        raise UnknownName.among("", value, _TYPES, what="a type of cell")
    return None if value is None else str(value)


def _zone(value: object) -> ZoneInfo | None:
    return None if value is None else to_zone(value, "")


def _letter(value: object) -> str:
    if not isinstance(value, str) or len(value) != 1 or value in '\r\n"':
        raise InvalidRecord("", f"expected one character, got {value!r}")
    return value


@attrs.frozen(field_transformer=fields.paths)
class Column:
    """How one field is filled: from a column (or several), or by a constant.

    >>> Column("Years", values={"Less than 1 year": 0.5}, bands=[(0, "junior"), (5, "senior")])
    Column('Years')
    """

    column: tuple[str, ...] = attrs.field(default=(), converter=_names)
    """One name, or several: lists are chained, texts joined by a space."""
    constant: Any = attrs.field(default=None, kw_only=True)
    """The value itself, for every row."""
    separator: str | None = attrs.field(default=None, converter=fields.optional_text, kw_only=True)
    """What stands between the entries of a list, such as ``;``."""
    first: bool = attrs.field(default=False, converter=fields.flag, kw_only=True)
    """Take one entry of the list: the first, by the order of ``values`` where they are given."""
    values: FrozenMap = attrs.field(default=FrozenMap(), converter=_table, kw_only=True)
    """Phrase to value. A phrase that is not there is a fault, but for numbers, which are read."""
    otherwise: Any = attrs.field(default=None, kw_only=True)
    """The value for phrases that are not in ``values``; ``""`` leaves the field unknown."""
    missing: tuple[str, ...] = attrs.field(default=(), converter=_words, kw_only=True)
    """Texts that mean no answer here, besides the mapping's."""
    bands: tuple[tuple[float, Any], ...] = attrs.field(default=(), converter=_bands, kw_only=True)
    """Turns a number into a value: (least, value) pairs, rising."""
    prefix: str = attrs.field(default="", kw_only=True)
    """Put before the text, as in ``so2019-``."""
    format: str | None = attrs.field(default=None, kw_only=True)
    """How instants are written, as `datetime.strptime` reads it; ISO 8601 when not given."""
    timezone: ZoneInfo | None = attrs.field(default=None, converter=_zone, kw_only=True)
    """The zone of instants that are written without one."""
    type: str | None = attrs.field(default=None, converter=_type, kw_only=True)
    """What a custom field or a property holds: text (the default), number, flag or instant."""

    def __attrs_post_init__(self) -> None:
        if bool(self.column) == (self.constant is not None):
            raise InvalidRecord("column", "expected either a column or a constant")
        if self.first and not self.separator:
            raise InvalidRecord("first", "taking the first entry needs a separator")
        if self.otherwise is not None and not self.values:
            raise InvalidRecord("otherwise", "means nothing without values")

    def __repr__(self) -> str:
        if not self.column:
            return f"Column(constant={self.constant!r})"
        return f"Column({self.column[0] if len(self.column) == 1 else list(self.column)!r})"


def _columns(known: list[str], nested: tuple[str, ...]) -> Callable[[object], FrozenMap]:
    def convert(value: object) -> FrozenMap:
        flat: dict[str, object] = {}
        for key, item in _table(value).items():
            if key in nested and isinstance(item, Mapping):
                flat |= {f"{key}.{inner}": deeper for inner, deeper in item.items()}
            else:
                flat[key] = item
        for key in flat:
            head, dot, rest = key.partition(".")
            if key not in known and not (head in nested and dot and rest):
                hosts = [f"{name}.…" for name in nested]
                raise UnknownName.among(key, key, [*known, *hosts], what="a field to fill")
        return FrozenMap({key: _column(item, key) for key, item in flat.items()})

    return convert


def _column(value: object, path: str) -> Column:
    if isinstance(value, Column):
        return value
    if isinstance(value, str):
        value = {"column": value}
    return _build(Column, value, path)


def _build(cls: type[R], value: object, path: str) -> R:
    """Build a record from a TOML table; a key that it does not have is an error."""
    if not isinstance(value, Mapping):
        raise InvalidRecord(path, f"expected a table, got {type(value).__name__}")
    known = [field.name for field in attrs.fields(cls)]  # type: ignore[arg-type]
    for key in value:
        if key not in known:
            raise UnknownName.among(join_path(path, str(key)), key, known, what="a key here")
    try:
        return cls(**value)
    except InvalidRecord as error:
        raise error.under(path) from None
    except TypeError as error:
        raise InvalidRecord(path, str(error).partition("__init__() ")[2]) from None


_fields_of_candidate = _columns(_SETTABLE, _NESTED)
_fields_of_fact = _columns(_OF_FACT, ("properties",))


def _candidate_fields(value: object) -> FrozenMap:
    found = _fields_of_candidate(value)
    if "id" not in found:
        raise InvalidRecord("id", "every person needs an id: say which column holds it")
    for key in sorted(LISTS & set(found)):
        if found[key].bands:
            raise InvalidRecord(f"{key}.bands", "a list has no bands")
    for key in set(found) & set(_SETTABLE) - LISTS:
        _check_outcomes(key, found[key])
    return found


def _check_outcomes(key: str, spec: Column) -> None:
    """Refuse at once what the mapping itself would fill in wrongly, not in the first row."""
    outcomes = [("constant", spec.constant), ("otherwise", spec.otherwise)]
    outcomes += [(f"bands[{index}]", value) for index, (_, value) in enumerate(spec.bands)]
    if not spec.bands:
        outcomes += [(f"values[{phrase!r}]", value) for phrase, value in spec.values.items()]
    for where, value in outcomes:
        if value is not None and value != "":
            try:
                Candidate(**{"id": "-", key: value})
            except InvalidRecord as error:
                raise type(error)(f"{key}.{where}", error.problem) from None


def _fact_fields(value: object) -> FrozenMap:
    found = _fields_of_fact(value)
    if "at" not in found:
        raise InvalidRecord("at", "every fact needs its instant: say which column holds it")
    if (constant := found["at"].constant) is not None:
        try:
            fields.instant(constant)
        except InvalidRecord as error:
            raise error.under("at.constant") from None
    return found


@attrs.frozen(kw_only=True, field_transformer=fields.paths)
class Fact:
    """An interaction that each row tells of; one with an empty ``at`` cell does not.

    ``fields`` fills ``at``, ``channel``, ``outcome``, ``role_id`` and ``properties.…``.

    >>> Fact(kind="messaged", fields={"at": Column("last_contacted", timezone="Europe/Berlin")})
    Fact(kind='messaged')
    """

    kind: str = attrs.field(converter=to_kind)
    fields: FrozenMap = attrs.field(converter=_fact_fields, repr=False)


def _fact(value: object) -> Fact | None:
    if value is None or isinstance(value, Fact):
        return value
    if not isinstance(value, Mapping):
        raise InvalidRecord("", f"expected a table, got {type(value).__name__}")
    filled = {key: item for key, item in value.items() if key != "kind"}
    if "kind" not in value:
        raise InvalidRecord("kind", "expected an interaction kind, got nothing")
    try:
        return Fact(kind=value["kind"], fields=filled)
    except InvalidRecord as error:
        # In a TOML table the fields stand beside the kind.
        raise type(error)(error.path.removeprefix("fields."), error.problem) from None


def _captured(value: object) -> Fact | None:
    """Accept a fact; one that names no kind is that of capture."""
    return _fact({"kind": "captured", **value} if isinstance(value, Mapping) else value)


def _facts(value: object) -> tuple[Fact, ...]:
    if not isinstance(value, list | tuple):
        raise InvalidRecord("", f"expected a list of facts, got {type(value).__name__}")
    found = []
    for index, item in enumerate(value):
        try:
            fact = _fact(item)
        except InvalidRecord as error:
            raise error.under(f"[{index}]") from None
        if fact is None:
            raise InvalidRecord(f"[{index}]", "expected a fact, got nothing")
        found.append(fact)
    return tuple(found)


@attrs.frozen(kw_only=True, field_transformer=fields.paths, repr=False)
class CSVMapping:
    """Which column fills which field of `Candidate`, and which facts a row tells of.

    ``fields`` goes from a candidate's field (or ``custom.visa``, ``external_ids.ats``) to a
    `Column` or simply the column's name. ``captured`` is the fact that they came in (of the
    kind ``captured`` unless it says ``sourced``, ``attended``, …); ``facts`` are further ones.

    >>> CSVMapping(
    ...     fields={"id": Column("No", prefix="fair-"), "emails": "E-mail",
    ...             "skills": Column("Skills", separator=";"), "custom.visa": "Visa"},
    ...     captured=Fact(kind="attended", fields={"at": Column(constant="2026-03-02T09:00Z")}),
    ... )
    <CSVMapping: custom.visa, emails, id, skills>
    """

    fields: FrozenMap = attrs.field(converter=_candidate_fields)
    captured: Fact | None = attrs.field(default=None, converter=_captured)
    facts: tuple[Fact, ...] = attrs.field(default=(), converter=_facts)
    missing: tuple[str, ...] = attrs.field(default=("", "NA"), converter=_words)
    """Texts that mean no answer, in every column."""
    delimiter: str = attrs.field(default=",", converter=_letter)

    def __repr__(self) -> str:
        return f"<CSVMapping: {', '.join(sorted(self.fields))}>"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a file must have."""
        facts = [fact for fact in (self.captured, *self.facts) if fact]
        filled = [self.fields, *(fact.fields for fact in facts)]
        names = [name for group in filled for spec in group.values() for name in spec.column]
        return tuple(dict.fromkeys(names))

    @classmethod
    def from_toml(cls, path: File) -> "CSVMapping":
        """Read a mapping from a TOML file whose tables are named as the fields here.

        ::

            [fields]
            id = "No"
            skills = { column = "Skills", separator = ";" }

            [captured]
            kind = "attended"
            at = { column = "Scanned", format = "%d.%m.%Y %H:%M", timezone = "Europe/Berlin" }

        Raises `SourceError` with the path to the fault; unknown keys are faults.
        """
        with open_binary(path) as handle:
            try:
                return _build(cls, tomllib.load(handle), "")
            except InvalidRecord as error:
                raise SourceError(error.problem, file=label(path), path=error.path) from None
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                raise SourceError(f"is not TOML: {error}", file=label(path)) from None
