"""Messages kept in a list: for tests, dry runs and simulations."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from crmkit.errors import InvalidRecord
from crmkit.model import Delivery, Message, Receipt
from crmkit.model import _fields as fields
from crmkit.protocols import Deduplicates, FindsMessages, Sender, SendsBatches


class MemorySender(Sender, Deduplicates, FindsMessages, SendsBatches):
    """Keeps what it is given, once for each key; it has every ability that a sender may have.

    ``outcomes`` scripts the answers: a function of the message that returns a `Delivery`, or
    None for accepted. Only what is accepted is kept; anything else leaves no trace, so that the
    key may be tried again. ``batch_size`` makes it take batches of so many messages.

    >>> sender = MemorySender()
    >>> hello = Message(key="e1.0.welcome", candidate_id="ada", to="ada@example.org")
    >>> sender.send(hello).delivery, sender.send(hello).delivery
    (<Delivery.ACCEPTED: 'accepted'>, <Delivery.ACCEPTED: 'accepted'>)
    >>> sender.messages
    [Message(key='e1.0.welcome', candidate_id='ada')]
    """

    def __init__(
        self,
        *,
        outcomes: Callable[[Message], Delivery | None] | None = None,
        batch_size: int | None = None,
    ) -> None:
        self._outcomes = outcomes
        self._batch_size = 0
        if batch_size is not None:
            self._batch_size = fields.whole(batch_size, 2, path="batch_size")
        self._accepted: dict[str, Message] = {}

    def __repr__(self) -> str:
        return f"<MemorySender: {len(self._accepted)} messages>"

    @property
    def messages(self) -> list[Message]:
        """The messages accepted so far, in order."""
        return list(self._accepted.values())

    @property
    def deduplication_window(self) -> timedelta:
        """Without a limit: one key is kept once, however often it is sent."""
        return timedelta.max

    @property
    def batch_size(self) -> int:
        """How many messages `send_batch` takes; 0: it takes no batches."""
        return self._batch_size

    def send(self, message: Message) -> Receipt:
        """Keep the message, unless its key is there already or ``outcomes`` says otherwise."""
        if message.key not in self._accepted:
            scripted = self._outcomes(message) if self._outcomes else None
            if scripted not in {None, Delivery.ACCEPTED}:
                return Receipt(delivery=scripted, detail="scripted")
            self._accepted.setdefault(message.key, message)
        return Receipt(delivery=Delivery.ACCEPTED, provider_id=f"memory:{message.key}")

    def send_batch(self, messages: Sequence[Message]) -> list[Receipt]:
        """Send each, in order; raises `InvalidRecord` if they are more than ``batch_size``."""
        if len(messages) > self._batch_size:
            problem = f"expected at most {self._batch_size}, got {len(messages)}"
            raise InvalidRecord("messages", problem)
        return [self.send(message) for message in messages]

    def find(self, key: str) -> Receipt:
        """Say whether the message with that key is kept: ``accepted``, or ``later``."""
        if key in self._accepted:
            return Receipt(delivery=Delivery.ACCEPTED, provider_id=f"memory:{key}")
        return Receipt(delivery=Delivery.LATER, detail="it is not kept here")
