"""CRM-sourced against cold: what is counted hire by hire and role by role, once all are known."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import cached_property

import attrs

from crmkit._time import DAY, earliest
from crmkit.errors import MissingExtra
from crmkit.metrics import _definitions as names
from crmkit.metrics._attribution import Attribution, AttributionRule
from crmkit.metrics._benchmark import Unit
from crmkit.metrics._costs import Costs, total
from crmkit.metrics._definitions import Definition
from crmkit.metrics._estimates import (
    YEAR_DAYS,
    Apart,
    CountsApart,
    CurvesApart,
    Estimate,
    Turned,
)
from crmkit.metrics._fills import Fills, curve_group, fills, steady, told_apart
from crmkit.metrics._hires import NO_APPLICATION, TWICE, Hire
from crmkit.metrics._metric import Group, Metric
from crmkit.metrics._survival import Survival
from crmkit.metrics._tally import Frame, metric, rate
from crmkit.model import Role

SIDES = ("CRM-sourced", "cold")
_YEAR = timedelta(days=YEAR_DAYS)


@attrs.frozen(kw_only=True)
class Terms:
    """What a scorecard is told beside the log."""

    roles: Mapping[str, Role] = attrs.field(factory=dict)
    costs: tuple[Costs, ...] = ()
    ratings: Mapping[str, float] = attrs.field(factory=dict)
    """Candidate id → performance, on the host's own scale."""


class Sides:
    """The hires of a pool, on two sides."""

    def __init__(
        self, frame: Frame, hires: Iterable[Hire], attribution: Attribution, terms: Terms
    ) -> None:
        self.frame, self.terms, self.rule = frame, terms, attribution.rule
        # A role that opens later does not exist yet.
        coming = [at for role in terms.roles.values() if (at := role.opened_at) and at > frame.now]
        self.roles = {
            key: role
            for key, role in terms.roles.items()
            if role.opened_at is None or role.opened_at <= frame.now
        }
        self.next_role = min(coming, default=None)
        self.hires = sorted(hires)
        inside = [hire for hire in self.hires if frame.has(hire.at)]
        self.inside = [hire for hire in inside if not hire.again]
        self.twice = len(inside) - len(self.inside)

    def crm(self, hire: Hire) -> bool:
        """Whether the hire is CRM-sourced."""
        return self.rule in hire.rules

    def parted(self, hires: Iterable[Hire]) -> tuple[list[Hire], list[Hire]]:
        """Return the CRM-sourced ones, and the cold ones."""
        sides: tuple[list[Hire], list[Hire]] = ([], [])
        for hire in hires:
            sides[not self.crm(hire)].append(hire)
        return sides

    def metrics(self) -> tuple[Metric, ...]:
        """Return every metric that is made from hires."""
        return (
            self._time_to_fill(),
            self._time_to_hire(),
            self._quality(),
            self._performance(),
            self._cost(),
            self._return(),
            self._crm_share(),
            self._rediscovered(),
        )

    # Time to fill.

    @cached_property
    def fills(self) -> Fills:
        """How long roles that opened in the window stayed open."""
        return fills(self.frame, self.hires, self.roles, self.rule)

    def _time_to_fill(self) -> Metric:
        found = self.fills
        gap = CurvesApart(found.crm, found.cold, "median")
        noted = {**found.noted, "roles not filled, dealt out to the sides": found.every.censored}
        return self._apart(
            names.TIME_TO_FILL,
            gap,
            lambda: gap.value,
            (
                curve_group(SIDES[0], found.crm, "median"),
                curve_group(SIDES[1], found.cold, "median"),
            ),
            counts=(found.crm.ended, found.cold.ended),
            what="median days from opening to hire",
            until=earliest(found.until, self.next_role),
            excluded=found.excluded,
            noted={what: count for what, count in noted.items() if count},
            told=lambda: told_apart(found.crm, found.cold),
        )

    # Time to hire.

    def _time_to_hire(self) -> Metric:
        applied = [hire for hire in self.inside if hire.applied_at is not None]
        values = [
            tuple((hire.at - hire.applied_at) / DAY for hire in side if hire.applied_at is not None)
            for side in self.parted(applied)
        ]
        return self._samples(
            names.TIME_TO_HIRE,
            values,
            "median",
            what="median days from application to hire",
            unit="days",
            until=self._leaves(applied),
            excluded={
                TWICE: self.twice,
                "hires without an application": len(self.inside) - len(applied),
            },
        )

    # Quality of hire.

    @cached_property
    def cohort(self) -> list[Hire]:
        """Hires in the window or in the year before it, each once."""
        return [hire for hire in self.hires if not hire.again and hire.at > self._year_before]

    @property
    def _cohort_twice(self) -> int:
        return sum(hire.again and hire.at > self._year_before for hire in self.hires)

    @property
    def _year_before(self) -> datetime:
        try:
            return self.frame.start - _YEAR
        except OverflowError:
            return self.frame.start

    @cached_property
    def stays(self) -> tuple[Survival, Survival]:
        """How long people stayed, CRM-sourced and cold."""
        crm, cold = self.parted(self.cohort)
        return self._stays(crm), self._stays(cold)

    def _stays(self, hires: list[Hire]) -> Survival:
        return Survival.of(
            ((hire.left_at or self.frame.now) - hire.at, hire.left_at is not None) for hire in hires
        )

    def _quality(self) -> Metric:
        crm, cold = self.stays
        gap = CurvesApart(crm, cold, "year")
        going = [self.frame.now - hire.at for hire in self.cohort if hire.left_at is None]
        ends = [hire.left_at - hire.at for hire in self.cohort if hire.left_at is not None]
        return self._apart(
            names.QUALITY,
            gap,
            lambda: gap.value,
            (curve_group(SIDES[0], crm, "year"), curve_group(SIDES[1], cold, "year")),
            counts=(len(crm), len(cold)),
            what="still here after 365 days",
            until=earliest(
                self._leaves(self.cohort, _YEAR),
                steady(self.frame.now, going, [*ends, _YEAR]),
            ),
            excluded={TWICE: self._cohort_twice},
            noted=_unapplied(self.cohort),
            told=lambda: told_apart(crm, cold),
        )

    def _performance(self) -> Metric:
        ratings = self.terms.ratings
        rated = [hire for hire in self.cohort if hire.candidate_id in ratings]
        values = [
            tuple(float(ratings[hire.candidate_id]) for hire in side) for side in self.parted(rated)
        ]
        if not ratings:
            return self._none(names.PERFORMANCE, "no ratings were given: scorecard(…, ratings={…})")
        return self._samples(
            names.PERFORMANCE,
            values,
            "mean",
            what="mean rating",
            unit="points",
            until=self._leaves(rated, _YEAR),
            excluded={
                TWICE: self._cohort_twice,
                "hires without a rating": len(self.cohort) - len(rated),
            },
        )

    # Costs.

    def _cost(self) -> Metric:
        spent = self._spent()
        if isinstance(spent, str):
            return self._none(names.COST, spent)
        crm, cold = (len(side) for side in self.parted(self.inside))
        groups = tuple(
            _group(name, cost / hires if hires else None, spent.currency, hires, cost)
            for name, cost, hires in zip(SIDES, (spent.crm, spent.cold), (crm, cold), strict=True)
        )
        # (crm ÷ n) ÷ (cold ÷ m) is (crm ÷ cold) × m ÷ n.
        gap = CountsApart(spent.crm / spent.cold, cold, crm) if spent.cold else None
        return self._apart(
            names.COST,
            gap,
            lambda: _higher(groups),
            groups,
            counts=(crm, cold),
            what="cost per hire",
            until=self._leaves(self.inside),
            excluded={TWICE: self.twice},
            noted=_unapplied(self.inside),
        )

    def _return(self) -> Metric:
        spent = self._spent()
        if isinstance(spent, str):
            return self._none(names.RETURN, spent)
        crm, cold = (len(side) for side in self.parted(self.inside))
        if not spent.crm:
            because = "nothing was spent on CRM-sourced hires: no ratio to 0"
            return self._none(names.RETURN, because, {TWICE: self.twice})
        if not cold:
            because = "no cold hire was counted to compare with"
            return self._none(names.RETURN, because, {TWICE: self.twice})
        would = crm * spent.cold / cold
        shown = f"{would - spent.crm:,.2f} {spent.currency} saved of {spent.crm:,.2f} spent"
        return metric(
            names.RETURN,
            self.frame,
            value=(would - spent.crm) / spent.crm,
            because=f"{shown}, by {crm:,} CRM-sourced and {cold:,} cold hires",
            numerator=would - spent.crm,
            denominator=spent.crm,
            counted=min(crm, cold),
            until=self._leaves(self.inside),
            excluded={TWICE: self.twice},
            estimate=CountsApart(spent.cold / spent.crm, crm, cold),
        )

    def _spent(self) -> Costs | str:
        """Return what was spent in all, or why that cannot be said."""
        if not self.terms.costs:
            return "no costs were given: scorecard(…, costs=Costs(…))"
        return total(self.terms.costs)

    # Where hires come from.

    def _crm_share(self) -> Metric:
        crm, cold = (len(side) for side in self.parted(self.inside))
        return rate(
            names.CRM_SHARE,
            self.frame,
            crm,
            crm + cold,
            of="hires in the window are CRM-sourced",
            none="no one was hired in the window",
            until=self._leaves(self.inside),
            excluded={TWICE: self.twice},
            noted=_unapplied(self.inside),
        )

    def _rediscovered(self) -> Metric:
        crm, _ = self.parted(self.inside)
        opened = [(hire, self.opened_at(hire)) for hire in crm]
        known = [(hire, at) for hire, at in opened if at is not None]
        return rate(
            names.REDISCOVERED,
            self.frame,
            sum(hire.known_at < at for hire, at in known),
            len(known),
            of="CRM-sourced hires were known before their role opened",
            none="no CRM-sourced hire for a role with a known opening",
            until=earliest(self._leaves(self.inside), self.next_role),
            excluded={
                TWICE: self.twice,
                "hires whose role's opening is unknown": len(crm) - len(known),
            },
        )

    def opened_at(self, hire: Hire) -> datetime | None:
        """Return when the hire's role opened, if that is known."""
        role = self.roles.get(hire.role_id or "")
        return role.opened_at if role else None

    def by_rule(self) -> Iterator[tuple[AttributionRule, int]]:
        """Yield how many hires in the window are CRM-sourced by each rule."""
        for rule in AttributionRule:
            yield rule, sum(rule in hire.rules for hire in self.inside)

    # What they have in common.

    def _leaves(self, hires: Iterable[Hire], after: timedelta = timedelta(0)) -> datetime | None:
        return self.frame.leaves(min((hire.at for hire in hires), default=None), after)

    def _none(
        self, definition: Definition, because: str, excluded: Mapping[str, int] | None = None
    ) -> Metric:
        return metric(
            definition,
            self.frame,
            value=None,
            because=because,
            counted=0,
            until=self._leaves(self.inside),
            excluded=excluded,
        )

    def _samples(
        self,
        definition: Definition,
        values: list[tuple[float, ...]],
        of: str,
        *,
        what: str,
        unit: str,
        until: datetime | None,
        excluded: Mapping[str, int],
    ) -> Metric:
        crm, cold = values
        gap = Apart(crm, cold, of)
        groups = tuple(
            _group(name, gap.middle(side), unit, len(side))
            for name, side in zip(SIDES, (crm, cold), strict=True)
        )
        return self._apart(
            definition,
            gap,
            lambda: gap.value,
            groups,
            counts=(len(crm), len(cold)),
            what=what,
            until=until,
            excluded=excluded,
        )

    def _apart(
        self,
        definition: Definition,
        estimate: Estimate | None,
        apart: Callable[[], float | None],
        groups: tuple[Group, ...],
        *,
        counts: tuple[int, int],
        what: str,
        until: datetime | None,
        excluded: Mapping[str, int],
        noted: Mapping[str, int] | None = None,
        told: Callable[[], str] | None = None,
    ) -> Metric:
        """Compare the two sides: how far apart, or why that cannot be said.

        *estimate* and *apart* say how much more the CRM-sourced side has; where less is better,
        both are turned round.
        """
        crm, cold = groups
        missing = [name for name, number in zip(SIDES, counts, strict=True) if not number]
        value: float | None = None
        remarks: list[str] = []
        if missing:
            because = f"no {' and no '.join(missing)} hire was counted"
        else:
            sides = " against ".join(
                f"{group.shown} {group.name} (of {group.denominator:,})" for group in groups
            )
            because = f"{what}: {sides}"
            try:
                value = apart()
            except MissingExtra as error:
                because = f"{what}: {error}"
            else:
                if value is None:
                    remarks.append("nothing can be compared with that")
                elif told:
                    remarks.append(told())
        if definition.unit in {Unit.FASTER, Unit.LOWER}:
            value = -value if value is not None else None
            estimate = Turned(estimate) if estimate else None
        return metric(
            definition,
            self.frame,
            value=value,
            because=because,
            numerator=crm.value,
            denominator=cold.value,
            counted=min(counts),
            until=until,
            excluded=excluded,
            noted=noted,
            remarks=remarks,
            groups=groups,
            estimate=estimate,
        )


def _group(
    name: str, value: float | None, unit: str, count: int, numerator: float | None = None
) -> Group:
    shown = "none" if value is None else f"{value:,.1f} {unit}"
    return Group(name=name, value=value, numerator=numerator, denominator=count, shown=shown)


def _higher(groups: tuple[Group, ...]) -> float | None:
    crm, cold = groups
    return crm.value / cold.value - 1 if crm.value is not None and cold.value else None


def _unapplied(hires: Iterable[Hire]) -> dict[str, int]:
    count = sum(hire.applied_at is None for hire in hires)
    return {NO_APPLICATION: count} if count else {}
