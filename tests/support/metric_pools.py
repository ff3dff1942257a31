"""Random pools for the metrics: every kind of fact, ties, machines, futures, runs, roles.

One maker, two ways to choose: Hypothesis draws small pools that shrink, a seed makes a large one.
"""

from datetime import UTC, datetime, timedelta
from random import Random

import attrs
from hypothesis import strategies as st

from crmkit.engagement import DEFAULT, EngagementPolicy
from crmkit.metrics import Attribution, AttributionRule, Costs, scorecard
from crmkit.model import Candidate, Interaction, Relationship, Role, Source

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
WINDOW = 100 * DAY
COSTS = Costs(internal_crm=1, external_crm=2, internal_cold=3, external_cold=4, currency="EUR")
LEVELS = {"nurture": {"t1": 1, "t2": 2}, "alumni": {"t1": 3}}

MAIL = [
    *["sent"] * 9,
    *["delivered"] * 4,
    *["opened", "clicked", "replied", "replied", "auto_replied"],
    *["bounced", "bounced", "complained", "unsubscribed", "enrolled", "enrolled"],
]
WORK = [
    *["applied", "applied", "screened", "assessed", "interviewed", "offered", "rejected"],
    *["withdrew", "hired", "hired", "left", "messaged", "called", "met"],
]
REST = [
    *["captured", "sourced", "referred", "attended", "signed_up", "visited", "noted"],
    *["consented", "consented", "consented", "withdrew_consent", "updated", "verified", "moved"],
    *["paused", "archived", "converted", "returned", "x-coffee"],
]
PERMISSION = [
    *["consented", "consented", "consented", "unsubscribed", "withdrew_consent"],
    *["bounced", "bounced", "complained", "verified", "verified"],
]
WAITING = ["applied", "interviewed", "sent", "sent", "messaged", "rejected", "updated", "opened"]
FLOWS = [
    MAIL,
    MAIL + WORK,
    [*WORK, "sent"],
    MAIL + WORK + REST,
    REST,
    [*MAIL, "met", *WORK[-6:]],
    PERMISSION,
    WAITING,
]
"""What a person's facts are about: mostly mail, mostly a process, a bit of everything."""

CORNERS = [
    NOW,
    NOW - DAY,
    NOW - WINDOW,
    NOW - WINDOW + TICK,
    NOW - 14 * DAY,
    NOW - 14 * DAY + TICK,
    NOW - 91 * DAY,
    NOW - 91 * DAY + TICK,
    NOW - WINDOW - 365 * DAY,
    NOW - WINDOW - 365 * DAY + TICK,
    NOW + TICK,
    NOW + 10 * DAY,
]
LATELY = [NOW - days * DAY / 2 for days in range(1, 200)]
LONG_AGO = [NOW - days * DAY / 3 for days in range(300, 1500)]
CLOSE = [NOW - days * DAY for days in range(20, 26)]
"""So close together that ties and answers are many."""

ERAS = [
    [CLOSE, CLOSE, LATELY],
    [CLOSE, LATELY, CORNERS],
    [CORNERS],
    [CLOSE, LATELY, LONG_AGO, CORNERS],
]

AUTOMATED = [None, None, False, True]
CHANNELS = [None, "email", "email", None, "email", "text", "linkedin"]
RUNS = ["run", None, "run", "run", "run 2"]
TOUCHES = [None, "t1", None, "t2"]
EMAILS = ["a@x.org", "b@x.org"]


def _shown(fact):
    told = attrs.asdict(fact, recurse=False, filter=lambda field, value: value is not None)
    for name in ("id", "kind", "at"):
        del told[name]
    told["properties"] = dict(fact.properties)
    return f"{fact.kind} at {fact.at} {told}"


@attrs.frozen(repr=False)
class Pool:
    """Everything that a scorecard is made from; as short as a failing example is to be read."""

    people: tuple[Relationship, ...]
    roles: tuple[Role, ...]
    segments: dict[str, frozenset[str]]
    ratings: dict[str, float]

    def __repr__(self):
        lines = [f"{role.id}: {role.opened_at} to {role.closed_at}" for role in self.roles]
        for one in self.people:
            known = attrs.asdict(one.candidate).items()
            lines.append(str({name: value for name, value in known if value}))
            for fact in one.history:
                told = attrs.asdict(fact, recurse=False).items()
                lines.append(f"  { ({k: v for k, v in told if v is not None and k != 'id'}) }")
        return "\n".join(lines)

    def measure(self, **other):
        """Return the scorecard of the pool, as the tests ask for it."""
        told = {"now": NOW, "window": WINDOW, "roles": self.roles, "ratings": self.ratings}
        told |= {"costs": COSTS, "segments": self.segments, "levels": LEVELS}
        return scorecard(self.people, **told | other)


def _instant(choose, era):
    return choose(choose(era))


def _properties(kind, choose):
    """Return what facts of this kind state; leaves out what is not known."""
    stated = {}
    if kind == "enrolled":
        stated["cadence"] = choose(["nurture", "alumni", None, 7])
    elif kind == "sent":
        stated["variant"] = choose([None, None, "a", "b"])
    elif kind == "consented":
        stated["purpose"] = choose([None, "nurture", "newsletter"])
        ends = [None, None, NOW - 30 * DAY, NOW, NOW + TICK, NOW + 40 * DAY]
        stated["expires_at"] = choose(ends)
    elif kind == "withdrew_consent":
        stated["purpose"] = choose([None, "nurture", "newsletter"])
    elif kind in {"bounced", "verified"}:
        stated["address"] = choose([None, None, *EMAILS, "A@X.org", "other@x.org", "+44 20"])
    if kind != "consented" and choose([False] * 19 + [True]):
        stated["simulated"] = True
    return {name: value for name, value in stated.items() if value is not None}


def _fact(who, kind, era, roles, choose):
    about = {}
    if kind in MAIL or kind in PERMISSION:
        about["channel"] = choose(CHANNELS)
        about["enrollment_id"] = choose(RUNS)
        about["touch"] = choose(TOUCHES)
        about["rotation"] = choose([None] * 5 + [0])
    elif kind in WORK:
        about["role_id"] = choose([*roles, None, "gone"])
    if kind == "bounced":
        about["outcome"] = choose([None, "hard", "soft", "Soft"])
    return Interaction(
        candidate_id=who,
        kind=kind,
        at=_instant(choose, era),
        automated=choose(AUTOMATED),
        properties=_properties(kind, choose),
        **about,
    )


def _person(number, roles, choose, most):
    aliases = [f"p{number} before"] if choose([False, False, True]) else []
    flow, era = choose(FLOWS), choose(ERAS)
    facts = [
        _fact(choose([f"p{number}", *aliases]), choose(flow), era, roles, choose)
        for _ in range(choose(range(most + 1)))
    ]
    candidate = Candidate(
        id=f"p{number}",
        aliases=aliases,
        emails=choose([["a@x.org"], ["a@x.org", "b@x.org"], []]),
        phones=choose([[], ["+44 20"]]),
        links=choose([[], ["https://www.linkedin.com/in/a"], ["https://a.example"]]),
        source=choose([None, *Source]),
        erased=choose([False] * 9 + [True]),
        do_not_contact=choose([False] * 9 + [True]),
        custom=choose([{}, {}, {}, {"simulated": True}]),
    )
    known = [*candidate.emails, *candidate.phones, *candidate.links]
    suppressed = {choose(known)} if known and choose([False] * 5 + [True]) else ()
    return Relationship(candidate, facts, suppressed=suppressed)


def _role(name, choose):
    opened = choose([NOW - 60 * DAY, None, _instant(choose, [CORNERS]), _instant(choose, ERAS[-1])])
    closed = choose([None, None, NOW - 21 * DAY, NOW, NOW + 5 * DAY])
    if opened and closed and closed < opened:
        closed = opened
    return Role(id=name, title=name, opened_at=opened, closed_at=closed)


def make_pool(choose, people, most, roles=4):
    """Return a pool of so many people with at most so many facts each; *choose* takes a list."""
    names = [f"r{number}" for number in range(roles)]
    found = tuple(_person(number, names, choose, most) for number in range(people))
    ids = [one.id for one in found]
    return Pool(
        people=found,
        roles=tuple(_role(name, choose) for name in names),
        segments={
            name: frozenset(who for who in ids if choose([True, False])) for name in ("one", "two")
        },
        ratings={who: float(choose(range(1, 6))) for who in ids if choose([True, False])},
    )


WINDOWS = [WINDOW, 7 * DAY, 300 * DAY, 900 * DAY]
POLICIES = [
    DEFAULT,
    EngagementPolicy(weights={"opened": 1, "met": 0, "x-coffee": 2}, cooling_after=1, cold_after=2),
]
SPANS = [180 * DAY, DAY / 2, DAY, 20 * DAY]

questions = st.fixed_dictionaries(
    {
        "window": st.sampled_from(WINDOWS),
        "policy": st.sampled_from(POLICIES),
        "attribution": st.builds(
            Attribution, rule=st.sampled_from(AttributionRule), span=st.sampled_from(SPANS)
        ),
    }
)
"""How the counting may be asked for."""


@st.composite
def pools(draw, people=5, most=14):
    """Draw a pool of a few people."""
    number = draw(st.integers(0, people))
    return make_pool(lambda options: draw(st.sampled_from(options)), number, most)


def seeded_pool(seed, people, most=30, roles=25):
    """Return a large pool, the same for the same seed."""
    return make_pool(Random(seed).choice, people, most, roles)
