"""The segments of the field, as rules.

Who belongs is the field's; the thresholds (180 days without an application, 14 days to answer)
are conventions of this catalogue, not measured optima: copy a rule and change it.
Facts of capture and process count whoever logged them, a person or an import.
"""

from crmkit.errors import RuleError
from crmkit.segmentation._event import Event, event
from crmkit.segmentation._field import Field, field
from crmkit.segmentation._nodes import FieldTest, Rule
from crmkit.segmentation._segment import Segment
from crmkit.segmentation._words import all_of, spread


def _logged(*kinds: str, **properties: object) -> Event:
    return event(*kinds, automated=None, **properties)


_APPLIED, _HIRED, _LEFT = _logged("applied"), _logged("hired"), _logged("left")
_ANSWERS = ("replied", "called", "met")
_WELL = event(*_ANSWERS, outcome=("positive", "later"))
_DECLINED = event(*_ANSWERS, outcome="negative")
_EMPLOYED = _HIRED.not_followed_by(_LEFT)
_APPLYING = _APPLIED.within(days=180)

SILVER_MEDALISTS = Segment(
    "silver medalists",
    (
        ((field.source == "silver_medalist") & _HIRED.never())
        | _logged("rejected", stage="final").not_followed_by(_HIRED)
    )
    & ~_EMPLOYED,
    "Final-round candidates not hired: reached first when a similar role opens. A rejection says "
    "by its property stage='final' that it came in the final round.",
)

WARM_PASSIVE = Segment(
    "warm passive",
    (field.source.is_in("sourced", "prospect", "referral") | _logged("sourced", "referred").ever())
    & _WELL.not_followed_by(_DECLINED)
    & ~_APPLYING
    & ~_EMPLOYED,
    "Sourced or referred, answered positively (or: later), timing was wrong: no application in "
    "180 days, a convention.",
)

COLD_PASSIVE = Segment(
    "cold passive",
    (field.source.is_in("sourced", "prospect") | _logged("sourced").ever())
    & (
        (
            _logged("sent", "delivered", "messaged").first.older_than(days=14)
            & event(*_ANSWERS).never()
        )
        | _DECLINED.not_followed_by(_WELL)
    )
    & ~_APPLYING
    & ~_EMPLOYED,
    "Sourced, did not answer or declined: for long-term nurture. Two weeks to answer the first "
    "message are a convention.",
)

ALUMNI = Segment(
    "alumni",
    _LEFT.not_followed_by(_HIRED) | ((field.source == "alumni") & _HIRED.never()),
    "Former employees who have not come back: for targeted re-hire.",
)

EVENT_LEADS = Segment(
    "event leads",
    ((field.source == "event") | _logged("attended").ever()) & _APPLIED.never() & ~_EMPLOYED,
    "Met at conferences and career fairs, not yet applicants: follow up, then nurture.",
)

CATALOGUE = (SILVER_MEDALISTS, WARM_PASSIVE, COLD_PASSIVE, ALUMNI, EVENT_LEADS)
"""The field's five segments by behaviour; `by_skill`, `by_seniority` and `by_location` make the
other three."""


def by_skill(*skills: str) -> Segment:
    """Return the segment of those with any of these skills.

    >>> by_skill("Python", "go").name
    'skill: python, go'
    """
    rule = field.skills.has_any(*skills)
    return Segment(f"skill: {_values(rule)}", rule, "For skill content and role alerts.")


def by_seniority(*levels: str) -> Segment:
    """Return the segment of those at any of these career levels.

    >>> by_seniority("senior", "lead").name
    'seniority: senior, lead'
    """
    rule = field.seniority.is_in(*levels)
    return Segment(f"seniority: {_values(rule)}", rule, "For messages that suit the level.")


def by_location(
    *, country: str | None = None, region: str | None = None, city: str | None = None
) -> Segment:
    """Return the segment of those in one place; *country* is an ISO 3166-1 alpha-2 code.

    >>> by_location(country="de", city="Berlin").name
    'location: DE, Berlin'
    """
    asked: tuple[tuple[Field, str | None], ...] = (
        (field.country, country),
        (field.region, region),
        (field.city, city),
    )
    rules = [place == name for place, name in asked if name is not None]
    if not rules:
        raise RuleError("by_location needs a country, a region or a city")
    name = ", ".join(map(_values, rules))
    return Segment(f"location: {name}", all_of(*rules), "For local events and office roles.")


def _values(rule: Rule) -> str:
    found = rule.value if isinstance(rule, FieldTest) else None
    return ", ".join(str(value) for value in spread((found,)))
