"""The page as data, and its rendering with Jinja2, which escapes every value."""

import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from crmkit.cadence import Plan
from crmkit.errors import MissingExtra
from crmkit.lifecycle import Shortlist, Task
from crmkit.metrics import Metric, MetricVerdict, Scorecard, Unit
from crmkit.model import FrozenMap

if TYPE_CHECKING:
    from jinja2 import Template

PLACES = 10
"""How many people of a shortlist, and how many tasks, the page shows."""


@attrs.frozen(kw_only=True, repr=False)
class Report:
    """What one page shows; all but title and scorecard may be left out."""

    title: str
    scorecard: Scorecard
    simulated: str | None = None
    """What of it is simulated, in a sentence; shown at the top."""
    segments: FrozenMap = attrs.field(factory=FrozenMap)
    """Segment name → how many are in it now."""
    sizes: Sequence[tuple[datetime, FrozenMap]] = ()
    """The sizes at earlier instants, oldest first."""
    activity: FrozenMap = attrs.field(factory=FrozenMap)
    """What happened, in words → how often."""
    refusals: FrozenMap = attrs.field(factory=FrozenMap)
    """Permission rule → how many touches it kept back."""
    shortlist: Shortlist | None = None
    plan: Plan | None = None
    tasks: Sequence[Task] = ()
    notes: Sequence[str] = ()
    """Attributions and such, at the bottom."""


def render_page(report: Report) -> str:
    """Return the page: one HTML document that needs no network, for light, dark and paper.

    Needs the ``templates`` extra (Jinja2).
    """
    return _template().render(
        report=report,
        metrics=[_row(metric) for metric in report.scorecard],
        segments=[_segment(report, name) for name in report.segments],
        shortlist=report.shortlist,
        fits=report.shortlist.fits[:PLACES] if report.shortlist else (),
        tasks=report.tasks[:PLACES],
        more_tasks=max(0, len(report.tasks) - PLACES),
    )


def write_page(report: Report, path: str | os.PathLike[str]) -> Path:
    """Write the page to *path*, whole or not at all, and return the path.

    Raises `OSError` where it cannot be written.
    """
    target, text = Path(path), render_page(report)
    draft = target.with_name(f".{target.name}.part")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(target)
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise OSError(error.errno, f"cannot be written: {error.strerror}", str(target)) from None
    return target


def need_templates() -> None:
    """Raise `MissingExtra` now, rather than after the work, where Jinja2 is not installed."""
    _template()


@cache
def _template() -> "Template":
    try:
        import jinja2
    except ImportError:
        raise MissingExtra("templates", "the HTML page") from None
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("crmkit.report", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["day"] = lambda at: f"{at.day} {at:%b %Y}"
    environment.filters["instant"] = lambda at: f"{at.day} {at:%B %Y, %H:%M}"
    return environment.get_template("page.html.jinja")


def _row(metric: Metric) -> dict[str, Any]:
    return {
        "metric": metric,
        "bullet": _bullet(metric),
        "verdict": "" if metric.verdict in _UNSAID else metric.verdict.replace("_", " "),
        "tone": _TONES.get(metric.verdict, "plain"),
        "counted": _counted(metric),
    }


_UNSAID = {MetricVerdict.NONE, MetricVerdict.NOT_MEASURED}
"""Verdicts that the value says already."""

_TONES = {
    MetricVerdict.WITHIN: "good",
    MetricVerdict.ABOVE: "good",
    MetricVerdict.BELOW: "poor",
}


def _counted(metric: Metric) -> list[str]:
    """Return what the number was counted from, or why there is none."""
    if metric.value is None:
        return [metric.because.text]
    if metric.groups:
        return [f"{each.name}: {each.shown} ({each.denominator:,})" for each in metric.groups]
    if metric.unit is Unit.SHARE and metric.denominator is not None:
        return [f"{metric.numerator or 0:,.0f} of {metric.denominator:,.0f}"]
    return []


def _bullet(metric: Metric) -> dict[str, float] | None:
    """Return value and benchmark as percentages of a scale that holds both."""
    benchmark, value = metric.benchmark, metric.value
    if benchmark is None or value is None:
        return None
    low = min(0.0, value)
    scale = max(benchmark.high * 1.5, value * 1.1) - low
    return {
        "zero": -low / scale * 100,
        "start": min(value, 0.0) / scale * 100 - low / scale * 100,
        "width": abs(value) / scale * 100,
        "low": (benchmark.low - low) / scale * 100,
        "span": (benchmark.high - benchmark.low) / scale * 100,
    }


def _segment(report: Report, name: str) -> dict[str, Any]:
    sizes = [sizes.get(name, 0) for _, sizes in report.sizes]
    return {"name": name, "size": report.segments[name], "line": _sparkline(sizes)}


def _sparkline(sizes: Sequence[int]) -> str | None:
    """Return SVG points in a box of 100 × 24, from the first size to the last."""
    if len(sizes) < 2:
        return None
    top = max(*sizes, 1)
    step = 100 / (len(sizes) - 1)
    return " ".join(f"{i * step:.1f},{23 - 22 * size / top:.1f}" for i, size in enumerate(sizes))
