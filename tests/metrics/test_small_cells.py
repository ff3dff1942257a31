"""Which cells are withheld, on tables counted by hand and against a linear programme."""

from collections.abc import Hashable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import combinations, product

import pytest

pytest.importorskip("scipy")

import numpy as np
from examples import examples
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from crmkit.metrics._fairness import ImpactCounts
from crmkit.metrics._impact import ImpactRow
from crmkit.metrics._impact_report import Impact
from crmkit.metrics._impact_tables import RATES
from crmkit.metrics._suppression import Cell, Withheld, withhold, withhold_small

Key = tuple[str, ...]
Atom = tuple[str | None, str | None]
LEAST = 5
P, S = Withheld.PRIMARY, Withheld.SECONDARY


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({}, {}),
        ({"a": 5, "b": 9}, {}),
        ({"a": 4, "b": 9, "c": 40}, {"a": P, "b": S}),
        ({"a": 2, "b": 3, "c": 40}, {"a": P, "b": P}),
        ({"a": 2, "b": 2, "c": 9, "d": 40}, {"a": P, "b": P, "c": S}),
        ({"a": 4, "b": 40}, {"a": P, "b": S}),
        ({"a": 3}, {"a": P}),
        ({"a": 0, "b": 9, "c": 9}, {}),
        ({"a": 0, "b": 4, "c": 9}, {"b": P, "c": S}),
    ],
)
def test_one_table_with_its_sum(counts: dict[str, int], expected: dict[str, Withheld]) -> None:
    """The small ones, and the smallest others until the rest of the sum is none of them."""
    assert expected == withhold_small(counts, least=LEAST)


def test_a_threshold_of_one_withholds_nothing() -> None:
    """Nobody is fewer than one person."""
    assert withhold_small({"a": 1, "b": 1}, least=1) == {}


def test_of_equals_the_later_one_gives_way() -> None:
    """The answer depends on the order alone, not on chance."""
    assert withhold_small({"a": 1, "b": 9, "c": 9}, least=LEAST) == {"a": P, "c": S}


def crossed(counts: Mapping[Atom, int]) -> list[Cell[Key, Atom]]:
    """Rows, columns and what they cross in, with a total, as the impact ratios have them."""

    def cell(key: Key, table: Hashable, *picked: Atom, **more: bool) -> Cell[Key, Atom]:
        return Cell(key=key, table=table, atoms=frozenset(picked), **more)

    rows, columns = ({atom[side] for atom in counts if counts[atom]} for side in (0, 1))
    atoms = [
        atom
        for atom in product(rows | {None}, columns | {None})
        if counts.get(atom) or None in atom
    ]
    cells = [cell(("total",), "total", *atoms, protected=False)]
    groups = []
    for side, name in ((0, "row"), (1, "column")):
        none = [atom for atom in atoms if atom[side] is None]
        cells.append(cell((name, "?"), name, *none, protected=False))
        for value in sorted({atom[side] for atom in atoms if atom[side] is not None}):
            of = [atom for atom in atoms if atom[side] == value]
            groups.append(cell((name, value), name, *of))
    unknown = (atom for atom in atoms if None in atom)
    cells.append(cell(("both", "?"), "both", *unknown, protected=False))
    size = lambda one: sum(counts.get(atom, 0) for atom in one.atoms)  # noqa: E731
    cells += sorted(groups, key=size, reverse=True)
    inner = [cell(("both", *map(str, a)), "both", a) for a in atoms if None not in a]
    cells += sorted(inner, key=size, reverse=True)
    return cells


def test_a_small_crossing_is_not_told_by_its_row_and_column() -> None:
    """Two women are black: neither her row nor her column may be complete but for that cell."""
    counts: dict[Atom, int] = {
        ("f", "black"): 2,
        ("f", "white"): 20,
        ("m", "black"): 11,
        ("m", "white"): 30,
    }
    assert withhold(crossed(counts), counts, least=LEAST) == {
        ("both", "f", "black"): P,
        ("both", "f", "white"): S,
        ("both", "m", "black"): S,
        ("both", "m", "white"): S,
    }


def test_a_group_that_two_attributes_share_is_withheld_in_both() -> None:
    """If all of AT is in Wien, the table of countries does not tell what that of towns hides."""
    sizes = {"Bayern": 4, "Sachsen": 6, "Wien": 8}
    cells = [
        Cell(key="all", table=0, atoms=frozenset(sizes), protected=False),
        Cell(key="DE", table="country", atoms=frozenset({"Bayern", "Sachsen"})),
        Cell(key="AT", table="country", atoms=frozenset({"Wien"})),
        *(
            Cell(key=town, table="town", atoms=frozenset({town}))
            for town in ("Wien", "Sachsen", "Bayern")
        ),
    ]
    assert withhold(cells, sizes, least=LEAST) == {"Sachsen": S, "Bayern": P}


def test_a_few_of_unknown_group_are_shown() -> None:
    """One person of unknown group, or known in one attribute only, is no group."""
    counts: dict[Atom, int] = {
        (None, None): 1,
        ("f", None): 1,
        ("f", "a"): 10,
        ("f", "b"): 12,
        ("m", "a"): 20,
        ("m", "b"): 20,
    }
    assert withhold(crossed(counts), counts, least=LEAST) == {}


def test_the_unknown_are_withheld_where_they_would_tell_the_few_who_are_known() -> None:
    """97 of 100 unknown: the count would tell that three are known."""
    sizes = {"?": 97, "f": 3}
    cells = [
        Cell(key="all", table=0, atoms=frozenset(sizes), protected=False),
        Cell(key="unknown", table=1, atoms=frozenset({"?"}), protected=False),
        Cell(key="f", table=1, atoms=frozenset({"f"})),
    ]
    assert withhold(cells, sizes, least=LEAST) == {"unknown": S, "f": P}


def bounds(
    cell: Cell[Key, Atom],
    shown: list[Cell[Key, Atom]],
    listed: list[Cell[Key, Atom]],
    counts: Mapping[Atom, int],
) -> tuple[int, int]:
    """Return the least and the most people that a reader of the shown cells must allow for.

    The reader knows that every group listed has somebody in it, and a crossing not listed nobody.
    """
    atoms = sorted({atom for one in (cell, *shown, *listed) for atom in one.atoms}, key=str)

    def matrix(cells: list[Cell[Key, Atom]]) -> np.ndarray:
        return np.array([[float(atom in one.atoms) for atom in atoms] for one in cells])

    found = []
    for sign in (1, -1):
        done = linprog(
            sign * np.array([float(atom in cell.atoms) for atom in atoms]),
            A_eq=matrix(shown) if shown else None,
            b_eq=[sum(counts.get(atom, 0) for atom in one.atoms) for one in shown] or None,
            A_ub=-matrix(listed) if listed else None,
            b_ub=[-1] * len(listed) or None,
        )
        assert done.success or done.status == 3
        found.append(10**6 if done.status == 3 else done.fun * sign)
    return int(np.ceil(found[0] - 1e-6)), int(found[1] + 1e-6)


VALUES: list[Atom] = list(product(["a", "b", "c", None], ["x", "y", "z", None]))
SIZES = st.sampled_from([0, 0, 1, 2, 3, 4, 5, 6, 9, 20])


@settings(max_examples=examples(150))
@given(st.dictionaries(st.sampled_from(VALUES), SIZES, min_size=1))
@example({("a", "x"): 1, ("a", "y"): 1, ("a", "z"): 5, ("b", "x"): 4, ("b", "y"): 4})
@example({("a", "x"): 1, ("a", "y"): 1, ("a", "z"): 1, ("b", "x"): 1, ("b", "y"): 1})
@example({("a", "x"): 1, ("a", "y"): 1, ("a", "z"): 1, ("b", None): 1, ("c", "x"): 1})
@example({("a", "z"): 1, (None, "x"): 1, ("b", "y"): 5, ("b", None): 3})
def test_no_small_cell_follows_from_what_is_shown(counts: dict[Atom, int]) -> None:
    """A linear programme over all that is shown finds more than one answer for each small cell."""
    cells = crossed(counts)
    withheld = withhold(cells, counts, least=LEAST)
    shown = [cell for cell in cells if cell.key not in withheld]
    listed = [cell for cell in cells if cell.protected and cell.atoms]
    for cell in listed:
        if sum(counts.get(atom, 0) for atom in cell.atoms) < LEAST:
            assert cell.key in withheld
            low, high = bounds(cell, shown, listed, counts)
            assert low < high, cell.key


@settings(max_examples=examples(150))
@given(st.dictionaries(st.sampled_from(VALUES), SIZES, min_size=1), st.integers(1, 12))
@example({("a", "x"): 1}, 5)
def test_what_is_shown_is_large(counts: dict[Atom, int], least: int) -> None:
    """No group that is shown has fewer people than the threshold."""
    cells = crossed(counts)
    withheld = withhold(cells, counts, least=least)
    for cell in cells:
        size = sum(counts.get(atom, 0) for atom in cell.atoms)
        assert (0 < size < least) <= (not cell.protected or cell.key in withheld)


PEOPLE = list(product(["f", "m", None], ["a", "b", "c"], ["x", "y"]))
NAMES = ("sex", "race", "team")
TABLES = [*((name,) for name in sorted(NAMES)), *combinations(sorted(NAMES), 2)]


def impact_of(sizes: Mapping[tuple[str | None, ...], int]) -> Impact:
    """Make the report of people of whom nobody was ever contacted."""
    cells = {
        tuple(sorted((n, value) for n, value in zip(NAMES, one, strict=True) if value)): size
        for one, size in sizes.items()
        if size
    }
    zeros = (0,) * (len(RATES) - 1)
    return ImpactCounts(
        now=datetime(2026, 3, 2, 9, tzinfo=UTC),
        window=timedelta(days=365),
        listed=False,
        attributes=frozenset(NAMES),
        cells={atom: (size, size, *zeros) for atom, size in cells.items()},
    ).result(least=LEAST)


@settings(max_examples=examples(60))
@given(st.dictionaries(st.sampled_from(PEOPLE), SIZES, min_size=1))
def test_no_small_group_follows_from_a_report_of_three_attributes(
    sizes: dict[tuple[str | None, ...], int],
) -> None:
    """Again by a linear programme, over all that the rows of a report say together."""
    found = impact_of(sizes)
    rows = [row for row in found if row.stage == "captured"]

    def has(row: ImpactRow, one: tuple[str | None, ...]) -> bool:
        values = tuple(dict(zip(NAMES, one, strict=True))[name] for name in row.attributes)
        return values == row.group if row.group else None in values

    possible = [
        one
        for one in PEOPLE
        if all(any(has(row, one) for row in rows if row.attributes == key) for key in TABLES)
    ]

    def line(row: ImpactRow) -> list[float]:
        return [float(has(row, one)) for one in possible]

    shown = [(line(row), row.of) for row in rows if row.of is not None]
    shown += [] if found.people is None else [([1.0] * len(possible), found.people)]
    groups = [row for row in rows if row.group]
    for row in groups:
        size = sum(count for one, count in sizes.items() if has(row, one))
        assert (row.of or size) == size
        if size < LEAST:
            done = [
                linprog(
                    sign * np.array(line(row)),
                    A_eq=[sums for sums, _ in shown] or None,
                    b_eq=[people for _, people in shown] or None,
                    A_ub=[-np.array(line(group)) for group in groups],
                    b_ub=[-1] * len(groups),
                )
                for sign in (1, -1)
            ]
            low, high = done[0].fun, 10**6 if done[1].status == 3 else -done[1].fun
            assert np.ceil(low - 1e-6) < int(high + 1e-6), (row.attributes, row.group)
