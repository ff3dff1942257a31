"""Everything that a scorecard is made from, counted in one pass; counts add."""

from collections.abc import Container, Iterable, Mapping
from datetime import datetime, timedelta
from itertools import islice

import attrs

from crmkit._time import earliest, to_instant
from crmkit.engagement import DEFAULT, EngagementPolicy
from crmkit.errors import InvalidRecord
from crmkit.metrics._attribution import Attribution
from crmkit.metrics._considerations import Considerations
from crmkit.metrics._hires import Hires
from crmkit.metrics._mail import Mail, Mailing
from crmkit.metrics._people import Nurture, Pipeline
from crmkit.metrics._processes import Silence
from crmkit.metrics._reading import Reader
from crmkit.metrics._tally import Frame
from crmkit.model import Relationship

YEAR = timedelta(days=365)
"""The default window."""

AT_ONCE = 64
"""How many people are counted step by step together; their facts stay in the processor's cache."""


@attrs.define(kw_only=True, repr=False)
class Counts:
    """What was counted of a part of a pool: add the parts, and take the scorecard of the sum.

    A part is any set of people: a shard, a tenant, those captured on one day. Each person belongs
    into one part, since people are counted, and one person on two days is one person. Parts must
    have been counted with the same instant, window, policy and attribution; else ``+`` raises
    `InvalidRecord`.
    """

    frame: Frame
    policy: EngagementPolicy
    attribution: Attribution
    people: int = 0
    later: int = 0
    """People of whom every fact is dated after now: they do not exist yet."""
    simulated: int = 0
    """People whose record, or one of whose facts, says that it is simulated: the oldest, or the
    newest of any kind."""
    next_fact: datetime | None = None
    """When the first fact of the log that is dated after now arrives, leaving out machines'."""
    pipeline: Pipeline = attrs.field(factory=Pipeline)
    nurture: Nurture = attrs.field(factory=Nurture)
    mail: Mail = attrs.field(factory=Mail)
    silence: Silence = attrs.field(factory=Silence)
    considerations: Considerations = attrs.field(factory=Considerations)
    hires: Hires = attrs.field(factory=Hires)

    @property
    def now(self) -> datetime:
        """The instant as of which was counted."""
        return self.frame.now

    @property
    def window(self) -> timedelta:
        """The span before it."""
        return self.frame.window

    def __repr__(self) -> str:
        return f"<Counts of {self.people:,} people over {self.frame}>"

    def __add__(self, other: "Counts") -> "Counts":
        if not isinstance(other, Counts):
            return NotImplemented
        for path in ("now", "window", "policy", "attribution"):
            if getattr(self, path) != getattr(other, path):
                raise InvalidRecord(
                    path, "expected parts counted alike; these differ: count them anew"
                )
        return Counts(
            frame=self.frame,
            policy=self.policy,
            attribution=self.attribution,
            people=self.people + other.people,
            later=self.later + other.later,
            simulated=self.simulated + other.simulated,
            next_fact=earliest(self.next_fact, other.next_fact),
            pipeline=self.pipeline + other.pipeline,
            nurture=self.nurture + other.nurture,
            mail=self.mail + other.mail,
            silence=self.silence + other.silence,
            considerations=self.considerations + other.considerations,
            hires=self.hires + other.hires,
        )


def count(
    relationships: Iterable[Relationship],
    *,
    now: datetime,
    window: timedelta = YEAR,
    policy: EngagementPolicy = DEFAULT,
    attribution: Attribution = Attribution(),  # noqa: B008 - it is frozen
    segments: Mapping[str, Container[str]] | None = None,
) -> Counts:
    """Count a pool, or a part of one, in one pass.

    *segments* are names and the ids of who is in them; each gets rates of its own. Raises
    `InvalidRecord` for a naive *now* or a window that is not positive.
    """
    if window <= timedelta(0):
        raise InvalidRecord("window", f"expected more than nothing, got {window}")
    frame = Frame(to_instant(now, "now"), window)
    found = Counts(frame=frame, policy=policy, attribution=attribution)
    reader, mail = Reader(frame.now, frame.start, policy), Mailing()
    everyone = iter(relationships)
    while some := list(islice(everyone, AT_ONCE)):
        readings = reader.read(some)
        found.people += len(readings)
        found.pipeline.add(frame, readings)
        mail.add(readings, segments or {})
        found.nurture.add(frame, readings)
        found.silence.add(frame, readings)
        found.considerations.add(frame, readings)
        found.hires.add(readings, attribution)
    found.mail, found.next_fact = mail.done(), reader.next_fact
    found.later, found.simulated = reader.later, reader.simulated
    return found
