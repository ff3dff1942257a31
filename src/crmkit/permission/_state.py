"""Two questions inside the arbiter's, for those who ask them alone: consent, and suppression."""

from datetime import datetime

from crmkit._time import earliest, to_instant
from crmkit.model import NURTURE, Channel, Reason, Relationship, Verdict
from crmkit.model import _fields as fields
from crmkit.model._process import PROCESS
from crmkit.permission._arbiter import DEFAULT
from crmkit.permission._case import ADDRESS, BASIS, ON_RECORD, SENT, SNOOZE, TOOK_PART, Case

CONSENT_KINDS = BASIS
SUPPRESSION_KINDS = BASIS | ADDRESS
ARBITER_KINDS = frozenset({*BASIS, *ADDRESS, *ON_RECORD, *TOOK_PART, *PROCESS, *SNOOZE, *SENT})
"""The interaction kinds that could change what `permission` answers."""


def consent_in_force(
    relationship: Relationship, *, now: datetime, purpose: str = NURTURE
) -> Verdict[bool]:
    """Say whether a consent to the purpose is in force, and until when.

    The newest consent to the purpose counts, unless it has expired, or a withdrawal or
    unsubscription came after it or with it.

    >>> from crmkit.model import Candidate, Interaction
    >>> given = Interaction(candidate_id="ada", kind="consented", at="2026-01-05T09:00Z",
    ...                     properties={"purpose": "nurture", "wording_version": "1"})
    >>> now = datetime.fromisoformat("2026-03-02T09:00Z")
    >>> print(consent_in_force(Relationship(Candidate(id="ada"), [given]), now=now))
    <Verdict True, until no clock changes it>
    ✓ a consent to nurture is in force (found of 2026-01-05)
    """
    case = Case(relationship, to_instant(now, "now"), Channel.EMAIL, purpose, DEFAULT)
    consent = case.consent
    until = earliest(case.next_of(BASIS), consent.expires_at if consent else None)
    found = f"of {consent.at:%Y-%m-%d}" if consent else "none"
    text = f"a consent to {purpose} is in force"
    because = Reason(text, holds=consent is not None, found=found, until=until)
    return Verdict(consent is not None, because, until)


def suppression(
    relationship: Relationship, *, now: datetime, channel: Channel = Channel.EMAIL
) -> Verdict[bool]:
    """Say whether the person must not be contacted at all, why, and until when.

    Erased; do-not-contact; unsubscribed or consent to nurture withdrawn; or complained about the
    channel. A later consent to nurture ends a complaint, and the others for as long as it is in
    force.

    >>> from crmkit.model import Candidate, Interaction
    >>> stop = Interaction(candidate_id="ada", kind="unsubscribed", at="2026-01-05T09:00Z")
    >>> now = datetime.fromisoformat("2026-03-02T09:00Z")
    >>> print(suppression(Relationship(Candidate(id="ada"), [stop]), now=now))
    <Verdict True, until no clock changes it>
    ✓ must not be contacted by email (found unsubscribed on 2026-01-05)
    """
    where = fields.channel(channel)
    case = Case(relationship, to_instant(now, "now"), where, NURTURE, DEFAULT)
    candidate, stop, complaint = case.candidate, case.stop, case.complaint()
    until = None
    if candidate.erased or candidate.do_not_contact:
        found = "erased" if candidate.erased else "do-not-contact"
    else:
        found = ""
        if stop and not case.consent:
            found = f"{stop.kind} on {stop.at:%Y-%m-%d}"
        elif complaint:
            found = f"complained on {complaint.at:%Y-%m-%d}"
        until = earliest(
            case.next_of(SUPPRESSION_KINDS), case.consent.expires_at if case.consent else None
        )
    text = f"must not be contacted by {where}"
    because = Reason(text, holds=bool(found), found=found or "nothing against it", until=until)
    return Verdict(bool(found), because, until)
