"""What the clock changes: leaves as comparisons of a number kept with one found from now.

Most leaves flip when now passes an instant: so many spans after the n-th newest fact, or when a
score has decayed to a threshold. The others are asked of the walk, and asked again when the
``until`` of its answer has come.
"""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from crmkit._time import MICROSECOND, CalendarSpan, Span, micros
from crmkit.engagement import EngagementPolicy, Temperature, is_engagement, score, unanswered
from crmkit.model import Relationship
from crmkit.segmentation._facts import AFTER, BEFORE, Facts, end_of, newest, oldest
from crmkit.segmentation._look import Look, later
from crmkit.segmentation._nodes import (
    EventAge,
    EventCount,
    EventRestarted,
    Events,
    FieldAge,
    Rule,
    ScoreTest,
    TemperatureTest,
)
from crmkit.segmentation._paths import reader
from crmkit.segmentation._plan import Clocked, Expression, Plan
from crmkit.segmentation._settled import always
from crmkit.segmentation._walk import answer


def _ago(plan: Plan, span: timedelta) -> str:
    length = span // MICROSECOND
    return plan.cut(("ago", length), lambda now: now - length)


def _event_count(node: EventCount, plan: Plan) -> Expression | None:
    span = node.lag if node.within is None else node.within
    if span is None or (node.within is not None and node.lag is not None):
        return None
    # Of those that leave the window it is the n-th newest that decides, of those that enter it
    # the n-th oldest.
    pick, inside, outside = (oldest, "<=", ">") if node.within is None else (newest, ">", "<=")
    parts: list[Expression] = []
    if node.at_least:
        kept, edge = _nth(pick, node.at_least, node.events, span, plan)
        parts.append(Clocked(f"{kept} {inside} {edge}"))
    if node.at_most is not None:
        kept, edge = _nth(pick, node.at_most + 1, node.events, span, plan)
        parts.append(Clocked(f"{kept} {outside} {edge}"))
    return plan.all_of(parts) if parts else plan.settle(always)


def _nth(
    pick: Callable[[list[int], int], int], number: int, events: Events, span: Span, plan: Plan
) -> tuple[str, str]:
    """Return the names of the instant that decides, and of what it is compared with."""
    if isinstance(span, CalendarSpan):
        key = (pick, events, number, span)
        return plan.slot(key, lambda facts: pick(facts.ends(events, span), number)), "now"
    kept = plan.slot((pick, events, number), lambda facts: pick(facts.times(events), number))
    return kept, _ago(plan, span)


def _event_age(node: EventAge, plan: Plan) -> Expression:
    events, span = node.events, node.span
    place = 0 if node.which == "first" else -1
    older = node.op == "older_than"
    none = AFTER if older else BEFORE
    key = ("age", events, place, none)
    if isinstance(span, timedelta):
        edge = _ago(plan, span)
        kept = plan.slot(key, lambda facts: (facts.times(events) or [none])[place])
    else:
        edge = "now"
        kept = plan.slot(
            (*key, span),
            lambda facts: end_of(found[place].at, span) if (found := facts.of(events)) else none,
        )
    return Clocked(f"{kept} <= {edge}" if older else f"{kept} > {edge}")


def _field_age(node: FieldAge, plan: Plan) -> Expression:
    read, span, older = reader(node.path), node.span, node.op == "older_than"
    none = AFTER if older else BEFORE

    def ends(facts: Facts) -> int:
        found = read(facts.candidate)
        return end_of(found, span) if isinstance(found, datetime) else none

    def comes(facts: Facts) -> int:
        found = read(facts.candidate)
        return micros(found) if isinstance(found, datetime) else AFTER

    end = plan.slot(("ends", node.path, none, span), ends)
    if older:
        return Clocked(f"{end} <= now")
    return Clocked(f"{plan.slot(('comes', node.path), comes)} <= now < {end}")


def _event_restarted(node: EventRestarted, plan: Plan) -> Expression:
    def ends(facts: Facts) -> int:
        times = [fact.at for fact in facts.of(node.events)]
        found = BEFORE
        for before, time in pairwise(times):
            gap = later(before, node.gap)
            if gap is not None and gap <= time:
                found = max(found, end_of(time, node.within))
        return found

    return Clocked(f"{plan.slot(('restarted', node), ends)} > now")


def _score_test(node: ScoreTest, plan: Plan) -> Expression:
    # As in the walk: above x is at least the next float after x.
    threshold = node.value if node.op in {">=", "<"} else math.nextafter(node.value, math.inf)
    reached = _reached(node.policy, threshold, plan)
    return reached if node.op in {">=", ">"} else plan.negated(reached)


def _temperature_test(node: TemperatureTest, plan: Plan) -> Expression:
    policy, among = node.policy, frozenset(node.among)
    hot = _reached(policy, policy.hot, plan)
    warm = _reached(policy, policy.warm, plan)

    def silent(facts: Facts) -> bool:
        return _by_silence(facts.relationship, policy) in among

    parts = []
    if Temperature.HOT in among:
        parts.append(hot)
    if Temperature.WARM in among:
        parts.append(plan.all_of([warm, plan.negated(hot)]))
    if not among <= {Temperature.HOT, Temperature.WARM}:
        parts.append(plan.all_of([plan.settle(silent), plan.negated(warm)]))
    return plan.any_of(parts)


_LAST = datetime.max.replace(tzinfo=UTC)


def _by_silence(relationship: Relationship, policy: EngagementPolicy) -> Temperature:
    """Return the temperature of a person whose score has decayed."""
    silence = unanswered(relationship, now=_LAST, policy=policy)
    if silence >= policy.cold_after:
        return Temperature.COLD
    return Temperature.COOLING if silence >= policy.cooling_after else Temperature.UNKNOWN


def _reached(policy: EngagementPolicy, threshold: float, plan: Plan) -> Expression:
    """Return the expression that holds while the score is at least the threshold.

    The score at *now* is 2^((level - now) / half-life), so one number kept decides it, up to
    rounding. Near the threshold, and where floats lose precision, the score itself is asked.
    """
    if threshold <= 0:
        return plan.settle(always)
    half_life = float(policy.half_life // MICROSECOND)
    slack = _SLACK + half_life * _ROUNDING
    if threshold < 2.0**_SMALL:
        above, below = half_life * _SMALL, half_life * _NOTHING
    else:
        span = half_life * math.log2(threshold)
        above, below = span + slack, span - slack

    def exactly(relationship: Relationship, at: datetime) -> bool:
        return score(relationship, now=at, policy=policy) >= threshold

    level = plan.slot(("level", policy), lambda facts: _level(facts, policy))
    high = plan.cut(("score", above), lambda now: now + above)
    low = plan.cut(("score", below), lambda now: now + below)
    ask = plan.function(exactly)
    return Clocked(f"{level} > {high} or {level} > {low} and {ask}(p, at)", cost=2, joined=True)


_SLACK = 1000.0
"""Microseconds: floats near the year 9999 are 32 of them apart."""
_ROUNDING = 1e-9
"""Of a half-life: how far rounded logarithms and sums are off at most, and much more."""
_SMALL, _NOTHING = -960, -1200
"""Powers of two: where products of floats begin to lose precision, and where nothing is left."""


def _level(facts: Facts, policy: EngagementPolicy) -> float:
    """Return the instant at which the score is 1, if it decays as it does after the newest act."""
    acts = [
        (micros(fact.at), policy.weights[kind])
        for kind in facts.by_kind.keys() & policy.weights.keys()
        for fact in facts.by_kind[kind]
        if is_engagement(fact, policy=policy)
    ]
    if not acts:
        return -math.inf
    half_life = policy.half_life // MICROSECOND
    last = max(at for at, _ in acts)
    points = math.fsum(weight * 2.0 ** ((at - last) / half_life) for at, weight in acts)
    return last + half_life * math.log2(points)


class Asked:
    """A leaf asked of the walk, for each person again only when its ``until`` has come."""

    __slots__ = ("_node", "_segments")

    def __init__(self, node: Rule, segments: Mapping[str, Rule]) -> None:
        self._node = node
        self._segments = segments

    def __call__(
        self,
        kept: list[tuple[datetime, datetime | None, bool]],
        relationship: Relationship,
        now: datetime,
    ) -> bool:
        if kept:
            since, until, holds = kept[0]
            if since <= now and (until is None or now < until):
                return holds
        reason = answer(self._node, Look(relationship, now, self._segments))
        kept[:] = [(now, reason.until, bool(reason.holds))]
        return bool(reason.holds)


def asked(node: Rule, segments: Mapping[str, Rule], plan: Plan) -> Expression:
    """Return the expression that asks the walk."""
    kept = plan.slot(("asked", node), lambda _facts: [])
    return Clocked(f"{plan.function(Asked(node, segments))}({kept}, p, at)", cost=100)


CLOCKED: dict[type[Rule], Callable[[Any, Plan], Expression | None]] = {
    EventCount: _event_count,
    EventAge: _event_age,
    EventRestarted: _event_restarted,
    FieldAge: _field_age,
    ScoreTest: _score_test,
    TemperatureTest: _temperature_test,
}
