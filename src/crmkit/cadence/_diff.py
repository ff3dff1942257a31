"""What another version of a cadence has otherwise than the one before."""

from collections.abc import Iterator
from datetime import timedelta
from html import escape

import attrs

from crmkit._time import describe_span, plural
from crmkit.cadence._cadence import Cadence, Pace, Touch
from crmkit.errors import InvalidRecord

_WHEN = ("key", "week", "day")
_LONG = frozenset({"purpose", "subject", "bodies", "content", "variants"})
"""Fields that are too long to show."""


@attrs.frozen
class FieldChange:
    """One field that is not as it was; ``field`` is its path, such as ``pace.hot``."""

    field: str
    before: object
    after: object

    def __str__(self) -> str:
        if self.field in _LONG:
            return f"{self.field} changed"
        return f"{self.field} {_said(self.before)} → {_said(self.after)}"


def _said(value: object) -> str:
    if isinstance(value, timedelta):
        return describe_span(value)
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


@attrs.frozen(kw_only=True)
class TouchChange:
    """One touch that is not as it was."""

    before: Touch
    after: Touch

    @property
    def renamed(self) -> bool:
        """Whether it has another key; what was done under the old one stays done."""
        return self.before.key != self.after.key

    @property
    def moved(self) -> bool:
        """Whether it has another week or day."""
        return self.before.days != self.after.days

    @property
    def fields(self) -> tuple[FieldChange, ...]:
        """What else is not as it was."""
        known = (*_WHEN, "was") if self.renamed else _WHEN
        return tuple(each for each in _changes(self.before, self.after) if each.field not in known)

    def __str__(self) -> str:
        parts = [f"was {self.before.key}"] if self.renamed else []
        if self.moved:
            parts.append(f"{_week(self.before)} → {_week(self.after)}")
        return f"{self.after.key}: {', '.join([*parts, *map(str, self.fields)])}"


def _week(touch: Touch) -> str:
    return f"week {touch.week}" + (f" and {plural(touch.day, 'day')}" if touch.day else "")


def _changes(before: Touch | Pace, after: Touch | Pace, path: str = "") -> Iterator[FieldChange]:
    for field in attrs.fields(type(before)):
        was, now = getattr(before, field.name), getattr(after, field.name)
        if was != now:
            yield FieldChange(path + field.name, was, now)


@attrs.frozen(kw_only=True, repr=False)
class CadenceDiff:
    """What one version of a cadence has otherwise than another; false if nothing."""

    before: Cadence
    after: Cadence
    added: tuple[Touch, ...]
    removed: tuple[Touch, ...]
    kept: tuple[TouchChange, ...]
    """The touches that stay, but not as they were, in the new order."""
    settings: tuple[FieldChange, ...]
    """What changes for all touches: the pace, and what comes back."""

    @property
    def renamed(self) -> tuple[TouchChange, ...]:
        """The touches with another key."""
        return tuple(change for change in self.kept if change.renamed)

    @property
    def moved(self) -> tuple[TouchChange, ...]:
        """The touches with another week or day."""
        return tuple(change for change in self.kept if change.moved)

    @property
    def changed(self) -> tuple[TouchChange, ...]:
        """The touches that are another thing, whenever they come."""
        return tuple(change for change in self.kept if change.fields)

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.kept or self.settings)

    def __repr__(self) -> str:
        return f"<CadenceDiff of {self._head()}>"

    def _head(self) -> str:
        kinds = ("added", "removed", "renamed", "moved", "changed", "settings")
        counts = [f"{len(getattr(self, kind))} {kind}" for kind in kinds if getattr(self, kind)]
        versions = f"{self.after.name} {self.before.version} → {self.after.version}"
        return f"{versions}: {', '.join(counts) or 'nothing changes'}"

    def __str__(self) -> str:
        return "\n".join([self._head(), *(f"{mark} {what}" for mark, what in self._rows())])

    def _rows(self) -> Iterator[tuple[str, str]]:
        yield from (("+", f"{touch.key}: {_week(touch)}") for touch in self.added)
        yield from (("-", f"{touch.key}: {_week(touch)}") for touch in self.removed)
        yield from (("~", str(change)) for change in (*self.kept, *self.settings))

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{mark}</td><td>{escape(what)}</td></tr>" for mark, what in self._rows()
        )
        return f"<table><caption>{escape(self._head())}</caption><tbody>{rows}</tbody></table>"


def compare_cadences(old: Cadence, new: Cadence) -> CadenceDiff:
    """Say what *new*, another version of *old*, changes in the definition.

    A touch is the same one when it has the key, or says that it had it (`Touch.was`). Raises
    `InvalidRecord`, with the path in *new*, when the names differ, when a changed cadence has the
    version that it had, and when a touch that stays forgets a key that it had: whoever did it
    under that key would get it again.

    >>> from crmkit._time import CalendarSpan
    >>> hello = Touch(key="hello", week=0, purpose="welcome", level=2)
    >>> news = Touch(key="news", week=8, purpose="what we shipped", level=2)
    >>> old = Cadence(name="short", touches=[hello, news])
    >>> update = attrs.evolve(news, key="update", was=["news"], week=6)
    >>> new = Cadence(name="short", version=2, touches=[hello, update], every=CalendarSpan(years=1))
    >>> print(compare_cadences(old, new))
    short 1 → 2: 1 renamed, 1 moved, 1 settings
    ~ update: was news, week 8 → week 6
    ~ every none → 1 year
    """
    if old.name != new.name:
        raise InvalidRecord("name", f"expected {old.name!r}, got {new.name!r}")
    if old.version == new.version and old != new:
        problem = f"{old.name!r} {old.version} is another one; give what changes another version"
        raise InvalidRecord("version", f"{problem}, {old.version + 1} say")
    before = {touch.key: touch for touch in old.touches}
    added: list[Touch] = []
    kept: list[TouchChange] = []
    for index, touch in enumerate(new.touches):
        names = (touch.key, *touch.was)
        known = next((before.pop(name) for name in names if name in before), None)
        if known is None:
            for was in old.touches:
                if not set(names).isdisjoint(was.was):
                    problem = f"expected {was.key!r}, too, its key in version {old.version}"
                    raise InvalidRecord(f"touches[{index}].was", problem)
            added.append(touch)
            continue
        for name in known.was:
            if name not in names:
                problem = f"expected {name!r}, too, a key that {known.key!r} had before"
                raise InvalidRecord(f"touches[{index}].was", problem)
        if touch != known:
            kept.append(TouchChange(before=known, after=touch))
    settings = [
        FieldChange(name, getattr(old, name), getattr(new, name))
        for name in ("every", "repeat")
        if getattr(old, name) != getattr(new, name)
    ]
    return CadenceDiff(
        before=old,
        after=new,
        added=tuple(added),
        removed=tuple(before.values()),
        kept=tuple(kept),
        settings=(*settings, *_changes(old.pace, new.pace, "pace.")),
    )
