"""One look at one relationship at one instant: what rules ask is found once."""

from bisect import bisect_right
from collections.abc import Collection, Mapping
from datetime import datetime
from types import MappingProxyType

from crmkit._time import Span, after
from crmkit.errors import InvalidRecord, RuleError
from crmkit.model import Interaction, Reason, Relationship
from crmkit.segmentation._compare import LOOSE
from crmkit.segmentation._nodes import ATTRIBUTES, Events, Rule, Where

NONE: Mapping[str, Rule] = MappingProxyType({})


class Look:
    """A relationship at an instant, and the segments that rules may refer to."""

    __slots__ = (
        "_found",
        "_looks",
        "_matching",
        "_members",
        "answers",
        "by_kind",
        "candidate",
        "inside",
        "now",
        "origin",
        "relationship",
        "segments",
    )

    def __init__(
        self, relationship: Relationship, now: datetime, segments: Mapping[str, Rule] = NONE
    ) -> None:
        self.relationship = relationship
        self.candidate = relationship.candidate
        self.by_kind = relationship.history.by_kind
        self.now = now
        self.segments = segments
        self.inside = False
        """Whether reasons are for another segment's: those of a third one are left out there."""
        self.origin = now  # what was asked first; the others are other instants of the same look
        self.answers: dict[Rule, Reason] = {}
        self._members: dict[str, Reason] = {}
        self._found: dict[Events, tuple[list[Interaction], datetime | None]] = {}
        # One for all instants: `Held` asks about many, nested ones about the same ones again.
        self._matching: dict[Events, list[Interaction]] = {}
        self._looks: dict[datetime, Look] = {}

    def at(self, instant: datetime) -> "Look":
        """Return the look at another instant, the same one each time."""
        look = self._looks.get(instant)
        if look is None:
            look = self._looks[instant] = Look(self.relationship, instant, self.segments)
            look.origin, look.inside = self.origin, True
            look._matching, look._looks = self._matching, self._looks
        return look

    def facts(self, events: Events) -> tuple[list[Interaction], datetime | None]:
        """Return those up to now, oldest first, and when the next one will come."""
        found = self._found.get(events)
        if found is None:
            facts = self._matching.get(events)
            if facts is None:
                facts = self._matching[events] = matching(self.by_kind, events)
            split = bisect_right(facts, self.now, key=_at)
            found = facts[:split], facts[split].at if split < len(facts) else None
            self._found[events] = found
        return found

    def times(self, events: Events) -> tuple[list[datetime], datetime | None]:
        """Return when these happened up to now, oldest first, and when the next one will."""
        facts, coming = self.facts(events)
        return [fact.at for fact in facts], coming

    def next_of(self, kinds: Collection[str]) -> datetime | None:
        """Return when the next fact of these kinds that is in the log already will come."""
        coming = []
        for kind in kinds & self.by_kind.keys():
            facts = self.by_kind[kind]
            split = bisect_right(facts, self.now, key=_at)
            coming += [fact.at for fact in facts[split : split + 1]]
        return min(coming, default=None)

    def rule_of(self, segment: str) -> Rule:
        """Return the rule of a segment that another one refers to."""
        if segment not in self.segments:
            raise RuleError(
                f"member({segment!r}): nobody said what that segment is; put both into one "
                "Segmenter and ask that"
            )
        return self.segments[segment]

    def remember(self, segment: str, reason: Reason | None = None) -> Reason | None:
        """Return the answer of a segment that was asked already; keep it when it is given."""
        if reason is not None:
            self._members[segment] = reason
        return self._members.get(segment)


def to_relationship(value: object) -> Relationship:
    """Return *value* if rules can be asked about it, or raise `InvalidRecord`."""
    if isinstance(value, Relationship):
        return value
    raise InvalidRecord(
        "relationship",
        f"expected a Relationship(candidate, interactions), got {type(value).__name__}",
    )


def matching(by_kind: Mapping[str, tuple[Interaction, ...]], events: Events) -> list[Interaction]:
    """Return the interactions that an event rule looks at, oldest first, then by id."""
    found = [
        fact
        for kind in events.kinds
        for fact in by_kind.get(kind, ())
        if fact.automated in events.automated and _matches(fact, events)
    ]
    if len(events.kinds) > 1:
        found.sort(key=_order)
    return found


def _matches(fact: Interaction, events: Events) -> bool:
    if events.since is not None and fact.at < events.since:
        return False
    if events.before is not None and fact.at >= events.before:
        return False
    return all(passes(fact, test) for test in events.where)


def passes(fact: Interaction, test: Where) -> bool:
    """Whether an interaction passes a test; a positive one of what is missing fails."""
    found = value_of(fact, test.name)
    return (found is not None and LOOSE[test.op](found, test.value)) is test.holds


def value_of(fact: Interaction, name: str) -> object:
    """Return an attribute of an interaction, or one of its properties."""
    return getattr(fact, name) if name in ATTRIBUTES else fact.properties.get(name)


def _at(fact: Interaction) -> datetime:
    return fact.at


def _order(fact: Interaction) -> tuple[datetime, str]:
    return fact.at, fact.id


def later(instant: datetime, span: Span | None) -> datetime | None:
    """Return *instant* + *span*, or None where that is past the end of all calendars."""
    if span is None:
        return instant
    try:
        return after(instant, span)
    except (OverflowError, ValueError):
        return None
