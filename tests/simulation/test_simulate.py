"""A pool lives through cadences: the planner decides, people answer, nothing else interferes."""

import sys
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from types import ModuleType

import attrs
import pytest

from crmkit.cadence import QUARTERLY, SEVEN_TOUCH, Cadence, Enrollment, Touch, plan
from crmkit.datasets import simulate_people
from crmkit.errors import InvalidRecord
from crmkit.model import Interaction, Relationship
from crmkit.permission import ContactPolicy, Hours, SendWindow
from crmkit.simulation import Behaviour, simulate

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
OFTEN = Cadence(
    name="often",
    touches=[Touch(key=f"t{week}", week=week, purpose="news", level=2) for week in range(40)],
)
BY_HAND = Cadence(
    name="by hand",
    touches=[
        Touch(key="call", week=0, purpose="hello", level=5, channel="phone"),
        Touch(key="lunch", week=2, purpose="meet", level=5, channel="in_person"),
        Touch(key="note", week=4, purpose="write", level=5),
    ],
)


def run(people, cadences, behaviour, weeks=52, **more):
    return simulate(people, cadences, start=START, weeks=weeks, behaviour=behaviour, **more)


def rows_of(found, state=None):
    return [row for row in found.rows() if state is None or row["state"] == state]


class TestThePlannerDecides:
    def test_where_nobody_answers_all_goes_as_planned(self, neutral, silent):
        """Every e-mail goes on the day of a plan that knows the messages before it."""
        [person] = neutral(1)
        found = run([person], SEVEN_TOUCH, silent(tasks_within=timedelta(0)), weeks=70)
        run_of = Enrollment(candidate_id="p0", cadence="seven-touch", enrolled_at=START)
        facts = []
        for row in found.rows():
            known = Relationship(person.candidate, [*person.history, *facts])
            calendar = plan(SEVEN_TOUCH, known, enrollment=run_of, now=row["due_at"])
            planned = calendar.due[0]
            assert planned.key == (row["touch"], row["rotation"])
            assert planned.due_at == row["due_at"]
            facts.append(
                Interaction(
                    candidate_id="p0",
                    kind="messaged" if row["by_hand"] else "sent",
                    at=row["sent_at"],
                    channel=row["channel"],
                    enrollment_id=run_of.id,
                    touch=row["touch"],
                    rotation=row["rotation"],
                )
            )
        assert [touch.key for touch in SEVEN_TOUCH.touches] == [
            row["touch"] for row in found.rows()[:7]
        ]

    def test_silence_cools_stretches_and_archives(self, neutral, silent):
        """Temperatures, factors and the end are the pace's: seven messages and no answer."""
        found = run(neutral(1), OFTEN, silent())
        heat = [row["temperature"] for row in found.rows()]
        assert ["unknown", "unknown", "cooling", "cold", "cold", "cold", "cold"] == heat
        assert [1.0, 1.0, 1.25, 1.5, 1.5, 1.5, 1.5] == [row["factor"] for row in found.rows()]
        [person] = found.people()
        assert ("archived", True, 7) == (person["status"], person["archived"], person["messages"])

    def test_pressure_is_what_was_sent_before(self, neutral, silent):
        """Weekly messages, each felt for four weeks; the rest falls out of the window."""
        flat = attrs.evolve(OFTEN.pace, cooling=1, cold=1, archive_after=99)
        weekly = attrs.evolve(OFTEN, pace=flat)
        person = neutral(1, timezone="UTC")
        found = run(person, weekly, silent(pressure_weeks=4), weeks=8)
        assert [0, 1, 2, 3, 3, 3, 3, 3] == [row["pressure"] for row in found.rows()]

    def test_the_gap_and_the_cap_hold_under_everything(self):
        """With answers of all kinds, no two e-mails are nearer than the least gap."""
        pool = simulate_people(30, seed=3, at=START)
        busy = Behaviour(auto_replies=0.3, replies=[0.3], applies=0.05, re_engages=0.05)
        found = run(pool, [SEVEN_TOUCH, QUARTERLY], busy, weeks=104)
        sent = {}
        for row in found.rows():
            if row["sent_at"] and not row["by_hand"]:
                sent.setdefault((row["candidate_id"], row["cadence"]), []).append(row["sent_at"])
        gaps = [later - sooner for times in sent.values() for sooner, later in pairwise(times)]
        assert len(gaps) > 150
        assert min(gaps) >= SEVEN_TOUCH.pace.least_gap - timedelta(hours=1)  # clocks may change

    def test_several_cadences_share_the_cap(self, neutral, silent):
        """Of three that all begin at once, one waits until the cap of two in a week allows."""
        one, two, three = (
            Cadence(name=name, touches=[Touch(key="t", week=0, purpose="p", level=2)])
            for name in ("one", "two", "three")
        )
        found = run(neutral(1), [one, two, three], silent(), weeks=4)
        days = {row["cadence"]: (row["sent_at"] - START) // DAY for row in found.rows()}
        assert {"one": 0, "two": 0, "three": 7} == days
        assert "one + two + three" == found.name

    def test_each_person_may_have_cadences_of_their_own(self, neutral, silent):
        """A function chooses; whom it gives nothing is not enrolled, and no rule is against it."""

        def choose(person):
            return {"p0": [QUARTERLY], "p1": [SEVEN_TOUCH]}.get(person.id, [])

        found = run(neutral(3), choose, silent(), weeks=1)
        assert [("p0", "quarterly"), ("p1", "seven-touch")] == [
            (row["candidate_id"], row["cadence"]) for row in found.rows()
        ]
        assert [True, True, False] == [person["enrolled"] for person in found.people()]
        assert {} == found.not_enrolled

    def test_hours_are_the_policys(self, neutral, silent):
        """What falls on a closed day goes on the next open one."""
        policy = ContactPolicy(
            hours=Hours(windows={"email": SendWindow(start="08:00", end="18:00")})
        )
        late = datetime(2026, 3, 2, 22, tzinfo=UTC)
        found = simulate(
            neutral(1), SEVEN_TOUCH, start=late, weeks=1, behaviour=silent(), policy=policy
        )
        assert [datetime(2026, 3, 3, 8, tzinfo=UTC)] == [row["sent_at"] for row in found.rows()]


class TestWhatPeopleDo:
    def test_opens_and_clicks_are_of_what_was_sent(self, neutral, silent):
        """Everybody opens and clicks; what a person did by hand is not seen to be opened."""
        found = run(neutral(2), SEVEN_TOUCH, silent(readers=1, opens=1, clicks=1))
        for row in rows_of(found, "sent"):
            assert row["sent_at"] < row["opened_at"] <= row["sent_at"] + 2 * DAY
            assert row["opened_at"] < row["clicked_at"]
        assert [None] == list({row["opened_at"] for row in rows_of(found, "done")})
        assert all(person["opens"] == person["mailed"] for person in found.people())

    def test_opening_everything_hastens(self, neutral, silent):
        """Three in a row, by people: the planner's eager rate. By machines: nothing."""
        eager = run(neutral(1), SEVEN_TOUCH, silent(readers=1, opens=1))
        machines = run(neutral(1), SEVEN_TOUCH, silent(machine_opens=1, scanner_clicks=1))
        nobody = run(neutral(1), SEVEN_TOUCH, silent())
        due = [[row["due_at"] for row in found.rows()] for found in (eager, machines, nobody)]
        assert due[1] == due[2]
        assert due[0][4] < due[2][4]
        assert [0, 0] == [machines.people()[0][key] for key in ("opens", "clicks")]

    def test_a_reply_waits_for_the_recruiter(self, neutral, silent):
        """Nothing goes between a reply and its answer, and then it goes on."""
        slow = silent(replies=[1, 0], positive=1, answered_within=timedelta(days=20))
        found = run(neutral(5), SEVEN_TOUCH, slow)
        for person in found.people():
            assert 1 == person["replies"]
            assert 0 < person["first_reply_days"] < 5
            assert person["messages"] > 3
        waited = [row["sent_at"] - START for row in found.rows() if row["touch"] == "value"]
        assert max(waited) > 2 * WEEK

    def test_ask_me_later_is_later(self, neutral, silent):
        """Who replies "in six months" hears nothing until then, and no recruiter writes."""
        found = run(neutral(2), SEVEN_TOUCH, silent(replies=[1, 0], later=1))
        first, second = rows_of(found)[:2]
        assert second["sent_at"] >= first["replied_at"] + 26 * WEEK

    def test_away_waits_for_their_return(self, neutral, silent):
        """An automatic reply with a date puts the next touch off and is no reply."""
        away = silent(auto_replies=1, away_within=timedelta(days=30))
        found = run(neutral(3), SEVEN_TOUCH, away, weeks=20)
        plain = run(neutral(3), SEVEN_TOUCH, silent(), weeks=20)
        assert (
            sum(
                row["due_at"] > same["due_at"]
                for row, same in zip(rows_of(found), rows_of(plain), strict=False)
            )
            > 3
        )
        assert [0, 0, 0] == [person["replies"] for person in found.people()]

    @pytest.mark.parametrize("what", ["unsubscribes", "complaints"])
    def test_who_leaves_hears_nothing_more(self, neutral, silent, what):
        """One message, then the end."""
        found = run(neutral(2), SEVEN_TOUCH, silent(**{what: 1}))
        assert [("ended", 1, True)] * 2 == [
            (person["status"], person["messages"], person["unsubscribed"])
            for person in found.people()
        ]
        assert all(row["unsubscribed_at"] for row in found.rows())

    def test_a_dead_address_is_refused_from_then_on(self, neutral, silent):
        """The touches that fall due are rows with the rule against them."""
        found = run(neutral(1), SEVEN_TOUCH, silent(bounces=1, opens=1, readers=1))
        first, *rest = found.rows()
        assert ("sent", None) == (first["state"], first["opened_at"])
        assert first["bounced_at"] > first["sent_at"]
        assert [("refused", "address", None)] * len(rest) == [
            (row["state"], row["rule"], row["sent_at"]) for row in rest
        ]
        assert len(rest) > 3

    def test_an_application_converts_and_its_end_resumes(self, neutral, silent):
        """Rejected after six weeks; in between nothing is sent, and then it goes on."""
        found = run(neutral(2), SEVEN_TOUCH, silent(applies=1))
        for row, after in zip(found.rows(), found.rows()[1:], strict=False):
            if row["candidate_id"] == after["candidate_id"] and row["applied_at"]:
                assert row["clicked_at"] or row["by_hand"]
                assert after["sent_at"] >= row["applied_at"] + 6 * WEEK
        assert all(person["applied"] and not person["hired"] for person in found.people())
        assert min(person["messages"] for person in found.people()) > 2

    def test_the_hired_are_done(self, neutral, silent):
        """Nobody nurtures a colleague."""
        found = run(neutral(2), SEVEN_TOUCH, silent(applies=1, hired=1))
        assert [("converted", 1, True)] * 2 == [
            (person["status"], person["messages"], person["hired"]) for person in found.people()
        ]

    def test_who_withdraws_goes_on_as_who_is_rejected(self, neutral, silent):
        """Either end of a process sets the cadence going again."""
        ends = [
            run(neutral(1), SEVEN_TOUCH, silent(applies=1, withdrew=share)).rows()
            for share in (0, 1)
        ]
        assert ends[0] == ends[1]

    def test_a_second_application_waits_for_the_end_of_the_first(self, neutral, silent):
        """Two cadences, both answered by applying: one process at a time."""
        found = run(neutral(3), [SEVEN_TOUCH, QUARTERLY], silent(applies=1), weeks=6)
        assert [1, 1, 1] == list(
            Counter(row["candidate_id"] for row in found.rows() if row["applied_at"]).values()
        )

    def test_the_archived_may_come_back(self, neutral, silent):
        """A visit of theirs sets the archived going again."""
        gone = run(neutral(1), OFTEN, silent())
        back = run(neutral(1), OFTEN, silent(re_engages=1))
        assert back.people()[0]["messages"] > gone.people()[0]["messages"] == 7

    def test_people_like_what_level_and_pressure_make_them(self, neutral, silent):
        """A level that halves the chance and one that doubles it; fatigue takes the rest."""
        base = {"readers": 1, "opens": 0.4, "opens_within": DAY}
        plain = run(neutral(40), OFTEN, silent(**base), weeks=20)
        liked = run(neutral(40), OFTEN, silent(**base, levels={2: 2}), weeks=20)
        tired = run(neutral(40), OFTEN, silent(**base, fatigue=0, bearable=0), weeks=20)
        rates = [found.summary()["opened"]["value"] for found in (plain, liked, tired)]
        assert [0.4, 0.8] == pytest.approx(rates[:2], abs=0.05)
        assert rates[2] < 0.15

    def test_pressure_drives_people_away(self, neutral, silent):
        """With annoyance more leave than without."""
        calm = run(neutral(60), OFTEN, silent(unsubscribes=0.02, annoyance=1), weeks=20)
        cross = run(neutral(60), OFTEN, silent(unsubscribes=0.02, annoyance=3), weeks=20)
        left = [found.summary()["unsubscribed"]["value"] for found in (calm, cross)]
        assert left[0] < left[1]


class TestTasks:
    def test_a_recruiter_does_them_in_time(self, neutral, silent):
        """Called, met and written to: within four days, and the planner knows."""
        found = run(neutral(4, phones=["+44 20 7946 0018"]), BY_HAND, silent())
        assert {"done"} == {row["state"] for row in found.rows()}
        late = [row["sent_at"] - row["due_at"] for row in found.rows()]
        assert timedelta(0) < min(late) <= max(late) <= 4 * DAY
        assert ["completed"] * 4 == [person["status"] for person in found.people()]
        assert [(3, 3, 0)] * 4 == [
            (person["messages"], person["tasks"], person["mailed"]) for person in found.people()
        ]

    def test_what_nobody_does_stays_undone(self, neutral, silent):
        """The cadence goes on without it, once its deadline has passed."""
        found = run(neutral(1), SEVEN_TOUCH, silent(tasks_done=0))
        undone = rows_of(found, "undone")
        assert ["check-in"] == [row["touch"] for row in undone]
        assert len(rows_of(found, "sent")) > 4

    def test_what_is_still_to_be_done_at_the_end_is_due(self, neutral, silent):
        """Its deadline is to come: nobody can say yet that it was left undone."""
        found = run(neutral(1), SEVEN_TOUCH, silent(tasks_done=0), weeks=17)
        assert ("check-in", "due") == tuple(found.rows()[-1][key] for key in ("touch", "state"))

    def test_what_is_too_late_is_not_done(self, neutral, silent):
        """A recruiter who may need four weeks misses the deadline of two half of the time."""
        people = neutral(50, phones=["+44 20 7946 0018"])
        found = run(people, BY_HAND, silent(tasks_within=4 * WEEK))
        states = Counter(row["state"] for row in found.rows())
        assert {"done", "undone"} == states.keys()
        assert 75 == pytest.approx(states["undone"], abs=20)
        late = [row["sent_at"] - row["due_at"] for row in rows_of(found, "done")]
        assert max(late) < 2 * WEEK


class TestWhoIsIn:
    def test_who_may_not_be_contacted_is_counted_with_the_rule(self, neutral, silent):
        """Marked do-not-contact, or without an address: not enrolled, and said why."""
        free, barred = neutral(2)
        barred = Relationship(attrs.evolve(barred.candidate, do_not_contact=True), barred.history)
        mute = neutral(3, emails=[])[2]
        found = run([free, barred, mute], SEVEN_TOUCH, silent())
        assert {"address": 1, "do_not_contact": 1} == dict(found.not_enrolled)
        assert [None, "do_not_contact", "address"] == [each["rule"] for each in found.people()]
        assert 1 == found.summary()["messages"]["denominator"]
        assert "not enrolled, do not contact: 1" in str(found)

    def test_a_fallback_channel_lets_them_in(self, neutral, silent):
        """Without an e-mail address, but with a phone that the touch may fall back to."""
        touch = Touch(key="t", week=0, purpose="p", level=5, fallback=["phone"])
        person = neutral(1, emails=[], phones=["+44 20 7946 0018"])
        found = run(person, Cadence(name="c", touches=[touch]), silent(), weeks=2)
        assert [("phone", "done")] == [(row["channel"], row["state"]) for row in found.rows()]

    def test_facts_after_the_start_have_not_happened(self, neutral, silent):
        """A log that goes on is cut at the start."""
        [person] = neutral(1)
        later = Interaction(candidate_id="p0", kind="unsubscribed", at=START + DAY)
        grown = Relationship(person.candidate, person.history | [later])
        pools = [run([each], SEVEN_TOUCH, silent()) for each in (person, grown)]
        assert pools[0].rows() == pools[1].rows()
        assert pools[0].pool == pools[1].pool

    def test_nobody_is_fine(self, silent):
        """An empty pool makes empty tables."""
        found = run([], SEVEN_TOUCH, silent())
        assert ([], []) == (found.rows(), found.people())
        assert None is found.summary()["opened"]["value"]
        assert "e-mails opened" in str(found)


class TestCommonLuck:
    def test_neither_order_nor_workers_matter(self):
        """One process or two, forwards or backwards: the same rows."""
        pool = simulate_people(80, seed=5, at=START)
        one = simulate(pool, SEVEN_TOUCH, start=START, weeks=40)
        two = simulate(pool, SEVEN_TOUCH, start=START, weeks=40, workers=2)
        back = simulate(pool[::-1], SEVEN_TOUCH, start=START, weeks=40)
        assert one.rows() == two.rows()
        assert one.people() == two.people() == back.people()[::-1]

    def test_another_cadence_meets_the_same_luck(self, neutral):
        """The first message fares the same, whatever comes after it."""
        shared = SEVEN_TOUCH.touches[0]
        short = Cadence(name="short", touches=[shared])
        fates = []
        for cadence in (SEVEN_TOUCH, short):
            rows = run(neutral(200), cadence, Behaviour(), weeks=3).rows()
            fates.append(
                [
                    (row["candidate_id"], row["opened_at"], row["replied_at"], row["applied_at"])
                    for row in rows
                    if row["touch"] == shared.key
                ]
            )
        assert fates[0] == fates[1]
        assert any(opened for _, opened, _, _ in fates[0])

    def test_another_seed_is_another_luck(self, neutral):
        """Two seeds, two stories."""
        seeds = [run(neutral(50), SEVEN_TOUCH, Behaviour(), seed=seed).rows() for seed in (1, 2)]
        assert seeds[0] != seeds[1]


def test_the_defaults_land_where_the_field_does(neutral):
    """A neutral pool over a year: opens 20–35 %, applications 5–15 %, and answers as measured.

    32 % answer over four messages (Gem); half of the answers come after the first, 85 % by the
    second (Lever).
    """
    found = simulate(neutral(2000), SEVEN_TOUCH, start=START, weeks=52)
    summary = found.summary()
    assert 0.20 <= summary["opened"]["value"] <= 0.35
    assert 0.05 <= summary["applied"]["value"] <= 0.15
    places, answered = Counter(), Counter()
    for row in found.rows():
        if row["sent_at"]:
            places[row["candidate_id"]] += 1
            if row["replied_at"]:
                answered.setdefault(row["candidate_id"], places[row["candidate_id"]])
    first = Counter(answered.values())
    over_four = sum(first[place] for place in range(1, 5))
    assert 0.32 == pytest.approx(over_four / 2000, abs=0.04)
    assert 0.50 == pytest.approx(first[1] / over_four, abs=0.08)
    assert 0.85 == pytest.approx((first[1] + first[2]) / over_four, abs=0.05)


class TestProgress:
    def test_it_is_told_how_many_are_done(self, neutral, silent):
        """In steps, up to all of them."""
        told = []
        run(neutral(120), SEVEN_TOUCH, silent(), weeks=1, progress=lambda *now: told.append(now))
        assert [(50, 120), (100, 120), (120, 120)] == told

    def test_a_bar_is_at_hand(self, neutral, silent, capsys):
        """`progress=True` draws it on standard error, terminal or not, and clears it."""
        run(neutral(3), SEVEN_TOUCH, silent(), weeks=1, progress=True)
        assert "3 of 3" in capsys.readouterr().err


class _Calendar:
    def __contains__(self, day):
        return day == date(2026, 12, 25)


class _Stubborn(_Calendar):
    def __reduce__(self):
        raise TypeError("not me")


class TestBadInput:
    @pytest.mark.parametrize(
        ("changes", "path"),
        [
            ({"weeks": 0}, "weeks"),
            ({"start": datetime(9999, 1, 1, tzinfo=UTC), "weeks": 60}, "weeks"),
            ({"weeks": 2.5}, "weeks"),
            ({"seed": "lucky"}, "seed"),
            ({"workers": 0}, "workers"),
            ({"start": datetime(2026, 3, 2)}, "start"),  # noqa: DTZ001 - naive on purpose
            ({"behaviour": lambda: 1}, "behaviour"),
            ({"policy": "strict"}, "policy"),
            ({"engagement": 3}, "engagement"),
            ({"cadences": []}, "cadences"),
            ({"cadences": "seven-touch"}, "cadences"),
            ({"cadences": [SEVEN_TOUCH, 7]}, "cadences[1]"),
            ({"cadences": [SEVEN_TOUCH, SEVEN_TOUCH]}, "cadences[1].name"),
            ({"cadences": lambda _: SEVEN_TOUCH}, "cadences(people[0])"),
            ({"label": lambda _: ""}, "label(people[0])"),
            ({"people": ["ada"]}, "people[0]"),
        ],
    )
    def test_what_cannot_be_is_refused_where_it_stands(self, neutral, changes, path):
        """The path leads to the argument, or to the person for whom a function misanswered."""
        arguments = {"people": neutral(1), "cadences": SEVEN_TOUCH, "start": START, **changes}
        with pytest.raises(InvalidRecord) as caught:
            simulate(**arguments)
        assert path == caught.value.path

    def test_nobody_is_in_the_pool_twice(self, neutral):
        """Their luck would be the same, and every count wrong."""
        with pytest.raises(InvalidRecord, match="'p0' is there already") as caught:
            simulate([*neutral(1), *neutral(1)], SEVEN_TOUCH, start=START)
        assert "people[1].id" == caught.value.path

    def test_functions_need_not_reach_other_processes(self, neutral, silent):
        """Lambdas that choose and label are asked before anything is sent to a worker."""
        found = run(
            neutral(60),
            lambda _: [QUARTERLY],
            silent(),
            weeks=1,
            label=lambda person: person.id[-1],
            workers=2,
        )
        assert {str(digit) for digit in range(10)} == set(found.labels)

    def test_what_cannot_be_sent_to_a_worker_is_an_error(self, neutral):
        """A calendar of holidays that cannot be pickled."""
        policy = ContactPolicy(hours=Hours(holidays={"GB": _Stubborn()}))
        with pytest.raises(InvalidRecord, match="not me") as caught:
            simulate(neutral(60), SEVEN_TOUCH, start=START, policy=policy, workers=2)
        assert "policy" == caught.value.path

    def test_what_no_worker_finds_is_an_error_that_says_what_to_do(self, neutral, monkeypatch):
        """A class that only this process has, as one from a notebook's cell."""
        nowhere = ModuleType("nowhere")
        nowhere.Calendar = type("Calendar", (_Calendar,), {"__module__": "nowhere"})
        monkeypatch.setitem(sys.modules, "nowhere", nowhere)
        policy = ContactPolicy(hours=Hours(holidays={"GB": nowhere.Calendar()}))
        with pytest.raises(InvalidRecord, match="in a module; or take workers=1") as caught:
            simulate(neutral(60), SEVEN_TOUCH, start=START, policy=policy, workers=2)
        assert "workers" == caught.value.path
