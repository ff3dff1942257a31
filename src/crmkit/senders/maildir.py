"""Messages as files in a Maildir: any mail client reads them, any mail server takes them on."""

import os
from datetime import timedelta
from pathlib import Path

from crmkit.errors import SenderError
from crmkit.model import Channel, Delivery, Message, Receipt
from crmkit.protocols import Deduplicates, Sender
from crmkit.senders import _mail_headers as head
from crmkit.senders._mail import compose

_ROOMS = ("tmp", "new", "cur")


class MaildirSender(Sender, Deduplicates):
    """Writes each message once into a Maildir, as the e-mail it is.

    The file is named by a digest of the message's key. It is written in ``tmp/``, forced to the
    disk, and only then linked into ``new/``: a crash leaves at most a stray in ``tmp/``, never
    half a message. A key whose file is in ``new/`` or ``cur/`` is accepted again and nothing is
    written. What takes files out of the Maildir must therefore remember them itself.

    The ``Message-ID`` comes from the key and the domain of ``from_address``, the ``List-Id`` from
    the message's list, and the ``Date`` from its headers: a message without one gets the
    system's. With the same date a message always has the same bytes. Lines end as they do in
    every Maildir, in a line feed alone.

    ``create`` makes the Maildir where there is none. ``durable=False`` leaves it to the system
    when the disk is written: quicker, for simulations. Raises `SenderError` if the Maildir cannot
    be used and `InvalidRecord` if an address is none.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     sender = MaildirSender(f"{folder}/outbox", from_address="Talent <talent@example.org>")
    ...     hello = Message(key="e1.0.welcome", candidate_id="ada", to="ada@example.org")
    ...     print(sender.send(hello).delivery, sender.send(hello).delivery)
    ...     print(len(list(sender.path.glob("new/*"))))
    accepted accepted
    1
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        from_address: str = "talent@example.invalid",
        reply_to: str | None = None,
        create: bool = True,
        durable: bool = True,
    ) -> None:
        self.path = Path(path)
        self._domain = head.address_of(from_address, "from_address").domain
        if reply_to is not None:
            head.address_of(reply_to, "reply_to")
        self._from, self._reply_to = from_address, reply_to
        self._durable = durable
        try:
            self._open(create=create)
        except (OSError, ValueError) as error:
            raise self._unusable(error) from error

    def __repr__(self) -> str:
        return f"MaildirSender({str(self.path)!r})"

    @property
    def deduplication_window(self) -> timedelta:
        """Without a limit: one key is in the Maildir once, however often it is sent."""
        return timedelta.max

    def send(self, message: Message) -> Receipt:
        """Put the message into ``new/``, unless it is there or in ``cur/`` already."""
        name = head.digest(message.key)
        accepted = Receipt(
            delivery=Delivery.ACCEPTED, provider_id=head.message_id(message.key, self._domain)
        )
        if message.channel is not Channel.EMAIL:
            detail = f"channel: a Maildir takes e-mail, not {message.channel}"
            return Receipt(delivery=Delivery.REJECTED, detail=detail)
        try:
            if self._holds(name):
                return accepted
            mail = compose(message, sender=self._from, domain=self._domain, reply_to=self._reply_to)
            self._put(name, mail)
        except head.Unmailable as fault:
            return Receipt(delivery=Delivery.REJECTED, detail=str(fault))
        except OSError as error:
            raise self._unusable(error) from error
        return accepted

    def _open(self, *, create: bool) -> None:
        missing = [room for room in _ROOMS if not (self.path / room).is_dir()]
        if not missing:
            return
        if not create:
            raise ValueError("it is no Maildir (no tmp, new and cur in it), and create is off")
        if len(missing) == len(_ROOMS) and self.path.is_dir() and any(self.path.iterdir()):
            raise ValueError("it is a folder with other things in it")
        for room in missing:
            (self.path / room).mkdir(mode=0o700, parents=True, exist_ok=True)

    def _holds(self, name: str) -> bool:
        # A client moves files from new to cur and appends flags, so new is looked at first.
        if (self.path / "new" / name).exists():
            return True
        return any(entry.startswith(name) for entry in os.listdir(self.path / "cur"))  # noqa: PTH208

    def _put(self, name: str, mail: bytes) -> None:
        from tempfile import mkstemp

        handle, temporary = mkstemp(prefix=f"{name}.", dir=self.path / "tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(mail)
                file.flush()
                if self._durable:
                    os.fsync(file.fileno())
            self._publish(Path(temporary), self.path / "new" / name)
        finally:
            Path(temporary).unlink(missing_ok=True)
        if self._durable:
            _sync_folder(self.path / "new")

    @staticmethod
    def _publish(temporary: Path, place: Path) -> None:
        try:
            place.hardlink_to(temporary)
        except FileExistsError:
            return  # another process was quicker, with the same message
        except (OSError, NotImplementedError):
            # A file system without links: renaming is atomic too, but would replace the same mail.
            temporary.rename(place)

    def _unusable(self, error: Exception) -> SenderError:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        return SenderError(
            f"cannot keep mail in {str(self.path)!r}: {reason}; "
            "give MaildirSender a folder that is empty, new or a Maildir, writable, with space left"
        )


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # pragma: no cover - folders cannot be opened there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
