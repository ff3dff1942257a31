"""Segment: who entered and who left which segment, and why."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

import attrs

from crmkit.lifecycle._workspace import Progress, Workspace
from crmkit.model import FrozenMap, Relationship, Verdict
from crmkit.segmentation import Membership, Transition


@attrs.frozen(kw_only=True, repr=False)
class SegmentRun:
    """The people who moved, and how many are in each segment now."""

    now: datetime
    transitions: tuple[Transition, ...]
    sizes: FrozenMap
    next_change: datetime | None
    """The first instant at which the clock alone may move somebody."""

    @property
    def entered(self) -> tuple[Transition, ...]:
        """Who entered a segment."""
        return tuple(move for move in self.transitions if move.entered)

    @property
    def left(self) -> tuple[Transition, ...]:
        """Who left a segment."""
        return tuple(move for move in self.transitions if not move.entered)

    def __repr__(self) -> str:
        return f"<SegmentRun: {len(self.entered)} entered, {len(self.left)} left>"

    def __str__(self) -> str:
        width = max((len(name) for name in self.sizes), default=0)
        sizes = [f"  {name:<{width}}  {size:>6}" for name, size in self.sizes.items()]
        head = f"{len(self.entered)} entered and {len(self.left)} left at {self.now:%Y-%m-%d}"
        return "\n".join([head, *sizes])


def segment(work: Workspace, now: datetime, progress: Progress | None = None) -> SegmentRun:
    """Bring every membership up to *now*, in one pass over the people."""
    sizes: Counter[str] = Counter()
    moves: list[Transition] = []
    changes: list[datetime] = []
    for batch in work.batches(progress):
        keep: list[Membership] = []
        moved: list[Transition] = []
        present = _present(work.store.memberships([each.id for each in batch]))
        for relationship in batch:
            verdicts = {}
            if not relationship.candidate.erased:
                verdicts = work.segmenter.check(relationship, now=now)
            mine = present.get(relationship.id, {})
            for name, verdict in verdicts.items():
                sizes[name] += bool(verdict)
                if verdict.until:
                    changes.append(verdict.until)
            kept, went = _compare(relationship, verdicts, mine, now)
            keep += kept
            moved += went
        if keep or moved:
            work.store.change_memberships(keep, moved)
        moves += moved
    names = [each.name for each in work.segmenter.segments]
    return SegmentRun(
        now=now,
        transitions=tuple(moves),
        sizes=FrozenMap({name: sizes[name] for name in names}),
        next_change=min(changes, default=None),
    )


def _present(memberships: Iterable[Membership]) -> dict[str, dict[str, Membership]]:
    found: dict[str, dict[str, Membership]] = {}
    for membership in memberships:
        found.setdefault(membership.candidate_id, {})[membership.segment] = membership
    return found


def _compare(
    relationship: Relationship,
    verdicts: dict[str, Verdict[bool]],
    present: dict[str, Membership],
    now: datetime,
) -> tuple[list[Membership], list[Transition]]:
    keep, moved = [], []
    for name, verdict in verdicts.items():
        was = present.get(name)
        if verdict:
            is_now = Membership(
                segment=name,
                candidate_id=relationship.id,
                since=was.since if was else now,
                because=verdict.because,
                next_change=verdict.until,
            )
            if is_now != was:
                keep.append(is_now)
        if bool(verdict) != (was is not None):
            moved.append(
                Transition(
                    segment=name,
                    candidate_id=relationship.id,
                    entered=bool(verdict),
                    at=now,
                    because=verdict.because,
                )
            )
    for name, was in present.items():
        if name not in verdicts:
            # The segment is not defined any more, or the person was erased.
            gone = attrs.evolve(was.because, text=f"no longer asked: {was.because.text}")
            moved.append(
                Transition(
                    segment=name,
                    candidate_id=relationship.id,
                    entered=False,
                    at=now,
                    because=gone,
                )
            )
    return keep, moved
