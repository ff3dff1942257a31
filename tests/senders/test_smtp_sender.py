import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from crmkit.errors import InvalidRecord, SenderError, UnknownName
from crmkit.model import Channel, Delivery, Message
from crmkit.senders import SMTPSender
from crmkit.senders._mail_headers import message_id

pytest.importorskip("aiosmtpd")

from mail_servers import MailServer

DATE = "Mon, 02 Mar 2026 09:00:00 +0000"


def message(key="e1.0.welcome", **changes):
    known = {"to": "ada@example.org", "subject": "Hello", "headers": {"Date": DATE}}
    return Message(key=key, candidate_id="ada", **(known | changes))


@pytest.fixture
def server():
    with MailServer() as server:
        yield server


def sender_to(server, **options):
    known = {"tls": None, "from_address": "Talent <talent@example.org>", "timeout": 5}
    return SMTPSender("127.0.0.1", server.port, **(known | options))


def test_a_message_arrives_as_it_is(server):
    """The server gets our address, the one recipient and the mail, and the receipt has its id."""
    with sender_to(server, reply_to="ben@example.org") as sender:
        receipt = sender.send(message(body="Grüße\n.\n..\nend", html="<p>Grüße</p>"))
    assert (Delivery.ACCEPTED, message_id("e1.0.welcome", "example.org")) == (
        receipt.delivery,
        receipt.provider_id,
    )
    ((envelope_from, to, _),) = server.envelopes
    assert ("talent@example.org", ["ada@example.org"]) == (envelope_from, to)
    (mail,) = server.mails
    assert receipt.provider_id == mail["Message-ID"]
    assert (mail["Subject"], mail["Reply-To"]) == ("Hello", "ben@example.org")
    assert mail.get_body(("plain",)).get_content() == "Grüße\n.\n..\nend\n"
    assert mail.get_body(("html",)).get_content() == "<p>Grüße</p>\n"


def test_a_text_of_dots_ends_where_it_ends(server):
    """Lines that begin with a dot, the end of a mail among them, are text like any other."""
    body = ".\n.\n\n.\nMAIL FROM:<x@example.org>\nRCPT TO:<victim@example.org>\nDATA\n.x\n..\n."
    with sender_to(server) as sender:
        assert sender.send(message(body=body)).delivery is Delivery.ACCEPTED
        assert sender.send(message("next")).delivery is Delivery.ACCEPTED
    assert body + "\n" == server.mails[0].get_content()
    assert [["ada@example.org"]] * 2 == [to for _, to, _ in server.envelopes]


def test_international_domains_are_written_in_ascii(server):
    """The server is told the xn-- form of a domain."""
    with sender_to(server) as sender:
        sender.send(message(to="ada@bücher.example"))
    assert ["ada@xn--bcher-kva.example"] == server.envelopes[0][1]


def test_one_connection_carries_many(server):
    """Messages go over the same connection, up to so many for each."""
    with sender_to(server, per_connection=3) as sender:
        for number in range(7):
            assert sender.send(message(str(number))).delivery is Delivery.ACCEPTED
    assert (7, 3) == (len(server.envelopes), server.connections)


def test_a_refused_message_does_not_cost_the_connection(server):
    """After a refusal the next message goes over the same connection, and arrives alone."""
    with sender_to(server) as sender:
        server.answers["RCPT"] = "550 5.1.1 no such user"
        assert sender.send(message(to="nobody@example.org")).delivery is Delivery.REJECTED
        server.answers.clear()
        assert sender.send(message()).delivery is Delivery.ACCEPTED
    assert 1 == server.connections
    assert [["ada@example.org"]] == [to for _, to, _ in server.envelopes]


def test_a_connection_dropped_while_idle_is_replaced(server):
    """What the server cut between two messages is opened anew, and nobody hears of it."""
    with sender_to(server) as sender:
        sender.send(message("a"))
        server.drop_all()
        assert sender.send(message("b")).delivery is Delivery.ACCEPTED
    assert (2, 2) == (len(server.envelopes), server.connections)


def test_a_closed_sender_opens_anew(server):
    """Closing ends the connections; it may be repeated, and sending goes on if need be."""
    sender = sender_to(server)
    sender.send(message("a"))
    sender.close()
    sender.close()
    sender.send(message("b"))
    sender.close()
    assert 2 == server.connections


def test_threads_share_a_sender(server):
    """Callers at the same time each have a connection, and every message arrives once."""
    with sender_to(server) as sender, ThreadPoolExecutor(4) as pool:
        receipts = list(pool.map(lambda key: sender.send(message(str(key))), range(40)))
    assert {Delivery.ACCEPTED} == {receipt.delivery for receipt in receipts}
    assert 40 == len({mail["Message-ID"] for mail in server.mails}) == len(server.envelopes)
    assert 1 <= server.connections <= 4


def test_a_connection_is_not_used_by_another_process(server, monkeypatch):
    """A forked process opens its own connection instead of talking into its parent's."""
    with sender_to(server) as sender:
        sender.send(message("a"))
        here = os.getpid()
        monkeypatch.setattr(os, "getpid", lambda: here + 1)
        assert sender.send(message("b")).delivery is Delivery.ACCEPTED
    assert 2 == server.connections


@pytest.mark.parametrize(
    ("step", "answer", "delivery", "detail"),
    [
        ("RCPT", "550 5.1.1 <ada@example.org> unknown", "rejected", "RCPT TO: 550 5.1.1"),
        ("RCPT", "553 ada@example.org", "rejected", "RCPT TO: 553"),
        ("RCPT", "450 4.2.0 greylisted, ada", "later", "RCPT TO: 450 4.2.0"),
        ("RCPT", "421 4.7.0 too many", "later", "RCPT TO: 421 4.7.0"),
        ("RCPT", "354 what", "later", "RCPT TO: 354"),
        ("DATA", "554 5.7.1 ada is spam", "rejected", "the end of the text: 554 5.7.1"),
        ("DATA", "451 4.3.0 ada: try again", "later", "the end of the text: 451 4.3.0"),
        ("DATA", "421 4.3.2 closing", "later", "the end of the text: 421 4.3.2"),
        ("DATA", "354 ada what", "unknown", "the end of the text: 354"),
        ("MAIL", "451 4.7.1 not now", "later", "MAIL FROM: 451 4.7.1"),
        ("MAIL", "421 4.7.0 not now", "later", "MAIL FROM: 421 4.7.0"),
        ("MAIL", "552 5.3.4 too big", "rejected", "MAIL FROM: 552 5.3.4"),
    ],
)
def test_refusals_at_every_step(server, step, answer, delivery, detail):
    """5xx is for good, 4xx for now, nonsense after the end unknown; the server is not quoted."""
    server.answers[step] = answer
    with sender_to(server) as sender:
        receipt = sender.send(message())
    assert delivery == receipt.delivery
    assert detail == receipt.detail.partition(",")[0]
    assert "ada" not in receipt.detail
    assert server.envelopes == []


@pytest.mark.parametrize(
    ("step", "answer", "reason"),
    [
        ("MAIL", "550 5.7.1 talent@example.org may not", r"\(MAIL FROM: 550 5.7.1\)"),
        ("MAIL", "530 5.7.0 log in", r"\(MAIL FROM: 530 5.7.0\)"),
        ("RCPT", "530 5.7.0 log in", r"\(RCPT TO: 530 5.7.0\)"),
    ],
)
def test_a_server_that_wants_nothing_of_us_is_an_error(server, step, answer, reason):
    """A sender that is refused for good sends nothing to anybody: the pass ends."""
    server.answers[step] = answer
    with sender_to(server) as sender, pytest.raises(SenderError, match=reason) as caught:
        sender.send(message())
    assert "talent" not in str(caught.value)


def test_a_server_that_is_not_there_is_an_error(server):
    """A refused connection, or a name that nobody knows, is a SenderError that says which."""
    with MailServer() as gone:
        sender = sender_to(gone)
    with pytest.raises(SenderError, match=r"127\.0\.0\.1:\d+ .*\(connecting: Connection refused\)"):
        sender.send(message())
    with pytest.raises(SenderError, match="connecting"):
        SMTPSender("mail.invalid", tls=None, from_address="a@example.org").send(message())


def test_a_name_that_is_no_host_is_an_error():
    """A host that no name server could know is a SenderError as well."""
    sender = SMTPSender("x" * 64 + ".example", tls=None, from_address="a@example.org")
    with pytest.raises(SenderError, match="connecting: Unicode"):
        sender.send(message())


def test_only_mail_is_taken(server):
    """A message for another channel is rejected for good, without a connection."""
    receipt = sender_to(server).send(message(channel=Channel.LINKEDIN))
    assert (Delivery.REJECTED, "channel: SMTP takes e-mail, not linkedin") == (
        receipt.delivery,
        receipt.detail,
    )
    assert 0 == server.connections


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"to": "ada@example.org, bob@example.org"}, "to: expected exactly one"),
        ({"to": "søren@example.org"}, "to: an address with letters beyond ASCII"),
        ({"body": "\0"}, "body: expected text"),
        ({"html": "\0"}, "html: expected text"),
        ({"unsubscribe": "http://example.org"}, "unsubscribe: expected one https URL"),
        ({"headers": {"Bcc": "x@example.org"}}, "headers: Bcc is not for a message to set"),
    ],
)
def test_what_can_be_no_mail_is_rejected(server, changes, detail):
    """A faulty message is rejected with the part at fault, and the server hears nothing."""
    receipt = sender_to(server).send(message(**changes))
    assert receipt.delivery is Delivery.REJECTED
    assert receipt.detail.startswith(detail)
    assert 0 == server.connections


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"from_address": "nobody"}, "from_address"),
        ({"reply_to": "nobody"}, "reply_to"),
        ({"host": ""}, "host"),
        ({"port": 0}, "port"),
        ({"port": 70_000}, "port"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": "20"}, "timeout"),
        ({"timeout": float("nan")}, "timeout"),
        ({"per_connection": 0}, "per_connection"),
        ({"username": "talent"}, "password"),
        ({"password": "secret"}, "username"),
        ({"username": "talent", "password": "sécret"}, "password"),
        ({"username": "talent", "password": "secret\r\n"}, "password"),
    ],
)
def test_options_are_checked_at_once(options, path):
    """A faulty option is found when the sender is made, and a password is not quoted."""
    known = {"host": "mail.example.org", "from_address": "talent@example.org"}
    with pytest.raises(InvalidRecord) as caught:
        SMTPSender(**(known | options))
    assert path == caught.value.path
    assert "cret" not in str(caught.value)


def test_a_kind_of_tls_that_nobody_knows():
    """A wrong tls is an UnknownName that lists the right ones."""
    with pytest.raises(UnknownName, match="'implicit', 'starttls'"):
        SMTPSender("mail.example.org", tls="ssl", from_address="talent@example.org")


@pytest.mark.parametrize(("tls", "port"), [("starttls", 587), ("implicit", 465), (None, 25)])
def test_its_repr_has_the_host_and_the_port(tls, port):
    """The port follows from tls; who logs in is not shown."""
    sender = SMTPSender(
        "mail.example.org",
        tls=tls,
        username="talent",
        password="secret",
        from_address="talent@example.org",
    )
    assert f"SMTPSender('mail.example.org', port={port})" == repr(sender)


def test_importing_the_module_does_not_import_smtplib():
    """The mail libraries are loaded at the first message, not at import."""
    code = "import crmkit.senders, sys; print({'smtplib', 'ssl', 'django'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
