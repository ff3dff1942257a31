"""The rules that may refuse a contact, asked in one order."""

from collections.abc import Callable, Collection
from datetime import datetime
from enum import StrEnum
from typing import Any

import attrs

from crmkit._time import Span, after, describe_span, earliest, plural, to_instant
from crmkit.errors import InvalidRecord
from crmkit.model import (
    NURTURE,
    Channel,
    Consent,
    History,
    Interaction,
    Interest,
    Reason,
    Relationship,
    Verdict,
    employed_since,
    open_processes,
)
from crmkit.model import _fields as fields
from crmkit.model._process import PROCESS
from crmkit.permission._policy import ContactPolicy


class ContactRule(StrEnum):
    """The rules that may refuse a contact, in the order in which they are asked."""

    ERASED = "erased"
    DO_NOT_CONTACT = "do_not_contact"
    NO_BASIS = "no_basis"
    """Unsubscribed, consent withdrawn, or no legal basis for the purpose and channel."""
    RETENTION = "retention"
    ADDRESS = "address"
    """No address for the channel, or every one bounced for good; or the person complained."""
    IN_PROCESS = "in_process"
    SNOOZED = "snoozed"
    CAP = "cap"


@attrs.frozen(repr=False)
class Permission(Verdict[bool]):
    """The answer: whether, why, until when; which rule refused, and from when on it would not.

    ``rule`` is None when allowed. ``next_allowed`` is the first instant at which, nothing new
    happening, the contact would be allowed by every rule; None when waiting does not help.
    """

    rule: ContactRule | None = None
    next_allowed: datetime | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return value, reasons, instants and rule as JSON values."""
        return {
            **super().to_dict(),
            "rule": self.rule and self.rule.value,
            "next_allowed": self.next_allowed and self.next_allowed.isoformat(),
        }


DEFAULT = ContactPolicy()

# A contact is one in which the person took part, or which put them on record. What a machine did
# is none, though a machine may well have put them on record.
ON_RECORD = (
    *("captured", "sourced", "referred", "attended", "signed_up", "consented"),
    *("applied", "screened", "assessed", "interviewed", "offered"),
    *("rejected", "withdrew", "hired", "left"),
)
TOOK_PART = ("replied", "clicked", "called", "met")
BASIS = frozenset({"consented", "withdrew_consent", "unsubscribed"})
ADDRESS = frozenset({"bounced", "complained", "verified", "consented"})


def permission(
    relationship: Relationship,
    *,
    now: datetime,
    channel: Channel = Channel.EMAIL,
    purpose: str = NURTURE,
    policy: ContactPolicy = DEFAULT,
) -> Permission:
    """Say whether the person may be contacted now, why, until when, and else from when on.

    ``because`` lists the rules in the order of `ContactRule`, up to the one that refused, each
    with what was found (never an address).

    >>> from crmkit.model import Candidate
    >>> ada = Candidate(id="ada", emails=["ada@example.org"], country="DE")
    >>> met = Interaction(candidate_id="ada", kind="met", at="2026-01-05T09:00Z")
    >>> now = datetime.fromisoformat("2026-03-02T09:00Z")
    >>> permission(Relationship(ada, [met]), now=now)
    <Permission True, until 2026-07-05 09:00:00 UTC>
    >>> refused = permission(Relationship(ada, [met]), now=now, channel=Channel.TEXT)
    >>> refused.rule
    <ContactRule.NO_BASIS: 'no_basis'>
    >>> print(refused.because)
    ✗ may contact for nurture by text
      ✓ not erased
      ✓ not marked do-not-contact
      ✗ a legal basis for nurture by text (found no consent, and interest does not cover it)
    """
    start, channel = to_instant(now, "now"), fields.channel(channel)
    rule, parts, until = Case(relationship, start, channel, purpose, policy).judge()
    because = Reason(f"may contact for {purpose} by {channel}", holds=rule is None, parts=parts)
    allowed = rule is None
    if allowed:
        return Permission(allowed, because, until)
    # Every instant at which the answer could turn is an `until`; the first that allows is it.
    turn = until
    while turn is not None:
        refusing, _, later = Case(relationship, turn, channel, purpose, policy).judge()
        if refusing is None:
            break
        turn = later
    return Permission(allowed, because, until, rule, turn)


def retention_ends(
    relationship: Relationship,
    *,
    now: datetime,
    purpose: str = NURTURE,
    policy: ContactPolicy = DEFAULT,
) -> datetime | None:
    """Return when, nothing new happening, the person may no longer be kept.

    The end may have passed. None if there is none in sight: they consent without a limit, or no
    contact is in the log from which to count (which `permission` refuses).

    >>> from crmkit.model import Candidate
    >>> ada = Candidate(id="ada", country="AT")
    >>> met = Interaction(candidate_id="ada", kind="met", at="2026-01-31T09:00Z")
    >>> retention_ends(Relationship(ada, [met]), now=met.at).isoformat()
    '2026-08-31T09:00:00+00:00'
    """
    case = Case(relationship, to_instant(now, "now"), Channel.EMAIL, purpose, policy)
    return case.kept_until(case.last_contact())


def usable_address(
    relationship: Relationship, *, now: datetime, channel: Channel = Channel.EMAIL
) -> str | None:
    """Return the first address of the channel that still works, or None.

    E-mail addresses, phones (for text and phone) or LinkedIn links, in the order of the profile.
    A ``bounced`` fact takes out the address in its ``address`` property, or, without one, all of
    the channel; outcome ``soft`` takes out none, and a later ``verified`` fact with the same
    ``address`` brings it back. A complaint takes out all of the channel: who calls us spam is not
    written to at the next address. Only a later consent ends that. Facts without a channel are
    about e-mail.
    """
    case = Case(relationship, to_instant(now, "now"), fields.channel(channel), NURTURE, DEFAULT)
    return next(iter(case.addresses()), None)


class Case:
    """One question to the arbiter, with what was known at its instant."""

    def __init__(
        self,
        relationship: Relationship,
        now: datetime,
        channel: Channel,
        purpose: str,
        policy: ContactPolicy,
    ) -> None:
        self.candidate = relationship.candidate
        self.past: History = relationship.history.upto(now)
        self.coming = relationship.history.after(now)
        self.now, self.channel, self.purpose, self.policy = now, channel, purpose, policy
        stops = [fact for fact in self.past.of("withdrew_consent") if self._concerns(fact)]
        stops += self.past.of("unsubscribed")
        self.stop = max(stops, key=lambda fact: fact.at, default=None)
        self.consent = self._consent()
        self.retention = policy.retention_of(self.candidate.country)

    def _concerns(self, withdrawal: Interaction) -> bool:
        purpose = withdrawal.properties.get("purpose")
        return not isinstance(purpose, str) or purpose == self.purpose

    def _consent(self) -> Consent | None:
        """Return the newest consent to the purpose, if it holds; it replaces those before it."""
        for fact in reversed(self.past.of("consented")):
            if self.stop and fact.at <= self.stop.at:
                return None
            try:
                consent = Consent.of(fact)
            except InvalidRecord:
                continue  # what cannot be read cannot be proved
            if consent.purpose == self.purpose:
                ended = consent.expires_at is not None and consent.expires_at <= self.now
                return None if ended else consent
        return None

    def judge(self) -> tuple[ContactRule | None, list[Reason], datetime | None]:
        """Ask rule by rule; return the one that refuses, what was found, and until when."""
        parts: list[Reason] = []
        for rule, ask in _RULES:
            parts.append(ask(self))
            if not parts[-1].holds:
                return rule, parts, parts[-1].until
        return None, parts, earliest(*(part.until for part in parts))

    def next_of(self, kinds: Collection[str]) -> datetime | None:
        """Return when the next fact of these kinds that is in the log already will arrive."""
        return next((fact.at for fact in self.coming if fact.kind in kinds), None)

    def erased(self) -> Reason:
        return Reason("not erased", holds=not self.candidate.erased)

    def do_not_contact(self) -> Reason:
        return Reason("not marked do-not-contact", holds=not self.candidate.do_not_contact)

    def basis(self) -> Reason:
        text = f"a legal basis for {self.purpose} by {self.channel}"
        coming = self.next_of(BASIS)
        if self.consent:
            found = f"consent of {self.consent.at:%Y-%m-%d}"
            until = earliest(coming, self.consent.expires_at)
            return Reason(text, holds=True, found=found, until=until)
        if self.stop:
            found = f"{self.stop.kind} on {self.stop.at:%Y-%m-%d}, and no consent since"
            return Reason(text, holds=False, found=found, until=coming)
        if self.retention.consent_needed:
            found = f"no consent, which {self.candidate.country or 'the policy'} asks for"
            return Reason(text, holds=False, found=found, until=coming)
        covered = (
            self.channel in self.policy.interest_channels
            and self.purpose in self.policy.interest_purposes
        )
        missing = "no consent, and interest does not cover it"
        found = "legitimate interest" if covered else missing
        return Reason(text, holds=covered, found=found, until=coming)

    def last_contact(self) -> Interaction | None:
        facts = [fact for kind in ON_RECORD for fact in self.past.of(kind)[-1:]]
        for kind in TOOK_PART:
            facts += [fact for fact in self.past.of(kind) if fact.automated is not True][-1:]
        return max(facts, key=lambda fact: fact.at, default=None)

    def kept_until(self, contact: Interaction | None) -> datetime | None:
        end = _plus(contact.at, self.retention.span) if contact else None
        if not (self.consent and self.retention.consent_extends):
            return end
        expiry = self.consent.expires_at
        return max(end, expiry) if end and expiry else None

    def within_retention(self) -> Reason:
        span = describe_span(self.retention.span)
        text = f"kept no longer than {span} after the last contact"
        if self.consent and self.retention.consent_extends:
            text += ", or by consent"
        contact = self.last_contact()
        coming = self.next_of({*ON_RECORD, *TOOK_PART})
        if contact is None:
            found = "no contact to count from; log when they were captured"
            return Reason(text, holds=False, found=found, until=coming)
        end = self.kept_until(contact)
        found = f"{contact.kind} on {contact.at:%Y-%m-%d}"
        if end is None or self.now < end:
            return Reason(text, holds=True, found=found, until=end)
        return Reason(text, holds=False, found=found, until=coming)

    def known_addresses(self) -> tuple[str, ...]:
        candidate = self.candidate
        if self.channel is Channel.EMAIL:
            return candidate.emails
        if self.channel in {Channel.TEXT, Channel.PHONE}:
            return candidate.phones
        if self.channel is Channel.LINKEDIN:
            return tuple(link for link in candidate.links if "linkedin." in link.lower())
        return ()

    def addresses(self) -> list[str]:
        """Return the addresses of the channel that still work."""
        known = self.known_addresses()
        if not known or self.complaint():
            return []
        hard = [
            fact
            for fact in self.past.of("bounced")
            if self._on_channel(fact) and (fact.outcome or "").lower() != "soft"
        ]
        return [address for address in known if not any(self._out(address, fact) for fact in hard)]

    def complaint(self) -> Interaction | None:
        """Return the newest complaint about the channel that no consent has followed."""
        consented = self.past.last("consented")
        complaints = [fact for fact in self.past.of("complained") if self._on_channel(fact)]
        standing = complaints and (consented is None or consented.at <= complaints[-1].at)
        return complaints[-1] if standing else None

    def _on_channel(self, fact: Interaction) -> bool:
        return (fact.channel or Channel.EMAIL) is self.channel

    def _out(self, address: str, bounce: Interaction) -> bool:
        key = address.lower()
        return _address(bounce) in {None, key} and not any(
            fact.at > bounce.at and _address(fact) == key for fact in self.past.of("verified")
        )

    def reachable(self) -> Reason:
        if self.channel in {Channel.IN_PERSON, Channel.WEB}:
            return Reason(f"{self.channel} needs no address", holds=True)
        text, coming = f"an address for {self.channel} that works", self.next_of(ADDRESS)
        if complaint := self.complaint():
            found = f"complained on {complaint.at:%Y-%m-%d}"
            return Reason(text, holds=False, found=found, until=coming)
        works, known = self.addresses(), self.known_addresses()
        found = f"{len(works)} of {len(known)}, the rest bounced" if known else "none known"
        found = f"all {len(known)} work" if known and len(works) == len(known) else found
        return Reason(text, holds=bool(works), found=found, until=coming)

    def not_in_process(self) -> Reason:
        text, coming = "not in an active process, nor employed here", self.next_of(PROCESS)
        if self.purpose in self.policy.process_purposes:
            return Reason(f"{self.purpose} may be part of an active process", holds=True)
        found = [
            f"{fact.kind} on {fact.at:%Y-%m-%d}" + (f" for role {role}" if role else "")
            for role, fact in open_processes(self.past).items()
        ]
        if hired := employed_since(self.past):
            found.append(f"employed since {hired.at:%Y-%m-%d}")
        return Reason(text, holds=not found, found=", ".join(found) or None, until=coming)

    def not_snoozed(self) -> Reason:
        coming = self.next_of({"paused", "resumed"})
        ends: list[tuple[str, datetime | None]] = []
        since = self.candidate.interested_from
        if self.candidate.interest is Interest.LATER and since and since > self.now:
            ends.append((f"interested from {since:%Y-%m-%d}", since))
        if paused := self._pause():
            end = _instant(paused.properties.get("until"))
            if end is None or end > self.now:
                ends.append((f"paused on {paused.at:%Y-%m-%d}", end))
        if not ends:
            return Reason("not snoozed", holds=True, until=coming)
        instants = [end for _, end in ends if end]
        lifts = max(instants) if len(instants) == len(ends) else None
        found = ", ".join(text for text, _ in ends)
        return Reason("not snoozed", holds=False, found=found, until=earliest(lifts, coming))

    def _pause(self) -> Interaction | None:
        """Return the newest pause of the person (not of one enrolment) that was not resumed."""
        facts = [fact for fact in self.past.of("paused", "resumed") if not fact.enrollment_id]
        # At one instant the pause counts.
        newest = max(facts, key=lambda fact: (fact.at, fact.kind == "paused"), default=None)
        return newest if newest and newest.kind == "paused" else None

    def below_cap(self) -> Reason:
        cap, window = self.policy.cap, self.policy.cap_window
        text = f"fewer than {plural(cap, 'message')} within {describe_span(window)}"
        full, counted = [], 0
        # One message may be logged as sent and as delivered; a recruiter's own is one more.
        for kinds in (("sent", "messaged"), ("delivered",)):
            inside = [fact.at for fact in self.past.of(*kinds) if self.now - fact.at < window]
            counted = max(counted, len(inside))
            full += inside[-cap:][:1] if len(inside) >= cap else []
        coming = self.next_of({"sent", "messaged", "delivered"})
        until = _plus(max(full), window) if full else coming
        return Reason(text, holds=not full, found=str(counted), until=until)


_RULES: tuple[tuple[ContactRule, Callable[[Case], Reason]], ...] = (
    (ContactRule.ERASED, Case.erased),
    (ContactRule.DO_NOT_CONTACT, Case.do_not_contact),
    (ContactRule.NO_BASIS, Case.basis),
    (ContactRule.RETENTION, Case.within_retention),
    (ContactRule.ADDRESS, Case.reachable),
    (ContactRule.IN_PROCESS, Case.not_in_process),
    (ContactRule.SNOOZED, Case.not_snoozed),
    (ContactRule.CAP, Case.below_cap),
)


def _plus(instant: datetime, span: Span) -> datetime | None:
    """Return *instant* + *span*, or None where the calendar ends before."""
    try:
        return after(instant, span)
    except (OverflowError, ValueError):
        return None


def _address(fact: Interaction) -> str | None:
    stated = fact.properties.get("address")
    return stated.lower() if isinstance(stated, str) else None


def _instant(value: object) -> datetime | None:
    """Return the instant that a host wrote down, or None if it is none: then there is no end."""
    try:
        return fields.optional_instant(value)
    except InvalidRecord:
        return None
