"""What readers return, and writing the rejected rows."""

import csv as stdlib_csv
import json
from datetime import UTC, datetime

import pytest

from crmkit.errors import SourceError
from crmkit.sources import Imported, Rejected, csv, jsonresume, write_rejected

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def _rows(path):
    with path.open(encoding="utf-8", newline="") as lines:
        return list(stdlib_csv.reader(lines))


def test_rejected_rows_are_written_beside(tmp_path):
    """Original columns, row, column and reason; formulas are made harmless; nothing is lost."""
    source = tmp_path / "pool.csv"
    source.write_text("No,=X\n1,ok\n2,=1+1\n3\n4,-a,more\n", encoding="utf-8")
    mapping = csv.CSVMapping(fields={"id": "No", "name": "=X"})
    imported = csv.read(source, mapping, captured_at=AT, on_error="collect")
    target = tmp_path / "rejected.csv"
    assert write_rejected(imported, target) == 3
    formula = "begins with '=', which a spreadsheet may run as a formula; change the cell"
    assert _rows(target) == [
        ["No", "'=X", "row", "column", "reason"],
        ["2", "'=1+1", "3", "'=X", formula],
        ["3", "", "4", "", "too few cells: expected 2, got 1"],
        ["4", "'-a", "5", "", "too many cells: expected 2, got 3", "more"],
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pool.csv", "rejected.csv"]


def test_rejected_documents_are_written_as_json(tmp_path):
    """Documents keep their content, their path and the reason."""
    source = tmp_path / "cv.json"
    source.write_text('{"basics": {"email": 3}}', encoding="utf-8")
    imported = jsonresume.read(source, captured_at=AT, on_error="collect")
    target = tmp_path / "rejected.json"
    assert write_rejected(imported, target) == 1
    assert json.loads(target.read_text(encoding="utf-8")) == [
        {
            "file": str(source),
            "path": "basics.email",
            "reason": "expected text, got int",
            "record": {"basics": {"email": 3}},
        }
    ]


def test_an_unwritable_place_is_a_source_error(tmp_path):
    """Rejected rows that cannot be written say so and leave nothing behind."""
    imported = Imported(relationships=())
    with pytest.raises(SourceError, match="cannot be written: No such file or directory"):
        write_rejected(imported, tmp_path / "none" / "rejected.csv")
    (tmp_path / "taken").mkdir()
    with pytest.raises(SourceError, match="cannot be written: Is a directory"):
        write_rejected(imported, tmp_path / "taken")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_reprs_tell_the_place_and_no_content():
    """A rejected row shows where and why; what was in it stays out."""
    rejected = Rejected(reason="no id", file="pool.csv", row=3, raw=("Ada Byron",))
    assert repr(rejected) == "<Rejected: pool.csv, row 3: no id>"
    assert repr(Imported(relationships=())) == "<Imported: 0 relationships, 0 rejected>"
