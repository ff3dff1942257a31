"""The seven base counts in one hand-written loop, and the pool that it and a scorecard get."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from random import Random

from crmkit.engagement import WEIGHTS
from crmkit.model import Candidate, Interaction, Relationship, Role, Source

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
YEAR = timedelta(days=365)
SOURCES = list(Source)
TOUCHES = ("welcome", "value", "update", "check-in", "content", "role", "annual")


def pool(facts: int, seed: int = 6) -> tuple[list[Relationship], list[Role], int]:
    """Return people with about so many facts, the roles they applied for, and the exact count."""
    chance = Random(seed)
    roles = [
        Role(id=f"role-{number}", title="Engineer", opened_at=NOW - chance.randint(30, 700) * DAY)
        for number in range(200)
    ]
    people, count = [], 0
    while count < facts:
        person = _person(f"p{len(people)}", chance, roles)
        people.append(person)
        count += len(person.history)
    return people, roles, count


def _person(  # noqa: C901 - a story
    who: str, chance: Random, roles: list[Role]
) -> Relationship:
    at = NOW - chance.randint(40, 900) * DAY - timedelta(seconds=chance.randint(0, 86_399))
    log: list[Interaction] = []

    def add(kind: str, after: float = 0.0, **more: object) -> None:
        when = at + timedelta(days=after)
        if when <= NOW:
            log.append(
                Interaction(id=f"{who}-{len(log)}", candidate_id=who, kind=kind, at=when, **more)
            )

    add(chance.choice(["captured", "sourced", "attended", "applied", "referred"]))
    if chance.random() < 0.3:
        add("consented", 0.5, properties={"purpose": "nurture"})
    add("enrolled", 1, enrollment_id=f"{who}/a", properties={"cadence": "seven-touch"})
    keen = chance.random()
    for place, week in enumerate((0, 2, 6, 12, 18, 26, 36, 88)):
        day = week * 7 + 1
        which = {
            "channel": "email",
            "enrollment_id": f"{who}/a",
            "touch": TOUCHES[place % 7],
            "rotation": place // 7,
        }
        add("sent", day, **which)
        if chance.random() < (0.04 if place == 0 else 0.002):
            add("bounced", day + 0.01, **which)
            break  # nobody writes to a dead address again
        add("delivered", day + 0.01, **which)
        if chance.random() < 0.45:
            machine = chance.choice([True, None, None])
            add("opened", day + chance.random() * 3, automated=machine, **which)
        if chance.random() < 0.12 * keen:
            add("clicked", day + chance.random() * 3, **which)
            add("visited", day + 3.1)
        if chance.random() < 0.08 * keen:
            add("replied", day + chance.random() * 4, outcome="positive", **which)
            add("messaged", day + 5)
    if chance.random() < 0.15:
        role = chance.choice(roles).id
        day = chance.randint(20, 400)
        add("applied", day, role_id=role)
        add("screened", day + 4, role_id=role)
        if chance.random() < 0.6:
            add("interviewed", day + 10, role_id=role)
            add(chance.choice(["hired", "rejected"]), day + 25, role_id=role)
        if log[-1].kind == "hired" and chance.random() < 0.2:
            add("left", day + 200)
    if chance.random() < 0.2:
        add(chance.choice(["updated", "verified", "changed_company"]), chance.randint(1, 800))
    candidate = Candidate(id=who, emails=[f"{who}@example.org"], source=chance.choice(SOURCES))
    return Relationship(candidate, log)


def by_hand(  # noqa: C901, PLR0912, PLR0915 - one loop, as one would write it
    people: Iterable[Relationship], roles: Mapping[str, Role]
) -> Counter[str]:
    """Count what the seven metrics of the field are made from, in one loop over the facts."""
    counts: Counter[str] = Counter()
    start = NOW - YEAR
    for person in people:
        first_mail = first_sent = first_touch = applied = cold = last_act = None
        hired = left = None
        opened = converted = False
        unanswered = 0
        for fact in person.history:
            at, kind = fact.at, fact.kind
            if at > NOW:
                break
            if kind == "sent":
                if at > start:
                    if unanswered >= 3 and cold is None:
                        cold = at
                    if first_mail is None and fact.channel in {None, "email"}:
                        first_mail = at
                unanswered += 1
                first_sent = first_sent or at
                first_touch = first_touch or at
            elif kind == "opened":
                if first_mail and not fact.automated:
                    opened = True
            elif kind in {"messaged", "called", "met"}:
                first_touch = first_touch or at
            elif kind == "applied":
                applied = at
                if first_sent and at > start and at > first_sent:
                    converted = True
            elif kind == "hired":
                hired = fact
                side = "crm" if first_touch and first_touch < (applied or at) else "cold"
                if at > start:
                    counts[f"hires {side}"] += 1
                    role = roles.get(fact.role_id or "")
                    if role and role.opened_at and role.opened_at <= at:
                        counts[f"days {side}"] += (at - role.opened_at).days
            elif kind == "left":
                left = at
            if WEIGHTS.get(kind) and not fact.automated:
                unanswered = 0
                last_act = at
                if kind == "clicked" and first_mail:
                    opened = True
        if not person.candidate.erased and not (hired and (left is None or left < hired.at)):
            counts["pipeline"] += 1
        if first_mail:
            counts["mailed"] += 1
            counts["opened"] += opened
        if first_sent:
            counts["nurtured"] += 1
            counts["converted"] += converted
        if cold:
            counts["cold"] += 1
            counts["woken"] += last_act is not None and last_act >= cold
        if hired and start < hired.at + YEAR <= NOW:
            counts[f"anniversaries {side}"] += 1
            counts[f"stayed {side}"] += left is None or left >= hired.at + YEAR
    return counts
