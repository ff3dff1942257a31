"""Kill workers at random while they send; then compare what they left with the provider's account.

python tests/support/kills.py --url sqlite:////tmp/x.db --kills 150
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from random import Random

import attrs
from nursery import board, done, fork
from provider import Provider, started
from scene import START, WEEK, crm_over, engage, facts, fill, ledger, opened, warm, weekly

TOUCHES = 12
WEEKLY = weekly(TOUCHES)
LEASE = 0.15
STEP, STOP, FIRST = 0, 1, 2
"""Places on the board: the week, whether to stop; from the third on, two for each worker."""


UNSETTLED = {"sending", "failed", "planned", "claimed"}


@attrs.frozen
class Summary:
    """What a run of kills found."""

    kills: int
    hits: int
    """Kills of a worker that had sent something in its life."""
    due: int
    states: dict[str, int]
    calls: int
    disagree: list[str]
    """Where the provider's account and the ledger differ: twice, or one of them alone."""
    lost: list[str]
    """Touches with no record, or one that is still open."""
    doubt: list[str]
    """Unknown ones for which no killed worker, or one twice, was calling."""
    seconds: float

    @property
    def faults(self):
        return [*self.disagree, *self.lost, *self.doubt]


class Counted:
    """A sender that tells the board of each call."""

    def __init__(self, inner, numbers, slot):
        self._inner, self._numbers, self._slot = inner, numbers, slot

    def __getattr__(self, name):
        return getattr(self._inner, name)

    def send(self, message):
        self._numbers[self._slot] += 1
        return self._inner.send(message)


def work(url, sender, numbers, slot):
    """Send what is due, week after week, until told to stop."""
    with opened(url) as store:
        crm = crm_over(store, Counted(sender, numbers, slot), WEEKLY, lease=LEASE)
        while not numbers[STOP]:
            week = numbers[STEP]
            run = engage(crm, START + week * WEEK)
            if run and not run.outcomes:
                numbers[slot + 1] = week + 1
                time.sleep(0.005)


def kill(url, kills, *, kind="plain", workers=3, seed=1, folder, progress=None, **faults):
    """Run the pool through its cadence under so many kills, and compare."""
    begun, chance = time.monotonic(), Random(seed)
    count = max(24, kills)
    warm(url)
    done(fill, url, count)
    numbers = board(FIRST + 2 * workers)
    with Provider(folder, delay=0.004, seed=seed, **faults) as provider:

        def born(place):
            slot = FIRST + 2 * place
            numbers[slot] = numbers[slot + 1] = 0
            return fork(work, url, provider.sender(kind), numbers, slot)

        alive = [born(place) for place in range(workers)]
        killed, hits = [], 0
        while len(killed) < kills:
            place = _busy(numbers, workers, chance)
            slot = FIRST + 2 * place
            time.sleep(chance.uniform(0, 0.05))
            if alive[place].ended:
                raise RuntimeError(f"a worker ended by itself with {alive[place].status}")
            alive[place].kill()
            killed.append(alive[place].pid)
            hits += bool(numbers[slot])
            alive[place] = born(place)
            if progress:
                progress(len(killed), numbers[STEP])
        _finish(numbers, workers)
        numbers[STOP] = 1
        for each in alive:
            each.wait(60)
        return compare(
            url,
            provider.calls,
            count,
            killed,
            hits=hits,
            dedupes=kind != "plain",
            seconds=round(time.monotonic() - begun, 1),
        )


def _busy(numbers, workers, chance):
    """Choose a worker that sends, or, now and then and after a while, whichever."""
    places = list(range(workers))
    until = time.monotonic() + (0.5 if chance.random() < 0.95 else 0)
    while time.monotonic() < until:
        _on(numbers, workers)
        if busy := [place for place in places if numbers[FIRST + 2 * place]]:
            return chance.choice(busy)
        time.sleep(0.002)
    return chance.choice(places)


def _on(numbers, workers):
    """Go on to the next week when somebody has found nothing more to do in this one."""
    week = numbers[STEP]
    if week < 2 * TOUCHES and any(numbers[FIRST + 2 * n + 1] > week for n in range(workers)):
        numbers[STEP] = week + 1


def _finish(numbers, workers):
    """Let the workers go on, week by week, until four weeks bring nothing more."""
    until, quiet = time.monotonic() + 600, 0
    while quiet < 4:
        week, begun = numbers[STEP], time.monotonic()
        calls = sum(numbers[FIRST::2])
        # What the killed, or the slow, had in hand is free when their leases are over.
        while time.monotonic() - begun < 1.3 * LEASE or not _idle(numbers, workers):
            time.sleep(0.01)
            if time.monotonic() > until:
                raise TimeoutError("the workers do not come to an end")
        quiet = quiet + 1 if calls == sum(numbers[FIRST::2]) else 0
        numbers[STEP] = week + 1


def _idle(numbers, workers):
    return all(numbers[FIRST + 2 * place + 1] > numbers[STEP] for place in range(workers))


def same_account(url, calls, *, dedupes=False, before=()):
    """Yield where the ledger in the database and the provider's account do not agree.

    What was sent *before* the provider was there is not in its account.
    """
    records, logged, called = ledger(url), Counter(facts(url)), started(calls)
    states = {key: record.state.value for key, record in records.items()}
    # Of what the provider refused for now nothing left, so another message may follow it.
    left = {(each["key"], each["digest"]) for each in calls if each["answer"] != "later"}
    versions = Counter(key for key, _ in left)
    for key, times in called.items():
        if times > 1 and not (dedupes and versions[key] == 1):
            yield f"started {times} times: {key}"
        if states.get(key) not in {"sent", "unknown", "rejected"}:
            yield f"started, but {states.get(key)}: {key}"
    sent = {record.key for record in records.values() if record.state == "sent"}
    yield from (f"sent without a call: {key}" for key in sent - set(before) if not called[key])
    told = Counter((records[key].candidate_id, records[key].touch) for key in sent)
    yield from (f"logged {logged[each]} times: {each}" for each in told if logged[each] != 1)
    yield from (f"logged, but not sent: {each}" for each in logged if each not in told)


def compare(url, calls, people, killed, *, dedupes=False, **more):
    """Compare all that a run left with what had to become of every touch."""
    records = ledger(url)
    states = Counter(record.state.value for record in records.values())
    settled = {(record.candidate_id, record.touch) for record in records.values()}
    lost = [f"still {r.state.value}: {r.key}" for r in records.values() if r.state in UNSETTLED]
    if len(settled) != people * TOUCHES:
        lost.append(f"{people * TOUCHES - len(settled)} touches without a record")
    callers = {each["key"]: each["pid"] for each in calls if each["answer"] != "later"}
    cut = {each["key"] for each in calls if each["dropped"]}
    unknown = [r.key for r in records.values() if r.state == "unknown" and r.key not in cut]
    who = Counter(callers[key] for key in unknown if key in callers)
    doubt = [f"{times} unknown of {pid}" for pid, times in who.items() if times > 1]
    doubt += [f"unknown of {pid}, which lived" for pid in who if pid not in killed]
    if len(unknown) > len(killed):
        doubt.append(f"{len(unknown)} unknown after {len(killed)} kills")
    return Summary(
        kills=len(killed),
        due=people * TOUCHES,
        states=dict(states),
        calls=len(calls),
        disagree=list(same_account(url, calls, dedupes=dedupes)),
        lost=lost,
        doubt=doubt,
        **more,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--url", required=True, help="of an empty database")
    parser.add_argument("--kills", type=int, default=150)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--kind", default="plain", help="plain, deduplicates or finds")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--later", type=float, default=0.02)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        summary = kill(**vars(options), folder=folder)
    print(json.dumps(attrs.asdict(summary) | {"faults": summary.faults}))
    return 1 if summary.faults else 0


if __name__ == "__main__":
    sys.exit(main())
