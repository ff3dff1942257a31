"""What each command does: read options, call `CRM`, print."""

import argparse
from collections import Counter
from datetime import datetime
from pathlib import Path

from crmkit._time import to_instant
from crmkit.cli._progress import Bar
from crmkit.demo import run_demo
from crmkit.errors import SourceError, StoreError
from crmkit.lifecycle import CRM, SystemClock, TemplateRenderer
from crmkit.model import FrozenMap, Role
from crmkit.report import Report, write_page
from crmkit.senders import MaildirSender, MemorySender
from crmkit.sources import Imported, csv, greenhouse, jsonresume, write_rejected
from crmkit.stores import SQLStore


def demo(options: argparse.Namespace) -> None:
    """Run the demonstration, and say where to look."""
    with Bar("simulating") as progress:
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
    with _open(options.db, create=True) as store:
        imported = _read(options)
        with Bar("importing") as progress:
            captured = CRM(store).capture_all(imported.relationships, progress=progress)
    print(f"{options.file}: {captured}")
    if imported.rejected:
        beside = options.file.with_name(f"{options.file.stem}.rejected{options.file.suffix}")
        count = write_rejected(imported, beside)
        print(f"{count} rejected, with reasons, in {beside}")


def _read(options: argparse.Namespace) -> Imported:
    on_error = "collect" if options.keep_good else "raise"
    at = to_instant(options.captured_at, "--captured-at") if options.captured_at else None
    kind = options.format or ("csv" if options.file.suffix.lower() == ".csv" else "greenhouse")
    with Bar("reading") as progress:
        if kind == "csv":
            if options.mapping is None:
                raise SourceError("a CSV file needs --mapping", file=str(options.file))
            mapping = csv.CSVMapping.from_toml(options.mapping)
            return csv.read(
                options.file, mapping, on_error=on_error, captured_at=at, progress=progress
            )
        if kind == "jsonresume":
            captured = at or SystemClock().now()
            return jsonresume.read(
                options.file, captured_at=captured, on_error=on_error, progress=progress
            )
        return greenhouse.read(options.file, on_error=on_error, progress=progress)


def run_due(options: argparse.Namespace) -> None:
    """Bring segments up to date, send what is due, list what people have to do."""
    now = _instant(options)
    settings = {"from_address": options.from_address} if options.from_address else {}
    sender = MaildirSender(options.outbox, **settings)
    renderer = TemplateRenderer(
        organization=options.organization,
        signature=options.signature,
        postal_address=options.postal_address,
    )
    with _open(options.db) as store:
        crm = CRM(store, sender, renderer=renderer)
        with Bar("segments") as progress:
            segments = crm.segment(now=now, progress=progress)
        with Bar("engaging") as progress:
            run = crm.engage(now=now, limit=options.limit, progress=progress)
    print(segments)
    print(run)
    for task in run.tasks:
        print(f"  task: {task.touch} for {task.candidate_id}, due {task.due_at:%Y-%m-%d}")


def shortlist(options: argparse.Namespace) -> None:
    """Print who fits a role."""
    now = _instant(options)
    with _open(options.db) as store:
        crm = CRM(store)
        role = _role(options, now) if options.title else crm.role(options.role or "")
        with Bar("ranking") as progress:
            print(crm.convert(role, now=now, limit=options.limit, progress=progress))


def _role(options: argparse.Namespace, now: datetime) -> Role:
    return Role(
        id=options.role or "-".join(options.title.casefold().split()),
        title=options.title,
        skills=_listed(options.skills),
        nice_to_have=_listed(options.nice_to_have),
        seniority=options.seniority,
        country=options.country,
        city=options.city,
        remote=options.remote,
        opened_at=now,
    )


def _listed(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def report(options: argparse.Namespace) -> None:
    """Write the scorecard as one page."""
    now = _instant(options)
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
    print(card)
    print(f"\nwritten to {write_page(page, options.out)}")


def explain(options: argparse.Namespace) -> None:
    """Print everything about one person."""
    with _open(options.db) as store:
        print(CRM(store, MemorySender()).explain(options.candidate, now=_instant(options)))


def _instant(options: argparse.Namespace) -> datetime:
    return to_instant(options.now, "--now") if options.now else SystemClock().now()


def _open(database: str, *, create: bool = False) -> SQLStore:
    """Open a database; only an import may make a new one."""
    if "://" in database:
        return SQLStore(database)
    if not create and not Path(database).exists():
        raise StoreError(f"there is no database {database}; make one with 'crmkit import'")
    return SQLStore(f"sqlite:///{database}")
