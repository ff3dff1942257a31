"""Jinja texts: what they can do, and that a hostile one can do nothing."""

import sys
import time
import tracemalloc
from datetime import UTC, datetime
from html.parser import HTMLParser

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

pytest.importorskip("jinja2")

from crmkit.cadence import Cadence, ContentChoice, Piece, Touch, Variant
from crmkit.errors import InvalidRecord, MissingExtra, RenderError, UnknownName
from crmkit.lifecycle import TemplateRenderer
from crmkit.model import Candidate, Relationship
from crmkit.protocols import ChecksCadences, Renderer
from crmkit.templates import JinjaRenderer

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
PIECE = Piece(id="p", title="Scaling up", url="https://example.org/p?a&b", topics=["go", "ml"])
KNOWN = {"name": "Ada Byron", "company": "Engines", "title": "Countess", "skills": ["go", "ml"]}


def touch(*bodies, subject="Hello", **options):
    return Touch(key="t", week=0, purpose="p", level=4, subject=subject, bodies=bodies, **options)


def write(*bodies, renderer=None, piece=None, subject="Hello", **known):
    renderer = renderer or JinjaRenderer(organization="Works", signature="Sam")
    someone = Relationship(Candidate(id="ada", **known))
    return renderer.render(touch(*bodies, subject=subject), someone, now=NOW, piece=piece)


def first(*bodies, **options):
    return write(*bodies, **options).body.partition("\n\n--\n")[0]


def cadence(*bodies, **options):
    return Cadence(name="c", touches=[touch(*bodies, **options)])


class TestJinjaRenderer:
    def test_it_is_a_renderer_that_checks(self):
        """By both protocols, as the type checker says, too."""
        renderer: Renderer = JinjaRenderer()
        checks: ChecksCadences = JinjaRenderer()
        assert (renderer, None) == (checks, checks.check(cadence("{{ greeting }}")))

    def test_it_knows_the_values_of_the_other(self):
        """The same person gives the same words in both sorts of template."""
        names = ["greeting", "first_name", "company", "title", "topic", "organization"]
        names += ["signature", "piece_title", "piece_url"]
        strict = TemplateRenderer(organization="Works", signature="Sam").render(
            touch(" ".join(f"${name}" for name in names)),
            Relationship(Candidate(id="ada", **KNOWN)),
            now=NOW,
            piece=PIECE,
        )
        jinja = write(" ".join(f"{{{{ {name} }}}}" for name in names), piece=PIECE, **KNOWN)
        assert strict == jinja

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("{{ company | upper }}", "ENGINES"),
            ("{{ topics | join(', ') }}", "go, ml"),
            ("{{ topics | first }} {{ topics | last }} {{ topics | length }}", "go ml 2"),
            ("{{ title | lower | capitalize | trim | title }}", "Countess"),
            ("{% for each in topics %}{{ loop.index }} {{ each }} {% endfor %}", "1 go 2 ml "),
            ("{% if 'ml' in topics and not company == 'x' %}yes{% endif %}", "yes"),
            ("{{ piece_url | default('nothing') }}", "nothing"),
            ("{{ 'here' if company is defined else 'there' }}", "here"),
            ("{# why #}{% raw %}{{ x }}{% endraw %} $company", "{{ x }} $company"),
            ("{% if 1 %}\na\n{% endif %}\nb", "a\nb"),
        ],
    )
    def test_what_a_text_can_do(self, text, expected):
        """Values, conditions, one loop and a few filters; a dollar sign is one."""
        assert first(text, **KNOWN) == expected

    def test_the_first_body_without_a_hole_is_used(self):
        """Also when the hole is behind a condition; nothing goes out blank."""
        texts = [
            "{% if title is defined %}{{ company }}{% endif %}",
            "{{ topics | join }}",
            "plain",
        ]
        assert [
            first(*texts, **known)
            for known in ({"title": "T", "company": "C"}, {"title": "T"}, {"skills": ["go"]}, {})
        ] == ["C", "plain", "go", "plain"]

    def test_a_hole_never_goes_out(self):
        """The error names the text and what it lacks."""
        with pytest.raises(RenderError) as caught:
            write("{{ company }}", "{{ title }} at {{ company }}", title="Canary")
        assert (caught.value.path, caught.value.missing) == ("t.bodies[1]", ("company",))
        with pytest.raises(RenderError) as caught:
            write("plain", subject="{{ company }}")
        assert (caught.value.path, caught.value.missing) == ("t.subject", ("company",))
        with pytest.raises(RenderError, match=r"t.bodies\[0\] needs a value"):
            write("{{ '' | first }}")

    def test_topics_are_twenty_at_most(self):
        """And unknown when there are none."""
        assert first("{{ topics | length }}", skills=map(str, range(50))) == "20"
        assert first("{{ topics | default('none') }}") == "none"
        assert first("{{ topics | join(' ') }}", piece=PIECE, skills=["art", "ml"]) == "ml"

    @pytest.mark.parametrize("text", ["{{ topics }}", "{{ 1 == 1 }}", "{{ none }}"])
    def test_only_text_goes_out(self, text):
        """Neither a list with its brackets nor a truth."""
        with pytest.raises(RenderError, match="expected text to put in"):
            write(text, **KNOWN)

    @pytest.mark.parametrize("text", ["{{ company < 3 }}", "{{ 3 | first }}", "{{ 1 | length }}"])
    def test_what_does_not_fit_together(self, text):
        """Without a word of what was known of the person, at the check and at the render."""
        with pytest.raises(RenderError) as caught:
            write(text, company="Canary")
        assert str(caught.value) == "t.bodies[0]: cannot be filled: TypeError in the template"
        with pytest.raises(InvalidRecord, match=r"touches\[0\].bodies\[0\]: cannot be filled"):
            JinjaRenderer().check(cadence(text))

    def test_without_jinja(self, monkeypatch):
        """The error is the command that installs it, and comes at once."""
        monkeypatch.setitem(sys.modules, "jinja2", None)
        from crmkit import templates

        templates._environment.cache_clear()
        with pytest.raises(MissingExtra, match=r"pip install 'crmkit\[templates\]'"):
            JinjaRenderer()


class TestCheck:
    def test_a_name_that_nobody_knows(self):
        """With the path, also in a variant; the near one is suggested."""
        faulty = cadence("x", variants=[Variant(name="v", bodies=["x", "{{ compny }}"])])
        with pytest.raises(UnknownName) as caught:
            JinjaRenderer().check(faulty)
        assert str(caught.value) == (
            "touches[0].variants[0].bodies[1]: 'compny' is not a value of a text; "
            "did you mean 'company'?"
        )

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("a\n{{ }}", "line 2: Expected an expression"),
            ("{% if company %}", "line 1: Unexpected end of template"),
            ("{{ company", "line 1: unexpected end of template"),
            ("{% nonsense %}", "line 1: Encountered unknown tag 'nonsense'"),
            ("a\n\n{{ 1 + 1 }}", "line 3: Add is not allowed"),
        ],
    )
    def test_a_broken_template(self, text, problem):
        """With the line."""
        with pytest.raises(InvalidRecord, match=problem) as caught:
            JinjaRenderer().check(cadence("plain", text))
        assert caught.value.path == "touches[0].bodies[1]"

    def test_a_fault_for_some_people_only(self):
        """It is found even if it shows only where something is unknown."""
        with pytest.raises(InvalidRecord, match=r"bodies\[1\]: cannot be filled: TypeError"):
            JinjaRenderer().check(
                cadence("x", "{% if company is undefined %}{{ 3 | first }}{% endif %}x")
            )

    def test_a_text_for_those_of_whom_little_is_known(self):
        """With everything known it has a hole, which the next body fills."""
        text = "{{ 'Where do you work?' if company is undefined }}"
        assert JinjaRenderer().check(cadence(text, "plain")) is None
        assert JinjaRenderer().lint(cadence(text, "plain")) == ()
        assert [first(text, "plain"), first(text, "plain", company="C")] == [
            "Where do you work?",
            "plain",
        ]

    def test_a_piece_that_is_never_there(self):
        """Needed, it is a fault; asked for with a condition, it is not."""
        with pytest.raises(InvalidRecord, match="piece_url is of a piece of content"):
            JinjaRenderer().check(cadence("{{ piece_url }}"))
        guarded = "{% if piece_url is defined %}{{ piece_url }}{% endif %} plain"
        assert JinjaRenderer().check(cadence(guarded)) is None
        assert JinjaRenderer().check(cadence("{{ piece_url }}", content=ContentChoice())) is None

    def test_lint(self):
        """What is asked for with a condition is used, and not needed."""
        guarded = "{% if company is defined %}{{ company }}{% else %}How are you?{% endif %}"
        renderer = JinjaRenderer()
        assert renderer.lint(cadence(guarded)) == ()
        found = renderer.lint(cadence(guarded, "{{ company }}", "plain"))
        assert [(each.rule, each.path) for each in found] == [
            ("never used", "touches[0].bodies[1]"),
            ("never used", "touches[0].bodies[2]"),
        ]
        assert [each.rule for each in renderer.lint(cadence("{{ greeting }}"))] == ["same for all"]
        assert [each.rule for each in renderer.lint(cadence("{{ company }}"))] == ["not for all"]


ESCAPES = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ''['__class__'] }}",
    "{{ company|attr('__class__') }}",
    "{{ self.__init__.__globals__ }}",
    "{{ self }}",
    "{{ self|length }}",
    "{{ company.__class__ }}",
    "{{ company.upper() }}",
    "{{ company.format }}",
    "{{ '{0.__class__}'.format(company) }}",
    "{{ '{0.__class__}'|format(company) }}",
    "{{ '%s'|format(company) }}",
    "{{ '{a.__class__}'.format_map({'a': company}) }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ joiner.__init__.__globals__ }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ lipsum.__globals__['os'] }}",
    "{{ lipsum(n=100000) }}",
    "{{ dict(a=1) }}",
    "{{ range(10**9)|join }}",
    "{% for x in range(1000000) %}x{% endfor %}",
    "{% import 'os' as os %}",
    "{% from 'os' import path %}",
    "{% include '/etc/passwd' %}",
    "{% extends 'base' %}",
    "{% block b %}{% endblock %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% call company() %}{% endcall %}",
    "{% filter upper %}x{% endfilter %}",
    "{% set x = company %}{{ x }}",
    "{% set x %}a{% endset %}",
    "{% with x = company %}{{ x }}{% endwith %}",
    "{% autoescape false %}{{ company }}{% endautoescape %}",
    "{% for x in topics recursive %}{{ loop(topics) }}{% endfor %}",
    "{% for x in topics %}{% for y in topics %}x{% endfor %}{% endfor %}",
    "{% for x in company %}x{% endfor %}",
    "{% for x in topics|map('upper') %}x{% endfor %}",
    "{% for x, y in topics %}x{% endfor %}",
    "{% for x in topics %}{{ loop.previtem }}{% endfor %}",
    "{% for x in topics %}{{ loop._iterable }}{% endfor %}",
    "{% for x in topics %}{{ loop.cycle('a', 'b') }}{% endfor %}",
    "{% for x in topics %}{{ loop }}{% endfor %}",
    "{% for x in topics %}{{ x.__class__ }}{% endfor %}",
    "{{ topics|map('upper')|join }}",
    "{{ topics|join(attribute='__class__') }}",
    "{{ topics|join('', 'upper') }}",
    "{{ topics|join(*topics) }}",
    "{{ company|default(**topics) }}",
    "{{ company|safe }}",
    "{{ company|xmlattr }}",
    "{{ company|pprint }}",
    "{{ company|tojson }}",
    "{{ company is callable }}",
    "{{ company is defined(1) }}",
    "{{ company is even }}",
    "{{ '%999999999d' % 1 }}",
    "{{ 'a' * 10**9 }}",
    "{{ 9**9**9**9 }}",
    "{{ company ~ company }}",
    "{{ company + company }}",
    "{{ -1 }}",
    "{{ company[0:1] }}",
    "{{ [company] }}",
    "{{ {'a': company} }}",
    "{{ (company, company) }}",
    "{{ company|center(10**9) }}",
    "{{ company|center(1000000000) }}",
    "{{ company|replace('a', 'aaaaaaaaaa')|replace('a', 'aaaaaaaaaa') }}",
    "{{ company|indent(1000000000) }}",
    "{{ company|wordwrap(1) }}",
    "{{ 'aaaa'|join('aaaa'|join('aaaa')) }}",
    "{{ company|join(company) }}",
    "{{ topics|join(title) }}",
    "{{ topics|join(1) }}",
    "{{ topics|join('%s') }}" % ("x" * 21),
    "{{ 1e999 }}",
    "{{ %s }}" % ("9" * 5000),
    "{{ %s }}" % ("(" * 5000 + "1" + ")" * 5000),
    "{{ %scompany }}" % ("not " * 4000),
    "{{ company%s }}" % ("|upper" * 2000),
    "{{ company%s }}" % (" and company" * 1500),
    "{% if company %}" * 600 + "{% endif %}" * 600,
    "{{ '\\ud800' }}",
    "{{ '\\x00' }}",
    "{{ '\\x1b[31m' }}",
    "{{ debug }}{% debug %}",
    "{{ caller }}",
    "{{ config }}",
    "{{ request.application.__globals__ }}",
    "x" * 20_001,
]


@pytest.mark.parametrize("text", ESCAPES, ids=lambda text: text[:40])
def test_no_way_out_of_the_sandbox(text):
    """Found at the check, with the path, and refused at the render; nothing of it goes out."""
    with pytest.raises(InvalidRecord) as found:
        JinjaRenderer().check(cadence("plain", text))
    assert found.value.path == "touches[0].bodies[1]"
    with pytest.raises(RenderError) as refused:
        write(text, **KNOWN)
    assert refused.value.path == "t.bodies[0]"
    assert "Engines" not in str(refused.value)


def test_a_long_one_ends_early():
    """It stops at the limit, and never holds much more than that."""
    loop = "{% for each in topics %}" + "{{ piece_title }}" * 1000 + "{% endfor %}"
    piece = attrs.evolve(PIECE, title="x" * 9_999, topics=map(str, range(20)))
    renderer = JinjaRenderer(most=10_000)
    known = {"skills": map(str, range(20)), "piece": piece}
    write("short", renderer=renderer)
    started = time.monotonic()
    tracemalloc.start()
    try:
        with pytest.raises(RenderError) as caught:
            write(loop, renderer=renderer, **known)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert str(caught.value) == "t.bodies[0]: is longer than 10,000 characters"
    assert peak < 20_000_000
    assert time.monotonic() - started < 10


WORDS = (
    "{{ }} {% %} {# #} for in if elif else endif endfor topics topic company each loop . index "
    "first last | upper join default length ( ) ' , 1 1e9 ~ is defined not and or == < [ ] - "
    "recursive raw endraw set = macro call import include block extends filter self __class__ "
    "* ** % 'b' '\\x00' none true *a **a \n"
)


@given(st.lists(st.sampled_from(WORDS.split(" ")), max_size=20), st.booleans())
def test_any_text_ends_in_a_typed_error_or_in_text(tokens, wrapped):
    """Whatever is put together from the words of templates."""
    text = " ".join(tokens)
    text = f"{{{{ {text} }}}}" if wrapped else text
    try:
        JinjaRenderer().check(cadence(text))
        found = write(text, "plain", renderer=JinjaRenderer(html=True, most=2000), **KNOWN)
    except (InvalidRecord, RenderError):
        return
    assert len(found.body) <= 2000


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, tuple(attrs)))

    def handle_endtag(self, tag):
        self.found.append(tag)


def tags(html):
    reader = Tags()
    reader.feed(html)
    reader.close()
    return reader.found


OWN = (
    '<html lang="{{ language }}"><title>{{ subject }}</title><body>'
    "{% for each in paragraphs %}<div>{{ each }}</div>{% endfor %}"
    "<footer>{{ small_print | join(' ') }}</footer></body></html>"
)


class TestPages:
    def test_the_page_of_the_other(self):
        """The same words make the same page in both sorts of template."""
        strict = TemplateRenderer(html=True).render(
            touch("$greeting\n\n$piece_title\n$piece_url", subject="$company"),
            Relationship(Candidate(id="ada", **KNOWN)),
            now=NOW,
            piece=PIECE,
        )
        jinja = write(
            "{{ greeting }}\n\n{{ piece_title }}\n{{ piece_url }}",
            renderer=JinjaRenderer(html=True),
            piece=PIECE,
            subject="{{ company }}",
            **KNOWN,
        )
        assert strict == jinja

    def test_a_page_of_one_s_own(self):
        """It gets the parts, with their links, and escapes the subject."""
        renderer = JinjaRenderer(html=True, page=OWN, language="de")
        html = write(
            "A <b>\n\n{{ piece_url }}", renderer=renderer, piece=PIECE, subject="1 < 2"
        ).html
        assert html.startswith(
            '<html lang="de"><title>1 &lt; 2</title><body><div>A &lt;b&gt;</div>'
            '<div><a href="https://example.org/p?a&amp;b">Scaling up</a></div><footer>You hear'
        )

    def test_a_page_that_cannot_be(self):
        """It is found when the renderer is made."""
        with pytest.raises(UnknownName, match="page: 'company' is not a value of a page"):
            JinjaRenderer(html=True, page="{{ company }}")
        with pytest.raises(InvalidRecord, match="page: line 1: Call is not allowed"):
            JinjaRenderer(html=True, page="{{ subject() }}")
        with pytest.raises(InvalidRecord, match="page: a page goes with html=True"):
            JinjaRenderer(page=OWN)

    @pytest.mark.parametrize("page", ["{{ paragraphs }}", "{{ subject < 1 }}", "{{ ''|first }}"])
    def test_a_page_that_goes_wrong(self, page):
        """With the path of the page, not of the text."""
        with pytest.raises(RenderError) as caught:
            write("x", renderer=JinjaRenderer(html=True, page=page))
        assert caught.value.path == "page"

    @pytest.mark.parametrize("page", [None, OWN], ids=["the page", "own page"])
    @given(
        st.lists(
            st.sampled_from(["<b>", "</p>", "&lt;", '"', "'", "{{ self }}", "$x", "javascript:x"])
            | st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=20),
            min_size=4,
            max_size=4,
        )
    )
    @example(["</title><script>"] * 4)
    def test_no_value_changes_the_page(self, page, values):
        """Whatever stands in a name or a piece, and whatever filter is put on it."""
        name, company, topic, title = (f"a{value}" for value in values)
        text = (
            "{{ greeting }} {{ company|upper }} {{ company|first }} {{ company|last }}\n\n"
            "{% for each in topics %}{{ each|title }}{% endfor %} {{ topics|join('<i>') }}\n\n"
            "{{ piece_title|trim }}\n{{ piece_url }} {{ piece_url|last|default('x') }}"
        )
        renderer = JinjaRenderer(html=True, page=page)
        piece = attrs.evolve(PIECE, title=title, topics=[topic])
        known = {"name": name, "company": company, "skills": [topic]}
        hostile = write(text, renderer=renderer, piece=piece, subject="{{ company }}", **known)
        piece = attrs.evolve(PIECE, title="a", topics=["a"])
        known = {"name": "a", "company": "a", "skills": ["a"]}
        plain = write(text, renderer=renderer, piece=piece, subject="{{ company }}", **known)
        assert tags(plain.html) == tags(hostile.html)
