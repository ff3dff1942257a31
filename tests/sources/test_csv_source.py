"""Reading people from CSV files, good and bad."""

import csv as stdlib_csv
import io
import zipfile
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.errors import InvalidRecord, NaiveInstant, SourceError
from crmkit.model import Interest, Seniority
from crmkit.sources import _files, csv
from crmkit.sources.csv import Column, CSVMapping, Fact

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
IDS = CSVMapping(fields={"id": "No"})


def _write(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "pool.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


def _people(tmp_path, text, mapping=IDS, **options):
    path = _write(tmp_path, text)
    imported = csv.read(path, mapping, **({"captured_at": AT} | options))
    return [person.candidate for person in imported.relationships]


def _fault(tmp_path, text, mapping=IDS, **options):
    path = _write(tmp_path, text)
    with pytest.raises(SourceError) as caught:
        csv.read(path, mapping, **({"captured_at": AT} | options))
    assert caught.value.file == str(path)
    return caught.value


def _with(**fields):
    return CSVMapping(fields={"id": "No", **fields})


def test_each_row_is_a_relationship(tmp_path):
    """Texts, lists, phrases, numbers, bands, flags, dates and custom fields all arrive."""
    mapping = CSVMapping(
        fields={
            "id": Column("No", prefix="p-"),
            "name": Column(["First", "Last"]),
            "emails": Column(["Mail", "Mail 2"]),
            "skills": Column("Skills", separator=";", missing=["Other"]),
            "interest": Column("Looking", values={"Yes!": "active"}, otherwise="open"),
            "years_experience": Column("Years", values={"Less than 1 year": 0.5}),
            "seniority": Column(
                "Years", values={"Less than 1 year": 0.5}, bands=[(0, "junior"), (5, "senior")]
            ),
            "salary": "Pay",
            "do_not_contact": "Stop",
            "interested_from": Column("From", format="%d.%m.%Y", timezone="Europe/Berlin"),
            "source": Column(constant="event"),
            "custom.rating": Column("Rating", type="number"),
            "custom.tools": Column("Tools", separator=","),
            "custom.since": Column("Since", type="instant"),
            "external_ids.ats": "ATS",
        },
        captured=Fact(
            kind="attended",
            fields={
                "at": Column("Scanned", timezone="Europe/Berlin"),
                "channel": Column(constant="in_person"),
                "properties.hall": "Hall",
            },
        ),
        facts=[
            Fact(
                kind="messaged",
                fields={"at": Column("Written"), "outcome": "Said", "role_id": "Role"},
            )
        ],
    )
    path = _write(
        tmp_path,
        "No,First,Last,Mail,Mail 2,Skills,Looking,Years,Pay,Stop,From,Rating,Tools,Since,ATS,"
        "Scanned,Hall,Written,Said,Role,Ignored\n"
        "1,Ada,Byron,a@x.org,b@x.org,Python;Other;Go,Yes!,Less than 1 year,1e+05,no,01.07.2026,"
        '4.5,"vim,make",2026-01-01T00:00Z,77,2026-03-02,B,2026-03-03T09:00Z,later,r-1,=1+1\n'
        "2,,,,,NA,Perhaps,12,,yes,,,vim,,,2026-07-02 10:00,,,,,\n",
    )
    ada, other = csv.read(path, mapping).relationships
    person = ada.candidate
    assert (person.id, person.name, person.emails) == ("p-1", "Ada Byron", ("a@x.org", "b@x.org"))
    assert person.skills == ("python", "go")
    assert (person.interest, person.years_experience) == (Interest.ACTIVE, 0.5)
    assert (person.seniority, person.salary) == (Seniority.JUNIOR, 100_000.0)
    assert person.interested_from == datetime(2026, 6, 30, 22, tzinfo=UTC)
    assert person.custom == {
        "rating": 4.5,
        "tools": ("vim", "make"),
        "since": datetime(2026, 1, 1, tzinfo=UTC),
    }
    assert person.external_ids == {"ats": "77"}
    attended, messaged = ada.history
    assert (attended.kind, attended.at) == ("attended", datetime(2026, 3, 1, 23, tzinfo=UTC))
    assert (attended.channel, attended.properties) == ("in_person", {"hall": "B"})
    assert (messaged.outcome, messaged.role_id) == ("later", "r-1")
    assert (other.candidate.interest, other.candidate.seniority) == ("open", "senior")
    assert (other.candidate.do_not_contact, other.candidate.name) == (True, "")
    assert other.candidate.custom == {"tools": ("vim",)}
    assert [fact.kind for fact in other.history] == ["attended"]


def test_captured_at_stands_in_for_the_mapping(tmp_path):
    """The caller's instant replaces the mapping's, and needs no capture in the mapping at all."""
    captured = Fact(kind="sourced", fields={"at": Column(constant="2020-01-01T00:00Z")})
    mapping = CSVMapping(fields={"id": "No"}, captured=captured)
    path = _write(tmp_path, "No\n1\n")

    def fact(mapping, **options):
        (person,) = csv.read(path, mapping, **options).relationships
        (found,) = person.history
        return found.kind, found.at

    assert fact(mapping) == ("sourced", datetime(2020, 1, 1, tzinfo=UTC))
    assert fact(mapping, captured_at=AT) == ("sourced", AT)
    assert fact(IDS, captured_at=AT) == ("captured", AT)
    with pytest.raises(SourceError, match="nobody says when these people were captured"):
        csv.read(path, IDS)
    with pytest.raises(NaiveInstant, match="captured_at"):
        csv.read(path, IDS, captured_at=datetime(2026, 3, 2))  # noqa: DTZ001
    column = Fact(kind="sourced", fields={"at": "No"})
    replaced = CSVMapping(fields={"id": "No"}, captured=column)
    assert fact(replaced, captured_at=AT) == ("sourced", AT)


@pytest.mark.parametrize(
    ("text", "row", "column", "problem"),
    [
        (b"", None, None, "is empty; expected a header and rows"),
        ("No\n", None, None, "has a header, but no rows"),
        ("No,A\n\n,\n", None, None, "has a header, but no rows"),
        ("\nNo\n1\n", 1, None, "expected a header, got a blank row"),
        ("Nr\n1\n", 1, "No", "has no column 'No' (known: 'Nr')"),
        ("No;Name\n1;x\n", 1, None, "separated by ';': say delimiter = ';'"),
        ("No,Name,Name\n1,x,y\n", 1, "Name", "the column is there twice"),
        ("No,A,A,B,B\n1,x,y,z,z\n", 1, "A, B", "2 column names are there twice"),
        ("No\n1\n1\n", 3, "No", "'1' is a duplicate: it is there already, at row 2"),
        ("No,A\n1,x\n2\n", 3, None, "too few cells: expected 2, got 1"),
        ("No,A\n1,x,y\n", 2, None, "too many cells: expected 2, got 3"),
        ('No,A\n1,x\n2,"open\n3,y\n', 3, None, "a quote opens here and never closes"),
        ('No,A\n1,x\n2,"a"b\n3,y\n', 3, None, "the quotes are not balanced"),
        ('No,"A"x\n1,x\n', 1, None, "the quotes are not balanced"),
        ("No,A\n1,x\n2,a\0b\n", 3, None, "holds a NUL character"),
        ("No,A\n1,x\n , \n,y\n", 4, "No", "expected the person's id, got nothing"),
        (b"No\n1\n\xff\n", 3, None, "byte 5 is not UTF-8 text"),
        ("No\n1\nAda \xe9\n".encode("latin-1"), 3, None, "pass it, for example encoding='cp1252'"),
        ("No\n1\n".encode("utf-16"), 1, None, "encoding='utf-16'"),
        (b"No\n1\nx\xc3", 3, None, "byte 6 is not UTF-8 text"),
    ],
)
def test_a_faulty_file_says_where(tmp_path, text, row, column, problem):
    """Each kind of broken file ends in one error with row and column."""
    error = _fault(tmp_path, text)
    assert (error.row, error.column) == (row, column)
    assert problem in error.problem


@pytest.mark.parametrize(
    ("fields", "cell", "problem"),
    [
        ({"name": "X"}, "=1+1", "begins with '=', which a spreadsheet may run as a formula"),
        ({"name": "X"}, " =1+1", "begins with '='"),
        ({"name": "X"}, "\xa0=1+1", "begins with '='"),
        ({"name": "X"}, "@SUM(A1)", "begins with '@'"),
        ({"name": "X"}, "\tx", "begins with a tab"),
        ({"name": "X"}, '"\rx"', "begins with a carriage return"),
        ({"name": "X"}, "+cmd", "begins with '+'"),
        ({"name": "X"}, "-2+3+cmd|' /C calc'!A0", "begins with '-'"),
        ({"name": "X"}, "\uff1d1+1", "begins with '\uff1d'"),
        ({"skills": Column("X", separator=";")}, "go;=1", "begins with '='"),
        ({"custom.note": "X"}, "=1", "begins with '='"),
        ({"interest": "X"}, "actve", "'actve' is not an interest; did you mean 'active'?"),
        (
            {"interest": Column("X", values={"Yes": "active"})},
            "Yess",
            "'Yess' is not in the mapping's values; did you mean 'Yes'?",
        ),
        ({"country": "X"}, "Germany", "expected a two-letter ISO 3166-1 code"),
        ({"emails": "X"}, "nobody", "expected an e-mail address like name@host"),
        ({"salary": "X"}, '"52,000"', "expected a number such as 52000 or 1.5, got '52,000'"),
        ({"salary": "X"}, "nan", "expected a number"),
        ({"salary": "X"}, "-3", "expected a finite number from 0"),
        ({"do_not_contact": "X"}, "maybe", "expected yes or no, got 'maybe'"),
        ({"interested_from": "X"}, "2026-13-01", "expected a date such as 2026-03-02"),
        ({"interested_from": "X"}, "2026-03-01", "has no time zone; say which in the mapping"),
        (
            {"interested_from": Column("X", format="%d.%m.%Y", timezone="UTC")},
            "03/04/2026",
            "expected a date written as %d.%m.%Y, got '03/04/2026'",
        ),
        (
            {"seniority": Column("X", bands=[(1, "junior")])},
            "0.5",
            "0.5 is below the first band, which begins at 1",
        ),
        ({"interest": Column("X", separator=";")}, "active;open", "'active open' is not"),
        ({"salary": Column("X", separator=";")}, "1;2", "expected one value, got 2"),
        ({"timezone": "X"}, "Mars/Base", "is not an IANA time zone"),
        ({"external_ids.ats": "X"}, "a\x07b", "without control characters"),
    ],
)
def test_a_faulty_cell_names_row_and_column(tmp_path, fields, cell, problem):
    """A cell that cannot be what the field needs is refused with its row and column."""
    error = _fault(tmp_path, f"No,X\n1,\n2,{cell}\n", _with(**fields))
    assert (error.row, error.column) == (3, "X")
    assert problem in error.problem


@pytest.mark.parametrize("cell", ["+49 30 1234", "-5", "+1 (555) 010-0100 ext. 7", "a=b", "C++"])
def test_signed_numbers_and_phones_are_no_formulas(tmp_path, cell):
    """A sign before a number or a phone is data, and kept as it is."""
    (person,) = _people(tmp_path, f"No,X\n1,{cell}\n", _with(phones="X"))
    assert person.phones == (cell,)


def test_phrases_and_bands_have_an_otherwise(tmp_path):
    """Unknown phrases become the stated value, for numbers too; a blank one is unknown."""
    mapping = _with(
        interest=Column("X", values={"a": "active"}, otherwise=""),
        years_experience=Column("X", values={"few": 2}, otherwise=7),
        seniority=Column("X", values={"few": 2}, bands=[(0, "junior")], otherwise="lead"),
    )
    few, many = _people(tmp_path, "No,X\n1,few\n2,many\n", mapping)
    assert (few.interest, few.years_experience, few.seniority) == (None, 2, "junior")
    assert (many.interest, many.years_experience, many.seniority) == (None, 7, "lead")


def test_the_first_entry_goes_by_the_order_of_the_values(tmp_path):
    """Of several entries the one that the mapping names first counts, and none is passed over."""
    plain = _with(function=Column("X", separator=";", first=True))
    ranked = _with(
        function=Column("X", separator=";", first=True, values={"coder": "eng", "art": "design"})
    )
    text = "No,X\n1,art;coder\n2,\n"
    assert [person.function for person in _people(tmp_path, text, plain)] == ["art", None]
    assert [person.function for person in _people(tmp_path, text, ranked)] == ["eng", None]
    error = _fault(tmp_path, "No,X\n1,coder;cook\n", ranked)
    assert "'cook' is not in the mapping's values" in error.problem


def test_collect_keeps_the_good_rows(tmp_path):
    """Faulty rows come back with row, column, reason and cells; the others are imported."""
    path = _write(tmp_path, 'No,X\n1,active\n2,"a"b\n3,actve\n1,open\n4,open,5\n6,open\n')
    imported = csv.read(path, _with(interest="X"), captured_at=AT, on_error="collect")
    assert [person.id for person in imported.relationships] == ["1", "6"]
    assert [(bad.row, bad.column, bad.raw) for bad in imported.rejected] == [
        (3, None, ('2,"a"b',)),
        (4, "X", ("3", "actve")),
        (5, "No", ("1", "open")),
        (6, None, ("4", "open", "5")),
    ]
    assert repr(imported) == "<Imported: 2 relationships, 4 rejected>"
    assert imported.columns == ("No", "X")


def test_faults_of_facts_name_their_column(tmp_path):
    """A missing capture date, a broken date and a wrong channel are told by their columns."""
    mapping = CSVMapping(
        fields={"id": "No"},
        captured=Fact(kind="met", fields={"at": "At", "channel": "Where"}),
        facts=[Fact(kind="messaged", fields={"at": "Then"})],
    )
    good = "2026-03-02T09:00Z"
    head = "No,At,Where,Then\n"
    faults = [
        (f"{head}1,,,\n", "At", "no date: when were they captured?"),
        (f"{head}1,{good},emial,\n", "Where", "did you mean 'email'?"),
        (f"{head}1,{good},,soon\n", "Then", "expected a date"),
    ]
    for text, column, problem in faults:
        error = _fault(tmp_path, text, mapping, captured_at=None)
        assert (error.row, error.column) == (2, column)
        assert problem in error.problem


def test_several_columns_can_be_missing(tmp_path):
    """All absent columns are told at once, each with the nearest that is there."""
    mapping = _with(country="Country", company="Company")
    error = _fault(tmp_path, "No,Contry,Firm\n1,DE,x\n", mapping)
    assert error.column == "Country, Company"
    assert "did you mean 'Contry'?" in error.problem


def test_encodings_marks_and_line_ends(tmp_path):
    """A byte-order mark, CR and CRLF line ends and a stated encoding are all read."""
    names = _with(name="Name")
    texts = {
        "utf-8-sig": ("No,Name\r\n1,Zoë\r\n", None),
        "utf-8": ("No,Name\r1,Zoë\r", "UTF8"),
        "utf-16": ("No,Name\n1,Zoë", "utf-16"),
        "cp1252": ("No,Name\n1,Zoë\n", "cp1252"),
    }
    for encoding, (text, stated) in texts.items():
        path = _write(tmp_path, text, encoding)
        imported = csv.read(path, names, encoding=stated, captured_at=AT)
        assert [person.candidate.name for person in imported.relationships] == ["Zoë"]
    for unknown in ("utf-9", "base64", "undefined"):
        with pytest.raises(SourceError, match="is not a text encoding"):
            csv.read(path, names, encoding=unknown, captured_at=AT)


def test_blank_rows_and_line_breaks_count_as_a_spreadsheet_counts(tmp_path):
    """A blank row has a number, a row with a line break in a cell has one."""
    text = 'No,Note,X\n1,"two\nlines",\n\n2,,actve\n'
    error = _fault(tmp_path, text, _with(interest="X"))
    assert error.row == 4


def test_files_that_cannot_be_opened(tmp_path):
    """No such file, a directory, and a name that is none are SourceErrors."""
    with pytest.raises(SourceError, match="there is no such file"):
        csv.read(tmp_path / "none.csv", IDS, captured_at=AT)
    with pytest.raises(SourceError, match="is a directory, not a file"):
        csv.read(tmp_path, IDS, captured_at=AT)
    with pytest.raises(SourceError, match="is no file name"):
        csv.read("a\0b", IDS, captured_at=AT)
    with pytest.raises(SourceError, match="cannot be read"):
        csv.read(_write(tmp_path, "x") / "y", IDS, captured_at=AT)


def test_files_inside_archives_are_read(tmp_path):
    """Whatever opens like a path is a file, whose size may be unknown."""
    archive = tmp_path / "pool.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("pool.csv", "No\n1\n")
    calls = []
    with zipfile.ZipFile(archive) as packed:
        imported = csv.read(
            zipfile.Path(packed, "pool.csv"),
            IDS,
            captured_at=AT,
            progress=lambda done, total: calls.append((done, total)),
        )
    assert [person.id for person in imported.relationships] == ["1"]
    assert calls[-1] == (5, None)


def test_on_error_is_raise_or_collect(tmp_path):
    """Another word for what to do with faults is refused before the file is opened."""
    with pytest.raises(InvalidRecord, match="expected 'raise' or 'collect', got 'skip'"):
        csv.read(tmp_path / "none.csv", IDS, captured_at=AT, on_error="skip")


def test_large_files_report_progress(tmp_path):
    """Progress tells the bytes read and the bytes there are, and ends with all of them."""
    text = "No,Pad\n" + "".join(f"{number},{'x' * 100}\n" for number in range(2_000))
    calls = []
    people = _people(tmp_path, text, progress=lambda done, total: calls.append((done, total)))
    assert len(people) == 2_000
    assert calls[0] == (_files.CHUNK, len(text))
    assert calls[-1] == (len(text), len(text))


def test_a_file_without_line_ends_is_not_read_to_the_end(tmp_path, monkeypatch):
    """A line of absurd length stops the reading, whatever comes after."""
    monkeypatch.setattr(_files, "LONGEST_LINE", 100_000)
    error = _fault(tmp_path, "No\n" + "x," * 200_000)
    assert (error.row, error.problem) == (2, "a line is longer than 100000 characters")
    quoted = _fault(tmp_path, 'No\n1\n"' + "x\n" * 100_000)
    assert (quoted.row, quoted.problem) == (3, "a quote opens here and never closes")


@given(
    cells=st.lists(
        st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff"))
        .map(lambda text: f"x{text}")
        .map(str.strip),
        min_size=1,
        max_size=5,
        unique=True,
    ),
    chunk=st.integers(1, 9),
)
def test_whatever_a_spreadsheet_writes_is_read(tmp_path_factory, cells, chunk):
    """Any text that is quoted by the rules comes back, however the file falls into chunks."""
    out = io.StringIO()
    stdlib_csv.writer(out).writerows([["No"], *([cell] for cell in cells)])
    path = tmp_path_factory.mktemp("any") / "any.csv"
    path.write_bytes(out.getvalue().encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_files, "CHUNK", chunk)
        imported = csv.read(path, IDS, captured_at=AT)
    assert [person.id for person in imported.relationships] == cells
