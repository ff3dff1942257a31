"""The values that a text may use: their names, in one place, and where they come from."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from crmkit.cadence import Piece
from crmkit.model import Candidate

Value = str | tuple[str, ...]

ALWAYS = ("greeting", "organization", "signature")
"""Never unknown."""

PERSON = ("first_name", "company", "title", "topic")
"""Where they are known."""

PIECE = ("piece_title", "piece_url", "piece_summary")
"""With a piece of content; the title always, the others as far as it has them."""

NAMES = (*ALWAYS, *PERSON, *PIECE)

SAMPLES: Mapping[str, Value] = MappingProxyType(
    {name: name for name in NAMES} | {"topics": ("topic", "another")}
)
"""A value for every name, to find out what a text can do without."""


class Hole(LookupError):  # noqa: N818 - it never leaves the renderer
    """A text uses what is not known of the person."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__()
        self.names = tuple(names)


def values_of(
    candidate: Candidate, piece: Piece | None, organization: str, signature: str
) -> dict[str, Value]:
    """Return the values that are known."""
    first_name = _first_name(candidate.name)
    topics = topics_of(candidate, piece)
    values: dict[str, str | None] = {
        "first_name": first_name,
        "company": candidate.company,
        "title": candidate.title,
        "topic": topics[0] if topics else None,
        "greeting": f"Hello {first_name}," if first_name else "Hello,",
        "organization": organization,
        "signature": signature,
        "piece_title": piece.title if piece else None,
        "piece_url": piece.url if piece else None,
        "piece_summary": (piece.summary if piece else "") or None,
    }
    return {key: value for key, value in values.items() if value is not None}


def topics_of(candidate: Candidate, piece: Piece | None) -> tuple[str, ...]:
    """Return what they read about, then their skills; with a piece, those that it is about."""
    topics = dict.fromkeys([*candidate.topics, *candidate.skills])
    return tuple(topic for topic in topics if piece is None or topic in piece.topics)


def _first_name(name: str) -> str | None:
    """Return the first word of a name, or of what follows the comma in ``Byron, Ada``."""
    family, _, given = name.partition(",")
    words = given.split() or family.split()
    return words[0] if words else None
