"""One fact of the append-only log."""

import hashlib
from datetime import datetime

import attrs

from crmkit.model import _fields as fields
from crmkit.model._names import Channel, Stage, stage_of, to_kind


@attrs.frozen(kw_only=True, field_transformer=fields.paths, repr=False)
class Interaction:
    """One fact: what happened, to whom, when, over which channel, with which outcome.

    ``automated`` says whether a machine stood in for the person (a mail proxy that opens, a
    scanner that clicks): True, False, or None for unknown. ``id`` defaults to a digest of the
    content, so importing a fact twice is harmless.

    >>> from datetime import datetime, UTC
    >>> once = Interaction(candidate_id="ada", kind="met", at=datetime(2026, 1, 5, tzinfo=UTC))
    >>> again = Interaction(candidate_id="ada", kind="met", at="2026-01-05T01:00+01:00")
    >>> once.id == again.id
    True
    >>> once
    Interaction(candidate_id='ada', kind='met', at='2026-01-05T00:00:00+00:00')
    """

    candidate_id: str = attrs.field(converter=fields.text)
    kind: str = attrs.field(converter=to_kind)
    at: datetime = attrs.field(converter=fields.instant)
    channel: Channel | None = attrs.field(default=None, converter=fields.optional_channel)
    outcome: str | None = attrs.field(default=None, converter=fields.optional_text)
    """In one word: ``positive``, ``negative``, ``later``, or the host's own."""
    automated: bool | None = attrs.field(default=None, converter=fields.optional_flag)
    role_id: str | None = attrs.field(default=None, converter=fields.optional_text)
    enrollment_id: str | None = attrs.field(default=None, converter=fields.optional_text)
    touch: str | None = attrs.field(default=None, converter=fields.optional_text)
    """The key of the cadence's touch that it belongs to."""
    rotation: int | None = attrs.field(default=None, converter=fields.optional_count)
    """Which yearly repetition of the touch, from 0."""
    properties: fields.FrozenMap = attrs.field(default=fields.EMPTY, converter=fields.values)
    id: str = attrs.field(converter=fields.text)

    @id.default
    def _digest(self) -> str:
        content = [
            self.candidate_id,
            self.kind,
            self.at,
            self.channel,
            self.outcome,
            self.automated,
            self.role_id,
            self.enrollment_id,
            self.touch,
            self.rotation,
            self.properties,
        ]
        return hashlib.sha256(fields.canonical(content).encode()).hexdigest()[:32]

    def __repr__(self) -> str:
        who = f"candidate_id={self.candidate_id!r}, kind={self.kind!r}"
        return f"Interaction({who}, at={self.at.isoformat()!r})"

    @property
    def stage(self) -> Stage:
        """The part of the practice that the kind belongs to."""
        return stage_of(self.kind)
