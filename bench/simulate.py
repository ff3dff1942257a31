"""Simulate 10,000 people for two years on two cores, with the production planner.

Prints wall and processor seconds, the plans and rows made, and what share of one process's time is
spent inside ``plan``, measured on a few hundred people in the same run. Run it as
``python bench/simulate.py [PEOPLE] [WORKERS]``.
"""

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from time import perf_counter

from crmkit.cadence import SEVEN_TOUCH, Plan
from crmkit.datasets import simulate_people
from crmkit.model import Relationship
from crmkit.simulation import Simulation, _course, simulate

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
SEED = 2019
WEEKS = 104
BAR = 60.0
SAMPLE = 300


def timed(pool: Sequence[Relationship], workers: int, *, show: bool) -> tuple[float, Simulation]:
    """Return how long a simulation took, and what it found."""
    begun = perf_counter()
    found = simulate(
        pool, SEVEN_TOUCH, start=START, weeks=WEEKS, seed=SEED, workers=workers, progress=show
    )
    return perf_counter() - begun, found


def share_inside_plan(pool: Sequence[Relationship]) -> tuple[float, float]:
    """Return the share of one process's time spent inside the planner, and its µs a plan."""
    plan, inside, calls = _course.plan, 0.0, 0

    def watched(*args: object, **options: object) -> Plan:
        nonlocal inside, calls
        begun = perf_counter()
        found = plan(*args, **options)
        inside += perf_counter() - begun
        calls += 1
        return found

    _course.plan = watched
    try:
        taken, _ = timed(pool, 1, show=False)
    finally:
        _course.plan = plan
    return inside / taken, inside / calls * 1e6


def main(people: int, workers: int) -> bool:
    """Print the figures; return whether the bar is met."""
    pool = simulate_people(people, seed=SEED, at=START)
    before = sum(os.times()[:4])
    taken, found = timed(pool, workers, show=True)
    spent = sum(os.times()[:4]) - before
    plans = sum(each["plans"] for each in found.people())
    print(f"{people:,} people, {WEEKS} weeks, {workers} workers: {taken:.1f} s (bar: {BAR:g})")
    print(f"processor: {spent:.1f} s in all processes, {spent / people * 1e3:.2f} ms a person")
    print(f"{plans:,} plans, {len(found.rows()):,} rows")
    share, micros = share_inside_plan(pool[:SAMPLE])
    print(f"inside plan(): {share * 100:.0f} % of the time, {micros:.0f} µs a plan")
    return taken < BAR


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    sys.exit(not main(count, int(sys.argv[2]) if len(sys.argv) > 2 else 2))
