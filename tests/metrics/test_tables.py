"""The tables of a scorecard, on pools counted by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crmkit.errors import NotFound, UnknownName
from crmkit.metrics import scorecard
from crmkit.model import Candidate, Interaction, Relationship, Role

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def person(
    key: str, *facts: tuple[str, float], source: str | None = None, **more: Any
) -> Relationship:
    log = [
        Interaction(candidate_id=key, kind=kind, at=NOW - days * DAY, **more)
        for kind, days in facts
    ]
    return Relationship(Candidate(id=key, source=source), log)


def test_the_funnel_says_how_many_of_each_stage_reached_the_next() -> None:
    """A cold applicant reaches applied without contacted; conversion counts who was at both."""
    pool = [person(f"p{n}", ("captured", 90)) for n in range(5)]
    pool += [person(f"c{n}", ("captured", 90), ("sent", 60)) for n in range(4)]
    pool += [person("e", ("captured", 90), ("sent", 60), ("replied", 50))]
    pool += [person("cold", ("applied", 40)), person("old", ("captured", 900), ("sent", 10))]
    table = scorecard(pool, now=NOW).table("funnel")
    rows = [(row["stage"], row["people"], row["of the stage before"]) for row in table.to_dicts()]
    assert rows == [
        ("captured", 11, None),
        ("contacted", 5, 5),
        ("engaged", 2, 1),
        ("applied", 1, 1),
        ("interviewed", 0, 0),
        ("offered", 0, 0),
        ("hired", 0, 0),
    ]
    shares = [row["conversion"] for row in table.to_dicts()]
    assert shares == [None, 5 / 11, 1 / 5, None, None, None, None]
    assert "First heard of before the window, not counted: 1." in table.notes[1]


def test_cohorts_withhold_rates_of_a_few() -> None:
    """Five have one, four have none; months follow each other."""
    pool = [person(f"a{n}", ("captured", 70), ("met", 60)) for n in range(4)]
    pool += [person(f"b{n}", ("captured", 30), *([("met", 20)] if n else [])) for n in range(5)]
    rows = [list(row)[:4] for row in scorecard(pool, now=NOW).table("cohorts")]
    assert rows == [["2025-12", 4, None, None], ["2026-01", 5, 0.8, 0.8]]


def test_responses_are_parted_by_what_messages_have_in_common() -> None:
    """Per message; a rate from five messages on; touches in the order of their cadence."""
    pool = []
    for number in range(6):
        key, run = f"p{number}", f"run{number}"
        which = {"candidate_id": key, "enrollment_id": run}
        log = [
            Interaction(
                kind="enrolled", at=NOW - 60 * DAY, properties={"cadence": "nurture"}, **which
            ),
            Interaction(kind="sent", at=NOW - 50 * DAY, touch="welcome", **which),
            Interaction(
                kind="sent", at=NOW - 40 * DAY, touch="again", properties={"variant": "b"}, **which
            ),
        ]
        if number < 3:
            log.append(Interaction(kind="replied", at=NOW - 30 * DAY, touch="welcome", **which))
        if number == 5:
            del log[2]
        pool.append(Relationship(Candidate(id=key), log))
    card = scorecard(pool, now=NOW, levels={"nurture": {"welcome": 2, "again": 4}})
    assert [row[:5] for row in card.responses()] == [
        ("welcome", 6, 0.0, 0.0, 0.5),
        ("again", 5, 0.0, 0.0, 0.0),
    ]
    assert [row[:3] for row in card.responses("cadence", "level")] == [
        ("nurture", "2", 6),
        ("nurture", "4", 5),
    ]
    assert [row[:2] for row in card.responses("variant")] == [("b", 5), ("not stated", 6)]
    assert [row[:2] for row in card.responses("channel")] == [("email", 11)]
    with pytest.raises(UnknownName, match="did you mean 'touch'"):
        card.responses("tuch")


def test_first_replies_by_message_add_up() -> None:
    """Two to the first, one to the third: by the second two thirds."""
    pool = [person(f"p{n}", ("sent", 30), ("replied", 29)) for n in range(2)]
    pool.append(person("c", ("sent", 30), ("sent", 20), ("sent", 10), ("replied", 9)))
    rows = list(scorecard(pool, now=NOW).table("answers"))
    assert rows == [("1", 2, 2 / 3), ("2", 0, 2 / 3), ("3", 1, 1.0)]


def test_campaigns_part_re_engagement_by_cadence() -> None:
    """By the cadence of the first message that somebody got while cold."""
    facts = [("sent", 90.0), ("sent", 80.0), ("sent", 70.0), ("sent", 60.0)]
    pool = [person(f"p{n}", *facts, *([("clicked", 50.0)] if n < 2 else [])) for n in range(5)]
    (row,) = scorecard(pool, now=NOW).table("campaigns")
    assert row[:4] == ("no cadence", 5, 2, 0.4)


def test_segments_are_whoever_the_caller_says() -> None:
    """One person may be in several; nobody asked for, nothing to show."""
    pool = [person(f"p{n}", ("sent", 30), *([("opened", 9)] if n < 3 else [])) for n in range(6)]
    ids = {f"p{n}" for n in range(6)}
    card = scorecard(pool, now=NOW, segments={"all": ids, "few": {"p0"}, "none": set()})
    assert [row[:3] for row in card.table("segments")] == [("all", 6, 0.5), ("few", 1, None)]
    assert len(scorecard(pool, now=NOW).table("segments")) == 0


def test_sources_of_hire_are_those_of_the_profile() -> None:
    """Most first; CRM-sourced or not is another question."""
    pool = [
        person("a", ("met", 40), ("hired", 20), source="referral"),
        person("b", ("hired", 20), source="referral"),
        person("c", ("hired", 20), source="silver_medalist"),
        person("d", ("hired", 20)),
        person("old", ("hired", 400), source="event"),
    ]
    rows = [row[:3] for row in scorecard(pool, now=NOW).table("sources")]
    assert rows == [("referral", 2, 1), ("silver medalist", 1, 0), ("unknown", 1, 0)]


def test_time_to_fill_shows_the_biased_median_for_contrast() -> None:
    """The published example: median 70, of the filled alone 40."""
    pytest.importorskip("scipy")
    days = [20, 35, 40, 40, 55, 60, 70, 90, 95, 30]
    filled = [1, 1, 1, 0, 1, 0, 1, 0, 0, 0]
    roles, pool = [], []
    for number, (lasted, is_filled) in enumerate(zip(days, filled, strict=True)):
        key = f"r{number}"
        opened = NOW - (lasted + 100 * is_filled) * DAY
        roles.append(Role(id=key, title="R", opened_at=opened))
        if is_filled:
            pool.append(person(f"p{number}", ("met", 300), ("hired", 100), role_id=key))
    card = scorecard(pool, now=NOW, roles=roles)
    crm, cold, every = card.table("time_to_fill")
    assert crm[:4] == ("CRM-sourced", 5, 5, 70.0)
    assert every[1:4] == crm[1:4]
    assert (crm[6], crm[7]) == (40.0, card.fill_curves["CRM-sourced"].restricted_mean(90))
    assert card.fill_curves["all roles"].restricted_mean(60) == pytest.approx(50.2625, abs=1e-9)
    assert cold[1:4] == (0, 0, None)


def test_time_in_process_counts_what_still_runs() -> None:
    """Two ended after 10 and 30 days, two run for 20 and 40 days: the median is 30, not 20."""
    pytest.importorskip("scipy")
    pool = [
        person("a", ("applied", 60), ("rejected", 50)),
        person("b", ("applied", 60), ("interviewed", 50), ("hired", 30)),
        person("c", ("applied", 20)),
        person("d", ("applied", 40)),
        person("before", ("applied", 400), ("rejected", 1)),
        person("no beginning", ("rejected", 1)),
    ]
    card = scorecard(pool, now=NOW)
    ((_, ended, running, middle, _, _, alone),) = card.table("processes")
    assert (ended, running, middle, alone) == (2, 2, 30.0, 20.0)
    metric = card.rate("time_to_hire", "ashby")
    assert (metric.value, metric.denominator, metric.shown) == (30.0, 3, "30 days")
    assert str(metric.exclusions[0]) == "ends of a process without its beginning left out: 1"


def test_retention_is_told_at_stated_times() -> None:
    """Nobody was followed for two years."""
    pytest.importorskip("scipy")
    pool = [person("a", ("met", 900), ("hired", 400), ("left", 200)), person("b", ("hired", 500))]
    rows = scorecard(pool, now=NOW).table("retention").to_dicts()
    told = {(row["hired"], row["after days"]): row["still here"] for row in rows}
    assert told["CRM-sourced", "180"] == 1.0
    assert told["CRM-sourced", "365"] == 0.0
    assert told["cold", "365"] == 1.0
    assert told["cold", "730"] is None


def test_an_unknown_table_suggests_a_near_one() -> None:
    """A typing error is answered."""
    with pytest.raises(NotFound, match="did you mean 'funnel'"):
        scorecard([], now=NOW).table("funel")


def test_every_table_of_an_empty_pool_prints() -> None:
    """Nothing divides by nothing."""
    card = scorecard([], now=NOW)
    assert [table.name for table in card.tables] == [
        *("funnel", "cohorts", "responses", "answers", "segments", "campaigns"),
        *("time_to_fill", "processes", "retention", "sources", "attribution"),
    ]
    assert all(str(table) and table._repr_html_() for table in card.tables)


def test_whom_to_refresh_took_part_and_is_stale() -> None:
    """The oldest first; who is silent, or fresh, is not asked for."""
    pool = [
        person("active", ("captured", 300), ("replied", 20)),
        person("older", ("captured", 400), ("replied", 20)),
        person("fresh", ("captured", 90), ("replied", 20)),
        person("silent", ("captured", 300)),
    ]
    found = [who for _, who in scorecard(pool, now=NOW).to_refresh]
    assert found == ["older", "active"]
