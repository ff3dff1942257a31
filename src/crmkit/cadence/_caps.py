"""The caps as a plan keeps them: how many messages there are within a window of any touch."""

from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from crmkit._time import describe_span, plural
from crmkit.model import Channel, History, Interaction
from crmkit.permission import MESSAGES, ContactPolicy

Planned = tuple[datetime, str, Channel]
"""When a message of another cadence is to go, whose it is, and on which channel."""


_NONE: "dict[Channel, Cap]" = {}


class Cap:
    """The messages of one person that one cap counts: those that went, and those planned.

    ``channels`` are the caps beside it that count on one channel alone.

    What went counts for what comes after it; what is planned more important than this cadence
    (``beside``) must not be put over the cap either by what comes before it.
    """

    __slots__ = ("beside", "by", "cap", "channels", "facts", "latest", "names", "planned", "window")

    def __init__(
        self,
        facts: list[list[datetime]],
        cap: int,
        window: timedelta,
        beside: Sequence[Planned],
        by: Channel | None = None,
    ) -> None:
        self.cap, self.window, self.facts, self.by = cap, window, facts, by
        self.latest = max((row[-1] for row in facts if row), default=None)
        self.beside = [at for at, _, _ in beside]
        self.names = sorted({name for _, name, _ in beside})
        self.planned = self.beside[:]
        self.channels = _NONE

    @property
    def why(self) -> str:
        """The cap in words, and with which cadences it is shared."""
        by = f" by {self.by}" if self.by else ""
        others = f", with those of {', '.join(self.names)}" if self.names else ""
        most = plural(self.cap, "message")
        return f"at most {most}{by} within {describe_span(self.window)}{others}"

    def add(self, at: datetime) -> None:
        """Count one more planned message."""
        insort(self.planned, at)

    def free_from(self, at: datetime) -> datetime | None:
        """Return from when on, after *at*, one more would be within the cap; None if it is."""
        planned, start = self.planned, at - self.window
        # If only this plan's own messages count: they come in order.
        alone = not self.beside and (self.latest is None or self.latest <= start)
        if alone and (len(planned) < self.cap or planned[-self.cap] <= start):
            return None
        free = at
        while later := self._full(free):
            free = later
        return free if free > at else None

    def _full(self, at: datetime) -> datetime | None:
        for facts in self.facts:
            inside = self._inside(facts, at)
            if len(inside) >= self.cap:
                return inside[-self.cap] + self.window
        for coming in self.beside[bisect_right(self.beside, at) :]:
            if coming - at >= self.window:
                break
            if any(len(self._inside(facts, coming)) >= self.cap for facts in self.facts):
                return coming
        return None

    def _inside(self, facts: list[datetime], at: datetime) -> list[datetime]:
        """Return the messages of the window that ends at *at*, oldest first."""
        start = at - self.window
        found = facts[bisect_right(facts, start) : bisect_right(facts, at)]
        found += self.planned[bisect_right(self.planned, start) : bisect_right(self.planned, at)]
        return sorted(found)


def caps(history: History, policy: ContactPolicy, beside: Iterable[Planned] = ()) -> Cap:
    """Return the cap on all messages of one person, with those of channels that have their own."""
    rows = [
        history.of(*kinds) for kinds in MESSAGES if any(kind in history.by_kind for kind in kinds)
    ]
    others, window = sorted(beside), policy.cap_window
    found = Cap([[fact.at for fact in row] for row in rows] or [[]], policy.cap, window, others)
    if policy.channel_caps:
        found.channels = {
            channel: Cap(
                [[fact.at for fact in row if _on(fact) is channel] for row in rows] or [[]],
                cap,
                window,
                [each for each in others if each[2] is channel],
                channel,
            )
            for channel, cap in policy.channel_caps
        }
    return found


def _on(fact: Interaction) -> Channel:
    """Return the channel of a message; without one it is an e-mail."""
    return fact.channel or Channel.EMAIL
