"""Live membership: what becomes known of a person moves them at once, and only them."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime

import attrs

from crmkit.lifecycle._bare import bare_fact
from crmkit.lifecycle._person import Person, ended
from crmkit.lifecycle._suppress import heed, sharing
from crmkit.lifecycle._workspace import Workspace
from crmkit.model import Candidate, Interaction, Relationship
from crmkit.permission._silence import SPEAKING_KINDS
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
    known: Mapping[str, Relationship] | None = None,
) -> list[Person]:
    """Bring people up to *now* and store what changed; in a transaction, up to `BATCH` of them.

    *rows* are their memberships and watches, and *known* what is known of them, if the caller
    has read these just now.
    The clock comes first: what was due of the segments in ``replay`` moves people at its own
    instant. Then ``ask`` names for each candidate id what has to be asked now. Of whoever is
    not in ``tracked`` (if it is given) no record is stored, and the log says where they are.
    """
    people = list(people)
    rows = _rows(work, people) if rows is None else rows
    lost = {} if tracked is None else _from_log(work, people, tracked)
    names = work.definitions.keys()
    found: list[Person] = []
    there = work.join(people) if known is None else [known[person.id] for person in people]
    for relationship in there:
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
    known: dict[str, Relationship] = attrs.field(factory=dict)
    """What is known of people, where the caller has made sure of it."""
    moved: set[str] = attrs.field(factory=set)
    """Ids of those for whom engage may have something else to do now."""
    _awake: set[str] = attrs.field(factory=set)
    _ask: dict[str, set[str]] = attrs.field(factory=dict)
    _spoke: set[str] = attrs.field(factory=set)
    """Of whom something came in that suppresses addresses, or lifts what does."""
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
            self._spoke.update(owner for owner, fact in some if fact.kind in SPEAKING_KINDS)
            if not self.live:
                continue
            kinds: dict[str, set[str]] = {}
            for owner, fact in some:
                kinds.setdefault(owner, set()).add(fact.kind)
            for owner, those in kinds.items():
                self._ask.setdefault(owner, set()).update(self.work.segmenter.affected(those))

    def ask(self, ids: Iterable[str], names: Collection[str]) -> None:
        """Have people asked about some segments."""
        for key in ids:
            self._ask.setdefault(key, set()).update(names)

    def changed(self, ids: Iterable[str]) -> None:
        """Note whose record is another now: any segment may see that."""
        ids = list(ids)
        self._awake.update(ids)
        self.ask(ids, self.work.definitions)

    def settle(self, people: Iterable[Candidate]) -> None:
        """Move people by what came in; their records as they are now. Wake whom it concerns."""
        people = self._heard(people) if self._spoke else people
        concerned = [person for person in people if self._ask.get(person.id)] if self.live else ()
        for some in batched(concerned, BATCH // 4):
            self._settle(some, self._ask, ())
        if self.waking:
            wake(self.work, self._awake | self.moved)

    def _heard(self, people: Iterable[Candidate]) -> list[Candidate]:
        """Suppress and lift addresses by what came in; return whom it concerns besides."""
        known = {person.id: person for person in people}
        known |= _people(self.work, self._spoke - known.keys())
        speaking = [known[key] for key in sorted(self._spoke & known.keys())]
        sharers = {person.id: person for person in sharing(self.work, speaking)}
        others = [person for key, person in sharers.items() if key not in known]
        self.catch_up(others)
        if heed(self.work, speaking, sharers.values(), self.now):
            self.changed(sharers)
            if not self.waking:
                wake(self.work, [person.id for person in others])
        return [*known.values(), *others]

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
        here = self.known if self.known.keys() >= {person.id for person in people} else None
        found = settle(self.work, people, self.now, ask=ask, replay=replay, rows=rows, known=here)
        self.moves += [move for person in found for move in person.moves]
        self.moved |= moved_ids(found)


def log(
    work: Workspace, facts: Iterable[Interaction], now: datetime, *, waking: bool = True
) -> Door:
    """Append facts about people who are known, and move those people; in a transaction."""
    facts = list(facts)
    door = Door.open(work, now, waking=waking)
    door.live = door.live and bool(work.segmenter.affected({fact.kind for fact in facts}))
    ids = {fact.candidate_id for fact in facts}
    heard = not SPEAKING_KINDS.isdisjoint(fact.kind for fact in facts)
    owners = _owners(work, ids) if door.live or waking or heard else {}
    hold(work, owners.values())
    people = _people(work, owners.values()) if door.live or waking else {}
    gone = {key for key, owner in owners.items() if owner in people and people[owner].erased}
    facts = [bare_fact(fact) if fact.candidate_id in gone else fact for fact in facts]
    door.catch_up(people.values())
    door.append((owners.get(fact.candidate_id, fact.candidate_id), fact) for fact in facts)
    door.settle(people.values())
    return door


def move_by(
    work: Workspace,
    kinds: Collection[str],
    now: datetime,
    *,
    known: Callable[[], Iterable[Relationship]],
) -> set[str]:
    """Move those of whom facts of these kinds are in the log since; in a transaction.

    Returns the ids of those of whom something is another by it. *known* is asked only where
    somebody may move: it says what is known of these people, and keeps others from changing it.
    """
    door = Door.open(work, now, waking=False)
    names = work.segmenter.affected(kinds)
    if not (door.live and names):
        return set()
    door.known = {each.id: each for each in known()}
    people = [each.candidate for each in door.known.values()]
    door.catch_up(people)
    door.ask((person.id for person in people), names)
    door.settle(people)
    return door.moved


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
