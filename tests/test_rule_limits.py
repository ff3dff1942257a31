"""Documents from strangers: everything is bounded, and every fault a typed error."""

import inspect
import json
import sys
from typing import Any
from zoneinfo import available_timezones

import pytest

from crmkit.codec import dumps, from_dict, loads, to_dict
from crmkit.codec._limits import LONGEST, LONGEST_SET
from crmkit.errors import InvalidDocument, InvalidRecord
from crmkit.model import Candidate, Relationship
from crmkit.segmentation import Rule, Segment, Segmenter, any_of, event, everyone, field, listed
from crmkit.segmentation._nodes import Not

EVERYONE: Any = {"op": "everyone"}
MET: Any = {"kinds": ["met"]}


def fault(rule: Any) -> str:
    """Return what is wrong with a parsed document."""
    with pytest.raises(InvalidDocument) as caught:
        from_dict(Rule, {"version": 1, "rule": rule})
    return str(caught.value)


def text_fault(text: str | bytes, cls: type = Rule) -> str:
    """Return what is wrong with a text."""
    with pytest.raises(InvalidDocument) as caught:
        loads(cls, text)
    return str(caught.value)


def nested(depth: int, **more: Any) -> Any:
    """Return a rule with so many inside each other."""
    rule = EVERYONE
    for _ in range(depth - 1):
        rule = {"op": "held" if more else "not", "part": rule, **more}
    return rule


def test_an_or_of_a_thousand_works():
    """1,000 terms are read, answered and written; one more is refused."""
    terms = [field.city == f"town {number}" for number in range(1000)]
    segment = Segment("n", any_of(*terms))
    again = loads(Segment, dumps(segment))
    assert again == segment
    now = "2026-03-02T09:00Z"
    assert again.check(Relationship(Candidate(id="a", city="town 999")), now=now)  # type: ignore[arg-type]
    document = to_dict(any_of(*terms))
    document["rule"]["parts"].append(EVERYONE)
    with pytest.raises(InvalidDocument, match=r"^rule\.parts\[1000\]: more than 1000 rules inside"):
        from_dict(Rule, document)


def test_depth():
    """32 rules inside each other can be read, 33 can not."""
    assert from_dict(Rule, {"version": 1, "rule": nested(32)}).depth == 32
    assert fault(nested(33)).endswith(".part: rules are nested more than 32 deep")


def test_depth_of_held():
    """Each `held` asks its part again and again; so only four are inside each other."""
    assert from_dict(Rule, {"version": 1, "rule": nested(5, span="P1D")}).depth == 5
    assert fault(nested(6, span="P1D")).endswith(": held is nested more than 4 deep")


def test_what_could_not_be_read_is_not_written():
    """A rule past the limits is an error when it is written, not when it is needed again."""
    deep: Rule = everyone()
    for _ in range(32):
        deep = Not(deep)
    with pytest.raises(InvalidRecord, match="rules are nested more than 32 deep"):
        dumps(deep)
    with pytest.raises(InvalidRecord, match="more than 64 KB of text"):
        to_dict(listed("x" * LONGEST))
    with pytest.raises(InvalidRecord, match="more than 64 KB of text"):
        dumps(Segment("n", event("met", x=["\n" * (LONGEST * 2 // 3)]).ever()))


@pytest.mark.parametrize("wide", ["x", "é", "\u2028"])
def test_length_is_of_utf_8(wide):
    """64 KB are counted in bytes, of text and of what is parsed already."""
    text = json.dumps({"version": 1, "rule": {"op": "listed", "ids": [""]}}, separators=(",", ":"))
    room = LONGEST - len(text)
    fits = text.replace('""', f'"{wide * (room // len(wide.encode()))}"')
    assert loads(Rule, fits) == loads(Rule, fits.encode())
    over = text.replace('""', f'"{wide * (room // len(wide.encode()) + 1)}"')
    assert text_fault(over) == text_fault(over.encode()) == "more than 64 KB of text"
    long = {"op": "listed", "ids": [wide * LONGEST]}
    assert fault(long) == "rule.ids[0]: more than 64 KB of text"


@pytest.mark.parametrize(
    "text", ["[" * 200_000, "x" * 10_000_000, b"[" * 200_000, " " * 10**6], ids=len
)
def test_texts_far_too_long(text):
    """Nothing is made of a text that is too long."""
    assert text_fault(text) == text_fault(text, Segment) == "more than 64 KB of text"


@pytest.mark.parametrize("text", ["[" * 60_000, '{"a":' * 12_000, "[" * 200 + "]" * 200], ids=len)
def test_brackets_within_the_length(text):
    """Deep nesting ends in a typed error, whatever is in it."""
    assert text_fault(text)
    assert fault(json.loads('{"op":' * 300 + "1" + "}" * 300)).endswith("32 deep")
    assert fault(json.loads('{"a":' * 300 + "1" + "}" * 300)).endswith("nested too deeply")


def test_a_set_of_segments():
    """1,000 segments and 1 MB, each segment within its own limits."""

    def together(count: int, **more: Any) -> Any:
        segments = [{"name": f"s{index}", "rule": EVERYONE, **more} for index in range(count)]
        return {"version": 1, "segments": segments}

    assert len(from_dict(Segmenter, together(1000)).segments) == 1000
    for document, told in [
        (together(1001), "segments: more than 1000 segments"),
        (together(20, description="x" * 60_000), "more than 1024 KB of text"),
        (together(1, description="x" * LONGEST), "segments[0].description: more than 64 KB"),
        (together(2, rule=nested(33)), "segments[0].rule.part"),
        ({**together(1), "x" * 99: "x" * LONGEST}, f"{'x' * 99}: more than 64 KB of text"),
    ]:
        with pytest.raises(InvalidDocument) as caught:
            from_dict(Segmenter, document)
        assert str(caught.value).startswith(told)
    assert text_fault(" " * (LONGEST_SET + 1), Segmenter) == "more than 1024 KB of text"


def test_cycles():
    """Objects that hold themselves are nested without end."""
    own: Any = {"op": "not"}
    own["part"] = own
    assert fault(own).endswith("rules are nested more than 32 deep")
    items: list[Any] = []
    items.append(items)
    assert fault({"op": "all_of", "parts": items}).endswith("nested too deeply")
    document: Any = {"version": 1}
    document["rule"] = document
    assert fault(document).endswith("nested too deeply")


def test_little_room_on_the_stack():
    """Whoever reads a document from deep inside other calls gets a typed error too."""

    def from_deep(calls: int) -> bool:
        if calls:
            return from_deep(calls - 1)
        try:
            from_dict(Rule, {"version": 1, "rule": nested(30)})
        except InvalidDocument as error:
            return error.problem == "nested too deeply"
        return False

    room = sys.getrecursionlimit() - len(inspect.stack())
    assert from_deep(room - 40)
    assert not from_deep(room - 400)


def test_shared_parts_count_each_time():
    """What would be endless as text is refused as objects, too."""
    part: Any = EVERYONE
    for _ in range(30):
        part = {"op": "all_of", "parts": [part, part]}
    assert fault(part).endswith("more than 1000 rules inside the outermost one")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (float("nan"), "expected a finite number, got nan"),
        (float("-inf"), "expected a finite number, got -inf"),
        (10**5000, "the number is too great"),
        (-(10**309), "the number is too great"),
        ("\ud800", "expected text that UTF-8 can hold (a lone surrogate)"),
        (b"x", "expected a JSON value, got bytes"),
        ({1: 2}, "expected names as keys, got int"),
    ],
    ids=["nan", "inf", "long", "great", "surrogate", "bytes", "keys"],
)
def test_values_that_json_has_not(value, told):
    """Numbers that are none, half characters and other objects are refused, with their path."""
    own = {"op": "field", "path": ["custom", "x"], "is": "==", "value": value}
    assert fault(own) == f"rule.value: {told}"
    assert fault({"op": "event_count", "events": MET, "at_least": value}).startswith("rule.at_l")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"version":1,"version":1}', "version: the key stands there twice"),
        ('{"version":1,"rule":{"op":"not","op":"not"}}', "rule.op: the key stands there twice"),
        ('{"version":1,"rule":NaN}', "rule: expected a finite number, got nan"),
        ('{"version":1,"rule":' + "9" * 5000 + "}", "a number has too many digits"),
        ('{"version":1,"rule":1e999}', "rule: expected a finite number, got inf"),
        (b'{"version":1,"rule":"\xff"}', "expected UTF-8, byte 21 is not"),
        ('{"version":1,"rule":"\\ud800"}', "rule: expected text that UTF-8 can hold"),
        ("", "line 1, column 1: the document ends too early"),
    ],
    ids=lambda value: str(value[:9]),
)
def test_texts_that_are_no_documents(text, told):
    """What JSON leaves open is an error here."""
    assert text_fault(text).startswith(told)


@pytest.mark.parametrize("name", ["__class__", "__init__.__globals__", "__dict__"])
def test_names_that_look_like_attributes(name):
    """Names are looked up in lists of what there is, never as attributes."""
    assert f"{name!r} is not a rule" in fault({"op": name})
    assert "is not a field of a candidate" in fault({"op": "field", "path": [name], "is": "known"})
    employment = {"op": "field", "path": ["employments", name], "is": "known"}
    assert "is not a field of an Employment" in fault(employment)
    assert "not a field of the rule" in fault({**EVERYONE, name: 1})
    assert "is not an interaction kind" in fault({"op": "event_count", "events": {"kinds": [name]}})


def test_there_are_no_patterns():
    """No test takes a pattern, so none can be slow."""
    bomb = {"op": "field", "path": ["city"], "is": "matches", "value": "(a+)+$"}
    assert fault(bomb).startswith("rule.is: expected one of ==, in, <")


def test_spans_without_end():
    """A span past all calendars is refused."""
    for span in ("P" + "9" * 5000 + "D", "P1000000000D", "P" + "9" * 4000 + "Y", "P10000Y"):
        assert fault({"op": "held", "part": EVERYONE, "span": span}).startswith("rule.span: ")


def test_time_zones():
    """Each zone is a file to read; 64 are enough for a rule."""

    def rule(count: int) -> Any:
        zones = sorted(name for name in available_timezones() if name.startswith("America/"))
        ages = [
            {
                "op": "event_age",
                "events": MET,
                "which": "last",
                "is": "within",
                "span": f"P1M[{zone}]",
            }
            for zone in zones[: count - 1]
        ]
        near = {"op": "field_anniversary", "path": ["interested_from"], "zone": "Europe/Paris"}
        return {"op": "any_of", "parts": [*ages, *ages, near]}

    assert from_dict(Rule, {"version": 1, "rule": rule(64)}).depth == 2
    assert fault(rule(65)) == "rule.parts[128]: more than 64 different time zones"


def test_long_names_are_shortened():
    """An error does not carry back the whole document that it is about."""
    assert len(fault({"op": "x" * 60_000})) < 500
    assert len(fault({"op": "everyone", "x" * 60_000: 1})) < 500 + 60_000
    assert len(fault({"op": "held", "part": EVERYONE, "span": "P1M[" + "x" * 60_000 + "]"})) < 500
