"""The way through a cadence: when its clock reaches each touch, and what moves it."""

from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo

import attrs

from crmkit._time import MICROSECOND, CalendarSpan, describe_span, earliest, from_wall, to_wall
from crmkit.cadence._cadence import Cadence, Enrollment, Touch
from crmkit.cadence._calendar import PlannedTouch, Shift
from crmkit.cadence._clock import Leg, Phase, run
from crmkit.model import Channel, History, Interaction, Relationship
from crmkit.permission import ContactPolicy, Permission, permission

DONE_BY = ("sent", "called", "met", "messaged")
"""The kinds that show a touch as done, when they name its enrolment and key."""

_YEAR = CalendarSpan(years=1)
_DAY = timedelta(days=1) // MICROSECOND
_WEEK = 7 * _DAY
_HALF_YEAR = timedelta(weeks=26)


class Arbiter:
    """Asks for permission once, and again only from where the answer may turn."""

    def __init__(self, known: Relationship, policy: ContactPolicy, now: datetime) -> None:
        self.known, self.policy, self.now = known, policy, now
        self.answers: dict[Channel, tuple[datetime, datetime | None, Permission]] = {}

    def ask(self, due_at: datetime, channel: Channel) -> Permission:
        at = max(due_at, self.now)
        if channel in self.answers:
            asked, end, answer = self.answers[channel]
            if asked <= at and (end is None or at < end):
                return answer
        answer = permission(self.known, now=at, channel=channel, policy=self.policy)
        self.answers[channel] = at, turns(answer), answer
        return answer


def turns(answer: Permission | None) -> datetime | None:
    """Return from when on any rule that was asked may answer otherwise."""
    return None if answer is None else earliest(*(part.until for part in answer.because.parts))


@attrs.frozen(kw_only=True)
class Walk:
    """One way through a cadence, touch by touch, in microseconds of wall time since the anchor."""

    cadence: Cadence
    clock: tuple[Phase, ...]
    anchor: datetime
    zone: tzinfo
    done: dict[tuple[str, int], Interaction]
    arbiter: Arbiter
    over: bool
    """Whether nothing more is to come."""
    through: datetime | None

    def touches(self) -> Iterator[PlannedTouch]:
        """Yield every touch in order, and the returns asked for, until the clock stops for good."""
        nominal = reached = 0
        by_itself: tuple[int, str] | None = None
        last: tuple[int, str] | None = None
        for touch, rotation, week in self._nominal():
            fact = self.done.get((touch.key, rotation))
            way = self._reach(reached, week - nominal, yearly=rotation > 0)
            if way is None and fact is None:
                if rotation:
                    return
                continue
            # What was done has its place in the calendar, even if the clock never gets there.
            went = self._offset(fact.at) if fact else 0
            nominal, (reached, legs) = week, way or (went, ())
            due, spacing = _whole_days(reached) if way else went, None
            if by_itself and not touch.by_hand:
                due, spacing = _spaced(due, spacing, by_itself, self.cadence.pace.least_gap)
            if rotation and last:
                due, spacing = _spaced(due, spacing, last, _HALF_YEAR)
            planned = self._planned(
                touch, rotation, fact, week=week, due=due, legs=legs, spacing=spacing
            )
            if planned is None or (rotation and not fact and not self._wanted(planned)):
                return
            if fact or not self.over:
                yield planned
            if touch is self.cadence.touches[-1] and not fact and self.through is None:
                return
            last = went if fact else due, touch.key
            if not touch.by_hand:
                by_itself = max(last, by_itself or last)

    def _nominal(self) -> Iterator[tuple[Touch, int, int]]:
        """Yield each touch, and the last one's returns, by the plain weeks and years."""
        week = 0
        for touch in self.cadence.touches:
            week = touch.week * _WEEK
            yield touch, 0, week
        rotation = 0
        while self.cadence.yearly:
            rotation += 1
            try:
                wall = _YEAR.after_wall(self.anchor + week * MICROSECOND, rotation)
            except (OverflowError, ValueError):
                return  # the calendar ends with the year 9999
            yield self.cadence.touches[-1], rotation, (wall - self.anchor) // MICROSECOND

    def _reach(self, start: int, gap: int, *, yearly: bool) -> tuple[int, tuple[Leg, ...]] | None:
        pace = self.cadence.pace
        least = gap if yearly else min(gap, pace.least_gap // MICROSECOND)
        greatest = gap if yearly else max(gap, pace.greatest_gap // MICROSECOND)
        return run(self.clock, start, gap, least=least, greatest=greatest)

    def _wanted(self, planned: PlannedTouch) -> bool:
        return not self.over and (self.through is None or planned.due_at <= self.through)

    def _planned(
        self,
        touch: Touch,
        rotation: int,
        fact: Interaction | None,
        *,
        week: int,
        due: int,
        legs: tuple[Leg, ...],
        spacing: str | None,
    ) -> PlannedTouch | None:
        try:
            due_at = from_wall(self._wall(due), self.zone)
            local = to_wall(due_at, self.zone)
        except OverflowError:
            return None  # the calendar ends with the year 9999
        ask = not (fact or self.over)
        return PlannedTouch(
            touch=touch,
            rotation=rotation,
            due_at=due_at,
            local=local,
            enrolled=self.anchor,
            planned_for=self._wall(week),
            shifts=tuple(
                Shift(self._wall(leg.start), self._wall(leg.end), leg.factor, leg.why)
                for leg in legs
            ),
            spacing=spacing,
            done_at=fact.at if fact else None,
            done_by=fact.kind if fact else None,
            permission=self.arbiter.ask(due_at, touch.channel) if ask else None,
        )

    def _wall(self, offset: int) -> datetime:
        return self.anchor + offset * MICROSECOND

    def _offset(self, instant: datetime) -> int:
        return (to_wall(instant, self.zone) - self.anchor) // MICROSECOND


def _whole_days(offset: int) -> int:
    """Return the first offset from *offset* on that shows the anchor's time of day."""
    return -(-offset // _DAY) * _DAY


def _spaced(
    due: int, spacing: str | None, before: tuple[int, str], gap: timedelta
) -> tuple[int, str | None]:
    """Return the date, put off to keep *gap* from the touch before, and the reason if it was."""
    went, key = before
    first = _whole_days(went + gap // MICROSECOND)
    return (first, f"at least {describe_span(gap)} after {key}") if first > due else (due, spacing)


def done_facts(history: History, enrollment: Enrollment) -> dict[tuple[str, int], Interaction]:
    found: dict[tuple[str, int], Interaction] = {}
    for fact in history.of(*DONE_BY):
        if fact.enrollment_id == enrollment.id and fact.touch is not None:
            found.setdefault((fact.touch, fact.rotation or 0), fact)
    return found
