"""Seeded chance, the same on every machine and in every process."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from crmkit.model import Interaction


def generator(seed: int, *names: str) -> Random:
    """Return the generator that belongs to *seed* and *names*.

    Seeded by a digest: `hash` differs between processes.

    >>> generator(7, "ada").random() == generator(7, "ada").random()
    True
    """
    text = "\x1f".join([str(seed), *names])
    return Random(hashlib.sha256(text.encode()).digest())  # noqa: S311 - no secret


def later(instant: datetime, chance: Random, least: timedelta, most: timedelta) -> datetime:
    """Return a whole second between *least* and *most* after *instant*."""
    low, high = int(least.total_seconds()), int(most.total_seconds())
    return instant + timedelta(seconds=chance.randint(low, high))


def days(instant: datetime, chance: Random, least: float, most: float) -> datetime:
    """Return a whole second between *least* and *most* days after *instant*."""
    return later(instant, chance, timedelta(days=least), timedelta(days=most))


def place_in(shares: Sequence[float], chance: Random) -> int:
    """Return a place from 1, as likely as its share."""
    return chance.choices(range(1, len(shares) + 1), weights=shares)[0]


def fact(who: str, kind: str, at: datetime, **fields: Any) -> Interaction:
    """Return a fact that says it was simulated; ``stated`` are further properties."""
    properties = {"simulated": True, **fields.pop("stated", {})}
    return Interaction(candidate_id=who, kind=kind, at=at, properties=properties, **fields)
