import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.errors import InvalidRecord, UnknownName
from crmkit.model import KINDS, Seniority, Source, Stage, stage_of, to_kind
from crmkit.testing import strategies


def test_the_kinds_of_the_field_are_all_there():
    """Every kind of the design is known, under its stage; none is there twice."""
    expected = {
        Stage.CAPTURE: "captured sourced referred attended signed_up applied",
        Stage.MESSAGE: "sent delivered opened clicked replied auto_replied bounced complained "
        "unsubscribed",
        Stage.BEHAVIOUR: "visited",
        Stage.CONVERSATION: "called met messaged noted",
        Stage.PROCESS: "screened assessed interviewed offered rejected withdrew hired left",
        Stage.CAREER: "promoted changed_company gained_skill moved updated verified",
        Stage.CONSENT: "consented withdrew_consent",
        Stage.LIFECYCLE: "enrolled paused resumed completed archived reactivated converted "
        "returned",
    }
    for stage, kinds in expected.items():
        assert set(kinds.split()) == {kind for kind, found in KINDS.items() if found is stage}
    assert sum(len(kinds.split()) for kinds in expected.values()) == len(KINDS)


@given(strategies.kinds())
def test_known_kinds_are_kept(kind):
    """A kind of ours or of a host is kept as it is, and has a stage."""
    assert kind == to_kind(kind)
    assert (stage_of(kind) is Stage.HOST) == kind.startswith("x-")


@given(st.text())
def test_any_other_kind_is_refused(text):
    """Whatever else was typed is an UnknownName, never another error."""
    if text not in KINDS and not text.startswith("x-"):
        with pytest.raises(UnknownName, match="is not an interaction kind"):
            to_kind(text)


@pytest.mark.parametrize(
    "kind", ["x-", "x-\n", "x-a\0", "x-\ud800", "X-lunch", "Replied", " replied"]
)
def test_faulty_kinds_of_hosts_are_refused(kind):
    """A host's kind has a name of printable letters after its x-."""
    with pytest.raises(UnknownName):
        to_kind(kind)


def test_a_kind_is_text():
    """A number is not a kind."""
    with pytest.raises(InvalidRecord, match="got int"):
        to_kind(7)


def test_kinds_cannot_be_changed():
    """The table is read-only."""
    with pytest.raises(TypeError):
        KINDS["new"] = Stage.HOST


def test_there_are_eight_sources():
    """The eight capture sources of the field, no more and no fewer."""
    assert {
        "silver_medalist",
        "sourced",
        "inbound",
        "event",
        "referral",
        "prospect",
        "past_applicant",
        "alumni",
    } == set(Source)


@pytest.mark.parametrize(
    ("low", "high"),
    list(itertools.combinations(["intern", "junior", "mid", "senior", "lead", "executive"], 2)),
)
def test_career_levels_compare_by_rank(low, high):
    """A level is below every later one, compared with a member or with its name."""
    for other in (high, Seniority(high)):
        assert Seniority(low) < other
        assert Seniority(low) <= other
        assert not Seniority(low) > other
        assert not Seniority(low) >= other
    assert Seniority(high) > low
    assert Seniority(low) <= low
    assert Seniority(low) >= low


def test_a_level_compares_with_levels_only():
    """A word that is no level cannot be compared."""
    with pytest.raises(ValueError, match="boss"):
        assert Seniority.MID < "boss"
