"""Which segment gets which cadence."""

import attrs
import pytest

from crmkit.cadence import SEVEN_TOUCH, Cadence, Playbook
from crmkit.errors import InvalidRecord, NotFound
from crmkit.model import CalendarSpan

SHORT = Cadence(name="post-event", touches=SEVEN_TOUCH.touches[:2])
SLOW = Cadence(name="long-term", touches=SEVEN_TOUCH.touches[:1])
LAST = Cadence(name="alumni", touches=SEVEN_TOUCH.touches[:1])
BOOK = Playbook([("event leads", SHORT), ("cold passive", SLOW)])


class TestChoosing:
    @pytest.mark.parametrize(
        ("segments", "expected"),
        [
            ({"cold passive"}, (("cold passive", SLOW),)),
            ({"cold passive", "event leads"}, (("event leads", SHORT),)),
            ({"alumni"}, ((None, SEVEN_TOUCH),)),
            ((), ((None, SEVEN_TOUCH),)),
        ],
    )
    def test_the_first_segment_in_the_book_decides(self, segments, expected):
        """Whatever order the person's segments come in; the rest get the cadence for the rest."""
        assert expected == BOOK.choose(segments)

    def test_without_a_cadence_for_the_rest_they_get_none(self):
        """Nobody is enrolled by accident."""
        book = attrs.evolve(BOOK, otherwise=None)
        assert ((), (("event leads", SHORT),)) == (book.choose([]), book.choose(["event leads"]))

    def test_up_to_so_many_at_once_the_most_important_first(self):
        """Each cadence once, with the segment that decided; the rest's is no addition."""
        book = Playbook([("a", SLOW), ("b", SLOW), ("c", SHORT), ("d", LAST)], most=2)
        assert (("b", SLOW), ("d", LAST)) == book.choose({"d", "b"})
        assert (("a", SLOW), ("c", SHORT)) == book.choose({"d", "c", "b", "a"})

    @pytest.mark.parametrize("most", [0, -1, 1.0, True, None, "2"])
    def test_how_many_is_a_whole_number_from_one(self, most):
        """Nobody goes through half a cadence."""
        with pytest.raises(InvalidRecord, match=r"^most: expected a whole number from 1"):
            Playbook(most=most)


class TestCadences:
    def test_each_is_listed_once_in_the_order_of_the_book(self):
        """Also when several segments share it."""
        book = Playbook([("a", SHORT), ("b", SLOW), ("c", SHORT)])
        assert (SHORT, SLOW, SEVEN_TOUCH) == book.cadences
        assert (SHORT,) == Playbook([("a", SHORT)], otherwise=None).cadences

    def test_each_name_has_its_rank(self):
        """From 0 for the most important; all versions of one share it, and strangers come last."""
        newer = attrs.evolve(SHORT, version=2)
        book = Playbook([("a", SHORT), ("b", newer), ("c", SLOW)])
        names = ["post-event", "long-term", "seven-touch", "unheard of"]
        assert [0, 1, 2, 3] == [book.rank(name) for name in names]

    def test_one_is_found_by_name_and_version(self):
        """An enrolment names both."""
        assert SLOW == BOOK.cadence("long-term", 1)

    def test_an_unknown_version_is_not_found(self):
        """The error lists what there is."""
        with pytest.raises(NotFound, match=r"no cadence 'long-term 2'; did you mean 'long-term 1'"):
            BOOK.cadence("long-term", 2)

    def test_two_cadences_under_one_name_are_refused(self):
        """Nobody could say which one an enrolment means; a new version is fine."""
        other = attrs.evolve(SHORT, every=CalendarSpan(years=1))
        with pytest.raises(
            InvalidRecord, match=r"^entries: two cadences are called 'post-event' 1"
        ):
            Playbook([("a", SHORT), ("b", other)])
        newer = attrs.evolve(other, version=2)
        assert (SHORT, newer, SEVEN_TOUCH) == Playbook([("a", SHORT), ("b", newer)]).cadences

    def test_versions_that_people_are_still_inside(self):
        """They are found by name and version, and never chosen; a retired cadence comes last."""
        newer = attrs.evolve(SHORT, version=2)
        book = Playbook([("a", newer), ("b", SLOW)], otherwise=None, also=[SHORT, LAST])
        assert (newer, SLOW, SHORT, LAST) == book.cadences
        assert (SHORT, LAST) == (book.cadence("post-event", 1), book.cadence("alumni", 1))
        assert (("a", newer),) == book.choose({"a", "alumni"})
        assert [0, 1, 2] == [book.rank(each) for each in ("post-event", "long-term", "alumni")]

    @pytest.mark.parametrize(
        ("also", "path"),
        [
            (SHORT, "also"),
            ([SHORT, "long-term"], "also[1]"),
            ([attrs.evolve(SHORT, every=CalendarSpan(years=1))], "also"),
        ],
    )
    def test_other_versions_that_are_none_are_refused(self, also, path):
        """As is another cadence under a name and version of the book's."""
        with pytest.raises(InvalidRecord) as caught:
            Playbook([("a", SHORT)], also=also)
        assert path == caught.value.path

    @pytest.mark.parametrize(
        ("entries", "path"),
        [
            ({"a": SHORT}, "entries"),
            ([("a", SHORT), "b"], "entries[1]"),
            ([(None, SHORT)], "entries[0]"),
            ([("a", "seven-touch")], "entries[0]"),
        ],
    )
    def test_broken_entries_are_named(self, entries, path):
        """By their place in the list."""
        with pytest.raises(InvalidRecord) as caught:
            Playbook(entries)
        assert path == caught.value.path

    def test_a_cadence_for_the_rest_that_is_none_is_refused(self):
        """A name is not a cadence."""
        with pytest.raises(InvalidRecord, match=r"^otherwise: expected a Cadence"):
            Playbook(otherwise="seven-touch")
