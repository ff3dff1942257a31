"""Eight segments over 100,000 people: the fused function, and what others would write.

The fused function over an index, eight functions written by hand over plain lists, JSON Logic,
rule-engine and the walk, in alternating rounds of one run; medians. Run it as
``python bench/segments.py [PEOPLE]``; the two libraries are in the dependency group ``bench``.
"""

import gc
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from statistics import median
from time import perf_counter
from typing import Any

from segments_by_hand import BY_HAND, Maker, Person
from segments_elsewhere import Tests, json_logic_tests, rule_engine_tests

from crmkit._time import micros
from crmkit.model import Candidate, Interaction, Relationship, Source
from crmkit.segmentation import (
    COLD_PASSIVE,
    EVENT_LEADS,
    SILVER_MEDALISTS,
    WARM_PASSIVE,
    Index,
    Segment,
    Segmenter,
    by_location,
    by_skill,
    event,
    field,
    score,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SEED = 2019
ROUNDS = 7
FEW = 300
"""People for the slow ones."""

SEGMENTS = (
    SILVER_MEDALISTS,
    WARM_PASSIVE,
    COLD_PASSIVE,
    EVENT_LEADS,
    by_skill("python", "go"),
    by_location(country="DE"),
    Segment("engaged", score() >= 3),
    Segment("affordable and silent", ~(field.salary > 100_000) & ~event("replied").within(days=90)),
)

CLOCKED = (1, 2, 6, 7)
"""Those that the clock changes; what it does not is settled when a person is indexed."""

_SKILLS = ("c", "css", "go", "html", "java", "kotlin", "php", "python", "r", "ruby", "rust", "sql")
_OFTEN = ("sent",) * 5 + ("delivered",) * 2 + ("opened",) * 3 + ("clicked", "visited", "messaged")
_ANSWERS = ("replied", "called", "met")
_HOW = ("positive", "later", "negative", None)


def people(count: int) -> list[Relationship]:
    """Return made-up people with about twelve facts each in the two years before `NOW`."""
    rng = Random(SEED)
    return [_person(rng, f"p{number}") for number in range(count)]


def _person(rng: Random, who: str) -> Relationship:
    kinds = [*rng.choices(_OFTEN, k=rng.randint(6, 12))]
    kinds += rng.choices(("captured", "sourced", "referred", "attended"), (4, 3, 1, 2))
    kinds += rng.choices(_ANSWERS, (3, 1, 1), k=rng.choice((0, 0, 1, 2)))
    process = ("applied", "interviewed", "rejected", "hired", "left")
    kinds += process[: rng.choices(range(6), (60, 10, 10, 12, 5, 3))[0]]
    facts = []
    for number, kind in enumerate(kinds):
        machine = kind in {"opened", "clicked"} and rng.random() < 0.2
        facts.append(
            Interaction(
                id=f"{who}-{number}",
                candidate_id=who,
                kind=kind,
                at=NOW - timedelta(microseconds=rng.randrange(1, 63_000_000_000_000)),
                outcome=rng.choice(_HOW) if kind in _ANSWERS else None,
                automated=True if machine else rng.choice((None, False)),
                properties={"stage": rng.choice(("screen", "final"))} if kind == "rejected" else {},
            )
        )
    candidate = Candidate(
        id=who,
        source=rng.choice((*Source, None)),
        country=rng.choice(("AT", "DE", "DE", "FR", "GB", None)),
        salary=rng.choice((None, None, 60_000, 80_000, 95_000, 120_000, 150_000)),
        skills=rng.sample(_SKILLS, 4),
    )
    return Relationship(candidate, facts)


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds that a call took, and what it returned."""
    start = perf_counter()
    found = call()
    return perf_counter() - start, found


def main(count: int) -> None:
    """Print the rates, and their ratios."""
    everyone = people(count)
    facts = sum(len(each.history) for each in everyone)
    print(f"{count:,} people with {facts / count:.1f} facts each, {len(SEGMENTS)} segments")
    gc.freeze()
    prepared, pool = timed(lambda: [Person(each) for each in everyone])
    indexed, index = timed(lambda: Segmenter(SEGMENTS).index(everyone))
    print(f"prepared: the index in {indexed:.2f} s, plain lists in {prepared:.2f} s")
    for name, size in index.sizes(now=NOW).items():
        print(f"  {name:<22} {size:>7,}")
    gain = race("all", index, BY_HAND, pool)
    print(f"  with what was prepared, fused is ahead from pass {passes(indexed - prepared, gain)}")
    clocked = Segmenter([SEGMENTS[place] for place in CLOCKED]).index(everyone)
    race("with a clock", clocked, [BY_HAND[place] for place in CLOCKED], pool)
    few = everyone[: min(FEW, count)]
    compare("JSON Logic", json_logic_tests(micros(NOW)), few, 100)
    compare("rule-engine", rule_engine_tests(micros(NOW)), few, 500)
    compare("the walk", tuple(walked(segment) for segment in SEGMENTS), few, None)


def race(what: str, index: Index, makers: Sequence[Maker], pool: list[Person]) -> float:
    """Print how the fused function does against those by hand; return the seconds it gains."""
    now = micros(NOW)
    fused, hand = [], []
    for _ in range(ROUNDS):
        seconds, found = timed(lambda: index.members(now=NOW))
        fused.append(seconds)
        seconds, lists = timed(
            lambda: [
                [person.id for person in pool if test(person)]
                for test in [make(now) for make in makers]
            ]
        )
        hand.append(seconds)
        assert lists == list(found.values())
    ours, theirs = median(fused), median(hand)
    each = 1e6 / len(pool)
    print(
        f"{what}: fused {ours * each:.3f} µs a person, by hand {theirs * each:.3f} µs, "
        f"{len(makers)} segments: fused is {theirs / ours:.1f} × as fast (bar: 5)"
    )
    return theirs - ours


def passes(cost: float, gain: float) -> int:
    """Return the first pass at which a dearer preparation has paid."""
    return 1 + max(0, int(cost / gain)) if gain > 0 else 0


def walked(segment: Segment) -> Callable[[Relationship], Callable[[], bool]]:
    """Return how the reference is asked."""
    return lambda person: lambda: segment.check(person, now=NOW).value


def compare(name: str, tests: Tests | None, few: list[Relationship], bar: int | None) -> None:
    """Print how many times faster the fused function is on the segments that the other can say."""
    if tests is None:
        print(f"{name}: not installed")
        return
    able = [(segment, test) for segment, test in zip(SEGMENTS, tests, strict=True) if test]
    index = Segmenter([segment for segment, _ in able]).index(few)
    questions = [[test(person) for person in few] for _, test in able]
    times: dict[str, list[float]] = {"fused": [], name: []}
    for _ in range(3):
        # The fused function is so much faster that it is asked many times for one of the other.
        seconds, found = timed(lambda: [index.members(now=NOW) for _ in range(200)][-1])
        times["fused"].append(seconds / 200)
        seconds, answers = timed(lambda: [[ask() for ask in each] for each in questions])
        times[name].append(seconds)
        for ids, each in zip(found.values(), answers, strict=True):
            assert ids == [person.id for person, holds in zip(few, each, strict=True) if holds]
    fused, other = (median(each) / len(few) for each in times.values())
    print(
        f"{name}: {other * 1e6:,.1f} µs a person, {len(able)} segments: fused is "
        f"{other / fused:,.0f} × as fast{f' (bar: {bar})' if bar else ''}"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
