"""How sure a value is: what it was counted from, and the method that gives its interval."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

import attrs

from crmkit.metrics._statistics import (
    Interval,
    bootstrap,
    count_ratio,
    median,
    median_interval,
    risk_ratio,
    wilson,
)
from crmkit.metrics._survival import Survival, bootstrap_survival

YEAR_DAYS = 365.0


class Estimate(Protocol):
    """**Protocol:** what a value was estimated from."""

    @property
    def method(self) -> str:
        """The name of the method."""
        ...

    def interval(self, level: float) -> Interval | None:
        """Return the interval at this level; None where the data cannot tell."""
        ...


@attrs.frozen
class Share:
    """A part of a whole."""

    part: int
    whole: int
    method = "Wilson score interval"

    def interval(self, level: float) -> Interval | None:
        """Return the interval of the share."""
        return wilson(self.part, self.whole, level=level)


@attrs.frozen
class Middle:
    """The median of whole numbers, given as (number, how many) in order."""

    counts: tuple[tuple[int, int], ...]
    method = "interval of a median by order statistics"

    @property
    def value(self) -> float | None:
        """The median; None for nothing."""
        return median(self._values())

    def interval(self, level: float) -> Interval | None:
        """Return the interval of the median."""
        return median_interval(self._values(), level=level)

    def _values(self) -> list[float]:
        return [value for value, count in self.counts for _ in range(count)]


@attrs.frozen
class SharesApart:
    """How much higher one share is than another: ratio - 1."""

    part: int
    whole: int
    base_part: int
    base_whole: int
    method = "interval of a ratio of shares (Katz)"

    def interval(self, level: float) -> Interval | None:
        """Return the interval of the difference."""
        found = risk_ratio(self.part, self.whole, self.base_part, self.base_whole, level=level)
        return (found[0] - 1, found[1] - 1) if found else None


@attrs.frozen
class CountsApart:
    """``scale`` × count ÷ base - 1: what two stated sums come to for each of so many hires."""

    scale: float
    count: int
    base: int
    method = "exact interval of a ratio of two counts, the sums taken as they are stated"

    def interval(self, level: float) -> Interval | None:
        """Return the interval of the difference."""
        found = count_ratio(self.count, self.base, level=level)
        return (self.scale * found[0] - 1, self.scale * found[1] - 1) if found else None


@attrs.frozen
class Turned:
    """Another estimate with its sign turned: "lower" for "higher"."""

    other: Estimate

    @property
    def method(self) -> str:
        """The other's method."""
        return self.other.method

    def interval(self, level: float) -> Interval | None:
        """Return the other's interval, turned round."""
        found = self.other.interval(level)
        return (-found[1], -found[0]) if found else None


@attrs.frozen
class Apart:
    """How far the medians (``median``) or means (``mean``) of two samples are apart: ratio - 1."""

    values: tuple[float, ...]
    base: tuple[float, ...]
    of: str
    method = "percentile bootstrap, 999 resamples"

    def middle(self, values: Sequence[float]) -> float | None:
        """Return the median or mean; None for no values."""
        return median(values) if self.of == "median" else _mean(values)

    @property
    def value(self) -> float | None:
        """The difference; None for no values, or a base of 0."""
        return _ratio(self.middle(self.values), self.middle(self.base))

    def interval(self, level: float) -> Interval | None:
        """Return the interval of the difference."""
        return _apart(self, level)


@lru_cache(maxsize=64)
def _apart(each: Apart, level: float) -> Interval | None:
    return bootstrap(
        lambda one, other: _ratio(each.middle(one.tolist()), each.middle(other.tolist())),
        each.values,
        each.base,
        level=level,
    )


@attrs.frozen
class CurvesApart:
    """How far two curves are apart, at their medians or after a year: ratio - 1."""

    curve: Survival
    base: Survival
    of: str
    method = "percentile bootstrap of censored data, 999 resamples"

    @property
    def value(self) -> float | None:
        """The difference; None where a curve does not reach so far."""
        return self._between(self.curve, self.base)

    def _between(self, one: Survival, other: Survival) -> float | None:
        return _ratio(reached(one, self.of), reached(other, self.of))

    def interval(self, level: float) -> Interval | None:
        """Return the interval of the difference."""
        return _curves_apart(self, level)


@lru_cache(maxsize=64)
def _curves_apart(each: CurvesApart, level: float) -> Interval | None:
    return bootstrap_survival(each.curve, each.base, each._between, level=level)


def reached(curve: Survival, of: str) -> float | None:
    """Return a curve's median (``median``), or its share after a year (``year``)."""
    return curve.median if of == "median" else curve.at(YEAR_DAYS)


def _ratio(one: float | None, other: float | None) -> float | None:
    return one / other - 1 if one is not None and other else None


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
