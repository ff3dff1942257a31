"""Impact ratios: one group's selection rate against the highest, and what that means."""

from enum import StrEnum
from math import isinf
from typing import Any

import attrs

from crmkit.errors import MissingExtra
from crmkit.metrics._statistics import Interval, check_level, risk_ratio, same_share

FOUR_FIFTHS = 0.8
"""Below this ratio stands the flag of 29 CFR 1607.4D."""

LEVEL = 0.95


class ImpactStage(StrEnum):
    """How far a person came; the stages of the funnel, in order."""

    CAPTURED = "captured"
    CONTACTED = "contacted"
    SHORTLISTED = "shortlisted"
    CONVERTED = "converted"
    HIRED = "hired"

    @property
    def before(self) -> "ImpactStage | None":
        """The stage before; None for the first.

        >>> ImpactStage.HIRED.before
        <ImpactStage.CONVERTED: 'converted'>
        """
        stages = list(ImpactStage)
        place = stages.index(self)
        return stages[place - 1] if place else None


class ImpactBasis(StrEnum):
    """Of whom a selection rate is."""

    OVERALL = "overall"
    """Of everyone captured (for ``captured``: of everyone). Of the hired it is the bottom line of
    29 CFR 1607.4C."""
    STEP = "step"
    """Of those at the stage before: one component of the process."""


class ImpactState(StrEnum):
    """What became of a row: compared, or why not."""

    COMPARED = "compared"
    HIGHEST = "highest"
    """It has the highest rate, with which the others are compared."""
    UNKNOWN = "unknown"
    """People whose group is unknown are counted, and compared with nobody."""
    SMALL = "small"
    """Withheld: the group has fewer people than ``least``."""
    SECONDARY = "secondary"
    """Withheld: with it, a small group could be had by subtraction."""
    TOO_FEW = "too_few"
    """Withheld: the rate would be of fewer people than ``least``."""
    NOBODY = "nobody"
    """The rate would be of nobody."""
    NONE_SELECTED = "none_selected"
    """Nobody was selected of any group: nothing can be compared with 0."""
    ALONE = "alone"
    """There is no other group to compare with."""


_WITHHELD = frozenset({ImpactState.SMALL, ImpactState.SECONDARY, ImpactState.TOO_FEW})


@attrs.frozen(kw_only=True, repr=False)
class ImpactRow:
    """One group at one stage: its selection rate, its impact ratio, and what they mean.

    What is withheld is None. ``group`` has one value for each of ``attributes``, and is empty for
    the people whose group is unknown.
    """

    attributes: tuple[str, ...]
    group: tuple[str, ...]
    stage: ImpactStage
    basis: ImpactBasis
    state: ImpactState
    selected: int | None = None
    of: int | None = None
    """How many could have been selected."""
    reference: tuple[str, ...] | None = None
    """The group with the highest rate; None where nothing is compared."""
    reference_selected: int | None = None
    reference_of: int | None = None
    least: int

    def __repr__(self) -> str:
        ratio = "" if self.ratio is None else f", ratio {self.ratio:.3f}"
        where = f"{self.attribute}: {self.name}, {self.stage} ({self.basis})"
        return f"<ImpactRow {where}: {self.state}{ratio}>"

    @property
    def attribute(self) -> str:
        """The attributes in words: ``sex``, or ``race × sex`` for an intersection."""
        return " × ".join(self.attributes)

    @property
    def name(self) -> str:
        """The group in words."""
        return " × ".join(self.group) or "unknown"

    @property
    def suppressed(self) -> bool:
        """Whether the counts are withheld, and with them rate, ratio and flag."""
        return self.state in _WITHHELD

    @property
    def rate(self) -> float | None:
        """The selection rate, from 0 to 1; None for what is withheld, or of nobody."""
        return None if self.selected is None or not self.of else self.selected / self.of

    @property
    def ratio(self) -> float | None:
        """The impact ratio: this selection rate ÷ the highest; None where nothing is compared."""
        sides = self._sides
        if sides is None:
            return None
        part, whole, base_part, base_whole = sides
        return part * base_whole / (whole * base_part)

    @property
    def flag(self) -> bool | None:
        """Whether the ratio is below four fifths; None where there is no ratio.

        It is asked of the counts, so that a ratio of exactly 0.8 is never flagged.
        """
        sides = self._sides
        if sides is None:
            return None
        part, whole, base_part, base_whole = sides
        return 5 * part * base_whole < 4 * base_part * whole

    @property
    def _sides(self) -> tuple[int, int, int, int] | None:
        if (
            self.selected is None
            or self.of is None
            or self.reference_selected is None
            or self.reference_of is None
        ):
            return None
        return self.selected, self.of, self.reference_selected, self.reference_of

    def interval(self, level: float = LEVEL) -> Interval | None:
        """Return the interval of the ratio (Katz's, on the logarithm).

        None where nothing is compared with another group, or everybody was selected on both
        sides. Where nobody of the group was selected it runs from 0 to infinity: then ask
        `p_value`. It takes the group with the highest rate as given, though chance has a part in
        which one it is. Needs the ``stats`` extra (SciPy). Raises `InvalidRecord` for a level
        outside 0 to 1.
        """
        check_level(level)
        if self._sides is None or self.state is ImpactState.HIGHEST:
            return None
        return risk_ratio(*self._sides, level=level)

    def p_value(self) -> float | None:
        """Return how likely rates at least this far apart are if the groups do not differ.

        Fisher's exact test, two-sided; None where nothing is compared with another group. Needs
        the ``stats`` extra (SciPy).
        """
        if self._sides is None or self.state is ImpactState.HIGHEST:
            return None
        return same_share(*self._sides)

    @property
    def meaning(self) -> str:
        """What the row says, and what it does not, with its 95 % interval, in a few sentences."""
        if self.state is ImpactState.COMPARED:
            return f"{self._compared()} {self._surely()}"
        step = self.basis is ImpactBasis.STEP
        before = self.stage.before if step else ImpactStage.CAPTURED
        return {
            ImpactState.HIGHEST: "The highest rate: the others are compared with it.",
            ImpactState.UNKNOWN: "Their group is unknown: counted, and compared with nobody.",
            ImpactState.SMALL: f"Withheld: a group of fewer than {self.least} people.",
            ImpactState.SECONDARY: "Withheld: with it, the numbers of a group of fewer than "
            f"{self.least} people could be had by subtraction.",
            ImpactState.TOO_FEW: f"Withheld: a rate of fewer than {self.least} people.",
            ImpactState.NOBODY: f"No rate: nobody of the group was {before}.",
            ImpactState.NONE_SELECTED: "No ratio: nobody was selected of any group that is shown.",
            ImpactState.ALONE: "No ratio: there is no other group to compare with.",
        }[self.state]

    def _compared(self) -> str:
        counts = f"{self.selected} of {self.of} against {self.reference_selected} of "
        highest = " × ".join(self.reference or ())
        start = f"{self.ratio:.3f} of the rate of {highest} ({counts}{self.reference_of}): "
        if self.flag:
            return f"{start}below four fifths. A flag, not a verdict (29 CFR 1607.4D)."
        return f"{start}not below four fifths, which does not prove that all are treated alike."

    def _surely(self) -> str:
        try:
            bounds, p_value = self.interval(), self.p_value()
        except MissingExtra as missing:
            return f"How sure that is: {missing}."
        if bounds is None:
            return "Everybody was selected on both sides: there is no interval."
        low, high = bounds
        if isinf(high):
            return (
                "Nobody of the group was selected, so that the interval has no bound; if the "
                f"groups do not differ, rates so far apart have p = {p_value:.2g}."
            )
        shown = f"The {LEVEL:.0%} interval, {low:.2f} to {high:.2f},".replace("%", " %")
        if low <= 1 <= high:
            return f"{shown} includes 1: the data cannot tell whether the groups differ."
        return f"{shown} leaves out 1: chance alone seldom does that; why it is so, no ratio tells."

    def to_dict(self, level: float = LEVEL) -> dict[str, Any]:
        """Return one flat row of JSON values; without SciPy the interval is None."""
        check_level(level)
        try:
            bounds, p_value = self.interval(level), self.p_value()
        except MissingExtra:
            bounds = p_value = None
        low, high = bounds or (None, None)
        return {
            "attribute": self.attribute,
            "group": self.name if self.group else None,
            "stage": self.stage.value,
            "basis": self.basis.value,
            "state": self.state.value,
            "suppressed": self.suppressed,
            "selected": self.selected,
            "of": self.of,
            "rate": self.rate,
            "reference": None if self.reference is None else " × ".join(self.reference),
            "ratio": self.ratio,
            "level": level,
            "interval_low": low,
            "interval_high": None if high is None or isinf(high) else high,
            "p_value": p_value,
            "flag": self.flag,
            "meaning": self.meaning,
        }
