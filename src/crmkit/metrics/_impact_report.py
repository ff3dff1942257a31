"""The impact ratios of one pool: by group, as text, as a table for a page, as rows."""

import os
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from html import escape
from itertools import groupby
from math import isinf
from typing import Any

import attrs

from crmkit._time import describe_span, plural
from crmkit.errors import MissingExtra, NotFound
from crmkit.metrics._impact import LEVEL, ImpactBasis, ImpactRow, ImpactStage, ImpactState
from crmkit.metrics._metric import Exclusion
from crmkit.metrics._table import aligned, to_csv, write_csv
from crmkit.model import FrozenMap

_FLAG = "A ratio below 0.8 is a flag, not a verdict: the four-fifths rule, 29 CFR 1607.4D."
_HEADERS = ("stage", "rate of", "group", "selected", "rate", "ratio", "95 % interval", "state")
_WORDS = {ImpactState.HIGHEST: "highest", ImpactState.UNKNOWN: "", ImpactState.COMPARED: ""}


@attrs.frozen(kw_only=True, repr=False)
class Impact:
    """The impact ratios of one pool as of one instant: a row for each group at each stage.

    `print` shows them in tables; a notebook shows them as HTML with what each row means.
    """

    rows: tuple[ImpactRow, ...]
    people: int | None
    """How many were counted; None where it would tell a small group."""
    definitions: FrozenMap
    """What each stage counts, by its name."""
    noted: FrozenMap
    """How many people did not take the stages in order, are not named, and the like."""
    exclusions: tuple[Exclusion, ...]
    as_of: datetime
    window: timedelta
    least: int
    simulated: int = 0
    """How many of the facts read say that they are simulated."""
    until: datetime | None = None
    """Up to when every count stays as it is, if no new fact arrives."""

    def __iter__(self) -> Iterator[ImpactRow]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        simulated = ", simulated" if self.simulated else ""
        rows = f"{plural(len(self.rows), 'row')}, {len(self.flagged)} flagged"
        return f"<Impact: {rows}, as of {self._instant}{simulated}>"

    @property
    def flagged(self) -> tuple[ImpactRow, ...]:
        """The rows whose ratio is below four fifths."""
        return tuple(row for row in self.rows if row.flag)

    def row(
        self,
        group: Mapping[str, str | None],
        stage: str,
        basis: str = ImpactBasis.OVERALL,
    ) -> ImpactRow:
        """Return one row: ``impact.row({"sex": "f"}, "hired")``; None stands for unknown.

        Raises `NotFound` if there is no such row.
        """
        attributes = tuple(sorted(group))
        values = tuple(group[attribute] for attribute in attributes)
        wanted = () if None in values else values
        for row in self.rows:
            if (row.attributes, row.group, row.stage, row.basis) == (
                attributes,
                wanted,
                stage,
                basis,
            ):
                return row
        what = f"{' × '.join(attributes)}: {' × '.join(map(str, values))}, {stage} ({basis})"
        raise NotFound("impact ratio", what)

    @property
    def _instant(self) -> str:
        return f"{self.as_of:%Y-%m-%d %H:%M} UTC"

    @property
    def _caption(self) -> str:
        return f"Impact ratios as of {self._instant}, over the {describe_span(self.window)} before"

    @property
    def _warning(self) -> str:
        return f"SIMULATED: {self.simulated:,} of the facts read are simulated, not observed"

    def _notes(self) -> list[str]:
        until = f"holds until {self.until:%Y-%m-%d %H:%M} UTC" if self.until else ""
        return [
            *(f"{stage}: {definition}" for stage, definition in self.definitions.items()),
            *(f"{what}: {count:,}" for what, count in sorted(self.noted.items())),
            *map(str, self.exclusions),
            until or "no clock changes it",
        ]

    def __str__(self) -> str:
        lines = [self._caption, *([self._warning] if self.simulated else []), _FLAG]
        if not self.rows:
            lines += ["", "Nobody was counted, or no group was supplied."]
        for attributes, rows in groupby(self.rows, key=lambda row: row.attributes):
            lines += ["", " × ".join(attributes), *aligned([_HEADERS, *map(_cells, rows)])]
        try:
            for row in self.flagged[:1]:
                row.interval()
        except MissingExtra as missing:
            lines += ["", str(missing)]
        return "\n".join([*lines, "", *self._notes()])

    def to_dicts(self, level: float = LEVEL) -> list[dict[str, Any]]:
        """Return one flat row of JSON values for each row; pandas and polars take them."""
        shared = {
            "as_of": self.as_of.isoformat(),
            "window_days": self.window / timedelta(days=1),
            "least": self.least,
            "simulated": self.simulated,
            "until": self.until.isoformat() if self.until else None,
        }
        return [
            {**row.to_dict(level), "definition": self.definitions[row.stage], **shared}
            for row in self.rows
        ]

    def to_csv(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return the rows as CSV, and write them to *path*, if one is given.

        A text that a spreadsheet would run as a formula gets an apostrophe before it.
        """
        rows = self.to_dicts()
        text = to_csv(list(rows[0]) if rows else [], (list(row.values()) for row in rows))
        if path is not None:
            write_csv(text, path)
        return text

    def _repr_html_(self) -> str:
        warning = f"<br><strong>{escape(self._warning)}</strong>" if self.simulated else ""
        headers = ("by", *_HEADERS[:-1], "meaning")
        head = "".join(f'<th scope="col">{header}</th>' for header in headers)
        body = "".join(
            "<tr>"
            + "".join(
                f"<td>{escape(cell)}</td>"
                for cell in (row.attribute, *_cells(row)[:-1], row.meaning)
            )
            + "</tr>"
            for row in self.rows
        )
        notes = "".join(f"<li>{escape(note)}</li>" for note in self._notes())
        return (
            f"<table><caption>{escape(self._caption)}{warning}<br>{_FLAG}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><ul>{notes}</ul>"
        )


def _cells(row: ImpactRow) -> tuple[str, ...]:
    word = _WORDS.get(row.state, row.state.replace("_", " "))
    if row.suppressed:
        word = f"withheld: {word}"
    return (
        row.stage,
        _whom(row),
        row.name,
        "" if row.selected is None else f"{row.selected:,} of {row.of:,}",
        "" if row.rate is None else f"{row.rate * 100:.1f} %",
        "" if row.ratio is None else f"{row.ratio:.3f}",
        _interval(row),
        "flag" if row.flag else word,
    )


def _whom(row: ImpactRow) -> str:
    if row.stage is ImpactStage.CAPTURED:
        return "people"
    return str(row.stage.before if row.basis is ImpactBasis.STEP else ImpactStage.CAPTURED)


def _interval(row: ImpactRow) -> str:
    try:
        bounds = row.interval()
    except MissingExtra:
        return "?"
    if bounds is None:
        return ""
    low, high = bounds
    return f"{low:.2f} to {'∞' if isinf(high) else f'{high:.2f}'}"
