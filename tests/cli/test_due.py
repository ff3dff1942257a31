"""What goes out by cron, what is in doubt then, and what is left to people."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy")
pytest.importorskip("aiosmtpd")

from mail_servers import MailServer, ScriptedServer

from crmkit.cli import main
from crmkit.cli._senders import PASSWORD, SECRET, mail_server
from crmkit.cli._senders import MailServer as Named
from crmkit.lifecycle import CRM, UnsubscribeLinks
from crmkit.model import Candidate, Interaction
from crmkit.stores import SQLStore

NOW = "2026-03-02T09:00Z"
LATER = "2026-03-03T09:00Z"
FROM = ["--from", "Talent <talent@example.org>"]
KEY = re.compile(r"crmkit (?:resolve|done) ('[^']+'|\S+)")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of its own, with one person in a database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(PASSWORD, raising=False)
    with SQLStore("sqlite:///talent.db") as store:
        met = Interaction(candidate_id="ada", kind="met", at="2026-02-20T09:00Z")
        ada = Candidate(id="ada", name="Ada Byron", emails=["ada@example.org"])
        CRM(store).capture(ada, [met], now="2026-02-20T09:00Z")  # type: ignore[arg-type]
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    """Run a command that works, and return what it prints."""
    found = main(arguments)
    out, err = capsys.readouterr()
    assert (found, err) == (status, "")
    return out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that does not, and return its one line."""
    status = main(arguments)
    out, err = capsys.readouterr()
    assert (status, out, err.count("\n")) == (2, "", 1)
    return err


def key_in(text: str) -> str:
    found = KEY.search(text)
    assert found
    return found[1].strip("'")


def plain(server: MailServer | ScriptedServer) -> list[str]:
    return ["--smtp", f"smtp+plain://127.0.0.1:{server.port}", *FROM]


def hang_up_after_the_text(peer) -> None:  # type: ignore[no-untyped-def]
    """Take a mail, and never say so."""
    peer.greet()
    peer.up_to_data()
    peer.text()


@pytest.fixture
def doubtful(capsys: pytest.CaptureFixture[str]) -> str:
    """Send to a server that does not say whether it took the mail; return what was printed."""
    with ScriptedServer(hang_up_after_the_text) as server:
        return run(capsys, "run-due", "--now", NOW, *plain(server), status=3)


class TestMailServer:
    def test_what_is_due_goes_to_the_server(self, capsys: pytest.CaptureFixture[str]) -> None:
        """With --smtp a mail goes out once, as a page too where that is asked for."""
        options = ["--reply-to", "ben@example.org", "--html"]
        with MailServer() as server:
            out = run(capsys, "run-due", "--now", NOW, *plain(server), *options)
            run(capsys, "run-due", "--now", NOW, *plain(server), *options)
        assert "1 enrolled, 1 sent" in out
        assert "the messages are in" not in out
        (mail,) = server.mails
        assert (mail["To"], mail["Reply-To"]) == ("ada@example.org", "ben@example.org")
        assert mail["From"] == "Talent <talent@example.org>"
        assert mail.get_content_type() == "multipart/alternative"
        assert not Path("outbox").exists()

    def test_without_html_it_is_text_alone(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A page is written only where it is asked for."""
        with MailServer() as server:
            run(capsys, "run-due", "--now", NOW, *plain(server))
        (mail,) = server.mails
        assert mail.get_content_type() == "text/plain"

    @pytest.mark.parametrize(
        ("url", "named"),
        [
            ("smtp://localhost", {"tls": "starttls"}),
            ("smtps://mail.example.org:4465/", {"tls": "implicit", "port": 4465}),
            ("smtp+plain://[::1]:25", {"host": "::1", "port": 25}),
            (
                "smtp://a%40b:c%2Fd@mail.example.org",
                {"tls": "starttls", "username": "a@b", "password": "c/d"},
            ),
            (
                "smtp://talent@mail.example.org",
                {"tls": "starttls", "username": "talent", "password": "from outside"},
            ),
        ],
    )
    def test_urls(self, monkeypatch: pytest.MonkeyPatch, url: str, named: dict[str, str]) -> None:
        """The scheme is how the connection is secured; a password may come from outside."""
        monkeypatch.setenv(PASSWORD, "from outside")
        host = "localhost" if "localhost" in url else "mail.example.org"
        plain = {"host": host, "port": None, "tls": None, "username": None, "password": None}
        found = mail_server(url)
        assert found == Named(**(plain | named))  # type: ignore[arg-type]
        assert "from outside" not in repr(found)
        assert "c/d" not in repr(found)

    @pytest.mark.parametrize(
        "url",
        [
            "mail.example.org",
            "http://mail.example.org",
            "smtp://",
            "smtp://mail.example.org:port",
            "smtp://mail.example.org:99999",
            "smtp://mail.example.org/inbox",
            "smtp://mail.example.org?tls=no",
            "smtp://[mail.example.org",
        ],
    )
    def test_what_is_no_url_is_told(self, capsys: pytest.CaptureFixture[str], url: str) -> None:
        """A mistyped URL is refused, and what one looks like is shown."""
        assert "--smtp: expected a URL like smtp://" in refused(
            capsys, "run-due", "--now", NOW, "--smtp", url, *FROM
        )

    def test_no_error_shows_a_password(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Neither a faulty URL, nor a faulty password, nor a server that is not there."""
        for url in (
            "smtp://talent:s3cret@mail.example.org:port",
            "smtp://talent:s3cret%0A@mail.example.org",
            "smtp+plain://talent:s3cret@127.0.0.1:1",
        ):
            line = refused(capsys, "run-due", "--now", NOW, "--smtp", url, *FROM)
            assert "s3cret" not in line

    def test_a_user_needs_a_password(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Which variable it is read from is said."""
        url = "smtp://talent@mail.example.org"
        line = refused(capsys, "run-due", "--now", NOW, "--smtp", url, *FROM)
        assert f"set the environment variable {PASSWORD}" in line

    def test_a_mail_server_needs_a_sender(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Nobody's address is made up for real mail, and a faulty one is told by its name."""
        command = ["run-due", "--now", NOW, "--smtp", "smtp://mail.example.org"]
        assert refused(capsys, *command).startswith("crmkit: --from: ")
        assert refused(capsys, *command, "--from", "me").startswith("crmkit: from_address: ")

    def test_one_place_at_a_time(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Messages go to a Maildir or to a server."""
        both = ["--smtp", "smtp://mail.example.org", "--outbox", "box"]
        assert "not allowed with argument" in refused(capsys, "run-due", *both)


def test_several_at_once_send_each_message_once() -> None:
    """Three runs that cron started together share the work, and none fails."""
    with SQLStore("sqlite:///talent.db") as store:
        for number in range(40):
            key = f"p{number}"
            CRM(store).capture(Candidate(id=key, emails=[f"{key}@example.org"]))
    with MailServer() as server:
        command = [sys.executable, "-m", "crmkit", "run-due", *plain(server)]
        runs = [
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for _ in range(3)
        ]
        ended = [(each.communicate(timeout=60), each.returncode) for each in runs]
    assert [(err, status) for (_, err), status in ended] == [("", 0)] * 3
    assert len(server.mails) == len({mail["To"] for mail in server.mails}) == 41


def test_a_server_may_keep_the_people(
    capsys: pytest.CaptureFixture[str], postgres_url: str
) -> None:
    """With the URL of a server, what is due by its clock goes, and tasks and doubts are listed."""
    with SQLStore(postgres_url) as store:
        CRM(store).capture(Candidate(id="bob", emails=["bob@example.org"]))
    there = ["--db", postgres_url]
    with MailServer() as server:
        assert "1 enrolled, 1 sent" in run(capsys, "run-due", *there, *plain(server))
        assert "0 enrolled, 0 sent" in run(capsys, "run-due", *there, *plain(server))
    assert [mail["To"] for mail in server.mails] == ["bob@example.org"]
    assert run(capsys, "tasks", *there) == "nothing to do\n"
    assert run(capsys, "doubts", *there) == "nothing is in doubt\n"


class TestUnsubscribe:
    URL = "https://talent.example.org/u/{token}"

    def test_mails_carry_the_link(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The host's page reads it with the same secrets, the newest of which has signed."""
        new, old = "n" * 32, "o" * 40
        monkeypatch.setenv(SECRET, f"{new} {old}")
        with MailServer() as server:
            run(capsys, "run-due", "--now", NOW, *plain(server), "--unsubscribe-url", self.URL)
        (mail,) = server.mails
        token = mail["List-Unsubscribe"].strip("<>").rpartition("/")[2]
        with SQLStore("sqlite:///talent.db") as store:
            (touch,) = store.touches()
        page = UnsubscribeLinks(url=self.URL, secrets=[new.encode()])
        assert page.read(token) == touch.key

    @pytest.mark.parametrize("secrets", ["", "short", f"{'n' * 32} short"])
    def test_links_need_a_secret(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, secrets: str
    ) -> None:
        """Without one that nobody can guess nothing is sent, and none is shown."""
        monkeypatch.setenv(SECRET, secrets)
        line = refused(capsys, "run-due", "--now", NOW, "--unsubscribe-url", self.URL)
        assert f"environment variable {SECRET}" in line
        assert "short" not in line

    def test_the_page_needs_a_place_for_the_token(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A faulty URL is told by the option."""
        monkeypatch.setenv(SECRET, "n" * 32)
        line = refused(capsys, "run-due", "--unsubscribe-url", "https://talent.example.org/u")
        assert line.startswith("crmkit: --unsubscribe-url: expected an https URL with {token}")


class TestDoubts:
    def test_what_is_in_doubt_is_told_with_what_to_do(self, doubtful: str) -> None:
        """A mail that was not answered is in doubt, and the status is 3."""
        assert "unknown, the connection broke after the mail was sent" in doubtful
        assert "in doubt: welcome for ada, " in doubtful
        assert "since 2026-03-02 09:00 UTC; it is not sent again by itself" in doubtful
        assert f"crmkit resolve {key_in(doubtful)} --sent" in doubtful
        assert f"crmkit resolve {key_in(doubtful)} --not-sent" in doubtful

    def test_it_is_told_until_it_is_settled(
        self, capsys: pytest.CaptureFixture[str], doubtful: str
    ) -> None:
        """A run that finds nothing new to do still says so, and sends nothing again."""
        with MailServer() as server:
            out = run(capsys, "run-due", "--now", LATER, *plain(server), status=3)
        assert server.mails == []
        assert doubtful[doubtful.index("in doubt:") :] in out
        assert run(capsys, "doubts", status=3) == doubtful[doubtful.index("in doubt:") :]

    def test_what_was_sent_is_not_sent_again(
        self, capsys: pytest.CaptureFixture[str], doubtful: str
    ) -> None:
        """--sent logs it; nothing is in doubt then, and nothing goes out."""
        key = key_in(doubtful)
        settle = ["resolve", key, "--sent", "--detail", "it is in the log", "--now", LATER]
        assert run(capsys, *settle) == "welcome for ada: sent\n"
        assert run(capsys, "doubts") == "nothing is in doubt\n"
        with MailServer() as server:
            run(capsys, "run-due", "--now", LATER, *plain(server))
        assert server.mails == []
        with SQLStore("sqlite:///talent.db") as store:
            assert [fact.kind for fact in store.interactions(["ada"])].count("sent") == 1
            assert store.find_touches([key])[key].detail == "it is in the log"

    def test_what_never_left_goes_out(
        self, capsys: pytest.CaptureFixture[str], doubtful: str
    ) -> None:
        """--not-sent lets the next run try again."""
        settle = ["resolve", key_in(doubtful), "--not-sent", "--now", LATER]
        assert "the next run-due tries again" in run(capsys, *settle)
        with MailServer() as server:
            run(capsys, "run-due", "--now", LATER, *plain(server))
        assert len(server.mails) == 1

    def test_what_is_not_in_doubt_stays(
        self, capsys: pytest.CaptureFixture[str], doubtful: str
    ) -> None:
        """A second answer changes nothing, and what there is is said."""
        key = key_in(doubtful)
        run(capsys, "resolve", key, "--sent")
        out = run(capsys, "resolve", key, "--not-sent")
        assert out == "welcome for ada was not in doubt: it is sent\n"

    def test_a_message_that_nobody_knows(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A mistyped key, and an answer that is none, are refused."""
        assert "no touch 'e1.0.a'" in refused(capsys, "resolve", "e1.0.a", "--sent")
        assert "--sent --not-sent is required" in refused(capsys, "resolve", "e1.0.a")


class TestTasks:
    @pytest.fixture
    def task(self, capsys: pytest.CaptureFixture[str]) -> str:
        """Run to the week of the one-to-one touch, and list it."""
        for now in (NOW, "2026-06-01T09:00Z"):
            out = run(capsys, "run-due", "--now", now)
        assert "  task: check-in for ada, due " in out
        assert "what to remember for them: crmkit tasks" in out
        return run(capsys, "tasks", "--now", "2026-06-01T09:00Z")

    def test_a_task_comes_with_what_to_remember(self, task: str) -> None:
        """The brief, the draft and the command that closes it."""
        first, second, *draft, last = task.splitlines()
        assert re.match(r"check-in for ada, due 2026-05-25: \w", first)
        assert second == "  last spoke 2026-02-20 (met)"
        assert draft[0] == "  | Hello Ada,"
        assert last == f"  done: crmkit done {key_in(task)}"

    def test_a_task_that_is_done_is_over(
        self, capsys: pytest.CaptureFixture[str], task: str
    ) -> None:
        """What was done and said is logged, and nothing is left to do."""
        told = ["--kind", "called", "--said", "in autumn", "--by", "ben", "--channel", "phone"]
        now = ["--now", "2026-06-02T09:00Z"]
        out = run(capsys, "done", key_in(task), *told, "--outcome", "later", *now)
        assert out == "ada: called on 2026-06-02\n"
        assert run(capsys, "tasks", *now) == "nothing to do\n"
        with SQLStore("sqlite:///talent.db") as store:
            (fact,) = (each for each in store.interactions(["ada"]) if each.kind == "called")
        assert (fact.channel, fact.outcome) == ("phone", "later")
        assert dict(fact.properties) == {"said": "in autumn", "by": "ben"}

    def test_a_reply_is_answered_by_its_key(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A key with a space in it is shown so that a shell takes it."""
        run(capsys, "run-due", "--now", NOW)
        with SQLStore("sqlite:///talent.db") as store:
            CRM(store).record([Interaction(candidate_id="ada", kind="replied", at=LATER)])
        run(capsys, "run-due", "--now", LATER)
        shown = run(capsys, "tasks", "--now", LATER)
        assert shown.startswith("answer for ada, due 2026-03-03: they replied")
        assert " " in key_in(shown)
        run(capsys, "done", key_in(shown), "--now", "2026-03-04T09:00Z")
        assert run(capsys, "tasks", "--now", "2026-03-04T09:00Z") == "nothing to do\n"

    def test_a_task_that_nobody_knows(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A mistyped key is refused."""
        assert "no task 'e1.0.a'" in refused(capsys, "done", "e1.0.a")
