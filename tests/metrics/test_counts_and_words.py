"""Small logs on which a count could part from the words of its definition."""

from datetime import UTC, datetime, timedelta

import pytest

from crmkit.metrics import Attribution, scorecard
from crmkit.model import Candidate, Interaction, Relationship, Role

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
FIRST_DAY = datetime.min.replace(tzinfo=UTC)


def log(*facts):
    """Return one person, from kinds, days before now, and what else is known of each fact."""
    found = [
        Interaction(
            candidate_id="ada", kind=kind, at=NOW - days * DAY, **(known[0] if known else {})
        )
        for kind, days, *known in facts
    ]
    return Relationship(Candidate(id="ada"), found)


def numbers(metric):
    return metric.value, metric.numerator, metric.denominator, metric.verdict


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ([("captured", -1, {"automated": True})], "pipeline_size"),
        ([("opened", -1, {"automated": True})], "pipeline_size"),
        ([("sent", -1, {"automated": True})], "conversion_rate"),
        ([("sent", 2), ("bounced", -1, {"automated": True})], "bounce_rate"),
        ([("applied", 20), ("rejected", -1, {"automated": True})], "silence_rate"),
        ([("captured", 1), ("hired", -1, {"automated": True})], "crm_hire_share"),
    ],
)
def test_a_number_holds_no_longer_than_until_a_machine_logs_what_counts(facts, name):
    """A fact dated after now counts as arriving then, though a machine logged it."""
    one = log(*facts)
    now, later = scorecard([one], now=NOW), scorecard([one], now=NOW + DAY)
    assert numbers(now[name]) != numbers(later[name])
    assert now[name].until is not None
    assert now[name].until <= NOW + DAY


def test_another_tools_rate_holds_no_longer_than_until_the_next_fact():
    """Whatever is true of crmkit's own reply rate is true of Greenhouse's."""
    one = log(("sent", 2), ("replied", -1))
    now, later = scorecard([one], now=NOW), scorecard([one], now=NOW + DAY)
    assert NOW + DAY == now["reply_rate"].until
    (rate, then) = (card.rate("reply_rate", "greenhouse") for card in (now, later))
    assert numbers(rate) != numbers(then)
    assert NOW + DAY == rate.until


def test_a_role_that_opens_later_does_not_exist_yet():
    """Whoever was hired before their role opened was not rediscovered for it as of then."""
    one = log(("sent", 9), ("hired", 5, {"role_id": "r"}))
    role = Role(id="r", title="R", opened_at=NOW + DAY)
    replayed, recorded = scorecard([one], now=NOW, roles=[role]), scorecard([one], now=NOW)
    name = "rediscovered_share"
    assert numbers(recorded[name]) == numbers(replayed[name])


def test_the_first_reply_is_the_one_that_came_first():
    """Who answered message 3, and then message 1 as well, gave the first reply to message 3."""
    run = {"enrollment_id": "run"}
    one = log(
        *(("sent", 30 - place, {**run, "touch": f"t{place}"}) for place in (1, 2, 3)),
        ("replied", 9, {**run, "touch": "t3"}),
        ("replied", 8, {**run, "touch": "t1"}),
    )
    card = scorecard([one], now=NOW)
    assert [("3", 1)] == [row[:2] for row in card.table("answers").rows if row[1]]
    assert (0, 1) == (card["answered_by_second"].numerator, card["answered_by_second"].denominator)


def test_who_left_at_the_instant_of_the_hire_is_not_still_here():
    """A day without an hour, as imports have it: whoever does not work here is not still here."""
    card = scorecard([log(("hired", 5), ("left", 5))], now=NOW)
    assert 1 == card["pipeline_size"].value  # so they do not work here
    curve = card.stay_curves["cold"]
    assert (1, 0) == (curve.ended, curve.censored)


def test_ratings_say_which_hires_were_logged_twice():
    """The definition names them among what is left out."""
    one = log(("hired", 5), ("hired", 4))
    card = scorecard([one], now=NOW, ratings={"ada": 4.0})
    assert "hires logged twice left out: 1" in map(str, card["performance_of_hire"].exclusions)


@pytest.mark.parametrize(
    ("began", "attribution"),
    [
        (FIRST_DAY, Attribution()),
        (NOW - 5 * DAY, Attribution(rule="within", span=timedelta(days=999_999))),
    ],
)
def test_a_span_may_begin_before_the_calendar(began, attribution):
    """Year 1, where some systems put what has no date, is no reason to raise."""
    kinds = (("sent", began), ("hired", began + DAY))
    facts = [Interaction(candidate_id="ada", kind=kind, at=at) for kind, at in kinds]
    one = Relationship(Candidate(id="ada"), facts)
    card = scorecard([one], now=NOW, window=timedelta.max, attribution=attribution)
    assert 1 == card["crm_hire_share"].value


@pytest.mark.parametrize("other", [1, ["b"], {"b": 1}])
def test_variants_of_several_types_are_parted(other):
    """A variant is whatever the host states; a table of them raises nothing."""
    one = log(
        ("sent", 2, {"properties": {"variant": "a"}}),
        ("sent", 1, {"properties": {"variant": other}}),
    )
    assert 2 == len(scorecard([one], now=NOW).responses("variant").rows)
