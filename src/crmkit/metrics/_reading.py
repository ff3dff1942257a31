"""One person's log, read once, kind by kind: what every count is made from.

Its price is the price of a scorecard, so it goes by the index that a history keeps: most facts
are never looked at one by one.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from types import MappingProxyType

import attrs

from crmkit.engagement import EngagementPolicy
from crmkit.model import KINDS, Channel, FrozenMap, History, Interaction, Stage
from crmkit.model._fields import EMPTY

OPENED, CLICKED, REPLIED, BOUNCED, COMPLAINED, UNSUBSCRIBED = (1 << bit for bit in range(6))
"""What became of a message; several at once are added up."""

RESPONSES: Mapping[str, int] = MappingProxyType(
    {
        "opened": OPENED,
        "clicked": CLICKED,
        "replied": REPLIED,
        "bounced": BOUNCED,
        "complained": COMPLAINED,
        "unsubscribed": UNSUBSCRIBED,
    }
)
"""Which kinds are about a message, and the bit of each."""

CONFIRMS = frozenset(
    kind for kind, stage in KINDS.items() if stage in {Stage.CAPTURE, Stage.CAREER}
)
"""What says that a profile is still right."""

SPOKE = ("messaged", "called", "met")
"""What we do by hand; with messages, what makes a contact."""

STAGES = ("captured", "contacted", "engaged", "applied", "interviewed", "offered", "hired")
"""The funnel. Whoever is in the CRM is captured; engaged is as the engagement policy says."""

CONTACTED, ENGAGED = 1 << 1, 1 << 2
"""Bits of what somebody reached; the rest in the order of `STAGES`."""

_RESPONDS, _ACTS, _CONFIRMS, _SPOKE = (1 << bit for bit in range(8, 12))
_STAGE = 16
_SYSTEM = BOUNCED | COMPLAINED
"""What nobody does but machines: ``automated`` says nothing."""

_BITS = tuple(RESPONSES.items())
_at = attrgetter("at")


@attrs.define(eq=False)
class Reading:
    """What one person's log says, up to now."""

    kinds: dict[str, tuple[Interaction, ...]]
    """The facts by kind, oldest first."""
    messages: tuple[Interaction, ...]
    """What was sent, oldest first."""
    fates: list[int]
    """The bits of each message."""
    first_inside: int
    """The place of the first message inside the window; that of none is after the last."""
    cold: Interaction | None
    """The first message inside the window that was sent while the person was cold."""
    acted_at: datetime | None
    """When the person last took part."""
    confirmed_at: datetime | None
    """When something last said that the profile is right."""
    spoke_at: datetime | None
    """When we last did something by hand."""
    reached: int
    """The stages that they reached, as bits."""
    machines: list[Interaction]
    """What a machine did in the person's place."""
    lost: list[tuple[Interaction, str]]
    """Responses that belong to no message, and why."""
    simulated: bool
    """Whether their oldest fact, or the newest of any kind, says that it is simulated."""

    def cadence_of(self, run: str | None) -> str | None:
        """Return the cadence of a run, as its ``enrolled`` fact states it."""
        if run is not None:
            for fact in self.kinds.get("enrolled", ()):
                if fact.enrollment_id == run:
                    stated = fact.properties.get("cadence")
                    return stated if isinstance(stated, str) else None
        return None


def is_simulated(stated: FrozenMap) -> bool:
    """Whether the properties of a fact, or what a host keeps of a person, say so."""
    return stated.get("simulated") is True


def is_machines(fact: Interaction) -> bool:
    """Whether a machine is known to have done in a person's place what no count is made from."""
    return fact.automated is True and fact.kind in {"opened", "clicked", "replied"}


class Reader:
    """Reads one person after another."""

    def __init__(self, start: datetime, policy: EngagementPolicy) -> None:
        self._start = start
        self._cold_after = policy.cold_after
        flags = dict.fromkeys(KINDS, 0)
        for kind, bit in RESPONSES.items():
            flags[kind] |= _RESPONDS | bit
        for kind, weight in policy.weights.items():
            flags[kind] = flags.get(kind, 0) | (_ACTS if weight > 0 else 0)
        for kind in CONFIRMS:
            flags[kind] |= _CONFIRMS
        for kind in SPOKE:
            flags[kind] |= _SPOKE | CONTACTED << _STAGE
        for place, kind in enumerate(STAGES):
            if kind in flags and place > 2:
                flags[kind] |= 1 << place + _STAGE
        self._flags = {kind: flag for kind, flag in flags.items() if flag}

    def read(self, past: History) -> Reading:  # noqa: C901 - one loop over the kinds
        """Return what the facts say; none of them is after now."""
        kinds, flags = past.by_kind, self._flags
        acts: list[datetime] = []
        confirmed_at = spoke_at = None
        reached = 0
        responds = False
        simulated = is_simulated(past.facts[0].properties) if kinds else False
        for kind, facts in kinds.items():
            stated = facts[-1].properties
            if stated is not EMPTY and is_simulated(stated):
                simulated = True
            if kind not in flags:
                continue
            flag = flags[kind]
            if flag & _ACTS:
                acts += [fact.at for fact in facts if fact.automated is not True]
            if flag & _RESPONDS:
                responds = True
                continue
            if flag & _CONFIRMS:
                at = facts[-1].at
                if confirmed_at is None or at > confirmed_at:
                    confirmed_at = at
            if flag & _SPOKE:
                at = facts[-1].at
                if spoke_at is None or at > spoke_at:
                    spoke_at = at
            reached |= flag >> _STAGE
        messages = kinds.get("sent", ())
        if acts:
            acts.sort()
            reached |= ENGAGED
        found = Reading(
            kinds,
            messages,
            [0] * len(messages),
            0,
            None,
            acts[-1] if acts else None,
            confirmed_at,
            spoke_at,
            reached,
            [],
            [],
            simulated,
        )
        if messages:
            found.reached = reached | CONTACTED
            self._place(found, acts)
        if responds:
            _respond(found)
        return found

    def _place(self, found: Reading, acts: list[datetime]) -> None:
        """Find the first message inside the window, and the first sent while cold."""
        messages, start = found.messages, self._start
        if messages[0].at <= start:
            found.first_inside = bisect_right(messages, start, key=_at)
        delivered = found.kinds.get("delivered", ())
        if len(messages) <= self._cold_after and len(delivered) < self._cold_after:
            return
        if "bounced" in found.kinds:
            found.cold = _cold_with_bounces(found, acts, self._cold_after)
        else:
            found.cold = self._cold(found, delivered, acts)

    def _cold(
        self, found: Reading, delivered: Sequence[Interaction], acts: list[datetime]
    ) -> Interaction | None:
        """Return the first message inside the window before which enough went unanswered.

        At one instant a message comes before what became of it, and that before any act.
        """
        messages, needed = found.messages, self._cold_after
        next_act = oldest = 0
        acted = len(acts)
        many = delivered[needed - 1].at if len(delivered) >= needed else None
        for place in range(found.first_inside, len(messages)):
            message = messages[place]
            at = message.at
            if next_act < acted and acts[next_act] < at:
                next_act = bisect_left(acts, at)
                since = acts[next_act - 1]
                oldest = bisect_right(messages, since, key=_at)
                enough = bisect_right(delivered, since, key=_at) + needed - 1
                many = delivered[enough].at if enough < len(delivered) else None
            if place - oldest >= needed or (many is not None and many < at):
                return message
        return None


def _cold_with_bounces(found: Reading, acts: list[datetime], needed: int) -> Interaction | None:
    """Return the first message inside the window before which enough went unanswered.

    Sent or delivered, whichever are more; a bounce takes back one before it, if there is one.
    """
    kinds, sent, delivered = found.kinds, 0, 0
    walk = [
        *((fact.at, 0, place) for place, fact in enumerate(found.messages)),
        *((fact.at, 1, 0) for fact in kinds.get("delivered", ())),
        *((fact.at, 2, 0) for fact in kinds["bounced"]),
        *((at, 3, 0) for at in acts),
    ]
    for _, what, place in sorted(walk):
        if what == 0:
            if place >= found.first_inside and max(sent, delivered) >= needed:
                return found.messages[place]
            sent += 1
        elif what == 1:
            delivered += 1
        elif what == 2:
            sent, delivered = max(0, sent - 1), max(0, delivered - 1)
        else:
            sent = delivered = 0
    return None


def _respond(found: Reading) -> None:
    """Add what became of each message, by what people and machines did about it."""
    messages, fates, kinds = found.messages, found.fates, found.kinds
    named = {message.touch: place for place, message in enumerate(messages)}
    for kind, bit in _BITS:
        for fact in kinds.get(kind, ()):
            if fact.automated is True and not bit & _SYSTEM:
                found.machines.append(fact)
                continue
            if bit == BOUNCED and (fact.outcome or "").lower() == "soft":
                continue
            touch = fact.touch
            if touch is not None and touch in named:
                which = named[touch]
                message = messages[which]
                if (
                    message.rotation == fact.rotation
                    and message.enrollment_id == fact.enrollment_id
                    and message.at <= fact.at
                ):
                    fates[which] |= bit
                    continue
            which = _message_of(fact, messages)
            if which < 0:
                found.lost.append((fact, _why_lost(fact)))
            else:
                fates[which] |= bit


def _message_of(fact: Interaction, messages: Sequence[Interaction]) -> int:
    """Return the place of the message that a response is about, or -1.

    The one that it names, or, if it names none, the newest one before it on its channel. One at
    the same instant was before it.
    """
    for place in range(bisect_right(messages, fact.at, key=_at) - 1, -1, -1):
        message = messages[place]
        if fact.touch is None:
            if (message.channel or Channel.EMAIL) == (fact.channel or Channel.EMAIL):
                return place
        elif (message.touch, message.enrollment_id, message.rotation) == (
            fact.touch,
            fact.enrollment_id,
            fact.rotation,
        ):
            return place
    return -1


def _why_lost(fact: Interaction) -> str:
    if fact.touch is None:
        return f"{fact.kind} before any message"
    return f"{fact.kind} about a touch not sent before"
