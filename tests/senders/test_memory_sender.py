from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import attrs
import pytest

from crmkit.errors import InvalidRecord
from crmkit.model import Delivery, Message
from crmkit.senders import MemorySender


def message(key="e1.0.welcome", **changes):
    return Message(key=key, candidate_id="ada", to="ada@example.org", **changes)


def test_messages_are_kept_in_order():
    """What was accepted can be read back, oldest first."""
    sender = MemorySender()
    for key in ("b", "a", "c"):
        sender.send(message(key))
    assert [kept.key for kept in sender.messages] == ["b", "a", "c"]


def test_one_key_is_kept_once():
    """The second message under a key is accepted and changes nothing."""
    sender = MemorySender()
    first = sender.send(message(subject="first"))
    second = sender.send(message(subject="second"))
    assert first == second
    assert [message(subject="first")] == sender.messages
    assert sender.deduplication_window == timedelta.max


def test_many_threads_with_one_key_keep_one_message():
    """Callers at the same time are told the same, and one message is kept."""
    sender = MemorySender()
    with ThreadPoolExecutor(8) as pool:
        receipts = set(pool.map(sender.send, [message()] * 200))
    assert 1 == len(sender.messages) == len(receipts)


@pytest.mark.parametrize("delivery", [Delivery.REJECTED, Delivery.LATER, Delivery.UNKNOWN])
def test_scripted_failures_keep_nothing(delivery):
    """A scripted answer is given as it is, and the key can be tried again."""
    answers = iter([delivery, None])
    sender = MemorySender(outcomes=lambda _: next(answers))
    assert delivery == sender.send(message()).delivery
    assert sender.messages == []
    assert sender.send(message()).delivery == Delivery.ACCEPTED
    assert [message()] == sender.messages


def test_a_script_sees_the_message():
    """Outcomes can depend on who is written to."""
    sender = MemorySender(
        outcomes=lambda sent: Delivery.REJECTED if sent.candidate_id == "bob" else Delivery.ACCEPTED
    )
    sender.send(message())
    sender.send(attrs.evolve(message("other"), candidate_id="bob"))
    assert [kept.candidate_id for kept in sender.messages] == ["ada"]


def test_the_list_is_a_copy():
    """Changing the list that was read does not change what the sender keeps."""
    sender = MemorySender()
    sender.messages.append(message())
    assert sender.messages == []
    assert repr(sender) == "<MemorySender: 0 messages>"


def test_it_can_be_asked():
    """A key that is kept is accepted, with the id it had; another was never taken."""
    sender = MemorySender()
    receipt = sender.send(message("kept"))
    assert receipt == sender.find("kept")
    assert sender.find("other").delivery == Delivery.LATER


def test_a_batch_is_as_many_messages():
    """Each message of a batch has a receipt of its own, in order."""
    sender = MemorySender(
        batch_size=3,
        outcomes=lambda sent: Delivery.REJECTED if sent.key == "b" else None,
    )
    receipts = sender.send_batch([message(key) for key in "abc"])
    assert ["accepted", "rejected", "accepted"] == [each.delivery for each in receipts]
    assert ["a", "c"] == [kept.key for kept in sender.messages]


@pytest.mark.parametrize(("size", "count"), [(None, 1), (2, 3)])
def test_a_batch_has_an_end(size, count):
    """More than it said, or any where it said nothing, is refused, and nothing is kept."""
    sender = MemorySender(batch_size=size)
    with pytest.raises(InvalidRecord, match=f"messages: expected at most {size or 0}"):
        sender.send_batch([message(str(number)) for number in range(count)])
    assert (size or 0, []) == (sender.batch_size, sender.messages)


def test_a_batch_of_one_is_none():
    """A batch size under 2 is refused."""
    with pytest.raises(InvalidRecord, match="batch_size"):
        MemorySender(batch_size=1)
