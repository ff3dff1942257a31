"""The store contract for suppression and erasure, clause by clause."""

from collections.abc import Callable

import attrs

from crmkit.model import Reason, Suppression, SuppressionReason, address_digest
from crmkit.protocols import (
    BATCH,
    EnrollmentStore,
    InteractionStore,
    MembershipStore,
    SuppressionStore,
)
from crmkit.testing._store_samples import (
    START,
    TICK,
    fact,
    member,
    move,
    same,
    together,
    touch,
)

_ADA, _BOB = (address_digest(f"{name}@example.org") for name in ("ada", "bob"))


def silent(digest: str, reason: str, second: int = 0) -> Suppression:
    """Return an address that must stay silent."""
    return Suppression(digest=digest, reason=reason, at=START + second * TICK)


def check_suppressions_are_kept(make_store: Callable[[], SuppressionStore]) -> None:
    """Check that the first entry of a digest and reason stands, and comes back by digest."""
    store = make_store()
    same(store.suppressions([_ADA]), {}, "at first nothing is suppressed")
    first, second = silent(_ADA, "unsubscribed"), silent(_ADA, "bounced", 1)
    other = silent(_BOB, "listed")
    same(store.suppress([first, first, other]), 2, "suppress() says how many were new")
    again = silent(_ADA, "unsubscribed", 2)
    same(store.suppress([again, second]), 1, "suppress() counts only what was new")
    same(store.suppress([]), 0, "suppress() of nothing is nothing")
    got = {digest: tuple(entries) for digest, entries in store.suppressions([_ADA, _BOB]).items()}
    same(got, {_ADA: (second, first), _BOB: (other,)}, "suppressions() come by reason, the first")
    same(dict(store.suppressions([])), {}, "suppressions() of no digest are none")
    many = [f"{number:064x}" for number in range(BATCH - 1)]
    got = {digest: tuple(entries) for digest, entries in store.suppressions([*many, _BOB]).items()}
    same(got, {_BOB: (other,)}, "suppressions() takes BATCH digests, and leaves out the unknown")


def check_lifting_forgets(make_store: Callable[[], SuppressionStore]) -> None:
    """Check that what is lifted is gone, for these digests and reasons alone, and may return."""
    store = make_store()
    entries = [silent(_ADA, "unsubscribed"), silent(_ADA, "bounced"), silent(_BOB, "unsubscribed")]
    store.suppress(entries)
    store.lift([_ADA], [SuppressionReason.UNSUBSCRIBED, SuppressionReason.LISTED])
    store.lift([_BOB], [])
    store.lift([], [SuppressionReason.UNSUBSCRIBED])
    kept = {digest: tuple(each) for digest, each in store.suppressions([_ADA, _BOB]).items()}
    same(kept, {_ADA: (entries[1],), _BOB: (entries[2],)}, "lift() forgets only what it names")
    later = silent(_ADA, "unsubscribed", 5)
    same(store.suppress([later]), 1, "what was lifted can be suppressed again")
    got = tuple(store.suppressions([_ADA])[_ADA])
    same(got, (entries[1], later), "what was lifted and suppressed again has the new instant")


def check_suppressing_together(make_store: Callable[[], SuppressionStore]) -> None:
    """Check that of the same entries from several threads each is new once."""
    store = make_store()
    entries = [silent(f"{number:064x}", "listed") for number in range(50)]
    counts = together(4, lambda _: store.suppress(entries))
    same(sum(counts), len(entries), "each entry is new for one caller")


def check_facts_are_redacted(make_store: Callable[[], InteractionStore]) -> None:
    """Check that a redacted fact takes the place of the stored one, and that none is added."""
    store = make_store()
    told = attrs.evolve(fact("ada", 0), properties={"text": "secret"}, outcome="said much")
    bare = attrs.evolve(told, properties={}, outcome=None)
    other = fact("ada", 1)
    store.append_interactions([told, other])
    store.redact_interactions([bare, fact("bob", 2)])
    store.redact_interactions([])
    got = list(store.interactions(["ada", "bob"]))
    same(got, [bare, other], "redact_interactions() replaces by id, and adds nothing")
    same(store.append_interactions([told]), 0, "a redacted fact does not come back")
    same(list(store.interactions(["ada"])), [bare, other], "a redacted fact stays as it is")


def check_transitions_are_redacted(make_store: Callable[[], MembershipStore]) -> None:
    """Check that a redacted transition takes the place of the logged one; memberships stay."""
    store = make_store()
    entered = move("ada", "one", entered=True, second=0)
    left, again = (move("ada", "one", entered=False, second=second) for second in (1, 2))
    store.change_memberships([], [left])
    store.change_memberships([member("ada", "one")], [entered])
    bare = attrs.evolve(entered, because=Reason("erased", holds=True))
    store.redact_transitions([bare, attrs.evolve(again, because=bare.because)])
    store.redact_transitions([])
    got = list(store.transitions())
    same(got, [bare, left], "redact_transitions() replaces what is logged, and adds nothing")
    same(list(store.memberships()), [member("ada", "one")], "redact_transitions() moves nobody")


def check_touches_are_redacted(make_store: Callable[[], EnrollmentStore]) -> None:
    """Check that a redacted record takes the place of the claimed one, and stays claimed."""
    store = make_store()
    told, other = touch("e", "welcome", detail="much"), touch("e", "value", detail="more", second=1)
    for record in (told, other):
        store.claim_touch(record)
    bare = attrs.evolve(told, detail=None)
    store.redact_touches([bare, touch("e", "update", second=2)])
    store.redact_touches([])
    same(list(store.touches()), [bare, other], "redact_touches() replaces, and adds nothing")
    same(store.claim_touch(told), bare, "a redacted touch is claimed still")
