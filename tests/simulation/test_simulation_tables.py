"""What a simulation hands out: rows with stable columns, rates with their counts, words."""

from datetime import UTC, datetime

import pytest

from crmkit.cadence import SEVEN_TOUCH
from crmkit.simulation import Behaviour, Measure, simulate

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def found(neutral):
    """Return a small simulation with two labels."""
    return simulate(
        neutral(40),
        SEVEN_TOUCH,
        start=START,
        weeks=52,
        label=lambda person: "a" if person.id.endswith("0") else "b",
    )


def test_the_columns_are_these_in_this_order(found):
    """Who reads the rows into a data frame relies on it."""
    assert [
        "candidate_id",
        "label",
        "cadence",
        "version",
        "touch",
        "rotation",
        "level",
        "channel",
        "week",
        "due_at",
        "sent_at",
        "by_hand",
        "temperature",
        "factor",
        "pressure",
        "opened_at",
        "clicked_at",
        "replied_at",
        "unsubscribed_at",
        "applied_at",
        "bounced_at",
        "state",
        "rule",
    ] == list(found.rows()[0])
    assert [
        "candidate_id",
        "label",
        "enrolled",
        "rule",
        "status",
        "messages",
        "mailed",
        "tasks",
        "opens",
        "clicks",
        "replies",
        "first_reply_days",
        "applied",
        "hired",
        "unsubscribed",
        "bounced",
        "archived",
        "plans",
    ] == list(found.people()[0])


def test_values_are_plain(found):
    """Texts, numbers, truth values, nothing, and instants in UTC: what data frames take."""
    for row in [*found.rows(), *found.people()]:
        assert {type(value) for value in row.values()} <= {
            str,
            int,
            float,
            bool,
            type(None),
            datetime,
        }
        assert {value.tzinfo for value in row.values() if type(value) is datetime} <= {UTC}


def test_weeks_count_from_the_start(found):
    """The welcome goes in week 0, the next in week 2 for whom nothing happened."""
    weeks = {row["touch"]: row["week"] for row in reversed(found.rows())}
    assert (0, 2) == (weeks["welcome"], weeks["value"])


def test_the_summary_counts_what_the_rows_say(found):
    """Numerators and denominators are sums over rows and people."""
    summary, rows = found.summary(), found.rows()
    sent = [row for row in rows if row["state"] == "sent"]
    assert len(sent) == summary["opened"]["denominator"]
    assert sum(row["opened_at"] is not None for row in sent) == summary["opened"]["numerator"]
    assert sum(row["sent_at"] is not None for row in rows) == summary["messages"]["numerator"]
    assert 40 == summary["applied"]["denominator"]
    replied = {row["candidate_id"] for row in rows if row["replied_at"]}
    assert len(replied) == summary["replied"]["numerator"]
    assert summary["replied"]["value"] == len(replied) / 40


def test_measures_of_one_label(found):
    """Those of the labels add up to those of all."""
    whole, *parts = ([each.numerator for each in found.measures(name)] for name in (None, "a", "b"))
    assert whole == [one + two for one, two in zip(*parts, strict=True)]
    assert ("b", "a") == found.labels


def test_measures_are_readable():
    """A share in per cent, a number over people, nothing where nothing was counted."""
    assert "e-mails opened: 25.0 % (5 of 20)" == str(Measure("opened", "e-mails opened", 5, 20))
    each = Measure("messages", "messages per person", 30, 20, is_share=False)
    assert "messages per person: 1.50 (30 over 20 people)" == str(each)
    assert "e-mails opened: – (0 of 0)" == str(Measure("opened", "e-mails opened", 0, 0))


def test_it_says_what_it_is(found):
    """Sizes and sums, no person; a table for notebooks."""
    assert repr(found).startswith("<Simulation of seven-touch: 40 people, 52 weeks, ")
    assert str(found).startswith("seven-touch: 40 people, 52 weeks from 2026-03-02, seed 0\n")
    page = found._repr_html_()
    assert "<caption>seven-touch: 40 people, 52 weeks from 2026-03-02, seed 0</caption>" in page
    assert "<td>messages per person</td>" in page


def test_what_is_shown_is_escaped(neutral):
    """A cadence's name is text, not markup."""
    from attrs import evolve

    named = evolve(SEVEN_TOUCH, name="<b>", version=2)
    behaviour = Behaviour()
    found = simulate(neutral(1), named, start=START, weeks=1, behaviour=behaviour)
    assert "<b> 2" == found.name
    assert "<b>" not in found._repr_html_()
