"""Deliver: one due touch becomes at most one message, whatever is cut off in between."""

from datetime import datetime
from email.utils import format_datetime
from enum import Enum

import attrs

from crmkit.cadence import Plan, PlannedTouch, Touch, TouchRecord, TouchState
from crmkit.errors import InvalidRecord, RenderError, SenderError
from crmkit.lifecycle._live import log
from crmkit.lifecycle._workspace import Workspace
from crmkit.model import Channel, Delivery, Interaction, Message, Relationship
from crmkit.permission import usable_address
from crmkit.protocols import Rendered

OPEN = frozenset({TouchState.SENDING, TouchState.FAILED})
"""States in which something may still be done about a touch."""


@attrs.frozen
class Case:
    """One due touch of one person."""

    relationship: Relationship
    calendar: Plan
    planned: PlannedTouch
    name: str
    """The key under which the ledger has it: the touch's own, or one that it had earlier."""

    @property
    def touch(self) -> Touch:
        return self.planned.touch

    @property
    def key(self) -> str:
        return self.record(TouchState.SENDING).key

    def record(
        self, state: TouchState, detail: str | None = None, provider_id: str | None = None
    ) -> TouchRecord:
        return TouchRecord(
            enrollment_id=self.calendar.enrollment.id,
            rotation=self.planned.rotation,
            touch=self.name,
            candidate_id=self.calendar.enrollment.candidate_id,
            state=state,
            due_at=self.planned.due_at,
            at=self.calendar.now,
            provider_id=provider_id,
            detail=detail,
        )


class Claim(Enum):
    """Whether a call of the sender may start."""

    TAKEN = "taken"
    """No: somebody else's call has started, or the touch is settled."""
    FIRST = "first"
    """Yes: none has started, or the last one left nothing."""
    AGAIN = "again"
    """Yes, though an earlier one was cut off and may have left: the sender deduplicates."""


@attrs.frozen
class Delivered:
    """What became of one call of the sender, why, and the fact if the message left."""

    record: TouchRecord
    why: str
    facts: tuple[Interaction, ...] = ()
    moved: bool = False
    """Whether that fact moved the person into or out of a segment."""


def message_for(work: Workspace, case: Case) -> Message | str:
    """Return the message, or the reason for which there is none."""
    if work.sender is None:
        raise SenderError("nothing can be sent without a sender: CRM(store, sender)")
    relationship, planned, now = case.relationship, case.planned, case.calendar.now
    channel = planned.channel
    address = usable_address(relationship, now=now, channel=channel)
    if address is None:
        return f"address: none is known for {channel}"
    try:
        text = render(work, relationship, planned, now)
        return Message(
            key=case.key,
            candidate_id=relationship.id,
            to=address,
            subject=text.subject,
            body=text.body,
            channel=channel,
            thread=case.calendar.enrollment.id,
            headers={"Date": format_datetime(now)} if channel is Channel.EMAIL else {},
        )
    except (RenderError, InvalidRecord) as error:
        return f"render: {error}"


def render(
    work: Workspace, relationship: Relationship, planned: PlannedTouch, now: datetime
) -> Rendered:
    """Return the text of a planned touch, in its variant and with its piece of content."""
    run = planned.frame.enrollment
    touch = planned.touch.as_variant(planned.touch.variant_for(run.id))
    return work.renderer.render(touch, relationship, now=now, piece=planned.piece)


def claim(work: Workspace, case: Case) -> Claim:
    """Say whether a call may start; call it in a transaction, whose commit starts the call."""
    there = work.store.claim_touch(case.record(TouchState.SENDING))
    if there is None:
        return Claim.FIRST
    again = there.state is TouchState.SENDING and _deduplicates(work)
    return Claim.AGAIN if again else Claim.TAKEN


def close(work: Workspace, cut_off: TouchRecord) -> TouchRecord | None:
    """Settle a touch whose call was cut off, unless the sender can be asked again."""
    if _deduplicates(work):
        return None
    with work.store.transaction():
        records = work.store.touches([cut_off.candidate_id])
        there = next(record for record in records if record.key == cut_off.key)
        if there.state is not TouchState.SENDING:
            return there  # another process has settled it since
        detail = "a call was cut off; it may have left, so it is not sent again"
        closed = attrs.evolve(there, state=TouchState.UNKNOWN, detail=detail)
        work.store.settle_touch(closed)
    return closed


def _deduplicates(work: Workspace) -> bool:
    return bool(getattr(work.sender, "deduplication_window", None))


def deliver(work: Workspace, case: Case, message: Message, claimed: Claim) -> Delivered:
    """Call the sender once, and keep what became of it."""
    assert work.sender is not None  # noqa: S101 - there is no message without one
    try:
        receipt = work.sender.send(message)
    except SenderError as error:
        # The sender says that it cannot take messages at all: nothing left.
        _settle(work, case.record(TouchState.FAILED, str(error)), claimed)
        raise
    state = _STATES[receipt.delivery]
    record = case.record(state, receipt.detail, receipt.provider_id)
    facts = (_sent(record, message, case.planned),) if state is TouchState.SENT else ()
    with work.store.transaction():
        _settle(work, record, claimed)
        moved = bool(facts) and bool(log(work, facts, record.at, waking=False).moves)
    why = receipt.detail or receipt.provider_id or receipt.delivery.value
    return Delivered(record, why, facts, moved)


def _settle(work: Workspace, record: TouchRecord, claimed: Claim) -> None:
    # That nothing left this time says nothing about the call that was cut off before.
    if not (claimed is Claim.AGAIN and record.state is TouchState.FAILED):
        work.store.settle_touch(record)


_STATES = {
    Delivery.ACCEPTED: TouchState.SENT,
    Delivery.REJECTED: TouchState.REJECTED,
    Delivery.LATER: TouchState.FAILED,
    Delivery.UNKNOWN: TouchState.UNKNOWN,
}


def _sent(record: TouchRecord, message: Message, planned: PlannedTouch) -> Interaction:
    what = {"piece": planned.piece.id if planned.piece else None, "variant": planned.variant}
    return Interaction(
        candidate_id=record.candidate_id,
        kind="sent",
        at=record.at,
        channel=message.channel,
        enrollment_id=record.enrollment_id,
        touch=record.touch,
        rotation=record.rotation,
        properties={name: value for name, value in what.items() if value is not None},
    )
