"""What django-anymail says became of a message; it is asked only where it is in use."""

import sys
from datetime import timedelta
from typing import Any

from crmkit.model import Delivery, Receipt

_REFUSED = {"rejected", "invalid", "failed"}
_TAKEN = {"sent", "queued"}
_NOT_NOW = {408, 425, 429}
_NOT_US = {401, 402, 403, 404, 405, 407}


def in_use(connection: object) -> bool:
    """Whether the messages go to the interface of a provider, which writes no headers itself."""
    if "anymail.backends.base" not in sys.modules:
        return False
    from anymail.backends.base import AnymailBaseBackend

    return isinstance(connection, AnymailBaseBackend)


def of_status(status: Any) -> Receipt:
    """Return the receipt by what the provider said of the one recipient."""
    said = status.status or set()
    if said and said <= _REFUSED:
        words = "the provider refuses the recipient: " + " ".join(sorted(said))
        return Receipt(delivery=Delivery.REJECTED, detail=words)
    if not said <= _TAKEN:
        return Receipt(delivery=Delivery.UNKNOWN, detail="the provider does not say what became")
    return Receipt(delivery=Delivery.ACCEPTED, provider_id=_id(status))


def of_error(error: Exception) -> Receipt | str | None:
    """Return the receipt, or why the provider takes nothing from us, or None: not for us to say."""
    if "anymail.exceptions" not in sys.modules:
        return None
    from anymail import exceptions as anymail

    if isinstance(error, anymail.AnymailRecipientsRefused):
        return Receipt(delivery=Delivery.REJECTED, detail="the provider refuses the recipient")
    before = (
        anymail.AnymailInvalidAddress,
        anymail.AnymailSerializationError,
        anymail.AnymailUnsupportedFeature,
    )
    if isinstance(error, before):
        words = f"the provider cannot be given the message: {type(error).__name__}"
        return Receipt(delivery=Delivery.REJECTED, detail=words)
    if not isinstance(error, anymail.AnymailAPIError):
        return None
    return _of_answer(error) if error.status_code else _of_connection(error)


def _of_answer(error: Any) -> Receipt | str:
    code = int(error.status_code)
    words = f"the provider answers {code}"
    if code in _NOT_US:
        return words
    if code in _NOT_NOW:
        return Receipt(delivery=Delivery.LATER, detail=words, retry_after=_wait(error.response))
    refused = 400 <= code < 500
    return Receipt(delivery=Delivery.REJECTED if refused else Delivery.UNKNOWN, detail=words)


def _of_connection(error: Exception) -> Receipt | str:
    cause = error.__cause__
    reason = getattr(cause.args[0], "reason", None) if cause is not None and cause.args else None
    if "urllib3.exceptions" in sys.modules:
        from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

        if isinstance(reason, ConnectTimeoutError | NewConnectionError):
            return "no connection to the provider"
    words = "the provider gave no clear answer: the message may have left"
    return Receipt(delivery=Delivery.UNKNOWN, detail=words)


def _wait(response: Any) -> timedelta | None:
    seconds = getattr(response, "headers", {}).get("Retry-After", "")
    return timedelta(seconds=int(seconds)) if seconds.isdecimal() and len(seconds) < 7 else None


def _id(status: Any) -> str | None:
    """Return the provider's id, unless it could name the recipient."""
    found = str(status.message_id)
    named = [address for address in status.recipients if address.lower() in found.lower()]
    plain = found.isascii() and found.isprintable() and len(found) <= 200
    return found if status.message_id and plain and not named else None
