"""What to do next: each piece of advice names the number that it rests on."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType

import attrs

from crmkit._time import describe_span, plural
from crmkit.errors import MissingExtra
from crmkit.metrics import ENOUGH, Benchmark, Metric, MetricVerdict, Scorecard, Unit
from crmkit.metrics._statistics import Interval, wilson


@attrs.frozen(kw_only=True)
class Advice:
    """One thing to do next, or one that was looked for and not found (``due`` is false).

    ``text`` names the number that it rests on. ``people`` are ids, never names or addresses, each
    with an instant; ``since`` says what was then.

    >>> from datetime import UTC, datetime
    >>> waits = (datetime(2026, 1, 5, tzinfo=UTC), "ada")
    >>> print(Advice(name="answer", title="Answer 1 person", text="1 of 3 waits.", people=(waits,)))
    Answer 1 person. 1 of 3 waits.
    """

    name: str
    title: str
    text: str
    due: bool = True
    people: tuple[tuple[datetime, str], ...] = ()
    since: str = ""

    def __str__(self) -> str:
        return f"{self.title}. {self.text}"


@attrs.frozen
class Limit:
    """What a rate has to stay below, and who says so."""

    most: float
    source: str


LIMITS: Mapping[str, Limit] = MappingProxyType(
    {
        "bounce_rate": Limit(0.05, "at 5 % Amazon SES puts a sender under review"),
        "unsubscribe_rate": Limit(
            0.005, "0.5 % is a convention of practice; the mail providers state none"
        ),
        "complaint_rate": Limit(
            0.001, "0.1 % is the limit of the mail providers (Google, Email sender guidelines)"
        ),
    }
)
"""The rates that cost a sender its good name."""

_REMEDIES = MappingProxyType(
    {
        "bounce_rate": "Verify addresses before writing to them, and stop at the first bounce.",
        "unsubscribe_rate": "Write less often, or to fewer people, and say why you write.",
        "complaint_rate": "Stop the cadence that they complain about, and make leaving easy.",
        "engagement_rate": "Send fewer messages, chosen by what each person does and likes.",
        "conversion_rate": "Offer a matching role to those who answer, and recall the silver "
        "medalists.",
        "time_to_fill": "Ask who is known already on the day a role opens, not weeks later.",
        "quality_of_hire": "Ask those who left why they did, before the next shortlist.",
        "cost_per_hire": "Look at what the practice costs and which of it brings no hire.",
        "re_engagement_rate": "Try another kind of message on those who are cold, or let them be.",
    }
)


def advise(card: Scorecard) -> tuple[Advice, ...]:
    """Return what to do next, the most urgent first, and then what there is no need for.

    Advice rests on the data, not on noise: a rate counts as too low or too high when its whole
    95 % interval says so. Without SciPy there are no intervals; then a benchmark or limit is
    judged by the value alone, if at least `ENOUGH` were counted, and touches cannot be compared.

    >>> from datetime import UTC, datetime
    >>> from crmkit.metrics import scorecard
    >>> for each in advise(scorecard([], now=datetime(2026, 3, 2, 9, tzinfo=UTC))):
    ...     print(each.due, each)
    False Nobody waits for an answer. Nobody applied or was interviewed in the window, 14 days ago or more.
    False No touch stands out. Fewer than two touches were sent 30 times or more.
    False Nobody to refresh. No stale profile is of somebody who took part in the 365 days.
    """  # noqa: E501 - the sentences are as long as they are
    found = [
        _waiting(card),
        *_limits(card),
        *_touches(card),
        _refresh(card),
        *_segments(card),
        *_benchmarks(card),
    ]
    return tuple(sorted(found, key=lambda each: not each.due))


def _waiting(card: Scorecard) -> Advice:
    silence, people = card["silence_rate"], card.waiting
    if not people:
        asked = int(silence.denominator or 0)
        text = (
            f"{_people(asked)} applied or had an interview, and all have had an answer."
            if asked
            else "Nobody applied or was interviewed in the window, 14 days ago or more."
        )
        return Advice(name="answer", title="Nobody waits for an answer", text=text, due=False)
    waits = int(silence.numerator or 0)
    return Advice(
        name="answer",
        title=f"Answer {_people(waits)} who went unanswered",
        text=f"{_counts(silence)} who applied or were interviewed have heard nothing for 14 days "
        f"or more{_first(waits, len(people), 'wait the longest')}.",
        people=people,
        since="since when they wait",
    )


def _refresh(card: Scorecard) -> Advice:
    fresh, people = card["freshness"], card.to_refresh
    span = describe_span(card.window)
    if not people:
        text = f"No stale profile is of somebody who took part in the {span}."
        return Advice(name="refresh", title="Nobody to refresh", text=text, due=False)
    stale = int((fresh.denominator or 0) - (fresh.numerator or 0))
    return Advice(
        name="refresh",
        title=f"Refresh {plural(len(people), 'profile')} first",
        text=f"{stale:,} of {fresh.denominator or 0:,.0f} profiles were not confirmed in the last "
        f"91 days. Of those who took part in the {span} all the same, these were confirmed "
        "longest ago.",
        people=people,
        since="when it was last confirmed",
    )


def _limits(card: Scorecard) -> Iterator[Advice]:
    for name, limit in LIMITS.items():
        metric = card[name]
        if metric.value is None or metric.counted < ENOUGH or metric.value <= limit.most:
            continue
        known = _interval(metric)
        certain = known is None or known[0] > limit.most
        yield _judged(
            metric,
            f"{metric.title}: over the limit",
            f"{_stated(metric)}, and {limit.source}.",
            certain=certain,
        )


def _benchmarks(card: Scorecard) -> Iterator[Advice]:
    for metric in card.seven:
        bad = MetricVerdict.ABOVE if metric.about.less_is_better else MetricVerdict.BELOW
        if metric.verdict is not bad or metric.benchmark is None:
            continue
        known = _interval(metric)
        yield _judged(
            metric,
            f"{metric.title}: {metric.verdict} the benchmark",
            f"{_stated(metric)}; the benchmark is {metric.benchmark}.",
            certain=known is None or metric.benchmark.judge(known[1]) is bad,
        )


def _judged(metric: Metric, title: str, text: str, *, certain: bool) -> Advice:
    remedy = _REMEDIES[metric.name] if certain else "The data cannot tell yet: wait for more."
    title = title if certain else f"{metric.title}: perhaps{title.partition(':')[2]}"
    return Advice(name=metric.name, title=title, text=f"{text} {remedy}", due=certain)


@attrs.frozen
class _Touch:
    """What became of one touch of one cadence."""

    name: str
    messages: int
    replied: int
    unsubscribed: int


def _touches(card: Scorecard) -> Iterator[Advice]:
    """Yield the touch that fails, and those that people leave at; or that none stands out."""
    touches = [
        _Touch(_named(touch, cadence), messages, *(_part(rate, messages) for rate in rates))
        for cadence, touch, messages, *rates in _columns(card)
    ]
    told = [each for each in touches if each.messages >= ENOUGH]
    try:
        found = [*_unanswered(told), *_left(told)]
    except MissingExtra:
        text = "To tell touches apart takes intervals: pip install 'crmkit[stats]'."
        yield Advice(name="touch", title="Touches not compared", text=text, due=False)
        return
    yield from found
    if not found:
        text = (
            f"Of the {len(told)} touches sent {ENOUGH} times or more none is answered less than "
            "the others together, or left more often than the limit, by more than chance."
            if len(told) > 1
            else f"Fewer than two touches were sent {ENOUGH} times or more."
        )
        yield Advice(name="touch", title="No touch stands out", text=text, due=False)


def _named(touch: str, cadence: str) -> str:
    return touch if cadence == "not stated" else f"{touch} ({cadence})"


def _columns(card: Scorecard) -> Iterator[tuple[str, str, int, float | None, float | None]]:
    for row in card.responses("cadence", "touch").to_dicts():
        yield row["cadence"], row["touch"], row["messages"], row["replied"], row["unsubscribed"]


def _unanswered(told: list[_Touch]) -> Iterator[Advice]:
    """Yield the touch answered least, if its whole interval is below the others' rate."""
    messages, replied = sum(each.messages for each in told), sum(each.replied for each in told)
    worst: tuple[float, _Touch, Interval, float] | None = None
    for each in told if len(told) > 1 else ():
        others = (replied - each.replied) / (messages - each.messages)
        bounds = wilson(each.replied, each.messages)
        rate = each.replied / each.messages
        if bounds and bounds[1] < others and (worst is None or rate < worst[0]):
            worst = rate, each, bounds, others
    if worst:
        rate, touch, bounds, others = worst
        show = Unit.SHARE.show
        yield Advice(
            name="touch",
            title=f"Rewrite or drop a touch: {touch.name}",
            text=f"{show(rate)} of its messages are answered ({touch.replied:,} of "
            f"{touch.messages:,}; 95 %: {Unit.SHARE.show_interval(*bounds)}), and {show(others)} "
            "of the other touches' messages. Late touches go to those who did not answer the "
            "early ones, so some fall is to be expected.",
        )


def _left(told: list[_Touch]) -> Iterator[Advice]:
    """Yield each touch that people unsubscribe from more than the limit allows."""
    limit, show = LIMITS["unsubscribe_rate"], Unit.SHARE.show
    for each in told:
        bounds = wilson(each.unsubscribed, each.messages)
        if bounds and bounds[0] > limit.most:
            yield Advice(
                name="touch",
                title=f"A touch that people leave at: {each.name}",
                text=f"{show(each.unsubscribed / each.messages)} unsubscribed "
                f"({each.unsubscribed:,} of {each.messages:,}; 95 %: "
                f"{Unit.SHARE.show_interval(*bounds)}), and {limit.source}.",
            )


def _segments(card: Scorecard) -> Iterator[Advice]:
    """Yield one piece of advice on the segments whose engagement is below the benchmark."""
    benchmark = card["engagement_rate"].benchmark
    assert benchmark is not None  # noqa: S101 - the registry has one
    low = [
        f"{row['segment']} ({Unit.SHARE.show(row['engaged'])} of {row['e-mailed']:,})"
        for row in card.table("segments").to_dicts()
        if _is_below(_part(row["engaged"], row["e-mailed"]), row["e-mailed"], benchmark)
    ]
    if low:
        yield Advice(
            name="segments",
            title=f"Send something else to {plural(len(low), 'segment')}",
            text=f"Below the benchmark of engagement, {benchmark}: {'; '.join(low)}.",
        )


def _is_below(part: int, whole: int, benchmark: Benchmark) -> bool:
    if whole < ENOUGH:
        return False
    try:
        bounds = wilson(part, whole)
    except MissingExtra:
        bounds = None
    highest = bounds[1] if bounds else part / whole
    return benchmark.judge(highest) is MetricVerdict.BELOW


def _part(rate: float | None, whole: int) -> int:
    return round((rate or 0.0) * whole)


def _interval(metric: Metric) -> Interval | None:
    try:
        return metric.interval()
    except MissingExtra:
        return None


def _stated(metric: Metric) -> str:
    certainty = f"; 95 %: {metric.certainty}" if metric.certainty else ""
    return f"It is {metric.shown} ({_counts(metric)}{certainty})"


def _counts(metric: Metric) -> str:
    if metric.groups:
        return " against ".join(
            f"{group.shown} {group.name} (of {group.denominator:,})" for group in metric.groups
        )
    return f"{metric.numerator or 0:,.0f} of {metric.denominator or 0:,.0f}"


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count:,} people"


def _first(many: int, shown: int, which: str) -> str:
    return f"; these {shown} {which}" if shown < many else ""
