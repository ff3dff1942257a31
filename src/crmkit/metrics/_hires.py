"""Metrics counted hire by hire: time to fill, quality, cost; CRM-sourced against cold."""

from collections.abc import Iterator, Mapping
from datetime import datetime

import attrs

from crmkit._time import DAY, CalendarSpan
from crmkit.metrics._costs import Costs
from crmkit.metrics._definitions import COST, QUALITY, TIME_TO_FILL, Definition
from crmkit.metrics._metric import Group, Metric, Unit
from crmkit.metrics._tally import Frame, Tally, metric
from crmkit.model import History, Interaction, Role

TOUCHES = ("sent", "messaged", "called", "met")
"""What makes a later hire CRM-sourced."""

_ONE_YEAR = CalendarSpan(years=1)
_TWICE = "hires logged twice"
_NO_APPLICATION = "hires without an application in the log, judged by the hire itself"
_SIDES = ((True, "CRM-sourced"), (False, "cold"))


@attrs.frozen
class Hire:
    """One hire, where it came from, and when that person left again."""

    at: datetime
    role_id: str | None
    from_crm: bool
    left_at: datetime | None
    again: bool
    """The log has the same hire already, and no ``left`` since."""
    applied: bool
    """An application is logged that may have led to it."""


def hires_of(past: History) -> Iterator[Hire]:
    """Yield the hires of one person, oldest first."""
    kinds = past.by_kind
    leaves = [fact.at for fact in kinds.get("left", ())]
    touched = min((kinds[kind][0].at for kind in TOUCHES if kind in kinds), default=None)
    held: dict[str | None, datetime] = {}
    for fact in kinds.get("hired", ()):
        earlier = held.get(fact.role_id)
        application = _application(fact, kinds.get("applied", ()))
        yield Hire(
            at=fact.at,
            role_id=fact.role_id,
            from_crm=touched is not None and touched < (application or fact).at,
            left_at=next((at for at in leaves if at > fact.at), None),
            again=earlier is not None and not any(earlier < at <= fact.at for at in leaves),
            applied=application is not None,
        )
        held[fact.role_id] = fact.at


def _application(hire: Interaction, applied: tuple[Interaction, ...]) -> Interaction | None:
    """Return the newest application for the hire's role; one without a role is for any."""
    for fact in reversed(applied):
        if fact.at <= hire.at and (
            hire.role_id is None or fact.role_id is None or fact.role_id == hire.role_id
        ):
            return fact
    return None


def _anniversary(at: datetime) -> datetime | None:
    """Return the instant one calendar year later; None beyond the calendar's end."""
    try:
        return _ONE_YEAR.after(at)
    except (OverflowError, ValueError):
        return None


@attrs.define
class _Side:
    """What adds up on one side of the comparison."""

    hires: int = 0
    days: list[float] = attrs.field(factory=list)
    anniversaries: int = 0
    stayed: int = 0


def _sides() -> dict[bool, _Side]:
    return {True: _Side(), False: _Side()}


@attrs.define
class Hires:
    """Counts the hires of everyone who is added, in one pass."""

    frame: Frame
    roles: Mapping[str, Role]
    costs: Costs | None
    sides: dict[bool, _Side] = attrs.field(factory=_sides)
    filled: set[str] = attrs.field(factory=set)
    fill: Tally = attrs.field(factory=Tally)
    quality: Tally = attrs.field(factory=Tally)
    cost: Tally = attrs.field(factory=Tally)

    def add(self, past: History, later: tuple[Interaction, ...]) -> None:
        """Count one person, of whom *past* had happened and *later* has not yet."""
        for fact in later:
            if fact.kind == "hired":
                self.fill.changes(fact.at)
                self.cost.changes(fact.at)
                self.quality.changes(_anniversary(fact.at))
        if "hired" in past.by_kind:
            for hire in hires_of(past):
                self._add_hire(hire)

    def _add_hire(self, hire: Hire) -> None:
        if hire.role_id is not None:
            self.filled.add(hire.role_id)
        side = self.sides[hire.from_crm]
        if self.frame.has(hire.at):
            if hire.again:
                self.fill.excluded[_TWICE] += 1
                self.cost.excluded[_TWICE] += 1
            else:
                self._add_cost(hire, side)
                self._add_fill(hire, side)
        self._add_anniversary(hire, side)

    def _add_cost(self, hire: Hire, side: _Side) -> None:
        side.hires += 1
        self.cost.changes(self.frame.leaves(hire.at))
        if not hire.applied:
            self.cost.noted[_NO_APPLICATION] += 1

    def _add_fill(self, hire: Hire, side: _Side) -> None:
        if hire.role_id is None:
            self.fill.excluded["hires that name no role"] += 1
            return
        role = self.roles.get(hire.role_id)
        if role is None or role.opened_at is None:
            what = "of unknown roles" if role is None else "for roles without an opening date"
            self.fill.excluded[f"hires {what}"] += 1
        elif hire.at < role.opened_at:
            self.fill.excluded["hires before their role opened"] += 1
        else:
            if not hire.applied:
                self.fill.noted[_NO_APPLICATION] += 1
            side.days.append((hire.at - role.opened_at) / DAY)
            self.fill.changes(self.frame.leaves(hire.at))

    def _add_anniversary(self, hire: Hire, side: _Side) -> None:
        year = _anniversary(hire.at)
        if year is None:
            return
        if hire.again:
            self.quality.excluded[_TWICE] += self.frame.has(year)
        elif year > self.frame.now:
            self.quality.changes(year)
        elif year > self.frame.start:
            if not hire.applied:
                self.quality.noted[_NO_APPLICATION] += 1
            side.anniversaries += 1
            side.stayed += hire.left_at is None or hire.left_at >= year
            self.quality.changes(self.frame.leaves(year))

    def metrics(self) -> tuple[Metric, Metric, Metric]:
        """Return the three metrics of everyone added so far."""
        return self._time_to_fill(), self._quality_of_hire(), self._cost_per_hire()

    def _time_to_fill(self) -> Metric:
        from statistics import median

        now = self.frame.now
        still_open = sum(
            role.opened_at is not None
            and role.opened_at <= now
            and (role.closed_at is None or role.closed_at > now)
            and role.id not in self.filled
            for role in self.roles.values()
        )
        tally = attrs.evolve(self.fill, noted=self.fill.noted.copy())
        if still_open:
            tally.noted["roles still open, not counted yet"] = still_open
        groups = tuple(
            _group(name, median(side.days) if side.days else None, "days", len(side.days))
            for name, side in self._named()
        )
        return self._compare(TIME_TO_FILL, tally, groups, what="median days from opening to hire")

    def _quality_of_hire(self) -> Metric:
        groups = tuple(_rate(name, side.stayed, side.anniversaries) for name, side in self._named())
        return self._compare(QUALITY, self.quality, groups, what="still here after one year")

    def _cost_per_hire(self) -> Metric:
        if self.costs is None:
            because = "no costs were given: scorecard(…, costs=Costs(…))"
            return self._result(COST, self.cost, None, because)
        crm, cold, currency = self.costs.crm, self.costs.cold, self.costs.currency
        groups = tuple(
            _group(name, cost / side.hires if side.hires else None, currency, side.hires, cost)
            for (name, side), cost in zip(self._named(), (crm, cold), strict=True)
        )
        return self._compare(COST, self.cost, groups, what="cost per hire")

    def _named(self) -> Iterator[tuple[str, _Side]]:
        return ((name, self.sides[from_crm]) for from_crm, name in _SIDES)

    def _compare(
        self, definition: Definition, tally: Tally, groups: tuple[Group, ...], *, what: str
    ) -> Metric:
        crm, cold = groups
        missing = [group.name for group in groups if group.value is None]
        if crm.value is None or cold.value is None:
            because = f"no {' and no '.join(missing)} hire was counted"
            return self._result(definition, tally, None, because, groups)
        sides = " against ".join(
            f"{group.shown} {group.name} (of {group.denominator:,})" for group in groups
        )
        if not cold.value:
            because = f"{what}: {sides}; nothing can be compared with 0"
            return self._result(definition, tally, None, because, groups)
        more = crm.value / cold.value - 1
        value = more if definition.unit is Unit.HIGHER else -more
        return self._result(definition, tally, value, f"{what}: {sides}", groups)

    def _result(
        self,
        definition: Definition,
        tally: Tally,
        value: float | None,
        because: str,
        groups: tuple[Group, ...] = (),
    ) -> Metric:
        crm, cold = groups or (None, None)
        return metric(
            definition,
            tally,
            self.frame,
            value=value,
            because=because,
            numerator=crm.value if crm else None,
            denominator=cold.value if cold else None,
            counted=min((group.denominator for group in groups), default=0),
            groups=groups,
        )


def _group(
    name: str, value: float | None, unit: str, count: int, numerator: float | None = None
) -> Group:
    shown = "none" if value is None else f"{value:,.1f} {unit}"
    return Group(name=name, value=value, numerator=numerator, denominator=count, shown=shown)


def _rate(name: str, part: int, whole: int) -> Group:
    value = part / whole if whole else None
    shown = "none" if value is None else Unit.SHARE.show(value)
    return Group(name=name, value=value, numerator=part, denominator=whole, shown=shown)
