"""A host's own fields: registered types are checked when a rule is made, like all others."""

from datetime import UTC, datetime, timedelta

import pytest

from crmkit.errors import NaiveInstant, RuleError, UnknownName
from crmkit.model import Candidate, Relationship
from crmkit.segmentation import Fields, Segment, event, field, held
from crmkit.segmentation._nodes import FieldAge, FieldAnniversary, FieldTest

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
NAIVE = datetime(2026, 3, 2)  # noqa: DTZ001
NAN = float("nan")
LEVELS = ["l1", "l2", "l3"]
HOST = Fields(
    custom={
        "visa": {"none", "h1b"},
        "level": LEVELS,
        "pay": float,
        "count": int,
        "ok": bool,
        "seen": datetime,
        "tags": list,
        "note": str,
    }
)
CUSTOM = HOST.custom
ADA = Relationship(
    Candidate(
        id="ada",
        custom={
            "visa": "h1b",
            "level": "l2",
            "pay": 5,
            "count": 2,
            "ok": True,
            "seen": NOW - timedelta(days=1),
            "tags": ["a", "b"],
            "note": "hello",
        },
    )
)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (CUSTOM["level"] < "l3", ("in", ("l1", "l2"))),
        (CUSTOM["level"] <= "l1", ("in", ("l1",))),
        (CUSTOM["level"] > "l1", ("in", ("l2", "l3"))),
        (CUSTOM["level"] >= "l2", ("in", ("l2", "l3"))),
        (CUSTOM["level"].between("l1", "l2"), ("in", ("l1", "l2"))),
        (CUSTOM["level"] == "l2", ("==", "l2")),
        (CUSTOM["level"].is_in("l1", "l3"), ("in", ("l1", "l3"))),
        (CUSTOM["visa"] == "h1b", ("==", "h1b")),
        (CUSTOM["pay"].between(1, 2.5), ("between", (1, 2.5))),
        (CUSTOM["count"] > 1, (">", 1)),
        (CUSTOM["ok"] == True, ("==", True)),  # noqa: E712 - the builder's word
        (CUSTOM["seen"].before("2026-03-02T09:00Z"), ("<", NOW)),
        (CUSTOM["tags"].contains("a"), ("has_any", ("a",))),
        (CUSTOM["tags"].has_all("a", "b"), ("has_all", ("a", "b"))),
        (CUSTOM["note"].contains("ell"), ("contains", "ell")),
        (CUSTOM["note"].is_known(), ("known", None)),
    ],
    ids=str,
)
def test_rule_about_a_registered_field_is_an_ordinary_rule(rule, expected):
    """The order of names becomes a choice among them, so that no rule needs the registry."""
    assert isinstance(rule, FieldTest)
    assert expected == (rule.op, rule.value)


def test_registered_instants_have_ages_and_anniversaries():
    """An instant of the host's is one like `interested_from`."""
    day = timedelta(days=1)
    assert FieldAge(("custom", "seen"), "within", day) == CUSTOM["seen"].within(day)
    assert FieldAge(("custom", "seen"), "older_than", day) == CUSTOM["seen"].older_than(day)
    assert FieldAnniversary(("custom", "seen")) == CUSTOM["seen"].anniversary()
    assert CUSTOM["seen"].older_than(day) == field.custom["seen"].older_than(days=1)


@pytest.mark.parametrize(
    "rule",
    [
        CUSTOM["level"] >= "l2",
        CUSTOM["level"] < "l3",
        CUSTOM["visa"] != "none",
        CUSTOM["pay"] <= 5,
        CUSTOM["seen"].within(days=2),
        CUSTOM["tags"].has_none("c"),
        CUSTOM["note"].starts_with("he"),
    ],
    ids=str,
)
def test_registered_fields_are_asked_as_they_are_kept(rule):
    """The person's own value is compared with what was asked."""
    assert Segment("s", rule).check(ADA, now=NOW)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CUSTOM["vsia"], "field.custom: 'vsia' is not a registered field; did you mean"),
        (lambda: CUSTOM["visa"] == "h2b", "custom['visa']: 'h2b' is not one of its names; known"),
        (lambda: CUSTOM["level"].between("l1", "l4"), "custom['level']: 'l4' is not one of its"),
        (lambda: CUSTOM["note"].contians("x"), "did you mean 'contains'"),
        (lambda: HOST.check(field.custom["vsia"] == 1), "'vsia' is not a registered field"),
    ],
)
def test_unknown_names_of_registered_fields_suggest_near_ones(make, message):
    """A field that is not registered, or a name that it cannot hold, is an error."""
    with pytest.raises(UnknownName) as caught:
        make()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CUSTOM["visa"] < "h1b", "is a name without order, which '<' does not suit"),
        (lambda: CUSTOM["visa"].contains("h"), "which 'contains' does not suit"),
        (lambda: CUSTOM["level"] < "l1", "custom['level']: nothing is < 'l1'"),
        (lambda: CUSTOM["level"] > "l3", "custom['level']: nothing is > 'l3'"),
        (lambda: CUSTOM["level"].between("l3", "l1"), "the lower one first"),
        (lambda: CUSTOM["pay"] == "5", "custom['pay'] is a number, got '5'"),
        (lambda: CUSTOM["pay"] > True, "custom['pay'] is a number, got True"),
        (lambda: CUSTOM["pay"].between(5, 1), "the lower value first"),
        (lambda: CUSTOM["pay"].within(days=1), "is a number, which 'within' does not suit"),
        (CUSTOM["pay"].anniversary, "is a number, which 'within' does not suit"),
        (lambda: CUSTOM["ok"] == 1, "custom['ok'] is true or false, got 1"),
        (lambda: CUSTOM["ok"] > False, "which '>' does not suit"),
        (lambda: CUSTOM["seen"] == "2026-01-01", "is an instant, got '2026-01-01'"),
        (lambda: CUSTOM["tags"] == "a", "is a list, which '==' does not suit"),
        (lambda: CUSTOM["tags"].has_any(1), "is a list, got 1"),
        (lambda: CUSTOM["note"] == 5, "custom['note'] is text, got 5"),
        (lambda: CUSTOM["note"] == None, "ask .is_unknown() or .is_known()"),  # noqa: E711
        (lambda: CUSTOM["note"] < "b", "is text, which '<' does not suit"),
        (lambda: CUSTOM["note"].contains(""), "contains needs a text"),
        (lambda: CUSTOM["note"].is_in([]), "in needs at least one value"),
        (lambda: CUSTOM["pay"] == [1], "expected a text, number, flag or instant"),
        (lambda: CUSTOM["pay"] == NAN, "NaN equals nothing"),
    ],
)
def test_what_a_registered_field_cannot_be_is_an_error(make, message):
    """Wrong types, orders and tests are errors where the rule is written."""
    with pytest.raises(RuleError) as caught:
        make()
    assert message in str(caught.value)


def test_naive_instant_is_refused_for_a_registered_field():
    """An instant without a zone is an error where it is written."""
    with pytest.raises(NaiveInstant, match=r"field.custom\['seen'\]: "):
        assert CUSTOM["seen"] < NAIVE


@pytest.mark.parametrize("spec", [dict, [], ["x", 1], {""}, "str", 5, None], ids=repr)
def test_types_that_nobody_can_hold_are_refused(spec):
    """A type is one of a few words, or names; the error says which."""
    with pytest.raises(RuleError, match=r"custom\['a'\]: expected str, float, bool, datetime"):
        Fields(custom={"a": spec})


def test_types_come_by_name():
    """Anything but a mapping is refused."""
    with pytest.raises(RuleError, match="custom: expected a mapping of names to types, got 5"):
        Fields(custom=5)


def test_rule_from_elsewhere_can_be_checked_against_the_registry():
    """Wherever in a rule a host's field is asked amiss, `check` finds it."""
    fine = field.custom["seen"].within(days=1) & ~field.custom["tags"].has_any("a")
    HOST.check(fine & event("met").ever() & field.custom.is_known() & (field.salary > 1))
    HOST.check(field.custom["level"] < "l2")
    for amiss, message in (
        (field.custom["pay"] > "x", "is a number, got 'x'"),
        (field.custom["pay"].within(days=1), "'within' does not suit"),
        (field.custom["pay"].anniversary(), "'within' does not suit"),
    ):
        for rule in (amiss, fine | ~held(amiss, at_least=timedelta(days=1))):
            with pytest.raises(RuleError) as caught:
                HOST.check(rule)
            assert message in str(caught.value)


def test_without_a_registry_any_field_may_be_asked_for():
    """The plain `field` takes what it is told, and has nothing to check."""
    rule = field.custom["vsia"] == 1
    field.check(rule)
    assert FieldTest(("custom", "vsia"), "==", 1) == rule
