"""The mapping from columns to fields: as records and as TOML."""

import pytest

from crmkit.errors import InvalidRecord, SourceError
from crmkit.model import FrozenMap
from crmkit.sources.csv import Column, CSVMapping, Fact


def _fault(tmp_path, text):
    path = tmp_path / "mapping.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError) as caught:
        CSVMapping.from_toml(path)
    assert caught.value.file == str(path)
    return caught.value


def test_toml_and_python_make_equal_mappings(tmp_path):
    """A TOML file and the records written in Python are two spellings of one mapping."""
    path = tmp_path / "mapping.toml"
    path.write_text(
        """
        delimiter = ";"
        missing = ["", "-"]
        [captured]
        kind = "attended"
        at = { column = "Scanned", format = "%d.%m.%Y", timezone = "Europe/Berlin" }
        properties.hall = "Hall"
        [fields]
        id = { column = "No", prefix = "fair-" }
        custom.visa = "Visa"
        external_ids.ats = "ATS"
        [fields.seniority]
        column = "Years"
        bands = [[0, "junior"], [5, "senior"]]
        [[facts]]
        kind = "messaged"
        at = "Written"
        channel = { constant = "email" }
        """,
        encoding="utf-8",
    )
    expected = CSVMapping(
        delimiter=";",
        missing=["", "-"],
        fields={
            "id": Column("No", prefix="fair-"),
            "custom.visa": "Visa",
            "external_ids.ats": Column("ATS"),
            "seniority": Column("Years", bands=[(0, "junior"), (5, "senior")]),
        },
        captured=Fact(
            kind="attended",
            fields={
                "at": Column("Scanned", format="%d.%m.%Y", timezone="Europe/Berlin"),
                "properties.hall": "Hall",
            },
        ),
        facts=[
            Fact(kind="messaged", fields={"at": "Written", "channel": Column(constant="email")})
        ],
    )
    assert CSVMapping.from_toml(path) == expected
    assert expected.columns == ("No", "Visa", "ATS", "Years", "Scanned", "Hall", "Written")


@pytest.mark.parametrize(
    ("text", "path", "problem"),
    [
        ("fileds = {}", "fileds", "'fileds' is not a key here; did you mean 'fields'?"),
        ("fields = 3", "fields", "expected a table, got int"),
        ('missing = "NA"\nfields.id = "No"', "missing", "expected a list of texts, got str"),
        ('delimiter = "||"\nfields.id = "No"', "delimiter", "expected one character, got '||'"),
        ("[fields]", "fields.id", "every person needs an id: say which column holds it"),
        (
            '[fields]\nid = "No"\ncompny = "Firm"',
            "fields.compny",
            "'compny' is not a field to fill; did you mean 'company'?",
        ),
        (
            '[fields]\nid = "No"\nskills = { column = "S", seperator = ";" }',
            "fields.skills.seperator",
            "'seperator' is not a key here; did you mean 'separator'?",
        ),
        (
            '[fields]\nid = "No"\nskills = { column = "S", bands = [[0, "a"]] }',
            "fields.skills.bands",
            "a list has no bands",
        ),
        (
            '[fields]\nid = "No"\nsource = { constant = "evnt" }',
            "fields.source.constant",
            "'evnt' is not a source; did you mean 'event'?",
        ),
        (
            '[fields]\nid = "No"\ninterest = { column = "J", values = { yes = "actve" } }',
            "fields.interest.values['yes']",
            "'actve' is not an interest; did you mean 'active'?",
        ),
        (
            '[fields]\nid = "No"\nseniority = { column = "Y", bands = [[0, "juniorr"]] }',
            "fields.seniority.bands[0]",
            "'juniorr' is not a seniority; did you mean 'junior'?",
        ),
        (
            '[fields]\nid = "No"\nseniority = { column = "Y", bands = [[5, "mid"], [5, "lead"]] }',
            "fields.seniority.bands[1][0]",
            "5 is not above 5",
        ),
        (
            '[fields]\nid = "No"\nseniority = { column = "Y", bands = [["5", "mid"]] }',
            "fields.seniority.bands[0][0]",
            "expected a number, got '5'",
        ),
        (
            '[fields]\nid = "No"\nseniority = { column = "Y", bands = "mid" }',
            "fields.seniority.bands[0]",
            "expected a pair: least number, value",
        ),
        (
            '[fields]\nid = { column = "No", constant = "x" }',
            "fields.id.column",
            "expected either a column or a constant",
        ),
        ('[fields]\nid = { column = "No", first = true }', "fields.id.first", "taking the first"),
        ('[fields]\nid = { column = "No", otherwise = "x" }', "fields.id.otherwise", "without"),
        ('[fields]\nid = { column = "No", timezone = "Mars" }', "fields.id.timezone", "IANA"),
        ('[fields]\nid = { column = "No", type = "nmber" }', "fields.id.type", "'number'"),
        ('[fields]\nid = { column = "No", values = 3 }', "fields.id.values", "expected a table"),
        ("[fields]\nid = 3", "fields.id", "expected a table, got int"),
        ('captured = 3\nfields.id = "No"', "captured", "expected a table, got int"),
        ('captured = {}\nfields.id = "No"', "captured.at", "every fact needs its instant"),
        ('fields.id = "No"\n[[facts]]\nat = "A"', "facts[0].kind", "expected an interaction kind"),
        (
            'captured = { kind = "atended", at = "A" }\nfields.id = "No"',
            "captured.kind",
            "did you mean 'attended'?",
        ),
        (
            'captured = { kind = "attended" }\nfields.id = "No"',
            "captured.at",
            "every fact needs its instant: say which column holds it",
        ),
        (
            'captured = { kind = "attended", at = "A", chanel = "B" }\nfields.id = "No"',
            "captured.chanel",
            "did you mean 'channel'?",
        ),
        (
            'captured = { kind = "met", at = { constant = 2026-03-02 } }\nfields.id = "No"',
            "captured.at.constant",
            "expected a datetime, got date",
        ),
        (
            'captured = { kind = "met", at = { constant = 2026-03-02T09:00:00 } }\nfields.id = "N"',
            "captured.at.constant",
            "has no time zone",
        ),
        ('facts = 3\nfields.id = "No"', "facts", "expected a list of facts, got int"),
        ('fields.id = "No"\n[[facts]]\nkind = "met"', "facts[0].at", "every fact needs"),
    ],
)
def test_a_faulty_mapping_names_the_path(tmp_path, text, path, problem):
    """Each fault in a TOML mapping is a SourceError with its path and what to do."""
    error = _fault(tmp_path, text)
    assert error.path == path
    assert problem in error.problem


def test_broken_toml_is_a_source_error(tmp_path):
    """A file that is no TOML says where it stops being it."""
    assert "is not TOML" in _fault(tmp_path, "[fields\n").problem
    assert "line 1" in _fault(tmp_path, "[fields\n").problem


def test_a_key_that_is_missing_is_a_source_error(tmp_path):
    """A mapping without fields says so, and not by a TypeError."""
    assert "fields" in _fault(tmp_path, 'missing = [""]').problem


def test_python_mappings_are_checked_too():
    """Records made in Python raise InvalidRecord with the same paths."""
    with pytest.raises(InvalidRecord, match=r"facts\[0\]: expected a fact, got nothing"):
        CSVMapping(fields={"id": "No"}, facts=[None])
    with pytest.raises(InvalidRecord, match=r"'custom.' is not a field to fill"):
        CSVMapping(fields={"id": "No", "custom.": "X"})
    with pytest.raises(InvalidRecord, match=r"fields\.at\.constant"):
        Fact(kind="met", fields={"at": Column(constant=3)})


def test_reprs_are_short():
    """A mapping and its columns show what they fill and from where."""
    assert repr(Column(["First", "Last"])) == "Column(['First', 'Last'])"
    assert repr(Column(constant="event")) == "Column(constant='event')"
    assert repr(CSVMapping(fields={"id": "No", "name": "Name"})) == "<CSVMapping: id, name>"
    assert Column("A").values == FrozenMap()


def test_the_fact_that_they_came_in_is_a_capture(tmp_path):
    """A mapping need not say what it is called."""
    path = tmp_path / "mapping.toml"
    path.write_text('fields.id = "No"\n[captured]\nat = "Seen"\n')
    captured = CSVMapping.from_toml(path).captured
    assert captured is not None
    assert captured.kind == "captured"
