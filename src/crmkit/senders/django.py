"""Messages as e-mail by way of Django, with whatever back end the host has set up."""

import threading
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

from crmkit.errors import MissingExtra, SenderError
from crmkit.model import Channel, Delivery, Message, Receipt
from crmkit.protocols import Sender
from crmkit.senders import _anymail
from crmkit.senders import _mail_headers as head
from crmkit.senders._mail import texts


class DjangoSender(Sender):
    """Hands each message to an e-mail back end of Django, django-anymail's among them.

    ``connection`` is a back end, as ``django.core.mail.mailers`` or, before Django 6.1,
    ``get_connection`` returns it; threads take turns at it. Without one the default back end of
    the settings is made anew for each message. What is closed is opened for one message and
    closed after it; what is open stays open until it fails.

    The mail says what that of `SMTPSender` says, and what becomes of it is judged alike. Where
    the back end does not tell how far it came, the answer is ``unknown``: a connection that broke
    under way, a back end that fails in silence. Of django-anymail's providers the id is taken
    over, the refusal of the recipient is ``rejected``, too many requests are ``later``.

    Raises `MissingExtra` without the ``django`` extra.

    >>> from django.conf import settings
    >>> if not settings.configured:
    ...     settings.configure()
    >>> from django.core import mail
    >>> from django.core.mail.backends.locmem import EmailBackend
    >>> sender = DjangoSender(EmailBackend(), from_address="Talent <talent@example.org>")
    >>> hello = Message(key="e1.0.a", candidate_id="ada", to="ada@example.org", subject="Hello")
    >>> print(sender.send(hello).delivery, mail.outbox[-1].subject)
    accepted Hello
    """

    def __init__(
        self, connection: Any = None, *, from_address: str, reply_to: str | None = None
    ) -> None:
        try:
            import django.core.mail  # noqa: F401 - to say at once that it is missing
        except ImportError:
            raise MissingExtra("django", "DjangoSender") from None
        self._domain = head.address_of(from_address, "from_address").domain
        if reply_to is not None:
            head.address_of(reply_to, "reply_to")
        self._from, self._reply_to = from_address, reply_to
        self._connection = connection
        self._turn: AbstractContextManager[Any] = (
            nullcontext() if connection is None else threading.Lock()
        )

    def __repr__(self) -> str:
        kind = type(self._connection)
        name = "" if self._connection is None else f": {kind.__module__}.{kind.__qualname__}"
        return f"<DjangoSender{name}>"

    def send(self, message: Message) -> Receipt:
        """Hand the message to the back end once, and say what became of it."""
        if message.channel is not Channel.EMAIL:
            detail = f"channel: Django takes e-mail, not {message.channel}"
            return Receipt(delivery=Delivery.REJECTED, detail=detail)
        with self._turn:
            connection = self._back_end()
            try:
                mail = self._compose(message, raw=_anymail.in_use(connection))
            except head.Unmailable as fault:
                return Receipt(delivery=Delivery.REJECTED, detail=str(fault))
            return self._hand_over(connection, mail)

    def _back_end(self) -> Any:
        from django.core import mail
        from django.core.exceptions import ImproperlyConfigured

        if self._connection is not None:
            return self._connection
        try:
            # Django 6.1 has mailers, and warns of get_connection.
            return mail.mailers.default if hasattr(mail, "mailers") else mail.get_connection()
        except (ImproperlyConfigured, ImportError) as error:
            raise _unusable(type(error).__name__) from error

    def _compose(self, message: Message, *, raw: bool) -> Any:
        from django.core.mail import EmailMultiAlternatives

        said = head.headers(message, self._domain)
        text, page = texts(message)
        to = head.recipient(message.to)
        written = said if raw else {name: _meant(name, value) for name, value in said.items()}
        mail = EmailMultiAlternatives(
            subject=written.pop("Subject"),
            body=text or "\n",  # Django leaves an empty text out beside a page
            from_email=self._from,
            to=[to],
            reply_to=[self._reply_to] if self._reply_to else None,
            headers=written,
        )
        if page is not None:
            mail.attach_alternative(page, "text/html")
        return mail

    def _hand_over(self, connection: Any, mail: Any) -> Receipt:
        try:
            opened = connection.open()
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing left
            # Without the cause, whose text may quote who logged in.
            raise _unusable(type(error).__name__) from None
        try:
            count = connection.send_messages([mail])
        except Exception as error:  # noqa: BLE001 - a back end may raise anything: see _verdict
            opened = True  # a connection that failed is used no more, whoever opened it
            return _verdict(error)
        finally:
            if opened:
                with suppress(OSError):  # what was sent stays sent
                    connection.close()
        if count == 0:
            detail = "the back end sent nothing and does not say why"
            return Receipt(delivery=Delivery.UNKNOWN, detail=detail)
        status = getattr(mail, "anymail_status", None)
        if status is not None:
            return _anymail.of_status(status)
        own_id = mail.extra_headers["Message-ID"]
        return Receipt(delivery=Delivery.ACCEPTED, provider_id=own_id)


def _meant(name: str, value: str) -> str:
    """Return what Django has to be given so that ``=?`` in a header is read as it was typed.

    It writes ASCII as it is, which mail programs would decode; from Django 6 on the standard
    library decodes it once before that.
    """
    import django

    if "=?" not in value:
        return value
    once = head.encoded(name, value)
    return once if django.VERSION < (6,) else head.encoded(name, once)


def _verdict(error: Exception) -> Receipt:
    """Return what became of the message, by what the back end raised."""
    import smtplib

    from django.core.exceptions import ImproperlyConfigured

    from crmkit.senders._smtp import DATA, MAIL, RCPT, Reply, refused, verdict

    reply = None
    match error:
        case smtplib.SMTPRecipientsRefused(recipients=recipients):
            code, text = next(iter(recipients.values()))
            reply = Reply.read(RCPT, code, text)
        case smtplib.SMTPSenderRefused():
            reply = Reply.read(MAIL, error.smtp_code, error.smtp_error)
        case smtplib.SMTPDataError():
            reply = Reply.read(DATA, error.smtp_code, error.smtp_error)
        case (
            smtplib.SMTPConnectError()
            | smtplib.SMTPHeloError()
            | smtplib.SMTPAuthenticationError()
            | smtplib.SMTPNotSupportedError()
            | ImproperlyConfigured()
        ):
            raise _unusable(type(error).__name__) from None
        case _:
            found = _anymail.of_error(error)
            if isinstance(found, str):
                raise _unusable(found) from None
            detail = f"the back end failed with {type(error).__name__}: it may have left"
            return found or Receipt(delivery=Delivery.UNKNOWN, detail=detail)
    delivery = verdict(reply)
    if delivery is None:
        raise _unusable(reply) from None
    return refused(reply, delivery)


def _unusable(reason: object) -> SenderError:
    return SenderError(
        f"the e-mail back end takes no mail ({reason}); check Django's settings for e-mail"
    )
