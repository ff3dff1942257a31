"""Each operator on its edges, by hand: both ends of a window, month ends, clocks that change."""

from datetime import UTC, datetime, timedelta

import pytest

from crmkit.model import CalendarSpan, Candidate, Interaction, Relationship
from crmkit.segmentation import Segment, event, field, held, listed, unopened
from crmkit.segmentation import bucket as pilot

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
WEEK = timedelta(weeks=1)
MONTH = CalendarSpan(months=1)
BERLIN = CalendarSpan(months=1, zone="Europe/Berlin")
MET, SENT = event("met"), event("sent")


def at(text):
    return datetime.fromisoformat(text).astimezone(UTC)


def fact(kind, when, **more):
    instant = when if isinstance(when, datetime) else NOW - when * DAY
    return Interaction(candidate_id="ada", kind=kind, at=instant, **more)


def log(*facts, **known):
    return Relationship(Candidate(id="ada", **known), facts)


def check(rule, relationship, now=NOW):
    return Segment("s", rule).check(relationship, now=now)


def days(kind, *when):
    return log(*(fact(kind, one) for one in when))


def turns_at(rule, relationship, instant):
    """Whether the value just before *instant*, its until, and the value from then on."""
    before = check(rule, relationship, now=instant - TICK)
    return before.value, before.until == instant, check(rule, relationship, now=instant).value


@pytest.mark.parametrize(
    ("span", "met", "end"),
    [
        (CalendarSpan(months=1), "2026-01-31T09:00Z", "2026-02-28T09:00Z"),
        (CalendarSpan(months=1), "2024-01-31T09:00Z", "2024-02-29T09:00Z"),
        (CalendarSpan(months=1), "2026-02-28T09:00Z", "2026-03-28T09:00Z"),
        (CalendarSpan(years=1), "2024-02-29T09:00Z", "2025-02-28T09:00Z"),
        (CalendarSpan(years=4), "2024-02-29T09:00Z", "2028-02-29T09:00Z"),
        # The last minutes of 30 January in UTC are 31 January in Berlin.
        (CalendarSpan(months=1), "2026-01-30T23:30Z", "2026-02-28T23:30Z"),
        (BERLIN, "2026-01-30T23:30Z", "2026-02-27T23:30Z"),
        # 02:30 on 29 March is in the gap, and moves on to 03:30.
        (BERLIN, "2026-02-28T02:30+01:00", "2026-03-28T02:30+01:00"),
        (BERLIN, "2026-03-01T02:30+01:00", "2026-04-01T02:30+02:00"),
        (
            CalendarSpan(months=2, zone="Europe/Berlin"),
            "2026-01-29T02:30+01:00",
            "2026-03-29T01:30Z",
        ),
        # 02:30 on 25 October comes twice; it is the first.
        (BERLIN, "2026-09-25T02:30+02:00", "2026-10-25T02:30+02:00"),
        (timedelta(days=30), "2026-01-31T09:00Z", "2026-03-02T09:00Z"),
    ],
    ids=str,
)
def test_window_ends_by_the_clock_or_by_the_calendar_of_its_zone(span, met, end):
    """A window ends at t + span: at a month's end clipped, in a gap later, in a fold the first."""
    relationship = log(fact("met", at(met)), interested_from=met)
    instant = at(end)
    for within, older in (
        (MET.within(span), MET.last.older_than(span)),
        (MET.first.within(span), MET.first.older_than(span)),
        (field.interested_from.within(span), field.interested_from.older_than(span)),
    ):
        assert (True, True, False) == turns_at(within, relationship, instant)
        assert (False, True, True) == turns_at(older, relationship, instant)


def test_words_for_a_calendar_span_are_the_span():
    """Months, years and a zone are a calendar span; days, weeks and hours an exact one."""
    assert MET.within(months=1) == MET.within(MONTH)
    assert MET.within(months=1, zone="Europe/Berlin") == MET.within(BERLIN)
    assert MET.last.older_than(years=1) == MET.last.older_than(CalendarSpan(years=1))
    assert MET.last.within(weeks=1, hours=24) == MET.last.within(days=8)


def test_first_and_last_part_where_there_are_several():
    """The first is judged by itself, the last by itself; with none, both ages are false."""
    relationship = days("met", 10, 3)
    rules = [MET.first.within(WEEK), MET.last.within(WEEK)]
    rules += [MET.first.older_than(WEEK), MET.last.older_than(WEEK)]
    assert [check(rule, relationship).value for rule in rules] == [False, True, True, False]
    assert [check(rule, log()).value for rule in rules] == [False] * 4
    assert [check(rule, log()).because.found for rule in rules] == ["none"] * 4


def test_future_first_is_not_yet_the_first():
    """A fact dated after now is not seen, and bounds until."""
    coming = NOW + 3 * DAY
    verdict = check(MET.first.within(WEEK), days("met", coming))
    assert (False, coming) == (verdict.value, verdict.until)


@pytest.mark.parametrize(
    ("field_at", "before", "after", "zone", "start", "end"),
    [
        ("2020-03-10T09:00Z", WEEK, DAY, None, "2026-03-03T09:00Z", "2026-03-11T09:00Z"),
        ("2020-03-10T09:00Z", timedelta(0), DAY, None, "2026-03-10T09:00Z", "2026-03-11T09:00Z"),
        ("2020-03-10T09:00Z", DAY, timedelta(0), None, "2026-03-09T09:00Z", "2026-03-10T09:00Z"),
        # Born on a leap day: 28 February in common years.
        ("2024-02-29T09:00Z", TICK, DAY, None, "2025-02-28T08:59:59.999999Z", "2025-03-01T09:00Z"),
        ("2024-02-29T09:00Z", TICK, DAY, None, "2028-02-29T08:59:59.999999Z", "2028-03-01T09:00Z"),
        # 29 March 02:30 in Berlin is in the gap of 2026.
        (
            "2025-03-29T02:30+01:00",
            timedelta(0),
            DAY,
            "Europe/Berlin",
            "2026-03-29T01:30Z",
            "2026-03-30T01:30Z",
        ),
    ],
)
def test_anniversary_is_near_from_before_to_after(field_at, before, after, zone, start, end):  # noqa: PLR0917 - a table
    """A yearly return is near from a - before on, and no more at a + after."""
    relationship = log(fact("met", at(field_at)), interested_from=field_at)
    near = {"before": before, "after": after, "zone": zone}
    for rule in (
        field.interested_from.anniversary(**near),
        MET.first.anniversary(**near),
        MET.last.anniversary(**near),
    ):
        assert (False, True, True) == turns_at(rule, relationship, at(start))
        assert (True, True, False) == turns_at(rule, relationship, at(end))


def test_the_day_itself_is_no_anniversary():
    """It returns first a year later, and one in the future has no return yet."""
    rule = MET.last.anniversary(before=WEEK, after=WEEK)
    verdict = check(rule, days("met", 0))
    assert (False, at("2027-02-23T09:00Z")) == (verdict.value, verdict.until)
    assert not check(field.interested_from.anniversary(), log(interested_from=NOW + DAY))
    assert not check(rule, log())
    assert "unknown" == check(field.interested_from.anniversary(), log()).because.found


def test_anniversaries_end_with_the_calendar():
    """In the last year there is, nothing comes back any more, and nothing is raised."""
    last = datetime(9999, 12, 30, tzinfo=UTC)
    rule = MET.last.anniversary(after=WEEK)
    verdict = check(rule, days("met", at("2020-06-01T09:00Z")), now=last)
    assert (False, None) == (verdict.value, verdict.until)


def test_near_the_last_instant_of_all_an_anniversary_lasts():
    """A window that would end past the calendar has no end."""
    verdict = check(
        MET.last.anniversary(after=WEEK),
        days("met", at("2020-12-30T09:00Z")),
        now=datetime(9999, 12, 31, tzinfo=UTC),
    )
    assert (True, None) == (verdict.value, verdict.until)


def test_lag_moves_the_window_back():
    """Stopped: so many before the quiet span, none within it, and by hand each edge of both."""
    rule = SENT.stopped(WEEK, active=2 * WEEK, at_least=2)
    assert check(rule, days("sent", 7, 20))
    assert not check(rule, days("sent", 7, 21))
    assert not check(rule, days("sent", 7 - TICK / DAY, 20))
    assert not check(rule, days("sent", 8, 8.5, 1))
    assert not check(rule, log())
    ever = SENT.stopped(WEEK)
    assert [check(ever, days("sent", day)).value for day in (6, 7, 700)] == [False, True, True]
    sent = NOW - 6 * DAY
    assert (False, True, True) == turns_at(ever, days("sent", sent), sent + WEEK)


def test_stopped_by_the_calendar():
    """Quiet since 31 January for a month is quiet from the end of February on."""
    quiet = log(fact("sent", at("2026-01-31T09:00Z")))
    assert (False, True, True) == turns_at(SENT.stopped(MONTH), quiet, at("2026-02-28T09:00Z"))


def test_restarted_needs_the_whole_gap_before_and_is_new_for_its_span():
    """A gap as long as asked is enough, one microsecond less is not; the first restarts nothing."""
    rule = SENT.restarted(WEEK, within=2 * DAY)
    assert check(rule, days("sent", 8, 1))
    assert not check(rule, days("sent", 8 - TICK / DAY, 1))
    assert not check(rule, days("sent", 1))
    assert not check(rule, days("sent", 9, 2))
    assert not check(rule, days("sent", 9, 5, 1))
    newest = NOW - 1 * DAY
    assert (True, True, False) == turns_at(rule, days("sent", 9, newest), newest + 2 * DAY)
    again = check(rule, days("sent", 20, 1.5, 1))
    assert (True, NOW + 0.5 * DAY) == (again.value, again.until)


def test_regular_counts_periods_that_have_one():
    """Two in one period count once; a period begins just after t + every, and ends at it."""
    rule = SENT.regular(2, of=3, every=WEEK)
    assert check(rule, days("sent", 1, 8))
    assert check(rule, days("sent", 6, 7))
    assert not check(rule, days("sent", 1, 2, 3))
    assert not check(rule, days("sent", 1, 21))
    assert check(rule, days("sent", 1, 21 - TICK / DAY))
    assert not check(rule, log())
    verdict = check(rule, days("sent", 5, 6))
    # A day on, the older one is in the second period: one each.
    assert (False, NOW + DAY) == (verdict.value, verdict.until)
    assert "in 1 of 3" == verdict.because.found


def test_regular_at_the_end_of_the_calendar_is_no_error():
    """A period that would end past the calendar never ends."""
    rule = SENT.regular(1, of=4, every=CalendarSpan(years=3000))
    verdict = check(rule, days("sent", 1))
    assert (True, None) == (verdict.value, verdict.until)


def test_regular_by_the_calendar_counts_from_the_fact():
    """One on 31 January is in its second period from the end of February on, not chained."""
    relationship = log(fact("sent", at("2026-01-31T09:00Z")))
    first = SENT.regular(1, of=1, every=MONTH)
    second = SENT.regular(1, of=2, every=MONTH)
    assert (True, True, False) == turns_at(first, relationship, at("2026-02-28T09:00Z"))
    assert (True, True, False) == turns_at(second, relationship, at("2026-03-31T09:00Z"))


def test_after_by_the_calendar_ends_at_the_month():
    """Sent on 31 January, replied a month later: soon enough until the end of February."""
    sent = fact("sent", at("2026-01-31T09:00Z"))
    rule = event("replied").after(SENT, within=MONTH)
    late = fact("replied", at("2026-02-28T09:00Z"))
    soon = fact("replied", at("2026-02-28T08:59:59.999999Z"))
    assert [check(rule, log(sent, reply)).value for reply in (late, soon)] == [False, True]


def test_after_by_the_calendar_may_be_of_an_earlier_one():
    """The one on the 29th ends later than the one on the 31st, since both are clipped."""
    sent = [fact("sent", at("2026-01-29T20:00Z")), fact("sent", at("2026-01-31T09:00Z"))]
    rule = event("replied").after(SENT, within=MONTH)
    assert check(rule, log(*sent, fact("replied", at("2026-02-28T19:00Z"))))
    assert not check(rule, log(*sent, fact("replied", at("2026-02-28T20:00Z"))))


def test_since_needs_both_and_the_right_order():
    """Promoted since we spoke: not without a talk, nor before the last one, nor with it."""
    rule = event("promoted").since(event("called", "met"))
    promoted, met = fact("promoted", 5), fact("met", 9)
    assert check(rule, log(met, promoted))
    assert not check(rule, log(promoted))
    assert not check(rule, log(met))
    assert not check(rule, log(met, promoted, fact("called", 1)))
    assert not check(rule, log(fact("met", 5), promoted))


@pytest.mark.parametrize(
    ("name", "op", "value", "expected"),
    [
        ("minutes", ">=", 5, "ab"),
        ("minutes", "<", 10, "a"),
        ("minutes", "==", 5, "a"),
        ("minutes", "!=", 5, "bc"),
        ("minutes", "in", [5, 10], "ab"),
        ("minutes", "not in", [5, 10], "c"),
        ("minutes", "known", None, "ab"),
        ("minutes", "unknown", None, "c"),
        ("minutes", ">", "1", ""),
        ("note", "contains", "ll", "b"),
        ("note", "starts_with", "c", "b"),
        ("note", "ends_with", "d", "b"),
        ("outcome", "==", "positive", "a"),
        ("outcome", "!=", "positive", "bc"),
        ("outcome", "unknown", None, "bc"),
        ("channel", "in", ["phone"], "c"),
        ("rotation", ">=", 1, "c"),
    ],
)
def test_where_tests_attributes_and_properties(name, op, value, expected):
    """A positive test of what is missing fails, a negative one takes it."""
    facts = {
        "a": fact("called", 3, outcome="positive", properties={"minutes": 5, "note": 1}),
        "b": fact("called", 3, properties={"minutes": 10, "note": "called"}),
        "c": fact("called", 3, channel="phone", rotation=1),
    }
    narrowed = event("called").where(name, op, value)
    found = "".join(key for key, one in facts.items() if check(narrowed.ever(), log(one)))
    of_last = event("called").last.where(name, op, value)
    assert (expected, expected) == (
        found,
        "".join(key for key, one in facts.items() if check(of_last, log(one))),
    )


def test_where_of_the_first_or_last_needs_one():
    """Which one decides; of none nothing is so, whatever is asked of it."""
    both = log(fact("replied", 9, outcome="positive"), fact("replied", 1))
    replied = event("replied")
    first = check(replied.first.where("outcome", "==", "positive"), both)
    last = check(replied.last.where("outcome", "==", "positive"), both)
    assert (True, "'positive' on 2026-02-21") == (first.value, first.because.found)
    assert (False, "unknown on 2026-03-01") == (last.value, last.because.found)
    for op, value in (("==", "positive"), ("!=", "positive"), ("unknown", None)):
        nobody = check(replied.last.where("outcome", op, value), log())
        assert (False, "none") == (nobody.value, nobody.because.found)


def test_last_of_two_at_one_instant_is_the_later_id():
    """Facts at one instant are told apart by their id, so the answer never wavers."""
    twins = [fact("replied", 1, id=key, outcome=key) for key in ("b", "a")]
    rule = event("replied").last.where("outcome", "==", "b")
    assert check(rule, log(*twins))
    assert check(event("replied").first.where("outcome", "==", "a"), log(*twins))


def test_dated_takes_the_first_instant_and_not_the_last():
    """Since is included, before is not."""
    rule = SENT.dated(since=NOW - WEEK, before=NOW - DAY).ever()
    found = [check(rule, days("sent", day)).value for day in (8, 7, 2, 1, 0)]
    assert found == [False, True, True, False, False]
    assert check(SENT.dated(before=NOW).ever(), days("sent", 900))


def test_unopened_waits_and_leaves_machines_out():
    """Sent long enough ago, and no open that may be a person's."""
    rule = unopened("welcome", after=WEEK)
    sent = fact("sent", 7, touch="welcome")
    assert check(rule, log(sent))
    assert not check(rule, log(fact("sent", 6, touch="welcome")))
    assert not check(rule, log(sent, fact("opened", 1, touch="welcome")))
    assert check(rule, log(sent, fact("opened", 1, touch="welcome", automated=True)))
    assert check(rule, log(sent, fact("opened", 1, touch="check-in")))
    assert check(unopened("welcome"), log(fact("sent", 0, touch="welcome")))


def test_held_begins_when_its_part_did():
    """True for a week from the instant on at which the part has been true for a week."""
    rule = held(MET.ever(), at_least=WEEK)
    met = NOW - 3 * DAY
    assert (False, True, True) == turns_at(rule, days("met", met), met + WEEK)
    assert (False, None) == (check(rule, log()).value, check(rule, log()).until)


def test_held_ends_with_its_part():
    """One reply keeps the part true for 10 days: held for a week from day 7 to day 10."""
    rule = held(SENT.within(days=10), at_least=WEEK)
    sent = NOW - 8 * DAY
    relationship = days("sent", sent)
    assert (False, True, True) == turns_at(rule, relationship, sent + WEEK)
    assert (True, True, False) == turns_at(rule, relationship, sent + 10 * DAY)


def test_held_is_broken_by_one_instant():
    """Two windows that meet are one stretch; a microsecond between them breaks it."""
    rule = held(SENT.within(days=5), at_least=WEEK)
    assert check(rule, days("sent", 8, 3))
    assert not check(rule, days("sent", 8, 3 - TICK / DAY))


def test_held_by_the_calendar_is_a_month_from_where_it_began():
    """True since 31 January: held for a month from the end of February on."""
    rule = held(MET.ever(), at_least=MONTH)
    relationship = log(fact("met", at("2026-01-31T09:00Z")))
    assert (False, True, True) == turns_at(rule, relationship, at("2026-02-28T09:00Z"))


def test_held_less_than_is_true_but_not_that_long():
    """Newly so: true from the first instant on, until it has lasted."""
    rule = held(MET.ever(), less_than=WEEK)
    met = NOW - 3 * DAY
    assert (False, True) == (
        check(rule, days("met", met), now=met - TICK).value,
        check(rule, days("met", met), now=met).value,
    )
    assert (True, True, False) == turns_at(rule, days("met", met), met + WEEK)


def test_held_of_what_no_fact_began_has_been_so_for_ever():
    """A field is taken as it is now, and nothing ever met has never been."""
    for_ever = timedelta(days=900_000)
    assert check(held(field.source == "event", at_least=for_ever), log(source="event"))
    assert check(held(MET.never(), at_least=CalendarSpan(years=9000)), log())
    assert not check(held(MET.never(), at_least=WEEK), days("met", 6))


def test_held_looks_only_so_far_ahead():
    """Where the turns of a part never end, until may be early, but comes soon and is sound."""
    near = MET.last.anniversary()
    relationship = days("met", 9)
    verdict = check(held(near | ~near, at_least=WEEK), relationship)
    assert verdict
    assert NOW + 9000 * DAY < verdict.until < NOW + 40_000 * DAY
    never = check(held(near, at_least=WEEK), relationship)
    assert not never
    assert NOW + 9000 * DAY < never.until < NOW + 40_000 * DAY
    far = at("2300-01-01T09:00Z")
    waiting = held(field.interested_from.older_than(days=1), at_least=WEEK)
    assert far + DAY == check(waiting, log(interested_from=far)).until
    deep = near
    for _ in range(20):
        deep = held(~deep, at_least=DAY)
    assert NOW < check(deep, relationship).until < NOW + 50_000 * DAY


def test_held_can_be_held():
    """Held for two days of held for a week is held for nine days."""
    rule = held(held(MET.ever(), at_least=WEEK), at_least=2 * DAY)
    met = NOW - 3 * DAY
    assert (False, True, True) == turns_at(rule, days("met", met), met + 9 * DAY)


@pytest.mark.parametrize(
    ("days_ago", "found"),
    [((), "not so now"), ((3,), "since 2026-02-27"), ((9,), "for longer")],
)
def test_held_says_since_when(days_ago, found):
    """What was found is since when the part is true, as far as that matters."""
    rule = held(MET.ever(), at_least=WEEK)
    assert found == check(rule, days("met", *days_ago)).because.found


def test_listed_knows_merged_records_too():
    """Somebody is listed by their id or by that of a record merged into theirs."""
    rule = listed("bob", "old")
    people = [{}, {"aliases": ["old"]}, {"aliases": ["older"]}]
    assert [check(rule, log(**known)).value for known in people] == [False, True, False]


def test_bucket_is_the_same_everywhere_and_even():
    """Places are drawn from both names alone: these never change, and a tenth is a tenth."""
    rule = pilot("new", below=0.1)
    ids = [f"p{number}" for number in range(5000)]
    inside = [one for one in ids if check(rule, Relationship(Candidate(id=one)))]
    assert 400 < len(inside) < 600
    other = [
        one for one in inside if check(pilot("old", below=0.1), Relationship(Candidate(id=one)))
    ]
    assert 20 < len(other) < 90
    # The first 12 hexadecimal digits of sha256("3:new:ada") and of sha256("3:new:bob").
    assert 0.8658937408110887 == rule.place("ada")
    assert 0.10792133078147614 == rule.place("bob")


def test_buckets_part_everyone():
    """Neighbouring shares leave nobody out and count nobody twice."""
    shares = [pilot("new", below=0.3), pilot("new", at_least=0.3, below=0.6)]
    shares.append(pilot("new", at_least=0.6))
    for number in range(200):
        who = Relationship(Candidate(id=f"p{number}"))
        assert 1 == sum(check(share, who).value for share in shares)
