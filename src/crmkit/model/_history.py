"""A candidate's interactions, in order and indexed, and the pair of both."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import datetime
from heapq import merge

import attrs

from crmkit.errors import InvalidRecord
from crmkit.model import _fields as fields
from crmkit.model._candidate import Candidate
from crmkit.model._interaction import Interaction


def _order(interaction: Interaction) -> tuple[datetime, str]:
    return interaction.at, interaction.id


class History:
    """Interactions sorted by instant (then id), without repeats, indexed by kind.

    The same facts make an equal history, whatever order they came in and however often.

    >>> met = Interaction(candidate_id="ada", kind="met", at="2026-01-05T09:00Z")
    >>> seen = Interaction(candidate_id="ada", kind="attended", at="2026-01-04T09:00Z")
    >>> history = History([met, seen, met])
    >>> [fact.kind for fact in history]
    ['attended', 'met']
    >>> history.of("met") == (met,)
    True
    """

    __slots__ = {
        "by_kind": "The interactions of each kind, oldest first; treat it as read-only.",
        "facts": "All of them, oldest first.",
    }
    facts: tuple[Interaction, ...]
    by_kind: dict[str, tuple[Interaction, ...]]

    def __init__(self, interactions: Iterable[object] = ()) -> None:
        by_id: dict[str, Interaction] = {}
        for index, fact in enumerate(interactions):
            if not isinstance(fact, Interaction):
                problem = f"expected an Interaction, got {type(fact).__name__}"
                raise InvalidRecord(f"[{index}]", problem)
            known = by_id.setdefault(fact.id, fact)
            if known is not fact and known != fact:
                raise InvalidRecord(f"[{index}].id", f"{fact.id!r} names two different facts")
        self.facts = tuple(sorted(by_id.values(), key=_order))
        self.by_kind = _index(self.facts)

    def __len__(self) -> int:
        return len(self.facts)

    def __iter__(self) -> Iterator[Interaction]:
        return iter(self.facts)

    def __eq__(self, other: object) -> bool:
        return self.facts == other.facts if isinstance(other, History) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.facts)

    def __repr__(self) -> str:
        if not self.facts:
            return "History([])"
        first, last = self.facts[0].at, self.facts[-1].at
        return f"<History: {len(self)} interactions, {first:%Y-%m-%d} to {last:%Y-%m-%d}>"

    def of(self, *kinds: str) -> tuple[Interaction, ...]:
        """Return the interactions of these kinds, oldest first."""
        if len(kinds) == 1:
            return self.by_kind.get(kinds[0], ())
        found = [self.by_kind[kind] for kind in dict.fromkeys(kinds) if kind in self.by_kind]
        return found[0] if len(found) == 1 else tuple(merge(*found, key=_order))

    def last(self, *kinds: str) -> Interaction | None:
        """Return the newest interaction of these kinds (of any kind, when none is named)."""
        facts = self.of(*kinds) if kinds else self.facts
        return facts[-1] if facts else None

    def upto(self, now: datetime) -> "History":
        """Return what had happened at *now*; a fact dated later does not exist yet."""
        if not self.facts or self.facts[-1].at <= now:
            return self
        past = History.__new__(type(self))
        past.facts = self.facts[: bisect_right(self.facts, now, key=_at)]
        past.by_kind = {
            kind: facts if facts[-1].at <= now else facts[: bisect_right(facts, now, key=_at)]
            for kind, facts in self.by_kind.items()
            if facts[0].at <= now
        }
        return past

    def after(self, now: datetime) -> tuple[Interaction, ...]:
        """Return the interactions dated after *now*, oldest first."""
        if not self.facts or self.facts[-1].at <= now:
            return ()
        return self.facts[bisect_right(self.facts, now, key=_at) :]

    def __or__(self, other: "History | Iterable[Interaction]") -> "History":
        """Return both histories in one."""
        return History([*self, *other])


def _index(facts: tuple[Interaction, ...]) -> dict[str, tuple[Interaction, ...]]:
    index: dict[str, list[Interaction]] = {}
    for fact in facts:
        kind = fact.kind
        if kind in index:
            index[kind].append(fact)
        else:
            index[kind] = [fact]
    return {kind: tuple(found) for kind, found in index.items()}


def _at(interaction: Interaction) -> datetime:
    return interaction.at


def _to_history(value: "History | Iterable[Interaction]") -> History:
    try:
        return value if isinstance(value, History) else History(value)
    except InvalidRecord as error:
        raise error.under("interactions") from None


def _addresses(value: object) -> frozenset[str]:
    return value if isinstance(value, frozenset) else frozenset(fields.texts(value))


@attrs.frozen
class Relationship:
    """A `Candidate` with its `History`: what every pure function takes.

    A list of interactions becomes a history; one that belongs to somebody else is refused.
    """

    candidate: Candidate
    history: History = attrs.field(factory=History, converter=_to_history)
    suppressed: frozenset[str] = attrs.field(
        default=frozenset(), converter=_addresses, kw_only=True, repr=False
    )
    """Addresses of the profile, as they stand there, that must stay silent for what this history
    does not say: another record's history, an erasure, a list of the host's (`Suppression`)."""

    def __attrs_post_init__(self) -> None:
        candidate: object = self.candidate
        if not isinstance(candidate, Candidate):
            problem = f"expected a Candidate, got {type(candidate).__name__}"
            raise InvalidRecord("candidate", problem)
        ids = self.candidate.ids
        for index, fact in enumerate(self.history):
            if fact.candidate_id not in ids:
                raise InvalidRecord(
                    f"interactions[{index}].candidate_id",
                    f"expected {self.candidate.id!r}, got {fact.candidate_id!r}",
                )

    @property
    def id(self) -> str:
        """The candidate's id."""
        return self.candidate.id

    def upto(self, now: datetime) -> "Relationship":
        """Return the relationship with what had happened at *now*."""
        history = self.history.upto(now)
        if history is self.history:
            return self
        return Relationship(self.candidate, history, suppressed=self.suppressed)
