"""Capture: every interaction adds people, and nobody twice."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

import attrs

from crmkit._progress import Progress
from crmkit.errors import AmbiguousIdentity, InvalidRecord, NotFound
from crmkit.lifecycle._erase import forget
from crmkit.lifecycle._live import Door, end, hold, log, wake
from crmkit.lifecycle._moves import Moving, Recorded
from crmkit.lifecycle._recover import evidence
from crmkit.lifecycle._workspace import Workspace
from crmkit.model import Candidate, FrozenMap, Interaction, Relationship, identity_keys
from crmkit.protocols import batched
from crmkit.segmentation import Transition

T = TypeVar("T")


@attrs.frozen(kw_only=True, repr=False)
class Captured(Moving):
    """What a capture did: who is new, who was merged into whom, how many facts were new."""

    created: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    """Ids of known people whose record changed."""
    merged: FrozenMap = attrs.field(factory=FrozenMap)
    """Incoming id → the id of the person it turned out to be."""
    interactions: int = 0
    """How many facts were not in the log yet."""
    transitions: tuple[Transition, ...] = ()
    """Whom it moved; nobody, before the first `CRM.segment`."""

    def __repr__(self) -> str:
        return f"<Captured: {self}>"

    def __str__(self) -> str:
        return (
            f"{len(self.created)} new, {len(self.updated)} updated, {len(self.merged)} merged, "
            f"{self.interactions} new interactions"
        )


def merge(known: Candidate, incoming: Candidate) -> Candidate:
    """Return one record of two that are the same person; the known one keeps its id.

    What the incoming record knows is newer and wins; what it does not know is kept; lists and
    mappings are united, the known part first. What somebody says about timing is one statement:
    another `interest` brings its own `interested_from`, or none; no date comes alone. A wish not
    to be contacted, or to be forgotten, is never undone by a merge, and of somebody who was
    erased nothing new is kept. The incoming id becomes an alias, under which its history is
    found.

    >>> known = Candidate(id="a", emails=["a@x.org"], company="Old")
    >>> merge(known, Candidate(id="b", emails=["A@x.org"], company="New")).company
    'New'
    """
    aliases = _aliases(known, incoming)
    if known.erased:
        return attrs.evolve(known, aliases=aliases)
    changes: dict[str, object] = {}
    for field in attrs.fields(Candidate):
        old, new = getattr(known, field.name), getattr(incoming, field.name)
        if isinstance(old, FrozenMap):
            changes[field.name] = FrozenMap({**old, **new})
        elif isinstance(old, tuple):
            key = str.lower if field.name == "emails" else None
            changes[field.name] = _united(old, new, key)
        elif isinstance(old, bool):
            changes[field.name] = old or new
        elif new not in {None, ""}:
            changes[field.name] = new
    if incoming.interest not in {None, known.interest}:
        changes["interested_from"] = incoming.interested_from
    elif known.interest and not incoming.interest:
        changes.pop("interested_from", None)
    return attrs.evolve(known, **(changes | {"id": known.id, "aliases": aliases}))


def _united(
    old: tuple[T, ...], new: tuple[T, ...], key: Callable[[T], object] | None
) -> tuple[T, ...]:
    """Return the old list as it is, and what is new after it."""
    known = {key(item) for item in old} if key else old
    return (*old, *(item for item in new if (key(item) if key else item) not in known))


def _list_of(kind: type[T], items: Iterable[T], where: str) -> list[T]:
    if not isinstance(items, Iterable):
        raise InvalidRecord(where, f"expected a list of them, got {type(items).__name__}")
    found = list(items)
    for index, item in enumerate(found):
        if not isinstance(item, kind):
            problem = f"expected {kind.__name__}, got {type(item).__name__}"
            raise InvalidRecord(f"{where}[{index}]", problem)
    return found


def _aliases(known: Candidate, incoming: Candidate) -> tuple[str, ...]:
    ids = (*known.aliases, *incoming.ids)
    return tuple(key for key in dict.fromkeys(ids) if key != known.id)


def capture(
    work: Workspace,
    incoming: Iterable[Relationship],
    now: datetime,
    progress: Progress | None = None,
) -> Captured:
    """Take people in with their history: all of them, or, on any error, nobody."""
    people = _list_of(Relationship, incoming, "relationships")
    with work.store.transaction():
        work.store.hold(None)
        owners, before = _known(work, people)
        known, home = _recognise(people, owners, before)
        changed = [person for key, person in known.items() if before.get(key) != person]
        door, done = Door.open(work, now), 0
        door.catch_up(before.values())
        for batch in batched(people):
            owned = ((each, known[home[each.id]]) for each in batch)
            door.append((kept.id, fact) for each, kept in owned for fact in _facts(each, kept))
            done += len(batch)
            if progress:
                progress(done, len(people))
        arrivals = _arrivals(people, known, home, before, now)
        door.append((fact.candidate_id, fact) for fact in arrivals)
        door.changed(person.id for person in changed)
        door.settle(known.values())
        # The people come last and in one call, because a host's own candidate table is no part
        # of the transaction: if it fails, the facts are taken back.
        if changed:
            work.candidates.put_candidates(changed)
    return Captured(
        created=tuple(person.id for person in changed if person.id not in before),
        updated=tuple(person.id for person in changed if person.id in before),
        merged=FrozenMap({key: kept for key, kept in home.items() if key != kept}),
        interactions=door.new,
        transitions=tuple(door.moves),
    )


def _arrivals(
    people: Sequence[Relationship],
    known: Mapping[str, Candidate],
    home: Mapping[str, str],
    before: Collection[str],
    now: datetime,
) -> Iterator[Interaction]:
    """Yield a fact for each new person of whom nothing is told, so that retention has a start."""
    told = {home[each.id] for each in people if each.history}
    for key, person in known.items():
        if key not in before and key not in told and not person.erased:
            yield Interaction(candidate_id=key, kind="captured", at=now)


def _facts(relationship: Relationship, kept: Candidate) -> Iterable[Interaction]:
    """Return what to log: nothing about somebody who asked to be forgotten."""
    return () if kept.erased else relationship.history


def _known(
    work: Workspace, people: Sequence[Relationship]
) -> tuple[dict[str, frozenset[str]], dict[str, Candidate]]:
    """Return who in the store has which of the identity keys, and their records."""
    keys = {key for each in people for key in identity_keys(each.candidate)}
    owners: dict[str, frozenset[str]] = {}
    for some in batched(sorted(keys)):
        owners |= work.candidates.find_candidates(some)
    ids = set[str]().union(*owners.values())
    hold(work, ids)
    found: dict[str, Candidate] = {}
    for some in batched(sorted(ids)):
        found |= work.candidates.get_candidates(some)
    return owners, found


def _recognise(
    people: Sequence[Relationship],
    owners: dict[str, frozenset[str]],
    before: Mapping[str, Candidate],
) -> tuple[dict[str, Candidate], dict[str, str]]:
    """Return everyone concerned after the merges, and for each incoming id whose it is."""
    known, home = dict(before), dict[str, str]()
    for each in people:
        person = each.candidate
        match = _match(person, owners)
        if person.id in person.aliases:
            person = attrs.evolve(person, aliases=_aliases(person, person))
        kept = known[match] = merge(known[match], person) if match in known else person
        home[person.id] = match
        for key in identity_keys(kept):
            owners[key] = owners.get(key, frozenset()) | {match}
    return known, home


def _match(person: Candidate, owners: Mapping[str, frozenset[str]]) -> str:
    """Return whose record it is: a known person's, or else their own, new one.

    Ids decide over addresses: a record that is known by its id stays the person it is when it
    takes on somebody's address.
    """
    keys = identity_keys(person)
    ids = {f"id:{key}" for key in person.ids}
    found = _owners(ids, owners) or _owners(keys - ids, owners)
    if len(found) > 1:
        raise AmbiguousIdentity(person.id, found)
    return next(iter(found), person.id)


def _owners(keys: Collection[str], owners: Mapping[str, frozenset[str]]) -> frozenset[str]:
    return frozenset(owner for key in keys for owner in owners.get(key, ()))


def record(work: Workspace, interactions: Iterable[Interaction], now: datetime) -> Recorded:
    """Append facts about people who are known, or, if one of them is not, nothing."""
    facts = _list_of(Interaction, interactions, "interactions")
    with work.store.transaction():
        for some in batched(sorted({fact.candidate_id for fact in facts})):
            known = work.candidates.find_candidates([f"id:{key}" for key in some])
            for key in some:
                if f"id:{key}" not in known:
                    raise NotFound("candidate", key)
        door = log(work, facts, now)
        evidence(work, facts, now)
    return Recorded(interactions=door.new, transitions=tuple(door.moves))


def absorb(work: Workspace, keep: str, other: str, now: datetime) -> Candidate:
    """Make two known people one: *keep* stays, and has both histories."""
    if keep == other:
        raise InvalidRecord("absorb", f"expected two people, got {keep!r} twice")
    with work.store.transaction():
        work.store.hold(None)
        hold(work, [keep, other])
        found = work.candidates.get_candidates([keep, other])
        if keep not in found:
            raise NotFound("candidate", keep)
        if other not in found:
            if other in found[keep].aliases:
                return found[keep]
            raise NotFound("candidate", other)
        kept = _absorbed(found[keep], found[other])
        door = Door.open(work, now)
        door.catch_up(found.values())
        door.changed([keep])
        door.settle([kept])
        if not door.live:
            rows = [*work.store.memberships([other]), *work.store.watches([other])]
            end(work, rows, now, f"merged into {keep}", into=door.moves)
        # In this order, so that a stop between the two loses nobody.
        if kept.erased:
            forget(work, found.values(), now)
        work.candidates.put_candidates([kept])
        work.candidates.delete_candidates([other])
        wake(work, [other])  # a worker that has them in hand must not go on
    return kept


def _absorbed(kept: Candidate, other: Candidate) -> Candidate:
    if kept.erased:
        return merge(kept, other)
    merged = merge(other, kept)  # what the kept record knows wins
    return attrs.evolve(merged, id=kept.id, aliases=_aliases(kept, other))
