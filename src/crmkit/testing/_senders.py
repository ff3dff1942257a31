"""What every sender must do: plain functions, so that any test runner will do."""

from collections.abc import Callable, Collection, Mapping, Sequence
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
    def html(self) -> str | None:
        """The page, decoded; None where the channel has none."""
        ...

    @property
    def headers(self) -> Collection[str]:
        """Its headers with their values, or those that the sender was given; names alone will do.

        Threads, lists and one-click links are checked where there are values.
        """
        ...


def check_sender(make_sender: Callable[[], S], read: Callable[[S], Sequence[Delivered]]) -> None:
    """Check a sender against the contract; an `AssertionError` says what does not hold.

    *make_sender* returns a new sender to an empty place, *read* what has arrived there, in any
    order. Ends of lines, a line break at the end of a body and spaces around a subject may differ
    from what was sent. The optional abilities are checked of a sender that has them.

    >>> from crmkit.senders import MemorySender
    >>> check_sender(MemorySender, lambda sender: sender.messages)
    """
    for check in (
        check_accepts,
        check_repeats,
        check_distinct_keys,
        check_unicode,
        check_page,
        check_thread,
        check_list,
        check_one_click,
        check_structure,
        check_find,
        check_batch,
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


def check_page(make_sender: Callable[[], S], read: Callable[[S], Sequence[Delivered]]) -> None:
    """Check that a page arrives beside its text, which never goes without."""
    pages = ("", "<p>Grüße &amp; mehr</p>\n.\n", f"<p>{'é' * 2_000}</p>")
    for page in pages:
        sender = make_sender()
        message = _message("page", html=page)
        _accepted(sender, message)
        _arrived(message, read(sender))


def check_thread(make_sender: Callable[[], S], read: Callable[[S], Sequence[Delivered]]) -> None:
    """Check that mail names what it replies to by the ``Message-ID`` that this has or had."""
    sender = make_sender()
    keys = ("e1.0.a", "e1.0.b", "e1.0.c")
    for index, key in enumerate(keys):
        _accepted(sender, _message(key, subject=key, replies_to=keys[:index]))
    found = {each.subject: _values(each) for each in read(sender)}
    _same(set(keys), set(found), "every message of a thread must arrive")
    ids = [found[key].get("message-id") for key in keys]
    for index, key in enumerate(keys):
        if found[key]:  # else there are no headers to look at
            last = ids[index - 1] if index else None
            _same(last, found[key].get("in-reply-to"), "In-Reply-To must be the message before")
            named = (found[key].get("references") or "").split()
            _same(ids[:index], named, "References must be all messages before, oldest first")


def check_list(make_sender: Callable[[], S], read: Callable[[S], Sequence[Delivered]]) -> None:
    """Check that mail of one list has one ``List-Id``, and mail of two lists has two."""
    sender = make_sender()
    lists = {"a": "seven-touch", "b": "seven-touch", "c": "post event, 2026"}
    for key, name in lists.items():
        _accepted(sender, _message(key, subject=key, list_id=name, thread=key))
    found = {each.subject: _values(each).get("list-id") for each in read(sender)}
    _same(found["a"], found["b"], "one list must have one List-Id")
    if found["a"]:
        assert found["a"] != found["c"], "two lists must not share a List-Id"  # noqa: S101


def check_one_click(make_sender: Callable[[], S], read: Callable[[S], Sequence[Delivered]]) -> None:
    """Check that a link that stops it goes out as RFC 8058 says: one https URI, and the POST."""
    sender = make_sender()
    url = f"https://talent.example.org/u/{'AQ-_' * 30}"
    _accepted(sender, _message("stop", unsubscribe=url))
    (found,) = map(_values, read(sender))
    if found:
        stop = (found.get("list-unsubscribe") or "").strip()
        _same(f"<{url}>", stop, "List-Unsubscribe must be the link")
        post = found.get("list-unsubscribe-post")
        _same("List-Unsubscribe=One-Click", post, "List-Unsubscribe-Post must go with it")


def check_structure(make_sender: Callable[[], S], read: Callable[[S], Sequence[Delivered]]) -> None:
    """Check that no text adds a header, a recipient or a message: it arrives as text, or not."""
    bcc = "Bcc: victim@example.org"
    attempts: tuple[dict[str, Any], ...] = (
        {"subject": "=?utf-8?q?Hi=0D=0ABcc:_victim@example.org?="},
        {"body": f"{bcc}\n\nhello"},
        {"body": f"\n.\n\nMAIL FROM:<x@example.org>\nFrom x Mon Mar  2 09:00:00 2026\n{bcc}\n"},
        {"body": "nul \0 and bell \a"},
        {"body": "a lone surrogate \ud800"},
        {"html": f"{bcc}\n\n<p>hello</p>"},
        {"html": f"\n.\n\nMAIL FROM:<x@example.org>\n--=_\nContent-Type: text/plain\n\n{bcc}\n"},
        {"html": "<p>nul \0</p>"},
        {"html": "<p>a lone surrogate \ud800</p>"},
        {"to": "ada@example.org, victim@example.org"},
        {"to": "ada@example.org>, <victim@example.org"},
        {"thread": "e1>, <x"},
        {"replies_to": ["e1.0.a@example.org> <x", bcc, "=?utf-8?q?=0D=0A?="]},
        {"list_id": "x>, <victim@example.org"},
        {"list_id": bcc},
        {"unsubscribe": "https://example.org/u>, <mailto:victim@example.org"},
        {"unsubscribe": "mailto:victim@example.org"},
        {"unsubscribe": "javascript:alert(1)"},
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
        stop = _values(found[0]).get("list-unsubscribe") or "<https:>"
        one = stop.strip().startswith("<https:") and stop.count("<") == 1
        assert one, f"{attempt}: List-Unsubscribe must be one https URI"  # noqa: S101


def check_find(make_sender: Callable[[], S], read: Callable[[S], Sequence[Delivered]]) -> None:
    """Check that a sender which can be asked knows what it took, and nothing else."""
    sender = make_sender()
    find = getattr(sender, "find", None)
    if find is None:
        return
    sent = _accepted(sender, _message("found"))
    found = find("found")
    _receipt(found)
    _same(Delivery.ACCEPTED, found.delivery, "find must know a key that was accepted")
    _same(sent.provider_id, found.provider_id, "find must tell the provider_id of send")
    other = find("never sent")
    _receipt(other)
    honest = other.delivery in {Delivery.LATER, Delivery.UNKNOWN}
    assert honest, f"find must not know a key that was never sent, got {other.delivery!r}"  # noqa: S101
    _same(1, len(read(sender)), "find must send nothing")


def check_batch(make_sender: Callable[[], S], read: Callable[[S], Sequence[Delivered]]) -> None:
    """Check that a sender which takes batches takes as many as it says, each for itself."""
    sender = make_sender()
    size = min(getattr(sender, "batch_size", 0), 1_000)
    if size < 2:
        return
    send_batch: Callable[[Sequence[Message]], Sequence[Receipt]] = sender.send_batch  # type: ignore[attr-defined]
    _same(0, len(send_batch([])), "an empty batch must have no receipts")
    messages = [_message(f"batch {number}", subject=f"{number}") for number in range(size)]
    receipts = send_batch(messages)
    _same(size, len(receipts), "a batch must have one receipt for each message")
    for receipt in receipts:
        _receipt(receipt)
        _same(Delivery.ACCEPTED, receipt.delivery, "every message of the batch must be accepted")
    arrived = sorted(found.subject for found in read(sender))
    wanted = sorted(message.subject for message in messages)
    _same(wanted, arrived, "every message of the batch must arrive, once")
    known = [receipt.provider_id for receipt in receipts]
    if find := getattr(sender, "find", None):
        told = [find(message.key).provider_id for message in messages]
        _same(told, known, "the receipts must be in the order of the messages")
    if getattr(sender, "deduplication_window", None):
        told = [sender.send(message).provider_id for message in messages]
        _same(told, known, "the receipts must be in the order of the messages")


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
        arrived = getattr(found[0], name).strip()
        _same(getattr(sent, name), arrived, f"{name} must arrive as it was sent")
    _same(_lines(sent.body), _lines(found[0].body), "body must arrive as it was sent")
    page = found[0].html
    if page is not None:
        _same(_lines(sent.html or ""), _lines(page), "html must arrive as it was sent")


def _values(found: Delivered) -> dict[str, str]:
    """Return the headers of a mail by their names in small letters; of anything else none."""
    if not isinstance(found.headers, Mapping):
        return {}
    values = {name.lower(): str(value) for name, value in found.headers.items()}
    return values if "message-id" in values else {}


def _lines(body: str) -> str:
    return body.replace("\r\n", "\n").removesuffix("\n")


def _same(expected: object, actual: object, what: str) -> None:
    assert expected == actual, f"{what}: expected {expected!r}, got {actual!r}"  # noqa: S101
