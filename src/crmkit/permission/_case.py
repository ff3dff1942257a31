"""The rules that may refuse a contact, asked in one order."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import lru_cache

from crmkit._time import Span, after, describe_span, earliest, plural, to_wall
from crmkit.errors import InvalidRecord
from crmkit.model import (
    Candidate,
    Channel,
    Consent,
    History,
    Interaction,
    Interest,
    Reason,
    Relationship,
    employed_since,
    open_processes,
    until_of,
)
from crmkit.model._process import PROCESS
from crmkit.permission._answer import ContactRule
from crmkit.permission._days import holiday_name
from crmkit.permission._policy import ContactPolicy
from crmkit.permission._window import weekday

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
SNOOZE = frozenset({"paused", "resumed", "replied", "auto_replied"})
MESSAGES = (("sent", "messaged"), ("delivered",))
"""The kinds that the caps count, each row by itself: one message may be logged as sent and as
delivered, and a recruiter's own is one more."""
SENT = frozenset(kind for kinds in MESSAGES for kind in kinds)
NO_ADDRESS = frozenset({Channel.IN_PERSON, Channel.WEB})
"""The channels that need no address."""
_CONTACT = frozenset({*ON_RECORD, *TOOK_PART})


def known_addresses(candidate: Candidate, channel: Channel) -> tuple[str, ...]:
    """Return the addresses of the channel that the profile has, whether they work or not."""
    if channel is Channel.EMAIL:
        return candidate.emails
    if channel is Channel.TEXT or channel is Channel.PHONE:
        return candidate.phones
    if channel is Channel.LINKEDIN:
        return tuple(link for link in candidate.links if "linkedin." in link.lower())
    return ()


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
        self.relationship, self.candidate = relationship, relationship.candidate
        self.past: History = relationship.history.upto(now)
        self.coming = relationship.history.after(now)
        self.kinds = self.past.by_kind
        self.now, self.channel, self.purpose, self.policy = now, channel, purpose, policy
        stops = [fact for fact in self.past.of("withdrew_consent") if self._concerns(fact)]
        stops += self.past.of("unsubscribed")
        self.stop = max(stops, key=lambda fact: fact.at) if stops else None
        self.lapsed: Consent | None = None
        self.consent = self._consent() if "consented" in self.kinds else None
        self.retention = policy.retention_of(self.candidate.country)

    def _concerns(self, withdrawal: Interaction) -> bool:
        purpose = withdrawal.properties.get("purpose")
        return not isinstance(purpose, str) or purpose == self.purpose

    def _consent(self) -> Consent | None:
        """Return the newest consent to the purpose, if it holds; it replaces those before it."""
        for fact in reversed(self.past.of("consented")):
            if self.stop and fact.at <= self.stop.at:
                return None
            if consent := self._read(fact):
                if consent.expires_at is None or self.now < consent.expires_at:
                    return consent
                self.lapsed = consent
                return None
        return None

    def _read(self, fact: Interaction) -> Consent | None:
        """Return the consent, if it is one to the purpose."""
        try:
            consent = Consent.of(fact)
        except InvalidRecord:
            return None  # what cannot be read cannot be proved
        return consent if consent.purpose == self.purpose else None

    def at(self, now: datetime) -> "Case":
        """Return the same question at another instant."""
        return Case(self.relationship, now, self.channel, self.purpose, self.policy)

    def judge(
        self, rules: "tuple[Rule, ...]"
    ) -> tuple[ContactRule | None, list[Reason], datetime | None]:
        """Ask rule by rule; return the one that refuses, what was found, and until when."""
        parts: list[Reason] = []
        for rule, ask in rules:
            part = ask(self)
            parts.append(part)
            if not part.holds:
                return rule, parts, part.until
        return None, parts, earliest(*[part.until for part in parts])

    def next_of(self, kinds: Collection[str]) -> datetime | None:
        """Return when the next fact of these kinds that is in the log already will arrive."""
        if not self.coming:
            return None
        return next((fact.at for fact in self.coming if fact.kind in kinds), None)

    def erased(self) -> Reason:
        return _said("not erased", holds=not self.candidate.erased)

    def do_not_contact(self) -> Reason:
        return _said("not marked do-not-contact", holds=not self.candidate.do_not_contact)

    def basis(self) -> Reason:
        text = f"a legal basis for {self.purpose} by {self.channel}"
        coming = self.next_of(BASIS)
        if self.consent:
            found = f"consent of {_day(self.consent.at)}"
            found += f" to wording {self.consent.wording!r}" if self.consent.wording else ""
            until = earliest(coming, self.consent.expires_at)
            return Reason(text, holds=True, found=found, until=until)
        if self.stop:
            found = f"{self.stop.kind} on {_day(self.stop.at)}, and no consent since"
            return Reason(text, holds=False, found=found, until=coming)
        missing = "no consent"
        if self.lapsed and self.lapsed.expires_at:
            missing += f" since that of {_day(self.lapsed.at)} ended"
            missing += f" on {_day(self.lapsed.expires_at)}"
        if self.retention.consent_needed:
            found = f"{missing}, which {self.candidate.country or 'the policy'} asks for"
            return Reason(text, holds=False, found=found, until=coming)
        covered = (
            self.channel in self.policy.interest_channels
            and self.purpose in self.policy.interest_purposes
        )
        found = "legitimate interest" if covered else f"{missing}, and interest does not cover it"
        return _said(text, holds=covered, found=found, until=coming)

    def last_contact(self) -> Interaction | None:
        kinds = self.kinds
        facts = [kinds[kind][-1] for kind in ON_RECORD if kind in kinds]
        for kind in TOOK_PART:
            if kind in kinds:
                facts += [fact for fact in kinds[kind] if fact.automated is not True][-1:]
        if len(facts) < 2:
            return facts[0] if facts else None
        return max(facts, key=lambda fact: fact.at)

    def kept_until(self, contact: Interaction | None) -> datetime | None:
        end = _plus(contact.at, self.retention.span) if contact else None
        if not (self.consent and self.retention.consent_extends):
            return end
        expiry = self.consent.expires_at
        return max(end, expiry) if end and expiry else None

    def within_retention(self) -> Reason:
        text = _kept_no_longer(self.retention.span)
        if self.consent and self.retention.consent_extends:
            text += ", or by consent"
        contact = self.last_contact()
        coming = self.next_of(_CONTACT)
        if contact is None:
            found = "no contact to count from; log when they were captured"
            return Reason(text, holds=False, found=found, until=coming)
        end = self.kept_until(contact)
        found = f"{contact.kind} on {_day(contact.at)}"
        if end is None or self.now < end:
            return Reason(text, holds=True, found=found, until=end)
        return Reason(text, holds=False, found=found, until=coming)

    def addresses(self) -> Sequence[str]:
        """Return the addresses of the channel that still work and are not suppressed."""
        if self.complaint():
            return ()
        works = self._not_bounced(known_addresses(self.candidate, self.channel))
        silent = self.relationship.suppressed
        return [address for address in works if address not in silent] if silent else works

    def _not_bounced(self, known: tuple[str, ...]) -> Sequence[str]:
        if "bounced" not in self.kinds:
            return known
        hard = [
            fact
            for fact in self.past.of("bounced")
            if self._on_channel(fact) and (fact.outcome or "").lower() != "soft"
        ]
        return [address for address in known if not any(self._out(address, fact) for fact in hard)]

    def complaint(self) -> Interaction | None:
        """Return the newest complaint about the channel that no consent has followed.

        A consent to another purpose takes none back.
        """
        if "complained" not in self.kinds:
            return None
        complaints = [fact for fact in self.past.of("complained") if self._on_channel(fact)]
        if not complaints:
            return None
        since = self.past.after(complaints[-1].at)
        lifted = any(fact.kind == "consented" and self._read(fact) for fact in since)
        return None if lifted else complaints[-1]

    def _on_channel(self, fact: Interaction) -> bool:
        return (fact.channel or Channel.EMAIL) is self.channel

    def _out(self, address: str, bounce: Interaction) -> bool:
        key = address.lower()
        return _address(bounce) in {None, key} and not any(
            fact.at > bounce.at and _address(fact) == key for fact in self.past.of("verified")
        )

    def reachable(self) -> Reason:
        if self.channel in NO_ADDRESS:
            return _said(f"{self.channel} needs no address", holds=True)
        text, coming = f"an address for {self.channel} that works", self.next_of(ADDRESS)
        if complaint := self.complaint():
            found = f"complained on {_day(complaint.at)}"
            return Reason(text, holds=False, found=found, until=coming)
        known = known_addresses(self.candidate, self.channel)
        works = self._not_bounced(known)
        found = f"{len(works)} of {len(known)}, the rest bounced" if known else "none known"
        found = f"all {len(known)} work" if known and len(works) == len(known) else found
        silent = 0
        if self.relationship.suppressed:
            silent = sum(address in self.relationship.suppressed for address in works)
        if silent:
            found = f"{silent} of {len(known)} suppressed"
            found += f", {len(known) - len(works)} bounced" if len(works) < len(known) else ""
        return _said(text, holds=len(works) > silent, found=found, until=coming)

    def not_in_process(self) -> Reason:
        if self.purpose in self.policy.process_purposes:
            return _said(f"{self.purpose} may be part of an active process", holds=True)
        text, coming = "not in an active process, nor employed here", self.next_of(PROCESS)
        if self.kinds.keys().isdisjoint(PROCESS):
            return _said(text, holds=True, until=coming)
        found = [
            f"{fact.kind} on {_day(fact.at)}" + (f" for role {role}" if role else "")
            for role, fact in open_processes(self.past).items()
        ]
        if hired := employed_since(self.past):
            found.append(f"employed since {_day(hired.at)}")
        return Reason(text, holds=not found, found=", ".join(found) or None, until=coming)

    def not_snoozed(self) -> Reason:
        coming = self.next_of(SNOOZE)
        ends: list[tuple[str, datetime | None]] = []
        since = self.candidate.interested_from
        if self.candidate.interest is Interest.LATER and since and since > self.now:
            ends.append((f"interested from {_day(since)}", since))
        if not self.kinds.keys().isdisjoint(SNOOZE):
            ends += self._pause() + self._absence()
        if not ends:
            return _said("not snoozed", holds=True, until=coming)
        instants = [end for _, end in ends if end]
        lifts = max(instants) if len(instants) == len(ends) else None
        found = ", ".join(text for text, _ in ends)
        return Reason("not snoozed", holds=False, found=found, until=earliest(lifts, coming))

    def _pause(self) -> list[tuple[str, datetime | None]]:
        """Return the newest pause of the person (not of one enrolment), if it goes on."""
        facts = [fact for fact in self.past.of("paused", "resumed") if not fact.enrollment_id]
        # At one instant the pause counts.
        newest = max(facts, key=lambda fact: (fact.at, fact.kind == "paused"), default=None)
        if newest is None or newest.kind == "resumed":
            return []
        end = until_of(newest)
        ended = end is not None and end <= self.now
        return [] if ended else [(f"paused on {_day(newest.at)}", end)]

    def _absence(self) -> list[tuple[str, datetime | None]]:
        """Return the longest time away, or to ask again, that a reply named and nothing ended.

        Their next reply ends it, and names its own, if any; so does resuming the person.
        """
        replies = self.past.of("replied", "auto_replied")
        lifts = [fact.at for fact in self.past.of("resumed") if not fact.enrollment_id]
        lifts += [fact.at for fact in replies if _by_hand(fact)]
        since = max(lifts, default=None)
        told = [
            (until, fact)
            for fact in replies
            if (until := until_of(fact))
            and until > self.now
            and (since is None or fact.at >= since)
        ]
        if not told:
            return []
        end, fact = max(told, key=lambda each: each[0])
        return [(f"{fact.kind} on {_day(fact.at)}: not before {_day(end)}", end)]

    def below_cap(self) -> Reason:
        cap, window = self.policy.cap, self.policy.cap_window
        text, (counted, free) = _fewer(cap, window), self._count(cap, None)
        found, ends = str(counted), [free] if free else []
        if (own := self.policy.cap_of(self.channel)) is not None:
            counted, free = self._count(own, self.channel)
            text += f", fewer than {own} of them by {self.channel}"
            found += f", {counted} by {self.channel}"
            ends += [free] if free else []
        until = _plus(max(ends), window) if ends else self.next_of(SENT)
        return _said(text, holds=not ends, found=found, until=until)

    def _count(self, cap: int, channel: Channel | None) -> tuple[int, datetime | None]:
        """Return how many messages there are (on the channel), and which has to leave the window.

        None when there are fewer than *cap*.
        """
        window, full, counted = self.policy.cap_window, list[datetime](), 0
        for kinds in MESSAGES:
            inside = [
                fact.at
                for kind in kinds
                for fact in self.kinds.get(kind, ())
                if self.now - fact.at < window and (channel is None or self._on_channel(fact))
            ]
            counted = max(counted, len(inside))
            full += sorted(inside)[-cap:][:1] if len(inside) >= cap else []
        return counted, max(full, default=None)

    def within_hours(self) -> Reason:
        candidate, channel, hours = self.candidate, self.channel, self.policy.hours
        calendar = hours.calendar_of(candidate)
        unknown = hours.zone_missing(candidate, channel)
        if not unknown and hours.free(channel, calendar):
            return _said(f"any hour will do for {channel}", holds=True)
        window, (zone, assumed) = hours.window(channel), hours.zone_of(candidate)
        text = f"within the hours for {channel} ({window}"
        if unknown:
            return _said(f"{text}, where they are)", holds=False, found="zone unknown")
        try:
            wall = to_wall(self.now, zone)
        except OverflowError:
            return _said(f"{text}, {zone})", holds=False, found="the end of the calendar")
        found = f"{weekday(wall)[:3]} {wall:%Y-%m-%d %H:%M}"
        if calendar is not None and not window.on_holidays:
            text += ", no holidays"
            found += f", {holiday_name(wall.date(), calendar)}" if wall.date() in calendar else ""
        return Reason(
            f"{text}, {assumed or zone})",
            holds=hours.is_open(wall, channel, calendar),
            found=found,
            until=hours.turns_at(self.now, zone, channel, calendar),
        )


Rule = tuple[ContactRule, Callable[[Case], Reason]]

STANDING_RULES: tuple[Rule, ...] = (
    (ContactRule.ERASED, Case.erased),
    (ContactRule.DO_NOT_CONTACT, Case.do_not_contact),
    (ContactRule.NO_BASIS, Case.basis),
    (ContactRule.RETENTION, Case.within_retention),
    (ContactRule.ADDRESS, Case.reachable),
    (ContactRule.IN_PROCESS, Case.not_in_process),
    (ContactRule.SNOOZED, Case.not_snoozed),
)
"""What stands against any message, whenever others went out and whatever the hour."""

RULES: tuple[Rule, ...] = (
    *STANDING_RULES,
    (ContactRule.CAP, Case.below_cap),
    (ContactRule.QUIET, Case.within_hours),
)


@lru_cache(maxsize=1024)
def _always(text: str, holds: bool, found: str | None) -> Reason:  # noqa: FBT001 - for the cache
    return Reason(text, holds=holds, found=found)


def _said(
    text: str, *, holds: bool, found: str | None = None, until: datetime | None = None
) -> Reason:
    """Return the reason, one for all of whom the same is said without an end."""
    if until is None:
        return _always(text, holds, found)
    return Reason(text, holds=holds, found=found, until=until)


@lru_cache(maxsize=64)
def _kept_no_longer(span: Span) -> str:
    return f"kept no longer than {describe_span(span)} after the last contact"


@lru_cache(maxsize=64)
def _fewer(cap: int, window: Span) -> str:
    return f"fewer than {plural(cap, 'message')} within {describe_span(window)}"


def _day(instant: datetime) -> str:
    return instant.date().isoformat()


@lru_cache(maxsize=1024)
def _plus(instant: datetime, span: Span) -> datetime | None:
    """Return *instant* + *span*, or None where the calendar ends before."""
    try:
        return after(instant, span)
    except (OverflowError, ValueError):
        return None


def _address(fact: Interaction) -> str | None:
    stated = fact.properties.get("address")
    return stated.lower() if isinstance(stated, str) else None


def _by_hand(reply: Interaction) -> bool:
    return reply.kind == "replied" and reply.automated is not True
