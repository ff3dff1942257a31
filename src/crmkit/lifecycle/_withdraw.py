"""Somebody follows a link that stops messages."""

from datetime import datetime

from crmkit.errors import InvalidRecord, NotFound
from crmkit.lifecycle._live import hold, log
from crmkit.lifecycle._workspace import Workspace
from crmkit.model import Interaction


def unsubscribe(work: Workspace, token: str, now: datetime) -> Interaction:
    """Log that the person of a message wants no more of them; once, until they consent again."""
    if work.links is None:
        raise InvalidRecord("unsubscribe", "no links are made: CRM(…, unsubscribe=…)")
    key = work.links.read(token)
    record = work.store.find_touches([key]).get(key)
    if record is None:
        raise NotFound("touch", key)
    with work.store.transaction():
        hold(work, [record.candidate_id])
        history = work.relationship(record.candidate_id).history
        known = history.last("unsubscribed")
        consent = history.last("consented")
        if known and (consent is None or consent.at <= known.at):
            return known
        fact = Interaction(
            candidate_id=record.candidate_id,
            kind="unsubscribed",
            at=now,
            enrollment_id=record.enrollment_id,
            touch=record.touch,
            rotation=record.rotation,
            properties={"by": "link"},
        )
        log(work, [fact], now)
    return fact
