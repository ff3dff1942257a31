"""How long roles stay open, and how long people stay: curves, and how long these stay the same."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import attrs

from crmkit._time import earliest, later
from crmkit.errors import MissingExtra
from crmkit.metrics._attribution import AttributionRule
from crmkit.metrics._estimates import reached
from crmkit.metrics._hires import NO_APPLICATION, TWICE, Hire
from crmkit.metrics._metric import Group
from crmkit.metrics._survival import Survival, log_rank
from crmkit.metrics._tally import Frame
from crmkit.model import Role


@attrs.frozen(kw_only=True)
class Fills:
    """How long the roles that opened in the window stayed open."""

    crm: Survival
    cold: Survival
    every: Survival
    """All roles, whoever filled them: the one that no attribution touches."""
    until: datetime | None
    excluded: Mapping[str, int]
    noted: Mapping[str, int]


def fills(
    frame: Frame, hires: Iterable[Hire], roles: Mapping[str, Role], rule: AttributionRule
) -> Fills:
    """Follow each role from its opening in the window to its first hire; *hires* are in order."""
    first: dict[str, Hire] = {}
    excluded: Counter[str] = Counter()
    noted: Counter[str] = Counter()
    for hire in hires:
        why = _why_not(hire, roles, first)
        if why is None:
            first[hire.role_id or ""] = hire
        elif frame.has(hire.at):
            excluded[why] += 1
    filled: tuple[list[timedelta], list[timedelta]] = ([], [])
    unfilled: list[timedelta] = []
    going: list[timedelta] = []
    changes: list[datetime | None] = []
    for role in roles.values():
        at = role.opened_at
        if at is None:
            continue
        if at <= frame.start:
            noted["roles opened before the window, not counted"] += 1
            continue
        changes.append(frame.leaves(at))
        hire_for = first.get(role.id)
        if hire_for is not None:
            filled[rule not in hire_for.rules].append(hire_for.at - at)
            noted[NO_APPLICATION] += hire_for.applied_at is None
            continue
        closed = role.closed_at is not None and role.closed_at <= frame.now
        unfilled.append(((role.closed_at if closed else None) or frame.now) - at)
        if not closed:
            going.append(unfilled[-1])
        noted["of them closed without a hire"] += closed
    crm, cold = (
        Survival(Counter(ends), Counter(share))
        for ends, share in zip(filled, _dealt(unfilled, *map(len, filled)), strict=True)
    )
    ends = [*filled[0], *filled[1]]
    return Fills(
        crm=crm,
        cold=cold,
        every=Survival(Counter(ends), Counter(unfilled)),
        until=earliest(*changes, steady(frame.now, going, ends)),
        excluded=excluded,
        noted={what: count for what, count in noted.items() if count},
    )


def _dealt(
    unfilled: Iterable[timedelta], crm: int, cold: int
) -> tuple[list[timedelta], list[timedelta]]:
    """Deal unfilled roles out to two sides in proportion to what each has filled.

    From the youngest to the oldest, so that each side gets its share of every age. On both sides
    in full, they would make the smaller side look slower than it is; on neither, both faster.
    """
    sides: tuple[list[timedelta], list[timedelta]] = ([], [])
    for place, lasted in enumerate(sorted(unfilled) if crm + cold else (), 1):
        share = (2 * place * crm + crm + cold) // (2 * (crm + cold))  # rounded: place × crm ÷ all
        sides[len(sides[0]) >= share].append(lasted)
    return sides


def _why_not(hire: Hire, roles: Mapping[str, Role], first: Mapping[str, Hire]) -> str | None:
    """Return why a hire does not fill a role; None if it is the first that does."""
    if hire.again:
        return TWICE
    if hire.role_id is None:
        return "hires that name no role"
    role = roles.get(hire.role_id)
    if role is None:
        return "hires of unknown roles"
    if role.opened_at is None:
        return "hires for roles without an opening date"
    if hire.at < role.opened_at:
        return "hires before their role opened"
    return "further hires for a role" if role.id in first else None


def steady(
    now: datetime, going: Iterable[timedelta], marks: Sequence[timedelta]
) -> datetime | None:
    """Return when what still lasts first comes to one of the *marks*; until then no curve moves.

    A curve steps where something ended; what lasts longer than that counts there as at risk.
    """
    marks = sorted(marks)
    waits = [
        marks[place] - lasted
        for lasted in going
        if (place := bisect_right(marks, lasted)) < len(marks)
    ]
    return later(now, min(waits)) if waits else None


def curve_group(name: str, curve: Survival, of: str) -> Group:
    """Return one side of a comparison of curves: its median, or its share after a year."""
    try:
        value = reached(curve, of)
    except MissingExtra:
        return Group(name=name, value=None, denominator=len(curve), shown="needs SciPy")
    if value is None:
        shown = "none" if not len(curve) else "not reached" if of == "median" else "not known yet"
    else:
        shown = f"{value:,.1f} days" if of == "median" else f"{value * 100:.1f} %"
    return Group(name=name, value=value, denominator=len(curve), shown=shown)


def told_apart(one: Survival, other: Survival) -> str:
    """Return what the log-rank test says of two curves."""
    chance = log_rank(one, other)
    if chance is None:
        return "too few for a log-rank test"
    said = "the data cannot tell them apart" if chance >= 0.05 else "they differ"
    return f"log-rank p = {chance:.3g}: {said}"
