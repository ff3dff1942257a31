"""A pool with touches that fall due week by week, and a worker that sends them."""

import gc
import inspect
import time
from datetime import UTC, datetime, timedelta
from importlib import import_module

from crmkit import CRM
from crmkit.cadence import Cadence, Pace, Playbook, Touch
from crmkit.errors import StoreError
from crmkit.model import Candidate, Interaction, Relationship

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
WEEK = timedelta(weeks=1)
EVEN = dict.fromkeys(["hot", "warm", "unknown", "cooling", "cold"], 1)


def touch(key, week, **more):
    """Return a message that never expires, unless *more* says otherwise."""
    known = {"purpose": "p", "level": 2, "subject": "s", "bodies": ["b"], "deadline": None}
    return Touch(key=key, week=week, **known | more)


def weekly(count, *more):
    """Return a cadence with so many weekly messages, and *more* touches after them."""
    touches = [*(touch(f"t{week:02}", week) for week in range(count)), *more]
    return Cadence(name="weekly", touches=touches, pace=Pace(archive_after=999, **EVEN))


def people(count):
    """Return so many people who may be written to."""
    for number in range(count):
        key = f"p{number:05}"
        fact = Interaction(candidate_id=key, kind="captured", at=START - WEEK)
        yield Relationship(Candidate(id=key, emails=[f"{key}@x.org"]), [fact])


def crm_over(store, sender, cadence, *, lease=None, **options):
    """Return a CRM that puts everyone into a cadence."""
    if lease and "lease" in inspect.signature(CRM.__init__).parameters:
        options["lease"] = timedelta(seconds=lease)
    return CRM(store, sender, playbook=Playbook(otherwise=cadence), **options)


def opened(url, **options):
    """Return a store on a database."""
    from crmkit.stores import SQLStore

    return SQLStore(url, **options)


def fill(url, count):
    """Put so many people into a new database."""
    with opened(url) as store:
        CRM(store).capture_all(people(count), now=START)


def warm(url):
    """Import and compile all that a worker needs, so that its children begin at once."""
    from crmkit.senders import MemorySender

    if url.startswith("postgresql"):
        import_module("sqlalchemy.dialects.postgresql.psycopg")
        import_module("psycopg")
    with opened("sqlite://") as store:
        CRM(store).capture_all(people(2), now=START)
        crm_over(store, MemorySender(), weekly(2)).engage(now=START)
    gc.collect()
    gc.freeze()


def engage(crm, now):
    """Engage; return None if the database could not be reached, or was busy for too long."""
    try:
        return crm.engage(now=now)
    except StoreError:
        time.sleep(0.02)
        return None


def ledger(url):
    """Return the record of every touch by the key of its message."""
    with opened(url) as store:
        return {record.key: record for record in store.touches()}


def facts(url, kind="sent"):
    """Return (candidate id, touch) of every logged fact of a kind."""
    with opened(url) as store:
        ids = [candidate.id for candidate in store.candidates()]
        found = [
            fact
            for start in range(0, len(ids), 500)
            for fact in store.interactions(ids[start : start + 500])
        ]
    return [(fact.candidate_id, fact.touch) for fact in found if fact.kind == kind]
