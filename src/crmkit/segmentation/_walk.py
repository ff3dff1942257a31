"""The reference: a plain walk over a rule that gives value, reasons and until.

A fact at *t* exists from *t* on. Each leaf knows when the clock next changes it; the instant of
the next fact it could see, if the log has one dated after now, bounds that. ``until`` of an AND
that holds is the least of its parts', of one that does not hold the greatest among the parts
that do not; OR is the mirror image; NOT keeps it.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from crmkit._time import CalendarSpan, earliest
from crmkit.model import Reason
from crmkit.segmentation._event_leaves import EVENT_LEAVES
from crmkit.segmentation._leaves import LEAVES
from crmkit.segmentation._look import Look, later
from crmkit.segmentation._nodes import AllOf, AnyOf, Held, Member, Not, Rule
from crmkit.segmentation._seen import seen
from crmkit.segmentation._sentences import phrase

_FIRST = datetime.min.replace(tzinfo=UTC)
_NEVER = datetime.max.replace(tzinfo=UTC)
_MONTH_ENDS = timedelta(days=4)
_PATIENCE = 50
_HORIZON = timedelta(days=36525)
"""How many turns of the clock, and how far, `Held` looks ahead; then ``until`` may be early."""


def answer(rule: Rule, look: Look) -> Reason:
    """Return the reason tree of *rule*: its ``holds`` is the value, its ``until`` the instant."""
    return _ANSWERS[type(rule)](rule, look)


def _all_of(node: AllOf, look: Look) -> Reason:
    parts = tuple([answer(part, look) for part in node.parts])
    failing = [part.until for part in parts if not part.holds]
    until = _greatest(failing) if failing else earliest(*[part.until for part in parts])
    return Reason("all of", holds=not failing, until=until, parts=parts)


def _any_of(node: AnyOf, look: Look) -> Reason:
    parts = tuple([answer(part, look) for part in node.parts])
    holding = [part.until for part in parts if part.holds]
    until = _greatest(holding) if holding else earliest(*[part.until for part in parts])
    return Reason("any of", holds=bool(holding), until=until, parts=parts)


def _greatest(instants: list[datetime | None]) -> datetime | None:
    found = max(instant or _NEVER for instant in instants)
    return None if None in instants else found


_NEGATED = {"all of": "not all of", "any of": "none of"}


def _not(node: Not, look: Look) -> Reason:
    inner = answer(node.part, look)
    composite = isinstance(node.part, AllOf | AnyOf)
    return Reason(
        _NEGATED[inner.text] if composite else phrase(node),
        holds=not inner.holds,
        found=inner.found,
        until=inner.until,
        parts=inner.parts,
    )


def _member(node: Member, look: Look) -> Reason:
    inner = member(node.segment, look)
    parts = () if look.inside else (inner,)
    return Reason(phrase(node), holds=inner.holds, until=inner.until, parts=parts)


def member(segment: str, look: Look) -> Reason:
    """Return the reason tree of a segment that others refer to; each is asked once.

    Without the reasons of those that it refers to itself: a ladder of references has too many.
    """
    found = look.remember(segment)
    if found is None:
        outer, look.inside = look.inside, True
        found = answer(look.rule_of(segment), look)
        look.inside = outer
        look.remember(segment, found)
    return found


def _held(node: Held, look: Look) -> Reason:
    start = _start(node, look.now)
    since: datetime | None = None
    turn: datetime | None = start
    while turn is not None and turn <= look.now:
        inner = _then(node, look, turn)
        since = (since or turn) if inner.holds else None
        turn = inner.until
    ripe = later(since, node.span) if since else None
    holds = since is not None and (since == _FIRST or (ripe is not None and ripe <= look.now))
    if since is None:
        found = "not so now"
    elif since == start:
        found = "for longer" if holds else f"since {since.date()} or before"
    else:
        found = f"since {since.date()}"
    ends = _ends(node, look, turn) if holds else _begins(node, look, since, turn)
    return Reason(
        phrase(node),
        holds=holds,
        found=found,
        until=earliest(ends, look.next_of(seen(node.part))),
        parts=(_then(node, look, look.now),),
    )


def _then(node: Held, look: Look, at: datetime) -> Reason:
    """Return the answer of the part at another instant; each is asked once, however nested."""
    then = look.at(at)
    found = then.answers.get(node.part)
    if found is None:
        found = then.answers[node.part] = answer(node.part, then)
    return found


def _start(node: Held, now: datetime) -> datetime:
    """Return an instant from which on the past decides."""
    try:
        if isinstance(node.span, CalendarSpan):
            # Going back by the calendar is not the inverse of going on; the difference is days.
            return node.span.after(now, -1) - _MONTH_ENDS
        return now - node.span
    except (OverflowError, ValueError):
        return _FIRST


def _ends(node: Held, look: Look, turn: datetime | None) -> datetime | None:
    """Return when the part that is true now, and is asked again at *turn*, is false."""
    for _ in range(_PATIENCE):
        if turn is None or turn - look.origin > _HORIZON:
            return turn
        inner = _then(node, look, turn)
        if not inner.holds:
            return turn
        turn = inner.until
    return turn


def _begins(
    node: Held, look: Look, since: datetime | None, turn: datetime | None
) -> datetime | None:
    """Return when the part, true since *since* and asked again at *turn*, has been so for long."""
    for _ in range(_PATIENCE):
        ripe = later(since, node.span) if since else None
        if turn is None or (ripe is not None and ripe < turn):
            return ripe
        if turn - look.origin > _HORIZON:
            return turn
        inner = _then(node, look, turn)
        since = (since or turn) if inner.holds else None
        turn = inner.until
    return turn


_ANSWERS: dict[type[Rule], Callable[[Any, Look], Reason]] = {
    AllOf: _all_of,
    AnyOf: _any_of,
    Not: _not,
    Held: _held,
    Member: _member,
    **LEAVES,
    **EVENT_LEAVES,
}
