"""The scorecard, computed: one pass over everyone, or the sum of parts."""

from collections.abc import Container, Iterable, Mapping
from datetime import datetime, timedelta
from math import isfinite

import attrs

from crmkit._time import earliest
from crmkit.engagement import DEFAULT, EngagementPolicy
from crmkit.errors import InvalidRecord
from crmkit.metrics._attribution import Attribution
from crmkit.metrics._costs import Costs
from crmkit.metrics._counts import YEAR, Counts, count
from crmkit.metrics._definitions import NAMES
from crmkit.metrics._metric import Exclusion, Metric
from crmkit.metrics._scorecard import Scorecard
from crmkit.metrics._sides import Sides, Terms
from crmkit.model import Reason, Relationship, Role

_ANY = Attribution()


def scorecard(
    relationships: Iterable[Relationship] | Counts,
    *,
    now: datetime | None = None,
    roles: Iterable[Role] = (),
    costs: Costs | Iterable[Costs] | None = None,
    ratings: Mapping[str, float] | None = None,
    window: timedelta = YEAR,
    policy: EngagementPolicy = DEFAULT,
    attribution: Attribution = _ANY,
    segments: Mapping[str, Container[str]] | None = None,
    levels: Mapping[str, Mapping[str, int]] | None = None,
) -> Scorecard:
    """Measure the practice: every metric of the registry, each with its definition.

    One pass, so *relationships* may be an iterator over millions; each person may come once. A
    fact dated after *now* does not exist yet, so the scorecard of any past instant can be asked.
    Parts of a pool can be counted apart (`count`), added, and given here instead of people: then
    *now*, *window*, *policy*, *attribution* and *segments* are those of the counts.

    *roles* are needed for the time to fill, *costs* (of the window) for the cost per hire, and
    *ratings* (candidate id → performance, on one scale) for the performance of hires. *policy*
    says what an engagement is and when somebody is cold, *attribution* when a hire is CRM-sourced.
    *segments* (name → ids of the people in it) and *levels* (cadence → touch → level of
    personalisation) part the engagement rates.

    What is missing or faulty in the data is stated in the metric and never raises. Raises
    `InvalidRecord` for a naive or missing *now*, a window that is not positive, or a rating that is
    not a number.

    >>> from datetime import UTC
    >>> from crmkit.model import Candidate, Interaction
    >>> log = [Interaction(candidate_id="ada", kind="sent", at="2026-01-05T09:00Z"),
    ...        Interaction(candidate_id="ada", kind="clicked", at="2026-01-06T09:00Z")]
    >>> pool = [Relationship(Candidate(id="ada"), log), Relationship(Candidate(id="bob"))]
    >>> card = scorecard(pool, now=datetime(2026, 3, 2, 9, tzinfo=UTC))
    >>> card["pipeline_size"].value, card["engagement_rate"].value
    (2.0, 1.0)
    >>> print(card["engagement_rate"].because)
    1 of 1 people e-mailed in the window opened or clicked, until 2027-01-05 09:00 UTC
      of them clicked: 1
      ✗ at least 30 are counted (found 1)
    """
    terms = Terms(
        roles={role.id: role for role in roles},
        costs=(costs,) if isinstance(costs, Costs) else tuple(costs or ()),
        ratings=_ratings(ratings or {}),
    )
    if isinstance(relationships, Counts):
        counts = relationships
    else:
        if now is None:
            raise InvalidRecord("now", "expected an instant: the scorecard reads no clock")
        counts = count(
            relationships,
            now=now,
            window=window,
            policy=policy,
            attribution=attribution,
            segments=segments,
        )
    return _card(counts, terms, levels or {})


def _card(counts: Counts, terms: Terms, levels: Mapping[str, Mapping[str, int]]) -> Scorecard:
    frame = counts.frame
    sides = Sides(frame, counts.hires.rows, counts.attribution, terms)
    size, *health = counts.pipeline.metrics(frame)
    found = [
        _without(size, "people first heard of later", counts.later),
        *health,
        *counts.nurture.metrics(frame, counts.policy.cold_after),
        *counts.mail.metrics(frame),
        counts.silence.metric(frame),
        *sides.metrics(),
    ]
    by_name = {metric.name: _bounded(metric, counts.next_fact) for metric in found}
    return Scorecard(
        metrics=tuple(by_name[name] for name in NAMES),
        as_of=frame.now,
        window=frame.window,
        simulated=counts.simulated,
        counts=counts,
        sides=sides,
        levels=levels,
    )


def _ratings(ratings: Mapping[str, float]) -> dict[str, float]:
    for who, rating in ratings.items():
        if type(rating) not in {int, float} or not isfinite(rating):
            raise InvalidRecord(f"ratings[{who!r}]", f"expected a number, got {rating!r}")
    return dict(ratings)


def _without(metric: Metric, what: str, number: int) -> Metric:
    if not number:
        return metric
    return attrs.evolve(
        metric, exclusions=tuple(sorted((*metric.exclusions, Exclusion(what, number))))
    )


def _bounded(metric: Metric, next_fact: datetime | None) -> Metric:
    """Return a metric that holds no longer than until the next fact of the log arrives."""
    until = earliest(metric.until, next_fact)
    if until == metric.until:
        return metric
    because: Reason = attrs.evolve(metric.because, until=until)
    return attrs.evolve(metric, until=until, because=because)
