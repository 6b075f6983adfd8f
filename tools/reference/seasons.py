"""Seasons and weekends: the days around which a country's spending turns.

Reads    holidays (its Islamic, Hindu, Chinese and Christian calendars, public and optional days)
Writes   seasons(country, season, day, days_before, days_after)
         weekends(country, from_day, rest_days)

A season is a feast with the days before and after it on which people spend otherwise: one row is
one year's. Seasons of the whole world have the country 001, as in UN M49.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from functools import cache

import holidays as holidays_package
import pyarrow as pa
from holidays.constants import OPTIONAL, PUBLIC

from reference.calendars import END_DAY, FIRST_DAY, holiday_countries

SEASONS = pa.schema(
    [
        pa.field("country", pa.string(), nullable=False),
        pa.field("season", pa.string(), nullable=False),
        pa.field("day", pa.date32(), nullable=False),
        pa.field("days_before", pa.int8(), nullable=False),
        pa.field("days_after", pa.int8(), nullable=False),
    ]
)
WEEKENDS = pa.schema(
    [
        pa.field("country", pa.string(), nullable=False),
        pa.field("from_day", pa.date32(), nullable=False),
        pa.field(
            "rest_days", pa.list_(pa.field("item", pa.int8(), nullable=False)), nullable=False
        ),
    ]
)

WORLD = "001"
YEARS = range(FIRST_DAY.year, END_DAY.year)
ONE_DAY = timedelta(days=1)
Feasts = Iterable[tuple[date, range]]

# Days before the feast, and the first day after those that still belong to it.
CHRISTMAS = range(-24, 2)  # From the first of December to the day after Christmas.
EASTER = range(-6, 2)
CARNIVAL = range(-3, 2)  # Saturday to Ash Wednesday; 0 is Shrove Tuesday.
CARNIVAL_BEFORE_EASTER = timedelta(days=47)
LUNAR_NEW_YEAR = range(-14, 7)
DIWALI = range(-21, 3)
EID_AL_ADHA = range(-5, 4)
EID_AL_FITR = range(4)
EPIPHANY = range(-5, 1)
BLACK_FRIDAY = range(4)  # The Friday after Thanksgiving up to Cyber Monday.
ONE = range(1)
OBON = range(4)


@cache
def _named(country: str, categories: tuple[str, ...] = (PUBLIC,)) -> dict[date, str]:
    """A country's days by name, optional ones too where asked; in English where the package can."""
    if country == WORLD:
        return {}
    calendar = getattr(holidays_package, country)
    language = "en_US" if "en_US" in calendar.supported_languages else None
    known = tuple(name for name in categories if name in calendar.supported_categories)
    named = holidays_package.country_holidays(
        country, years=YEARS, language=language, categories=known
    )
    return dict(named.items())


def _years_with(country: str, *words: str, optional: bool = False) -> dict[int, date]:
    """The first day of each year whose name holds one of some words."""
    categories = (PUBLIC, OPTIONAL) if optional else (PUBLIC,)
    found: dict[int, date] = {}
    for day, name in sorted(_named(country, categories).items()):
        if any(word in name for word in words):
            found.setdefault(day.year, day)
    return found


def _keeps(country: str, *words: str, optional: bool = False) -> bool:
    return len(_years_with(country, *words, optional=optional)) >= len(YEARS) // 2


def _keeps_christmas(country: str) -> bool:
    # Spain does not count a feast that falls on a Sunday, so not every year has it.
    days = sum((day.month, day.day) == (12, 25) for day in _named(country))
    return days >= len(YEARS) // 2


def christmas(country: str) -> Feasts:
    """25 December where it is a public holiday."""
    if _keeps_christmas(country):
        yield from ((date(year, 12, 25), CHRISTMAS) for year in YEARS)


def easter(country: str) -> Feasts:
    """Easter Sunday of the country's own church, where Christmas is a public holiday."""
    if _keeps_christmas(country):
        yield from ((_easter_sunday(country, year), EASTER) for year in YEARS)


def _easter_sunday(country: str, year: int) -> date:
    calendar = getattr(holidays_package, country)(years=year)
    if not hasattr(calendar, "_easter_sunday"):
        calendar = holidays_package.US(years=year)
    return calendar._easter_sunday


def carnival(country: str) -> Feasts:
    """Shrove Tuesday where carnival is a public or an optional holiday."""
    if _keeps(country, "Carnival", optional=True):
        for year in YEARS:
            yield _easter_sunday(country, year) - CARNIVAL_BEFORE_EASTER, CARNIVAL


def lunar_new_year(country: str) -> Feasts:
    """New Year of the Chinese lunisolar calendar where the country keeps it."""
    if _keeps(country, "Chinese New Year", "Lunar New Year", "Korean New Year", "Spring Festival"):
        calendar = holidays_package.calendars.chinese._ChineseLunisolar()
        for year in YEARS:
            day, _ = calendar.lunar_new_year_date(year)
            if day is not None:
                yield day, LUNAR_NEW_YEAR


def diwali(country: str) -> Feasts:
    """Diwali where it is a public holiday: India's own day there, the world's elsewhere."""
    if _keeps(country, "Diwali", "Deepavali"):
        calendar = holidays_package.calendars.hindu._HinduLunisolar()
        wanted = calendar.diwali_india_date if country == "IN" else calendar.diwali_date
        for year in YEARS:
            day, _ = wanted(year)
            if day is not None:
                yield day, DIWALI


def _islamic(country: str, feast: str) -> list[date]:
    """Days of a feast by the calendar that the package has for the country."""
    calendar = getattr(holidays_package, country)(years=YEARS.start)._islamic_calendar
    dates = {day for year in YEARS for day, _ in getattr(calendar, f"{feast}_dates")(year)}
    return sorted(dates)


def ramadan(country: str) -> Feasts:
    """Every day of the fast, up to the eve of the feast; 0 is the first."""
    if _keeps(country, "Eid al-Fitr", "Eid-ul-Fitr"):
        feasts = _islamic(country, "eid_al_fitr")
        for begin in _islamic(country, "ramadan_beginning"):
            end = next((day for day in feasts if day > begin), None)
            if end is not None:
                yield begin, range((end - begin).days)


def eid_al_fitr(country: str) -> Feasts:
    """The end of the fast where it is a public holiday."""
    if _keeps(country, "Eid al-Fitr", "Eid-ul-Fitr"):
        yield from ((day, EID_AL_FITR) for day in _islamic(country, "eid_al_fitr"))


def eid_al_adha(country: str) -> Feasts:
    """The feast of sacrifice where it is a public holiday."""
    if _keeps(country, "Eid al-Adha", "Eid-ul-Adha"):
        yield from ((day, EID_AL_ADHA) for day in _islamic(country, "eid_al_adha"))


def epiphany(country: str) -> Feasts:
    """6 January in Spain, where the kings bring the presents."""
    if country == "ES":
        yield from ((date(year, 1, 6), EPIPHANY) for year in YEARS)


def el_gordo(country: str) -> Feasts:
    """The Spanish Christmas lottery is drawn on 22 December."""
    if country == "ES":
        yield from ((date(year, 12, 22), ONE) for year in YEARS)


def golden_week(country: str) -> Feasts:
    """From Showa Day to the last holiday of the first week of May, the days between included."""
    if country == "JP":
        for year in YEARS:
            days = [day for day in _named(country) if date(year, 4, 29) <= day <= date(year, 5, 6)]
            yield min(days), range((max(days) - min(days)).days + 1)


def obon(country: str) -> Feasts:
    """13 to 16 August, when Japan goes home; no public holiday, so the package does not know it."""
    if country == "JP":
        yield from ((date(year, 8, 13), OBON) for year in YEARS)


def black_friday(country: str) -> Feasts:
    """The four days after American Thanksgiving, everywhere."""
    if country == WORLD:
        for day in _years_with("US", "Thanksgiving").values():
            yield day + ONE_DAY, BLACK_FRIDAY


def singles_day(country: str) -> Feasts:
    """11 November, everywhere."""
    if country == WORLD:
        yield from ((date(year, 11, 11), ONE) for year in YEARS)


RULES: dict[str, Callable[[str], Feasts]] = {
    rule.__name__: rule
    for rule in (
        black_friday,
        carnival,
        christmas,
        diwali,
        easter,
        eid_al_adha,
        eid_al_fitr,
        el_gordo,
        epiphany,
        golden_week,
        lunar_new_year,
        obon,
        ramadan,
        singles_day,
    )
}


def seasons() -> pa.Table:
    """SEASONS, sorted by country, season and day; every feast that reaches into the years."""
    rows = [
        {
            "country": country,
            "season": season,
            "day": feast,
            "days_before": -around.start,
            "days_after": around.stop - 1,
        }
        for country in (WORLD, *holiday_countries())
        for season, rule in RULES.items()
        for feast, around in sorted(rule(country), key=lambda pair: pair[0])
        if feast + timedelta(days=around.stop - 1) >= FIRST_DAY
        and feast + timedelta(days=around.start) < END_DAY
    ]
    return pa.Table.from_pylist(rows, schema=SEASONS)


def weekends() -> pa.Table:
    """WEEKENDS, one row per country and change: ISO days of rest from a day on.

    The package answers for days; a change is looked for on the first of each month, which is when
    countries have made theirs. Countries without a calendar rest on Saturday and Sunday.
    """
    rows = []
    for country in holiday_countries():
        calendar = getattr(holidays_package, country)(years=range(FIRST_DAY.year, END_DAY.year))
        last: list[int] | None = None
        for year in range(FIRST_DAY.year, END_DAY.year):
            for month in range(1, 13):
                first = date(year, month, 1)
                week = [first + timedelta(days=step) for step in range(7)]
                rest = sorted(day.isoweekday() for day in week if calendar._is_weekend(day))
                if rest != last:
                    rows.append({"country": country, "from_day": first, "rest_days": rest})
                    last = rest
    return pa.Table.from_pylist(rows, schema=WEEKENDS)
