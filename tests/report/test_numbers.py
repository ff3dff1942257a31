"""How the page shows numbers: verdicts, what moved, bars, curves."""

import sys
from datetime import UTC, datetime, timedelta

import attrs
import pytest

pytest.importorskip("jinja2")

from crmkit.metrics import DEFINITIONS, Scorecard, Survival, scorecard
from crmkit.model import Candidate, Interaction, Relationship, Role
from crmkit.report import Report, render_page
from crmkit.report import _cards as cards
from crmkit.report import _charts as charts

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def person(key: str, *facts: tuple[str, float], role_id: str | None = None) -> Relationship:
    log = [
        Interaction(candidate_id=key, kind=kind, at=NOW - days * DAY, role_id=role_id)
        for kind, days in facts
    ]
    return Relationship(Candidate(id=key), log)


def opened(share: float, *, sent: float = 100, people: int = 100) -> list[Relationship]:
    """People who were mailed, of whom such a share opened it."""
    return [
        person(f"p{n}", ("sent", sent), *([("opened", sent - 1)] * (n < share * people)))
        for n in range(people)
    ]


def card(*pool: Relationship, at: datetime = NOW, days: int = 365) -> Scorecard:
    return scorecard(pool, now=at, window=days * DAY)


def page(found: Scorecard, **more: object) -> str:
    return render_page(Report(title="t", scorecard=found, **more))  # type: ignore[arg-type]


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take SciPy away."""
    for name in ("scipy", "scipy.stats"):
        monkeypatch.setitem(sys.modules, name, None)


# --- verdicts


@pytest.mark.parametrize(
    ("share", "verdict", "tone", "unsure"),
    [
        (0.05, "below the benchmark", "poor", False),
        (0.19, "below the benchmark", "poor", True),
        (0.27, "within the benchmark", "good", True),
        (0.60, "above the benchmark", "good", False),
    ],
)
def test_a_verdict_is_in_words_and_says_when_it_is_not_certain(
    share: float, verdict: str, tone: str, unsure: bool
) -> None:
    """An interval that reaches over an end of the benchmark leaves the verdict open."""
    pytest.importorskip("scipy")
    shown = cards.card(card(*opened(share))["engagement_rate"])
    assert (shown["verdict"], shown["tone"], shown["unsure"]) == (verdict, tone, unsure)
    text = page(card(*opened(share)))
    said = f'<span class="verdict {tone}">{verdict}</span>'
    assert (f'{said} <span class="quiet small">(not for certain)</span>' in text) is unsure
    assert said in text


def test_where_less_is_better_above_is_the_poor_side() -> None:
    """Complaints over the limit are poor; none of a hundred are too few to be good."""
    pool = [person(f"p{n}", ("sent", 100), *([("complained", 99)] * (n < 5))) for n in range(100)]
    assert DEFINITIONS["complaint_rate"].less_is_better
    assert cards.card(card(*pool)["complaint_rate"])["tone"] == "poor"
    assert cards.card(card(*opened(0.5))["complaint_rate"])["tone"] == "plain"
    many = [person(f"m{n}", *[("sent", 100 - day) for day in range(30)]) for n in range(100)]
    assert cards.card(card(*many)["complaint_rate"])["tone"] == "good"


def test_a_bullet_holds_value_interval_and_benchmark() -> None:
    """All three are places on one scale from 0 to 100, however wide the interval is."""
    metric = card(*opened(0.5))["engagement_rate"]
    for bounds in [(0.4, 0.6), (0.0, 1.0), (-5.0, 9.0), (float("-inf"), float("inf")), None]:
        shape = cards.bullet(metric, bounds)
        assert shape is not None
        assert all(0 <= number <= 100 for number in shape.values())
        assert shape["low"] < shape["low"] + shape["span"] <= 100
        assert ("from" in shape) is (bounds is not None)


def test_a_value_below_zero_starts_left_of_zero() -> None:
    """What is worse on our side is drawn to the left, in the other colour."""
    slower = attrs.evolve(card(*opened(0.5))["time_to_fill"], value=-0.2)
    shape = cards.bullet(slower, None)
    assert shape is not None
    assert shape["zero"] > shape["start"] == 0
    assert shape["worse"]


def test_the_definition_is_beside_each_number() -> None:
    """Each of the metrics has its definition on the page, and the source of its benchmark."""
    from markupsafe import escape

    shown = page(card(*opened(0.3)))
    for metric in card():
        assert str(escape(metric.definition)) in shown
    assert shown.count("convention of candidate-relationship practice") >= 6


# --- what moved


def test_only_what_moved_by_more_than_chance_is_in_the_table() -> None:
    """A clear fall is shown with its interval; what the data cannot tell is one line."""
    pytest.importorskip("scipy")
    before = opened(0.6, sent=500)
    after = opened(0.1, sent=50)
    later = [
        Relationship(one.candidate, [*one.history, *two.history])
        for one, two in zip(before, after, strict=True)
    ]
    now = card(*later, days=180)
    then = card(*before, at=NOW - 400 * DAY, days=180)
    shown = cards.moved(now.compare(then))
    row = next(each for each in shown["rows"] if each["title"] == "Engagement rate")
    assert (row["then"], row["now"], row["tone"], row["way"]) == (
        "60.0 %",
        "10.0 %",
        "poor",
        "down",
    )
    assert "Unsubscribe rate" in shown["missing"]
    text = page(now, comparison=now.compare(then))
    assert "Moved by more than chance" in text
    assert "The data cannot tell whether these moved:" in text


def test_fewer_of_what_is_bad_is_good() -> None:
    """A bounce rate that fell is shown in the colour of what is good."""
    pytest.importorskip("scipy")
    late = ("bounced", 49)
    pool = [
        person(f"p{n}", ("sent", 500), ("bounced", 499), ("sent", 50), *([late] * (n < 3)))
        for n in range(90)
    ]
    shown = cards.moved(card(*pool, days=180).compare(card(*pool, at=NOW - 400 * DAY, days=180)))
    row = next(each for each in shown["rows"] if each["title"] == "Bounce rate")
    assert (row["arrow"], row["tone"]) == ("▼", "good")


def test_what_is_counted_whole_needs_no_interval() -> None:
    """The pipeline grew, whatever chance does."""
    pool = [person("old", ("captured", 500)), person("new", ("captured", 5))]
    text = page(card(*pool), comparison=card(*pool).compare(card(*pool, at=NOW - 365 * DAY)))
    assert "Pipeline size, counted whole, went up from 1 person to 2 people (+100.0 %)." in text


def test_with_nobody_there_before_it_says_so() -> None:
    """A first window has nothing to be compared with."""
    pool = [person("new", ("captured", 5))]
    text = page(card(*pool), comparison=card(*pool).compare(card(at=NOW - 365 * DAY)))
    assert "Nobody was in the pipeline then" in text


def test_nothing_that_moved_is_said() -> None:
    """Two equal windows: nothing moved by more than chance."""
    pytest.importorskip("scipy")
    found = card(*opened(0.3))
    assert "Nothing moved by more than chance" in page(found, comparison=found.compare(found))


# --- without SciPy


@pytest.mark.usefixtures("bare")
def test_without_scipy_the_page_says_how_to_get_intervals() -> None:
    """The page is there all the same, without intervals, and names the extra."""
    found = card(*opened(0.3))
    text = page(found, comparison=found.compare(found))
    assert "pip install &#39;crmkit[stats]&#39;" in text or "pip install 'crmkit[stats]'" in text
    assert "Whether anything moved by more than chance takes intervals" in text
    assert "95 %: " not in text
    assert (
        charts.curves("fill", "t", {"a": Survival.of([(DAY * n, True) for n in range(9)])}) is None
    )


# --- tables and curves


def test_low_and_high_are_one_column_and_bars_are_out_of_the_greatest() -> None:
    """The interval is shown once, in words and on the last bar; a dash where there is none."""
    pytest.importorskip("scipy")
    pool = [
        person(f"p{n}", ("sent", 100), *([("replied", 99)] * (n < 10)), ("captured", 200))
        for n in range(40)
    ]
    grid = charts.grid(card(*pool).table("responses"), ["opened", "replied"])
    assert [head["name"] for head in grid["heads"]][-1] == "95 % interval"
    (row,) = grid["rows"]
    replied = row[4]
    assert replied["text"] == "25.0 %"
    assert 0 < replied["bar"]["from"] < replied["bar"]["width"] <= 100
    assert row[-1]["text"] == "14.2 – 40.2 %"
    assert row[2]["bar"] is None or row[2]["bar"]["width"] == 0
    assert all("low" not in note.split() for note in grid["notes"])


def test_a_wide_interval_of_a_few_does_not_set_the_scale() -> None:
    """The longest bar takes at least half of the room."""
    pytest.importorskip("scipy")
    pool = [person(f"p{n}", ("sent", 100), *([("replied", 99)] * (n < 1))) for n in range(10)]
    (row,) = charts.grid(card(*pool).table("responses"), ["replied"])["rows"]
    assert row[4]["bar"]["width"] >= 50


def test_shares_of_cohorts_are_shaded_numbers_are_not() -> None:
    """At most half of the colour, so that the text stays legible."""
    pool = [person(f"p{n}", ("captured", 20), ("sent", 10)) for n in range(9)]
    grid = charts.grid(card(*pool).table("cohorts"), heat=True)
    for row in grid["rows"]:
        assert row[1]["heat"] is None
        assert all(0 <= cell["heat"] <= 50 for cell in row[2:])


def test_a_curve_steps_where_something_ended_and_ends_in_its_box() -> None:
    """Lines and bands stay in the box; few or unended ones are not drawn."""
    pytest.importorskip("scipy")
    five = Survival.of([(DAY * days, days != 70) for days in (10, 20, 40, 70, 900)])
    two = Survival.of([(DAY, True)] * 2)
    chart = charts.curves("stay", "Who stays", {"a": five, "b": two}, longest=730)
    assert chart is not None
    assert chart["left_out"] == ["b"]
    (line,) = chart["lines"]
    assert line["line"].count("V") == 5
    for pair in line["band"].split():
        x, y = map(float, pair.split(","))
        assert 46 <= x <= 384
        assert 10 <= y <= 196
    assert chart["label"] == "Who stays. a: median 40.0 days (5 counted, 1 not ended)"
    assert charts.curves("stay", "t", {"b": two}) is None
    assert charts.curves("stay", "t", {"c": Survival.of([(DAY, False)] * 9)}) is None


@pytest.mark.parametrize("days", [0.0, 1.0, 39.0, 41.0, 730.0, 39_999.0, 40_001.0, 500_000.0])
def test_an_axis_ends_at_a_round_number(days: float) -> None:
    """Its quarters are whole days, and it holds what is drawn."""
    end = charts._round_up(days)
    assert end >= days
    assert end / 4 == int(end / 4) > 0


def test_the_page_draws_curves_with_a_text_beside_them() -> None:
    """A drawing has a label, and its numbers are in a table."""
    pytest.importorskip("scipy")
    roles = [Role(id=f"r{n}", title="t", opened_at=NOW - 200 * DAY) for n in range(8)]
    pool = [
        person(f"p{n}", ("sent", 190), ("applied", 150), ("hired", 100 + n), role_id=f"r{n}")
        for n in range(6)
    ]
    text = page(scorecard(pool, now=NOW, roles=roles))
    assert 'role="img" aria-label="Share of roles not filled yet, by days open. CRM-sourced' in text
    assert "There is no curve of how long people stay yet" in text
    assert 'id="t-time_to_fill"' in text
