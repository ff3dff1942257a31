"""People and questions that the tests of permission share."""

from datetime import UTC, datetime, timedelta

import attrs

from crmkit.model import Candidate, Interaction, Relationship
from crmkit.permission import permission

START = datetime(2026, 1, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
ADA = Candidate(
    id="ada",
    emails=["ada@example.org", "byron@example.org"],
    phones=["+44 20 7946 0000"],
    links=["https://example.org/ada", "https://www.linkedin.com/in/ada"],
)


def fact(kind, day=0.0, **more):
    return Interaction(candidate_id="ada", kind=kind, at=START + day * DAY, **more)


def person(*facts, captured=True, **changes):
    known = [fact("captured")] if captured else []
    return Relationship(attrs.evolve(ADA, **changes), [*known, *facts])


def ask(relationship, day=1.0, **more):
    return permission(relationship, now=START + day * DAY, **more)


def rule(relationship, day=1.0, **more):
    return ask(relationship, day, **more).rule
