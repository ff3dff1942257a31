"""What is left to look at: the page, and where everything is."""

from collections import Counter
from datetime import datetime
from pathlib import Path
from textwrap import indent
from types import MappingProxyType

import attrs

from crmkit._time import WEEK
from crmkit.demo import _story as story
from crmkit.lifecycle import CRM, Shortlist
from crmkit.metrics import Comparison, Scorecard
from crmkit.model import FrozenMap
from crmkit.report import Report, write_page

ATTRIBUTION = (
    "The people are a sample of the Stack Overflow Annual Developer Survey 2019 "
    "(Open Database License 1.0): no names, no addresses."
)
SIMULATED = (
    "Sources, addresses, opens, replies, calls, applications, hires and costs are made up from a "
    "seed; real engagement logs are not public. The people, their skills, places and job-search "
    "status are survey answers."
)


@attrs.frozen(kw_only=True, repr=False)
class DemoResult:
    """Where the demonstration left what, and what it found."""

    folder: Path
    people: int
    messages: int
    shortlist: Shortlist
    scorecard: Scorecard

    def __repr__(self) -> str:
        return f"<DemoResult in {self.folder}: {self.people} people, {self.messages} messages>"

    def __str__(self) -> str:
        fits = self.shortlist.fits
        best = [indent(f"{place}. {each}", "  ") for place, each in enumerate(fits[:3], 1)]
        database = self.folder / "talent.db"
        at = self.scorecard.as_of.isoformat()
        return "\n".join(
            [
                str(self.scorecard),
                "",
                f"Who have we already met that fits: {self.shortlist.role.title}?",
                *(best or ["  nobody"]),
                "",
                f"{self.people} people, {self.messages} messages, all simulated. Look at:",
                f"  {self.folder / 'report.html'}   the page, in a browser",
                f"  {self.folder / 'outbox'}        the messages, a Maildir",
                f"  {database}     the database; for example:",
                *(
                    f"  crmkit explain {each.candidate_id} --db {database} --now {at}"
                    for each in fits[:1]
                ),
            ]
        )


def show(crm: CRM, folder: Path, *, weeks: int) -> DemoResult:
    """Write the page, and return what it was made from."""
    now = story.START + weeks * WEEK
    # Nothing is due any more: it only says what is refused.
    run = crm.engage(now=now, everyone=True)
    best = crm.convert(attrs.evolve(story.ROLE, opened_at=now), now=now)
    card = crm.measure(now=now, costs=story.costs(weeks))
    comparison = _halves(crm, now, weeks)
    kinds = Counter(
        fact.kind
        for each in crm.relationships()
        for fact in each.history
        if story.START <= fact.at <= now
    )
    plans = [
        plan for each in best.fits[:1] for plan in crm.explain(each.candidate_id, now=now).plans
    ]
    sizes = crm.segment_sizes([story.START + week * WEEK for week in range(weeks + 1)])
    refused = {(each.why.partition(":")[0], each.candidate_id) for each in run.refused}
    page = Report(
        title="A year of keeping in touch" if weeks >= 52 else f"{weeks} weeks of keeping in touch",
        scorecard=card,
        comparison=comparison,
        simulated=SIMULATED,
        segments=sizes[-1][1],
        sizes=sizes,
        activity=FrozenMap({_WORDS[kind]: kinds[kind] for kind in _WORDS if kinds[kind]}),
        refusals=FrozenMap(sorted(Counter(rule for rule, _ in refused).items())),
        shortlist=best,
        plan=plans[0] if plans else None,
        tasks=crm.tasks(now=now),
        notes=[ATTRIBUTION],
    )
    write_page(page, folder / "report.html")
    return DemoResult(
        folder=folder,
        people=best.considered,
        messages=kinds["sent"],
        shortlist=best,
        scorecard=card,
    )


_WORDS = MappingProxyType(
    {
        "sent": "messages sent",
        "opened": "opens (machines among them)",
        "clicked": "clicks (machines among them)",
        "replied": "replies",
        "called": "conversations by phone",
        "messaged": "personal messages by recruiters",
        "unsubscribed": "unsubscribed",
        "bounced": "bounced",
        "applied": "applications",
        "hired": "hires",
        "archived": "archived after a silent sequence",
    }
)


def _halves(crm: CRM, now: datetime, weeks: int) -> Comparison | None:
    """Return what moved from the first half of the time to the second; None for a single week."""
    half = weeks // 2 * WEEK
    if not half:
        return None
    return crm.measure(now=now, window=half).compare(crm.measure(now=now - half, window=half))
