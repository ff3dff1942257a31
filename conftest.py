"""Run every example in the README, the docs and the docstrings."""

import os
import tempfile
from pathlib import Path
from typing import Any

from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser
from sybil.parsers.myst import DocTestDirectiveParser
from sybil.parsers.rest import DocTestParser
from sybil.sybil import SybilCollection


def _enter(namespace: dict[str, Any]) -> None:
    """Let the examples write into a folder of their own."""
    folder = tempfile.TemporaryDirectory(prefix="crmkit-examples-")
    namespace["__folder__"], namespace["__home__"] = folder, Path.cwd()
    os.chdir(folder.name)


def _leave(namespace: dict[str, Any]) -> None:
    for value in namespace.values():
        if callable(getattr(value, "close", None)) and type(value).__name__ == "SQLStore":
            value.close()
    os.chdir(namespace["__home__"])
    namespace["__folder__"].cleanup()


pytest_collect_file = SybilCollection(
    [
        Sybil(
            parsers=[PythonCodeBlockParser(), DocTestDirectiveParser()],
            patterns=["*.md"],
            setup=_enter,
            teardown=_leave,
        ),
        Sybil(
            path="src",
            parsers=[DocTestParser()],
            patterns=["*.py"],
            setup=_enter,
            teardown=_leave,
        ),
    ]
).pytest()
