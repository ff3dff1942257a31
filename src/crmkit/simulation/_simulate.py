"""Put a pool through cadences: the production planner, and people who answer by chance."""

import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from crmkit._progress import Bar, Progress
from crmkit._time import to_instant
from crmkit.cadence import Cadence
from crmkit.engagement import EngagementPolicy
from crmkit.errors import InvalidRecord
from crmkit.model import Relationship
from crmkit.model import _fields as fields
from crmkit.permission import ContactPolicy
from crmkit.simulation._behaviour import Behaviour
from crmkit.simulation._course import Course, Setting
from crmkit.simulation._rows import PersonRow, TouchRow
from crmkit.simulation._simulation import Simulation

Choice = Callable[[Relationship], Sequence[Cadence]]
"""Which cadences a person gets, the most important first; none is fine."""

_CHUNK = 50
"""People a worker is handed at once."""
_LONGEST = 1040
_WEEK = timedelta(weeks=1)
_LAST = datetime.max.replace(tzinfo=UTC)
_BEHAVIOUR = Behaviour()
_EVERYONE = "everyone"

_Entry = tuple[Relationship, tuple[Cadence, ...], str]
_Found = list[tuple[PersonRow, list[TouchRow]]]


def simulate(
    people: Iterable[Relationship],
    cadences: Cadence | Sequence[Cadence] | Choice,
    *,
    start: datetime,
    weeks: int = 104,
    seed: int = 0,
    behaviour: Behaviour = _BEHAVIOUR,
    policy: ContactPolicy | None = None,
    engagement: EngagementPolicy | None = None,
    label: Callable[[Relationship], str] | None = None,
    workers: int = 1,
    progress: Progress | bool | None = None,
) -> Simulation:
    """Return what becomes of a pool under one or several cadences, if people behave like that.

    Everybody is enrolled at *start*, unless permission refuses the first touch (counted, with
    the rule). From then on the production planner says what goes when, each touch goes at its
    time, the *behaviour* draws what the person does about it, and with each new fact the planner
    is asked anew. Of several cadences, the most important first, each is planned beside those
    before it; a function gives each person cadences of their own. Recruiters answer replies and
    do their tasks as the behaviour says; an application ends in its time, and the cadence goes on.

    Luck is drawn by *seed*, person and the place of the message: two cadences simulated with one
    seed meet the same luck, and neither the order of people nor *workers* (processes) matters.
    *label* names a person's segment, for the picture and the rows. *progress* is told how many
    are done, and of how many; True shows a bar on standard error.

    With more than one worker, call it under ``if __name__ == "__main__":`` in a script, and
    keep calendars of your own in a module.

    >>> from datetime import UTC, datetime
    >>> from crmkit.cadence import SEVEN_TOUCH
    >>> from crmkit.datasets import simulate_people
    >>> start = datetime(2026, 3, 2, 9, tzinfo=UTC)
    >>> pool = simulate_people(20, seed=1, at=start)
    >>> found = simulate(pool, SEVEN_TOUCH, start=start, weeks=52)
    >>> found.rows()[0]["touch"]
    'welcome'
    """
    setting = Setting(
        start=to_instant(start, "start"),
        weeks=fields.whole(weeks, 1, _LONGEST, path="weeks"),
        seed=fields.whole(seed, -(2**63), 2**63, path="seed"),
        behaviour=fields.of_kind(behaviour, Behaviour, path="behaviour"),
        policy=fields.of_kind(policy or ContactPolicy(), ContactPolicy, path="policy"),
        engagement=fields.of_kind(
            engagement or EngagementPolicy(), EngagementPolicy, path="engagement"
        ),
    )
    if setting.start > _LAST - setting.weeks * _WEEK:
        raise InvalidRecord("weeks", "they reach past the year 9999")
    choose = _chooser(cadences)
    entries = list(_entries(people, choose, label, setting))
    parts = _parts(entries, setting, fields.whole(workers, 1, 256, path="workers"))
    found: _Found = []
    with Bar("simulated", shown=True) if progress is True else nullcontext(progress) as tell:
        for part in parts:
            found += part
            if tell:
                tell(len(found), len(entries))
    return Simulation(
        name=_name(cadences),
        start=setting.start,
        weeks=setting.weeks,
        seed=setting.seed,
        behaviour=setting.behaviour,
        pool=_digest(entries),
        touches=tuple(row for _, rows in found for row in rows),
        persons=tuple(person for person, _ in found),
    )


def _chooser(cadences: Cadence | Sequence[Cadence] | Choice) -> Choice:
    if callable(cadences):
        return cadences
    fixed = _listed([cadences] if isinstance(cadences, Cadence) else cadences, "cadences")
    if not fixed:
        raise InvalidRecord("cadences", "expected at least one cadence")
    return lambda _: fixed


def _listed(value: object, path: str) -> tuple[Cadence, ...]:
    return fields.records(value, Cadence, "cadences", path=path, unique="name")


def _entries(
    people: Iterable[Relationship],
    choose: Choice,
    label: Callable[[Relationship], str] | None,
    setting: Setting,
) -> Iterator[_Entry]:
    # Functions of the caller's are asked here, so that they need not reach other processes.
    seen: set[str] = set()
    for index, each in enumerate(people):
        known = fields.of_kind(each, Relationship, path=f"people[{index}]").upto(setting.start)
        if known.id in seen:
            raise InvalidRecord(f"people[{index}].id", f"{known.id!r} is there already")
        seen.add(known.id)
        chosen = _listed(choose(known), f"cadences(people[{index}])")
        yield known, chosen, _named(label(known), index) if label else _EVERYONE


def _named(label: object, index: int) -> str:
    try:
        return fields.text(label)
    except InvalidRecord as error:
        raise error.under(f"label(people[{index}])") from None


def _name(cadences: Cadence | Sequence[Cadence] | Choice) -> str:
    if isinstance(cadences, Cadence):
        cadences = (cadences,)
    if callable(cadences):
        return "cadences by person"
    return " + ".join(
        cadence.name + (f" {cadence.version}" if cadence.version > 1 else "")
        for cadence in cadences
    )


def _digest(entries: Sequence[_Entry]) -> str:
    digest = blake2b(digest_size=16)
    for known, _, _ in entries:
        digest.update(f"{known.id}\x1f".encode())
        for fact in known.history:
            digest.update(f"{fact.id}\x1f".encode())
        digest.update(b"\x1e")
    return digest.hexdigest()


def _live(entries: Sequence[_Entry], setting: Setting) -> _Found:
    return [Course(known, cadences, label, setting).run() for known, cadences, label in entries]


def _parts(entries: Sequence[_Entry], setting: Setting, workers: int) -> Iterator[_Found]:
    chunks = [entries[place : place + _CHUNK] for place in range(0, len(entries), _CHUNK)]
    if workers == 1 or len(chunks) < 2:
        for chunk in chunks:
            yield _live(chunk, setting)
        return
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    _check_parcel(setting, "policy")
    _check_parcel([chosen for _, chosen, _ in entries], "cadences")
    pool = ProcessPoolExecutor(
        min(workers, len(chunks)),
        mp_context=get_context("spawn"),
        initializer=_begin,
        initargs=(setting,),
    )
    try:
        with pool:
            yield from pool.map(_work, chunks)
    except BrokenProcessPool:
        problem = (
            'a worker could not start: call simulate under `if __name__ == "__main__":`, and keep '
            "classes of your own (a calendar of holidays) in a module; or take workers=1"
        )
        raise InvalidRecord("workers", problem) from None


def _check_parcel(value: object, path: str) -> None:
    try:
        pickle.dumps(value)
    except Exception as error:  # noqa: BLE001 - whatever their own classes raise
        problem = f"cannot be sent to another process ({type(error).__name__}: {error})"
        raise InvalidRecord(path, f"{problem}; take workers=1") from None


_settings: list[Setting] = []


def _begin(setting: Setting) -> None:
    _settings[:] = [setting]


def _work(chunk: Sequence[_Entry]) -> _Found:
    return _live(chunk, _settings[0])
