"""The report command: the page, the window, what it is compared with, the tables as CSV."""

import csv
import sys
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy")
pytest.importorskip("jinja2")

from crmkit.cli import _report as command
from crmkit.cli import main
from crmkit.lifecycle import CRM
from crmkit.model import Candidate, Interaction, Relationship
from crmkit.segmentation import Segment, Segmenter, field
from crmkit.stores import SQLStore

NOW = "2026-03-02T09:00Z"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of its own, with a database of two people, met a year apart."""
    monkeypatch.chdir(tmp_path)
    people = [
        Relationship(Candidate(id=who, country="DE"), [_fact(who, kind, at) for kind, at in facts])
        for who, facts in {
            "ada": [("met", "2024-06-03T09:00Z"), ("attended", "2024-06-04T09:00Z")],
            "bob": [("attended", "2026-01-05T09:00Z"), ("applied", "2026-01-12T09:00Z")],
        }.items()
    ]
    with SQLStore("sqlite:///talent.db", create=True) as store:
        crm = CRM(store)
        crm.capture_all(people)
        crm.advance(now=NOW)
    return tmp_path


def _fact(who: str, kind: str, at: str) -> Interaction:
    return Interaction(candidate_id=who, kind=kind, at=at)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run the command, which works, and return what it prints."""
    status = main(["report", "--now", NOW, *arguments])
    out, err = capsys.readouterr()
    assert (status, err) == (0, "")
    return out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run the command, which does not work, and return the line that says why."""
    status = main(["report", "--now", NOW, *arguments])
    out, err = capsys.readouterr()
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert not Path("report.html").exists()
    return err.removeprefix("crmkit: ").rstrip("\n")


def page(name: str = "report.html") -> str:
    return Path(name).read_text(encoding="utf-8")


def test_writes_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    """The scorecard is printed and on the page; nothing is called simulated that is not."""
    out = run(capsys, "--title", "Our people", "--out", "our.html")
    assert "Pipeline size" in out
    assert out.endswith("\nwritten to our.html\n")
    assert "<h1>Our people</h1>" in page("our.html")
    assert "event leads" in page("our.html")
    assert "imulated" not in page("our.html")


def test_says_what_is_simulated(capsys: pytest.CaptureFixture[str]) -> None:
    """Facts that say they are simulated are not passed off as real."""
    made_up = Interaction(
        candidate_id="eve", kind="met", at="2026-01-05T09:00Z", properties={"simulated": True}
    )
    with SQLStore("sqlite:///talent.db") as store:
        CRM(store).capture_all([Relationship(Candidate(id="eve"), [made_up])])
    assert "SIMULATED" in run(capsys)
    assert "<strong>Simulated.</strong>" in page()


def test_who_waits_for_an_answer_is_on_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    """Bob applied weeks ago and heard nothing: that is the first thing to do."""
    run(capsys)
    assert "Answer 1 person who went unanswered" in page()
    assert '<bdi class="id">bob</bdi>' in page()


def test_compares_with_one_window_earlier(capsys: pytest.CaptureFixture[str]) -> None:
    """By default a year is compared with the year before it."""
    run(capsys)
    assert "From 2 Mar 2025 to 2 Mar 2026: the 365 days up to 2026-03-02 09:00 UTC" in page()
    assert "Pipeline size, counted whole, went up from 1 person to 2 people" in page()


def test_the_window_is_chosen_in_days(capsys: pytest.CaptureFixture[str]) -> None:
    """--window is how many days are counted, and how far back the comparison goes."""
    assert "over the 30 days before" in run(capsys, "--window", "30")
    assert "over the 30 days before." in page()
    assert "From 31 Jan 2026 to 2 Mar 2026" in page()


def test_what_to_compare_with_is_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    """--compare-to names the earlier instant; --no-compare leaves what moved out."""
    run(capsys, "--compare-to", "2026-01-01T00:00Z")
    assert "From 1 Jan 2026 to 2 Mar 2026" in page()
    run(capsys, "--no-compare")
    assert "What moved" not in page()


def test_a_window_longer_than_the_calendar_has_nothing_before_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Where no earlier instant can be named, nothing is compared."""
    assert main(["report", "--now", "0050-03-02T09:00Z", "--window", "36525"]) == 0
    capsys.readouterr()
    assert "What moved" not in page()


def test_writes_the_tables_as_csv(capsys: pytest.CaptureFixture[str]) -> None:
    """--csv writes a file for the metrics, the changes and each table."""
    out = run(capsys, "--csv", "tables")
    files = sorted(each.name for each in Path("tables").iterdir())
    assert out.endswith(f"written to report.html\nand {len(files)} tables to tables\n")
    assert {"metrics.csv", "changes.csv", "funnel.csv", "retention.csv"} < set(files)
    with Path("tables", "metrics.csv").open(encoding="utf-8-sig", newline="") as file:
        assert next(csv.DictReader(file))["value"] == "2.0"


def test_segments_of_a_file_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """--segments counts a host's own; those of other definitions stay as they stand."""
    own = Segment("in-germany", field.country == "DE")
    Path("own.json").write_text(_document(own), encoding="utf-8")
    with SQLStore("sqlite:///talent.db") as store:
        CRM(store, segments=[own]).advance(now=NOW)
    run(capsys, "--segments", "own.json")
    assert '<th scope="row">in-germany</th><td class="n">2</td>' in page()


def _document(*segments: Segment) -> str:
    from crmkit.codec import dumps

    return dumps(Segmenter(segments))


def test_without_scipy_there_is_a_page(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the intervals are missing, and the page says how to get them."""
    for name in ("scipy", "scipy.stats"):
        monkeypatch.setitem(sys.modules, name, None)
    run(capsys, "--csv", "tables")
    assert "crmkit[stats]" in page()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--window", "0"], "--window: expected a whole number from 1, got '0'"),
        (["--window", "99999999999"], "--window: expected at most 36,525 days"),
        (["--compare-to", "2026-03-02T09:00Z"], "--compare-to: expected an instant before"),
        (["--compare-to", "2026-01-01T09:00"], "--compare-to: '2026-01-01T09:00' has no time zone"),
        (["--compare-to", "soon"], "--compare-to: "),
        (["--compare-to", NOW, "--no-compare"], "not allowed with argument"),
        (["--csv", "talent.db"], "talent.db: cannot be made: File exists"),
        (["--segments", "none.json"], "none.json: No such file"),
    ],
)
def test_bad_options_are_told(
    capsys: pytest.CaptureFixture[str], arguments: list[str], problem: str
) -> None:
    """Each takes one line that names the option, and no page is written."""
    assert problem in refused(capsys, *arguments)


def test_long_work_shows_how_far_it_has_come(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Measuring, what was before, and the intervals each have a bar."""
    bars: list[str] = []

    class Bar(command.Bar):  # type: ignore[name-defined,misc]
        def __init__(self, what: str) -> None:
            bars.append(what)
            super().__init__(what)

    monkeypatch.setattr(command, "Bar", Bar)
    run(capsys)
    assert bars == ["measuring", "measuring what was before", "intervals"]
