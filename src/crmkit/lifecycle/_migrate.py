"""Migrate: bring people who are inside a cadence to another version of it, on purpose."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from html import escape

import attrs

from crmkit._progress import Progress
from crmkit._time import plural
from crmkit.cadence import (
    Cadence,
    Enrollment,
    Fate,
    Plan,
    PlanDiff,
    PlanStatus,
    TouchRecord,
    TouchState,
    compare_cadences,
    compare_plans,
    plan,
)
from crmkit.errors import InvalidRecord, NotFound
from crmkit.lifecycle._calendars import calendars
from crmkit.lifecycle._live import log
from crmkit.lifecycle._person import is_completed
from crmkit.lifecycle._workspace import Workspace, by_candidate
from crmkit.model import Interaction, Relationship
from crmkit.protocols import BATCH, batched

EXAMPLES = 3
"""How many examples of each sort a change shows."""

_FINISHED = frozenset({PlanStatus.COMPLETED, PlanStatus.ENDED})
_SHOWN = (Fate.DUE, Fate.EXPIRED, Fate.MOVED)
_OPEN = frozenset({TouchState.FAILED, TouchState.REFUSED, TouchState.TASK})
"""What the ledger says of a touch whose date still matters."""


@attrs.frozen(kw_only=True, repr=False)
class CadenceChange:
    """Whom a version of a cadence takes over from other versions, and what it does to them.

    People are given by their ids, in order; somebody to whom it does several things is in several
    lists.
    """

    cadence: str
    version: int
    now: datetime
    people: tuple[str, ...]
    """Everyone who goes over. Who has finished their run stays, and so does who ended it."""
    due: tuple[str, ...]
    """Who has a touch that is due at once by it, and was not."""
    expired: tuple[str, ...]
    """Who misses a touch by it: it is too late at once."""
    moved: tuple[str, ...]
    """Who has another date, a touch more or one less ahead."""
    unknown: tuple[Enrollment, ...]
    """Runs through a version of which nobody knows the definition any more: they stay."""
    examples: tuple[PlanDiff, ...]
    """Some of those for whom something changes: with a touch that is due, expired, moved."""

    @property
    def unchanged(self) -> tuple[str, ...]:
        """Who goes over and sees the same calendar."""
        touched = {*self.due, *self.expired, *self.moved}
        return tuple(key for key in self.people if key not in touched)

    def __bool__(self) -> bool:
        return bool(self.people)

    def __repr__(self) -> str:
        return f"<CadenceChange to {self._head()}>"

    def _head(self) -> str:
        counts = [
            f"{len(self.due)} due at once",
            f"{len(self.expired)} expired at once",
            f"{len(self.moved)} moved",
            f"{len(self.unchanged)} unchanged",
        ]
        people = "1 person" if len(self.people) == 1 else f"{len(self.people)} people"
        told = f"{people}, of whom {', '.join(counts)}" if self.people else "nobody goes over"
        return f"{self.cadence} {self.version}: {told}"

    def __str__(self) -> str:
        return "\n".join([self._head(), *self._feet(), *(f"\n{one}" for one in self.examples)])

    def _feet(self) -> list[str]:
        if not self.unknown:
            return []
        versions = sorted({run.version for run in self.unknown})
        runs, named = plural(len(self.unknown), "run"), ", ".join(map(str, versions))
        return [f"{runs} through a version that is not known any more: {named}"]

    def _repr_html_(self) -> str:
        head = "<br>".join(map(escape, [self._head(), *self._feet()]))
        return f"<div>{head}{''.join(one._repr_html_() for one in self.examples)}</div>"


def preview(
    work: Workspace, cadence: Cadence, now: datetime, *, old: Iterable[Cadence], examples: int
) -> CadenceChange:
    """Say what `migrate` would do, and change nothing."""
    if examples < 0:
        raise InvalidRecord("examples", f"expected at least 0, got {examples}")
    change = _Change(work, cadence, now, _versions(work, cadence, old), examples)
    for people in _people(work, None, None):
        change.look_at(people)
    return change.made()


def migrate(
    work: Workspace,
    cadence: Cadence,
    now: datetime,
    *,
    old: Iterable[Cadence],
    only: Collection[str] | None,
    progress: Progress | None,
) -> CadenceChange:
    """Put the live runs through other versions on this one; some hundreds of people at a time."""
    try:
        work.playbook.cadence(cadence.name, cadence.version)
    except NotFound:
        named = f"{cadence.name!r} {cadence.version}"
        problem = f"{named} is not in the playbook, where engage looks for it; put it there first"
        raise InvalidRecord("cadence", problem) from None
    change = _Change(work, cadence, now, _versions(work, cadence, old), EXAMPLES)
    for people in _people(work, only, progress):
        with work.store.transaction():
            work.store.hold(people)
            change.write(change.look_at(people))
    return change.made()


def _versions(work: Workspace, cadence: Cadence, old: Iterable[Cadence]) -> Mapping[int, Cadence]:
    """Return the versions that are known; raise if the cadence cannot follow one of them."""
    known = {each.version: each for each in work.playbook.cadences if each.name == cadence.name}
    for index, each in enumerate(old):
        if each.name != cadence.name:
            problem = f"expected {cadence.name!r}, got {each.name!r}"
            raise InvalidRecord(f"old[{index}].name", problem)
        if known.setdefault(each.version, each) != each:
            problem = f"{each.name!r} {each.version} is another one in the playbook"
            raise InvalidRecord(f"old[{index}].version", problem)
    for each in known.values():
        try:
            compare_cadences(each, cadence)
        except InvalidRecord as error:
            raise error.under("cadence") from None
    return known


def _people(
    work: Workspace, only: Collection[str] | None, progress: Progress | None
) -> Iterator[list[str]]:
    """Yield the ids of everyone, or of those named, and say how many were done."""
    named = None if only is None else {work.relationship(key).id for key in only}
    everyone = (each.id for each in work.candidates.candidates())
    done = 0
    for page in batched(everyone if named is None else sorted(named), BATCH // 4):
        yield page
        done += len(page)
        if progress:
            progress(done, None if named is None else len(named))


@attrs.define
class _Change:
    """What was found so far."""

    work: Workspace
    cadence: Cadence
    now: datetime
    known: Mapping[int, Cadence]
    most: int
    people: set[str] = attrs.field(factory=set)
    touched: dict[Fate, set[str]] = attrs.field(factory=lambda: {fate: set() for fate in _SHOWN})
    unknown: list[Enrollment] = attrs.field(factory=list)
    examples: dict[Fate, list[PlanDiff]] = attrs.field(
        factory=lambda: {fate: [] for fate in _SHOWN}
    )

    def look_at(self, ids: Sequence[str]) -> list[tuple[str, Enrollment]]:
        """Return whose runs go over, as they are; note what that changes."""
        work, store = self.work, self.work.store
        found = work.candidates.get_candidates(ids)
        people = [found[key] for key in ids if key in found and not found[key].erased]
        runs = by_candidate(work.about(people, store.enrollments))
        concerned = [
            each
            for each in people
            if any(self._is_elsewhere(run) for key in each.ids for run in runs.get(key, ()))
        ]
        ledger: dict[str, list[TouchRecord]] = {}
        for record in work.about(concerned, store.touches):
            ledger.setdefault(record.enrollment_id, []).append(record)
        going: list[tuple[str, Enrollment]] = []
        for each in work.join(concerned):
            mine = [run for key in each.candidate.ids for run in runs.get(key, ())]
            beside = self._beside(each, mine)
            going += [
                (each.id, run)
                for run in filter(self._is_elsewhere, mine)
                if self._goes_over(each, run, beside, ledger.get(run.id, ()))
            ]
        return going

    def _is_elsewhere(self, run: Enrollment) -> bool:
        return run.cadence == self.cadence.name and run.version != self.cadence.version

    def _beside(self, relationship: Relationship, runs: Iterable[Enrollment]) -> tuple[Plan, ...]:
        """Return the plans of the person's more important cadences."""
        rank = self.work.playbook.rank
        above = [run for run in runs if rank(run.cadence) < rank(self.cadence.name)]
        return calendars(self.work, relationship, above, self.now).live

    def _goes_over(
        self,
        relationship: Relationship,
        run: Enrollment,
        beside: Iterable[Plan],
        records: Iterable[TouchRecord],
    ) -> bool:
        old = self.known.get(run.version)
        if old is None:
            if not is_completed(relationship.history.upto(self.now), run):
                self.unknown.append(run)
            return False
        before = self._plan(old, relationship, run, beside)
        if before.status in _FINISHED:
            return False
        after = self._plan(self.cadence, relationship, self.moved(run), beside)
        taken = [(each.touch, each.rotation) for each in records if each.state not in _OPEN]
        self._note(relationship.id, compare_plans(before, after, taken=taken))
        return True

    def moved(self, run: Enrollment) -> Enrollment:
        """Return the run in the new version: the same one, under its id."""
        return attrs.evolve(run, version=self.cadence.version)

    def _plan(
        self,
        cadence: Cadence,
        relationship: Relationship,
        run: Enrollment,
        beside: Iterable[Plan],
    ) -> Plan:
        return plan(
            cadence,
            relationship,
            now=self.now,
            enrollment=run,
            policy=self.work.policy,
            engagement=self.work.engagement,
            library=self.work.library,
            beside=beside,
        )

    def _note(self, candidate_id: str, diff: PlanDiff) -> None:
        self.people.add(candidate_id)
        for change in diff.touches:
            fate = change.fate if change.fate in _SHOWN else Fate.MOVED
            self.touched[fate].add(candidate_id)
        if diff and not diff.touches:
            self.touched[Fate.MOVED].add(candidate_id)  # it has another status
        for fate, shown in self.examples.items():
            if candidate_id in self.touched[fate]:
                if len(shown) < self.most:
                    shown.append(diff)
                return

    def write(self, going: Sequence[tuple[str, Enrollment]]) -> None:
        """Put the runs on the new version, log it, and have engage look at the people."""
        if not going:
            return
        self.work.store.move_enrollments(self.moved(run) for _, run in going)
        facts = [self._fact(run) for _, run in going]
        log(self.work, facts, self.now, waking=False)
        self.work.store.wake([candidate_id for candidate_id, _ in going])

    def _fact(self, run: Enrollment) -> Interaction:
        versions = {"version": self.cadence.version, "from_version": run.version}
        return Interaction(
            candidate_id=run.candidate_id,
            kind="enrolled",
            at=self.now,
            enrollment_id=run.id,
            properties={"cadence": run.cadence, **versions},
        )

    def made(self) -> CadenceChange:
        """Return all that was found."""
        return CadenceChange(
            cadence=self.cadence.name,
            version=self.cadence.version,
            now=self.now,
            people=tuple(sorted(self.people)),
            due=tuple(sorted(self.touched[Fate.DUE])),
            expired=tuple(sorted(self.touched[Fate.EXPIRED])),
            moved=tuple(sorted(self.touched[Fate.MOVED])),
            unknown=tuple(self.unknown),
            examples=tuple(diff for shown in self.examples.values() for diff in shown),
        )
