"""What people do with the messages that were sent to them, made up."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import attrs

from crmkit._time import to_instant
from crmkit.datasets._assumptions import ASSUMPTIONS, Assumptions
from crmkit.datasets._draws import days, fact, generator, later, place_in
from crmkit.errors import InvalidRecord
from crmkit.model import Candidate, Interaction, Interest, Relationship

HORIZON = timedelta(days=90)
"""No response, with all that follows from it, comes later than this after its message."""


def simulate_responses(
    relationship: Relationship,
    *,
    seed: int,
    since: datetime,
    now: datetime,
    role_ids: Sequence[str] = ("simulated-role",),
    assumptions: Assumptions = ASSUMPTIONS,
) -> tuple[Interaction, ...]:
    """Return what one person did in (*since*, *now*] about the messages they were sent.

    Opened, clicked, visited, replied (and the recruiter's answer), auto-replied, unsubscribed,
    bounced, applied and what the application led to: each has the property ``simulated``, and
    the message's enrolment, touch and rotation.

    The whole answer to a message is drawn at once from the seed, the person and the message, so
    that it does not matter in which windows one asks: (a, b] and (b, c] together are (a, c].
    That holds as long as the person's interest and years, ``role_ids`` and the rates stay as
    they were, and the history has every message sent before.

    >>> from datetime import UTC, datetime
    >>> sent = Interaction(candidate_id="a", kind="sent", at="2026-03-02T09:00Z", touch="welcome")
    >>> asked = {"since": datetime(2026, 3, 2, tzinfo=UTC), "now": datetime(2026, 6, 2, tzinfo=UTC)}
    >>> person = Relationship(Candidate(id="a", interest="active"), [sent])
    >>> [fact.kind for fact in simulate_responses(person, seed=4, **asked)]
    ['opened', 'replied', 'messaged']
    """
    first, last = to_instant(since, "since"), to_instant(now, "now")
    if not role_ids:
        raise InvalidRecord("role_ids", "expected at least one role to apply for")
    messages = relationship.history.of("sent")
    due = [
        (place, sent) for place, sent in enumerate(messages, 1) if first - HORIZON < sent.at <= last
    ]
    if not due:
        return ()
    person = _Person.drawn(relationship.candidate, seed, assumptions)
    found = [
        response
        for place, sent in due
        for response in _answer(person, sent, place, seed, tuple(role_ids), assumptions)
        if first < response.at <= last
    ]
    return tuple(sorted(found, key=lambda response: (response.at, response.id)))


@attrs.frozen(kw_only=True)
class _Person:
    """What somebody is like, whatever they are sent."""

    id: str
    keen: float
    reader: bool
    dead_address: bool
    replies_at: int | None
    outcome: str
    applies_at: int | None

    @classmethod
    def drawn(cls, candidate: Candidate, seed: int, rates: Assumptions) -> "_Person":
        chance = generator(seed, "person", candidate.id)
        keen = float(rates.keenness.get(candidate.interest or "", 0.8))
        if (candidate.years_experience or 0) >= 5:
            keen *= rates.experienced
        # Every draw is made in any case, so that one rate does not shift what the others give.
        reads, dead, answers, applies = (chance.random() for _ in range(4))
        replies_at, applies_at = place_in(rates.reply_at, chance), place_in(rates.apply_at, chance)
        unwilling = candidate.interest is Interest.NOT_INTERESTED
        weights = (0.1, 0.35, 0.55) if unwilling else (0.5, 0.3, 0.2)
        outcome = chance.choices(("positive", "later", "negative"), weights=weights)[0]
        return cls(
            id=candidate.id,
            keen=keen,
            reader=reads < rates.readers * keen,
            dead_address=dead < rates.dead_addresses,
            replies_at=replies_at if answers < rates.replies * keen else None,
            outcome=outcome,
            applies_at=applies_at if applies < rates.applies * keen else None,
        )


@lru_cache(maxsize=2**13)
def _answer(  # noqa: PLR0917 - all of it is the key
    person: _Person,
    sent: Interaction,
    place: int,
    seed: int,
    role_ids: tuple[str, ...],
    rates: Assumptions,
) -> tuple[Interaction, ...]:
    """Draw the answer to a message; it is asked for in every window until it is complete."""
    return tuple(_Answer(person, sent, seed, role_ids, rates).facts(place))


class _Answer:
    """What one person does about one message."""

    def __init__(
        self,
        person: _Person,
        sent: Interaction,
        seed: int,
        role_ids: Sequence[str],
        rates: Assumptions,
    ) -> None:
        self._person = person
        self._sent = sent
        self._roles = [sent.role_id] if sent.role_id else list(role_ids)
        self._rates = rates
        self._chance = generator(seed, "message", sent.id)

    def facts(self, place: int) -> Iterator[Interaction]:
        """Yield all that follows from the message, which is the *place*-th to this person."""
        person, rates, chance = self._person, self._rates, self._chance
        if person.dead_address:
            yield self._on_message(
                "bounced", self._soon(300), automated=True, stated={"hard": True}
            )
            return
        yield from self._machines()
        replies, applies = place == person.replies_at, place == person.applies_at
        opens = chance.random() < (rates.opens if person.reader else rates.stray_opens)
        if opens or replies or applies:
            opened = days(self._sent.at, chance, 0.01, 1.5)
            yield self._on_message("opened", opened)
            yield from self._clicks(opened, applies=applies)
            if replies:
                yield from self._conversation(opened)
            if applies:
                yield from self._application(opened)
        elif chance.random() < rates.unsubscribes:
            yield self._on_message("unsubscribed", days(self._sent.at, chance, 0.01, 2))

    def _fact(self, kind: str, at: datetime, **fields: Any) -> Interaction:
        return fact(self._person.id, kind, at, **fields)

    def _on_message(self, kind: str, at: datetime, **fields: Any) -> Interaction:
        sent = self._sent
        about: dict[str, Any] = {
            "channel": sent.channel,
            "enrollment_id": sent.enrollment_id,
            "touch": sent.touch,
            "rotation": sent.rotation,
        }
        return self._fact(kind, at, **(about | fields))

    def _soon(self, seconds: int) -> datetime:
        return later(self._sent.at, self._chance, timedelta(seconds=2), timedelta(seconds=seconds))

    def _machines(self) -> Iterator[Interaction]:
        soon, rates = self._soon(90), self._rates
        proxy, scanner, absent = (self._chance.random() for _ in range(3))
        if proxy < rates.machine_opens:
            yield self._on_message("opened", soon, automated=True)
        if scanner < rates.scanner_clicks:
            yield self._on_message("clicked", soon, automated=True)
        if absent < rates.auto_replies:
            yield self._on_message("auto_replied", soon, automated=True)

    def _clicks(self, opened: datetime, *, applies: bool) -> Iterator[Interaction]:
        clicks, visits = self._chance.random(), self._chance.random()
        if applies or clicks < self._rates.clicks:
            clicked = later(opened, self._chance, timedelta(seconds=10), timedelta(minutes=10))
            yield self._on_message("clicked", clicked)
            if applies or visits < self._rates.visits:
                visited = later(clicked, self._chance, timedelta(seconds=1), timedelta(seconds=5))
                yield self._on_message("visited", visited, channel="web")

    def _conversation(self, opened: datetime) -> Iterator[Interaction]:
        chance, outcome = self._chance, self._person.outcome
        replied = days(opened, chance, 0.01, 3)
        yield self._on_message("replied", replied, outcome=outcome, automated=False)
        answered = days(replied, chance, 0.5, 2)
        by = {"by": "a simulated recruiter"}
        channel = self._sent.channel
        yield self._fact("messaged", answered, channel=channel, automated=False, stated=by)
        if outcome == "positive" and chance.random() < 0.4:
            called = days(answered, chance, 2, 8)
            said = chance.choice(["positive", "later"])
            yield self._fact("called", called, channel="phone", outcome=said, stated=by)

    def _application(self, opened: datetime) -> Iterator[Interaction]:
        chance, rates, role = self._chance, self._rates, self._chance.choice(self._roles)
        applied = days(opened, chance, 1, 8)
        screened = days(applied, chance, 3, 8)
        yield self._fact("applied", applied, role_id=role)
        yield self._fact("screened", screened, role_id=role)
        if chance.random() >= rates.interviewed:
            ended, stage = days(screened, chance, 1, 5), {"stage": "Screening"}
            yield self._fact("rejected", ended, role_id=role, stated=stage)
            return
        interviewed = days(screened, chance, 5, 14)
        yield self._fact("interviewed", interviewed, role_id=role)
        ended, end = days(interviewed, chance, 7, 20), chance.random()
        if end < rates.hired:
            yield self._fact("offered", days(interviewed, chance, 2, 7), role_id=role)
            yield self._fact("hired", ended, role_id=role)
        elif end < rates.hired + rates.withdrew:
            yield self._fact("withdrew", ended, role_id=role)
        else:
            yield self._fact("rejected", ended, role_id=role, stated={"stage": "final"})
