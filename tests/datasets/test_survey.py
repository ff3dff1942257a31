"""The shipped sample and its mapping."""

import csv as stdlib_csv
from collections import Counter

from crmkit.datasets import survey_csv, survey_mapping
from crmkit.sources.csv import CSVMapping, read


def test_the_whole_sample_is_read():
    """All 700 people come in, with what the survey says about each."""
    imported = read(survey_csv(), CSVMapping.from_toml(survey_mapping()))
    people = [found.candidate for found in imported.relationships]
    assert len(people) == 700
    assert Counter(person.interest for person in people) == {
        "open": 381,
        "not_interested": 173,
        "active": 92,
        None: 54,
    }
    assert Counter(person.seniority for person in people) == {
        "senior": 250,
        "mid": 165,
        "lead": 111,
        "junior": 76,
        None: 98,
    }
    assert sum("python" in person.skills for person in people) == 308
    assert sum(person.country == "DE" for person in people) == 37
    assert not any("other" in skill for person in people for skill in person.skills)
    assert {fact.at.year for found in imported.relationships for fact in found.history} == {2019}


def test_no_protected_trait_reaches_a_candidate():
    """Gender is in the file for checks of fairness, but no field is filled from it; age is not."""
    mapping = CSVMapping.from_toml(survey_mapping())
    with survey_csv().open(encoding="utf-8") as lines:
        header = next(stdlib_csv.reader(lines))
    assert "Gender" in header
    assert "Age" not in header
    assert set(mapping.columns) == set(header) - {"Gender"}


def test_every_value_of_the_sample_has_a_meaning():
    """One row of each kind: the first and an unusual salary."""
    imported = read(survey_csv(), CSVMapping.from_toml(survey_mapping()))
    people = {found.id: found.candidate for found in imported.relationships}
    first = people["so2019-1"]
    assert (first.country, first.interest, first.skills) == (
        "GB",
        None,
        ("html/css", "java", "javascript", "python"),
    )
    assert 100_000.0 in {person.salary for person in people.values()}
    assert {person.function for person in people.values()} >= {"engineering", "data", None}
