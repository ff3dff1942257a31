"""Cadences, playbooks and libraries as documents: written, read, refused."""

import json
from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest
from cadence_strategies import cadences, libraries, playbooks
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.cadence import (
    ALUMNI,
    CADENCES,
    QUARTERLY,
    SEVEN_TOUCH,
    Cadence,
    ContentChoice,
    Library,
    Pace,
    Piece,
    Playbook,
    Touch,
    Variant,
)
from crmkit.codec import dumps, from_dict, loads, to_dict
from crmkit.codec._cadences import CadenceDocument, PlaybookDocument, Reference
from crmkit.codec._nodes import keys
from crmkit.errors import InvalidDocument, InvalidRecord
from crmkit.model import CalendarSpan, Seniority

HELLO: Any = {"key": "hello", "week": 0, "purpose": "p", "level": 2}
LIBRARY = Library([Piece(id="a", title="A", topics=["ml"], until="2026-12-31")])
RECORDS = [*CADENCES.values(), Playbook([("alumni", ALUMNI)]), LIBRARY]


def cadence(**known: Any) -> Any:
    return {"version": 1, "cadence": {"name": "n", "touches": [HELLO]} | known}


def touch(**known: Any) -> Any:
    return cadence(touches=[HELLO | known])


def fault(document: Any, cls: type = Cadence) -> str:
    """Return what is wrong with a document."""
    with pytest.raises(InvalidDocument) as caught:
        from_dict(cls, document)
    return str(caught.value)


@given(cadences())
def test_every_cadence_survives(record):
    """Touches, texts, variants, content, pace and returns are the same after the trip."""
    text = dumps(record)
    again = loads(Cadence, text)
    assert (again, dumps(again)) == (record, text)
    assert from_dict(Cadence, to_dict(record)) == record


@settings(max_examples=examples(30))
@given(playbooks())
def test_every_playbook_survives(record):
    """The order of the entries, the rest, and cadences that several entries share."""
    assert loads(Playbook, dumps(record)) == record


@given(libraries())
def test_every_library_survives(record):
    """Each piece with its dates, levels and languages, in order."""
    assert loads(Library, dumps(record)) == record


@pytest.mark.parametrize("record", CADENCES.values(), ids=list(CADENCES))
def test_the_field_s_cadences_survive(record):
    """And are small against what a document may hold."""
    text = dumps(record)
    assert loads(Cadence, text) == record
    assert len(text) < 8000


def test_a_list_of_cadences():
    """In a list every cadence is a document of its own, and a fault has its place in the list."""
    both = [SEVEN_TOUCH, QUARTERLY]
    assert loads(list[Cadence], dumps(both)) == both
    with pytest.raises(InvalidDocument, match=r"^\[1\]\.cadence\.name: missing"):
        from_dict(list[Cadence], [to_dict(ALUMNI), {"version": 1, "cadence": {"touches": [HELLO]}}])


def test_what_is_written():
    """What is empty is left out; what has another default is written, also when it has it."""
    record = Cadence(
        name="n",
        version=3,
        touches=[
            Touch(
                key="value",
                week=2,
                purpose="p",
                level=4,
                deadline=None,
                bodies=["one"],
                content=ContentChoice(kinds=["post"], by=["topics"], needed=True),
                variants=[Variant(name="short", bodies=["two"])],
            )
        ],
        every=CalendarSpan(years=1),
        pace=Pace(least_gap=timedelta(days=3)),
    )
    assert to_dict(record) == {
        "version": 1,
        "cadence": {
            "name": "n",
            "version": 3,
            "touches": [
                {
                    "key": "value",
                    "week": 2,
                    "day": 0,
                    "purpose": "p",
                    "level": 4,
                    "channel": "email",
                    "deadline": None,
                    "bodies": ["one"],
                    "content": {"kinds": ["post"], "by": ["topics"], "needed": True},
                    "variants": [{"name": "short", "weight": 1.0, "bodies": ["two"]}],
                }
            ],
            "every": "P1Y",
            "repeat": 1,
            "pace": {
                "hot": 0.75,
                "warm": 1.0,
                "unknown": 1.0,
                "cooling": 1.25,
                "cold": 1.5,
                "least_gap": "P3D",
                "greatest_gap": "P182D",
                "archive_after": 7,
                "eager_after": 3,
            },
        },
    }


def test_a_playbook_tells_each_cadence_once():
    """Entries and the rest refer to it by name and version."""
    second = Cadence(name="alumni", version=2, touches=QUARTERLY.touches)
    record = Playbook(
        [("b", second), ("a", ALUMNI), ("c", ALUMNI)], otherwise=None, most=2, also=[QUARTERLY]
    )
    document = to_dict(record)
    assert [each["version"] for each in document["cadences"]] == [2, 1, 1]
    assert (document["most"], document["also"]) == (2, [{"name": "quarterly"}])
    assert document["entries"] == [
        {"segment": "b", "cadence": {"name": "alumni", "version": 2}},
        {"segment": "a", "cadence": {"name": "alumni"}},
        {"segment": "c", "cadence": {"name": "alumni"}},
    ]
    assert "otherwise" not in document
    assert from_dict(Playbook, document) == record


def test_defaults_of_version_1():
    """A default that documents leave out is version 1's for good; another needs version 2."""
    left_out = {
        (cls.__name__, key.name): key.default
        for cls in (Cadence, Touch, Variant, ContentChoice, Pace, Piece)
        for key in keys(cls)
        if key.default in (None, False, "", ()) and key.default != 0
    }
    assert set(left_out) == {
        ("Cadence", "every"),
        ("Touch", "fallback"),
        ("Touch", "was"),
        ("Touch", "subject"),
        ("Touch", "bodies"),
        ("Touch", "content"),
        ("Touch", "variants"),
        ("Variant", "subject"),
        ("Variant", "bodies"),
        ("ContentChoice", "kinds"),
        ("Piece", "url"),
        ("Piece", "topics"),
        ("Piece", "functions"),
        ("Piece", "seniorities"),
        ("Piece", "languages"),
        ("Piece", "published"),
        ("Piece", "until"),
        ("Piece", "summary"),
    }
    assert {
        key.name: key.default
        for cls in (Reference, CadenceDocument, PlaybookDocument)
        for key in keys(cls)
        if key.name != "name"
    } | {"cadence": None} == {
        "version": 1,
        "cadence": None,
        "cadences": (),
        "entries": (),
        "otherwise": None,
        "most": 1,
        "also": (),
        "occasions": (),
    }


def test_what_may_be_left_out():
    """A cadence written by hand has what a record has by default; a playbook then has nobody."""
    assert from_dict(Cadence, cadence()) == Cadence(
        name="n", touches=[Touch(key="hello", week=0, purpose="p", level=2)]
    )
    assert from_dict(Playbook, {"version": 1}) == Playbook(otherwise=None)
    assert from_dict(Library, {"version": 1}) == Library()


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ([], "expected an object, got a list"),
        ({"cadence": {}}, "version: missing, and needed"),
        ({"version": 2, "cadence": {}}, "version: expected 1, the only one that this crmkit knows"),
        ({"version": 1}, "cadence: missing, and needed"),
        (
            {"version": 1, "cadense": {}},
            "cadense: not a field of CadenceDocument; did you mean 'ca",
        ),
        ({"version": 1, "cadence": []}, "cadence: expected an object, got a list"),
        ({"version": 1, "cadence": {"name": "n"}}, "cadence.touches: missing, and needed"),
        (cadence(name=" "), "cadence.name: expected text, got nothing"),
        (cadence(touchs=[]), "cadence.touchs: not a field of Cadence; did you mean 'touches'?"),
        (cadence(version=0), "cadence.version: expected a whole number from 1"),
        (cadence(touches=[]), "cadence.touches: a cadence needs at least one touch"),
        (cadence(touches=[HELLO, 5]), "cadence.touches[1]: expected an object, got a number"),
        (cadence(touches=[HELLO, HELLO]), "cadence.touches[1].week: 0 is not after 0"),
        (cadence(every="P1W"), "cadence.every: expected an ISO 8601 duration such as 'P6M'"),
        (cadence(every="P1Y[Europe/Pariss]"), "cadence.every: 'Europe/Pariss' is not an IANA"),
        (cadence(every="P1Y[Europe/Paris]"), "cadence.every: expected None or a CalendarSpan wi"),
        (cadence(repeat=2), "cadence.repeat: expected at most 1"),
        (cadence(pace={"hott": 1}), "cadence.pace.hott: not a field of Pace; did you mean 'hot'?"),
        (cadence(pace={"hot": 2}), "cadence.pace.warm: expected hot <= warm"),
        (cadence(pace={"cold": 1e999}), "cadence.pace.cold: expected a finite number, got inf"),
        (cadence(pace={"least_gap": "5 days"}), "cadence.pace.least_gap: expected an ISO 8601 du"),
        (touch(wek=1), "cadence.touches[0].wek: not a field of Touch; did you mean 'week'?"),
        (touch(week=-1), "cadence.touches[0].week: expected a whole number from 0 to 5200"),
        (touch(week=1.0), "cadence.touches[0].week: expected a whole number, got 1.0"),
        (touch(level=6), "cadence.touches[0].level: expected a whole number from 1 to 5"),
        (touch(channel="emial"), "cadence.touches[0].channel: 'emial' is not a Channel; did you"),
        (touch(fallback=["text", "emial"]), "cadence.touches[0].fallback[1]: 'emial' is not a C"),
        (touch(fallback=["email"]), "cadence.touches[0].fallback: email is the touch's channel"),
        (touch(bodies="text"), "cadence.touches[0].bodies: expected a list, got text"),
        (touch(bodies=["\ud800"]), "cadence.touches[0].bodies[0]: expected text that UTF-8 can"),
        (touch(subject="a\nb"), "cadence.touches[0].subject: expected one line of text without"),
        (touch(deadline="PT0S"), "cadence.touches[0].deadline: expected None or a timedelta above"),
        (touch(content={"by": ["skils"]}), "cadence.touches[0].content.by[0]: 'skils' is not wh"),
        (touch(variants=[{}]), "cadence.touches[0].variants[0].name: missing, and needed"),
        (
            touch(variants=[{"name": "a"}, {"name": "a"}]),
            "cadence.touches[0].variants[1].name: 'a' is there already",
        ),
        (
            touch(variants=[{"name": "a", "weight": 0}]),
            "cadence.touches[0].variants[0].weight: expected a number above 0",
        ),
    ],
)
def test_a_fault_is_told_by_its_path(document, told):
    """Each error says where it is, what was expected, and near names where there are any."""
    assert fault(document).startswith(told)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"pieces": {}}, "pieces: expected a list, got an object"),
        ({"pieces": [{"id": "a"}]}, "pieces[0].title: missing, and needed"),
        (
            {"pieces": [{"id": "a", "title": "A"}, {"id": "a", "title": "B"}]},
            "pieces[1].id: 'a' is there already",
        ),
        (
            {"pieces": [{"id": "a", "title": "A", "url": "javascript:x"}]},
            "pieces[0].url: expected an address",
        ),
        ({"pieces": [{"id": "a", "title": "A", "topcis": []}]}, "pieces[0].topcis: not a field of"),
        (
            {"pieces": [{"id": "a", "title": "A", "seniorities": ["seniour"]}]},
            "pieces[0].seniorities[0]: 'seniour' is not a Seniority; did you mean 'senior'?",
        ),
        (
            {"pieces": [{"id": "a", "title": "A", "until": "2026"}]},
            "pieces[0].until: expected a date such as",
        ),
    ],
)
def test_a_faulty_library_is_told(document, told):
    """The pieces are checked one by one."""
    assert fault({"version": 1, **document}, Library).startswith(told)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"entries": [{"segment": "a"}]}, "entries[0].cadence: missing, and needed"),
        (
            {"entries": [{"segment": "a", "cadence": {"name": "n"}}]},
            "entries[0].cadence: 'n 1' is not a cadence of the document; it has none",
        ),
        (
            {"cadences": [cadence()["cadence"]], "otherwise": {"name": "n", "version": 2}},
            "otherwise: 'n 2' is not a cadence of the document; known: 'n 1'",
        ),
        ({"also": [{"name": "n"}]}, "also[0]: 'n 1' is not a cadence of the document; it has none"),
        ({"most": 0}, "most: expected a whole number from 1, got 0"),
        (
            {"cadences": [cadence()["cadence"]] * 2},
            "cadences[1].name: 'n' 1 is there already",
        ),
        (
            {"cadences": [cadence(touches=[HELLO, HELLO])["cadence"]]},
            "cadences[0].touches[1].week: 0 is not after 0",
        ),
    ],
)
def test_a_faulty_playbook_is_told(document, told):
    """Cadences twice, and references to what is not there."""
    assert fault({"version": 1, **document}, Playbook).startswith(told)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (touch(bodies=["x"] * 21), "cadence.touches[0].bodies: more than 20"),
        (touch(variants=[{"name": "a"}] * 21), "cadence.touches[0].variants: more than 20"),
        (touch(was=["x"] * 101), "cadence.touches[0].was: more than 100"),
        (cadence(touches=[HELLO] * 201), "cadence.touches: more than 200"),
        (touch(bodies=["x" * 300_000]), "cadence.touches[0].bodies[0]: more than 256 KB of text"),
    ],
)
def test_limits(document, told):
    """No document holds so much that reading it or planning by it takes long."""
    assert fault(document).startswith(told)


def test_limits_of_libraries():
    """5,000 pieces are read, one more is not; nor is a text past 4 MB."""
    pieces = [{"id": str(number), "title": "t"} for number in range(5001)]
    assert len(from_dict(Library, {"version": 1, "pieces": pieces[1:]})) == 5000
    assert fault({"version": 1, "pieces": pieces}, Library) == "pieces: more than 5000"
    with pytest.raises(InvalidDocument, match="more than 4096 KB of text"):
        loads(Library, " " * (4 * 1024 * 1024 + 1))


def test_limits_hold_for_writing_too():
    """Nothing is written that could not be read again, and the error says where it is."""
    long = Touch(key="k", week=0, purpose="p", level=2, bodies=["x"] * 21)
    with pytest.raises(InvalidRecord, match=r"^cadence\.touches\[0\]\.bodies: more than 20$"):
        dumps(Cadence(name="n", touches=[long]))
    surrogate = Touch(key="k", week=0, purpose="p", level=2, bodies=["\ud800"])
    with pytest.raises(
        InvalidRecord, match=r"^cadence\.touches\[0\]\.bodies\[0\]: expected text t"
    ):
        to_dict(Cadence(name="n", touches=[surrogate]))


def test_levels_are_words():
    """A level in a document is the word for it, also where records compare them by rank."""
    library = Library([Piece(id="a", title="A", seniorities=[Seniority.LEAD])])
    assert to_dict(library)["pieces"][0]["seniorities"] == ["lead"]


@given(st.sampled_from(RECORDS), st.data())
def test_mutated_documents_are_refused_or_read(record, data):
    """Whatever is dropped, replaced or swapped: a typed error, or a record that survives."""
    document = deepcopy(to_dict(record))
    spots: list[tuple[Any, Any]] = []

    def walk(value: Any) -> None:
        for key, item in list(value.items() if isinstance(value, dict) else enumerate(value)):
            spots.append((value, key))
            if isinstance(item, dict | list):
                walk(item)

    walk(document)
    where, key = data.draw(st.sampled_from(spots))
    other, its = data.draw(st.sampled_from(spots))
    junk = st.sampled_from([None, True, -1, 1.5, "x", "P1D", "P1M", [], {}, other[its]])
    if data.draw(st.booleans()):
        where[key] = deepcopy(data.draw(junk))
    else:
        del where[key]
    try:
        found = loads(type(record), json.dumps(document))
    except InvalidDocument as error:
        assert error.problem  # noqa: PT017 - either way is fine
    else:
        assert loads(type(record), dumps(found)) == found


@given(st.sampled_from(RECORDS), st.floats(0, 1))
def test_documents_cut_short_are_refused(record, share):
    """A text that ends anywhere but at its end is a typed error."""
    text = dumps(record)
    with pytest.raises(InvalidDocument):
        loads(type(record), text[: int(share * (len(text) - 1))])
