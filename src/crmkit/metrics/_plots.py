"""The pictures of the tables: the funnel, the cohorts, responses, and metrics by their benchmarks.

Each takes what it draws, the lines that stand below the title, and axes; it returns the axes.
"""

from collections.abc import Iterable, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

from crmkit.errors import MissingExtra, UnknownName
from crmkit.metrics._benchmark import Benchmark, MetricVerdict, Unit
from crmkit.metrics._canvas import (
    BLUE,
    GREEN,
    GREY,
    INK,
    MEDIUM,
    ORANGE,
    PALE,
    SMALL,
    axes,
    beside,
    head,
    in_percent,
    label,
    legend,
    name_rows,
    nothing,
    plain,
    share,
    whisker,
    whole_numbers,
)
from crmkit.metrics._metric import Metric
from crmkit.metrics._table import FEW, Table
from crmkit.metrics._tables import share_with_bounds

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TOO_FEW = "too few for a rate"
_LEAST_LETTER = 4.5
"""Points; what is smaller cannot be read, and is left out."""


# The funnel.


def plot_funnel(table: Table, under: Iterable[str], ax: "Axes | None" = None) -> "Axes":
    """Draw a bar for each stage, and beside it the conversion from the stage before."""
    rows: list[Any] = list(table)
    ax = axes(ax, 9, 4.4)
    most = max((row[1] for row in rows), default=0)
    if most:
        _funnel(ax, rows, most)
    else:
        nothing(ax)
    head(ax, table.title, *under)
    return ax


def _funnel(ax: "Axes", rows: list[Any], most: int) -> None:
    for place, (_, people, part, rate, low, high) in enumerate(rows):
        before = people if part is None else part
        ax.barh(place, before, height=0.62, facecolor=BLUE)
        if people > before:
            ax.barh(place, people - before, left=before, height=0.62, **_SKIPPED)
        _at_end(ax, people, place, f"{people:,}")
        if part is not None:
            bounds = "" if low is None else f"  ({Unit.SHARE.show_interval(low, high)})"
            beside(ax, place, _TOO_FEW if rate is None else f"{share(rate)}{bounds}")
    bounded = any(row[4] is not None for row in rows)
    column = "of the stage before" + "\n(95 % interval)" * bounded
    beside(ax, 0, column, color=GREY, fontsize=SMALL)
    name_rows(ax, [row[0] for row in rows], [""] * len(rows))
    ax.set_xlim(0, most * 1.1)
    plain(ax, grid="x")
    ax.xaxis.set_major_locator(whole_numbers(6))
    ax.xaxis.set_major_formatter("{x:,.0f}")
    label(ax, x="people")
    from matplotlib.patches import Patch

    legend(
        ax,
        [Patch(facecolor=BLUE), Patch(**_SKIPPED)],
        ["at the stage before, too (or first heard of)", "without the stage before"],
        below=42,
        handlelength=1.6,
        columns=2,
    )


_SKIPPED: dict[str, Any] = {
    "facecolor": "white",
    "edgecolor": BLUE,
    "hatch": "//////",
    "linewidth": 0.8,
}


def _at_end(ax: "Axes", x: float, y: float, text: str, **style: Any) -> None:
    """Write behind the end of a bar."""
    ax.annotate(
        text,
        (x, y),
        (4, 0),
        textcoords="offset points",
        va="center",
        **{"color": INK, "fontsize": MEDIUM, **style},
    )


# The cohorts.


def plot_cohorts(
    table: Table,
    under: Iterable[str],
    ax: "Axes | None" = None,
    stages: Sequence[str] | None = None,
) -> "Axes":
    """Draw a map of months and stages, the number written in each cell."""
    names = [column.name for column in table.columns][2:]
    for name in stages or ():
        if name not in names:
            raise UnknownName.among("stages", name, names, what="a stage of the cohorts")
    chosen = [names.index(name) for name in stages or names]
    rows: list[Any] = list(table)
    ax = axes(ax, max(5.5, 2.4 + 1.05 * len(chosen)), min(24.0, 2.2 + 0.27 * len(rows)))
    if rows:
        cells = [[row[2 + place] for place in chosen] for row in rows]
        _heat(ax, cells)
        ax.set_xticks(range(len(chosen)), [names[place] for place in chosen])
        months = [f"{month}  ({people:,})" for month, people, *_ in rows]
        ax.set_yticks(range(len(rows)), months)
        plain(ax)
        ax.spines["bottom"].set_visible(False)
        label(
            ax,
            x="share of the month's people who got so far; darker is more, and newer months have "
            f"had less time. Hatched: fewer than {FEW} people, too few for a rate",
            y="month first heard of, in UTC (people)",
        )
    else:
        nothing(ax)
    head(ax, table.title, *under)
    if rows:
        _write_cells(ax, cells)
    return ax


def _heat(ax: "Axes", cells: list[list[float | None]]) -> None:
    import numpy as np
    from matplotlib.colors import PowerNorm
    from matplotlib.patches import Rectangle

    values = np.array(cells, dtype=float)
    known = values[np.isfinite(values)]
    top = float(known.max()) if known.size and known.max() > 0 else 1.0
    # The root tells 1 % from 3 % on the scale that also has 90 %.
    ax.imshow(
        np.ma.masked_invalid(values),
        cmap="Blues",
        norm=PowerNorm(0.5, 0, top),
        aspect="auto",
        interpolation="nearest",
    )
    for row, line in enumerate(cells):
        for place, value in enumerate(line):
            if value is None:
                style: dict[str, Any] = {
                    "facecolor": "white",
                    "edgecolor": "#B9C0C7",
                    "hatch": "////",
                }
                ax.add_patch(Rectangle((place - 0.5, row - 0.5), 1, 1, linewidth=0, **style))
    for row in range(1, len(cells)):
        ax.axhline(row - 0.5, color="white", linewidth=1)
    for place in range(1, len(cells[0])):
        ax.axvline(place - 0.5, color="white", linewidth=1)


def _write_cells(ax: "Axes", cells: list[list[float | None]]) -> None:
    """Write the numbers, as large as the cells let them be; none where that is too small."""
    image: Any = ax.images[-1]
    box = ax.get_window_extent()
    points = 72 / ax.figure.dpi
    height = box.height * points / len(cells) * 0.72
    width = box.width * points / len(cells[0]) / 4.5  # "100.0 %" is that many letters wide
    size = min(MEDIUM, height, width)
    if size < _LEAST_LETTER:
        return
    for row, line in enumerate(cells):
        for place, value in enumerate(line):
            if value is not None:
                shade = image.cmap(image.norm(value))
                dark = _luminance(shade) < 0.179  # where black and white stand out alike
                ax.text(
                    place,
                    row,
                    share(value),
                    ha="center",
                    va="center",
                    fontsize=size,
                    color="white" if dark else "black",
                )


def _luminance(colour: Sequence[float]) -> float:
    """Return the relative luminance of a colour (WCAG 2.2)."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour[:3]
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


# Responses.

_RESPONSES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("opened", {"facecolor": BLUE}),
    ("clicked", {"facecolor": ORANGE, "edgecolor": "white", "hatch": "/////"}),
    ("replied", {"facecolor": GREEN, "edgecolor": "white", "hatch": "....."}),
)


def plot_touches(table: Table, under: Iterable[str], ax: "Axes | None" = None) -> "Axes":
    """Draw what share of messages was opened, clicked and replied to, with Wilson intervals."""
    rows = table.to_dicts()
    by = table.columns[0].name
    ax = axes(ax, 9, min(30.0, 1.9 + 0.62 * len(rows)))
    if rows:
        _touches(ax, rows, by)
    else:
        nothing(ax)
    head(ax, table.title, *under)
    return ax


def _touches(ax: "Axes", rows: list[dict[str, Any]], by: str) -> None:
    from matplotlib.patches import Patch

    most, bounded = 0.0, False
    for place, row in enumerate(rows):
        whole = row["messages"]
        if row["opened"] is None:
            _at_end(ax, 0, place, _TOO_FEW, color=GREY)
            continue
        for beneath, (name, style) in enumerate(_RESPONSES):
            value, y = row[name], place + 0.27 * (beneath - 1)
            ax.barh(y, value, height=0.24, linewidth=0, **style)
            _, low, high = share_with_bounds(round(value * whole), whole)
            if low is not None and high is not None:
                whisker(ax, y, low, high)
                bounded = True
            end = max(value, high or 0.0)
            most = max(most, end)
            _at_end(ax, end, y, share(value), fontsize=SMALL)
    names = [row[by] for row in rows]
    name_rows(ax, names, [_plural(row["messages"], "message") for row in rows])
    ax.set_xlim(0, most * 1.14 if most else 1)
    plain(ax, grid="x")
    ax.xaxis.set_major_formatter(in_percent)
    label(
        ax,
        x=f"share of the messages{', with 95 % Wilson intervals' * bounded}; machine-made left out",
    )
    legend(
        ax,
        [Patch(linewidth=0, **style) for _, style in _RESPONSES],
        [name for name, _ in _RESPONSES],
        below=42,
        handlelength=1.6,
        columns=3,
    )


def _plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


# Metrics by their benchmarks.


_UP = 0.07
"""How far above the middle of its row a bar stands: its scale is below it."""


def plot_benchmarks(
    metrics: Iterable[Metric], under: Iterable[str], ax: "Axes | None" = None
) -> "Axes":
    """Draw each metric that has a benchmark on a scale of its own: value, interval, usual range."""
    shown = [(metric, usual) for metric in metrics if (usual := metric.benchmark) is not None]
    ax = axes(ax, 9.5, 1.5 + 0.62 * len(shown))
    if any(metric.value is not None for metric, _ in shown):
        _bullets(ax, shown)
    else:
        nothing(ax)
    head(ax, "The metrics by their benchmarks", *under)
    return ax


def _bullets(ax: "Axes", shown: Sequence[tuple[Metric, Benchmark]]) -> None:
    names = [
        f"{metric.title}, {metric.unit.removeprefix('share ')} by"
        if metric.unit.compares
        else metric.title
        for metric, _ in shown
    ]
    name_rows(ax, names, [""] * len(names), up=_UP)
    intervals = False
    for place, (metric, usual) in enumerate(shown):
        row = ax.inset_axes((0, 1 - (place + 0.66) / len(shown), 1, 0.46 / len(shown)))
        found = _interval(metric)
        intervals = intervals or found is not None
        _bullet(row, metric, usual, found)
        verdict = metric.verdict.replace("_", " ")
        said = verdict if metric.value is None else f"{metric.shown}, {verdict}"
        beside(ax, place - _UP, f"{said}\nusual: {usual}")
    plain(ax)
    ax.spines["bottom"].set_visible(False)
    ax.set_xticks([])
    lines = "line: its 95 % interval; " if intervals else ""
    label(
        ax,
        x=f"Bar: the value; {lines}grey: what the field calls usual; hatched bar: too few to say. "
        "Each row has its own scale.",
    )


def _interval(metric: Metric) -> tuple[float, float] | None:
    try:
        return metric.interval()
    except MissingExtra:
        return None


def _bullet(
    row: "Axes", metric: Metric, usual: Benchmark, found: tuple[float, float] | None
) -> None:
    value = metric.value
    ends = [0.0, usual.low, usual.high, *([] if value is None else [value])]
    left, right = min(ends), max(ends)
    if found is not None:
        # An interval may be endless: what goes on for more than the rest of the row is cut.
        span = right - left
        left, right = min(left, max(found[0], left - span)), max(right, min(found[1], right + span))
    margin = 0.04 * (right - left)
    row.set_xlim(left - margin * (left < 0), right + margin)
    row.set_ylim(-1, 1)
    row.axvspan(usual.low, usual.high, color=PALE, zorder=0)
    row.axvline(0, color=INK, linewidth=1, zorder=3)
    if value is not None:
        few = metric.verdict is MetricVerdict.TOO_FEW
        row.barh(0, value, height=0.9, **(_SKIPPED if few else {"facecolor": BLUE}))
    if value is not None and found is not None:
        whisker(row, 0, max(found[0], left), min(found[1], right))
        for bound, edge, sign in ((found[0], left, "<"), (found[1], right, ">")):
            if not isfinite(bound) or (bound < left if sign == "<" else bound > right):
                row.plot(edge, 0, marker=sign, color=INK, markersize=5, clip_on=False, zorder=5)
    plain(row)
    row.set_yticks([])
    row.tick_params(labelsize=SMALL, length=3, pad=1, colors=GREY)
    row.xaxis.set_major_locator(_ticks())
    row.xaxis.set_major_formatter(in_percent)


def _ticks() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(7, steps=[1, 2, 2.5, 5, 10])
