"""How people came in, made up: an address, a source, and what had happened before."""

import hashlib
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from random import Random

import attrs

from crmkit._time import to_instant
from crmkit.datasets._assumptions import ASSUMPTIONS, Assumptions
from crmkit.datasets._draws import days, fact, generator
from crmkit.datasets._zones import ZONES
from crmkit.model import NURTURE, Candidate, Interaction, Relationship, Source

_NOT_LOCAL = re.compile(r"[^a-z0-9-]+")


def simulate_contacts(
    relationships: Iterable[Relationship],
    *,
    seed: int,
    at: datetime,
    assumptions: Assumptions = ASSUMPTIONS,
) -> tuple[Relationship, ...]:
    """Return the people with what a survey cannot know, made up and marked so.

    Each gets, where it is unknown, an address under ``example.invalid`` (which can never be
    delivered to, RFC 2606), one of the eight capture sources, and the zone of a country that has
    only one; and the facts that go with the source, dated in the year before *at* (alumni were
    hired earlier). The facts have the property ``simulated``; ``custom["simulated_address"]`` and
    ``custom["simulated_source"]`` mark what was made up about the person.

    >>> from crmkit.model import Candidate
    >>> ada = Relationship(Candidate(id="so2019-17", country="DE"))
    >>> (contact,) = simulate_contacts([ada], seed=1, at="2026-03-02T09:00Z")
    >>> contact.candidate.emails, contact.candidate.timezone.key
    (('so2019-17@example.invalid',), 'Europe/Berlin')
    >>> {fact.properties["simulated"] for fact in contact.history}
    {True}
    """
    instant = to_instant(at, "at")
    return tuple(_contact(known, seed, instant, assumptions) for known in relationships)


def _contact(
    known: Relationship, seed: int, at: datetime, assumptions: Assumptions
) -> Relationship:
    person = known.candidate
    chance = generator(seed, "contact", person.id)
    sources, weights = list(assumptions.sources), list(assumptions.sources.values())
    drawn = Source(chance.choices(sources, weights=weights)[0])
    custom = dict(person.custom)
    changes: dict[str, object] = {}
    if not person.emails:
        changes["emails"] = [_address(person)]
        custom["simulated_address"] = True
    if person.source is None:
        changes["source"] = drawn
        custom["simulated_source"] = True
    if person.timezone is None and person.country and person.country in ZONES:
        changes["timezone"] = ZONES[person.country]
    candidate = attrs.evolve(person, custom=custom, **changes)
    story = _STORIES[candidate.source or drawn]
    return Relationship(candidate, known.history | story(person.id, at, chance))


def _address(person: Candidate) -> str:
    local = _NOT_LOCAL.sub("-", person.id.lower()).strip("-")
    if local != person.id:
        # Two ids may look alike once odd characters are gone.
        local = f"{local}-{hashlib.sha256(person.id.encode()).hexdigest()[:8]}".lstrip("-")
    return f"{local}@example.invalid"


def _role(chance: Random) -> str:
    return f"simulated-role-{chance.randint(1, 5)}"


def _silver_medalist(who: str, at: datetime, chance: Random) -> list[Interaction]:
    applied, role = days(at, chance, -330, -75), _role(chance)
    screened = days(applied, chance, 3, 8)
    interviewed = days(screened, chance, 5, 14)
    rejected = days(interviewed, chance, 5, 20)
    stated = {"stage": "final", "reason": "Hired another candidate"}
    return [
        fact(who, "applied", applied, role_id=role),
        fact(who, "screened", screened, role_id=role),
        fact(who, "interviewed", interviewed, role_id=role),
        fact(who, "rejected", rejected, role_id=role, stated=stated),
    ]


def _sourced(who: str, at: datetime, chance: Random) -> list[Interaction]:
    found = days(at, chance, -330, -45)
    written = days(found, chance, 0.1, 3)
    facts = [
        fact(who, "sourced", found),
        fact(who, "messaged", written, channel="linkedin"),
    ]
    answers = ["positive", "later", "negative", None]
    outcome = chance.choices(answers, weights=[0.2, 0.2, 0.15, 0.45])[0]
    if outcome:
        answered = days(written, chance, 0.05, 6)
        facts.append(fact(who, "replied", answered, channel="linkedin", outcome=outcome))
        thanked = days(answered, chance, 0.5, 2)
        facts.append(fact(who, "messaged", thanked, channel="linkedin"))
    return facts


def _inbound(who: str, at: datetime, chance: Random) -> list[Interaction]:
    visited = days(at, chance, -330, -10)
    signed = days(visited, chance, 0.001, 0.01)
    return [
        fact(who, "visited", visited, channel="web"),
        fact(who, "signed_up", signed, channel="web"),
        _consent(who, signed, "career page"),
    ]


def _consent(who: str, at: datetime, source: str) -> Interaction:
    stated = {"purpose": NURTURE, "wording": "simulated", "source": source}
    return fact(who, "consented", at, stated=stated)


def _event(who: str, at: datetime, chance: Random) -> list[Interaction]:
    met = days(at, chance, -330, -10)
    name = f"Simulated Meetup {chance.randint(1, 4)}"
    facts = [fact(who, "attended", met, channel="in_person", stated={"event": name})]
    if chance.random() < 0.6:
        facts.append(_consent(who, met, name))
    return facts


def _referral(who: str, at: datetime, chance: Random) -> list[Interaction]:
    by = f"simulated-employee-{chance.randint(1, 20)}"
    return [fact(who, "referred", days(at, chance, -330, -10), stated={"by": by})]


def _prospect(who: str, at: datetime, chance: Random) -> list[Interaction]:
    stated = {"from": "a simulated sourcing tool"}
    return [fact(who, "captured", days(at, chance, -330, -10), stated=stated)]


def _past_applicant(who: str, at: datetime, chance: Random) -> list[Interaction]:
    applied, role = days(at, chance, -330, -45), _role(chance)
    rejected = days(applied, chance, 5, 25)
    stated = {"stage": "Application Review"}
    return [
        fact(who, "applied", applied, role_id=role),
        fact(who, "rejected", rejected, role_id=role, stated=stated),
    ]


def _alumni(who: str, at: datetime, chance: Random) -> list[Interaction]:
    return [
        fact(who, "hired", days(at, chance, -2000, -500)),
        fact(who, "left", days(at, chance, -330, -20)),
    ]


_STORIES: dict[Source, Callable[[str, datetime, Random], list[Interaction]]] = {
    Source.SILVER_MEDALIST: _silver_medalist,
    Source.SOURCED: _sourced,
    Source.INBOUND: _inbound,
    Source.EVENT: _event,
    Source.REFERRAL: _referral,
    Source.PROSPECT: _prospect,
    Source.PAST_APPLICANT: _past_applicant,
    Source.ALUMNI: _alumni,
}
