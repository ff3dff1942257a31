"""Sweep the clock over random rules: is any ``until`` late, and how many are true flips?

Each case is a random (tree, history, now). No instant before ``until`` may have another value;
for a rule without others in it the value must change at ``until``, or a fact arrive that it sees.
Prints the failures (there must be none) and the share of finite ``until``s at which the value of
a tree does change. Run it as ``python bench/until_sweep.py [--cases N] [--seed N]``; it needs the
tests beside it.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path
from random import Random
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from clock_sweep import composite, sweep, yearly
from random_rules import random_now, random_relationship, random_rule

from crmkit.segmentation import describe


def main(count: int, seed: int) -> int:
    """Sweep *count* cases, three instants a rule; return how many failed."""
    rng = Random(seed)
    segments = {name: random_rule(Random(name)) for name in ("a", "b")}
    found: Counter[str] = Counter()
    start = perf_counter()
    while found["cases"] < count:
        rule = random_rule(rng, rng.choice((1, 3, 3, 4)), members=("a", "b"))
        who = random_relationship(rng)
        tree, leaf = composite(rule), rule.depth == 1
        for _ in range(3):
            now = random_now(rng, who, rule)
            result = sweep(rule, who, now, rng, segments=segments)
            late = bool(result.wrong)
            # `Held` looks only so far ahead, and over a yearly part turns never end.
            early = not (tree or result.exact or (not leaf and yearly(rule)))
            if late or early:
                print("late" if late else "early", now.isoformat(), describe(rule))
            finite = result.reason.until is not None
            found.update(
                {
                    "cases": 1,
                    "late": late,
                    "early": early,
                    "trees": tree,
                    "finite": tree and finite,
                    "flips": tree and result.flips,
                    "leaves": not tree,
                    "finite leaves": not tree and finite,
                    "flips of leaves": not tree and result.flips,
                }
            )
    seconds = perf_counter() - start
    print(f"{found['cases']:,} cases from seed {seed} in {seconds:.0f} s")
    print(f"  until too late: {found['late']}; early where it must be exact: {found['early']}")
    for what, finite, flips in (
        ("trees", "finite", "flips"),
        ("leaves", "finite leaves", "flips of leaves"),
    ):
        share = found[flips] / found[finite] if found[finite] else 0
        print(f"  {found[what]:,} {what}: {found[finite]:,} finite, {share:.1%} true flips")
    return found["late"] + found["early"]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=2026)
    given = parser.parse_args()
    sys.exit(bool(main(given.cases, given.seed)))
