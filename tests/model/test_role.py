import copy
import pickle

import attrs
import pytest
from hypothesis import given

from crmkit.errors import InvalidRecord
from crmkit.model import Role
from crmkit.testing import strategies

FAULTS = {
    "id": ["", None],
    "title": ["", 7],
    "skills": ["go", [7]],
    "nice_to_have": ["go", [None]],
    "function": [7],
    "seniority": ["boss"],
    "country": ["Germany"],
    "region": [7],
    "city": [7],
    "remote": ["yes", None],
    "opened_at": ["soon"],
    "closed_at": ["2026-01-01T00:00"],
    "custom": [[], {"a": object()}],
}


def test_every_field_has_its_faults():
    """A field added to the record has its faults in the table above."""
    assert set(FAULTS) == {field.name for field in attrs.fields(Role)}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in FAULTS.items() for value in values]
)
def test_a_faulty_field_is_refused_by_name(name, value):
    """Each fault is an InvalidRecord whose path begins with the field."""
    with pytest.raises(InvalidRecord) as caught:
        Role(**({"id": "be-1", "title": "Engineer"} | {name: value}))
    assert caught.value.path.split(".")[0].split("[")[0] == name


@given(strategies.roles())
def test_roles_survive_pickle_and_copy(role):
    """A role comes back equal, with its hash."""
    for again in (pickle.loads(pickle.dumps(role)), copy.copy(role), copy.deepcopy(role)):
        assert again == role
        assert len({again, role}) == 1


def test_a_role_does_not_close_before_it_opens():
    """Closed at the instant it opened is possible, earlier is not."""
    at = "2026-03-02T09:00Z"
    assert Role(id="r", title="t", opened_at=at, closed_at=at).closed_at
    with pytest.raises(InvalidRecord, match="closed_at: a role cannot close before it opens"):
        Role(id="r", title="t", opened_at=at, closed_at="2026-03-02T08:59:59Z")
