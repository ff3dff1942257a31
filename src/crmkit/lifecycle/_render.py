"""The built-in renderer: strict `string.Template` texts, signed and with a way out."""

from datetime import datetime
from string import Template

import attrs

from crmkit.cadence import Piece, Touch
from crmkit.errors import RenderError
from crmkit.model import Candidate, Relationship
from crmkit.protocols import Rendered


@attrs.frozen(kw_only=True)
class TemplateRenderer:
    """Fills the touch's texts with what is known of the person.

    ``$greeting $organization $signature`` are always there; ``$first_name $company $title
    $topic`` where they are known (a topic they read about, or else a skill). With a piece of
    content there are also ``$piece_title $piece_url $piece_summary``, as far as it has them, and
    ``$topic`` is one that it shares with the person. The first body that needs nothing unknown
    is used; when there is none, `RenderError` says what is missing. A touch whose content is
    needed is refused without a piece.

    Every message ends with how to stop and, when it is given, the postal address that
    CAN-SPAM asks for.

    >>> from datetime import UTC, datetime
    >>> from crmkit.cadence import SEVEN_TOUCH
    >>> from crmkit.model import Candidate
    >>> ada = Relationship(Candidate(id="ada", name="Ada Byron"))
    >>> text = TemplateRenderer().render(
    ...     SEVEN_TOUCH.touches[0], ada, now=datetime(2026, 3, 2, tzinfo=UTC))
    >>> text.subject, text.body.splitlines()[0]
    ('Good to be in touch', 'Hello Ada,')
    """

    organization: str = "our company"
    signature: str = "The talent team"
    postal_address: str | None = None

    def render(
        self,
        touch: Touch,
        relationship: Relationship,
        *,
        now: datetime,
        piece: Piece | None = None,
    ) -> Rendered:
        """Return the text for this person, or raise `RenderError`."""
        del now  # the built-in texts do not speak of dates
        if touch.content and touch.content.needed and piece is None:
            raise RenderError(touch.key, ["a piece of content"])
        known = self._values(relationship.candidate, piece)
        subject = Template(touch.subject)
        missing = _missing(subject, known)
        for text in touch.bodies if not missing else ():
            body = Template(text)
            missing = _missing(body, known)
            if not missing:
                filled = body.substitute(known) + "\n\n" + self._footer()
                return Rendered(subject.substitute(known), filled)
        raise RenderError(touch.key, missing or ["a body"])

    def _values(self, candidate: Candidate, piece: Piece | None) -> dict[str, str]:
        first_name = _first_name(candidate.name)
        topics = [*candidate.topics, *candidate.skills]
        if piece:
            topics = [topic for topic in topics if topic in piece.topics]
        values: dict[str, str | None] = {
            "first_name": first_name,
            "company": candidate.company,
            "title": candidate.title,
            "topic": topics[0] if topics else None,
            "greeting": f"Hello {first_name}," if first_name else "Hello,",
            "organization": self.organization,
            "signature": self.signature,
            "piece_title": piece.title if piece else None,
            "piece_url": piece.url if piece else None,
            "piece_summary": (piece.summary if piece else "") or None,
        }
        return {key: value for key, value in values.items() if value is not None}

    def _footer(self) -> str:
        lines = [
            "--",
            "You hear from us because we are in touch about working together one day.",
            "If you would rather not, reply with 'stop' and we will not write again.",
        ]
        if self.postal_address:
            lines.append(self.postal_address)
        return "\n".join(lines)


def _first_name(name: str) -> str | None:
    """Return the first word of a name, or of what follows the comma in ``Byron, Ada``."""
    family, _, given = name.partition(",")
    words = given.split() or family.split()
    return words[0] if words else None


def _missing(template: Template, known: dict[str, str]) -> list[str]:
    if not template.is_valid():
        return ["a valid template (a single '$' is written '$$')"]
    return [f"${name}" for name in template.get_identifiers() if name not in known]
