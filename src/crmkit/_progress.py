"""How far long work has come: who is told, and a line that shows it."""

import sys
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import Self, TextIO

_WIDTH = 30
_PAUSE = 0.1
"""Seconds between two drawings."""


Progress = Callable[[int, int | None], None]
"""Called with how many are done and how many there are in all (None when nobody knows)."""


class Bar:
    """A progress bar; silent when *stream* is no terminal, unless *shown* says otherwise.

    Call it with how many are done and how many there are (None when nobody knows).
    """

    def __init__(
        self, what: str, stream: TextIO | None = None, *, shown: bool | None = None
    ) -> None:
        self._what = what
        self._stream = stream or sys.stderr
        self._shown = self._stream.isatty() if shown is None else shown
        self._drawn_at = -_PAUSE

    def __call__(self, done: int, total: int | None) -> None:
        now = monotonic()
        if not self._shown or (now - self._drawn_at < _PAUSE and done != total):
            return
        self._drawn_at = now
        self._stream.write(f"\r\x1b[K{self._what} {_bar(done, total)}")
        self._stream.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


def _bar(done: int, total: int | None) -> str:
    if not total:
        return f"{done:,}"
    full = min(_WIDTH, _WIDTH * done // total)
    return f"[{'#' * full}{'.' * (_WIDTH - full)}] {done:,} of {total:,}"
