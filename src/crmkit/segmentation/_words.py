"""What all the words that rules are written in share, and the words that join rules."""

from datetime import timedelta
from typing import Any, TypedDict
from zoneinfo import ZoneInfo

from crmkit._time import CalendarSpan, Span
from crmkit.errors import InvalidRecord, RuleError, UnknownName
from crmkit.model import NURTURE, Channel
from crmkit.permission import ContactPolicy
from crmkit.segmentation._person import Bucket, Consented, Listed, Permitted, Suppressed
from crmkit.segmentation._rule import AllOf, AnyOf, Everyone, Held, Member, Rule, to_rule


class Unfinished:
    """Half a rule: not yet anything that ``&``, ``|``, ``~`` or ``if`` could work on."""

    __slots__ = ()
    _unfinished = "it is only half a rule"

    def _refuse(self, _other: object = None) -> Any:
        raise RuleError(
            f"{self._unfinished}; put each comparison in parentheses before combining it with "
            "&, | or ~"
        )

    __and__ = __rand__ = __or__ = __ror__ = __invert__ = __bool__ = _refuse


def everyone() -> Rule:
    """Return the rule that always holds."""
    return Everyone()


def all_of(*rules: Rule) -> Rule:
    """Return the rule that holds when every one of these does."""
    return AllOf(tuple(map(to_rule, rules))) if len(rules) != 1 else to_rule(rules[0])


def any_of(*rules: Rule) -> Rule:
    """Return the rule that holds when at least one of these does."""
    return AnyOf(tuple(map(to_rule, rules))) if len(rules) != 1 else to_rule(rules[0])


def none_of(*rules: Rule) -> Rule:
    """Return the rule that holds when not one of these does."""
    return ~any_of(*rules)


def spread(values: tuple[object, ...]) -> tuple[object, ...]:
    """Return the values, whether they came one by one or as one list; a set is sorted."""
    if len(values) != 1 or not isinstance(values[0], list | tuple | set | frozenset):
        return values
    items = values[0]
    return tuple(sorted(items, key=str) if isinstance(items, set | frozenset) else items)


class Parts(TypedDict, total=False):
    """How a span is written where no `timedelta` or `CalendarSpan` is given.

    Days, weeks and hours are exact; months and years are counted by the calendar of *zone* (UTC
    when it is left out).
    """

    days: float
    weeks: float
    hours: float
    months: int
    years: int
    zone: ZoneInfo | str


def to_span(span: Span | None, parts: Parts) -> Span:
    """Return the one span that was given, exact or by the calendar."""
    if (span is None) == (not parts):
        raise RuleError(
            "expected a span: days=, weeks=, hours=, or months= and years=, or a timedelta or "
            "CalendarSpan in their place"
        )
    if span is None:
        return _by_calendar(parts) if parts.keys() & {"months", "years", "zone"} else _exact(parts)
    if not isinstance(span, timedelta | CalendarSpan):
        raise RuleError(f"expected a timedelta or days=…, got {span!r}")
    return span


def _exact(parts: Parts) -> timedelta:
    try:
        return timedelta(**parts)  # type: ignore[misc]
    except (OverflowError, ValueError, TypeError):
        known = Parts.__annotations__
        if unknown := sorted(parts.keys() - known):
            raise UnknownName.among("", unknown[0], known, what="a part of a span") from None
        raise RuleError(f"not a span of time: {dict(parts)}") from None


def _by_calendar(parts: Parts) -> CalendarSpan:
    try:
        return CalendarSpan(**parts)  # type: ignore[misc]
    except InvalidRecord as error:
        raise RuleError(f"not a span by the calendar: {error}") from None
    except TypeError:
        raise RuleError(
            f"months and years are counted by the calendar, days, weeks and hours exactly; "
            f"they do not mix: {dict(parts)}"
        ) from None


def member(segment: str) -> Rule:
    """Return the rule that holds for those who belong to another segment, by its name.

    Who asks must know that segment: `Segmenter` asks them in the order in which they depend on
    each other.
    """
    return Member(segment)


def held(rule: Rule, *, at_least: Span | None = None, less_than: Span | None = None) -> Rule:
    """Return the rule that holds when *rule* has been true for so long, without a break.

    With ``less_than``: it is true, but not for that long yet. Fields are taken as they are now,
    since only events have a history.

    >>> from crmkit.segmentation import describe, event, score
    >>> describe(held(score() >= 5, at_least=timedelta(weeks=2)))
    'For at least 14 days: score is at least 5.'
    """
    if (at_least is None) == (less_than is None):
        raise RuleError("held() needs either at_least= or less_than=, a timedelta")
    if at_least is not None:
        return Held(rule, at_least)
    return to_rule(rule) & ~Held(rule, less_than)  # type: ignore[arg-type]


def permitted(
    channel: Channel | str = Channel.EMAIL,
    *,
    purpose: str = NURTURE,
    policy: ContactPolicy | None = None,
) -> Rule:
    """Return the rule for those whom the arbiter lets us contact now: `crmkit.permission`."""
    return Permitted(channel, purpose, ContactPolicy() if policy is None else policy)


def consented(purpose: str = NURTURE) -> Rule:
    """Return the rule for those whose consent to the purpose is in force."""
    return Consented(purpose)


def suppressed(channel: Channel | str = Channel.EMAIL) -> Rule:
    """Return the rule for those who must not be contacted.

    Erased, do-not-contact, unsubscribed, or complained about the channel, and not consented since.
    """
    return Suppressed(channel)


def listed(*ids: str) -> Rule:
    """Return the rule for people chosen by hand, by candidate id.

    >>> from crmkit.segmentation import describe, event
    >>> describe((event("met").ever() | listed("ada")) & ~listed("bob"))
    "(ever met, or listed by hand ('ada')), and not listed by hand ('bob')."
    """
    return Listed(spread(ids))


def bucket(pilot: str, *, at_least: float = 0.0, below: float = 1.0) -> Rule:
    """Return the rule for a share of everyone, always the same people: ``bucket("new", below=.1)``.

    The place of a person in a pilot, from 0 to 1, is drawn once and for all from both names.
    """
    return Bucket(pilot, at_least, below)
