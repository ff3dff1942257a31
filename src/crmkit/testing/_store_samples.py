"""What the store contract's clauses are made of: sample records, comparing, racing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import attrs

from crmkit.cadence import Enrollment, TouchRecord, TouchState
from crmkit.model import Candidate, Employment, Interaction, Reason
from crmkit.protocols import CandidateStore
from crmkit.segmentation import Membership, Transition

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
TICK = timedelta(microseconds=1)
WHY = Reason("all of", holds=True, parts=(Reason("met", holds=True, until=START),))


class Breakdown(Exception):  # noqa: N818
    """Raised by the checks themselves."""


def same(got: object, expected: object, clause: str) -> None:
    """Raise, naming the *clause*, unless both are equal."""
    if got != expected:
        raise AssertionError(f"{clause}: expected {_short(expected)}, got {_short(got)}")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 400 else f"{text[:400]}…"


def together(threads: int, work: Callable[[int], Any]) -> list[Any]:
    """Run *work* in several threads that start at once; return what each returned."""
    start = Barrier(threads)

    def begin(number: int) -> Any:
        start.wait()
        return work(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(begin, range(threads)))


def found(store: CandidateStore, keys: list[str]) -> dict[str, set[str]]:
    """Ask for identity keys; return what was found as plain sets."""
    return {key: set(ids) for key, ids in store.find_candidates(keys).items()}


def whole_candidate(key: str) -> Candidate:
    """Return a candidate with a value of every type."""
    return Candidate(
        id=key,
        name="Ada Bÿron 😀",
        emails=["ada@example.org"],
        skills=["python"],
        seniority="senior",
        years_experience=7.5,
        employments=[Employment(company="Analytical Engines", since="2020-02-29")],
        timezone="Europe/London",
        source="sourced",
        interested_from=START + TICK,
        external_ids={"ats": "7"},
        custom={"seen": START, "deep": [{"a": None}, True, 0.1]},
    )


def fact(candidate_id: str, second: float) -> Interaction:
    """Return a fact."""
    return Interaction(candidate_id=candidate_id, kind="met", at=START + timedelta(seconds=second))


def member(candidate_id: str, segment: str) -> Membership:
    """Return a membership."""
    return Membership(
        segment=segment,
        candidate_id=candidate_id,
        since=START,
        because=WHY,
        next_change=START + timedelta(days=90),
    )


def watch(candidate_id: str, segment: str) -> Membership:
    """Return a watch over somebody who is outside."""
    return attrs.evolve(member(candidate_id, segment), inside=False)


def move(candidate_id: str, segment: str, *, entered: bool, second: float) -> Transition:
    """Return a transition."""
    return Transition(
        segment=segment,
        candidate_id=candidate_id,
        entered=entered,
        at=START + timedelta(seconds=second),
        because=WHY,
        until=START + timedelta(days=90) if entered else None,
    )


def run(candidate_id: str, key: str, second: float) -> Enrollment:
    """Return an enrolment."""
    at = START + timedelta(seconds=second)
    return Enrollment(candidate_id=candidate_id, cadence="seven-touch", enrolled_at=at, id=key)


def touch(
    enrollment_id: str,
    touch: str,
    *,
    second: float = 0,
    candidate_id: str = "ada",
    detail: str | None = None,
) -> TouchRecord:
    """Return a touch that is being sent."""
    return TouchRecord(
        enrollment_id=enrollment_id,
        rotation=0,
        touch=touch,
        candidate_id=candidate_id,
        state=TouchState.SENDING,
        due_at=START,
        at=START + timedelta(seconds=second),
        detail=detail,
    )
