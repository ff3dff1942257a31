"""Enrol on an occasion: who begins a cadence on purpose, who does not, and what runs beside."""

from datetime import UTC, datetime, timedelta

import attrs
import pytest

from crmkit.cadence import SEVEN_TOUCH, SILVER_MEDALIST, Playbook
from crmkit.errors import InvalidRecord, NotFound
from crmkit.model import Candidate, Interaction, Relationship
from crmkit.permission import ContactPolicy

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
BOOK = Playbook(occasions=[SILVER_MEDALIST])


def person(key, *facts, **known):
    known = {"emails": [f"{key}@x.org"]} | known
    met = Interaction(candidate_id=key, kind="met", at=NOW - 90 * DAY)
    return Relationship(Candidate(id=key, **known), [met, *facts])


def test_they_begin_and_the_log_says_so(start, store):
    """With the role that opened; and engage hands the first touch to a person at once."""
    crm = start(person("ada"), playbook=BOOK)
    found = crm.enroll(["ada"], SILVER_MEDALIST, role_id="ml-1", now=NOW)
    (run,) = found.enrolled
    assert ("ada", "silver-medalist", NOW) == (run.candidate_id, run.cadence, run.enrolled_at)
    (fact,) = crm.relationship("ada").history.of("enrolled")
    assert (run.id, "ml-1") == (fact.enrollment_id, fact.role_id)
    assert "<Enrolled in silver-medalist: 1 of 1 candidate>" == repr(found)
    assert ["reach-out"] == [task.touch for task in crm.engage(now=NOW).tasks]


def test_it_runs_beside_what_they_are_in(start, sender):
    """An occasion takes no room: the seven touches go on, and give way under the caps."""
    crm = start(person("ada"), playbook=BOOK, policy=ContactPolicy(cap=1))
    crm.engage(now=NOW)
    crm.enroll(["ada"], SILVER_MEDALIST, now=NOW + 13 * DAY)
    first, second = crm.explain("ada", now=NOW + 13 * DAY).plans
    assert {"seven-touch", "silver-medalist"} == {first.cadence.name, second.cadence.name}
    crm.engage(now=NOW + 13 * DAY)
    plans = {plan.cadence.name: plan for plan in crm.explain("ada", now=NOW + 14 * DAY).plans}
    moves = plans["seven-touch"].touches[1].moves
    assert ("at most 1 message within 7 days, with those of silver-medalist",) == moves
    assert NOW + 20 * DAY == plans["seven-touch"].touches[1].due_at


def test_once_is_enough(start, store):
    """Whoever is inside is left out; twice at one instant changes nothing."""
    crm = start(person("ada"), playbook=BOOK)
    crm.enroll(["ada"], SILVER_MEDALIST, now=NOW)
    for later in (NOW, NOW + 3 * DAY):
        again = crm.enroll(["ada", "ada"], SILVER_MEDALIST, now=later)
        assert ((), {"ada": "inside since 2026-03-02"}) == (again.enrolled, dict(again.refused))
        assert "ada: inside since 2026-03-02" in str(again)
    assert 1 == len(list(store.enrollments()))


def test_who_is_through_may_begin_anew(start, store):
    """Another role, another year."""
    crm = start(person("ada"), playbook=BOOK)
    (run,) = crm.enroll(["ada"], SILVER_MEDALIST, now=NOW).enrolled
    done = Interaction(candidate_id="ada", kind="completed", at=NOW + DAY, enrollment_id=run.id)
    crm.record([done], now=NOW + DAY)
    assert crm.enroll(["ada"], SILVER_MEDALIST, now=NOW + 200 * DAY).enrolled
    assert 2 == len(list(store.enrollments()))


def test_a_run_of_a_lost_version_keeps_them_inside(start):
    """Nobody knows how far it had come."""
    crm = start(person("ada"), playbook=BOOK)
    crm.enroll(["ada"], SILVER_MEDALIST, now=NOW)
    newer = attrs.evolve(SILVER_MEDALIST, version=2)
    crm = start(playbook=Playbook(occasions=[newer]))
    assert {"ada": "inside since 2026-03-02"} == dict(crm.enroll(["ada"], newer, now=NOW).refused)


def test_who_may_not_be_written_to_is_left_out(start):
    """With the rule; the others begin."""
    gone = Interaction(candidate_id="max", kind="unsubscribed", at=NOW - DAY)
    crm = start(person("ada"), person("max", gone), playbook=BOOK)
    found = crm.enroll(["ada", "max"], SILVER_MEDALIST, now=NOW)
    assert (["ada"], {"max": "no_basis"}) == (
        [run.candidate_id for run in found.enrolled],
        dict(found.refused),
    )


def test_on_an_error_nobody_begins(start, store):
    """An unknown person, and a cadence that the playbook does not have, or has otherwise."""
    crm = start(person("ada"), playbook=BOOK)
    with pytest.raises(NotFound):
        crm.enroll(["ada", "nobody"], SILVER_MEDALIST, now=NOW)
    with pytest.raises(InvalidRecord, match="expected a list of ids, got the text 'ada'"):
        crm.enroll("ada", SILVER_MEDALIST, now=NOW)
    with pytest.raises(NotFound):
        crm.enroll(["ada"], attrs.evolve(SILVER_MEDALIST, name="other"), now=NOW)
    with pytest.raises(NotFound, match="as it is given"):
        crm.enroll(["ada"], attrs.evolve(SEVEN_TOUCH, every=None), now=NOW)
    assert [] == list(store.enrollments())


def test_nobody_begins_what_is_kept_for_those_inside(start, store):
    """A cadence that was given up, or its old version, goes on and takes in nobody."""
    newer = attrs.evolve(SILVER_MEDALIST, version=2)
    crm = start(person("ada"), playbook=Playbook(occasions=[newer], also=[SILVER_MEDALIST]))
    with pytest.raises(InvalidRecord, match="nobody begins it"):
        crm.enroll(["ada"], SILVER_MEDALIST, now=NOW)
    assert [] == list(store.enrollments())
    assert 1 == len(crm.enroll(["ada"], newer, now=NOW).enrolled)
