from email import message_from_bytes, policy

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.model import Message
from crmkit.senders import _mail
from crmkit.senders._mail_headers import Unmailable, digest, message_id
from crmkit.testing import strategies

DATE = "Mon, 02 Mar 2026 09:00:00 +0000"
URL = "https://talent.example.org/u/AQ-_"


def message(**changes):
    known = {"key": "e1.0.welcome", "candidate_id": "ada", "to": "ada@example.org"}
    return Message(**(known | {"headers": {"Date": DATE}} | changes))


def compose(sent):
    return _mail.compose(sent, sender="talent@example.org", domain="example.org", reply_to=None)


def parse(sent):
    return message_from_bytes(compose(sent), policy=policy.default)


def forced(sent, **changes):
    """Put into a message what its own fields refuse."""
    copy = attrs.evolve(sent)
    for name, value in changes.items():
        object.__setattr__(copy, name, value)
    return copy


def ids(*keys):
    return " ".join(message_id(key, "example.org") for key in keys)


def test_a_later_touch_joins_the_thread():
    """In-Reply-To names the message before, References all before it, oldest first."""
    mail = parse(message(key="c", replies_to=("a", "b")))
    assert ids("b") == mail["In-Reply-To"]
    assert ids("a", "b") == mail["References"]
    assert ids("b") == parse(message(key="b"))["Message-ID"]


def test_the_first_touch_replies_to_nothing():
    """A message that begins a thread has neither header."""
    mail = parse(message())
    assert (None, None) == (mail["In-Reply-To"], mail["References"])


@pytest.mark.parametrize(
    ("count", "named"),
    [(10, range(10)), (11, range(11)), (12, [0, *range(2, 12)]), (40, [0, *range(30, 40)])],
)
def test_a_long_thread_names_its_root_and_the_newest(count, named):
    """References is the first message and the ten before this one, whatever the length."""
    mail = parse(message(replies_to=[str(number) for number in range(count)]))
    assert ids(*map(str, named)) == mail["References"]
    assert ids(str(count - 1)) == mail["In-Reply-To"]


@pytest.mark.parametrize("name", ["seven-touch", "a.b", "7"])
def test_a_list_has_a_name_of_its_own(name):
    """A label becomes the List-Id as it is, under the domain of the sender."""
    assert f"<{name}.example.org>" == parse(message(list_id=name))["List-Id"]


@pytest.mark.parametrize("name", ["a b", "e1>, <x", "größe", "x" * 64, ".", "a..b"])
def test_a_list_that_is_no_label_is_digested(name):
    """List-Id stays a dotted label, whatever the list is called."""
    assert f"<{digest(name)}.example.org>" == parse(message(list_id=name))["List-Id"]


def test_an_enrolment_is_no_list():
    """The thread of a message is nobody's List-Id: people filter by cadence, not by person."""
    assert parse(message(thread="enrolment-1"))["List-Id"] is None


def test_one_click_is_one_link_and_one_post():
    """An unsubscribe link goes out as RFC 8058 wants: one https URI, and the POST's body."""
    mail = parse(message(unsubscribe=URL))
    assert [f"<{URL}>"] == mail.get_all("List-Unsubscribe")
    assert ["List-Unsubscribe=One-Click"] == mail.get_all("List-Unsubscribe-Post")


@pytest.mark.parametrize(
    "url",
    [
        "http://talent.example.org/u",
        "mailto:stop@example.org",
        "javascript:alert(1)",
        "https://",
        "https:///u",
        "https://user@example.org/u",
        "https://example.org/a b",
        "https://example.org/u>, <mailto:victim@example.org",
        "https://example.org/u,https://example.org/v",
        "https://example.org/\r\nBcc: x@example.org",
        "https://example.org/\0",
        "https://example.org/ü",
        "https://example.org/?a=?utf-8?q?b?=",
        "https://example.org/" + "x" * 900,
        "HTTPS://example.org/u\n",
    ],
)
def test_a_link_that_is_no_plain_https_url_is_refused(url):
    """Anything else is refused by name, and not quoted back."""
    with pytest.raises(Unmailable) as caught:
        compose(forced(message(), unsubscribe=url))
    assert str(caught.value).startswith("unsubscribe: expected one https URL")


@pytest.mark.parametrize(
    ("header", "silent"),
    [
        ("list-id", {"List-Id"}),
        ("References", {"In-Reply-To"}),
        ("In-Reply-To", {"References"}),
        ("list-unsubscribe", {"List-Unsubscribe-Post"}),
    ],
)
def test_what_the_host_says_itself_holds(header, silent):
    """A header of the host's own replaces all that crmkit would say about the same thing."""
    mail = parse(
        message(
            list_id="x",
            replies_to=["a"],
            unsubscribe=URL,
            headers={"Date": DATE, header: "<talent.example.org>"},
        )
    )
    assert ["<talent.example.org>"] == mail.get_all(header)
    assert set() == (silent - {"List-Id"}) & set(mail.keys())


WILD = st.one_of(
    st.text(),
    st.sampled_from(
        [
            "x\r\nBcc: victim@example.org",
            "x\n\n<script>",
            "x>, <victim@example.org",
            "=?utf-8?q?=0D=0ABcc:_victim@example.org?=",
            "--=_\nContent-Type: text/html\n\nhello",
            "\n.\n\nMAIL FROM:<x@example.org>\nRCPT TO:<victim@example.org>\n",
        ]
    ),
)
TARGETS = ("subject", "to", "body", "html", "list_id", "unsubscribe", "key", "replies_to", "X-Note")


@given(strategies.messages(), WILD, st.sampled_from(TARGETS))
def test_no_text_changes_the_structure(sent, wild, target):
    """Text forced past the record's own checks is refused, or adds no header, person or part."""
    full = attrs.evolve(
        sent,
        html=sent.html or "",
        replies_to=["a"],
        list_id="x",
        unsubscribe=URL,
        headers={"Date": DATE, "X-Note": "1"},
    )
    plain = parse(full)
    if target == "X-Note":
        attempt = forced(full, headers={"Date": DATE, "X-Note": wild})
    else:
        attempt = forced(full, **{target: (wild,) if target == "replies_to" else wild})
    try:
        mail = parse(attempt)
    except Unmailable:
        return
    assert plain.keys() == mail.keys()
    assert len(mail["To"].addresses) == 1
    assert ["text/plain", "text/html"] == [part.get_content_type() for part in mail.iter_parts()]
    assert 1 == str(mail["List-Unsubscribe"]).count("<")
