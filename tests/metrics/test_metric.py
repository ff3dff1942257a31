"""One metric: its value in words, its verdict, its interval."""

import sys
from datetime import UTC, datetime, timedelta

import pytest

from crmkit.errors import InvalidRecord, MissingExtra
from crmkit.metrics import ENOUGH, Benchmark, Metric, MetricVerdict, Unit, scorecard
from crmkit.model import Candidate, Interaction, Reason, Relationship

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def rate(hits: int, people: int) -> Metric:
    """Return an engagement rate of *hits* of *people*."""
    pool = []
    for number in range(people):
        kinds = ["sent", "opened"] if number < hits else ["sent"]
        log = [
            Interaction(candidate_id=f"p{number}", kind=kind, at=NOW - timedelta(days=9 - index))
            for index, kind in enumerate(kinds)
        ]
        pool.append(Relationship(Candidate(id=f"p{number}"), log))
    return scorecard(pool, now=NOW)["engagement_rate"]


@pytest.mark.parametrize(
    ("hits", "people", "verdict"),
    [
        (19, 100, MetricVerdict.BELOW),
        (20, 100, MetricVerdict.WITHIN),
        (35, 100, MetricVerdict.WITHIN),
        (36, 100, MetricVerdict.ABOVE),
        (ENOUGH, ENOUGH, MetricVerdict.ABOVE),
        (ENOUGH - 1, ENOUGH - 1, MetricVerdict.TOO_FEW),
        (0, 0, MetricVerdict.NOT_MEASURED),
    ],
)
def test_the_verdict_compares_with_the_benchmark(
    hits: int, people: int, verdict: MetricVerdict
) -> None:
    """Both ends are within; fewer than thirty say nothing; no one is not measured."""
    assert verdict == rate(hits, people).verdict


def test_the_verdict_is_among_the_reasons() -> None:
    """Why it is below, or why there is none."""
    convention = "within 20–35 %, a convention of candidate-relationship practice, not a measured"
    assert (
        Reason(f"{convention} optimum", holds=False, found="below")
        == (rate(0, 30).because.parts[-1])
    )
    assert (
        Reason("at least 30 are counted", holds=False, found="29")
        == (rate(0, 29).because.parts[-1])
    )


def test_the_least_denominator_is_as_wide_as_it_says() -> None:
    """At `ENOUGH` people a rate of 30 % runs from 17 % to 48 %."""
    pytest.importorskip("scipy")
    low, high = rate(9, ENOUGH).interval() or (0.0, 0.0)
    assert (round(low, 2), round(high, 2)) == (0.17, 0.48)


def test_the_interval_of_a_rate_is_wilsons() -> None:
    """Published anchor: 3 of 20."""
    pytest.importorskip("scipy")
    low, high = rate(3, 20).interval() or (0.0, 0.0)
    assert (low, high) == pytest.approx((0.052369, 0.360419), abs=5e-7)


def test_a_higher_level_is_wider() -> None:
    """99 % holds more than 95 %."""
    pytest.importorskip("scipy")
    low, high = rate(3, 20).interval(0.99) or (1.0, 0.0)
    assert low < 0.05
    assert high > 0.37


def test_what_is_no_rate_has_no_interval() -> None:
    """A count, a comparison and a rate over nobody have none."""
    card = scorecard([], now=NOW)
    names = ("pipeline_size", "time_to_fill", "engagement_rate")
    assert [card[name].interval() for name in names] == [None, None, None]


@pytest.mark.parametrize("level", [0, 1, 95])
def test_a_level_lies_between_zero_and_one(level: float) -> None:
    """95 is a percentage, not a level."""
    with pytest.raises(InvalidRecord, match="level"):
        rate(3, 20).interval(level)


def test_without_scipy_the_interval_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message is the command that installs it."""
    monkeypatch.setitem(sys.modules, "scipy.stats", None)
    with pytest.raises(MissingExtra, match=r"pip install 'crmkit\[stats\]'"):
        rate(3, 20).interval()


@pytest.mark.parametrize(
    ("unit", "value", "expected"),
    [
        (Unit.PEOPLE, 1204.0, "1,204 people"),
        (Unit.SHARE, 0.1625, "16.2 %"),
        (Unit.FASTER, 0.0, "0.0 % faster"),
        (Unit.HIGHER, -0.25, "25.0 % lower"),
        (Unit.LOWER, -0.25, "25.0 % higher"),
    ],
)
def test_a_value_is_said_in_words(unit: Unit, value: float, expected: str) -> None:
    """A comparison that went the other way is said the other way round."""
    assert expected == unit.show(value)


def test_a_metric_says_its_name_definition_and_reasons() -> None:
    """Short as a repr, whole as text."""
    metric = rate(3, 20)
    assert repr(metric) == "<Metric engagement_rate: 15.0 %, too_few>"
    assert str(metric).startswith(f"Engagement rate: 15.0 %\n  {metric.definition}\n")
    assert "3 of 20 people e-mailed in the window opened or clicked" in str(metric)


def test_a_benchmark_is_a_range_in_words() -> None:
    """Both ends in percent."""
    assert str(Benchmark(low=0.125, high=0.2, source="a survey")) == "12.5–20 %"
