"""What became of messages: rates per person and per message, whole and by whatever they share."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import attrs

from crmkit.metrics import _definitions as names
from crmkit.metrics._definitions import Definition
from crmkit.metrics._metric import Metric
from crmkit.metrics._reading import (
    BOUNCED,
    CLICKED,
    COMPLAINED,
    OPENED,
    REPLIED,
    UNSUBSCRIBED,
    Reading,
)
from crmkit.metrics._tally import Adds, Frame, Tally, rate
from crmkit.model import Channel
from crmkit.model._fields import EMPTY

MAILED, REACHED = 1 << 6, 1 << 7
"""Of a person: was sent something, and it did not all bounce."""
_WELL = MAILED | REACHED


class Cell(NamedTuple):
    """What messages have in common, and what became of them."""

    cadence: str | None
    touch: str | None
    channel: Channel | None
    """None is e-mail: what states no channel is one."""
    variant: str | None
    fate: int


@attrs.define
class Mail(Adds):
    """Messages sent in the window, and the people they were sent to."""

    cells: Counter[tuple[object, ...]] = attrs.field(factory=Counter)
    """A `Cell` → messages."""
    people: Counter[tuple[int, int]] = attrs.field(factory=Counter)
    """What became of a person's e-mails, and of all their messages → people."""
    segments: Counter[tuple[str, int]] = attrs.field(factory=Counter)
    """A segment, and what became of a member's e-mails → people."""
    answers: Counter[int] = attrs.field(factory=Counter)
    """The place of the message that a first reply in a cadence was to → people."""
    tally: Tally = attrs.field(factory=Tally)

    def add(  # noqa: C901 - one loop over the messages
        self, frame: Frame, reading: Reading, segments: Iterable[str] = ()
    ) -> None:
        """Count one person, who is in these segments."""
        if reading.machines or reading.lost or "auto_replied" in reading.kinds:
            self._leave_out(frame, reading)
        first = reading.first_inside
        if first == len(reading.messages):
            return
        messages, fates, tally = reading.messages, reading.fates, self.tally
        at = messages[first].at
        if tally.oldest is None or at < tally.oldest:
            tally.oldest = at
        mail = every = replied = 0
        cells, run = self.cells, None
        cadence: str | None = None
        if first:
            messages, fates = messages[first:], fates[first:]
        for message, fate in zip(messages, fates, strict=True):
            if message.enrollment_id is not run:
                run = message.enrollment_id
                cadence = reading.cadence_of(run)
            state = _WELL
            if fate:
                replied |= fate & REPLIED
                state = fate | MAILED if fate & BOUNCED else fate | _WELL
            every |= state
            channel = message.channel
            if channel is None or channel is Channel.EMAIL:
                mail |= state
                channel = None
            stated = message.properties
            variant = None if stated is EMPTY else stated.get("variant")
            key = cadence, message.touch, channel, variant, fate
            cells[key] = cells.get(key, 0) + 1
        if replied:
            self._add_answers(reading)
        self.people[mail, every] += 1
        for name in segments:
            self.segments[name, mail] += 1

    def _add_answers(self, reading: Reading) -> None:
        """Count which message of each run got the first reply, if that is inside the window."""
        places: Counter[str | None] = Counter()
        answered: set[str | None] = set()
        for index, (message, fate) in enumerate(zip(reading.messages, reading.fates, strict=True)):
            run = message.enrollment_id
            places[run] += 1
            if fate & REPLIED and run not in answered:
                answered.add(run)
                self.answers[places[run]] += index >= reading.first_inside

    def _leave_out(self, frame: Frame, reading: Reading) -> None:
        for fact in reading.machines:
            if fact.at > frame.start:
                self.tally.excluded[f"machine-made {_PLURALS[fact.kind]}"] += 1
        for fact in reading.kinds.get("auto_replied", ()):
            if fact.at > frame.start:
                self.tally.excluded["automatic replies"] += 1
        for fact, why in reading.lost:
            if fact.at > frame.start:
                self.tally.excluded[why] += 1

    def count(self, has: int, among: int = MAILED, *, every: bool = False) -> tuple[int, int]:
        """Return how many people have any of the bits *has*, of those with any of *among*.

        Of their e-mails, or of *every* message.
        """
        part = whole = 0
        for states, people in self.people.items():
            state = states[every]
            if state & among:
                whole += people
                part += people if state & has else 0
        return part, whole

    def messages(self, has: int) -> tuple[int, int]:
        """Return how many e-mails have any of the bits, and how many there are."""
        part = whole = 0
        for cell, number in self.cells.items():
            if cell[2] is None:
                whole += number
                part += number if cell[-1] & has else 0  # type: ignore[operator]
        return part, whole

    def metrics(self, frame: Frame) -> tuple[Metric, ...]:
        """Return the rates per person, then those per message."""
        until, others = frame.leaves(self.tally.oldest), self._on_other_channels()
        excluded = self.tally.excluded + Counter({_OTHERS: others})
        clicked, _ = self.count(CLICKED)
        people = [
            rate(
                definition,
                frame,
                *self.count(has),
                of=f"people e-mailed in the window {did}",
                none="no one was e-mailed in the window",
                until=until,
                excluded=excluded,
                noted={"of them clicked": clicked} if definition is names.ENGAGEMENT else None,
            )
            for definition, has, did in PER_PERSON
        ]
        by_second = sum(count for place, count in self.answers.items() if place <= 2)
        second = rate(
            names.SECOND,
            frame,
            by_second,
            sum(self.answers.values()),
            of="first replies were to the first or second message",
            none="no one replied to a message sent in the window",
            until=until,
            noted={"to the first": self.answers[1]} if self.answers else None,
        )
        mails = [
            rate(
                definition,
                frame,
                *self.messages(has),
                of=f"e-mails sent in the window {did}",
                none="no e-mail was sent in the window",
                until=until,
                excluded={_OTHERS: others},
            )
            for definition, has, did in PER_MESSAGE
        ]
        return (*people, second, *mails)

    def _on_other_channels(self) -> int:
        return sum(number for cell, number in self.cells.items() if cell[2] is not None)


_OTHERS = "messages on other channels than e-mail"
_PLURALS = {
    "opened": "opens",
    "clicked": "clicks",
    "replied": "replies",
    "unsubscribed": "unsubscriptions",
}

PER_PERSON: tuple[tuple[Definition, int, str], ...] = (
    (names.ENGAGEMENT, OPENED | CLICKED, "opened or clicked"),
    (names.OPENS, OPENED, "opened"),
    (names.CLICKS, CLICKED, "clicked"),
    (names.REPLIES, REPLIED, "replied"),
)
PER_MESSAGE: tuple[tuple[Definition, int, str], ...] = (
    (names.BOUNCES, BOUNCED, "bounced"),
    (names.UNSUBSCRIBES, UNSUBSCRIBED, "were unsubscribed from"),
    (names.COMPLAINTS, COMPLAINED, "were reported as spam"),
)
