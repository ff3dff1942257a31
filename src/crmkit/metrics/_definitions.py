"""The seven metrics of the field: what each one counts, in words, and its benchmark."""

import attrs

from crmkit.metrics._metric import Benchmark, Unit

SOURCE = "convention of candidate-relationship practice, not a measured optimum"


@attrs.frozen(kw_only=True)
class Definition:
    """What one metric is, before anything was counted."""

    name: str
    title: str
    unit: Unit
    definition: str
    population: str
    benchmark: Benchmark | None = None


def _usual(low: float, high: float) -> Benchmark:
    return Benchmark(low=low, high=high, source=SOURCE)


_CRM_SOURCED = (
    "CRM-sourced: sent a message, messaged, called or met before applying for the role (before "
    "the hire, where no application is logged); everyone else is cold."
)

PIPELINE = Definition(
    name="pipeline_size",
    title="Pipeline size",
    unit=Unit.PEOPLE,
    definition="People in the CRM who are not erased and do not work here now. No benchmark: it "
    "varies, and quality counts for more than size.",
    population="everyone in the CRM",
)
ENGAGEMENT = Definition(
    name="engagement_rate",
    title="Engagement rate",
    unit=Unit.SHARE,
    definition="Of the people who were sent at least one e-mail in the window, the share who then "
    "opened or clicked one in the window: the open rate, where a click counts as an open because "
    "nobody clicks unread and some mail clients hide opens. Counted per person and over everyone "
    "e-mailed, bounced or not, as Greenhouse does. Opens and clicks known to be machine-made are "
    "left out; those of unknown origin count.",
    population="people sent at least one e-mail in the window",
    benchmark=_usual(0.20, 0.35),
)
CONVERSION = Definition(
    name="conversion_rate",
    title="Conversion rate",
    unit=Unit.SHARE,
    definition="Of the people who were ever sent a message, the share who applied in the window, "
    "after the first message to them.",
    population="people sent at least one message, in the window or before it",
    benchmark=_usual(0.05, 0.15),
)
TIME_TO_FILL = Definition(
    name="time_to_fill",
    title="Time to fill",
    unit=Unit.FASTER,
    definition="How much shorter the median time from a role's opening to a hire for it is when "
    "the hire is CRM-sourced: 1 - CRM-sourced ÷ cold. Each hire in the window counts once; roles "
    f"still open are not counted yet, so both medians are on the short side. {_CRM_SOURCED}",
    population="hires in the window whose role and its opening are known",
    benchmark=_usual(0.20, 0.30),
)
QUALITY = Definition(
    name="quality_of_hire",
    title="Quality of hire",
    unit=Unit.HIGHER,
    definition="How much higher the share still here one calendar year after the hire is among "
    f"CRM-sourced hires: CRM-sourced ÷ cold - 1. {_CRM_SOURCED}",
    population="hires whose first anniversary fell in the window",
    benchmark=_usual(0.10, 0.15),
)
COST = Definition(
    name="cost_per_hire",
    title="Cost per hire",
    unit=Unit.LOWER,
    definition="How much lower (internal + external costs) ÷ hires, the cost per hire of "
    "ANSI/SHRM 06001.2012, is for CRM-sourced hires: 1 - CRM-sourced ÷ cold. The costs are those "
    f"that the caller states for the window. {_CRM_SOURCED}",
    population="hires in the window",
    benchmark=_usual(0.30, 0.50),
)
RE_ENGAGEMENT = Definition(
    name="re_engagement_rate",
    title="Re-engagement rate",
    unit=Unit.SHARE,
    definition="Of the people who were sent a message in the window while cold, the share who "
    "engaged after it. Cold: at least {cold_after} messages in a row without an answer. Engaged: "
    "an interaction that the engagement policy gives weight, so by default neither an open nor "
    "anything machine-made.",
    population="people sent a message in the window while cold",
    benchmark=_usual(0.08, 0.15),
)

DEFINITIONS = (PIPELINE, ENGAGEMENT, CONVERSION, TIME_TO_FILL, QUALITY, COST, RE_ENGAGEMENT)

NAMES = tuple(definition.name for definition in DEFINITIONS)
"""The names of the seven metrics, in the field's order."""
