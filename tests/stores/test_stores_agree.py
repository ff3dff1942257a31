"""Whatever is done to both, a store in SQL and the one in memory hold the same."""

from datetime import UTC, datetime, timedelta

import postgres as server
import pytest
from examples import examples
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from crmkit.cadence import Enrollment, TouchRecord
from crmkit.errors import NotFound
from crmkit.model import Candidate, Interaction, Reason, Role
from crmkit.protocols import AgendaEntry
from crmkit.segmentation import Membership, Transition
from crmkit.stores import MemoryStore, SQLStore

START = datetime(2026, 1, 5, 9, tzinfo=UTC)

ids = st.sampled_from(["ada", "bob", "Eve", "é"])
words = st.sampled_from(["one", "two", "Z"])
instants = st.integers(-2, 2).map(lambda n: START + timedelta(microseconds=n))
candidates = st.builds(
    Candidate,
    id=ids,
    emails=st.lists(st.sampled_from(["a@x.org", "A@x.org", "b@x.org"]), max_size=2),
    aliases=st.lists(words, max_size=1),
    company=st.none() | words,
)
facts = st.builds(
    Interaction,
    candidate_id=ids,
    kind=st.sampled_from(["met", "replied"]),
    at=instants,
    id=st.sampled_from("abcdef"),
)
roles = st.builds(Role, id=ids, title=words)
reasons = words.map(Reason)
members = st.builds(
    Membership,
    segment=words,
    candidate_id=ids,
    since=instants,
    because=reasons,
    next_change=st.none() | instants,
    inside=st.booleans(),
)
moves = st.builds(
    Transition,
    segment=words,
    candidate_id=ids,
    entered=st.booleans(),
    at=instants,
    because=reasons,
    until=st.none() | instants,
)
runs = st.builds(
    Enrollment, candidate_id=ids, cadence=words, enrolled_at=instants, id=st.sampled_from("abc")
)
touches = st.builds(
    TouchRecord,
    enrollment_id=st.sampled_from("ab"),
    rotation=st.integers(0, 1),
    touch=words,
    candidate_id=ids,
    state=st.sampled_from(["sending", "sent", "task"]),
    due_at=instants,
    at=instants,
)

entries = st.builds(AgendaEntry, candidate_id=ids, at=st.none() | instants, turn=st.integers(1, 3))

calls = st.one_of(
    st.tuples(st.just("put_candidates"), st.lists(candidates, max_size=3)),
    st.tuples(st.just("delete_candidates"), st.lists(ids, max_size=2)),
    st.tuples(st.just("append_interactions"), st.lists(facts, max_size=3)),
    st.tuples(st.just("put_roles"), st.lists(roles, max_size=2)),
    st.tuples(
        st.just("change_memberships"), st.lists(members, max_size=2), st.lists(moves, max_size=3)
    ),
    st.tuples(st.just("set_definitions"), st.dictionaries(words, words, max_size=2)),
    st.tuples(st.just("due"), instants, st.integers(0, 3)),
    st.tuples(st.just("put_enrollments"), st.lists(runs, max_size=2)),
    st.tuples(st.just("move_enrollments"), st.lists(runs, max_size=2)),
    st.tuples(st.just("claim_touch"), touches),
    st.tuples(st.just("settle_touch"), touches),
    st.tuples(st.just("wake"), st.lists(ids, max_size=3)),
    st.tuples(st.just("put_off"), st.lists(entries, max_size=3)),
    st.tuples(st.just("next_look"), instants),
    st.tuples(st.just("set_agenda_basis"), words),
)


class Break(Exception):  # noqa: N818
    """Raised to take a transaction back."""


def do(store, call):
    name, *arguments = call
    try:
        return getattr(store, name)(*arguments)
    except NotFound as error:
        return str(error)


def everything(store, people):
    return [
        list(store.candidates()),
        store.get_candidates(people),
        store.find_candidates(["email:a@x.org", "email:b@x.org", "id:one", "id:ada"]),
        list(store.interactions(people)),
        list(store.roles()),
        list(store.due(START)),
        list(store.memberships(segment="one")),
        list(store.tracked()),
        store.definitions(),
        list(store.agenda(START)),
        store.agenda_basis(),
        *(
            list(read(who))
            for read in (
                store.memberships,
                store.watches,
                store.transitions,
                store.enrollments,
                store.touches,
            )
            for who in (None, people)
        ),
    ]


class Stores(RuleBasedStateMachine):
    """Does the same to both stores."""

    @initialize()
    def open(self):
        self.memory, self.sql = MemoryStore(), SQLStore(self.url())

    def url(self):
        return "sqlite://"

    @rule(call=calls)
    def call_once(self, call):
        """Call both: the answers are the same."""
        assert do(self.sql, call) == do(self.memory, call)

    @rule(outer=st.lists(calls, max_size=3), inner=st.lists(calls, max_size=3), falls=words)
    def transact(self, outer, inner, falls):
        """Run one transaction on both, of which one block or the other may fall."""
        answers = [self._transact(store, outer, inner, falls) for store in (self.sql, self.memory)]
        assert answers[0] == answers[1]

    def _transact(self, store, outer, inner, falls):
        answers = []
        try:
            with store.transaction():
                answers += [do(store, call) for call in outer]
                try:
                    with store.transaction():
                        answers += [do(store, call) for call in inner]
                        if falls == "one":
                            raise Break  # noqa: TRY301
                except Break:
                    answers.append(everything(store, ["ada"]))
                if falls == "two":
                    raise Break  # noqa: TRY301
        except Break:
            pass
        return answers

    @invariant()
    def same(self):
        """Compare all that both hold."""
        for people in (["ada", "é"], []):
            assert everything(self.sql, people) == everything(self.memory, people)

    def teardown(self):
        self.sql.close()


class OnPostgres(Stores):
    """Does the same to the store in memory and to one in PostgreSQL."""

    def url(self):
        self.server = server.shared()
        self.made = self.server.database(ready=True)
        return self.made

    def teardown(self):
        super().teardown()
        self.server.drop(self.made)


@pytest.mark.parametrize(("machine", "count"), [(Stores, 25), (OnPostgres, 10)])
def test_stores_agree(machine, count, request):
    """Both give the same answers, and hold the same after every step."""
    if machine is OnPostgres:
        request.getfixturevalue("postgres")
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=examples(count), stateful_step_count=12, deadline=None),
    )
