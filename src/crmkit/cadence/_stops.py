"""What makes a cadence's clock stand still, read off the log."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from operator import attrgetter

import attrs

from crmkit._time import earliest
from crmkit.cadence._cadence import Enrollment
from crmkit.engagement import EngagementPolicy, is_engagement
from crmkit.errors import InvalidRecord
from crmkit.model import (
    NURTURE,
    Candidate,
    Consent,
    History,
    Interaction,
    Interest,
    employed_since,
    open_processes,
    until_of,
)
from crmkit.model._process import PROCESS


class PlanStatus(StrEnum):
    """Whether a cadence runs, and if not, what for."""

    ACTIVE = "active"
    WAITING = "waiting"
    """They replied; a person is to answer."""
    SNOOZED = "snoozed"
    """Until an instant that is known: they are away, or said when to ask again."""
    PAUSED = "paused"
    CONVERTED = "converted"
    """In an active process, or hired; wrong timing brings them back."""
    ARCHIVED = "archived"
    """Nothing was answered for a whole sequence; engaging brings them back."""
    ENDED = "ended"
    """They unsubscribed, complained or withdrew their consent; only a new consent brings them
    back."""
    COMPLETED = "completed"


OVER = frozenset({PlanStatus.ARCHIVED, PlanStatus.ENDED, PlanStatus.COMPLETED})
"""While one of these stands, nothing more is planned."""


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
    **dict.fromkeys(["archived", "converted", "consented"], 0),
    **dict.fromkeys(["resumed", "reactivated", "returned", "rejected", "withdrew"], 1),
    "replied": 2,
    **dict.fromkeys(["paused", "auto_replied"], 3),
    **dict.fromkeys(["called", "met", "messaged"], 4),
    **dict.fromkeys(["completed", "unsubscribed", "complained", "withdrew_consent"], 5),
}
_KINDS = PROCESS | _ORDER.keys()
_NO = frozenset({"unsubscribed", "complained", "withdrew_consent"})

_OF_ONE_RUN = frozenset({"paused", "resumed", "archived", "reactivated", "completed"})
"""Kinds that, when they name an enrolment, are about that one only; all others are about the
person, whichever cadence they answered."""

_FROM_BEFORE = PROCESS | _NO | {"paused", "resumed", "converted", "returned", "consented"}
_FROM_BEFORE |= {"auto_replied"}
"""Kinds that still count when they are older than the enrolment."""

Halts = list[tuple[datetime, Stop | None]]


def stops(
    history: History, enrollment: Enrollment, candidate: Candidate, policy: EngagementPolicy
) -> Halts:
    """Return what stops this enrolment's clock from which instant on, oldest first.

    ``None`` sets it going again. Every fact of the history counts as arriving at its own instant.
    """
    found: Halts = []
    if not _KINDS.isdisjoint(history.by_kind):
        standing = _Standing()
        for at, facts in groupby(_facts(history, enrollment, policy), key=attrgetter("at")):
            found += standing.lapses(at)
            for fact in facts:
                standing.hear(fact, engages=is_engagement(fact, policy=policy))
                if fact.kind in PROCESS:
                    standing.process = _process(history.upto(at))
            found.append((at, standing.stop()))
        found += standing.lapses(None)
    if candidate.interest is Interest.LATER and candidate.interested_from:
        return _until_then(found, candidate.interested_from, history, enrollment)
    return found


def _until_then(halts: Halts, later: datetime, history: History, enrollment: Enrollment) -> Halts:
    """Snooze up to the instant from which on, as their record says, they are interested.

    The record does not say since when; nothing that was done already is taken back.
    """
    run = enrollment.id
    done = (fact.at for fact in history if fact.enrollment_id == run and fact.at < later)
    since = max((enrollment.enrolled_at, *done))
    snooze = Stop(PlanStatus.SNOOZED, f"interested from {later:%Y-%m-%d}", since, later)
    found: Halts = []
    stop, place = None, 0
    for edge in sorted({since, later, *(at for at, _ in halts)}) if since < later else ():
        while place < len(halts) and halts[place][0] <= edge:
            _, stop = halts[place]
            place += 1
        found.append((edge, stop or snooze) if since <= edge < later else (edge, stop))
    return found or halts


def _facts(history: History, enrollment: Enrollment, policy: EngagementPolicy) -> list[Interaction]:
    revive = "archived" in history.by_kind
    found = [
        fact
        for kind, facts in history.by_kind.items()
        if kind in _KINDS or (revive and policy.weights.get(kind))
        for fact in facts
        if fact.at >= enrollment.enrolled_at or kind in _FROM_BEFORE or _snoozes(fact)
        if kind not in _OF_ONE_RUN or fact.enrollment_id in {None, enrollment.id}
        if kind in _KINDS or is_engagement(fact, policy=policy)
    ]
    return sorted(found, key=lambda fact: (fact.at, _ORDER.get(fact.kind, 2), fact.id))


def _snoozes(fact: Interaction) -> bool:
    return fact.kind == "replied" and until_of(fact) is not None


def _process(past: History) -> Stop | None:
    if hired := employed_since(past):
        return Stop(PlanStatus.CONVERTED, f"hired on {hired.at:%Y-%m-%d}", hired.at)
    if running := open_processes(past):
        began = min(running.values(), key=attrgetter("at", "id"))
        why = f"in an active process ({began.kind} on {began.at:%Y-%m-%d})"
        return Stop(PlanStatus.CONVERTED, why, began.at)
    return None


def _lifts(consent: Interaction) -> bool:
    """Say whether it is a consent to being kept in touch with; what cannot be read is none."""
    try:
        return Consent.of(consent).purpose == NURTURE
    except InvalidRecord:
        return False


def _ends_all(withdrawal: Interaction) -> bool:
    purpose = withdrawal.properties.get("purpose")
    return not isinstance(purpose, str) or purpose == NURTURE


@attrs.define
class _Standing:
    """What stands against the next touch, fact by fact; each reason ends by itself."""

    completed: Interaction | None = None
    ended: Interaction | None = None
    process: Stop | None = None
    converted: Interaction | None = None
    replied: Interaction | None = None
    snoozed: Interaction | None = None
    """Away, or "ask me again then": the fact that says until when."""
    paused: Interaction | None = None
    archived: Interaction | None = None
    outside: dict[str, Interaction] = attrs.field(factory=dict)
    """By segment, the pause since they left it: their coming back ends it, and nothing else."""

    def hear(self, fact: Interaction, *, engages: bool) -> None:  # noqa: C901, PLR0912 - a table by kind
        if engages:
            self.archived = None
        segment = fact.properties.get("segment")
        match fact.kind:
            case "completed":
                self.completed = self.completed or fact
            case "unsubscribed" | "complained":
                self.ended = self.ended or fact
            case "withdrew_consent" if _ends_all(fact):
                self.ended = self.ended or fact
            case "consented" if self.ended and fact.at > self.ended.at and _lifts(fact):
                self.ended = None
            case "archived":
                self.archived, self.replied = fact, None
            case "paused" | "resumed" if isinstance(segment, str):
                self._cross(segment, fact)
            case "resumed" | "reactivated":
                self.replied = self.paused = self.archived = None
                if fact.kind == "resumed" and fact.enrollment_id is None:
                    self.snoozed = None  # that of one run does not bring the person back
            case "replied" if fact.automated is not True:
                self._reply(fact)
            case "replied" | "auto_replied" if until_of(fact):
                self._snooze(fact)
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

    def _reply(self, fact: Interaction) -> None:
        self.archived = self.snoozed = None
        if until_of(fact):
            self.replied, self.snoozed = None, fact
        else:
            self.replied = self.replied or fact

    def _snooze(self, fact: Interaction) -> None:
        before = until_of(self.snoozed) if self.snoozed else None
        if before is None or before < (until_of(fact) or before):
            self.snoozed = fact

    def _cross(self, segment: str, fact: Interaction) -> None:
        self.outside.pop(segment, None)
        if fact.kind == "paused":
            self.outside[segment] = fact

    def lapses(self, before: datetime | None) -> Iterator[tuple[datetime, Stop | None]]:
        """Yield the ends of pauses and snoozes that come not later than *before*."""
        while end := self._next_end(before):
            for name in ("paused", "snoozed"):
                fact = getattr(self, name)
                if fact and (until := until_of(fact)) and max(until, fact.at) == end:
                    setattr(self, name, None)
            yield end, self.stop()

    def _next_end(self, before: datetime | None) -> datetime | None:
        facts = [fact for fact in (self.paused, self.snoozed) if fact]
        ends = [max(until, fact.at) for fact in facts if (until := until_of(fact))]
        end = earliest(*ends)
        return end if end and (before is None or end <= before) else None

    def stop(self) -> Stop | None:
        """Return the first reason that stands: who works here or waits needs a person first."""
        if self.completed:
            return _by(self.completed, PlanStatus.COMPLETED, "completed")
        if self.ended:
            return _by(self.ended, PlanStatus.ENDED, self.ended.kind.replace("_", " "))
        if self.process:
            return self.process
        if self.converted:
            return _by(self.converted, PlanStatus.CONVERTED, "converted")
        if self.replied:
            return _by(self.replied, PlanStatus.WAITING, "they replied")
        if self.paused or self.snoozed:
            return self._rest()
        if self.outside:
            name, left = next(iter(self.outside.items()))
            return _by(left, PlanStatus.PAUSED, f"left segment {name!r}")
        if self.archived:
            return _by(self.archived, PlanStatus.ARCHIVED, "archived")
        return None

    def _rest(self) -> Stop:
        """Return the pause or the snooze, whichever ends later."""
        facts = [fact for fact in (self.paused, self.snoozed) if fact]
        longest = max(facts, key=lambda fact: (until_of(fact) is None, until_of(fact) or fact.at))
        until = until_of(longest)
        what = _RESTS[longest.kind]
        status = PlanStatus.SNOOZED if until else PlanStatus.PAUSED
        return attrs.evolve(_by(longest, status, what), until=until)


_RESTS = {
    "paused": "paused",
    "auto_replied": "away, as an automatic reply said",
    "replied": "they asked for later",
}


def _by(fact: Interaction, status: PlanStatus, what: str) -> Stop:
    return Stop(status, f"{what} on {fact.at:%Y-%m-%d}", fact.at)
