"""The store contract for cadences, clause by clause."""

from collections.abc import Callable
from datetime import timedelta

import attrs

from crmkit.cadence import TouchState
from crmkit.protocols import EnrollmentStore
from crmkit.testing._store_samples import (
    START,
    run,
    same,
    together,
    touch,
)


def check_enrollments_are_kept(make_store: Callable[[], EnrollmentStore]) -> None:
    """Check that the first enrolment of an id stands; they come by candidate, instant, id."""
    store = make_store()
    runs = [
        run("ada", "b", 0),
        attrs.evolve(run("ada", "c", 0), segment="warm", version=3),
        run("ada", "a", 1),
        run("bob", "d", 0),
    ]
    store.put_enrollments(reversed(runs))
    store.put_enrollments([attrs.evolve(runs[0], version=9), runs[1]])
    same(
        list(store.enrollments()), runs, "enrollments() are ordered, and the first of an id stands"
    )
    same(list(store.enrollments(["bob"])), runs[3:], "enrollments(ids) are theirs alone")
    same(list(store.enrollments([])), [], "enrollments() of nobody are none")


def check_enrollments_are_moved(make_store: Callable[[], EnrollmentStore]) -> None:
    """Check that a stored enrolment is replaced whole, and that none is added."""
    store = make_store()
    old, other = run("ada", "a", 0), run("bob", "b", 0)
    store.put_enrollments([old, other])
    moved = attrs.evolve(old, candidate_id="eve", cadence="short", version=2, segment="warm")
    store.move_enrollments([moved, run("cy", "c", 0)])
    store.move_enrollments([])
    same(list(store.enrollments()), [other, moved], "move_enrollments() replaces what is stored")
    same(list(store.enrollments(["ada"])), [], "a moved enrolment is not found where it was")
    same(list(store.enrollments(["eve"])), [moved], "a moved enrolment is found where it is")


def check_claiming_has_one_winner(make_store: Callable[[], EnrollmentStore]) -> None:
    """Check that the first claim of a touch gets None, a later one the record there."""
    store = make_store()
    first = touch("e", "welcome", detail="first")
    same(store.claim_touch(first), None, "claim_touch() of a free touch returns None")
    later = touch("e", "welcome", detail="second")
    same(store.claim_touch(later), first, "claim_touch() of a taken touch returns its record")
    for other in (
        touch("f", "welcome"),
        touch("e", "value"),
        attrs.evolve(touch("e", "welcome"), rotation=1),
    ):
        got = store.claim_touch(other)
        same(got, None, "touches of another enrolment, rotation or key are free")


def check_a_failed_touch_is_free_again(make_store: Callable[[], EnrollmentStore]) -> None:
    """Check that a failed touch can be claimed again, by one caller."""
    store = make_store()
    claim = touch("e", "welcome", detail="first")
    store.claim_touch(claim)
    failed = attrs.evolve(claim, state="failed", detail="nothing left")
    store.settle_touch(failed)
    same(store.claim_touch(claim), failed, "claim_touch() with an attempt that was made is late")
    again = attrs.evolve(claim, attempt=2, detail="again")
    same(store.claim_touch(again), None, "claim_touch() of a failed touch returns None")
    same(list(store.touches()), [again], "the new claim takes the place of the failed one")
    later = attrs.evolve(claim, attempt=2, detail="later")
    same(store.claim_touch(later), again, "a touch that was claimed again is taken")
    refused = attrs.evolve(again, state="refused", rule="cap", next_at=START)
    store.settle_touch(refused)
    third = attrs.evolve(claim, attempt=3)
    same(store.claim_touch(third), None, "claim_touch() of a refused touch returns None")
    fourth = attrs.evolve(claim, attempt=4)
    same(store.claim_touch(fourth), None, "claim_touch() with the next attempt takes a call over")


def check_settling_replaces(make_store: Callable[[], EnrollmentStore]) -> None:
    """Check that a settled record takes the place of the claim, and the touch stays taken."""
    store = make_store()
    claim, other = touch("e", "welcome"), touch("e", "value")
    store.claim_touch(claim)
    store.claim_touch(other)
    settled = attrs.evolve(
        claim, state="sent", at=START + timedelta(hours=1), provider_id="p-1", detail="fine"
    )
    did = [store.settle_touch(settled)]
    same(list(store.touches()), [other, settled], "settle_touch() replaces that record alone")
    same(did, [True], "settle_touch() says that it did")
    again = attrs.evolve(claim, attempt=2)
    same(store.claim_touch(again), settled, "a settled touch cannot be claimed again")


def check_settling_is_fenced(make_store: Callable[[], EnrollmentStore]) -> None:
    """Check that nobody settles a later attempt, what is final, or what nobody claimed."""
    store = make_store()
    claim = touch("e", "welcome")
    sent = attrs.evolve(claim, state="sent")
    same([store.settle_touch(sent)], [False], "settle_touch() of what nobody claimed does nothing")
    same(list(store.touches()), [], "settle_touch() adds nothing")
    store.claim_touch(claim)
    newer = attrs.evolve(claim, attempt=2, detail="newer")
    store.claim_touch(newer)
    same([store.settle_touch(sent)], [False], "settle_touch() of an earlier attempt does nothing")
    same(list(store.touches()), [newer], "an earlier attempt has no say about a later one")
    unknown = attrs.evolve(newer, state="unknown")
    same([store.settle_touch(unknown)], [True], "settle_touch() of the same attempt replaces it")
    sent = attrs.evolve(newer, state="sent")
    same([store.settle_touch(sent)], [True], "settle_touch() settles what was unknown")
    same([store.settle_touch(unknown)], [False], "settle_touch() of what is final does nothing")
    same(list(store.touches()), [sent], "what is final stays")


def check_touches_are_found(make_store: Callable[[], EnrollmentStore]) -> None:
    """Check that records are found by key, and by state."""
    store = make_store()
    first, second = touch("e", "a"), touch("e", "b", second=1, candidate_id="bob")
    for record in (first, second):
        store.claim_touch(record)
    store.settle_touch(attrs.evolve(second, state="unknown"))
    second = attrs.evolve(second, state="unknown")
    found = dict(store.find_touches([first.key, "nobody.0.x"]))
    same(found, {first.key: first}, "find_touches() returns those there are, by key")
    same(dict(store.find_touches([])), {}, "find_touches() of no key are none")
    got = list(store.touches(states=[TouchState.UNKNOWN]))
    same(got, [second], "touches(states=…) are those alone")
    got = list(store.touches(["ada"], states=[TouchState.UNKNOWN, TouchState.SENT]))
    same(got, [], "touches(ids, states=…) are of these people in these states")


def check_touches_come_in_order(make_store: Callable[[], EnrollmentStore]) -> None:
    """Check that records come by instant, enrolment, rotation and touch."""
    store = make_store()
    records = [
        touch("z", "a", second=-1, candidate_id="bob"),
        touch("d", "b"),
        touch("e", "b"),
        attrs.evolve(touch("e", "a"), rotation=2),
        attrs.evolve(touch("e", "b"), rotation=10),
    ]
    for record in reversed(records):
        store.claim_touch(record)
    same(list(store.touches()), records, "touches() are ordered and whole")
    same(list(store.touches(["bob"])), records[:1], "touches(ids) are theirs alone")
    same(list(store.touches([])), [], "touches() of nobody are none")


def check_racing_claims(make_store: Callable[[], EnrollmentStore]) -> None:
    """Check that, of eight threads that claim the same fifty touches, exactly one wins each."""
    store = make_store()

    def claim(thread: int) -> list[str]:
        records = [touch("e", f"t{number}", detail=str(thread)) for number in range(50)]
        return [record.touch for record in records if store.claim_touch(record) is None]

    won = sorted(key for keys in together(8, claim) for key in keys)
    expected = sorted(f"t{number}" for number in range(50))
    same(won, expected, "of several threads that claim one touch, exactly one gets None")
