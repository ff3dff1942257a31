"""The leaves about a person: value, reason, and when the clock changes it."""

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from crmkit._time import CalendarSpan
from crmkit.engagement import score, score_crosses, temperature
from crmkit.model import Reason, Verdict
from crmkit.permission import consent_in_force, permission, suppression
from crmkit.segmentation._compare import LOOSE, STRICT
from crmkit.segmentation._look import Look, later
from crmkit.segmentation._nodes import (
    Bucket,
    Consented,
    Everyone,
    FieldAge,
    FieldAnniversary,
    FieldTest,
    Listed,
    Permitted,
    Rule,
    ScoreTest,
    Suppressed,
    TemperatureTest,
)
from crmkit.segmentation._paths import Type, reader, type_of
from crmkit.segmentation._seen import seen
from crmkit.segmentation._sentences import phrase, value_text


def _everyone(node: Everyone, _look: Look) -> Reason:
    return Reason(phrase(node), holds=True)


def _field_test(node: FieldTest, look: Look) -> Reason:
    found = reader(node.path)(look.candidate)
    if found is None:
        return Reason(phrase(node), holds=False, found="unknown")
    tests = LOOSE if type_of(node.path) is Type.ANY else STRICT
    return Reason(phrase(node), holds=tests[node.op](found, node.value), found=value_text(found))


def _field_age(node: FieldAge, look: Look) -> Reason:
    found = reader(node.path)(look.candidate)
    if not isinstance(found, datetime):
        return Reason(phrase(node), holds=False, found=_missing(found))
    end = later(found, node.span)
    passed = end is not None and end <= look.now
    if node.op == "older_than":
        return Reason(
            phrase(node),
            holds=passed,
            found=value_text(found),
            until=None if passed else end,
        )
    come = found <= look.now
    return Reason(
        phrase(node),
        holds=come and not passed,
        found=value_text(found),
        until=None if passed else end if come else found,
    )


def _missing(found: object) -> str:
    return "unknown" if found is None else value_text(found)


def _field_anniversary(node: FieldAnniversary, look: Look) -> Reason:
    found = reader(node.path)(look.candidate)
    if not isinstance(found, datetime):
        return Reason(phrase(node), holds=False, found=_missing(found))
    near = anniversary(found, look.now, node.before, node.after, node.zone)
    return Reason(phrase(node), holds=near[0], found=value_text(found), until=near[1])


def anniversary(
    anchor: datetime, now: datetime, before: timedelta, after: timedelta, zone: ZoneInfo | None
) -> tuple[bool, datetime | None]:
    """Return whether a yearly return of *anchor* is near, and when that changes."""
    year = CalendarSpan(years=1, zone=zone)
    passed = max(1, now.year - anchor.year)
    # Two windows never overlap, and the nearest ones are of this year and those beside it.
    for times in range(max(1, passed - 2), passed + 3):
        try:
            turn = year.after(anchor, times)
        except (OverflowError, ValueError):
            return False, None
        end = later(turn, after)
        if now < turn - before:
            return False, turn - before
        if end is None or now < end:
            return True, end
    return False, None  # pragma: no cover - one of the next years is always ahead


def _score_test(node: ScoreTest, look: Look) -> Reason:
    found = score(look.relationship, now=look.now, policy=node.policy)
    # Above x is at least the next float after x, so one crossing serves all four comparisons.
    threshold = node.value if node.op in {">=", "<"} else math.nextafter(node.value, math.inf)
    reached = found >= threshold
    return Reason(
        phrase(node),
        holds=reached is (node.op in {">=", ">"}),
        found=f"{found:.3g}",
        until=score_crosses(
            look.relationship, now=look.now, threshold=threshold, policy=node.policy
        ),
    )


def _asked(
    node: Rule, look: Look, ask: Callable[[datetime], Verdict[Any]], holds: Callable[[Any], bool]
) -> tuple[Verdict[Any], datetime | None]:
    """Return what *ask* answers now, and when the clock next changes whether that holds.

    Its own ``until`` may come sooner: hot turns to warm, a consent ends that was not needed.
    """
    verdict = ask(look.now)
    value, turn = holds(verdict.value), verdict.until
    coming = look.next_of(seen(node)) if turn else None
    while turn is not None:
        again = ask(turn)
        if holds(again.value) is not value:
            break
        if coming is not None and coming <= turn:
            turn = coming
            break
        turn = again.until
    return verdict, turn


def _temperature_test(node: TemperatureTest, look: Look) -> Reason:
    verdict, until = _asked(
        node,
        look,
        lambda at: temperature(look.relationship, now=at, policy=node.policy),
        lambda value: value in node.among,
    )
    return Reason(
        phrase(node),
        holds=verdict.value in node.among,
        found=value_text(verdict.value),
        until=until,
        parts=verdict.because.parts,
    )


def _permitted(node: Permitted, look: Look) -> Reason:
    verdict, until = _asked(
        node,
        look,
        lambda at: permission(
            look.relationship,
            now=at,
            channel=node.channel,
            purpose=node.purpose,
            policy=node.policy,
        ),
        bool,
    )
    rule = getattr(verdict, "rule", None)
    return Reason(
        phrase(node),
        holds=verdict.value,
        found=None if rule is None else f"refused: {rule}",
        until=until,
        parts=verdict.because.parts,
    )


def _consented(node: Consented, look: Look) -> Reason:
    verdict = consent_in_force(look.relationship, now=look.now, purpose=node.purpose)
    because = verdict.because
    return Reason(phrase(node), holds=verdict.value, found=because.found, until=verdict.until)


def _suppressed(node: Suppressed, look: Look) -> Reason:
    verdict, until = _asked(
        node,
        look,
        lambda at: suppression(look.relationship, now=at, channel=node.channel),
        bool,
    )
    return Reason(phrase(node), holds=verdict.value, found=verdict.because.found, until=until)


def _listed(node: Listed, look: Look) -> Reason:
    ids = look.candidate.ids
    holds = not set(node.ids).isdisjoint(ids)
    return Reason(phrase(node), holds=holds, found=value_text(ids))


def _bucket(node: Bucket, look: Look) -> Reason:
    place = node.place(look.candidate.id)
    holds = node.at_least <= place < node.below
    return Reason(phrase(node), holds=holds, found=f"place {place:.4f}")


LEAVES: dict[type[Rule], Callable[[Any, Look], Reason]] = {
    Everyone: _everyone,
    FieldTest: _field_test,
    FieldAge: _field_age,
    FieldAnniversary: _field_anniversary,
    ScoreTest: _score_test,
    TemperatureTest: _temperature_test,
    Permitted: _permitted,
    Consented: _consented,
    Suppressed: _suppressed,
    Listed: _listed,
    Bucket: _bucket,
}
