"""What to do next: what the numbers call for, what they do not, and what nobody can tell."""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from crmkit.metrics import Costs, Scorecard, scorecard
from crmkit.model import Candidate, Interaction, Relationship
from crmkit.report import Advice, advise

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
Fact = tuple[str, float] | tuple[str, float, str]


def person(key: str, *facts: Fact) -> Relationship:
    """Somebody with facts given as (kind, days ago, touch)."""
    log = [
        Interaction(
            candidate_id=key, kind=kind, at=NOW - days * DAY, touch=touch[0] if touch else None
        )
        for kind, days, *touch in facts
    ]
    return Relationship(Candidate(id=key, emails=[f"{key}@example.org"], name="Ada Byron"), log)


def card(
    *pool: Relationship, segments: Mapping[str, set[str]] | None = None, days: int = 365
) -> Scorecard:
    return scorecard(pool, now=NOW, segments=segments, window=days * DAY)


def found(card: Scorecard, name: str) -> Advice:
    (advice,) = (each for each in advise(card) if each.name == name)
    return advice


def names(card: Scorecard) -> list[str]:
    return [each.name for each in advise(card) if each.due]


def mailed(replies: Mapping[str, int], people: int = 60) -> list[Relationship]:
    """People who got each touch, of whom so many answered it."""
    return [
        person(
            f"p{number}",
            *(
                fact
                for place, (touch, count) in enumerate(replies.items())
                for fact in [
                    ("sent", 200 - 20 * place, touch),
                    *([("replied", 199 - 20 * place, touch)] * (number < count)),
                ]
            ),
        )
        for number in range(people)
    ]


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take SciPy away."""
    for name in ("scipy", "scipy.stats"):
        monkeypatch.setitem(sys.modules, name, None)


# --- people


def test_who_waits_is_named_the_longest_first() -> None:
    """Whoever applied and heard nothing is listed by id, with since when, before all else."""
    pool = [
        person("ada", ("applied", 20)),
        person("bob", ("applied", 40)),
        person("eve", ("applied", 40), ("rejected", 30)),
        person("new", ("applied", 3)),
    ]
    advice = advise(card(*pool))[0]
    assert advice == Advice(
        name="answer",
        title="Answer 2 people who went unanswered",
        text="2 of 3 who applied or were interviewed have heard nothing for 14 days or more.",
        people=((NOW - 40 * DAY, "bob"), (NOW - 20 * DAY, "ada")),
        since="since when they wait",
    )
    assert str(advice).startswith("Answer 2 people who went unanswered. 2 of 3 who applied")


def test_only_the_longest_are_listed_but_all_are_counted() -> None:
    """A list holds twenty; the sentence says that they are not all."""
    advice = found(card(*(person(f"p{day}", ("applied", 20 + day)) for day in range(25))), "answer")
    assert advice.title == "Answer 25 people who went unanswered"
    assert advice.text.endswith("; these 20 wait the longest.")
    assert len(advice.people) == 20


def test_nobody_waiting_is_said() -> None:
    """When all have had an answer, that is said, with how many they were."""
    advice = found(card(person("eve", ("applied", 40), ("rejected", 30))), "answer")
    assert not advice.due
    assert advice.text == "1 person applied or had an interview, and all have had an answer."
    assert "Nobody applied" in found(card(), "answer").text


def test_who_takes_part_with_a_stale_profile_is_to_be_refreshed() -> None:
    """Stale profiles of people who took part come first; fresh or silent ones are not listed."""
    pool = [
        person("ada", ("captured", 400), ("replied", 10)),
        person("bob", ("captured", 500), ("visited", 10)),
        person("fresh", ("captured", 10), ("replied", 5)),
        person("silent", ("captured", 600)),
    ]
    advice = found(card(*pool), "refresh")
    assert advice.due
    assert advice.title == "Refresh 2 profiles first"
    assert advice.text.startswith("3 of 4 profiles were not confirmed in the last 91 days.")
    assert [who for _, who in advice.people] == ["bob", "ada"]


def test_nothing_says_a_name_or_an_address() -> None:
    """Advice has ids: neither its text nor its repr has anything else of a person."""
    pool = [person("ada", ("captured", 400), ("replied", 30), ("applied", 20))]
    told = "".join(f"{each!r}{each}" for each in advise(card(*pool)))
    assert "'ada'" in told
    assert "Byron" not in told
    assert "@" not in told


def test_nobody_at_all_calls_for_nothing() -> None:
    """An empty pool gives no advice, and says what was looked for."""
    assert names(card()) == []
    assert [each.name for each in advise(card())] == ["answer", "touch", "refresh"]


# --- touches


def test_a_touch_answered_less_than_the_others_fails() -> None:
    """The touch whose whole interval is below the others' rate is named, with the counts."""
    pytest.importorskip("scipy")
    advice = found(card(*mailed({"welcome": 20, "news": 1, "value": 18})), "touch")
    assert advice.due
    assert advice.title == "Rewrite or drop a touch: news"
    assert "1.7 % of its messages are answered (1 of 60;" in advice.text
    assert "and 31.7 % of the other touches' messages" in advice.text


def test_of_several_that_fail_the_worst_is_named() -> None:
    """One touch at a time: the one with the lowest rate."""
    pytest.importorskip("scipy")
    advice = found(card(*mailed({"a": 40, "b": 5, "c": 2, "d": 40}, people=80)), "touch")
    assert advice.title == "Rewrite or drop a touch: c"


def test_the_cadence_of_a_touch_is_named_where_it_is_known() -> None:
    """Two cadences may have touches of one name: they are two touches."""
    pytest.importorskip("scipy")
    pool = []
    for each in mailed({"welcome": 20, "news": 0}):
        who = each.candidate.id
        run = Interaction(
            candidate_id=who,
            kind="enrolled",
            at=NOW - 300 * DAY,
            enrollment_id=f"run-{who}",
            properties={"cadence": "seven-touch"},
        )
        facts = [
            Interaction(
                candidate_id=who,
                kind=fact.kind,
                at=fact.at,
                touch=fact.touch,
                enrollment_id=f"run-{who}",
            )
            for fact in each.history
        ]
        pool.append(Relationship(each.candidate, [run, *facts]))
    assert found(card(*pool), "touch").title == "Rewrite or drop a touch: news (seven-touch)"


def test_no_touch_stands_out_when_the_data_cannot_tell() -> None:
    """A lower rate within chance is no failure, and that is said."""
    pytest.importorskip("scipy")
    advice = found(card(*mailed({"welcome": 12, "news": 9})), "touch")
    assert not advice.due
    assert advice.title == "No touch stands out"
    assert "Of the 2 touches sent 30 times or more" in advice.text


def test_too_few_messages_do_not_tell() -> None:
    """Below thirty messages a touch is not judged."""
    pytest.importorskip("scipy")
    advice = found(card(*mailed({"welcome": 20, "news": 0}, people=29)), "touch")
    assert (advice.due, advice.text) == (
        False,
        "Fewer than two touches were sent 30 times or more.",
    )


def test_a_touch_that_people_leave_at_is_named() -> None:
    """Unsubscriptions wholly over the limit belong to the touch that they came after."""
    pytest.importorskip("scipy")
    pool = [
        person(
            f"p{number}",
            ("sent", 100, "welcome"),
            ("sent", 50, "news"),
            *([("unsubscribed", 49, "news")] * (number < 9)),
        )
        for number in range(90)
    ]
    titles = [each.title for each in advise(card(*pool)) if each.due]
    assert "A touch that people leave at: news" in titles
    assert "A touch that people leave at: welcome" not in titles


# --- limits and benchmarks


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("bounced", "bounce_rate"),
        ("unsubscribed", "unsubscribe_rate"),
        ("complained", "complaint_rate"),
    ],
)
def test_a_rate_over_its_limit_is_told_with_the_limit(kind: str, name: str) -> None:
    """What costs a sender its good name is told, with the number and who set the limit."""
    pool = [
        person(f"p{number}", ("sent", 100), *([(kind, 99)] * (number < 10)))
        for number in range(100)
    ]
    advice = found(card(*pool), name)
    assert advice.due
    assert advice.title.endswith(": over the limit")
    assert "It is 10.0 % (10 of 100" in advice.text


def test_over_a_limit_by_chance_is_no_alarm() -> None:
    """Where the interval reaches below the limit, it is said and nothing asked for."""
    pytest.importorskip("scipy")
    pool = [
        person(f"p{number}", ("sent", 100), *([("unsubscribed", 99)] * (number < 1)))
        for number in range(100)
    ]
    advice = found(card(*pool), "unsubscribe_rate")
    assert not advice.due
    assert advice.title == "Unsubscribe rate: perhaps over the limit"
    assert advice.text.endswith("The data cannot tell yet: wait for more.")


def test_few_messages_are_over_no_limit() -> None:
    """Below thirty messages there is no judging a rate."""
    pool = [person(f"p{number}", ("sent", 100), ("bounced", 99)) for number in range(29)]
    assert "bounce_rate" not in {each.name for each in advise(card(*pool))}


def test_a_metric_below_its_benchmark_is_told_with_both_numbers() -> None:
    """Advice names the value, its counts and the benchmark that it is below."""
    pool = [person(f"p{number}", ("sent", 100)) for number in range(200)]
    advice = found(card(*pool), "conversion_rate")
    assert advice.due
    assert advice.title == "Conversion rate: below the benchmark"
    assert "It is 0.0 % (0 of 200" in advice.text
    assert "the benchmark is 5–15 %" in advice.text


def test_a_comparison_below_its_benchmark_names_both_sides() -> None:
    """Hires out of the CRM that cost more than cold ones are told with both costs."""
    pool = [
        person(f"p{number}", *([("sent", 100)] * (number % 2)), ("applied", 60), ("hired", 30))
        for number in range(160)
    ]
    costs = Costs(
        internal_crm=8000, external_crm=0, internal_cold=4000, external_cold=0, currency="EUR"
    )
    advice = found(scorecard(pool, now=NOW, costs=costs), "cost_per_hire")
    assert advice.due
    assert "(100.0 EUR CRM-sourced (of 80) against 50.0 EUR cold (of 80)" in advice.text


def test_below_a_benchmark_by_chance_asks_for_nothing() -> None:
    """Where the interval reaches into the benchmark, the data cannot tell."""
    pytest.importorskip("scipy")
    pool = [
        person(f"p{number}", ("sent", 100), *([("applied", 50), ("rejected", 45)] * (number < 4)))
        for number in range(100)
    ]
    advice = found(card(*pool), "conversion_rate")
    assert not advice.due
    assert advice.title == "Conversion rate: perhaps below the benchmark"


def test_above_or_within_a_benchmark_is_no_matter() -> None:
    """More engagement than usual calls for nothing."""
    pool = [
        person(f"p{number}", ("sent", 100), *([("opened", 99)] * (number < 40)))
        for number in range(60)
    ]
    assert "engagement_rate" not in {each.name for each in advise(card(*pool))}


def test_segments_below_the_benchmark_are_named_with_their_numbers() -> None:
    """A segment is named when its whole interval is below the benchmark of engagement."""
    pytest.importorskip("scipy")
    pool = [
        person(f"p{number}", ("sent", 100), *([("opened", 99)] * (number % 2)))
        for number in range(120)
    ]
    asleep = {f"p{number}" for number in range(0, 120, 2)}
    segments = {"asleep": asleep, "all": {f"p{number}" for number in range(120)}, "few": {"p0"}}
    advice = found(card(*pool, segments=segments), "segments")
    assert advice.title == "Send something else to 1 segment"
    assert advice.text == "Below the benchmark of engagement, 20–35 %: asleep (0.0 % of 60)."


# --- without SciPy


@pytest.mark.usefixtures("bare")
def test_without_scipy_touches_are_not_compared() -> None:
    """There are no intervals then, and the advice says how to get them."""
    advice = found(card(*mailed({"welcome": 20, "news": 1})), "touch")
    assert not advice.due
    assert advice.text.endswith("pip install 'crmkit[stats]'.")


@pytest.mark.usefixtures("bare")
def test_without_scipy_limits_and_benchmarks_are_judged_by_the_value() -> None:
    """Enough messages over a limit are told all the same."""
    pool = [
        person(f"p{number}", ("sent", 100), *([("bounced", 99)] * (number < 10)))
        for number in range(100)
    ]
    told = card(*pool, segments={"all": {f"p{number}" for number in range(100)}})
    assert set(names(told)) >= {"bounce_rate", "conversion_rate", "engagement_rate", "segments"}
    assert "(10 of 100)" in found(told, "bounce_rate").text
