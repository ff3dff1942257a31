"""The sweep over a relationship: the same answers as asking again and again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.engagement import (
    EngagementPolicy,
    Temperature,
    temperature,
    temperatures,
    unanswered,
)
from crmkit.errors import NaiveInstant
from crmkit.model import Candidate, Interaction, Relationship

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
KINDS = ["sent", "sent", "delivered", "bounced", "clicked", "replied", "met", "opened", "noted"]
POLICIES = [
    EngagementPolicy(),
    EngagementPolicy(hot=4, warm=1, half_life=timedelta(days=3)),
    EngagementPolicy(weights={"opened": 0.5, "sent": 0.1}, cooling_after=1, cold_after=2),
]


def fact(kind, day, **more):
    return Interaction(candidate_id="ada", kind=kind, at=START + day * DAY, **more)


def person(*facts):
    return Relationship(Candidate(id="ada"), facts)


facts = st.lists(
    st.builds(
        fact,
        st.sampled_from(KINDS),
        st.integers(-40, 120) | st.floats(-40, 120),
        automated=st.sampled_from([True, False, None]),
    ),
    max_size=14,
)


class TestTemperatures:
    def test_somebody_unknown_stays_so(self):
        """Without facts there is one row, at the instant asked for."""
        assert [(START, Temperature.UNKNOWN, 0)] == temperatures(person(), since=START)

    def test_an_act_fades_and_silence_grows(self):
        """Each row is a change: a click warms for a while, messages without an answer cool."""
        ada = person(fact("clicked", 1), *(fact("sent", day) for day in (2, 30, 40, 50)))
        found = [
            ((at - START) // DAY, str(value), silent)
            for at, value, silent in temperatures(ada, since=START)
        ]
        assert [
            (0, "unknown", 0),
            (1, "warm", 0),
            (2, "warm", 1),
            (13, "unknown", 1),
            (30, "cooling", 2),
            (40, "cold", 3),
            (50, "cold", 4),
        ] == found

    def test_a_warmth_that_outlives_the_calendar_lasts(self):
        """What fades after the year 9999 fades never."""
        policy = EngagementPolicy(warm=1e-300, half_life=timedelta(days=3650))
        ada = person(fact("replied", 0))
        rows = [(START, Temperature.WARM, 0)]
        assert rows == temperatures(ada, since=START, policy=policy)

    def test_a_naive_instant_is_refused(self):
        """The error names the argument."""
        with pytest.raises(NaiveInstant, match=r"^since: "):
            temperatures(person(), since=datetime(2026, 1, 5))  # noqa: DTZ001

    @given(facts, st.sampled_from(POLICIES), st.integers(-30, 200))
    @settings(deadline=None)
    def test_it_agrees_with_asking_at_every_turn(self, log, policy, begin):
        """At each row, a tick before the next, and between, `temperature` says the same."""
        ada, since = person(*log), START + begin * DAY
        rows = temperatures(ada, since=since, policy=policy)
        ends = [*(at for at, _, _ in rows[1:]), rows[-1][0] + 500 * DAY]
        assert since == rows[0][0]
        for (at, value, silent), end in zip(rows, ends, strict=True):
            for now in (at, at + (end - at) / 2, max(at, end - TICK)):
                if now < end:
                    asked = temperature(ada, now=now, policy=policy).value
                    assert (value, silent) == (asked, unanswered(ada, now=now, policy=policy))
