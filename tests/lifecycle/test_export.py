"""Export: a person's everything, as JSON."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from crmkit.cadence import Enrollment, TouchRecord
from crmkit.codec import from_dict
from crmkit.errors import NotFound
from crmkit.model import Candidate, Consent, Interaction, Relationship
from crmkit.segmentation import Membership, Transition

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
ADA = Candidate(id="ada", name="Ada", emails=["ada@example.org"], company="Analytical Engines")


def fact(who, kind, day=-1.0, **more):
    return Interaction(candidate_id=who, kind=kind, at=NOW + day * DAY, **more)


@pytest.fixture
def crm(start):
    crm = start(
        Relationship(
            ADA, [fact("ada", "sourced", -40), fact("ada", "replied", outcome="positive")]
        ),
        Relationship(
            Candidate(id="old", emails=["old@example.org"]),
            [fact("old", "met", -9, properties={"said": "later"})],
        ),
        Relationship(Candidate(id="bob", emails=["bob@example.org"]), [fact("bob", "met")]),
    )
    crm.segment(now=NOW)
    crm.engage(now=NOW)
    crm.merge("ada", "old", now=NOW)
    crm.suppress(["old@example.org"], now=NOW)
    crm.record([Consent(at=NOW - DAY, wording="7").given_by("old")], now=NOW)
    return crm


def test_it_is_json(crm):
    """What is read back is what was written."""
    found = crm.export("ada", now=NOW)
    assert json.loads(json.dumps(found)) == found


def test_it_is_everything(crm, store):
    """Every record that a store keeps of the person, also under a merged id; nothing of others."""
    found, ids = crm.export("old", now=NOW), ["ada", "old"]
    parts = {
        "interactions": (Interaction, store.interactions(ids)),
        "memberships": (Membership, store.memberships(ids)),
        "watches": (Membership, store.watches(ids)),
        "transitions": (Transition, store.transitions(ids)),
        "enrollments": (Enrollment, store.enrollments(ids)),
        "touches": (TouchRecord, store.touches(ids)),
    }
    for part, (kind, kept) in parts.items():
        read = {from_dict(kind, each) for each in found[part]}
        assert (read, len(found[part])) == (set(kept), len(list(kept)))
    assert all(found[part] for part in parts if part != "watches")
    assert from_dict(Candidate, found["candidate"]) == crm.relationship("ada").candidate
    assert "bob" not in json.dumps(found)


def test_it_says_what_is_suppressed_and_whether_we_may_write(crm):
    """Each address with the reason; each channel with rule and reasons."""
    found = crm.export("ada", now=NOW)
    assert found["suppressions"] == [
        {"address": "old@example.org", "reason": "listed", "at": NOW.isoformat()}
    ]
    assert {channel: each["rule"] for channel, each in found["permission"].items()} == {
        "email": "cap",
        "linkedin": "address",
        "text": "address",
        "phone": "address",
    }


def test_of_the_erased_little_is_left(crm):
    """Ids and counts."""
    crm.erase("ada", now=NOW)
    found = crm.export("ada", now=NOW)
    assert found["candidate"] == {"id": "ada", "erased": True, "aliases": ["old"]}
    assert (found["suppressions"], found["memberships"]) == ([], [])
    assert found["permission"]["email"]["rule"] == "erased"


def test_somebody_unknown_is_an_error(crm):
    """There is nothing to export."""
    with pytest.raises(NotFound):
        crm.export("eve", now=NOW)
