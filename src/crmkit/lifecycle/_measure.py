"""Measure: the scorecard of what is stored, with what only the workspace knows."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from crmkit._progress import Progress
from crmkit._time import to_instant
from crmkit.lifecycle._workspace import Workspace
from crmkit.model import FrozenMap

if TYPE_CHECKING:
    from crmkit.metrics import Attribution, Costs, Scorecard


def measure(
    work: Workspace,
    now: datetime,
    *,
    window: timedelta,
    costs: "Costs | Iterable[Costs] | None",
    ratings: Mapping[str, float] | None,
    attribution: "Attribution | None",
    progress: Progress | None,
) -> "Scorecard":
    """Return the scorecard, with segments as they were at *now* by the log of who moved."""
    # Whoever sends a message need not wait for all that measures.
    from crmkit.metrics import Attribution, scorecard

    return scorecard(
        work.relationships(progress),
        now=now,
        roles=work.store.roles(),
        costs=costs,
        ratings=ratings,
        window=window,
        policy=work.engagement,
        attribution=attribution or Attribution(),
        segments=members_at(work, now),
        levels={
            cadence.name: {touch.key: touch.level for touch in cadence.touches}
            for cadence in work.playbook.cadences
        },
    )


def members_at(work: Workspace, now: datetime) -> dict[str, set[str]]:
    """Return who was in each segment at an instant, as the log of who moved has it."""
    found: dict[str, set[str]] = {name: set() for name in work.definitions}
    for move in work.store.transitions():
        if move.segment in found and move.at <= now:
            ids = found[move.segment]
            (ids.add if move.entered else ids.discard)(move.candidate_id)
    return found


def sizes_at(
    work: Workspace, instants: Sequence[datetime]
) -> tuple[tuple[datetime, FrozenMap], ...]:
    """Return how many were in each segment at these instants, in the order given."""
    asked = [to_instant(at, f"instants[{place}]") for place, at in enumerate(instants)]
    sizes = Counter(dict.fromkeys(work.definitions, 0))
    moves = iter(work.store.transitions())
    found: dict[datetime, FrozenMap] = {}
    coming = next(moves, None)
    for at in sorted(asked):
        while coming is not None and coming.at <= at:
            if coming.segment in sizes:
                sizes[coming.segment] += 1 if coming.entered else -1
            coming = next(moves, None)
        found[at] = FrozenMap(sizes)
    return tuple((at, found[at]) for at in asked)
