"""The arbiter's last rule: the hours and holidays where the person is."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from permission_cases import TICK, fact, person

from crmkit.model import Channel, Consent
from crmkit.permission import ContactPolicy, ContactRule, Hours, SendWindow, permission, standing

LONDON = "Europe/London"
AGREED = Consent(at="2026-01-01T09:00Z").given_by("ada")
WHIT_MONDAY = {"2026-05-25": "Whit Monday"}


def ask(now, *facts, channel="text", hours=None, **changes):
    policy = ContactPolicy(hours=hours or Hours())
    who = person(AGREED, *facts, **{"timezone": LONDON, **changes})
    return permission(who, now=datetime.fromisoformat(now), channel=channel, policy=policy)


def told(verdict):
    return str(verdict.because.parts[-1])


def test_texts_wait_for_the_morning_there():
    """At 23:30 in summer London a text waits for 8 o'clock, which is 7:00 UTC."""
    late = ask("2026-06-01T22:30Z")
    assert ContactRule.QUIET == late.rule
    assert late.until == late.next_allowed == datetime(2026, 6, 2, 7, tzinfo=UTC)
    assert (
        "✗ within the hours for text (Mon–Sun 08:00–21:00, Europe/London) "
        "(found Mon 2026-06-01 23:30), until 2026-06-02 07:00 UTC"
    ) == told(late)


def test_texts_may_go_until_the_evening_there():
    """The permission ends at 21 o'clock of the person, not ours."""
    assert datetime(2026, 6, 1, 20, tzinfo=UTC) == ask("2026-06-01T12:00Z").until
    tokyo = ask("2026-06-01T12:00Z", timezone="Asia/Tokyo")
    assert (ContactRule.QUIET, datetime(2026, 6, 1, 23, tzinfo=UTC)) == (
        tokyo.rule,
        tokyo.next_allowed,
    )


@pytest.mark.parametrize(
    ("holidays", "day"), [({}, 25), ({"GB": WHIT_MONDAY}, 26), ({"DE": WHIT_MONDAY}, 25)]
)
def test_office_hours_wait_for_the_next_working_day(holidays, day):
    """From Saturday to Monday, or to Tuesday where Monday is a holiday."""
    hours = Hours.office(holidays=holidays)
    refused = ask("2026-05-23T10:00Z", channel="email", hours=hours, country="GB")
    assert ContactRule.QUIET == refused.rule
    assert datetime(2026, 5, day, 7, tzinfo=UTC) == refused.next_allowed


def test_a_holiday_is_named():
    """The reason says which one, and that holidays are kept."""
    hours = Hours(holidays={"GB": WHIT_MONDAY})
    refused = ask("2026-05-25T10:00Z", channel="email", hours=hours, country="GB")
    assert (
        "✗ within the hours for email (Mon–Sun 00:00–24:00, no holidays, Europe/London) "
        "(found Mon 2026-05-25 11:00, Whit Monday), until 2026-05-25 23:00 UTC"
    ) == told(refused)


def test_other_channels_have_no_hours_by_default():
    """E-mail may wait in its box; nothing about zones is asked."""
    mail = ask("2026-06-01T02:00Z", channel="email", timezone=None)
    assert (True, "✓ any hour will do for email") == (mail.value, told(mail))


def test_no_text_goes_to_an_unknown_zone():
    """Waiting does not help; an assumed zone of the country does not either."""
    hours = Hours(zones={"GB": LONDON})
    refused = ask("2026-06-01T12:00Z", timezone=None, country="GB", hours=hours)
    assert (ContactRule.QUIET, None, None) == (refused.rule, refused.until, refused.next_allowed)
    assert "✗ within the hours for text (Mon–Sun 08:00–21:00, where they are)" in told(refused)
    assert "(found zone unknown)" in told(refused)


def test_where_it_is_not_needed_an_assumed_zone_will_do():
    """The reason says that it was assumed, and why."""
    hours = Hours(zones={"GB": LONDON}, zone_needed=())
    late = ask("2026-06-01T22:30Z", timezone=None, country="GB", hours=hours)
    assert (ContactRule.QUIET, datetime(2026, 6, 2, 7, tzinfo=UTC)) == (
        late.rule,
        late.next_allowed,
    )
    assert "zone of GB assumed" in told(late)
    assert "zone unknown, UTC assumed" in told(ask("2026-06-01T12:00Z", timezone=None, hours=hours))


def test_nobody_without_a_zone_where_none_is_assumed():
    """On no channel."""
    hours = Hours(unknown_zone=None)
    refused = ask("2026-06-01T12:00Z", channel="email", timezone=None, hours=hours)
    assert (ContactRule.QUIET, None) == (refused.rule, refused.until)
    assert ask("2026-06-01T12:00Z", channel="email", hours=hours)


def test_it_is_asked_last():
    """A full cap is named before the hour, and `next_allowed` keeps both."""
    sent = [fact("sent", day, channel="text") for day in (0.1, 0.5)]
    refused = ask("2026-01-03T02:00Z", *sent)
    assert ContactRule.CAP == refused.rule
    lifted = sent[0].at + timedelta(days=7)
    assert (11, 24) == (lifted.hour, lifted.minute)
    assert lifted == refused.next_allowed
    later = ask("2026-01-03T02:00Z", *sent, timezone="Pacific/Auckland")
    assert datetime(2026, 1, 8, 19, tzinfo=UTC) == later.next_allowed


def test_standing_permission_knows_no_hours_and_no_caps():
    """Who plans keeps those; whatever else refuses still does."""
    sent = [fact("sent", day, channel="text") for day in (0.1, 0.5)]
    night = datetime(2026, 1, 3, 2, tzinfo=UTC)
    who = person(AGREED, *sent, timezone=LONDON)
    assert standing(who, now=night, channel=Channel.TEXT)
    assert "not snoozed" == standing(who, now=night, channel=Channel.TEXT).because.parts[-1].text
    stopped = person(AGREED, fact("unsubscribed", 0.2), timezone=LONDON)
    assert ContactRule.NO_BASIS == standing(stopped, now=night, channel=Channel.TEXT).rule


def test_holidays_on_every_day_never_end():
    """Nobody is contacted, and no instant is named at which they would be."""

    class Always:
        def __contains__(self, day):
            return True

    hours = Hours(holidays={"GB": Always()})
    refused = ask("2026-06-01T12:00Z", channel="email", hours=hours, country="GB")
    assert (ContactRule.QUIET, None, None) == (refused.rule, refused.until, refused.next_allowed)


def test_the_end_of_the_calendar_is_no_crash():
    """In Tokyo it is the year 10000 already."""
    refused = ask("9999-12-31T20:00Z", fact("met", 2_900_000), timezone="Asia/Tokyo")
    assert ContactRule.QUIET == refused.rule
    assert "the end of the calendar" in told(refused)


@given(
    st.sampled_from([LONDON, "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
    st.integers(0, 365 * 24),
    st.sampled_from(
        [
            Hours(),
            Hours.office(holidays={"GB": {date(2026, 5, 25), date(2026, 4, 3), date(2026, 4, 6)}}),
            Hours(windows={"text": SendWindow(start="01:30", end="02:15")}),
        ]
    ),
    st.sampled_from([Channel.TEXT, Channel.EMAIL]),
)
def test_holds_until_it_says_through_the_year(zone, hour, hours, channel):
    """Quarter by quarter of an hour nothing turns before `until`, and it turns there."""
    policy = ContactPolicy(hours=hours, retention={"GB": timedelta(days=9000)})
    who = person(AGREED, timezone=zone, country="GB")
    now = datetime(2026, 1, 2, tzinfo=UTC) + timedelta(hours=hour)

    def allowed(at):
        wall = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        return hours.is_open(wall, channel, hours.calendar_of(who.candidate))

    verdict = permission(who, now=now, channel=channel, policy=policy)
    assert allowed(now) is bool(verdict)
    end = verdict.until or now + timedelta(days=5)
    here = now
    while here < end:
        assert allowed(here) is bool(verdict)
        here += timedelta(minutes=15)
    if verdict.until:
        assert allowed(verdict.until - TICK) is bool(verdict)
        assert allowed(verdict.until) is not bool(verdict)
    assert verdict.next_allowed == (None if verdict else verdict.until)
