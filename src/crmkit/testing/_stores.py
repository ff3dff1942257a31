"""The contract of the store protocols, as plain functions that any test runner can call.

Each takes a function that makes an empty store, and raises `AssertionError` with one sentence when
a clause does not hold.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import attrs

from crmkit.model import Candidate, Reason, Role, SuppressionReason, address_digest
from crmkit.protocols import (
    AT_ONCE,
    AgendaEntry,
    AgendaStore,
    CandidateStore,
    EnrollmentStore,
    InteractionStore,
    MembershipStore,
    Store,
    SuppressionStore,
)
from crmkit.testing._store_agenda import (
    check_agenda_comes_in_order,
    check_leases_are_exclusive,
    check_leases_end,
    check_put_off_leaves_the_woken,
    check_racing_leases,
    check_racing_wakes,
    check_the_basis_is_kept,
    check_waking,
    check_writing_while_the_agenda_is_read,
)
from crmkit.testing._store_ledger import (
    check_a_failed_touch_is_free_again,
    check_claiming_has_one_winner,
    check_enrollments_are_kept,
    check_enrollments_are_moved,
    check_racing_claims,
    check_settling_is_fenced,
    check_settling_replaces,
    check_touches_are_found,
    check_touches_come_in_order,
)
from crmkit.testing._store_people import (
    check_append_is_atomic,
    check_append_is_idempotent,
    check_append_keeps_the_first,
    check_appending_together,
    check_candidates_come_back,
    check_deleting_forgets,
    check_everyone_comes_in_order,
    check_identity_keys_find_people,
    check_interactions_come_in_order,
    check_putting_again_replaces,
    check_putting_is_atomic,
    check_role_store,
    check_writing_while_reading,
)
from crmkit.testing._store_samples import (
    START,
    Breakdown,
    fact,
    found,
    member,
    move,
    run,
    same,
    touch,
    watch,
    whole_candidate,
)
from crmkit.testing._store_segments import (
    check_definitions_are_replaced,
    check_due_comes_in_order,
    check_leaving_ends_a_membership,
    check_memberships_are_kept,
    check_transitions_are_logged_once,
    check_watches_are_apart,
)
from crmkit.testing._store_suppression import (
    check_facts_are_redacted,
    check_lifting_forgets,
    check_suppressing_together,
    check_suppressions_are_kept,
    check_touches_are_redacted,
    check_transitions_are_redacted,
    silent,
)


def check_store(make_store: Callable[[], Store]) -> None:
    """Check everything that crmkit asks of a store; *make_store* returns a new empty one.

    >>> from crmkit.stores import MemoryStore
    >>> check_store(MemoryStore)
    """
    check_candidate_store(make_store)
    check_interaction_store(make_store)
    check_role_store(make_store)
    check_membership_store(make_store)
    check_enrollment_store(make_store)
    check_agenda_store(make_store)
    check_suppression_store(make_store)
    check_transactions(make_store)


def check_candidate_store(make_store: Callable[[], CandidateStore]) -> None:
    """Check a `CandidateStore`: enough for a host that keeps its own candidate table."""
    check_candidates_come_back(make_store)
    check_putting_again_replaces(make_store)
    check_identity_keys_find_people(make_store)
    check_everyone_comes_in_order(make_store)
    check_writing_while_reading(make_store)
    check_deleting_forgets(make_store)
    check_putting_is_atomic(make_store)


def check_interaction_store(make_store: Callable[[], InteractionStore]) -> None:
    """Check an `InteractionStore`."""
    check_append_is_idempotent(make_store)
    check_append_keeps_the_first(make_store)
    check_append_is_atomic(make_store)
    check_interactions_come_in_order(make_store)
    check_appending_together(make_store)
    check_facts_are_redacted(make_store)


def check_membership_store(make_store: Callable[[], MembershipStore]) -> None:
    """Check a `MembershipStore`."""
    check_memberships_are_kept(make_store)
    check_leaving_ends_a_membership(make_store)
    check_transitions_are_logged_once(make_store)
    check_watches_are_apart(make_store)
    check_due_comes_in_order(make_store)
    check_definitions_are_replaced(make_store)
    check_transitions_are_redacted(make_store)


def check_enrollment_store(make_store: Callable[[], EnrollmentStore]) -> None:
    """Check an `EnrollmentStore`."""
    check_enrollments_are_kept(make_store)
    check_enrollments_are_moved(make_store)
    check_claiming_has_one_winner(make_store)
    check_settling_replaces(make_store)
    check_a_failed_touch_is_free_again(make_store)
    check_settling_is_fenced(make_store)
    check_touches_are_found(make_store)
    check_touches_come_in_order(make_store)
    check_racing_claims(make_store)
    check_touches_are_redacted(make_store)


def check_agenda_store(make_store: Callable[[], AgendaStore]) -> None:
    """Check an `AgendaStore`."""
    check_waking(make_store)
    check_agenda_comes_in_order(make_store)
    check_put_off_leaves_the_woken(make_store)
    check_writing_while_the_agenda_is_read(make_store)
    check_racing_wakes(make_store)
    check_leases_are_exclusive(make_store)
    check_leases_end(make_store)
    check_racing_leases(make_store)
    check_the_basis_is_kept(make_store)


def check_suppression_store(make_store: Callable[[], SuppressionStore]) -> None:
    """Check a `SuppressionStore`."""
    check_suppressions_are_kept(make_store)
    check_lifting_forgets(make_store)
    check_suppressing_together(make_store)


def check_transactions(make_store: Callable[[], Store]) -> None:
    """Check `Transactional`."""
    check_transaction_lands(make_store)
    check_transaction_is_taken_back(make_store)
    check_nested_transactions(make_store)


def check_transaction_lands(make_store: Callable[[], Store]) -> None:
    """Check that a transaction sees its own changes, and that they are there afterwards."""
    store = make_store()
    with store.transaction():
        expected = _change_everything(store)
        same(_everything(store), expected, "a transaction sees its own changes")
    same(_everything(store), expected, "what a transaction changed is there afterwards")


def check_transaction_is_taken_back(make_store: Callable[[], Store]) -> None:
    """Check that, if the block raises, all is as before and the error is passed on."""
    store = make_store()
    store.put_candidates([Candidate(id="ada", emails=["old@example.org"]), Candidate(id="bob")])
    entered = move("bob", "one", entered=True, second=0)
    store.append_interactions([fact("bob", 0)])
    store.change_memberships([member("ada", "one"), watch("bob", "two")], [entered])
    store.change_memberships([member("bob", "one")], [])
    store.set_definitions({"one": "old", "two": "old"})
    store.put_enrollments([run("bob", "old", 0)])
    store.claim_touch(touch("old", "welcome"))
    store.wake(["ada", "bob"])
    store.set_agenda_basis("old")
    store.suppress([silent(_SILENT, "listed"), silent(_SILENT, "bounced")])
    before = _everything(store)
    raised = None
    try:
        with store.transaction():
            _change_everything(store)
            store.delete_candidates(["bob"])
            gone = attrs.evolve(watch("bob", "two"), next_change=None)
            store.change_memberships([gone], [move("bob", "one", entered=False, second=1)])
            due = [(each.candidate_id, each.segment) for each in store.due(_EVER)]
            same(due, [("ada", "one"), ("ada", "two")], "a transaction sees what is due in it")
            store.move_enrollments([attrs.evolve(run("bob", "old", 0), version=2)])
            store.settle_touch(attrs.evolve(touch("old", "welcome"), state="sent"))
            store.put_off([AgendaEntry(candidate_id="bob", at=None, turn=1)])
            store.lift([_SILENT], [SuppressionReason.BOUNCED])
            store.redact_interactions([attrs.evolve(fact("bob", 0), outcome="none")])
            store.redact_transitions([attrs.evolve(entered, because=Reason("none"))])
            store.redact_touches([attrs.evolve(touch("old", "welcome"), detail="none")])
            raise Breakdown  # noqa: TRY301 - the block itself has to raise
    except Breakdown as error:
        raised = error
    same(type(raised), Breakdown, "a transaction passes on the error of its block")
    same(_everything(store), before, "a transaction that raises leaves nothing behind")
    keys = ["email:old@example.org", "email:ada@example.org"]
    same(
        found(store, keys),
        {"email:old@example.org": {"ada"}},
        "a transaction that raises takes back the identity keys, too",
    )
    same(
        store.claim_touch(touch("e", "welcome")),
        None,
        "a touch claimed in a transaction that raised is free again",
    )


def check_nested_transactions(make_store: Callable[[], Store]) -> None:
    """Check that an inner transaction falls with the outer one, and can fall alone."""
    store = make_store()
    with suppress(Breakdown), store.transaction():
        with store.transaction():
            store.put_candidates([Candidate(id="ada")])
        raise Breakdown
    same(list(store.candidates()), [], "an inner transaction falls with the outer one")
    with store.transaction():
        store.put_candidates([Candidate(id="ada")])
        with suppress(Breakdown), store.transaction():
            store.put_candidates([Candidate(id="bob")])
            raise Breakdown
        store.put_candidates([Candidate(id="eve")])
    got = [candidate.id for candidate in store.candidates()]
    same(got, ["ada", "eve"], "an inner transaction that raises falls alone")


_EVER = START + timedelta(days=365)
_SILENT = address_digest("silent@example.org")


def _change_everything(store: Store) -> list[list[Any]]:
    """Make one change of every kind; return what `_everything` is then, in an empty store."""
    person, role = whole_candidate("ada"), Role(id="r", title="Engineer")
    met, entered = fact("ada", 0), move("ada", "one", entered=True, second=0)
    inside, enrolled, claimed = member("ada", "one"), run("ada", "e", 0), touch("e", "welcome")
    outside, defined = watch("ada", "two"), {"one": "new"}
    store.put_candidates([person])
    store.append_interactions([met])
    store.put_roles([role])
    store.change_memberships([inside, outside], [entered])
    store.set_definitions(defined)
    store.put_enrollments([enrolled])
    store.claim_touch(claimed)
    store.wake(["ada"])
    store.set_agenda_basis("new")
    unsubscribed = silent(_SILENT, "unsubscribed")
    store.suppress([unsubscribed])
    held: list[list[Any]] = [[inside], [outside], [inside, outside], [defined], [entered]]
    woken = AgendaEntry(candidate_id="ada", at=AT_ONCE, turn=1)
    silenced = [{_SILENT: (unsubscribed,)}]
    return [[person], [met], [role], *held, [enrolled], [claimed], [woken], ["new"], silenced]


def _everything(store: Store) -> list[list[Any]]:
    return [
        list(store.candidates()),
        list(store.interactions(["ada", "bob"])),
        list(store.roles()),
        list(store.memberships()),
        list(store.watches()),
        list(store.due(_EVER)),
        [store.definitions()],
        list(store.transitions()),
        list(store.enrollments()),
        list(store.touches()),
        list(store.agenda(_EVER)),
        [store.agenda_basis()],
        [store.suppressions([_SILENT])],
    ]
