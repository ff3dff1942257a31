"""Capture: every interaction adds people, and nobody twice."""

from collections.abc import Iterable, Sequence

import attrs

from crmkit.errors import AmbiguousIdentity, InvalidRecord, NotFound
from crmkit.lifecycle._workspace import Progress, Workspace, batched
from crmkit.model import Candidate, FrozenMap, Relationship, identity_keys
from crmkit.protocols import BATCH
from crmkit.segmentation import Transition


@attrs.frozen(kw_only=True)
class Captured:
    """What a capture did: who is new, who was merged into whom, how many facts were new."""

    created: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    """Ids of known people whose record changed."""
    merged: FrozenMap = attrs.field(factory=FrozenMap)
    """Incoming id → the id of the person it turned out to be."""
    interactions: int = 0
    """How many facts were not in the log yet."""

    def __str__(self) -> str:
        return (
            f"{len(self.created)} new, {len(self.updated)} updated, {len(self.merged)} merged, "
            f"{self.interactions} new interactions"
        )


def merge(known: Candidate, incoming: Candidate) -> Candidate:
    """Return one record of two that are the same person; the known one keeps its id.

    What the incoming record knows is newer and wins; what it does not know is kept; lists and
    mappings are united, the known part first. A wish not to be contacted, or to be forgotten,
    is never undone by a merge. The incoming id becomes an alias, under which its history is
    found.

    >>> known = Candidate(id="a", emails=["a@x.org"], company="Old")
    >>> merge(known, Candidate(id="b", emails=["b@x.org"], company="New")).company
    'New'
    """
    if known.erased:
        return attrs.evolve(known, aliases=_aliases(known, incoming))
    changes: dict[str, object] = {}
    for field in attrs.fields(Candidate):
        old, new = getattr(known, field.name), getattr(incoming, field.name)
        if isinstance(old, FrozenMap):
            changes[field.name] = FrozenMap({**old, **new})
        elif isinstance(old, tuple):
            changes[field.name] = (*old, *(item for item in new if item not in old))
        elif isinstance(old, bool):
            changes[field.name] = old or new
        elif new not in {None, ""}:
            changes[field.name] = new
    changes |= {"id": known.id, "aliases": _aliases(known, incoming)}
    return attrs.evolve(known, **changes)


def _aliases(known: Candidate, incoming: Candidate) -> tuple[str, ...]:
    ids = (*known.aliases, *incoming.ids)
    return tuple(key for key in dict.fromkeys(ids) if key != known.id)


def capture(
    work: Workspace, incoming: Iterable[Relationship], progress: Progress | None = None
) -> Captured:
    """Take people in with their history: all of them, or, on any error, nobody."""
    people = list(incoming)
    total = Captured()
    with work.store.transaction():
        for batch in batched(people, BATCH // 10):
            total = _add(total, _capture_batch(work, batch))
            if progress:
                progress(len(total.created) + len(total.updated), len(people))
    return total


def _add(left: Captured, right: Captured) -> Captured:
    created = (*left.created, *right.created)
    updated = dict.fromkeys([*left.updated, *right.updated])
    return Captured(
        created=created,
        updated=tuple(key for key in updated if key not in set(created)),
        merged=FrozenMap({**left.merged, **right.merged}),
        interactions=left.interactions + right.interactions,
    )


def _capture_batch(work: Workspace, batch: Sequence[Relationship]) -> Captured:
    keys = {key for each in batch for key in identity_keys(each.candidate)}
    owners: dict[str, frozenset[str]] = {}
    for some in batched(sorted(keys), BATCH):
        owners |= work.candidates.find_candidates(some)
    known = dict(_get(work, {owner for found in owners.values() for owner in found}))
    before = dict(known)
    merged: dict[str, str] = {}
    for each in batch:
        person = each.candidate
        match = _match(person, owners)
        if match is None:
            known[person.id] = person
        else:
            known[match] = merge(known[match], person)
            if person.id != match:
                merged[person.id] = match
        kept = match or person.id
        owners |= {key: frozenset({kept}) for key in identity_keys(known[kept])}
    changed = {key: person for key, person in known.items() if before.get(key) != person}
    if changed:
        work.candidates.put_candidates(changed.values())
    new = work.store.append_interactions(fact for each in batch for fact in each.history)
    return Captured(
        created=tuple(key for key in changed if key not in before),
        updated=tuple(key for key in changed if key in before),
        merged=FrozenMap(merged),
        interactions=new,
    )


def _get(work: Workspace, ids: set[str]) -> Iterable[tuple[str, Candidate]]:
    for some in batched(sorted(ids), BATCH):
        yield from work.candidates.get_candidates(some).items()


def _match(person: Candidate, owners: dict[str, frozenset[str]]) -> str | None:
    """Return whom the keys point to; a person's own id decides over a shared address."""
    own = owners.get(f"id:{person.id}", frozenset())
    found = own or frozenset(
        owner for key in identity_keys(person) for owner in owners.get(key, ())
    )
    if len(found) > 1:
        raise AmbiguousIdentity(person.id, found)
    return next(iter(found), None)


def absorb(work: Workspace, keep: str, other: str) -> Candidate:
    """Make two known people one: *keep* stays, and has both histories."""
    if keep == other:
        raise InvalidRecord("absorb", f"expected two people, got {keep!r} twice")
    found = work.candidates.get_candidates([keep, other])
    for key in (keep, other):
        if key not in found:
            raise NotFound("candidate", key)
    kept = merge(found[other], found[keep])  # what the kept record knows wins
    kept = attrs.evolve(kept, id=keep, aliases=_aliases(found[keep], found[other]))
    left = [
        Transition(
            segment=membership.segment,
            candidate_id=other,
            entered=False,
            at=membership.since,
            because=attrs.evolve(membership.because, text=f"merged into {keep}"),
        )
        for membership in work.store.memberships([other])
    ]
    with work.store.transaction():
        work.store.change_memberships([], left)
        work.candidates.delete_candidates([other])
        work.candidates.put_candidates([kept])
    return kept
