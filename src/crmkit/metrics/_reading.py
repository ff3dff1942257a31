"""One person's log, read once, kind by kind: what every count is made from.

Its price is the price of a scorecard, so it goes by the index that a history keeps: most facts
are never looked at one by one.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from types import MappingProxyType

from crmkit._time import earliest
from crmkit.engagement import EngagementPolicy
from crmkit.model import KINDS, Channel, History, Interaction, Relationship, Stage
from crmkit.model._fields import EMPTY
from crmkit.model._process import CLOSING, OPENING

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
_SIMULATED = 1 << 9
"""Their record, their oldest fact, or the newest of any kind, says that it is simulated."""
_ACTS, _CONFIRMS, _SPOKE = (1 << bit for bit in range(10, 13))
CONSIDERED = 1 << 13
"""A process began or ended."""
FUNNEL = 14
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

_MADE = {
    OPENED: "machine-made opens",
    CLICKED: "machine-made clicks",
    REPLIED: "machine-made replies",
    UNSUBSCRIBED: "machine-made unsubscriptions",
}
"""What it is called if a machine did it; bounces and complaints are reported by nobody but
machines, so that ``automated`` says nothing of them."""
_LINKED = tuple(
    tuple((kind, bit, _MADE.get(bit)) for kind, bit in RESPONSES.items() if bits & bit)
    for bits in range(RESPONDED + 1)
)
"""What somebody has of `RESPONSES`, by the bits of it."""

_UNNAMED, _UNSENT = "before any message", "about a touch not sent before"
_ANSWERED = RESPONDED | AUTOMATIC

_at = attrgetter("at")
_name = attrgetter("touch", "rotation", "enrollment_id")


class Reading:
    """What one person's log says, up to now; `Reader` fills it."""

    __slots__ = (
        *("acts", "cadences", "cold", "confirmed_at", "facts", "fates", "first_inside"),
        *("kinds", "left_out", "messages", "relationship", "replies", "seen", "sent_at"),
        "spoke_at",
    )
    relationship: Relationship
    facts: tuple[Interaction, ...]
    """What had happened, oldest first."""
    kinds: dict[str, tuple[Interaction, ...]]
    """It by kind."""
    seen: int
    """Which kinds there are, as bits: those of this module's constants."""
    acts: list[datetime]
    """When the person took part, in order."""
    confirmed_at: datetime | None
    """When something last said that the profile is right."""
    spoke_at: datetime | None
    """When we last did something by hand."""
    messages: tuple[Interaction, ...]
    """What was sent, oldest first."""
    sent_at: list[datetime]
    """When each was."""
    first_inside: int
    """The place of the first message inside the window; that of none is after the last."""
    cadences: dict[str | None, str | None]
    """Runs and the cadence of each, as its ``enrolled`` fact states it; only of those who were
    sent a message inside the window."""
    cold: int | None
    """The place of the first message inside the window that was sent while the person was cold."""
    fates: list[int]
    """The bits of each message, by the responses inside the window."""
    replies: Sequence[int]
    """The places of the messages that were replied to, in the order of the replies."""
    left_out: Sequence[str]
    """Why responses inside the window are not counted: a machine's, or those of no message."""


def is_machines(fact: Interaction) -> bool:
    """Whether a machine is known to have done in a person's place what no count is made from."""
    return fact.automated is True and fact.kind in {"opened", "clicked", "replied"}


class Reader:
    """Reads people, some at once.

    Each step is done for all of them before the next: short loops are what a processor predicts
    well, and the price of a person falls by a third. Nor is anything called in Python for each
    person that need not be: even a property, or `FrozenMap.get`, takes as long as ten comparisons.
    """

    def __init__(self, now: datetime, start: datetime, policy: EngagementPolicy) -> None:
        self.later = 0
        """People of whom every fact is dated after now."""
        self.simulated = 0
        """People whose record, oldest fact, or newest of any kind says that it is simulated."""
        self.next_fact: datetime | None = None
        """When the first fact that is dated after now arrives, leaving out machines'."""
        self._spare: list[Reading] = []
        self._now, self._start = now, start
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
        for kind in OPENING | CLOSING:
            flags[kind] |= CONSIDERED
        for place, kind in enumerate(STAGES):
            if kind in flags and place > 2:
                flags[kind] |= 1 << place + FUNNEL
        self._flags = flags

    def read(self, relationships: Sequence[Relationship]) -> list[Reading]:
        """Return what the facts say of those who are known by now, person by person.

        The next call writes over what it returned.
        """
        readings = self._look(relationships)
        self._place(readings)
        self._find_cold(readings)
        self._respond(readings)
        return readings

    def _look(  # noqa: C901, PLR0912 - one loop over the kinds
        self, relationships: Sequence[Relationship]
    ) -> list[Reading]:
        flag_of, now, spare = self._flags.get, self._now, self._spare
        while len(spare) < len(relationships):
            spare.append(Reading())
        readings: list[Reading] = []
        for relationship, reading in zip(relationships, spare):  # noqa: B905 - some may be spare
            past = relationship.history
            facts = past.facts
            if facts:
                if facts[-1].at > now:
                    self._note_coming(past)
                    past = past.upto(now)
                    facts = past.facts
                    if not facts:
                        self.later += 1
                        continue
                seen = _SIMULATED if facts[0].properties._items.get("simulated") is True else 0
            else:
                seen = 0
            custom = relationship.candidate.custom
            if custom is not EMPTY and custom.get("simulated") is True:
                seen |= _SIMULATED
            acts: list[datetime] = []
            confirmed_at = spoke_at = None
            kinds = past.by_kind
            for kind, found in kinds.items():
                newest = found[-1]
                stated = newest.properties
                if stated is not EMPTY and stated._items.get("simulated") is True:
                    seen |= _SIMULATED
                flag = flag_of(kind, 0)
                seen |= flag
                if flag & _NOTED:
                    if flag & _ACTS:
                        for fact in found:
                            if fact.automated is not True:
                                acts.append(fact.at)  # noqa: PERF401 - as below
                    if flag & _CONFIRMS:
                        at = newest.at
                        if confirmed_at is None or at > confirmed_at:
                            confirmed_at = at
                    elif flag & _SPOKE:
                        at = newest.at
                        if spoke_at is None or at > spoke_at:
                            spoke_at = at
            if acts:
                acts.sort()
                seen |= _ENGAGED
            if seen & _SIMULATED:
                self.simulated += 1
            reading.relationship, reading.facts, reading.kinds = relationship, facts, kinds
            reading.seen, reading.acts = seen, acts
            reading.confirmed_at, reading.spoke_at = confirmed_at, spoke_at
            readings.append(reading)
        return readings

    def _note_coming(self, history: History) -> None:
        coming: Sequence[Interaction] = history.after(self._now)
        if len(coming) < len(history):  # else whatever comes first brings the person with it
            coming = [fact for fact in coming if not is_machines(fact)]
        self.next_fact = earliest(self.next_fact, *(fact.at for fact in coming[:1]))

    def _place(self, readings: Iterable[Reading]) -> None:
        """Find the first message inside the window, and whose cadences those after it are of."""
        start = self._start
        for reading in readings:
            kinds = reading.kinds
            reading.messages = messages = kinds.get("sent", ())
            reading.sent_at = sent_at = []
            reading.first_inside, reading.cold = 0, None
            if not messages:
                continue
            for message in messages:
                sent_at.append(message.at)  # noqa: PERF401 - a comprehension is a call in 3.11
            if sent_at[0] <= start:
                reading.first_inside = bisect_right(sent_at, start)
                if reading.first_inside == len(sent_at):
                    continue
            reading.cadences = cadences = {}
            for fact in kinds.get("enrolled", ()):
                if fact.enrollment_id is not None and fact.enrollment_id not in cadences:
                    stated = fact.properties._items.get("cadence")
                    cadences[fact.enrollment_id] = stated if isinstance(stated, str) else None

    def _find_cold(  # noqa: C901, PLR0912 - one loop over the stretches
        self, readings: Iterable[Reading]
    ) -> None:
        """Find the first message inside the window before which enough went unanswered.

        At one instant a message comes before what became of it, and that before any act. Of a
        stretch between two acts only the first message that could be it is looked at.
        """
        needed = self._needed
        for reading in readings:
            sent_at, inside = reading.sent_at, reading.first_inside
            count = len(sent_at)
            if inside == count:
                continue
            delivered = reading.kinds.get("delivered", ())
            if count <= needed and len(delivered) < needed:
                continue
            acts = reading.acts
            if reading.seen & BOUNCED:
                reading.cold = _cold_with_bounces(reading, delivered, needed)
                continue
            turn = bisect_left(acts, sent_at[inside]) if acts else 0
            while True:
                place, enough = needed, needed - 1
                if turn:
                    since = acts[turn - 1]
                    if sent_at[0] <= since:
                        place += bisect_right(sent_at, since)
                    if delivered and delivered[0].at <= since:
                        enough += bisect_right(delivered, since, key=_at)
                if enough < len(delivered):
                    at = delivered[enough].at
                    if place > count or at < sent_at[place - 1]:
                        place = bisect_right(sent_at, at)
                if place < inside:
                    place = inside
                elif place >= count:
                    break
                at = sent_at[place]
                if turn == len(acts) or at <= acts[turn]:
                    reading.cold = place
                    break
                turn = bisect_left(acts, at, turn)

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
            reading.left_out = reading.replies = ()
            if not seen & _ANSWERED:
                continue
            kinds, messages = reading.kinds, reading.messages
            left_out: list[str] = []
            replies: list[int] = []
            named: _Named | None = None
            for kind, bit, by_machine in _LINKED[seen & RESPONDED]:
                for fact in kinds[kind]:
                    at = fact.at
                    if at <= start:
                        continue  # nor was its message inside the window
                    if by_machine:
                        if fact.automated is True:
                            left_out.append(by_machine)
                            continue
                    elif bit == BOUNCED and (fact.outcome or "").lower() == "soft":
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
                        if bit == REPLIED:
                            replies.append(place)
                    else:
                        left_out.append(f"{kind} {_UNNAMED if touch is None else _UNSENT}")
            if seen & AUTOMATIC:
                left_out += ["automatic replies" for it in kinds["auto_replied"] if it.at > start]
            reading.left_out, reading.replies = left_out, replies


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
