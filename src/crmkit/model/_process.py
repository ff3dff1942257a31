"""Who is in an active process, who works here already, and who said until when: from the log."""

from datetime import UTC, datetime, time

from crmkit.errors import InvalidRecord
from crmkit.model import _fields as fields
from crmkit.model._history import History
from crmkit.model._interaction import Interaction

OPENING = frozenset({"applied", "screened", "assessed", "interviewed", "offered"})
CLOSING = frozenset({"rejected", "withdrew", "hired"})
PROCESS = OPENING | CLOSING | {"left"}
"""Every kind that says whether somebody is in a process, or works here."""


def open_processes(history: History) -> dict[str | None, Interaction]:
    """Return the processes under way by role id, each with the fact that began it.

    An end without a role id ends them all. Begin and end at one instant count as ended: imports
    often know only the day.

    >>> applied = Interaction(candidate_id="a", kind="applied", at="2026-01-05T09:00Z", role_id="r")
    >>> list(open_processes(History([applied])))
    ['r']
    """
    running: dict[str | None, Interaction] = {}
    facts = history.of(*OPENING, *CLOSING)
    for fact in sorted(facts, key=lambda fact: (fact.at, fact.kind in CLOSING, fact.id)):
        if fact.kind in OPENING:
            running.setdefault(fact.role_id, fact)
        elif fact.role_id is None:
            running.clear()
        else:
            running.pop(fact.role_id, None)
    return running


def employed_since(history: History) -> Interaction | None:
    """Return the newest ``hired`` fact of somebody who has not left since, or None."""
    hired, left = history.last("hired"), history.last("left")
    return hired if hired and (left is None or left.at < hired.at) else None


def until_of(fact: Interaction) -> datetime | None:
    """Return the instant that a fact's ``until`` property names: a pause, an absence, "in May".

    A bare date, as imports have it, means its beginning in UTC. None if there is none, or it cannot
    be read: then no end is in sight.

    >>> away = Interaction(candidate_id="a", kind="auto_replied", at="2026-01-05T09:00Z",
    ...                    properties={"until": "2026-01-19T00:00Z"})
    >>> until_of(away).isoformat()
    '2026-01-19T00:00:00+00:00'
    """
    stated = fact.properties.get("until")
    for read in (fields.optional_instant, _midnight):
        try:
            return read(stated)
        except InvalidRecord:
            continue
    return None


def _midnight(value: object) -> datetime | None:
    day = fields.optional_date(value)
    return datetime.combine(day, time(), UTC) if day else None
