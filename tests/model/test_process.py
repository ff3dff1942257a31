import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.model import History, Interaction, employed_since, open_processes, until_of
from crmkit.testing import strategies

OPENING = ("applied", "screened", "assessed", "interviewed", "offered")
CLOSING = ("rejected", "withdrew", "hired")
process_kinds = st.sampled_from((*OPENING, *CLOSING, "left", "replied"))


def history(*facts):
    """Build a history from texts like ``2 rejected be-1``: the day, the kind, the role."""
    return History(
        Interaction(
            candidate_id="ada",
            kind=kind,
            at=f"2026-01-{int(day):02}T09:00Z",
            role_id=role[0] if role else None,
        )
        for day, kind, *role in (fact.split() for fact in facts)
    )


@pytest.mark.parametrize(
    ("facts", "running"),
    [
        ([], {}),
        (["1 replied", "1 hired be-1"], {}),
        (["1 applied be-1"], {"be-1": "applied"}),
        (["1 applied"], {None: "applied"}),
        (["1 applied be-1", "2 interviewed be-1"], {"be-1": "applied"}),
        (["1 interviewed be-1"], {"be-1": "interviewed"}),
        (["1 applied be-1", "2 rejected be-1"], {}),
        (["1 applied be-1", "2 rejected ml-2"], {"be-1": "applied"}),
        (["1 applied be-1", "1 applied ml-2", "2 withdrew"], {}),
        (["1 applied be-1", "2 rejected be-1", "3 applied be-1"], {"be-1": "applied"}),
        (["1 applied be-1", "1 rejected be-1"], {}),
        (["1 applied", "2 hired be-1"], {None: "applied"}),
        (["1 applied be-1", "1 applied ml-2", "2 hired be-1"], {"ml-2": "applied"}),
    ],
)
def test_processes_begin_and_end(facts, running):
    """What began and has not ended is running; an end without a role ends everything."""
    found = open_processes(history(*facts))
    assert {role: fact.kind for role, fact in found.items()} == running


@given(strategies.histories(kind=process_kinds))
def test_what_runs_began_and_has_no_later_end(facts):
    """For each running process: its first fact opens it, and no end that meets it is later."""
    for role, began in open_processes(facts).items():
        assert (began.role_id, began.kind in OPENING) == (role, True)
        ends = [end for end in facts.of(*CLOSING) if end.role_id in {None, role}]
        assert all(end.at < began.at for end in ends)


@given(strategies.histories(kind=process_kinds))
def test_what_does_not_run_has_ended(facts):
    """A role whose newest opening is later than every end that meets it is running."""
    running = open_processes(facts)
    for opened in facts.of(*OPENING):
        ends = [end for end in facts.of(*CLOSING) if end.role_id in {None, opened.role_id}]
        if all(end.at < opened.at for end in ends):
            assert opened.role_id in running


@given(strategies.histories(kind=st.sampled_from(("hired", "left"))))
def test_employed_is_who_was_hired_and_has_not_left(facts):
    """The newest hire counts, unless somebody left at that instant or later."""
    hired, left = facts.last("hired"), facts.last("left")
    expected = hired if hired and not (left and left.at >= hired.at) else None
    assert employed_since(facts) == expected


@pytest.mark.parametrize(
    ("facts", "since"),
    [
        ([], None),
        (["1 left"], None),
        (["1 hired be-1"], 1),
        (["1 hired be-1", "9 left"], None),
        (["1 hired be-1", "9 left", "12 hired ml-2"], 12),
        (["1 hired be-1", "1 left"], None),
    ],
)
def test_employed_since(facts, since):
    """Hired, gone, and hired again, by hand."""
    found = employed_since(history(*facts))
    assert (found and found.at.day) == since


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"until": "2026-01-19T01:00+01:00"}, "2026-01-19T00:00:00+00:00"),
        ({}, None),
        ({"until": None}, None),
        ({"until": "2026-01-19"}, "2026-01-19T00:00:00+00:00"),
        ({"until": "spring"}, None),
        ({"until": "2026-01-19T00:00"}, None),
        ({"until": 7}, None),
    ],
)
def test_until_is_the_instant_that_a_fact_names(properties, expected):
    """What is not there, or no instant, is no end."""
    fact = Interaction(
        candidate_id="ada", kind="paused", at="2026-01-05T09:00Z", properties=properties
    )
    found = until_of(fact)
    assert expected == (found and found.isoformat())
