"""What the calendar of an undisturbed person must be, by the ``whenever`` package alone.

Nobody does anything, so every touch keeps the enrolment's wall time, weeks on; hours of sending
move it, and nothing else. `faults` says in words where a plan differs.
"""

from collections.abc import Iterator
from datetime import datetime, time, timedelta

import attrs
from zone_transitions import Transition, instant_of, wall_of

from crmkit.cadence import SEVEN_TOUCH, Cadence, Plan, plan
from crmkit.model import Candidate, Channel, Interaction, Relationship
from crmkit.permission import ContactPolicy, Hours, SendWindow

DAY = timedelta(days=1)


@attrs.frozen
class Window:
    """Hours in which messages may go out, and how the oracle reads them."""

    start: time
    end: time
    days: frozenset[int] = frozenset(range(7))

    def has(self, wall: datetime) -> bool:
        """Whether clocks that show *wall* are inside."""
        return wall.weekday() in self.days and self.start <= wall.time() < self.end

    def fit(self, wall: datetime) -> datetime:
        """Return *wall* on the first day it can be, at its time of day, or else at the start."""
        day = wall + DAY if wall.time() >= self.end and wall.weekday() in self.days else wall
        while day.weekday() not in self.days:
            day += DAY
        kept = self.start <= wall.time() < self.end
        return day if kept else datetime.combine(day, self.start)


TEXTS = Window(time(8), time(21))
OFFICE = Window(time(8), time(18), frozenset(range(5)))


@attrs.frozen
class Setting:
    """A cadence, and the hours in which it may send."""

    name: str
    cadence: Cadence
    policy: ContactPolicy
    window: Window | None


def _texts(cadence: Cadence) -> Cadence:
    touches = [attrs.evolve(each, channel=Channel.TEXT) for each in cadence.touches]
    return attrs.evolve(cadence, touches=touches)


def within(window: Window, channel: Channel = Channel.EMAIL) -> ContactPolicy:
    """Return the policy that sends on *channel* inside *window* only."""
    hours = SendWindow(start=window.start, end=window.end, days=window.days, on_holidays=True)
    return ContactPolicy(hours=Hours(windows={channel: hours}))


ANY_TIME = Setting("any time", SEVEN_TOUCH, ContactPolicy(), None)
SETTINGS = (
    ANY_TIME,
    Setting("texts from 8 to 21", _texts(SEVEN_TOUCH), ContactPolicy(), TEXTS),
    Setting("office hours", SEVEN_TOUCH, within(OFFICE), OFFICE),
)
"""Any time, the hours of the default policy for texts, and office hours."""


def around(gap: Transition) -> Iterator[Setting]:
    """Yield settings whose hours begin in, end in or are a gap or fold (on one day at least)."""
    low, high = sorted([gap.wall, gap.wall + gap.change])
    middle = low + (high - low) / 2
    hour = timedelta(hours=1)
    for name, start, end in (
        ("begins in it", middle, high + hour),
        ("ends in it", low - hour, middle),
        ("is it", low, high),
        ("ends before it", low - hour, low),
    ):
        if start.date() == end.date() and start < end:
            window = Window(start.time(), end.time())
            yield Setting(f"a window that {name}", SEVEN_TOUCH, within(window), window)


def ask(
    name: str,
    enrolled_at: datetime,
    setting: Setting = ANY_TIME,
    through: datetime | None = None,
) -> Plan:
    """Return the plan of somebody in that zone who does nothing."""
    kinds = ("captured", "consented")
    log = [Interaction(candidate_id="ada", kind=kind, at=enrolled_at) for kind in kinds]
    ada = Candidate(
        id="ada", emails=["ada@example.org"], phones=["+44 20 7946 0000"], timezone=name
    )
    return plan(
        setting.cadence,
        Relationship(ada, log),
        enrolled_at=enrolled_at,
        now=enrolled_at,
        policy=setting.policy,
        through=through,
    )


def faults(calendar: Plan, name: str, setting: Setting = ANY_TIME) -> list[str]:
    """Return what is wrong with the calendar of somebody who does nothing."""
    anchor = wall_of(calendar.enrollment.enrolled_at, name)
    found = []
    if [each.touch for each in calendar.touches] != list(setting.cadence.touches):
        found.append(f"touches: {[each.touch.key for each in calendar.touches]}")
    for each in calendar.touches:
        plain = anchor + timedelta(weeks=each.touch.week)
        wall = setting.window.fit(plain) if setting.window else plain
        due_at = instant_of(wall, name)
        local = wall_of(due_at, name)
        said = f"{name}, {setting.name}, {each.touch.key} at {plain}: "
        if setting.window and not setting.window.has(each.local):
            found.append(f"{said}in quiet hours: {each.local}")
        if wall_of(each.due_at, name) != each.local:
            found.append(f"{said}clocks do not show {each.local} at {each.due_at}")
        if each.planned_for != plain:
            found.append(f"{said}planned for {each.planned_for}")
        if setting.window and not setting.window.has(local):
            # The hours are in a gap that day: any later time inside them is right.
            if each.due_at < instant_of(plain, name):
                found.append(f"{said}before its time: {each.due_at}")
        elif (each.due_at, each.local) != (due_at, local):
            found.append(f"{said}expected {due_at} ({local}), got {each.due_at} ({each.local})")
        if each.local.time() != plain.time() and not each.because.parts:
            found.append(f"{said}moved to {each.local} without a reason")
    return found


WEEKS = tuple(touch.week for touch in SEVEN_TOUCH.touches)


def enrolments(name: str, wall: datetime) -> list[datetime]:
    """Return the instants of enrolment by which touch 1, 2, … 7 falls on *wall*."""
    return [instant_of(wall - timedelta(weeks=week), name) for week in WEEKS]
