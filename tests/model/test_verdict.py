import copy
import json
import pickle
from datetime import UTC, datetime
from html.parser import HTMLParser

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.model import Reason, Verdict
from crmkit.testing import strategies

UNTIL = datetime(2026, 6, 1, 12, 30, tzinfo=UTC)
HELD = Reason("source is 'sourced'", holds=True, found="'sourced'")
FAILED = Reason("country is 'DE'", holds=False, found="unknown", until=UNTIL)


def reasons():
    holds = st.sampled_from((True, False, None))
    leaves = st.builds(
        Reason,
        st.text(),
        holds=holds,
        found=st.none() | st.text(),
        until=st.none() | strategies.instants(),
    )
    return st.recursive(
        leaves,
        lambda parts: st.builds(Reason, st.text(), holds=holds, parts=st.lists(parts, max_size=3)),
        max_leaves=6,
    )


verdicts = st.builds(
    Verdict, st.booleans() | st.text() | st.none(), reasons(), st.none() | strategies.instants()
)


class Skeleton(HTMLParser):
    """What an HTML parser sees: the tags, whether they are balanced, and the text."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.tags, self.open, self.text = set(), [], ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        assert attributes == []
        self.tags.add(tag)
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag == self.open.pop()

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("value", [True, False, "yes", "", None, 0, 0.5, (), ("a",)])
def test_a_verdict_is_truthy_as_its_value(value):
    """`if verdict` asks about the value, not about the verdict."""
    assert bool(value) == bool(Verdict(value, HELD))


def test_reasons_are_a_tree_of_marks():
    """Each reason is a line, indented below what it supports, with what was found."""
    tree = Reason("all of", holds=False, parts=[HELD, FAILED, Reason("as of today")])
    expected = [
        "✗ all of",
        "  ✓ source is 'sourced' (found 'sourced')",
        "  ✗ country is 'DE' (found unknown), until 2026-06-01 12:30 UTC",
        "  as of today",
    ]
    assert expected == str(tree).splitlines()


def test_a_verdict_prints_its_answer_and_its_reasons():
    """First the value and until when, then why."""
    assert str(Verdict(False, FAILED, UNTIL)).splitlines() == [
        "<Verdict False, until 2026-06-01 12:30:00 UTC>",
        "✗ country is 'DE' (found unknown), until 2026-06-01 12:30 UTC",
    ]
    assert str(Verdict(True, HELD)).startswith("<Verdict True, until no clock changes it>\n✓")


def test_reprs_have_no_reasons():
    """What was found may be personal, so reprs leave it out."""
    assert repr(HELD) == "<Reason: holds=True, 0 parts>"
    assert "sourced" not in repr(Verdict(True, HELD))


@attrs.frozen(repr=False)
class Permission(Verdict[bool]):
    """A verdict of a kind of its own."""


def test_a_kind_of_verdict_says_so():
    """The repr of a subclass has its name."""
    assert repr(Permission(True, HELD)).startswith("<Permission True")


@given(verdicts)
def test_html_is_escaped_and_balanced(verdict):
    """Whatever text stands in it, the page has our tags only, and shows every character."""
    skeleton = Skeleton(verdict._repr_html_())
    assert skeleton.tags == {"div", "ul", "li"}
    assert skeleton.open == []
    shown = repr(verdict) + "".join(line.strip() for line in [verdict.because.text])
    assert all(char in skeleton.text for char in shown.replace("\r", "").replace("\0", ""))


def test_a_script_in_a_name_stays_text():
    """The classic attempt, by hand."""
    found = Reason("name is", found="<script>alert(1)</script>")
    page = Verdict("<b>", found)._repr_html_()
    assert "<script>" not in page
    assert "<b>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


@given(verdicts)
def test_verdicts_are_json(verdict):
    """As a dict it holds JSON values only, with every reason."""
    plain = verdict.to_dict()
    assert plain == json.loads(json.dumps(plain))
    assert plain["value"] == verdict.value
    assert plain["until"] == (verdict.until.isoformat() if verdict.until else None)
    assert list(texts_of(plain["because"])) == list(texts_in(verdict.because))


def texts_of(plain):
    yield plain["text"]
    for part in plain["parts"]:
        yield from texts_of(part)


def texts_in(reason):
    yield reason.text
    for part in reason.parts:
        yield from texts_in(part)


@given(verdicts)
def test_verdicts_survive_pickle_and_copy(verdict):
    """A verdict comes back equal, with its hash."""
    for again in (pickle.loads(pickle.dumps(verdict)), copy.copy(verdict), copy.deepcopy(verdict)):
        assert again == verdict
        assert len({again, verdict}) == 1


def test_reasons_cannot_be_changed():
    """Neither a verdict nor the list of its reasons can be changed afterwards."""
    parts = [HELD]
    tree = Reason("any of", parts=parts)
    parts.append(FAILED)
    assert tree.parts == (HELD,)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        tree.text = "none of"
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Verdict(True, HELD).value = False
