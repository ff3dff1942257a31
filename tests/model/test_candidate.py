import copy
import pickle
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import given

from crmkit.errors import InvalidRecord, UnknownName
from crmkit.model import Candidate, Employment, Interest, Seniority, Source, identity_keys
from crmkit.testing import strategies

FAULTS = {
    "id": ["", " ", None, 7, "a\nb"],
    "name": [7, "a\0b", "\ud800"],
    "emails": ["ada@example.org", [7], ["ada"], ["a@b", "a b@c"]],
    "phones": ["555", [""], [5550100]],
    "links": ["https://example.org", [None]],
    "company": [7, "a\r\nb"],
    "title": [["x"]],
    "function": [7],
    "seniority": ["seniour", 3],
    "years_experience": [-1, "five", float("inf"), True],
    "skills": ["python", [7], [""]],
    "topics": ["python", [None]],
    "summary": [7],
    "employments": ["x", [{}], ({"company": "x"},), 7],
    "country": ["Germany", "D1", 49],
    "region": [7],
    "city": [7],
    "timezone": ["Nowhere/City", 1],
    "language": [7],
    "salary": [-1, "100k", 10**400],
    "source": ["linkedin", 7],
    "interest": ["maybe", 7],
    "interested_from": ["soon", "2026-03-02T09:00", date(2026, 3, 2)],
    "preferred_channel": ["pigeon", 7],
    "owner": [7],
    "do_not_contact": [None, 1, "no"],
    "erased": [None, 0],
    "external_ids": [["ats"], {"ats": 7}, {7: "ats"}],
    "aliases": ["old", [""]],
    "custom": [[], {7: 1}, {"a": object()}, {"at": datetime.fromisoformat("2026-03-02")}],
}


def test_every_field_has_its_faults():
    """A field added to the record has its faults in the table above."""
    assert set(FAULTS) == {field.name for field in attrs.fields(Candidate)}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in FAULTS.items() for value in values]
)
def test_a_faulty_field_is_refused_by_name(name, value):
    """Each fault is an InvalidRecord whose path begins with the field."""
    with pytest.raises(InvalidRecord) as caught:
        Candidate(**({"id": "ada"} | {name: value}))
    path = caught.value.path
    assert path == name or path.startswith((f"{name}.", f"{name}["))


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"emails": ["a@b", "c"]}, "emails[1]"),
        ({"custom": {"visa": {"until": [1, object()]}}}, "custom.visa.until[1]"),
        ({"external_ids": {"my ats": 7}}, "external_ids['my ats']"),
        ({"employments": [Employment(company="x"), None]}, "employments[1]"),
    ],
)
def test_paths_lead_to_the_fault(options, path):
    """Inside lists and maps the path goes on to the item."""
    with pytest.raises(InvalidRecord) as caught:
        Candidate(id="ada", **options)
    assert path == caught.value.path


def test_only_the_id_is_needed():
    """Everything else may be unknown, and is then None, False or empty."""
    ada = Candidate(id="ada")
    rest = [getattr(ada, field.name) for field in attrs.fields(Candidate) if field.name != "id"]
    assert not any(rest)


def test_what_people_type_is_converted():
    """Texts become members, zones, instants; lists become tuples."""
    ada = Candidate(
        id=" ada ",
        seniority="senior",
        source="sourced",
        interest="later",
        interested_from="2026-09-01T00:00+02:00",
        timezone="Europe/London",
        skills=["Python", "ML", "python"],
        years_experience=7,
    )
    assert ada.id == "ada"
    assert (
        ada.seniority,
        ada.source,
        ada.interest,
    ) == (Seniority.SENIOR, Source.SOURCED, Interest.LATER)
    assert datetime(2026, 8, 31, 22, tzinfo=UTC) == ada.interested_from
    assert ZoneInfo("Europe/London") == ada.timezone
    assert (ada.skills, ada.years_experience) == (("python", "ml"), 7.0)


@given(strategies.candidates())
def test_candidates_survive_pickle_and_copy(candidate):
    """A candidate comes back equal, with its hash, and usable as a key."""
    for again in (
        pickle.loads(pickle.dumps(candidate)),
        copy.copy(candidate),
        copy.deepcopy(candidate),
        attrs.evolve(candidate),
    ):
        assert candidate == again
        assert len({candidate, again}) == 1


@given(strategies.candidates())
def test_reprs_show_the_id_alone(candidate):
    """Neither a name nor an address nor any other value stands in the repr."""
    assert f"Candidate(id={candidate.id!r})" == repr(candidate)
    assert Candidate(id=candidate.id) == eval(repr(candidate))


def test_candidates_cannot_be_changed():
    """The record is frozen; a changed one is a new one."""
    ada = Candidate(id="ada", custom={"a": 1})
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        ada.name = "Ada"
    assert attrs.evolve(ada, name="Ada").name == "Ada"
    assert ada.name == ""


@given(strategies.candidates())
def test_ids_include_those_of_merged_records(candidate):
    """The person's own id comes first, then those of the records merged into it."""
    assert (candidate.id, *candidate.aliases) == candidate.ids


@given(strategies.candidates())
def test_identity_keys_are_stable(candidate):
    """One key for each address, external id and id; a copy has the same."""
    keys = identity_keys(candidate)
    assert keys == identity_keys(attrs.evolve(candidate))
    assert {f"id:{key}" for key in candidate.ids} == {key for key in keys if key[:3] == "id:"}
    assert len(candidate.external_ids) == sum(key.startswith("external:") for key in keys)


def test_addresses_match_without_case():
    """Two spellings of one address make one person."""
    one = Candidate(id="a", emails=["Ada.Byron@Example.org"])
    other = Candidate(id="b", emails=["ada.byron@example.ORG"])
    assert {"email:ada.byron@example.org"} == identity_keys(one) & identity_keys(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"emails": ["strasse@x.org"]}, {"emails": ["straße@x.org"]}),
        ({"external_ids": {"a:b": "c"}}, {"external_ids": {"a": "b:c"}}),
        ({"external_ids": {"a%3Ab": "c"}}, {"external_ids": {"a:b": "c"}}),
        ({"external_ids": {"ats": "7"}}, {"external_ids": {"lever": "7"}}),
        ({"external_ids": {"ats": "Ab"}}, {"external_ids": {"ats": "aB"}}),
    ],
)
def test_different_people_share_no_key(one, other):
    """What only looks alike must never merge two people."""
    keys = identity_keys(Candidate(id="a", **one)) & identity_keys(Candidate(id="b", **other))
    assert frozenset() == keys


@given(strategies.employments())
def test_jobs_survive_pickle(job):
    """A job comes back equal, and can be a key."""
    assert {job} == {pickle.loads(pickle.dumps(job))}


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"company": ""}, "company"),
        ({"company": "x", "title": 7}, "title"),
        ({"company": "x", "since": "2026-13-01"}, "since"),
        ({"company": "x", "until": 7}, "until"),
        ({"company": "x", "since": "2026-01-02", "until": "2026-01-01"}, "until"),
    ],
)
def test_faulty_jobs_are_refused(options, path):
    """A job has a company and does not end before it began."""
    with pytest.raises(InvalidRecord) as caught:
        Employment(**options)
    assert path == caught.value.path


def test_a_job_of_one_day_is_one():
    """Begin and end on one day are possible."""
    day = date(2026, 1, 1)
    assert day == Employment(company="x", since=day, until="2026-01-01").until


def test_an_unknown_name_suggests_a_near_one():
    """A slip in a vocabulary is answered with the word that was meant."""
    with pytest.raises(UnknownName, match="did you mean 'referral'"):
        Candidate(id="ada", source="referal")
