"""Stop and start the PostgreSQL under some workers every few seconds while they send.

python tests/support/restarts.py --touches 2000
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter

import attrs
import postgres
from kills import UNSETTLED, same_account
from nursery import board, done, fork
from provider import Provider
from scene import START, crm_over, engage, fill, ledger, opened, warm, weekly

from crmkit.errors import StoreError

ONCE = weekly(1)
STOP, FIRST = 0, 1
"""Places on the board: whether to stop; from the second on, each worker's idle rounds."""

LEASE = 2.0


@attrs.frozen
class Summary:
    """What became of the touches."""

    due: int
    states: dict[str, int]
    fast: int
    immediate: int
    """How often the server was stopped in each way."""
    disagree: list[str]
    """Where the provider's account and the ledger differ."""
    stranded: list[str]
    """What is not settled after the time that was given."""
    doubt: list[str]
    seconds: float

    @property
    def faults(self):
        return [*self.disagree, *self.stranded, *self.doubt]


def work(url, sender, numbers, slot):
    """Send what is due until told to stop, whatever happens to the server."""
    while not numbers[STOP]:
        try:
            with opened(url) as store:
                crm = crm_over(store, sender, ONCE, lease=LEASE)
                while not numbers[STOP]:
                    run = engage(crm, START)
                    if run and not run.outcomes:
                        numbers[slot] += 1
                        time.sleep(0.02)
        except StoreError:  # the store could not be opened
            time.sleep(0.1)


def restart(server, touches, workers, *, every=3.0, least=4, grace=60.0, folder):
    """Send so many touches under at least so many restarts; then compare."""
    url = server.database()
    warm(url)
    done(fill, url, touches, seconds=600)
    numbers = board(FIRST + workers)
    with Provider(folder, delay=0.004) as provider:
        alive = [
            fork(work, url, provider.sender(), numbers, FIRST + place) for place in range(workers)
        ]
        begun, stops = time.monotonic(), Counter()
        rounds = list(numbers[FIRST:])
        # Whoever has found nothing to do since the last restart says that all is sent.
        while sum(stops.values()) < least or list(numbers[FIRST:]) == rounds:
            rounds = list(numbers[FIRST:])
            time.sleep(every)
            mode = "immediate" if sum(stops.values()) % 2 else "fast"
            server.stop(mode)
            stops[mode] += 1
            time.sleep(0.3)
            server.start()
            if time.monotonic() - begun > 600:
                raise TimeoutError("the workers do not come to an end")
        last = time.monotonic()
        while time.monotonic() - last < grace:
            time.sleep(1)
            states = Counter(record.state.value for record in ledger(url).values())
            if sum(states.values()) == touches and not set(states) & UNSETTLED:
                break
        numbers[STOP] = 1
        for each in alive:
            if each.wait(60):
                raise RuntimeError(f"a worker ended with {each.status}")
        calls = provider.calls
    records = ledger(url)
    states = Counter(record.state.value for record in records.values())
    stranded = [f"still {r.state.value}: {r.key}" for r in records.values() if r.state in UNSETTLED]
    if len(records) != touches:
        stranded.append(f"{touches - len(records)} touches without a record")
    doubt, most = states["unknown"], sum(stops.values()) * workers
    return Summary(
        due=touches,
        states=dict(states),
        fast=stops["fast"],
        immediate=stops["immediate"],
        disagree=list(same_account(url, calls)),
        stranded=stranded,
        doubt=[f"{doubt} unknown, at most {most} were in flight"] if doubt > most else [],
        seconds=round(time.monotonic() - begun, 1),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--touches", type=int, default=300)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--every", type=float, default=1.0, help="in seconds")
    parser.add_argument("--least", type=int, default=4, help="restarts")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, postgres.running() as server:
        summary = restart(server, **vars(options), folder=folder)
    print(json.dumps(attrs.asdict(summary) | {"faults": summary.faults}))
    return 1 if summary.faults else 0


if __name__ == "__main__":
    sys.exit(main())
