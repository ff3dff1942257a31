"""A pool with something to draw, and what can be read off the axes."""

import random
from datetime import UTC, datetime, timedelta

from crmkit.metrics import Costs, Scorecard, scorecard
from crmkit.model import Candidate, Interaction, Relationship, Role

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
TOUCHES = ("welcome", "value", "update")
COSTS = Costs(
    internal_crm=900, external_crm=300, internal_cold=800, external_cold=1_200, currency="EUR"
)


def story(number: int, chance: random.Random, roles: list[Role], **properties: object):
    """Tell one life: three messages to most, what became of them, and a hire of some."""
    who, role = f"p{number:03}", chance.choice(roles)
    opened = (NOW - role.opened_at) / DAY
    log = []

    def add(kind: str, ago: float, **more: object) -> None:
        if ago >= 0:
            at = NOW - timedelta(days=ago)
            log.append(
                Interaction(candidate_id=who, kind=kind, at=at, properties=properties, **more)
            )

    crm, first = chance.random() < 0.7, opened + 30
    add("captured", first + 1)
    for place, touch in enumerate(TOUCHES if crm else ()):
        which = {"channel": "email", "touch": touch}
        add("sent", first - 5 * place, **which)
        for kind, share in (("opened", 0.4), ("clicked", 0.15), ("replied", 0.1)):
            if chance.random() < share:
                add(kind, first - 5 * place - 1, **which)
    applied = opened - 10
    if chance.random() < 0.7 and applied > 0:
        add("applied", applied, role_id=role.id)
        hired = applied - chance.expovariate(1 / (25 if crm else 60))
        if chance.random() < 0.6 and hired > 0:
            add("hired", hired, role_id=role.id)
            if chance.random() < 0.3:
                add("left", hired * chance.random())
    return Relationship(Candidate(id=who), log)


def card(people: int = 120, seed: int = 5, **properties: object) -> Scorecard:
    chance = random.Random(seed)
    roles = [
        Role(id=f"r{number}", title="R", opened_at=NOW - chance.randint(20, 360) * DAY)
        for number in range(40)
    ]
    pool = [story(number, chance, roles, **properties) for number in range(people)]
    levels = {"seven-touch": {touch: level for level, touch in enumerate(TOUCHES, 1)}}
    return scorecard(
        pool, now=NOW, roles=roles if people else (), costs=COSTS if people else None, levels=levels
    )


def draw(found: Scorecard, name: str, ax=None, **options):
    return getattr(found, f"plot_{name}")(ax, **options)


def texts(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


def legend(ax) -> list[str]:
    return [text.get_text().replace("\n", " ") for text in ax.get_legend().get_texts()]
