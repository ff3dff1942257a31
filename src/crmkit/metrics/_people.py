"""What is counted person by person: the pipeline and its health, conversion, re-engagement."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache

import attrs

from crmkit._time import DAY, EPOCH, earliest, later
from crmkit.errors import InvalidRecord
from crmkit.metrics import _definitions as names
from crmkit.metrics._estimates import Middle
from crmkit.metrics._metric import Metric
from crmkit.metrics._reading import (
    APPLIED,
    BOUNCED,
    COMPLAINED,
    CONSENTED,
    FUNNEL,
    HIRED,
    UNSUBSCRIBED,
    WITHDREW,
    Reading,
)
from crmkit.metrics._tally import Adds, Frame, Longest, Most, Sums, Tally, metric, rate
from crmkit.model import (
    NURTURE,
    Candidate,
    Channel,
    Consent,
    FrozenMap,
    Interaction,
    Relationship,
)
from crmkit.model._fields import EMPTY
from crmkit.permission import consent_in_force, suppression
from crmkit.permission._arbiter import DEFAULT
from crmkit.permission._case import Case, known_addresses

QUARTER = 91 * DAY
"""How long a profile stays fresh: they are to be refreshed quarterly."""

ByKind = dict[str, tuple[Interaction, ...]]

_REACHED_BY = (Channel.EMAIL, Channel.PHONE, Channel.LINKEDIN)
_SAID_NO = UNSUBSCRIBED | WITHDREW
_LASTING = {"purpose": NURTURE}
"""What a plain consent that never expires states."""
_DOUBTS = _SAID_NO | BOUNCED | COMPLAINED


@attrs.define
class Pipeline(Adds):
    """Who is in the pipeline, and how healthy it is."""

    size: Tally = attrs.field(factory=Tally)
    active: Tally = attrs.field(factory=Tally)
    fresh: Tally = attrs.field(factory=Tally)
    reachable: Tally = attrs.field(factory=Tally)
    consenting: Tally = attrs.field(factory=Tally)
    contact: Tally = attrs.field(factory=Tally)
    days: Counter[int] = attrs.field(factory=Sums)
    """Whole days since the last contact → how many people."""
    nearest: Most = attrs.field(factory=Most)
    """The most seconds of a day that have passed since a contact: it is the next to turn."""
    to_refresh: Longest = attrs.field(factory=Longest)
    """Who took part in the window and whose profile is stale."""

    def add(self, frame: Frame, readings: Sequence[Reading]) -> None:
        """Count some people, who are known by now."""
        inside: list[Reading] = []
        for reading in readings:
            if reading.relationship.candidate.erased:
                self.size.excluded["people erased"] += 1
            elif reading.seen & HIRED and works_here(reading.kinds):
                self.size.excluded["people who work here"] += 1
            else:
                inside.append(reading)
        self.size.numerator += len(inside)
        self._add_contacts(frame, inside)
        self._add_freshness(frame, inside)
        self._add_reach(frame, inside)

    def _add_contacts(self, frame: Frame, readings: Iterable[Reading]) -> None:
        """Count when somebody last took part, or we did something."""
        now, days, nearest = frame.now, self.days, self.nearest
        for reading in readings:
            at = reading.acts[-1] if reading.acts else None
            other = reading.spoke_at
            if other is not None and (at is None or other > at):
                at = other
            if reading.sent_at:
                other = reading.sent_at[-1]
                if at is None or other > at:
                    at = other
            if at is None:
                self.contact.excluded["people never contacted"] += 1
                continue
            ago = now - at
            days[ago.days] += 1
            if ago.seconds >= nearest.value:
                nearest.value = ago.seconds
                self.contact.changes(later(at, (ago.days + 1) * DAY))

    def _add_freshness(self, frame: Frame, readings: Iterable[Reading]) -> None:
        """Count who took part in the window, and whose profile was confirmed lately."""
        now, start, active, fresh = frame.now, frame.start, self.active, self.fresh
        for reading in readings:
            is_active = False
            if reading.acts:
                at = reading.acts[-1]
                if at > start:
                    is_active = True
                    active.numerator += 1
                    if active.oldest is None or at < active.oldest:
                        active.oldest = at
            confirmed_at = reading.confirmed_at
            if confirmed_at is not None:
                if now - confirmed_at < QUARTER:
                    fresh.numerator += 1
                    if fresh.oldest is None or confirmed_at < fresh.oldest:
                        fresh.oldest = confirmed_at
                elif is_active:
                    self.to_refresh.add(confirmed_at, reading.relationship.candidate.id)

    def _add_reach(self, frame: Frame, readings: Iterable[Reading]) -> None:
        """Count who can be reached, and may be."""
        reachable = consenting = 0
        for reading in readings:
            relationship, seen = reading.relationship, reading.seen
            candidate = relationship.candidate
            if not candidate.do_not_contact:
                if relationship.suppressed or seen & _DOUBTS:
                    if seen & _DOUBTS != BOUNCED or not _is_gone(candidate, reading.kinds):
                        self._add_doubted(frame, relationship, seen)
                elif candidate.emails or any(
                    known_addresses(candidate, channel) for channel in _REACHED_BY
                ):
                    reachable += 1
            if seen & CONSENTED:
                given = reading.kinds["consented"]
                if seen & _SAID_NO or len(given) > 1:
                    self._add_consent(frame, relationship)
                elif given[0].properties._items == _LASTING or _lasts(given[0].properties):
                    consenting += 1
                else:
                    self._add_consent(frame, relationship)
        self.reachable.numerator += reachable
        self.consenting.numerator += consenting

    def _add_doubted(self, frame: Frame, relationship: Relationship, seen: int) -> None:
        if seen & _SAID_NO:
            # Nobody complains about the web: a complaint is asked for channel by channel below.
            silent = suppression(relationship, now=frame.now, channel=Channel.WEB)
            self.reachable.changes(silent.until)
            if silent:
                return
        candidate = relationship.candidate
        self.reachable.numerator += any(
            Case(relationship, frame.now, channel, NURTURE, DEFAULT).addresses()
            for channel in _REACHED_BY
            if known_addresses(candidate, channel)
        )

    def _add_consent(self, frame: Frame, relationship: Relationship) -> None:
        verdict = consent_in_force(relationship, now=frame.now)
        self.consenting.numerator += verdict.value
        self.consenting.changes(verdict.until)

    def metrics(self, frame: Frame) -> tuple[Metric, ...]:
        """Return the size, and what share of it is well."""
        people = self.size.numerator
        stale = people - self.fresh.numerator
        size = metric(
            names.PIPELINE,
            frame,
            value=float(people),
            because=f"{people:,} people, neither erased nor working here",
            numerator=people,
            counted=people,
            until=self.size.until,
            excluded=self.size.excluded,
            noted={
                "of them active": self.active.numerator,
                "of them stale": stale,
                "of them unreachable": people - self.reachable.numerator,
                "of them without consent": people - self.consenting.numerator,
            },
        )
        shares = (
            (names.ACTIVE, self.active, "took part in the window"),
            (names.FRESHNESS, self.fresh, "have a profile confirmed in the last 91 days"),
            (names.REACHABLE, self.reachable, "can be reached"),
            (names.CONSENT, self.consenting, "have a consent in force"),
        )
        return (
            size,
            *(
                rate(
                    definition,
                    frame,
                    tally.numerator,
                    people,
                    of=f"people of the pipeline {what}",
                    none="nobody is in the pipeline",
                    until=earliest(tally.until, self._leaves(frame, definition, tally)),
                )
                for definition, tally, what in shares
            ),
            self._since_contact(frame),
        )

    @staticmethod
    def _leaves(frame: Frame, definition: names.Definition, tally: Tally) -> datetime | None:
        if definition is names.FRESHNESS:
            return later(tally.oldest, QUARTER) if tally.oldest else None
        return frame.leaves(tally.oldest)

    def _since_contact(self, frame: Frame) -> Metric:
        middle = Middle(tuple(sorted(self.days.items())))
        count = sum(self.days.values())
        value = middle.value
        return metric(
            names.SINCE_CONTACT,
            frame,
            value=None if value is None else float(value),
            because=f"the median of {count:,} people" if count else "nobody was ever contacted",
            denominator=count,
            counted=count,
            until=self.contact.until,
            excluded=self.contact.excluded,
            estimate=middle if count else None,
        )


def _is_gone(candidate: Candidate, kinds: ByKind) -> bool:
    """Whether somebody plainly has no address left: e-mail alone, and a bounce that names none.

    Most bounces are so; of the others the arbiter's `Case` is asked, at ten times the price.
    """
    if candidate.phones or candidate.links or "verified" in kinds:
        return False
    return any(
        (fact.channel or Channel.EMAIL) is Channel.EMAIL
        and fact.properties is EMPTY
        and fact.outcome is None
        for fact in kinds["bounced"]
    )


def _count(tally: Tally, at: datetime) -> None:
    tally.numerator += 1
    if tally.oldest is None or at < tally.oldest:
        tally.oldest = at


def works_here(kinds: ByKind) -> bool:
    """Whether the newest hire was not followed by a leave (see `crmkit.model.employed_since`)."""
    left = kinds.get("left")
    return left is None or left[-1].at < kinds["hired"][-1].at


@lru_cache(maxsize=1024)
def _lasts(properties: FrozenMap) -> bool:
    """Whether what a ``consented`` fact states is a consent to nurture that never expires."""
    try:
        consent = Consent.of(
            Interaction(candidate_id="-", kind="consented", at=EPOCH, properties=properties)
        )
    except InvalidRecord:
        return False
    return consent.purpose == NURTURE and consent.expires_at is None


@attrs.define
class Nurture(Adds):
    """Who applied after a message, and who came back after one that was sent while cold."""

    conversion: Tally = attrs.field(factory=Tally)
    cold: Tally = attrs.field(factory=Tally)
    campaigns: Counter[tuple[str | None, bool]] = attrs.field(factory=Sums)
    """The cadence of the first message sent while cold, and whether they came back → people."""
    cohorts: Counter[tuple[int, int, bool, int]] = attrs.field(factory=Sums)
    """Year and month of the oldest fact, whether it is inside the window, and what the person
    reached since (bits in the order of `STAGES`) → people."""

    def add(self, frame: Frame, readings: Sequence[Reading]) -> None:
        """Count some people, who are known by now."""
        start, cohorts, campaigns, cold = frame.start, self.cohorts, self.campaigns, self.cold
        mailed = 0
        for reading in readings:
            facts, sent_at = reading.facts, reading.sent_at
            if facts:
                at = facts[0].at
                cohorts[at.year, at.month, at > start, reading.seen >> FUNNEL] += 1
            if not sent_at:
                continue
            mailed += 1
            if reading.seen & APPLIED:
                self._add_applications(frame, sent_at[0], reading.kinds["applied"])
            place = reading.cold
            if place is not None:
                at, acts = sent_at[place], reading.acts
                back = bool(acts) and acts[-1] >= at
                cold.denominator += 1
                cold.numerator += back
                if cold.oldest is None or at < cold.oldest:
                    cold.oldest = at
                run = reading.messages[place].enrollment_id
                campaigns[reading.cadences.get(run), back] += 1
        self.conversion.denominator += mailed

    def _add_applications(
        self, frame: Frame, first: datetime, applications: tuple[Interaction, ...]
    ) -> None:
        tally, start = self.conversion, frame.start
        newest, early = None, 0
        for fact in applications:
            at = fact.at
            if at > first and at > start:
                newest = at
            elif at > start:
                early += 1
        if early:
            tally.excluded["applications before the first message"] += early
        if newest is not None:
            _count(tally, newest)

    def metrics(self, frame: Frame, cold_after: int) -> tuple[Metric, Metric]:
        """Return conversion and re-engagement."""
        conversion, cold = self.conversion, self.cold
        return (
            rate(
                names.CONVERSION,
                frame,
                conversion.numerator,
                conversion.denominator,
                of="people who were sent a message applied in the window",
                none="no one was ever sent a message",
                until=frame.leaves(conversion.oldest),
                excluded=conversion.excluded,
            ),
            rate(
                re_engagement(cold_after),
                frame,
                cold.numerator,
                cold.denominator,
                of="people who were sent a message while cold engaged after it",
                none="no one was sent a message while cold in the window",
                until=frame.leaves(cold.oldest),
            ),
        )


def re_engagement(cold_after: int) -> names.Definition:
    """Return the definition with the number that says when somebody is cold."""
    stated = names.RE_ENGAGEMENT
    words = stated.definition.replace("at least 3 messages", f"at least {cold_after} messages")
    return attrs.evolve(stated, definition=words)
