"""What makes a cadence's clock stand still, read off the log."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from operator import attrgetter

import attrs

from crmkit.cadence._cadence import Enrollment
from crmkit.errors import InvalidRecord
from crmkit.model import History, Interaction, employed_since, open_processes
from crmkit.model import _fields as fields
from crmkit.model._process import PROCESS


class PlanStatus(StrEnum):
    """Whether a cadence runs, and if not, what for."""

    ACTIVE = "active"
    WAITING = "waiting"
    """They replied; a person is to answer."""
    PAUSED = "paused"
    CONVERTED = "converted"
    """In an active process, or hired; wrong timing brings them back."""
    ARCHIVED = "archived"
    """Nothing was answered for a whole sequence."""
    COMPLETED = "completed"


@attrs.frozen
class Stop:
    """While it lasts, the cadence's clock stands still."""

    status: PlanStatus
    why: str
    since: datetime
    until: datetime | None = None
    by_rule: bool = False
    """Whether no fact says so, but the pace's `archive_after`."""


# The order at one instant; imports often know only the day. A reply revives the archived, a pause
# counts over what ends one, and a reply and its answer on one day leave nobody waiting.
_ORDER = {
    **dict.fromkeys(["archived", "converted"], 0),
    **dict.fromkeys(["resumed", "reactivated", "returned", "rejected", "withdrew"], 1),
    "replied": 2,
    "paused": 3,
    **dict.fromkeys(["called", "met", "messaged"], 4),
    "completed": 5,
}
_KINDS = PROCESS | _ORDER.keys()

_OF_ONE_RUN = frozenset({"paused", "resumed", "archived", "reactivated", "completed"})
"""Kinds that, when they name an enrolment, are about that one only; all others are about the
person, whichever cadence they answered."""

_FROM_BEFORE = PROCESS | {"paused", "resumed", "converted", "returned"}
"""Kinds that still count when they are older than the enrolment."""


def stops(history: History, enrollment: Enrollment) -> list[tuple[datetime, Stop | None]]:
    """Return what stops this enrolment's clock from which instant on, oldest first.

    ``None`` sets it going again. Every fact of the history counts as arriving at its own instant.
    """
    if not _KINDS & history.by_kind.keys():
        return []
    found: list[tuple[datetime, Stop | None]] = []
    standing = _Standing()
    for at, facts in groupby(_facts(history, enrollment), key=attrgetter("at")):
        found += standing.lapses(at)
        for fact in facts:
            standing.hear(fact)
            if fact.kind in PROCESS:
                standing.process = _process(history.upto(at))
        found.append((at, standing.stop()))
    return found + list(standing.lapses(None))


def _facts(history: History, enrollment: Enrollment) -> list[Interaction]:
    found = [
        fact
        for kind in _KINDS & history.by_kind.keys()
        for fact in history.by_kind[kind]
        if fact.at >= enrollment.enrolled_at or kind in _FROM_BEFORE
        if kind not in _OF_ONE_RUN or fact.enrollment_id in {None, enrollment.id}
    ]
    return sorted(found, key=lambda fact: (fact.at, _ORDER.get(fact.kind, 0), fact.id))


def _process(past: History) -> Stop | None:
    if hired := employed_since(past):
        return Stop(PlanStatus.CONVERTED, f"hired on {hired.at:%Y-%m-%d}", hired.at)
    if running := open_processes(past):
        began = min(running.values(), key=attrgetter("at", "id"))
        why = f"in an active process ({began.kind} on {began.at:%Y-%m-%d})"
        return Stop(PlanStatus.CONVERTED, why, began.at)
    return None


def _end_of(pause: Interaction) -> datetime | None:
    """Return the pause's ``until``; what cannot be read is no end."""
    try:
        return fields.optional_instant(pause.properties.get("until"))
    except InvalidRecord:
        return None


@attrs.define
class _Standing:
    """What stands against the next touch, fact by fact; each reason ends by itself."""

    completed: Interaction | None = None
    process: Stop | None = None
    converted: Interaction | None = None
    replied: Interaction | None = None
    paused: Interaction | None = None
    archived: Interaction | None = None
    outside: dict[str, Interaction] = attrs.field(factory=dict)
    """By segment, the pause since they left it: their coming back ends it, and nothing else."""

    def hear(self, fact: Interaction) -> None:
        segment = fact.properties.get("segment")
        match fact.kind:
            case "completed":
                self.completed = self.completed or fact
            case "archived":
                self.archived, self.replied = fact, None
            case "paused" | "resumed" if isinstance(segment, str):
                self._cross(segment, fact)
            case "resumed" | "reactivated":
                self.replied = self.paused = self.archived = None
            case "replied" if fact.automated is not True:
                self.replied, self.archived = self.replied or fact, None
            case "paused":
                self.paused = fact
                # Who replies "in six months" is answered by the pause; a machine's is no answer.
                self.replied = self.replied if fact.automated is True else None
            case "called" | "met" | "messaged":
                self.replied = None
            case "converted":
                self.converted = fact
            case "returned" | "rejected" | "withdrew":
                self.converted = None

    def _cross(self, segment: str, fact: Interaction) -> None:
        self.outside.pop(segment, None)
        if fact.kind == "paused":
            self.outside[segment] = fact

    def lapses(self, before: datetime | None) -> Iterator[tuple[datetime, Stop | None]]:
        """Yield the end of the pause if it comes not later than *before*."""
        end = _end_of(self.paused) if self.paused else None
        if self.paused and end and (before is None or end <= before):
            end = max(end, self.paused.at)
            self.paused = None
            yield end, self.stop()

    def stop(self) -> Stop | None:
        """Return the first reason that stands: who works here or waits needs a person first."""
        if self.completed:
            return _by(self.completed, PlanStatus.COMPLETED, "completed")
        if self.process:
            return self.process
        if self.converted:
            return _by(self.converted, PlanStatus.CONVERTED, "converted")
        if self.replied:
            return _by(self.replied, PlanStatus.WAITING, "they replied")
        if self.paused:
            stop = _by(self.paused, PlanStatus.PAUSED, "paused")
            return attrs.evolve(stop, until=_end_of(self.paused))
        if self.outside:
            name, left = next(iter(self.outside.items()))
            return _by(left, PlanStatus.PAUSED, f"left segment {name!r}")
        if self.archived:
            return _by(self.archived, PlanStatus.ARCHIVED, "archived")
        return None


def _by(fact: Interaction, status: PlanStatus, what: str) -> Stop:
    return Stop(status, f"{what} on {fact.at:%Y-%m-%d}", fact.at)
