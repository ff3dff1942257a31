"""Many workers on one database, one of which is stopped past its lease and goes on afterwards.

python tests/support/crowd.py --url sqlite:////tmp/x.db --touches 1000 --workers 6
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

import attrs
from kills import UNSETTLED
from nursery import board, done, fork
from scene import START, crm_over, engage, facts, fill, ledger, opened, warm, weekly

from crmkit.model import Delivery, Receipt
from crmkit.protocols import Sender

ONCE = weekly(1)
STOP, FIRST = 0, 1
"""Places on the board: whether to stop; from the second on, calls and idle rounds of each."""


class FileSender(Sender):
    """Adds one line to a file for every call, before it answers."""

    def __init__(self, path, numbers, slot):
        self._path, self._numbers, self._slot, self._file = path, numbers, slot, None

    def send(self, message):
        if self._file is None:
            self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(self._file, f"{message.key}\n".encode())
        self._numbers[self._slot] += 1
        return Receipt(delivery=Delivery.ACCEPTED)


@attrs.frozen
class Summary:
    """What a crowd did."""

    due: int
    started: int
    states: dict[str, int]
    shares: list[int]
    """How many calls each worker made."""
    twice: list[str]
    lost: list[str]
    stopped: int
    """How often a worker was stopped past its lease, while the others went on."""
    changed: list[str]
    """What a worker that went on afterwards changed."""
    seconds: float
    """From the first call to the last."""

    @property
    def faults(self):
        return [*self.twice, *self.lost, *self.changed]


def work(url, path, numbers, slot, lease):
    """Send what is due until told to stop."""
    # One that is stopped in mid-transaction must have lost its locks when its lease is over.
    with opened(url, idle=lease / 2) as store:
        crm = crm_over(store, FileSender(path, numbers, slot), ONCE, lease=lease)
        while not numbers[STOP]:
            run = engage(crm, START)
            if run and not run.outcomes:
                numbers[slot + 1] += 1
                time.sleep(0.02)


def send_all(url, touches, workers, *, lease=5.0, stops=1, seed=1, folder):
    """Let the workers send so many touches, one of them stopped now and then; then compare."""
    chance = Random(seed)
    warm(url)
    done(fill, url, touches, seconds=600)
    numbers = board(FIRST + 2 * workers)
    paths = [Path(folder, f"{place}.calls") for place in range(workers)]
    alive = [
        fork(work, url, path, numbers, FIRST + 2 * place, lease) for place, path in enumerate(paths)
    ]
    begun, stopped, changed = time.monotonic(), 0, []
    try:
        for turn in range(stops):
            _until(lambda t=turn: sum(numbers[FIRST::2]) > touches * (t + 1) / (stops + 2), alive)
            place = _stop(alive, numbers, lease, chance)
            if place is None:
                continue
            stopped += 1
            if turn == stops - 1:
                changed += _go_on(url, paths, numbers, place, alive)
            alive[place].signal(signal.SIGCONT)
        _until_idle(numbers, range(workers), alive)
        taken = time.monotonic() - begun
        numbers[STOP] = 1
        for each in alive:
            if each.wait(60):
                raise RuntimeError(f"a worker ended with {each.status}")
    finally:
        for each in alive:
            each.kill()
    calls = Counter(line for path in paths if path.exists() for line in path.read_text().split())
    records = ledger(url)
    states = Counter(record.state.value for record in records.values())
    lost = [f"still {r.state.value}: {r.key}" for r in records.values() if r.state in UNSETTLED]
    lost += [
        f"sent without a call: {k}"
        for k, r in records.items()
        if r.state == "sent" and not calls[k]
    ]
    if len(records) != touches:
        lost.append(f"{touches - len(records)} touches without a record")
    if len(facts(url)) != states["sent"]:
        lost.append(f"{len(facts(url))} facts of {states['sent']} messages")
    return Summary(
        due=touches,
        started=sum(calls.values()),
        states=dict(states),
        shares=[numbers[FIRST + 2 * place] for place in range(workers)],
        twice=[key for key, times in calls.items() if times > 1],
        lost=lost,
        stopped=stopped,
        changed=changed,
        seconds=round(taken, 1),
    )


def seen(url, paths):
    """Return the state and the calls of every touch."""
    calls = Counter(line for path in paths if path.exists() for line in path.read_text().split())
    states = {key: record.state.value for key, record in ledger(url).items()}
    return {key: (states.get(key), calls[key]) for key in states.keys() | calls.keys()}


def _stop(alive, numbers, lease, chance):
    """Stop a worker past its lease; return which one.

    One that holds up all the others goes on at once, and another is tried: if it is stopped
    inside a transaction it may have the lock of the whole database.
    """
    for _ in range(40):
        busy = [place for place in range(len(alive)) if numbers[FIRST + 2 * place]]
        place = chance.choice(busy)
        time.sleep(chance.uniform(0, 0.05))
        alive[place].signal(signal.SIGSTOP)
        time.sleep(0.01)
        before, until = sum(numbers), time.monotonic() + 0.5
        while sum(numbers) < before + 2 and time.monotonic() < until:
            time.sleep(0.01)
        if sum(numbers) >= before + 2:
            time.sleep(1.2 * lease)
            return place
        alive[place].signal(signal.SIGCONT)
    return None


def _go_on(url, paths, numbers, place, alive):
    """Let a stopped worker go on when the others have done all; return what it changed."""
    _until_idle(numbers, [n for n in range(len(alive)) if n != place], alive)
    before = seen(url, paths)
    alive[place].signal(signal.SIGCONT)
    _until_idle(numbers, [place], alive)
    after = seen(url, paths)
    keys = before.keys() | after.keys()
    return [
        f"{k}: {before.get(k)}, then {after.get(k)}" for k in keys if before.get(k) != after.get(k)
    ]


def _until(holds, alive, seconds=900):
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            raise TimeoutError("the workers do not come to an end")
        if ended := [each for each in alive if each.ended]:
            raise RuntimeError(f"a worker ended by itself with {ended[0].status}")
        time.sleep(0.01)


def _until_idle(numbers, places, alive):
    """Wait until each of these workers has looked twice in vain from now on."""
    calls = -1
    # Some may still be in another's hands when one looks in vain.
    while calls != sum(numbers[FIRST::2]):
        calls = sum(numbers[FIRST::2])
        rounds = {place: numbers[FIRST + 2 * place + 1] for place in places}
        _until(lambda r=rounds: all(numbers[FIRST + 2 * n + 1] >= r[n] + 2 for n in r), alive)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--url", required=True, help="of an empty database")
    parser.add_argument("--touches", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=6)
    parser.add_argument("--lease", type=float, default=2.0)
    parser.add_argument("--stops", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        summary = send_all(**vars(options), folder=folder)
    print(json.dumps(attrs.asdict(summary) | {"faults": summary.faults}))
    return 1 if summary.faults else 0


if __name__ == "__main__":
    sys.exit(main())
