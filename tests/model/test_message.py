import copy
import pickle

import attrs
import pytest
from hypothesis import given

from crmkit.errors import InvalidRecord
from crmkit.model import Channel, Delivery, Message, Receipt
from crmkit.testing import strategies

FAULTS = {
    "key": ["", None, "a\nb"],
    "candidate_id": ["", 7],
    "to": ["", None, "ada@example.org\r\nBcc: x@example.org"],
    "subject": [7, "Hi\r\nBcc: x@example.org", "Hi\0", "Hi\u2028there"],
    "body": [None, 7, b"bytes"],
    "channel": ["pigeon", None],
    "html": [7, b"bytes"],
    "thread": [7, "e1\n"],
    "replies_to": ["e1.0.a", [7], ["a\nb"]],
    "list_id": [7, "a\nb"],
    "unsubscribe": [7, "https://x.org/\n"],
    "headers": [[], {"X-Note": 7}, {"X-Note": "a\r\nb"}],
}


def test_every_field_has_its_faults():
    """A field added to the record has its faults in the table above."""
    assert set(FAULTS) == {field.name for field in attrs.fields(Message)}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in FAULTS.items() for value in values]
)
def test_a_faulty_field_is_refused_by_name(name, value):
    """Each fault is an InvalidRecord whose path begins with the field, and no text is quoted."""
    with pytest.raises(InvalidRecord) as caught:
        Message(**({"key": "k", "candidate_id": "ada", "to": "ada@example.org"} | {name: value}))
    assert caught.value.path.split(".")[0].split("[")[0] == name
    assert "Bcc" not in str(caught.value)


@given(strategies.messages())
def test_messages_survive_pickle_and_copy(message):
    """A message comes back equal, with its hash."""
    for again in (pickle.loads(pickle.dumps(message)), copy.copy(message), copy.deepcopy(message)):
        assert again == message
        assert len({again, message}) == 1


@given(strategies.messages())
def test_reprs_have_no_address_and_no_text(message):
    """Key and candidate only."""
    expected = f"Message(key={message.key!r}, candidate_id={message.candidate_id!r})"
    assert repr(message) == expected


def test_mail_is_the_default_channel():
    """A message without a channel is an e-mail without subject, text, thread and headers."""
    plain = Message(key="k", candidate_id="ada", to="ada@example.org")
    assert plain.channel is Channel.EMAIL
    assert (plain.subject, plain.body, plain.thread, plain.headers) == ("", "", None, {})


def test_receipts_take_the_name_of_a_delivery():
    """A delivery may be given by its name; an unknown one is refused."""
    assert Receipt(delivery="accepted") == Receipt(delivery=Delivery.ACCEPTED)
    with pytest.raises(ValueError, match="maybe"):
        Receipt(delivery="maybe")
