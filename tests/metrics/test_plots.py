"""The pictures: what is drawn are the numbers of the tables, and every axis says what it is."""

import sys
from math import inf

import attrs
import pytest
from pictures import card, draw, legend, texts

from crmkit.errors import MissingExtra, UnknownName
from crmkit.metrics import MetricVerdict

PICTURES = ("funnel", "cohorts", "touches", "benchmarks", "fill", "stay")


# Every picture.


@pytest.mark.parametrize("name", PICTURES)
def test_given_axes_are_used_and_nothing_else_is_touched(drawn, ax, pyplot, name):
    """The axes come back; pyplot hears nothing of it, and no setting is changed."""
    pytest.importorskip("scipy")
    before = dict(pyplot.rcParams)
    assert ax is draw(drawn, name, ax)
    assert [] == pyplot.get_fignums()
    assert before == dict(pyplot.rcParams)
    ax.figure.draw_without_rendering()


@pytest.mark.parametrize("name", PICTURES)
def test_without_axes_there_is_a_figure(drawn, pyplot, name):
    """One new figure, which is not shown."""
    pytest.importorskip("scipy")
    made = draw(drawn, name)
    assert [made.figure.number] == pyplot.get_fignums()


@pytest.mark.parametrize("name", PICTURES)
def test_a_title_says_as_of_when(drawn, ax, name):
    """And over which window, for all but the cohorts, which have everyone."""
    pytest.importorskip("scipy")
    title = draw(drawn, name, ax).get_title(loc="left")
    window = "everyone" if name == "cohorts" else "window: the 365 days"
    assert f"\n{window} up to 2026-03-02 09:00 UTC" in title
    assert "SIMULATED" not in title


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("people", [0, 20])
def test_a_title_says_simulated(ax, name, people):
    """As every other output does, if anybody is."""
    pytest.importorskip("scipy")
    found = card(people, simulated=True)
    title = draw(found, name, ax).get_title(loc="left").replace("\n", " ")
    said = "SIMULATED: 20 people, or what they did, are simulated"
    assert (people > 0) is (said in title)


@pytest.mark.parametrize("name", PICTURES)
def test_an_axis_says_what_it_measures(drawn, ax, name):
    """In people, shares or days."""
    pytest.importorskip("scipy")
    said = draw(drawn, name, ax).get_xlabel()
    assert any(unit in said for unit in ("people", "share", "days", "scale"))


@pytest.mark.parametrize("name", PICTURES)
def test_an_empty_pool_has_nothing_to_show(ax, name):
    """The axes say so."""
    assert ["nothing to show"] == texts(draw(card(0), name, ax))


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("people", [1, 2, 3, 6])
def test_a_few_people_are_drawn(ax, name, people):
    """However few: what is too few for a rate says so or is left blank."""
    pytest.importorskip("scipy")
    draw(card(people), name, ax).figure.draw_without_rendering()


@pytest.mark.parametrize("name", PICTURES)
def test_without_matplotlib_the_error_says_what_to_install(drawn, monkeypatch, name):
    """The tables need nothing; the pictures need the extra."""
    pytest.importorskip("scipy")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingExtra, match=r"pip install 'crmkit\[plot\]'"):
        draw(drawn, name)


@pytest.mark.parametrize("name", ["funnel", "cohorts", "touches", "benchmarks"])
def test_without_scipy_there_are_no_intervals(drawn, ax, monkeypatch, name):
    """The values are drawn all the same, and no label promises an interval."""
    monkeypatch.setitem(sys.modules, "scipy.stats", None)
    draw(drawn, name, ax)
    assert not any("95 %" in text for text in (ax.get_xlabel(), *texts(ax)))
    assert not ax.lines or name == "cohorts"


@pytest.mark.parametrize("name", ["fill", "stay"])
def test_a_curve_without_scipy_says_what_to_install(drawn, pyplot, monkeypatch, name):
    """Before it makes a figure."""
    monkeypatch.setitem(sys.modules, "scipy.stats", None)
    with pytest.raises(MissingExtra, match=r"pip install 'crmkit\[stats\]'"):
        draw(drawn, name)
    assert [] == pyplot.get_fignums()


# The funnel.


def test_the_bars_are_the_stages(drawn, ax):
    """As long as the people who reached each; hatched from where the stage before was skipped."""
    draw(drawn, "funnel", ax)
    ends: dict[int, float] = {}
    hatched: dict[int, float] = {}
    for bar in ax.patches:
        place = round(bar.get_y() + bar.get_height() / 2)
        ends[place] = bar.get_x() + bar.get_width()
        if bar.get_hatch():
            hatched[place] = bar.get_width()
    rows = list(drawn.table("funnel"))
    assert [row[1] for row in rows] == [ends[place] for place in range(len(rows))]
    skipped = {p: row[1] - row[2] for p, row in enumerate(rows) if p and row[1] > row[2]}
    assert skipped == hatched
    assert skipped
    assert [row[0] for row in rows] == [tick.get_text() for tick in ax.get_yticklabels()]


def test_the_funnel_is_written_out(drawn, ax):
    """The number behind each bar, and the conversion beside it, with its interval."""
    pytest.importorskip("scipy")
    draw(drawn, "funnel", ax)
    for row, shown in zip(drawn.table("funnel"), drawn.table("funnel").shown, strict=True):
        assert shown[1] in texts(ax)
        if row[3] is not None:
            assert f"{shown[3]}  ({shown[4]} to {shown[5]})" in texts(ax)
    assert "too few for a rate" in texts(ax)


# The cohorts.


def test_the_cells_are_the_cohorts(drawn, ax):
    """Months from the top down, the number in each cell, a hatched cell where there is no rate."""
    draw(drawn, "cohorts", ax)
    rows = list(drawn.table("cohorts"))
    (image,) = ax.images
    cells = image.get_array()
    known = [row[2:] for row in rows if row[2] is not None]
    assert [list(row) for row in known] == [
        list(cells[place]) for place, row in enumerate(rows) if row[2] is not None
    ]
    unknown = [place for place, row in enumerate(rows) if row[2] is None]
    assert unknown
    assert all(cells.mask[place].all() for place in unknown)
    assert {(x, place) for x in range(6) for place in unknown} == {
        (round(each.get_x() + 0.5), round(each.get_y() + 0.5)) for each in ax.patches
    }
    assert all(each.get_hatch() for each in ax.patches)
    written = [cell for row in drawn.table("cohorts").shown for cell in row[2:] if cell != "—"]
    assert written == texts(ax)
    assert [f"{row[0]}  ({row[1]})" for row in rows] == [
        tick.get_text() for tick in ax.get_yticklabels()
    ]


def test_numbers_stand_out_from_their_cells(drawn, ax):
    """By a contrast of at least 4.5, which the accessibility guidelines (WCAG) ask for."""
    draw(drawn, "cohorts", ax)
    (image,) = ax.images
    for text in ax.texts:
        x, y = text.get_position()
        back = _luminance(image.cmap(image.norm(image.get_array()[y, x])))
        front = 1.0 if text.get_color() == "white" else 0.0
        light, dark = max(back, front), min(back, front)
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def _luminance(rgba) -> float:
    parts = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in rgba[:3]]
    return sum(a * b for a, b in zip(parts, (0.2126, 0.7152, 0.0722), strict=True))


def test_cells_too_small_to_read_have_no_numbers(drawn, pyplot):
    """They are coloured all the same."""
    from matplotlib.figure import Figure

    small = Figure(figsize=(3, 1)).subplots()
    draw(drawn, "cohorts", small)
    assert [] == texts(small)
    assert 1 == len(small.images)


def test_some_stages_can_be_chosen(drawn, ax):
    """In the order given."""
    draw(drawn, "cohorts", ax, stages=("hired", "applied"))
    names = [column.name for column in drawn.table("cohorts").columns]
    places = [names.index("hired"), names.index("applied")]
    rows = [row for row in drawn.table("cohorts") if row[2] is not None]
    found = [list(line) for line in ax.images[0].get_array() if not line.mask.any()]
    assert [[row[place] for place in places] for row in rows] == found
    assert ["hired", "applied"] == [tick.get_text() for tick in ax.get_xticklabels()]


def test_an_unknown_stage_suggests_a_near_one(drawn, pyplot):
    """Before a figure is made."""
    with pytest.raises(UnknownName, match="did you mean 'applied'"):
        draw(drawn, "cohorts", stages=("aplied",))
    assert [] == pyplot.get_fignums()


# Responses.


@pytest.mark.parametrize("by", ["touch", "channel", "level"])
def test_the_bars_are_the_responses(drawn, ax, by):
    """Three for each row of the table, from the top down, with the Wilson interval of each."""
    pytest.importorskip("scipy")
    from scipy.stats import binomtest

    draw(drawn, "touches", ax, by=by)
    rows = drawn.responses(by).to_dicts()
    bars = sorted(ax.patches, key=lambda bar: bar.get_y())
    values = [row[name] for row in rows for name in ("opened", "clicked", "replied")]
    assert values == [bar.get_width() for bar in bars]
    lines = sorted(ax.lines, key=lambda line: line.get_ydata()[0])
    wholes = [row["messages"] for row in rows for _ in range(3)]
    for value, whole, line in zip(values, wholes, lines, strict=True):
        bounds = binomtest(round(value * whole), whole).proportion_ci(0.95, "wilson")
        assert pytest.approx((bounds.low, bounds.high)) == tuple(line.get_xdata())
    assert [f"{row[by]}\n{row['messages']:,} messages" for row in rows] == [
        tick.get_text() for tick in ax.get_yticklabels()
    ]
    assert ["opened", "clicked", "replied"] == legend(ax)


def test_the_kinds_are_told_apart_without_colour(drawn, ax):
    """By hatches."""
    draw(drawn, "touches", ax)
    assert 3 == len({bar.get_hatch() for bar in ax.patches})


def test_a_few_messages_get_no_bar(ax):
    """But a word."""
    draw(card(3), "touches", ax)
    assert ["too few for a rate"] * 3 == texts(ax)
    assert [] == list(ax.patches)


def test_messages_are_parted_by_known_things_only(drawn, pyplot):
    """As the table says."""
    with pytest.raises(UnknownName, match="did you mean 'touch'"):
        draw(drawn, "touches", by="touhc")


# Metrics by their benchmarks.


def test_each_row_is_a_metric(drawn, ax):
    """Bar, line and band are its value, its interval and its benchmark; the words say both."""
    pytest.importorskip("scipy")
    draw(drawn, "benchmarks", ax)
    shown = [metric for metric in drawn if metric.benchmark]
    for metric, row in zip(shown, ax.child_axes, strict=True):
        band, *bars = row.patches
        assert pytest.approx((metric.benchmark.low, metric.benchmark.high)) == (
            band.get_x(),
            band.get_x() + band.get_width(),
        )
        values = [] if metric.value is None else [metric.value]
        assert values == [bar.get_width() for bar in bars]
        assert [metric.verdict is MetricVerdict.TOO_FEW] * len(bars) == [
            bar.get_hatch() is not None for bar in bars
        ]
        found = metric.interval()
        if found:
            (line,) = [line for line in row.lines if line.get_linewidth() == 1.6]
            low, high = line.get_xdata()
            signs = [line.get_marker() for line in row.lines]
            assert low == found[0] or (found[0] < low and "<" in signs)
            assert high == found[1] or (found[1] > high and ">" in signs)
        usual = f"usual: {metric.benchmark}"
        verdict = metric.verdict.replace("_", " ")
        words = verdict if metric.value is None else f"{metric.shown}, {verdict}"
        assert f"{words}\n{usual}" in texts(ax)
    names = [tick.get_text().replace("\n", " ") for tick in ax.get_yticklabels()]
    assert all(name.startswith(metric.title) for metric, name in zip(shown, names, strict=True))
    assert "Time to fill, faster by" in names


def test_an_interval_inside_its_row_is_whole(drawn, ax):
    """To the last digit."""
    pytest.importorskip("scipy")
    draw(drawn, "benchmarks", ax)
    shown = [metric.name for metric in drawn if metric.benchmark]
    for name in ("engagement_rate", "conversion_rate"):
        row = ax.child_axes[shown.index(name)]
        assert any(drawn[name].interval() == tuple(line.get_xdata()) for line in row.lines)


def test_an_endless_interval_ends_in_an_arrow(drawn, ax):
    """At both edges of its row, which stays readable."""
    from crmkit.metrics._plots import plot_benchmarks

    class Endless:
        method = "none"

        def interval(self, level: float) -> tuple[float, float]:
            return -inf, inf

    metric = attrs.evolve(drawn["cost_per_hire"], estimate=Endless())
    plot_benchmarks([metric], [], ax)
    (row,) = ax.child_axes
    assert ["<", ">"] == [
        line.get_marker() for line in row.lines if line.get_marker() in {"<", ">"}
    ]
    left, right = row.get_xlim()
    assert -2 < left < 0 < right < 2
