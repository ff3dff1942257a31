"""Everything that is counted hire by hire, on pools counted by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from crmkit.errors import InvalidRecord
from crmkit.metrics import Costs, Exclusion, Metric, MetricVerdict, scorecard
from crmkit.metrics._statistics import count_ratio
from crmkit.model import Candidate, Interaction, Relationship, Role

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
YEAR = 365 * DAY
ROLES = [
    Role(id="r", title="R", opened_at=NOW - 100 * DAY),
    *(Role(id=f"r{number}", title="R", opened_at=NOW - 100 * DAY) for number in range(60)),
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
    """60 and 80 days against 90 and 100, and two roles that lasted 49 and 50 days so far."""
    pytest.importorskip("scipy")
    metric = measure(
        "time_to_fill",
        person("a", ("met", 200), ("hired", 40, "r1")),
        person("b", ("met", 200), ("hired", 20, "r2")),
        person("c", ("applied", 50, "r3"), ("hired", 10, "r3")),
        person("d", ("applied", 50, "r4"), ("hired", 0, "r4")),
        roles=[role for role in ROLES if role.id in {"r1", "r2", "r3", "r4", "open", "shut"}],
    )
    assert (metric.numerator, metric.denominator) == (60.0, 90.0)
    assert metric.value == pytest.approx(1 / 3, abs=1e-12)
    assert (metric.counted, metric.verdict) == (2, MetricVerdict.TOO_FEW)
    assert metric.shown == "33.3 % faster"
    assert (
        metric.because.text
        == "median days from opening to hire: 60.0 days CRM-sourced (of 3) against 90.0 days cold "
        "(of 3)"
    )
    test, *notes = (part.text for part in metric.because.parts)
    assert test.startswith("log-rank p = ")
    assert test.endswith(": the data cannot tell them apart")
    assert notes == [
        "hires without an application in the log, judged by the hire itself: 2",
        "of them closed without a hire: 1",
        "roles not filled, dealt out to the sides: 2",
        "at least 30 are counted",
    ]
    # The open role comes to 60 days, where the first was filled, in ten days.
    assert metric.until == NOW + 10 * DAY


def test_the_first_hire_fills_a_role_whoever_else_is_hired_for_it() -> None:
    """A second hire is left out, visibly; the side is the first one's."""
    pytest.importorskip("scipy")
    metric = measure(
        "time_to_fill",
        person("late", ("met", 200), ("hired", 20, "r")),
        person("first", ("hired", 40, "r")),
        roles=ROLES[:1],
    )
    assert [group.shown for group in metric.groups] == ["none", "60.0 days"]
    assert (Exclusion("further hires for a role", 1),) == metric.exclusions


def test_a_median_that_is_not_reached_is_said_so() -> None:
    """One role of three was filled on each side: half of them never were, so far."""
    pytest.importorskip("scipy")
    metric = measure(
        "time_to_fill",
        person("a", ("met", 200), ("hired", 60, "r0")),
        person("b", ("hired", 60, "r1")),
        roles=ROLES[1:7],
    )
    assert (metric.value, metric.verdict) == (None, MetricVerdict.NOT_MEASURED)
    assert "not reached CRM-sourced (of 3) against not reached cold (of 3)" in metric.because.text
    assert metric.because.parts[0].text == "nothing can be compared with that"


def test_unfilled_roles_take_no_side() -> None:
    """Filled equally fast on both sides, the one that fills less looks no slower."""
    pytest.importorskip("scipy")
    pool, roles = [], []
    for number in range(90):
        crm = number % 3 == 0
        lasted = 20 + 10 * (number // 3 % 10)
        key = f"x{number}"
        roles.append(Role(id=key, title="X", opened_at=NOW - (lasted + 9) * DAY))
        facts = [("met", 300.0)] * crm + [("hired", 9, key)]
        pool.append(person(key, *facts))
    roles += [Role(id=f"y{n}", title="Y", opened_at=NOW - 4 * n * DAY) for n in range(30)]
    metric = measure("time_to_fill", *pool, roles=roles)
    assert [group.denominator for group in metric.groups] == [40, 80]
    assert metric.value == 0.0
    card = scorecard(iter(pool), now=NOW, roles=roles)
    curves = card.fill_curves
    assert [curves[side].censored for side in ("CRM-sourced", "cold", "all roles")] == [10, 20, 30]


def test_only_roles_opened_in_the_window_are_followed() -> None:
    """One that was open before it began would be missed, had it been filled before."""
    old = Role(id="old", title="Old", opened_at=NOW - 365 * DAY)
    metric = measure("time_to_fill", person("a", ("hired", 40, "old")), roles=[old])
    assert [group.denominator for group in metric.groups] == [0, 0]
    assert "roles opened before the window, not counted: 1" in [
        part.text for part in metric.because.parts
    ]


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
    assert (metric.value, metric.numerator) == (None, None)
    assert (metric.counted, metric.verdict) == (0, MetricVerdict.NOT_MEASURED)


def test_a_median_of_zero_days_compares_with_nothing() -> None:
    """A cold hire on the day of the opening: stated, not divided by."""
    pytest.importorskip("scipy")
    metric = measure(
        "time_to_fill",
        person("a", ("met", 200), ("hired", 40, "r1")),
        person("b", ("hired", 100, "r2")),
        roles=ROLES[2:4],
    )
    assert (metric.value, metric.numerator, metric.denominator) == (None, 60.0, 0.0)
    assert metric.because.parts[0].text == "nothing can be compared with that"


def test_a_return_into_the_same_role_is_a_second_hire() -> None:
    """Hired, left, hired again: both count."""
    pool = person("a", ("hired", 90, "r"), ("left", 60), ("hired", 30, "r"))
    assert sides(pool) == (0, 2)


def test_a_future_hire_bounds_how_long_the_numbers_hold() -> None:
    """It arrives at its own instant."""
    pool = person("a", ("met", 9), ("hired", -5, "r"), ("left", -6))
    assert measure("cost_per_hire", pool).until == NOW + 5 * DAY


def test_thirty_on_each_side_get_a_verdict() -> None:
    """80 days against 100 is 20 % faster: exactly the lower end, and within."""
    pytest.importorskip("scipy")
    crm = [person(f"crm{n}", ("met", 200), ("hired", 20, f"r{n}")) for n in range(30)]
    cold = [person(f"cold{n}", ("hired", 0, f"r{n + 30}")) for n in range(30)]
    roles = ROLES[1:61]
    metric = measure("time_to_fill", *crm, *cold, roles=roles)
    assert (metric.counted, metric.verdict) == (30, MetricVerdict.WITHIN)
    low, high = metric.interval() or (0.0, 0.0)
    assert low == pytest.approx(0.2)
    assert high == pytest.approx(0.2)
    few = measure("time_to_fill", *crm, *cold[1:], roles=roles)
    assert few.verdict == MetricVerdict.TOO_FEW


def test_time_to_hire_compares_medians_from_application_to_hire() -> None:
    """Hires alone: 20 and 40 days against 60; one has no application."""
    metric = measure(
        "time_to_hire",
        person("a", ("met", 200), ("applied", 60, "r"), ("hired", 40, "r")),
        person("b", ("met", 200), ("applied", 60, "r"), ("hired", 20, "r")),
        person("c", ("applied", 90, "r"), ("hired", 30, "r")),
        person("d", ("hired", 30, "r")),
    )
    assert (metric.numerator, metric.denominator, metric.value) == (30.0, 60.0, 0.5)
    assert (Exclusion("hires without an application", 1),) == metric.exclusions
    assert metric.until == NOW - 40 * DAY + YEAR


def test_quality_counts_who_is_still_here_as_staying_at_least_so_long() -> None:
    """Cold: of four at 364 days one had left at 100; the one hired 50 days ago is not asked."""
    pytest.importorskip("scipy")
    metric = measure(
        "quality_of_hire",
        person("a", ("met", 900), ("hired", 400)),
        person("b", ("met", 900), ("hired", 500), ("left", 10)),
        person("c", ("hired", 400)),
        person("d", ("hired", 400), ("left", 300)),
        person("e", ("hired", 400), ("left", 20)),
        person("new", ("hired", 50)),
        person("too old", ("hired", 730), ("left", 700)),
    )
    assert (metric.numerator, metric.denominator) == (1.0, pytest.approx(2 / 3, abs=1e-12))
    assert metric.value == pytest.approx(0.5, abs=1e-12)
    assert [side.denominator for side in metric.groups] == [2, 4]
    assert metric.shown == "50.0 % higher"
    # In fifty days the newest hire comes to 100 days, at which somebody left.
    assert metric.until == NOW + 50 * DAY


def test_the_share_still_here_is_not_told_before_anybody_was_here_so_long() -> None:
    """A year of hires who were all hired in the last half year says nothing of a year."""
    pytest.importorskip("scipy")
    pool = [person("a", ("met", 300), ("hired", 100)), person("b", ("hired", 90))]
    metric = measure("quality_of_hire", *pool)
    assert [group.shown for group in metric.groups] == ["not known yet", "not known yet"]
    assert metric.value is None
    assert metric.until == NOW + 265 * DAY


def test_performance_compares_the_mean_ratings_of_the_host() -> None:
    """4 against 3.2 is a quarter higher; who has no rating is left out, visibly."""
    pool = [
        person("a", ("met", 300), ("hired", 100)),
        person("b", ("hired", 90)),
        person("c", ("hired", 90)),
        person("d", ("hired", 90)),
    ]
    metric = measure("performance_of_hire", *pool, ratings={"a": 4, "b": 3.4, "c": 3.0, "z": 1})
    assert metric.value == pytest.approx(0.25, abs=1e-12)
    assert (Exclusion("hires without a rating", 1),) == metric.exclusions
    assert "no ratings were given" in measure("performance_of_hire", *pool).because.text


@pytest.mark.parametrize("rating", [float("nan"), float("inf"), True, "4"])
def test_a_rating_is_a_number(rating: object) -> None:
    """Refused at the door, with the path."""
    with pytest.raises(InvalidRecord, match=r"ratings\['a'\]"):
        measure("performance_of_hire", ratings={"a": rating})


def test_the_return_is_what_crm_hires_save_on_what_they_cost() -> None:
    """Two hires at 3,200 cold would have cost 6,400; they cost 1,200."""
    metric = measure(
        "return_on_practice",
        person("a", ("met", 900), ("hired", 40)),
        person("b", ("met", 900), ("hired", 30)),
        person("c", ("hired", 20)),
    )
    assert (metric.numerator, metric.denominator) == (5200.0, 1200.0)
    assert metric.value == pytest.approx(5200 / 1200)
    assert metric.shown == "4.33 × the cost"


def test_a_return_on_nothing_is_stated() -> None:
    """Nothing spent, or nobody hired cold: no ratio."""
    pool = [person("a", ("met", 900), ("hired", 40)), person("b", ("hired", 40))]
    free = attrs.evolve(COSTS, internal_crm=0, external_crm=0)
    assert measure("return_on_practice", *pool, costs=free).because.text.startswith("nothing was")
    assert "no cold hire" in measure("return_on_practice", pool[0]).because.text


def test_hires_rediscovered_were_known_before_their_role_opened() -> None:
    """One of two; a hire for a role of unknown opening is left out, and a cold one not asked."""
    metric = measure(
        "rediscovered_share",
        person("a", ("met", 300), ("hired", 40, "r")),
        person("b", ("met", 90), ("hired", 40, "r")),
        person("c", ("met", 300), ("hired", 40, "dateless")),
        person("d", ("captured", 300), ("hired", 40, "r")),
    )
    assert (metric.numerator, metric.denominator) == (1, 2)
    assert (Exclusion("hires whose role's opening is unknown", 1),) == metric.exclusions


def test_quality_counts_a_hire_that_was_logged_twice_once() -> None:
    """The second is left out, visibly."""
    metric = measure("quality_of_hire", person("a", ("hired", 400), ("hired", 399)))
    assert metric.groups[1].denominator == 1
    assert (Exclusion("hires logged twice", 1),) == metric.exclusions


def test_a_hire_at_the_end_of_the_calendar_has_no_anniversary() -> None:
    """Nothing overflows: no clock ever gets there."""
    end = datetime(9999, 6, 1, tzinfo=UTC)
    fact = Interaction(candidate_id="a", kind="hired", at=end)
    card = scorecard([Relationship(Candidate(id="a"), [fact])], now=end)
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


def test_costs_in_two_currencies_are_not_added() -> None:
    """Stated in the result: neither an error in mid-report nor a silent sum."""
    pool = [person("a", ("met", 90), ("hired", 40)), person("b", ("hired", 40))]
    dollars = attrs.evolve(COSTS, currency="USD")
    metric = measure("cost_per_hire", *pool, costs=[COSTS, dollars])
    expected = "costs in EUR and USD cannot be added: state them in one currency"
    assert (metric.value, metric.because.text) == (None, expected)
    assert measure("cost_per_hire", *pool, costs=[COSTS, COSTS]).numerator == 2400.0


def test_the_interval_of_a_cost_is_that_of_the_counts_it_is_divided_by() -> None:
    """The costs are stated, the hires are counted: 12 against 4, exactly."""
    pytest.importorskip("scipy")
    crm = [person(f"crm{n}", ("met", 90), ("hired", 40)) for n in range(12)]
    cold = [person(f"cold{n}", ("hired", 40)) for n in range(4)]
    metric = measure("cost_per_hire", *crm, *cold)
    low, high = count_ratio(4, 12) or (0.0, 0.0)
    scale = COSTS.crm / COSTS.cold
    assert metric.value == pytest.approx(1 - scale * 4 / 12)
    assert metric.interval() == pytest.approx((1 - scale * high, 1 - scale * low))


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
