"""Consent as a fact that can be proved: purpose, wording, time, source."""

from datetime import datetime

import attrs

from crmkit.errors import InvalidRecord
from crmkit.model import _fields as fields
from crmkit.model._interaction import Interaction

NURTURE = "nurture"
"""The purpose of keeping in touch: the talent pool."""


@attrs.frozen(kw_only=True, field_transformer=fields.paths)
class Consent:
    """What somebody agreed to; it lives in the log as a ``consented`` interaction.

    GDPR asks that consent be provable: the purpose, the version of the wording that was shown,
    when, and where it was given (`source`).

    >>> consent = Consent(at="2026-01-05T09:00Z", wording="2026-01", source="career page")
    >>> fact = consent.given_by("ada")
    >>> fact.kind, Consent.of(fact) == consent
    ('consented', True)
    """

    at: datetime = attrs.field(converter=fields.instant)
    purpose: str = attrs.field(default=NURTURE, converter=fields.text)
    wording: str | None = attrs.field(default=None, converter=fields.optional_text)
    source: str | None = attrs.field(default=None, converter=fields.optional_text)
    expires_at: datetime | None = attrs.field(default=None, converter=fields.optional_instant)

    def given_by(self, candidate_id: str) -> Interaction:
        """Return the fact that goes into the log."""
        stated = {
            "purpose": self.purpose,
            "wording": self.wording,
            "source": self.source,
            "expires_at": self.expires_at,
        }
        return Interaction(
            candidate_id=candidate_id,
            kind="consented",
            at=self.at,
            properties={key: value for key, value in stated.items() if value is not None},
        )

    @classmethod
    def of(cls, interaction: Interaction) -> "Consent":
        """Return the consent that a ``consented`` fact records."""
        if interaction.kind != "consented":
            raise InvalidRecord("kind", f"expected 'consented', got {interaction.kind!r}")
        stated = interaction.properties
        names = ("purpose", "wording", "source", "expires_at")
        known = {name: stated[name] for name in names if name in stated}
        return cls(at=interaction.at, **known)
