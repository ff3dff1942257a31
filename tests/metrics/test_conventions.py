"""One name, several definitions: each tool's, named in the output."""

from datetime import UTC, datetime, timedelta

import pytest

from crmkit.errors import NotFound, UnknownName
from crmkit.metrics import Convention, Scorecard, scorecard
from crmkit.model import Candidate, Interaction, Relationship

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def person(key: str, *kinds: str, channel: str = "email") -> Relationship:
    """Somebody to whom these things happened, one a day."""
    log = [
        Interaction(candidate_id=key, kind=kind, at=NOW - timedelta(days=20 - day), channel=channel)
        for day, kind in enumerate(kinds)
    ]
    return Relationship(Candidate(id=key), log)


@pytest.fixture
def card() -> Scorecard:
    """Eight people: five e-mailed and reached, one bounced, one texted, one never written to."""
    return scorecard(
        [
            person("silent", "sent"),
            person("opened", "sent", "opened"),
            person("clicked", "sent", "clicked"),
            person("replied", "sent", "replied"),
            person("all", "sent", "opened", "clicked", "replied"),
            person("bounced", "sent", "bounced"),
            person("texted", "sent", "replied", channel="text"),
            person("nobody"),
        ],
        now=NOW,
    )


@pytest.mark.parametrize(
    ("convention", "name", "expected"),
    [
        ("crmkit", "open_rate", (2, 6)),
        ("crmkit", "click_rate", (2, 6)),
        ("crmkit", "reply_rate", (2, 6)),
        ("Gem", "reply_rate", (2, 4)),
        ("greenhouse", "open_rate", (2, 6)),
        ("Greenhouse", "reply_rate", (2, 6)),
        ("ashby", "open_rate", (2, 5)),
        ("Ashby", "click_rate", (2, 5)),
        ("LEVER", "reply_rate", (3, 7)),
    ],
)
def test_each_tool_counts_in_its_own_way(
    card: Scorecard, convention: str, name: str, expected: tuple[int, int]
) -> None:
    """Of the opened, the e-mailed, the recipients, or all candidates written to."""
    metric = card.rate(name, convention)
    assert (metric.numerator, metric.denominator) == expected
    assert metric.convention == Convention.of(convention)


def test_the_output_names_the_convention(card: Scorecard) -> None:
    """In the repr, the definition and the row: a number without its definition is no number."""
    (metric,) = card.rates("gem")
    assert repr(metric) == "<Metric reply_rate as Gem defines it: 50.0 %, none>"
    assert metric.definition.startswith("As Gem defines it: replies of opened.")
    assert metric.to_dict()["convention"] == "Gem"
    assert "as crmkit" not in repr(card["reply_rate"])


def test_a_tool_without_that_rate_says_which_it_has(card: Scorecard) -> None:
    """Nothing is made up for it."""
    with pytest.raises(NotFound, match="no Gem rate") as caught:
        card.rate("click_rate", "gem")
    assert "reply_rate" in str(caught.value)


def test_an_unknown_tool_suggests_a_near_one(card: Scorecard) -> None:
    """A typing error is answered."""
    with pytest.raises(UnknownName, match="did you mean 'Greenhouse'"):
        card.rates("greenhose")


@pytest.mark.parametrize("convention", ["gem", "greenhouse", "ashby", "lever"])
def test_nobody_written_to_is_stated(convention: str) -> None:
    """A denominator of zero is a reason, not an error."""
    for metric in scorecard([person("a")], now=NOW).rates(convention):
        assert metric.value is None
        assert metric.because.text.startswith("no ")
