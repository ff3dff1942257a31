"""What the options of run-due name: a Maildir or a mail server, and a page to unsubscribe."""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal
from urllib.parse import unquote, urlsplit

import attrs

from crmkit.errors import InvalidRecord
from crmkit.lifecycle import UnsubscribeLinks
from crmkit.protocols import Sender
from crmkit.senders import MaildirSender, SMTPSender

PASSWORD = "CRMKIT_SMTP_PASSWORD"  # noqa: S105 - the name of the variable
"""The environment variable with the password of the mail server."""

SECRET = "CRMKIT_UNSUBSCRIBE_SECRET"  # noqa: S105 - the name of the variable
"""The environment variable with the secrets of the links that stop messages."""

_SCHEMES: dict[str, Literal["starttls", "implicit"] | None] = {
    "smtp": "starttls",
    "smtps": "implicit",
    "smtp+plain": None,
}
_LIKE = "expected a URL like smtp://user@host:587, smtps://user@host or smtp+plain://localhost"


@attrs.frozen(kw_only=True)
class MailServer:
    """A mail server, as a URL names it."""

    host: str
    port: int | None
    tls: Literal["starttls", "implicit"] | None
    username: str | None
    password: str | None = attrs.field(repr=False)


def mail_server(text: str) -> MailServer:
    """Read the URL of a mail server; no error shows it, since a password may be in it."""
    try:
        url = urlsplit(text)
        host, port = url.hostname, url.port
    except ValueError:
        raise InvalidRecord("--smtp", _LIKE) from None
    spare = url.path.strip("/") or url.query or url.fragment
    if url.scheme not in _SCHEMES or not host or spare:
        raise InvalidRecord("--smtp", _LIKE)
    user = None if url.username is None else unquote(url.username)
    password = None if url.password is None else unquote(url.password)
    if user and password is None:
        password = os.environ.get(PASSWORD)
        if password is None:
            problem = f"has a user, but no password: set the environment variable {PASSWORD}"
            raise InvalidRecord("--smtp", problem)
    return MailServer(
        host=host, port=port, tls=_SCHEMES[url.scheme], username=user, password=password
    )


def links_of(options: argparse.Namespace) -> UnsubscribeLinks | None:
    """Return what makes the links that stop messages, if a page for them was named."""
    if options.unsubscribe_url is None:
        return None
    found = [each.encode() for each in os.environ.get(SECRET, "").split()]
    if not found or min(map(len, found)) < 32:
        problem = f"needs the environment variable {SECRET}: at least 32 random characters"
        raise InvalidRecord("--unsubscribe-url", problem)
    try:
        return UnsubscribeLinks(url=options.unsubscribe_url, secrets=found)
    except InvalidRecord as error:
        raise InvalidRecord("--unsubscribe-url", error.problem) from None


@contextmanager
def sender_of(options: argparse.Namespace) -> Iterator[Sender]:
    """Give the sender that was named, and end its connections after the block."""
    if options.smtp is None:
        named = {"from_address": options.from_address} if options.from_address else {}
        yield MaildirSender(options.outbox, reply_to=options.reply_to, **named)
        return
    if options.from_address is None:
        raise InvalidRecord("--from", "a mail server needs the address that messages come from")
    server = mail_server(options.smtp)
    try:
        sender = SMTPSender(
            server.host,
            server.port,
            username=server.username,
            password=server.password,
            tls=server.tls,
            from_address=options.from_address,
            reply_to=options.reply_to,
        )
    except InvalidRecord as error:
        if error.path in {"from_address", "reply_to"}:
            raise
        raise error.under("--smtp") from None
    with sender:
        yield sender
