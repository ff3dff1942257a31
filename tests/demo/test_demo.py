"""The demonstration: what it leaves, and that stopping it changes nothing."""

import json
import mailbox
import re
import signal
import sqlite3
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path
from random import Random
from typing import Any

import attrs
import pytest

pytest.importorskip("sqlalchemy")
pytest.importorskip("jinja2")

from crmkit.demo import DemoResult, _show, _story, run_demo
from crmkit.demo._bookmark import Bookmark
from crmkit.errors import InvalidRecord, SenderError, StoreError
from crmkit.senders import MaildirSender
from crmkit.stores import SQLStore

SMALL: dict[str, Any] = {"weeks": 3, "people": 22}
LONG: dict[str, Any] = {"weeks": 14, "people": 12}
"""Long enough for a check-in by hand."""


def dump(database: Path) -> dict[str, list[Any]]:
    """Return every row of every table, but not how often somebody was taken, or called for."""
    columns = {
        "crmkit_agenda": "candidate_id, due_at",
        "crmkit_touches": "key, state, due_at, occurred_at, json_remove(document, '$.attempt')",
    }
    with sqlite3.connect(database) as connection:
        names = [
            name
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
        ]
        found = {
            name: sorted(
                connection.execute(f"SELECT {columns.get(name, '*')} FROM {name}"), key=repr
            )
            for name in sorted(names)
        }
    connection.close()
    return found


def state(folder: Path) -> dict[str, Any]:
    """Return all that a run leaves."""
    outbox = folder / "outbox"
    mails = {
        each.name: each.read_bytes()
        for room in ("new", "cur")
        for each in (outbox / room).iterdir()
    }
    return {
        "tables": dump(folder / "talent.db"),
        "mails": mails,
        "page": (folder / "report.html").read_bytes(),
        "bookmark": (folder / "demo.json").read_bytes(),
    }


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DemoResult]:
    """Return the folder and result of a run that nothing stopped."""
    folder = tmp_path_factory.mktemp("small")
    return folder, run_demo(folder, **SMALL)


@pytest.fixture(scope="module")
def edges(tmp_path_factory: pytest.TempPathFactory) -> int:
    """Return how many calls over an edge such a run makes."""
    with pytest.MonkeyPatch.context() as patch:
        count = _Countdown(patch)
        run_demo(tmp_path_factory.mktemp("edges"), **SMALL)
    return count.calls


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a longer run that nothing stopped."""
    folder = tmp_path_factory.mktemp("long")
    run_demo(folder, **LONG)
    return folder


class _Loads(HTMLParser):
    """Gathers whatever a page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in {"src", "href", "data"}]
        self.found += [tag] if tag in {"script", "link", "iframe", "object", "embed"} else []


def test_leaves_a_database_in_which_everybody_is(small: tuple[Path, DemoResult]) -> None:
    """The database holds the sample, less one in twenty who are outsiders."""
    folder, result = small
    tables = dump(folder / "talent.db")
    assert len(tables["crmkit_candidates"]) == result.people
    assert result.people in {21, 22}
    assert len(tables["crmkit_roles"]) == 3


def test_leaves_a_maildir_that_a_mail_program_reads(small: tuple[Path, DemoResult]) -> None:
    """Each message of the run is an e-mail with a sender, a recipient and a text."""
    folder, result = small
    box = mailbox.Maildir(folder / "outbox", create=False)
    mails = list(box)
    assert len(mails) == result.messages > 20
    for mail in mails:
        assert mail["To"].endswith("@example.invalid")
        assert mail["From"] == "Talent team <talent@example.org>"
        assert "1 Example Street" in mail.get_payload()
    box.close()


def test_leaves_one_page_that_loads_nothing(small: tuple[Path, DemoResult]) -> None:
    """The page is self-contained and says what is simulated."""
    folder, _ = small
    page = (folder / "report.html").read_text(encoding="utf-8")
    loads = _Loads()
    loads.feed(page)
    assert {each[:1] for each in loads.found} == {"#"}
    assert re.findall(r"url\(|@import|https?://", page) == []
    assert "<strong>Simulated.</strong>" in page
    assert "Stack Overflow Annual Developer Survey 2019" in page


def test_the_page_compares_the_two_halves_of_the_time(
    small: tuple[Path, DemoResult], tmp_path: Path
) -> None:
    """What moved is from the first half to the second; a single week has no halves."""
    page = (small[0] / "report.html").read_text(encoding="utf-8")
    assert "From 20 Jan 2025 to 27 Jan 2025: the 7 days up to" in page
    run_demo(tmp_path, weeks=1, people=3)
    assert "What moved" not in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_says_where_to_look(small: tuple[Path, DemoResult]) -> None:
    """The result prints the scorecard, the shortlist and the way to everything else."""
    folder, result = small
    text = str(result)
    for name in ("report.html", "outbox", "talent.db"):
        assert str(folder / name) in text
    assert "SIMULATED" in text
    assert f"crmkit explain {result.shortlist.fits[0].candidate_id} --db" in text
    assert (
        repr(result)
        == f"<DemoResult in {folder}: {result.people} people, {result.messages} messages>"
    )


def test_every_made_up_fact_says_so(long: Path) -> None:
    """Whatever the library did not do itself is marked as simulated, calls among them."""
    rows = dump(long / "talent.db")["crmkit_interactions"]
    facts = [json.loads(row[-1]) for row in rows]
    kinds = {fact["kind"] for fact in facts if not fact.get("properties", {}).get("simulated")}
    assert kinds == {"captured", "enrolled", "sent"}
    assert "called" in {fact["kind"] for fact in facts}


def test_running_it_again_changes_nothing(small: tuple[Path, DemoResult]) -> None:
    """A second run of a finished demonstration finds nothing to do."""
    folder, result = small
    before = state(folder)
    again = run_demo(folder, **SMALL)
    assert state(folder) == before
    assert str(again) == str(result)


def test_same_seed_same_state(small: tuple[Path, DemoResult], tmp_path: Path) -> None:
    """Two runs with one seed leave the same database, messages and page."""
    run_demo(tmp_path, **SMALL)
    assert state(tmp_path) == state(small[0])


def test_going_on_is_like_going_through(long: Path, tmp_path: Path) -> None:
    """A short run made longer ends where the long one ends."""
    run_demo(tmp_path, weeks=5, people=LONG["people"])
    run_demo(tmp_path, **LONG)
    assert state(tmp_path) == state(long)


def test_progress_counts_weeks(tmp_path: Path) -> None:
    """Progress goes from week 0 to the last."""
    seen: list[tuple[int, int | None]] = []
    run_demo(tmp_path, weeks=2, people=3, progress=lambda *step: seen.append(step))
    assert list(dict.fromkeys(seen)) == [(0, 2), (1, 2), (2, 2)]


# --- stopping


class _Stop(BaseException):
    """The end of the process, as far as the code can tell."""


_EDGES = [
    (MaildirSender, "send"),
    (SQLStore, "put_candidates"),
    (SQLStore, "put_roles"),
    (SQLStore, "append_interactions"),
    (SQLStore, "change_memberships"),
    (SQLStore, "set_definitions"),
    (SQLStore, "put_enrollments"),
    (SQLStore, "claim_touch"),
    (SQLStore, "settle_touch"),
    (Bookmark, "move"),
    (_show, "write_page"),
]


class _Countdown:
    """Stops before or after the n-th call over an edge of the process; counts them all."""

    def __init__(self, patch: pytest.MonkeyPatch, at: int | None = None, *, after: bool = False):
        self.calls = 0
        self._at, self._after = at, after
        for owner, name in _EDGES:
            patch.setattr(owner, name, self._wrapped(getattr(owner, name)))

    def _wrapped(self, real: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            self.calls += 1
            now = self.calls == self._at
            if now and not self._after:
                raise _Stop
            result = real(*arguments, **options)
            if now:
                raise _Stop
            return result

        return call


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("part", range(7))
def test_stopped_anywhere_ends_the_same(
    small: tuple[Path, DemoResult], edges: int, tmp_path: Path, part: int, *, after: bool
) -> None:
    """Stopped before or after any call of store, sender or bookmark, it ends in the same state."""
    with pytest.MonkeyPatch.context() as patch:
        _Countdown(patch, 1 + (edges - 1) * part // 6, after=after)
        with pytest.raises(_Stop):
            run_demo(tmp_path, **SMALL)
    run_demo(tmp_path, **SMALL)
    assert state(tmp_path) == state(small[0])


def test_stopped_again_and_again_ends_the_same(long: Path, tmp_path: Path) -> None:
    """A run that never gets far at a time still ends in the same state."""
    stops = 0
    step = 5
    while True:
        with pytest.MonkeyPatch.context() as patch:
            _Countdown(patch, step, after=bool(stops % 2))
            try:
                run_demo(tmp_path, **LONG)
            except _Stop:
                stops += 1
                step += 2  # else a step with more calls than that would never be done
                continue
        break
    assert stops > 10
    assert state(tmp_path) == state(long)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 here")
def test_killed_ends_the_same(small: tuple[Path, DemoResult], tmp_path: Path) -> None:
    """After five kills in mid-run the next run ends in the same state."""
    command = [sys.executable, "-m", "crmkit", "demo", "--out", str(tmp_path)]
    command += ["--weeks", str(SMALL["weeks"]), "--people", str(SMALL["people"])]
    chance = Random(5)
    for _ in range(5):
        mark = tmp_path / "demo.json"
        before = mark.read_bytes() if mark.exists() else b""
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and (not mark.exists() or mark.read_bytes() == before):
            time.sleep(0.001)
        time.sleep(chance.random() * 0.1)
        process.kill()
        process.wait()
    run_demo(tmp_path, **SMALL)
    assert state(tmp_path) == state(small[0])


# --- what may be in the way


def test_a_lost_database_is_made_again(small: tuple[Path, DemoResult], tmp_path: Path) -> None:
    """Without its database a run begins anew, and no message is written twice."""
    run_demo(tmp_path, **SMALL)
    for each in tmp_path.glob("talent.db*"):
        each.unlink()
    run_demo(tmp_path, **SMALL)
    assert state(tmp_path) == state(small[0])


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"seed": 1}', '{"seed": "1", "people": 1, "done": 2}', "\xff"]
)
def test_a_damaged_bookmark_is_told(tmp_path: Path, text: str) -> None:
    """A demo.json that is none is named, and nothing is made."""
    (tmp_path / "demo.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(StoreError, match=r"demo\.json is damaged; choose another folder"):
        run_demo(tmp_path, **SMALL)
    assert [each.name for each in tmp_path.iterdir()] == ["demo.json"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"seed": 1}, "with seed 2019, not 1"),
        ({"people": 4}, "with people 3, not 4"),
        ({"people": None}, "with people 3, not left open"),
        ({"weeks": 1}, "a longer demonstration"),
    ],
)
def test_another_run_in_the_folder_is_told(
    tmp_path: Path, options: dict[str, Any], problem: str
) -> None:
    """A folder that holds a run with another seed, pool or length is left as it is."""
    run_demo(tmp_path, weeks=2, people=3)
    before = state(tmp_path)
    with pytest.raises(StoreError, match=problem):
        run_demo(tmp_path, **({"weeks": 2, "people": 3} | options))
    assert state(tmp_path) == before


def test_a_database_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    """A talent.db that no demonstration made is not written to."""
    with SQLStore(f"sqlite:///{tmp_path / 'talent.db'}"):
        pass
    before = dump(tmp_path / "talent.db")
    with pytest.raises(StoreError, match=r"holds a talent\.db that no demonstration made"):
        run_demo(tmp_path, **SMALL)
    assert dump(tmp_path / "talent.db") == before
    assert not (tmp_path / "outbox").exists()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A file in place of the folder is named."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"file cannot be used: File exists"):
        run_demo(tmp_path / "file", **SMALL)


def test_an_outbox_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """A file in place of the outbox is named before there is a database."""
    (tmp_path / "outbox").write_text("")
    with pytest.raises(SenderError, match="outbox"):
        run_demo(tmp_path, **SMALL)
    assert not (tmp_path / "talent.db").exists()


@pytest.mark.parametrize("options", [{"weeks": 0}, {"weeks": -1}, {"people": 0}])
def test_nothing_to_simulate_is_an_error(tmp_path: Path, options: dict[str, int]) -> None:
    """At least one week and one person are asked for, before anything is made."""
    with pytest.raises(InvalidRecord, match="expected at least 1"):
        run_demo(tmp_path / "new", **options)
    assert not (tmp_path / "new").exists()


def test_a_pool_in_which_nobody_fits_still_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When nobody can do what the role needs the shortlist is empty, and the page says so."""
    monkeypatch.setattr(_story, "ROLE", attrs.evolve(_story.ROLE, skills=["cobol"]))
    result = run_demo(tmp_path, weeks=1, people=1)
    assert len(result.shortlist) == 0
    assert "  nobody" in str(result).splitlines()
    assert "crmkit explain" not in str(result)
    assert "Nobody fits yet." in (tmp_path / "report.html").read_text(encoding="utf-8")
