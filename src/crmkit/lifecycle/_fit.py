"""Convert: who have we already met that fits?"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from heapq import nsmallest
from html import escape
from textwrap import indent
from types import MappingProxyType
from typing import Any

import attrs

from crmkit._time import earliest, to_instant
from crmkit.engagement import EngagementPolicy, Temperature, temperature
from crmkit.errors import InvalidRecord
from crmkit.model import (
    Brief,
    Candidate,
    FrozenMap,
    Interest,
    Reason,
    Relationship,
    Role,
    Seniority,
    brief,
    employed_since,
    open_processes,
)
from crmkit.model import _fields as fields
from crmkit.permission import ContactPolicy, Permission, permission
from crmkit.segmentation import SILVER_MEDALISTS

UNKNOWN = 0.5
"""What missing data scores: neither for somebody nor against them."""


def _weight(value: object) -> float:
    weight = fields.optional_amount(value)
    if weight is None:
        raise InvalidRecord("", "expected a number from 0, got nothing")
    return weight


@attrs.frozen(kw_only=True, field_transformer=fields.paths)
class FitWeights:
    """How much each part counts; a convention, made explicit so that it can be argued with.

    Skills count most because they are what the work needs; when somebody was captured counts
    nothing at all.

    >>> FitWeights(skills=0.9)
    Traceback (most recent call last):
        ...
    crmkit.errors.InvalidRecord: weights: expected weights that add up to 1, got 1.4
    """

    skills: float = attrs.field(default=0.5, converter=_weight)
    seniority: float = attrs.field(default=0.2, converter=_weight)
    place: float = attrs.field(default=0.15, converter=_weight)
    relationship: float = attrs.field(default=0.15, converter=_weight)

    def __attrs_post_init__(self) -> None:
        total = sum(attrs.astuple(self))
        if abs(total - 1) > 1e-9:
            raise InvalidRecord("weights", f"expected weights that add up to 1, got {total:g}")


@attrs.frozen(kw_only=True, repr=False)
class Fit:
    """One person against one role: a score from 0 to 1, part by part, and how to go on."""

    candidate_id: str
    role_id: str
    score: float
    because: Reason
    until: datetime | None
    silver_medalist: bool
    """Vetted already: reached final rounds before, so a short re-evaluation is enough."""
    permission: Permission
    brief: Brief

    def __repr__(self) -> str:
        return f"<Fit of {self.candidate_id} to {self.role_id}: {self.score:.2f}>"

    def __str__(self) -> str:
        medal = ", silver medalist" if self.silver_medalist else ""
        rule = self.permission.rule
        may = "may be contacted" if rule is None else f"not to be contacted ({rule})"
        reasons = indent("\n".join(map(str, self.because.parts)), "  ")
        return f"{self.candidate_id} {self.score:.2f}{medal}, {may}\n{reasons}"

    def _repr_html_(self) -> str:
        return f"<div>{escape(str(self).splitlines()[0])}{self.because._repr_html_()}</div>"

    def to_dict(self) -> dict[str, Any]:
        """Return the fit as JSON values."""
        return {
            "candidate_id": self.candidate_id,
            "role_id": self.role_id,
            "score": self.score,
            "silver_medalist": self.silver_medalist,
            "may_contact": bool(self.permission),
            "because": self.because.to_dict(),
            "until": self.until.isoformat() if self.until else None,
        }


def fit(
    relationship: Relationship,
    role: Role,
    *,
    now: datetime,
    weights: FitWeights | None = None,
    policy: ContactPolicy | None = None,
    engagement: EngagementPolicy | None = None,
) -> Fit:
    """Return how one person fits one role, with the reason for every part of the score.

    Skills: the share of what the role needs (four fifths) and of what is nice to have (one
    fifth). Seniority: equal 1, one level off a half, further 0. Place: remote or the same city
    1, region 0.9, country 0.8, elsewhere 0. Relationship: the temperature and what they said
    about timing. Missing data scores a half and is said to be unknown.

    >>> from datetime import UTC, datetime
    >>> from crmkit.model import Candidate
    >>> role = Role(id="r", title="Engineer", skills=["python", "go"], country="DE")
    >>> ada = Relationship(Candidate(id="ada", skills=["python"], country="DE"))
    >>> print(fit(ada, role, now=datetime(2026, 3, 2, tzinfo=UTC)).because)
    fits 0.55
      skills 0.50: has python, lacks go
      seniority 0.50: the role names none
      place 0.80: same country, DE
      relationship 0.50: unknown
    """
    now, weights = to_instant(now, "now"), weights or FitWeights()
    candidate = relationship.candidate
    warmth = temperature(relationship, now=now, policy=engagement or EngagementPolicy())
    medal = SILVER_MEDALISTS.check(relationship, now=now)
    may = permission(relationship, now=now, policy=policy or ContactPolicy())
    parts = {
        "skills": _skills(candidate, role),
        "seniority": _seniority(candidate.seniority, role.seniority),
        "place": _place(candidate, role),
        "relationship": _relation(warmth.value, candidate, now),
    }
    # Rounded, so that two people who differ by a float's last bit tie and go by id.
    score = round(sum(getattr(weights, name) * value for name, (value, _) in parts.items()), 9)
    reasons = [Reason(f"{name} {value:.2f}: {why}") for name, (value, why) in parts.items()]
    if medal:
        reasons.append(Reason("silver medalist: vetted before, a short re-evaluation is enough"))
    asks_again = candidate.interested_from
    return Fit(
        candidate_id=candidate.id,
        role_id=role.id,
        score=score,
        because=Reason(f"fits {score:.2f}", parts=tuple(reasons)),
        until=earliest(
            warmth.until,
            medal.until,
            may.until,
            asks_again if asks_again and asks_again > now else None,
            # A fact that is logged already may change the brief when its instant comes.
            *(fact.at for fact in relationship.history.after(now)[:1]),
        ),
        silver_medalist=bool(medal),
        permission=may,
        brief=brief(relationship, now=now),
    )


def _skills(candidate: Candidate, role: Role) -> tuple[float, str]:
    if not role.skills and not role.nice_to_have:
        return UNKNOWN, "the role names none"
    if not candidate.skills:
        return UNKNOWN, "unknown"
    asked = [(role.skills, 0.8 if role.nice_to_have else 1.0)]
    asked.append((role.nice_to_have, 0.2 if role.skills else 1.0))
    has = set(candidate.skills)
    share = sum(
        weight * len(has.intersection(skills)) / len(skills) for skills, weight in asked if skills
    )
    wanted = (*role.skills, *role.nice_to_have)
    met = ", ".join(skill for skill in wanted if skill in has)
    lacking = ", ".join(skill for skill in role.skills if skill not in has)
    lacks = f", lacks {lacking}" if lacking else ""
    return share, f"has {met or 'none of them'}{lacks}"


def _seniority(has: Seniority | None, asked: Seniority | None) -> tuple[float, str]:
    if asked is None:
        return UNKNOWN, "the role names none"
    if has is None:
        return UNKNOWN, "unknown"
    away = abs(has.rank - asked.rank)
    return max(0.0, 1 - away / 2), f"{has.value} for {asked.value}"


def _place(candidate: Candidate, role: Role) -> tuple[float, str]:
    if role.remote:
        return 1.0, "the role is remote"
    named = [
        (name, value, asked, getattr(candidate, name))
        for name, value in (("city", 1.0), ("region", 0.9), ("country", 0.8))
        if (asked := getattr(role, name))
    ]
    known = [(name, value, asked, has) for name, value, asked, has in named if has]
    for name, value, asked, has in known:
        if asked.casefold() == has.casefold() and _same_country(candidate, role):
            return value, f"same {name}, {has}"
    if not known:
        return UNKNOWN, "unknown" if named else "the role names none"
    _, _, asked, has = known[-1]
    return 0.0, f"{has}, not {asked}"


def _same_country(candidate: Candidate, role: Role) -> bool:
    return None in {candidate.country, role.country} or candidate.country == role.country


_WARMTH = MappingProxyType(
    {
        Temperature.HOT: 1.0,
        Temperature.WARM: 0.8,
        Temperature.UNKNOWN: UNKNOWN,
        Temperature.COOLING: 0.3,
        Temperature.COLD: 0.1,
    }
)
_TIMING = MappingProxyType(
    {Interest.ACTIVE: 1.0, Interest.OPEN: 0.7, Interest.LATER: 0.3, Interest.NOT_INTERESTED: 0.0}
)


def _relation(warmth: Temperature, candidate: Candidate, now: datetime) -> tuple[float, str]:
    interest, start = candidate.interest, candidate.interested_from
    if interest is None:
        return _WARMTH[warmth], warmth.value
    said = interest.value.replace("_", " ")
    if interest is Interest.LATER and start is not None:
        said = f"{said}, from {start:%Y-%m-%d}"
        interest = Interest.ACTIVE if start <= now else interest
    return (_WARMTH[warmth] + _TIMING[interest]) / 2, f"{warmth.value}; timing {said}"


@attrs.frozen(kw_only=True, repr=False)
class Shortlist:
    """The people who fit a role best, best first, and who was left out and why."""

    role: Role
    now: datetime
    fits: tuple[Fit, ...]
    considered: int
    left_out: FrozenMap
    """Reason → how many people."""

    def __len__(self) -> int:
        return len(self.fits)

    def __iter__(self) -> Iterator[Fit]:
        return iter(self.fits)

    def __repr__(self) -> str:
        return f"<Shortlist for {self.role.id}: {len(self)} of {self.considered}>"

    def __str__(self) -> str:
        head = f"{self.role.title} ({self.role.id}): {len(self)} of {self.considered} people"
        left = [f"left out, {why}: {count}" for why, count in self.left_out.items()]
        places = [f"{place}. {each}" for place, each in enumerate(self.fits, 1)]
        return "\n".join([head, *places, *left])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{place}</td><td>{escape(each.candidate_id)}</td><td>{each.score:.2f}</td>"
            f"<td>{'yes' if each.silver_medalist else ''}</td>"
            f"<td>{each.because._repr_html_()}</td></tr>"
            for place, each in enumerate(self.fits, 1)
        )
        heads = "".join(
            f'<th scope="col">{head}</th>'
            for head in ("place", "candidate", "fit", "silver medalist", "why")
        )
        return (
            f"<table><caption>{escape(self.role.title)}</caption>"
            f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
        )


def shortlist(
    relationships: Iterable[Relationship],
    role: Role,
    *,
    now: datetime,
    limit: int = 20,
    weights: FitWeights | None = None,
    policy: ContactPolicy | None = None,
    engagement: EngagementPolicy | None = None,
) -> Shortlist:
    """Return the *limit* people who fit the role best, in one pass.

    Left out, and counted: who was erased or asked not to be contacted, who works here, who is
    in a process for this role already, and who has none of the skills it needs. Of equal fits
    silver medalists come first, then the lesser id: never who was added last.
    """
    now = to_instant(now, "now")
    if limit < 1:
        raise InvalidRecord("limit", f"expected at least 1, got {limit}")
    left_out: Counter[str] = Counter()
    considered = 0

    def fitting() -> Iterable[Fit]:
        nonlocal considered
        for each in relationships:
            considered += 1
            if why := _left_out(each, role, now):
                left_out[why] += 1
            else:
                yield fit(
                    each, role, now=now, weights=weights, policy=policy, engagement=engagement
                )

    best = nsmallest(limit, fitting(), key=_place_in_list)
    return Shortlist(
        role=role,
        now=now,
        fits=tuple(best),
        considered=considered,
        left_out=FrozenMap(sorted(left_out.items())),
    )


def _place_in_list(each: Fit) -> tuple[float, bool, str]:
    return -each.score, not each.silver_medalist, each.candidate_id


def _left_out(relationship: Relationship, role: Role, now: datetime) -> str | None:
    candidate, past = relationship.candidate, relationship.history.upto(now)
    if candidate.erased or candidate.do_not_contact:
        return "asked not to be contacted"
    if employed_since(past):
        return "works here"
    if role.id in open_processes(past):
        return "in a process for this role"
    if role.skills and candidate.skills and not set(role.skills) & set(candidate.skills):
        return "has none of the skills"
    return None
