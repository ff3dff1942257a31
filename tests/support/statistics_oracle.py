"""Random samples, and what statsmodels, lifelines, SciPy and exact fractions make of them.

Each check draws one sample and returns how far crmkit is from the oracle; infinite where only one
of the two has an answer. Numbers above 1 (days, ratios) are compared relative to their size.
"""

import random
import warnings
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise
from math import comb, erfc, inf, isinf, isnan, sqrt

import numpy as np
from scipy import stats

from crmkit.metrics._statistics import (
    bootstrap,
    count_ratio,
    median,
    median_interval,
    risk_ratio,
    same_share,
    wilson,
)
from crmkit.metrics._survival import Survival, log_rank

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what their imports warn of is theirs
    from lifelines import KaplanMeierFitter
    from lifelines.statistics import logrank_test
    from lifelines.utils import median_survival_times, restricted_mean_survival_time
    from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

LEVELS = (0.6, 0.8, 0.9, 0.95, 0.99, 0.999)
SIZES = (0, 1, 2, 5, 20, 100, 1_000, 100_000)


def apart(ours, theirs):
    """Return the largest distance between two answers: None, a number, or a row of them."""
    if ours is None or theirs is None:
        return 0.0 if ours is theirs else inf
    if isinstance(theirs, tuple | list):
        if len(ours) != len(theirs):
            return inf
        return max(map(apart, ours, theirs), default=0.0)
    if isinf(ours) or isinf(theirs):
        return 0.0 if ours == theirs else inf
    distance = abs(ours - theirs) / max(1.0, abs(theirs))
    return inf if isnan(distance) else float(distance)


def _share(draw):
    whole = draw.randint(0, draw.choice(SIZES))
    return draw.choice([0, whole, draw.randint(0, whole), draw.randint(0, whole)]), whole


def check_wilson(draw):
    (part, whole), level = _share(draw), draw.choice(LEVELS)
    theirs = proportion_confint(part, whole, 1 - level, "wilson") if whole else None
    return apart(wilson(part, whole, level=level), theirs)


def check_risk_ratio(draw):
    (part, whole), (base, base_whole), level = _share(draw), _share(draw), draw.choice(LEVELS)
    ours = risk_ratio(part, whole, base, base_whole, level=level)
    if not whole or not base_whole or part == base == 0 or (part, base) == (whole, base_whole):
        return apart(ours, None)
    if not part or not base:
        return apart(ours, (0.0, inf))
    theirs = confint_proportions_2indep(
        part, whole, base, base_whole, method="log", compare="ratio", alpha=1 - level
    )
    return apart(ours, theirs)


def check_count_ratio(draw):
    count, base = (draw.randint(0, draw.choice(SIZES)) for _ in range(2))
    level = draw.choice(LEVELS)
    ours = count_ratio(count, base, level=level)
    if not count and not base:
        return apart(ours, None)
    low, high = proportion_confint(count, count + base, 1 - level, "beta")
    rest_low, rest_high = proportion_confint(base, count + base, 1 - level, "beta")
    return apart(ours, (low / rest_high, high / rest_low if base else inf))


def check_same_share(draw):
    wholes = [draw.randint(0, draw.choice((0, 3, 20, 60))) for _ in range(2)]
    part, base = (draw.randint(0, whole) for whole in wholes)
    whole, base_whole = wholes
    ours = same_share(part, whole, base, base_whole)
    if not whole or not base_whole:
        return apart(ours, None)
    successes = part + base
    ways = [comb(whole, k) * comb(base_whole, successes - k) for k in range(successes + 1)]
    rarer = sum(way for way in ways if way <= ways[part])
    return apart(ours, float(Fraction(rarer, comb(whole + base_whole, successes))))


def _values(draw):
    number = draw.randint(0, draw.choice((0, 1, 5, 8, 30, 200)))
    if draw.random() < 0.5:
        return [float(draw.randint(0, 9)) for _ in range(number)]
    return [draw.expovariate(1 / 40) for _ in range(number)]


def check_median(draw):
    values = _values(draw)
    return apart(median(values), float(np.median(values)) if values else None)


def check_median_interval(draw):
    """Find, by the definition, the innermost values beside which the median hardly lies."""
    values, level = _values(draw), draw.choice(LEVELS)
    number, left, beside = len(values), 0, 0
    tail = (1 - Fraction(str(level))) / 2
    while left < number and beside + comb(number, left) <= tail * 2**number:
        beside += comb(number, left)
        left += 1
    ordered = sorted(values)
    theirs = (ordered[left - 1], ordered[number - left]) if left else None
    return apart(median_interval(values, level=level), theirs)


def check_bootstrap(draw):
    samples = [_values(draw) for _ in range(draw.randint(1, 2))]
    level, seed = draw.choice(LEVELS), draw.randint(0, 99)

    def statistic(*arrays):
        return sum(float(array.mean()) for array in arrays)

    ours = bootstrap(statistic, *samples, level=level, resamples=99, seed=seed)
    if any(len(sample) < 2 for sample in samples):
        return apart(ours, None)
    start = np.random.default_rng(seed)
    options = {"method": "percentile", "n_resamples": 99, "confidence_level": level}
    data = [sorted(sample) for sample in samples]
    theirs = stats.bootstrap(data, statistic, vectorized=False, random_state=start, **options)
    return apart(ours, tuple(theirs.confidence_interval))


def draw_pairs(draw):
    """Return durations in days and whether each ended: none, all, some; with and without ties."""
    number = draw.randint(0, draw.choice((0, 1, 3, 10, 40)))
    open_share = draw.choice((0, 0, 0.2, 0.5, 0.9, 1))
    if draw.random() < 0.6:
        longest = draw.choice((0, 2, 10, 400))
        spans = [timedelta(days=draw.randint(0, longest)) for _ in range(number)]
    else:
        spans = [timedelta(seconds=draw.randint(0, 40_000_000)) for _ in range(number)]
    return [(span, draw.random() >= open_share) for span in spans]


def exact_curve(pairs):
    """Return Kaplan and Meier's product in fractions: time, share, and how many were at risk."""
    share, curve = Fraction(1), []
    for time in sorted({span for span, _ in pairs}):
        at_risk = sum(span >= time for span, _ in pairs)
        ended = sum(span == time for span, done in pairs if done)
        share *= Fraction(at_risk - ended, at_risk)
        curve.append((time / timedelta(days=1), share, at_risk))
    return curve


def _exact_share(curve, days):
    if not curve or (days > curve[-1][0] and curve[-1][1]):
        return None
    return next((share for time, share, _ in reversed(curve) if time <= days), Fraction(1))


def check_curve(draw):
    """Compare the curve, a share, the median and the restricted mean with exact fractions."""
    pairs = draw_pairs(draw)
    lasted, curve = Survival.of(pairs), exact_curve(pairs)
    days = draw.choice([draw.uniform(0, 500), *(time for time, _, _ in curve)])
    share = _exact_share(curve, days)
    edges = [0.0, *(time for time, _, _ in curve if time < days), days]
    area = (
        sum(
            _exact_share(curve, early) * (Fraction(late) - Fraction(early))
            for early, late in pairwise(edges)
        )
        if share is not None
        else None
    )
    ours = [(point.days, point.share, point.at_risk) for point in lasted.curve()]
    if ours and curve[0][0] > 0:
        assert ours.pop(0) == (0, 1, len(pairs))
    return max(
        apart(ours, [(time, float(left), at_risk) for time, left, at_risk in curve]),
        apart(lasted.at(days), None if share is None else float(share)),
        apart(lasted.median, next((time for time, left, _ in curve if left * 2 <= 1), None)),
        apart(lasted.restricted_mean(days), None if area is None else float(area)),
    )


def _number(value):
    return None if isinf(value) else float(value)


def _middle(bound):
    """Return when a bound passes one half; lifelines takes it for granted that it falls."""
    column = bound.iloc[:, 0]
    if len(bound) and column.is_monotonic_decreasing:
        return _number(median_survival_times(bound))
    return next((time for time, share in column.items() if share <= 0.5), None)


def check_lifelines(draw):
    """Compare the curve, the median, the bounds of both and the restricted mean with lifelines."""
    pairs, level = draw_pairs(draw), draw.choice(LEVELS)
    lasted = Survival.of(pairs)
    if not pairs:
        empty = (lasted.median, lasted.at(0), lasted.restricted_mean(0), *lasted.curve())
        return apart(empty, (None, None, None))
    days, ended = ([span / timedelta(days=1) for span, _ in pairs], [done for _, done in pairs])
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        theirs = KaplanMeierFitter(alpha=1 - level).fit(days, ended)
        until = draw.choice([*days, draw.uniform(0, max(days))])
        mean = float(restricted_mean_survival_time(theirs, t=until))
        bounds = theirs.confidence_interval_survival_function_
        inside = bounds[theirs.survival_function_["KM_estimate"].between(1e-12, 1 - 1e-12)]
        middles = tuple(_middle(inside[[name]]) for name in inside)
    worst = apart(lasted.restricted_mean(until), mean)
    points = {point.days: point for point in lasted.curve(level)}
    for time, share in theirs.survival_function_["KM_estimate"].items():
        worst = max(worst, apart(points[time].share, float(share)))
    for time, row in bounds.iterrows():
        band = tuple(row) if time in inside.index else (None, None)
        worst = max(worst, apart((points[time].low, points[time].high), band))
    if not any(abs(point.share - 0.5) < 1e-12 for point in points.values()):
        # Where the share is one half to the last bit, lifelines' logarithms may miss it.
        worst = max(worst, apart(lasted.median, _number(theirs.median_survival_time_)))
    return max(worst, apart(lasted.median_interval(level), middles))


def exact_log_rank(first, second):
    """Return what ended beyond what was to be expected of *first*, and its variance (Mantel)."""
    beyond = variance = Fraction(0)
    for time in {span for span, done in first + second if done}:
        one, other = (sum(span >= time for span, _ in side) for side in (first, second))
        ended_here = first.count((time, True))
        ended, both = ended_here + second.count((time, True)), one + other
        beyond += ended_here - Fraction(ended * one, both)
        if both > 1:
            variance += Fraction(one * other * ended * (both - ended), both**2 * (both - 1))
    return beyond, variance


def check_log_rank(draw):
    first, second = draw_pairs(draw), draw_pairs(draw)
    beyond, variance = exact_log_rank(first, second)
    theirs = erfc(abs(beyond) / sqrt(2 * variance)) if variance else None
    return apart(log_rank(Survival.of(first), Survival.of(second)), theirs)


def check_log_rank_lifelines(draw):
    first, second = draw_pairs(draw), draw_pairs(draw)
    if not exact_log_rank(first, second)[1]:
        return 0.0  # lifelines says 1 where there is nothing to compare
    days = [[span / timedelta(days=1) for span, _ in side] for side in (first, second)]
    ends = [[done for _, done in side] for side in (first, second)]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        theirs = float(logrank_test(*days, *ends).p_value)
    return apart(log_rank(Survival.of(first), Survival.of(second)), theirs)


QUICK = {
    "Wilson interval": check_wilson,
    "ratio of shares": check_risk_ratio,
    "ratio of counts": check_count_ratio,
    "Fisher's exact test": check_same_share,
    "median": check_median,
    "interval of a median": check_median_interval,
    "Kaplan–Meier, in fractions": check_curve,
    "log-rank test, in fractions": check_log_rank,
}
SLOW = {
    "bootstrap": check_bootstrap,
    "Kaplan–Meier, lifelines": check_lifelines,
    "log-rank test, lifelines": check_log_rank_lifelines,
}


def worst(check, number, *, seed=2019):
    """Return the largest deviation in *number* samples."""
    draw = random.Random(seed)
    return max(check(draw) for _ in range(number))
