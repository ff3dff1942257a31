"""What every renderer of letters shares: values, fallbacks, the way out, the page, the limits."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from html import escape
from typing import Protocol

import attrs

from crmkit.cadence import Cadence, Piece, Touch
from crmkit.errors import InvalidRecord, RenderError, UnknownName
from crmkit.lifecycle._lint import Finding, Letter, as_written, findings, texts_of
from crmkit.lifecycle._page import Page, link, web_address
from crmkit.lifecycle._page import html as page_html
from crmkit.lifecycle._values import NAMES, PIECE, SAMPLES, Hole, Value, values_of
from crmkit.model import Candidate, Relationship
from crmkit.model import _fields as fields
from crmkit.protocols import Rendered

MOST = 100_000
"""The most characters of a body or a page, by default: a long letter has five thousand."""

_MARK = "\x00"
"""Stands for the link while a page is filled; no value may hold it, for it is a control."""


_STOPS = "one click stops it"


class Text(Protocol):
    """One text of a touch, understood."""

    @property
    def uses(self) -> frozenset[str]:
        """Every name in it."""
        ...

    def fill(self, values: Mapping[str, Value], most: int) -> str:
        """Return it filled; raise `Hole` for what is not known, `InvalidRecord` for a fault."""
        ...


def _block(value: object) -> str:
    """Accept lines of text."""
    return "\n".join(fields.text_or_blank(line) for line in fields.lines(value).split("\n")).strip()


def _optional_block(value: object) -> str | None:
    return None if value is None else _block(value) or None


def _language(value: object) -> str:
    tag = fields.text(value)
    if not re.fullmatch(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*", tag):
        raise InvalidRecord("", f"expected a BCP 47 tag such as 'en-GB', got {tag!r}")
    return tag


def _most(value: object) -> int:
    return fields.whole(value, 1)


@attrs.frozen(kw_only=True, field_transformer=fields.paths)
class Letters(ABC):
    """Fills the texts of touches; subclasses say how one text is understood."""

    organization: str = attrs.field(default="our company", converter=fields.text)
    signature: str = attrs.field(default="The talent team", converter=_block)
    """One line or more."""
    postal_address: str | None = attrs.field(default=None, converter=_optional_block)
    """Shown below every message, one line or more."""
    html: bool = attrs.field(default=False, converter=fields.flag)
    """Whether the message is written as a page, too."""
    language: str = attrs.field(default="en", converter=_language)
    """The BCP 47 tag of the page."""
    most: int = attrs.field(default=MOST, converter=_most)
    """How many characters a body or a page may have."""

    def render(
        self,
        touch: Touch,
        relationship: Relationship,
        *,
        now: datetime,
        piece: Piece | None = None,
        unsubscribe: str | None = None,
    ) -> Rendered:
        """Return the text for this person, or raise `RenderError`.

        *unsubscribe* is the address of a page that stops it; the footer shows it.
        """
        del now  # the texts do not speak of dates
        if touch.content and touch.content.needed and piece is None:
            raise RenderError(touch.key, ["a piece of content"], path=f"{touch.key}.content")
        values = self._checked(touch, relationship.candidate, piece)
        if unsubscribe is not None and not web_address(unsubscribe):
            problem = "expected an http or https address of the page that stops it"
            raise RenderError(touch.key, path=f"{touch.key}.unsubscribe", problem=problem)
        subject = self._subject(touch, values)
        body, marked = self._body(touch, values)
        text = "\n".join([body, "", "--", *self._footer(unsubscribe)])
        self._measured(touch, text)
        if marked is None:
            return Rendered(subject, text)
        page = Page(
            subject=subject,
            language=self.language,
            paragraphs=_paragraphs(marked, piece),
            small_print=self._small_print(unsubscribe),
        )
        return Rendered(subject, text, self._measured(touch, self._laid_out(touch, page)))

    def check(self, cadence: Cadence) -> None:
        """Raise `InvalidRecord` for a text that can never be rendered, with the path to it.

        A placeholder that is none, a value that nobody knows, and one of a piece of content
        where the touch carries none. What `lint` finds is not raised: such texts go out.
        """
        for touch, path, source in texts_of(cadence):
            self._understood(touch, path, source)

    def lint(self, cadence: Cadence) -> tuple[Finding, ...]:
        """Return what is weak in the texts, in the order of the touches; raise what `check` does.

        See `Finding` for the rules.
        """
        self.check(cadence)
        found: list[Finding] = []
        for index, touch in enumerate(cadence.touches):
            for where, written in as_written(touch):
                found += findings(
                    written,
                    subject=self._linted(f"touches[{index}]{where.subject}", written.subject),
                    bodies=[
                        self._linted(f"touches[{index}]{where.bodies}[{number}]", body)
                        for number, body in enumerate(written.bodies)
                    ],
                    path=f"touches[{index}]{where.bodies}",
                )
        return tuple(dict.fromkeys(found))

    @abstractmethod
    def _text(self, source: str) -> Text:
        """Return the text, or raise `InvalidRecord`."""

    def _values(self, candidate: Candidate, piece: Piece | None) -> dict[str, Value]:
        return values_of(candidate, piece, self.organization, self.signature)

    def _names(self) -> tuple[str, ...]:
        return NAMES

    def _shown(self, name: str) -> str:
        """Return the name as it is written in a text."""
        return name

    def _page(self, page: Page) -> str:
        return page_html(page)

    def _checked(self, touch: Touch, candidate: Candidate, piece: Piece | None) -> dict[str, Value]:
        values = self._values(candidate, piece)
        for name, value in values.items():
            if sum(map(len, value)) > self.most:
                problem = f"{self._shown(name)} {too_long(self.most)}"
                raise RenderError(touch.key, path=touch.key, problem=problem)
            lines = value.split("\n") if name == "signature" and isinstance(value, str) else [value]
            for text in lines:
                if any(map(fields.has_control, [text] if isinstance(text, str) else text)):
                    problem = f"{self._shown(name)} holds a control character"
                    raise RenderError(touch.key, path=touch.key, problem=problem)
        url = values.get("piece_url")
        if url is not None and not web_address(url):
            problem = f"{self._shown('piece_url')}: expected an http or https address"
            raise RenderError(touch.key, path=touch.key, problem=problem)
        return values

    def _subject(self, touch: Touch, values: Mapping[str, Value]) -> str:
        path = f"{touch.key}.subject"
        try:
            subject = self._fill(touch, path, touch.subject, values).strip()
        except Hole as hole:
            raise RenderError(touch.key, map(self._shown, hole.names), path=path) from None
        if fields.has_control(subject):
            problem = "expected one line of text without control characters"
            raise RenderError(touch.key, path=path, problem=problem)
        return subject

    def _body(self, touch: Touch, values: Mapping[str, Value]) -> tuple[str, str | None]:
        """Return the first body without a hole, and what its page is made of."""
        missing, path = ["a body"], f"{touch.key}.bodies"
        for index, source in enumerate(touch.bodies):
            path = f"{touch.key}.bodies[{index}]"
            try:
                filled = self._fill(touch, path, source, values)
                if not filled.strip():
                    missing = ["a text that is not blank"]
                    continue
                if not self.html:
                    return filled, None
                marked = {**values, "piece_url": _MARK} if "piece_url" in values else values
                return filled, self._fill(touch, path, source, marked, sound=False)
            except Hole as hole:
                missing = [self._shown(name) for name in hole.names]
        raise RenderError(touch.key, missing, path=path)

    def _fill(
        self,
        touch: Touch,
        path: str,
        source: str,
        values: Mapping[str, Value],
        *,
        sound: bool = True,
    ) -> str:
        try:
            filled = self._text(source).fill(values, self.most)
            return _sound(filled) if sound else filled
        except InvalidRecord as error:
            raise RenderError(touch.key, path=path, problem=error.problem) from None

    def _laid_out(self, touch: Touch, page: Page) -> str:
        try:
            return self._page(page)
        except Hole as hole:
            raise RenderError(touch.key, hole.names, path="page") from None
        except InvalidRecord as error:
            raise RenderError(touch.key, path="page", problem=error.problem) from None

    def _measured(self, touch: Touch, made: str) -> str:
        if len(made) > self.most:
            raise RenderError(touch.key, path=f"{touch.key}.bodies", problem=too_long(self.most))
        return made

    def _footer(self, unsubscribe: str | None) -> list[str]:
        lines = ["You hear from us because we are in touch about working together one day."]
        if unsubscribe is None:
            lines.append("If you would rather not, reply with 'stop' and we will not write again.")
        else:
            lines.append(f"If you would rather not, {_STOPS}: {unsubscribe}")
            lines.append("Or reply with 'stop' and we will not write again.")
        return lines + (self.postal_address or "").splitlines()

    def _small_print(self, unsubscribe: str | None) -> tuple[str, ...]:
        if unsubscribe is None:
            return tuple(map(escape, self._footer(None)))
        anchor = link(unsubscribe, _STOPS) + "."
        marked = map(escape, self._footer(_MARK))
        return tuple(line.replace(f"{_STOPS}: {_MARK}", anchor) for line in marked)

    def _understood(self, touch: Touch, path: str, source: str) -> None:
        try:
            text = self._text(source)
        except InvalidRecord as error:
            raise error.under(path) from None
        known = self._names()
        for name in sorted(text.uses - {*known}):
            shown = map(self._shown, known)
            raise UnknownName.among(path, self._shown(name), shown, what="a value of a text")
        try:
            needs = self._needs(text)
        except InvalidRecord as error:
            raise error.under(path) from None
        if "" in needs and not text.uses:
            raise InvalidRecord(path, "expected text, got nothing")
        wanted = sorted(needs & {*PIECE})
        if wanted and touch.content is None:
            problem = f"{self._shown(wanted[0])} is of a piece of content; the touch has no content"
            raise InvalidRecord(path, problem)

    def _needs(self, text: Text) -> frozenset[str]:
        """Return the names that a text cannot do without, each tried by itself.

        The blank name is among them when there is a hole, or nothing, with everything known: it is
        for those alone of whom something is not. Raises `InvalidRecord` for another fault.
        """
        needs = set()
        for without in ("", *text.uses):
            known = {name: value for name, value in SAMPLES.items() if name != without}
            try:
                filled = _sound(text.fill(known, self.most))
            except Hole:
                filled = ""
            if not filled.strip():  # either way the next body is tried
                needs.add(without)
        return frozenset(needs)

    def _linted(self, path: str, source: str) -> Letter:
        text = self._text(source)
        needs = self._needs(text)
        # Who gets a text with a blank need cannot be told by names, so all of them stand in.
        return Letter(path=path, uses=text.uses, needs=text.uses if "" in needs else needs)


_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""But for tabs and line breaks."""


def _sound(text: str) -> str:
    """Return it, or raise `InvalidRecord` for what no message may hold."""
    if _CONTROLS.search(text):
        raise InvalidRecord("", "expected text without control characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidRecord("", "expected text that UTF-8 can hold (a lone surrogate)") from None
    return text


def too_long(most: int) -> str:
    """Say what is wrong with a text that is longer than it may be."""
    return f"is longer than {most:,} characters"


def _paragraphs(text: str, piece: Piece | None) -> tuple[str, ...]:
    """Return the paragraphs, escaped, with a link where the mark stands.

    A title on the line above its address becomes one with it.
    """
    marked = escape(text.strip())
    if piece is not None and piece.url is not None:
        anchor = link(piece.url, piece.title)
        marked = marked.replace(f"{escape(piece.title)}\n{_MARK}", anchor).replace(_MARK, anchor)
    return tuple(part.replace("\n", "<br>\n") for part in re.split(r"\n\s*\n", marked))
