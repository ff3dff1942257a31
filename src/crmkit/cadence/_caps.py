"""The caps as a plan keeps them: how many messages there are within a window of any touch."""

from bisect import bisect_right, insort
from collections.abc import Iterable
from datetime import datetime

from crmkit._time import describe_span, plural
from crmkit.model import History
from crmkit.permission import MESSAGES, ContactPolicy


class Caps:
    """The messages of one person: those that went, those of other cadences, and this one's.

    What went counts for what comes after it; what is planned more important than this cadence
    (``beside``) must not be put over the cap either by what comes before it.
    """

    __slots__ = ("beside", "cap", "facts", "latest", "names", "planned", "window")

    def __init__(
        self, history: History, policy: ContactPolicy, beside: Iterable[tuple[datetime, str]] = ()
    ) -> None:
        self.cap, self.window = policy.cap, policy.cap_window
        self.facts = [
            [fact.at for fact in history.of(*kinds)]
            for kinds in MESSAGES
            if any(kind in history.by_kind for kind in kinds)
        ] or [[]]
        self.latest = max((facts[-1] for facts in self.facts if facts), default=None)
        others = sorted(beside)
        self.beside = [at for at, _ in others]
        self.names = sorted({name for _, name in others})
        self.planned = self.beside[:]

    @property
    def why(self) -> str:
        """The cap in words, and with which cadences it is shared."""
        others = f", with those of {', '.join(self.names)}" if self.names else ""
        return f"at most {plural(self.cap, 'message')} within {describe_span(self.window)}{others}"

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
