"""Content: which piece suits whom, why, and until when."""

from datetime import UTC, date, datetime, timedelta
from random import Random

import attrs
import pytest
from cadence_strategies import DAYS, FUNCTIONS, LANGUAGES, TAGS, choices, few, libraries
from hypothesis import given
from hypothesis import strategies as st

from crmkit.cadence import ContentChoice, Library, Piece
from crmkit.errors import InvalidRecord, UnknownName
from crmkit.model import Candidate, Interaction, Relationship, Seniority

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ANY = ContentChoice()


def piece(key="p", **known):
    return Piece(id=key, **({"title": f"On {key}"} | known))


def fact(kind="sent", at=NOW - timedelta(days=1), **properties):
    return Interaction(candidate_id="ada", kind=kind, at=at, properties=properties)


def ada(*facts, **known):
    return Relationship(Candidate(id="ada", **known), facts)


def pick(pieces, someone, choice=ANY, now=NOW, taken=()):
    return Library(pieces).pick(someone, choice, now=now, taken=taken)


def picked(pieces, someone, choice=ANY, now=NOW, taken=()):
    found = pick(pieces, someone, choice, now, taken).value
    return found and found.id


class TestRecords:
    def test_keeps_what_is_typed_in_one_form(self):
        """Tags in any case, dates as texts, levels by name."""
        found = piece(
            kind="Talk",
            topics=["ML", "ml"],
            functions=["Engineering"],
            seniorities=["senior"],
            languages=["De-AT"],
            published="2026-01-05",
        )
        assert (found.kind, found.topics, found.functions) == ("talk", ("ml",), ("engineering",))
        assert (found.seniorities, found.languages) == ((Seniority.SENIOR,), ("de-at",))
        assert found.published == date(2026, 1, 5)

    @pytest.mark.parametrize(
        ("known", "told"),
        [
            ({"title": " "}, "title: expected text, got nothing"),
            ({"url": "example.org"}, "url: expected an address such as 'https://example.org'"),
            ({"url": "https://"}, "url: expected an address"),
            ({"url": "https://example.org/a b"}, "url: expected an address"),
            ({"url": "javascript:alert(1)"}, "url: expected an address"),
            ({"topics": "ml"}, "topics: expected a list of texts, got str"),
            ({"seniorities": ["mid", "seniour"]}, r"seniorities\[1\]: 'seniour' is not a sen"),
            ({"published": "soon"}, "published: expected a date such as"),
            ({"published": "2026-01-02", "until": "2026-01-01"}, "until: 2026-01-01 is before"),
        ],
    )
    def test_a_faulty_piece_is_told(self, known, told):
        """Each error names the field."""
        with pytest.raises(InvalidRecord, match=f"^{told}"):
            piece(**known)

    @pytest.mark.parametrize(
        ("pieces", "told"),
        [
            ("abc", "pieces: expected a list of pieces, got str"),
            ([{"id": "a"}], r"pieces\[0\]: expected a Piece, got dict"),
            ([piece("a"), piece("b"), piece("a")], r"pieces\[2\]\.id: 'a' is there already"),
        ],
    )
    def test_a_faulty_library_is_told(self, pieces, told):
        """Only pieces, each id once."""
        with pytest.raises(InvalidRecord, match=f"^{told}$"):
            Library(pieces)

    def test_a_faulty_choice_is_told(self):
        """What it is matched by is one of three, and something."""
        with pytest.raises(UnknownName, match=r"^by\[1\]: 'skils' is not .* did you mean 'skills'"):
            ContentChoice(by=["topics", "skils"])
        with pytest.raises(InvalidRecord, match=r"^by: expected at least one of topics, skills"):
            ContentChoice(by=[])

    def test_a_library_is_a_collection(self):
        """It has a length, is gone through in its order, and says how much it holds."""
        library = Library([piece("b"), piece("a")])
        assert (len(library), [each.id for each in library]) == (2, ["b", "a"])
        assert (repr(library), repr(Library())) == ("<Library: 2 pieces>", "<Library: 0 pieces>")
        assert Library(library) == library
        assert repr(piece("a")) == "Piece(id='a', title='On a')"


class TestWhomItSuits:
    def test_topics_before_skills_before_function(self):
        """One match of the first sort counts for more than any number of the next."""
        someone = ada(topics=["a"], skills=["b", "c"], function="Design")
        pieces = [
            piece("topic", topics=["a"]),
            piece("skills", topics=["b", "c"]),
            piece("function", functions=["design"]),
        ]
        assert picked(pieces, someone) == "topic"
        assert picked(pieces[1:], someone) == "skills"
        assert picked(pieces[2:], someone) == "function"
        by = ContentChoice(by=["function", "skills"])
        assert picked(pieces, someone, by) == "function"
        assert picked(pieces[:1], someone, by) is None

    def test_more_matches_are_better(self):
        """Of two that match by the same, the one that matches more; a tag counts once."""
        someone = ada(topics=["a", "b"], skills=["a", "b", "c"])
        one, two = piece("1", topics=["a"]), piece("2", topics=["a", "b"])
        assert picked([one, two], someone) == "2"
        both = piece("both", topics=["a", "c"])
        verdict = pick([one, both], someone)
        assert verdict.value == both
        assert "matches topic a, skill c;" in str(verdict.because)

    def test_of_equals_the_newest(self):
        """Then the first by id; a piece without a date is the oldest."""
        day = date(2026, 1, 5)
        pieces = [piece("a"), piece("c", published=day), piece("b", published=day)]
        assert picked(pieces, ada()) == "b"
        assert picked([*pieces, piece("z", published="2026-03-02")], ada()) == "z"

    def test_somebody_unknown_gets_what_suits_everybody(self):
        """Never a guess: pieces about something, or for levels, are for those known to care."""
        special = [
            piece("a", topics=["ml"]),
            piece("b", functions=["design"]),
            piece("c", seniorities=["senior"]),
        ]
        assert picked(special, ada()) is None
        assert picked([*special, piece("d")], ada()) == "d"

    @pytest.mark.parametrize(
        ("theirs", "of_it", "fits"),
        [
            ("en", ["en"], True),
            ("de-AT", ["de"], True),
            ("de_AT", ["DE-ch"], True),
            ("en", ["de", "en-GB"], True),
            ("en", ["de"], False),
            ("eng", ["en"], False),
            ("en", [], True),
            (None, ["de"], True),
        ],
    )
    def test_languages(self, theirs, of_it, fits):
        """Compared by the language itself, without region; whoever's is unknown gets any."""
        found = picked([piece(languages=of_it)], ada(language=theirs))
        assert found == ("p" if fits else None)

    def test_levels(self):
        """Only for one of the levels that it names."""
        only = piece(seniorities=["senior", "lead"])
        found = [picked([only], ada(seniority=level)) for level in ("mid", "lead", None)]
        assert found == [None, "p", None]

    def test_kinds(self):
        """Only of the kinds that the touch wants; of any, when it names none."""
        pieces = [piece("a", kind="Post"), piece("b", kind="talk")]
        assert picked(pieces, ada(), ContentChoice(kinds=["TALK"])) == "b"
        assert picked(pieces, ada(), ContentChoice(kinds=["event"])) is None

    @pytest.mark.parametrize("kind", ["sent", "messaged", "met", "x-posted"])
    def test_never_twice(self, kind):
        """Whatever fact says that they have had it, and for whatever touch."""
        had = fact(kind, piece="a", variant="short")
        assert picked([piece("a"), piece("b")], ada(had)) == "b"
        assert picked([piece("a")], ada(had, fact(piece=7))) is None

    def test_what_another_touch_took(self):
        """The touches of one plan carry different pieces."""
        assert picked([piece("a"), piece("b")], ada(), taken=["a"]) == "b"
        assert picked([piece("a")], ada(), taken={"a"}) is None

    def test_days_are_those_of_utc(self):
        """There from its first midnight on, stale from the midnight after its last day."""
        day = piece(published="2026-03-02", until="2026-03-02")
        begins, ends = datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC)
        tick = timedelta(microseconds=1)
        found = [picked([day], ada(), now=at) for at in (begins - tick, begins, ends - tick, ends)]
        assert found == [None, "p", "p", None]


class TestWhy:
    def test_the_choice_says_why(self):
        """What matched, what else would fit, and why the others fell out."""
        someone = ada(
            fact(piece="sent"),
            topics=["ml"],
            skills=["python"],
            function="engineering",
            seniority="senior",
            language="en-GB",
        )
        pieces = [
            piece(
                "scaling-ml",
                topics=["python", "ml"],
                functions=["engineering"],
                seniorities=["senior"],
            ),
            piece("all"),
            piece("sent"),
            piece("german", languages=["de-AT", "de"]),
            piece("two", languages=["fr", "de"]),
            piece("junior", seniorities=["junior"]),
            piece("taken"),
            piece("old", until="2026-03-01"),
            piece("soon", published="2026-03-09"),
            piece("other", topics=["go"]),
            piece("talk", kind="talk"),
        ]
        verdict = pick(pieces, someone, ContentChoice(kinds=["post"]), taken=["taken"])
        assert str(verdict.because) == (
            "✓ 'scaling-ml': matches topic ml, skill python, function engineering; "
            "level senior; not sent before\n"
            "  1 more would fit\n"
            "  1 about other things, 1 for other levels, 1 in de, 1 in de and fr, "
            "1 not published yet, 1 of another kind, 1 sent before, 1 stale, "
            "1 taken by another touch"
        )

    def test_what_suits_everybody_says_so(self):
        """And several tags of one sort are told in the plural."""
        assert str(pick([piece()], ada()).because) == "✓ 'p': suits everybody; not sent before"
        several = pick([piece(topics=["a", "b"])], ada(topics=["b", "a"]))
        assert "matches topics a, b;" in str(several.because)

    def test_no_piece_says_why(self):
        """The empty library, and one of which all fell out."""
        assert str(pick([], ada()).because) == "✗ the library is empty"
        someone_unknown = pick([piece(topics=["a"]), piece("l", seniorities=["mid"])], ada())
        assert str(someone_unknown.because) == (
            "✗ no piece fits\n"
            "  1 about what they may not care for, 1 for levels, and theirs is unknown"
        )


class TestUntil:
    def test_the_choice_goes_stale(self):
        """It holds until the midnight after its last day; of others that is no matter."""
        pieces = [
            piece("b", topics=["a"], until="2026-03-05"),
            piece("worse", until="2026-03-03"),
            piece("later", published="2026-03-04"),
        ]
        verdict = pick(pieces, ada(topics=["a"]))
        assert verdict.until == datetime(2026, 3, 6, tzinfo=UTC)

    def test_a_better_one_comes_out(self):
        """One that will be out and beats it ends it; with none, any that fits does."""
        coming = piece("new", published="2026-03-04")
        assert pick([piece("a"), coming], ada()).until == datetime(2026, 3, 4, tzinfo=UTC)
        assert pick([coming], ada()).until == datetime(2026, 3, 4, tzinfo=UTC)

    def test_the_clock_may_never_matter(self):
        """Without dates nothing changes it; nor on the last day that there is."""
        assert pick([piece()], ada()).until is None
        assert pick([piece(until=date.max)], ada()).until is None
        assert pick([], ada()).until is None

    def test_a_fact_that_is_in_the_log_already(self):
        """Dated after now it counts from its own instant on, if it names the piece."""
        at = NOW + timedelta(hours=1)
        later = [fact(at=at, piece="b"), fact(at=at + timedelta(hours=1), piece="a")]
        assert pick([piece("a"), piece("b")], ada(*later)).until == at + timedelta(hours=1)


PEOPLE = st.builds(
    lambda facts, **known: Relationship(
        Candidate(id="ada", **known),
        [fact(kind, at=at, piece=key) for kind, at, key in facts],
    ),
    facts=st.lists(
        st.tuples(
            st.sampled_from(("sent", "messaged")),
            DAYS.map(lambda day: datetime(day.year, day.month, day.day, 12, tzinfo=UTC)),
            st.sampled_from([f"p{number}" for number in range(8)]),
        ),
        max_size=3,
    ),
    topics=few(TAGS),
    skills=few(TAGS),
    function=st.none() | FUNCTIONS,
    seniority=st.none() | st.sampled_from(Seniority),
    language=st.none() | LANGUAGES,
)


def suits(each, someone, choice, now, taken):
    """Whether a piece may go, by the rules one by one."""
    person = someone.candidate
    day = now.date()
    known = {"topics": person.topics, "skills": person.skills, "function": [person.function]}
    had = [one.properties["piece"] for one in someone.history if one.at <= now]
    languages = [one.split("-")[0] for one in each.languages]
    return (
        (not choice.kinds or each.kind in choice.kinds)
        and each.id not in had
        and each.id not in taken
        and not (person.language and languages and person.language.split("-")[0] not in languages)
        and (not each.seniorities or person.seniority in each.seniorities)
        and not (each.published and day < each.published)
        and not (each.until and day > each.until)
        and (
            not (each.topics or each.functions)
            or any(
                tag in known[name]
                for name in choice.by
                for tag in (each.functions if name == "function" else each.topics)
            )
        )
    )


@given(libraries(), PEOPLE, choices(), few(st.sampled_from(("p0", "p1"))))
def test_picks_among_those_that_suit(library, someone, choice, taken):
    """None exactly when none suits; else one that none beats in what it is matched by first."""
    found = library.pick(someone, choice, now=NOW, taken=taken).value
    fitting = [each for each in library if suits(each, someone, choice, NOW, taken)]
    assert (found in fitting) if fitting else (found is None)
    person = someone.candidate
    known = {"topics": person.topics, "skills": person.skills, "function": [person.function]}

    def first(each):
        name = choice.by[0]
        tags = each.functions if name == "function" else each.topics
        return len([tag for tag in tags if tag in known[name]])

    assert not fitting or first(found) == max(map(first, fitting))


@given(libraries(), PEOPLE, choices(), st.integers())
def test_the_order_of_the_library_does_not_matter(library, someone, choice, seed):
    """The same pieces give the same answer, for the same reasons."""
    mixed = Random(seed).sample(library.pieces, len(library))
    assert library.pick(someone, choice, now=NOW) == Library(mixed).pick(someone, choice, now=NOW)


@given(libraries(), PEOPLE, choices())
def test_until_is_sound(library, someone, choice):
    """At every quarter of a day before it the answer is the same."""
    verdict = library.pick(someone, choice, now=NOW)
    assert verdict.until is None or verdict.until > NOW
    for hours in range(0, 24 * 8, 6):
        later = NOW + timedelta(hours=hours)
        if verdict.until is not None and later >= verdict.until:
            break
        assert library.pick(someone, choice, now=later).value == verdict.value


@given(libraries(), PEOPLE, choices())
def test_a_run_never_repeats_itself(library, someone, choice):
    """Whoever takes what is picked and asks again gets each piece at most once."""
    taken = []
    while found := library.pick(someone, choice, now=NOW, taken=taken).value:
        assert found.id not in taken
        taken.append(found.id)
    assert len(taken) == len([e for e in library if suits(e, someone, choice, NOW, ())])


def test_the_last_piece_is_sent_and_then_none():
    """What was sent is remembered by the fact alone."""
    someone, library = ada(), Library([piece("a"), piece("b")])
    for day in range(2):
        at = NOW + timedelta(days=day)
        found = library.pick(someone, ANY, now=at).value
        someone = attrs.evolve(someone, history=[*someone.history, fact(at=at, piece=found.id)])
    assert library.pick(someone, ANY, now=at + timedelta(days=1)).value is None
