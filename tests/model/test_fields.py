import copy
import math
import pickle
from collections import OrderedDict, UserDict
from datetime import UTC, date, datetime
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.errors import InvalidRecord
from crmkit.model import Candidate, FrozenMap, Interaction, Role
from crmkit.model import _fields as fields
from crmkit.testing import strategies


@given(strategies.properties())
def test_maps_are_frozen_all_the_way_down(values):
    """A host's values can be hashed, whatever they nest, and later changes do not reach them."""
    before = copy.deepcopy(values)
    frozen = fields.values(values)
    values["later"] = [1]
    again = fields.values(before)
    assert again == frozen
    assert hash(again) == hash(frozen)
    assert set(before) == set(frozen)


@given(strategies.properties())
def test_maps_survive_pickle_and_copy(values):
    """A map comes back equal, with its hash, from pickle, copy and deepcopy."""
    frozen = fields.values(values)
    for again in (pickle.loads(pickle.dumps(frozen)), copy.copy(frozen), copy.deepcopy(frozen)):
        assert frozen == again
        assert hash(frozen) == hash(again)


@given(strategies.properties())
def test_freezing_twice_changes_nothing(values):
    """What is frozen stays as it is when it goes through a record again."""
    frozen = fields.values(values)
    assert frozen == fields.values(frozen) == fields.values(dict(frozen))


def test_lists_and_mappings_become_immutable():
    """Lists become tuples, and every kind of mapping a FrozenMap."""
    frozen = fields.values(
        {"a": [1, {"b": [2]}], "c": OrderedDict(d=UserDict(e=MappingProxyType({})))}
    )
    assert (1, FrozenMap({"b": (2,)})) == frozen["a"]
    assert isinstance(frozen["c"]["d"]["e"], FrozenMap)


def test_a_map_built_by_hand_is_frozen_by_the_record():
    """A FrozenMap with a list in it can be hashed once a record holds it."""
    ada = Candidate(id="ada", custom=FrozenMap({"list": [1, [2]]}))
    assert ada.custom["list"] == (1, (2,))
    assert isinstance(hash(ada), int)


def test_a_map_compares_with_any_mapping():
    """Order does not matter, nor the other side's type; a list of pairs is something else."""
    frozen = FrozenMap({"a": 1, "b": 2})
    assert frozen == {"b": 2, "a": 1} == frozen
    assert frozen == FrozenMap([("b", 2), ("a", 1)])
    assert frozen != [("a", 1), ("b", 2)]
    assert frozen != {"a": 1}


def test_a_map_cannot_be_changed():
    """There is no assignment and no deletion."""
    frozen = FrozenMap({"a": 1})
    with pytest.raises(TypeError):
        frozen["a"] = 2
    with pytest.raises(TypeError):
        del frozen["a"]
    with pytest.raises(AttributeError):
        frozen.other = 1


def test_a_map_shows_only_its_keys():
    """The repr has the names, in order, and none of the values."""
    assert repr(FrozenMap({"visa": "secret", "phone": "secret"})) == "<phone, visa>"


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"a": object()}, "a"),
        ({"a": {"b": [1, {2}]}}, "a.b[1]"),
        ({"a b": [b"bytes"]}, "['a b'][0]"),
        ({"at": datetime.fromisoformat("2026-03-02")}, "at"),
        ({"day": date(2026, 3, 2)}, "day"),
        ({"rate": math.inf}, "rate"),
        ({"text": "\ud800"}, "text"),
        ({"deep": {"\ud800": 1}}, "deep"),
        ({1: "a"}, ""),
        ([("a", 1)], ""),
        ("a", ""),
        (None, ""),
    ],
)
def test_values_that_json_cannot_hold_are_refused(values, path):
    """Sets, bytes, naive instants, infinities, lone surrogates: each with the path to it."""
    with pytest.raises(InvalidRecord) as caught:
        fields.values(values)
    assert path == caught.value.path


def test_not_a_number_is_unknown():
    """NaN, which spreadsheets and data frames use for a hole, is None."""
    assert fields.values({"a": math.nan, "b": [math.nan]}) == {"a": None, "b": (None,)}


def test_an_instant_among_values_is_kept_in_utc():
    """A datetime in a custom field is an instant like any other."""
    typed = datetime.fromisoformat("2026-03-02T10:00+01:00")
    assert datetime(2026, 3, 2, 9, tzinfo=UTC) == fields.values({"at": typed})["at"]
    assert fields.values({"at": typed})["at"].tzinfo is UTC


@given(strategies.properties(), st.randoms(use_true_random=False))
def test_canonical_text_ignores_the_order_of_keys(values, random):
    """One value has one canonical text, in whatever order its keys came."""
    shuffled = list(values.items())
    random.shuffle(shuffled)
    assert fields.canonical(fields.values(values)) == fields.canonical(
        fields.values(dict(shuffled))
    )


@given(strategies.properties(), strategies.properties())
def test_canonical_text_tells_values_apart(one, other):
    """Two values with one canonical text are equal."""
    one, other = fields.values(one), fields.values(other)
    if fields.canonical(one) == fields.canonical(other):
        assert one == other


def test_an_instant_and_its_text_are_two_values():
    """A fact with an instant and one with its ISO text get different ids."""
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert fields.canonical({"at": at}) != fields.canonical({"at": at.isoformat()})


@pytest.mark.parametrize("blank", [None, "", " ", "\u00a0", "　"])
def test_blank_text_is_unknown(blank):
    """Nothing and only spaces are both None; where text is needed they are refused."""
    assert fields.optional_text(blank) is None
    assert fields.text_or_blank(blank) == ""
    with pytest.raises(InvalidRecord, match="expected text, got nothing"):
        fields.text(blank)


@given(strategies.texts())
def test_text_is_kept(text):
    """One line of text in any script is kept as it is."""
    assert text == fields.text(text) == fields.text(f"  {text} ")


@pytest.mark.parametrize(
    "value",
    ["a\nb", "a\r\nBcc: x", "\0", "\x1b[0m", "\x7f", "a\x85b", "a\u2028b", "a\u2029b", "\t"],
)
def test_control_characters_and_line_breaks_are_refused(value):
    """One line is one line: no control character and no line separator of Unicode."""
    with pytest.raises(InvalidRecord, match="without control characters"):
        fields.optional_text(value)


def test_a_lone_surrogate_is_refused():
    """Text that UTF-8 cannot hold would fail in the database, so it fails here."""
    with pytest.raises(InvalidRecord, match="lone surrogate"):
        fields.text("a\ud800")


@pytest.mark.parametrize("char", ["\u200d", "\u200f", "\u00ad", "\ue000", "👩🏽‍💻"])
def test_invisible_letters_that_scripts_need_are_kept(char):
    """Joiners and marks of direction are part of names."""
    assert f"a{char}b" == fields.text(f"a{char}b")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" Ada@Example.ORG ", "Ada@example.org"),
        ("ada+x@BÜCHER.example", "ada+x@bücher.example"),
        ("山田@例え.jp", "山田@例え.jp"),
    ],
)
def test_addresses_are_kept_as_typed_but_for_the_host(typed, kept):
    """Only the host is lowered: case before the @ is the person's."""
    assert kept == fields.email(typed)


@pytest.mark.parametrize(
    "value",
    ["", "ada", "@", "ada@", "@host", "a@b@c", "a b@c", "a@b c", "a\u2003b@c", 3, None, "a\n@b"],
)
def test_what_is_no_address_is_refused(value):
    """One @ with something on both sides and no spaces; the address is not quoted back."""
    with pytest.raises(InvalidRecord) as caught:
        fields.emails([value])
    assert caught.value.path == "[0]"


def test_lists_drop_repeats_and_keep_the_order():
    """The first of each stays where it was; tags are compared without case."""
    assert fields.texts(["b", "a", " b"]) == ("b", "a")
    assert fields.tags(["Go", "SQL", "gO"]) == ("go", "sql")
    assert fields.emails(["x@Y", "X@y", "x@y"]) == ("x@y", "X@y")
    assert fields.tags(["Straße", "STRASSE"]) == ("strasse",)


@pytest.mark.parametrize("value", ["python", 7, None])
def test_a_list_is_not_a_text(value):
    """A single text where a list belongs is refused: it would be taken letter by letter."""
    with pytest.raises(InvalidRecord, match="expected a list of texts"):
        fields.texts(value)


@pytest.mark.parametrize("value", [0, 1, "true", None])
def test_flags_are_true_or_false(value):
    """Nothing else stands for a flag; only an optional one may be missing."""
    with pytest.raises(InvalidRecord, match="expected true or false"):
        fields.flag(value)
    if value is not None:
        with pytest.raises(InvalidRecord):
            fields.optional_flag(value)
    assert [fields.optional_flag(flag) for flag in (True, False, None)] == [True, False, None]


@pytest.mark.parametrize(
    ("value", "kept"), [(None, None), (math.nan, None), (0, 0.0), (-0.0, 0.0), (3, 3.0), (1.5, 1.5)]
)
def test_amounts(value, kept):
    """A number from 0 is kept as a float; NaN is unknown."""
    assert kept == fields.optional_amount(value)


@pytest.mark.parametrize("value", [-1, -0.1, math.inf, -math.inf, 10**400, "3", True, 1j])
def test_what_is_no_amount_is_refused(value):
    """Negative, endless or too large, text and flags: all typed errors."""
    with pytest.raises(InvalidRecord, match="expected a"):
        fields.optional_amount(value)


@pytest.mark.parametrize("value", [-1, 1.0, "1", True])
def test_what_is_no_count_is_refused(value):
    """A count is a whole number from 0."""
    with pytest.raises(InvalidRecord, match="expected a whole number from 0"):
        fields.optional_count(value)


@pytest.mark.parametrize("value", ["DEU", "D", "D1", "ÄÖ", "¹²", "germany"])
def test_what_is_no_country_code_is_refused(value):
    """A country is two letters of ASCII."""
    with pytest.raises(InvalidRecord, match="two-letter ISO 3166-1"):
        fields.optional_country(value)


@pytest.mark.parametrize("value", ["2026-02-30", "soon", "", datetime(2026, 3, 2, tzinfo=UTC), 7])
def test_what_is_no_date_is_refused(value):
    """Neither a day that is not, nor an instant, is a date."""
    with pytest.raises(InvalidRecord, match="expected a date"):
        fields.optional_date(value)


def test_dates_are_taken_as_typed():
    """A date, its ISO text, or nothing."""
    day = date(2026, 3, 2)
    assert [day, day, None] == [fields.optional_date(typed) for typed in (day, "2026-03-02", None)]


@pytest.mark.parametrize(
    ("convert", "near"),
    [
        (fields.optional_source, "referal"),
        (fields.optional_interest, "not_intrested"),
        (fields.optional_seniority, "seniour"),
        (fields.optional_channel, "e-mail"),
    ],
)
def test_vocabularies_suggest_near_names(convert, near):
    """A word that is not in the vocabulary is refused with the nearest that is."""
    with pytest.raises(InvalidRecord, match="did you mean"):
        convert(near)
    with pytest.raises(InvalidRecord, match="got int"):
        convert(7)
    assert convert(None) is None


def test_a_channel_is_needed_where_one_is():
    """Nothing is no channel."""
    with pytest.raises(InvalidRecord, match="expected a channel, got nothing"):
        fields.channel(None)


@pytest.mark.parametrize(
    ("value", "path"), [({"ats": 7}, "ats"), ({"ats": ""}, "ats"), ({7: "ats"}, ""), (["ats"], "")]
)
def test_a_map_of_texts_has_only_texts(value, path):
    """External ids are text: a number would lose its leading zeros."""
    with pytest.raises(InvalidRecord) as caught:
        fields.text_map(value)
    assert path == caught.value.path


def test_a_body_is_any_text():
    """Lines of text are kept as they are, and nothing else is text."""
    assert fields.lines("a\r\n\tb ") == "a\r\n\tb "
    with pytest.raises(InvalidRecord, match="got NoneType"):
        fields.lines(None)


@given(st.one_of(strategies.candidates(), strategies.interactions(), strategies.roles()))
def test_converters_are_idempotent(record):
    """A record made again from its own values is equal: what is kept is what would be kept."""
    names = [name for name in record.__slots__ if not name.startswith("__")]
    again = type(record)(**{name: getattr(record, name) for name in names})
    assert record == again
    assert isinstance(record, Candidate | Interaction | Role)
