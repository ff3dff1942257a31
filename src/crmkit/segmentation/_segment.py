"""A named rule, and many of them asked together."""

from collections.abc import Iterable
from datetime import datetime

import attrs

from crmkit._time import to_instant
from crmkit.engagement import MESSAGES
from crmkit.errors import InvalidRecord
from crmkit.model import Relationship, Verdict
from crmkit.model import _fields as fields
from crmkit.segmentation._nodes import (
    EventAfter,
    EventAge,
    EventCount,
    Events,
    EventStands,
    Rule,
    ScoreTest,
    TemperatureTest,
    each,
    to_rule,
)
from crmkit.segmentation._sentences import describe
from crmkit.segmentation._walk import Look, answer


@attrs.frozen(field_transformer=fields.paths, repr=False)
class Segment:
    """A named rule: who belongs, why, and until when.

    >>> from datetime import UTC, datetime
    >>> from crmkit.model import Candidate, Interaction, Relationship
    >>> from crmkit.segmentation import event
    >>> read = Interaction(candidate_id="ada", kind="clicked", at="2026-02-20T09:00Z")
    >>> readers = Segment("readers", event("clicked").within(days=30))
    >>> verdict = readers.check(Relationship(Candidate(id="ada"), [read]),
    ...                         now=datetime(2026, 3, 2, 9, tzinfo=UTC))
    >>> print(verdict)
    <Verdict True, until 2026-03-22 09:00:00 UTC>
    ✓ clicked within the last 30 days (found 1, last on 2026-02-20), until 2026-03-22 09:00 UTC
    >>> print(readers)
    readers: Clicked within the last 30 days.
    """

    name: str = attrs.field(converter=fields.text)
    rule: Rule = attrs.field(converter=to_rule)
    description: str = attrs.field(default="", converter=fields.text_or_blank)

    def __repr__(self) -> str:
        return f"<Segment {self.name!r}>"

    def __str__(self) -> str:
        return f"{self.name}: {self.describe()}"

    def check(self, relationship: Relationship, *, now: datetime) -> Verdict[bool]:
        """Say whether the person belongs at *now*, with the reasons, and until when.

        A naive *now* raises `NaiveInstant`.
        """
        return _verdict(self.rule, Look(relationship, to_instant(now, "now")))

    def describe(self) -> str:
        """Return the rule as an English sentence."""
        return describe(self.rule)

    @property
    def kinds(self) -> frozenset[str]:
        """The interaction kinds that the rule could see; no other kind changes its answer."""
        return frozenset(kind for rule in each(self.rule) for kind in _seen_by(rule))


def _verdict(rule: Rule, look: Look) -> Verdict[bool]:
    reason = answer(rule, look)
    return Verdict(bool(reason.holds), reason, reason.until)


def _seen_by(rule: Rule) -> Iterable[str]:
    match rule:
        case EventCount(events=Events(kinds=kinds)) | EventAge(events=Events(kinds=kinds)):
            return kinds
        case EventAfter() | EventStands():
            return (*rule.events.kinds, *rule.other.kinds)
        case ScoreTest() | TemperatureTest():
            weighing = [kind for kind, weight in rule.policy.weights.items() if weight > 0]
            silent = MESSAGES if isinstance(rule, TemperatureTest) else ()
            return (*weighing, *silent)
        case _:
            return ()


def _segments(value: object) -> tuple[Segment, ...]:
    if not isinstance(value, Iterable):
        raise InvalidRecord("", f"expected segments, got {type(value).__name__}")
    found = tuple(value)
    names: set[str] = set()
    for index, segment in enumerate(found):
        if not isinstance(segment, Segment):
            raise InvalidRecord(f"[{index}]", f"expected a Segment, got {type(segment).__name__}")
        if segment.name in names:
            raise InvalidRecord(f"[{index}].name", f"{segment.name!r} is there already")
        names.add(segment.name)
    return found


@attrs.frozen(field_transformer=fields.paths, repr=False)
class Segmenter:
    """Many segments, asked together about one relationship; no two have one name.

    >>> from crmkit.segmentation import CATALOGUE
    >>> Segmenter(CATALOGUE)
    <Segmenter of 5 segments>
    """

    segments: tuple[Segment, ...] = attrs.field(converter=_segments)

    def __repr__(self) -> str:
        return f"<Segmenter of {len(self.segments)} segments>"

    def check(self, relationship: Relationship, *, now: datetime) -> dict[str, Verdict[bool]]:
        """Return the verdict of every segment by name, in the order of `segments`."""
        look = Look(relationship, to_instant(now, "now"))
        return {segment.name: _verdict(segment.rule, look) for segment in self.segments}

    @property
    def kinds(self) -> frozenset[str]:
        """The interaction kinds that any of the rules could see."""
        return frozenset(kind for segment in self.segments for kind in segment.kinds)
