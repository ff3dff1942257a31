"""Which piece and which variant each touch of a plan brings."""

import attrs
from one_run import DAY, RUN, START, TICK, ask, fact, person, sent, sequence, whys

from crmkit.cadence import ContentChoice, Library, Piece, Variant
from crmkit.model import CalendarSpan

CHOICE = ContentChoice()
CADENCE = sequence(0, 14, 42, content=CHOICE)
ON_ML = Piece(id="scaling", title="Scaling ML", topics=["ml"])
ON_GO = Piece(id="gophers", title="Gophers", topics=["go"])
FOR_ALL = Piece(id="offsite", title="Our offsite")
LIBRARY = Library([FOR_ALL, ON_GO, ON_ML])
LIKES = {"topics": ["ml"]}


def brought(*facts, day=0.0, cadence=CADENCE, library=LIBRARY, **more):
    """Return the ids of the pieces, touch by touch."""
    calendar = ask(cadence, person(*facts, **LIKES), day, library=library, **more)
    return [each.piece and each.piece.id for each in calendar.touches]


class TestPieces:
    def test_each_touch_brings_another_the_best_first(self):
        """What is left for the third is nothing: no piece comes twice."""
        assert ["scaling", "offsite", None] == brought()

    def test_the_reason_says_why_this_one(self):
        """Or why none."""
        touches = ask(CADENCE, person(**LIKES), library=LIBRARY).touches
        assert ["'scaling': matches topic ml; not sent before"] == whys(touches[0])
        reason = touches[2].because.parts[0]
        assert ("no piece fits", False) == (reason.text, reason.holds)

    def test_what_was_sent_is_not_sent_again(self):
        """Whichever cadence sent it, by the fact that remembers it."""
        had = fact("sent", -20, properties={"piece": "scaling"})
        assert ["offsite", None, None] == brought(had)

    def test_what_is_done_picks_nothing(self):
        """The rest pick from what is left."""
        done = sent("t0", properties={"piece": "offsite"})
        assert [None, "scaling", None] == brought(done, day=1)

    def test_each_piece_must_be_there_on_its_touch_s_day(self):
        """One is published in a month, one is stale by then."""
        later = attrs.evolve(ON_ML, id="later", published=(START + 30 * DAY).date())
        stale = attrs.evolve(FOR_ALL, until=(START + 20 * DAY).date())
        library = Library([stale, later])
        assert ["offsite", None, "later"] == brought(library=library)

    def test_an_overdue_touch_keeps_its_piece_until_it_expires(self):
        """Then the next one may bring it."""
        assert ["scaling", "offsite", None] == brought(day=14 - TICK / DAY)
        assert ["scaling", "offsite"] == brought(day=14)[1:]

    def test_an_overdue_touch_brings_what_suits_now(self):
        """The plan lasts until a better piece is out, or its own is stale."""
        out = attrs.evolve(ON_ML, published=(START + 3 * DAY).date())
        stale = attrs.evolve(FOR_ALL, until=(START + 2 * DAY).date())
        midnight = START.replace(hour=0) + 3 * DAY
        one = sequence(0, content=CHOICE)
        for library, before, after in (
            (Library([out]), None, "scaling"),
            (Library([FOR_ALL, out]), "offsite", "scaling"),
            (Library([stale]), "offsite", None),
        ):
            assert midnight == ask(one, person(**LIKES), 1, library=library).until
            assert [[before], [after]] == [
                brought(day=(midnight - START) / DAY - early, cadence=one, library=library)
                for early in (TICK / DAY, 0)
            ]

    def test_without_a_library_or_a_wish_there_is_none(self):
        """Nor a word about it."""
        assert [None] * 3 == brought(library=None)
        assert [None] * 3 == brought(cadence=sequence(0, 14, 42))
        assert [] == whys(ask(CADENCE, person()).touches[0])

    def test_a_touch_that_needs_one_does_not_go_without(self):
        """It is refused though the person may be written to, and says what is missing."""
        needy = sequence(0, content=ContentChoice(needed=True))
        for library, why in (
            (Library(), "the library is empty"),
            (None, "it needs a piece of content, and there is no library"),
        ):
            calendar = ask(needy, person(), library=library)
            touch = calendar.touches[0]
            assert (True, True, True) == (touch.empty, touch.refused, bool(touch.permission))
            assert [why] == whys(touch)
            assert "✗ Mon 2026-03-02 09:00  t0" in str(calendar)
        assert not ask(needy, person(), library=LIBRARY).touches[0].refused

    def test_what_went_without_one_has_gone(self):
        """A touch that is done needs nothing any more."""
        needy = sequence(0, content=ContentChoice(needed=True))
        touch = ask(needy, person(sent("t0")), 1).touches[0]
        assert (False, False) == (touch.empty, touch.refused)

    def test_what_a_done_touch_brought_stands_in_its_reason(self):
        """As the fact remembers it."""
        done = sent("t0", properties={"piece": "offsite"})
        touch = ask(CADENCE, person(done), 1, library=LIBRARY).touches[0]
        assert ["done 2026-03-02 09:00 UTC (sent, 'offsite')"] == whys(touch)

    def test_returns_bring_new_ones(self):
        """As long as there are any."""
        cadence = sequence(0, every=CalendarSpan(months=3), content=CHOICE)
        found = brought(cadence=cadence, through=START + 200 * DAY)
        assert ["scaling", "offsite", None] == found


class TestVariants:
    VARIANTS = (Variant(name="short", bodies=["Hi."]), Variant(name="long", bodies=["Dear all."]))

    def test_each_run_gets_one_for_good(self):
        """The one that the touch gives it, whenever asked."""
        cadence = sequence(0, 14, variants=self.VARIANTS)
        expected = [touch.variant_for(RUN.id).name for touch in cadence.touches]
        for day in (0, 1, 15):
            assert expected == [each.variant for each in ask(cadence, person(), day).touches]

    def test_what_went_is_told_as_it_went(self):
        """Whatever it would be today."""
        cadence = sequence(0, variants=self.VARIANTS)
        for properties, variant in (
            ({"variant": "old"}, "old"),
            ({}, None),
            ({"variant": 7}, None),
        ):
            done = sent("t0", properties=properties)
            assert variant == ask(cadence, person(done), 1).touches[0].variant

    def test_a_touch_without_variants_has_none(self):
        """It is as it stands."""
        assert [None] == [each.variant for each in ask(sequence(0), person()).touches]
