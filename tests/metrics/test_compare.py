"""Two periods compared: what moved, and what the data cannot tell."""

from datetime import UTC, datetime, timedelta

import pytest

from crmkit.engagement import EngagementPolicy
from crmkit.errors import NotFound
from crmkit.metrics import Attribution, Scorecard, scorecard
from crmkit.model import Candidate, Interaction, Relationship

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
WINDOW = 100 * DAY


def pool(opened_then: int, opened_now: int, people: int = 200) -> list[Relationship]:
    """People mailed once in each of two windows, of whom so many opened."""
    found = []
    for number in range(people):
        facts = [("sent", 150), ("sent", 50)]
        facts += [("opened", 149)] if number < opened_then else []
        facts += [("opened", 49)] if number < opened_now else []
        log = [
            Interaction(candidate_id=f"p{number}", kind=kind, at=NOW - days * DAY)
            for kind, days in facts
        ]
        found.append(Relationship(Candidate(id=f"p{number}"), log))
    return found


def cards(opened_then: int, opened_now: int) -> tuple[Scorecard, Scorecard]:
    people = pool(opened_then, opened_now)
    earlier = scorecard(people, now=NOW - WINDOW, window=WINDOW)
    return earlier, scorecard(people, now=NOW, window=WINDOW)


def test_a_share_that_moved_says_by_how_much_and_how_surely() -> None:
    """From 20 % to 40 %: twice as much, and chance does not make that of two hundred."""
    scipy = pytest.importorskip("scipy.stats.contingency")
    earlier, later = cards(40, 80)
    change = later.compare(earlier)["open_rate"]
    assert change.change == pytest.approx(1.0)
    bounds = scipy.relative_risk(80, 200, 40, 200).confidence_interval(0.95)
    assert change.interval() == pytest.approx((bounds.low - 1, bounds.high - 1))
    assert change.moved is True
    assert change.shown == "+100.0 %"
    assert change in later.compare(earlier).moved


def test_what_chance_alone_could_make_cannot_be_told() -> None:
    """From 20 % to 21 %: no claim."""
    pytest.importorskip("scipy")
    earlier, later = cards(40, 42)
    change = later.compare(earlier)["open_rate"]
    assert change.moved is None
    assert change not in later.compare(earlier).moved
    row = next(row for row in later.compare(earlier).to_dicts() if row["metric"] == "Open rate")
    assert row["moved"] == "cannot be told"


def test_what_was_nothing_or_is_missing_cannot_be_compared() -> None:
    """No division by zero, and no number out of nothing."""
    earlier, later = cards(0, 1)
    found = later.compare(earlier)
    assert (found["open_rate"].change, found["open_rate"].shown) == (None, "up from 0")
    assert (found["time_to_fill"].change, found["time_to_fill"].shown) == (
        None,
        "cannot be compared",
    )


@pytest.mark.parametrize(
    ("then", "now", "moved"),
    [(0, 30, True), (30, 0, True), (0, 2, None), (2, 0, None), (0, 0, None)],
)
def test_from_nothing_and_to_nothing_fisher_tells(then: int, now: int, moved: bool | None) -> None:
    """A ratio has no bound there; what fell to 0 has moved all the same."""
    pytest.importorskip("scipy")
    earlier, later = cards(then, now)
    change = later.compare(earlier)["open_rate"]
    assert change.moved is moved
    row = next(row for row in later.compare(earlier).to_dicts() if row["metric"] == "Open rate")
    assert row["moved"] == ("yes" if moved else "cannot be told" if then or now else "")


def test_sizes_are_compared_without_an_interval() -> None:
    """They are counted whole."""
    earlier, later = cards(1, 1)
    change = later.compare(earlier)["pipeline_size"]
    assert (change.change, change.interval(), change.moved) == (0.0, None, None)


def test_it_is_a_table_to_look_at() -> None:
    """As text, page and rows; by name, with near ones suggested."""
    earlier, later = cards(40, 80)
    found = later.compare(earlier)
    assert len(found) == len(later)
    assert str(found).startswith("What moved from 2025-11-22 to 2026-03-02\n")
    assert "<caption>What moved" in found._repr_html_()
    assert repr(found) == "<Comparison of 2025-11-22 and 2026-03-02>"
    assert repr(found["open_rate"]) == "<Change open_rate: 20.0 % to 40.0 %>"
    with pytest.raises(NotFound, match="did you mean 'open_rate'"):
        found["open_rat"]


def test_windows_of_two_lengths_are_not_compared_in_silence() -> None:
    """A year has more of everything than a quarter."""
    people = pool(40, 80)
    later = scorecard(people, now=NOW, window=WINDOW)
    unlike = later.compare(scorecard(people, now=NOW - WINDOW, window=WINDOW / 2))
    (caution,) = unlike.cautions
    assert caution.startswith("The windows differ: 50 days and 100 days.")
    assert caution in str(unlike)
    assert not later.compare(scorecard(people, now=NOW - WINDOW, window=WINDOW)).cautions


def test_other_rules_are_not_compared_in_silence() -> None:
    """Nor another attribution, nor another policy, nor what is simulated."""
    people = pool(1, 1, people=3)
    marked = [
        Relationship(Candidate(id=one.id, custom={"simulated": True}), one.history)
        for one in people
    ]
    later = scorecard(
        marked,
        now=NOW,
        attribution=Attribution(rule="last"),
        policy=EngagementPolicy(cold_after=5),
    )
    assert [each.split(" ")[1] for each in later.compare(scorecard(people, now=NOW)).cautions] == [
        "attributions",
        "engagement",
        "3",
    ]
