"""Which segment gets which cadence."""

import attrs
import pytest

from crmkit.cadence import SEVEN_TOUCH, Cadence, Playbook
from crmkit.errors import InvalidRecord, NotFound

SHORT = Cadence(name="post-event", touches=SEVEN_TOUCH.touches[:2])
SLOW = Cadence(name="long-term", touches=SEVEN_TOUCH.touches[:1])
BOOK = Playbook([("event leads", SHORT), ("cold passive", SLOW)])


class TestChoosing:
    @pytest.mark.parametrize(
        ("segments", "expected"),
        [
            ({"cold passive"}, ("cold passive", SLOW)),
            ({"cold passive", "event leads"}, ("event leads", SHORT)),
            ({"alumni"}, (None, SEVEN_TOUCH)),
            ((), (None, SEVEN_TOUCH)),
        ],
    )
    def test_the_first_segment_in_the_book_decides(self, segments, expected):
        """Whatever order the person's segments come in; the rest get the cadence for the rest."""
        assert expected == BOOK.choose(segments)

    def test_without_a_cadence_for_the_rest_they_get_none(self):
        """Nobody is enrolled by accident."""
        book = attrs.evolve(BOOK, otherwise=None)
        assert (None, ("event leads", SHORT)) == (book.choose([]), book.choose(["event leads"]))


class TestCadences:
    def test_each_is_listed_once_in_the_order_of_the_book(self):
        """Also when several segments share it."""
        book = Playbook([("a", SHORT), ("b", SLOW), ("c", SHORT)])
        assert (SHORT, SLOW, SEVEN_TOUCH) == book.cadences
        assert (SHORT,) == Playbook([("a", SHORT)], otherwise=None).cadences

    def test_one_is_found_by_name_and_version(self):
        """An enrolment names both."""
        assert SLOW == BOOK.cadence("long-term", 1)

    def test_an_unknown_version_is_not_found(self):
        """The error lists what there is."""
        with pytest.raises(NotFound, match=r"no cadence 'long-term 2'; did you mean 'long-term 1'"):
            BOOK.cadence("long-term", 2)

    def test_two_cadences_under_one_name_are_refused(self):
        """Nobody could say which one an enrolment means; a new version is fine."""
        other = attrs.evolve(SHORT, yearly=True)
        with pytest.raises(
            InvalidRecord, match=r"^entries: two cadences are called 'post-event' 1"
        ):
            Playbook([("a", SHORT), ("b", other)])
        newer = attrs.evolve(other, version=2)
        assert (SHORT, newer, SEVEN_TOUCH) == Playbook([("a", SHORT), ("b", newer)]).cadences

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
