import base64
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from crmkit import CRM
from crmkit.errors import InvalidRecord, InvalidToken, NotFound
from crmkit.lifecycle import UnsubscribeLinks
from crmkit.model import Candidate, Consent, Message
from crmkit.model import _fields as fields
from crmkit.senders import MemorySender, _mail
from crmkit.stores import MemoryStore
from crmkit.testing import strategies

URL = "https://talent.example.org/u/{token}"
OLD, NEW = b"o" * 32, b"n" * 32
KEY = "4be0643f1d98573b97cdca98a65347dd.0.welcome"
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

links = UnsubscribeLinks(url=URL, secrets=[NEW, OLD])


def token_of(key, of=links):
    return of.link(key).removeprefix("https://talent.example.org/u/")


@given(strategies.ids())
def test_a_link_leads_back_to_its_message(key):
    """The key of any message comes back from its link, which is a URL as it stands."""
    assert fields.is_https_url(links.link(key))
    assert key == links.read(token_of(key))
    assert links.link(key) == links.link(key)


def test_a_link_goes_into_a_mail_as_it_is():
    """The link of an ordinary key is one that mail takes."""
    link = links.link(KEY)
    sent = Message(key=KEY, candidate_id="ada", to="ada@example.org", unsubscribe=link)
    mail = _mail.compose(sent, sender="a@example.org", domain="example.org", reply_to=None)
    assert f"List-Unsubscribe: <{link}>\n" in mail.decode()


@given(st.data())
def test_any_changed_character_fails(data):
    """A token with one character changed, added or left out is refused."""
    token = token_of(KEY)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from(ALPHABET + "=+/ .\n\0é"))
    assume(other != token[place])
    for changed in (
        token[:place] + other + token[place + 1 :],
        token[:place] + other + token[place:],
        token[:place] + token[place + 1 :],
    ):
        assume(changed != token)
        with pytest.raises(InvalidToken):
            links.read(changed)


def test_every_last_character_but_one_fails():
    """The spare bits of the last character are no second way to write a token."""
    for extra in range(3):
        token = token_of(KEY + "x" * extra)
        accepted = []
        for last in ALPHABET:
            try:
                links.read(token[:-1] + last)
            except InvalidToken:
                continue
            accepted.append(last)
        assert [token[-1]] == accepted


@given(st.text())
@example("")
@example("AQ")
@example("A" * 100_000)
@example(base64.urlsafe_b64encode(b"\x01" + b"x" * 16).decode().rstrip("="))
def test_what_is_no_token_is_refused(text):
    """Anything else ends in the same error, which does not quote it."""
    with pytest.raises(InvalidToken) as caught:
        links.read(text)
    assert str(caught.value) == "the token is not one that these secrets have signed"


@pytest.mark.parametrize("value", [None, b"AQ", 7])
def test_what_is_no_text_is_refused(value):
    """A value of another kind is no token either."""
    with pytest.raises(InvalidToken):
        links.read(value)


@given(st.binary(min_size=32, max_size=64))
def test_tokens_of_other_secrets_fail(secret):
    """Nobody without the secret can make a token."""
    assume(secret not in {OLD, NEW})
    assume(secret.rstrip(b"\0") not in {OLD, NEW})  # HMAC fills a key with zeros
    other = UnsubscribeLinks(url=URL, secrets=[secret])
    with pytest.raises(InvalidToken):
        links.read(token_of(KEY, other))
    with pytest.raises(InvalidToken):
        other.read(token_of(KEY))


def test_secrets_are_replaced_without_breaking_links():
    """The first secret signs; what older ones have signed is read as long as they are kept."""
    before = UnsubscribeLinks(url=URL, secrets=[OLD])
    assert KEY == links.read(token_of(KEY, before))
    assert token_of(KEY) == token_of(KEY, UnsubscribeLinks(url=URL, secrets=[NEW]))
    with pytest.raises(InvalidToken):
        before.read(token_of(KEY))


def test_another_version_is_refused():
    """A token of a version that is not known is none, even with the right signature."""
    name = KEY.encode()
    mac = hmac.digest(NEW, b"crmkit unsubscribe\x02" + name, "sha256")[:16]
    with pytest.raises(InvalidToken):
        links.read(base64.urlsafe_b64encode(b"\x02" + name + mac).decode().rstrip("="))


def test_a_signature_for_something_else_is_refused():
    """A secret that is used elsewhere too makes no token of ours."""
    name = KEY.encode()
    mac = hmac.digest(NEW, b"\x01" + name, "sha256")[:16]
    with pytest.raises(InvalidToken):
        links.read(base64.urlsafe_b64encode(b"\x01" + name + mac).decode().rstrip("="))


def test_a_token_never_changes():
    """Links in old mails work after an update: the form of a token is pinned."""
    pinned = "ATRiZTA2NDNmMWQ5ODU3M2I5N2NkY2E5OGE2NTM0N2RkLjAud2VsY29tZVFGz4V9ej4Z34C_1MO8iKA"
    assert pinned == token_of(KEY)


def test_a_key_that_is_too_long_is_refused():
    """A link has an end."""
    with pytest.raises(InvalidRecord, match="fits into a link"):
        links.link("x" * 400)


@pytest.mark.parametrize(
    "url",
    [
        "",
        7,
        "https://talent.example.org/u/",
        "https://talent.example.org/{token}/{token}",
        "http://talent.example.org/u/{token}",
        "https://{token}.example.org/u",
        "https://{token}",
        "https://talent.example.org/u#{token}",
        "https://talent.example.org/u u/{token}",
        "https://talent.example.org/<{token}>",
        "https://talent.example.org/{user}/{token}",
        "https://user:pass@example.org/{token}",
    ],
)
def test_a_url_that_holds_no_token_is_refused(url):
    """The URL is https, has a host of its own, and has {token} once, where a server sees it."""
    with pytest.raises(InvalidRecord) as caught:
        UnsubscribeLinks(url=url, secrets=[NEW])
    assert caught.value.path == "url"


@pytest.mark.parametrize(
    "url", ["https://example.org/u?t={token}", "https://localhost:8443/{token}"]
)
def test_the_token_may_stand_in_the_query(url):
    """A query or a port will do as well."""
    assert UnsubscribeLinks(url=url, secrets=[NEW]).link(KEY).startswith(url.partition("{")[0])


@pytest.mark.parametrize(
    ("secrets", "path"),
    [
        ([], "secrets"),
        (b"n" * 32, "secrets"),
        ("n" * 32, "secrets"),
        ([b"short secret"], "secrets[0]"),
        ([NEW, "o" * 32], "secrets[1]"),
    ],
)
def test_weak_secrets_are_refused(secrets, path):
    """A secret is at least 32 bytes, and is not quoted back."""
    with pytest.raises(InvalidRecord) as caught:
        UnsubscribeLinks(url=URL, secrets=secrets)
    assert caught.value.path == path
    assert "short secret" not in str(caught.value)


def test_the_repr_keeps_the_secrets():
    """The repr shows the URL alone."""
    assert f"UnsubscribeLinks(url={URL!r})" == repr(links)


class TestTheFact:
    """What the link of a sent message does when it is posted to."""

    NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)

    def sent(self):
        links = UnsubscribeLinks(url="https://x.org/u/{token}", secrets=[b"s" * 32])
        sender = MemorySender()
        crm = CRM(MemoryStore(), sender, unsubscribe=links)
        crm.capture(Candidate(id="ada", emails=["ada@x.org"]), now=self.NOW)
        crm.engage(now=self.NOW)
        return crm, sender.messages[0]

    def test_every_message_carries_its_link(self):
        """It is in the message for the header, and in the text for people."""
        _, message = self.sent()
        assert message.unsubscribe.startswith("https://x.org/u/")
        assert message.unsubscribe in message.body

    def test_the_link_stops_all(self):
        """The fact names the message; nothing goes after it, and a second click changes nothing."""
        crm, message = self.sent()
        token = message.unsubscribe.removeprefix("https://x.org/u/")
        at = self.NOW + timedelta(days=400)
        fact = crm.unsubscribe(token, now=at)
        assert (fact.kind, fact.candidate_id, fact.touch) == ("unsubscribed", "ada", "welcome")
        assert crm.unsubscribe(token, now=at + timedelta(days=1)) == fact
        assert crm.engage(now=at).sent == ()

    def test_a_click_after_a_new_consent_counts_again(self):
        """They came back, and say no once more."""
        crm, message = self.sent()
        token = message.unsubscribe.removeprefix("https://x.org/u/")
        crm.unsubscribe(token, now=self.NOW)
        later = self.NOW + timedelta(days=9)
        crm.record([Consent(at=later).given_by("ada")], now=later)
        fact = crm.unsubscribe(token, now=later + timedelta(days=1))
        assert fact.at == later + timedelta(days=1)

    def test_what_is_no_token(self):
        """A made-up token, one of an unknown message, and a CRM without links are errors."""
        crm, _ = self.sent()
        with pytest.raises(InvalidToken):
            crm.unsubscribe("nonsense")
        unknown = UnsubscribeLinks(url="https://x.org/{token}", secrets=[b"s" * 32]).link("e.0.x")
        with pytest.raises(NotFound, match=r"no touch 'e\.0\.x'"):
            crm.unsubscribe(unknown.removeprefix("https://x.org/"))
        with pytest.raises(InvalidRecord, match="no links are made"):
            CRM(MemoryStore()).unsubscribe("x")
