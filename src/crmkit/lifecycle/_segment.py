"""Segment: who entered and who left which segment, and why."""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from html import escape

import attrs

from crmkit._progress import Progress
from crmkit._time import earliest
from crmkit.errors import RuleError
from crmkit.lifecycle._live import UNFINISHED, end, gone, hold, is_live, moved_ids, settle, wake
from crmkit.lifecycle._moves import Moving
from crmkit.lifecycle._workspace import Workspace
from crmkit.model import FrozenMap
from crmkit.protocols import BATCH, batched
from crmkit.segmentation import Segment, SegmentDiff, Transition, compare


@attrs.frozen(kw_only=True, repr=False)
class SegmentRun(Moving):
    """The people who moved, and how many are in each segment now."""

    now: datetime
    transitions: tuple[Transition, ...]
    sizes: FrozenMap
    next_change: datetime | None
    """The first instant at which the clock alone may move somebody."""
    checked: int = 0
    """How many verdicts it took."""

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
    """Bring every membership up to *now*, in one pass over the people.

    What was found with these very definitions is moved at its instant, before it is asked anew.
    """
    found = _claim(work)
    return _pass(
        work, now, ask=frozenset(work.definitions), replay=_alike(work, found), progress=progress
    )


def define(
    work: Workspace, new: Segment, now: datetime, progress: Progress | None = None
) -> tuple[Workspace, SegmentRun]:
    """Return the workspace with a segment added or replaced, and who moved because of it.

    If what is stored was found with the definitions of *work*, only that segment and those that
    refer to it are asked about.
    """
    changed = attrs.evolve(work, segmenter=work.segmenter.replacing(new))
    those = frozenset(changed.segmenter.needing(new.name))
    found = _claim(changed)
    ask = those if found == work.definitions else frozenset(changed.definitions)
    replay = _alike(changed, found) - those
    return changed, _pass(changed, now, ask=ask, replay=replay, progress=progress)


def without(work: Workspace, name: str) -> Workspace:
    """Return the workspace without a segment, or raise an error that says who needs it."""
    work.segmenter[name]  # `NotFound`, if there is none
    needs = [f"segment {other!r}" for other in work.segmenter.needed_by(name)]
    needs += [
        f"the playbook (entry {place}, cadence {cadence.name!r})"
        for place, (segment, cadence) in enumerate(work.playbook.entries)
        if segment == name
    ]
    if needs:
        raise RuleError(f"segment {name!r} is needed by {', '.join(needs)}; change these first")
    return attrs.evolve(work, segmenter=work.segmenter.without(name))


def drop(work: Workspace, name: str, now: datetime) -> tuple[Workspace, tuple[Transition, ...]]:
    """Return the workspace without a segment, and who left it; nobody else is looked at."""
    changed, store = without(work, name), work.store
    moves: list[Transition] = []
    with store.transaction():
        live = store.definitions() == work.definitions
        watches = [row for row in store.watches() if row.segment == name]
        rows = [*store.memberships(segment=name), *watches]
        hold(work, {row.candidate_id for row in rows})
        end(changed, rows, now, "the segment was dropped", into=moves)
        wake(work, {row.candidate_id for row in rows if row.inside})
        store.set_definitions(changed.definitions if live else {})
    return changed, tuple(moves)


def preview(work: Workspace, new: Segment, now: datetime, examples: int) -> SegmentDiff:
    """Say who would enter and who would leave one segment; nothing is changed."""
    there = (each for each in work.relationships() if not each.candidate.erased)
    return compare(new, there, now=now, among=work.segmenter, examples=examples)


def members(work: Workspace, name: str, as_of: datetime | None) -> tuple[str, ...]:
    """Return who is in a segment: as stored, or by the rule at a past instant."""
    work.segmenter[name]  # `NotFound`, if there is none
    if as_of is None:
        return tuple(row.candidate_id for row in work.store.memberships(segment=name))
    return tuple(
        each.id
        for each in work.relationships()
        if not each.candidate.erased and work.segmenter.check(each, now=as_of, only=[name])[name]
    )


def _claim(work: Workspace) -> Mapping[str, str]:
    """Say in the store what is being found; return the definitions of what was found before.

    From then on, whoever captures with these definitions moves people by them: nobody whom the
    pass has gone by already is missed. A pass that is cut off is made again by `advance`.
    """
    with work.store.transaction():
        before = work.store.definitions()
        work.store.set_definitions({**work.definitions, UNFINISHED: "unfinished"})
    return before


def _alike(work: Workspace, found: Mapping[str, str]) -> frozenset[str]:
    """Return the segments that are what they were, as is all that they refer to."""
    if UNFINISHED in found:
        return frozenset()
    names = work.definitions.keys()
    other = {name for name in names if found.get(name) != work.definitions[name]}
    return frozenset(names).difference(*map(work.segmenter.needing, other))


def _pass(
    work: Workspace,
    now: datetime,
    *,
    ask: Collection[str],
    replay: Collection[str],
    progress: Progress | None,
) -> SegmentRun:
    sizes: Counter[str] = Counter()
    moves: list[Transition] = []
    next_change: datetime | None = None
    checked = 0
    tracked = frozenset(work.store.tracked())
    seen: set[str] = set()
    for page in batched((each.id for each in work.candidates.candidates()), BATCH // 4):
        with work.store.transaction():
            work.store.hold(page)
            is_live(work)  # if not, another process has other definitions: say so
            found = work.candidates.get_candidates(page)
            people = [found[key] for key in page if key in found]
            asked = dict.fromkeys(page, ask)
            settled = settle(work, people, now, ask=asked, replay=replay, tracked=tracked)
            wake(work, moved_ids(settled))
        for person in settled:
            moves += person.moves
            checked += person.asked
            sizes.update(name for name, row in person.rows.items() if row.inside)
            next_change = earliest(next_change, *(row.next_change for row in person.rows.values()))
        seen.update(page)
        if progress:
            progress(len(seen), None)
    for page in batched(sorted(tracked - seen)):
        with work.store.transaction():
            work.store.hold(page)
            moves += gone(work, page, now)
    with work.store.transaction():
        if is_live(work):
            work.store.set_definitions(work.definitions)
    return SegmentRun(
        now=now,
        transitions=tuple(moves),
        sizes=FrozenMap({name: sizes[name] for name in work.definitions}),
        next_change=next_change,
        checked=checked,
    )
