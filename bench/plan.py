"""Plan a person, side by side with a bare loop that computes seven zoned instants.

The loop is what the standard library needs for the dates alone: the wall time of the enrolment
plus so many weeks, the instant at which the person's clocks show it, and what they show then (not
the same in a gap), for the seven touches, in a list of tuples. A plan says the same dates, and
why, and whether each may go out. Prints microseconds a person and the ratio to the loop, each the
best of several rounds that take turns. Run it as ``python bench/plan.py [ROUNDS]``.
"""

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import perf_counter
from zoneinfo import ZoneInfo

from crmkit.cadence import SEVEN_TOUCH, Enrollment, Plan, plan
from crmkit.model import Candidate, Interaction, Relationship

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
ZONE = ZoneInfo("Europe/London")
WEEKS = tuple(touch.week for touch in SEVEN_TOUCH.touches)
RUN = Enrollment(candidate_id="ada", cadence="seven-touch", enrolled_at=START)
ADA = Candidate(
    id="ada",
    emails=["ada@example.org"],
    company="Analytical Engines",
    skills=["python"],
    country="GB",
    timezone=ZONE,
)
CALLS = 400
BAR = 3.0
Rows = list[tuple[int, datetime, datetime]]


def fact(kind: str, day: float, touch: str | None = None, **more: object) -> Interaction:
    """Return what happened so many days after the enrolment."""
    if touch is not None:
        more = {**more, "enrollment_id": RUN.id, "touch": touch, "rotation": 0}
    return Interaction(candidate_id="ada", kind=kind, at=START + day * DAY, **more)


NEW = Relationship(ADA, [fact("sourced", -30), fact("enrolled", 0, enrollment_id=RUN.id)])
MIDWAY = Relationship(
    ADA,
    [
        *NEW.history,
        fact("sent", 0, "welcome"),
        fact("delivered", 0.001, "welcome"),
        fact("opened", 0.2, "welcome", automated=True),
        fact("sent", 14, "value"),
        fact("delivered", 14.001, "value"),
        fact("clicked", 15, "value", automated=False),
        fact("visited", 15.01),
        fact("sent", 42, "update"),
        fact("delivered", 42.001, "update"),
        fact("updated", 50),
    ],
)
CASES = ((NEW, START), (MIDWAY, START + 60 * DAY))


def bare() -> Rows:
    """Compute the seven dates with the standard library."""
    anchor = START.astimezone(ZONE).replace(tzinfo=None)
    rows = []
    for week in WEEKS:
        due_at = (anchor + timedelta(weeks=week)).replace(tzinfo=ZONE).astimezone(UTC)
        rows.append((week, due_at, due_at.astimezone(ZONE).replace(tzinfo=None)))
    return rows


def dates(calendar: Plan) -> Rows:
    """Read every date of a plan."""
    return [(each.touch.week, each.due_at, each.local) for each in calendar.touches]


def permissions(calendar: Plan) -> object:
    """Read every date and whether each touch may go out."""
    return dates(calendar), [bool(each.permission) for each in calendar.touches]


def best(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the least microseconds of each call; the calls take turns, so that noise is shared."""
    found = dict.fromkeys(calls, float("inf"))
    for _ in range(rounds):
        for name, call in calls.items():
            start = perf_counter()
            for _ in range(CALLS):
                call()
            found[name] = min(found[name], (perf_counter() - start) / CALLS * 1e6)
    return found


def main(rounds: int) -> bool:
    """Print a table; return whether the dates of a plan cost at most the bar."""
    calls: dict[str, Callable[[], object]] = {"bare loop, seven dates": bare}
    steps = {
        "plan, its touches not read": lambda calendar: calendar,
        "plan, dates of all touches": dates,
        "plan, dates and permissions": permissions,
        "plan, printed": str,
    }
    for who, now in CASES:
        told = f", {len(who.history)} facts"
        for name, read in steps.items():
            calls[name + told] = lambda who=who, now=now, read=read: read(
                plan(SEVEN_TOUCH, who, enrollment=RUN, now=now)
            )
    assert bare() == dates(plan(SEVEN_TOUCH, NEW, enrollment=RUN, now=START))
    taken = best(calls, rounds)
    loop = taken["bare loop, seven dates"]
    print(f"{'':<42} {'µs':>8} {'× loop':>8}   (bar for the dates: {BAR:g})")
    for name, micros in taken.items():
        print(f"{name:<42} {micros:8.1f} {micros / loop:8.2f}")
    return all(micros <= BAR * loop for name, micros in taken.items() if "dates of" in name)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 25)
