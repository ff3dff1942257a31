"""Touches of which nobody knows: what is found out about them, and by whom."""

from collections.abc import Iterable
from datetime import datetime

import attrs

from crmkit.cadence import TouchRecord, TouchState
from crmkit.cadence._ledger import touch_key
from crmkit.errors import InvalidRecord, NotFound
from crmkit.lifecycle._deliver import SHOWS_IT_LEFT, is_within_window, sent_fact, state_of
from crmkit.lifecycle._live import log
from crmkit.lifecycle._workspace import Workspace
from crmkit.model import Delivery, Interaction, Relationship

CUT_OFF = "a call was cut off; it may have left, so it is not sent again"

Found = tuple[TouchRecord, tuple[Interaction, ...]]
"""What a touch's record becomes, and the facts that follow from it."""


def recover(
    work: Workspace, relationship: Relationship, known: TouchRecord, now: datetime
) -> Found | None:
    """Say what became of a call that was cut off; None: the sender may be given it again.

    What the log shows comes first; then, where it cannot be sent again, what the provider says.
    """
    if shown := _shown(relationship.history, known):
        return _shown_by(shown, known)
    if is_within_window(work, known, now):
        return None
    return closed(work, known, CUT_OFF)


def closed(work: Workspace, known: TouchRecord, why: str) -> Found:
    """Return what the provider says of a call that was cut off, or that nobody knows, and why."""
    unknown = attrs.evolve(known, state=TouchState.UNKNOWN, detail=why), ()
    return ask_sender(work, known) or unknown


def ask_sender(work: Workspace, known: TouchRecord) -> Found | None:
    """Return what the provider says of a message; None if it cannot be asked, or cannot say."""
    find = getattr(work.sender, "find", None)
    if find is None:
        return None
    receipt = find(known.key)
    if receipt.delivery is Delivery.UNKNOWN:
        return None
    if receipt.delivery is Delivery.ACCEPTED:
        found = _left(known, receipt.detail or "the provider has it")
        return attrs.evolve(found[0], provider_id=receipt.provider_id), found[1]
    why = receipt.detail or "the provider never took it"
    return attrs.evolve(known, state=state_of(receipt), detail=why, next_at=None), ()


def evidence(work: Workspace, facts: Iterable[Interaction], now: datetime) -> None:
    """Settle what is unknown and of which facts show that it left; in their transaction."""
    shown = {key: fact for fact in facts if (key := _key(fact))}
    if not shown:
        return
    for key, record in sorted(work.store.find_touches(shown).items()):
        if record.state is TouchState.UNKNOWN:
            settle(work, _shown_by(shown[key], record), now)


def settle(work: Workspace, found: Found, now: datetime) -> bool:
    """Keep what was found out, and return whether nobody was quicker; in a transaction."""
    record, facts = found
    if not work.store.settle_touch(record):
        return False
    if not any(fact.kind == "sent" for fact in facts):
        return True
    log(work, facts, now)
    return True


def _shown(history: Iterable[Interaction], known: TouchRecord) -> Interaction | None:
    return next((fact for fact in history if _key(fact) == known.key), None)


def _key(fact: Interaction) -> str | None:
    """Return the key of the touch that, by this fact, has left."""
    if fact.kind in SHOWS_IT_LEFT and fact.enrollment_id and fact.touch:
        return touch_key(fact.enrollment_id, fact.rotation or 0, fact.touch)
    return None


def _shown_by(fact: Interaction, known: TouchRecord) -> Found:
    record, facts = _left(known, f"a {fact.kind} fact shows that it left")
    return record, (() if fact.kind == "sent" else facts)


def _left(known: TouchRecord, why: str) -> Found:
    sent = attrs.evolve(known, state=TouchState.SENT, detail=why, next_at=None)
    return sent, (sent_fact(sent),)


@attrs.frozen(kw_only=True)
class InDoubt:
    """A touch of which nobody knows whether it left: why, since when, and what to do.

    It is not sent again. It is settled by a fact that names it (a provider's ``delivered``, a
    reply), or by `CRM.resolve`: after a look into the provider's log, or by asking it.
    """

    key: str
    candidate_id: str
    touch: str
    since: datetime
    why: str

    def __str__(self) -> str:
        return (
            f"{self.candidate_id} {self.touch}: unknown since {self.since:%Y-%m-%d %H:%M} UTC, "
            f"{self.why}; look for {self.key} at the provider, then crm.resolve(key, sent=…)"
        )


def in_doubt(work: Workspace) -> tuple[InDoubt, ...]:
    """Return what is unknown, the oldest first."""
    return tuple(
        InDoubt(
            key=record.key,
            candidate_id=record.candidate_id,
            touch=record.touch,
            since=record.at,
            why=record.detail or CUT_OFF,
        )
        for record in work.store.touches(states=[TouchState.UNKNOWN])
    )


def resolve(
    work: Workspace,
    key: str,
    now: datetime,
    *,
    sent: bool | None,
    provider_id: str | None,
    detail: str | None,
) -> TouchRecord:
    """Settle what is unknown, by what somebody or the provider says; return the record then."""
    record = work.store.find_touches([key]).get(key)
    if record is None:
        raise NotFound("touch", key)
    if record.state is not TouchState.UNKNOWN:
        return record
    found: Found | None
    if sent is None:
        if getattr(work.sender, "find", None) is None:
            problem = "expected True or False: this sender cannot be asked what it has taken"
            raise InvalidRecord("sent", problem)
        found = ask_sender(work, record)
    elif sent:
        found = _left(record, detail or "a person says that it left")
    else:
        why = detail or "a person says that it never left"
        found = attrs.evolve(record, state=TouchState.FAILED, detail=why, next_at=None), ()
    if found is None:
        return record
    if provider_id is not None:
        found = attrs.evolve(found[0], provider_id=provider_id), found[1]
    with work.store.transaction():
        work.store.hold([record.candidate_id])
        settle(work, found, now)
        work.store.wake([record.candidate_id])
        return work.store.find_touches([key])[key]
