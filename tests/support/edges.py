"""Kill a worker once at every edge of a run, by name: around each commit and each call.

python tests/support/edges.py --url sqlite:////tmp/x.db [--kind finds]
"""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import attrs
from kills import same_account
from nursery import done, fork
from provider import Provider
from scene import START, WEEK, crm_over, ledger, opened, people, touch, warm, weekly

from crmkit.protocols import batched

LEASE = 0.5
NOW = START + 4 * WEEK
CADENCE = weekly(2, touch("late", 2, deadline=timedelta(days=1)), touch("call", 3, level=5))
"""At `NOW` one message is sent, one has expired, and a person has something to do."""

AT_ONCE = 6
"""How many edges are tried at the same time: most of it is waiting for leases to end."""


class Fuse:
    """Writes down the edges that a process passes; kills the process at one of them."""

    def __init__(self, path, burns_at=None):
        self.path, self.burns_at, self.count, self.passed = path, burns_at, Counter(), 0

    def __call__(self, edge):
        self.count[edge] += 1
        with self.path.open("a") as file:
            file.write(f"{edge} {self.count[edge]}\n")
        if self.passed == self.burns_at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.passed += 1

    def around_commits(self, url):
        """Pass an edge before and after every commit that this process makes."""
        from sqlalchemy import create_engine

        dialect = type(create_engine(url).dialect)
        commit = dialect.do_commit

        def do_commit(made, connection):
            self("before commit")
            commit(made, connection)
            self("after commit")

        dialect.do_commit = do_commit


class FusedSender:
    """A sender that passes an edge before and after every call."""

    def __init__(self, inner, fuse):
        self._inner, self._fuse = inner, fuse

    def __getattr__(self, name):
        return getattr(self._inner, name)

    def send(self, message):
        self._fuse("before call")
        receipt = self._inner.send(message)
        self._fuse("after call")
        return receipt


def prepare(url, sender):
    """Fill a new database: one person who is in the cadence for weeks, and one who is new."""
    with opened(url) as store:
        old, new = people(2)
        crm = crm_over(store, sender, CADENCE)
        crm.capture_all([old], now=START)
        crm.engage(now=START)
        crm.capture_all([new], now=NOW)


def run(url, sender, path=None, burns_at=None):
    """Engage once, all edges being told to a file if there is one."""
    if path:
        fuse = Fuse(path, burns_at)
        sender = FusedSender(sender, fuse)
    with opened(url) as store:
        crm = crm_over(store, sender, CADENCE, lease=LEASE)
        if path:
            fuse.around_commits(url)
        # On a slow machine a lease may end in mid-run: whoever was left is for the next one.
        while crm.engage(now=NOW).outcomes and not path:
            time.sleep(1.3 * LEASE)


def copied(url, name):
    """Copy a database that nobody has open; return the URL of the copy."""
    from sqlalchemy import make_url

    known = make_url(url)
    if known.get_backend_name() == "sqlite":
        copy = f"{known.database}.{name}"
        shutil.copyfile(known.database, copy)
    else:
        import psycopg

        copy = f"{known.database}_{name}"
        there = known.set(drivername="postgresql", database="postgres")
        plain = there.render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {copy} TEMPLATE {known.database}")
    return known.set(database=copy).render_as_string(hide_password=False)


@attrs.define
class Trial:
    """One run that is killed at one edge, and the run after it."""

    url: str
    provider: Provider
    path: Path
    burns_at: int

    @property
    def edge(self):
        return self.path.read_text().splitlines()[-1]


def sweep(url, *, kind="plain", folder):
    """Kill a run at every edge in turn; return the edges and what was wrong after them."""
    folder = Path(folder)
    warm(url)
    place = folder / "through"
    place.mkdir()
    with Provider(place) as provider:
        done(prepare, url, provider.sender(kind))
        before = set(ledger(url))
        through = copied(url, "through")
        done(run, through, provider.sender(kind), place / "edges")
        edges = (place / "edges").read_text().splitlines()
        wanted = {key: record.state.value for key, record in ledger(through).items()}
    faults = []
    for numbers in batched(range(len(edges)), AT_ONCE):
        trials = []
        for number in numbers:
            place = folder / str(number)
            place.mkdir()
            provider = Provider(place).__enter__()
            trials.append(Trial(copied(url, str(number)), provider, place / "edges", number))
        _all(trials, lambda each: (each.path, each.burns_at), kind, -signal.SIGKILL)
        time.sleep(1.3 * LEASE)
        _all(trials, lambda _: (), kind, 0)
        for each in trials:
            each.provider.__exit__()
            faults += [f"{each.edge}: {fault}" for fault in judge(each, wanted, kind, before)]
    return edges, wanted, faults


def _all(trials, more, kind, ends):
    children = [fork(run, each.url, each.provider.sender(kind), *more(each)) for each in trials]
    for child, each in zip(children, trials, strict=True):
        status = child.wait(60)
        if status != ends:
            raise RuntimeError(f"{each.edge}: the run ended with {status}, not {ends}")


def judge(trial, wanted, kind, before):
    """Yield what is wrong after a kill and the run that followed it."""
    found = {key: record.state.value for key, record in ledger(trial.url).items()}
    unknown = [key for key, state in found.items() if state == "unknown"]
    if len(unknown) > (kind == "plain"):
        yield f"unknown: {unknown}"
    differ = {key for key in wanted | found if wanted.get(key) != found.get(key)}
    # Nobody knows whether it left: the next one waits until it may.
    after = {key for key in differ if unknown and key.rpartition(".")[0] in unknown[0]}
    if differ - set(unknown) - after:
        yield f"not as without a kill: {sorted(differ)}"
    yield from same_account(trial.url, trial.provider.calls, dedupes=kind != "plain", before=before)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--url", required=True, help="of an empty database")
    parser.add_argument("--kind", default="plain", help="plain, deduplicates or finds")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        edges, wanted, faults = sweep(**vars(options), folder=folder)
    states = dict(Counter(wanted.values()))
    print(json.dumps({"edges": edges, "states": states, "faults": faults}))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
