import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit import errors
from crmkit.errors import (
    AmbiguousIdentity,
    CrmkitError,
    InvalidDocument,
    InvalidRecord,
    InvalidToken,
    MissingExtra,
    NaiveInstant,
    NotFound,
    RenderError,
    RuleError,
    SenderError,
    SourceError,
    StoreError,
    UnknownName,
    join_path,
    suggest,
)

ONE_OF_EACH = [
    InvalidRecord("emails[0]", "expected an address"),
    NaiveInstant("at", "no zone"),
    UnknownName.among("kind", "repled", ["replied", "sent"], what="a kind"),
    InvalidDocument("roles[1]", "expected an object"),
    SourceError("no such code", file="pool.csv", row=7, column="Country"),
    AmbiguousIdentity("new", ["b", "a"]),
    NotFound("role", "be-2", ["be-1"]),
    RuleError("a rule has no truth of its own"),
    RenderError("welcome", ["company"]),
    InvalidToken("not one of ours"),
    StoreError("database is locked"),
    SenderError("no space left"),
    MissingExtra("sql", "SQLStore"),
]

BUILTINS = {
    InvalidRecord: ValueError,
    NaiveInstant: ValueError,
    UnknownName: ValueError,
    InvalidDocument: ValueError,
    SourceError: ValueError,
    AmbiguousIdentity: LookupError,
    NotFound: LookupError,
    RuleError: TypeError,
    RenderError: ValueError,
    InvalidToken: ValueError,
    StoreError: RuntimeError,
    SenderError: RuntimeError,
    MissingExtra: ImportError,
}


def name(error):
    return type(error).__name__


def test_every_error_is_listed_here():
    """An error added to the module has a line in these tables."""
    public = {
        thing
        for thing in vars(errors).values()
        if isinstance(thing, type) and issubclass(thing, CrmkitError)
    }
    assert public == {CrmkitError, *BUILTINS}
    assert public == {CrmkitError, *map(type, ONE_OF_EACH)}


@pytest.mark.parametrize("error", ONE_OF_EACH, ids=name)
def test_errors_are_also_builtin_ones(error):
    """A caller catches CrmkitError, or the builtin that they would have expected."""
    assert isinstance(error, CrmkitError)
    assert isinstance(error, BUILTINS[type(error)])


@pytest.mark.parametrize("error", ONE_OF_EACH, ids=name)
def test_errors_cross_processes(error):
    """Pickled and copied, an error keeps its message and its data."""
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert (type(error), str(error), vars(error)) == (type(again), str(again), vars(again))


@pytest.mark.parametrize("error", ONE_OF_EACH, ids=name)
def test_errors_draw_the_tree(error):
    """Each class stands in the tree at the top of the module, with its builtin."""
    line = next(
        line for line in errors.__doc__.splitlines() if f"── {type(error).__name__} " in line + " "
    )
    if type(error).__base__ is not InvalidRecord:
        assert f"({BUILTINS[type(error)].__name__})" in line


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (InvalidRecord("", "expected text"), "expected text"),
        (InvalidRecord("name", "expected text"), "name: expected text"),
        (InvalidDocument("", "cut short"), "cut short"),
        (InvalidDocument("roles[1]", "cut short"), "roles[1]: cut short"),
        (SourceError("no rows"), "no rows"),
        (SourceError("no rows", file="pool.csv"), "pool.csv: no rows"),
        (SourceError("bad", file="a.json", path="jobs[0].at"), "a.json, jobs[0].at: bad"),
        (SourceError("bad", row=1, column="B"), "row 1, column B: bad"),
        (NotFound("role", "be-2"), "no role 'be-2'"),
        (NotFound("role", "be-2", ["be-1"]), "no role 'be-2'; did you mean 'be-1'?"),
        (
            RenderError("welcome", ["company", "title"]),
            "touch 'welcome' needs company, title, which is not known; add a body that does "
            "without",
        ),
        (MissingExtra("sql", "SQLStore"), "SQLStore needs an extra: pip install 'crmkit[sql]'"),
    ],
)
def test_messages_say_where_and_what(error, message):
    """The message has the place that is known, what is wrong and what to do."""
    assert message == str(error)


def test_an_ambiguous_person_is_named_by_id():
    """The message names every id it could be, in one order, and both ways out."""
    error = AmbiguousIdentity("new", {"b", "a"})
    assert error.matches == ("a", "b")
    assert "'a', 'b'" in str(error)
    assert "crm.merge" in str(error)


def test_errors_carry_their_data():
    """What the message says can be read from attributes too."""
    error = SourceError("bad", file="pool.csv", row=7, column="Country")
    assert (error.file, error.row, error.column, error.path) == ("pool.csv", 7, "Country", None)
    assert (ONE_OF_EACH[8].touch, ONE_OF_EACH[8].missing) == ("welcome", ("company",))


@pytest.mark.parametrize("error", [ONE_OF_EACH[0], ONE_OF_EACH[1], ONE_OF_EACH[2]], ids=name)
def test_a_record_inside_a_document_keeps_its_kind(error):
    """Seen from further out, the error is of the same class with a longer path."""
    outer = error.under("[3]").under("people")
    assert type(error) is type(outer)
    assert f"people[3].{error.path}" == outer.path
    assert error.problem == outer.problem


@pytest.mark.parametrize(
    ("prefix", "path", "joined"),
    [("a", "b", "a.b"), ("a", "[0]", "a[0]"), ("", "b", "b"), ("a", "", "a"), ("", "", "")],
)
def test_paths_join(prefix, path, joined):
    """Names are joined by a dot, indices stand close."""
    assert joined == join_path(prefix, path)


@given(st.text(), st.lists(st.text()))
def test_a_suggestion_names_only_known_names(got, known):
    """Whatever was typed, the hint is one line of what is known, or says that none is near."""
    hint = suggest(got, known)
    if hint.startswith("did you mean"):
        assert any(f"did you mean {name!r}?" == hint for name in known)
    elif len(known) <= 12:
        assert hint == "known: " + ", ".join(map(repr, known))
    else:
        assert hint == f"there are {len(known)} known names and none is near"


def test_a_typing_error_is_recognised():
    """One letter off finds the name."""
    assert suggest("repled", ["sent", "replied"]) == "did you mean 'replied'?"


def test_an_unknown_name_lists_the_few_known_ones():
    """Nothing near and few names: all are listed, in order."""
    error = UnknownName.among("source", "zzz", ["b", "a"], what="a source")
    assert str(error) == "source: 'zzz' is not a source; known: 'a', 'b'"
