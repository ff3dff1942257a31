"""Texts on poles, placed so that none covers another, however narrow the picture is."""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import attrs

from crmkit.errors import MissingExtra

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation

BLUE, ORANGE, RED, SKY = "#0072B2", "#E69F00", "#B8321A", "#56B4E9"
GREY, INK = "#66707A", "#1F2933"
"""Told apart by people who see few colours; in grey, shapes and hatches tell the rest apart."""

_INCH = 72.0
_POLE, _GAP = 3.0, 5.0
"""Points between a pole and its text, and from there to the next pole."""


def new_axes(width: float, height: float, what: str) -> "Axes":
    """Return the axes of a new figure, so many inches wide and high."""
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise MissingExtra("plot", what) from None
    axes: Axes = plt.subplots(figsize=(width, height), layout="constrained")[1]
    return axes


def untyped_dates() -> Any:
    """Return matplotlib's module of dates, whose functions have no types."""
    import matplotlib.dates

    return matplotlib.dates


def size(ax: "Axes") -> tuple[float, float]:
    """Return the width and height of the axes in points."""
    box, points = ax.get_window_extent(), _INCH / ax.figure.dpi
    return box.width * points, box.height * points


@attrs.define
class Flag:
    """A text that begins at its pole: a head, and a few lines below it."""

    x: float
    """Where the pole stands, in the units of the axis."""
    head: str
    lines: str = ""
    colour: str = attrs.field(default=INK, kw_only=True)
    bold: bool = attrs.field(default=True, kw_only=True)
    tier: int = attrs.field(default=0, init=False)
    width: float = attrs.field(default=_POLE, init=False)
    height: float = attrs.field(default=0.0, init=False)
    """Both in points."""
    _texts: list[tuple["Annotation", float]] = attrs.field(factory=list, init=False)

    def write(self, ax: "Axes") -> None:
        """Write the texts somewhere, to measure them."""
        from matplotlib.patheffects import withStroke

        points = _INCH / ax.figure.dpi
        head = "bold" if self.bold else "normal", self.colour
        for text, (weight, colour) in ((self.head, head), (self.lines, ("normal", GREY))):
            if text:
                written = ax.annotate(text, (self.x, 0), (_POLE, 0), textcoords="offset points")
                written.set_annotation_clip(False)  # it is measured outside of the axes, too
                written.set(parse_math=False, fontsize=8, weight=weight, color=colour)
                written.set(va="top", linespacing=1.1, zorder=6)
                written.set_path_effects([withStroke(linewidth=2.5, foreground="white")])
                box = written.get_window_extent()
                self._texts.append((written, box.height * points + 1.5))
                self.width = max(self.width, _POLE + box.width * points)
                self.height += box.height * points + 1.5

    def remove(self) -> None:
        """Take the texts away again."""
        for text, _ in self._texts:
            text.remove()

    def hang(self, top: float, unit: float) -> None:
        """Move the texts to their height; *unit* is what of the axis makes a point."""
        for text, height in self._texts:
            text.xy = self.x, top
            top -= height * unit


def stack(flags: Iterable[Flag], poles: Sequence[float]) -> list[float]:
    """Give each flag the nearest tier that is free, and return where the tiers begin and end.

    *poles* are the places of the poles, in points. From right to left, and never nearer than a
    flag whose pole the text would cover: so no pole crosses a text, and no text another.
    """
    starts: list[float] = []
    heights: list[float] = []
    for pole, flag in sorted(zip(poles, flags, strict=True), key=lambda pair: -pair[0]):
        end = pole + flag.width + _GAP
        free = (tier for tier in range(len(starts)) if end <= min(starts[tier:]))
        flag.tier = next(free, len(starts))
        if flag.tier == len(starts):
            starts.append(pole)
            heights.append(0.0)
        starts[flag.tier] = pole
        heights[flag.tier] = max(heights[flag.tier], flag.height + 3)
    return list(accumulate(heights, initial=0.0))
