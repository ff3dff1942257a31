"""A sweep of the clock: is the ``until`` of a verdict sound, and is it the instant of a change?"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random

import attrs
from rule_oracle import turns

from crmkit.model import Reason, Relationship
from crmkit.segmentation._look import Look
from crmkit.segmentation._nodes import (
    AllOf,
    AnyOf,
    EventAnniversary,
    FieldAnniversary,
    Member,
    Not,
    Rule,
    each,
)
from crmkit.segmentation._seen import seen
from crmkit.segmentation._walk import answer

TICK = timedelta(microseconds=1)
_LAST = datetime.max.replace(tzinfo=UTC)


@attrs.frozen
class Sweep:
    """What a sweep found out about one verdict."""

    reason: Reason
    wrong: tuple[datetime, ...]
    """Instants before ``until`` with another value: there must be none."""
    flips: bool
    """Whether the value changes at ``until``."""
    arrives: bool
    """Whether a fact that is in the log already, and that the rule could see, is dated so."""

    @property
    def exact(self) -> bool:
        """Whether ``until`` is what it should be for a rule without others in it."""
        return self.reason.until is None or self.flips or self.arrives


def sweep(
    rule: Rule,
    who: Relationship,
    now: datetime,
    rng: Random,
    *,
    segments: Mapping[str, Rule] | None = None,
    most: int = 30,
) -> Sweep:
    """Ask *rule* at *now*, then at up to *most* of the instants before its ``until``.

    These are the instants from which on the value may differ, in the plain definitions, their
    neighbours, and some at random; the last one before ``until`` is always among them.
    """
    known = segments or {}

    def ask(at: datetime) -> Reason:
        return answer(rule, Look(who, at, known))

    reason = ask(now)
    until = reason.until or _LAST
    assert until > now
    points = sorted(at for at in turns(rule, who, now, known) if now < at < until)
    if len(points) > most:
        points = [points[0], *rng.sample(points, most), points[-1]]
    reach = min(until - now, timedelta(days=1000)) // TICK
    points += [now + rng.randrange(reach) * TICK for _ in range(4)]
    points += [at + rng.choice((-1, 1)) * TICK for at in points[: most // 5]]
    points.append(until - TICK)
    wrong = [at for at in points if now < at < until and ask(at).holds is not reason.holds]
    kinds = seen(rule)
    return Sweep(
        reason,
        tuple(wrong),
        flips=reason.until is not None and ask(until).holds is not reason.holds,
        arrives=any(fact.at == until and fact.kind in kinds for fact in who.history),
    )


def composite(rule: Rule) -> bool:
    """Whether ``until`` need only be sound: one of several parts decides, or another segment."""
    while isinstance(rule, Not):
        rule = rule.part
    return isinstance(rule, AllOf | AnyOf | Member)


def yearly(rule: Rule) -> bool:
    """Whether the clock never stops to change the answer: a part that comes back every year."""
    return any(isinstance(node, FieldAnniversary | EventAnniversary) for node in each(rule))
