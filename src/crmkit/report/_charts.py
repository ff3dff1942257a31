"""Numbers as lengths, shades and lines; each is shown beside the number itself."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from crmkit.errors import MissingExtra
from crmkit.metrics import Survival, Table
from crmkit.metrics._table import FEW, Kind

LONGEST = 730.0
"""Days: what a curve of how long people stay is drawn up to."""

WIDE, HIGH = 400.0, 230.0
"""The box of a curve."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 384.0, 10.0, 196.0


def grid(table: Table, bars: Iterable[str] = (), *, heat: bool = False) -> dict[str, Any]:
    """Return a table for the page: low and high in one column, bars and shades as percentages.

    *bars* are the columns that get a bar; with *heat* every share gets a shade. A bar is
    out of the greatest one shown, and the last column of them carries the table's intervals.
    """
    names = [column.name for column in table.columns]
    places = {"low", "high"} <= set(names)
    bounds_of = [_bounds(names, row) if places else None for row in table.rows]
    has_bounds = any(bounds_of)
    kept = [place for place, name in enumerate(names) if name not in {"low", "high"}]
    wanted = [place for place, name in enumerate(names) if name in set(bars)]
    last = wanted[-1] if wanted else None
    tops = {place: _top(table, place, place == last and has_bounds) for place in wanted}
    rows = []
    for row, shown, bounds in zip(table.rows, table.shown, bounds_of, strict=True):
        cells = [
            {
                "text": shown[place],
                "number": table.columns[place].is_number,
                "barred": place in tops,
                "bar": _bar(row[place], tops[place], bounds if place == last else None)
                if place in tops
                else None,
                "heat": _heat(row[place])
                if heat and table.columns[place].kind is Kind.SHARE
                else None,
            }
            for place in kept
        ]
        if has_bounds:
            cells.append(
                {
                    "text": _between(bounds),
                    "number": True,
                    "barred": False,
                    "bar": None,
                    "heat": None,
                }
            )
        rows.append(cells)
    heads = [
        {
            "name": names[place],
            "number": table.columns[place].is_number,
            "bar": place in tops,
            "heat": heat and table.columns[place].kind is Kind.SHARE,
        }
        for place in kept
    ]
    if has_bounds:
        heads.append({"name": "95 % interval", "number": True, "bar": False, "heat": False})
    return {
        "name": table.name,
        "title": table.title,
        "heads": heads,
        "rows": rows,
        "notes": [_read_as_one(note) for note in table.notes],
    }


def _read_as_one(note: str) -> str:
    """Return a note on the columns low and high as one on their interval."""
    return note.replace("low and high are the", "The interval is the").replace(
        "Low and high are its 95 % interval", "The interval is its 95 % one"
    )


def _bounds(names: Sequence[str], row: Sequence[object]) -> tuple[float, float] | None:
    low, high = row[names.index("low")], row[names.index("high")]
    return (low, high) if isinstance(low, float) and isinstance(high, float) else None


def _between(bounds: tuple[float, float] | None) -> str:
    return "—" if bounds is None else f"{bounds[0] * 100:.1f} – {bounds[1] * 100:.1f} %"


def _top(table: Table, place: int, bounded: bool) -> float:  # noqa: FBT001 - one caller
    """Return where the scale ends; a wide interval of few things may run out of it."""
    values = _greatest(table, place)
    if not bounded:
        return values
    highest = _greatest(table, len(table.columns) - 1)
    return min(max(values, highest), 2 * values) if values else highest


def _greatest(table: Table, place: int) -> float:
    numbers = (row[place] for row in table.rows)
    return max((float(each) for each in numbers if isinstance(each, int | float)), default=0.0)


def _bar(value: object, top: float, bounds: tuple[float, float] | None) -> dict[str, float] | None:
    if not isinstance(value, int | float) or top <= 0:
        return None
    shown = {"width": value / top * 100}
    if bounds:
        shown |= {"from": bounds[0] / top * 100, "reach": (bounds[1] - bounds[0]) / top * 100}
    return shown


def _heat(value: object) -> float:
    """Return how much of the colour a share gets: at most half, so that the text stays legible."""
    return value * 50 if isinstance(value, float) else 0.0


def curves(
    name: str,
    title: str,
    lines: Mapping[str, Survival],
    *,
    going: str = "not ended",
    longest: float | None = None,
) -> dict[str, Any] | None:
    """Return curves with their bands in one box; None where there is too little, or no SciPy.

    *going* is what is said of those that have not ended. A side of fewer than `FEW` is left out,
    and so is a chart in which nothing ended.
    """
    shown = {side: curve for side, curve in lines.items() if len(curve) >= FEW}
    if not any(curve.ended for curve in shown.values()):
        return None
    try:
        points = {side: curve.curve() for side, curve in shown.items()}
    except MissingExtra:
        return None
    most = max(each[-1].days for each in points.values())
    end = _round_up(min(most, longest) if longest else most)
    drawn = [
        {
            "name": side,
            "label": str(shown[side]).replace("not ended", going),
            "place": list(lines).index(side),
            "line": _steps([(point.days, point.share) for point in each], end),
            "band": _band(each, end),
        }
        for side, each in points.items()
    ]
    return {
        "name": name,
        "title": title,
        "lines": drawn,
        "left_out": [side for side in lines if side not in shown],
        "across": [
            {"at": _across(end * part / 4, end), "text": f"{end * part / 4:,.0f}"}
            for part in range(5)
        ],
        "up": [{"at": _up(part / 4), "text": f"{part * 25} %"} for part in range(5)],
        "label": f"{title}. " + "; ".join(f"{each['name']}: {each['label']}" for each in drawn),
        "box": f"0 0 {WIDE:g} {HIGH:g}",
        "left": _LEFT,
        "right": _RIGHT,
        "bottom": _BOTTOM,
    }


def _round_up(days: float) -> float:
    """Return the next number of days whose quarters are round."""
    step = (
        next(each for each in (4, 20, 40, 100, 200, 400, 1000, 4000) if days <= each * 10)
        if days <= 40_000
        else 40_000
    )
    return max(step, -(-days // step) * step)


def _across(days: float, end: float) -> float:
    return _LEFT + (_RIGHT - _LEFT) * min(days / end, 1.0)


def _up(share: float) -> float:
    return _BOTTOM - (_BOTTOM - _TOP) * share


def _steps(pairs: Sequence[tuple[float, float]], end: float) -> str:
    """Return an SVG path that stays level and then steps, up to the end of the box."""
    path = [f"M{_across(0, end):.1f} {_up(1):.1f}"]
    for days, share in pairs:
        path.append(f"H{_across(days, end):.1f}")
        if days > end:
            break
        path.append(f"V{_up(share):.1f}")
    return "".join(path)


def _band(points: Sequence[Any], end: float) -> str:
    """Return the outline of the bounds; where there are none it has no width."""
    inside = [point for point in points if point.days <= end]
    highs = [(p.days, p.share if p.high is None else p.high) for p in inside]
    lows = [(p.days, p.share if p.low is None else p.low) for p in inside]
    last = min(points[-1].days, end)
    there = _corners(highs, last)
    back = reversed(_corners(lows, last))
    return " ".join(f"{_across(days, end):.1f},{_up(share):.1f}" for days, share in (*there, *back))


def _corners(pairs: Sequence[tuple[float, float]], last: float) -> list[tuple[float, float]]:
    corners, level = [(0.0, 1.0)], 1.0
    for days, share in pairs:
        corners += [(days, level), (days, share)]
        level = share
    return [*corners, (last, level)]


def segment(
    name: str, size: int, sizes: Sequence[tuple[datetime, Mapping[str, int]]]
) -> dict[str, Any]:
    """Return one segment: how many are in it, and how that went."""
    past = [each[name] for _, each in sizes if name in each]
    change = size - past[0] if len(past) > 1 else None
    return {
        "name": name,
        "size": size,
        "line": sparkline(past),
        "change": None if change is None else f"{change:+,}" if change else "±0",
        "least": min(past, default=0),
        "most": max(past, default=0),
    }


def sparkline(sizes: Sequence[int]) -> str | None:
    """Return SVG points in a box of 100 × 24, from the first size to the last."""
    if len(sizes) < 2:
        return None
    top = max(*sizes, 1)
    step = 100 / (len(sizes) - 1)
    return " ".join(f"{i * step:.1f},{23 - 22 * size / top:.1f}" for i, size in enumerate(sizes))
