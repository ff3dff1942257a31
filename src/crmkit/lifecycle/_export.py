"""Export: everything that is kept about a person, for them to read."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from crmkit.codec import to_dict
from crmkit.lifecycle._workspace import Workspace
from crmkit.model import Channel, Relationship, address_digests
from crmkit.permission import permission

_CHANNELS = (Channel.EMAIL, Channel.LINKEDIN, Channel.TEXT, Channel.PHONE)


def export(work: Workspace, candidate_id: str, now: datetime) -> dict[str, Any]:
    """Return everything about one person as JSON values."""
    with work.store.transaction():
        known = work.relationship(candidate_id)
        people, store = [known.candidate], work.store
        return {
            "candidate_id": known.id,
            "at": now.isoformat(),
            "candidate": to_dict(known.candidate),
            "interactions": _written(known.history),
            "memberships": _written(work.about(people, store.memberships)),
            "watches": _written(work.about(people, store.watches)),
            "transitions": _written(work.about(people, store.transitions)),
            "enrollments": _written(work.about(people, store.enrollments)),
            "touches": _written(work.about(people, store.touches)),
            "suppressions": _suppressions(work, known),
            "permission": {
                channel.value: permission(
                    known, now=now, channel=channel, policy=work.policy
                ).to_dict()
                for channel in _CHANNELS
            },
        }


def _suppressions(work: Workspace, known: Relationship) -> list[dict[str, str]]:
    """Return which of their addresses must stay silent, why and since when."""
    held = work.suppressions([known.candidate])
    return [
        {"address": address, "reason": entry.reason.value, "at": entry.at.isoformat()}
        for address, digest in address_digests(known.candidate).items()
        for entry in held.get(digest, ())
    ]


def _written(records: Iterable[object]) -> list[dict[str, Any]]:
    return [to_dict(record) for record in records]
