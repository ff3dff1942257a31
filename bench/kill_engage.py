"""Kill workers thousands of times while they send, and compare with the provider's own account.

Prints, for each database and each kind of sender, what became of every touch that was due, and
what was wrong: nothing should be. The provider runs in a process of its own, and writes down
every call before it does anything about it. PostgreSQL is included when its wheels are there.
Run it as ``python bench/kill_engage.py [--kills N] [--workers N] [--kinds plain …] [--seed N]``;
*kills* is for each database, shared out among the kinds.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import kills
import postgres

ROUND = 250
"""How many kills one pool of people is for."""


@contextmanager
def databases(folder: Path, kind: str) -> Iterator[Iterator[str]]:
    """Give the URLs of new databases of one kind."""
    if kind == "sqlite":
        yield (f"sqlite:///{folder / f'{number}.db'}" for number in range(10**6))
        return
    with postgres.running() as server:
        yield (server.database() for _ in range(10**6))


def shown(begun: float, wanted: int, before: int) -> Callable[[int, int], None]:
    """Return what keeps one line up to date, where somebody looks at it."""

    def tell(done: int, week: int) -> None:
        if sys.stderr.isatty() or not (before + done) % 100:
            rate = (before + done) / (time.monotonic() - begun)
            end = "\r" if sys.stderr.isatty() else "\n"
            line = f"  {before + done:,} of {wanted:,} kills, week {week}, {rate:.1f} a second "
            print(line, end=end, file=sys.stderr, flush=True)

    return tell


def main() -> int:
    """Print a row for each database and kind of sender; fail if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=2500, help="on each database")
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--kinds", nargs="*", default=["plain", "deduplicates", "finds"])
    parser.add_argument("--databases", nargs="*", default=["sqlite", "postgresql"])
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance, wrong = Random(options.seed), 0
    print(f"{'':<24} {'kills':>6} {'busy':>6} {'due':>7} {'sent':>7} {'unknown':>8} {'wrong':>6}")
    for database in options.databases:
        if database == "postgresql" and postgres.missing:
            print(f"postgresql: not installed: {', '.join(postgres.missing)}")
            continue
        for kind in options.kinds:
            wanted, found = options.kills // len(options.kinds), []
            begun = time.monotonic()
            with tempfile.TemporaryDirectory() as place, databases(Path(place), database) as urls:
                while (before := sum(each.kills for each in found)) < wanted:
                    with tempfile.TemporaryDirectory() as folder:
                        each = kills.kill(
                            next(urls),
                            min(ROUND, wanted - before),
                            kind=kind,
                            workers=options.workers,
                            seed=chance.randrange(10**9),
                            folder=folder,
                            later=0.02,
                            drop=0.02,
                            progress=shown(begun, wanted, before),
                        )
                    found.append(each)
                    for fault in each.faults:
                        print(f"{database} {kind}: {fault}", file=sys.stderr)
            sent, unknown = (
                sum(each.states.get(state, 0) for each in found) for state in ("sent", "unknown")
            )
            wrong += sum(len(each.faults) for each in found)
            print(
                f"{database + ', ' + kind:<24} {sum(each.kills for each in found):>6,} "
                f"{sum(each.hits for each in found):>6,} {sum(each.due for each in found):>7,} "
                f"{sent:>7,} {unknown:>8,} {sum(len(each.faults) for each in found):>6,}",
                flush=True,
            )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
