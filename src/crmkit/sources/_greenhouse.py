"""How Greenhouse's words become ours: sources, stages, reasons."""

from types import MappingProxyType

from crmkit.model import Source

FINAL_STAGES = frozenset(
    {
        "Face to Face",
        "Final Interview",
        "Final Round",
        "Offer",
        "On-site",
        "Onsite",
        "Reference Check",
        "Take Home Test",
    }
)
"""The stages that count as a final round; a rejection there makes a silver medalist."""

RUNNER_UP_REASONS = frozenset({"Hired another candidate"})
"""Reasons that say somebody lost to another; they count once the person was evaluated."""

SOURCES = MappingProxyType(
    {
        "linkedin (prospecting)": Source.SOURCED,
        "linkedin recruiter": Source.SOURCED,
        "github": Source.SOURCED,
        "stack overflow (prospecting)": Source.SOURCED,
        "internet search": Source.SOURCED,
        "sourced": Source.SOURCED,
        "entelo": Source.PROSPECT,
        "gem": Source.PROSPECT,
        "hireez": Source.PROSPECT,
        "meetups": Source.EVENT,
        "meetup": Source.EVENT,
        "conferences": Source.EVENT,
        "conference": Source.EVENT,
        "career fair": Source.EVENT,
        "career fairs": Source.EVENT,
        "job fair": Source.EVENT,
        "campus job fair": Source.EVENT,
        "event": Source.EVENT,
        "referral": Source.REFERRAL,
        "employee referral": Source.REFERRAL,
        "former employee": Source.ALUMNI,
        "alumni": Source.ALUMNI,
        "jobs page on your website": Source.INBOUND,
        "careers page": Source.INBOUND,
        "company website": Source.INBOUND,
        "linkedin (ad posting)": Source.INBOUND,
        "monster": Source.INBOUND,
        "indeed": Source.INBOUND,
        "glassdoor": Source.INBOUND,
    }
)
"""Greenhouse's source names, casefolded. Hosts name their own, so most are not here: those, and
ambiguous ones such as "LinkedIn" or "Agency", stay unknown."""

# The first word found in a stage's name decides, so "Final Interview" is no "Offer".
_STAGES = (
    ("reference", "screened"),
    ("phone", "screened"),
    ("screen", "screened"),
    ("take home", "assessed"),
    ("assessment", "assessed"),
    ("test", "assessed"),
    ("interview", "interviewed"),
    ("face to face", "interviewed"),
    ("onsite", "interviewed"),
    ("on-site", "interviewed"),
    ("final round", "interviewed"),
    ("offer", "offered"),
)


def kind_of_stage(stage: str) -> str | None:
    """Return the interaction kind that reaching a stage amounts to, if any.

    >>> kind_of_stage("Take Home Test"), kind_of_stage("Application Review")
    ('assessed', None)
    """
    name = stage.casefold()
    return next((kind for word, kind in _STAGES if word in name), None)
