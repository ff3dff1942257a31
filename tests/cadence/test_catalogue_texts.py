"""The field's sequence as data: its weeks and levels, and texts that never show their seams."""

from datetime import UTC, datetime
from string import Template

import pytest

from crmkit.cadence import SEVEN_TOUCH
from crmkit.lifecycle import TemplateRenderer
from crmkit.model import Candidate, Relationship

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ALWAYS = {"greeting", "organization", "signature"}
KNOWN = ALWAYS | {"first_name", "company", "title", "topic"}
FULL = Candidate(
    id="ada", name="Ada Byron", company="Analytical Engines", title="Countess", skills=["ml"]
)
BARE = Candidate(id="nobody")

touches = pytest.mark.parametrize("touch", SEVEN_TOUCH.touches, ids=lambda touch: touch.key)


def names(text):
    assert Template(text).is_valid()
    return set(Template(text).get_identifiers())


def rendered(touch, candidate):
    return TemplateRenderer(organization="Engines Ltd").render(
        touch, Relationship(candidate), now=NOW
    )


def test_the_sequence_is_the_field_s():
    """Seven touches at their weeks, with their levels, and the last one yearly."""
    expected = [(0, 2), (2, 4), (6, 2), (12, 5), (18, 4), (26, 3), (36, 2)]
    assert expected == [(touch.week, touch.level) for touch in SEVEN_TOUCH.touches]
    assert SEVEN_TOUCH.yearly


def test_only_the_check_in_is_by_hand():
    """One-to-one touches are never sent by a machine."""
    assert ["check-in"] == [touch.key for touch in SEVEN_TOUCH.touches if touch.by_hand]


@touches
def test_every_name_in_a_text_is_one_that_the_renderer_fills(touch):
    """Else the touch would be refused at the moment of sending."""
    used = set().union(*(names(text) for text in touch.bodies))
    assert used <= KNOWN


@touches
def test_the_subject_needs_nothing_that_may_be_missing(touch):
    """There is one subject for every body."""
    assert names(touch.subject) <= ALWAYS


@touches
def test_the_last_body_needs_nothing_that_may_be_missing(touch):
    """Whoever they are, there is a text for them."""
    assert names(touch.bodies[-1]) <= ALWAYS


@touches
@pytest.mark.parametrize("candidate", [FULL, BARE], ids=["full", "bare"])
def test_no_text_shows_its_seams(touch, candidate):
    """No placeholder, no empty slot, no "None": with everything known and with nothing."""
    text = rendered(touch, candidate)
    for seam in ("$", "{", "None", "unknown", "  ", " ,", " .", " ?"):
        assert seam not in text.subject + "\n" + text.body
    assert text.body.startswith("Hello Ada," if candidate is FULL else "Hello,")


@touches
def test_what_is_known_is_used(touch):
    """The most personal body is the one that goes to somebody known well."""
    facts = {"topic": "ml", "company": "Analytical Engines"}
    text = rendered(touch, FULL).body
    for name in names(touch.bodies[0]) & facts.keys():
        assert facts[name] in text
