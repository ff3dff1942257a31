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

Held = Mapping[str, Iterable[Suppression]]
"""What is kept, by digest."""


def said_no(relationship: Relationship, now: datetime) -> list[Suppression]:
    """Return what the history says against addresses that nothing in it has taken back."""
    found: dict[tuple[str, SuppressionReason], Suppression] = {}
    for digest, reason, at in _against(relationship, now):
        found[digest, reason] = Suppression(digest=digest, reason=reason, at=at)
    return list(found.values())


def taken_back(relationship: Relationship, held: Held, now: datetime) -> list[Suppression]:
    """Return what is kept against the person's addresses and does not hold any more.

    A consent to nurture takes back everything before it but a bounce; a bounce is taken back by a
    ``verified`` fact with the address. What is dated after *now* does not exist yet.
    """
    standing = {(entry.digest, entry.reason) for entry in said_no(relationship, now)}
    lifts = took_back(relationship, now)
    return [
        entry
        for digest in address_digests(relationship.candidate).values()
        for entry in held.get(digest, ())
        if (entry.digest, entry.reason) not in standing and outlived(entry, lifts)
    ]


def outlived(entry: Suppression, lifts: Mapping[tuple[str, bool], datetime]) -> bool:
    """Say whether it was taken back after it was said."""
    since = lifts.get((entry.digest, entry.reason is SuppressionReason.BOUNCED))
    return since is not None and since > entry.at


def took_back(relationship: Relationship, now: datetime) -> dict[tuple[str, bool], datetime]:
    """Return when they last took back what was said against their addresses.

    By digest, and whether it is about a bounce.
    """
    agreed, works = _agreed(relationship.history, now), _verified(relationship.history, now)
    found = dict[tuple[str, bool], datetime]()
    for address, digest in address_digests(relationship.candidate).items():
        if agreed:
            found[digest, False] = agreed
        if since := works.get(address.lower()):
            found[digest, True] = since
    return found


def silent(candidate: Candidate, history: History, held: Held) -> frozenset[str]:
    """Return the addresses that must stay silent for what the history does not say itself.

    What it says as of the entry's instant or later it is the judge of.
    """
    mine = {
        address: digest for address, digest in address_digests(candidate).items() if digest in held
    }
    if not mine:
        return frozenset()
    told: dict[tuple[str, SuppressionReason], datetime] = {}
    for digest, reason, at in _statements(candidate, history):
        told[digest, reason] = max(at, told.get((digest, reason), at))
    return frozenset(
        address
        for address, digest in mine.items()
        for entry in held[digest]
        if (last := told.get((digest, entry.reason))) is None or last < entry.at
    )


def _against(
    relationship: Relationship, now: datetime
) -> Iterator[tuple[str, SuppressionReason, datetime]]:
    """Yield what the history says, but for what it takes back later itself."""
    agreed, works = _agreed(relationship.history, now), _verified(relationship.history, now)
    lifted = {address_digest(each): at for each, at in works.items()}
    lifted |= {
        digest: works[address.lower()]
        for address, digest in address_digests(relationship.candidate).items()
        if address.lower() in works
    }
    for digest, reason, at in _statements(relationship.candidate, relationship.history):
        since = lifted.get(digest) if reason is SuppressionReason.BOUNCED else agreed
        if not (since and since > at):
            yield digest, reason, at


def _statements(
    candidate: Candidate, history: History
) -> Iterator[tuple[str, SuppressionReason, datetime]]:
    """Yield what the history says against addresses, fact by fact."""
    for fact in history.of(*STOPS):
        if _about_nurture(fact):
            for address in candidate.emails:
                yield address_digest(address), SuppressionReason.UNSUBSCRIBED, fact.at
    for fact in history.of("complained"):
        channel = fact.channel or Channel.EMAIL
        for address in known_addresses(candidate, channel):
            yield address_digest(address, channel), SuppressionReason.COMPLAINED, fact.at
    for fact in history.of("bounced"):
        channel, stated = fact.channel or Channel.EMAIL, _stated(fact)
        if (fact.outcome or "").lower() == "soft" or channel in NO_ADDRESS:
            continue
        for address in known_addresses(candidate, channel) if stated is None else (stated,):
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
