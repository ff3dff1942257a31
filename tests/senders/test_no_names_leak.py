"""No sender says whom it writes to, or what: not in its answers, errors, reprs and logs."""

import logging
import smtplib
import traceback

import pytest

from crmkit.errors import SenderError
from crmkit.model import Message
from crmkit.senders import DjangoSender, MaildirSender, MemorySender, SMTPSender

CANARIES = ("canary", "kanarie", "Kanarienvogel", "Kanarienlied", "Kanarienhaus", "geheimnis")
ADDRESS, NAME, SUBJECT, BODY, HTML, PASSWORD = CANARIES


def message(**changes):
    known = {
        "to": f"{ADDRESS}@example.org",
        "subject": f"{SUBJECT} for {NAME}",
        "body": f"Dear {NAME}, {BODY}",
        "html": f"<p>Dear {NAME}, {HTML}</p>",
    }
    return Message(key="e1.0.welcome", candidate_id="c1", **(known | changes))


FAULTY = [
    {"to": f"{ADDRESS}@example.org, {NAME}@example.org"},
    {"to": f"{ADDRESS}ü@example.org"},
    {"to": f"{ADDRESS}@straße.example"},
    {"body": f"{BODY}\0"},
    {"html": f"{HTML}\0"},
    {"subject": f"{SUBJECT}" + "x" * 1_000},
    {"unsubscribe": f"http://example.org/{NAME}"},
    {"headers": {"X-Note": NAME + "x" * 1_000}},
    {"headers": {"Date": NAME}},
    {"channel": "linkedin"},
]


@pytest.fixture
def leaks(caplog, capfd):
    """Return what sends messages and looks for canaries in all that came of it."""
    caplog.set_level(logging.DEBUG)

    def look(sender, *messages):
        said = [repr(sender), str(sender)]
        for sent in messages:
            said.append(repr(sent))
            try:
                said.append(repr(sender.send(sent)))
            except SenderError as error:
                said.extend(traceback.format_exception(error))
        # The server of the tests, and asyncio under it, log what they are given; they are not ours.
        theirs = ("mail.", "asyncio")
        said += [each.getMessage() for each in caplog.records if not each.name.startswith(theirs)]
        said += capfd.readouterr()
        assert len(said) > 2 * len(messages)
        return [canary for canary in CANARIES for each in said if canary.lower() in each.lower()]

    return look


@pytest.fixture
def server():
    pytest.importorskip("aiosmtpd")
    from mail_servers import MailServer

    with MailServer() as server:
        yield server


def smtp_to(server, **options):
    known = {"tls": None, "from_address": "talent@example.org", "timeout": 5}
    return SMTPSender("127.0.0.1", server.port, **(known | options))


ANSWERS = [
    {},
    {"MAIL": "550 5.7.1 {}"},
    {"MAIL": "451 4.7.1 {}"},
    {"RCPT": "550 5.1.1 {}"},
    {"RCPT": "450 {}"},
    {"RCPT": "530 {}"},
    {"DATA": "554 {}"},
    {"DATA": "451 {}"},
    {"DATA": "354 {}"},
    {"RCPT": None},
    {"DATA": None},
]


def quoting(answers):
    """Make the server quote everything that it knows, or hang up."""
    everything = " ".join(CANARIES)
    return {
        step: (lambda each: each.transport.abort() or "250 OK")
        if answer is None
        else answer.format(everything)
        for step, answer in answers.items()
    }


@pytest.mark.parametrize("answers", ANSWERS)
def test_smtp(leaks, server, answers):
    """Whatever a server says, and whatever is wrong with a message, nobody is named."""
    server.answers = quoting(answers)
    with smtp_to(server) as sender:
        assert leaks(sender, message(), *[message(**each) for each in FAULTY]) == []


@pytest.mark.parametrize("answers", ANSWERS)
def test_django(leaks, server, answers):
    """So it is by way of Django."""
    pytest.importorskip("django")
    from django_mail import SMTP, backend

    server.answers = quoting(answers)
    connection = backend(
        SMTP,
        host="127.0.0.1",
        port=server.port,
        timeout=5,
    )
    sender = DjangoSender(connection, from_address="talent@example.org")
    assert leaks(sender, message(), *[message(**each) for each in FAULTY]) == []


def test_a_login(leaks):
    """A password and who logs in stay with the sender, when a server quotes them as well."""
    pytest.importorskip("aiosmtpd")
    from mail_servers import ScriptedServer

    def quote(peer):
        peer.greet("AUTH PLAIN")
        peer.hear()
        peer.say(f"535 5.7.8 {NAME} with {PASSWORD}")
        peer.hear()

    with (
        ScriptedServer(quote) as server,
        smtp_to(server, username=NAME, password=PASSWORD) as sender,
    ):
        assert leaks(sender, message()) == []


def test_maildir_and_memory(leaks, tmp_path):
    """Nor does a sender that writes files, or one that keeps a list."""
    maildir, memory = MaildirSender(tmp_path / "outbox"), MemorySender()
    for sender in (maildir, memory):
        assert leaks(sender, message(), *[message(**each) for each in FAULTY]) == []
    (tmp_path / "outbox" / "new").rename(tmp_path / "gone")
    (tmp_path / "outbox" / "tmp").rmdir()
    assert leaks(maildir, message()) == []


def test_the_look_sees_what_it_should(leaks):
    """The look itself notices a leak."""

    class Talks(MemorySender):
        def send(self, message):
            logging.getLogger("host").info("to %s", message.to)
            raise SenderError("no") from smtplib.SMTPDataError(550, message.subject.encode())

    assert {ADDRESS, NAME, SUBJECT} == set(leaks(Talks(), message()))
