"""Stop and start PostgreSQL every few seconds while workers send 2,000 messages.

Every other stop is a crash (``immediate``). Prints what became of the touches, how often the
server was stopped, and what was not settled 60 seconds after the last restart: nothing should be.
Run it as ``python bench/restarts.py [--touches N] [--workers N] [--every SECONDS] [--least N]``.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import postgres
import restarts


def main() -> int:
    """Print what was found; fail if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--touches", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--every", type=float, default=3.0, help="seconds between two restarts")
    parser.add_argument("--least", type=int, default=5, help="how many restarts at least")
    options = parser.parse_args()
    if postgres.missing:
        print(f"not installed: {', '.join(postgres.missing)}")
        return 1
    with tempfile.TemporaryDirectory() as folder, postgres.running() as server:
        found = restarts.restart(server, **vars(options), folder=folder)
    states = ", ".join(f"{count:,} {state}" for state, count in sorted(found.states.items()))
    print(f"{found.due:,} due by {options.workers} workers in {found.seconds:.0f} s: {states}")
    print(f"{found.fast} stops, {found.immediate} crashes; {len(found.stranded)} stranded")
    for fault in found.faults:
        print(fault, file=sys.stderr)
    return 1 if found.faults else 0


if __name__ == "__main__":
    sys.exit(main())
