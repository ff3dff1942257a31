"""What the pictures of the metrics share: axes, colours, title, legend, percentages."""

from collections.abc import Iterable, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any, Literal

from crmkit.errors import MissingExtra
from crmkit.metrics._table import Column, Kind

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE, GREEN, RED, PINK, SKY, YELLOW = (
    *("#0072B2", "#E69F00", "#009E73", "#D55E00"),
    *("#CC79A7", "#56B4E9", "#F0E442"),
)
"""The palette of Okabe and Ito (2008), which the colour-blind can tell apart. In grey, hatches,
dashes and marks do."""
GREY, PALE, INK = "#66707A", "#D9DEE3", "#1F2933"

SMALL, MEDIUM, LARGE = 8, 9, 11
"""Font sizes in points."""

_LETTER = 0.54
"""About how wide a letter is, in font sizes."""

_LONGEST = 60
"""Letters of a name that are shown at most."""

_HANDLE = 7
"""About how wide what stands before a name in a legend is, in letters."""


def axes(ax: "Axes | None", width: float, height: float) -> "Axes":
    """Return the caller's axes or, if there are none, those of a new figure of so many inches."""
    if ax is not None:
        return ax
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise MissingExtra("plot", "a picture of a scorecard") from None
    made: Axes = plt.subplots(figsize=(width, height), layout="constrained")[1]
    return made


def plain(ax: "Axes", *, grid: Literal["x", "y"] | None = None) -> None:
    """Leave out the lines that carry no number, and set small letters."""
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.spines["bottom"].set_color(GREY)
    ax.tick_params(length=0, colors=INK, labelsize=MEDIUM)
    ax.set_axisbelow(True)
    if grid:
        ax.grid(axis=grid, color="#E5E8EB", linewidth=0.8)


def label(ax: "Axes", *, x: str = "", y: str = "") -> None:
    """Write on the axes what they measure."""
    ax.set_xlabel(x, color=INK, fontsize=MEDIUM)
    ax.set_ylabel(y, color=INK, fontsize=MEDIUM)


def nothing(ax: "Axes") -> None:
    """Say that there is nothing to show."""
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    ax.text(
        0.5,
        0.5,
        "nothing to show",
        transform=ax.transAxes,
        ha="center",
        va="center",
        color=GREY,
        fontsize=LARGE,
    )


def head(ax: "Axes", *lines: str) -> None:
    """Write the title, and wrap the label below, as wide as the axes are when all is in place."""
    figure = ax.figure.canvas.figure
    figure.draw_without_rendering()
    ax.xaxis.label.set_text(fill(ax.get_xlabel(), _letters(ax, MEDIUM)))
    room = _letters(ax, LARGE)
    text = "\n".join(fill(line, room) for line in lines)
    title = ax.set_title(text, loc="left", fontsize=LARGE, color=INK)
    title.set_parse_math(False)
    title.set_linespacing(1.3)


def _letters(ax: "Axes", size: float) -> int:
    """Return how many letters of this size fit beside each other."""
    points = ax.get_window_extent().width * 72 / ax.figure.dpi
    return max(24, int(points / (size * _LETTER)))


def legend(
    ax: "Axes",
    handles: Sequence[Any],
    names: Iterable[str],
    *,
    below: float | None = None,
    columns: int = 1,
    **where: Any,
) -> None:
    """Add a legend whose names may be any text: no formula, and none hidden for its first sign.

    It stands so many points *below* the axes, as wide as they are, or *where* matplotlib is told.
    """
    from matplotlib.transforms import ScaledTranslation

    names, room = list(names), _letters(ax, MEDIUM)
    if sum(len(name) + _HANDLE for name in names) > room:
        columns = 1
    if below is not None:
        down = ScaledTranslation(0, -below / 72, ax.figure.dpi_scale_trans)
        where |= {"loc": "upper left", "bbox_to_anchor": (0, 0)}
        where |= {"bbox_transform": ax.transAxes + down}
    drawn = ax.legend(
        handles,
        ["-"] * len(handles),
        labelcolor=INK,
        fontsize=MEDIUM,
        ncols=columns,
        **{
            "frameon": False,
            "handlelength": 2.8,
            "borderpad": 0,
            "borderaxespad": 0,
            "alignment": "left",
            **where,
        },
    )
    for text, name in zip(drawn.get_texts(), names, strict=True):
        text.set_parse_math(False)
        text.set_text(fill(name, room - _HANDLE) if below is not None else name)


def short(name: str) -> str:
    """Return a name that somebody else has given, on two or three short lines."""
    return fill(name if len(name) <= _LONGEST else f"{name[: _LONGEST - 2]} …", 28)


def whole_numbers(most: int) -> Any:
    """Return what chooses at most so many ticks, none of them between two whole numbers."""
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(most, integer=True)


def name_rows(ax: "Axes", names: Sequence[str], notes: Sequence[str], *, up: float = 0.0) -> None:
    """Name the rows from the top down, each with a note below its name, a bit *up* from it."""
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_yticks(
        [place - up for place in range(len(names))],
        [f"{short(name)}\n{note}".strip() for name, note in zip(names, notes, strict=True)],
        parse_math=False,
    )


def beside(ax: "Axes", y: float, text: str, **style: Any) -> None:
    """Write at the right of the axes, at the height *y* of the data."""
    written = ax.annotate(
        text,
        (1, y),
        (8, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        va="center",
        annotation_clip=False,
        **{"color": INK, "fontsize": MEDIUM, **style},
    )
    written.set_parse_math(False)


def whisker(ax: "Axes", y: float, low: float, high: float) -> None:
    """Draw an interval, with a white edge that shows it on any bar."""
    from matplotlib.patheffects import withStroke

    edge = [withStroke(linewidth=4, foreground="white")]
    ends: dict[str, Any] = {"solid_capstyle": "butt", "path_effects": edge, "zorder": 4}
    ax.plot([low, high], [y, y], color=INK, linewidth=1.6, **ends)


_SHARE = Column("share", Kind.SHARE)


def share(value: float | None) -> str:
    """Return a share in words, as the tables do."""
    return _SHARE.show(value)


def in_percent(value: float, _: float | None = None) -> str:
    """Return the name of a tick, for a matplotlib formatter.

    >>> in_percent(0.25), in_percent(-0.1), in_percent(0.0005)
    ('25 %', '-10 %', '0.05 %')
    """
    return f"{100 * value:g} %"
