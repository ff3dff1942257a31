"""Touches, paces, cadences, enrolments and the ledger: what they refuse, and where they say so."""

from datetime import UTC, datetime, timedelta

import attrs
import pytest

from crmkit.cadence import SEVEN_TOUCH, Cadence, Enrollment, Pace, Touch, TouchRecord, TouchState
from crmkit.engagement import Temperature
from crmkit.errors import InvalidRecord, NaiveInstant, NotFound, UnknownName
from crmkit.model import CalendarSpan, Channel

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
HELLO = {"key": "hello", "week": 0, "purpose": "welcome", "level": 2}
RECORD = {
    "enrollment_id": "run-1",
    "rotation": 0,
    "touch": "hello",
    "candidate_id": "ada",
    "state": "sending",
    "due_at": START,
    "at": START,
}


def touch(**changes):
    return Touch(**{**HELLO, **changes})


def refused(make, **given):
    """Return the path and the problem of the error."""
    with pytest.raises(InvalidRecord) as caught:
        make(**given)
    return caught.value.path, caught.value.problem


class TestTouch:
    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("key", ""),
            ("key", 7),
            ("week", -1),
            ("week", 5201),
            ("week", 1.0),
            ("week", True),
            ("week", None),
            ("week", "2"),
            ("purpose", " "),
            ("level", 0),
            ("level", 6),
            ("level", 2.0),
            ("level", True),
            ("level", [2]),
            ("day", -1),
            ("day", 7),
            ("day", 1.0),
            ("day", True),
            ("fallback", None),
            ("fallback", "text"),
            ("fallback", ["e-mail"]),
            ("deadline", timedelta(0)),
            ("deadline", timedelta(days=-1)),
            ("deadline", timedelta(weeks=5200, microseconds=1)),
            ("deadline", 14),
            ("was", None),
            ("was", "hi"),
            ("content", "post"),
            ("variants", "a"),
            ("channel", "e-mail"),
            ("channel", None),
            ("subject", "two\nlines"),
            ("bodies", "one text"),
            ("bodies", None),
        ],
    )
    def test_a_broken_field_is_named(self, field, value):
        """Whatever is wrong with a field, the error's path is the field."""
        assert field == refused(touch, **{field: value})[0]

    def test_a_body_that_is_no_text_is_named_by_its_place(self):
        """The path leads into the list."""
        assert ("bodies[1]", "expected text, got int") == refused(touch, bodies=["Hello", 1])

    def test_level_five_is_by_hand_and_no_other(self):
        """One-to-one is a person's work; the rest may go out by itself."""
        assert [False, False, False, False, True] == [
            touch(level=level).by_hand for level in range(1, 6)
        ]

    def test_so_are_the_channels_on_which_only_people_write(self):
        """Mail and texts go out by themselves; a profile, a phone and a door ask for a person."""
        by_itself = [channel for channel in Channel if not touch(channel=channel).by_hand]
        assert [Channel.EMAIL, Channel.TEXT] == by_itself

    def test_its_channel_is_no_fallback_for_itself(self):
        """The path is the field that says it twice."""
        given = {"channel": "text", "fallback": ["phone", "text"]}
        assert ("fallback", "text is the touch's channel already") == refused(touch, **given)

    def test_a_deadline_may_be_a_century_or_none(self):
        """Two weeks unless told otherwise."""
        assert timedelta(weeks=2) == touch().deadline
        century = timedelta(weeks=5200)
        assert (None, century) == (touch(deadline=None).deadline, touch(deadline=century).deadline)

    def test_it_goes_by_email_unless_told_otherwise(self):
        """Names of channels become channels."""
        assert (Channel.EMAIL, Channel.TEXT) == (touch().channel, touch(channel="text").channel)


class TestPace:
    @pytest.mark.parametrize(
        ("given", "path"),
        [
            ({"hot": 0}, "hot"),
            ({"hot": "fast"}, "hot"),
            ({"hot": float("nan")}, "hot"),
            ({"hot": -1}, "hot"),
            ({"cold": float("inf")}, "cold"),
            ({"cold": 101}, "cold"),
            ({"warm": None}, "warm"),
            ({"warm": 0.5}, "warm"),
            ({"warm": 1.1}, "unknown"),
            ({"unknown": 0.9}, "unknown"),
            ({"unknown": 1.3}, "cooling"),
            ({"cold": 1.2}, "cold"),
            ({"least_gap": timedelta(days=-1)}, "least_gap"),
            ({"least_gap": 5}, "least_gap"),
            ({"least_gap": timedelta(weeks=26)}, "least_gap"),
            ({"greatest_gap": timedelta.max}, "greatest_gap"),
            ({"archive_after": 0}, "archive_after"),
            ({"archive_after": 7.0}, "archive_after"),
            ({"eager_after": 0}, "eager_after"),
            ({"eager_after": True}, "eager_after"),
        ],
    )
    def test_a_broken_field_is_named(self, given, path):
        """A factor out of order is named as the one that is less than the one before."""
        assert path == refused(Pace, **given)[0]

    def test_the_factors_rise_from_hot_to_cold(self):
        """As the defaults do: 1 while warm or unknown, less when hot, more when cold."""
        order = ["hot", "warm", "unknown", "cooling", "cold"]
        assert [0.75, 1.0, 1.0, 1.25, 1.5] == [Pace().factor(Temperature(name)) for name in order]

    def test_factors_have_bounds(self):
        """A hundredth and a hundred, both of them allowed."""
        pace = Pace(hot=0.01, cold=100)
        assert (0.01, 100.0) == (pace.hot, pace.cold)

    def test_all_factors_may_be_one(self):
        """A cadence that keeps its weeks whatever people do."""
        names = ["hot", "warm", "unknown", "cooling", "cold"]
        assert Pace(**dict.fromkeys(names, 1)).cold == 1.0


class TestCadence:
    @pytest.mark.parametrize(
        ("touches", "path"),
        [
            (None, "touches"),
            ("hello", "touches"),
            ([], "touches"),
            ([{"key": "hello"}], "touches[0]"),
            ([touch(), touch(key="again")], "touches[1].week"),
            ([touch(week=4), touch(key="again", week=2)], "touches[1].week"),
            ([touch(), touch(week=2), touch(key="b", week=3)], "touches[1].key"),
            ([touch(week=1, day=3), touch(key="b", week=1, day=3)], "touches[1].week"),
            ([touch(week=1, day=3), touch(key="b", week=1, day=2)], "touches[1].week"),
            ([touch(), touch(key="b", week=2, was=["hello"])], "touches[1].key"),
            ([touch(was=["b"]), touch(key="b", week=2)], "touches[1].key"),
            ([touch(was=["old"]), touch(key="b", week=2, was=["old"])], "touches[1].key"),
        ],
    )
    def test_touches_out_of_order_are_named(self, touches, path):
        """Weeks rise, keys are unique, and there is at least one touch."""
        assert path == refused(Cadence, name="c", touches=touches)[0]

    @pytest.mark.parametrize(
        ("field", "value"),
        [("name", ""), ("version", 0), ("version", "1"), ("pace", {"hot": 0.5})],
    )
    def test_a_broken_field_is_named(self, field, value):
        """Whatever is wrong with a field, the error's path is the field."""
        given = {"name": "c", "touches": [touch()], field: value}
        assert field == refused(Cadence, **given)[0]

    def test_the_error_names_both_days(self):
        """Which one comes too early, and after which."""
        touches = [touch(week=1, day=3), touch(key="b", week=1, day=1)]
        expected = "1 and 1 day is not after 1 and 3 days"
        assert expected == refused(Cadence, name="c", touches=touches)[1]

    def test_touches_nearer_than_the_least_gap_are_refused(self):
        """Their weeks could not be kept; the error names both distances."""
        touches = [touch(), touch(key="b", day=5), touch(key="c", week=1, day=2)]
        assert (
            "touches[2].week",
            "4 days after 'b', nearer than the least gap, 5 days",
        ) == refused(Cadence, name="c", touches=touches)
        near = Pace(least_gap=timedelta(0))
        twice = [touch(), touch(key="b")]
        assert "touches[1].week" == refused(Cadence, name="c", touches=twice, pace=near)[0]
        near = Pace(least_gap=timedelta(days=4))
        assert touches == [*Cadence(name="c", touches=touches, pace=near).touches]

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("every", 1),
            ("every", True),
            ("every", timedelta(days=365)),
            ("every", CalendarSpan(years=1, zone="Europe/Berlin")),
            ("repeat", 0),
            ("repeat", True),
            ("repeat", 1.0),
            ("repeat", None),
        ],
    )
    def test_how_it_comes_back_is_a_span_and_a_number(self, field, value):
        """The person's own zone counts the months; one of ours is refused."""
        assert field == refused(Cadence, name="c", touches=[touch()], **{field: value})[0]

    def test_no_more_can_come_back_than_there_is(self):
        """One for each touch at most."""
        touches = [touch(), touch(key="b", week=2)]
        given = {"touches": touches, "every": CalendarSpan(years=1)}
        assert ("repeat", "expected at most 2, one for each touch, got 3") == refused(
            Cadence, name="c", repeat=3, **given
        )
        assert 2 == Cadence(name="c", repeat=2, **given).repeat

    @pytest.mark.parametrize(("days", "fits"), [(23, True), (24, False)])
    def test_what_comes_back_must_fit_into_the_span(self, days, fits):
        """With the least gap, into the shortest month there is."""
        week, day = divmod(days, 7)
        given = {
            "touches": [touch(), touch(key="b", week=week, day=day)],
            "every": CalendarSpan(months=1),
            "repeat": 2,
        }
        if fits:
            assert Cadence(name="c", **given)
        else:
            expected = "1 month is too short for touches 24 days apart and a least gap of 5 days"
            assert ("every", expected) == refused(Cadence, name="c", **given)

    def test_only_what_comes_back_must_fit(self):
        """The last touch alone comes back in a month, however long the sequence."""
        touches = [touch(), touch(key="b", week=20)]
        assert Cadence(name="c", touches=touches, every=CalendarSpan(months=1))

    def test_a_touch_is_found_by_its_key(self):
        """And an unknown key suggests a near one."""
        assert SEVEN_TOUCH.touches[3] == SEVEN_TOUCH.touch("check-in")
        with pytest.raises(NotFound, match=r"no touch 'chek-in'; did you mean 'check-in'\?"):
            SEVEN_TOUCH.touch("chek-in")

    def test_cadences_are_values(self):
        """Equal content makes equal cadences, and they can be keys."""
        assert 1 == len({SEVEN_TOUCH, attrs.evolve(SEVEN_TOUCH)})


class TestEnrollment:
    def test_its_id_is_a_digest_of_who_what_and_when(self):
        """The same enrolment twice is one; another cadence or instant is another."""
        given = {"candidate_id": "ada", "cadence": "c", "enrolled_at": "2026-03-02T10:00+01:00"}
        ids = [
            Enrollment(**{**given, **changes}).id
            for changes in ({}, {"enrolled_at": START}, {"cadence": "d"}, {"candidate_id": "bob"})
        ]
        assert (True, 3) == (ids[0] == ids[1], len(set(ids)))

    def test_its_repr_makes_it_again(self):
        """And carries nothing but ids and the instant."""
        run = Enrollment(candidate_id="ada", cadence="c", enrolled_at=START)
        expected = "Enrollment(candidate_id='ada', cadence='c', "
        expected += "enrolled_at='2026-03-02T09:00:00+00:00')"
        assert (expected, run) == (repr(run), eval(repr(run)))

    @pytest.mark.parametrize(
        ("field", "value"),
        [("candidate_id", ""), ("cadence", None), ("version", 0), ("enrolled_at", "Monday")],
    )
    def test_a_broken_field_is_named(self, field, value):
        """Whatever is wrong with a field, the error's path is the field."""
        given = {"candidate_id": "ada", "cadence": "c", "enrolled_at": START, field: value}
        assert field == refused(Enrollment, **given)[0]

    def test_a_naive_instant_is_refused(self):
        """Nobody can say when it was."""
        with pytest.raises(NaiveInstant, match=r"^enrolled_at: "):
            Enrollment(candidate_id="ada", cadence="c", enrolled_at="2026-03-02T09:00")


class TestTouchRecord:
    def test_its_key_is_the_same_at_every_attempt(self):
        """Enrolment, rotation and touch; not the instant, nor the state."""
        first = TouchRecord(**RECORD)
        again = TouchRecord(
            **{**RECORD, "state": TouchState.FAILED, "at": START + timedelta(days=1)}
        )
        assert ("run-1.0.hello", first.key) == (first.key, again.key)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("enrollment_id", ""),
            ("rotation", -1),
            ("rotation", None),
            ("rotation", True),
            ("touch", None),
            ("candidate_id", 7),
            ("due_at", "soon"),
            ("at", None),
        ],
    )
    def test_a_broken_field_is_named(self, field, value):
        """Whatever is wrong with a field, the error's path is the field."""
        assert field == refused(TouchRecord, **{**RECORD, field: value})[0]

    def test_an_unknown_state_suggests_a_near_one(self):
        """States are a closed list."""
        with pytest.raises(UnknownName, match=r"^state: 'sendin' .*did you mean 'sending'"):
            TouchRecord(**{**RECORD, "state": "sendin"})
