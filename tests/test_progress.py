"""The progress line: on terminals only."""

import io
from contextlib import suppress

import pytest

from crmkit import _progress
from crmkit._progress import Bar


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_shows_nothing_where_there_is_no_terminal() -> None:
    """A log file or a pipe gets no progress."""
    stream = io.StringIO()
    with Bar("reading", stream) as progress:
        progress(1, 2)
        progress(2, 2)
    assert stream.getvalue() == ""


def test_shows_how_many_of_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal sees the bar fill up, and the line is cleared in the end."""
    monkeypatch.setattr(_progress, "_PAUSE", 0.0)
    stream = _Terminal()
    with Bar("reading", stream) as progress:
        progress(0, 2000)
        progress(1000, 2000)
        progress(2000, 2000)
    start = "\r\x1b[K"
    assert stream.getvalue().split(start)[1:] == [
        f"reading [{'.' * 30}] 0 of 2,000",
        f"reading [{'#' * 15}{'.' * 15}] 1,000 of 2,000",
        f"reading [{'#' * 30}] 2,000 of 2,000",
        "",
    ]


def test_counts_when_nobody_knows_how_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a total only the count is shown."""
    monkeypatch.setattr(_progress, "_PAUSE", 0.0)
    stream = _Terminal()
    with Bar("segments", stream) as progress:
        progress(1250, None)
    assert "segments 1,250" in stream.getvalue()


def test_draws_ten_times_a_second_at_most() -> None:
    """Quick work is drawn at its beginning and its end."""
    stream = _Terminal()
    with Bar("reading", stream) as progress:
        for done in range(101):
            progress(done, 100)
    assert "100 of 100" in stream.getvalue()
    assert stream.getvalue().count("reading") < 20


def test_clears_its_line_before_an_error() -> None:
    """What is printed next begins on an empty line."""
    stream = _Terminal()
    with suppress(ValueError), Bar("reading", stream) as progress:
        progress(1, 2)
        raise ValueError
    assert stream.getvalue().startswith("\r\x1b[Kreading")
    assert stream.getvalue().endswith("\r\x1b[K")
