"""The page as data, and its rendering with Jinja2, which escapes every value."""

import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from crmkit._time import describe_span
from crmkit.cadence import Plan
from crmkit.errors import MissingExtra
from crmkit.lifecycle import Shortlist, Task
from crmkit.metrics import Comparison, Convention, Metric, Scorecard
from crmkit.model import FrozenMap
from crmkit.report import _cards as cards
from crmkit.report import _charts as charts
from crmkit.report._advice import advise
from crmkit.report._files import write_whole

if TYPE_CHECKING:
    from jinja2 import Template

PLACES = 10
"""How many people of a shortlist, and how many tasks, the page shows."""

MONTHS = 12
"""How many cohorts the page shows; older ones are folded away."""


@attrs.frozen(kw_only=True, repr=False)
class Report:
    """What one page shows; all but title and scorecard may be left out.

    >>> from datetime import UTC, datetime
    >>> from crmkit.metrics import scorecard
    >>> card = scorecard([], now=datetime(2026, 3, 2, 9, tzinfo=UTC))
    >>> Report(title="Nobody yet", scorecard=card, segments=FrozenMap({"alumni": 3})).tasks
    ()
    """

    title: str
    scorecard: Scorecard
    comparison: Comparison | None = None
    """What moved: `Scorecard.compare` with an earlier one, of a window of the same length."""
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

    The seven metrics are at the top, then what moved, what to do next (`advise`), charts and
    tables, and what else the report has. Every value is escaped. Without SciPy it has no
    intervals, and says how to get them. Needs the ``templates`` extra (Jinja2).

    >>> from datetime import UTC, datetime
    >>> from crmkit.metrics import scorecard
    >>> card = scorecard([], now=datetime(2026, 3, 2, 9, tzinfo=UTC))
    >>> render_page(Report(title="Nobody yet", scorecard=card)).splitlines()[0]
    '<!DOCTYPE html>'
    """
    card = report.scorecard
    tables = {table.name: table for table in card.tables}
    advice = advise(card)
    cohorts = charts.grid(tables["cohorts"], heat=True)
    fill, stay = dict(list(card.fill_curves.items())[:2]), card.stay_curves
    return _template().render(
        report=report,
        window=describe_span(card.window),
        intervals=cards.has_intervals(),
        seven=[cards.card(metric) for metric in card.seven],
        practice=[cards.card(metric) for metric in card.metrics[len(card.seven) :]],
        moved=None if report.comparison is None else cards.moved(report.comparison),
        due=[each for each in advice if each.due],
        fine=[each for each in advice if not each.due],
        funnel=charts.grid(tables["funnel"], ["people", "conversion"]),
        cohorts=cohorts | {"rows": cohorts["rows"][-MONTHS:]},
        older=cohorts | {"rows": cohorts["rows"][:-MONTHS]},
        touches=charts.grid(tables["responses"], ["opened", "replied"]),
        segments=[
            charts.segment(name, size, report.sizes) for name, size in report.segments.items()
        ],
        fills=charts.curves("fill", "Share of roles not filled yet, by days open", fill),
        stays=charts.curves(
            "stay",
            "Share of hires still here, by days",
            stay,
            going="still here",
            longest=charts.LONGEST,
        ),
        tables=[charts.grid(tables[name]) for name in _PLAIN if tables[name].rows],
        empty=[tables[name].title.partition(":")[0] for name in _PLAIN if not tables[name].rows],
        conventions=list(_conventions(card)),
        fits=report.shortlist.fits[:PLACES] if report.shortlist else (),
        tasks=report.tasks[:PLACES],
        more_tasks=max(0, len(report.tasks) - PLACES),
    )


_PLAIN = (
    *("answers", "segments", "campaigns"),
    *("time_to_fill", "retention", "sources", "attribution"),
)
"""The tables that are shown as tables."""


def _conventions(card: Scorecard) -> Iterator[tuple[str, Metric]]:
    for tool in Convention:
        if tool is not Convention.CRMKIT:
            for metric in card.rates(tool):
                yield tool.value, metric


def write_page(report: Report, path: str | os.PathLike[str]) -> Path:
    """Write the page to *path*, whole or not at all, and return the path.

    >>> from datetime import UTC, datetime
    >>> from crmkit.metrics import scorecard
    >>> card = scorecard([], now=datetime(2026, 3, 2, 9, tzinfo=UTC))
    >>> write_page(Report(title="Nobody yet", scorecard=card), "page.html").name
    'page.html'

    Raises `OSError` where it cannot be written, and `MissingExtra` without Jinja2.
    """
    return write_whole(path, render_page(report))


def need_templates() -> None:
    """Raise `MissingExtra` now, rather than after the work, where Jinja2 is not installed."""
    _template()


_TURNS = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
"""Controls of the direction of writing: one of them could turn round the text after it."""

_HIDDEN = dict.fromkeys((*range(9), 11, 12, *range(14, 32), *range(127, 160), *_TURNS), "�")


def _plain(value: object) -> object:
    """Return a value with what a reader cannot see, or is misled by, made visible."""
    return value.translate(_HIDDEN) if isinstance(value, str) else value


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
        finalize=_plain,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["day"] = lambda at: f"{at.day} {at:%b %Y}"
    environment.filters["instant"] = lambda at: f"{at.day} {at:%B %Y, %H:%M}"
    environment.filters["pc"] = lambda number: f"{number:.2f}%"
    environment.filters["words"] = lambda name: name.replace("_", " ")
    return environment.get_template("page.html.jinja")
