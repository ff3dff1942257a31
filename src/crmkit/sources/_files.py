"""Opening files and reading them as text or JSON; every fault is a `SourceError`."""

import codecs
import io
import json
import os
import re
from collections.abc import Iterator
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import IO, Any

from crmkit._progress import Progress
from crmkit.errors import SourceError, suggest

File = str | os.PathLike[str] | Traversable
CHUNK = 1 << 16
LONGEST_LINE = 1 << 24
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def label(file: File) -> str:
    """Return the name under which errors speak of *file*."""
    return str(file)


def open_binary(file: File) -> IO[bytes]:
    """Open *file* for reading, or say why it cannot be."""
    try:
        path = Path(file) if isinstance(file, str | os.PathLike) else file
        return path.open("rb")
    except FileNotFoundError:
        raise SourceError("there is no such file", file=label(file)) from None
    except IsADirectoryError:
        raise SourceError("is a directory, not a file", file=label(file)) from None
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", file=label(file)) from error
    except ValueError as error:
        raise SourceError(f"is no file name: {error}", file=label(file)) from None


def text_encoding(encoding: str | None, file: str) -> str:
    """Return the encoding to read with; UTF-8 may begin with a byte-order mark."""
    try:
        name = codecs.lookup(encoding or "utf-8").name
        codecs.getincrementaldecoder(name)
        # Refuses codecs that are not of text; an empty text would not even be looked at.
        "x".encode(name)
    except (LookupError, ValueError):
        known = ["utf-8", "utf-16", "cp1252", "latin-1", "shift_jis", "gb18030"]
        problem = f"{encoding!r} is not a text encoding; {suggest(str(encoding), known)}"
        raise SourceError(problem, file=file) from None
    return "utf-8-sig" if name == "utf-8" else name


class Unreadable(Exception):  # noqa: N818 - becomes a SourceError where the row is known
    """The bytes are not text in the encoding asked for, or a line has no end."""


class Lines:
    """The lines of a text file with their ends, read in one pass.

    Whatever comes before an undecodable byte is yielded first, so that the reader knows in which
    row it is. ``recent`` holds the lines since it was last emptied.
    """

    def __init__(self, handle: IO[bytes], encoding: str, progress: Progress | None) -> None:
        self._handle = handle
        self._encoding = encoding
        self._progress = progress
        self._total = _size(handle)
        self._read = 0
        self.recent: list[str] = []

    def __iter__(self) -> Iterator[str]:
        pending = ""
        for text in self._texts():
            pieces = list(io.StringIO(pending + text, newline=""))
            # A chunk may end between CR and LF, which are one line end.
            whole = bool(pieces) and pieces[-1].endswith("\n")
            pending = "" if whole or not pieces else pieces.pop()
            yield from self._remember(pieces)
            if len(pending) > LONGEST_LINE:
                raise Unreadable(f"a line is longer than {LONGEST_LINE} characters")
        if pending:
            yield from self._remember([pending])

    def _remember(self, lines: list[str]) -> Iterator[str]:
        for line in lines:
            self.recent.append(line)
            yield line

    def _texts(self) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder(self._encoding)()
        while True:
            chunk = self._handle.read(CHUNK)
            self._read += len(chunk)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                yield error.object[: error.start].decode(self._encoding, "ignore")
                raise self._unreadable(error) from None
            if self._progress:
                self._progress(self._read, self._total)
            yield text
            if not chunk:
                return

    def _unreadable(self, error: UnicodeDecodeError) -> Unreadable:
        offset = self._read - len(error.object) + error.start
        encoding = "UTF-8" if self._encoding == "utf-8-sig" else self._encoding
        guess = "utf-16" if offset == 0 and error.object[:1] in {b"\xff", b"\xfe"} else "cp1252"
        return Unreadable(
            f"byte {offset} is not {encoding} text; if the file is in another encoding, "
            f"pass it, for example encoding={guess!r}"
        )


def _size(handle: IO[bytes]) -> int | None:
    try:
        return os.fstat(handle.fileno()).st_size or None
    except OSError:
        return None


def read_bytes(file: File) -> bytes:
    """Return what *file* holds."""
    with open_binary(file) as handle:
        return handle.read()


def parse_json(data: bytes, file: File) -> Any:
    """Return the JSON document in the *data* of *file*; a fault names line and column."""
    if not data.strip():
        raise SourceError("is empty; expected a JSON document", file=label(file))
    try:
        text = data.decode("utf-8-sig")
        document = json.loads(text, parse_constant=_no_constant)
        if _SURROGATE.search(data):
            json.dumps(document, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        cut = "; the file ends too early" if error.pos >= len(text.rstrip()) else ""
        raise SourceError(f"{error.msg} at {where}{cut}", file=label(file)) from None
    except UnicodeDecodeError as error:
        problem = f"byte {error.start} is not UTF-8, which JSON has to be"
        raise SourceError(problem, file=label(file)) from None
    except UnicodeEncodeError:
        raise SourceError(
            "holds half a surrogate pair, which is no text", file=label(file)
        ) from None
    except RecursionError:
        raise SourceError("is nested too deeply", file=label(file)) from None
    except ValueError as error:
        raise SourceError(str(error), file=label(file)) from None
    return document


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
