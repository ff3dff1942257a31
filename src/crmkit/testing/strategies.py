"""Hypothesis strategies for records: varied and nasty on purpose.

They need Hypothesis, and are not imported by `crmkit.testing`: say
``from crmkit.testing import strategies``. Instants crowd around `NOW`, on and one microsecond
beside the edges of the usual windows; facts come twice, and from the future; names come in every
script; most fields of most people are unknown.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, available_timezones

import attrs
from hypothesis import strategies as st

from crmkit.model import (
    KINDS,
    Candidate,
    Channel,
    Consent,
    Employment,
    History,
    Interaction,
    Interest,
    Message,
    Relationship,
    Role,
    Seniority,
    Source,
)

T = TypeVar("T")
Strategy = st.SearchStrategy

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
"""The instant that generated facts crowd around; ask rules and plans about it."""

SKILLS = ("python", "go", "sql", "ml", "c++", "c#", "größe", "日本語", "node.js")
"""The skills that people and roles share, so that some match."""

_EDGES = tuple(timedelta(days=days) for days in (0, 1, 7, 14, 30, 90, 180, 182, 252, 365, 730))
_TICKS = tuple(timedelta(microseconds=tick) for tick in (-1, 0, 1))
_TURNS = tuple(
    datetime.fromisoformat(text)
    for text in (
        "2024-02-29T12:00Z",  # a day that most years lack
        "2025-12-31T23:59:59.999999Z",
        "2026-03-08T07:00Z",  # clocks go forward in New York
        "2026-03-29T01:00Z",  # clocks go forward in Europe
        "2026-10-25T00:30Z",  # clocks go back in Europe
        "1970-01-01T00:00Z",
        "1969-12-31T23:59:59.999999Z",
        "2038-01-19T03:14:08Z",  # past 32 bits of seconds
    )
)
_NASTY = (
    "Ada Byron",
    "Søren Åström",
    "Nguyễn Thị Minh Khai",
    "山田 太郎",
    "مريم البغدادي",
    "Zoë 👩🏽‍💻",
    "O'Brien; DROP TABLE candidates",
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "$name ${title} {{ name }} %s",
    "e\N{COMBINING ACUTE ACCENT}",
    "null",
    "x" * 300,
)


def instants(around: datetime = NOW, *, future: bool = True) -> Strategy[datetime]:
    """Return instants in UTC, most on or one microsecond beside a window's edge at *around*.

    Without *future*, none is after *around*.
    """
    signs = (-1, 1) if future else (-1,)
    near = st.builds(
        lambda sign, edge, tick: around + sign * edge + tick,
        st.sampled_from(signs),
        st.sampled_from(_EDGES),
        st.sampled_from(_TICKS),
    )
    years = st.integers(-730 * 24 * 60, 730 * 24 * 60 if future else 0)
    within_two_years = years.map(lambda minutes: around + timedelta(minutes=minutes))
    found = st.one_of(near, within_two_years, st.sampled_from(_TURNS))
    return found if future else found.filter(lambda instant: instant <= around)


@cache
def _zone_names() -> tuple[str, ...]:
    return tuple(sorted(available_timezones()))


def zones() -> Strategy[ZoneInfo]:
    """Return any IANA zone that this system knows."""
    return st.deferred(lambda: st.sampled_from(_zone_names())).map(ZoneInfo)


def texts() -> Strategy[str]:
    """Return one line of text as records keep it: not blank, without control characters."""
    letters = st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"))
    typed = st.text(letters, min_size=1, max_size=20).map(str.strip).filter(bool)
    return st.one_of(st.sampled_from(_NASTY), typed)


def ids() -> Strategy[str]:
    """Return ids: short and plain, so that they collide, or any text at all."""
    return st.one_of(st.sampled_from(("ada", "bob", "c-3", "Ada", "x/y", "7")), texts())


def kinds() -> Strategy[str]:
    """Return interaction kinds: every one of ours, and hosts' own."""
    hosts = st.sampled_from(("x-lunch", "x-Ω", "x-a b", "x--"))
    return st.one_of(st.sampled_from(sorted(KINDS)), hosts)


def values() -> Strategy[Any]:
    """Return JSON values and instants, nested; no NaN, which equals nothing, itself included."""
    leaves = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**70), 2**70),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=10),
        instants(),
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(st.lists(inner, max_size=3), properties(inner)),
        max_leaves=5,
    )


def properties(of: Strategy[Any] | None = None) -> Strategy[dict[str, Any]]:
    """Return names with values, as `Interaction.properties` and the ``custom`` fields take them."""
    names = st.one_of(
        st.sampled_from(("visa", "url", "at", "$instant", "a.b")), st.text(max_size=6)
    )
    return st.dictionaries(names, values() if of is None else of, max_size=4)


def _or_none(strategy: Strategy[T]) -> Strategy[T | None]:
    return st.one_of(st.none(), strategy)


_Fact = Callable[[str], Interaction]


def _facts(at: Strategy[datetime] | None, kind: Strategy[str] | None) -> Strategy[_Fact]:
    outcome = st.sampled_from((None, None, "positive", "negative", "later"))
    rest = st.fixed_dictionaries(
        {"id": st.booleans()},
        optional={
            "channel": st.sampled_from(Channel),
            "outcome": st.one_of(outcome, texts()),
            "role_id": st.sampled_from((None, "be-1", "ml-2")),
            "enrollment_id": st.just("enrolment-1"),
            "touch": st.sampled_from(("welcome", "check-in")),
            "rotation": st.integers(0, 3),
            "properties": properties(),
        },
    )

    def build(kind: str, at: datetime, automated: object, rest: dict[str, Any]) -> _Fact:
        known = {"kind": kind, "at": at, "automated": automated, **rest}
        hosts_id = known.pop("id", False)

        def fact(candidate_id: str) -> Interaction:
            found = Interaction(candidate_id=candidate_id, **known)
            return attrs.evolve(found, id=f"host-{found.id}") if hosts_id else found

        return fact

    return st.builds(
        build,
        kinds() if kind is None else kind,
        instants() if at is None else at,
        st.sampled_from((None, False, True)),
        st.one_of(st.just({}), st.fixed_dictionaries({"outcome": outcome}), rest),
    )


def interactions(
    candidate_id: str | Strategy[str] = "ada",
    *,
    at: Strategy[datetime] | None = None,
    kind: Strategy[str] | None = None,
) -> Strategy[Interaction]:
    """Return facts about *candidate_id*, some in the future, some with an id of the host's."""
    whose = st.just(candidate_id) if isinstance(candidate_id, str) else candidate_id
    return st.builds(lambda fact, whose: fact(whose), _facts(at, kind), whose)


def histories(
    candidate_id: str | Strategy[str] = "ada",
    *,
    at: Strategy[datetime] | None = None,
    kind: Strategy[str] | None = None,
    max_size: int = 8,
) -> Strategy[History]:
    """Return histories, the empty one among them; several facts at one instant are common."""
    facts = interactions(candidate_id, at=at, kind=kind)
    return st.lists(facts, max_size=max_size).map(History)


def addresses() -> Strategy[str]:
    """Return e-mail addresses as `Candidate.emails` keeps them, international ones among them."""
    local = st.sampled_from(
        ("ada", "Ada.Byron+crm", "o'brien", "søren", "山田", "x" * 64, "!#$%&*")
    )
    host = st.sampled_from(("example.org", "mail.example.com", "bücher.example", "例え.jp", "host"))
    return st.builds("{}@{}".format, local, host)


def employments() -> Strategy[Employment]:
    """Return jobs, with and without dates; none ends before it began."""
    days = st.dates(date(1980, 1, 1), date(2030, 12, 31))
    spans = st.tuples(_or_none(days), _or_none(days)).map(
        lambda span: tuple(sorted(span)) if None not in span else span  # type: ignore[type-var]
    )
    return st.builds(
        lambda company, title, span: Employment(
            company=company, title=title, since=span[0], until=span[1]
        ),
        texts(),
        _or_none(texts()),
        spans,
    )


def candidates(candidate_id: str | Strategy[str] | None = None) -> Strategy[Candidate]:
    """Return people, most of whose fields are unknown."""
    whose = ids() if candidate_id is None else candidate_id
    fields: dict[str, Strategy[Any]] = {
        "name": texts(),
        "emails": st.lists(addresses(), max_size=3),
        "phones": st.lists(st.sampled_from(("+49 30 901820", "555-0100")), max_size=2),
        "links": st.lists(st.just("https://example.org/ada?x=1&y=<2>"), max_size=1),
        "company": texts(),
        "title": texts(),
        "function": st.sampled_from(("engineering", "design", "sales")),
        "seniority": st.sampled_from(Seniority),
        "years_experience": st.floats(0, 60),
        "skills": st.lists(st.one_of(st.sampled_from(SKILLS), texts()), max_size=5),
        "topics": st.lists(st.sampled_from(SKILLS), max_size=2),
        "summary": texts(),
        "employments": st.lists(employments(), max_size=2),
        "country": st.sampled_from(("DE", "FR", "AT", "GB", "US", "jp")),
        "region": texts(),
        "city": st.one_of(st.sampled_from(("Berlin", "Paris")), texts()),
        "timezone": zones(),
        "language": st.sampled_from(("en", "de-AT", "zh-Hant")),
        "salary": st.floats(0, 1e7),
        "source": st.sampled_from(Source),
        "interest": st.sampled_from(Interest),
        "interested_from": instants(),
        "preferred_channel": st.sampled_from(Channel),
        "owner": ids(),
        "do_not_contact": st.booleans(),
        "erased": st.booleans(),
        "external_ids": st.dictionaries(st.sampled_from(("ats", "lever")), ids(), max_size=2),
        "aliases": st.lists(ids(), max_size=2),
        "custom": properties(),
    }
    known = st.fixed_dictionaries({}, optional=fields)
    return st.builds(
        lambda whose, known: Candidate(id=whose, **known),
        st.just(whose) if isinstance(whose, str) else whose,
        known,
    )


def relationships(
    candidate: Strategy[Candidate] | None = None,
    *,
    at: Strategy[datetime] | None = None,
    kind: Strategy[str] | None = None,
    max_size: int = 8,
) -> Strategy[Relationship]:
    """Return people with their histories; facts of merged records carry the old id."""
    facts = st.tuples(_facts(at, kind), st.integers(0, 2))

    def build(person: Candidate, found: list[tuple[_Fact, int]]) -> Relationship:
        ids = person.ids
        return Relationship(person, [fact(ids[index % len(ids)]) for fact, index in found])

    people = candidates() if candidate is None else candidate
    return st.builds(build, people, st.lists(facts, max_size=max_size))


def roles() -> Strategy[Role]:
    """Return openings that ask for some of `SKILLS`; none closes before it opens."""
    fields: dict[str, Strategy[Any]] = {
        "skills": st.lists(st.sampled_from(SKILLS), max_size=4),
        "nice_to_have": st.lists(st.sampled_from(SKILLS), max_size=2),
        "function": st.sampled_from(("engineering", "design", "sales")),
        "seniority": st.sampled_from(Seniority),
        "country": st.sampled_from(("DE", "FR", "GB")),
        "region": texts(),
        "city": st.sampled_from(("Berlin", "Paris")),
        "remote": st.booleans(),
        "opened_at": instants(future=False),
        "closed_at": instants().filter(lambda instant: instant >= NOW),
        "custom": properties(),
    }
    return st.builds(
        lambda role_id, title, known: Role(id=role_id, title=title, **known),
        ids(),
        texts(),
        st.fixed_dictionaries({}, optional=fields),
    )


def consents() -> Strategy[Consent]:
    """Return what people agreed to, some of it expired already."""
    return st.builds(
        Consent,
        at=instants(),
        purpose=st.sampled_from(("nurture", "assessment", "texts")),
        wording=_or_none(texts()),
        source=_or_none(texts()),
        expires_at=_or_none(instants()),
    )


def messages() -> Strategy[Message]:
    """Return e-mails that a sender must take: any key, subject, text and page in any script."""
    letters = st.characters(exclude_categories=("Cc", "Cs"), include_characters="\n\t")
    return st.builds(
        Message,
        key=ids(),
        candidate_id=ids(),
        to=st.sampled_from(("ada@example.org", "o'brien+crm@mail.example.com")),
        subject=st.one_of(st.just(""), texts()),
        body=st.text(letters, max_size=200),
        html=_or_none(st.text(letters, max_size=200)),
        thread=_or_none(ids()),
        replies_to=st.lists(ids(), max_size=15),
        list_id=_or_none(texts()),
        unsubscribe=_or_none(st.just("https://talent.example.org/u/AQ-_")),
    )
