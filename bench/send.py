"""What sending costs beside the two commits that each message needs.

Engages people of whom each has one touch due, with a sender that does nothing, and beside it a
bare loop that makes the same two commits for each touch on the same database: it claims the touch
and commits, settles it and logs that it was sent, and commits. Both run in turn, some hundred
touches at a time, and the median of the ratios is printed (at least 0.5 is wanted). Run it as
``python bench/send.py [--due N] [--rounds N] [--live] [--url URL | --postgres]``; the URL is of an
empty database, and ``--postgres`` starts the server that the tests use, with ``fsync``.

With ``--workers`` it prints how many messages a second one worker sends, and how many four, with
a sender that takes 20 ms (at least 3 × is wanted, on PostgreSQL).
"""

import argparse
import multiprocessing
import sys
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter, sleep
from typing import Any

import sqlalchemy as sa
from due import NOW, Nowhere, person

from crmkit import CRM
from crmkit.cadence import SEVEN_TOUCH, Playbook, TouchRecord
from crmkit.codec import dumps
from crmkit.model import Interaction, Message, Receipt
from crmkit.stores import SQLStore, _sql_schema

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
import postgres

DAY = timedelta(days=1)
PLAYBOOK = Playbook(otherwise=SEVEN_TOUCH)


class Slow(Nowhere):
    """Takes every message, and 20 ms for it."""

    def send(self, message: Message) -> Receipt:
        """Say that it left."""
        sleep(0.02)
        return super().send(message)


def bare(engine: sa.Engine, due: int, number: int) -> float:
    """Return the seconds that the two commits of each touch take, and nothing else."""
    touches, facts = _sql_schema.touches, _sql_schema.interactions
    claim, log = touches.insert(), facts.insert()
    settle = touches.update().where(
        touches.c.enrollment_id == sa.bindparam("run"),
        touches.c.rotation == sa.bindparam("turn"),
        touches.c.touch == sa.bindparam("name"),
    )
    now = datetime.now(UTC)
    begin = "BEGIN IMMEDIATE" if engine.dialect.name == "sqlite" else None
    start = perf_counter()
    for each in range(due):
        key = f"bare-{number}-{each}"
        rows = []
        for state in ("sending", "sent"):
            record = TouchRecord(
                enrollment_id=key,
                rotation=0,
                touch="value",
                candidate_id=key,
                state=state,
                due_at=now,
                at=now,
            )
            rows.append(
                {
                    "enrollment_id": key,
                    "rotation": 0,
                    "touch": "value",
                    "key": record.key,
                    "candidate_id": key,
                    "state": state,
                    "attempt": 1,
                    "due_at": now,
                    "occurred_at": now,
                    "document": dumps(record),
                }
            )
        fact = Interaction(candidate_id=key, kind="sent", at=now, touch="value", enrollment_id=key)
        with engine.connect() as connection, connection.begin():
            if begin:
                connection.exec_driver_sql(begin)
            connection.execute(claim, rows[0])
        with engine.connect() as connection, connection.begin():
            if begin:
                connection.exec_driver_sql(begin)
            connection.execute(settle, rows[1] | {"run": key, "turn": 0, "name": "value"})
            connection.execute(
                log,
                {
                    "id": fact.id,
                    "candidate_id": key,
                    "kind": "sent",
                    "occurred_at": now,
                    "document": dumps(fact),
                },
            )
    return perf_counter() - start


def pool(store: SQLStore, due: int, rounds: int) -> None:
    """Put people into the store of whom on each of the days so many are due."""
    for number in range(rounds):
        with store.transaction():
            for each in range(due):
                person(store, f"d{number:03}-{each:05}", NOW + (number - 14) * DAY)


def cost(url: str, due: int, rounds: int, *, live: bool) -> None:
    """Print what engage costs beside the bare loop."""
    with SQLStore(url) as store:
        crm = CRM(store, Nowhere(), playbook=PLAYBOOK)
        crm.engage(now=NOW)
        if live:
            crm.segment(now=NOW)
        pool(store, due, rounds + 1)
        engine = sa.create_engine(url)
        taken = []
        for number in range(rounds + 1):
            start = perf_counter()
            sent = len(crm.engage(now=NOW + number * DAY).sent)
            whole = perf_counter() - start
            assert sent == due, (sent, due)
            taken.append((whole, bare(engine, due, number)))
        engine.dispose()
    ratio = median(least / whole for whole, least in taken[1:])
    whole, least = (median(column) / due * 1e6 for column in zip(*taken[1:], strict=True))
    name = "with live segments" if live else "engage"
    print(f"{name:<20} {whole:8.0f} µs a message, bare {least:6.0f} µs, rate {ratio:5.2f} of it")


def work(url: str, now: datetime, ready: Any) -> None:
    """Be one worker, from when all are ready."""
    with SQLStore(url) as store:
        crm = CRM(store, Slow(), playbook=PLAYBOOK)
        crm.engage(now=now - 99 * DAY)  # nothing is due, but all is compiled and connected
        ready.wait()
        crm.engage(now=now)


def workers(url: str, due: int) -> None:
    """Print how much quicker four workers are than one."""
    with SQLStore(url) as store:
        CRM(store, Nowhere(), playbook=PLAYBOOK).engage(now=NOW)
        pool(store, due, 2)
    took = []
    for number, many in enumerate((1, 4)):
        now = NOW + number * DAY
        context = multiprocessing.get_context("spawn")
        ready = context.Barrier(many + 1)
        each = [context.Process(target=work, args=(url, now, ready)) for _ in range(many)]
        for process in each:
            process.start()
        ready.wait()
        start = perf_counter()
        for process in each:
            process.join()
        took.append(perf_counter() - start)
        with SQLStore(url) as store:
            sent = sum(record.due_at <= now for record in store.touches())
            assert sent == due * (number + 1), sent
    one, four = took
    print(f"{due} messages of 20 ms: one worker {one:.1f} s, four {four:.1f} s, {one / four:.2f} ×")


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--due", type=int, default=200, help="touches due in one round")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--url", help="of an empty database; a new SQLite file when left out")
    parser.add_argument("--workers", action="store_true", help="measure workers, not the cost")
    parser.add_argument("--live", action="store_true", help="with segments kept up to date")
    parser.add_argument("--postgres", action="store_true", help="start a server of its own")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        url = options.url or f"sqlite:///{Path(folder) / 'send.db'}"
        if options.postgres:
            url = stack.enter_context(postgres.running(durable=True)).database()
        if options.workers:
            workers(url, options.due)
        else:
            cost(url, options.due, options.rounds, live=options.live)


if __name__ == "__main__":
    main()
