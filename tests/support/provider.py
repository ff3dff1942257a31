"""A fake provider in a process of its own, which keeps its own account of every call.

It writes down that a call has started before it does anything about it, so that what it says is
independent of crmkit: no process that is killed can take a line of it back.
"""

import asyncio
import hashlib
import json
import os
import socket
import time
from collections import Counter
from datetime import timedelta
from itertools import count
from pathlib import Path
from random import Random

from nursery import fork

from crmkit.errors import SenderError
from crmkit.model import Delivery, Receipt
from crmkit.protocols import Sender


class Provider:
    """A server on this machine; use it as a context manager.

    *delay* is how many seconds a call takes at most; *drop*, *later* and *reject* are the shares
    of calls whose connection is cut before an answer, that are refused for now, and for good.
    """

    def __init__(self, folder, *, delay=0.0, drop=0.0, later=0.0, reject=0.0, seed=1):
        self.path = Path(folder, "provider.jsonl")
        self.delay, self.drop, self.later, self.reject = delay, drop, later, reject
        self._chance = Random(seed)
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listening.getsockname()[1]

    def __enter__(self):
        self.path.touch()
        self._child = fork(self._serve)
        self._listening.close()
        return self

    def __exit__(self, *_):
        self._child.kill()

    def sender(self, kind="plain"):
        """Return a sender of one kind: ``plain``, ``deduplicates`` or ``finds``."""
        return SENDERS[kind](self.port)

    @property
    def calls(self):
        """All calls so far, in the order in which they started."""
        found = {}
        for line in self.path.read_text().splitlines():
            entry = json.loads(line)
            found.setdefault(entry["call"], {"answer": None, "dropped": False}).update(entry)
        return list(found.values())

    # --- in its own process

    def _serve(self):
        self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        self._taken = {}
        asyncio.run(self._listen())

    async def _listen(self):
        server = await asyncio.start_server(self._talk, sock=self._listening)
        await server.serve_forever()

    async def _talk(self, reader, writer):
        try:
            while line := await reader.readline():
                asked = json.loads(line)
                answer = await (self._find(asked) if "find" in asked else self._send(asked))
                if answer is None:
                    break
                writer.write(answer.encode() + b"\n")
                await writer.drain()
        except ConnectionError:
            pass  # whoever called was killed; what it asked for is done all the same
        writer.close()

    async def _send(self, asked):
        self._note(asked | {"at": time.monotonic_ns()})
        await asyncio.sleep(self._chance.uniform(0, self.delay))
        key, luck = asked["key"], self._chance.random()
        answer = "accepted"
        if key not in self._taken:
            if _share(key) < self.reject:
                answer = "rejected"
            elif luck < self.later:
                answer = "later"
            else:
                self._taken[key] = asked["digest"]
        dropped = luck > 1 - self.drop
        end = {"answer": answer, "dropped": dropped, "done": time.monotonic_ns()}
        self._note({"call": asked["call"], **end})
        return None if dropped else answer

    async def _find(self, asked):
        return "accepted" if asked["find"] in self._taken else "later"

    def _note(self, entry):
        os.write(self._file, json.dumps(entry).encode() + b"\n")


def _share(key):
    """Return a number from 0 to 1 that depends on the key alone."""
    return int(hashlib.sha256(key.encode()).hexdigest()[:8], 16) / 16**8


class ProviderSender(Sender):
    """Calls the provider; every call may be a message."""

    def __init__(self, port):
        self._port, self._numbers, self._file = port, count(), None

    def send(self, message):
        what = (message.to, message.subject, message.body, dict(message.headers))
        asked = {
            "call": f"{os.getpid()}.{next(self._numbers)}",
            "pid": os.getpid(),
            "key": message.key,
            "candidate": message.candidate_id,
            "digest": hashlib.sha256(repr(what).encode()).hexdigest(),
        }
        answer = self._ask(asked)
        detail = None if answer else "the connection was cut"
        return Receipt(delivery=answer or Delivery.UNKNOWN, detail=detail)

    def _ask(self, asked):
        if self._file is None:
            try:
                with socket.create_connection(("127.0.0.1", self._port), timeout=30) as made:
                    self._file = made.makefile("rwb")
            except OSError:
                raise SenderError("the provider does not answer") from None
        try:
            self._file.write(json.dumps(asked).encode() + b"\n")
            self._file.flush()
            answer = self._file.readline().strip().decode()
        except OSError:
            answer = ""
        if not answer:
            self._file = None
        return answer


class DeduplicatingSender(ProviderSender):
    """The provider delivers one key once, however often it is called."""

    @property
    def deduplication_window(self):
        return timedelta.max


class FindingSender(ProviderSender):
    """The provider can be asked what it has taken."""

    def find(self, key):
        answer = self._ask({"find": key})
        return Receipt(delivery=answer or Delivery.UNKNOWN)


SENDERS = {
    "plain": ProviderSender,
    "deduplicates": DeduplicatingSender,
    "finds": FindingSender,
}


def started(calls):
    """Return how often each key was started, but for calls after which nothing had left."""
    return Counter(each["key"] for each in calls if each["answer"] != "later")
