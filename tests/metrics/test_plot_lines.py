"""The pictures over time: curves with their bands, and the sizes of segments."""

import sys
from datetime import datetime
from math import isnan

import pytest
from pictures import DAY, NOW, draw, legend, texts

from crmkit.errors import MissingExtra, NaiveInstant
from crmkit.metrics import plot_sizes, scorecard
from crmkit.model import Candidate, Interaction, Relationship, Role

# Curves.


@pytest.mark.parametrize("name", ["fill", "stay"])
def test_the_steps_are_the_curves(drawn, ax, name):
    """Each point of it, and a tick for each duration that has not ended."""
    pytest.importorskip("scipy")
    curves = getattr(drawn, f"{name}_curves")
    draw(drawn, name, ax)
    steps = [line for line in ax.lines if line.get_drawstyle() == "steps-post"]
    marks = [line for line in ax.lines if line.get_marker() == "|"]
    for curve, line, ticks in zip(curves.values(), steps, marks, strict=True):
        points = curve.curve()
        assert [(p.days, p.share) for p in points] == list(zip(*line.get_data(), strict=True))
        going = [(span / DAY, curve.at(span / DAY)) for span, _ in curve.going]
        assert going == list(zip(*ticks.get_data(), strict=True))
    assert len(curves) == len({line.get_linestyle() for line in steps})


def test_the_bands_are_the_bounds(drawn, ax):
    """From where the method gives some."""
    pytest.importorskip("scipy")
    draw(drawn, "fill", ax)
    for curve, band in zip(drawn.fill_curves.values(), ax.collections, strict=True):
        drawn_at = {round(y, 9) for path in band.get_paths() for y in path.vertices[:, 1]}
        bounds = {
            round(bound, 9)
            for point in curve.curve()
            for bound in (point.low, point.high)
            if bound is not None
        }
        assert bounds
        assert bounds == {y for y in drawn_at if not isnan(y)}


def test_the_numbers_under_watch_are_counted_anew(drawn, ax):
    """At each tick of the axis, one line for each curve."""
    pytest.importorskip("scipy")
    draw(drawn, "stay", ax)
    found = [text for text in texts(ax) if text.replace(",", "").isdigit()]
    expected = [
        str(sum(number for span, number in curve.ends + curve.going if span >= tick * DAY))
        for curve in drawn.stay_curves.values()
        for tick in ax.get_xticks()
    ]
    assert expected == found


def test_the_legend_tells_the_numbers(drawn, ax):
    """Median and its interval, what ended and what did not, and whether the data can tell."""
    pytest.importorskip("scipy")
    draw(drawn, "fill", ax)
    for row, line in zip(drawn.table("time_to_fill"), legend(ax), strict=False):
        name, ended, going, middle, *_ = row
        median = "median not reached" if middle is None else f"median {middle:,.1f}"
        assert line.startswith(f"{name}: {median.removesuffix('.0')}")
        assert line.endswith(f"; {ended} filled, {going} not filled yet")
    assert legend(ax)[-1].startswith("CRM-sourced against cold: log-rank p = ")


def test_a_curve_that_never_steps_has_no_band(ax):
    """Nothing was filled: the line stays at 100 %, and the median is not reached."""
    pytest.importorskip("scipy")
    roles = [Role(id="r", title="R", opened_at=NOW - 40 * DAY)]
    found = scorecard([Relationship(Candidate(id="a"), [])], now=NOW, roles=roles)
    found.plot_fill(ax).figure.draw_without_rendering()
    assert "all roles: median not reached; 0 filled, 1 not filled yet" in legend(ax)
    assert "cold: none counted" in legend(ax)
    assert {1.0} == {y for line in ax.lines[::2] for y in line.get_ydata()} - {0.5}


def test_a_side_with_nobody_is_named(ax):
    """The other is drawn."""
    pytest.importorskip("scipy")
    log = [Interaction(candidate_id="a", kind="hired", at=NOW - 30 * DAY)]
    scorecard([Relationship(Candidate(id="a"), log)], now=NOW).plot_stay(ax)
    assert "CRM-sourced: none counted" in legend(ax)
    assert "cold: nobody followed for a year; 0 left, 1 still here" in legend(ax)
    assert "CRM-sourced against cold: too few for a log-rank test" in legend(ax)


def test_a_year_is_marked_where_it_is_reached(ax):
    """With the share still here then."""
    pytest.importorskip("scipy")
    people = []
    for number in range(8):
        log = [Interaction(candidate_id=str(number), kind="hired", at=NOW - 700 * DAY)]
        if number < 2:
            left = NOW - (600 - number) * DAY
            log.append(Interaction(candidate_id=str(number), kind="left", at=left))
        people.append(Relationship(Candidate(id=str(number)), log))
    found = scorecard(people, now=NOW)
    found.plot_stay(ax)
    low, high = found.stay_curves["cold"].interval_at(365)
    bounds = f"({low * 100:.1f} % to {high * 100:.1f} %)"
    assert f"cold: 75.0 % after a year {bounds}; 2 left, 6 still here" in legend(ax)
    assert any(list(line.get_xdata()) == [365, 365] for line in ax.lines)


# Segments.

SIZES = [
    (NOW - 60 * DAY, {"alumni": 40, "$by$ skill": 5}),
    (NOW, {"alumni": 44, "$by$ skill": 90, "_new": 7}),
    (NOW - 30 * DAY, {"alumni": 42, "$by$ skill": 50}),
]


def test_the_lines_are_the_sizes(ax):
    """In the order of time; a gap where a segment was not there yet."""
    from matplotlib.dates import date2num

    assert ax is plot_sizes(SIZES, ax)
    skill, alumni, new = ax.lines
    assert [5, 50, 90] == list(skill.get_ydata())
    assert [40, 42, 44] == list(alumni.get_ydata())
    assert [True, True, False] == [isnan(y) for y in new.get_ydata()]
    days = [date2num(NOW - ago * DAY) for ago in (60, 30, 0)]
    assert days == list(alumni.get_xdata())
    assert ["$by$ skill: 90", "alumni: 44", "_new: 7"] == legend(ax)
    assert ("time, in UTC", "people in the segment") == (ax.get_xlabel(), ax.get_ylabel())
    assert "Segment sizes from 2026-01-01 to 2026-03-02" == ax.get_title(loc="left")
    ax.figure.draw_without_rendering()


def test_a_long_name_is_cut(ax):
    """It leaves room for the lines, and the number behind it stays."""
    plot_sizes([(NOW, {"x" * 90: 3})], ax)
    (name,) = ax.get_legend().get_texts()
    assert name.get_text().replace("\n", "").replace(" ", "") == f"{'x' * 58}…:3"
    assert {28} >= {len(line) for line in name.get_text().splitlines()[:2]}
    assert all(tick == int(tick) for tick in ax.get_yticks())


def test_forty_segments_have_a_style_each(ax):
    """Colour and mark together are one line's only."""
    plot_sizes([(NOW, {f"s{number:02}": number for number in range(40)})], ax)
    styles = {(line.get_color(), line.get_marker()) for line in ax.lines}
    assert 40 == len(styles) == len(ax.lines)
    assert "Segment sizes, 2026-03-02" == ax.get_title(loc="left")


@pytest.mark.parametrize("sizes", [[], [(NOW, {})]])
def test_no_segments_have_nothing_to_show(ax, sizes):
    """The axes say so."""
    assert ["nothing to show"] == texts(plot_sizes(sizes, ax))


def test_sizes_of_simulated_people_say_so(ax):
    """If the caller says how many there are."""
    plot_sizes(SIZES, ax, simulated=1_200)
    assert ax.get_title(loc="left").endswith("\nSIMULATED: 1,200 people are simulated")


def test_a_naive_instant_is_refused_with_its_place(ax):
    """Which zone would it be?"""
    with pytest.raises(NaiveInstant, match=r"sizes\[1\]\[0\]"):
        plot_sizes([SIZES[0], (datetime(2026, 3, 2), {"alumni": 1})], ax)  # noqa: DTZ001


def test_sizes_without_matplotlib_say_what_to_install(monkeypatch):
    """As the other pictures do."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingExtra, match=r"pip install 'crmkit\[plot\]'"):
        plot_sizes(SIZES)
