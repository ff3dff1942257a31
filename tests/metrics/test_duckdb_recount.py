"""Every count of the scorecard equals what SQL finds in the exported log, on random pools."""

from collections import Counter

import pytest
from examples import examples
from hypothesis import HealthCheck, given, settings
from metric_pools import DAY, NOW, POLICIES, TICK, WINDOWS, pools, questions, seeded_pool

from crmkit._time import micros
from crmkit.metrics import Attribution, AttributionRule, Convention
from crmkit.metrics._mail import Cell
from crmkit.metrics._reading import RESPONSES, STAGES
from crmkit.metrics._table import FEW

pytest.importorskip("duckdb")

from metrics_database import Database
from metrics_questions import by

SHARES = (
    *("pipeline_size", "active_share", "freshness", "reachable_share", "consent_share"),
    *("time_since_contact", "engagement_rate", "open_rate", "click_rate", "reply_rate"),
    *("conversion_rate", "re_engagement_rate", "bounce_rate", "unsubscribe_rate"),
    *("complaint_rate", "silence_rate", "crm_hire_share", "rediscovered_share"),
)
TOOLS = [tool for tool in Convention if tool is not Convention.CRMKIT]
LIKE = {
    "engagement_rate": ("open_rate", "click_rate", "reply_rate"),
    "bounce_rate": ("unsubscribe_rate", "complaint_rate"),
}
"""What leaves out the same as another metric."""
PARTED = [("touch",), ("level",), ("cadence", "channel"), ("variant", "touch")]
FIRST = ("answered_by_second", "to the first")
BOUNDED = slice(None, -2)
"""A row of a table without the interval at its end."""


@pytest.fixture(scope="module")
def database():
    return Database()


def shares(card):
    """Return numerator and denominator of whatever has them as counts."""
    metrics = {name: card[name] for name in SHARES}
    for tool in TOOLS:
        metrics |= {f"{tool} {metric.name}": metric for metric in card.rates(tool)}
    return {name: (metric.numerator, metric.denominator) for name, metric in metrics.items()}


def left_out(card):
    """Return what each metric left out."""
    found = {}
    for metric in card:
        if not any(metric.name in others for others in LIKE.values()):
            found |= {(metric.name, each.what): each.count for each in metric.exclusions}
    return found


def noted(card):
    """Return what each metric says of its counts beside the reasons for its verdict."""
    found = {}
    for metric in card:
        for part in metric.because.parts:
            what, _, number = part.text.rpartition(": ")
            if part.holds is None and number.replace(",", "").isdigit():
                found[metric.name, what] = int(number.replace(",", ""))
    found.pop(FIRST, None)  # compared by itself
    return {key: number for key, number in found.items() if number}


def curves(found):
    """Return how many lasted how long, by side and whether they ended."""
    return {
        (side, ended, span // TICK): number
        for side, curve in found.items()
        for ended, counts in ((True, curve.ends), (False, curve.going))
        for span, number in counts
    }


def samples(estimate, unit):
    """Return how many there are of each value on each side of a comparison of samples."""
    sides = (("CRM-sourced", estimate.values), ("cold", estimate.base))
    return Counter((side, round(value * unit)) for side, values in sides for value in values)


def cohorts(card):
    """Return how many of each month reached which stage."""
    found = {}
    for (year, month, _, mask), people in card.counts.nurture.cohorts.items():
        row = found.setdefault(f"{year}-{month:02}", Counter())
        row["all"] += people
        for place, stage in enumerate(STAGES[1:], 1):
            row[stage] += people if mask & 1 << place else 0
    return {
        (month, row["all"], *(row[stage] for stage in STAGES[1:])) for month, row in found.items()
    }


def messages(card):
    """Return how many messages share what, and what became of them."""
    found = {}
    for key, number in card.counts.mail.cells.items():
        cell = Cell._make(key)
        fate = tuple(bool(cell.fate & bit) for bit in RESPONSES.values())
        found[*cell[:2], cell.channel and cell.channel.value, cell.variant, *fate] = number
    return found


def rated(rows, keys=1, few=FEW):
    """Return rows of counts as a table shows them: shares of the first, none of too few."""
    return {
        (
            *row[:keys],
            row[keys],
            *(n / row[keys] if row[keys] >= few else None for n in row[keys + 1 :]),
        )
        for row in rows
    }


def instants(rows):
    return [(micros(at), who) for at, who in rows]


def counted(card):
    """Return every count of a scorecard."""
    pipeline, costs = card.counts.pipeline, card["cost_per_hire"]
    tables = {table.name: table.rows for table in card.tables}
    before = sum(n for key, n in card.counts.nurture.cohorts.items() if not key[2])
    assert f"not counted: {before:,}." in card.table("funnel").notes[1]
    return {
        "shares": shares(card),
        "left out": left_out(card),
        "noted": noted(card),
        "people": (card.counts.people, card.counts.people + card.counts.later),
        "days since contact": dict(pipeline.days),
        "median days since contact": card["time_since_contact"].value,
        "time to fill": curves(card.fill_curves),
        "time in process": curves({"all": card.process_curve}),
        "stays": curves(card.stay_curves),
        "time to hire": samples(card["time_to_hire"].estimate.other, DAY / TICK),
        "ratings": samples(rating, 1) if (rating := card["performance_of_hire"].estimate) else {},
        "hires by side": {group.name: group.denominator for group in costs.groups},
        "saved": card["return_on_practice"].numerator,
        "sources": {row[:3] for row in tables["sources"]},
        "attribution": (*(row[1] for row in tables["attribution"]), card["crm_hire_share"].counted),
        "funnel": [row[:3] for row in tables["funnel"]],
        "before the window": before,
        "cohorts": cohorts(card),
        "messages": messages(card),
        "segments": {row[BOUNDED] for row in tables["segments"] if row[1]},
        "campaigns": {row[:3] for row in tables["campaigns"]},
        "waiting": instants(card.waiting),
        "to refresh": instants(card.to_refresh),
        "simulated": card.simulated,
        **{names: {row[BOUNDED] for row in card.responses(*names).rows} for names in PARTED},
    }


def recounted(database, card):
    """Return the same counts by SQL, in the same shape."""

    def rows(name):
        return database.answer(name)

    def keyed(name):
        return {row[:-1] if len(row) > 2 else row[0]: row[-1] for row in rows(name)}

    def only(name):
        found = rows(name)
        return found[0][0] if found else None

    excluded = keyed("left out")
    performance = card["performance_of_hire"]
    if performance.value is None and not performance.groups:  # it was not even tried
        excluded = {key: value for key, value in excluded.items() if key[0] != performance.name}
    return {
        "shares": {name: (part, whole) for name, part, whole in rows("shares")},
        "left out": excluded,
        "noted": keyed("noted"),
        "people": rows("people")[0],
        "days since contact": keyed("days since contact"),
        "median days since contact": only("median days since contact"),
        "time to fill": keyed("time to fill"),
        "time in process": keyed("time in process"),
        "stays": keyed("stays"),
        "time to hire": keyed("time to hire"),
        "ratings": keyed("ratings"),
        "hires by side": {"CRM-sourced": 0, "cold": 0, **keyed("hires by side")},
        "saved": only("saved"),
        "sources": set(rows("sources")),
        "attribution": rows("attribution")[0],
        "funnel": rows("funnel"),
        "before the window": only("before the window"),
        "cohorts": set(rows("cohorts")),
        "messages": keyed("messages"),
        "segments": rated(rows("segments")),
        "campaigns": set(rows("campaigns")),
        "waiting": rows("waiting"),
        "to refresh": rows("to refresh"),
        "simulated": only("simulated"),
        **{names: rated(database.rows(by(*names)), len(names)) for names in PARTED},
    }


def check_answers(database, card):
    """Compare first replies."""
    found = dict(database.answer("answers"))
    assert found == {int(row[0]): row[1] for row in card.table("answers").rows if row[1]}
    second = card["answered_by_second"]
    by_second = sum(number for place, number in found.items() if place <= 2)
    assert (by_second, sum(found.values())) == (second.numerator, second.denominator)
    first = [part.text for part in second.because.parts]
    assert first == ([f"to the first: {found.get(1, 0)}"] if found else [])


def check(database, pool, **asked):
    """Compare all counts of a pool."""
    card = pool.measure(**asked)
    database.load(pool, **asked)
    assert recounted(database, card) == counted(card)
    for name, others in LIKE.items():
        for other in others:
            assert card[name].exclusions == card[other].exclusions
    check_answers(database, card)


@settings(
    max_examples=examples(40),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(pool=pools(people=6), asked=questions)
def test_every_count_is_what_sql_finds_in_a_random_pool(database, pool, asked):
    """Numerators, denominators, what was left out, curves and tables of a few people."""
    check(database, pool, **asked)


@pytest.mark.parametrize("rule", AttributionRule)
def test_every_count_is_what_sql_finds_in_a_large_pool(database, rule):
    """The same of three hundred people with thousands of facts, by each rule of attribution."""
    pool = seeded_pool(len(rule.value), people=300)
    check(database, pool, attribution=Attribution(rule=rule))


@pytest.mark.parametrize("now", [NOW - 22 * DAY, NOW - 150 * DAY, NOW + 30 * DAY])
@pytest.mark.parametrize("window", WINDOWS)
def test_every_count_is_what_sql_finds_at_other_instants(database, now, window):
    """The same over shorter and longer windows, with many facts that are dated after now."""
    policy = POLICIES[now > NOW]
    check(database, seeded_pool(3, people=80), now=now, window=window, policy=policy)
