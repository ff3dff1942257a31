"""Reading JSON Resume documents."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from crmkit.errors import InvalidRecord, NaiveInstant, SourceError, UnknownName
from crmkit.model import Employment
from crmkit.sources import jsonresume

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
SAMPLE = Path(__file__).parent / "data" / "jsonresume_sample.json"


def _write(tmp_path, document, name="cv.json"):
    path = tmp_path / name
    path.write_text(
        document if isinstance(document, str) else json.dumps(document), encoding="utf-8"
    )
    return path


def _person(tmp_path, document, **options):
    path = _write(tmp_path, document)
    (found,) = jsonresume.read(path, captured_at=AT, **options).relationships
    return found.candidate


def test_the_standard_sample_is_read():
    """The schema's own sample becomes a person with contacts, place, skills and jobs."""
    (found,) = jsonresume.read(SAMPLE, captured_at=AT, source="inbound").relationships
    person = found.candidate
    assert person.name == "Richard Hendriks"
    assert person.emails == ("richard.hendriks@mail.com",)
    assert person.phones == ("(912) 555-4321",)
    assert (person.title, person.company) == ("Programmer", None)
    assert (person.country, person.region, person.city) == ("US", "California", "San Francisco")
    assert person.skills == (
        *("web development", "html", "css", "javascript"),
        *("compression", "mpeg", "mp4", "gif"),
    )
    assert person.links == (
        "http://richardhendricks.example.com",
        "https://www.twitter.com",
        "https://soundcloud.example.com/dandymusicnl",
    )
    assert person.employments == (
        Employment(
            company="Pied Piper",
            title="CEO/President",
            since=date(2013, 12, 1),
            until=date(2014, 12, 1),
        ),
    )
    assert person.source == "inbound"
    (fact,) = found.history
    assert (fact.kind, fact.at) == ("captured", AT)


def test_ids_are_stable_and_say_nothing_about_the_person(tmp_path):
    """The digest of the address, or of the file's name, names the same person every time."""
    with_mail = {"basics": {"email": "Ada@Example.org"}}
    again = {"basics": {"name": "Ada", "email": "ada@example.org"}}
    assert _person(tmp_path, with_mail).id == _person(tmp_path, again).id
    assert _person(tmp_path, with_mail).id.startswith("resume-")
    nameless = _person(tmp_path, {}).id
    assert nameless == _person(tmp_path, {"skills": []}).id != _person(tmp_path, with_mail).id
    assert _person(tmp_path, {}, id="cv-7").id == "cv-7"
    assert _person(tmp_path, {"meta": {"n": 7}}, id=lambda cv: f"cv-{cv['meta']['n']}").id == "cv-7"


def test_partial_dates_are_their_first_day(tmp_path):
    """A year or a month is its first day, and an end never precedes its start because of it."""
    work = [
        {"name": "A", "startDate": "2014", "endDate": "2016-06"},
        {"name": "B", "startDate": "2016-06-29", "endDate": "2016"},
        {"name": "C", "startDate": "2017-06-29", "endDate": "2017-06"},
        {"company": "D", "startDate": "2018-01-01T00:00:00Z", "position": "Lead"},
        {"name": "E", "startDate": "", "position": "Adviser"},
        {"position": "between jobs"},
    ]
    person = _person(tmp_path, {"work": work})
    spans = [(job.company, job.since, job.until) for job in person.employments]
    assert spans == [
        ("A", date(2014, 1, 1), date(2016, 6, 1)),
        ("B", date(2016, 6, 29), date(2016, 6, 29)),
        ("C", date(2017, 6, 29), date(2017, 6, 29)),
        ("D", date(2018, 1, 1), None),
        ("E", None, None),
    ]
    assert (person.company, person.title) == ("D", "Lead")


@pytest.mark.parametrize(
    ("document", "path", "problem"),
    [
        ([], None, "expected an object, got list"),
        ({"basics": []}, "basics", "expected an object, got list"),
        ({"basics": {"name": 3}}, "basics.name", "expected text, got int"),
        ({"basics": {"email": "nobody"}}, "basics.email", "expected an e-mail address"),
        (
            {"basics": {"location": {"countryCode": "USA"}}},
            "basics.location.countryCode",
            "two-letter",
        ),
        ({"basics": {"summary": 3}}, "basics.summary", "expected text, got int"),
        ({"basics": {"profiles": {}}}, "basics.profiles", "expected a list, got dict"),
        ({"skills": [{"keywords": ["go", 3]}]}, "skills[0].keywords[1]", "expected text, got int"),
        (
            {"work": [{"name": "A", "startDate": "June 2014"}]},
            "work[0].startDate",
            "expected a date such as '2026-03-02', got 'June 2014'",
        ),
        (
            {"work": [{"name": "A", "startDate": "2016-01-01", "endDate": "2015-01-01"}]},
            "work[0].until",
            "2015-01-01 is before since, 2016-01-01",
        ),
        ('{"basics": {"name": "Ada"', None, "at line 1, column 26; the file ends too early"),
        ('{"basics": \n oops}', None, "Expecting value at line 2, column 2"),
        ("", None, "is empty; expected a JSON document"),
        ("[" * 100_000, None, "is nested too deeply"),
        ('{"score": NaN}', None, "NaN is not JSON"),
        ('{"basics": {"name": "\\ud800"}}', None, "half a surrogate pair"),
        ('{"n": ' + "9" * 5000 + "}", None, "integer string conversion"),
    ],
)
def test_a_faulty_document_names_the_path(tmp_path, document, path, problem):
    """Each fault is a SourceError with the path in the document, or line and column."""
    file = _write(tmp_path, document)
    with pytest.raises(SourceError) as caught:
        jsonresume.read(file, captured_at=AT)
    assert (caught.value.file, caught.value.path) == (str(file), path)
    assert problem in caught.value.problem


def test_summaries_become_one_line(tmp_path):
    """Line breaks in the summary become spaces, since the record holds one line."""
    document = {"basics": {"summary": "Writes\n  compilers.\n"}, "skills": [{"name": "\\ud83d"}]}
    assert _person(tmp_path, document).summary == "Writes compilers."
    assert _person(tmp_path, '{"basics": {"name": "\\ud83d\\ude00"}}').name == "\U0001f600"


def test_collect_keeps_the_good_documents(tmp_path):
    """Broken and doubled files come back with reasons; progress counts the files."""
    files = [
        _write(tmp_path, {"basics": {"email": "a@x.org"}}, "1.json"),
        _write(tmp_path, '{"basics": ', "2.json"),
        _write(tmp_path, {"basics": {"email": "A@x.org"}}, "3.json"),
    ]
    (tmp_path / "4.json").write_bytes(b"\xff\xfe{")
    files.append(tmp_path / "4.json")
    calls = []
    imported = jsonresume.read(
        files, captured_at=AT, on_error="collect", progress=lambda *step: calls.append(step)
    )
    assert len(imported.relationships) == 1
    reasons = [(Path(bad.file).name, bad.reason) for bad in imported.rejected]
    duplicate = f"'{imported.relationships[0].id}' is a duplicate: it is there already, at "
    assert reasons == [
        ("2.json", "Expecting value at line 1, column 12; the file ends too early"),
        ("3.json", f"{duplicate}{files[0]}"),
        ("4.json", "byte 0 is not UTF-8, which JSON has to be"),
    ]
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_arguments_are_checked_first(tmp_path):
    """One id for two files, a naive instant, an unknown kind or source never touch a file."""
    none = tmp_path / "none.json"
    with pytest.raises(InvalidRecord, match="one id cannot name 2 people"):
        jsonresume.read([none, none], captured_at=AT, id="x")
    with pytest.raises(NaiveInstant):
        jsonresume.read(none, captured_at=datetime(2026, 3, 2))  # noqa: DTZ001
    with pytest.raises(UnknownName, match="'captured'"):
        jsonresume.read(none, captured_at=AT, kind="capturd")
    with pytest.raises(UnknownName, match="'inbound'"):
        jsonresume.read(none, captured_at=AT, source="inbond")
    with pytest.raises(SourceError, match="there is no such file"):
        jsonresume.read(none, captured_at=AT, on_error="collect")
