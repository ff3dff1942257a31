"""The window, and counts that add up person by person."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import attrs

from crmkit._time import describe_span, earliest
from crmkit.metrics._definitions import Definition
from crmkit.metrics._metric import ENOUGH, Benchmark, Exclusion, Group, Metric, MetricVerdict
from crmkit.model import Reason

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

    def leaves(self, at: datetime) -> datetime | None:
        """Return the instant at which *at* leaves the window; None beyond the calendar's end."""
        try:
            return at + self.window
        except OverflowError:
            return None


@attrs.define
class Tally:
    """Counts of one metric: they add, so parts of a pool may be counted apart.

    ``until`` is the earliest instant at which the clock alone changes a count.
    """

    numerator: int = 0
    denominator: int = 0
    until: datetime | None = None
    excluded: Counter[str] = attrs.field(factory=Counter)
    noted: Counter[str] = attrs.field(factory=Counter)

    def changes(self, at: datetime | None) -> None:
        """Remember that a count changes at this instant (None: never)."""
        self.until = earliest(self.until, at)

    def follow(self, causes: Sequence[datetime], last: datetime | None, frame: Frame) -> None:
        """Count one person: whether a cause in the window, and whether one before *last*.

        *causes* are in order and not after now; *last* is the newest of what they may have
        caused. The person stays counted until their newest cause leaves the window, and stays
        in the numerator until the newest cause that is not after *last* does.
        """
        if not causes or causes[-1] <= frame.start:
            return
        self.denominator += 1
        if last is not None:
            for at in reversed(causes):
                if at <= frame.start:
                    break
                if at <= last:
                    self.numerator += 1
                    self.changes(frame.leaves(at))
                    return
        self.changes(frame.leaves(causes[-1]))

    @property
    def exclusions(self) -> tuple[Exclusion, ...]:
        """What was left out, in the order of its words."""
        return tuple(
            sorted(Exclusion(what, count) for what, count in self.excluded.items() if count)
        )


def judged(definition: Definition, value: float | None, counted: int) -> MetricVerdict:
    """Return how *value*, made from *counted* things, stands to the metric's benchmark."""
    if value is None:
        return MetricVerdict.NOT_MEASURED
    if definition.benchmark is None:
        return MetricVerdict.NONE
    return MetricVerdict.TOO_FEW if counted < ENOUGH else definition.benchmark.judge(value)


def _reasons(
    benchmark: Benchmark | None, verdict: MetricVerdict, counted: int
) -> tuple[Reason, ...]:
    if benchmark is None or verdict is MetricVerdict.NOT_MEASURED:
        return ()
    if verdict is MetricVerdict.TOO_FEW:
        return (Reason(f"at least {ENOUGH} are counted", holds=False, found=str(counted)),)
    within = verdict is MetricVerdict.WITHIN
    text = f"within {benchmark}, a {benchmark.source}"
    return (Reason(text, holds=within, found=verdict.value),)


def metric(
    definition: Definition,
    tally: Tally,
    frame: Frame,
    *,
    value: float | None,
    because: str,
    numerator: float | None,
    denominator: float | None,
    counted: int,
    groups: tuple[Group, ...] = (),
) -> Metric:
    """Put the counts and the definition together."""
    verdict = judged(definition, value, counted)
    notes = [Reason(f"{what}: {count:,}") for what, count in sorted(tally.noted.items())]
    return Metric(
        name=definition.name,
        title=definition.title,
        definition=definition.definition,
        unit=definition.unit,
        value=value,
        numerator=numerator,
        denominator=denominator,
        counted=counted,
        population=definition.population,
        window=str(frame),
        exclusions=tally.exclusions,
        groups=groups,
        benchmark=definition.benchmark,
        verdict=verdict,
        because=Reason(
            because,
            parts=(*notes, *_reasons(definition.benchmark, verdict, counted)),
            until=tally.until,
        ),
        until=tally.until,
    )
