"""Two periods compared: what moved, and whether the data can tell."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import attrs

from crmkit.errors import MissingExtra, NotFound
from crmkit.metrics._benchmark import Unit
from crmkit.metrics._estimates import Share, SharesApart
from crmkit.metrics._metric import LEVEL, Metric
from crmkit.metrics._statistics import same_share
from crmkit.metrics._table import Column, Kind, Table

_NEVER = "cannot be compared"


@attrs.frozen(kw_only=True, repr=False)
class Change:
    """One metric at two instants.

    ``change`` is later ÷ earlier - 1: 0.1 is a tenth more; None where one of them is missing or
    the earlier one is 0. For what compares two sides already ("faster", the return) it is the
    difference.
    """

    earlier: Metric
    later: Metric
    change: float | None

    def __repr__(self) -> str:
        return f"<Change {self.later.name}: {self.earlier.shown} to {self.later.shown}>"

    def interval(self, level: float = LEVEL) -> tuple[float, float] | None:
        """Return the interval of the change of a share; None for what has none.

        Katz's for a ratio of shares. People who are in both periods make it a little too wide.
        Needs the ``stats`` extra.
        """
        shares = self._shares
        return SharesApart(*shares).interval(level) if shares else None

    @property
    def _shares(self) -> tuple[int, int, int, int] | None:
        one, other = self.later.estimate, self.earlier.estimate
        if not isinstance(one, Share) or not isinstance(other, Share):
            return None
        return one.part, one.whole, other.part, other.whole

    @property
    def moved(self) -> bool | None:
        """Whether a share moved by more than chance makes it; None where the data cannot tell.

        By the 95 % interval; from 0 or to 0, where that has no bound, by Fisher's exact test.
        """
        shares = self._shares
        if shares is None:
            return None
        try:
            if 0 in {shares[0], shares[2]}:
                chance = same_share(*shares)
                return True if chance is not None and chance < 1 - LEVEL else None
            found = self.interval()
        except MissingExtra:
            return None
        return None if found is None or found[0] <= 0 <= found[1] else True

    @property
    def shown(self) -> str:
        """The change in words."""
        if self.change is None:
            return "up from 0" if self.earlier.value == 0 and self.later.value else _NEVER
        if self.later.unit is Unit.TIMES:
            return f"{self.change:+.2f}"
        if self.later.unit.compares:
            return f"{self.change * 100:+.1f} points"
        return f"{self.change * 100:+.1f} %"


@attrs.frozen(kw_only=True, repr=False)
class Comparison:
    """How each metric moved from one scorecard to a later one."""

    changes: tuple[Change, ...]
    earlier_at: datetime
    later_at: datetime
    cautions: tuple[str, ...] = ()
    """Why the two should not be compared as they are, if so."""

    def __iter__(self) -> Iterator[Change]:
        return iter(self.changes)

    def __len__(self) -> int:
        return len(self.changes)

    def __getitem__(self, name: str) -> Change:
        for change in self.changes:
            if change.later.name == name:
                return change
        raise NotFound("metric", name, (change.later.name for change in self.changes))

    def __repr__(self) -> str:
        return f"<Comparison of {self.earlier_at:%Y-%m-%d} and {self.later_at:%Y-%m-%d}>"

    @property
    def moved(self) -> tuple[Change, ...]:
        """What moved by more than chance makes it."""
        return tuple(change for change in self.changes if change.moved)

    @property
    def table(self) -> Table:
        """The changes as a table."""
        rows = []
        for change in self.changes:
            try:
                low, high = change.interval() or (None, None)
            except MissingExtra:
                low = high = None
            told = "yes" if change.moved else "cannot be told"
            rows.append(
                (
                    change.later.title,
                    change.earlier.shown,
                    change.later.shown,
                    change.shown,
                    low,
                    high if high != float("inf") else None,
                    "" if change.shown == _NEVER or change._shares is None else told,
                )
            )
        return Table(
            name="changes",
            title=f"What moved from {self.earlier_at:%Y-%m-%d} to {self.later_at:%Y-%m-%d}",
            columns=(
                Column("metric", Kind.TEXT),
                Column("then", Kind.TEXT),
                Column("now", Kind.TEXT),
                Column("change", Kind.TEXT),
                Column("low", Kind.SHARE),
                Column("high", Kind.SHARE),
                Column("moved", Kind.TEXT),
            ),
            rows=tuple(rows),
            notes=(
                "Change is now ÷ then - 1, and low and high its 95 % interval, for shares; where "
                "that holds 0, the data cannot tell.",
                *self.cautions,
            ),
        )

    def __str__(self) -> str:
        return str(self.table)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return one flat row of JSON values for each metric."""
        return self.table.to_dicts()


def compare(
    later: Sequence[Metric],
    earlier: Sequence[Metric],
    earlier_at: datetime,
    later_at: datetime,
    *,
    cautions: tuple[str, ...],
) -> Comparison:
    """Compare metrics one by one; those that only one side has are left out."""
    before = {metric.name: metric for metric in earlier}
    return Comparison(
        changes=tuple(
            Change(earlier=before[each.name], later=each, change=_change(each, before[each.name]))
            for each in later
            if each.name in before
        ),
        earlier_at=earlier_at,
        later_at=later_at,
        cautions=cautions,
    )


def _change(later: Metric, earlier: Metric) -> float | None:
    if later.value is None or earlier.value is None:
        return None
    if later.unit.compares or later.unit is Unit.TIMES:
        return later.value - earlier.value
    return later.value / earlier.value - 1 if earlier.value else None
