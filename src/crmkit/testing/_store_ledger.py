"""The store contract for cadences, clause by clause."""

from collections.abc import Callable
from datetime import timedelta

import attrs

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
    store.settle_touch(attrs.evolve(claim, state="failed", detail="nothing left"))
    again = touch("e", "welcome", detail="again")
    same(store.claim_touch(again), None, "claim_touch() of a failed touch returns None")
    same(list(store.touches()), [again], "the new claim takes the place of the failed one")
    later = touch("e", "welcome", detail="later")
    same(store.claim_touch(later), again, "a touch that was claimed again is taken")


def check_settling_replaces(make_store: Callable[[], EnrollmentStore]) -> None:
    """Check that a settled record takes the place of the claim, and the touch stays taken."""
    store = make_store()
    claim, other = touch("e", "welcome"), touch("e", "value")
    store.claim_touch(claim)
    store.claim_touch(other)
    settled = attrs.evolve(
        claim, state="sent", at=START + timedelta(hours=1), provider_id="p-1", detail="fine"
    )
    store.settle_touch(settled)
    same(list(store.touches()), [other, settled], "settle_touch() replaces that record alone")
    same(store.claim_touch(claim), settled, "a settled touch cannot be claimed again")


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
