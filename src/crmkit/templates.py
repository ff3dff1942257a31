"""Texts as Jinja templates, in a sandbox; needs ``pip install 'crmkit[templates]'``."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import attrs

from crmkit.cadence import Piece
from crmkit.errors import InvalidRecord, MissingExtra, UnknownName
from crmkit.lifecycle._letter import Letters, too_long
from crmkit.lifecycle._page import Page
from crmkit.lifecycle._values import NAMES, Hole, Value, topics_of
from crmkit.model import Candidate
from crmkit.model import _fields as fields

if TYPE_CHECKING:
    from jinja2 import Environment, Template, nodes

__all__ = ["JinjaRenderer"]

LONGEST = 20_000
"""The most characters of one template."""

DEEPEST = 32
"""How deep tags and expressions may nest."""

_TOPICS = 20
"""How many topics a loop sees: nobody wants to read of more."""

_NODES = {"Template", "Output", "TemplateData", "Name", "Const", "If", "For", "CondExpr"}
_NODES |= {"Compare", "Operand", "And", "Or", "Not", "Filter", "Test", "Getattr"}
"""What a template may be made of. No call, no assignment, no arithmetic, no import, no block."""

_FILTERS = {
    "capitalize": 0,
    "default": 2,
    "first": 0,
    "join": 1,
    "last": 0,
    "length": 0,
    "lower": 0,
    "title": 0,
    "trim": 0,
    "upper": 0,
}
"""The filters, each with how many arguments it takes; none makes a long text of a short one."""

_TESTS = frozenset({"defined", "undefined"})
_LOOP = frozenset({"first", "index", "index0", "last", "length"})
_PAGE = ("language", "paragraphs", "small_print", "subject")
_LISTS = frozenset({"topics", "paragraphs", "small_print"})


def _page_source(value: object) -> str | None:
    source = fields.optional_lines(value)
    if source is not None:
        unknown = sorted(_compiled(source, html=True).uses - {*_PAGE})
        if unknown:
            raise UnknownName.among("", unknown[0], _PAGE, what="a value of a page")
    return source


@attrs.frozen(kw_only=True, field_transformer=fields.paths)
class JinjaRenderer(Letters):
    """Fills texts that are Jinja templates, with the values of `TemplateRenderer`.

    Names are written without the dollar sign: ``{{ greeting }}``. There is one more, ``topics``:
    all of which ``topic`` is the first, up to twenty. An unknown value is a hole, and the next
    body is tried; ``{% if company is defined %}`` and ``{{ topic | default("your work") }}``
    do without.

    A template has values, ``if``, one level of ``for`` over ``topics`` (with ``loop.index``,
    ``index0``, ``first``, ``last`` and ``length``), comparisons, ``and or not``, and the filters
    ``capitalize default first join last length lower title trim upper``. Everything else is
    refused when the cadence is checked: calls, attributes, assignments, arithmetic, macros,
    imports. So a template from somebody else can read nothing but these values, and ends.

    With ``html=True`` the page is that of `TemplateRenderer`, or your own: a template ``page``
    with the values ``language``, ``subject``, ``paragraphs`` and ``small_print`` (lists of lines,
    escaped, with their links). Raises `MissingExtra` where Jinja2 is not installed.

    >>> from datetime import UTC, datetime
    >>> from crmkit.cadence import Touch
    >>> from crmkit.model import Relationship
    >>> hello = Touch(key="hello", week=0, purpose="welcome", level=2, subject="Hello", bodies=[
    ...     "{{ greeting }} How is {{ topics | join(' and ') }} going?", "{{ greeting }}"])
    >>> ada = Relationship(Candidate(id="ada", name="Ada Byron", skills=["go", "ml"]))
    >>> text = JinjaRenderer().render(hello, ada, now=datetime(2026, 3, 2, tzinfo=UTC))
    >>> text.body.splitlines()[0]
    'Hello Ada, How is go and ml going?'
    """

    page: str | None = attrs.field(default=None, converter=_page_source)

    def __attrs_post_init__(self) -> None:
        _environment(html=False)  # raises now, rather than when something is due
        if self.page is not None and not self.html:
            raise InvalidRecord("page", "a page goes with html=True")

    def _text(self, source: str) -> "_Sandboxed":
        return _compiled(source, html=False)

    def _values(self, candidate: Candidate, piece: Piece | None) -> dict[str, Value]:
        values = super()._values(candidate, piece)
        topics = topics_of(candidate, piece)[:_TOPICS]
        return {**values, "topics": topics} if topics else values

    def _names(self) -> tuple[str, ...]:
        return (*NAMES, "topics")

    def _page(self, page: Page) -> str:
        if self.page is None:
            return super()._page(page)
        from markupsafe import Markup

        values: dict[str, Value] = {
            "language": page.language,
            "subject": page.subject,
            # Escaped, all of it, when the parts were made.
            "paragraphs": tuple(Markup(part) for part in page.paragraphs),  # noqa: S704
            "small_print": tuple(Markup(line) for line in page.small_print),  # noqa: S704
        }
        return _compiled(self.page, html=True).fill(values, self.most)


@attrs.frozen
class _Sandboxed:
    """A template that was found harmless."""

    template: "Template"
    uses: frozenset[str]

    def fill(self, values: Mapping[str, Value], most: int) -> str:
        """Return the text; stop as soon as it is too long."""
        from jinja2 import TemplateError, UndefinedError

        parts, length = [], 0
        try:
            for part in self.template.generate(values):
                length += len(part)
                if length > most:
                    raise InvalidRecord("", too_long(most))
                parts.append(part)
        except UndefinedError:
            raise Hole(sorted(self.uses - values.keys()) or ["a value"]) from None
        except (TemplateError, TypeError) as error:
            # What they say may quote a value.
            problem = f"cannot be filled: {type(error).__name__} in the template"
            raise InvalidRecord("", problem) from None
        return "".join(parts)


@lru_cache(maxsize=512)
def _compiled(source: str, *, html: bool) -> _Sandboxed:
    """Return the template, or raise `InvalidRecord`."""
    environment = _environment(html=html)
    from jinja2 import TemplateSyntaxError, meta

    if len(source) > LONGEST:
        raise InvalidRecord("", f"is a template longer than {LONGEST:,} characters")
    try:
        tree = environment.parse(source)
        _check(tree)
        # Its names after its shape: the search for them goes as deep as the tree does.
        uses = frozenset(meta.find_undeclared_variables(tree))
        return _Sandboxed(environment.from_string(tree), uses)
    except TemplateSyntaxError as error:
        raise InvalidRecord("", f"line {error.lineno}: {error.message}") from None
    except RecursionError:
        raise InvalidRecord("", f"nests deeper than {DEEPEST} levels") from None
    except InvalidRecord:
        raise
    except ValueError:  # a number of more digits than Python reads
        raise InvalidRecord("", "expected a valid template") from None


@lru_cache(maxsize=2)
def _environment(*, html: bool) -> "Environment":
    try:
        from jinja2 import StrictUndefined
        from jinja2.sandbox import ImmutableSandboxedEnvironment
    except ImportError:
        raise MissingExtra("templates", "JinjaRenderer") from None
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        autoescape=html,
        finalize=_plain,
        trim_blocks=True,
        lstrip_blocks=True,
        cache_size=0,
    )
    environment.globals.clear()
    environment.filters = {name: environment.filters[name] for name in _FILTERS}
    environment.tests = {name: environment.tests[name] for name in _TESTS}
    return environment


def _plain(value: Any) -> Any:
    """Let text and numbers out; a list would show its brackets."""
    from jinja2 import Undefined

    if isinstance(value, str | int | Undefined) and not isinstance(value, bool):
        return value
    raise InvalidRecord("", f"expected text to put in, got {type(value).__name__}")


def _check(tree: "nodes.Template") -> None:
    """Raise `InvalidRecord` for a template that does more than fill in values."""
    waiting: list[tuple[nodes.Node, int, int]] = [(tree, 0, 0)]
    while waiting:
        node, depth, loops = waiting.pop()
        problem = f"nests deeper than {DEEPEST} levels" if depth > DEEPEST else None
        loops += type(node).__name__ == "For"
        problem = problem or _problem(node, loops)
        if problem:
            where = f"line {node.lineno}: " if node.lineno else ""  # some have none
            raise InvalidRecord("", where + problem)
        waiting += [(child, depth + 1, loops) for child in node.iter_child_nodes()]


def _problem(node: Any, loops: int) -> str | None:
    kind = type(node).__name__
    if kind not in _NODES:
        return f"{kind} is not allowed in a template"
    if _is_name(node, {"self"}):
        return "self, the template, is not allowed in it"
    if kind == "Const" and isinstance(node.value, float):
        return "expected a whole number"  # 1e999 would be compiled to a name, inf
    if kind == "Getattr" and not (_is_name(node.node, {"loop"}) and node.attr in _LOOP):
        return f"no attribute but {', '.join(f'loop.{name}' for name in sorted(_LOOP))} is allowed"
    if kind == "For":
        if loops > 1 or node.recursive:
            return "a loop in a loop is not allowed"
        if not (_is_name(node.iter, _LISTS) and _is_name(node.target)):
            return "a loop goes over topics, such as {% for each in topics %}"
    if kind == "Filter":
        return _filter_problem(node)
    if kind == "Test" and (node.name not in _TESTS or [*_arguments(node)]):
        return f"no test but {', '.join(sorted(_TESTS))} is allowed"
    return None


def _filter_problem(node: Any) -> str | None:
    if node.name not in _FILTERS:
        return f"no filter but {', '.join(_FILTERS)} is allowed"
    arguments = [*_arguments(node)]
    if len(arguments) > _FILTERS[node.name] or len(arguments) > len(node.args):
        return f"the filter {node.name} has too many arguments"
    if node.name == "join":
        # Else joins of joins make a text of any length from a short one.
        if not _is_name(node.node):
            return "join takes a value such as topics, by its name"
        if not all(isinstance(getattr(each, "value", None), str) for each in arguments):
            return "join takes a text to put between"
        if any(len(each.value) > 20 for each in arguments):
            return "join takes at most 20 characters to put between"
    return None


def _arguments(node: Any) -> Iterator[Any]:
    yield from node.args
    yield from node.kwargs
    yield from (each for each in (node.dyn_args, node.dyn_kwargs) if each is not None)


def _is_name(node: Any, among: frozenset[str] | set[str] | None = None) -> bool:
    return type(node).__name__ == "Name" and (among is None or node.name in among)
