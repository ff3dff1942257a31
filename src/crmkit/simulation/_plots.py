"""The pictures: touches by week, and the differences of a comparison."""

from collections import Counter
from typing import TYPE_CHECKING

from crmkit.cadence._flags import new_axes
from crmkit.simulation._compare import Comparison, Difference
from crmkit.simulation._measures import show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from crmkit.simulation._simulation import Simulation

_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
"""The palette of Okabe and Ito, which the colour-blind can tell apart."""
_GREY, _INK = "#999999", "#333333"
_OTHERS = "all others"


def _plain(ax: "Axes", *, grid: str) -> None:
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(length=0, colors=_INK)
    ax.set_axisbelow(True)
    ax.grid(axis="x" if grid == "x" else "y", color="#e5e5e5", linewidth=0.8)


def plot_weeks(simulation: "Simulation", ax: "Axes | None" = None) -> "Axes":
    """Draw how many touches went in each week, stacked by label."""
    ax = ax or new_axes(9, 4, "a picture")
    labels, colours = simulation.labels, _COLOURS
    if len(labels) > len(colours):
        labels, colours = (*labels[: len(colours) - 1], _OTHERS), (*colours[:-1], _GREY)
    named = set(labels)
    counts = Counter(
        (row.label if row.label in named else _OTHERS, row.week)
        for row in simulation.touches
        if row.sent_at
    )
    weeks = range(simulation.weeks)
    floor = [0] * simulation.weeks
    for label, colour in zip(labels, colours, strict=False):
        heights = [counts[label, week] for week in weeks]
        ax.bar(weeks, heights, bottom=floor, width=0.9, color=colour, label=label)
        floor = [below + height for below, height in zip(floor, heights, strict=True)]
    _plain(ax, grid="y")
    people = f"{len(simulation.persons):,} people"
    ax.set_title(f"Touches per week: {simulation.name}, {people}", loc="left", color=_INK)
    ax.set_xlabel(f"weeks after {simulation.start.day} {simulation.start:%B %Y}", color=_INK)
    ax.set_ylabel("touches", color=_INK)
    ax.set_xlim(-0.7, simulation.weeks - 0.3)
    ax.yaxis.set_major_formatter("{x:,.0f}")
    if len(labels) > 1:
        ax.legend(frameon=False, labelcolor=_INK, reverse=True)
    return ax


def plot_differences(comparison: Comparison, ax: "Axes | None" = None) -> "Axes":
    """Draw what people did more or less, in percentage points, with the intervals."""
    shown = [
        each
        for each in comparison.differences
        if each.value is not None and not each.first.is_effort
    ]
    ax = ax or new_axes(9, 1.6 + 0.42 * len(shown), "a picture")
    for place, each in enumerate(reversed(shown)):
        _draw(ax, place, each)
    ax.axvline(0, color=_INK, linewidth=1)
    ax.set_yticks(range(len(shown)), [_told(each) for each in reversed(shown)])
    ax.set_ylim(-0.6, len(shown) - 0.4)
    _plain(ax, grid="x")
    first, second = comparison.names
    ax.set_title(
        f"{second} against {first}: {comparison.people:,} people\n", loc="left", color=_INK
    )
    ax.text(0, 1.02, _cost(comparison), transform=ax.transAxes, color=_INK, fontsize="small")
    level = f"{comparison.confidence * 100:g} % intervals; filled where they leave out 0"
    ax.set_xlabel(
        f"← less with {second}   ·   percentage points   ·   more with {second} →\n{level}",
        color=_INK,
    )
    return ax


def _draw(ax: "Axes", place: int, each: Difference) -> None:
    value = 100 * (each.value or 0.0)
    colour = _COLOURS[0] if each.clear else _GREY
    if each.low is not None and each.high is not None:
        ax.plot([100 * each.low, 100 * each.high], [place, place], color=colour, linewidth=2)
    filled = colour if each.clear else "white"
    ax.plot([value], [place], "o", color=colour, markerfacecolor=filled, markersize=7)
    ax.annotate(
        show(each.value, share=True, signed=True),
        (1, place),
        xycoords=("axes fraction", "data"),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        color=_INK,
    )


def _told(each: Difference) -> str:
    return f"{each.first.title}\n{each.first.shown} → {each.second.shown}"


def _cost(comparison: Comparison) -> str:
    """Return what the difference cost: messages, tasks and people archived, before and now."""
    counted = [each for each in comparison.differences if each.first.is_effort]
    return "   ·   ".join(
        f"{each.first.title} {each.first.shown} → {each.second.shown}" for each in counted
    )
