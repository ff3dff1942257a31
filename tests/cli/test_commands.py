"""Every command, on good input."""

import mailbox
import re
import sqlite3
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy")
pytest.importorskip("jinja2")

from crmkit.cli import main
from crmkit.stores import SQLStore

MAPPING = """
[fields]
id = "No"
emails = "Mail"
country = { column = "Land", values = { Germany = "DE", Italy = "IT" } }
skills = { column = "Skills", separator = ";" }
seniority = "Level"

[captured]
kind = "attended"
at = { column = "Met", timezone = "Europe/Berlin" }
"""
ROWS = """No,Mail,Land,Skills,Level,Met
ada,ada@example.org,Germany,python;sql,senior,2026-01-05
bob,bob@example.org,Italy,go,junior,2026-01-06
"""
NOW = "2026-03-02T09:00Z"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of its own, with a mapping and a file."""
    monkeypatch.chdir(tmp_path)
    Path("map.toml").write_text(MAPPING, encoding="utf-8")
    Path("fair.csv").write_text(ROWS, encoding="utf-8")
    return tmp_path


@pytest.fixture
def filled(capsys: pytest.CaptureFixture[str]) -> None:
    """Import the file."""
    assert main(["import", "fair.csv", "--mapping", "map.toml"]) == 0
    capsys.readouterr()


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that works, and return what it prints."""
    status = main(arguments)
    out, err = capsys.readouterr()
    assert (status, err) == (0, "")
    return out


def rows(table: str) -> int:
    connection = sqlite3.connect("talent.db")
    (count,) = connection.execute(f"SELECT count(*) FROM crmkit_{table}").fetchone()
    connection.close()
    return int(count)


def test_import_takes_people_in(capsys: pytest.CaptureFixture[str]) -> None:
    """The people and their first facts are in a new database."""
    out = run(capsys, "import", "fair.csv", "--mapping", "map.toml")
    assert out == "fair.csv: 2 new, 0 updated, 0 merged, 2 new interactions\n"
    assert (rows("candidates"), rows("interactions")) == (2, 2)


@pytest.mark.usefixtures("filled")
def test_import_twice_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """The same file again adds nobody and nothing."""
    out = run(capsys, "import", "fair.csv", "--mapping", "map.toml")
    assert out == "fair.csv: 0 new, 0 updated, 0 merged, 0 new interactions\n"


def test_import_keeps_the_good_rows(capsys: pytest.CaptureFixture[str]) -> None:
    """With --keep-good the bad rows are written beside the file, each with its reason."""
    Path("fair.csv").write_text(ROWS + "eve,eve@example.org,Germny,go,junior,2026-01-06\n")
    out = run(capsys, "import", "fair.csv", "--mapping", "map.toml", "--keep-good")
    assert out.splitlines() == [
        "fair.csv: 2 new, 0 updated, 0 merged, 2 new interactions",
        "1 rejected, with reasons, in fair.rejected.csv",
    ]
    header, row = Path("fair.rejected.csv").read_text(encoding="utf-8").splitlines()
    assert header == "No,Mail,Land,Skills,Level,Met,row,column,reason"
    assert row.startswith("eve,eve@example.org,Germny,go,junior,2026-01-06,4,Land,")
    assert "did you mean 'Germany'?" in row


def test_import_reads_other_encodings(capsys: pytest.CaptureFixture[str]) -> None:
    """--encoding says what the bytes are."""
    Path("fair.csv").write_bytes(ROWS.replace("python", "pythön").encode("cp1252"))
    run(capsys, "import", "fair.csv", "--mapping", "map.toml", "--encoding", "cp1252")
    assert "pythön" in run(capsys, "shortlist", "--title", "A", "--skills", "pythön", "--now", NOW)


def test_import_dates_the_capture(capsys: pytest.CaptureFixture[str]) -> None:
    """--captured-at stands in for the instant that the file tells."""
    captured = ["--captured-at", "2026-02-02T09:00Z"]
    run(capsys, "import", "fair.csv", "--mapping", "map.toml", *captured)
    assert "attended on 2026-02-02" in run(capsys, "explain", "ada", "--now", NOW)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("resume.json", '{"basics": {"name": "Ada", "email": "ada@example.org"}}'),
        ("people.json", '[{"id": 7, "created_at": "2026-01-05T09:00:00Z"}]'),
    ],
)
def test_import_reads_json(capsys: pytest.CaptureFixture[str], file: str, text: str) -> None:
    """JSON Resume is asked for, Greenhouse is what other files are."""
    Path(file).write_text(text, encoding="utf-8")
    form = ["--format", "jsonresume"] if file == "resume.json" else []
    assert run(capsys, "import", file, *form).startswith(f"{file}: 1 new, ")


def test_import_takes_a_url(capsys: pytest.CaptureFixture[str]) -> None:
    """--db may be a SQLAlchemy URL."""
    url = ["--db", "sqlite:///talent.db"]
    run(capsys, "import", "fair.csv", "--mapping", "map.toml", *url)
    assert rows("candidates") == 2
    assert run(capsys, "explain", "ada", *url, "--now", NOW).startswith("ada at 2026-03-02 09:00")


def test_a_database_may_have_any_file_name(capsys: pytest.CaptureFixture[str]) -> None:
    """Characters that mean something in a URL mean nothing in a path."""
    run(capsys, "import", "fair.csv", "--mapping", "map.toml", "--db", "what? 100%.db")
    assert Path("what? 100%.db").stat().st_size > 0


@pytest.mark.usefixtures("filled")
def test_run_due_sends_once(capsys: pytest.CaptureFixture[str]) -> None:
    """What is due goes out, is in the Maildir, and does not go out again."""
    arguments = ["run-due", "--now", NOW, "--from", "Ada <talent@example.org>"]
    out = run(capsys, *arguments, "--postal-address", "1 Example Street")
    assert "2 enrolled, 2 sent, 0 refused" in out
    assert "the messages are in outbox" in out
    assert "next due: 2026-03-16 09:00 UTC" in out
    box = mailbox.Maildir("outbox", create=False)
    (first, second) = box
    assert {first["To"], second["To"]} == {"ada@example.org", "bob@example.org"}
    assert first["From"] == "Ada <talent@example.org>"
    assert "1 Example Street" in first.get_payload()
    box.close()
    again = run(capsys, *arguments)
    assert "0 enrolled, 0 sent" in again
    assert "the messages are in" not in again


@pytest.mark.usefixtures("filled")
def test_run_due_counts_segments(capsys: pytest.CaptureFixture[str]) -> None:
    """Who is in which segment is brought up to date first."""
    assert "event leads: 2 entered, 0 left" in run(capsys, "run-due", "--now", NOW)


@pytest.mark.usefixtures("filled")
def test_run_due_stops_at_the_limit(capsys: pytest.CaptureFixture[str]) -> None:
    """--limit is how many messages go out; the rest waits."""
    out = run(capsys, "run-due", "--now", NOW, "--limit", "1")
    assert "1 sent" in out
    assert "held back by the limit: 1" in out


@pytest.mark.usefixtures("filled")
def test_run_due_lists_tasks(capsys: pytest.CaptureFixture[str]) -> None:
    """What a person has to do is listed, never sent."""
    run(capsys, "run-due", "--now", NOW)
    out = run(capsys, "run-due", "--now", "2026-06-01T09:00Z")
    assert "  task: check-in for ada, due 2026-05-25" in out


@pytest.mark.usefixtures("filled")
def test_shortlist_ranks(capsys: pytest.CaptureFixture[str]) -> None:
    """A new role is described on the line; the best comes first, with reasons."""
    skills = ["--skills", "python, sql", "--nice-to-have", "go", "--country", "de"]
    out = run(capsys, "shortlist", "--title", "Data engineer", *skills, "--now", NOW)
    assert out.startswith("Data engineer (data-engineer): 1 of 2 people\n1. ada ")
    assert "has python, sql" in out
    assert "left out, has none of the skills: 1" in out


@pytest.mark.usefixtures("filled")
def test_shortlist_knows_the_role_again(capsys: pytest.CaptureFixture[str]) -> None:
    """A stored role needs nothing but its id."""
    first = run(capsys, "shortlist", "--title", "Dev", "--skills", "go", "--now", NOW)
    assert run(capsys, "shortlist", "--role", "dev", "--now", NOW) == first


@pytest.mark.usefixtures("filled")
def test_shortlist_keeps_when_a_role_opened(capsys: pytest.CaptureFixture[str]) -> None:
    """Describing a stored role anew does not open it anew."""
    run(capsys, "shortlist", "--title", "Dev", "--skills", "go", "--now", NOW)
    run(capsys, "shortlist", "--title", "Dev", "--remote", "--now", "2026-04-06T09:00Z")
    with SQLStore("sqlite:///talent.db") as store:
        (role,) = store.roles()
    assert (role.opened_at and role.opened_at.isoformat()) == "2026-03-02T09:00:00+00:00"
    assert (role.remote, role.skills) == (True, ())


@pytest.mark.usefixtures("filled")
def test_shortlist_limit(capsys: pytest.CaptureFixture[str]) -> None:
    """--limit is how many people are shown."""
    out = run(capsys, "shortlist", "--title", "Anything", "--limit", "1", "--now", NOW)
    assert out.startswith("Anything (anything): 1 of 2 people")


@pytest.mark.usefixtures("filled")
def test_explain_says_why_and_until_when(capsys: pytest.CaptureFixture[str]) -> None:
    """Segments, temperature, permission and the calendar of one person are printed."""
    run(capsys, "run-due", "--now", NOW)
    out = run(capsys, "explain", "ada", "--now", NOW)
    for part in ("event leads", "temperature", "may we write", "seven-touch", "until"):
        assert part in out


@pytest.mark.usefixtures("filled")
def test_the_clock_is_now_when_none_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    """Without --now the present is meant."""
    assert re.match(r"ada at 20\d\d-", run(capsys, "explain", "ada"))


def test_demo_runs_small(capsys: pytest.CaptureFixture[str]) -> None:
    """The demonstration prints the scorecard and where to look."""
    out = run(capsys, "demo", "--weeks", "1", "--people", "5", "--seed", "7")
    assert "SIMULATED" in out
    assert str(Path("crmkit-demo", "report.html")) in out
    for name in ("report.html", "outbox", "talent.db", "demo.json"):
        assert Path("crmkit-demo", name).exists()


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_end_well(capsys: pytest.CaptureFixture[str], option: str) -> None:
    """Both print and end with status 0."""
    with pytest.raises(SystemExit) as caught:
        main([option])
    assert caught.value.code == 0
    assert "crmkit" in capsys.readouterr().out
