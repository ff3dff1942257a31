"""Segment: who entered and who left which segment, and why."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from html import escape

import attrs

from crmkit._time import earliest
from crmkit.lifecycle._workspace import Progress, Workspace, by_candidate
from crmkit.model import FrozenMap, Verdict
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

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(name)}</td><td>{size}</td></tr>" for name, size in self.sizes.items()
        )
        return (
            f"<table><caption>{escape(str(self).splitlines()[0])}</caption><thead><tr>"
            f'<th scope="col">segment</th><th scope="col">people</th></tr></thead>'
            f"<tbody>{rows}</tbody></table>"
        )


def segment(work: Workspace, now: datetime, progress: Progress | None = None) -> SegmentRun:
    """Bring every membership up to *now*, in one pass over the people."""
    sizes: Counter[str] = Counter()
    moves: list[Transition] = []
    next_change: datetime | None = None
    for batch in work.batches(progress):
        keep: list[Membership] = []
        moved: list[Transition] = []
        people = [each.candidate for each in batch]
        present = by_candidate(work.about(people, work.store.memberships))
        for relationship in batch:
            verdicts = {}
            if not relationship.candidate.erased:
                verdicts = work.segmenter.check(relationship, now=now)
            for name, verdict in verdicts.items():
                sizes[name] += bool(verdict)
                next_change = earliest(next_change, verdict.until)
            mine = {was.segment: was for was in present.get(relationship.id, ())}
            kept, went = _compare(relationship.id, verdicts, mine, now)
            keep += kept
            moved += went
            moved += [
                ended(was, now, f"merged into {relationship.id}")
                for alias in relationship.candidate.aliases
                for was in present.get(alias, ())
            ]
        if keep or moved:
            work.store.change_memberships(keep, moved)
        moves += moved
    names = [each.name for each in work.segmenter.segments]
    return SegmentRun(
        now=now,
        transitions=tuple(moves),
        sizes=FrozenMap({name: sizes[name] for name in names}),
        next_change=next_change,
    )


def _compare(
    candidate_id: str,
    verdicts: Mapping[str, Verdict[bool]],
    present: Mapping[str, Membership],
    now: datetime,
) -> tuple[list[Membership], list[Transition]]:
    keep, moved = [], []
    for name, verdict in verdicts.items():
        was = present.get(name)
        if verdict:
            is_now = Membership(
                segment=name,
                candidate_id=candidate_id,
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
                    candidate_id=candidate_id,
                    entered=bool(verdict),
                    at=now,
                    because=verdict.because,
                )
            )
    # The segment is not defined any more, or the person was erased.
    gone = [was for name, was in present.items() if name not in verdicts]
    moved += [ended(was, now, f"no longer asked: {was.because.text}") for was in gone]
    return keep, moved


def ended(membership: Membership, now: datetime, why: str) -> Transition:
    """Return the transition out of a segment that no verdict decided."""
    return Transition(
        segment=membership.segment,
        candidate_id=membership.candidate_id,
        entered=False,
        at=now,
        because=attrs.evolve(membership.because, text=why, holds=False, until=None),
    )
