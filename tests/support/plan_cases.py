"""Cadences, paces, policies and people with random facts between their touches.

Everything that can move a touch is drawn together, and much of it at once: paces of any factors,
hours, holidays, caps, channels to fall back on, returns, deadlines, every kind of stop.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from random import Random
from typing import TypeVar
from zoneinfo import ZoneInfo

import attrs
from hypothesis import strategies as st

from crmkit._time import CalendarSpan, to_wall
from crmkit.cadence import (
    Cadence,
    ContentChoice,
    Enrollment,
    Library,
    Pace,
    Piece,
    Plan,
    Touch,
    plan,
)
from crmkit.engagement import EngagementPolicy
from crmkit.errors import InvalidRecord
from crmkit.model import Candidate, Channel, Interaction, Interest, Relationship
from crmkit.model._process import PROCESS
from crmkit.permission import ContactPolicy, Hours, SendWindow

T = TypeVar("T")

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
PLACES = [
    ZoneInfo(name)
    for name in ("UTC", "Europe/London", "America/New_York", "Asia/Tokyo", "Australia/Lord_Howe")
]
NEUTRAL = ("noted", "updated", "moved", "promoted", "gained_skill", "verified", "x-lunch")
ENGAGING = ("clicked", "visited", "attended", "signed_up", "met", "called")
SILENT = ("sent", "delivered")
SNOOZES = ("paused", "auto_replied", "replied")
STOPS = ("replied", "messaged", "paused", "resumed", "applied", "rejected", "hired", "left")
STOPS += ("archived", "reactivated", "converted", "returned", "interviewed", "withdrew")
ENDS = ("unsubscribed", "complained", "withdrew_consent", "consented", "completed")
BY_HAND = ("called", "met", "messaged")


LIBRARY = Library(
    [
        Piece(id="for-all", title="For all"),
        Piece(id="ml", title="ML", topics=["ml"]),
        Piece(id="spring", title="Spring", topics=["ml"], until="2026-06-01"),
        Piece(id="summer", title="Summer", published="2026-06-15", until="2026-09-01"),
        Piece(id="later", title="Later", topics=["ml"], published="2027-01-01"),
    ]
)

_DULL = {"candidate_id", "id", "purpose", "week", "day", "at", "weights"}
_DULL |= {"retention", "_by_country", "_by_channel"}


def _differs(record: object) -> str:
    """Return the fields of a record that are not as they are by default."""
    shown = [
        f"{field.name}={getattr(record, field.name)!r}"
        for field in attrs.fields(type(record))
        if field.name not in _DULL
        and getattr(record, field.name) != field.default
        and getattr(record, field.name) not in ((), {}, frozenset())
    ]
    return f"{type(record).__name__}({', '.join(shown)})"


@attrs.frozen(repr=False)
class Case:
    """One person in one cadence under one policy, and what has happened."""

    cadence: Cadence
    policy: ContactPolicy
    engagement: EngagementPolicy
    candidate: Candidate
    run: Enrollment
    log: tuple[Interaction, ...]

    def __repr__(self) -> str:
        return "\n".join(["", *self._told()])

    def _repr_pretty_(self, printer, cycle: object) -> None:
        """Let Hypothesis show a case in short."""
        printer.text(repr(self))

    def _told(self) -> Iterator[str]:
        """Yield what differs from the defaults, days counted from the enrolment."""
        cadence = self.cadence
        yield f"enrolled {self.run.enrolled_at.isoformat()}, {_differs(self.candidate)}"
        yield f"every {cadence.every}, repeat {cadence.repeat}, {_differs(cadence.pace)}"
        yield from (f"  day {each.days}: {_differs(each)}" for each in cadence.touches)
        yield f"{_differs(self.policy)}, {_differs(self.engagement)}"
        for fact in sorted(self.log, key=lambda fact: fact.at):
            yield f"  {(fact.at - self.run.enrolled_at) / DAY:+.12g}: {_differs(fact)}"

    @property
    def zone(self):
        """The zone that the person's clocks are in."""
        return self.candidate.timezone or UTC

    def at(self, day: float) -> datetime:
        """Return the instant so many days after the enrolment."""
        return self.run.enrolled_at + day * DAY

    def fact(self, kind: str, at: datetime, **more) -> Interaction:
        """Return one more fact about the person."""
        return Interaction(candidate_id=self.candidate.id, kind=kind, at=at, **more)

    def with_facts(self, *more: Interaction) -> "Case":
        """Return the case in which these happened, too."""
        return attrs.evolve(self, log=(*self.log, *more))

    @property
    def relationship(self) -> Relationship:
        """The person with all that has happened."""
        return Relationship(self.candidate, self.log)

    def plan(self, now: datetime, **more) -> Plan:
        """Plan as of *now*."""
        return plan(
            self.cadence,
            self.relationship,
            enrollment=self.run,
            now=now,
            policy=self.policy,
            engagement=self.engagement,
            library=LIBRARY,
            **more,
        )

    def wall(self, instant: datetime) -> datetime:
        """Return what the person's clocks show."""
        return to_wall(instant, self.zone)


@lru_cache(maxsize=None, typed=True)
def _of(*options: T) -> st.SearchStrategy[T]:
    """Return the strategy that picks one; made once, for making it takes longer than picking."""
    return st.sampled_from(options)


_DICE = Random(2026)
_RATES = [(1, 1, 1, 1, 1), (0.75, 1, 1, 1.25, 1.5), (0.2,) * 5, (3,) * 5]
_RATES += [tuple(sorted(_DICE.choices([0.2, 0.5, 0.9, 1, 1, 1.25, 2, 3], k=5))) for _ in range(30)]

EVEN = {**dict.fromkeys(["hot", "warm", "unknown", "cooling", "cold"], 1), "archive_after": 10**6}
"""A pace at which nobody's doing changes a date."""


@st.composite
def paces(draw, least_gap: timedelta) -> Pace:
    """Draw a pace with this least gap."""
    hot, warm, unknown, cooling, cold = draw(_of(*_RATES))
    return Pace(
        hot=hot,
        warm=warm,
        unknown=unknown,
        cooling=cooling,
        cold=cold,
        least_gap=least_gap,
        greatest_gap=least_gap + draw(_of(182, 1, 20, 60, 400)) * DAY,
        archive_after=draw(st.integers(1, 9)),
        eager_after=draw(st.integers(1, 4)),
    )


_CHANNELS = (*[Channel.EMAIL] * 3, Channel.TEXT, Channel.PHONE, Channel.LINKEDIN)
_WAYS = [(channel,) for channel in _CHANNELS]
_WAYS += [tuple(dict.fromkeys(_DICE.sample(_CHANNELS, 3))) for _ in range(10)]
_DEADLINES = [14 * DAY, 14 * DAY, timedelta(hours=1), DAY, 3 * DAY, None]
_LEAST = [5 * DAY, timedelta(0), DAY, 3 * DAY, 3 * DAY + timedelta(hours=6), 10 * DAY]
_EVERY = [None, *(CalendarSpan(months=months) for months in (1, 3, 6, 18)), CalendarSpan(years=1)]


@st.composite
def touches(draw, key: str, days: int) -> Touch:
    """Draw a touch so many days after the enrolment."""
    channel, *fallback = draw(_of(*_WAYS))
    return Touch(
        key=key,
        week=days // 7,
        day=days % 7,
        purpose="p",
        level=draw(_of(2, 2, 4, 5)),
        channel=channel,
        fallback=fallback,
        deadline=draw(_of(*_DEADLINES)),
        content=draw(_of(None, ContentChoice())),
    )


@st.composite
def cadences(draw, *, even: bool = False) -> Cadence:
    """Draw a cadence of one to six touches whose gaps can be kept, with returns or without."""
    least_gap = draw(_of(*_LEAST))
    nearest = max(1, -(-least_gap // DAY))
    days, found = draw(st.integers(0, 20)), []
    for number in range(draw(st.integers(1, 6))):
        found.append(draw(touches(f"t{number}", days)))
        days += nearest + draw(_of(0, 0, 1, 2, 7, 14, 30, 60, 110))
    pace = draw(paces(least_gap))
    cadence = Cadence(name="c", touches=found, pace=attrs.evolve(pace, **EVEN) if even else pace)
    every, repeat = draw(_of(*_EVERY)), draw(st.integers(1, len(found)))
    try:
        return attrs.evolve(cadence, every=every, repeat=repeat)
    except InvalidRecord:  # the returns are too near each other
        return cadence


_WORKDAYS = frozenset(range(5))
_WINDOWS = [
    SendWindow(start=time(8), end=time(18), days=_WORKDAYS),
    SendWindow(start=time(8), end=time(21)),
    SendWindow(start=time(1, 30), end=time(2, 30)),
    SendWindow(start=time(2), end=time(3), on_holidays=True),
    SendWindow(start=time(17), days={0, 3}),
    SendWindow(start=time(0), end=time(1), days={6}),
]
_FIRST = date(2026, 3, 1)
_HOLIDAYS = [
    frozenset(_FIRST + timedelta(days=day) for day in _DICE.sample(range(500), count))
    for count in (0, 10, 60, 250)
]


@st.composite
def hours(draw) -> Hours:
    """Draw hours on some channels, holidays in Germany, and a spread."""
    chosen = draw(_of((), (Channel.EMAIL,), (Channel.TEXT, Channel.EMAIL), _CHANNELS))
    window = _of(*_WINDOWS)
    return Hours(
        windows={channel: draw(window) for channel in dict.fromkeys(chosen)},
        holidays={"DE": draw(_of(*_HOLIDAYS))},
        spread=draw(_of(0, 0, 2, 24)) * timedelta(hours=1),
    )


@st.composite
def policies(draw) -> ContactPolicy:
    """Draw caps and hours."""
    return ContactPolicy(
        cap=draw(st.integers(1, 3)),
        cap_window=draw(_of(7, 7, 1, 10, 30)) * DAY,
        hours=draw(hours()),
    )


@st.composite
def candidates(draw) -> Candidate:
    """Draw somebody who may lack addresses, zone and country."""
    later = draw(_of(None, None, None, None, -30, 0, 1, 30, 200, 400))
    return Candidate(
        id="ada",
        emails=draw(_of(("ada@example.org",), ("ada@example.org",), ())),
        phones=draw(_of(("+44 20 7946 0000",), ())),
        links=draw(_of(("https://www.linkedin.com/in/ada",), ())),
        preferred_channel=draw(_of(None, None, *_CHANNELS)),
        timezone=draw(_of(None, *PLACES)),
        country=draw(_of(None, "GB", "DE")),
        topics=draw(_of((), ("ml",))),
        interest=None if later is None else Interest.LATER,
        interested_from=None if later is None else START + later * DAY,
    )


_OFFS = [
    off + tick for off in (0, 0.01, 1, 3, 5, 14, -1) for tick in (0, 0, TICK / DAY, -TICK / DAY)
]


@st.composite
def moments(draw, cadence: Cadence, first: float = -60, last: float = 700) -> float:
    """Draw days after the enrolment: any, and around the touches' plain days."""
    if draw(_of(False, True)):
        return draw(st.floats(first, last))
    near = draw(_of(*cadence.touches)).days + draw(_of(*_OFFS))
    return max(first, near)


_AUTHORS = [None, None, False, True]
_OF_RUN = {"paused", "resumed", "archived", "reactivated", "completed"}


@st.composite
def facts(
    draw, cadence: Cadence, run: Enrollment, kinds: Iterable[str], first: float = -60
) -> Interaction:
    """Draw a fact about the person, or about this enrolment, in no touch's name."""
    kind = draw(_of(*kinds))
    at = run.enrolled_at + draw(moments(cadence, first)) * DAY
    properties = {}
    if kind in SNOOZES and draw(_of(False, True)):
        properties["until"] = at + draw(st.integers(-5, 200)) * DAY
    if kind == "paused" and draw(_of(False, False, True)):
        properties["segment"] = "s"
    if kind in {"consented", "withdrew_consent"}:
        properties |= {"purpose": "nurture", "wording_version": "1"}
    return Interaction(
        candidate_id="ada",
        kind=kind,
        at=at,
        automated=draw(_of(*_AUTHORS)),
        channel=draw(_of(None, None, Channel.EMAIL, Channel.TEXT)),
        outcome=draw(_of(None, "soft")) if kind == "bounced" else None,
        role_id=draw(_of(None, "r")) if kind in PROCESS else None,
        enrollment_id=run.id if kind in _OF_RUN and draw(_of(False, True)) else None,
        properties=properties,
    )


@st.composite
def done(draw, cadence: Cadence, run: Enrollment) -> Interaction:
    """Draw a touch that was done, on time or not."""
    return Interaction(
        candidate_id="ada",
        kind=draw(_of("sent", "sent", "sent", *BY_HAND)),
        at=run.enrolled_at + draw(moments(cadence, 0)) * DAY,
        enrollment_id=run.id,
        touch=draw(_of(*cadence.touches)).key,
        rotation=draw(_of(0, 0, 0, 1)),
    )


CALM = (*NEUTRAL, *ENGAGING, *SILENT, "opened", "opened", "bounced")


@st.composite
def cases(
    draw,
    *,
    kinds: Iterable[str] = (*CALM, *CALM, *STOPS, *SNOOZES, *ENDS),
    even: bool = False,
    max_size: int = 8,
) -> Case:
    """Draw a case, its facts of these *kinds*, and of touches done."""
    cadence = draw(cadences(even=even))
    begin = START + draw(st.integers(0, 10**6)) * timedelta(seconds=37)
    run = Enrollment(candidate_id="ada", cadence="c", enrolled_at=begin)
    log = [Interaction(candidate_id="ada", kind="captured", at=begin - 30 * DAY)]
    if draw(_of(False, True)):
        agreed = {"purpose": "nurture", "wording_version": "1"}
        log.append(attrs.evolve(log[0], kind="consented", properties=agreed, id="agreed"))
    kinds = tuple(kinds)
    if kinds:
        any_fact = facts(cadence, run, kinds) | done(cadence, run)
        log += draw(st.lists(any_fact, max_size=max_size))
    engagement = EngagementPolicy(half_life=draw(_of(10, 30, 90)) * DAY)
    return Case(cadence, draw(policies()), engagement, draw(candidates()), run, tuple(log))


def days(last: float = 700) -> st.SearchStrategy[float]:
    """Return days after (or before) the enrolment at which to ask."""
    return st.integers(-20, 90) | st.integers(-20, int(last)) | st.floats(-20, last)


def other_cadences(case: Case) -> st.SearchStrategy[tuple[Cadence, Enrollment]]:
    """Return a second cadence of the same person, and when they were enrolled in it."""
    return st.builds(
        lambda cadence, day: (
            attrs.evolve(cadence, name="other"),
            Enrollment(candidate_id="ada", cadence="other", enrolled_at=case.at(day)),
        ),
        cadences(),
        st.integers(-30, 30) | st.floats(-30, 30),
    )
