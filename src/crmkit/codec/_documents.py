"""Documents: what stands with a version of its format, and may come from anybody."""

from collections.abc import Mapping
from typing import Any, TypeGuard

from crmkit.codec import _cadences as cadences
from crmkit.codec import _limits as limits
from crmkit.codec import _rules as rules
from crmkit.codec import _values as values
from crmkit.codec._forms import at
from crmkit.codec._text import DEEP
from crmkit.errors import InvalidRecord

VERSION = 1
DOCUMENTS = (*rules.LONGEST, *cadences.LONGEST)

_LONGEST = {**rules.LONGEST, **cadences.LONGEST}
_SHOWN = 400


def is_document(cls: Any) -> TypeGuard[type]:
    """Whether *cls* is written as a document."""
    return isinstance(cls, type) and issubclass(cls, DOCUMENTS)


def check_text(cls: type, text: str | bytes) -> None:
    """Raise `InvalidRecord` when *text* is too long for a document of *cls*."""
    limits.check_text(text, next(_LONGEST[each] for each in cls.__mro__ if each in _LONGEST))


def write(record: Any) -> dict[str, Any]:
    """Return the document of *record*; raise `InvalidRecord` where it could not be read again."""
    of_rules = isinstance(record, tuple(rules.LONGEST))
    document = {"version": VERSION, **(rules if of_rules else cadences).write(record)}
    (rules if of_rules else cadences).measure(type(record), document)
    return document


def read(value: object, cls: type) -> Any:
    """Return the record of *cls* in the document; raise `InvalidRecord` if there is none."""
    try:
        items = values.mapping(value)
        _check_version(items)
        kind = rules if issubclass(cls, tuple(rules.LONGEST)) else cadences
        kind.measure(cls, items)
        return kind.read(cls, items)
    except InvalidRecord as error:
        problem = error.problem
        if len(problem) <= _SHOWN:
            raise
        shown = f"{problem[: _SHOWN // 2]} … {problem[-_SHOWN // 2 :]}"
        raise InvalidRecord(error.path, shown) from None
    except RecursionError:
        raise InvalidRecord("", DEEP) from None


def _check_version(items: Mapping[str, Any]) -> None:
    if "version" not in items:
        raise InvalidRecord("version", "missing, and needed")
    version = at("version", values.read_whole, items["version"])
    if version != VERSION:
        raise InvalidRecord("version", f"expected {VERSION}, the only one that this crmkit knows")
