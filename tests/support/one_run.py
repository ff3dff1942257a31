"""One person, one run and short ways to say what happened to them: what the planner's tests use."""

from datetime import UTC, datetime, timedelta

import attrs

from crmkit.cadence import Cadence, Enrollment, Pace, Touch, plan
from crmkit.model import Candidate, Interaction, Relationship

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
ADA = Candidate(id="ada", emails=["ada@example.org"])
RUN = Enrollment(candidate_id="ada", cadence="c", enrolled_at=START)
EVEN = Pace(**dict.fromkeys(["hot", "warm", "unknown", "cooling", "cold"], 1))


def fact(kind, day=0.0, **more):
    """Return what happened so many days after the enrolment."""
    return Interaction(candidate_id="ada", kind=kind, at=START + day * DAY, **more)


def sent(key, day=0.0, rotation=0, kind="sent", **more):
    """Return the fact that a touch of the run is done."""
    return fact(kind, day, enrollment_id=RUN.id, touch=key, rotation=rotation, **more)


def snooze(kind, day, until, **more):
    """Return a fact that says until which day they are not to be written to."""
    return fact(kind, day, properties={"until": START + until * DAY}, **more)


def consent(day, purpose="nurture"):
    """Return their consent to a purpose."""
    return fact("consented", day, properties={"purpose": purpose})


def person(*facts, **changes):
    """Return Ada, captured the day before the enrolment, with her facts."""
    return Relationship(attrs.evolve(ADA, **changes), [fact("captured", -1), *facts])


def sequence(*days, pace=EVEN, every=None, repeat=1, **more):
    """Return a cadence with touches that many days after the enrolment, ``t0``, ``t7``, …"""
    touches = [
        Touch(
            key=f"t{day}",
            week=day // 7,
            day=day % 7,
            purpose="p",
            level=2,
            **more,
        )
        for day in days
    ]
    return Cadence(name="c", touches=touches, pace=pace, every=every, repeat=repeat)


def ask(cadence, relationship, day=0.0, **more):
    """Return the plan of the run as of so many days after the enrolment."""
    return plan(cadence, relationship, enrollment=RUN, now=START + day * DAY, **more)


def days(calendar):
    """Return how many days after the enrolment each touch is due, by its key."""
    return {each.touch.key: (each.due_at - START) / DAY for each in calendar.touches}


def whys(planned):
    """Return the reasons below the first line of a planned touch."""
    return [part.text for part in planned.because.parts]
