"""Django: the page's own files, asked by the test client and as a management command."""

import hashlib
import hmac
import importlib
import io
import json
import sqlite3
import sys
from datetime import UTC, datetime

import pytest

pytest.importorskip("django")
pytest.importorskip("sqlalchemy")

from django_mail import LOCMEM, by_default  # sets Django up
from pages import blocks, write_files

from crmkit.lifecycle import CRM
from crmkit.model import Candidate, Delivery, Interaction, Receipt
from crmkit.protocols import Sender

PAGE = "how-to/run-in-django.md"
AT = "2026-03-02T09:00:00+00:00"

# Django warns that its own connections may not follow; here it opens none.
pytestmark = pytest.mark.filterwarnings("ignore:Overriding setting DATABASES:UserWarning")


@pytest.fixture
def project(folder, tmp_path):
    """Set up a project with the page's app, over an SQLite file in which it has a table."""
    import django
    from django.core import mail, management
    from django.test import override_settings

    write_files(PAGE, folder)
    for place in ("talent", "talent/management", "talent/management/commands"):
        (folder / place / "__init__.py").touch()
    file = tmp_path / "db.sqlite3"
    with sqlite3.connect(file) as host:
        host.execute("CREATE TABLE talent_note (id INTEGER PRIMARY KEY, text TEXT)")
    host.close()
    named = {}
    exec(blocks(PAGE)["settings"], named)
    django.setup()
    mail.outbox = []
    management.get_commands.cache_clear()
    with (
        by_default(LOCMEM),
        override_settings(
            INSTALLED_APPS=["talent"],
            ROOT_URLCONF="talent.urls",
            MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"],
            DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": file}},
            DEFAULT_FROM_EMAIL="Talent <talent@example.org>",
            ALLOWED_HOSTS=["testserver"],
            **{name: value for name, value in named.items() if name.isupper()},
        ),
    ):
        yield importlib.import_module("talent.crm")
        sys.modules["talent.crm"].store().close()
    management.get_commands.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "talent"]:
        del sys.modules[name]


@pytest.fixture
def client(project):
    """Return a client without a login and without a CSRF token."""
    from django.test import Client

    return Client(enforce_csrf_checks=True)


@pytest.fixture
def ada(project):
    """Have one person who may be written to."""
    met = Interaction(candidate_id="ada", kind="met", at=datetime.now(UTC))
    project.crm().capture(Candidate(id="ada", emails=["ada@example.org"]), [met])


def send_due(**options):
    """Run the command, and return what it prints."""
    from django.core.management import call_command

    printed = io.StringIO()
    call_command("send_due", stdout=printed, **options)
    return printed.getvalue()


def touch(project):
    (found,) = project.store().touches()
    return found


def kinds(project):
    return [fact.kind for fact in project.store().interactions(["ada"])]


def post(client, *events, secret=b"what you and your mail provider know"):
    body = json.dumps(events).encode()
    signed = hmac.new(secret, body, hashlib.sha256).hexdigest()
    return client.post(
        "/hooks/mail", body, content_type="application/json", headers={"X-Signature": signed}
    )


@pytest.mark.usefixtures("ada")
class TestCommand:
    def test_it_sends_what_is_due_once(self, project, tmp_path):
        """The mail goes through the project's back end, the ledger into its database."""
        from django.core import mail

        assert "1 enrolled, 1 sent" in send_due()
        assert "0 enrolled, 0 sent" in send_due()
        (message,) = mail.outbox
        assert message.to == ["ada@example.org"]
        link = project.LINKS.link(touch(project).key)
        assert message.extra_headers["List-Unsubscribe"] == f"<{link}>"
        assert touch(project).state == "sent"
        with sqlite3.connect(tmp_path / "db.sqlite3") as host:
            names = {name for (name,) in host.execute("SELECT name FROM sqlite_master")}
        host.close()
        assert {"talent_note", "crmkit_touches"} <= names

    def test_its_limit(self, project):
        """--limit is how many messages go out."""
        assert "held back by the limit: 1" in send_due(limit=0)

    def test_what_is_in_doubt_is_an_error(self, project):
        """The command fails with status 3, and says what to look for."""
        from django.core.management.base import CommandError

        in_doubt(project)
        with pytest.raises(CommandError, match="ada welcome: unknown since") as caught:
            send_due()
        assert caught.value.returncode == 3

    def test_a_database_at_fault_is_an_error(self, project, monkeypatch):
        """A fault ends the command with one line."""
        from django.core.management.base import CommandError

        project.store().close()
        with pytest.raises(CommandError, match="the next run goes on"):
            send_due()


class Silent(Sender):
    """A sender that cannot say whether a message left."""

    def send(self, message):
        return Receipt(delivery=Delivery.UNKNOWN)


def in_doubt(project):
    """Send something of which nobody knows whether it left; return its key."""
    CRM(project.store(), Silent()).engage()
    assert touch(project).state == "unknown"
    return touch(project).key


@pytest.mark.usefixtures("ada")
class TestWebhook:
    def test_delivered_settles_a_doubt(self, project, client):
        """What was in doubt is sent, by what the provider says of its key."""
        key = in_doubt(project)
        answer = post(client, {"key": key, "event": "delivered", "at": AT})
        assert answer.status_code == 204
        assert touch(project).state == "sent"
        assert project.crm().in_doubt() == ()

    def test_twice_is_once(self, project, client):
        """A provider that calls again adds nothing."""
        send_due()
        event = {"key": touch(project).key, "event": "opened", "at": AT}
        for _ in range(2):
            assert post(client, event).status_code == 204
        assert kinds(project).count("opened") == 1

    def test_a_bounce_stops_the_address(self, project, client):
        """Nobody writes to an address that bounced for good."""
        send_due()
        post(client, {"key": touch(project).key, "event": "hard_bounce", "at": AT})
        assert "bounced" in kinds(project)
        assert not project.crm().explain("ada").permission

    def test_what_is_not_ours_is_passed_over(self, project, client):
        """Unknown keys and other events are none of our business."""
        unknown = {"key": "e1.0.a", "event": "delivered", "at": AT}
        assert post(client, unknown, {"event": "deferred"}).status_code == 204

    def test_without_the_signature_nothing_is_recorded(self, project, client):
        """A forged call is refused."""
        send_due()
        before = kinds(project)
        event = {"key": touch(project).key, "event": "hard_bounce", "at": AT}
        assert post(client, event, secret=b"guessed").status_code == 403
        assert client.get("/hooks/mail").status_code == 405
        assert kinds(project) == before


@pytest.mark.usefixtures("ada")
class TestUnsubscribe:
    @pytest.fixture
    def place(self, project):
        """Return the path of the page for a message that was sent."""
        send_due()
        return project.LINKS.link(touch(project).key).removeprefix("https://talent.example.org")

    def test_get_changes_nothing(self, project, client, place):
        """A scanner that follows the link sees a button, and stops nobody."""
        before = kinds(project)
        assert b"<button>" in client.get(place).content
        assert client.head(place).status_code == 200
        assert kinds(project) == before
        assert project.crm().explain("ada").permission

    def test_post_stops_at_once(self, project, client, place):
        """One click, without login or token, and nothing is sent any more; twice is harmless."""
        for _ in range(2):
            answer = client.post(place, {"List-Unsubscribe": "One-Click"})
            assert answer.status_code == 200
        assert kinds(project).count("unsubscribed") == 1
        assert not project.crm().explain("ada").permission
        assert project.crm().explain("ada").plans[0].status == "ended"

    def test_a_changed_token_stops_nobody(self, project, client, place):
        """A guessed or cut link is refused."""
        before = kinds(project)
        assert client.post(place[:-1]).status_code == 404
        assert kinds(project) == before


def test_a_project_on_postgresql(project):
    """The settings of a server become the URL of it."""
    from django.test import override_settings

    server = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "talent",
        "USER": "app",
        "PASSWORD": "s/ecret",
        "HOST": "db.example.org",
        "PORT": "",
    }
    with override_settings(DATABASES={"default": server}):
        url = project.database().render_as_string(hide_password=False)
    assert url == "postgresql+psycopg://app:s%2Fecret@db.example.org/talent"
