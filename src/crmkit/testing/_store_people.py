"""The store contract for people, their facts and roles, clause by clause."""

from collections.abc import Callable, Iterator
from contextlib import suppress

import attrs

from crmkit.model import Candidate, Interaction, Role
from crmkit.protocols import BATCH, CandidateStore, InteractionStore, RoleStore
from crmkit.testing._store_samples import (
    START,
    TICK,
    Breakdown,
    fact,
    found,
    same,
    together,
    whole_candidate,
)


def check_candidates_come_back(make_store: Callable[[], CandidateStore]) -> None:
    """Check that a candidate comes back as it was put; an unknown id is left out."""
    store = make_store()
    whole = whole_candidate("ada")
    store.put_candidates([whole, Candidate(id="bob")])
    got = store.get_candidates(["ada", "nobody", "ada"])
    same(got, {"ada": whole}, "get_candidates() returns what was put, without unknown ids")
    same(store.get_candidates([]), {}, "get_candidates() of no ids is empty")


def check_putting_again_replaces(make_store: Callable[[], CandidateStore]) -> None:
    """Check that the last record of an id stands, and only its keys are found."""
    store = make_store()
    store.put_candidates([Candidate(id="ada", emails=["old@example.org"], company="Old")])
    now = Candidate(id="ada", emails=["new@example.org"])
    store.put_candidates([Candidate(id="ada", emails=["mid@example.org"]), now])
    same(store.get_candidates(["ada"]), {"ada": now}, "the record put last replaces the others")
    keys = [f"email:{name}@example.org" for name in ("old", "mid", "new")]
    same(
        found(store, keys),
        {"email:new@example.org": {"ada"}},
        "identity keys of a replaced record are not found any more",
    )


def check_identity_keys_find_people(make_store: Callable[[], CandidateStore]) -> None:
    """Check that a key finds all who have it: id, alias, address in any case, external id."""
    store = make_store()
    store.put_candidates(
        [
            Candidate(id="ada", emails=["Team@example.org"], aliases=["countess"]),
            Candidate(id="bob", emails=["team@example.org"], external_ids={"ats": "7"}),
        ]
    )
    keys = ["email:team@example.org", "external:ats:7", "id:countess", "id:bob", "id:nobody"]
    same(
        found(store, keys),
        {
            "email:team@example.org": {"ada", "bob"},
            "external:ats:7": {"bob"},
            "id:countess": {"ada"},
            "id:bob": {"bob"},
        },
        "find_candidates() returns for each known key everyone who has it",
    )


def check_everyone_comes_in_order(make_store: Callable[[], CandidateStore]) -> None:
    """Check that everyone is yielded once, by code point of the id, however many there are."""
    store = make_store()
    ids = [f"{number:04}" for number in range(2 * BATCH + 1)] + ["Z", "a", "aa", "b", "é", "😀"]
    store.put_candidates([Candidate(id=key) for key in reversed(ids)])
    got = [candidate.id for candidate in store.candidates()]
    same(got, ids, "candidates() yields everyone once, ordered by id")
    same(
        set(store.get_candidates(ids[:BATCH])),
        set(ids[:BATCH]),
        f"get_candidates() takes {BATCH} ids",
    )


def check_writing_while_reading(make_store: Callable[[], CandidateStore]) -> None:
    """Check that records may be replaced while `candidates` runs."""
    store = make_store()
    ids = [f"{number:04}" for number in range(BATCH + 5)]
    store.put_candidates([Candidate(id=key) for key in ids])
    seen = []
    for candidate in store.candidates():
        seen.append(candidate.id)
        if candidate.id.endswith("0"):
            store.put_candidates([attrs.evolve(candidate, company="New")])
    same(seen, ids, "candidates() yields everyone once, also while records are replaced")
    changed = [candidate.id for candidate in store.candidates() if candidate.company == "New"]
    same(changed, [key for key in ids if key[-1] == "0"], "what is put meanwhile is stored")


def check_deleting_forgets(make_store: Callable[[], CandidateStore]) -> None:
    """Check that a deleted record and its identity keys are gone; unknown ids are ignored."""
    store = make_store()
    store.put_candidates([Candidate(id=key, emails=["team@example.org"]) for key in ("ada", "bob")])
    store.delete_candidates(["ada", "nobody"])
    same([person.id for person in store.candidates()], ["bob"], "a deleted record is gone")
    same(
        found(store, ["email:team@example.org", "id:ada"]),
        {"email:team@example.org": {"bob"}},
        "the identity keys of a deleted record are gone",
    )


def check_putting_is_atomic(make_store: Callable[[], CandidateStore]) -> None:
    """Check that, if the records break off in the middle, none of them is stored."""
    store = make_store()

    def broken() -> Iterator[Candidate]:
        yield Candidate(id="ada")
        raise Breakdown

    with suppress(Breakdown):
        store.put_candidates(broken())
    same(list(store.candidates()), [], "a put_candidates() that fails stores nothing")


def check_append_is_idempotent(make_store: Callable[[], InteractionStore]) -> None:
    """Check that a fact is appended once, and the answer counts only new ones."""
    store = make_store()
    facts = [fact("ada", second) for second in range(3)]
    again = [*facts, fact("ada", 9), fact("ada", 9)]
    counted = [store.append_interactions(batch) for batch in (facts, again, again, [])]
    same(counted, [3, 1, 0, 0], "append_interactions() returns how many ids were new")
    got = len(list(store.interactions(["ada"])))
    same(got, 4, "append_interactions() is idempotent: a fact is stored once")


def check_append_keeps_the_first(make_store: Callable[[], InteractionStore]) -> None:
    """Check that a fact that is there is never changed, whatever comes later under its id."""
    store = make_store()
    first = attrs.evolve(fact("ada", 0), outcome="positive")
    store.append_interactions([first])
    store.append_interactions([attrs.evolve(first, outcome="negative")])
    got = list(store.interactions(["ada"]))
    same(got, [first], "the log is append-only: a fact never changes")


def check_append_is_atomic(make_store: Callable[[], InteractionStore]) -> None:
    """Check that, if the facts break off in the middle, none of them is stored."""
    store = make_store()

    def broken() -> Iterator[Interaction]:
        yield fact("ada", 0)
        raise Breakdown

    with suppress(Breakdown):
        store.append_interactions(broken())
    got = list(store.interactions(["ada"]))
    same(got, [], "an append_interactions() that fails stores nothing")


def check_interactions_come_in_order(make_store: Callable[[], InteractionStore]) -> None:
    """Check that facts come back whole, of the people asked for, by instant, then id."""
    store = make_store()
    whole = Interaction(
        candidate_id="ada",
        kind="x-coffee",
        at=START + TICK,
        channel="in_person",
        outcome="later",
        automated=False,
        role_id="r",
        enrollment_id="e",
        touch="welcome",
        rotation=0,
        properties={"at": START, "tags": ["a", {"$instant": "no"}], "n": 1.5, "none": None},
    )
    facts = [
        Interaction(candidate_id="bob", kind="met", at="0001-01-01T00:00Z", id="z"),
        Interaction(candidate_id="ada", kind="met", at=START, id="Z"),
        Interaction(candidate_id="bob", kind="met", at=START, id="a"),
        whole,
        Interaction(candidate_id="ada", kind="met", at="9999-12-31T23:59:59.999999Z", id="0"),
    ]
    other = fact("eve", 0)
    store.append_interactions([other, *reversed(facts)])
    got = list(store.interactions(["bob", "ada", "nobody", "bob"]))
    same(got, facts, "interactions() returns whole facts, ordered by instant, then id")
    same(list(store.interactions([])), [], "interactions() of nobody are none")


def check_appending_together(make_store: Callable[[], InteractionStore]) -> None:
    """Check that threads that append the same facts count each of them once in all."""
    store = make_store()
    facts = [fact("ada", second) for second in range(40)]
    counted = together(4, lambda _: sum(store.append_interactions([one]) for one in facts))
    same(sum(counted), 40, "of several threads that append one fact, one is told that it is new")
    got = list(store.interactions(["ada"]))
    same(got, facts, "facts that several threads append are stored once")


def check_role_store(make_store: Callable[[], RoleStore]) -> None:
    """Check a `RoleStore`: roles come back whole, replaced by id, in order of id."""
    store = make_store()
    first = Role(id="b", title="Engineer", skills=["go"], opened_at=START, custom={"at": START})
    store.put_roles([first, Role(id="a", title="Designer")])
    store.put_roles([Role(id="a", title="Lead designer")])
    same(
        list(store.roles()),
        [Role(id="a", title="Lead designer"), first],
        "roles() returns every role as last put, ordered by id",
    )
