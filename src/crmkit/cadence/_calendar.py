"""The calendar as it is handed out: planned touches, and the plan that holds them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from html import escape
from typing import TYPE_CHECKING

import attrs

from crmkit._time import MICROSECOND, describe_span, earliest, offset_at, plural, to_wall
from crmkit.cadence._ask import Arbiter, turns
from crmkit.cadence._cadence import AUTOMATIC, Cadence, Enrollment, Touch
from crmkit.cadence._clock import Leg
from crmkit.cadence._content import Piece
from crmkit.cadence._stops import OVER, PlanStatus
from crmkit.model import Channel, FrozenMap, Interaction, Reason, Verdict
from crmkit.permission import Permission

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@attrs.frozen
class Shift:
    """What moved a touch from its plain week: the clock ran otherwise between two wall times."""

    start: datetime
    end: datetime
    factor: float | None
    """What the gap was multiplied by meanwhile; None if the clock stood still."""
    why: str

    def __str__(self) -> str:
        span = f"{self.start:%Y-%m-%d} to {self.end:%Y-%m-%d}"
        if self.factor is None:
            return f"clock stood still {span}: {self.why}"
        verb = "stretched" if self.factor > 1 else "hastened"
        return f"{verb} × {self.factor:.3g} {span}: {self.why}"


@attrs.frozen(kw_only=True, eq=False)
class Frame:
    """What the touches of one plan share."""

    anchor: datetime
    """What clocks in the zone showed at the enrolment."""
    spread: timedelta
    """What is added to every time of day, so that not all people hear at one instant."""
    base: datetime
    """The anchor with the spread, kept as if it were UTC."""
    zone: tzinfo
    enrollment: Enrollment
    arbiter: Arbiter
    preferred: Channel | None

    @property
    def now(self) -> datetime:
        return self.arbiter.now

    def channel_of(self, touch: Touch, wall: datetime) -> Channel:
        """Return where a touch goes: the person's choice, and else the first that will do.

        One whose address works; of these, one on which they may be written to.
        """
        order = [touch.channel, *touch.fallback]
        if self.preferred in order:
            order.sort(key=lambda channel: channel is not self.preferred)
        works = [each for each in order if self.arbiter.works(each)] or [touch.channel]
        if len(works) == 1:
            return works[0]
        at = wall - offset_at(wall, self.zone)
        return next((each for each in works if self.arbiter.may_use(at, each)), works[0])


@attrs.frozen(kw_only=True, repr=False)
class PlannedTouch:
    """One touch in the calendar: when it is due, what clocks show there then, and why."""

    touch: Touch
    rotation: int
    channel: Channel
    """Where it goes: the touch's channel, or a fallback."""
    due_at: datetime
    plain: int = attrs.field(repr=False)
    wall: datetime = attrs.field(repr=False)
    legs: tuple[Leg, ...] = attrs.field(repr=False)
    moves: tuple[str, ...]
    """What moved it from where the clock had reached it: other touches, hours, caps."""
    fact: Interaction | None
    """What shows it done."""
    pick: Verdict[Piece | None] | None
    """Which piece of the library it brings, and why; None when it asks for none."""
    frame: Frame = attrs.field(eq=False)

    @property
    def key(self) -> tuple[str, int]:
        """The touch's key and the rotation."""
        return self.touch.key, self.rotation

    @property
    def local(self) -> datetime:
        """What clocks in the person's zone show at ``due_at``."""
        return to_wall(self.due_at, self.frame.zone)

    @property
    def planned_for(self) -> datetime:
        """The wall time by the plain weeks (or the calendar), before anything moved it."""
        return self.frame.anchor + self.plain * MICROSECOND

    @property
    def shifts(self) -> tuple[Shift, ...]:
        """Where the cadence's clock did not run at its plain rate on the way here."""
        anchor = self.frame.anchor
        return tuple(
            Shift(
                anchor + leg.start * MICROSECOND,
                anchor + leg.end * MICROSECOND,
                leg.factor,
                leg.why,
            )
            for leg in self.legs
        )

    @property
    def by_hand(self) -> bool:
        """Whether a person does it: level 5, or a channel on which only people write."""
        return self.touch.level == 5 or self.channel not in AUTOMATIC

    @property
    def done(self) -> bool:
        """Whether it has happened."""
        return self.fact is not None

    @property
    def done_at(self) -> datetime | None:
        """When it happened."""
        return self.fact.at if self.fact else None

    @property
    def done_by(self) -> str | None:
        """The kind of the fact that shows it done."""
        return self.fact.kind if self.fact else None

    @property
    def expires_at(self) -> datetime | None:
        """From when on it does not go any more; None: however late."""
        return self.due_at + self.touch.deadline if self.touch.deadline else None

    @property
    def expired(self) -> bool:
        """Whether its deadline has passed without it."""
        end = self.expires_at
        return self.fact is None and end is not None and end <= self.frame.now

    @property
    def permission(self) -> Permission | None:
        """Whether it may go out then (now, if it is overdue), as far as is known.

        None once it is done or has expired.
        """
        if self.fact or self.expired:
            return None
        return self.frame.arbiter.ask(self.due_at, self.channel)

    @property
    def refused(self) -> bool:
        """Whether it may not go out then, as far as is known, or has nothing to bring."""
        answer = self.permission
        return answer is not None and (not answer or self.empty)

    @property
    def empty(self) -> bool:
        """Whether it needs content, and no piece of the library fits (or there is none)."""
        content = self.touch.content
        return content is not None and content.needed and not (self.fact or self.piece)

    @property
    def piece(self) -> Piece | None:
        """The piece of the library that it brings."""
        return self.pick.value if self.pick else None

    @property
    def variant(self) -> str | None:
        """The variant of its texts that this person gets (or got), if there are several."""
        if self.fact:
            went = self.fact.properties.get("variant")
            return went if isinstance(went, str) else None
        chosen = self.touch.variant_for(self.frame.enrollment.id)
        return chosen.name if chosen else None

    @property
    def because(self) -> Reason:
        """The plain week, and everything that moved or may stop it."""
        after = f" and {plural(self.touch.day, 'day')}" if self.touch.day else ""
        again = f", return {self.rotation}" if self.rotation else ""
        start = f"week {self.touch.week}{after} from {self.frame.anchor:%Y-%m-%d}{again}"
        text = f"{start} → {self.planned_for:%Y-%m-%d}"
        if self._moved:
            text += f", moved to {self.local:%Y-%m-%d}"
        return Reason(text, parts=tuple(self._parts()))

    @property
    def _moved(self) -> bool:
        return self.local.date() != self.planned_for.date()

    def _parts(self) -> Iterator[Reason]:
        yield from self._why_then()
        if self.channel is not self.touch.channel:
            yield Reason(self._why_there())
        if self.pick is not None:
            yield self.pick.because
        elif self.empty:
            yield Reason("it needs a piece of content, and there is no library", holds=False)
        if self.fact:
            brought = self.fact.properties.get("piece")
            what = f"{self.fact.kind}, {brought!r}" if brought else self.fact.kind
            yield Reason(f"done {self.fact.at:%Y-%m-%d %H:%M} UTC ({what})")
        if self.expired:
            yield Reason(f"expired {self.expires_at:%Y-%m-%d %H:%M} UTC, too late to go")
        answer = self.permission
        if answer is not None and not answer:
            rule = answer.because.parts[-1]
            text = f"{answer.rule}: {rule.text}"
            if start := answer.next_allowed:
                text += f"; allowed from {start:%Y-%m-%d %H:%M} UTC"
            yield Reason(text, holds=False, found=rule.found)

    def _why_then(self) -> Iterator[Reason]:
        shifts = self.shifts
        yield from (Reason(str(shift)) for shift in shifts)
        yield from (Reason(move) for move in self.moves)
        if self._moved and not (shifts or self.moves):
            yield Reason("the touch before it moved")
        if self.frame.spread and not self.moves:
            spread = f"{self.frame.anchor:%H:%M} → {self.wall:%H:%M}"
            yield Reason(f"spread over the day: {spread}")
        if self.local != self.wall.replace(tzinfo=None):
            yield Reason(f"no clock shows {self.wall:%H:%M} there that day")

    def _why_there(self) -> str:
        if self.channel is self.frame.preferred:
            return f"by {self.channel}, which they prefer"
        if self.frame.arbiter.works(self.touch.channel):
            return f"by {self.channel}, for {self.touch.channel} is not allowed"
        return f"by {self.channel}, for no address for {self.touch.channel} works"

    def __repr__(self) -> str:
        state = "done" if self.done else "expired" if self.expired else "planned"
        return f"<PlannedTouch {self.touch.key} {state}, due {self.due_at:%Y-%m-%d %H:%M} UTC>"


@attrs.frozen(kw_only=True, repr=False)
class Plan:
    """The touches done and those ahead; ``print`` it to see the calendar.

    ✓ stands for done, ! for due now, · for ahead, ✗ for what is not allowed as far as is known,
    and – for what has expired. The plan is the same up to ``until`` unless a new fact arrives:
    then a touch falls due or expires, a pause ends, or a permission turns. A touch that was missed
    keeps its date: it is overdue up to its deadline. While the clock stands still for nobody
    knows how long, no touch after that has a date.
    """

    cadence: Cadence
    enrollment: Enrollment
    now: datetime
    zone: tzinfo
    assumed: str | None = None
    """Why this zone, when the person's own is not known."""
    status: PlanStatus
    because: Reason
    touches: tuple[PlannedTouch, ...]
    turning: datetime | None = attrs.field(default=None, repr=False)
    """When it turns for what no permission says."""
    quiet_until: datetime | None = None
    """Up to when an overdue touch waits, because another one of this run went a moment ago."""
    beside: "tuple[Plan, ...]" = attrs.field(default=(), repr=False)
    """The plans of more important cadences that it was made beside."""
    unplaced: FrozenMap = attrs.field(factory=FrozenMap)
    """Why a touch has no day, by its key."""
    stopped_at: datetime | None = None
    """The instant of the fact that stopped it; None while it runs, or when a rule archives."""

    @property
    def ahead(self) -> tuple[PlannedTouch, ...]:
        """The touches that are not done and have not expired."""
        return tuple(each for each in self.touches if not (each.fact or each.expired))

    @property
    def due(self) -> tuple[PlannedTouch, ...]:
        """The touches that may be done now as far as dates go; none before ``quiet_until``."""
        if self.quiet_until and self.now < self.quiet_until:
            return ()
        return tuple(planned for planned in self.ahead if planned.due_at <= self.now)

    @property
    def until(self) -> datetime | None:
        """When it must be planned anew, if nothing new happens; None: never."""
        quiet = self.quiet_until if self.quiet_until and self.now < self.quiet_until else None
        return earliest(
            self.turning,
            quiet,
            *(turns(planned.permission) for planned in self.ahead if planned.due_at <= self.now),
            *(other.until for other in self.beside),
        )

    @property
    def undated(self) -> tuple[Touch, ...]:
        """The touches of the sequence that have no date while the clock stands still."""
        if self.status in OVER:
            return ()
        dated = {planned.touch.key for planned in self.touches}
        return tuple(touch for touch in self.cadence.touches if touch.key not in dated)

    def is_done(self, key: str, rotation: int = 0) -> bool:
        """Return whether this touch has happened."""
        return any(
            planned.done
            for planned in self.touches
            if (planned.touch.key, planned.rotation) == (key, rotation)
        )

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the calendar on one lane, in the person's zone, and return the axes.

        Each touch stands where it went or is to go: a circle, or a square if a person does it. A
        ring below shows its plain week where something moved it by a day or more, with the
        reason. Shaded is where the cadence's clock stood still or ran at another rate.

        Without *ax* it makes a figure, as high as its texts need; an *ax* is best one of a figure
        with ``layout="constrained"``, and what does not fit is left out. Raises `MissingExtra`
        without the ``plot`` extra.
        """
        from crmkit.cadence._plot import draw_plan

        return draw_plan(self, ax)

    def __repr__(self) -> str:
        who = f"{self.enrollment.candidate_id} in {self.cadence.name}"
        return f"<Plan of {who}: {self.status}, {len(self.ahead)} touches ahead>"

    def __str__(self) -> str:
        rows = [(*row, str(why).splitlines()) for *row, why in self._rows()]
        width = max((len(key) for _, _, key, _ in rows), default=0)
        lines = []
        for mark, when, key, (first, *rest) in rows:
            head = f"{mark} {when}  {key:<{width}}  "
            lines += [head + first, *(" " * len(head) + line for line in rest)]
        return "\n".join([*self._heads(), *lines, *self._feet()])

    def _heads(self) -> list[str]:
        zone = "UTC" if self.zone is UTC else str(self.zone)
        until = f"until {self.until:%Y-%m-%d %H:%M} UTC" if self.until else "no clock changes it"
        first, *rest = str(self.because).splitlines()
        zone += f" ({self.assumed})" if self.assumed else ""
        title = f"{self.cadence.name} for {self.enrollment.candidate_id}, times in {zone}"
        return [title, f"{first}; {until}", *rest]

    def _feet(self) -> list[str]:
        feet = [f"{key} has no date: {why}" for key, why in self.unplaced.items()]
        if self.quiet_until and self.now < self.quiet_until:
            gap = describe_span(self.cadence.pace.least_gap)
            until = f"{self.quiet_until:%Y-%m-%d %H:%M} UTC"
            feet.append(
                f"what is overdue waits until {until}, {gap} after the last touch that went"
            )
        keys = ", ".join(touch.key for touch in self.undated if touch.key not in self.unplaced)
        if keys and self.unplaced:
            feet.append(f"nor have those after it: {keys}")
        elif keys:
            feet.append(f"without a date until the clock goes on: {keys}")
        ahead = self.ahead
        if ahead and all(planned.refused for planned in ahead):
            feet.append("nothing of this may go out, as far as is known")
        return feet

    def _rows(self) -> Iterator[tuple[str, str, str, Reason]]:
        due = self.due
        for planned in self.touches:
            mark = "!" if planned in due else "·"
            mark = "✓" if planned.done else "✗" if planned.refused else mark
            mark = "–" if planned.expired else mark
            when = f"{_DAYS[planned.local.weekday()]} {planned.local:%Y-%m-%d %H:%M}"
            key = f"{planned.touch.key}{' (by hand)' if planned.by_hand else ''}"
            yield mark, when, key, planned.because

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{mark}</td><td>{when}</td><td>{escape(key)}</td>"
            f"<td>{because._repr_html_()}</td></tr>"
            for mark, when, key, because in self._rows()
        )
        heads = "<br>".join(map(escape, self._heads()))
        feet = "".join(f"<p>{escape(line)}</p>" for line in self._feet())
        return (
            f"<table><caption>{heads}</caption>"
            "<thead><tr><th></th><th>when</th><th>touch</th><th>why</th></tr></thead>"
            f"<tbody>{rows}</tbody></table>{feet}"
        )
