"""One person's log, read once, kind by kind: what every count is made from.

Its price is the price of a scorecard, so it goes by the index that a history keeps: most facts
are never looked at one by one.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from types import MappingProxyType

import attrs

from crmkit.engagement import EngagementPolicy
from crmkit.model import KINDS, Channel, FrozenMap, History, Interaction, Relationship, Stage
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

RESPONDED = OPENED | CLICKED | REPLIED | BOUNCED | COMPLAINED | UNSUBSCRIBED
CONSENTED, WITHDREW, AUTOMATIC = (1 << bit for bit in range(6, 9))
"""Kinds that are asked for person by person; the rest are the bits above, and the stages."""
_ACTS, _CONFIRMS, _SPOKE = (1 << bit for bit in range(9, 12))
FUNNEL = 12
"""How far the stages of the funnel are shifted."""

CONFIRMS = frozenset(
    kind for kind, stage in KINDS.items() if stage in {Stage.CAPTURE, Stage.CAREER}
)
"""What says that a profile is still right."""

SPOKE = ("messaged", "called", "met")
"""What we do by hand; with messages, what makes a contact."""

STAGES = ("captured", "contacted", "engaged", "applied", "interviewed", "offered", "hired")
"""The funnel. Whoever is in the CRM is captured; engaged is as the engagement policy says."""

_CONTACTED, _ENGAGED, APPLIED, INTERVIEWED, OFFERED, HIRED = (
    1 << FUNNEL + place for place in range(1, len(STAGES))
)

_NOTED = _ACTS | _CONFIRMS | _SPOKE

_LINKED = (
    ("opened", OPENED, "machine-made opens"),
    ("clicked", CLICKED, "machine-made clicks"),
    ("replied", REPLIED, "machine-made replies"),
    ("bounced", BOUNCED, None),
    ("complained", COMPLAINED, None),
    ("unsubscribed", UNSUBSCRIBED, "machine-made unsubscriptions"),
)
"""A kind, its bit, and what it is called if a machine did it; bounces and complaints are reported
by nobody but machines, so that ``automated`` says nothing of them."""

_UNNAMED, _UNSENT = "before any message", "about a touch not sent before"
_ANSWERED = RESPONDED | AUTOMATIC

_at = attrgetter("at")
_name = attrgetter("touch", "rotation", "enrollment_id")


@attrs.define(eq=False)
class Reading:
    """What one person's log says, up to now."""

    relationship: Relationship
    past: History
    """What had happened."""
    kinds: dict[str, tuple[Interaction, ...]]
    """It by kind, oldest first."""
    seen: int
    """Which kinds there are, as bits: those of this module's constants."""
    messages: tuple[Interaction, ...]
    """What was sent, oldest first."""
    sent_at: list[datetime]
    """When each was."""
    acts: list[datetime]
    """When the person took part, in order."""
    confirmed_at: datetime | None
    """When something last said that the profile is right."""
    spoke_at: datetime | None
    """When we last did something by hand."""
    simulated: bool
    """Whether their oldest fact, or the newest of any kind, says that it is simulated."""
    first_inside: int = 0
    """The place of the first message inside the window; that of none is after the last."""
    cold: int | None = None
    """The place of the first message inside the window that was sent while the person was cold."""
    fates: Sequence[int] = ()
    """The bits of each message."""
    left_out: Sequence[str] = ()
    """Why responses inside the window are not counted: a machine's, or those of no message."""

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
    return stated is not EMPTY and stated.get("simulated") is True


def is_machines(fact: Interaction) -> bool:
    """Whether a machine is known to have done in a person's place what no count is made from."""
    return fact.automated is True and fact.kind in {"opened", "clicked", "replied"}


class Reader:
    """Reads people, some at once.

    Each step is done for all of them before the next: short loops are what a processor predicts
    well, and the price of a person falls by a third.
    """

    def __init__(self, start: datetime, policy: EngagementPolicy) -> None:
        self._start = start
        self._needed = policy.cold_after
        flags = dict.fromkeys(KINDS, 0)
        for kind, bit in RESPONSES.items():
            flags[kind] |= bit
        for kind, weight in policy.weights.items():
            flags[kind] = flags.get(kind, 0) | (_ACTS if weight > 0 else 0)
        for kind in CONFIRMS:
            flags[kind] |= _CONFIRMS
        for kind in SPOKE:
            flags[kind] |= _SPOKE | _CONTACTED
        flags["sent"] |= _CONTACTED
        flags["consented"] |= CONSENTED
        flags["withdrew_consent"] |= WITHDREW
        flags["auto_replied"] |= AUTOMATIC
        for place, kind in enumerate(STAGES):
            if kind in flags and place > 2:
                flags[kind] |= 1 << place + FUNNEL
        self._flags = flags

    def read(self, people: Iterable[tuple[Relationship, History]]) -> list[Reading]:
        """Return what the facts say, person by person; none of them is after now."""
        readings = [self._read(relationship, past) for relationship, past in people]
        start, needed = self._start, self._needed
        for reading in readings:
            sent_at = reading.sent_at
            if sent_at:
                if sent_at[0] <= start:
                    reading.first_inside = bisect_right(sent_at, start)
                delivered = reading.kinds.get("delivered", ())
                if reading.first_inside < len(sent_at) and (
                    len(sent_at) > needed or len(delivered) >= needed
                ):
                    reading.cold = (_cold_with_bounces if reading.seen & BOUNCED else _cold)(
                        reading, delivered, needed
                    )
        self._respond(readings)
        return readings

    def _read(self, relationship: Relationship, past: History) -> Reading:
        kinds, flags = past.by_kind, self._flags
        acts: list[datetime] = []
        confirmed_at = spoke_at = None
        seen = 0
        simulated = bool(kinds) and is_simulated(past.facts[0].properties)
        for kind, facts in kinds.items():
            last = facts[-1]
            stated = last.properties
            if stated is not EMPTY and stated.get("simulated") is True:
                simulated = True
            flag = flags.get(kind, 0)
            seen |= flag
            if flag & _NOTED:
                if flag & _ACTS:
                    acts += [fact.at for fact in facts if fact.automated is not True]
                if flag & _CONFIRMS:
                    at = last.at
                    if confirmed_at is None or at > confirmed_at:
                        confirmed_at = at
                elif flag & _SPOKE:
                    at = last.at
                    if spoke_at is None or at > spoke_at:
                        spoke_at = at
        if acts:
            acts.sort()
            seen |= _ENGAGED
        messages = kinds.get("sent", ())
        return Reading(
            relationship,
            past,
            kinds,
            seen,
            messages,
            [message.at for message in messages],
            acts,
            confirmed_at,
            spoke_at,
            simulated,
        )

    def _respond(  # noqa: C901, PLR0912 - one loop over what may become of a message
        self, readings: Iterable[Reading]
    ) -> None:
        """Add what became of each message, by what people and machines did about it.

        A response is about the newest message before it that bears the name that it says, or, if
        it says none, that went out on its channel. One at the same instant was before it.
        """
        start = self._start
        for reading in readings:
            seen, sent_at = reading.seen, reading.sent_at
            reading.fates = fates = [0] * len(sent_at)
            if not seen & _ANSWERED:
                continue
            kinds, messages = reading.kinds, reading.messages
            left_out: list[str] = []
            named: _Named | None = None
            for kind, bit, by_machine in _LINKED:
                if not seen & bit:
                    continue
                for fact in kinds[kind]:
                    at = fact.at
                    if fact.automated is True and by_machine:
                        if at > start:
                            left_out.append(by_machine)
                        continue
                    if bit == BOUNCED and (fact.outcome or "").lower() == "soft":
                        continue
                    place = bisect_right(sent_at, at) - 1
                    touch = fact.touch
                    if touch is None:
                        channel = fact.channel or Channel.EMAIL
                        while place >= 0 and (messages[place].channel or Channel.EMAIL) != channel:
                            place -= 1
                    elif place >= 0:
                        message = messages[place]
                        if (
                            message.touch != touch
                            or message.rotation != fact.rotation
                            or message.enrollment_id != fact.enrollment_id
                        ):
                            # Mostly it is the newest of all, so that an index is seldom needed.
                            named = named or _Named(messages)
                            place = named.newest(fact, place)
                    if place >= 0:
                        fates[place] |= bit
                    elif at > start:
                        left_out.append(f"{kind} {_UNNAMED if touch is None else _UNSENT}")
            if seen & AUTOMATIC:
                left_out += ["automatic replies" for it in kinds["auto_replied"] if it.at > start]
            reading.left_out = left_out


def _cold(reading: Reading, delivered: Sequence[Interaction], needed: int) -> int | None:
    """Return the place of the first message inside the window before which enough went silent.

    At one instant a message comes before what became of it, and that before any act. Of a stretch
    between two acts only the first message that could be it is looked at.
    """
    sent_at, acts, inside = reading.sent_at, reading.acts, reading.first_inside
    turn = bisect_left(acts, sent_at[inside]) if acts else 0
    while True:
        place, enough = needed, needed - 1
        if turn:
            since = acts[turn - 1]
            place += bisect_right(sent_at, since)
            enough += bisect_right(delivered, since, key=_at)
        if enough < len(delivered):
            place = min(place, bisect_right(sent_at, delivered[enough].at))
        place = max(place, inside)
        if place >= len(sent_at):
            return None
        at = sent_at[place]
        if turn == len(acts) or at <= acts[turn]:
            return place
        turn = bisect_left(acts, at, turn)


def _cold_with_bounces(reading: Reading, reached: Sequence[Interaction], needed: int) -> int | None:
    """Return the place of the first message inside the window before which enough went silent.

    Sent or delivered, whichever are more; a bounce takes back one before it, if there is one.
    """
    sent = delivered = 0
    walk = [
        *((at, 0, place) for place, at in enumerate(reading.sent_at)),
        *((fact.at, 1, 0) for fact in reached),
        *((fact.at, 2, 0) for fact in reading.kinds["bounced"]),
        *((at, 3, 0) for at in reading.acts),
    ]
    for _, what, place in sorted(walk):
        if what == 0:
            if place >= reading.first_inside and max(sent, delivered) >= needed:
                return place
            sent += 1
        elif what == 1:
            delivered += 1
        elif what == 2:
            sent, delivered = max(0, sent - 1), max(0, delivered - 1)
        else:
            sent = delivered = 0
    return None


class _Named:
    """The places of messages by touch, rotation and run."""

    def __init__(self, messages: Sequence[Interaction]) -> None:
        self._places: dict[tuple[object, ...], list[int]] = {}
        for place, message in enumerate(messages):
            self._places.setdefault(_name(message), []).append(place)

    def newest(self, fact: Interaction, upto: int) -> int:
        """Return the last place up to *upto* of a message that the fact names, or -1."""
        places = self._places.get(_name(fact), ())
        count = bisect_right(places, upto)
        return places[count - 1] if count else -1
