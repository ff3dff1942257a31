"""The holidays package as a calendar: `crmkit.public_holidays`."""

import pickle
import sys
from datetime import date, datetime, timedelta

import pytest

from crmkit.errors import InvalidRecord, MissingExtra, UnknownName
from crmkit.model import Candidate, Channel
from crmkit.permission import HolidayCalendar, Hours
from crmkit.public_holidays import public_holidays

CHRISTMAS = date(2026, 12, 25)
WHIT_MONDAY = date(2026, 5, 25)


def holidays():
    """Skip where the extra is not installed."""
    return pytest.importorskip("holidays")


def test_without_the_package_it_says_what_to_install(monkeypatch):
    """The adapter can be imported; asking needs the extra."""
    monkeypatch.setitem(sys.modules, "holidays", None)
    with pytest.raises(MissingExtra, match=r"pip install 'crmkit\[holidays\]'"):
        public_holidays("DE")


class TestPublicHolidays:
    @pytest.fixture(autouse=True)
    def _package(self):
        holidays()

    def test_is_a_holiday_calendar(self):
        """It answers for days of any year, and names them in English."""
        germany = public_holidays("DE")
        assert isinstance(germany, HolidayCalendar)
        assert [True, False] == [day in germany for day in (CHRISTMAS, CHRISTMAS - timedelta(1))]
        assert date(2031, 12, 25) in germany
        assert "Christmas" in germany.get(CHRISTMAS)
        assert germany.get(CHRISTMAS - timedelta(1)) is None
        assert "25 December" not in germany
        assert datetime(2026, 12, 25, 9) in germany  # noqa: DTZ001

    @pytest.mark.parametrize("region", ["BY", "by", "DE-BY", "Bayern", " bayern "])
    def test_regions_are_known_by_code_and_name(self, region):
        """As the package names them, in any case of letters."""
        bavaria = public_holidays("de", region)
        assert ("DE", "BY", "Bayern") == (bavaria.country, bavaria.region, bavaria.name)
        epiphany = date(2026, 1, 6)
        assert [True, False] == [
            epiphany in each for each in (bavaria, public_holidays("DE", "BE"))
        ]

    @pytest.mark.parametrize(
        ("country", "region", "name"),
        [
            ("GB", "SCT", "Scotland"),
            ("US", None, "United States"),
            ("DE", "Augsburg", "Augsburg"),
            ("DE", None, "Germany"),
        ],
    )
    def test_says_where_in_words(self, country, region, name):
        """The region's name, else the country's; one's own goes before."""
        assert name == public_holidays(country, region).name
        assert "Here" == public_holidays(country, region, name="Here").name

    def test_speaks_the_language_asked_for(self):
        """And never that of the environment."""
        assert "Erster Weihnachtstag" == public_holidays("DE", language="de").get(CHRISTMAS)
        assert "en_US" == public_holidays("DE").language

    def test_a_country_without_english_names_keeps_its_own(self, monkeypatch):
        """Or none, where the package has only one language for it."""
        monkeypatch.setattr(holidays().countries.Germany, "supported_languages", ("de",))
        assert "de" == public_holidays("DE").language

    def test_only_years_asked_for_are_looked_at(self):
        """Given years are the whole calendar."""
        short = public_holidays("DE", years=[2027, 2026, 2026])
        assert (2026, 2027) == short.years
        assert [True, True, False] == [date(year, 12, 25) in short for year in (2026, 2027, 2028)]

    @pytest.mark.parametrize(
        ("asked", "error", "message"),
        [
            (("XX",), UnknownName, "country: 'XX' is not a country with known holidays"),
            (("Germany",), InvalidRecord, "country: expected a two-letter ISO 3166-1 code"),
            ((7,), InvalidRecord, "country: expected text, got int"),
            (("DE", "Bayer"), UnknownName, "region: .* did you mean 'Bayern'"),
            (("US", "BY"), UnknownName, "region: 'BY' is not a region of US"),
        ],
    )
    def test_unknown_places_are_typed_errors(self, asked, error, message):
        """With near names, if there are any."""
        with pytest.raises(error, match=message):
            public_holidays(*asked)

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            ({"language": "xx"}, "language: 'xx' is not a language"),
            ({"years": []}, "years: expected years from 1 to 9999, got"),
            ({"years": [0]}, "years: expected"),
            ({"years": ["2026"]}, "years: expected"),
        ],
    )
    def test_unknown_options_are_typed_errors(self, more, message):
        """At their field."""
        with pytest.raises(InvalidRecord, match=message):
            public_holidays("DE", **more)

    @pytest.mark.parametrize(
        ("calendar", "expected"),
        [
            (lambda: public_holidays("GB"), "'GB', name='United Kingdom', language='en_US'"),
            (
                lambda: public_holidays("DE", "by", language="de", years=[2026]),
                "'DE', 'BY', name='Bayern', language='de', years=[2026]",
            ),
        ],
    )
    def test_its_repr_makes_it_again(self, calendar, expected):
        """Stable, whatever was asked of it before; equal, hashable, and fit to travel."""
        made = calendar()
        assert CHRISTMAS in made
        assert f"public_holidays({expected})" == repr(made)
        assert {made, eval(repr(made)), pickle.loads(pickle.dumps(made))} == {calendar()}

    def test_moves_messages_past_the_holidays(self):
        """Whit Monday 2026 in Bavaria: who is due on Saturday is written to on Tuesday."""
        hours = Hours.office(
            holidays={("DE", "Bavaria"): public_holidays("DE", "BY", name="Bavaria")}
        )
        calendar = hours.calendar_of(Candidate(id="max", country="DE", region="Bavaria"))
        saturday = datetime(2026, 5, 23, 10)  # noqa: DTZ001
        found, reasons = hours.fit(saturday, Channel.EMAIL, calendar, offset=timedelta(0))
        assert WHIT_MONDAY + timedelta(days=1) == found.date()
        assert "Saturday → Monday" == reasons[0]
        assert reasons[1].endswith("Monday in Bavaria → Tuesday")
