"""Pipeline size, engagement, conversion and re-engagement on pools counted by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from crmkit.engagement import EngagementPolicy
from crmkit.metrics import Exclusion, Metric, MetricVerdict, scorecard
from crmkit.model import Candidate, Interaction, Relationship

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
YEAR = 365 * DAY


def person(
    key: str, *facts: tuple[str, float], erased: bool = False, **more: object
) -> Relationship:
    """Somebody with facts given as (kind, days ago)."""
    log = [
        Interaction(candidate_id=key, kind=kind, at=NOW - days * DAY, **more)
        for kind, days in facts
    ]
    return Relationship(Candidate(id=key, erased=erased), log)


def measure(name: str, *pool: Relationship, **options: Any) -> Metric:
    return scorecard(iter(pool), now=NOW, **options)[name]


def test_pipeline_counts_people_who_are_neither_erased_nor_employed_here() -> None:
    """An alumnus is back in the pipeline; a tombstone and an employee are not, visibly."""
    metric = measure(
        "pipeline_size",
        person("new"),
        person("gone", erased=True),
        person("here", ("hired", 30)),
        person("alumna", ("hired", 900), ("left", 30)),
    )
    assert (metric.value, metric.numerator, metric.denominator) == (2.0, 2, None)
    assert metric.verdict == MetricVerdict.NONE
    assert metric.benchmark is None
    assert (
        Exclusion("people erased", 1),
        Exclusion("people who work here", 1),
    ) == metric.exclusions
    assert metric.until is None


def test_pipeline_of_a_past_instant_leaves_out_those_first_heard_of_later() -> None:
    """A person whose every fact is in the future does not exist yet, until the first arrives."""
    metric = measure("pipeline_size", person("late", ("sourced", -3), ("met", -5)))
    assert metric.value == 0.0
    assert metric.until == NOW + 3 * DAY
    assert (Exclusion("people first heard of later", 1),) == metric.exclusions


def test_pipeline_changes_when_a_future_hire_arrives() -> None:
    """A hire dated after now bounds how long the number holds."""
    metric = measure("pipeline_size", person("soon", ("sourced", 9), ("hired", -2)))
    assert (metric.value, metric.until) == (1.0, NOW + 2 * DAY)


def test_the_health_of_the_pipeline_is_part_of_its_size() -> None:
    """Who took part, whose profile is stale, whom no address reaches, who consented."""
    consent = {"purpose": "nurture"}
    reached = Candidate(id="well", emails=["a@example.org"])
    log = [
        Interaction(candidate_id="well", kind="replied", at=NOW - DAY),
        Interaction(candidate_id="well", kind="verified", at=NOW - 90 * DAY),
        Interaction(candidate_id="well", kind="consented", at=NOW - DAY, properties=consent),
    ]
    metric = measure(
        "pipeline_size",
        Relationship(reached, log),
        person("stale", ("captured", 91), ("met", 400)),
        person("unknown"),
    )
    assert [part.text for part in metric.because.parts] == [
        "of them active: 1",
        "of them stale: 2",
        "of them unreachable: 2",
        "of them without consent: 2",
    ]


@pytest.mark.parametrize(
    ("facts", "reached"),
    [
        ([], 1),
        ([{"kind": "bounced"}], 0),
        ([{"kind": "bounced", "outcome": "soft"}], 1),
        ([{"kind": "bounced", "properties": {"address": "other@example.org"}}], 1),
        ([{"kind": "complained"}], 0),
        ([{"kind": "unsubscribed"}], 0),
        ([{"kind": "withdrew_consent", "properties": {"purpose": "assessment"}}], 1),
    ],
    ids=["works", "bounced", "soft", "another address", "complained", "unsubscribed", "another"],
)
def test_who_can_be_reached_is_what_the_arbiter_says(
    facts: list[dict[str, Any]], reached: int
) -> None:
    """The address must work, and the person must not have said no."""
    log = [Interaction(candidate_id="a", at=NOW - DAY, **fact) for fact in facts]
    pool = Relationship(Candidate(id="a", emails=["a@example.org"]), log)
    assert measure("reachable_share", pool).numerator == reached


def test_a_phone_or_a_linkedin_profile_reaches_too() -> None:
    """One channel that works is enough; a wish not to be contacted closes them all."""
    bounced = [Interaction(candidate_id="a", kind="bounced", at=NOW - DAY)]
    known = {"emails": ["a@example.org"], "phones": ["+44 20 7946 0000"]}
    pool = [
        Relationship(Candidate(id="a", **known), bounced),
        Relationship(Candidate(id="b", links=["https://www.linkedin.com/in/b"])),
        Relationship(Candidate(id="c", links=["https://example.org"])),
        Relationship(Candidate(id="d", do_not_contact=True, **known)),
    ]
    metric = measure("reachable_share", *pool)
    assert (metric.numerator, metric.denominator) == (2, 4)


def test_a_consent_counts_until_it_expires() -> None:
    """And the share says until when it holds."""
    given = {"purpose": "nurture", "expires_at": (NOW + 5 * DAY).isoformat()}
    log = [Interaction(candidate_id="a", kind="consented", at=NOW - DAY, properties=given)]
    metric = measure("consent_share", Relationship(Candidate(id="a"), log))
    assert (metric.numerator, metric.until) == (1, NOW + 5 * DAY)


def test_time_since_contact_is_the_median_of_whole_days() -> None:
    """Either direction counts; somebody never contacted is left out, visibly."""
    metric = measure(
        "time_since_contact",
        person("a", ("sent", 10.5)),
        person("b", ("sent", 30), ("replied", 20)),
        person("c", ("met", 40)),
        person("d", ("captured", 1)),
    )
    assert (metric.value, metric.denominator, metric.shown) == (20.0, 3, "20 days")
    assert (Exclusion("people never contacted", 1),) == metric.exclusions
    assert metric.until == NOW + DAY / 2


def test_silence_is_an_application_or_interview_without_an_answer() -> None:
    """A cadence's message is no answer; a decision, a talk or a message of its own is."""
    ours = person("cadence", ("applied", 30), ("sent", 20), enrollment_id="run")
    metric = measure(
        "silence_rate",
        ours,
        person("nothing", ("interviewed", 30)),
        person("rejected", ("applied", 30), ("rejected", 20)),
        person("written to", ("applied", 30), ("sent", 20)),
        person("asked again", ("applied", 40), ("screened", 30), ("interviewed", 20)),
        person("too soon", ("applied", 13)),
        person("long ago", ("applied", 366)),
    )
    assert (metric.numerator, metric.denominator) == (3, 5)
    found = scorecard([ours], now=NOW).waiting
    assert found == ((NOW - 30 * DAY, "cadence"),)


def test_complaints_are_measured_against_the_providers_limit() -> None:
    """Three of three thousand are the most; machines are not asked whether they did it."""
    silent = [person(f"p{n}", ("sent", 20)) for n in range(2_997)]
    angry = [person(f"a{n}", ("sent", 20), ("complained", 19), automated=True) for n in range(3)]
    metric = measure("complaint_rate", *silent, *angry)
    assert (metric.numerator, metric.denominator) == (3, 3000)
    assert metric.verdict is MetricVerdict.WITHIN
    assert measure("complaint_rate", *silent[1:], *angry).verdict is MetricVerdict.ABOVE


def test_few_mails_do_not_show_that_complaints_are_few() -> None:
    """None of 2,999 may still be one in a thousand; one of thirty is above it, surely."""
    silent = [person(f"p{n}", ("sent", 20)) for n in range(2_999)]
    metric = measure("complaint_rate", *silent)
    assert metric.verdict is MetricVerdict.TOO_FEW
    assert metric.because.parts[-1].text == "at least 3,000 are counted"
    angry = person("angry", ("sent", 20), ("complained", 19))
    assert measure("complaint_rate", *silent[:29], angry).verdict is MetricVerdict.ABOVE
    assert measure("complaint_rate", *silent[:28], angry).verdict is MetricVerdict.TOO_FEW


def test_first_replies_are_counted_by_the_message_that_they_answer() -> None:
    """In each cadence by itself; an answer names its message, or is about the newest before it."""

    def run(key: str, *facts: tuple[str, float, str | None]) -> Relationship:
        log = [
            Interaction(
                candidate_id=key,
                kind=kind,
                at=NOW - days * DAY,
                touch=touch,
                enrollment_id="run" if touch else None,
            )
            for kind, days, touch in facts
        ]
        return Relationship(Candidate(id=key), log)

    metric = measure(
        "answered_by_second",
        run("named", ("sent", 30, "a"), ("sent", 20, "b"), ("replied", 10, "a")),
        run("newest", ("sent", 30, None), ("sent", 20, None), ("replied", 15, None)),
        run("third", *(("sent", 40 - n, "abc"[n]) for n in range(3)), ("replied", 9, "c")),
        run(
            "again", ("sent", 30, "a"), ("replied", 25, "a"), ("sent", 20, "b"), ("replied", 9, "b")
        ),
    )
    assert (metric.numerator, metric.denominator) == (3, 4)


def test_a_response_without_its_message_is_stated() -> None:
    """An outcome before its cause counts nowhere, and is not lost."""
    metric = measure("reply_rate", person("a", ("replied", 30), ("sent", 20)))
    assert (metric.numerator, metric.denominator) == (0, 1)
    assert (Exclusion("replied before any message", 1),) == metric.exclusions


def test_an_empty_pool_is_measured_as_nobody() -> None:
    """No people: the size is zero, and every rate says why there is none."""
    card = scorecard([], now=NOW)
    assert card["pipeline_size"].value == 0.0
    assert {metric.name: metric.because.text for metric in card.seven if metric.value is None} == {
        "engagement_rate": "no one was e-mailed in the window",
        "conversion_rate": "no one was ever sent a message",
        "re_engagement_rate": "no one was sent a message while cold in the window",
        "time_to_fill": "no CRM-sourced and no cold hire was counted",
        "quality_of_hire": "no CRM-sourced and no cold hire was counted",
        "cost_per_hire": "no costs were given: scorecard(…, costs=Costs(…))",
    }
    assert {MetricVerdict.NOT_MEASURED} == {metric.verdict for metric in list(card)[1:]}


def test_engagement_is_counted_over_people_emailed_in_the_window() -> None:
    """Two of four: by an open, by a click; an old open and an open before the message do not."""
    metric = measure(
        "engagement_rate",
        person("opened", ("sent", 20), ("opened", 19), ("opened", 18)),
        person("clicked", ("sent", 20), ("sent", 10), ("clicked", 9)),
        person("silent", ("sent", 20), ("replied", 19)),
        person("before", ("sent", 20), ("opened", 21)),
        person("earlier", ("sent", 400), ("opened", 10)),
        person("never", ("opened", 10)),
    )
    assert (metric.value, metric.numerator, metric.denominator) == (0.5, 2, 4)
    assert metric.because.text == "2 of 4 people e-mailed in the window opened or clicked"
    assert metric.because.parts[0].text == "of them clicked: 1"


def test_engagement_leaves_out_machines_visibly_and_keeps_the_unknown() -> None:
    """An open known to be machine-made weighs nothing; one of unknown origin counts."""
    metric = measure(
        "engagement_rate",
        person("proxy", ("sent", 20), automated=True),
        person("scanned", ("sent", 20), ("opened", 19), ("clicked", 19), automated=True),
        person("unknown", ("sent", 20), ("opened", 19), automated=None),
        person("long ago", ("opened", 500), automated=True),
    )
    assert (metric.numerator, metric.denominator) == (1, 3)
    assert [str(exclusion) for exclusion in metric.exclusions] == [
        "machine-made clicks left out: 1",
        "machine-made opens left out: 1",
    ]


def test_engagement_is_about_mail() -> None:
    """A text message cannot be opened, so it is left out; a click in one is no open of a mail."""
    metric = measure(
        "engagement_rate",
        person("texted", ("sent", 20), ("sent", 500), ("clicked", 19), channel="text"),
        person("mailed", ("sent", 20), ("opened", 19), channel="email"),
    )
    assert (metric.numerator, metric.denominator) == (1, 1)
    assert (Exclusion("messages on other channels than e-mail", 1),) == metric.exclusions


@pytest.mark.parametrize(
    ("days", "expected"), [(365, (0, 0)), (364.999, (0, 1)), (0, (0, 1)), (-0.001, (0, 0))]
)
def test_the_window_is_open_at_its_start_and_closed_at_now(
    days: float, expected: tuple[int, int]
) -> None:
    """A message exactly a window old is out; one at this instant is in; a later one is not yet."""
    metric = measure("engagement_rate", person("a", ("sourced", 900), ("sent", days)))
    assert expected == (metric.numerator, metric.denominator)


def test_engagement_holds_until_the_message_that_was_answered_leaves() -> None:
    """The open followed the older message only: with it the numerator goes."""
    metric = measure("engagement_rate", person("a", ("sent", 300), ("opened", 290), ("sent", 10)))
    assert (metric.numerator, metric.until) == (1, NOW - 300 * DAY + YEAR)


def test_an_answer_before_the_window_to_an_old_message_is_silence() -> None:
    """The walk back over the messages stops at the window's start."""
    metric = measure("engagement_rate", person("a", ("sent", 500), ("opened", 490), ("sent", 10)))
    assert (metric.numerator, metric.denominator) == (0, 1)


@pytest.mark.parametrize("kind", ["sent", "opened", "clicked"])
def test_a_future_fact_bounds_how_long_engagement_holds(kind: str) -> None:
    """A fact in the log but dated after now arrives at its own instant."""
    metric = measure("engagement_rate", person("a", ("sent", 10), (kind, -1)))
    assert metric.until == NOW + DAY


def test_conversion_counts_applications_after_the_first_message() -> None:
    """One of three nurtured: too early, too long ago, and never written to do not count."""
    metric = measure(
        "conversion_rate",
        person("converted", ("sent", 500), ("applied", 20)),
        person("early", ("applied", 30), ("sent", 20)),
        person("old", ("sent", 500), ("applied", 400)),
        person("direct", ("applied", 30)),
    )
    assert (metric.numerator, metric.denominator) == (1, 3)
    assert (Exclusion("applications before the first message", 1),) == metric.exclusions
    assert metric.until == NOW - 20 * DAY + YEAR


def test_a_future_application_bounds_how_long_conversion_holds() -> None:
    """It arrives at its own instant."""
    metric = measure("conversion_rate", person("a", ("sent", 10), ("applied", -4)))
    assert (metric.numerator, metric.until) == (0, NOW + 4 * DAY)


def test_re_engagement_asks_for_silence_a_further_message_and_an_answer() -> None:
    """Cold means three unanswered in a row; the answer must follow the fourth message."""
    three = (("sent", 300.0), ("sent", 250.0), ("sent", 200.0))
    metric = measure(
        "re_engagement_rate",
        person("woken", *three, ("sent", 100), ("replied", 90)),
        person("asleep", *three, ("sent", 100), ("opened", 90)),
        person("by herself", *three, ("replied", 150), ("sent", 100), ("replied", 90)),
        person("left alone", *three, ("replied", 90)),
        person("not cold", ("sent", 300), ("sent", 200), ("sent", 100), ("replied", 90)),
    )
    assert (metric.numerator, metric.denominator) == (1, 2)
    assert (
        metric.because.text == "1 of 2 people who were sent a message while cold engaged after it"
    )


def test_re_engagement_left_the_window_when_its_message_did() -> None:
    """A person woken more than a window ago is not woken again by having been."""
    facts = [("sent", 700.0), ("sent", 600.0), ("sent", 550.0), ("sent", 500.0), ("replied", 9.0)]
    metric = measure("re_engagement_rate", person("a", *facts))
    assert (metric.value, metric.numerator, metric.denominator) == (None, 0, 0)


def test_a_bounce_takes_back_a_message_and_deliveries_do_not_count_twice() -> None:
    """Coldness is judged by what arrived: as `crmkit.engagement.unanswered` counts."""
    sent = [("sent", 300.0), ("delivered", 299.0), ("sent", 200.0), ("sent", 150.0)]
    bounced = person("bounced", *sent, ("bounced", 149), ("sent", 100))
    arrived = person("arrived", *sent, ("delivered", 149), ("sent", 100))
    assert measure("re_engagement_rate", bounced).denominator == 0
    assert measure("re_engagement_rate", arrived).denominator == 1


def test_deliveries_alone_make_cold() -> None:
    """A host that logs only deliveries is understood, too."""
    metric = measure(
        "re_engagement_rate",
        person("a", ("delivered", 300), ("delivered", 200), ("delivered", 150), ("sent", 100)),
    )
    assert metric.denominator == 1


def test_the_policy_says_when_somebody_is_cold_and_what_an_engagement_is() -> None:
    """With an open that weighs and two for cold, the definition says two and the open counts."""
    policy = EngagementPolicy(weights={"opened": 1.0}, cooling_after=1, cold_after=2)
    pool = person("a", ("sent", 300), ("sent", 200), ("sent", 100), ("opened", 90))
    metric = measure("re_engagement_rate", pool, policy=policy)
    assert (metric.numerator, metric.denominator) == (1, 1)
    assert "at least 2 messages in a row" in metric.definition


def test_a_future_answer_bounds_how_long_re_engagement_holds() -> None:
    """An engagement dated after now arrives at its own instant; a machine's does not matter."""
    facts = [("sent", 300.0), ("sent", 250.0), ("sent", 200.0), ("sent", 100.0)]
    waiting = person("a", *facts, ("clicked", -7))
    machine = [attrs.evolve(fact, automated=True) for fact in waiting.history]
    assert measure("re_engagement_rate", waiting).until == NOW + 7 * DAY
    assert (
        measure("re_engagement_rate", Relationship(Candidate(id="a"), machine)).until
        == NOW - 100 * DAY + YEAR
    )
