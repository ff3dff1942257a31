import pickle
from datetime import UTC, datetime

import pytest
from hypothesis import given

from crmkit.errors import InvalidRecord
from crmkit.model import NURTURE, Consent, Interaction
from crmkit.testing import strategies

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)


@given(strategies.consents(), strategies.ids())
def test_consent_comes_back_from_the_log(consent, candidate_id):
    """Put into the log and read again, purpose, wording, time, source and end are the same."""
    fact = consent.given_by(candidate_id)
    assert (fact.candidate_id, fact.kind, fact.at) == (candidate_id, "consented", consent.at)
    assert Consent.of(fact) == consent
    assert Consent.of(pickle.loads(pickle.dumps(fact))) == consent


@given(strategies.consents())
def test_what_is_unknown_is_left_out(consent):
    """The fact has no empty properties, so a consent without wording has one id however typed."""
    assert None not in consent.given_by("ada").properties.values()


def test_a_fact_of_a_host_is_read_too():
    """An imported fact may say less, or more, than we write."""
    bare = Interaction(candidate_id="ada", kind="consented", at=AT, properties={"form": 7})
    assert Consent.of(bare) == Consent(at=AT, purpose=NURTURE)
    text = Interaction(
        candidate_id="ada",
        kind="consented",
        at=AT,
        properties={"expires_at": "2027-01-05T09:00Z"},
    )
    assert Consent.of(text).expires_at == datetime(2027, 1, 5, 9, tzinfo=UTC)


def test_only_consent_is_consent():
    """A withdrawal, or any other fact, is refused."""
    withdrawal = Interaction(candidate_id="ada", kind="withdrew_consent", at=AT)
    with pytest.raises(InvalidRecord, match="kind: expected 'consented', got 'withdrew_consent'"):
        Consent.of(withdrawal)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("at", "soon"),
        ("at", None),
        ("purpose", ""),
        ("wording", 7),
        ("source", "a\nb"),
        ("expires_at", "2027-01-05T09:00"),
    ],
)
def test_a_faulty_field_is_refused_by_name(name, value):
    """Consent that cannot be proved is not recorded."""
    with pytest.raises(InvalidRecord) as caught:
        Consent(**({"at": AT} | {name: value}))
    assert caught.value.path == name
