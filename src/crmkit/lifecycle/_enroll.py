"""Enrol people on purpose: the day a role opens, the day after an event."""

from collections.abc import Collection
from datetime import datetime

import attrs

from crmkit._time import plural
from crmkit.cadence import Cadence, Enrollment, PlanStatus
from crmkit.cadence._ask import refusals
from crmkit.errors import InvalidRecord, NotFound
from crmkit.lifecycle._calendars import plan_for
from crmkit.lifecycle._live import hold, log
from crmkit.lifecycle._workspace import Workspace, by_candidate
from crmkit.model import FrozenMap, Relationship

_FINISHED = frozenset({PlanStatus.COMPLETED, PlanStatus.ENDED})


@attrs.frozen(kw_only=True, repr=False)
class Enrolled:
    """Who begins a cadence now, and why others do not."""

    cadence: str
    now: datetime
    enrolled: tuple[Enrollment, ...]
    refused: FrozenMap
    """Candidate id → why not: a `ContactRule`, or that they are inside already."""

    def __repr__(self) -> str:
        return (
            f"<Enrolled in {self.cadence}: {len(self.enrolled)} of "
            f"{plural(len(self.enrolled) + len(self.refused), 'candidate')}>"
        )

    def __str__(self) -> str:
        return "\n  ".join([repr(self), *(f"{key}: {why}" for key, why in self.refused.items())])


def enroll(
    work: Workspace, ids: Collection[str], cadence: Cadence, role_id: str | None, now: datetime
) -> Enrolled:
    """Enrol whom permission allows in a cadence of the playbook; nobody, on any error."""
    work.playbook.cadence(cadence.name, cadence.version)
    if cadence not in work.playbook.cadences:
        known = [f"{each.name} {each.version}" for each in work.playbook.cadences]
        raise NotFound("cadence", f"{cadence.name} {cadence.version}, as it is given", known)
    book = work.playbook
    if cadence not in (*book.occasions, *(each for _, each in book.entries), book.otherwise):
        problem = f"{cadence.name!r} {cadence.version} is kept for those inside: nobody begins it"
        raise InvalidRecord("cadence", f"{problem} (Playbook.also)")
    new: list[Enrollment] = []
    refused: dict[str, str] = {}
    if isinstance(ids, str):
        raise InvalidRecord("candidate_ids", f"expected a list of ids, got the text {ids!r}")
    with work.store.transaction():
        hold(work, (work.relationship(key).id for key in dict.fromkeys(ids)))
        people = {each.id: each for each in map(work.relationship, dict.fromkeys(ids))}
        runs = by_candidate(
            work.about((each.candidate for each in people.values()), work.store.enrollments)
        )
        for each in people.values():
            mine = [run for key in each.candidate.ids for run in runs.get(key, ())]
            if why := _refusal(work, each, mine, cadence, now):
                refused[each.id] = why
                continue
            new.append(
                Enrollment(
                    candidate_id=each.id,
                    cadence=cadence.name,
                    version=cadence.version,
                    enrolled_at=now,
                )
            )
        work.store.put_enrollments(new)
        log(work, [run.fact("enrolled", now, role_id=role_id) for run in new], now)
    return Enrolled(
        cadence=cadence.name,
        now=now,
        enrolled=tuple(new),
        refused=FrozenMap(sorted(refused.items())),
    )


def _refusal(
    work: Workspace,
    relationship: Relationship,
    runs: Collection[Enrollment],
    cadence: Cadence,
    now: datetime,
) -> str | None:
    """Return why somebody does not begin the cadence now."""
    for run in runs:
        if run.cadence != cadence.name:
            continue
        try:
            finished = plan_for(work, relationship, run, now).status in _FINISHED
        except NotFound:
            finished = False  # the playbook does not have that version any more
        if run.enrolled_at == now or not finished:
            return f"inside since {run.enrolled_at:%Y-%m-%d}"
    found = refusals(cadence, relationship, now=now, policy=work.policy)
    return str(found[0].rule) if found else None
