"""A message as a page: few tags, every value escaped, links to the web only."""

from html import escape

import attrs


@attrs.frozen(kw_only=True, repr=False)
class Page:
    """The parts of a page; ``paragraphs`` and ``small_print`` are escaped already."""

    subject: str
    language: str
    paragraphs: tuple[str, ...]
    small_print: tuple[str, ...]


def web_address(value: object) -> bool:
    """Say whether it is an address that a page may link to: no script, no data, no other scheme."""
    return (
        isinstance(value, str)
        and value.lower().startswith(("http://", "https://"))
        and value.isprintable()
        and not any(map(str.isspace, value))
    )


def link(url: str, text: str) -> str:
    """Return a link."""
    return f'<a href="{escape(url)}">{escape(text)}</a>'


def html(page: Page) -> str:
    """Return the page that mail clients show without a style sheet."""
    paragraphs = "\n".join(f"<p>{paragraph}</p>" for paragraph in page.paragraphs)
    small_print = "<br>\n".join(page.small_print)
    return (
        "<!doctype html>\n"
        f'<html lang="{escape(page.language)}">\n'
        '<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(page.subject)}</title>\n</head>\n"
        f"<body>\n{paragraphs}\n<hr>\n<p><small>{small_print}</small></p>\n</body>\n</html>"
    )
