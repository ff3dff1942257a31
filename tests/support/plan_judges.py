"""What judges a plan: the job that it is made for, and what no two touches may do.

`play` does what a job does: it sleeps until the plan's ``until``, sends what is due, and is down at
times.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

import attrs
from hypothesis import strategies as st
from plan_cases import Case

from crmkit.cadence import Plan, PlannedTouch, PlanStatus
from crmkit.model import Channel, Interaction

WRITTEN = frozenset({Channel.EMAIL, Channel.TEXT, Channel.LINKEDIN})
"""The channels on which what a person does by hand is a message, too."""


def dues(touches: Iterable[PlannedTouch]) -> dict[tuple[str, int], datetime]:
    """Return when each touch is due, by its key and rotation."""
    return {each.key: each.due_at for each in touches}


def goes(planned: PlannedTouch) -> bool:
    """Whether a touch will go, as far as is known."""
    return not (planned.done or planned.expired or planned.refused)


def told(calendar: Plan) -> tuple[object, ...]:
    """Return all that a plan says, but for when it was asked."""
    rows = [
        (
            *(each.key, each.channel, each.due_at, each.local, each.planned_for, each.shifts),
            *(each.done_at, each.done_by, each.expired, each.refused, each.by_hand),
            None if each.permission is None else each.permission.rule,
            (each.piece, each.variant),
        )
        for each in calendar.touches
    ]
    due = [each.key for each in calendar.due]
    return calendar.status, str(calendar.because), calendar.stopped_at, rows, due


Downtimes = list[tuple[float, float]]
downtimes = st.lists(st.tuples(st.floats(0, 400), st.floats(0, 40)), max_size=4)
"""When the job is down: from which day on, and for how many."""


@attrs.frozen
class Played:
    """What a job did: the case with what it logged, and each touch it sent, with the fact of it."""

    case: Case
    sent: list[tuple[PlannedTouch, Interaction]]
    asked: list[Plan]


def play(case: Case, *, down: Downtimes = (), last: float = 500) -> Played:
    """Run a job from the enrolment on: it sleeps until the plan's ``until`` and sends what is due.

    One touch at a time, planning anew after each.
    """
    sent: list[tuple[PlannedTouch, Interaction]] = []
    asked: list[Plan] = []
    now: datetime | None = case.run.enrolled_at
    while now is not None and (now := _awake(case, now, down)) < case.at(last):
        calendar = case.plan(now)
        asked.append(calendar)
        due = [each for each in calendar.due if goes(each)]
        if not due or calendar.status is not PlanStatus.ACTIVE:
            assert calendar.until is None or calendar.until > now
            now = calendar.until
            continue
        fact = _sent(case, due[0], now)
        case = case.with_facts(fact)
        sent.append((due[0], fact))
        assert len(sent) < 400
    return Played(case, sent, asked)


def _awake(case: Case, now: datetime, down: Downtimes) -> datetime:
    for first, length in sorted(down):
        if case.at(first) <= now < case.at(first + length):
            now = case.at(first + length)
    return now


def _sent(case: Case, planned: PlannedTouch, now: datetime) -> Interaction:
    key, rotation = planned.key
    kind = "sent"
    if planned.by_hand:
        kind = "messaged" if planned.channel in WRITTEN else "called"
    return case.fact(
        kind,
        now,
        enrollment_id=case.run.id,
        touch=key,
        rotation=rotation,
        channel=planned.channel,
        properties={"piece": planned.piece.id} if planned.piece else {},
    )


def too_near(case: Case, calendar: Plan) -> Iterator[str]:
    """Yield every pair of touches that would come nearer than the least gap.

    A touch ahead may not come near one before it in the calendar. One that is overdue goes now,
    and so may not come near one that was done; of several that are overdue, one goes at a time.
    """
    gap = case.cadence.pace.least_gap
    known = [each for each in calendar.touches if each.done or goes(each)]
    for index, each in enumerate(known):
        overdue = each.due_at <= calendar.now
        waits = calendar.status is not PlanStatus.ACTIVE or each not in calendar.due
        if each.done or (overdue and waits):
            continue
        when = case.wall(calendar.now) if overdue else each.local
        for number, other in enumerate(known):
            if other.done:
                distance = abs(when - case.wall(other.done_at))
            elif number < index and not overdue:
                distance = when - other.local
            else:
                continue
            if distance < gap:
                yield f"{each.key} at {when} is {distance} from {other.key}"


def over_cap(case: Case, *calendars: Plan) -> Iterator[str]:
    """Yield every touch that would be one too many within the window that ends with it."""
    now = calendars[0].now
    history = case.relationship.upto(now).history
    cap, window = case.policy.cap, case.policy.cap_window
    planned: list[datetime] = []
    touches = [each for calendar in calendars for each in calendar.touches]
    for each in sorted(touches, key=lambda each: each.due_at):
        if not goes(each) or each.due_at <= now or each.channel not in WRITTEN:
            continue
        counts = [
            sum(each.due_at - window < at <= each.due_at for at in [*went, *planned])
            for went in (
                [fact.at for fact in history.of("sent", "messaged")],
                [fact.at for fact in history.of("delivered")],
            )
        ]
        if max(counts) >= cap:
            yield f"{each.key} at {each.due_at}: {counts} before it within {window}, cap {cap}"
        planned.append(each.due_at)
