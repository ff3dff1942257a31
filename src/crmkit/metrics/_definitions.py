"""The registry: what each metric is, before anything was counted."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

import attrs

from crmkit.metrics._benchmark import ENOUGH, Benchmark, Unit

PRACTICE = "convention of candidate-relationship practice, not a measured optimum"


class Ids(StrEnum):
    """Whose ids are counted."""

    PEOPLE = "people"
    MESSAGES = "messages"
    HIRES = "hires"
    ROLES = "roles"


@attrs.frozen(kw_only=True)
class Definition:
    """What one metric is: enough to count it again by other means, and to defend it.

    ``reasons`` says why it is defined so and not otherwise, where tools differ. ``elsewhere`` is
    what others have measured, which is no benchmark.
    """

    name: str
    title: str
    unit: Unit
    definition: str
    counts: Ids
    population: str
    window: str
    numerator: str
    denominator: str
    exclusions: tuple[str, ...] = ()
    benchmark: Benchmark | None = None
    enough: int = ENOUGH
    """How many must be counted before the value may be called within its benchmark, or below."""
    less_is_better: bool = False
    reasons: str = ""
    elsewhere: str = ""


def _usual(low: float, high: float) -> Benchmark:
    return Benchmark(low=low, high=high, source=PRACTICE)


_PARTED = (
    "CRM-sourced: a message, call or meeting of ours came before the application (before the "
    "hire, where no application is logged), as the attribution says; everyone else is cold."
)
_NOW = "none: as things stand now"
_WINDOW = "the window that ends now"
_MACHINES = (
    "opens, clicks, replies and unsubscriptions known to be machine-made",
    "automatic replies",
    "responses to no message sent before them",
)
_ABOUT = (
    "A response is about the message that it names, or, naming none, about the newest one before "
    "it on its channel; without a channel it is about e-mail."
)
_PEOPLE = "people in the CRM who are not erased and do not work here now"
_MAILED = "people sent at least one e-mail in the window"
_PER_PERSON = (
    "Counted per person and over everyone e-mailed: one keen reader does not make a pool, and "
    "whoever cannot be reached is part of it."
)
_UNANSWERED_CHANNELS = "messages on other channels than e-mail"

PIPELINE = Definition(
    name="pipeline_size",
    title="Pipeline size",
    unit=Unit.PEOPLE,
    definition="People in the CRM who are not erased and do not work here now. No benchmark: it "
    "varies, and quality counts for more than size.",
    counts=Ids.PEOPLE,
    population="everyone in the CRM",
    window=_NOW,
    numerator=_PEOPLE,
    denominator="",
    exclusions=("people erased", "people who work here", "people first heard of later"),
)
ENGAGEMENT = Definition(
    name="engagement_rate",
    title="Engagement rate",
    unit=Unit.SHARE,
    definition="Of the people who were sent at least one e-mail in the window, the share who "
    "opened or clicked one of these. Opens and clicks known to be machine-made are left out; those "
    f"of unknown origin count. {_ABOUT}",
    counts=Ids.PEOPLE,
    population=_MAILED,
    window=_WINDOW,
    numerator="those who opened or clicked one of these e-mails",
    denominator=_MAILED,
    exclusions=(*_MACHINES, _UNANSWERED_CHANNELS),
    benchmark=_usual(0.20, 0.35),
    reasons=f"{_PER_PERSON} A click counts as an open because nobody clicks unread and some mail "
    "clients hide opens. An open alone is a weak sign: read the reply rate beside it.",
)
OPENS = Definition(
    name="open_rate",
    title="Open rate",
    unit=Unit.SHARE,
    definition="Of the people e-mailed in the window, the share with an open of one of these "
    "e-mails that is not known to be machine-made.",
    counts=Ids.PEOPLE,
    population=_MAILED,
    window=_WINDOW,
    numerator="those who opened one of these e-mails",
    denominator=_MAILED,
    exclusions=(*_MACHINES, _UNANSWERED_CHANNELS),
    reasons=f"{_PER_PERSON} Mail proxies open by themselves and some clients never report one: "
    "it is what was logged, not what was read.",
)
CLICKS = Definition(
    name="click_rate",
    title="Click rate",
    unit=Unit.SHARE,
    definition="Of the people e-mailed in the window, the share who clicked in one of these "
    "e-mails; clicks known to be machine-made are left out.",
    counts=Ids.PEOPLE,
    population=_MAILED,
    window=_WINDOW,
    numerator="those who clicked in one of these e-mails",
    denominator=_MAILED,
    exclusions=(*_MACHINES, _UNANSWERED_CHANNELS),
    reasons=_PER_PERSON,
)
REPLIES = Definition(
    name="reply_rate",
    title="Reply rate",
    unit=Unit.SHARE,
    definition="Of the people e-mailed in the window, the share who replied to one of these "
    "e-mails. An out-of-office notice is no reply.",
    counts=Ids.PEOPLE,
    population=_MAILED,
    window=_WINDOW,
    numerator="those who replied to one of these e-mails",
    denominator=_MAILED,
    exclusions=(*_MACHINES, _UNANSWERED_CHANNELS),
    reasons=f"{_PER_PERSON} Counted of those who opened, as Gem does, it would be higher and rest "
    "on opens, which machines make.",
    elsewhere="four-stage outreach averages 32 % replies (Gem)",
)
SECOND = Definition(
    name="answered_by_second",
    title="Answered by message 2",
    unit=Unit.SHARE,
    definition="Of the people who replied to a message sent in the window, the share whose first "
    "such reply was to the first or second message of its cadence. Messages of no cadence are "
    "counted together.",
    counts=Ids.PEOPLE,
    population="people who replied to a message sent in the window",
    window=_WINDOW,
    numerator="those whose first such reply was to message 1 or 2",
    denominator="people who replied to a message sent in the window",
    exclusions=_MACHINES,
    elsewhere="half of the answers come after message 1, 85 % by message 2 (Lever)",
)
CONVERSION = Definition(
    name="conversion_rate",
    title="Conversion rate",
    unit=Unit.SHARE,
    definition="Of the people who were ever sent a message, the share who applied in the window, "
    "after the first message to them. A recruiter's own (``messaged``) is not one of these.",
    counts=Ids.PEOPLE,
    population="people sent at least one message, in the window or before it",
    window="applications: the window that ends now; messages: ever",
    numerator="those who applied in the window, later than the first message",
    denominator="people ever sent a message",
    exclusions=("applications before the first message",),
    benchmark=_usual(0.05, 0.15),
    reasons="Nurture takes months: who was written to before the window may well apply in it.",
)
RE_ENGAGEMENT = Definition(
    name="re_engagement_rate",
    title="Re-engagement rate",
    unit=Unit.SHARE,
    definition="Of the people who were sent a message in the window while cold, the share who "
    "engaged after it. Cold: at least 3 messages in a row without an answer, or as many as the "
    "engagement policy says. Engaged: "
    "an interaction that the engagement policy gives weight, so by default neither an open nor "
    "anything machine-made.",
    counts=Ids.PEOPLE,
    population="people sent a message in the window while cold",
    window=_WINDOW,
    numerator="those who engaged after the first such message, or with it",
    denominator="people sent a message in the window while cold",
    exclusions=_MACHINES,
    benchmark=_usual(0.08, 0.15),
    reasons="Per person; by campaign, the cadence of the first such message counts.",
)
BOUNCES = Definition(
    name="bounce_rate",
    title="Bounce rate",
    unit=Unit.SHARE,
    definition="Of the e-mails sent in the window, the share that bounced; soft bounces are left "
    "out.",
    counts=Ids.MESSAGES,
    population="e-mails sent in the window",
    window=_WINDOW,
    numerator="those that bounced",
    denominator="e-mails sent in the window",
    exclusions=(_UNANSWERED_CHANNELS,),
    less_is_better=True,
)
UNSUBSCRIBES = Definition(
    name="unsubscribe_rate",
    title="Unsubscribe rate",
    unit=Unit.SHARE,
    definition="Of the e-mails sent in the window, the share that somebody unsubscribed from. "
    "Scanners follow links: what is known to be machine-made is left out.",
    counts=Ids.MESSAGES,
    population="e-mails sent in the window",
    window=_WINDOW,
    numerator="those unsubscribed from",
    denominator="e-mails sent in the window",
    exclusions=(*_MACHINES, _UNANSWERED_CHANNELS),
    less_is_better=True,
)
COMPLAINTS = Definition(
    name="complaint_rate",
    title="Complaint rate",
    unit=Unit.SHARE,
    definition="Of the e-mails sent in the window, the share that somebody reported as spam.",
    counts=Ids.MESSAGES,
    population="e-mails sent in the window",
    window=_WINDOW,
    numerator="those reported as spam",
    denominator="e-mails sent in the window",
    exclusions=(_UNANSWERED_CHANNELS,),
    benchmark=Benchmark(
        low=0.0,
        high=0.001,
        source="limit of the mail providers (Google, Email sender guidelines, February 2024: keep "
        "it below 0.1 %, never reach 0.3 %)",
    ),
    enough=3_000,
    less_is_better=True,
    reasons="Fewer than 3,000 e-mails without a complaint do not show that the rate is below "
    "0.1 % (rule of three). Over everything sent; providers count over what reached an inbox, "
    "which nobody else can see, so theirs is higher.",
)
ACTIVE = Definition(
    name="active_share",
    title="Active",
    unit=Unit.SHARE,
    definition="Of the pipeline, the share who took part in the window: an interaction that the "
    "engagement policy gives weight, so neither an open nor anything machine-made by default.",
    counts=Ids.PEOPLE,
    population=_PEOPLE,
    window=_WINDOW,
    numerator="those who took part in the window",
    denominator="the pipeline",
)
FRESHNESS = Definition(
    name="freshness",
    title="Fresh profiles",
    unit=Unit.SHARE,
    definition="Of the pipeline, the share of whom the last 91 days have a fact that confirms the "
    "profile: they came in (captured, sourced, referred, attended, signed up, applied), it was "
    "updated or verified, or a step of their career was heard of. The others are stale.",
    counts=Ids.PEOPLE,
    population=_PEOPLE,
    window="the last 91 days",
    numerator="those with such a fact in the last 91 days",
    denominator="the pipeline",
    reasons="Profiles are to be refreshed quarterly; a quarter is taken as 91 days.",
)
REACHABLE = Definition(
    name="reachable_share",
    title="Reachable",
    unit=Unit.SHARE,
    definition="Of the pipeline, the share with an e-mail address, a phone number or a LinkedIn "
    "profile that may be used: not bounced, not complained about, not suppressed, and the person "
    "neither unsubscribed nor asked not to be contacted. Others are unreachable.",
    counts=Ids.PEOPLE,
    population=_PEOPLE,
    window=_NOW,
    numerator="those whom an address reaches",
    denominator="the pipeline",
    reasons="The same rules that the arbiter of contacts asks, without those that waiting helps.",
)
CONSENT = Definition(
    name="consent_share",
    title="With consent",
    unit=Unit.SHARE,
    definition="Of the pipeline, the share with a consent to nurture in force: not expired, not "
    "withdrawn, not followed by an unsubscription.",
    counts=Ids.PEOPLE,
    population=_PEOPLE,
    window=_NOW,
    numerator="those with a consent in force",
    denominator="the pipeline",
    reasons="Legitimate interest ends with retention (in Germany after six months); consent "
    "outlives it.",
)
SINCE_CONTACT = Definition(
    name="time_since_contact",
    title="Time since contact",
    unit=Unit.DAYS,
    definition="The median of the whole days since the last contact with each person of the "
    "pipeline, in either direction: a message, a call, a meeting, or something that they did.",
    counts=Ids.PEOPLE,
    population="people of the pipeline with whom there was any contact",
    window=_NOW,
    numerator="",
    denominator="people with a contact",
    exclusions=("people never contacted",),
    less_is_better=True,
)
SILENCE = Definition(
    name="silence_rate",
    title="Left without an answer",
    unit=Unit.SHARE,
    definition="Of the people who applied or were interviewed in the window, at least 14 days ago, "
    "the share who have heard nothing since: no personal message, call or meeting, no next step, "
    "no decision, ours or theirs. Neither a message of a cadence nor one known to be automatic is "
    "an answer.",
    counts=Ids.PEOPLE,
    population="people who applied or were interviewed in the window, at least 14 days ago",
    window=_WINDOW,
    numerator="those without an answer since their newest application or interview",
    denominator="people whose newest application or interview is in the window and 14 days old",
    exclusions=("people who applied or were interviewed less than 14 days ago",),
    less_is_better=True,
    reasons="Also called ghosting. The 14 days are a convention, stated so that it can be argued "
    "with.",
)
TIME_TO_FILL = Definition(
    name="time_to_fill",
    title="Time to fill",
    unit=Unit.FASTER,
    definition="How much shorter the Kaplan-Meier median time from a role's opening to the first "
    "hire for it is when that hire is CRM-sourced: 1 - CRM-sourced ÷ cold. Roles that are not "
    "filled yet, or were closed without a hire, last at least so long; they are dealt out to the "
    "two sides in proportion to what each has filled, the young and the old alike, since nobody "
    f"knows who will fill them. {_PARTED}",
    counts=Ids.ROLES,
    population="roles opened in the window",
    window="openings: the window that ends now; hires: up to now",
    numerator="median days of roles filled CRM-sourced, with their share of the unfilled",
    denominator="median days of roles filled cold, with their share of the unfilled",
    exclusions=(
        "hires logged twice",
        "hires that name no role",
        "hires of unknown roles",
        "hires for roles without an opening date",
        "hires before their role opened",
        "further hires for a role",
    ),
    benchmark=_usual(0.20, 0.30),
    reasons="An average over filled roles only is biased: the slow ones are still open. Roles "
    "opened in the window are followed from their beginning, so that none is missed for having "
    "been filled before.",
)
TIME_TO_HIRE = Definition(
    name="time_to_hire",
    title="Time to hire",
    unit=Unit.FASTER,
    definition="How much shorter the median time from application to hire is for CRM-sourced "
    f"hires: 1 - CRM-sourced ÷ cold. {_PARTED}",
    counts=Ids.HIRES,
    population="hires in the window with an application for their role",
    window=_WINDOW,
    numerator="median days of CRM-sourced hires",
    denominator="median days of cold hires",
    exclusions=("hires logged twice", "hires without an application"),
    reasons="Hires only: most applications end otherwise, and to take those under way for hires "
    "to come would make the time longer than it is.",
)
QUALITY = Definition(
    name="quality_of_hire",
    title="Quality of hire",
    unit=Unit.HIGHER,
    definition="How much higher the Kaplan-Meier share still here 365 days after the hire is among "
    "CRM-sourced hires: CRM-sourced ÷ cold - 1. People who are still here count as staying at "
    f"least so long. {_PARTED}",
    counts=Ids.HIRES,
    population="hires in the window, or in the 365 days before it",
    window="the window that ends now, begun 365 days earlier",
    numerator="share of CRM-sourced hires still here after 365 days",
    denominator="share of cold hires still here after 365 days",
    exclusions=("hires logged twice",),
    benchmark=_usual(0.10, 0.15),
    reasons="To ask only those hired a year ago would leave out most; to count who is still here "
    "as a success would count last week's hires.",
)
PERFORMANCE = Definition(
    name="performance_of_hire",
    title="Performance of hires",
    unit=Unit.HIGHER,
    definition="How much higher the mean performance rating of CRM-sourced hires is: "
    f"CRM-sourced ÷ cold - 1. The ratings are the host's own, on one scale. {_PARTED}",
    counts=Ids.HIRES,
    population="hires in the window, or in the 365 days before it, who have a rating",
    window="the window that ends now, begun 365 days earlier",
    numerator="mean rating of CRM-sourced hires",
    denominator="mean rating of cold hires",
    exclusions=("hires logged twice", "hires without a rating"),
)
COST = Definition(
    name="cost_per_hire",
    title="Cost per hire",
    unit=Unit.LOWER,
    definition="How much lower (internal + external costs) ÷ hires, the cost per hire of "
    "ANSI/SHRM 06001.2012, is for CRM-sourced hires: 1 - CRM-sourced ÷ cold. The costs are those "
    f"that the caller states for the window. {_PARTED}",
    counts=Ids.HIRES,
    population="hires in the window",
    window=_WINDOW,
    numerator="CRM-sourced: (internal + external costs) ÷ hires",
    denominator="cold: (internal + external costs) ÷ hires",
    exclusions=("hires logged twice",),
    benchmark=_usual(0.30, 0.50),
)
RETURN = Definition(
    name="return_on_practice",
    title="Return on the practice",
    unit=Unit.TIMES,
    definition="What CRM-sourced hires would have cost at the cold cost per hire, less what they "
    f"cost, for each unit of money spent on them: 0.5 is 50 cents saved for each euro. {_PARTED}",
    counts=Ids.HIRES,
    population="hires in the window",
    window=_WINDOW,
    numerator="CRM-sourced hires × cold cost per hire - CRM-sourced costs",
    denominator="CRM-sourced costs",
    exclusions=("hires logged twice",),
    reasons="It takes for granted that each of these hires would have been made cold.",
)
CRM_SHARE = Definition(
    name="crm_hire_share",
    title="Hires out of the CRM",
    unit=Unit.SHARE,
    definition=f"Of the hires in the window, the share that is CRM-sourced. {_PARTED}",
    counts=Ids.HIRES,
    population="hires in the window",
    window=_WINDOW,
    numerator="those that are CRM-sourced",
    denominator="hires in the window",
    exclusions=("hires logged twice",),
)
REDISCOVERED = Definition(
    name="rediscovered_share",
    title="Hires rediscovered",
    unit=Unit.SHARE,
    definition="Of the CRM-sourced hires in the window, the share of people who were known before "
    "the role opened: their oldest fact is earlier than the opening.",
    counts=Ids.HIRES,
    population="CRM-sourced hires in the window whose role's opening is known",
    window=_WINDOW,
    numerator="those known before the role opened",
    denominator="CRM-sourced hires in the window whose role's opening is known",
    exclusions=("hires logged twice", "hires whose role's opening is unknown"),
    elsewhere="46 % of sourced hires are rediscovered people (Gem)",
)

SEVEN = (PIPELINE, ENGAGEMENT, CONVERSION, TIME_TO_FILL, QUALITY, COST, RE_ENGAGEMENT)
"""The seven metrics of the field, in its order."""

DEFINITIONS: Mapping[str, Definition] = MappingProxyType(
    {
        each.name: each
        for each in (
            *SEVEN,
            *(ACTIVE, FRESHNESS, REACHABLE, CONSENT, SINCE_CONTACT),
            *(OPENS, CLICKS, REPLIES, SECOND, BOUNCES, UNSUBSCRIBES, COMPLAINTS),
            *(TIME_TO_HIRE, PERFORMANCE, RETURN, CRM_SHARE, REDISCOVERED, SILENCE),
        )
    }
)
"""Every metric that a scorecard has, by name."""

NAMES = tuple(DEFINITIONS)
"""Their names, in the order of the scorecard."""
