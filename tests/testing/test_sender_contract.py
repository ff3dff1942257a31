import mailbox
from datetime import timedelta
from email import message_from_binary_file, message_from_bytes, policy
from itertools import count

import attrs
import pytest

from crmkit.model import Delivery, Message, Receipt
from crmkit.protocols import Deduplicates, FindsMessages, Sender, SendsBatches
from crmkit.senders import DjangoSender, MaildirSender, MemorySender, SMTPSender, _mail
from crmkit.testing._senders import check_sender


@attrs.frozen
class Mail:
    to: str
    subject: str
    body: str
    html: str | None
    headers: dict[str, str]


def parsed(mail):
    """Return what the contract asks of a mail, read by the standard library."""
    text, page = mail.get_body(("plain",)), mail.get_body(("html",))
    return Mail(
        str(mail["To"]),
        str(mail["Subject"]),
        text.get_content(),
        page and page.get_content(),
        {name: str(value) for name, value in mail.items()},
    )


def read_maildir(sender):
    box = mailbox.Maildir(
        sender.path,
        factory=lambda file: message_from_binary_file(file, policy=policy.default),
        create=False,
    )
    return [parsed(mail) for mail in box]


def memory_of(sender):
    return sender.messages


def test_the_memory_sender_keeps_the_contract():
    """MemorySender passes the suite that implementers run."""
    check_sender(MemorySender, memory_of)


def test_the_maildir_sender_keeps_the_contract(tmp_path):
    """MaildirSender passes the suite, read back with the standard library's mailbox."""
    places = count()
    check_sender(lambda: MaildirSender(tmp_path / f"box{next(places)}"), read_maildir)


@pytest.fixture
def server():
    pytest.importorskip("aiosmtpd")
    from mail_servers import MailServer

    with MailServer() as server:
        yield server


def check_over(server, sender):
    def make():
        server.envelopes.clear()
        return sender

    check_sender(make, lambda _: [parsed(mail) for mail in server.mails])


def test_the_smtp_sender_keeps_the_contract(server):
    """SMTPSender passes the suite, read back from a real server."""
    options = {"tls": None, "from_address": "talent@example.org"}
    with SMTPSender("127.0.0.1", server.port, **options) as sender:
        check_over(server, sender)


def test_the_django_sender_keeps_the_contract(server):
    """DjangoSender passes the suite over Django's SMTP back end and a real server."""
    pytest.importorskip("django")
    from django_mail import SMTP, backend

    connection = backend(SMTP, host="127.0.0.1", port=server.port)
    check_over(server, DjangoSender(connection, from_address="talent@example.org"))


def test_a_sender_with_every_ability_keeps_the_contract():
    """MemorySender passes with batches, too."""
    check_sender(lambda: MemorySender(batch_size=5), memory_of)


class Plain(Sender):
    """A sender that promises nothing but to deliver; the broken ones below differ in one point."""

    def __init__(self):
        self.messages = []

    def send(self, message):
        self.messages.append(message)
        return Receipt(delivery=Delivery.ACCEPTED)


def test_a_sender_need_not_deduplicate():
    """One that delivers a key twice passes, as long as it does not claim otherwise."""
    check_sender(Plain, memory_of)


class SaysItDeduplicates(Plain, Deduplicates):
    deduplication_window = timedelta.max


class Loses(Plain):
    def send(self, message):
        return Receipt(delivery=Delivery.ACCEPTED)


class RefusesAll(Plain):
    def send(self, message):
        return Receipt(delivery=Delivery.REJECTED, detail="no")


class ReturnsNothing(Plain):
    def send(self, message):
        self.messages.append(message)


class CountsInNumbers(Plain):
    def send(self, message):
        return attrs.evolve(super().send(message), provider_id=7)


class RenamesEachTime(SaysItDeduplicates):
    def send(self, message):
        known = {kept.key: kept for kept in self.messages}
        if message.key not in known:
            super().send(message)
        self.sent = getattr(self, "sent", 0) + 1
        return Receipt(delivery=Delivery.ACCEPTED, provider_id=str(self.sent))


class FoldsCase(Plain):
    def send(self, message):
        if message.key.lower() not in {kept.key.lower() for kept in self.messages}:
            super().send(message)
        return Receipt(delivery=Delivery.ACCEPTED)


class SharesIds(Plain):
    def send(self, message):
        return attrs.evolve(super().send(message), provider_id="the one")


class AsciiOnly(Plain):
    def send(self, message):
        ascii_body = message.body.encode("ascii", "replace").decode()
        return super().send(attrs.evolve(message, body=ascii_body))


class CutsSubjects(Plain):
    def send(self, message):
        return super().send(attrs.evolve(message, subject=message.subject[:78]))


class TakesTwoAddresses(Plain):
    def send(self, message):
        for address in message.to.split(","):
            super().send(attrs.evolve(message, to=address))
        return Receipt(delivery=Delivery.ACCEPTED)


class ReadsHeadersInBodies(Plain):
    def send(self, message):
        names = {line.split(":")[0]: "" for line in message.body.splitlines()}
        found = Mail(message.to, message.subject, message.body, message.html, names)
        self.messages.append(found)
        return Receipt(delivery=Delivery.ACCEPTED)


class RejectsButDelivers(Plain):
    def send(self, message):
        receipt = super().send(message)
        if "\0" in message.body:
            return Receipt(delivery=Delivery.REJECTED, detail="body: NUL")
        return receipt


class RejectsInSilence(Plain):
    def send(self, message):
        if "\0" in message.body:
            return Receipt(delivery=Delivery.REJECTED)
        return super().send(message)


class WouldTryAgain(Plain):
    def send(self, message):
        if "\0" in message.body:
            return Receipt(delivery=Delivery.LATER)
        return super().send(message)


class DropsPages(Plain):
    def send(self, message):
        return super().send(attrs.evolve(message, html="" if message.html is not None else None))


class PageForText(Plain):
    def send(self, message):
        return super().send(attrs.evolve(message, body=message.html or message.body))


class Mailer(Plain):
    """Writes mail as it should be; the broken ones below change one header."""

    header, value = "", None

    def send(self, message):
        try:
            data = _mail.compose(
                message, sender="talent@example.org", domain="example.org", reply_to=None
            )
        except _mail.Unmailable as fault:
            return Receipt(delivery=Delivery.REJECTED, detail=str(fault))
        mail = parsed(message_from_bytes(data, policy=policy.default))
        if self.header in mail.headers:
            mail.headers[self.header] = self.value
        self.messages.append(mail)
        return Receipt(delivery=Delivery.ACCEPTED)


def test_a_mailer_keeps_the_contract():
    """The mailer that the broken ones below differ from passes."""
    check_sender(Mailer, memory_of)


class AnswersNothing(Mailer):
    header, value = "In-Reply-To", "<elsewhere@example.org>"


class ForgetsTheRoot(Mailer):
    header, value = "References", "<elsewhere@example.org>"


class OneListForAll(Mailer):
    header, value = "List-Id", "<talent.example.org>"


class TwoWaysOut(Mailer):
    header, value = "List-Unsubscribe", "<mailto:stop@example.org>, <https://example.org/u>"


class NoPost(Mailer):
    header, value = "List-Unsubscribe-Post", None


class AListForEach(Mailer):
    def send(self, message):
        return super().send(attrs.evolve(message, list_id=message.thread))


class AnyLink(Mailer):
    def send(self, message):
        receipt = super().send(attrs.evolve(message, unsubscribe=None))
        if message.unsubscribe:
            self.messages[-1].headers["List-Unsubscribe"] = f"<{message.unsubscribe}>"
            self.messages[-1].headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        return receipt


class KnowsEverything(Plain, FindsMessages):
    def find(self, key):
        return Receipt(delivery=Delivery.ACCEPTED)


class KnowsNothing(Plain, FindsMessages):
    def find(self, key):
        return Receipt(delivery=Delivery.LATER)


class RenamesWhenAsked(Plain, FindsMessages):
    def find(self, key):
        known = key in {message.key for message in self.messages}
        delivery = Delivery.ACCEPTED if known else Delivery.UNKNOWN
        return Receipt(delivery=delivery, provider_id="another" if known else None)


class SendsWhenAsked(Plain, FindsMessages):
    def find(self, key):
        known = key in {message.key for message in self.messages}
        if not known:
            self.messages.append(Message(key=key, candidate_id="ada", to="ada@example.org"))
        return Receipt(delivery=Delivery.ACCEPTED if known else Delivery.LATER)


class Batching(MemorySender, SendsBatches):
    def __init__(self):
        super().__init__(batch_size=3)


class OneReceipt(Batching):
    def send_batch(self, messages):
        return super().send_batch(messages)[:1]


class OneReceiptAlways(Batching):
    def send_batch(self, messages):
        return super().send_batch(messages) or [Receipt(delivery=Delivery.ACCEPTED)]


class SendsTheFirst(Batching):
    def send_batch(self, messages):
        return super().send_batch(messages[:1]) * len(messages)


class Backwards(Batching):
    def send_batch(self, messages):
        return super().send_batch(messages)[::-1]


class HalfABatch(Batching):
    def send_batch(self, messages):
        receipts = super().send_batch(messages)
        return receipts[:-1] + [Receipt(delivery=Delivery.LATER) for _ in receipts[-1:]]


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        (DropsPages, "html must arrive as it was sent"),
        (PageForText, "body must arrive as it was sent"),
        (AnswersNothing, "In-Reply-To must be the message before"),
        (ForgetsTheRoot, "References must be all messages before"),
        (OneListForAll, "two lists must not share a List-Id"),
        (AListForEach, "one list must have one List-Id"),
        (TwoWaysOut, "List-Unsubscribe must be the link"),
        (NoPost, "List-Unsubscribe-Post must go with it"),
        (AnyLink, "List-Unsubscribe must be one https URI"),
        (KnowsEverything, "find must not know a key that was never sent"),
        (KnowsNothing, "find must know a key that was accepted"),
        (RenamesWhenAsked, "find must tell the provider_id of send"),
        (SendsWhenAsked, "find must send nothing"),
        (OneReceipt, "one receipt for each message"),
        (OneReceiptAlways, "an empty batch must have no receipts"),
        (SendsTheFirst, "every message of the batch must arrive, once"),
        (Backwards, "the receipts must be in the order of the messages"),
        (HalfABatch, "every message of the batch must be accepted"),
        (SaysItDeduplicates, "one key must be delivered once"),
        (Loses, "must arrive, once"),
        (RefusesAll, r"must be accepted \(detail: 'no'\)"),
        (ReturnsNothing, "must return a Receipt"),
        (CountsInNumbers, "provider_id must be text or None"),
        (RenamesEachTime, "one key must keep one provider_id"),
        (FoldsCase, "every key must be delivered"),
        (SharesIds, "must not share a provider_id"),
        (AsciiOnly, "body must arrive as it was sent"),
        (CutsSubjects, "subject must arrive as it was sent"),
        (TakesTwoAddresses, "must arrive, once"),
        (ReadsHeadersInBodies, "text became a header"),
        (RejectsButDelivers, "what is rejected must not arrive"),
        (RejectsInSilence, "must say why"),
        (WouldTryAgain, "refuse it for good"),
    ],
)
def test_a_broken_sender_is_caught(broken, complaint):
    """Each way to break the contract ends in an AssertionError that names it."""
    with pytest.raises(AssertionError, match=complaint):
        check_sender(broken, memory_of)


def test_a_used_place_is_caught():
    """A factory whose sender has delivered already makes every count wrong, so it is refused."""
    used = Plain()
    used.send(Message(key="old", candidate_id="ada", to="ada@example.org"))
    with pytest.raises(AssertionError, match="empty place"):
        check_sender(lambda: used, memory_of)
