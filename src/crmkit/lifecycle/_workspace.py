"""What the five stages work with: the stores, the sender and the definitions in force."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

import attrs

from crmkit._progress import Progress
from crmkit.cadence import (
    ALUMNI,
    LONG_TERM,
    POST_EVENT,
    SEVEN_TOUCH,
    SILVER_MEDALIST,
    WARM_PASSIVE,
    Library,
    Playbook,
)
from crmkit.engagement import EngagementPolicy
from crmkit.errors import NotFound
from crmkit.lifecycle._digest import digest
from crmkit.lifecycle._unsubscribe import UnsubscribeLinks
from crmkit.model import Candidate, Interaction, Relationship, Suppression, address_digests
from crmkit.permission import ContactPolicy
from crmkit.permission._silence import silent
from crmkit.protocols import BATCH, CandidateStore, Drafter, Renderer, Sender, Store, batched
from crmkit.segmentation import CATALOGUE, Segmenter

T = TypeVar("T")


class _OfSomebody(Protocol):
    @property
    def candidate_id(self) -> str: ...


C = TypeVar("C", bound=_OfSomebody)

DEFAULT_PLAYBOOK = Playbook(
    [(segment.name, SEVEN_TOUCH) for segment in CATALOGUE], occasions=[SILVER_MEDALIST]
)
"""The seven touches for everyone; the segment that comes first in the catalogue is noted.

The silver medalists' own cadence begins on the day a role opens (`CRM.enroll`).
"""

FIELD_PLAYBOOK = Playbook(
    [
        ("silver medalists", SEVEN_TOUCH),
        ("warm passive", WARM_PASSIVE),
        ("cold passive", LONG_TERM),
        ("alumni", ALUMNI),
        ("event leads", POST_EVENT),
    ],
    occasions=[SILVER_MEDALIST],
)
"""What the field uses each of its segments for; the seven touches for everybody else."""


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """Return the present instant, in UTC."""
        return datetime.now(UTC)


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
    library: Library | None = None
    drafter: Drafter | None = None
    links: UnsubscribeLinks | None = None
    lease: timedelta = timedelta(seconds=30)
    """How long a worker keeps people whom it has taken, if nothing more is heard of it."""
    definitions: Mapping[str, str] = attrs.field(init=False)
    """The segments in force: name → digest, as the store keeps them."""

    @definitions.default
    def _digests(self) -> Mapping[str, str]:
        return {segment.name: segment.digest for segment in self.segmenter.segments}

    basis: str = attrs.field(init=False)
    """The digest of what decides whom engage has something to do for, and when."""

    @basis.default
    def _basis(self) -> str:
        return digest(self.playbook, self.policy, self.engagement)

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

    def about(
        self, people: Iterable[Candidate], read: Callable[[Collection[str]], Iterable[T]]
    ) -> Iterator[T]:
        """Yield what *read* knows of people, under their own and every merged record's id."""
        for ids in batched(key for person in people for key in person.ids):
            yield from read(ids)

    def join(self, people: Iterable[Candidate]) -> list[Relationship]:
        """Give each person the history of their own id and of every record merged into it.

        And which of their addresses must stay silent for what that history does not say.
        """
        people = list(people)
        facts: dict[str, list[Interaction]] = {}
        for fact in self.about(people, self.store.interactions):
            facts.setdefault(fact.candidate_id, []).append(fact)
        found = [
            Relationship(person, [fact for key in person.ids for fact in facts.get(key, ())])
            for person in people
        ]
        held = self.suppressions(people)
        if not held:
            return found
        return [
            attrs.evolve(each, suppressed=silent(each.candidate, each.history, held))
            for each in found
        ]

    def suppressions(self, people: Iterable[Candidate]) -> dict[str, tuple[Suppression, ...]]:
        """Return what is kept against any address of these people, by digest."""
        digests = {digest for person in people for digest in address_digests(person).values()}
        held: dict[str, tuple[Suppression, ...]] = {}
        for some in batched(digests):
            held |= self.store.suppressions(some)
        return held

    def relationship(self, candidate_id: str) -> Relationship:
        """Return one person with their history, also by the id of a record merged into theirs."""
        found = self.candidates.get_candidates([candidate_id])
        if not found:
            key = f"id:{candidate_id}"
            ids = self.candidates.find_candidates([key]).get(key, frozenset())
            found = self.candidates.get_candidates(sorted(ids)[:1])
        if not found:
            raise NotFound("candidate", candidate_id)
        return self.join(found.values())[0]


def by_candidate(items: Iterable[C]) -> dict[str, list[C]]:
    """Return records by the candidate id that they carry."""
    found: dict[str, list[C]] = {}
    for item in items:
        found.setdefault(item.candidate_id, []).append(item)
    return found
