import pytest

from crmkit.errors import SenderError
from crmkit.model import Delivery, Message
from crmkit.senders import SMTPSender

pytest.importorskip("aiosmtpd")
pytest.importorskip("trustme")

import trustme
from mail_servers import MailServer, ScriptedServer, certified, trusting

# It is required here, from the first byte; aiosmtpd only knows of STARTTLS.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")

HELLO = Message(key="e1.0.welcome", candidate_id="ada", to="ada@example.org")
LOGIN = ("talent", "correct horse")


@pytest.fixture(scope="module")
def ca():
    return trustme.CA()


@pytest.fixture(params=["starttls", "implicit"])
def tls(request):
    return request.param


def serve(tls, context, login=None):
    return MailServer(**{tls: context}, login=login)


def sender_to(server, tls, context, **options):
    known = {"from_address": "talent@example.org", "timeout": 5}
    return SMTPSender("localhost", server.port, tls=tls, context=context, **(known | options))


def test_mail_goes_over_tls(ca, tls):
    """Both kinds of TLS carry mail, several over one connection."""
    with (
        serve(tls, certified(ca, "localhost")) as server,
        sender_to(server, tls, trusting(ca)) as sender,
    ):
        found = [sender.send(HELLO).delivery for _ in range(3)]
        assert (3, 1) == (len(server.envelopes), server.connections)
    assert [Delivery.ACCEPTED] * 3 == found


def test_a_connection_dropped_after_the_end_is_unknown(ca, tls):
    """So it is over TLS as well."""
    with (
        serve(tls, certified(ca, "localhost")) as server,
        sender_to(server, tls, trusting(ca)) as sender,
    ):
        server.answers["DATA"] = lambda each: each.transport.abort() or "250 OK"
        assert Delivery.UNKNOWN is sender.send(HELLO).delivery


def test_the_right_password_logs_in(ca, tls):
    """A server that wants a login gets it, once for each connection."""
    with (
        serve(tls, certified(ca, "localhost"), LOGIN) as server,
        sender_to(server, tls, trusting(ca), username=LOGIN[0], password=LOGIN[1]) as sender,
    ):
        found = [sender.send(HELLO).delivery for _ in range(2)]
    assert [Delivery.ACCEPTED] * 2 == found


def test_a_wrong_password_is_an_error(ca, tls):
    """The error names the step and the server's numbers, and neither who logs in nor how."""
    with (
        serve(tls, certified(ca, "localhost"), LOGIN) as server,
        sender_to(server, tls, trusting(ca), username="talent", password="wrong") as sender,
        pytest.raises(SenderError, match=r"\(AUTH: 535 5\.7\.8\)") as caught,
    ):
        sender.send(HELLO)
    assert "wrong" not in str(caught.value)
    assert "talent" not in str(caught.value)
    assert server.envelopes == []


def test_no_login_where_one_is_wanted_is_an_error(ca, tls):
    """A server that wants a login refuses us, not the message."""
    with (
        serve(tls, certified(ca, "localhost"), LOGIN) as server,
        sender_to(server, tls, trusting(ca)) as sender,
        pytest.raises(SenderError, match=r"\(MAIL FROM: 530 5\.7\.0\)"),
    ):
        sender.send(HELLO)


def test_a_login_where_none_is_offered_is_an_error(ca, tls):
    """A password is not sent to a server that does not ask for it."""
    with (
        ScriptedServer(lambda peer: (peer.greet(), peer.hear())) as server,
        sender_to(server, None, None, username="talent", password="secret") as sender,
        pytest.raises(SenderError, match=r"\(AUTH: not offered\)"),
    ):
        sender.send(HELLO)


@pytest.mark.parametrize("name", ["mail.example.org", "localhost"])
def test_a_certificate_that_does_not_hold_is_an_error(ca, tls, name):
    """Another server's certificate, or one that nobody we trust vouches for, ends it."""
    other = trustme.CA() if name == "localhost" else ca
    with (
        serve(tls, certified(other, name)) as server,
        sender_to(server, tls, trusting(ca)) as sender,
        pytest.raises(
            SenderError, match=r"(STARTTLS|connecting): (Hostname mismatch|unable to get)"
        ),
    ):
        sender.send(HELLO)
    assert server.envelopes == []


def test_certificates_are_checked_by_default(ca, tls):
    """Without a context of the host's own the machine's authorities decide."""
    with (
        serve(tls, certified(ca, "localhost")) as server,
        sender_to(server, tls, None) as sender,
        pytest.raises(SenderError, match=r"(STARTTLS|connecting): unable to get"),
    ):
        sender.send(HELLO)


@pytest.mark.parametrize("offers", [[], ["STARTTLS"]])
def test_nothing_is_sent_in_the_clear_instead(offers):
    """A server without STARTTLS, or that refuses it, hears neither password nor mail."""
    heard = []

    def plain(peer):
        peer.greet(*offers)
        while line := peer.hear():
            heard.append(line)
            peer.say("454 4.7.0 not now")

    with (
        ScriptedServer(plain) as server,
        sender_to(server, "starttls", None, username="talent", password="secret") as sender,
        pytest.raises(SenderError, match=r"\(STARTTLS: (not offered|454 4.7.0)\)"),
    ):
        sender.send(HELLO)
    assert offers == heard


def test_a_server_without_tls_is_an_error():
    """One that does not speak TLS where it is expected from the first byte is left."""
    with (
        ScriptedServer(lambda peer: (peer.say("220 hi"), peer.hear())) as server,
        sender_to(server, "implicit", None) as sender,
        pytest.raises(SenderError, match=r"\(connecting: [A-Z_]+\)"),
    ):
        sender.send(HELLO)
