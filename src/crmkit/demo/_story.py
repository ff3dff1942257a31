"""What is made up: who is there, what opens, what they do, what it costs."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import attrs

from crmkit._time import WEEK
from crmkit.cadence import TouchRecord, TouchState
from crmkit.datasets import simulate_contacts, simulate_responses, survey_csv, survey_mapping
from crmkit.datasets._draws import days, fact, generator
from crmkit.datasets._responses import HORIZON
from crmkit.metrics import Costs
from crmkit.model import Candidate, Interaction, Relationship, Role, Source
from crmkit.segmentation import CATALOGUE, by_location, by_seniority, by_skill
from crmkit.sources import csv

START = datetime(2025, 1, 6, 9, tzinfo=UTC)
"""The first Monday of the simulated year."""

SEGMENTS = (
    *CATALOGUE,
    by_skill("python"),
    by_seniority("senior", "lead"),
    by_location(country="GB"),
)
"""The eight segments of the field."""

ROLE = Role(
    id="back-end-engineer",
    title="Back-end engineer",
    skills=["python", "sql"],
    nice_to_have=["go", "bash/shell/powershell"],
    seniority="senior",
    country="GB",
)
"""The role of the shortlist; it opens in the last simulated week."""

REACHED = 0.3
"""The share of a recruiter's calls that somebody answers."""

OUTSIDERS = 20
"""One in so many of the sample is not in the pool: they apply, cold, when a role opens."""


def _role(week: int, title: str, *skills: str) -> Role:
    opened_at = START + week * WEEK
    return Role(
        id=title.lower().replace(" ", "-"),
        title=title,
        skills=skills,
        opened_at=opened_at,
        closed_at=opened_at + 26 * WEEK,
    )


ROLES = (
    _role(-6, "Web developer", "javascript", "html/css"),
    _role(-2, "Data engineer", "python", "sql"),
    _role(6, "Platform engineer", "bash/shell/powershell", "go"),
    _role(13, "Android developer", "java", "kotlin"),
    _role(20, "Front-end developer", "javascript", "typescript"),
    _role(27, "Analytics engineer", "sql", "r"),
    _role(34, "Systems engineer", "c++", "c"),
    _role(41, "Product engineer", "c#", "javascript"),
)
"""What opens in the course of the year; an opening is closed after half a year."""


def pool(seed: int, people: int | None) -> tuple[Relationship, ...]:
    """Return who is in the CRM from the beginning."""
    return _sample(seed, people)[0]


def outsiders(seed: int, people: int | None) -> tuple[Relationship, ...]:
    """Return who applies in the course of the year without having been met before.

    Each has the whole story: application, screening, interview, hire or rejection.
    """
    return tuple(_application(each.candidate, seed) for each in _sample(seed, people)[1])


def _sample(
    seed: int, people: int | None
) -> tuple[tuple[Relationship, ...], tuple[Relationship, ...]]:
    mapping = csv.CSVMapping.from_toml(survey_mapping())
    sample = csv.read(survey_csv(), mapping).relationships[:people]
    known = simulate_contacts(sample, seed=seed, at=START)
    outside = known[OUTSIDERS - 1 :: OUTSIDERS]
    return tuple(each for each in known if each not in outside), outside


def _application(candidate: Candidate, seed: int) -> Relationship:
    chance = generator(seed, "outsider", candidate.id)
    applied = days(START, chance, 0, 340)
    role = _opening(candidate, seed, "outsider", applied)
    screened = days(applied, chance, 3, 8)
    facts = [("applied", applied), ("screened", screened)]
    if chance.random() < 0.6:
        interviewed = days(screened, chance, 5, 14)
        end = "hired" if chance.random() < 0.5 else "rejected"
        facts += [("interviewed", interviewed), (end, days(interviewed, chance, 10, 25))]
    else:
        facts.append(("rejected", days(screened, chance, 1, 5)))
    stage = {"stage": "final" if len(facts) > 3 else "Screening"}
    return Relationship(
        attrs.evolve(candidate, source=Source.INBOUND),
        [
            fact(
                candidate.id,
                kind,
                at,
                role_id=role,
                stated=stage if kind == "rejected" else {},
            )
            for kind, at in facts
        ],
    )


def _opening(candidate: Candidate, seed: int, name: str, at: datetime) -> str:
    """Return the id of a role that was open at *at*, and that the person has a skill for."""
    is_open = [role for role in ROLES if role.opened_at <= at < role.closed_at]  # type: ignore[operator]
    fitting = [role for role in is_open if set(role.skills) & set(candidate.skills)]
    return generator(seed, "role", candidate.id, name).choice(fitting or is_open).id


def answers(
    relationship: Relationship, *, seed: int, since: datetime, now: datetime
) -> tuple[Interaction, ...]:
    """Return what one person did in (*since*, *now*] about the messages they were sent.

    Who applies does so for a role that was open when the message was sent.
    """
    person, messages = relationship.candidate, relationship.history.of("sent")
    if not messages or messages[-1].at <= since - HORIZON:
        return ()
    told = [
        attrs.evolve(each, role_id=_opening(person, seed, each.id, each.at))
        if since - HORIZON < each.at
        else each
        for each in messages
    ]
    return simulate_responses(Relationship(person, told), seed=seed, since=since, now=now)


def calls(
    records: Iterable[TouchRecord], *, seed: int, since: datetime, now: datetime
) -> Iterator[Interaction]:
    """Yield how recruiters did their tasks in (*since*, *now*].

    They call; somebody who does not answer gets a personal message instead.
    """
    for record in records:
        if record.state is TouchState.TASK:
            chance = generator(seed, "call", record.key)
            done_at = record.at + timedelta(hours=chance.randint(24, 119))
            reached = chance.random() < REACHED
            if since < done_at <= now:
                yield fact(
                    record.candidate_id,
                    "called" if reached else "messaged",
                    done_at,
                    channel="phone" if reached else "email",
                    enrollment_id=record.enrollment_id,
                    touch=record.touch,
                    rotation=record.rotation,
                )


def costs(weeks: int) -> Costs:
    """Return what recruiting cost: so much a week, for people and tools and for all else."""
    return Costs(
        internal_crm=500 * weeks,
        external_crm=150 * weeks,
        internal_cold=350 * weeks,
        external_cold=450 * weeks,
        currency="EUR",
    )
