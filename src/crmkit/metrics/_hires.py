"""Hires, one by one: when, for which role, and what made them ours."""

from collections.abc import Iterable, Iterator
from datetime import datetime

import attrs

from crmkit.metrics._attribution import Attribution, AttributionRule
from crmkit.metrics._reading import HIRED, Reading
from crmkit.metrics._tally import Adds
from crmkit.model import Interaction, Source

TWICE = "hires logged twice"
NO_APPLICATION = "hires without an application in the log, judged by the hire itself"


@attrs.frozen
class Hire:
    """One hire, where it came from, and when that person left again.

    Hires sort by instant, then by who was hired.
    """

    at: datetime
    candidate_id: str
    role_id: str | None
    applied_at: datetime | None
    """When they applied for it; None if no application is logged."""
    left_at: datetime | None
    again: bool
    """The log has the same hire already, and no ``left`` since."""
    rules: frozenset[AttributionRule]
    """By which rules it is CRM-sourced."""
    known_at: datetime
    """The oldest fact about the person."""
    source: Source | None

    def __lt__(self, other: "Hire") -> bool:
        # What attrs would write makes two tuples by generators: ten times the time of a sort.
        return self.at < other.at or (
            self.at == other.at and self.candidate_id < other.candidate_id
        )


@attrs.define
class Hires(Adds):
    """The hires of everyone who was added."""

    rows: list[Hire] = attrs.field(factory=list)

    def add(self, readings: Iterable[Reading], attribution: Attribution) -> None:
        """Count some people."""
        for reading in readings:
            if reading.seen & HIRED:
                who = reading.relationship.candidate
                self.rows.extend(_hires_of(who.id, who.source, reading, attribution))


def _hires_of(
    who: str, source: Source | None, reading: Reading, attribution: Attribution
) -> Iterator[Hire]:
    """Yield the hires of one person, oldest first."""
    kinds, facts = reading.kinds, reading.facts
    held: dict[str | None, datetime] = {}
    for fact in kinds["hired"]:
        at, role_id, left_at = fact.at, fact.role_id, None
        earlier = held.get(role_id)
        again = earlier is not None
        for leave in kinds.get("left", ()):
            if earlier is not None and earlier < leave.at <= at:
                again = False
            if leave.at >= at:
                left_at = leave.at
                break
        applied = _application(fact, kinds.get("applied", ()))
        yield Hire(
            at=at,
            candidate_id=who,
            role_id=role_id,
            applied_at=applied.at if applied else None,
            left_at=left_at,
            again=again,
            rules=attribution.rules_met(facts, (applied or fact).at),
            known_at=facts[0].at,
            source=source,
        )
        held[role_id] = at


def _application(hire: Interaction, applied: tuple[Interaction, ...]) -> Interaction | None:
    """Return the newest application for the hire's role; one without a role is for any."""
    for fact in reversed(applied):
        if fact.at <= hire.at and (
            hire.role_id is None or fact.role_id is None or fact.role_id == hire.role_id
        ):
            return fact
    return None
