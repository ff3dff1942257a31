"""The store contract for segments, clause by clause."""

from collections.abc import Callable
from datetime import timedelta

import attrs

from crmkit.model import Reason
from crmkit.protocols import BATCH, MembershipStore
from crmkit.segmentation import Membership
from crmkit.testing._store_samples import START, TICK, member, move, same, watch


def check_memberships_are_kept(make_store: Callable[[], MembershipStore]) -> None:
    """Check that kept memberships replace those there were, and come in order."""
    store = make_store()
    a1, a2, b1 = member("ada", "one"), member("ada", "two"), member("bob", "one")
    store.change_memberships([b1, a2, attrs.evolve(a1, next_change=None)], [])
    store.change_memberships([a1], [])
    same(list(store.memberships()), [a1, a2, b1], "memberships() are ordered and as last kept")
    same(list(store.memberships(["ada", "eve"])), [a1, a2], "memberships(ids) are theirs alone")
    same(list(store.memberships([])), [], "memberships() of nobody are none")
    same(list(store.memberships(segment="one")), [a1, b1], "memberships(segment=…) are its alone")
    same(
        list(store.memberships(["ada"], segment="two")),
        [a2],
        "memberships(ids, segment=…) are theirs in that one",
    )


def check_leaving_ends_a_membership(make_store: Callable[[], MembershipStore]) -> None:
    """Check that who left is a member no more; who is kept in the same call is one."""
    store = make_store()
    one, two = member("ada", "one"), member("ada", "two")
    left = [move("ada", segment, entered=False, second=5) for segment in ("one", "two")]
    store.change_memberships([one, two, member("bob", "one")], [])
    store.change_memberships([two], [*left, move("ada", "two", entered=True, second=6)])
    same(
        [(held.candidate_id, held.segment) for held in store.memberships()],
        [("ada", "two"), ("bob", "one")],
        "a transition out of a segment ends that membership and no other",
    )
    store.change_memberships([], [move("eve", "one", entered=True, second=7)])
    same(list(store.memberships(["eve"])), [], "a transition by itself makes nobody a member")


def check_transitions_are_logged_once(make_store: Callable[[], MembershipStore]) -> None:
    """Check that a transition is logged once, as it was first, and that they come in order."""
    store = make_store()
    moves = [
        move("ada", "two", entered=True, second=0),
        move("bob", "one", entered=True, second=0),
        move("ada", "one", entered=True, second=1),
        move("ada", "one", entered=False, second=2),
        move("ada", "one", entered=True, second=2.000001),
    ]
    store.change_memberships([], reversed(moves))
    store.change_memberships([], [attrs.evolve(moves[0], because=Reason("another")), moves[1]])
    same(list(store.transitions()), moves, "transitions() are logged once and in order")
    same(list(store.transitions(["bob"])), [moves[1]], "transitions(ids) are theirs alone")
    same(list(store.transitions([])), [], "transitions() of nobody are none")


def check_watches_are_apart(make_store: Callable[[], MembershipStore]) -> None:
    """Check that a watch is no membership, that there is one of either, and that it can go."""
    store = make_store()
    inside, outside = member("ada", "one"), watch("ada", "one")
    other = watch("bob", "two")
    store.change_memberships([other, member("bob", "one"), outside], [])
    same(list(store.watches()), [outside, other], "watches() are ordered, and no memberships")
    same(list(store.memberships(["ada"])), [], "who is only watched is no member")
    same(list(store.watches(["bob"])), [other], "watches(ids) are theirs alone")
    same(list(store.watches([])), [], "watches() of nobody are none")
    same(list(store.tracked()), ["ada", "bob"], "tracked() are all with a record, once, in order")
    store.change_memberships([inside], [])
    same(
        (list(store.memberships(["ada"])), list(store.watches(["ada"]))),
        ([inside], []),
        "a membership takes the place of the watch",
    )
    store.change_memberships([outside], [])
    same(
        (list(store.memberships(["ada"])), list(store.watches(["ada"]))),
        ([], [outside]),
        "a watch takes the place of the membership",
    )
    nothing = [attrs.evolve(each, next_change=None) for each in (outside, watch("eve", "one"))]
    store.change_memberships(nothing, [])
    same(
        list(store.watches()),
        [other],
        "a watch without next_change takes away the one there",
    )
    store.change_memberships([], [move("bob", "two", entered=False, second=1)])
    same(list(store.watches()), [], "a transition out of a segment ends a watch, too")
    same(list(store.tracked()), ["bob"], "who has no record any more is not tracked")


def check_due_comes_in_order(make_store: Callable[[], MembershipStore]) -> None:
    """Check that what is due comes first to last, up to the limit, and nothing else."""
    store = make_store()

    def at(record: Membership, ticks: int) -> Membership:
        return attrs.evolve(record, next_change=START + ticks * TICK)

    first, second = at(watch("bob", "two"), -1), at(member("ada", "two"), 0)
    third, fourth = at(member("bob", "one"), 0), at(watch("bob", "three"), 0)
    later, never = at(member("ada", "one"), 1), attrs.evolve(member("eve", "one"), next_change=None)
    store.change_memberships([later, fourth, never, third, second, first], [])
    due = [first, second, third, fourth]
    same(list(store.due(START)), due, "due() are those whose next_change has come, first to last")
    same(list(store.due(START)), due, "due() takes nothing away")
    same(list(store.due(START, 2)), due[:2], "due(limit) are the first")
    same(list(store.due(START - 2 * TICK)), [], "before its instant nothing is due")
    store.change_memberships([at(first, 5), at(third, -5)], [])
    store.change_memberships(
        [attrs.evolve(fourth, next_change=None)], [move("ada", "two", entered=False, second=0)]
    )
    same(
        [(each.candidate_id, each.segment) for each in store.due(START + TICK)],
        [("bob", "one"), ("ada", "one")],
        "due() sees what was replaced, ended and taken away",
    )
    store.change_memberships(
        [at(member(f"p{number:04}", "one"), number) for number in range(BATCH + 10)], []
    )
    soon = START + timedelta(days=1)
    same(len(list(store.due(soon))), BATCH, f"due() returns at most {BATCH} unless it is told")
    same(len(list(store.due(soon, 2 * BATCH))), BATCH + 13, "due(limit) returns as many as are due")


def check_definitions_are_replaced(make_store: Callable[[], MembershipStore]) -> None:
    """Check that the definitions last given are kept, as a whole."""
    store = make_store()
    same(store.definitions(), {}, "at first there are no definitions")
    store.set_definitions({"one": "a", "two": "b", "": "x"})
    store.set_definitions({"two": "c", "Ünï": "d"})
    same(store.definitions(), {"two": "c", "Ünï": "d"}, "definitions() are those last given, whole")
    store.set_definitions({})
    same(store.definitions(), {}, "no definitions replace those that there were")
