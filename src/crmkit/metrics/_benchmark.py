"""What a value is measured in, what the field calls usual, and how the two stand."""

from enum import StrEnum

import attrs

ENOUGH = 30
"""The least denominator that gets a verdict: a convention.

At 30 people the 95 % Wilson interval of a rate of 30 % still runs from 17 % to 48 %; below that
a benchmark 15 points wide can hardly be told from its surroundings.
"""

_CLOSE = 1e-9
"""1 - 40/50 is a hair below 0.2 in floating point; it is 20 % all the same."""


class Unit(StrEnum):
    """What a metric's value is measured in."""

    PEOPLE = "people"
    SHARE = "share"
    """From 0 to 1: 0.25 is 25 %."""
    DAYS = "days"
    FASTER = "share faster"
    """Relative: 0.25 is 25 % faster, -0.25 is 25 % slower."""
    HIGHER = "share higher"
    LOWER = "share lower"
    TIMES = "times the cost"

    @property
    def compares(self) -> bool:
        """Whether the value says how far apart two sides are: 0 is no difference."""
        return self in {Unit.FASTER, Unit.HIGHER, Unit.LOWER}

    def show(self, value: float) -> str:
        """Return *value* in words.

        >>> Unit.SHARE.show(0.25), Unit.SHARE.show(0.0004), Unit.FASTER.show(-0.1)
        ('25.0 %', '0.04 %', '10.0 % slower')
        """
        if self is Unit.PEOPLE:
            return "1 person" if value == 1 else f"{value:,.0f} people"
        if self is Unit.SHARE:
            return f"{value * 100:.2f} %" if 0 < value < 0.01 else f"{value * 100:.1f} %"
        if self is Unit.DAYS:
            return "1 day" if value == 1 else f"{value:,.1f} days".replace(".0 ", " ")
        if self is Unit.TIMES:
            return f"{value:,.2f} × the cost"
        word = self.removeprefix("share ")
        return f"{abs(value) * 100:.1f} % {word if value >= 0 else _OPPOSITE[word]}"

    def show_bounds(self, low: float, high: float) -> str:
        """Return an interval in short; below 0 is the other way round.

        >>> Unit.SHARE.show_bounds(0.2, 0.35), Unit.FASTER.show_bounds(-0.1, 0.4)
        ('20.0 to 35.0 %', '-10.0 to 40.0 %')
        """
        if self in {Unit.DAYS, Unit.TIMES, Unit.PEOPLE}:
            digits, sign, factor = (2 if self is Unit.TIMES else 0), "", 1
        else:
            digits, sign, factor = (2 if high < 0.01 else 1), " %", 100
        return f"{low * factor:,.{digits}f} to {high * factor:,.{digits}f}{sign}"

    def show_interval(self, low: float, high: float) -> str:
        """Return an interval in the same unit, in short.

        >>> Unit.SHARE.show_interval(0.2, 0.35), Unit.FASTER.show_interval(-0.1, 0.4)
        ('20.0 % to 35.0 %', '10.0 % slower to 40.0 % faster')
        """
        return f"{self._bound(low)} to {self._bound(high)}"

    def _bound(self, value: float) -> str:
        if value in {float("inf"), float("-inf")}:
            return "no bound"
        if self.compares and abs(value) > _FAR:
            word = self.show(value).rpartition(" ")[2]
            return f"over {_FAR * 100:,.0f} % {word}"
        return self.show(value).removesuffix(" the cost")


_FAR = 10.0
"""Beyond ten times as much, nobody asks how much more."""

_OPPOSITE = {"faster": "slower", "higher": "lower", "lower": "higher"}


class MetricVerdict(StrEnum):
    """How a value stands to its benchmark."""

    BELOW = "below"
    WITHIN = "within"
    ABOVE = "above"
    TOO_FEW = "too_few"
    """Fewer than `ENOUGH` were counted: chance alone could have made the number."""
    NONE = "none"
    """There is no benchmark."""
    NOT_MEASURED = "not_measured"
    """There is no value; the reasons say what was missing."""


@attrs.frozen(kw_only=True)
class Benchmark:
    """The range that the field calls usual, in the metric's unit, and where that is from."""

    low: float
    high: float
    source: str

    def __str__(self) -> str:
        if not self.low:
            return f"at most {self.high * 100:g} %"
        return f"{self.low * 100:g}–{self.high * 100:g} %"

    def judge(self, value: float) -> MetricVerdict:
        """Return where *value* lies; both ends count as within."""
        if value < self.low - _CLOSE:
            return MetricVerdict.BELOW
        return MetricVerdict.ABOVE if value > self.high + _CLOSE else MetricVerdict.WITHIN
