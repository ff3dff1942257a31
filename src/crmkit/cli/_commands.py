"""What each command does: read options, call `CRM`, print."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from crmkit._progress import Bar
from crmkit.cli._shared import file_of, instant, now_of, open_store, segments_of
from crmkit.errors import InvalidRecord, NotFound, SourceError
from crmkit.lifecycle import CRM, SystemClock
from crmkit.model import Role
from crmkit.sources import Imported, csv, greenhouse, jsonresume, write_rejected

if TYPE_CHECKING:
    from crmkit.stores import SQLStore


def demo(options: argparse.Namespace) -> None:
    """Run the demonstration, and say where to look."""
    from crmkit.demo import run_demo

    with Bar("simulating, week") as progress:
        result = run_demo(
            options.out,
            weeks=options.weeks,
            people=options.people,
            seed=options.seed,
            progress=progress,
        )
    print(result)


def import_(options: argparse.Namespace) -> None:
    """Take people in from a file: all of them, or the good ones, or none."""
    imported = _read(options)
    beside = options.file.with_name(f"{options.file.stem}.rejected{options.file.suffix}")
    with _for_import(options.db) as store, store.transaction():
        with Bar("importing") as progress:
            captured = CRM(store).capture_all(imported.relationships, progress=progress)
        if imported.rejected:
            write_rejected(imported, beside)
    print(f"{options.file}: {captured}")
    if imported.rejected:
        print(f"{len(imported.rejected)} rejected, with reasons, in {beside}")


def _read(options: argparse.Namespace) -> Imported:
    at = instant(options.captured_at, "--captured-at")
    kind = options.format or ("csv" if options.file.suffix.lower() == ".csv" else "greenhouse")
    if kind == "csv" and options.mapping is None:
        raise SourceError("a CSV file needs --mapping", file=str(options.file))
    with Bar("reading") as progress:
        if kind == "csv":
            return csv.read(
                options.file,
                csv.CSVMapping.from_toml(options.mapping),
                on_error=options.on_error,
                encoding=options.encoding,
                captured_at=at,
                progress=progress,
            )
        if kind == "jsonresume":
            captured = at or SystemClock().now()
            return jsonresume.read(
                options.file, captured_at=captured, on_error=options.on_error, progress=progress
            )
        return greenhouse.read(options.file, on_error=options.on_error, progress=progress)


def shortlist(options: argparse.Namespace) -> None:
    """Print who fits a role."""
    now = now_of(options)
    if not (options.role or options.title):
        raise InvalidRecord("--role", "name a stored role, or give --title for a new one")
    with open_store(options.db) as store, store.transaction():
        crm, now = CRM(store), now or store.now()
        role = _role(crm, options, now) if options.title else crm.role(options.role)
        with Bar("ranking") as progress:
            found = crm.convert(role, now=now, limit=options.limit, progress=progress)
    print(found)


def _role(crm: CRM, options: argparse.Namespace, now: datetime) -> Role:
    key = options.role or "-".join(options.title.casefold().split())
    try:
        opened_at = crm.role(key).opened_at  # asked for once more: it is open since then
    except NotFound:
        opened_at = now
    return Role(
        id=key,
        title=options.title,
        skills=_listed(options.skills),
        nice_to_have=_listed(options.nice_to_have),
        seniority=options.seniority,
        country=options.country,
        city=options.city,
        remote=options.remote,
        opened_at=opened_at,
    )


def _listed(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def explain(options: argparse.Namespace) -> None:
    """Print everything about one person."""
    now = now_of(options)
    segments = segments_of(options)
    with open_store(options.db) as store:
        try:
            found = CRM(store, segments=segments).explain(options.candidate, now=now)
        except NotFound as error:
            known = (person.id for person in store.candidates())
            raise NotFound(error.what, error.key, known) from None
    print(found)


@contextmanager
def _for_import(database: str) -> "Iterator[SQLStore]":
    """Open a database; a new one in which nobody came to be is taken away again."""
    file = file_of(database)
    vain = file is not None and not file.exists()
    try:
        with open_store(database, create=True) as store:
            try:
                yield store
            except BaseException:
                # Another process may have filled it meanwhile.
                vain = vain and next(store.candidates(), None) is None
                raise
            vain = False
    except BaseException:
        if vain and file:
            for each in ("", "-wal", "-shm"):
                file.with_name(file.name + each).unlink(missing_ok=True)
        raise
