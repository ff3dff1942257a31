"""The eight segments of `segments.py` as one would write them by hand.

Over one light record a person: a list of plain tuples, newest first, the cutoffs worked out
before, a loop that stops as soon as the answer is known, and the score kept as it was at the
newest act, so that a multiplication decays it.
"""

from collections.abc import Callable

from crmkit._time import micros
from crmkit.engagement import is_engagement, score
from crmkit.model import Relationship

DAY = 86_400_000_000
HALF_LIFE = 30 * DAY
ANSWERS = frozenset({"replied", "called", "met"})
MESSAGES = frozenset({"sent", "delivered", "messaged"})


class Person:
    """What the functions written by hand read."""

    __slots__ = ("country", "id", "last", "log", "points", "salary", "skills", "source")

    def __init__(self, relationship: Relationship) -> None:
        candidate = relationship.candidate
        self.id = candidate.id
        self.source = candidate.source
        self.salary = candidate.salary
        self.country = candidate.country
        self.skills = frozenset(candidate.skills)
        facts = list(relationship.history)[::-1]
        self.log = [
            (fact.kind, micros(fact.at), fact.outcome, fact.automated, fact.properties.get("stage"))
            for fact in facts
        ]
        last = next((fact.at for fact in facts if is_engagement(fact)), None)
        self.last = micros(last) if last else 0
        self.points = score(relationship, now=last) if last else 0.0


Test = Callable[[Person], bool]
Maker = Callable[[int], Test]


def silver(_now: int) -> Test:
    def holds(person: Person) -> bool:
        final = left = False
        for kind, _, _, _, stage in person.log:
            if kind == "hired":
                return final and left
            if kind == "rejected":
                final = final or stage == "final"
            elif kind == "left":
                left = True
        return final or person.source == "silver_medalist"

    return holds


def warm(now: int) -> Test:  # noqa: C901 - one loop, as one writes it
    cutoff = now - 180 * DAY

    def holds(person: Person) -> bool:  # noqa: C901
        known = person.source in {"sourced", "prospect", "referral"}
        well = left = hired = False
        for kind, at, outcome, automated, _ in person.log:
            if kind in ANSWERS:
                if not well and automated is not True:
                    if outcome == "negative":
                        return False
                    well = outcome in {"positive", "later"}
            elif kind == "applied":
                if at > cutoff:
                    return False
            elif kind == "hired":
                if not (left or hired):
                    return False
                hired = True
            elif kind == "left":
                left = True
            elif kind in {"sourced", "referred"}:
                known = True
        return known and well

    return holds


def cold(now: int) -> Test:  # noqa: C901
    cutoff, asked_before = now - 180 * DAY, now - 14 * DAY

    def holds(person: Person) -> bool:  # noqa: C901
        known = person.source in {"sourced", "prospect"}
        answered = declined = asked = left = hired = False
        for kind, at, outcome, automated, _ in person.log:
            if kind in MESSAGES:
                asked = at <= asked_before  # the oldest comes last
            elif kind in ANSWERS:
                if automated is not True:
                    if not declined and outcome in {"positive", "later"}:
                        return False
                    declined = declined or outcome == "negative"
                    answered = True
            elif kind == "applied":
                if at > cutoff:
                    return False
            elif kind == "hired":
                if not (left or hired):
                    return False
                hired = True
            elif kind == "left":
                left = True
            elif kind == "sourced":
                known = True
        return known and (declined or (asked and not answered))

    return holds


def leads(_now: int) -> Test:
    def holds(person: Person) -> bool:
        met = person.source == "event"
        left = hired = False
        for kind, _, _, _, _ in person.log:
            if kind == "applied":
                return False
            if kind == "hired":
                if not (left or hired):
                    return False
                hired = True
            elif kind == "left":
                left = True
            elif kind == "attended":
                met = True
        return met

    return holds


def skilled(_now: int) -> Test:
    return lambda person: "python" in person.skills or "go" in person.skills


def german(_now: int) -> Test:
    return lambda person: person.country == "DE"


def engaged(now: int) -> Test:
    def holds(person: Person) -> bool:
        points = person.points
        return points >= 3 and points * 2.0 ** ((person.last - now) / HALF_LIFE) >= 3

    return holds


def affordable_and_silent(now: int) -> Test:
    cutoff = now - 90 * DAY

    def holds(person: Person) -> bool:
        if person.salary is not None and person.salary > 100_000:
            return False
        for kind, at, _, automated, _ in person.log:
            if at <= cutoff:
                return True
            if kind == "replied" and automated is not True:
                return False
        return True

    return holds


BY_HAND = (silver, warm, cold, leads, skilled, german, engaged, affordable_and_silent)
