"""What people type, sent through a real server: it never adds a header, a person or a part."""

import re

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.model import Delivery
from crmkit.senders import DjangoSender, SMTPSender
from crmkit.testing import strategies

pytest.importorskip("aiosmtpd")

from mail_servers import MailServer

URL = "https://talent.example.org/u/AQ-_"
BCC = "Bcc: victim@example.org"
PAYLOADS = st.one_of(
    st.text(),
    st.sampled_from(
        [
            f"x\r\n{BCC}",
            f"x\n{BCC}\n\nhello",
            f"x\r{BCC}",
            f"x\0{BCC}",
            f"x\x85{BCC}",
            "x>, <victim@example.org",
            "x> SIZE=1\r\nRCPT TO:<victim@example.org",
            '"x> <victim"@example.org',
            "=?utf-8?q?=0D=0ABcc:_victim@example.org?=",
            "\n.\n\nMAIL FROM:<x@example.org>\nRCPT TO:<victim@example.org>\nDATA\n",
            "\r\n.\r\nMAIL FROM:<x@example.org>\r\nRCPT TO:<victim@example.org>\r\nDATA\r\n",
            f"--=_\nContent-Type: text/plain\n{BCC}\n\n--=_--\n",
            "</p><script>alert(1)</script>",
            "https://example.org/>, <mailto:victim@example.org",
        ]
    ),
)
TARGETS = ("subject", "to", "body", "html", "list_id", "unsubscribe", "key", "replies_to", "X-Note")


@pytest.fixture(scope="module")
def server():
    with MailServer() as server:
        yield server


@pytest.fixture(scope="module", params=["smtp", "django"])
def sender(request, server):
    if request.param == "smtp":
        options = {"tls": None, "from_address": "talent@example.org", "timeout": 5}
        with SMTPSender("127.0.0.1", server.port, **options) as sender:
            yield sender
        return
    pytest.importorskip("django")
    from django_mail import SMTP, backend

    connection = backend(SMTP, host="127.0.0.1", port=server.port)
    connection.open()
    yield DjangoSender(connection, from_address="talent@example.org")
    connection.close()


def structure(mail):
    names = sorted(name.lower() for name in mail)
    return names, [part.get_content_type() for part in mail.iter_parts()]


@settings(max_examples=50, deadline=None)
@given(sent=strategies.messages(), payload=PAYLOADS, target=st.sampled_from(TARGETS))
def test_no_payload_changes_the_structure(server, sender, sent, payload, target):
    """A payload arrives as text where it was put, or the message is rejected."""
    server.envelopes.clear()
    plain = attrs.evolve(
        sent,
        to="ada@example.org",
        html=sent.html or "",
        replies_to=["a"],
        list_id="x",
        unsubscribe=URL,
        headers={"X-Note": "1"},
    )
    assert Delivery.ACCEPTED is sender.send(plain).delivery
    attempt = attrs.evolve(plain)
    special = {"X-Note": ("headers", {"X-Note": payload}), "replies_to": ("replies_to", (payload,))}
    # Past the record's own checks, which refuse most of them.
    object.__setattr__(attempt, *special.get(target, (target, payload)))
    receipt = sender.send(attempt)
    if receipt.delivery is not Delivery.ACCEPTED:
        assert Delivery.REJECTED is receipt.delivery
        assert 1 == len(server.envelopes)
        return
    assert 2 == len(server.envelopes)
    (before, after), (_, (_, to, content)) = server.mails, server.envelopes
    assert structure(before) == structure(after)
    assert 1 == len(to) == len(after["To"].addresses)
    assert to == [after["To"].addresses[0].addr_spec]
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", content)
    if target in {"body", "html"}:
        kind = "plain" if target == "body" else "html"
        found = after.get_body((kind,)).get_content()
        assert payload.replace("\r\n", "\n").rstrip("\n") == found.rstrip("\n")
