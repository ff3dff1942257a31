"""Who needs nothing yet: a plan that holds is not made again."""

from collections.abc import Sequence
from datetime import datetime

import attrs

from crmkit.cadence import Enrollment, Plan
from crmkit.model import Relationship

_MOST = 2**14
"""How many people are remembered; past that, memory would grow with the pool."""


@attrs.frozen
class _Holds:
    relationship: Relationship
    runs: tuple[Enrollment, ...]
    since: datetime
    until: datetime | None


@attrs.define
class Rest:
    """The people whose plan has nothing due, and up to when: a cache that may be lost any time.

    `Plan.until` is sound: up to it, a person about whom nothing new is known has the same plan.
    """

    _found: dict[str, _Holds] = attrs.field(factory=dict, init=False)

    def keep(self, relationship: Relationship, runs: Sequence[Enrollment], plan: Plan) -> None:
        """Remember a plan in which nothing is due."""
        if len(self._found) >= _MOST:
            self._found.clear()
        self._found[relationship.id] = _Holds(relationship, tuple(runs), plan.now, plan.until)

    def until(
        self, relationship: Relationship, runs: Sequence[Enrollment], now: datetime
    ) -> tuple[bool, datetime | None]:
        """Return whether nothing is due for this person now, and up to when."""
        held = self._found.get(relationship.id)
        if held is None or now < held.since or (held.until and held.until <= now):
            return False, None
        same = held.relationship == relationship and held.runs == tuple(runs)
        return same, held.until
