"""What one sees: the printed calendar, the notebook's table, the reprs."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from crmkit.cadence import SEVEN_TOUCH, Cadence, Enrollment, Touch, plan
from crmkit.model import CalendarSpan, Candidate, Interaction, Relationship

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
ADA = Candidate(
    id="ada", name="Ada Byron", emails=["ada@example.org"], timezone="Europe/London", country="DE"
)
RUN = Enrollment(candidate_id="ada", cadence="seven-touch", enrolled_at=START)


def fact(kind, day=0.0, **more):
    return Interaction(candidate_id="ada", kind=kind, at=START + day * DAY, **more)


def sent(key, day):
    return fact("sent", day, enrollment_id=RUN.id, touch=key, rotation=0)


def ask(*facts, day=0.0, candidate=ADA):
    person = Relationship(candidate, [fact("met", -1), *facts])
    return plan(SEVEN_TOUCH, person, enrollment=RUN, now=START + day * DAY)


FRESH = """\
seven-touch for ada, times in Europe/London
active since 2026-03-02; until 2026-03-16 09:00 UTC
! Mon 2026-03-02 09:00  welcome             week 0 from 2026-03-02 → 2026-03-02
· Mon 2026-03-16 09:00  value               week 2 from 2026-03-02 → 2026-03-16
· Mon 2026-04-13 09:00  update              week 6 from 2026-03-02 → 2026-04-13
· Mon 2026-05-25 09:00  check-in (by hand)  week 12 from 2026-03-02 → 2026-05-25
· Mon 2026-07-06 09:00  insight             week 18 from 2026-03-02 → 2026-07-06
· Mon 2026-08-31 09:00  opportunity         week 26 from 2026-03-02 → 2026-08-31
✗ Mon 2026-11-09 09:00  annual              week 36 from 2026-03-02 → 2026-11-09
                                              ✗ retention: kept no longer than 6 months after \
the last contact (found met on 2026-03-01)"""

MOVED = """\
seven-touch for ada, times in UTC (zone unknown, UTC assumed)
active since 2026-03-02; until 2026-06-08 09:00 UTC
✓ Mon 2026-03-02 09:00  welcome             week 0 from 2026-03-02 → 2026-03-02
                                              done 2026-03-02 09:00 UTC (sent)
✓ Mon 2026-03-16 09:00  value               week 2 from 2026-03-02 → 2026-03-16
                                              done 2026-03-16 09:00 UTC (sent)
✓ Mon 2026-04-20 09:00  update              week 6 from 2026-03-02 → 2026-04-13, moved to \
2026-04-20
                                              stretched × 1.25 2026-03-16 to 2026-04-20: cooling \
since 2026-03-16
                                              done 2026-04-20 09:00 UTC (sent)
· Mon 2026-06-08 09:00  check-in (by hand)  week 12 from 2026-03-02 → 2026-05-25, moved to \
2026-06-08
                                              stretched × 1.5 2026-04-20 to 2026-04-26: cold \
since 2026-04-20
                                              clock stood still 2026-04-26 to 2026-05-01: they \
replied on 2026-04-26
                                              hastened × 0.75 2026-05-01 to 2026-05-03: hot \
since 2026-05-01
· Mon 2026-07-20 09:00  insight             week 18 from 2026-03-02 → 2026-07-06, moved to \
2026-07-20
                                              the touch before it moved
· Mon 2026-09-14 09:00  opportunity         week 26 from 2026-03-02 → 2026-08-31, moved to \
2026-09-14
                                              the touch before it moved
· Mon 2026-11-23 09:00  annual              week 36 from 2026-03-02 → 2026-11-09, moved to \
2026-11-23
                                              the touch before it moved"""


class TestPrint:
    def test_a_calendar_is_a_table_of_dates_and_reasons(self):
        """Columns line up, reasons stand below their touch, refusals are seen."""
        assert FRESH == str(ask())

    def test_what_moved_a_date_stands_below_it(self):
        """The pace, the stops, and the touches that only follow."""
        facts = [sent("welcome", 0), sent("value", 14), sent("update", 49)]
        facts += [fact("captured", -1), fact("replied", 55), fact("called", 60)]
        plain = Relationship(Candidate(id="ada", emails=["ada@example.org"]), facts)
        calendar = plan(SEVEN_TOUCH, plain, enrollment=RUN, now=START + 61 * DAY)
        assert MOVED == str(calendar)

    def test_a_stopped_one_says_what_has_no_date(self):
        """And who has to act."""
        lines = str(ask(fact("replied", 1), day=2)).splitlines()
        why = "waiting: they replied on 2026-03-03, a person is to answer"
        assert f"{why}; until 2026-03-16 09:00 UTC" == lines[1]
        last = "without a date until the clock goes on: "
        assert last + "value, update, check-in, insight, opportunity, annual" == lines[-1]
        lines = str(ask(sent("welcome", 0), fact("replied", 1), day=2)).splitlines()
        assert f"{why}; no clock changes it" == lines[1]

    def test_one_that_nothing_will_change_says_so(self):
        """Completed, for good."""
        lines = str(ask(fact("completed", 0), day=1)).splitlines()
        assert "completed: completed on 2026-03-02; no clock changes it" == lines[1]
        assert 2 == len(lines)

    def test_a_pause_s_end_is_told_once(self):
        """The plan holds until then, or until a touch falls due before."""
        pause = fact("paused", 1, properties={"until": START + 30 * DAY})
        assert "snoozed: paused on 2026-03-03, until 2026-04-01 09:00 UTC; until 2026-04-01" in str(
            ask(sent("welcome", 0), pause, day=2)
        )

    def test_a_return_names_its_rotation(self):
        """Weeks from the enrolment, and which return it is."""
        again = ask(sent("annual", 252), day=252).touches[-1]
        assert "week 36 from 2026-03-02, return 1 → 2027-11-09" == again.because.text


class TestNotebook:
    def test_the_table_has_a_row_for_each_touch(self):
        """With its mark, its time, its key and its reasons."""
        html = ask(fact("replied", 20), day=21)._repr_html_()
        assert 2 == html.count("<tr><td>")
        assert "<td>Mon 2026-03-16 09:00</td><td>value</td><td><ul><li>week 2 from" in html
        assert "<p>without a date until the clock goes on: update" in html

    def test_whatever_a_host_calls_things_is_escaped(self):
        """Names of cadences, touches and people are text, not markup."""
        nasty = "<script>alert('&')</script>"
        touch = Touch(key=nasty, week=0, purpose="p", level=2)
        cadence = Cadence(name=nasty, touches=[touch])
        person = Relationship(Candidate(id=nasty))
        html = plan(cadence, person, enrolled_at=START, now=START)._repr_html_()
        assert (0, 3) == (html.count("<script"), html.count("&lt;script&gt;"))


class TestCadences:
    HELLO = Touch(key="hello", week=0, purpose="p & q", level=2)
    CALL = Touch(key="how-are-you", week=10, day=1, purpose="a talk", level=5)

    def test_a_cadence_is_a_table_of_its_touches(self):
        """When, which, how and what for, under its title."""
        cadence = Cadence(name="c", version=2, touches=[self.HELLO, self.CALL])
        expected = """\
c version 2: 2 touches
week 0             hello        level 2, email    p & q
week 10 and 1 day  how-are-you  level 5, by hand  a talk"""
        assert (expected, "<Cadence c version 2: 2 touches>") == (str(cadence), repr(cadence))
        html = cadence._repr_html_()
        assert (3, 1) == (html.count("<tr>"), html.count("<td>p &amp; q</td>"))
        assert "<caption>c version 2: 2 touches</caption>" in html

    @pytest.mark.parametrize(
        ("every", "repeat", "told"),
        [
            (None, 1, ""),
            (CalendarSpan(years=1), 1, ", the last again every year"),
            (CalendarSpan(months=3), 2, ", the last 2 again every 3 months"),
            (CalendarSpan(months=6), 3, ", all again every 6 months"),
        ],
    )
    def test_the_title_says_what_comes_back(self, every, repeat, told):
        """And how often."""
        last = Touch(key="bye", week=12, purpose="p", level=2)
        touches = [self.HELLO, self.CALL, last]
        cadence = Cadence(name="c", touches=touches, every=every, repeat=repeat)
        assert f"c version 1: 3 touches{told}" == str(cadence).splitlines()[0]

    def test_one_touch_is_one(self):
        """In plain English."""
        alone = Cadence(name="c", touches=[self.HELLO], every=CalendarSpan(years=1))
        assert "<Cadence c version 1: 1 touch, the last again every year>" == repr(alone)


class TestReprs:
    def test_they_carry_ids_and_no_names(self):
        """Of the plan and of its touches."""
        calendar = ask(sent("welcome", 0), day=1)
        assert "<Plan of ada in seven-touch: active, 6 touches ahead>" == repr(calendar)
        assert [
            "<PlannedTouch welcome done, due 2026-03-02 09:00 UTC>",
            "<PlannedTouch value planned, due 2026-03-16 09:00 UTC>",
        ] == [repr(touch) for touch in calendar.touches[:2]]
        everything = repr(calendar) + str(calendar) + calendar._repr_html_()
        assert "Byron" not in everything
        assert "example.org" not in everything

    def test_a_zone_is_named_as_people_name_it(self):
        """Not as Python writes it."""
        tokyo = Candidate(id="ada", timezone=ZoneInfo("Asia/Tokyo"))
        assert (
            "seven-touch for ada, times in Asia/Tokyo" == str(ask(candidate=tokyo)).splitlines()[0]
        )
