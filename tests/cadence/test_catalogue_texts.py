"""The cadences of the field as data: weeks and levels, and texts that never show their seams."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Template

import attrs
import pytest

from crmkit.cadence import (
    ALUMNI,
    CADENCES,
    LONG_TERM,
    POST_EVENT,
    QUARTERLY,
    SEVEN_TOUCH,
    SILVER_MEDALIST,
    WARM_PASSIVE,
    Library,
    Piece,
)
from crmkit.errors import RenderError
from crmkit.lifecycle import TemplateRenderer
from crmkit.model import CalendarSpan, Candidate, Relationship

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ALWAYS = {"greeting", "organization", "signature"}
PIECE = {"piece_title", "piece_url", "piece_summary"}
KNOWN = ALWAYS | PIECE | {"first_name", "company", "title", "topic"}
FULL = Candidate(
    id="ada",
    name="Ada Byron",
    emails=["ada@example.org"],
    company="Analytical Engines",
    title="Countess",
    function="engineering",
    skills=["ml"],
)
BARE = Candidate(id="nobody", emails=["nobody@example.org"])
BARE_PIECE = Piece(id="bare", title="Scaling up")
FULL_PIECE = Piece(
    id="full",
    title="Scaling up",
    url="https://example.org/scaling",
    topics=["ml"],
    summary="What broke first, and what we did about it.",
)
ALL = [(cadence, touch) for cadence in CADENCES.values() for touch in cadence.touches]


def over(found):
    ids = [f"{cadence.name}.{touch.key}" for cadence, touch in found]
    return pytest.mark.parametrize("touch", [touch for _, touch in found], ids=ids)


touches = over(ALL)
carriers = over([(cadence, touch) for cadence, touch in ALL if touch.content])
people = pytest.mark.parametrize("candidate", [FULL, BARE], ids=["full", "bare"])
pieces = pytest.mark.parametrize(
    "piece", [None, BARE_PIECE, FULL_PIECE], ids=["no piece", "bare piece", "full piece"]
)


def names(text):
    assert Template(text).is_valid()
    return set(Template(text).get_identifiers())


def rendered(touch, candidate, piece=None):
    return TemplateRenderer(organization="Engines Ltd").render(
        touch, Relationship(candidate), now=NOW, piece=piece
    )


def test_the_sequence_is_the_field_s():
    """Seven touches at their weeks, with their levels, and the last one yearly."""
    expected = [(0, 2), (2, 4), (6, 2), (12, 5), (18, 4), (26, 3), (36, 2)]
    assert expected == [(touch.week, touch.level) for touch in SEVEN_TOUCH.touches]
    assert (SEVEN_TOUCH.every, SEVEN_TOUCH.repeat) == (CalendarSpan(years=1), 1)


def test_every_cadence_of_the_field_is_there():
    """By the names that documents and playbooks use."""
    assert list(CADENCES) == [
        "seven-touch",
        "quarterly",
        "post-event",
        "silver-medalist",
        "alumni",
        "warm-passive",
        "long-term",
    ]
    assert all(cadence.name == name for name, cadence in CADENCES.items())


@pytest.mark.parametrize(
    ("cadence", "keys"),
    [
        (SEVEN_TOUCH, ["check-in"]),
        (QUARTERLY, []),
        (POST_EVENT, ["check-in"]),
        (SILVER_MEDALIST, ["reach-out"]),
        (ALUMNI, ["check-in", "come-back"]),
        (WARM_PASSIVE, ["check-in", "timing"]),
        (LONG_TERM, []),
    ],
    ids=list(CADENCES),
)
def test_what_is_by_hand(cadence, keys):
    """One-to-one touches are never sent by a machine; nobody is asked to write to the cold."""
    assert keys == [touch.key for touch in cadence.touches if touch.by_hand]


def test_two_relevant_updates_a_quarter():
    """Both come back every three months, about half a quarter apart, and never without content."""
    assert (QUARTERLY.every, QUARTERLY.repeat) == (CalendarSpan(months=3), 2)
    assert [0, 45] == [touch.days for touch in QUARTERLY.touches]
    assert all(touch.content.needed for touch in QUARTERLY.touches)


def test_outreach_on_the_day_itself():
    """The first touch of a silver medalist is a person's, on the day of the enrolment."""
    first = SILVER_MEDALIST.touches[0]
    assert (first.days, first.level, first.deadline) == (0, 5, timedelta(days=14))


def test_after_an_event_comes_nurture():
    """From week 6 on it is the field's sequence."""
    assert POST_EVENT.touches[2:] == SEVEN_TOUCH.touches[2:]
    assert POST_EVENT.every == SEVEN_TOUCH.every


def test_the_cold_hear_once_a_quarter():
    """All four come back yearly, and coldness does not stretch what is stretched already."""
    gaps = {
        after.week - before.week
        for before, after in zip(LONG_TERM.touches, LONG_TERM.touches[1:], strict=False)
    }
    assert gaps <= {12, 14}
    assert LONG_TERM.repeat == len(LONG_TERM.touches)
    assert LONG_TERM.pace.cold == LONG_TERM.pace.unknown == 1


def test_value_is_what_carries_content():
    """Personalised value is chosen for the person; nothing else is."""
    assert all((touch.content is not None) == (touch.level == 4) for _, touch in ALL)


def test_the_value_touches_of_a_cadence_want_pieces_of_their_own():
    """A post and a report each have their touch."""
    library = Library([attrs.evolve(FULL_PIECE, id="report", kind="report"), FULL_PIECE])
    someone = Relationship(FULL)
    picked = [
        library.pick(someone, touch.content, now=NOW).value.id
        for touch in SEVEN_TOUCH.touches
        if touch.content
    ]
    assert picked == ["full", "report"]


@pytest.mark.parametrize("cadence", CADENCES.values(), ids=list(CADENCES))
def test_no_subject_comes_twice(cadence):
    """Two messages of one run do not look alike in the inbox; a piece has a title of its own."""
    subjects = [touch.subject for touch in cadence.touches if "$piece_title" not in touch.subject]
    assert len(set(subjects)) == len(subjects)


@touches
def test_every_name_in_a_text_is_one_that_the_renderer_fills(touch):
    """Else the touch would be refused at the moment of sending."""
    used = set().union(*(names(text) for text in touch.bodies))
    assert used <= (KNOWN if touch.content else KNOWN - PIECE)


@touches
def test_the_subject_needs_nothing_that_may_be_missing(touch):
    """There is one subject for every body."""
    needed = touch.content is not None and touch.content.needed
    assert names(touch.subject) <= ALWAYS | ({"piece_title"} if needed else set())


@touches
def test_the_last_body_needs_nothing_that_may_be_missing(touch):
    """Whoever they are, there is a text for them."""
    needed = touch.content is not None and touch.content.needed
    assert names(touch.bodies[-1]) <= ALWAYS | ({"piece_title"} if needed else set())


@touches
@people
@pieces
def test_no_text_shows_its_seams(touch, candidate, piece):
    """No placeholder, no empty slot, no "None": with everything known and with nothing."""
    if piece is None and touch.content and touch.content.needed:
        with pytest.raises(RenderError, match="a piece of content"):
            rendered(touch, candidate)
        return
    text = rendered(touch, candidate, piece if touch.content else None)
    for seam in ("$", "{", "None", "unknown", "  ", " ,", " .", " ?", "..", "\n\n\n"):
        assert seam not in text.subject + "\n" + text.body
    assert text.body.startswith("Hello Ada,\n\n" if candidate is FULL else "Hello,\n\n")


@touches
def test_what_is_known_is_used(touch):
    """The most personal body is the one that goes to somebody known well."""
    facts = {
        "topic": "ml",
        "company": "Analytical Engines",
        "piece_title": FULL_PIECE.title,
        "piece_url": FULL_PIECE.url,
        "piece_summary": FULL_PIECE.summary,
    }
    text = rendered(touch, FULL, FULL_PIECE if touch.content else None).body
    for name in names(touch.bodies[0]) & facts.keys():
        assert facts[name] in text


@carriers
@people
@pytest.mark.parametrize("piece", [BARE_PIECE, FULL_PIECE], ids=["bare piece", "full piece"])
def test_a_piece_that_is_there_is_in_the_text(touch, candidate, piece):
    """Whatever is unknown of the person or the piece, its title and address are told."""
    text = rendered(touch, candidate, piece).body
    assert piece.title in text
    assert (piece.url or "Reply and I will send it.") in text


@carriers
def test_no_topic_is_claimed_that_the_piece_does_not_share(touch):
    """A piece for everybody is not sold as one about theirs."""
    assert "ml" not in rendered(touch, FULL, BARE_PIECE).body


def test_the_page_of_the_reference_tells_each_touch():
    """Every cadence has its table, with weeks, purposes and levels as they are."""
    page = (Path(__file__).parents[2] / "docs" / "reference" / "catalogue.md").read_text("utf-8")
    for cadence in CADENCES.values():
        table = page.partition(f"## `{cadence.name}`\n")[2].partition("\n## ")[0]
        rows = [line for line in table.splitlines() if line.startswith("| `")]
        assert rows == [
            f"| `{touch.key}` | {touch.week}{f' + {touch.day} days' if touch.day else ''} "
            f"| {touch.purpose} | {touch.level} |"
            for touch in cadence.touches
        ]


@touches
def test_lines_are_those_of_a_letter(touch):
    """A greeting, paragraphs of plain sentences, a signature; no shouting, no exclamation."""
    for text in touch.bodies:
        first, *middle, last = text.split("\n\n")
        assert (first, last) == ("$greeting", "$signature")
        assert middle
        assert all(part[-1] in ".?:" or part.startswith("$piece") for part in middle)
        assert "!" not in text
