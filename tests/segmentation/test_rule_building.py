"""Building rules: what comes out, and every mistake that is caught where the rule is written."""

import copy
import pickle
from datetime import UTC, date, datetime, timedelta

import pytest

from crmkit.engagement import EngagementPolicy
from crmkit.errors import NaiveInstant, RuleError, UnknownName
from crmkit.model import Candidate, Relationship
from crmkit.segmentation import (
    Rule,
    Segment,
    all_of,
    any_of,
    bucket,
    event,
    everyone,
    field,
    held,
    listed,
    member,
    none_of,
    permitted,
    score,
    suppressed,
    temperature,
)
from crmkit.segmentation import _nodes as nodes
from crmkit.segmentation._nodes import AllOf, AnyOf, EventCount, Events, FieldTest, Not, ScoreTest
from crmkit.segmentation._paths import type_of

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
MET = event("met")
EVENTS = Events(("met",))
NAN = float("nan")
NAIVE = datetime(2026, 3, 2, 9)  # noqa: DTZ001
A, B, C = field.source == "event", event("met").ever(), field.salary > 1


def test_rules_compare_by_value_and_hash():
    """Two rules written alike are equal, and a rule survives copy and pickle."""
    rule = (field.skills.has_any("go") & event("met").within(days=9)) | ~(score() >= 5)
    again = (field.skills.has_any("Go") & event("met").within(timedelta(days=9))) | ~(score() >= 5)
    assert rule == again
    assert hash(rule) == hash(again)
    assert [rule, rule] == [copy.deepcopy(rule), pickle.loads(pickle.dumps(rule))]


def test_true_one_and_the_float_one_are_three_rules():
    """Values of different types make different rules, though Python calls them equal."""
    rules = {field.custom["x"] == value for value in (True, 1, 1.0)}
    assert len(rules) == 3


def test_and_and_or_are_flat():
    """A chain of & or of | is one node; mixed, they nest."""
    assert AllOf((A, B, C)) == A & B & C == A & (B & C)
    assert AnyOf((A, B, C)) == A | B | C == any_of(A, B, C)
    assert AnyOf((A, AllOf((B, C)))) == A | (B & C)
    assert all_of(A, B) == A & B
    assert none_of(A, B) == ~(A | B)
    assert A == all_of(A) == any_of(A) == ~~A == ~none_of(A)


def test_a_thousand_terms_are_one_flat_rule():
    """A long OR works and stays flat."""
    rule = everyone()
    for number in range(1000):
        rule |= field.custom["n"] == number
    assert len(rule.parts) == 1001


def test_operators_make_the_nodes_they_name():
    """Negative operators are NOT of their positive; never and counts are ranges of one count."""
    sent = Events(("sent",))
    assert Not(FieldTest(("salary",), "==", 5.0)) == (field.salary != 5)
    assert Not(field.skills.has_any("go")) == field.skills.has_none("go")
    assert EventCount(sent, at_most=0) == event("sent").never() == event("sent").at_most(0)
    assert EventCount(sent, 2, 2) == event("sent", "sent").exactly(2)
    assert ScoreTest("<=", 2.0) == (score() <= 2)
    assert EngagementPolicy(hot=9) == (score(EngagementPolicy(hot=9)) > 2).policy
    assert isinstance(field.source.is_known(), Rule)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: field.sorce,
            "field: 'sorce' is not a field of a candidate; did you mean 'source'",
        ),
        (lambda: field.source == "sorced", "field.source: 'sorced' is not a source; did you mean"),
        (lambda: field.seniority < "seniour", "did you mean 'senior'"),
        (lambda: field.timezone == "Europe/Lodnon", "did you mean 'Europe/London'"),
        (lambda: field.employments.compny, "did you mean 'company'"),
        (
            lambda: field.title.contians("x"),
            "field.title: 'contians' is not a test of a field; did",
        ),
        (
            lambda: field.custom.visa,
            "field.custom: no 'visa'; entries are written field.custom['vi",
        ),
        (lambda: event("repled"), "did you mean 'replied'"),
        (lambda: event("sent", channel="emial"), "did you mean 'email'"),
        (lambda: MET.within(day=90), "'day' is not a part of a span; did you mean 'days'"),
        (lambda: temperature() == "colt", "did you mean 'cold'"),
        (lambda: permitted("emial"), "did you mean 'email'"),
        (lambda: suppressed("emial"), "did you mean 'email'"),
        (lambda: MET.where("channel", "==", "emial"), "channel: 'emial' is not a channel; did"),
        (lambda: MET.last.anniversary(zone="Europe/Berln"), "zone: 'Europe/Berln' is not an IANA"),
    ],
)
def test_unknown_names_suggest_near_ones(make, message):
    """A name that nobody knows is an error where it is written, with the nearest name."""
    with pytest.raises(UnknownName) as caught:
        make()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: event("met").dated(since=NAIVE),
        lambda: event("met").where("booked", "<", NAIVE),
        lambda: field.interested_from < NAIVE,
        lambda: field.interested_from.before(NAIVE),
        lambda: field.custom["seen"] == NAIVE,
        lambda: event("x-lunch", booked=NAIVE),
    ],
)
def test_naive_instant_is_refused_in_a_rule(make):
    """An instant without a zone is an error where it is written."""
    with pytest.raises(NaiveInstant):
        make()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: field.title == 5, "field.title: expected text, got int"),
        (lambda: field.salary > "5", "field.salary: expected a number, got str"),
        (lambda: field.salary == True, "expected a number"),  # noqa: E712
        (lambda: field.salary > NAN, "nan means unknown; ask .is_unknown()"),
        (lambda: field.title == " ", "means unknown"),
        (lambda: field.title < "M", "field.title is text, which '<' does not suit"),
        (lambda: field.source < "event", "field.source is a name without order"),
        (lambda: field.do_not_contact > False, "use == True or == False"),
        (lambda: field.custom["x"] > True, "true and false have no order"),
        (lambda: field.skills == "go", "use .has_any, .has_all"),
        (lambda: field.salary.contains("5"), "use == < <= > >=, .between or .is_in"),
        (lambda: field.title.contains(5), "contains needs a text, got 5"),
        (lambda: field.title.contains(""), "contains needs a text"),
        (lambda: field.title.has_any("x"), "field.title is text"),
        (field.skills.has_any, "has_any needs at least one value"),
        (lambda: field.source.is_in([]), "in needs at least one value"),
        (lambda: field.source == None, "ask .is_unknown() or .is_known()"),  # noqa: E711
        (lambda: field.source != None, "ask .is_unknown() or .is_known()"),  # noqa: E711
        (lambda: field.source.is_in("event", None), "ask .is_unknown()"),
        (lambda: field.custom["x"] == None, "ask .is_unknown()"),  # noqa: E711
        (lambda: field.custom["x"] == [1], "expected a text, number, flag or instant"),
        (lambda: field.custom["x"] == NAN, "NaN equals nothing"),
        (lambda: field.custom == "x", "say which entry"),
        (lambda: field.employments == "x", "ask about one of the records' fields"),
        (lambda: field.custom[1], "expected the entry's name, got 1"),
        (lambda: field.title["x"], "only custom and external_ids have"),
        (lambda: field.custom["x"]["y"], "field.custom['x'] has no entries"),
        (lambda: field.salary.between(5, 1), "the lower value first"),
        (lambda: field.custom["x"].between(False, True), "true and false have no order"),
        (lambda: field.salary.on(date(2026, 1, 1)), "field.salary is a number"),
        (lambda: field.interested_from.on("2026-01-01"), "expected a date, got '2026-01-01'"),
        (lambda: field.interested_from.on(date(9999, 12, 31)), "at the end of the calendar"),
        (lambda: field.custom["x"].between(5, "x"), "two values of one type"),
        (lambda: field.salary.before(NOW), "field.salary is a number"),
        (lambda: field.interested_from.before(5), "expected a datetime, got int"),
        (field.interested_from.within, "expected a span"),
        (lambda: field.interested_from.within(timedelta(1), days=1), "expected a span"),
        (lambda: field.interested_from.within(days=0), "longer than nothing"),
        (lambda: field.interested_from.older_than(days=-1), "longer than nothing"),
        (lambda: field.salary.within(days=1), "field.salary is a number"),
        (lambda: event("sent").within(90), "expected a timedelta or days=…, got 90"),
        (lambda: event("sent").within(months=1, days=1), "they do not mix"),
        (lambda: event("sent").within(months=0), "longer than nothing"),
        (lambda: event("sent").within(months=1.5), "expected a whole number, got 1.5"),
        (lambda: event("sent").within(months=1, zone="Mars"), "'Mars' is not an IANA time zone"),
        (lambda: event("sent").within(days=10**12), "not a span of time"),
        (lambda: event("sent").within(days="9"), "not a span of time"),
        (lambda: event("sent").within(days=-1), "longer than nothing"),
        (lambda: event("sent").at_least(1, within=90), "within: expected a timedelta, got 90"),
        (lambda: event("sent").at_least(-1), "at_least: expected a whole number from 0"),
        (lambda: event("sent").at_most(True), "at_most: expected a whole number from 0"),
        (event, "at least one interaction kind"),
        (lambda: event("sent", automated="no"), "automated: expected True, False or None"),
        (lambda: event("sent", outcome=None), "outcome: None is not a value"),
        (lambda: event("sent", outcome=[]), "outcome: expected at least one value"),
        (lambda: event("sent", outcome=5), "outcome: expected text, got int"),
        (lambda: event("sent", stage={"a": 1}), "stage: expected a text, number"),
        (lambda: event("sent").after("met"), "expected an event such as event('sent')"),
        (lambda: event("sent").after(B), "without .ever() or .within(), got EventCount"),
        (lambda: score() >= "5", "a score compares with a number"),
        (lambda: score() == 5, "use >= or <"),
        (all_of, "everyone() is the rule that always holds"),
        (lambda: any_of(A, "x"), "expected a rule, got str"),
        (lambda: A & True, "expected a rule, got bool"),
        (lambda: A & event("sent"), "say how often or when"),
        (lambda: event("sent") & A, "say how often or when"),
        (lambda: ~event("sent"), "say how often or when"),
        (lambda: A | field.do_not_contact, "compare the field"),
        (lambda: field.salary == 1 & field.title == "x", "put each comparison in parentheses"),
        (lambda: Segment("s", event("sent")), "say how often or when"),
        (lambda: Segment("s", None), "expected a rule, got NoneType"),
        (lambda: A and B, "use & instead of 'and'"),
        (lambda: not A, "~ instead of 'not'"),
        (lambda: 1 < field.salary < 5, ".between(low, high)"),
        (lambda: "go" in field.skills, "use field.skills.contains('go') instead of 'in'"),
        (lambda: bool(field.source), "compare the field"),
        (lambda: bool(score()), "compare the score"),
        (lambda: bool(temperature()), "compare the temperature"),
    ],
)
def test_rule_that_cannot_mean_anything_is_an_error(make, message):
    """Each mistake is a RuleError where the rule is written, saying what to write instead."""
    with pytest.raises(RuleError) as caught:
        make()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: held(A), "held() needs either at_least= or less_than="),
        (lambda: held(A, at_least=DAY, less_than=DAY), "held() needs either"),
        (lambda: held("x", at_least=DAY), "expected a rule, got str"),
        (lambda: held(MET, less_than=DAY), "say how often or when"),
        (lambda: held(A, at_least=5), "span: expected a timedelta, got 5"),
        (lambda: held(A, less_than=0 * DAY), "span: expected a span longer than nothing"),
        (lambda: MET.stopped(5), "lag: expected a timedelta, got 5"),
        (lambda: MET.stopped(DAY, active=5), "within: expected a timedelta, got 5"),
        (lambda: MET.stopped(DAY, at_least=-1), "at_least: expected a whole number from 0"),
        (lambda: MET.restarted(0 * DAY, within=DAY), "gap: expected a span longer than nothing"),
        (lambda: MET.restarted(DAY, within="x"), "within: expected a timedelta, got 'x'"),
        (lambda: MET.regular(0, of=3, every=DAY), "expected 1 <= at_least <= periods <= 366"),
        (lambda: MET.regular(4, of=3, every=DAY), "got 4 of 3"),
        (lambda: MET.regular(1, of=367, every=DAY), "got 1 of 367"),
        (lambda: MET.regular(True, of=3, every=DAY), "at_least: expected a whole number"),
        (lambda: MET.regular(1, of=2.0, every=DAY), "periods: expected a whole number"),
        (lambda: MET.regular(1, of=3, every=0 * DAY), "every: expected a span longer"),
        (lambda: MET.since("x"), "expected an event such as event('sent')"),
        (lambda: MET.last & A, "say what of it, as in event('met').last"),
        (lambda: bool(MET.first), "say what of it"),
        (MET.last.within, "expected a span"),
        (lambda: MET.last.where("outcome", "=~", "x"), "outcome: '=~' is no test; known: =="),
        (lambda: MET.where("x", "==", None), "use the test 'known' or 'unknown'"),
        (lambda: field.custom["x"].on(NOW), "expected a date, got datetime.datetime(2026, 3, 2"),
        (lambda: A & Segment("s", B), "got Segment; a segment is none: take its .rule"),
        (lambda: MET.where("x", "in", []), "x: expected at least one value"),
        (lambda: MET.where("x", "<", True), "true and false have no order"),
        (lambda: MET.where("channel", "<", "email"), "channel is a name without order"),
        (lambda: MET.where("x", "contains", 5), "contains needs a text, got 5"),
        (lambda: MET.where("x", "ends_with", ""), "ends_with needs a text"),
        (lambda: MET.where("x", "known", 5), "known needs no value, got 5"),
        (lambda: MET.where("x", "==", NAN), "NaN equals nothing"),
        (lambda: MET.where("", "==", 1), "name: expected a text, got ''"),
        (lambda: MET.where(5, "==", 1), "name: expected a text, got 5"),
        (lambda: MET.dated(since=NOW, before=NOW), "before: expected an instant later than"),
        (lambda: MET.last.anniversary(before=5), "before: expected a timedelta from nothing on"),
        (lambda: MET.last.anniversary(after=-DAY), "after: expected a timedelta from nothing on"),
        (lambda: MET.last.anniversary(after=365 * DAY), "at most 364 days, got 365 days"),
        (lambda: MET.last.anniversary(after=0 * DAY), "longer than nothing"),
        (field.source.anniversary, "field.source is a name without order"),
        (lambda: member(""), "segment: expected a text, got ''"),
        (lambda: member(5), "segment: expected a text, got 5"),
        (listed, "needs at least one candidate id"),
        (lambda: listed("ada", ""), "expected candidate ids, got ''"),
        (lambda: listed(5), "expected candidate ids, got 5"),
        (lambda: bucket("x", below=2), "expected 0 <= at_least < below <= 1, got 0.0 and 2"),
        (lambda: bucket("x", at_least=0.5, below=0.5), "got 0.5 and 0.5"),
        (lambda: bucket("x", below=NAN), "expected 0 <= at_least < below <= 1"),
        (lambda: bucket("x", below=True), "below: expected a share from 0 to 1, got True"),
        (lambda: permitted(policy=5), "policy: expected ContactPolicy, got 5"),
        (lambda: score(5) > 1, "policy: expected EngagementPolicy, got 5"),
        (lambda: temperature().is_in([]), "among: expected temperatures"),
        (lambda: score() > NAN, "a score compares with a number, got nan"),
    ],
)
def test_word_that_is_used_amiss_says_how(make, message):
    """Held, stopped, restarted, regular and the rest refuse what they cannot mean."""
    with pytest.raises(RuleError) as caught:
        make()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FieldTest(("source",), "=", "event"), "op: expected one of ==, in, <"),
        (lambda: FieldTest((), "==", "event"), "path: expected the names that lead to a field"),
        (lambda: FieldTest("source", "==", "event"), "path: expected the names"),
        (lambda: FieldTest(("source",), "known", "event"), "known needs no value, got 'event'"),
        (lambda: nodes.FieldAge(("interested_from",), "before", DAY), "op: expected one of within"),
        (lambda: nodes.FieldAge(("interested_from",), "within", 5), "span: expected a timedelta"),
        (lambda: ScoreTest("==", 1), "op: expected one of <"),
        (lambda: nodes.TemperatureTest("cold"), "among: expected temperatures, got 'cold'"),
        (lambda: EventCount("met"), "events: expected Events, got 'met'"),
        (lambda: EventCount(EVENTS, 3, 1), "at_most: expected at least 3, got 1"),
        (lambda: nodes.EventAge(EVENTS, "second", "within", DAY), "which: expected one of first"),
        (lambda: nodes.EventWhere(EVENTS, "last", "x"), "test: expected Where, got 'x'"),
        (lambda: nodes.EventAfter(EVENTS, "x"), "other: expected Events, got 'x'"),
        (lambda: Events("met"), "at least one interaction kind"),
        (lambda: Events(("met",), where="x"), "where: expected tests, got 'x'"),
        (lambda: Events(("met",), where=("x",)), "where: expected tests, got 'x'"),
        (lambda: Events(("met",), automated=()), "automated: expected some of true, false"),
        (lambda: Events(("met",), automated=("x",)), "automated: expected true, false or null"),
        (lambda: nodes.Where("x", "==", 1), "op: expected one of in, <"),
        (lambda: AllOf("ab"), "expected rules, got str"),
        (lambda: AnyOf(5), "expected rules, got int"),
        (lambda: nodes.Listed("ada"), "needs at least one candidate id"),
    ],
)
def test_node_checks_itself_however_it_was_made(make, message):
    """A document reaches the nodes without the words; they refuse the same things."""
    with pytest.raises(RuleError) as caught:
        make()
    assert message in str(caught.value)


def test_rules_nest_a_hundred_deep_and_no_deeper():
    """Deeper than anybody reads is refused where it is written; a hundred can still be walked."""
    rule = A
    for _ in range(49):
        rule = ~(rule & B)
    assert rule.depth == 99
    deepest = held(rule, at_least=DAY)
    segment = Segment("s", deepest)
    assert 49 == segment.describe().count("ever met")
    assert None is segment.check(Relationship(Candidate(id="ada")), now=NOW).until
    for deeper in (lambda: ~deepest, lambda: deepest & B, lambda: held(deepest, at_least=DAY)):
        with pytest.raises(RuleError, match="rules are nested more than 100 deep"):
            deeper()


def test_unfinished_words_have_short_reprs():
    """Half a rule shows how it was written."""
    words = (field, field.source, field.custom["visa"], field.employments.company, event("sent"))
    assert "event('met').last" == repr(MET.last)
    assert [repr(word) for word in words] == [
        "field",
        "field.source",
        "field.custom['visa']",
        "field.employments.company",
        "event('sent')",
    ]


def test_field_completes_and_has_no_hidden_attributes():
    """Completion lists the fields of a candidate; private names are ordinary AttributeErrors."""
    assert "skills" in dir(field)
    assert not hasattr(field, "_private")
    assert not hasattr(field.source, "__wrapped__")
    assert [getattr(word, "close", None) for word in (field, field.source, field.employments)] == [
        None
    ] * 3


def test_only_maps_and_records_have_something_inside():
    """A path into a plain field is refused, however it is made."""
    with pytest.raises(RuleError, match=r"field\.title is text; it has nothing inside"):
        type_of(("title", "x"))
