"""What each command does: read options, call `CRM`, print."""

import argparse
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from crmkit._progress import Bar
from crmkit._time import to_instant
from crmkit.codec import loads
from crmkit.errors import (
    InvalidDocument,
    InvalidRecord,
    NaiveInstant,
    NotFound,
    SourceError,
    StoreError,
)
from crmkit.lifecycle import CRM, SystemClock, TemplateRenderer
from crmkit.model import FrozenMap, Role
from crmkit.segmentation import CATALOGUE, Segment, Segmenter
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
    at = _instant(options.captured_at, "--captured-at")
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


def run_due(options: argparse.Namespace) -> None:
    """Bring segments up to date, send what is due, list what people have to do."""
    from crmkit.senders import MaildirSender

    now = _now(options)
    segments = _segments(options)
    settings = {"from_address": options.from_address} if options.from_address else {}
    renderer = TemplateRenderer(
        organization=options.organization,
        signature=options.signature,
        postal_address=options.postal_address,
    )
    with _open(options.db) as store:
        sender = MaildirSender(options.outbox, **settings)
        crm = CRM(store, sender, renderer=renderer, segments=segments)
        with Bar("segments") as progress:
            moves = crm.advance(now=now, progress=progress)
        with Bar("engaging") as progress:
            run = crm.engage(now=now, limit=options.limit, progress=progress)
    print(moves)
    print(run)
    for task in run.tasks:
        print(f"  task: {task}")
    if run.sent:
        print(f"the messages are in {options.outbox}")
    if run.next_due:
        print(f"next due: {run.next_due:%Y-%m-%d %H:%M} UTC")


def shortlist(options: argparse.Namespace) -> None:
    """Print who fits a role."""
    now = _now(options)
    if not (options.role or options.title):
        raise InvalidRecord("--role", "name a stored role, or give --title for a new one")
    with _open(options.db) as store, store.transaction():
        crm = CRM(store)
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


def report(options: argparse.Namespace) -> None:
    """Write the scorecard as one page."""
    from crmkit.report import Report, need_templates, write_page

    now = _now(options)
    need_templates()
    with _open(options.db) as store:
        crm = CRM(store)
        with Bar("measuring") as progress:
            card = crm.measure(now=now, progress=progress)
        sizes = Counter(membership.segment for membership in store.memberships())
        page = Report(
            title=options.title,
            scorecard=card,
            simulated="Some of the facts counted are simulated." if card.simulated else None,
            segments=FrozenMap(sorted(sizes.items())),
            tasks=crm.tasks(now=now),
        )
    target = write_page(page, options.out)
    print(card)
    print(f"\nwritten to {target}")


def explain(options: argparse.Namespace) -> None:
    """Print everything about one person."""
    now = _now(options)
    segments = _segments(options)
    with _open(options.db) as store:
        try:
            found = CRM(store, segments=segments).explain(options.candidate, now=now)
        except NotFound as error:
            known = (person.id for person in store.candidates())
            raise NotFound(error.what, error.key, known) from None
    print(found)


def _segments(options: argparse.Namespace) -> tuple[Segment, ...]:
    """Return the segments of the file that was named; without one, the catalogue."""
    if options.segments is None:
        return CATALOGUE
    try:
        return loads(Segmenter, options.segments.read_bytes()).segments
    except InvalidDocument as error:
        where = error.path or None
        raise SourceError(error.problem, file=str(options.segments), path=where) from None


def _now(options: argparse.Namespace) -> datetime:
    return _instant(options.now, "--now") or SystemClock().now()


def _instant(text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        return to_instant(text, option)
    except NaiveInstant:
        problem = f"{text!r} has no time zone; say which, for example 2026-03-02T09:00Z"
        raise NaiveInstant(option, problem) from None


def _open(database: str, *, create: bool = False) -> "SQLStore":
    """Open a database; only an import may make a new one."""
    from crmkit.stores import SQLStore

    file = _file(database)
    if file is None:
        return SQLStore(database, create=create)
    if not create and not file.exists():
        raise StoreError(f"there is no database {file}; make one with 'crmkit import'")
    from sqlalchemy import URL  # there, since the store was imported

    return SQLStore(URL.create("sqlite", database=str(file)), create=create)


def _file(database: str) -> Path | None:
    """Return the SQLite file that ``--db`` names; None for any other URL."""
    if "://" not in database:
        return Path(database)
    path = database.removeprefix("sqlite:///")
    if path == database or "?" in path or path.startswith(("file:", ":memory:")) or not path:
        return None
    return Path(path)


@contextmanager
def _for_import(database: str) -> "Iterator[SQLStore]":
    """Open a database; a new one in which nobody came to be is taken away again."""
    file = _file(database)
    vain = file is not None and not file.exists()
    try:
        with _open(database, create=True) as store:
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
