"""Hypothesis strategies for cadences, their texts and their content."""

from datetime import date, timedelta

from hypothesis import strategies as st

from crmkit.cadence import Cadence, ContentChoice, Library, Pace, Piece, Playbook, Touch, Variant
from crmkit.model import CalendarSpan, Channel, Seniority
from crmkit.testing import strategies as ours

TAGS = st.sampled_from(("ml", "python", "go", "größe", "hiring"))
KINDS = st.sampled_from(("post", "talk", "report", "salary data"))
LANGUAGES = st.sampled_from(("en", "en-GB", "de", "de-AT", "zh-Hant"))
FUNCTIONS = st.sampled_from(("engineering", "design"))
DAYS = st.dates(date(2026, 2, 26), date(2026, 3, 8))
TEXTS = st.one_of(
    st.sampled_from(("$greeting\n\n$piece_title\n$piece_url", "costs $$5", "at $company", "")),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
)


def few(of, most=2):
    return st.lists(of, max_size=most, unique=True)


@st.composite
def pieces(draw, key=None):
    published, until = draw(st.none() | DAYS), draw(st.none() | DAYS)
    if published and until and until < published:
        published, until = until, published
    return Piece(
        id=key or draw(ours.ids()),
        title=draw(ours.texts()),
        url=draw(st.sampled_from((None, "https://example.org/a?b=1&c=2"))),
        kind=draw(KINDS),
        topics=draw(few(TAGS)),
        functions=draw(few(FUNCTIONS, 1)),
        seniorities=draw(few(st.sampled_from(Seniority))),
        languages=draw(few(LANGUAGES)),
        published=published,
        until=until,
        summary=draw(st.just("") | ours.texts()),
    )


@st.composite
def libraries(draw, most=8):
    many = draw(st.integers(0, most))
    return Library([draw(pieces(f"p{number}")) for number in range(many)])


def choices():
    orders = st.permutations(["topics", "skills", "function"])
    by = st.tuples(orders, st.integers(1, 3)).map(lambda pair: pair[0][: pair[1]])
    return st.builds(ContentChoice, kinds=few(KINDS), by=by, needed=st.booleans())


def variants():
    one = st.builds(
        Variant,
        name=ours.texts(),
        weight=st.floats(1e-3, 1000),
        subject=st.just("") | ours.texts(),
        bodies=st.lists(TEXTS, max_size=2),
    )
    return st.lists(one, max_size=3, unique_by=lambda variant: variant.name)


@st.composite
def touches(draw, key, week):
    channel = draw(st.sampled_from(Channel))
    others = [each for each in Channel if each is not channel]
    return Touch(
        key=key,
        week=week,
        day=draw(st.integers(0, 2)),
        purpose=draw(ours.texts()),
        level=draw(st.integers(1, 5)),
        channel=channel,
        fallback=draw(few(st.sampled_from(others))),
        deadline=draw(st.none() | st.timedeltas(timedelta(seconds=1), timedelta(weeks=60))),
        was=[f"{key}-{number}" for number in range(draw(st.integers(0, 2)))],
        subject=draw(st.just("") | ours.texts()),
        bodies=draw(st.lists(TEXTS, max_size=3)),
        content=draw(st.none() | choices()),
        variants=draw(variants()),
    )


@st.composite
def paces(draw):
    hot, warm, unknown, cooling, cold = sorted(
        draw(st.lists(st.floats(0.01, 100), min_size=5, max_size=5))
    )
    return Pace(
        hot=hot,
        warm=warm,
        unknown=unknown,
        cooling=cooling,
        cold=cold,
        least_gap=draw(st.timedeltas(timedelta(0), timedelta(days=5))),
        greatest_gap=draw(st.timedeltas(timedelta(days=6), timedelta(weeks=60))),
        archive_after=draw(st.integers(1, 100)),
        eager_after=draw(st.integers(1, 10)),
    )


@st.composite
def cadences(draw, name=None):
    weeks = sorted(draw(st.lists(st.integers(0, 50), min_size=1, max_size=4, unique=True)))
    found = [draw(touches(f"t{index}", week)) for index, week in enumerate(weeks)]
    every = draw(
        st.none() | st.builds(CalendarSpan, years=st.integers(1, 3), months=st.integers(0, 5))
    )
    return Cadence(
        name=name or draw(ours.texts()),
        version=draw(st.integers(1, 10**9)),
        touches=found,
        every=every,
        repeat=draw(st.integers(1, len(found))),
        pace=draw(paces()),
    )


@st.composite
def playbooks(draw):
    known = [draw(cadences(f"c{number}")) for number in range(draw(st.integers(1, 3)))]
    entries = st.tuples(ours.texts(), st.sampled_from(known))
    return Playbook(
        draw(st.lists(entries, max_size=4)),
        otherwise=draw(st.none() | st.sampled_from(known)),
        most=draw(st.integers(1, 3)),
        also=draw(st.lists(st.sampled_from(known), max_size=2)),
    )
