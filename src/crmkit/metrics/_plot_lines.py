"""The pictures over time: how long roles and people stay, and how large segments are."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING, Any

import attrs

from crmkit._time import DAY, to_instant
from crmkit.metrics._canvas import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PINK,
    RED,
    SKY,
    SMALL,
    axes,
    head,
    in_percent,
    label,
    legend,
    nothing,
    plain,
    share,
    short,
    whole_numbers,
)
from crmkit.metrics._estimates import YEAR_DAYS
from crmkit.metrics._fills import told_apart
from crmkit.metrics._survival import Survival

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STYLES: tuple[dict[str, Any], ...] = (
    {"color": BLUE, "linestyle": "-"},
    {"color": RED, "linestyle": "--"},
    {"color": INK, "linestyle": ":"},
)


@attrs.frozen(kw_only=True)
class Words:
    """How the picture of one kind of duration speaks."""

    title: str
    days: str
    share: str
    ended: str
    going: str
    after_a_year: bool
    """Whether its number is the share after a year, instead of the median."""


FILL = Words(
    title="Time to fill: roles opened in the window",
    days="days since the role opened",
    share="share of the roles not filled yet",
    ended="filled",
    going="not filled yet",
    after_a_year=False,
)
STAY = Words(
    title="Retention: hires in the window or the 365 days before it",
    days="days since the hire",
    share="share of the hires still here",
    ended="left",
    going="still here",
    after_a_year=True,
)


def plot_curves(
    curves: Mapping[str, Survival],
    words: Words,
    under: Iterable[str],
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw Kaplan-Meier curves, the first two of which are compared."""
    drawn = {name: curve for name, curve in curves.items() if len(curve)}
    first, second, *_ = curves
    # What needs SciPy comes before a figure is made.
    said = told_apart(curves[first], curves[second]).removeprefix("; ") if drawn else ""
    ax = axes(ax, 9, 6)
    if drawn:
        styles = dict(zip(curves, _STYLES, strict=False))
        _curves(ax, drawn, words, styles)
        tick = {"color": INK, "linestyle": "", "marker": "|"}
        legend(
            ax,
            [*map(_line, styles.values()), _line(tick), _line({"linestyle": ""})],
            [
                *(_told(name, curve, words) for name, curve in curves.items()),
                words.going,
                f"{first} against {second}: {said}",
            ],
            below=_TABLE + _LINE * (len(drawn) + 2),
        )
    else:
        nothing(ax)
    head(ax, words.title, *under)
    return ax


def _line(style: dict[str, Any]) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], linewidth=2, **style)


def _curves(
    ax: "Axes", curves: Mapping[str, Survival], words: Words, styles: Mapping[str, dict[str, Any]]
) -> None:
    from matplotlib.ticker import MaxNLocator

    for name, curve in curves.items():
        _curve(ax, curve, styles[name])
    end = max(max(_days(curve)) for curve in curves.values()) or 1.0
    ticks = [tick for tick in MaxNLocator(7).tick_values(0, end) if 0 <= tick <= end]
    ax.set_xlim(0, end * 1.02)
    ax.set_ylim(0, 1.03)
    ax.set_xticks(ticks)
    plain(ax, grid="y")
    ax.yaxis.set_major_formatter(in_percent)
    ax.xaxis.set_major_formatter("{x:,g}")
    if not words.after_a_year:
        ax.axhline(0.5, color=GREY, linewidth=1, linestyle=(0, (1, 3)))
    elif end >= YEAR_DAYS:
        ax.axvline(YEAR_DAYS, color=GREY, linewidth=1, linestyle=(0, (1, 3)))
    label(ax, x=words.days, y=f"{words.share}, 95 % bands")
    _at_risk(ax, curves, ticks)


def _curve(ax: "Axes", curve: Survival, style: dict[str, Any]) -> None:
    points = curve.curve()
    days = [point.days for point in points]
    shares = [point.share for point in points]
    nan = float("nan")
    ax.fill_between(
        days,
        [nan if point.low is None else point.low for point in points],
        [nan if point.high is None else point.high for point in points],
        step="post",
        color=style["color"],
        alpha=0.16,
        linewidth=0,
    )
    ax.plot(days, shares, drawstyle="steps-post", linewidth=2, **style)
    going = {span / DAY for span, _ in curve.going}
    censored = [point for point in points if point.days in going]
    ax.plot(
        [point.days for point in censored],
        [point.share for point in censored],
        linestyle="",
        marker="|",
        markersize=6,
        color=style["color"],
    )


def _days(curve: Survival) -> list[float]:
    return [span / DAY for span, _ in (*curve.ends, *curve.going)]


_TABLE, _LINE = 36.0, 11.0
"""Points from the axes down to the numbers under watch, and from one of their lines to the next."""


def _at_risk(ax: "Axes", curves: Mapping[str, Survival], ticks: list[float]) -> None:
    """Write below the axis how many were under watch at each tick."""
    down = _TABLE
    _below(ax, 0, down, "under watch", ha="right", color=GREY)
    for name, curve in curves.items():
        down += _LINE
        _below(ax, 0, down, name, ha="right", color=INK)
        counts = (*curve.ends, *curve.going)
        for tick in ticks:
            left = sum(number for span, number in counts if span / DAY >= tick)
            _below(ax, tick, down, f"{left:,}", ha="center", color=INK)


def _below(ax: "Axes", x: float, down: float, text: str, *, ha: str, color: str) -> None:
    ax.annotate(
        text,
        (x, 0),
        (-24 if ha == "right" else 0, -down),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha=ha,
        va="top",
        color=color,
        fontsize=SMALL,
        annotation_clip=False,
    )


def _told(name: str, curve: Survival, words: Words) -> str:
    if not len(curve):
        return f"{name}: none counted"
    counted = f"{curve.ended:,} {words.ended}, {curve.censored:,} {words.going}"
    if words.after_a_year:
        value, found = curve.at(YEAR_DAYS), curve.interval_at(YEAR_DAYS)
        bounds = f" ({share(found[0])} to {share(found[1])})" if found else ""
        year = "nobody followed for a year" if value is None else f"{share(value)} after a year"
        return f"{name}: {year}{bounds}; {counted}"
    middle, (low, high) = curve.median, curve.median_interval()
    if middle is None:
        return f"{name}: median not reached; {counted}"
    bounds = f" ({_day(low)} to {_day(high)})"
    return f"{name}: median {_day(middle)} days{bounds}; {counted}"


def _day(days: float | None) -> str:
    return "no bound" if days is None else f"{days:,.1f}".removesuffix(".0")


# Segments.

_COLOURS = (BLUE, ORANGE, GREEN, RED, PINK, SKY, INK)
_MARKERS = ("o", "s", "^", "D", "v", "P")
"""Seven colours and six marks: 42 lines have a pair of their own."""
_DASHES = ("-", "--", "-.", ":")
_MARKED = 24
"""At most so many marks on a line."""


def plot_sizes(
    sizes: Iterable[tuple[datetime, Mapping[str, int]]],
    ax: "Axes | None" = None,
    *,
    simulated: int = 0,
) -> "Axes":
    """Draw how large segments were over time, and return the axes.

    *sizes* are instants and, by name of the segment, how many people were in it then: what
    `CRM.segment_sizes` returns. A segment that an instant does not name has a gap there. Each
    line has its own colour, dash and mark; the legend has the largest first, with its newest size.
    *simulated* is how many people are simulated (`Scorecard.simulated`): the title then says so.

    Without *ax* it makes a figure. Raises `MissingExtra` without the ``plot`` extra, and
    `NaiveInstant` or `InvalidRecord` for an instant that is none.

    >>> from datetime import UTC
    >>> from matplotlib.figure import Figure
    >>> months = [(datetime(2026, 1, 1, tzinfo=UTC), {"alumni": 40, "event leads": 12}),
    ...           (datetime(2026, 2, 1, tzinfo=UTC), {"alumni": 44, "event leads": 31})]
    >>> ax = plot_sizes(months, Figure().subplots())
    >>> print(ax.get_title(loc="left"))
    Segment sizes from 2026-01-01 to 2026-02-01
    """
    found = sorted(
        ((to_instant(at, f"sizes[{place}][0]"), held) for place, (at, held) in enumerate(sizes)),
        key=lambda pair: pair[0],
    )
    names = {name for _, held in found for name in held}
    ax = axes(ax, 9, max(4.0, 1.5 + 0.2 * len(names)))
    under = [f"SIMULATED: {simulated:,} people are simulated"] if simulated else []
    if not names:
        nothing(ax)
        head(ax, "Segment sizes", *under)
        return ax
    _sizes(ax, found, names)
    first, last = (f"{at:%Y-%m-%d}" for at in (found[0][0], found[-1][0]))
    title = f"Segment sizes from {first} to {last}" if len(found) > 1 else f"Segment sizes, {first}"
    head(ax, title, *under)
    return ax


def _sizes(
    ax: "Axes", found: list[tuple[datetime, Mapping[str, int]]], names: Iterable[str]
) -> None:
    import matplotlib.dates

    dates: Any = matplotlib.dates  # its functions have no types
    newest = {
        name: next(held[name] for _, held in reversed(found) if name in held) for name in names
    }
    order = sorted(newest, key=lambda name: (-newest[name], name))
    nan, instants = float("nan"), [at for at, _ in found]
    lines = []
    for place, name in zip(count(), order, strict=False):
        (line,) = ax.plot(
            dates.date2num(instants),
            [held.get(name, nan) for _, held in found],
            color=_COLOURS[place % len(_COLOURS)],
            marker=_MARKERS[place % len(_MARKERS)],
            linestyle=_DASHES[place // 2 % len(_DASHES)],
            markevery=-(-len(found) // _MARKED),
            markersize=5,
            linewidth=1.8,
        )
        lines.append(line)
    ax.set_ylim(0, max(1.0, *(held[name] for _, held in found for name in held)) * 1.05)
    locator = dates.AutoDateLocator(minticks=3, maxticks=8)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
    ax.yaxis.set_major_locator(whole_numbers(7))
    ax.yaxis.set_major_formatter("{x:,.0f}")
    plain(ax, grid="y")
    label(ax, x="time, in UTC", y="people in the segment")
    legend(
        ax,
        lines,
        [f"{short(name)}: {newest[name]:,}" for name in order],
        loc="upper left",
        bbox_to_anchor=(1.01, 1),
        borderaxespad=0,
    )
