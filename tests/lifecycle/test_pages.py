"""Messages as pages: no value changes the tags, the links, the header or the template."""

from datetime import UTC, datetime
from html import unescape
from html.parser import HTMLParser

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crmkit.cadence import SEVEN_TOUCH, Piece, Touch
from crmkit.errors import InvalidRecord, RenderError
from crmkit.lifecycle import TemplateRenderer
from crmkit.model import Candidate, Relationship

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
STOP = "https://example.org/stop?t=1&u=2"
VALUE = SEVEN_TOUCH.touch("value")
PIECE = Piece(
    id="p", title="Scaling up", url="https://example.org/p?a=1&b=2", topics=["go"], summary="Short."
)
RENDERER = TemplateRenderer(html=True, postal_address="1 Street\nTown")
PAYLOADS = [
    "<script>alert(1)</script>",
    "</p></body></html><h1>x",
    "<a href='javascript:alert(1)'>x</a>",
    "javascript:alert(1)",
    "data:text/html,<b>x",
    '" onmouseover="alert(1)',
    "&lt;b&gt; &#60;i&#62;",
    "$company ${piece_url} $$ $",
    "{{ company }} {% raw %}",
    "https://example.org/p?a=1&b=2",
    "one click stops it: ",
    "]]><!--",
]


class Reader(HTMLParser):
    """Keeps the tags, in order and with their attributes, and the text."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tags, self.texts, self.others = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, tuple(attrs)))

    def handle_endtag(self, tag):
        self.tags.append(f"/{tag}")

    def handle_data(self, data):
        self.texts.append(data)

    def handle_comment(self, data):
        self.others.append(data)

    def handle_decl(self, decl):
        self.others.append(decl)

    def handle_pi(self, data):
        self.others.append(data)

    def unknown_decl(self, data):
        self.others.append(data)


def read(html):
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader


def write(what=VALUE, renderer=RENDERER, piece=PIECE, **known):
    someone = Relationship(Candidate(id="ada", **known))
    return renderer.render(what, someone, now=NOW, piece=piece, unsubscribe=STOP)


def touch(*bodies, subject="Hello"):
    return Touch(key="t", week=0, purpose="p", level=2, subject=subject, bodies=bodies)


def test_the_page_says_what_the_text_says():
    """Few tags: a language, a title, paragraphs, links, and the small print below a rule."""
    reader = read(write(name="Ada Byron", skills=["go"]).html)
    assert [tag if isinstance(tag, str) else tag[0] for tag in reader.tags] == [
        *("html", "head", "meta", "meta", "title", "/title", "/head", "body"),
        *("p", "/p", "p", "/p", "p", "a", "/a", "/p", "p", "/p", "p", "/p", "p", "/p"),
        *("hr", "p", "small", "br", "a", "/a", "br", "br", "br", "/small", "/p", "/body", "/html"),
    ]
    assert ("html", (("lang", "en"),)) == reader.tags[0]
    assert ("meta", (("charset", "utf-8"),)) == reader.tags[2]
    assert [text for text in map(str.strip, reader.texts) if text] == [
        "Something you may find useful",
        "Hello Ada,",
        "This is about go, so I thought of you:",
        "Scaling up",
        "Short.",
        "If you see it differently, I would like to hear how.",
        "The talent team",
        "You hear from us because we are in touch about working together one day.",
        "If you would rather not,",
        "one click stops it",
        ".",
        "Or reply with 'stop' and we will not write again.",
        "1 Street",
        "Town",
    ]
    assert [PIECE.url, STOP] == [
        dict(tag[1])["href"] for tag in reader.tags if isinstance(tag, tuple) and tag[0] == "a"
    ]


def test_without_a_page_there_is_none():
    """Text alone is the default."""
    assert write(renderer=TemplateRenderer()).html is None


def test_a_link_without_its_title_above():
    """The link is called by the title of the piece wherever the address stands."""
    page = write(touch("See $piece_url now.")).html
    assert '<p>See <a href="https://example.org/p?a=1&amp;b=2">Scaling up</a> now.</p>' in page


def test_the_language_of_the_page():
    """It is that of the texts, which only the host knows; nothing else gets in there."""
    assert (
        '<html lang="pt-BR">' in write(renderer=TemplateRenderer(html=True, language="pt-BR")).html
    )
    with pytest.raises(InvalidRecord, match="language: expected a BCP 47 tag"):
        TemplateRenderer(language='en" onload="x')


payloads = st.sampled_from(PAYLOADS) | st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=40
)


@given(payloads, payloads, payloads, payloads, payloads)
@example(*["<b>"] * 5)
def test_no_value_changes_the_page(name, company, topic, title, summary):
    """Whatever stands in a name or a piece, the tags and links are those of the text."""
    text = touch(
        "$greeting\n\n$first_name $company $title $topic\n\n$piece_title\n$piece_url\n\n"
        "$piece_summary $piece_url\n\n$organization\n$signature",
        subject="$company $piece_title",
    )
    known = {"name": f"A{name}", "company": f"A{company}", "title": f"A{title}"}
    topic = f"A{topic}"
    piece = attrs.evolve(PIECE, title=f"A{title}", summary=f"A{summary}", topics=[topic])
    hostile = write(text, piece=piece, skills=[topic], **known)
    plain = write(
        text,
        piece=attrs.evolve(PIECE, topics=["a"]),
        name="A",
        company="A",
        title="A",
        skills=["a"],
    )
    found, wanted = read(hostile.html), read(plain.html)
    assert wanted.tags == found.tags
    assert wanted.others == found.others
    assert hostile.subject == f"{known['company'].strip()} {piece.title}"
    assert piece.summary in unescape(hostile.html)
    lines = hostile.body.split("\n")
    assert len(plain.body.split("\n")) == len(lines)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_value_is_no_template(payload):
    """A placeholder in a value is text: nothing is filled in twice."""
    text = touch("$company", subject="$company")
    found = write(text, company=payload)
    assert found.subject == payload.strip()
    assert found.body.splitlines()[0] == payload.strip()


@pytest.mark.parametrize("char", ["\n", "\r", "\x00", "\x1b", "\x85", "\u2028"])
@pytest.mark.parametrize("field", ["name", "company", "title"])
def test_no_control_character_gets_into_a_record(char, field):
    """The records of crmkit refuse it at the door."""
    with pytest.raises(InvalidRecord, match=f"{field}: expected one line"):
        Candidate(id="ada", **{field: f"a{char}b"})
    with pytest.raises(InvalidRecord, match="title: expected one line"):
        Piece(id="p", title=f"a{char}b")
    with pytest.raises(InvalidRecord, match="organization: expected one line"):
        TemplateRenderer(organization=f"a{char}b")


def forged(record, **changes):
    """Return a record that went past its checks, as a host's own class might."""
    for name, value in changes.items():
        object.__setattr__(record, name, value)
    return record


@pytest.mark.parametrize("char", ["\n", "\r", "\x00", "\x1b", "\u2028"])
def test_a_control_character_in_a_value_is_refused(char):
    """Also when it comes from a record that is not ours; the error does not quote it."""
    someone = Relationship(forged(Candidate(id="ada"), company=f"Canary{char}Bcc: x"))
    with pytest.raises(RenderError) as caught:
        RENDERER.render(touch("plain"), someone, now=NOW)
    assert str(caught.value) == "t: $company holds a control character"
    piece = forged(attrs.evolve(PIECE), summary=f"a{char}b")
    with pytest.raises(RenderError, match=r"\$piece_summary holds a control character"):
        write(touch("plain"), piece=piece)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//x.org", "https://x.org/a b", "", "HTTP:x"]
)
def test_a_link_goes_to_the_web_only(url):
    """No other scheme becomes a link, neither a piece's nor that which stops it."""
    with pytest.raises(RenderError, match=r"\$piece_url: expected an http or https address"):
        write(touch("plain"), piece=forged(attrs.evolve(PIECE), url=url or "x"))
    with pytest.raises(RenderError) as caught:
        RENDERER.render(touch("x"), Relationship(Candidate(id="ada")), now=NOW, unsubscribe=url)
    assert caught.value.path == "t.unsubscribe"


def test_signature_and_address_may_have_lines():
    """They are the host's; each line is one, and nothing else is."""
    renderer = TemplateRenderer(
        html=True, signature="Sam\nThe team", postal_address="1 Street\nTown"
    )
    found = write(touch("$signature"), renderer)
    assert found.body.startswith("Sam\nThe team\n\n--\n")
    assert "<p>Sam<br>\nThe team</p>" in found.html
    with pytest.raises(InvalidRecord, match="signature: expected one line"):
        TemplateRenderer(signature="Sam\x00")
    with pytest.raises(InvalidRecord, match="postal_address: expected one line"):
        TemplateRenderer(postal_address="a\r\nb")


def test_a_subject_is_one_line():
    """A header cannot be broken by a signature of two lines."""
    renderer = TemplateRenderer(signature="Sam\nBcc: x@x.org")
    with pytest.raises(RenderError) as caught:
        write(touch("x", subject="From $signature"), renderer)
    assert caught.value.path == "t.subject"


@pytest.mark.parametrize("text", ["a\x00b", "\x1b[31m", "\x7f", "\x9b31m", "\ud800"])
def test_what_no_message_may_hold(text):
    """A control character or half a character in the text itself is refused, with the path."""
    with pytest.raises(RenderError) as caught:
        write(touch(text))
    assert caught.value.path == "t.bodies[0]"
