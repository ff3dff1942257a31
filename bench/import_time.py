"""How long `import crmkit` takes, as a ratio to importing what it is made of.

Each import runs in an interpreter of its own, in turns, so that the machine's drift meets all
of them alike. Prints medians; run it as ``python bench/import_time.py``.
"""

import statistics
import subprocess
import sys

ROUNDS = 15
TIMED = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"
CASES = {
    "import attrs, zoneinfo": "import attrs, zoneinfo",
    "import crmkit": "import crmkit",
    "from crmkit import CRM": "from crmkit import CRM",
}


def seconds(statement: str) -> float:
    """Return how long *statement* takes in a new interpreter."""
    command = [sys.executable, "-c", TIMED.format(statement)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    """Print the medians and the ratio."""
    taken: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(ROUNDS):
        for name, statement in CASES.items():
            taken[name].append(seconds(statement))
    medians = {name: statistics.median(times) for name, times in taken.items()}
    for name, median in medians.items():
        print(f"{name:<24} {median * 1000:7.1f} ms")
    base = medians["import attrs, zoneinfo"]
    for name in list(medians)[1:]:
        print(f"{name:<24} {medians[name] / base:7.2f} × attrs, zoneinfo")


if __name__ == "__main__":
    main()
