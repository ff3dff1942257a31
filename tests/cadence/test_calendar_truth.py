"""The calendar against the `whenever` package: every zone, every transition from 2020 to 2037.

Zones whose clocks do the same all that time stand for each other where every transition is tried;
`bench/calendar_truth.py` tries everything.
"""

from datetime import datetime, timedelta
from itertools import cycle

import pytest

pytest.importorskip("whenever")

from calendar_oracle import SETTINGS, around, ask, enrolments, faults
from examples import some
from zone_transitions import (
    FIRST,
    LAST,
    by_rules,
    instant_of,
    transitions,
    wall_of,
    years_later,
)

RULES = by_rules()
ZONES = [name for names in RULES.values() for name in names]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
class TestEveryTransition:
    def test_each_touch_in_turn_falls_on_each_transition(self, setting):
        """Inside the gap or fold, on its edges, beside them, and at nine on that day.

        Where there are hours to keep, three of the touches fall there, and then others.
        """
        found = []
        for names in some(RULES.values()):
            turn, touch = cycle(range(8)), cycle(range(7))
            for transition in transitions(names[0]):
                for _ in range(3 if setting.window else 7):
                    wall = transition.walls[next(turn)]
                    start = enrolments(names[0], wall)[next(touch)]
                    found += faults(ask(names[0], start, setting), names[0], setting)
                next(turn)
        assert [] == found

    def test_every_zone_by_its_own_name(self, setting):
        """Each name that this system knows, over its first transition or on a plain day."""
        found = []
        for name in some(ZONES):
            known = transitions(name)
            wall = known[0].walls[0] if known else datetime(2026, 3, 2, 2, 30)  # noqa: DTZ001
            for start in enrolments(name, wall)[:2]:
                found += faults(ask(name, start, setting), name, setting)
        assert [] == found


class TestHoursAtATransition:
    def test_hours_that_a_gap_or_fold_cuts(self):
        """Hours that begin in it, end in it, end before it or are it keep every touch inside."""
        found = []
        for names in some(RULES.values()):
            turn, touch = cycle(range(8)), cycle(range(7))
            for transition in transitions(names[0]):
                for setting in around(transition):
                    wall = transition.walls[next(turn)]
                    start = enrolments(names[0], wall)[next(touch)]
                    found += faults(ask(names[0], start, setting), names[0], setting)
                next(turn)
        assert [] == found


class TestReturns:
    def test_a_yearly_return_falls_on_each_transition(self):
        """A year after week 36, counted from the enrolment, at its time of day."""
        found = []
        for names in some(RULES.values()):
            turn = cycle(range(8))
            for transition in transitions(names[0]):
                wall = transition.walls[next(turn)]
                start = enrolments(names[0], years_later(wall, -1))[-1]
                plain = years_later(wall_of(start, names[0]) + timedelta(weeks=36), 1)
                calendar = ask(names[0], start, through=start + timedelta(days=700))
                due_at = instant_of(plain, names[0])
                back = calendar.touches[7]
                expected = (("annual", 1), due_at, wall_of(due_at, names[0]))
                if expected != (back.key, back.due_at, back.local):
                    found.append(f"{names[0]}: expected {expected}, got {back} at {back.local}")
        assert [] == found


class TestTheOracle:
    def test_it_knows_every_zone_and_transition(self):
        """The list of transitions is what a walk over the offsets in steps of five days finds."""
        for names in RULES.values():
            here, seen = FIRST, []
            while here < LAST:
                there = here.add(hours=5 * 24)
                change = there.to_tz(names[-1]).offset - here.to_tz(names[-1]).offset
                if change:
                    seen.append(change.to_stdlib())
                here = there
            jumps = [each.change for each in transitions(names[0]) if each.change]
            assert jumps == seen
        assert len(ZONES) == len(set(ZONES)) > 500

    def test_a_touch_in_a_gap_would_be_found(self):
        """The faults are those of the plan: told of another zone, they are many."""
        start = enrolments("Europe/Berlin", transitions("Europe/Berlin")[0].walls[0])[1]
        calendar = ask("Europe/Berlin", start)
        assert [] == faults(calendar, "Europe/Berlin")
        assert len(faults(calendar, "Asia/Tokyo")) >= 7
        gap = calendar.touches[1]
        assert timedelta(hours=1) == gap.local - gap.planned_for
        assert gap.local == wall_of(gap.due_at, "Europe/Berlin")
