"""Import, segment, engage and measure a simulated pool of 10,000 people, each in one pass.

Prints the seconds of each step and its ratio to the bare work under it, measured in the same
run: reading every person with their history from the same store. Run it as
``python bench/pool.py [PEOPLE]``; SQLite is included when SQLAlchemy is there.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from crmkit import CRM
from crmkit.datasets import simulate_people
from crmkit.protocols import Store
from crmkit.senders import MemorySender
from crmkit.stores import MemoryStore

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SEED = 2019


def stores(folder: Path) -> Iterator[tuple[str, Store]]:
    """Yield each store that can be had here, empty."""
    yield "memory", MemoryStore()
    try:
        from crmkit.stores import SQLStore
    except ImportError:
        return
    with SQLStore(f"sqlite:///{folder / 'bench.db'}") as store:
        yield "sqlite", store


def timed(step: Callable[[], object]) -> tuple[float, object]:
    """Return how long *step* took, and what it returned."""
    start = perf_counter()
    result = step()
    return perf_counter() - start, result


def main(count: int) -> None:
    """Print a table of steps for each store."""
    people = simulate_people(count, seed=SEED)
    facts = sum(len(each.history) for each in people)
    print(f"{count:,} simulated people with {facts:,} interactions")
    with tempfile.TemporaryDirectory() as folder:
        for name, store in stores(Path(folder)):
            crm = CRM(store, MemorySender())
            steps: list[tuple[str, Callable[[], object]]] = [
                ("import", lambda crm=crm: crm.capture_all(people)),
                ("read everyone", lambda crm=crm: sum(len(r.history) for r in crm.relationships())),
                ("segment", lambda crm=crm: crm.segment(now=NOW)),
                ("segment again", lambda crm=crm: crm.segment(now=NOW)),
                ("engage", lambda crm=crm: crm.engage(now=NOW)),
                ("engage again", lambda crm=crm: crm.engage(now=NOW)),
                ("scorecard", lambda crm=crm: crm.measure(now=NOW)),
            ]
            taken = {step: timed(call) for step, call in steps}
            bare = taken["read everyone"][0]
            print(f"\n{name:<16} {'seconds':>8} {'× read':>8}")
            for step, (seconds, result) in taken.items():
                shown = "" if isinstance(result, int) else repr(result)[:60]
                print(f"  {step:<14} {seconds:8.2f} {seconds / bare:8.1f}  {shown}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
