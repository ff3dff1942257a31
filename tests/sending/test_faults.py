"""The database fails under a run: a typed error, and nothing that was acknowledged is lost."""

import shutil
import subprocess
import time
from collections import Counter
from random import Random

import pytest
import sqlalchemy as sa
from examples import examples
from scene import START, WEEK, crm_over, people, weekly

from crmkit import CRM
from crmkit.errors import StoreError
from crmkit.model import Delivery, Interaction, Receipt
from crmkit.protocols import Sender
from crmkit.stores import SQLStore

COUNT = 20
LEASE = 0.5


class Counting(Sender):
    """Counts its calls, and does something at each."""

    def __init__(self, at_each=lambda number: None):
        self.calls, self.at_each = [], at_each

    def send(self, message):
        self.calls.append(message.key)
        self.at_each(len(self.calls))
        return Receipt(delivery=Delivery.ACCEPTED)


def fact(number, **more):
    """Return a fact about one of the people in the scene."""
    return Interaction(
        candidate_id=f"p{number % COUNT:05}",
        kind="noted",
        at=START,
        id=f"fact-{number}",
        properties=more,
    )


def kept(store):
    """Return the ids of the facts that are kept."""
    ids = [f"p{number:05}" for number in range(COUNT)]
    return {each.id for each in store.interactions(ids) if each.kind == "noted"}


def settled(crm, sender, store, errors):
    """Assert that all went once, and that only what an error cut off is unknown."""
    states = Counter(record.state.value for record in store.touches())
    assert max(Counter(sender.calls).values()) == 1
    assert states["sent"] + states["unknown"] == COUNT
    assert set(states) <= {"sent", "unknown"}
    assert states["unknown"] <= errors


def again_and_again(crm, now=START, tries=200):
    """Engage until there is nothing to do; return how many errors there were."""
    errors = quiet = 0
    for _ in range(tries):
        try:
            quiet = 0 if crm.engage(now=now).outcomes else quiet + 1
        except StoreError:
            errors, quiet = errors + 1, 0
        if quiet == 2:
            return errors
        if quiet:  # whom a run that failed had taken is free when its lease is over
            time.sleep(1.3 * LEASE)
    raise AssertionError("it does not come to an end")


@pytest.fixture
def disk(tmp_path):
    """Return a file system of 4 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "crmkit-test", str(place)]
    if (
        not shutil.which("mount")
        or subprocess.run(mount, capture_output=True, check=False).returncode
    ):
        pytest.skip("no file system may be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def fill_up(crm):
    """Record facts until the disk is full; return the ids of those that were acknowledged."""
    told = set()
    for number in range(10_000):
        try:
            crm.record([fact(number, text="x" * 3000)])
        except StoreError as error:
            assert "the disk is full; make room" in str(error)  # noqa: PT017 - it comes at some call
            return told
        told.add(f"fact-{number}")
    raise AssertionError("the disk does not get full")


class TestDiskFull:
    def test_facts_that_were_recorded_stay(self, disk):
        """On a disk that is full, the call that failed is taken back, and no other."""
        url = f"sqlite:///{disk / 'talent.db'}"
        with SQLStore(url) as store:
            crm = CRM(store)
            crm.capture_all(people(COUNT))
            told = fill_up(crm)
            assert told
            assert kept(store) == told
        with SQLStore(url) as store:
            assert kept(store) == told

    def test_sending_goes_on_when_there_is_room(self, disk):
        """A run on a full disk ends in the error; with room, the next one goes on."""
        ballast = disk / "ballast"
        with SQLStore(f"sqlite:///{disk / 'talent.db'}") as store:
            CRM(store).capture_all(people(COUNT))
            sender = Counting(lambda number: number == 7 and ballast.write_bytes(b"x" * free(disk)))
            crm = crm_over(store, sender, weekly(1), lease=LEASE)
            with pytest.raises(StoreError, match="full"):
                crm.engage(now=START)
            assert len(sender.calls) == 7
            ballast.unlink()
            errors = 1 + again_and_again(crm)
            settled(crm, sender, store, errors)

    def test_a_limit_of_pages(self, tmp_path):
        """So it is where the file may not grow."""
        engine = sa.create_engine(f"sqlite:///{tmp_path / 'talent.db'}")
        sa.event.listen(
            engine, "connect", lambda raw, _: raw.execute("PRAGMA max_page_count = 120")
        )
        store = SQLStore(engine)
        crm = CRM(store)
        crm.capture_all(people(COUNT))
        told = fill_up(crm)
        assert told
        assert kept(store) == told
        engine.dispose()


def free(disk):
    """Return how many bytes are left, but for a page."""
    return max(0, shutil.disk_usage(disk).free - 4096)


class TestReadOnly:
    def test_a_file(self, tmp_path):
        """Nothing is sent from a file that cannot be written."""
        path = tmp_path / "talent.db"
        with SQLStore(f"sqlite:///{path}") as store:
            CRM(store).capture_all(people(COUNT))
        sender = Counting()
        with SQLStore(f"sqlite:///file:{path}?mode=ro&uri=true") as store:
            crm = crm_over(store, sender, weekly(1))
            with pytest.raises(StoreError, match="cannot be written"):
                crm.engage(now=START)
            with pytest.raises(StoreError, match="cannot be written"):
                crm.record([fact(1)])
        assert sender.calls == []

    def test_a_server(self, postgres, postgres_url):
        """Nor from a database whose server only lets it be read, such as a replica."""
        with SQLStore(postgres_url) as store:
            CRM(store).capture_all(people(COUNT))
        name = sa.make_url(postgres_url).database
        postgres.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        sender = Counting()
        with SQLStore(postgres_url) as store:
            with pytest.raises(StoreError, match="cannot be written"):
                crm_over(store, sender, weekly(1)).engage(now=START)
            with pytest.raises(StoreError, match="cannot be written"):
                CRM(store).record([fact(1)])
        assert sender.calls == []


class TestCorruptFile:
    def test_every_error_is_typed(self, tmp_path):
        """Whatever bytes of the file are flipped, nothing but a `StoreError` comes of it."""
        good = tmp_path / "good.db"
        with SQLStore(f"sqlite:///{good}") as store:
            crm = crm_over(store, Counting(), weekly(3))
            crm.capture_all(people(COUNT), now=START)
            crm.segment(now=START)
            crm.engage(now=START)
            crm.record([fact(number) for number in range(40)], now=START)
        data, found = good.read_bytes(), Counter()
        for seed in range(examples(60)):
            path = tmp_path / f"{seed}.db"
            path.write_bytes(flipped(data, Random(seed)))
            found["damaged" if self._used(path) else "unseen"] += 1
            for each in tmp_path.glob(f"{seed}.db*"):
                each.unlink()
        assert found["damaged"] > 3
        with SQLStore(f"sqlite:///{good}") as store:
            assert len(kept(store)) == 40

    def _used(self, path):
        try:
            with SQLStore(f"sqlite:///{path}") as store:
                crm = crm_over(store, Counting(), weekly(3))
                crm.record([fact(number) for number in range(60)], now=START)
                crm.engage(now=START + WEEK, everyone=True)
                crm.advance(now=START + WEEK)
                list(store.touches()), list(store.transitions()), list(store.roles())
        except StoreError:
            return True
        return False


def flipped(data, rng):
    """Return the bytes with a run of them turned over, somewhere behind the file's header."""
    start = rng.randrange(100, len(data) - 200)
    size = rng.choice([1, 8, 200])
    turned = bytes(byte ^ 0xFF for byte in data[start : start + size])
    return data[:start] + turned + data[start + size :]


class TestConnectionCut:
    def test_inside_a_transaction(self, postgres, postgres_url):
        """What a transaction had done is taken back; what was acknowledged before it stays."""
        with SQLStore(postgres_url) as store:
            crm = CRM(store)
            crm.capture_all(people(COUNT))
            crm.record([fact(1)])
            with pytest.raises(StoreError), store.transaction():  # noqa: PT012
                crm.record([fact(2)])
                cut(postgres, postgres_url)
                crm.record([fact(3)])
            assert again(lambda: kept(store)) == {"fact-1"}
            again(lambda: crm.record([fact(4)]))
            assert kept(store) == {"fact-1", "fact-4"}

    def test_at_every_third_call_of_the_sender(self, postgres, postgres_url):
        """A run whose connections are cut ends in the error, and the next one goes on."""
        with SQLStore(postgres_url) as store:
            CRM(store).capture_all(people(COUNT))
            sender = Counting(lambda number: number % 3 or cut(postgres, postgres_url))
            crm = crm_over(store, sender, weekly(1), lease=LEASE)
            errors = again_and_again(crm)
            assert errors > 0
            settled(crm, sender, store, errors)


def cut(postgres, url):
    """End all connections to a database."""
    postgres.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
        sa.make_url(url).database,
    )


def again(call):
    """Call once more after an error: connections that were idle find out only when used."""
    try:
        return call()
    except StoreError:
        return call()
