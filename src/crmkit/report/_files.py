"""Files that are written whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path

from crmkit.metrics import Comparison, Scorecard


def write_whole(path: str | os.PathLike[str], text: str, encoding: str = "utf-8") -> Path:
    """Write *text* beside *path* and put it in its place; return the path.

    Raises `OSError`, with the name of the file, where it cannot be written.
    """
    target = Path(path)
    draft = target.with_name(f".{target.name}.part")
    try:
        draft.write_text(text, encoding=encoding, newline="")
        draft.replace(target)
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise OSError(error.errno, f"cannot be written: {error.strerror}", str(target)) from None
    return target


def write_tables(
    card: Scorecard, folder: str | os.PathLike[str], comparison: Comparison | None = None
) -> tuple[Path, ...]:
    """Write a scorecard as CSV into *folder*, and return the files.

    ``metrics.csv`` has every metric with its definition, interval and counts, ``changes.csv`` what
    moved, if a comparison is given; each table has a file by its name, such as ``funnel.csv``.
    The folder is made if it is missing; files of these names are replaced, each as a whole. No
    text in them is taken for a formula by a spreadsheet. Raises `OSError` where they cannot be
    written.

    >>> from datetime import UTC, datetime
    >>> from crmkit.metrics import scorecard
    >>> files = write_tables(scorecard([], now=datetime(2026, 3, 2, 9, tzinfo=UTC)), "tables")
    >>> [each.name for each in files][:3]
    ['metrics.csv', 'funnel.csv', 'cohorts.csv']
    """
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(error.errno, f"cannot be made: {error.strerror}", str(target)) from None
    texts = {"metrics": card.to_csv()}
    if comparison is not None:
        texts["changes"] = comparison.table.to_csv()
    texts |= {table.name: table.to_csv() for table in card.tables}
    # With the mark by which spreadsheets know UTF-8.
    return tuple(
        write_whole(target / f"{name}.csv", text, "utf-8-sig") for name, text in texts.items()
    )
