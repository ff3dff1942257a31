"""Metrics counted person by person: pipeline, engagement, conversion, re-engagement."""

from collections.abc import Mapping
from datetime import datetime

import attrs

from crmkit.engagement import EngagementPolicy, is_engagement
from crmkit.metrics._definitions import (
    CONVERSION,
    ENGAGEMENT,
    PIPELINE,
    RE_ENGAGEMENT,
    Definition,
)
from crmkit.metrics._metric import Metric
from crmkit.metrics._tally import Frame, Tally, metric
from crmkit.model import Candidate, Channel, History, Interaction, employed_since

ByKind = Mapping[str, tuple[Interaction, ...]]

_WALK = ("sent", "delivered", "bounced")


def _by_mail(fact: Interaction) -> bool:
    return fact.channel is None or fact.channel is Channel.EMAIL


@attrs.define
class Rates:
    """Counts everyone who is added, in one pass."""

    frame: Frame
    policy: EngagementPolicy
    pipeline: Tally = attrs.field(factory=Tally)
    engagement: Tally = attrs.field(factory=Tally)
    conversion: Tally = attrs.field(factory=Tally)
    re_engagement: Tally = attrs.field(factory=Tally)

    def add(self, candidate: Candidate, past: History, later: tuple[Interaction, ...]) -> None:
        """Count one person, of whom *past* had happened and *later* has not yet."""
        self._add_to_pipeline(candidate, past, later)
        if later:
            self._expect(later)
        kinds = past.by_kind
        self._add_to_engagement(kinds)
        if sent := kinds.get("sent"):
            self._add_to_conversion(sent[0].at, kinds)
            if max(len(sent) - 1, len(kinds.get("delivered", ()))) >= self.policy.cold_after:
                self._add_to_re_engagement(past)

    def _add_to_pipeline(
        self, candidate: Candidate, past: History, later: tuple[Interaction, ...]
    ) -> None:
        tally = self.pipeline
        if candidate.erased:
            tally.excluded["people erased"] += 1
            return
        if later and not past:
            tally.excluded["people first heard of later"] += 1
            tally.changes(later[0].at)
            return
        for fact in later:
            if fact.kind in {"hired", "left"}:
                tally.changes(fact.at)
        if "hired" in past.by_kind and employed_since(past):
            tally.excluded["people who work here"] += 1
            return
        tally.numerator += 1

    def _add_to_engagement(self, kinds: ByKind) -> None:
        tally, frame = self.engagement, self.frame
        sent = kinds.get("sent", ())
        mailed = [fact.at for fact in sent if _by_mail(fact)]
        if len(mailed) < len(sent):
            others = sum(not _by_mail(fact) and frame.has(fact.at) for fact in sent)
            _leave_out(tally, "messages on other channels than e-mail", others)
        last: datetime | None = None
        clicked: datetime | None = None
        for kind, what in (("opened", "machine-made opens"), ("clicked", "machine-made clicks")):
            machine = 0
            for fact in kinds.get(kind, ()):
                if fact.automated:
                    machine += frame.has(fact.at)
                elif _by_mail(fact):
                    last = fact.at if last is None else max(last, fact.at)
                    clicked = fact.at if kind == "clicked" else clicked
            _leave_out(tally, what, machine)
        tally.follow(mailed, last, frame)
        first = next((at for at in mailed if at > frame.start), None)
        if first and clicked and first <= clicked:
            tally.noted["of them clicked"] += 1

    def _add_to_conversion(self, first: datetime, kinds: ByKind) -> None:
        tally, frame = self.conversion, self.frame
        tally.denominator += 1
        applied = [fact.at for fact in kinds.get("applied", ()) if fact.at > frame.start]
        if not applied:
            return
        early = sum(at <= first for at in applied)
        _leave_out(tally, "applications before the first message", early)
        if early < len(applied):
            tally.numerator += 1
            tally.changes(frame.leaves(applied[-1]))

    def _add_to_re_engagement(self, past: History) -> None:
        cold, last = cold_touches(past, self.policy)
        self.re_engagement.follow(cold, last, self.frame)

    def _expect(self, later: tuple[Interaction, ...]) -> None:
        for fact in later:
            if fact.kind == "sent":
                self.engagement.changes(fact.at)
                self.conversion.changes(fact.at)
                self.re_engagement.changes(fact.at)
            elif fact.kind in {"opened", "clicked"} and not fact.automated:
                self.engagement.changes(fact.at)
            elif fact.kind == "applied":
                self.conversion.changes(fact.at)
            if is_engagement(fact, policy=self.policy):
                self.re_engagement.changes(fact.at)

    def metrics(self) -> tuple[Metric, Metric, Metric, Metric]:
        """Return the four metrics of everyone added so far."""
        return (
            self._size(),
            self._rate(
                ENGAGEMENT,
                self.engagement,
                "people e-mailed in the window opened or clicked",
                "no one was e-mailed in the window",
            ),
            self._rate(
                CONVERSION,
                self.conversion,
                "people who were sent a message applied in the window",
                "no one was ever sent a message",
            ),
            self._rate(
                attrs.evolve(
                    RE_ENGAGEMENT,
                    definition=RE_ENGAGEMENT.definition.format(cold_after=self.policy.cold_after),
                ),
                self.re_engagement,
                "people written to while cold engaged afterwards",
                "no one was sent a message while cold in the window",
            ),
        )

    def _size(self) -> Metric:
        size = self.pipeline.numerator
        return metric(
            PIPELINE,
            self.pipeline,
            self.frame,
            value=float(size),
            because=f"people in the CRM: {size:,}",
            numerator=size,
            denominator=None,
            counted=size,
        )

    def _rate(self, definition: Definition, tally: Tally, of: str, none: str) -> Metric:
        hits, people = tally.numerator, tally.denominator
        return metric(
            definition,
            tally,
            self.frame,
            value=hits / people if people else None,
            because=f"{hits:,} of {people:,} {of}" if people else none,
            numerator=hits,
            denominator=people,
            counted=people,
        )


def _leave_out(tally: Tally, what: str, count: int) -> None:
    if count:
        tally.excluded[what] += count


def cold_touches(past: History, policy: EngagementPolicy) -> tuple[list[datetime], datetime | None]:
    """Return the messages sent to somebody while cold, and when they last engaged.

    Cold at *t*: before *t*, `crmkit.engagement.unanswered` was at least ``cold_after``; found
    here in one walk. A message and an answer at one instant: the message was first.
    """
    events = [
        (fact.at, rank) for rank, kind in enumerate(_WALK) for fact in past.by_kind.get(kind, ())
    ]
    answers = [
        (fact.at, len(_WALK))
        for kind in past.by_kind
        if policy.weights.get(kind, 0.0) > 0
        for fact in past.by_kind[kind]
        if is_engagement(fact, policy=policy)
    ]
    cold: list[datetime] = []
    sent = delivered = before = 0
    current: datetime | None = None
    for at, rank in sorted(events + answers):
        if at != current:
            current, before = at, max(sent, delivered)
        match _WALK[rank] if rank < len(_WALK) else None:
            case "sent":
                sent += 1
                if before >= policy.cold_after:
                    cold.append(at)
            case "delivered":
                delivered += 1
            case "bounced":
                sent, delivered = max(0, sent - 1), max(0, delivered - 1)
            case _:
                sent = delivered = 0
    return cold, max(answers)[0] if answers else None
