"""The pictures: every number in them is one of the tables, and every axis says what it is."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from crmkit.cadence import QUARTERLY, SEVEN_TOUCH
from crmkit.errors import MissingExtra
from crmkit.simulation import simulate

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def both(neutral):
    """Return one pool of two labels under two cadences."""
    return tuple(
        simulate(
            neutral(60),
            cadence,
            start=START,
            weeks=30,
            label=lambda person: "even" if int(person.id[1:]) % 2 == 0 else "odd",
        )
        for cadence in (SEVEN_TOUCH, QUARTERLY)
    )


@pytest.fixture
def pyplot():
    """Draw into memory, and leave no figure open."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    yield plt
    plt.close("all")


def test_touches_by_week_are_those_of_the_rows(both, pyplot):
    """The bars of each label stack up to the week's touches."""
    first, _ = both
    ax = first.plot()
    sent = Counter((row["label"], row["week"]) for row in first.rows() if row["sent_at"])
    for bars, label in zip(ax.containers, first.labels, strict=True):
        assert [sent[label, week] for week in range(30)] == [bar.get_height() for bar in bars]
    tops = [bar.get_y() + bar.get_height() for bar in ax.containers[-1]]
    assert [sum(sent[label, week] for label in first.labels) for week in range(30)] == tops


def test_the_weeks_say_what_they_are(both, pyplot):
    """Title, units and the labels; drawn into axes of the caller's when given."""
    first, _ = both
    _, mine = pyplot.subplots()
    ax = first.plot(mine)
    assert ax is mine
    assert "Touches per week: seven-touch, 60 people" == ax.get_title(loc="left")
    assert ("weeks after 2 March 2026", "touches") == (ax.get_xlabel(), ax.get_ylabel())
    assert {"even", "odd"} == {text.get_text() for text in ax.get_legend().get_texts()}


def test_many_labels_share_the_last_colour(neutral, pyplot):
    """Seven colours can be told apart; the small labels go together, and none is lost."""
    found = simulate(
        neutral(30), SEVEN_TOUCH, start=START, weeks=4, label=lambda person: person.id[-1]
    )
    ax = found.plot()
    shown = [text.get_text() for text in ax.get_legend().get_texts()]
    assert (7, "all others") == (len(shown), shown[0])
    heights = sum(bar.get_height() for bars in ax.containers for bar in bars)
    assert heights == sum(row["sent_at"] is not None for row in found.rows())


def test_one_label_needs_no_legend(neutral, pyplot):
    """There is nothing to tell apart."""
    found = simulate(neutral(3), SEVEN_TOUCH, start=START, weeks=4)
    assert None is found.plot().get_legend()


def test_differences_are_those_of_the_table(both, pyplot):
    """A point and an interval for all that people do, in percentage points, from the top down."""
    pytest.importorskip("scipy")
    comparison = both[0].compare(both[1])
    ax = comparison.plot()
    shown = [each for each in comparison.differences if not each.first.is_effort]
    points = [line for line in ax.lines if line.get_marker() == "o"]
    assert [100 * each.value for each in reversed(shown)] == [
        line.get_xdata()[0] for line in points
    ]
    ranges = [line for line in ax.lines if line.get_linewidth() == 2 and line not in points]
    assert [(100 * each.low, 100 * each.high) for each in reversed(shown)] == [
        tuple(line.get_xdata()) for line in ranges
    ]
    filled = [line.get_markerfacecolor() != "white" for line in points]
    assert [bool(each.clear) for each in reversed(shown)] == filled


def test_the_differences_say_what_they_are(both, pyplot):
    """Which against which, what it cost, the unit, the direction and the confidence."""
    pytest.importorskip("scipy")
    _, mine = pyplot.subplots()
    ax = both[0].compare(both[1], confidence=0.9).plot(mine)
    assert ax is mine
    assert "quarterly against seven-touch: 60 people\n" == ax.get_title(loc="left")
    assert "percentage points" in ax.get_xlabel()
    assert "more with quarterly →\n90 % intervals" in ax.get_xlabel()
    assert any(text.get_text().startswith("messages per person") for text in ax.texts)
    assert ax.get_yticklabels()[-1].get_text().startswith("e-mails opened\n")


def test_of_one_person_there_are_points_without_intervals(neutral, pyplot):
    """The picture is drawn all the same."""
    pytest.importorskip("scipy")
    found = simulate(neutral(1), SEVEN_TOUCH, start=START, weeks=2)
    ax = found.compare(found).plot()
    assert 7 == sum(line.get_marker() == "o" for line in ax.lines)
    assert 8 == len(ax.lines)


def test_without_matplotlib_the_error_says_what_to_install(both, monkeypatch):
    """The tables need nothing; the pictures need the extra."""
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(MissingExtra, match=r"pip install 'crmkit\[plot\]'"):
        both[0].plot()
