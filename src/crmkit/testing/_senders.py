"""What every sender must do: plain functions, so that any test runner will do."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol, TypeVar

from crmkit.model import Delivery, Message, Receipt
from crmkit.protocols import Sender

S = TypeVar("S", bound=Sender)


class Delivered(Protocol):
    """**Protocol:** one message as it arrived; a `Message` is one, and a parsed mail can be."""

    @property
    def to(self) -> str:
        """The one address it went to."""
        ...

    @property
    def subject(self) -> str:
        """The subject, decoded."""
        ...

    @property
    def body(self) -> str:
        """The text, decoded."""
        ...

    @property
    def headers(self) -> Collection[str]:
        """The names of its headers, or of those that the sender was given."""
        ...


def check_sender(make_sender: Callable[[], S], read: Callable[[S], Sequence[Delivered]]) -> None:
    """Check a sender against the contract; an `AssertionError` says what does not hold.

    *make_sender* returns a new sender to an empty place, *read* what has arrived there, in any
    order. Ends of lines and a line break at the end of a body may differ from what was sent.

    >>> from crmkit.senders import MemorySender
    >>> check_sender(MemorySender, lambda sender: sender.messages)
    """
    for check in (
        check_accepts,
        check_repeats,
        check_distinct_keys,
        check_unicode,
        check_structure,
    ):
        check(make_sender, read)


def check_accepts(make_sender: Callable[[], S], read: Callable[[S], Sequence[Delivered]]) -> None:
    """Check that a plain message arrives as it is, with a receipt that says so."""
    sender = make_sender()
    _same(0, len(read(sender)), "make_sender must return a sender to an empty place")
    _accepted(sender, _message("plain"))
    _arrived(_message("plain"), read(sender))


def check_repeats(make_sender: Callable[[], S], read: Callable[[S], Sequence[Delivered]]) -> None:
    """Check that a sender which says that it deduplicates delivers one key once."""
    sender = make_sender()
    first = _accepted(sender, _message("again"))
    if not getattr(sender, "deduplication_window", None):
        return
    for _ in range(2):
        again = _accepted(sender, _message("again"))
        _same(first.provider_id, again.provider_id, "one key must keep one provider_id")
    _same(
        1,
        len(read(sender)),
        "one key must be delivered once, by its window",
    )


def check_distinct_keys(
    make_sender: Callable[[], S], read: Callable[[S], Sequence[Delivered]]
) -> None:
    """Check that messages alike but for their keys are all delivered."""
    sender = make_sender()
    keys = ("e1.0.a", "e1.0.A", "e1.0.a ́", "e1/0/a", "..", "e1.0." + "a" * 300)
    receipts = [_accepted(sender, _message(key)) for key in keys]
    _same(len(keys), len(read(sender)), "every key must be delivered")
    known = [receipt.provider_id for receipt in receipts if receipt.provider_id]
    _same(len(set(known)), len(known), "two keys must not share a provider_id")


def check_unicode(make_sender: Callable[[], S], read: Callable[[S], Sequence[Delivered]]) -> None:
    """Check that subjects and bodies in any script, long and short, arrive as they were."""
    subjects = (
        "",
        "Grüße aus Köln, Søren",
        "山田さん、お元気ですか " * 12,
        "👩🏽‍💻 مرحبا",
        "a long subject of plain words " * 9 + "end",
        "two  spaces and =?utf-8?q?no_encoding?= here",
    )
    bodies = (
        "",
        "Zoë,\n\n\tהנה\n--\n山田 👩🏽‍💻\n",
        "From the start\n.\n..\n\ntrailing space \n=20=\n",
        "x" * 3_000,
        "é" * 3_000,
    )
    for subject in subjects:
        for body in bodies:
            sender = make_sender()
            message = _message("unicode", subject=subject, body=body)
            _accepted(sender, message)
            _arrived(message, read(sender))


def check_structure(make_sender: Callable[[], S], read: Callable[[S], Sequence[Delivered]]) -> None:
    """Check that no text adds a header, a recipient or a message: it arrives as text, or not."""
    bcc = "Bcc: victim@example.org"
    attempts: tuple[dict[str, Any], ...] = (
        {"subject": "=?utf-8?q?Hi=0D=0ABcc:_victim@example.org?="},
        {"body": f"{bcc}\n\nhello"},
        {"body": f"\n.\n\nMAIL FROM:<x@example.org>\nFrom x Mon Mar  2 09:00:00 2026\n{bcc}\n"},
        {"body": "nul \0 and bell \a"},
        {"body": "a lone surrogate \ud800"},
        {"to": "ada@example.org, victim@example.org"},
        {"to": "ada@example.org>, <victim@example.org"},
        {"thread": "e1>, <x"},
        {"headers": {f"X-Note: 1\r\n{bcc}\r\nX": "2"}},
        {"headers": {"Bcc": "victim@example.org"}},
    )
    for attempt in attempts:
        sender = make_sender()
        message = _message("structure", **attempt)
        receipt = sender.send(message)
        _receipt(receipt)
        found = read(sender)
        if receipt.delivery is not Delivery.ACCEPTED:
            _same(Delivery.REJECTED, receipt.delivery, f"{attempt}: refuse it for good, or take it")
            _same(0, len(found), f"{attempt}: what is rejected must not arrive")
            continue
        _arrived(message, found)
        named = {name.lower() for name in found[0].headers}
        given = {name.lower() for name in message.headers}
        _same(set(), (named & {"bcc", "cc"}) - given, f"{attempt}: text became a header")


def _message(key: str, **changes: Any) -> Message:
    fields = {"to": "ada@example.org", "subject": "Hello", "body": "Dear Ada,\n\nhello.\n"}
    return Message(key=key, candidate_id="ada", **(fields | changes))


def _accepted(sender: Sender, message: Message) -> Receipt:
    receipt = sender.send(message)
    _receipt(receipt)
    what = f"{message!r} must be accepted (detail: {receipt.detail!r})"
    _same(Delivery.ACCEPTED, receipt.delivery, what)
    return receipt


def _receipt(receipt: object) -> None:
    assert isinstance(receipt, Receipt), f"send must return a Receipt, got {receipt!r}"  # noqa: S101
    for name in ("provider_id", "detail"):
        value = getattr(receipt, name)
        what = f"Receipt.{name} must be text or None, got {value!r}"
        assert value is None or isinstance(value, str), what  # noqa: S101
    if receipt.delivery is Delivery.REJECTED:
        assert receipt.detail, "a rejection must say why in Receipt.detail"  # noqa: S101


def _arrived(sent: Message, found: Sequence[Delivered]) -> None:
    _same(1, len(found), f"{sent!r} must arrive, once")
    for name in ("to", "subject"):
        _same(getattr(sent, name), getattr(found[0], name), f"{name} must arrive as it was sent")
    _same(_lines(sent.body), _lines(found[0].body), "body must arrive as it was sent")


def _lines(body: str) -> str:
    return body.replace("\r\n", "\n").removesuffix("\n")


def _same(expected: object, actual: object, what: str) -> None:
    assert expected == actual, f"{what}: expected {expected!r}, got {actual!r}"  # noqa: S101
