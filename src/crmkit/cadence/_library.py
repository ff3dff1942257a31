"""A library of content, and which piece of it suits a person."""

from collections import Counter
from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, time, timedelta

import attrs

from crmkit._time import earliest, plural
from crmkit.cadence._content import ContentChoice, Piece
from crmkit.model import Candidate, Interaction, Reason, Relationship, Verdict
from crmkit.model import _fields as fields


def _pieces(value: object) -> tuple[Piece, ...]:
    if isinstance(value, Library):
        return value.pieces
    return fields.records(value, Piece, "pieces", unique="id")


@attrs.frozen(field_transformer=fields.paths, repr=False)
class Library:
    """The content that touches pick from.

    >>> from datetime import UTC, datetime
    >>> from crmkit.model import Candidate, Relationship
    >>> library = Library([
    ...     Piece(id="scaling-ml", title="Scaling ML", topics=["ml", "python"]),
    ...     Piece(id="offsite", title="Our offsite", kind="event")])
    >>> ada = Relationship(Candidate(id="ada", topics=["ML"], skills=["python"]))
    >>> verdict = library.pick(ada, ContentChoice(), now=datetime(2026, 3, 2, tzinfo=UTC))
    >>> verdict.value.id
    'scaling-ml'
    >>> print(verdict.because)
    ✓ 'scaling-ml': matches topic ml, skill python; not sent before
      1 more would fit
    """

    pieces: tuple[Piece, ...] = attrs.field(default=(), converter=_pieces)

    _shelf: "tuple[_Shelved, ...]" = attrs.field(init=False, eq=False)

    @_shelf.default
    def _shelved(self) -> "tuple[_Shelved, ...]":
        return tuple(map(_shelved, self.pieces))

    def __len__(self) -> int:
        return len(self.pieces)

    def __iter__(self) -> Iterator[Piece]:
        return iter(self.pieces)

    def __repr__(self) -> str:
        return f"<Library: {plural(len(self), 'piece')}>"

    def pick(
        self,
        relationship: Relationship,
        choice: ContentChoice,
        *,
        now: datetime,
        taken: Collection[str] = (),
    ) -> Verdict[Piece | None]:
        """Return the piece that suits this person best at *now*, or None, and why.

        Never one that a fact of theirs names under ``properties["piece"]`` (they were sent it),
        nor one whose id is in *taken*; never one in a language other than theirs, if theirs is
        known (``de`` and ``de-AT`` are one language); never one for other levels, which they
        are on only if theirs is known; never one that is stale or not published yet. One that
        is about something must match something; one that is about nothing suits everybody.

        The best matches most by the first of ``choice.by``, then by the second, and so on; of
        equals the newest, then the one whose id comes first. The order of the library does not
        matter. A tag that matches a topic of interest is not counted again as a skill.
        """
        person = _Person(relationship, choice, now, frozenset(taken))
        left_out: Counter[str] = Counter()
        fitting: list[_Match] = []
        coming: list[_Match] = []
        for shelved in self._shelf:
            found = person.match(shelved)
            if isinstance(found, str):
                left_out[found] += 1
            elif shelved.ends and shelved.ends <= now:
                left_out["stale"] += 1
            elif shelved.begins and shelved.begins > now:
                left_out["not published yet"] += 1
                coming.append(_Match(shelved, found))
            else:
                fitting.append(_Match(shelved, found))
        best = min(fitting, key=_order) if fitting else None
        return Verdict(
            best.piece if best else None,
            _because(person, best, len(fitting), left_out),
            _until(best, coming, person.next_sent(best)),
        )


@attrs.frozen
class _Shelved:
    """A piece with what is asked of it for everybody."""

    piece: Piece
    languages: frozenset[str]
    """Without regions."""
    begins: datetime | None
    """From when on it may be sent."""
    ends: datetime | None
    """From when on it is stale."""


def _shelved(piece: Piece) -> _Shelved:
    stale = piece.until and piece.until != date.max and piece.until + timedelta(days=1)
    return _Shelved(
        piece,
        frozenset(map(_primary, piece.languages)),
        _midnight(piece.published) if piece.published else None,
        _midnight(stale) if stale else None,
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _primary(language: str) -> str:
    """Return the language of a BCP 47 tag, without script and region."""
    return language.replace("_", "-").partition("-")[0].casefold()


_Matches = tuple[tuple[str, ...], ...]
"""The tags that match, by each of ``choice.by``."""


@attrs.frozen
class _Match:
    """A piece that suits a person, and what of theirs it matches."""

    shelved: _Shelved
    matches: _Matches

    @property
    def piece(self) -> Piece:
        return self.shelved.piece


class _Person:
    """What decides for one person, one choice and one instant."""

    def __init__(
        self,
        relationship: Relationship,
        choice: ContentChoice,
        now: datetime,
        taken: frozenset[str],
    ) -> None:
        candidate = relationship.candidate
        with_content = [fact for fact in relationship.history if "piece" in fact.properties]
        self.kinds, self.by, self.taken = choice.kinds, choice.by, taken
        self.sent = {fact.properties["piece"] for fact in with_content if fact.at <= now}
        self.later: list[Interaction] = [fact for fact in with_content if fact.at > now]
        self.language = _primary(candidate.language) if candidate.language else None
        self.seniority = candidate.seniority
        self.known = {name: _known(candidate, name) for name in choice.by}
        self.tags: frozenset[str] = frozenset().union(
            *(tags for name, tags in self.known.items() if name != "function")
        )

    def match(self, shelved: _Shelved) -> _Matches | str:
        """Return what a piece matches, or, in short, why it does not suit."""
        piece = shelved.piece
        if self.kinds and piece.kind not in self.kinds:
            return "of another kind"
        if piece.id in self.sent:
            return "sent before"
        if piece.id in self.taken:
            return "taken by another touch"
        if self.language and shelved.languages and self.language not in shelved.languages:
            return f"in {' and '.join(sorted(shelved.languages))}"
        if piece.seniorities and self.seniority not in piece.seniorities:
            return "for other levels" if self.seniority else "for levels, and theirs is unknown"
        if not (piece.topics or piece.functions):
            return ((),) * len(self.by)
        functions = self.known.get("function", _NOTHING)
        if self.tags.isdisjoint(piece.topics) and functions.isdisjoint(piece.functions):
            known = self.tags or functions
            return "about other things" if known else "about what they may not care for"
        return self._matches(piece)

    def _matches(self, piece: Piece) -> _Matches:
        topics = piece.topics
        found = []
        for name, known in self.known.items():
            if name == "function":
                found.append(tuple(tag for tag in piece.functions if tag in known))
            else:
                found.append(tuple(tag for tag in topics if tag in known))
                topics = tuple(tag for tag in topics if tag not in known)
        return tuple(found)

    def said(self, best: _Match) -> str:
        """Return in words why a piece suits."""
        told = [
            f"{_NOUNS[name]}{'s' * (len(tags) > 1)} {', '.join(tags)}"
            for name, tags in zip(self.by, best.matches, strict=True)
            if tags
        ]
        parts = [f"matches {', '.join(told)}" if told else "suits everybody"]
        if best.piece.seniorities:
            parts.append(f"level {self.seniority}")
        return f"{best.piece.id!r}: {'; '.join([*parts, 'not sent before'])}"

    def next_sent(self, best: _Match | None) -> datetime | None:
        """Return when a fact that is in the log already says that the piece was sent."""
        return earliest(
            *(fact.at for fact in self.later if best and fact.properties["piece"] == best.piece.id)
        )


_NOTHING: frozenset[str] = frozenset()
_NOUNS = {"topics": "topic", "skills": "skill", "function": "function"}


def _known(candidate: Candidate, name: str) -> frozenset[str]:
    if name == "function":
        return frozenset([candidate.function.casefold()] if candidate.function else [])
    return frozenset(candidate.topics if name == "topics" else candidate.skills)


def _order(match: _Match) -> tuple[list[int], int, str]:
    published = match.piece.published
    newest = -published.toordinal() if published else 0
    return [-len(tags) for tags in match.matches], newest, match.piece.id


def _because(person: _Person, best: _Match | None, fitting: int, left_out: Counter[str]) -> Reason:
    parts = [Reason(f"{fitting - 1} more would fit")] if fitting > 1 else []
    if left_out:
        parts.append(Reason(", ".join(f"{many} {why}" for why, many in sorted(left_out.items()))))
    if best:
        return Reason(person.said(best), holds=True, parts=parts)
    text = "no piece fits" if left_out else "the library is empty"
    return Reason(text, holds=False, parts=parts)


def _until(best: _Match | None, coming: list[_Match], sent: datetime | None) -> datetime | None:
    """Return when the best goes stale, is beaten by one that comes out, or counts as sent."""
    better = [each for each in coming if best is None or _order(each) < _order(best)]
    ends = best.shelved.ends if best else None
    return earliest(sent, ends, *(each.shelved.begins for each in better))
