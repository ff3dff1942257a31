"""One person as an index reads them: instants as whole microseconds, each question asked once."""

from collections.abc import Callable, Sequence
from datetime import datetime

from crmkit._time import Span, micros
from crmkit.model import Interaction, Relationship
from crmkit.segmentation._look import later, matching
from crmkit.segmentation._nodes import Events

BEFORE, AFTER = -(2**63), 2**63
"""Earlier and later than any instant: what stands where there is none."""


class Facts:
    """A relationship without anything dated after the instants it will be asked at."""

    __slots__ = (
        "_answers",
        "_found",
        "_times",
        "by_kind",
        "candidate",
        "questions",
        "relationship",
    )

    def __init__(
        self, relationship: Relationship, questions: "Sequence[Callable[[Facts], bool]]"
    ) -> None:
        self.relationship = relationship
        self.candidate = relationship.candidate
        self.by_kind = relationship.history.by_kind
        self.questions = questions
        self._answers: list[bool | None] = [None] * len(questions)
        self._found: dict[Events, list[Interaction]] = {}
        self._times: dict[Events, list[int]] = {}

    def settled(self, number: int) -> bool:
        """Return the answer to a question that the clock does not enter."""
        answer = self._answers[number]
        if answer is None:
            answer = self._answers[number] = self.questions[number](self)
        return answer

    def of(self, events: Events) -> list[Interaction]:
        """Return the interactions that an event rule looks at, oldest first."""
        found = self._found.get(events)
        if found is None:
            # Most people did few of the things that rules ask about.
            none = self.by_kind.keys().isdisjoint(events.kinds)
            found = self._found[events] = [] if none else matching(self.by_kind, events)
        return found

    def times(self, events: Events) -> list[int]:
        """Return when they happened, oldest first."""
        found = self._times.get(events)
        if found is None:
            found = self._times[events] = [micros(fact.at) for fact in self.of(events)]
        return found

    def ends(self, events: Events, span: Span) -> list[int]:
        """Return the instants a span after each of them, the earliest first."""
        return sorted(end_of(fact.at, span) for fact in self.of(events))


def end_of(instant: datetime, span: Span) -> int:
    """Return the instant a span later."""
    end = later(instant, span)
    return AFTER if end is None else micros(end)


def newest(times: Sequence[int], number: int) -> int:
    """Return the *number*-th of them from the end, counted from 1."""
    return times[-number] if number <= len(times) else BEFORE


def oldest(times: Sequence[int], number: int) -> int:
    """Return the *number*-th of them, counted from 1."""
    return times[number - 1] if number <= len(times) else AFTER
