"""Find who is due among 10,000 enrolments and among 1,000,000, in SQLite.

What it costs depends on how many are due, not on how many there are. Prints the median of several
rounds, taken in turn in both databases, of finding them on the agenda and of a whole
`CRM.engage` that plans them, sends and logs, with a sender that does nothing; and the median of
the ratios (at most 1.5 is wanted for finding them). Run it as ``python bench/due.py
[--enrolments N] [--due N] [--rounds N]``; the smaller database has a hundredth of *N*.
"""

import argparse
import sqlite3
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from crmkit import CRM
from crmkit.cadence import SEVEN_TOUCH, Enrollment, Playbook
from crmkit.model import Candidate, Delivery, Interaction, Message, Receipt
from crmkit.protocols import AgendaEntry, Sender
from crmkit.stores import SQLStore

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
TRIES = 5
"""How often it is looked who is due; the best counts."""


class Nowhere(Sender):
    """Takes every message and does nothing."""

    def send(self, message: Message) -> Receipt:
        """Say that it left."""
        return Receipt(delivery=Delivery.ACCEPTED, provider_id=message.key)


def person(store: SQLStore, key: str, begun: datetime) -> None:
    """Put somebody into the seven touches: the first was sent, the next is due in two weeks."""
    run = Enrollment(candidate_id=key, cadence="seven-touch", enrolled_at=begun, id=f"run-{key}")
    kinds = {"captured": -DAY, "enrolled": 0 * DAY, "sent": 0 * DAY}
    store.put_candidates([Candidate(id=key, emails=[f"{key}@example.org"], skills=["python"])])
    store.append_interactions(
        Interaction(
            candidate_id=key,
            kind=kind,
            at=begun + after,
            enrollment_id=None if kind == "captured" else run.id,
            touch="welcome" if kind == "sent" else None,
            rotation=0 if kind == "sent" else None,
            id=f"{kind}-{key}",
        )
        for kind, after in kinds.items()
    )
    store.put_enrollments([run])
    store.wake([key])
    store.put_off([AgendaEntry(candidate_id=key, at=begun + 14 * DAY, turn=1)])


TABLES = {
    "candidates": "id, document",
    "identity_keys": "key, candidate_id",
    "interactions": "id, candidate_id, kind, occurred_at, document",
    "enrollments": "id, candidate_id, cadence, enrolled_at, document",
    "agenda": "candidate_id, due_at, turn, token, back",
}
NUMBERS = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT ?)"


def multiply(path: Path, key: str, times: int) -> None:
    """Copy one person in SQL, so many times, under ids that lie anywhere among all others."""
    database = sqlite3.connect(path)
    with database:
        for table, columns in TABLES.items():
            names = columns.split(", ")
            texts = {"id", "candidate_id", "document", "key"}
            copy = f"replace({{}}, '{key}', printf('p%010d', n * 2654435761 % 4294967296))"
            values = ", ".join(copy.format(name) if name in texts else name for name in names)
            where = f"{'id' if table == 'candidates' else 'candidate_id'} = '{key}'"
            database.execute(
                f"{NUMBERS} INSERT INTO crmkit_{table} ({columns}) "
                f"SELECT {values} FROM crmkit_{table}, numbers WHERE {where}",
                (times,),
            )
    database.close()


def opened(folder: Path, enrolments: int, due: int, rounds: int) -> tuple[CRM, SQLStore]:
    """Return a CRM over a database with so many enrolments, and the database.

    On each of the days *due* of them are due; all others are later.
    """
    path = folder / f"{enrolments}.db"
    store = SQLStore(f"sqlite:///{path}", durable=False)
    crm = CRM(store, Nowhere(), playbook=Playbook(otherwise=SEVEN_TOUCH))
    crm.engage(now=NOW)  # makes the agenda, as long as nobody is there
    with store.transaction():
        for number in range(due * (rounds + 1)):
            person(store, f"d{number:06}", NOW + (number // due - 14) * DAY)
        person(store, "original", NOW + (rounds + 60) * DAY)
    multiply(path, "original", enrolments - due * (rounds + 1) - 1)
    return crm, store


def found(store: SQLStore, now: datetime) -> int:
    """Read who is due."""
    return sum(1 for _ in store.agenda(now))


def engaged(crm: CRM, now: datetime) -> int:
    """Engage them."""
    return len(crm.engage(now=now).sent)


def timed(work: Callable[[Any, datetime], int], on: object, now: datetime, due: int) -> float:
    """Return how long it took, in milliseconds."""
    start = perf_counter()
    got = work(on, now)
    taken = perf_counter() - start
    assert got == due, (got, due)
    return taken * 1000


def main() -> None:
    """Print the times and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--enrolments", type=int, default=1_000_000, help="in the larger database")
    parser.add_argument("--due", type=int, default=200, help="who is due in one round")
    parser.add_argument("--rounds", type=int, default=9, help="how many rounds are timed")
    options = parser.parse_args()
    due, rounds = options.due, options.rounds
    sizes = (options.enrolments // 100, options.enrolments)
    times: dict[str, list[list[float]]] = {"found": [], "engaged": []}
    with tempfile.TemporaryDirectory() as folder:
        pools = [opened(Path(folder), size, due, rounds) for size in sizes]
        for number in range(rounds + 1):
            now = NOW + number * DAY
            finding = [
                min(timed(found, store, now, due) for _ in range(TRIES)) for _, store in pools
            ]
            times["found"].append(finding)
            times["engaged"].append([timed(engaged, crm, now, due) for crm, _ in pools])
        for _, store in pools:
            store.close()
    print(f"{due} due of {sizes[0]:,} and of {sizes[1]:,} enrolments in SQLite; milliseconds")
    print(f"{'':<10} {'small':>8} {'large':>8} {'ratio':>7}")
    for name, (_, *rows) in times.items():  # the first round warms up
        small, large = (median(column) for column in zip(*rows, strict=True))
        ratio = median(more / less for less, more in rows)
        print(f"{name:<10} {small:8.2f} {large:8.2f} {ratio:7.2f}")


if __name__ == "__main__":
    main()
