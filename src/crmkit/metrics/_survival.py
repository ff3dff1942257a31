"""How long things last when some have not ended yet: Kaplan–Meier curves, by SciPy.

A requisition that is not ended, or a hire who is still employed, has lasted *at least* so long;
it is *censored*. Leaving these out makes everything look shorter than it is: the long ones are
those that have not ended.
"""

import warnings
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from functools import cached_property
from itertools import pairwise
from math import fsum, isfinite, isnan
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs

from crmkit._time import DAY
from crmkit.errors import InvalidRecord, MissingExtra
from crmkit.metrics._statistics import (
    SEED,
    Interval,
    bootstrap,
    check_level,
    median,
    stats_extra,
)

if TYPE_CHECKING:
    from scipy.stats import CensoredData
    from scipy.stats._result_classes import EmpiricalDistributionFunction

Counts = tuple[tuple[timedelta, int], ...]
"""Durations, the shortest first, and how many there are of each."""

_ZERO = timedelta()
_CLOSE = 1e-9
"""A product of shares that is one half may come out a hair above it in floating point."""


class Point(NamedTuple):
    """One step of a curve: from ``days`` on, ``share`` have not ended."""

    days: float
    share: float
    low: float | None
    """The lower bound of the share; None where the method gives none: at 100 % and at 0 %."""
    high: float | None
    at_risk: int
    """How many lasted until then, and were still under watch."""


def _counted(counts: Mapping[timedelta, int] | Iterable[tuple[timedelta, int]]) -> Counts:
    total: dict[timedelta, int] = {}
    for span, number in counts.items() if isinstance(counts, Mapping) else counts:
        if number:
            total[span] = total.get(span, 0) + number
    return tuple(sorted((span, number) for span, number in total.items() if number))


def _check_counts(_: "Survival", attribute: "attrs.Attribute[Counts]", counts: Counts) -> None:
    if counts and counts[0][0] < _ZERO:
        problem = f"expected durations of 0 or more, got {counts[0][0]}"
        raise InvalidRecord(attribute.name, problem)
    if any(number < 0 for _, number in counts):
        raise InvalidRecord(attribute.name, "expected counts of 0 or more")


def _check_days(days: float) -> None:
    if not days >= 0:
        raise InvalidRecord("days", f"expected 0 or more, got {days}")


def _days(counts: Counts) -> list[float]:
    return [days for span, number in counts for days in [span / DAY] * number]


@attrs.frozen(repr=False)
class Survival:
    """How long things lasted, each until it ended or, if it has not, so far.

    Two of them are added with ``+``; the order in which things were counted leaves no trace. All
    times are in days. What SciPy works out needs the ``stats`` extra, and raises `MissingExtra`
    without it: everything but the counts, `ended_median` and ``+``. At equal durations, what
    ended is taken to have ended before the watch of the others ceased, as is usual.

    >>> from datetime import timedelta
    >>> open_for = [(20, True), (35, True), (40, True), (55, True), (70, True)]
    >>> still = [(30, False), (40, False), (60, False), (90, False), (95, False)]
    >>> roles = Survival.of((timedelta(days), ended) for days, ended in open_for + still)
    >>> print(roles)
    median 70.0 days (10 counted, 5 not ended)
    >>> roles.ended_median  # of those filled alone
    40.0
    >>> round(roles.restricted_mean(60), 4)
    50.2625

    Source: Kaplan and Meier, JASA 53 (1958).
    """

    ends: Counts = attrs.field(default=(), converter=_counted, validator=_check_counts)
    """What has ended: after how long, and how many."""
    going: Counts = attrs.field(default=(), converter=_counted, validator=_check_counts)
    """What has not ended: how long it has lasted so far, and how many."""

    @classmethod
    def of(cls, pairs: Iterable[tuple[timedelta, bool]]) -> "Survival":
        """Count *pairs* of a duration and whether it has ended.

        Raises `InvalidRecord` for a duration below 0, with the place of the pair.

        >>> Survival.of([(timedelta(days=3), True), (timedelta(days=9), False)])
        <Survival: 1 ended, 1 not ended>
        """
        counters: tuple[Counter[timedelta], Counter[timedelta]] = (Counter(), Counter())
        for place, (span, ended) in enumerate(pairs):
            if span < _ZERO:
                problem = f"expected a duration of 0 or more, got {span}"
                raise InvalidRecord(f"pairs[{place}]", problem)
            counters[not ended][span] += 1
        return cls(*counters)

    def __add__(self, other: "Survival") -> "Survival":
        if not isinstance(other, Survival):
            return NotImplemented
        return Survival(self.ends + other.ends, self.going + other.going)

    def __len__(self) -> int:
        return self.ended + self.censored

    def __repr__(self) -> str:
        return f"<Survival: {self.ended:,} ended, {self.censored:,} not ended>"

    def __str__(self) -> str:
        counted = f"{len(self):,} counted, {self.censored:,} not ended"
        try:
            middle = self.median
        except MissingExtra:
            return counted
        shown = "not reached" if middle is None else f"{middle:,.1f} days"
        return f"median {shown} ({counted})" if len(self) else "nothing counted"

    @property
    def ended(self) -> int:
        """How many have ended."""
        return sum(number for _, number in self.ends)

    @property
    def censored(self) -> int:
        """How many have not ended yet, as far as is known."""
        return sum(number for _, number in self.going)

    @property
    def ended_median(self) -> float | None:
        """The median of those that ended, for contrast; None if none did.

        It is too short wherever something has not ended yet.
        """
        return median(_days(self.ends))

    @property
    def median(self) -> float | None:
        """The first time by which at most half have not ended; None if it is not reached.

        Of an even number that have all ended, it is the earlier of the two middle ones.
        """
        half = (time for time, share in self._steps if share <= 0.5 + _CLOSE)
        return next(half, None)

    def median_interval(self, level: float = 0.95) -> tuple[float | None, float | None]:
        """Return the times at which the lower and the upper bound of the curve pass one half.

        None for one that does not: the upper end is then open, and if both are None the data
        cannot tell. Where the curve is at 0 % it has no bounds, as in R's ``survfit``. The
        bounds are those of `interval_at`, and the figures those given there. A lower bound may
        rise again after the first few ends; what counts is the first time that it is below.
        Source: Brookmeyer and Crowley, Biometrics 38 (1982), on the log-log scale.

        Raises `InvalidRecord` for a level outside 0 to 1.
        """
        points = self.curve(level)
        lows = (point.days for point in points if _half(point.low))
        highs = (point.days for point in points if _half(point.high))
        return next(lows, None), next(highs, None)

    def at(self, days: float) -> float | None:
        """Return the share that has not ended after *days*; None where the data cannot tell.

        That is beyond the longest duration, unless everything ended by then, and for nothing
        counted. Raises `InvalidRecord` for days below 0.
        """
        _check_days(days)
        steps = self._steps
        if not steps:
            return None
        last, rest = steps[-1]
        if days > last and rest:
            return None
        place = bisect_right(steps, days, key=_time)
        return steps[place - 1][1] if place else 1.0

    def interval_at(self, days: float, level: float = 0.95) -> Interval | None:
        """Return the bounds of the share that has not ended after *days*.

        On the log-log scale (exponential Greenwood). Of 95 % intervals 95 to 96 % held the truth
        for 5 to 100 counted, two in five of them censored (``bench/coverage_statistics.py``).
        None where `at` is None, and where the method gives none: as long as nothing has ended,
        and when everything has. If the watch of none of them ceased before *days*, the share
        is an ordinary one, and its Wilson interval stands in there.

        Raises `InvalidRecord` for days below 0 or a level outside 0 to 1.
        """
        points = self.curve(level)
        if self.at(days) is None:
            return None
        place = bisect_right(points, days, key=_time)
        low, high = (points[place - 1].low, points[place - 1].high) if place else (None, None)
        return None if low is None or high is None else (low, high)

    def restricted_mean(self, days: float) -> float | None:
        """Return the mean of the first *days*: what lasts longer counts as *days*.

        That is the area under the curve up to there. None where the curve does not reach so far
        (see `at`). Raises `InvalidRecord` for days below 0.
        """
        if self.at(days) is None:
            return None
        steps = [(0.0, 1.0), *(step for step in self._steps if step[0] < days)]
        edges = [*(time for time, _ in steps), days]
        return fsum(
            share * (later - earlier)
            for (_, share), (earlier, later) in zip(steps, pairwise(edges), strict=True)
            if share
        )

    def curve(self, level: float = 0.95) -> tuple[Point, ...]:
        """Return the curve and its pointwise bounds, from day 0 on; empty for nothing counted.

        There is a point for each duration, also those of what has not ended, where the share
        stays. Raises `InvalidRecord` for a level outside 0 to 1.
        """
        check_level(level)
        if not len(self):
            return ()
        with warnings.catch_warnings():
            # SciPy warns where the formula gives no bound; those are None here.
            warnings.simplefilter("ignore", RuntimeWarning)
            bounds: Any = self._sf.confidence_interval(level, method="log-log")
        durations = sorted(_days(self.ends) + _days(self.going))
        lows, highs = _bounds(bounds.low), _bounds(bounds.high)
        points = [
            Point(time, share, low, high, len(durations) - bisect_left(durations, time))
            for (time, share), low, high in zip(self._steps, lows, highs, strict=True)
        ]
        beginning = [] if points[0].days == 0 else [Point(0.0, 1.0, None, None, len(durations))]
        return (*beginning, *points)

    @cached_property
    def _sf(self) -> "EmpiricalDistributionFunction":
        with stats_extra("the Kaplan–Meier curve"):
            from scipy.stats import ecdf
        return ecdf(_censored(self)).sf

    @cached_property
    def _steps(self) -> tuple[tuple[float, float], ...]:
        """The times at which something ended or ceased to be watched, and the share after it."""
        if not len(self):
            return ()
        curve = self._sf
        return tuple(zip(curve.quantiles.tolist(), curve.probabilities.tolist(), strict=True))


def _time(step: tuple[float, Any] | Point) -> float:
    return step[0]


def _bounds(curve: "EmpiricalDistributionFunction") -> list[float | None]:
    return [None if isnan(bound) else bound for bound in curve.probabilities.tolist()]


def _half(bound: float | None) -> bool:
    return bound is not None and bound <= 0.5


def _censored(lasted: Survival) -> "CensoredData":
    from scipy.stats import CensoredData

    return CensoredData(uncensored=_days(lasted.ends), right=_days(lasted.going))


def log_rank(a: Survival, b: Survival) -> float | None:
    """Return how likely curves at least this far apart are if there is no difference.

    The two-sided *p*-value of the log-rank test (Mantel, 1966), with the hypergeometric variance
    that ties call for. Without a difference, 5 to 6 % of comparisons came out below 0.05 for 5 to
    100 on a side. It sees little where curves cross. None where there is nothing to compare: a
    side is empty, nothing ended, or nothing ended while both sides were under watch. Up to
    100,000 may be compared.

    >>> early = Survival.of((timedelta(days), True) for days in (20, 30, 35, 40, 55))
    >>> late = Survival.of((timedelta(days), days < 90) for days in (45, 60, 70, 90, 95))
    >>> round(log_rank(early, late), 3)
    0.006
    """
    with stats_extra("the comparison of durations"):
        import numpy as np
        from scipy.stats import logrank
    if not len(a) or not len(b) or not (a.ended or b.ended):
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        told = logrank(_censored(a), _censored(b))
    return float(told.pvalue) if isfinite(told.statistic) else None


def bootstrap_survival(
    a: Survival,
    b: Survival,
    statistic: Callable[[Survival, Survival], float | None],
    *,
    level: float = 0.95,
    resamples: int = 999,
    seed: int = SEED,
) -> Interval | None:
    """Return the `bootstrap` interval of what *statistic* makes of two sides.

    Whole things are drawn, each with its duration and whether it ended. None if the statistic is
    undefined in more than 1 % of the resamples, as a median is that is barely reached; then the
    data cannot tell. Sources: as for `bootstrap`; Efron, JASA 76 (1981), on censored data.

    >>> from datetime import timedelta
    >>> early = Survival.of((timedelta(days), True) for days in range(20, 60))
    >>> late = Survival.of((timedelta(days), True) for days in range(40, 80))
    >>> low, high = bootstrap_survival(early, late, lambda a, b: 1 - a.median / b.median)
    >>> 0.2 < low < high < 0.5
    True

    Raises `InvalidRecord` for a level outside 0 to 1.
    """
    first, second = _redraw(a), _redraw(b)
    return bootstrap(
        lambda chosen, others: statistic(first(chosen), second(others)),
        range(len(a)),
        range(len(b)),
        level=level,
        resamples=resamples,
        seed=seed,
    )


def _redraw(lasted: Survival) -> Callable[[Any], Survival]:
    """Return what makes a `Survival` of the places of things, those that ended first."""
    with stats_extra("the interval by resampling"):
        import numpy as np
    edge = len(lasted.ends)
    counts = lasted.ends + lasted.going
    spans = [span for span, _ in counts]
    cells = np.repeat(np.arange(len(counts)), [number for _, number in counts])

    def drawn(places: Any) -> Survival:
        numbers = np.bincount(cells[places.astype(int)], minlength=len(spans)).tolist()
        return Survival(
            zip(spans[:edge], numbers[:edge], strict=True),
            zip(spans[edge:], numbers[edge:], strict=True),
        )

    return drawn
