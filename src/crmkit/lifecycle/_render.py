"""The built-in renderer: strict `string.Template` texts, signed and with a way out."""

from collections.abc import Mapping
from functools import lru_cache
from string import Template

import attrs

from crmkit.errors import InvalidRecord
from crmkit.lifecycle._letter import Letters
from crmkit.lifecycle._values import Hole, Value
from crmkit.model import _fields as fields


@attrs.frozen(kw_only=True, field_transformer=fields.paths)
class TemplateRenderer(Letters):
    """Fills the touch's texts with what is known of the person.

    ``$greeting $organization $signature`` are always there; ``$first_name $company $title
    $topic`` where they are known (a topic they read about, or else a skill). With a piece of
    content there are also ``$piece_title $piece_url $piece_summary``, as far as it has them, and
    ``$topic`` is one that it shares with the person. The first body that needs nothing unknown
    is used; when there is none, `RenderError` says what is missing, and where. A touch whose
    content is needed is refused without a piece.

    Every message ends with how to stop and, when it is given, the postal address that CAN-SPAM
    asks for. With ``html=True`` it is written as a page, too, in which ``$piece_url`` is a link.
    A value is never more than a value: it adds no placeholder, no tag, no line to a header.

    >>> from datetime import UTC, datetime
    >>> from crmkit.cadence import SEVEN_TOUCH
    >>> from crmkit.model import Candidate, Relationship
    >>> ada = Relationship(Candidate(id="ada", name="Ada <b>Byron"))
    >>> text = TemplateRenderer(html=True).render(
    ...     SEVEN_TOUCH.touches[0], ada, now=datetime(2026, 3, 2, tzinfo=UTC))
    >>> text.subject, text.body.splitlines()[0]
    ('Good to be in touch', 'Hello Ada,')
    >>> text.html.count("<b>")
    0
    """

    def _text(self, source: str) -> "_Strict":
        return _strict(source)

    def _shown(self, name: str) -> str:
        return f"${name}"


class _Strict:
    """A `string.Template`."""

    def __init__(self, source: str) -> None:
        self._template = Template(source)
        if not self._template.is_valid():
            raise InvalidRecord("", "expected a valid template (a single '$' is written '$$')")
        self._names = tuple(self._template.get_identifiers())
        self.uses = frozenset(self._names)

    def fill(self, values: Mapping[str, Value], most: int) -> str:
        """Return the text, each value as it is."""
        del most  # it is as long as its values; the whole letter is measured
        missing = [name for name in self._names if name not in values]
        if missing:
            raise Hole(missing)
        return self._template.substitute(values)


@lru_cache(maxsize=1024)
def _strict(source: str) -> _Strict:
    """Return the template; the texts of a cadence are read for every message."""
    return _Strict(source)
