"""What to remember before writing to somebody."""

from datetime import datetime

import attrs

from crmkit._time import to_instant
from crmkit.model._history import Relationship
from crmkit.model._interaction import Interaction
from crmkit.model._names import Interest, Stage

_SPOKE = ("replied", "called", "met", "messaged")


@attrs.frozen(kw_only=True, repr=False)
class Brief:
    """When we last spoke, where they worked then, and what they said.

    Never start from scratch: print it before you write.
    """

    candidate_id: str
    spoke_at: datetime | None
    spoke_by: str | None
    """The kind of the last conversation."""
    company_then: str | None
    company_now: str | None
    said: str | None
    interest: Interest | None
    interested_from: datetime | None
    considered_for: tuple[str, ...]
    """Ids of the roles they were in a process for."""

    def __repr__(self) -> str:
        return f"Brief(candidate_id={self.candidate_id!r})"

    def __str__(self) -> str:
        lines = []
        if self.spoke_at:
            lines.append(f"last spoke {self.spoke_at:%Y-%m-%d} ({self.spoke_by})")
        else:
            lines.append("never spoke")
        then, now = self.company_then, self.company_now
        if then and then != now:
            lines.append(f"worked at {then} then, {now or 'unknown'} now")
        elif now:
            lines.append(f"works at {now}")
        if self.said:
            lines.append(f"said: {self.said}")
        if self.interest:
            since = f" from {self.interested_from:%Y-%m-%d}" if self.interested_from else ""
            lines.append(f"timing: {self.interest.value.replace('_', ' ')}{since}")
        if self.considered_for:
            lines.append(f"considered for {', '.join(self.considered_for)}")
        return "; ".join(lines)


def brief(relationship: Relationship, *, now: datetime) -> Brief:
    """Return what is known at *now* about the last conversation and the person's timing.

    >>> from datetime import UTC, datetime
    >>> from crmkit.model import Candidate, Interaction
    >>> met = Interaction(candidate_id="ada", kind="met", at="2026-01-05T09:00Z",
    ...                   properties={"said": "after the summer"})
    >>> ada = Candidate(id="ada", company="Analytical Engines")
    >>> print(brief(Relationship(ada, [met]), now=datetime(2026, 3, 2, tzinfo=UTC)))
    last spoke 2026-01-05 (met); works at Analytical Engines; said: after the summer
    """
    now = to_instant(now, "now")
    candidate, history = relationship.candidate, relationship.history.upto(now)
    spoke = [fact for fact in history.of(*_SPOKE) if fact.automated is not True]
    last = spoke[-1] if spoke else None
    considered = [fact.role_id for fact in history if fact.stage is Stage.PROCESS and fact.role_id]
    return Brief(
        candidate_id=candidate.id,
        spoke_at=last.at if last else None,
        spoke_by=last.kind if last else None,
        company_then=_company_at(relationship, last) if last else None,
        company_now=candidate.company,
        said=_said(spoke),
        interest=candidate.interest,
        interested_from=candidate.interested_from,
        considered_for=tuple(dict.fromkeys(considered)),
    )


def _company_at(relationship: Relationship, fact: Interaction) -> str | None:
    stated = fact.properties.get("company")
    if isinstance(stated, str):
        return stated
    day = fact.at.date()
    for job in relationship.candidate.employments:
        if (job.since is None or job.since <= day) and (job.until is None or day <= job.until):
            return job.company
    return None


def _said(spoke: list[Interaction]) -> str | None:
    for fact in reversed(spoke):
        stated = fact.properties.get("said")
        if isinstance(stated, str):
            return stated
        if fact.outcome:
            return fact.outcome
    return None
