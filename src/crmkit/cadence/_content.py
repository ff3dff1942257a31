"""Content worth sending: pieces, and what a touch wants of them."""

from datetime import date

import attrs

from crmkit.errors import InvalidRecord, UnknownName
from crmkit.model import Seniority
from crmkit.model import _fields as fields

_BY = ("topics", "skills", "function")


def _kind(value: object) -> str:
    return fields.text(value).casefold()


def _url(value: object) -> str | None:
    url = fields.optional_text(value)
    if url is None:
        return None
    host = url.partition("://")[2]
    if not url.lower().startswith(("http://", "https://")) or not host or " " in url:
        raise InvalidRecord("", f"expected an address such as 'https://example.org', got {url!r}")
    return url


def _seniorities(value: object) -> tuple[Seniority, ...]:
    found = []
    for index, level in enumerate(fields.texts(value)):
        try:
            found.append(fields.optional_seniority(level))
        except InvalidRecord as error:
            raise error.under(f"[{index}]") from None
    return tuple(level for level in found if level)


def _by(value: object) -> tuple[str, ...]:
    found = fields.texts(value)
    if not found:
        raise InvalidRecord("", f"expected at least one of {', '.join(_BY)}")
    for index, name in enumerate(found):
        if name not in _BY:
            raise UnknownName.among(f"[{index}]", name, _BY, what="what content is matched by")
    return found


@attrs.frozen(kw_only=True, field_transformer=fields.paths, repr=False)
class Piece:
    """Something to read, hear or come to, and whom it suits; what is empty suits everybody.

    >>> Piece(id="scaling-ml", title="Scaling ML", topics=["ML"], url="example.org")
    Traceback (most recent call last):
        ...
    crmkit.errors.InvalidRecord: url: expected an address such as 'https://example.org', \
got 'example.org'
    """

    id: str = attrs.field(converter=fields.text)
    title: str = attrs.field(converter=fields.text)
    url: str | None = attrs.field(default=None, converter=_url)
    kind: str = attrs.field(default="post", converter=_kind)
    """Post, talk, report, salary data, advice, event, or the host's own."""
    topics: tuple[str, ...] = attrs.field(default=(), converter=fields.tags)
    """What it is about; compared with people's topics of interest and skills."""
    functions: tuple[str, ...] = attrs.field(default=(), converter=fields.tags)
    """Whose work it is about: engineering, design, sales."""
    seniorities: tuple[Seniority, ...] = attrs.field(default=(), converter=_seniorities)
    languages: tuple[str, ...] = attrs.field(default=(), converter=fields.tags)
    """BCP 47 tags."""
    published: date | None = attrs.field(default=None, converter=fields.optional_date)
    """The first day on which it is there, in UTC."""
    until: date | None = attrs.field(default=None, converter=fields.optional_date)
    """The last day on which it is worth sending, in UTC."""
    summary: str = attrs.field(default="", converter=fields.text_or_blank)
    """A sentence or two."""

    def __attrs_post_init__(self) -> None:
        if self.published and self.until and self.until < self.published:
            raise InvalidRecord("until", f"{self.until} is before published, {self.published}")

    def __repr__(self) -> str:
        return f"Piece(id={self.id!r}, title={self.title!r})"


@attrs.frozen(kw_only=True, field_transformer=fields.paths)
class ContentChoice:
    """What content a touch wants: of which kinds (any, when empty), and matched by what.

    ``by`` is in order: a match by the first counts for more than any number by the next. With
    ``needed`` the touch does not go out when no piece suits; else it goes without one.
    """

    kinds: tuple[str, ...] = attrs.field(default=(), converter=fields.tags)
    by: tuple[str, ...] = attrs.field(default=_BY, converter=_by)
    needed: bool = attrs.field(default=False, converter=fields.flag)
