"""The run: a list of steps, each of which can be repeated without changing anything."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

from crmkit._time import WEEK
from crmkit.demo import _story as story
from crmkit.demo._bookmark import Bookmark
from crmkit.demo._show import DemoResult, show
from crmkit.errors import InvalidRecord, MissingExtra, StoreError
from crmkit.lifecycle import CRM, Progress, TemplateRenderer
from crmkit.model import Relationship
from crmkit.protocols import Store
from crmkit.report import need_templates
from crmkit.senders import MaildirSender


def run_demo(
    folder: Path,
    *,
    weeks: int = 52,
    people: int | None = 500,
    seed: int = 2019,
    progress: Progress | None = None,
) -> DemoResult:
    """Run the demonstration into *folder*, or go on where an earlier run was stopped.

    ``people`` is how many of the sample to take (None for all 700). ``progress`` is called with
    the weeks done and the weeks there are.

    Every step can be repeated without changing anything, and the step that a stopped run was in
    is repeated, so the final state is the same however often it was stopped. Raises `StoreError`
    or `SenderError` when something in the folder cannot be written or is not a run with the same
    seed and people, and `MissingExtra` without ``crmkit[demo]``.
    """
    try:
        from crmkit.stores import SQLStore

        need_templates()
    except MissingExtra:
        raise MissingExtra("demo", "the demonstration") from None
    from sqlalchemy import URL

    _check("weeks", weeks)
    if people is not None:
        _check("people", people)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        mark = Bookmark(folder, seed=seed, people=people, steps=1 + 3 * (weeks + 1))
    except OSError as error:
        raise StoreError(f"{folder} cannot be used: {error.strerror}") from None
    sender = MaildirSender(
        folder / "outbox", from_address="Talent team <talent@example.org>", durable=False
    )
    database = URL.create("sqlite", database=str(folder / "talent.db"))
    # A power failure would cost no more than a simulation: the system may write when it likes.
    with SQLStore(database, durable=False) as store:
        crm = CRM(
            store,
            sender,
            segments=story.SEGMENTS,
            renderer=TemplateRenderer(
                organization="Example Works",
                signature="Sam, talent team at Example Works",
                postal_address="Example Works, 1 Example Street, 12345 Exampletown",
            ),
        )
        store.end_leases()  # a run that was stopped has nobody in hand any more
        for place, (week, step) in enumerate(_steps(crm, store, seed, people, weeks), 1):
            if place > mark.done:
                step()
                mark.move(place)
                if progress:
                    progress(week, weeks)
        return show(crm, folder, weeks=weeks)


def _check(name: str, value: int) -> None:
    if value < 1:
        raise InvalidRecord(name, f"expected at least 1, got {value}")


def _steps(
    crm: CRM, store: Store, seed: int, people: int | None, weeks: int
) -> Iterator[tuple[int, Callable[[], object]]]:
    """Yield each step with its week.

    Segment and engage are apart: what engage writes would be seen by a segment of the same week.
    """
    yield 0, lambda: crm.capture_all(story.pool(seed, people))
    outside = story.outsiders(seed, people)
    for week in range(weeks + 1):
        now = story.START + week * WEEK
        yield week, partial(_live, crm, store, seed, outside, now=now)
        yield week, partial(crm.advance, now=now)
        yield week, partial(crm.engage, now=now)


def _live(
    crm: CRM, store: Store, seed: int, outside: tuple[Relationship, ...], *, now: datetime
) -> None:
    """Let a week pass: roles open, outsiders apply, people answer, recruiters call."""
    since = now - WEEK
    store.put_roles(role for role in story.ROLES if role.opened_at and role.opened_at <= now)
    arrived = (known for each in outside if (known := each.upto(now)).history)
    crm.capture_all(arrived, now=now)
    answers = (
        answer
        for each in crm.relationships()
        for answer in story.answers(each, seed=seed, since=since, now=now)
    )
    crm.record(answers, now=now)
    crm.record(story.calls(store.touches(), seed=seed, since=since, now=now), now=now)
