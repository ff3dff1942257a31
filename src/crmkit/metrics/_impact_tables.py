"""From counts to impact ratios: the tables of groups, what is withheld, who is compared."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import combinations

import attrs

from crmkit.metrics._impact import ImpactBasis, ImpactRow, ImpactStage, ImpactState
from crmkit.metrics._impact_report import Impact
from crmkit.metrics._metric import Exclusion
from crmkit.metrics._suppression import Cell, Withheld, withhold
from crmkit.model import FrozenMap

Atom = tuple[tuple[str, str], ...]
"""What is known of somebody's groups: pairs of attribute and value, in order."""

Rate = tuple[ImpactStage, ImpactBasis]

RATES: tuple[Rate, ...] = tuple(
    (stage, basis)
    for stage in ImpactStage
    for basis in ImpactBasis
    # Of the captured both bases are one; so they are of the contacted.
    if basis is ImpactBasis.OVERALL or stage.before not in {None, ImpactStage.CAPTURED}
)
"""The selection rates; a cell has its people first, then one count for each of these."""

_PLACES = {rate: place for place, rate in enumerate(RATES, 1)}
_CAPTURED = _PLACES[ImpactStage.CAPTURED, ImpactBasis.OVERALL]

Key = tuple[tuple[str, ...], tuple[str, ...]]
"""Attributes, and a value for each; no values for the people of unknown group."""

_TOTAL: Key = ((), ())
_DEFINITIONS = {
    ImpactStage.CAPTURED: "in the CRM by then; of all whom a mapping of groups names",
    ImpactStage.CONTACTED: "sent a message, messaged, called or met in the window",
    ImpactStage.SHORTLISTED: "screened, assessed, interviewed or offered a role in the window",
    ImpactStage.CONVERTED: "applied in the window, after the first contact",
    ImpactStage.HIRED: "hired in the window",
}
_LISTED = "on the shortlist that was given"


def _base(rate: Rate) -> int:
    """Return the place of the count that a rate is of."""
    stage, basis = rate
    before = stage.before
    if before is None:
        return 0
    if basis is ImpactBasis.STEP:
        return _PLACES[before, ImpactBasis.OVERALL]
    return _CAPTURED


@attrs.frozen
class _Table:
    """The groups of one attribute, or of several crossed."""

    attributes: tuple[str, ...]
    groups: Mapping[tuple[str, ...], frozenset[Atom]]
    unknown: frozenset[Atom]


def _divide(attributes: tuple[str, ...], atoms: Iterable[Atom]) -> _Table:
    groups: dict[tuple[str, ...], set[Atom]] = {}
    unknown = set()
    for atom in atoms:
        known = dict(atom)
        if all(attribute in known for attribute in attributes):
            group = tuple(known[attribute] for attribute in attributes)
            groups.setdefault(group, set()).add(atom)
        else:
            unknown.add(atom)
    return _Table(
        attributes,
        {group: frozenset(groups[group]) for group in sorted(groups)},
        frozenset(unknown),
    )


def _withheld(tables: list[_Table], sizes: Mapping[Atom, int], least: int) -> dict[Key, Withheld]:
    """Return what to withhold: of intersections first, and of small groups before large ones."""
    everyone = Cell[Key, Atom](key=_TOTAL, table=(), atoms=frozenset(sizes), protected=False)
    cells = [(0, 0, everyone)]
    for table in tables:
        rank, by = 2 * len(table.attributes), table.attributes
        unknown = Cell[Key, Atom](key=(by, ()), table=by, atoms=table.unknown, protected=False)
        cells.append((rank - 1, 0, unknown))
        for group, atoms in table.groups.items():
            people = sum(sizes[atom] for atom in atoms)
            cells.append((rank, -people, Cell(key=(by, group), table=by, atoms=atoms)))
    cells.sort(key=lambda cell: cell[:2])
    return withhold((cell for _, _, cell in cells), sizes, least=least)


def impact_of(
    cells: Mapping[Atom, tuple[int, ...]],
    attributes: Iterable[str],
    *,
    least: int,
    intersections: bool,
    as_of: datetime,
    window: timedelta,
    listed: bool,
    noted: Mapping[str, int],
    excluded: Mapping[str, int],
    simulated: int,
    until: datetime | None,
) -> Impact:
    """Put counts, comparison and definitions together."""
    names = sorted(attributes)
    crossed = [*combinations(names, 2)] if intersections else []
    tables = [_divide(key, cells) for key in (*((name,) for name in names), *crossed)]
    sizes = {atom: counts[_CAPTURED] for atom, counts in cells.items()}
    withheld = _withheld(tables, sizes, least)
    shortlist = {ImpactStage.SHORTLISTED: _LISTED} if listed else {}
    return Impact(
        rows=tuple(row for table in tables for row in _rows(table, cells, withheld, least)),
        people=None if _TOTAL in withheld else sum(counts[0] for counts in cells.values()),
        definitions=FrozenMap(
            (stage.value, text) for stage, text in {**_DEFINITIONS, **shortlist}.items()
        ),
        noted=FrozenMap(noted),
        exclusions=tuple(sorted(Exclusion(what, count) for what, count in excluded.items())),
        as_of=as_of,
        window=window,
        least=least,
        simulated=simulated,
        until=until,
    )


def _rows(
    table: _Table,
    cells: Mapping[Atom, tuple[int, ...]],
    withheld: Mapping[Key, Withheld],
    least: int,
) -> Iterator[ImpactRow]:
    sums = {
        group: tuple(map(sum, zip(*(cells[atom] for atom in atoms), strict=True)))
        for group, atoms in table.groups.items()
    }
    unknown = tuple(
        sum(cells[atom][place] for atom in table.unknown) for place in range(len(RATES) + 1)
    )
    for rate in RATES:
        yield from _compare(table.attributes, rate, sums, withheld, least)
        if not unknown[0] and rate is not RATES[0]:
            continue
        selected, of = unknown[_PLACES[rate]], unknown[_base(rate)]
        hidden = (table.attributes, ()) in withheld
        yield ImpactRow(
            attributes=table.attributes,
            group=(),
            stage=rate[0],
            basis=rate[1],
            state=ImpactState.SECONDARY if hidden else ImpactState.UNKNOWN,
            selected=None if hidden else selected,
            of=None if hidden else of,
            least=least,
        )


def _compare(
    attributes: tuple[str, ...],
    rate: Rate,
    sums: Mapping[tuple[str, ...], tuple[int, ...]],
    withheld: Mapping[Key, Withheld],
    least: int,
) -> Iterator[ImpactRow]:
    states: dict[tuple[str, ...], ImpactState] = {}
    counts = {group: (found[_PLACES[rate]], found[_base(rate)]) for group, found in sums.items()}
    for group, (_, of) in counts.items():
        reason = withheld.get((attributes, group))
        if reason is not None:
            small = reason is Withheld.PRIMARY
            states[group] = ImpactState.SMALL if small else ImpactState.SECONDARY
        elif of < least:
            states[group] = ImpactState.TOO_FEW if of else ImpactState.NOBODY
    rates = {
        group: (Fraction(*counts[group]), counts[group][1]) for group in sums if group not in states
    }
    reference = max(rates, key=lambda group: rates[group], default=None)
    compared = reference is not None and len(rates) > 1 and rates[reference][0] > 0
    for group, (selected, of) in counts.items():
        row = ImpactRow(
            attributes=attributes,
            group=group,
            stage=rate[0],
            basis=rate[1],
            state=states.get(group, ImpactState.COMPARED),
            least=least,
        )
        if group in rates and reference is not None and compared:
            yield attrs.evolve(
                row,
                state=ImpactState.HIGHEST if group == reference else ImpactState.COMPARED,
                selected=selected,
                of=of,
                reference=reference,
                reference_selected=counts[reference][0],
                reference_of=counts[reference][1],
            )
        elif group in rates:
            alone = ImpactState.ALONE if len(rates) == 1 else ImpactState.NONE_SELECTED
            yield attrs.evolve(row, state=alone, selected=selected, of=of)
        elif row.state is ImpactState.NOBODY:
            yield attrs.evolve(row, selected=selected, of=of)
        else:
            yield row
