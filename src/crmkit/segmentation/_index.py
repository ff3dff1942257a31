"""People indexed for the segments of one segmenter, to be asked at any instant."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime

from crmkit._time import micros, to_instant
from crmkit.model import Relationship
from crmkit.segmentation._compile import Compiled, Row
from crmkit.segmentation._facts import BEFORE
from crmkit.segmentation._look import to_relationship

_STEP = 256
"""After how many people progress is reported."""


class Index:
    """What segments ask of some people, collected once; made by `Segmenter.index`.

    It knows the people as they were when it was made: new facts need a new index. At any instant
    it gives the members that `Segmenter.check` gives one by one, many times faster, and cheapest
    at instants after all facts: for each fact dated later the person is indexed anew.
    """

    __slots__ = ("_compiled", "_last", "_lasts", "_names", "_people", "_rows")

    def __init__(
        self,
        compiled: Compiled,
        names: Iterable[str],
        kinds: Collection[str],
        relationships: Iterable[Relationship],
        progress: Callable[[int, int | None], None] | None = None,
    ) -> None:
        self._compiled = compiled
        self._names = tuple(names)
        self._rows: list[Row] = []
        self._people: list[Relationship] = []
        self._lasts: list[int] = []
        for relationship in relationships:
            self._people.append(to_relationship(relationship))
            self._lasts.append(_last(relationship, kinds))
            self._rows.append(compiled.row(relationship))
            if progress and len(self._rows) % _STEP == 0:
                progress(len(self._rows), None)
        if progress:
            progress(len(self._rows), len(self._rows))
        self._last = max(self._lasts, default=BEFORE)

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        return f"<Index of {len(self._rows)} people for {len(self._names)} segments>"

    def members(self, *, now: datetime) -> dict[str, list[str]]:
        """Return the ids of the members of each segment at *now*, in the order of the people.

        >>> from crmkit.model import Candidate, Interaction, Relationship
        >>> from crmkit.segmentation import Segment, Segmenter, event, score
        >>> reply = Interaction(candidate_id="ada", kind="replied", at="2026-01-05T09:00Z")
        >>> people = [Relationship(Candidate(id="ada"), [reply]), Relationship(Candidate(id="bob"))]
        >>> index = Segmenter([Segment("warm", score() >= 2),
        ...                    Segment("silent", ~event("replied").within(days=90))]).index(people)
        >>> index.members(now=datetime.fromisoformat("2026-03-02T09:00Z"))
        {'warm': [], 'silent': ['bob']}
        >>> index.members(now=datetime.fromisoformat("2026-01-06T09:00Z"))
        {'warm': ['ada'], 'silent': ['bob']}
        """
        at = to_instant(now, "now")
        instant = micros(at)
        found = self._compiled.members(self._at(at, instant), instant, at)
        return {name: found[name] for name in self._names}

    def sizes(self, *, now: datetime) -> dict[str, int]:
        """Return how many members each segment has at *now*."""
        return {name: len(ids) for name, ids in self.members(now=now).items()}

    def _at(self, at: datetime, instant: int) -> list[Row]:
        """Return the rows without what had not happened yet."""
        if self._last <= instant:
            return self._rows
        return [
            row if last <= instant else self._compiled.row(person.upto(at))
            for row, last, person in zip(self._rows, self._lasts, self._people, strict=True)
        ]


def _last(relationship: Relationship, kinds: Collection[str]) -> int:
    """Return the newest instant of any fact that the segments see."""
    by_kind = relationship.history.by_kind
    return max(
        (micros(facts[-1].at) for kind, facts in by_kind.items() if kind in kinds), default=BEFORE
    )
