"""Metrics as the page shows them: the value, how sure it is, and how it stands."""

from typing import Any

from crmkit.errors import MissingExtra
from crmkit.metrics import Change, Comparison, Metric, MetricVerdict, Unit
from crmkit.metrics._statistics import wilson


def card(metric: Metric) -> dict[str, Any]:
    """Return what a card, or a row of the table of metrics, shows."""
    bounds = _interval(metric)
    return {
        "metric": metric,
        "bullet": bullet(metric, bounds),
        "verdict": _STANDS.get(metric.verdict, ""),
        "unsure": _unsure(metric, bounds),
        "tone": _tone(metric),
        "counted": counted(metric),
        "notes": [part.text for part in metric.because.parts if part.holds is None],
    }


def has_intervals() -> bool:
    """Whether SciPy is there to work them out."""
    try:
        wilson(1, 2)
    except MissingExtra:
        return False
    return True


def _interval(metric: Metric) -> tuple[float, float] | None:
    try:
        return metric.interval()
    except MissingExtra:
        return None


_STANDS = {
    MetricVerdict.BELOW: "below the benchmark",
    MetricVerdict.WITHIN: "within the benchmark",
    MetricVerdict.ABOVE: "above the benchmark",
    MetricVerdict.TOO_FEW: "too few to say",
}


def _unsure(metric: Metric, bounds: tuple[float, float] | None) -> bool:
    """Whether the interval reaches over an end of the benchmark."""
    stands = {MetricVerdict.BELOW, MetricVerdict.WITHIN, MetricVerdict.ABOVE}
    if metric.verdict not in stands or metric.benchmark is None or bounds is None:
        return False
    return {metric.benchmark.judge(bound) for bound in bounds} != {metric.verdict}


def _tone(metric: Metric) -> str:
    """Return the colour of a verdict: where less is better, above is the poor side."""
    poor = MetricVerdict.ABOVE if metric.about.less_is_better else MetricVerdict.BELOW
    if metric.verdict is poor:
        return "poor"
    good = {MetricVerdict.BELOW, MetricVerdict.WITHIN, MetricVerdict.ABOVE}
    return "good" if metric.verdict in good else "plain"


def counted(metric: Metric) -> list[str]:
    """Return what the number was counted from, or why there is none."""
    if metric.value is None:
        return [metric.because.text.partition(": scorecard(")[0]]  # the rest is for programmers
    if metric.groups:
        return [f"{each.name}: {each.shown} ({each.denominator:,})" for each in metric.groups]
    if metric.unit is Unit.SHARE and metric.denominator is not None:
        return [f"{metric.numerator or 0:,.0f} of {metric.denominator:,.0f} {metric.counts}"]
    if metric.unit is Unit.DAYS:
        return [f"{metric.counted:,} {metric.counts}"]
    return [part.text for part in metric.because.parts if part.holds is None]


def bullet(metric: Metric, bounds: tuple[float, float] | None) -> dict[str, float] | None:
    """Return value, interval and benchmark as percentages of a scale that holds all three."""
    benchmark, value = metric.benchmark, metric.value
    if benchmark is None or value is None:
        return None
    low = min(0.0, value)
    top = max(benchmark.high * 1.5, value * 1.1)
    if bounds:  # as far as the scale can bear it
        low = min(low, max(bounds[0], low - top))
        top = max(top, min(bounds[1] * 1.05, 2 * top))
    scale = top - low

    def place(number: float) -> float:
        return min(max((number - low) / scale * 100, 0.0), 100.0)

    shown = {
        "zero": place(0.0),
        "start": place(min(value, 0.0)),
        "width": abs(value) / scale * 100,
        "low": place(benchmark.low),
        "span": place(benchmark.high) - place(benchmark.low),
        "worse": float(value < 0 or _tone(metric) == "poor"),
    }
    if bounds:
        shown |= {"from": place(bounds[0]), "reach": place(bounds[1]) - place(bounds[0])}
    return shown


def moved(comparison: Comparison) -> dict[str, Any]:
    """Return the changes in three parts: what moved, what was counted whole, what nobody can tell.

    What is counted whole, such as the size of the pipeline, has no chance in it to tell apart.
    """
    rows, whole, open_questions, missing = [], [], [], []
    for change in comparison:
        title = change.later.title
        if change.moved:
            rows.append(_change(change))
        elif change.change is None:
            missing.append(title)
        elif change.later.estimate is None and change.change:
            whole.append(_change(change))
        else:
            open_questions.append(title)
    return {
        "rows": rows,
        "whole": whole,
        "open": open_questions,
        "missing": missing,
        "nobody": not comparison["pipeline_size"].earlier.value,
    }


def _change(change: Change) -> dict[str, Any]:
    less = change.later.about.less_is_better
    up = (change.later.value or 0) > (change.earlier.value or 0)
    bounds = change.interval() if change.moved else None
    if bounds and bounds[1] == float("inf"):
        bounds = None  # from 0 or to 0 a ratio has no bound
    return {
        "title": change.later.title,
        "then": change.earlier.shown,
        "now": change.later.shown,
        "change": change.shown,
        "bounds": "" if bounds is None else f"{_signed(bounds[0])} to {_signed(bounds[1])}",
        "arrow": "▲" if up else "▼",
        "way": "up" if up else "down",
        "tone": "good" if up is not less else "poor",
    }


def _signed(bound: float) -> str:
    return f"{bound * 100:+.1f} %"
