import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.utils import format_datetime

import attrs
import pytest
from hypothesis import given

from crmkit.errors import InvalidRecord
from crmkit.model import Message
from crmkit.senders import _mail, _mail_headers
from crmkit.testing import strategies

DATE = format_datetime(datetime(2026, 3, 2, 9, tzinfo=UTC))


def message(**changes):
    known = {"key": "e1.0.welcome", "candidate_id": "ada", "to": "ada@example.org"}
    return Message(**(known | {"headers": {"Date": DATE}} | changes))


def compose(sent, *, sender="talent@example.org", reply_to=None):
    return _mail.compose(sent, sender=sender, domain="example.org", reply_to=reply_to)


def parse(data):
    return message_from_bytes(data, policy=policy.default)


def forced(sent, **changes):
    """Put into a message what its own fields refuse."""
    copy = attrs.evolve(sent)
    for name, value in changes.items():
        object.__setattr__(copy, name, value)
    return copy


def fault(sent):
    with pytest.raises(_mail_headers.Unmailable) as caught:
        compose(sent)
    return str(caught.value)


def test_a_mail_has_the_headers_that_a_client_needs():
    """From, To, Subject, Date, Message-ID, List-Id and Reply-To are there, once, in order."""
    mail = parse(
        compose(message(subject="Hello", list_id="seven-touch"), reply_to="Ben <ben@example.org>")
    )
    expected = [
        ("From", "talent@example.org"),
        ("To", "ada@example.org"),
        ("Reply-To", "Ben <ben@example.org>"),
        ("Subject", "Hello"),
        ("Date", "Mon, 02 Mar 2026 09:00:00 +0000"),
        ("Message-ID", f"<{_mail_headers.digest('e1.0.welcome')}@example.org>"),
        ("List-Id", "<seven-touch.example.org>"),
        ("Content-Type", 'text/plain; charset="utf-8"'),
        ("Content-Transfer-Encoding", "7bit"),
        ("MIME-Version", "1.0"),
    ]
    assert expected == [(name, str(value)) for name, value in mail.items()]


@given(strategies.messages())
def test_every_message_survives(sent):
    """Any subject and body in any script come back as they were, and twice the same bytes."""
    sent = attrs.evolve(sent, headers={"Date": DATE})
    data = compose(sent)
    mail = parse(data)
    assert sent.subject == str(mail["Subject"])
    written = {"plain": sent.body} | ({} if sent.html is None else {"html": sent.html})
    parts = list(mail.iter_parts()) if mail.is_multipart() else [mail]
    assert list(written) == [part.get_content_subtype() for part in parts]
    for expected, part in zip(written.values(), parts, strict=True):
        assert expected.removesuffix("\n") == part.get_content().removesuffix("\n")
    assert sent.to == str(mail["To"])
    assert data == compose(sent)
    assert data.isascii()
    assert max(map(len, data.splitlines())) <= 998


@pytest.mark.parametrize("name", ["subject", "to", "list_id"])
@pytest.mark.parametrize("bad", ["\r\nBcc: x@y", "\n x", "\r", "\0", "\x1b[31m", "\x85", "\u2028"])
def test_control_characters_never_reach_a_header(name, bad):
    """Line breaks, NUL and other control characters are refused, and never quoted back."""
    attempt = forced(message(), **{name: f"ada{bad}@example.org"})
    if name == "list_id":
        assert bad not in parse(compose(attempt))["List-Id"]
    else:
        problem = fault(attempt)
        assert problem.startswith(f"{name}: expected")
        assert bad not in problem


@pytest.mark.parametrize(
    ("header", "value", "problem"),
    [
        ("X:Y", "1", "expected names of printable ASCII"),
        ("X\r\nBcc", "1", "expected names of printable ASCII"),
        ("", "1", "expected names of printable ASCII"),
        ("Größe", "1", "expected names of printable ASCII"),
        ("X" * 77, "1", "expected names of printable ASCII"),
        ("bcc", "x@example.org", "bcc is not for a message to set"),
        ("SUBJECT", "x", "SUBJECT is not for a message to set"),
        ("Content-Type", "text/html", "Content-Type is not for a message to set"),
        ("Resent-To", "x@example.org", "Resent-To is not for a message to set"),
        ("date", DATE, "Date is there twice"),
        ("X-Long", "x" * 1_000, "X-Long has a word longer than a line of mail can be"),
    ],
)
def test_headers_that_cannot_be(header, value, problem):
    """A header that would break the mail or change who gets it is refused by name."""
    assert problem in fault(message(headers={"Date": DATE, header: value}))


def test_a_header_forced_past_the_record_is_refused():
    """A header's value with a line break ends in a rejection that names the header."""
    attempt = forced(message(), headers={"X-Note": "1\r\nBcc: x@example.org"})
    assert fault(attempt) == "headers: X-Note: expected one line of text without control characters"


def test_long_ids_and_urls_stay_whole():
    """A reference or an unsubscribe link is never broken into encoded words."""
    url = f"<https://example.org/unsubscribe?token={'a1' * 200}>"
    references = " ".join(f"<{_mail_headers.digest(str(n))}@example.org>" for n in range(9))
    headers = {"List-Unsubscribe": url, "References": references, "Date": DATE}
    data = compose(message(headers=headers))
    assert f"List-Unsubscribe: {url}\n".encode() in data
    assert references == str(parse(data)["References"])
    assert max(len(line) for line in data.splitlines() if b"unsubscribe" not in line) <= 78


@given(strategies.texts())
def test_extra_headers_survive(value):
    """Any text in a header of the host's own comes back as it was."""
    mail = parse(compose(message(headers={"Date": DATE, "X-Note": value})))
    assert value == str(mail["X-Note"])


@pytest.mark.parametrize(
    "date", ["yesterday", "2026-03-02", "Mon, 99 Mar 2026 09:00:00 +0000", "1"]
)
def test_a_date_that_is_none_is_refused(date):
    """A Date that mail cannot read is refused before anything is written."""
    assert fault(message(headers={"Date": date})) == "headers: expected Date as RFC 5322 writes it"


def test_a_message_without_a_date_gets_one():
    """Mail without a Date is no mail, so the system's time is written."""
    assert parse(compose(message(headers={})))["Date"].datetime.year >= 2024


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@例え.jp", "ada@xn--r8jz45g.jp"),
        ("o'brien+crm@mail.example.com", "o'brien+crm@mail.example.com"),
        ("x" * 64 + "@" + "y" * 60 + ".example.org", "x" * 64 + "@" + "y" * 60 + ".example.org"),
        ("ada@[192.0.2.1]", "ada@[192.0.2.1]"),
    ],
)
def test_addresses_are_written_in_ascii(typed, written):
    """International domains take their xn-- form; others stay as they are."""
    assert written == parse(compose(message(to=typed)))["To"].addresses[0].addr_spec


@pytest.mark.parametrize(
    ("to", "problem"),
    [
        ("ada", "exactly one"),
        ("ada@", "exactly one"),
        ("@example.org", "exactly one"),
        ("ada@example.org, bob@example.org", "exactly one"),
        ("Ada <ada@example.org>", "exactly one"),
        ("friends: ada@example.org;", "exactly one"),
        ("(ada)ada@example.org", "exactly one"),
        ('"ada> <bob"@example.org', "exactly one"),
        ("a..b@example.org", "exactly one"),
        ("ada@" + "x" * 250 + ".org", "exactly one"),
        ("ada@" + "ü" * 70 + ".example", "exactly one"),
        ("søren@example.org", "SMTPUTF8"),
        ("ada@straße.example", "ASCII form"),
    ],
)
def test_addresses_that_mail_cannot_reach(to, problem):
    """What is not one plain address is refused, and the address is not quoted back."""
    found = fault(message(to=to))
    assert problem in found
    assert to not in found


@pytest.mark.parametrize("part", ["body", "html"])
@pytest.mark.parametrize("bad", ["\0", "\a", "\r", "a\rb", "\x7f", "\x85", "\x0c"])
def test_control_characters_in_a_part_are_refused(part, bad):
    """A text or a page may have line breaks and tabs, and no other control character."""
    problem = fault(message(**{part: f"secret {bad}"}))
    assert problem.startswith(f"{part}: expected text without control characters")
    assert "secret" not in problem


@pytest.mark.parametrize("part", ["body", "html"])
def test_a_lone_surrogate_in_a_part_is_refused(part):
    """Text that no encoding can hold is refused by name."""
    assert f"{part}: expected text that UTF-8" in fault(message(**{part: "secret \ud800"}))


def test_a_page_goes_beside_the_text():
    """A message with a page is multipart/alternative: the text first, the page as the better."""
    mail = parse(compose(message(body="Hello", html="<p>Grüße</p>")))
    assert mail.get_content_type() == "multipart/alternative"
    parts = [(part.get_content_type(), part.get_content()) for part in mail.iter_parts()]
    assert parts == [("text/plain", "Hello\n"), ("text/html", "<p>Grüße</p>\n")]


def test_the_boundary_is_in_no_part():
    """A text that guesses the boundary of its own mail gets another boundary."""
    guessed = parse(compose(message(body="x", html="y"))).get_boundary()
    mail = parse(compose(message(body=f"--{guessed}\n\nx\n--{guessed}--\n", html="y")))
    assert guessed != mail.get_boundary()
    assert len(list(mail.iter_parts())) == 2


@given(strategies.messages())
def test_lines_end_as_the_channel_wants(sent):
    """For SMTP every line ends in CRLF, with no CR or LF alone; else it is the same mail."""
    sent = attrs.evolve(sent, headers={"Date": DATE})
    options = {"sender": "talent@example.org", "domain": "example.org", "reply_to": None}
    crlf = _mail.compose(sent, **options, line_end="\r\n")
    assert crlf.endswith(b"\r\n")
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", crlf)
    assert crlf.replace(b"\r\n", b"\n") == compose(sent)


def test_line_ends_of_other_systems_are_taken():
    """A body with CRLF reads as the same lines."""
    assert parse(compose(message(body="a\r\nb\r\n"))).get_content() == "a\nb\n"


@pytest.mark.parametrize(
    ("mailbox", "domain"),
    [
        ("talent@example.org", "example.org"),
        ("Talent team <talent@mail.example.org>", "mail.example.org"),
        ("Équipe Talents <talent@example.org>", "example.org"),
        ('"Team, Talent" <talent@example.org>', "example.org"),
    ],
)
def test_senders_may_have_a_name(mailbox, domain):
    """A From address is taken with or without a display name, in any script."""
    assert domain == _mail_headers.address_of(mailbox, "from_address").domain
    address = parse(compose(message(), sender=mailbox))["From"].addresses
    assert [domain] == [one.domain for one in address]


@pytest.mark.parametrize(
    "mailbox",
    ["", "talent", "a@b.org, c@d.org", "a@b.org\r\nBcc: c@d.org", "<>", "é@b.org", "a@", 3],
)
def test_a_sender_that_is_no_address_is_refused(mailbox):
    """A faulty From is an InvalidRecord that says which option."""
    with pytest.raises(InvalidRecord) as caught:
        _mail_headers.address_of(mailbox, "from_address")
    assert caught.value.path == "from_address"


def test_digests_are_safe_names():
    """Any key, even one that UTF-8 cannot hold, makes a short hexadecimal name of its own."""
    keys = ["a", "A", "a/b", "..", "", "\0", "\ud800", "ä", "a\N{COMBINING DIAERESIS}", "x" * 5_000]
    names = {_mail_headers.digest(key) for key in keys}
    assert len(keys) == len(names)
    assert {40} == {len(name) for name in names}
    assert set("".join(names)) <= set("0123456789abcdef")
