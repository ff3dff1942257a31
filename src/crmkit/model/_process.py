"""Who is in an active process, who works here already, and who said until when: from the log."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time

from crmkit.errors import InvalidRecord
from crmkit.model import _fields as fields
from crmkit.model._history import History
from crmkit.model._interaction import Interaction

OPENING = frozenset({"applied", "screened", "assessed", "interviewed", "offered"})
CLOSING = frozenset({"rejected", "withdrew", "hired"})
_STEPS = (*sorted(OPENING), *sorted(CLOSING))
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
    return processes(history.by_kind)[0]


def processes(
    kinds: Mapping[str, Sequence[Interaction]],
) -> tuple[dict[str | None, Interaction], list[tuple[Interaction | None, Interaction]]]:
    """Return the processes under way (see `open_processes`), and those that have ended.

    *kinds* are the facts of a history by kind (`History.by_kind`). Of the processes that have
    ended it returns what began each and what ended it, in the order of their ends; an end without
    a beginning in the log has None for it.

    >>> facts = [Interaction(candidate_id="a", kind=kind, at=f"2026-01-0{day}T09:00Z", role_id="r")
    ...          for day, kind in [(5, "applied"), (9, "rejected")]]
    >>> running, ended = processes(History(facts).by_kind)
    >>> [(beginning.kind, end.kind) for beginning, end in ended]
    [('applied', 'rejected')]
    """
    running: dict[str | None, Interaction] = {}
    ended: list[tuple[Interaction | None, Interaction]] = []
    facts = [fact for kind in _STEPS if kind in kinds for fact in kinds[kind]]
    for fact in sorted(facts, key=_causal):
        if fact.kind in OPENING:
            running.setdefault(fact.role_id, fact)
        elif fact.role_id is None:
            ended += [(began, fact) for began in running.values()] or [(None, fact)]
            running.clear()
        else:
            ended.append((running.pop(fact.role_id, None), fact))
    return running, ended


def _causal(fact: Interaction) -> tuple[datetime, bool, str]:
    return fact.at, fact.kind in CLOSING, fact.id


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
