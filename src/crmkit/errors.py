"""Every error that crmkit raises on purpose.

::

    CrmkitError
    ├── InvalidRecord (ValueError)        a field of a record does not hold
    │   ├── NaiveInstant                  an instant without a zone
    │   └── UnknownName                   a kind, field, enum member or zone nobody knows
    ├── InvalidDocument (ValueError)      JSON that is not the document it should be
    ├── SourceError (ValueError)          a file to import is faulty: file, row, column or path
    ├── AmbiguousIdentity (LookupError)   one incoming person matches several known ones
    ├── NotFound (LookupError)            nothing is stored under that id
    ├── RuleError (TypeError)             a rule that cannot mean anything
    ├── RenderError (ValueError)          a message would go out with a hole in it
    ├── InvalidToken (ValueError)         a link's token is not one of ours
    ├── StoreError (RuntimeError)         the database is locked, read-only, damaged or not one
    ├── SenderError (RuntimeError)        the sender cannot take messages at all
    └── MissingExtra (ImportError)        an optional library is not installed

Messages carry ids and paths, never names, addresses or other personal data.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class CrmkitError(Exception):
    """The root: catch it to catch everything that crmkit raises on purpose."""


class _Located(ValueError):  # noqa: N818 - the errors below say what they are
    """A value that does not hold; ``path`` leads to it, ``problem`` says what was expected."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path = path
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}" if self.path else self.problem


class InvalidRecord(CrmkitError, _Located):  # noqa: N818
    """A field of a record does not hold.

    ``path`` leads to the fault, ``problem`` says what was expected and what was got.

    >>> error = InvalidRecord("emails[0]", "expected an address with one '@'")
    >>> str(error)
    "emails[0]: expected an address with one '@'"
    >>> str(error.under("candidate"))
    "candidate.emails[0]: expected an address with one '@'"
    """

    def under(self, prefix: str) -> "InvalidRecord":
        """Return the same error, seen from the document that holds the record."""
        return type(self)(join_path(prefix, self.path), self.problem)


class NaiveInstant(InvalidRecord):
    """An instant came without a time zone, so nobody can say when it was."""


class UnknownName(InvalidRecord):
    """A kind, field, enum member or zone that nobody knows; near names are suggested."""

    @classmethod
    def among(cls, path: str, got: object, known: Iterable[str], *, what: str) -> "UnknownName":
        """Build the error for *got*, naming the nearest of *known* (or all, if they are few)."""
        names = sorted(map(str, known))
        return cls(path, f"{got!r} is not {what}; {suggest(str(got), names)}")


class InvalidDocument(CrmkitError, _Located):  # noqa: N818
    """A JSON document is broken, or is not of the kind that was asked for."""


class SourceError(CrmkitError, ValueError):
    """A file to import is faulty; ``file``, ``row`` and ``column`` (or ``path``) say where.

    ``row`` counts as a spreadsheet does: the header is row 1.

    >>> str(SourceError("no such country code", file="pool.csv", row=7, column="Country"))
    'pool.csv, row 7, column Country: no such country code'
    """

    def __init__(
        self,
        problem: str,
        *,
        file: str = "",
        row: int | None = None,
        column: str | None = None,
        path: str | None = None,
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.file = file
        self.row = row
        self.column = column
        self.path = path

    def __str__(self) -> str:
        places = [
            self.file,
            f"row {self.row}" if self.row is not None else "",
            f"column {self.column}" if self.column else "",
            self.path or "",
        ]
        where = ", ".join(place for place in places if place)
        return f"{where}: {self.problem}" if where else self.problem


class AmbiguousIdentity(CrmkitError, LookupError):  # noqa: N818
    """One incoming person matches several known ones, so no merge is safe.

    ``candidate_id`` is the incoming one, ``matches`` the ids it could be.
    """

    def __init__(self, candidate_id: str, matches: Iterable[str]) -> None:
        self.candidate_id = candidate_id
        self.matches = tuple(sorted(matches))
        super().__init__(candidate_id, self.matches)

    def __str__(self) -> str:
        known = ", ".join(repr(match) for match in self.matches)
        return (
            f"candidate {self.candidate_id!r} shares an e-mail address or external id with "
            f"{known}; nothing was captured. If they are one person, call "
            "crm.merge(keep, absorb) first; if not, correct the shared address"
        )


class NotFound(CrmkitError, LookupError):  # noqa: N818
    """Nothing is stored under that id."""

    def __init__(self, what: str, key: str, known: Iterable[str] = ()) -> None:
        self.what = what
        self.key = key
        self.known = tuple(known)
        super().__init__(what, key)

    def __str__(self) -> str:
        hint = f"; {suggest(self.key, self.known)}" if self.known else ""
        return f"no {self.what} {self.key!r}{hint}"


class RuleError(CrmkitError, TypeError):
    """A rule that cannot mean anything: a wrong type, a bad window, a truth test."""


class RenderError(CrmkitError, ValueError):
    """A message would go out with a hole in it, or broken, so it does not go out.

    ``path`` leads to the text at fault, from the touch on. ``missing`` names the values that no
    variant of the text could do without; ``problem`` says what else is wrong with it.

    >>> str(RenderError("welcome", ["$company"], path="welcome.bodies[0]"))
    'welcome.bodies[0] needs $company, which is not known; add a body that does without'
    """

    def __init__(
        self, touch: str, missing: Iterable[str] = (), *, path: str = "", problem: str = ""
    ) -> None:
        self.touch = touch
        self.missing = tuple(missing)
        self.path = path
        self.problem = problem
        super().__init__(touch, self.missing)

    def __str__(self) -> str:
        where = self.path or f"touch {self.touch!r}"
        if self.problem:
            return f"{where}: {self.problem}"
        return (
            f"{where} needs {', '.join(self.missing)}, which is not known; "
            "add a body that does without"
        )


class InvalidToken(CrmkitError, ValueError):  # noqa: N818
    """A token of a link was not made with one of the secrets, or was changed on the way."""


class StoreError(CrmkitError, RuntimeError):
    """The database is locked, read-only, full, damaged or not a database."""


class SenderError(CrmkitError, RuntimeError):
    """The sender cannot take messages at all (an outbox that cannot be written, say)."""


class MissingExtra(CrmkitError, ImportError):  # noqa: N818
    """An optional library is not installed; the message is the command that installs it."""

    def __init__(self, extra: str, feature: str) -> None:
        self.extra = extra
        self.feature = feature
        super().__init__(f"{feature} needs an extra: pip install 'crmkit[{extra}]'")

    def __reduce__(self) -> tuple[type["MissingExtra"], tuple[str, str]]:
        return type(self), (self.extra, self.feature)


def join_path(prefix: str, path: str) -> str:
    """Join two document paths: ``a`` and ``b`` to ``a.b``, ``a`` and ``[0]`` to ``a[0]``."""
    if not prefix or not path:
        return prefix or path
    return f"{prefix}{path}" if path.startswith("[") else f"{prefix}.{path}"


def suggest(got: object, known: Iterable[str]) -> str:
    """Say which of *known* is nearest to *got*, or list them when they are few."""
    names = [str(name) for name in known]
    near = get_close_matches(str(got), names, n=1, cutoff=0.75)
    if near:
        return "did you mean " + " or ".join(repr(name) for name in near) + "?"
    if len(names) <= 12:
        return "known: " + ", ".join(repr(name) for name in names)
    return f"there are {len(names)} known names and none is near"
