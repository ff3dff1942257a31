"""A number that carries its definition, what it was counted from, and how long it holds."""

from datetime import datetime
from typing import Any

import attrs

from crmkit.errors import MissingExtra
from crmkit.metrics._benchmark import Benchmark, MetricVerdict, Unit
from crmkit.metrics._definitions import Definition, Ids
from crmkit.metrics._estimates import Estimate
from crmkit.metrics._statistics import check_level
from crmkit.model import Reason

LEVEL = 0.95


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

    about: Definition
    """What it is: the registry's entry."""
    value: float | None
    numerator: float | None
    denominator: float | None
    counted: int
    """How many were counted (in the smaller group of a comparison); `ENOUGH` is asked of it."""
    window: str
    exclusions: tuple[Exclusion, ...] = ()
    groups: tuple[Group, ...] = ()
    verdict: MetricVerdict
    because: Reason
    until: datetime | None = None
    estimate: Estimate | None = None
    """What its interval is made from; None for what is counted whole."""
    convention: str = "crmkit"
    """Whose definition it is: crmkit's own, or another tool's (`Convention`)."""

    def __repr__(self) -> str:
        by = "" if self.convention == "crmkit" else f" as {self.convention} defines it"
        return f"<Metric {self.name}{by}: {self.shown}, {self.verdict}>"

    def __str__(self) -> str:
        excluded = "".join(f"\n  {exclusion}" for exclusion in self.exclusions)
        return f"{self.title}: {self.shown}\n  {self.definition}\n{self.because}{excluded}"

    @property
    def name(self) -> str:
        """Its name in the registry."""
        return self.about.name

    @property
    def title(self) -> str:
        """Its name for people."""
        return self.about.title

    @property
    def definition(self) -> str:
        """The sentence to quote with the number."""
        return self.about.definition

    @property
    def unit(self) -> Unit:
        """What the value is measured in."""
        return self.about.unit

    @property
    def counts(self) -> Ids:
        """Whose ids were counted."""
        return self.about.counts

    @property
    def population(self) -> str:
        """Whom it is about."""
        return self.about.population

    @property
    def benchmark(self) -> Benchmark | None:
        """The range that the field calls usual, if there is one."""
        return self.about.benchmark

    @property
    def shown(self) -> str:
        """The value in words."""
        return "not measured" if self.value is None else self.unit.show(self.value)

    def interval(self, level: float = LEVEL) -> tuple[float, float] | None:
        """Return the interval of the value; None for what is counted whole, or cannot be told.

        For a rate Wilson's; for a comparison an exact one or a bootstrap, as `method` says. Needs
        the ``stats`` extra (SciPy). Raises `InvalidRecord` for a level outside 0 to 1.
        """
        check_level(level)
        if self.estimate is None or self.value is None:
            return None
        return self.estimate.interval(level)

    @property
    def method(self) -> str | None:
        """How the interval is made."""
        return self.estimate.method if self.estimate is not None else None

    @property
    def bounds(self) -> str:
        """The 95 % interval in short, in the unit and direction of the value.

        Empty where there is none, and where SciPy is missing.
        """
        try:
            found = self.interval()
        except MissingExtra:
            return ""
        return self.unit.show_bounds(*found) if found else ""

    @property
    def certainty(self) -> str:
        """The 95 % interval in words, and whether the data can tell two sides apart.

        Empty for what has no interval, and where SciPy is missing.
        """
        if self.estimate is None or self.value is None:
            return ""
        try:
            found = self.interval()
        except MissingExtra:
            return ""
        if found is None:
            return "too few for an interval"
        shown = self.unit.show_interval(*found)
        open_question = self.unit.compares and found[0] <= 0 <= found[1]
        return f"{shown}: the data cannot tell" if open_question else shown

    def to_dict(self) -> dict[str, Any]:
        """Return one flat row of JSON values; the interval is the 95 % one, if SciPy is there."""
        benchmark = self.benchmark
        try:
            low, high = self.interval() or (None, None)
        except MissingExtra:
            low = high = None
        return {
            "name": self.name,
            "title": self.title,
            "convention": self.convention,
            "value": self.value,
            "unit": self.unit.value,
            "shown": self.shown,
            "interval_low": _finite(low),
            "interval_high": _finite(high),
            "interval_method": self.method,
            "numerator": self.numerator,
            "denominator": self.denominator,
            "counted": self.counted,
            "counts": self.counts.value,
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


def _finite(bound: float | None) -> float | None:
    return None if bound in {float("inf"), float("-inf")} else bound
