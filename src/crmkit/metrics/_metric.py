"""A number that carries its definition, what it was counted from, and how long it holds."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import attrs

from crmkit.errors import InvalidRecord, MissingExtra
from crmkit.model import Reason

ENOUGH = 30
"""The least denominator that gets a verdict: a convention.

At 30 people the 95 % Wilson interval of a rate of 30 % still runs from 17 % to 48 %; below that
a benchmark 15 points wide can hardly be told from its surroundings.
"""

_CLOSE = 1e-9
"""1 - 40/50 is a hair below 0.2 in floating point; it is 20 % all the same."""


class Unit(StrEnum):
    """What a metric's value is measured in."""

    PEOPLE = "people"
    SHARE = "share"
    """From 0 to 1: 0.25 is 25 %."""
    FASTER = "share faster"
    """Relative: 0.25 is 25 % faster, -0.25 is 25 % slower."""
    HIGHER = "share higher"
    LOWER = "share lower"

    def show(self, value: float) -> str:
        """Return *value* in words.

        >>> Unit.SHARE.show(0.25), Unit.FASTER.show(-0.1)
        ('25.0 %', '10.0 % slower')
        """
        if self is Unit.PEOPLE:
            return f"{value:,.0f} people"
        if self is Unit.SHARE:
            return f"{value * 100:.1f} %"
        word = self.removeprefix("share ")
        return f"{abs(value) * 100:.1f} % {word if value >= 0 else _OPPOSITE[word]}"


_OPPOSITE = {"faster": "slower", "higher": "lower", "lower": "higher"}


class MetricVerdict(StrEnum):
    """How a value stands to its benchmark."""

    BELOW = "below"
    WITHIN = "within"
    ABOVE = "above"
    TOO_FEW = "too_few"
    """Fewer than `ENOUGH` were counted: chance alone could have made the number."""
    NONE = "none"
    """There is no benchmark."""
    NOT_MEASURED = "not_measured"
    """There is no value; the reasons say what was missing."""


@attrs.frozen(kw_only=True)
class Benchmark:
    """The range that the field calls usual, in the metric's unit, and where that is from.

    Units are worded so that more is better: "share lower" for costs.
    """

    low: float
    high: float
    source: str

    def __str__(self) -> str:
        return f"{self.low * 100:g}–{self.high * 100:g} %"

    def judge(self, value: float) -> MetricVerdict:
        """Return where *value* lies; both ends count as within."""
        if value < self.low - _CLOSE:
            return MetricVerdict.BELOW
        return MetricVerdict.ABOVE if value > self.high + _CLOSE else MetricVerdict.WITHIN


@attrs.frozen(order=True)
class Exclusion:
    """What was left out of a metric, and how many there were.

    >>> str(Exclusion("machine-made opens", 12))
    'machine-made opens left out: 12'
    """

    what: str
    count: int

    def __str__(self) -> str:
        return f"{self.what} left out: {self.count:,}"


@attrs.frozen(kw_only=True)
class Group:
    """One side of a comparison: its value, and the counts that it was made from.

    ``denominator`` is how many were counted. ``numerator`` ÷ ``denominator`` is the value, except
    for a median, which has no numerator.
    """

    name: str
    value: float | None
    numerator: float | None = None
    denominator: int
    shown: str
    """The value in words."""


@attrs.frozen(kw_only=True, repr=False)
class Metric:
    """A number with its definition, its counts, its benchmark and its verdict.

    ``value`` is ``numerator`` ÷ ``denominator`` for a rate. For a comparison of people hired
    out of the CRM with those hired cold, the two are the values of `groups`, and ``value`` is
    how far apart they are. ``until`` is sound: as long as no new fact arrives, value, numerator,
    denominator and verdict stay the same up to it.
    """

    name: str
    title: str
    definition: str
    unit: Unit
    value: float | None
    numerator: float | None
    denominator: float | None
    counted: int
    """How many were counted (in the smaller group of a comparison); `ENOUGH` is asked of it."""
    population: str
    window: str
    exclusions: tuple[Exclusion, ...] = ()
    groups: tuple[Group, ...] = ()
    benchmark: Benchmark | None = None
    verdict: MetricVerdict
    because: Reason
    until: datetime | None = None

    def __repr__(self) -> str:
        return f"<Metric {self.name}: {self.shown}, {self.verdict}>"

    def __str__(self) -> str:
        excluded = "".join(f"\n  {exclusion}" for exclusion in self.exclusions)
        return f"{self.title}: {self.shown}\n  {self.definition}\n{self.because}{excluded}"

    @property
    def shown(self) -> str:
        """The value in words."""
        return "not measured" if self.value is None else self.unit.show(self.value)

    def interval(self, level: float = 0.95) -> tuple[float, float] | None:
        """Return the Wilson score interval of a rate; None for what is no rate, or not measured.

        Needs the ``stats`` extra (SciPy). Raises `InvalidRecord` for a level outside 0 to 1.
        """
        if not 0 < level < 1:
            raise InvalidRecord("level", f"expected a number between 0 and 1, got {level}")
        if self.unit is not Unit.SHARE or self.value is None or self.numerator is None:
            return None
        try:
            from scipy.stats import binomtest
        except ImportError:
            raise MissingExtra("stats", "the interval of a rate") from None
        bounds = binomtest(int(self.numerator), self.counted).proportion_ci(level, "wilson")
        return float(bounds.low), float(bounds.high)

    def to_dict(self) -> dict[str, Any]:
        """Return one flat row of JSON values."""
        benchmark = self.benchmark
        return {
            "name": self.name,
            "title": self.title,
            "value": self.value,
            "unit": self.unit.value,
            "shown": self.shown,
            "numerator": self.numerator,
            "denominator": self.denominator,
            "counted": self.counted,
            "benchmark_low": benchmark.low if benchmark else None,
            "benchmark_high": benchmark.high if benchmark else None,
            "benchmark_source": benchmark.source if benchmark else None,
            "verdict": self.verdict.value,
            "definition": self.definition,
            "population": self.population,
            "window": self.window,
            "exclusions": "; ".join(map(str, self.exclusions)),
            "because": str(self.because),
            "until": self.until.isoformat() if self.until else None,
        }
