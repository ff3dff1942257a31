"""Mail servers for tests: a real one (aiosmtpd) that can refuse, and one that breaks every rule."""

import asyncio
import socket
import ssl
import threading
from contextlib import suppress
from email import message_from_bytes, policy

from aiosmtpd.smtp import SMTP, AuthResult


class MailServer:
    """aiosmtpd in a thread: keeps what it is given, counts connections, answers as scripted.

    ``answers`` has for ``MAIL``, ``RCPT`` and ``DATA`` what to say instead of yes: a text, or a
    function of the aiosmtpd server that may be a coroutine.
    """

    def __init__(self, *, starttls=None, implicit=None, login=None):
        self._starttls, self._implicit, self._login = starttls, implicit, login
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._transports = []
        self.answers = {}
        self.connections = 0
        self.envelopes = []

    def __enter__(self):
        self._thread.start()
        listening = self._loop.create_server(self._make, "127.0.0.1", 0, ssl=self._implicit)
        self._server = self._run(listening)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *error):
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @property
    def mails(self):
        """What was taken, parsed."""
        texts = [content.replace(b"\r\n", b"\n") for _, _, content in self.envelopes]
        return [message_from_bytes(text, policy=policy.default) for text in texts]

    def drop_all(self):
        """Cut every connection, as a server does with those that lie idle."""
        self._run(self._abort())

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    async def _abort(self):
        for each in self._transports:
            each.abort()
        await asyncio.sleep(0.05)

    async def _stop(self):
        self._server.close()
        await self._abort()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _make(self):
        self.connections += 1
        keeper = self

        class Counted(SMTP):
            def connection_made(self, transport):
                keeper._transports.append(transport)
                super().connection_made(transport)

        options = {}
        if self._login:
            options = {
                "authenticator": self._authenticate,
                "auth_required": True,
                "auth_require_tls": self._starttls is not None,
            }
        return Counted(
            self,
            hostname="mx.example.org",
            loop=self._loop,
            tls_context=self._starttls,
            require_starttls=self._starttls is not None,
            enable_SMTPUTF8=True,
            **options,
        )

    def _authenticate(self, server, session, envelope, mechanism, data):
        known = (data.login.decode(), data.password.decode()) == self._login
        return AuthResult(success=known, handled=known)

    async def _answer(self, step, server):
        answer = self.answers.get(step)
        if callable(answer):
            answer = answer(server)
        return await answer if asyncio.iscoroutine(answer) else answer

    async def handle_MAIL(self, server, session, envelope, address, options):  # noqa: N802
        if answer := await self._answer("MAIL", server):
            return answer
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if answer := await self._answer("RCPT", server):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        if answer := await self._answer("DATA", server):
            return answer
        self.envelopes.append((envelope.mail_from, list(envelope.rcpt_tos), envelope.content))
        return "250 2.0.0 OK: queued as 4XyZ"


class Peer:
    """One connection of a `ScriptedServer`."""

    def __init__(self, connection):
        self._connection = connection
        self._lines = connection.makefile("rb")

    def say(self, line):
        self._connection.sendall(line.encode() + b"\r\n")

    def hear(self):
        return self._lines.readline().decode(errors="replace").rstrip("\r\n")

    def greet(self, *offers):
        self.say("220 mx.example.org")
        self.hear()
        lines = ["mx.example.org", *offers]
        for line in lines[:-1]:
            self.say(f"250-{line}")
        self.say(f"250 {lines[-1]}")

    def up_to_data(self):
        """Say yes until the text comes."""
        for _ in range(2):
            self.hear()
            self.say("250 OK")
        self.hear()
        self.say("354 go on")

    def text(self):
        """Hear the text, to its end."""
        lines = []
        while (line := self._lines.readline()) not in {b".\r\n", b""}:
            lines.append(line)
        return b"".join(lines)

    def hang_up(self):
        self._lines.close()
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()


class ScriptedServer:
    """Says what the scripts say: one function of a `Peer` for each connection, in order."""

    def __init__(self, *scripts):
        self._scripts = scripts
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self.served = 0

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # closing alone wakes nobody who waits
        self._listener.close()
        self._thread.join(20)

    def _serve(self):
        for script in self._scripts:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(10)
            self.served += 1
            peer = Peer(connection)
            with suppress(OSError):
                script(peer)
            peer.hang_up()


def certified(ca, *names):
    """Return the context of a server that the authority *ca* vouches for."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert(*names).configure_cert(context)
    return context


def trusting(ca):
    """Return the context of a client that trusts *ca* alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ca.configure_trust(context)
    return context
