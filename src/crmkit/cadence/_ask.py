"""What a plan asks of the arbiter: once, and again only from where the answer may turn."""

from datetime import datetime

import attrs

from crmkit._time import earliest
from crmkit.cadence._cadence import Cadence
from crmkit.model import Channel, Relationship
from crmkit.permission import (
    NO_ADDRESS,
    ContactPolicy,
    ContactRule,
    Permission,
    permission,
    standing,
    usable_address,
)


@attrs.define(eq=False)
class Arbiter:
    """Answers for one person, as far as is known at one instant."""

    known: Relationship
    policy: ContactPolicy
    now: datetime
    _answers: dict[Channel, tuple[datetime, datetime | None, Permission]] = attrs.field(
        factory=dict, init=False
    )
    _now: dict[Channel, Permission] = attrs.field(factory=dict, init=False)
    _works: dict[Channel, bool] = attrs.field(factory=dict, init=False)

    def ask(self, due_at: datetime, channel: Channel) -> Permission:
        """Say whether a touch may go then; now, if it is overdue.

        Of a touch ahead the hours and the caps are not asked: it was planned to keep them.
        """
        if due_at > self.now:
            return self.foresee(due_at, channel)
        if channel not in self._now:
            self._now[channel] = permission(
                self.known, now=self.now, channel=channel, policy=self.policy
            )
        return self._now[channel]

    def foresee(self, due_at: datetime, channel: Channel) -> Permission:
        """Say whether a touch may go then, by what is known now and but for hours and caps."""
        if channel in self._answers:
            asked, end, answer = self._answers[channel]
            if asked <= due_at and (end is None or due_at < end):
                return answer
        # Hours without a zone are no hours that a plan could keep.
        missing = self.policy.hours.zone_missing(self.known.candidate, channel)
        ask = permission if missing else standing
        answer = ask(self.known, now=due_at, channel=channel, policy=self.policy)
        self._answers[channel] = due_at, turns(answer), answer
        return answer

    def may_use(self, due_at: datetime, channel: Channel) -> bool:
        """Say whether anything but the channel could stand against a touch then."""
        if self.policy.hours.zone_missing(self.known.candidate, channel):
            return False
        return self.foresee(due_at, channel).rule is not ContactRule.NO_BASIS

    def works(self, channel: Channel) -> bool:
        """Say whether the person has an address on the channel that works, or needs none."""
        if channel not in self._works:
            self._works[channel] = channel in NO_ADDRESS or bool(
                usable_address(self.known, now=self.now, channel=channel)
            )
        return self._works[channel]


def turns(answer: Permission | None) -> datetime | None:
    """Return from when on any rule that was asked may answer otherwise."""
    return None if answer is None else earliest(*(part.until for part in answer.because.parts))


def refusals(
    cadence: Cadence, relationship: Relationship, *, now: datetime, policy: ContactPolicy
) -> tuple[Permission, ...]:
    """Return what keeps somebody out of a cadence: nothing, if any channel of its first touch may.

    Hours and caps keep nobody out: the plan goes round them.
    """
    first = cadence.touches[0]
    found: list[Permission] = []
    for channel in (first.channel, *first.fallback):
        answer = standing(relationship, now=now, channel=channel, policy=policy)
        if answer:
            return ()
        found.append(answer)
    return tuple(found)
