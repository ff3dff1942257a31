"""The person as known now."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import attrs

from crmkit.errors import InvalidRecord
from crmkit.model import _fields as fields
from crmkit.model._names import Channel, Interest, Seniority, Source


@attrs.frozen(kw_only=True, field_transformer=fields.paths)
class Employment:
    """One job that a person has or had; `until` is None while they are still there."""

    company: str = attrs.field(converter=fields.text)
    title: str | None = attrs.field(default=None, converter=fields.optional_text)
    since: date | None = attrs.field(default=None, converter=fields.optional_date)
    until: date | None = attrs.field(default=None, converter=fields.optional_date)

    def __attrs_post_init__(self) -> None:
        if self.since and self.until and self.until < self.since:
            raise InvalidRecord("until", f"{self.until} is before since, {self.since}")


def _employments(value: object) -> tuple[Employment, ...]:
    if isinstance(value, str) or not isinstance(value, list | tuple):
        raise InvalidRecord("", f"expected a list of employments, got {type(value).__name__}")
    for index, item in enumerate(value):
        if not isinstance(item, Employment):
            raise InvalidRecord(f"[{index}]", f"expected an Employment, got {type(item).__name__}")
    return tuple(value)


@attrs.frozen(kw_only=True, field_transformer=fields.paths, repr=False)
class Candidate:
    """The person as known now: an immutable record that validates itself at every field.

    Only ``id`` is needed; everything else may be unknown. What happened, when, and what was
    consented to are not here but in the log of `Interaction`.

    >>> ada = Candidate(id="ada", emails=["ada@Example.org"], skills=["Python"], country="gb")
    >>> ada.emails, ada.skills, ada.country
    (('ada@example.org',), ('python',), 'GB')
    >>> ada
    Candidate(id='ada')
    >>> Candidate(id="ada", seniority="seniour")
    Traceback (most recent call last):
        ...
    crmkit.errors.UnknownName: seniority: 'seniour' is not a seniority; did you mean 'senior'?
    """

    id: str = attrs.field(converter=fields.text)
    name: str = attrs.field(default="", converter=fields.text_or_blank)
    emails: tuple[str, ...] = attrs.field(default=(), converter=fields.emails)
    """In order of preference; the first is written to."""
    phones: tuple[str, ...] = attrs.field(default=(), converter=fields.texts)
    links: tuple[str, ...] = attrs.field(default=(), converter=fields.texts)
    company: str | None = attrs.field(default=None, converter=fields.optional_text)
    title: str | None = attrs.field(default=None, converter=fields.optional_text)
    function: str | None = attrs.field(default=None, converter=fields.optional_text)
    """What they do: engineering, design, sales."""
    seniority: Seniority | None = attrs.field(default=None, converter=fields.optional_seniority)
    years_experience: float | None = attrs.field(default=None, converter=fields.optional_amount)
    skills: tuple[str, ...] = attrs.field(default=(), converter=fields.tags)
    """Casefolded, so that ``Python`` and ``python`` are one skill."""
    topics: tuple[str, ...] = attrs.field(default=(), converter=fields.tags)
    """What they like to read about; value content is chosen by it."""
    summary: str | None = attrs.field(default=None, converter=fields.optional_text)
    employments: tuple[Employment, ...] = attrs.field(default=(), converter=_employments)
    country: str | None = attrs.field(default=None, converter=fields.optional_country)
    """ISO 3166-1 alpha-2; retention follows it."""
    region: str | None = attrs.field(default=None, converter=fields.optional_text)
    city: str | None = attrs.field(default=None, converter=fields.optional_text)
    timezone: ZoneInfo | None = attrs.field(default=None, converter=fields.optional_zone)
    language: str | None = attrs.field(default=None, converter=fields.optional_text)
    """A BCP 47 tag."""
    salary: float | None = attrs.field(default=None, converter=fields.optional_amount)
    """Yearly pay, in the one currency that the host keeps."""
    source: Source | None = attrs.field(default=None, converter=fields.optional_source)
    interest: Interest | None = attrs.field(default=None, converter=fields.optional_interest)
    interested_from: datetime | None = attrs.field(default=None, converter=fields.optional_instant)
    """From when on, if `interest` is ``later`` ("interested in six months")."""
    preferred_channel: Channel | None = attrs.field(default=None, converter=fields.optional_channel)
    owner: str | None = attrs.field(default=None, converter=fields.optional_text)
    """The id of the recruiter who knows them best."""
    do_not_contact: bool = attrs.field(default=False, converter=fields.flag)
    erased: bool = attrs.field(default=False, converter=fields.flag)
    """A tombstone: the person asked to be forgotten, and stays suppressed."""
    external_ids: fields.FrozenMap = attrs.field(default=fields.EMPTY, converter=fields.text_map)
    """Their id in other systems: ``{"greenhouse": "53883394"}``."""
    aliases: tuple[str, ...] = attrs.field(default=(), converter=fields.texts)
    """Ids of records that were merged into this one; their history counts as this person's."""
    custom: fields.FrozenMap = attrs.field(default=fields.EMPTY, converter=fields.values)
    """A host's own fields: JSON values and instants."""

    def __repr__(self) -> str:
        return f"Candidate(id={self.id!r})"

    @property
    def ids(self) -> tuple[str, ...]:
        """The person's id and those of every record merged into it."""
        return (self.id, *self.aliases)


def identity_keys(candidate: Candidate) -> frozenset[str]:
    """Return what makes two records one person: normalised e-mail addresses, external ids, ids.

    The local part is compared without case too: no mail system in use tells them apart, though
    RFC 5321 would let it. Letters that only casefolding equates (``ß`` and ``ss``) stay two.

    >>> sorted(identity_keys(Candidate(id="a", emails=["Ada@X.org"], external_ids={"ats": "7"})))
    ['email:ada@x.org', 'external:ats:7', 'id:a']
    """
    return frozenset(
        [f"id:{key}" for key in candidate.ids]
        + [f"email:{address.lower()}" for address in candidate.emails]
        + [f"external:{_escape(system)}:{key}" for system, key in candidate.external_ids.items()]
    )


def _escape(system: str) -> str:
    # Else ("a:b", "c") and ("a", "b:c") would be one key, and two people one person.
    return system.replace("%", "%25").replace(":", "%3A")
