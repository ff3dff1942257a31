"""Run every example in the README, the docs and the docstrings, and compare what it prints."""

import contextlib
import io
import os
import re
import tempfile
from pathlib import Path
from typing import Any

from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser
from sybil.parsers.rest import DocTestParser
from sybil.sybil import SybilCollection


def _enter(namespace: dict[str, Any]) -> None:
    """Let the examples write into a folder of their own."""
    folder = tempfile.TemporaryDirectory(prefix="crmkit-examples-")
    namespace["__folder__"], namespace["__home__"] = folder, Path.cwd()
    os.chdir(folder.name)


def _leave(namespace: dict[str, Any]) -> None:
    for value in list(namespace.values()):
        if type(value).__name__ == "SQLStore":
            value.close()
    os.chdir(namespace["__home__"])
    namespace["__folder__"].cleanup()


def _run(example: Example) -> None:
    """Run a block, and keep what it prints for the block of text after it."""
    printed = io.StringIO()
    # The line breaks above the block make the line numbers of a traceback those of the page.
    source = "\n" * (example.line + example.parsed.line_offset) + example.parsed
    with contextlib.redirect_stdout(printed):
        exec(compile(source, example.path, "exec", dont_inherit=True), example.namespace)  # noqa: S102
    example.namespace["__printed__"] = printed.getvalue()


def _compare(example: Example) -> str | None:
    """Compare a block of text with what was printed before it; ``…`` stands for any lines."""
    printed = example.namespace.pop("__printed__", "")
    if not printed:
        return None
    shown = example.parsed.splitlines()
    wanted = "".join(
        r"(?:.*\n)*" if line.strip() == "…" else re.escape(line.rstrip()) + r"[ ]*\n"
        for line in shown
    )
    matches = re.fullmatch(wanted, printed if printed.endswith("\n") else printed + "\n")
    return None if matches else f"shown:\n{example.parsed}\nprinted:\n{printed}"


pytest_collect_file = SybilCollection(
    [
        Sybil(
            parsers=[
                CodeBlockParser(language="python", evaluator=_run),
                CodeBlockParser(language="text", evaluator=_compare),
            ],
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
