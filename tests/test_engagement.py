"""Score, its crossing, silence and temperature."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.engagement import (
    WEIGHTS,
    EngagementPolicy,
    Temperature,
    is_engagement,
    score,
    score_crosses,
    temperature,
    unanswered,
)
from crmkit.errors import InvalidRecord, NaiveInstant
from crmkit.model import KINDS, Candidate, Interaction, Relationship

START = datetime(2026, 1, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
ORDER = [
    Temperature.COLD,
    Temperature.COOLING,
    Temperature.UNKNOWN,
    Temperature.WARM,
    Temperature.HOT,
]


def fact(kind, day=0.0, **more):
    return Interaction(candidate_id="ada", kind=kind, at=START + day * DAY, **more)


def person(*facts):
    return Relationship(Candidate(id="ada"), list(facts))


def log(text):
    """Return a person whose facts came one a day, in this order."""
    return person(*(fact(kind, day) for day, kind in enumerate(text.split())))


spans = st.timedeltas(timedelta(0), timedelta(days=400))
facts = st.builds(
    lambda kind, age, automated: fact(kind, age / DAY, automated=automated),
    st.sampled_from(
        ["replied", "clicked", "met", "sent", "sent", "delivered", "bounced", "opened"]
    ),
    # Few distinct ages, so that facts of one instant are met often.
    spans | st.integers(0, 10).map(lambda days: days * DAY),
    st.sampled_from([None, None, False, True]),
)
people = st.lists(facts, max_size=12).map(lambda found: person(*found))
instants = spans.map(lambda age: START + age)
policies = st.builds(
    EngagementPolicy,
    half_life=st.timedeltas(timedelta(milliseconds=1), timedelta(days=3650)),
    weights=st.dictionaries(st.sampled_from(sorted(KINDS)), st.floats(0, 1000), max_size=3),
)


class TestPolicy:
    def test_what_machines_do_or_we_do_weighs_nothing(self):
        """Opens, automatic replies and our own messages and notes have no weight."""
        ours = {"opened", "auto_replied", "sent", "delivered", "messaged", "noted", "bounced"}
        assert set() == ours & set(WEIGHTS)

    def test_given_weights_lie_over_the_defaults(self):
        """A weight that is given replaces its default; the others stay."""
        policy = EngagementPolicy(weights={"opened": 1, "clicked": 0, "x-coffee": 7})
        assert policy.weights == {**WEIGHTS, "opened": 1.0, "clicked": 0.0, "x-coffee": 7.0}

    @pytest.mark.parametrize(
        ("wrong", "path"),
        [
            ({"half_life": timedelta(0)}, "half_life"),
            ({"half_life": timedelta(days=4000)}, "half_life"),
            ({"hot": 1, "warm": 1}, "hot"),
            ({"warm": 0}, "hot"),
            ({"hot": math.nan}, "hot"),
            ({"hot": math.inf}, "hot"),
            ({"cooling_after": 0}, "cold_after"),
            ({"cooling_after": 3, "cold_after": 3}, "cold_after"),
            ({"weights": {"replyed": 1}}, "weights['replyed']"),
            ({"weights": {"replied": -1}}, "weights['replied']"),
            ({"weights": {"replied": 1001}}, "weights['replied']"),
            ({"weights": {"replied": "much"}}, "weights['replied']"),
            ({"weights": {"replied": None}}, "weights['replied']"),
            ({"weights": [1]}, "weights"),
        ],
    )
    def test_nonsense_is_refused_at_its_field(self, wrong, path):
        """A policy that cannot mean anything ends in an error that names the field."""
        with pytest.raises(InvalidRecord) as caught:
            EngagementPolicy(**wrong)
        assert path == caught.value.path

    def test_is_hashable_and_equal_by_content(self):
        """Two policies of the same content are one key."""
        assert len({EngagementPolicy(), EngagementPolicy(weights={"replied": 5})}) == 1


class TestScore:
    def test_halves_with_each_half_life(self):
        """A reply weighs 5, and 1.25 after two half-lives."""
        ada = log("replied")
        assert [score(ada, now=START + days * DAY) for days in (0, 60)] == [5.0, 1.25]

    def test_leaves_out_machines_and_what_has_not_happened(self):
        """An automated click and one of tomorrow count nothing; an unknown author counts."""
        ada = person(fact("clicked", automated=True), fact("clicked", 1), fact("clicked"))
        assert score(ada, now=START) == 2.0
        assert [
            is_engagement(fact("clicked", automated=machine)) for machine in (True, False, None)
        ] == [False, True, True]

    def test_a_naive_now_is_refused(self):
        """An instant without a zone is an error, not a guess."""
        with pytest.raises(NaiveInstant):
            score(log("replied"), now=datetime(2026, 1, 1))  # noqa: DTZ001

    @given(people, instants, policies)
    def test_is_the_plain_sum(self, ada, now, policy):
        """The score is the sum of weight times two to the minus age over half-life."""
        expected = math.fsum(
            policy.weights.get(each.kind, 0) * 2.0 ** -((now - each.at) / policy.half_life)
            for each in ada.history
            if each.at <= now and each.automated is not True
        )
        assert math.isclose(expected, score(ada, now=now, policy=policy), rel_tol=1e-9)


class TestScoreCrosses:
    def test_is_one_half_life_for_half_the_weight(self):
        """A reply of weight 5 stays at 2.5 or above for exactly 30 days."""
        crossing = score_crosses(log("replied"), now=START, threshold=2.5)
        assert crossing == START + 30 * DAY + TICK

    @pytest.mark.parametrize("threshold", [0, -1, 5.01, math.inf, math.nan])
    def test_is_never_where_no_clock_matters(self, threshold):
        """Below already, or a threshold that is never left: None."""
        assert None is score_crosses(log("replied"), now=START, threshold=threshold)

    def test_is_never_past_a_fact_to_come(self):
        """A click dated tomorrow bounds it, whether the score is above or below now."""
        ada = person(fact("replied"), fact("clicked", 1), fact("clicked", 2, automated=True))
        found = [score_crosses(ada, now=START, threshold=least) for least in (1, 100)]
        assert found == [START + DAY, START + DAY]

    def test_the_end_of_the_calendar_is_never(self):
        """A crossing after the year 9999 is none."""
        ada = person(Interaction(candidate_id="ada", kind="met", at="9999-12-30T09:00Z"))
        now = datetime(9999, 12, 31, tzinfo=UTC)
        assert None is score_crosses(ada, now=now, threshold=1e-9)

    @given(people, instants, policies, st.floats(1e-320, 3000), st.lists(st.floats(0, 1)))
    def test_agrees_with_the_score_to_the_microsecond(self, ada, now, policy, threshold, parts):
        """The score holds the threshold up to the crossing, and not at it."""

        def above(instant):
            return score(ada, now=instant, policy=policy) >= threshold

        crossing = score_crosses(ada, now=now, threshold=threshold, policy=policy)
        to_come = [each for each in ada.history.after(now) if is_engagement(each, policy=policy)]
        arrival = to_come[0].at if to_come else None
        if not above(now):
            assert arrival == crossing
        elif crossing is not None:
            assert now < crossing
            for instant in [
                crossing - TICK,
                *(now + part * (crossing - TICK - now) for part in parts),
            ]:
                assert above(instant)
            assert crossing == arrival or not above(crossing)
        else:
            assert arrival is None
            assert above(datetime.max.replace(tzinfo=UTC))


class TestUnanswered:
    @pytest.mark.parametrize(
        ("story", "expected"),
        [
            ("", 0),
            ("sent sent", 2),
            ("sent delivered", 1),
            ("sent sent delivered delivered delivered", 3),
            ("sent replied", 0),
            ("sent auto_replied opened sent", 2),
            ("sent replied sent", 1),
            ("sent sent bounced", 1),
            ("bounced sent", 1),
            ("sent bounced bounced sent", 1),
        ],
    )
    def test_counts_messages_since_they_last_took_part(self, story, expected):
        """Sent or delivered, whichever is more, less what bounced, since the last engagement."""
        assert expected == unanswered(log(story), now=START + 100 * DAY)

    def test_facts_of_one_day_are_read_kindly(self):
        """A bounce at the instant of its message takes it back; an answer then answers it."""
        bounced = person(fact("sent"), fact("bounced"))
        answered = person(fact("sent"), fact("replied"))
        assert [unanswered(each, now=START) for each in (bounced, answered)] == [0, 0]

    def test_what_is_to_come_has_not_been_sent(self):
        """A message dated later than now does not count yet."""
        assert unanswered(log("sent sent"), now=START) == 1


class TestTemperature:
    @pytest.mark.parametrize(
        ("story", "expected"),
        [
            ("", "unknown"),
            ("sourced enrolled", "unknown"),
            ("enrolled sent", "unknown"),
            ("sent sent", "cooling"),
            ("sent sent sent", "cold"),
            ("sent opened sent opened sent opened", "cold"),
            ("sent sent sent clicked", "warm"),
            ("sent replied met", "hot"),
        ],
    )
    def test_goes_by_what_they_did_and_left_unanswered(self, story, expected):
        """Acts make warm and hot, silence makes cooling and cold, nothing makes unknown."""
        assert expected == temperature(log(story), now=START + 10 * DAY).value

    def test_nobody_is_cold_by_the_calendar(self):
        """Ten years after being enrolled, without a message, somebody is still unknown."""
        verdict = temperature(log("sourced enrolled"), now=START + 3650 * DAY)
        assert (verdict.value, verdict.until) == (Temperature.UNKNOWN, None)

    def test_says_why(self):
        """The reasons hold the score, the thresholds, the newest acts and the silence."""
        ada = log("clicked replied sent")
        assert str(temperature(ada, now=START + 3 * DAY).because).split("\n") == [
            "temperature is warm",
            "  ✗ score is at least 8 (hot) (found 6.64)",
            "  ✓ score is at least 1.5 (warm) (found 6.64), until 2026-03-09 18:19 UTC",
            "  newest acts that count",
            "    replied on 2026-01-02 (found 4.77 of 5)",
            "    clicked on 2026-01-01 (found 1.87 of 2)",
            "  1 message without an answer (cooling from 2, cold from 3)",
        ]

    @given(people, instants, st.lists(st.floats(0, 1), max_size=5))
    def test_holds_until_it_says(self, ada, now, parts):
        """With no new fact the value is the same at every instant up to its until."""
        verdict = temperature(ada, now=now)
        end = verdict.until or START + 2000 * DAY
        assert end > now
        for instant in [end - TICK, *(now + part * (end - TICK - now) for part in parts)]:
            assert verdict.value == temperature(ada, now=instant).value

    @given(people, instants, st.sampled_from(["replied", "clicked"]), spans)
    def test_an_act_of_theirs_never_makes_colder(self, ada, now, kind, age):
        """One more engagement fact leaves the temperature as it is or warms it."""
        more = Relationship(ada.candidate, ada.history | [fact(kind, age / DAY)])
        found = [ORDER.index(temperature(each, now=now).value) for each in (ada, more)]
        assert sorted(found) == found

    @given(people, instants, st.sampled_from(["sent", "delivered"]), spans)
    def test_a_message_of_ours_never_makes_warmer(self, ada, now, kind, age):
        """One more message leaves the temperature as it is or cools it."""
        more = Relationship(ada.candidate, ada.history | [fact(kind, age / DAY)])
        found = [ORDER.index(temperature(each, now=now).value) for each in (more, ada)]
        assert sorted(found) == found
