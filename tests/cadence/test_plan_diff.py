"""What another version of its cadence would do to one person's calendar."""

from datetime import UTC, datetime, timedelta

import attrs
import pytest

from crmkit.cadence import Cadence, Enrollment, Fate, Touch, compare_plans, plan
from crmkit.errors import InvalidRecord
from crmkit.model import CalendarSpan, Candidate, Interaction, Relationship

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
RUN = Enrollment(candidate_id="ada", cadence="short", enrolled_at=MONDAY, id="run")


def touch(key, week, **more):
    return Touch(key=key, week=week, purpose="p", level=2, **more)


def fact(kind, week, **more):
    at = MONDAY + week * WEEK
    return Interaction(candidate_id="ada", kind=kind, at=at, **more)


def sent(key, week, **more):
    return fact("sent", week, enrollment_id="run", touch=key, **more)


OLD = [touch("hello", 0), touch("news", 4), touch("bye", 12)]


def compare(new, *facts, week=2, taken=(), old=OLD, **more):
    """Compare the calendars of both, as of a week; *more* is what the new version has, too."""
    cadences = [
        Cadence(name="short", touches=old),
        Cadence(name="short", version=2, touches=new, **more),
    ]
    return compare_plans(*(planned(each, *facts, week=week) for each in cadences), taken=taken)


def planned(cadence, *facts, week=2):
    ada = Relationship(Candidate(id="ada", emails=["a@x.org"]), [fact("captured", 0), *facts])
    run = attrs.evolve(RUN, version=cadence.version)
    return plan(cadence, ada, enrollment=run, now=MONDAY + week * WEEK)


def told(diff):
    return [(each.key, each.rotation, each.fate.value) for each in diff.touches]


WELCOMED = sent("hello", 0)


def test_the_same_touches_change_nothing():
    """Whatever was done, is due or has expired."""
    for week in (0, 2, 4, 5, 9):
        diff = compare(OLD, WELCOMED, week=week)
        assert (False, ()) == (bool(diff), diff.touches)
    assert "ada in short: same" == str(diff)


def test_another_week_is_another_date():
    """With the date before and after, and why."""
    diff = compare([*OLD[:1], touch("news", 6), *OLD[2:]], WELCOMED)
    (change,) = diff.touches
    assert ("news", 0, Fate.MOVED) == (change.key, change.rotation, change.fate)
    assert (4, 6) == tuple((each.due_at - MONDAY) // WEEK for each in (change.before, change.after))
    expected = [
        "ada in short: 1 moved",
        "  news  moved, Mon 2026-03-30 09:00 → Mon 2026-04-13 09:00",
        "    week 6 from 2026-03-02 → 2026-04-13",
    ]
    assert expected == str(diff).splitlines()


def test_a_touch_of_an_earlier_week_goes_at_once():
    """It is due now, and was not."""
    diff = compare([*OLD[:1], touch("news", 1), *OLD[2:]], WELCOMED)
    assert [("news", 0, "due")] == told(diff)
    assert diff.touches == diff.of(Fate.DUE)


def test_a_touch_that_was_due_already_is_not_due_by_it():
    """Nothing changes for this person."""
    assert not compare([*OLD[:1], touch("news", 3), *OLD[2:]], WELCOMED, week=4.5)


def test_a_touch_far_back_expires_at_once():
    """A touch that is new, too: it will never go."""
    new = [touch("hello", 0), touch("talk", 1), touch("news", 2), touch("bye", 12)]
    diff = compare(new, WELCOMED, week=4.5)
    assert [("talk", 0, "expired"), ("news", 0, "expired")] == told(diff)
    assert "expired, Mon 2026-03-30 09:00 → Mon 2026-03-16 09:00 (expired)" == str(diff.touches[1])


def test_what_has_expired_may_have_another_chance():
    """A later week, or a longer deadline, brings it back: at its date, or at once."""
    later = compare([*OLD[:1], touch("news", 9), *OLD[2:]], WELCOMED, week=7)
    assert ["moved, Mon 2026-03-30 09:00 (expired) → Mon 2026-05-04 09:00"] == [
        str(each) for each in later.touches
    ]
    longer = compare([*OLD[:1], touch("news", 4, deadline=None), *OLD[2:]], WELCOMED, week=7)
    assert [("news", 0, "due")] == told(longer)


def test_touches_come_and_go():
    """Those that are done are no loss."""
    diff = compare([touch("talk", 6), touch("bye", 12)], WELCOMED)
    assert [("talk", 0, "added"), ("news", 0, "removed")] == told(diff)
    assert "<DateChange of talk: added, Mon 2026-04-13 09:00>" == repr(diff.touches[0])
    assert ["added, Mon 2026-04-13 09:00", "removed, Mon 2026-03-30 09:00"] == [
        str(each) for each in diff.touches
    ]
    assert ["week 6 from 2026-03-02 → 2026-04-13", "week 4 from 2026-03-02 → 2026-03-30"] == [
        each.because.text for each in diff.touches
    ]


def test_another_name_is_the_same_touch():
    """Done under the old one it stays done; ahead it keeps its date."""
    new = [touch("welcome", 0, was=["hello"]), touch("update", 4, was=["news"]), OLD[2]]
    assert not compare(new, WELCOMED)
    assert [("welcome", 0, "added"), ("update", 0, "added"), ("news", 0, "removed")] == told(
        compare([touch("welcome", 3), touch("update", 4), OLD[2]], WELCOMED)
    )


def test_what_is_done_under_another_name_goes():
    """Two touches become one, and the other one was done."""
    both = [touch("hello", 0), touch("both", 8, was=["bye", "news"])]
    diff = compare(both, WELCOMED, sent("news", 4), week=5)
    assert [("both", 0, "removed")] == told(diff)
    assert "(done)" in str(diff.touches[0])


def test_what_the_ledger_holds_is_left_out():
    """Under whichever name: its date matters no more."""
    new = [*OLD[:1], touch("update", 1, was=["news"])]
    taken = [("news", 0), ("bye", 0)]
    assert [] == told(compare(new, WELCOMED, taken=taken))
    assert [("update", 0, "due"), ("bye", 0, "removed")] == told(compare(new, WELCOMED))


def test_returns_are_compared_one_by_one():
    """A return has a date of its own."""
    done = [WELCOMED, sent("news", 4), sent("bye", 12)]
    diff = compare(OLD, *done, week=13, every=CalendarSpan(years=1))
    assert [("bye", 1, "added")] == told(diff)
    assert "  completed → active since 2026-03-02" in str(diff).splitlines()


def test_while_the_clock_stands_still_nothing_is_due():
    """What is ahead has no date before and none after; a new touch has none yet."""
    paused = fact("paused", 1)
    new = [*OLD[:2], touch("talk", 8), OLD[2]]
    diff = compare(new, WELCOMED, paused)
    assert [("talk", 0, "added")] == told(diff)
    assert ("added, no date", None) == (str(diff.touches[0]), diff.touches[0].because)
    gone = compare(OLD[:2], WELCOMED, paused)
    assert ["removed, no date"] == [str(each) for each in gone.touches]


def test_a_date_may_be_lost_while_the_clock_stands_still():
    """It was due before the pause, and would be after it."""
    diff = compare([OLD[0], touch("news", 6), OLD[2]], WELCOMED, fact("paused", 5), week=5.5)
    assert ["moved, Mon 2026-03-30 09:00 → no date"] == [str(each) for each in diff.touches]
    back = compare(OLD, WELCOMED, fact("paused", 5), week=5.5, old=[OLD[0], touch("news", 6)])
    assert [("news", 0, "moved"), ("bye", 0, "added")] == told(back)


def test_another_status_is_a_change():
    """A version without anything ahead completes the run."""
    diff = compare(OLD[:1], WELCOMED, week=20, old=[OLD[0], touch("news", 10, deadline=None)])
    assert diff
    assert "  active → completed: every touch is done or expired" in str(diff).splitlines()
    assert "<PlanDiff of ada in short: 1 removed>" == repr(diff)


def test_only_plans_of_one_run_at_one_instant_are_compared():
    """Else the difference would not be the cadence's."""
    cadence = Cadence(name="short", touches=OLD)
    mine, later = planned(cadence), planned(cadence, week=3)
    with pytest.raises(InvalidRecord, match=r"^after\.now: expected 2026-03-16"):
        compare_plans(mine, later)
    other = plan(cadence, Relationship(Candidate(id="bob")), enrolled_at=MONDAY, now=mine.now)
    with pytest.raises(InvalidRecord, match=r"^after\.enrollment\.id: expected 'run'"):
        compare_plans(mine, other)


def test_a_table_in_a_notebook():
    """A row for each touch; what people typed is escaped."""
    html = compare([touch("hello", 0), touch("<b>", 6)], WELCOMED)._repr_html_()
    assert "<td>&lt;b&gt;</td><td>added</td><td>no date</td><td>Mon 2026-04-13 09:00</td>" in html
    assert "<caption>ada in short: 1 added, 2 removed</caption>" in html
