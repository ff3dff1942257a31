"""A `Message` as the bytes of an e-mail (RFC 5322), or the reason why it cannot be one.

The standard library writes the structure and the body. Free text in headers is folded and
encoded here: the library reads ``=?utf-8?q?…?=`` in a subject as an encoding rather than as what
somebody typed, and breaks long ids and URLs into encoded words, which no mail client follows.
"""

import hashlib
import re
from typing import TYPE_CHECKING, Any, Self

from crmkit.errors import InvalidRecord
from crmkit.model import Message
from crmkit.model import _fields as fields

if TYPE_CHECKING:
    from email.message import EmailMessage

_SETTLED = re.compile(
    "from|sender|to|cc|bcc|subject|message-id|reply-to|return-path|received|mime-version"
    "|(content|resent)-.*",
    re.IGNORECASE,
)
"""Headers that a message may not bring along: from whom, to whom and what it is."""

_NAME = re.compile(r"[!-9;-~]{1,76}")
_LABEL = re.compile(r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")
_NOT_IN_BODIES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_LINE_LIMIT = 998


class Unmailable(Exception):  # noqa: N818 - reads as what it says
    """The message can never be an e-mail; says which part is at fault, never what it holds."""


def digest(text: str) -> str:
    """Return a name for *text* that any file system and any header can hold."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:40]


def domain_of(mailbox: str, path: str) -> str:
    """Return the domain of ``name@host`` or ``Name <name@host>``, or raise `InvalidRecord`."""
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
    domain: str = addresses[0].domain if len(addresses) == 1 else ""
    if defects or not domain or not addresses[0].addr_spec.isascii():
        raise InvalidRecord(path, problem)
    return domain


def compose(message: Message, *, sender: str, domain: str, reply_to: str | None) -> bytes:
    """Return the mail as bytes; the same message with the same date gives the same bytes."""
    from email import policy
    from email.message import EmailMessage
    from email.utils import formatdate

    extra = _extra_headers(message)
    mail = EmailMessage(policy=policy.SMTP.clone(linesep="\n"))
    mail["From"] = sender
    mail["To"] = recipient(message.to)
    _add(mail, "Subject", message.subject)
    _add(mail, "Date", extra.pop("Date", "") or formatdate())
    _add(mail, "Message-ID", f"<{digest(message.key)}@{domain}>")
    if reply_to:
        mail["Reply-To"] = reply_to
    if message.thread and "list-id" not in {name.lower() for name in extra}:
        _add(mail, "List-Id", f"<{_label(message.thread)}.{domain}>")
    for name, value in extra.items():
        _add(mail, name, value)
    _set_body(mail, message.body)
    return mail.as_bytes()


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


def _label(thread: str) -> str:
    return thread if _LABEL.fullmatch(thread) and len(thread) <= 63 else digest(thread)


def _add(mail: "EmailMessage", name: str, value: str) -> None:
    try:
        checked = fields.text_or_blank(value)
    except InvalidRecord as error:
        where = name.lower() if name in {"Subject", "Message-ID", "List-Id"} else f"headers: {name}"
        raise Unmailable(f"{where}: {error.problem}") from None
    header = _Header(name, checked)
    if any(len(line) > _LINE_LIMIT for line in header.fold(policy=mail.policy).splitlines()):
        raise Unmailable(f"headers: {name} has a word longer than a line of mail can be")
    mail[name] = header


def _set_body(mail: "EmailMessage", body: str) -> None:
    from email.errors import MessageError

    text = body.replace("\r\n", "\n")
    if _NOT_IN_BODIES.search(text):
        raise Unmailable("body: expected text without control characters other than \\n and \\t")
    plain = text.isascii() and all(len(line) <= 78 for line in text.split("\n"))
    try:
        mail.set_content(text, cte="7bit" if plain else "quoted-printable")
    except (UnicodeEncodeError, MessageError):
        raise Unmailable("body: expected text that UTF-8 can hold (a lone surrogate)") from None


class _Header(str):
    """A header's text that knows its name and how to fold itself, as `email.policy` asks."""

    __slots__ = ("name",)
    name: str

    def __new__(cls, name: str, value: str) -> Self:
        header = super().__new__(cls, value)
        header.name = name
        return header

    def fold(self, *, policy: Any) -> str:
        """Return the header's lines, broken at spaces, in encoded words where ASCII fails."""
        from email.header import Header

        if not self.isascii() or "=?" in self:
            words = Header(str(self), "utf-8", header_name=self.name, maxlinelen=76)
            return f"{self.name}: {words.encode(linesep=policy.linesep)}{policy.linesep}"
        lines = [f"{self.name}:"]
        for index, word in enumerate(self.split(" ")):
            if index and word and len(lines[-1]) + len(word) >= 78:
                lines.append("")
            lines[-1] += f" {word}"
        return str(policy.linesep).join([*lines, ""])
