"""What became of messages: rates per person and per message, whole and by whatever they share."""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping
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
    RESPONDED,
    UNSUBSCRIBED,
    Reading,
)
from crmkit.metrics._tally import Adds, Frame, Sums, Tally, rate
from crmkit.model import Channel
from crmkit.model._fields import EMPTY

MAILED, REACHED = 1 << 6, 1 << 7
"""Of a person: was sent something, and it did not all bounce."""
_STATES = tuple(
    fate | MAILED if fate & BOUNCED else fate | MAILED | REACHED for fate in range(RESPONDED + 1)
)
"""What each fate of a message says of the person."""


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

    cells: Counter[tuple[object, ...]] = attrs.field(factory=Sums)
    """A `Cell` → messages."""
    people: Counter[tuple[int, int]] = attrs.field(factory=Sums)
    """What became of a person's e-mails, and of all their messages → people."""
    segments: Counter[tuple[str, int]] = attrs.field(factory=Sums)
    """A segment, and what became of a member's e-mails → people."""
    answers: Counter[int] = attrs.field(factory=Sums)
    """The place of the message that a first reply in a cadence was to → people."""
    tally: Tally = attrs.field(factory=Tally)

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


class Mailing:
    """Counts messages person by person, into a `Mail`."""

    def __init__(self) -> None:
        self._mail = Mail()
        self._plain: defaultdict[str | None, _Touches] = defaultdict(_Touches)
        """By cadence, the e-mails without a variant: nearly all, so that no key is made of each."""

    def add(  # noqa: C901, PLR0912 - one loop over the messages
        self, readings: Iterable[Reading], segments: Mapping[str, Container[str]]
    ) -> None:
        """Count some people; *segments* are names, and the ids of who is in them."""
        found = self._mail
        tally, people, excluded = found.tally, found.people, found.tally.excluded
        plain, states, email = self._plain, _STATES, Channel.EMAIL
        for reading in readings:
            for why in reading.left_out:
                excluded[why] += 1
            sent_at, first = reading.sent_at, reading.first_inside
            if first == len(sent_at):
                continue
            if tally.oldest is None or sent_at[first] < tally.oldest:
                tally.oldest = sent_at[first]
            messages, fates, cadences = reading.messages, reading.fates, reading.cadences
            if first:
                messages, fates = messages[first:], fates[first:]
            mail = other = 0
            run: object = self  # no message names it
            for message, fate in zip(messages, fates):  # noqa: B905 - one fate each
                which = message.enrollment_id
                if which is not run:
                    run, cadence = which, cadences.get(which)
                    touches = plain[cadence]
                channel, stated = message.channel, message.properties
                if channel is not None and channel is not email:
                    other |= states[fate]
                else:
                    mail |= states[fate]
                    if stated is EMPTY:
                        touches[message.touch][fate] += 1
                        continue
                    channel = None
                found.cells[cadence, message.touch, channel, stated.get("variant"), fate] += 1
            every = mail | other
            if every & REPLIED:
                self._add_answers(reading)
            people[mail, every] += 1
            if segments:
                who = reading.relationship.candidate.id
                for name, ids in segments.items():
                    if who in ids:
                        found.segments[name, mail] += 1

    def _add_answers(self, reading: Reading) -> None:
        """Count which message of each run got the first reply, if that is inside the window."""
        messages, first = reading.messages, reading.first_inside
        answered: set[str | None] = set()
        for index, fate in enumerate(reading.fates):
            if not fate & REPLIED:
                continue
            run = messages[index].enrollment_id
            if run not in answered:
                answered.add(run)
                if index >= first:
                    place = 0
                    for message in messages[: index + 1]:
                        place += message.enrollment_id == run
                    self._mail.answers[place] += 1

    def done(self) -> Mail:
        """Return what was counted; to be asked once."""
        cells = self._mail.cells
        for cadence, touches in self._plain.items():
            for touch, numbers in touches.items():
                for fate, number in enumerate(numbers):
                    if number:
                        cells[cadence, touch, None, None, fate] += number
        return self._mail


class _Touches(dict[str | None, list[int]]):
    """A touch → how many messages had each fate."""

    def __missing__(self, touch: str | None) -> list[int]:
        self[touch] = numbers = [0] * (RESPONDED + 1)
        return numbers


_OTHERS = "messages on other channels than e-mail"

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
