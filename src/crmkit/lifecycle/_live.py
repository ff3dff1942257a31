"""Live membership: what becomes known of a person moves them at once, and only them."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

import attrs

from crmkit.lifecycle._person import Person, ended
from crmkit.lifecycle._workspace import Workspace
from crmkit.model import Candidate, Interaction
from crmkit.protocols import BATCH, batched
from crmkit.segmentation import Membership, Transition

Rows = dict[str, dict[str, Membership]]
"""Membership or watch by candidate id and segment."""

UNFINISHED = ""
"""The key, no segment's name, that stands in the definitions while a first pass is running."""


def is_live(work: Workspace) -> bool:
    """Say whether what is stored was found with the definitions in force; in a transaction.

    If it was found with others, it is marked as stale, for what is written without moving
    anybody would be missed by whoever has those definitions.
    """
    found = work.store.definitions()
    if {name: digest for name, digest in found.items() if name != UNFINISHED} == work.definitions:
        return True
    if found:
        work.store.set_definitions({})
    return False


def settle(
    work: Workspace,
    people: Iterable[Candidate],
    now: datetime,
    *,
    ask: Mapping[str, Collection[str]],
    replay: Collection[str],
    rows: Rows | None = None,
    tracked: Collection[str] | None = None,
) -> list[Person]:
    """Bring people up to *now* and store what changed; in a transaction, up to `BATCH` of them.

    *rows* are their memberships and watches, if the caller has read them just now.
    The clock comes first: what was due of the segments in ``replay`` moves people at its own
    instant. Then ``ask`` names for each candidate id what has to be asked now. Of whoever is
    not in ``tracked`` (if it is given) no record is stored, and the log says where they are.
    """
    people = list(people)
    rows = _rows(work, people) if rows is None else rows
    lost = {} if tracked is None else _from_log(work, people, tracked)
    names = work.definitions.keys()
    found: list[Person] = []
    for relationship in work.join(people):
        candidate = relationship.candidate
        mine = lost.get(candidate.id, {}) | rows.get(candidate.id, {})
        old = [row for alias in candidate.aliases for row in rows.get(alias, {}).values()]
        person = Person(
            work,
            relationship,
            mine,
            unsaved=set(lost.get(candidate.id, ())),
            inherited=frozenset(row.segment for row in old if row.inside),
        )
        found.append(person)
        if old:
            end(work, old, now, f"merged into {candidate.id}", into=person.moves)
        if candidate.erased:
            person.end(mine, now, "erased")
            continue
        person.end(mine.keys() - names, now, "no longer asked")
        person.replay(replay, now)
        person.ask(ask.get(candidate.id, ()), now)
    if facts := [fact for person in found for fact in person.facts]:
        work.store.append_interactions(facts)
    keep = [row for person in found for row in person.keep.values()]
    moves = [move for person in found for move in person.moves]
    if keep or moves:
        work.store.change_memberships(keep, moves)
    return found


def moved_ids(settled: Iterable[Person]) -> set[str]:
    """Return the ids of those for whom engage may have something else to do now."""
    return {person.relationship.id for person in settled if person.moves or person.facts}


def wake(work: Workspace, ids: Iterable[str]) -> None:
    """Put people on the agenda for the next `CRM.engage`."""
    for some in batched(sorted(ids)):
        work.store.wake(some)


def hold(work: Workspace, ids: Iterable[str]) -> None:
    """Wait until nobody else changes what is known of people, and keep others waiting."""
    for some in batched(sorted(set(ids))):
        work.store.hold(some)


def end(
    work: Workspace,
    rows: Iterable[Membership],
    now: datetime,
    why: str,
    *,
    into: list[Transition],
) -> None:
    """Take out of every segment, and from under every watch, people who are no more."""
    rows = list(rows)
    moves = [ended(row, now, why) for row in rows if row.inside]
    watches = [attrs.evolve(row, next_change=None) for row in rows if not row.inside]
    work.store.change_memberships(watches, moves)
    into += moves


def gone(work: Workspace, ids: Collection[str], now: datetime) -> list[Transition]:
    """Take those of the ids out under which nobody is stored any more."""
    moves: list[Transition] = []
    here = work.candidates.get_candidates(ids)
    missing = sorted(set(ids) - here.keys())
    owners = work.candidates.find_candidates([f"id:{key}" for key in missing]) if missing else {}
    for key in missing:
        into = sorted(owners.get(f"id:{key}", ()))
        why = f"merged into {into[0]}" if into else "not stored any more"
        rows = [*work.store.memberships([key]), *work.store.watches([key])]
        end(work, rows, now, why, into=moves)
    return moves


def _rows(work: Workspace, people: Collection[Candidate]) -> Rows:
    found: Rows = {}
    for read in (work.store.memberships, work.store.watches):
        for row in work.about(people, read):
            found.setdefault(row.candidate_id, {})[row.segment] = row
    return found


def _from_log(
    work: Workspace, people: Iterable[Candidate], tracked: Collection[str]
) -> dict[str, dict[str, Membership]]:
    """Return the memberships of which only the log is left: who entered and has not left."""
    found: dict[str, dict[str, Membership]] = {}
    for some in batched(person.id for person in people if person.id not in tracked):
        moves = list(work.store.transitions(some))
        at_once = Counter((move.candidate_id, move.segment, move.at) for move in moves)
        for move in moves:
            rows = found.setdefault(move.candidate_id, {})
            # Of whoever entered and left at one instant the log does not say where they are.
            if move.entered and at_once[move.candidate_id, move.segment, move.at] == 1:
                rows[move.segment] = Membership(
                    segment=move.segment,
                    candidate_id=move.candidate_id,
                    since=move.at,
                    because=move.because,
                )
            else:
                rows.pop(move.segment, None)
    return found


@attrs.define
class Door:
    """The one way by which facts and changes of people come in; use it in a transaction.

    First `catch_up` with whom it concerns, as they were; then `append` what happened and say who
    `changed`; then `settle`. Before the first `crm.segment` nobody is moved by it.
    """

    work: Workspace
    now: datetime
    live: bool
    """Whether anybody may be moved."""
    waking: bool = True
    """Whether engage has to look at whom it concerns; not, when it is engage that writes."""
    new: int = 0
    """How many facts were not in the log yet."""
    moves: list[Transition] = attrs.field(factory=list)
    _awake: set[str] = attrs.field(factory=set)
    _ask: dict[str, set[str]] = attrs.field(factory=dict)
    _read: tuple[frozenset[str], Rows] = (frozenset(), {})
    """Whose rows were read last, and these, while nothing has changed them."""

    @classmethod
    def open(cls, work: Workspace, now: datetime, *, waking: bool = True) -> "Door":
        """Look whether what is stored can be kept up to date."""
        return cls(work, now, is_live(work), waking)

    def catch_up(self, people: Iterable[Candidate]) -> None:
        """Let the clock move them up to now, with what was known so far."""
        for some in batched(people, BATCH // 4) if self.live else ():
            rows = _rows(self.work, some)
            due = [
                person
                for person in some
                if any(
                    row.next_change and row.next_change <= self.now
                    for row in rows.get(person.id, {}).values()
                )
            ]
            self._read = frozenset(person.id for person in some), rows
            if due:
                self._settle(due, {}, self.work.definitions)

    def append(self, facts: Iterable[tuple[str, Interaction]]) -> None:
        """Append facts, each with the id of the person whose it is."""
        for some in batched(facts):
            new = self.work.store.append_interactions(fact for _, fact in some)
            self.new += new
            # If some were new, everybody among them is asked: asking too much moves nobody.
            if not new:
                continue
            self._awake.update(owner for owner, _ in some)
            if not self.live:
                continue
            kinds: dict[str, set[str]] = {}
            for owner, fact in some:
                kinds.setdefault(owner, set()).add(fact.kind)
            for owner, those in kinds.items():
                self._ask.setdefault(owner, set()).update(self.work.segmenter.affected(those))

    def changed(self, ids: Iterable[str]) -> None:
        """Note whose record is another now: any segment may see that."""
        ids = list(ids)
        self._awake.update(ids)
        self._ask.update((key, set(self.work.definitions)) for key in ids)

    def settle(self, people: Iterable[Candidate]) -> None:
        """Move people by what came in; their records as they are now. Wake whom it concerns."""
        concerned = [person for person in people if self._ask.get(person.id)] if self.live else ()
        for some in batched(concerned, BATCH // 4):
            self._settle(some, self._ask, ())
        if self.waking:
            wake(self.work, self._awake)

    def _settle(
        self,
        people: Iterable[Candidate],
        ask: Mapping[str, Collection[str]],
        replay: Collection[str],
    ) -> None:
        people = list(people)
        read, known = self._read
        rows = known if read.issuperset(person.id for person in people) else None
        self._read = frozenset(), {}
        found = settle(self.work, people, self.now, ask=ask, replay=replay, rows=rows)
        self.moves += [move for person in found for move in person.moves]
        self._awake |= moved_ids(found)


def log(
    work: Workspace, facts: Iterable[Interaction], now: datetime, *, waking: bool = True
) -> Door:
    """Append facts about people who are known, and move those people; all of it, or nothing."""
    facts = list(facts)
    with work.store.transaction():
        door = Door.open(work, now, waking=waking)
        door.live = door.live and bool(work.segmenter.affected({fact.kind for fact in facts}))
        ids = {fact.candidate_id for fact in facts}
        owners = _owners(work, ids) if door.live or waking else {}
        hold(work, owners.values())
        people = _people(work, owners.values()) if door.live else {}
        door.catch_up(people.values())
        door.append((owners.get(fact.candidate_id, fact.candidate_id), fact) for fact in facts)
        door.settle(people.values())
    return door


def _owners(work: Workspace, ids: Iterable[str]) -> dict[str, str]:
    """Return whose each id is: a person's own, or that of a record merged into theirs."""
    found: dict[str, str] = {}
    for some in batched(sorted(ids)):
        keys = work.candidates.find_candidates([f"id:{key}" for key in some])
        found |= {key: min(keys[f"id:{key}"]) for key in some if f"id:{key}" in keys}
    return found


def _people(work: Workspace, ids: Iterable[str]) -> dict[str, Candidate]:
    found: dict[str, Candidate] = {}
    for some in batched(sorted(set(ids))):
        found |= work.candidates.get_candidates(some)
    return found
