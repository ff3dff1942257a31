"""Render: thin data falls back to a plainer text, and a hole never goes out."""

from datetime import UTC, datetime

import pytest

from crmkit.cadence import SEVEN_TOUCH, Touch
from crmkit.errors import RenderError
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
