"""Two simulations of one pool: what differs, with intervals that stand up to others'."""

from datetime import UTC, datetime, timedelta

import attrs
import pytest

from crmkit.cadence import QUARTERLY, SEVEN_TOUCH
from crmkit.errors import InvalidRecord, MissingExtra
from crmkit.simulation import simulate

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
np = pytest.importorskip("numpy")
stats = pytest.importorskip("scipy.stats")


@pytest.fixture(scope="module")
def both(neutral):
    """Return one pool under two cadences."""
    pool = neutral(150)
    return tuple(
        simulate(pool, cadence, start=START, weeks=52) for cadence in (SEVEN_TOUCH, QUARTERLY)
    )


def column(simulation, name):
    return np.array([float(person[name]) for person in simulation.people()])


@pytest.mark.parametrize("name", ["messages", "tasks", "applied", "archived"])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_one_per_person_is_the_paired_t(both, name, confidence):
    """For what is counted once a person, the interval is SciPy's of the paired t-test."""
    first, second = both
    found = first.compare(second, confidence=confidence)[name]
    test = stats.ttest_rel(column(second, name), column(first, name))
    low, high = test.confidence_interval(confidence)
    assert (low, high) == pytest.approx((found.low, found.high))
    assert found.value == pytest.approx(np.mean(column(second, name) - column(first, name)))


def test_a_rate_of_messages_agrees_with_the_bootstrap(both):
    """Opens ÷ e-mails, whose denominators differ from person to person."""
    first, second = both
    found = first.compare(second)["opened"]
    columns = [column(each, name) for each in both for name in ("opens", "mailed")]

    def difference(opens, mailed, opens_too, mailed_too, axis):
        rates = opens.sum(axis) / mailed.sum(axis), opens_too.sum(axis) / mailed_too.sum(axis)
        return rates[1] - rates[0]

    resampled = stats.bootstrap(
        columns,
        difference,
        paired=True,
        vectorized=True,
        n_resamples=2000,
        method="percentile",
        random_state=np.random.default_rng(1),
    ).confidence_interval
    assert (resampled.low, resampled.high) == pytest.approx((found.low, found.high), abs=0.006)


def test_common_luck_makes_narrow_intervals(both, neutral):
    """The same luck in both halves the noise: unpaired, the interval would be far wider."""
    first, second = both
    found = first.compare(second)["replied"]
    replies = [column(each, "replies") > 0 for each in both]
    apart = stats.ttest_ind(*[each.astype(float) for each in replies]).confidence_interval()
    assert (found.high - found.low) < 0.5 * (apart.high - apart.low)


def test_a_simulation_does_not_differ_from_itself(both):
    """Every difference is nothing, surely, and nothing is called more or less."""
    first, _ = both
    found = first.compare(first)
    assert [(0, 0, 0, "")] * 10 == [
        (each.value, each.low, each.high, each.clear) for each in found.differences
    ]
    assert ("seven-touch (first)", "seven-touch (second)") == found.names


def test_the_other_way_round_is_the_negative(both):
    """Swapping the two changes signs and nothing else."""
    first, second = both
    there, back = first.compare(second), second.compare(first)
    for name in ("messages", "opened", "applied"):
        assert there[name].value == pytest.approx(-back[name].value)
        assert (there[name].low, there[name].high) == pytest.approx(
            (-back[name].high, -back[name].low)
        )
    assert ("less", "more") == (there["tasks"].clear, back["tasks"].clear)


def test_the_table_reads_without_the_docs(both):
    """Both values, the difference with its unit, the interval and the word."""
    first, second = both
    found = first.compare(second)
    head, columns, *rows = str(found).splitlines()
    span = "150 people, 52 weeks from 2026-03-02, seed 0"
    assert f"quarterly against seven-touch: {span}" == head
    assert ["seven-touch", "quarterly", "difference", "95", "%", "interval"] == columns.split()
    told = next(row for row in rows if row.startswith("of these by hand"))
    assert told.endswith("less")
    assert " points" in next(row for row in rows if row.startswith("people who replied"))
    assert "<td>of these by hand</td>" in found._repr_html_()
    assert repr(found).startswith("<Comparison of seven-touch with quarterly: ")


def test_rows_for_a_data_frame(both):
    """One row a measure, plain numbers only."""
    first, second = both
    found = first.compare(second)
    row = next(row for row in found.rows() if row["name"] == "applied")
    assert row["difference"] == row["second"] - row["first"]
    assert ["messages", "tasks", "opened"] == [row["name"] for row in found.rows()][:3]
    assert list(found.rows()[0]) == [
        "name",
        "title",
        "first",
        "second",
        "difference",
        "low",
        "high",
        "confidence",
    ]


def test_a_measure_by_a_wrong_name(both):
    """As with any mapping."""
    first, second = both
    with pytest.raises(KeyError, match="opend"):
        first.compare(second)["opend"]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"seed": 7}, "seed: 0 and 7"),
        ({"weeks": 51}, "weeks: 52 and 51"),
        ({"start": START + timedelta(days=1)}, "start"),
        ({"pool": "another"}, "pool; simulate both alike"),
    ],
)
def test_what_cannot_be_compared_is_refused(both, changes, what):
    """Another pool, seed or span would be a difference of luck."""
    first, second = both
    with pytest.raises(InvalidRecord, match=f"of the same {what}") as caught:
        first.compare(attrs.evolve(second, **changes))
    assert "other" == caught.value.path


def test_only_simulations_are_compared(both):
    """A comparison, or a table of rows, is none."""
    first, second = both
    with pytest.raises(InvalidRecord, match="expected a Simulation, got Comparison") as caught:
        first.compare(first.compare(second))
    assert "other" == caught.value.path


@pytest.mark.parametrize("confidence", [0, 1, 95])
def test_confidence_is_a_share(both, confidence):
    """95 is not 0.95."""
    first, second = both
    with pytest.raises(InvalidRecord, match="between 0 and 1") as caught:
        first.compare(second, confidence=confidence)
    assert "confidence" == caught.value.path


@pytest.mark.parametrize("count", [0, 1])
def test_of_nobody_or_one_there_is_no_interval(neutral, count):
    """The table has dashes."""
    found = simulate(neutral(count), SEVEN_TOUCH, start=START, weeks=2)
    [difference, *_] = found.compare(found).differences
    assert (None, None, "") == (difference.low, difference.high, difference.clear)
    assert (None, 0.0)[count] == difference.value
    assert "–" in str(found.compare(found))


def test_without_scipy_the_error_says_what_to_install(both, monkeypatch):
    """The numbers are there without it; the intervals need the extra."""
    monkeypatch.setitem(__import__("sys").modules, "scipy.stats", None)
    first, second = both
    with pytest.raises(MissingExtra, match=r"pip install 'crmkit\[stats\]'"):
        first.compare(second)
