"""One person's calendar as a picture, with what moved each date."""

from datetime import datetime
from itertools import chain
from textwrap import fill, shorten
from typing import TYPE_CHECKING, Any

import attrs

from crmkit._time import to_wall
from crmkit.cadence._calendar import Plan
from crmkit.cadence._flags import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    RED,
    Flag,
    new_axes,
    size,
    stack,
    untyped_dates,
)
from crmkit.cadence._shown import (
    STATES,
    Band,
    bands,
    day,
    days_off,
    notes,
    retention_end,
    state,
    weekday,
    where,
    why_moved,
    why_refused,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.path import Path

# In points, from the lane up or down.
_LABELS, _GHOST, _REASONS, _PLAIN = 11.0, 17.0, 24.0, 13.0
_EDGE = 9.0
_LEAST = 7.0
"""Days that are shown at least."""

_COLOURS = {
    "done": (BLUE, BLUE, "white"),
    "due": (ORANGE, INK, INK),
    "ahead": ("white", BLUE, BLUE),
    "not allowed": ("white", RED, RED),
    "expired": ("#D5D8DC", GREY, INK),
}
"""By state: inside, edge and sign."""

_RING: dict[str, Any] = {
    "ls": "",
    "marker": "o",
    "ms": 5.5,
    "mfc": "white",
    "mec": GREY,
    "mew": 1.0,
}


def draw_plan(plan: Plan, ax: "Axes | None" = None) -> "Axes":
    """Draw the calendar as `Plan.plot` says."""
    own = ax is None
    ax = ax or new_axes(10, 3.5, "a picture of a plan")
    figure = ax.figure.canvas.figure
    picture = _Picture(plan, ax)
    picture.frame()
    figure.draw_without_rendering()  # for the layout
    picture.write()
    missing = picture.need - size(ax)[1]
    if own and missing > 0:
        figure.set_figheight(figure.get_figheight() + missing / 72 + 0.02)
        figure.draw_without_rendering()
    for less in (1, 2):
        if picture.need > size(ax)[1]:
            picture.write(less=less)
    picture.draw()
    return ax


@attrs.define
class _Picture:
    plan: Plan
    ax: "Axes"
    labels: list[Flag] = attrs.field(factory=list)
    reasons: list[Flag] = attrs.field(factory=list)
    captions: list[Flag] = attrs.field(factory=list)
    instants: list[Flag] = attrs.field(factory=list)
    """What stands at the bottom: now, and where retention ends."""
    tiers: list[list[float]] = attrs.field(factory=list)
    """Where the tiers of these four begin and end."""
    need: float = 0.0
    """How high it all is, in points."""

    def frame(self) -> None:
        """Set out what stands outside of the axes."""
        dates = untyped_dates()
        ax, plan, (width, _) = self.ax, self.plan, size(self.ax)
        ax.set_yticks([])
        ax.spines[["left", "right", "top"]].set_visible(False)
        ax.spines["bottom"].set_color(GREY)
        locator = dates.AutoDateLocator(minticks=3, maxticks=max(7, int(width / 50)))
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
        ax.tick_params(axis="x", labelsize=8, colors=GREY)
        ax.xaxis.get_offset_text().set(size=8, color=GREY)
        now = to_wall(plan.now, plan.zone)
        walls = [now, *(where(plan, planned) for planned in plan.touches)]
        ax.set_xlim(_number(min(walls)), max(_number(max(walls)), _number(min(walls)) + _LEAST))
        self._title(width)
        self._legend(width)

    def _title(self, width: float) -> None:
        lines = [fill(note, max(30, int(width / 4))) for note in notes(self.plan)]
        below = self.ax.annotate(
            "\n".join(lines), (0, 1), (0, 5), xycoords="axes fraction", textcoords="offset points"
        )
        below.set(fontsize=8, color=GREY, va="bottom", parse_math=False)
        title = f"{self.plan.cadence.name} for {self.plan.enrollment.candidate_id}"
        above = 10 + below.get_window_extent().height * 72 / self.ax.figure.dpi
        drawn = self.ax.set_title(
            fill(title, max(20, int(width / 6.5))), loc="left", fontsize=11, pad=above
        )
        drawn.set(color=INK, weight="bold", parse_math=False)

    def _legend(self, width: float) -> None:
        from matplotlib.lines import Line2D
        from matplotlib.transforms import ScaledTranslation

        touches = self.plan.touches
        found = {state(self.plan, planned) for planned in touches}
        entries: dict[str, Any] = {
            name: (Line2D([], [], **_marker(name)), Line2D([], [], **_sign(name)))
            for name in STATES
            if name in found
        }
        if any(planned.by_hand for planned in touches):
            entries["by hand"] = Line2D([], [], **_marker("ahead", by_hand=True))
        if any(days_off(self.plan, planned) for planned in touches):
            entries["by the plain weeks"] = Line2D([], [], **_RING)
        if entries:
            self.ax.legend(
                entries.values(),
                entries.keys(),
                loc="upper left",
                bbox_to_anchor=(0, 0),
                bbox_transform=self.ax.transAxes
                + ScaledTranslation(0, -0.34, self.ax.figure.dpi_scale_trans),
                ncols=max(1, min(len(entries), int(width / 85))),
                frameon=False,
                fontsize=8,
                labelcolor=GREY,
                borderpad=0,
                labelspacing=0.8,
                borderaxespad=0,
                handletextpad=0.1,
                columnspacing=1.0,
            )

    def write(self, *, less: int = 0) -> None:
        """Write all texts, to measure them, and choose the span of time that leaves them room.

        Where they have to fit, with *less*: 1 leaves out reasons, 2 dates as well.
        """
        plan, (width, _) = self.plan, size(self.ax)
        rows = self.labels, self.reasons, self.captions, self.instants
        for flag in chain(*rows):
            flag.remove()
        for row in rows:
            row.clear()
        for planned in plan.touches:
            wall, answer = where(plan, planned), planned.permission
            again = f" (return {planned.rotation})" if planned.rotation else ""
            date = ("" if less > 1 else day(wall)) if less else weekday(wall)
            self.labels.append(Flag(_number(wall), fill(planned.touch.key + again, 24), date))
            if days_off(plan, planned):
                head, why = why_moved(plan, planned)
                self._reason(planned.planned_for, head, [] if less else why)
            if answer is not None and not answer:
                head, why = why_refused(answer)
                self._reason(wall, head, [] if less else why, RED)
        for band in bands(plan):
            caption = shorten(band.caption, 28 if less else 90, placeholder=" …")
            caption = fill(caption, max(28, int(width / 20)))
            self.captions.append(Flag(_number(band.start), caption, bold=False))
        now = to_wall(plan.now, plan.zone)
        self.instants.append(Flag(_number(now), f"now, {day(now)}"))
        if end := retention_end(plan):
            ends = to_wall(end, plan.zone)
            self.instants.append(
                Flag(_number(ends), f"retention ends, {day(ends)} {ends.year}", colour=RED)
            )
        self._choose_span(width)

    def _reason(self, wall: datetime, head: str, why: list[str], colour: str = INK) -> None:
        lines = max(16, int(size(self.ax)[0] / 25))
        text = "\n".join(fill(shorten(reason, 90, placeholder=" …"), lines) for reason in why)
        self.reasons.append(Flag(_number(wall), head, text, colour=colour))

    def _choose_span(self, width: float) -> None:
        rows = self.labels, self.reasons, self.captions, self.instants
        flags = list(chain(*rows))
        first = min(flag.x for flag in flags)
        scale = (width - _EDGE) / _LEAST  # points by day
        for flag in flags:
            flag.write(self.ax)
            room = max(width - _EDGE - flag.width - 3, width / 3)
            if flag.x > first:
                scale = min(scale, room / (flag.x - first))
        start = first - _EDGE / scale
        self.ax.set_xlim(start, start + width / scale)
        self.tiers = [stack(row, [(flag.x - first) * scale for flag in row]) for row in rows]
        self.need = self._below + _LABELS + sum(tiers[-1] for tiers in self.tiers) + 4

    @property
    def _below(self) -> float:
        return _REASONS if self.reasons else _PLAIN

    def draw(self) -> None:
        """Put everything in its place; what height is left over is shared out."""
        ax = self.ax
        height = size(ax)[1]
        unit = max(1.0, self.need / height)
        labels, reasons, captions, instants = (tiers[-1] for tiers in self.tiers)
        spare = max(0.0, height - self.need) / 2
        top, bottom = _LABELS + labels + captions + 4 + spare, self._below + reasons + instants
        ax.set_ylim(-bottom - spare, top)
        self._bands(top, unit)
        for flag in self.labels:
            head = _LABELS + self.tiers[0][flag.tier + 1]
            flag.hang(head, unit)
            ax.vlines(flag.x, 0, head, color=GREY, lw=0.7, zorder=2)
        for flag in self.reasons:
            head = -self._below - self.tiers[1][flag.tier]
            flag.hang(head, unit)
            refused = flag.colour == RED
            pole = head - flag.height * unit, 0 if refused else -_GHOST
            ax.vlines(flag.x, *pole, color=RED if refused else GREY, lw=0.7, zorder=2)
        for flag in self.instants:
            flag.hang(-bottom - spare + self.tiers[3][flag.tier + 1], unit)
            style = ":" if flag.colour == RED else "-"
            ax.axvline(flag.x, color=flag.colour, lw=1.1, ls=style, zorder=1.5)
        self._lane()

    def _bands(self, top: float, unit: float) -> None:
        right = self.ax.get_xlim()[1]
        for flag, band in zip(self.captions, bands(self.plan), strict=True):
            end = right if band.end is None else _number(band.end)
            self.ax.axvspan(flag.x, end, lw=0, zorder=0, **_shade(band))
            flag.hang(top - self.tiers[2][flag.tier], unit)
            self.ax.axvline(flag.x, color="#B9C0C7", lw=0.7, zorder=1)

    def _lane(self) -> None:
        ax = self.ax
        ax.axhline(0, color=GREY, lw=1.2, zorder=2)
        for planned in self.plan.touches:
            x, name = _number(where(self.plan, planned)), state(self.plan, planned)
            if days_off(self.plan, planned):
                plain = _number(planned.planned_for)
                arrow = {"arrowstyle": "-|>", "color": GREY, "lw": 0.9, "shrinkA": 3, "shrinkB": 6}
                ax.annotate("", (x, 0), (plain, -_GHOST), arrowprops=arrow, zorder=3)
                ax.plot(plain, -_GHOST, zorder=4, **_RING)
            ax.plot(x, 0, zorder=5, **_marker(name, by_hand=planned.by_hand))
            ax.plot(x, 0, zorder=5, **_sign(name))


def _number(wall: datetime) -> float:
    return float(untyped_dates().date2num(wall))


def _shade(band: Band) -> dict[str, Any]:
    if band.factor is None:
        return {"fc": "#E9ECEF", "ec": "#D3D8DD", "hatch": "///"}
    if band.factor > 1:
        return {"fc": "#FDF3DC", "ec": "#F3E2BA", "hatch": "--"}
    return {"fc": "#E4F3FC", "ec": "#C6E5F7", "hatch": ".."}


def _marker(name: str, *, by_hand: bool = False) -> dict[str, Any]:
    inside, edge, _ = _COLOURS[name]
    shape = ("s", 11.0) if by_hand else ("o", 12.0)
    return {"ls": "", "marker": shape[0], "ms": shape[1], "mfc": inside, "mec": edge, "mew": 1.5}


def _sign(name: str) -> dict[str, Any]:
    path, points = _signs()[name]
    colour = _COLOURS[name][2]
    return {"ls": "", "marker": path, "ms": points, "mfc": "none", "mec": colour, "mew": 1.6}


def _signs() -> "dict[str, tuple[Path | str, float]]":
    from matplotlib.path import Path

    move, line = Path.MOVETO, Path.LINETO
    tick = Path([(-0.9, 0.0), (-0.25, -0.65), (0.9, 0.75)], [move, line, line])
    call = Path([(0, 1), (0, -0.25), (0, -0.85), (0, -1)], [move, line, move, line])
    return {
        "done": (tick, 6.0),
        "due": (call, 6.5),
        "ahead": (",", 0.0),
        "not allowed": ("x", 5.0),
        "expired": ("_", 6.0),
    }
