"""Which segment gets which cadence, in order of priority."""

from collections.abc import Collection

import attrs

from crmkit.cadence._cadence import Cadence
from crmkit.cadence._catalogue import SEVEN_TOUCH
from crmkit.errors import InvalidRecord, NotFound
from crmkit.model import _fields as fields


def _entries(value: object) -> tuple[tuple[str, Cadence], ...]:
    if not isinstance(value, list | tuple):
        raise InvalidRecord("entries", f"expected (segment, cadence) pairs, got {value!r}")
    for index, entry in enumerate(value):
        match entry:
            case (str(), Cadence()):
                continue
            case _:
                raise InvalidRecord(f"entries[{index}]", "expected a (segment, cadence) pair")
    return tuple((segment, cadence) for segment, cadence in value)


def _otherwise(value: object) -> Cadence | None:
    if value is None or isinstance(value, Cadence):
        return value
    raise InvalidRecord("otherwise", f"expected a Cadence or None, got {type(value).__name__}")


def _also(value: object) -> tuple[Cadence, ...]:
    return fields.records(value, Cadence, "cadences", path="also")


def _occasions(value: object) -> tuple[Cadence, ...]:
    return fields.records(value, Cadence, "cadences", path="occasions")


def _most(value: object) -> int:
    return fields.whole(value, 1, path="most")


@attrs.frozen
class Playbook:
    """Segment names and their cadences, the most important first, and a cadence for the rest.

    Somebody in several segments gets the cadences of the first ``most`` of them, each cadence
    once; with ``otherwise=None`` those in none of them get nothing. Who goes through several
    cadences at once hears no more for it: the caps of `ContactPolicy` hold for all of them
    together, and the less important one gives way.

    >>> [segment for segment, cadence in
    ...  Playbook([("silver medalists", SEVEN_TOUCH)]).choose({"silver medalists"})]
    ['silver medalists']
    """

    entries: tuple[tuple[str, Cadence], ...] = attrs.field(default=(), converter=_entries)
    otherwise: Cadence | None = attrs.field(default=SEVEN_TOUCH, kw_only=True, converter=_otherwise)
    most: int = attrs.field(default=1, kw_only=True, converter=_most)
    """How many cadences one person may go through at once."""
    occasions: tuple[Cadence, ...] = attrs.field(default=(), kw_only=True, converter=_occasions)
    """Cadences that begin with an occasion (a role opens), by `CRM.enroll`, and by nothing else.

    They are more important than all others, and do not count in ``most``.
    """
    also: tuple[Cadence, ...] = attrs.field(default=(), kw_only=True, converter=_also)
    """Cadences, or versions of them, that people may still be inside; nobody begins one."""

    _by_name: dict[tuple[str, int], Cadence] = attrs.field(
        init=False, repr=False, eq=False, factory=dict
    )

    def __attrs_post_init__(self) -> None:
        found = [("occasions", cadence) for cadence in self.occasions]
        found += [("entries", cadence) for _, cadence in self.entries]
        found += [("otherwise", self.otherwise)] if self.otherwise else []
        for path, cadence in [*found, *(("also", each) for each in self.also)]:
            if self._by_name.setdefault((cadence.name, cadence.version), cadence) != cadence:
                problem = f"two cadences are called {cadence.name!r} {cadence.version}"
                raise InvalidRecord(path, f"{problem}; a changed one needs a version of its own")

    @property
    def cadences(self) -> tuple[Cadence, ...]:
        """Every cadence of the playbook, once each."""
        return tuple(self._by_name.values())

    def choose(self, segments: Collection[str]) -> tuple[tuple[str | None, Cadence], ...]:
        """Return the cadences for somebody in these segments, each with the segment that decided.

        The most important first, at most ``most`` of them; nothing when none fits.
        """
        found: dict[str, tuple[str | None, Cadence]] = {}
        for segment, cadence in self.entries:
            if segment in segments:
                found.setdefault(cadence.name, (segment, cadence))
        if not found and self.otherwise:
            return ((None, self.otherwise),)
        return tuple(found.values())[: self.most]

    def is_occasion(self, cadence: str) -> bool:
        """Return whether a cadence, by its name, begins with an occasion."""
        return any(each.name == cadence for each in self.occasions)

    def rank(self, cadence: str) -> int:
        """Return the place of a cadence, by its name, from 0 for the most important."""
        names = list(dict.fromkeys(name for name, _ in self._by_name))
        return names.index(cadence) if cadence in names else len(names)

    def cadence(self, name: str, version: int) -> Cadence:
        """Return the cadence of that name and version, or raise `NotFound`."""
        if found := self._by_name.get((name, version)):
            return found
        known = [f"{cadence.name} {cadence.version}" for cadence in self.cadences]
        raise NotFound("cadence", f"{name} {version}", known)
