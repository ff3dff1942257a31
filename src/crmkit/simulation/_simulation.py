"""What a simulation found: rows for any data frame, rates with their counts, a picture."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Any

import attrs

from crmkit._time import plural
from crmkit.errors import InvalidRecord
from crmkit.model import FrozenMap
from crmkit.simulation._behaviour import Behaviour
from crmkit.simulation._compare import Comparison, compare
from crmkit.simulation._measures import KINDS, Measure, measured
from crmkit.simulation._rows import COLUMNS, PERSON_COLUMNS, PersonRow, TouchRow, as_dict

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@attrs.frozen(kw_only=True, repr=False, eq=False)
class Simulation:
    """A pool that lived through cadences from ``start`` for so many ``weeks``.

    Its numbers are made up from the behaviour's assumptions: good to compare cadences by, no
    forecast.
    """

    name: str
    """The cadences, the most important first."""
    start: datetime
    weeks: int
    seed: int
    behaviour: Behaviour
    pool: str
    """A digest of who was in the pool and what was known of them."""
    touches: Sequence[TouchRow]
    """What `rows` makes dicts of."""
    persons: Sequence[PersonRow]
    """What `people` makes dicts of."""

    def rows(self) -> list[dict[str, Any]]:
        """Return one row for each touch that fell due, by person and in the order it happened.

        ``candidate_id``, ``label``, ``cadence``, ``version``, ``touch``, ``rotation``, ``level``,
        ``channel``; ``week`` from the start, from 0; ``due_at``, ``sent_at`` (None if it did not
        go); ``by_hand``; ``temperature`` then; ``factor``, by which the planner last stretched or
        shortened the way there; ``pressure``, the messages of the weeks before; ``opened_at``
        (by a person), ``clicked_at``, ``replied_at``, ``unsubscribed_at`` (or complained),
        ``applied_at``, ``bounced_at``; ``state``; ``rule``. Instants are datetimes in UTC.

        States: *sent*; *done* by hand; *undone*, a task that nobody did before its deadline;
        *refused* by the permission ``rule``; *expired*, its deadline passed while the clock
        stood; *due*, still waiting at the end.
        """
        return [as_dict(row, COLUMNS) for row in self.touches]

    def people(self) -> list[dict[str, Any]]:
        """Return one row for each person of the pool, in its order.

        ``candidate_id``, ``label``; ``enrolled``, and else the permission ``rule`` against it;
        ``status`` of the most important plan at the end; ``messages``, of which ``mailed``
        (e-mails that went out by themselves) and ``tasks`` done by hand; ``opens``, ``clicks``
        and ``replies`` by people; ``first_reply_days`` after the start; ``applied``, ``hired``,
        ``unsubscribed`` (or complained), ``bounced``, ``archived`` at the end; ``plans``, how
        often the planner was asked.
        """
        return [as_dict(row, PERSON_COLUMNS) for row in self.persons]

    def measures(self, label: str | None = None) -> tuple[Measure, ...]:
        """Return every measure, of all people or of those with one label."""
        people = [each for each in self.persons if label is None or each.label == label]
        return tuple(measured(kind, people) for kind in KINDS)

    def summary(self) -> dict[str, dict[str, float | None]]:
        """Return each measure's value, numerator and denominator, by its name."""
        return {
            each.name: {
                "value": each.value,
                "numerator": each.numerator,
                "denominator": each.denominator,
            }
            for each in self.measures()
        }

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the people, the most frequent first."""
        counts = Counter(each.label for each in self.persons)
        return tuple(sorted(counts, key=lambda label: (-counts[label], label)))

    @property
    def not_enrolled(self) -> Mapping[str, int]:
        """How many were not enrolled, by the permission rule against it."""
        rules = Counter(each.rule for each in self.persons if each.rule)
        return FrozenMap(sorted(rules.items()))

    def compare(self, other: "Simulation", *, confidence: float = 0.95) -> Comparison:
        """Return what *other* does more or less than this one, with intervals.

        Person by person: both must be of one pool, seed and span, so that everybody had the same
        luck in both. Needs the ``stats`` extra (SciPy). Raises `InvalidRecord` for simulations
        that cannot be compared, and for a confidence outside 0 to 1.
        """
        if not isinstance(other, Simulation):
            raise InvalidRecord("other", f"expected a Simulation, got {type(other).__name__}")
        return compare(self, other, confidence)

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw how many touches go in each week, stacked by label; return the axes.

        Needs the ``plot`` extra (matplotlib).
        """
        from crmkit.simulation._plots import plot_weeks

        return plot_weeks(self, ax)

    def __repr__(self) -> str:
        messages = sum(each.messages for each in self.persons)
        applied = sum(each.applied for each in self.persons)
        size = f"{len(self.persons):,} people, {plural(self.weeks, 'week')}"
        return f"<Simulation of {self.name}: {size}, {messages:,} messages, {applied:,} applied>"

    def _head(self) -> str:
        span = f"{plural(self.weeks, 'week')} from {self.start:%Y-%m-%d}, seed {self.seed}"
        return f"{self.name}: {len(self.persons):,} people, {span}"

    def _feet(self) -> list[str]:
        return [
            f"not enrolled, {rule.replace('_', ' ')}: {count:,}"
            for rule, count in self.not_enrolled.items()
        ]

    def __str__(self) -> str:
        found = self.measures()
        width = max(len(each.title) for each in found)
        lines = [f"{each.title:<{width}}  {each.shown:>8}" for each in found]
        return "\n".join([self._head(), *lines, *self._feet()])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{each.title}</td><td>{each.shown}</td>"
            f"<td>{each.numerator:,.0f}</td><td>{each.denominator:,.0f}</td></tr>"
            for each in self.measures()
        )
        feet = "".join(f"<p>{escape(line)}</p>" for line in self._feet())
        return (
            f"<table><caption>{escape(self._head())}</caption>"
            "<thead><tr><th></th><th>value</th><th>counted</th><th>of</th></tr></thead>"
            f"<tbody>{rows}</tbody></table>{feet}"
        )
