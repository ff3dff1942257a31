import mailbox
from datetime import timedelta
from email import message_from_binary_file, policy
from itertools import count

import attrs
import pytest

from crmkit.model import Delivery, Message, Receipt
from crmkit.protocols import Deduplicates, Sender
from crmkit.senders import MaildirSender, MemorySender
from crmkit.testing._senders import check_sender


@attrs.frozen
class Mail:
    to: str
    subject: str
    body: str
    headers: list[str]


def read_maildir(sender):
    box = mailbox.Maildir(
        sender.path,
        factory=lambda file: message_from_binary_file(file, policy=policy.default),
        create=False,
    )
    return [
        Mail(str(mail["To"]), str(mail["Subject"]), mail.get_content(), list(mail.keys()))
        for mail in box
    ]


def memory_of(sender):
    return sender.messages


def test_the_memory_sender_keeps_the_contract():
    """MemorySender passes the suite that implementers run."""
    check_sender(MemorySender, memory_of)


def test_the_maildir_sender_keeps_the_contract(tmp_path):
    """MaildirSender passes the suite, read back with the standard library's mailbox."""
    places = count()
    check_sender(lambda: MaildirSender(tmp_path / f"box{next(places)}"), read_maildir)


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
        found = Mail(message.to, message.subject, message.body, [])
        found.headers.extend(line.split(":")[0] for line in message.body.splitlines())
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


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
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
