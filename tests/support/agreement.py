"""Random cases in which the walk and the compiled function are asked the same."""

from collections.abc import Iterator
from datetime import datetime
from random import Random

import attrs
from random_rules import random_now, random_relationship, random_rule

from crmkit.model import Relationship
from crmkit.segmentation import Segment, Segmenter

RULES, PEOPLE, INSTANTS = 40, 10, 5
"""Of each batch: every rule is asked about every person at five instants."""


@attrs.frozen(kw_only=True)
class Case:
    """One question that was asked both ways."""

    segment: Segment
    relationship: Relationship
    now: datetime
    walked: bool
    compiled: bool

    @property
    def agrees(self) -> bool:
        return self.walked is self.compiled


def cases(count: int, *, seed: int) -> Iterator[Case]:
    """Yield at least *count* cases, drawn from *seed*; the rules of a batch may refer to others."""
    rng = Random(seed)
    done = 0
    while done < count:
        for case in _batch(rng):
            done += 1
            yield case


def _batch(rng: Random) -> Iterator[Case]:
    segments: list[Segment] = []
    for place in range(RULES):
        # Of the newest few, so that references do not pile up.
        names = [segment.name for segment in segments[-5:-3]]
        # `Held` asks the walk many times, both ways: one in a dozen is enough.
        rule = random_rule(rng, rng.choice((2, 3, 3, 4)), members=names, held=int(place % 12 == 0))
        segments.append(Segment(f"s{place}", rule))
    segmenter = Segmenter(segments)
    for _ in range(PEOPLE):
        relationship = random_relationship(rng)
        index = segmenter.index([relationship])
        # In no order, so that what an answer of the past left behind is met by the next one.
        for _ in range(INSTANTS):
            now = random_now(rng, relationship, rng.choice(segments).rule)
            walked = segmenter.check(relationship, now=now)
            compiled = index.members(now=now)
            for segment in segments:
                yield Case(
                    segment=segment,
                    relationship=relationship,
                    now=now,
                    walked=walked[segment.name].value,
                    compiled=compiled[segment.name] == [relationship.id],
                )
