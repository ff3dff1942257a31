"""Every statistic on 10,000 random samples, against statsmodels, lifelines, SciPy and fractions.

Prints the largest deviation of each: absolute, or relative for what is above 1. None may reach
1e-9. Samples include empty ones, all of them censored, ties and durations of 0. Run it as
``python bench/oracle_statistics.py [SAMPLES]`` (three to five minutes); it needs the tests beside
it, and the ``test`` group.
"""

import sys
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from statistics_oracle import QUICK, SLOW, worst

LIMIT = 1e-9


def main(number: int) -> int:
    """Print a line for each statistic; return how many are beyond the limit."""
    beyond = 0
    for name, check in {**QUICK, **SLOW}.items():
        start = perf_counter()
        deviation = worst(check, number)
        beyond += not deviation < LIMIT
        print(f"{name:<28} {deviation:>8.1e} {perf_counter() - start:>5.0f} s", flush=True)
    print(f"{number:,} samples each; {beyond} beyond {LIMIT:.0e}")
    return beyond


if __name__ == "__main__":
    sys.exit(bool(main(int(sys.argv[1]) if sys.argv[1:] else 10_000)))
