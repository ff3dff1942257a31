"""The page: what it shows, that it escapes everything, that it needs nothing else."""

from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import attrs
import pytest

pytest.importorskip("jinja2")

from crmkit.cadence import SEVEN_TOUCH, plan
from crmkit.lifecycle import CRM, Shortlist, shortlist
from crmkit.metrics import Costs, Scorecard, scorecard
from crmkit.model import Candidate, FrozenMap, Interaction, Relationship, Role
from crmkit.report import Report, render_page, write_page
from crmkit.senders import MemorySender
from crmkit.stores import MemoryStore

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
EVIL = "<script>alert('&')</script>"
VOID = {"meta", "br"}
ALWAYS = {"metrics", "next", "pictures", "tables"}
"""The sections of every page."""


def fact(kind: str, day: str, **fields: Any) -> Interaction:
    return Interaction(candidate_id=EVIL, kind=kind, at=f"{day}T09:00Z", **fields)


@pytest.fixture
def person() -> Relationship:
    """Return somebody whose every text is markup."""
    return Relationship(
        Candidate(
            id=EVIL,
            emails=["a@example.org"],
            company=EVIL,
            skills=[EVIL],
            country="DE",
            interest="later",
        ),
        [
            fact("rejected", "2025-10-01", role_id=EVIL, properties={"stage": "final"}),
            fact("sent", "2026-01-05", touch=EVIL, properties={"variant": EVIL}),
            fact("opened", "2026-01-06"),
            fact("replied", "2026-01-07", outcome="positive", properties={"said": EVIL}),
        ],
    )


@pytest.fixture
def role() -> Role:
    return Role(id=EVIL, title=EVIL, skills=[EVIL, "go"])


@pytest.fixture
def full(person: Relationship, role: Role) -> Report:
    """Return a report with something in each section."""
    crm = CRM(MemoryStore(), MemorySender())
    crm.capture_all([person.upto(datetime(2025, 11, 1, tzinfo=UTC))])
    earlier = datetime(2025, 11, 3, 9, tzinfo=UTC)
    crm.engage(now=earlier)
    crm.engage(now=datetime(2026, 2, 2, 9, tzinfo=UTC))
    waiting = person.candidate, [*person.history, fact("applied", "2026-01-08")]
    card = scorecard([Relationship(*waiting)], now=NOW, segments={EVIL: {EVIL}})
    return Report(
        title=EVIL,
        scorecard=card,
        comparison=card.compare(scorecard([person], now=earlier, segments={EVIL: {EVIL}})),
        simulated=EVIL,
        segments=FrozenMap({EVIL: 1234}),
        sizes=[(earlier, FrozenMap({EVIL: 0})), (NOW, FrozenMap({EVIL: 1234}))],
        activity=FrozenMap({EVIL: 5}),
        refusals=FrozenMap({EVIL: 1, "no_basis": 2}),
        shortlist=shortlist([person, Relationship(Candidate(id="bob"))], role, now=NOW),
        plan=plan(SEVEN_TOUCH, person, enrolled_at=earlier, now=NOW),
        tasks=crm.tasks(now=NOW),
        notes=[EVIL],
    )


def empty() -> Scorecard:
    return scorecard([], now=NOW)


class _Tree(HTMLParser):
    """Checks that every element is closed, and gathers elements, ids and texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def of(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag in tags]

    def values(self, name: str) -> Iterator[str]:
        return (each[name] or "" for _, each in self.elements if name in each)


def test_escapes_every_text(full: Report) -> None:
    """Markup in an id, a name of a segment, a role or a note is shown, never obeyed."""
    page = render_page(full)
    assert EVIL not in page
    assert _Tree(page).of("script") == []
    assert page.count("&lt;script&gt;") > 20


def test_controls_are_shown_not_obeyed() -> None:
    """What would turn the text round, or end it, is a visible mark; markup of the page stays."""
    card = scorecard([], now=NOW, segments={"a\x00b": set()})
    title = "pool\u202egnp.exe\x00\x1b\x85\u2066"
    page = render_page(Report(title=title, scorecard=card, segments=FrozenMap({"a\u202eb": 1})))
    assert "<h1>pool\ufffdgnp.exe\ufffd\ufffd\ufffd\ufffd</h1>" in page
    assert "a\ufffdb</th>" in page
    assert not set(page) & {"\u202e", "\u2066", "\x00", "\x1b", "\x85"}
    assert _Tree(page).open == []


def test_shows_every_section(full: Report) -> None:
    """Each part of the report has its heading, its table and its landmark."""
    tree = _Tree(render_page(full))
    headings = ALWAYS | {"moved", "segments", "activity", "shortlist", "plan", "tasks"}
    assert {each["aria-labelledby"] for each in tree.of("section")} == headings
    assert headings <= set(tree.values("id"))
    assert len(tree.of("nav")) == 1
    assert len(tree.of("main")) == len(tree.of("header")) == len(tree.of("footer")) == 1
    assert len(full.tasks) == 1


def test_is_well_formed(full: Report) -> None:
    """Every element is closed, every table has a name and scoped heads, every id is one."""
    tree = _Tree(render_page(full))
    assert tree.open == []
    boxes = [each for each in tree.of("div") if each.get("class") == "scroll"]
    assert len(boxes) == len(tree.of("table")) > 9
    assert {(each["role"], each["tabindex"]) for each in boxes} == {("group", "0")}
    assert {each.get("scope") for each in tree.of("th")} == {"col", "row"}
    ids = list(tree.values("id"))
    assert sorted(set(ids)) == sorted(ids)
    assert set(tree.values("aria-labelledby")) <= set(ids)
    assert [each["lang"] for each in tree.of("html")] == ["en"]


def test_needs_no_network(full: Report) -> None:
    """Nothing is loaded: no script, no image, no link, no style from elsewhere."""
    page = render_page(full)
    tree = _Tree(page)
    assert tree.of("script", "link", "img", "iframe") == []
    assert [*tree.values("src"), *tree.values("srcset")] == []
    assert {href[:1] for href in tree.values("href")} == {"#"}
    assert {href[1:] for href in tree.values("href")} <= set(tree.values("id"))
    assert "http" not in page
    assert "url(" not in page
    assert "@import" not in page


def test_the_least_report_is_a_page() -> None:
    """Title and scorecard are enough: the sections without anything are left out."""
    tree = _Tree(render_page(Report(title="Nobody yet", scorecard=empty())))
    assert {each["aria-labelledby"] for each in tree.of("section")} == ALWAYS
    assert len(tree.of("article")) == 7
    assert "Simulated." not in "".join(tree.texts)


def test_what_is_not_measured_is_said_once_with_its_reason() -> None:
    """A metric without a value says so once, and why, in words for people."""
    page = render_page(Report(title="Nobody yet", scorecard=empty()))
    assert page.count("not measured</div>") == 6
    assert '<div class="quiet small">no costs were given</div>' in page


def test_a_metric_shows_value_verdict_benchmark_and_counts(person: Relationship) -> None:
    """A rate shows the share, what it was counted from and where the benchmark lies."""
    people = [
        Relationship(
            Candidate(id=f"p{number}"),
            [
                attrs.evolve(each, candidate_id=f"p{number}", id=f"{number}-{each.id}")
                for each in list(person.history)[: 4 if number < 10 else 2]
            ],
        )
        for number in range(40)
    ]
    page = render_page(Report(title="t", scorecard=scorecard(people, now=NOW)))
    assert 'aria-label="25.0 %, benchmark 20–35 %"' in page
    assert "within the benchmark</span>" in page
    assert "10 of 40 people" in page


def test_a_comparison_shows_both_sides() -> None:
    """Hires out of the CRM and cold ones stand side by side, better to the right of zero."""
    people = [
        Relationship(
            Candidate(id=who),
            [Interaction(candidate_id=who, kind=kind, at=at, role_id=None) for kind, at in facts],
        )
        for who, facts in {
            "crm": [("sent", "2026-01-01T09:00Z"), ("hired", "2026-02-01T09:00Z")],
            "cold": [("hired", "2026-02-01T09:00Z")],
        }.items()
    ]
    costs = Costs(
        internal_crm=300, external_crm=0, internal_cold=200, external_cold=0, currency="EUR"
    )
    page = render_page(Report(title="t", scorecard=scorecard(people, now=NOW, costs=costs)))
    assert "50.0 % higher" in page
    assert "CRM-sourced: 300.0 EUR (1)" in page
    assert "too few to say</span>" in page


def test_a_shortlist_shows_places_reasons_and_permission(full: Report) -> None:
    """Who fits is shown with the reasons, the medal, and whether we may write."""
    page = render_page(full)
    assert "silver medalist</span>" in page
    assert '<span class="yes">yes</span>' in page
    assert '<span class="no">no</span>: retention' in page


def test_a_shortlist_of_nobody_says_so(role: Role) -> None:
    """When nobody fits, the page says so."""
    nobody: Shortlist = shortlist([], role, now=NOW)
    page = render_page(Report(title="t", scorecard=empty(), shortlist=nobody))
    assert "Nobody fits yet." in page


def test_says_how_many_tasks_are_more(full: Report) -> None:
    """Ten tasks are shown, the others counted."""
    (task,) = full.tasks
    tasks = [attrs.evolve(task, candidate_id=f"p{number}") for number in range(12)]
    page = render_page(attrs.evolve(full, tasks=tasks))
    assert "2 more are open." in page
    assert "p9</bdi>" in page
    assert "p10</bdi>" not in page


def test_one_size_makes_no_line(full: Report) -> None:
    """A line over time needs two instants."""
    page = render_page(attrs.evolve(full, sizes=full.sizes[:1]))
    assert "<polyline" not in page
    assert "<polyline" in render_page(full)


def test_writes_whole_and_returns_the_path(tmp_path: Path) -> None:
    """The page is replaced as a whole, with nothing left beside it."""
    report = Report(title="Ünïcode", scorecard=empty())
    target = tmp_path / "page.html"
    target.write_text("old")
    assert write_page(report, target) == target
    assert target.read_text(encoding="utf-8") == render_page(report)
    assert [each.name for each in tmp_path.iterdir()] == ["page.html"]


def test_a_page_that_cannot_be_written_is_told_by_its_name(tmp_path: Path) -> None:
    """The error names the page, not a draft, and leaves no draft."""
    (tmp_path / "page.html").mkdir()
    with pytest.raises(OSError, match="cannot be written") as caught:
        write_page(Report(title="t", scorecard=empty()), tmp_path / "page.html")
    assert caught.value.filename == str(tmp_path / "page.html")
    assert [each.name for each in tmp_path.iterdir()] == ["page.html"]
    with pytest.raises(OSError, match="cannot be written"):
        write_page(Report(title="t", scorecard=empty()), tmp_path / "none" / "page.html")


def test_older_cohorts_are_folded_away() -> None:
    """Twelve months are shown; what is older is there, but folded."""
    people = [
        Relationship(
            Candidate(id=f"p{month}"),
            [
                Interaction(
                    candidate_id=f"p{month}", kind="captured", at=f"2025-{month:02}-05T09:00Z"
                )
            ],
        )
        for month in range(1, 13)
    ]
    assert "Earlier cohorts" not in render_page(
        Report(title="t", scorecard=scorecard(people, now=NOW))
    )
    old = Interaction(candidate_id="old", kind="captured", at="2019-02-05T09:00Z")
    more = [*people, Relationship(Candidate(id="old"), [old])]
    page = render_page(Report(title="t", scorecard=scorecard(more, now=NOW)))
    assert "Earlier cohorts, 1</summary>" in page
    assert page.count(">2019-02</th>") == page.count(">2025-12</th>") == 1
