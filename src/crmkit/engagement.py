"""Score and temperature of a relationship: what the person did lately, and did not answer.

The numbers here are conventions, stated so that they can be argued with: nobody has measured
optimal weights. What is no convention: machines open mail and answer it by themselves, so neither
an open nor an automatic reply counts; and nobody is cold by the calendar alone.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby
from operator import itemgetter
from types import MappingProxyType

import attrs

from crmkit._time import EPOCH, MICROSECOND, from_micros, micros, plural, to_instant
from crmkit.errors import InvalidRecord
from crmkit.model import FrozenMap, Interaction, Reason, Relationship, Verdict, to_kind
from crmkit.model import _fields as fields


class Temperature(StrEnum):
    """How a relationship stands: hot, warm, cooling, cold, or unknown."""

    HOT = "hot"
    WARM = "warm"
    COOLING = "cooling"
    COLD = "cold"
    UNKNOWN = "unknown"


WEIGHTS = MappingProxyType(
    {
        "applied": 6.0,  # the plainest sign there is
        "replied": 5.0,  # they wrote themselves, whatever they wrote
        "met": 5.0,
        "interviewed": 5.0,
        "called": 4.0,  # a conversation, but often one that we began
        "signed_up": 4.0,  # they came to us
        "assessed": 4.0,
        "attended": 3.0,  # they came, perhaps for the talk alone
        "consented": 3.0,  # they want to hear from us
        "clicked": 2.0,  # one step, and scanners take it too
        "visited": 2.0,
        "referred": 1.0,  # somebody else took the step
    }
)
"""The default weight of one fact by kind; every other kind weighs nothing.

Only what the person takes part in weighs. What we write (``sent``, ``messaged``) weighs nothing:
their answer is a ``replied``. Nor does a ``noted``, a recruiter's remark or a call that nobody
took; nor ``opened`` and ``auto_replied``, which machines do.
"""

MESSAGES = ("sent", "delivered", "bounced")
"""The kinds that tell how many messages are unanswered."""
_QUIET = frozenset(MESSAGES).isdisjoint
_LONGEST = timedelta(days=3650)
_LAST = (datetime.max.replace(tzinfo=EPOCH.tzinfo) - EPOCH) // MICROSECOND


def _weights(value: object) -> FrozenMap:
    given = fields.values(value)
    for kind, weight in given.items():
        try:
            to_kind(kind)
            number = fields.optional_amount(weight)
        except InvalidRecord as error:
            raise error.under(f"[{kind!r}]") from None
        if number is None or number > 1000:
            raise InvalidRecord(f"[{kind!r}]", f"expected a weight from 0 to 1000, got {weight!r}")
    return FrozenMap({**WEIGHTS, **{kind: float(weight) for kind, weight in given.items()}})


@attrs.frozen(kw_only=True, field_transformer=fields.paths)
class EngagementPolicy:
    """What weighs how much, how fast it fades, and where the temperatures part.

    With the defaults a click keeps somebody warm for twelve days and a reply for seven weeks; a
    reply and a meeting in one week make them hot.

    >>> EngagementPolicy(weights={"opened": 0.5}).weights["opened"]
    0.5
    >>> EngagementPolicy(hot=1, warm=2)
    Traceback (most recent call last):
        ...
    crmkit.errors.InvalidRecord: hot: expected 0 < warm < hot, got warm 2 and hot 1
    """

    weights: FrozenMap = attrs.field(default=FrozenMap(), converter=_weights)
    """By kind, from 0 to 1000; kinds left out keep their place in `WEIGHTS`."""
    half_life: timedelta = timedelta(days=30)
    """After it a fact weighs half."""
    hot: float = 8.0
    """Hot from this score on: more than one act of theirs, lately."""
    warm: float = 1.5
    """Warm from this score on: one act of theirs, not long ago."""
    cooling_after: int = 2
    """Messages without an answer; 85 % of answers come by the second (Lever)."""
    cold_after: int = 3

    def __attrs_post_init__(self) -> None:
        if not MICROSECOND <= self.half_life <= _LONGEST:
            problem = f"expected more than nothing and at most ten years, got {self.half_life}"
            raise InvalidRecord("half_life", problem)
        if not 0 < self.warm < self.hot < math.inf:
            problem = f"expected 0 < warm < hot, got warm {self.warm} and hot {self.hot}"
            raise InvalidRecord("hot", problem)
        if not 0 < self.cooling_after < self.cold_after:
            got = f"got {self.cooling_after} and {self.cold_after}"
            problem = f"expected 0 < cooling_after < cold_after, {got}"
            raise InvalidRecord("cold_after", problem)


DEFAULT = EngagementPolicy()
_BY_SCORE = frozenset({Temperature.HOT, Temperature.WARM})


def is_engagement(interaction: Interaction, *, policy: EngagementPolicy = DEFAULT) -> bool:
    """Whether the fact shows that the person takes part: it weighs, and no machine did it.

    An unknown author (``automated=None``) counts as a person.

    >>> click = Interaction(candidate_id="a", kind="clicked", at="2026-01-05T09:00Z")
    >>> is_engagement(click), is_engagement(attrs.evolve(click, automated=True))
    (True, False)
    """
    return policy.weights.get(interaction.kind, 0.0) > 0 and interaction.automated is not True


def score(
    relationship: Relationship, *, now: datetime, policy: EngagementPolicy = DEFAULT
) -> float:
    """Return the sum of weight * 2^-(age / half-life) over the engagement facts up to *now*.

    >>> reply = Interaction(candidate_id="a", kind="replied", at="2026-01-01T09:00Z")
    >>> from crmkit.model import Candidate
    >>> ada = Relationship(Candidate(id="a"), [reply])
    >>> score(ada, now=datetime.fromisoformat("2026-01-31T09:00Z"))
    2.5
    """
    reading = _Reading(relationship, to_instant(now, "now"), policy)
    return reading.score_at(reading.now)


def score_crosses(
    relationship: Relationship,
    *,
    now: datetime,
    threshold: float,
    policy: EngagementPolicy = DEFAULT,
) -> datetime | None:
    """Return the instant from which on, nothing new happening, the score is below *threshold*.

    To the microsecond. None if it is below already, or never will be (a threshold of 0 or less;
    later than the year 9999). An engagement fact in the log that is dated later than *now* counts
    as arriving at its own instant, and the answer is never past it.
    """
    reading = _Reading(relationship, to_instant(now, "now"), policy)
    return reading.crosses(threshold)


def unanswered(
    relationship: Relationship, *, now: datetime, policy: EngagementPolicy = DEFAULT
) -> int:
    """Return how many messages reached the person since they last took part.

    One message may be logged as ``sent`` and as ``delivered``: the greater count is taken. A
    bounce takes back one message before it.

    >>> from crmkit.model import Candidate
    >>> log = [Interaction(candidate_id="a", kind=kind, at=f"2026-01-0{day}T09:00Z")
    ...        for day, kind in enumerate(["sent", "replied", "sent", "delivered", "sent"], 1)]
    >>> ada = Relationship(Candidate(id="a"), log)
    >>> unanswered(ada, now=datetime.fromisoformat("2026-02-01T09:00Z"))
    2
    """
    return _Reading(relationship, to_instant(now, "now"), policy).unanswered()


def temperature(
    relationship: Relationship, *, now: datetime, policy: EngagementPolicy = DEFAULT
) -> Verdict[Temperature]:
    """Say how the relationship stands, why, and until when.

    Hot and warm go by the score. Below that it is the messages without an answer that count, never
    the calendar: somebody who was just enrolled is *unknown*.

    >>> from crmkit.model import Candidate
    >>> reply = Interaction(candidate_id="a", kind="replied", at="2026-01-01T09:00Z")
    >>> ada = Relationship(Candidate(id="a"), [reply])
    >>> print(temperature(ada, now=datetime.fromisoformat("2026-01-31T09:00Z")))
    <Verdict warm, until 2026-02-22 11:36:54 UTC>
    temperature is warm
      ✗ score is at least 8 (hot) (found 2.5)
      ✓ score is at least 1.5 (warm) (found 2.5), until 2026-02-22 11:36 UTC
      newest acts that count
        replied on 2026-01-01 (found 2.5 of 5)
      0 messages without an answer (cooling from 2, cold from 3)
    """
    reading = _Reading(relationship, to_instant(now, "now"), policy)
    points, silence = reading.score_at(reading.now), reading.unanswered()
    value = reading.value(points, silence)
    lines = {Temperature.HOT: policy.hot, Temperature.WARM: policy.warm}
    until = reading.crosses(lines[value]) if value in lines else reading.next_fact()
    return Verdict(value, reading.because(value, points, silence, until), until)


def temperatures(
    relationship: Relationship, *, since: datetime, policy: EngagementPolicy = DEFAULT
) -> list[tuple[datetime, Temperature, int]]:
    """Return `temperature` and `unanswered` as they change from *since* on, one row a change.

    Every fact of the log counts as arriving at its own instant. The first row is at *since*; the
    last one lasts. One sweep, without reasons: what a planner asks for.

    >>> from crmkit.model import Candidate
    >>> reply = Interaction(candidate_id="a", kind="replied", at="2026-01-01T09:00Z")
    >>> ada = Relationship(Candidate(id="a"), [reply])
    >>> for at, value, silence in temperatures(ada, since=reply.at):
    ...     print(f"{at:%Y-%m-%d}", value, silence)
    2026-01-01 warm 0
    2026-02-22 unknown 0
    """
    reading = _Reading(relationship, to_instant(since, "since"), policy)
    if not reading.acts and reading.next_act is None and _QUIET(reading.by_kind):
        return [(from_micros(reading.now), Temperature.UNKNOWN, 0)]
    sent, delivered = reading.tally()
    coming = [(at, [*facts]) for at, facts in groupby(reading.coming(), key=itemgetter(0))]
    found = []
    lasts = bool(reading.acts)
    for place, (turn, facts) in enumerate([(reading.now, []), *coming]):
        reading.now = turn
        for at, _, kind, weight in facts:
            if weight:
                sent = delivered = 0
                reading.acts.append((at, weight, kind))
                lasts = True
            else:
                sent, delivered = _count(kind, sent, delivered)
        silence = max(sent, delivered)
        if lasts:
            end = coming[place][0] if place < len(coming) else None
            rows = list(reading.fading(end, silence))
            found += [(from_micros(at), value, silence) for at, value in rows]
            # Once neither hot nor warm, a score only falls until they act again.
            lasts = rows[-1][1] in _BY_SCORE if rows else lasts
        else:
            found.append((from_micros(turn), reading.value(0.0, silence), silence))
    return found


def _count(kind: str, sent: int, delivered: int) -> tuple[int, int]:
    """Return how many messages were sent and delivered after one more of `MESSAGES`."""
    if kind == "bounced":
        return max(0, sent - 1), max(0, delivered - 1)
    return sent + (kind == "sent"), delivered + (kind == "delivered")


class _Reading:
    """What one look at a relationship finds, in integer microseconds."""

    __slots__ = ("acts", "by_kind", "half_life", "next_act", "now", "policy")

    def __init__(self, relationship: Relationship, now: datetime, policy: EngagementPolicy) -> None:
        self.now = micros(now)
        self.policy = policy
        self.half_life = policy.half_life // MICROSECOND
        self.by_kind = relationship.history.by_kind
        self.acts: list[tuple[int, float, str]] = []
        self.next_act: int | None = None
        weights = policy.weights
        for kind, facts in self.by_kind.items():
            weight = weights.get(kind, 0.0)
            for fact in facts if weight > 0 else ():
                if fact.automated is True:
                    continue
                at = micros(fact.at)
                if at > self.now:
                    self.next_act = at if self.next_act is None else min(self.next_act, at)
                    break
                self.acts.append((at, weight, kind))

    def score_at(self, at: int) -> float:
        # `fsum` rounds once, so that the order of facts never matters and one more never lowers.
        half_life = self.half_life
        return math.fsum(weight * 2.0 ** ((then - at) / half_life) for then, weight, _ in self.acts)

    def crosses(self, threshold: float) -> datetime | None:
        points = self.score_at(self.now)
        if threshold <= 0:
            return None
        fading = self._fades_below(threshold, points) if points >= threshold else None
        known = [at for at in (fading, self.next_act) if at is not None and at <= _LAST]
        return from_micros(min(known)) if known else None

    def _fades_below(self, threshold: float, points: float) -> int:
        """Return the least microsecond at which `score_at` is below *threshold*.

        The closed form is right to a few microseconds; rounding is made good against the score
        itself, by doubling steps until it is bracketed and halving until it is found.
        """
        span = self.half_life * (math.log2(points) - math.log2(threshold))
        above = below = self.now + max(0, int(span))
        step = 1
        while above > self.now and self.score_at(above) < threshold:
            above, below, step = max(self.now, above - step), above, step * 2
        step = 1
        while self.score_at(below) >= threshold:
            above, below, step = below, below + step, step * 2
        while below - above > 1:
            middle = (above + below) // 2
            if self.score_at(middle) >= threshold:
                above = middle
            else:
                below = middle
        return below

    def unanswered(self) -> int:
        return max(self.tally())

    def tally(self) -> tuple[int, int]:
        """Return how many messages were sent, and how many delivered, since the last act."""
        last = max((at for at, _, _ in self.acts), default=None)
        # One that bounced at the instant it was sent is taken back: imports often know the day.
        since = [
            (at, kind == "bounced", kind) for kind in MESSAGES for at in self._since(kind, last)
        ]
        sent = delivered = 0
        for _, _, kind in sorted(since):
            sent, delivered = _count(kind, sent, delivered)
        return sent, delivered

    def coming(self) -> list[tuple[int, int, str, float]]:
        """Return the facts after `now` that change the answer; at one instant, acts come last."""
        found = []
        for kind in {*MESSAGES, *self.policy.weights} & self.by_kind.keys():
            weight = self.policy.weights.get(kind, 0.0)
            for fact in self.by_kind[kind]:
                at = micros(fact.at)
                if at > self.now and weight and fact.automated is not True:
                    found.append((at, 2, kind, weight))
                if at > self.now and kind in MESSAGES:
                    found.append((at, int(kind == "bounced"), kind, 0.0))
        return sorted(found)

    def fading(self, end: int | None, silence: int) -> Iterator[tuple[int, Temperature]]:
        """Yield the temperatures from `now` to *end* (without it), no fact between; moves `now`."""
        lines = {Temperature.HOT: self.policy.hot, Temperature.WARM: self.policy.warm}
        while self.now <= _LAST and (end is None or self.now < end):
            points = self.score_at(self.now)
            value = self.value(points, silence)
            yield self.now, value
            line = lines.get(value)
            if line is None or (end is not None and self.score_at(end - 1) >= line):
                return
            self.now = self._fades_below(line, points)

    def value(self, points: float, silence: int) -> Temperature:
        if points >= self.policy.hot:
            return Temperature.HOT
        if points >= self.policy.warm:
            return Temperature.WARM
        if silence >= self.policy.cold_after:
            return Temperature.COLD
        return Temperature.COOLING if silence >= self.policy.cooling_after else Temperature.UNKNOWN

    def _since(self, kind: str, last: int | None) -> Iterable[int]:
        times = [micros(fact.at) for fact in self.by_kind.get(kind, ())]
        first = 0 if last is None else bisect_right(times, last)
        return times[first : bisect_right(times, self.now)]

    def next_fact(self) -> datetime | None:
        """Return when the next fact that is in the log already, and matters, will arrive."""
        known = [] if self.next_act is None else [self.next_act]
        for kind in MESSAGES:
            times = (micros(fact.at) for fact in self.by_kind.get(kind, ()))
            known += [at for at in times if at > self.now][:1]
        return from_micros(min(known)) if known else None

    def because(
        self, value: Temperature, points: float, silence: int, until: datetime | None
    ) -> Reason:
        policy = self.policy
        levels = ((Temperature.HOT, policy.hot), (Temperature.WARM, policy.warm))
        asked = [
            Reason(
                f"score is at least {least:g} ({level})",
                holds=points >= least,
                found=f"{points:.3g}",
                until=until if level is value else None,
            )
            for level, least in levels
        ]
        silent = f"{plural(silence, 'message')} without an answer"
        bounds = f"cooling from {policy.cooling_after}, cold from {policy.cold_after}"
        newest = Reason("newest acts that count", parts=self._newest(3))
        parts = (*asked, *([newest] if newest.parts else []), Reason(f"{silent} ({bounds})"))
        return Reason(f"temperature is {value}", parts=parts)

    def _newest(self, most: int) -> tuple[Reason, ...]:
        return tuple(
            Reason(
                f"{kind} on {from_micros(at):%Y-%m-%d}",
                found=f"{weight * 2.0 ** ((at - self.now) / self.half_life):.3g} of {weight:g}",
            )
            for at, weight, kind in sorted(self.acts, reverse=True)[:most]
        )
