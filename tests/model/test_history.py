import copy
import pickle
from datetime import timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.errors import InvalidRecord
from crmkit.model import Candidate, History, Interaction, Relationship
from crmkit.testing import strategies

few_kinds = st.sampled_from(("met", "replied", "opened"))


def fact(kind="met", at="2026-01-05T09:00Z", **changes):
    return Interaction(**({"candidate_id": "ada", "kind": kind, "at": at} | changes))


@given(st.lists(strategies.interactions()), st.data())
def test_order_and_repeats_do_not_matter(facts, data):
    """The same facts in any order, some of them twice, make an equal history."""
    twice = facts + [data.draw(st.sampled_from(facts)) for _ in facts[:3]]
    shuffled = data.draw(st.permutations(twice))
    assert History(facts) == History(shuffled)
    assert hash(History(facts)) == hash(History(shuffled))
    assert len({fact.id for fact in facts}) == len(History(shuffled))


@given(strategies.histories())
def test_facts_are_sorted_by_instant_then_id(history):
    """Oldest first; at one instant the id decides, so the order is the same everywhere."""
    assert sorted(history, key=lambda fact: (fact.at, fact.id)) == list(history)


@given(strategies.histories(kind=few_kinds), st.sets(few_kinds))
def test_kinds_are_found_as_by_looking_through(history, kinds):
    """`of` and `last` give what a walk over all facts would, in the same order."""
    expected = tuple(fact for fact in history if fact.kind in kinds)
    assert expected == history.of(*kinds)
    if kinds:
        assert (expected[-1] if expected else None) == history.last(*kinds)


@given(strategies.histories())
def test_the_index_holds_everything_once(history):
    """Every fact is under its kind, and nothing else is in the index."""
    indexed = [fact for facts in history.by_kind.values() for fact in facts]
    assert len(history) == len(indexed)
    assert set(history) == set(indexed)
    assert all(fact.kind == kind for kind, facts in history.by_kind.items() for fact in facts)


@given(strategies.histories())
def test_last_without_a_kind_is_the_newest(history):
    """Of any kind, or None of nobody."""
    facts = list(history)
    assert (facts[-1] if facts else None) == history.last()


@given(strategies.histories(), strategies.instants())
def test_upto_and_after_split_the_history(history, now):
    """What is dated at or before the instant, and what is dated after: each fact in one."""
    upto, later = history.upto(now), history.after(now)
    assert tuple(history) == (*upto, *later)
    assert all(fact.at <= now for fact in upto)
    assert all(fact.at > now for fact in later)
    assert History(upto) == upto


@given(strategies.histories())
def test_every_edge_of_a_history_is_inside(history):
    """A fact dated exactly now has happened; a microsecond earlier it has not."""
    for known in history:
        assert known in set(history.upto(known.at))
        assert known not in set(history.upto(known.at - timedelta(microseconds=1)))


@given(strategies.histories())
def test_what_is_all_past_is_not_copied(history):
    """Asked after its end, a history is itself, with its index."""
    newest = history.last()
    assert newest is None or history is history.upto(newest.at)
    assert newest is None or history.after(newest.at) == ()


@given(strategies.histories(), strategies.histories())
def test_histories_join(one, other):
    """Both in one, in either order, with a history or a list."""
    joined = one | other
    assert joined == other | one == one | list(other)
    assert {*one, *other} == set(joined)


@given(strategies.histories())
def test_histories_survive_pickle_and_copy(history):
    """A history comes back equal, indexed or not."""
    for indexed in (False, True):
        if indexed:
            assert isinstance(history.by_kind, dict)
        for again in (
            pickle.loads(pickle.dumps(history)),
            copy.copy(history),
            copy.deepcopy(history),
        ):
            assert history == again
            assert len({history, again}) == 1
            assert history.by_kind == again.by_kind


def test_one_id_for_two_facts_is_refused():
    """A host that gives one id to two facts would lose one of them."""
    with pytest.raises(InvalidRecord, match="names two different facts") as caught:
        History([fact(id="7"), fact(id="7", kind="called")])
    assert caught.value.path == "[1].id"


def test_what_is_no_fact_is_refused():
    """The place in the list is named."""
    with pytest.raises(InvalidRecord, match="expected an Interaction, got str") as caught:
        History([fact(), "met"])
    assert caught.value.path == "[1]"


def test_reprs_are_short():
    """How many and from when to when, and nothing about whom."""
    both = History([fact(), fact(at="2026-02-01T00:00Z")])
    assert repr(both) == "<History: 2 interactions, 2026-01-05 to 2026-02-01>"
    assert repr(History()) == "History([])"


def test_a_history_is_only_equal_to_a_history():
    """The list of its facts is something else."""
    assert History([fact()]) != [fact()]


@given(strategies.relationships())
def test_relationships_survive_pickle(relationship):
    """Person and history come back equal."""
    again = pickle.loads(pickle.dumps(relationship))
    assert relationship == again
    assert len({relationship, again, copy.deepcopy(relationship)}) == 1


@given(strategies.relationships(), strategies.instants())
def test_a_relationship_can_be_asked_in_the_past(relationship, now):
    """Up to an instant it has the same person and what had happened."""
    then = relationship.upto(now)
    assert relationship.candidate is then.candidate
    assert relationship.history.upto(now) == then.history
    assert relationship.id == then.id
    assert then is then.upto(now)


@given(strategies.relationships())
def test_the_repr_of_a_relationship_has_no_personal_data(relationship):
    """Only the id and how long the history is."""
    person = Candidate(id=relationship.id)
    assert repr(person) in repr(relationship)
    assert repr(relationship.history) in repr(relationship)


def test_a_list_becomes_a_history():
    """A relationship takes any iterable of facts."""
    ada = Candidate(id="ada")
    assert Relationship(ada, History([fact()])) == Relationship(ada, iter([fact(), fact()]))
    assert Relationship(ada).history == History()


def test_facts_of_merged_records_belong():
    """A fact about a record that was merged into this one is this person's."""
    ada = Candidate(id="ada", aliases=["ada-2"])
    assert len(Relationship(ada, [fact(candidate_id="ada-2")]).history) == 1


def test_facts_of_others_are_refused():
    """A fact about somebody else is a fault of the caller, named with its place."""
    with pytest.raises(InvalidRecord, match="expected 'ada', got 'bob'") as caught:
        Relationship(Candidate(id="ada"), [fact(), fact(candidate_id="bob", at="2026-02-01T00Z")])
    assert caught.value.path == "interactions[1].candidate_id"


@pytest.mark.parametrize(
    ("options", "path"),
    [
        (("ada", []), "candidate"),
        ((None,), "candidate"),
        ((Candidate(id="ada"), ["met"]), "interactions[0]"),
    ],
)
def test_a_relationship_is_of_records(options, path):
    """Neither an id stands for a person nor a word for a fact."""
    with pytest.raises(InvalidRecord) as caught:
        Relationship(*options)
    assert path == caught.value.path


def test_a_relationship_cannot_be_changed():
    """It is frozen, like its parts."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Relationship(Candidate(id="ada")).history = History()
