"""Messages as e-mail, handed to a mail server by SMTP."""

import threading
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from crmkit.errors import InvalidRecord, UnknownName
from crmkit.model import Channel, Delivery, Message, Receipt
from crmkit.model import _fields as fields
from crmkit.protocols import Sender
from crmkit.senders import _mail_headers as head
from crmkit.senders._mail import compose

if TYPE_CHECKING:
    import ssl

    from crmkit.senders._smtp import Reply, Server, Session

_PORTS = {"starttls": 587, "implicit": 465, None: 25}


class SMTPSender(Sender):
    """Hands each message to one mail server, and says exactly how far it came.

    ``tls`` is how the connection is secured: ``"starttls"`` before anything else is said (port
    587), ``"implicit"`` from the first byte (465), or ``None`` for not at all (25), which sends
    a password in the clear. Certificates are checked; ``context`` brings other rules for that. A
    server that does not offer what was asked for gets nothing.

    Connections are kept and used again, up to ``per_connection`` messages each; one that was
    dropped while it lay idle is replaced without a word. Threads may share a sender: each of
    those that send at the same time has a connection. ``close``, or a ``with`` block, ends them.
    ``timeout`` is in seconds and holds for each step.

    The ``Message-ID`` comes from the key and the domain of ``from_address``; it is the receipt's
    ``provider_id``. SMTP knows no keys, so a message sent twice arrives twice: this sender does
    not deduplicate.

    What the server takes is ``accepted``; what it refuses for good (5xx) ``rejected``, and so is
    what can be no e-mail; what it refuses for now (4xx) ``later``, and so is what breaks off
    before the mail is complete; what is not answered after that is ``unknown``. Raises
    `SenderError` if there is no connection, no TLS or no login, or if the server refuses
    ``from_address``: nothing left, and nothing will. A receipt's ``detail`` has the step and the
    server's numbers, never its words: they quote addresses.

    >>> with SMTPSender("mail.example.org", from_address="talent@example.org") as sender:
    ...     print(sender)
    ...     print(sender.send(Message(key="e1.0.a", candidate_id="ada", to="nobody")).detail)
    SMTPSender('mail.example.org', port=587)
    to: expected exactly one e-mail address like name@host
    """

    def __init__(
        self,
        host: str,
        port: int | None = None,
        *,
        username: str | None = None,
        password: str | None = None,
        tls: Literal["starttls", "implicit"] | None = "starttls",
        context: "ssl.SSLContext | None" = None,
        from_address: str,
        reply_to: str | None = None,
        timeout: float = 20.0,
        per_connection: int = 100,
    ) -> None:
        if tls not in _PORTS:
            raise UnknownName.among("tls", tls, ["starttls", "implicit"], what="a kind of TLS")
        try:
            self._host = fields.text(host)
        except InvalidRecord as error:
            raise error.under("host") from None
        self._port = _PORTS[tls] if port is None else fields.whole(port, 1, 65_535, path="port")
        self._tls, self._context = tls, context
        self._login = _login(username, password)
        self._timeout = _seconds(timeout)
        self._per_connection = fields.whole(per_connection, 1, path="per_connection")
        address = head.address_of(from_address, "from_address")
        self._from, self._envelope, self._domain = from_address, address.addr_spec, address.domain
        if reply_to is not None:
            head.address_of(reply_to, "reply_to")
        self._reply_to = reply_to
        self._lock = threading.Lock()
        self._idle: list[Session] = []

    def __repr__(self) -> str:
        return f"SMTPSender({self._host!r}, port={self._port})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connections that lie idle; a later message opens one anew."""
        with self._lock:
            idle, self._idle = self._idle, []
        for session in idle:
            session.drop() if session.inherited else session.quit()

    def send(self, message: Message) -> Receipt:
        """Hand the message to the server once, and say how far it came."""
        if message.channel is not Channel.EMAIL:
            detail = f"channel: SMTP takes e-mail, not {message.channel}"
            return Receipt(delivery=Delivery.REJECTED, detail=detail)
        try:
            to = head.recipient(message.to)
            mail = compose(
                message,
                sender=self._from,
                domain=self._domain,
                reply_to=self._reply_to,
                line_end="\r\n",
            )
        except head.Unmailable as fault:
            return Receipt(delivery=Delivery.REJECTED, detail=str(fault))
        from crmkit.senders._smtp import END, Lost

        try:
            reply = self._carry(to, mail)
        except Lost as lost:
            if lost.step == END:
                detail = "the connection broke after the mail was sent: it may have arrived"
                return Receipt(delivery=Delivery.UNKNOWN, detail=detail)
            detail = f"the connection broke at {lost.step}: nothing left"
            return Receipt(delivery=Delivery.LATER, detail=detail)
        return self._receipt(reply, head.message_id(message.key, self._domain))

    def _receipt(self, reply: "Reply", message_id: str) -> Receipt:
        from crmkit.senders._smtp import refused, verdict

        delivery = verdict(reply)
        if delivery is None:
            raise self._server().unusable(reply)
        if delivery is Delivery.ACCEPTED:
            return Receipt(delivery=delivery, provider_id=message_id)
        return refused(reply, delivery)

    def _carry(self, to: str, mail: bytes) -> "Reply":
        from crmkit.senders._smtp import MAIL, Lost

        session = self._take()
        if session is not None:
            try:
                reply = self._over(session, to, mail)
                if not (reply.step == MAIL and reply.code == 421):
                    return reply
            except Lost as lost:
                if lost.step != MAIL:
                    raise
            # Dropped while it lay idle: this mail was not begun there.
        return self._over(self._server().open(), to, mail)

    def _over(self, session: "Session", to: str, mail: bytes) -> "Reply":
        from crmkit.senders._smtp import END

        usable = False
        try:
            reply = session.carry(self._envelope, to, mail)
            usable = reply.kind in {2, 4, 5} and reply.code != 421
            if usable and reply.step != END:
                usable = session.clear()
        finally:
            if not usable:
                session.drop()
        if usable and session.carried < self._per_connection:
            with self._lock:
                self._idle.append(session)
        elif usable:
            session.quit()
        return reply

    def _take(self) -> "Session | None":
        with self._lock:
            while self._idle:
                session = self._idle.pop()
                if not session.inherited:
                    return session
                session.drop()
        return None

    def _server(self) -> "Server":
        import ssl

        from crmkit.senders._smtp import Server

        if self._tls and self._context is None:
            self._context = ssl.create_default_context()
        return Server(
            host=self._host,
            port=self._port,
            tls=self._tls,
            context=self._context,
            login=self._login,
            timeout=self._timeout,
        )


def _seconds(value: object) -> float:
    if isinstance(value, int | float) and value > 0:
        return value
    raise InvalidRecord("timeout", f"expected seconds above 0, got {value!r}")


def _login(username: str | None, password: str | None) -> tuple[str, str] | None:
    if username is None and password is None:
        return None
    for name, value in (("username", username), ("password", password)):
        # smtplib sends ASCII only, and would show the password in its own error.
        if not value or not value.isascii() or fields.has_control(value):
            problem = "expected text in ASCII; username and password go together"
            raise InvalidRecord(name, problem)
    return username or "", password or ""
