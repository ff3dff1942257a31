"""What one pass of engage did, and did not do, and why."""

from collections.abc import Iterator
from datetime import datetime
from html import escape

import attrs

from crmkit.cadence import Enrollment
from crmkit.lifecycle._tasks import Task
from crmkit.model import FrozenMap


@attrs.frozen(kw_only=True)
class Outcome:
    """What became of one due touch: ``state`` in a word, ``why`` in a sentence.

    ``touch`` is ``-`` where it is about a whole run: ``archived``, ``reactivated``.

    The ``why`` of one that was ``refused`` begins with the rule: a `ContactRule`, ``address``,
    ``render`` (a value is missing) or ``cadence`` (the playbook does not have it any more).
    """

    candidate_id: str
    touch: str
    state: str
    why: str
    rule: str | None = None
    """Which rule refused it."""
    next_at: datetime | None = None
    """From when on it may go, where waiting helps."""

    def __str__(self) -> str:
        return f"{self.candidate_id} {self.touch}: {self.state}, {self.why}"


@attrs.frozen(kw_only=True, repr=False)
class RunReport:
    """Who was enrolled, what was sent, what was refused and why, what people have to do.

    Of those whose time had come: nobody else was looked at, and what stays refused is not said
    again before something new is known, or a rule may answer otherwise.
    """

    now: datetime
    enrolled: tuple[Enrollment, ...]
    not_enrolled: FrozenMap
    """Why people are in no cadence (a `ContactRule`, or ``playbook``) → how many."""
    outcomes: tuple[Outcome, ...]
    tasks: tuple[Task, ...]
    held: int
    """How many people's next message waits because the limit was reached: call again."""
    next_due: datetime | None
    """The first instant after now at which there may be something to do."""
    checked: int = 0
    """How many people it looked at: it depends on how many were due, not on how many there are."""

    def of(self, state: str) -> tuple[Outcome, ...]:
        """Return the outcomes in one state: ``sent``, ``refused``, ``failed``, ``unknown``…"""
        return tuple(outcome for outcome in self.outcomes if outcome.state == state)

    @property
    def sent(self) -> tuple[Outcome, ...]:
        """The touches that were sent."""
        return self.of("sent")

    @property
    def refused(self) -> tuple[Outcome, ...]:
        """The touches that permission, or a missing value, kept back."""
        return self.of("refused")

    def __repr__(self) -> str:
        return (
            f"<RunReport: {len(self.enrolled)} enrolled, {len(self.sent)} sent, "
            f"{len(self.refused)} refused, {len(self.tasks)} tasks>"
        )

    def __str__(self) -> str:
        return "\n  ".join([f"{self!r} at {self.now:%Y-%m-%d}", *self._lines()])

    def _lines(self) -> Iterator[str]:
        for why, count in self.not_enrolled.items():
            yield f"not enrolled, {why}: {count}"
        if self.held:
            yield f"held back by the limit: {self.held}"
        yield from (str(outcome) for outcome in self.outcomes if outcome.state != "sent")

    def _repr_html_(self) -> str:
        rows = "".join(f"<li>{escape(line)}</li>" for line in self._lines())
        return f"<div>{escape(repr(self))} at {self.now:%Y-%m-%d}<ul>{rows}</ul></div>"
