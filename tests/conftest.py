"""How Hypothesis runs, and the PostgreSQL server that a run of the tests shares."""

import os

import postgres as server
import pytest
from examples import examples
from hypothesis import settings

# How slow a machine is says nothing about what is right.
settings.register_profile("crmkit", deadline=None, max_examples=examples(100))
settings.load_profile("crmkit")


def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        server.place()


def pytest_unconfigure(config):
    if not hasattr(config, "workerinput"):
        server.leave()


@pytest.fixture(scope="session")
def postgres():
    """Return the server of the run; where its packages are missing, the test is skipped.

    ``CRMKIT_NEEDS_POSTGRES`` makes that a failure, for runs that are to have them.
    """
    if server.missing and not os.environ.get("CRMKIT_NEEDS_POSTGRES"):
        pytest.skip(f"not installed: {', '.join(server.missing)}")
    return server.shared()


@pytest.fixture
def postgres_database(postgres):
    """Return a function that makes a database in PostgreSQL and returns its URL."""
    made = []
    yield lambda **options: made.append(postgres.database(**options)) or made[-1]
    for url in made:
        postgres.drop(url)


@pytest.fixture
def postgres_url(postgres_database):
    """Return the URL of an empty database in PostgreSQL."""
    return postgres_database()
