"""One person while engage looks at them: what is known, and when to look again."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeVar

import attrs

from crmkit._time import earliest
from crmkit.cadence import Enrollment, Plan, PlannedTouch, TouchRecord
from crmkit.errors import NotFound
from crmkit.lifecycle._workspace import Workspace, by_candidate
from crmkit.model import Candidate, Interaction, Relationship
from crmkit.protocols import AgendaEntry

T = TypeVar("T")


class Moved(Exception):  # noqa: N818 - no error: somebody was quicker
    """Something new is known of the person: what was planned on the old facts is not done."""


class Lost(Exception):  # noqa: N818 - no error: somebody else does it
    """The lease is over: the person is in another worker's hands, or free for one."""


class Unasked(Exception):  # noqa: N818 - no error
    """What was logged may have moved the person: ask before more is done."""


@attrs.define(eq=False)
class Visit:
    """What engage knows of a person, and what it found out on the last way through."""

    entry: AgendaEntry
    relationship: Relationship
    runs: list[Enrollment] = attrs.field(factory=list)
    ledger: dict[str, TouchRecord] = attrs.field(factory=dict)
    segments: frozenset[str] = frozenset()
    until: datetime | None = None
    """When there may be something to do, nothing new happening; None: never."""
    stays: bool = False
    """Whether something is left for the next call, whenever that is; no message goes meanwhile."""
    held: bool = False
    """Whether that is so because the limit was reached."""
    waits: bool = False
    """Whether a message is tried again later; no other one goes before it."""
    asked: set[str] = attrs.field(factory=set)
    """The keys of messages in doubt that were given to the sender again, in vain."""
    refused: dict[str, TouchRecord] = attrs.field(factory=dict)
    """What was found to be refused, by key, for the ledger."""
    doubts: dict[str, str] = attrs.field(factory=dict)
    """Why messages in doubt are not given to the sender again, by key."""
    unasked: bool = False
    """Whether it was logged since what may have moved them into or out of a segment."""
    stale: bool = False
    """Whether more is new than what was taken in, so that all has to be read again."""
    outside: str | None = None
    """Why they were not enrolled."""

    @property
    def id(self) -> str:
        return self.relationship.id

    def begin(self) -> None:
        """Forget what the last way through found out."""
        self.until, self.stays, self.held, self.outside = None, False, False, None
        self.waits = False
        self.refused.clear()
        self.doubts.clear()

    def wait(self, now: datetime, *instants: datetime | None) -> None:
        """Have them looked at again at the first of these instants that is still to come."""
        self.until = earliest(self.until, *(at for at in instants if at and at > now))

    def grow(self, work: Workspace, facts: Iterable[Interaction]) -> None:
        """Take in what was logged just now."""
        relationship, new = self.relationship, list(facts)
        self.relationship = attrs.evolve(relationship, history=relationship.history | new)
        self.unasked |= bool(work.segmenter.affected({fact.kind for fact in new}))

    def make_sure(self, work: Workspace) -> None:
        """Raise `Lost` or `Moved`, unless all is as it was read; in a transaction, to its end.

        The lease begins anew.
        """
        entry = work.store.keep(self.entry, lease=work.lease)
        if entry is None:
            raise Lost
        if entry.turn != self.entry.turn:
            raise Moved
        if work.candidates is not work.store:  # a host's own table, of which no turn tells
            there = work.candidates.get_candidates([self.id])
            if there.get(self.id) != self.relationship.candidate:
                raise Moved

    def refresh(self, work: Workspace) -> None:
        """Read all again.

        Raises `Lost`, and `NotFound` if they are not there under their id any more.
        """
        with work.store.transaction():
            entry = work.store.keep(self.entry, lease=work.lease)
            if entry is None:
                raise Lost
            fresh = work.relationship(self.id)
            if fresh.id != self.id:
                raise NotFound("candidate", self.id)
            (read,) = _visits(work, [(entry, fresh)])
        self.entry, self.relationship, self.runs = entry, read.relationship, read.runs
        self.ledger, self.segments, self.stale = read.ledger, read.segments, False

    def recorded(self, plan: Plan, planned: PlannedTouch) -> TouchRecord | None:
        """Return what the ledger says of a touch, under its key or an earlier one."""
        start = f"{plan.enrollment.id}.{planned.rotation}."
        keys = (planned.touch.key, *planned.touch.was)
        return next((self.ledger[start + key] for key in keys if start + key in self.ledger), None)


def visits(work: Workspace, entries: Sequence[AgendaEntry]) -> list[Visit]:
    """Read those of the agenda's entries who are stored, up to some hundreds at a time."""
    found = work.candidates.get_candidates([entry.candidate_id for entry in entries])
    here = [entry for entry in entries if entry.candidate_id in found]
    people = work.join(found[entry.candidate_id] for entry in here)
    return _visits(work, list(zip(here, people, strict=True)))


def _visits(work: Workspace, people: Sequence[tuple[AgendaEntry, Relationship]]) -> list[Visit]:
    candidates = [each.candidate for _, each in people]
    runs = by_candidate(work.about(candidates, work.store.enrollments))
    ledger = by_candidate(work.about(candidates, work.store.touches))
    inside = by_candidate(work.about(candidates, work.store.memberships))
    return [
        Visit(
            entry,
            each,
            runs=_of(each.candidate, runs),
            ledger={record.key: record for record in _of(each.candidate, ledger)},
            segments=frozenset(row.segment for row in inside.get(each.id, ())),
            # Who had them before may have logged something, and died before it asked.
            unasked=entry.taken_over,
        )
        for entry, each in people
    ]


def _of(candidate: Candidate, found: dict[str, list[T]]) -> list[T]:
    return [item for key in candidate.ids for item in found.get(key, ())]
