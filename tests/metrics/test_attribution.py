"""When is a hire CRM-sourced? By each rule, on logs whose answer is plain."""

from datetime import UTC, datetime, timedelta

import pytest

from crmkit.errors import InvalidRecord, UnknownName
from crmkit.metrics import Attribution, AttributionRule, scorecard
from crmkit.model import Candidate, Interaction, Relationship

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
ANY, WITHIN, FIRST, LAST = AttributionRule


def hired(*facts: tuple[str, float], automated: bool | None = None) -> Relationship:
    """Somebody who applied thirty days ago and was hired ten days ago, after these facts."""
    log = [
        Interaction(candidate_id="a", kind=kind, at=NOW - days * DAY, automated=automated)
        for kind, days in facts
    ]
    log += [
        Interaction(candidate_id="a", kind="applied", at=NOW - 30 * DAY),
        Interaction(candidate_id="a", kind="hired", at=NOW - 10 * DAY),
    ]
    return Relationship(Candidate(id="a"), log)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([], set()),
        ([("sent", 20)], set()),
        ([("sent", 400)], {ANY, FIRST, LAST}),
        ([("sent", 210)], {ANY, WITHIN, FIRST, LAST}),
        ([("sent", 210.001)], {ANY, FIRST, LAST}),
        ([("attended", 300), ("sent", 200)], {ANY, WITHIN, LAST}),
        ([("sourced", 300), ("sent", 200)], {ANY, WITHIN, FIRST, LAST}),
        ([("sent", 200), ("visited", 31)], {ANY, WITHIN, FIRST}),
        ([("sent", 200), ("clicked", 31)], {ANY, WITHIN, FIRST, LAST}),
        ([("captured", 300), ("met", 40)], {ANY, WITHIN, FIRST, LAST}),
        ([("signed_up", 300), ("met", 40), ("referred", 35)], {ANY, WITHIN}),
    ],
    ids=[
        "never touched",
        "after the application",
        "long ago",
        "at the very edge of the span",
        "a moment before it",
        "they came first",
        "we found them",
        "they came by themselves in the end",
        "they answered",
        "being captured is nobody's step",
        "they began and they ended it",
    ],
)
def test_each_rule_by_itself(
    facts: list[tuple[str, float]], expected: set[AttributionRule]
) -> None:
    """What was before the application decides."""
    found = {
        rule
        for rule in AttributionRule
        if scorecard([hired(*facts)], now=NOW, attribution=Attribution(rule=rule))[
            "crm_hire_share"
        ].numerator
    }
    assert found == expected


def test_what_a_machine_did_is_no_touch() -> None:
    """A message that is known to be automatic in its own right says nothing of the person."""
    card = scorecard([hired(("clicked", 40), automated=True)], now=NOW)
    assert card["crm_hire_share"].numerator == 0


def test_the_rules_are_compared_side_by_side() -> None:
    """One row for each; the chosen one says so, and parts the other numbers."""
    chosen = Attribution(rule="within", span=30 * DAY)
    pool = [hired(("sent", 400)), hired(("attended", 80), ("sent", 40))]
    pool = [
        Relationship(
            Candidate(id=f"p{number}"),
            [
                Interaction(candidate_id=f"p{number}", kind=fact.kind, at=fact.at)
                for fact in one.history
            ],
        )
        for number, one in enumerate(pool)
    ]
    card = scorecard(pool, now=NOW, attribution=chosen)
    assert [row[:2] for row in card.table("attribution")] == [
        ("any touch of ours before the application", 2),
        ("a touch of ours in the 30 days before the application (chosen)", 1),
        ("the first that is known of the person is a touch of ours", 1),
        ("the last thing before the application was ours, or an answer", 2),
    ]
    assert card["crm_hire_share"].numerator == 1


def test_a_rule_and_a_span_are_checked() -> None:
    """A typing error is answered; a span is longer than nothing."""
    with pytest.raises(UnknownName, match="did you mean 'first'"):
        Attribution(rule="frist")
    with pytest.raises(InvalidRecord, match="span"):
        Attribution(span=timedelta(0))
