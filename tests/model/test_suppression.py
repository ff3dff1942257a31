"""Silent addresses: one digest for what is one address, and nothing to read in it."""

import pytest

from crmkit.codec import dumps, loads
from crmkit.errors import InvalidRecord, UnknownName
from crmkit.model import (
    Candidate,
    Channel,
    Interaction,
    Relationship,
    Suppression,
    SuppressionReason,
    address_digest,
    address_digests,
)

ADA = address_digest("ada@example.org")


@pytest.mark.parametrize(
    ("one", "other", "channel"),
    [
        ("ada@example.org", " ADA@Example.ORG ", "email"),
        ("+44 20 7946 0000", "+44(20)7946-0000", "text"),
        ("https://www.linkedin.com/in/ada/", "http://linkedin.com/in/Ada", "linkedin"),
    ],
)
def test_one_address_has_one_digest(one, other, channel):
    """However it is written."""
    assert address_digest(one, channel) == address_digest(other, channel)


def test_other_addresses_have_other_digests():
    """So have an address and a link of the same text; what has no digits is itself."""
    digests = {
        address_digest("ada@example.org"),
        address_digest("bob@example.org"),
        address_digest("ada@example.org", Channel.LINKEDIN),
        address_digest("front desk", Channel.PHONE),
        address_digest("back desk", Channel.PHONE),
    }
    assert len(digests) == 5


def test_texts_and_calls_share_a_number():
    """A number is one address, whatever it is used for."""
    assert address_digest("+44 20", Channel.TEXT) == address_digest("+44 20", Channel.PHONE)


@pytest.mark.parametrize("channel", ["in_person", "web"])
def test_channels_without_addresses_have_no_digests(channel):
    """There is nothing to suppress."""
    with pytest.raises(InvalidRecord, match="channel: expected one with addresses"):
        address_digest("ada", channel)


def test_every_address_of_a_profile_has_its_digest():
    """E-mail addresses, phones and links, as they stand there."""
    ada = Candidate(id="ada", emails=["Ada@Example.org"], phones=["+44 20"], links=["x.org/ada"])
    expected = {
        ada.emails[0]: ADA,
        "+44 20": address_digest("+44 20", Channel.PHONE),
        "x.org/ada": address_digest("x.org/ada", Channel.LINKEDIN),
    }
    assert address_digests(ada) == expected


def test_an_entry_holds_a_digest_a_reason_and_an_instant():
    """Anything else is refused, and what is refused is not shown."""
    entry = Suppression(digest=ADA, reason="listed", at="2026-01-05T09:00Z")
    assert entry.reason is SuppressionReason.LISTED
    with pytest.raises(InvalidRecord) as caught:
        Suppression(digest="ada@example.org", reason="listed", at="2026-01-05T09:00Z")
    assert "ada@" not in str(caught.value)
    with pytest.raises(UnknownName, match="reason: 'liste' is not a reason to suppress an address"):
        Suppression(digest=ADA, reason="liste", at="2026-01-05T09:00Z")


def test_suppressed_addresses_go_with_the_person():
    """They are part of what is equal, kept as of any instant, written as JSON, and not shown."""
    ada = Candidate(id="ada", emails=["ada@example.org"])
    met = Interaction(candidate_id="ada", kind="met", at="2026-01-05T09:00Z")
    known = Relationship(ada, [met], suppressed=["ada@example.org"])
    assert known != Relationship(ada, known.history)
    early = met.at.replace(year=2025)
    assert known.upto(early).suppressed == {"ada@example.org"}
    assert loads(Relationship, dumps(known)) == known
    assert "example.org" not in repr(known)
