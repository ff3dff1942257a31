"""What breaks on the way: dropped connections, silence, nonsense, at each step."""

import asyncio

import pytest

from crmkit.errors import SenderError
from crmkit.model import Delivery, Message
from crmkit.senders import SMTPSender

pytest.importorskip("aiosmtpd")

from mail_servers import MailServer, ScriptedServer


def message(**changes):
    return Message(key="e1.0.welcome", candidate_id="ada", to="ada@example.org", **changes)


def sender_to(server, **options):
    known = {"tls": None, "from_address": "talent@example.org", "timeout": 5}
    return SMTPSender("127.0.0.1", server.port, **(known | options))


def send(server, sent=None, **options):
    with sender_to(server, **options) as sender:
        return sender.send(sent or message())


def abort(server):
    server.transport.abort()
    return "250 nobody hears this"


@pytest.mark.parametrize("step", ["MAIL", "RCPT"])
def test_a_connection_dropped_before_the_text_leaves_nothing(step):
    """Dropped at MAIL FROM or RCPT TO, the message can be tried again."""
    with MailServer() as server:
        server.answers[step] = abort
        receipt = send(server)
    assert Delivery.LATER is receipt.delivery
    assert receipt.detail.startswith(f"the connection broke at {step}")
    assert receipt.detail.endswith(": nothing left")


def test_a_connection_dropped_after_the_end_is_unknown():
    """Dropped between the end of the text and the answer, nobody knows; it is not sent again."""
    with MailServer() as server:
        server.answers["DATA"] = abort
        receipt = send(server)
        assert 1 == server.connections
    assert Delivery.UNKNOWN is receipt.delivery
    assert "it may have arrived" in receipt.detail


def test_a_late_answer_to_the_end_is_unknown():
    """An answer beyond the timeout comes too late to be believed, and may well be a yes."""
    with MailServer() as server:

        async def dawdle(_):
            await asyncio.sleep(2)

        server.answers["DATA"] = dawdle
        receipt = send(server, timeout=0.3)
    assert Delivery.UNKNOWN is receipt.delivery


def test_a_slow_answer_within_the_timeout_is_an_answer():
    """A server may take its time."""
    with MailServer() as server:

        async def think(_):
            await asyncio.sleep(0.3)

        server.answers["DATA"] = think
        assert Delivery.ACCEPTED is send(server).delivery
        assert 1 == len(server.envelopes)


def test_silence_before_the_text_leaves_nothing():
    """A server that does not answer RCPT TO in time has no mail."""
    with MailServer() as server:

        async def dawdle(_):
            await asyncio.sleep(2)

        server.answers["RCPT"] = dawdle
        receipt = send(server, timeout=0.3)
    assert Delivery.LATER is receipt.delivery
    assert receipt.detail == "the connection broke at RCPT TO: nothing left"


def refuse_the_text(peer):
    peer.greet()
    for _ in range(2):
        peer.hear()
        peer.say("250 OK")
    peer.hear()
    peer.say("451 4.3.0 not now")
    peer.hear()
    peer.say("250 reset")
    peer.hear()


def drop_before_the_text(peer):
    peer.greet()
    for _ in range(2):
        peer.hear()
        peer.say("250 OK")
    peer.hear()


def drop_in_the_text(peer):
    peer.greet()
    peer.up_to_data()
    for _ in range(20):
        peer.hear()


@pytest.mark.parametrize(
    ("script", "detail"),
    [
        (refuse_the_text, "DATA: 451 4.3.0, refused for now"),
        (drop_before_the_text, "the connection broke at DATA: nothing left"),
        (drop_in_the_text, "the connection broke at the text: nothing left"),
    ],
)
def test_what_breaks_before_the_end_leaves_nothing(script, detail):
    """Up to the end of the text a server has no mail, however much of it was sent."""
    with ScriptedServer(script) as server:
        receipt = send(server, message(body=f"{70 * 'x'}\n" * 150_000))
    assert (Delivery.LATER, detail) == (receipt.delivery, receipt.detail)


def end_with(*answer):
    def script(peer):
        peer.greet()
        peer.up_to_data()
        peer.text()
        for line in answer:
            peer.say(line)
        peer.hear()

    return script


@pytest.mark.parametrize(
    ("answer", "delivery"),
    [
        (("250 OK",), "accepted"),
        (("250-OK", "250 ada@example.org"), "accepted"),
        (("554-no", "554 5.7.1 ada@example.org is spam"), "rejected"),
        (("451",), "later"),
        (("hello",), "unknown"),
        (("", "250 OK"), "unknown"),
        (("250-OK",), "unknown"),
        (("250 " + "x" * 20_000,), "unknown"),
        (("999 what",), "unknown"),
        (("-25 what",), "unknown"),
        (("000",), "unknown"),
    ],
)
def test_answers_to_the_end(answer, delivery):
    """A clear yes is a yes, a clear no a no; half an answer or nonsense is unknown."""
    with ScriptedServer(end_with(*answer)) as server:
        receipt = send(server, timeout=1)
    assert delivery == receipt.delivery
    assert "ada" not in (receipt.detail or "")


def test_a_server_that_says_goodbye_while_idle_is_asked_again():
    """A 421 that came while the connection lay idle costs nothing but a new connection."""

    def goodbye(peer):
        peer.greet()
        peer.up_to_data()
        peer.text()
        peer.say("250 OK")
        peer.say("421 4.4.2 idle for too long")
        peer.hear()

    with ScriptedServer(goodbye, end_with("250 OK")) as server, sender_to(server) as sender:
        assert Delivery.ACCEPTED is sender.send(message()).delivery
        assert Delivery.ACCEPTED is sender.send(message()).delivery
        assert 2 == server.served


def test_a_new_connection_that_breaks_is_not_replaced():
    """The silent second try is for connections that lay idle, and there is one of it."""

    def short(peer):
        peer.greet()
        peer.hear()

    with ScriptedServer(end_with("250 OK"), short, end_with("250 OK")) as server:
        with sender_to(server) as sender:
            assert Delivery.ACCEPTED is sender.send(message()).delivery
            assert Delivery.LATER is sender.send(message()).delivery
        assert 2 == server.served


def test_a_server_that_cannot_forget_is_left():
    """After a refusal the next message goes over a new connection, if RSET is refused."""

    def stubborn(peer):
        peer.greet()
        peer.hear()
        peer.say("451 not now")
        peer.hear()
        peer.say("502 what")
        peer.hear()

    def deaf(peer):
        peer.greet()
        peer.hear()
        peer.say("451 not now")
        peer.hear()

    scripts = (stubborn, deaf, end_with("250 OK"))
    with ScriptedServer(*scripts) as server, sender_to(server) as sender:
        found = [sender.send(message()).delivery for _ in range(3)]
        assert 3 == server.served
    assert [Delivery.LATER, Delivery.LATER, Delivery.ACCEPTED] == found


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (lambda peer: peer.say("554 5.3.2 ada, no"), r"\(connecting: 554 5.3.2\)"),
        (lambda peer: peer.say("421 4.7.0 too many"), r"\(connecting: 421 4.7.0\)"),
        (lambda peer: None, r"\(connecting: the connection was closed"),
        (lambda peer: peer.hear(), r"\(connecting: the connection was closed, or"),
        (lambda peer: (peer.say("220 hi"), peer.hear()), r"\(EHLO: the connection was closed"),
        (
            lambda peer: (peer.say("220 hi"), *[(peer.hear(), peer.say("550 ada")) for _ in "12"]),
            r"\(EHLO: 550\)",
        ),
    ],
)
def test_a_server_that_does_not_greet_is_an_error(script, reason):
    """A refusal, silence or a hang-up before the first message is a SenderError: nothing left."""
    with ScriptedServer(script) as server, pytest.raises(SenderError, match=reason) as caught:
        send(server, timeout=0.5)
    assert "ada" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_an_old_server_will_do():
    """One that knows HELO only gets its mail, without a size."""
    heard = []

    def old(peer):
        peer.say("220 hi")
        peer.hear()
        peer.say("502 what")
        peer.hear()
        peer.say("250 hello")
        heard.append(peer.hear())
        peer.say("250 OK")
        peer.hear()
        peer.say("250 OK")
        peer.hear()
        peer.say("354 go on")
        peer.text()
        peer.say("250 OK")
        peer.hear()

    with ScriptedServer(old) as server:
        assert Delivery.ACCEPTED is send(server).delivery
    assert ["MAIL FROM:<talent@example.org>"] == heard


def test_an_interrupted_call_leaves_no_connection(monkeypatch):
    """Stopped in mid-call, the connection is closed: the next message cannot fall into the last."""
    with MailServer() as server, sender_to(server) as sender:
        sender.send(message())

        def interrupt(*_, **options):
            raise KeyboardInterrupt

        monkeypatch.setattr("crmkit.senders._smtp.re.sub", interrupt)
        with pytest.raises(KeyboardInterrupt):
            sender.send(message())
        monkeypatch.undo()
        assert Delivery.ACCEPTED is sender.send(message()).delivery
        assert (2, 2) == (server.connections, len(server.envelopes))
