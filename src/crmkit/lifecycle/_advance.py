"""Advance: the clock moves people, and only those whose time has come are looked at."""

from datetime import UTC, datetime

from crmkit._progress import Progress
from crmkit.lifecycle._live import gone, moved_ids, settle, wake
from crmkit.lifecycle._moves import Moves
from crmkit.lifecycle._segment import segment
from crmkit.lifecycle._workspace import Workspace
from crmkit.protocols import BATCH
from crmkit.segmentation import Transition

_EVER = datetime.max.replace(tzinfo=UTC)


def advance(work: Workspace, now: datetime, progress: Progress | None = None) -> Moves:
    """Move whomever the clock moves up to *now*, each at their own instant."""
    moves: list[Transition] = []
    checked = 0
    while True:
        with work.store.transaction():
            live = work.store.definitions() == work.definitions
            ids = sorted({row.candidate_id for row in work.store.due(now, BATCH // 4)})
            if not live or not ids:
                break
            work.store.hold(ids)
            found = work.candidates.get_candidates(ids)
            people = [found[key] for key in ids if key in found]
            settled = settle(work, people, now, ask={}, replay=work.definitions)
            for person in settled:
                moves += person.moves
                checked += person.asked
            wake(work, moved_ids(settled))
            moves += gone(work, ids, now)
        if progress:
            progress(checked, None)
    if not live:
        run = segment(work, now, progress)
        moves += run.transitions
        checked += run.checked
    first = list(work.store.due(_EVER, 1))
    return Moves(
        now=now,
        transitions=tuple(sorted(moves, key=_order)),
        checked=checked,
        next_change=first[0].next_change if first else None,
    )


def _order(move: Transition) -> tuple[datetime, str]:
    return move.at, move.candidate_id
