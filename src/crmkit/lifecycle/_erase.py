"""Erasure: the person goes; that they said no, and that something happened, stays."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

import attrs

from crmkit._time import plural
from crmkit.lifecycle._bare import bare_fact, bare_touch, bare_transition, tombstone
from crmkit.lifecycle._live import end, hold, wake
from crmkit.lifecycle._suppress import against, sharing, silence
from crmkit.lifecycle._workspace import Workspace
from crmkit.model import Candidate, Suppression, SuppressionReason, address_digests
from crmkit.protocols import batched

R = TypeVar("R")


@attrs.frozen(kw_only=True, repr=False)
class Erased:
    """What an erasure did: all counts are 0 when there was nothing left to do.

    >>> print(Erased(candidate_id="ada", record=True, interactions=12, addresses=1))
    ada erased: the record, 12 interactions, 0 transitions, 0 ledger records; 0 memberships ended, \
1 address suppressed
    """

    candidate_id: str
    """The id under which they stay known; the one that was asked for may be an alias."""
    record: bool = False
    """Whether there was anything in the record but ids."""
    interactions: int = 0
    """How many facts lost what they said."""
    transitions: int = 0
    """How many moves lost their reasons."""
    touches: int = 0
    """How many records of the ledger lost their details."""
    memberships: int = 0
    """How many memberships and watches ended."""
    addresses: int = 0
    """How many addresses must stay silent from now on that did not have to."""

    def __repr__(self) -> str:
        return f"<Erased: {self}>"

    def __str__(self) -> str:
        record = "the record, " if self.record else ""
        emptied = ", ".join(
            plural(count, noun)
            for count, noun in (
                (self.interactions, "interaction"),
                (self.transitions, "transition"),
                (self.touches, "ledger record"),
            )
        )
        ended = plural(self.memberships, "membership")
        silent = f"{self.addresses} address{'' if self.addresses == 1 else 'es'}"
        return f"{self.candidate_id} erased: {record}{emptied}; {ended} ended, {silent} suppressed"


def erase(work: Workspace, candidate_id: str, now: datetime) -> Erased:
    """Make a person a tombstone, and everything about them empty; all of it, or nothing."""
    with work.store.transaction():
        hold(work, work.relationship(candidate_id).candidate.ids)
        person = work.relationship(candidate_id).candidate
        done = forget(work, [person], now)
        # The record comes last, because a host's own candidate table is no part of the
        # transaction: if it fails, the rest is taken back.
        if done.record:
            work.candidates.put_candidates([tombstone(person)])
    return done


def forget(work: Workspace, records: Iterable[Candidate], now: datetime) -> Erased:
    """Make empty what is kept about these records of one person, but for the records themselves.

    In a transaction. They are put on the agenda, so that no send that is on its way goes on.
    """
    people = list(records)
    ids = [key for person in people for key in person.ids]
    known = work.join(people)
    silence(work, against(work, known, sharing(work, people), now))
    addresses = silence(
        work,
        {
            Suppression(digest=digest, reason=SuppressionReason.ERASED, at=now)
            for person in people
            for digest in address_digests(person).values()
        },
    )
    store = work.store
    facts = [fact for each in known for fact in each.history]
    rows = [*work.about(people, store.memberships), *work.about(people, store.watches)]
    end(work, rows, now, "erased", into=[])
    done = Erased(
        candidate_id=people[0].id,
        record=any(person != tombstone(person) for person in people),
        interactions=_redact(facts, bare_fact, store.redact_interactions),
        transitions=_redact(
            work.about(people, store.transitions), bare_transition, store.redact_transitions
        ),
        touches=_redact(work.about(people, store.touches), bare_touch, store.redact_touches),
        memberships=len(rows),
        addresses=addresses,
    )
    if done != Erased(candidate_id=done.candidate_id):
        wake(work, ids)
    return done


def _redact(
    records: Iterable[R], bare: Callable[[R], R], write: Callable[[Iterable[R]], None]
) -> int:
    changed = [empty for record in records if (empty := bare(record)) != record]
    for some in batched(changed):
        write(some)
    return len(changed)
