"""Selection rates by group, counted: one pass over everyone, in counts that add."""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping
from datetime import datetime, timedelta

import attrs

from crmkit._time import earliest, to_instant
from crmkit.errors import InvalidRecord
from crmkit.metrics._attribution import TOUCHES
from crmkit.metrics._counts import YEAR
from crmkit.metrics._impact import ImpactBasis, ImpactStage
from crmkit.metrics._impact_report import Impact
from crmkit.metrics._impact_tables import RATES, Atom, impact_of
from crmkit.metrics._tally import Frame, Tally
from crmkit.model import Candidate, History, Interaction, Relationship
from crmkit.model import _fields as fields

Groups = (
    Mapping[str, Mapping[str, object] | None] | Callable[[Candidate], Mapping[str, object] | None]
)
"""What a host knows of its people: by id, or asked person by person."""

ASSESSED = ("screened", "assessed", "interviewed", "offered")
"""What makes somebody shortlisted, where the host gives no shortlist."""

_ERASED = "people erased"
_LATER = "people first heard of later"
_ABSENT = "people named in the groups but not in the CRM by then"
_UNNAMED = "people in the CRM but not named in the groups: unknown"
_EARLY = "people applied, but not after a contact: not counted as converted"
_SKIPPED = "counted overall, not in the step"
_BACKWARDS = f"people hired before they converted: {_SKIPPED}"


def _text(value: object, path: str) -> str | None:
    try:
        return fields.optional_text(str(value) if isinstance(value, int) else value)
    except InvalidRecord as error:
        raise error.under(path) from None


def _atom(named: object, path: str) -> tuple[Atom, frozenset[str]]:
    """Return what is known of a person's groups, and which attributes were asked for."""
    if named is None:
        return (), frozenset()
    if not isinstance(named, Mapping):
        problem = f"expected a mapping of attributes to values, got {type(named).__name__}"
        raise InvalidRecord(path, problem)
    known: dict[str, str] = {}
    asked = set()
    for attribute, value in named.items():
        name = _text(attribute, path)
        if name is None:
            raise InvalidRecord(path, "expected the name of an attribute, got nothing")
        asked.add(name)
        missing = isinstance(value, float) and value != value  # noqa: PLR0124 - pandas' NaN
        if not missing and (text := _text(value, f"{path}[{name!r}]")):
            known[name] = text
    return tuple(sorted(known.items())), frozenset(asked)


@attrs.frozen(kw_only=True, repr=False)
class ImpactCounts:
    """Counts of how far the people of each group came; they add.

    Shards or tenants may be counted apart and added, in any order: ``a + b``. Nothing in here is
    withheld yet, so keep it inside the house, and publish what `result` makes of it.
    """

    now: datetime
    window: timedelta
    listed: bool
    """Whether the host gave a shortlist."""
    attributes: frozenset[str] = frozenset()
    cells: Mapping[Atom, tuple[int, ...]] = attrs.field(factory=dict)
    """For each combination of known groups: its people, and the numbers selected."""
    noted: Counter[str] = attrs.field(factory=Counter)
    excluded: Counter[str] = attrs.field(factory=Counter)
    simulated: int = 0
    until: datetime | None = None

    def __repr__(self) -> str:
        people = sum(counts[0] for counts in self.cells.values())
        by = ", ".join(sorted(self.attributes)) or "nothing"
        return f"<ImpactCounts: {people:,} people by {by}, as of {self.now:%Y-%m-%d %H:%M} UTC>"

    def __add__(self, other: "ImpactCounts") -> "ImpactCounts":
        """Return the counts of both; `InvalidRecord` if they were not counted alike."""
        if not isinstance(other, ImpactCounts):
            return NotImplemented
        for name in ("now", "window", "listed"):
            ours, theirs = getattr(self, name), getattr(other, name)
            if ours != theirs:
                problem = f"expected counts of one kind, got {ours} and {theirs}"
                raise InvalidRecord(name, problem)
        cells = dict(self.cells)
        for atom, counts in other.cells.items():
            ours = cells.get(atom, (0,) * len(counts))
            cells[atom] = tuple(a + b for a, b in zip(ours, counts, strict=True))
        return attrs.evolve(
            self,
            attributes=self.attributes | other.attributes,
            cells=cells,
            noted=self.noted + other.noted,
            excluded=self.excluded + other.excluded,
            simulated=self.simulated + other.simulated,
            until=earliest(self.until, other.until),
        )

    def result(self, *, least: int = 5, intersections: bool = True) -> Impact:
        """Return the impact ratios; see `impact`. `InvalidRecord` for a *least* below 1."""
        if type(least) is not int or least < 1:
            raise InvalidRecord("least", f"expected a whole number from 1 on, got {least!r}")
        found = impact_of(
            self.cells,
            self.attributes,
            least=least,
            intersections=intersections,
            as_of=self.now,
            window=self.window,
            listed=self.listed,
            noted=self.noted,
            excluded=self.excluded,
            simulated=self.simulated,
            until=self.until,
        )
        if any(row.suppressed and not row.group for row in found):
            # Their number is withheld, so that the few who are known do not follow.
            noted = {what: count for what, count in found.noted.items() if what != _UNNAMED}
            return attrs.evolve(found, noted=fields.FrozenMap(noted))
        return found


@attrs.define
class _Counting:
    """Counts everyone who is added."""

    frame: Frame
    shortlisted: Container[str] | None
    attributes: set[str] = attrs.field(factory=set)
    cells: dict[Atom, list[int]] = attrs.field(factory=dict)
    tally: Tally = attrs.field(factory=Tally)

    def add(self, named: object, path: str, reached: tuple[bool, ...] | None) -> None:
        """Count one person; None for *reached* if they are not in the CRM, or not yet."""
        atom, asked = _atom(named, path)
        self.attributes |= asked
        counts = self.cells.setdefault(atom, [0] * (len(RATES) + 1))
        counts[0] += 1
        for place, there in enumerate(reached or (), 1):
            counts[place] += there

    def walk(self, candidate: Candidate, past: History) -> tuple[bool, ...]:
        """Return which of `RATES` count a person, of whom *past* had happened."""
        tally, start = self.tally, self.frame.start
        kinds = past.by_kind
        contacts = [kinds[kind] for kind in TOUCHES if kind in kinds]
        first = min((facts[0].at for facts in contacts), default=None)
        contacted = self._lately(facts[-1] for facts in contacts)
        if self.shortlisted is None:
            shortlisted = self._lately(kinds[kind][-1] for kind in ASSESSED if kind in kinds)
        else:
            shortlisted = any(key in self.shortlisted for key in candidate.ids)
        applied = [fact for fact in kinds.get("applied", ()) if fact.at > start]
        conversions = [fact for fact in applied if first and first < fact.at]
        converted = self._lately(conversions[-1:])
        hires = kinds.get("hired", ())
        hired = self._lately(hires[-1:])
        in_order = converted and hired and conversions[0].at <= hires[-1].at
        if converted and hired:
            tally.changes(self.frame.leaves(conversions[0].at))
        tally.noted[_EARLY] += bool(applied) and not converted
        tally.noted[_BACKWARDS] += converted and hired and not in_order
        for skipped, what in (
            (shortlisted and not contacted, "shortlisted but not contacted"),
            (converted and not shortlisted, "converted but not shortlisted"),
            (hired and not converted, "hired but not converted"),
        ):
            tally.noted[f"people {what}: {_SKIPPED}"] += skipped
        reached = {
            (ImpactStage.CAPTURED, ImpactBasis.OVERALL): True,
            (ImpactStage.CONTACTED, ImpactBasis.OVERALL): contacted,
            (ImpactStage.SHORTLISTED, ImpactBasis.OVERALL): shortlisted,
            (ImpactStage.SHORTLISTED, ImpactBasis.STEP): contacted and shortlisted,
            (ImpactStage.CONVERTED, ImpactBasis.OVERALL): converted,
            (ImpactStage.CONVERTED, ImpactBasis.STEP): shortlisted and converted,
            (ImpactStage.HIRED, ImpactBasis.OVERALL): hired,
            (ImpactStage.HIRED, ImpactBasis.STEP): in_order,
        }
        return tuple(reached[rate] for rate in RATES)

    def _lately(self, newest: Iterable[Interaction]) -> bool:
        """Whether one of the facts is in the window; remember when the last of them leaves."""
        at = max((fact.at for fact in newest), default=None)
        if at is None or at <= self.frame.start:
            return False
        self.tally.changes(self.frame.leaves(at))
        return True

    def expect(self, later: tuple[Interaction, ...]) -> None:
        """Remember when what has not happened yet will change a count."""
        watched = {*TOUCHES, "applied", "hired"}
        if self.shortlisted is None:
            watched |= {*ASSESSED}
        for fact in later:
            if fact.kind in watched:
                self.tally.changes(fact.at)

    def counts(self, simulated: int) -> ImpactCounts:
        return ImpactCounts(
            now=self.frame.now,
            window=self.frame.window,
            listed=self.shortlisted is not None,
            attributes=frozenset(self.attributes),
            cells={atom: tuple(counts) for atom, counts in self.cells.items()},
            noted=+self.tally.noted,
            excluded=+self.tally.excluded,
            simulated=simulated,
            until=self.tally.until,
        )


def count_impact(
    relationships: Iterable[Relationship],
    groups: Groups,
    *,
    now: datetime,
    window: timedelta = YEAR,
    shortlisted: Container[str] | None = None,
) -> ImpactCounts:
    """Count how far the people of each group came: `impact`, before anything is withheld.

    The counts of shards or tenants add up to those of the whole. Each person may be in one of
    them, and so may each person whom a mapping names: with every shard's people goes its own
    part of *groups*. Raises what `impact` does.

    >>> from datetime import UTC
    >>> now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    >>> here = [Relationship(Candidate(id="ada")), Relationship(Candidate(id="eve"))]
    >>> there = [Relationship(Candidate(id="bob"))]
    >>> parts = [count_impact(here, {"ada": {"sex": "f"}, "eve": {}}, now=now),
    ...          count_impact(there, {"bob": {"sex": "m"}}, now=now)]
    >>> parts[0] + parts[1]
    <ImpactCounts: 3 people by sex, as of 2026-03-02 09:00 UTC>
    """
    if window <= timedelta(0):
        raise InvalidRecord("window", f"expected more than nothing, got {window}")
    now = to_instant(now, "now")
    counting = _Counting(Frame(now, window), shortlisted)
    tally = counting.tally
    seen: set[str] = set()
    simulated = 0
    for relationship in relationships:
        candidate = relationship.candidate
        history = relationship.history
        past, later = history.upto(now), history.after(now)
        simulated += sum(fact.properties.get("simulated") is True for fact in past)
        seen.update(candidate.ids)
        if candidate.erased:
            tally.excluded[_ERASED] += 1
            continue
        known = bool(past or not later)
        if isinstance(groups, Mapping):
            key = next((key for key in candidate.ids if key in groups), None)
            named = None if key is None else groups[key]
        else:
            key = candidate.id if known else None
            named = groups(candidate) if known else None
        path = f"groups[{key!r}]"
        if known:
            tally.noted[_UNNAMED] += key is None
            counting.expect(later)
            counting.add(named, path, counting.walk(candidate, past))
            continue
        tally.changes(later[0].at)
        if key is None:
            tally.excluded[_LATER] += 1
        else:
            tally.noted[_ABSENT] += 1
            counting.add(named, path, None)
    if isinstance(groups, Mapping):
        for key, named in groups.items():
            if key not in seen:
                tally.noted[_ABSENT] += 1
                counting.add(named, f"groups[{key!r}]", None)
    return counting.counts(simulated)


def impact(
    relationships: Iterable[Relationship],
    groups: Groups,
    *,
    now: datetime,
    window: timedelta = YEAR,
    shortlisted: Container[str] | None = None,
    least: int = 5,
    intersections: bool = True,
) -> Impact:
    """Compare how far the people of each group came: selection rates and impact ratios.

    *groups* gives each person's values by attribute, as the host knows them; nothing is inferred.
    None, blank and left out is unknown: counted, reported, and part of no group. Given a mapping
    of ids, everyone whom it names could have been captured; given a function of the candidate,
    the people counted are those in the CRM. With *intersections* every two attributes are
    crossed, too.

    Somebody is contacted, shortlisted and hired if a fact in the window says so, and converted by
    an application in the window after their first contact. *shortlisted* are the ids of a
    shortlist; without it, who was screened, assessed, interviewed or offered a role is
    shortlisted. Each stage counts what the log says: who skipped a stage is counted overall (of
    all captured), not in the step (of the stage before), and stated. Neither rate can be above 1.

    The impact ratio is a group's selection rate ÷ the highest group's. Below 0.8 stands a flag
    (four-fifths rule, 29 CFR 1607.4D), which is no verdict. Groups of fewer than *least* people
    are withheld, and so is what they could be had from by subtraction.

    One pass; each person may come once. A fact dated after *now* does not exist yet. Raises
    `InvalidRecord` for a naive *now*, a window that is not positive, a *least* below 1, or a
    group that is not text.

    >>> from datetime import UTC
    >>> people = [(f"{sex}{number}", sex, number < hired)
    ...           for sex, hired in (("f", 3), ("m", 8)) for number in range(20)]
    >>> pool = [Relationship(Candidate(id=key), [
    ...             Interaction(candidate_id=key, kind="hired", at="2026-01-05T09:00Z")
    ...         ] if hired else []) for key, _, hired in people]
    >>> found = impact(pool, {key: {"sex": sex} for key, sex, _ in people},
    ...                now=datetime(2026, 3, 2, 9, tzinfo=UTC))
    >>> row = found.row({"sex": "f"}, "hired")
    >>> row.selected, row.of, row.ratio, row.flag
    (3, 20, 0.375, True)
    >>> print(row.meaning)
    0.375 of the rate of m (3 of 20 against 8 of 20): below four fifths. A flag, not a verdict \
(29 CFR 1607.4D). The 95 % interval, 0.12 to 1.21, includes 1: the data cannot tell whether the \
groups differ.
    """
    counts = count_impact(relationships, groups, now=now, window=window, shortlisted=shortlisted)
    return counts.result(least=least, intersections=intersections)
