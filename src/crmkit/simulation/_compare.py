"""Two simulations of one pool, person by person: what differs, and how surely."""

import math
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import attrs

from crmkit._time import plural
from crmkit.errors import InvalidRecord, MissingExtra
from crmkit.simulation._measures import KINDS, Kind, Measure, measured, show
from crmkit.simulation._rows import PersonRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from crmkit.simulation._simulation import Simulation


@attrs.frozen(kw_only=True)
class Difference:
    """One measure in both simulations, and the second minus the first with its interval.

    ``low`` and ``high`` are None where fewer than two people were counted.
    """

    first: Measure
    second: Measure
    low: float | None
    high: float | None

    @property
    def name(self) -> str:
        """The measure's name."""
        return self.first.name

    @property
    def value(self) -> float | None:
        """Return the second minus the first; of shares, 0.01 is one percentage point."""
        before, now = self.first.value, self.second.value
        return None if before is None or now is None else now - before

    @property
    def clear(self) -> str:
        """``more`` or ``less`` when the interval leaves out 0, and else nothing."""
        if self.low is None or self.high is None or self.low <= 0 <= self.high:
            return ""
        return "more" if self.low > 0 else "less"


@attrs.frozen(kw_only=True, repr=False)
class Comparison:
    """What the second simulation does more or less than the first; ``print`` it for a table.

    Each difference is paired: everybody had the same luck in both. Its interval is that of
    Student's t for the mean of the people's own differences; a rate whose denominator differs
    from person to person (opens of e-mails) enters with its linear approximation (the delta
    method), which for one per person is exactly the paired t. It says how far chance among people
    like these could have moved the difference, and nothing about whether the assumptions hold.
    """

    names: tuple[str, str]
    people: int
    head: str
    confidence: float
    differences: tuple[Difference, ...]

    def __getitem__(self, name: str) -> Difference:
        """Return the difference of one measure, or raise `KeyError`."""
        for each in self.differences:
            if each.name == name:
                return each
        raise KeyError(name)

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a measure: name, first, second, difference, low, high, confidence."""
        return [
            {
                "name": each.name,
                "title": each.first.title,
                "first": each.first.value,
                "second": each.second.value,
                "difference": each.value,
                "low": each.low,
                "high": each.high,
                "confidence": self.confidence,
            }
            for each in self.differences
        ]

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw what people did more or less, with the intervals; return the axes.

        In percentage points; what it cost, in messages, tasks and people archived, stands above.
        Needs the ``plot`` extra (matplotlib).
        """
        from crmkit.simulation._plots import plot_differences

        return plot_differences(self, ax)

    def __repr__(self) -> str:
        clear = sum(bool(each.clear) for each in self.differences)
        first, second = self.names
        return f"<Comparison of {first} with {second}: {clear} clear differences>"

    def _columns(self) -> list[str]:
        return ["", *self.names, "difference", f"{self.confidence * 100:g} % interval", ""]

    def _table(self) -> list[list[str]]:
        rows = []
        for each in self.differences:
            share = each.first.is_share
            unit = " points" if share and each.value is not None else ""
            bounds = [show(bound, share=share, signed=True) for bound in (each.low, each.high)]
            rows.append(
                [
                    each.first.title,
                    each.first.shown,
                    each.second.shown,
                    show(each.value, share=share, signed=True) + unit,
                    " to ".join(bounds) if each.low is not None else "–",
                    each.clear,
                ]
            )
        return rows

    def __str__(self) -> str:
        table = [self._columns(), *self._table()]
        widths = [max(len(row[place]) for row in table) for place in range(len(table[0]))]
        lines = [
            "  ".join(
                f"{cell:<{width}}" if place in {0, 5} else f"{cell:>{width}}"
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in table
        ]
        return "\n".join([self.head, *lines])

    def _repr_html_(self) -> str:
        heads = "".join(f"<th>{escape(name)}</th>" for name in self._columns())
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
            for row in self._table()
        )
        return (
            f"<table><caption>{escape(self.head)}</caption>"
            f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
        )


def compare(first: "Simulation", second: "Simulation", confidence: float) -> Comparison:
    """Compare two simulations of one pool, seed and span."""
    if not 0 < confidence < 1:
        problem = f"expected a number between 0 and 1, got {confidence}"
        raise InvalidRecord("confidence", problem)
    for name in ("pool", "seed", "start", "weeks"):
        if getattr(first, name) != getattr(second, name):
            got = "" if name == "pool" else f": {getattr(first, name)} and {getattr(second, name)}"
            problem = f"expected a simulation of the same {name}{got}; simulate both alike"
            raise InvalidRecord("other", problem)
    quantile = _quantile(confidence, len(first.persons))
    names = first.name, second.name
    if names[0] == names[1]:
        names = f"{first.name} (first)", f"{second.name} (second)"
    span = f"{plural(first.weeks, 'week')} from {first.start:%Y-%m-%d}, seed {first.seed}"
    return Comparison(
        names=names,
        people=len(first.persons),
        head=f"{names[1]} against {names[0]}: {len(first.persons):,} people, {span}",
        confidence=confidence,
        differences=tuple(
            _difference(kind, first.persons, second.persons, quantile) for kind in KINDS
        ),
    )


def _quantile(confidence: float, people: int) -> float | None:
    """Return how many standard errors the interval reaches to either side."""
    try:
        from scipy.stats import t
    except ImportError:
        raise MissingExtra("stats", "the interval of a difference") from None
    return float(t.ppf((1 + confidence) / 2, people - 1)) if people > 1 else None


def _difference(
    kind: Kind, first: Sequence[PersonRow], second: Sequence[PersonRow], quantile: float | None
) -> Difference:
    before, now = measured(kind, first), measured(kind, second)
    low = high = None
    if quantile is not None and before.value is not None and now.value is not None:
        shares = zip(_shares(kind, first, before), _shares(kind, second, now), strict=True)
        apart = [late - early for early, late in shares]
        reach = quantile * _standard_error(apart)
        low, high = now.value - before.value - reach, now.value - before.value + reach
    return Difference(first=before, second=now, low=low, high=high)


def _shares(kind: Kind, people: Sequence[PersonRow], whole: Measure) -> list[float]:
    """Return how far each person moves the measure: its derivative, times the number of people."""
    rate, mean = whole.value or 0.0, whole.denominator / len(people)
    return [(kind.numerator(each) - rate * kind.denominator(each)) / mean for each in people]


def _standard_error(values: list[float]) -> float:
    mean = math.fsum(values) / len(values)
    squares = math.fsum((value - mean) ** 2 for value in values)
    return math.sqrt(squares / (len(values) - 1) / len(values))
