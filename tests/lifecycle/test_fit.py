"""Convert: who fits, why, until when; and who is left out."""

from datetime import UTC, datetime, timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit import CRM
from crmkit.engagement import EngagementPolicy
from crmkit.errors import InvalidRecord, NaiveInstant
from crmkit.lifecycle import FitWeights, fit, shortlist
from crmkit.model import Candidate, Interaction, Relationship, Role
from crmkit.permission import ContactPolicy
from crmkit.stores import MemoryStore
from crmkit.testing import strategies as some

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
ROLE = Role(
    id="r",
    title="Engineer",
    skills=["python", "sql"],
    nice_to_have=["go"],
    seniority="senior",
    country="DE",
    city="Berlin",
)
FITTING = {"skills": ["python", "sql", "go"], "seniority": "senior", "country": "DE"}
FITTING |= {"city": "Berlin"}


def fact(who, kind, days_ago=2.0, **more):
    return Interaction(candidate_id=who, kind=kind, at=NOW - days_ago * DAY, **more)


def person(key, *facts, **known):
    return Relationship(Candidate(id=key, **known), facts)


def part(role, name, *facts, now=NOW, **known):
    """Return the line of the explanation that is about one part."""
    lines = str(fit(person("ada", *facts, **known), role, now=now).because).splitlines()
    return next(line.strip() for line in lines if line.strip().startswith(name))


class TestParts:
    @pytest.mark.parametrize(
        ("skills", "expected"),
        [
            (["python", "sql", "go"], "skills 1.00: has python, sql, go"),
            (["python", "sql"], "skills 0.80: has python, sql"),
            (["python"], "skills 0.40: has python, lacks sql"),
            (["go"], "skills 0.20: has go, lacks python, sql"),
            (["java"], "skills 0.00: has none of them, lacks python, sql"),
            ([], "skills 0.50: unknown"),
        ],
    )
    def test_skills(self, skills, expected):
        """Four fifths for what is needed, one for what is nice to have."""
        assert part(ROLE, "skills", skills=skills) == expected

    def test_a_role_may_name_no_skills(self):
        """Nothing needed, or nothing but the nice to have."""
        bare = Role(id="r", title="t")
        nice = Role(id="r", title="t", nice_to_have=["go"])
        assert part(bare, "skills", skills=["go"]) == "skills 0.50: the role names none"
        assert part(nice, "skills", skills=["go"]) == "skills 1.00: has go"

    @pytest.mark.parametrize(
        ("has", "expected"),
        [
            ("senior", "seniority 1.00: senior for senior"),
            ("lead", "seniority 0.50: lead for senior"),
            ("mid", "seniority 0.50: mid for senior"),
            ("junior", "seniority 0.00: junior for senior"),
            ("intern", "seniority 0.00: intern for senior"),
            (None, "seniority 0.50: unknown"),
        ],
    )
    def test_seniority(self, has, expected):
        """Equal is all, one level off is half, further is nothing."""
        assert part(ROLE, "seniority", seniority=has) == expected
        anyone = attrs.evolve(ROLE, seniority=None)
        assert part(anyone, "seniority", seniority=has) == "seniority 0.50: the role names none"

    @pytest.mark.parametrize(
        ("asked", "has", "expected"),
        [
            ({"remote": True, "country": "DE"}, {"country": "FR"}, "1.00: the role is remote"),
            ({"city": "Berlin"}, {"city": "BERLIN"}, "1.00: same city, BERLIN"),
            ({"city": "Berlin", "country": "DE"}, {"city": "Berlin"}, "1.00: same city, Berlin"),
            (
                {"city": "London", "country": "GB"},
                {"city": "London", "country": "CA"},
                "0.00: CA, not GB",
            ),
            ({"region": "Tyrol"}, {"region": "tyrol"}, "0.90: same region, tyrol"),
            ({"city": "Bonn", "country": "DE"}, {"country": "DE"}, "0.80: same country, DE"),
            (
                {"city": "Bonn", "country": "DE"},
                {"city": "Berlin", "country": "DE"},
                "0.80: same country, DE",
            ),
            ({"country": "DE"}, {"country": "FR"}, "0.00: FR, not DE"),
            ({"city": "Bonn"}, {"city": "Paris"}, "0.00: Paris, not Bonn"),
            ({"city": "Bonn"}, {"country": "DE"}, "0.50: unknown"),
            ({"country": "DE"}, {}, "0.50: unknown"),
            ({}, {"country": "DE"}, "0.50: the role names none"),
        ],
    )
    def test_place(self, asked, has, expected):
        """The narrowest place that both name; a namesake in another country is elsewhere."""
        role = Role(id="r", title="t", **asked)
        assert part(role, "place", **has) == f"place {expected}"

    @pytest.mark.parametrize(
        ("facts", "known", "expected"),
        [
            ([], {}, "0.50: unknown"),
            (["replied", "met"], {}, "1.00: hot"),
            (["replied"], {}, "0.80: warm"),
            (["sent"] * 3, {}, "0.10: cold"),
            (["replied"], {"interest": "active"}, "0.90: warm; timing active"),
            ([], {"interest": "not_interested"}, "0.25: unknown; timing not interested"),
            ([], {"interest": "later"}, "0.40: unknown; timing later"),
            (
                [],
                {"interest": "later", "interested_from": NOW + DAY},
                "0.40: unknown; timing later, from 2026-03-03",
            ),
            (
                [],
                {"interest": "later", "interested_from": NOW},
                "0.75: unknown; timing later, from 2026-03-02",
            ),
        ],
    )
    def test_relationship(self, facts, known, expected):
        """The temperature, and what they said about timing; "later" counts from its date on."""
        log = [fact("ada", kind, 2 + i / 9) for i, kind in enumerate(facts)]
        assert part(ROLE, "relationship", *log, **known) == f"relationship {expected}"

    def test_the_score_is_the_weighted_sum(self):
        """Who has all of it scores one; the weights decide."""
        log = [fact("ada", "replied"), fact("ada", "met")]
        ada = person("ada", *log, **FITTING)
        assert fit(ada, ROLE, now=NOW).score == 1
        place = FitWeights(skills=0, seniority=0, place=1, relationship=0)
        moved = person("ada", **(FITTING | {"city": "Bonn"}))
        assert fit(moved, ROLE, now=NOW, weights=place).score == 0.8

    def test_prints_and_json(self):
        """A fit says who, how well, whether they may be contacted, and why."""
        log = [fact("ada", "rejected", 100, properties={"stage": "final"})]
        found = fit(person("ada", *log, **FITTING), ROLE, now=NOW)
        lines = str(found).splitlines()
        assert lines[0] == "ada 0.93, silver medalist, not to be contacted (address)"
        assert lines[-1].strip() == (
            "silver medalist: vetted before, a short re-evaluation is enough"
        )
        assert repr(found) == "<Fit of ada to r: 0.93>"
        told = found.to_dict()
        assert (told["score"], told["silver_medalist"], told["may_contact"]) == (0.925, True, False)
        assert told["because"]["text"] == "fits 0.93"
        assert told["until"] is None
        assert "silver medalist" in found._repr_html_()

    def test_the_policies_in_force_count(self):
        """Permission and temperature are asked under the host's own policies."""
        ada = person("ada", fact("ada", "replied"), emails=["a@x.org"], **FITTING)
        strict = fit(ada, ROLE, now=NOW, policy=ContactPolicy.consent_only())
        frosty = fit(ada, ROLE, now=NOW, engagement=EngagementPolicy(warm=90, hot=99))
        plain = fit(ada, ROLE, now=NOW)
        assert (bool(plain.permission), bool(strict.permission)) == (True, False)
        assert frosty.score < plain.score
        assert plain.brief.spoke_by == "replied"

    def test_a_naive_now_is_refused(self):
        """An instant without a zone is nobody's."""
        for ask in (
            lambda now: fit(person("a"), ROLE, now=now),
            lambda now: shortlist([], ROLE, now=now),
        ):
            with pytest.raises(NaiveInstant):
                ask(datetime(2026, 1, 1))  # noqa: DTZ001


class TestWeights:
    @pytest.mark.parametrize(
        ("weights", "path"),
        [
            ({"skills": 0.9}, "weights"),
            ({"skills": -0.5}, "skills"),
            ({"place": float("nan")}, "place"),
            ({"place": "much"}, "place"),
            ({"relationship": None}, "relationship"),
        ],
    )
    def test_what_cannot_weigh_is_refused(self, weights, path):
        """Weights are numbers from 0 that add up to 1; the error names the one at fault."""
        with pytest.raises(InvalidRecord) as caught:
            FitWeights(**weights)
        assert caught.value.path == path


class TestUntil:
    def test_the_date_that_they_named(self):
        """The answer holds no longer than to the day on which they said to come back."""
        ada = person("ada", interest="later", interested_from=NOW + 30 * DAY)
        assert fit(ada, ROLE, now=NOW).until == NOW + 30 * DAY
        assert fit(ada, ROLE, now=NOW + 30 * DAY).until is None

    def test_a_fact_of_the_future_that_the_brief_shows(self):
        """A note that is dated later is not seen, and ends the answer when it comes."""
        ada = person("ada", fact("ada", "messaged", -5))
        found = fit(ada, ROLE, now=NOW)
        assert (found.until, found.brief.spoke_at) == (NOW + 5 * DAY, None)

    @given(
        some.relationships(some.candidates("ada"), max_size=8),
        some.roles(),
        st.integers(0, 10**6),
    )
    def test_until_is_sound(self, relationship, role, share):
        """At no instant from now up to `until` is the answer another one."""
        now = some.NOW
        found = fit(relationship, role, now=now)
        end = found.until or now + 900 * DAY
        assert end > now
        later = min(now + (end - now) * (share / 10**6), end - timedelta(microseconds=1))
        again = fit(relationship, role, now=later)
        assert (again.score, again.silver_medalist, again.brief) == (
            found.score,
            found.silver_medalist,
            found.brief,
        )
        assert bool(again.permission) == bool(found.permission)


class TestShortlist:
    def test_ranks_by_fit(self):
        """Each part moves somebody up."""
        people = [
            person("none", skills=["python"]),
            person("all", fact("all", "replied"), fact("all", "met"), **FITTING),
            person("cold", *[fact("cold", "sent", day) for day in (30, 20, 10)], **FITTING),
            person("far", **(FITTING | {"country": "FR"})),
            person("junior", **(FITTING | {"seniority": "junior"})),
            person("half", **(FITTING | {"skills": ["sql"]})),
        ]
        found = shortlist(people, ROLE, now=NOW)
        ranked = [each.candidate_id for each in found.fits]
        assert ranked == ["all", "cold", "far", "junior", "half", "none"]
        assert [each.score for each in found.fits] == sorted(
            (each.score for each in found.fits), reverse=True
        )

    def test_silver_medalists_are_first_among_equals(self):
        """Of two who fit alike the one who was vetted comes first, and is marked."""
        final = fact("zoe", "rejected", 400, properties={"stage": "final"})
        people = [person("ada", **FITTING), person("zoe", final, **FITTING)]
        found = shortlist(people, ROLE, now=NOW)
        assert [(each.candidate_id, each.silver_medalist) for each in found.fits] == [
            ("zoe", True),
            ("ada", False),
        ]
        assert found.fits[0].score == found.fits[1].score

    def test_a_medal_does_not_beat_a_better_fit(self):
        """Vetted or not, the fit decides first."""
        final = fact("zoe", "rejected", 400, properties={"stage": "final"})
        people = [person("zoe", final, **(FITTING | {"country": "FR"})), person("a", **FITTING)]
        assert [each.candidate_id for each in shortlist(people, ROLE, now=NOW).fits] == ["a", "zoe"]

    @given(
        people=st.permutations(
            [
                *(person(f"p{i}", fact(f"p{i}", "captured", i), **FITTING) for i in range(5)),
                person("x", fact("x", "captured", 1), skills=["python"]),
                person("y", fact("y", "captured", 700), skills=["sql"]),
            ]
        ),
        days=st.lists(st.integers(0, 700), min_size=7, max_size=7),
    )
    def test_never_by_who_was_added_last(self, people, days):
        """Neither the order of the pool nor the day of capture moves anybody."""
        moved = [
            Relationship(each.candidate, [fact(each.id, "captured", day)])
            for each, day in zip(people, days, strict=True)
        ]
        ranked = [each.candidate_id for each in shortlist(moved, ROLE, now=NOW).fits]
        assert ranked == ["p0", "p1", "p2", "p3", "p4", "x", "y"]

    def test_says_who_was_left_out_and_why(self):
        """People whom nobody should call for this role are counted by the reason."""
        people = [
            person("erased", erased=True),
            person("wish", do_not_contact=True),
            person("works", fact("works", "hired")),
            person("process", fact("process", "applied", role_id="r")),
            person("other", fact("other", "applied", role_id="another"), **FITTING),
            person("java", skills=["java"]),
            person("unknown"),
        ]
        found = shortlist(people, ROLE, now=NOW)
        assert [each.candidate_id for each in found.fits] == ["other", "unknown"]
        assert (found.considered, len(found)) == (7, 2)
        assert dict(found.left_out) == {
            "asked not to be contacted": 2,
            "has none of the skills": 1,
            "in a process for this role": 1,
            "works here": 1,
        }
        assert str(found).splitlines()[-1] == "left out, works here: 1"
        assert "not to be contacted (in_process)" not in str(found.fits[1])

    def test_facts_of_the_future_leave_nobody_out(self):
        """Who will be hired is not hired yet."""
        found = shortlist([person("a", fact("a", "hired", -3))], ROLE, now=NOW)
        assert len(found) == 1

    def test_the_limit_keeps_the_best(self):
        """All are considered, the best are kept; a limit of nobody is a mistake."""
        people = [person(f"p{i}", **FITTING) for i in range(9)]
        found = shortlist(people, ROLE, now=NOW, limit=2)
        assert (found.considered, [each.candidate_id for each in found.fits]) == (9, ["p0", "p1"])
        with pytest.raises(InvalidRecord, match="limit"):
            shortlist(people, ROLE, now=NOW, limit=0)

    def test_prints_without_names(self):
        """Text and HTML have ids and reasons, escaped, and no personal data."""
        odd = Role(id="r", title="<b>Engineer</b>", skills=["python"])
        known = {"name": "Canary", "emails": ["canary@x.org"], "company": "Canary"}
        met = fact("<i>", "met", properties={"said": "canary"})
        found = shortlist([person("<i>", met, skills=["python"], **known)], odd, now=NOW)
        html = found._repr_html_()
        assert "<b>" not in html
        assert "<i>" not in html
        texts = [html, str(found), repr(found), repr(found.fits), found.fits[0]._repr_html_()]
        assert not [text for text in texts if "canary" in text.lower()]
        assert repr(found) == "<Shortlist for r: 1 of 1>"


class TestConvert:
    def test_keeps_the_role_and_changes_nothing_twice(self, store, dump):
        """The role is stored; asking again gives the same answer and the same store."""
        crm = CRM(store)
        crm.capture_all([person("ada", **FITTING), person("bob")])
        first = crm.convert(ROLE, now=NOW)
        before = dump(store)
        assert crm.convert(ROLE, now=NOW) == first
        assert (dump(store), before["roles"]) == (before, [ROLE])
        assert crm.role("r") == ROLE

    def test_passes_on_limit_weights_and_policies(self):
        """The options of the facade reach the ranking."""
        crm = CRM(MemoryStore(), policy=ContactPolicy.consent_only())
        crm.capture_all([person(key, emails=[f"{key}@x"], **FITTING) for key in "abc"])
        weights = FitWeights(skills=0, seniority=1, place=0, relationship=0)
        found = crm.convert(ROLE, now=NOW, limit=2, weights=weights)
        assert [each.score for each in found.fits] == [1, 1]
        assert not found.fits[0].permission
