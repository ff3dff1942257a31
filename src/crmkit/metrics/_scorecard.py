"""The set of metrics: by name, as text, as a table for a page, as rows."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from html import escape
from typing import Any

import attrs

from crmkit._time import describe_span, earliest
from crmkit.errors import NotFound
from crmkit.metrics._metric import Metric, MetricVerdict, Unit

_HEADERS = ("metric", "value", "counted", "benchmark", "verdict")


@attrs.frozen(kw_only=True, repr=False)
class Scorecard:
    """The metrics of one pool as of one instant.

    ``simulated`` is how many of the facts read (those up to ``as_of``) say that they are
    simulated; when there is one, every output says so. `print` shows the table and what each
    number rests on; a notebook shows it as HTML.
    """

    metrics: tuple[Metric, ...]
    as_of: datetime
    window: timedelta
    simulated: int = 0

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
    def until(self) -> datetime | None:
        """Up to when every metric stays as it is, if no new fact arrives."""
        return earliest(*(metric.until for metric in self.metrics))

    @property
    def _instant(self) -> str:
        return f"{self.as_of:%Y-%m-%d %H:%M} UTC"

    @property
    def _caption(self) -> str:
        return f"Scorecard as of {self._instant}, over the {describe_span(self.window)} before"

    @property
    def _warning(self) -> str:
        return f"SIMULATED: {self.simulated:,} of the facts read are simulated, not observed"

    def __str__(self) -> str:
        rows = [_HEADERS, *map(_cells, self.metrics)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADERS))]
        lines = [self._caption]
        if self.simulated:
            lines.append(self._warning)
        lines.append("")
        for index, row in enumerate(rows):
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            lines.append("  ".join(cells).rstrip())
            if index == 0:
                lines.append("  ".join("-" * width for width in widths))
        for metric in self.metrics:
            notes = _notes(metric)
            lines += ["", metric.title, *(f"  {note}" for note in notes)]
        return "\n".join(lines)

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return one flat row of JSON values for each metric; pandas and polars take them."""
        shared = {
            "as_of": self.as_of.isoformat(),
            "window_days": self.window / timedelta(days=1),
            "simulated": self.simulated,
        }
        return [{**metric.to_dict(), **shared} for metric in self.metrics]

    def _repr_html_(self) -> str:
        warning = f"<br><strong>{escape(self._warning)}</strong>" if self.simulated else ""
        head = "".join(f'<th scope="col">{header}</th>' for header in (*_HEADERS, "why"))
        body = "".join(map(_html_row, self.metrics))
        return (
            f"<table><caption>{escape(self._caption)}{warning}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )


def _cells(metric: Metric) -> tuple[str, str, str, str, str]:
    benchmark = str(metric.benchmark) if metric.benchmark else "varies"
    verdict = "" if metric.verdict is MetricVerdict.NONE else metric.verdict.replace("_", " ")
    return metric.title, metric.shown, _counted(metric), benchmark, verdict


def _counted(metric: Metric) -> str:
    if metric.groups:
        return " against ".join(f"{group.shown} ({group.denominator:,})" for group in metric.groups)
    if metric.unit is Unit.SHARE:
        return f"{metric.numerator:,} of {metric.denominator:,}"
    return f"{metric.numerator:,}" if metric.numerator is not None else ""


def _notes(metric: Metric) -> list[str]:
    until = f"until {metric.until:%Y-%m-%d %H:%M} UTC" if metric.until else "no clock changes it"
    return [
        metric.because.text,
        *(part.text for part in metric.because.parts if part.holds is None),
        *map(str, metric.exclusions),
        f"holds {until}" if metric.until else until,
    ]


def _html_row(metric: Metric) -> str:
    title, *cells = map(escape, _cells(metric))
    why = "".join(f"<li>{escape(note)}</li>" for note in _notes(metric))
    return (
        f'<tr><th scope="row">{title}</th>'
        + "".join(f"<td>{cell}</td>" for cell in cells)
        + f"<td>{escape(metric.definition)}<ul>{why}</ul></td></tr>"
    )
