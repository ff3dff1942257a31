"""procrastinate: the page's own file, run by a real worker over a real PostgreSQL."""

import asyncio
import sys
import time
from datetime import UTC, datetime

import pytest

pytest.importorskip("procrastinate", exc_type=ImportError)
pytest.importorskip("sqlalchemy")

from pages import blocks, write_files
from procrastinate.periodic import PeriodicDeferrer

from crmkit import CRM, Interaction

PAGE = "how-to/run-with-procrastinate.md"
WAIT = 60
"""Seconds after which a worker that has not ended is stopped."""


@pytest.fixture
def jobs(folder, postgres_url, tmp_path, monkeypatch):
    """Return the page's module, over a database with its tables."""
    monkeypatch.setenv("TALENT_DB", postgres_url.replace("postgresql+psycopg:", "postgresql:"))
    monkeypatch.chdir(tmp_path)
    write_files(PAGE, folder)
    import talent_jobs

    with talent_jobs.app.open():
        talent_jobs.app.schema_manager.apply_schema()
        yield talent_jobs
    talent_jobs.store.close()
    del sys.modules["talent_jobs"]


@pytest.fixture
def pool(jobs, people):
    """Have people in the database."""
    CRM(jobs.store).capture_all(people)
    return people


def work(app, before=None):
    """Run a worker until nothing is left to do; return how the jobs ended."""

    async def run():
        async with app.open_async():
            if before:
                await before()
            worker = app.run_worker_async(
                wait=False, concurrency=2, install_signal_handlers=False, listen_notify=False
            )
            await asyncio.wait_for(worker, WAIT)
            jobs = await app.job_manager.list_jobs_async()
            return sorted((job.task_name, job.status) for job in jobs)

    return asyncio.run(run())


def test_two_tasks_at_once_send_nothing_twice(jobs, pool, meeting, monkeypatch):
    """Both do a part of the work, and each message is started by one of them."""
    monkeypatch.setattr(jobs, "MaildirSender", meeting)
    for lock in ("one", "two"):
        jobs.run_due.configure(queueing_lock=lock).defer()
    ended = [job for job in work(jobs.app) if job[0] == "crmkit_run_due"]
    assert ended.count(("crmkit_run_due", "succeeded")) >= 2
    assert not meeting.barrier.broken
    assert set(meeting.calls.values()) == {1}
    assert len(meeting.calls) == len(pool)
    assert {record.state for record in jobs.store.touches()} == {"sent"}


def test_the_period_defers_a_task_that_works(jobs, pool):
    """What the period adds to the queue sends what is due."""

    async def tick():
        deferrer = PeriodicDeferrer(registry=jobs.app.periodic_registry)
        await deferrer.defer_jobs(deferrer.get_previous_tasks(at=time.time()))

    assert ("crmkit_run_due", "succeeded") in work(jobs.app, tick)
    assert len(list(jobs.store.touches())) == len(pool)


def test_a_webhook_hands_facts_to_a_worker(jobs, pool):
    """A fact that comes twice is recorded once."""
    opened = Interaction(candidate_id="p1", kind="opened", at=datetime(2026, 3, 2, tzinfo=UTC))
    for _ in range(2):
        exec(blocks(PAGE)["where your provider calls"], {"facts": [opened]})
    ended = [job for job in work(jobs.app) if job[0] == "crmkit_record"]
    assert ended == [("crmkit_record", "succeeded")] * 2
    assert [fact for fact in jobs.store.interactions(["p1"]) if fact.kind == "opened"] == [opened]
