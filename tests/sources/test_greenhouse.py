"""Reading Greenhouse candidates and webhooks."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from crmkit.errors import InvalidRecord, SourceError
from crmkit.model import Employment, open_processes
from crmkit.sources import greenhouse

DATA = Path(__file__).parent / "data"
APPLIED, ENDED = "2026-01-05T09:00:00Z", "2026-02-02T09:00:00Z"


def _sample(name, **options):
    (found,) = greenhouse.read(DATA / f"greenhouse_{name}.json", **options).relationships
    return found


def _read(tmp_path, document, **options):
    path = tmp_path / "candidates.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return greenhouse.read(path, **options)


def _application(**fields):
    return {"id": 8, "applied_at": APPLIED, "jobs": [{"id": 9, "name": "Engineer"}], **fields}


def _facts(tmp_path, *applications, **options):
    document = {"id": 7, "created_at": APPLIED, "applications": list(applications)}
    (found,) = _read(tmp_path, document, **options).relationships
    return [fact for fact in found.history if fact.kind != "captured"]


def _rejection(tmp_path, stage, reason, type_="We rejected them", **options):
    application = _application(
        rejected_at=ENDED,
        current_stage={"name": stage},
        rejection_reason={"name": reason, "type": {"name": type_}},
    )
    *_, fact = _facts(tmp_path, application, **options)
    return fact


def test_the_harvest_candidate_is_a_silver_medalist_and_in_a_process():
    """The documented sample: rejected late for one job, under way for another."""
    found = _sample("harvest_candidate")
    person = found.candidate
    assert (person.id, person.external_ids) == (
        "greenhouse-53883394",
        {"greenhouse": "53883394"},
    )
    assert (person.name, person.company) == ("John Locke", "The Tustin Box Company")
    assert person.emails == ("test@work.com", "test@example.com")
    assert person.links == ("mysite.com", "twitter.com/test")
    assert (person.owner, person.source, person.do_not_contact) == ("92120", "event", False)
    assert person.skills == ()
    assert person.custom == {
        "desired_salary": "1000000000",
        "work_remotely": True,
        "graduation_year": "2018",
        "tags": ("Python", "Ruby"),
        "greenhouse_source": "Meetups",
    }
    assert person.employments == (
        Employment(
            company="Greenhouse",
            title="Engineer",
            since=date(2012, 8, 15),
            until=date(2016, 5, 15),
        ),
    )
    assert [(fact.kind, fact.role_id) for fact in found.history] == [
        ("captured", None),
        ("applied", "299100"),
        ("applied", "149995"),
        ("rejected", "149995"),
        ("interviewed", "299100"),
    ]
    assert found.history.last("rejected").properties == {
        "role": "DevOps Engineer",
        "stage": "final",
        "stage_name": "Take Home Test",
        "reason": "Hired another candidate",
        "reason_type": "We rejected them",
    }
    assert list(open_processes(found.history)) == ["299100"]


def test_tags_can_be_skills():
    """Tags are skills when the caller says which, or all; the others stay tags."""
    some = _sample("harvest_candidate", skills_from_tags=["python"]).candidate
    assert (some.skills, some.custom["tags"]) == (("python",), ("Ruby",))
    every = _sample("harvest_candidate", skills_from_tags=True).candidate
    assert every.skills == ("python", "ruby")
    assert "tags" not in every.custom


def test_the_hire_webhook():
    """A hire is dated by the offer, and by itself says when the person came in."""
    found = _sample("webhook_hire_candidate")
    at = datetime(2014, 11, 20, 22, 49, 14, tzinfo=UTC)
    assert {(fact.kind, fact.at, fact.role_id) for fact in found.history} == {
        ("captured", at, None),
        ("hired", at, "323753"),
    }
    assert found.candidate.source == "inbound"
    assert found.candidate.custom["desired_level"] == "Senior"
    assert found.candidate.employments[0].since == date(2012, 1, 1)


def test_the_rejection_webhook_is_late_whatever_the_reason():
    """Too junior at the offer still reached the offer; the reason is kept for rules."""
    found = _sample("webhook_reject_candidate")
    properties = found.history.last("rejected").properties
    assert (properties["stage"], properties["reason"], properties["reason_type"]) == (
        "final",
        "Too Junior",
        "Wrong skill set",
    )
    assert (found.candidate.source, found.candidate.custom["greenhouse_source"]) == (
        None,
        "LinkedIn",
    )


def test_the_stage_change_webhook():
    """A new stage is the fact that it amounts to, dated by the last activity."""
    found = _sample("webhook_candidate_stage_change")
    fact = found.history.last()
    assert (fact.kind, fact.at) == ("assessed", datetime(2015, 2, 9, 16, 38, 36, tzinfo=UTC))
    assert fact.properties == {"role": "Designer", "stage": "Assessment", "approximate": True}
    assert found.candidate.custom["greenhouse_source"] == "Agency"


@pytest.mark.parametrize(
    ("stage", "reason", "expected"),
    [
        ("Onsite", "Other", "final"),
        ("OFFER", "Other", "final"),
        ("Technical Interview", "Hired another candidate", "final"),
        ("Technical Interview", "Other", "Technical Interview"),
        ("Application Review", "Hired another candidate", "Application Review"),
        ("Phone Screen", "hired another candidate", "Phone Screen"),
    ],
)
def test_late_is_the_final_stages_or_a_runner_up(tmp_path, stage, reason, expected):
    """The stage decides; losing to another counts once the person was evaluated."""
    assert _rejection(tmp_path, stage, reason).properties["stage"] == expected


def test_what_is_late_can_be_said(tmp_path):
    """The caller's stages and reasons replace the usual ones."""
    options = {"final_stages": ["panel"], "runner_up_reasons": ["Second best"]}
    assert _rejection(tmp_path, "Panel", "x", **options).properties["stage"] == "final"
    assert (
        _rejection(tmp_path, "Interview", "second best", **options).properties["stage"] == "final"
    )
    assert _rejection(tmp_path, "Offer", "x", **options).properties["stage"] == "Offer"
    with pytest.raises(InvalidRecord, match="expected a list of names, got one text"):
        _rejection(tmp_path, "Offer", "x", final_stages="Offer")


def test_who_rejected_us_withdrew(tmp_path):
    """A reason of the type "They rejected us" is a withdrawal."""
    assert _rejection(tmp_path, "Offer", "Pay", "They rejected us").kind == "withdrew"


def test_kinds_of_applications(tmp_path):
    """Prospects were sourced; hires without an offer have the last activity's instant."""
    (prospect,) = _facts(tmp_path, _application(prospect=True))
    assert (prospect.kind, prospect.role_id) == ("sourced", "9")
    *_, hired = _facts(tmp_path, _application(status="hired", last_activity_at=ENDED))
    assert (hired.kind, hired.properties["approximate"]) == ("hired", True)
    (jobless,) = _facts(tmp_path, _application(jobs=[]))
    assert jobless.role_id == "greenhouse-application-8"
    (early,) = _facts(
        tmp_path,
        _application(current_stage={"name": "Application Review"}, last_activity_at=ENDED),
    )
    assert early.kind == "applied"


def test_do_not_contact_and_gaps(tmp_path):
    """can_email false means do not contact; a job without employer and blank texts are left out."""
    document = {
        "id": "7",
        "created_at": APPLIED,
        "can_email": False,
        "email_addresses": [{"value": ""}],
        "employments": [{"company_name": None, "title": "Engineer"}],
        "custom_fields": [],
        "applications": [{"id": 1, "source": {"public_name": "Referral"}}],
    }
    (found,) = _read(tmp_path, document).relationships
    assert (found.candidate.do_not_contact, found.candidate.emails) == (True, ())
    assert (found.candidate.employments, found.candidate.source) == ((), "referral")


@pytest.mark.parametrize(
    ("document", "path", "problem"),
    [
        ([], None, "is an empty list; expected candidates"),
        (3, None, "expected an object, got int"),
        ({"message": "Resource not found"}, "id", "expected a candidate's id, got nothing"),
        ({"id": 7}, "created_at", "expected when the record was made, got nothing"),
        ({"id": 7, "created_at": "soon"}, "created_at", "expected an ISO 8601 instant"),
        ({"id": 7, "created_at": "2026-01-05T09:00:00"}, "created_at", "has no time zone"),
        (
            {"action": "ping", "payload": {"web_hook_id": 1}},
            "payload",
            "a webhook 'ping' tells of no candidate",
        ),
        (
            [{"id": 7, "created_at": APPLIED, "email_addresses": [{"value": "nobody"}]}],
            "[0].email_addresses[0].value",
            "expected an e-mail address",
        ),
        (
            {"id": 7, "created_at": APPLIED, "can_email": "yes"},
            "can_email",
            "expected true or false, got str",
        ),
        (
            {
                "id": 7,
                "created_at": APPLIED,
                "employments": [{"company_name": "A", "start_date": "13/32/2012"}],
            },
            "employments[0].start_date",
            "expected a date",
        ),
        (
            {"id": 7, "created_at": APPLIED, "applications": [{"id": 8, "status": "hired"}]},
            "applications[0].last_activity_at",
            "expected when it was, got nothing",
        ),
        (
            [{"id": 7, "created_at": APPLIED}, {"id": 7, "created_at": APPLIED}],
            "id",
            "'greenhouse-7' is a duplicate: it is there already, at [0]",
        ),
    ],
)
def test_a_faulty_document_names_the_path(tmp_path, document, path, problem):
    """Each fault is a SourceError with the path in the document."""
    with pytest.raises(SourceError) as caught:
        _read(tmp_path, document)
    assert caught.value.path == path
    assert problem in caught.value.problem


def test_collect_keeps_the_good_candidates(tmp_path):
    """Faulty candidates come back with path, reason and content; progress counts them."""
    good, bad = {"id": 7, "created_at": APPLIED}, {"id": True}
    calls = []
    imported = _read(
        tmp_path, [good, bad], on_error="collect", progress=lambda *step: calls.append(step)
    )
    assert [found.id for found in imported.relationships] == ["greenhouse-7"]
    (rejected,) = imported.rejected
    assert (rejected.path, rejected.reason, rejected.raw) == (
        "[1].id",
        "expected text, got bool",
        bad,
    )
    assert calls == [(1, 2), (2, 2)]


def test_a_document_cut_in_half_is_told_by_line_and_column(tmp_path):
    """A truncated download names where it stops, in either mode."""
    path = tmp_path / "half.json"
    text = (DATA / "greenhouse_harvest_candidate.json").read_text(encoding="utf-8")
    path.write_text(text[: len(text) // 2], encoding="utf-8")
    with pytest.raises(SourceError, match=r"at line \d+, column \d+"):
        greenhouse.read(path, on_error="collect")
