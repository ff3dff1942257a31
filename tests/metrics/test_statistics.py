"""Intervals and tests: published anchors, oracles, edges, and what too little data says."""

import sys
from collections.abc import Callable
from math import inf, nan
from typing import Any

import pytest
from examples import examples

from crmkit.errors import InvalidRecord, MissingExtra
from crmkit.metrics._statistics import (
    bootstrap,
    count_ratio,
    median,
    median_interval,
    risk_ratio,
    same_share,
    wilson,
)

NEEDING_SCIPY: list[Callable[[], object]] = [
    lambda: wilson(3, 20),
    lambda: risk_ratio(3, 20, 8, 20),
    lambda: count_ratio(3, 8),
    lambda: same_share(3, 20, 8, 20),
    lambda: median_interval([1, 2]),
    lambda: bootstrap(max, [1, 2]),
]


needs_scipy = pytest.mark.usefixtures("_scipy")


@needs_scipy
def test_the_interval_of_a_share_is_wilsons() -> None:
    """Published anchor: 3 of 20."""
    assert wilson(3, 20) == pytest.approx((0.052369, 0.360419), abs=5e-7)


@needs_scipy
def test_an_impact_ratio_keeps_its_interval() -> None:
    """3 of 20 against 8 of 20 is a ratio of 0.375, which is not certain to be below 1."""
    low, high = risk_ratio(3, 20, 8, 20) or (nan, nan)
    assert (low * high) ** 0.5 == pytest.approx(0.375)
    assert low < 0.375
    assert high > 1


@needs_scipy
def test_equal_shares_cannot_be_told_apart() -> None:
    """Fisher's p of a table with nothing in it to see is 1."""
    assert same_share(4, 10, 4, 10) == 1.0


@needs_scipy
def test_the_lady_tasting_tea_could_have_guessed() -> None:
    """Published anchor: three of four cups right gives 0.486 (Fisher, 1935)."""
    assert same_share(3, 4, 1, 4) == pytest.approx(34 / 70)


@needs_scipy
@pytest.mark.parametrize(
    "name",
    [
        "Wilson interval",
        "ratio of shares",
        "ratio of counts",
        "Fisher's exact test",
        "median",
        "interval of a median",
    ],
)
def test_every_interval_and_test_agrees_with_its_oracle(oracle: Any, name: str) -> None:
    """Within 1e-9 on 10,000 random samples, empty ones and ties among them."""
    assert oracle.worst(oracle.QUICK[name], examples(10_000)) < 1e-9


def test_resampling_agrees_with_scipys_own_interval(oracle: Any) -> None:
    """The same seed draws the same resamples, and the same bounds from them."""
    assert oracle.worst(oracle.SLOW["bootstrap"], examples(1_000)) < 1e-9


@needs_scipy
def test_nobody_gives_no_interval() -> None:
    """An empty side is None, whatever the other is."""
    told = [
        wilson(0, 0),
        risk_ratio(0, 0, 8, 20),
        risk_ratio(8, 20, 0, 0),
        count_ratio(0, 0),
        same_share(0, 0, 8, 20),
        median([]),
        median_interval([]),
        bootstrap(max),
        bootstrap(max, []),
        bootstrap(max, [1.0]),
    ]
    assert told == [None] * len(told)


@needs_scipy
def test_none_and_all_keep_a_width() -> None:
    """0 of 5 may still be four in ten, and 5 of 5 six in ten."""
    assert wilson(0, 5) == pytest.approx((0.0, 0.434482), abs=5e-7)
    assert wilson(5, 5) == pytest.approx((1 - 0.434482, 1.0), abs=5e-7)


@needs_scipy
@pytest.mark.parametrize(("part", "base"), [(0, 0), (20, 20)])
def test_two_shares_without_spread_have_no_ratio_to_tell(part: int, base: int) -> None:
    """None against none, and all against all, would be an interval without a width."""
    assert risk_ratio(part, 20, base, 20) is None


@needs_scipy
@pytest.mark.parametrize(("part", "base"), [(0, 8), (8, 0)])
def test_a_share_of_nobody_leaves_the_ratio_open(part: int, base: int) -> None:
    """The method has no bound there, but Fisher's test still sees the difference."""
    assert risk_ratio(part, 20, base, 20) == (0.0, inf)
    assert (same_share(part, 20, base, 20) or 1) < 0.05


@needs_scipy
def test_counts_of_zero_open_one_side() -> None:
    """Nothing against some is below a bound; some against nothing is above one."""
    low, high = count_ratio(0, 8) or (nan, nan)
    assert low == 0.0
    assert 0 < high < 1
    assert count_ratio(8, 0) == pytest.approx((1 / high, inf))


@needs_scipy
def test_swapping_the_counts_turns_the_ratio_over() -> None:
    """A ratio of counts from a million to one loses no digits at either end."""
    low, high = count_ratio(1_000_000, 1) or (nan, nan)
    assert count_ratio(1, 1_000_000) == pytest.approx((1 / high, 1 / low), rel=1e-12)


@needs_scipy
def test_a_higher_level_is_wider() -> None:
    """99 % holds more than 80 %, in every interval."""
    values = list(range(40))
    for interval in (
        lambda level: wilson(3, 20, level=level),
        lambda level: risk_ratio(3, 20, 8, 20, level=level),
        lambda level: count_ratio(3, 8, level=level),
        lambda level: median_interval(values, level=level),
        lambda level: bootstrap(median, values, level=level, resamples=99),
    ):
        (low, high), (lower, higher) = interval(0.8), interval(0.99)
        assert lower < low < high < higher


def test_the_median_is_the_middle_one() -> None:
    """Halfway between the two middle ones where there are two."""
    assert [median([40, 20, 35]), median([1, 2]), median([7])] == [35, 1.5, 7]


@needs_scipy
def test_fewer_than_six_values_do_not_bound_a_median() -> None:
    """At 95 %; six do, by the smallest and the largest."""
    assert median_interval([5, 4, 3, 2, 1]) is None
    assert median_interval([6, 5, 4, 3, 2, 1]) == (1, 6)


@needs_scipy
def test_resampling_is_the_same_every_time_and_in_any_order() -> None:
    """Neither the run nor the order of the facts shows in the interval; the seed does."""
    costs, others = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0], [2.0, 6.0, 5.0, 3.0]

    def ratio(a: Any, b: Any) -> float:
        return float(a.mean() / b.mean())

    told = bootstrap(ratio, costs, others)
    assert told == bootstrap(ratio, costs[::-1], sorted(others))
    assert told != bootstrap(ratio, costs, others, seed=1)


@needs_scipy
def test_a_statistic_that_is_now_and_then_a_whole_number_is_not_cut_down_to_one() -> None:
    """Halves stay halves, whichever resample comes first."""
    values = [10] * 4 + [11] * 4

    def middle(drawn: Any) -> float:
        exact = drawn.mean()
        return int(exact) if exact == int(exact) else float(exact)

    told = {bootstrap(middle, values, seed=seed, level=0.5, resamples=99) for seed in range(9)}
    assert any(bound % 1 for interval in told if interval for bound in interval)
    assert told == {
        bootstrap(lambda drawn: float(drawn.mean()), values, seed=seed, level=0.5, resamples=99)
        for seed in range(9)
    }


@needs_scipy
def test_no_global_randomness_is_touched() -> None:
    """NumPy's shared generator stands where it stood."""
    numpy = pytest.importorskip("numpy")
    before = numpy.random.get_state()[1].tolist()
    bootstrap(median, [1, 2, 3])
    assert before == numpy.random.get_state()[1].tolist()


@needs_scipy
@pytest.mark.parametrize("undefined", [None, nan, inf])
def test_a_statistic_that_is_often_undefined_has_no_interval(undefined: float | None) -> None:
    """A resample in three is too many to leave out."""

    def smallest(values: Any) -> float | None:
        return undefined if values.min() > 1 else float(values.mean())

    assert bootstrap(smallest, [1.0, 2.0, 3.0]) is None


@needs_scipy
def test_a_statistic_that_is_hardly_ever_undefined_keeps_its_interval() -> None:
    """A resample in 3,125, of one value five times, is left out."""

    def spread(values: Any) -> float | None:
        return None if values.max() == 1 else float(values.mean())

    low, high = bootstrap(spread, [1, 2, 3, 4, 5], resamples=2_000) or (nan, nan)
    assert 1 < low < 3 < high < 5


@needs_scipy
@pytest.mark.parametrize("level", [0, 1, 95, nan])
def test_a_level_lies_between_zero_and_one(level: float) -> None:
    """95 is a percentage, not a level."""
    for interval in (
        lambda: wilson(3, 20, level=level),
        lambda: risk_ratio(3, 20, 8, 20, level=level),
        lambda: count_ratio(3, 8, level=level),
        lambda: median_interval([1, 2], level=level),
        lambda: bootstrap(max, [1, 2], level=level),
    ):
        with pytest.raises(InvalidRecord, match="level: expected"):
            interval()


@pytest.mark.parametrize(
    ("call", "path"),
    [
        (lambda: wilson(4, 3), "part"),
        (lambda: wilson(-1, 3), "part"),
        (lambda: risk_ratio(1, 2, 4, 3), "base_part"),
        (lambda: same_share(-1, 2, 1, 3), "part"),
        (lambda: same_share(1, 2, -1, 3), "base_part"),
        (lambda: count_ratio(-1, 2), "count"),
        (lambda: count_ratio(1, -2), "base_count"),
    ],
)
def test_a_count_that_cannot_be_says_where_it_is(call: Callable[[], object], path: str) -> None:
    """More than the whole, or less than nothing."""
    with pytest.raises(InvalidRecord) as caught:
        call()
    assert caught.value.path == path


@pytest.mark.parametrize("call", NEEDING_SCIPY)
def test_without_scipy_the_error_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, call: Callable[[], object]
) -> None:
    """The message is the command that installs it, for an empty sample, too."""
    for name in ("scipy", "scipy.stats", "scipy.stats.contingency"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtra, match=r"pip install 'crmkit\[stats\]'"):
        call()
