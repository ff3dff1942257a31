"""The tables of a scorecard: funnel, cohorts, responses, sources, attribution, time."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from crmkit.errors import MissingExtra, UnknownName
from crmkit.metrics._attribution import Attribution
from crmkit.metrics._considerations import Considerations
from crmkit.metrics._counts import Counts
from crmkit.metrics._mail import MAILED, Cell, Mail
from crmkit.metrics._people import Nurture
from crmkit.metrics._reading import (
    BOUNCED,
    CLICKED,
    COMPLAINED,
    OPENED,
    REPLIED,
    STAGES,
    UNSUBSCRIBED,
)
from crmkit.metrics._sides import SIDES, Sides
from crmkit.metrics._statistics import wilson
from crmkit.metrics._survival import Survival
from crmkit.metrics._table import FEW, Column, Kind, Row, Table
from crmkit.model import Channel

_SHARE = Kind.SHARE
_TEXT = Kind.TEXT
_BOUNDS = (Column("low", _SHARE), Column("high", _SHARE))
_INTERVAL = "low and high are the 95 % Wilson interval of {}."
_TOO_FEW = f"A dash stands where fewer than {FEW} were counted: too few for a rate."

BY = ("cadence", "touch", "level", "channel", "variant")
"""What responses can be parted by."""

RETENTION_DAYS = (90, 180, 365, 730)
"""After how many days the share still here is told."""

RESTRICTED_DAYS = 90
"""Up to where the mean time to fill is restricted."""


def share_with_bounds(part: int, whole: int) -> tuple[float | None, float | None, float | None]:
    """Return a share and its interval; None for too few, and without SciPy for the interval."""
    if whole < FEW:
        return None, None, None
    try:
        low, high = wilson(part, whole) or (None, None)
    except MissingExtra:
        low = high = None
    return part / whole, low, high


def funnel(nurture: Nurture) -> Table:
    """Return how many of those first heard of in the window came how far."""
    masks: Counter[int] = Counter()
    before = 0
    for (_, _, inside, mask), people in nurture.cohorts.items():
        if inside:
            masks[mask | 1] += people
        else:
            before += people
    rows: list[Row] = []
    for place, stage in enumerate(STAGES):
        bit = 1 << place
        reached = sum(people for mask, people in masks.items() if mask & bit)
        if not place:
            rows.append((stage, reached, None, None, None, None))
            continue
        whole = sum(people for mask, people in masks.items() if mask & bit >> 1)
        part = sum(people for mask, people in masks.items() if mask & bit and mask & bit >> 1)
        rows.append((stage, reached, part, *share_with_bounds(part, whole)))
    return Table(
        name="funnel",
        title="Funnel: people first heard of in the window, and what they reached since",
        columns=(
            Column("stage", _TEXT),
            Column("people"),
            Column("of the stage before"),
            Column("conversion", _SHARE),
            *_BOUNDS,
        ),
        rows=tuple(rows),
        notes=(
            "Conversion: of those at the stage before, the share who reached this one, in "
            "whatever order; people may reach a stage without the one before it. "
            + _INTERVAL.format("conversion"),
            f"First heard of before the window, not counted: {before:,}. {_TOO_FEW}",
        ),
    )


def cohorts(nurture: Nurture) -> Table:
    """Return, for each month in which people were first heard of, the shares that came how far."""
    months: dict[tuple[int, int], Counter[int]] = {}
    for (year, month, _, mask), people in nurture.cohorts.items():
        months.setdefault((year, month), Counter())[mask] += people
    rows: list[Row] = []
    for (year, month), masks in sorted(months.items()):
        whole = masks.total()
        shares = [
            sum(people for mask, people in masks.items() if mask & 1 << place) / whole
            if whole >= FEW
            else None
            for place in range(1, len(STAGES))
        ]
        rows.append((f"{year:04}-{month:02}", whole, *shares))
    return Table(
        name="cohorts",
        title="Cohorts: by the month in which people were first heard of, how far they came",
        columns=(
            Column("first heard of", _TEXT),
            Column("people"),
            *(Column(stage, _SHARE) for stage in STAGES[1:]),
        ),
        rows=tuple(rows),
        notes=(f"Months in UTC; newer ones have had less time. {_TOO_FEW}",),
    )


def responses(mail: Mail, by: Sequence[str], levels: Mapping[str, Mapping[str, int]]) -> Table:
    """Return what became of messages, parted by what they have in common."""
    for name in by:
        if name not in BY:
            raise UnknownName.among("by", name, BY, what="something to part messages by")
    found: dict[tuple[Any, ...], Counter[int]] = {}
    for key, number in mail.cells.items():
        cell = Cell._make(key)
        found.setdefault(tuple(_stated(cell, name, levels) for name in by), Counter())[
            cell.fate
        ] += number
    order = {touch: place for touches in levels.values() for place, touch in enumerate(touches)}
    rows: list[Row] = []
    for key, fates in sorted(found.items(), key=lambda each: [_rank(it, order) for it in each[0]]):
        whole = fates.total()
        counts = [
            sum(number for fate, number in fates.items() if fate & bit)
            for bit in (OPENED, CLICKED, REPLIED, BOUNCED, UNSUBSCRIBED, COMPLAINED)
        ]
        rates = [count / whole if whole >= FEW else None for count in counts]
        rows.append((*key, whole, *rates, *share_with_bounds(counts[2], whole)[1:]))
    return Table(
        name="responses",
        title=f"Messages sent in the window, by {' and '.join(by)}",
        columns=(
            *(Column(name, _TEXT) for name in by),
            Column("messages"),
            *(Column(n, _SHARE) for n in ("opened", "clicked", "replied", "bounced")),
            Column("unsubscribed", _SHARE),
            Column("complained", _SHARE),
            *_BOUNDS,
        ),
        rows=tuple(rows),
        notes=(
            "Per message; what is known to be machine-made is left out. "
            + _INTERVAL.format("replied")
            + f" {_TOO_FEW}",
        ),
    )


def _stated(cell: Cell, name: str, levels: Mapping[str, Mapping[str, int]]) -> str:
    if name == "channel":
        return (cell.channel or Channel.EMAIL).value
    if name == "level":
        level = levels.get(cell.cadence or "", {}).get(cell.touch or "")
        return str(level) if level is not None else "not stated"
    stated = getattr(cell, name)
    return "not stated" if stated is None else str(stated)


def _rank(stated: str, order: Mapping[str, int]) -> tuple[bool, int, str]:
    """Put touches in the order of their cadence, all else by name, and what is not stated last."""
    return stated == "not stated", order.get(stated, -1), stated


def segments(mail: Mail) -> Table:
    """Return the rates of each segment."""
    found: dict[str, Counter[int]] = {}
    for (name, state), people in mail.segments.items():
        found.setdefault(name, Counter())[state] += people
    rows: list[Row] = []
    for name, states in sorted(found.items()):
        whole = sum(people for state, people in states.items() if state & MAILED)
        parts = [
            sum(people for state, people in states.items() if state & bits)
            for bits in (OPENED | CLICKED, CLICKED, REPLIED)
        ]
        rates = [part / whole if whole >= FEW else None for part in parts]
        rows.append((name, whole, *rates, *share_with_bounds(parts[2], whole)[1:]))
    return Table(
        name="segments",
        title="Engagement by segment: people e-mailed in the window",
        columns=(
            Column("segment", _TEXT),
            Column("e-mailed"),
            *(Column(n, _SHARE) for n in ("engaged", "clicked", "replied")),
            *_BOUNDS,
        ),
        rows=tuple(rows),
        notes=(
            "Membership as it is now; one person may be in several. "
            + _INTERVAL.format("replied")
            + f" {_TOO_FEW}",
        ),
    )


def answers(mail: Mail) -> Table:
    """Return to which message of a cadence first replies came."""
    total, rows, so_far = mail.answers.total(), list[Row](), 0
    for place in range(1, max((p for p, n in mail.answers.items() if n), default=0) + 1):
        so_far += mail.answers[place]
        rows.append((str(place), mail.answers[place], so_far / total))
    return Table(
        name="answers",
        title="First replies, by the message of the cadence that they answered",
        columns=(Column("message", _TEXT), Column("first replies"), Column("by then", _SHARE)),
        rows=tuple(rows),
        notes=("Elsewhere: half come after message 1, 85 % by message 2 (Lever).",),
    )


def campaigns(nurture: Nurture) -> Table:
    """Return re-engagement by the cadence of the first message that somebody got while cold."""
    names = sorted({cadence or "no cadence" for cadence, _ in nurture.campaigns})
    rows: list[Row] = []
    for name in names:
        back, still = (
            sum(
                people
                for (cadence, again), people in nurture.campaigns.items()
                if (cadence or "no cadence") == name and again is wanted
            )
            for wanted in (True, False)
        )
        rows.append((name, back + still, back, *share_with_bounds(back, back + still)))
    return Table(
        name="campaigns",
        title="Re-engagement of the cold, by campaign",
        columns=(
            Column("cadence", _TEXT),
            Column("cold"),
            Column("came back"),
            Column("rate", _SHARE),
            *_BOUNDS,
        ),
        rows=tuple(rows),
        notes=(_INTERVAL.format("the rate") + f" {_TOO_FEW}",),
    )


def sources(sides: Sides) -> Table:
    """Return where the hires in the window came from."""
    found: dict[str, list[bool]] = {}
    for hire in sides.inside:
        name = hire.source.value.replace("_", " ") if hire.source else "unknown"
        found.setdefault(name, []).append(sides.crm(hire))
    whole = len(sides.inside)
    rows: list[Row] = [
        (name, len(each), sum(each), *share_with_bounds(len(each), whole))
        for name, each in sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    ]
    return Table(
        name="sources",
        title="Source of hire",
        columns=(
            Column("source", _TEXT),
            Column("hires"),
            Column("of them CRM-sourced"),
            Column("share", _SHARE),
            *_BOUNDS,
        ),
        rows=tuple(rows),
        notes=(f"How the person came in, as the profile says. {_INTERVAL.format('the share')}",),
    )


def attribution(sides: Sides, chosen: Attribution) -> Table:
    """Return how many hires are CRM-sourced by each rule."""
    whole = len(sides.inside)
    rows: list[Row] = [
        (
            f"{Attribution(rule=rule, span=chosen.span)}{' (chosen)' * (rule is chosen.rule)}",
            crm,
            *share_with_bounds(crm, whole),
        )
        for rule, crm in sides.by_rule()
    ]
    return Table(
        name="attribution",
        title=f"When is a hire CRM-sourced? {whole:,} hires in the window, by each rule",
        columns=(
            Column("rule", _TEXT),
            Column("CRM-sourced"),
            Column("share", _SHARE),
            *_BOUNDS,
        ),
        rows=tuple(rows),
        notes=(f"The chosen rule parts the other numbers. {_INTERVAL.format('the share')}",),
    )


def time_to_fill(sides: Sides) -> Table:
    """Return how long roles stayed open, on each side and in all."""
    found = sides.fills
    curves = ((SIDES[0], found.crm), (SIDES[1], found.cold), ("all roles", found.every))
    return Table(
        name="time_to_fill",
        title="Time to fill: roles opened in the window, in days",
        columns=(
            Column("filled by", _TEXT),
            Column("filled"),
            Column("not filled yet"),
            Column("median", Kind.DAYS),
            Column("from", Kind.DAYS),
            Column("to", Kind.DAYS),
            Column("median of the filled", Kind.DAYS),
            Column(f"mean of the first {RESTRICTED_DAYS}", Kind.DAYS),
        ),
        rows=tuple(_filled(name, curve) for name, curve in curves),
        notes=(
            "Kaplan-Meier: what is not filled yet lasts at least so long, and is dealt out to the "
            "two sides in proportion to what each has filled. From and to are the 95 % interval of "
            "the median; a dash is not reached. The median of the filled alone is for contrast: it "
            "is too short.",
        ),
    )


def _filled(name: str, curve: Survival) -> Row:
    try:
        mean = curve.restricted_mean(RESTRICTED_DAYS)
    except MissingExtra:
        mean = None
    return (*_lasted(name, curve), mean)


def _lasted(name: str, curve: Survival) -> Row:
    """Return how many ended and how many did not, the median, its interval, and the naive one."""
    try:
        middle, bounds = curve.median, curve.median_interval()
    except MissingExtra:
        middle, bounds = None, (None, None)
    return (name, curve.ended, curve.censored, middle, *bounds, curve.ended_median)


def retention(sides: Sides) -> Table:
    """Return the share still here after stated times, on each side."""
    rows: list[Row] = []
    for name, curve in zip(SIDES, sides.stays, strict=True):
        for days in RETENTION_DAYS:
            try:
                share, bounds = curve.at(days), curve.interval_at(days) or (None, None)
            except MissingExtra:
                share, bounds = None, (None, None)
            rows.append((name, str(days), len(curve), share, *bounds))
    return Table(
        name="retention",
        title="Retention: hires in the window or the 365 days before it",
        columns=(
            Column("hired", _TEXT),
            Column("after days", _TEXT),
            Column("hires"),
            Column("still here", _SHARE),
            *_BOUNDS,
        ),
        rows=tuple(rows),
        notes=(
            "Kaplan-Meier: who is still here stays at least so long. Low and high are its 95 % "
            "interval; a dash stands where nobody was followed for so long.",
        ),
    )


def processes(considerations: Considerations) -> Table:
    """Return how long processes last, with those that run, and for contrast without them."""
    curve = considerations.curve
    return Table(
        name="processes",
        title="Time in process: those that began in the window, in days",
        columns=(
            Column("processes", _TEXT),
            Column("ended"),
            Column("still running"),
            *(Column(name, Kind.DAYS) for name in ("median", "from", "to")),
            Column("median of the ended", Kind.DAYS),
        ),
        rows=(_lasted("all", curve),) if len(curve) else (),
        notes=(
            "Kaplan-Meier, from the first step to a hire, a rejection or a withdrawal: what still "
            "runs lasts at least so long. The median of the ended alone is for contrast: it is "
            "too short.",
        ),
    )


MAKERS: Mapping[str, Callable[[Counts, Sides, Mapping[str, Mapping[str, int]]], Table]] = (
    MappingProxyType(
        {
            "funnel": lambda counts, _sides, _levels: funnel(counts.nurture),
            "cohorts": lambda counts, _sides, _levels: cohorts(counts.nurture),
            "responses": lambda counts, _sides, levels: responses(counts.mail, ("touch",), levels),
            "answers": lambda counts, _sides, _levels: answers(counts.mail),
            "segments": lambda counts, _sides, _levels: segments(counts.mail),
            "campaigns": lambda counts, _sides, _levels: campaigns(counts.nurture),
            "time_to_fill": lambda _counts, sides, _levels: time_to_fill(sides),
            "processes": lambda counts, _sides, _levels: processes(counts.considerations),
            "retention": lambda _counts, sides, _levels: retention(sides),
            "sources": lambda _counts, sides, _levels: sources(sides),
            "attribution": lambda counts, sides, _levels: attribution(sides, counts.attribution),
        }
    )
)
"""What makes each table, by its name."""
