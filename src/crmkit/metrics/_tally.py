"""The window, and counts that add up person by person."""

from bisect import insort
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Self, TypeVar

import attrs

from crmkit._time import describe_span, earliest, later
from crmkit.metrics._benchmark import ENOUGH, MetricVerdict
from crmkit.metrics._definitions import Definition
from crmkit.metrics._estimates import Estimate, Share
from crmkit.metrics._metric import Exclusion, Group, Metric
from crmkit.model import Reason

KEPT = 20
"""How many people a list of whom to look after holds."""

Key = TypeVar("Key")

_BEGINNING = datetime.min.replace(tzinfo=UTC)


@attrs.frozen
class Frame:
    """The window as seen from ``now``: an instant *t* is inside iff now - window < t ≤ now."""

    now: datetime
    window: timedelta
    start: datetime = attrs.field(init=False)

    @start.default
    def _begin(self) -> datetime:
        try:
            return self.now - self.window
        except OverflowError:
            return _BEGINNING

    def __str__(self) -> str:
        return f"the {describe_span(self.window)} up to {self.now:%Y-%m-%d %H:%M} UTC"

    def has(self, at: datetime) -> bool:
        """Whether *at* lies inside."""
        return self.start < at <= self.now

    def leaves(self, at: datetime | None, after: timedelta = timedelta(0)) -> datetime | None:
        """Return when *at* leaves the window, or *after* later; None beyond the calendar's end."""
        leaves = later(at, self.window) if at is not None else None
        return later(leaves, after) if leaves is not None else None


class Sums(Counter[Key]):
    """A `Counter` whose items are set as fast as those of a dict.

    `Counter` brings a ``__delitem__`` of its own, so that each assignment, too, goes through
    Python: half the price of counting something.
    """

    __delitem__ = dict.__delitem__  # type: ignore[assignment]


@attrs.define
class Adds:
    """Counts that add: field by field, so that parts of a pool may be counted apart."""

    def __add__(self, other: Self) -> Self:
        if type(other) is not type(self):
            return NotImplemented
        names = [field.name for field in attrs.fields(type(self))]
        return type(self)(**{name: getattr(self, name) + getattr(other, name) for name in names})


@attrs.define
class Tally:
    """Counts of one metric.

    ``until`` is an instant up to which the clock alone changes no count; ``oldest`` the oldest
    instant inside the window that a count rests on, which changes it when it leaves.
    """

    numerator: int = 0
    denominator: int = 0
    until: datetime | None = None
    oldest: datetime | None = None
    excluded: Counter[str] = attrs.field(factory=Sums)
    noted: Counter[str] = attrs.field(factory=Sums)

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.numerator + other.numerator,
            self.denominator + other.denominator,
            earliest(self.until, other.until),
            earliest(self.oldest, other.oldest),
            self.excluded + other.excluded,
            self.noted + other.noted,
        )

    def changes(self, at: datetime | None) -> None:
        """Remember that a count may change at this instant (None: never)."""
        if at is not None and (self.until is None or at < self.until):
            self.until = at


@attrs.define
class Most:
    """The greatest of some numbers."""

    value: int = -1

    def __add__(self, other: "Most") -> "Most":
        return Most(max(self.value, other.value))


@attrs.define
class Longest:
    """The few people for whom something is longest ago, the oldest first."""

    rows: list[tuple[datetime, str]] = attrs.field(factory=list)

    def __add__(self, other: "Longest") -> "Longest":
        return Longest(sorted(self.rows + other.rows)[:KEPT])

    def add(self, at: datetime, who: str) -> None:
        """Take one more person in, if it is among the longest."""
        rows = self.rows
        if len(rows) < KEPT or at < rows[-1][0] or (at, who) < rows[-1]:
            insort(rows, (at, who))
            del rows[KEPT:]


def judged(definition: Definition, value: float | None, counted: int) -> MetricVerdict:
    """Return how *value*, made from *counted* things, stands to the metric's benchmark."""
    if value is None:
        return MetricVerdict.NOT_MEASURED
    if definition.benchmark is None:
        return MetricVerdict.NONE
    verdict = definition.benchmark.judge(value)
    # One complaint among thirty e-mails is above a limit of one in a thousand, none is not below.
    enough = ENOUGH if verdict is MetricVerdict.ABOVE else definition.enough
    return MetricVerdict.TOO_FEW if counted < enough else verdict


def _reasons(definition: Definition, verdict: MetricVerdict, counted: int) -> tuple[Reason, ...]:
    benchmark = definition.benchmark
    if benchmark is None or verdict is MetricVerdict.NOT_MEASURED:
        return ()
    if verdict is MetricVerdict.TOO_FEW:
        text = f"at least {definition.enough:,} are counted"
        return (Reason(text, holds=False, found=f"{counted:,}"),)
    within = verdict is MetricVerdict.WITHIN
    text = f"{'within ' if benchmark.low else ''}{benchmark}, a {benchmark.source}"
    return (Reason(text, holds=within, found=verdict.value),)


def metric(
    definition: Definition,
    frame: Frame,
    *,
    value: float | None,
    because: str,
    numerator: float | None = None,
    denominator: float | None = None,
    counted: int,
    until: datetime | None,
    excluded: Mapping[str, int] | None = None,
    noted: Mapping[str, int] | None = None,
    remarks: Iterable[str] = (),
    groups: tuple[Group, ...] = (),
    estimate: Estimate | None = None,
    convention: str = "crmkit",
) -> Metric:
    """Put the counts and the definition together."""
    verdict = judged(definition, value, counted)
    notes = [Reason(remark) for remark in remarks]
    notes += [Reason(f"{what}: {count:,}") for what, count in sorted((noted or {}).items())]
    return Metric(
        about=definition,
        value=value,
        numerator=numerator,
        denominator=denominator,
        counted=counted,
        window=str(frame),
        exclusions=tuple(
            sorted(Exclusion(what, count) for what, count in (excluded or {}).items() if count)
        ),
        groups=groups,
        verdict=verdict,
        because=Reason(
            because, parts=(*notes, *_reasons(definition, verdict, counted)), until=until
        ),
        until=until,
        estimate=estimate,
        convention=convention,
    )


def rate(
    definition: Definition,
    frame: Frame,
    part: int,
    whole: int,
    *,
    of: str,
    none: str,
    until: datetime | None,
    excluded: Mapping[str, int] | None = None,
    noted: Mapping[str, int] | None = None,
    convention: str = "crmkit",
) -> Metric:
    """Return a share; *of* says of whom, *none* why there is no value if nobody was counted."""
    return metric(
        definition,
        frame,
        value=part / whole if whole else None,
        because=f"{part:,} of {whole:,} {of}" if whole else none,
        numerator=part,
        denominator=whole,
        counted=whole,
        until=until,
        excluded=excluded,
        noted=noted,
        estimate=Share(part, whole) if whole else None,
        convention=convention,
    )
