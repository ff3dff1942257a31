"""Plans as an iCalendar file (RFC 5545), for the calendar and the task list of a recruiter."""

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Literal

import attrs

from crmkit._time import EPOCH, from_wall, to_wall
from crmkit.cadence import Plan, PlannedTouch
from crmkit.errors import InvalidRecord, MissingExtra, UnknownName
from crmkit.ical._zones import add_zones
from crmkit.model import _fields as fields

if TYPE_CHECKING:
    from icalendar import Component

_LENGTH = timedelta(minutes=15)
_HOUR = timedelta(hours=1)


def to_ical(
    plans: Plan | Iterable[Plan],
    *,
    floating: bool = False,
    tasks: Literal["todo", "event"] = "todo",
    reminders: bool = False,
    names: Mapping[str, str] | None = None,
) -> bytes:
    r"""Return one iCalendar file of the plans' touches, done and ahead.

    A touch that goes out by itself is an event of 15 minutes that leaves its time free:
    ``TENTATIVE`` while ahead, for what the person does may move it; ``CONFIRMED``, when it went,
    once done; ``CANCELLED`` if it is expired or not allowed then. What people do by hand is a task
    due at that instant (``NEEDS-ACTION``, ``COMPLETED``, ``CANCELLED``). Google Calendar, Outlook
    and the calendar of iOS leave tasks out: ``tasks="event"`` makes events of them.

    Times are in the zone of the person, which the file describes; in UTC, if that is the zone or
    if clocks there show the time twice and it is the second; with ``floating`` they are what
    clocks show, whatever the zone of the reader. Fractions of a second are left out.

    ``reminders`` adds an alarm to what is still to be done by hand. Texts name people by their
    ids, or by what ``names`` says for an id.

    A touch keeps its UID however often it is planned, so that calendars move it instead of showing
    it twice; DTSTAMP is the plan's ``now`` and SEQUENCE the hours from 1970 to then, so that a
    later plan wins over an earlier one. What has no date is not in the file.

    Raises `MissingExtra` without the ``ical`` extra.

    >>> from crmkit.cadence import SEVEN_TOUCH, plan
    >>> from crmkit.model import Candidate, Relationship
    >>> monday = datetime(2026, 3, 2, 9, tzinfo=UTC)
    >>> ada = Relationship(Candidate(id="ada", timezone="Europe/London"))
    >>> calendar = plan(SEVEN_TOUCH, ada, enrolled_at=monday, now=monday)
    >>> [line for line in to_ical(calendar).decode().split("\r\n") if "DUE" in line]
    ['DUE;TZID=Europe/London:20260525T090000']
    """
    if tasks not in {"todo", "event"}:
        raise UnknownName.among("tasks", tasks, ["todo", "event"], what="a way to write tasks")
    try:
        from icalendar import Calendar
    except ImportError:
        raise MissingExtra("ical", "an iCalendar file") from None
    writer = _Writer(floating=floating, todo=tasks == "todo", reminders=reminders, names=names)
    found = [plans] if isinstance(plans, Plan) else list(plans)
    runs: set[str] = set()
    for index, plan in enumerate(found):
        if plan.enrollment.id in runs:
            raise InvalidRecord(f"[{index}]", f"enrolment {plan.enrollment.id!r} is there twice")
        runs.add(plan.enrollment.id)
    items = [writer.item(plan, planned) for plan in found for planned in plan.touches]
    calendar = Calendar()
    calendar.add("prodid", "-//crmkit//crmkit//EN")
    calendar.add("version", "2.0")
    # Some readers want a zone described before it is used.
    add_zones(calendar, writer.used)
    for item in items:
        calendar.add_component(item)
    written: bytes = calendar.to_ical()
    return written


@attrs.define
class _Writer:
    """What is asked for, and the zones used so far, each with the years it has to cover."""

    floating: bool
    todo: bool
    reminders: bool
    names: Mapping[str, str] | None
    used: dict[tzinfo, tuple[int, int]] = attrs.field(factory=dict)

    def item(self, plan: Plan, planned: PlannedTouch) -> "Component":
        from icalendar import Event, Todo

        todo = self.todo and planned.by_hand
        item = Todo() if todo else Event()
        item.add("uid", _uid(plan, planned))
        item.add("dtstamp", _whole(plan.now))
        item.add("sequence", max(0, (plan.now - EPOCH) // _HOUR))
        who = plan.enrollment.candidate_id
        who = (self.names or {}).get(who, who)
        item.add("summary", _plain(f"{who}: {planned.touch.purpose}"))
        item.add("description", _plain("\n".join(_description(plan, planned))))
        item.add("categories", [_plain(plan.cadence.name)])
        if todo:
            self._as_todo(item, plan, planned)
        else:
            self._as_event(item, plan, planned)
        if self.reminders and planned.by_hand and not (planned.done or _off(planned)):
            item.add_component(_alarm(who, planned, todo=todo))
        return item

    def _as_todo(self, item: "Component", plan: Plan, planned: PlannedTouch) -> None:
        # No DTSTART: clients refuse or drop one that is not before DUE, and an earlier one
        # would be made up.
        self._add_times(item, plan.zone, {"due": planned.due_at})
        if planned.done_at:
            item.add("completed", _whole(planned.done_at))
            item.add("status", "COMPLETED")
        else:
            item.add("status", "CANCELLED" if _off(planned) else "NEEDS-ACTION")

    def _as_event(self, item: "Component", plan: Plan, planned: PlannedTouch) -> None:
        start = planned.done_at or planned.due_at
        self._add_times(item, plan.zone, {"dtstart": start, "dtend": start + _LENGTH})
        item.add("transp", "TRANSPARENT")
        ahead = "CANCELLED" if _off(planned) else "TENTATIVE"
        item.add("status", "CONFIRMED" if planned.done else ahead)

    def _add_times(self, item: "Component", zone: tzinfo, times: Mapping[str, datetime]) -> None:
        """Add the times, all in the same form."""
        whole = {name: _whole(instant) for name, instant in times.items()}
        walls = {name: to_wall(instant, zone) for name, instant in whole.items()}
        if self.floating:
            for name, wall in walls.items():
                item.add(name, wall)
            return
        key = getattr(zone, "key", None)
        # A reader takes the first of two equal wall times.
        twice = any(from_wall(walls[name], zone) != whole[name] for name in times)
        if key in {None, "UTC"} or twice:
            for name, instant in whole.items():
                item.add(name, instant)
            return
        for name, wall in walls.items():
            item.add(name, wall, parameters={"TZID": key})
        years = [wall.year for wall in walls.values()]
        first, last = self.used.get(zone, (years[0], years[0]))
        self.used[zone] = min(first, *years), max(last, *years)


def _uid(plan: Plan, planned: PlannedTouch) -> str:
    # By the first key it ever had: renaming a touch does not double it. Hashed, since an id of a
    # host may be long, or not the world's to see.
    key = (*planned.touch.was, planned.touch.key)[0]
    content = fields.canonical([plan.enrollment.id, planned.rotation, key])
    return f"{hashlib.sha256(content.encode()).hexdigest()[:32]}@crmkit"


def _off(planned: PlannedTouch) -> bool:
    return planned.expired or planned.refused


def _description(plan: Plan, planned: PlannedTouch) -> Iterator[str]:
    touch, hand = planned.touch, ", by hand" if planned.by_hand else ""
    yield f"{plan.cadence.name}, {touch.key}: level {touch.level} by {planned.channel}{hand}"
    yield str(planned.because)


def _alarm(who: str, planned: PlannedTouch, *, todo: bool) -> "Component":
    from icalendar import Alarm

    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", _plain(f"{who}: {planned.touch.purpose}"))
    alarm.add("trigger", timedelta(0), parameters={"RELATED": "END" if todo else "START"})
    return alarm


def _whole(instant: datetime) -> datetime:
    """Return the instant in whole seconds; iCalendar has no smaller ones."""
    return instant.astimezone(UTC).replace(microsecond=0)


def _plain(text: str) -> str:
    """Return the text without what could break a line: control characters and their like.

    Line breaks stay, for the library escapes them.
    """
    return "".join(
        " " if char != "\n" and unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} else char
        for char in text.replace("\r\n", "\n")
    )
