"""Bad input: one readable line, status 2, nothing half-written."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sqlalchemy")
pytest.importorskip("jinja2")

from crmkit.cli import main
from crmkit.senders import MaildirSender
from crmkit.stores import SQLStore

MAPPING = """
[fields]
id = "No"
emails = "Mail"
seniority = "Level"

[captured]
kind = "attended"
at = { column = "Met", timezone = "Europe/Berlin" }
"""
HEADER = "No,Mail,Level,Met\n"
GOOD = "ada,ada@example.org,senior,2026-01-05\n"
IMPORT = ["import", "fair.csv", "--mapping", "map.toml"]
NOW = ["--now", "2026-03-02T09:00Z"]

BAD_ROWS = {
    "unknown enum": (
        "bob,b@example.org,seniour,2026-01-05",
        "row 3, column Level: 'seniour' is not a seniority; did you mean 'senior'?",
    ),
    "broken date": (
        "bob,b@example.org,senior,2026-13-05",
        "row 3, column Met: expected a date such as 2026-03-02 or 2026-03-02T09:00Z, "
        "got '2026-13-05'",
    ),
    "duplicate": (
        "ada,b@example.org,senior,2026-01-05",
        "row 3, column No: 'ada' is a duplicate: it is there already, at row 2",
    ),
    "formula": (
        "=1+1,b@example.org,senior,2026-01-05",
        "row 3, column No: begins with '=', which a spreadsheet may run as a formula; "
        "change the cell",
    ),
    "too few cells": ("bob,b@example.org", "row 3: too few cells: expected 4, got 2"),
}
"""What is wrong → the row, and what is said about it."""

BAD_FILES = {
    "missing column": (
        b"No,Mail,Level\nada,a@example.org,senior\n",
        "row 1, column Met: has no column 'Met' (known: 'No', 'Mail', 'Level')",
    ),
    "wrong encoding": (
        HEADER.encode() + "ädä,a@example.org,senior,2026-01-05\n".encode("cp1252"),
        "row 2: byte 18 is not UTF-8 text",
    ),
    "no rows": (HEADER.encode(), "has a header, but no rows"),
    "empty": (b"", "is empty; expected a header and rows"),
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of its own, with a mapping and a good file."""
    monkeypatch.chdir(tmp_path)
    Path("map.toml").write_text(MAPPING, encoding="utf-8")
    Path("fair.csv").write_text(HEADER + GOOD, encoding="utf-8")
    return tmp_path


@pytest.fixture
def filled(capsys: pytest.CaptureFixture[str]) -> None:
    """Import the good file, and go on with one that has somebody else in it."""
    assert main(IMPORT) == 0
    Path("fair.csv").write_text(HEADER + GOOD.replace("ada", "eve"), encoding="utf-8")
    capsys.readouterr()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for locks a moment only."""
    monkeypatch.setitem(SQLStore.__init__.__kwdefaults__, "timeout", 0.05)


def everything() -> dict[str, Any]:
    """Return every file, and of a database every row instead."""
    found: dict[str, Any] = {}
    for path in sorted(Path().rglob("*")):
        if path.name.endswith((".db-wal", ".db-shm")):
            continue
        head = path.read_bytes() if path.is_file() else b"a folder"
        found[str(path)] = rows(path) if head.startswith(b"SQLite") else head
    return found


def rows(database: Path) -> dict[str, list[Any]]:
    connection = sqlite3.connect(database)
    tables = [
        name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
    ]
    found = {name: list(connection.execute(f"SELECT * FROM {name}")) for name in tables}
    connection.close()
    return found


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that fails; return its one line, after a look that nothing has changed."""
    before = everything()
    status = main(arguments)
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert everything() == before
    (line,) = err.splitlines()
    assert line.startswith("crmkit: ")
    return line.removeprefix("crmkit: ")


# --- files


@pytest.mark.parametrize("fault", BAD_ROWS)
@pytest.mark.parametrize("known", [False, True], ids=["new database", "known database"])
def test_a_bad_row_is_told_by_row_and_column(
    capsys: pytest.CaptureFixture[str], fault: str, *, known: bool
) -> None:
    """The first bad row ends the import; no new database is left behind."""
    if known:
        assert main(IMPORT) == 0
        capsys.readouterr()
    row, problem = BAD_ROWS[fault]
    Path("fair.csv").write_text(HEADER + GOOD + row + "\n", encoding="utf-8")
    assert refused(capsys, *IMPORT) == f"fair.csv, {problem}"
    assert Path("talent.db").exists() == known


@pytest.mark.parametrize("fault", BAD_ROWS)
def test_a_bad_row_may_be_set_aside(capsys: pytest.CaptureFixture[str], fault: str) -> None:
    """--keep-good takes the others in, and writes the bad one with its reason beside the file."""
    row, problem = BAD_ROWS[fault]
    Path("fair.csv").write_text(HEADER + GOOD + row + "\n", encoding="utf-8")
    assert main([*IMPORT, "--keep-good"]) == 0
    assert "1 rejected, with reasons, in fair.rejected.csv" in capsys.readouterr().out
    assert [key for key, _ in rows(Path("talent.db"))["crmkit_candidates"]] == ["ada"]
    beside = Path("fair.rejected.csv").read_text(encoding="utf-8")
    assert beside.splitlines()[0] == "No,Mail,Level,Met,row,column,reason"
    assert problem.partition(": ")[2] in beside.replace('""', '"')


@pytest.mark.parametrize("fault", BAD_FILES)
@pytest.mark.parametrize("option", [[], ["--keep-good"]], ids=["raise", "keep good"])
def test_a_bad_file_is_told(
    capsys: pytest.CaptureFixture[str], fault: str, option: list[str]
) -> None:
    """A file that is wrong as a whole is refused either way."""
    text, problem = BAD_FILES[fault]
    Path("fair.csv").write_bytes(text)
    line = refused(capsys, *IMPORT, *option)
    assert line.startswith("fair.csv")
    assert problem in line


def test_files_that_are_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    """A missing file, a missing mapping and a mapping that nobody named are told."""
    assert refused(capsys, "import", "no.csv", *IMPORT[2:]) == "no.csv: there is no such file"
    assert refused(capsys, *IMPORT[:3], "no.toml") == "no.toml: there is no such file"
    assert refused(capsys, *IMPORT[:2]) == "fair.csv: a CSV file needs --mapping"


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        (MAPPING.replace('"attended"', '"atended"'), "captured.kind: 'atended' is not"),
        (MAPPING.replace("seniority =", "senority ="), "fields.senority: 'senority' is not"),
        ("[fields", "is not TOML"),
    ],
    ids=["unknown kind", "unknown field", "cut off"],
)
def test_a_bad_mapping_is_told_by_its_path(
    capsys: pytest.CaptureFixture[str], mapping: str, problem: str
) -> None:
    """An interaction kind or field that nobody knows is told, with a near name."""
    Path("map.toml").write_text(mapping, encoding="utf-8")
    line = refused(capsys, *IMPORT)
    assert line.startswith("map.toml")
    assert problem in line
    assert ("did you mean" in line) == ("is not TOML" not in line)


@pytest.mark.parametrize("form", ["greenhouse", "jsonresume"])
def test_json_cut_in_half_is_told(capsys: pytest.CaptureFixture[str], form: str) -> None:
    """The place where the document breaks off is named."""
    whole = json.dumps([{"id": 7, "created_at": "2026-01-05T09:00:00Z"}])
    Path("half.json").write_text(whole[: len(whole) // 2], encoding="utf-8")
    line = refused(capsys, "import", "half.json", "--format", form)
    assert line.startswith("half.json: ")
    assert "line 1, column" in line
    assert "ends too early" in line


def test_somebody_who_may_be_two_people_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody is taken in when one of them matches two known people, also not the others."""
    two = GOOD + GOOD.replace("ada", "bob")
    Path("fair.csv").write_text(HEADER + two, encoding="utf-8")
    assert main(IMPORT) == 0
    capsys.readouterr()
    Path("more.csv").write_text(
        HEADER + "new,new@example.org,senior,2026-01-05\n"
        'who,"ada@example.org;bob@example.org",senior,2026-01-05\n'
    )
    Path("map.toml").write_text(
        MAPPING.replace('"Mail"', '{ column = "Mail", separator = ";" }'), encoding="utf-8"
    )
    line = refused(capsys, "import", "more.csv", *IMPORT[2:])
    assert "'who' shares an e-mail address or external id with 'ada', 'bob'" in line


def test_a_failed_capture_leaves_no_new_database(capsys: pytest.CaptureFixture[str]) -> None:
    """Also a fault found after the database was made leaves none behind."""
    Path("fair.csv").write_text(
        HEADER + GOOD + "bob,bob@example.org,senior,2026-01-05\n"
        'who,"ada@example.org;bob@example.org",senior,2026-01-05\n'
    )
    Path("map.toml").write_text(
        MAPPING.replace('"Mail"', '{ column = "Mail", separator = ";" }'), encoding="utf-8"
    )
    assert "'who' shares" in refused(capsys, *IMPORT)
    assert not Path("talent.db").exists()


def test_rejected_rows_that_cannot_be_written_take_nobody_in(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Where the reasons cannot be kept, the good rows are not kept either."""
    Path("fair.rejected.csv").mkdir()
    Path("fair.csv").write_text(HEADER + GOOD + BAD_ROWS["broken date"][0], encoding="utf-8")
    line = refused(capsys, *IMPORT, "--keep-good")
    assert line.startswith("fair.rejected.csv: cannot be written")


# --- instants and names


@pytest.mark.parametrize(
    ("option", "command"),
    [
        ("--captured-at", IMPORT),
        ("--now", ["run-due"]),
        ("--now", ["shortlist", "--title", "Dev"]),
        ("--now", ["report"]),
        ("--now", ["explain", "ada"]),
        ("--now", ["resolve", "e1.0.a", "--sent"]),
        ("--now", ["tasks"]),
        ("--now", ["done", "e1.0.a"]),
    ],
)
@pytest.mark.usefixtures("filled")
def test_an_instant_needs_a_zone(
    capsys: pytest.CaptureFixture[str], option: str, command: list[str]
) -> None:
    """A naive instant is refused by its option, and how to write it is shown."""
    line = refused(capsys, *command, option, "2026-03-02T09:00")
    assert line == (
        f"{option}: '2026-03-02T09:00' has no time zone; say which, for example 2026-03-02T09:00Z"
    )
    assert refused(capsys, *command, option, "soon").startswith(f"{option}: expected an ISO 8601")


@pytest.mark.usefixtures("filled")
def test_unknown_names_are_told_with_near_ones(capsys: pytest.CaptureFixture[str]) -> None:
    """A person, a role and a level that nobody knows."""
    assert main(["shortlist", "--title", "Data engineer", *NOW]) == 0
    capsys.readouterr()
    assert refused(capsys, "explain", "adda") == "no candidate 'adda'; did you mean 'ada'?"
    role = refused(capsys, "shortlist", "--role", "data-enginer")
    assert role == "no role 'data-enginer'; did you mean 'data-engineer'?"
    level = refused(capsys, "shortlist", "--title", "Dev", "--seniority", "seniour")
    assert level == "seniority: 'seniour' is not a seniority; did you mean 'senior'?"
    assert refused(capsys, "shortlist").startswith("--role: name a stored role, or give --title")
    assert refused(capsys, "run-due", "--from", "nobody").startswith("from_address: expected one")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "the following arguments are required: COMMAND; see crmkit --help"),
        (["explian"], "invalid choice: 'explian'"),
        (["explain"], "required: candidate; see crmkit explain --help"),
        (["done", "e1.0.a", "--kind", "callled"], "invalid choice: 'callled'"),
        (["run-due", "--limit", "-1"], "--limit: expected a whole number from 0, got '-1'"),
        (["shortlist", "--title", "A", "--limit", "0"], "expected a whole number from 1, got '0'"),
        (["demo", "--weeks", "many"], "expected a whole number from 1, got 'many'"),
        (["report", "--colour", "red"], "unrecognized arguments: --colour red"),
    ],
)
def test_arguments_that_are_none_are_told(
    capsys: pytest.CaptureFixture[str], arguments: list[str], problem: str
) -> None:
    """What cannot be understood takes one line, and says where the help is."""
    assert problem in refused(capsys, *arguments)


# --- databases

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
WRITERS = ["import", "run-due", "shortlist"]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_database_that_is_none_is_told(capsys: pytest.CaptureFixture[str], command: str) -> None:
    """A text file in its place is left as it is."""
    Path("talent.db").write_text("Dear diary, this is no database. " * 40)
    line = refused(capsys, *COMMANDS[command])
    assert "talent.db: it is not an SQLite database" in line


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_in_place_of_the_database_is_told(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    """A folder cannot be opened."""
    Path("talent.db").mkdir()
    assert "talent.db: it cannot be opened" in refused(capsys, *COMMANDS[command])


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "import"])
@pytest.mark.parametrize("url", ["", "sqlite:///"], ids=["path", "url"])
def test_a_database_that_is_not_there_is_not_made(
    capsys: pytest.CaptureFixture[str], command: str, url: str
) -> None:
    """Only an import makes one."""
    line = refused(capsys, *COMMANDS[command], "--db", f"{url}no.db")
    assert line == "there is no database no.db; make one with 'crmkit import'"


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "import"])
def test_the_database_of_another_program_gets_no_tables(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    """Only an import adds crmkit's tables to a database."""
    connection = sqlite3.connect("talent.db")
    connection.execute("CREATE TABLE diary (day TEXT)")
    connection.close()
    assert "no table crmkit_" in refused(capsys, *COMMANDS[command])


def test_a_new_database_in_no_folder_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """The folder of a new database must be there."""
    line = refused(capsys, *IMPORT, "--db", "none/talent.db")
    assert "none/talent.db: it cannot be opened; create its directory first" in line


@pytest.fixture
def locked() -> Iterator[None]:
    """Hold the database's only write lock."""
    connection = sqlite3.connect("talent.db", isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    yield
    connection.execute("ROLLBACK")
    connection.close()


@pytest.mark.parametrize("command", WRITERS)
@pytest.mark.usefixtures("filled", "impatient", "locked")
def test_a_locked_database_is_told(capsys: pytest.CaptureFixture[str], command: str) -> None:
    """While another program writes, nothing else does; the outbox stays empty."""
    line = refused(capsys, *COMMANDS[command], *_nowhere(command))
    assert "talent.db: another program is writing to it" in line


@pytest.mark.parametrize("command", WRITERS)
@pytest.mark.usefixtures("filled")
def test_a_read_only_database_is_told(capsys: pytest.CaptureFixture[str], command: str) -> None:
    """What cannot be written is said to be so."""
    url = ["--db", "sqlite:///file:talent.db?mode=ro&uri=true"]
    line = refused(capsys, *COMMANDS[command], *url, *_nowhere(command))
    assert "it cannot be written" in line


def _nowhere(command: str) -> list[str]:
    """Return options by which run-due finds its Maildir made."""
    if command != "run-due":
        return []
    MaildirSender("outbox")
    return ["--outbox", "outbox"]


@pytest.mark.usefixtures("filled")
def test_a_read_only_database_can_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    """Explaining and reporting need no permission to write."""
    url = ["--db", "sqlite:///file:talent.db?mode=ro&uri=true"]
    assert main(["explain", "ada", *url, *NOW]) == 0
    assert main(["report", *url, *NOW]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("oracle://scott:tiger@host/db", "oracle://"),
        ("nonsense://x", "no such kind of database"),
        ("postgresql+psycopg://host:port/db", "expected a database URL"),
    ],
)
def test_a_bad_url_is_told_without_its_password(
    capsys: pytest.CaptureFixture[str], url: str, problem: str
) -> None:
    """A URL of something else is refused, and no password is shown."""
    line = refused(capsys, "explain", "ada", "--db", url)
    assert problem in line
    assert "tiger" not in line


# --- what is written


@pytest.mark.usefixtures("filled")
def test_an_outbox_that_cannot_be_written_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """A file in its place, or a folder of other things, is told before anything moves."""
    Path("outbox").write_text("in the way")
    assert "cannot keep mail in 'outbox'" in refused(capsys, *COMMANDS["run-due"])
    Path("outbox").unlink()
    Path("outbox").mkdir()
    Path("outbox", "letter.txt").write_text("in the way")
    assert "a folder with other things in it" in refused(capsys, *COMMANDS["run-due"])


@pytest.mark.usefixtures("filled")
def test_a_page_that_cannot_be_written_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """A folder in its place, or no folder for it, is told by the page's name."""
    Path("report.html").mkdir()
    assert refused(capsys, *COMMANDS["report"]).startswith("report.html: cannot be written")
    line = refused(capsys, *COMMANDS["report"], "--out", "none/page.html")
    assert line == "none/page.html: cannot be written: No such file or directory"


def test_a_demonstration_in_the_way_of_a_file_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """A file in place of the folder is told."""
    line = refused(capsys, "demo", "--out", "map.toml")
    assert line == "map.toml cannot be used: File exists"


def test_an_interrupt_is_no_fault(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C ends with status 130 and a line that says how to go on."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(SQLStore, "append_interactions", interrupted)
    assert main(IMPORT) == 130
    assert capsys.readouterr().err == "crmkit: stopped; run the same command again to go on\n"
    assert not Path("talent.db").exists()
