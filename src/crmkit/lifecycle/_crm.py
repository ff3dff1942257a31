"""The facade: the five verbs, and what a person asks in between."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from crmkit._progress import Progress
from crmkit._time import to_instant
from crmkit.cadence import Cadence, Library, Playbook, TouchRecord
from crmkit.engagement import EngagementPolicy
from crmkit.errors import NotFound
from crmkit.lifecycle import (
    _advance,
    _capture,
    _engage,
    _enroll,
    _erase,
    _export,
    _measure,
    _migrate,
    _privacy,
    _segment,
)
from crmkit.lifecycle._capture import Captured
from crmkit.lifecycle._enroll import Enrolled
from crmkit.lifecycle._erase import Erased
from crmkit.lifecycle._explain import Explanation, explain
from crmkit.lifecycle._fit import FitWeights, Shortlist, shortlist
from crmkit.lifecycle._migrate import EXAMPLES, CadenceChange
from crmkit.lifecycle._moves import Moves, Recorded
from crmkit.lifecycle._outcomes import RunReport
from crmkit.lifecycle._recover import InDoubt, in_doubt, resolve
from crmkit.lifecycle._render import TemplateRenderer
from crmkit.lifecycle._segment import SegmentRun
from crmkit.lifecycle._tasks import Task, complete, open_tasks
from crmkit.lifecycle._unsubscribe import UnsubscribeLinks
from crmkit.lifecycle._withdraw import unsubscribe
from crmkit.lifecycle._workspace import DEFAULT_PLAYBOOK, Workspace
from crmkit.model import NURTURE, Candidate, Channel, FrozenMap, Interaction, Relationship, Role
from crmkit.permission import ContactPolicy, Permission
from crmkit.protocols import CandidateStore, Clock, Drafter, Renderer, Sender, Store
from crmkit.segmentation import CATALOGUE, Segment, SegmentDiff, Segmenter, Transition

if TYPE_CHECKING:
    from crmkit.metrics import Attribution, Costs, Scorecard


class CRM:
    """Candidate relationship management over a store and a sender.

    Each verb is a pure function of what is stored and of ``now`` (the clock's, when it is left
    out), and running one twice at the same instant changes nothing the second time.

    ``candidates`` lets a host keep its own candidate table, of whose changes nobody but the next
    `segment` and ``engage(everyone=True)`` hear; ``segments``, ``playbook``, ``policy`` and
    ``engagement`` are the definitions in force, and ``library`` is the content that touches bring.
    ``drafter`` writes the drafts of one-to-one touches, and ``unsubscribe`` makes the links that
    stop messages. ``clock`` is the store's own unless it is given, so that all workers share it;
    ``lease`` is how long a worker keeps people whom it has taken if nothing more is heard of it:
    longer than a call of the sender takes.

    >>> from crmkit.model import Candidate
    >>> from crmkit.senders import MemorySender
    >>> from crmkit.stores import MemoryStore
    >>> crm = CRM(store=MemoryStore(), sender=MemorySender())
    >>> print(crm.capture(Candidate(id="ada", emails=["ada@example.org"])))
    1 new, 0 updated, 0 merged, 1 new interactions
    """

    def __init__(
        self,
        store: Store,
        sender: Sender | None = None,
        *,
        candidates: CandidateStore | None = None,
        segments: Iterable[Segment] = CATALOGUE,
        playbook: Playbook = DEFAULT_PLAYBOOK,
        renderer: Renderer | None = None,
        policy: ContactPolicy | None = None,
        engagement: EngagementPolicy | None = None,
        library: Library | None = None,
        drafter: Drafter | None = None,
        unsubscribe: UnsubscribeLinks | None = None,
        clock: Clock | None = None,
        lease: timedelta = timedelta(seconds=30),
    ) -> None:
        self._work = Workspace(
            store=store,
            candidates=store if candidates is None else candidates,
            sender=sender,
            segmenter=Segmenter(segments),
            playbook=playbook,
            renderer=TemplateRenderer() if renderer is None else renderer,
            policy=policy or ContactPolicy(),
            engagement=engagement or EngagementPolicy(),
            library=library,
            drafter=drafter,
            links=unsubscribe,
            lease=lease,
        )
        if check := getattr(self._work.renderer, "check", None):
            for cadence in playbook.cadences:
                check(cadence)
        self._clock = store if clock is None else clock

    def __repr__(self) -> str:
        return f"CRM(store={self._work.store!r}, sender={self._work.sender!r})"

    def _at(self, now: datetime | None) -> datetime:
        return to_instant(self._clock.now() if now is None else now, "now")

    def capture(
        self,
        candidate: Candidate,
        interactions: Iterable[Interaction] = (),
        *,
        now: datetime | None = None,
    ) -> Captured:
        """Take one person in, with what happened; a known one is recognised and merged.

        Two records are one person when they share an id, or else an e-mail address (in any
        case) or an external id. Raises `AmbiguousIdentity` when that points to several people.
        Retention is counted from what happened, so somebody new who comes without any history
        is logged as ``captured`` now.
        """
        return self.capture_all([Relationship(candidate, interactions)], now=now)

    def capture_all(
        self,
        relationships: Iterable[Relationship],
        *,
        now: datetime | None = None,
        progress: Progress | None = None,
    ) -> Captured:
        """Take many people in: all of them, or, on any error, nobody.

        After the first `segment`, whoever is new or has changed moves at once.
        """
        return _capture.capture(self._work, relationships, self._at(now), progress)

    def record(
        self, interactions: Iterable[Interaction], *, now: datetime | None = None
    ) -> Recorded:
        """Append facts about people who are known; return how many were new, and who moved.

        After the first `segment`, they move people at once: the clock first, up to ``now``, then
        the facts, and only in the segments that could see a fact of that kind. Raises `NotFound`,
        with nothing written, when somebody was not captured before: a fact under a mistyped id
        would be lost without a sound.
        """
        return _capture.record(self._work, interactions, self._at(now))

    def merge(self, keep: str, absorb: str, *, now: datetime | None = None) -> Candidate:
        """Make two known people one: ``keep`` stays, and has both histories.

        What ``keep`` knows wins. ``absorb`` leaves its segments, and a cadence that it runs
        through goes on for ``keep``, whom a live store moves at once. Raises `NotFound` when one
        of the two is not stored.
        """
        return _capture.absorb(self._work, keep, absorb, self._at(now))

    def segment(
        self, *, now: datetime | None = None, progress: Progress | None = None
    ) -> SegmentRun:
        """Look at everyone: return who entered and who left which segment, and why.

        The first call makes memberships live: from then on `capture`, `record` and `merge` move
        people at once, and `advance` moves those whom the clock moves. It is needed again only
        when candidate records, or the log, were changed without crmkit, as in a host's own
        candidate table: of such changes nobody else hears.
        """
        return _segment.segment(self._work, self._at(now), progress)

    def advance(self, *, now: datetime | None = None, progress: Progress | None = None) -> Moves:
        """Move whomever the clock alone moves; look at nobody else.

        Everybody moves at the very instant at which a rule turns, however long ago it was: one
        call after a year finds what daily calls would have. `Moves.next_change` is when to call
        again. When the definitions are not those that memberships were found with, everyone is
        looked at, once, as `segment` does; who moves by a changed one moves now.
        """
        return _advance.advance(self._work, self._at(now), progress)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The definitions in force."""
        return self._work.segmenter.segments

    def define(
        self,
        segment: Segment,
        *,
        now: datetime | None = None,
        progress: Progress | None = None,
    ) -> SegmentRun:
        """Add a segment, or put it in the place of the one of its name; return who moved.

        Everyone is asked about it, and about those segments that refer to it. It is in force in
        this `CRM`: the program that starts the next one passes it in ``segments``. Raises
        `UnknownName` or `RuleError`, with nothing changed, when the segments do not fit together.
        """
        self._work, run = _segment.define(self._work, segment, self._at(now), progress)
        return run

    def preview(
        self, segment: Segment, *, now: datetime | None = None, examples: int = 3
    ) -> SegmentDiff:
        """Say who would enter and leave if `define` were called with the segment; change nothing.

        *examples* is how many of each side come with their reasons. Those who would move in
        segments that refer to it are not named.
        """
        return _segment.preview(self._work, segment, self._at(now), examples)

    def drop(self, name: str, *, now: datetime | None = None) -> tuple[Transition, ...]:
        """Take a segment out of force; return who left it.

        Raises `RuleError` that lists who needs it, segments and entries of the playbook. Cadences
        go on, whatever the leave policy was; one that was paused by it stays so until a
        ``resumed`` fact names the segment.
        """
        self._work, moves = _segment.drop(self._work, name, self._at(now))
        return moves

    def members(self, name: str, *, as_of: datetime | None = None) -> tuple[str, ...]:
        """Return the ids of who is in a segment, in order; raise `NotFound` for an unknown one.

        Now, as it is stored; ``as_of`` an instant, as the definition in force, the records as
        they are now and what had happened by then say.
        """
        when = None if as_of is None else to_instant(as_of, "as_of")
        return _segment.members(self._work, name, when)

    def preview_cadence(
        self,
        cadence: Cadence,
        *,
        now: datetime | None = None,
        old: Iterable[Cadence] = (),
        examples: int = EXAMPLES,
    ) -> CadenceChange:
        """Say what `migrate` would do to the people inside other versions; change nothing.

        Of those versions the playbook knows the definitions (`Playbook.also`); *old* are others.
        *examples* is how many are shown, with reasons, of those with a touch that is due by it,
        of those with one that expires, and of the rest.
        """
        return _migrate.preview(self._work, cadence, self._at(now), old=old, examples=examples)

    def migrate(
        self,
        cadence: Cadence,
        *,
        now: datetime | None = None,
        old: Iterable[Cadence] = (),
        only: Collection[str] | None = None,
        progress: Progress | None = None,
    ) -> CadenceChange:
        """Bring the people inside other versions of a cadence to this one; return what it changed.

        Their runs go on, with all that was done: only the version is another, and an ``enrolled``
        fact says so. Who has finished or ended a run stays, and so does who is in a version whose
        definition neither the playbook nor *old* knows. *only* are the ids of whom to bring.

        Some hundreds of people at a time land together; cut off, the next call goes on. Raises
        `InvalidRecord`, with nothing changed, when the playbook does not have the cadence or it
        cannot follow an old version (`compare_cadences`), and `NotFound` for an unknown id.
        """
        return _migrate.migrate(
            self._work, cadence, self._at(now), old=old, only=only, progress=progress
        )

    def engage(
        self,
        *,
        now: datetime | None = None,
        limit: int | None = None,
        everyone: bool = False,
        progress: Progress | None = None,
    ) -> RunReport:
        """Enrol, plan, ask permission, send what is due, and hand people's work to people.

        Only those are looked at of whom something new is known or whose time has come; what it
        costs depends on how many they are. Everyone is looked at by the first call, when the
        playbook or a policy is another than the last call's, and with ``everyone``: ask for it
        when candidate records, or the log, were changed without crmkit, or when the system has
        new time-zone data. A policy with an object in it that has no text of its own, such as a
        host's calendar of holidays without a ``repr``, counts as another one in each process.

        ``limit`` is how often the sender may be called; tasks and enrolments do not count, and
        `RunReport.held` says how many messages wait for the next call. Raises `SenderError` when
        the sender cannot take messages at all: what was done is kept, and the next call goes on.
        """
        fixed = None if now is None else self._at(now)
        return _engage.engage(
            self._work,
            lambda: fixed or self._at(None),
            limit=limit,
            everyone=everyone,
            progress=progress,
        )

    def enroll(
        self,
        candidate_ids: Collection[str],
        cadence: Cadence,
        *,
        role_id: str | None = None,
        now: datetime | None = None,
    ) -> Enrolled:
        """Enrol people in a cadence on an occasion: a role opens, an event is over.

        Everybody else is enrolled by `engage`, as the playbook says. The cadence must be in the
        playbook: among its ``occasions``, to run beside what people are in already. Whoever is
        inside it, or may not be written to, is left out, with the reason. Raises `NotFound`, with
        nobody enrolled, for an unknown person or cadence, and `InvalidRecord` for a cadence that
        the playbook only keeps for those inside (`Playbook.also`).
        """
        return _enroll.enroll(self._work, candidate_ids, cadence, role_id, self._at(now))

    def convert(
        self,
        role: Role,
        *,
        now: datetime | None = None,
        limit: int = 20,
        weights: FitWeights | None = None,
        progress: Progress | None = None,
    ) -> Shortlist:
        """Return who we have already met that fits the role, best first; the role is kept."""
        self._work.store.put_roles([role])
        return shortlist(
            self._work.relationships(progress),
            role,
            now=self._at(now),
            limit=limit,
            weights=weights,
            policy=self._work.policy,
            engagement=self._work.engagement,
        )

    def measure(
        self,
        *,
        now: datetime | None = None,
        window: timedelta = timedelta(days=365),
        costs: "Costs | Iterable[Costs] | None" = None,
        ratings: Mapping[str, float] | None = None,
        attribution: "Attribution | None" = None,
        progress: Progress | None = None,
    ) -> "Scorecard":
        """Return the scorecard of the practice over the window that ends now (see `scorecard`)."""
        return _measure.measure(
            self._work,
            self._at(now),
            window=window,
            costs=costs,
            ratings=ratings,
            attribution=attribution,
            progress=progress,
        )

    def segment_sizes(self, instants: Sequence[datetime]) -> tuple[tuple[datetime, FrozenMap], ...]:
        """Return how many were in each segment at these instants, by the log of who moved."""
        return _measure.sizes_at(self._work, instants)

    def relationship(self, candidate_id: str) -> Relationship:
        """Return one person with their history, or raise `NotFound`."""
        return self._work.relationship(candidate_id)

    def relationships(self) -> Iterator[Relationship]:
        """Yield everyone with their history, ordered by id."""
        return self._work.relationships()

    def role(self, role_id: str) -> Role:
        """Return a stored role, or raise `NotFound`."""
        roles = {role.id: role for role in self._work.store.roles()}
        if role_id not in roles:
            raise NotFound("role", role_id, roles)
        return roles[role_id]

    def explain(self, candidate_id: str, *, now: datetime | None = None) -> Explanation:
        """Return all that is known of one person now: why, and until when."""
        return explain(self._work, self._work.relationship(candidate_id), self._at(now))

    def tasks(self, *, now: datetime | None = None) -> tuple[Task, ...]:
        """Return what people have to do: touches by hand, and replies to answer."""
        return open_tasks(self._work, self._at(now))

    def complete(
        self,
        key: str,
        kind: str = "messaged",
        *,
        channel: Channel | None = None,
        outcome: str | None = None,
        said: str | None = None,
        by: str | None = None,
        now: datetime | None = None,
    ) -> Interaction:
        """Log that a person has done the task with this key (`Task.key`), and return the fact.

        *kind* is what they did: ``called``, ``met`` or ``messaged``; *said* what the candidate
        said, for the next brief; *by* the id of who did it. Twice changes nothing. Raises
        `NotFound` if there is no such task, and `UnknownName` for another kind.
        """
        at = self._at(now)
        return complete(
            self._work, key, at, kind=kind, channel=channel, outcome=outcome, said=said, by=by
        )

    def unsubscribe(self, token: str, *, now: datetime | None = None) -> Interaction:
        """Log that somebody wants no more messages, by the token of a link, and return the fact.

        Call it when the link is posted to, never when it is looked at: scanners follow links.
        Twice changes nothing. Raises `InvalidToken` for a token that is none of ours, and
        `NotFound` if nothing is known of the message.
        """
        return unsubscribe(self._work, token, self._at(now))

    def in_doubt(self) -> tuple[InDoubt, ...]:
        """Return the touches of which nobody knows whether they left, the oldest first."""
        return in_doubt(self._work)

    def resolve(
        self,
        key: str,
        *,
        sent: bool | None = None,
        provider_id: str | None = None,
        detail: str | None = None,
        now: datetime | None = None,
    ) -> TouchRecord:
        """Settle a touch that is in doubt, and return what the ledger has of it then.

        *sent* is what a person found in the provider's log; None asks the sender, if it can be
        asked (`FindsMessages`). What never left is tried again at the next `engage`. What is
        not in doubt stays as it is. Raises `NotFound` for an unknown key.
        """
        return resolve(
            self._work, key, self._at(now), sent=sent, provider_id=provider_id, detail=detail
        )

    def may_contact(
        self,
        candidate_id: str,
        *,
        channel: Channel = Channel.EMAIL,
        purpose: str = NURTURE,
        now: datetime | None = None,
    ) -> Permission:
        """Say whether somebody may be contacted: the same arbiter that `engage` asks.

        For campaigns and recruiters, with all that is kept: facts, caps, suppressed addresses.
        Raises `NotFound` for somebody unknown.
        """
        return _privacy.may_contact(self._work, candidate_id, channel, purpose, self._at(now))

    def suppress(
        self,
        addresses: Iterable[str],
        *,
        reason: str = "listed",
        channel: Channel = Channel.EMAIL,
        now: datetime | None = None,
    ) -> int:
        """Keep addresses silent, whoever has them, now or later; return how many were new.

        For a list of the host's own: `record` and `capture` do it for what people say, and
        `erase` for who is forgotten. ``reason`` is one of `SuppressionReason`. Only digests are
        kept. It is lifted by a consent to nurture, of somebody who has the address, dated later;
        ``bounced`` by a ``verified`` fact with the address.
        """
        return _privacy.suppress(self._work, addresses, reason, channel, self._at(now))

    def erase(self, candidate_id: str, *, now: datetime | None = None) -> Erased:
        """Forget somebody: all of it, or, on any error, nothing; twice changes nothing.

        The record keeps its ids and that it is `erased`, and the addresses are suppressed. Facts
        keep kind, instant, channel and what they belong to, so that counts stay; they lose
        properties and free outcomes, moves their reasons, the ledger its details. Memberships
        end, and no send starts once it is committed. Raises `NotFound` for somebody unknown.
        """
        return _erase.erase(self._work, candidate_id, self._at(now))

    def export(self, candidate_id: str, *, now: datetime | None = None) -> dict[str, Any]:
        """Return everything that is kept about somebody, as JSON values.

        The record, what happened, segments, cadences, the ledger, which of their addresses are
        suppressed and why, and whether they may be contacted on each channel. Raises `NotFound`
        for somebody unknown.
        """
        return _export.export(self._work, candidate_id, self._at(now))
