"""Plans as iCalendar files, read back by two readers that share no code."""

import io
import re
import sys
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.cadence import SEVEN_TOUCH, Cadence, Enrollment, Touch, plan
from crmkit.errors import InvalidRecord, MissingExtra, UnknownName
from crmkit.ical import to_ical
from crmkit.model import Candidate, Interaction, Relationship

icalendar = pytest.importorskip("icalendar")
vobject = pytest.importorskip("vobject")
tzical = pytest.importorskip("dateutil.tz").tzical

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
ZONES = sorted(available_timezones() - {"localtime", "Factory"})
SOME = ["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]
SOME += ["Africa/Casablanca", "America/Sao_Paulo", "Asia/Jerusalem", "UTC"]


def fact(kind, at, **more):
    return Interaction(candidate_id="ada", kind=kind, at=at, **more)


def sent(key, at, run, **more):
    return fact("sent", at, enrollment_id=run.id, touch=key, rotation=0, **more)


def run_from(start=START, **more):
    return Enrollment(candidate_id="ada", cadence="seven-touch", enrolled_at=start, **more)


def ask(
    *facts, zone="Europe/London", run=None, now=None, cadence=SEVEN_TOUCH, country=None, **more
):
    run = run or run_from()
    ada = Candidate(
        id="ada", name="Ada Byron", emails=["ada@example.org"], timezone=zone, country=country
    )
    known = Relationship(ada, [fact("met", run.enrolled_at - DAY), *facts])
    return plan(cadence, known, enrollment=run, now=now or run.enrolled_at, **more)


def lines(*plans, **options):
    """Return the unfolded lines of the file."""
    text = to_ical(plans, **options).decode()
    return text.replace("\r\n ", "").split("\r\n")


def items(*plans, **options):
    """Return its events and tasks as icalendar reads them."""
    calendar = icalendar.Calendar.from_ical(to_ical(plans, **options))
    return [part for part in calendar.subcomponents if part.name in {"VEVENT", "VTODO"}]


def instants(calendar):
    """Return when each touch is in the file, as each of the two readers reads it."""
    written = to_ical(calendar)
    first = [
        (part["due"] if part.name == "VTODO" else part["dtstart"]).dt.astimezone(UTC)
        for part in icalendar.Calendar.from_ical(written).walk()
        if part.name in {"VEVENT", "VTODO"}
    ]
    # By itself it would look the zone up, rather than read how the file describes it.
    described = tzical(io.StringIO(written.decode().replace("\r\n ", "")))
    zones = described.keys()
    for name in zones:
        vobject.icalendar.registerTzid(name, described.get(name))
    second = vobject.readOne(written.decode())
    found = [event.dtstart for event in getattr(second, "vevent_list", [])]
    found += [todo.due for todo in getattr(second, "vtodo_list", [])]
    return sorted(first), sorted(each.value.astimezone(UTC) for each in found)


def expected(calendar):
    when = [
        (not planned.by_hand and planned.done_at) or planned.due_at for planned in calendar.touches
    ]
    return sorted(each.replace(microsecond=0) for each in when)


class TestInstants:
    @pytest.mark.parametrize("zone", SOME)
    @pytest.mark.parametrize("month", [1, 4, 7, 10])
    def test_two_readers_find_the_instants_of_the_plan(self, zone, month):
        """Over changes of the clocks both ways, and where there are none."""
        calendar = ask(zone=zone, run=run_from(datetime(2026, month, 20, 8, 30, tzinfo=UTC)))
        wanted = expected(calendar)
        assert (wanted, wanted) == instants(calendar)

    @given(
        zone=st.sampled_from(ZONES),
        start=st.integers(0, 17 * 365 * 24 * 60).map(
            lambda minutes: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
        ),
    )
    def test_in_every_zone_and_year(self, zone, start):
        """Whatever rules the zone has, or has not."""
        calendar = ask(zone=zone, run=run_from(start), through=start + 500 * DAY)
        wanted = expected(calendar)
        assert (wanted, wanted) == instants(calendar)

    @pytest.mark.parametrize("year", [2, 1900, 2200, 9996])
    def test_far_ends_of_the_calendar(self, year):
        """Where there is hardly a year before or after."""
        calendar = ask(run=run_from(datetime(year, 3, 20, 9, tzinfo=UTC)))
        wanted = expected(calendar)
        assert (wanted, wanted) == instants(calendar)

    def test_times_are_walls_in_the_person_s_zone(self):
        """By its plain name: a slash before it is not understood everywhere."""
        assert "DTSTART;TZID=Europe/London:20260413T090000" in lines(ask())

    def test_utc_is_written_as_utc(self):
        """And needs no zone."""
        found = lines(ask(zone="UTC"))
        assert "DTSTART:20260413T090000Z" in found
        assert "BEGIN:VTIMEZONE" not in found

    def test_a_zone_without_a_name_is_written_in_utc(self):
        """No reader could find it."""
        with (
            pytest.importorskip("importlib.resources")
            .files("tzdata.zoneinfo.Asia")
            .joinpath("Kolkata")
            .open("rb") as data
        ):
            nameless = ZoneInfo.from_file(data)
        assert "DTSTART:20260413T090000Z" in lines(ask(zone=nameless))

    def test_the_second_of_two_equal_wall_times_is_written_in_utc(self):
        """For a reader takes the first."""
        run, late = run_from(), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
        calendar = ask(sent("welcome", late, run), run=run, now=late)
        assert "DTSTART:20261025T013000Z" in lines(calendar)
        assert expected(calendar) == instants(calendar)[1]

    def test_the_first_of_them_is_a_wall_time(self):
        """One that ends in the second is not: start and end have one form."""
        run = run_from()
        for minute, form in (
            (30, ";TZID=Europe/London:20261025T013000"),
            (50, ":20261025T005000Z"),
        ):
            early = datetime(2026, 10, 25, 0, minute, tzinfo=UTC)
            calendar = ask(sent("welcome", early, run), run=run, now=early)
            assert "DTSTART" + form in lines(calendar)

    def test_an_event_over_a_gap_takes_its_quarter_of_an_hour(self):
        """Clocks that jump meanwhile do not make it longer."""
        run, night = run_from(), datetime(2026, 3, 29, 0, 50, tzinfo=UTC)
        event = items(ask(sent("welcome", night, run), run=run, now=night))[0]
        assert (2, 5) == (event["dtend"].dt.hour, event["dtend"].dt.minute)
        length = event["dtend"].dt.astimezone(UTC) - event["dtstart"].dt.astimezone(UTC)
        assert timedelta(minutes=15) == length

    def test_fractions_of_a_second_are_left_out(self):
        """The format has none."""
        run = run_from(START + timedelta(microseconds=999_999))
        assert "DTSTART;TZID=Europe/London:20260302T090000" in lines(ask(run=run))

    @pytest.mark.parametrize("zone", SOME)
    def test_floating_times_are_what_clocks_show(self, zone):
        """Whatever the reader's zone; none is described."""
        calendar = ask(zone=zone)
        found = items(calendar, floating=True)
        assert [planned.local for planned in calendar.touches] == [
            (item["due"] if item.name == "VTODO" else item["dtstart"]).dt for item in found
        ]
        assert "BEGIN:VTIMEZONE" not in lines(calendar, floating=True)


class TestZones:
    def test_yearly_rules_are_written_as_rules(self):
        """From the year before, so that January is covered."""
        found = lines(ask())
        place = found.index("BEGIN:DAYLIGHT")
        assert {"DTSTART:20250330T010000", "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3"} <= set(
            found[place : found.index("END:DAYLIGHT")]
        )
        assert 2 == sum(line.startswith("RRULE") for line in found)

    def test_the_second_sunday_is_not_the_last(self):
        """New York goes forward on the second of March, and back on the first of November."""
        found = lines(ask(zone="America/New_York"))
        assert "RRULE:FREQ=YEARLY;BYDAY=2SU;BYMONTH=3" in found
        assert "RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=11" in found

    @pytest.mark.parametrize("zone", ["Africa/Casablanca", "Asia/Jerusalem", "Africa/Cairo"])
    def test_what_keeps_no_such_rule_is_written_change_by_change(self, zone):
        """Ramadan, the Friday before a Sunday, the day after a Thursday."""
        found = lines(ask(zone=zone))
        assert not [line for line in found if line.startswith("RRULE")]
        assert 5 == found.count("BEGIN:STANDARD") + found.count("BEGIN:DAYLIGHT")

    def test_a_zone_whose_clocks_stay_has_one_offset(self):
        """India has known no other for long."""
        found = lines(ask(zone="Asia/Kolkata"))
        assert 1 == found.count("BEGIN:STANDARD")
        assert "TZOFFSETTO:+0530" in found

    def test_each_zone_is_described_once_and_before_it_is_used(self):
        """However many plans use it."""
        plans = [
            ask(zone=zone, run=run_from(START + day * DAY)) for day, zone in enumerate(SOME * 2)
        ]
        found = lines(*plans)
        assert sorted(set(SOME) - {"UTC"}) == [
            line.removeprefix("TZID:") for line in found if line.startswith("TZID:")
        ]
        last = max(place for place, line in enumerate(found) if line == "END:VTIMEZONE")
        assert last < found.index("BEGIN:VEVENT")


class TestKinds:
    def test_what_goes_by_itself_is_an_event_that_leaves_the_time_free(self):
        """Tentative, since what the person does may move it."""
        event = items(ask())[1]
        assert ("VEVENT", "TENTATIVE", "TRANSPARENT") == (
            event.name,
            event["status"],
            event["transp"],
        )

    def test_what_people_do_is_a_task_that_is_due(self):
        """Without a start: some readers refuse or drop one that is not before the due date."""
        (task,) = [item for item in items(ask()) if item.name == "VTODO"]
        assert ("NEEDS-ACTION", False, False) == (
            task["status"],
            "dtstart" in task,
            "completed" in task,
        )

    def test_a_task_done_says_when(self):
        """In UTC, as the format demands."""
        run, done = run_from(), START + 84 * DAY
        call = fact("called", done, enrollment_id=run.id, touch="check-in", rotation=0)
        found = lines(ask(call, run=run, now=done))
        assert {"STATUS:COMPLETED", "COMPLETED:20260525T090000Z"} <= set(found)

    def test_an_event_done_stands_where_it_went(self):
        """And is confirmed."""
        run = run_from()
        event = items(ask(sent("welcome", START + DAY, run), run=run, now=START + DAY))[0]
        assert (START + DAY, "CONFIRMED") == (event["dtstart"].dt, event["status"])

    def test_what_is_not_allowed_or_expired_is_cancelled(self):
        """As far as is known."""
        late = items(ask(country="DE", now=START + 30 * DAY))
        assert ["CANCELLED"] * 2 == [late[0]["status"], late[-1]["status"]]
        assert "TENTATIVE" == late[2]["status"]

    def test_a_task_that_is_not_allowed_is_cancelled(self):
        """Nobody should do it."""
        (task,) = [item for item in items(ask(country="DE", now=START + 250 * DAY))
                   if item.name == "VTODO"]  # fmt: skip
        assert "CANCELLED" == task["status"]

    def test_tasks_may_be_events(self):
        """For Google Calendar, Outlook and others that leave tasks out."""
        found = items(ask(), tasks="event")
        assert ["VEVENT"] * 7 == [item.name for item in found]
        assert START + 84 * DAY - timedelta(hours=1) == found[3]["dtstart"].dt.astimezone(UTC)

    def test_other_ways_to_write_tasks_are_an_error(self):
        """That names those there are."""
        with pytest.raises(UnknownName, match="tasks: 'journal' is not a way to write tasks"):
            to_ical(ask(), tasks="journal")

    @pytest.mark.parametrize(("tasks", "related"), [("todo", "END"), ("event", "START")])
    def test_reminders_are_for_what_is_still_to_be_done_by_hand(self, tasks, related):
        """At the moment when it is due."""
        found = items(ask(), reminders=True, tasks=tasks)
        assert [0, 0, 0, 1, 0, 0, 0] == [len(item.subcomponents) for item in found]
        (alarm,) = found[3].subcomponents
        assert ("DISPLAY", timedelta(0), related) == (
            alarm["action"],
            alarm["trigger"].dt,
            alarm["trigger"].params["RELATED"],
        )

    def test_there_is_no_reminder_of_what_is_over(self):
        """Done, expired, or not allowed."""
        run, done = run_from(), START + 84 * DAY
        call = fact("called", done, enrollment_id=run.id, touch="check-in", rotation=0)
        over = [ask(call, run=run, now=done), ask(now=START + 300 * DAY)]
        over += [ask(country="DE", now=START + 250 * DAY)]
        assert not [
            line for each in over for line in lines(each, reminders=True) if "ALARM" in line
        ]


class TestSameness:
    def test_planned_anew_it_is_the_same_entry_in_a_later_version(self):
        """So that a reader moves it, and does not show it twice."""
        run = run_from()
        before = items(ask(run=run))
        reply = [fact("replied", START + DAY), fact("called", START + 9 * DAY)]
        after = items(ask(*reply, run=run, now=START + 10 * DAY))
        assert [item["uid"] for item in before] == [item["uid"] for item in after]
        assert before[1]["dtstart"].dt < after[1]["dtstart"].dt
        assert 240 == after[1]["sequence"] - before[1]["sequence"]
        assert START + 10 * DAY == after[1]["dtstamp"].dt

    def test_a_touch_that_is_renamed_keeps_its_entry(self):
        """By the first key that it had."""
        hello = Touch(key="hello", week=0, purpose="welcome", level=2)
        once = Cadence(name="seven-touch", touches=[hello])
        now = Cadence(
            name="seven-touch", touches=[attrs.evolve(hello, key="hi", was=("hello", "hey"))]
        )
        assert items(ask(cadence=once))[0]["uid"] == items(ask(cadence=now))[0]["uid"]

    def test_every_touch_return_and_run_is_an_entry_of_its_own(self):
        """Of one person or of many."""
        plans = [ask(run=run_from(START + day * DAY), through=START + 2000 * DAY) for day in (0, 1)]
        uids = [item["uid"] for item in items(*plans)]
        assert len(uids) > 20
        assert len(set(uids)) == len(uids)

    def test_the_uid_is_short_and_tells_nothing(self):
        """Whatever a host calls its runs."""
        (uid,) = {str(items(ask(run=run_from(id="ada@example.org " * 30)))[0]["uid"])}
        assert re.fullmatch(r"[0-9a-f]{32}@crmkit", uid)

    def test_one_run_twice_is_an_error(self):
        """Its entries could not be told apart."""
        with pytest.raises(InvalidRecord, match=r"^\[1\]: enrolment '[0-9a-f]+' is there twice"):
            to_ical([ask(), ask(now=START + DAY)])

    def test_before_1970_the_version_is_nought(self):
        """It must not be negative."""
        assert 0 == items(ask(run=run_from(datetime(1960, 1, 1, tzinfo=UTC))))[0]["sequence"]


NASTY = "a\r\nATTENDEE:x\x00\x1b\x85\u2028;,\\n\ud800\nb"


class TestTexts:
    def test_an_entry_says_who_what_and_why(self):
        """The purpose, the cadence, and the reasons for the date."""
        event = items(ask())[1]
        assert "ada: a post, talk or insight chosen by their interests" == event["summary"]
        assert ["seven-touch"] == event["categories"].cats
        text = "seven-touch, value: level 4 by email\nweek 2 from 2026-03-02 → 2026-03-16"
        assert text == event["description"]

    def test_a_task_says_that_it_is_done_by_hand(self):
        """And a refusal, why."""
        found = items(ask(country="DE"))
        assert "level 5 by email, by hand\n" in found[3]["description"]
        assert "✗ retention: kept no longer than 6 months" in found[-1]["description"]

    def test_people_are_ids(self):
        """Unless names are asked for."""
        text = to_ical(ask(), reminders=True).decode()
        assert "Byron" not in text
        assert "example.org" not in text
        named = items(ask(), names={"ada": "Ada B.", "bob": "Bob"})
        assert named[0]["summary"].startswith("Ada B.: thanks")
        assert items(ask(), names={"bob": "Bob"})[0]["summary"].startswith("ada: ")

    def test_no_text_breaks_out_of_its_line(self):
        """Line breaks are escaped, and other control characters are blanks."""
        written = to_ical(ask(), names={"ada": NASTY}, reminders=True)
        assert not [line for line in written.decode().splitlines() if line.startswith("ATTENDEE")]
        plain = "a\nATTENDEE:x    ;,\\n \nb: how are things"
        calendar = icalendar.Calendar.from_ical(written)
        assert calendar.walk("VTODO")[0]["summary"].startswith(plain)
        assert vobject.readOne(written.decode()).vtodo.summary.value.startswith(plain)

    def test_names_of_a_host_are_text(self):
        """Commas and semicolons in the name of a cadence do not make two categories."""
        touch = Touch(key="a;b", week=0, purpose="one, two; three \\ four: five", level=2)
        odd = Cadence(name="news, quarterly; all", touches=[touch])
        run = Enrollment(candidate_id="ada", cadence=odd.name, enrolled_at=START)
        (event,) = items(ask(cadence=odd, run=run))
        assert "ada: one, two; three \\ four: five" == event["summary"]
        assert ["news, quarterly; all"] == event["categories"].cats

    @given(st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=200))
    def test_whatever_the_name_the_file_can_be_read(self, name):
        """Lines end as they should, and are no longer than 75 octets."""
        written = to_ical(ask(), names={"ada": name})
        assert 7 == len(icalendar.Calendar.from_ical(written).walk("VEVENT")) + 1
        assert all(len(line) <= 75 for line in written.split(b"\r\n"))
        assert b"\n" not in written.replace(b"\r\n", b"")


class TestFile:
    def test_it_names_its_maker_and_version(self):
        """And no method: nobody is invited."""
        found = lines(ask())
        assert ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//crmkit//crmkit//EN"] == found[:3]
        assert not [line for line in found if line.startswith(("METHOD", "ATTENDEE", "ORGANIZER"))]

    def test_one_plan_or_many(self):
        """One need not be put into a list."""
        assert to_ical(ask()) == to_ical(iter([ask()]))

    def test_no_plan_is_an_empty_calendar(self):
        """Which readers take."""
        assert [] == items()

    def test_the_same_plan_gives_the_same_bytes(self):
        """Nothing of the moment is in it."""
        assert to_ical(ask()) == to_ical(ask())

    def test_without_the_library_the_error_says_what_to_install(self, monkeypatch):
        """Rather than that some module is missing."""
        monkeypatch.setitem(sys.modules, "icalendar", None)
        with pytest.raises(MissingExtra, match=r"pip install 'crmkit\[ical\]'"):
            to_ical(ask())
