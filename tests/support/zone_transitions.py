"""What clocks do in every IANA zone from 2020 to 2037, as the ``whenever`` package tells it.

The oracle of local time: none of it asks crmkit or `zoneinfo`, but for the list of names.
"""

from collections import defaultdict
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import available_timezones

import attrs
from whenever import Date, Instant, PlainDateTime

FIRST = Instant.from_utc(2020, 1, 1)
LAST = Instant.from_utc(2038, 1, 1)
SECOND = timedelta(seconds=1)
TICK = timedelta(microseconds=1)


@attrs.frozen
class Transition:
    """Clocks change from one offset to another."""

    wall: datetime
    """What they show at that instant by the offset before it, naive."""
    change: timedelta
    """How far they jump: forward over a gap, back to repeat a fold."""

    @property
    def kind(self) -> str:
        """A gap, a fold, or neither (only the name of the offset changes)."""
        return "gap" if self.change > timedelta(0) else "fold" if self.change else "name"

    @property
    def walls(self) -> tuple[datetime, ...]:
        """Wall times inside the gap or the fold, at its ends, a tick beside them, and that day."""
        low, high = sorted([self.wall, self.wall + self.change])
        return (
            low + (high - low) / 2,
            low,
            low - TICK,
            high - TICK,
            high,
            low - timedelta(minutes=20),
            high + timedelta(minutes=20),
            low.replace(hour=9, minute=0, second=0),
        )


def transitions(name: str) -> tuple[Transition, ...]:
    """Return every transition of a zone from 2020 to 2037, oldest first."""
    found = []
    here = FIRST.to_tz(name)
    while (there := here.next_transition()) is not None and there.to_instant() < LAST:
        before = there.subtract(nanoseconds=1)
        change = there.offset - before.offset
        wall = there.to_plain().to_stdlib() - change.to_stdlib()
        found.append(Transition(wall, change.to_stdlib()))
        here = there
    return tuple(found)


@cache
def by_rules() -> dict[tuple[object, ...], tuple[str, ...]]:
    """Return the names of all zones by what their clocks do: one key for those that agree."""
    found: defaultdict[tuple[object, ...], list[str]] = defaultdict(list)
    for name in sorted(available_timezones()):
        found[FIRST.to_tz(name).offset.to_stdlib(), *transitions(name)].append(name)
    return {rules: tuple(names) for rules, names in found.items()}


def instant_of(wall: datetime, name: str) -> datetime:
    """Return the instant at which clocks show *wall*: a gap moves it later, a fold is the first."""
    zoned = PlainDateTime(wall).assume_tz(name, disambiguation="compatible")
    return zoned.to_instant().to_stdlib()


def wall_of(instant: datetime, name: str) -> datetime:
    """Return what clocks show at *instant*, naive."""
    return Instant(instant).to_tz(name).to_plain().to_stdlib()


def years_later(wall: datetime, years: int) -> datetime:
    """Return the same time of day so many years later; 29 February is the 28th where it must."""
    return datetime.combine(Date(wall.date()).add(years=years).to_stdlib(), wall.time())
