"""What holds for every pool: shards, order, unknowns, machines, a recount, SciPy, a replay."""

import pickle
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import reduce
from operator import add
from typing import Any

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("scipy")

from scipy.stats.contingency import relative_risk

from crmkit.metrics._fairness import ImpactCounts, count_impact, impact
from crmkit.metrics._impact import ImpactBasis, ImpactRow, ImpactStage, ImpactState
from crmkit.model import Candidate, Interaction, Relationship

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
WINDOW = 100 * DAY
TICK = timedelta(microseconds=1)
STEP = ImpactBasis.STEP
Groups = dict[str, dict[str, Any]]


def person(key: str, *facts: tuple[str, float], **more: Any) -> Relationship:
    """Somebody with facts given as (kind, days ago)."""
    log = [Interaction(candidate_id=key, kind=kind, at=NOW - days * DAY) for kind, days in facts]
    return Relationship(Candidate(id=key, **more), log)


KINDS = ["sent", "met", "screened", "offered", "applied", "applied", "hired", "noted"]
MACHINES = ["opened", "clicked", "delivered", "bounced", "auto_replied"]
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["sex", "race"]), st.sampled_from(["a", "b", "c", None, ""]), max_size=2
)


@st.composite
def pools(draw: st.DrawFn, most: int = 12) -> tuple[list[Relationship], Groups]:
    """Draw people with a few facts, some of them later, and groups for some of them and others."""
    pool, groups = [], {}
    for number in range(draw(st.integers(0, most))):
        key = f"p{number}"
        days = st.sampled_from([-200, -60, -30, -30, -10, 0, 5])
        facts = draw(st.lists(st.tuples(st.sampled_from(KINDS), days), max_size=6))
        erased = draw(st.integers(0, 9)) == 0
        pool.append(person(key, *((kind, -at) for kind, at in facts), erased=erased))
        if draw(st.integers(0, 5)):
            groups[key] = draw(ATTRIBUTES)
    for number in range(draw(st.integers(0, 2))):
        groups[f"absent{number}"] = draw(ATTRIBUTES)
    return pool, groups


def count(pool: Sequence[Relationship], groups: Groups, now: datetime = NOW) -> ImpactCounts:
    return count_impact(iter(pool), groups, now=now, window=WINDOW)


@given(pools(), st.lists(st.integers(0, 3), min_size=14, max_size=14))
def test_shards_add_up_to_the_whole(
    drawn: tuple[list[Relationship], Groups], to: list[int]
) -> None:
    """However the people are split, and in whatever order the parts are added."""
    pool, groups = drawn
    place = {one.id: to[index] for index, one in enumerate(pool)}
    parts = [
        count(
            [one for one in pool if place[one.id] == shard],
            {key: value for key, value in groups.items() if place.get(key, 0) == shard},
        )
        for shard in range(4)
    ]
    whole = count(pool, groups)
    assert whole == reduce(add, parts) == reduce(add, reversed(parts))
    assert whole.result(least=2) == reduce(add, parts).result(least=2)


@given(pools(), st.randoms(use_true_random=False))
def test_the_order_of_people_does_not_matter(
    drawn: tuple[list[Relationship], Groups], shuffle: random.Random
) -> None:
    """Nor does that of the groups."""
    pool, groups = drawn
    people, named = [*pool], [*groups.items()]
    shuffle.shuffle(people)
    shuffle.shuffle(named)
    assert count(pool, groups).result() == count(people, dict(named)).result()


@given(pools(), st.integers(1, 5))
def test_people_of_unknown_group_change_no_ratio(
    drawn: tuple[list[Relationship], Groups], number: int
) -> None:
    """They change their own row and nothing else."""
    pool, groups = drawn
    unknown = [person(f"u{n}", ("sent", 9), ("hired", 5)) for n in range(number)]
    before, after = (count(people, groups).result(least=1) for people in (pool, [*pool, *unknown]))
    named = [[row for row in found if row.group] for found in (before, after)]
    assert named[0] == named[1]


@given(pools(), st.lists(st.tuples(st.sampled_from(MACHINES), st.integers(0, 90)), max_size=5))
def test_machines_change_nothing(
    drawn: tuple[list[Relationship], Groups], events: list[tuple[str, int]]
) -> None:
    """However many proxies open and scanners click, every row stays."""
    pool, groups = drawn
    noisy = [
        Relationship(
            one.candidate,
            one.history
            | [
                Interaction(candidate_id=one.id, kind=kind, at=NOW - days * DAY, automated=True)
                for kind, days in events
                if one.history and one.history.upto(NOW)
            ],
        )
        for one in pool
    ]
    assert count(pool, groups) == count(noisy, groups)


def recount(
    pool: Sequence[Relationship], groups: Groups
) -> dict[str, dict[tuple[str | None, str | None], set[str]]]:
    """Who reached each stage, by (sex, race): straight from the definitions."""
    found: dict[str, dict[tuple[str | None, str | None], set[str]]] = {}
    people = {one.id: one for one in pool}
    for key in {*people, *groups}:
        log = [*people[key].history] if key in people else None
        past = None if log is None else [fact for fact in log if fact.at <= NOW]
        if log is not None and people[key].candidate.erased:
            continue
        named = groups.get(key)
        there = past is not None and (bool(past) or not log)
        if named is None and not there:
            continue
        atom = tuple((named or {}).get(name) or None for name in ("sex", "race"))
        lately = {
            fact.kind: [f.at for f in past or [] if f.kind == fact.kind and f.at > NOW - WINDOW]
            for fact in past or []
        }
        touches = [fact.at for fact in past or [] if fact.kind in {"sent", "met"}]
        converted = [at for at in lately.get("applied", []) if any(t < at for t in touches)]
        reached = {
            "people": True,
            "captured": there,
            "contacted": bool(lately.get("sent") or lately.get("met")),
            "shortlisted": bool(lately.get("screened") or lately.get("offered")),
            "converted": bool(converted),
            "hired": bool(lately.get("hired")),
            "in order": any(a <= h for a in converted for h in lately.get("hired", [])),
        }
        for stage, here in reached.items():
            if here:
                found.setdefault(stage, {}).setdefault(atom, set()).add(key)  # type: ignore[arg-type]
    return found


@settings(max_examples=examples(150))
@given(pools())
def test_every_count_equals_a_recount(drawn: tuple[list[Relationship], Groups]) -> None:
    """Each number selected, each base and each ratio again, person by person."""
    pool, groups = drawn
    found = impact(pool, groups, now=NOW, window=WINDOW, least=1)
    reached = recount(pool, groups)

    def those(stage: str, row: ImpactRow) -> set[str]:
        wanted = dict(zip(row.attributes, row.group, strict=False))
        people: set[str] = set()
        for (sex, race), keys in reached.get(stage, {}).items():
            known = {"sex": sex, "race": race}
            if row.group and all(known[name] == value for name, value in wanted.items()):
                people |= keys
            if not row.group and any(known[name] is None for name in row.attributes):
                people |= keys
        return people

    for row in found:
        selected = those(row.stage, row)
        of = those("captured" if row.stage != "captured" else "people", row)
        if row.basis is STEP:
            assert row.stage.before
            of = those(row.stage.before, row)
            selected &= of & (those("in order", row) if row.stage == "hired" else selected)
        assert (row.selected, row.of) == (len(selected), len(of))
        assert row.rate is None or 0 <= row.rate <= 1
    for row in found:
        rates = [
            Fraction(other.selected or 0, other.of)
            for other in found
            if (other.attributes, other.stage, other.basis)
            == (row.attributes, row.stage, row.basis)
            and other.group
            and other.of
        ]
        if row.group and row.of and len(rates) > 1 and max(rates):
            assert row.ratio == pytest.approx(
                float(Fraction(row.selected or 0, row.of) / max(rates))
            )
            assert row.flag == (Fraction(row.selected or 0, row.of) / max(rates) < Fraction(4, 5))
        else:
            assert (row.ratio, row.flag) == (None, None)


@settings(max_examples=examples(60))
@given(*[st.integers(0, 30)] * 4)
def test_intervals_equal_those_of_scipy(a: int, b: int, c: int, d: int) -> None:
    """The ratio's interval is `relative_risk`'s, wherever that has one."""
    row = ImpactRow(
        attributes=("sex",), group=("f",), stage=ImpactStage.HIRED, basis=ImpactBasis.OVERALL,
        state=ImpactState.COMPARED, selected=a, of=a + b + 1, reference=("m",),
        reference_selected=c + 1, reference_of=c + d + 1, least=5,
    )  # fmt: skip
    risk = relative_risk(a, a + b + 1, c + 1, c + d + 1)
    bounds = risk.confidence_interval(0.9)
    assert row.ratio == pytest.approx(risk.relative_risk)
    if a:
        assert row.interval(0.9) == pytest.approx((bounds.low, bounds.high))


@given(pools(most=30), st.integers(2, 6))
def test_no_rate_of_few_people_is_shown(
    drawn: tuple[list[Relationship], Groups], least: int
) -> None:
    """No base of a group is smaller than the threshold, and what is withheld is withheld whole."""
    for row in count(*drawn).result(least=least):
        assert not row.group or not row.of or row.of >= least
        hidden = (row.selected, row.of, row.rate, row.ratio, row.flag)
        assert row.suppressed == (hidden == (None,) * 5 and row.state is not ImpactState.NOBODY)
        assert row.meaning


CROWDS = st.dictionaries(
    st.tuples(st.sampled_from(["f", "m", "x", None]), st.sampled_from(["a", "b", None])),
    st.sampled_from([1, 2, 4, 5, 6, 20]),
    max_size=8,
)


@settings(max_examples=examples(60))
@given(CROWDS)
def test_what_is_left_of_a_total_is_no_small_group(
    crowds: dict[tuple[str | None, str | None], int],
) -> None:
    """The people less all rows of a table that are shown: nobody, or not so few."""
    groups = {
        f"{sex}{race}{n}": {"sex": sex, "race": race}
        for (sex, race), size in crowds.items()
        for n in range(size)
    }
    found = impact([person(key) for key in groups], groups, now=NOW)
    for attributes in {row.attributes for row in found}:
        rows = [row for row in found if (row.attributes, row.stage) == (attributes, "captured")]
        left = (found.people or 0) - sum(row.of or 0 for row in rows)
        hidden = {row.group for row in rows if row.suppressed}
        assert found.people is None or left >= 5 or (left, hidden) == (0, set())


@settings(max_examples=examples(60))
@given(pools(most=4))
def test_counts_stay_until_they_say(drawn: tuple[list[Relationship], Groups]) -> None:
    """At every instant up to `until` the clock alone has changed nothing."""
    pool, groups = drawn
    found = count(pool, groups)
    corners = {
        fact.at + shift for one in pool for fact in one.history for shift in (0 * DAY, WINDOW)
    }
    for at in sorted(at + step for at in corners for step in (-TICK, 0 * DAY)):
        if NOW <= at and (found.until is None or at < found.until):
            assert found.cells == count(pool, groups, at).cells


@given(pools())
def test_what_is_recorded_is_what_a_replay_finds(
    drawn: tuple[list[Relationship], Groups],
) -> None:
    """Facts that arrive later do not change the rows of a past instant."""
    pool, groups = drawn
    known = [
        one.upto(NOW)
        for one in pool
        if one.upto(NOW).history or not one.history or one.candidate.erased
    ]
    assert count(known, groups).result().rows == count(pool, groups).result().rows


def test_counts_travel() -> None:
    """A tenant's counts can be pickled, and show nobody."""
    part = count([person("a"), person("b")], {"a": {"sex": "f"}})
    assert pickle.loads(pickle.dumps(part)) == part
    assert repr(part) == "<ImpactCounts: 2 people by sex, as of 2026-03-02 09:00 UTC>"
