"""The table of operators in the reference: complete, and true of the code, row by row."""

import inspect
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple, get_type_hints

import attrs
import pytest

from crmkit import segmentation
from crmkit.model import Candidate, Consent, Interaction, Relationship
from crmkit.segmentation import Rule, Segment, event, field
from crmkit.segmentation._event import Event, Occurrence, Score, TemperatureIs
from crmkit.segmentation._field import Field
from crmkit.segmentation._nodes import NODES, each

PAGE = Path(__file__).parents[1] / "docs/reference/segmentation.md"
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
OPERATORS = {
    "__eq__": "==",
    "__ne__": "!=",
    "__lt__": "<",
    "__le__": "<=",
    "__gt__": ">",
    "__ge__": ">=",
}


@attrs.frozen
class Part(Rule):
    """Some rule inside another."""


class Row(NamedTuple):
    """One line of the table: its code, and the cells that say something testable."""

    written: list[str]
    missing: str
    clock: str
    ops: set[str]


def table(heading: str) -> list[list[str]]:
    """Return the cells of the table under a heading."""
    text = PAGE.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def code(cell: str) -> list[str]:
    """Return what stands in backticks."""
    return [found.replace("\\|", "|") for found in re.findall(r"`([^`]+)`", cell)]


ROWS = [
    Row(code(written), missing, clock, set(code(ops)))
    for written, _, missing, clock, ops in table("Operators")
]
CASES = [(written, row) for row in ROWS for written in row.written]
NARROWED = [written for cells in table("Which interactions") for written in code(cells[0])]


LETTERS = vars(segmentation) | {
    "e": event("replied"),
    "o": event("replied").last,
    "other": event("met"),
    "a": Part(),
    "b": Part(),
    "n": 1,
    "t": "2026-02-01T09:00Z",
    "y": "h2b",
    "w": timedelta(days=20),
    "gap": timedelta(days=90),
    "periods": 3,
    "day": date(2026, 3, 1),
    "zone": "Europe/Berlin",
    "name": "outcome",
    "touch": "welcome",
    "channel": "email",
    "purpose": "nurture",
    "share": 0.1,
}
"""What the letters of the table stand for."""


def written_out(written: str) -> object:
    """Return what one line of the table writes."""
    instant = re.search(r"f\.(within|older_than|anniversary|before|after|on)\(", written)
    f = field.custom["seen" if instant else "visa"]
    return eval(written, LETTERS | {"f": f, "x": 2 if "score" in written else "h1b"})


def built(written: str) -> Rule:
    """Return the rule that one line of the table writes."""
    found = written_out(written)
    assert isinstance(found, Rule)
    return found


def somebody() -> Relationship:
    """Return somebody about whom the clock changes whatever it can change."""
    consent = Consent(
        at="2026-02-02T09:00Z", wording="1", source="page", expires_at="2026-12-01T09:00Z"
    )
    facts = [
        Interaction(candidate_id="ada", kind=kind, at=at, touch="welcome")
        for kind, at in (
            ("replied", "2025-09-01T09:00Z"),
            ("unsubscribed", "2026-02-01T09:00Z"),
            ("replied", "2026-02-24T09:00Z"),
            ("replied", "2026-02-25T09:00Z"),
            ("sent", "2026-02-26T09:00Z"),
        )
    ]
    ada = Candidate(
        id="ada",
        emails=["ada@example.org"],
        country="DE",
        custom={"visa": "h1b", "seen": datetime(2026, 2, 20, 9, tzinfo=UTC)},
    )
    return Relationship(ada, [*facts, consent.given_by("ada")])


def asked(rule: Rule) -> bool:
    """Say whether a rule can be answered without what it leaves to others."""
    return not any(isinstance(node, Part) or type(node) is NODES["member"] for node in each(rule))


def lines(keep: Iterable[bool]) -> pytest.MarkDecorator:
    """Run a test with those lines of the table that are to be kept."""
    kept = [case for case, wanted in zip(CASES, keep, strict=True) if wanted]
    return pytest.mark.parametrize(("written", "row"), kept, ids=[written for written, _ in kept])


@lines([True] * len(CASES))
def test_what_is_written_is_the_rule_of_the_documents(written, row):
    """Each line runs, and builds the kinds of rule that its last column names."""
    by_type = {cls: op for op, cls in NODES.items()}
    ops = {by_type[type(node)] for node in each(built(written)) if not isinstance(node, Part)}
    assert row.ops == ops


def test_a_dash_stands_where_nothing_can_be_missing():
    """Only what the parts decide, or what asks for no data, says nothing of missing data."""
    by_id = (NODES["listed"], NODES["bucket"])
    expected = [
        written
        for written, _ in CASES
        if not asked(built(written)) or isinstance(built(written), by_id)
    ]
    assert expected == [written for written, row in CASES if row.missing == "—"]


@lines(row.missing != "—" for _, row in CASES)
def test_what_is_said_of_missing_data(written, row):
    """Somebody about whom nothing is known gets the answer of the third column."""
    verdict = Segment("s", built(written)).check(Relationship(Candidate(id="nobody")), now=NOW)
    expected = "true" in row.missing.split(":")[0]
    if row.missing.startswith("no facts"):
        expected = "<" in written
    assert expected == bool(verdict)


@lines(asked(built(written)) for written, _ in CASES)
def test_what_is_said_of_the_clock(written, row):
    """An answer that never changes has no until; one that does has, for somebody it can move."""
    verdict = Segment("s", built(written)).check(somebody(), now=NOW)
    assert (row.clock == "never") == (verdict.until is None)


def test_every_kind_of_rule_is_there():
    """No kind of rule is missing from the table, and none is there that is none."""
    assert set(NODES) == set().union(*(row.ops for row in ROWS))


def test_every_public_word_is_there():
    """Each word of the package that makes a rule begins a line, or stands in one."""
    halves = {Rule, Event, Score, TemperatureIs}
    words = {
        name
        for name, found in vars(segmentation).items()
        if name in segmentation.__all__
        and inspect.isfunction(found)
        and get_type_hints(found)["return"] in halves
    }
    written = " ".join([*(written for written, _ in CASES), *NARROWED])
    assert words == {word for word in words if re.search(rf"\b{word}\(", written)}
    assert words


@pytest.mark.parametrize(
    ("cls", "start"),
    [
        (Field, "f"),
        (Event, "e"),
        (Occurrence, "o"),
        (Score, "score()"),
        (TemperatureIs, "temperature()"),
    ],
)
def test_every_method_and_comparison_is_there(cls, start):
    """Each public method, and each comparison, of what rules are written with has a line."""
    written = [*(written for written, _ in CASES), *NARROWED]
    methods = {name for name in vars(cls) if not name.startswith("_")}
    missing = {
        name
        for name in methods
        if not any(re.match(rf"{re.escape(start)}\.{name}\b", line) for line in written)
    }
    compared = {sign for name, sign in OPERATORS.items() if name in vars(cls)}
    if cls is Score:
        compared -= {"==", "!="}  # they raise: a decaying score is a number only in passing
    missing |= {
        sign
        for sign in compared
        if not any(line.startswith(f"{start} {sign} ") for line in written)
    }
    assert set() == missing


@pytest.mark.parametrize("written", NARROWED)
def test_what_narrows_events_runs(written):
    """Each line of the second table gives events, or the first or last of them."""
    assert isinstance(written_out(written), Event | Occurrence)
