"""What a host may bring of its own: stores, senders, renderers, clocks.

The store protocols are small so that a host can keep its own candidate table and take the rest
from crmkit: pass it as ``CRM(store, candidates=…)``. `crmkit.testing` has a contract suite for
each of them.

Collections of ids that crmkit passes in hold at most `BATCH` ids. Every call is atomic: all of
it is there afterwards, or nothing. Faults of the medium are raised as `StoreError` and
`SenderError`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Protocol, TypeVar

import attrs

from crmkit.cadence import Cadence, Enrollment, Piece, Touch, TouchRecord, TouchState
from crmkit.model import (
    Brief,
    Candidate,
    Interaction,
    Message,
    Receipt,
    Relationship,
    Role,
    Suppression,
    SuppressionReason,
)
from crmkit.segmentation import Membership, Transition

BATCH = 500
"""The most ids that one store call is given."""

# A year after the first that there is, so that no zone shows a day before it.
AT_ONCE = datetime(2, 1, 1, tzinfo=UTC)
"""The instant of who is on the agenda for the next `CRM.engage`, whatever its ``now``."""

CLOCK_SET_BACK = timedelta(minutes=1)
"""A lease that begins later than so long from now is none: the store's clock was set back."""

FINAL = frozenset({TouchState.SENT, TouchState.DONE, TouchState.REJECTED, TouchState.EXPIRED})
"""The states in which a touch stays."""
REOPENED = frozenset({TouchState.REFUSED, TouchState.FAILED, TouchState.SENDING})
"""The states of which a touch may be claimed again: under a higher attempt."""


T = TypeVar("T")


def batched(items: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """Yield the items in lists of up to *size*.

    >>> list(batched("abc", 2))
    [['a', 'b'], ['c']]
    """
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


class CandidateStore(Protocol):
    """**Protocol:** the people as known now."""

    def put_candidates(self, candidates: Iterable[Candidate]) -> None:
        """Insert or replace by id, and index their `identity_keys`."""

    def get_candidates(self, ids: Collection[str]) -> dict[str, Candidate]:
        """Return those that are stored, by id; unknown ids are left out."""
        ...

    def find_candidates(self, keys: Collection[str]) -> dict[str, frozenset[str]]:
        """Return for each identity key that anybody has the ids of those who have it."""
        ...

    def candidates(self) -> Iterator[Candidate]:
        """Yield everyone, ordered by id; writing while it runs is allowed."""
        ...

    def delete_candidates(self, ids: Collection[str]) -> None:
        """Forget the records (not their interactions); unknown ids are ignored."""


class InteractionStore(Protocol):
    """**Protocol:** the append-only log."""

    def append_interactions(self, interactions: Iterable[Interaction]) -> int:
        """Append those whose id is new; return how many were."""
        ...

    def interactions(self, candidate_ids: Collection[str]) -> Iterable[Interaction]:
        """Return everything about these candidate ids, ordered by instant, then id."""
        ...

    def redact_interactions(self, interactions: Iterable[Interaction]) -> None:
        """Put these in the place of those that are stored, by id; unknown ids are ignored.

        For erasure alone: whose they are, their kinds and instants stay.
        """


class RoleStore(Protocol):
    """**Protocol:** the openings."""

    def put_roles(self, roles: Iterable[Role]) -> None:
        """Insert or replace by id."""

    def roles(self) -> Iterable[Role]:
        """Return every role, ordered by id."""
        ...


class MembershipStore(Protocol):
    """**Protocol:** who is in which segment, the log of who entered and left, and the watches.

    A `Membership` that is not ``inside`` is a watch over somebody whom the clock alone may bring
    in. There is one record, of either sort, for a (candidate, segment).
    """

    def memberships(
        self, candidate_ids: Collection[str] | None = None, *, segment: str | None = None
    ) -> Iterable[Membership]:
        """Return who is inside (of these people, of this segment), by candidate id, segment."""
        ...

    def watches(self, candidate_ids: Collection[str] | None = None) -> Iterable[Membership]:
        """Return the watches (over these people), ordered by candidate id, segment."""
        ...

    def due(self, now: datetime, limit: int = BATCH) -> Iterable[Membership]:
        """Return memberships and watches whose ``next_change`` has come, at most *limit*.

        The first come first: by ``next_change``, candidate id, segment. It must not read the
        others: what it costs depends on how many are due, not on how many there are.
        """
        ...

    def tracked(self) -> Iterable[str]:
        """Return the ids of all who have a membership or a watch, once each, in order."""
        ...

    def change_memberships(
        self, keep: Iterable[Membership], transitions: Iterable[Transition]
    ) -> None:
        """Log ``transitions``, end the records of who left, then insert or replace ``keep``.

        A transition with the (segment, candidate, instant, direction) of one that is logged
        already is not logged again. A watch without ``next_change`` watches nothing: instead of
        being kept, it takes away the record that is there.
        """

    def definitions(self) -> dict[str, str]:
        """Return what `set_definitions` was last given; at first nothing."""
        ...

    def set_definitions(self, definitions: Mapping[str, str]) -> None:
        """Keep the definitions that the memberships are found with: name → digest."""

    def transitions(self, candidate_ids: Collection[str] | None = None) -> Iterable[Transition]:
        """Return the log (of these people), ordered by instant, candidate id, segment."""
        ...

    def redact_transitions(self, transitions: Iterable[Transition]) -> None:
        """Put these in the place of those of the log with the same keys; others are ignored.

        For erasure alone. The key is what `change_memberships` logs once: segment, candidate,
        instant and direction.
        """


class EnrollmentStore(Protocol):
    """**Protocol:** who runs through which cadence, and what became of each touch."""

    def put_enrollments(self, enrollments: Iterable[Enrollment]) -> None:
        """Insert those whose id is new."""

    def move_enrollments(self, enrollments: Iterable[Enrollment]) -> None:
        """Replace those that are stored, by id; unknown ids are ignored."""

    def enrollments(self, candidate_ids: Collection[str] | None = None) -> Iterable[Enrollment]:
        """Return the enrolments (of these people), ordered by candidate id, instant, id."""
        ...

    def claim_touch(self, record: TouchRecord) -> TouchRecord | None:
        """Take the touch and return None, or return the record that is there already.

        The one place that decides who may act: of any number of callers with the same
        (enrolment, rotation, touch) and attempt, exactly one gets None. A record that is there is
        replaced only if it is one of `REOPENED` and the new attempt follows on its own.
        """
        ...

    def settle_touch(self, record: TouchRecord) -> bool:
        """Replace the claimed record by what became of it, and return whether it was.

        It is not if nobody claimed it, if it is `FINAL`, or if its attempt is another by now:
        whoever made an earlier attempt has no say about a later one.
        """
        ...

    def touches(
        self,
        candidate_ids: Collection[str] | None = None,
        *,
        states: Collection[TouchState] | None = None,
    ) -> Iterable[TouchRecord]:
        """Return the records (of these people, in these states).

        Ordered by instant, enrolment, rotation, touch.
        """
        ...

    def find_touches(self, keys: Collection[str]) -> Mapping[str, TouchRecord]:
        """Return the records with these keys (`TouchRecord.key`), by key; others are left out."""
        ...

    def redact_touches(self, records: Iterable[TouchRecord]) -> None:
        """Put these in the place of those with the same keys; others are ignored.

        For erasure alone: whose they are, their states and instants stay.
        """


class SuppressionStore(Protocol):
    """**Protocol:** the addresses that must stay silent, whoever has them; no address is kept."""

    def suppress(self, entries: Iterable[Suppression]) -> int:
        """Keep those whose digest and reason are new; return how many were."""
        ...

    def suppressions(self, digests: Collection[str]) -> dict[str, tuple[Suppression, ...]]:
        """Return for each digest that any is kept of, all that are, ordered by reason."""
        ...

    def lift(self, digests: Collection[str], reasons: Collection[SuppressionReason]) -> None:
        """Forget what is kept of these digests for these reasons; unknown ones are ignored."""


@attrs.frozen(kw_only=True)
class AgendaEntry:
    """When somebody has to be looked at again."""

    candidate_id: str
    at: datetime | None
    """None: not before something new is known of them."""
    turn: int
    """How often they were woken; it tells whether they were since the entry was read."""
    token: int = 0
    """How often they were taken; who holds a lower one has lost them."""
    back: int = 0
    """The token under which they were last given back."""

    @property
    def taken_over(self) -> bool:
        """Whether who had them before never gave them back: it may have died in the middle."""
        return self.token > self.back + 1


class AgendaStore(Protocol):
    """**Protocol:** whom `CRM.engage` has to look at, and when; one entry for a candidate id.

    Any number of workers may share it: each takes people for a while, by a lease that runs on
    the store's own clock. It is a cache: lost, it is made anew by looking at everyone.
    """

    def agenda(self, now: datetime) -> Iterator[AgendaEntry]:
        """Yield the entries whose instant has come, by instant, then id.

        Writing while it runs is allowed. It must not read the others: what it costs depends on
        how many have come, not on how many there are.
        """
        ...

    def next_look(self, now: datetime) -> datetime | None:
        """Return the first instant after *now* at which an entry comes."""
        ...

    def wake(self, ids: Collection[str]) -> None:
        """Put these on the agenda `AT_ONCE`, and add 1 to their turns; a new one has turn 1."""

    def take(
        self,
        now: datetime,
        *,
        lease: timedelta,
        limit: int = BATCH,
        after: AgendaEntry | None = None,
    ) -> Sequence[AgendaEntry]:
        """Take up to *limit* people whose instant has come and whom nobody holds.

        The first by instant, then id, that come *after* an entry, each under a new token, which
        holds until *lease* has passed. Of any number of callers, each person goes to one.
        """
        ...

    def keep(self, entry: AgendaEntry, *, lease: timedelta) -> AgendaEntry | None:
        """Hold a person for *lease* from now on, if the entry's token still does, else None.

        Returns the entry as it is by now. To the end of the transaction nobody else may `hold`
        the person.
        """
        ...

    def put_off(self, entries: Iterable[AgendaEntry]) -> None:
        """Give people back whose token is still the entry's.

        Keep the entry's instant, if its turn is still theirs; the others were woken.
        """

    def end_leases(self) -> None:
        """Take everybody back, for who knows that no worker is left: who goes on has lost them."""

    def hold(self, ids: Collection[str] | None) -> None:
        """Wait until nobody else has a transaction about these people, then keep others waiting.

        To the end of this transaction. None: about who is whom; captures take turns.
        """

    def now(self) -> datetime:
        """Return what time it is by the clock that all workers share."""
        ...

    def agenda_basis(self) -> str:
        """Return what `set_agenda_basis` was last given; at first nothing."""
        ...

    def set_agenda_basis(self, digest: str) -> None:
        """Keep the digest of the definitions that the agenda is made with."""


class Transactional(Protocol):
    """**Protocol:** several calls as one."""

    def transaction(self) -> AbstractContextManager[None]:
        """Make all calls inside the block land together, or, when it raises, none of them."""
        ...


class Store(
    CandidateStore,
    InteractionStore,
    RoleStore,
    MembershipStore,
    EnrollmentStore,
    AgendaStore,
    SuppressionStore,
    Transactional,
    Protocol,
):
    """**Protocol:** everything that crmkit keeps."""


class Sender(Protocol):
    """**Protocol:** takes a message to its channel."""

    def send(self, message: Message) -> Receipt:
        """Try once to deliver, and say what became of it."""
        ...


class Deduplicates(Protocol):
    """**Protocol:** an optional ability of senders: one key with the same bytes is delivered once.

    After a crash in mid-call crmkit sends again only to a sender that says so, only within its
    window, and only the very same message.
    """

    @property
    def deduplication_window(self) -> timedelta:
        """How long after a call the same message under the same key is harmless.

        `timedelta.max`: without a limit; 0: it never is.
        """
        ...


class FindsMessages(Protocol):
    """**Protocol:** an optional ability of senders: the provider can be asked what it has taken."""

    def find(self, key: str) -> Receipt:
        """Say what became of a message: ``accepted``, ``rejected``, ``later`` or ``unknown``.

        ``later`` only if the provider is sure that it never took the message.
        """
        ...


class SendsBatches(Protocol):
    """**Protocol:** an optional ability of senders: many messages in one call."""

    @property
    def batch_size(self) -> int:
        """How many messages one call takes at most."""
        ...

    def send_batch(self, messages: Sequence[Message]) -> Sequence[Receipt]:
        """Try once to deliver each, and say what became of it, in the same order."""
        ...


@attrs.frozen(repr=False)
class Rendered:
    """The text of one message."""

    subject: str
    body: str
    html: str | None = None
    """The same as a page; None: text alone."""


class Renderer(Protocol):
    """**Protocol:** turns a touch into the text for one person.

    The touch has the subject and the bodies of its variant already. *piece* is the content that
    was picked for it, None when it wants none or none suits. *unsubscribe* is the address of a
    page that stops it with one click, where there is one.
    """

    def render(
        self,
        touch: Touch,
        relationship: Relationship,
        *,
        now: datetime,
        piece: Piece | None = None,
        unsubscribe: str | None = None,
    ) -> Rendered:
        """Return the text, or raise `RenderError`: a message with a hole never goes out."""
        ...


class ChecksCadences(Protocol):
    """**Protocol:** an optional ability of renderers: faults are found before anything is due."""

    def check(self, cadence: Cadence) -> None:
        """Raise `InvalidRecord`, with the path to the text, if a text can never be rendered."""


class Drafter(Protocol):
    """**Protocol:** writes the draft of a one-to-one touch; a host brings any model it likes."""

    def __call__(
        self, touch: Touch, relationship: Relationship, *, brief: Brief, now: datetime
    ) -> Rendered:
        """Return a draft for a person to read; it is not sent without one."""
        ...


class Clock(Protocol):
    """**Protocol:** what time it is; only the shell asks."""

    def now(self) -> datetime:
        """Return an aware instant."""
        ...
