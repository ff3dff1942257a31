"""Deliver: one due touch becomes at most one message, whatever is cut off in between."""

import hashlib
from datetime import datetime, timedelta
from email.utils import format_datetime

import attrs

from crmkit.cadence import Plan, PlannedTouch, Touch, TouchRecord, TouchState
from crmkit.cadence._ledger import touch_key
from crmkit.errors import InvalidRecord, RenderError, SenderError
from crmkit.lifecycle._visit import Visit
from crmkit.lifecycle._workspace import Workspace
from crmkit.model import Channel, Delivery, Interaction, Message, Receipt, Relationship, brief
from crmkit.permission import usable_address
from crmkit.protocols import Rendered

OPEN = frozenset({TouchState.SENDING, TouchState.FAILED, TouchState.REFUSED})
"""States in which something may still be done about a touch."""

RETRY = timedelta(minutes=30)
"""How long the second call waits for: RFC 5321, 4.5.4.1, asks mail to wait at least so long."""
LONGEST = timedelta(days=1)
"""Each further call waits twice as long, up to this: a convention."""

SHOWS_IT_LEFT = frozenset({"sent", "delivered", "opened", "clicked", "replied", "bounced"})
"""The kinds that, where they name a touch, show that its message has left."""


@attrs.frozen
class Case:
    """One due touch of one person."""

    relationship: Relationship
    calendar: Plan
    planned: PlannedTouch
    name: str
    """The key under which the ledger has it: the touch's own, or one that it had earlier."""
    there: TouchRecord | None = None
    """What the ledger has of it."""

    @property
    def touch(self) -> Touch:
        return self.planned.touch

    @property
    def key(self) -> str:
        return touch_key(self.calendar.enrollment.id, self.planned.rotation, self.name)

    def record(self, state: TouchState, detail: str | None = None) -> TouchRecord:
        """Return the record of what becomes of it now, under the attempt that there is."""
        return TouchRecord(
            enrollment_id=self.calendar.enrollment.id,
            rotation=self.planned.rotation,
            touch=self.name,
            candidate_id=self.calendar.enrollment.candidate_id,
            state=state,
            due_at=self.planned.due_at,
            at=self.calendar.now,
            attempt=self.there.attempt if self.there else 1,
            detail=detail,
        )

    def claim(self, state: TouchState) -> TouchRecord:
        """Return the record that takes the touch, under the next attempt."""
        taken = self.record(state)
        return attrs.evolve(taken, attempt=taken.attempt + 1) if self.there else taken


@attrs.frozen
class Call:
    """One call of the sender that may be made, if the ledger lets it."""

    visit: Visit
    case: Case
    message: Message
    record: TouchRecord
    """What claims the touch for the call."""

    @property
    def again(self) -> bool:
        """Whether an earlier call was cut off, so that the message may have left already."""
        return self.case.there is not None and self.case.there.state is TouchState.SENDING


@attrs.frozen
class Refusal:
    """Why a due touch does not go, and from when on it may."""

    rule: str
    why: str
    next_at: datetime | None = None


def call_for(work: Workspace, visit: Visit, case: Case) -> Call | Refusal:
    """Return the call that a due touch asks for, or the reason for which there is none."""
    if work.sender is None:
        raise SenderError("nothing can be sent without a sender: CRM(store, sender)")
    claimed = case.claim(TouchState.SENDING)
    now = claimed.at
    if case.there and case.there.state is TouchState.SENDING:
        # The very same message as then, or none.
        now = case.there.at
        claimed = attrs.evolve(claimed, at=now)
    message = _message(work, visit, case, now)
    if isinstance(message, Refusal):
        return message
    digest = _digest(message)
    if case.there and case.there.state is TouchState.SENDING and digest != case.there.digest:
        return Refusal("render", "its message would be another one now")
    return Call(visit, case, message, attrs.evolve(claimed, digest=digest))


def _message(work: Workspace, visit: Visit, case: Case, now: datetime) -> Message | Refusal:
    planned, channel = case.planned, case.planned.channel
    address = usable_address(case.relationship, now=case.calendar.now, channel=channel)
    if address is None:
        return Refusal("address", f"none is known for {channel}")
    try:
        link = None
        if work.links and channel is Channel.EMAIL:
            link = work.links.link(case.key)
        text = _text(work, case.relationship, planned, now, link)
        return Message(
            key=case.key,
            candidate_id=case.relationship.id,
            to=address,
            subject=text.subject,
            body=text.body,
            html=text.html if channel is Channel.EMAIL else None,
            unsubscribe=link,
            channel=channel,
            thread=case.calendar.enrollment.id,
            replies_to=_thread(visit, case),
            list_id=case.calendar.cadence.name,
            headers={"Date": format_datetime(now)} if channel is Channel.EMAIL else {},
        )
    except (RenderError, InvalidRecord) as error:
        return Refusal("render", str(error))


def _text(
    work: Workspace,
    relationship: Relationship,
    planned: PlannedTouch,
    now: datetime,
    link: str | None,
) -> Rendered:
    if planned.by_hand:
        return draft(work, relationship, planned, now)
    # A renderer that knows of no links is still asked as it was.
    more = {} if link is None else {"unsubscribe": link}
    touch, piece = _touch(planned), planned.piece
    return work.renderer.render(touch, relationship, now=now, piece=piece, **more)


def draft(
    work: Workspace, relationship: Relationship, planned: PlannedTouch, now: datetime
) -> Rendered:
    """Return the draft of a touch by hand: the host's drafter's, or else the touch's own text."""
    if work.drafter is None:
        piece = planned.piece
        return work.renderer.render(_touch(planned), relationship, now=now, piece=piece)
    known = brief(relationship, now=now)
    return work.drafter(_touch(planned), relationship, brief=known, now=now)


def _touch(planned: PlannedTouch) -> Touch:
    run = planned.frame.enrollment
    return planned.touch.as_variant(planned.touch.variant_for(run.id))


def _thread(visit: Visit, case: Case) -> tuple[str, ...]:
    """Return the keys of what was sent in the same run, oldest first."""
    run = case.calendar.enrollment.id
    sent = [
        record
        for record in visit.ledger.values()
        if record.state is TouchState.SENT and record.enrollment_id == run
    ]
    return tuple(record.key for record in sorted(sent, key=lambda each: (each.at, each.key)))


def _digest(message: Message) -> str:
    """Return what tells one message from another under the same key."""
    parts = attrs.astuple(message, recurse=False)
    return hashlib.sha256(repr(parts).encode(errors="surrogatepass")).hexdigest()[:32]


def settled(call: Call, receipt: Receipt, now: datetime) -> TouchRecord | None:
    """Return what became of a call; None if nobody knows more than before it."""
    state = state_of(receipt)
    if call.again and state is TouchState.FAILED:
        # That nothing left this time says nothing about the call that was cut off before.
        return None
    next_at = None
    if state is TouchState.FAILED:
        next_at = now + (receipt.retry_after or back_off(call.record.attempt))
    return attrs.evolve(
        call.record,
        state=state,
        next_at=next_at,
        provider_id=receipt.provider_id,
        detail=receipt.detail or _DOUBT.get(state),
    )


def back_off(attempt: int) -> timedelta:
    """Return how long to wait after an attempt that left nothing.

    >>> [str(back_off(attempt)) for attempt in (1, 2, 3, 9)]
    ['0:30:00', '1:00:00', '2:00:00', '1 day, 0:00:00']
    """
    return min(RETRY * (1 << min(attempt - 1, 10)), LONGEST)


def is_within_window(work: Workspace, record: TouchRecord, now: datetime) -> bool:
    """Say whether the sender may be given the same message again."""
    window = getattr(work.sender, "deduplication_window", timedelta(0))
    return bool(window) and timedelta(0) <= now - record.at < window


_STATES = {
    Delivery.ACCEPTED: TouchState.SENT,
    Delivery.REJECTED: TouchState.REJECTED,
    Delivery.LATER: TouchState.FAILED,
    Delivery.UNKNOWN: TouchState.UNKNOWN,
}
_DOUBT = {TouchState.UNKNOWN: "the sender cannot say whether it left"}


def state_of(receipt: Receipt) -> TouchState:
    """Return the state that a sender's answer puts a touch in."""
    return _STATES[receipt.delivery]


def sent_fact(
    record: TouchRecord, channel: Channel | None = None, planned: PlannedTouch | None = None
) -> Interaction:
    """Return the fact that a touch was sent."""
    what = {
        "piece": planned.piece.id if planned and planned.piece else None,
        "variant": planned.variant if planned else None,
    }
    return Interaction(
        candidate_id=record.candidate_id,
        kind="sent",
        at=record.at,
        channel=channel,
        enrollment_id=record.enrollment_id,
        touch=record.touch,
        rotation=record.rotation,
        properties={name: value for name, value in what.items() if value is not None},
    )
