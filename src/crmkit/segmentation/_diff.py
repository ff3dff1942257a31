"""What a changed definition would do: who would enter, who would leave, and why."""

from collections.abc import Iterable
from datetime import datetime
from html import escape

import attrs

from crmkit.errors import InvalidRecord
from crmkit.model import Reason, Relationship
from crmkit.segmentation._segment import Segment, Segmenter


@attrs.frozen(kw_only=True, repr=False)
class Example:
    """One person who would move: the reasons before the change (None: no segment) and after."""

    candidate_id: str
    before: Reason | None
    after: Reason

    def __repr__(self) -> str:
        return f"Example(candidate_id={self.candidate_id!r})"

    def __str__(self) -> str:
        was = [] if self.before is None else ["before:", _indented(self.before)]
        return "\n".join([self.candidate_id, *was, "after:", _indented(self.after)])


def _indented(reason: Reason) -> str:
    return "\n".join(f"  {line}" for line in str(reason).splitlines())


@attrs.frozen(kw_only=True, repr=False)
class SegmentDiff:
    """Who would enter and who would leave one segment if its definition changed now."""

    segment: str
    now: datetime
    entering: tuple[str, ...]
    """Ids of those who would enter, in the order in which they were given."""
    leaving: tuple[str, ...]
    staying: int
    """How many would stay."""
    examples: tuple[Example, ...]
    """Some of those who would move: those who enter, then those who leave."""

    def __bool__(self) -> bool:
        return bool(self.entering or self.leaving)

    def __repr__(self) -> str:
        return (
            f"<SegmentDiff of {self.segment!r}: {len(self.entering)} entering, "
            f"{len(self.leaving)} leaving, {self.staying} staying>"
        )

    def __str__(self) -> str:
        head = (
            f"{self.segment}: {len(self.entering)} would enter, {len(self.leaving)} leave, "
            f"{self.staying} stay"
        )
        return "\n".join([head, *(f"\n{self._verb(one)} {one}" for one in self.examples)])

    def _verb(self, example: Example) -> str:
        return "enters:" if example.after.holds else "leaves:"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{self._verb(one)[:-1]}</td><td>{escape(one.candidate_id)}</td>"
            f"<td>{one.before._repr_html_() if one.before else ''}</td>"
            f"<td>{one.after._repr_html_()}</td></tr>"
            for one in self.examples
        )
        head = escape(str(self).splitlines()[0])
        return (
            f'<table><caption>{head}</caption><thead><tr><th scope="col"></th>'
            f'<th scope="col">candidate</th><th scope="col">before</th>'
            f'<th scope="col">after</th></tr></thead><tbody>{rows}</tbody></table>'
        )


def compare(
    new: Segment,
    relationships: Iterable[Relationship],
    *,
    now: datetime,
    among: Segmenter | Iterable[Segment] = (),
    examples: int = 3,
) -> SegmentDiff:
    """Say who would enter and who would leave if *new* took the place of its namesake now.

    *among* are the segments in force: the one with the name of *new* is what it is compared
    with (if there is none, everybody who belongs enters), the others are what it may refer to.
    *examples* is how many of each side are shown with their reasons. Nothing is changed.

    >>> from crmkit.model import Candidate
    >>> from crmkit.segmentation import field
    >>> people = [Relationship(Candidate(id=key, country=key)) for key in ("at", "de", "fr")]
    >>> old = Segmenter([Segment("dach", field.country.is_in("DE", "CH", "FR"))])
    >>> new = Segment("dach", field.country.is_in("DE", "CH", "AT"))
    >>> now = datetime.fromisoformat("2026-03-02T09:00Z")
    >>> print(compare(new, people, now=now, among=old, examples=1))
    dach: 1 would enter, 1 leave, 1 stay
    <BLANKLINE>
    enters: at
    before:
      ✗ country is 'DE', 'CH' or 'FR' (found 'AT')
    after:
      ✓ country is 'DE', 'CH' or 'AT' (found 'AT')
    <BLANKLINE>
    leaves: fr
    before:
      ✓ country is 'DE', 'CH' or 'FR' (found 'FR')
    after:
      ✗ country is 'DE', 'CH' or 'AT' (found 'FR')
    """
    if examples < 0:
        raise InvalidRecord("examples", f"expected at least 0, got {examples}")
    before = among if isinstance(among, Segmenter) else Segmenter(among)
    after = before.replacing(new)
    moves: dict[bool, list[str]] = {True: [], False: []}
    shown: dict[bool, list[Example]] = {True: [], False: []}
    staying = 0
    only = {new.name}
    for each in relationships:
        was = before.check(each, now=now, only=only).get(new.name)
        is_now = after.check(each, now=now, only=only)[new.name]
        if bool(was) is is_now.value:
            staying += is_now.value
            continue
        moves[is_now.value].append(each.id)
        if len(shown[is_now.value]) < examples:
            because = was.because if was is not None else None
            found = Example(candidate_id=each.id, before=because, after=is_now.because)
            shown[is_now.value].append(found)
    return SegmentDiff(
        segment=new.name,
        now=now,
        entering=tuple(moves[True]),
        leaving=tuple(moves[False]),
        staying=staying,
        examples=(*shown[True], *shown[False]),
    )
