"""An address that said no: kept as a digest, so that it stays silent and is itself forgotten."""

import hashlib
import re
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

import attrs

from crmkit.errors import InvalidRecord, UnknownName
from crmkit.model import _fields as fields
from crmkit.model._candidate import Candidate
from crmkit.model._names import Channel

_NO_DIGIT = re.compile("[^0-9+]")
_SCHEME = re.compile("^https?://(www[.])?")
_KINDS = {
    Channel.EMAIL: "email",
    Channel.TEXT: "phone",
    Channel.PHONE: "phone",
    Channel.LINKEDIN: "link",
}


class SuppressionReason(StrEnum):
    """Why an address must stay silent."""

    UNSUBSCRIBED = "unsubscribed"
    """Its owner unsubscribed, or withdrew their consent to nurture."""
    COMPLAINED = "complained"
    BOUNCED = "bounced"
    """It does not exist any more."""
    ERASED = "erased"
    """Its owner asked to be forgotten."""
    LISTED = "listed"
    """It is on a list of the host's own."""


def _digest(value: object) -> str:
    digest = fields.text(value)
    if re.fullmatch("[0-9a-f]{64}", digest) is None:
        raise InvalidRecord("", "expected a SHA-256 in hexadecimal; address_digest() makes it")
    return digest


def suppression_reason(value: object) -> SuppressionReason:
    """Return the reason of that name."""
    try:
        return SuppressionReason(value)  # type: ignore[arg-type]
    except ValueError:
        what = "a reason to suppress an address"
        raise UnknownName.among("", value, SuppressionReason, what=what) from None


@attrs.frozen(kw_only=True, field_transformer=fields.paths)
class Suppression:
    """One address that must stay silent, for one reason, since an instant; unique by both.

    Of the address there is only its `address_digest`: whoever has the address can look it up,
    and nobody can read it here.

    >>> Suppression(digest="ada@example.org", reason="listed", at="2026-01-05T09:00Z")
    Traceback (most recent call last):
        ...
    crmkit.errors.InvalidRecord: digest: expected a SHA-256 in hexadecimal; address_digest() \
makes it
    """

    digest: str = attrs.field(converter=_digest)
    reason: SuppressionReason = attrs.field(converter=suppression_reason)
    at: datetime = attrs.field(converter=fields.instant)


def address_digest(address: str, channel: Channel = Channel.EMAIL) -> str:
    """Return the digest under which an address is suppressed, whatever its case and spacing.

    A number is one for texts and for calls. Of a phone number the digits and the ``+`` count, of
    a link neither the scheme nor a ``/`` at its end. Raises `InvalidRecord` for a channel without
    addresses.

    >>> address_digest("Ada@Example.org") == address_digest("ada@example.org")
    True
    >>> address_digest("+44 20 7946 0000", Channel.TEXT) == address_digest(
    ...     "+44 (20) 79460000", Channel.PHONE)
    True
    """
    kind = _KINDS.get(fields.channel(channel))
    if kind is None:
        raise InvalidRecord("channel", f"expected one with addresses, got {channel!r}")
    return _digest_of(kind, address)


def address_digests(candidate: Candidate) -> dict[str, str]:
    """Return the digest of every address of the profile, by the address as it stands there.

    >>> list(address_digests(Candidate(id="ada", emails=["ada@example.org"], phones=["+44 20"])))
    ['ada@example.org', '+44 20']
    """
    found = {address: _digest_of("email", address) for address in candidate.emails}
    for address in candidate.phones:
        found[address] = _digest_of("phone", address)
    for address in candidate.links:
        found[address] = _digest_of("link", address)
    return found


# Everyone's addresses are looked up on every pass over the people.
@lru_cache(maxsize=2**15)
def _digest_of(kind: str, address: str) -> str:
    key = address.strip().lower()
    if kind == "phone":
        # A number that is a word to us has no digits; then it is itself.
        key = _NO_DIGIT.sub("", key) or key
    elif kind == "link":
        key = _SCHEME.sub("", key).rstrip("/")
    return hashlib.sha256(f"{kind}:{key}".encode()).hexdigest()
