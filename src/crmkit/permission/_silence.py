"""What a history says against addresses, for whoever may have them one day, and what takes it back.

A history is judged by itself: `permission` reads it. What is kept apart from it, by address, is
for those of whom it does not say the same: another record with that address, or the same person
under a new id.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from crmkit.errors import InvalidRecord
from crmkit.model import (
    NURTURE,
    Candidate,
    Channel,
    Consent,
    History,
    Interaction,
    Relationship,
    Suppression,
    SuppressionReason,
    address_digest,
    address_digests,
)
from crmkit.permission._case import NO_ADDRESS, known_addresses

STOPS = ("unsubscribed", "withdrew_consent")
SPEAKING_KINDS = frozenset({*STOPS, "complained", "bounced", "consented", "verified"})
"""The kinds that suppress an address, or lift what suppresses it."""
_KINDS = {
    SuppressionReason.UNSUBSCRIBED: STOPS,
    SuppressionReason.COMPLAINED: ("complained",),
    SuppressionReason.BOUNCED: ("bounced",),
}

Held = Mapping[str, Iterable[Suppression]]
"""What is kept, by digest."""


def said_no(relationship: Relationship, now: datetime) -> list[Suppression]:
    """Return what the history says against addresses that nothing in it has taken back."""
    candidate, history = relationship.candidate, relationship.history
    found: dict[tuple[str, SuppressionReason], Suppression] = {}
    for digest, reason, at in _against(candidate, history, now):
        found[digest, reason] = Suppression(digest=digest, reason=reason, at=at)
    return list(found.values())


def taken_back(relationship: Relationship, held: Held, now: datetime) -> list[Suppression]:
    """Return what is kept against the person's addresses and does not hold any more.

    A consent to nurture takes back everything before it but a bounce; a bounce is taken back by a
    ``verified`` fact with the address. What is dated after *now* does not exist yet.
    """
    standing = {(entry.digest, entry.reason) for entry in said_no(relationship, now)}
    agreed, works = _agreed(relationship.history, now), _verified(relationship.history, now)
    found = []
    for address, digest in address_digests(relationship.candidate).items():
        for entry in held.get(digest, ()):
            bounced = entry.reason is SuppressionReason.BOUNCED
            since = works.get(address.lower()) if bounced else agreed
            if since and since > entry.at and (digest, entry.reason) not in standing:
                found.append(entry)
    return found


def silent(candidate: Candidate, history: History, held: Held) -> frozenset[str]:
    """Return the addresses that must stay silent for what the history does not say itself."""
    return frozenset(
        address
        for address, digest in address_digests(candidate).items()
        if any(not _told(entry, address, history) for entry in held.get(digest, ()))
    )


def _told(entry: Suppression, address: str, history: History) -> bool:
    """Say whether the history says as much, at that instant or later: then it is the judge."""
    kinds = _KINDS.get(entry.reason)
    return kinds is not None and any(
        fact.at >= entry.at and (fact.kind != "bounced" or _stated(fact) in {None, address.lower()})
        for fact in history.of(*kinds)
    )


def _against(
    candidate: Candidate, history: History, now: datetime
) -> Iterator[tuple[str, SuppressionReason, datetime]]:
    agreed = _agreed(history, now)
    stops = [fact.at for fact in history.of(*STOPS) if _about_nurture(fact)]
    if stops and not (agreed and agreed > stops[-1]):
        for address in candidate.emails:
            yield address_digest(address), SuppressionReason.UNSUBSCRIBED, stops[-1]
    for fact in history.of("complained"):
        if not (agreed and agreed > fact.at):
            channel = fact.channel or Channel.EMAIL
            for address in known_addresses(candidate, channel):
                yield address_digest(address, channel), SuppressionReason.COMPLAINED, fact.at
    works = _verified(history, now)
    for fact in history.of("bounced"):
        channel = fact.channel or Channel.EMAIL
        if (fact.outcome or "").lower() == "soft" or channel in NO_ADDRESS:
            continue
        stated = _stated(fact)
        for address in known_addresses(candidate, channel) if stated is None else (stated,):
            since = works.get(address.lower())
            if not (since and since > fact.at):
                yield address_digest(address, channel), SuppressionReason.BOUNCED, fact.at


def _agreed(history: History, now: datetime) -> datetime | None:
    """Return when they last agreed to nurture."""
    for fact in reversed(history.upto(now).of("consented")):
        try:
            if Consent.of(fact).purpose == NURTURE:
                return fact.at
        except InvalidRecord:
            continue  # what cannot be read cannot be proved
    return None


def _about_nurture(fact: Interaction) -> bool:
    purpose = fact.properties.get("purpose") if fact.kind == "withdrew_consent" else None
    return not isinstance(purpose, str) or purpose == NURTURE


def _verified(history: History, now: datetime) -> dict[str, datetime]:
    """Return when an address was last found to work."""
    facts = history.upto(now).of("verified")
    return {stated: fact.at for fact in facts if (stated := _stated(fact))}


def _stated(fact: Interaction) -> str | None:
    stated = fact.properties.get("address")
    return stated.strip().lower() if isinstance(stated, str) and stated.strip() else None
