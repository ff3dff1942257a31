"""One person's way through their cadences: the planner decides, the behaviour answers."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import Any

import attrs

from crmkit._time import earliest
from crmkit.cadence import Cadence, Enrollment, Plan, PlannedTouch, PlanStatus, plan
from crmkit.cadence._ask import refusals
from crmkit.engagement import EngagementPolicy, temperatures
from crmkit.model import Channel, Interaction, Relationship
from crmkit.permission import ContactPolicy
from crmkit.simulation._answers import Answers, Coming, after
from crmkit.simulation._behaviour import Behaviour
from crmkit.simulation._luck import Luck
from crmkit.simulation._rows import PersonRow, TouchRow

_WEEK = timedelta(weeks=1)
_BY_HAND = {Channel.PHONE: "called", Channel.IN_PERSON: "met"}
_NEUTRAL = {"opened", "clicked"}
"""What a machine did of these moves no plan."""

_LEAVES = {"unsubscribed", "complained"}

Key = tuple[str, str, int]


@attrs.frozen(kw_only=True)
class Setting:
    """What everybody's simulation shares."""

    start: datetime
    weeks: int
    seed: int
    behaviour: Behaviour
    policy: ContactPolicy
    engagement: EngagementPolicy

    @property
    def end(self) -> datetime:
        """The first instant that is not simulated any more."""
        return self.start + self.weeks * _WEEK


@attrs.frozen
class Step:
    """What comes next: a touch, or (without one) only an instant at which to plan anew."""

    at: datetime
    planned: PlannedTouch | None = None
    run: Enrollment | None = None


class Course:
    """One person from the start to the end, fact by fact."""

    def __init__(
        self, relationship: Relationship, cadences: Sequence[Cadence], label: str, setting: Setting
    ) -> None:
        self.setting, self.behaviour = setting, setting.behaviour
        self.end, self.now = setting.end, setting.start
        self.known = relationship.upto(setting.start)
        self.who = relationship.id
        self.luck = Luck(setting.seed, self.who)
        self.reader = self.luck.draw("reader", 0) < self.behaviour.readers
        self.runs = self._enrolled(cadences)
        self.cadences = {run.id: cadence for run, cadence in self.runs}
        self.rows: dict[Key, TouchRow] = {}
        self.person = PersonRow(
            candidate_id=self.who, label=label, enrolled=bool(self.runs), rule=self.rule
        )
        self.fresh: list[Interaction] = []
        self.coming: list[tuple[datetime, int, Coming, TouchRow | None]] = []
        self.messages = [fact.at for fact in self.known.history.of("sent", "messaged")]
        self.tasks: dict[Key, tuple[float, float]] = {}
        self.refused: dict[Key, str] = {}
        self.counts: Counter[str] = Counter()
        self.in_process = self.answering = self.returning = False

    def _enrolled(self, cadences: Sequence[Cadence]) -> list[tuple[Enrollment, Cadence]]:
        """Enrol them in every cadence whose first touch has nothing standing against it."""
        found = []
        self.rule: str | None = None
        for cadence in cadences:
            against = refusals(cadence, self.known, now=self.now, policy=self.setting.policy)
            if against:
                self.rule = self.rule or str(against[0].rule)
                continue
            run = Enrollment(
                candidate_id=self.who,
                cadence=cadence.name,
                version=cadence.version,
                enrolled_at=self.now,
            )
            found.append((run, cadence))
        self.rule = None if found else self.rule
        return found

    # --- the loop

    def run(self) -> tuple[PersonRow, list[TouchRow]]:
        """Live to the end; return what became of the person and of each touch."""
        for run, _ in self.runs:
            self.fresh.append(run.fact("enrolled", self.now))
        plans: list[Plan] = []
        while self.runs:
            plans = self._plan()
            if self._archive(plans):
                continue
            step = self._next(plans)
            until = step.at if step else earliest(*(each.until for each in plans))
            if self._hear(until):
                continue
            if until is None or until >= self.end:
                break
            self.now = until
            if step and step.planned and step.run:
                self._do(step.planned, step.run)
        self._close(plans)
        return self.person, list(self.rows.values())

    def _plan(self) -> list[Plan]:
        """Ask the planner, cadence by cadence, each beside those more important."""
        if self.fresh:
            history = self.known.history | self.fresh
            self.known = Relationship(self.known.candidate, history)
            self.fresh = []
        plans: list[Plan] = []
        for run, cadence in self.runs:
            self.person.plans += 1
            plans.append(
                plan(
                    cadence,
                    self.known,
                    now=self.now,
                    enrollment=run,
                    policy=self.setting.policy,
                    engagement=self.setting.engagement,
                    beside=plans,
                )
            )
        return plans

    def _archive(self, plans: list[Plan]) -> bool:
        """Write down what a rule archived, as production does; say whether there was any."""
        archived = [each for each in plans if each.status is PlanStatus.ARCHIVED]
        new = [each for each in archived if each.stopped_at is None]
        for each in new:
            self.fresh.append(each.enrollment.fact("archived", self.now))
        if archived and not new and not self.returning:
            self._return()
        return bool(new)

    def _return(self) -> None:
        """Draw week by week when they come back by themselves."""
        self.returning = True
        first = (self.now - self.setting.start) // _WEEK + 1
        for week in range(first, self.setting.weeks):
            if self.luck.draw("return", week) < self.behaviour.re_engages:
                at = after(self.setting.start + week * _WEEK, _WEEK, self.luck.draw("back", week))
                fields = {"automated": False, "channel": Channel.WEB}
                self._expect(Coming(at, "visited", fields), None)
                return

    # --- what comes next

    def _next(self, plans: list[Plan]) -> Step | None:
        """Return the first thing that the plans let happen; the more important goes first."""
        best: Step | None = None
        for each in plans:
            for planned in each.touches:
                if planned.fact:
                    continue
                if best and planned.due_at >= best.at and planned.due_at > self.now:
                    break
                step = self._step(planned, each)
                if step and (best is None or step.at < best.at):
                    best = step
        return best

    def _step(self, planned: PlannedTouch, calendar: Plan) -> Step | None:
        run, due = calendar.enrollment, planned.due_at
        key = (run.id, *planned.key)
        if due <= self.now:
            if planned.expired:
                self._miss(planned, calendar)
                return None
            if calendar.status is not PlanStatus.ACTIVE:
                return None
        answer = planned.permission
        if answer is not None and not answer:
            self.refused[key] = str(answer.rule)
            again = answer.next_allowed
            return Step(max(due, again)) if again and max(due, again) > self.now else None
        self.refused.pop(key, None)
        if not planned.by_hand:
            return Step(max(due, self.now), planned, run)
        done, delay = self._task(key)
        at = max(self.now, after(due, self.behaviour.tasks_within, delay))
        late = planned.expires_at is not None and planned.expires_at <= at
        return None if late or done >= self.behaviour.tasks_done else Step(at, planned, run)

    def _task(self, key: Key) -> tuple[float, float]:
        """Draw, once for each task, whether and how late a recruiter does it."""
        if key not in self.tasks:
            place = len(self.tasks) + 1
            self.tasks[key] = self.luck.draw("task", place), self.luck.draw("task after", place)
        return self.tasks[key]

    # --- what happens

    def _do(self, planned: PlannedTouch, run: Enrollment) -> None:
        """Send a touch, or have it done, and draw what follows."""
        setting, behaviour, by_hand = self.setting, self.behaviour, planned.by_hand
        heat = temperatures(self.known, since=self.now, policy=setting.engagement)[0][1]
        pressure = behaviour.pressure(self.messages, self.now)
        row = self._row(planned, self.cadences[run.id])
        row.sent_at, row.temperature, row.pressure = self.now, heat.value, pressure
        row.week = (self.now - setting.start) // _WEEK
        row.state = "done" if by_hand else "sent"
        self.rows[run.id, *planned.key] = row
        self.messages.append(self.now)
        self.counts["messages"] += 1
        self.counts["tasks"] += by_hand
        self.counts["mailed"] += not by_hand and planned.channel is Channel.EMAIL
        about: dict[str, Any] = {
            "channel": planned.channel,
            "enrollment_id": run.id,
            "touch": planned.touch.key,
            "rotation": planned.rotation,
        }
        kind = _BY_HAND.get(planned.channel, "messaged") if by_hand else "sent"
        self._log(kind=kind, **about)
        answers = Answers(
            behaviour=behaviour,
            luck=self.luck,
            place=self.counts["messages"],
            reader=self.reader,
            liking=behaviour.liking(planned.touch.level, heat, planned.touch.key),
            excess=behaviour.excess(pressure),
        )
        for coming in answers.come(self.now, planned.channel, by_hand=by_hand):
            self._expect(attrs.evolve(coming, fields={**about, **coming.fields}), row)

    def _expect(self, coming: Coming, row: TouchRow | None) -> None:
        if coming.at < self.end:
            self.counts["drawn"] += 1
            heappush(self.coming, (coming.at, self.counts["drawn"], coming, row))

    def _hear(self, upto: datetime | None) -> bool:
        """Log what arrives up to an instant; stop, and say so, at what may move a plan."""
        while self.coming and (upto is None or self.coming[0][0] <= upto):
            _, _, coming, row = heappop(self.coming)
            if self._moot(coming.kind):
                continue
            self.now = coming.at
            self._log(kind=coming.kind, **coming.fields)
            if row and coming.mark and getattr(row, coming.mark) is None:
                setattr(row, coming.mark, coming.at)
            if coming.fields.get("automated") is True and coming.kind in _NEUTRAL:
                continue
            self._follow(coming)
            return True
        return False

    def _moot(self, kind: str) -> bool:
        """Say whether what happened since the message leaves no room for it."""
        if kind in _LEAVES:
            return self.person.unsubscribed
        return kind == "applied" and self.in_process

    def _follow(self, coming: Coming) -> None:
        """Count a fact, and draw what others do about it."""
        person = self.person
        match coming.kind:
            case "opened":
                person.opens += 1
            case "clicked":
                person.clicks += 1
            case "replied":
                self._answer(coming)
            case "applied":
                self._decide(coming.at)
            case "messaged":
                self.answering = False
            case "rejected" | "withdrew":
                self.in_process = False
            case "visited":
                self.returning = False
            case kind:
                person.hired |= kind == "hired"
                person.bounced |= kind == "bounced"
                person.unsubscribed |= kind in _LEAVES

    def _answer(self, coming: Coming) -> None:
        """Have a recruiter answer, unless the reply says when to ask again."""
        person = self.person
        person.replies += 1
        if person.first_reply_days is None:
            passed = coming.at - self.setting.start
            person.first_reply_days = round(passed / timedelta(days=1), 3)
        if self.answering or coming.fields["outcome"] == "later":
            return
        self.answering = True
        share = self.luck.draw("answer", person.replies)
        at = after(coming.at, self.behaviour.answered_within, share)
        fields = {"automated": False, "channel": coming.fields["channel"]}
        self._expect(Coming(at, "messaged", fields), None)

    def _decide(self, applied: datetime) -> None:
        """Have the process end in its time, well or not."""
        self.person.applied = self.in_process = True
        self.counts["applied"] += 1
        chances, luck = self.behaviour, self.luck.draw("process", self.counts["applied"])
        kind = "hired" if luck < chances.hired else "rejected"
        if chances.hired <= luck < chances.hired + chances.withdrew:
            kind = "withdrew"
        self._expect(Coming(after(applied, chances.process, 1), kind, {}), None)

    def _log(self, **fields: Any) -> None:
        self.fresh.append(Interaction(candidate_id=self.who, at=self.now, **fields))

    # --- what is left

    def _row(self, planned: PlannedTouch, cadence: Cadence) -> TouchRow:
        factors = [shift.factor for shift in planned.shifts if shift.factor is not None]
        return TouchRow(
            candidate_id=self.who,
            label=self.person.label,
            cadence=cadence.name,
            version=cadence.version,
            touch=planned.touch.key,
            rotation=planned.rotation,
            level=planned.touch.level,
            channel=planned.channel.value,
            week=(planned.due_at - self.setting.start) // _WEEK,
            due_at=planned.due_at,
            sent_at=None,
            by_hand=planned.by_hand,
            temperature=None,
            factor=factors[-1] if factors else 1.0,
            pressure=None,
            state="due",
        )

    def _miss(self, planned: PlannedTouch, calendar: Plan) -> None:
        """Note, once, what became of a touch that was due and did not go."""
        key = (calendar.enrollment.id, *planned.key)
        if key in self.rows:
            return
        row = self._row(planned, calendar.cadence)
        row.rule = self.refused.get(key)
        if row.rule:
            row.state = "refused"
        elif planned.expired:
            row.state = "undone" if key in self.tasks else "expired"
        self.rows[key] = row

    def _close(self, plans: list[Plan]) -> None:
        for each in plans:
            for planned in each.touches:
                if not planned.fact and planned.due_at < self.end:
                    self._miss(planned, each)
        person = self.person
        person.messages, person.tasks = self.counts["messages"], self.counts["tasks"]
        person.mailed = self.counts["mailed"]
        person.status = plans[0].status.value if plans else None
        person.archived = any(each.status is PlanStatus.ARCHIVED for each in plans)
