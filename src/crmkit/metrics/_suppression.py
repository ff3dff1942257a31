"""Small cells of a table of counts: which are withheld, so that none can be had by subtraction.

Primary suppression withholds a cell of fewer people than a threshold. Secondary (or
complementary) suppression withholds others, so that no such cell follows from what is shown.
Source: Hundepool et al., Statistical Disclosure Control (2012), chapter 4.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Generic, TypeVar

import attrs

K = TypeVar("K", bound=Hashable)
A = TypeVar("A", bound=Hashable)

_PRIME = 2**61 - 1
"""Sums and differences of counts have small coefficients: modulo this, arithmetic is exact."""

Vector = dict[int, int]


class Withheld(StrEnum):
    """Why a cell is not shown."""

    PRIMARY = "primary"
    """It counts fewer people than the threshold."""
    SECONDARY = "secondary"
    """With it, a small cell could be had by subtraction."""


@attrs.frozen(kw_only=True)
class Cell(Generic[K, A]):
    """A count in a table: the atoms (the finest cells) whose people it counts.

    The cells of one table have no atom in common. A cell that is not ``protected`` may be small
    in the open: a total, people of no known group.
    """

    key: K
    table: Hashable
    atoms: frozenset[A]
    protected: bool = True


def withhold_small(counts: Mapping[K, int], *, least: int) -> dict[K, Withheld]:
    """Return which of *counts* to withhold where they are shown together with their sum.

    >>> withhold_small({"a": 2, "b": 9, "c": 40}, least=5)
    {'a': <Withheld.PRIMARY: 'primary'>, 'b': <Withheld.SECONDARY: 'secondary'>}
    """
    order = sorted(counts, key=lambda key: -counts[key])
    cells: list[Cell[K | None, K]] = [
        Cell(key=None, table=0, atoms=frozenset(counts), protected=False)
    ]
    cells += [Cell(key=key, table=1, atoms=frozenset([key])) for key in order]
    found = withhold(cells, counts, least=least)
    return {key: found[key] for key in counts if key in found}


def withhold(
    cells: Iterable[Cell[K, A]], sizes: Mapping[A, int], *, least: int
) -> dict[K, Withheld]:
    """Return which of *cells* to withhold; *sizes* are the people of each atom.

    Cells come in the order of their worth: where something must give way, the later one does. No
    sum or difference of what is left is a protected cell of fewer than *least* people; and where
    the cells of a table are taken away from one that holds them, it is not so few who remain,
    with a whole protected cell among them, nor one person of each cell. It is not asked what
    somebody learns who knows more than the tables.
    """
    cells = list(cells)
    told = _Told(cells, sizes, least)
    if not any(one.secret for one in told.pending):
        return {}
    found: dict[K, Withheld] = {}
    for cell in cells:
        if cell.protected and told.is_small(told.mask(cell)):
            found[cell.key] = Withheld.PRIMARY
        elif not told.add(cell):
            found[cell.key] = Withheld.SECONDARY
    return found


class _Told(Generic[K, A]):
    """What can be had from the cells shown so far, by adding and subtracting.

    A set of atoms is a whole number here, with one bit for each.
    """

    def __init__(self, cells: list[Cell[K, A]], sizes: Mapping[A, int], least: int) -> None:
        # Nobody knows that an empty atom is empty; to take it for known errs on the safe side.
        peopled = {atom: size for atom, size in sizes.items() if size}
        self.bits = {atom: 1 << place for place, atom in enumerate(peopled)}
        self.sizes = {self.bits[atom]: size for atom, size in peopled.items()}
        self.least = least
        self.basis: list[tuple[int, Vector]] = []
        self.pending: list[_Pending] = []
        """The cells that do not follow yet from what is shown."""
        self.rests: list[_Rest] = []
        self.known: dict[Hashable, list[int]] = {}
        """What is shown of each table, or follows from what is shown."""
        self.tables: dict[Hashable, list[int]] = {}
        """The protected cells of each table."""
        for cell in cells:
            mask = self.mask(cell)
            if mask:
                secret = cell.protected and self.is_small(mask)
                self.pending.append(_Pending(cell.table, mask, self._reduced(mask), secret))
                if cell.protected:
                    self.tables.setdefault(cell.table, []).append(mask)

    def mask(self, cell: Cell[K, A]) -> int:
        return sum(self.bits[atom] for atom in cell.atoms if atom in self.bits)

    def is_small(self, mask: int) -> bool:
        return 0 < self._people(mask, self.least) < self.least

    def _people(self, mask: int, enough: int) -> int:
        """Return how many people there are, or some number from *enough* on."""
        people = 0
        for bit in _bits(mask):
            people += self.sizes[bit]
            if people >= enough:
                break
        return people

    def add(self, cell: Cell[K, A]) -> bool:
        """Show *cell* if nothing protected follows from it; return whether it is shown."""
        fresh = self._reduced(self.mask(cell))
        if not fresh:
            return True
        pivot = min(fresh)
        scale = pow(fresh[pivot], -1, _PRIME)
        fresh = {place: value * scale % _PRIME for place, value in fresh.items()}
        following = [one for one in self.pending if _is_multiple(one.vector, fresh, pivot)]
        if any(one.secret for one in following) or not self._leaves_enough(following):
            return False
        self.basis.append((pivot, fresh))
        for one in self.pending:
            _subtract(one.vector, fresh, pivot)
        self.pending = [one for one in self.pending if one.vector]
        return True

    def _reduced(self, mask: int) -> Vector:
        vector = {bit.bit_length(): 1 for bit in _bits(mask)}
        for pivot, known in self.basis:
            _subtract(vector, known, pivot)
        return vector

    def _leaves_enough(self, following: "list[_Pending]") -> bool:
        """Whether enough is left over of every cell when these are known, too; remember it."""
        rests = [attrs.evolve(rest) for rest in self.rests]
        known = {table: masks.copy() for table, masks in self.known.items()}
        for one in following:
            for table, masks in self.tables.items():
                if table != one.table and any(not mask & ~one.mask for mask in masks):
                    rest = _Rest(table, one.mask, one.mask)
                    for mask in known.get(table, ()):
                        rest.take(table, mask)
                    rests.append(rest)
            known.setdefault(one.table, []).append(one.mask)
            for rest in rests:
                rest.take(one.table, one.mask)
        if any(self._betrays(rest, known) for rest in rests):
            return False
        self.rests, self.known = rests, known
        return True

    def _betrays(self, rest: "_Rest", known: Mapping[Hashable, list[int]]) -> bool:
        """Whether too few are left over, also when another table is taken away from the rest."""
        if self._tells(rest.left):
            return True
        for table, masks in known.items():
            left = rest.left
            for mask in masks if table != rest.table else ():
                if not mask & ~left:
                    left &= ~mask
            if left != rest.left and self._tells(left):
                return True
        return False

    def _tells(self, left: int) -> bool:
        """Whether a whole group is among the few who are left, or one person of each group is."""
        enough = max(2 * self.least, 1 + max(map(len, self.tables.values()), default=0))
        people = self._people(left, enough)
        if not 0 < people < enough:
            return False
        few = people < self.least or people == left.bit_count() < 2 * self.least
        inside = [sum(not mask & ~left for mask in masks) for masks in self.tables.values()]
        return any(number and (few or people == number) for number in inside)


@attrs.define
class _Pending:
    """A cell, and what of its vector the shown cells do not explain."""

    table: Hashable
    mask: int
    vector: Vector
    secret: bool


@attrs.define
class _Rest:
    """What is left of a known cell when the known cells of a table inside it are taken away."""

    table: Hashable
    whole: int
    left: int

    def take(self, table: Hashable, mask: int) -> None:
        if table == self.table and not mask & ~self.whole:
            self.left &= ~mask


def _bits(mask: int) -> Iterator[int]:
    while mask:
        bit = mask & -mask
        yield bit
        mask ^= bit


def _subtract(vector: Vector, known: Vector, pivot: int) -> None:
    """Clear *pivot* in *vector* by a multiple of *known*, which is 1 there."""
    factor = vector.get(pivot, 0)
    if not factor:
        return
    for place, value in known.items():
        changed = (vector.get(place, 0) - factor * value) % _PRIME
        if changed:
            vector[place] = changed
        else:
            vector.pop(place, None)


def _is_multiple(vector: Vector, known: Vector, pivot: int) -> bool:
    """Whether *vector* is a multiple of *known*, which is 1 at *pivot*."""
    factor = vector.get(pivot, 0)
    return (
        factor != 0
        and len(vector) == len(known)
        and all(vector.get(place, 0) == factor * value % _PRIME for place, value in known.items())
    )
