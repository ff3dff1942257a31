import errno
import mailbox
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email import message_from_binary_file, policy
from pathlib import Path

import pytest

from crmkit.errors import InvalidRecord, SenderError
from crmkit.model import Channel, Delivery, Message
from crmkit.senders import MaildirSender, _mail_headers

DATE = "Mon, 02 Mar 2026 09:00:00 +0000"


def message(key="e1.0.welcome", **changes):
    known = {"to": "ada@example.org", "subject": "Hello", "headers": {"Date": DATE}}
    return Message(key=key, candidate_id="ada", **(known | changes))


def files(sender):
    return sorted(
        str(path.relative_to(sender.path)) for path in sender.path.rglob("*") if path.is_file()
    )


@pytest.fixture
def sender(tmp_path):
    return MaildirSender(tmp_path / "outbox", from_address="talent@example.org")


def test_the_standard_library_reads_it(sender):
    """mailbox.Maildir finds the message, with its subject and its text."""
    sender.send(message(subject="Grüße", body="Dear Zoë,\n\n\thello.\n"))
    box = mailbox.Maildir(
        sender.path, factory=lambda file: message_from_binary_file(file, policy=policy.default)
    )
    (mail,) = box
    assert (mail["Subject"], mail.get_content()) == ("Grüße", "Dear Zoë,\n\n\thello.\n")


def test_an_accepted_message_is_one_file_in_new(sender):
    """The file is named by the key's digest, nothing is left in tmp, and the receipt has its id."""
    receipt = sender.send(message())
    name = _mail_headers.digest("e1.0.welcome")
    assert [f"new/{name}"] == files(sender)
    assert receipt.delivery == Delivery.ACCEPTED
    assert f"<{name}@example.org>" == receipt.provider_id
    assert f"Message-ID: {receipt.provider_id}\n" in (sender.path / "new" / name).read_text()


@pytest.mark.parametrize("place", ["new/{}", "cur/{}:2,", "cur/{}:2,RS", "cur/{}!2,S", "cur/{}"])
def test_one_key_is_written_once(sender, place):
    """Unread, read or flagged by a client, a message that is there is not written again."""
    first = sender.send(message())
    name = _mail_headers.digest("e1.0.welcome")
    (sender.path / "new" / name).rename(sender.path / place.format(name))
    before = files(sender)
    assert first == sender.send(message(subject="another text"))
    assert before == files(sender)
    assert sender.deduplication_window == timedelta.max


def test_another_sender_on_the_same_maildir_knows_the_key(sender):
    """What is remembered is in the Maildir, so it survives a restart."""
    first = sender.send(message())
    again = MaildirSender(sender.path, from_address="talent@example.org", create=False)
    assert first == again.send(message())
    assert len(files(sender)) == 1


def test_the_same_message_has_the_same_bytes(tmp_path):
    """Two attempts at two places write the same file."""
    written = []
    for place in ("a", "b"):
        sender = MaildirSender(tmp_path / place, durable=False)
        sender.send(message(body="Zoë\n" * 100, thread="e1"))
        written += [path.read_bytes() for path in sender.path.glob("new/*")]
    assert written[0] == written[1]


def test_many_callers_with_one_key_leave_one_file(sender):
    """Callers at the same time all get the same receipt, and one file is there."""
    with ThreadPoolExecutor(8) as pool:
        receipts = set(pool.map(sender.send, [message()] * 64))
    assert 1 == len(receipts) == len(files(sender))


def test_only_mail_is_taken(sender):
    """A message for another channel is rejected for good."""
    receipt = sender.send(message(channel=Channel.LINKEDIN))
    assert (
        receipt.delivery,
        receipt.detail,
    ) == (Delivery.REJECTED, "channel: a Maildir takes e-mail, not linkedin")
    assert files(sender) == []


def test_what_can_be_no_mail_is_rejected(sender):
    """A faulty message is rejected with the part at fault, never with its text."""
    receipt = sender.send(message(body="secret \0"))
    assert receipt.delivery == Delivery.REJECTED
    assert receipt.detail.startswith("body: expected")
    assert "secret" not in receipt.detail
    assert files(sender) == []


def test_a_rejected_message_can_be_corrected(sender):
    """The key of a rejected message is free."""
    sender.send(message(body="\0"))
    assert sender.send(message(body="fine")).delivery == Delivery.ACCEPTED


def test_a_stray_of_a_crash_is_no_message(sender):
    """Half a message in tmp counts for nothing and is not in the way."""
    name = _mail_headers.digest("e1.0.welcome")
    (sender.path / "tmp" / name).write_text("half a mess")
    assert sender.send(message()).delivery == Delivery.ACCEPTED
    assert [f"new/{name}", f"tmp/{name}"] == files(sender)


@pytest.mark.parametrize("durable", [True, False])
def test_durable_decides_about_the_disk(tmp_path, monkeypatch, durable):
    """A durable sender forces file and folder to the disk; the other leaves it to the system."""
    synced = []
    monkeypatch.setattr(os, "fsync", synced.append)
    MaildirSender(tmp_path / "outbox", durable=durable).send(message())
    assert (2 if durable else 0) == len(synced)


def test_a_file_system_without_links_will_do(sender, monkeypatch):
    """Where links are not possible, the file is renamed into its place."""

    def no_links(*args, **kwargs):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    assert sender.send(message()).delivery == Delivery.ACCEPTED
    assert [f"new/{_mail_headers.digest('e1.0.welcome')}"] == files(sender)


def test_a_quicker_process_wins(sender, monkeypatch):
    """When another process publishes the same key first, its file stays and ours goes."""
    place = sender.path / "new" / _mail_headers.digest("e1.0.welcome")
    link = os.link

    def late(source, target, **options):
        place.write_text("theirs")
        link(source, target, **options)

    monkeypatch.setattr(os, "link", late)
    assert sender.send(message()).delivery == Delivery.ACCEPTED
    assert place.read_text() == "theirs"
    assert [f"new/{place.name}"] == files(sender)


def test_a_file_in_the_way_is_refused_at_once(tmp_path):
    """An outbox that is a file ends in a SenderError that names it and says what to do."""
    (tmp_path / "outbox").write_text("")
    with pytest.raises(SenderError, match=r"outbox'.*; give MaildirSender a folder"):
        MaildirSender(tmp_path / "outbox")


def test_a_file_further_up_is_refused_at_once(tmp_path):
    """So does one whose parent is a file."""
    (tmp_path / "file").write_text("")
    with pytest.raises(SenderError, match="Not a directory"):
        MaildirSender(tmp_path / "file" / "outbox")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a read-only folder")
def test_a_place_that_cannot_be_written_is_refused_at_once():
    """So does one where no folder can be made."""
    with pytest.raises(SenderError, match="'/proc/outbox'"):
        MaildirSender("/proc/outbox")


def test_an_impossible_path_is_refused_at_once():
    """A path that no system takes is a SenderError as well."""
    with pytest.raises(SenderError, match=r"null (byte|character)"):
        MaildirSender("out\0box")


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    """A Maildir is not made in the middle of somebody's files."""
    (tmp_path / "thesis.odt").write_text("")
    with pytest.raises(SenderError, match="other things in it"):
        MaildirSender(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.odt"]


def test_a_half_made_maildir_is_completed(tmp_path):
    """A crash while the Maildir was being made does no harm."""
    (tmp_path / "outbox" / "tmp").mkdir(parents=True)
    sender = MaildirSender(tmp_path / "outbox")
    assert sender.send(message()).delivery == Delivery.ACCEPTED


def test_without_create_nothing_is_made(tmp_path):
    """With create off, a place that is no Maildir is refused and stays as it was."""
    with pytest.raises(SenderError, match="create is off"):
        MaildirSender(tmp_path / "outbox", create=False)
    assert not (tmp_path / "outbox").exists()


def test_an_outbox_that_goes_away_is_an_error(sender):
    """A Maildir removed under way ends in a SenderError, not in silence."""
    for room in ("tmp", "new", "cur"):
        (sender.path / room).rmdir()
    with pytest.raises(SenderError, match="No such file or directory"):
        sender.send(message())


FULL_DISK = """
import resource, sys
from crmkit.errors import SenderError
from crmkit.model import Message
from crmkit.senders import MaildirSender

message = Message(key="k", candidate_id="ada", to="ada@example.org", body="x" * 5_000)
sender = MaildirSender(sys.argv[1])
sender.send(Message(key="warm", candidate_id="ada", to="ada@example.org"))
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000))
try:
    sender.send(message)
except SenderError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX resource limits")
def test_a_disk_that_is_full_leaves_no_partial_file(tmp_path):
    """A write that fails half-way is a SenderError, and nothing of the message stays."""
    box = tmp_path / "outbox"
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, box], capture_output=True, text=True, check=True
    )
    assert "File too large; give MaildirSender" in done.stdout
    assert [_mail_headers.digest("warm")] == [
        path.name for path in box.rglob("*") if path.is_file()
    ]


KILLED = """
import os, sys
from crmkit.model import Message
from crmkit.senders import MaildirSender

sender = MaildirSender(sys.argv[1])
setattr(os, sys.argv[2], lambda *args, **kwargs: os._exit(9))
sender.send(Message(key="k", candidate_id="ada", to="ada@example.org", body="hello"))
"""


@pytest.mark.parametrize(
    ("moment", "arrived"), [("fsync", False), ("link", False), ("unlink", True)]
)
def test_a_crash_never_leaves_half_a_message(tmp_path, moment, arrived):
    """Killed at any step, new holds nothing or the whole message, and trying again is safe."""
    box = tmp_path / "outbox"
    done = subprocess.run([sys.executable, "-c", KILLED, box, moment], check=False)
    assert done.returncode == 9
    assert arrived == bool(list(box.glob("new/*")))
    sender = MaildirSender(box)
    retry = Message(key="k", candidate_id="ada", to="ada@example.org", body="hello")
    assert sender.send(retry).delivery == Delivery.ACCEPTED
    (only,) = box.glob("new/*")
    assert only.read_text().endswith("\n\nhello\n")


@pytest.mark.parametrize("option", ["from_address", "reply_to"])
def test_addresses_are_checked_at_once(tmp_path, option):
    """A faulty From or Reply-To is found when the sender is made, before anything is."""
    with pytest.raises(InvalidRecord, match=option):
        MaildirSender(tmp_path / "outbox", **{option: "nobody"})
    assert not (tmp_path / "outbox").exists()


def test_its_repr_can_be_evaluated(sender):
    """The repr shows the path."""
    assert f"MaildirSender({str(sender.path)!r})" == repr(sender)


def test_importing_the_module_does_not_import_email():
    """The mail libraries are loaded at the first message, not at import."""
    code = "import crmkit.senders, sys; print('email.message' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert done.stdout.strip() == "False"
