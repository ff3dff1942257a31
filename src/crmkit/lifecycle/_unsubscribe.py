"""Links that stop what a message belongs to: signed, opaque, good for ever."""

import base64
import hashlib
import hmac

import attrs

from crmkit.errors import InvalidRecord, InvalidToken
from crmkit.model import _fields as fields

_VERSION = b"\x01"
_PURPOSE = b"crmkit unsubscribe"  # so that no other use of the same secret makes a token of ours
_MAC = 16
"""Bytes of the signature: 128 bits of HMAC-SHA256, the least that RFC 2104 allows."""

_PLACE = "{token}"
_LONGEST = 512


def _template(value: object) -> str:
    url = fields.text(value)
    sample = url.replace(_PLACE, "x" * 64)
    if url.count(_PLACE) != 1 or not fields.is_https_url(sample) or "#" in url:
        problem = "expected an https URL with {token} in it once, like https://talent.example.org/u/{token}"
        raise InvalidRecord("", problem)
    if _PLACE in url.split("/", 3)[2]:
        raise InvalidRecord("", "expected {token} after the host")
    return url


def _secrets(value: object) -> tuple[bytes, ...]:
    if not isinstance(value, list | tuple) or not value:
        raise InvalidRecord("", f"expected a list of secrets, got {type(value).__name__}")
    for index, secret in enumerate(value):
        if not isinstance(secret, bytes) or len(secret) < 32:
            raise InvalidRecord(f"[{index}]", "expected at least 32 random bytes")
    return tuple(value)


@attrs.frozen(kw_only=True, field_transformer=fields.paths)
class UnsubscribeLinks:
    """Makes the link that goes out with a message, and reads it when somebody follows it.

    A link holds the key of its message, which is an enrolment, a rotation and a touch: no name,
    no address, no candidate's id. It is signed (HMAC-SHA256), so nobody can make one for somebody
    else. It never expires, since a wish to be left alone must be heard years later as well (CASL,
    CAN-SPAM).

    ``url`` is where the host answers, with ``{token}`` for the token. The first of ``secrets``
    signs, all of them are believed: put a new one in front, and keep the old ones for as long as
    mails that were signed with them lie in somebody's inbox. ``secrets.token_bytes(32)`` makes
    one.

    >>> secret = b"a secret of 32 random bytes, say"
    >>> links = UnsubscribeLinks(url="https://talent.example.org/u/{token}", secrets=[secret])
    >>> link = links.link("4be0643f1d98573b97cdca98a65347dd.0.welcome")
    >>> token = link.removeprefix("https://talent.example.org/u/")
    >>> links.read(token)
    '4be0643f1d98573b97cdca98a65347dd.0.welcome'
    >>> links.read(token.swapcase())
    Traceback (most recent call last):
    ...
    crmkit.errors.InvalidToken: the token is not one that these secrets have signed
    """

    url: str = attrs.field(converter=_template)
    secrets: tuple[bytes, ...] = attrs.field(converter=_secrets, repr=False)

    def link(self, key: str) -> str:
        """Return the link for the message with that key: the same one whenever it is asked for.

        Raises `InvalidRecord` if the key is longer than a link can hold.
        """
        name = fields.text(key).encode()
        token = _write(_VERSION + name + _sign(self.secrets[0], name))
        if len(token) > _LONGEST:
            raise InvalidRecord("key", "expected a key that fits into a link")
        return self.url.replace(_PLACE, token)

    def read(self, token: str) -> str:
        """Return the key of the message that the token came with, or raise `InvalidToken`."""
        name, signature = _parts(token)
        if not any(hmac.compare_digest(signature, _sign(each, name)) for each in self.secrets):
            raise _not_ours()
        return name.decode()


def _parts(token: object) -> tuple[bytes, bytes]:
    text = token if isinstance(token, str) else ""
    if not text.isascii() or len(text) > _LONGEST:
        raise _not_ours()
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise _not_ours() from None
    # Decoding skips strange characters and spare bits; only the one way to write it will do.
    if _write(data) != text or len(data) <= len(_VERSION) + _MAC or data[:1] != _VERSION:
        raise _not_ours()
    return data[1:-_MAC], data[-_MAC:]


def _write(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _sign(secret: bytes, name: bytes) -> bytes:
    return hmac.new(secret, _PURPOSE + _VERSION + name, hashlib.sha256).digest()[:_MAC]


def _not_ours() -> InvalidToken:
    return InvalidToken("the token is not one that these secrets have signed")
