"""Who may be contacted, and which addresses never: the questions and lists of a host."""

from collections.abc import Iterable
from datetime import datetime

from crmkit.errors import InvalidRecord
from crmkit.lifecycle._live import Door, hold
from crmkit.lifecycle._suppress import holders, silence
from crmkit.lifecycle._workspace import Workspace
from crmkit.model import Channel, Suppression, address_digest
from crmkit.model import _fields as fields
from crmkit.model._suppression import suppression_reason
from crmkit.permission import Permission, permission


def may_contact(
    work: Workspace, candidate_id: str, channel: Channel, purpose: str, now: datetime
) -> Permission:
    """Ask the arbiter about somebody stored."""
    known = work.relationship(candidate_id)
    return permission(known, now=now, channel=channel, purpose=purpose, policy=work.policy)


def suppress(
    work: Workspace, addresses: Iterable[str], reason: str, channel: Channel, now: datetime
) -> int:
    """Keep addresses silent, and let engage look again at who has them; return how many are new."""
    channel = fields.channel(channel)
    listed = _addresses(addresses, channel)
    entries = {
        Suppression(digest=address_digest(each, channel), reason=suppression_reason(reason), at=now)
        for each in listed
    }
    with work.store.transaction():
        door = Door.open(work, now)
        people = holders(work, listed) if channel is Channel.EMAIL else []
        hold(work, (person.id for person in people))
        door.catch_up(people)
        new = silence(work, entries)
        if new:
            door.changed(person.id for person in people)
            door.settle(people)
    return new


def _addresses(addresses: Iterable[str], channel: Channel) -> tuple[str, ...]:
    if not isinstance(addresses, str):
        addresses = list(addresses)
    try:
        return fields.emails(addresses) if channel is Channel.EMAIL else fields.texts(addresses)
    except InvalidRecord as error:
        raise error.under("addresses") from None
