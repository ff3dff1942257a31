import copy
import pickle
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.errors import InvalidRecord, NaiveInstant
from crmkit.model import Channel, Interaction, Stage
from crmkit.testing import strategies

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
CHANGES = {
    "candidate_id": "bob",
    "kind": "called",
    "at": AT + timedelta(microseconds=1),
    "channel": "phone",
    "outcome": "positive",
    "automated": False,
    "role_id": "be-1",
    "enrollment_id": "e1",
    "touch": "welcome",
    "rotation": 0,
    "properties": {"url": "https://example.org"},
}
FAULTS = {
    "candidate_id": ["", None, 7],
    "kind": ["repled", "", 7, None],
    "at": ["soon", None, 1],
    "channel": ["pigeon"],
    "outcome": [7, "a\nb"],
    "automated": ["yes", 1],
    "role_id": [7],
    "enrollment_id": [7],
    "touch": [7],
    "rotation": [-1, 1.0, True],
    "properties": [[], {7: 1}, {"a": {1, 2}}],
    "id": ["", 7],
}


def met(**changes):
    return Interaction(**({"candidate_id": "ada", "kind": "met", "at": AT} | changes))


def test_every_field_is_in_the_tables():
    """A field added to the record has a change and its faults in the tables above."""
    names = {field.name for field in attrs.fields(Interaction)}
    assert names == set(FAULTS) == {*CHANGES, "id"}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in FAULTS.items() for value in values]
)
def test_a_faulty_field_is_refused_by_name(name, value):
    """Each fault is an InvalidRecord whose path begins with the field."""
    with pytest.raises(InvalidRecord) as caught:
        met(**{name: value})
    assert caught.value.path.split(".")[0] == name


def test_a_naive_instant_is_refused():
    """A fact whose time nobody can know is not taken."""
    with pytest.raises(NaiveInstant, match="at: 2026-01-05T09:00:00 has no time zone"):
        met(at=datetime.fromisoformat("2026-01-05T09:00"))


@pytest.mark.parametrize("name", CHANGES)
def test_the_id_depends_on_every_field(name):
    """A fact that differs in any one field is another fact."""
    assert met().id != met(**{name: CHANGES[name]}).id


def test_the_three_answers_to_automated_are_three_facts():
    """Yes, no and unknown are different things to have recorded."""
    assert len({met(automated=answer).id for answer in (True, False, None)}) == 3


@given(strategies.interactions())
def test_the_id_is_the_same_for_the_same_content(fact):
    """Made again from its own values, a fact gets the same id."""
    values = attrs.asdict(fact, recurse=False)
    given_id = values.pop("id")
    assert given_id.removeprefix("host-") == Interaction(**values).id


def test_the_id_ignores_how_things_were_typed():
    """Zone, order of keys, list or tuple, member or name: one fact, one id."""
    one = met(at="2026-01-05T10:00+01:00", channel="email", properties={"a": [1], "b": 2})
    other = met(at=AT, channel=Channel.EMAIL, properties={"b": 2, "a": (1,)})
    assert one == other
    assert one.id == other.id


def test_ids_are_the_same_in_every_process_and_release():
    """The digest is fixed: a log imported a second time, years later, is still the same log."""
    code = (
        "from crmkit.model import Interaction as I;"
        "print(I(candidate_id='ada', kind='met', at='2026-01-05T09:00Z', "
        "properties={'b': 'Zoë', 'a': [1, 2.5, None, {'at': True}]}).id)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here = met(properties={"a": [1, 2.5, None, {"at": True}], "b": "Zoë"}).id
    assert "c35dd60d00193c3302c9bb7538749796" == here == done.stdout.strip()


@given(st.lists(strategies.interactions(), max_size=6))
def test_one_id_is_one_fact(facts):
    """Facts that share an id are equal."""
    by_id = {}
    for fact in facts:
        assert fact == by_id.setdefault(fact.id, fact)


@given(strategies.interactions())
def test_interactions_survive_pickle_and_copy(fact):
    """A fact comes back equal, with its id and its hash."""
    for again in (pickle.loads(pickle.dumps(fact)), copy.copy(fact), copy.deepcopy(fact)):
        assert fact == again
        assert len({fact, again}) == 1


@given(strategies.interactions())
def test_reprs_show_who_what_when(fact):
    """The repr has id, kind and instant, and no outcome or property."""
    again = eval(repr(fact))
    assert (fact.candidate_id, fact.kind, fact.at) == (again.candidate_id, again.kind, again.at)
    assert "secret" not in repr(met(outcome="secret", properties={"secret": "secret"}))


def test_a_fact_knows_its_stage():
    """The stage follows from the kind."""
    assert Stage.CONVERSATION is met().stage
    assert Stage.HOST is met(kind="x-lunch").stage


def test_a_fact_cannot_be_changed():
    """The log is append-only, and so are its entries."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        met().kind = "called"
