"""The demonstration: a simulated year of the whole practice on a sample of real people.

The people are respondents of a developer survey; how they came in, their addresses and all that
they do is simulated from a seed. Only the demonstration is made up: capture, segments, plans,
permission, messages, shortlist and scorecard are the library at work.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs

from crmkit._time import WEEK
from crmkit.cadence import TouchState
from crmkit.datasets import simulate_contacts, simulate_responses, survey_csv, survey_mapping
from crmkit.errors import InvalidRecord, StoreError
from crmkit.lifecycle import CRM, Progress, Shortlist, TemplateRenderer
from crmkit.metrics import Scorecard
from crmkit.model import FrozenMap, Interaction, Relationship, Role
from crmkit.report import Report, write_page
from crmkit.segmentation import CATALOGUE, by_location, by_seniority, by_skill
from crmkit.senders import MaildirSender
from crmkit.sources import csv
from crmkit.stores import SQLStore

START = datetime(2025, 1, 6, 9, tzinfo=UTC)
"""The first Monday of the simulated year."""

SEGMENTS = (
    *CATALOGUE,
    by_skill("python"),
    by_seniority("senior", "lead"),
    by_location(country="DE"),
)
"""The eight segments of the field."""

ROLE = Role(
    id="backend-engineer",
    title="Back-end engineer",
    skills=["python", "sql"],
    nice_to_have=["go", "bash/shell/powershell"],
    seniority="senior",
    country="DE",
    opened_at=START,
)
"""Opened in the last simulated week."""

ATTRIBUTION = (
    "The people are a sample of the Stack Overflow Annual Developer Survey 2019 "
    "(Open Database License 1.0): no names, no addresses."
)
SIMULATED = (
    "Sources, addresses, opens, replies, applications and hires are made up from a seed; real "
    "engagement logs are not public. The people, their skills, places and job-search status are "
    "survey answers."
)


@attrs.frozen(kw_only=True, repr=False)
class DemoResult:
    """Where the demonstration left what, and what it found."""

    folder: Path
    people: int
    messages: int
    shortlist: Shortlist
    scorecard: Scorecard

    def __repr__(self) -> str:
        return f"<DemoResult in {self.folder}: {self.people} people, {self.messages} messages>"

    def __str__(self) -> str:
        best = [f"  {place}. {each}" for place, each in enumerate(self.shortlist.fits[:3], 1)]
        return "\n".join(
            [
                str(self.scorecard),
                "",
                f"Who have we already met that fits: {self.shortlist.role.title}?",
                *best,
                "",
                f"{self.people} people, {self.messages} messages, all simulated. Look at:",
                f"  {self.folder / 'report.html'}   the page, in a browser",
                f"  {self.folder / 'outbox'}        the messages, a Maildir",
                f"  {self.folder / 'talent.db'}     the database; for example:",
                f"  crmkit explain {self.shortlist.fits[0].candidate_id} "
                f"--db {self.folder / 'talent.db'} --now {self.scorecard.as_of.isoformat()}",
            ]
        )


def run_demo(
    folder: Path,
    *,
    weeks: int = 52,
    people: int | None = None,
    seed: int = 2019,
    progress: Progress | None = None,
) -> DemoResult:
    """Run the demonstration into *folder*, or go on where an earlier run was stopped.

    ``people`` takes only so many of the sample.

    Every step can be repeated without changing anything, and the step that a stopped run was in
    is repeated, so the final state is the same however often it was stopped.
    """
    if weeks < 1:
        raise InvalidRecord("weeks", f"expected at least 1, got {weeks}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder} cannot be made: {error.strerror}") from None
    mark = _Bookmark(folder / "demo.json", seed)
    # A power failure would only cost a simulation: the disk is written when the system likes.
    with SQLStore(f"sqlite:///{folder / 'talent.db'}", durable=False) as store:
        crm = CRM(
            store,
            MaildirSender(
                folder / "outbox", from_address="Talent team <talent@example.org>", durable=False
            ),
            segments=SEGMENTS,
            renderer=TemplateRenderer(
                organization="Example Works",
                signature="Sam, talent team at Example Works",
                postal_address="Example Works, 1 Example Street, 12345 Exampletown",
            ),
        )
        if mark.done < 0:
            crm.capture_all(_pool(seed, people))
            mark.move(0)
        for week in range(mark.done, weeks + 1):
            now = START + week * WEEK
            if week:
                crm.record(_answers(crm, store, seed, now - WEEK, now))
            crm.segment(now=now)
            crm.engage(now=now)
            mark.move(week + 1)
            if progress:
                progress(week, weeks)
        return _look(crm, store, folder, START + weeks * WEEK, weeks)


def _pool(seed: int, people: int | None) -> tuple[Relationship, ...]:
    mapping = csv.CSVMapping.from_toml(survey_mapping())
    sample = csv.read(survey_csv(), mapping).relationships[:people]
    return simulate_contacts(sample, seed=seed, at=START)


def _answers(
    crm: CRM, store: SQLStore, seed: int, since: datetime, now: datetime
) -> Iterator[Interaction]:
    """Yield what the people did in the week before, and what recruiters did with their tasks."""
    for relationship in crm.relationships():
        yield from simulate_responses(relationship, seed=seed, since=since, now=now)
    for record in store.touches():
        if record.state is TouchState.TASK:
            called_at = record.at + timedelta(hours=24 + _draw(seed, record.key) % 96)
            if since < called_at <= now:
                yield Interaction(
                    candidate_id=record.candidate_id,
                    kind="called",
                    at=called_at,
                    channel="phone",
                    enrollment_id=record.enrollment_id,
                    touch=record.touch,
                    rotation=record.rotation,
                    properties={"simulated": True},
                )


def _draw(seed: int, key: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}:{key}".encode()).digest()[:4])


def _look(crm: CRM, store: SQLStore, folder: Path, now: datetime, weeks: int) -> DemoResult:
    segments, run = crm.segment(now=now), crm.engage(now=now)
    best = crm.convert(attrs.evolve(ROLE, opened_at=now), now=now)
    card = crm.measure(now=now)
    kinds = Counter(fact.kind for each in crm.relationships() for fact in each.history)
    first = crm.explain(best.fits[0].candidate_id, now=now)
    page = Report(
        title="A year of keeping in touch",
        scorecard=card,
        simulated=SIMULATED,
        segments=segments.sizes,
        sizes=_sizes(store, weeks),
        activity=FrozenMap({_WORDS[kind]: kinds[kind] for kind in _WORDS if kinds[kind]}),
        refusals=FrozenMap(Counter(each.why.partition(":")[0] for each in run.refused)),
        shortlist=best,
        plan=first.plans[0] if first.plans else None,
        tasks=crm.tasks(now=now),
        notes=[ATTRIBUTION],
    )
    write_page(page, folder / "report.html")
    return DemoResult(
        folder=folder,
        people=best.considered,
        messages=kinds["sent"],
        shortlist=best,
        scorecard=card,
    )


_WORDS = {
    "sent": "messages sent",
    "opened": "opens (machines among them)",
    "clicked": "clicks (machines among them)",
    "replied": "replies",
    "called": "calls by recruiters",
    "unsubscribed": "unsubscribed",
    "bounced": "bounced",
    "applied": "applications",
    "hired": "hires",
    "archived": "archived after a silent sequence",
}


def _sizes(store: SQLStore, weeks: int) -> list[tuple[datetime, FrozenMap]]:
    moves = list(store.transitions())
    sizes: Counter[str] = Counter()
    found, place = [], 0
    for week in range(weeks + 1):
        now = START + week * WEEK
        while place < len(moves) and moves[place].at <= now:
            sizes[moves[place].segment] += 1 if moves[place].entered else -1
            place += 1
        found.append((now, FrozenMap(sizes)))
    return found


class _Bookmark:
    """How far the run has come; replaced as a whole, so that a stop leaves the last one."""

    def __init__(self, path: Path, seed: int) -> None:
        self._path, self._seed = path, seed
        self.done = -1
        if path.exists():
            try:
                kept = json.loads(path.read_text(encoding="utf-8"))
                kept_seed, self.done = int(kept["seed"]), int(kept["done"])
            except (ValueError, KeyError, TypeError):
                raise StoreError(f"{path} is damaged; choose another folder") from None
            if kept_seed != seed:
                raise StoreError(
                    f"{path.parent} holds a demonstration with seed {kept_seed}; "
                    "choose another folder"
                )

    def move(self, done: int) -> None:
        self.done = done
        draft = self._path.with_name(f".{self._path.name}.part")
        draft.write_text(json.dumps({"seed": self._seed, "done": done}), encoding="utf-8")
        draft.replace(self._path)
