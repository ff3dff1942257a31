"""What is counted of a simulation: each measure is a sum over people ÷ another one."""

from collections.abc import Callable, Sequence

import attrs

from crmkit.simulation._rows import PersonRow

Counted = Callable[[PersonRow], float]


def _enrolled(person: PersonRow) -> float:
    return float(person.enrolled)


def _mailed(person: PersonRow) -> float:
    return float(person.mailed)


@attrs.frozen
class Kind:
    """A measure as it is defined: what is summed over people, and by what it is divided."""

    name: str
    title: str
    numerator: Counted
    denominator: Counted = _enrolled
    is_share: bool = attrs.field(default=True, kw_only=True)
    """Whether it is a share, from 0 to 1, rather than a number for each person."""
    is_effort: bool = attrs.field(default=False, kw_only=True)
    """Whether it is what the cadence did, rather than what people did about it."""


def _effort(name: str, title: str, numerator: Counted) -> Kind:
    return Kind(name, title, numerator, is_share=False, is_effort=True)


KINDS = (
    _effort("messages", "messages per person", lambda person: person.messages),
    _effort("tasks", "of these by hand", lambda person: person.tasks),
    Kind("opened", "e-mails opened", lambda person: person.opens, _mailed),
    Kind("clicked", "e-mails clicked", lambda person: person.clicks, _mailed),
    Kind("replied", "people who replied", lambda person: person.replies > 0),
    Kind("applied", "people who applied", lambda person: person.applied),
    Kind("hired", "people hired", lambda person: person.hired),
    Kind("unsubscribed", "people who left", lambda person: person.unsubscribed),
    Kind("bounced", "people who bounced", lambda person: person.bounced),
    Kind("archived", "people archived", lambda person: person.archived, is_effort=True),
)


@attrs.frozen
class Measure:
    """A number with what it was counted from; ``value`` is None when there was nothing to count.

    ``is_share``: it is a share rather than a number for each person. ``is_effort``: it is what
    the cadence did (messages, tasks, archiving) rather than what people did.

    >>> print(Measure("applied", "people who applied", 12, 150))
    people who applied: 8.0 % (12 of 150)
    """

    name: str
    title: str
    numerator: float
    denominator: float
    is_share: bool = attrs.field(default=True, kw_only=True)
    is_effort: bool = attrs.field(default=False, kw_only=True)

    @property
    def value(self) -> float | None:
        """Return numerator ÷ denominator; a share is from 0 to 1."""
        return self.numerator / self.denominator if self.denominator else None

    @property
    def shown(self) -> str:
        """The value in words."""
        return show(self.value, share=self.is_share)

    def __str__(self) -> str:
        counts = f"{self.numerator:,.0f} of {self.denominator:,.0f}"
        if not self.is_share:
            counts = f"{self.numerator:,.0f} over {self.denominator:,.0f} people"
        return f"{self.title}: {self.shown} ({counts})"


def show(value: float | None, *, share: bool, signed: bool = False) -> str:
    """Return a number as a table has it: shares in per cent, differences of them in points."""
    if value is None:
        return "–"
    if signed:
        return f"{value * 100:+.1f}" if share else f"{value:+.2f}"
    return f"{value * 100:.1f} %" if share else f"{value:.2f}"


def measured(kind: Kind, people: Sequence[PersonRow]) -> Measure:
    """Count one measure over people."""
    above = float(sum(kind.numerator(person) for person in people))
    below = float(sum(kind.denominator(person) for person in people))
    return Measure(
        kind.name, kind.title, above, below, is_share=kind.is_share, is_effort=kind.is_effort
    )
