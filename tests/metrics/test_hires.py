"""Time to fill, quality of hire and cost per hire on pools counted by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crmkit.errors import InvalidRecord
from crmkit.metrics import Costs, Exclusion, Metric, MetricVerdict, scorecard
from crmkit.model import Candidate, Interaction, Relationship, Role

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
YEAR = 365 * DAY
ROLES = [
    Role(id="r", title="R", opened_at=NOW - 100 * DAY),
    Role(id="open", title="Open", opened_at=NOW - 50 * DAY),
    Role(id="shut", title="Shut", opened_at=NOW - 50 * DAY, closed_at=NOW - DAY),
    Role(id="later", title="Later", opened_at=NOW + DAY),
    Role(id="dateless", title="Dateless"),
]
COSTS = Costs(
    internal_crm=900, external_crm=300, internal_cold=800, external_cold=2_400, currency="EUR"
)


def person(key: str, *facts: tuple[str, float] | tuple[str, float, str]) -> Relationship:
    """Somebody with facts given as (kind, days ago, role)."""
    log = [
        Interaction(candidate_id=key, kind=kind, at=NOW - days * DAY, role_id="".join(role) or None)
        for kind, days, *role in facts
    ]
    return Relationship(Candidate(id=key), log)


def measure(name: str, *pool: Relationship, **options: Any) -> Metric:
    return scorecard(iter(pool), now=NOW, **{"roles": iter(ROLES), "costs": COSTS, **options})[name]


def sides(*pool: Relationship) -> tuple[int, int]:
    """How many hires are CRM-sourced, and how many cold."""
    crm, cold = measure("cost_per_hire", *pool).groups
    return crm.denominator, cold.denominator


@pytest.mark.parametrize("touch", ["sent", "messaged", "called", "met"])
def test_a_touch_before_the_application_makes_a_hire_crm_sourced(touch: str) -> None:
    """By message or by word; enrolment is not asked for."""
    pool = person("a", (touch, 90), ("applied", 80, "r"), ("hired", 20, "r"))
    assert sides(pool) == (1, 0)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([("applied", 80, "r"), ("met", 50), ("hired", 20, "r")], (0, 1)),
        ([("met", 80), ("applied", 80, "r"), ("hired", 20, "r")], (0, 1)),
        ([("visited", 90), ("applied", 80, "r"), ("hired", 20, "r")], (0, 1)),
        ([("met", 50), ("hired", 20, "r")], (1, 0)),
        ([("hired", 20, "r"), ("met", 10)], (0, 1)),
        ([("applied", 80, "x"), ("met", 50), ("hired", 20, "r")], (1, 0)),
        ([("applied", 80), ("met", 50), ("hired", 20, "r")], (0, 1)),
        ([("applied", 80, "x"), ("met", 50), ("hired", 20)], (0, 1)),
        ([("applied", 80, "r"), ("met", 50), ("applied", 40, "r"), ("hired", 20, "r")], (1, 0)),
        ([("met", 50), ("hired", 20, "r"), ("applied", 10, "r")], (1, 0)),
    ],
    ids=[
        "touched in the process only",
        "touched at the instant of applying",
        "a visit is no touch",
        "no application, touched before the hire",
        "no application, touched after the hire",
        "the application was for another role",
        "an application without a role is for any",
        "a hire without a role takes any application",
        "the newest application led to the hire",
        "an application after the hire led nowhere",
    ],
)
def test_what_makes_a_hire_crm_sourced(
    facts: list[tuple[str, float]], expected: tuple[int, int]
) -> None:
    """The touch must come before the application that led to the hire."""
    assert expected == sides(person("a", *facts))


def test_time_to_fill_compares_medians_from_opening_to_hire() -> None:
    """60 and 80 days against 90 and 100: median 70 against 95."""
    metric = measure(
        "time_to_fill",
        person("a", ("met", 200), ("hired", 40, "r")),
        person("b", ("met", 200), ("hired", 20, "r")),
        person("c", ("applied", 50, "r"), ("hired", 10, "r")),
        person("d", ("applied", 50, "r"), ("hired", 0, "r")),
    )
    assert (metric.numerator, metric.denominator) == (70.0, 95.0)
    assert metric.value == pytest.approx(1 - 70 / 95, abs=1e-12)
    assert (metric.counted, metric.verdict) == (2, MetricVerdict.TOO_FEW)
    assert metric.shown == "26.3 % faster"
    assert (
        metric.because.text
        == "median days from opening to hire: 70.0 days CRM-sourced (of 2) against "
        "95.0 days cold (of 2)"
    )
    notes = [part.text for part in metric.because.parts]
    assert "roles still open, not counted yet: 1" in notes
    assert "hires without an application in the log, judged by the hire itself: 2" in notes
    assert metric.until == NOW - 40 * DAY + YEAR


def test_time_to_fill_leaves_out_what_it_cannot_measure_and_says_so() -> None:
    """No role, an unknown one, one without a date, a hire before the opening, the same twice."""
    metric = measure(
        "time_to_fill",
        person("a", ("hired", 40)),
        person("b", ("hired", 40, "nobody's")),
        person("c", ("hired", 40, "dateless")),
        person("d", ("hired", 140, "r")),
        person("e", ("hired", 40, "r"), ("hired", 39, "r")),
        person("f", ("hired", 400, "r")),
    )
    assert (
        Exclusion("hires before their role opened", 1),
        Exclusion("hires for roles without an opening date", 1),
        Exclusion("hires logged twice", 1),
        Exclusion("hires of unknown roles", 1),
        Exclusion("hires that name no role", 1),
    ) == metric.exclusions
    assert metric.because.text == "no CRM-sourced hire was counted"
    assert (metric.value, metric.numerator, metric.denominator) == (None, None, 60.0)
    assert (metric.counted, metric.verdict) == (0, MetricVerdict.NOT_MEASURED)


def test_a_median_of_zero_days_compares_with_nothing() -> None:
    """A cold hire on the day of the opening: stated, not divided by."""
    metric = measure(
        "time_to_fill",
        person("a", ("met", 200), ("hired", 40, "r")),
        person("b", ("hired", 100, "r")),
    )
    assert (metric.value, metric.numerator, metric.denominator) == (None, 60.0, 0.0)
    assert metric.because.text.endswith("; nothing can be compared with 0")


def test_a_return_into_the_same_role_is_a_second_hire() -> None:
    """Hired, left, hired again: both count."""
    pool = person("a", ("hired", 90, "r"), ("left", 60), ("hired", 30, "r"))
    assert sides(pool) == (0, 2)


def test_a_future_hire_bounds_how_long_the_numbers_hold() -> None:
    """It arrives at its own instant."""
    pool = person("a", ("met", 9), ("hired", -5, "r"), ("left", -6))
    assert measure("time_to_fill", pool).until == NOW + 5 * DAY
    assert measure("cost_per_hire", pool).until == NOW + 5 * DAY


def test_thirty_on_each_side_get_a_verdict() -> None:
    """80 days against 100 is 20 % faster: exactly the lower end, and within."""
    crm = [person(f"crm{n}", ("met", 200), ("hired", 20, "r")) for n in range(30)]
    cold = [person(f"cold{n}", ("hired", 0, "r")) for n in range(30)]
    metric = measure("time_to_fill", *crm, *cold)
    assert (metric.counted, metric.verdict) == (30, MetricVerdict.WITHIN)
    assert measure("time_to_fill", *crm, *cold[1:]).verdict == MetricVerdict.TOO_FEW


def test_quality_compares_who_is_still_here_one_year_after() -> None:
    """Both CRM-sourced stayed; of three cold, one left early and one on the day."""
    metric = measure(
        "quality_of_hire",
        person("a", ("met", 900), ("hired", 400)),
        person("b", ("met", 900), ("hired", 500), ("left", 10)),
        person("c", ("hired", 400)),
        person("d", ("hired", 400), ("left", 35)),
        person("e", ("hired", 400), ("left", 36)),
        person("too new", ("hired", 364)),
        person("too old", ("hired", 731), ("left", 730)),
    )
    assert (metric.numerator, metric.denominator) == (1.0, 2 / 3)
    assert metric.value == pytest.approx(0.5, abs=1e-12)
    assert [(side.numerator, side.denominator) for side in metric.groups] == [(2, 2), (2, 3)]
    assert metric.shown == "50.0 % higher"
    assert metric.until == NOW + DAY


def test_a_year_is_a_calendar_year() -> None:
    """Hired on 29 February: the anniversary is 28 February, and from then on the hire counts."""
    leap = datetime(2024, 2, 29, 9, tzinfo=UTC)
    fact = Interaction(candidate_id="a", kind="hired", at=leap)
    pool = [Relationship(Candidate(id="a"), [fact])]
    anniversary = datetime(2025, 2, 28, 9, tzinfo=UTC)
    before = scorecard(pool, now=anniversary - timedelta(microseconds=1))["quality_of_hire"]
    after = scorecard(pool, now=anniversary)["quality_of_hire"]
    assert [metric.groups[1].denominator for metric in (before, after)] == [0, 1]
    assert [anniversary, anniversary + YEAR] == [before.until, after.until]


def test_quality_counts_a_hire_that_was_logged_twice_once() -> None:
    """The second is left out, visibly."""
    metric = measure("quality_of_hire", person("a", ("hired", 400), ("hired", 399)))
    assert metric.groups[1].denominator == 1
    assert (Exclusion("hires logged twice", 1),) == metric.exclusions


def test_quality_of_a_hire_logged_twice_says_so_only_where_it_would_have_counted() -> None:
    """An application is no note there, and a second log entry outside the window is no news."""
    pool = person("a", ("met", 900), ("applied", 500, "r"), ("hired", 400, "r"), ("hired", 9, "r"))
    metric = measure("quality_of_hire", pool)
    assert metric.exclusions == ()
    assert [part.text for part in metric.because.parts] == []


def test_a_hire_at_the_end_of_the_calendar_has_no_anniversary() -> None:
    """Nothing overflows: no clock ever gets there."""
    end = datetime(9999, 6, 1, tzinfo=UTC)
    fact = Interaction(candidate_id="a", kind="hired", at=end)
    card = scorecard([Relationship(Candidate(id="a"), [fact])], now=end)
    assert card["quality_of_hire"].until is None
    assert card["cost_per_hire"].until is None


def test_cost_per_hire_divides_all_costs_by_all_hires_of_the_window() -> None:
    """1,200 for two against 3,200 for one: 600 against 3,200."""
    metric = measure(
        "cost_per_hire",
        person("a", ("met", 900), ("hired", 40)),
        person("b", ("met", 900), ("hired", 30, "r")),
        person("c", ("hired", 20, "nobody's")),
        person("old", ("hired", 366)),
    )
    assert (metric.numerator, metric.denominator, metric.value) == (600.0, 3200.0, 0.8125)
    assert [side.numerator for side in metric.groups] == [1200.0, 3200.0]
    assert metric.shown == "81.2 % lower"
    assert "600.0 EUR CRM-sourced (of 2) against 3,200.0 EUR cold (of 1)" in metric.because.text
    assert metric.until == NOW - 40 * DAY + YEAR


def test_cost_per_hire_is_not_measured_without_costs() -> None:
    """No costs, no number: it says what to hand in."""
    metric = measure("cost_per_hire", person("a", ("hired", 40)), costs=None)
    assert (metric.value, metric.verdict) == (None, MetricVerdict.NOT_MEASURED)
    assert "no costs were given" in metric.because.text


def test_costs_that_are_zero_compare_with_nothing() -> None:
    """A cold side that cost nothing is stated, not divided by."""
    costs = Costs(internal_crm=1, external_crm=1, internal_cold=0, external_cold=0, currency="EUR")
    pool = [person("a", ("met", 90), ("hired", 40)), person("b", ("hired", 40))]
    metric = measure("cost_per_hire", *pool, costs=costs)
    assert (metric.value, metric.numerator, metric.denominator) == (None, 2.0, 0.0)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"internal_crm": None}, "internal_crm"),
        ({"external_cold": -1}, "external_cold"),
        ({"currency": "€"}, "currency"),
        ({"currency": "EURO"}, "currency"),
    ],
)
def test_costs_refuse_what_is_no_amount_and_no_currency(
    change: dict[str, object], path: str
) -> None:
    """An unknown cost is not zero, and one code names one currency."""
    known = {"internal_crm": 1, "external_crm": 1, "internal_cold": 1, "external_cold": 1}
    with pytest.raises(InvalidRecord) as caught:
        Costs(**{**known, "currency": "EUR", **change})
    assert path == caught.value.path
