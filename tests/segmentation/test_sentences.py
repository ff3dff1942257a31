"""Rules in words: one English sentence, an outline, and the notebook's form."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from random_rules import random_rule

from crmkit.errors import RuleError
from crmkit.model import CalendarSpan
from crmkit.segmentation import (
    Segment,
    bucket,
    consented,
    describe,
    event,
    everyone,
    field,
    held,
    listed,
    member,
    none_of,
    outline,
    permitted,
    score,
    suppressed,
    temperature,
    unopened,
)
from crmkit.segmentation._nodes import Not

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
WEEK = timedelta(weeks=1)
MONTH = CalendarSpan(months=1)
CALLED = event("called")


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (everyone(), "Everyone."),
        (~everyone(), "Nobody."),
        (field.source != "event", "Source is not 'event'."),
        (field.source.is_in("event", "alumni"), "Source is 'event' or 'alumni'."),
        (~field.source.is_in("event", "alumni"), "Source is not 'event' or 'alumni'."),
        (field.do_not_contact == True, "Do not contact is true."),  # noqa: E712
        (field.do_not_contact == False, "Do not contact is false."),  # noqa: E712
        (field.salary >= 50_000, "Salary is at least 50000."),
        (~(field.salary < 50_000.5), "Salary is not less than 50000.5."),
        (field.salary.between(1, 2), "Salary is between 1 and 2."),
        (field.seniority > "mid", "Seniority is above 'mid'."),
        (field.interested_from.before(NOW), "Interested from is before 2026-03-02 09:00 UTC."),
        (~field.interested_from.after(NOW), "Interested from is not after 2026-03-02 09:00 UTC."),
        (field.interested_from.older_than(days=9), "Interested from is 9 days ago or earlier."),
        (~field.interested_from.within(hours=5), "Interested from is not within the last 5 hours."),
        (field.title.contains("x"), "Title contains 'x'."),
        (~field.title.starts_with("x"), "Title does not start with 'x'."),
        (field.title.ends_with("x"), "Title ends with 'x'."),
        (field.skills.has_none("go"), "Skills do not include 'go'."),
        (field.skills.has_none("go", "c", "ml"), "Skills include neither 'go', 'c' nor 'ml'."),
        (field.skills.has_all("go", "c"), "Skills include 'go' and 'c'."),
        (~field.skills.has_all("go", "c"), "Skills do not include 'go' and 'c'."),
        (field.source.is_unknown(), "Source is unknown."),
        (field.years_experience.is_known(), "Years experience is known."),
        (event("opened").ever(), "Ever opened."),
        (event("opened").never(), "Never opened."),
        (~event("opened").never(), "Ever opened."),
        (event("opened").within(weeks=2), "Opened within the last 14 days."),
        (~event("opened").within(days=9), "Not opened within the last 9 days."),
        (event("opened").at_least(2), "Opened at least 2 times."),
        (~event("opened").at_least(2), "Opened fewer than 2 times."),
        (event("opened").at_most(1), "Opened at most once."),
        (~event("opened").at_most(2), "Opened more than 2 times."),
        (event("opened").exactly(2), "Opened exactly 2 times."),
        (~event("opened").exactly(2), "Opened not exactly 2 times."),
        (event("auto_replied", "x-lunch", "met").ever(), "Ever auto replied, x-lunch or met."),
        (event("clicked", automated=True).ever(), "Ever clicked by a machine."),
        (event("clicked", automated=False).ever(), "Ever clicked by a person for certain."),
        (
            event("rejected", stage="final", role_id=["a", "b"]).ever(),
            "Ever rejected with role id 'a' or 'b' and stage 'final'.",
        ),
        (event("sent").first.older_than(days=14), "First sent 14 days ago or earlier."),
        (~event("sent").first.older_than(days=14), "Not first sent 14 days ago or earlier."),
        (event("replied").after(event("sent")), "Replied after sent."),
        (
            ~event("replied").after(event("sent"), within=timedelta(days=7)),
            "Never replied within 7 days after sent.",
        ),
        (event("hired").not_followed_by(event("left")), "Hired and not left since."),
        (~event("hired").not_followed_by(event("left")), "Not (hired and not left since)."),
        (score() >= 5, "Score is at least 5."),
        (~(score() > 5), "Score is not more than 5."),
        (temperature().is_in("cold", "cooling"), "Temperature is 'cold' or 'cooling'."),
        (temperature() != "cold", "Temperature is not 'cold'."),
        (none_of(everyone(), score() > 1), "Not (everyone, or score is more than 1)."),
        (Not(Not(everyone())), "Not (nobody)."),
        (
            (score() > 1) & (event("met").ever() | event("called").ever()),
            "Score is more than 1, and (ever met, or ever called).",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_rules_read_as_english(rule, sentence):
    """A rule is one English sentence, its nesting in parentheses."""
    assert sentence == describe(rule)


@pytest.mark.parametrize(
    ("rule", "sentence", "opposite"),
    [
        (
            event("met").first.within(days=3),
            "First met within the last 3 days.",
            "Not first met within the last 3 days.",
        ),
        (
            event("met").last.older_than(months=6, zone="Europe/Berlin"),
            "Last met 6 months (Europe/Berlin) ago or earlier.",
            "Not last met 6 months (Europe/Berlin) ago or earlier.",
        ),
        (
            event("met").within(years=1, months=1),
            "Met within the last 1 year 1 month.",
            "Not met within the last 1 year 1 month.",
        ),
        (
            event("met").last.anniversary(),
            "Within 1 day after an anniversary of the last met.",
            "Not within 1 day after an anniversary of the last met.",
        ),
        (
            field.interested_from.anniversary(before=WEEK, after=WEEK, zone="Europe/Berlin"),
            "Within 7 days before or 7 days after an anniversary of interested from "
            "(Europe/Berlin).",
            "Not within 7 days before or 7 days after an anniversary of interested from "
            "(Europe/Berlin).",
        ),
        (
            field.interested_from.older_than(days=0),
            "Interested from has come.",
            "Interested from has not come.",
        ),
        (
            event("replied").last.where("outcome", "==", "positive"),
            "The last replied has outcome 'positive'.",
            "Not (the last replied has outcome 'positive').",
        ),
        (
            event("replied").first.where("note", "unknown"),
            "The first replied has note unknown.",
            "Not (the first replied has note unknown).",
        ),
        (
            event("opened").regular(3, of=4, every=WEEK),
            "Opened in at least 3 of the last 4 periods of 7 days.",
            "Opened in fewer than 3 of the last 4 periods of 7 days.",
        ),
        (
            event("opened").stopped(timedelta(days=90)),
            "Opened before 90 days ago, and not opened within the last 90 days.",
            "Not (opened before 90 days ago, and not opened within the last 90 days).",
        ),
        (
            event("opened").stopped(MONTH, active=timedelta(days=180), at_least=3),
            "Opened at least 3 times within the 180 days before 1 month ago, and not opened within "
            "the last 1 month.",
            "Not (opened at least 3 times within the 180 days before 1 month ago, and not opened "
            "within the last 1 month).",
        ),
        (
            event("opened").restarted(timedelta(days=90), within=WEEK),
            "Opened within the last 7 days, after 90 days without.",
            "Not (opened within the last 7 days, after 90 days without).",
        ),
        (
            event("promoted").since(event("called", "met")),
            "Promoted and not called or met since, and ever called or met.",
            "Not (promoted and not called or met since, and ever called or met).",
        ),
        (
            held(score() >= 5, at_least=WEEK),
            "For at least 7 days: score is at least 5.",
            "Not for at least 7 days: score is at least 5.",
        ),
        (
            held(field.source == "event", less_than=WEEK),
            "Source is 'event', and (not for at least 7 days: source is 'event').",
            "Not (source is 'event', and (not for at least 7 days: source is 'event')).",
        ),
        (member("warm"), "In segment 'warm'.", "Not in segment 'warm'."),
        (
            permitted("text", purpose="assessment"),
            "May be contacted for assessment by text.",
            "May not be contacted for assessment by text.",
        ),
        (consented(), "Has consented to nurture.", "Has not consented to nurture."),
        (suppressed("phone"), "Suppressed for phone.", "Not suppressed for phone."),
        (
            listed("bob", "ada"),
            "Listed by hand ('ada', 'bob').",
            "Not listed by hand ('ada', 'bob').",
        ),
        (
            bucket("new", at_least=0.1, below=0.5),
            "In bucket from 0.1 to 0.5 of pilot 'new'.",
            "Not in bucket from 0.1 to 0.5 of pilot 'new'.",
        ),
        (
            CALLED.where("minutes", ">=", 5).where("note", "contains", "x").ever(),
            "Ever called with minutes at least 5 and note containing 'x'.",
            "Never called with minutes at least 5 and note containing 'x'.",
        ),
        (
            CALLED.where("minutes", "not in", [1, 2]).where("note", "unknown").at_least(2),
            "Called with minutes not 1 or 2 and note unknown at least 2 times.",
            "Called with minutes not 1 or 2 and note unknown fewer than 2 times.",
        ),
        (
            CALLED.where("planned", "<", NOW).where("note", "known").ever(),
            "Ever called with planned before 2026-03-02 09:00 UTC and note known.",
            "Never called with planned before 2026-03-02 09:00 UTC and note known.",
        ),
        (
            CALLED.dated(since="2026-01-01T00:00Z", before="2026-02-01T00:00Z").ever(),
            "Ever called since 2026-01-01 00:00 UTC and before 2026-02-01 00:00 UTC.",
            "Never called since 2026-01-01 00:00 UTC and before 2026-02-01 00:00 UTC.",
        ),
        (
            unopened("welcome"),
            "Ever sent with touch 'welcome', and never opened with touch 'welcome'.",
            "Not (ever sent with touch 'welcome', and never opened with touch 'welcome').",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_rules_and_their_opposites_read_as_english(rule, sentence, opposite):
    """The opposite of a rule is said by its own words where that is plain."""
    assert (sentence, opposite) == (describe(rule), describe(~rule))


def test_every_rule_has_a_sentence_and_an_outline_of_as_many_lines_as_it_has_clauses():
    """No kind of rule is without words, and different rules have different ones, mostly."""
    rng = Random(3)
    rules = [random_rule(rng, 3, members=("a",)) for _ in range(500)]
    for rule in rules:
        sentence = describe(rule)
        assert sentence[0] == sentence[0].upper()
        assert sentence.endswith(".")
        assert all(line.strip() for line in str(outline(rule)).splitlines())
    assert len({describe(rule) for rule in rules}) > 0.9 * len(set(rules))


@pytest.mark.parametrize("say", [describe, outline])
def test_only_rules_have_sentences(say):
    """Half a rule, or a segment in the place of its rule, is an error that says what to take."""
    with pytest.raises(RuleError, match=r"expected a rule, got Event; say how often"):
        say(event("met"))
    with pytest.raises(RuleError, match=r"expected a rule, got Segment; .* take its \.rule"):
        say(Segment("all", everyone()))


def test_outline_is_one_clause_a_line():
    """Nesting is shown by place, not by parentheses; an opposite is said at its head."""
    met = event("met").ever()
    rule = (
        (field.country == "DE")
        & none_of(met, event("called").ever())
        & ~(met & everyone())
        & held(met | ~everyone(), at_least=WEEK)
        & ~held(met, at_least=MONTH)
        & Not(Not(met))
    )
    expected = [
        "all of",
        "  country is 'DE'",
        "  none of",
        "    ever met",
        "    ever called",
        "  not all of",
        "    ever met",
        "    everyone",
        "  for at least 7 days",
        "    any of",
        "      ever met",
        "      nobody",
        "  not for at least 1 month",
        "    ever met",
        "  not",
        "    never met",
    ]
    assert expected == str(outline(rule)).splitlines()
    assert "all of" == outline(rule).to_dict()["text"]


def test_notebook_form_of_a_segment_is_its_outline_and_escapes_all_text():
    """Names and values of a rule are text, whatever they look like."""
    rule = (field.title == "<b>&") & (field.custom["<i>"] == 1)
    html = Segment("<script>", rule)._repr_html_()
    assert html == (
        "<div>&lt;script&gt;<ul><li>all of"
        "<ul><li>title is &#x27;&lt;b&gt;&amp;&#x27;</li></ul>"
        "<ul><li>custom &lt;i&gt; is 1</li></ul>"
        "</li></ul></div>"
    )


def test_names_of_a_host_stay_on_one_line():
    """A name with line breaks cannot pass for several clauses."""
    rule = (field.custom["a\n✓ b"] == 1) & event("met").where("c\n✓ d", "known").ever()
    expected = r"Custom 'a\n✓ b' is 1, and ever met with 'c\n✓ d' known."
    assert expected == describe(rule)
    assert 3 == len(str(outline(rule)).splitlines())
