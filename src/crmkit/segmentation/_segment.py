"""A named rule, and many of them asked together."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from html import escape
from typing import Any, ClassVar

import attrs

from crmkit._time import to_instant
from crmkit.errors import InvalidRecord, NotFound, RuleError, UnknownName
from crmkit.model import Reason, Relationship, Verdict
from crmkit.model import _fields as fields
from crmkit.segmentation._compile import Compiled, compiled
from crmkit.segmentation._index import Index
from crmkit.segmentation._look import Look, to_relationship
from crmkit.segmentation._nodes import AllOf, AnyOf, Listed, Not, Rule
from crmkit.segmentation._outline import outline
from crmkit.segmentation._rule import to_rule
from crmkit.segmentation._seen import referred, seen
from crmkit.segmentation._sentences import describe
from crmkit.segmentation._walk import answer, member


class OnLeave(StrEnum):
    """What becomes of the cadence that somebody runs through when they leave its segment."""

    CONTINUE = "continue"
    PAUSE = "pause"
    """It stands still until they are back, and goes on where it stood."""
    END = "end"


def _on_leave(value: object) -> OnLeave:
    try:
        return OnLeave(value)  # type: ignore[arg-type]
    except ValueError:
        raise UnknownName.among("", value, OnLeave, what="a leave policy") from None


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

    _unfinished: ClassVar[str] = "a segment is none: take its .rule, or member() with its name"

    name: str = attrs.field(converter=fields.text)
    rule: Rule = attrs.field(converter=to_rule)
    description: str = attrs.field(default="", converter=fields.text_or_blank)
    on_leave: OnLeave = attrs.field(default=OnLeave.CONTINUE, converter=_on_leave, kw_only=True)

    def __repr__(self) -> str:
        return f"<Segment {self.name!r}>"

    def __str__(self) -> str:
        return f"{self.name}: {self.describe()}"

    def _repr_html_(self) -> str:
        return f"<div>{escape(self.name)}{outline(self.rule)._repr_html_()}</div>"

    def check(self, relationship: Relationship, *, now: datetime) -> Verdict[bool]:
        """Say whether the person belongs at *now*, with the reasons, and until when.

        A naive *now* raises `NaiveInstant`, a rule that refers to another segment `RuleError`:
        only a `Segmenter` knows that one.
        """
        look = Look(to_relationship(relationship), to_instant(now, "now"))
        return _verdict(answer(self.rule, look))

    def describe(self) -> str:
        """Return the rule as an English sentence."""
        return describe(self.rule)

    @property
    def kinds(self) -> frozenset[str]:
        """The interaction kinds that the rule could see itself; no other changes its answer."""
        return seen(self.rule)

    @property
    def needs(self) -> frozenset[str]:
        """The names of the segments that the rule refers to."""
        return referred(self.rule)

    @property
    def digest(self) -> str:
        """A text that changes whenever the rule or the leave policy does."""
        content = repr(_canonical((self.rule, self.on_leave)))
        return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:32]

    def including(self, *ids: str) -> "Segment":
        """Return the segment with these people in it, whatever its rule says.

        >>> from crmkit.segmentation import everyone
        >>> print(Segment("pilot", ~everyone()).including("ada", "bob").excluding("bob"))
        pilot: (nobody, or listed by hand ('ada')), and not listed by hand ('bob').
        """
        core, added, removed = _by_hand(self.rule)
        return attrs.evolve(self, rule=_handed(core, added | {*ids}, removed - {*ids}))

    def excluding(self, *ids: str) -> "Segment":
        """Return the segment without these people, whatever its rule says."""
        core, added, removed = _by_hand(self.rule)
        return attrs.evolve(self, rule=_handed(core, added - {*ids}, removed | {*ids}))


def _by_hand(rule: Rule) -> tuple[Rule, frozenset[str], frozenset[str]]:
    """Return the rule without what `including` and `excluding` wrote around it."""
    added = removed = frozenset[str]()
    match rule:
        case AllOf(parts=(inner, Not(part=Listed(ids=ids)))):
            rule, removed = inner, frozenset(ids)
    match rule:
        case AnyOf(parts=(inner, Listed(ids=ids))):
            rule, added = inner, frozenset(ids)
    return rule, added, removed


def _handed(core: Rule, added: Collection[str], removed: Collection[str]) -> Rule:
    # Nested on purpose, not joined flat: so it can be told apart again.
    rule = AnyOf((core, Listed(tuple(added)))) if added else core
    return AllOf((rule, Not(Listed(tuple(removed))))) if removed else rule


def _canonical(value: object) -> Any:
    cls: Any = type(value)
    if attrs.has(cls):
        parts = [_canonical(getattr(value, field.name)) for field in attrs.fields(cls)]
        return cls.__name__, parts
    if isinstance(value, frozenset):
        return sorted(map(repr, value))
    if isinstance(value, Mapping):
        return sorted((key, _canonical(item)) for key, item in value.items())
    return [_canonical(item) for item in value] if isinstance(value, tuple) else value


def _verdict(reason: Reason) -> Verdict[bool]:
    return Verdict(bool(reason.holds), reason, reason.until)


def _to_segment(value: object, where: str) -> Segment:
    if isinstance(value, Segment):
        return value
    raise InvalidRecord(where, f"expected a Segment, got {type(value).__name__}")


def _segments(value: object) -> tuple[Segment, ...]:
    if not isinstance(value, Iterable):
        raise InvalidRecord("", f"expected segments, got {type(value).__name__}")
    found = tuple(value)
    names: set[str] = set()
    for index, segment in enumerate(found):
        if _to_segment(segment, f"[{index}]").name in names:
            raise InvalidRecord(f"[{index}].name", f"{segment.name!r} is there already")
        names.add(segment.name)
    return found


@attrs.frozen(field_transformer=fields.paths, repr=False)
class Segmenter:
    """Many segments, asked together about one relationship; no two have one name.

    They may refer to each other by `member`: a reference to a segment that is not there raises
    `UnknownName`, and one that comes back to itself `RuleError`, which prints the cycle.

    >>> from crmkit.segmentation import CATALOGUE, member
    >>> Segmenter(CATALOGUE)
    <Segmenter of 5 segments>
    >>> Segmenter([Segment("a", member("b")), Segment("b", ~member("a"))])
    Traceback (most recent call last):
        ...
    crmkit.errors.RuleError: segments refer to each other in a cycle: a → b → a
    """

    segments: tuple[Segment, ...] = attrs.field(converter=_segments)
    _by_name: dict[str, Segment] = attrs.field(init=False, eq=False)
    _rules: dict[str, Rule] = attrs.field(init=False, eq=False)
    _needs: dict[str, frozenset[str]] = attrs.field(init=False, eq=False)
    order: tuple[str, ...] = attrs.field(init=False, eq=False)
    """The names, those that others refer to before those who do."""
    _kinds: dict[str, frozenset[str]] = attrs.field(init=False, eq=False)

    @_by_name.default
    def _named(self) -> dict[str, Segment]:
        return {segment.name: segment for segment in self.segments}

    @_rules.default
    def _of(self) -> dict[str, Rule]:
        return {segment.name: segment.rule for segment in self.segments}

    @_needs.default
    def _referred(self) -> dict[str, frozenset[str]]:
        found = {segment.name: segment.needs for segment in self.segments}
        for index, needs in enumerate(found.values()):
            for name in sorted(needs - found.keys()):
                where = f"segments[{index}]"
                raise UnknownName.among(where, name, found, what="one of the segments")
        return found

    @order.default
    def _ordered(self) -> tuple[str, ...]:
        sorter = TopologicalSorter({name: sorted(needs) for name, needs in self._needs.items()})
        try:
            return tuple(sorter.static_order())
        except CycleError as error:
            cycle = " → ".join(reversed(error.args[1]))
            raise RuleError(f"segments refer to each other in a cycle: {cycle}") from None

    @_kinds.default
    def _seen(self) -> dict[str, frozenset[str]]:
        found: dict[str, frozenset[str]] = {}
        for name in self.order:
            below = (found[need] for need in self._needs[name])
            found[name] = self._by_name[name].kinds.union(*below)
        return found

    def __repr__(self) -> str:
        return f"<Segmenter of {len(self.segments)} segments>"

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Segment:
        """Return the segment of that name, or raise `NotFound`."""
        if name not in self._by_name:
            raise NotFound("segment", name, self._by_name)
        return self._by_name[name]

    def check(
        self,
        relationship: Relationship,
        *,
        now: datetime,
        only: Collection[str] | None = None,
    ) -> dict[str, Verdict[bool]]:
        """Return the verdict of every segment by name, in the order of `segments`.

        With *only* just these are asked, and those that they refer to. The reasons of a segment
        hold those of the ones that it refers to itself; of what these refer to, just the answer.
        """
        if isinstance(only, str):
            raise InvalidRecord("only", f"expected a list of names, got the text {only!r}")
        look = Look(to_relationship(relationship), to_instant(now, "now"), self._rules)
        asked = [name for name in self._rules if only is None or name in only]
        for name in self._below(asked):
            member(name, look)  # in order, so that a long chain of references never nests
        return {name: _verdict(answer(self._rules[name], look)) for name in asked}

    def _below(self, names: Collection[str]) -> list[str]:
        """Return the names of all that these segments refer to, through others too, in order."""
        asked, found = {*names}, set[str]()
        for name in reversed(self.order):
            if name in asked or name in found:
                found |= self._needs[name]
        return [name for name in self.order if name in found]

    def index(
        self,
        relationships: Iterable[Relationship],
        *,
        progress: Callable[[int, int | None], None] | None = None,
    ) -> Index:
        """Return what the segments ask of these people, collected once, to be asked at any instant.

        ``progress`` is called with how many people are indexed and how many there are.
        """
        return Index(self._compiled, self._rules, self.kinds, relationships, progress)

    @cached_property
    def _compiled(self) -> Compiled:
        return compiled(self._rules, self.order)

    @property
    def kinds(self) -> frozenset[str]:
        """The interaction kinds that any of the rules could see."""
        return frozenset[str]().union(*self._kinds.values())

    def affected(self, kinds: Iterable[str]) -> frozenset[str]:
        """Return the names of the segments that a fact of one of these kinds could change.

        Through the segments that they refer to, too.
        """
        arrived = frozenset(kinds)
        return frozenset(name for name, seen in self._kinds.items() if seen & arrived)

    def replacing(self, segment: Segment) -> "Segmenter":
        """Return the segments with this one in the place of its namesake, or, if new, at the end.

        >>> from crmkit.segmentation import everyone
        >>> Segmenter(()).replacing(Segment("all", everyone()))
        <Segmenter of 1 segments>
        """
        name = _to_segment(segment, "segment").name
        return Segmenter({**self._by_name, name: segment}.values())

    def without(self, name: str) -> "Segmenter":
        """Return the segments without this one; `RuleError` says which others need it."""
        found = self[name]
        if needed := self.needed_by(name):
            raise RuleError(f"segment {name!r} is needed by {', '.join(map(repr, needed))}")
        return Segmenter(one for one in self.segments if one is not found)

    def needed_by(self, name: str) -> tuple[str, ...]:
        """Return the names of the segments that refer to this one themselves."""
        return tuple(other for other, needs in self._needs.items() if name in needs)

    def needing(self, name: str) -> tuple[str, ...]:
        """Return this name and those of all that refer to it, through others too, in order."""
        found = {name}
        for other in self.order:
            if self._needs[other] & found:
                found.add(other)
        return tuple(other for other in self.order if other in found)
