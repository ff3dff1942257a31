"""Selection rates and impact ratios on pools counted by hand, against SciPy and a recount."""

import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

pytest.importorskip("scipy")

from scipy.stats import fisher_exact
from scipy.stats.contingency import relative_risk

from crmkit.errors import InvalidRecord, NaiveInstant, NotFound
from crmkit.metrics import Exclusion
from crmkit.metrics._fairness import count_impact, impact
from crmkit.metrics._impact import ImpactBasis, ImpactStage, ImpactState
from crmkit.metrics._impact_report import Impact
from crmkit.model import Candidate, Interaction, Relationship

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
WINDOW = 100 * DAY
TICK = timedelta(microseconds=1)
STEP = ImpactBasis.STEP
Groups = dict[str, dict[str, Any]]


def person(key: str, *facts: tuple[str, float], **more: Any) -> Relationship:
    """Somebody with facts given as (kind, days ago)."""
    log = [Interaction(candidate_id=key, kind=kind, at=NOW - days * DAY) for kind, days in facts]
    return Relationship(Candidate(id=key, **more), log)


def crowd(**sizes: tuple[int, int]) -> tuple[list[Relationship], Groups]:
    """Make groups by sex, each given as (hired, of)."""
    pool, groups = [], {}
    for sex, (hired, of) in sizes.items():
        for number in range(of):
            key = f"{sex}{number}"
            pool.append(person(key, *([("hired", 10)] if number < hired else [])))
            groups[key] = {"sex": sex}
    return pool, groups


def hired(**sizes: tuple[int, int]) -> Impact:
    return impact(*crowd(**sizes), now=NOW)


def counts(found: Impact, group: Mapping[str, str | None]) -> list[tuple[Any, ...]]:
    """Every rate of a group: stage, basis, selected, of."""
    attributes = tuple(sorted(group))
    values = tuple(str(group[name]) for name in attributes if group[name] is not None)
    return [
        (row.stage.value, row.basis.value, row.selected, row.of)
        for row in found
        if (row.attributes, row.group) == (attributes, values)
    ]


def test_the_anchor() -> None:
    """3 of 20 against 8 of 20: the impact ratio is 0.375, flagged, and may be chance."""
    row = hired(f=(3, 20), m=(8, 20)).row({"sex": "f"}, "hired")
    assert (row.rate, row.ratio, row.flag, row.state) == (0.15, 0.375, True, ImpactState.COMPARED)
    assert (row.reference, row.reference_selected, row.reference_of) == (("m",), 8, 20)
    bounds = relative_risk(3, 20, 8, 20).confidence_interval(0.95)
    assert row.interval() == pytest.approx((bounds.low, bounds.high))
    assert row.p_value() == pytest.approx(fisher_exact([[3, 17], [8, 12]]).pvalue)
    assert row.meaning == (
        "0.375 of the rate of m (3 of 20 against 8 of 20): below four fifths. A flag, not a "
        "verdict (29 CFR 1607.4D). The 95 % interval, 0.12 to 1.21, includes 1: the data cannot "
        "tell whether the groups differ."
    )


def test_the_highest_group_is_compared_with_nobody() -> None:
    """It has the ratio 1, no flag and no interval."""
    row = hired(f=(3, 20), m=(8, 20)).row({"sex": "m"}, "hired")
    assert (row.state, row.ratio, row.flag) == (ImpactState.HIGHEST, 1.0, False)
    assert (row.interval(), row.p_value()) == (None, None)
    assert row.meaning == "The highest rate: the others are compared with it."


@pytest.mark.parametrize(
    ("selected", "expected"), [((8, 20), False), ((79, 200), True), ((4, 10), False)]
)
def test_exactly_four_fifths_is_not_flagged(selected: tuple[int, int], expected: bool) -> None:
    """The rule says "less than four fifths", and floating point has no say in it."""
    row = hired(f=selected, m=(10, 20)).row({"sex": "f"}, "hired")
    assert (row.flag, row.state) == (expected, ImpactState.COMPARED)


def test_a_clear_difference_is_still_no_verdict() -> None:
    """Where the interval leaves out 1, the sentence says what that does not tell."""
    meaning = hired(f=(30, 200), m=(100, 200)).row({"sex": "f"}, "hired").meaning
    assert "leaves out 1: chance alone seldom does that; why it is so, no ratio tells" in meaning
    assert "A flag, not a verdict" in meaning


def test_no_flag_is_no_proof() -> None:
    """A ratio above four fifths does not show that all are treated alike, and says so."""
    meaning = hired(f=(9, 20), m=(10, 20)).row({"sex": "f"}, "hired").meaning
    assert "not below four fifths, which does not prove that all are treated alike" in meaning


def test_nobody_selected_has_no_bounded_interval() -> None:
    """0 of 20 against 8 of 20 is shown, flagged, and compared by Fisher's exact test."""
    row = hired(f=(0, 20), m=(8, 20)).row({"sex": "f"}, "hired")
    assert (row.selected, row.ratio, row.flag, row.interval()) == (
        0,
        0.0,
        True,
        (0.0, float("inf")),
    )
    assert row.meaning.endswith("if the groups do not differ, rates so far apart have p = 0.0033.")
    assert json.loads(json.dumps(row.to_dict(), allow_nan=False))["interval_high"] is None


def test_everybody_selected_on_both_sides() -> None:
    """20 of 20 against 20 of 20: the ratio is 1, and no interval can be told."""
    row = hired(f=(20, 20), m=(20, 20)).row({"sex": "m"}, "hired")
    assert (row.ratio, row.flag, row.interval()) == (1.0, False, None)
    assert row.meaning.endswith("Everybody was selected on both sides: there is no interval.")


def test_nobody_of_any_group_was_selected() -> None:
    """Nothing can be compared with 0, and that is stated."""
    row = hired(f=(0, 20), m=(0, 20)).row({"sex": "f"}, "hired")
    assert (row.state, row.rate, row.ratio, row.flag) == (
        ImpactState.NONE_SELECTED,
        0.0,
        None,
        None,
    )
    assert row.meaning == "No ratio: nobody was selected of any group that is shown."


def test_a_denominator_of_zero_is_stated() -> None:
    """Nobody was contacted: the step after it has no rate."""
    found = hired(f=(3, 20), m=(8, 20))
    row = found.row({"sex": "f"}, "shortlisted", "step")
    assert (row.state, row.selected, row.of, row.rate) == (ImpactState.NOBODY, 0, 0, None)
    assert row.meaning == "No rate: nobody of the group was contacted."


def test_one_group_alone() -> None:
    """There is nothing to compare it with."""
    row = hired(f=(3, 20)).row({"sex": "f"}, "hired")
    assert (row.state, row.rate, row.ratio) == (ImpactState.ALONE, 0.15, None)


def test_a_group_of_one_is_withheld_and_so_is_the_one_that_would_tell_it() -> None:
    """The sum less the others would give the one person: the next smallest group goes, too."""
    found = hired(f=(10, 30), m=(10, 40), x=(1, 1))
    assert found.people == 71
    states = [found.row({"sex": sex}, "hired").state for sex in "fmx"]
    assert states == [ImpactState.SECONDARY, ImpactState.ALONE, ImpactState.SMALL]
    row = found.row({"sex": "x"}, "hired")
    assert (row.selected, row.of, row.rate, row.ratio, row.flag) == (None,) * 5
    assert row.meaning == "Withheld: a group of fewer than 5 people."
    assert "could be had by subtraction" in found.row({"sex": "f"}, "hired").meaning


def test_a_rate_of_few_people_is_withheld() -> None:
    """Of a large group only three were contacted: one of three is no rate."""
    pool = [
        person(f"f{n}", *([("sent", 9)] if n < 3 else []), *([("screened", 5)] if n < 1 else []))
        for n in range(20)
    ]
    row = impact(pool, lambda _: {"sex": "f"}, now=NOW).row({"sex": "f"}, "shortlisted", STEP)
    assert (row.state, row.of) == (ImpactState.TOO_FEW, None)
    assert row.meaning == "Withheld: a rate of fewer than 5 people."


def test_a_pool_of_three_says_not_even_how_many() -> None:
    """The total would tell the one group."""
    found = hired(f=(1, 3))
    assert found.people is None
    assert {row.state for row in found if row.group} == {ImpactState.SMALL}


def test_the_unknown_are_withheld_where_they_would_tell_the_few_who_are_known() -> None:
    """97 of 100 have no group: their number would tell the other three."""
    pool, groups = crowd(f=(1, 3))
    pool += [person(f"u{n}") for n in range(97)]
    found = impact(pool, groups, now=NOW)
    row = found.row({"sex": None}, "captured")
    assert (row.state, row.of, row.suppressed) == (ImpactState.SECONDARY, None, True)
    assert "97" not in str(found)


def test_stages_are_counted_by_hand() -> None:
    """One person for each way through the funnel; the window and the order decide."""
    pool = [
        person("all", ("sent", 90), ("screened", 80), ("applied", 70), ("hired", 60)),
        person("old", ("sent", 190), ("interviewed", 180), ("applied", 170), ("hired", 160)),
        person("late", ("met", 190), ("applied", 20)),
        person("direct", ("applied", 50), ("offered", 40), ("hired", 30)),
        person("first", ("applied", 50), ("messaged", 40)),
        person("again", ("called", 90), ("hired", 80), ("applied", 70)),
        person("silent"),
    ]
    found = impact(pool, lambda _: {"sex": "f"}, now=NOW, window=WINDOW, least=1)
    assert counts(found, {"sex": "f"}) == [
        ("captured", "overall", 7, 7),
        ("contacted", "overall", 3, 7),  # all, first, again
        ("shortlisted", "overall", 2, 7),  # all, direct
        ("shortlisted", "step", 1, 3),  # all
        ("converted", "overall", 3, 7),  # all, late, again
        ("converted", "step", 1, 2),  # all
        ("hired", "overall", 3, 7),  # all, direct, again
        ("hired", "step", 1, 3),  # all
    ]
    assert dict(found.noted) == {
        "people applied, but not after a contact: not counted as converted": 2,
        "people converted but not shortlisted: counted overall, not in the step": 2,
        "people hired before they converted: counted overall, not in the step": 1,
        "people hired but not converted: counted overall, not in the step": 1,
        "people shortlisted but not contacted: counted overall, not in the step": 1,
    }


def test_a_shortlist_of_the_host_replaces_the_log() -> None:
    """The ids count, a merged record's too; the definition says which it was."""
    pool = [
        person("a", ("sent", 9), ("screened", 5)),
        person("b", ("sent", 9), aliases=["old-b"]),
        person("c"),
    ]
    found = impact(pool, lambda _: {"sex": "f"}, now=NOW, shortlisted={"old-b", "zoe"}, least=1)
    row = found.row({"sex": "f"}, "shortlisted", "step")
    assert (row.selected, row.of) == (1, 2)
    assert found.definitions["shortlisted"] == "on the shortlist that was given"


@pytest.mark.parametrize(("days", "expected"), [(100, 0), (99.999, 1), (0, 1), (-0.001, 0)])
def test_the_window_is_open_at_its_start_and_closed_at_now(days: float, expected: int) -> None:
    """A fact exactly a window old is out; one at this instant is in; a later one is not yet."""
    pool = [person("a", ("noted", 300), ("sent", days))]
    found = impact(pool, lambda _: {"sex": "f"}, now=NOW, window=WINDOW, least=1)
    assert found.row({"sex": "f"}, "contacted").selected == expected


def test_a_mapping_says_who_could_have_been_captured() -> None:
    """Whom it names and who is not in the CRM, or not yet, counts as not captured."""
    pool = [
        person("a"),
        person("later", ("sourced", -5)),
        person("unnamed"),
        person("x", ("met", -1)),
    ]
    groups: Groups = {key: {"sex": "f"} for key in ("a", "later", "nobody")}
    found = impact(pool, groups, now=NOW, least=1)
    captured = found.row({"sex": "f"}, "captured")
    assert (captured.selected, captured.of) == (1, 3)
    assert found.row({"sex": None}, "captured").of == 1
    assert dict(found.noted) == {
        "people named in the groups but not in the CRM by then": 2,
        "people in the CRM but not named in the groups: unknown": 1,
    }
    assert found.exclusions == (Exclusion("people first heard of later", 1),)
    assert found.until == NOW + DAY


def test_a_function_is_asked_of_those_in_the_crm_by_then() -> None:
    """Somebody first heard of later does not exist yet; an erased person has no groups."""
    pool = [person("a"), person("later", ("sourced", -5)), person("gone", erased=True)]
    asked = []

    def groups(candidate: Candidate) -> dict[str, str]:
        asked.append(candidate.id)
        return {"sex": "f"}

    found = impact(pool, groups, now=NOW, least=1)
    assert asked == ["a"]
    assert found.people == 1
    assert [str(exclusion) for exclusion in found.exclusions] == [
        "people erased left out: 1",
        "people first heard of later left out: 1",
    ]


def test_an_erased_person_whom_the_mapping_still_names_is_left_out() -> None:
    """A tombstone has no groups, whatever the host has kept; nor has the alias of one."""
    pool = [person("gone", erased=True, aliases=["old"])]
    found = impact(pool, {"gone": {"sex": "f"}, "old": {"sex": "f"}}, now=NOW, least=1)
    assert (found.people, found.exclusions) == (0, (Exclusion("people erased", 1),))


def test_a_merged_record_is_found_by_its_alias() -> None:
    """One person, though the mapping names the record that was merged away."""
    found = impact([person("a", aliases=["b"])], {"b": {"sex": "f"}}, now=NOW, least=1)
    row = found.row({"sex": "f"}, "captured")
    assert (row.selected, row.of) == (1, 1)


@pytest.mark.parametrize("value", [None, "", "  ", float("nan")])
def test_what_is_missing_is_unknown_and_counted(value: object) -> None:
    """None, blank and a data frame's NaN are unknown: their own row, compared with nobody."""
    pool, groups = crowd(f=(3, 20), m=(8, 20))
    pool += [person("u", ("hired", 5)), person("v"), person("w")]
    groups |= {"u": {"sex": value}, "v": {}}
    found = impact(pool, groups, now=NOW)
    row = found.row({"sex": None}, "hired")
    assert (row.state, row.selected, row.of, row.ratio) == (ImpactState.UNKNOWN, 1, 3, None)
    assert row.meaning == "Their group is unknown: counted, and compared with nobody."
    assert found.row({"sex": "f"}, "hired").ratio == 0.375


def test_intersections_cross_every_two_attributes() -> None:
    """Unknown in one attribute is unknown in the intersection."""
    pool = [person(f"p{n}", *([("hired", 9)] if n % 3 == 0 else [])) for n in range(40)]
    groups = {
        f"p{n}": {
            "sex": "fm"[n % 2],
            "age": "40+" if n < 20 else "-40",
            "race": None if n < 6 else "a",
        }
        for n in range(40)
    }
    found = impact(pool, groups, now=NOW)
    assert list(dict.fromkeys(row.attribute for row in found)) == [
        "age", "race", "sex", "age × race", "age × sex", "race × sex",
    ]  # fmt: skip
    row = found.row({"sex": "f", "age": "40+"}, "hired")
    assert (row.attributes, row.group, row.selected, row.of) == (
        ("age", "sex"),
        ("40+", "f"),
        4,
        10,
    )
    assert found.row({"sex": "f", "race": None}, "hired").of == 6
    alone = impact(pool, groups, now=NOW, intersections=False)
    assert {len(row.attributes) for row in alone} == {1}


def test_flags_and_numbers_name_a_group_too() -> None:
    """A host may have booleans and whole numbers for values."""
    pool = [person(f"p{n}") for n in range(10)]
    found = impact(pool, lambda c: {"veteran": c.id < "p5", "band": 3}, now=NOW)
    assert {row.group for row in found if len(row.attributes) == 1 and row.group} == {
        ("True",), ("False",), ("3",),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({"a": {"sex": 1.5}}, "groups['a']['sex']: expected text, got float"),
        ({"a": {"sex": "f\nm"}}, "groups['a']['sex']: expected one line of text"),
        ({"a": "f"}, "groups['a']: expected a mapping of attributes to values, got str"),
        ({"a": {"": "f"}}, "groups['a']: expected the name of an attribute, got nothing"),
        ({"b": {"sex": ["f"]}}, "groups['b']['sex']: expected text, got list"),
    ],
)
def test_a_faulty_group_is_an_error_with_its_place(groups: Any, message: str) -> None:
    """The path leads to the person and the attribute; the value is not repeated."""
    with pytest.raises(InvalidRecord) as caught:
        impact([person("a")], groups, now=NOW)
    assert str(caught.value).startswith(message)


def test_options_that_mean_nothing() -> None:
    """A naive instant, an empty window, a threshold of 0."""
    with pytest.raises(NaiveInstant, match="now"):
        impact([], {}, now=datetime(2026, 3, 2, 9))  # noqa: DTZ001
    with pytest.raises(InvalidRecord, match="window: expected more than nothing"):
        impact([], {}, now=NOW, window=timedelta(0))
    for least in (0, True, 2.5):
        with pytest.raises(InvalidRecord, match="least: expected a whole number from 1 on"):
            impact([], {}, now=NOW, least=least)  # type: ignore[arg-type]
    with pytest.raises(InvalidRecord, match="level"):
        hired(f=(3, 20), m=(8, 20)).to_dicts(level=95)


def test_nobody_and_no_groups() -> None:
    """An empty report says so, and raises nothing."""
    found = impact([person("a")], lambda _: None, now=NOW)
    assert (len(found), found.people, found.flagged) == (0, 1, ())
    assert "Nobody was counted, or no group was supplied." in str(found)
    with pytest.raises(NotFound, match="no impact ratio 'sex: f, hired"):
        found.row({"sex": "f"}, "hired")


def test_only_counts_that_were_counted_alike_add() -> None:
    """Another instant, window or kind of shortlist is another question."""
    part = count_impact([], {}, now=NOW)
    others = (
        count_impact([], {}, now=NOW + DAY),
        count_impact([], {}, now=NOW, window=DAY),
        count_impact([], {}, now=NOW, shortlisted=()),
    )
    for other, name in zip(others, ("now", "window", "listed"), strict=True):
        with pytest.raises(InvalidRecord, match=f"{name}: expected counts of one kind"):
            part + other
    with pytest.raises(TypeError):
        part + 1  # type: ignore[operator]


def test_simulated_facts_are_counted_and_said_aloud() -> None:
    """Every output says so."""
    fact = Interaction(candidate_id="a", kind="met", at=NOW - DAY, properties={"simulated": True})
    found = impact([Relationship(Candidate(id="a"), [fact])], lambda _: {"sex": "f"}, now=NOW)
    assert found.simulated == 1
    for text in (str(found), found._repr_html_()):
        assert "SIMULATED: 1 of the facts read are simulated, not observed" in text
    assert "simulated" in repr(found)


def test_print_shows_the_tables_and_what_they_rest_on() -> None:
    """Ratio, interval and flag in one line; definitions and what did not fit below."""
    text = str(hired(f=(3, 20), m=(8, 20), x=(1, 2), y=(2, 4)))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "hired captured f 3 of 20 15.0 % 0.375 0.12 to 1.21 flag" in lines
    assert "hired captured m 8 of 20 40.0 % 1.000 highest" in lines
    assert "hired captured x withheld: small" in lines
    assert "hired: hired in the window" in lines
    assert lines[1].startswith("A ratio below 0.8 is a flag, not a verdict")


class Cells(HTMLParser):
    """Collects the text of cells, and every tag."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, _attrs: object) -> None:
        self.tags.add(tag)


def test_html_escapes_what_the_host_calls_its_groups() -> None:
    """A group's name never becomes a tag."""
    pool = [person(f"p{n}") for n in range(10)]
    found = impact(pool, lambda _: {"<b>sex": "<script>f"}, now=NOW)
    page = Cells()
    page.feed(found._repr_html_())
    assert page.tags == {"table", "caption", "br", "thead", "tr", "th", "tbody", "td", "ul", "li"}
    assert "&lt;script&gt;f" in found._repr_html_()


def test_rows_are_flat_json() -> None:
    """One dict for each row, with its definition, window and threshold."""
    rows = hired(f=(3, 20), m=(8, 20)).to_dicts(level=0.9)
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    row = next(row for row in rows if (row["stage"], row["group"]) == ("hired", "f"))
    assert row["definition"] == "hired in the window"
    assert (row["ratio"], row["flag"], row["level"], row["least"]) == (0.375, True, 0.9, 5)
    assert (row["window_days"], row["until"]) == (365.0, (NOW + 355 * DAY).isoformat())


def test_reprs_name_nobody() -> None:
    """Neither ids nor names are in a repr."""
    found = hired(f=(3, 20), m=(8, 20))
    assert repr(found) == "<Impact: 17 rows, 1 flagged, as of 2026-03-02 09:00 UTC>"
    row = found.row({"sex": "f"}, "hired")
    assert repr(row) == "<ImpactRow sex: f, hired (overall): compared, ratio 0.375>"


def test_without_scipy_everything_but_the_intervals_is_there() -> None:
    """Counting needs no extra; each output says what is missing and how to get it."""
    code = """
import sys
sys.modules["scipy"] = None
from datetime import UTC, datetime
from html import unescape
from crmkit.errors import MissingExtra
from crmkit.metrics._fairness import impact
from crmkit.model import Candidate, Interaction, Relationship
now = datetime(2026, 3, 2, 9, tzinfo=UTC)
pool = [Relationship(Candidate(id=f"{s}{n}"), [Interaction(candidate_id=f"{s}{n}", kind="hired",
        at=now)] if n < h else []) for s, h in (("f", 3), ("m", 8)) for n in range(20)]
found = impact(pool, lambda c: {"sex": c.id[0]}, now=now)
row = found.row({"sex": "f"}, "hired")
print(row.ratio, row.flag, row.to_dict()["interval_low"])
hint = "pip install 'crmkit[stats]'"
print(hint in row.meaning, hint in str(found), hint in unescape(found._repr_html_()))
try:
    row.interval()
except MissingExtra as missing:
    print(missing)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "0.375 True None",
        "True True True",
        "the interval of a ratio of shares needs an extra: pip install 'crmkit[stats]'",
    ]


def test_definitions_are_one_for_each_stage() -> None:
    """Every stage says what it counts."""
    assert [*hired(f=(3, 20)).definitions] == [stage.value for stage in ImpactStage]
