import smtplib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from crmkit.errors import InvalidRecord, MissingExtra, SenderError
from crmkit.model import Channel, Delivery, Message
from crmkit.senders import DjangoSender
from crmkit.senders._mail_headers import message_id

pytest.importorskip("django")

from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.core.mail.backends.base import BaseEmailBackend
from django_mail import LOCMEM, SMTP, backend, by_default

DATE = "Mon, 02 Mar 2026 09:00:00 +0000"
URL = "https://talent.example.org/u/AQ-_"


def message(key="e1.0.welcome", **changes):
    known = {"to": "ada@example.org", "subject": "Hello", "headers": {"Date": DATE}}
    return Message(key=key, candidate_id="ada", **(known | changes))


def sender_over(connection, **options):
    return DjangoSender(connection, **({"from_address": "Talent <talent@example.org>"} | options))


@pytest.fixture
def outbox():
    mail.outbox = []
    return mail.outbox


def test_a_message_is_handed_over_as_it_is(outbox):
    """Django gets the text, the page, the one recipient and the headers that all mail has."""
    sender = sender_over(backend(LOCMEM), reply_to="ben@example.org")
    receipt = sender.send(
        message(
            body="Grüße",
            html="<p>Grüße</p>",
            replies_to=["a", "b"],
            list_id="seven-touch",
            unsubscribe=URL,
        )
    )
    assert (Delivery.ACCEPTED, message_id("e1.0.welcome", "example.org")) == (
        receipt.delivery,
        receipt.provider_id,
    )
    (sent,) = outbox
    assert (["ada@example.org"], "Talent <talent@example.org>") == (sent.to, sent.from_email)
    assert ("Hello", "Grüße") == (sent.subject, sent.body)
    assert [("<p>Grüße</p>", "text/html")] == [tuple(each) for each in sent.alternatives]
    ids = [message_id(key, "example.org") for key in ("a", "b")]
    assert sent.extra_headers == {
        "Date": DATE,
        "Message-ID": receipt.provider_id,
        "List-Id": "<seven-touch.example.org>",
        "In-Reply-To": ids[1],
        "References": " ".join(ids),
        "List-Unsubscribe": f"<{URL}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    assert sent.message()["Reply-To"] == "ben@example.org"


def test_a_page_never_goes_without_a_text(outbox):
    """Beside a page there is a text part, even if nothing is in it."""
    sender_over(backend(LOCMEM)).send(message(html="<p>Hello</p>"))
    parts = [part.get_content_type() for part in outbox[0].message().get_payload()]
    assert ["text/plain", "text/html"] == parts


def test_without_a_connection_the_settings_decide(outbox):
    """The back end of the settings is made anew for each message."""
    sender = sender_over(None)
    with by_default(LOCMEM):
        assert Delivery.ACCEPTED is sender.send(message()).delivery
    assert 1 == len(outbox)
    assert "<DjangoSender>" == repr(sender)


@pytest.mark.parametrize("path", ["nowhere.Backend", "django.core.mail.Nothing"])
def test_a_back_end_that_cannot_be_had_is_an_error(path):
    """Settings that name no back end are a SenderError."""
    with by_default(path), pytest.raises(SenderError, match="check Django's settings"):
        sender_over(None).send(message())


def test_only_mail_is_taken(outbox):
    """A message for another channel is rejected for good."""
    receipt = sender_over(backend(LOCMEM)).send(message(channel=Channel.LINKEDIN))
    assert (Delivery.REJECTED, "channel: Django takes e-mail, not linkedin") == (
        receipt.delivery,
        receipt.detail,
    )
    assert outbox == []


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"to": "ada@example.org, bob@example.org"}, "to: expected exactly one"),
        ({"body": "\0"}, "body: expected text"),
        ({"html": "\0"}, "html: expected text"),
        ({"unsubscribe": "http://example.org"}, "unsubscribe: expected one https URL"),
        ({"headers": {"Bcc": "x@example.org"}}, "headers: Bcc is not for a message to set"),
        ({"headers": {"X-Long": "x" * 1_000}}, "headers: X-Long has a word longer than"),
    ],
)
def test_what_can_be_no_mail_is_rejected(outbox, changes, detail):
    """A faulty message is rejected with the part at fault, and the back end hears nothing."""
    receipt = sender_over(backend(LOCMEM)).send(message(**changes))
    assert receipt.delivery is Delivery.REJECTED
    assert receipt.detail.startswith(detail)
    assert outbox == []


class Backend(BaseEmailBackend):
    """Fails, or answers, as it is told."""

    def __init__(self, answer=1, *, opening=None, closing=None, opened=True):
        super().__init__()
        self.answer, self.opening, self.closing, self.opened = answer, opening, closing, opened
        self.calls = []

    def open(self):
        self.calls.append("open")
        if self.opening:
            raise self.opening
        return self.opened

    def close(self):
        self.calls.append("close")
        if self.closing:
            raise self.closing

    def send_messages(self, email_messages):
        self.calls.append("send")
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def refused(code, text):
    return smtplib.SMTPRecipientsRefused({"ada@example.org": (code, text)})


@pytest.mark.parametrize(
    ("answer", "delivery", "detail"),
    [
        (1, "accepted", None),
        (None, "accepted", None),
        (0, "unknown", "the back end sent nothing"),
        (refused(550, b"5.1.1 no ada"), "rejected", "RCPT TO: 550 5.1.1, refused for good"),
        (refused(450, b"ada, later"), "later", "RCPT TO: 450, refused for now"),
        (smtplib.SMTPDataError(554, b"5.7.1 ada"), "rejected", "DATA: 554 5.7.1,"),
        (smtplib.SMTPDataError(451, "4.3.0 ada"), "later", "DATA: 451 4.3.0,"),
        (smtplib.SMTPSenderRefused(451, b"", "x"), "later", "MAIL FROM: 451,"),
        (smtplib.SMTPSenderRefused(552, b"", "x"), "rejected", "MAIL FROM: 552,"),
        (smtplib.SMTPServerDisconnected("ada"), "unknown", "the back end failed with SMTPServer"),
        (smtplib.SMTPResponseException(500, b"ada"), "unknown", "the back end failed with SMTPRes"),
        (TimeoutError("ada"), "unknown", "the back end failed with TimeoutError"),
        (KeyError("ada"), "unknown", "the back end failed with KeyError"),
    ],
)
def test_what_the_back_end_says_is_judged(answer, delivery, detail):
    """A clear refusal is one; what does not tell how far it came is unknown; nobody is quoted."""
    receipt = sender_over(Backend(answer)).send(message())
    assert delivery == receipt.delivery
    assert (receipt.detail or "").startswith(detail or "")
    assert "ada" not in (receipt.detail or "")


@pytest.mark.parametrize(
    "answer",
    [
        smtplib.SMTPSenderRefused(550, b"ada", "x"),
        smtplib.SMTPConnectError(554, b"ada"),
        smtplib.SMTPHeloError(550, b"ada"),
        smtplib.SMTPAuthenticationError(535, b"ada"),
        smtplib.SMTPNotSupportedError("ada"),
        ImproperlyConfigured("ada"),
        refused(530, b"ada must log in"),
    ],
)
def test_a_back_end_that_takes_nothing_is_an_error(answer):
    """A refusal of us, not of the message, ends the pass, and quotes nobody."""
    with pytest.raises(SenderError, match="takes no mail") as caught:
        sender_over(Backend(answer)).send(message())
    assert "ada" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_connection_that_cannot_be_opened_is_an_error():
    """What fails before the message is handed over left nothing."""
    broken = Backend(opening=ConnectionRefusedError("ada"))
    with pytest.raises(SenderError, match=r"\(ConnectionRefusedError\)"):
        sender_over(broken).send(message())
    assert ["open"] == broken.calls


def test_what_it_opens_it_closes():
    """A connection is closed after the message if it was closed before; else it stays open."""
    closed, at_hand = Backend(), Backend(opened=False)
    for broken in (closed, at_hand):
        sender_over(broken).send(message())
    assert (["open", "send", "close"], ["open", "send"]) == (closed.calls, at_hand.calls)


def test_a_connection_that_failed_is_used_no_more():
    """A connection of the host's that broke is closed, so that the next message opens it anew."""
    broken = Backend(smtplib.SMTPServerDisconnected("gone"), opened=False)
    sender_over(broken).send(message())
    assert ["open", "send", "close"] == broken.calls


def test_a_goodbye_that_fails_changes_nothing():
    """What was accepted stays accepted, whatever becomes of the connection."""
    broken = Backend(closing=smtplib.SMTPServerDisconnected("gone"))
    assert Delivery.ACCEPTED is sender_over(broken).send(message()).delivery


def test_threads_take_turns():
    """A connection of the host's is used by one caller at a time."""
    broken = Backend()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(sender_over(broken).send, [message()] * 50))
    assert ["open", "send", "close"] * 50 == broken.calls


@pytest.mark.parametrize("option", ["from_address", "reply_to"])
def test_addresses_are_checked_at_once(option):
    """A faulty From or Reply-To is found when the sender is made."""
    with pytest.raises(InvalidRecord, match=option):
        sender_over(None, **{option: "nobody"})


def test_its_repr_names_the_back_end():
    """The repr shows the kind of the back end, and nothing of its settings."""
    sender = sender_over(backend(LOCMEM))
    assert f"<DjangoSender: {LOCMEM}>" == repr(sender)


def test_without_django_the_extra_is_named():
    """Where Django is not installed, the error is the command that installs it."""
    code = (
        "import sys; sys.modules['django'] = None\n"
        "from crmkit.senders import DjangoSender\n"
        "try: DjangoSender(from_address='talent@example.org')\n"
        "except ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert str(MissingExtra("django", "DjangoSender")) == done.stdout.strip()


def test_a_real_server_gets_the_same_mail():
    """Through Django's SMTP back end, subjects, headers and pages arrive as they were."""
    pytest.importorskip("aiosmtpd")
    from mail_servers import MailServer

    long = "two  spaces and =?utf-8?q?no_encoding?= here"
    url = f"https://talent.example.org/u/{'a1' * 200}"
    with MailServer() as server:
        sender = sender_over(backend(SMTP, host="127.0.0.1", port=server.port, timeout=5))
        sent = message(subject=long, body="Grüße\n.\n", html="<p>ü</p>", unsubscribe=url)
        assert Delivery.ACCEPTED is sender.send(sent).delivery
        server.answers["RCPT"] = "550 5.1.1 ada is not here"
        assert Delivery.REJECTED is sender.send(sent).delivery
        server.answers["RCPT"] = lambda each: each.transport.abort() or "250 OK"
        assert Delivery.UNKNOWN is sender.send(sent).delivery
    (found,) = server.mails
    assert (long, f"<{url}>") == (found["Subject"], found["List-Unsubscribe"].strip())
    assert "Grüße\n.\n" == found.get_body(("plain",)).get_content()
    assert "<p>ü</p>" == found.get_body(("html",)).get_content().rstrip("\n")


class TestAnymail:
    @pytest.fixture
    def connection(self, outbox):
        pytest.importorskip("anymail")
        return backend("anymail.backends.test.EmailBackend")

    def answer(self, connection, status=None, message_id="4XyZ", error=None):
        """Make the provider say something, of whomever it is given."""
        from anymail.message import AnymailRecipientStatus

        def post(payload, sent):
            if error:
                raise error
            return {
                "recipient_status": {
                    email: AnymailRecipientStatus(message_id, status)
                    for email in payload.recipient_emails
                }
            }

        connection.post_to_esp = post
        return sender_over(connection).send(message())

    def test_a_provider_gets_the_texts_as_they_are(self, connection, outbox):
        """A subject that looks like an encoded word is not encoded for a provider's interface."""
        subject = "=?utf-8?q?no_encoding?="
        sender = sender_over(connection)
        receipt = sender.send(message(subject=subject, html="<p>x</p>", unsubscribe=URL))
        assert Delivery.ACCEPTED is receipt.delivery
        params = outbox[0].anymail_test_params
        assert (subject, "<p>x</p>") == (params["subject"], params["html_body"])
        assert f"<{URL}>" == params["extra_headers"]["List-Unsubscribe"]

    @pytest.mark.parametrize(
        ("status", "delivery"),
        [
            ("sent", "accepted"),
            ("queued", "accepted"),
            ("rejected", "rejected"),
            ("invalid", "rejected"),
            ("failed", "rejected"),
            ("unknown", "unknown"),
        ],
    )
    @pytest.mark.parametrize("ignored", [False, True])
    def test_the_status_decides(self, connection, status, delivery, ignored):
        """What the provider says of the recipient holds, whether anymail raises it or not."""
        connection.ignore_recipient_status = ignored
        receipt = self.answer(connection, status)
        assert delivery == receipt.delivery
        assert ("4XyZ" if delivery == "accepted" else None) == receipt.provider_id

    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            ("<1@esp>", "<1@esp>"),
            ("a-ADA@example.org", None),
            ("x\ny", None),
            (None, None),
            (7, "7"),
        ],
    )
    def test_an_id_that_could_name_somebody_is_not_kept(self, connection, given, kept):
        """A provider's id is kept if it is plain and has no address of the recipient in it."""
        assert kept == self.answer(connection, "sent", given).provider_id

    @pytest.mark.parametrize(
        ("code", "delivery"),
        [(429, "later"), (400, "rejected"), (422, "rejected"), (500, "unknown"), (200, "unknown")],
    )
    def test_the_answer_decides(self, connection, code, delivery):
        """Too many requests are for later, a refused request is for good, the rest is unknown."""
        from anymail.exceptions import AnymailRequestsAPIError

        response = Response(code, {"Retry-After": "30"})
        receipt = self.answer(connection, error=AnymailRequestsAPIError("ada", response=response))
        assert delivery == receipt.delivery
        assert f"the provider answers {code}" == receipt.detail
        assert (timedelta(seconds=30) if code == 429 else None) == receipt.retry_after

    @pytest.mark.parametrize("wait", ["", "soon", "9" * 20, "Mon, 02 Mar 2026 09:00:00 GMT"])
    def test_a_wait_that_is_no_number_is_left_out(self, connection, wait):
        """A Retry-After that is not in seconds says nothing."""
        from anymail.exceptions import AnymailRequestsAPIError

        response = Response(429, {"Retry-After": wait})
        receipt = self.answer(connection, error=AnymailRequestsAPIError("", response=response))
        assert (Delivery.LATER, None) == (receipt.delivery, receipt.retry_after)

    @pytest.mark.parametrize("code", [401, 403, 404])
    def test_a_wrong_key_is_an_error(self, connection, code):
        """A provider that does not know us takes nothing at all."""
        from anymail.exceptions import AnymailRequestsAPIError

        error = AnymailRequestsAPIError("ada", response=Response(code, {}))
        with pytest.raises(SenderError, match=rf"\(the provider answers {code}\)"):
            self.answer(connection, error=error)

    @pytest.mark.parametrize(
        ("name", "delivery"),
        [
            ("AnymailInvalidAddress", "rejected"),
            ("AnymailSerializationError", "rejected"),
            ("AnymailUnsupportedFeature", "rejected"),
            ("AnymailAPIError", "unknown"),
            ("AnymailError", "unknown"),
        ],
    )
    def test_what_was_never_posted_is_rejected(self, connection, name, delivery):
        """A message that the provider's interface cannot carry is rejected; the rest is unknown."""
        from anymail import exceptions

        receipt = self.answer(connection, error=getattr(exceptions, name)("ada"))
        assert delivery == receipt.delivery
        assert "ada" not in receipt.detail

    def test_a_provider_that_is_not_there_is_an_error(self, connection):
        """A connection that was never made left nothing."""
        from anymail.exceptions import AnymailRequestsAPIError

        requests = pytest.importorskip("requests")

        def post(payload, sent):
            try:
                requests.get("http://127.0.0.1:9/", timeout=5)
            except requests.RequestException as error:
                raise AnymailRequestsAPIError("ada") from error

        connection.post_to_esp = post
        with pytest.raises(SenderError, match=r"\(no connection to the provider\)"):
            sender_over(connection).send(message())


class Response:
    def __init__(self, status_code, headers):
        self.status_code, self.headers = status_code, headers
