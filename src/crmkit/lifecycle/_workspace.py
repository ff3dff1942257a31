"""What the five stages work with: the stores, the sender and the definitions in force."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

import attrs

from crmkit.cadence import SEVEN_TOUCH, Playbook
from crmkit.engagement import EngagementPolicy
from crmkit.errors import NotFound
from crmkit.model import Candidate, Interaction, Relationship
from crmkit.permission import ContactPolicy
from crmkit.protocols import BATCH, CandidateStore, Renderer, Sender, Store
from crmkit.segmentation import CATALOGUE, Segmenter

T = TypeVar("T")

Progress = Callable[[int, int | None], None]
"""Called with how many are done and how many there are in all (None when nobody knows)."""

DEFAULT_PLAYBOOK = Playbook([(segment.name, SEVEN_TOUCH) for segment in CATALOGUE])
"""The seven touches for everyone; the segment that comes first in the catalogue is noted."""


@attrs.frozen(kw_only=True, repr=False)
class Workspace:
    """The parts that `CRM` was put together from."""

    store: Store
    candidates: CandidateStore
    sender: Sender | None
    segmenter: Segmenter
    playbook: Playbook
    renderer: Renderer
    policy: ContactPolicy
    engagement: EngagementPolicy

    def batches(self, progress: Progress | None = None) -> Iterator[list[Relationship]]:
        """Yield everyone with their history, some hundreds at a time, ordered by id."""
        done = 0
        for people in batched(self.candidates.candidates(), BATCH // 4):
            yield self.join(people)
            done += len(people)
            if progress:
                progress(done, None)

    def relationships(self, progress: Progress | None = None) -> Iterator[Relationship]:
        """Yield everyone with their history, ordered by id."""
        for batch in self.batches(progress):
            yield from batch

    def join(self, people: Iterable[Candidate]) -> list[Relationship]:
        """Give each person the history of their own id and of every record merged into it."""
        people = list(people)
        facts: dict[str, list[Interaction]] = {}
        for ids in batched((key for person in people for key in person.ids), BATCH):
            for fact in self.store.interactions(ids):
                facts.setdefault(fact.candidate_id, []).append(fact)
        return [
            Relationship(person, [fact for key in person.ids for fact in facts.get(key, ())])
            for person in people
        ]

    def relationship(self, candidate_id: str) -> Relationship:
        """Return one person with their history, also by the id of a record merged into theirs."""
        found = self.candidates.get_candidates([candidate_id])
        if not found:
            key = f"id:{candidate_id}"
            ids = self.candidates.find_candidates([key]).get(key, frozenset())
            found = self.candidates.get_candidates(list(ids)[:1])
        if not found:
            raise NotFound("candidate", candidate_id)
        return self.join(found.values())[0]


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield lists of up to *size* items."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
