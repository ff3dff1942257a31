"""The public holidays of a country or region, from the holidays package (``crmkit[holidays]``)."""

from collections.abc import Iterable
from datetime import date, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import attrs

from crmkit.errors import InvalidRecord, MissingExtra, UnknownName
from crmkit.model import _fields as fields

if TYPE_CHECKING:
    from holidays import HolidayBase

__all__ = ["PublicHolidays", "public_holidays"]

_ENGLISH = "en_US"


@attrs.frozen(repr=False)
class PublicHolidays:
    """A holiday calendar: ``date in calendar``, the day's name, and where it is one.

    Equal and hashed by what it was asked for. Made by `public_holidays`.
    """

    country: str
    region: str | None
    """The code of the region, such as ``BY``."""
    name: str
    """Where: the region, else the country, in words if there are any."""
    language: str | None
    years: tuple[int, ...] | None
    _days: "HolidayBase" = attrs.field(eq=False)
    _by_year: dict[int, dict[date, str]] = attrs.field(factory=dict, init=False, eq=False)
    """The package looks up a day in some microseconds; this is asked for every day of a year."""

    def __repr__(self) -> str:
        region = f", {self.region!r}" if self.region else ""
        language = f", language={self.language!r}" if self.language else ""
        years = "" if self.years is None else f", years={list(self.years)}"
        return f"public_holidays({self.country!r}{region}, name={self.name!r}{language}{years})"

    def __contains__(self, day: object, /) -> bool:
        return isinstance(day, date) and self.get(day) is not None

    def get(self, day: date) -> str | None:
        """Return the name of a holiday; None if the day is none."""
        if isinstance(day, datetime):
            day = day.date()
        names = self._by_year.get(day.year)
        if names is None:
            self._days.get(day)  # makes the days of its year known
            found = self._days.items()
            names = {each: str(name) for each, name in found if each.year == day.year}
            self._by_year[day.year] = names
        return names.get(day)


def public_holidays(
    country: str,
    region: str | None = None,
    *,
    name: str | None = None,
    language: str | None = None,
    years: Iterable[int] | None = None,
) -> PublicHolidays:
    """Return the public holidays of a country, or of one of its regions.

    ``country`` is its ISO 3166-1 code, ``region`` a code or name that the package knows (``"BY"``,
    ``"DE-BY"``, ``"Bayern"``). Days are named in ``language``: English if there are English names,
    else the country's own. ``name`` is what to call the place. ``years`` are the only ones looked
    at; without, any. Raises `UnknownName`, with near names, for a country, region or language
    that the package does not know, and `MissingExtra` without it.

    >>> bavaria = public_holidays("DE", "BY", name="Bavaria")
    >>> date(2026, 5, 25) in bavaria, date(2026, 5, 26) in bavaria
    (True, False)
    >>> public_holidays("DE", "Bayer")
    Traceback (most recent call last):
        ...
    crmkit.errors.UnknownName: region: 'Bayer' is not a region of DE; did you mean 'Bayern'?
    """
    try:
        import holidays
    except ImportError:
        raise MissingExtra("holidays", "public_holidays") from None

    code = _country(country)
    known = [key for key in holidays.list_supported_countries() if len(key) == 2]
    if code not in known:
        raise UnknownName.among("country", code, known, what="a country with known holidays")
    plain = holidays.country_holidays(code)
    found, called = _region(plain, code, region)
    spoken = _language(plain, language)
    asked = None if years is None else _years(years)
    days = holidays.country_holidays(
        code, subdiv=found, years=asked, language=spoken, expand=asked is None
    )
    where = fields.optional_text(name) or called or _called(plain, code)
    return PublicHolidays(code, found, where, spoken, asked, days)


def _country(value: object) -> str:
    try:
        return str(fields.optional_country(fields.text(value)))
    except InvalidRecord as error:
        raise error.under("country") from None


def _region(plain: "HolidayBase", country: str, region: str | None) -> tuple[str | None, str]:
    """Return the code of a region and its name, as far as there is one."""
    if region is None:
        return None, ""
    aliases: dict[str, str] = dict(getattr(plain, "subdivisions_aliases", {}))
    named: dict[str, str] = {}
    for alias, code in aliases.items():
        named.setdefault(code, alias)
    names = {code: code for code in plain.subdivisions} | aliases
    wanted = str(region).strip().casefold().removeprefix(f"{country.casefold()}-")
    for name, code in names.items():
        if name.casefold() == wanted:
            return code, named.get(code, code)
    raise UnknownName.among("region", region, names, what=f"a region of {country}")


def _language(plain: "HolidayBase", language: str | None) -> str | None:
    # Never None where there is a choice: the package would look at the environment.
    known = plain.supported_languages
    if language is None:
        return _ENGLISH if _ENGLISH in known else plain.default_language
    if language not in known:
        what = "a language in which these holidays are named"
        raise UnknownName.among("language", language, known, what=what)
    return language


def _years(years: Iterable[int]) -> tuple[int, ...]:
    found = tuple(sorted(set(years)))
    if not found or not all(type(year) is int and 1 <= year <= 9999 for year in found):
        raise InvalidRecord("years", f"expected years from 1 to 9999, got {list(found)}")
    return found


def _called(plain: Any, code: str) -> str:
    """Return the name of a country: that of its class in the package, as words."""
    name = next((cls.__name__ for cls in type(plain).__mro__ if len(cls.__name__) > 3), code)
    starts = [place for place, letter in enumerate(name) if letter.isupper()]
    return " ".join(name[begin:end] for begin, end in pairwise([*starts, len(name)])) or name
