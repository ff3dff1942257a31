"""Seeded chance: the same everywhere, and even."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.simulation._luck import Luck


def test_the_same_on_every_machine():
    """One number written down: should it ever change, old simulations could not be repeated."""
    assert 0.5982587001074627 == Luck(0, "ada").draw("open", 1)


@given(st.integers(-(2**63), 2**63), st.text("abcä-1", min_size=1), st.text("xyz"), st.integers())
def test_a_number_from_0_to_1_that_names_decide(seed, who, what, place):
    """It lies in [0, 1), and asking again, after others, gives it again."""
    luck = Luck(seed, who)
    first = luck.draw(what, place)
    luck.draw("another", 7)
    assert 0 <= first < 1
    assert first == luck.draw(what, place)


def test_seed_person_name_and_place_each_matter():
    """Changing one of the four draws another number."""
    draws = {
        Luck(seed, who).draw(what, place)
        for seed in (0, 1)
        for who in ("ada", "bob")
        for what in ("open", "click")
        for place in (1, 11)
    }
    assert 16 == len(draws)


def test_parts_do_not_run_into_one_another():
    """Person "a1" with seed 0 is not person "1" with seed "0a", nor message 1 of 11."""
    assert Luck(1, "1a").draw("b", 1) != Luck(11, "a").draw("b", 1)
    assert Luck(0, "a").draw("b1", 1) != Luck(0, "a").draw("b", 11)


def test_evenly_spread():
    """Ten thousand draws fill the range evenly (Kolmogorov and Smirnov)."""
    kstest = pytest.importorskip("scipy.stats").kstest
    draws = [Luck(seed, f"p{who}").draw("open", 1) for seed in range(10) for who in range(1000)]
    assert kstest(draws, "uniform").pvalue > 0.001
