"""Kill the demonstration at odd moments, and see that it still ends in the same state.

python bench/kill_demo.py --kills 50 --weeks 20 --people 60
"""

import argparse
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any


def state(folder: Path) -> dict[str, Any]:
    """Return all that a run leaves: every row, every message, the page.

    Not how often somebody was taken by a worker, or the sender called.
    """
    columns = {
        "crmkit_agenda": "candidate_id, due_at",
        "crmkit_touches": "key, state, due_at, occurred_at, json_remove(document, '$.attempt')",
    }
    connection = sqlite3.connect(folder / "talent.db")
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    kept: dict[str, Any] = {
        name: sorted(connection.execute(f"SELECT {columns.get(name, '*')} FROM {name}"), key=repr)
        for (name,) in tables
    }
    connection.close()
    files = [*folder.glob("outbox/new/*"), *folder.glob("outbox/cur/*"), folder / "report.html"]
    return kept | {str(each.relative_to(folder)): each.read_bytes() for each in files}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--weeks", type=int, default=15)
    parser.add_argument("--people", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    options = parser.parse_args()
    chance = Random(options.seed)
    size = ["--weeks", str(options.weeks), "--people", str(options.people)]
    with TemporaryDirectory() as place:
        through, stopped = Path(place, "through"), Path(place, "stopped")

        def start(folder: Path) -> subprocess.Popen[bytes]:
            command = [sys.executable, "-m", "crmkit", "demo", "--out", str(folder), *size]
            return subprocess.Popen(command, stdout=subprocess.DEVNULL)

        begun = time.monotonic()
        assert start(through).wait() == 0
        whole = time.monotonic() - begun
        kills = ended = 0
        while kills < options.kills and ended < 3:  # the end is worth a few kills too
            process = start(stopped)
            try:
                process.wait(chance.uniform(0.2, 1.0) + whole / options.kills)
                ended += 1
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                kills += 1
        assert start(stopped).wait() == 0
        wanted, found = state(through), state(stopped)
    differ = [key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key)]
    print(f"{kills} kills, {len(differ)} differences {sorted(differ)[:5]}")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
