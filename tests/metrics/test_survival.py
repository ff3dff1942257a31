"""How long things last: published anchors, oracles, what is not reached, and what adds up."""

import copy
import pickle
import random
import sys
from collections.abc import Callable
from datetime import timedelta
from math import inf, nan
from time import perf_counter
from typing import Any

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from crmkit.errors import InvalidRecord, MissingExtra
from crmkit.metrics._statistics import SEED
from crmkit.metrics._survival import Survival, bootstrap_survival, log_rank

DAY = timedelta(days=1)
TIMES = (20, 35, 40, 40, 55, 60, 70, 90, 95, 30)
FILLED = (1, 1, 1, 0, 1, 0, 1, 0, 0, 0)


def lasted(*days: float) -> Survival:
    """Return what ended after so many days each; what is below 0 has not ended yet."""
    return Survival.of((abs(time) * DAY, time >= 0) for time in days)


REQUISITIONS = Survival.of(
    (time * DAY, bool(filled)) for time, filled in zip(TIMES, FILLED, strict=True)
)
ALL_OPEN = lasted(-5, -9, -14)

pairs = st.lists(
    st.tuples(
        st.integers(0, 4).map(timedelta) | st.timedeltas(timedelta(), timedelta(days=900)),
        st.booleans(),
    ),
    max_size=30,
)


needs_scipy = pytest.mark.usefixtures("_scipy")


@needs_scipy
def test_open_requisitions_make_the_median_longer() -> None:
    """Published anchor: 70 days, where those filled alone have 40."""
    assert (REQUISITIONS.median, REQUISITIONS.ended_median) == (70.0, 40.0)


@needs_scipy
def test_the_restricted_mean_is_the_area_under_the_curve() -> None:
    """Published anchor: 50.2625 days of the first 60."""
    assert REQUISITIONS.restricted_mean(60) == pytest.approx(50.2625, abs=1e-12)


@needs_scipy
def test_the_log_rank_test_compares_gliomas() -> None:
    """Published anchor: p = 0.006 (Bland and Altman, BMJ 328, 2004: chi-squared 7.5)."""
    astrocytoma = lasted(
        6, 13, 21, 30, -31, 37, 38, -47, 49, 50, 63, 79, -80, -82, -82, 86, 98, -149, 202, 219
    )
    glioblastoma = lasted(
        *(10, 10, 12, 13, 14, 15, 16, 17, 18, 20, 24, 24, 25, 28, 30, 33, -34, 35, 37, 40, 40),
        *(-40, 46, 48, -70, 76, 81, 82, 91, 112, 181),
    )
    assert log_rank(astrocytoma, glioblastoma) == pytest.approx(0.00618, abs=5e-6)
    assert log_rank(glioblastoma, astrocytoma) == pytest.approx(0.00618, abs=5e-6)


@pytest.mark.parametrize("name", ["Kaplan–Meier, in fractions", "log-rank test, in fractions"])
def test_curves_and_their_comparison_agree_with_exact_fractions(oracle: Any, name: str) -> None:
    """Within 1e-9 on 10,000 random samples: empty, all open, ties and zero durations too."""
    assert oracle.worst(oracle.QUICK[name], examples(10_000)) < 1e-9


@pytest.mark.parametrize("name", ["Kaplan–Meier, lifelines", "log-rank test, lifelines"])
def test_curves_bounds_and_comparison_agree_with_lifelines(oracle: Any, name: str) -> None:
    """Within 1e-9; `bench/oracle_statistics.py` asks it 10,000 times."""
    assert oracle.worst(oracle.SLOW[name], examples(500)) < 1e-9


@needs_scipy
def test_what_ends_in_less_than_half_has_no_median() -> None:
    """It says "not reached", not the longest so far."""
    mostly_open = lasted(10, -20, -30, -40)
    assert mostly_open.median is None
    assert str(mostly_open) == "median not reached (4 counted, 3 not ended)"


@needs_scipy
def test_a_median_says_how_many_are_behind_it() -> None:
    """The days, the number counted, and how many of them have not ended."""
    assert str(REQUISITIONS) == "median 70.0 days (10 counted, 5 not ended)"


@needs_scipy
def test_one_half_to_the_last_bit_is_half() -> None:
    """The share after 12 of 24 ended comes out as 0.5000000000000001; the median is reached."""
    halves = {number: lasted(*range(number), *[-number] * number) for number in range(1, 60)}
    assert (halves[12].at(11) or 0.0) > 0.5
    assert {number: told.median for number, told in halves.items()} == {
        number: number - 1 for number in halves
    }


@needs_scipy
def test_the_curve_ends_where_the_watch_does() -> None:
    """Beyond the longest duration nobody knows, unless everything ended."""
    assert [REQUISITIONS.at(95), REQUISITIONS.at(95.1)] == [pytest.approx(0.36), None]
    assert [lasted(3, 9).at(9), lasted(3, 9).at(1_000)] == [0.0, 0.0]
    assert [REQUISITIONS.restricted_mean(96), REQUISITIONS.restricted_mean(inf)] == [None, None]
    assert lasted(3, 9).restricted_mean(inf) == 6.0


@needs_scipy
def test_before_anything_ended_all_of_it_lasts() -> None:
    """The share is 1, and the mean is the time that has passed."""
    assert [REQUISITIONS.at(0), REQUISITIONS.at(19.9)] == [1.0, 1.0]
    assert [REQUISITIONS.restricted_mean(0), REQUISITIONS.restricted_mean(20)] == [0.0, 20.0]
    assert [ALL_OPEN.at(14), ALL_OPEN.restricted_mean(14), ALL_OPEN.median] == [1.0, 14.0, None]


@needs_scipy
def test_nothing_counted_tells_nothing() -> None:
    """No share, no mean, no median, no curve, no comparison."""
    nothing = Survival()
    told = [nothing.median, nothing.ended_median, nothing.at(0), nothing.restricted_mean(0)]
    assert told == [None] * 4
    assert (nothing.curve(), nothing.median_interval()) == ((), (None, None))
    assert nothing.interval_at(3) is None
    assert log_rank(nothing, REQUISITIONS) is None
    assert log_rank(REQUISITIONS, nothing) is None
    assert str(nothing) == "nothing counted"
    assert not nothing


@needs_scipy
def test_what_ends_at_the_moment_of_opening_counts() -> None:
    """A duration of 0 is a step at day 0."""
    at_once = lasted(0, 0, 5, -9)
    assert [point[:2] for point in at_once.curve()] == [(0, 0.5), (5, 0.25), (9, 0.25)]
    assert [at_once.at(0), at_once.median] == [0.5, 0.0]


@needs_scipy
def test_at_one_time_what_ended_comes_before_what_ceased_to_be_watched() -> None:
    """Whoever was last seen on the day on which another left was still at risk on it."""
    assert lasted(5, -5).at(5) == 0.5


@needs_scipy
def test_the_curve_has_its_bounds_and_how_many_are_at_risk() -> None:
    """From day 0, a point for each duration; without bounds until something ended."""
    curve = REQUISITIONS.curve()
    assert [point.days for point in curve] == [0, 20, 30, 35, 40, 55, 60, 70, 90, 95]
    assert [point.at_risk for point in curve] == [10, 10, 9, 8, 7, 5, 4, 3, 2, 1]
    assert curve[0][1:4] == (1.0, None, None)
    for point in curve[1:]:
        assert point.low is not None
        assert point.high is not None
        assert 0 < point.low < point.share < point.high < 1


@needs_scipy
def test_the_interval_at_a_time_is_that_of_the_step_before_it() -> None:
    """None at 100 %, at 0 %, and beyond the watch: there the method has no bounds."""
    step = REQUISITIONS.curve(0.9)[4]
    assert step.days == 40
    assert REQUISITIONS.interval_at(40, 0.9) == REQUISITIONS.interval_at(54, 0.9) == step[2:4]
    outside = [REQUISITIONS.interval_at(10), REQUISITIONS.interval_at(96), lasted(3).interval_at(4)]
    assert outside == [None, None, None]


@needs_scipy
def test_the_interval_of_a_median_may_be_open() -> None:
    """At 95 % these ten requisitions bound it from below alone; at 60 % on both sides."""
    assert REQUISITIONS.median_interval() == (20.0, None)
    assert lasted(*range(1, 11)).median_interval(0.6) == (4.0, 7.0)
    assert ALL_OPEN.median_interval() == (None, None)
    assert lasted(7).median_interval() == (None, None)


@needs_scipy
def test_nothing_to_compare_is_not_no_difference() -> None:
    """Without an end, or with one while the other side is not watched, there is no p."""
    assert log_rank(ALL_OPEN, ALL_OPEN) is None
    assert log_rank(lasted(5), lasted(-3)) is None
    assert log_rank(lasted(0, 0, 0), lasted(0)) is None
    assert log_rank(REQUISITIONS, REQUISITIONS) == pytest.approx(1.0)


@given(pairs, pairs, st.randoms(use_true_random=False))
def test_parts_add_up_to_the_whole_in_any_order(
    some: list[Any], others: list[Any], shuffle: random.Random
) -> None:
    """Counting apart and adding gives what counting together does, and an equal hash."""
    whole = some + others
    shuffle.shuffle(whole)
    added, counted = Survival.of(some) + Survival.of(others), Survival.of(whole)
    assert added == counted == Survival.of(others) + Survival.of(some)
    assert hash(added) == hash(counted)
    assert len(counted) == len(whole) == counted.ended + counted.censored
    assert counted == sum((Survival.of([pair]) for pair in whole), Survival())


@needs_scipy
@given(pairs)
def test_a_curve_only_falls(drawn: list[Any]) -> None:
    """From 1 towards 0, its mean grows, and the half that the median speaks of has ended."""
    told = Survival.of(drawn)
    shares = [point.share for point in told.curve()]
    assert shares == sorted(shares, reverse=True)
    days = [point.days for point in told.curve()]
    means = [told.restricted_mean(time) or 0.0 for time in days]
    assert means == sorted(means)
    if told.median is not None:
        assert (told.at(told.median) or 0.0) <= 0.5 + 1e-9


def test_counts_may_be_given_as_they_are() -> None:
    """A mapping or pairs of a duration and a count; none of a duration is no difference."""
    assert Survival({3 * DAY: 2}, [(9 * DAY, 1), (4 * DAY, 0)]) == lasted(3, 3, -9)
    assert Survival([(3 * DAY, 1), (3 * DAY, 1)], {9 * DAY: 1}) == lasted(3, 3, -9)


def test_what_is_no_survival_cannot_be_added() -> None:
    """A number of days is none."""
    with pytest.raises(TypeError):
        REQUISITIONS + 3  # type: ignore[operator]


@pytest.mark.parametrize(
    ("call", "path"),
    [
        (lambda: Survival.of([(DAY, True), (-DAY, True)]), "pairs[1]"),
        (lambda: Survival({-DAY: 1}), "ends"),
        (lambda: Survival({}, {-DAY: 1}), "going"),
        (lambda: Survival({DAY: -1}), "ends"),
        (lambda: REQUISITIONS.at(-1), "days"),
        (lambda: REQUISITIONS.at(nan), "days"),
        (lambda: REQUISITIONS.restricted_mean(-1), "days"),
        (lambda: REQUISITIONS.curve(0), "level"),
        (lambda: REQUISITIONS.interval_at(10, 95), "level"),
        (lambda: REQUISITIONS.median_interval(1), "level"),
        (lambda: bootstrap_survival(ALL_OPEN, ALL_OPEN, lambda _a, _b: 1, level=95), "level"),
    ],
)
def test_what_cannot_be_says_where_it_is(call: Callable[[], object], path: str) -> None:
    """Time that runs backwards, and levels in percent."""
    if path in {"days", "level"}:
        pytest.importorskip("scipy")
    with pytest.raises(InvalidRecord) as caught:
        call()
    assert caught.value.path == path


@needs_scipy
def test_it_travels_without_what_it_worked_out() -> None:
    """A copy and an unpickled one are equal, before and after the curve was asked for."""
    for told in (lasted(3, -4), REQUISITIONS):
        for _ in range(2):
            other = pickle.loads(pickle.dumps(told))
            assert (other, copy.deepcopy(told)) == (told, told)
            assert other.median == told.median


def _faster(a: Survival, b: Survival) -> float | None:
    return 1 - a.median / b.median if a.median is not None and b.median else None


def _hires(seed: int, mean: float, number: int = 200) -> Survival:
    draw = random.Random(seed)
    return Survival.of(
        (draw.expovariate(1 / mean) * DAY, draw.random() < 0.7) for _ in range(number)
    )


@needs_scipy
def test_resampling_bounds_how_much_sooner() -> None:
    """Around the estimate, the same in every run, in seconds for 200 and 200."""
    a, b = _hires(1, 60), _hires(2, 120)
    start = perf_counter()
    low, high = bootstrap_survival(a, b, _faster) or (nan, nan)
    assert perf_counter() - start < 30
    assert 0 < low < (_faster(a, b) or nan) < high < 1
    assert bootstrap_survival(a, b, _faster, resamples=99) == bootstrap_survival(
        Survival(a.ends[::-1], a.going), b, _faster, resamples=99, seed=SEED
    )


@needs_scipy
def test_resampling_agrees_with_drawing_pairs(oracle: Any) -> None:
    """Drawn plainly, as pairs, with a generator of its own, the bounds are about the same."""
    numpy = pytest.importorskip("numpy")
    sides = [_hires(1, 60, 60), _hires(2, 120, 50)]
    pools = [
        [(span, True) for span, number in side.ends for _ in range(number)]
        + [(span, False) for span, number in side.going for _ in range(number)]
        for side in sides
    ]
    draw = random.Random(7)
    plain = [
        (Survival.of(draw.choices(pools[0], k=60)).restricted_mean(30) or nan)
        - (Survival.of(draw.choices(pools[1], k=50)).restricted_mean(30) or nan)
        for _ in range(2_000)
    ]

    def sooner(a: Survival, b: Survival) -> float:
        return (a.restricted_mean(30) or nan) - (b.restricted_mean(30) or nan)

    told = bootstrap_survival(*sides, sooner, resamples=2_000, level=0.9)
    assert told == pytest.approx(tuple(numpy.quantile(plain, [0.05, 0.95])), abs=0.4)


@needs_scipy
def test_a_median_that_is_hardly_reached_cannot_be_bounded() -> None:
    """Where many resamples do not reach it, None says that the data cannot tell."""
    assert bootstrap_survival(REQUISITIONS, REQUISITIONS, _faster, resamples=99) is None
    assert bootstrap_survival(lasted(3), REQUISITIONS, _faster, resamples=99) is None


@pytest.mark.parametrize(
    "call",
    [
        lambda: lasted(3).median,
        lambda: lasted(3).at(3),
        lambda: lasted(3).restricted_mean(3),
        lambda: lasted(3).curve(),
        lambda: log_rank(lasted(3), lasted(4)),
        lambda: bootstrap_survival(lasted(3, 4), lasted(4, 5), _faster),
    ],
)
def test_without_scipy_the_error_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, call: Callable[[], object]
) -> None:
    """The message is the command that installs it."""
    for name in ("numpy", "scipy", "scipy.stats"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtra, match=r"pip install 'crmkit\[stats\]'"):
        call()


def test_counting_does_without_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The counts, the median of what ended, the sum, and both texts."""
    monkeypatch.setitem(sys.modules, "scipy.stats", None)
    both = lasted(3, 5, -9) + lasted(4)
    assert (both.ended, both.censored, both.ended_median) == (3, 1, 4.0)
    assert repr(both) == "<Survival: 3 ended, 1 not ended>"
    assert str(both) == "4 counted, 1 not ended"
