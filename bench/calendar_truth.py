"""Every zone × every transition from 2020 to 2037 × seven touches × eight wall times × the hours.

Each touch in turn falls inside the gap or fold, on its edges, beside them, and at nine on that
day; the whole calendar is then compared with the ``whenever`` package. Prints counts, and every
fault (there must be none). With ``--rules`` one zone stands for all whose clocks do the same in
those years. Run it as ``python bench/calendar_truth.py [--rules] [PART OF ZONE NAMES]``; it needs
the tests beside it.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from calendar_oracle import SETTINGS, around, ask, enrolments, faults
from zone_transitions import by_rules, transitions


def main(part: str, *, rules: bool) -> int:
    """Print what was asked, zone by zone on a terminal; return the number of faults."""
    alike = by_rules().values()
    chosen = [names[0] for names in alike] if rules else [name for names in alike for name in names]
    names = sorted(name for name in chosen if part in name)
    counts: Counter[str] = Counter()
    start = perf_counter()
    for number, name in enumerate(names, 1):
        for transition in transitions(name):
            counts.update(["transitions", f"  {transition.kind}s"])
            for setting in (*SETTINGS, *around(transition)):
                for wall in transition.walls:
                    for enrolled_at in enrolments(name, wall):
                        calendar = ask(name, enrolled_at, setting)
                        found = faults(calendar, name, setting)
                        counts.update({"plans": 1, "touches": len(calendar.touches)})
                        counts["faults"] += len(found)
                        for line in found:
                            print(line)
        if sys.stderr.isatty():
            print(f"\r{number} of {len(names)} zones", end="", file=sys.stderr)
    print(f"{len(names):,} zones in {perf_counter() - start:.0f} s")
    for what in ("transitions", "  gaps", "  folds", "  names", "plans", "touches", "faults"):
        print(f"{what:<12} {counts[what]:>12,}")
    return counts["faults"]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("part", nargs="?", default="")
    parser.add_argument("--rules", action="store_true")
    given = parser.parse_args()
    sys.exit(bool(main(given.part, rules=given.rules)))
