"""A `Message` as the bytes of an e-mail (RFC 5322), or the reason why it cannot be one.

The standard library writes the structure and the body. Free text in headers is folded and
encoded here: the library reads ``=?utf-8?q?…?=`` in a subject as an encoding rather than as what
somebody typed, and breaks long ids and URLs into encoded words, which no mail client follows.
"""

import re
from itertools import count
from typing import Any, Self

from crmkit.model import Message
from crmkit.senders._mail_headers import Unmailable, digest, headers, needs_encoding, recipient

_NOT_IN_BODIES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def compose(
    message: Message, *, sender: str, domain: str, reply_to: str | None, line_end: str = "\n"
) -> bytes:
    """Return the mail as bytes; the same message with the same date gives the same bytes."""
    from email import policy
    from email.message import EmailMessage

    mail = EmailMessage(policy=policy.SMTP.clone(linesep=line_end))
    mail["From"] = sender
    mail["To"] = recipient(message.to)
    if reply_to:
        mail["Reply-To"] = reply_to
    for name, value in headers(message, domain).items():
        mail[name] = _Header(name, value)
    text, page = texts(message)
    mail.set_content(text, cte=_encoding(text))
    if page is not None:
        mail.add_alternative(page, subtype="html", cte=_encoding(page))
        mail.set_boundary(_boundary(message.key, text, page))
    return mail.as_bytes()


def texts(message: Message) -> tuple[str, str | None]:
    r"""Return the text and the page, their lines ended by ``\n``, or raise `Unmailable`."""
    page = None if message.html is None else _lines("html", message.html)
    return _lines("body", message.body), page


def _lines(where: str, typed: str) -> str:
    text = typed.replace("\r\n", "\n")
    if _NOT_IN_BODIES.search(text):
        problem = "expected text without control characters other than \\n and \\t"
        raise Unmailable(f"{where}: {problem}")
    try:
        text.encode()
    except UnicodeEncodeError:
        problem = "expected text that UTF-8 can hold (a lone surrogate)"
        raise Unmailable(f"{where}: {problem}") from None
    return text


def _encoding(text: str) -> str:
    plain = text.isascii() and all(len(line) <= 78 for line in text.split("\n"))
    return "7bit" if plain else "quoted-printable"


def _boundary(key: str, *parts: str) -> str:
    # Quoted-printable text never has "=_", and plain text is searched for it.
    names = (f"=_{digest(f'{number} {key}')}" for number in count())
    return next(name for name in names if not any(name in part for part in parts))


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

        if needs_encoding(self):
            words = Header(str(self), "utf-8", header_name=self.name, maxlinelen=76)
            return f"{self.name}: {words.encode(linesep=policy.linesep)}{policy.linesep}"
        lines = [f"{self.name}:"]
        for index, word in enumerate(self.split(" ")):
            if index and word and len(lines[-1]) + len(word) >= 78:
                lines.append("")
            lines[-1] += f" {word}"
        return str(policy.linesep).join([*lines, ""])
