"""A table: as text, page, rows, and as CSV that no spreadsheet runs."""

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.metrics import Column, Table, impact
from crmkit.metrics._table import Kind, harmless
from crmkit.model import Candidate, Relationship

TABLE = Table(
    name="colours",
    title="Colours <b>",
    columns=(
        Column("name", Kind.TEXT),
        Column("people"),
        Column("rate", Kind.SHARE),
        Column("lasted", Kind.DAYS),
    ),
    rows=(("red", 1200, 0.25, 40.0), ("=blue", 3, None, None), ("pale", 1, 0.0004, 1.5)),
    notes=("A note.",),
)


def test_it_prints_in_columns() -> None:
    """Texts flush left, numbers flush right, a dash for what is not there."""
    assert str(TABLE) == (
        "Colours <b>\n"
        "name   people    rate  lasted\n"
        "-----  ------  ------  ------\n"
        "red     1,200  25.0 %    40.0\n"
        "=blue       3       —       —\n"
        "pale        1  0.04 %     1.5\n"
        "A note."
    )
    assert repr(TABLE) == "<Table colours: 3 rows>"


def test_an_empty_one_says_so() -> None:
    """Not a header over nothing."""
    empty = Table(name="e", title="Nobody", columns=TABLE.columns, rows=())
    assert str(empty) == "Nobody\n  nothing to show"
    assert len(empty) == 0


def test_rows_are_flat_json() -> None:
    """By column name, numbers as numbers."""
    rows = TABLE.to_dicts()
    assert rows == json.loads(json.dumps(rows))
    assert rows[0] == {"name": "red", "people": 1200, "rate": 0.25, "lasted": 40.0}
    assert [row[0] for row in TABLE] == ["red", "=blue", "pale"]


def test_the_page_escapes_and_has_scopes() -> None:
    """Markup in a name stays text."""
    page = TABLE._repr_html_()
    assert "<caption>Colours &lt;b&gt;</caption>" in page
    assert page.count('scope="col"') == 4
    assert page.count('scope="row"') == 3


def test_csv_goes_into_a_file_as_spreadsheets_expect_it(tmp_path: Path) -> None:
    """UTF-8 with its mark, rows ended as RFC 4180 says, a formula defused."""
    path = tmp_path / "colours.csv"
    text = TABLE.to_csv(path)
    assert path.read_bytes() == b"\xef\xbb\xbf" + text.encode()
    assert text.splitlines()[2] == "'=blue,3,,"
    assert text.count("\r\n") == 4


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =1",
        "\uff1d1",
        "\uff0b1",
        "\uff0d1",
        "\uff201",
    ],
)
def test_a_text_that_would_run_gets_an_apostrophe(text: str) -> None:
    """Whatever a spreadsheet would take for a formula."""
    assert harmless(text) == f"'{text}"


@given(st.text())
def test_no_text_begins_a_formula_in_the_file(text: str) -> None:
    """Read back by a CSV reader, no cell begins with what makes a formula."""
    table = Table(name="t", title="t", columns=(Column("c", Kind.TEXT),), rows=((text,),))
    cell = next(reversed(list(csv.reader(io.StringIO(table.to_csv(), newline="")))), [""])
    begin = "".join(cell).lstrip(" ")[:1]
    assert begin not in set("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


@pytest.mark.parametrize("value", [-0.25, 3, None, True])
def test_what_is_no_text_stays_what_it_is(value: object) -> None:
    """A negative number is no formula."""
    assert harmless(value) is value


def test_impact_ratios_go_into_a_file_that_no_spreadsheet_runs(tmp_path: Path) -> None:
    """The names of groups are the host's: a formula among them is defused."""
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    groups = {f"p{number}": {"sex": "=f" if number % 2 else "=m"} for number in range(40)}
    found = impact([Relationship(Candidate(id=key)) for key in groups], groups, now=now)
    text = found.to_csv(tmp_path / "impact.csv")
    assert (tmp_path / "impact.csv").read_bytes() == b"\xef\xbb\xbf" + text.encode()
    assert len(text.splitlines()) == len(found) + 1
    assert ",'=f," in text
    assert ",=f," not in text
    assert not impact([], {}, now=now).to_csv().strip()
