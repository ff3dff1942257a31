"""An opening, and how somebody stands towards it."""

from datetime import datetime

import attrs

from crmkit.errors import InvalidRecord
from crmkit.model import _fields as fields
from crmkit.model._names import Seniority


@attrs.frozen(kw_only=True, field_transformer=fields.paths)
class Role:
    """An opening: what it asks for, where, and from when until when it was open.

    >>> Role(id="be-1", title="Back-end engineer", skills=["Go", "SQL"], country="de").skills
    ('go', 'sql')
    """

    id: str = attrs.field(converter=fields.text)
    title: str = attrs.field(converter=fields.text)
    skills: tuple[str, ...] = attrs.field(default=(), converter=fields.tags)
    """What the work needs."""
    nice_to_have: tuple[str, ...] = attrs.field(default=(), converter=fields.tags)
    function: str | None = attrs.field(default=None, converter=fields.optional_text)
    seniority: Seniority | None = attrs.field(default=None, converter=fields.optional_seniority)
    country: str | None = attrs.field(default=None, converter=fields.optional_country)
    region: str | None = attrs.field(default=None, converter=fields.optional_text)
    city: str | None = attrs.field(default=None, converter=fields.optional_text)
    remote: bool = attrs.field(default=False, converter=fields.flag)
    opened_at: datetime | None = attrs.field(default=None, converter=fields.optional_instant)
    closed_at: datetime | None = attrs.field(default=None, converter=fields.optional_instant)
    custom: fields.FrozenMap = attrs.field(default=fields.EMPTY, converter=fields.values)

    def __attrs_post_init__(self) -> None:
        if self.opened_at and self.closed_at and self.closed_at < self.opened_at:
            raise InvalidRecord("closed_at", "a role cannot close before it opens")
