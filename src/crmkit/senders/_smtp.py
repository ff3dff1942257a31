"""One connection to a mail server, and one mail over it, step by step (RFC 5321).

`smtplib` has the commands; its ``sendmail`` is not used, since it does not tell a connection that
broke before the end of the mail from one that broke after it.
"""

import os
import re
import smtplib
import socket
import ssl
from contextlib import suppress
from typing import Literal

import attrs

from crmkit.errors import SenderError
from crmkit.model import Delivery, Receipt

TLS = Literal["starttls", "implicit"] | None

MAIL, RCPT, DATA, TEXT, END = "MAIL FROM", "RCPT TO", "DATA", "the text", "the end of the text"

_STATUS = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}(?=\s|$)")


@attrs.frozen
class Reply:
    """What the server said to one step: its numbers, never its words, which quote addresses."""

    step: str
    code: int
    status: str

    @classmethod
    def read(cls, step: str, code: int, text: bytes | str) -> "Reply":
        """Keep the code and the enhanced status code (RFC 3463), if there is one."""
        said = text.decode(errors="replace") if isinstance(text, bytes) else text
        found = _STATUS.match(said)
        return cls(step, code, found.group() if found else "")

    @property
    def kind(self) -> int:
        """The first digit: 2 yes, 3 go on, 4 not now, 5 never."""
        return self.code // 100

    def __str__(self) -> str:
        return f"{self.step}: {self.code} {self.status}".rstrip()


def verdict(reply: Reply) -> Delivery | None:
    """Return what became of a mail by the reply that decided; None if the server refuses us.

    A 552 is about the mail (too big), a 530 wants a login; any other lasting refusal of
    ``MAIL FROM`` means who sends.
    """
    if reply.kind == 2 and reply.step == END:
        return Delivery.ACCEPTED
    if reply.kind == 5:
        ours = reply.code == 530 or (reply.step == MAIL and reply.code != 552)
        return None if ours else Delivery.REJECTED
    return Delivery.LATER if reply.kind == 4 or reply.step != END else Delivery.UNKNOWN


def refused(reply: Reply, delivery: Delivery) -> Receipt:
    """Return the receipt of a mail that was not taken, in our words and the server's numbers."""
    words = {
        Delivery.REJECTED: "refused for good",
        Delivery.LATER: "refused for now",
        Delivery.UNKNOWN: "which means neither yes nor no",
    }
    return Receipt(delivery=delivery, detail=f"{reply}, {words[delivery]}")


class Lost(Exception):  # noqa: N818 - reads as what it says
    """The connection broke, or the server was silent for too long, at one step."""

    def __init__(self, step: str) -> None:
        super().__init__(step)
        self.step = step


class Session:
    """An open connection, ready for a mail."""

    def __init__(self, client: smtplib.SMTP) -> None:
        self._client = client
        self._pid = os.getpid()
        self.carried = 0

    @property
    def inherited(self) -> bool:
        """Whether another process opened it, which may be using it now."""
        return self._pid != os.getpid()

    def carry(self, sender: str, to: str, mail: bytes) -> Reply:
        """Return the reply that decided: the first that refuses, or the one to the end.

        Raises `Lost`. Up to the end the server has no mail (RFC 5321, 4.1.1.4): what breaks
        before it leaves nothing.
        """
        self.carried += 1
        size = f" SIZE={len(mail)}" if self._client.has_extn("size") else ""
        steps = ((MAIL, f":<{sender}>{size}", 2), (RCPT, f":<{to}>", 2), (DATA, "", 3))
        for step, rest, wanted in steps:
            reply = self._ask(step, step + rest)
            if reply.kind != wanted:
                return reply
        try:
            self._client.send(re.sub(rb"^\.", b"..", mail, flags=re.MULTILINE))
        except OSError:
            raise Lost(TEXT) from None
        return self._ask(END, ".")

    def clear(self) -> bool:
        """Make the server forget a mail that it refused; whether it can be given another."""
        try:
            return self._ask("RSET", "RSET").kind == 2
        except Lost:
            return False

    def quit(self) -> None:
        """Say goodbye and close; a server that does not answer is left all the same."""
        with suppress(OSError):
            self._client.quit()
        self.drop()

    def drop(self) -> None:
        """Close without a word."""
        self._client.close()

    def _ask(self, step: str, line: str) -> Reply:
        try:
            code, text = self._client.docmd(line)
        except OSError:  # also what smtplib makes of a broken connection and of endless lines
            raise Lost(step) from None
        return Reply.read(step, code, text)


@attrs.frozen(kw_only=True)
class Server:
    """Where to connect, and as whom."""

    host: str
    port: int
    tls: TLS
    context: ssl.SSLContext | None = attrs.field(repr=False)
    login: tuple[str, str] | None = attrs.field(repr=False)
    timeout: float

    def open(self) -> Session:
        """Connect, secure the connection and log in, or raise `SenderError`: nothing left."""
        step = "connecting"
        client: smtplib.SMTP | None = None
        try:
            client = self._connect()
            if client.sock is not None:
                # The end is written apart from the text, and would wait for its acknowledgement.
                client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            step = "EHLO"
            client.ehlo_or_helo_if_needed()
            if self.tls == "starttls":
                step = "STARTTLS"
                client.starttls(context=self.context)
                client.ehlo_or_helo_if_needed()
            if self.login:
                step = "AUTH"
                client.login(*self.login)
        except (OSError, ValueError) as error:
            if client is not None:
                client.close()
            # Without the cause, whose text may quote who logged in.
            raise self.unusable(f"{step}: {_reason(step, error)}") from None
        return Session(client)

    def unusable(self, reason: object) -> SenderError:
        """Return the error for a server that takes nothing from us."""
        return SenderError(
            f"the mail server {self.host}:{self.port} takes no mail ({reason}); "
            "check host, port, tls, username, password and from_address of the SMTPSender"
        )

    def _connect(self) -> smtplib.SMTP:
        if self.tls == "implicit":
            return smtplib.SMTP_SSL(
                self.host, self.port, timeout=self.timeout, context=self.context
            )
        return smtplib.SMTP(self.host, self.port, timeout=self.timeout)


def _reason(step: str, error: Exception) -> str:
    """Say why in words of this machine, never in the server's."""
    match error:
        case smtplib.SMTPResponseException():
            reply = Reply.read(step, error.smtp_code, error.smtp_error)
            return f"{reply.code} {reply.status}".rstrip()
        case smtplib.SMTPServerDisconnected():
            return "the connection was closed, or the server was silent for too long"
        case smtplib.SMTPException():
            return "not offered"
        case ssl.SSLCertVerificationError():
            return error.verify_message
        case ssl.SSLError():
            return error.reason or "TLS failed"
        case TimeoutError():
            return "the server was silent for too long"
        case OSError(strerror=str() as why):
            return why
        case _:
            return type(error).__name__
