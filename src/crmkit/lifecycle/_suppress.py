"""Silence by address: what people said goes with their addresses, whoever has them."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from crmkit.lifecycle._workspace import Workspace
from crmkit.model import Candidate, Relationship, Suppression
from crmkit.permission._silence import outlived, said_no, taken_back, took_back
from crmkit.protocols import BATCH, batched


def heed(
    work: Workspace, people: Sequence[Candidate], sharers: Iterable[Candidate], now: datetime
) -> bool:
    """Suppress the addresses of who said no, and lift those of who agreed since.

    In the transaction of the facts. *sharers* are all who have an address of theirs. Return
    whether anything is another now.
    """
    known = _joined(work, people)
    changed = silence(work, against(work, known, sharers, now)) > 0
    held = work.suppressions(people)
    for entry in [entry for each in known for entry in taken_back(each, held, now)]:
        work.store.lift([entry.digest], [entry.reason])
        changed = True
    return changed


def against(
    work: Workspace, known: Sequence[Relationship], sharers: Iterable[Candidate], now: datetime
) -> list[Suppression]:
    """Return what people said against addresses that nobody who has them took back later."""
    entries = [entry for each in known for entry in said_no(each, now)]
    ids = {each.id for each in known}
    others = [person for person in sharers if person.id not in ids]
    if not (entries and others):
        return entries
    lifts: dict[tuple[str, bool], datetime] = {}
    for each in _joined(work, others):
        for key, at in took_back(each, now).items():
            lifts[key] = max(at, lifts.get(key, at))
    return [entry for entry in entries if not outlived(entry, lifts)]


def _joined(work: Workspace, people: Iterable[Candidate]) -> list[Relationship]:
    return [each for some in batched(people, BATCH // 4) for each in work.join(some)]


def silence(work: Workspace, entries: Iterable[Suppression]) -> int:
    """Suppress any number of addresses; return how many entries were new."""
    return sum([work.store.suppress(some) for some in batched(entries)])


def sharing(work: Workspace, people: Iterable[Candidate]) -> list[Candidate]:
    """Return everyone who has an e-mail address of these people: they themselves, and others."""
    return holders(work, (address for person in people for address in person.emails))


def holders(work: Workspace, emails: Iterable[str]) -> list[Candidate]:
    """Return everyone who has one of these e-mail addresses."""
    keys = sorted({f"email:{address.lower()}" for address in emails})
    ids: set[str] = set()
    for some in batched(keys):
        ids.update(*work.candidates.find_candidates(some).values())
    found: list[Candidate] = []
    for some in batched(sorted(ids)):
        found += work.candidates.get_candidates(some).values()
    return found
