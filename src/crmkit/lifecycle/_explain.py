"""Everything about one person: why, and until when."""

from datetime import datetime
from html import escape
from textwrap import indent
from typing import Any

import attrs

from crmkit.cadence import Enrollment, Plan
from crmkit.engagement import Temperature, temperature
from crmkit.lifecycle._calendars import calendars
from crmkit.lifecycle._workspace import Workspace
from crmkit.model import Brief, FrozenMap, Relationship, Verdict, brief
from crmkit.permission import Permission, permission


@attrs.frozen(kw_only=True, repr=False)
class Explanation:
    """One person as they stand: segments, temperature, permission, plans, brief."""

    candidate_id: str
    now: datetime
    segments: FrozenMap
    """Segment name → its `Verdict`."""
    temperature: Verdict[Temperature]
    permission: Permission
    plans: tuple[Plan, ...]
    brief: Brief
    lost: tuple[Enrollment, ...] = ()
    """Runs through a cadence that the playbook does not have any more."""

    def __repr__(self) -> str:
        return f"<Explanation of {self.candidate_id} at {self.now:%Y-%m-%d}>"

    def __str__(self) -> str:
        return "\n\n".join(f"{head}\n{indent(text, '  ')}" for head, text in self.sections())

    def sections(self) -> list[tuple[str, str]]:
        """Return headings and texts, in the order in which a person would read them."""
        return [
            (f"{self.candidate_id} at {self.now:%Y-%m-%d %H:%M} UTC", str(self.brief)),
            *((f"segment {name}: {_so(each)}", _why(each)) for name, each in self.segments.items()),
            (f"temperature: {_so(self.temperature)}", _why(self.temperature)),
            (f"may we write by e-mail? {_so(self.permission)}", _why(self.permission)),
            *((f"cadence {each.cadence.name}", str(each)) for each in self.plans),
            *(
                (f"cadence {run.cadence} {run.version}", "not in the playbook any more")
                for run in self.lost
            ),
        ]

    def _repr_html_(self) -> str:
        return "".join(
            f"<h4>{escape(head)}</h4><pre>{escape(text)}</pre>" for head, text in self.sections()
        )


def _so(verdict: Verdict[Any]) -> str:
    word = {True: "yes", False: "no"}.get(verdict.value, str(verdict.value))
    return f"{word}, until {verdict.until:%Y-%m-%d %H:%M} UTC" if verdict.until else word


def _why(verdict: Verdict[Any]) -> str:
    return str(verdict.because)


def explain(work: Workspace, relationship: Relationship, now: datetime) -> Explanation:
    """Return everything about one person."""
    runs = work.about([relationship.candidate], work.store.enrollments)
    found = calendars(work, relationship, runs, now)
    plans = (*found.live, *found.ended, *found.aside)
    return Explanation(
        candidate_id=relationship.id,
        now=now,
        segments=FrozenMap(work.segmenter.check(relationship, now=now)),
        temperature=temperature(relationship, now=now, policy=work.engagement),
        permission=permission(relationship, now=now, policy=work.policy),
        plans=tuple(sorted(plans, key=lambda each: each.enrollment.enrolled_at)),
        brief=brief(relationship, now=now),
        lost=tuple(run for run, _ in found.lost),
    )
