"""Send 20,000 due touches with 16 processes on one SQLite file, and with 32 on one PostgreSQL.

Prints how many calls the provider counted (one line of a file each), how many touches were
started twice or lost, and how often a worker was stopped past its lease and went on: nothing may
change by it. PostgreSQL is included when its wheels are there. Run it as
``python bench/workers.py [--touches N] [--sqlite N] [--postgresql N] [--lease S] [--stops N]``;
with 0 workers a database is left out.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import crowd
import postgres


def databases(folder: Path, sqlite: int, postgresql: int) -> Iterator[tuple[str, str, int]]:
    """Yield the name and the URL of each database, and how many workers are for it."""
    if sqlite:
        yield "sqlite", f"sqlite:///{folder / 'bench.db'}", sqlite
    if postgresql and postgres.missing:
        print(f"postgresql: not installed: {', '.join(postgres.missing)}")
    elif postgresql:
        with postgres.running() as server:
            yield "postgresql", server.database(), postgresql


def main() -> int:
    """Print a row for each database; fail if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--touches", type=int, default=20_000)
    parser.add_argument("--sqlite", type=int, default=16, help="how many workers")
    parser.add_argument("--postgresql", type=int, default=32, help="how many workers")
    parser.add_argument("--lease", type=float, default=5.0, help="in seconds")
    parser.add_argument("--stops", type=int, default=3)
    options = parser.parse_args()
    print(
        f"{'':<12} {'workers':>8} {'due':>7} {'started':>8} {'sent':>7} {'unknown':>8} "
        f"{'twice':>6} {'lost':>6} {'stops':>6} {'changed':>8} {'seconds':>8} {'a second':>9}"
    )
    wrong = 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name, url, workers in databases(folder, options.sqlite, options.postgresql):
            calls = folder / name
            calls.mkdir()
            found = crowd.send_all(
                url,
                options.touches,
                workers,
                lease=options.lease,
                stops=options.stops,
                folder=calls,
            )
            wrong += len(found.faults)
            states = found.states
            print(
                f"{name:<12} {workers:>8} {found.due:>7,} {found.started:>8,} "
                f"{states.get('sent', 0):>7,} {states.get('unknown', 0):>8,} "
                f"{len(found.twice):>6,} {len(found.lost):>6,} {found.stopped:>6} "
                f"{len(found.changed):>8,} {found.seconds:>8.0f} "
                f"{found.started / found.seconds:>9.0f}",
                flush=True,
            )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
