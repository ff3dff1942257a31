"""The field's vocabularies: what a source, an interest or an interaction may be called."""

from enum import StrEnum
from types import MappingProxyType

from crmkit.errors import InvalidRecord, UnknownName


class Source(StrEnum):
    """How a person came in: the eight capture sources of the field."""

    SILVER_MEDALIST = "silver_medalist"
    SOURCED = "sourced"
    INBOUND = "inbound"
    EVENT = "event"
    REFERRAL = "referral"
    PROSPECT = "prospect"
    PAST_APPLICANT = "past_applicant"
    ALUMNI = "alumni"


class Interest(StrEnum):
    """What the person said about timing."""

    ACTIVE = "active"
    """Actively looking."""
    OPEN = "open"
    """Happy where they are, but open."""
    LATER = "later"
    """Interested from a stated instant on (`Candidate.interested_from`)."""
    NOT_INTERESTED = "not_interested"


class Channel(StrEnum):
    """Where a conversation happens."""

    EMAIL = "email"
    LINKEDIN = "linkedin"
    TEXT = "text"
    PHONE = "phone"
    IN_PERSON = "in_person"
    WEB = "web"


class _Ordered(StrEnum):
    """A vocabulary whose order means something; members compare by rank."""

    @property
    def rank(self) -> int:
        """The place in the order, from 0."""
        return list(type(self)).index(self)

    def __lt__(self, other: str) -> bool:
        return self.rank < type(self)(other).rank

    def __le__(self, other: str) -> bool:
        return self.rank <= type(self)(other).rank

    def __gt__(self, other: str) -> bool:
        return self.rank > type(self)(other).rank

    def __ge__(self, other: str) -> bool:
        return self.rank >= type(self)(other).rank


class Seniority(_Ordered):
    """Career level, least to greatest; members compare by rank.

    >>> Seniority.SENIOR > "mid"
    True
    """

    INTERN = "intern"
    JUNIOR = "junior"
    MID = "mid"
    SENIOR = "senior"
    LEAD = "lead"
    EXECUTIVE = "executive"


class Stage(StrEnum):
    """The part of the practice that an interaction kind belongs to."""

    CAPTURE = "capture"
    MESSAGE = "message"
    BEHAVIOUR = "behaviour"
    CONVERSATION = "conversation"
    PROCESS = "process"
    CAREER = "career"
    CONSENT = "consent"
    LIFECYCLE = "lifecycle"
    HOST = "host"


_KINDS_BY_STAGE = {
    Stage.CAPTURE: "captured sourced referred attended signed_up applied",
    Stage.MESSAGE: "sent delivered opened clicked replied auto_replied bounced complained "
    "unsubscribed",
    Stage.BEHAVIOUR: "visited",
    Stage.CONVERSATION: "called met messaged noted",
    Stage.PROCESS: "screened assessed interviewed offered rejected withdrew hired left",
    Stage.CAREER: "promoted changed_company gained_skill moved updated verified",
    Stage.CONSENT: "consented withdrew_consent",
    Stage.LIFECYCLE: "enrolled paused resumed completed archived reactivated converted returned",
}

KINDS = MappingProxyType(
    {kind: stage for stage, kinds in _KINDS_BY_STAGE.items() for kind in kinds.split()}
)
"""Every interaction kind that crmkit knows, with its stage; a host's own start with ``x-``."""


def to_kind(value: object) -> str:
    """Return *value* if it is a known interaction kind or a host's own.

    >>> to_kind("repled")
    Traceback (most recent call last):
        ...
    crmkit.errors.UnknownName: 'repled' is not an interaction kind (a host's own start with \
'x-'); did you mean 'replied'?
    """
    if not isinstance(value, str):
        raise InvalidRecord("", f"expected an interaction kind, got {type(value).__name__}")
    if value in KINDS or (value.startswith("x-") and value[2:].isprintable() and len(value) > 2):
        return value
    what = "an interaction kind (a host's own start with 'x-')"
    raise UnknownName.among("", value, KINDS, what=what)


def stage_of(kind: str) -> Stage:
    """Return the stage of an interaction kind; a host's own kinds are `Stage.HOST`."""
    return KINDS.get(kind, Stage.HOST)
