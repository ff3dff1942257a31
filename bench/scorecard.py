"""A scorecard of 1,000,000 interactions against one loop by hand that counts much less.

The loop computes the seven base counts alone, over the same objects, and is run anew right before
each of the others. Seconds are the processor's, so that a busy machine disturbs less; the ratios
are medians over the rounds, and beside them that of the fastest runs. Run it as
``python bench/scorecard.py [INTERACTIONS]``.
"""

import gc
import sys
from collections.abc import Callable
from functools import reduce
from operator import add
from statistics import median
from time import process_time

from scorecard_by_hand import NOW, by_hand, pool

from crmkit.metrics import Costs, count, scorecard
from crmkit.model import History
from crmkit.model._history import _index

ROUNDS = 11
SHARDS = 8
BAR = 2.0
"""The whole scorecard takes at most so many times as long as the loop."""


def timed(call: Callable[[], object]) -> float:
    """Return the seconds that a call took."""
    start = process_time()
    call()
    return process_time() - start


def main(facts: int) -> None:
    """Print a table of seconds and ratios."""
    people, roles, facts = pool(facts)
    by_id = {role.id: role for role in roles}
    costs = Costs(
        internal_crm=90_000,
        external_crm=30_000,
        internal_cold=80_000,
        external_cold=400_000,
        currency="EUR",
    )
    parts = [count(people[place::SHARDS], now=NOW) for place in range(SHARDS)]
    every: dict[str, Callable[[], object]] = {
        "count(): all that metrics are made of": lambda: count(people, now=NOW),
        "scorecard(): counted and finished": lambda: scorecard(
            people, now=NOW, roles=roles, costs=costs
        ),
        f"the sum of {SHARDS} shards, finished": lambda: scorecard(
            reduce(add, parts), roles=roles, costs=costs
        ),
        "making each history anew: sorted, indexed": lambda: [
            History(person.history.facts) for person in people
        ],
        "of that, the index by kind": lambda: [_index(person.history.facts) for person in people],
    }
    gc.collect()
    gc.freeze()
    loops: list[float] = []
    rows: dict[str, list[tuple[float, float]]] = {what: [] for what in every}
    for _ in range(ROUNDS):
        for what, call in every.items():
            loops.append(timed(lambda: by_hand(people, by_id)))
            rows[what].append((timed(call), loops[-1]))
    print(f"{facts:,} interactions of {len(people):,} people; medians of {ROUNDS} rounds")
    print(f"{'':<44} {'seconds':>8} {'× loop':>8} {'fastest':>8}")
    print(f"{'the loop by hand: seven base counts':<44} {median(loops):8.2f} {1:8.2f} {1:8.2f}")
    for what, taken in rows.items():
        seconds = [own for own, _ in taken]
        ratio, least = median(own / loop for own, loop in taken), min(seconds) / min(loops)
        print(f"{what:<44} {median(seconds):8.2f} {ratio:8.2f} {least:8.2f}")
    print(
        f"The bar is {BAR:g} × the loop, for `scorecard()`. What all but the loop go by, the index"
    )
    print("by kind, is made with a history, once for any number of scorecards: the last row.")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
