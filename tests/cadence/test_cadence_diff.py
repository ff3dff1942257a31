"""What another version of a cadence has otherwise."""

from datetime import timedelta

import attrs
import pytest

from crmkit.cadence import SEVEN_TOUCH, Cadence, FieldChange, Pace, Touch, Variant, compare_cadences
from crmkit.errors import InvalidRecord
from crmkit.model import CalendarSpan


def touch(key, week, **more):
    return Touch(key=key, week=week, purpose="p", level=2, **more)


OLD = Cadence(name="short", touches=[touch("hello", 0), touch("news", 2), touch("bye", 8)])


def newer(*touches, **more):
    return attrs.evolve(OLD, version=2, touches=touches or OLD.touches, **more)


def test_the_same_cadence_changes_nothing():
    """The version alone is no change; a cadence may be compared with itself."""
    diff = compare_cadences(OLD, newer())
    assert (False, "short 1 → 2: nothing changes") == (bool(diff), str(diff))
    assert not compare_cadences(OLD, OLD)


def test_touches_come_and_go():
    """Who is not there under any key it had is new; who is missing is gone."""
    diff = compare_cadences(OLD, newer(touch("hello", 0), touch("talk", 5, day=3)))
    assert ["talk"] == [each.key for each in diff.added]
    assert ["news", "bye"] == [each.key for each in diff.removed]
    assert () == diff.kept
    expected = [
        "short 1 → 2: 1 added, 2 removed",
        "+ talk: week 5 and 3 days",
        "- news: week 2",
        "- bye: week 8",
    ]
    assert expected == str(diff).splitlines()


def test_a_touch_keeps_its_name_or_tells_the_old_one():
    """It is the same touch then, whatever else is new about it."""
    update = touch("update", 4, day=1, was=["news"], deadline=None, subject="New")
    diff = compare_cadences(
        OLD, newer(touch("hello", 0), update, touch("bye", 8, fallback=["text"]))
    )
    assert ((), ()) == (diff.added, diff.removed)
    assert [["update"], ["update"], ["update", "bye"]] == [
        [each.after.key for each in kind] for kind in (diff.renamed, diff.moved, diff.changed)
    ]
    expected = [
        "short 1 → 2: 1 renamed, 1 moved, 2 changed",
        "~ update: was news, week 2 → week 4 and 1 day, deadline 14 days → none, subject changed",
        "~ bye: fallback none → text",
    ]
    assert expected == str(diff).splitlines()


def test_other_texts_are_named_and_not_shown():
    """They are too long for a line."""
    longer = attrs.evolve(OLD.touches[0], bodies=["b"], variants=[Variant(name="v")], purpose="q")
    (change,) = compare_cadences(OLD, newer(longer, *OLD.touches[1:])).changed
    assert "hello: purpose changed, bodies changed, variants changed" == str(change)


def test_an_earlier_key_that_is_added_is_a_change():
    """It decides what counts as done."""
    known = attrs.evolve(OLD.touches[0], was=["welcome"])
    (change,) = compare_cadences(OLD, newer(known, *OLD.touches[1:])).kept
    assert (FieldChange("was", (), ("welcome",)),) == change.fields
    assert "hello: was none → welcome" == str(change)


def test_what_counts_for_all_touches():
    """The pace, field by field, and what comes back."""
    pace = Pace(hot=0.5, least_gap=timedelta(days=6))
    diff = compare_cadences(OLD, newer(every=CalendarSpan(months=3), repeat=2, pace=pace))
    expected = [
        "every none → 3 months",
        "repeat 1 → 2",
        "pace.hot 0.75 → 0.5",
        "pace.least_gap 5 days → 6 days",
    ]
    assert expected == list(map(str, diff.settings))
    assert "<CadenceDiff of short 1 → 2: 4 settings>" == repr(diff)


def test_two_touches_may_become_one():
    """The first key of those it had counts; the other touch is removed."""
    both = touch("both", 3, was=["bye", "news"])
    diff = compare_cadences(OLD, newer(touch("hello", 0), both))
    assert (["bye"], ["news"]) == (
        [each.before.key for each in diff.kept],
        [each.key for each in diff.removed],
    )


@pytest.mark.parametrize(
    ("new", "problem"),
    [
        (attrs.evolve(OLD, name="long", version=2), "name: expected 'short', got 'long'"),
        (
            attrs.evolve(OLD, touches=OLD.touches[:1]),
            "version: 'short' 1 is another one; give what changes another version, 2 say",
        ),
    ],
)
def test_what_cannot_follow(new, problem):
    """Another cadence, or a change that kept its version."""
    with pytest.raises(InvalidRecord) as caught:
        compare_cadences(OLD, new)
    assert problem == str(caught.value)


def test_a_touch_may_not_forget_a_key():
    """Whoever did it under that key, in the version before the last one, would get it again."""
    second = newer(touch("hello", 0), touch("update", 2, was=["news"]))
    third = attrs.evolve(second, version=3)
    third = attrs.evolve(third, touches=[touch("hello", 0), touch("shipped", 2, was=["update"])])
    with pytest.raises(InvalidRecord) as caught:
        compare_cadences(second, third)
    expected = "touches[1].was: expected 'news', too, a key that 'update' had before"
    assert expected == str(caught.value)
    assert not compare_cadences(second, attrs.evolve(second, version=3))


def test_going_back_may_not_forget_a_key_either():
    """Who got it under its new name would get it again under the old one."""
    first = newer(touch("hello", 0), touch("news", 2))
    second = attrs.evolve(
        first, version=3, touches=[touch("hello", 0), touch("update", 2, was=["news"])]
    )
    assert compare_cadences(first, second).renamed
    with pytest.raises(InvalidRecord) as caught:
        compare_cadences(second, attrs.evolve(first, version=4))
    assert "touches[1].was: expected 'update', too, its key in version 3" == str(caught.value)


def test_a_table_in_a_notebook():
    """Of the same lines, with what people typed escaped."""
    odd = attrs.evolve(SEVEN_TOUCH, version=2, touches=[touch("<b>", 0)])
    html = compare_cadences(SEVEN_TOUCH, odd)._repr_html_()
    assert "<td>+</td><td>&lt;b&gt;: week 0</td>" in html
    assert "<caption>seven-touch 1 → 2: 1 added, 7 removed</caption>" in html
