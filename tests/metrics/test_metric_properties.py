"""What holds for every pool: order, machines, oracles, and how long a number stays."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import attrs
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.engagement import DEFAULT, is_engagement, unanswered
from crmkit.metrics import Costs, Metric, Scorecard, scorecard
from crmkit.model import Candidate, Interaction, Relationship, Role

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
WINDOW = 100 * DAY
KINDS = [
    "sent",
    "sent",
    "sent",
    "sent",
    "delivered",
    "bounced",
    "opened",
    "clicked",
    "replied",
    "applied",
    "met",
    "hired",
    "left",
]
ROLES = [Role(id="r", title="R", opened_at=NOW - 300 * DAY), Role(id="s", title="S")]
COSTS = Costs(internal_crm=1, external_crm=2, internal_cold=3, external_cold=4, currency="EUR")


@st.composite
def people(draw: st.DrawFn, most: int = 5) -> list[Relationship]:
    """Draw a few people with many facts, some of them dated after now, some at one instant."""
    pool = []
    for number in range(draw(st.integers(0, most))):
        facts = draw(
            st.lists(
                st.builds(
                    Interaction,
                    candidate_id=st.just(f"p{number}"),
                    kind=st.sampled_from(KINDS),
                    at=(st.integers(-240, 60) | st.integers(-960, 60)).map(
                        lambda days: NOW + days * DAY / 2
                    ),
                    automated=st.sampled_from([True, False, None]),
                    role_id=st.sampled_from(["r", "s", None]),
                    channel=st.sampled_from(["email", "text", None]),
                ),
                max_size=14,
            )
        )
        candidate = Candidate(id=f"p{number}", erased=draw(st.integers(0, 9)) == 0)
        pool.append(Relationship(candidate, facts))
    return pool


def measure(pool: Sequence[Relationship], *, now: datetime = NOW) -> Scorecard:
    return scorecard(iter(pool), now=now, roles=ROLES, costs=COSTS, window=WINDOW)


def numbers(metric: Metric) -> tuple[object, ...]:
    """Everything that ``until`` speaks of."""
    return metric.value, metric.numerator, metric.denominator, metric.counted, metric.verdict


def inside(at: datetime) -> bool:
    return NOW - WINDOW < at <= NOW


@settings(deadline=None)
@given(people(), st.randoms(use_true_random=False))
def test_the_order_of_people_and_facts_does_not_matter(
    pool: list[Relationship], random: random.Random
) -> None:
    """The same facts in any order give an equal scorecard."""
    shuffled = []
    for one in pool:
        facts = list(one.history)
        random.shuffle(facts)
        shuffled.append(Relationship(one.candidate, facts))
    random.shuffle(shuffled)
    assert measure(pool) == measure(shuffled)


@settings(deadline=None)
@given(people(), st.lists(st.tuples(st.sampled_from(["opened", "clicked"]), st.integers(-90, 9))))
def test_machines_change_nothing_but_the_count_of_what_is_left_out(
    pool: list[Relationship], events: list[tuple[str, int]]
) -> None:
    """However many proxies open and scanners click, value, reasons and until stay."""
    noisy = [
        Relationship(
            one.candidate,
            one.history
            | [
                Interaction(candidate_id=one.id, kind=kind, at=NOW + days * DAY, automated=True)
                for kind, days in events
                if one.history and one.history.facts[0].at <= NOW + min(days, 0) * DAY
            ],
        )
        for one in pool
    ]
    quiet, loud = measure(pool), measure(noisy)
    without = [attrs.evolve(metric, exclusions=()) for metric in quiet]
    assert without[1:] == [attrs.evolve(metric, exclusions=()) for metric in loud][1:]


@settings(deadline=None)
@given(people())
def test_rates_equal_a_plain_recount(pool: list[Relationship]) -> None:
    """Each rate again, straight from its definition, fact against fact."""
    card = measure(pool)
    nurtured = converted = cold = woken = 0
    for one in pool:
        past = [fact for fact in one.history if fact.at <= NOW]
        sent = [fact for fact in past if fact.kind == "sent"]
        nurtured += bool(sent)
        converted += any(
            fact.kind == "applied" and inside(fact.at) and any(s.at < fact.at for s in sent)
            for fact in past
        )
        touched = [
            fact.at
            for fact in sent
            if inside(fact.at) and unanswered(one, now=fact.at - TICK) >= DEFAULT.cold_after
        ]
        cold += bool(touched)
        woken += any(is_engagement(fact) and touched[0] <= fact.at for fact in past if touched)
    names = ("conversion_rate", "re_engagement_rate")
    assert [(converted, nurtured), (woken, cold)] == [
        (card[name].numerator, card[name].denominator) for name in names
    ]


@settings(deadline=None, max_examples=examples(40))
@given(people(most=2))
def test_a_number_stays_the_same_until_it_says(pool: list[Relationship]) -> None:
    """Swept over every instant at which anything could change, and just before and after it."""
    found = measure(pool)
    corners = {
        fact.at + shift
        for one in pool
        for fact in one.history
        for shift in (timedelta(0), WINDOW, 365 * DAY, 366 * DAY, 465 * DAY, 466 * DAY)
    }
    sweep = sorted({at + step for at in corners for step in (-TICK, timedelta(0), TICK)})
    latest = max((metric.until or sweep[-1] for metric in found), default=NOW) if sweep else NOW
    for at in (at for at in sweep if NOW <= at <= latest):
        then = measure(pool, now=at)
        for metric in found:
            if metric.until is None or at < metric.until:
                assert numbers(metric) == numbers(then[metric.name])


@settings(deadline=None)
@given(people())
def test_what_is_recorded_is_what_a_replay_finds(pool: list[Relationship]) -> None:
    """Facts that arrive later do not change the number of a past instant."""
    known = [one.upto(NOW) for one in pool if one.upto(NOW).history or not one.history]
    replayed = measure(pool)
    names = [metric.name for metric in replayed]
    recorded = measure(known)
    assert [numbers(recorded[name]) for name in names] == [
        numbers(replayed[name]) for name in names
    ]
