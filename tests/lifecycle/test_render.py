"""Render: thin data falls back to a plainer text, and a hole never goes out."""

from datetime import UTC, datetime

import attrs
import pytest

from crmkit.cadence import SEVEN_TOUCH, ContentChoice, Piece, Touch, Variant
from crmkit.errors import InvalidRecord, RenderError
from crmkit.lifecycle import TemplateRenderer
from crmkit.model import Candidate, Relationship

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def touch(*bodies, subject="Hello"):
    return Touch(key="t", week=0, purpose="p", level=2, subject=subject, bodies=bodies)


def render(what, renderer=None, **known):
    renderer = renderer or TemplateRenderer(organization="Works", signature="Sam")
    return renderer.render(what, Relationship(Candidate(id="ada", **known)), now=NOW)


class TestTemplateRenderer:
    def test_fills_what_is_known(self):
        """Every value of the profile that a text may use."""
        text = touch("$greeting $first_name $company $title $topic $organization $signature")
        known = {"name": "Ada Byron", "company": "C", "title": "T", "topics": ["ml"]}
        first = render(text, **known, skills=["go"]).body.splitlines()[0]
        assert first == "Hello Ada, Ada C T ml Works Sam"

    def test_the_first_body_without_a_hole_is_used(self):
        """A body that needs what is not known gives way to the next."""
        text = touch("at $company", "with $topic", "plain")
        found = [
            render(text, **known).body.splitlines()[0]
            for known in ({"company": "C"}, {"skills": ["Go"]}, {})
        ]
        assert found == ["at C", "with go", "plain"]

    def test_a_hole_never_goes_out(self):
        """Without a body that does, the error names the touch and what is missing."""
        with pytest.raises(RenderError) as caught:
            render(touch("at $company"), name="Canary")
        assert (caught.value.touch, caught.value.missing) == ("t", ("$company",))
        with pytest.raises(RenderError, match=r"\$title"):
            render(touch("plain", subject="For a $title"))

    @pytest.mark.parametrize("broken", ["costs 5$", "${", "$ x"])
    def test_a_broken_template_is_an_error(self, broken):
        """A single dollar sign is a mistake, in the subject as in the body."""
        for text in (touch(broken), touch("plain", subject=broken)):
            with pytest.raises(RenderError, match="valid template"):
                render(text)
        assert render(touch("costs $$5")).body.startswith("costs $5")

    def test_a_touch_without_bodies_is_an_error(self):
        """There is nothing to send."""
        with pytest.raises(RenderError, match="a body"):
            render(touch())

    def test_values_are_not_templates(self):
        """A name with a dollar sign is a name."""
        assert render(touch("$greeting"), name="$company X").body.startswith("Hello $company,")

    @pytest.mark.parametrize(
        ("name", "greeting"),
        [
            ("", "Hello,"),
            ("Ada", "Hello Ada,"),
            ("Ada King Byron", "Hello Ada,"),
            ("Byron, Ada K.", "Hello Ada,"),
            ("Byron,", "Hello Byron,"),
            (",", "Hello,"),
        ],
    )
    def test_greets_by_the_first_name(self, name, greeting):
        """Also where the family name comes first, with a comma; and nobody by a comma."""
        assert render(touch("$greeting"), name=name).body.splitlines()[0] == greeting

    def test_every_message_has_a_way_out(self):
        """The footer says how to stop, and the postal address if there is one."""
        plain = render(touch("x")).body
        assert "reply with 'stop'" in plain
        posted = TemplateRenderer(postal_address="1 Street, Town")
        assert render(touch("x"), posted).body.endswith("\n1 Street, Town")

    def test_the_seven_touches_render_for_anybody(self):
        """Of somebody of whom nothing is known no touch has a hole."""
        texts = [render(each) for each in SEVEN_TOUCH.touches]
        assert len({text.subject for text in texts}) == 7
        assert not [text for text in texts if "$" in text.subject + text.body]
        full = {"name": "Ada Byron", "company": "C", "skills": ["go"]}
        assert all("Hello Ada," in render(each, **full).body for each in SEVEN_TOUCH.touches)


class TestContent:
    """What a piece adds to the values, and what happens without one."""

    PIECE = Piece(
        id="p",
        title="Scaling up",
        url="https://example.org/p",
        topics=["go", "ml"],
        summary="What broke.",
    )

    def first(self, what, piece, **known):
        renderer = TemplateRenderer()
        someone = Relationship(Candidate(id="ada", **known))
        return renderer.render(what, someone, now=NOW, piece=piece).body.splitlines()[0]

    def test_fills_what_the_piece_has(self):
        """Its title, address and summary."""
        text = touch("$piece_title $piece_url $piece_summary", subject="$piece_title")
        assert self.first(text, self.PIECE) == "Scaling up https://example.org/p What broke."

    def test_what_the_piece_lacks_is_missing(self):
        """A body that needs it gives way to the next, as with the person's values."""
        text = touch("$piece_title: $piece_summary", "at $piece_url", "$piece_title", "plain")
        bare = Piece(id="p", title="Scaling up")
        linked = Piece(id="p", title="Scaling up", url="https://example.org/p")
        found = [self.first(text, piece) for piece in (self.PIECE, linked, bare, None)]
        assert found == [
            "Scaling up: What broke.",
            "at https://example.org/p",
            "Scaling up",
            "plain",
        ]

    def test_the_topic_is_one_that_both_share(self):
        """With a piece, the person's first topic that it is about; without one, their first."""
        text = touch("about $topic", "plain")
        known = {"topics": ["art", "ml"], "skills": ["go"]}
        assert self.first(text, self.PIECE, **known) == "about ml"
        assert self.first(text, self.PIECE, skills=["go"]) == "about go"
        assert self.first(text, self.PIECE, topics=["art"]) == "plain"
        assert self.first(text, None, **known) == "about art"

    def test_content_that_is_needed(self):
        """Without a piece the touch is refused, whatever its bodies could do without."""
        wanted = attrs.evolve(touch("plain"), content=ContentChoice(needed=True))
        with pytest.raises(RenderError) as caught:
            render(wanted)
        assert (caught.value.touch, caught.value.missing) == ("t", ("a piece of content",))
        assert self.first(wanted, self.PIECE) == "plain"
        assert render(attrs.evolve(wanted, content=ContentChoice())).subject == "Hello"

    def test_values_of_a_piece_are_not_templates(self):
        """A title with a dollar sign is a title."""
        assert self.first(touch("$piece_title"), Piece(id="p", title="$5")) == "$5"

    def test_a_variant_is_rendered_as_the_touch_that_it_makes(self):
        """The renderer is given the touch with the variant's texts in place."""
        short = touch("long").as_variant(Variant(name="short", bodies=["short"]))
        assert self.first(short, None) == "short"


class TestWhereTheFaultIs:
    """A `RenderError` leads to the text."""

    @pytest.mark.parametrize(
        ("what", "path"),
        [
            (touch("$company", "at $title"), "t.bodies[1]"),
            (touch("plain", subject="$company"), "t.subject"),
            (touch("$company", "costs 5$"), "t.bodies[1]"),
            (touch("plain", subject="${"), "t.subject"),
            (touch(), "t.bodies"),
            (touch(" \n"), "t.bodies[0]"),
            (attrs.evolve(touch("x"), content=ContentChoice(needed=True)), "t.content"),
        ],
    )
    def test_by_its_path(self, what, path):
        """The subject, one of the bodies, or the content."""
        with pytest.raises(RenderError) as caught:
            render(what)
        assert caught.value.path == path
        assert str(caught.value).startswith(path)

    def test_a_broken_text_is_not_passed_over(self):
        """It is a mistake, and nothing that is unknown of the person."""
        with pytest.raises(RenderError, match="valid template"):
            render(touch("costs 5$", "plain"))

    def test_a_blank_text_is_passed_over(self):
        """There is nothing in it to send."""
        assert render(touch("\n", "plain")).body.startswith("plain\n")


class TestLimits:
    """A message has an end."""

    def test_of_a_letter(self):
        """It counts all of it, and the longest one goes."""
        longest = len(render(touch("x" * 100)).body)
        fits = TemplateRenderer(most=longest)
        assert len(render(touch("x" * 100), fits).body) == longest
        with pytest.raises(RenderError) as caught:
            render(touch("x" * 101), fits)
        assert str(caught.value) == f"t.bodies: is longer than {longest} characters"

    def test_of_a_page(self):
        """A page is longer than its text, and has the same limit."""
        text = touch("<" * 500)
        assert render(text, TemplateRenderer(most=2000)).html is None
        with pytest.raises(RenderError, match="longer than 2,000"):
            render(text, TemplateRenderer(most=2000, html=True))

    def test_of_a_value(self):
        """One value alone can be too long."""
        with pytest.raises(RenderError, match=r"t: \$company is longer than 1,000 characters"):
            render(touch("plain"), TemplateRenderer(most=1000), company="x" * 1001)

    def test_is_above_nothing(self):
        """A limit of none would refuse everything."""
        with pytest.raises(InvalidRecord, match="most: expected a whole number from 1"):
            TemplateRenderer(most=0)


class TestTheWayOut:
    """What the footer says."""

    def footer(self, **options):
        someone = Relationship(Candidate(id="ada"))
        body = TemplateRenderer().render(touch("x"), someone, now=NOW, **options).body
        return body.partition("\n--\n")[2].splitlines()[1:]

    def test_by_a_reply(self):
        """Without an address the reply is all there is."""
        assert self.footer() == [
            "If you would rather not, reply with 'stop' and we will not write again."
        ]

    def test_by_one_click(self):
        """With one the address comes first, and a reply still does it."""
        assert self.footer(unsubscribe="https://x.org/s?a&b") == [
            "If you would rather not, one click stops it: https://x.org/s?a&b",
            "Or reply with 'stop' and we will not write again.",
        ]
