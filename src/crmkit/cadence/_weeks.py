"""Touches per week: of a pool's plans, as rows and as a picture."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Literal

from crmkit.cadence._calendar import Plan
from crmkit.cadence._flags import BLUE, GREY, INK, ORANGE, RED, SKY, new_axes, untyped_dates
from crmkit.cadence._shown import state, where
from crmkit.errors import UnknownName

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WEEK = timedelta(weeks=1)
_LOOKS = (
    (BLUE, ""),
    (ORANGE, "///"),
    (SKY, "..."),
    ("#009E73", "\\\\\\"),
    ("#CC79A7", "xx"),
    (RED, "--"),
    ("#F0E442", "oo"),
)
_OTHERS = "others"
_COUNTS = ("touches", "done", "by_hand", "refused")


def touches_per_week(
    plans: Iterable[Plan], *, by: Literal["segment", "cadence"] = "segment"
) -> list[dict[str, Any]]:
    """Return how many touches fall into each week, as rows for any data frame.

    A row has ``week`` (its Monday, in each person's own zone), ``segment`` (of the enrolment; None
    without one) or ``cadence``, and counts: ``touches``, of these ``done`` and ``by_hand``, and
    ``refused``, the touches besides that are not allowed then. What has expired is not counted,
    and weeks without any are left out. So is what a plan does not show: plan with ``through`` to
    see every return.

    >>> from datetime import datetime, UTC
    >>> from crmkit.cadence import SEVEN_TOUCH, plan
    >>> from crmkit.model import Candidate, Relationship
    >>> monday = datetime(2026, 3, 2, 9, tzinfo=UTC)
    >>> ada = Relationship(Candidate(id="ada"))
    >>> rows = touches_per_week([plan(SEVEN_TOUCH, ada, enrolled_at=monday, now=monday)])
    >>> [(row["week"].isoformat(), row["segment"], row["refused"]) for row in rows[:2]]
    [('2026-03-02', None, 1), ('2026-03-16', None, 1)]
    """
    if by not in {"segment", "cadence"}:
        raise UnknownName.among("by", by, ["segment", "cadence"], what="a way to group touches")
    cells: dict[tuple[date, str], Counter[str]] = {}
    groups: dict[str, str | None] = {}
    for plan in plans:
        group = plan.enrollment.segment if by == "segment" else plan.cadence.name
        groups[group or ""] = group
        for planned in plan.touches:
            if (name := state(plan, planned)) != "expired":
                day = where(plan, planned).date()
                week = day - timedelta(days=day.weekday())
                counts = cells.setdefault((week, group or ""), Counter())
                counts["refused"] += name == "not allowed"
                counts["touches"] += name != "not allowed"
                counts["done"] += planned.done
                counts["by_hand"] += planned.by_hand and name != "not allowed"
    return [
        {"week": week, by: groups[group]} | {name: cells[week, group][name] for name in _COUNTS}
        for week, group in sorted(cells)
    ]


def plot_pool(
    plans: Iterable[Plan],
    *,
    by: Literal["segment", "cadence"] = "segment",
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw the touches of many plans per week, stacked by segment or cadence; return the axes.

    What is counted is said at `touches_per_week`. Raises `MissingExtra` without the ``plot`` extra.
    """
    found = list(plans)
    rows = touches_per_week(found, by=by)
    ax = draw_weeks(rows, by=by, ax=ax)
    people = len({plan.enrollment.candidate_id for plan in found})
    title = f"touches per week, {'1 person' if people == 1 else f'{people:,} people'}"
    if refused := sum(row["refused"] for row in rows):
        title += f"; {refused:,} more not allowed"
    ax.set_title(title, loc="left", fontsize=11, color=INK, weight="bold")
    return ax


def draw_weeks(rows: Sequence[Mapping[str, Any]], *, by: str, ax: "Axes | None" = None) -> "Axes":
    """Draw rows of ``week``, *by* and ``touches`` as bars, stacked by *by*; return the axes.

    The groups with most touches stand lowest; from the eighth on they are drawn as one.
    """
    ax = ax or new_axes(10, 3.5, "a picture of a pool")
    from matplotlib.ticker import MaxNLocator

    dates = untyped_dates()
    totals: Counter[str] = Counter()
    for row in rows:
        totals[_name(row, by)] += row["touches"]
    names = [name for name, _ in sorted(totals.items(), key=lambda pair: (-pair[1], pair[0]))]
    shown = names if len(names) <= len(_LOOKS) else names[: len(_LOOKS) - 1]
    heights: dict[str, Counter[date]] = {}
    for row in rows:
        name = _name(row, by)
        heights.setdefault(name if name in shown else _OTHERS, Counter())[row["week"]] += row[
            "touches"
        ]
    weeks = _weeks(rows)
    middles = [float(dates.date2num(week)) + 3.5 for week in weeks]
    floor = [0] * len(weeks)
    for (colour, hatch), name in zip(_LOOKS, [*shown, _OTHERS], strict=False):
        if name in heights:
            bars = [heights[name][week] for week in weeks]
            ax.bar(middles, bars, width=6.3, bottom=floor, label=name,
                   color=colour, hatch=hatch, edgecolor="white", lw=0)  # fmt: skip
            floor = [low + bar for low, bar in zip(floor, bars, strict=True)]
    ax.spines[["right", "top"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(GREY)
    ax.set_ylabel("touches a week", color=GREY, fontsize=8)
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.tick_params(labelsize=8, colors=GREY)
    if rows:
        locator = dates.AutoDateLocator(minticks=3, maxticks=12)
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.get_offset_text().set(size=8, color=GREY)
        ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
        legend = ax.legend(
            reverse=True,
            loc="upper left",
            bbox_to_anchor=(1, 1),
            frameon=False,
            fontsize=8,
            labelcolor=GREY,
        )
        for text in legend.get_texts():
            text.set_parse_math(False)
    return ax


def _name(row: Mapping[str, Any], by: str) -> str:
    return f"no {by}" if row[by] is None else str(row[by])


def _weeks(rows: Sequence[Mapping[str, Any]]) -> list[date]:
    found = {row["week"] for row in rows}
    if not found:
        return []
    first, last = min(found), max(found)
    return [first + _WEEK * index for index in range((last - first) // _WEEK + 1)]
