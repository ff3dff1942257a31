"""Celery: the page's own file, run by a real worker."""

from datetime import UTC, datetime

import pytest

pytest.importorskip("celery")
pytest.importorskip("sqlalchemy")

from celery.beat import Scheduler
from celery.contrib.testing.worker import start_worker
from pages import blocks, write_files

from crmkit import CRM, Interaction
from crmkit.stores import SQLStore

PAGE = "how-to/run-with-celery.md"
WAIT = 60
"""Seconds after which a task that has not come back is lost."""


@pytest.fixture(scope="module")
def module(folder):
    """Return the page's module; Celery keeps tasks for the process, so it is imported once."""
    write_files(PAGE, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TALENT_DB", "sqlite:///talent.db")
        patch.setenv("TALENT_BROKER", "memory://")
        patch.setenv("TALENT_BACKEND", "cache+memory://")
        import talent_jobs
    yield talent_jobs
    talent_jobs.app.close()


@pytest.fixture
def jobs(module, tmp_path, monkeypatch):
    """Return the page's module, over an SQLite file of the test's own."""
    monkeypatch.setattr(module, "DATABASE", f"sqlite:///{tmp_path / 'talent.db'}")
    monkeypatch.chdir(tmp_path)
    return module


@pytest.fixture
def worker(jobs):
    """Run a worker with two threads."""
    options = {"pool": "threads", "concurrency": 2, "perform_ping_check": False}
    with start_worker(jobs.app, shutdown_timeout=30, **options) as running:
        yield running


@pytest.fixture
def pool(jobs, people):
    """Have people in the file; return a function that opens it."""
    with SQLStore(jobs.DATABASE) as store:
        CRM(store).capture_all(people)
    return lambda: SQLStore(jobs.DATABASE)


@pytest.mark.usefixtures("worker")
def test_two_tasks_at_once_send_nothing_twice(jobs, pool, people, meeting, monkeypatch):
    """Both do a part of the work, and each message is started by one of them."""
    monkeypatch.setattr(jobs, "MaildirSender", meeting)
    tasks = [jobs.run_due.delay() for _ in range(2)]
    done = [task.get(timeout=WAIT) for task in tasks]
    assert sum(each["sent"] for each in done) == len(people)
    assert min(each["sent"] for each in done) > 0
    assert set(meeting.calls.values()) == {1}
    assert len(meeting.calls) == len(people)
    with pool() as store:
        assert {record.state for record in store.touches()} == {"sent"}


@pytest.mark.usefixtures("worker", "pool")
def test_beat_names_a_task_that_there_is(jobs):
    """What beat would send by the page's schedule is done by the worker."""
    beat = Scheduler(app=jobs.app, lazy=False)
    sent = beat.apply_async(beat.schedule["crmkit"], advance=False)
    assert sent.get(timeout=WAIT) == {"sent": 70, "held": 0, "doubts": []}
    assert jobs.app.conf.beat_schedule["crmkit"]["schedule"].total_seconds() == 600


@pytest.mark.usefixtures("worker")
def test_a_webhook_hands_facts_to_a_worker(jobs, pool):
    """A fact that comes twice is recorded once."""
    opened = Interaction(candidate_id="p1", kind="opened", at=datetime(2026, 3, 2, tzinfo=UTC))
    where = {"facts": [opened]}
    code = blocks(PAGE)["where your provider calls"]
    recorded = []
    for _ in range(2):
        exec(code.replace("record.delay(", "task = record.delay("), where)
        recorded.append(where["task"].get(timeout=WAIT))
    assert recorded == [1, 0]
    with pool() as store:
        assert opened in store.interactions(["p1"])
