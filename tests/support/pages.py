"""The files that a page of the documentation shows, so that tests run what a reader copies."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"

_BLOCK = re.compile(r"^```py\n# ([^\n]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page):
    """Return the blocks of a page that begin with a comment, by that comment."""
    found = _BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))
    assert found, f"{page} shows no file"
    assert len(found) == len(dict(found)), f"{page} shows a file twice"
    return dict(found)


def write_files(page, folder):
    """Write those blocks whose comment is the name of a file."""
    for name, text in blocks(page).items():
        if not name.endswith(".py"):
            continue
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
