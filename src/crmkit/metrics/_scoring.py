"""The scorecard, computed: one pass over everyone."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from crmkit._time import to_instant
from crmkit.engagement import DEFAULT, EngagementPolicy
from crmkit.errors import InvalidRecord
from crmkit.metrics._costs import Costs
from crmkit.metrics._hires import Hires
from crmkit.metrics._rates import Rates
from crmkit.metrics._scorecard import Scorecard
from crmkit.metrics._tally import Frame
from crmkit.model import Relationship, Role

YEAR = timedelta(days=365)
"""The default window."""


def scorecard(
    relationships: Iterable[Relationship],
    *,
    now: datetime,
    roles: Iterable[Role] = (),
    costs: Costs | None = None,
    window: timedelta = YEAR,
    policy: EngagementPolicy = DEFAULT,
) -> Scorecard:
    """Measure the practice: the seven metrics of the field, each with its definition.

    One pass, so *relationships* may be an iterator over millions; each person may come once. A
    fact dated after *now* does not exist yet, so the scorecard of any past instant can be asked.
    *roles* are needed for the time to fill, *costs* (of the window) for the cost per hire; *policy*
    says what an engagement is and when somebody is cold. What is missing or faulty in the data
    is stated in the metric and never raises. Raises `InvalidRecord` for a naive *now* or a
    window that is not positive.

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
    if window <= timedelta(0):
        raise InvalidRecord("window", f"expected more than nothing, got {window}")
    now = to_instant(now, "now")
    frame = Frame(now, window)
    rates = Rates(frame, policy)
    hires = Hires(frame, {role.id: role for role in roles}, costs)
    simulated = 0
    for relationship in relationships:
        history = relationship.history
        past, later = history.upto(now), history.after(now)
        rates.add(relationship.candidate, past, later)
        hires.add(past, later)
        for fact in past:
            if fact.properties and fact.properties.get("simulated") is True:
                simulated += 1
    size, engagement, conversion, re_engagement = rates.metrics()
    return Scorecard(
        metrics=(size, engagement, conversion, *hires.metrics(), re_engagement),
        as_of=now,
        window=window,
        simulated=simulated,
    )
