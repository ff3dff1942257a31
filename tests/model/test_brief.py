"""Brief: what to remember before writing."""

from datetime import UTC, datetime

import pytest

from crmkit.errors import NaiveInstant
from crmkit.lifecycle import brief
from crmkit.model import Candidate, Employment, Interaction, Relationship

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def fact(kind, at, **more):
    return Interaction(candidate_id="ada", kind=kind, at=at, **more)


def ask(*facts, now=NOW, **known):
    return brief(Relationship(Candidate(id="ada", **known), facts), now=now)


class TestBrief:
    def test_the_last_conversation_counts(self):
        """The newest reply, call, meeting or message by hand, not a machine's and not a mail."""
        found = ask(
            fact("met", "2026-01-05T09:00Z"),
            fact("called", "2026-01-09T09:00Z"),
            fact("replied", "2026-01-20T09:00Z", automated=True),
            fact("sent", "2026-02-01T09:00Z"),
            fact("replied", "2026-04-01T09:00Z"),
        )
        assert (found.spoke_at, found.spoke_by) == (datetime(2026, 1, 9, 9, tzinfo=UTC), "called")

    def test_who_was_never_spoken_to(self):
        """Without a conversation it says so."""
        found = ask(fact("sent", "2026-02-01T09:00Z"))
        assert (found.spoke_at, found.spoke_by, found.said) == (None, None, None)
        assert str(found) == "never spoke"

    def test_no_company_is_no_word(self):
        """Of a company that nobody knows nothing is said."""
        assert str(ask(fact("met", "2026-01-05T09:00Z"))) == "last spoke 2026-01-05 (met)"

    def test_company_then_against_now(self):
        """Where they worked at the last conversation comes from their employments."""
        jobs = [
            Employment(company="Old Works", since="2020-01-01", until="2026-01-31"),
            Employment(company="New Works", since="2026-02-01"),
        ]
        found = ask(fact("met", "2026-01-05T09:00Z"), company="New Works", employments=jobs)
        assert (found.company_then, found.company_now) == ("Old Works", "New Works")
        assert "worked at Old Works then, New Works now" in str(found)

    @pytest.mark.parametrize(
        ("day", "company"),
        [("2019-12-31", None), ("2020-01-01", "A"), ("2020-06-30", "A"), ("2020-07-01", None)],
    )
    def test_employments_are_bounded_by_their_days(self, day, company):
        """The first and the last day count, outside nobody knows."""
        job = Employment(company="A", since="2020-01-01", until="2020-06-30")
        assert ask(fact("met", f"{day}T09:00Z"), employments=[job]).company_then == company

    def test_what_the_fact_says_of_the_company_counts_first(self):
        """A stated company needs no employment; a wrong one falls back to them."""
        job = Employment(company="A")
        stated = fact("met", "2026-01-05T09:00Z", properties={"company": "B"})
        odd = fact("met", "2026-01-05T09:00Z", properties={"company": 7})
        found = [ask(each, employments=[job]).company_then for each in (stated, odd)]
        assert found == ["B", "A"]
        assert "worked at B then, unknown now" in str(ask(stated))

    def test_the_same_company_is_said_once(self):
        """Who stayed works there."""
        job = Employment(company="A")
        found = ask(fact("met", "2026-01-05T09:00Z"), company="A", employments=[job])
        assert str(found) == "last spoke 2026-01-05 (met); works at A"

    def test_what_they_said_is_the_newest_that_was_noted(self):
        """A stated sentence or else an outcome, from the newest conversation that has one."""
        facts = [
            fact("called", "2026-01-05T09:00Z", properties={"said": "after the summer"}),
            fact("replied", "2026-01-06T09:00Z", outcome="later"),
            fact("met", "2026-01-07T09:00Z", properties={"said": 7}),
        ]
        assert ask(*facts).said == "later"
        assert str(ask(facts[0])) == "last spoke 2026-01-05 (called); said: after the summer"
        assert ask(facts[0], facts[2]).said == "after the summer"
        assert ask(facts[2]).said is None

    def test_timing_and_roles(self):
        """Interest with its date, and every role they were in a process for, once each."""
        found = ask(
            fact("applied", "2025-01-05T09:00Z", role_id="r1"),
            fact("rejected", "2025-02-05T09:00Z", role_id="r1"),
            fact("interviewed", "2025-03-05T09:00Z", role_id="r2"),
            fact("screened", "2025-03-06T09:00Z"),
            interest="later",
            interested_from="2026-09-01T00:00Z",
        )
        assert found.considered_for == ("r1", "r2")
        assert str(found) == "never spoke; timing: later from 2026-09-01; considered for r1, r2"
        assert str(ask(interest="not_interested")) == "never spoke; timing: not interested"

    def test_repr_holds_the_id_only(self):
        """What they said stays out of logs."""
        found = ask(
            fact("met", "2026-01-05T09:00Z", properties={"said": "canary"}), company="Canary"
        )
        assert repr(found) == "Brief(candidate_id='ada')"

    def test_a_naive_now_is_refused(self):
        """An instant without a zone is nobody's, also when there is no fact."""
        with pytest.raises(NaiveInstant):
            ask(now=datetime(2026, 1, 1))  # noqa: DTZ001
