"""Holidays and zone transitions: what day and what hour it is somewhere.

Reads    holidays (national public holidays), tzdata (IANA zones, the package's own files)
Writes   holidays(country, day, name)
         zone_transitions(zone, from_utc, offset_minutes)
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from importlib.resources import files
from zoneinfo import ZoneInfo

import holidays as holidays_package
import pyarrow as pa

from reference import geography

HOLIDAYS = pa.schema(
    [
        pa.field("country", pa.string(), nullable=False),
        pa.field("day", pa.date32(), nullable=False),
        pa.field("name", pa.string(), nullable=False),
    ]
)
# Milliseconds, because Parquet knows no timestamps in seconds.
ZONE_TRANSITIONS = pa.schema(
    [
        pa.field("zone", pa.string(), nullable=False),
        pa.field("from_utc", pa.timestamp("ms", "UTC"), nullable=False),
        pa.field("offset_minutes", pa.int16(), nullable=False),
    ]
)

FIRST_DAY = date(2018, 1, 1)
END_DAY = date(2036, 1, 1)
FIRST_SECOND = int(datetime(2018, 1, 1, tzinfo=UTC).timestamp())
END_SECOND = int(datetime(2036, 1, 1, tzinfo=UTC).timestamp())
DAY_SECONDS = 86_400
QUARTER_SECONDS = 900


def holiday_countries() -> list[str]:
    """Countries that have both a city and a holiday calendar."""
    supported = set(holidays_package.list_supported_countries(include_aliases=False))
    return [code for code in geography.country_codes() if code in supported]


def country_holidays(country: str) -> dict[date, str]:
    """A country's public holidays by day, in English where the package has it."""
    calendar = getattr(holidays_package, country)
    language = "en_US" if "en_US" in calendar.supported_languages else None
    years = range(FIRST_DAY.year, END_DAY.year)
    named = holidays_package.country_holidays(country, years=years, language=language)
    return {day: named[day] for day in sorted(named) if FIRST_DAY <= day < END_DAY}


def incomplete_calendars() -> list[str]:
    """Countries with years for which the package knows no holiday, as "LK (2018-2025)"."""
    found = []
    for country in holiday_countries():
        years = sorted({day.year for day in country_holidays(country)})
        if len(years) < END_DAY.year - FIRST_DAY.year:
            found.append(f"{country} ({years[0]}-{years[-1]})")
    return found


def holidays() -> pa.Table:
    """HOLIDAYS, one row per country and day, sorted by both."""
    return pa.Table.from_pylist(
        [
            {"country": country, "day": day, "name": name}
            for country in holiday_countries()
            for day, name in country_holidays(country).items()
        ],
        schema=HOLIDAYS,
    )


def zone(name: str) -> ZoneInfo:
    """A zone of the pinned tzdata package, never of the system."""
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as packed:
        return ZoneInfo.from_file(packed, key=name)


def _offset_minutes(rules: ZoneInfo, second: int) -> int:
    ahead = datetime.fromtimestamp(second, rules).utcoffset()
    assert ahead is not None
    minutes, rest = divmod(int(ahead.total_seconds()), 60)
    assert rest == 0
    assert minutes % 15 == 0
    assert -720 <= minutes <= 840
    return minutes


def transitions(name: str) -> Iterator[tuple[int, int]]:
    """(UTC second, offset in minutes from then on): FIRST_SECOND, then every change of the offset.

    Looks at every midnight, then at the quarter-hours of a day that changed something. A zone
    that changes twice within a day would be missed; in these years nine days is the least.
    """
    rules = zone(name)
    current = _offset_minutes(rules, FIRST_SECOND)
    yield FIRST_SECOND, current
    for midnight in range(FIRST_SECOND, END_SECOND, DAY_SECONDS):
        if _offset_minutes(rules, midnight + DAY_SECONDS) == current:
            continue
        second = midnight + QUARTER_SECONDS
        while _offset_minutes(rules, second) == current:
            second += QUARTER_SECONDS
        assert _offset_minutes(rules, second - 1) == current, f"{name}: within a quarter-hour"
        current = _offset_minutes(rules, second)
        if second < END_SECOND:
            yield second, current


def zone_transitions() -> pa.Table:
    """ZONE_TRANSITIONS, sorted by zone and time."""
    rows = [(name, *row) for name in geography.zones() for row in transitions(name)]
    return pa.Table.from_pydict(
        {
            "zone": [name for name, _, _ in rows],
            "from_utc": [second * 1000 for _, second, _ in rows],
            "offset_minutes": [minutes for _, _, minutes in rows],
        },
        schema=ZONE_TRANSITIONS,
    )
