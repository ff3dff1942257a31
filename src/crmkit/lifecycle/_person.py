"""One person's memberships, moved by the clock and by facts; and what leaving does to a cadence."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

import attrs

from crmkit._time import MICROSECOND
from crmkit.cadence import Enrollment
from crmkit.lifecycle._workspace import Workspace
from crmkit.model import History, Interaction, Relationship, Verdict
from crmkit.segmentation import Membership, OnLeave, Transition

_POLICY = frozenset({"paused", "resumed", "completed"})
"""The kinds that a leave policy writes."""


@attrs.define
class Person:
    """One person while their memberships are brought up to date; nothing is stored here."""

    work: Workspace
    relationship: Relationship
    rows: dict[str, Membership]
    """Membership or watch by segment, as they are by now."""
    unsaved: set[str] = attrs.field(factory=set)
    """Segments whose row has to be written although it may look as it was."""
    inherited: frozenset[str] = frozenset()
    """Segments that a record merged into this one was inside of."""
    keep: dict[str, Membership] = attrs.field(factory=dict)
    moves: list[Transition] = attrs.field(factory=list)
    facts: list[Interaction] = attrs.field(factory=list)
    asked: int = 0
    """How many verdicts it took."""

    def replay(self, names: Collection[str], now: datetime) -> None:
        """Ask about each of *names* at the instants at which it may change, one after another.

        So whoever moves does so at the very instant, however long nobody looked.
        """
        while due := self._due(names, now):
            at = min(due.values())
            self.ask([name for name, when in due.items() if when == at], at, among=names)

    def _due(self, names: Collection[str], now: datetime) -> dict[str, datetime]:
        return {
            name: row.next_change
            for name, row in self.rows.items()
            if name in names and row.next_change and row.next_change <= now
        }

    def ask(
        self, names: Collection[str], at: datetime, *, among: Collection[str] | None = None
    ) -> None:
        """Ask about *names* at one instant, and about what sees the facts that follow from it.

        With *among* about nothing else: a definition that was changed since moves nobody then.
        """
        while names:
            verdicts = self.work.segmenter.check(self.relationship, now=at, only=names)
            self.asked += len(verdicts)
            told = [
                fact for name, verdict in verdicts.items() for fact in self._turn(name, verdict, at)
            ]
            if not told:
                return
            # A fact that is there already ends it: a rule may see what its own leaving writes.
            known = {fact.id for fact in self.relationship.history}
            new = [fact for fact in told if fact.id not in known]
            if not new:
                return
            self.facts += new
            self.relationship = attrs.evolve(
                self.relationship, history=self.relationship.history | new
            )
            names = self.work.segmenter.affected({fact.kind for fact in new})
            names = names if among is None else names.intersection(among)

    def end(self, names: Iterable[str], at: datetime, why: str) -> None:
        """Take the person out of segments, or from under a watch, without a verdict."""
        for name in list(names):
            row = self.rows.pop(name)
            if row.inside:
                self.moves.append(ended(row, at, f"{why}: {row.because.text}"))
            else:
                self.keep[name] = attrs.evolve(row, next_change=None)

    def _turn(self, name: str, verdict: Verdict[bool], at: datetime) -> Iterator[Interaction]:
        was, inside = self.rows.get(name), bool(verdict)
        was_inside = was is not None and was.inside
        # Told of an instant before that: nobody leaves before they entered.
        when = max(at, was.since) if was is not None and was.inside else at
        row = Membership(
            segment=name,
            candidate_id=self.relationship.id,
            since=was.since if was is not None and was_inside == inside else when,
            because=verdict.because,
            next_change=verdict.until,
            inside=inside,
        )
        if inside or verdict.until:
            self.rows[name] = row
        else:
            self.rows.pop(name, None)
        if name in self.unsaved or (row != was and (was or name in self.rows)):
            self.keep[name] = row
        if inside != was_inside:
            self.moves.append(
                Transition(
                    segment=name,
                    candidate_id=self.relationship.id,
                    entered=inside,
                    at=when,
                    because=verdict.because,
                    until=verdict.until,
                )
            )
        if inside:
            yield from self._go_on(name, at)
        elif was_inside or name in self.inherited:
            yield from self._leave(name, at)

    # --- what leaving does to a cadence

    def _go_on(self, name: str, at: datetime) -> Iterator[Interaction]:
        for paused in _standing(self.relationship.history, name).values():
            if paused.kind == "paused":
                yield _fact("resumed", paused, name, self._after(paused, name, at))

    def _leave(self, name: str, at: datetime) -> Iterator[Interaction]:
        policy = self.work.segmenter[name].on_leave
        if policy is OnLeave.CONTINUE:
            return
        history = self.relationship.history
        last = _standing(history, name)
        for run in self.work.about([self.relationship.candidate], self.work.store.enrollments):
            if run.segment != name or is_completed(history, run):
                continue
            when, before = max(at, run.enrolled_at), last.get(run.id)
            if policy is OnLeave.END:
                yield _fact("completed", run, name, when)
            elif before is None or before.kind == "resumed":
                yield _fact("paused", run, name, self._after(before, name, when))

    def _after(self, before: Interaction | None, name: str, at: datetime) -> datetime:
        # Who leaves and is back at one instant has two facts, of which the later one counts. A
        # rule that sees these facts would follow them from microsecond to microsecond for ever.
        if before is None or name in self.work.segmenter.affected(_POLICY):
            return at
        return max(at, before.at + MICROSECOND)


def _standing(history: History, segment: str) -> dict[str | None, Interaction]:
    """Return for each run the newest pause or resumption because of this segment."""
    found: dict[str | None, Interaction] = {}
    for fact in history.of("resumed", "paused"):
        if fact.properties.get("segment") != segment:
            continue
        before = found.get(fact.enrollment_id)
        # At one instant the pause counts, as it does for the cadence.
        if not (before and before.at == fact.at and before.kind == "paused"):
            found[fact.enrollment_id] = fact
    return found


def is_completed(history: History, run: Enrollment, *, by_leaving: bool = False) -> bool:
    """Say whether a fact has ended the run (``by_leaving``: the one of a leave policy)."""
    return any(
        fact.enrollment_id in {None, run.id}
        and fact.at >= run.enrolled_at
        and (not by_leaving or isinstance(fact.properties.get("segment"), str))
        for fact in history.of("completed")
    )


def _fact(kind: str, of: Interaction | Enrollment, segment: str, at: datetime) -> Interaction:
    return Interaction(
        candidate_id=of.candidate_id,
        kind=kind,
        at=at,
        enrollment_id=of.id if isinstance(of, Enrollment) else of.enrollment_id,
        properties={"segment": segment},
    )


def ended(membership: Membership, now: datetime, why: str) -> Transition:
    """Return the transition out of a segment that no verdict decided."""
    return Transition(
        segment=membership.segment,
        candidate_id=membership.candidate_id,
        entered=False,
        at=max(now, membership.since),
        because=attrs.evolve(membership.because, text=why, holds=False, until=None),
    )
