"""What the headers of a mail say; for every sender of e-mail, however it writes them down."""

import hashlib
import re
from typing import Any

from crmkit.errors import InvalidRecord
from crmkit.model import Message
from crmkit.model import _fields as fields

_SETTLED = re.compile(
    "from|sender|to|cc|bcc|subject|message-id|reply-to|return-path|received|mime-version"
    "|(content|resent)-.*",
    re.IGNORECASE,
)
"""Headers that a message may not bring along: from whom, to whom and what it is."""

_NAME = re.compile(r"[!-9;-~]{1,76}")
_LABEL = re.compile(r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+")
_LINE_LIMIT = 998
_LAST = 10
"""How many of the newest ancestors a mail names, beside the first (RFC 5322 sets no limit)."""


class Unmailable(Exception):  # noqa: N818 - reads as what it says
    """The message can never be an e-mail; says which part is at fault, never what it holds."""


def digest(text: str) -> str:
    """Return a name for *text* that any file system and any header can hold."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:40]


def message_id(key: str, domain: str) -> str:
    """Return the ``Message-ID`` of the message with that key: known before it is written."""
    return f"<{digest(key)}@{domain}>"


def address_of(mailbox: str, path: str) -> Any:
    """Return the address in ``name@host`` or ``Name <name@host>``, or raise `InvalidRecord`."""
    from email.errors import MessageError
    from email.policy import SMTP

    problem = "expected one address, like talent@example.org or Talent <talent@example.org>"
    try:
        header: Any = SMTP.header_factory("From", fields.text(mailbox))
        addresses, defects = header.addresses, header.defects
    except InvalidRecord as error:
        raise error.under(path) from None
    except (ValueError, IndexError, AttributeError, MessageError):
        raise InvalidRecord(path, problem) from None
    if len(addresses) != 1 or defects or not addresses[0].domain:
        raise InvalidRecord(path, problem)
    if not addresses[0].addr_spec.isascii():
        raise InvalidRecord(path, problem)
    return addresses[0]


def recipient(to: str) -> str:
    """Return the one address that *to* is, its domain in ASCII.

    An international domain is written in its ``xn--`` form, unless the standard library's older
    tables (IDNA 2003) would name another domain: they turn ``straße`` into ``strasse``.
    """
    from email.errors import MessageError
    from email.headerregistry import Address

    problem = "to: expected exactly one e-mail address like name@host"
    local, _, typed = to.rpartition("@")
    if fields.has_control(to):
        raise Unmailable(problem)
    if not local.isascii():
        raise Unmailable("to: an address with letters beyond ASCII before the '@' needs SMTPUTF8")
    if not _LOCAL.fullmatch(local):  # quotes could hide brackets and spaces from a lax server
        raise Unmailable(problem)
    try:
        domain = typed if typed.isascii() else typed.encode("idna").decode("ascii")
        if not typed.isascii() and domain.encode().decode("idna") != typed.lower():
            raise Unmailable("to: write the domain in its ASCII form (xn--…)")
        address = Address(addr_spec=f"{local}@{domain}").addr_spec
    except (ValueError, IndexError, AttributeError, MessageError):
        address = ""
    if not address or address != f"{local}@{domain}" or len(address) > 254:
        raise Unmailable(problem)
    return address


def headers(message: Message, domain: str) -> dict[str, str]:
    """Return what the mail says beside From, To, Reply-To and its parts, in order and checked.

    What the message's own headers say of its list, its thread or how to stop it holds.
    """
    from email.utils import formatdate

    extra = _extra_headers(message)
    found = {
        "Subject": message.subject,
        "Date": extra.pop("Date", "") or formatdate(),
        "Message-ID": message_id(message.key, domain),
    }
    own = {name.lower() for name in extra}
    for group in (_list(message, domain), _thread(message, domain), _stop(message)):
        if not own & {name.lower() for name in group}:
            found |= group
    return {name: _one_line(name, value) for name, value in (found | extra).items()}


def _list(message: Message, domain: str) -> dict[str, str]:
    name = message.list_id
    if name is None:
        return {}
    label = name if _LABEL.fullmatch(name) and len(name) <= 63 else digest(name)
    return {"List-Id": f"<{label}.{domain}>"}


def _thread(message: Message, domain: str) -> dict[str, str]:
    ids = [message_id(key, domain) for key in message.replies_to]
    if not ids:
        return {}
    named = ids if len(ids) <= _LAST else [ids[0], *ids[1:][-_LAST:]]
    return {"In-Reply-To": ids[-1], "References": " ".join(named)}


def _stop(message: Message) -> dict[str, str]:
    url = message.unsubscribe
    if url is None:
        return {}
    if not fields.is_https_url(url):
        raise Unmailable("unsubscribe: expected one https URL, without spaces, '<', '>' and ','")
    return {
        "List-Unsubscribe": f"<{url}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def _extra_headers(message: Message) -> dict[str, str]:
    extra: dict[str, str] = {}
    for typed, value in message.headers.items():
        if not _NAME.fullmatch(typed):
            raise Unmailable("headers: expected names of printable ASCII without ':' and spaces")
        name = "Date" if typed.lower() == "date" else typed
        if _SETTLED.fullmatch(name):
            raise Unmailable(f"headers: {name} is not for a message to set")
        if name.lower() in {other.lower() for other in extra}:
            raise Unmailable(f"headers: {name} is there twice")
        extra[name] = value
    if "Date" in extra:
        extra["Date"] = _date(extra["Date"])
    return extra


def _date(value: str) -> str:
    from email.utils import format_datetime, parsedate_to_datetime

    try:
        return format_datetime(parsedate_to_datetime(value))
    except (ValueError, TypeError, IndexError, OverflowError):
        raise Unmailable("headers: expected Date as RFC 5322 writes it") from None


def _one_line(name: str, value: str) -> str:
    try:
        checked = fields.text_or_blank(value)
    except InvalidRecord as error:
        where = "subject" if name == "Subject" else f"headers: {name}"
        raise Unmailable(f"{where}: {error.problem}") from None
    longest = max(map(len, checked.split(" ")))
    if not needs_encoding(checked) and len(name) + 2 + longest > _LINE_LIMIT:
        raise Unmailable(f"headers: {name} has a word longer than a line of mail can be")
    return checked


def encoded(name: str, value: str) -> str:
    """Return a header's value in one line of encoded words."""
    from email.header import Header

    return Header(value, "utf-8", header_name=name).encode(linesep="")


def needs_encoding(value: str) -> bool:
    """Whether a header needs encoded words, also to say ``=?`` and mean it (RFC 2047)."""
    return not value.isascii() or "=?" in value
