"""How often a 95 % interval holds the truth, for 5, 10, 20, 50 and 100 counted.

The shares are summed exactly, over every outcome; the rest is simulated: durations and amounts
are exponential, two in five durations are censored. The docstrings of the statistics quote these
figures. Run it as ``python bench/coverage_statistics.py [ROUNDS]`` (five minutes or so).
"""

import math
import random
import sys
from datetime import timedelta
from statistics import fmean

import numpy as np
from scipy.stats import binom

from crmkit.metrics._statistics import bootstrap, risk_ratio, wilson
from crmkit.metrics._survival import Survival, log_rank

SIZES = (5, 10, 20, 50, 100)
SHARES = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 0.95)
MEAN, WATCH = 100, 150
DAY = timedelta(days=1)


def holds(interval, truth):
    """Whether the interval holds the truth; an end of None is open."""
    low, high = interval
    return (0 if low is None else low) <= truth <= (math.inf if high is None else high)


def of_shares(size):
    """Return the mean and the least coverage of Wilson's interval over shares."""
    intervals = [wilson(part, size) for part in range(size + 1)]
    covered = [
        sum(
            binom.pmf(part, size, share)
            for part, interval in enumerate(intervals)
            if holds(interval, share)
        )
        for share in np.linspace(0.002, 0.998, 499)
    ]
    return fmean(covered), min(covered)


def of_ratios(size):
    """Return the mean and the least coverage of Katz's interval, where it can be told."""
    parts = range(size + 1)
    known = {(one, two): risk_ratio(one, size, two, size) for one in parts for two in parts}
    covered = []
    for first in SHARES:
        for second in SHARES:
            ways = np.outer(binom.pmf(parts, size, first), binom.pmf(parts, size, second))
            told = sum(ways[place] for place, interval in known.items() if interval)
            held = sum(
                ways[place]
                for place, interval in known.items()
                if interval and holds(interval, first / second)
            )
            covered.append(held / told)
    return fmean(covered), min(covered)


def lasted(draw, size):
    pairs = [(draw.expovariate(1 / MEAN), draw.expovariate(1 / WATCH)) for _ in range(size)]
    return Survival.of((min(pair) * DAY, pair[0] <= pair[1]) for pair in pairs)


def of_durations(size, rounds):
    """Return the coverage of a share at 50 days and of a median, and false alarms of log-rank."""
    draw = random.Random(size)
    drawn = [lasted(draw, size) for _ in range(rounds)]
    at = [told for told in (one.interval_at(MEAN / 2) for one in drawn) if told]
    medians = [told for told in (one.median_interval() for one in drawn) if any(told)]
    alarms = [log_rank(one, lasted(draw, size)) for one in drawn]
    return (
        fmean(holds(told, math.exp(-0.5)) for told in at),
        fmean(holds(told, MEAN * math.log(2)) for told in medians),
        fmean(alarm < 0.05 for alarm in alarms if alarm is not None),
    )


def of_resampling(size, rounds):
    """Return the coverage of a bootstrapped mean."""
    draw = random.Random(size)
    samples = ([draw.expovariate(1) for _ in range(size)] for _ in range(rounds))
    return fmean(
        holds(bootstrap(lambda values: float(values.mean()), sample), 1) for sample in samples
    )


def main(rounds: int) -> None:
    """Print a line for each size."""
    print(
        "counted  Wilson: mean, least  Katz: mean, least  "
        "share at a time  median  log-rank alarms  bootstrapped mean"
    )
    for size in SIZES:
        shares, ratios = of_shares(size), of_ratios(size)
        at, median, alarms = of_durations(size, rounds)
        print(
            f"{size:>7}  {shares[0]:>12.1%}  {shares[1]:>5.1%}  {ratios[0]:>10.1%}  "
            f"{ratios[1]:>5.1%}  {at:>15.1%}  {median:>6.1%}  {alarms:>15.1%}  "
            f"{of_resampling(size, rounds // 4):>17.1%}",
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 4_000)
