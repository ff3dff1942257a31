"""An answer that says why, and until when."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from html import escape
from typing import Any, Generic

import attrs
from typing_extensions import TypeVar

T_co = TypeVar("T_co", default=bool, covariant=True)


def _reasons(value: "Iterable[Reason]") -> "tuple[Reason, ...]":
    return tuple(value)


@attrs.frozen(repr=False)
class Reason:
    """One reason and the reasons below it.

    ``text`` says what was asked, ``holds`` whether it is so (None where that is no question),
    ``found`` what was there ("unknown" where data was missing), ``until`` how long the clock
    alone leaves it so.

    >>> print(Reason("all of", holds=False, parts=(
    ...     Reason("source is 'sourced'", holds=True, found="'sourced'"),
    ...     Reason("country is 'DE'", holds=False, found="unknown"))))
    ✗ all of
      ✓ source is 'sourced' (found 'sourced')
      ✗ country is 'DE' (found unknown)
    """

    text: str
    holds: bool | None = attrs.field(default=None, kw_only=True)
    found: str | None = attrs.field(default=None, kw_only=True)
    until: datetime | None = attrs.field(default=None, kw_only=True)
    parts: "tuple[Reason, ...]" = attrs.field(default=(), converter=_reasons, kw_only=True)

    def __repr__(self) -> str:
        return f"<Reason: holds={self.holds}, {len(self.parts)} parts>"

    def __str__(self) -> str:
        return "\n".join(self._lines(0))

    def _lines(self, depth: int) -> Iterator[str]:
        yield "  " * depth + self._line()
        for part in self.parts:
            yield from part._lines(depth + 1)

    def _line(self) -> str:
        mark = {True: "✓ ", False: "✗ ", None: ""}[self.holds]
        found = f" (found {self.found})" if self.found is not None else ""
        until = f", until {self.until:%Y-%m-%d %H:%M} UTC" if self.until else ""
        return f"{mark}{self.text}{found}{until}"

    def to_dict(self) -> dict[str, Any]:
        """Return the tree as JSON values."""
        return {
            "text": self.text,
            "holds": self.holds,
            "found": self.found,
            "until": self.until.isoformat() if self.until else None,
            "parts": [part.to_dict() for part in self.parts],
        }

    def _repr_html_(self) -> str:
        below = "".join(part._repr_html_() for part in self.parts)
        return f"<ul><li>{escape(self._line())}{below}</li></ul>"


@attrs.frozen(repr=False)
class Verdict(Generic[T_co]):
    """A value, the reasons it rests on, and the instant up to which it holds.

    Truthy as its value. ``until`` is sound: if no new fact arrives, the value is the same at
    every instant from `now` up to, not including, ``until``; None means that the clock alone
    never changes it.

    >>> verdict = Verdict(True, Reason("met within 90 days", holds=True))
    >>> bool(verdict), verdict
    (True, <Verdict True, until no clock changes it>)
    """

    value: T_co
    because: Reason
    until: datetime | None = None

    def __bool__(self) -> bool:
        return bool(self.value)

    def __repr__(self) -> str:
        until = f"{self.until:%Y-%m-%d %H:%M:%S} UTC" if self.until else "no clock changes it"
        return f"<{type(self).__name__} {self.value}, until {until}>"

    def __str__(self) -> str:
        return f"{self!r}\n{self.because}"

    def to_dict(self) -> dict[str, Any]:
        """Return value, reasons and instant as JSON values."""
        return {
            "value": self.value,
            "because": self.because.to_dict(),
            "until": self.until.isoformat() if self.until else None,
        }

    def _repr_html_(self) -> str:
        return f"<div>{escape(repr(self))}{self.because._repr_html_()}</div>"
