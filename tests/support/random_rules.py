"""Random rules, people and instants from a seed: cheap, nasty, and crowded so that rules hit.

`random.Random` and not Hypothesis: hundreds of thousands of cases must cost little. Kinds, values
and instants are few on purpose; spans are added to instants everywhere, so that facts often lie
just on the edge of a window, or one microsecond beside it.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import attrs

from crmkit._time import CalendarSpan, Span
from crmkit.engagement import EngagementPolicy, Temperature
from crmkit.model import Candidate, Employment, Interaction, Relationship
from crmkit.permission import ContactPolicy, Hours
from crmkit.segmentation import _nodes as nodes
from crmkit.segmentation import event, field
from crmkit.segmentation._nodes import Events, Rule, Where, each
from crmkit.segmentation._seen import seen

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TICK = timedelta(microseconds=1)
KINDS = ("sent", "opened", "replied", "x-lunch")
OTHERS = ("met", "consented", "unsubscribed", "withdrew_consent", "complained", "bounced")
RARE = ("applied", "rejected", "hired", "left", "delivered", "messaged", "paused", "resumed")
RARE += ("captured", "verified", "clicked", "promoted", "auto_replied", "noted")
ZONES = tuple(
    map(ZoneInfo, ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"))
)
INSTANTS = tuple(
    datetime.fromisoformat(text)
    for text in (
        "2026-03-02T09:00Z",
        "2026-01-31T09:00Z",
        "2026-01-30T23:30Z",  # 31 January in Berlin
        "2026-02-28T09:00Z",
        "2024-02-29T09:00Z",
        "2024-02-28T23:30Z",  # 29 February in Berlin
        "2025-12-31T23:59:59.999999Z",
        "2026-02-28T01:30Z",  # a month before the gap in Berlin
        "2026-02-08T07:30Z",  # a month before the gap in New York
        "2026-03-29T01:00Z",  # clocks go forward in Berlin
        "2025-10-26T00:30Z",  # the first 02:30 of the fold in Berlin
        "2025-10-26T01:30Z",  # the second
        "2025-09-26T00:30Z",  # a month before the fold
        "2025-11-02T05:30Z",  # the fold in New York
        "2011-11-30T20:00Z",  # a month before the day that Apia left out
        "2011-12-30T10:00Z",
    )
)
EXACT = (
    *(timedelta(days=days) for days in (1, 2, 7, 14, 30)),
    *(TICK, timedelta(hours=1), timedelta(hours=36)),
)
CALENDAR = (
    CalendarSpan(months=1),
    CalendarSpan(months=1, zone=ZONES[0]),
    CalendarSpan(months=1, zone=ZONES[1]),
    CalendarSpan(months=2, zone=ZONES[2]),
    CalendarSpan(months=1, zone=ZONES[3]),
    CalendarSpan(months=6),
    CalendarSpan(years=1),
    CalendarSpan(years=1, months=1, zone=ZONES[0]),
)
LONGEST = (timedelta(days=3_000_000), CalendarSpan(years=9000))
NEAR = (timedelta(0), TICK, timedelta(hours=5), timedelta(days=1), timedelta(days=30))
ENGAGEMENTS = (
    EngagementPolicy(),
    EngagementPolicy(),
    EngagementPolicy(weights={"x-lunch": 3, "opened": 0.5}, half_life=timedelta(days=2)),
    EngagementPolicy(weights={"replied": 0, "sent": 1.5}, hot=3, warm=1, cold_after=4),
)
SCORES = (0, 0.5, 1, 1.5, 2, 2.5, 3, 5, 7.5, 10, -1, float("inf"))
POLICIES = (
    ContactPolicy(),
    ContactPolicy(),
    ContactPolicy.consent_only(),
    ContactPolicy(cap=1, cap_window=timedelta(days=2), retention={"GB": timedelta(days=30)}),
    ContactPolicy(hours=Hours.office(unknown_zone="Asia/Tokyo", zone_needed=())),
)
CHANNELS = ("email", "email", "linkedin", "text", "phone", "in_person", "web")
PURPOSES = ("nurture", "nurture", "assessment", "parties")
OUTCOMES = (None, None, "positive", "negative", "Later", "soft")
MIXED: tuple[Any, ...] = (
    *(None, True, False, 0, 1, 1.0, 2, 2.5, -1, 10**30, "1", "a", "abc", "", float("nan")),
    *((), (1, "a"), ("a", True), {"a": 1}, NOW, INSTANTS[1]),
)
"""What a custom field or a property of an interaction may hold."""
ASKED: tuple[Any, ...] = (True, False, 0, 1, 1.0, 2, 2.5, "1", "a", "abc", NOW, INSTANTS[1])
"""What a rule may compare them with."""
_EMAILS = ("ada@example.org", "byron@example.org")
_LINKS = ("https://example.org/ada", "https://www.linkedin.com/in/ada")
_LISTED = ("p1", "p2", "p3", "old", "nobody")


def random_span(rng: Random) -> Span:
    """Return an exact span or one by the calendar, of any zone; seldom one past all calendars."""
    if rng.random() < 0.01:
        return rng.choice(LONGEST)
    return rng.choice(EXACT if rng.random() < 0.6 else CALENDAR)


def plus(instant: datetime, span: Span, times: int = 1) -> datetime:
    """Return *instant* + *times* spans, or *instant* itself where no calendar has that."""
    try:
        if isinstance(span, CalendarSpan):
            return span.after(instant, times)
        return instant + span * times
    except (OverflowError, ValueError):
        return instant


# People


def random_instant(rng: Random, base: datetime) -> datetime:
    """Return an instant on, near or a span beside *base*, before it more often than after."""
    chance = rng.random()
    if chance < 0.15:
        return base
    if chance < 0.2:
        return rng.choice(INSTANTS)
    span = rng.choice(EXACT) if chance < 0.7 else rng.choice(CALENDAR)
    times = rng.choice((-3, -2, -1, -1, -1, 1))
    return plus(base, span, times) + rng.choice((0, 0, 0, 0, -1, 1)) * TICK


def random_fact(rng: Random, who: str, at: datetime) -> Interaction:
    """Return what happened at *at*, with every attribute missing now and then."""
    chance = rng.random()
    kind = rng.choice(KINDS if chance < 0.8 else OTHERS if chance < 0.92 else RARE)
    known: dict[str, Any] = {}
    properties = _properties(rng, kind, at)
    if rng.random() < 0.3:
        known["automated"] = rng.choice((True, True, False))
    if rng.random() < 0.4:
        known["outcome"] = rng.choice(OUTCOMES)
    if rng.random() < 0.2:
        known["channel"] = rng.choice(CHANNELS)
    if rng.random() < 0.15:
        known |= {"touch": rng.choice(("welcome", "check-in")), "rotation": rng.choice((0, 1))}
    if rng.random() < 0.1:
        known |= {"role_id": rng.choice(("be-1", "ml-2")), "enrollment_id": "e"}
    found = Interaction(candidate_id=who, kind=kind, at=at, properties=properties, **known)
    return attrs.evolve(found, id=f"host-{rng.randrange(99)}-{found.id}") if chance < 0.3 else found


def _properties(rng: Random, kind: str, at: datetime) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    if rng.random() < 0.4:
        properties |= {"stage": rng.choice(MIXED)}
    if kind in {"consented", "withdrew_consent"}:
        properties |= {"purpose": rng.choice((*PURPOSES, *PURPOSES, 5))}
        if rng.random() < 0.5:
            properties |= {"expires_at": rng.choice((random_instant(rng, at), "soon", None))}
    if kind in {"bounced", "verified"}:
        properties |= {"address": rng.choice((*_EMAILS, None))}
    if kind == "paused" and rng.random() < 0.7:
        properties |= {"until": rng.choice((plus(at, EXACT[2]), at, "soon"))}
    return properties


def random_candidate(rng: Random, base: datetime) -> Candidate:
    """Return a person most of whose fields are unknown."""
    known: dict[str, Any] = {}

    def maybe(name: str, chance: float, choices: Sequence[Any]) -> None:
        if rng.random() < chance:
            known[name] = rng.choice(choices)

    maybe("emails", 0.8, (_EMAILS, _EMAILS[:1]))
    maybe("phones", 0.3, (["+44 20 7946 0000"],))
    maybe("links", 0.3, (_LINKS, _LINKS[:1]))
    maybe("title", 0.4, ("Engineer", "engineer, 2nd", "Ing<enieur>"))
    maybe("source", 0.5, ("sourced", "event", "alumni"))
    maybe("seniority", 0.5, ("junior", "mid", "senior"))
    maybe("salary", 0.5, (0, 100, 1e6, float("nan")))
    maybe("years_experience", 0.3, (0, 5, 2.5))
    maybe("skills", 0.5, (("python",), ("Python", "go"), ("größe", "c++", "go")))
    maybe("country", 0.6, ("DE", "FR", "AT", "GB"))
    maybe("timezone", 0.4, ("Europe/Berlin", "America/New_York"))
    maybe("interest", 0.4, ("later", "later", "open"))
    maybe("interested_from", 0.5, (random_instant(rng, base),))
    maybe("do_not_contact", 0.05, (True,))
    maybe("erased", 0.05, (True,))
    maybe("external_ids", 0.3, ({"ats": "7"}, {"ats": "8", "x": "9"}))
    maybe("aliases", 0.3, (("old",), ("old", "older")))
    if rng.random() < 0.2:
        known["employments"] = [
            Employment(company="Acme", since=rng.choice((None, "2020-01-31"))),
            Employment(company="Initech", title=rng.choice((None, "Engineer"))),
        ]
    if rng.random() < 0.7:
        value = rng.choice((*MIXED, random_instant(rng, base), random_instant(rng, base)))
        known["custom"] = {"visa": value, "level": rng.choice(MIXED)}
    return Candidate(id=f"p{rng.randrange(99)}", **known)


def random_relationship(rng: Random) -> Relationship:
    """Return a person with nothing up to a dozen facts: twins, repeats and the future included."""
    base = rng.choice(INSTANTS) if rng.random() < 0.7 else NOW
    person = random_candidate(rng, base)
    facts: list[Interaction] = []
    for _ in range(rng.choice((0, 1, 4, 6, 8, 10, 12, 12))):
        if facts and rng.random() < 0.15:
            twin = rng.choice(facts)
            facts.append(rng.choice((twin, attrs.evolve(twin, id=f"twin-{len(facts)}"))))
            continue
        near = rng.choice(facts).at if facts and rng.random() < 0.5 else base
        at = near if rng.random() < 0.1 else random_instant(rng, near)
        facts.append(random_fact(rng, rng.choice(person.ids), at))
    rng.shuffle(facts)
    return Relationship(person, facts)


# Instants


def spans_of(rule: Rule) -> list[Span]:
    """Return every span that a rule names, and the year of its anniversaries."""
    found: list[Span] = []
    for node in each(rule):
        names = ("within", "lag", "span", "every", "gap", "before", "after")
        given = [getattr(node, name, None) for name in names]
        found += [span for span in given if isinstance(span, timedelta | CalendarSpan)]
        if isinstance(node, nodes.FieldAnniversary | nodes.EventAnniversary):
            found.append(CalendarSpan(years=1, zone=node.zone))
    return found


def anchors_of(relationship: Relationship) -> list[datetime]:
    """Return every instant that a person and their history hold."""
    person = relationship.candidate
    found: list[object] = [person.interested_from, *person.custom.values()]
    for fact in relationship.history:
        found += [fact.at, *(fact.properties.get(name) for name in ("expires_at", "until"))]
    return [instant for instant in found if isinstance(instant, datetime)]


def random_now(rng: Random, relationship: Relationship, rule: Rule | None = None) -> datetime:
    """Return an instant, most often on or one microsecond beside the edge of some window."""
    anchors = anchors_of(relationship)
    chance = rng.random()
    if not anchors or chance < 0.1:
        return rng.choice(INSTANTS)
    if rule is not None and rng.random() < 0.7:
        kinds = seen(rule)
        anchors = [fact.at for fact in relationship.history if fact.kind in kinds] or anchors
    at = max(anchors) if rng.random() < 0.4 else rng.choice(anchors)
    if chance < 0.2:
        return at
    spans = spans_of(rule) if rule is not None and rng.random() < 0.8 else []
    for _ in range(rng.choice((1, 1, 2))):
        span = rng.choice(spans) if spans else random_span(rng)
        at = plus(at, span, rng.choice((1, 1, 1, 1, 2, 3, -1)))
    try:
        return at + rng.choice((-1, 0, 0, 0, 1)) * TICK
    except OverflowError:
        return NOW


# Rules

_KNOWN_PATHS: tuple[tuple[str, ...], ...] = (
    *(("source",), ("title",), ("skills",), ("salary",), ("interested_from",), ("employments",)),
    *(("custom", "visa"), ("custom",), ("external_ids", "ats"), ("employments", "since")),
    *(("employments", "title"), ("seniority",), ("timezone",), ("erased",)),
)
_INSTANT_PATHS = (("interested_from",), ("interested_from",), ("custom", "visa"))
_ORDERS = ("<", "<=", ">", ">=")


def _field_test(rng: Random) -> Rule:  # noqa: C901 - one case for each type
    match rng.randrange(13):
        case 0:
            return nodes.FieldTest(rng.choice(_KNOWN_PATHS), "known")
        case 1:
            salary = (0, 50, 100, 1e6)
            return nodes.FieldTest(("salary",), rng.choice(("==", *_ORDERS)), rng.choice(salary))
        case 2:
            return field.salary.between(*sorted(rng.choices((0, 50, 100, 1e6), k=2)))
        case 3:
            rank = rng.choice(("junior", "mid", "lead"))
            return nodes.FieldTest(("seniority",), rng.choice(("==", *_ORDERS)), rank)
        case 4:
            return field.source.is_in(*rng.choices(("sourced", "event", "alumni"), k=2))
        case 5:
            op = rng.choice(("contains", "starts_with", "ends_with", "=="))
            return nodes.FieldTest(("title",), op, rng.choice(("Eng", "Engineer", "nd", "<")))
        case 6:
            skills = rng.choices(("python", "go", "rust", "GRÖSSE"), k=rng.choice((1, 2)))
            return nodes.FieldTest(("skills",), rng.choice(("has_any", "has_all")), skills)
        case 7:
            at = rng.choice(INSTANTS)
            return nodes.FieldTest(("interested_from",), rng.choice(("==", *_ORDERS)), at)
        case 8:
            companies = rng.choices(("Acme", "Initech", "acme"), k=rng.choice((1, 2)))
            path = ("employments", "company")
            return nodes.FieldTest(path, rng.choice(("has_any", "has_all")), companies)
        case 9:
            zone = field.timezone == "Europe/Berlin"
            others = (zone, field.do_not_contact == True, field.erased == False)  # noqa: E712
            return rng.choice((*others, field.external_ids["ats"] == "7"))
        case 10:
            return field.interested_from.on(NOW.date(), rng.choice(ZONES))
        case _:
            return _custom_test(rng)


def _custom_test(rng: Random) -> Rule:
    path = ("custom", rng.choice(("visa", "visa", "level", "missing")))
    op = rng.choice(
        ("==", "in", "has_any", "has_all", "between", "contains", "ends_with", *_ORDERS)
    )
    if op in _ORDERS:
        return nodes.FieldTest(path, op, rng.choice([one for one in ASKED if one not in {True, 0}]))
    if op == "between":
        low_high = rng.choice(((0, 2), (1, 1.0), ("1", "a"), (INSTANTS[1], NOW)))
        return nodes.FieldTest(path, op, low_high)
    if op in {"contains", "ends_with"}:
        return nodes.FieldTest(path, op, rng.choice(("a", "bc")))
    wanted = rng.choice(ASKED) if op == "==" else rng.choices(ASKED, k=rng.choice((1, 2)))
    return nodes.FieldTest(path, op, wanted)


def _field_age(rng: Random) -> Rule:
    op = rng.choice(("within", "older_than"))
    if op == "older_than" and rng.random() < 0.2:
        return nodes.FieldAge(rng.choice(_INSTANT_PATHS), op, timedelta(0))
    return nodes.FieldAge(rng.choice(_INSTANT_PATHS), op, random_span(rng))


def _near(rng: Random) -> tuple[timedelta, timedelta, ZoneInfo | None]:
    before, after = rng.choice(NEAR), rng.choice(NEAR)
    if before + after == timedelta(0):
        after = TICK
    return before, after, rng.choice((None, *ZONES))


def random_where(rng: Random) -> Where:
    """Return a test of an attribute or property, positive or negative."""
    holds = rng.random() < 0.65
    match rng.randrange(8):
        case 0:
            name = rng.choice(("outcome", "channel", "stage", "rotation", "role_id", "missing"))
            return Where(name, "known", None, holds)
        case 1:
            return Where("outcome", "in", tuple(rng.choices(OUTCOMES[2:], k=2)), holds)
        case 2:
            return Where("outcome", rng.choice(("contains", "starts_with")), "pos", holds)
        case 3:
            return Where("channel", "in", (rng.choice(CHANNELS),), holds)
        case 4:
            return Where("rotation", rng.choice(("<", ">=")), 1, holds)
        case 5:
            return Where("touch", "in", ("welcome",), holds)
        case 6:
            op = rng.choice(_ORDERS)
            wanted = rng.choice([one for one in ASKED if not isinstance(one, bool)])
            return Where("stage", op, wanted, holds)
        case _:
            return Where("stage", "in", tuple(rng.choices(ASKED, k=rng.choice((1, 2)))), holds)


def random_events(rng: Random) -> Events:
    """Return which interactions a rule looks at; most often all of one or two kinds."""
    few = rng.choices((*KINDS * 5, *OTHERS, "applied"), k=rng.choice((1, 2, 2, 3)))
    where = [random_where(rng) for _ in range(rng.choice((0, 0, 0, 0, 0, 0, 0, 1, 1, 2)))]
    usual = ((False, None), (False, None), (True, False, None))
    authors = (*usual * 3, (True,), (False,), (None,))
    since = rng.choice(INSTANTS) if rng.random() < 0.08 else None
    before = plus(since or rng.choice(INSTANTS), EXACT[4]) if rng.random() < 0.05 else None
    return Events(tuple(few), tuple(where), rng.choice(authors), since, before)


def _maybe_span(rng: Random, chance: float) -> Span | None:
    return random_span(rng) if rng.random() < chance else None


def _event_count(rng: Random) -> Rule:
    low = rng.choice((0, 0, 1, 1, 1, 2, 3))
    high = low + rng.choice((0, 0, 1)) if rng.random() < 0.4 or not low else None
    within, lag = _maybe_span(rng, 0.7), _maybe_span(rng, 0.2)
    return nodes.EventCount(random_events(rng), low, high, within, lag)


def _which(rng: Random) -> str:
    return rng.choice(("first", "last"))


def _event_age(rng: Random) -> Rule:
    op = rng.choice(("within", "older_than"))
    return nodes.EventAge(random_events(rng), _which(rng), op, random_span(rng))


def _regular(rng: Random) -> Rule:
    every = rng.choice((*EXACT[:3], EXACT[6], *CALENDAR[:3]))
    periods = rng.choice((1, 2, 3, 4, 8))
    return nodes.EventRegular(random_events(rng), rng.randint(1, periods), periods, every)


def _stopped(rng: Random) -> Rule:
    of = event(*rng.choices(KINDS, k=2))
    return of.stopped(random_span(rng), active=_maybe_span(rng, 0.5), at_least=rng.choice((1, 2)))


def _bucket(rng: Random) -> Rule:
    low, high = sorted(rng.sample((0.0, 0.1, 0.25, 0.5, 0.9, 1.0), k=2))
    return nodes.Bucket(rng.choice(("new", "old")), low, high)


LEAVES: dict[type[Rule], Callable[[Random], Rule]] = {
    nodes.Everyone: lambda rng: nodes.Everyone(),
    nodes.FieldTest: _field_test,
    nodes.FieldAge: _field_age,
    nodes.FieldAnniversary: lambda rng: nodes.FieldAnniversary(
        rng.choice(_INSTANT_PATHS), *_near(rng)
    ),
    nodes.EventCount: _event_count,
    nodes.EventAge: _event_age,
    nodes.EventAnniversary: lambda rng: nodes.EventAnniversary(
        random_events(rng), _which(rng), *_near(rng)
    ),
    nodes.EventWhere: lambda rng: nodes.EventWhere(
        random_events(rng), _which(rng), random_where(rng)
    ),
    nodes.EventAfter: lambda rng: nodes.EventAfter(
        random_events(rng), random_events(rng), _maybe_span(rng, 0.6)
    ),
    nodes.EventStands: lambda rng: nodes.EventStands(random_events(rng), random_events(rng)),
    nodes.EventRegular: _regular,
    nodes.EventRestarted: lambda rng: nodes.EventRestarted(
        random_events(rng), rng.choice((*EXACT, CALENDAR[1])), random_span(rng)
    ),
    nodes.ScoreTest: lambda rng: nodes.ScoreTest(
        rng.choice(_ORDERS), rng.choice(SCORES), rng.choice(ENGAGEMENTS)
    ),
    nodes.TemperatureTest: lambda rng: nodes.TemperatureTest(
        tuple(rng.sample(list(Temperature), k=rng.choice((1, 2)))), rng.choice(ENGAGEMENTS)
    ),
    nodes.Permitted: lambda rng: nodes.Permitted(
        rng.choice(CHANNELS), rng.choice(PURPOSES), rng.choice(POLICIES)
    ),
    nodes.Consented: lambda rng: nodes.Consented(rng.choice(PURPOSES)),
    nodes.Suppressed: lambda rng: nodes.Suppressed(rng.choice(CHANNELS)),
    nodes.Listed: lambda rng: nodes.Listed(tuple(rng.choices(_LISTED, k=2))),
    nodes.Bucket: _bucket,
}
"""How a random leaf of each kind is made; `Member` needs to know which segments there are."""

_OFTEN = (*LEAVES, *[nodes.EventCount] * 4, *[nodes.FieldTest] * 3, nodes.EventAge)


def random_leaf(rng: Random, members: Sequence[str] = ()) -> Rule:
    """Return a rule without others in it, of any kind; seldom the two that ``stopped`` joins."""
    if members and rng.random() < 0.2:
        return nodes.Member(rng.choice(members))
    if rng.random() < 0.03:
        return _stopped(rng)
    return LEAVES[rng.choice(_OFTEN)](rng)


def random_rule(rng: Random, depth: int = 3, *, members: Sequence[str] = (), held: int = 1) -> Rule:
    """Return a rule at most so deep, with references to *members* if there are any.

    At most *held* rules of the kind `Held` are inside one another.
    """
    chance = rng.random()
    if depth <= 1 or chance < 0.15:
        return random_leaf(rng, members)
    if held and chance < 0.25:
        inner = random_rule(rng, depth - 1, members=members, held=held - 1)
        span = rng.choice((*EXACT, *CALENDAR))
        return nodes.Held(inner, span)
    if chance < 0.4:
        return ~random_rule(rng, depth - 1, members=members, held=held)
    parts = tuple(
        random_rule(rng, depth - 1, members=members, held=held)
        for _ in range(rng.choice((1, 2, 2, 3)))
    )
    return nodes.AllOf(parts) if rng.random() < 0.5 else nodes.AnyOf(parts)
