"""What several commands do: find the database, the segments and the instant that were named."""

import argparse
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from crmkit._time import to_instant
from crmkit.codec import loads
from crmkit.errors import InvalidDocument, NaiveInstant, SourceError, StoreError
from crmkit.segmentation import CATALOGUE, Segment, Segmenter

if TYPE_CHECKING:
    from crmkit.stores import SQLStore


def segments_of(options: argparse.Namespace) -> tuple[Segment, ...]:
    """Return the segments of the file that was named; without one, the catalogue."""
    if options.segments is None:
        return CATALOGUE
    try:
        return loads(Segmenter, options.segments.read_bytes()).segments
    except InvalidDocument as error:
        where = error.path or None
        raise SourceError(error.problem, file=str(options.segments), path=where) from None


def now_of(options: argparse.Namespace) -> datetime | None:
    """Return the instant that was named; None: the store's clock says."""
    return instant(options.now, "--now")


def instant(text: str | None, option: str) -> datetime | None:
    """Return an instant that was given with its zone."""
    if text is None:
        return None
    try:
        return to_instant(text, option)
    except NaiveInstant:
        problem = f"{text!r} has no time zone; say which, for example 2026-03-02T09:00Z"
        raise NaiveInstant(option, problem) from None


def open_store(database: str, *, create: bool = False) -> "SQLStore":
    """Open a database; only an import may make a new one."""
    from crmkit.stores import SQLStore

    file = file_of(database)
    if file is None:
        return SQLStore(database, create=create)
    if not create and not file.exists():
        raise StoreError(f"there is no database {file}; make one with 'crmkit import'")
    from sqlalchemy import URL  # there, since the store was imported

    return SQLStore(URL.create("sqlite", database=str(file)), create=create)


def file_of(database: str) -> Path | None:
    """Return the SQLite file that ``--db`` names; None for any other URL."""
    if "://" not in database:
        return Path(database)
    path = database.removeprefix("sqlite:///")
    if path == database or "?" in path or path.startswith(("file:", ":memory:")) or not path:
        return None
    return Path(path)
