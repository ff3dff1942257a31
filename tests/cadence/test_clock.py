"""The clock's arithmetic: exact, whatever the fractions."""

from datetime import UTC, datetime
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from crmkit.cadence._clock import Phase, run

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
NEVER = 10**9


def clock(*phases):
    return tuple(Phase(START, start, ratio, "because") for start, ratio in phases)


def reached(phases, start, gap, least=0, greatest=NEVER):
    way = run(clock(*phases), start, gap, least=least, greatest=greatest)
    return way and way[0]


class TestRun:
    def test_a_gap_has_passed_when_all_of_it_has(self):
        """A third of a microsecond is none."""
        assert [4, 7, 10] == [reached([(0, (10, 3))], 0, gap) for gap in (1, 2, 3)]

    def test_each_rate_counts_for_its_time(self):
        """Ten at half the rate, a stop, and the rest at twice the rate."""
        phases = [(0, (2, 1)), (10, None), (15, (1, 2))]
        assert [10, 16, 18] == [reached(phases, 0, gap) for gap in (5, 6, 10)]
        assert 15 == reached(phases, 12, 0)

    def test_a_stop_for_good_is_never_passed(self):
        """But what falls on its first instant is reached."""
        phases = [(0, (1, 1)), (10, None)]
        assert [10, None, None] == [
            reached(phases, 0, 10),
            reached(phases, 0, 11),
            reached(phases, 10, 0),
        ]

    def test_the_factors_are_bounded_for_the_whole_gap(self):
        """From the least time that it may take to the greatest."""
        assert (50, 200) == (
            reached([(0, (1, 10))], 0, 100, least=50),
            reached([(0, (10, 1))], 0, 100, greatest=200),
        )

    @given(
        st.lists(
            st.tuples(st.integers(1, 1000), st.fractions(0, 10, max_denominator=99) | st.none()),
            max_size=5,
        ),
        st.integers(0, 3000),
        st.integers(0, 2000),
        st.integers(0, 2000),
    )
    def test_it_is_where_the_parts_add_up(self, parts, start, gap, more):
        """The least whole microsecond by which the gap's time has passed, counted one by one."""
        phases, begin = [(0, (1, 1))], 0
        for length, factor in parts:
            begin += length
            phases.append((begin, factor.as_integer_ratio() if factor else None))
        phases.append((begin + 1000, (1, 1)))
        at, passed = start, 0
        if gap:
            while passed < gap:
                ratio = next(ratio for first, ratio in reversed(phases) if first <= at)
                times, over = ratio or (1, 0)
                passed += Fraction(over, times)
                at += 1
            assert at == reached(phases, start, gap)
        assert reached(phases, start, gap) <= reached(phases, start + more, gap)
        assert reached(phases, start, gap) <= reached(phases, start, gap + more)
