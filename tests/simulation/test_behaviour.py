"""The assumptions: every one listed, changed only to what can be, and felt as stated."""

from datetime import UTC, datetime, timedelta

import attrs
import pytest

from crmkit.engagement import Temperature
from crmkit.errors import InvalidRecord, UnknownName
from crmkit.simulation import Behaviour

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_every_number_is_listed_with_its_source():
    """No number hides: each field is an assumption with a value and a source."""
    behaviour = Behaviour(opens=0.5)
    listed = {each.name: each.value for each in behaviour.assumptions()}
    fields = [field.name for field in attrs.fields(Behaviour)]
    assert fields == list(listed)
    assert 0.5 == listed["opens"]
    assert all(each.source for each in behaviour.assumptions())


def test_guesses_are_told_from_what_the_field_measured():
    """The answers by message are the field's; what a level weighs is a guess."""
    guesses = {each.name: each.is_guess for each in Behaviour().assumptions()}
    assert (False, True) == (guesses["replies"], guesses["levels"])


def test_an_assumption_is_readable():
    """Lists and factors are written out."""
    told = {each.name: str(each) for each in Behaviour(touches={"welcome": 2}).assumptions()}
    assert told["replies"].startswith("replies = 0.16, 0.133, 0.033, 0.034, 0.01: by the message")
    assert told["touches"].startswith("touches = welcome × 2: assumption")
    assert told["process"].startswith("process = 42 days: assumption")
    plain = {each.name: str(each) for each in Behaviour().assumptions()}
    assert plain["touches"].startswith("touches = none: assumption")


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"opens": 1.2}, "opens"),
        ({"opens": None}, "opens"),
        ({"opens": "often"}, "opens"),
        ({"replies": []}, "replies"),
        ({"replies": "0.1"}, "replies"),
        ({"replies": [0.1, 2]}, "replies[1]"),
        ({"levels": {6: 1}}, "levels[6]"),
        ({"levels": [1, 2]}, "levels"),
        ({"levels": {1: 0}}, "levels['1']"),
        ({"touches": {"welcome": -1}}, "touches['welcome']"),
        ({"bearable": -1}, "bearable"),
        ({"bearable": True}, "bearable"),
        ({"process": 3}, "process"),
        ({"process": timedelta(days=-1)}, "process"),
        ({"hired": 0.7, "withdrew": 0.4}, "withdrew"),
    ],
)
def test_what_cannot_be_is_refused_where_it_stands(fields, path):
    """A share above 1, a factor of nothing, a level that is none: the path leads there."""
    with pytest.raises(InvalidRecord) as caught:
        Behaviour(**fields)
    assert path == caught.value.path


def test_a_wrong_temperature_suggests_the_right_one():
    """A slip of the pen is told from a temperature."""
    with pytest.raises(UnknownName, match="did you mean 'cooling'") as caught:
        Behaviour(temperatures={"coolling": 1})
    assert "temperatures['coolling']" == caught.value.path


def test_factors_left_out_keep_theirs():
    """One level changed leaves the other four; so does changing anything else afterwards."""
    behaviour = attrs.evolve(Behaviour(levels={5: 3}, temperatures={"hot": 2}), opens=0.1)
    assert {"1": 0.8, "2": 1.0, "3": 1.1, "4": 1.2, "5": 3.0} == dict(behaviour.levels)
    assert (2.0, 0.7) == (behaviour.temperatures["hot"], behaviour.temperatures["cold"])


def test_level_temperature_and_touch_multiply():
    """Personal value to somebody hot, by a touch known to work twice as well."""
    behaviour = Behaviour(touches={"value": 2})
    assert pytest.approx(1.2 * 1.6 * 2) == behaviour.liking(4, Temperature.HOT, "value")
    assert pytest.approx(1.0) == behaviour.liking(2, Temperature.UNKNOWN, "welcome")


def test_pressure_counts_the_weeks_before():
    """Of three messages two lie within eight weeks; one above one bearable is felt."""
    behaviour = Behaviour(bearable=1)
    messages = [NOW - timedelta(weeks=8), NOW - timedelta(weeks=7), NOW]
    assert 2 == behaviour.pressure(messages, NOW)
    assert (0, 0, 1) == tuple(behaviour.excess(each) for each in (0, 1, 2))
