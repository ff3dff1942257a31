"""Texts before anything is due: certain faults are raised, weak spots are told."""

import pytest

from crmkit.cadence import CADENCES, Cadence, ContentChoice, Touch, Variant
from crmkit.errors import InvalidRecord, UnknownName
from crmkit.lifecycle import Finding, TemplateRenderer
from crmkit.protocols import ChecksCadences

RENDERER: ChecksCadences = TemplateRenderer()
BY_TOPIC = ContentChoice()
NEEDED = ContentChoice(needed=True)


def cadence(*bodies, subject="Hello", level=4, content=None, variants=(), before=0):
    first = [
        Touch(key=f"before-{n}", week=n, purpose="p", level=2, subject="Hi", bodies=["plain"])
        for n in range(before)
    ]
    last = Touch(
        key="t",
        week=before,
        purpose="p",
        level=level,
        subject=subject,
        bodies=bodies,
        content=content,
        variants=variants,
    )
    return Cadence(name="c", touches=[*first, last])


def rules(*bodies, **options):
    return [finding.rule for finding in TemplateRenderer().lint(cadence(*bodies, **options))]


class TestCheck:
    def test_a_sound_cadence_is_sound(self):
        """Nothing is raised, whatever may be unknown of people."""
        assert RENDERER.check(cadence("plain", "plain", subject="")) is None

    @pytest.mark.parametrize("name", CADENCES)
    def test_the_cadences_of_the_field_are_sound(self, name):
        """Each text of theirs can be rendered."""
        assert RENDERER.check(CADENCES[name]) is None

    @pytest.mark.parametrize("broken", ["costs 5$", "${", "$ x", "$1"])
    def test_a_broken_placeholder(self, broken):
        """With the path to the text: a body, a subject, and those of variants."""
        variants = [Variant(name="v", bodies=["plain"]), Variant(name="w", bodies=["x", broken])]
        for faulty, path in [
            (cadence("plain", broken, before=2), "touches[2].bodies[1]"),
            (cadence("plain", subject=broken), "touches[0].subject"),
            (cadence("plain", variants=variants), "touches[0].variants[1].bodies[1]"),
            (
                cadence("plain", variants=[Variant(name="v", subject=broken)]),
                "touches[0].variants[0].subject",
            ),
        ]:
            with pytest.raises(InvalidRecord, match="valid template") as caught:
                RENDERER.check(faulty)
            assert caught.value.path == path

    def test_a_name_that_nobody_knows(self):
        """The near one is suggested, written as in a text."""
        with pytest.raises(UnknownName) as caught:
            RENDERER.check(cadence("plain", "Dear $firstname", before=1))
        assert str(caught.value) == (
            "touches[1].bodies[1]: '$firstname' is not a value of a text; "
            "did you mean '$first_name'?"
        )

    def test_a_piece_that_is_never_there(self):
        """A touch without content has no title to tell."""
        with pytest.raises(InvalidRecord, match=r"bodies\[1\]: \$piece_url is of a piece"):
            RENDERER.check(cadence("plain", "$piece_url"))
        assert RENDERER.check(cadence("plain", "$piece_url", content=BY_TOPIC)) is None

    @pytest.mark.parametrize("blank", ["", " \n"])
    def test_a_text_with_nothing_in_it(self, blank):
        """It would always be passed over."""
        with pytest.raises(InvalidRecord, match=r"bodies\[1\]: expected text, got nothing"):
            RENDERER.check(cadence("$topic", blank, "plain"))

    def test_what_no_message_may_hold(self):
        """A control character in a text is found as well."""
        with pytest.raises(InvalidRecord, match=r"bodies\[0\]: expected text without control"):
            RENDERER.check(cadence("a\x00b"))

    def test_lint_raises_what_check_does(self):
        """A text that cannot be read cannot be judged."""
        with pytest.raises(InvalidRecord, match=r"touches\[0\].bodies\[0\]: expected a valid"):
            TemplateRenderer().lint(cadence("5$"))


class TestLint:
    @pytest.mark.parametrize("name", CADENCES)
    def test_the_cadences_of_the_field_have_no_weak_spot(self, name):
        """Level 4 is personal, every body can be reached, and everybody gets one."""
        assert TemplateRenderer().lint(CADENCES[name]) == ()

    def test_a_finding_can_be_printed(self):
        """It says where, of which touch, and what is wrong; it is a record, too."""
        (finding,) = TemplateRenderer().lint(cadence("$greeting News.", before=2))
        assert finding == Finding(
            rule="same for all",
            path="touches[2].bodies",
            touch="t",
            level=4,
            problem="goes out the same to everyone: use the topic, company, title or a piece",
        )
        assert str(finding) == f"touches[2].bodies (t, level 4): {finding.problem}"

    @pytest.mark.parametrize(
        ("texts", "options", "expected"),
        [
            (["$greeting $first_name", "plain"], {}, ["same for all"]),
            (["plain"], {"content": BY_TOPIC}, ["same for all"]),
            (["plain"], {"level": 3}, []),
            (["plain"], {"level": 5}, []),
            (["$topic", "plain"], {}, []),
            (["$company", "plain"], {}, []),
            (["$title", "plain"], {}, []),
            (["$piece_url", "plain"], {"content": BY_TOPIC}, []),
            (["plain"], {"subject": "$piece_title", "content": NEEDED}, []),
        ],
    )
    def test_value_that_is_the_same_for_all(self, texts, options, expected):
        """A name is a merge field; a topic, a job or a piece that suits is personal."""
        assert rules(*texts, **options) == expected

    @pytest.mark.parametrize(
        ("texts", "options", "expected"),
        [
            (["plain", "$topic"], {}, ["plain first"]),
            (["plain", "$topic", "$company"], {}, ["plain first"]),
            (["plain", "$topic"], {"level": 3}, ["never used"]),
            (["$piece_title", "$topic"], {"content": NEEDED}, ["never used"]),
        ],
    )
    def test_a_plain_one_first(self, texts, options, expected):
        """Said once, for what comes after it is all lost for the same reason."""
        assert rules(*texts, **options) == expected

    @pytest.mark.parametrize(
        ("texts", "options", "unreachable"),
        [
            (["$topic", "$topic $company", "plain"], {}, ["touches[0].bodies[1]"]),
            (["$topic", "$company", "$company $topic", "plain"], {}, ["touches[0].bodies[2]"]),
            (["$topic $company", "$topic", "plain"], {}, []),
            (["plain", "plain"], {"level": 2}, ["touches[0].bodies[1]"]),
            (["$piece_title", "$piece_url", "x"], {"content": BY_TOPIC}, ["touches[0].bodies[1]"]),
            (["$piece_url", "$piece_title", "x"], {"content": BY_TOPIC}, []),
        ],
    )
    def test_a_body_that_is_never_reached(self, texts, options, unreachable):
        """An earlier one needs nothing more; a piece with an address has a title, too."""
        found = TemplateRenderer().lint(cadence(*texts, **options))
        assert [each.path for each in found if each.rule == "never used"] == unreachable

    @pytest.mark.parametrize(
        ("texts", "options", "where"),
        [
            (["$topic", "$company"], {}, "touches[0].bodies"),
            (["$topic", "plain"], {"subject": "For a $title"}, "touches[0].subject"),
            ([], {"level": 2}, "touches[0].bodies"),
            (["$piece_title"], {"content": BY_TOPIC}, "touches[0].bodies"),
            (["$piece_title"], {"content": NEEDED}, None),
            (["$company"], {"level": 5}, None),
        ],
    )
    def test_a_touch_that_some_people_cannot_get(self, texts, options, where):
        """Unless a person writes it, who can do without a draft."""
        found = TemplateRenderer().lint(cadence(*texts, **options))
        assert [each.path for each in found if each.rule == "not for all"] == [where] * bool(where)

    def test_what_may_be_unknown_is_named(self):
        """By its name, not as it is written, for both sorts of templates say it alike."""
        (finding,) = TemplateRenderer().lint(cadence("$topic", "$company $title"))
        assert "the last needs what may be unknown (company, title)" in finding.problem

    def test_variants_are_judged_as_they_go_out(self):
        """With the texts that they leave to the touch, each fault once."""
        variants = [
            Variant(name="a", subject="$topic"),
            Variant(name="b", bodies=["plain"]),
            Variant(name="c", subject="Hello you"),
        ]
        found = TemplateRenderer().lint(cadence("$company", "plain", "x", variants=variants))
        assert [(each.rule, each.path) for each in found] == [
            ("never used", "touches[0].bodies[2]"),
            ("not for all", "touches[0].variants[0].subject"),
            ("same for all", "touches[0].variants[1].bodies"),
        ]
