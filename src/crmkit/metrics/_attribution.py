"""When is a hire CRM-sourced? Several answers, side by side."""

from datetime import datetime, timedelta
from enum import StrEnum

import attrs

from crmkit._time import DAY, describe_span
from crmkit.errors import InvalidRecord
from crmkit.model import Interaction

TOUCHES = frozenset({"sent", "messaged", "called", "met"})
"""What we do to keep in touch."""

_OURS = TOUCHES | {"sourced"}
_THEIRS = frozenset({"applied", "signed_up", "attended", "referred", "visited", "replied"})
_ANSWERS = TOUCHES | {"replied", "clicked"}
_FIRSTS = _OURS | _THEIRS
_LASTS = _ANSWERS | _THEIRS


class AttributionRule(StrEnum):
    """Which touches make a hire CRM-sourced. Each looks only at what was before the application."""

    ANY = "any"
    """Any touch of ours, however long before: nurture deserves the credit."""
    WITHIN = "within"
    """Any touch of ours in the stated span before it: older ones are forgotten."""
    FIRST = "first"
    """The first that is known of the person is a touch of ours: we found them, not they us."""
    LAST = "last"
    """The last thing before it was a touch of ours or an answer to one, not a visit, an event, a
    referral or a sign-up."""


def _rule(value: object) -> AttributionRule:
    try:
        return AttributionRule(value)  # type: ignore[arg-type]
    except ValueError:
        from crmkit.errors import UnknownName

        raise UnknownName.among("", str(value), list(AttributionRule), what="a rule") from None


@attrs.frozen(kw_only=True)
class Attribution:
    """The rule by which the hires of a scorecard are divided into CRM-sourced and cold.

    None of them is the truth: say which one a number rests on, and compare them
    (`Scorecard.attribution`). Touches are ``sent``, ``messaged``, ``called`` and ``met``.

    >>> print(Attribution())
    any touch of ours before the application
    >>> print(Attribution(rule="within", span=timedelta(days=90)))
    a touch of ours in the 90 days before the application
    """

    rule: AttributionRule = attrs.field(default=AttributionRule.ANY, converter=_rule)
    span: timedelta = 180 * DAY
    """For ``within``; half a year is a convention."""

    def __attrs_post_init__(self) -> None:
        if not self.span > timedelta(0):
            raise InvalidRecord("span", f"expected more than nothing, got {self.span}")

    def __str__(self) -> str:
        return {
            AttributionRule.ANY: "any touch of ours before the application",
            AttributionRule.WITHIN: f"a touch of ours in the {describe_span(self.span)} before the "
            "application",
            AttributionRule.FIRST: "the first that is known of the person is a touch of ours",
            AttributionRule.LAST: "the last thing before the application was ours, or an answer",
        }[self.rule]

    def rules_met(
        self, facts: tuple[Interaction, ...], before: datetime
    ) -> frozenset[AttributionRule]:
        """Return the rules by which somebody with these facts, in order, is CRM-sourced.

        Only what is earlier than *before* counts, and nothing known to be machine-made.
        """
        earlier = [fact for fact in facts if fact.at < before and fact.automated is not True]
        touched_at = next((fact.at for fact in reversed(earlier) if fact.kind in TOUCHES), None)
        if touched_at is None:
            return frozenset()
        first = next(fact.kind for fact in earlier if fact.kind in _FIRSTS)
        last = next(fact.kind for fact in reversed(earlier) if fact.kind in _LASTS)
        met = {
            AttributionRule.ANY: True,
            AttributionRule.WITHIN: before - touched_at <= self.span,
            AttributionRule.FIRST: first in _OURS,
            AttributionRule.LAST: last in _ANSWERS,
        }
        return frozenset(rule for rule, holds in met.items() if holds)
