"""Move a fixed number of people by the clock, in a pool of 10,000 and in one of 100,000.

What `CRM.advance` costs depends on how many people's time has come, not on how many there are.
Prints, for each store, the median of several steps in both pools, taken in turn, the median of
their ratios (at most 1.5 is wanted), and how many times longer re-evaluating everyone in the larger
pool takes (at least 50). Run it as ``python bench/advance.py [--people N] [--due N] [--steps N]
[--stores memory sqlite]``; *people* is the larger pool, the smaller is a tenth of it.
"""

import argparse
import gc
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter

from crmkit import CRM
from crmkit.model import Candidate, Interaction, Relationship
from crmkit.protocols import Store, batched
from crmkit.segmentation import Segment, event, everyone, field, score
from crmkit.stores import MemoryStore

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

SEGMENTS = [
    Segment("readers", event("clicked").within(days=30)),
    Segment("silent", ~event("replied").within(days=90)),
    Segment("gophers", field.skills.has_any("go")),
    Segment("answered", event("replied", outcome="positive").ever()),
    Segment("warm", score() >= 1),
    Segment("all", everyone()),
]


def person(number: int, due: int, steps: int) -> Relationship:
    """Return somebody with a handful of facts; the first *due* × *steps* leave readers in turn.

    Whoever leaves in step k clicked so long ago that 30 days are over within that hour. All
    others clicked today and replied a year ago: no clock moves them for weeks.
    """
    key = f"p{number:06}"
    step, place = divmod(number, due)
    clicked = NOW
    if step < steps:
        clicked = NOW - 30 * DAY + (step + 0.5) * HOUR + timedelta(seconds=place)
    facts = [
        ("sourced", NOW - 400 * DAY, None),
        ("replied", NOW - 380 * DAY, "positive" if number % 3 else "negative"),
        ("sent", NOW - 60 * DAY, None),
        ("opened", NOW - 59 * DAY, None),
        ("clicked", clicked, None),
    ]
    return Relationship(
        Candidate(id=key, skills=["go"] if number % 4 == 0 else ["python"]),
        [Interaction(candidate_id=key, kind=k, at=at, outcome=how) for k, at, how in facts],
    )


def opened(kind: str, folder: Path, people: int) -> Store:
    """Return an empty store of one kind."""
    if kind == "memory":
        return MemoryStore()
    from crmkit.stores import SQLStore

    return SQLStore(f"sqlite:///{folder / str(people)}.db", durable=False)


def filled(store: Store, people: int, due: int, steps: int) -> CRM:
    """Return a CRM over a pool of so many people, segmented."""
    crm = CRM(store, segments=SEGMENTS)
    for numbers in batched(range(people), 10_000):
        crm.capture_all((person(number, due, steps) for number in numbers), now=NOW)
    crm.segment(now=NOW)
    return crm


def advanced(crm: CRM, now: datetime, due: int) -> float:
    """Return how long one advance took, in seconds."""
    start = perf_counter()
    moves = crm.advance(now=now)
    taken = perf_counter() - start
    left = sum(move.segment == "readers" for move in moves.left)
    assert left == due, (left, due)
    return taken


def main() -> None:
    """Print a row for each store."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--people", type=int, default=100_000, help="the larger pool")
    parser.add_argument("--due", type=int, default=200, help="whose time comes in one step")
    parser.add_argument("--steps", type=int, default=9, help="how many steps are timed")
    parser.add_argument("--stores", nargs="*", default=["memory", "sqlite"])
    options = parser.parse_args()
    small, large, due, steps = options.people // 10, options.people, options.due, options.steps
    print(f"advance, {due} people due of {small:,} and of {large:,}; milliseconds")
    print(f"{'':<8} {'small':>8} {'large':>8} {'ratio':>7} {'everyone':>10} {'× advance':>10}")
    for kind in options.stores:
        with tempfile.TemporaryDirectory() as folder:
            pools = [
                filled(opened(kind, Path(folder), people), people, due, steps)
                for people in (small, large)
            ]
            # What a pool in memory costs the garbage collector is not what is measured.
            gc.collect()
            gc.freeze()
            taken = [
                [advanced(pool, NOW + (step + 1) * HOUR, due) for pool in pools]
                for step in range(steps)
            ]
            start = perf_counter()
            pools[1].segment(now=NOW + steps * HOUR)
            everyone = perf_counter() - start
            gc.unfreeze()
        less, more = (median(column) for column in zip(*taken, strict=True))
        ratio = median(more / less for less, more in taken)
        print(
            f"{kind:<8} {less * 1000:8.1f} {more * 1000:8.1f} {ratio:7.2f} "
            f"{everyone * 1000:10.0f} {everyone / more:10.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
