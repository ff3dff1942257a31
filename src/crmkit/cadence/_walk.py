"""The way through a cadence: when its clock reaches each touch, and what moves it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import attrs

from crmkit._time import describe_span, from_wall, to_micros, to_wall
from crmkit.cadence._cadence import SPOKEN, Cadence, Enrollment, Touch
from crmkit.cadence._calendar import Frame, PlannedTouch
from crmkit.cadence._caps import Cap
from crmkit.cadence._clock import Leg, Phase, run
from crmkit.cadence._content import Piece
from crmkit.cadence._library import Library
from crmkit.model import Channel, History, Interaction, Verdict
from crmkit.permission import HolidayCalendar, Hours

DONE_BY = ("sent", "called", "met", "messaged")
"""The kinds that show a touch as done, when they name its enrolment and key."""

_NOTHING = timedelta(0)
_DAY = to_micros(timedelta(days=1))

Done = dict[tuple[str, int], Interaction]
Moves = tuple[str, ...]
Way = tuple[int, tuple[Leg, ...]]


@attrs.frozen(kw_only=True)
class Walk:
    """One way through a cadence, touch by touch, in microseconds of wall time since the anchor."""

    cadence: Cadence
    clock: tuple[Phase, ...]
    frame: Frame
    hours: Hours
    calendar: HolidayCalendar | None
    done: Done
    caps: Cap
    library: Library | None
    over: bool
    """Whether nothing more is to come."""
    through: datetime | None
    unplaced: dict[str, str] = attrs.field(factory=dict)
    """Why a touch has no day, by its key."""
    free: dict[Channel, bool] = attrs.field(factory=dict, init=False)
    """Whether every hour of every day will do, by channel."""
    least: int = attrs.field(init=False)
    plainly: bool = attrs.field(init=False)
    """Nobody is hastened, slowed or stopped: the clock shows plain weeks."""
    halts: tuple[tuple[datetime, datetime | None, str], ...] = attrs.field(init=False)
    """From when until when the clock stands still, and why."""

    @least.default
    def _least(self) -> int:
        return to_micros(self.cadence.pace.least_gap)

    @plainly.default
    def _plainly(self) -> bool:
        return len(self.clock) == 1 and self.clock[0].ratio == (1, 1)

    @halts.default
    def _standstills(self) -> tuple[tuple[datetime, datetime | None, str], ...]:
        if self.plainly:
            return ()
        ends = [*(phase.since for phase in self.clock[1:]), None]
        return tuple(
            (phase.since, end, phase.why)
            for phase, end in zip(self.clock, ends, strict=True)
            if phase.ratio is None
        )

    def touches(self) -> Iterator[PlannedTouch]:  # noqa: C901, PLR0912 - one loop, for speed
        """Yield every touch in order, and the returns asked for, until the clock stops for good."""
        frame, over, done, final = self.frame, self.over, self.done, self.cadence.touches[-1]
        nominal = reached = last = 0
        before = ""
        taken: set[str] = set()
        went_before = self._went() if done else []
        for touch, rotation, plain in self._plain():
            fact = self._fact(touch, rotation) if done else None
            gap = plain - nominal
            way = self._reach(reached, gap, rotation)
            if way is None and fact is None:
                if rotation:
                    return
                continue
            # What was done has its place in the calendar, even if the clock never gets there.
            went = self._offset(fact.at) if fact else 0
            reached, nominal = (way[0] if way else went), plain
            due = -(-reached // _DAY) * _DAY if way else went
            moves: Moves = ()
            if before:
                # A return keeps half of its plain distance, if the one before it was late.
                apart = max(gap // 2 // _DAY * _DAY, self.least) if rotation else self.least
                if last + apart > due:
                    due, moves = _apart(last, apart, before)
            if went_before and not fact:
                due, moves = self._overtaken(due, moves, went_before)
            try:
                channel = (fact and fact.channel) or touch.channel
                if touch.fallback and not fact:
                    channel = frame.channel_of(touch, frame.base + timedelta(0, 0, due))
                place = self._place(touch, due, channel, moves, ahead=not (fact or over))
            except OverflowError:
                return  # the calendar ends with the year 9999
            if place is None:
                if rotation or self.unplaced:
                    return
                continue  # before that day the clock stops for good
            due, wall, due_at, moves = place
            if rotation and not fact and not self._wanted(due_at):
                return
            if fact or not over:
                planned = PlannedTouch(
                    touch=touch,
                    rotation=rotation,
                    channel=channel,
                    due_at=due_at,
                    plain=plain,
                    wall=wall,
                    legs=way[1] if way else (),
                    moves=moves,
                    fact=fact,
                    pick=self._pick(touch, due_at, taken) if touch.content and not fact else None,
                    frame=frame,
                )
                yield planned
                if touch is final and self._ends(planned):
                    return
            if not fact and channel not in SPOKEN:
                self.caps.add(due_at)
                if self.caps.channels and (own := self.caps.channels.get(channel)):
                    own.add(due_at)
            last, before = max(last, went if fact else due), touch.key

    def _plain(self) -> Iterator[tuple[Touch, int, int]]:
        """Yield each touch, and the returns of the last ones, with their offset by the plain weeks.

        Returns are counted by the calendar from the anchor, never one from another.
        """
        for touch in self.cadence.touches:
            yield touch, 0, touch.days * _DAY
        every, anchor = self.cadence.every, self.frame.anchor
        rotation = 0
        while every:
            rotation += 1
            for touch in self.cadence.touches[-self.cadence.repeat :]:
                try:
                    wall = every.after_wall(anchor + timedelta(touch.days), rotation)
                except (OverflowError, ValueError):
                    return  # the calendar ends with the year 9999
                yield touch, rotation, to_micros(wall - anchor)

    def _fact(self, touch: Touch, rotation: int) -> Interaction | None:
        keys = (touch.key, *touch.was)
        return next(
            (self.done[key, rotation] for key in keys if (key, rotation) in self.done), None
        )

    def _reach(self, start: int, gap: int, rotation: int) -> Way | None:
        """Return when the clock has gone on by *gap*, and how; None if it stops for good before."""
        if self.plainly:
            return start + gap, ()
        greatest = to_micros(self.cadence.pace.greatest_gap)
        steady = rotation > 0 and gap > greatest
        least = gap if steady else min(gap, self.least)
        return run(self.clock, start, gap, least=least, greatest=max(gap, greatest))

    def _went(self) -> list[tuple[int, str]]:
        """Return when touches went, also those of earlier versions, the oldest first."""
        return sorted((self._offset(fact.at), key) for (key, _), fact in self.done.items())

    def _overtaken(self, due: int, moves: Moves, went: list[tuple[int, str]]) -> tuple[int, Moves]:
        """Return the day, put off if another touch went too near to it, before or after."""
        for at, key in went:
            if abs(due - at) < self.least:
                due, moves = _apart(at, self.least, key)
        return due, moves

    def _place(
        self, touch: Touch, due: int, channel: Channel, moves: Moves, *, ahead: bool
    ) -> tuple[int, datetime, datetime, Moves] | None:
        """Return the first day from *due* on that hours, caps and stops leave free, if any is.

        As an offset, as wall time and as instant, with what moved it there. Wall times are kept
        as if they were UTC: so they turn into instants by one subtraction.
        """
        zone, base = self.frame.zone, self.frame.base
        free = self.free.get(channel)
        if free is None:
            free = self.free[channel] = self.hours.free(channel, self.calendar)
        start: datetime | None = None
        reasons: Moves = ()
        while True:
            wall = base + timedelta(0, 0, due)
            if not free:
                # What was done stays in the calendar, whatever the hours are now.
                fitted = self._fitted(wall, channel) or (None if ahead else (wall, ()))
                if fitted is None:
                    self.unplaced[touch.key] = f"no day within a year is open for {channel}"
                    return None
                wall, reasons = fitted
            at = wall - (zone.utcoffset(wall) or _NOTHING)
            if start and at < start:
                due += _DAY
                continue
            moves += reasons
            blocked = self._blocked(at, channel) if ahead else None
            if blocked is None:
                return (due if free else to_micros(wall - base)), wall, at, moves
            start, why = blocked
            if start is None:
                return None
            moves += (why,)
            due = self._offset(start) // _DAY * _DAY  # whose hours may come after it

    def _blocked(self, at: datetime, channel: Channel) -> tuple[datetime | None, str] | None:
        """Return from when on (None: nobody knows) a touch may go that may not then, and why."""
        if self.halts and (halted := self._halted(at)):
            return halted
        if later := self.caps.free_from(at):
            return later, self.caps.why
        if self.caps.channels and (own := self.caps.channels.get(channel)):
            later = own.free_from(at)
            return (later, own.why) if later else None
        return None

    def _halted(self, at: datetime) -> tuple[datetime | None, str] | None:
        """Return until when (None: nobody knows) the clock stands still at that instant, and why.

        What had not come when the clock stopped comes, at the earliest, when it goes on.
        """
        for start, end, why in self.halts:
            if start <= at and (end is None or at < end):
                return end, why
        return None

    def _fitted(self, shown: datetime, channel: Channel) -> tuple[datetime, Moves] | None:
        frame, hours, calendar = self.frame, self.hours, self.calendar
        wall = shown.replace(tzinfo=None)
        moves: Moves = ()
        while True:
            fitted = hours.fit(wall, channel, calendar, offset=frame.spread)
            if fitted is None:
                return None
            wall, reasons = fitted
            moves += reasons
            # Where clocks skip that time, the hour after may be a quiet one.
            local = to_wall(from_wall(wall, frame.zone), frame.zone)
            if local == wall or hours.is_open(local, channel, calendar):
                return wall.replace(tzinfo=UTC), moves
            wall = local

    def _pick(
        self, touch: Touch, due_at: datetime, taken: set[str]
    ) -> Verdict[Piece | None] | None:
        if self.library is None or touch.content is None:
            return None
        arbiter = self.frame.arbiter
        if touch.deadline and due_at + touch.deadline <= arbiter.now:
            return None  # it brings nothing any more
        at = max(due_at, arbiter.now)  # one that is overdue brings what suits now
        pick = self.library.pick(arbiter.known, touch.content, now=at, taken=taken)
        if pick.value:
            taken.add(pick.value.id)
        return pick

    def _ends(self, final: PlannedTouch) -> bool:
        """Say whether the calendar ends with the last touch: it is to come, or may still go."""
        if self.through or final.fact or final.expired:
            return False
        return final.touch.deadline is not None or final.due_at > self.frame.now

    def _wanted(self, at: datetime) -> bool:
        return not self.over and (self.through is None or at <= self.through)

    def _offset(self, instant: datetime) -> int:
        return to_micros(to_wall(instant, self.frame.zone).replace(tzinfo=UTC) - self.frame.base)


def _apart(at: int, apart: int, key: str) -> tuple[int, Moves]:
    """Return the first day that keeps its distance from a touch, and that as the reason."""
    span = describe_span(timedelta(microseconds=apart))
    return -(-(at + apart) // _DAY) * _DAY, (f"at least {span} after {key}",)


def done_facts(history: History, enrollment: Enrollment) -> Done:
    """Return the first fact that shows each touch of the enrolment as done."""
    found: Done = {}
    if history.by_kind.keys().isdisjoint(DONE_BY):
        return found
    for fact in history.of(*DONE_BY):
        if fact.enrollment_id == enrollment.id and fact.touch is not None:
            found.setdefault((fact.touch, fact.rotation or 0), fact)
    return found
