import importlib
import json
import pkgutil
import subprocess
import sys
from inspect import isclass, isfunction
from pathlib import Path

import pytest

import crmkit
from crmkit.errors import MissingExtra

CORE = ("engagement", "permission", "model", "segmentation", "cadence", "metrics", "protocols")
CORE += ("codec", "simulation", "lifecycle", "errors", "_time", "_progress")
ADAPTERS = ("stores", "senders", "sources", "datasets", "report", "testing", "demo", "cli")
ADAPTERS += ("ical", "public_holidays", "templates")
ALLOWED = {"crmkit", "attr", "attrs", "typing_extensions"}
LATE = ("sqlalchemy", "cattrs", "dateutil", "jinja2", "scipy", "hypothesis", "email.message")

PACKAGES = sorted(module.name for module in pkgutil.iter_modules(crmkit.__path__))
PUBLIC = ["crmkit"] + [
    f"crmkit.{module.name}"
    for module in pkgutil.iter_modules(crmkit.__path__)
    if module.ispkg and not module.name.startswith("_")
]

# Runs in a fresh interpreter: what is already there when the module is asked for is Python's.
WATCH = """
import sys, os, json
# What the standard library reads for itself, at its own import, is not ours to answer for.
import {preloaded}

before = set(sys.modules)
opened, sockets, looked_up = [], [], []
CODE = (".py", ".pyc", ".so", ".pyd", ".dll", ".dylib")


def listen(event, args):
    if event == "open" and isinstance(args[0], (str, bytes)):
        path = os.fsdecode(args[0])
        if not path.endswith(CODE) and ".pyc." not in path:
            opened.append(path)
    elif event.startswith(("socket.", "urllib.", "subprocess.", "os.system", "sqlite3.")):
        sockets.append(event)


class Recorder(type(os.environ)):
    def __getitem__(self, key):
        looked_up.append(key)
        return super().__getitem__(key)

    def __iter__(self):
        looked_up.append("*")
        return super().__iter__()


os.environ.__class__ = Recorder
sys.addaudithook(listen)
import {module}
print(json.dumps(dict(
    modules=sorted(set(sys.modules) - before), opened=opened, sockets=sockets, looked_up=looked_up
)))
"""
PRELOADED = "json, zoneinfo"  # zoneinfo looks up PYTHONTZPATH, and where Python is installed


def watch(module, preloaded=PRELOADED):
    done = subprocess.run(
        [sys.executable, "-c", WATCH.format(module=module, preloaded=preloaded)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module", params=["crmkit"] + [f"crmkit.{name}" for name in CORE])
def seen(request):
    """Return what one core module does when it is imported in a fresh interpreter."""
    return watch(request.param)


def test_core_needs_nothing_but_attrs(seen):
    """A core import brings in the standard library, attrs and typing_extensions only."""
    tops = {name.partition(".")[0] for name in seen["modules"]}
    assert tops - set(sys.stdlib_module_names) - ALLOWED == set()


def test_core_leaves_heavy_libraries_for_later(seen):
    """Neither the database nor templates, statistics, mail nor test libraries are imported."""
    assert [name for name in LATE if name in seen["modules"]] == []


def test_core_imports_no_adapter(seen):
    """Stores, senders, sources and the command line are not imported before they are asked for."""
    adapters = {f"crmkit.{name}" for name in ADAPTERS}
    assert adapters & set(seen["modules"]) == set()


def test_core_opens_nothing_but_code(seen):
    """An import reads modules, and no other file."""
    assert seen["opened"] == []


def test_core_reaches_for_nothing_outside(seen):
    """An import opens no socket, no database and no process."""
    assert seen["sockets"] == []


def test_core_does_not_read_the_environment(seen):
    """An import looks up no environment variable."""
    assert seen["looked_up"] == []


@pytest.mark.parametrize(
    "name",
    [
        "senders",
        "sources",
        "datasets",
        "report",
        "testing",
        "ical",
        "public_holidays",
        "templates",
    ],
)
def test_adapters_import_no_extra(name):
    """An adapter that needs no extra can be imported where none is installed."""
    seen = watch(f"crmkit.{name}")
    extras = (
        "sqlalchemy",
        "jinja2",
        "scipy",
        "matplotlib",
        "holidays",
        "icalendar",
        "hypothesis",
        "django",
    )
    assert [extra for extra in extras if extra in seen["modules"]] == []


def test_the_watch_sees_what_it_should(tmp_path):
    """The listener itself notices a file, a socket, the environment and a library."""
    (tmp_path / "data.txt").write_text("")
    (tmp_path / "guilty.py").write_text(
        "import os, socket, dateutil\n"
        f"open({str(tmp_path / 'data.txt')!r}).close()\n"
        "socket.socket().close()\n"
        "os.environ.get('HOME')\n"
    )
    preloaded = f"json; sys.path.insert(0, {str(tmp_path)!r})"
    seen = watch("guilty", preloaded)
    assert str(tmp_path / "data.txt") in seen["opened"]
    assert "socket.__new__" in seen["sockets"]
    assert "HOME" in seen["looked_up"]
    assert "dateutil" in seen["modules"]


def test_every_package_is_named_here():
    """A package added to the house is put among the core or among the adapters."""
    assert set(PACKAGES) <= {*CORE, *ADAPTERS, "__main__"}


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_are_sorted_and_importable(name):
    """`__all__` lists each public name once, in order, and each of them is there."""
    package = _package(name)
    public = list(package.__all__)
    assert sorted(set(public), key=_order) == public
    assert set(public) - set(_found(package)) <= {"SQLStore"}
    assert [private for private in public if private.startswith("_")] == (
        ["__version__"] if name == "crmkit" else []
    )


def _package(name):
    try:
        return importlib.import_module(name)
    except MissingExtra as error:
        pytest.skip(str(error))


def _found(package):
    found = {}
    for name in package.__all__:
        try:
            found[name] = getattr(package, name)
        except MissingExtra:  # a name that needs an extra says so where there is none
            continue
    return found


def _order(name):
    # CONSTANTS, then Classes, then functions, each by name: ruff's RUF022.
    rank = 0 if name.isupper() else 1 if name[0].isupper() else 2
    return rank, name


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_are_documented(name):
    """Every public class and function has a docstring."""
    package = _package(name)
    bare = [thing for thing in _found(package).values() if isfunction(thing) or isclass(thing)]
    bare = [thing.__qualname__ for thing in bare if not thing.__doc__]
    assert bare == []


def test_the_package_is_typed():
    """The marker that makes type checkers read our annotations is there."""
    assert (Path(crmkit.__file__).parent / "py.typed").exists()
