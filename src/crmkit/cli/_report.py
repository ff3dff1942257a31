"""The report: measure twice, say what moved, write the page and the tables."""

import argparse
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from crmkit._progress import Bar
from crmkit._time import DAY, later
from crmkit.cli._shared import instant, now_of, open_store, segments_of
from crmkit.errors import InvalidRecord
from crmkit.lifecycle import CRM
from crmkit.metrics import Comparison, Scorecard
from crmkit.model import FrozenMap

if TYPE_CHECKING:
    from crmkit.stores import SQLStore

LONGEST = 36_525
"""Days: a hundred years."""

STEPS = 26
"""In how many steps the sizes of segments are drawn."""


def report(options: argparse.Namespace) -> None:
    """Write the scorecard as one page, and, if asked to, its tables as CSV."""
    from crmkit.report import Report, need_templates, write_page, write_tables

    now, segments = now_of(options), segments_of(options)
    then = instant(options.compare_to, "--compare-to")
    if options.window > LONGEST:
        problem = f"expected at most {LONGEST:,} days, got {options.window:,}"
        raise InvalidRecord("--window", problem)
    need_templates()
    window = options.window * DAY
    with open_store(options.db) as store:
        crm, now = CRM(store, segments=segments), now or store.now()
        if then is not None and then >= now:
            raise InvalidRecord("--compare-to", f"expected an instant before {now.isoformat()}")
        with Bar("measuring") as progress:
            card = crm.measure(now=now, window=window, progress=progress)
        earlier = None if options.no_compare else then or later(now, -window)
        comparison = _compare(crm, card, earlier) if earlier else None
        with Bar("intervals") as progress:
            for place, metric in enumerate(card.metrics, 1):
                _ = metric.certainty  # kept from here on: some are resampled
                progress(place, len(card))
        sizes = crm.segment_sizes(_instants(now, window))
        page = Report(
            title=options.title,
            scorecard=card,
            comparison=comparison,
            simulated="Some of the facts counted are simulated." if card.simulated else None,
            segments=_sizes(store, sizes[-1][1]),
            sizes=sizes,
            tasks=crm.tasks(now=now),
        )
    files = write_tables(card, options.csv, comparison) if options.csv else ()
    target = write_page(page, options.out)
    print(card)
    print(f"\nwritten to {target}")
    if files:
        print(f"and {len(files)} tables to {options.csv}")


def _compare(crm: CRM, card: Scorecard, earlier: datetime) -> Comparison:
    with Bar("measuring what was before") as progress:
        return card.compare(crm.measure(now=earlier, window=card.window, progress=progress))


def _instants(now: datetime, window: timedelta) -> list[datetime]:
    start = later(now, -window)
    if start is None:
        return [now]
    return [start + window * step / STEPS for step in range(STEPS)] + [now]


def _sizes(store: "SQLStore", now: FrozenMap) -> FrozenMap:
    """Return the sizes of the segments that there are, those of other definitions as they stand."""
    others = Counter(
        membership.segment for membership in store.memberships() if membership.segment not in now
    )
    return FrozenMap(sorted([*((n, size) for n, size in now.items() if size), *others.items()]))
