"""Messages kept in a list: for tests, dry runs and simulations."""

from collections.abc import Callable
from datetime import timedelta

from crmkit.model import Delivery, Message, Receipt
from crmkit.protocols import Deduplicates, Sender


class MemorySender(Sender, Deduplicates):
    """Keeps what it is given, once for each key.

    ``outcomes`` scripts the answers: a function of the message that returns a `Delivery`, or
    None for accepted. Only what is accepted is kept; anything else leaves no trace, so that the
    key may be tried again.

    >>> sender = MemorySender()
    >>> hello = Message(key="e1.0.welcome", candidate_id="ada", to="ada@example.org")
    >>> sender.send(hello).delivery, sender.send(hello).delivery
    (<Delivery.ACCEPTED: 'accepted'>, <Delivery.ACCEPTED: 'accepted'>)
    >>> sender.messages
    [Message(key='e1.0.welcome', candidate_id='ada')]
    """

    def __init__(self, *, outcomes: Callable[[Message], Delivery | None] | None = None) -> None:
        self._outcomes = outcomes
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

    def send(self, message: Message) -> Receipt:
        """Keep the message, unless its key is there already or ``outcomes`` says otherwise."""
        if message.key not in self._accepted:
            scripted = self._outcomes(message) if self._outcomes else None
            if scripted not in {None, Delivery.ACCEPTED}:
                return Receipt(delivery=scripted, detail="scripted")
            self._accepted.setdefault(message.key, message)
        return Receipt(delivery=Delivery.ACCEPTED, provider_id=f"memory:{message.key}")
