"""Intervals and tests for counts, shares and amounts. SciPy (the ``stats`` extra) does the work.

None stands for what the data cannot tell: an empty sample, or one too small for the level. How
often an interval holds the truth is worked out by ``bench/coverage_statistics.py``.
"""

import statistics
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from inspect import signature
from math import inf, isfinite, isnan
from typing import Any

from crmkit.errors import InvalidRecord, MissingExtra

Interval = tuple[float, float]
"""The lower and the upper bound; the upper one of a ratio may be infinite."""

SEED = 2019
"""What the resampling starts from, so that the same facts give the same interval."""

_UNDEFINED = 0.01
"""The share of resamples that may leave a statistic undefined before its interval is, too."""


@contextmanager
def stats_extra(what: str) -> Iterator[None]:
    """Raise `MissingExtra`, saying that *what* needs it, where SciPy cannot be imported."""
    try:
        yield
    except ImportError:
        raise MissingExtra("stats", what) from None


def check_level(level: float) -> None:
    """Raise `InvalidRecord` for a level outside 0 to 1."""
    if not 0 < level < 1:
        raise InvalidRecord("level", f"expected a number between 0 and 1, got {level}")


def _check_share(part: int, whole: int, prefix: str = "") -> None:
    if not 0 <= part <= whole:
        problem = f"expected a count from 0 to {prefix}whole ({whole}), got {part}"
        raise InvalidRecord(f"{prefix}part", problem)


def wilson(part: int, whole: int, *, level: float = 0.95) -> Interval | None:
    """Return the Wilson score interval of the share *part* of *whole*; None for a whole of 0.

    It stays within 0 to 1 and keeps a width at 0 % and 100 %, so it may be shown for few people:
    it is then wide. Of 95 % intervals 95 % hold the truth on average over all shares; close to
    0 % and 100 % as few as 83 % for 5 people, and 92 % for 100. Source: Wilson, JASA 22 (1927).

    >>> low, high = wilson(3, 20)
    >>> f"{low:.1%} to {high:.1%}"
    '5.2% to 36.0%'

    Raises `InvalidRecord` for a part that is not within the whole or a level outside 0 to 1.
    """
    check_level(level)
    _check_share(part, whole)
    with stats_extra("the interval of a share"):
        from scipy.stats import binomtest
    if not whole:
        return None
    bounds = binomtest(part, whole).proportion_ci(level, "wilson")
    return float(bounds.low), float(bounds.high)


def risk_ratio(
    part: int, whole: int, base_part: int, base_whole: int, *, level: float = 0.95
) -> Interval | None:
    """Return the interval of one share divided by another: Katz's, on the logarithm.

    None where it cannot be told: a side is empty, or both shares are 0 %, or both are 100 %. If
    one share alone is 0 %, the method knows no bound on that side, and the interval runs from 0
    to infinity; `same_share` still compares the two. Of 95 % intervals 96 % hold the truth on
    average, and at worst 91 % for 5 to 20 on a side, 95 % for 100.
    Source: Katz, Baptista, Azen and Pike, Biometrics 34 (1978).

    >>> low, high = risk_ratio(3, 20, 8, 20)
    >>> f"{(3 / 20) / (8 / 20):g}, from {low:.2f} to {high:.2f}"
    '0.375, from 0.12 to 1.21'

    Raises `InvalidRecord` for a part that is not within its whole or a level outside 0 to 1.
    """
    check_level(level)
    _check_share(part, whole)
    _check_share(base_part, base_whole, "base_")
    with stats_extra("the interval of a ratio of shares"):
        from scipy.stats.contingency import relative_risk
    nothing = part == base_part == 0
    if not whole or not base_whole or nothing or (part == whole and base_part == base_whole):
        return None
    risk = relative_risk(part, whole, base_part, base_whole)
    bounds = risk.confidence_interval(level)
    low, high = float(bounds.low), float(bounds.high)
    return 0.0 if isnan(low) else low, inf if isnan(high) else high


def count_ratio(count: int, base_count: int, *, level: float = 0.95) -> Interval | None:
    """Return the exact interval of one count of events divided by another.

    Each is taken as a Poisson count over the same exposure; given their sum, the first is
    binomial, and its Clopper–Pearson interval *p* becomes *p* / (1 - *p*). That holds for the
    smallest counts, and is wider than it need be: the coverage is never below the level. The
    upper bound is infinite for a base of 0; None for two counts of 0.
    Source: Przyborowski and Wilenski, Biometrika 31 (1940).

    >>> low, high = count_ratio(30, 60)
    >>> f"{low:.2f} to {high:.2f}"
    '0.31 to 0.79'

    Raises `InvalidRecord` for a count below 0 or a level outside 0 to 1.
    """
    check_level(level)
    for path, value in (("count", count), ("base_count", base_count)):
        if value < 0:
            raise InvalidRecord(path, f"expected 0 or more, got {value}")
    with stats_extra("the interval of a ratio of counts"):
        from scipy.stats import betaprime
    if not count and not base_count:
        return None
    # A beta prime variable is p / (1 - p) of a beta one, without the loss where p is near 1.
    tail = (1 - level) / 2
    low = float(betaprime.ppf(tail, count, base_count + 1)) if count else 0.0
    high = 1 / float(betaprime.ppf(tail, base_count, count + 1)) if base_count else inf
    return low, high


def same_share(part: int, whole: int, base_part: int, base_whole: int) -> float | None:
    """Return how likely shares at least this far apart are if there is no difference.

    The two-sided *p*-value of Fisher's exact test, which holds for the smallest counts; it is
    cautious: with a few people on a side it can hardly become small. None for an empty side.
    Source: Fisher, The Design of Experiments (1935), chapter 2.

    >>> round(same_share(3, 20, 8, 20), 3)
    0.155

    Raises `InvalidRecord` for a part that is not within its whole.
    """
    _check_share(part, whole)
    _check_share(base_part, base_whole, "base_")
    with stats_extra("the comparison of shares"):
        import numpy as np
        from scipy.stats import fisher_exact
    if not whole or not base_whole:
        return None
    table = np.array([[part, whole - part], [base_part, base_whole - base_part]])
    return float(fisher_exact(table).pvalue)


def median(values: Iterable[float]) -> float | None:
    """Return the middle value, or halfway between the two middle ones; None for no values.

    >>> median([40, 20, 35]), median([1, 2]), median([])
    (35, 1.5, None)
    """
    numbers = list(values)
    return statistics.median(numbers) if numbers else None


def median_interval(values: Iterable[float], *, level: float = 0.95) -> Interval | None:
    """Return an interval of the median, its bounds two of the values.

    It assumes nothing about how the values are spread, and its coverage is never below the
    level. None for too few values: at 95 %, fewer than 6. Source: Conover, Practical
    Nonparametric Statistics (1999), section 3.2.

    >>> median_interval([12, 20, 35, 41, 44, 58, 90])
    (12.0, 90.0)

    Raises `InvalidRecord` for a level outside 0 to 1.
    """
    check_level(level)
    with stats_extra("the interval of a median"):
        from scipy.stats import quantile_test
    numbers = sorted(values)
    if not numbers:
        return None
    bounds: Any = quantile_test(numbers).confidence_interval(level)
    low, high = float(bounds.low), float(bounds.high)
    return None if isnan(low) or isnan(high) else (low, high)


def bootstrap(
    statistic: Callable[..., float | None],
    *samples: Sequence[float],
    level: float = 0.95,
    resamples: int = 999,
    seed: int = SEED,
) -> Interval | None:
    """Return the percentile bootstrap interval of what *statistic* makes of *samples*.

    *statistic* is called with one NumPy array for each sample, drawn from it with replacement,
    each sample by itself. What it cannot tell (None, a number that is not finite) in up to 1 % of
    the resamples is left out; in more, the interval is None, as it is for a sample of fewer than
    2 values. It is fit for what no formula covers, such as a ratio of costs per hire, and is too
    narrow for few: of 95 % intervals of the mean of exponential amounts, 77 % hold the truth for
    5 of them, 84 % for 10, 90 % for 20, 94 % for 100. The same values in any order, and the same
    *seed*, give the same interval.
    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.

    >>> costs, others = [4_100, 5_300, 2_900, 6_000, 4_700], [7_200, 5_100, 9_400, 6_600]
    >>> low, high = bootstrap(lambda a, b: a.mean() / b.mean(), costs, others)
    >>> 0.4 < low < high < 1
    True

    Raises `InvalidRecord` for a level outside 0 to 1.
    """
    check_level(level)
    with stats_extra("the interval by resampling"):
        import numpy as np
        from scipy import stats
    if not samples or any(len(sample) < 2 for sample in samples):
        return None

    def defined(*drawn: Any) -> float:
        value = statistic(*drawn)
        # A float, always: NumPy would cut the later ones down to the first if that were an int.
        return float(value) if value is not None and isfinite(value) else np.nan

    name = "rng" if "rng" in signature(stats.bootstrap).parameters else "random_state"
    start: dict[str, Any] = {name: np.random.default_rng(seed)}
    with warnings.catch_warnings():
        # It warns of undefined resamples; they are counted below.
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        drawn = stats.bootstrap(
            [np.sort(np.asarray(sample)) for sample in samples],
            defined,
            n_resamples=resamples,
            vectorized=False,
            method="percentile",
            **start,
        ).bootstrap_distribution
    told = drawn[np.isfinite(drawn)]
    if len(told) < (1 - _UNDEFINED) * len(drawn):
        return None
    low, high = np.quantile(told, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
