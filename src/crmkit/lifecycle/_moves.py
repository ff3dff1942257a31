"""Who moved because of the clock, or because of what was told."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from html import escape

import attrs

from crmkit.segmentation import Transition


class Moving:
    """What every record of moves can be asked."""

    __slots__ = ()

    transitions: tuple[Transition, ...]

    @property
    def entered(self) -> tuple[Transition, ...]:
        """Who entered a segment."""
        return tuple(move for move in self.transitions if move.entered)

    @property
    def left(self) -> tuple[Transition, ...]:
        """Who left a segment."""
        return tuple(move for move in self.transitions if not move.entered)


@attrs.frozen(kw_only=True, repr=False)
class Moves(Moving):
    """The people whom the clock has moved, each at the instant at which it did."""

    now: datetime
    transitions: tuple[Transition, ...]
    checked: int
    """How many verdicts it took: it depends on how much was due, not on how many people there are.
    """
    next_change: datetime | None
    """The first instant at which the clock alone may move somebody: call again then."""

    def __repr__(self) -> str:
        return f"<Moves: {len(self.entered)} entered, {len(self.left)} left>"

    def __str__(self) -> str:
        return "\n".join(
            [self._head(), *(f"  {name}: {what}" for name, what in self._by_segment())]
        )

    def _head(self) -> str:
        change = "no clock changes more"
        if self.next_change:
            change = f"next change: {self.next_change:%Y-%m-%d %H:%M} UTC"
        moved = f"{len(self.entered)} entered and {len(self.left)} left"
        return f"{moved} by {self.now:%Y-%m-%d}; {change}"

    def _by_segment(self) -> Sequence[tuple[str, str]]:
        entered = Counter(move.segment for move in self.entered)
        left = Counter(move.segment for move in self.left)
        names = sorted(entered.keys() | left.keys())
        return [(name, f"{entered[name]} entered, {left[name]} left") for name in names]

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(name)}</td><td>{what}</td></tr>" for name, what in self._by_segment()
        )
        return (
            f"<table><caption>{escape(self._head())}</caption><thead><tr>"
            f'<th scope="col">segment</th><th scope="col">people</th></tr></thead>'
            f"<tbody>{rows}</tbody></table>"
        )


@attrs.frozen(kw_only=True, repr=False)
class Recorded(Moving):
    """How many facts were new, and whom they moved."""

    interactions: int
    """How many facts were not in the log yet."""
    transitions: tuple[Transition, ...] = ()

    def __repr__(self) -> str:
        return f"<Recorded: {self}>"

    def __str__(self) -> str:
        return (
            f"{self.interactions} new interactions, "
            f"{len(self.entered)} entered and {len(self.left)} left a segment"
        )
