"""Which segment gets which cadence, in order of priority."""

from collections.abc import Collection

import attrs

from crmkit.cadence._cadence import Cadence
from crmkit.cadence._catalogue import SEVEN_TOUCH
from crmkit.errors import InvalidRecord, NotFound


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


@attrs.frozen
class Playbook:
    """Segment names and their cadences, the most important first, and a cadence for the rest.

    Somebody in several segments gets the cadence of the first; with ``otherwise=None`` those in
    none of them get nothing.

    >>> Playbook([("silver medalists", SEVEN_TOUCH)]).choose({"silver medalists"})[0]
    'silver medalists'
    """

    entries: tuple[tuple[str, Cadence], ...] = attrs.field(default=(), converter=_entries)
    otherwise: Cadence | None = attrs.field(default=SEVEN_TOUCH, kw_only=True, converter=_otherwise)

    _by_name: dict[tuple[str, int], Cadence] = attrs.field(
        init=False, repr=False, eq=False, factory=dict
    )

    def __attrs_post_init__(self) -> None:
        found = [cadence for _, cadence in self.entries]
        for cadence in [*found, *([self.otherwise] if self.otherwise else [])]:
            if self._by_name.setdefault((cadence.name, cadence.version), cadence) != cadence:
                raise InvalidRecord(
                    "entries", f"two cadences are called {cadence.name!r} {cadence.version}"
                )

    @property
    def cadences(self) -> tuple[Cadence, ...]:
        """Every cadence of the playbook, once each."""
        return tuple(self._by_name.values())

    def choose(self, segments: Collection[str]) -> tuple[str | None, Cadence] | None:
        """Return the cadence for somebody in these segments, and the segment that decided."""
        for segment, cadence in self.entries:
            if segment in segments:
                return segment, cadence
        return (None, self.otherwise) if self.otherwise else None

    def cadence(self, name: str, version: int) -> Cadence:
        """Return the cadence of that name and version, or raise `NotFound`."""
        if found := self._by_name.get((name, version)):
            return found
        known = [f"{cadence.name} {cadence.version}" for cadence in self.cadences]
        raise NotFound("cadence", f"{name} {version}", known)
