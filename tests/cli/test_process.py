"""The command as a process: its status, its streams, its extras."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sqlalchemy")
pytest.importorskip("jinja2")

from crmkit.cli import main

IMPORT = ["import", "fair.csv", "--mapping", "map.toml"]
NOW = ["--now", "2026-03-02T09:00Z"]
COMMANDS = {
    "import": IMPORT,
    "run-due": ["run-due", *NOW],
    "shortlist": ["shortlist", "--title", "Dev", *NOW],
    "report": ["report", *NOW],
    "explain": ["explain", "ada", *NOW],
    "doubts": ["doubts"],
    "resolve": ["resolve", "e1.0.a", "--sent", *NOW],
    "tasks": ["tasks", *NOW],
    "done": ["done", "e1.0.a", *NOW],
}


@pytest.fixture(autouse=True)
def folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Path:
    """Work in a folder of its own, with one person in a database."""
    monkeypatch.chdir(tmp_path)
    Path("map.toml").write_text('[fields]\nid = "No"\n[captured]\nkind = "attended"\nat = "Met"\n')
    Path("fair.csv").write_text("No,Met\nada,2026-01-05T09:00Z\n")
    assert main(IMPORT) == 0
    Path("fair.csv").write_text("No,Met\neve,2026-01-05T09:00Z\n")
    capsys.readouterr()
    return tmp_path


def files() -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}


def process(*arguments: str, code: str = "", **environment: str) -> Any:
    start = ["-c", code] if code else ["-m", "crmkit"]
    return subprocess.run(
        [sys.executable, *start, *arguments],
        capture_output=True,
        encoding="utf-8",
        check=False,
        env=os.environ | {"PYTHONWARNINGS": "error"} | environment,
    )


def test_the_module_is_the_command() -> None:
    """``python -m crmkit`` prints, fails and warns as the command does: not at all."""
    good = process(*IMPORT)
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout == "fair.csv: 1 new, 0 updated, 0 merged, 1 new interactions\n"
    bad = process("explain", "adda")
    assert (bad.returncode, bad.stdout) == (2, "")
    assert bad.stderr == "crmkit: no candidate 'adda'; did you mean 'ada'?\n"


def test_a_terminal_that_knows_no_ticks_gets_question_marks() -> None:
    """Where ✓ cannot be written, the rest is."""
    found = process("explain", "ada", *NOW, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (found.returncode, found.stderr) == (0, "")
    assert "? all of" in found.stdout


@pytest.mark.skipif(os.name == "nt", reason="pipes break otherwise there")
def test_a_reader_that_has_seen_enough_is_no_fault() -> None:
    """``crmkit … | head`` ends without a complaint."""
    code = (
        "import os, sys; from crmkit.cli import main; "
        "read, write = os.pipe(); os.dup2(write, 1); os.close(write); os.close(read); "
        "sys.exit(main(sys.argv[1:]))"
    )
    found = process("explain", "ada", *NOW, code=code)
    assert (found.returncode, found.stderr) == (1, "")


BLOCKED = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names}:
            raise ModuleNotFoundError("No module named " + name, name=name)

sys.meta_path.insert(0, Blocked())
from crmkit.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("command", [*COMMANDS, "demo"])
def test_a_missing_extra_is_told(command: str) -> None:
    """Without SQLAlchemy and Jinja2 each command says what to install, and writes nothing."""
    before = files()
    code = BLOCKED.replace("{names}", repr({"sqlalchemy", "jinja2"}))
    found = process(*COMMANDS.get(command, ["demo"]), code=code)
    extra = "demo" if command == "demo" else "templates" if command == "report" else "sql"
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr.count("\n") == 1
    assert f"pip install 'crmkit[{extra}]'" in found.stderr
    assert files() == before


def test_the_demonstration_asks_for_templates_first() -> None:
    """Without Jinja2 alone the demonstration does not begin."""
    found = process("demo", code=BLOCKED.replace("{names}", repr({"jinja2"})))
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr.endswith("needs an extra: pip install 'crmkit[demo]'\n")
    assert not Path("crmkit-demo").exists()
