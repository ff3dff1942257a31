"""The set of metrics: by name, as text, as tables, for a page, as rows."""

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from html import escape
from typing import TYPE_CHECKING, Any

import attrs

from crmkit._time import describe_span, earliest
from crmkit.errors import NotFound
from crmkit.metrics import _tables as tables
from crmkit.metrics._benchmark import Unit
from crmkit.metrics._compare import Comparison, compare
from crmkit.metrics._conventions import Convention, converted, rates_of
from crmkit.metrics._counts import Counts
from crmkit.metrics._definitions import SEVEN
from crmkit.metrics._metric import Metric
from crmkit.metrics._sides import SIDES, Sides
from crmkit.metrics._survival import Survival
from crmkit.metrics._table import Table, aligned, to_csv, write_csv

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HEADERS = ("metric", "value", "95 %", "counted", "benchmark")


@attrs.frozen(kw_only=True, repr=False)
class Scorecard:
    """The metrics of one pool as of one instant, and the tables behind them.

    `print` shows every metric, and what the seven of the field rest on; a notebook shows it as
    HTML. ``simulated`` is how many people are marked as simulated, on their record, their oldest
    fact or the newest of any kind; when there is one, every output says so.
    """

    metrics: tuple[Metric, ...]
    """Every metric of the registry, the seven of the field first."""
    as_of: datetime
    window: timedelta
    simulated: int = 0
    counts: Counts = attrs.field(eq=False)
    """What they were made from; counts of parts of a pool add."""
    sides: Sides = attrs.field(eq=False)
    levels: Mapping[str, Mapping[str, int]] = attrs.field(eq=False)

    def __getitem__(self, name: str) -> Metric:
        for metric in self.metrics:
            if metric.name == name:
                return metric
        raise NotFound("metric", name, (metric.name for metric in self.metrics))

    def __contains__(self, name: object) -> bool:
        return any(name in (metric.name, metric) for metric in self.metrics)

    def __iter__(self) -> Iterator[Metric]:
        return iter(self.metrics)

    def __len__(self) -> int:
        return len(self.metrics)

    def __repr__(self) -> str:
        simulated = ", simulated" if self.simulated else ""
        return f"<Scorecard: {len(self)} metrics as of {self._instant}{simulated}>"

    @property
    def seven(self) -> tuple[Metric, ...]:
        """The seven metrics of the field."""
        return self.metrics[: len(SEVEN)]

    @property
    def until(self) -> datetime | None:
        """Up to when every metric stays as it is, if no new fact arrives."""
        return earliest(*(metric.until for metric in self.metrics))

    # Other definitions, other instants.

    def rates(self, convention: str) -> tuple[Metric, ...]:
        """Return the rates that another tool defines, as it defines them: ``gem``, ``ashby``…

        Raises `UnknownName` for a tool whose definitions are not known.
        """
        tool = Convention.of(convention)
        return tuple(self.rate(name, tool) for name in rates_of(tool))

    def rate(self, name: str, convention: str) -> Metric:
        """Return one rate as a tool defines it; ``crmkit`` is crmkit's own definition.

        Raises `NotFound` for a rate that the tool does not define.
        """
        tool = Convention.of(convention)
        if tool is Convention.CRMKIT:
            return self[name]
        return converted(self.counts, tool, name)

    def compare(self, earlier: "Scorecard") -> Comparison:
        """Return how each metric moved since an earlier scorecard, and whether the data can tell.

        Most useful for two windows of one length that do not overlap; it says where they differ.
        """
        return compare(
            self.metrics,
            earlier.metrics,
            earlier.as_of,
            self.as_of,
            cautions=tuple(self._cautions(earlier)),
        )

    def _cautions(self, earlier: "Scorecard") -> Iterator[str]:
        spans = [describe_span(each.window) for each in (earlier, self)]
        if earlier.window != self.window:
            yield f"The windows differ: {' and '.join(spans)}. More time makes numbers larger."
        if earlier.counts.attribution != self.counts.attribution:
            yield "The attributions differ: other hires are CRM-sourced."
        if earlier.counts.policy != self.counts.policy:
            yield "The engagement policies differ: other things count, and others are cold."
        if self.simulated or earlier.simulated:
            yield (self if self.simulated else earlier)._warning

    # Tables.

    @property
    def tables(self) -> tuple[Table, ...]:
        """Every table, from the funnel to the attribution; `table` takes one by its name."""
        return tuple(self.table(name) for name in tables.MAKERS)

    def table(self, name: str) -> Table:
        """Return one of the `tables`, or raise `NotFound`."""
        if name not in tables.MAKERS:
            raise NotFound("table", name, tables.MAKERS)
        return self._marked(tables.MAKERS[name](self.counts, self.sides, self.levels))

    def _marked(self, table: Table) -> Table:
        """Return a table that says if its numbers are simulated."""
        if not self.simulated:
            return table
        return attrs.evolve(table, notes=(*table.notes, self._warning))

    def responses(self, *by: str) -> Table:
        """Return what became of messages, parted by any of cadence, touch, level, channel, variant.

        Raises `UnknownName` for anything else.
        """
        return self._marked(tables.responses(self.counts.mail, by or ("touch",), self.levels))

    @property
    def fill_curves(self) -> dict[str, Survival]:
        """How long roles opened in the window stayed open: CRM-sourced, cold, all."""
        found = self.sides.fills
        return {SIDES[0]: found.crm, SIDES[1]: found.cold, "all roles": found.every}

    @property
    def stay_curves(self) -> dict[str, Survival]:
        """How long people hired in the window, or in the year before it, stayed."""
        return dict(zip(SIDES, self.sides.stays, strict=True))

    @property
    def process_curve(self) -> Survival:
        """How long processes last that began in the window, whatever their end."""
        return self.counts.considerations.curve

    @property
    def to_refresh(self) -> tuple[tuple[datetime, str], ...]:
        """Whom to refresh first: took part in the window, but their profile is stale.

        Since when it has not been confirmed, and the id; the 20 oldest at most.
        """
        return tuple(self.counts.pipeline.to_refresh.rows)

    @property
    def waiting(self) -> tuple[tuple[datetime, str], ...]:
        """Who waits longest for an answer: since when, and the id; 20 at most."""
        return tuple(self.counts.silence.waiting.rows)

    # Pictures: each is drawn into the axes given or, without them, into a new figure; with the
    # `plot` extra. Into axes of a figure with ``layout="constrained"`` all texts fit.

    @property
    def _under(self) -> tuple[str, ...]:
        """What stands below the title of every picture."""
        window = f"window: {self.counts.frame}"
        return (window, self._warning) if self.simulated else (window,)

    def plot_funnel(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the funnel: how many reached each stage, and the share of the stage before.

        Hatched is who reached a stage without the one before. Raises `MissingExtra` without the
        ``plot`` extra.
        """
        from crmkit.metrics._plots import plot_funnel

        return plot_funnel(tables.funnel(self.counts.nurture), self._under, ax)

    def plot_cohorts(
        self, ax: "Axes | None" = None, *, stages: Sequence[str] | None = None
    ) -> "Axes":
        """Draw the cohorts as a map, months by stages; *stages* are some of them, say ``applied``.

        The shares are written in the cells, where these are large enough. Raises `UnknownName` for
        what is no stage, `MissingExtra` without the ``plot`` extra.
        """
        from crmkit.metrics._plots import plot_cohorts

        since = f"everyone up to {self._instant}"  # whatever the window is
        under = (since, *self._under[1:])
        return plot_cohorts(tables.cohorts(self.counts.nurture), under, ax, stages)

    def plot_touches(self, ax: "Axes | None" = None, *, by: str = "touch") -> "Axes":
        """Draw the share of messages opened, clicked and replied to, with 95 % Wilson intervals.

        *by* is one of cadence, touch, level, channel, variant (see `responses`). Raises
        `UnknownName` for anything else, `MissingExtra` without the ``plot`` extra.
        """
        from crmkit.metrics._plots import plot_touches

        return plot_touches(self.responses(by), self._under, ax)

    def plot_benchmarks(self, ax: "Axes | None" = None) -> "Axes":
        """Draw each metric that has a benchmark: its value, its 95 % interval, the usual range.

        Each has a scale of its own; an interval too long for it ends in an arrow. Raises
        `MissingExtra` without the ``plot`` extra.
        """
        from crmkit.metrics._plots import plot_benchmarks

        return plot_benchmarks(self.metrics, self._under, ax)

    def plot_fill(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the `fill_curves` in days, with 95 % bands and how many were under watch.

        Ticks on a curve are roles that are not filled yet. Raises `MissingExtra` without the
        ``plot`` and ``stats`` extras.
        """
        from crmkit.metrics._plot_lines import FILL, plot_curves

        return plot_curves(self.fill_curves, FILL, self._under, ax)

    def plot_stay(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the `stay_curves` in days, with 95 % bands and how many were under watch.

        Ticks on a curve are people who are still here. Raises `MissingExtra` without the ``plot``
        and ``stats`` extras.
        """
        from crmkit.metrics._plot_lines import STAY, plot_curves

        return plot_curves(self.stay_curves, STAY, self._under, ax)

    # To look at.

    @property
    def _instant(self) -> str:
        return f"{self.as_of:%Y-%m-%d %H:%M} UTC"

    @property
    def _caption(self) -> str:
        return f"Scorecard as of {self._instant}, over the {describe_span(self.window)} before"

    @property
    def _warning(self) -> str:
        return f"SIMULATED: {self.simulated:,} people, or what they did, are simulated"

    def __str__(self) -> str:
        head, rule, *rows = aligned([_HEADERS, *map(cells, self.metrics)])
        seven = len(SEVEN)
        lines = [self._caption, *([self._warning] if self.simulated else []), ""]
        lines += [head, rule, *rows[:seven], "", *rows[seven:]]
        for metric in self.seven:
            lines += ["", metric.title, *(f"  {note}" for note in notes(metric))]
        return "\n".join(lines)

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return one flat row of JSON values for each metric; pandas and polars take them."""
        shared = {
            "as_of": self.as_of.isoformat(),
            "window_days": self.window / timedelta(days=1),
            "simulated": self.simulated,
        }
        return [{**metric.to_dict(), **shared} for metric in self.metrics]

    def to_csv(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return the metrics as CSV, and write them to *path*, if one is given.

        A text that a spreadsheet would run as a formula gets an apostrophe before it.
        """
        rows = self.to_dicts()
        text = to_csv(list(rows[0]), (list(row.values()) for row in rows))
        if path is not None:
            write_csv(text, path)
        return text

    def _repr_html_(self) -> str:
        warning = f"<br><strong>{escape(self._warning)}</strong>" if self.simulated else ""
        head = "".join(f'<th scope="col">{header}</th>' for header in (*_HEADERS, "why"))
        body = "".join(map(_html_row, self.metrics))
        return (
            f"<table><caption>{escape(self._caption)}{warning}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )


def cells(metric: Metric) -> Sequence[str]:
    """Return a metric in a row of words."""
    return metric.title, metric.shown, metric.bounds, counted(metric), against(metric)


def counted(metric: Metric) -> str:
    """Return what a metric was counted from, in a few words."""
    if metric.groups:
        return " against ".join(f"{group.denominator:,}" for group in metric.groups)
    if metric.unit is Unit.SHARE:
        return f"{metric.numerator:,} of {metric.denominator:,}"
    return f"{metric.counted:,}" if metric.value is not None else ""


def against(metric: Metric) -> str:
    """Return how a metric stands to its benchmark."""
    if metric.benchmark is None:
        return ""
    verdict = "usual" if metric.value is None else metric.verdict.replace("_", " ")
    return f"{verdict}: {metric.benchmark}"


def notes(metric: Metric) -> Sequence[str]:
    """Return what a metric rests on, line by line."""
    until = f"until {metric.until:%Y-%m-%d %H:%M} UTC" if metric.until else "no clock changes it"
    certain = [f"95 %: {metric.certainty}"] if metric.certainty else []
    return [
        metric.because.text,
        *certain,
        *(part.text for part in metric.because.parts if part.holds is None),
        *map(str, metric.exclusions),
        f"holds {until}" if metric.until else until,
    ]


def _html_row(metric: Metric) -> str:
    title, *shown = map(escape, cells(metric))
    why = "".join(f"<li>{escape(note)}</li>" for note in notes(metric))
    return (
        f'<tr><th scope="row">{title}</th>'
        + "".join(f"<td>{cell}</td>" for cell in shown)
        + f"<td>{escape(metric.definition)}<ul>{why}</ul></td></tr>"
    )
