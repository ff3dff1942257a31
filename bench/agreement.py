"""The long run of agreement: the walk and the compiled function on millions of random cases.

Prints how many agreed, and each case that did not. Run it as
``python bench/agreement.py [--cases 2000000] [--seed 0]``.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from agreement import cases


def main() -> int:
    """Return 1 if any case disagreed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=2_000_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    start = perf_counter()
    found: Counter[bool] = Counter()
    true = 0
    for case in cases(options.cases, seed=options.seed):
        found[case.agrees] += 1
        true += case.walked
        if not case.agrees:
            print(f"walked {case.walked} at {case.now}: {case.segment.rule!r}", flush=True)
    total = found.total()
    seconds = perf_counter() - start
    print(f"{found[True]:,} of {total:,} agreed ({true:,} true) in {seconds:.0f} s")
    return 1 if found[False] else 0


if __name__ == "__main__":
    sys.exit(main())
