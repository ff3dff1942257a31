"""A pool of any size out of nothing but a seed, for benchmarks."""

from datetime import UTC, datetime, timedelta

from crmkit._time import to_instant
from crmkit.datasets._draws import generator
from crmkit.datasets._zones import ZONES
from crmkit.errors import InvalidRecord
from crmkit.model import (
    Candidate,
    FrozenMap,
    Interaction,
    Interest,
    Relationship,
    Seniority,
    Source,
)

_SKILLS = [
    "c",
    "c#",
    "c++",
    "css",
    "go",
    "html",
    "java",
    "javascript",
    "kotlin",
    "php",
    "python",
    "r",
    "ruby",
    "rust",
    "sql",
    "swift",
]
_FUNCTIONS = ["engineering", "data", "design", "operations", "product"]
_KINDS = [
    "sent",
    "sent",
    "sent",
    "sent",
    "opened",
    "opened",
    "clicked",
    "visited",
    "replied",
    "messaged",
    "attended",
    "met",
]
_MARK = FrozenMap({"simulated": True})
_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def simulate_people(n: int, *, seed: int, at: datetime = _MOMENT) -> tuple[Relationship, ...]:
    """Return *n* made-up people with a dozen facts each in the two years before *at*.

    Nothing about them follows anybody: every field is drawn evenly. ``custom["simulated"]`` and
    each fact's property ``simulated`` say so.

    >>> people = simulate_people(3, seed=1)
    >>> [person.id for person in people], len(people[0].history)
    (['simulated-1-0', 'simulated-1-1', 'simulated-1-2'], 13)
    """
    if n < 0:
        raise InvalidRecord("n", f"expected a whole number from 0, got {n!r}")
    end = to_instant(at, "at")
    return tuple(_person(f"simulated-{seed}-{number}", seed, end) for number in range(n))


def _person(who: str, seed: int, end: datetime) -> Relationship:
    chance = generator(seed, "people", who)
    country = chance.choice(list(ZONES))
    years = chance.randint(0, 30)
    seniority = list(Seniority)[min(years // 5, 5)]
    candidate = Candidate(
        id=who,
        emails=[f"{who}@example.invalid"],
        country=country,
        timezone=ZONES[country],
        function=chance.choice(_FUNCTIONS),
        seniority=seniority,
        years_experience=years,
        skills=chance.sample(_SKILLS, 4),
        topics=chance.sample(_SKILLS, 2),
        source=chance.choice(list(Source)),
        interest=chance.choice([*Interest, None]),
        custom=_MARK,
    )
    facts = []
    for number, kind in enumerate(["captured", *_KINDS]):
        # Seconds, not microseconds: stores with coarser clocks keep them too.
        before = timedelta(seconds=chance.randint(0, 63_000_000))
        outcome = chance.choice(["positive", "later", "negative"]) if kind == "replied" else None
        facts.append(
            Interaction(
                id=f"{who}-{number}",
                candidate_id=who,
                kind=kind,
                at=end - before,
                outcome=outcome,
                properties=_MARK,
            )
        )
    return Relationship(candidate, facts)
