"""Every promise about sending is asked of a database file and of a server."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

collect_ignore_glob = [] if find_spec("sqlalchemy") else ["test_*.py"]

SUPPORT = Path(__file__).parents[1] / "support"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path):
    """Return the URL of an empty database."""
    if request.param == "postgres":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path / 'talent.db'}"


@pytest.fixture(scope="session")
def report():
    """Return a function that runs a program of tests/support and returns what it reports.

    A program of its own has a single thread, and may fork.
    """

    def run(program, *options, seconds=170):
        command = [sys.executable, SUPPORT / program, *map(str, options)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
        assert done.stdout, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run
